/** A clock that stands still until it is told to go on, and a random source from a seed: what memory twins are tested with. */
import type { Clock, Random } from '../../src/node/ports.ts'

interface Alarm {
  readonly dueAt: number
  readonly wake: () => void
}

export class VirtualClock implements Clock {
  private now = 0
  private readonly alarms = new Set<Alarm>()

  wall(): number {
    return 1_800_000_000_000 + this.now
  }

  monotonic(): number {
    return this.now
  }

  after(ms: number, wake: () => void): () => void {
    const alarm = { dueAt: this.now + ms, wake }
    this.alarms.add(alarm)
    return () => void this.alarms.delete(alarm)
  }

  /** Goes to the next alarm and wakes it; of two due at one time, the one that was set first. False when there is none by `limit`. */
  step(limit = Number.POSITIVE_INFINITY): boolean {
    let next: Alarm | undefined
    for (const alarm of this.alarms) if (next === undefined || alarm.dueAt < next.dueAt) next = alarm
    if (next === undefined || next.dueAt > limit) return false
    this.alarms.delete(next)
    this.now = next.dueAt
    next.wake()
    return true
  }

  /** Lets `ms` pass. */
  advance(ms: number): void {
    const end = this.now + ms
    while (this.step(end)) {
      // everything that is due by then
    }
    this.now = end
  }

  /** @throws when nothing is left to happen, or a virtual hour has passed, and the condition still does not hold */
  until(condition: () => boolean, what: string): void {
    const limit = this.now + 3_600_000
    while (!condition()) if (!this.step(limit)) throw new Error(`never: ${what}`)
  }
}

/** Good enough for tests (mulberry32); the same seed draws the same numbers. */
export class SeededRandom implements Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}
