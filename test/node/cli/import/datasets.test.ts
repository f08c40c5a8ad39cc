/** Data sets of the national specification, in rows of our own under its column names. */
import { describe, expect, it } from 'vitest'
import { tenderLife } from '../../../../src/chain/catalogue/tender-life.ts'
import { dataSets, mapDatasets } from '../../../../src/node/cli/import/datasets.ts'
import type { ImportedStatement, ImportItem } from '../../../../src/node/cli/import/item.ts'
import { takeAll } from './import-ledger.ts'

const code = 'E3505250502172856001'
const owner = '12350100MB02709751'
const winner = '914403001922038216'
const section = `${code}001`
const project = { DATA_KEY: 'p1', TENDER_PROJECT_CODE: code, TENDERER_CODE: owner, TENDERER_NAME: '某县住建局' }
const notice = {
  DATA_KEY: 'n1',
  TENDER_PROJECT_CODE: code,
  BID_SECTION_CODES: `${section};${code}002`,
  NOTICE_NAME: '某体育公园招标公告',
  NOTICE_CONTENT: '招标公告全文',
  NOTICE_SEND_TIME: '20260210093000',
  BID_DOC_REFER_END_TIME: '20260316093000',
  BID_OPEN_TIME: '20260316093000',
  CONTROL_PRICE: '5391.988',
  MARGIN_AMOUNT: '80',
  MARGIN_AMOUNT_UNIT: '1',
  TENDERER_CONTACTOR: '张三',
  TENDERER_PHONE_NUMBER: '13800138000',
}
const opening = {
  DATA_KEY: 'o1',
  TENDER_PROJECT_CODE: code,
  BID_OPENING_TIME: '20260316093000',
  DATA_TIMESTAMP: '20260316110000',
  BID_OPENING_ACTOR: '全体',
}
const candidate = (order: number, name: string, uscc: string) => ({
  DATA_KEY: `c${order}`, TENDER_PROJECT_CODE: code, BID_SECTION_CODE: section, WIN_CANDIDATE_NAME: name, WIN_CANDIDATE_CODE: uscc,
  WIN_CANDIDATE_ORDER: order, DATA_TIMESTAMP: '20260318100000',
}) // biome-ignore format: a row
const result = {
  DATA_KEY: 'r1', TENDER_PROJECT_CODE: code, BID_SECTION_CODE: section, NOTICE_SEND_TIME: '20260322100000',
  WIN_BIDDER_NAME: '某建设有限公司;某设计院有限公司', WIN_BIDDER_CODE: `${winner};91330100716105852F`, BID_AMOUNT: '1835.0534', PRICE_UNIT: '1',
} // biome-ignore format: a row
const contract = {
  DATA_KEY: 'k1', TENDER_PROJECT_CODE: code, BID_SECTION_CODE: section, CONTRACT_NAME: '施工合同', CONTRACT_PRICE: '18350535',
  PRICE_UNIT: '0', CONTRACT_SIGN_TIME: '20260401120000', WIN_BIDDER_NAME: '某建设有限公司', WIN_BIDDER_CODE: winner,
} // biome-ignore format: a row
const whole = [
  project,
  notice,
  opening,
  candidate(2, '乙建设有限公司', '91330100716105852F'),
  candidate(1, '某建设有限公司', winner),
  result,
  contract,
]

const statements = (items: readonly ImportItem[]) => items.filter((item) => item.kind === 'statement')
const problems = (items: readonly ImportItem[]) =>
  items.flatMap((item) => (item.kind === 'problem' ? [item.problem.en] : []))
const fieldsOf = (rows: readonly object[], at = 0) => statements(mapDatasets(rows as never))[at]!.fields

describe('data sets', () => {
  it('become records, the owner found in the file', () => {
    const items = mapDatasets(whole)
    expect(items.filter(({ kind }) => kind === 'left-out').map(({ source }) => source)).toEqual(['p1'])
    expect(statements(items).map(({ type, source }) => `${source} ${type}`)).toEqual([
      'n1 tender.notice@1',
      'o1 tender.open@1',
      'c2 tender.candidates@1',
      'r1 tender.award@1',
      'k1 tender.contract@1',
    ])
    expect(fieldsOf(whole)).toMatchObject({
      tender: { owner: `uscc:${owner}`, scheme: 'national', code, name: '某体育公园招标公告' },
      publishedAt: '2026-02-10T09:30:00+08:00',
      deadline: '2026-03-16T09:30:00+08:00',
      openingTime: '2026-03-16T09:30:00+08:00',
      profile: 'construction',
      sections: [{ code: section }, { code: `${code}002` }],
      estimate: { amount: '5391.988', unit: '1', currency: 'CNY' },
      bondCeiling: { amount: '80', unit: '1', currency: 'CNY' },
    })
    expect(fieldsOf(whole, 2).candidates).toEqual([
      { parties: [{ party: `uscc:${winner}`, name: '某建设有限公司' }] },
      { parties: [{ party: 'uscc:91330100716105852F', name: '乙建设有限公司' }] },
    ])
    expect(fieldsOf(whole, 3)).toMatchObject({
      winners: [{ party: `uscc:${winner}` }, { party: 'uscc:91330100716105852F' }],
      amount: { amount: '1835.0534', unit: '1', currency: 'CNY' },
      section,
    })
  })

  it('carry no person, telephone or address over', () => {
    const text = JSON.stringify(mapDatasets(whole))
    expect(text).not.toContain('张三')
    expect(text).not.toContain('13800138000')
    const person = { ...result, WIN_BIDDER_NAME: '李四', WIN_BIDDER_CODE: '' }
    expect(JSON.stringify(mapDatasets([project, person]))).not.toContain('李四')
  })

  it('enter a ledger, and what differs is found', () => {
    const { ledger, refused, findings } = takeAll(mapDatasets(whole), Date.UTC(2026, 3, 2))
    expect(refused).toEqual([])
    const codes = findings.map(({ code: finding }) => finding).filter((finding) => finding !== 'tender.backdated')
    expect(codes).toEqual(['tender.contract-amount-differs'])
    const instance = tenderLife.at(ledger.state, [`uscc:${owner}`, 'national', code], ledger.blockTime)
    expect(instance).toMatchObject({ state: 'contracted', row: { awardAmount: 18_350_534_000_000n } })
  })

  it('of procurement are known by their own columns, in Chinese too', () => {
    const row = {
      采购项目编号: 'HBZC-202603040103',
      采购人代码: owner,
      公告标题: '全民健身运动会',
      公告发布时间: '2026-03-16 16:03:00',
      采购方式: '竞争性磋商',
    }
    expect(fieldsOf([row])).toMatchObject({
      tender: { owner: `uscc:${owner}`, code: 'HBZC-202603040103' },
      kind: 'procurement',
      profile: 'procurement.consultation',
      publishedAt: '2026-03-16T16:03:00+08:00',
    })
  })

  it('have a data key as their idempotency key, and their content where there is none', () => {
    const keys = (rows: readonly object[]) => statements(mapDatasets(rows as never)).map(({ key }) => key)
    expect(keys([project, opening])).toEqual(['dataset:tender.open:o1'])
    const { DATA_KEY: _, ...bare } = opening
    const [key] = keys([project, bare])
    expect(key).toMatch(/^dataset:tender\.open:[0-9a-f]{64}$/)
    expect(keys([project, { ...bare, BID_OPENING_ACTOR: '部分' }])).not.toEqual([key])
  })

  it('that cannot be imported have a line that says why', () => {
    expect(problems(mapDatasets([notice]))[0]).toContain('--owner')
    expect(problems(mapDatasets([notice], { owner: `uscc:${owner}` }))).toEqual([])
    const other = { ...project, TENDERER_CODE: winner }
    expect(problems(mapDatasets([project, other, opening]))[0]).toContain('disagree')
    expect(problems(mapDatasets([{ A: 1 }]))[0]).toContain('no data set')
    const { TENDER_PROJECT_CODE: _, ...nameless } = notice
    expect(problems(mapDatasets([nameless], { owner }))[0]).toContain('tender code')
    expect(problems(mapDatasets([project, { ...result, NOTICE_SEND_TIME: '' }]))[0]).toContain('time')
  })

  it('say what was left out of a row', () => {
    const [item] = statements(
      mapDatasets([project, { ...notice, BID_OPEN_TIME: '20260316', CONTROL_PRICE: '约五千万' }]),
    )
    expect((item as ImportedStatement).notes).toHaveLength(2)
    expect(item!.fields).not.toHaveProperty('openingTime')
    expect(item!.fields).not.toHaveProperty('estimate')
  })

  it('each have columns that tell them from those after', () => {
    for (const { told, en } of dataSets) expect(told.length, en).toBeGreaterThan(0)
    expect(new Set(dataSets.map(({ zh }) => zh)).size).toBe(dataSets.length)
  })
})
