/**
 * Strict JSON and its one canonical spelling (RFC 8785, JCS). What parses here has no doubled names, no lone surrogates, no number
 * that JavaScript would silently change, and is nested at most `jsonDepthMax` deep; so two readers never see two different
 * values in the same bytes, and a hash over the canonical spelling is a hash over the value. Schemas are somebody else's job.
 */
import { Refusal, type RefusalTexts } from './refusal.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** Objects and arrays inside each other, the outermost counted as 1. No record type needs more than 5. */
export const jsonDepthMax = 16

/** A value with its RFC 8785 spelling, for callers that need both (statement ids are made of the spelling). */
export interface CanonicalJson {
  readonly value: JsonValue
  readonly canonical: string
}

export const jsonRefusals: RefusalTexts = {
  'json.malformed': {
    zh: {
      title: 'JSON 不合规范',
      cause: '文本不是严格的 JSON：语法错误、字段名重复、孤立的代理字符、超出安全范围的数字，或嵌套超过 16 层。',
      remedy: '请用标准 JSON 库生成 UTF-8 文本；金额与长编号一律用字符串表示。',
    },
    en: {
      title: 'Not strict JSON',
      cause:
        'The text is not strict JSON: a syntax error, a doubled name, a lone surrogate, a number outside the safe range, or more than 16 levels.',
      remedy: 'Produce UTF-8 text with a standard JSON library; write amounts and long numbers as strings.',
    },
  },
}

/**
 * Parses strict JSON. The result is what JSON.parse makes of the canonical spelling: `__proto__` is an ordinary own name, -0 is 0.
 * @throws {Refusal} json.malformed
 */
export function parseJson(text: string): JsonValue {
  return readJson(text).value
}

/**
 * Parses strict JSON and gives the canonical spelling with it.
 * The usual case is fast: a text that *is* the canonical spelling of what JSON.parse makes of it cannot hide a doubled name
 * (the spelling has each name once), so only other spellings are scanned.
 * @throws {Refusal} json.malformed
 */
export function readJson(text: string): CanonicalJson {
  let value: JsonValue
  try {
    value = JSON.parse(text)
  } catch {
    // The runtime's own message differs between engines and versions, so it is not passed on.
    throw new Refusal('json.malformed', 'not JSON')
  }
  const canonical = canonicalJson(value)
  if (canonical === text) return { value, canonical }
  refuseDoubledNames(text)
  return { value: JSON.parse(canonical), canonical }
}

/**
 * The RFC 8785 spelling: names in UTF-16 order, numbers as ECMAScript writes them, no white space.
 * @throws {Refusal} json.malformed for lone surrogates, unsafe numbers and deep nesting
 */
export function canonicalJson(value: JsonValue): string {
  // JSON.stringify already writes strings and numbers as RFC 8785 wants them; only the order of names may differ. Integer-like
  // names ("10" before "2") can never be in order in a JavaScript object, which is one more reason to look instead of to sort first.
  const text = namesInOrder(value, 1) ? JSON.stringify(value) : spell(value)
  // A lone surrogate comes out of JSON.stringify as an escape; `\ud` may also be an escaped backslash before "ud", so look closer.
  if (text.includes('\\ud')) refuseLoneSurrogates(value)
  return text
}

/**
 * The value of a text that `parseJson` has read before: the same value, and nothing is checked again.
 * Names in another order than the canonical one, and -0, are what makes the two readings differ.
 */
export function rereadJson(text: string): JsonValue {
  const value: JsonValue = JSON.parse(text)
  return namesInOrder(value, 1) ? value : JSON.parse(canonicalJson(value))
}

/** Checks depth and numbers everywhere, and says whether the value is what its canonical spelling reads as: names in UTF-16 order, no -0. */
function namesInOrder(value: JsonValue, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      refuseUnsafeNumber(value)
      return !Object.is(value, -0)
    case 'object': {
      if (value === null) return true
      if (depth > jsonDepthMax) throw new Refusal('json.malformed', `nested more than ${jsonDepthMax} deep`)
      let inOrder = true
      if (isArray(value)) {
        for (const item of value) if (!namesInOrder(item, depth + 1)) inOrder = false
        return inOrder
      }
      let previous: string | undefined
      for (const name of Object.keys(value)) {
        if (previous !== undefined && previous > name) inOrder = false
        previous = name
        if (!namesInOrder(value[name]!, depth + 1)) inOrder = false
      }
      return inOrder
    }
    default:
      throw new TypeError(`not a JSON value: ${typeof value}`)
  }
}

function refuseUnsafeNumber(value: number): void {
  if (Number.isSafeInteger(value)) return
  // A fraction is exact enough to be written back; an integer beyond 2^53 − 1 has neighbours that read as the same number.
  if (!Number.isFinite(value) || Number.isInteger(value)) {
    throw new Refusal('json.malformed', 'a number outside the safe range: write it as a string')
  }
}

function spell(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  let text = ''
  if (isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${spell(item)}`
    return `[${text}]`
  }
  // The default order of sort() is by UTF-16 code units, as RFC 8785 §3.2.3 asks.
  for (const name of Object.keys(value).sort()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${spell(value[name]!)}`
  }
  return `{${text}}`
}

function refuseLoneSurrogates(value: JsonValue): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new Refusal('json.malformed', 'a lone surrogate in a string')
  } else if (isArray(value)) {
    for (const item of value) refuseLoneSurrogates(item)
  } else if (value !== null && typeof value === 'object') {
    for (const name of Object.keys(value)) {
      refuseLoneSurrogates(name)
      refuseLoneSurrogates(value[name]!)
    }
  }
}

/** Scans text that JSON.parse has accepted, so the grammar need not be checked again: strings, brackets, commas are enough. */
function refuseDoubledNames(text: string): void {
  /** One set per open object, undefined per open array. */
  const open: (Set<string> | undefined)[] = []
  let names: Set<string> | undefined
  let nameComes = false
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case openBrace:
        names = new Set()
        open.push(names)
        nameComes = true
        break
      case openBracket:
        names = undefined
        open.push(names)
        break
      case closeBrace:
      case closeBracket:
        open.pop()
        names = open.at(-1)
        break
      case comma:
        nameComes = names !== undefined
        break
      case quotationMark: {
        const end = endOfString(text, at)
        if (nameComes && names !== undefined) {
          const inside = text.slice(at + 1, end)
          const name: string = inside.includes('\\') ? JSON.parse(`"${inside}"`) : inside
          if (names.has(name)) throw new Refusal('json.malformed', `the name ${JSON.stringify(name)} stands twice`)
          names.add(name)
          nameComes = false
        }
        at = end
        break
      }
    }
  }
}

const [openBrace, closeBrace, openBracket, closeBracket, comma, quotationMark] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x22]

/** Index of the quotation mark that closes the string whose opening mark is at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

/** Whether an odd number of backslashes stands before. */
function isEscaped(text: string, at: number): boolean {
  let before = at
  while (text[before - 1] === '\\') before--
  return (at - before) % 2 === 1
}

/** Array.isArray does not narrow readonly arrays. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
