/**
 * What the steps of an e-guarantee share: the fields that say what it is for, what the tender asks of it, who may sign, and the order of
 * what happened in secret. Where the tender is on the ledger its own deadline, opening and estimate count; else those that the record
 * carries. Before the opening nothing here is public, so what happened earlier is told afterwards, with the time at which it
 * happened; that time is the signer's word, in order and not in the future, until a sealed leaf proves it.
 */
import { assert } from '../assert.ts'
import type { JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { type GuaranteeIdentity, type GuaranteeRow, liveUsesMax } from './e-guarantee-life.ts'
import { type GuaranteeKind, guaranteeKindField } from './guarantee.ts'
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
  partiesOf,
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
  kind: guaranteeKindField,
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

export interface Service extends TenderTerms {
  readonly kind: GuaranteeKind
  readonly tender?: TenderIdentity
  readonly sections?: readonly string[]
  readonly bidders: readonly { readonly party: string }[]
  readonly beneficiary?: { readonly party: string }
  readonly amount: Money
  readonly occurredAt: string
}

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

/**
 * A use is told by those it concerns: issuer, bidder, or whoever speaks for the tender. That an annual guarantee serves a tender at all
 * is for issuer or bidder to say: it names none, and an owner could else draw it into its own and claim.
 */
export function refuseStrangerToUse(
  { issuer }: GuaranteeIdentity,
  { bidders, kind }: Pick<GuaranteeRow, 'bidders' | 'kind'>,
  tender: TenderIdentity,
  step: 'bind' | 'reveal',
  context: RuleContext,
): void {
  refuseFalseVoice(context)
  const { party } = context.statement
  if (party === issuer || bidders.includes(party)) return
  if (step === 'bind' && kind === 'annual') {
    throw new Refusal('guarantee.not-concerned', `${party} is neither issuer nor bidder of an annual guarantee`)
  }
  if (party === tender.owner) return
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
