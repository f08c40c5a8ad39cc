/**
 * The life of a credit decision, as data, and how a party's decisions are found: all of them as they stood on a day, and the penalties
 * that count in a region now. `credit.ts` tells what it is for.
 */
import { assert } from '../assert.ts'
import type { StateReader, StateWriter } from '../state.ts'
import { Lifecycle } from './lifecycle.ts'
import { covers } from './region.ts'
import type { Instance } from './statement-type.ts'
import { type Key, list, natural, nested, optional, type RowOf, table, text, time } from './table.ts'

export const creditLife = new Lifecycle({
  name: 'credit',
  title: { zh: '信用奖惩决定', en: 'credit decision' },
  states: {
    decided: { zh: '已决定，未起算', en: 'Decided, not begun' },
    'in-force': { zh: '生效中', en: 'In force' },
    appealed: { zh: '申诉中（不停止执行）', en: 'Under appeal (still in force)' },
    revoked: { zh: '已撤销', en: 'Revoked' },
    repaired: { zh: '已修复', en: 'Repaired' },
    lapsed: { zh: '已届满', en: 'Lapsed' },
  },
  columns: {
    about: text,
    kind: text,
    /** Empty for a reward. */
    level: text,
    measures: list(text),
    /** Where it counts; empty: everywhere. */
    regions: list(text),
    beginsAt: time,
    /** Null: without end. */
    endsAt: optional(time),
    /** The body that the decision says an appeal goes to; empty: none but the authority itself. */
    reviewer: text,
  },
  byRecord: [
    { on: 'credit.decide', from: ['none'], to: ['decided', 'in-force'] },
    { on: 'credit.appeal', from: ['decided', 'in-force'], to: 'appealed' },
    { on: 'credit.answer', from: ['appealed'], to: ['decided', 'in-force', 'revoked'] },
    { on: 'credit.revoke', from: ['decided', 'in-force', 'appealed'], to: 'revoked' },
    { on: 'credit.repair', from: ['in-force'], to: 'repaired' },
  ],
  byClock: [
    { from: ['decided'], at: 'beginsAt', to: 'in-force', title: { zh: '起算', en: 'It begins' } },
    { from: ['in-force'], at: 'endsAt', to: 'lapsed', title: { zh: '期满', en: 'The term ends' } },
  ],
})

export type CreditRow = RowOf<typeof creditLife.columns>
export type CreditDecision = Instance<keyof typeof creditLife.states, CreditRow> & {
  readonly authority: string
  readonly number: string
}

/** Of the measures, the one that an award can break. */
export const ban = 'bid-ban'

/** Bans on one party at once. Administrative penalties of a large builder run into hundreds, bans do not; the list is read at every award. */
export const openBansMax = 64

const decisionRef = { authority: text, number: text }
/** Every decision about a party, in the order they came: `credit-of/<party>/0`, `…/1`; how many: `credit-count/<party>`. */
const creditOf = table('credit-of', decisionRef)
const creditCount = table('credit-count', { count: natural })
/** Bans on a party that were not over when the row was last written: a short list, where that of all decisions only grows. */
const openBans = table('credit-bans', { bans: list(nested(decisionRef)) })

/** The decision is its authority's: (authority, number). */
export interface DecisionIdentity {
  readonly authority: string
  readonly number: string
}

export const decisionKey = ({ authority, number }: DecisionIdentity): Key => [authority, number]

/** Under this the record lists find every decision about a party. */
export const creditSubject = (party: string): string => creditOf.rowName([party])

/** Decisions about a party as they stood at a time, the oldest first; from the given number on, at most `limit`. */
export function creditDecisionsOf(
  state: StateReader,
  party: string,
  time: number,
  { from = 0, limit }: { readonly from?: number; readonly limit: number },
): readonly CreditDecision[] {
  const count = creditCount.read(state, [party])?.count ?? 0
  const decisions: CreditDecision[] = []
  for (let at = from; at < count && decisions.length < limit; at++) {
    const reference = creditOf.read(state, [party, String(at)])!
    const instance = creditLife.asOf(state, decisionKey(reference), time)
    if (instance === undefined) break // it and all after it came later
    decisions.push({ ...instance, ...reference })
  }
  return decisions
}

/**
 * Bans on a party that count in a region at a time not before the last record: begun, not ended, not revoked or repaired. One under
 * appeal counts: neither review nor suit suspends enforcement (行政复议法 art. 42, 行政诉讼法 art. 56).
 */
export function liveBans(state: StateReader, party: string, region: string, time: number): readonly CreditDecision[] {
  return openBansOn(state, party, time).filter(({ row: { regions, beginsAt } }) => {
    return beginsAt <= time && (regions.length === 0 || regions.some((whole) => covers(whole, region)))
  })
}

/** Bans not over for good; one that has yet to begin among them. */
export function openBansOn(state: StateReader, party: string, time: number): readonly CreditDecision[] {
  const references = openBans.read(state, [party])?.bans ?? []
  return references.flatMap((reference) => {
    const decision = creditLife.at(state, decisionKey(reference), time)
    assert(decision !== undefined, 'a ban in the list is on the ledger')
    const { endsAt, measures } = decision.row
    const isOver =
      ['revoked', 'repaired', 'lapsed'].includes(decision.state) ||
      (endsAt !== null && endsAt <= time) ||
      !measures.includes(ban)
    return isOver ? [] : [{ ...decision, ...reference }]
  })
}

/** Notes a new decision under its party. */
export function indexDecision(state: StateWriter, party: string, decision: DecisionIdentity): void {
  const count = creditCount.read(state, [party])?.count ?? 0
  creditOf.write(state, [party, String(count)], decision)
  creditCount.write(state, [party], { count: count + 1 })
}

/** Notes a ban as not over, and lets go of those that are. An answer may give one that has run out a later end. */
export function keepBan(state: StateWriter, party: string, decision: DecisionIdentity, time: number): void {
  const isOther = ({ authority, number }: DecisionIdentity): boolean =>
    authority !== decision.authority || number !== decision.number
  const others = openBansOn(state, party, time).filter(isOther)
  const bans = [...others, decision].map(({ authority, number }) => ({ authority, number }))
  openBans.write(state, [party], { bans })
}
