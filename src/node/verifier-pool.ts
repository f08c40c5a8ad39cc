/**
 * The `Verifier` port on worker threads: native Ed25519 checks off the main thread, in batches, because the loop of the node must
 * not wait for them (a block of 1,000 records is 60 ms and more of arithmetic). What is asked for in one turn of the event loop goes
 * together, so a busy intake fills batches although each statement comes alone; when that is only a few checks, they are done on the
 * main thread, where they cost less than two thread switches. A worker that dies is replaced and its batches are checked again; a batch that killed two
 * workers is checked on the main thread, so that there is always an answer and it is always the same.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { verifySignature } from '../chain/keys.ts'
import type { Log, SignatureCheck, Verifier } from './ports.ts'
import { type BatchAnswer, type BatchRequest, packChecks } from './verifier-batch.ts'

export interface VerifierPoolOptions {
  /** Worker threads; by default one up to four cores, above that one for every four. 0: everything on the main thread. */
  readonly workers?: number
  /**
   * Up to this many checks in one turn are done on the main thread. Handing a batch over takes as long as one to two checks more,
   * which an idle node would only wait for; a busy one has more checks in a turn, and saves all but a small part of them.
   */
  readonly inlineChecksMax?: number
}

export interface VerifierPoolDependencies {
  readonly log: Log
  readonly onFatal: (reason: string) => void
}

const defaultInlineChecksMax = 3
/** Batches are cut to this, so that a small one waits at most some milliseconds behind a large one and large ones are shared. */
const batchChecksMax = 128
const attemptsMax = 2
/** More deaths of a worker without one answer are no accident: the machine lacks memory, or the installation is broken. */
const deathsInRowMax = 5

/** One worker for each four cores: the main thread, LevelDB's and other processes need the rest. */
export const defaultWorkers = (cores: number): number => Math.max(1, Math.floor(cores / 4))

/** One call of `check`. */
interface Request {
  readonly checks: readonly SignatureCheck[]
  readonly done: (verdicts: readonly boolean[]) => void
  readonly verdicts: boolean[]
  missing: number
}

/** What one worker gets at once: checks of one or several requests. */
interface Batch {
  readonly id: number
  readonly checks: readonly SignatureCheck[]
  /** Whose checks these are, in order: `count` of them, from position `from` in the request. */
  readonly parts: readonly { readonly request: Request; readonly from: number; readonly count: number }[]
  attempts: number
}

interface Seat {
  worker: Worker
  readonly batches: Map<number, Batch>
  checksWaiting: number
  /** Deaths since the last answer. */
  deathsInRow: number
}

export class VerifierPool implements Verifier {
  private readonly dependencies: VerifierPoolDependencies
  private readonly inlineChecksMax: number
  private readonly seats: Seat[] = []
  private requests: Request[] = []
  private nextBatchId = 0
  private isStopped = false

  constructor(options: VerifierPoolOptions, dependencies: VerifierPoolDependencies) {
    this.dependencies = dependencies
    this.inlineChecksMax = options.inlineChecksMax ?? defaultInlineChecksMax
    const workers = options.workers ?? defaultWorkers(availableParallelism())
    for (let index = 0; index < workers; index++) this.seats.push(this.seat())
  }

  /** Checks handed to workers and not yet answered. */
  get waitingChecks(): number {
    return this.seats.reduce((sum, seat) => sum + seat.checksWaiting, 0)
  }

  check(checks: readonly SignatureCheck[], done: (verdicts: readonly boolean[]) => void): void {
    this.requests.push({ checks, done, verdicts: new Array(checks.length), missing: checks.length })
    if (this.requests.length === 1) setImmediate(() => this.guarded(() => this.handOut()))
  }

  /** Ends the workers. Checks that are not yet answered stay so. Twice is harmless. */
  async stop(): Promise<void> {
    if (this.isStopped) return
    this.isStopped = true
    await Promise.all(this.seats.map((seat) => seat.worker.terminate()))
  }

  /** Everything that was asked for in this turn: here if it is little, else to the workers. */
  private handOut(): void {
    if (this.isStopped) return
    const requests = this.requests
    this.requests = []
    const count = requests.reduce((sum, request) => sum + request.checks.length, 0)
    if (count <= this.inlineChecksMax || this.seats.length === 0) {
      for (const request of requests) this.guarded(() => request.done(verdictsOf(request.checks)))
      return
    }
    const size = Math.min(batchChecksMax, Math.ceil(count / this.seats.length))
    let parts: Batch['parts'][number][] = []
    let room = size
    for (const request of requests) {
      if (request.checks.length === 0) this.guarded(() => request.done([]))
      for (let from = 0; from < request.checks.length; ) {
        const taken = Math.min(room, request.checks.length - from)
        parts.push({ request, from, count: taken })
        from += taken
        room -= taken
        if (room > 0) continue
        this.assign(parts)
        parts = []
        room = size
      }
    }
    if (parts.length > 0) this.assign(parts)
  }

  private assign(parts: Batch['parts']): void {
    const seat = this.seats.reduce((best, other) => (other.checksWaiting < best.checksWaiting ? other : best))
    const checks = parts.flatMap(({ request, from, count }) => request.checks.slice(from, from + count))
    const batch: Batch = { id: this.nextBatchId++, checks, parts, attempts: 0 }
    seat.batches.set(batch.id, batch)
    seat.checksWaiting += checks.length
    this.post(seat, batch)
  }

  private post(seat: Seat, batch: Batch): void {
    batch.attempts++
    const packed = packChecks(batch.checks)
    const request: BatchRequest = { id: batch.id, packed }
    seat.worker.postMessage(request, [packed])
    seat.worker.ref()
  }

  private take(seat: Seat, id: number, verdicts: readonly boolean[]): void {
    if (this.isStopped) return
    const batch = seat.batches.get(id)
    if (batch === undefined) return
    seat.batches.delete(id)
    seat.checksWaiting -= batch.checks.length
    // Only waiting checks keep the process alive.
    if (seat.batches.size === 0) seat.worker.unref()
    let position = 0
    for (const { request, from, count } of batch.parts) {
      for (let index = 0; index < count; index++) request.verdicts[from + index] = verdicts[position++]!
      request.missing -= count
      if (request.missing === 0) this.guarded(() => request.done(request.verdicts))
    }
  }

  private seat(): Seat {
    const seat: Seat = { worker: newWorker(), batches: new Map(), checksWaiting: 0, deathsInRow: 0 }
    this.attend(seat)
    return seat
  }

  private attend(seat: Seat): void {
    const { worker } = seat
    worker.unref()
    let reason = 'exit'
    worker.on('message', ({ id, verdicts }: BatchAnswer) =>
      this.guarded(() =>
        this.take(
          seat,
          id,
          Array.from(verdicts, (verdict) => verdict === 1),
        ),
      ),
    )
    worker.on('error', (error) => {
      reason = String(error)
    })
    worker.on('exit', (exitCode) => this.guarded(() => this.replace(seat, `${reason} (${exitCode})`)))
  }

  private replace(seat: Seat, reason: string): void {
    if (this.isStopped) return
    this.dependencies.log.error('signature worker died', { reason, checks: seat.checksWaiting })
    seat.deathsInRow++
    if (seat.deathsInRow > deathsInRowMax) {
      this.dependencies.onFatal(`signature workers do not run: ${reason}`)
      return
    }
    seat.worker = newWorker()
    this.attend(seat)
    for (const batch of [...seat.batches.values()]) {
      if (batch.attempts < attemptsMax) this.post(seat, batch)
      else this.take(seat, batch.id, verdictsOf(batch.checks))
    }
  }

  /** `done` is the node's own code; what it throws must not vanish in an event emitter. */
  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.dependencies.onFatal(`verifier: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
}

const verdictsOf = (checks: readonly SignatureCheck[]): boolean[] =>
  checks.map(({ publicKey, message, signature }) => verifySignature(publicKey, message, signature))

/** Node strips the types of the worker's file itself; flags meant for this process (a test runner's, say) are not passed on. */
const newWorker = (): Worker => new Worker(new URL('./verifier-worker.ts', import.meta.url), { execArgv: [] })
