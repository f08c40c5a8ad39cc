/**
 * Rule 28: a batch that waits too long for its member goes to all, who pass it to the leader and watch that it gets in; a leader that goes on
 * leaving it out is treated as dead. Only what an honest leader could take in now counts: nobody makes the others suspect a leader by
 * a batch that is not valid.
 */
import type { Batch } from '../chain/batch.ts'
import type { Attestation } from '../chain/block.ts'
import { execute, InvalidBlock } from '../chain/execution.ts'
import type { MemberId } from '../consensus/message.ts'
import type { Raft } from '../consensus/raft.ts'
import type { Evidence } from './evidence.ts'
import type { Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'
import { watchedBatchesMax } from './limits.ts'
import type { Clock } from './ports.ts'
import type { Sealing } from './sealing.ts'
import type { VerifiedItems } from './verified-items.ts'
import type { Vouching } from './vouching.ts'
import type { WireMessage } from './wire.ts'

export interface LateBatchesOptions {
  readonly self: MemberId
  readonly peers: readonly MemberId[]
}

export interface LateBatchesDependencies {
  readonly clock: Clock
  readonly raft: Raft
  readonly ledger: Ledger
  readonly vouching: Vouching
  readonly sealing: Sealing
  readonly evidence: Pick<Evidence, 'suspectBatch'>
  readonly intake: Pick<Intake, 'overdue'>
  readonly read: VerifiedItems['read']
  /** What a key that was proven guilty signed may be taken by nobody, and is not handed on. */
  readonly isFrozen: () => boolean
  /** The newest that this node has. */
  readonly attestation: () => Attestation | undefined
  readonly send: (to: MemberId, message: WireMessage) => void
  readonly turn: (event: () => void) => void
}

interface Watched {
  readonly batch: Batch
  /** Since when the leader of now knows of it; monotonic milliseconds. */
  since: number
  suspected: boolean
}

/** A batch that its member does not hand on again within this many commit time-outs is not watched any more. */
const watchedTimeouts = 10

/** Those of one epoch. */
export class LateBatches {
  readonly #options: LateBatchesOptions
  readonly #deps: LateBatchesDependencies
  /** By the batch's hash. */
  readonly #watched = new Map<string, Watched>()

  constructor(options: LateBatchesOptions, dependencies: LateBatchesDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  /** A batch that its member handed on to everybody. `checked` is called when nothing of it waits to be checked any more. */
  receive(batch: Batch, checked: () => void): void {
    if (this.#watched.has(batch.hash) || this.#watched.size >= watchedBatchesMax) return checked()
    const { clock, ledger, vouching, evidence, turn } = this.#deps
    vouching.check([vouching.checkOfBatch(batch)], (signed) =>
      vouching.checkItems(signed ? [batch] : [], (good) =>
        turn(() => {
          checked()
          if (signed && !good) evidence.suspectBatch(batch, ledger.rules.context.epoch)
          if (!signed || !good || !this.#isWaitedFor(batch)) return
          this.#watched.set(batch.hash, { batch, since: clock.monotonic(), suspected: false })
          this.#passToLeader(batch)
        }),
      ),
    )
  }

  /** Another leads. What the last one sat on, this one gets to know by the same right: it has its own time for it. */
  onLeader(leader: MemberId): void {
    const { clock, sealing } = this.#deps
    for (const watched of this.#watched.values()) {
      watched.since = clock.monotonic()
      watched.suspected = false
      if (leader === this.#options.self) sealing.offer(watched.batch)
      else this.#passToLeader(watched.batch)
    }
  }

  tick(): void {
    const { clock, raft, ledger } = this.#deps
    const { commitTimeoutMs } = ledger.rules.genesis.parameters
    this.#handOnOwn(commitTimeoutMs)
    const now = clock.monotonic()
    for (const [hash, watched] of this.#watched) {
      const waitedMs = now - watched.since
      if (watched.suspected || waitedMs <= commitTimeoutMs) {
        if (waitedMs > watchedTimeouts * commitTimeoutMs) this.#watched.delete(hash)
      } else if (this.#isWaitedFor(watched.batch)) {
        watched.suspected = true
        raft.suspectLeader()
      } else this.#watched.delete(hash)
    }
  }

  /** This node's own, which it watches as everybody does. */
  #handOnOwn(commitTimeoutMs: number): void {
    const { raft, sealing, intake, isFrozen, send } = this.#deps
    for (const batch of isFrozen() ? [] : intake.overdue(commitTimeoutMs)) {
      if (raft.role === 'leader') sealing.offer(batch)
      this.receive(batch, () => undefined)
      const message = { kind: 'batch', handOn: true, batch: batch.bytes } as const
      for (const peer of this.#options.peers) send(peer, message)
    }
  }

  #passToLeader({ bytes }: Batch): void {
    const { leader } = this.#deps.raft
    if (leader === null || leader === this.#options.self) return
    this.#deps.send(leader, { kind: 'batch', handOn: false, batch: bytes })
  }

  /** Whether an honest leader could take this batch in now. */
  #isWaitedFor(batch: Batch): boolean {
    const { clock, ledger, read } = this.#deps
    const { rules } = ledger
    // It would carry what is attested, and so have room (rule 16).
    const attested = this.#deps.attestation()?.size ?? 0
    const unattested = ledger.committed.unattested.filter(({ size }) => size > attested)
    const committed = { ...ledger.committed, unattested }
    const { leader } = committed
    const { term } = committed.block
    const time = Math.max(clock.wall(), committed.time)
    try {
      execute(committed, { term, time, leader, carried: {}, batches: [batch] }, rules, read)
      return true
    } catch (error) {
      if (error instanceof InvalidBlock) return false
      throw error
    }
  }
}
