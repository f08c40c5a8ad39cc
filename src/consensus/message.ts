/**
 * What members say to each other about the order of blocks. The core only ever sees messages whose signatures and certificates
 * the node has checked (protocol.md rule 2); everything not signed here — tails, commit heights, pre-votes — is a hint and proves nothing.
 */
import type { Ack, BlockCertificate, BlockRef, ElectionCertificate, Lock, Vote } from '../chain/certificate.ts'
import type { Height, Term } from '../chain/numbers.ts'

export type MemberId = string

/** (term, height), compared in that order. */
export interface Rank {
  readonly term: Term
  readonly height: Height
}

export const compareRanks = (a: Rank, b: Rank): number => a.term - b.term || a.height - b.height

/** A block as the core sees it: opaque, but for its place in the chain. */
export interface BlockMeta extends BlockRef {
  /** Id of the block before it. */
  readonly parent: string
  /** Encoded length, for the windows. */
  readonly bytes: number
}

/** "Would you vote for me in this term?" Changes nobody's term. */
export interface PreVote {
  readonly kind: 'pre-vote'
  readonly term: Term
  readonly base: Rank
  readonly handover: boolean
}

export interface PreVoteReply {
  readonly kind: 'pre-vote-reply'
  readonly term: Term
  readonly granted: boolean
  /** The voter's own term: a candidate that is behind stands above it next time. */
  readonly ownTerm: Term
  /** The voter's lock, when it outranks the candidate's base. */
  readonly lock?: BlockCertificate
}

export interface VoteRequest {
  readonly kind: 'vote-request'
  readonly term: Term
  readonly base: BlockRef
  /** Proves that base is certified; absent only for genesis. */
  readonly certificate?: BlockCertificate
  /** The current leader asked for this election. */
  readonly handover: boolean
}

export interface VoteReply {
  readonly kind: 'vote-reply'
  readonly term: Term
  readonly granted: boolean
  readonly ownTerm: Term
  readonly vote?: { readonly signed: Vote; readonly signature: Uint8Array }
  readonly lock?: BlockCertificate
}

/** EC(t) and the proof of its base: makes a leader, and moves whoever sees it to the term (rule 6). */
export interface Elected {
  readonly kind: 'elected'
  readonly election: ElectionCertificate
  readonly certificate?: BlockCertificate
}

export interface Heartbeat {
  readonly kind: 'heartbeat'
  readonly term: Term
  readonly lock: Rank
  readonly commit: Height
  /** Highest block of this term with a QC; whoever acknowledged more repeats its last acknowledgement. */
  readonly certified: Height
  readonly round: number
}

export interface HeartbeatReply {
  readonly kind: 'heartbeat-reply'
  /** The term of the heartbeat answered. */
  readonly term: Term
  readonly ownTerm: Term
  /** Highest block of mine on the leader's chain, once I hold its base. */
  readonly position?: { readonly height: Height; readonly id: string }
  readonly lock: Rank
  readonly commit: Height
  readonly round: number
}

export interface SignedAck {
  readonly kind: 'ack'
  readonly base: BlockRef
  readonly block: BlockRef
  readonly signature: Uint8Array
}

export interface SignedLock {
  readonly kind: 'lock'
  readonly block: BlockRef
  readonly signature: Uint8Array
}

/** A QC or CC, passed on. */
export interface Certified {
  readonly kind: 'certified'
  readonly certificate: BlockCertificate
}

/** Why a block was not acknowledged; `lock` carries the certificate that stands against it. */
export interface BlockRefused {
  readonly kind: 'block-refused'
  readonly term: Term
  readonly height: Height
  readonly id: string
  readonly code: string
  readonly lock?: BlockCertificate
}

/** The leader asks everybody to let this member stand now. */
export interface Handover {
  readonly kind: 'handover'
  readonly term: Term
  readonly to: MemberId
}

export interface ReadRequest {
  readonly kind: 'read-request'
  readonly context: number
}

export interface ReadReply {
  readonly kind: 'read-reply'
  readonly context: number
  readonly height: Height
}

export type Message =
  | PreVote
  | PreVoteReply
  | VoteRequest
  | VoteReply
  | Elected
  | Heartbeat
  | HeartbeatReply
  | SignedAck
  | SignedLock
  | Certified
  | BlockRefused
  | Handover
  | ReadRequest
  | ReadReply

/** What a member's own signature over a vote, acknowledgement or lock is sent as. */
export function signedMessage(signed: Vote | Ack | Lock, signature: Uint8Array): Message {
  switch (signed.kind) {
    case 'vote':
      return { kind: 'vote-reply', term: signed.term, granted: true, ownTerm: signed.term, vote: { signed, signature } }
    case 'ack':
      return { kind: 'ack', base: signed.base, block: signed.block, signature }
    case 'lock':
      return { kind: 'lock', block: signed.block, signature }
  }
}
