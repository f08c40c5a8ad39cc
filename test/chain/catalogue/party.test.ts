import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex } from '../../../src/chain/bytes.ts'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { keyRequestBytesMax } from '../../../src/chain/catalogue/key-request.ts'
import { isInScopeOf, kidsOf, readKey, readParty, rowName } from '../../../src/chain/catalogue/register.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { taggedEd25519, verifySignature } from '../../../src/chain/keys.ts'
import { parseSignedObject, signStatement } from '../../../src/chain/statement.ts'
import { FoundedLedger, keyOf, syntheticParty } from './founded-ledger.ts'

const catalogue = catalogueOf(knownTypeNames)
const found = (): FoundedLedger => FoundedLedger.found(catalogue)
const company = syntheticParty('440100', 20)
const roles = ['trading-platform', 'agency']

describe('party.register: a company’s key', () => {
  it('with one member’s word is registered, not agreed, and says whose word it was', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou'])
    expect(readKey(ledger.state, key.kid)).toEqual({
      party: company,
      name: `${company} 公司`,
      roles,
      vouchedBy: ['guangzhou'],
      agreed: false,
      byCompany: false,
      formerScopes: [],
      endsAt: null,
      endedBy: null,
      successor: '',
      delegator: '',
      types: null,
      notBefore: null,
      notAfter: null,
      index: 1,
      request: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(readParty(ledger.state, company)).toEqual({
      member: '',
      keyCount: 1,
      agreedVouchers: [],
      vouchers: ['guangzhou'],
    })
    expect(kidsOf(ledger.state, company, 10)).toEqual([key.kid])
  })

  it('with a second member’s word is agreed, and keeps the index of its first record', () => {
    const ledger = found()
    const key = ledger.register('k', company, roles, ['guangzhou', 'wuhan'])
    expect(readKey(ledger.state, key.kid)).toMatchObject({ vouchedBy: ['guangzhou', 'wuhan'], agreed: true, index: 1 })
    expect(readParty(ledger.state, company)).toMatchObject({ keyCount: 1, agreedVouchers: ['guangzhou', 'wuhan'] })
  })

  it('may get further words after it is agreed, which widen who vouches for the owner', () => {
    const ledger = found()
    ledger.register('k', company, roles, ['guangzhou', 'wuhan'])
    expect(isInScopeOf(ledger.state, company, 'beijing')).toBe(false)
    const request = ledger.keyRequest(keyOf('k'), company, roles)
    expect(ledger.submit(ledger.approval('beijing', request))).toBe('accepted')
    expect(isInScopeOf(ledger.state, company, 'beijing')).toBe(true)
  })

  it('approved by an agreed key of the company is agreed at once', () => {
    const ledger = found()
    const old = ledger.register('old', company, roles, ['guangzhou', 'wuhan'])
    const request = ledger.keyRequest(keyOf('new'), company, ['agency'])
    expect(ledger.submit(ledger.statement('party.register@1', company, old, { request }))).toBe('accepted')
    expect(readKey(ledger.state, keyOf('new').kid)).toMatchObject({ agreed: true, vouchedBy: [], roles: ['agency'] })
    expect(kidsOf(ledger.state, company, 10)).toEqual([old.kid, keyOf('new').kid])
    expect(kidsOf(ledger.state, company, 1)).toEqual([keyOf('new').kid])
  })

  it('in one member’s scope becomes agreed by the company’s agreed key', () => {
    const ledger = found()
    const old = ledger.register('old', company, roles, ['guangzhou', 'wuhan'])
    const pending = ledger.register('pending', company, ['agency'], ['beijing'])
    const request = ledger.keyRequest(pending, company, ['agency'])
    expect(ledger.submit(ledger.statement('party.register@1', company, old, { request }))).toBe('accepted')
    expect(readKey(ledger.state, pending.kid)).toMatchObject({ agreed: true, vouchedBy: ['beijing'] })
  })

  it('has a term when the request gives one', () => {
    const ledger = found()
    const term = { notBefore: '2026-01-01T00:00:00+08:00', notAfter: '2027-01-01T00:00:00.500+08:00' }
    ledger.submit(ledger.approval('wuhan', ledger.keyRequest(keyOf('k'), company, [], term)))
    expect(readKey(ledger.state, keyOf('k').kid)).toMatchObject({
      notBefore: Date.UTC(2025, 11, 31, 16),
      notAfter: Date.UTC(2026, 11, 31, 16, 0, 0, 500),
    })
  })

  it('may belong to a foreign company or a natural person', () => {
    const ledger = found()
    for (const party of ['id:LEI:5493001KJTIIGC8Y1R12', 'id:x:a/b%c', `person:${'0a'.repeat(32)}`]) {
      const key = ledger.register(party, party, [], ['wuhan', 'beijing'])
      expect(kidsOf(ledger.state, party, 10)).toEqual([key.kid])
    }
  })

  it('is listed under the company, which is the subject of the record', () => {
    const ledger = found()
    const { payload } = ledger.approval('wuhan', ledger.keyRequest(keyOf('k'), company, []))
    expect(catalogue.typeOf('party.register@1')!.subjects(payload)).toEqual({ parties: [company] })
  })
})

describe('party.register: a member’s own organisation', () => {
  it('gets further keys by its centre key alone, in any role, also a new centre key', () => {
    const ledger = found()
    const { party } = ledger.member('wuhan')
    for (const role of ['sub-centre', 'trading-platform', 'centre']) {
      const request = ledger.keyRequest(keyOf(`wuhan ${role} 2`), party, [role])
      expect(ledger.submit(ledger.approval('wuhan', request))).toBe('accepted')
      expect(readKey(ledger.state, keyOf(`wuhan ${role} 2`).kid)).toMatchObject({ agreed: true, vouchedBy: [] })
    }
    // The new centre key speaks for the centre.
    const request = ledger.keyRequest(keyOf('k'), company, [])
    const approval = ledger.statement('party.register@1', party, keyOf('wuhan centre 2'), { request })
    expect(ledger.submit(approval)).toBe('accepted')
    expect(readKey(ledger.state, keyOf('k').kid)?.vouchedBy).toEqual(['wuhan'])
  })

  it('gets no centre key from other members, not even from two of them', () => {
    const ledger = found()
    const request = ledger.keyRequest(keyOf('false centre'), ledger.member('wuhan').party, ['centre'])
    expect(ledger.submit(ledger.approval('guangzhou', request))).toBe('key.centre-reserved')
    expect(ledger.submit(ledger.approval('beijing', request))).toBe('key.centre-reserved')
  })

  it('two keys of one centre are one member’s word', () => {
    const ledger = found()
    const { party } = ledger.member('wuhan')
    ledger.submit(ledger.approval('wuhan', ledger.keyRequest(keyOf('wuhan centre 2'), party, ['centre'])))
    const request = ledger.keyRequest(keyOf('k'), company, [])
    expect(ledger.submit(ledger.approval('wuhan', request))).toBe('accepted')
    const again = ledger.statement('party.register@1', party, keyOf('wuhan centre 2'), { request })
    expect(ledger.submit(again)).toBe('key.already-approved')
    expect(readKey(ledger.state, keyOf('k').kid)?.agreed).toBe(false)
  })

  it('a key that another member registered as this one’s stays in that member’s scope', () => {
    const ledger = found()
    ledger.register('false issuer', ledger.member('beijing').party, ['guarantee-issuer'], ['guangzhou'])
    expect(readKey(ledger.state, keyOf('false issuer').kid)).toMatchObject({ agreed: false, vouchedBy: ['guangzhou'] })
    expect(readParty(ledger.state, ledger.member('beijing').party)?.member).toBe('beijing')
    // And it approves nothing in Beijing's name.
    const request = ledger.keyRequest(keyOf('k'), ledger.member('beijing').party, ['guarantee-issuer'])
    const approval = ledger.statement('party.register@1', ledger.member('beijing').party, keyOf('false issuer'), {
      request,
    })
    expect(ledger.submit(approval)).toBe('party.approver-not-entitled')
  })
})

describe('party.register refuses, and changes no row', () => {
  const ledger = found()
  ledger.register('registered', company, roles, ['guangzhou', 'wuhan'])
  ledger.register('unilateral', company, roles, ['guangzhou'])
  const other = syntheticParty('440100', 21)
  const otherKey = ledger.register('other', other, ['agency'], ['beijing', 'wuhan'])
  const { genesis } = ledger
  const fields = { ledger: genesis.ledger, type: 'party.key-request@1', party: company, name: '某公司', roles }
  const signed = (change: JsonObject): string => signStatement({ ...fields, ...change }, keyOf('fresh'))
  const good = signed({})
  const byMember = (request: string) => ledger.approval('beijing', request)
  const smallOrder = { ...keyOf('fresh'), tagged: taggedEd25519(Uint8Array.of(1, ...new Uint8Array(31))) }

  it.each<[string, string, () => ReturnType<FoundedLedger['statement']>]>([
    ['text that is no JWS', 'party.request-malformed', () => byMember('request')],
    ['a request too long', 'schema.violation', () => byMember('x'.repeat(keyRequestBytesMax + 1))],
    [
      'no request',
      'schema.violation',
      () => ledger.statement('party.register@1', ledger.member('beijing').party, keyOf('beijing centre'), {}),
    ],
    [
      'a statement in place of a request',
      'party.request-malformed',
      () => byMember(ledger.approval('wuhan', good).jws),
    ],
    ['a request of another type', 'party.request-malformed', () => byMember(signed({ type: 'party.key-request@2' }))],
    ['a request with a field more', 'party.request-malformed', () => byMember(signed({ admin: true }))],
    ['a role that does not exist', 'party.request-malformed', () => byMember(signed({ roles: ['king'] }))],
    ['a role twice', 'party.request-malformed', () => byMember(signed({ roles: ['agency', 'agency'] }))],
    [
      'a term that ends before it begins',
      'party.request-malformed',
      () => byMember(signed({ notBefore: '2026-01-02T00:00:00Z', notAfter: '2026-01-01T00:00:00Z' })),
    ],
    ['a term that is no time', 'time.malformed', () => byMember(signed({ notAfter: '2026-01-01' }))],
    ['a wrong USCC', 'party.bad-uscc', () => byMember(signed({ party: 'uscc:91350100M000100Y4Z' }))],
    ['a party that is none', 'party.malformed', () => byMember(signed({ party: 'company' }))],
    ['a request for another ledger', 'statement.wrong-ledger', () => byMember(signed({ ledger: 'ab'.repeat(32) }))],
    [
      'a request that the new key did not sign',
      'party.request-bad-signature',
      () => byMember(signStatement(fields, { ...keyOf('fresh'), sign: keyOf('thief').sign })),
    ],
    [
      'a request changed after signing',
      'party.request-bad-signature',
      () => {
        const [header, , signature] = good.split('.')
        const payload = signed({ roles: ['supervisor'] }).split('.')[1]
        return byMember(`${header}.${payload}.${signature}`)
      },
    ],
    ['a key of small order', 'party.request-bad-signature', () => byMember(signStatement(fields, smallOrder))],
    [
      'an approver that is a company of its own',
      'party.approver-not-entitled',
      () => ledger.statement('party.register@1', other, otherKey, { request: good }),
    ],
    [
      'an approver whose own key is in one member’s scope',
      'party.approver-not-entitled',
      () => ledger.statement('party.register@1', company, keyOf('unilateral'), { request: good }),
    ],
    [
      'the new key as its own approver',
      'key.unknown',
      () => ledger.statement('party.register@1', company, keyOf('fresh'), { request: good }),
    ],
    [
      'a role the approving company key does not have',
      'key.role-not-held',
      () =>
        ledger.statement('party.register@1', company, keyOf('registered'), {
          request: signed({ roles: ['supervisor'] }),
        }),
    ],
    ['the role centre for a company', 'key.centre-reserved', () => byMember(signed({ roles: ['centre'] }))],
    [
      'the same approval again',
      'key.already-approved',
      () => ledger.approval('wuhan', ledger.keyRequest(keyOf('registered'), company, roles)),
    ],
    [
      'an approval by the company of what is agreed',
      'key.already-approved',
      () =>
        ledger.statement('party.register@1', company, keyOf('registered'), {
          request: ledger.keyRequest(keyOf('registered'), company, roles),
        }),
    ],
    [
      'other roles for a registered key',
      'key.already-registered',
      () => byMember(ledger.keyRequest(keyOf('registered'), company, ['agency'])),
    ],
    [
      'another name for a registered key',
      'key.already-registered',
      () => byMember(ledger.keyRequest(keyOf('registered'), company, roles, { name: '冒名' })),
    ],
    [
      'another company for a registered key',
      'key.already-registered',
      () => byMember(ledger.keyRequest(keyOf('registered'), other, roles)),
    ],
    [
      'a member’s centre key for a company',
      'key.already-registered',
      () => byMember(ledger.keyRequest(keyOf('wuhan centre'), company, roles)),
    ],
    [
      'a node’s seal key as a company’s',
      'key.already-registered',
      () => byMember(ledger.keyRequest(keyOf('wuhan seal'), company, roles)),
    ],
    [
      'a governance key as a company’s',
      'key.already-registered',
      () => byMember(ledger.keyRequest(keyOf('wuhan governance'), company, roles)),
    ],
  ])('%s: %s', (_, code, statement) => {
    const before = ledger.rows()
    expect(ledger.submit(statement())).toBe(code)
    expect(ledger.rows()).toEqual(before)
  })

  it('naming the field inside the request', () => {
    const refusal = ledger.submitForRefusal(byMember(signed({ roles: ['king'], name: '' })))!
    expect(refusal.fields.map(({ pointer }) => pointer)).toEqual(['/request/name', '/request/roles/0'])
  })

  it('nothing of the request that these cases are made from', () => {
    expect(ledger.submit(byMember(good))).toBe('accepted')
  })

  it('a key with a component of small order, though its signature passes: key.not-acceptable', () => {
    const key = torsionKey()
    const request = signStatement(fields, key)
    const { signingKey, message, signature } = parseSignedObject(request, keyRequestBytesMax)
    expect(verifySignature(signingKey, message, signature)).toBe(true)
    expect(ledger.submit(byMember(request))).toBe('key.not-acceptable')
  })
})

/**
 * A = a·B + T with T of order 8. Where k = H(R ‖ A ‖ M) is divisible by 8, k·T vanishes and S = r + k·a satisfies the
 * cofactorless equation, so whoever tries eight nonces or so can sign; and A + T would verify the same signature.
 */
function torsionKey() {
  const { Point } = ed25519
  const order = Point.Fn.ORDER
  const secret = 1_234_567_890_123_456_789n
  const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const publicKey = Point.BASE.multiply(secret).add(torsion).toBytes()
  const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.toReversed())}`)
  const sign = (message: Uint8Array): Uint8Array => {
    for (let nonce = 2n; ; nonce++) {
      const commitment = Point.BASE.multiply(nonce).toBytes()
      const challenge = littleEndian(sha512(concat(commitment, publicKey, message))) % order
      if (challenge % 8n !== 0n) continue
      const response = (nonce + challenge * secret) % order
      return concat(commitment, fromHex(response.toString(16).padStart(64, '0'))!.toReversed())
    }
  }
  return { tagged: taggedEd25519(publicKey), sign }
}

describe('names of rows', () => {
  it('never meet, whatever slashes the parts hold', () => {
    const names = [
      rowName('t', 'a/b', 'c'),
      rowName('t', 'a', 'b/c'),
      rowName('t', 'a', 'b', 'c'),
      rowName('t', 'a%2Fb', 'c'),
    ]
    expect(new Set(names).size).toBe(names.length)
    expect(rowName('party', company)).toBe(`party/${company}`)
  })
})
