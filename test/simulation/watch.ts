/**
 * What can be seen of a run, as it happens. Invariants, the client oracle, the counters and the trace are all watches. A watch looks only at
 * what an event touched, draws nothing from chance and changes nothing; what it finds wrong it reports to the world and goes on.
 */
import type { Attestation } from '../../src/chain/block.ts'
import type { Executed } from '../../src/node/ledger.ts'
import type { DiskWrite, MemberId } from '../../src/node/ports.ts'
import type { WireMessage } from '../../src/node/wire.ts'
import type { NodeProcess } from './node-process.ts'
import type { Word } from './word.ts'

/** Only honest processes are watched, except by `word`: what a liar signs is evidence too. */
export interface Watch {
  /** A process is about to read its disk. */
  starting?(process: NodeProcess): void
  /** It reads no more, is open for peers and has told its incarnation. */
  started?(process: NodeProcess): void
  /** Killed, stopped or dead by itself; its medium is what is left. */
  ended?(process: NodeProcess): void
  /** It handed this to the network. */
  sent?(process: NodeProcess, to: MemberId, message: WireMessage): void
  /** One of its keys signed this. */
  word?(process: NodeProcess, word: Word): void
  /** These writes are durable now. */
  wrote?(process: NodeProcess, write: DiskWrite): void
  committed?(process: NodeProcess, executed: Executed): void
  attested?(process: NodeProcess, attestation: Attestation): void
  /** An event of this process is over: its state may be looked at. */
  turned?(process: NodeProcess): void
  /** A client was told something that must stay true. */
  answered?(answer: Answer): void
  /** The faults are over; a quorum of honest processes runs and is connected. */
  healed?(): void
  /** The run is over and the ledger is at rest. */
  finished?(): void
}

export type WatchKind = keyof Watch

export const watchKinds = Object.keys({
  starting: true,
  started: true,
  ended: true,
  sent: true,
  word: true,
  wrote: true,
  committed: true,
  attested: true,
  turned: true,
  answered: true,
  healed: true,
  finished: true,
} satisfies Record<WatchKind, true>) as readonly WatchKind[]

/** What a member's node told a client. */
export type Answer =
  /** 202: the statement is in the journal and will be answered by then. */
  | { readonly kind: 'receipt'; readonly member: MemberId; readonly statement: string; readonly by: number }
  /** 201, or 200 for a repeated one: this statement is attested at this index. */
  | { readonly kind: 'record'; readonly member: MemberId; readonly statement: string; readonly index: number }
  /** The ledger has refused it, and says so at this index. */
  | {
      readonly kind: 'refusal'
      readonly member: MemberId
      readonly statement: string
      readonly index: number
      readonly code: string
    }
  /** Nothing was taken in. */
  | { readonly kind: 'rejected'; readonly member: MemberId; readonly statement: string; readonly code: string }
  /** A linearizable read: where the statement stands, if it does. */
  | { readonly kind: 'read'; readonly member: MemberId; readonly statement: string; readonly index: number | undefined }

/** A broken promise: which one, by whom, how. The run ends with the first. */
export interface Violation {
  readonly invariant: string
  readonly text: string
  /** Virtual milliseconds since the start. */
  readonly at: number
}
