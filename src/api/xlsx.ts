/**
 * Lists as XLSX (ECMA-376, SpreadsheetML) for people who open them in a spreadsheet. Unlike CSV nothing is guessed here: every code,
 * amount, id and time is a text cell in a text format (`@`), so that 914403001922038216 keeps its digits, and `=…` stays the text it
 * is even after somebody has clicked into the cell. Nothing is put before or behind a value: what stands in the cell is what stands on
 * the ledger. Only JSON numbers (counts, sequence numbers) are numbers.
 *
 * The first sheet is the table, its head row in the reader's language. The second says what the file is true as of, and whether it is
 * the whole list: a file is passed on, the headers of the answer are not.
 *
 * The ZIP around it is yazl's, compressed on Node's own threads as rows come, so that a long list neither fills the memory nor holds up
 * the node. The same list makes the same bytes.
 */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { ZipFile } from 'yazl'
import type { JsonValue } from '../chain/json.ts'
import type { Language } from './messages.ts'
import type { Column, TableWriter, Title } from './table.ts'
import { textOfValue } from './table.ts'

export const xlsxMediaType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

/** What Excel takes in one cell; a file with more it calls damaged. UTF-16 units. */
const cellCharactersMax = 32_767

/** The sheet of the list, row by row, as XML. */
export function xlsxTable<Row>(columns: readonly Column<Row>[], language: Language): TableWriter<Row> {
  const letters = columns.map((_, at) => columnLetters(at))
  let number = 1
  const row = (cells: readonly string[]): string => `<row r="${number++}">${cells.join('')}</row>`
  return {
    head: row(columns.map(({ title }, at) => textCell(`${letters[at]}${number}`, title[language], styles.head))),
    line: (values) => row(columns.map((column, at) => cell(`${letters[at]}${number}`, column.of(values), language))),
  }
}

/** One line of the second sheet. */
export type AboutLine = readonly [name: Title, value: string]

export interface WorkbookOptions {
  /** Of the list; its Chinese or English is the first sheet's name (at most 31 characters, none of `[]:*?/\`). */
  readonly title: Title
  readonly language: Language
  readonly columnCount: number
}

/**
 * The file, from the rows as they come.
 * @param rows the table's head and lines
 * @param about asked when all rows are there
 * @throws whatever `rows` or `about` throw
 */
export async function workbook(
  { title, language, columnCount }: WorkbookOptions,
  rows: AsyncIterable<string>,
  about: () => readonly AboutLine[],
): Promise<Buffer> {
  const zip = new ZipFile()
  const output = zip.outputStream as unknown as Readable
  zip.addBuffer(Buffer.from(contentTypes), '[Content_Types].xml', always)
  zip.addBuffer(Buffer.from(packageParts), '_rels/.rels', always)
  zip.addBuffer(Buffer.from(workbookPart([title[language], aboutTitle[language]])), 'xl/workbook.xml', always)
  zip.addBuffer(Buffer.from(workbookParts), 'xl/_rels/workbook.xml.rels', always)
  zip.addBuffer(Buffer.from(styleSheet), 'xl/styles.xml', always)
  async function* sheet(): AsyncGenerator<Buffer> {
    yield Buffer.from(sheetStart(columnCount))
    for await (const text of rows) yield Buffer.from(text)
    yield Buffer.from(sheetEnd)
    zip.addBuffer(Buffer.from(aboutSheet(about(), language)), 'xl/worksheets/sheet2.xml', always)
    zip.end()
  }
  // One step in hand while the one before is compressed, never more.
  const steps = Readable.from(sheet(), { highWaterMark: 1 })
  steps.on('error', (error) => output.destroy(error))
  zip.on('error', (error) => output.destroy(error))
  zip.addReadStream(steps, 'xl/worksheets/sheet1.xml', always)
  return buffer(output)
}

/** The clock has no place in the file: the same list makes the same bytes. ZIP cannot say a time before 1980. */
const always = { mtime: new Date(1980, 0, 1), forceDosTimestamp: true, mode: 0o100644 }

const styles = { text: 1, head: 2 } as const

function cell(place: string, value: JsonValue | undefined, language: Language): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return `<c r="${place}"><v>${value}</v></c>`
  if (typeof value === 'boolean') return `<c r="${place}" t="b"><v>${value ? 1 : 0}</v></c>`
  return textCell(place, fitting(textOfValue(value), language), styles.text)
}

const textCell = (place: string, text: string, style: number): string =>
  `<c r="${place}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${escaped(text)}</t></is></c>`

/** A text that does not fit a cell is cut, and says so. */
function fitting(text: string, language: Language): string {
  if (text.length <= cellCharactersMax) return text
  const note = {
    zh: `…（共 ${text.length} 字符，此处截断；全文请取 JSON）`,
    en: `… (cut here: ${text.length} characters in all; take the JSON)`,
  }[language]
  // Not between the halves of a surrogate pair.
  return `${text.slice(0, cellCharactersMax - note.length).replace(/[\ud800-\udbff]$/, '')}${note}`
}

/**
 * XML's own signs, and what XML cannot hold or would change (control characters, a carriage return) the way SpreadsheetML writes it:
 * `_x000D_` (ECMA-376 part 1, 22.9.2.19, ST_Xstring); so a text that looks like that is escaped too.
 */
function escaped(text: string): string {
  if (!unsafe.test(text)) return text
  return text
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
    .replace(unwritable, (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no place for them (§2.2)
const unwritable = /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, and what else is escaped
const unsafe = /[_&<>\u0000-\u0008\u000b-\u001f\ufffe\uffff]/

/** A … Z, AA … */
function columnLetters(at: number): string {
  const rest = Math.floor(at / 26)
  return `${rest === 0 ? '' : columnLetters(rest - 1)}${String.fromCharCode(65 + (at % 26))}`
}

const xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
const officeRelations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const packageRelations = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
const partType = 'application/vnd.openxmlformats-officedocument.spreadsheetml'

const contentTypes = `${xml}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${partType}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${partType}.worksheet+xml"/><Override PartName="/xl/worksheets/sheet2.xml" ContentType="${partType}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${partType}.styles+xml"/></Types>`

const packageParts = `${xml}<Relationships ${packageRelations}><Relationship Id="rId1" Type="${officeRelations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`

const workbookParts = `${xml}<Relationships ${packageRelations}><Relationship Id="rId1" Type="${officeRelations}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${officeRelations}/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Type="${officeRelations}/styles" Target="styles.xml"/></Relationships>`

const workbookPart = (names: readonly string[]): string =>
  `${xml}<workbook ${main} xmlns:r="${officeRelations}"><bookViews><workbookView/></bookViews><sheets>${names.map((name, at) => `<sheet name="${escaped(name)}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`).join('')}</sheets></workbook>`

/** Formats: 0 general · 1 text · 2 text, bold, for heads. Number format 49 is `@` in every spreadsheet. */
const styleSheet = `${xml}<styleSheet ${main}><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

/** The head row stays in view. */
const sheetStart = (columnCount: number): string =>
  `${xml}<worksheet ${main}><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="${columnCount}" width="22" customWidth="1"/></cols><sheetData>`

const sheetEnd = '</sheetData></worksheet>'

const aboutTitle: Title = { zh: '说明', en: 'About' }

function aboutSheet(lines: readonly AboutLine[], language: Language): string {
  const rows = lines.map(
    ([name, value], at) =>
      `<row r="${at + 1}">${textCell(`A${at + 1}`, name[language], styles.head)}${textCell(`B${at + 1}`, fitting(value, language), styles.text)}</row>`,
  )
  return `${xml}<worksheet ${main}><cols><col min="1" max="1" width="28" customWidth="1"/><col min="2" max="2" width="72" customWidth="1"/></cols><sheetData>${rows.join('')}${sheetEnd}`
}
