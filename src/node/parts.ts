/**
 * The parts of a node, as the loop (replica.ts) holds them. Some last as long as the node, from lasting-parts.ts; the others are those of one epoch:
 * when it ends, they are made anew (epoch-parts.ts), from where the disk then stands. Whoever puts them together gives each only what it names.
 */
import type { Attestation } from '../chain/block.ts'
import type { Height } from '../chain/numbers.ts'
import type { MemberId } from '../consensus/message.ts'
import type { Raft } from '../consensus/raft.ts'
import type { BlockStore } from './block-store.ts'
import type { BoxKeeper } from './box-keeper.ts'
import type { CatchUp } from './catch-up.ts'
import type { Checking } from './checking.ts'
import type { Cosigning } from './cosigning.ts'
import type { DiskCycle } from './disk-cycle.ts'
import type { Driver } from './driver.ts'
import type { Evidence } from './evidence.ts'
import type { Fencing } from './fencing.ts'
import type { HeadKeeper } from './head-keeper.ts'
import type { Inbox } from './inbox.ts'
import type { Intake } from './intake.ts'
import type { LateBatches } from './late-batches.ts'
import type { Executed, Ledger } from './ledger.ts'
import type { Outbox } from './outbox.ts'
import type { Disk } from './ports.ts'
import type { Repair } from './repair.ts'
import type { RulesAhead } from './rules-ahead.ts'
import type { Sealing } from './sealing.ts'
import type { SigningPermit } from './signing-permit.ts'
import type { VerifiedItems } from './verified-items.ts'
import type { Vouching } from './vouching.ts'

/** Who this node is. */
export interface NodeName {
  readonly member: MemberId
  readonly node: string
}

/** The intake lasts too, but is made after start-up: it goes on from the head file's count of the journal. */
export interface LastingParts {
  /** The port, whose callbacks are guarded. */
  readonly disk: Disk
  readonly cycle: DiskCycle
  readonly store: BlockStore
  readonly items: VerifiedItems
  readonly head: HeadKeeper
  readonly permit: SigningPermit
  readonly outbox: Outbox
  /** What was signed in one epoch is signed for ever. */
  readonly evidence: Evidence
  /** The quiet box: what is handed in for tenders that are still closed to all eyes. */
  readonly boxes: BoxKeeper
  readonly rulesAhead: RulesAhead
}

export interface EpochParts {
  readonly raft: Raft
  readonly driver: Driver
  readonly inbox: Inbox
  readonly ledger: Ledger
  readonly vouching: Vouching
  readonly sealing: Sealing
  readonly checking: Checking
  readonly cosigning: Cosigning
  readonly catchUp: CatchUp
  readonly repair: Repair
  readonly fencing: Fencing
  readonly lateBatches: LateBatches
  /** Who waits for an answer gets it in whichever epoch comes: handed on from one to the next. */
  readonly intake: Intake
  readonly incarnation: number
  /** This node is in the list, with the key that it cosigns with: not another of its organisation, nor itself before a re-founding. */
  readonly isMember: boolean
  /** The chain holds a fault proof of this node's key. It counts as before, and its batches are taken no more (rule 21). */
  readonly isFrozen: () => boolean
}

/** What the parts ask of the loop around them. */
export interface Loop {
  /** Runs an event; completions come back through it. */
  readonly turn: (event: () => void) => void
  /** For what comes back outside of an event. */
  readonly guard: (event: () => void) => void
  /** Does what the core wants now, in the middle of an event. */
  readonly carryOut: () => void
  /** Those of the epoch that is now; undefined while the disk is being read. */
  readonly parts: () => EpochParts | undefined
  /** Likewise, for what is asked of a running node only. */
  readonly running: () => EpochParts
  readonly connected: ReadonlySet<MemberId>
  /** Calls back with a height that was committed when this was asked; never, if no leader answers. */
  readonly readIndex: (done: (height: Height) => void) => void
  readonly onReadReady: (context: number, height: Height) => void
  readonly onCommitted: (executed: Executed) => void
  readonly onAttested: (attestation: Attestation) => void
  readonly onRefounding: (from: MemberId, bytes: Uint8Array) => void
  /** What is committed, or attested, may end the epoch. */
  readonly endEpochIfOver: () => void
}
