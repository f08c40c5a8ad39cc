/**
 * JSON Schemas as rules: compiles a schema once, checks values against it, and turns what is wrong into a refusal that names every
 * field. Schemas are part of the ledger's rules, so Ajv is pinned to one version, knows no coercion, no defaults and no removal, and only the
 * refusal's code (never a message) may end up on the ledger.
 */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import type { JsonObject, JsonValue } from '../json.ts'
import { type FieldProblem, Refusal, type RefusalTexts } from '../refusal.ts'
import { asksForPersonalData } from './personal-data.ts'
import { type ValueProblem, type ValueRule, valueRules } from './values.ts'

/** Fields named in one refusal. A person corrects a few at a time; a payload of 65,000 bytes can be wrong in 10,000 places. */
const fieldProblemsMax = 20

/** Characters of a pointer that are passed on; an unknown field's name may be as long as the payload. */
const pointerCharactersMax = 200

export const schemaRefusals: RefusalTexts = {
  'schema.violation': {
    zh: {
      title: '字段不符合规定',
      cause: '载荷的一个或多个字段缺失、多余，或取值不符合该类型的规定。',
      remedy: '请按 fields 中逐项列出的字段修正；各类型的字段说明见 /docs。',
    },
    en: {
      title: 'Fields break the schema',
      cause: "One or more of the payload's fields are missing, unknown, or have a value the type does not allow.",
      remedy: 'Correct what fields lists one by one; /docs describes the fields of every type.',
    },
  },
}

/** Throws a refusal that names the wrong fields, or returns. */
export type SchemaCheck = (value: JsonValue) => void

const ajv = new Ajv2020({
  strict: true,
  allErrors: true,
  messages: false,
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
  logger: false,
  keywords: [
    {
      keyword: 'x-value',
      metaSchema: { enum: Object.keys(valueRules) },
      compile: (rule: ValueRule) => {
        const check = (value: unknown): boolean => {
          const problem = valueRules[rule](value)
          check.errors = problem === undefined ? [] : [{ keyword: 'x-value', params: problem }]
          return problem === undefined
        }
        check.errors = [] as Partial<ErrorObject>[]
        return check
      },
    },
  ],
})

/**
 * Compiles a schema (JSON Schema 2020-12 without references; `x-value` names a rule of `values.ts`).
 * The check refuses with the one code that all its problems share (`money.malformed`), and else with `schema.violation`. A field that
 * asks for personal data has a code of its own, unless the schema is of the first edition, from before that code.
 */
export function compileSchema(schema: JsonObject, edition: 'first' | 'second' = 'first'): SchemaCheck {
  const validate = ajv.compile(schema)
  return (value) => {
    if (validate(value)) return
    throw refusalOf(validate.errors ?? [], schema, edition)
  }
}

/** One language's half of a field problem, which is written `中文 | English`. */
export function problemIn(language: 'zh' | 'en', problem: string): string {
  const bar = problem.indexOf(' | ')
  if (bar < 0) return problem
  return language === 'zh' ? problem.slice(0, bar) : problem.slice(bar + 3)
}

interface Problem extends FieldProblem {
  /** The code of a value rule; undefined for the schema's own keywords. */
  readonly code: string | undefined
}

function refusalOf(errors: readonly ErrorObject[], schema: JsonObject, edition: 'first' | 'second'): Refusal {
  // One problem per field: a value rule says more than the pattern beside it, which is there for other people's validators.
  const byPointer = new Map<string, Problem>()
  for (const error of errors) {
    const problem = problemOf(error, schema, edition)
    const known = byPointer.get(problem.pointer)
    if (known === undefined || (known.code === undefined && problem.code !== undefined)) {
      byPointer.set(problem.pointer, problem)
    }
  }
  const codes = new Set(Array.from(byPointer.values(), (problem) => problem.code ?? 'schema.violation'))
  const [only = 'schema.violation'] = codes
  // What must not be here at all is said first, whatever else is wrong.
  const refused = codes.has('personal-data.refused') ? 'personal-data.refused' : 'schema.violation'
  const code = codes.size === 1 ? only : refused
  const fields = Array.from(byPointer.values())
    .slice(0, fieldProblemsMax)
    .map(({ pointer, problem }) => ({ pointer: pointer.slice(0, pointerCharactersMax), problem }))
  return new Refusal(code, fields.map(({ pointer }) => pointer).join(', '), fields)
}

function problemOf(error: ErrorObject, schema: JsonObject, edition: 'first' | 'second'): Problem {
  const { keyword, instancePath, params } = error
  if (keyword === 'required') {
    const pointer = `${instancePath}/${escapePointer(params.missingProperty)}`
    return { pointer, problem: worded(schema, pointer, '缺少必填字段', 'is missing'), code: undefined }
  }
  if (keyword === 'additionalProperties') {
    const pointer = `${instancePath}/${escapePointer(params.additionalProperty)}`
    if (edition === 'second' && asksForPersonalData(String(params.additionalProperty))) {
      return { pointer, problem: '个人信息不得上链 | personal data stay off the ledger', code: 'personal-data.refused' }
    }
    return { pointer, problem: '没有这个字段 | there is no such field', code: undefined }
  }
  if (keyword === 'x-value') {
    const { code, zh, en } = params as ValueProblem
    return { pointer: instancePath, problem: worded(schema, instancePath, zh, en), code }
  }
  const [zh, en] = keywordWords(keyword, params)
  return { pointer: instancePath, problem: worded(schema, instancePath, zh, en), code: undefined }
}

function keywordWords(keyword: string, params: Record<string, unknown>): [zh: string, en: string] {
  const limit = String(params.limit)
  switch (keyword) {
    case 'type':
      return [`应为 ${String(params.type)} 类型`, `must be of type ${String(params.type)}`]
    case 'enum': {
      const allowed = (params.allowedValues as readonly unknown[]).join(', ')
      return [`只能是：${allowed}`, `must be one of: ${allowed}`]
    }
    case 'const':
      return [`必须为 ${String(params.allowedValue)}`, `must be ${String(params.allowedValue)}`]
    case 'minLength':
      return [`至少 ${limit} 个字符`, `must have at least ${limit} characters`]
    case 'maxLength':
      return [`至多 ${limit} 个字符`, `must have at most ${limit} characters`]
    case 'minItems':
      return [`至少 ${limit} 项`, `must have at least ${limit} items`]
    case 'maxItems':
      return [`至多 ${limit} 项`, `must have at most ${limit} items`]
    case 'minimum':
      return [`不得小于 ${limit}`, `must not be below ${limit}`]
    case 'maximum':
      return [`不得大于 ${limit}`, `must not be above ${limit}`]
    case 'pattern':
      return ['写法不符合规定', 'has not the required form']
    default:
      return ['不符合规定', `breaks the rule ${keyword}`]
  }
}

/** `「开标时间」缺少必填字段 | "Opening time" is missing` */
function worded(schema: JsonObject, pointer: string, zh: string, en: string): string {
  const title = titleAt(schema, pointer)
  if (title === undefined) return `${zh} | ${en}`
  return `「${title.zh}」${zh} | "${title.en}" ${en}`
}

/** The title of the field at a pointer, from the schema alone: its `properties` and `items`. */
function titleAt(schema: JsonObject, pointer: string): { readonly zh: string; readonly en: string } | undefined {
  let at: JsonValue | undefined = schema
  for (const step of pointer.split('/').slice(1)) {
    if (!isObject(at)) return undefined
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    const properties: JsonValue | undefined = at.properties
    at = isObject(properties) ? (Object.hasOwn(properties, name) ? properties[name] : undefined) : at.items
  }
  const title = isObject(at) ? at.title : undefined
  if (typeof title !== 'string') return undefined
  const [zh, en] = title.split(' / ')
  return { zh: zh!, en: en ?? zh! }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value)
}

const escapePointer = (name: unknown): string => String(name).replaceAll('~', '~0').replaceAll('/', '~1')
