/**
 * Qualifications (资质) and past performance (业绩) that one city attests and every other can rely on. A qualification is what its authority says,
 * from grant to suspension, restoration and revocation, and ends by the clock. A performance is what a contractor claims under a contract's
 * hash, and counts once the owner of that contract has confirmed it with its own key; the same contract claimed by somebody who is not
 * a partner in it goes in with a finding. Scores and comparisons are left to whoever evaluates.
 */
import { Refusal } from '../refusal.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Bilingual, Family, RuleContext } from './statement-type.ts'
import { list, natural, optional, table, text, time } from './table.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  enumField,
  hashField,
  hashText,
  moneyField,
  named,
  namedPartyField,
  partyField,
  refuse,
  regionField,
  tenderField,
  timeField,
  timeOf,
  wordsField,
} from './values.ts'

/** Partners of one contract, as in a consortium. */
export const performancePartnersMax = 16

// ── qualifications ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const qualificationLife = new Lifecycle({
  name: 'qualification',
  title: { zh: '资质', en: 'qualification' },
  states: {
    valid: { zh: '有效', en: 'Valid' },
    suspended: { zh: '暂停', en: 'Suspended' },
    revoked: { zh: '撤销', en: 'Revoked' },
    expired: { zh: '到期', en: 'Expired' },
  },
  columns: {
    holder: text,
    kind: text,
    grade: optional(text),
    validFrom: time,
    validUntil: optional(time),
    document: text,
  },
  byRecord: [
    { on: 'qualification.grant', from: ['none'], to: 'valid' },
    { on: 'qualification.renew', from: ['valid', 'expired'], to: 'valid' },
    { on: 'qualification.suspend', from: ['valid'], to: 'suspended' },
    { on: 'qualification.restore', from: ['suspended'], to: 'valid' },
    { on: 'qualification.revoke', from: ['valid', 'suspended'], to: 'revoked' },
  ],
  byClock: [
    {
      from: ['valid', 'suspended'],
      at: 'validUntil',
      to: 'expired',
      title: { zh: '有效期届满', en: 'The term ends' },
    },
  ],
})

/** The authority that signs, and the number under which it issued: two authorities may have the same number. */
interface Certificate {
  readonly party: string
  readonly number: string
}

interface Grant extends Certificate {
  readonly holder: { readonly party: string }
  readonly kind: string
  readonly grade?: string
  readonly region: string
  readonly validFrom: string
  readonly validUntil?: string
  readonly document: DocumentHash
}

interface Renewal extends Certificate {
  readonly validUntil: string
  readonly document: DocumentHash
}

const authorities = ['supervisor', 'centre', 'sub-centre'] as const
const certificateKey = ({ party, number }: Certificate) => [party, number]
const numberField = codeField('证书编号', 'Number of the certificate')
const qualificationLaw = {
  zh: '《建筑业企业资质管理规定》（住房和城乡建设部令第 22 号）第四、二十八至三十条；《招标投标法》第二十六条。',
  en: 'Provisions on qualifications of construction enterprises (Order 22) arts. 4, 28–30; Tendering and Bidding Law art. 26.',
}
const reasonFields = { number: numberField, reason: wordsField('原因', 'Reason', 256) }

function refuseTerm(from: number, until: string | undefined, pointer: string): void {
  if (until === undefined || timeOf(until) > from) return
  throw refuse('qualification.ends-before-begin', pointer, '须晚于生效时间', 'must be after the beginning')
}

const grant = qualificationLife.step<Grant>({
  name: 'qualification.grant',
  version: 1,
  title: { zh: '资质授予', en: 'Grant a qualification' },
  law: qualificationLaw,
  schema: {
    properties: {
      number: numberField,
      holder: namedPartyField('持有人', 'Holder', ['party', 'name']),
      kind: wordsField('资质类别', 'Kind', 128),
      grade: wordsField('等级', 'Grade', 32),
      region: regionField,
      validFrom: timeField('生效时间', 'Valid from'),
      validUntil: timeField('有效期至', 'Valid until'),
      document: hashField('证书哈希', 'Hash of the certificate'),
    },
    required: ['number', 'holder', 'kind', 'region', 'validFrom', 'document'],
  },
  roles: authorities,
  isForAgreedKeys: true,
  key: certificateKey,
  check: ({ validFrom, validUntil }) => refuseTerm(timeOf(validFrom), validUntil, '/validUntil'),
  next: ({ holder, kind, grade, validFrom, validUntil, document }) => ({
    holder: holder.party,
    kind,
    grade: grade ?? null,
    validFrom: timeOf(validFrom),
    validUntil: validUntil === undefined ? null : timeOf(validUntil),
    document: hashText(document),
  }),
  subjects: ({ holder, region, document }) => ({ parties: [holder.party], region, hashes: [hashText(document)] }),
})

const renew = qualificationLife.step<Renewal>({
  name: 'qualification.renew',
  version: 1,
  title: { zh: '资质延续', en: 'Renew a qualification' },
  law: qualificationLaw,
  schema: {
    properties: {
      number: numberField,
      validUntil: timeField('有效期至', 'Valid until'),
      document: hashField('证书哈希', 'Hash of the certificate'),
    },
    required: ['number', 'validUntil', 'document'],
  },
  roles: authorities,
  isForAgreedKeys: true,
  key: certificateKey,
  check: ({ validUntil }, { blockTime }, before) =>
    refuseTerm(Math.max(blockTime, before!.row.validUntil ?? 0), validUntil, '/validUntil'),
  next: ({ validUntil, document }) => ({ validUntil: timeOf(validUntil), document: hashText(document) }),
  subjects: ({ document }) => ({ parties: [], hashes: [hashText(document)] }),
})

/** A word of the authority with its reason, which changes the state and nothing else. */
const wordOf = (name: string, title: Bilingual) =>
  qualificationLife.step<Certificate>({
    name,
    version: 1,
    title,
    law: qualificationLaw,
    schema: { properties: reasonFields, required: ['number', 'reason'] },
    roles: authorities,
    isForAgreedKeys: true,
    key: certificateKey,
    next: () => ({}),
    subjects: () => ({ parties: [] }),
  })

const suspend = wordOf('qualification.suspend', { zh: '资质暂停', en: 'Suspend a qualification' })
const restore = wordOf('qualification.restore', { zh: '资质恢复', en: 'Restore a qualification' })
const revoke = wordOf('qualification.revoke', { zh: '资质撤销', en: 'Revoke a qualification' })

export const qualifications: Family = {
  name: 'qualification',
  title: { zh: '资质', en: 'Qualifications' },
  purpose: {
    zh: '《建筑业企业资质管理规定》等：资质由发证机关授予、暂停、恢复、撤销，到期由区块时间判定。一地登记，各地可查；同一编号以发证机关区分，任何人都不能改写他机关的记录。',
    en: 'Qualifications are granted, suspended, restored and revoked by their authority, and end by block time. Attested in one city they can be relied on in every other; a number is its authority’s own, and nobody changes another’s records.',
  },
  types: [grant, renew, suspend, restore, revoke],
  lifecycles: [qualificationLife],
  refusals: {
    'qualification.ends-before-begin': {
      zh: {
        title: '资质期限有误',
        cause: '有效期须晚于生效时间；延续后的有效期须晚于原有效期与区块时间。',
        remedy: '请核对 validFrom 与 validUntil。',
      },
      en: {
        title: 'Bad term of a qualification',
        cause: 'It ends after it begins; renewed, it ends after its former term and after block time.',
        remedy: 'Compare validFrom and validUntil.',
      },
    },
  },
}

// ── past performance ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const performanceLife = new Lifecycle({
  name: 'performance',
  title: { zh: '业绩', en: 'performance' },
  states: {
    claimed: { zh: '已申报', en: 'Claimed' },
    confirmed: { zh: '业主已确认', en: 'Confirmed by the owner' },
    denied: { zh: '业主否认', en: 'Denied by the owner' },
    withdrawn: { zh: '已撤回', en: 'Withdrawn' },
  },
  columns: {
    owner: text,
    region: text,
    amount: text,
    unit: text,
    currency: text,
    partners: list(text),
    claimedBy: natural,
  },
  byRecord: [
    { on: 'performance.claim', from: ['none'], to: 'claimed' },
    { on: 'performance.confirm', from: ['claimed', 'denied'], to: 'confirmed' },
    { on: 'performance.deny', from: ['claimed', 'confirmed'], to: 'denied' },
    { on: 'performance.withdraw', from: ['claimed', 'denied'], to: 'withdrawn' },
  ],
  byClock: [],
})

/** Whoever claimed a contract first; by its hash. */
const contracts = table('performance-contract', { contractor: text, index: natural })

interface Claim {
  readonly party: string
  readonly contract: DocumentHash
  readonly owner: { readonly party: string }
  readonly amount: { readonly amount: string; readonly unit: string; readonly currency: string }
  readonly region: string
  readonly partners?: readonly string[]
  readonly tender?: TenderIdentity
}

interface OwnersWord {
  readonly contractor: string
  readonly contract: DocumentHash
}

const contractField = hashField('合同哈希', 'Hash of the contract')
const ownersFields = { contractor: partyField('承包人', 'Contractor'), contract: contractField }
const ownersKey = ({ contractor, contract }: OwnersWord) => [contractor, hashText(contract)]
const ownersSubjects = ({ contractor, contract }: OwnersWord) => ({
  parties: [contractor],
  hashes: [hashText(contract)],
})
const performanceLaw = {
  zh: '《招标投标法》第二十六条、《政府采购法》第二十二条：投标人应具备相应业绩与能力；《招标投标法实施条例》第四十二条：以虚假业绩投标的属于弄虚作假。',
  en: 'Tendering and Bidding Law art. 26, Government Procurement Law art. 22: bidders show what they have done; Implementing Regulations art. 42: false performance is fraud.',
}

/** The contract's owner answers for it, and nobody else. */
function refuseOtherOwner(owner: string, { statement }: RuleContext): void {
  if (owner !== statement.party) throw new Refusal('performance.not-the-owner', `the owner is ${owner}`)
}

const claim = performanceLife.step<Claim>({
  name: 'performance.claim',
  version: 1,
  title: { zh: '业绩申报', en: 'Claim a performance' },
  law: performanceLaw,
  schema: {
    properties: {
      contract: contractField,
      owner: namedPartyField('业主', 'Owner of the contract', ['party', 'name']),
      title: wordsField('项目名称', 'Name of the project', 256),
      kind: enumField('类别', 'Kind', ['works', 'goods', 'services', 'other']),
      amount: moneyField('合同金额', 'Amount of the contract'),
      region: regionField,
      completedAt: timeField('完成时间', 'Completed at'),
      partners: named('联合体其他成员', 'Other partners', {
        type: 'array',
        maxItems: performancePartnersMax,
        items: partyField('主体标识', 'Party id'),
      }),
      tender: tenderField,
    },
    required: ['contract', 'owner', 'title', 'kind', 'amount', 'region'],
  },
  roles: 'any',
  isForAgreedKeys: true,
  refusals: {
    'performance.own-contract': {
      zh: { title: '业主即申报人', cause: '业绩须由合同的另一方确认。', remedy: '请核对 owner。' },
      en: {
        title: 'A contract with oneself',
        cause: 'A performance is confirmed by the other side of the contract.',
        remedy: 'Check owner.',
      },
    },
  },
  findings: {
    'performance.claimed-by-another': {
      zh: {
        title: '同一合同由他人申报',
        cause: '同一合同已由 {0} 在记录 {1} 中申报，双方未互列为联合体成员。',
        remedy: '请核查合同的承包人。',
      },
      en: {
        title: 'Claimed by somebody else',
        cause: 'The same contract was claimed by {0} in record {1}, and neither names the other as a partner.',
        remedy: 'Look at who the contractor of the contract is.',
      },
    },
  },
  key: ({ party, contract }) => [party, hashText(contract)],
  check({ owner }, { statement }) {
    if (owner.party === statement.party) {
      throw refuse('performance.own-contract', '/owner/party', '与申报人相同', 'is the one that claims')
    }
  },
  next({ owner, amount, region, partners = [], party, contract }, context) {
    const { state, index } = context
    const first = contracts.read(state, [hashText(contract)])
    if (first === undefined) contracts.write(state, [hashText(contract)], { contractor: party, index })
    else if (!partners.includes(first.contractor)) {
      const theirs = performanceLife.at(state, [first.contractor, hashText(contract)], context.blockTime)
      if (theirs?.row.partners.includes(party) !== true) {
        context.find('performance.claimed-by-another', first.contractor, String(first.index))
      }
    }
    return { owner: owner.party, region, ...amount, partners, claimedBy: index }
  },
  subjects: ({ contract, owner, region, partners = [], tender }) => ({
    ...(tender === undefined ? {} : { owner: tender.owner, tender: tender.code, subjects: [tenderSubject(tender)] }),
    parties: Array.from(new Set([owner.party, ...partners, ...(tender === undefined ? [] : [tender.owner])])),
    region,
    hashes: [hashText(contract)],
  }),
})

const confirm = performanceLife.step<OwnersWord>({
  name: 'performance.confirm',
  version: 1,
  title: { zh: '业绩确认', en: 'Confirm a performance' },
  law: performanceLaw,
  schema: { properties: ownersFields, required: ['contractor', 'contract'] },
  roles: 'any',
  isForAgreedKeys: true,
  key: ownersKey,
  check: (_, context, before) => refuseOtherOwner(before!.row.owner, context),
  next: () => ({}),
  subjects: ownersSubjects,
})

const deny = performanceLife.step<OwnersWord>({
  name: 'performance.deny',
  version: 1,
  title: { zh: '业绩否认', en: 'Deny a performance' },
  law: performanceLaw,
  schema: {
    properties: { ...ownersFields, reason: wordsField('原因', 'Reason', 256) },
    required: ['contractor', 'contract', 'reason'],
  },
  roles: 'any',
  isForAgreedKeys: true,
  key: ownersKey,
  check: (_, context, before) => refuseOtherOwner(before!.row.owner, context),
  next: () => ({}),
  subjects: ownersSubjects,
})

const withdraw = performanceLife.step<{ readonly party: string; readonly contract: DocumentHash }>({
  name: 'performance.withdraw',
  version: 1,
  title: { zh: '业绩撤回', en: 'Withdraw a performance' },
  law: performanceLaw,
  schema: {
    properties: { contract: contractField, reason: wordsField('原因', 'Reason', 256) },
    required: ['contract', 'reason'],
  },
  roles: 'any',
  isForAgreedKeys: true,
  key: ({ party, contract }) => [party, hashText(contract)],
  next: () => ({}),
  subjects: ({ contract }) => ({ parties: [], hashes: [hashText(contract)] }),
})

export const performances: Family = {
  name: 'performance',
  title: { zh: '业绩', en: 'Past performance' },
  purpose: {
    zh: '《招标投标法》第二十六条、《政府采购法》第二十二条：业绩由承包人以合同哈希、金额、地区申报，由合同业主以自己的密钥确认或否认；一份合同被互不相列的两方申报时附预警。一地确认，各地可查。',
    en: 'Tendering and Bidding Law art. 26, Government Procurement Law art. 22: a contractor claims a performance by the contract’s hash, amount and region, and the owner of the contract confirms or denies it with its own key. One contract claimed by two that do not name each other goes in with a finding. Confirmed once, it can be relied on everywhere.',
  },
  types: [claim, confirm, deny, withdraw],
  lifecycles: [performanceLife],
  refusals: {
    'performance.not-the-owner': {
      zh: { title: '不是合同业主', cause: '业绩由申报所载的合同业主确认或否认。', remedy: '请由该业主的密钥提交。' },
      en: {
        title: 'Not the owner of the contract',
        cause: 'A performance is confirmed or denied by the owner that the claim names.',
        remedy: 'Have that owner’s key submit this.',
      },
    },
  },
}
