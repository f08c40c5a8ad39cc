/** The path of a statement: strict JSON, the compact JWS, and the rules of every record type, as intake and execution ask them. */
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson, readJson } from '../../../src/chain/json.ts'
import { Refusal } from '../../../src/chain/refusal.ts'
import {
  parseStatement,
  type Statement,
  signStatement,
  statementBytesMax,
  statementId,
} from '../../../src/chain/statement.ts'
import type { Random } from '../../../src/node/ports.ts'
import { FoundedLedger, keyOf, syntheticParty, type TestKey } from '../../chain/catalogue/founded-ledger.ts'
import { isDocumented } from '../codes.ts'
import { mutateJson, mutateText } from '../mutation.ts'
import { accepted, bytesOf, hold, looseText, refusedOr, type Subject } from '../subject.ts'

export const json: Subject = {
  name: 'json',
  share: 3,
  seeds: () =>
    [
      '{"a":[1,-0.5,"x\\u00e9\\n",null,true],"b":{"":{}}}',
      '[]',
      '"共证"',
      '{"10":1,"9":2}',
      '[1e-7,123456789.125]',
    ].map(bytesOf),
  mutate: mutateJson,
  judge: (input) =>
    refusedOr(
      Refusal,
      (code) => code === 'json.malformed',
      () => {
        const { value, canonical } = readJson(looseText(input))
        hold(canonicalJson(value) === canonical, 'the canonical spelling is that of the value')
        hold(canonicalJson(parseJson(canonical)) === canonical, 'and it reads back')
        hold(JSON.stringify(JSON.parse(canonical)) === JSON.stringify(value), 'the value is what the spelling says')
        hold(isWellFormed(value), 'no lone surrogates')
        hold(!('polluted' in {}) && Object.getPrototypeOf({}) === Object.prototype, 'no prototype was changed')
      },
    ),
}

function isWellFormed(value: JsonValue): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (value === null || typeof value !== 'object') return true
  return Object.entries(value).every(([name, item]) => name.isWellFormed() && isWellFormed(item as JsonValue))
}

const ledger = FoundedLedger.found(catalogueOf(knownTypeNames))
const members = ['guangzhou', 'wuhan']
const owner = syntheticParty('350525', 3)
const platform = { party: syntheticParty('350500', 5), key: keyOf('platform') }
const bank = { party: syntheticParty('440100', 30), key: keyOf('bank') }
const centre = { party: ledger.member('wuhan').party, key: keyOf('wuhan centre') }
const newcomer = { party: syntheticParty('420100', 79), key: keyOf('newcomer') }
ledger.register('platform', platform.party, ['trading-platform'], members)
ledger.register('bank', bank.party, ['guarantee-issuer'], members)

interface Signer {
  readonly party: string
  readonly key: TestKey
}
const signers: readonly Signer[] = [platform, bank, centre]

const tender = { owner, scheme: 'tender-project', code: 'N3505250502172856001' }
const bidders = [{ party: syntheticParty('420000', 8), name: '某工程有限公司' }]
const openingTime = '2026-03-16T09:30:00+08:00'
const hash = '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0'

/** A statement of every type with everything that its type knows. */
const examples: readonly (readonly [type: string, by: Signer, fields: JsonObject])[] = [
  [
    'attest.hash@1',
    centre,
    {
      subject: 'document',
      hash: { algorithm: 'sm3', value: hash },
      mediaType: 'text/html',
      source: {
        system: '交易系统',
        operator: 'role:公告发布岗',
        method: '系统导出',
        software: 'trade 4.2',
        occurredAt: '2026-03-10T09:00:00+08:00',
      },
      length: 0,
      tender: { ...tender, name: '某项目' },
      region: '410300',
      version: 2,
      title: '竞争性磋商公告',
    },
  ],
  [
    'bid.record@1',
    platform,
    {
      tender,
      region: '350525',
      sequence: 231,
      bidders,
      price: { form: 'amount', amount: '1835.0534', unit: '1', currency: 'CNY' },
      decrypted: true,
      receivedAt: '2026-03-13T11:57:26+08:00',
      decryptedAt: '2026-03-16T09:30:40+08:00',
      security: { kind: 'guarantee', raw: '电子保函' },
      openingTime,
      duration: '360日历天',
    },
  ],
  [
    'guarantee.submit@1',
    bank,
    {
      number: 'BH2026-0001',
      form: 'bank',
      kind: 'single',
      tender,
      bidders,
      beneficiary: { party: owner, name: '某招标人' },
      issuer: { party: bank.party, name: '某银行' },
      amount: { amount: '400000', unit: '0', currency: 'CNY' },
      begin: '2026-03-16T00:00:00+08:00',
      end: '2026-04-13T23:59:59+08:00',
      issuedAt: '2026-03-12T15:00:00+08:00',
      document: { algorithm: 'sha256', value: '01'.repeat(32) },
      openingTime,
      sections: ['001'],
      dealCode: 'D01-12350100MB02709751-20190627-527731-5',
      region: '350525',
      proposer: `person:${'0a'.repeat(32)}`,
      cost: { amount: '200.5', unit: '0', currency: 'CNY' },
      rate: '0.0005',
      provenance: { synthetic: true, seed: '20260316', note: 'demonstration' },
    },
  ],
  ['party.register@1', centre, { request: requestOf({}) }],
]

/** A key request, with these fields changed. */
function requestOf(change: JsonObject): string {
  const { party, key } = newcomer
  return ledger.keyRequest(key, party, ['trading-platform'], {
    notBefore: '2026-01-01T00:00:00+08:00',
    notAfter: '2027-01-01T00:00:00+08:00',
    ...change,
  })
}

const statementOf = ([type, { party, key }, fields]: (typeof examples)[number]): Statement =>
  ledger.statement(type, party, key, fields)

export const statements: Subject = {
  name: 'statement',
  share: 3,
  seeds: () => examples.map((example) => bytesOf(statementOf(example).jws)),
  mutate: mutateText,
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      const jws = looseText(input)
      const read = parseStatement(jws, ledger.genesis.ledger)
      hold(jws.length <= statementBytesMax && /^[A-Za-z0-9._-]+$/.test(jws), 'a statement is short and ASCII')
      hold(read.id === statementId(read.party, read.canonicalPayload), 'the id is that of its content')
      hold(
        Buffer.from(read.message).toString() === jws.slice(0, jws.lastIndexOf('.')),
        'what stands there is what was signed',
      )
    }),
}

/** Puts a statement before the rules; the ledger of the next input is as it was. */
function judged(statement: Statement): void {
  const rows = new Map(ledger.state.rows)
  const { size } = ledger
  const refusal = ledger.submitForRefusal(statement)
  if (refusal === undefined) {
    // Looking it up is part of taking it in.
    ledger.catalogue.typeOf(statement.type)!.subjects(statement.payload)
    ledger.state.rows.clear()
    for (const [name, row] of rows) ledger.state.rows.set(name, row)
    ledger.size = size
    return
  }
  hold(ledger.state.rows.size === rows.size && ledger.size === size, 'a refused statement changes nothing')
  throw refusal
}

function objectOf(input: Uint8Array): JsonObject {
  const value = parseJson(looseText(input))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('json.malformed')
  return value as JsonObject
}

/** Mostly what is still strict JSON: the rest is the subject `json`'s. */
function mutateStrictJson(input: Uint8Array, other: Uint8Array, draw: Random): Uint8Array {
  for (let attempt = 0; attempt < 5; attempt++) {
    const mutated = mutateJson(input, other, draw)
    if (refusedOr(Refusal, undefined, () => parseJson(looseText(mutated))) === accepted) return mutated
  }
  return mutateJson(input, other, draw)
}

/** Payloads are mutated and signed again: what a registered submitter, or a member that lies, can have. */
export const rules: Subject = {
  name: 'rules',
  share: 2,
  seeds: () => examples.map((example) => bytesOf(canonicalJson(statementOf(example).payload))),
  mutate: mutateStrictJson,
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      const payload = objectOf(input)
      const { key } = signers.find(({ party }) => party === payload.party) ?? platform
      judged(parseStatement(signStatement(payload, key), ledger.genesis.ledger))
    }),
}

/** The statement inside a statement: a key's own request, mutated, signed by that key and approved by a centre that did not look. */
export const keyRequest: Subject = {
  name: 'key-request',
  seeds: () => [
    bytesOf(canonicalJson(parseStatementPayload(requestOf({})))),
    bytesOf(canonicalJson(parseStatementPayload(requestOf({ roles: ['guarantee-issuer', 'trading-platform'] })))),
  ],
  mutate: mutateStrictJson,
  judge: (input) =>
    refusedOr(Refusal, isDocumented, () => {
      const request = signStatement(objectOf(input), newcomer.key)
      judged(ledger.statement('party.register@1', centre.party, centre.key, { request }))
    }),
}

const parseStatementPayload = (jws: string): JsonObject =>
  JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString())
