/** The machine's clock and its randomness, as the ports want them. */
import { randomBytes, randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock, Random } from './ports.ts'

/** Longest delay that setTimeout takes; longer ones are waited for in pieces. */
const timeoutMsMax = 2 ** 31 - 1

export class SystemClock implements Clock {
  wall(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  after(ms: number, wake: () => void): () => void {
    const due = this.monotonic() + ms
    let timer: NodeJS.Timeout
    const arm = (): void => {
      const leftMs = due - this.monotonic()
      // setTimeout counts whole milliseconds from a cached start and may fire a fraction early; "at least ms later" is promised.
      timer = setTimeout(() => (this.monotonic() >= due ? wake() : arm()), Math.min(Math.ceil(leftMs), timeoutMsMax))
    }
    arm()
    return () => clearTimeout(timer)
  }
}

export class SystemRandom implements Random {
  bytes(length: number): Uint8Array {
    return new Uint8Array(randomBytes(length))
  }

  below(limit: number): number {
    return randomInt(limit)
  }
}
