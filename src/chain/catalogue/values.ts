/**
 * The values of the trade: parties and USCCs, money, times, codes, regions, hashes. For each: the rule, and the piece of JSON Schema
 * that a record type puts in its own. A rule that a pattern cannot say (a check digit, a real date) or whose breach deserves
 * a code of its own hangs on the schema keyword `x-value`; `schema.ts` runs it. No rule here depends on the runtime's Unicode tables or
 * locale: members on different versions must give the same answer.
 */
import { fromHex } from '../bytes.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { parseTime } from '../time.ts'
import { holdsPersonalNumber } from './personal-data.ts'

/** What is wrong with a value: the code that refuses it, and one clause for people. */
export interface ValueProblem {
  readonly code: string
  readonly zh: string
  readonly en: string
}

export type PartyId =
  | { readonly kind: 'uscc'; readonly uscc: string }
  | { readonly kind: 'id'; readonly scheme: string; readonly id: string }
  | { readonly kind: 'person'; readonly hash: Uint8Array }

export const valueRefusals: RefusalTexts = {
  'party.malformed': {
    zh: {
      title: '主体标识格式错误',
      cause: '主体标识不是 uscc:、id: 或 person: 三种写法之一。',
      remedy:
        '境内组织用 uscc:<18 位统一社会信用代码>，境外组织用 id:<体系>:<编号>，自然人用 person:<加盐哈希 64 位小写十六进制>。',
    },
    en: {
      title: 'Malformed party id',
      cause: 'The party id has none of the forms uscc:, id: and person:.',
      remedy:
        'Use uscc:<18 characters> for organisations with a USCC, id:<scheme>:<id> for others, person:<salted hash, 64 hex> for natural persons.',
    },
  },
  'party.bad-uscc': {
    zh: {
      title: '统一社会信用代码校验码错误',
      cause: '按 GB 32100-2015 计算，末位校验码不符，或含有代码中不会出现的字母。',
      remedy: '请核对营业执照上的 18 位代码，注意字母 I、O、S、V、Z 不会出现。',
    },
    en: {
      title: 'Wrong USCC check character',
      cause:
        'The last character is not the check character of GB 32100-2015, or a letter stands there that never occurs.',
      remedy: 'Compare with the business licence; the letters I, O, S, V, Z never occur.',
    },
  },
  'money.malformed': {
    zh: {
      title: '金额或数值写法错误',
      cause: '金额、费率须为十进制字符串：整数至多 14 位，小数至多 6 位，无千分位、无符号、无多余前导零。',
      remedy: '例如 "1835.0534"；不要用 JSON 数字，以免浮点误差。',
    },
    en: {
      title: 'Malformed amount',
      cause:
        'Amounts and rates are decimal strings: at most 14 integer and 6 fraction digits, no separators, sign or leading zeros.',
      remedy: 'For example "1835.0534". Never a JSON number: floats lose cents.',
    },
  },
  'time.malformed': {
    zh: {
      title: '时间写法错误',
      cause: '时间须为带时区偏移的 RFC 3339，精确到秒或毫秒，且日期真实存在。',
      remedy: '例如 2026-03-16T09:30:00+08:00；国家数据规范的 yyyyMMddHHmmss 请加上 +08:00 转换。',
    },
    en: {
      title: 'Malformed time',
      cause: 'Times are RFC 3339 with an offset, to the second or the millisecond, of a day that exists.',
      remedy: 'For example 2026-03-16T09:30:00+08:00; the national yyyyMMddHHmmss is UTC+8.',
    },
  },
  'code.malformed': {
    zh: {
      title: '编号写法错误',
      cause: '编号含有不允许的字符，首尾有空格，或过长。',
      remedy: '编号按公告原样填写；组合用附加符号、不可见字符与私用字符不允许，因为肉眼无法分辨。',
    },
    en: {
      title: 'Malformed code',
      cause: 'The code holds a character that is not allowed, begins or ends with a space, or is too long.',
      remedy:
        'Write codes as the notice does; combining marks, invisible and private characters are not allowed, because no eye can tell them apart.',
    },
  },
}

// ---- parties -----------------------------------------------------------------------------------------------------------------

const usccAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const usccForm = /^[0-9A-HJ-NPQRTUWXY]{18}$/
/** 3^(i−1) mod 31 */
const usccWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]

/** The check character of the first 17 characters of a USCC (GB 32100-2015); undefined when they are no such characters. */
export function usccCheckCharacter(first17: string): string | undefined {
  if (first17.length !== usccWeights.length) return undefined
  let sum = 0
  for (let i = 0; i < usccWeights.length; i++) {
    const digit = usccAlphabet.indexOf(first17[i]!)
    if (digit < 0) return undefined
    sum += digit * usccWeights[i]!
  }
  // The outer mod matters: without it a sum divisible by 31 has the check character number 31, which does not exist.
  return usccAlphabet[(31 - (sum % 31)) % 31]
}

/** Whether this is a USCC with the right check character. */
export function isUscc(text: string): boolean {
  return usccForm.test(text) && usccCheckCharacter(text.slice(0, 17)) === text[17]
}

/** Reads a party id; undefined when it is malformed or its USCC has the wrong check character. */
export function parseParty(text: string): PartyId | undefined {
  if (partyProblem(text) !== undefined) return undefined
  if (text.startsWith('uscc:')) return { kind: 'uscc', uscc: text.slice(5) }
  if (text.startsWith('person:')) return { kind: 'person', hash: fromHex(text.slice(7))! }
  const schemeEnd = text.indexOf(':', 3)
  return { kind: 'id', scheme: text.slice(3, schemeEnd), id: text.slice(schemeEnd + 1) }
}

// ---- codes -------------------------------------------------------------------------------------------------------------------

/**
 * The characters of which codes and foreign ids are made. Codes are opaque (100 real notices have Chinese, brackets, dashes of every
 * width), but they identify, so one code must have one spelling: NFC. That would make the answer depend on the Unicode version of each
 * member's runtime, and a submitter could split honest members with a young character. So this is a fixed list in which every
 * string is in NFC: no combining marks, no Hangul, none of the characters that NFC replaces (a test holds that). Also
 * left out: what cannot be seen.
 */
const codeCharacters = [
  '\\u0020-\\u007e', // ASCII
  '\\u00a1-\\u00ac\\u00ae-\\u017f', // Latin, without the no-break space and the soft hyphen
  '\\u0391-\\u03a1\\u03a3-\\u03a9\\u03b1-\\u03c9', // Greek
  '\\u0401\\u0410-\\u044f\\u0451', // Cyrillic
  '\\u2010-\\u2027\\u2030-\\u205e', // dashes, quotation marks, ‰
  '\\u2100-\\u2125\\u2127-\\u2129\\u212c-\\u214f\\u2150-\\u2189', // №, ℃, Roman numerals; not Ω Å K, which NFC replaces
  '\\u2190-\\u22ff\\u2460-\\u25ff', // arrows, operators, circled numbers, shapes
  '\\u3001-\\u3029\\u3030-\\u303e', // CJK punctuation, without the ideographic space and the tone marks
  '\\u3041-\\u3096\\u309b-\\u30ff\\u3105-\\u312f\\u3200-\\u321e\\u3220-\\u33ff', // kana, bopomofo, ㈠, ㎡
  '\\u3400-\\u4dbf\\u4e00-\\u9fff', // Han
  '\\uff01-\\uff5e\\uffe0-\\uffe6', // full-width forms
  '\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b739}\\u{2b740}-\\u{2b81d}\\u{2b820}-\\u{2cea1}', // rarer Han: extensions B to E
  '\\u{2ceb0}-\\u{2ebe0}\\u{30000}-\\u{3134a}\\u{31350}-\\u{323af}', // F to H
].join('')

/** Code points in a tender code, section code, guarantee number (domain.md, section 2). */
export const codeCharactersMax = 64

const codePattern = `^(?! )[${codeCharacters}]{1,${codeCharactersMax}}(?<! )$`
const codeForm = new RegExp(codePattern, 'u')

const partyPattern = `^(?:uscc:[0-9A-HJ-NPQRTUWXY]{18}|id:[A-Za-z0-9._-]{1,32}:(?:(?! )[${codeCharacters}]){1,64}|person:[0-9a-f]{64})$`
const partyForm = new RegExp(partyPattern, 'u')

/** ≤ 14 integer and ≤ 6 fraction digits, no sign, one spelling of the integer part; trailing zeros stay as the document has them. */
const decimalPattern = '^(?:0|[1-9][0-9]{0,13})(?:\\.[0-9]{1,6})?$'
const decimalForm = new RegExp(decimalPattern)

const timePattern = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{3})?(?:Z|[+-][0-9]{2}:[0-9]{2})$'

// ---- rules behind the keyword x-value ----------------------------------------------------------------------------------------

function partyProblem(value: unknown): ValueProblem | undefined {
  // Eighteen characters that cannot be a USCC are a mistyped one, and deserve to be told so.
  if (typeof value !== 'string' || !(partyForm.test(value) || /^uscc:[0-9A-Z]{18}$/.test(value))) {
    return {
      code: 'party.malformed',
      zh: '应为 uscc:…、id:<体系>:<编号> 或 person:… 形式的主体标识',
      en: 'must be a party id: uscc:…, id:<scheme>:<id> or person:…',
    }
  }
  if (value.startsWith('uscc:') && !isUscc(value.slice(5))) {
    return {
      code: 'party.bad-uscc',
      zh: '统一社会信用代码的校验码不符',
      en: 'has a USCC with the wrong check character',
    }
  }
  return undefined
}

function decimalProblem(value: unknown): ValueProblem | undefined {
  if (typeof value === 'string' && decimalForm.test(value)) return undefined
  return {
    code: 'money.malformed',
    zh: '应为十进制字符串，整数至多 14 位、小数至多 6 位，如 "1835.0534"',
    en: 'must be a decimal string with at most 14 integer and 6 fraction digits, like "1835.0534"',
  }
}

function timeProblem(value: unknown): ValueProblem | undefined {
  if (typeof value === 'string' && parseTime(value) !== undefined) return undefined
  return {
    code: 'time.malformed',
    zh: '应为带时区偏移的 RFC 3339 时间，如 2026-03-16T09:30:00+08:00',
    en: 'must be an RFC 3339 time with an offset, like 2026-03-16T09:30:00+08:00',
  }
}

function codeProblem(value: unknown): ValueProblem | undefined {
  if (typeof value === 'string' && codeForm.test(value)) return undefined
  return {
    code: 'code.malformed',
    zh: `应为 1 至 ${codeCharactersMax} 个可见字符，首尾无空格，不含组合附加符号`,
    en: `must be 1 to ${codeCharactersMax} visible characters without combining marks or spaces at the ends`,
  }
}

function wordsProblem(value: unknown): ValueProblem | undefined {
  if (typeof value !== 'string' || !holdsPersonalNumber(value)) return undefined
  return {
    code: 'personal-data.refused',
    zh: '含有身份证号或手机号，个人信息不得上链',
    en: 'holds the number of an identity card or a mobile telephone; personal data stay off the ledger',
  }
}

/** The rules that the schema keyword `x-value` can name. */
export const valueRules = {
  party: partyProblem,
  decimal: decimalProblem,
  time: timeProblem,
  code: codeProblem,
  words: wordsProblem,
} as const satisfies Record<string, (value: unknown) => ValueProblem | undefined>

export type ValueRule = keyof typeof valueRules

// ---- pieces of JSON Schema ---------------------------------------------------------------------------------------------------

/** A field's name for people, as `title`: `中文 / English`. Error messages and API documents take it from there. */
export function named(zh: string, en: string, schema: JsonObject): JsonObject {
  return { title: `${zh} / ${en}`, ...schema }
}

export const partyField = (zh: string, en: string): JsonObject =>
  named(zh, en, {
    description: 'uscc:<18 位> | id:<体系 scheme>:<编号 id> | person:<64 hex>',
    type: 'string',
    pattern: partyPattern,
    'x-value': 'party',
  })

/** An amount or a rate, without its unit. */
export const decimalField = (zh: string, en: string): JsonObject =>
  named(zh, en, {
    description: '十进制字符串，不是 JSON 数字 / decimal string, never a JSON number',
    type: 'string',
    pattern: decimalPattern,
    'x-value': 'decimal',
  })

export const timeField = (zh: string, en: string): JsonObject =>
  named(zh, en, {
    description: 'RFC 3339，带时区偏移 / with an offset',
    type: 'string',
    pattern: timePattern,
    'x-value': 'time',
  })

export const codeField = (zh: string, en: string): JsonObject =>
  named(zh, en, { type: 'string', pattern: codePattern, maxLength: codeCharactersMax, 'x-value': 'code' })

/** Free text on one line: no control characters, and none that turn the direction of writing or break lines. */
export const textField = (zh: string, en: string, charactersMax: number): JsonObject =>
  named(zh, en, {
    type: 'string',
    minLength: 1,
    maxLength: charactersMax,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]*$',
  })

/** Free text in which nobody's personal number stands; what new types use. */
export const wordsField = (zh: string, en: string, charactersMax: number): JsonObject => ({
  ...textField(zh, en, charactersMax),
  'x-value': 'words',
})

export const enumField = (zh: string, en: string, values: readonly string[]): JsonObject =>
  named(zh, en, { type: 'string', enum: values })

export const regionField = named('地区', 'Region', {
  description: 'GB/T 2260 六位代码，可到县级 / six digits, county level allowed',
  type: 'string',
  pattern: '^[0-9]{6}$',
})

export const currencyField = named('币种', 'Currency', {
  description: 'ISO 4217，如 CNY / like CNY',
  type: 'string',
  pattern: '^[A-Z]{3}$',
})

export const unitField = named('金额单位', 'Unit', {
  description: '"0" 元 yuan, "1" 万元 ten thousand yuan',
  type: 'string',
  enum: ['0', '1'],
})

/** A hash of a document or datum; SM3 and SHA-256 both have 256 bits. */
export const hashField = (zh: string, en: string): JsonObject =>
  named(
    zh,
    en,
    object(
      {
        algorithm: enumField('算法', 'Algorithm', ['sha256', 'sm3']),
        value: named('哈希值', 'Hash value', {
          description: '64 位小写十六进制 / 64 lower-case hex digits',
          type: 'string',
          pattern: '^[0-9a-f]{64}$',
        }),
      },
      ['algorithm', 'value'],
    ),
  )

export interface DocumentHash {
  readonly algorithm: 'sha256' | 'sm3'
  readonly value: string
}

/** `sha256:9f86…`: how indexes and rows spell a hash. */
export const hashText = ({ algorithm, value }: DocumentHash): string => `${algorithm}:${value}`

/** A sum of money. */
export const moneyField = (zh: string, en: string): JsonObject =>
  named(
    zh,
    en,
    object({ amount: decimalField('数额', 'Amount'), unit: unitField, currency: currencyField }, [
      'amount',
      'unit',
      'currency',
    ]),
  )

/** What a bid offers: a "price" of 1 may be a rate, so the form is said. */
export const priceField = named(
  '报价',
  'Price',
  object(
    {
      form: enumField('报价形式', 'Form of the price', ['amount', 'rate', 'unitPrice', 'other']),
      amount: decimalField('数额', 'Amount'),
      unit: unitField,
      currency: currencyField,
      raw: textField('原文', 'As printed', 256),
    },
    ['form', 'amount'],
  ),
)

/** A tender's identity: (owner, scheme, code), never the code alone. */
export const tenderField = named(
  '招标项目',
  'Tender',
  object(
    {
      owner: partyField('招标人', 'Owner of the tender'),
      scheme: named('编码体系', 'Code scheme', { type: 'string', pattern: '^[A-Za-z0-9._-]{1,32}$' }),
      code: codeField('招标项目编号', 'Tender code'),
      name: textField('项目名称', 'Tender name', 256),
    },
    ['owner', 'scheme', 'code'],
  ),
)

/** Somebody named in a document; the id is absent where the document gives only the name. */
export const namedPartyField = (zh: string, en: string, required: readonly string[]): JsonObject =>
  named(zh, en, object({ party: partyField('主体标识', 'Party id'), name: textField('名称', 'Name', 128) }, required))

export interface NamedParty {
  readonly party?: string
  readonly name: string
}

/** The ids of those that have one, in their order. */
export function partiesOf(named: readonly Partial<NamedParty>[] = []): readonly string[] {
  return named.flatMap(({ party }) => (party === undefined ? [] : [party]))
}

/** An object with exactly these fields. */
export function object(properties: JsonObject, required: readonly string[]): JsonObject {
  return { type: 'object', properties, required, additionalProperties: false }
}

/** A refusal of one field. */
export function refuse(code: string, pointer: string, zh: string, en: string): Refusal {
  return new Refusal(code, `${pointer}: ${en}`, [{ pointer, problem: `${zh} | ${en}` }])
}

// ---- comparing -----------------------------------------------------------------------------------------------------------------

/** Milliseconds of a time that the schema has passed. */
export function timeOf(value: JsonValue | undefined): number {
  const time = typeof value === 'string' ? parseTime(value) : undefined
  if (time === undefined) throw new TypeError('not a time; the schema must be checked first')
  return time
}

/** A decimal that the schema has passed, in millionths; exact. */
export function millionthsOf(value: JsonValue | undefined): bigint {
  if (typeof value !== 'string' || !decimalForm.test(value))
    throw new TypeError('not a decimal; check the schema first')
  const [integer, fraction = ''] = value.split('.')
  return BigInt(integer! + fraction.padEnd(6, '0'))
}

export interface Money {
  readonly amount: string
  readonly unit: string
  readonly currency: string
}

/** A sum in millionths of its own currency, whatever its unit. */
export function sumOf({ amount, unit }: Pick<Money, 'amount' | 'unit'>): bigint {
  return unit === '1' ? millionthsOf(amount) * 10_000n : millionthsOf(amount)
}

/** A sum in millionths of a yuan, whatever its unit; null in another currency, which is compared with nothing. */
export function yuanMillionthsOf(money: Money): bigint | null {
  return money.currency === 'CNY' ? sumOf(money) : null
}
