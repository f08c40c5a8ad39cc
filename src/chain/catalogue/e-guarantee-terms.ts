/**
 * What the steps of an e-guarantee share: the fields that say what it is for, what the tender asks of it, who may sign, and the order of
 * what happened in secret. Where the tender is on the ledger its own deadline, opening and estimate count; else those that the record
 * carries. Before the opening nothing here is public, so what happened earlier is told afterwards, with the time at which it
 * happened; that time is the signer's word, in order and not in the future, until a sealed leaf proves it.
 */
import { assert } from '../assert.ts'
import type { JsonObject } from '../json.ts'
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { type GuaranteeIdentity, type GuaranteeRow, liveUsesMax } from './e-guarantee-life.ts'
import { openingTimeField } from './opening.ts'
import { profileOf } from './profile.ts'
import { isInScopeOf, type KeyRow, readKey, rowName } from './register.ts'
import type { RuleContext } from './statement-type.ts'
import { decimalOf } from './table.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import { isEntitled, refuseBeforeTenderOpening, tenderAt } from './tender-life.ts'
import {
  codeField,
  type Money,
  moneyField,
  named,
  namedPartyField,
  object,
  partyField,
  refuse,
  sumOf,
  tenderField,
  timeField,
  timeOf,
} from './values.ts'

// ---- fields ------------------------------------------------------------------------------------------------------------------------

export const guaranteeField = named(
  '保函',
  'Guarantee',
  object({ issuer: partyField('出具人', 'Issuer'), number: codeField('保函编号', 'Number') }, ['issuer', 'number']),
)

export const applicationField = named(
  '保函申请',
  'Application',
  object({ party: partyField('申请报文的签名主体', 'Who signed it'), number: codeField('申请编号', 'Number') }, [
    'party',
    'number',
  ]),
)

export const occurredAtField = named('发生时间', 'Happened at', {
  ...timeField('发生时间', 'Happened at'),
  description: '开标前保密，开标后补记的实际时间 / when it happened, told after the opening that kept it secret',
})

/** The tender as a use of the guarantee meets it. */
export const tenderTermsFields = {
  deadline: timeField('投标截止时间', 'Deadline'),
  openingTime: openingTimeField,
  bidValidUntil: timeField('投标有效期届满', 'Bids bind until'),
  requirement: moneyField('要求的保证金金额', 'Bond asked for'),
}

/** What a guarantee is for. The application says it, and the guarantee again: each must stand in the tender's timeline. */
export const serviceFields: JsonObject = {
  kind: named('保函种类', 'Kind', {
    description: 'single 单标段, multi-section 多标段, annual 年度 / one section, several, or a year',
    type: 'string',
    enum: ['single', 'multi-section', 'annual'],
  }),
  tender: tenderField,
  sections: named('标段', 'Sections', {
    type: 'array',
    minItems: 1,
    maxItems: liveUsesMax,
    items: codeField('标段', 'Section'),
  }),
  bidders: named('投标人', 'Bidders', {
    description: '被保证人；联合体逐一列出，牵头人在前 / a consortium lists every member, the leader first',
    type: 'array',
    minItems: 1,
    maxItems: 20,
    items: namedPartyField('投标人', 'Bidder', ['party']),
  }),
  beneficiary: namedPartyField('受益人', 'Beneficiary', ['party']),
  amount: moneyField('保函金额', 'Amount guaranteed'),
  ...tenderTermsFields,
  occurredAt: occurredAtField,
}

export const serviceRequired = ['kind', 'bidders', 'amount', 'occurredAt'] as const

export interface TenderTerms {
  readonly deadline?: string
  readonly openingTime?: string
  readonly bidValidUntil?: string
  readonly requirement?: Money
}

interface NamedParty {
  readonly party: string
}

export interface Service extends TenderTerms {
  readonly kind: 'single' | 'multi-section' | 'annual'
  readonly tender?: TenderIdentity
  readonly sections?: readonly string[]
  readonly bidders: readonly NamedParty[]
  readonly beneficiary?: NamedParty
  readonly amount: Money
  readonly occurredAt: string
}

export const partiesOf = (list: readonly NamedParty[]): readonly string[] => list.map(({ party }) => party)

/** Parties of a service, each once. */
export function partiesOfService(
  { bidders, beneficiary, tender }: Service,
  ...more: readonly string[]
): readonly string[] {
  const all = [...more, ...partiesOf(bidders), beneficiary?.party, tender?.owner]
  return Array.from(new Set(all.filter((party) => party !== undefined)))
}

export const guaranteeSubject = ({ issuer, number }: GuaranteeIdentity): string => rowName('guarantee', issuer, number)

export const aboutTender = (tender: TenderIdentity | undefined) =>
  tender === undefined ? {} : { owner: tender.owner, tender: tender.code }

export const tenderSubjectsOf = (tender: TenderIdentity | undefined): readonly string[] =>
  tender === undefined ? [] : [tenderSubject(tender)]

// ---- what it is for ------------------------------------------------------------------------------------------------------------------

export function refuseMalformedService(service: Service): void {
  const {
    kind,
    tender,
    sections = [],
    bidders,
    beneficiary,
    deadline,
    openingTime,
    bidValidUntil,
    requirement,
  } = service
  const code = 'guarantee.kind-mismatch'
  const ofTender = { tender, deadline, openingTime, bidValidUntil }
  if (kind === 'annual') {
    for (const [name, value] of Object.entries({ ...ofTender, sections: service.sections, requirement })) {
      if (value !== undefined) throw refuse(code, `/${name}`, '年度保函不写', 'is not said by an annual one')
    }
  } else {
    for (const [name, value] of Object.entries({ ...ofTender, beneficiary })) {
      if (value === undefined) throw refuse(code, `/${name}`, '缺少', 'is missing')
    }
  }
  if (kind === 'single' && sections.length > 1) throw refuse(code, '/sections', '至多一个', 'has more than one')
  if (kind === 'multi-section' && sections.length < 2) throw refuse(code, '/sections', '至少两个', 'has fewer than two')
  if (new Set(sections).size !== sections.length) throw refuse(code, '/sections', '标段重复', 'names a section twice')
  const parties = partiesOf(bidders)
  if (new Set(parties).size !== parties.length) {
    throw refuse('guarantee.bidder-repeated', '/bidders', '同一主体列了两次', 'names a party twice')
  }
  refuseNoAmount(sumOf(service.amount), '/amount/amount')
}

export function refuseNoAmount(amount: bigint, pointer: string): void {
  if (amount === 0n) throw refuse('guarantee.no-amount', pointer, '须大于零', 'must be above zero')
}

/** The tender's own times where the ledger knows them, else those of the record. */
export function timesOf(
  tender: TenderIdentity,
  terms: TenderTerms,
  context: RuleContext,
): { readonly deadline: number; readonly openingTime: number } {
  const row = tenderAt(context, tender)?.row
  return {
    deadline: row?.deadline ?? timeOf(terms.deadline),
    openingTime: row?.openingTime ?? timeOf(terms.openingTime),
  }
}

export interface Fitness {
  readonly amount: bigint
  readonly currency: string
  readonly end: number
  readonly requirement: bigint | null
  readonly bidValidUntil: number | null
}

/** Sums in another currency are compared with nothing. */
export const requirementOf = ({ requirement }: TenderTerms, currency: string): bigint | null =>
  requirement === undefined || requirement.currency !== currency ? null : sumOf(requirement)

/** @param tender whose estimate bounds the bond; undefined for an annual guarantee, which stands for several */
export function refuseUnfit(fitness: Fitness, tender: TenderIdentity | undefined, context: RuleContext): void {
  const { amount, currency, end, requirement, bidValidUntil } = fitness
  if (requirement !== null && amount < requirement) {
    const detail = `${decimalOf(amount)} is below the ${decimalOf(requirement)} asked for`
    throw new Refusal('guarantee.below-requirement', detail, [
      {
        pointer: '/amount',
        problem: `低于要求的 ${decimalOf(requirement)} | is below the ${decimalOf(requirement)} asked for`,
      },
    ])
  }
  const row = tender === undefined ? undefined : tenderAt(context, tender)?.row
  const rate = row === undefined ? null : profileOf(row.profile).bondRateMax
  const estimate = row?.estimate ?? null
  if (currency === 'CNY' && rate !== null && estimate !== null && amount * 1_000_000n > estimate * rate) {
    const detail = `${decimalOf(amount)} is more than ${decimalOf(rate * 100n)} % of the estimate ${decimalOf(estimate)}`
    throw new Refusal('guarantee.above-ceiling', detail, [
      { pointer: '/amount', problem: `超过估算价的上限比例 | is above the ceiling by the estimate` },
    ])
  }
  if (bidValidUntil !== null && end < bidValidUntil) {
    throw refuse('guarantee.ends-early', '/end', '早于投标有效期届满', 'is before the end of bid validity')
  }
}

// ---- when --------------------------------------------------------------------------------------------------------------------------

/** What names a tender's bidder is not public before its opening. */
export function refuseSealed(tender: TenderIdentity | undefined, context: RuleContext, openingTime?: string): void {
  if (tender !== undefined) refuseBeforeTenderOpening(tender, context, openingTime)
}

/** @param previous when the step before happened */
export function refuseOutOfOrder(occurredAt: string, previous: number | null, context: RuleContext): void {
  const code = 'guarantee.out-of-order'
  const at = timeOf(occurredAt)
  if (at > context.blockTime) throw refuse(code, '/occurredAt', '晚于区块时间', 'is after block time')
  if (previous === null || at >= previous) return
  const detail = `is before the step that came first, at ${formatTime(previous)}`
  throw refuse(code, '/occurredAt', `早于前一步骤（${formatTime(previous)}）`, detail)
}

// ---- who ---------------------------------------------------------------------------------------------------------------------------

export function signingKey({ state, statement }: RuleContext): KeyRow {
  const key = readKey(state, statement.kid)
  assert(key !== undefined, 'the catalogue checks the key before the type')
  return key
}

/**
 * A bidder's or beneficiary's key with one member's word speaks for it only where that member may: not in the name of somebody whom
 * others vouch for. The catalogue asks the same about the tender's owner, which not every record here names.
 */
export function refuseFalseVoice(context: RuleContext): void {
  const { state, statement } = context
  const { agreed, vouchedBy } = signingKey(context)
  if (agreed || isInScopeOf(state, statement.party, vouchedBy[0]!)) return
  throw new Refusal('key.out-of-scope', `only ${vouchedBy[0]} vouches for the key, and others for ${statement.party}`)
}

/**
 * A guarantee binds money, so the word of one member is not enough for its issuer: whoever registers a key alone could use up a
 * bank's numbers, or release what it owes.
 */
export function refuseUnlistedIssuer(issuer: string, context: RuleContext): void {
  const { statement } = context
  if (statement.party !== issuer) throw new Refusal('guarantee.other-issuer', `${issuer} is the issuer`)
  if (!signingKey(context).agreed) {
    throw new Refusal('guarantee.issuer-not-listed', 'only one member vouches for the key')
  }
}

/** A use is told by those it concerns: issuer, bidder, or whoever speaks for the tender. */
export function refuseStrangerToUse(
  { issuer }: GuaranteeIdentity,
  { bidders }: Pick<GuaranteeRow, 'bidders'>,
  tender: TenderIdentity,
  context: RuleContext,
): void {
  refuseFalseVoice(context)
  const { party } = context.statement
  if (party === issuer || party === tender.owner || bidders.includes(party)) return
  const row = tenderAt(context, tender)?.row
  const { agreed, roles } = signingKey(context)
  const speaks =
    row === undefined
      ? agreed && roles.some((role) => role === 'trading-platform' || role === 'centre' || role === 'sub-centre')
      : isEntitled(row, tender.owner, party, context.state)
  if (!speaks)
    throw new Refusal('guarantee.not-concerned', `${party} is neither issuer nor bidder, nor speaks for the tender`)
}

/** In the guarantee's own currency. */
export function sumIn(currency: string, money: Money, pointer: string): bigint {
  if (money.currency === currency) return sumOf(money)
  throw refuse(
    'guarantee.other-currency',
    `${pointer}/currency`,
    `保函币种为 ${currency}`,
    `the guarantee is in ${currency}`,
  )
}

export const sharedRefusals: RefusalTexts = {
  'guarantee.kind-mismatch': {
    zh: {
      title: '保函种类与项目不符',
      cause:
        '单标段、多标段保函须写明项目、受益人、截止与开标时间、投标有效期；单标段至多一个标段，多标段至少两个不同标段；年度保函不写具体项目。',
      remedy: '请核对 kind 与 tender、sections、beneficiary、deadline、openingTime、bidValidUntil。',
    },
    en: {
      title: 'Kind and tender disagree',
      cause:
        'One for a section or several names the tender, the beneficiary, deadline, opening and bid validity; a single one has at most one section, a multi-section one at least two different ones; an annual one names no tender.',
      remedy: 'Compare kind with tender, sections, beneficiary, deadline, openingTime and bidValidUntil.',
    },
  },
  'guarantee.bidder-repeated': {
    zh: { title: '投标人重复', cause: '同一主体在一份保函中出现两次。', remedy: '联合体成员各列一次。' },
    en: {
      title: 'Bidder repeated',
      cause: 'The same party stands twice in one guarantee.',
      remedy: 'List every member of a consortium once.',
    },
  },
  'guarantee.no-amount': {
    zh: { title: '金额为零', cause: '保函、索赔、赔付的金额须大于零。', remedy: '请核对金额与单位。' },
    en: {
      title: 'No amount',
      cause: 'What is guaranteed, claimed or paid must be above zero.',
      remedy: 'Check amount and unit.',
    },
  },
  'guarantee.below-requirement': {
    zh: {
      title: '低于要求的保证金',
      cause: '保函金额（年度保函为其余额）低于项目要求的保证金。',
      remedy: '请增加保函金额，或核对单位是元还是万元。',
    },
    en: {
      title: 'Below the bond asked for',
      cause: 'The amount guaranteed (of an annual one, what remains of it) is below what the tender asks for.',
      remedy: 'Raise the amount, or check whether the unit is yuan or ten thousand.',
    },
  },
  'guarantee.above-ceiling': {
    zh: {
      title: '超过保证金上限',
      cause: '保函金额超过项目估算价的法定比例（2%）；实施条例第二十六条。',
      remedy: '请核对金额、单位与项目估算价。',
    },
    en: {
      title: 'Above the ceiling',
      cause:
        'The amount is more than the part of the estimate that law allows (2 %); Implementing Regulations art. 26.',
      remedy: "Check amount, unit and the tender's estimate.",
    },
  },
  'guarantee.ends-early': {
    zh: {
      title: '早于投标有效期届满',
      cause: '保函失效时间早于投标有效期届满；实施条例第二十六条。',
      remedy: '请延长保函期限。',
    },
    en: {
      title: 'Ends before bid validity',
      cause: 'The guarantee ends before the bids cease to bind; Implementing Regulations art. 26.',
      remedy: 'Extend its term.',
    },
  },
  'guarantee.out-of-order': {
    zh: {
      title: '时间先后有误',
      cause: '发生时间晚于区块时间，或早于前一步骤的发生时间。',
      remedy: '请核对 occurredAt 及其时区偏移，并按发生的先后提交。',
    },
    en: {
      title: 'Out of order',
      cause: 'The step is said to have happened after block time, or before the step that comes first.',
      remedy: 'Check occurredAt and its offset; submit the steps in the order they happened.',
    },
  },
  'guarantee.other-issuer': {
    zh: {
      title: '不是该保函的出具人',
      cause: '这一步骤由保函的出具人办理。',
      remedy: '请由出具人以自己的密钥提交。',
    },
    en: {
      title: 'Another issuer',
      cause: "This step is the issuer's.",
      remedy: 'The issuer submits it with its own key.',
    },
  },
  'guarantee.issuer-not-listed': {
    zh: {
      title: '出具人未获全网认可',
      cause: '出具人的密钥只有一个成员确认（单方登记）；保函涉及资金，须全网认可的出具人密钥。',
      remedy: '请由另一成员批准同一份密钥申请。',
    },
    en: {
      title: 'Issuer not listed',
      cause:
        "One member alone vouches for the issuer's key; a guarantee binds money and needs a key that counts everywhere.",
      remedy: 'Have another member approve the same key request.',
    },
  },
  'guarantee.not-concerned': {
    zh: {
      title: '与该保函无关',
      cause: '绑定与公开由出具人、投标人、招标人或其项目的代理机构、平台、中心办理。',
      remedy: '请由上述主体之一提交。',
    },
    en: {
      title: 'Not concerned',
      cause: 'A use is told by the issuer, the bidder, the owner, or whoever speaks for the tender.',
      remedy: 'Have one of them submit it.',
    },
  },
  'guarantee.other-currency': {
    zh: { title: '币种不同', cause: '金额的币种与保函不同。', remedy: '请用保函的币种。' },
    en: {
      title: 'Another currency',
      cause: "The sum is not in the guarantee's currency.",
      remedy: "Use the guarantee's currency.",
    },
  },
  'guarantee.term-malformed': {
    zh: {
      title: '保函期限不成立',
      cause: '失效时间须晚于生效时间、开立时间和开标时间，开立不得晚于投标截止，开标不得早于截止。',
      remedy: '请核对 begin、end、occurredAt、deadline、openingTime 及其时区偏移。',
    },
    en: {
      title: 'Malformed term',
      cause:
        'The end comes after beginning, issue and opening; the issue not after the deadline; the opening not before it.',
      remedy: 'Compare begin, end, occurredAt, deadline and openingTime, and their offsets.',
    },
  },
  'guarantee.other-tender': {
    zh: {
      title: '不是保函所涉的项目',
      cause: '单标段、多标段保函只用于其写明的项目；变更与作废须写明该项目，年度保函的变更与作废不写项目。',
      remedy: '请核对 tender。',
    },
    en: {
      title: 'Another tender',
      cause:
        'A guarantee for a section or several serves the tender it names only; amendments and voiding name it too, those of an annual one name none.',
      remedy: 'Check tender.',
    },
  },
  'guarantee.not-beneficiary': {
    zh: {
      title: '不是受益人',
      cause: '索赔、同意与单方解除只能由受益人本人办理。',
      remedy: '请由受益人以自己的密钥提交。',
    },
    en: {
      title: 'Not the beneficiary',
      cause: 'Only the beneficiary claims, consents, or releases by its own word.',
      remedy: 'The beneficiary submits it with its own key.',
    },
  },
  'guarantee.consent-missing': {
    zh: {
      title: '缺少受益人同意',
      cause: '降低金额、缩短期限、截止后作废、由出具人解除，须先有受益人就同样内容的同意记录。',
      remedy: '请受益人先提交 guarantee.consent，内容（版本、金额、期限、项目、标段）须与本步骤一致且在其有效期内。',
    },
    en: {
      title: 'The beneficiary has not agreed',
      cause:
        'To lower the amount or the term, to void after the deadline, or to release by the issuer needs a record of the beneficiary’s consent to exactly that.',
      remedy:
        'Have the beneficiary submit guarantee.consent first, with the same version, amount, end, tender and section, and use it while it counts.',
    },
  },
}
