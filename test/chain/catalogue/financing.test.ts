import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pledgeLife } from '../../../src/chain/catalogue/financing.ts'
import { livePledgesMax } from '../../../src/chain/catalogue/financing-words.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { type FoundedLedger, keyOf } from './founded-ledger.ts'
import {
  bank,
  base,
  bidder,
  by,
  hash,
  notice,
  otherBank,
  otherBidder,
  owner,
  stranger,
  tender,
  yuan,
} from './guarantee-world.ts'
import { testStateTable } from './state-table.ts'

type Fields = Record<string, unknown>

const contract = { document: hash('cc'), amount: { amount: '100', unit: '1', currency: 'CNY' } }
const start = base.blockTime
const end = formatTime(start + 100_000)
const pledge = { pledgor: bidder, number: 'P1' }
const usd = { amount: '1', unit: '0', currency: 'USD' }

const make = (ledger: FoundedLedger, fields: Fields = {}, party = bidder): Statement =>
  by(ledger, party, 'pledge.make', {
    number: 'P1',
    tender,
    contract,
    pledgee: { party: bank, name: '某银行' },
    amount: yuan('600000'),
    end,
    document: hash('dd'),
    ...fields,
  })
const consent = (ledger: FoundedLedger, fields: Fields = {}, party = bank): Statement =>
  by(ledger, party, 'pledge.consent', { pledge, tender, amount: yuan('600000'), end, ...fields })
const release = (ledger: FoundedLedger, fields: Fields = {}, party = bank): Statement =>
  by(ledger, party, 'pledge.release', { pledge, tender, ...fields })
const enforce = (ledger: FoundedLedger, fields: Fields = {}, party = bank): Statement =>
  by(ledger, party, 'pledge.enforce', { pledge, tender, amount: yuan('600000'), document: hash('ee'), ...fields })

/** With the pledgee's consent to what the fields say. */
function made(ledger: FoundedLedger, fields: Fields = {}): string {
  const { number = 'P1', pledgee = { party: bank } } = fields as { number?: string; pledgee?: { party: string } }
  const { tender: of, section, amount, end: until } = fields
  const agreed = { tender: of ?? tender, section, amount: amount ?? yuan('600000'), end: until ?? end }
  ledger.take(consent(ledger, { ...agreed, pledge: { pledgor: bidder, number } }, pledgee.party))
  return ledger.submit(make(ledger, fields))
}

const agreed = base.fork()
agreed.take(consent(agreed))
const pledged = agreed.fork()
pledged.take(make(pledged))

const stateOf = (ledger: FoundedLedger, number = 'P1', time = ledger.blockTime) =>
  pledgeLife.asOf(ledger.state, [bidder, number], time)?.state

describe('a pledge, state by event', () => {
  testStateTable({
    lifecycle: pledgeLife,
    ledger: agreed,
    key: [bidder, 'P1'],
    arrive: {
      pledged: (ledger) => void ledger.take(make(ledger)),
      released: (ledger) => {
        ledger.take(make(ledger))
        ledger.take(release(ledger))
      },
      enforced: (ledger) => {
        ledger.take(make(ledger))
        ledger.take(enforce(ledger))
      },
      lapsed: (ledger) => {
        ledger.take(make(ledger))
        ledger.blockTime = start + 100_000
      },
    },
    events: {
      'pledge.make': (to) => make(to),
      'pledge.release': (to) => release(to),
      'pledge.enforce': (to) => enforce(to),
    },
  })
})

describe('a receivable', () => {
  it('is pledged up to what the contract brings in, and no further, to whomever', () => {
    const ledger = pledged.fork()
    const second = { number: 'P2', pledgee: { party: otherBank }, amount: yuan('400000.000001') }
    expect(made(ledger, second)).toBe('pledge.above-remains')
    expect(made(ledger, { ...second, amount: yuan('400000') })).toBe('accepted')
    expect(made(ledger, { number: 'P3', amount: yuan('0.000001') })).toBe('pledge.above-remains')
  })

  it('is free again when a pledge is released or has lapsed, and not when it was enforced', () => {
    const released = pledged.fork()
    released.take(release(released))
    expect(made(released, { number: 'P2', amount: yuan('1000000') })).toBe('accepted')

    const lapsed = pledged.fork()
    lapsed.blockTime = start + 100_000
    expect(stateOf(lapsed)).toBe('lapsed')
    const later = formatTime(start + 200_000)
    expect(made(lapsed, { number: 'P2', amount: yuan('1000000'), end: later })).toBe('accepted')

    const enforced = pledged.fork()
    enforced.take(enforce(enforced, { amount: yuan('500000') }))
    expect(made(enforced, { number: 'P2', amount: yuan('500001') })).toBe('pledge.above-remains')
    expect(made(enforced, { number: 'P2', amount: yuan('500000') })).toBe('accepted')
  })

  it('of another section, or of another supplier, is another', () => {
    const ledger = pledged.fork()
    expect(made(ledger, { number: 'P2', section: '2', amount: yuan('1000000') })).toBe('accepted')
    ledger.take(consent(ledger, { pledge: { pledgor: otherBidder, number: 'P1' } }))
    expect(ledger.submit(make(ledger, {}, otherBidder))).toBe('accepted')
  })

  it('has a bounded number of pledges at a time', () => {
    const ledger = base.fork()
    for (let serial = 0; serial < livePledgesMax; serial++) {
      expect(made(ledger, { number: `P${serial}`, amount: yuan('1') })).toBe('accepted')
    }
    expect(made(ledger, { number: 'last', amount: yuan('1') })).toBe('pledge.too-many')
    ledger.take(release(ledger, { pledge: { pledgor: bidder, number: 'P7' } }))
    expect(made(ledger, { number: 'last', amount: yuan('1') })).toBe('accepted')
  })

  it('of a contract on the ledger is what that contract says, and its contractor’s', () => {
    const contracted = (fields: Fields): FoundedLedger => {
      const ledger = base.fork()
      ledger.take(notice(ledger))
      ledger.take(
        by(ledger, owner, 'tender.contract', {
          tender,
          document: hash('cc'),
          publishedAt: formatTime(ledger.blockTime),
          contractor: [{ party: bidder, name: '某工程有限公司' }],
          amount: yuan('1000000'),
          ...fields,
        }),
      )
      return ledger
    }
    expect(made(contracted({}))).toBe('accepted')
    expect(made(contracted({ amount: yuan('2000000') }))).toBe('pledge.contract-differs')
    expect(made(contracted({ document: hash('c0') }))).toBe('pledge.contract-differs')
    expect(made(contracted({ contractor: [{ party: otherBidder, name: '另一公司' }] }))).toBe('pledge.not-creditor')
    // Of which only the hash is known: then the pledges themselves must agree with each other.
    const hashOnly = contracted({ amount: undefined, contractor: undefined })
    expect(made(hashOnly)).toBe('accepted')
    const other = { ...contract, amount: yuan('9000000') }
    expect(made(hashOnly, { number: 'P2', contract: other, amount: yuan('400001') })).toBe('pledge.contract-differs')
  })

  it('whatever is asked: live pledges and what was collected never exceed the contract', () => {
    const action = fc.record({
      step: fc.constantFrom('make', 'make', 'make', 'release', 'enforce'),
      serial: fc.nat(5),
      amount: fc.constantFrom(1, 100_000, 333_333, 500_000, 1_000_000),
      passes: fc.constantFrom(0, 0, 10_000),
    })
    const tried = new Set<string>()
    fc.assert(
      fc.property(fc.array(action, { maxLength: 25, size: 'max' }), (script) => {
        const ledger = base.fork()
        const numbers = new Set<string>()
        for (const [at, { step, serial, amount, passes }] of script.entries()) {
          ledger.blockTime += passes
          const number = step === 'make' ? `P${serial}-${at}` : (Array.from(numbers)[serial] ?? 'none')
          const on = { pledge: { pledgor: bidder, number } }
          const sum = yuan(String(amount))
          const until = formatTime(ledger.blockTime + 30_000)
          const code =
            step === 'make'
              ? made(ledger, { number, amount: sum, end: until })
              : ledger.submit(step === 'release' ? release(ledger, on) : enforce(ledger, { ...on, amount: sum }))
          if (code === 'accepted') tried.add(step)
          if (step === 'make') numbers.add(number)
          let bound = 0n
          for (const one of numbers) {
            const there = pledgeLife.asOf(ledger.state, [bidder, one], ledger.blockTime)
            if (there?.state === 'pledged') bound += there.row.amount
            bound += there?.row.collected ?? 0n
          }
          expect(bound).toBeLessThanOrEqual(1_000_000_000_000n)
        }
      }),
      { numRuns: 60, seed: 20260316 },
    )
    expect(Array.from(tried).sort()).toEqual(['enforce', 'make', 'release'])
  })
})

describe('a pledge is refused, and changes no row', () => {
  const closed = base.fork()
  closed.take(notice(closed, { deadline: formatTime(start + 60_000), openingTime: formatTime(start + 60_000) }))
  it.each<[string, FoundedLedger, (ledger: FoundedLedger) => Statement, string]>([
    ['without consent', base, make, 'pledge.consent-missing'],
    ['with consent to less', agreed, (to) => make(to, { amount: yuan('600001') }), 'pledge.consent-missing'],
    ['with consent for less long', agreed, (to) => make(to, { end: formatTime(start + 100_001) }), 'pledge.consent-missing'],
    ['with consent to another number', agreed, (to) => make(to, { number: 'P2' }), 'pledge.consent-missing'],
    ['with consent for another section', agreed, (to) => make(to, { section: '2' }), 'pledge.consent-missing'],
    ['with the consent of another bank', agreed, (to) => make(to, { pledgee: { party: otherBank } }), 'pledge.consent-missing'],
    ['to oneself', agreed, (to) => make(to, { pledgee: { party: bidder } }), 'pledge.self'],
    ['of nothing', agreed, (to) => make(to, { amount: yuan('0') }), 'pledge.no-amount'],
    ['in the past', agreed, (to) => make(to, { end: formatTime(start) }), 'pledge.term-past'],
    ['in another currency than the contract', agreed, (to) => make(to, { contract: { ...contract, amount: usd } }), 'pledge.contract-differs'],
    ['twice under one number', pledged, make, 'pledge.exists'],
    ['before the opening', closed, consent, 'sealed.too-early'],
    ['before the opening, though agreed', closed, make, 'sealed.too-early'],
    ['released by the pledgor', pledged, (to) => release(to, {}, bidder), 'pledge.other-pledgee'],
    ['released by another bank', pledged, (to) => release(to, {}, otherBank), 'pledge.other-pledgee'],
    ['released for another section', pledged, (to) => release(to, { section: '2' }), 'pledge.other-tender'],
    ['enforced by a stranger', pledged, (to) => enforce(to, {}, stranger), 'pledge.other-pledgee'],
    ['enforced for more', pledged, (to) => enforce(to, { amount: yuan('600001') }), 'pledge.above-pledged'],
    ['enforced in another currency', pledged, (to) => enforce(to, { amount: usd }), 'pledge.above-pledged'],
    ['enforced for nothing', pledged, (to) => enforce(to, { amount: yuan('0') }), 'pledge.no-amount'],
  ])('%s', (_, ledger, statement, code) => {
    const to = ledger.fork()
    const said = statement(to)
    const before = to.rows()
    expect(to.submit(said)).toBe(code)
    expect(to.rows()).toEqual(before)
  }) // biome-ignore format: a table

  it('after the time until which the consent counts', () => {
    const ledger = base.fork()
    ledger.take(consent(ledger, { until: formatTime(start + 1_000) }))
    ledger.blockTime = start + 1_001
    expect(ledger.submit(make(ledger))).toBe('pledge.consent-missing')
  })

  it('by a key that one member alone vouches for', () => {
    const ledger = pledged.fork()
    ledger.register('false bank', bank, [], ['hangzhou'])
    const inScope = { ...tender, owner: ledger.member('hangzhou').party }
    const fields = { ...JSON.parse(JSON.stringify(release(ledger).payload)), tender: inScope, key: 'false' }
    const statement = ledger.statement('pledge.release@1', bank, keyOf('false bank'), fields)
    expect(ledger.submit(statement, { member: 'hangzhou' })).toBe('pledge.party-not-listed')
  })
})
