import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { jointPublicationLife } from '../../../src/chain/catalogue/joint-publication.ts'
import { majorProjectLife } from '../../../src/chain/catalogue/major-project.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, keyOf } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'

const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const start = base.blockTime
const until = start + 3_600_000
const cities = ['guangzhou', 'beijing', 'wuhan', 'hangzhou'] as const
type City = (typeof cities)[number]
const party = Object.fromEntries(cities.map((city) => [city, base.member(city).party])) as Record<City, string>
const by = (ledger: FoundedLedger, city: City, type: string, fields: JsonObject): Statement =>
  ledger.statement(`${type}@1`, party[city], keyOf(`${city} centre`), fields)

const code = '联发〔2026〕3号'
const publication = { proposer: party.guangzhou, code }
const key = [party.guangzhou, code]
const hash = (byte: string): JsonObject => ({ algorithm: 'sha256', value: byte.repeat(32) })
const first = hash('11')
const corrected = hash('22')

const propose = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  by(ledger, 'guangzhou', 'joint-publication.propose', {
    code,
    kind: 'major-project',
    title: '城际铁路一期',
    region: '440100',
    publishers: [party.guangzhou, party.beijing, party.wuhan],
    required: 2,
    text: first,
    openUntil: formatTime(until),
    ...fields,
  })
const sign = (ledger: FoundedLedger, city: City, text = first): Statement =>
  by(ledger, city, 'joint-publication.sign', { publication, text })
const correct = (ledger: FoundedLedger, city: City = 'guangzhou', fields: JsonObject = {}): Statement =>
  by(ledger, city, 'joint-publication.correct', {
    publication,
    text: corrected,
    reason: '投资额有误',
    openUntil: formatTime(until),
    ...fields,
  })
const withdraw = (ledger: FoundedLedger, city: City): Statement =>
  by(ledger, city, 'joint-publication.withdraw', { publication, reason: '本市项目调整' })

const published = (ledger: FoundedLedger): void => {
  ledger.take(propose(ledger))
  ledger.take(sign(ledger, 'beijing'))
}
const correcting = (ledger: FoundedLedger): void => {
  published(ledger)
  ledger.take(correct(ledger))
}
const at = (ledger: FoundedLedger, time = ledger.blockTime) => jointPublicationLife.asOf(ledger.state, key, time)

describe('a joint publication, state by event', () => {
  testStateTable({
    lifecycle: jointPublicationLife,
    ledger: base,
    key,
    arrive: {
      proposed: (ledger) => ledger.take(propose(ledger)),
      published,
      correcting,
      lapsed: (ledger) => {
        ledger.take(propose(ledger))
        ledger.blockTime = until
      },
      dropped: (ledger) => {
        ledger.take(propose(ledger))
        ledger.take(withdraw(ledger, 'guangzhou'))
      },
      withdrawn: (ledger) => {
        published(ledger)
        ledger.take(withdraw(ledger, 'beijing'))
      },
    },
    events: {
      'joint-publication.propose': (ledger) => propose(ledger),
      'joint-publication.sign': (ledger, state) => sign(ledger, 'wuhan', state === 'correcting' ? corrected : first),
      'joint-publication.correct': (ledger) => correct(ledger),
      'joint-publication.withdraw': (ledger) => withdraw(ledger, 'guangzhou'),
    },
  })
})

describe('a joint publication', () => {
  it('is out at the block time of the last name needed, and that time never changes', () => {
    const ledger = base.fork()
    ledger.take(propose(ledger, { required: 3 }))
    ledger.blockTime += 1_000
    ledger.take(sign(ledger, 'beijing'))
    expect(at(ledger)?.state).toBe('proposed')
    ledger.blockTime += 1_000
    ledger.take(sign(ledger, 'wuhan'))
    expect(at(ledger)?.row.firstPublishedAt).toBe(start + 2_000)
    ledger.blockTime += 1_000
    ledger.take(correct(ledger, 'wuhan'))
    ledger.take(sign(ledger, 'guangzhou', corrected))
    ledger.take(sign(ledger, 'beijing', corrected))
    expect(at(ledger)).toMatchObject({ state: 'published', row: { version: 2, firstPublishedAt: start + 2_000 } })
    expect(at(ledger)?.row.text).toBe(`sha256:${'22'.repeat(32)}`)
    expect(at(ledger, start + 2_000)?.row.text).toBe(`sha256:${'11'.repeat(32)}`)
  })

  it('without a number, needs every name', () => {
    const ledger = base.fork()
    const { required: _, ...payload } = propose(ledger).payload as { required: number }
    ledger.take(ledger.statement('joint-publication.propose@1', party.guangzhou, keyOf('guangzhou centre'), payload))
    ledger.take(sign(ledger, 'beijing'))
    expect(at(ledger)?.state).toBe('proposed')
    ledger.take(sign(ledger, 'wuhan'))
    expect(at(ledger)?.state).toBe('published')
  })

  it('is one text: another hash under the same identity is refused', () => {
    const ledger = base.fork()
    ledger.take(propose(ledger))
    expect(ledger.submit(propose(ledger, { text: corrected }))).toBe('joint-publication.exists')
    expect(ledger.submit(sign(ledger, 'beijing', corrected))).toBe('joint-publication.other-text')
    ledger.take(sign(ledger, 'beijing'))
    ledger.take(correct(ledger))
    expect(ledger.submit(sign(ledger, 'wuhan', first))).toBe('joint-publication.other-text')
  })

  it('is signed by the publishers listed, each once', () => {
    const ledger = base.fork()
    ledger.take(propose(ledger))
    expect(ledger.submit(sign(ledger, 'hangzhou'))).toBe('joint-publication.not-a-publisher')
    expect(ledger.submit(sign(ledger, 'guangzhou'))).toBe('joint-publication.signed-already')
    ledger.take(sign(ledger, 'beijing'))
    expect(ledger.submit(sign(ledger, 'beijing'))).toBe('joint-publication.signed-already')
    expect(ledger.submit(correct(ledger, 'hangzhou'))).toBe('joint-publication.not-a-publisher')
    expect(ledger.submit(withdraw(ledger, 'hangzhou'))).toBe('joint-publication.not-a-publisher')
  })

  it('a proposal lists its publishers once, with the proposer, and asks for no more names than there are', () => {
    const ledger = base.fork()
    const code = 'joint-publication.bad-publishers'
    expect(ledger.submit(propose(ledger, { publishers: [party.beijing, party.wuhan] }))).toBe(code)
    expect(ledger.submit(propose(ledger, { publishers: [party.guangzhou, party.guangzhou] }))).toBe(code)
    expect(ledger.submit(propose(ledger, { required: 4 }))).toBe(code)
  })

  it('has a time for names that is still to come', () => {
    const ledger = base.fork()
    const past = { openUntil: formatTime(start) }
    expect(ledger.submit(propose(ledger, past))).toBe('joint-publication.closes-in-the-past')
    published(ledger)
    expect(ledger.submit(correct(ledger, 'beijing', past))).toBe('joint-publication.closes-in-the-past')
  })

  it('a correction that finds too few names leaves the first text standing', () => {
    const ledger = base.fork()
    correcting(ledger)
    expect(at(ledger)).toMatchObject({ state: 'correcting', row: { version: 1 } })
    ledger.blockTime = until
    expect(at(ledger)).toMatchObject({ state: 'published', row: { version: 1 } })
    expect(ledger.submit(sign(ledger, 'wuhan', corrected))).toBe('joint-publication.other-text')
    expect(ledger.submit(sign(ledger, 'wuhan', first))).toBe('accepted')
    expect(ledger.submit(correct(ledger, 'wuhan', { text: first, openUntil: formatTime(until + 1) }))).toBe(
      'joint-publication.text-unchanged',
    )
  })

  it('each takes back its own name only; the text is withdrawn when too few are left', () => {
    const ledger = base.fork()
    published(ledger)
    expect(ledger.submit(withdraw(ledger, 'wuhan'))).toBe('joint-publication.not-signed')
    ledger.take(sign(ledger, 'wuhan'))
    ledger.take(withdraw(ledger, 'guangzhou'))
    expect(at(ledger)).toMatchObject({ state: 'published', row: { signed: [party.beijing, party.wuhan] } })
    ledger.take(withdraw(ledger, 'beijing'))
    expect(at(ledger)).toMatchObject({ state: 'withdrawn', row: { firstPublishedAt: start } })
  })

  it('before it is out, a publisher other than the proposer only takes its own name back', () => {
    const ledger = base.fork()
    ledger.take(propose(ledger, { required: 3 }))
    ledger.take(sign(ledger, 'beijing'))
    ledger.take(withdraw(ledger, 'beijing'))
    expect(at(ledger)).toMatchObject({ state: 'proposed', row: { signed: [party.guangzhou] } })
  })

  it('a name under the correction alone can be taken back too', () => {
    const ledger = base.fork()
    published(ledger)
    ledger.take(correct(ledger, 'wuhan'))
    ledger.take(withdraw(ledger, 'wuhan'))
    expect(at(ledger)).toMatchObject({ state: 'correcting', row: { correctionSigned: [] } })
  })

  it('replayed, gives the same rows', () => {
    const live = base.fork()
    const statements: Statement[] = []
    const take = (statement: Statement): void => {
      statements.push(statement)
      live.take(statement)
    }
    take(propose(live))
    take(sign(live, 'beijing'))
    take(correct(live))
    take(sign(live, 'wuhan', corrected))
    take(withdraw(live, 'wuhan'))
    const again = base.fork()
    for (const statement of statements) again.take(statement)
    expect(again.rows()).toEqual(live.rows())
  })
})

const project = (ledger: FoundedLedger, type: string, fields: JsonObject = {}): Statement =>
  by(ledger, 'wuhan', `major-project.${type}`, {
    code: '鄂重2026-01',
    title: '长江过江通道',
    region: '420100',
    sector: 'transport',
    investment: { amount: '1200000', unit: '1', currency: 'CNY' },
    text: first,
    ...fields,
  })
const conclude = (ledger: FoundedLedger): Statement =>
  by(ledger, 'wuhan', 'major-project.conclude', { code: '鄂重2026-01', outcome: 'completed' })

describe('a major project, state by event', () => {
  testStateTable({
    lifecycle: majorProjectLife,
    ledger: base,
    key: [party.wuhan, '鄂重2026-01'],
    arrive: {
      announced: (ledger) => ledger.take(project(ledger, 'announce')),
      concluded: (ledger) => {
        ledger.take(project(ledger, 'announce'))
        ledger.take(conclude(ledger))
      },
    },
    events: {
      'major-project.announce': (ledger) => project(ledger, 'announce'),
      'major-project.update': (ledger) => project(ledger, 'update', { version: 2 }),
      'major-project.conclude': conclude,
    },
  })
})

describe('a major project', () => {
  it('has versions that follow each other', () => {
    const ledger = base.fork()
    ledger.take(project(ledger, 'announce'))
    expect(ledger.submit(project(ledger, 'update', { version: 3 }))).toBe('major-project.version-gap')
    ledger.take(project(ledger, 'update', { version: 2, text: corrected }))
    expect(ledger.submit(project(ledger, 'update', { version: 2 }))).toBe('major-project.version-gap')
  })

  it('with a text unlike that of its joint publication is in, with a finding that names it', () => {
    const ledger = base.fork()
    const unlinked = ledger.take(project(ledger, 'announce', { publication, text: corrected }))
    expect(ledger.findings.get(unlinked)).toEqual([])
    const joint = ledger.take(propose(ledger))
    const differs = ledger.take(project(ledger, 'update', { publication, text: corrected, version: 2 }))
    const code = 'major-project.differs-from-publication'
    expect(ledger.findings.get(differs)).toEqual([{ code, values: [String(joint)] }])
    const same = ledger.take(project(ledger, 'update', { publication, version: 3 }))
    expect(ledger.findings.get(same)).toEqual([])
  })

  it('stands in the timelines of its publication and its tenders', () => {
    const tender = { owner: party.wuhan, scheme: 'local', code: '2026-001' }
    const statement = project(base.fork(), 'announce', { publication, tenders: [tender] })
    const subjects = base.catalogue.typeOf('major-project.announce@1')!.subjects(statement.payload)
    expect(subjects.subjects).toEqual([
      majorProjectLife.subject([party.wuhan, '鄂重2026-01']),
      jointPublicationLife.subject(key),
      `tender/${party.wuhan}/local/2026-001`,
    ])
  })
})
