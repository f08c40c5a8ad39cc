/** Answers about the trade as JSON: tenders, guarantees and whatever else has a lifecycle, with their records, and findings. */
import type { JsonObject } from '../chain/json.ts'
import type { RefusalTexts } from '../chain/refusal.ts'
import { beijingTime, recordRow } from './answering.ts'
import type { AsOfAnswer, RecordRow } from './answers.ts'
import type { Language } from './messages.ts'
import type {
  GuaranteeStatisticsView,
  InstanceView,
  LedgerRecord,
  TallyView,
  TenderGuaranteeView,
  TenderName,
  TenderView,
} from './service.ts'

/** Where something stands or stood. */
export interface InstanceAnswer {
  readonly state: string
  /** In the language of the answer. */
  readonly stateTitle: string
  readonly since: string
  /** The time that this is about. */
  readonly at: string
  readonly index: string
  readonly changedAt: string
  readonly revision: number
  readonly fields: JsonObject
}

export interface DossierAnswer {
  readonly subject: string
  /** Null: no record that begins it is on the ledger; what there is, is not linked to one (未链接). */
  readonly instance: InstanceAnswer | null
  readonly timeline: readonly TimelineRow[]
  /** Null at the end. */
  readonly nextCursor: string | null
  readonly asOf: AsOfAnswer
}

export interface TimelineRow extends Omit<RecordRow, 'term' | 'kind'> {
  readonly findings: readonly FindingAnswer[]
}

export interface FindingAnswer {
  readonly code: string
  readonly title: string
  readonly cause: string
  readonly values: readonly string[]
}

/** One finding of one record. */
export interface FindingRow extends FindingAnswer {
  readonly index: string
  readonly type: string
  readonly party: string | null
  readonly owner: string | null
  readonly tender: string | null
  readonly region: string | null
  readonly member: string | null
  readonly blockTime: string
  readonly statementId: string | null
}

export interface FindingListAnswer {
  readonly findings: readonly FindingRow[]
  readonly nextCursor: string | null
  readonly asOf: AsOfAnswer
}

export interface TenderListAnswer {
  readonly tenders: readonly {
    readonly owner: string
    readonly scheme: string
    readonly code: string
    readonly firstIndex: string
    readonly instance: InstanceAnswer | null
  }[]
  readonly nextCursor: string | null
  readonly asOf: AsOfAnswer
}

export const instanceAnswer = (instance: InstanceView, language: Language): InstanceAnswer => ({
  state: instance.state,
  stateTitle: instance.stateTitle[language],
  since: beijingTime(instance.since),
  at: beijingTime(instance.at),
  index: String(instance.index),
  changedAt: beijingTime(instance.changedAt),
  revision: instance.revision,
  fields: instance.fields,
})

export const tenderAnswer = (tender: TenderView, language: Language): TenderListAnswer['tenders'][number] => ({
  owner: tender.owner,
  scheme: tender.scheme,
  code: tender.code,
  firstIndex: String(tender.firstIndex),
  instance: tender.instance === null ? null : instanceAnswer(tender.instance, language),
})

export function timelineRow(record: LedgerRecord, texts: RefusalTexts, language: Language): TimelineRow {
  const { term: _, kind: __, ...row } = recordRow(record)
  return { ...row, findings: findingAnswers(record, texts, language) }
}

/**
 * One row for each finding of a record.
 * @param region of what the record is about, where the record itself does not say
 */
export function findingRows(
  record: LedgerRecord,
  region: string | null,
  texts: RefusalTexts,
  language: Language,
): readonly FindingRow[] {
  const { about } = record
  return findingAnswers(record, texts, language).map((finding) => ({
    ...finding,
    index: String(record.index),
    type: record.type,
    party: record.party,
    owner: about.owner ?? null,
    tender: about.tender ?? null,
    region: about.region ?? region,
    member: record.member,
    blockTime: beijingTime(record.blockTime),
    statementId: record.statementId,
  }))
}

const findingAnswers = (record: LedgerRecord, texts: RefusalTexts, language: Language): readonly FindingAnswer[] =>
  record.findings.map(({ code, values }) => {
    const words = texts[code]?.[language]
    return {
      code,
      title: words?.title ?? code,
      cause: (words?.cause ?? code).replaceAll(/\{([0-9])\}/g, (place, at) => values[Number(at)] ?? place),
      values,
    }
  })

// ---- guarantees ------------------------------------------------------------------------------------------------------------------

export interface GuaranteeAnswer extends DossierAnswer {
  /** Of a guarantee with one use, that of the use; null while only a publication is on the ledger. */
  readonly state: string | null
  readonly stateTitle: string | null
  readonly application: InstanceAnswer | null
  readonly uses: readonly (InstanceAnswer & { readonly tender: TenderName; readonly section: string })[]
}

export interface TenderGuaranteeRow {
  readonly issuer: string
  readonly number: string
  readonly section: string
  readonly bidder: string
  readonly state: string
  readonly stateTitle: string
  readonly currency: string
  readonly amount: string
  readonly paid: string
  readonly end: string
  readonly since: string
  readonly index: string
}

export interface GuaranteeStatisticsAnswer {
  readonly statistics: readonly (Omit<GuaranteeStatisticsView, 'byState'> & {
    readonly byState: readonly (TallyView & { readonly state: string; readonly stateTitle: string })[]
  })[]
  readonly asOf: AsOfAnswer
}

export interface CreditRow {
  readonly authority: string
  readonly number: string
  readonly kind: string
  readonly level: string
  readonly measures: string
  readonly regions: string
  readonly state: string
  readonly stateTitle: string
  readonly beginsAt: string
  readonly endsAt: string | null
  readonly index: string
}

export function tenderGuaranteeRow(view: TenderGuaranteeView, language: Language): TenderGuaranteeRow {
  const { issuer, number, section, use, guarantee } = view
  return {
    issuer,
    number,
    section,
    bidder: textIn(use, 'bidder'),
    state: use.state,
    stateTitle: use.stateTitle[language],
    currency: textIn(guarantee, 'currency'),
    amount: textIn(guarantee, 'amount'),
    paid: textIn(use, 'paid'),
    end: beijingTime(textIn(use, 'end')),
    since: beijingTime(use.since),
    index: String(use.index),
  }
}

export const statisticsAnswer = (
  statistics: GuaranteeStatisticsView,
  language: Language,
): GuaranteeStatisticsAnswer['statistics'][number] => ({
  ...statistics,
  byState: statistics.byState.map((each) => ({ ...each, stateTitle: each.stateTitle[language] })),
})

export function creditRow(decision: InstanceView, language: Language): CreditRow {
  const [authority, number] = decision.key
  const endsAt = decision.fields.endsAt
  return {
    authority: authority!,
    number: number!,
    kind: textIn(decision, 'kind'),
    level: textIn(decision, 'level'),
    measures: (decision.fields.measures as readonly string[]).join(' '),
    regions: (decision.fields.regions as readonly string[]).join(' '),
    state: decision.state,
    stateTitle: decision.stateTitle[language],
    beginsAt: beijingTime(textIn(decision, 'beginsAt')),
    endsAt: typeof endsAt === 'string' ? beijingTime(endsAt) : null,
    index: String(decision.index),
  }
}

const textIn = ({ fields }: InstanceView, name: string): string => String(fields[name])
