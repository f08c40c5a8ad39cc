import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import {
  performanceLife,
  performancePartnersMax,
  qualificationLife,
} from '../../../src/chain/catalogue/qualification.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, syntheticParty, type TestKey } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'

const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const authority = syntheticParty('440000', 40)
const company = syntheticParty('440100', 41)
const partner = syntheticParty('440100', 42)
const owner = syntheticParty('440100', 43)
const keys = {
  authority: base.register('authority', authority, ['supervisor'], ['guangzhou', 'beijing']),
  company: base.register('contractor', company, [], ['guangzhou', 'beijing']),
  partner: base.register('partner', partner, [], ['guangzhou', 'beijing']),
  owner: base.register('contract owner', owner, ['tenderee'], ['guangzhou', 'beijing']),
}
const start = base.blockTime
const year = 365 * 86_400_000
const hash = (byte: string) => ({ algorithm: 'sha256', value: byte.repeat(32) })

describe('qualifications, state by event', () => {
  const number = '粤建安〔2026〕001'
  const of = (ledger: FoundedLedger, type: string, fields: JsonObject = {}): Statement =>
    ledger.statement(`${type}@1`, authority, keys.authority, { number, ...fields })
  const granted = {
    holder: { party: company, name: '某工程有限公司' },
    kind: '建筑工程施工总承包',
    grade: '一级',
    region: '440000',
    validFrom: formatTime(start - 1_000),
    validUntil: formatTime(start + year),
    document: hash('01'),
  }
  const grant = (ledger: FoundedLedger, change: JsonObject = {}) =>
    of(ledger, 'qualification.grant', { ...granted, ...change })
  const events: Record<string, (ledger: FoundedLedger) => Statement> = {
    'qualification.grant': (ledger) => grant(ledger),
    'qualification.renew': (ledger) =>
      of(ledger, 'qualification.renew', { validUntil: formatTime(start + 3 * year), document: hash('02') }),
    'qualification.suspend': (ledger) => of(ledger, 'qualification.suspend', { reason: '安全事故' }),
    'qualification.restore': (ledger) => of(ledger, 'qualification.restore', { reason: '整改完成' }),
    'qualification.revoke': (ledger) => of(ledger, 'qualification.revoke', { reason: '骗取资质' }),
  }
  const take = (ledger: FoundedLedger, ...names: readonly string[]) => {
    for (const name of names) ledger.take(events[`qualification.${name}`]!(ledger))
  }

  testStateTable({
    lifecycle: qualificationLife,
    ledger: base,
    key: [authority, number],
    arrive: {
      valid: (ledger) => take(ledger, 'grant'),
      suspended: (ledger) => take(ledger, 'grant', 'suspend'),
      revoked: (ledger) => take(ledger, 'grant', 'revoke'),
      expired: (ledger) => {
        take(ledger, 'grant')
        ledger.blockTime = start + year
      },
    },
    events,
  })

  it('answers as of a day, and is found by holder, region and certificate', () => {
    const ledger = base.fork()
    take(ledger, 'grant')
    ledger.blockTime = start + 1_000
    take(ledger, 'suspend')
    const at = (time: number) => qualificationLife.asOf(ledger.state, [authority, number], time)?.state
    expect([at(start - 1), at(start), at(start + 1_000), at(start + year)]).toEqual([
      undefined,
      'valid',
      'suspended',
      'expired',
    ])
    expect(base.catalogue.typeOf('qualification.grant@1')!.subjects(grant(ledger).payload)).toEqual({
      parties: [company],
      region: '440000',
      hashes: [`sha256:${'01'.repeat(32)}`],
      subjects: [`qualification/${authority}/${number}`],
    })
  })

  it('renewed after its end is valid again', () => {
    const ledger = base.fork()
    take(ledger, 'grant')
    ledger.blockTime = start + year + 1
    take(ledger, 'renew')
    expect(qualificationLife.at(ledger.state, [authority, number], ledger.blockTime)).toMatchObject({ state: 'valid' })
  })

  it('the same number of another authority is another qualification, and none changes what is another’s', () => {
    const ledger = base.fork()
    take(ledger, 'grant')
    const other = ledger.register('other authority', syntheticParty('420000', 40), ['supervisor'], ['wuhan', 'beijing'])
    const revoke = ledger.statement('qualification.revoke@1', syntheticParty('420000', 40), other, {
      number,
      reason: '不属于本机关',
    })
    expect(ledger.submit(revoke)).toBe('qualification.unknown')
  })

  it.each<[string, string, (ledger: FoundedLedger) => Statement]>([
    [
      'a term that ends before it begins',
      'qualification.ends-before-begin',
      (ledger) => grant(ledger, { validUntil: formatTime(start - 1_000) }),
    ],
    [
      'a renewal that is none',
      'qualification.ends-before-begin',
      (ledger) => {
        take(ledger, 'grant')
        return of(ledger, 'qualification.renew', { validUntil: formatTime(start + year), document: hash('02') })
      },
    ],
    [
      'a company that qualifies itself',
      'role.not-allowed',
      (ledger) => ledger.statement('qualification.grant@1', company, keys.company, { number, ...granted }),
    ],
    [
      'an authority’s key on one member’s word',
      'key.out-of-scope',
      (ledger) => {
        const alone = ledger.register('alone', authority, ['supervisor'], ['guangzhou'])
        return ledger.statement('qualification.grant@1', authority, alone, { number, ...granted })
      },
    ],
  ])('refuses %s: %s', (_, code, statementOf) => {
    const ledger = base.fork()
    const statement = statementOf(ledger)
    const before = ledger.rows()
    expect(ledger.submit(statement)).toBe(code)
    expect(ledger.rows()).toEqual(before)
  })
})

describe('performances, state by event', () => {
  const contract = hash('0c')
  const claimed = {
    contract,
    owner: { party: owner, name: '某招标人' },
    title: '某工程',
    kind: 'works',
    amount: { amount: '1835.0534', unit: '1', currency: 'CNY' },
    region: '440100',
  }
  const claim = (ledger: FoundedLedger, change: JsonObject = {}, party = company, key: TestKey = keys.company) =>
    ledger.statement('performance.claim@1', party, key, { ...claimed, ...change })
  const byOwner = (ledger: FoundedLedger, type: string, more: JsonObject = {}, party = owner, key = keys.owner) =>
    ledger.statement(type, party, key, { contractor: company, contract, ...more })
  const events: Record<string, (ledger: FoundedLedger) => Statement> = {
    'performance.claim': (ledger) => claim(ledger),
    'performance.confirm': (ledger) => byOwner(ledger, 'performance.confirm@1'),
    'performance.deny': (ledger) => byOwner(ledger, 'performance.deny@1', { reason: '无此合同' }),
    'performance.withdraw': (ledger) =>
      ledger.statement('performance.withdraw@1', company, keys.company, { contract, reason: '填报有误' }),
  }
  const take = (ledger: FoundedLedger, ...names: readonly string[]) => {
    for (const name of names) ledger.take(events[`performance.${name}`]!(ledger))
  }

  testStateTable({
    lifecycle: performanceLife,
    ledger: base,
    key: [company, `sha256:${'0c'.repeat(32)}`],
    arrive: {
      claimed: (ledger) => take(ledger, 'claim'),
      confirmed: (ledger) => take(ledger, 'claim', 'confirm'),
      denied: (ledger) => take(ledger, 'claim', 'deny'),
      withdrawn: (ledger) => take(ledger, 'claim', 'withdraw'),
    },
    events,
  })

  it('one contract claimed by two goes in with a finding, unless one names the other as a partner', () => {
    const claimedBy = (first: JsonObject, second: JsonObject) => {
      const ledger = base.fork()
      const index = ledger.take(claim(ledger, first))
      const findings = ledger.findings.get(ledger.take(claim(ledger, second, partner, keys.partner)))
      return { index, findings }
    }
    const { index, findings } = claimedBy({}, {})
    expect(findings).toEqual([{ code: 'performance.claimed-by-another', values: [company, String(index)] }])
    expect(claimedBy({ partners: [partner] }, {}).findings).toEqual([])
    expect(claimedBy({}, { partners: [company] }).findings).toEqual([])
  })

  it('is found by owner, partners, tender and contract', () => {
    const tender = { owner, scheme: 'x', code: 'T-1' }
    const { payload } = claim(base, { tender, partners: [partner] })
    expect(base.catalogue.typeOf('performance.claim@1')!.subjects(payload)).toEqual({
      owner,
      tender: 'T-1',
      parties: [owner, partner],
      region: '440100',
      hashes: [`sha256:${'0c'.repeat(32)}`],
      subjects: [`performance/${company}/sha256:${'0c'.repeat(32)}`, `tender/${owner}/x/T-1`],
    })
  })

  it.each<[string, string, (ledger: FoundedLedger) => Statement]>([
    [
      'a contract with oneself',
      'performance.own-contract',
      (ledger) => claim(ledger, { owner: { party: company, name: '某工程有限公司' } }),
    ],
    [
      'a confirmation by somebody else',
      'performance.not-the-owner',
      (ledger) => {
        take(ledger, 'claim')
        return byOwner(ledger, 'performance.confirm@1', {}, partner, keys.partner)
      },
    ],
    [
      'a denial by the contractor',
      'performance.not-the-owner',
      (ledger) => {
        take(ledger, 'claim')
        return byOwner(ledger, 'performance.deny@1', { reason: 'x' }, company, keys.company)
      },
    ],
    [
      'an owner’s key that one member made',
      'key.out-of-scope',
      (ledger) => {
        take(ledger, 'claim')
        const made = ledger.register('made', owner, ['tenderee'], ['guangzhou'])
        return byOwner(ledger, 'performance.confirm@1', {}, owner, made)
      },
    ],
    [
      'an amount that is none',
      'money.malformed',
      (ledger) => claim(ledger, { amount: { amount: '1,8', unit: '1', currency: 'CNY' } }),
    ],
    [
      'more partners than allowed',
      'schema.violation',
      (ledger) => claim(ledger, { partners: Array(performancePartnersMax + 1).fill(partner) }),
    ],
  ])('refuses %s: %s', (_, code, statementOf) => {
    const ledger = base.fork()
    const statement = statementOf(ledger)
    const before = ledger.rows()
    expect(ledger.submit(statement)).toBe(code)
    expect(ledger.rows()).toEqual(before)
  })
})
