/**
 * Request bodies: which media types are taken, and how their bytes become a value. A JSON body arrives here as bytes and is read
 * strictly (no doubled names, valid UTF-8, one charset); an `application/jose` body is the compact JWS itself. Nothing is coerced,
 * completed or dropped: an unknown member is refused by name.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fromUtf8 } from '../chain/bytes.ts'
import { valueRules } from '../chain/catalogue/values.ts'
import type { JsonObject, JsonValue } from '../chain/json.ts'
import { parseJson } from '../chain/json.ts'
import type { Localized, ProblemField } from './problems.ts'
import { Problem } from './problems.ts'
import type { BoxName } from './service.ts'

/** From here on a server takes JSON only, as bytes; and nothing else until `acceptJose`. */
export function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    done(refusedSpelling(request), body)
  })
}

/** The compact JWS as the body; a final line break, as files have, is not part of it. */
export function acceptJose(app: FastifyInstance): void {
  app.addContentTypeParser<Buffer>('application/jose', { parseAs: 'buffer' }, (request, body, done) => {
    done(refusedSpelling(request), body.toString('latin1').trimEnd())
  })
}

export function refusedSpelling(request: FastifyRequest): Problem | null {
  const { 'content-type': contentType = '', 'content-encoding': contentEncoding } = request.headers
  if (contentEncoding !== undefined && contentEncoding !== 'identity')
    return new Problem('request.unsupported-encoding')
  if (contentType.length > 'application/json'.length) {
    const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType)?.[1]?.toLowerCase()
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
      return new Problem('request.unsupported-media-type', { detail: `charset=${charset.slice(0, 32)}` })
    }
  }
  return null
}

/** The spelling that practically every client sends: it needs no JSON parser, and cannot hide a second member. */
const envelope = /^\s*\{\s*"statement"\s*:\s*"([A-Za-z0-9._-]+)"\s*\}\s*$/

/** The compact JWS of a POST /v1/records. @throws {Problem} @throws {Refusal} json.malformed */
export function statementOf(body: unknown): string {
  if (typeof body === 'string') return body
  if (Buffer.isBuffer(body)) {
    const match = envelope.exec(body.toString('latin1'))
    if (match !== null) return match[1]!
  }
  const { statement } = readObject(body, { statement: 'string' })
  return statement as string
}

/** The statements of a batch, 1 to `itemsMax`. @throws {Problem} @throws {Refusal} json.malformed */
export function statementsOf(body: unknown, itemsMax: number): readonly string[] {
  const { statements } = readObject(body, { statements: 'array' })
  const items = boundedItems('/statements', statements as readonly JsonValue[], itemsMax)
  refuseFields(
    items.flatMap((item, position) =>
      typeof item === 'string' ? [] : [{ pointer: `/statements/${position}`, problem: wrongKind('string') }],
    ),
  )
  return items as readonly string[]
}

/** The objects of a batch of plain records. @throws {Problem} @throws {Refusal} json.malformed */
export function plainItemsOf(body: unknown, itemsMax: number): readonly JsonValue[] {
  const { records } = readObject(body, { records: 'array' })
  return boundedItems('/records', records as readonly JsonValue[], itemsMax)
}

/** The objects of a verification. @throws {Problem} @throws {Refusal} json.malformed */
export function verifyItemsOf(body: unknown, itemsMax: number): readonly JsonObject[] {
  const { items } = readObject(body, { items: 'array' })
  const bounded = boundedItems('/items', items as readonly JsonValue[], itemsMax)
  refuseFields(
    bounded.flatMap((item, position) =>
      kindOf(item) === 'object' ? [] : [{ pointer: `/items/${position}`, problem: wrongKind('object') }],
    ),
  )
  return bounded as readonly JsonObject[]
}

/** A leaf and where it goes. @throws {Problem} @throws {Refusal} json.malformed */
export function depositOf(body: unknown): BoxName & { readonly leaf: string } {
  const { tender, section = '', leaf } = readObject(body, { tender: 'object', leaf: 'string' }, { section: 'string' })
  const { owner, scheme, code } = tender as JsonObject
  const faults = [
    ...faultOf('/tender/owner', owner, (text) => valueRules.party(text) === undefined),
    ...faultOf('/tender/scheme', scheme, (text) => /^[A-Za-z0-9._-]{1,32}$/.test(text)),
    ...faultOf('/tender/code', code, (text) => valueRules.code(text) === undefined),
    ...faultOf('/section', section, (text) => text === '' || valueRules.code(text) === undefined),
    ...faultOf('/leaf', leaf, (text) => /^[0-9a-f]{64}$/.test(text)),
  ]
  refuseFields(faults)
  const named = { owner: owner as string, scheme: scheme as string, code: code as string }
  return { tender: named, section: section as string, leaf: leaf as string }
}

function faultOf(pointer: string, value: JsonValue | undefined, isGood: (text: string) => boolean): ProblemField[] {
  if (typeof value === 'string' && isGood(value)) return []
  return [{ pointer, problem: { zh: '缺少，或写法不对', en: 'is missing, or not spelled as it has to be' } }]
}

function boundedItems(pointer: string, items: readonly JsonValue[], itemsMax: number): readonly JsonValue[] {
  if (items.length < 1 || items.length > itemsMax) {
    refuseFields([
      {
        pointer,
        problem: {
          zh: `须有 1 至 ${itemsMax} 项，现有 ${items.length} 项`,
          en: `must have 1 to ${itemsMax} items, has ${items.length}`,
        },
      },
    ])
  }
  return items
}

/** Any JSON value, strictly. @throws {Problem} request.body-missing, request.not-utf8 @throws {Refusal} json.malformed */
export const jsonOf = (body: unknown): JsonValue => parseJson(textOfBody(body))

/** @throws {Problem} request.body-missing, request.not-utf8 */
export function textOfBody(body: unknown): string {
  if (!Buffer.isBuffer(body) || body.length === 0) throw new Problem('request.body-missing')
  try {
    return fromUtf8(body)
  } catch {
    throw new Problem('request.not-utf8')
  }
}

type Kind = 'string' | 'array' | 'object'

/** An object with exactly these members, of which some may be left out. */
function readObject(
  body: unknown,
  required: Readonly<Record<string, Kind>>,
  optional: Readonly<Record<string, Kind>> = {},
): JsonObject {
  const members: Readonly<Record<string, Kind>> = { ...required, ...optional }
  const value = jsonOf(body)
  if (kindOf(value) !== 'object') refuseFields([{ pointer: '', problem: wrongKind('object') }])
  const object = value as JsonObject
  refuseFields([
    ...Object.keys(members).flatMap((name) => {
      if (!Object.hasOwn(object, name)) {
        return Object.hasOwn(required, name) ? [{ pointer: `/${name}`, problem: missingMember }] : []
      }
      return kindOf(object[name]!) === members[name]
        ? []
        : [{ pointer: `/${name}`, problem: wrongKind(members[name]!) }]
    }),
    ...unknownMembers(object, Object.keys(members)),
  ])
  return object
}

const unknownMembers = (object: JsonObject, known: readonly string[]): ProblemField[] =>
  Object.keys(object)
    .filter((name) => !known.includes(name))
    .slice(0, 20)
    .map((name) => ({ pointer: pointerTo(name), problem: { zh: '未知字段', en: 'unknown member' } }))

/** Nothing happens when there is nothing wrong. @throws {Problem} request.body-invalid */
export function refuseFields(fields: readonly ProblemField[]): void {
  if (fields.length > 0) throw new Problem('request.body-invalid', { fields: fields.slice(0, 20) })
}

export function kindOf(value: JsonValue | undefined): Kind | 'other' {
  if (typeof value === 'string') return 'string'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'object' && value !== null ? 'object' : 'other'
}

export const missingMember: Localized = { zh: '缺少此字段', en: 'is missing' }

export const wrongKind = (kind: Kind): Localized => {
  const zh = { string: '字符串', array: '数组', object: '对象' }[kind]
  return { zh: `须为${zh}`, en: `must be ${kind === 'string' ? 'a string' : `an ${kind}`}` }
}

/** RFC 6901 for one member of the top object; an absurdly long name is cut, it only has to be recognised. */
export const pointerTo = (name: string): string => `/${name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`
