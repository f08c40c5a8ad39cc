/**
 * A real disk under a virtual clock. What the disk does takes as long as it takes, while the clock stands still; that it is done is told
 * one virtual millisecond after it was asked. So a run with real files is the same run every time, and costs no waiting.
 */
import type { Disk, DiskWrite, Range, Slot } from '../../src/node/ports.ts'
import type { VirtualClock } from '../contract/virtual-clock.ts'

export class SteppedDisk implements Disk {
  readonly #disk: Disk
  readonly #clock: VirtualClock
  #inFlight = 0
  #quiet: (() => void)[] = []
  #tellFailed: () => void = () => undefined
  /** Resolves at its first failure: from then on it answers nothing. */
  readonly failed = new Promise<void>((resolve) => {
    this.#tellFailed = resolve
  })
  /** True while somebody outside the node's loop waits for what he asked, in real time. */
  direct = false

  constructor(disk: Disk, clock: VirtualClock) {
    this.#disk = disk
    this.#clock = clock
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#disk.get(key)
  }

  getInto(key: Uint8Array, into: Uint8Array): number | undefined {
    return this.#disk.getInto(key, into)
  }

  scan(
    range: Range,
    visit: (key: Uint8Array, value: Uint8Array) => boolean | undefined,
    done: (whole: boolean) => void,
  ): void {
    this.#disk.scan(range, visit, this.#later(done))
  }

  write(write: DiskWrite, done: () => void): void {
    this.#disk.write(write, this.#later(done))
  }

  slots(): { readonly vote: Slot; readonly head: Slot } {
    return this.#disk.slots()
  }

  freeBytes(): number {
    return this.#disk.freeBytes()
  }

  /** The disk has failed: what it was asked is not answered any more. */
  fail(): void {
    this.#tellFailed()
    this.#inFlight = 0
    this.#tellQuiet()
  }

  get isQuiet(): boolean {
    return this.#inFlight === 0
  }

  /** Resolves when nothing that was asked of the disk is under way. */
  quiet(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => this.#quiet.push(resolve))
  }

  #later<T extends readonly unknown[]>(done: (...result: T) => void): (...result: T) => void {
    if (this.direct) return done
    this.#inFlight++
    return (...result) => {
      this.#inFlight = Math.max(0, this.#inFlight - 1)
      this.#clock.after(1, () => done(...result))
      if (this.#inFlight === 0) this.#tellQuiet()
    }
  }

  #tellQuiet(): void {
    for (const tell of this.#quiet.splice(0)) tell()
  }
}
