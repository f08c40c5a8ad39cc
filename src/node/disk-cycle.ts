/**
 * Group commit. The node's loop writes one thing at a time — a vote, a head, rows — and says what is to happen when that is durable;
 * the disk takes one write cycle at a time. This gathers everything written while a cycle is in flight into the next one, so the cost
 * of an fsync is shared by all that waits for it. It promises: cycles reach the disk in the order of the calls, a callback runs after the
 * cycle that contains everything written before it was registered, callbacks run in the order of their registration, and what was
 * written is read back at once. What belongs together for the reader of a crash is what one event of the loop wrote: it stands in
 * one cycle, unless a truncation lies in between. It leaves to the loop what to write and when an event ends (`flush`).
 */
import type { Disk, Row } from './ports.ts'
import { copyValue, RowMap } from './row-map.ts'

export interface DiskCycleOptions {
  /** Bytes written and not yet durable beyond which `congested` says stop. */
  readonly pendingBytesMax?: number
}

export interface DiskCycleDependencies {
  readonly disk: Disk
  /** What is gathered goes to the disk now; whoever puts off writing until then writes here. */
  readonly beforeTaking?: () => void
}

/** 32 blocks of 1 MiB: several seconds of a slow disk, and small beside the memory of a node. */
const pendingBytesMaxDefault = 32 * 1024 * 1024

/** What goes to the disk in one cycle. */
interface Gathered {
  vote?: Uint8Array
  head?: Uint8Array
  /** False while it is nothing but rows of `putLater`. */
  isUrgent: boolean
  readonly rows: RowMap
  readonly callbacks: (() => void)[]
}

export class DiskCycle {
  readonly #disk: Disk
  readonly #beforeTaking: () => void
  readonly #pendingBytesMax: number
  /** What is being gathered; always the youngest. */
  #pending: Gathered = gathered()
  /** Gathered and closed, oldest first: nothing is added to these but callbacks. Only a truncation makes any. */
  readonly #closed: Gathered[] = []
  #inFlight: Gathered | undefined
  #runningCallbacks = false

  constructor(options: DiskCycleOptions, dependencies: DiskCycleDependencies) {
    this.#disk = dependencies.disk
    this.#beforeTaking = dependencies.beforeTaking ?? (() => undefined)
    this.#pendingBytesMax = options.pendingBytesMax ?? pendingBytesMaxDefault
  }

  /** The vote slot's next content. Of several in one cycle the last is written. Like all bytes given here: never changed afterwards. */
  vote(bytes: Uint8Array): void {
    this.#urgent.vote = bytes
  }

  /** The head slot's next content. It reaches the disk after the rows put before it. A watermark is lowered by `truncate` only. */
  head(bytes: Uint8Array): void {
    this.#urgent.head = bytes
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#urgent.rows.set({ key, value })
  }

  /**
   * For a row that a crash may take: it goes with the next cycle that something else begins, and alone only when it is asked for
   * (`whenDurable`). A cycle of its own would be an fsync for which the next block waits.
   */
  putLater(key: Uint8Array, value: Uint8Array): void {
    this.#pending.rows.set({ key, value })
  }

  del(key: Uint8Array): void {
    this.#urgent.rows.set({ key })
  }

  /**
   * Drops the end of the chain (protocol rule 11): the head with the lowered watermark is durable before the cycle that deletes the
   * rows begins. What is written after this call goes with the deletion or later, so nothing overtakes it.
   */
  truncate(loweredHead: Uint8Array, keys: readonly Uint8Array[]): void {
    // A head that waits here may be what a callback promises (an ACK under the higher watermark), and what a callback alone waits for may lie
    // under the watermark that the disk has now: both get their own cycle.
    if (this.#pending.head !== undefined || this.#pending.callbacks.length > 0) this.#closePending()
    this.#pending.head = loweredHead
    this.#closePending()
    // A crash before the lowered head is durable: the old watermark, and every row it vouches for.
    // A crash between the two cycles: the lowered watermark and rows above it, which start-up takes for a crash tail and deletes.
    // The other order would leave a watermark without its blocks: corruption, as far as start-up can tell.
    for (const key of keys) this.del(key)
  }

  /**
   * Calls back once everything written so far is durable; at once if it is, but never inside this call: what is nothing to wait for
   * comes back as an event of the disk like any other.
   */
  whenDurable(callback: () => void): void {
    const older = isEmpty(this.#pending) ? (this.#closed.at(-1) ?? this.#inFlight) : undefined
    const target = older ?? this.#urgent
    target.callbacks.push(callback)
  }

  /** Ends an event of the loop: starts a cycle unless one is in flight. */
  flush(): void {
    if (this.#inFlight !== undefined || this.#runningCallbacks) return
    const next = this.#closed.shift() ?? this.#takePending()
    if (next === undefined) return
    this.#inFlight = next
    const { vote, head } = next
    this.#disk.write(
      { ...(vote && { vote }), ...(next.rows.size > 0 && { rows: next.rows.rows() }), ...(head && { head }) },
      () => this.#complete(next),
    )
  }

  /** The newest value, whether the disk has it yet or not. @throws {DiskReadFailed} */
  get(key: Uint8Array): Uint8Array | undefined {
    const row = this.#gatheredRow(key)
    return row === undefined ? this.#disk.get(key) : row.value
  }

  /** See `Disk.getInto`. @throws {DiskReadFailed} */
  getInto(key: Uint8Array, into: Uint8Array): number | undefined {
    const row = this.#gatheredRow(key)
    return row === undefined ? this.#disk.getInto(key, into) : copyValue(row.value, into)
  }

  /** Not on the disk yet. */
  #gatheredRow(key: Uint8Array): Row | undefined {
    let row = this.#pending.rows.get(key)
    for (let i = this.#closed.length - 1; row === undefined && i >= 0; i--) row = this.#closed[i]!.rows.get(key)
    return row ?? this.#inFlight?.rows.get(key)
  }

  /** Bytes of rows that no cycle has taken yet. */
  get gatheredBytes(): number {
    let bytes = this.#pending.rows.bytes
    for (const { rows } of this.#closed) bytes += rows.bytes
    return bytes
  }

  /** Bytes of rows that are not durable yet. */
  get pendingBytes(): number {
    return this.gatheredBytes + (this.#inFlight?.rows.bytes ?? 0)
  }

  /** More waits for the disk than is good: intake refuses and blocks are not taken in until it is over. */
  get congested(): boolean {
    return this.pendingBytes > this.#pendingBytesMax
  }

  /** Nothing is waiting and nothing is in flight: what the disk holds is what was written. */
  get idle(): boolean {
    return this.#inFlight === undefined && this.#closed.length === 0 && isEmpty(this.#pending)
  }

  #complete(done: Gathered): void {
    // Durable from here. A crash before the callbacks: nobody was told, and start-up finds the new state.
    this.#inFlight = undefined
    // What callbacks write is gathered until all of them ran, and then goes in one cycle. If one throws, this stays set: the loop
    // does not know its own state any more, and nothing further is written.
    this.#runningCallbacks = true
    for (const callback of done.callbacks) callback()
    this.#runningCallbacks = false
    this.flush()
  }

  #closePending(): void {
    this.#closed.push(this.#pending)
    this.#pending = gathered()
  }

  /** What is being gathered, which is now waited for. */
  get #urgent(): Gathered {
    this.#pending.isUrgent = true
    return this.#pending
  }

  #takePending(): Gathered | undefined {
    if (!this.#pending.isUrgent) return undefined
    this.#beforeTaking()
    const taken = this.#pending
    this.#pending = gathered()
    return taken
  }
}

const gathered = (): Gathered => ({ isUrgent: false, rows: new RowMap(), callbacks: [] })

const isEmpty = ({ vote, head, rows, callbacks }: Gathered): boolean =>
  vote === undefined && head === undefined && rows.size === 0 && callbacks.length === 0
