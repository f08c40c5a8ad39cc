import { describe, expect, test } from 'vitest'
import { SystemClock, SystemRandom } from '../../src/node/system-clock.ts'

describe('the system clock', () => {
  const clock = new SystemClock()

  test('wakes once, never early', async () => {
    for (const ms of [0, 0.4, 1, 7.3]) {
      const from = clock.monotonic()
      let wakes = 0
      await new Promise<void>((resolve) => {
        clock.after(ms, () => {
          wakes++
          resolve()
        })
      })
      expect(clock.monotonic() - from).toBeGreaterThanOrEqual(ms)
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(wakes).toBe(1)
    }
  })

  test('does not wake once cancelled; cancelling twice is harmless', async () => {
    let isAwake = false
    const cancel = clock.after(1, () => {
      isAwake = true
    })
    cancel()
    cancel()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isAwake).toBe(false)
  })

  test('a wait longer than a timer can hold does not fire at once', async () => {
    let isAwake = false
    const cancel = clock.after(2 ** 40, () => {
      isAwake = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    cancel()
    expect(isAwake).toBe(false)
  })

  test('tells the time', () => {
    expect(Math.abs(clock.wall() - Date.now())).toBeLessThan(1_000)
  })
})

describe('the system’s randomness', () => {
  const random = new SystemRandom()

  test('bytes are as many as asked for and never the same', () => {
    expect(random.bytes(0).length).toBe(0)
    expect(random.bytes(32)).not.toEqual(random.bytes(32))
    expect(random.bytes(32).byteOffset).toBe(0)
  })

  test('numbers below a limit are all reached', () => {
    const drawn = new Set(Array.from({ length: 500 }, () => random.below(7)))
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(random.below(1)).toBe(0)
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32)
  })
})
