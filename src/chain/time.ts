/**
 * Times as the ledger spells them. Stored times (entries, blocks, receipts) have one spelling: RFC 3339, UTC, three fraction
 * digits, `Z`. Times inside statements may carry any offset and no fraction. Inside the code a time is milliseconds since 1970,
 * a natural number. Nothing here reads a clock or depends on a locale.
 */
import { assert } from './assert.ts'

/** The last millisecond of the year 9999; RFC 3339 has no later one. */
export const timeMax = 253_402_300_799_999

/** The last whole second of that year: cosignatures count POSIX seconds. */
export const timeSecondsMax = 253_402_300_799

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?(?:Z|[+-]\d\d:\d\d)$/

/**
 * RFC 3339 date-time, upper-case `T` and `Z`, seconds or exactly three fraction digits, any offset; from 1970 to 9999.
 * @returns milliseconds since 1970, or undefined when the text is anything else (leap seconds and 31 February included)
 */
export function parseTime(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined
  // The form is fixed, so the fields are read where they stand. One bid has its times read six times on the way to a record; with a
  // Date for each that was a quarter of the cost of all its checks.
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const [month, day] = [twoDigits(text, 5), twoDigits(text, 8)]
  const [hour, minute, second] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)]
  if (year < 1969 || month < 1 || month > 12 || day < 1 || day > daysIn(month, year)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const hasFraction = text[19] === '.'
  const milliseconds = hasFraction ? Number(text.slice(20, 23)) : 0
  const local = Date.UTC(year, month - 1, day, hour, minute, second, milliseconds)

  const offsetAt = hasFraction ? 23 : 19
  const sign = text[offsetAt]
  if (sign === 'Z') return inRange(local)
  const [offsetHour, offsetMinute] = [twoDigits(text, offsetAt + 1), twoDigits(text, offsetAt + 4)]
  if (offsetHour > 23 || offsetMinute > 59) return undefined
  const offset = (offsetHour * 60 + offsetMinute) * 60_000
  return inRange(sign === '-' ? local + offset : local - offset)
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
}

function daysIn(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const inRange = (time: number): number | undefined => (time >= 0 && time <= timeMax ? time : undefined)

/** The one spelling of stored times: `2026-11-22T02:15:00.123Z`. */
export function formatTime(time: number): string {
  assert(Number.isSafeInteger(time) && time >= 0 && time <= timeMax, `not a time: ${time}`)
  return new Date(time).toISOString()
}

/** Reads a stored time; undefined for every spelling but the one `formatTime` writes. */
export function parseStoredTime(text: string): number | undefined {
  // Of all times that read, only UTC with three fraction digits has this length.
  return text.length === storedCharacters ? parseTime(text) : undefined
}

const storedCharacters = '2026-11-22T02:15:00.123Z'.length

/** For people: `2026-11-22 10:15:00.123 +08:00`, always Beijing time and saying so. Takes any time that a verifier may meet. */
export function beijingTime(time: number): string {
  if (!Number.isSafeInteger(time) || time < 0 || time > timeMax - 8 * 3_600_000) return `${time} ms`
  return `${new Date(time + 8 * 3_600_000).toISOString().slice(0, -1).replace('T', ' ')} +08:00`
}

/** Of POSIX seconds, without a fraction. */
export const beijingTimeOfSeconds = (seconds: number): string => beijingTime(seconds * 1000).replace('.000 ', ' ')

/** A text as it was written; a time of another offset than ours with Beijing time beside it, since its day may be another. */
export function withBeijingTime(text: string): string {
  const time = text.endsWith('+08:00') ? undefined : parseTime(text)
  return time === undefined ? text : `${text}（${beijingTime(time)}）`
}
