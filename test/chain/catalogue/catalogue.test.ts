import { describe, expect, it } from 'vitest'
import { type Catalogue, catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { roles } from '../../../src/chain/catalogue/register.ts'
import { problemIn } from '../../../src/chain/catalogue/schema.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { Refusal } from '../../../src/chain/refusal.ts'
import { FoundedLedger, keyOf, syntheticParty } from './founded-ledger.ts'

const catalogue: Catalogue = catalogueOf(knownTypeNames)
const attestation: JsonObject = {
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
const company = syntheticParty('350525', 7)

describe('the catalogue as data', () => {
  it('knows the types of the first ledgers, and every other, by name and version', () => {
    expect(knownTypeNames).toEqual(
      expect.arrayContaining(['party.register@1', 'attest.hash@1', 'bid.record@1', 'guarantee.submit@1']),
    )
    expect(new Set(knownTypeNames).size).toBe(knownTypeNames.length)
    expect(catalogue.types.map(({ name }) => name)).toEqual(knownTypeNames)
    expect(catalogue.typeOf('bid.record@1')?.name).toBe('bid.record')
    expect(catalogue.typeOf('bid.record')).toBeUndefined()
    expect(catalogue.typeOf('__proto__')).toBeUndefined()
  })

  it('cannot be made of types that this software does not know', () => {
    expect(() => catalogueOf(['bid.record@1', 'bid.record@2'])).toThrow(Refusal)
    expect(() => catalogueOf(['constructor@1'])).toThrow(Refusal)
  })

  it('has words in both languages for every code', () => {
    for (const [code, text] of Object.entries(catalogue.refusals)) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/)
      for (const words of [text.zh, text.en]) {
        for (const sentence of [words.title, words.cause, words.remedy]) expect(sentence.length).toBeGreaterThan(2)
      }
      expect(text.zh.title).toMatch(/[\u4e00-\u9fff]/)
      expect(text.en.title).not.toMatch(/[\u4e00-\u9fff]/)
    }
  })

  it('names every field of every type in both languages, and leaves no object open', () => {
    const visit = (schema: JsonObject, where: string): void => {
      if (where !== '') expect(schema.title, where).toMatch(/^[^/]*[\u4e00-\u9fffA-Z][^/]* \/ [^/]+$/)
      if (schema.type === 'object') {
        expect(schema.additionalProperties, where).toBe(false)
        for (const [name, field] of Object.entries(schema.properties as JsonObject))
          visit(field as JsonObject, `${where}/${name}`)
      }
      if (schema.type === 'array') visit(schema.items as JsonObject, `${where}/items`)
      if (schema.type === 'string' && schema.enum === undefined && schema.const === undefined) {
        expect(schema.pattern ?? schema.maxLength, `${where} has no bound`).toBeDefined()
      }
    }
    for (const { schema } of catalogue.types) visit(schema, '')
  })

  it('compiles to plain JSON that can be published', () => {
    for (const { schema } of catalogue.types) expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })
})

describe('a statement of a type not in force', () => {
  it('is refused: type.unknown', () => {
    const ledger = FoundedLedger.found(catalogueOf(['party.register@1']))
    const centre = ledger.member('wuhan')
    const statement = ledger.statement('attest.hash@1', centre.party, keyOf('wuhan centre'), attestation)
    expect(ledger.submit(statement)).toBe('type.unknown')
    expect(ledger.submit(ledger.statement('attest.hash@2', centre.party, keyOf('wuhan centre'), attestation))).toBe(
      'type.unknown',
    )
  })
})

describe('fields', () => {
  const ledger = FoundedLedger.found(catalogue)
  const { party } = ledger.member('wuhan')
  const submit = (fields: JsonObject): Refusal | undefined =>
    ledger.submitForRefusal(ledger.statement('attest.hash@1', party, keyOf('wuhan centre'), fields))

  it('as they should be pass', () => {
    expect(submit(attestation)).toBeUndefined()
  })

  it('that are wrong are each named, in both languages', () => {
    const { mediaType: _, ...rest } = attestation
    const refusal = submit({ ...rest, colour: 'red', 'a/b~c': 1, length: 1.5, subject: 'thing', version: 0 })!
    expect(refusal.code).toBe('schema.violation')
    expect(Object.fromEntries(refusal.fields.map(({ pointer, problem }) => [pointer, problem]))).toEqual({
      '/mediaType': '「媒体类型」缺少必填字段 | "Media type" is missing',
      '/colour': '没有这个字段 | there is no such field',
      '/a~1b~0c': '没有这个字段 | there is no such field',
      '/length': '「字节数」应为 integer 类型 | "Length in bytes" must be of type integer',
      '/subject':
        '「存证对象」只能是：document, transaction | "What is attested" must be one of: document, transaction',
      '/version': '「文件版本」不得小于 1 | "Version of the document" must not be below 1',
    })
    expect(problemIn('zh', refusal.fields[0]!.problem)).toMatch(/^[^|]*$/)
    expect(problemIn('en', '「媒体类型」缺少 | "Media type" is missing')).toBe('"Media type" is missing')
    expect(problemIn('en', 'plain')).toBe('plain')
  })

  it('that are wrong inside objects are named with their whole path', () => {
    const refusal = submit({
      ...attestation,
      source: { ...(attestation.source as JsonObject), system: '', occurredAt: 'now' },
    })!
    expect(refusal.code).toBe('schema.violation')
    expect(refusal.fields.map(({ pointer }) => pointer).sort()).toEqual(['/source/occurredAt', '/source/system'])
  })

  it('that share one trouble are refused with its own code', () => {
    const { source } = attestation as { source: JsonObject }
    expect(submit({ ...attestation, source: { ...source, occurredAt: '2026-03-16' } })?.code).toBe('time.malformed')
    expect(submit({ ...attestation, tender: { owner: 'uscc:91350100M000100Y4Z', scheme: 'x', code: 'y' } })?.code).toBe(
      'party.bad-uscc',
    )
    expect(submit({ ...attestation, tender: { owner: 'Wuhan', scheme: 'x', code: 'y' } })?.code).toBe('party.malformed')
    expect(submit({ ...attestation, tender: { owner: party, scheme: 'x', code: ' y' } })?.code).toBe('code.malformed')
  })

  it('named __proto__ or constructor are fields like any other, and unknown', () => {
    const withProto = JSON.parse('{"__proto__":{"subject":"document"},"constructor":1}')
    const refusal = submit({ ...attestation, ...withProto })!
    expect(refusal.code).toBe('schema.violation')
    expect(refusal.fields.map(({ pointer }) => pointer).sort()).toEqual(['/__proto__', '/constructor'])
  })

  it('may be wrong in ten thousand places: twenty are named, with pointers of bounded length', () => {
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`field-${at}`, 0]))
    expect(submit({ ...attestation, ...many })?.fields).toHaveLength(20)
    const long = submit({ ...attestation, ['x'.repeat(10_000)]: 1 })!
    expect(long.fields[0]!.pointer.length).toBeLessThanOrEqual(200)
  })

  it('are never coerced, defaulted or removed', () => {
    const before = JSON.stringify(attestation)
    expect(submit({ ...attestation, version: '1' })?.code).toBe('schema.violation')
    expect(submit({ ...attestation, length: null })?.code).toBe('schema.violation')
    expect(JSON.stringify(attestation)).toBe(before)
  })
})

describe('keys', () => {
  const ledger = FoundedLedger.found(catalogue)
  const agreed = ledger.register('agreed', company, ['tenderee'], ['guangzhou', 'wuhan'])
  const attest = (key = agreed, party = company, fields: JsonObject = {}) =>
    ledger.statement('attest.hash@1', party, key, { ...attestation, ...fields })

  it('that nobody registered: key.unknown', () => {
    expect(ledger.submit(attest(keyOf('stranger')))).toBe('key.unknown')
  })

  it('of another party: key.wrong-party', () => {
    expect(ledger.submit(attest(agreed, syntheticParty('350525', 8)))).toBe('key.wrong-party')
    expect(ledger.submit(attest(keyOf('wuhan centre'), ledger.member('beijing').party))).toBe('key.wrong-party')
  })

  it('of nodes and of governance sign no statements', () => {
    const { party } = ledger.member('wuhan')
    for (const purpose of ['seal', 'log', 'cosign', 'network', 'governance']) {
      expect(ledger.submit(attest(keyOf(`wuhan ${purpose}`), party))).toBe('key.unknown')
    }
  })

  it('count from their first to their last millisecond, in block time', () => {
    const key = keyOf('with a term')
    const term = { notBefore: '2026-03-17T08:00:00+08:00', notAfter: '2026-03-18T00:00:00Z' }
    const request = ledger.keyRequest(key, company, [], term)
    expect(ledger.submit(ledger.approval('guangzhou', request))).toBe('accepted')
    const from = Date.UTC(2026, 2, 17)
    const until = Date.UTC(2026, 2, 18)
    expect(ledger.submit(attest(key), { blockTime: from - 1 })).toBe('key.not-yet-valid')
    expect(ledger.submit(attest(key), { blockTime: from })).toBe('accepted')
    expect(ledger.submit(attest(key), { blockTime: until })).toBe('accepted')
    expect(ledger.submit(attest(key), { blockTime: until + 1 })).toBe('key.expired')
    // What the receiving member says about the time changes nothing.
    expect(ledger.submit(attest(key), { blockTime: until + 1, receivedAt: until })).toBe('key.expired')
  })

  it('need a role that the type allows', () => {
    const bidder = ledger.register('no role', company, [], ['beijing', 'hangzhou'])
    const statement = ledger.statement('guarantee.submit@1', company, bidder, {})
    expect(ledger.submit(statement)).toBe('schema.violation')
    expect(ledger.submit(attest(bidder))).toBe('accepted')
    const named = catalogue.types.flatMap(({ type }) => type.roles as string | readonly string[])
    expect(named.filter((role) => ![...roles, 'any'].includes(role))).toEqual([])
  })
})

describe('design.md section 10: a key on one member’s word counts only in that member’s scope', () => {
  const tenderOf = (owner: string): JsonObject => ({ tender: { owner, scheme: 'x', code: 'T-1' } })
  const found = () => {
    const ledger = FoundedLedger.found(catalogue)
    const unilateral = ledger.register('unilateral', company, ['trading-platform'], ['guangzhou'])
    const attest = (fields: JsonObject = {}) =>
      ledger.statement('attest.hash@1', company, unilateral, { ...attestation, ...fields })
    return { ledger, unilateral, attest }
  }

  it('through that member’s node, and no other', () => {
    const { ledger, attest } = found()
    expect(ledger.submit(attest(), { member: 'guangzhou' })).toBe('accepted')
    for (const member of ['beijing', 'wuhan', 'hangzhou']) {
      expect(ledger.submit(attest(), { member })).toBe('key.out-of-scope')
    }
  })

  it('about that member’s own tenders and those of parties it vouched for', () => {
    const { ledger, attest } = found()
    expect(ledger.submit(attest(tenderOf(ledger.member('guangzhou').party)))).toBe('accepted')
    expect(ledger.submit(attest(tenderOf(company)))).toBe('accepted')
  })

  it('not about another member’s tenders, or those of owners unknown or vouched for by others', () => {
    const { ledger, attest } = found()
    const stranger = syntheticParty('350525', 9)
    const beijingCompany = syntheticParty('110000', 9)
    ledger.register('beijing company', beijingCompany, ['tenderee'], ['beijing'])
    for (const owner of [ledger.member('beijing').party, stranger, beijingCompany]) {
      expect(ledger.submit(attest(tenderOf(owner)))).toBe('key.out-of-scope')
    }
  })

  it('and a member cannot draw an agreed company into its scope with a key of its own making', () => {
    const { ledger, attest } = found()
    const owner = syntheticParty('420100', 9)
    ledger.register('owner', owner, ['tenderee'], ['wuhan', 'beijing'])
    expect(ledger.submit(attest(tenderOf(owner)))).toBe('key.out-of-scope')
    ledger.register('made by guangzhou', owner, ['tenderee'], ['guangzhou'])
    expect(ledger.submit(attest(tenderOf(owner)))).toBe('key.out-of-scope')
    // Nor another member's organisation.
    ledger.register('made by guangzhou too', ledger.member('beijing').party, ['tenderee'], ['guangzhou'])
    expect(ledger.submit(attest(tenderOf(ledger.member('beijing').party)))).toBe('key.out-of-scope')
  })

  it('nor two members another member’s organisation', () => {
    const { ledger, attest } = found()
    const { party } = ledger.member('beijing')
    ledger.register('made by two', party, ['tenderee'], ['guangzhou', 'wuhan'])
    expect(ledger.submit(attest(tenderOf(party)))).toBe('key.out-of-scope')
  })

  it('until a second member approves the same request', () => {
    const { ledger, unilateral, attest } = found()
    expect(ledger.submit(attest(), { member: 'wuhan' })).toBe('key.out-of-scope')
    const request = ledger.keyRequest(unilateral, company, ['trading-platform'])
    expect(ledger.submit(ledger.approval('wuhan', request))).toBe('accepted')
    expect(ledger.submit(attest(tenderOf(ledger.member('beijing').party)), { member: 'hangzhou' })).toBe('accepted')
  })

  it('and what is refused changes no row', () => {
    const { ledger, attest } = found()
    const before = ledger.rows()
    ledger.submit(attest(), { member: 'wuhan' })
    expect(ledger.rows()).toEqual(before)
  })
})
