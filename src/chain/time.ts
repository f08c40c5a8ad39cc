/**
 * Times as the ledger spells them. Stored times (entries, blocks, receipts) have one spelling: RFC 3339, UTC, three fraction
 * digits, `Z`. Times inside statements may carry any offset and no fraction. Inside the code a time is milliseconds since 1970,
 * a natural number. Nothing here reads a clock or depends on a locale.
 */
import { assert } from './assert.ts'

/** The last millisecond of the year 9999; RFC 3339 has no later one. */
export const timeMax = 253_402_300_799_999

const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?(?:Z|([+-])((?:[01]\d|2[0-3])):([0-5]\d))$/

/**
 * RFC 3339 date-time, upper-case `T` and `Z`, seconds or exactly three fraction digits, any offset; from 1970 to 9999.
 * @returns milliseconds since 1970, or undefined when the text is anything else (leap seconds and 31 February included)
 */
export function parseTime(text: string): number | undefined {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHour, offsetMinute] = match
  const local = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    Number(fraction ?? 0),
  )
  // Date.UTC lets 31 February roll over into March and maps the years 0–99 to 19xx: writing it back shows both.
  if (new Date(local).toISOString().slice(0, 19) !== text.slice(0, 19)) return undefined
  const offset = sign === undefined ? 0 : (Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000
  const time = sign === '-' ? local + offset : local - offset
  return time >= 0 && time <= timeMax ? time : undefined
}

/** The one spelling of stored times: `2026-11-22T02:15:00.123Z`. */
export function formatTime(time: number): string {
  assert(Number.isSafeInteger(time) && time >= 0 && time <= timeMax, `not a time: ${time}`)
  return new Date(time).toISOString()
}

/** Reads a stored time; undefined for every spelling but the one `formatTime` writes. */
export function parseStoredTime(text: string): number | undefined {
  const time = parseTime(text)
  return time !== undefined && formatTime(time) === text ? time : undefined
}
