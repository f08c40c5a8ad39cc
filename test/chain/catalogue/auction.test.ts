import { describe, expect, it } from 'vitest'
import { auctionLife } from '../../../src/chain/catalogue/auction.ts'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, syntheticParty } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'

const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const owner = syntheticParty('440100', 20)
const platform = syntheticParty('440100', 21)
const other = syntheticParty('420100', 22)
const key = base.register('platform', platform, ['trading-platform'], ['guangzhou', 'beijing'])
const otherKey = base.register('other platform', other, ['trading-platform'], ['wuhan', 'beijing'])
const start = base.blockTime
const lot = { owner, scheme: 'land', code: '穗规资拍〔2026〕7号' }
const of = (ledger: FoundedLedger, type: string, fields: JsonObject): Statement =>
  ledger.statement(`${type}@1`, platform, key, { lot, ...fields })

const announce = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  of(ledger, 'auction.announce', {
    region: '440100',
    opensAt: formatTime(start + 60_000),
    endsAt: formatTime(start + 120_000),
    countdownSeconds: 30,
    startPrice: { amount: '1000', unit: '1', currency: 'CNY' },
    step: '10',
    reserve: '1020',
    document: { algorithm: 'sha256', value: '07'.repeat(32) },
    ...fields,
  })
const raise = (ledger: FoundedLedger, price: string, plate = '101'): Statement =>
  of(ledger, 'auction.raise', { plate, price })
const withdraw = (ledger: FoundedLedger): Statement => of(ledger, 'auction.withdraw', { reason: '规划调整' })
const sold = (ledger: FoundedLedger, price: string, plate = '101'): Statement =>
  of(ledger, 'auction.result', { outcome: 'sold', winner: { party: other, name: '某公司' }, plate, price })
const unsold = (ledger: FoundedLedger): Statement => of(ledger, 'auction.result', { outcome: 'failed' })

const bidding = (ledger: FoundedLedger): void => {
  ledger.take(announce(ledger))
  ledger.blockTime = start + 60_000
}
const ended = (ledger: FoundedLedger): void => {
  bidding(ledger)
  ledger.take(raise(ledger, '1050'))
  ledger.blockTime = start + 120_000
}
const stateOf = (ledger: FoundedLedger, time = ledger.blockTime): string | undefined =>
  auctionLife.asOf(ledger.state, [owner, 'land', lot.code], time)?.state

describe('a land auction, state by event', () => {
  testStateTable({
    lifecycle: auctionLife,
    ledger: base,
    key: [owner, 'land', lot.code],
    arrive: {
      announced: (ledger) => ledger.take(announce(ledger)),
      bidding,
      ended,
      sold: (ledger) => {
        ended(ledger)
        ledger.take(sold(ledger, '1050'))
      },
      failed: (ledger) => {
        bidding(ledger)
        ledger.blockTime = start + 120_000
        ledger.take(unsold(ledger))
      },
      withdrawn: (ledger) => {
        ledger.take(announce(ledger))
        ledger.take(withdraw(ledger))
      },
    },
    events: {
      'auction.announce': (ledger) => announce(ledger),
      'auction.raise': (ledger) => raise(ledger, '2000'),
      'auction.withdraw': withdraw,
      'auction.result': (ledger) => sold(ledger, '1050'),
    },
  })
})

describe('a land auction', () => {
  it('rises by steps from the starting price', () => {
    const ledger = base.fork()
    bidding(ledger)
    expect(ledger.submit(raise(ledger, '999'))).toBe('auction.price-too-low')
    expect(ledger.submit(raise(ledger, '1005'))).toBe('auction.off-step')
    expect(ledger.submit(raise(ledger, '1000'))).toBe('accepted')
    expect(ledger.submit(raise(ledger, '1000', '102'))).toBe('auction.price-too-low')
    expect(ledger.submit(raise(ledger, '1009.999999', '102'))).toBe('auction.price-too-low')
    expect(ledger.submit(raise(ledger, '1030', '102'))).toBe('accepted')
  })

  it('is extended by each raise, never shortened, and ends by clock', () => {
    const ledger = base.fork()
    bidding(ledger)
    ledger.take(raise(ledger, '1000')) // leaves 60 s, more than the countdown
    expect(stateOf(ledger, start + 119_999)).toBe('bidding')
    expect(stateOf(ledger, start + 120_000)).toBe('ended')
    ledger.blockTime = start + 119_999
    ledger.take(raise(ledger, '1010', '102'))
    expect(stateOf(ledger, start + 149_998)).toBe('bidding')
    ledger.blockTime = start + 149_999
    expect(ledger.submit(raise(ledger, '1020'))).toBe('auction.wrong-state')
    expect(stateOf(ledger, start + 130_000)).toBe('bidding')
    expect(stateOf(ledger, start - 1)).toBeUndefined()
    expect(stateOf(ledger, start + 59_999)).toBe('announced')
  })

  it('sells to the highest plate at its price, and not below the reserve', () => {
    const ledger = base.fork()
    ended(ledger)
    expect(ledger.submit(sold(ledger, '1060'))).toBe('auction.result-mismatch')
    expect(ledger.submit(sold(ledger, '1050', '102'))).toBe('auction.result-mismatch')
    expect(ledger.submit(sold(ledger, '1050'))).toBe('accepted')

    const low = base.fork()
    bidding(low)
    low.take(raise(low, '1010'))
    low.blockTime = start + 120_000
    expect(low.submit(sold(low, '1010'))).toBe('auction.result-mismatch')
    const index = low.take(unsold(low))
    expect(low.findings.get(index)).toEqual([])
  })

  it('not sold above the reserve is in, with a finding', () => {
    const ledger = base.fork()
    ended(ledger)
    const index = ledger.take(unsold(ledger))
    expect(ledger.findings.get(index)).toEqual([
      { code: 'auction.unsold-above-reserve', values: [formatTime(start + 120_000)] },
    ])
  })

  it('is conducted by whoever announced it', () => {
    const ledger = base.fork()
    bidding(ledger)
    const strange = ledger.statement('auction.raise@1', other, otherKey, { lot, plate: '7', price: '1000' })
    expect(ledger.submit(strange)).toBe('auction.other-conductor')
  })

  it('has sensible times and a step', () => {
    const ledger = base.fork()
    expect(ledger.submit(announce(ledger, { opensAt: formatTime(start) }))).toBe('auction.bad-times')
    expect(ledger.submit(announce(ledger, { endsAt: formatTime(start + 60_000) }))).toBe('auction.bad-times')
    expect(ledger.submit(announce(ledger, { step: '0' }))).toBe('auction.step-zero')
  })

  it('has no place for personal data', () => {
    const ledger = base.fork()
    expect(ledger.submit(announce(ledger, { phone: '13800138000' }))).toBe('personal-data.refused')
    ledger.take(announce(ledger))
    const reason = (text: string): string => ledger.submit(of(ledger, 'auction.withdraw', { reason: text }))
    expect(reason('请致电 13800138000')).toBe('personal-data.refused')
    expect(reason('证件 11010519491231002X')).toBe('personal-data.refused')
    expect(reason('编号 110105194912310021')).toBe('accepted')
  })
})
