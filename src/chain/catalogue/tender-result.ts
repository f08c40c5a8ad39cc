/**
 * What comes of a tender: opening record, evaluation report, publicity of the candidates, award, contract, return of bonds. Each names bidders
 * or shows that there were some, so none is taken in before the tender's opening (招标投标法 art. 22). Each is compared with the step
 * before it for the same section; a document of which only the hash is known says less, and less is compared.
 */
import { formatTime } from '../time.ts'
import { liveBans } from './credit-life.ts'
import { openingTimeField } from './opening.ts'
import { profileOf } from './profile.ts'
import type { RuleContext } from './statement-type.ts'
import { decimalOf } from './table.ts'
import { tenderKey } from './tender-identity.ts'
import {
  publishers,
  refuseBeforeTenderOpening,
  refuseStranger,
  type TenderInstance,
  tenderLife,
} from './tender-life.ts'
import {
  type AboutTender,
  aboutTenderFields,
  aboutTenderRequired,
  findLateRecord,
  findRepeat,
  openObjectionsOn,
  type StepName,
  stepOf,
  tenderSubjects,
  writeStep,
} from './tender-record.ts'
import {
  type Money,
  moneyField,
  type NamedParty,
  named,
  namedPartyField,
  object,
  partiesOf,
  refuse,
  timeField,
  timeOf,
  yuanMillionthsOf,
} from './values.ts'

const partiesField = (zh: string, en: string) =>
  named(zh, en, {
    description: '联合体逐一列出，牵头人在前 / a consortium lists every member, the leader first',
    type: 'array',
    minItems: 1,
    maxItems: 20,
    items: namedPartyField(zh, en, ['name']),
  })

const countField = (zh: string, en: string) => named(zh, en, { type: 'integer', minimum: 0, maximum: 1_000_000 })
const daysField = named('工期（日）', 'Duration in days', { type: 'integer', minimum: 1, maximum: 100_000 })
const gated = { ...aboutTenderFields, openingTime: openingTimeField }
const cellsOf = (parties: readonly NamedParty[] = []) => parties.map(({ party = '', name }) => [party, name] as const)

/** The same party by id where both documents give one, else by name. */
const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a[0] !== '' && b[0] !== '' ? a[0] === b[0] : a[1] === b[1]

interface Gated extends AboutTender {
  readonly openingTime?: string
}

function check(payload: Gated, context: RuleContext, before: TenderInstance | undefined): void {
  refuseStranger(payload.tender, context, before)
  refuseBeforeTenderOpening(payload.tender, context, payload.openingTime)
}

/** Where bids are opened in public, what comes after an opening needs one: else it is the result of a tender that nobody saw. */
function refuseNeverOpened(payload: AboutTender, context: RuleContext, before: TenderInstance | undefined): void {
  if (before === undefined || stepOf('open', payload, context) !== undefined) return
  // A notice of which only the metadata are here says nothing of a deadline, and its opening may be as far away.
  const isKnown = before.row.deadline !== null || before.row.openingTime !== null
  if (!isKnown || profileOf(before.row.profile).publicOpening !== 'required') return
  throw refuse('tender.never-opened', '/tender', '尚无开标记录', 'has no opening record')
}

function findNeverOpened(payload: AboutTender, context: RuleContext, before: TenderInstance): void {
  if (profileOf(before.row.profile).publicOpening === 'none' || stepOf('open', payload, context) !== undefined) return
  context.find('tender.without-opening')
}

/** What every step notes, linked or not. */
function findCommon(step: StepName, payload: AboutTender, context: RuleContext): void {
  findLateRecord(payload, context)
  findRepeat(step, payload, context)
}

// ---- opening ---------------------------------------------------------------------------------------------------------------------

interface Opening extends AboutTender {
  readonly openedAt?: string
  readonly bids?: number
  readonly decrypted?: number
}

const openingLaw = {
  zh: '《招标投标法》第二十二、三十四至三十六条；《招标投标法实施条例》第四十四条（少于三个不得开标）。',
  en: 'Tendering and Bidding Law arts. 22, 34–36; Implementing Regulations art. 44 (no opening with fewer than three).',
}

export const open = tenderLife.step<Opening>({
  name: 'tender.open',
  version: 1,
  title: { zh: '开标记录', en: 'Opening record' },
  law: openingLaw,
  schema: {
    properties: {
      ...aboutTenderFields,
      openedAt: timeField('开标时间', 'Opened at'),
      bids: countField('投标数', 'Bids'),
      decrypted: countField('解密数', 'Of those decrypted'),
    },
    required: aboutTenderRequired,
  },
  roles: publishers,
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check(payload, context, before) {
    check({ ...payload, openingTime: payload.openedAt ?? payload.publishedAt }, context, before)
    const { bids, decrypted } = payload
    if (decrypted !== undefined && (bids === undefined || decrypted > bids)) {
      throw refuse('tender.counts-disagree', '/decrypted', '多于投标数', 'is more than the number of bids')
    }
  },
  next(payload, context, before) {
    const { row } = before!
    findCommon('open', payload, context)
    writeStep('open', payload, context)
    const { bids } = payload
    const openedAt = timeOf(payload.openedAt ?? payload.publishedAt)
    const { biddersMin } = profileOf(row.profile)
    if (bids !== undefined && bids < biddersMin) {
      context.find('tender.too-few-bidders', String(bids), String(biddersMin))
    }
    if (row.openingTime !== null && openedAt < row.openingTime) {
      context.find('tender.opened-early', formatTime(openedAt), formatTime(row.openingTime))
    }
    return { openedAt: row.openedAt ?? context.blockTime }
  },
  unlinked(payload, context) {
    findCommon('open', payload, context)
    writeStep('open', payload, context)
  },
  subjects: (payload) => tenderSubjects(payload),
})

// ---- evaluation and publicity ------------------------------------------------------------------------------------------------------

export const evaluate = tenderLife.step<Gated>({
  name: 'tender.evaluate',
  version: 1,
  title: { zh: '评标报告', en: 'Evaluation report' },
  law: {
    zh: '《招标投标法》第四十条；评标报告只上链哈希，报告本身限定范围。',
    en: 'Tendering and Bidding Law art. 40; the report itself is restricted, its hash is here.',
  },
  schema: { properties: gated, required: aboutTenderRequired },
  roles: publishers,
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check(payload, context, before) {
    check(payload, context, before)
    refuseNeverOpened(payload, context, before)
  },
  next(payload, context) {
    findCommon('evaluate', payload, context)
    writeStep('evaluate', payload, context)
    return {}
  },
  unlinked(payload, context) {
    findCommon('evaluate', payload, context)
    writeStep('evaluate', payload, context)
  },
  subjects: (payload) => tenderSubjects(payload),
})

interface Candidates extends Gated {
  readonly candidates?: readonly { readonly parties: readonly NamedParty[] }[]
  readonly endsAt?: string
}

/** Candidates by their leaders. */
const candidatesStep = ({ candidates, endsAt }: Candidates) => ({
  parties: (candidates ?? []).map(({ parties }) => cellsOf(parties)[0]!),
  endsAt: endsAt === undefined ? null : timeOf(endsAt),
})

export const candidates = tenderLife.step<Candidates>({
  name: 'tender.candidates',
  version: 1,
  title: { zh: '中标候选人公示', en: 'Candidates made public' },
  law: {
    zh: '《招标投标法实施条例》第五十四条（公示期不得少于三日）。',
    en: 'Implementing Regulations art. 54 (public for at least three days).',
  },
  schema: {
    properties: {
      ...gated,
      candidates: named('候选人（按名次）', 'Candidates by rank', {
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: named(
          '候选人',
          'Candidate',
          object({ parties: partiesField('候选人', 'Candidate'), price: moneyField('报价', 'Price') }, ['parties']),
        ),
      }),
      endsAt: timeField('公示截止', 'Public until'),
    },
    required: aboutTenderRequired,
  },
  roles: publishers,
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check(payload, context, before) {
    check(payload, context, before)
    refuseNeverOpened(payload, context, before)
  },
  next(payload, context, before) {
    const { row } = before!
    findCommon('candidates', payload, context)
    const step = candidatesStep(payload)
    writeStep('candidates', payload, context, step)
    const { publicityDaysMin } = profileOf(row.profile)
    const publishedAt = timeOf(payload.publishedAt)
    if (step.endsAt !== null && step.endsAt - publishedAt < publicityDaysMin * context.legalDayMs) {
      const values = [formatTime(publishedAt), formatTime(step.endsAt), String(publicityDaysMin)]
      context.find('tender.publicity-too-short', ...values)
    }
    const ends = [row.publicityEndsAt, step.endsAt].filter((end) => end !== null)
    return { publicityEndsAt: ends.length === 0 ? null : Math.max(...ends) }
  },
  unlinked(payload, context) {
    findCommon('candidates', payload, context)
    writeStep('candidates', payload, context, candidatesStep(payload))
  },
  subjects: (payload) =>
    tenderSubjects(
      payload,
      payload.candidates?.flatMap(({ parties }) => partiesOf(parties)),
    ),
})

// ---- award -----------------------------------------------------------------------------------------------------------------------

interface Award extends Gated {
  readonly winners?: readonly NamedParty[]
  readonly amount?: Money
  readonly durationDays?: number
}

const awardStep = ({ winners, amount, durationDays }: Award) => ({
  parties: cellsOf(winners),
  amount: amount === undefined ? null : yuanMillionthsOf(amount),
  days: durationDays ?? null,
})

export const award = tenderLife.step<Award>({
  name: 'tender.award',
  version: 1,
  title: { zh: '中标（成交）结果', en: 'Award' },
  law: {
    zh: '《招标投标法》第四十五条；《招标投标法实施条例》第五十四、五十五条；异议、投诉处理期间暂停（第五十四、六十二条）。',
    en: 'Tendering and Bidding Law art. 45; Implementing Regulations arts. 54, 55; an objection or complaint suspends it (arts. 54, 62).',
  },
  schema: {
    properties: {
      ...gated,
      winners: partiesField('中标（成交）人', 'Winner'),
      amount: moneyField('中标（成交）金额', 'Amount'),
      durationDays: daysField,
    },
    required: aboutTenderRequired,
  },
  roles: publishers,
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check(payload, context, before) {
    check(payload, context, before)
    refuseNeverOpened(payload, context, before)
  },
  next(payload, context, before) {
    findCommon('award', payload, context)
    findNeverOpened(payload, context, before!)
    findAgainstCandidates(payload, context, profileOf(before!.row.profile).hasCandidates)
    findUnderObjection(payload, context)
    findPenalised(payload, before!.row.region, context)
    const step = awardStep(payload)
    writeStep('award', payload, context, step)
    return {
      awardedAt: context.blockTime,
      awardAmount: step.amount,
      winner: step.parties.map(([party, name]) => (party === '' ? name : party)),
    }
  },
  unlinked(payload, context) {
    findCommon('award', payload, context)
    findAgainstCandidates(payload, context, false)
    findUnderObjection(payload, context)
    writeStep('award', payload, context, awardStep(payload))
  },
  subjects: (payload) => tenderSubjects(payload, partiesOf(payload.winners)),
})

function findUnderObjection(payload: AboutTender, context: RuleContext): void {
  const open = openObjectionsOn(payload.tender, payload.section, context)
  if (open > 0) context.find('tender.award-under-objection', String(open))
}

/** A firm banned in one city wins in the next, or in the same: whoever decided the ban is named. */
function findPenalised({ winners = [] }: Award, region: string, context: RuleContext): void {
  for (const { party } of winners) {
    if (party === undefined) continue
    for (const { authority, number, index } of liveBans(context.state, party, region, context.blockTime)) {
      context.find('tender.award-to-penalised', party, number, authority, String(index))
    }
  }
}

function findAgainstCandidates(payload: Award, context: RuleContext, areExpected: boolean): void {
  const publicity = stepOf('candidates', payload, context)
  if (publicity === undefined) {
    if (areExpected) context.find('tender.award-without-publicity')
    return
  }
  const { endsAt, parties, index } = publicity
  if (endsAt !== null && context.blockTime < endsAt) {
    context.find('tender.award-before-publicity-ended', formatTime(endsAt), String(index))
  }
  const [winner] = cellsOf(payload.winners)
  if (winner === undefined || parties.length === 0 || parties.some((candidate) => isSame(candidate, winner))) return
  context.find('tender.winner-no-candidate', winner[0] === '' ? winner[1] : winner[0], String(index))
}

// ---- contract --------------------------------------------------------------------------------------------------------------------

interface Contract extends Gated {
  readonly contractor?: readonly NamedParty[]
  readonly amount?: Money
  readonly durationDays?: number
}

export const contract = tenderLife.step<Contract>({
  name: 'tender.contract',
  version: 1,
  title: { zh: '合同', en: 'Contract' },
  law: {
    zh: '《招标投标法》第四十六条；《政府采购法》第四十六条（三十日内按中标文件订立，不得背离实质性内容）。',
    en: 'Tendering and Bidding Law art. 46; Government Procurement Law art. 46 (within thirty days, as awarded).',
  },
  schema: {
    properties: {
      ...gated,
      contractor: partiesField('承包人（供应商）', 'Contractor'),
      amount: moneyField('合同金额', 'Amount'),
      durationDays: daysField,
      signedAt: timeField('签订时间', 'Signed at'),
    },
    required: aboutTenderRequired,
  },
  roles: publishers,
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check,
  next(payload, context, before) {
    const { row } = before!
    findCommon('contract', payload, context)
    findAgainstAward(payload, context)
    const award = stepOf('award', payload, context)
    const { contractDaysMax } = profileOf(row.profile)
    if (award === undefined) context.find('tender.contract-without-award')
    else if (context.blockTime - award.at > contractDaysMax * context.legalDayMs) {
      context.find('tender.contract-late', formatTime(award.at), String(contractDaysMax))
    }
    writeStep('contract', payload, context, contractStep(payload))
    return { contractedAt: context.blockTime }
  },
  unlinked(payload, context) {
    findCommon('contract', payload, context)
    findAgainstAward(payload, context)
    writeStep('contract', payload, context, contractStep(payload))
  },
  subjects: (payload) => tenderSubjects(payload, partiesOf(payload.contractor)),
})

/** What a pledge of the contract's receivable is held to. */
const contractStep = ({ contractor, amount }: Contract) => ({
  parties: cellsOf(contractor),
  amount: amount === undefined ? null : yuanMillionthsOf(amount),
})

function findAgainstAward(payload: Contract, context: RuleContext): void {
  const award = stepOf('award', payload, context)
  if (award === undefined) return
  const amount = payload.amount === undefined ? null : yuanMillionthsOf(payload.amount)
  if (amount !== null && award.amount !== null && amount !== award.amount) {
    context.find('tender.contract-amount-differs', decimalOf(amount), decimalOf(award.amount), String(award.index))
  }
  const { durationDays } = payload
  if (durationDays !== undefined && award.days !== null && durationDays !== award.days) {
    context.find('tender.contract-duration-differs', String(durationDays), String(award.days), String(award.index))
  }
  const [contractor] = cellsOf(payload.contractor)
  const [winner] = award.parties
  if (contractor !== undefined && winner !== undefined && !isSame(contractor, winner)) {
    context.find('tender.contract-other-party', contractor[1], winner[1]!, String(award.index))
  }
}

// ---- bonds -----------------------------------------------------------------------------------------------------------------------

interface BondReturn extends Gated {
  readonly bidders?: readonly NamedParty[]
}

export const bondReturn = tenderLife.step<BondReturn>({
  name: 'tender.bond-return',
  version: 1,
  title: { zh: '退还投标保证金', en: 'Return of bid bonds' },
  law: {
    zh: '《招标投标法实施条例》第五十七条（合同签订后五日内退还）。',
    en: 'Implementing Regulations art. 57 (within five days of the contract).',
  },
  schema: {
    properties: {
      ...gated,
      bidders: named('退还对象', 'Returned to', {
        type: 'array',
        minItems: 1,
        maxItems: 200,
        items: namedPartyField('投标人', 'Bidder', ['name']),
      }),
      amount: moneyField('退还总额', 'Sum returned'),
    },
    required: aboutTenderRequired,
  },
  roles: publishers,
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check,
  next(payload, context, before) {
    const { row } = before!
    findLateRecord(payload, context)
    const { bondReturnDaysMax } = profileOf(row.profile)
    const contracted = stepOf('contract', payload, context)
    if (contracted !== undefined && bondReturnDaysMax !== null) {
      const isLate = context.blockTime - contracted.at > bondReturnDaysMax * context.legalDayMs
      if (isLate) context.find('tender.bond-returned-late', formatTime(contracted.at), String(bondReturnDaysMax))
    }
    return {}
  },
  unlinked: findLateRecord,
  subjects: (payload) => tenderSubjects(payload, partiesOf(payload.bidders)),
})
