import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { datasetLife, datasetRequestLife } from '../../../src/chain/catalogue/data-sharing.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, keyOf, syntheticParty } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'

const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const holder = base.member('guangzhou').party
const asker = base.member('wuhan').party
const company = syntheticParty('420100', 61)
const companyKey = base.register('company', company, ['tenderee'], ['wuhan', 'beijing'])
const start = base.blockTime
const until = start + 3_600_000
const code = '穗-招标公告-2026'
const number = '申-1'
const dataset = { holder, code }
const hash = (byte: string): JsonObject => ({ algorithm: 'sm3', value: byte.repeat(32) })

const byHolder = (ledger: FoundedLedger, type: string, fields: JsonObject): Statement =>
  ledger.statement(`${type}@1`, holder, keyOf('guangzhou centre'), fields)
const byAsker = (ledger: FoundedLedger, type: string, fields: JsonObject): Statement =>
  ledger.statement(`${type}@1`, asker, keyOf('wuhan centre'), fields)

const described = { code, title: '招标公告', data: hash('01'), terms: hash('02'), termsInWords: '仅限交易统计' }
const offer = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  byHolder(ledger, 'dataset.offer', { ...described, region: '440100', ...fields })
const update = (ledger: FoundedLedger, version = 2): Statement =>
  byHolder(ledger, 'dataset.update', { ...described, data: hash('03'), version })
const withdraw = (ledger: FoundedLedger): Statement =>
  byHolder(ledger, 'dataset.withdraw', { code, reason: '数据已并入省平台' })
const ask = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  byAsker(ledger, 'dataset-request.ask', { dataset, version: 1, number, purpose: hash('04'), ...fields })
const grant = (ledger: FoundedLedger, fields: JsonObject = { until: formatTime(until) }): Statement =>
  byHolder(ledger, 'dataset-request.answer', { asker, code, number, outcome: 'granted', ...fields })
const no = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  byHolder(ledger, 'dataset-request.answer', { asker, code, number, outcome: 'refused', reason: '超出用途', ...fields })
const endFields = { asker, dataset, number, reason: '统计已完成' }
const end = (ledger: FoundedLedger): Statement => byAsker(ledger, 'dataset-request.end', endFields)

describe('a dataset, state by event', () => {
  testStateTable({
    lifecycle: datasetLife,
    ledger: base,
    key: [holder, code],
    arrive: {
      offered: (ledger) => ledger.take(offer(ledger)),
      withdrawn: (ledger) => {
        ledger.take(offer(ledger))
        ledger.take(withdraw(ledger))
      },
    },
    events: {
      'dataset.offer': (ledger) => offer(ledger),
      'dataset.update': (ledger) => update(ledger),
      'dataset.withdraw': withdraw,
    },
  })
})

const withOffer = base.fork()
withOffer.take(offer(withOffer))
const granted = (ledger: FoundedLedger): void => {
  ledger.take(ask(ledger))
  ledger.take(grant(ledger))
}

describe('a request for a dataset, state by event', () => {
  testStateTable({
    lifecycle: datasetRequestLife,
    ledger: withOffer,
    key: [asker, holder, code, number],
    arrive: {
      asked: (ledger) => ledger.take(ask(ledger)),
      granted,
      refused: (ledger) => {
        ledger.take(ask(ledger))
        ledger.take(no(ledger))
      },
      lapsed: (ledger) => {
        granted(ledger)
        ledger.blockTime = until
      },
      ended: (ledger) => {
        granted(ledger)
        ledger.take(end(ledger))
      },
    },
    events: {
      'dataset-request.ask': (ledger) => ask(ledger),
      'dataset-request.answer': (ledger) => grant(ledger),
      'dataset-request.end': end,
    },
  })
})

describe('data sharing', () => {
  it('a dataset’s versions follow each other', () => {
    const ledger = withOffer.fork()
    expect(ledger.submit(update(ledger, 1))).toBe('dataset.version-gap')
    expect(ledger.submit(update(ledger, 3))).toBe('dataset.version-gap')
    ledger.take(update(ledger, 2))
    ledger.take(update(ledger, 3))
    expect(datasetLife.at(ledger.state, [holder, code], ledger.blockTime)?.row.version).toBe(3)
    expect(datasetLife.asOf(ledger.state, [holder, code], start - 1)).toBeUndefined()
  })

  it('another holder may use the same code for its own', () => {
    const ledger = withOffer.fork()
    expect(ledger.submit(byAsker(ledger, 'dataset.offer', described))).toBe('accepted')
  })

  it('is asked for in the version that is offered, while it is', () => {
    const ledger = withOffer.fork()
    expect(ledger.submit(ask(ledger, { dataset: { holder, code: '没有' } }))).toBe('dataset-request.not-offered')
    expect(ledger.submit(ask(ledger, { version: 2 }))).toBe('dataset-request.other-version')
    ledger.take(withdraw(ledger))
    expect(ledger.submit(ask(ledger))).toBe('dataset-request.not-offered')
  })

  it('a grant is of what was asked for: not once the terms have changed or the dataset is gone', () => {
    const changed = withOffer.fork()
    changed.take(ask(changed))
    changed.take(update(changed))
    expect(changed.submit(grant(changed))).toBe('dataset-request.other-version')
    expect(changed.submit(no(changed))).toBe('accepted')
    const gone = withOffer.fork()
    gone.take(ask(gone))
    gone.take(withdraw(gone))
    expect(gone.submit(grant(gone))).toBe('dataset-request.not-offered')
  })

  it('a grant has an end in the future, a refusal has none', () => {
    const ledger = withOffer.fork()
    ledger.take(ask(ledger))
    expect(ledger.submit(grant(ledger, {}))).toBe('dataset-request.bad-term')
    expect(ledger.submit(grant(ledger, { until: formatTime(start) }))).toBe('dataset-request.bad-term')
    expect(ledger.submit(no(ledger, { until: formatTime(until) }))).toBe('dataset-request.bad-term')
    expect(ledger.submit(grant(ledger, { until: formatTime(start + 1_000) }))).toBe('accepted')
  })

  it('who may ask: a role, a party, or anybody', () => {
    const byCompany = (ledger: FoundedLedger): Statement =>
      ledger.statement('dataset-request.ask@1', company, companyKey, {
        dataset,
        version: 1,
        number,
        purpose: hash('04'),
      })
    const of = (fields: JsonObject): FoundedLedger => {
      const ledger = base.fork()
      ledger.take(offer(ledger, fields))
      return ledger
    }
    const centresOnly = of({ askRoles: ['centre'] })
    expect(centresOnly.submit(byCompany(centresOnly))).toBe('dataset-request.not-entitled')
    expect(centresOnly.submit(ask(centresOnly))).toBe('accepted')
    const thatParty = of({ askParties: [company] })
    expect(thatParty.submit(ask(thatParty))).toBe('dataset-request.not-entitled')
    expect(thatParty.submit(byCompany(thatParty))).toBe('accepted')
    const both = of({ askRoles: ['tenderee'], askParties: [asker] })
    expect(both.submit(ask(both))).toBe('accepted')
    expect(both.submit(byCompany(both))).toBe('accepted')
    const anybody = of({})
    expect(anybody.submit(byCompany(anybody))).toBe('accepted')
  })

  it('only the holder answers, and only asker and holder end it', () => {
    const ledger = withOffer.fork()
    ledger.take(ask(ledger))
    const strange = { asker, code, number, outcome: 'granted', until: formatTime(until) }
    expect(ledger.submit(byAsker(ledger, 'dataset-request.answer', strange))).toBe('dataset-request.unknown')
    const byCompany = ledger.statement('dataset-request.end@1', company, companyKey, endFields)
    expect(ledger.submit(byCompany)).toBe('dataset-request.not-its-party')
    expect(ledger.submit(byHolder(ledger, 'dataset-request.end', endFields))).toBe('accepted')
  })

  it('has no place for the data themselves or for personal numbers', () => {
    const ledger = base.fork()
    expect(ledger.submit(offer(ledger, { rows: [] }))).toBe('schema.violation')
    expect(ledger.submit(offer(ledger, { termsInWords: '联系 13800138000' }))).toBe('personal-data.refused')
  })

  it('replayed, gives the same rows', () => {
    const live = base.fork()
    const statements: Statement[] = []
    for (const next of [offer, ask, grant, end, update, withdraw] as ((ledger: FoundedLedger) => Statement)[]) {
      const statement = next(live)
      statements.push(statement)
      live.take(statement)
    }
    const again = base.fork()
    for (const statement of statements) again.take(statement)
    expect(again.rows()).toEqual(live.rows())
  })
})
