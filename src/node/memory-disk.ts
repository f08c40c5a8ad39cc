/**
 * The simulator's disk. A `MemoryMedium` is what survives a crash; a `MemoryDisk` is one run of a node on it. State is synchronous and
 * nothing is random: when a cycle completes, and so what a crash finds in flight, is for the scheduler (`defer`) to decide; what fails, for
 * `fault`; what rots or is tampered with, for whoever holds the medium. A cycle takes effect when it completes, in the phases of
 * the port (vote, rows, head); a crash or a failure in between may leave any number of its first phases behind, never a later one
 * without an earlier. A slot is kept as a value: two copies written one after the other are, after a crash, the old or the new value.
 */
import { assert } from '../chain/assert.ts'
import { Refusal } from '../chain/refusal.ts'
import { DiskReadFailed, type DiskRefusalCode } from './disk-failure.ts'
import type { Disk, DiskWrite, Range, Row, Slot } from './ports.ts'
import { assertKey, assertRow, copyValue, firstKey, RowMap } from './row-map.ts'
import { slotPayloadBytesMax } from './slot-file.ts'

/** How many of a cycle's phases, in order, reached the medium: 0 none, 1 the vote slot, 2 and the rows, 3 and the head slot. */
export type PhaseCount = 0 | 1 | 2 | 3

/** A write or fsync that fails. `phases` reached the medium all the same; which ones, nobody who was told of the failure can know. */
export interface DiskFault {
  readonly reason: string
  readonly phases: PhaseCount
}

export interface MemoryDiskDependencies {
  /** Calls back later, never at once; in the order given or any other. `kind` says what is waiting, so that its delay can differ. */
  readonly defer: (callback: () => void, kind: 'write' | 'scan') => void
  /** As for the real disk: called at most once; after it nothing is written or acknowledged. */
  readonly onFatal: (reason: string) => void
  /** Asked once for every cycle when it would complete; with a fault it fails instead. */
  readonly fault?: (write: DiskWrite) => DiskFault | undefined
}

export interface MemoryMediumOptions {
  /** Bytes of keys and values that fit; a batch beyond it fails as a full disk does. Without: no limit. */
  readonly capacityBytes?: number
}

export class MemoryMedium {
  #capacityBytes: number
  #rows = new RowMap()
  readonly #unreadable = new RowMap()
  #slots: { vote: Slot; head: Slot } = { vote: { kind: 'absent' }, head: { kind: 'absent' } }
  #disk: MemoryDisk | undefined

  constructor(options: MemoryMediumOptions = {}) {
    this.#capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER
  }

  /** @throws {Refusal} disk.locked while another disk is open on this medium */
  open(dependencies: MemoryDiskDependencies): MemoryDisk {
    const code: DiskRefusalCode = 'disk.locked'
    if (this.#disk !== undefined) throw new Refusal(code)
    this.#disk = new MemoryDisk(this, dependencies)
    return this.#disk
  }

  /** A new disk in the machine: nothing is left, and nothing tells that there was anything. */
  wipe(): void {
    assert(this.#disk === undefined, 'a disk that is open is not replaced')
    this.#rows = new RowMap()
    this.#unreadable.clear()
    this.#slots = { vote: { kind: 'absent' }, head: { kind: 'absent' } }
  }

  /** A backup as of now (or a clone, for whoever starts two nodes on it). */
  copy(): MemoryMedium {
    const copy = new MemoryMedium({ capacityBytes: this.#capacityBytes })
    for (const row of this.#rows.rows()) copy.#rows.set(row)
    for (const row of this.#unreadable.rows()) copy.#unreadable.set(row)
    copy.#slots = { ...this.#slots }
    return copy
  }

  /** Bit rot, a misdirected write, a vanished row: what the disk now returns as if the node had written it. */
  tamper(row: Row): void {
    // A row that is gone is gone for whoever reads it and for whoever goes through all of them alike.
    this.#unreadable.remove(row.key)
    if (row.value === undefined) this.#rows.remove(row.key)
    else this.#rows.set(row)
  }

  /** Reading this row fails from now on, until it is written again. */
  makeUnreadable(key: Uint8Array): void {
    this.#unreadable.set({ key })
  }

  /** The slot file is lost, or damaged in both copies. */
  damageSlot(name: 'vote' | 'head'): void {
    this.#slots[name] = { kind: 'damaged' }
  }

  /** For the disk that is open, and for whoever inspects what a crash left. */
  get slots(): { readonly vote: Slot; readonly head: Slot } {
    return { ...this.#slots }
  }

  /** @throws {DiskReadFailed} */
  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertReadable(key)
    return this.#rows.get(key)?.value
  }

  select(range: Range): readonly Row[] {
    return this.#rows.select(range)
  }

  isReadable(key: Uint8Array): boolean {
    return this.#unreadable.get(key) === undefined
  }

  get freeBytes(): number {
    return Math.max(0, this.#capacityBytes - this.#rows.bytes)
  }

  /** Other tenants fill the disk, or make room: from now on this much more fits. */
  leaveFree(bytes: number): void {
    this.#capacityBytes = this.#rows.bytes + bytes
  }

  /** All rows in the order of their keys, for whoever chooses one to damage. */
  get rows(): readonly Row[] {
    return this.#rows.select({ gte: firstKey, lt: Uint8Array.of(0xff) })
  }

  /** Only for the disk that is open: writes the first phases of a cycle. */
  apply(write: DiskWrite, phases: PhaseCount): void {
    if (phases >= 1 && write.vote !== undefined) this.#slots.vote = { kind: 'intact', bytes: write.vote }
    if (phases >= 2) for (const row of write.rows ?? []) this.#applyRow(row)
    if (phases >= 3 && write.head !== undefined) this.#slots.head = { kind: 'intact', bytes: write.head }
  }

  /** Only for the disk that is open. */
  release(disk: MemoryDisk): void {
    if (this.#disk === disk) this.#disk = undefined
  }

  #applyRow({ key, value }: Row): void {
    this.#unreadable.remove(key)
    if (value === undefined) this.#rows.remove(key)
    else this.#rows.set({ key: plain(key), value: plain(value) })
  }

  #assertReadable(key: Uint8Array): void {
    if (!this.isReadable(key)) throw new DiskReadFailed('a row that cannot be read')
  }
}

/** How many rows of a scan come in one event, so that other events can come between, as they do on a real disk. */
const scanRowsPerEvent = 256

export class MemoryDisk implements Disk {
  readonly #medium: MemoryMedium
  readonly #dependencies: MemoryDiskDependencies
  readonly #slotsFound: { readonly vote: Slot; readonly head: Slot }
  #inFlight: DiskWrite | undefined
  /** Set for ever by a crash, a close, or the first failure. */
  #stopped = false

  /** Use `MemoryMedium.open`. */
  constructor(medium: MemoryMedium, dependencies: MemoryDiskDependencies) {
    this.#medium = medium
    this.#dependencies = dependencies
    this.#slotsFound = medium.slots
  }

  /** @throws {DiskReadFailed} */
  get(key: Uint8Array): Uint8Array | undefined {
    assertKey(key)
    return this.#medium.get(key)
  }

  getInto(key: Uint8Array, into: Uint8Array): number | undefined {
    return copyValue(this.get(key), into)
  }

  scan(
    range: Range,
    visit: (key: Uint8Array, value: Uint8Array) => boolean | undefined,
    done: (whole: boolean) => void,
  ): void {
    if (this.#stopped) return
    const all = this.#medium.select(range)
    const rows = all.filter(({ key }) => this.#medium.isReadable(key))
    let position = 0
    const take = (): void => {
      const batch = rows.slice(position, position + scanRowsPerEvent)
      position += batch.length
      if (batch.length > 0 && batch.every(({ key, value }) => visit(key, value!) !== false)) this.#defer(take, 'scan')
      else done(rows.length === all.length)
    }
    this.#defer(take, 'scan')
  }

  write(write: DiskWrite, done: () => void): void {
    if (this.#stopped) return
    assert(this.#inFlight === undefined, 'one write cycle in flight')
    for (const name of ['vote', 'head'] as const) {
      const bytes = write[name]
      if (bytes === undefined) continue
      assert(this.#slotsFound[name].kind !== 'damaged', `the ${name} slot is damaged and never written again`)
      assert(
        bytes.length <= slotPayloadBytesMax,
        `${name} slot of ${bytes.length} bytes, at most ${slotPayloadBytesMax}`,
      )
    }
    for (const row of write.rows ?? []) assertRow(row)
    this.#inFlight = write
    this.#defer(() => {
      const fault = this.#dependencies.fault?.(write) ?? this.#fullness(write)
      this.#medium.apply(write, fault?.phases ?? 3)
      this.#inFlight = undefined
      if (fault === undefined) done()
      else this.#fail(`disk write: ${fault.reason}`)
    }, 'write')
  }

  slots(): { readonly vote: Slot; readonly head: Slot } {
    return this.#slotsFound
  }

  freeBytes(): number {
    return this.#medium.freeBytes
  }

  /**
   * The node's machine dies at this moment: of a cycle in flight the given phases reached the medium, nobody hears of anything any
   * more, and the medium can be opened again.
   */
  crash(phases: PhaseCount = 0): void {
    if (this.#inFlight !== undefined) this.#medium.apply(this.#inFlight, phases)
    this.#stop()
  }

  /** An orderly end: a cycle in flight reaches the medium whole, and its `done` is not called. */
  close(): void {
    this.crash(3)
  }

  #stop(): void {
    this.#stopped = true
    this.#inFlight = undefined
    this.#medium.release(this)
  }

  #fail(reason: string): void {
    // The medium stays locked until the process, told by onFatal, ends in a crash or a close.
    this.#stopped = true
    this.#dependencies.onFatal(reason)
  }

  /** The slot files were allocated in full when they were made, so a full disk fails the rows and what comes after them only. */
  #fullness(write: DiskWrite): DiskFault | undefined {
    let bytes = 0
    for (const { key, value } of write.rows ?? []) bytes += value === undefined ? 0 : key.length + value.length
    return bytes > this.#medium.freeBytes ? { reason: 'no space left on device', phases: 1 } : undefined
  }

  /** What comes back after the end of this run is not heard. */
  #defer(callback: () => void, kind: 'write' | 'scan'): void {
    this.#dependencies.defer(() => {
      if (!this.#stopped) callback()
    }, kind)
  }
}

/** The same memory without Buffer's methods, as from the real disk. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
