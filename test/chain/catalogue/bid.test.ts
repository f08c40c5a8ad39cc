import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/chain/bytes.ts'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { type JsonObject, readJson } from '../../../src/chain/json.ts'
import type { Refusal } from '../../../src/chain/refusal.ts'
import { type Statement, statementId } from '../../../src/chain/statement.ts'
import { parseTime } from '../../../src/chain/time.ts'
import { FoundedLedger, syntheticParty } from './founded-ledger.ts'
import { beijingTime, bidFields, largeOpening, sharedData } from './opening-rows.ts'

const catalogue = catalogueOf(knownTypeNames)
const ledger = FoundedLedger.found(catalogue)
const platform = syntheticParty('350500', 5)
const key = ledger.register('platform', platform, ['trading-platform'], ['guangzhou', 'wuhan'])
const owner = syntheticParty('350525', 3)
const openingTime = '2026-03-16T09:30:00+08:00'
const opened = parseTime(openingTime)!

const bid = {
  tender: { owner, scheme: 'tender-project', code: 'N3505250502172856001' },
  region: '350525',
  sequence: 231,
  bidders: [{ party: syntheticParty('420000', 8), name: '某工程有限公司' }],
  price: { form: 'amount', amount: '1835.0534', unit: '1', currency: 'CNY' },
  decrypted: true,
  receivedAt: '2026-03-13T11:57:26+08:00',
  decryptedAt: '2026-03-16T09:30:40+08:00',
  security: { kind: 'guarantee', raw: '电子保函' },
  openingTime,
  duration: '360日历天（其中各关键节点的工期要求为/）',
}
const { price: _price, decryptedAt: _decryptedAt, ...bidWithoutPrice } = bid
const undecrypted = { ...bidWithoutPrice, decrypted: false, raw: ['2026-03-13 16:52:51', '未提交解密', '电子保函'] }

const statementOf = (fields: JsonObject): Statement => ledger.statement('bid.record@1', platform, key, fields)
const submit = (fields: JsonObject, blockTime = opened + 60_000): string =>
  ledger.submit(statementOf(fields), { blockTime })

describe('bid.record', () => {
  it('takes a bid as it was opened, and is found by tender, owner, bidder and region', () => {
    expect(submit(bid)).toBe('accepted')
    expect(catalogue.typeOf('bid.record@1')!.subjects(bid)).toEqual({
      owner,
      tender: 'N3505250502172856001',
      parties: [owner, bid.bidders[0]!.party],
      region: '350525',
      subjects: [`tender/${owner}/${bid.tender.scheme}/N3505250502172856001`],
    })
  })

  it('takes a bid that was never decrypted, with its row as printed and no price', () => {
    expect(submit(undecrypted)).toBe('accepted')
  })

  it('takes a consortium of which only the names are known, whose price is a rate', () => {
    expect(
      submit({
        ...bid,
        bidders: [{ name: '甲建设工程有限责任公司' }, { name: '乙勘察设计有限公司' }],
        price: { form: 'rate', amount: '1', raw: '1' },
      }),
    ).toBe('accepted')
  })

  it('takes every form of price and security', () => {
    for (const form of ['amount', 'unitPrice']) {
      expect(submit({ ...bid, price: { form, amount: '24959500.00', unit: '0', currency: 'CNY' } })).toBe('accepted')
    }
    for (const form of ['rate', 'other']) expect(submit({ ...bid, price: { form, amount: '0.985' } })).toBe('accepted')
    for (const kind of ['guarantee', 'cash', 'annual', 'none']) {
      expect(submit({ ...bid, security: { kind } })).toBe('accepted')
    }
  })

  it('writes no state', () => {
    const before = ledger.rows()
    submit(bid)
    expect(ledger.rows()).toEqual(before)
  })
})

describe('bid.record is secret until the opening (招标投标法 art. 22)', () => {
  it('refused one millisecond before, accepted at the opening, in block time', () => {
    expect(submit({ ...bid, decryptedAt: openingTime }, opened - 1)).toBe('sealed.too-early')
    expect(submit({ ...bid, decryptedAt: openingTime }, opened)).toBe('accepted')
  })

  it('whatever the receiving member says about the time', () => {
    const early = { blockTime: opened - 1, receivedAt: opened + 1 }
    expect(ledger.submit(statementOf(bid), early)).toBe('sealed.too-early')
  })

  it('also for what would be refused for other reasons after the schema', () => {
    expect(submit({ ...bid, receivedAt: '2026-03-17T00:00:00+08:00' }, opened - 1)).toBe('sealed.too-early')
  })
})

describe('bid.record refuses', () => {
  const price = bid.price
  it.each<[string, JsonObject, string, string]>([
    [
      'a price that is a number',
      { ...bid, price: { ...price, amount: 1835.0534 } },
      'money.malformed',
      '/price/amount',
    ],
    ['a price with separators', { ...bid, price: { ...price, amount: '400,000' } }, 'money.malformed', '/price/amount'],
    ['a negative price', { ...bid, price: { ...price, amount: '-1' } }, 'money.malformed', '/price/amount'],
    ['seven fraction digits', { ...bid, price: { ...price, amount: '1.0000001' } }, 'money.malformed', '/price/amount'],
    [
      'fifteen integer digits',
      { ...bid, price: { ...price, amount: '1'.repeat(15) } },
      'money.malformed',
      '/price/amount',
    ],
    ['an unknown unit', { ...bid, price: { ...price, unit: '2' } }, 'schema.violation', '/price/unit'],
    ['a unit that is a number', { ...bid, price: { ...price, unit: 1 } }, 'schema.violation', '/price/unit'],
    [
      'an amount without a unit',
      { ...bid, price: { form: 'amount', amount: '1', currency: 'CNY' } },
      'bid.price-incomplete',
      '/price/unit',
    ],
    [
      'a unit price without a currency',
      { ...bid, price: { form: 'unitPrice', amount: '1', unit: '0' } },
      'bid.price-incomplete',
      '/price/currency',
    ],
    ['a decrypted bid without a price', { ...bidWithoutPrice }, 'bid.decryption-inconsistent', '/price'],
    ['an undecrypted bid with a price', { ...undecrypted, price }, 'bid.decryption-inconsistent', '/price'],
    [
      'an undecrypted bid with a time of it',
      { ...undecrypted, decryptedAt: bid.decryptedAt },
      'bid.decryption-inconsistent',
      '/decryptedAt',
    ],
    [
      'an undecrypted bid without its row',
      { ...bidWithoutPrice, decrypted: false },
      'bid.decryption-inconsistent',
      '/raw',
    ],
    [
      'a bid received after the opening',
      { ...bid, receivedAt: '2026-03-16T09:30:01+08:00' },
      'bid.received-after-opening',
      '/receivedAt',
    ],
    [
      'a bid decrypted before the opening',
      { ...bid, decryptedAt: '2026-03-16T09:29:59+08:00' },
      'bid.decrypted-before-opening',
      '/decryptedAt',
    ],
    ['a time without an offset', { ...bid, receivedAt: '2026-03-13T11:57:26' }, 'time.malformed', '/receivedAt'],
    ['no bidder', { ...bid, bidders: [] }, 'schema.violation', '/bidders'],
    ['a bidder without a name', { ...bid, bidders: [{ party: platform }] }, 'schema.violation', '/bidders/0/name'],
    [
      'a bidder with a wrong USCC',
      { ...bid, bidders: [{ party: 'uscc:91350100M000100Y4Z', name: 'x' }] },
      'party.bad-uscc',
      '/bidders/0/party',
    ],
    ['a bidder twice', { ...bid, bidders: [...bid.bidders, ...bid.bidders] }, 'bid.bidder-twice', '/bidders'],
    ['a tender known by its code alone', { ...bid, tender: { code: '2026-001' } }, 'schema.violation', '/tender/owner'],
    ['a sequence of 0', { ...bid, sequence: 0 }, 'schema.violation', '/sequence'],
    ['a sequence that is text', { ...bid, sequence: '231' }, 'schema.violation', '/sequence'],
    ['an empty section', { ...bid, section: '' }, 'code.malformed', '/section'],
    ['a field of another type', { ...bid, issuer: platform }, 'schema.violation', '/issuer'],
  ])('%s', (_, fields, code, pointer) => {
    const refusal = ledger.submitForRefusal(statementOf(fields), { blockTime: opened }) as Refusal
    expect(refusal.code).toBe(code)
    expect(refusal.fields.map((field) => field.pointer)).toContain(pointer)
  })

  it('a bidder who publishes its own bid: role.not-allowed', () => {
    const bidder = ledger.register('bidder', owner, ['guarantee-issuer', 'supervisor'], ['guangzhou', 'wuhan'])
    expect(ledger.submit(ledger.statement('bid.record@1', owner, bidder, bid))).toBe('role.not-allowed')
  })
})

const opening = largeOpening()
describe(`the ${opening.source} opening with ${opening.rows.length} bids`, () => {
  /** Through schema and rules as execution does, without a signature for each: that is tested elsewhere. */
  const template = statementOf(bid)
  const unsigned = (fields: JsonObject, rowKey: string): Statement => {
    const { ledger: id, type, party } = template.payload as { ledger: string; type: string; party: string }
    const payload = { ledger: id, type, party, key: rowKey, ...fields }
    const canonicalPayload = utf8(readJson(JSON.stringify(payload)).canonical)
    return { ...template, key: rowKey, payload, canonicalPayload, id: statementId(party, canonicalPayload) }
  }

  it('has a record for every bid, each with an id of its own', () => {
    const ids = new Set<string>()
    const refused: string[] = []
    for (const row of opening.rows) {
      const statement = unsigned(bidFields(row, opening, owner), `${opening.code}/${row.seq}`)
      const code = ledger.submit(statement, { blockTime: Date.UTC(2026, 2, 17) })
      if (code !== 'accepted') refused.push(`${row.seq}: ${code}`)
      ids.add(statement.id)
    }
    expect(refused).toEqual([])
    expect(ids.size).toBe(1_528)
  })

  it('has decrypted bids, undecrypted ones, cash, annual deposits and guarantees among them', () => {
    const fields = opening.rows.map((row) => bidFields(row, opening, owner))
    const kinds = new Set(fields.map(({ security }) => (security as { kind: string } | undefined)?.kind))
    expect(kinds).toEqual(new Set(['guarantee', 'cash', 'annual', 'none', undefined]))
    expect(fields.filter(({ decrypted }) => decrypted === false)).toHaveLength(3)
  })
})

const small = sharedData('opening-S1407003401015434001.json')
describe(
  small === undefined
    ? 'a small opening of consortia (the real one is not here)'
    : 'the real small opening of consortia',
  () => {
    const rows = small === undefined ? consortia() : rowsOf(JSON.parse(small).content_text)

    it('has a record for each: names without codes, a rate for a price, a limit beside it', () => {
      expect(rows.length).toBeGreaterThan(2)
      rows.forEach(([names, price, limit, duration, received], at) => {
        const fields = {
          tender: { owner, scheme: 'tender-project', code: 'S1407003401015434001' },
          region: '540600',
          sequence: at + 1,
          bidders: names!.split(';').map((name) => ({ name })),
          price: { form: 'rate', amount: price!, raw: `${price}（控制价 ${limit}）` },
          decrypted: true,
          receivedAt: beijingTime(received!),
          openingTime: '2026-03-16T11:20:00+08:00',
          duration: duration!,
        }
        expect(submit(fields, Date.UTC(2026, 2, 17))).toBe('accepted')
      })
    })
  },
)

/** Five cells a row, after the head of the table. */
function rowsOf(text: string): string[][] {
  const cells = text.split('\n').slice(text.split('\n').indexOf('投标文件递交时间') + 1)
  return Array.from({ length: cells.length / 5 }, (_, at) => cells.slice(at * 5, at * 5 + 5))
}

function consortia(): string[][] {
  return ['甲', '乙', '丙'].map((name, at) => [
    `示例${name}建设工程有限公司;示例${name}设计有限公司`,
    '1',
    '24959500.00',
    '12个月',
    `2026-3-15 1${at}:31:17`,
  ])
}
