/**
 * What an importer makes of one item of a file — a statement to sign, a problem, or nothing on purpose — and how it reads values that
 * other systems wrote: local times without an offset, sums with their unit in words, parties by code or by name only. Pure: no file, no
 * network, no clock; the same file gives the same statements, which is why a second run changes nothing.
 */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../../chain/bytes.ts'
import { type DocumentHash, isUscc, type Money } from '../../../chain/catalogue/values.ts'
import type { JsonObject } from '../../../chain/json.ts'
import { Refusal } from '../../../chain/refusal.ts'
import { idempotencyKeyCharactersMax } from '../../../chain/statement.ts'
import { parseTime } from '../../../chain/time.ts'
import { type Bilingual, both } from '../language.ts'

/** What the item is in its own system, for the lines of the report. */
interface FromSource {
  readonly source: string
}

export interface ImportedStatement extends FromSource {
  readonly kind: 'statement'
  /** `tender.notice@1` */
  readonly type: string
  /** From the id in the source: a second run finds the same statement on the ledger. */
  readonly key: string
  readonly fields: JsonObject
  /** What it is about; statements about the same thing are submitted in their order. */
  readonly about: string
  /** For that order: RFC 3339. */
  readonly publishedAt: string
  /** What of the item could not be carried over. */
  readonly notes: readonly Bilingual[]
}

interface ImportProblem extends FromSource {
  readonly kind: 'problem'
  readonly problem: Bilingual
}

/** No record type is meant for it. */
interface LeftOut extends FromSource {
  readonly kind: 'left-out'
  readonly reason: Bilingual
}

export type ImportItem = ImportedStatement | ImportProblem | LeftOut

/** Why an item cannot be imported; thrown inside a mapping, and caught by `mapped`. */
export class ItemProblem extends Error {
  readonly problem: Bilingual
  constructor(zh: string, en: string) {
    super(en)
    this.problem = both(zh, en)
  }
}

/** Runs one mapping; an `ItemProblem` becomes the item's line, and so does what the ledger's own reading of JSON refuses. */
export function mapped(source: string, map: () => ImportItem): ImportItem {
  try {
    return map()
  } catch (error) {
    if (error instanceof ItemProblem) return { kind: 'problem', source, problem: error.problem }
    if (error instanceof Refusal) return { kind: 'problem', source, problem: both(error.message, error.message) }
    throw error
  }
}

/** Fields that are there, without those that are not. */
export const present = (fields: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject

/** A text of a row, without spaces around it; undefined when there is none. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return text === '' ? undefined : text
}

/** What text fields refuse: controls, and characters that turn the direction of writing or cannot be seen. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
const unwritable = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff\s]+/g

/** On one line and within a field's bound; what is cut off ends in an ellipsis. */
export function lineOf(value: unknown, charactersMax: number): string | undefined {
  const text = textOf(value)?.replace(unwritable, ' ').trim()
  if (text === undefined || text === '') return undefined
  const characters = Array.from(text)
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join('')}…`
}

const localTime = /^(\d{4})[-/年]?(\d{2})[-/月]?(\d{2})日?[ T]?(?:(\d{2}):?(\d{2})(?::?(\d{2}))?)?$/

/**
 * `yyyyMMddHHmmss`, `2026-03-16 09:30`, `2026-03-16`: local time of China, UTC+8; or RFC 3339 with its own offset and any fraction.
 * @returns RFC 3339, or undefined when it is none of these or no real time
 */
export function timeOfText(value: unknown): string | undefined {
  const text = textOf(value)
  if (text === undefined) return undefined
  const withOffset = /^(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (withOffset !== null) {
    const [, seconds, fraction, offset] = withOffset
    const time = `${seconds}${fraction === undefined ? '' : `.${fraction.padEnd(3, '0').slice(0, 3)}`}${offset}`
    return parseTime(time) === undefined ? undefined : time
  }
  const local = localTime.exec(text)
  if (local === null) return undefined
  const [, year, month, day, hour = '00', minute = '00', second = '00'] = local
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`
  return parseTime(time) === undefined ? undefined : time
}

/** A date without a time of day is no deadline. */
export const hasTimeOfDay = (value: unknown): boolean => /\d[ T]?\d{2}:?\d{2}(?::?\d{2})?/.test(String(value).slice(8))

/** A sum as people write it: `1,799,980.20元`, `23.5 万元`, `0.00 元人民币`. Undefined when no unit is there, or none is given. */
export function moneyOf(value: unknown, unit?: '0' | '1'): Money | undefined {
  const text = textOf(value)
    ?.replaceAll(/[\s,，]/g, '')
    .replace(/人民币|RMB|CNY|¥|￥/g, '')
  const found = text === undefined ? null : /^(\d+)(?:\.(\d+))?(万元|元)?$/.exec(text)
  if (found === null) return undefined
  const [, integer, fraction, named] = found
  const inUnit = named === undefined ? unit : named === '万元' ? '1' : '0'
  if (inUnit === undefined) return undefined
  const amount = decimalOf(integer!, fraction)
  return amount === undefined ? undefined : { amount, unit: inUnit, currency: 'CNY' }
}

/** The ledger's one spelling of a decimal; undefined when it has too many digits. */
export function decimalOf(integer: string, fraction = ''): string | undefined {
  const whole = integer.replace(/^0+(?=\d)/, '')
  const rest = fraction.replace(/0+$/, '')
  if (whole.length > 14 || rest.length > 6) return undefined
  return rest === '' ? whole : `${whole}.${rest}`
}

/** `uscc:…` of a code that is one; undefined for everything else. */
export function usccPartyOf(code: unknown): string | undefined {
  const text = textOf(code)?.toUpperCase()
  return text !== undefined && isUscc(text) ? `uscc:${text}` : undefined
}

/** A party under the name or code that some other system gave it. @param scheme `[A-Za-z0-9._-]{1,32}` */
export function otherPartyOf(scheme: string, id: string): string {
  return `id:${scheme}:${Array.from(id.replaceAll(/\s+/g, '')).slice(0, 64).join('')}`
}

export const hashOf = (text: string): DocumentHash => ({ algorithm: 'sha256', value: toHex(sha256(utf8(text))) })

/** An idempotency key of a system's name and an id of any length. */
export function keyOf(system: string, id: string): string {
  const key = `${system}:${id}`
  return key.length <= idempotencyKeyCharactersMax ? key : `${system}:sha256:${hashOf(id).value}`
}
