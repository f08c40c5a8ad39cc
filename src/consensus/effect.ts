/**
 * What the core asks its driver to do, in the order given. Two duties make the protocol safe and both are the driver's: a write
 * effect reaches the disk before anything `afterDurable` that follows it leaves the node, and nothing is reordered.
 */
import type { Ack, BlockCertificate, BlockRef, ElectionCertificate, Lock, Vote } from '../chain/certificate.ts'
import type { Height, Term } from '../chain/numbers.ts'
import type { BlockMeta, MemberId, Message, Rank } from './message.ts'

/** Kept on disk in the vote file. `candidate` null: moved to this term without voting in it. */
export interface VoteState {
  readonly term: Term
  readonly candidate: MemberId | null
  readonly base: BlockRef | null
  /** A certificate moved this node off what it had acknowledged in the term: it acknowledges nothing more in it (rule 8). */
  readonly ackBarred: boolean
}

/** Kept on disk in the head file (protocol.md rules 3 and 8). */
export interface LockState {
  readonly block: BlockRef
  /** Absent for the start of the epoch, and for a block reached through an attested checkpoint alone: such a lock cannot be stood on. */
  readonly certificate?: BlockCertificate
  /** Highest rank this node ever locked in a term below the lock's own. */
  readonly lowerTermRank: Rank
}

export type Effect =
  | { readonly kind: 'save-vote'; readonly vote: VoteState }
  | { readonly kind: 'save-lock'; readonly lock: LockState }
  /** Put the block, which the driver holds, and the raised watermark on disk. */
  | { readonly kind: 'append'; readonly block: BlockMeta }
  /** Drop every block above this height: lower the watermark, fsync, then delete (rule 11). */
  | { readonly kind: 'truncate'; readonly above: Height }
  /** When all writes so far are durable: sign, hand the result back through `receive(self, …)`, and send it to these members. */
  | { readonly kind: 'sign'; readonly signable: Vote | Ack | Lock; readonly to: readonly MemberId[] }
  | { readonly kind: 'send'; readonly to: MemberId; readonly message: Message; readonly afterDurable: boolean }
  | { readonly kind: 'send-blocks'; readonly to: MemberId; readonly from: Height; readonly through: Height }
  /** Blocks up to here are replicated. `certified`: the heights among them, ascending, for which a QC or CC was seen (rule 15). */
  | { readonly kind: 'commit'; readonly height: Height; readonly certified: readonly Height[] }
  /**
   * Seal the first block of this term on base, carrying both certificates (rule 7), then one block after the other. Sealing takes time:
   * before `propose`, role, term and tail must still be what they were.
   */
  | {
      readonly kind: 'lead'
      readonly election: ElectionCertificate
      readonly base: BlockRef
      readonly certificate?: BlockCertificate
    }
  /**
   * The block that this certificate is about is not on my chain: get it and its ancestors, check them, then `adopt`. Asked again every
   * few ticks until it is here or not wanted any more: the driver keeps one fetch for a block under way, and tries another peer next time.
   */
  | { readonly kind: 'fetch'; readonly certificate: BlockCertificate }
  | {
      readonly kind: 'role'
      readonly role: Role
      readonly term: Term
      readonly leader: MemberId | null
      readonly reason: string
    }
  | { readonly kind: 'read-ready'; readonly context: number; readonly height: Height }
  /** Stop signing, keep serving, publish what contradicts (more than f members lie, or we are wrong). */
  | { readonly kind: 'halt'; readonly reason: string; readonly certificate?: BlockCertificate }

export type Role = 'follower' | 'candidate' | 'leader'
