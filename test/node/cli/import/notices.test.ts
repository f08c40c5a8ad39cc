/** Notices of the national platform: our own in the same shape, and, where they lie beside the project, the hundred real ones of March 2026. */
import { describe, expect, it } from 'vitest'
import { tenderLife } from '../../../../src/chain/catalogue/tender-life.ts'
import type { ImportedStatement, ImportItem } from '../../../../src/node/cli/import/item.ts'
import { mapNotices, recordTypeOfKind } from '../../../../src/node/cli/import/notices.ts'
import { takeAll } from './import-ledger.ts'
import { sharedText } from './shared-data.ts'

const row = (fields: Readonly<Record<string, unknown>> = {}) => ({
  record_id: '0036a3c66d96193d42bc80f07279a8de7a95',
  title: '某市教育局教学设备采购项目竞争性磋商公告',
  project_code: '某直政采磋商(2026)0031号',
  publish_date: '2026-03-16 20:24',
  region: '河南省',
  business_type: '政府采购',
  info_type: '采购/资审公告',
  issuer: '（盖章）',
  agency: '某某招标代理有限公司',
  budget: '1,436,000.00元',
  source_platform: '河南省 电子交易系统',
  detail_url: 'https://www.ggzy.gov.cn/information/deal/html/a/1.html',
  contentSha256: '5a'.repeat(32),
  contentSm3: '6b'.repeat(32),
  ...fields,
})
const one = (fields: Readonly<Record<string, unknown>> = {}): ImportItem => mapNotices([row(fields)])[0]!
const statementOf = (fields: Readonly<Record<string, unknown>> = {}): ImportedStatement =>
  one(fields) as ImportedStatement
const problemOf = (fields: Readonly<Record<string, unknown>>): string => {
  const item = one(fields)
  return item.kind === 'problem' ? item.problem.en : item.kind
}

describe('a notice', () => {
  it('becomes a record with everything that its listing says', () => {
    expect(statementOf()).toEqual({
      kind: 'statement',
      source: '0036a3c66d96193d42bc80f07279a8de7a95',
      type: 'tender.notice@1',
      key: 'ggzy:0036a3c66d96193d42bc80f07279a8de7a95',
      about: 'id:ggzy-platform:河南省电子交易系统/ggzy/某直政采磋商(2026)0031号',
      publishedAt: '2026-03-16T20:24:00+08:00',
      notes: [],
      fields: {
        tender: {
          owner: 'id:ggzy-platform:河南省电子交易系统',
          scheme: 'ggzy',
          code: '某直政采磋商(2026)0031号',
          name: '某市教育局教学设备采购项目竞争性磋商公告',
        },
        document: { algorithm: 'sha256', value: '5a'.repeat(32) },
        publishedAt: '2026-03-16T20:24:00+08:00',
        source: {
          system: 'ggzy.gov.cn',
          record: '0036a3c66d96193d42bc80f07279a8de7a95',
          url: 'https://www.ggzy.gov.cn/information/deal/html/a/1.html',
        },
        kind: 'procurement',
        profile: 'procurement.consultation',
        region: '410000',
        agentName: '某某招标代理有限公司',
        estimate: { amount: '1436000', unit: '0', currency: 'CNY' },
      },
    })
  })

  it('without a code is a tender of its own', () => {
    expect(statementOf({ project_code: '' }).fields.tender).toMatchObject({
      scheme: 'ggzy-record',
      code: '0036a3c66d96193d42bc80f07279a8de7a95',
    })
  })

  it('becomes what its kind and title say', () => {
    const typeOf = (info_type: string, title = '某项目'): string => statementOf({ info_type, title }).type
    for (const [kind, { type }] of Object.entries(recordTypeOfKind)) expect(typeOf(kind), kind).toBe(`${type}@1`)
    expect(typeOf('交易结果公示', '某工程中标候选人公示')).toBe('tender.candidates@1')
    expect(typeOf('交易结果公示', '某工程流标公示')).toBe('tender.fail@1')
    expect(typeOf('中标公告', '某项目废标公告')).toBe('tender.fail@1')
    expect(typeOf('中标公告', '某项目终止公告')).toBe('tender.terminate@1')
    const prequalification = statementOf({ info_type: '招标/资审公告', title: '某工程资格预审公告' })
    expect(prequalification.fields.kind).toBe('prequalification')
  })

  it('is of the kind of trade that title or code name, and of no other', () => {
    const profile = (fields: Readonly<Record<string, unknown>>) =>
      statementOf({ project_code: '1', ...fields }).fields.profile
    expect(profile({ title: '某项目竞争性谈判公告' })).toBe('procurement.negotiation')
    expect(profile({ title: '某项目', project_code: '巩财询价采购-2026-3' })).toBe('procurement.inquiry')
    expect(profile({ title: '某项目单一来源公示' })).toBe('procurement.single-source')
    expect(profile({ title: '某项目公开招标公告' })).toBe('procurement.tender')
    expect(profile({ title: '某项目采购公告' })).toBe('other')
    expect(profile({ business_type: '工程建设' })).toBe('construction')
    expect(profile({ business_type: '土地使用权' })).toBe('land')
    expect(profile({ business_type: '矿业权' })).toBe('mining')
    expect(profile({ business_type: '国有产权' })).toBe('property')
    expect(profile({ business_type: '其他' })).toBe('other')
  })

  it('names the section as its title does', () => {
    const section = (title: string) => statementOf({ title }).fields.section
    expect(section('某采购项目结果公告（采购包1）')).toBe('采购包1')
    expect(section('某项目第一标段(包)中标候选人公示')).toBe('第一标段')
    expect(section('销售点培训建设2包招标公告')).toBe('2包')
    expect(section('某项目（第二包：综合监管）成交公告')).toBe('第二包')
    expect(section('某项目三包括服务')).toBeUndefined()
    expect(section('施工 / 标段中标结果')).toBeUndefined()
  })

  it('has its budget in the unit that it says, or not at all', () => {
    const budget = (text: string) => {
      const { fields, notes } = statementOf({ budget: text })
      return [fields.estimate, notes.length]
    }
    expect(budget('23.5 万元')).toEqual([{ amount: '23.5', unit: '1', currency: 'CNY' }, 0])
    expect(budget('60\n万元')).toEqual([{ amount: '60', unit: '1', currency: 'CNY' }, 0])
    expect(budget('0元 人民币')).toEqual([undefined, 0])
    expect(budget('')).toEqual([undefined, 0])
    expect(budget('30.0')).toEqual([undefined, 1])
  })

  it('that cannot be imported has a line that says why', () => {
    expect(problemOf({ info_type: '某种公告' })).toContain('某种公告')
    expect(problemOf({ info_type: 'constructor' })).toContain('not known')
    expect(problemOf({ publish_date: '2026-02-30 09:00' })).toContain('publish_date')
    expect(problemOf({ source_platform: ' ' })).toContain('source_platform')
    expect(problemOf({ record_id: undefined })).toContain('record_id')
    expect(problemOf({ contentSha256: 'x', contentSm3: '' })).toContain('hash')
    expect(one({ contentSha256: '' })).toMatchObject({ fields: { document: { algorithm: 'sm3' } } })
  })
})

describe('notices on a ledger', () => {
  it('are linked whatever order they come in: the notice before its change, the change before the result', () => {
    const items = mapNotices([
      row({ record_id: 'c', info_type: '中标公告', publish_date: '2026-03-18 00:00' }),
      row({ record_id: 'b', info_type: '更正事项', publish_date: '2026-03-16 20:24' }),
      row({ record_id: 'a' }),
    ])
    const { ledger, refused } = takeAll(items, Date.UTC(2026, 2, 18))
    expect(refused).toEqual([])
    const instance = tenderLife.at(ledger.state, keyCells, ledger.blockTime)
    expect(instance).toMatchObject({ state: 'awarded', row: { version: 2 } })
  })

  it('all hundred real ones of March 2026 enter, months later, of every kind and without a refusal', () => {
    const text = sharedText('cn/ggzy-notices-2026-03.jsonl')
    if (text === undefined) return
    const rows = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const items = mapNotices(rows)
    expect(items.filter(({ kind }) => kind !== 'statement')).toEqual([])
    expect(new Set(rows.map((real) => `${real.business_type} ${real.info_type}`)).size).toBe(10)
    const types = new Set(items.map((item) => (item as ImportedStatement).type))
    expect(Array.from(types).sort()).toEqual([
      'tender.amend@1',
      'tender.award@1',
      'tender.candidates@1',
      'tender.clarify@1',
      'tender.contract@1',
      'tender.notice@1',
      'tender.open@1',
    ])
    const { refused, findings } = takeAll(items, Date.UTC(2026, 10, 22))
    expect(refused).toEqual([])
    const counts: Record<string, number> = {}
    for (const { code } of findings) counts[code] = (counts[code] ?? 0) + 1
    // All came eight months late, and ten are further notices of a tender that name no new section.
    expect(counts).toEqual({ 'tender.backdated': 100, 'tender.notice-repeated': 10 })
  })
})

const keyCells = ['id:ggzy-platform:河南省电子交易系统', 'ggzy', '某直政采磋商(2026)0031号']
