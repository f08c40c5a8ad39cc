/**
 * What the other members say in one epoch: each message is decoded, given to the part whose subject it is, and for the core checked first,
 * since the core is given facts only (protocol.md, rule 2). What is malformed or badly signed is dropped by name. The sender gets its credit
 * back at once, unless much of it waits to be checked: signatures come in faster than they are checked, and a member could else pile up what
 * waits until this node has no memory left. Blocks hold it until they are checked, however few.
 */
import { type Batch, decodeBatch } from '../chain/batch.ts'
import { CborError } from '../chain/cbor.ts'
import { epochNumbered } from '../chain/epoch.ts'
import { epochOf } from '../chain/execution.ts'
import type { MemberId, Message } from '../consensus/message.ts'
import type { Raft } from '../consensus/raft.ts'
import type { CatchUp } from './catch-up.ts'
import type { Checking } from './checking.ts'
import type { Cosigning } from './cosigning.ts'
import type { Evidence } from './evidence.ts'
import type { Fencing } from './fencing.ts'
import type { LateBatches } from './late-batches.ts'
import type { Ledger } from './ledger.ts'
import { uncheckedBytesMax } from './limits.ts'
import type { Log } from './ports.ts'
import type { Repair } from './repair.ts'
import type { RulesAhead } from './rules-ahead.ts'
import type { Sealing } from './sealing.ts'
import type { Vouching } from './vouching.ts'
import { type BatchMessage, decodeMessage, type NodeMessage, type WireMessage } from './wire.ts'

export interface InboxOptions {
  /** Who is not in the list has no part in consensus (rule 20). */
  readonly isMember: boolean
}

export interface InboxDependencies {
  readonly raft: Raft
  readonly ledger: Ledger
  readonly vouching: Vouching
  readonly fencing: Fencing
  readonly checking: Checking
  readonly sealing: Sealing
  readonly lateBatches: LateBatches
  readonly cosigning: Cosigning
  readonly catchUp: CatchUp
  readonly repair: Repair
  readonly evidence: Evidence
  readonly rulesAhead: RulesAhead
  readonly log: Log
  readonly turn: (event: () => void) => void
  readonly send: (to: MemberId, message: NodeMessage) => void
  /** The certificate of a re-founding; nothing of it has been checked. */
  readonly onRefounding: (from: MemberId, bytes: Uint8Array) => void
}

export class Inbox {
  readonly #options: InboxOptions
  readonly #deps: InboxDependencies
  /** Of each peer: what waits to be checked, but for blocks. */
  readonly #uncheckedBytes = new Map<MemberId, number>()

  constructor(options: InboxOptions, dependencies: InboxDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  /** `release` gives the sender its credit back. Twice is harmless. */
  receive(from: MemberId, bytes: Uint8Array, release: () => void): void {
    let message: WireMessage
    try {
      message = decodeMessage(bytes)
    } catch (error) {
      release()
      if (!(error instanceof CborError) && !(error instanceof RangeError)) throw error
      return this.#deps.log.warn('message malformed', { member: from, reason: error.message })
    }
    const { fencing, cosigning, catchUp, repair, checking, evidence } = this.#deps
    switch (message.kind) {
      case 'block':
        return this.#options.isMember && fencing.counts(from) ? checking.offer(from, message.block, release) : release()
      case 'blocks-response':
        if (!repair.expects(from, message)) return catchUp.receive(from, message, release)
        release()
        return repair.receive(message)
      case 'batch':
        return this.#onBatch(from, message, this.#letIn(from, bytes, release))
      case 'blocks-request':
        release()
        return catchUp.serve(from, message.from)
      case 'hello': {
        release()
        fencing.receive(from, message)
        const refounding = this.#refoundingAfter(message.epoch)
        if (refounding !== undefined) this.#deps.send(from, { kind: 'refounding', refounding })
        return
      }
      case 'hello-stored':
        release()
        return fencing.onStored(from, message.incarnation)
      case 'hello-refused':
        release()
        return fencing.onRefused(from, message.incarnation, message.code)
      case 'refounding':
        release()
        return this.#deps.onRefounding(from, message.refounding)
      case 'cosignature':
        return cosigning.receive(from, message, this.#letIn(from, bytes, release))
      case 'attestation': {
        const { vouching, turn } = this.#deps
        const { attestation } = message
        const checked = this.#letIn(from, bytes, release)
        return vouching.check(vouching.checksOfAttestation(attestation), (good) =>
          turn(() => {
            checked()
            if (good) cosigning.receiveAttestation(attestation)
          }),
        )
      }
      case 'fault':
        release()
        return evidence.receive(from, message.proof)
      default:
        return this.#onConsensus(from, message, this.#letIn(from, bytes, release))
    }
  }

  /** Gives the credit back now or when the message is checked. @returns what to call then, once */
  #letIn(from: MemberId, { length }: Uint8Array, release: () => void): () => void {
    const unchecked = (this.#uncheckedBytes.get(from) ?? 0) + length
    this.#uncheckedBytes.set(from, unchecked)
    if (unchecked <= uncheckedBytesMax) release()
    return () => {
      this.#uncheckedBytes.set(from, this.#uncheckedBytes.get(from)! - length)
      release()
    }
  }

  /** The certificate that ended the epoch of this number, if this node knows of one. */
  #refoundingAfter(epoch: number): Uint8Array | undefined {
    const { rules, refounded } = this.#deps.ledger
    if (epoch === epochOf(rules).number) return refounded?.refounding
    return epochNumbered(epochOf(rules), epoch + 1)?.refounding
  }

  #onBatch(from: MemberId, { batch: bytes, handOn }: BatchMessage, checked: () => void): void {
    const { sealing, raft, ledger, lateBatches, log } = this.#deps
    if (!this.#options.isMember) return checked()
    let batch: Batch
    try {
      batch = decodeBatch(bytes, ledger.rules.context)
    } catch (error) {
      checked()
      if (!(error instanceof CborError)) throw error
      return log.warn('batch malformed', { member: from, reason: error.message })
    }
    const watch = (): void => (handOn ? lateBatches.receive(batch, checked) : checked())
    if (raft.role === 'leader') sealing.offer(batch, watch)
    else watch()
  }

  #onConsensus(from: MemberId, message: Message, checked: () => void): void {
    const { raft, ledger, fencing, vouching, evidence, rulesAhead, log, turn } = this.#deps
    // A learner has no part in it, and what is said of another epoch is nothing here (rule 20).
    if (!this.#options.isMember || !fencing.counts(from)) return checked()
    // What can change nothing any more is not worth checking: late acknowledgements and locks are most of what a node receives.
    if (message.kind === 'lock' && message.block.height <= raft.commit) {
      checked()
      for (const check of vouching.checksOfMessage(from, message)) evidence.suspect(check)
      return
    }
    vouching.check(vouching.checksOfMessage(from, message), (good) =>
      turn(() => {
        checked()
        if (!good) return log.warn('message badly signed', { member: from, kind: message.kind })
        if (message.kind === 'vote-request') rulesAhead.refuseBase(ledger, message.base.height)
        if (message.kind === 'lock') fencing.saw(from, { lock: message.block })
        if (message.kind === 'vote-reply' && message.vote !== undefined) fencing.saw(from, { term: message.term })
        raft.receive(from, message)
      }),
    )
  }
}
