/**
 * The life of an e-guarantee, as data: the application, the guarantee that comes of it, and each use of the guarantee in one section of
 * one tender. A single guarantee has one use; one for several sections, or for a year, has several, and each goes its own way: it is revealed
 * at its own opening, claimed and released by its own beneficiary. The sum that the guarantee stands for is one, and claims on all its
 * uses together never exceed it.
 *
 * ```
 * application  applied → approved → issued            applied → rejected, applied | approved → withdrawn
 * guarantee    issued → expired (by clock) | voided   amended: a further version, the same state
 * use          bound → revealed → claimed → accepted → paid, or revealed again while something remains
 *                         │          └ rejected → revealed
 *                         └ released | expired (by clock)      bound → voided
 * ```
 */
import { assert } from '../assert.ts'
import type { StateReader } from '../state.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Instance, RuleContext } from './statement-type.ts'
import { type Key, list, millionths, natural, optional, type RowOf, table, text, time } from './table.ts'
import { type TenderIdentity, tenderKey } from './tender-identity.ts'

export const applicationLife = new Lifecycle({
  name: 'guarantee-application',
  title: { zh: '保函申请', en: 'application for a guarantee' },
  states: {
    applied: { zh: '已申请', en: 'Applied' },
    approved: { zh: '已核准', en: 'Approved' },
    issued: { zh: '已开立', en: 'Issued' },
    rejected: { zh: '未核准', en: 'Rejected' },
    withdrawn: { zh: '已撤回', en: 'Withdrawn' },
  },
  columns: {
    issuer: text,
    kind: text,
    /** The leader first. */
    bidders: list(text),
    beneficiary: optional(text),
    /** Owner, scheme, code; empty for an annual one. */
    tender: list(text),
    sections: list(text),
    currency: text,
    /** Asked for; what is issued is not more. */
    amount: millionths,
    /** When the last step happened, as its record says. */
    occurredAt: time,
  },
  byRecord: [
    { on: 'guarantee.apply', from: ['none'], to: 'applied' },
    { on: 'guarantee.approve', from: ['applied'], to: 'approved' },
    { on: 'guarantee.decline', from: ['applied'], to: 'rejected' },
    { on: 'guarantee.withdraw', from: ['applied', 'approved'], to: 'withdrawn' },
    { on: 'guarantee.issue', from: ['approved'], to: 'issued' },
  ],
  byClock: [],
})

const guaranteeColumns = {
  kind: text,
  form: text,
  /** Of the application: who submitted it, and its number there. */
  application: list(text),
  /** The leader first. */
  bidders: list(text),
  /** Null for an annual one without: there it is each tender's owner. */
  beneficiary: optional(text),
  /** Owner, scheme, code; empty for an annual one. */
  tender: list(text),
  sections: list(text),
  currency: text,
  amount: millionths,
  /** Of the amount: paid, and held by claims that are open. Amount, less both, is what remains. */
  paid: millionths,
  held: millionths,
  begin: time,
  end: time,
  /** Of its tender: the deadline, the bond asked for, and until when bids bind. Null for an annual one. */
  deadline: optional(time),
  requirement: optional(millionths),
  bidValidUntil: optional(time),
  /** `sha256:9f86…`, of the newest version. */
  document: text,
  version: natural,
  /** When it was issued, as its record says. */
  occurredAt: time,
}

export const guaranteeLife = new Lifecycle({
  name: 'guarantee',
  title: { zh: '保函', en: 'guarantee' },
  states: {
    issued: { zh: '有效', en: 'In force' },
    expired: { zh: '已到期', en: 'Expired' },
    voided: { zh: '已作废', en: 'Voided' },
  },
  columns: guaranteeColumns,
  byRecord: [
    { on: 'guarantee.issue', from: ['none'], to: 'issued' },
    { on: 'guarantee.bind', from: ['issued'], to: 'issued' },
    { on: 'guarantee.amend', from: ['issued'], to: 'issued' },
    { on: 'guarantee.void', from: ['issued'], to: 'voided' },
  ],
  byClock: [{ from: ['issued'], at: 'end', to: 'expired', title: { zh: '保函到期', en: 'The term ends' } }],
})

const useColumns = {
  /** The leader of a consortium. */
  bidder: text,
  beneficiary: text,
  deadline: time,
  openingTime: time,
  /** When the guarantee's term for this use ends. */
  end: time,
  /** Hex; the salted leaf, and the document that it was made of: `sha256:9f86…`. */
  commitment: text,
  document: text,
  occurredAt: time,
  /** Of the open claim: the sum claimed and, once accepted, the sum that is due. */
  claimed: optional(millionths),
  due: optional(millionths),
  /** Under all claims on this use. */
  paid: millionths,
}

export const useLife = new Lifecycle({
  name: 'guarantee-use',
  title: { zh: '保函使用', en: 'use of a guarantee' },
  states: {
    bound: { zh: '已绑定', en: 'Bound' },
    revealed: { zh: '已公开', en: 'Revealed' },
    claimed: { zh: '索赔中', en: 'Claimed' },
    accepted: { zh: '已受理待付', en: 'Accepted' },
    paid: { zh: '已赔付', en: 'Paid' },
    released: { zh: '已解除', en: 'Released' },
    expired: { zh: '已到期', en: 'Expired' },
    voided: { zh: '已作废', en: 'Voided' },
  },
  columns: useColumns,
  byRecord: [
    { on: 'guarantee.bind', from: ['none'], to: 'bound' },
    { on: 'guarantee.reveal', from: ['bound'], to: 'revealed' },
    { on: 'guarantee.claim', from: ['revealed'], to: 'claimed' },
    { on: 'guarantee.accept', from: ['claimed'], to: 'accepted' },
    { on: 'guarantee.reject', from: ['claimed'], to: 'revealed' },
    { on: 'guarantee.pay', from: ['accepted'], to: ['revealed', 'paid'] },
    // A bid that was never decrypted gets its guarantee back as well.
    { on: 'guarantee.release', from: ['bound', 'revealed'], to: 'released' },
    { on: 'guarantee.amend', from: ['bound'], to: 'bound' },
    { on: 'guarantee.amend', from: ['revealed'], to: 'revealed' },
    { on: 'guarantee.void', from: ['bound'], to: 'voided' },
  ],
  // A claim presented before the end is not cut off by it: claimed and accepted go on.
  byClock: [{ from: ['bound', 'revealed'], at: 'end', to: 'expired', title: { zh: '保函到期', en: 'The term ends' } }],
})

export type ApplicationInstance = Instance<keyof typeof applicationLife.states, RowOf<typeof applicationLife.columns>>
export type GuaranteeRow = RowOf<typeof guaranteeColumns>
export type GuaranteeInstance = Instance<keyof typeof guaranteeLife.states, GuaranteeRow>
export type UseState = keyof typeof useLife.states
export type UseInstance = Instance<UseState, RowOf<typeof useColumns>>

/** States of a use in which its bidder has this guarantee in this section and no other. */
export const liveStates: readonly UseState[] = ['bound', 'revealed', 'claimed', 'accepted']

/** Live uses of one guarantee; also the sections that one tender can have. An amendment looks at every one. */
export const liveUsesMax = 64

// ---- identities --------------------------------------------------------------------------------------------------------------------

export interface GuaranteeIdentity {
  readonly issuer: string
  readonly number: string
}

export interface UseIdentity {
  readonly guarantee: GuaranteeIdentity
  readonly tender: TenderIdentity
  readonly section?: string
}

export const guaranteeKey = ({ issuer, number }: GuaranteeIdentity): Key => [issuer, number]

/** Of a use within its guarantee: the tender, and the section or ''. */
const placeOf = ({ tender, section = '' }: Pick<UseIdentity, 'tender' | 'section'>): Key => [
  ...tenderKey(tender),
  section,
]

export const useKey = (use: UseIdentity): Key => [...guaranteeKey(use.guarantee), ...placeOf(use)]

/** What remains to be claimed. */
export function remainsOf({ amount, paid, held }: Pick<GuaranteeRow, 'amount' | 'paid' | 'held'>): bigint {
  const remains = amount - paid - held
  assert(remains >= 0n, 'no more is paid or held than the guarantee stands for')
  return remains
}

// ---- which uses there are ------------------------------------------------------------------------------------------------------------

/** Of one guarantee: how many uses it ever had, and those that were live when one was last bound. */
const uses = table('guarantee-uses', { count: natural, live: list(list(text)) })
/** Of one guarantee, the uses by number, from 0. */
const nthUse = table('guarantee-nth-use', { place: list(text) })
/** Of one tender: how many uses of guarantees were ever bound to it. */
const tenderUses = table('tender-guarantees', { count: natural })
/** Of one tender, those uses by number, from 0. */
const nthOfTender = table('tender-nth-guarantee', { issuer: text, number: text, section: text })
/** Of one bidder, tender and section: the guarantee that was last bound there. */
const boundTo = table('guarantee-bound-to', { issuer: text, number: text })

/** Live uses of a guarantee, in the order they were bound. */
export function liveUses(
  state: StateReader,
  guarantee: GuaranteeIdentity,
  time: number,
): readonly { readonly key: Key; readonly use: UseInstance }[] {
  return (uses.read(state, guaranteeKey(guarantee))?.live ?? []).flatMap((place) => {
    const key = [...guaranteeKey(guarantee), ...place]
    const use = useLife.at(state, key, time)
    assert(use !== undefined, 'what is listed is there')
    return liveStates.includes(use.state) ? [{ key, use }] : []
  })
}

/** Whether the bidder has another guarantee in that section, at block time. */
export function otherGuaranteeOf(
  state: StateReader,
  bidder: string,
  use: UseIdentity,
  time: number,
): GuaranteeIdentity | undefined {
  const bound = boundTo.read(state, [bidder, ...placeOf(use)])
  if (bound === undefined) return undefined
  const there = useLife.at(state, useKey({ ...use, guarantee: bound }), time)
  return there !== undefined && liveStates.includes(there.state) ? bound : undefined
}

/** How many uses a guarantee ever had. */
export const useCountOf = (state: StateReader, guarantee: GuaranteeIdentity): number =>
  uses.read(state, guaranteeKey(guarantee))?.count ?? 0

/** The places of all uses that a guarantee ever had. */
export function* everyUse(state: StateReader, guarantee: GuaranteeIdentity): Generator<Key> {
  for (let number = 0; number < useCountOf(state, guarantee); number++) {
    const { place } = nthUse.read(state, [...guaranteeKey(guarantee), String(number)])!
    yield [...guaranteeKey(guarantee), ...place]
  }
}

/** Every use of a guarantee that was ever bound to this tender, in the order they were recorded, from the `from`th on. */
export function* everyUseOfTender(
  state: StateReader,
  tender: TenderIdentity,
  from = 0,
): Generator<UseIdentity & { section: string }> {
  const count = tenderUses.read(state, tenderKey(tender))?.count ?? 0
  for (let number = from; number < count; number++) {
    const { issuer, number: of, section } = nthOfTender.read(state, [...tenderKey(tender), String(number)])!
    yield { guarantee: { issuer, number: of }, tender, section }
  }
}

/** Lists a use that has just been bound. */
export function listUse(context: Pick<RuleContext, 'state' | 'blockTime'>, bidder: string, use: UseIdentity): void {
  const { state, blockTime } = context
  const { guarantee, tender, section = '' } = use
  const [key, place] = [guaranteeKey(guarantee), placeOf(use)]
  const count = useCountOf(state, guarantee)
  const live = liveUses(state, guarantee, blockTime).map(({ key: [, , ...at] }) => at)
  uses.write(state, key, { count: count + 1, live: [...live, place] })
  nthUse.write(state, [...key, String(count)], { place })
  const ofTender = tenderUses.read(state, tenderKey(tender))?.count ?? 0
  tenderUses.write(state, tenderKey(tender), { count: ofTender + 1 })
  nthOfTender.write(state, [...tenderKey(tender), String(ofTender)], { ...guarantee, section })
  boundTo.write(state, [bidder, ...place], guarantee)
}
