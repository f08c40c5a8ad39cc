/** An appeal against a credit decision and its answer: it upholds, changes or revokes; a change to the worse is a finding. */
import { Refusal } from '../refusal.ts'
import {
  decisionField,
  endField,
  levelField,
  measuresField,
  type OnDecision,
  refuseMeasures,
  refuseOneWord,
  refuseTooManyBans,
  regionsField,
  subjectsOf,
} from './credit-decision.ts'
import { ban, type CreditRow, creditLife, decisionKey, keepBan } from './credit-life.ts'
import { covers } from './region.ts'
import { hashField, named, refuse, timeOf, wordsField } from './values.ts'

interface Answer extends OnDecision {
  readonly outcome: 'upheld' | 'changed' | 'revoked'
  readonly level?: string
  readonly measures?: readonly string[]
  readonly regions?: readonly string[]
  readonly end?: string
}

export const appeal = creditLife.step<OnDecision>({
  name: 'credit.appeal',
  version: 1,
  title: { zh: '申诉', en: 'Appeal against a decision' },
  law: {
    zh: '行政复议法第四十二条、行政诉讼法第五十六条（复议、诉讼期间不停止执行）。',
    en: 'Administrative Reconsideration Law art. 42, Administrative Litigation Law art. 56 (neither suspends enforcement).',
  },
  schema: {
    properties: {
      decision: decisionField,
      document: hashField('申诉书哈希', 'Hash of the appeal'),
      groundsInWords: wordsField('申诉理由摘要', 'Grounds in short', 256),
    },
    required: ['decision', 'document'],
  },
  roles: 'any',
  refusals: {
    'credit.not-the-party': {
      zh: { title: '不是当事人', cause: '申诉只能由奖惩对象提出。', remedy: '请由决定所指的主体提交。' },
      en: {
        title: 'Not the party',
        cause: 'Only the party that the decision is about appeals against it.',
        remedy: 'Have that party submit the appeal.',
      },
    },
  },
  key: ({ decision }) => decisionKey(decision),
  check({ party }, _, before) {
    if (before!.row.about !== party) {
      throw new Refusal('credit.not-the-party', `the decision is about ${before!.row.about}`)
    }
  },
  next: () => ({}),
  subjects: subjectsOf,
})

export const answer = creditLife.step<Answer>({
  name: 'credit.answer',
  version: 1,
  title: { zh: '申诉答复', en: 'Answer an appeal' },
  law: {
    zh: '行政复议法；行政复议法实施条例第五十一条、行政诉讼法第七十七条（不得作出对申请人更为不利的变更）。',
    en: 'Administrative Reconsideration Law; its Implementing Regulations art. 51 and Administrative Litigation Law art. 77 (no change to the worse).',
  },
  schema: {
    properties: {
      decision: decisionField,
      outcome: named('答复', 'Outcome', {
        description: 'upheld 维持, changed 变更, revoked 撤销',
        type: 'string',
        enum: ['upheld', 'changed', 'revoked'],
      }),
      level: levelField,
      measures: measuresField,
      regions: regionsField,
      end: endField,
      document: hashField('答复文书哈希', 'Hash of the answer'),
    },
    required: ['decision', 'outcome', 'document'],
  },
  roles: ['supervisor'],
  refusals: {
    'credit.answer-mismatch': {
      zh: {
        title: '答复与变更内容不符',
        cause: '变更须写明变更的内容（程度、措施、地区或截止），维持与撤销不得写；截止须晚于起算。',
        remedy: '请核对 outcome 与各字段。',
      },
      en: {
        title: 'Outcome and changes disagree',
        cause:
          'A change says what changes (level, measures, regions or end), other outcomes nothing; the end comes after the beginning.',
        remedy: 'Compare outcome and fields.',
      },
    },
  },
  findings: {
    'credit.answer-to-the-worse': {
      zh: {
        title: '申诉后加重',
        cause: '答复使惩戒更重：{0}。',
        remedy: '行政复议法实施条例第五十一条、行政诉讼法第七十七条：请核查为何对申诉人更为不利。',
      },
      en: {
        title: 'Worse after an appeal',
        cause: 'The answer makes the penalty heavier: {0}.',
        remedy:
          'Implementing Regulations art. 51, Administrative Litigation Law art. 77: why is it worse for who appealed?',
      },
    },
  },
  key: ({ decision }) => decisionKey(decision),
  check(payload, context, before) {
    const { party, decision, outcome, end, measures, level, regions } = payload
    refuseOneWord(context)
    if (party !== decision.authority && party !== before!.row.reviewer) {
      throw new Refusal('credit.not-authority', `${party} is neither the authority nor the reviewer`)
    }
    const isChanged = [end, measures, level, regions].some((field) => field !== undefined)
    if (isChanged !== (outcome === 'changed')) {
      throw refuse('credit.answer-mismatch', '/outcome', '与变更内容不符', 'does not fit the changes')
    }
    if (end !== undefined && timeOf(end) <= before!.row.beginsAt) {
      throw refuse('credit.answer-mismatch', '/end', '须晚于起算', 'must be after the beginning')
    }
    const { kind, about, measures: former } = before!.row
    if (measures?.includes(ban) && !former.includes(ban)) refuseTooManyBans(about, context)
    refuseMeasures({
      kind,
      measures: measures ?? [],
      ...(kind === 'penalty' ? { level: level ?? before!.row.level } : { level }),
    })
  },
  next({ decision, outcome, level, measures, regions, end }, context, before) {
    if (outcome === 'revoked') return { state: 'revoked' }
    const { row } = before!
    const changed = {
      level: level ?? row.level,
      measures: measures ?? row.measures,
      regions: regions ?? row.regions,
      endsAt: end === undefined ? row.endsAt : timeOf(end),
    }
    // Heavier in one thing and lighter in another is for the reviewer to weigh, and no finding.
    const isWorse = row.kind === 'penalty' && heavierFields(changed, row).length === 0
    const worse = isWorse ? heavierFields(row, changed) : []
    if (changed.measures.includes(ban)) keepBan(context.state, row.about, decision, context.blockTime)
    if (worse.length > 0) context.find('credit.answer-to-the-worse', worse.join(', '))
    return { state: row.beginsAt <= context.blockTime ? 'in-force' : 'decided', ...changed }
  },
  subjects: subjectsOf,
})

type Weight = Pick<CreditRow, 'level' | 'measures' | 'regions' | 'endsAt'>

const levels = ['slight', 'general', 'serious']

/** Names of the fields in which the second is heavier than the first. */
function heavierFields(before: Weight, after: Weight): readonly string[] {
  const heavier: string[] = []
  if (levels.indexOf(after.level) > levels.indexOf(before.level)) heavier.push('level')
  if (isHarsher(before.measures, after.measures)) heavier.push('measures')
  if (isWider(before.regions, after.regions)) heavier.push('regions')
  if (before.endsAt !== null && (after.endsAt === null || after.endsAt > before.endsAt)) heavier.push('end')
  return heavier
}

/** A ban is the harshest; the others have no order, so only more of them is harsher. */
function isHarsher(before: readonly string[], after: readonly string[]): boolean {
  if (before.includes(ban) !== after.includes(ban)) return after.includes(ban)
  return before.every((measure) => after.includes(measure)) && after.some((measure) => !before.includes(measure))
}

function isWider(before: readonly string[], after: readonly string[]): boolean {
  if (before.length === 0) return false
  return after.length === 0 || after.some((region) => !before.some((whole) => covers(whole, region)))
}
