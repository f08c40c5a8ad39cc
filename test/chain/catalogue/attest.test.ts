import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { FoundedLedger, keyOf, syntheticParty } from './founded-ledger.ts'
import { sharedData } from './opening-rows.ts'

const catalogue = catalogueOf(knownTypeNames)
const ledger = FoundedLedger.found(catalogue)
const owner = syntheticParty('350525', 3)
const source = {
  system: '泉州市公共资源交易系统',
  operator: 'role:公告发布岗',
  method: '系统导出',
  software: 'trade 4.2',
  occurredAt: '2026-03-10T09:00:00+08:00',
}
const attestation = {
  subject: 'document',
  hash: { algorithm: 'sm3', value: '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0' },
  mediaType: 'text/html',
  source,
}
const statementOf = (fields: JsonObject) =>
  ledger.statement('attest.hash@1', ledger.member('wuhan').party, keyOf('wuhan centre'), fields)
const submit = (change: JsonObject): string => ledger.submit(statementOf({ ...attestation, ...change }))

describe('attest.hash', () => {
  it('takes a document with everything the type knows', () => {
    const full = {
      length: 0,
      tender: { owner, scheme: 'tender-project', code: '洛直政采磋商(2026)0031号', name: '某项目' },
      region: '410300',
      version: 2,
      title: '竞争性磋商公告',
    }
    expect(submit(full)).toBe('accepted')
    expect(catalogue.typeOf('attest.hash@1')!.subjects({ ...attestation, ...full })).toEqual({
      owner,
      tender: '洛直政采磋商(2026)0031号',
      parties: [owner],
      region: '410300',
      subjects: [`tender/${owner}/tender-project/洛直政采磋商(2026)0031号`],
      hashes: ['sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0'],
    })
    expect(catalogue.typeOf('attest.hash@1')!.subjects(attestation)).toEqual({
      parties: [],
      hashes: ['sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0'],
    })
  })

  it('takes a transaction, from a person known by a salted hash', () => {
    expect(
      submit({
        subject: 'transaction',
        hash: { algorithm: 'sha256', value: '0'.repeat(64) },
        mediaType: 'application/vnd.trade+json',
        source: { ...source, operator: `person:${'12345678901'.padEnd(64, '0')}` },
      }),
    ).toBe('accepted')
  })

  it('writes no state: what it says is the record itself', () => {
    const before = ledger.rows()
    expect(submit({})).toBe('accepted')
    expect(ledger.rows()).toEqual(before)
  })

  it.each<[string, JsonObject, string]>([
    ['an unknown algorithm', { hash: { algorithm: 'md5', value: '0'.repeat(64) } }, 'schema.violation'],
    ['a hash in capitals', { hash: { algorithm: 'sha256', value: 'A'.repeat(64) } }, 'schema.violation'],
    ['a hash too short', { hash: { algorithm: 'sha256', value: 'a'.repeat(40) } }, 'schema.violation'],
    ['a media type without a slash', { mediaType: 'pdf' }, 'schema.violation'],
    ['a negative length', { length: -1 }, 'schema.violation'],
    ['a length with a fraction', { length: 1.5 }, 'schema.violation'],
    ['a region of nine digits', { region: '350525000' }, 'schema.violation'],
    ['a title over two lines', { title: 'a\nb' }, 'schema.violation'],
    ['a title that turns the writing', { title: 'a\u202eb' }, 'schema.violation'],
    [
      'a source without a time',
      { source: { system: 'x', operator: 'role:y', method: 'z', software: 'w' } },
      'schema.violation',
    ],
    ['an operator’s plain name', { source: { ...source, operator: '张三' } }, 'schema.violation'],
    ['a telephone number', { source: { ...source, operator: 'role:张三 13800138000' } }, 'attest.personal-data'],
    ['an identity card', { source: { ...source, operator: 'role:11010519491231002X' } }, 'attest.personal-data'],
    [
      'full-width digits of one',
      { source: { ...source, operator: 'role:１３８００１３８０００' } },
      'attest.personal-data',
    ],
    ['a tender without an owner', { tender: { scheme: 'x', code: 'y' } }, 'schema.violation'],
    ['a document in the payload', { content: 'JVBERi0=' }, 'schema.violation'],
  ])('refuses %s', (_, change, code) => {
    expect(submit(change)).toBe(code)
  })

  const notices = sharedData('ggzy-notices-2026-03.jsonl')
  it(`takes ${notices === undefined ? 'notices of the real shapes (the real ones are not here)' : 'all real notices, of every kind'}`, () => {
    for (const notice of notices === undefined
      ? noticeShapes
      : notices
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))) {
      const code = submit({
        hash: { algorithm: 'sm3', value: notice.contentSm3 },
        length: notice.contentLength,
        title: notice.title,
        source: { ...source, occurredAt: `${notice.publish_date.replace(' ', 'T')}:00+08:00` },
        // Some notices have no code: then the hash stands alone.
        ...(notice.project_code === '' ? {} : { tender: { owner, scheme: 'opaque', code: notice.project_code } }),
      })
      expect([notice.title, code]).toEqual([notice.title, 'accepted'])
    }
  })
})

const noticeShapes = [
  '',
  'E3505050602100001',
  '采购计划备-[2026]-03296号-1',
  '焦公资采购H2026—018',
  '2026年第9099号',
].map((code) => ({
  title: `某市体育中心（第${code.length}包）采购公告`,
  project_code: code,
  publish_date: '2026-03-16 23:31',
  contentLength: code.length * 100,
  contentSm3: 'a3'.repeat(32),
}))
