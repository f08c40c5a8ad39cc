/**
 * Where the quiet box of a section stands, and what the ledger remembers of it: the members' rounds, their closes, and the time in which the
 * ledger stood still. Grace and claims are counted in attested time: what passes while no quorum agrees on anything counts for nobody, so an
 * outage across a deadline costs no bid. That time is read from the rounds themselves, which come at a known pace while a box is open.
 */
import { boxCadenceOf } from '../genesis.ts'
import type { StateReader } from '../state.ts'
import { formatTime, timeMax } from '../time.ts'
import { Lifecycle } from './lifecycle.ts'
import type { RuleContext } from './statement-type.ts'
import { type Key, list, natural, optional, table, text, time } from './table.ts'
import { type TenderIdentity, tenderKey, tenderSubject } from './tender-identity.ts'
import { tenderAt } from './tender-life.ts'
import { refuse } from './values.ts'

/** A missed round is no outage; three in a row of all members are. */
const missedRoundsMax = 3

export interface AboutBox {
  readonly tender: TenderIdentity
  /** Absent when the tender has only itself. */
  readonly section?: string
}

export const boxKey = ({ tender, section = '' }: AboutBox): Key => [...tenderKey(tender), section]

export const boxLife = new Lifecycle({
  name: 'box',
  title: { zh: '标箱', en: 'box for sealed bids' },
  states: {
    open: { zh: '收标', en: 'Open' },
    closed: { zh: '封标', en: 'Closed' },
    opening: { zh: '开标中', en: 'Being opened' },
    opened: { zh: '开标完毕', en: 'Opened' },
  },
  columns: {
    /** Boxes are numbered in the order in which they were opened; a round has a slot for each number. */
    number: natural,
    graceMs: natural,
    claimMs: natural,
    revealMs: natural,
    /** The deadline in force when the first member closed; null before. */
    deadline: optional(time),
    /** When grace was over. */
    closedAt: optional(time),
    openingTime: optional(time),
  },
  byRecord: [
    { on: 'box.open', from: ['none'], to: 'open' },
    { on: 'box.close', from: ['open', 'closed'], to: 'closed' },
    // A member that was away closes late: what it had committed to before counts.
    { on: 'box.close', from: ['opening'], to: 'opening' },
    { on: 'bid.claim', from: ['open', 'closed'], to: 'closed' },
    { on: 'bid.reveal', from: ['closed', 'opening'], to: 'opening' },
    { on: 'bid.withdrawal', from: ['closed', 'opening'], to: 'opening' },
    { on: 'bid.opened', from: ['closed', 'opening'], to: 'opened' },
  ],
  byClock: [],
})

/** Keys of all boxes by number. */
export const boxNumbers = table('box-number', { key: list(text) })

const boxCount = table('box-count', { count: natural })
export const countOfBoxes = (state: StateReader): number => boxCount.read(state, [])?.count ?? 0

export function numberBox(context: RuleContext, key: Key): number {
  const number = countOfBoxes(context.state)
  boxNumbers.write(context.state, [String(number)], { key })
  boxCount.write(context.state, [], { count: number + 1 })
  return number
}

// ---- rounds ----------------------------------------------------------------------------------------------------------------------

/** The newest round of each member. */
export const newestRounds = table('box-member', {
  round: natural,
  /** `roundDigest` of it. */
  digest: text,
})

export const rounds = table('box-round', {
  /** Number of the box that the first slot is for. */
  from: natural,
  slots: natural,
  root: text,
  time,
})

/** Of all members together: when the last round came, and how many times the ledger has stood still. */
const pace = table('box-pace', { last: time, pauses: natural })
const pauses = table('box-pause', { from: time, to: time })

interface Pause {
  readonly from: number
  readonly to: number
}

/** The time since the last round beyond what a few missed ones make. */
function pauseSince(
  last: number,
  { blockTime, genesis }: Pick<RuleContext, 'blockTime' | 'genesis'>,
): Pause | undefined {
  const from = last + missedRoundsMax * boxCadenceOf(genesis.parameters).boxFastRoundMs
  return from < blockTime ? { from, to: blockTime } : undefined
}

/** The ledger agrees on something again: if that was long in coming, the time before it was a pause. */
export function keepPace(context: RuleContext): void {
  const before = pace.read(context.state, [])
  const pause = before === undefined ? undefined : pauseSince(before.last, context)
  const count = before?.pauses ?? 0
  if (pause !== undefined) pauses.write(context.state, [String(count)], pause)
  pace.write(context.state, [], { last: context.blockTime, pauses: count + (pause === undefined ? 0 : 1) })
}

/** What attested time is read from. */
export type Attested = Pick<RuleContext, 'blockTime' | 'genesis'> & { readonly state: StateReader }

/**
 * When `length` of attested time have passed after `start`; later than block time if they have not yet. Once over it stays over: what comes
 * later only makes pauses that begin after the end.
 * @param among which rounds a pause is looked for: around a deadline they come fast
 */
export function attestedEnd(
  start: number,
  length: number,
  context: Attested,
  among: 'fast' | 'ordinary' = 'fast',
): number {
  const { last, pauses: count } = pace.read(context.state, []) ?? { last: context.blockTime, pauses: 0 }
  const { boxRoundMs, boxFastRoundMs } = boxCadenceOf(context.genesis.parameters)
  const expected = among === 'fast' ? 0 : missedRoundsMax * Math.max(0, boxRoundMs - boxFastRoundMs)
  const standing = pauseSince(last, context)
  const found: Pause[] = standing === undefined ? [] : [standing]
  for (let at = count - 1; at >= 0; at--) {
    const pause = pauses.read(context.state, [String(at)])!
    if (pause.to <= start) break
    found.push(pause)
  }
  let end = start + length
  for (const { from, to } of found.reverse()) {
    const since = Math.max(from + expected, start)
    if (since < Math.min(to, end)) end += to - since
  }
  return end
}

// ---- what is in it ---------------------------------------------------------------------------------------------------------------

/** By box and member. */
export const closes = table('box-close', { round: natural, count: natural, root: text, index: natural })

/** Members that have closed, in the order they did. */
export const closers = table('box-closers', { members: list(text) })

export const closersOf = (state: StateReader, key: Key): readonly string[] => closers.read(state, key)?.members ?? []

// ---- the deadline ---------------------------------------------------------------------------------------------------------------

/** Milliseconds; the end of grace for a box that nobody has closed yet. @throws {Refusal} box.no-deadline */
export function endOfGrace(about: AboutBox, context: Attested): number {
  const deadline = tenderAt(context, about.tender)?.row.deadline ?? null
  if (deadline === null) throw refuse('box.no-deadline', '/tender', '没有投标截止时间', 'has no deadline')
  const { graceMs } = boxLife.at(context.state, boxKey(about), context.blockTime)!.row
  return attestedEnd(deadline, graceMs, context)
}

/** When bids may be opened: at the opening time, and not before all could claim by receipt. */
export function opensAt(about: AboutBox, context: Attested): number {
  const { row } = boxLife.at(context.state, boxKey(about), context.blockTime)!
  const { closedAt, openingTime } = row.closedAt === null ? closingOf(about, context) : row
  return Math.max(openingTime ?? 0, attestedEnd(closedAt!, row.claimMs, context))
}

/** Until when an opening that leaves something open is not ended. By then the rounds come at their ordinary pace. */
export function revealsDueAt(about: AboutBox, context: Attested): number {
  const { revealMs } = boxLife.at(context.state, boxKey(about), context.blockTime)!.row
  return attestedEnd(opensAt(about, context), revealMs, context, 'ordinary')
}

/** For the words of a refusal. A deadline may be the last second that can be spelled, and what is counted from it later than that. */
export const spellTime = (at: number): string => formatTime(Math.min(at, timeMax))

/** What the first record after grace fixes for all that follow. */
export function closingOf(about: AboutBox, context: Attested) {
  const { deadline, openingTime } = tenderAt(context, about.tender)!.row
  return { deadline, closedAt: endOfGrace(about, context), openingTime }
}

export const boxSubjects = (tender: AboutBox['tender']) => ({
  owner: tender.owner,
  tender: tender.code,
  parties: [tender.owner],
  subjects: [tenderSubject(tender)],
})
