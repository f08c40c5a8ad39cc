import { expect, test } from 'vitest'
import type { Column } from '../../src/api/table.ts'
import { type AboutLine, workbook, xlsxTable } from '../../src/api/xlsx.ts'
import type { JsonObject, JsonValue } from '../../src/chain/json.ts'
import { submitter } from './fake-ledger.ts'
import { publicServer, saysNo } from './harness.ts'
import { hostileTexts } from './hostile-texts.ts'
import { type Cell, readWorkbook, type Sheet, unzip } from './workbook-reader.ts'

const columns: readonly Column<JsonObject>[] = ['text', 'bare', 'decimal'].map((cell) => ({
  name: cell,
  title: { zh: `标题${cell}`, en: `title ${cell}` },
  cell: cell as 'text',
  of: (row) => row[cell],
}))

const title = { zh: '表', en: 'Table' }
const about: readonly AboutLine[] = [[{ zh: '账本', en: 'Ledger' }, 'ab<c>']]

async function fileOf(rows: readonly JsonObject[], language: 'zh' | 'en' = 'zh'): Promise<Buffer> {
  const { head, line } = xlsxTable(columns, language)
  async function* lines(): AsyncGenerator<string> {
    yield head
    for (const row of rows) yield line(row)
  }
  return workbook({ title, language, columnCount: columns.length }, lines(), () => about)
}

/** The cell that a value becomes. */
async function cell(value: JsonValue, kind: 'text' | 'bare' | 'decimal' = 'text'): Promise<Cell | undefined> {
  const sheet = readWorkbook(await fileOf([{ [kind]: value }])).get('表')!
  return sheet[1]![columns.findIndex(({ name }) => name === kind)]
}

test.each(hostileTexts)(
  'a text cell holds %s as it is, in the text format, and is no formula',
  async (_what, value) => {
    expect(await cell(value)).toEqual({ kind: 'inlineStr', value, format: 49, formula: false })
  },
)

test('amounts and times are texts too, digit for digit', async () => {
  expect(await cell('12345678901234.123456', 'decimal')).toMatchObject({
    kind: 'inlineStr',
    value: '12345678901234.123456',
  })
  expect(await cell('1794.5000', 'decimal')).toMatchObject({ kind: 'inlineStr', value: '1794.5000' })
  expect(await cell('2026-03-16T09:30:00.000+08:00', 'bare')).toMatchObject({ kind: 'inlineStr', format: 49 })
})

test.each<[string, JsonValue, Partial<Cell> | undefined]>([
  ['a number', 12, { kind: 'n', value: '12' }],
  ['a fraction', 0.5, { kind: 'n', value: '0.5' }],
  ['true', true, { kind: 'b', value: '1' }],
  ['null', null, undefined],
  ['a list', [{ b: 1, a: '=x' }], { kind: 'inlineStr', value: '[{"a":"=x","b":1}]' }],
  ['an empty text', '', { kind: 'inlineStr', value: '' }],
])('%s', async (_what, value, expected) => {
  const found = await cell(value)
  if (expected === undefined) expect(found).toBeUndefined()
  else expect(found).toMatchObject(expected)
})

test('a text too long for a cell is cut between characters and says so', async () => {
  const { value } = (await cell('𠮷'.repeat(32_767)))!
  expect(value.length).toBeLessThanOrEqual(32_767)
  expect(value).toMatch(/^(?:𠮷)+…（共 65534 字符，此处截断；全文请取 JSON）$/u)
})

test('the head row is in the reader’s language, and the second sheet says what the file is true as of', async () => {
  const zh = readWorkbook(await fileOf([]))
  expect([...zh.keys()]).toEqual(['表', '说明'])
  expect(valuesOf(zh.get('表')!)).toEqual([['标题text', '标题bare', '标题decimal']])
  expect(valuesOf(zh.get('说明')!)).toEqual([['账本', 'ab<c>']])
  const en = readWorkbook(await fileOf([], 'en'))
  expect([...en.keys()]).toEqual(['Table', 'About'])
  expect(valuesOf(en.get('Table')!)).toEqual([['title text', 'title bare', 'title decimal']])
})

test('the same rows make the same bytes, whatever the clock says', async () => {
  const rows = [{ text: 'a' }, { text: 'b', decimal: '1.0' }]
  expect(await fileOf(rows)).toEqual(await fileOf(rows))
  // Every time in it, by the directory: 1980-01-01, 0:00.
  const parts = unzip(await fileOf(rows))
  expect([...parts.keys()]).toEqual([
    '[Content_Types].xml',
    '_rels/.rels',
    'xl/workbook.xml',
    'xl/_rels/workbook.xml.rels',
    'xl/styles.xml',
    'xl/worksheets/sheet1.xml',
    'xl/worksheets/sheet2.xml',
  ])
  expect((await fileOf(rows)).readUInt32LE(10)).toBe(0x0021_0000)
})

test.each(['rows', 'about'] as const)(
  'what fails while %s are read fails the whole, not half a file',
  async (where) => {
    const broken = new Error('the disk of test is on fire')
    async function* lines(): AsyncGenerator<string> {
      yield xlsxTable(columns, 'zh').head
      if (where === 'rows') throw broken
    }
    const file = workbook({ title, language: 'zh', columnCount: 3 }, lines(), () => {
      throw broken
    })
    await expect(file).rejects.toBe(broken)
  },
)

test('a list as XLSX: by format or by Accept, named, with the state it is true as of in the file and in a header', async () => {
  await using api = await publicServer()
  api.ledger.put('bid.record@1', submitter.party, {
    tender: { owner: submitter.party, code: '00123456789012345678' },
    bidders: [{ name: '=HYPERLINK("http://x")' }],
    count: 3,
  })
  const answer = await api.get('/v1/records?type=bid.record@1&format=xlsx')
  expect(answer.headers).toMatchObject({
    'content-type': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    'content-disposition': 'attachment; filename="records.xlsx"',
    'x-as-of': expect.stringMatching(/^size=2, root=\S{44}, height=0$/),
  })
  const sheets = readWorkbook(answer.rawPayload)
  const [head, row] = valuesOf(sheets.get('记录')!)
  expect(head!.slice(0, 3)).toEqual(['条目编号', '种类', '记录类型'])
  const byName = Object.fromEntries(head!.map((name, at) => [name, row![at]]))
  expect(byName).toMatchObject({
    'tender · code': '00123456789012345678',
    bidders: '[{"name":"=HYPERLINK(\\"http://x\\")"}]',
    count: '3',
  })
  const said = new Map(valuesOf(sheets.get('说明')!).map(([name, value]) => [name, value]))
  expect(said.get('账本')).toMatch(/^[0-9a-f]{64}$/)
  expect(`size=${said.get('账本大小（条目数）')}, root=${said.get('树根')}, height=${said.get('区块高度')}`).toBe(
    answer.headers['x-as-of'],
  )
  expect(said.get('完整')).toContain('to the end of the list')
  const accept = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, */*;q=0.1'
  const byAccept = await api.get('/v1/records?type=bid.record@1', { accept })
  expect(byAccept.rawPayload).toEqual(answer.rawPayload)
})

test('a list cut short says in the file where the rest is', async () => {
  await using api = await publicServer({ limits: { sheetCharactersMax: 100_000 } })
  for (let i = 0; i < 450; i++) api.ledger.put('attest.hash@1', submitter.party, { hash: `${i}` })
  const first = await api.get('/v1/records?type=attest.hash@1&format=xlsx', { 'accept-language': 'en' })
  const sheets = readWorkbook(first.rawPayload)
  expect(sheets.get('Records')).toHaveLength(1 + 200)
  const [name, url] = valuesOf(sheets.get('About')!).at(-1)!
  expect(name).toBe('Not complete; the rest is at')
  expect(first.headers.link).toBe(`<${url}>; rel="next"`)
  const second = await api.get(url!)
  expect(readWorkbook(second.rawPayload).get('记录')![1]![0]!.value).toBe('201')
})

test('what goes wrong while a file is made is a problem, not half a file', async () => {
  await using api = await publicServer()
  expect(saysNo(await api.get('/v1/records?format=xlsx&cursor=made-up'))).toEqual([400, 'request.bad-cursor'])
  api.ledger.records = () => Promise.reject(new Error('the disk of test is on fire'))
  expect(saysNo(await api.get('/v1/records?format=xlsx'))).toEqual([500, 'internal.error'])
  expect(saysNo(await api.get('/v1/records?format=csv'))).toEqual([500, 'internal.error'])
})

const valuesOf = (sheet: Sheet): readonly (readonly (string | undefined)[])[] =>
  sheet.map((row) => row.map((cell) => cell?.value))
