/**
 * Credit (守信联合激励和失信联合惩戒): a supervisor's decision to reward or to penalise a party, which other cities can act on, for the regions and the
 * term it names. Nothing is ever deleted: an appeal, its answer, a repair and a revocation are records of their own, and what stood on any day can be
 * asked for.
 *
 *   none → decided → in-force (by clock, at its beginning) → lapsed (by clock, at its end)
 *   decided, in-force → appealed → in-force (upheld or changed) | revoked      an appeal suspends nothing
 *   decided, in-force, appealed → revoked (by the authority itself)
 *   in-force → repaired (信用修复; penalties only)
 *
 * `liveBans` is what an award is compared with: a firm that is banned in one city and wins in the next is in the open.
 */
import { Refusal } from '../refusal.ts'
import { answer, appeal } from './credit-appeal.ts'
import {
  decisionField,
  decisionRefusals,
  endField,
  levelField,
  measuresField,
  type OnDecision,
  refuseMeasures,
  refuseOneWord,
  refuseOtherAuthority,
  refuseTooManyBans,
  regionsField,
  subjectsOf,
} from './credit-decision.ts'
import { ban, creditLife, creditSubject, decisionKey, indexDecision, keepBan } from './credit-life.ts'
import type { Family, RuleContext } from './statement-type.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  enumField,
  hashField,
  hashText,
  named,
  namedPartyField,
  partyField,
  refuse,
  tenderField,
  timeField,
  timeOf,
  wordsField,
} from './values.ts'

interface Decide {
  readonly party: string
  readonly number: string
  readonly about: { readonly party: string; readonly name?: string }
  readonly kind: 'reward' | 'penalty'
  readonly level?: string
  readonly measures: readonly string[]
  readonly regions?: readonly string[]
  readonly begin: string
  readonly end?: string
  readonly decidedAt: string
  readonly noticedAt?: string
  readonly reviewer?: string
  readonly basis: DocumentHash
  readonly document: DocumentHash
  readonly tender?: TenderIdentity
}

/** Three calendar years have at most 1,096 days. */
const threeYearsInDays = 1_096
/** A term between two written dates is in days of the calendar, whatever this ledger counts as a day of a period that law fixes. */
const calendarDayMs = 86_400_000

const law = {
  zh: '国办发〔2020〕49 号《关于进一步完善失信约束制度 构建诚信建设长效机制的指导意见》；招标投标法第五十三、五十四条；行政处罚法第四十四条；西部联盟合作（2021）之“守信联合激励和失信联合惩戒”。',
  en: 'Guobanfa [2020] 49 on discipline for dishonesty; Tendering and Bidding Law arts. 53 and 54; Administrative Penalty Law art. 44; “joint incentives and discipline” of the western alliance (2021).',
}
const documentField = hashField('决定文书哈希', 'Hash of the document')

const decide = creditLife.step<Decide>({
  name: 'credit.decide',
  version: 1,
  title: { zh: '信用奖惩决定', en: 'Decide a reward or a penalty' },
  law,
  schema: {
    properties: {
      number: codeField('决定文号', 'Number of the decision'),
      about: namedPartyField('奖惩对象', 'Whom it is about', ['party']),
      kind: enumField('种类', 'Kind', ['reward', 'penalty']),
      level: levelField,
      measures: measuresField,
      regions: regionsField,
      begin: timeField('起算', 'Begins'),
      end: endField,
      decidedAt: timeField('决定时间', 'Decided at'),
      noticedAt: named('事先告知时间', 'Prior notice at', {
        ...timeField('事先告知时间', 'Prior notice at'),
        description: '惩戒须在决定前告知当事人 / before a penalty the party is told',
      }),
      reviewer: partyField('受理申诉的机关', 'Body that an appeal goes to'),
      basis: hashField('法律依据文本哈希', 'Hash of the legal basis'),
      basisInWords: wordsField('法律依据', 'Legal basis in words', 128),
      document: documentField,
      tender: tenderField,
    },
    required: ['number', 'about', 'kind', 'measures', 'begin', 'decidedAt', 'basis', 'basisInWords', 'document'],
  },
  roles: ['supervisor'],
  refusals: {
    'credit.bad-term': {
      zh: { title: '期限有误', cause: '截止须晚于起算。', remedy: '请核对 begin 与 end。' },
      en: { title: 'Bad term', cause: 'The end comes after the beginning.', remedy: 'Compare begin and end.' },
    },
    'credit.decided-later': {
      zh: {
        title: '决定时间晚于上链时间',
        cause: '决定时间晚于区块时间。',
        remedy: '请在作出决定之后提交。',
      },
      en: {
        title: 'Decided later than recorded',
        cause: 'The time of the decision is after block time.',
        remedy: 'Submit once the decision is made.',
      },
    },
  },
  findings: {
    'credit.no-prior-notice': {
      zh: {
        title: '惩戒未经事先告知',
        cause: '没有写明事先告知时间，或告知晚于决定（{0}）。',
        remedy: '行政处罚法第四十四条：请核查是否在决定前告知了内容、事实、理由、依据及陈述申辩权利。',
      },
      en: {
        title: 'A penalty without prior notice',
        cause: 'No time of prior notice is given, or it is after the decision ({0}).',
        remedy: 'Administrative Penalty Law art. 44: was the party told content, facts, grounds and its rights before?',
      },
    },
    'credit.over-three-years': {
      zh: {
        title: '惩戒期限超过三年',
        cause: '惩戒的期限超过三年，或没有期限（截止：{0}）。',
        remedy: '招标投标法第五十三、五十四条取消投标资格为一至二年、一至三年；请核查更长期限的依据。',
      },
      en: {
        title: 'A penalty of more than three years',
        cause: 'The penalty lasts more than three years, or has no end (end: {0}).',
        remedy:
          'Tendering and Bidding Law arts. 53 and 54 exclude bidders for one to three years: what is the basis of more?',
      },
    },
  },
  key: ({ party, number }) => [party, number],
  check(payload, context) {
    refuseOneWord(context)
    const { about, begin, end, decidedAt, measures } = payload
    if (about.party.startsWith('person:') && about.name !== undefined) {
      throw refuse('personal-data.refused', '/about/name', '自然人不得写姓名', 'a natural person is not named')
    }
    refuseMeasures(payload)
    if (end !== undefined && timeOf(end) <= timeOf(begin)) {
      throw refuse('credit.bad-term', '/end', '须晚于起算', 'must be after the beginning')
    }
    if (measures.includes(ban)) refuseTooManyBans(about.party, context)
    if (timeOf(decidedAt) > context.blockTime) {
      throw refuse('credit.decided-later', '/decidedAt', '晚于区块时间', 'is after block time')
    }
  },
  next(payload, context) {
    const { about, kind, level = '', measures, regions = [], reviewer = '' } = payload
    const beginsAt = timeOf(payload.begin)
    const endsAt = payload.end === undefined ? null : timeOf(payload.end)
    if (kind === 'penalty') findIrregularPenalty(payload, beginsAt, endsAt, context)
    const decision = { authority: payload.party, number: payload.number }
    indexDecision(context.state, about.party, decision)
    if (measures.includes(ban)) keepBan(context.state, about.party, decision, context.blockTime)
    const state = beginsAt <= context.blockTime ? 'in-force' : 'decided'
    return { state, about: about.party, kind, level, measures, regions, beginsAt, endsAt, reviewer }
  },
  subjects: ({ about, reviewer, tender, basis, document }) => ({
    parties: [
      ...new Set([about.party, reviewer, tender?.owner].filter((party): party is string => party !== undefined)),
    ],
    subjects: [creditSubject(about.party), ...(tender === undefined ? [] : [tenderSubject(tender)])],
    hashes: [hashText(basis), hashText(document)],
  }),
})

const revoke = creditLife.step<OnDecision>({
  name: 'credit.revoke',
  version: 1,
  title: { zh: '撤销决定', en: 'Revoke a decision' },
  law,
  schema: {
    properties: { decision: decisionField, document: documentField, reason: wordsField('原因', 'Reason', 256) },
    required: ['decision', 'document', 'reason'],
  },
  roles: ['supervisor'],
  key: ({ decision }) => decisionKey(decision),
  check: ({ party, decision }, context) => refuseOtherAuthority(party, decision, context),
  next: () => ({}),
  subjects: subjectsOf,
})

const repair = creditLife.step<OnDecision>({
  name: 'credit.repair',
  version: 1,
  title: { zh: '信用修复', en: 'Repair of credit' },
  law: {
    zh: '《失信行为纠正后的信用信息修复管理办法（试行）》（国家发展改革委令第 58 号）。',
    en: 'Measures on repairing credit information once dishonesty is corrected (Order 58 of the NDRC).',
  },
  schema: {
    properties: { decision: decisionField, document: documentField, reason: wordsField('修复理由', 'Reason', 256) },
    required: ['decision', 'document', 'reason'],
  },
  roles: ['supervisor'],
  refusals: {
    'credit.not-a-penalty': {
      zh: { title: '不是惩戒', cause: '信用修复只适用于惩戒。', remedy: '撤销激励请用 credit.revoke。' },
      en: {
        title: 'Not a penalty',
        cause: 'Only a penalty is repaired.',
        remedy: 'To end a reward use credit.revoke.',
      },
    },
  },
  key: ({ decision }) => decisionKey(decision),
  check({ party, decision }, context, before) {
    refuseOtherAuthority(party, decision, context)
    if (before!.row.kind !== 'penalty') throw new Refusal('credit.not-a-penalty')
  },
  next: () => ({}),
  subjects: subjectsOf,
})

function findIrregularPenalty(
  { noticedAt, decidedAt, end = '—' }: Decide,
  beginsAt: number,
  endsAt: number | null,
  context: RuleContext,
): void {
  if (noticedAt === undefined || timeOf(noticedAt) >= timeOf(decidedAt)) {
    context.find('credit.no-prior-notice', noticedAt ?? '—')
  }
  if (endsAt === null || endsAt - beginsAt > threeYearsInDays * calendarDayMs) {
    context.find('credit.over-three-years', end)
  }
}

export const credit: Family = {
  name: 'credit',
  title: { zh: '守信联合激励和失信联合惩戒', en: 'Joint incentives and discipline' },
  purpose: {
    zh: '国办发〔2020〕49 号与西部联盟 2021 年合作：一地的奖惩各地联合适用。决定写明种类、程度、措施、适用地区、期限与法律依据，到期按区块时间自动失效；当事人可以申诉，答复可维持、变更或撤销；纠正后可修复。任何记录都不删除，某一天的信用状况随时可查。程序与期限上的瑕疵只作预警，奖惩是否得当由法定途径判断。自然人以加盐哈希出现，不写姓名。',
    en: 'Guobanfa [2020] 49 and the western alliance (2021): what one city decides, the others act on. A decision gives its kind, level, measures, regions, term and legal basis, and lapses by block time; the party can appeal, and the answer upholds, changes or revokes it; what has been corrected can be repaired. Nothing is ever deleted, and how a party stood on any day can be asked for. Faults of procedure or term are findings; whether a decision is right is for the ways the law gives. Natural persons are salted hashes, without names.',
  },
  types: [decide, appeal, answer, revoke, repair],
  lifecycles: [creditLife],
  refusals: decisionRefusals,
}
