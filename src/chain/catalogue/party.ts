/**
 * `party.register@1`: says whose a key is (design.md, section 10). The company signs a request with the new key itself, which shows
 * possession; the statement around it is the consent: of a member's centre (one member's word, 单方登记), of two centres in two
 * statements, or of a key of the same company that is agreed already. Nobody can change what another registered.
 */
import { assert } from '../assert.ts'
import type { JsonObject } from '../json.ts'
import { isAcceptableKey, verifySignature } from '../keys.ts'
import { type FieldProblem, Refusal } from '../refusal.ts'
import { parseSignedObject, refuseOtherLedger, type SignedObject, statementId } from '../statement.ts'
import { parseTime } from '../time.ts'
import { type KeyRow, type Role, readKey, roles, writeKey } from './register.ts'
import { compileSchema, type SchemaCheck } from './schema.ts'
import type { Family, RuleContext, StatementType } from './statement-type.ts'
import { enumField, named, object, partyField, textField, timeField } from './values.ts'

/** A request has seven short fields; the longest possible is about 1,500 characters. */
export const keyRequestBytesMax = 4_096

export const keyRequestType = 'party.key-request@1'

/** What the new key itself signs. */
interface KeyRequest {
  readonly signed: SignedObject
  /** Hex; the same request signed again has the same id. */
  readonly id: string
  /** The company whose key it is to be. */
  readonly party: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly notBefore: number | null
  readonly notAfter: number | null
}

const requestSchema = object(
  {
    ledger: named('账本标识', 'Ledger id', { type: 'string' }),
    type: named('类型', 'Type', { type: 'string', const: keyRequestType }),
    party: partyField('主体标识', 'Party id'),
    name: textField('名称', 'Name', 128),
    roles: named('角色', 'Roles', {
      description: '可为空；同一角色只列一次 / may be empty; each at most once',
      type: 'array',
      maxItems: roles.length,
      items: enumField('角色', 'Role', roles),
    }),
    notBefore: timeField('生效时间', 'Valid from'),
    notAfter: timeField('失效时间', 'Valid until'),
  },
  ['ledger', 'type', 'party', 'name', 'roles'],
)

const partyRegister: StatementType = {
  name: 'party.register',
  version: 1,
  isFirstEdition: true,
  title: { zh: '登记主体密钥', en: 'Register a party’s key' },
  law: {
    zh: '电子签名法第十三条：签名数据须能识别签名人并由其控制；本类型记明密钥归属由谁确认。',
    en: 'Electronic Signature Law art. 13: signature data identify the signer and are under its control; this type records on whose word a key is whose.',
  },
  schema: {
    properties: {
      request: named('密钥申请', 'Key request', {
        description: `由新密钥签名的紧凑 JWS，类型 ${keyRequestType} / compact JWS signed by the new key`,
        type: 'string',
        minLength: 1,
        maxLength: keyRequestBytesMax,
      }),
    },
    required: ['request'],
  },
  // Who may approve depends on the company in the request; see `approvalOf`.
  roles: 'any',
  refusals: {
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
    'party.approver-not-entitled': {
      zh: {
        title: '无权批准该密钥',
        cause: '批准者既不是成员中心的密钥，也不是该单位自己已获认可的密钥。',
        remedy: '请由成员中心，或该单位已登记且非单方登记的密钥批准。',
      },
      en: {
        title: 'Not entitled to approve',
        cause: "The approver is neither a member's centre key nor an agreed key of the company itself.",
        remedy: "Have a member's centre approve, or a key of the company that counts everywhere.",
      },
    },
    'key.role-not-held': {
      zh: {
        title: '所授角色超出批准者',
        cause: '单位自己的密钥只能批准自己已有的角色。',
        remedy: '新增角色请由成员中心批准。',
      },
      en: {
        title: 'Role not held by the approver',
        cause: "A company's own key can pass on only the roles it has.",
        remedy: "Have a member's centre approve further roles.",
      },
    },
    'key.centre-reserved': {
      zh: {
        title: 'centre 角色不可由他方授予',
        cause: '成员中心的密钥只能来自创世文件，或由该中心自己的密钥批准。',
        remedy: '请由该中心现有的中心密钥批准。',
      },
      en: {
        title: 'The role centre is reserved',
        cause: "A centre's keys come from genesis or are approved by that centre's own key.",
        remedy: 'Have the centre approve with its present centre key.',
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
    'key.already-approved': {
      zh: {
        title: '已批准过',
        cause: '该批准者已批准过这份申请，重复批准不改变任何状态。',
        remedy: '无需再次提交；如需在全网生效，请由另一成员批准。',
      },
      en: {
        title: 'Already approved',
        cause: 'This approver has approved the request before; doing it again changes nothing.',
        remedy: 'Nothing to do. For a key that counts everywhere, have another member approve.',
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
  },

  check(payload, context) {
    const request = readKeyRequest(payload, context.ledger)
    refuseUnentitled(request, context)
    const known = readKey(context.state, request.signed.kid)
    if (isReserved(request.signed.kid, context) || (known !== undefined && known.request !== request.id)) {
      throw new Refusal('key.already-registered', `key ${request.signed.kid} is registered otherwise`)
    }
    const approval = approvalOf(request, context)
    if (known !== undefined && changesNothing(known, approval)) {
      throw new Refusal('key.already-approved', `key ${request.signed.kid} has this approval`)
    }
    // The dear checks last: they cost as much as a hundred of the others.
    const { signingKey, message, signature } = request.signed
    if (!verifySignature(signingKey, message, signature)) throw new Refusal('party.request-bad-signature')
    if (known === undefined && !isAcceptableKey(signingKey)) throw new Refusal('key.not-acceptable')
  },

  apply(payload, context) {
    const request = readKeyRequest(payload, context.ledger)
    const approval = approvalOf(request, context)
    assert(approval !== undefined, 'checked before')
    const { kid } = request.signed
    const known = readKey(context.state, kid)
    const vouchedBy = [...(known?.vouchedBy ?? [])]
    if (approval.kind === 'member' && !vouchedBy.includes(approval.member)) vouchedBy.push(approval.member)
    writeKey(context.state, kid, {
      party: request.party,
      name: request.name,
      roles: request.roles,
      vouchedBy,
      agreed: known?.agreed === true || approval.kind === 'company' || vouchedBy.length >= 2,
      notBefore: request.notBefore,
      notAfter: request.notAfter,
      index: known?.index ?? context.index,
      request: request.id,
    })
  },

  subjects(payload) {
    return { parties: [readKeyRequest(payload, undefined).party] }
  },
}

export const parties: Family = {
  name: 'party',
  title: { zh: '主体与密钥', en: 'Parties and keys' },
  purpose: {
    zh: '《电子签名法》第十三条：可靠的电子签名须专属于签名人并由其控制。本类记录写明每把密钥属于哪个主体、凭谁的话、担任什么角色、在什么期间有效；任何成员都不能改写他方的登记。',
    en: 'Electronic Signature Law art. 13: a reliable signature belongs to the signer alone and is under its control. These records say whose a key is, on whose word, in which roles and for how long; no member can overwrite what another registered.',
  },
  types: [partyRegister],
}

/**
 * Reads the request inside a registration, without checking its signature.
 * @param ledger hex id that the request must name; undefined for a request that has been checked before
 * @throws {Refusal} party.request-malformed, party.malformed, party.bad-uscc, time.malformed, statement.wrong-ledger
 */
export function readKeyRequest(payload: JsonObject, ledger: string | undefined): KeyRequest {
  let signed: SignedObject
  try {
    signed = parseSignedObject(payload.request as string, keyRequestBytesMax)
    requestCheck ??= compileSchema(requestSchema)
    requestCheck(signed.payload)
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
  const { party, name } = fields
  const id = statementId(party, signed.canonicalPayload)
  return { signed, id, party, name, roles: fields.roles, notBefore, notAfter }
}

interface RequestFields {
  readonly party: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly notBefore?: string
  readonly notAfter?: string
}

let requestCheck: SchemaCheck | undefined

/** The same problem, said of a field inside the request. Codes that name a value (a bad USCC) stay. */
function insideRequest(refusal: Refusal): Refusal {
  const code = /^(?:party|time)\./.test(refusal.code) ? refusal.code : 'party.request-malformed'
  const fields: readonly FieldProblem[] =
    refusal.fields.length > 0
      ? refusal.fields.map(({ pointer, problem }) => ({ pointer: `/request${pointer}`, problem }))
      : [{ pointer: '/request', problem: '不是有效的密钥申请 | is not a key request' }]
  return new Refusal(code, `request: ${refusal.message}`, fields)
}

function malformedRequest(pointer: string, problem: string): Refusal {
  return new Refusal('party.request-malformed', pointer, [{ pointer, problem }])
}

type Approval = { readonly kind: 'company' } | { readonly kind: 'member'; readonly member: string }

/** In what capacity the signer of this statement approves; undefined when in none. */
function approvalOf(request: KeyRequest, context: RuleContext): Approval | undefined {
  const approver = readKey(context.state, context.statement.kid)
  if (approver?.agreed !== true) return undefined
  if (approver.party === request.party) return { kind: 'company' }
  if (!approver.roles.includes('centre')) return undefined
  const member = context.members.find(({ party }) => party === approver.party)
  return member === undefined ? undefined : { kind: 'member', member: member.id }
}

function refuseUnentitled(request: KeyRequest, context: RuleContext): void {
  const approval = approvalOf(request, context)
  if (approval === undefined) throw new Refusal('party.approver-not-entitled')
  const asked: readonly Role[] = request.roles
  if (approval.kind === 'member') {
    if (asked.includes('centre')) throw new Refusal('key.centre-reserved')
    return
  }
  // A centre speaks for its own organisation entirely; any other key hands on what it has, or a tenderee could make itself supervisor.
  const held = readKey(context.state, context.statement.kid)!.roles
  if (held.includes('centre')) return
  const missing = asked.filter((role) => !held.includes(role))
  if (missing.length > 0) throw new Refusal('key.role-not-held', `not held: ${missing.join(', ')}`)
}

function changesNothing(known: KeyRow, approval: Approval | undefined): boolean {
  if (approval?.kind === 'member') return known.vouchedBy.includes(approval.member)
  return known.agreed
}

/** Keys that genesis gives to nodes and to governance sign one kind of thing each, and never statements. */
function isReserved(kid: string, context: RuleContext): boolean {
  return context.members.some(
    ({ node, governanceKey }) =>
      kid === node.network || kid === node.log || kid === node.cosign || kid === node.seal || kid === governanceKey,
  )
}
