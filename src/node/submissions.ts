/**
 * Statements that are handed in and wait for their attestation, each with its submitter's time-out. Whatever the ledger says comes back as an
 * answer, also to who asks again or gives up meanwhile; the loop never waits for anybody.
 */
import type { PlainSubmission, Receipt, StatementStanding, Submission, SubmitOptions } from '../api/service.ts'
import type { Attestation } from '../chain/block.ts'
import { toBase64 } from '../chain/bytes.ts'
import { epochOfSize, epochsUpTo } from '../chain/epoch.ts'
import type { JsonObject } from '../chain/json.ts'
import { leafHash } from '../chain/merkle-tree.ts'
import { joinStatement, parseStatement, statementMessage } from '../chain/statement.ts'
import { formatTime } from '../chain/time.ts'
import type { Pending, SignedReceipt } from './intake.ts'
import type { Signer } from './ports.ts'
import type { RecordView } from './record-view.ts'
import type { Replica, ReplicaOptions } from './replica.ts'
import type { ServedProofs } from './served-proofs.ts'

export interface SubmissionsDependencies {
  readonly signer: Signer
  readonly replica: Replica
  readonly proofs: ServedProofs
  /** What is read of the store, unless the disk has lost some of it; then it throws. */
  readonly whole: <T>(read: () => T) => T
  readonly recordAt: (index: number) => RecordView | undefined
}

interface Waiter {
  readonly index: number
  readonly tell: (attestation: Attestation) => void
}

/** A promise that fails is the submitter's trouble, never the loop's. */
type Answer = (submission: Submission | Promise<Submission>) => void

/** Longer than an attestation takes that is not held up. */
const attestationMs = 2_000

export class Submissions {
  readonly #options: ReplicaOptions
  readonly #deps: SubmissionsDependencies
  /** Statements that were taken in here and may still be asked for before they are attested: on their way, or on the ledger. */
  readonly #settled = new Map<string, Pending>()
  /** Whoever gives up takes its own out: an attestation that is long in coming is asked for again and again. */
  readonly #waiters = new Set<Waiter>()
  /** Of everybody who waits: what ends it with what there is to say now. */
  readonly #givingUp = new Set<() => void>()
  #isEnding = false

  constructor(options: ReplicaOptions, dependencies: SubmissionsDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  /** Whoever waited for this size is answered. */
  attested(attestation: Attestation): void {
    for (const waiter of this.#waiters) {
      if (waiter.index >= attestation.size) continue
      this.#waiters.delete(waiter)
      waiter.tell(attestation)
    }
    for (const [id, { settlement }] of this.#settled) {
      if (settlement !== undefined && settlement.index < attestation.size) this.#settled.delete(id)
    }
  }

  /**
   * The node stops. What is attested in a moment is still answered so; after that everybody is answered who waits, for otherwise the end
   * of the connection would be all that they see of a receipt that is on the disk.
   */
  stop(): void {
    const end = (): void => {
      this.#isEnding = true
      for (const giveUp of this.#givingUp) giveUp()
    }
    setTimeout(end, attestationMs).unref()
  }

  /** @throws the signal's reason, when it is aborted before there is an answer */
  submit(jws: string, { waitMs, signal }: SubmitOptions): Promise<Submission> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      let cancel: () => void = () => undefined
      const gone = (): void => {
        cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', gone)
      const answer: Answer = (submission) => {
        // The signal is its connection's, which outlives thousands of submissions.
        signal?.removeEventListener('abort', gone)
        resolve(submission)
      }
      this.#deps.replica.submit(jws, (result) => {
        if (signal?.aborted) return // what was taken in goes on without its submitter
        switch (result.kind) {
          case 'refused': {
            const { code, detail, fields } = result
            return answer({ kind: 'refused', code, detail, fields })
          }
          case 'known':
            cancel = this.#waitForKnown(result.index, jws, waitMs, answer)
            return
          case 'taken':
            cancel = this.#waitFor(result.pending, result.again, waitMs, answer)
            return
        }
      })
    })
  }

  async submitPlain(request: PlainSubmission, options: SubmitOptions): Promise<Submission> {
    const { signer } = this.#deps
    const key = signer.publicKey('centre')
    if (key === undefined) return refusedHere('node.not-ready', 'this node holds no centre key')
    const { rules } = this.#options
    const { self } = this.#deps.proofs
    if (self === undefined) return refusedHere('node.not-a-member', 'the ledger never listed this node')
    const { party } = self
    const payload: JsonObject = {
      ...request.fields,
      ledger: rules.context.ledger,
      type: request.type,
      party,
      key: request.key,
    }
    const message = statementMessage(payload, key)
    const signature = await new Promise<Uint8Array>((done) => signer.sign('centre', message, done))
    return this.submit(joinStatement(message, signature), options)
  }

  /** @returns what ends the waiting without an answer */
  #waitFor(pending: Pending, again: boolean, waitMs: number, answer: Answer): () => void {
    const receipt = this.#receipt(pending.receipt)
    // Before anybody gives up: who asks again between the ledger's answer and its attestation is shown this receipt.
    this.#settled.set(pending.statement.id, pending)
    let stopWaiting: () => void = () => undefined
    const cancel = (): void => {
      clearTimeout(timer)
      this.#givingUp.delete(giveUp)
      pending.onSettled.delete(settled)
      stopWaiting()
    }
    const giveUp = (): void => {
      cancel()
      answer({
        kind: 'pending',
        statementId: pending.statement.id,
        status: pending.settlement === undefined ? 'accepted' : 'replicated',
        receipt,
      })
    }
    const settled = (): void => {
      const settlement = pending.settlement!
      stopWaiting = this.#whenAttested(settlement.index, (attestation) => {
        clearTimeout(timer)
        this.#givingUp.delete(giveUp)
        answer(
          settlement.kind === 'refused'
            ? this.#refusal(settlement.index, settlement.code, receipt)
            : this.#done(settlement.index, attestation, receipt, settlement.duplicate || again),
        )
      })
    }
    const timer = waitMs > 0 && !this.#isEnding ? setTimeout(giveUp, waitMs) : undefined
    if (timer === undefined) giveUp()
    else {
      this.#givingUp.add(giveUp)
      if (pending.settlement === undefined) pending.onSettled.add(settled)
      else settled()
    }
    return cancel
  }

  /** @returns what ends the waiting without an answer */
  #waitForKnown(index: number, jws: string, waitMs: number, answer: Answer): () => void {
    const { id } = parseStatement(jws, this.#options.rules.context.ledger)
    const own = this.#settled.get(id)
    const receipt = own === undefined ? null : this.#receipt(own.receipt)
    const cancel = (): void => {
      clearTimeout(timer)
      this.#givingUp.delete(giveUp)
      stopWaiting()
    }
    const giveUp = (): void => {
      cancel()
      // Never as a refusal: it is on the ledger, and asking again will show it.
      if (receipt === null && this.#isEnding)
        answer(refusedHere('node.stopping', `record ${index} is not attested yet`))
      else if (receipt === null) answer(refusedHere('ledger.no-quorum', `record ${index} is not attested yet`))
      else answer({ kind: 'pending', statementId: id, status: 'replicated', receipt })
    }
    // Without a receipt there is nothing to show but the attestation, which follows within a round trip or two when all is well.
    const timer = setTimeout(giveUp, this.#isEnding ? 1 : Math.max(waitMs, receipt === null ? attestationMs : 1))
    this.#givingUp.add(giveUp)
    const stopWaiting = this.#whenAttested(index, (attestation) => {
      clearTimeout(timer)
      this.#givingUp.delete(giveUp)
      answer(this.#done(index, attestation, receipt, true))
    })
    return cancel
  }

  /**
   * Calls back with an attestation above the index: at once if there is one, else with the first that comes, unless the waiting ends
   * before. It is called within an event of the loop, where what it throws would end the node.
   */
  #whenAttested(index: number, tell: (attestation: Attestation) => void): () => void {
    const { attested } = this.#deps.replica
    if (attested !== undefined && attested.size > index) {
      tell(attested)
      return () => undefined
    }
    const waiter: Waiter = { index, tell }
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  async #refusal(index: number, code: string, receipt: Receipt): Promise<Submission> {
    return { kind: 'refusal-record', record: this.#deps.recordAt(index)!, code, receipt }
  }

  async #done(
    index: number,
    attestation: Attestation,
    receipt: Receipt | null,
    duplicate: boolean,
  ): Promise<Submission> {
    const record = this.#deps.recordAt(index)!
    const { proofs } = this.#deps
    const isOwn = proofs.signs(epochOfSize(proofs.epoch, attestation.size))
    const proof =
      duplicate || !isOwn ? await proofs.proof(index) : await proofs.proofIn(index, attestation, leafHash(record.entry))
    if (proof !== undefined) return { kind: 'done', record, proof, receipt, duplicate }
    // Attested by members among whom this node is not: its log key is nothing to those who check. Others show the proof.
    if (receipt === null) return refusedHere('node.not-a-member', `record ${index} is proven by the members of today`)
    return { kind: 'pending', statementId: record.statementId!, status: 'replicated', receipt }
  }

  #receipt(receipt: SignedReceipt): Receipt {
    return {
      statement: receipt.statement,
      ledger: this.#options.rules.context.ledger,
      member: this.#options.member,
      node: receipt.node,
      receivedAt: formatTime(receipt.receivedAt),
      attestedSize: String(receipt.attestedSize),
      by: formatTime(receipt.by),
      epoch: receipt.epoch,
      signature: toBase64(receipt.signature),
    }
  }

  standing(statementId: string): StatementStanding {
    const pending = this.#deps.replica.pending(statementId)
    if (pending?.durable) return { kind: 'pending', status: 'accepted', receipt: this.#receipt(pending.receipt) }
    const { store } = this.#deps.replica
    const index = this.#deps.whole(() => store.indexOfStatement(statementId))
    if (index !== undefined) return { kind: 'record', index }
    const everybody = [...epochsUpTo(this.#deps.proofs.epoch)].flatMap(({ members }) => members.map(({ id }) => id))
    for (const id of new Set(everybody)) {
      const refusal = this.#deps.whole(() => store.indexOfRefusal(statementId, id))
      if (refusal === undefined) continue
      const record = this.#deps.recordAt(refusal)
      const code = (record?.payload.refusal as JsonObject | undefined)?.code
      return { kind: 'refused', index: refusal, code: String(code) }
    }
    return { kind: 'unknown' }
  }
}

function refusedHere(code: string, detail: string): Submission {
  return { kind: 'refused', code, detail, fields: [] }
}
