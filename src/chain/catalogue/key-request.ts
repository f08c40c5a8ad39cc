/**
 * A key request: what a new key signs itself, which shows possession — whose it is to be, in which roles, for how long, and, for a key that is
 * to be delegated, by whom and for which record types. It travels inside the statement of whoever consents. Two editions: the first has
 * eight roles and always a name; the second has all roles, and a natural person has no name in it (个人信息不得上链).
 */

import type { JsonObject } from '../json.ts'
import { isAcceptableKey, verifySignature } from '../keys.ts'
import { type FieldProblem, Refusal, type RefusalTexts } from '../refusal.ts'
import { parseSignedObject, refuseOtherLedger, type SignedObject, statementId } from '../statement.ts'
import { parseTime } from '../time.ts'
import { firstEditionRoles, type Role, roles } from './register.ts'
import { compileSchema, type SchemaCheck } from './schema.ts'
import type { RuleContext } from './statement-type.ts'
import { enumField, named, object, partyField, textField, timeField, wordsField } from './values.ts'

/** A first-edition request has seven short fields, at most some 1,500 characters; the second adds up to 32 names of record types. */
export const keyRequestBytesMax = 4_096

export const keyRequestTypes = { first: 'party.key-request@1', second: 'party.key-request@2' } as const

/** Record types that one delegated key may be limited to. */
export const delegatedTypesMax = 32

export type Edition = keyof typeof keyRequestTypes

export interface KeyRequest {
  readonly signed: SignedObject
  /** Hex; the same request signed again has the same id. */
  readonly id: string
  /** The company whose key it is to be. */
  readonly party: string
  /** Empty for a natural person. */
  readonly name: string
  readonly roles: readonly Role[]
  readonly notBefore: number | null
  readonly notAfter: number | null
  /** Kid of the key that is to delegate; empty for a key that stands by itself. */
  readonly delegator: string
  readonly types: readonly string[] | null
}

export const keyRequestRefusals: RefusalTexts = {
  'party.request-malformed': {
    zh: {
      title: '密钥申请格式错误',
      cause: 'request 不是由新密钥签名的密钥申请，或其中字段有误。',
      remedy: '请用 gongzheng register request 重新生成申请。',
    },
    en: {
      title: 'Malformed key request',
      cause: 'request is not a key request signed by the new key, or one of its fields is wrong.',
      remedy: 'Make the request anew with gongzheng register request.',
    },
  },
  'party.request-bad-signature': {
    zh: {
      title: '密钥申请签名无效',
      cause: '申请未由其 kid 所示的新密钥签名，不能证明申请人持有该密钥。',
      remedy: '请由持有新私钥的一方重新签署申请。',
    },
    en: {
      title: 'Bad signature on the key request',
      cause: 'The request is not signed by the new key in its kid, so it does not show possession.',
      remedy: 'Whoever holds the new private key signs the request again.',
    },
  },
  'key.role-not-held': {
    zh: {
      title: '所授角色超出批准者',
      cause: '单位自己的密钥只能批准、移交或撤销自己已有的角色。',
      remedy: '新增角色请由成员中心批准，或使用具有这些角色的密钥。',
    },
    en: {
      title: 'Role not held by the approver',
      cause: "A company's own key can pass on, hand over or revoke only the roles it has.",
      remedy: "Have a member's centre approve further roles, or use a key that has them.",
    },
  },
  'key.already-registered': {
    zh: {
      title: '密钥已登记',
      cause: '该密钥已按另一份申请登记，名称、角色与期限不能被改写。',
      remedy: '如需不同的名称或角色，请使用新的密钥。',
    },
    en: {
      title: 'Key already registered',
      cause: 'The key is registered by another request; its name, roles and term cannot be changed.',
      remedy: 'Use a new key for another name or other roles.',
    },
  },
  'key.not-acceptable': {
    zh: {
      title: '公钥不可用',
      cause: '公钥编码不规范或不在素数阶子群中。',
      remedy: '请用标准库或 gongzheng keygen 重新生成密钥。',
    },
    en: {
      title: 'Unacceptable public key',
      cause: 'The public key is not canonical or not in the prime-order subgroup.',
      remedy: 'Make a new key with a standard library or gongzheng keygen.',
    },
  },
}

const rolesField = (known: readonly string[]): JsonObject =>
  named('角色', 'Roles', {
    description: '可为空；同一角色只列一次 / may be empty; each at most once',
    type: 'array',
    maxItems: known.length,
    items: enumField('角色', 'Role', known),
  })

const schemas: Readonly<Record<Edition, JsonObject>> = {
  first: object(
    {
      ledger: named('账本标识', 'Ledger id', { type: 'string' }),
      type: named('类型', 'Type', { type: 'string', const: keyRequestTypes.first }),
      party: partyField('主体标识', 'Party id'),
      name: textField('名称', 'Name', 128),
      roles: rolesField(firstEditionRoles),
      notBefore: timeField('生效时间', 'Valid from'),
      notAfter: timeField('失效时间', 'Valid until'),
    },
    ['ledger', 'type', 'party', 'name', 'roles'],
  ),
  second: object(
    {
      ledger: named('账本标识', 'Ledger id', { type: 'string' }),
      type: named('类型', 'Type', { type: 'string', const: keyRequestTypes.second }),
      party: partyField('主体标识', 'Party id'),
      name: wordsField('名称', 'Name', 128),
      roles: rolesField(roles),
      notBefore: timeField('生效时间', 'Valid from'),
      notAfter: timeField('失效时间', 'Valid until'),
      delegator: named('授权密钥', 'Delegating key', { type: 'string', pattern: '^[A-Za-z0-9_-]{44}$' }),
      types: named('可签报文类型', 'Record types', {
        description: '不含版本，如 bid.record / without version, like bid.record',
        type: 'array',
        minItems: 1,
        maxItems: delegatedTypesMax,
        items: named('类型', 'Type', {
          type: 'string',
          pattern: '^[a-z][a-z0-9-]{0,31}(?:\\.[a-z][a-z0-9-]{0,31}){1,2}$',
        }),
      }),
    },
    ['ledger', 'type', 'party', 'roles'],
  ),
}

/** The field of a statement that carries a request. */
export const requestField = (edition: Edition): JsonObject =>
  named('密钥申请', 'Key request', {
    description: `由新密钥签名的紧凑 JWS，类型 ${keyRequestTypes[edition]} / compact JWS signed by the new key`,
    type: 'string',
    minLength: 1,
    maxLength: keyRequestBytesMax,
  })

interface RequestFields {
  readonly party: string
  readonly name?: string
  readonly roles: readonly Role[]
  readonly notBefore?: string
  readonly notAfter?: string
  readonly delegator?: string
  readonly types?: readonly string[]
}

const checks: Partial<Record<Edition, SchemaCheck>> = {}

/**
 * Reads the request inside a statement, without checking its signature.
 * @param ledger hex id that the request must name; undefined for a request that has been checked before
 * @throws {Refusal} party.request-malformed, party.malformed, party.bad-uscc, time.malformed, personal-data.refused, statement.wrong-ledger
 */
export function readKeyRequest(payload: JsonObject, ledger: string | undefined, edition: Edition): KeyRequest {
  let signed: SignedObject
  try {
    signed = parseSignedObject(payload.request as string, keyRequestBytesMax)
    checks[edition] ??= compileSchema(schemas[edition], edition)
    checks[edition](signed.payload)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw insideRequest(error)
  }
  if (ledger !== undefined) refuseOtherLedger(signed.payload, ledger)
  const fields = signed.payload as unknown as RequestFields
  if (new Set(fields.roles).size !== fields.roles.length) {
    throw malformedRequest('/request/roles', '同一角色列了两次 | lists a role twice')
  }
  const notBefore = fields.notBefore === undefined ? null : parseTime(fields.notBefore)!
  const notAfter = fields.notAfter === undefined ? null : parseTime(fields.notAfter)!
  if (notBefore !== null && notAfter !== null && notAfter < notBefore) {
    throw malformedRequest('/request/notAfter', '失效早于生效 | ends before it begins')
  }
  if (edition === 'second') refuseSecondEdition(fields)
  const { party, name = '', delegator = '', types = null } = fields
  const id = statementId(party, signed.canonicalPayload)
  return { signed, id, party, name, roles: fields.roles, notBefore, notAfter, delegator, types }
}

/** A name is an organisation's; and a key is delegated by somebody for something, or neither. */
function refuseSecondEdition({ party, name, delegator, types }: RequestFields): void {
  const isPerson = party.startsWith('person:')
  if (isPerson && name !== undefined) {
    throw new Refusal('personal-data.refused', '/request/name: a natural person has no name here', [
      { pointer: '/request/name', problem: '自然人不得填写姓名 | a natural person must not be named' },
    ])
  }
  if (!isPerson && name === undefined) throw malformedRequest('/request/name', '缺少名称 | is missing')
  if ((delegator === undefined) !== (types === undefined)) {
    throw malformedRequest('/request/types', '授权密钥与可签类型须同时填写 | goes with delegator, and it with this')
  }
  if (types !== undefined && new Set(types).size !== types.length) {
    throw malformedRequest('/request/types', '同一类型列了两次 | lists a type twice')
  }
}

/**
 * What is asked of every key that comes onto the ledger: it signed its request, and no twin of it verifies the same signatures. Both checks
 * cost as much as a hundred of the others, so they come last.
 * @throws {Refusal} party.request-bad-signature, key.not-acceptable
 */
export function refuseBadKey({ signed }: KeyRequest, isNew: boolean): void {
  const { signingKey, message, signature } = signed
  if (!verifySignature(signingKey, message, signature)) throw new Refusal('party.request-bad-signature')
  if (isNew && !isAcceptableKey(signingKey)) throw new Refusal('key.not-acceptable')
}

/** Keys that genesis gives to nodes and to governance sign one kind of thing each, and never statements. */
export function isReserved(kid: string, { members }: RuleContext): boolean {
  return members.some(
    ({ node, governanceKey }) =>
      kid === node.network || kid === node.log || kid === node.cosign || kid === node.seal || kid === governanceKey,
  )
}

/** A centre speaks for its own organisation entirely; any other key hands on what it has, or a tenderee could make itself supervisor. */
export function refuseRolesNotHeld(asked: readonly Role[], held: readonly Role[]): void {
  if (held.includes('centre')) return
  const missing = asked.filter((role) => !held.includes(role))
  if (missing.length > 0) throw new Refusal('key.role-not-held', `not held: ${missing.join(', ')}`)
}

/** The same problem, said of a field inside the request. Codes that name a value (a bad USCC) stay. */
function insideRequest(refusal: Refusal): Refusal {
  const code = /^(?:party|time|personal-data)\./.test(refusal.code) ? refusal.code : 'party.request-malformed'
  const fields: readonly FieldProblem[] =
    refusal.fields.length > 0
      ? refusal.fields.map(({ pointer, problem }) => ({ pointer: `/request${pointer}`, problem }))
      : [{ pointer: '/request', problem: '不是有效的密钥申请 | is not a key request' }]
  return new Refusal(code, `request: ${refusal.message}`, fields)
}

export function malformedRequest(pointer: string, problem: string): Refusal {
  return new Refusal('party.request-malformed', pointer, [{ pointer, problem }])
}
