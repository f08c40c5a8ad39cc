import { describe, expect, it } from 'vitest'
import { fromUtf8, toHex, utf8 } from '../../src/chain/bytes.ts'
import { readKey, readParty } from '../../src/chain/catalogue/register.ts'
import type { CborValue } from '../../src/chain/cbor.ts'
import {
  buildGenesis,
  defaultParameters,
  type Founding,
  formatGenesisSignature,
  type GenesisMember,
  genesisSignatureMessage,
  genesisState,
  membersWithoutSignature,
  nodeIdOf,
  parseGenesis,
  receivedWindowMin,
  verifyGenesisSignature,
} from '../../src/chain/genesis.ts'
import { canonicalJson, type JsonObject } from '../../src/chain/json.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import { Refusal } from '../../src/chain/refusal.ts'
import { founding, fourCities, keyOf, memberOf, syntheticParty } from './catalogue/founded-ledger.ts'

const genesis = buildGenesis(founding)

function refusalOf(run: () => unknown): Refusal {
  try {
    run()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('accepted')
}

describe('the genesis of four cities', () => {
  it('is one canonical JSON object with the members sorted by id', () => {
    const text = fromUtf8(genesis.entry)
    expect(canonicalJson(JSON.parse(text))).toBe(text)
    expect(Object.keys(JSON.parse(text))).toEqual(['genesis'])
    expect(genesis.members.map(({ id }) => id)).toEqual(['beijing', 'guangzhou', 'hangzhou', 'wuhan'])
    expect(genesis.origin).toBe('gongzheng.example/0123456789abcdef0123456789abcdef')
  })

  it('names the ledger by the SHA-256 of its bytes, and shows twenty digits of it to people', async () => {
    const digest = toHex(
      new Uint8Array(await crypto.subtle.digest('SHA-256', genesis.entry as Uint8Array<ArrayBuffer>)),
    )
    expect(genesis.ledger).toBe(digest)
    expect(genesis.fingerprint).toMatch(/^[0-9A-F]{4}(-[0-9A-F]{4}){4}$/)
    expect(genesis.fingerprint.replaceAll('-', '').toLowerCase()).toBe(digest.slice(0, 20))
  })

  it('computes the quorum and how many may lie', () => {
    expect([genesis.quorum, genesis.faults]).toEqual([3, 1])
  })

  it('reads back as it was built, in whatever order the members were collected', () => {
    expect(parseGenesis(genesis.entry)).toEqual(genesis)
    expect(buildGenesis({ ...founding, members: [...fourCities].reverse() }).ledger).toBe(genesis.ledger)
  })

  it('begins with every organisation registered, its centre key agreed, and nothing else', () => {
    const rows = new Map<string, CborValue>()
    const state = {
      get: (key: string) => rows.get(key),
      set: (key: string, value: CborValue) => void rows.set(key, value),
    }
    genesisState(genesis, state)
    for (const member of genesis.members) {
      expect(readParty(state, member.party)).toMatchObject({ member: member.id, keyCount: 1 })
      expect(readKey(state, member.centreKey)).toMatchObject({
        party: member.party,
        roles: ['centre'],
        agreed: true,
        vouchedBy: [member.id],
        index: 0,
      })
    }
    expect(rows.size).toBe(3 * genesis.members.length)
  })

  it('has room for 64 members with eight addresses each in one entry', () => {
    const members = Array.from({ length: 64 }, (_, at): GenesisMember => {
      const city = fourCities[0]!
      // Only the size is of interest here; keys are checked one by one elsewhere.
      return {
        ...city,
        id: `m${at}`,
        name: '某某市公共资源交易中心',
        addresses: Array(8).fill('/dns4/node.example.cn/tcp/9000'),
      }
    })
    const size = utf8(canonicalJson({ genesis: { ...founding, members } } as unknown as JsonObject)).length
    expect(size).toBeLessThan(65_535)
  })
})

describe('buildGenesis refuses, naming the field', () => {
  const changed = (change: Partial<Founding>): Founding => ({ ...founding, ...change })
  const first = fourCities[0]!
  const others = fourCities.slice(1)
  const withFirst = (change: Partial<GenesisMember>): Founding =>
    changed({ members: [{ ...first, ...change }, ...others] })
  const withNode = (change: Partial<GenesisMember['node']>): Founding =>
    withFirst({ node: { ...first.node, ...change } })
  /** y = −1, of order 2: canonical, on the curve, but of small order. */
  const smallOrder = new Uint8Array(32).fill(0xff)
  smallOrder[0] = 0xec
  smallOrder[31] = 0x7f

  // Sorted by id, guangzhou stands at 1.
  it.each<[string, Founding, string]>([
    ['no members', changed({ members: [] }), '/genesis/members'],
    ['a ledger name with a space', changed({ name: 'gong zheng' }), '/genesis/name'],
    ['a ledger name with a plus', changed({ name: 'gong+zheng' }), '/genesis/name'],
    ['a founding id that is no hex', changed({ foundingId: 'x'.repeat(32) }), '/genesis/foundingId'],
    ['a type without a version', changed({ catalogue: ['bid.record'] }), '/genesis/catalogue/0'],
    ['a type listed twice', changed({ catalogue: ['bid.record@1', 'bid.record@1'] }), '/genesis/catalogue'],
    ['a member id in capitals', withFirst({ id: 'Guangzhou' }), '/genesis/members/0/id'],
    ['the same member twice', changed({ members: [...fourCities, first] }), '/genesis/members/2/id'],
    ['one organisation with two votes', withFirst({ party: others[0]!.party }), '/genesis/members/1/party'],
    ['a person as a member', withFirst({ party: `person:${'a'.repeat(64)}` }), '/genesis/members/1/party'],
    ['a wrong USCC', withFirst({ party: 'uscc:91350100M000100Y4Z' }), '/genesis/members/1/party'],
    ['a region of five digits', withFirst({ region: '44010' }), '/genesis/members/1/region'],
    [
      'an address that is no multiaddr',
      withFirst({ addresses: ['node.example:9000'] }),
      '/genesis/members/1/addresses/0',
    ],
    ['a node id of another key', withNode({ id: '0'.repeat(16) }), '/genesis/members/1/node/id'],
    ['one key for two purposes', withNode({ cosign: first.node.log }), '/genesis/members/1/node/cosign'],
    ["another member's key", withFirst({ centreKey: others[0]!.centreKey }), '/genesis/members/1/centreKey'],
    [
      'a key of small order',
      withFirst({ centreKey: kidOf(taggedEd25519(smallOrder)) }),
      '/genesis/members/1/centreKey',
    ],
    ['a key that is no key', withFirst({ governanceKey: 'A'.repeat(44) }), '/genesis/members/1/governanceKey'],
    [
      'an election time-out of 0',
      changed({ parameters: { ...founding.parameters, electionTimeoutMs: 0 } }),
      '/genesis/parameters/electionTimeoutMs',
    ],
    [
      'a received window below rule 28',
      changed({
        parameters: { ...founding.parameters, receivedWindowMs: receivedWindowMin(4, founding.parameters) - 1 },
      }),
      '/genesis/parameters/receivedWindowMs',
    ],
    [
      'a parameter with a fraction',
      changed({ parameters: { ...founding.parameters, clockAheadMs: 10.5 } }),
      '/genesis/parameters/clockAheadMs',
    ],
  ])('%s', (_, bad, pointer) => {
    const refusal = refusalOf(() => buildGenesis(bad))
    expect(refusal.code).toBe('genesis.malformed')
    expect(refusal.fields.map((field) => field.pointer)).toContain(pointer)
  })

  it('only one spelling: no white space, no other order, no field more or less', () => {
    const text = fromUtf8(genesis.entry)
    const { genesis: content } = JSON.parse(text)
    const { origin, ...withoutOrigin } = content
    for (const bad of [
      ` ${text}`,
      text.replace('"catalogue"', '"catalogue" '),
      JSON.stringify({ genesis: { version: 1, ...content } }),
      canonicalJson({ genesis: { ...content, extra: 1 } }),
      canonicalJson({ genesis: withoutOrigin }),
      canonicalJson({ genesis: { ...content, origin: `${origin}0` } }),
      canonicalJson({ genesis: { ...content, members: [...content.members].reverse() } }),
      canonicalJson({ genesis: { ...content, foundedAt: '2026-01-01T00:00:00Z' } }),
      canonicalJson({ genesis: { ...content, version: 2 } }),
      '{}',
      'null',
    ]) {
      expect(refusalOf(() => parseGenesis(utf8(bad))).code).toBe('genesis.malformed')
    }
    expect(refusalOf(() => parseGenesis(Uint8Array.of(0xff))).code).toBe('genesis.malformed')
    expect(refusalOf(() => parseGenesis(utf8('{'))).code).toBe('json.malformed')
    expect(refusalOf(() => parseGenesis(new Uint8Array(65_536))).code).toBe('genesis.malformed')
  })
})

describe('protocol.md: default parameters', () => {
  it('keep rule 28 for every number of members, also where 60 s is too short', () => {
    for (let members = 1; members <= 64; members++) {
      const parameters = defaultParameters(members)
      expect(parameters.receivedWindowMs).toBeGreaterThanOrEqual(receivedWindowMin(members, parameters))
    }
    expect(defaultParameters(4).receivedWindowMs).toBe(60_000)
    expect(receivedWindowMin(4, defaultParameters(4))).toBe(16_000)
    expect(defaultParameters(64).receivedWindowMs).toBe(22 * 8_000)
  })
})

describe('signatures over the genesis', () => {
  const signedBy = (member: string, key = keyOf(`${member} governance`), over = genesis.ledger): string =>
    formatGenesisSignature({ ledger: over, member, signature: key.sign(genesisSignatureMessage(over, member)) })

  it('travel as small JSON files and are checked against the governance keys', () => {
    const file = signedBy('wuhan')
    expect(Object.keys(JSON.parse(file))).toEqual(['ledger', 'member', 'signature'])
    const signature = verifyGenesisSignature(genesis, file)
    expect(signature.member).toBe('wuhan')
    expect(membersWithoutSignature(genesis, [signature])).toEqual(['beijing', 'guangzhou', 'hangzhou'])
    expect(
      membersWithoutSignature(
        genesis,
        genesis.members.map(({ id }) => verifyGenesisSignature(genesis, signedBy(id))),
      ),
    ).toEqual([])
  })

  it.each<[string, string]>([
    ["another member's signature under this name", signedBy('wuhan').replace('wuhan', 'beijing')],
    ['the centre key in place of the governance key', signedBy('wuhan', keyOf('wuhan centre'))],
    ['a signature over another genesis', signedBy('wuhan', keyOf('wuhan governance'), 'ab'.repeat(32))],
    ['nobody we know', signedBy('foshan')],
    [
      'a changed signature',
      signedBy('wuhan').replace(/"signature":"./, (m) => m.slice(0, -1) + (m.endsWith('A') ? 'B' : 'A')),
    ],
    ['not a signature file', '{}'],
    ['not even an object', 'null'],
  ])('refuses %s', (_, file) => {
    expect(refusalOf(() => verifyGenesisSignature(genesis, file)).code).toBe('genesis.bad-signature')
  })
})

describe('the ledger of one member, and of members without a region code of their own', () => {
  it('are possible', () => {
    const corps = { ...memberOf('bingtuan', '660000'), party: syntheticParty('660000', 3) }
    expect(buildGenesis({ ...founding, members: [corps], parameters: defaultParameters(1) })).toMatchObject({
      quorum: 1,
      faults: 0,
    })
    expect(nodeIdOf(keyOf('bingtuan seal').tagged)).toBe(corps.node.id)
  })
})
