/**
 * The 1,528 bids of an opening out to a spreadsheet and back: every company's code, amount and time as it went in. Read back by unzipping
 * the file, always; and by LibreOffice, where it is installed (`.ci/run` installs it), which stands for the spreadsheets of the people
 * this is for: it reads the XLSX, guesses what it guesses, and writes CSV.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { csvTable } from '../../src/api/csv.ts'
import { recordColumns } from '../../src/api/record-table.ts'
import { buildPublicServer } from '../../src/api/server.ts'
import type { Column } from '../../src/api/table.ts'
import { workbook, xlsxTable } from '../../src/api/xlsx.ts'
import { catalogueOf } from '../../src/chain/catalogue/catalogue.ts'
import { bidFields, largeOpening, type OpeningRow } from '../chain/catalogue/opening-rows.ts'
import { FakeLedger, submitter } from './fake-ledger.ts'
import { hostileTexts } from './hostile-texts.ts'
import { readWorkbook } from './workbook-reader.ts'

const opening = largeOpening()
const owner = submitter.party

/** The rows as they were published, under declared columns: codes bare, as spreadsheets destroy them. */
const published: readonly Column<OpeningRow>[] = (
  [
    'seq',
    'uscc',
    'name',
    'receivedAt',
    'decryptStatus',
    'decryptCmdAt',
    'security',
    'priceWanYuan',
    'duration',
  ] as const
).map((name) => ({ name, title: { zh: name, en: name }, cell: 'text', of: (row) => row[name] }))

/** What a table must hold of the rows, line by line. */
const expected = {
  published: opening.rows.map((row) => published.map((column) => column.of(row) ?? '')),
  records: opening.rows.map((row) => {
    const { tender, bidders, price, receivedAt, decryptedAt, sequence } = bidFields(row, opening, owner) as Record<
      string,
      never
    > & { tender: { code: string }; bidders: { party: string; name: string }[]; price?: { amount: string } }
    return {
      'tender.code': tender.code,
      bidders: JSON.stringify(bidders.map(({ name, party }) => ({ name, party }))),
      'price.amount': price?.amount ?? '',
      'payload.receivedAt': receivedAt,
      decryptedAt: decryptedAt ?? '',
      sequence: String(sequence),
    }
  }),
}

/** The list of the records as the API gives it, and a table of the rows as they were published. */
async function filesOfTheOpening() {
  const ledger = new (class extends FakeLedger {
    override types() {
      return catalogueOf(['bid.record@1']).types as never
    }
  })()
  for (const row of opening.rows) ledger.put('bid.record@1', submitter.party, bidFields(row, opening, owner))
  await using app = await buildPublicServer({}, { service: ledger, onFailure: () => undefined })
  const { rawPayload, headers } = await app.inject('/v1/records?type=bid.record@1&format=xlsx')
  expect(headers.link, 'all of it in one file').toBeUndefined()
  return {
    records: rawPayload,
    published: await fileOf(published, opening.rows),
    hostile: await fileOf(textColumn, hostileTexts),
  }
}

const textColumn: readonly Column<(typeof hostileTexts)[number]>[] = [
  { name: 'text', title: { zh: '文本', en: 'Text' }, cell: 'text', of: ([, text]) => text },
]

function fileOf<Row>(columns: readonly Column<Row>[], all: readonly Row[]): Promise<Buffer> {
  const { head, line } = xlsxTable(columns, 'zh')
  async function* rows(): AsyncGenerator<string> {
    yield head
    yield all.map(line).join('')
  }
  const options = { title: { zh: '开标', en: 'Opening' }, language: 'zh', columnCount: columns.length } as const
  return workbook(options, rows(), () => [])
}

const files = filesOfTheOpening()

/** Rows as records of the columns asked for, by the names in the head row that belong to them. */
function chosen(rows: readonly (readonly string[])[], names: readonly string[]): Record<string, string>[] {
  const schema = catalogueOf(['bid.record@1']).types[0]!.schema
  // The same columns in the same order, under their names for programs.
  const heads = csvTable(recordColumns(schema), 'plain', 'zh').head.trimEnd().split(',')
  const places = names.map((name) => heads.indexOf(name))
  expect(places, names.join()).not.toContain(-1)
  return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[places[at]!] ?? ''])))
}
const names = Object.keys(expected.records[0]!)

describe(`an opening of ${opening.rows.length} bids (${opening.source} rows)`, () => {
  test('is what it should be: companies whose codes are digits only are among them', () => {
    expect(opening.rows).toHaveLength(1528)
    const digitsOnly = opening.rows.filter(({ uscc }) => /^\d{18}$/.test(uscc))
    if (opening.source === 'real') expect(digitsOnly).toHaveLength(247)
  })

  test('goes out to XLSX and comes back by unzipping it', async () => {
    const sheet = readWorkbook((await files).published).get('开标')!
    expect(sheet.slice(1).map((row) => published.map((_, at) => row[at]?.value ?? ''))).toEqual(expected.published)
    for (const row of sheet) for (const cell of row) if (cell !== undefined) expect(cell.format).toBe(49)
    const records = readWorkbook((await files).records).get('记录')!
    const values = records.slice(1).map((row) => Array.from(row, (cell) => cell?.value ?? ''))
    expect(chosen(values, names)).toEqual(expected.records)
  })

  const office = ['/usr/bin/soffice', '/usr/local/bin/soffice', '/opt/libreoffice/program/soffice'].find(existsSync)

  test.skipIf(office === undefined)(
    office === undefined
      ? 'left out: back through LibreOffice (there is no soffice on this machine)'
      : 'goes out to XLSX, through LibreOffice, and back',
    { timeout: 240_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gongzheng-office-'))
      try {
        await mkdir(join(folder, 'back'))
        const sources = Object.entries(await files).map(([name, file]) => ({
          path: join(folder, `${name}.xlsx`),
          file,
        }))
        for (const { path, file } of sources) await writeFile(path, file)
        await promisify(execFile)(office!, [
          // A profile of its own: another LibreOffice of the same user would take the work, or refuse it.
          `-env:UserInstallation=${pathToFileURL(join(folder, 'profile'))}`,
          '--headless',
          '--convert-to',
          // Comma, quote, UTF-8, from the first line, every text in quotes, and cells as they are shown.
          'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true',
          '--outdir',
          join(folder, 'back'),
          ...sources.map(({ path }) => path),
        ])
        const back = async (name: string): Promise<string[][]> =>
          parseCsv(await readFile(join(folder, 'back', `${name}.csv`), 'utf8')).slice(1)
        expect(await back('published')).toEqual(expected.published)
        expect(chosen(await back('records'), names)).toEqual(expected.records)
        // LibreOffice has one kind of line break inside a cell.
        expect(await back('hostile')).toEqual(hostileTexts.map(([, text]) => [text.replaceAll('\r\n', '\n')]))
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  )
})

/** RFC 4180, with the line breaks of any system. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, bare, end] of text
    .replace(/^\uFEFF/, '')
    .replace(/\r?\n$/, '')
    .matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)!.push(quoted === undefined ? bare! : quoted.replaceAll('""', '"'))
    if (end === '') break
    if (end !== ',') rows.push([])
  }
  return rows
}
