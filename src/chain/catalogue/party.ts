/**
 * `party.register`: says whose a key is (design.md, section 10). The company signs a request with the new key itself, which shows
 * possession; the statement around it is the consent: of a member's centre (one member's word, 单方登记), of two centres in two
 * statements, or of a key of the same company that is agreed already. Nobody can change what another registered. The first edition knows
 * eight roles; the second all of them, and takes natural persons without a name. How keys end and are replaced: `keys.ts`.
 */
import { assert } from '../assert.ts'
import { Refusal, type RefusalTexts } from '../refusal.ts'
import {
  type Edition,
  isReserved,
  type KeyRequest,
  keyRequestRefusals,
  malformedRequest,
  readKeyRequest,
  refuseBadKey,
  refuseRolesNotHeld,
  requestField,
} from './key-request.ts'
import { keyRefusals, keyTypes } from './keys.ts'
import {
  isEnded,
  isFirstEdition,
  type KeyRow,
  memberOfCentre,
  readKey,
  readOwnKey,
  unsaid,
  writeKey,
} from './register.ts'
import type { Family, RuleContext, StatementType } from './statement-type.ts'

function registration(edition: Edition): StatementType {
  return {
    name: 'party.register',
    version: edition === 'first' ? 1 : 2,
    ...(edition === 'first' ? { isFirstEdition: true } : {}),
    title: { zh: '登记主体密钥', en: 'Register a party’s key' },
    law: {
      zh: '电子签名法第十三条：签名数据须能识别签名人并由其控制；本类型记明密钥归属由谁确认。',
      en: 'Electronic Signature Law art. 13: signature data identify the signer and are under its control; this type records on whose word a key is whose.',
    },
    schema: { properties: { request: requestField(edition) }, required: ['request'] },
    // Who may approve depends on the company in the request; see `approvalOf`.
    roles: 'any',
    isForStrongKeys: true,
    refusals: {},

    check(payload, context) {
      const request = readKeyRequest(payload, context.ledger, edition)
      refuseUnentitled(request, context)
      const { kid } = request.signed
      const known = readOwnKey(context.state, kid)
      if (isReserved(kid, context) || (known !== undefined && known.request !== request.id)) {
        throw new Refusal('key.already-registered', `key ${kid} is registered otherwise`)
      }
      // Neither can be on a ledger that has no type but those of the first edition.
      if (request.delegator !== '') {
        throw malformedRequest('/request/delegator', '授权密钥须用 key.delegate 登记 | is for key.delegate')
      }
      if (known !== undefined && isEnded(known, context.blockTime)) {
        throw new Refusal('key.already-ended', `key ${kid} was ended by record ${known.endedBy}`)
      }
      const approval = approvalOf(request, context)
      if (known !== undefined && changesNothing(known, approval, edition)) {
        throw new Refusal('key.already-approved', `key ${kid} has this approval`)
      }
      refuseBadKey(request, known === undefined)
    },

    apply(payload, context) {
      const request = readKeyRequest(payload, context.ledger, edition)
      const approval = approvalOf(request, context)
      assert(approval !== undefined, 'checked before')
      const { kid } = request.signed
      const known = readOwnKey(context.state, kid)
      const vouchedBy = [...(known?.vouchedBy ?? [])]
      if (approval.kind === 'member' && !vouchedBy.includes(approval.member)) vouchedBy.push(approval.member)
      const agreed = known?.agreed === true || approval.kind === 'company' || vouchedBy.length >= 2
      const later = known ?? unsaid({ agreed, vouchedBy })
      const byCompany = later.byCompany || approval.kind === 'company'
      writeKey(context.state, kid, {
        ...later,
        party: request.party,
        name: request.name,
        roles: request.roles,
        vouchedBy,
        agreed,
        // The first edition does not write it down, and its rows stay as they always were.
        byCompany: edition === 'first' && isFirstEdition(known) ? unsaid({ agreed, vouchedBy }).byCompany : byCompany,
        notBefore: request.notBefore,
        notAfter: request.notAfter,
        index: known?.index ?? context.index,
        request: request.id,
      })
    },

    subjects(payload) {
      return { parties: [readKeyRequest(payload, undefined, edition).party] }
    },
  }
}

const registrationRefusals: RefusalTexts = {
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
}

export const parties: Family = {
  name: 'party',
  title: { zh: '主体与密钥', en: 'Parties and keys' },
  purpose: {
    zh: '《电子签名法》第十三条：可靠的电子签名须专属于签名人并由其控制。本类记录写明每把密钥属于哪个主体、凭谁的话、担任什么角色、在什么期间有效；任何成员都不能改写他方的登记。密钥可以撤销、轮换，也可以授权日常密钥，一律按区块时间判断，此后的撤销不影响此前的记录。',
    en: 'Electronic Signature Law art. 13: a reliable signature belongs to the signer alone and is under its control. These records say whose a key is, on whose word, in which roles and for how long; no member can overwrite what another registered. Keys are revoked, rotated and delegated by records, judged as of block time; a later revocation does not undo earlier records.',
  },
  types: [registration('first'), registration('second'), ...keyTypes],
  refusals: { ...keyRequestRefusals, ...registrationRefusals, ...keyRefusals },
}

type Approval = { readonly kind: 'company' } | { readonly kind: 'member'; readonly member: string }

/** In what capacity the signer of this statement approves; undefined when in none. */
function approvalOf(request: KeyRequest, context: RuleContext): Approval | undefined {
  const approver = readKey(context.state, context.statement.kid)
  if (approver?.agreed !== true) return undefined
  if (approver.party === request.party) return { kind: 'company' }
  const member = memberOfCentre(approver, context.members)
  return member === undefined ? undefined : { kind: 'member', member: member.id }
}

function refuseUnentitled(request: KeyRequest, context: RuleContext): void {
  const approval = approvalOf(request, context)
  if (approval === undefined) throw new Refusal('party.approver-not-entitled')
  if (approval.kind === 'company') {
    return refuseRolesNotHeld(request.roles, readKey(context.state, context.statement.kid)!.roles)
  }
  if (request.roles.includes('centre')) throw new Refusal('key.centre-reserved')
}

function changesNothing(known: KeyRow, approval: Approval | undefined, edition: Edition): boolean {
  if (approval?.kind === 'member') return known.vouchedBy.includes(approval.member)
  return edition === 'first' ? known.agreed : known.byCompany
}
