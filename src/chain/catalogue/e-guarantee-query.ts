/**
 * What people ask about e-guarantees: where one stands, or stood on a day, with everything it was used for; all those of one tender; and
 * how many there are by state and by issuer, for how much. Computed from the rows of the state, so every node at a height gives the
 * same answer. Before a tender's opening there is nothing here to count: what would show the number of bids is not on the ledger.
 */
import type { StateReader } from '../state.ts'
import {
  type ApplicationInstance,
  applicationLife,
  everyUse,
  everyUseOfTender,
  type GuaranteeIdentity,
  type GuaranteeInstance,
  guaranteeKey,
  guaranteeLife,
  type UseInstance,
  type UseState,
  useKey,
  useLife,
} from './e-guarantee-life.ts'
import type { TenderIdentity } from './tender-identity.ts'

export interface GuaranteeUseView {
  readonly guarantee: GuaranteeIdentity
  readonly tender: TenderIdentity
  /** Empty when the tender has only itself. */
  readonly section: string
  readonly use: UseInstance
}

export interface GuaranteeView {
  /** Of a guarantee with one use, that of the use: bound, revealed, claimed …; else the guarantee's own. */
  readonly state: GuaranteeInstance['state'] | UseState
  readonly guarantee: GuaranteeInstance
  readonly application: ApplicationInstance
  /** In the order they were recorded. */
  readonly uses: readonly GuaranteeUseView[]
}

/** Where a guarantee stood at a time; undefined when it was not on the ledger. */
export function guaranteeAsOf(
  state: StateReader,
  identity: GuaranteeIdentity,
  time: number,
): GuaranteeView | undefined {
  const guarantee = guaranteeLife.asOf(state, guaranteeKey(identity), time)
  if (guarantee === undefined) return undefined
  const uses: GuaranteeUseView[] = []
  for (const key of everyUse(state, identity)) {
    const use = useLife.asOf(state, key, time)
    // They are listed in the order of time: what follows is later still.
    if (use === undefined) break
    const [, , owner, scheme, code, section] = key
    uses.push({ guarantee: identity, tender: { owner: owner!, scheme: scheme!, code: code! }, section: section!, use })
  }
  const application = applicationLife.asOf(state, guarantee.row.application, time)!
  const isOne = guarantee.row.kind === 'single' && uses.length === 1
  return { state: isOne ? uses[0]!.use.state : guarantee.state, guarantee, application, uses }
}

/** All guarantees bound to a tender's sections, as they stood at a time, in the order they were recorded, from the `from`th on. */
export function* guaranteesOfTender(
  state: StateReader,
  tender: TenderIdentity,
  time: number,
  from = 0,
): Generator<GuaranteeUseView & { readonly terms: GuaranteeInstance }> {
  for (const identity of everyUseOfTender(state, tender, from)) {
    const use = useLife.asOf(state, useKey(identity), time)
    if (use === undefined) return
    const terms = guaranteeLife.asOf(state, guaranteeKey(identity.guarantee), time)!
    yield { ...identity, use, terms }
  }
}

export interface Tally {
  readonly count: number
  /** Millionths; what the guarantees stand for, claimed or not. */
  readonly amount: bigint
  readonly paid: bigint
}

export interface GuaranteeStatistics {
  readonly currency: string
  readonly all: Tally
  readonly byState: ReadonlyMap<UseState, Tally>
  readonly byIssuer: ReadonlyMap<string, Tally>
}

/** By currency, since sums in different ones are not added; within it, states and issuers in the order they first appear. */
export function guaranteeStatistics(
  views: Iterable<Pick<GuaranteeUseView, 'guarantee' | 'use'> & { readonly terms: GuaranteeInstance }>,
): readonly GuaranteeStatistics[] {
  const byCurrency = new Map<string, { all: Tally; byState: Map<UseState, Tally>; byIssuer: Map<string, Tally> }>()
  for (const { guarantee, use, terms } of views) {
    const { currency, amount } = terms.row
    const of = byCurrency.get(currency) ?? { all: none, byState: new Map(), byIssuer: new Map() }
    const one = { count: 1, amount, paid: use.row.paid }
    of.all = sum(of.all, one)
    of.byState.set(use.state, sum(of.byState.get(use.state) ?? none, one))
    of.byIssuer.set(guarantee.issuer, sum(of.byIssuer.get(guarantee.issuer) ?? none, one))
    byCurrency.set(currency, of)
  }
  return Array.from(byCurrency, ([currency, of]) => ({ currency, ...of }))
}

const none: Tally = { count: 0, amount: 0n, paid: 0n }

const sum = (a: Tally, b: Tally): Tally => ({
  count: a.count + b.count,
  amount: a.amount + b.amount,
  paid: a.paid + b.paid,
})
