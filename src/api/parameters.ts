/**
 * Parameters of paths and queries: each is declared once, with the schema and words that the documentation shows and the function
 * that reads it. Fastify neither coerces nor drops anything here; what is unknown, repeated, empty or malformed is refused with every
 * such parameter named, so that no filter is ever silently ignored.
 */
import { valueRules } from '../chain/catalogue/values.ts'
import { parseDecimal } from '../chain/checkpoint.ts'
import type { JsonObject } from '../chain/json.ts'
import { parseTime } from '../chain/time.ts'
import type { Localized, ProblemField } from './problems.ts'
import { Problem } from './problems.ts'

/** What is wrong with a value, in words; returned by `parse` instead of a value. */
export class Fault {
  readonly problem: Localized
  constructor(problem: Localized) {
    this.problem = problem
  }
}

export interface Parameter<Value> {
  /** For the documentation. */
  readonly schema: JsonObject
  readonly description: string
  readonly required?: true
  parse(text: string): Value | Fault
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>

export type Values<Declared extends Parameters> = {
  readonly [Name in keyof Declared]?: Declared[Name] extends Parameter<infer Value> ? Value : never
}

/**
 * Reads a parsed query string against what is declared.
 * @throws {Problem} request.unknown-parameter, request.bad-parameter, request.missing-parameter; `fields` names each
 */
export function readQuery<Declared extends Parameters>(declared: Declared, query: unknown): Values<Declared> {
  const given = Object.entries(query as Record<string, string | string[]>)
  const unknown = given.filter(([name]) => !Object.hasOwn(declared, name))
  if (unknown.length > 0) {
    const known = Object.keys(declared).join(', ')
    throw new Problem('request.unknown-parameter', {
      fields: unknown.slice(0, fieldsMax).map(([name]) => ({
        parameter: name.slice(0, 64),
        problem:
          known === ''
            ? { zh: '此接口没有查询参数', en: 'this call has no query parameters' }
            : { zh: `未知；可用：${known}`, en: `unknown; there are: ${known}` },
      })),
    })
  }
  const values: Record<string, unknown> = {}
  const malformed: ProblemField[] = []
  for (const [name, text] of given) {
    const value = typeof text === 'string' ? read(declared[name]!, text) : repeated
    if (value instanceof Fault) malformed.push({ parameter: name, problem: value.problem })
    else values[name] = value
  }
  if (malformed.length > 0) throw new Problem('request.bad-parameter', { fields: malformed })
  const missing = Object.keys(declared).filter((name) => declared[name]?.required && !Object.hasOwn(values, name))
  if (missing.length > 0) {
    throw new Problem('request.missing-parameter', {
      fields: missing.map((name) => ({ parameter: name, problem: { zh: '必填', en: 'required' } })),
    })
  }
  return values as Values<Declared>
}

/** A query's declaration as the documentation wants it. */
export function querySchema(parameters: Readonly<Record<string, Parameter<unknown>>>): JsonObject {
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(parameters).map(([name, parameter]) => [
        name,
        { ...parameter.schema, description: parameter.description },
      ]),
    ),
    required: Object.keys(parameters).filter((name) => parameters[name]!.required),
  }
}

/** For calls without query parameters. */
export const noParameters = {} as const satisfies Parameters

/** Reads one path parameter. @throws {Problem} request.bad-parameter */
export function readPath<Value>(name: string, parameter: Parameter<Value>, text: string): Value {
  const value = read(parameter, text)
  if (value instanceof Fault) {
    throw new Problem('request.bad-parameter', { fields: [{ parameter: name, problem: value.problem }] })
  }
  return value
}

function read<Value>(parameter: Parameter<Value>, text: string): Value | Fault {
  return text === '' ? new Fault({ zh: '值为空', en: 'empty' }) : parameter.parse(text)
}

const repeated = new Fault({ zh: '出现了多次，只能出现一次', en: 'given more than once' })

/** Enough to correct a query by; a longer list only makes the answer as long as the attack. */
const fieldsMax = 20

/** An index, size or height: decimal without leading zeros, up to 2^64 − 1. */
export const decimal = (description: string): Parameter<bigint> => ({
  description,
  schema: { type: 'string', pattern: '^(0|[1-9][0-9]{0,19})$' },
  parse: (text) =>
    parseDecimal(text) ??
    new Fault({ zh: '须为十进制自然数，无前导零', en: 'must be a decimal number without leading zeros' }),
})

/** What a 64-bit number is inside the node; undefined above 2^53 − 1, where no ledger has anything. */
export const insideNumber = (value: bigint): number | undefined =>
  value <= Number.MAX_SAFE_INTEGER ? Number(value) : undefined

export const natural = (description: string, min: number, max: number, byDefault: number): Parameter<number> => ({
  description: `${description} (${min}–${max}, ${byDefault})`,
  schema: { type: 'integer', minimum: min, maximum: max, default: byDefault },
  parse(text) {
    const value = /^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max))
      return new Fault({ zh: `须为 ${min} 至 ${max} 的整数`, en: `must be ${min} to ${max}` })
    return value
  },
})

export const oneOf = <Value extends string>(description: string, ...values: readonly Value[]): Parameter<Value> => ({
  description,
  schema: { type: 'string', enum: values },
  parse(text) {
    return (
      values.find((value) => value === text) ??
      new Fault({ zh: `须为 ${values.join('、')} 之一`, en: `must be one of ${values.join(', ')}` })
    )
  },
})

export const matching = (description: string, pattern: RegExp, problem: Localized): Parameter<string> => ({
  description,
  schema: { type: 'string', pattern: pattern.source },
  parse: (text) => (pattern.test(text) ? text : new Fault(problem)),
})

/**
 * RFC 3339 with offset, to milliseconds. A `+` that was not percent-encoded arrives as a space; where an offset must stand that can
 * mean nothing else, and `…T09:30:00+08:00` typed into a URL is what everybody does first, so it is read as the plus it was.
 */
export const timeParameter = (description: string): Parameter<number> => ({
  description,
  schema: { type: 'string', format: 'date-time' },
  parse(text) {
    return (
      parseTime(text.replace(/ (?=\d\d:\d\d$)/, '+')) ??
      new Fault({
        zh: '须为带时区的 RFC 3339 时间，例如 2026-03-16T09:30:00+08:00',
        en: 'must be an RFC 3339 time with offset, as in 2026-03-16T09:30:00+08:00',
      })
    )
  },
})

/** A value of the trade, by the ledger's own rule for it: a mistyped check digit is told, instead of an empty list. */
const byRule = (description: string, rule: 'party' | 'code'): Parameter<string> => ({
  description,
  schema: { type: 'string' },
  parse(text) {
    const problem = valueRules[rule](text)
    return problem === undefined ? text : new Fault({ zh: problem.zh, en: problem.en })
  },
})

export const partyParameter = (description: string): Parameter<string> => byRule(description, 'party')

export const codeParameter = (description: string): Parameter<string> => byRule(description, 'code')

const schemeParameter = matching('编码体系 · code scheme', /^[A-Za-z0-9._-]{1,32}$/, {
  zh: '须为 1 至 32 个字母、数字、. _ -',
  en: 'must be 1 to 32 letters, digits, . _ -',
})

/** For whatever can be asked as it stood at a time. */
export const atParameter = timeParameter('截至该时间的状态，缺省为现在 · as of this time, now unless given')

/** A tender as three parts of a path. */
export interface TenderPath {
  readonly owner: string
  readonly scheme: string
  readonly code: string
}

/** @throws {Problem} request.bad-parameter */
export const tenderInPath = (path: TenderPath): TenderPath => ({
  owner: readPath('owner', partyParameter(''), path.owner),
  scheme: readPath('scheme', schemeParameter, path.scheme),
  code: readPath('code', codeParameter(''), path.code),
})
