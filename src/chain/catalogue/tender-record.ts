/**
 * What every record about a tender says, and what each step leaves behind for the next to be compared with. A record about a tender
 * without a notice is taken in unlinked; its step is kept under its signer, and counts as soon as the notice names that signer. So a
 * contract that arrives alone is compared with the award that arrived alone, and nobody else's word disturbs it.
 */
import type { JsonObject } from '../json.ts'
import { formatTime } from '../time.ts'
import type { RuleContext, Subjects } from './statement-type.ts'
import { type Column, list, millionths, natural, optional, table, text, time } from './table.ts'
import { type TenderIdentity, tenderKey } from './tender-identity.ts'
import { tenderAt, tenderLife } from './tender-life.ts'
import {
  codeField,
  type DocumentHash,
  hashField,
  hashText,
  named,
  object,
  tenderField,
  textField,
  timeField,
  timeOf,
} from './values.ts'

/** What every record about a tender says. */
export interface AboutTender {
  readonly tender: TenderIdentity
  readonly section?: string
  readonly document: DocumentHash
  readonly publishedAt: string
}

export const sectionField = codeField('标段', 'Section')

export const aboutTenderFields: JsonObject = {
  tender: tenderField,
  section: sectionField,
  document: hashField('文件哈希', 'Hash of the document'),
  publishedAt: timeField('发布时间', 'Published at'),
  source: named(
    '来源',
    'Source',
    object(
      {
        system: textField('来源系统', 'System it comes from', 128),
        record: codeField('来源系统中的编号', 'Id in that system'),
        url: textField('网址', 'Address', 256),
      },
      ['system', 'record'],
    ),
  ),
}

export const aboutTenderRequired = ['tender', 'document', 'publishedAt'] as const

export function tenderSubjects(payload: AboutTender, parties: readonly (string | undefined)[] = []): Subjects {
  const { tender, document } = payload
  const all = [tender.owner, ...parties].filter((party) => party !== undefined)
  return {
    owner: tender.owner,
    tender: tender.code,
    parties: Array.from(new Set(all)),
    hashes: [hashText(document)],
  }
}

/** A record that claims to have been published much earlier than it came is in, and is flagged: nobody can be shown to have seen it then. */
export function findLateRecord({ publishedAt }: AboutTender, context: RuleContext): void {
  if (context.blockTime - timeOf(publishedAt) <= context.legalDayMs) return
  context.find('tender.backdated', formatTime(timeOf(publishedAt)), formatTime(context.blockTime))
}

// ---- steps ---------------------------------------------------------------------------------------------------------------------------

export type StepName = 'open' | 'evaluate' | 'candidates' | 'award' | 'contract' | 'fail'

/** One party as a document gives it: its id, or empty, and its name. */
const namedParty: Column<readonly string[]> = list(text)

const steps = table('tender-step', {
  index: natural,
  at: time,
  document: text,
  amount: optional(millionths),
  days: optional(natural),
  /** Candidates by rank, each with its leader only; of an award the winners, the leader first. */
  parties: list(namedParty),
  endsAt: optional(time),
})

export type Step = NonNullable<ReturnType<typeof steps.read>>

/** What a step leaves for the next: under the section ('' for the whole), and under its signer while the tender has no notice. */
export function writeStep(
  step: StepName,
  payload: AboutTender,
  context: RuleContext,
  more: Partial<Pick<Step, 'amount' | 'days' | 'parties' | 'endsAt'>> = {},
): void {
  const isLinked = tenderAt(context, payload.tender) !== undefined
  const signer = isLinked ? '' : context.statement.party
  steps.write(context.state, stepKey(payload.tender, payload.section ?? '', step, signer), {
    index: context.index,
    at: context.blockTime,
    document: hashText(payload.document),
    amount: more.amount ?? null,
    days: more.days ?? null,
    parties: more.parties ?? [],
    endsAt: more.endsAt ?? null,
  })
}

/** The latest such step of exactly this section; '' is the tender as a whole. */
export function stepOfSection(
  step: StepName,
  tender: TenderIdentity,
  section: string,
  context: RuleContext,
): Step | undefined {
  const row = tenderAt(context, tender)?.row
  if (row === undefined) return steps.read(context.state, stepKey(tender, section, step, context.statement.party))
  const linked = steps.read(context.state, stepKey(tender, section, step, ''))
  if (linked !== undefined) return linked
  let latest: Step | undefined
  for (const signer of new Set([tender.owner, row.publisher, ...row.entitled])) {
    const alone = steps.read(context.state, stepKey(tender, section, step, signer))
    if (alone !== undefined && (latest === undefined || alone.index > latest.index)) latest = alone
  }
  return latest
}

/** The step that a record about this section builds on: the section's own, else the whole tender's, else (for the whole) any section's. */
export function stepOf(step: StepName, { tender, section }: AboutTender, context: RuleContext): Step | undefined {
  if (section !== undefined) {
    return stepOfSection(step, tender, section, context) ?? stepOfSection(step, tender, '', context)
  }
  const whole = stepOfSection(step, tender, '', context)
  if (whole !== undefined) return whole
  for (const each of tenderAt(context, tender)?.row.sections ?? []) {
    const found = stepOfSection(step, tender, each, context)
    if (found !== undefined) return found
  }
  return undefined
}

/** A step that was taken already, with another document: whoever looks decides whether it corrects the first or contradicts it. */
export function findRepeat(step: StepName, payload: AboutTender, context: RuleContext): void {
  const before = stepOfSection(step, payload.tender, payload.section ?? '', context)
  if (before === undefined || before.document === hashText(payload.document)) return
  context.find('tender.step-repeated', String(before.index))
}

const stepKey = (tender: TenderIdentity, section: string, step: StepName, signer: string): readonly string[] => [
  ...tenderKey(tender),
  section,
  step,
  signer,
]

// ---- objections without an answer ----------------------------------------------------------------------------------------------------

const openCounts = table('tender-objections', { open: natural })

/** How many objections are open on a section ('' for those about the tender as a whole), or undefined: on everything together. */
const countKey = (tender: TenderIdentity, section: string | undefined): readonly string[] =>
  section === undefined ? tenderKey(tender) : [...tenderKey(tender), section]

const openCount = (
  tender: TenderIdentity,
  section: string | undefined,
  { state }: Pick<RuleContext, 'state'>,
): number => openCounts.read(state, countKey(tender, section))?.open ?? 0

/** Objections that suspend an award of this section; without one, of anything in the tender. */
export function openObjectionsOn(
  tender: TenderIdentity,
  section: string | undefined,
  context: Pick<RuleContext, 'state'>,
): number {
  if (section === undefined) return openCount(tender, undefined, context)
  return openCount(tender, section, context) + openCount(tender, '', context)
}

/** One more, or one fewer; also while the tender has no notice. */
export function countObjection(
  tender: TenderIdentity,
  section: string | undefined,
  change: 1 | -1,
  context: RuleContext,
): void {
  for (const counted of [undefined, section ?? '']) {
    openCounts.write(context.state, countKey(tender, counted), { open: openCount(tender, counted, context) + change })
  }
  if (tenderAt(context, tender) === undefined) return
  tenderLife.touch(context, tenderKey(tender), { openObjections: openCount(tender, undefined, context) })
}
