/**
 * The life of a tender, as data; who may speak for it; and the gate before its opening. The states are those of the whole tender: when
 * its sections go different ways, the furthest that any has come (what happened to one section stands in `tender-record.ts`).
 */
import { assert } from '../assert.ts'
import type { RefusalTexts } from '../refusal.ts'
import type { StateReader } from '../state.ts'
import { Lifecycle } from './lifecycle.ts'
import { refuseBeforeOpening } from './opening.ts'
import { isInScopeOf, type Role, readKey, readParty } from './register.ts'
import type { Instance, RuleContext } from './statement-type.ts'
import { list, millionths, natural, optional, type RowOf, text, time } from './table.ts'
import { type TenderIdentity, tenderKey } from './tender-identity.ts'
import { refuse, timeOf } from './values.ts'

/** From the notice until the result; each may keep its state when a record is about another section. */
const underway = ['published', 'closed', 'opened', 'evaluated', 'publicity', 'publicised'] as const
const live = [...underway, 'awarded', 'contracted'] as const

/** More than any real tender has; a row must not grow for ever. */
export const sectionsMax = 256

/** Agents and platforms of one tender. */
export const entitledMax = 16

const columns = {
  kind: text,
  profile: text,
  /** Empty for a tender of another country. */
  region: text,
  /** Whoever signed the first notice. */
  publisher: text,
  /** Agents and platforms that may speak for it besides. */
  entitled: list(text),
  /** Codes of its sections; empty when it has only itself. */
  sections: list(text),
  /** Index of the first notice. */
  notice: natural,
  /** Version of the document and its hash. */
  version: natural,
  document: text,
  publishedAt: time,
  /** Null where the notice does not say; then nothing closes by clock. */
  deadline: optional(time),
  openingTime: optional(time),
  /** Millionths of yuan; null when unknown or in another currency. */
  estimate: optional(millionths),
  bondCeiling: optional(millionths),
  /** Objections, queries and complaints without an answer. */
  openObjections: natural,
  /** Block time of the first opening record. */
  openedAt: optional(time),
  /** The latest end of a publicity. */
  publicityEndsAt: optional(time),
  /** Block time, sum (millionths of yuan) and winners, the leader first, of the latest award; by section: `stepOf`. */
  awardedAt: optional(time),
  awardAmount: optional(millionths),
  /** Party ids, or names where the document gives no id. */
  winner: list(text),
  /** Block time of the latest contract. */
  contractedAt: optional(time),
}

export const tenderLife = new Lifecycle({
  name: 'tender',
  title: { zh: '招标项目', en: 'tender' },
  states: {
    published: { zh: '已公告', en: 'Published' },
    closed: { zh: '已截止', en: 'Closed' },
    opened: { zh: '已开标', en: 'Opened' },
    evaluated: { zh: '已评标', en: 'Evaluated' },
    publicity: { zh: '候选人公示中', en: 'Candidates public' },
    publicised: { zh: '公示期满', en: 'Publicity over' },
    awarded: { zh: '已定标', en: 'Awarded' },
    contracted: { zh: '已签合同', en: 'Contracted' },
    archived: { zh: '已归档', en: 'Archived' },
    failed: { zh: '流标', en: 'Failed' },
    terminated: { zh: '终止', en: 'Terminated' },
    withdrawn: { zh: '撤回', en: 'Withdrawn' },
  },
  columns,
  byRecord: [
    { on: 'tender.notice', from: ['none'], to: 'published' },
    // A further notice: another section, or the same once more. It moves nothing.
    { on: 'tender.notice', from: live, to: live },
    // Also after the opening: results are corrected too. What may still move by it, the type says.
    { on: 'tender.amend', from: live, to: live },
    { on: 'tender.clarify', from: live, to: live },
    { on: 'tender.open', from: ['published', 'closed'], to: 'opened' },
    { on: 'tender.open', from: live.slice(2), to: live.slice(2) },
    { on: 'tender.evaluate', from: ['published', 'closed', 'opened'], to: 'evaluated' },
    { on: 'tender.evaluate', from: live.slice(3), to: live.slice(3) },
    { on: 'tender.candidates', from: underway, to: 'publicity' },
    { on: 'tender.candidates', from: ['awarded', 'contracted'], to: ['awarded', 'contracted'] },
    { on: 'tender.award', from: [...underway, 'awarded'], to: 'awarded' },
    { on: 'tender.award', from: ['contracted'], to: 'contracted' },
    { on: 'tender.contract', from: live, to: 'contracted' },
    { on: 'tender.fail', from: live, to: ['failed', ...live] },
    { on: 'tender.terminate', from: [...underway, 'awarded'], to: 'terminated' },
    { on: 'tender.withdraw', from: ['published'], to: 'withdrawn' },
    {
      on: 'tender.bond-return',
      from: [...live, 'failed', 'terminated', 'withdrawn', 'archived'],
      to: [...live, 'failed', 'terminated', 'withdrawn', 'archived'],
    },
    { on: 'tender.archive', from: ['awarded', 'contracted', 'failed', 'terminated', 'withdrawn'], to: 'archived' },
  ],
  byClock: [
    { from: ['published'], at: 'deadline', to: 'closed', title: { zh: '投标截止', en: 'The deadline' } },
    { from: ['publicity'], at: 'publicityEndsAt', to: 'publicised', title: { zh: '公示期满', en: 'Publicity ends' } },
  ],
})

export type TenderRow = RowOf<typeof columns>
export type TenderInstance = Instance<keyof typeof tenderLife.states & string, TenderRow>

/** The tender as it stands at block time; undefined when there is no notice. For other families too. */
export function tenderAt(
  context: { readonly state: StateReader; readonly blockTime: number },
  tender: TenderIdentity,
): TenderInstance | undefined {
  return tenderLife.at(context.state, tenderKey(tender), context.blockTime)
}

/**
 * For every record that names a bidder, or whose count shows bids: refused until the tender's own opening (at least its deadline) where
 * the ledger knows it, else until the time that the record itself carries.
 */
export function refuseBeforeTenderOpening(
  tender: TenderIdentity,
  context: RuleContext,
  openingTime?: string | undefined,
): void {
  const row = tenderAt(context, tender)?.row
  const known = Math.max(row?.openingTime ?? 0, row?.deadline ?? 0)
  if (known > 0) refuseBeforeOpening(known, context)
  else if (openingTime !== undefined) refuseBeforeOpening(timeOf(openingTime), context)
}

// ---- who may speak ---------------------------------------------------------------------------------------------------------------

/** Who publishes; what each may say besides depends on the tender. */
export const publishers: readonly Role[] = ['tenderee', 'agency', 'trading-platform', 'centre', 'sub-centre']

export const speakingRefusals: RefusalTexts = {
  'tender.not-entitled': {
    zh: {
      title: '无权就该项目提交',
      cause:
        '就一个项目提交的，只能是招标人、首次公告的发布方、公告列明的代理机构与平台，或招标人所属成员的中心；招标人身份的密钥只能代表自己。',
      remedy: '请由上述主体提交，或请招标人、发布方以变更公告将贵方列入 entitled。',
    },
    en: {
      title: 'Not entitled to speak for this tender',
      cause:
        'For a tender speak its owner, whoever published its notice, the agents and platforms that the notice names, and the centre in whose scope the owner is; a tenderee speaks for itself only.',
      remedy: 'Have one of them submit it, or have the owner or publisher name you under entitled in an amendment.',
    },
  },
}

/** Whether a party may speak for a tender. Depends on who it is, never on the member it used. */
export function isEntitled(row: TenderRow, owner: string, party: string, state: StateReader): boolean {
  if (party === owner || party === row.publisher || row.entitled.includes(party)) return true
  const member = readParty(state, party)?.member ?? ''
  return member !== '' && isInScopeOf(state, owner, member)
}

/** @throws {Refusal} tender.not-entitled */
export function refuseStranger(
  tender: TenderIdentity,
  context: RuleContext,
  before: TenderInstance | undefined,
  besides: readonly Role[] = [],
): void {
  const { party, kid } = context.statement
  if (party === tender.owner) return
  const key = readKey(context.state, kid)
  assert(key !== undefined, 'the catalogue checks the key before the type')
  if (key.roles.some((role) => besides.includes(role))) return
  const isAllowed =
    before === undefined
      ? // Nobody has been named yet; a tenderee alone can only be meant for itself.
        key.roles.some((role) => role !== 'tenderee' && publishers.includes(role))
      : isEntitled(before.row, tender.owner, party, context.state)
  if (isAllowed) return
  throw refuse('tender.not-entitled', '/party', '无权代表该项目', 'does not speak for this tender')
}
