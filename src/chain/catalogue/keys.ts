/**
 * How keys end, are replaced and are lent (design.md section 10), always as of block time: what a key signed before stays what it was.
 *
 * `key.revoke@1` — by the key itself; by an agreed key of the same company that has all its roles; or by a member, which takes back its own
 * word and nobody else's. What is left of an agreed key then depends on who else stands behind it: with its company's or genesis' word, or
 * with two members', it stays agreed; with one member's, it goes on in that member's scope; with none, it ends.
 * `key.rotate@1` — registers a successor and ends the key that signs, at one time, in one record. The same words stand behind the successor.
 * `key.delegate@1` — a key lends part of its roles to a daily key (a server's), for some record types and a bounded term. A daily key ends with
 * the key that it stands on, and decides about no other key.
 */
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { formatTime } from '../time.ts'
import {
  isReserved,
  type KeyRequest,
  malformedRequest,
  readKeyRequest,
  refuseBadKey,
  refuseRolesNotHeld,
  requestField,
} from './key-request.ts'
import { isEnded, isExpired, type KeyRow, memberOfCentre, readKey, readOwnKey, unsaid, writeKey } from './register.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { enumField, named, refuse, timeField, timeOf } from './values.ts'

/** A quarter: a key that lies on a server is replaced at least so often. Milliseconds. */
export const delegationMsMax = 92 * 86_400_000

interface Revocation {
  readonly kid: string
}

interface Rotation {
  readonly request: string
  readonly endsAt?: string
}

const law = {
  zh: '《电子签名法》第十五条：签名人知悉电子签名制作数据已经失密或者可能已经失密时，应当及时告知有关各方并终止使用。',
  en: 'Electronic Signature Law art. 15: a signer who learns that its signature creation data are, or may be, compromised tells those concerned at once and stops using them.',
}

const kidField = named('密钥标识', 'Key id', { type: 'string', pattern: '^[A-Za-z0-9_-]{44}$' })

const revoke: StatementType = {
  name: 'key.revoke',
  version: 1,
  title: { zh: '撤销密钥', en: 'Revoke a key' },
  law,
  schema: {
    properties: {
      kid: kidField,
      reason: enumField('原因', 'Reason', ['compromised', 'lost', 'superseded', 'ceased', 'not-theirs', 'other']),
    },
    required: ['kid', 'reason'],
  },
  // Who may revoke depends on the key; see `capacityOf`. Whoever holds a key can stop it, through any member.
  roles: 'any',
  isOutsideScope: true,
  refusals: {},
  check(payload, context) {
    const { kid } = payload as unknown as Revocation
    const target = readKey(context.state, kid)
    if (target === undefined) throw new Refusal('key.no-such-key', `key ${kid} is not registered`)
    const capacity = capacityOf(kid, target, context)
    if (capacity === undefined) throw new Refusal('key.revoker-not-entitled')
    if (isEnded(target, context.blockTime)) {
      throw new Refusal('key.already-ended', `record ${target.endedBy}, at ${formatTime(target.endsAt!)}`)
    }
    if (capacity.kind === 'itself' && target.roles.includes('centre') && target.delegator === '') {
      throw new Refusal('key.centre-by-itself')
    }
    if (capacity.kind === 'company') refuseRolesNotHeld(target.roles, signingKey(context).roles)
  },
  apply(payload, context) {
    const { kid } = payload as unknown as Revocation
    const capacity = capacityOf(kid, readKey(context.state, kid)!, context)!
    const own = readOwnKey(context.state, kid)!
    writeKey(
      context.state,
      kid,
      capacity.kind === 'member' ? without(capacity.member, own, context) : ended(own, context),
    )
  },
  subjects: (payload) => ({ parties: [], subjects: [keySubject((payload as unknown as Revocation).kid)] }),
}

type Capacity = { readonly kind: 'itself' | 'company' } | { readonly kind: 'member'; readonly member: string }

/** In what capacity the signer of this statement revokes that key; undefined when in none. */
function capacityOf(kid: string, target: KeyRow, context: RuleContext): Capacity | undefined {
  const { statement, state, members } = context
  if (statement.kid === kid) return { kind: 'itself' }
  const signer = readKey(state, statement.kid)!
  if (signer.delegator !== '') return undefined
  // A key on one member's word ends those that it lent to, and no other.
  if (target.delegator === statement.kid) return { kind: 'company' }
  if (!signer.agreed) return undefined
  if (signer.party === target.party) return { kind: 'company' }
  const member = memberOfCentre(signer, members)?.id
  if (member === undefined || target.delegator !== '' || !target.vouchedBy.includes(member)) return undefined
  return { kind: 'member', member }
}

function ended(key: KeyRow, { blockTime, index }: RuleContext): KeyRow {
  return { ...key, endsAt: blockTime, endedBy: index }
}

/** What is left of a key when one member takes back its word. */
function without(member: string, key: KeyRow, context: RuleContext): KeyRow {
  const vouchedBy = key.vouchedBy.filter((id) => id !== member)
  const agreed = key.byCompany || vouchedBy.length >= 2
  // The first voucher's scope is the one it may have spoken in before it was agreed: what it said there is still its own.
  const [first] = key.vouchedBy
  const formerScopes =
    first !== member || key.formerScopes.includes(first) ? key.formerScopes : [...key.formerScopes, first]
  const left = { ...key, vouchedBy, agreed, formerScopes }
  return !agreed && vouchedBy.length === 0 ? ended(left, context) : left
}

const rotate: StatementType = {
  name: 'key.rotate',
  version: 1,
  title: { zh: '轮换密钥', en: 'Rotate a key' },
  law,
  schema: {
    properties: {
      request: requestField('second'),
      endsAt: timeField('原密钥终止时间', 'The old key ends at'),
    },
    required: ['request'],
  },
  roles: 'any',
  isForStrongKeys: true,
  isAfterExpiry: true,
  refusals: {},
  findings: {
    'key.rotated-after-expiry': {
      zh: {
        title: '中心密钥过期后轮换',
        cause: '成员中心的密钥在 {0} 已过期，过期后由其自身轮换。',
        remedy: '请该成员核实这次轮换；过期前轮换可避免中断。',
      },
      en: {
        title: 'A centre’s key rotated after its term',
        cause: 'The key of a member’s centre expired at {0} and was rotated by itself after that.',
        remedy: 'The member confirms the rotation; rotating before the term ends avoids the gap.',
      },
    },
  },
  check(payload, context) {
    const request = readKeyRequest(payload, context.ledger, 'second')
    const before = signingKey(context)
    if (request.party !== before.party) throw otherParty(request)
    if (request.delegator !== '') {
      throw malformedRequest('/request/delegator', '授权密钥须用 key.delegate 登记 | is for key.delegate')
    }
    if (before.endsAt !== null) throw new Refusal('key.already-ended', `record ${before.endedBy}`)
    refuseRolesNotHeld(request.roles, before.roles)
    if (before.roles.includes('centre') && !request.roles.includes('centre')) {
      throw refuse('key.bad-rotation', '/request/roles', '缺少 centre', 'lacks centre')
    }
    const endsAt = endOf(payload as unknown as Rotation, context)
    if (endsAt < context.blockTime) {
      throw refuse('key.bad-rotation', '/endsAt', '早于区块时间', 'is before block time')
    }
    if (request.notBefore !== null && request.notBefore > endsAt) {
      throw refuse('key.bad-rotation', '/request/notBefore', '晚于原密钥终止时间', 'is after the old key ends')
    }
    if (request.notAfter !== null && request.notAfter <= endsAt) {
      throw refuse('key.bad-rotation', '/request/notAfter', '不晚于原密钥终止时间', 'is not after the old key ends')
    }
    refuseRegistered(request, context)
    refuseBadKey(request, true)
  },
  apply(payload, context) {
    const request = readKeyRequest(payload, context.ledger, 'second')
    const { state, statement, blockTime, index } = context
    const before = signingKey(context)
    if (isExpired(before, blockTime)) context.find('key.rotated-after-expiry', formatTime(before.notAfter!))
    // The same words stand behind it: whoever could take one back from the old key can take it back from the new one.
    const { vouchedBy, agreed, byCompany, formerScopes } = before
    const successor = { ...newKey(request, context), vouchedBy, agreed, byCompany, formerScopes }
    writeKey(state, request.signed.kid, successor)
    const endsAt = endOf(payload as unknown as Rotation, context)
    writeKey(state, statement.kid, { ...before, endsAt, endedBy: index, successor: request.signed.kid })
  },
  subjects: (payload) => subjectsOfRequest(readKeyRequest(payload, undefined, 'second')),
}

const endOf = ({ endsAt }: Rotation, { blockTime }: RuleContext): number =>
  endsAt === undefined ? blockTime : timeOf(endsAt)

const delegate: StatementType = {
  name: 'key.delegate',
  version: 1,
  title: { zh: '授权日常密钥', en: 'Delegate to a daily key' },
  law: {
    zh: '《电子签名法》第十三条：电子签名制作数据仅由电子签名人控制；主密钥离线保管，服务器上的日常密钥限定用途与期限。',
    en: 'Electronic Signature Law art. 13: signature creation data are under the signer’s sole control. The strong key stays off line; the key on a server is limited in use and term.',
  },
  schema: { properties: { request: requestField('second') }, required: ['request'] },
  roles: 'any',
  isForStrongKeys: true,
  refusals: {},
  check(payload, context) {
    const request = readKeyRequest(payload, context.ledger, 'second')
    const { statement, blockTime } = context
    const delegator = signingKey(context)
    if (request.party !== delegator.party) throw otherParty(request)
    if (request.delegator !== statement.kid) {
      throw malformedRequest('/request/delegator', '不是签署本报文的密钥 | is not the key that signs this')
    }
    const missing = request.roles.filter((role) => !delegator.roles.includes(role))
    if (missing.length > 0) throw new Refusal('key.role-not-held', `not held: ${missing.join(', ')}`)
    const { notAfter } = request
    if (notAfter === null || notAfter > blockTime + delegationMsMax) {
      throw refuse('key.delegation-too-long', '/request/notAfter', '缺少或超过期限', 'is missing, or too far ahead')
    }
    const [before, until] = [delegator.notAfter, delegator.endsAt]
    if ((before !== null && notAfter > before) || (until !== null && notAfter > until)) {
      throw refuse(
        'key.delegation-too-long',
        '/request/notAfter',
        '晚于授权密钥的期限',
        "outlasts the delegator's term",
      )
    }
    refuseRegistered(request, context)
    refuseBadKey(request, true)
  },
  apply(payload, context) {
    const request = readKeyRequest(payload, context.ledger, 'second')
    // Its standing is read from its delegator, whenever it is asked for.
    writeKey(context.state, request.signed.kid, { ...newKey(request, context), vouchedBy: [], agreed: false })
  },
  subjects: (payload) => subjectsOfRequest(readKeyRequest(payload, undefined, 'second')),
}

function signingKey({ state, statement }: RuleContext): KeyRow {
  return readKey(state, statement.kid)!
}

function newKey(request: KeyRequest, { index }: RuleContext): Omit<KeyRow, 'vouchedBy' | 'agreed'> {
  const { party, name, roles, notBefore, notAfter, id, delegator, types } = request
  const later = { ...unsaid({ agreed: false, vouchedBy: [] }), delegator, types }
  return { ...later, party, name, roles, notBefore, notAfter, index, request: id }
}

function refuseRegistered({ signed: { kid } }: KeyRequest, context: RuleContext): void {
  if (isReserved(kid, context) || readOwnKey(context.state, kid) !== undefined) {
    throw new Refusal('key.already-registered', `key ${kid} is registered`)
  }
}

function otherParty(request: KeyRequest): Refusal {
  return refuse('key.other-party', '/request/party', '与签名主体不同', `is not the party that signs: ${request.party}`)
}

const keySubject = (kid: string): string => `key/${kid}`

const subjectsOfRequest = ({ party, signed, delegator }: KeyRequest) => ({
  parties: [party],
  subjects: [keySubject(signed.kid), ...(delegator === '' ? [] : [keySubject(delegator)])],
})

export const keyTypes: readonly StatementType[] = [revoke, rotate, delegate]

export const keyRefusals: RefusalTexts = {
  'key.no-such-key': {
    zh: { title: '没有这把密钥', cause: '所指的密钥未在账本上登记。', remedy: '请核对 kid（见 /v1/parties/…）。' },
    en: {
      title: 'No such key',
      cause: 'The key named is not registered on the ledger.',
      remedy: 'Check kid (see /v1/parties/…).',
    },
  },
  'key.revoker-not-entitled': {
    zh: {
      title: '无权撤销该密钥',
      cause: '签名密钥既不是该密钥本身，也不是同一单位已获认可的密钥，也不是为其确认过的成员中心。',
      remedy: '请由该密钥本身、同一单位的其他认可密钥，或曾为其确认的成员中心撤销。',
    },
    en: {
      title: 'Not entitled to revoke',
      cause:
        'The signer is neither the key itself, nor an agreed key of the same company, nor the centre of a member that vouches for it.',
      remedy: 'Have the key itself, an agreed key of its company, or a member that vouches for it revoke it.',
    },
  },
  'key.already-ended': {
    zh: { title: '密钥已终止', cause: '该密钥已被撤销或轮换，或已定有终止时间。', remedy: '无需再次提交。' },
    en: {
      title: 'Key has ended already',
      cause: 'The key was revoked or rotated, or the time of its end stands already.',
      remedy: 'Nothing to do; to go on, use the key that took its place or register a new one.',
    },
  },
  'key.centre-by-itself': {
    zh: {
      title: '中心密钥不得自行撤销',
      cause: '撤销之后该成员可能再无中心密钥，也就无法登记新的中心密钥。',
      remedy: '请用 key.rotate 轮换，或由该中心的另一把中心密钥撤销。',
    },
    en: {
      title: 'A centre’s key does not revoke itself',
      cause: 'The member could be left without any, and then nobody could register another.',
      remedy: 'Rotate it (key.rotate), or have another centre key of the organisation revoke it.',
    },
  },
  'key.other-party': {
    zh: {
      title: '申请属于其他主体',
      cause: '轮换与授权只能在同一主体的密钥之间进行。',
      remedy: '请核对申请中的 party。',
    },
    en: {
      title: 'Another party’s request',
      cause: 'Keys are rotated and delegated within one party only.',
      remedy: 'Check party in the request.',
    },
  },
  'key.bad-rotation': {
    zh: {
      title: '轮换有误',
      cause:
        '原密钥不得在区块时间之前终止；新密钥须在原密钥终止之前生效，并在其后仍然有效；中心密钥只能由中心密钥接替。',
      remedy: '请核对 endsAt 与申请中的 notBefore、notAfter、roles。',
    },
    en: {
      title: 'Bad rotation',
      cause:
        'The old key does not end before block time, and the new one is valid when it does: from no later, and beyond it. A centre’s key takes the place of a centre’s key.',
      remedy: 'Compare endsAt with notBefore, notAfter and roles in the request.',
    },
  },
  'key.delegation-too-long': {
    zh: {
      title: '授权期限过长',
      cause: `日常密钥须有失效时间，自区块时间起不超过 ${delegationMsMax / 86_400_000} 天，且不超过授权密钥的期限。`,
      remedy: '请缩短申请中的 notAfter。',
    },
    en: {
      title: 'Delegated for too long',
      cause: `A daily key has an end, at most ${delegationMsMax / 86_400_000} days after block time and not after that of its delegator.`,
      remedy: 'Set an earlier notAfter in the request.',
    },
  },
}
