import { beforeEach, describe, expect, test } from 'vitest'
import { DialSupervisor } from '../../src/node/dial-supervisor.ts'
import { SeededRandom, VirtualClock } from '../contract/virtual-clock.ts'

const options = { firstPauseMs: 100, pauseMsMax: 10_000, refusedPauseMs: 60_000, steadyMs: 5_000 }

describe('the dial supervisor', () => {
  let clock: VirtualClock
  let dialledAt: number[]
  let supervisor: DialSupervisor

  beforeEach(() => {
    clock = new VirtualClock()
    dialledAt = []
    const dial = (): void => void dialledAt.push(clock.monotonic())
    supervisor = new DialSupervisor(options, { clock, random: new SeededRandom(3), dial })
  })

  /** Fails `count` dials in a row; the pauses between them. */
  const pausesOf = (count: number, isRefused = false): number[] => {
    const from = dialledAt.length
    for (let failed = 0; failed < count; failed++) {
      const before = dialledAt.length
      supervisor.lost('a', isRefused)
      clock.until(() => dialledAt.length > before, 'the next dial')
    }
    return dialledAt.slice(from).map((at, index) => at - dialledAt[from + index - 1]!)
  }

  test('dials once, soon, and waits for the outcome', () => {
    supervisor.want('a')
    supervisor.want('a')
    clock.advance(3_600_000)
    expect(dialledAt.length).toBe(1)
    expect(dialledAt[0]).toBeLessThanOrEqual(100)
  })

  test('never gives up; pauses double up to the limit and are jittered', () => {
    supervisor.want('a')
    clock.until(() => dialledAt.length === 1, 'the first dial')
    const pauses = pausesOf(200)
    for (const [index, pause] of pauses.entries()) {
      const full = Math.min(10_000, 100 * 2 ** Math.min(index + 1, 20))
      expect(pause).toBeGreaterThanOrEqual(full / 2)
      expect(pause).toBeLessThanOrEqual(full + 1)
    }
    expect(new Set(pauses.slice(-100)).size).toBeGreaterThan(50)
  })

  test('a refusal is waited out for long', () => {
    supervisor.want('a')
    clock.until(() => dialledAt.length === 1, 'the first dial')
    for (const pause of pausesOf(3, true)) expect(pause).toBeGreaterThanOrEqual(30_000)
  })

  test('a steady connection makes the next pause short; flapping makes it longer', () => {
    supervisor.want('a')
    clock.until(() => dialledAt.length === 1, 'the first dial')
    pausesOf(6)
    supervisor.connected('a')
    clock.advance(100)
    supervisor.lost('a', false)
    expect(supervisor.nextDialInMs('a')).toBeGreaterThan(5_000)
    supervisor.connected('a')
    clock.advance(options.steadyMs)
    supervisor.lost('a', false)
    expect(supervisor.nextDialInMs('a')).toBeLessThanOrEqual(101)
  })

  test('a connection that the peer opened cancels the planned dial', () => {
    supervisor.want('a')
    supervisor.connected('a')
    clock.advance(3_600_000)
    expect(dialledAt).toEqual([])
    expect(supervisor.nextDialInMs('a')).toBeUndefined()
  })

  test('hasten shortens a long pause; losing what is not connected changes nothing', () => {
    supervisor.want('a')
    clock.until(() => dialledAt.length === 1, 'the first dial')
    supervisor.lost('a', true)
    const planned = supervisor.nextDialInMs('a')
    supervisor.lost('a', false)
    expect(supervisor.nextDialInMs('a')).toBe(planned)
    supervisor.hasten('a')
    expect(supervisor.nextDialInMs('a')).toBeLessThanOrEqual(101)
  })

  test('peers that are not wanted are ignored, and after stop nobody is dialled', () => {
    supervisor.connected('b')
    supervisor.lost('b', false)
    supervisor.want('a')
    supervisor.stop()
    clock.advance(3_600_000)
    expect(dialledAt).toEqual([])
  })
})
