/**
 * All that a node needs from outside. Each port has a real and a simulated implementation under one contract suite
 * (`test/contract`). Between the ports the node is synchronous: an event comes in, calls go out, and every completion comes back
 * as an event of its own, never before the call returned. No implementation throws for what the world does wrong, except that a
 * failed write or fsync is fatal and is reported through `onFatal`.
 */

/** A member's id, as in the genesis record. */
export type MemberId = string

export interface Clock {
  /** Milliseconds since 1970 by this machine's clock; may jump. */
  wall(): number
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number
  /** Calls `wake` once, at least `ms` later. Returns a function that cancels it; calling that twice is harmless. */
  after(ms: number, wake: () => void): () => void
}

export interface Random {
  bytes(length: number): Uint8Array
  /** Uniform natural number below `limit` (limit ≤ 2^32). */
  below(limit: number): number
}

/** Three streams per peer, so that a large transfer never delays a heartbeat. */
export type Lane = 'control' | 'append' | 'bulk'
export const lanes: readonly Lane[] = ['control', 'append', 'bulk']

export interface NetworkHandlers {
  /**
   * A whole message of a peer that passed the handshake. The receiver calls `release` (once) when it no longer holds the bytes;
   * only then does the sender get its credit back. Messages of one lane arrive in order, without gaps, until the peer goes down.
   */
  onMessage(peer: MemberId, lane: Lane, bytes: Uint8Array, release: () => void): void
  /** All lanes to the peer are open (true) or lost (false). What was sent and not yet delivered when it went down is lost. */
  onPeer(peer: MemberId, up: boolean): void
}

export interface Network {
  start(handlers: NetworkHandlers): void
  /**
   * Queues a message; dropped silently when the peer is down, which it is until `onPeer` has said that it is up: what is sent from there goes first.
   * Messages are at most `messageBytesMax`.
   */
  send(peer: MemberId, lane: Lane, bytes: Uint8Array): void
  /** Bytes queued or sent on this lane for which the receiver has not yet given credit back. */
  unacknowledged(peer: MemberId, lane: Lane): number
}

/** Bytes of the largest message on any lane: a block of `blockBytesMax` (1 MiB) and its envelope. */
export const messageBytesMax = 1_100_000
/** Bytes a sender keeps in flight per lane before it waits for credit (measured: layout.md, Measured traps). */
export const laneCreditBytes = 256 * 1024

/** A row of the ordered key-value store; without a value: delete. */
export interface Row {
  readonly key: Uint8Array
  readonly value?: Uint8Array
}

/**
 * One write cycle. In this order, each durable before the next begins: vote slot, batch (atomic), head slot.
 * A slot file holds two copies, written and fsynced one after the other.
 */
export interface DiskWrite {
  readonly vote?: Uint8Array
  readonly rows?: readonly Row[]
  readonly head?: Uint8Array
}

/** What a slot file holds: its newest intact content, nothing yet, or damage in both copies (protocol rule 18). */
export type Slot =
  | { readonly kind: 'intact'; readonly bytes: Uint8Array }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged' }

/** Keys k with gte ≤ k < lt, ascending, or descending when `reverse`; at most `limit` of them. */
export interface Range {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
}

export interface Disk {
  /** The newest written value, synchronously. The caller must not change the bytes. */
  get(key: Uint8Array): Uint8Array | undefined
  /** The same, copied to the beginning of `into` if there is room for all of it; says how many bytes the value has. */
  getInto(key: Uint8Array, into: Uint8Array): number | undefined
  /**
   * Visits the rows of a range that were there when the scan began, then calls `done`; with false if not all of them could be read: what
   * is not visited is then not known to be absent. `visit` returns false to stop early.
   */
  scan(
    range: Range,
    visit: (key: Uint8Array, value: Uint8Array) => boolean | undefined,
    done: (whole: boolean) => void,
  ): void
  /** Makes everything in `write` durable, then calls `done`. One cycle at a time: a second call before `done` is a bug. */
  write(write: DiskWrite, done: () => void): void
  /** What the slot files held when the disk was opened. */
  slots(): { readonly vote: Slot; readonly head: Slot }
  freeBytes(): number
}

export interface SignatureCheck {
  /** Algorithm-tagged public key. */
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

export interface Verifier {
  /** Checks by the ledger's own rule (docs/protocol.md); `done` gets one verdict per check, in order. */
  check(checks: readonly SignatureCheck[], done: (verdicts: readonly boolean[]) => void): void
}

/** Which of the node's keys signs; each has one job and signs nothing else. */
export type SigningPurpose = 'seal' | 'log' | 'cosign' | 'centre'

export interface Signer {
  /** Algorithm-tagged public key; undefined when this signer does not hold that key. */
  publicKey(purpose: SigningPurpose): Uint8Array | undefined
  sign(purpose: SigningPurpose, message: Uint8Array, done: (signature: Uint8Array) => void): void
}

/**
 * The adapters of one node. `onFatal` reports what the node cannot survive: the process logs it and stops. With a code it is nothing that a
 * restart mends: a person has to do what the code's words say.
 */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly disk: Disk
  readonly verifier: Verifier
  readonly signer: Signer
  readonly log: Log
  readonly onFatal: (reason: string, code?: string) => void
}

/** Structured log for the operator: the event first, then fields that have the same names everywhere. Never keys or payloads. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>
