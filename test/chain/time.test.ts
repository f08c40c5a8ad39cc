import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTime, parseStoredTime, parseTime, timeMax } from '../../src/chain/time.ts'

describe('times', () => {
  it.each([
    ['2026-03-16T09:30:00+08:00', '2026-03-16T01:30:00.000Z'],
    ['2026-03-16T09:30:00.123+08:00', '2026-03-16T01:30:00.123Z'],
    ['2026-03-16T01:30:00Z', '2026-03-16T01:30:00.000Z'],
    ['2026-03-15T22:00:00-03:30', '2026-03-16T01:30:00.000Z'],
    ['1969-12-31T23:59:59-01:00', '1970-01-01T00:59:59.000Z'],
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
  ])('%s is %s', (text, stored) => {
    expect(formatTime(parseTime(text)!)).toBe(stored)
  })

  it.each([
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:59:60Z',
    '2026-01-01T23:59:59',
    '2026-01-01 23:59:59Z',
    '2026-01-01t23:59:59z',
    '2026-01-01T23:59:59.1Z',
    '2026-01-01T23:59:59.1234Z',
    '2026-01-01T23:59:59+8:00',
    '2026-01-01T23:59:59+24:00',
    '2026-01-01T23:59:59+08:60',
    '2026-01-01T23:59Z',
    '2026-01-01',
    '20260316093000',
    '1969-12-31T23:59:59Z',
    '0099-12-31T23:59:59Z',
    '+002026-01-01T00:00:00Z',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '٢٠٢٦-01-01T00:00:00Z',
    '',
  ])('refuses %j', (text) => {
    expect(parseTime(text)).toBeUndefined()
  })

  it('agrees with the calendar of Date on every day of four centuries, and on the day after each month', () => {
    for (let year = 1970; year < 2370; year++) {
      for (let month = 1; month <= 12; month++) {
        const days = new Date(Date.UTC(year, month, 0)).getUTCDate()
        const date = (day: number) =>
          `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T00:00:00Z`
        expect(parseTime(date(days))).toBe(Date.UTC(year, month - 1, days))
        expect(parseTime(date(days + 1))).toBeUndefined()
        expect(parseTime(date(0))).toBeUndefined()
      }
    }
  })

  it('knows one spelling of a stored time', () => {
    expect(parseStoredTime('2026-11-22T02:15:00.123Z')).toBe(Date.UTC(2026, 10, 22, 2, 15, 0, 123))
    for (const text of ['2026-11-22T02:15:00Z', '2026-11-22T02:15:00.123+00:00', '2026-11-22T10:15:00.123+08:00']) {
      expect(parseStoredTime(text)).toBeUndefined()
    }
  })

  it('takes for stored exactly what it would write, of all spellings that can be read', () => {
    const digits = (count: number, max: number) =>
      fc.integer({ min: 0, max }).map((number) => String(number).padStart(count, '0'))
    const spelling = fc
      .tuple(
        fc.tuple(digits(4, 9_999), digits(2, 13), digits(2, 32)).map((parts) => parts.join('-')),
        fc.tuple(digits(2, 24), digits(2, 60), digits(2, 60)).map((parts) => parts.join(':')),
        fc.constantFrom('', '.000', '.999', '.5', '.1234'),
        fc.constantFrom('Z', 'z', '+00:00', '-00:00', '+08:00', ''),
      )
      .map(([day, time, fraction, offset]) => `${day}T${time}${fraction}${offset}`)
    fc.assert(
      fc.property(spelling, (text) => {
        const time = parseTime(text)
        expect(parseStoredTime(text)).toBe(time !== undefined && formatTime(time) === text ? time : undefined)
      }),
      { numRuns: 2_000 },
    )
  })

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: timeMax }), (time) => {
        expect(parseStoredTime(formatTime(time))).toBe(time)
      }),
    )
    expect(() => formatTime(timeMax + 1)).toThrow()
    expect(() => formatTime(-1)).toThrow()
    expect(() => formatTime(0.5)).toThrow()
  })
})
