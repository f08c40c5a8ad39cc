/**
 * Objections (异议), queries (质疑) and complaints (投诉) about a tender, with their answers. An open one suspends the award: an award made
 * meanwhile is in, with a finding that names how many were open (`tender-result.ts`). The first two are answered by whoever
 * speaks for the tender, a complaint by a supervisor, each within its days; nobody closes one but by answering it, or whoever filed it. Before the
 * opening a complainant is a possible bidder, so it stands under a salted id, or a centre or platform files for it.
 */
import { assert } from '../assert.ts'
import { Refusal } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { Lifecycle } from './lifecycle.ts'
import { openingTimeField } from './opening.ts'
import { readKey } from './register.ts'
import type { Family, RuleContext } from './statement-type.ts'
import { optional, text, time } from './table.ts'
import { type TenderIdentity, tenderKey, tenderSubject } from './tender-identity.ts'
import { publishers, refuseBeforeTenderOpening, refuseStranger, tenderAt } from './tender-life.ts'
import {
  type AboutTender,
  aboutTenderFields,
  aboutTenderRequired,
  countObjection,
  findLateRecord,
  tenderSubjects,
} from './tender-record.ts'
import { codeField, enumField, hashText, named, partyField } from './values.ts'

/** Days in which each kind is answered. */
const answerDays = { objection: 3, query: 7, complaint: 30 } as const
type Kind = keyof typeof answerDays

export const objectionLife = new Lifecycle({
  name: 'objection',
  title: { zh: '异议', en: 'objection' },
  states: {
    filed: { zh: '已提出', en: 'Filed' },
    overdue: { zh: '逾期未答复', en: 'Overdue' },
    answered: { zh: '已答复', en: 'Answered' },
    withdrawn: { zh: '已撤回', en: 'Withdrawn' },
  },
  columns: {
    kind: text,
    stage: text,
    section: optional(text),
    document: text,
    dueAt: time,
    answer: optional(text),
    outcome: optional(text),
  },
  byRecord: [
    { on: 'objection.file', from: ['none'], to: 'filed' },
    { on: 'objection.answer', from: ['filed', 'overdue'], to: 'answered' },
    { on: 'objection.withdraw', from: ['filed', 'overdue'], to: 'withdrawn' },
  ],
  byClock: [{ from: ['filed'], at: 'dueAt', to: 'overdue', title: { zh: '答复期满', en: 'The answer is due' } }],
})

interface Filing extends AboutTender {
  readonly party: string
  readonly number: string
  readonly kind: Kind
  readonly stage: string
  readonly complainant?: string
  readonly openingTime?: string
}

interface Answer extends AboutTender {
  readonly filedBy: string
  readonly number: string
  readonly outcome: string
}

interface Withdrawal extends AboutTender {
  readonly party: string
  readonly number: string
}

/** Numbered by whoever files it: nobody can use up another's numbers. */
const keyOf = (tender: TenderIdentity, filedBy: string, number: string) => [...tenderKey(tender), filedBy, number]

const numberField = codeField('异议编号（由提出方编）', 'Number, given by whoever files it')
const law = {
  zh: '《招标投标法》第六十五条；《招标投标法实施条例》第二十二、四十四、五十四、六十至六十二条；《政府采购质疑和投诉办法》（财政部令第 94 号）。',
  en: 'Tendering and Bidding Law art. 65; Implementing Regulations arts. 22, 44, 54, 60–62; Order 94 of the Ministry of Finance on queries and complaints.',
}

const file = objectionLife.step<Filing>({
  name: 'objection.file',
  version: 1,
  title: { zh: '提出异议、质疑或投诉', en: 'File an objection, query or complaint' },
  law,
  schema: {
    properties: {
      ...aboutTenderFields,
      number: numberField,
      kind: named('种类', 'Kind', {
        description: 'objection 异议, query 质疑, complaint 投诉',
        type: 'string',
        enum: Object.keys(answerDays),
      }),
      stage: enumField('所涉环节', 'What it is about', ['document', 'opening', 'evaluation', 'result', 'other']),
      complainant: partyField('提出人', 'Complainant'),
      openingTime: openingTimeField,
    },
    required: [...aboutTenderRequired, 'number', 'kind', 'stage'],
  },
  roles: 'any',
  key: ({ tender, party, number }) => keyOf(tender, party, number),
  check(payload, context) {
    if (namesBidder(payload, context)) refuseBeforeTenderOpening(payload.tender, context, payload.openingTime)
  },
  next(payload, context) {
    findLateRecord(payload, context)
    countObjection(payload.tender, payload.section, 1, context)
    return {
      kind: payload.kind,
      stage: payload.stage,
      section: payload.section ?? null,
      document: hashText(payload.document),
      dueAt: context.blockTime + answerDays[payload.kind] * context.legalDayMs,
      answer: null,
      outcome: null,
    }
  },
  subjects: (payload) => subjectsOf(payload, [payload.complainant]),
})

/** Whoever objects before the opening means to bid: under its own name, or by signing for itself, it would be known. */
function namesBidder({ complainant }: Filing, { statement, state }: RuleContext): boolean {
  if (complainant !== undefined && complainant !== statement.party) return !complainant.startsWith('person:')
  const key = readKey(state, statement.kid)
  assert(key !== undefined, 'the catalogue checks the key before the type')
  const filesForOthers = key.roles.some((role) => role === 'supervisor' || publishers.includes(role))
  return complainant !== undefined || !filesForOthers
}

const answer = objectionLife.step<Answer>({
  name: 'objection.answer',
  version: 1,
  title: { zh: '答复异议、质疑或处理投诉', en: 'Answer an objection or query, decide a complaint' },
  law,
  schema: {
    properties: {
      ...aboutTenderFields,
      filedBy: partyField('提交异议的主体', 'Who filed it'),
      number: numberField,
      outcome: named('结论', 'Outcome', {
        description: 'upheld 成立, partly 部分成立, rejected 不成立',
        type: 'string',
        enum: ['upheld', 'partly', 'rejected'],
      }),
    },
    required: [...aboutTenderRequired, 'filedBy', 'number', 'outcome'],
  },
  roles: [...publishers, 'supervisor'],
  refusals: {
    'objection.not-a-supervisor': {
      zh: {
        title: '投诉由监督部门处理',
        cause: '投诉由行政监督部门处理，签名密钥没有监督部门的角色。',
        remedy: '请由行政监督部门提交处理决定。',
      },
      en: {
        title: 'A complaint is decided by a supervisor',
        cause: 'A supervisor decides complaints, and the signing key has not that role.',
        remedy: 'Have the supervisor submit its decision.',
      },
    },
  },
  findings: {
    'objection.answered-late': {
      zh: {
        title: '逾期答复',
        cause: '应于 {0} 前答复或处理。',
        remedy: '请监管部门核查逾期原因。',
      },
      en: { title: 'Answered late', cause: 'The answer was due at {0}.', remedy: 'The supervisor asks why.' },
    },
  },
  key: ({ tender, filedBy, number }) => keyOf(tender, filedBy, number),
  check({ tender }, context, before) {
    const { kind } = before!.row
    if (kind !== 'complaint') refuseStranger(tender, context, tenderAt(context, tender))
    else if (!holdsSupervision(context)) throw new Refusal('objection.not-a-supervisor')
  },
  next(payload, context, before) {
    findLateRecord(payload, context)
    const { row, state } = before!
    if (state === 'overdue') context.find('objection.answered-late', formatTime(row.dueAt))
    countObjection(payload.tender, row.section ?? undefined, -1, context)
    return { answer: hashText(payload.document), outcome: payload.outcome }
  },
  subjects: (payload) => subjectsOf(payload, [payload.filedBy]),
})

const withdraw = objectionLife.step<Withdrawal>({
  name: 'objection.withdraw',
  version: 1,
  title: { zh: '撤回异议、质疑或投诉', en: 'Withdraw an objection, query or complaint' },
  law,
  schema: {
    properties: { ...aboutTenderFields, number: numberField },
    required: [...aboutTenderRequired, 'number'],
  },
  roles: 'any',
  key: ({ tender, party, number }) => keyOf(tender, party, number),
  next(payload, context, before) {
    findLateRecord(payload, context)
    countObjection(payload.tender, before!.row.section ?? undefined, -1, context)
    return {}
  },
  subjects: (payload) => subjectsOf(payload, []),
})

function holdsSupervision({ state, statement }: RuleContext): boolean {
  return readKey(state, statement.kid)?.roles.includes('supervisor') === true
}

function subjectsOf(payload: AboutTender, parties: readonly (string | undefined)[]) {
  return { ...tenderSubjects(payload, parties), subjects: [tenderSubject(payload.tender)] }
}

export const objections: Family = {
  name: 'objection',
  title: { zh: '异议、质疑与投诉', en: 'Objections, queries, complaints' },
  purpose: {
    zh: '《招标投标法》第六十五条及其实施条例第六十至六十二条、《政府采购质疑和投诉办法》：潜在投标人、投标人和其他利害关系人可以提出异议、质疑、投诉；三日、七日、三十日内答复或处理，逾期由区块时间判定。未答复的异议使定标暂停，期间定标的入账并附预警；提出人在开标前以加盐标识出现。',
    en: 'Tendering and Bidding Law art. 65, Implementing Regulations arts. 60–62, Order 94: bidders and others concerned may object, query and complain, and are answered within three, seven and thirty days; overdue is by block time. One without an answer suspends the award, and an award made meanwhile is in with a finding. Before the opening a complainant appears under a salted id.',
  },
  types: [file, answer, withdraw],
  lifecycles: [objectionLife],
}
