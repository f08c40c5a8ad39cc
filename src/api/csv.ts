/**
 * Lists as CSV (RFC 4180: comma, CRLF, quotes doubled) for people who open them in a spreadsheet. A spreadsheet guesses: it rounds the
 * 18 digits of a unified social credit code, drops leading zeros, turns `2026-1` into a date and `=…` into a program. So there are two
 * flavours:
 *
 * - `excel` (default): starts with a byte order mark, so that Chinese is read as UTF-8; every text cell ends in a TAB, which is invisible
 *   and makes any spreadsheet take the cell for text, digit for digit (the convention of Chinese payment platforms' exports), while
 *   amounts stay numbers that can be added up; the head row has words in the reader's language.
 * - `plain`: no mark, no TABs, the head row has the names of the JSON; for programs.
 *
 * In both, a cell that a spreadsheet could run as a formula gets an apostrophe in front (OWASP, "CSV Injection"), full-width signs
 * included. Who needs the exact text of such a cell takes the JSON.
 */
import type { JsonObject, JsonValue } from '../chain/json.ts'
import { canonicalJson } from '../chain/json.ts'
import type { RecordRow } from './answers.ts'
import type { Language } from './messages.ts'

export type CsvFlavour = 'excel' | 'plain'

interface Column {
  readonly name: string
  readonly title: Readonly<Record<Language, string>>
  /**
   * bare: what a spreadsheet may take for a number, and words and times that it leaves alone · decimal: amounts, which people want to
   * add up, bare as long as a spreadsheet keeps every digit · text: everything else.
   */
  readonly cell: 'text' | 'bare' | 'decimal'
  of(row: RecordRow): JsonValue | undefined
}

export const csvMediaType = 'text/csv; charset=utf-8'

export interface CsvTable {
  /** The mark, if any, and the head row. */
  readonly head: string
  /** One row, with its line break. */
  line(row: RecordRow): string
}

/**
 * @param payloadSchema of the one type that is listed: its fields become columns of their own. Without it the payload is one cell of JSON.
 */
export function recordsCsv(flavour: CsvFlavour, language: Language, payloadSchema: JsonObject | undefined): CsvTable {
  const columns = [...recordColumns, ...(payloadSchema === undefined ? [wholePayload] : payloadColumns(payloadSchema))]
  const heads = columns.map(({ title, name }) => spellText(flavour === 'excel' ? title[language] : name, 'plain'))
  return {
    head: `${flavour === 'excel' ? '\uFEFF' : ''}${heads.join(',')}\r\n`,
    line: (row) => `${columns.map((column) => spellCell(column.of(row), column.cell, flavour)).join(',')}\r\n`,
  }
}

/** Spreadsheets compute in doubles, of which 15 decimal digits are safe. */
const exactDigits = 15

/** What starts a formula in some spreadsheet, in some locale; TAB and line breaks because they are skipped before the guess. */
const formulaStart = /^[=+\-@\t\r\n＝＋－＠]/

function spellCell(value: JsonValue | undefined, cell: Column['cell'], flavour: CsvFlavour): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : canonicalJson(value)
  const isText = cell === 'text' || (cell === 'decimal' && text.length > exactDigits)
  return spellText(text, isText ? flavour : 'plain')
}

function spellText(text: string, flavour: CsvFlavour): string {
  const harmless = formulaStart.test(text) ? `'${text}` : text
  const marked = flavour === 'excel' ? `${harmless}\t` : harmless
  return /["\t,\r\n]/.test(marked) ? `"${marked.replaceAll('"', '""')}"` : marked
}

const column = (name: keyof RecordRow, zh: string, en: string, cell: 'text' | 'bare'): Column => ({
  name,
  title: { zh, en },
  cell,
  of: (row) => row[name],
})

const recordColumns: readonly Column[] = [
  column('index', '条目编号', 'Index', 'bare'),
  column('kind', '种类', 'Kind', 'bare'),
  column('type', '记录类型', 'Type', 'bare'),
  column('status', '状态', 'Status', 'bare'),
  column('statementId', '报文标识', 'Statement id', 'text'),
  column('party', '签署主体', 'Party', 'text'),
  column('keyStanding', '密钥认定', 'Key standing', 'bare'),
  column('member', '接收成员', 'Member', 'text'),
  column('receivedAt', '接收时间（北京时间）', 'Received (Beijing time)', 'bare'),
  column('blockTime', '区块时间（北京时间）', 'Block time (Beijing time)', 'bare'),
  column('height', '区块高度', 'Height', 'bare'),
]

const wholePayload = column('payload', '内容', 'Payload', 'text')

/** The envelope's fields have columns already, or (the ledger) are the same in every row. */
const envelopeFields = new Set(['ledger', 'type', 'party'])

/**
 * One column per leaf of the schema's properties, in their order: `tender.code`, titled as the schema titles it. Arrays stay one cell
 * of JSON.
 */
function payloadColumns(schema: JsonObject, path: readonly string[] = [], titles: readonly Title[] = []): Column[] {
  return Object.entries(propertiesOf(schema)).flatMap(([name, property]) => {
    if (path.length === 0 && envelopeFields.has(name)) return []
    const here = [...path, name]
    const titlesHere = [...titles, titleOf(property, name)]
    if (Object.keys(propertiesOf(property)).length > 0) return payloadColumns(property as JsonObject, here, titlesHere)
    return [
      {
        name: here.join('.'),
        title: { zh: titlesHere.map(({ zh }) => zh).join(' · '), en: titlesHere.map(({ en }) => en).join(' · ') },
        cell: cellOf(property),
        of: (row) => valueAt(row.payload, here),
      } satisfies Column,
    ]
  })
}

type Title = Readonly<Record<Language, string>>

/** Schemas of record types have titles of the form `中文 / English`. */
function titleOf(schema: JsonValue | undefined, name: string): Title {
  const title = isObject(schema) && typeof schema.title === 'string' ? schema.title : name
  const [zh = name, en = zh] = title.split(' / ')
  return { zh, en }
}

function cellOf(schema: JsonValue | undefined): Column['cell'] {
  const rule = isObject(schema) ? schema['x-value'] : undefined
  if (rule === 'decimal') return 'decimal'
  return rule === 'time' ? 'bare' : 'text'
}

const propertiesOf = (schema: JsonValue | undefined): JsonObject => {
  const properties = isObject(schema) ? schema.properties : undefined
  return isObject(properties) ? properties : {}
}

const valueAt = (payload: JsonValue, path: readonly string[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>(
    (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    payload,
  )

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
