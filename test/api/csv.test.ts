import { expect, test } from 'vitest'
import type { RecordRow } from '../../src/api/answers.ts'
import { type CsvFlavour, csvTable } from '../../src/api/csv.ts'
import type { Language } from '../../src/api/messages.ts'
import { recordColumns } from '../../src/api/record-table.ts'
import { catalogueOf } from '../../src/chain/catalogue/catalogue.ts'
import type { JsonObject, JsonValue } from '../../src/chain/json.ts'

const row = (payload: JsonObject, more: Partial<RecordRow> = {}): RecordRow => ({
  index: '7',
  kind: 'record',
  type: 'attest.hash@1',
  status: 'attested',
  statementId: '1'.repeat(64),
  member: 'guangzhou',
  receivedAt: '2026-03-16T09:30:00.000+08:00',
  height: '3',
  term: '1',
  blockTime: '2026-03-16T09:30:01.000+08:00',
  party: 'uscc:914403001922038216',
  keyStanding: 'agreed',
  payload,
  ...more,
})

const recordsCsv = (flavour: CsvFlavour, language: Language, schema: JsonObject | undefined) =>
  csvTable(recordColumns(schema), flavour, language)

/** The cell that a value becomes. */
function cell(value: JsonValue, flavour: 'excel' | 'plain', property: JsonObject = { type: 'string' }): string {
  const table = recordsCsv(flavour, 'zh', { type: 'object', properties: { value: property } })
  const line = table.line(row({ value }))
  return line.slice(table.line(row({})).length - '\r\n'.length, -'\r\n'.length)
}

test.each<[string, string, string]>([
  ['all digits', '914403001922038216', '"914403001922038216\t"'],
  ['leading zeros', '007', '"007\t"'],
  ['what looks like a date', '2026-1', '"2026-1\t"'],
  ['what looks like an exponent', '12E5', '"12E5\t"'],
  ['Chinese', '桃溪公园', '"桃溪公园\t"'],
  ['a comma', 'a,b', '"a,b\t"'],
  ['quotes', 'a"b"', '"a""b""\t"'],
  ['a line break', 'a\r\nb', '"a\r\nb\t"'],
  ['a formula', '=1+1', '"\'=1+1\t"'],
  ['a command', '@SUM(A1)', '"\'@SUM(A1)\t"'],
  ['plus', '+86', '"\'+86\t"'],
  ['minus', '-5', '"\'-5\t"'],
  ['a formula behind a TAB', '\t=1', '"\'\t=1\t"'],
  ['a formula behind a line break', '\n=1', '"\'\n=1\t"'],
  ['a full-width formula', '＝1', '"\'＝1\t"'],
])('Excel: %s', (_what, value, expected) => {
  expect(cell(value, 'excel')).toBe(expected)
})

test.each<[string, JsonValue, string]>([
  ['digits stay bare', '914403001922038216', '914403001922038216'],
  ['a formula is still disarmed', '=1+1', "'=1+1"],
  ['a comma is quoted', 'a,b', '"a,b"'],
  ['a list is JSON in one cell', [{ b: 1, a: 'x' }], '"[{""a"":""x"",""b"":1}]"'],
  ['a number', 12, '12'],
  ['a boolean', true, 'true'],
  ['null', null, ''],
])('for programs: %s', (_what, value, expected) => {
  expect(cell(value, 'plain')).toBe(expected)
})

test('amounts can be added up, as long as a spreadsheet keeps every digit', () => {
  const decimal = { type: 'string', 'x-value': 'decimal' }
  expect(cell('1794.5831', 'excel', decimal)).toBe('1794.5831')
  expect(cell('12345678901234.123456', 'excel', decimal)).toBe('"12345678901234.123456\t"')
})

test('the columns of a real type have the titles of its schema, in the reader’s language', () => {
  const { schema } = catalogueOf(['bid.record@1']).types[0]!
  const zh = recordsCsv('excel', 'zh', schema).head
  expect(zh).toContain(',招标项目 · 招标项目编号,')
  expect(recordsCsv('excel', 'en', schema).head).toContain(',Price · Amount,')
  expect(recordsCsv('plain', 'zh', schema).head).toContain(',tender.code,')
  expect(zh.startsWith('\uFEFF')).toBe(true)
  expect(recordsCsv('plain', 'zh', schema).head.startsWith('index,')).toBe(true)
})

test('no two columns have one name: a bid has a time of receipt of its own', () => {
  const { schema } = catalogueOf(['bid.record@1']).types[0]!
  const names = recordsCsv('plain', 'zh', schema).head.trimEnd().split(',')
  expect(new Set(names).size).toBe(names.length)
  expect(names).toContain('payload.receivedAt')
})

test('without a type the payload is one cell of JSON', () => {
  const table = recordsCsv('plain', 'zh', undefined)
  expect(table.head.endsWith(',payload\r\n')).toBe(true)
  expect(table.line(row({ b: [1], a: '=x' }))).toMatch(/"\{""a"":""=x"",""b"":\[1\]\}"\r\n$/)
})

test('what a record does not have is an empty cell', () => {
  const line = recordsCsv('plain', 'zh', undefined).line(
    row({}, { statementId: null, party: null, keyStanding: null, member: null, receivedAt: null }),
  )
  expect(line).toBe('7,record,attest.hash@1,attested,,,,,,2026-03-16T09:30:01.000+08:00,3,{}\r\n')
})

test('a payload cannot reach columns through inherited names', () => {
  const table = recordsCsv('plain', 'zh', { type: 'object', properties: { constructor: { type: 'string' } } })
  expect(table.line(row({}))).toMatch(/,3,\r\n$/)
})
