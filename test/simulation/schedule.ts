/**
 * A run as data: who is there, who lies, and what happens when. Drawn from a seed (draw.ts), carried out on a world (deeds.ts), shrunk when it
 * fails (shrink.ts), and kept as a file once it has found something.
 */

import type { GenesisParameters } from '../../src/chain/genesis.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import type { MemberId } from '../../src/node/ports.ts'
import type { WireMessage } from '../../src/node/wire.ts'
import type { Trick } from './liar.ts'

export interface Schedule {
  readonly memberCount: number
  /** Organisations that are no members at first, and may join. */
  readonly joining?: number
  /** Of the ledger, where they are not the usual ones. */
  readonly parameters?: Partial<GenesisParameters>
  /** Chance inside the run: election time-outs, nonces, jitter, what a liar comes up with. */
  readonly seed: number
  /** By member, the names of its tricks. */
  readonly liars: Readonly<Record<MemberId, readonly Trick[]>>
  /** Virtual milliseconds after which the faults are over. */
  readonly until: number
  /** Ascending in time. */
  readonly steps: readonly Step[]
}

export interface Step {
  /** Virtual milliseconds since the start. */
  readonly at: number
  readonly deed: Deed
}

/** What may happen. A deed that finds nothing to do — killing what does not run — does nothing. */
export type Deed =
  // The clients' life.
  | {
      readonly kind: 'submit'
      readonly at: MemberId
      readonly owner: MemberId
      readonly key: string
      readonly value: string
    }
  | {
      readonly kind: 'read'
      readonly at: MemberId
      readonly owner: MemberId
      readonly key: string
      readonly value: string
      readonly newest: boolean
    }
  /** More at once than one block holds, at whoever leads: several blocks are then on their way together. */
  | { readonly kind: 'burst'; readonly owner: MemberId; readonly count: number; readonly waves: number }
  // Processes and machines.
  | { readonly kind: 'start'; readonly member: MemberId }
  | { readonly kind: 'stop'; readonly member: MemberId }
  | { readonly kind: 'crash'; readonly member: MemberId; readonly phases: PhaseCount }
  | { readonly kind: 'machine-gone'; readonly member: MemberId; readonly phases: PhaseCount }
  | { readonly kind: 'power-cut'; readonly phases: readonly PhaseCount[] }
  | { readonly kind: 'pause'; readonly member: MemberId }
  | { readonly kind: 'resume'; readonly member: MemberId }
  // The network.
  | { readonly kind: 'partition'; readonly groups: readonly (readonly MemberId[])[] }
  | { readonly kind: 'isolate'; readonly member: MemberId; readonly direction: 'both' | 'from' | 'to' }
  | { readonly kind: 'cut'; readonly from: MemberId; readonly to: MemberId }
  | { readonly kind: 'heal' }
  | { readonly kind: 'break'; readonly one: MemberId; readonly other: MemberId }
  | { readonly kind: 'clog'; readonly from: MemberId; readonly to: MemberId; readonly ms: number }
  | {
      readonly kind: 'delay'
      readonly from: MemberId
      readonly to: MemberId
      readonly ms: number
      readonly jitterMs: number
    }
  | { readonly kind: 'narrow'; readonly from: MemberId; readonly to: MemberId; readonly bytesPerMs: number }
  // Both, where it hurts most. Whoever leads is alone, and may not know for how long; it goes on before its wires are whole again.
  | { readonly kind: 'strand'; readonly pausedMs: number; readonly forMs: number }
  /** The next to say `on` is cut off while it says so (ambush.ts). */
  | {
      readonly kind: 'ambush'
      readonly on: WireMessage['kind']
      /** These still hear it. */
      readonly reached: readonly MemberId[]
      /** And are cut off from the others with it. */
      readonly isApart: boolean
      /** `from`: it still hears everybody. */
      readonly direction: 'both' | 'from'
      readonly forMs: number
      readonly crash?: { readonly afterMs: number; readonly phases: PhaseCount; readonly downMs: number }
    }
  // Disks.
  | { readonly kind: 'slow-disk'; readonly member: MemberId; readonly ms: number }
  | { readonly kind: 'slow-leader-disk'; readonly ms: number }
  | { readonly kind: 'write-fails'; readonly member: MemberId; readonly phases: PhaseCount }
  | { readonly kind: 'fill-disk'; readonly member: MemberId; readonly freeBytes: number }
  | { readonly kind: 'free-disk'; readonly member: MemberId }
  // Disks that break their word; only for a member that the quorum can do without. `row`: which of its rows, in permille of all.
  | { readonly kind: 'rot'; readonly member: MemberId; readonly row: number; readonly bit: number }
  | { readonly kind: 'lose-row'; readonly member: MemberId; readonly row: number }
  | { readonly kind: 'unreadable'; readonly member: MemberId; readonly row: number }
  | { readonly kind: 'misdirect'; readonly member: MemberId; readonly row: number; readonly to: number }
  | { readonly kind: 'damage-slot'; readonly member: MemberId; readonly slot: 'vote' | 'head' }
  | { readonly kind: 'wipe'; readonly member: MemberId }
  | { readonly kind: 'backup'; readonly member: MemberId }
  | { readonly kind: 'restore'; readonly member: MemberId }
  | { readonly kind: 'clone'; readonly member: MemberId; readonly peers: readonly MemberId[] }
  // Members come, go and are replaced: a statement closes the epoch for these (reconfigure.ts). `renew`: whose nodes are gone for good by then.
  | {
      readonly kind: 'reconfigure'
      readonly at: MemberId
      readonly key: string
      readonly members: readonly MemberId[]
      readonly renew: readonly MemberId[]
      /** Whoever leads when it is handed in is left out. */
      readonly isWithoutLeader: boolean
    }
  // Clocks. `rate`: how fast this one goes; 0 stands still.
  | { readonly kind: 'clock'; readonly member: MemberId; readonly offsetMs: number; readonly rate: number }
