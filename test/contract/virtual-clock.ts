/** A clock that stands still until it is told to go on, and a random source from a seed: what memory twins are tested with. */
import type { Clock, Random } from '../../src/node/ports.ts'

interface Alarm {
  readonly dueAt: number
  /** Of two due at one time, the one that was set first rings first. */
  readonly number: number
  /** Undefined once cancelled. */
  wake: (() => void) | undefined
}

const ringsBefore = (a: Alarm, b: Alarm): boolean => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.number < b.number)

export class VirtualClock implements Clock {
  private now = 0
  private count = 0
  /** A binary heap: the next to ring is first. */
  private readonly alarms: Alarm[] = []

  wall(): number {
    return 1_800_000_000_000 + this.now
  }

  monotonic(): number {
    return this.now
  }

  after(ms: number, wake: () => void): () => void {
    const alarm: Alarm = { dueAt: this.now + ms, number: this.count++, wake }
    this.push(alarm)
    return () => {
      alarm.wake = undefined
    }
  }

  /** Goes to the next alarm and wakes it. False when there is none by `limit`. */
  step(limit = Number.POSITIVE_INFINITY): boolean {
    while (this.alarms.length > 0 && this.alarms[0]!.wake === undefined) this.pop()
    const next = this.alarms[0]
    if (next === undefined || next.dueAt > limit) return false
    this.pop()
    this.now = next.dueAt
    next.wake!()
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

  private push(alarm: Alarm): void {
    const { alarms } = this
    let at = alarms.length
    alarms.push(alarm)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!ringsBefore(alarm, alarms[above]!)) break
      alarms[at] = alarms[above]!
      at = above
    }
    alarms[at] = alarm
  }

  private pop(): void {
    const { alarms } = this
    const last = alarms.pop()!
    if (alarms.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= alarms.length) break
      if (below + 1 < alarms.length && ringsBefore(alarms[below + 1]!, alarms[below]!)) below++
      if (!ringsBefore(alarms[below]!, last)) break
      alarms[at] = alarms[below]!
      at = below
    }
    alarms[at] = last
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
