import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  guaranteeLife,
  liveStates,
  liveUses,
  remainsOf,
  type UseIdentity,
  useKey,
  useLife,
} from '../../../src/chain/catalogue/e-guarantee-life.ts'
import {
  guaranteeAsOf,
  guaranteeStatistics,
  guaranteesOfTender,
} from '../../../src/chain/catalogue/e-guarantee-query.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import type { FoundedLedger } from './founded-ledger.ts'
import {
  accept,
  amend,
  annual,
  apply,
  approve,
  bank,
  base,
  bidder,
  bind,
  claim,
  commitmentOf,
  consent,
  hash,
  issue,
  otherBidder,
  owner,
  pay,
  reject,
  release,
  reveal,
  tender,
  tenderNumber,
  voiding,
  yuan,
} from './guarantee-world.ts'

/** Three guarantees: two single ones of two bidders, and an annual one of the first, which the properties use in three sections. */
const guarantees = [
  { number: 'A', bidder, application: 'SQ-A', terms: {}, document: '0a' },
  { number: 'B', bidder: otherBidder, application: 'SQ-B', terms: {}, document: '0b' },
  { number: 'Y', bidder, application: 'SQ-Y', terms: annual, document: '0c' },
] as const
const places = [{ tender }, { tender, section: '2' }, { tender: tenderNumber(7) }] as const

interface Action {
  readonly step: string
  readonly which: number
  readonly place: number
  /** Yuan. */
  readonly amount: number
  /** Milliseconds that pass before. */
  readonly passes: number
  readonly member: string
}

const action: fc.Arbitrary<Action> = fc.record({
  // Half of them go on with what there is; the others ask for anything at any time.
  step: fc.oneof(
    fc.constant('onwards'),
    fc.constantFrom(
      ...['bind', 'reveal', 'claim', 'accept', 'reject', 'pay', 'release', 'amend', 'void'],
      ...['consent-void', 'consent-release', 'consent-amend'],
    ),
  ),
  which: fc.nat(2),
  place: fc.constantFrom(0, 0, 0, 1, 2),
  amount: fc.constantFrom(0, 1, 100_000, 150_000, 250_000, 399_999, 400_000, 400_001, 600_000),
  passes: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(0, 1, 60_000) },
    { weight: 1, arbitrary: fc.constantFrom(1, 10, 30).map((days) => days * 86_400_000) },
  ),
  member: fc.constantFrom('guangzhou', 'beijing', 'wuhan', 'hangzhou'),
})
const actions = fc.array(action, { minLength: 1, maxLength: 40, size: 'max' })

/** What brings a use on from each state. */
const onwards: Readonly<Record<string, string>> = {
  none: 'bind',
  bound: 'reveal',
  revealed: 'claim',
  claimed: 'accept',
  accepted: 'pay',
}

function statementOf(ledger: FoundedLedger, { step: asked, which, place, amount }: Action): Statement {
  const { number, bidder: by, document } = guarantees[which]!
  const guarantee = { issuer: bank, number }
  const on = { guarantee, ...places[place]! }
  const terms = { guarantee, tender: number === 'Y' ? undefined : tender }
  const version = (guaranteeLife.at(ledger.state, [bank, number], ledger.blockTime)?.row.version ?? 1) + 1
  const sum = { amount: yuan(String(amount)) }
  const state = useLife.at(ledger.state, useKey(on), ledger.blockTime)?.state ?? 'none'
  const step = asked === 'onwards' ? (onwards[state] ?? 'bind') : asked
  switch (step) {
    case 'bind': {
      const bound = { ...on, bidder: by, document: hash(document) }
      return bind(ledger, { ...bound, commitment: commitmentOf(ledger, bound) })
    }
    case 'reveal':
      return reveal(ledger, on, by)
    case 'claim':
      return claim(ledger, { ...on, ...sum })
    case 'accept':
      return accept(ledger, amount <= 150_000 ? { ...on, ...sum } : on)
    case 'reject':
      return reject(ledger, on)
    case 'pay': {
      const due = useLife.at(ledger.state, useKey(on), ledger.blockTime)?.row.due ?? null
      return pay(ledger, {
        ...on,
        amount: amount > 250_000 && due !== null ? yuan(String(due / 1_000_000n)) : sum.amount,
      })
    }
    case 'release':
      return release(ledger, on, amount % 2 === 0 ? owner : bank)
    case 'amend':
      return amend(ledger, { ...terms, ...sum, version, document: hash(`${(version % 90) + 10}`) })
    case 'void':
      return voiding(ledger, terms)
    case 'consent-void':
      return consent(ledger, { ...terms, tender: undefined, step: 'guarantee.void' })
    case 'consent-release':
      return consent(ledger, { ...on, step: 'guarantee.release' })
    default:
      return consent(ledger, { ...terms, ...sum, step: 'guarantee.amend', version })
  }
}

const founded = base.fork()
for (const { number, bidder: by, application, terms, document } of guarantees) {
  const asked = { ...terms, bidders: [{ party: by }], number: application }
  founded.take(apply(founded, asked, by))
  const identity = { application: { party: by, number: application } }
  founded.take(approve(founded, identity))
  founded.take(issue(founded, { ...asked, ...identity, number, document: hash(document) }))
}

interface Run {
  readonly ledger: FoundedLedger
  readonly codes: readonly string[]
  /** What was accepted: the statement, and the block time it got. */
  readonly accepted: readonly { readonly statement: Statement; readonly blockTime: number }[]
  /** After each action. */
  readonly seen: readonly { readonly time: number; readonly views: unknown }[]
}

const viewOf = (ledger: FoundedLedger, time: number): unknown =>
  guarantees.map(({ number }) => guaranteeAsOf(ledger.state, { issuer: bank, number }, time))

function run(script: readonly Action[], after: (ledger: FoundedLedger) => void = () => undefined): Run {
  const ledger = founded.fork()
  const codes: string[] = []
  const accepted: { statement: Statement; blockTime: number }[] = []
  const seen: { time: number; views: unknown }[] = []
  for (const one of script) {
    ledger.blockTime += one.passes
    const statement = statementOf(ledger, one)
    const code = ledger.submit(statement, { member: one.member })
    codes.push(code)
    if (code === 'accepted') accepted.push({ statement, blockTime: ledger.blockTime })
    after(ledger)
    seen.push({ time: ledger.blockTime, views: viewOf(ledger, ledger.blockTime) })
  }
  return { ledger, codes, accepted, seen }
}

describe('e-guarantees, whatever is asked of them', () => {
  it('amounts are never negative and never above what is guaranteed', () => {
    const tried = new Set<string>()
    fc.assert(
      fc.property(actions, (script) => {
        const { accepted } = run(script, (ledger) => {
          for (const { number } of guarantees) {
            const { row } = guaranteeLife.at(ledger.state, [bank, number], ledger.blockTime)!
            expect(remainsOf(row)).toBeGreaterThanOrEqual(0n)
            const uses = guaranteeAsOf(ledger.state, { issuer: bank, number }, ledger.blockTime)!.uses
            const paid = uses.reduce((sum, { use }) => sum + use.row.paid, 0n)
            const held = uses.reduce((sum, { use }) => sum + (use.row.due ?? use.row.claimed ?? 0n), 0n)
            expect([row.paid, row.held]).toEqual([paid, held])
            expect(paid + held).toBeLessThanOrEqual(row.amount)
            for (const { use } of uses) {
              for (const sum of [use.row.claimed, use.row.due, use.row.paid])
                expect(sum ?? 0n).toBeGreaterThanOrEqual(0n)
            }
          }
        })
        for (const { statement } of accepted) tried.add(statement.type)
      }),
      { numRuns: 60, seed: 20260316 },
    )
    // The scripts reach every step, or this would show nothing.
    const steps = ['accept', 'amend', 'bind', 'claim', 'consent', 'pay', 'reject', 'release', 'reveal', 'void']
    expect(Array.from(tried).sort()).toEqual(steps.map((step) => `guarantee.${step}@1`))
  })

  it('a bidder has one live guarantee in a section', () => {
    fc.assert(
      fc.property(actions, (script) => {
        run(script, (ledger) => {
          const live = new Map<string, number>()
          for (const { number } of guarantees) {
            const uses = liveUses(ledger.state, { issuer: bank, number }, ledger.blockTime)
            const listed = guaranteeAsOf(ledger.state, { issuer: bank, number }, ledger.blockTime)!.uses
            // The list that amendments go by has every live use, and no other.
            expect(uses.length).toBe(listed.filter(({ use }) => liveStates.includes(use.state)).length)
            for (const { key, use } of uses) {
              const where = [use.row.bidder, ...key.slice(2)].join('|')
              live.set(where, (live.get(where) ?? 0) + 1)
            }
          }
          for (const [where, count] of live) expect(count, where).toBe(1)
        })
      }),
      { numRuns: 40, seed: 20260317 },
    )
  })

  it('replay of what was accepted gives the same rows, and every day looks as it did then', () => {
    fc.assert(
      fc.property(actions, (script) => {
        const { ledger, accepted, seen } = run(script)
        const replayed = founded.fork()
        for (const { statement, blockTime } of accepted) {
          replayed.take(statement, { blockTime, member: 'hangzhou' })
        }
        expect(replayed.rows()).toEqual(ledger.rows())
        // Several actions may share a time: as of it, the last counts.
        const last = new Map(seen.map(({ time, views }) => [time, views]))
        for (const [time, views] of last) expect(viewOf(ledger, time)).toEqual(views)
      }),
      { numRuns: 40, seed: 20260318 },
    )
  })

  it('the order of independent guarantees does not matter', () => {
    // A and Y are of one bidder and meet in a section; B is nobody's neighbour.
    const of = (which: number) => actions.map((script) => script.map((one) => ({ ...one, which, passes: 0 })))
    fc.assert(
      fc.property(of(0), of(1), fc.array(fc.boolean(), { maxLength: 80 }), (a, b, turns) => {
        const mixed: Action[] = []
        const [restA, restB] = [[...a], [...b]]
        for (const turn of turns) mixed.push(...(turn ? restA : restB).splice(0, 1))
        const one = run([...a, ...b])
        const other = run([...mixed, ...restA, ...restB])
        expect(withoutIndex(viewOf(other.ledger, other.ledger.blockTime))).toEqual(
          withoutIndex(viewOf(one.ledger, one.ledger.blockTime)),
        )
      }),
      { numRuns: 20, seed: 20260319 },
    )
  })

  it('nobody’s rights depend on the member that was used', () => {
    fc.assert(
      fc.property(actions, (script) => {
        const here = run(script.map((one) => ({ ...one, member: 'guangzhou' })))
        const there = run(script)
        expect(there.codes).toEqual(here.codes)
        expect(there.ledger.rows()).toEqual(here.ledger.rows())
      }),
      { numRuns: 30, seed: 20260320 },
    )
  })
})

/** Where a record stands in the ledger is the one thing that differs. */
function withoutIndex(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, part) => (name === 'index' ? 0 : typeof part === 'bigint' ? `${part}` : part)),
  )
}

describe('the guarantees of a tender', () => {
  const ledger = founded.fork()
  const on = (which: number, more = {}): UseIdentity & Record<string, unknown> => {
    const { number, bidder: by, document } = guarantees[which]!
    const use = { guarantee: { issuer: bank, number }, tender, bidder: by, document: hash(document), ...more }
    return { ...use, commitment: commitmentOf(ledger, use) }
  }
  ledger.blockTime += 1
  const before = ledger.blockTime
  ledger.take(bind(ledger, on(0)))
  ledger.blockTime += 1
  ledger.take(bind(ledger, on(1)))
  ledger.take(bind(ledger, on(2, { section: '2' })))
  ledger.take(bind(ledger, on(2, { tender: tenderNumber(7) })))
  const bound = ledger.blockTime
  ledger.blockTime += 1
  const b = { guarantee: { issuer: bank, number: 'B' } }
  ledger.take(reveal(ledger, b, otherBidder))
  ledger.take(claim(ledger, { ...b, amount: yuan('100000') }))
  ledger.take(accept(ledger, b))
  ledger.take(pay(ledger, { ...b, amount: yuan('100000') }))
  ledger.take(release(ledger, b))

  it('are listed and counted, now and as of a day, by state and by issuer', () => {
    const at = (time: number) => guaranteeStatistics(guaranteesOfTender(ledger.state, tender, time))
    expect(at(before - 1)).toEqual([])
    expect(at(before)[0]!.all).toEqual({ count: 1, amount: 400_000_000_000n, paid: 0n })
    expect(Array.from(at(bound)[0]!.byState)).toEqual([['bound', { count: 3, amount: 1_200_000_000_000n, paid: 0n }]])
    const [now] = at(ledger.blockTime)
    expect(now!.currency).toBe('CNY')
    expect(Array.from(now!.byState)).toEqual([
      ['bound', { count: 2, amount: 800_000_000_000n, paid: 0n }],
      ['released', { count: 1, amount: 400_000_000_000n, paid: 100_000_000_000n }],
    ])
    expect(Array.from(now!.byIssuer)).toEqual([
      [bank, { count: 3, amount: 1_200_000_000_000n, paid: 100_000_000_000n }],
    ])
    expect(Array.from(guaranteesOfTender(ledger.state, tender, ledger.blockTime), ({ section }) => section)).toEqual([
      '',
      '',
      '2',
    ])
  })

  it('each stands where its use does, an annual one for itself', () => {
    const stateOf = (number: string, time = ledger.blockTime) =>
      guaranteeAsOf(ledger.state, { issuer: bank, number }, time)?.state
    expect([stateOf('A'), stateOf('B'), stateOf('Y')]).toEqual(['bound', 'released', 'issued'])
    expect([stateOf('A', before - 1), stateOf('B', bound), stateOf('Z')]).toEqual(['issued', 'bound', undefined])
    const view = guaranteeAsOf(ledger.state, { issuer: bank, number: 'Y' }, ledger.blockTime)!
    expect(view.application.state).toBe('issued')
    expect(view.uses.map(({ tender: { code }, section }) => [code, section])).toEqual([
      [tender.code, '2'],
      ['2026-7', ''],
    ])
  })
})
