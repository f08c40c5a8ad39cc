/**
 * Look-ups of the trade in the committed state: where a tender, a guarantee or anything else with a lifecycle stands or stood, and which
 * tenders go by a code. All of it is derived from records and block time, so every node at this height answers the same.
 */
import type {
  GuaranteeStatisticsView,
  GuaranteeView,
  InstanceView,
  TradeLookups as Lookups,
  TallyView,
  TenderGuaranteeView,
  TenderName,
  TenderPage,
} from '../api/service.ts'
import type { Catalogue } from '../chain/catalogue/catalogue.ts'
import { creditDecisionsOf, creditLife, decisionKey } from '../chain/catalogue/credit-life.ts'
import { applicationLife, guaranteeKey, guaranteeLife, useKey, useLife } from '../chain/catalogue/e-guarantee-life.ts'
import {
  guaranteeAsOf,
  guaranteeStatistics,
  guaranteesOfTender,
  type Tally,
} from '../chain/catalogue/e-guarantee-query.ts'
import { rowNameParts } from '../chain/catalogue/register.ts'
import type { Instance, LifecycleTable } from '../chain/catalogue/statement-type.ts'
import { decimalOf } from '../chain/catalogue/table.ts'
import { Refusal, type RefusalTexts } from '../chain/refusal.ts'
import type { StateReader } from '../chain/state.ts'
import { formatTime } from '../chain/time.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Clock } from './ports.ts'
import type { Replica } from './replica.ts'
import { codedRange, codedSubject, digestOfCodedKey } from './store-rows.ts'

export interface TradeLookupDependencies {
  readonly catalogue: Catalogue
  readonly replica: Pick<Replica, 'store' | 'ledger'>
  readonly clock: Clock
  /** Runs a read, and refuses to answer while what is read may have holes. */
  readonly whole: <T>(read: () => T) => T
}

export class TradeLookups implements Lookups {
  readonly #deps: TradeLookupDependencies

  constructor(dependencies: TradeLookupDependencies) {
    this.#deps = dependencies
  }

  instance(subject: string, at?: number): InstanceView | undefined {
    const [name, ...key] = rowNameParts(subject)
    const lifecycle = this.#deps.catalogue.lifecycles.get(name!)
    if (lifecycle === undefined) return undefined
    const time = this.#timeOf(at)
    const instance = this.#read((state) => lifecycle.asOf(state, key, time))
    return instance === undefined ? undefined : viewOf(lifecycle, key, instance, time)
  }

  guarantee(issuer: string, number: string, at?: number): GuaranteeView | undefined {
    const time = this.#timeOf(at)
    const identity = { issuer, number }
    const found = this.#read((state) => guaranteeAsOf(state, identity, time))
    if (found === undefined) return undefined
    const { state, guarantee, application, uses } = found
    return {
      state,
      stateTitle: { ...guaranteeLife.states, ...useLife.states }[state],
      guarantee: viewOf(guaranteeLife, guaranteeKey(identity), guarantee, time),
      application: viewOf(applicationLife, guarantee.row.application, application, time),
      uses: uses.map((each) => viewOf(useLife, useKey(each), each.use, time)),
    }
  }

  guaranteesOf(tender: TenderName, from: number, limit: number, at?: number): readonly TenderGuaranteeView[] {
    const time = this.#timeOf(at)
    const found = this.#read((state) => firstOf(guaranteesOfTender(state, tender, time, from), limit))
    return found.map(({ use, terms, ...identity }) => ({
      ...identity.guarantee,
      section: identity.section,
      use: viewOf(useLife, useKey(identity), use, time),
      guarantee: viewOf(guaranteeLife, guaranteeKey(identity.guarantee), terms, time),
    }))
  }

  async guaranteeStatistics(tender: TenderName, at?: number): Promise<readonly GuaranteeStatisticsView[]> {
    const time = this.#timeOf(at)
    const counted: CountedGuarantee[] = []
    for (;;) {
      const some = this.#read((state) =>
        firstOf(guaranteesOfTender(state, tender, time, counted.length), countedAtOnce),
      )
      counted.push(...some)
      if (some.length < countedAtOnce) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    return guaranteeStatistics(counted).map(({ currency, all, byState, byIssuer }) => ({
      currency,
      all: tallyOf(all),
      byState: Array.from(byState, ([state, tally]) => ({
        state,
        stateTitle: useLife.states[state],
        ...tallyOf(tally),
      })),
      byIssuer: Array.from(byIssuer, ([issuer, tally]) => ({ issuer, ...tallyOf(tally) })),
    }))
  }

  creditOf(party: string, from: number, limit: number, at?: number): readonly InstanceView[] {
    const time = this.#timeOf(at)
    return this.#read((state) => creditDecisionsOf(state, party, time, { from, limit })).map((decision) =>
      viewOf(creditLife, decisionKey(decision), decision, time),
    )
  }

  /** Deadlines pass while a ledger is idle: its next block will be no earlier than now. */
  #timeOf(at: number | undefined): number {
    const { replica, clock } = this.#deps
    return at ?? Math.max(replica.ledger.committed.time, clock.wall())
  }

  #read<T>(read: (state: StateReader) => T): T {
    return this.#deps.whole(() => read(this.#deps.replica.ledger.committed.state))
  }

  /** What comes first among those of one page was first on the ledger; over pages the order is that of names' digests. */
  async tendersOf(code: string, cursor: string | null, limit: number): Promise<TenderPage> {
    if (cursor !== null && !/^[0-9a-f]{32}$/.test(cursor)) throw new Refusal('request.bad-cursor')
    const found: { readonly subject: string; readonly index: number }[] = []
    let last: string | null = null
    const isWhole = await new Promise<boolean>((done) =>
      this.#deps.replica.store.scan(
        { ...codedRange(code, cursor ?? undefined), limit },
        (key, row) => {
          found.push(codedSubject(row))
          last = digestOfCodedKey(key)
          return undefined
        },
        done,
      ),
    )
    const tenders = this.#deps
      .whole(() => {
        if (!isWhole) throw new DiskReadFailed('the tenders of a code cannot be read')
        return found
      })
      .sort((a, b) => a.index - b.index)
      .map(({ subject, index }) => {
        const [, owner, scheme, itsCode] = rowNameParts(subject)
        return {
          owner: owner!,
          scheme: scheme!,
          code: itsCode!,
          firstIndex: index,
          instance: this.instance(subject) ?? null,
        }
      })
    return { tenders, nextCursor: tenders.length < limit ? null : last }
  }

  findingTexts(): RefusalTexts {
    return this.#deps.catalogue.findings
  }
}

type CountedGuarantee = ReturnType<typeof guaranteesOfTender> extends Iterable<infer View> ? View : never

/** About a millisecond of reading. */
const countedAtOnce = 50

function firstOf<T>(all: Iterable<T>, limit: number): T[] {
  const first: T[] = []
  for (const one of all) {
    if (first.push(one) >= limit) break
  }
  return first
}

function viewOf(
  lifecycle: LifecycleTable,
  key: readonly string[],
  instance: Instance<string, Readonly<Record<string, unknown>>>,
  time: number,
): InstanceView {
  return {
    subject: lifecycle.subject(key),
    lifecycle: lifecycle.name,
    key,
    state: instance.state,
    stateTitle: lifecycle.states[instance.state]!,
    since: formatTime(instance.since),
    at: formatTime(time),
    index: instance.index,
    changedAt: formatTime(instance.changedAt),
    revision: instance.revision,
    fields: lifecycle.show(instance.row),
  }
}

const tallyOf = ({ count, amount, paid }: Tally): TallyView => ({
  count,
  amount: decimalOf(amount),
  paid: decimalOf(paid),
})
