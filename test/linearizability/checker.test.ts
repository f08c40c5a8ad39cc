/** The checker against histories whose verdict is known, and against every order there is. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkHistory, type Model, type Operation, precedes } from './checker.ts'

type Input = { readonly write: number } | 'read'
type Call = Operation<Input, number>

/** A register that holds a number, 0 at first; a write answers what it wrote. */
const register: Model<number, Input, number> = {
  initial: 0,
  step(state, input, output) {
    if (input === 'read') return output === undefined || output === state ? state : undefined
    return output === undefined || output === input.write ? input.write : undefined
  },
  textOf: String,
}

const write = (value: number, invokedAt: number, answeredAt?: number): Call => ({
  input: { write: value },
  invokedAt,
  answered: answeredAt === undefined ? undefined : { at: answeredAt, output: value },
})
const read = (value: number, invokedAt: number, answeredAt: number): Call => ({
  input: 'read',
  invokedAt,
  answered: { at: answeredAt, output: value },
})
const staleRead = (value: number, invokedAt: number, answeredAt: number, session = 'a'): Call => ({
  ...read(value, invokedAt, answeredAt),
  session,
  mayBeStale: true,
})

const verdictOn = (history: readonly Call[]): string => checkHistory(register, history).kind

describe('a history of a register', () => {
  it.each<[string, readonly Call[]]>([
    ['nothing', []],
    ['one after the other', [write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)]],
    ['a read that overlaps a write may see it', [write(1, 0, 10), read(1, 2, 3)]],
    ['or not', [write(1, 0, 10), read(0, 2, 3)]],
    ['reads that overlap a write agree from the first that saw it', [write(1, 0, 10), read(0, 1, 2), read(1, 3, 4)]],
    ['a write that timed out appears later', [write(1, 0), read(0, 2, 3), read(1, 100, 101)]],
    ['or never', [write(1, 0), read(0, 2, 3), read(0, 100, 101)]],
    ['or after a later write', [write(1, 0), write(2, 1, 2), read(2, 3, 4), read(1, 5, 6)]],
    ['a stale read shows what was', [write(1, 0, 1), staleRead(0, 2, 3)]],
    ['two sessions differ in how far they are', [write(1, 0, 1), staleRead(1, 2, 3, 'a'), staleRead(0, 4, 5, 'b')]],
  ])('may be: %s', (_, history) => {
    expect(verdictOn(history)).toBe('linearizable')
  })

  it.each<[string, readonly Call[]]>([
    ['a stale read where none is allowed', [write(1, 0, 1), read(0, 2, 3)]],
    ['a lost write', [write(1, 0, 1), read(1, 2, 3), read(0, 4, 5)]],
    ['a read of what nobody wrote', [write(1, 0, 1), read(7, 2, 3)]],
    ['a read from the future', [staleRead(1, 0, 1), write(1, 2, 3)]],
    [
      'writes seen in two orders',
      [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14), read(1, 15, 16)],
    ],
    ['a write that timed out, seen and then gone', [write(1, 0), read(1, 2, 3), read(0, 4, 5)]],
    ['a write that timed out, seen before it was sent', [read(1, 0, 1), write(1, 2)]],
    ['a session that goes back', [write(1, 0, 1), staleRead(1, 2, 3), staleRead(0, 4, 5)]],
    ['a session that forgets its own write', [{ ...write(1, 0, 1), session: 'a' }, staleRead(0, 2, 3)]],
  ])('cannot be: %s', (_, history) => {
    expect(verdictOn(history)).toBe('not-linearizable')
  })

  it('is shown as far as it goes, with what could not come next', () => {
    const history = [write(1, 0, 1), read(1, 2, 3), read(0, 4, 5)]
    const verdict = checkHistory(register, history)
    expect(verdict).toEqual({ kind: 'not-linearizable', order: history.slice(0, 2), stuck: history.slice(2) })
  })

  it('is never called good for want of time', () => {
    const overlapping = Array.from({ length: 20 }, (_, at) => write(at + 1, 0, 100))
    expect(() => checkHistory(register, [...overlapping, read(99, 101, 102)], 1_000)).toThrow('not decided within 1000')
  })

  it('is decided quickly when many thousand calls follow each other', () => {
    const calls = Array.from({ length: 400 }, (_, at) => [
      write(at + 1, 4 * at, 4 * at + 2),
      read(at + 1, 4 * at + 1, 4 * at + 3),
    ])
    expect(checkHistory(register, calls.flat(), 2_000).kind).toBe('linearizable')
  })
})

describe('against every order there is', () => {
  const calls = fc.array(
    fc
      .record({
        value: fc.integer({ min: 0, max: 2 }),
        kind: fc.constantFrom('write', 'unknown', 'read', 'stale'),
        session: fc.constantFrom('a', 'b'),
        invokedAt: fc.integer({ min: 0, max: 12 }),
        lasts: fc.integer({ min: 0, max: 6 }),
      })
      .map(({ value, kind, session, invokedAt, lasts }): Call => {
        if (kind === 'unknown') return write(value, invokedAt)
        if (kind === 'stale') return staleRead(value, invokedAt, invokedAt + lasts, session)
        return { ...(kind === 'write' ? write : read)(value, invokedAt, invokedAt + lasts), session }
      }),
    { maxLength: 6 },
  )

  it('says what trying all of them says', () => {
    const seen = { linearizable: 0, 'not-linearizable': 0 }
    fc.assert(
      fc.property(calls, (history) => {
        const verdict = checkHistory(register, history)
        seen[verdict.kind]++
        expect(verdict.kind === 'linearizable').toBe(existsOrder(history, [], 0))
        if (verdict.kind === 'linearizable') expectOrder(history, verdict.order)
      }),
      { numRuns: 3_000 },
    )
    // Neither answer is the answer to everything.
    expect(Math.min(seen.linearizable, seen['not-linearizable'])).toBeGreaterThan(300)
  })
})

/** Tries every order of every subset that leaves out unknown outcomes only. */
function existsOrder(history: readonly Call[], placed: readonly Call[], state: number): boolean {
  const left = history.filter((call) => !placed.includes(call))
  if (left.every(({ answered }) => answered === undefined)) return true
  return left.some((call) => {
    if (left.some((other) => other !== call && precedes(other, call))) return false
    const after = register.step(state, call.input, call.answered?.output)
    return after !== undefined && existsOrder(history, [...placed, call], after)
  })
}

/** The order given as a witness is one. */
function expectOrder(history: readonly Call[], order: readonly Call[]): void {
  expect(history.filter((call) => call.answered !== undefined && !order.includes(call))).toEqual([])
  expect(new Set(order).size).toBe(order.length)
  let state: number | undefined = register.initial
  order.forEach((call, at) => {
    expect(order.slice(at + 1).some((later) => precedes(later, call))).toBe(false)
    state = register.step(state!, call.input, call.answered?.output)
    expect(state).toBeDefined()
  })
}
