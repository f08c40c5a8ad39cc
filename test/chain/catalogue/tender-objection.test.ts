import { describe, expect, it } from 'vitest'
import { objectionLife } from '../../../src/chain/catalogue/tender-objection.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { formatTime } from '../../../src/chain/time.ts'
import type { FoundedLedger } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'
import * as t from './tender-fixture.ts'

const number = '异议〔2026〕1号'
const bidder = t.bidders[0]!
const file = (ledger: FoundedLedger, fields: JsonObject = {}, by: string = t.platform) =>
  t.about(ledger, 'objection.file', { number, kind: 'objection', stage: 'document', ...fields }, by)
const answer = (ledger: FoundedLedger, fields: JsonObject = {}, by: string = t.agency) =>
  t.about(ledger, 'objection.answer', { number, filedBy: t.platform, outcome: 'rejected', ...fields }, by)
const withdraw = (ledger: FoundedLedger, by: string = t.platform) =>
  t.about(ledger, 'objection.withdraw', { number }, by)
const days = (count: number): number => count * t.day

describe('an objection, state by event', () => {
  testStateTable({
    lifecycle: objectionLife,
    ledger: t.inState('published'),
    key: [...t.tenderKeyCells, t.platform, number],
    arrive: {
      filed: (ledger) => ledger.take(file(ledger)),
      overdue: (ledger) => {
        ledger.take(file(ledger))
        ledger.blockTime += days(3)
      },
      answered: (ledger) => {
        ledger.take(file(ledger))
        ledger.take(answer(ledger))
      },
      withdrawn: (ledger) => {
        ledger.take(file(ledger))
        ledger.take(withdraw(ledger))
      },
    },
    events: {
      'objection.file': (ledger) => file(ledger),
      'objection.answer': (ledger) => answer(ledger),
      'objection.withdraw': (ledger) => withdraw(ledger),
    },
  })
})

describe('objections', () => {
  it('are answered in their days, by block time', () => {
    for (const [kind, count, by] of [
      ['objection', 3, t.agency],
      ['query', 7, t.owner],
      ['complaint', 30, t.supervisor],
    ] as const) {
      const ledger = t.inState('published')
      ledger.take(file(ledger, { kind }))
      const due = ledger.blockTime + days(count)
      const [intime, late] = [ledger.fork(), ledger.fork()]
      intime.blockTime = due - 1
      expect(t.findingsOf(intime, answer(intime, {}, by))).toEqual([])
      late.blockTime = due
      const values = [formatTime(due)]
      expect(t.findingsOf(late, answer(late, {}, by))).toEqual([{ code: 'objection.answered-late', values }])
    }
  })

  it('are answered by whoever speaks for the tender, complaints by a supervisor', () => {
    const ledger = t.inState('published')
    ledger.take(file(ledger))
    ledger.take(file(ledger, { number: '投诉 1', kind: 'complaint' }))
    expect(ledger.submit(answer(ledger, {}, t.stranger))).toBe('tender.not-entitled')
    expect(ledger.submit(answer(ledger, {}, t.supervisor))).toBe('tender.not-entitled')
    expect(ledger.submit(answer(ledger, { number: '投诉 1' }))).toBe('objection.not-a-supervisor')
    expect(ledger.submit(answer(ledger, {}, t.owner))).toBe('accepted')
    expect(ledger.submit(answer(ledger, { number: '投诉 1' }, t.supervisor))).toBe('accepted')
  })

  it('are withdrawn by whoever filed them, and numbered for themselves', () => {
    const ledger = t.inState('published')
    ledger.take(file(ledger))
    expect(ledger.submit(withdraw(ledger, t.agency))).toBe('objection.unknown')
    expect(ledger.submit(file(ledger, {}, t.agency))).toBe('accepted')
    expect(ledger.submit(withdraw(ledger))).toBe('accepted')
  })

  it('do not name a bidder before the opening', () => {
    const ledger = t.inState('published')
    const salted = `person:${'5a'.repeat(32)}`
    const attempt = (fields: JsonObject, by: string): string => ledger.fork().submit(file(ledger, fields, by))
    expect(attempt({ complainant: bidder }, t.platform)).toBe('sealed.too-early')
    expect(attempt({}, bidder)).toBe('sealed.too-early')
    expect(attempt({ complainant: bidder }, bidder)).toBe('sealed.too-early')
    expect(attempt({ complainant: t.platform }, t.platform)).toBe('sealed.too-early')
    expect(attempt({ complainant: salted }, t.platform)).toBe('accepted')
    expect(attempt({}, t.platform)).toBe('accepted')
    ledger.blockTime = t.deadline
    expect(attempt({ complainant: bidder }, bidder)).toBe('accepted')
    const unknown = t.base.fork()
    const openingTime = formatTime(t.deadline)
    expect(unknown.submit(file(unknown, { complainant: bidder, openingTime }))).toBe('sealed.too-early')
  })

  it('suspend the award of their section until they are answered', () => {
    const awarded = (arrange: (ledger: FoundedLedger) => void, section?: string): readonly string[] => {
      const ledger = t.inState('publicised')
      arrange(ledger)
      return t.codesOf(ledger, t.award(ledger, section === undefined ? {} : { section }))
    }
    const objecting = (section?: string) => (ledger: FoundedLedger) =>
      void ledger.take(file(ledger, section === undefined ? {} : { section }))
    const under = ['tender.award-under-objection']
    expect(awarded(objecting())).toEqual(under)
    expect(awarded(objecting(), '一标段')).toEqual(under)
    expect(awarded(objecting('一标段'))).toEqual(under)
    expect(awarded(objecting('一标段'), '一标段')).toEqual(under)
    expect(awarded(objecting('二标段'), '一标段')).toEqual([])
    const closed = [answer, (ledger: FoundedLedger) => withdraw(ledger)]
    for (const close of closed) {
      const arrange = (ledger: FoundedLedger): void => {
        objecting('一标段')(ledger)
        ledger.take(close(ledger))
      }
      expect(awarded(arrange)).toEqual([])
      expect(awarded(arrange, '一标段')).toEqual([])
    }
  })

  it('are counted on the tender, also those that came before its notice', () => {
    const ledger = t.base.fork()
    ledger.take(file(ledger))
    ledger.take(file(ledger, { number: '2', kind: 'query' }))
    ledger.take(t.notice(ledger))
    expect(t.rowOf(ledger).openObjections).toBe(2)
    ledger.take(answer(ledger))
    expect(t.rowOf(ledger).openObjections).toBe(1)
    ledger.blockTime += days(30)
    ledger.take(answer(ledger, { number: '2' }))
    expect(t.rowOf(ledger).openObjections).toBe(0)
    expect(t.stateOf(ledger)).toBe('closed')
  })
})
