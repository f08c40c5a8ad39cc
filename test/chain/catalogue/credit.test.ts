import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import {
  creditDecisionsOf,
  creditLife,
  creditSubject,
  liveBans,
  openBansMax,
} from '../../../src/chain/catalogue/credit-life.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, syntheticParty } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'
import * as tenders from './tender-fixture.ts'

const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const authority = syntheticParty('440100', 71)
const superior = syntheticParty('440000', 72)
const firm = syntheticParty('440106', 73)
const key = base.register('supervisor', authority, ['supervisor'], ['guangzhou', 'beijing'])
const superiorKey = base.register('superior', superior, ['supervisor'], ['guangzhou', 'wuhan'])
const firmKey = base.register('firm', firm, [], ['guangzhou', 'wuhan'])
const start = base.blockTime
const day = 86_400_000
const at = (days: number): string => formatTime(start + days * day)
const number = '穗发改罚〔2026〕12号'
const decision = { authority, number }
const hash = (byte: string): JsonObject => ({ algorithm: 'sha256', value: byte.repeat(32) })

const decide = (ledger: FoundedLedger, fields: JsonObject = {}, by = authority, byKey = key): Statement =>
  ledger.statement('credit.decide@1', by, byKey, {
    number,
    about: { party: firm, name: '某建设公司' },
    kind: 'penalty',
    level: 'general',
    measures: ['bid-ban'],
    regions: ['440100'],
    begin: at(1),
    end: at(366),
    noticedAt: at(-20),
    decidedAt: at(-1),
    reviewer: superior,
    basis: hash('01'),
    basisInWords: '招标投标法第五十四条',
    document: hash('02'),
    ...fields,
  })
const reward: JsonObject = { kind: 'reward', measures: ['bond-reduction'] }
const of = (ledger: FoundedLedger, type: string, fields: JsonObject, by = authority, byKey = key): Statement =>
  ledger.statement(`credit.${type}@1`, by, byKey, { decision, document: hash('03'), ...fields })
const appeal = (ledger: FoundedLedger): Statement => of(ledger, 'appeal', {}, firm, firmKey)
const answer = (ledger: FoundedLedger, fields: JsonObject): Statement =>
  of(ledger, 'answer', fields, superior, superiorKey)
const revoke = (ledger: FoundedLedger): Statement => of(ledger, 'revoke', { reason: '认定事实有误' })
const repair = (ledger: FoundedLedger): Statement => of(ledger, 'repair', { reason: '已整改' })

const inForce = (ledger: FoundedLedger): void => {
  ledger.take(decide(ledger))
  ledger.blockTime = start + 2 * day
}
const stateOf = (ledger: FoundedLedger, time = ledger.blockTime): string | undefined =>
  creditLife.asOf(ledger.state, [authority, number], time)?.state
const bansIn = (ledger: FoundedLedger, region: string, time = ledger.blockTime): readonly string[] =>
  liveBans(ledger.state, firm, region, time).map((ban) => ban.number)

describe('a credit decision, state by event', () => {
  testStateTable({
    lifecycle: creditLife,
    ledger: base,
    key: [authority, number],
    arrive: {
      decided: (ledger) => ledger.take(decide(ledger)),
      'in-force': inForce,
      appealed: (ledger) => {
        inForce(ledger)
        ledger.take(appeal(ledger))
      },
      revoked: (ledger) => {
        inForce(ledger)
        ledger.take(revoke(ledger))
      },
      repaired: (ledger) => {
        inForce(ledger)
        ledger.take(repair(ledger))
      },
      lapsed: (ledger) => {
        ledger.take(decide(ledger))
        ledger.blockTime = start + 366 * day
      },
    },
    events: {
      'credit.decide': (ledger) => decide(ledger),
      'credit.appeal': appeal,
      'credit.answer': (ledger) => answer(ledger, { outcome: 'upheld' }),
      'credit.revoke': revoke,
      'credit.repair': repair,
    },
  })
})

describe('a decision', () => {
  it('begins and ends by clock; one that has begun already is in force at once', () => {
    const ledger = base.fork()
    ledger.take(decide(ledger))
    expect(stateOf(ledger, start + day - 1)).toBe('decided')
    expect(stateOf(ledger, start + day)).toBe('in-force')
    expect(stateOf(ledger, start + 366 * day - 1)).toBe('in-force')
    expect(stateOf(ledger, start + 366 * day)).toBe('lapsed')
    ledger.take(decide(ledger, { number: '二', begin: at(-1) }))
    expect(creditLife.at(ledger.state, [authority, '二'], start)?.state).toBe('in-force')
  })

  it('has a term, and is recorded once it is made', () => {
    const ledger = base.fork()
    expect(ledger.submit(decide(ledger, { end: at(1) }))).toBe('credit.bad-term')
    expect(ledger.submit(decide(ledger, { decidedAt: at(1) }))).toBe('credit.decided-later')
  })

  it('a penalty has a level and penal measures, a reward neither', () => {
    const ledger = base.fork()
    const code = 'credit.measure-mismatch'
    expect(ledger.submit(decide(ledger, { measures: ['score-bonus'] }))).toBe(code)
    expect(ledger.submit(decide(ledger, reward))).toBe(code)
    const { level: _, ...payload } = decide(ledger).payload as { level: string }
    const statement = (fields: JsonObject): Statement =>
      ledger.statement('credit.decide@1', authority, key, { ...payload, ...fields })
    expect(ledger.submit(statement({}))).toBe(code)
    expect(ledger.submit(statement({ ...reward, measures: ['bid-ban'] }))).toBe(code)
    const index = ledger.take(statement({ ...reward, noticedAt: at(0), end: at(3_000) }))
    expect(ledger.findings.get(index)).toEqual([])
  })

  it('is signed by a supervisor for whom two members vouch', () => {
    const ledger = base.fork()
    const lonely = ledger.register('lonely supervisor', authority, ['supervisor'], ['guangzhou'])
    const code = 'credit.key-not-agreed'
    expect(ledger.submit(decide(ledger, {}, authority, lonely))).toBe(code)
    expect(ledger.submit(decide(ledger, {}, firm, firmKey))).toBe('role.not-allowed')
    inForce(ledger)
    expect(ledger.submit(of(ledger, 'revoke', { reason: '误' }, authority, lonely))).toBe(code)
    expect(ledger.submit(of(ledger, 'repair', { reason: '误' }, authority, lonely))).toBe(code)
    ledger.take(appeal(ledger))
    expect(ledger.submit(of(ledger, 'answer', { outcome: 'upheld' }, authority, lonely))).toBe(code)
  })

  it('names no natural person', () => {
    const ledger = base.fork()
    const person = `person:${'5a'.repeat(32)}`
    expect(ledger.submit(decide(ledger, { about: { party: person, name: '张某' } }))).toBe('personal-data.refused')
    expect(ledger.submit(decide(ledger, { about: { party: person } }))).toBe('accepted')
  })

  it('without prior notice, or with notice only after it, is in with a finding', () => {
    const ledger = base.fork()
    const findings = (fields: JsonObject, drop?: string) => {
      const payload = Object.fromEntries(
        Object.entries(decide(ledger, fields).payload).filter(([name]) => name !== drop),
      )
      return ledger.findings.get(
        ledger.take(ledger.statement('credit.decide@1', authority, key, { ...payload, ...fields })),
      )
    }
    expect(findings({ number: '1' })).toEqual([])
    expect(findings({ number: '2' }, 'noticedAt')).toEqual([{ code: 'credit.no-prior-notice', values: ['—'] }])
    expect(findings({ number: '3', noticedAt: at(-1) })).toEqual([{ code: 'credit.no-prior-notice', values: [at(-1)] }])
  })

  it('of more than three years, or without an end, is in with a finding', () => {
    const ledger = base.fork()
    const code = 'credit.over-three-years'
    const findings = (statement: Statement) => ledger.findings.get(ledger.take(statement))
    expect(findings(decide(ledger, { number: '1', end: at(1 + 1_096) }))).toEqual([])
    expect(findings(decide(ledger, { number: '2', end: at(2 + 1_096) }))).toEqual([{ code, values: [at(2 + 1_096)] }])
    const { end: _, ...payload } = decide(ledger, { number: '3' }).payload as { end: string }
    expect(findings(ledger.statement('credit.decide@1', authority, key, payload))).toEqual([{ code, values: ['—'] }])
  })
})

describe('an appeal', () => {
  it('is the party’s own', () => {
    const ledger = base.fork()
    inForce(ledger)
    expect(ledger.submit(of(ledger, 'appeal', {}, superior, superiorKey))).toBe('credit.not-the-party')
    expect(ledger.submit(appeal(ledger))).toBe('accepted')
  })

  it('suspends nothing, and is answered even after the term', () => {
    const ledger = base.fork()
    inForce(ledger)
    ledger.take(appeal(ledger))
    expect(bansIn(ledger, '440106')).toEqual([number])
    ledger.blockTime = start + 400 * day
    expect(bansIn(ledger, '440106')).toEqual([])
    expect(stateOf(ledger)).toBe('appealed')
    ledger.take(answer(ledger, { outcome: 'upheld' }))
    expect(stateOf(ledger)).toBe('lapsed')
  })

  it('is answered by the authority or the reviewer that the decision names', () => {
    const ledger = base.fork()
    const third = syntheticParty('420100', 74)
    const thirdKey = ledger.register('third', third, ['supervisor'], ['wuhan', 'beijing'])
    inForce(ledger)
    ledger.take(appeal(ledger))
    expect(ledger.submit(of(ledger, 'answer', { outcome: 'revoked' }, third, thirdKey))).toBe('credit.not-authority')
    expect(ledger.submit(of(ledger, 'revoke', { reason: '误' }, third, thirdKey))).toBe('credit.not-authority')
    expect(ledger.submit(of(ledger, 'revoke', { reason: '误' }, superior, superiorKey))).toBe('credit.not-authority')
    expect(ledger.submit(of(ledger, 'answer', { outcome: 'upheld' }))).toBe('accepted')
    expect(ledger.submit(of(ledger, 'repair', { reason: '已改' }, superior, superiorKey))).toBe('credit.not-authority')
  })

  it('says what it changes, and nothing when it changes nothing', () => {
    const ledger = base.fork()
    inForce(ledger)
    ledger.take(appeal(ledger))
    const code = 'credit.answer-mismatch'
    expect(ledger.submit(answer(ledger, { outcome: 'changed' }))).toBe(code)
    expect(ledger.submit(answer(ledger, { outcome: 'upheld', end: at(30) }))).toBe(code)
    expect(ledger.submit(answer(ledger, { outcome: 'revoked', level: 'slight' }))).toBe(code)
    expect(ledger.submit(answer(ledger, { outcome: 'changed', end: at(1) }))).toBe(code)
    expect(ledger.submit(answer(ledger, { outcome: 'changed', measures: ['fast-track'] }))).toBe(
      'credit.measure-mismatch',
    )
    const index = ledger.take(answer(ledger, { outcome: 'changed', end: at(30), level: 'slight' }))
    expect(ledger.findings.get(index)).toEqual([])
    expect(stateOf(ledger, start + 30 * day)).toBe('lapsed')
    expect(creditLife.asOf(ledger.state, [authority, number], start)?.row.level).toBe('general')
  })

  it('answered to the worse is in, with a finding that says in what', () => {
    const worse = (fields: JsonObject) => {
      const ledger = base.fork()
      inForce(ledger)
      ledger.take(appeal(ledger))
      return ledger.findings.get(ledger.take(answer(ledger, { outcome: 'changed', ...fields })))
    }
    const finding = (values: string) => [{ code: 'credit.answer-to-the-worse', values: [values] }]
    expect(worse({ level: 'serious', end: at(700) })).toEqual(finding('level, end'))
    expect(worse({ measures: ['bid-ban', 'publicity'] })).toEqual(finding('measures'))
    expect(worse({ regions: ['440000'] })).toEqual(finding('regions'))
    expect(worse({ regions: ['440106'], measures: ['publicity'] })).toEqual([])
    // Longer, but a ban no more: for people to weigh.
    expect(worse({ measures: ['publicity'], end: at(700) })).toEqual([])
  })

  it('a reward can be revoked and is not repaired', () => {
    const ledger = base.fork()
    const { level: _, ...payload } = decide(ledger, { ...reward, begin: at(-1) }).payload as { level: string }
    ledger.take(ledger.statement('credit.decide@1', authority, key, payload))
    expect(ledger.submit(repair(ledger))).toBe('credit.not-a-penalty')
    expect(ledger.submit(revoke(ledger))).toBe('accepted')
  })
})

describe('bans in force', () => {
  it('count in their regions, counties of a city included, and nowhere else', () => {
    const ledger = base.fork()
    inForce(ledger)
    expect(bansIn(ledger, '440100')).toEqual([number])
    expect(bansIn(ledger, '440106')).toEqual([number])
    expect(bansIn(ledger, '440600')).toEqual([])
    const { regions: _, ...payload } = decide(ledger, { number: '全国' }).payload as { regions: string[] }
    ledger.take(ledger.statement('credit.decide@1', authority, key, payload))
    expect(bansIn(ledger, '530100')).toEqual(['全国'])
    expect(bansIn(ledger, '440100')).toEqual([number, '全国'])
  })

  it('count from their beginning to their end, not once repaired or revoked, and only bans', () => {
    const ledger = base.fork()
    ledger.take(decide(ledger))
    expect(bansIn(ledger, '440100', start + day - 1)).toEqual([])
    expect(bansIn(ledger, '440100', start + day)).toEqual([number])
    expect(bansIn(ledger, '440100', start + 366 * day)).toEqual([])
    ledger.take(decide(ledger, { number: '扣分', measures: ['score-deduction'], begin: at(0) }))
    expect(bansIn(ledger, '440100', start + day)).toEqual([number])
    ledger.blockTime = start + 2 * day
    ledger.take(repair(ledger))
    expect(bansIn(ledger, '440100')).toEqual([])
    expect(creditDecisionsOf(ledger.state, firm, ledger.blockTime, { limit: 10 })).toHaveLength(2)
  })

  it('one that an answer takes away or extends is counted as the answer says', () => {
    const softened = base.fork()
    inForce(softened)
    softened.take(appeal(softened))
    softened.take(answer(softened, { outcome: 'changed', measures: ['publicity'] }))
    expect(bansIn(softened, '440100')).toEqual([])

    const extended = base.fork()
    inForce(extended)
    extended.take(appeal(extended))
    extended.blockTime = start + 400 * day
    extended.take(decide(extended, { number: '另案', begin: at(400), end: at(500) })) // lets go of what is over
    extended.take(answer(extended, { outcome: 'changed', end: at(450) }))
    expect(bansIn(extended, '440100')).toEqual(['另案', number])
  })

  it(`are at most ${openBansMax} at once for one party`, () => {
    const ledger = base.fork()
    for (let at = 0; at < openBansMax; at++) ledger.take(decide(ledger, { number: `第${at}号` }))
    expect(ledger.submit(decide(ledger, { number: '再一' }))).toBe('credit.too-many-bans')
    ledger.take(decide(ledger, { measures: ['publicity'], begin: at(0) }))
    ledger.take(appeal(ledger))
    const changed = answer(ledger, { outcome: 'changed', measures: ['bid-ban'] })
    expect(ledger.submit(changed)).toBe('credit.too-many-bans')
    ledger.blockTime = start + 366 * day
    expect(ledger.submit(decide(ledger, { number: '再一', begin: at(366), end: at(400) }))).toBe('accepted')
  })
})

describe('an award', () => {
  const authority = syntheticParty('420100', 76)
  const withBan = (regions: readonly string[], begin = formatTime(tenders.start)): FoundedLedger => {
    const ledger = tenders.base.fork()
    const key = ledger.register('supervisor of another city', authority, ['supervisor'], ['wuhan', 'beijing'])
    const about = { party: tenders.bidders[0]! }
    const end = formatTime(tenders.start + 300 * day)
    ledger.take(decide(ledger, { about, regions, begin, end, decidedAt: formatTime(tenders.start) }, authority, key))
    tenders.arrive.publicised!(ledger)
    return ledger
  }
  const findings = (ledger: FoundedLedger) => ledger.findings.get(ledger.take(tenders.award(ledger)))

  it('to a firm that another city has banned here is in, with a finding that names the ban', () => {
    const ledger = withBan(['420100', '440000'])
    const [ban] = liveBans(ledger.state, tenders.bidders[0]!, '440100', ledger.blockTime)
    const values = [tenders.bidders[0]!, number, authority, String(ban!.index)]
    expect(findings(ledger)).toEqual([{ code: 'tender.award-to-penalised', values }])
  })

  it('where the ban does not count, or no more, or not yet, has no finding', () => {
    expect(findings(withBan(['420100']))).toEqual([])
    expect(findings(withBan(['440000'], formatTime(tenders.start + 200 * day)))).toEqual([])
    const over = withBan(['440000'])
    over.blockTime = tenders.start + 300 * day
    expect(findings(over)).toEqual([])
  })
})

describe('a party’s credit', () => {
  it('is found as of a day, oldest first, a page at a time; nothing is ever deleted', () => {
    const ledger = base.fork()
    const other = syntheticParty('440106', 75)
    ledger.take(decide(ledger, { number: '1' }))
    ledger.take(decide(ledger, { number: '他人', about: { party: other } }))
    ledger.blockTime += 10 * day
    ledger.take(decide(ledger, { number: '2' }))
    ledger.take(of(ledger, 'revoke', { decision: { authority, number: '1' }, reason: '误' }))
    const credit = (time: number, page: { from?: number; limit: number } = { limit: 10 }) =>
      creditDecisionsOf(ledger.state, firm, time, page).map(({ number, state }) => `${number} ${state}`)
    expect(credit(start - 1)).toEqual([])
    expect(credit(start)).toEqual(['1 decided'])
    expect(credit(start + 2 * day)).toEqual(['1 in-force'])
    expect(credit(start + 10 * day)).toEqual(['1 revoked', '2 in-force'])
    expect(credit(start + 10 * day, { limit: 1 })).toEqual(['1 revoked'])
    expect(credit(start + 10 * day, { from: 1, limit: 1 })).toEqual(['2 in-force'])
    const subjects = base.catalogue.typeOf('credit.decide@1')!.subjects(decide(ledger).payload)
    expect(subjects).toMatchObject({
      parties: [firm, superior],
      subjects: expect.arrayContaining([creditSubject(firm)]),
    })
  })

  it('replayed, gives the same rows; bans are those that a walk over all decisions finds', () => {
    const step = fc.record({
      days: fc.integer({ min: 0, max: 200 }),
      kind: fc.constantFrom('ban', 'publicity', 'appeal', 'upheld', 'soften', 'extend', 'revoke', 'repair'),
      which: fc.integer({ min: 0, max: 3 }),
    })
    const property = fc.property(fc.array(step, { maxLength: 16 }), (steps) => {
      const live = base.fork()
      const taken: { readonly statement: Statement; readonly blockTime: number }[] = []
      let serial = 0
      for (const { days, kind, which } of steps) {
        live.blockTime += days * day
        const decision = { authority, number: `第${which}号` }
        const begin = formatTime(live.blockTime + day)
        const end = formatTime(live.blockTime + 300 * day)
        const statement = {
          ban: () => decide(live, { number: `第${serial++}号`, begin, end }),
          publicity: () => decide(live, { number: `第${serial++}号`, begin, end, measures: ['publicity'] }),
          appeal: () => of(live, 'appeal', { decision }, firm, firmKey),
          upheld: () => answer(live, { decision, outcome: 'upheld' }),
          soften: () => answer(live, { decision, outcome: 'changed', measures: ['publicity'] }),
          extend: () => answer(live, { decision, outcome: 'changed', measures: ['bid-ban'], end }),
          revoke: () => of(live, 'revoke', { decision, reason: '误' }),
          repair: () => of(live, 'repair', { decision, reason: '改' }),
        }[kind]()
        if (live.submit(statement) === 'accepted') taken.push({ statement, blockTime: live.blockTime })
      }
      const again = base.fork()
      for (const { statement, blockTime } of taken) again.take(statement, { blockTime })
      expect(again.rows()).toEqual(live.rows())
      const walked = creditDecisionsOf(live.state, firm, live.blockTime, { limit: 100 }).filter(
        ({ state, row }) =>
          ['in-force', 'appealed'].includes(state) &&
          row.measures.includes('bid-ban') &&
          row.beginsAt <= live.blockTime &&
          row.endsAt! > live.blockTime,
      )
      expect([...bansIn(live, '440100')].sort()).toEqual(walked.map((decision) => decision.number).sort())
    })
    fc.assert(property, { numRuns: 60, seed: 20261122 })
  })
})
