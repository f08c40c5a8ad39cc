import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { parseTime } from '../../../src/chain/time.ts'
import { FoundedLedger, keyOf, syntheticParty, type TestKey } from './founded-ledger.ts'

const catalogue = catalogueOf(knownTypeNames)
const bank = syntheticParty('440100', 30)
const platform = syntheticParty('350500', 5)
const owner = syntheticParty('350525', 3)
const openingTime = '2026-03-16T09:30:00+08:00'
const opened = parseTime(openingTime)!

const guarantee = {
  number: 'BH2026-0001',
  form: 'bank',
  kind: 'single',
  tender: { owner, scheme: 'tender-project', code: 'N3505250502172856001' },
  bidders: [{ party: syntheticParty('420000', 8), name: '某工程有限公司' }],
  beneficiary: { party: owner, name: '某招标人' },
  issuer: { party: bank, name: '某银行' },
  amount: { amount: '400000', unit: '0', currency: 'CNY' },
  begin: '2026-03-16T00:00:00+08:00',
  end: '2026-04-13T23:59:59+08:00',
  issuedAt: '2026-03-12T15:00:00+08:00',
  document: { algorithm: 'sha256', value: '01'.repeat(32) },
  openingTime,
} satisfies JsonObject

interface Setting {
  readonly ledger: FoundedLedger
  submit(change: JsonObject, by?: { party: string; key: TestKey; member?: string }, blockTime?: number): string
}

function found(): Setting {
  const ledger = FoundedLedger.found(catalogue)
  const bankKey = ledger.register('bank', bank, ['guarantee-issuer'], ['guangzhou', 'wuhan'])
  ledger.register('platform', platform, ['trading-platform'], ['guangzhou', 'wuhan'])
  return {
    ledger,
    submit(change, by = { party: bank, key: bankKey }, blockTime = opened) {
      const statement = ledger.statement('guarantee.submit@1', by.party, by.key, { ...guarantee, ...change })
      return ledger.submit(statement, { blockTime, member: by.member ?? 'guangzhou' })
    },
  }
}
const byPlatform = { party: platform, key: keyOf('platform') }
const document = (byte: string): JsonObject => ({ document: { algorithm: 'sha256', value: byte.repeat(32) } })

describe('guarantee.submit', () => {
  it('takes a guarantee with everything the type knows, and marks invented data as such', () => {
    const full = {
      sections: ['001'],
      dealCode: 'D01-12350100MB02709751-20190627-527731-5',
      region: '350525',
      proposer: `person:${'0a'.repeat(32)}`,
      cost: { amount: '200.5', unit: '0', currency: 'CNY' },
      rate: '0.0005',
      provenance: { synthetic: true, seed: '20260316', note: 'demonstration' },
    }
    expect(found().submit(full)).toBe('accepted')
    expect(catalogue.typeOf('guarantee.submit@1')!.subjects({ ...guarantee, ...full })).toEqual({
      owner,
      tender: 'N3505250502172856001',
      parties: [bank, guarantee.bidders[0]!.party, owner, full.proposer],
      region: '350525',
      subjects: [`guarantee/${bank}/BH2026-0001`, `tender/${owner}/tender-project/N3505250502172856001`],
      hashes: [`sha256:${'01'.repeat(32)}`],
    })
  })

  it('takes several sections, and an annual one that names no tender', () => {
    const { submit } = found()
    expect(submit({ kind: 'multi-section', sections: ['001', '002'] })).toBe('accepted')
    const { ledger } = found()
    const { tender: _, ...annual } = { ...guarantee, kind: 'annual' }
    expect(ledger.submit(ledger.statement('guarantee.submit@1', bank, keyOf('bank'), annual))).toBe('accepted')
    expect(catalogue.typeOf('guarantee.submit@1')!.subjects(annual)).not.toHaveProperty('owner')
  })

  it('is secret until the opening', () => {
    const { submit } = found()
    expect(submit({}, undefined, opened - 1)).toBe('sealed.too-early')
    expect(submit({}, undefined, opened)).toBe('accepted')
  })

  it('may be submitted by a platform or a centre for the issuer, but by no other issuer', () => {
    expect(found().submit({}, byPlatform)).toBe('accepted')
    const { ledger, submit } = found()
    expect(submit({}, { party: ledger.member('wuhan').party, key: keyOf('wuhan centre') })).toBe('accepted')
    const other = syntheticParty('440100', 31)
    const key = ledger.register('other bank', other, ['guarantee-issuer'], ['guangzhou', 'wuhan'])
    expect(submit({ number: '2', ...document('02') }, { party: other, key })).toBe('guarantee.not-issuer')
    // A platform that calls itself the issuer needs the role of one.
    expect(submit({ issuer: { party: platform, name: '平台' } }, byPlatform)).toBe('role.not-allowed')
  })
})

describe('guarantee.submit refuses, and changes no row', () => {
  const setting = found()
  it.each<[string, JsonObject, string]>([
    ['an amount that is a number', { amount: { ...guarantee.amount, amount: 400_000 } }, 'money.malformed'],
    ['an amount of zero', { amount: { ...guarantee.amount, amount: '0.00' } }, 'guarantee.amount-zero'],
    ['an end before the beginning', { end: '2026-03-15T00:00:00+08:00' }, 'guarantee.bad-term'],
    ['an end at the beginning', { end: guarantee.begin }, 'guarantee.bad-term'],
    [
      'an end before the opening',
      { begin: '2026-03-01T00:00:00+08:00', end: '2026-03-16T09:30:00+08:00' },
      'guarantee.bad-term',
    ],
    ['an issue after the opening', { issuedAt: '2026-03-16T09:30:01+08:00' }, 'guarantee.bad-term'],
    ['a single one for two sections', { sections: ['1', '2'] }, 'guarantee.sections-mismatch'],
    [
      'several sections of which there is one',
      { kind: 'multi-section', sections: ['1'] },
      'guarantee.sections-mismatch',
    ],
    ['several sections of which there is none', { kind: 'multi-section' }, 'guarantee.sections-mismatch'],
    ['the same section twice', { kind: 'multi-section', sections: ['1', '1'] }, 'guarantee.sections-mismatch'],
    ['a bidder twice', { bidders: [...guarantee.bidders, ...guarantee.bidders] }, 'guarantee.bidder-twice'],
    ['an issuer without an id', { issuer: { name: '某银行' } }, 'schema.violation'],
    ['an unknown kind', { kind: 'monthly' }, 'schema.violation'],
    ['an unknown form', { form: 'friend' }, 'schema.violation'],
    ['a number with a line break', { number: 'a\nb' }, 'code.malformed'],
    ['a document without its hash', { document: { algorithm: 'sha256' } }, 'schema.violation'],
    ['a proposer’s identity card', { proposer: 'person:440102199001011234' }, 'party.malformed'],
  ])('%s', (_, change, code) => {
    const before = setting.ledger.rows()
    expect(setting.submit(change)).toBe(code)
    expect(setting.ledger.rows()).toEqual(before)
  })

  it('a single or multi-section one without a tender', () => {
    const { tender: _, ...rest } = guarantee
    const { ledger } = found()
    const statement = ledger.statement('guarantee.submit@1', bank, keyOf('bank'), rest)
    expect(ledger.submit(statement)).toBe('guarantee.sections-mismatch')
  })
})

describe('one number is one guarantee, and one document has one number', () => {
  it('the same number of the same issuer: guarantee.number-reused, naming the record and the document', () => {
    const { ledger, submit } = found()
    expect(submit({})).toBe('accepted')
    const index = ledger.size - 1
    expect(submit(document('02'))).toBe('guarantee.number-reused')
    const again = ledger.submitForRefusal(ledger.statement('guarantee.submit@1', bank, keyOf('bank'), guarantee))
    expect(again?.code).toBe('guarantee.number-reused')
    expect(again?.message).toContain(`record ${index}`)
    expect(again?.message).toContain(guarantee.document.value)
  })

  it('the same document under another number: guarantee.document-reused, naming the other number', () => {
    const { ledger, submit } = found()
    submit({})
    const refusal = ledger.submitForRefusal(
      ledger.statement('guarantee.submit@1', bank, keyOf('bank'), { ...guarantee, number: 'BH2026-0002' }),
    )
    expect(refusal?.code).toBe('guarantee.document-reused')
    expect(refusal?.message).toContain('BH2026-0001')
    expect(refusal?.message).toContain('BH2026-0002')
  })

  it('across members and platforms', () => {
    const { ledger, submit } = found()
    const by = (member: string) => ({ party: ledger.member(member).party, key: keyOf(`${member} centre`), member })
    expect(submit({}, by('wuhan'))).toBe('accepted')
    expect(submit({ number: '2' }, by('beijing'))).toBe('guarantee.document-reused')
    expect(submit(document('02'), byPlatform)).toBe('guarantee.number-reused')
    expect(submit({ number: '2', ...document('02') }, by('beijing'))).toBe('accepted')
  })

  it('another issuer may use the same number, and hashes of different algorithms are different', () => {
    const { ledger, submit } = found()
    const other = syntheticParty('440100', 31)
    const key = ledger.register('other bank', other, ['guarantee-issuer'], ['beijing', 'wuhan'])
    expect(submit({})).toBe('accepted')
    const issuer = { issuer: { party: other, name: '另一银行' } }
    expect(submit({ ...issuer, ...document('02') }, { party: other, key })).toBe('accepted')
    expect(submit({ number: '2', document: { algorithm: 'sm3', value: '01'.repeat(32) } })).toBe('accepted')
  })

  it('slashes in numbers and issuers mix nothing up', () => {
    const { ledger, submit } = found()
    const byCentre = { party: ledger.member('wuhan').party, key: keyOf('wuhan centre') }
    const issuer = (id: string): JsonObject => ({ issuer: { party: `id:x:${id}`, name: 'x' } })
    expect(submit({ ...issuer('a/b'), number: 'c', ...document('02') }, byCentre)).toBe('accepted')
    expect(submit({ ...issuer('a'), number: 'b/c', ...document('03') }, byCentre)).toBe('accepted')
  })

  it('the issuer’s own word is not blocked by what a platform said before, but blocks what it says after', () => {
    const { submit } = found()
    expect(submit(document('02'), byPlatform)).toBe('accepted')
    expect(submit({})).toBe('accepted')
    expect(submit(document('03'), byPlatform)).toBe('guarantee.number-reused')
    expect(submit({ number: '9' }, byPlatform)).toBe('guarantee.document-reused')
  })

  it('a key that one member registered in the issuer’s name uses up none of its numbers', () => {
    const { ledger, submit } = found()
    const guangzhouTender = { tender: { ...guarantee.tender, owner: ledger.member('guangzhou').party } }
    const key = ledger.register('false bank', bank, ['guarantee-issuer'], ['guangzhou'])
    const byFalseBank = { party: bank, key, member: 'guangzhou' }
    expect(submit(guangzhouTender, { ...byFalseBank, member: 'wuhan' })).toBe('key.out-of-scope')
    expect(submit(guangzhouTender, byFalseBank)).toBe('accepted')
    // It is held to its own word …
    expect(submit({ ...guangzhouTender, ...document('07') }, byFalseBank)).toBe('guarantee.number-reused')
    // … and the bank, whom two members vouch for, is not.
    expect(submit({})).toBe('accepted')
    expect(submit({ ...guangzhouTender, number: '5', ...document('01') }, byFalseBank)).toBe(
      'guarantee.document-reused',
    )
  })
})
