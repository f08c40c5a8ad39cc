import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { delegatedTypesMax } from '../../../src/chain/catalogue/key-request.ts'
import { delegationMsMax } from '../../../src/chain/catalogue/keys.ts'
import { isInScopeOf, kidsOf, readKey, readOwnKey } from '../../../src/chain/catalogue/register.ts'
import { recordedUnder } from '../../../src/chain/execution.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { type Statement, signStatement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, keyOf, syntheticParty, type TestKey } from './founded-ledger.ts'

const catalogue = catalogueOf(knownTypeNames)
const found = (): FoundedLedger => FoundedLedger.found(catalogue)
const company = syntheticParty('440100', 20)
const other = syntheticParty('440100', 21)
const roles = ['trading-platform', 'agency']
const now = Date.UTC(2026, 2, 17)
const day = 86_400_000
const second = { type: 'party.key-request@2' }
const attestation = {
  subject: 'document',
  hash: { algorithm: 'sha256', value: 'ab'.repeat(32) },
  mediaType: 'application/pdf',
  source: {
    system: '电子交易系统',
    operator: 'role:经办员',
    method: 'export',
    software: 'trade 4.2',
    occurredAt: '2026-03-16T09:30:00+08:00',
  },
}

const request2 = (
  ledger: FoundedLedger,
  key: TestKey,
  party: string,
  held: readonly string[] = [],
  more: JsonObject = {},
) => ledger.keyRequest(key, party, held, { ...second, ...more })
const attest = (ledger: FoundedLedger, key: TestKey, party = company): Statement =>
  ledger.statement('attest.hash@1', party, key, attestation)
const revoke = (ledger: FoundedLedger, key: TestKey, by: TestKey, party = company): Statement =>
  ledger.statement('key.revoke@1', party, by, { kid: key.kid, reason: 'lost' })
const takeBack = (ledger: FoundedLedger, key: TestKey, member: string): Statement =>
  revoke(ledger, key, keyOf(`${member} centre`), ledger.member(member).party)
const rotate = (ledger: FoundedLedger, by: TestKey, request: string, more: JsonObject = {}, party = company) =>
  ledger.statement('key.rotate@1', party, by, { request, ...more })
const delegate = (ledger: FoundedLedger, by: TestKey, request: string, party = company): Statement =>
  ledger.statement('key.delegate@1', party, by, { request })
const daily = (ledger: FoundedLedger, key: TestKey, delegator: TestKey, more: JsonObject = {}): string =>
  request2(ledger, key, company, ['agency'], {
    delegator: delegator.kid,
    types: ['attest.hash'],
    notAfter: formatTime(ledger.blockTime + day),
    ...more,
  })

describe('party.register@2', () => {
  it('knows every role, and is approved as the first edition is', () => {
    const ledger = found()
    const key = keyOf('secretariat')
    const request = request2(ledger, key, company, ['secretariat', 'vendor', 'auditor'])
    const approval = (member: string) =>
      ledger.statement('party.register@2', ledger.member(member).party, keyOf(`${member} centre`), { request })
    ledger.take(approval('guangzhou'))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ agreed: false, vouchedBy: ['guangzhou'] })
    expect(ledger.submit(approval('guangzhou'))).toBe('key.already-approved')
    ledger.take(approval('wuhan'))
    expect(readKey(ledger.state, key.kid)).toMatchObject({
      roles: ['secretariat', 'vendor', 'auditor'],
      agreed: true,
      byCompany: false,
    })
    expect(ledger.submit(ledger.approval('beijing', request))).toBe('party.request-malformed')
  })

  it('takes a natural person by its salted id, without a name', () => {
    const ledger = found()
    const person = `person:${'0a'.repeat(32)}`
    const { ledger: id } = ledger.genesis
    const fields = { ledger: id, ...second, party: person, roles: [] }
    const by = (request: string) =>
      ledger.statement('party.register@2', ledger.member('wuhan').party, keyOf('wuhan centre'), { request })
    const named = ledger.submitForRefusal(by(signStatement({ ...fields, name: '王某' }, keyOf('person'))))!
    expect(named.code).toBe('personal-data.refused')
    expect(named.fields[0]?.pointer).toBe('/request/name')
    expect(ledger.submit(by(signStatement({ ...fields, idCard: '1' }, keyOf('person'))))).toBe('personal-data.refused')
    ledger.take(by(signStatement(fields, keyOf('person'))))
    expect(readKey(ledger.state, keyOf('person').kid)?.name).toBe('')
    const nameless = signStatement({ ...fields, party: company }, keyOf('k'))
    expect(ledger.submit(by(nameless))).toBe('party.request-malformed')
    const telephone = signStatement({ ...fields, party: company, name: '张 13800138000' }, keyOf('k'))
    expect(ledger.submit(by(telephone))).toBe('personal-data.refused')
  })

  it('lets the company agree to what two members agreed to, and then it does not depend on them', () => {
    const ledger = found()
    const old = ledger.register('old', company, roles, ['guangzhou', 'wuhan'])
    const request = request2(ledger, keyOf('k'), company, ['agency'])
    for (const member of ['beijing', 'hangzhou']) {
      ledger.take(
        ledger.statement('party.register@2', ledger.member(member).party, keyOf(`${member} centre`), { request }),
      )
    }
    ledger.take(ledger.statement('party.register@2', company, old, { request }))
    expect(ledger.submit(ledger.statement('party.register@2', company, old, { request }))).toBe('key.already-approved')
    for (const member of ['beijing', 'hangzhou']) ledger.take(takeBack(ledger, keyOf('k'), member))
    expect(readKey(ledger.state, keyOf('k').kid)).toMatchObject({ agreed: true, vouchedBy: [], endsAt: null })
  })
})

describe('a key that is revoked', () => {
  it('counts no more from that block on, and what it signed before stays', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou', 'wuhan'])
    ledger.blockTime = now + 1_000
    const before = ledger.take(attest(ledger, key))
    ledger.take(revoke(ledger, key, key))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ endsAt: now + 1_000, endedBy: before + 1 })
    expect(ledger.submit(attest(ledger, key))).toBe('key.revoked')
    // Judged as of block time: as the blocks before saw it, it counted.
    expect(ledger.submit(attest(ledger, key), { blockTime: now + 999 })).toBe('accepted')
    expect(ledger.submit(revoke(ledger, key, key))).toBe('key.revoked')
    const request = ledger.keyRequest(key, company, roles)
    expect(ledger.submit(ledger.approval('beijing', request))).toBe('key.already-ended')
  })

  it('by one member’s withdrawal goes on with two others’ words', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou', 'wuhan', 'beijing'])
    ledger.take(takeBack(ledger, key, 'guangzhou'))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ agreed: true, vouchedBy: ['wuhan', 'beijing'] })
    expect(ledger.submit(takeBack(ledger, key, 'guangzhou'))).toBe('key.revoker-not-entitled')
  })

  it('with one word left goes on in that member’s scope, with none ends', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou', 'wuhan'])
    ledger.take(takeBack(ledger, key, 'guangzhou'))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ agreed: false, vouchedBy: ['wuhan'], endsAt: null })
    expect(ledger.submit(attest(ledger, key), { member: 'guangzhou' })).toBe('key.out-of-scope')
    expect(ledger.submit(attest(ledger, key), { member: 'wuhan' })).toBe('accepted')
    ledger.take(takeBack(ledger, key, 'wuhan'))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ agreed: false, vouchedBy: [], endsAt: now })
    expect(ledger.submit(attest(ledger, key), { member: 'wuhan' })).toBe('key.revoked')
    // Who has ever vouched for a key of the company keeps it in scope: there may be other keys of it.
    expect(isInScopeOf(ledger.state, company, 'wuhan')).toBe(true)
  })

  it('may be given a second word again, and is agreed again', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou', 'wuhan'])
    ledger.take(takeBack(ledger, key, 'guangzhou'))
    ledger.take(ledger.approval('beijing', ledger.keyRequest(key, company, roles)))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ agreed: true, vouchedBy: ['wuhan', 'beijing'] })
    ledger.take(ledger.approval('guangzhou', ledger.keyRequest(key, company, roles)))
    expect(readKey(ledger.state, key.kid)?.vouchedBy).toEqual(['wuhan', 'beijing', 'guangzhou'])
  })

  it('stays agreed by its company’s word, whatever members take back', () => {
    const ledger = found()
    const old = ledger.register('old', company, roles, ['guangzhou', 'wuhan'])
    const key = ledger.register('k', company, ['agency'], ['beijing'])
    const request = ledger.keyRequest(key, company, ['agency'])
    ledger.take(ledger.statement('party.register@1', company, old, { request }))
    ledger.take(takeBack(ledger, key, 'beijing'))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ agreed: true, byCompany: true, vouchedBy: [] })
  })

  it('is found again with what it said in the scope of a member that took its word back', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou'])
    const said = attest(ledger, key)
    const scope = rowWrittenFor(said, ledger)
    for (const member of ['wuhan', 'beijing'])
      ledger.take(ledger.approval(member, ledger.keyRequest(key, company, roles)))
    expect(recordedUnder(ledger.state, said)).toMatchObject({ id: said.id })
    ledger.take(takeBack(ledger, key, 'guangzhou'))
    expect(readOwnKey(ledger.state, key.kid)?.formerScopes).toEqual(['guangzhou'])
    expect(recordedUnder(ledger.state, said), scope).toMatchObject({ id: said.id })
    ledger.take(takeBack(ledger, key, 'wuhan'))
    ledger.take(takeBack(ledger, key, 'beijing'))
    expect(recordedUnder(ledger.state, said)).toMatchObject({ id: said.id })
  })
})

/** What execution writes under a statement's idempotency key while its signer has one member's word only: found by asking. */
function rowWrittenFor(statement: Statement, ledger: FoundedLedger): string {
  const asked: string[] = []
  recordedUnder(
    {
      get: (row) => {
        if (row.startsWith('idem/')) asked.push(row)
        return ledger.state.get(row)
      },
    },
    statement,
  )
  const [scope] = asked
  ledger.state.set(scope!, [Uint8Array.from(Buffer.from(statement.id, 'hex')), 7])
  return scope!
}

describe('a key that is rotated', () => {
  it('ends when its successor takes over, in one record, and the same words stand behind that', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou', 'wuhan'])
    const index = ledger.take(
      rotate(ledger, key, request2(ledger, keyOf('next'), company, roles), { endsAt: formatTime(now + day) }),
    )
    expect(readKey(ledger.state, key.kid)).toMatchObject({
      endsAt: now + day,
      endedBy: index,
      successor: keyOf('next').kid,
    })
    expect(readKey(ledger.state, keyOf('next').kid)).toMatchObject({
      agreed: true,
      vouchedBy: ['guangzhou', 'wuhan'],
      index,
    })
    expect(kidsOf(ledger.state, company, 9)).toEqual([key.kid, keyOf('next').kid])
    for (const signer of [key, keyOf('next')]) expect(ledger.submit(attest(ledger, signer))).toBe('accepted')
    ledger.blockTime = now + day
    expect(ledger.submit(attest(ledger, key))).toBe('key.revoked')
    expect(ledger.submit(attest(ledger, keyOf('next')))).toBe('accepted')
    for (const member of ['guangzhou', 'wuhan']) ledger.take(takeBack(ledger, keyOf('next'), member))
    expect(ledger.submit(attest(ledger, keyOf('next')))).toBe('key.revoked')
  })

  it('at once when no time is given; and in one member’s scope stays there', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou'])
    ledger.take(rotate(ledger, key, request2(ledger, keyOf('next'), company, ['agency'])))
    expect(ledger.submit(attest(ledger, key))).toBe('key.revoked')
    expect(ledger.submit(attest(ledger, keyOf('next')))).toBe('accepted')
    expect(ledger.submit(attest(ledger, keyOf('next')), { member: 'wuhan' })).toBe('key.out-of-scope')
  })

  it('may be revoked before its end comes', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou', 'wuhan'])
    const request = request2(ledger, keyOf('next'), company, roles)
    ledger.take(rotate(ledger, key, request, { endsAt: formatTime(now + day) }))
    ledger.take(revoke(ledger, key, keyOf('next')))
    expect(ledger.submit(attest(ledger, key))).toBe('key.revoked')
  })

  it('of a member’s centre goes on to speak for it; past its term it is a finding, and no lock-out', () => {
    const ledger = found()
    const { party } = ledger.member('wuhan')
    const [first, next, last] = [keyOf('wuhan centre'), keyOf('wuhan 2'), keyOf('wuhan 3')]
    const term = { notAfter: formatTime(now + day) }
    ledger.take(rotate(ledger, first, request2(ledger, next, party, ['centre'], term), {}, party))
    ledger.blockTime = now + day + 1
    expect(ledger.submit(attest(ledger, next, party))).toBe('key.expired')
    const late = ledger.take(rotate(ledger, next, request2(ledger, last, party, ['centre']), {}, party))
    expect(ledger.findings.get(late)).toEqual([{ code: 'key.rotated-after-expiry', values: [formatTime(now + day)] }])
    const request = ledger.keyRequest(keyOf('k'), company, [])
    ledger.take(ledger.statement('party.register@1', party, last, { request }))
    expect(readKey(ledger.state, keyOf('k').kid)?.vouchedBy).toEqual(['wuhan'])
    // A company's key past its term is another matter: its members' words register a new one.
    const company1 = ledger.register('with a term', company, roles, ['guangzhou', 'beijing'])
    expect(ledger.submit(attest(ledger, company1))).toBe('accepted')
    const short = request2(ledger, keyOf('short'), company, roles, { notAfter: formatTime(ledger.blockTime + 1) })
    ledger.take(rotate(ledger, company1, short))
    ledger.blockTime += 2
    const after = request2(ledger, keyOf('after'), company, roles)
    expect(ledger.submit(rotate(ledger, keyOf('short'), after))).toBe('key.expired')
  })
})

describe('a daily key', () => {
  const standing = (members: readonly string[]) => {
    const ledger = found()
    const strong = ledger.register('strong', company, roles, members)
    const key = keyOf('daily')
    ledger.take(delegate(ledger, strong, daily(ledger, key, strong)))
    return { ledger, strong, key }
  }

  it('signs the types it was lent for, in its roles and term, and decides about no key', () => {
    const { ledger, strong, key } = standing(['guangzhou', 'wuhan'])
    expect(readKey(ledger.state, key.kid)).toMatchObject({
      delegator: strong.kid,
      types: ['attest.hash'],
      agreed: true,
      roles: ['agency'],
    })
    expect(ledger.submit(attest(ledger, key), { member: 'hangzhou' })).toBe('accepted')
    expect(ledger.submit(ledger.statement('auction.withdraw@1', company, key, {}))).toBe('schema.violation')
    const lot = { lot: { owner: other, scheme: 'x', code: 'y' }, reason: '原因' }
    expect(ledger.submit(ledger.statement('auction.withdraw@1', company, key, lot))).toBe('key.type-not-delegated')
    expect(ledger.submit(attest(ledger, key), { blockTime: now + day + 1 })).toBe('key.expired')
  })

  it('stands as its delegator does, and ends with it', () => {
    const { ledger, strong, key } = standing(['guangzhou'])
    expect(ledger.submit(attest(ledger, key), { member: 'wuhan' })).toBe('key.out-of-scope')
    ledger.take(ledger.approval('wuhan', ledger.keyRequest(strong, company, roles)))
    expect(ledger.submit(attest(ledger, key), { member: 'beijing' })).toBe('accepted')
    for (const member of ['guangzhou', 'wuhan']) ledger.take(takeBack(ledger, strong, member))
    expect(readKey(ledger.state, key.kid)).toMatchObject({ agreed: false, endsAt: now })
    expect(ledger.submit(attest(ledger, key))).toBe('key.revoked')
  })

  it('ends at the time at which its delegator is rotated', () => {
    const { ledger, strong, key } = standing(['guangzhou', 'wuhan'])
    const request = request2(ledger, keyOf('next'), company, roles)
    ledger.take(rotate(ledger, strong, request, { endsAt: formatTime(now + 5_000) }))
    expect(ledger.submit(attest(ledger, key), { blockTime: now + 4_999 })).toBe('accepted')
    expect(ledger.submit(attest(ledger, key), { blockTime: now + 5_000 })).toBe('key.revoked')
  })

  it('even of a centre neither vouches nor registers nor delegates nor rotates', () => {
    const ledger = found()
    const { party } = ledger.member('wuhan')
    const [centre, key] = [keyOf('wuhan centre'), keyOf('wuhan daily')]
    const types = ['party.register', 'key.rotate', 'key.delegate', 'key.revoke', 'rules.activate', 'attest.hash']
    const lent = request2(ledger, key, party, ['centre'], {
      delegator: centre.kid,
      types,
      notAfter: formatTime(now + day),
    })
    ledger.take(delegate(ledger, centre, lent, party))
    const request = ledger.keyRequest(keyOf('k'), company, [])
    const entitled = 'key.delegated-not-entitled'
    expect(ledger.submit(ledger.statement('party.register@1', party, key, { request }))).toBe(entitled)
    const again = request2(ledger, keyOf('k'), party)
    expect(ledger.submit(ledger.statement('party.register@2', party, key, { request: again }))).toBe(entitled)
    expect(ledger.submit(rotate(ledger, key, again, {}, party))).toBe(entitled)
    expect(ledger.submit(delegate(ledger, key, again, party))).toBe(entitled)
    ledger.register('k', company, [], ['wuhan'])
    expect(ledger.submit(revoke(ledger, keyOf('k'), key, party))).toBe('key.revoker-not-entitled')
    expect(ledger.submit(revoke(ledger, centre, key, party))).toBe('key.revoker-not-entitled')
    expect(ledger.submit(attest(ledger, key, party))).toBe('accepted')
    // It can stop itself: whoever finds it on the server should.
    expect(ledger.submit(revoke(ledger, key, key, party))).toBe('accepted')
    expect(ledger.submit(attest(ledger, centre, party))).toBe('accepted')
  })

  it('is no key that a member can vouch for, nor one whose word it can take back', () => {
    const { ledger, strong, key } = standing(['guangzhou', 'wuhan'])
    const request = daily(ledger, key, strong)
    const approve = ledger.statement('party.register@2', ledger.member('beijing').party, keyOf('beijing centre'), {
      request,
    })
    expect(ledger.submit(approve)).toBe('party.request-malformed')
    expect(ledger.submit(takeBack(ledger, key, 'wuhan'))).toBe('key.revoker-not-entitled')
  })
})

/**
 * State by event, as a table: how a key stands, and who does what with it. Everything that is not taken is refused with its code and changes
 * no row.
 */
describe('keys, state by event', () => {
  const strong = keyOf('table strong')
  const target = keyOf('table target')
  const next = (ledger: FoundedLedger) => request2(ledger, keyOf('table next'), company, ['agency'])

  const states: Readonly<Record<string, (ledger: FoundedLedger) => void>> = {
    none: () => undefined,
    'one word': (ledger) => ledger.register('table target', company, ['agency'], ['guangzhou']),
    'two words': (ledger) => ledger.register('table target', company, ['agency'], ['guangzhou', 'wuhan']),
    company: (ledger) => {
      const request = ledger.keyRequest(target, company, ['agency'])
      ledger.take(ledger.statement('party.register@1', company, strong, { request }))
    },
    daily: (ledger) => ledger.take(delegate(ledger, strong, daily(ledger, target, strong))),
    'to end': (ledger) => {
      ledger.register('table target', company, ['agency'], ['guangzhou', 'wuhan'])
      const request = request2(ledger, keyOf('table successor'), company, ['agency'])
      ledger.take(rotate(ledger, target, request, { endsAt: formatTime(now + day) }))
    },
    revoked: (ledger) => {
      ledger.register('table target', company, ['agency'], ['guangzhou', 'wuhan'])
      ledger.take(revoke(ledger, target, target))
    },
    expired: (ledger) => {
      const request = ledger.keyRequest(target, company, ['agency'], { notAfter: formatTime(now) })
      for (const member of ['guangzhou', 'wuhan']) ledger.take(ledger.approval(member, request))
      ledger.blockTime = now + 1
    },
  }
  const events: Readonly<Record<string, (ledger: FoundedLedger) => Statement>> = {
    attests: (ledger) => attest(ledger, target),
    'revokes itself': (ledger) => revoke(ledger, target, target),
    'is revoked by its company': (ledger) => revoke(ledger, target, strong),
    'is revoked by a lesser key of its company': (ledger) => revoke(ledger, target, keyOf('table lesser')),
    'loses guangzhou’s word': (ledger) => takeBack(ledger, target, 'guangzhou'),
    'loses hangzhou’s word': (ledger) => takeBack(ledger, target, 'hangzhou'),
    'is revoked by a stranger': (ledger) => revoke(ledger, target, keyOf('table stranger'), other),
    rotates: (ledger) => rotate(ledger, target, next(ledger)),
    delegates: (ledger) => delegate(ledger, target, daily(ledger, keyOf('table next'), target)),
    'is vouched for by beijing': (ledger) =>
      ledger.approval('beijing', ledger.keyRequest(target, company, ['agency'], termOf(ledger))),
  }
  const termOf = (ledger: FoundedLedger): JsonObject => {
    const notAfter = readOwnKey(ledger.state, target.kid)?.notAfter ?? null
    return notAfter === null ? {} : { notAfter: formatTime(notAfter) }
  }

  const ok = 'accepted'
  const notEntitled = 'key.revoker-not-entitled'
  const table: Readonly<Record<string, readonly string[]>> = {
    //            attests, itself, company, lesser, guangzhou, hangzhou, stranger, rotates, delegates, beijing
    none: [
      ...['key.unknown', 'key.unknown', 'key.no-such-key', 'key.no-such-key', 'key.no-such-key', 'key.no-such-key'],
      ...['key.no-such-key', 'key.unknown', 'key.unknown', ok],
    ],
    'one word': [ok, ok, ok, 'key.role-not-held', ok, notEntitled, notEntitled, ok, ok, ok],
    'two words': [ok, ok, ok, 'key.role-not-held', ok, notEntitled, notEntitled, ok, ok, ok],
    company: [ok, ok, ok, 'key.role-not-held', notEntitled, notEntitled, notEntitled, ok, ok, ok],
    daily: [
      ...[ok, ok, ok, 'key.role-not-held', notEntitled, notEntitled, notEntitled],
      ...['key.type-not-delegated', 'key.type-not-delegated', 'key.already-registered'],
    ],
    'to end': [ok, ok, ok, 'key.role-not-held', ok, notEntitled, notEntitled, 'key.already-ended', ok, ok],
    revoked: [
      ...['key.revoked', 'key.revoked', 'key.already-ended', 'key.already-ended', 'key.already-ended', notEntitled],
      ...[notEntitled, 'key.revoked', 'key.revoked', 'key.already-ended'],
    ],
    expired: [
      ...['key.expired', 'key.expired', ok, 'key.role-not-held', ok, notEntitled, notEntitled],
      ...['key.expired', 'key.expired', ok],
    ],
  }

  const base = found()
  base.register('table strong', company, roles, ['guangzhou', 'wuhan'])
  base.register('table lesser', company, [], ['guangzhou', 'wuhan'])
  base.register('table stranger', other, roles, ['guangzhou', 'wuhan'])

  it.each(Object.keys(states))('%s', (state) => {
    const arrived = base.fork()
    states[state]!(arrived)
    const codes = Object.values(events).map((event) => {
      const ledger = arrived.fork()
      const before = ledger.rows()
      const code = ledger.submit(event(ledger))
      if (code !== ok) expect(ledger.rows()).toEqual(before)
      return code
    })
    expect(Object.fromEntries(Object.keys(events).map((event, i) => [event, codes[i]]))).toEqual(
      Object.fromEntries(Object.keys(events).map((event, i) => [event, table[state]![i]])),
    )
  })
})

describe('records about keys are refused, and change no row', () => {
  const ledger = found()
  const strong = ledger.register('strong', company, roles, ['guangzhou', 'wuhan'])
  const fresh = keyOf('fresh')
  const wuhan = ledger.member('wuhan').party

  it.each<[string, string, () => Statement]>([
    [
      'a centre’s key that revokes itself',
      'key.centre-by-itself',
      () => revoke(ledger, keyOf('wuhan centre'), keyOf('wuhan centre'), wuhan),
    ],
    [
      'a centre’s key revoked by another centre',
      'key.revoker-not-entitled',
      () => takeBack(ledger, keyOf('wuhan centre'), 'beijing'),
    ],
    ['a reason that does not exist', 'schema.violation', () => ledger.statement('key.revoke@1', company, strong, {})],
    [
      'rotation to another party’s key',
      'key.other-party',
      () => rotate(ledger, strong, request2(ledger, fresh, other, [])),
    ],
    [
      'rotation to roles it does not have',
      'key.role-not-held',
      () => rotate(ledger, strong, request2(ledger, fresh, company, ['supervisor'])),
    ],
    [
      'rotation of a centre’s key to one that is none',
      'key.bad-rotation',
      () => rotate(ledger, keyOf('wuhan centre'), request2(ledger, fresh, wuhan, ['sub-centre']), {}, wuhan),
    ],
    [
      'rotation in the past',
      'key.bad-rotation',
      () => rotate(ledger, strong, request2(ledger, fresh, company), { endsAt: formatTime(now - 1) }),
    ],
    [
      'rotation with a gap',
      'key.bad-rotation',
      () => rotate(ledger, strong, request2(ledger, fresh, company, [], { notBefore: formatTime(now + 1) })),
    ],
    [
      'rotation to a key whose term is over by then',
      'key.bad-rotation',
      () => rotate(ledger, strong, request2(ledger, fresh, company, [], { notAfter: formatTime(now) })),
    ],
    [
      'rotation to a registered key',
      'key.already-registered',
      () => rotate(ledger, strong, request2(ledger, strong, company)),
    ],
    [
      'rotation to a node’s key',
      'key.already-registered',
      () => rotate(ledger, strong, request2(ledger, keyOf('wuhan seal'), company)),
    ],
    [
      'rotation to a key that did not sign its request',
      'party.request-bad-signature',
      () => rotate(ledger, strong, request2(ledger, { ...fresh, sign: keyOf('thief').sign }, company)),
    ],
    [
      'rotation by a request of the first edition',
      'party.request-malformed',
      () => rotate(ledger, strong, ledger.keyRequest(fresh, company, [])),
    ],
    [
      'rotation by a request for delegation',
      'party.request-malformed',
      () => rotate(ledger, strong, daily(ledger, fresh, strong)),
    ],
    [
      'delegation by a request that names another key',
      'party.request-malformed',
      () => delegate(ledger, strong, daily(ledger, fresh, keyOf('thief'))),
    ],
    [
      'delegation without types',
      'party.request-malformed',
      () => delegate(ledger, strong, request2(ledger, fresh, company, [], { delegator: strong.kid })),
    ],
    [
      'delegation for the same type twice',
      'party.request-malformed',
      () => delegate(ledger, strong, daily(ledger, fresh, strong, { types: ['a.b', 'a.b'] })),
    ],
    [
      'delegation for too many types',
      'party.request-malformed',
      () => {
        const types = Array.from({ length: delegatedTypesMax + 1 }, (_, i) => `a.b${i}`)
        return delegate(ledger, strong, daily(ledger, fresh, strong, { types }))
      },
    ],
    [
      'delegation of roles it does not have, even by a centre',
      'key.role-not-held',
      () =>
        delegate(
          ledger,
          keyOf('wuhan centre'),
          request2(ledger, fresh, wuhan, ['sub-centre'], { delegator: keyOf('wuhan centre').kid, types: ['a.b'] }),
          wuhan,
        ),
    ],
    [
      'delegation without an end',
      'key.delegation-too-long',
      () =>
        delegate(
          ledger,
          strong,
          request2(ledger, fresh, company, [], { delegator: strong.kid, types: ['attest.hash'] }),
        ),
    ],
    [
      'delegation for more than a quarter',
      'key.delegation-too-long',
      () => delegate(ledger, strong, daily(ledger, fresh, strong, { notAfter: formatTime(now + delegationMsMax + 1) })),
    ],
    [
      'delegation to another party',
      'key.other-party',
      () =>
        delegate(
          ledger,
          strong,
          request2(ledger, fresh, other, [], { delegator: strong.kid, types: ['a.b'], notAfter: formatTime(now + 1) }),
        ),
    ],
    [
      'delegation to a registered key',
      'key.already-registered',
      () => delegate(ledger, strong, daily(ledger, strong, strong)),
    ],
  ])('%s: %s', (_, code, statement) => {
    const before = ledger.rows()
    expect(ledger.submit(statement())).toBe(code)
    expect(ledger.rows()).toEqual(before)
  })

  it('a delegation to the last millisecond is taken; one that outlasts its delegator is not', () => {
    const fork = ledger.fork()
    const until = formatTime(now + delegationMsMax)
    fork.take(delegate(fork, strong, daily(fork, keyOf('quarter'), strong, { notAfter: until })))
    fork.take(rotate(fork, strong, request2(fork, keyOf('next'), company, roles), { endsAt: formatTime(now + 500) }))
    const late = daily(fork, fresh, strong, { notAfter: formatTime(now + 501) })
    expect(fork.submit(delegate(fork, strong, late))).toBe('key.delegation-too-long')
    const short = request2(fork, keyOf('short'), company, ['agency'], { notAfter: formatTime(now + day) })
    fork.take(rotate(fork, keyOf('next'), short))
    const longer = daily(fork, fresh, keyOf('short'), { notAfter: formatTime(now + day + 1) })
    expect(fork.submit(delegate(fork, keyOf('short'), longer))).toBe('key.delegation-too-long')
  })
})

describe('what a party may do', () => {
  /** Deeds of agreed keys and of centres, and revocations by anybody; drawn as numbers, so that a failing run shrinks. */
  const names = ['a', 'b', 'c', 'd'] as const
  const deed = fc.record({
    kind: fc.constantFrom('register', 'revoke', 'rotate', 'delegate', 'attest', 'take back'),
    signer: fc.constantFrom(...names, 'guangzhou centre', 'wuhan centre'),
    about: fc.constantFrom(...names),
    via: fc.tuple(fc.nat(3), fc.nat(3)),
    later: fc.nat(2_000),
  })
  const members = ['beijing', 'guangzhou', 'hangzhou', 'wuhan']

  it('never depends on which member it used', () => {
    const base = found()
    base.register('a', company, roles, ['guangzhou', 'wuhan'])
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 12 }), (deeds) => {
        const [here, there] = [base.fork(), base.fork()]
        for (const { kind, signer, about, via, later } of deeds) {
          for (const ledger of [here, there]) ledger.blockTime += later
          const key = keyOf(signer)
          const party = signer.includes(' ') ? here.member(signer.split(' ')[0]!).party : company
          const statement = {
            register: () =>
              here.statement('party.register@2', party, key, {
                request: request2(here, keyOf(about), company, ['agency']),
              }),
            revoke: () => revoke(here, keyOf(about), key, party),
            'take back': () => takeBack(here, keyOf(about), 'wuhan'),
            rotate: () => rotate(here, key, request2(here, keyOf(about), party, ['agency']), {}, party),
            delegate: () => delegate(here, key, daily(here, keyOf(about), key), party),
            attest: () => attest(here, key, party),
          }[kind]!()
          // What one member's word limits to that member is the other half of the rule, and not asked here.
          const row = readKey(here.state, statement.kid)
          if (row?.agreed === false && statement.type !== 'key.revoke@1') continue
          const codes = [here, there].map((ledger, i) => ledger.submit(statement, { member: members[via[i]!]! }))
          expect(codes[0]).toBe(codes[1])
          expect(there.rows()).toEqual(here.rows())
        }
      }),
      { numRuns: 150 },
    )
  })
})
