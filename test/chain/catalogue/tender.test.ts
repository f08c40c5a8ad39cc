import { describe, expect, it } from 'vitest'
import { tenderLife } from '../../../src/chain/catalogue/tender-life.ts'
import { formatTime } from '../../../src/chain/time.ts'
import type { FoundedLedger } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'
import * as t from './tender-fixture.ts'

/** What names bidders comes after the deadline; before it the same statement is refused for its time. */
const inTime = (ledger: FoundedLedger): FoundedLedger => {
  ledger.blockTime = Math.max(ledger.blockTime, t.deadline)
  // Public opening is what the law asks of construction; an opening record is there in every state that comes after it.
  return ledger
}
const opened = (ledger: FoundedLedger, state: string): FoundedLedger => {
  inTime(ledger)
  if (state === 'published' || state === 'closed') ledger.take(t.opening(ledger))
  return ledger
}

describe('a tender, state by event', () => {
  const unlinked = ['amend', 'clarify', 'open', 'evaluate', 'candidates', 'award', 'contract', 'bond-return']
  testStateTable({
    lifecycle: tenderLife,
    ledger: t.base,
    key: t.tenderKeyCells,
    arrive: t.arrive,
    unlinked: [...unlinked, 'fail', 'terminate', 'withdraw', 'archive'].map((name) => `tender.${name}`),
    events: {
      'tender.notice': (ledger) => t.notice(ledger),
      'tender.amend': (ledger) => t.about(ledger, 'tender.amend'),
      'tender.clarify': (ledger) => t.about(ledger, 'tender.clarify'),
      'tender.open': (ledger) => t.opening(inTime(ledger)),
      'tender.evaluate': (ledger, state) => t.about(opened(ledger, state), 'tender.evaluate'),
      'tender.candidates': (ledger, state) => t.candidates(opened(ledger, state)),
      'tender.award': (ledger, state) => t.award(opened(ledger, state)),
      'tender.contract': (ledger) => t.contract(inTime(ledger)),
      'tender.fail': (ledger) => t.about(inTime(ledger), 'tender.fail', { section: '一标段', reason: '不足三家' }),
      'tender.terminate': (ledger) => t.about(ledger, 'tender.terminate', { reason: '取消' }),
      'tender.withdraw': (ledger) => t.about(ledger, 'tender.withdraw', { reason: '有误' }),
      'tender.bond-return': (ledger) => t.about(inTime(ledger), 'tender.bond-return'),
      'tender.archive': (ledger) => t.about(ledger, 'tender.archive'),
    },
  })
})

const found = (code: string, ...values: readonly string[]) => [{ code, values }]
const at = (time: number): string => formatTime(time)

describe('the notice', () => {
  it('says everything once, and is read by other families', () => {
    const ledger = t.base.fork()
    const fields = { estimate: t.yuan('1000', '1'), bondCeiling: t.yuan('200000'), sections: [{ code: '一标段' }] }
    expect(t.findingsOf(ledger, t.notice(ledger, fields))).toEqual([])
    expect(t.rowOf(ledger)).toMatchObject({
      profile: 'construction',
      region: '440100',
      publisher: t.agency,
      entitled: [t.platform],
      sections: ['一标段'],
      version: 1,
      deadline: t.deadline,
      openingTime: t.deadline,
      estimate: 10_000_000_000_000n,
      bondCeiling: 200_000_000_000n,
      openObjections: 0,
      awardedAt: null,
    })
  })

  it('leaves the days that the kind of trade asks for, or is found', () => {
    const late = at(t.deadline - 1)
    const values = [at(t.start), late, '20']
    const short = { deadline: late, openingTime: late }
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, short))).toEqual(found('tender.notice-too-short', ...values))
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, { ...short, profile: 'procurement.inquiry' }))).toEqual([])
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, { ...short, profile: 'other' }))).toEqual([])
  })

  it('asks for a bond within the share of the estimate', () => {
    const fields = { estimate: t.yuan('1000', '1'), bondCeiling: t.yuan('200000.000001') }
    const values = ['200000.000001', '10000000']
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, fields))).toEqual(found('tender.bond-too-high', ...values))
    const dollars = { ...fields, bondCeiling: { amount: '300000', unit: '0', currency: 'USD' } }
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, dollars))).toEqual([])
  })

  it('that is recorded long after it says it was published is in, with a finding', () => {
    const publishedAt = at(t.start - t.day - 1)
    const values = [publishedAt, at(t.start)]
    const other = { profile: 'other' }
    const late = t.notice(t.base, { ...other, publishedAt })
    expect(t.findingsOf(t.base.fork(), late)).toEqual(found('tender.backdated', ...values))
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, { ...other, publishedAt: at(t.start - t.day) }))).toEqual([])
  })

  it('does not open bids while others may come in', () => {
    const fields = { openingTime: at(t.deadline - 1) }
    expect(t.base.fork().submit(t.notice(t.base, fields))).toBe('tender.opens-before-deadline')
    expect(t.base.fork().submit(t.notice(t.base, { openingTime: at(t.deadline + 1) }))).toBe('accepted')
  })

  it('comes again for another section, and moves nothing', () => {
    const ledger = t.inState('published')
    const more = { sections: [{ code: '二标段' }], document: t.hash('0b') }
    expect(t.findingsOf(ledger, t.notice(ledger, more))).toEqual([])
    expect(t.rowOf(ledger)).toMatchObject({ sections: ['二标段'], version: 1, document: `sha256:${'0a'.repeat(32)}` })
    const moved = t.notice(ledger, { section: '三标段', deadline: at(t.deadline + 1), openingTime: at(t.deadline + 1) })
    expect(t.findingsOf(ledger, moved)).toEqual([
      ...found('tender.notice-times-differ', at(t.deadline + 1), at(t.deadline)),
      ...found('tender.notice-times-differ', at(t.deadline + 1), at(t.deadline)),
    ])
    expect(t.rowOf(ledger).deadline).toBe(t.deadline)
    expect(t.findingsOf(ledger, t.notice(ledger))).toEqual([])
    const first = String(t.rowOf(ledger).notice)
    expect(t.findingsOf(ledger, t.notice(ledger, { document: t.hash('0c') }))).toEqual(
      found('tender.notice-repeated', first),
    )
  })

  it('has a bounded number of sections', () => {
    const ledger = t.base.fork()
    const sections = (from: number) => Array.from({ length: 64 }, (_, at) => ({ code: `${from + at}` }))
    for (let from = 0; from < 256; from += 64) ledger.take(t.notice(ledger, { sections: sections(from) }))
    expect(ledger.submit(t.notice(ledger, { section: '256' }))).toBe('tender.too-many-sections')
    expect(ledger.submit(t.notice(ledger, { section: '255' }))).toBe('accepted')
  })

  it('of two owners may have one code', () => {
    const ledger = t.inState('published')
    const other = { tender: { ...t.tender, owner: t.stranger } }
    ledger.take(t.notice(ledger, other, t.stranger))
    expect(t.rowOf(ledger).publisher).toBe(t.agency)
  })
})
