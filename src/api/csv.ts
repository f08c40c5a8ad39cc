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
 * included. Who needs the exact text of such a cell takes the JSON, or XLSX (xlsx.ts), which needs no such tricks.
 */
import type { JsonValue } from '../chain/json.ts'
import type { Language } from './messages.ts'
import type { Column, TableWriter } from './table.ts'
import { textOfValue } from './table.ts'

export type CsvFlavour = 'excel' | 'plain'

export const csvMediaType = 'text/csv; charset=utf-8'

export function csvTable<Row>(
  columns: readonly Column<Row>[],
  flavour: CsvFlavour,
  language: Language,
): TableWriter<Row> {
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

function spellCell(value: JsonValue | undefined, cell: Column<never>['cell'], flavour: CsvFlavour): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = textOfValue(value)
  const isText = cell === 'text' || (cell === 'decimal' && text.length > exactDigits)
  return spellText(text, isText ? flavour : 'plain')
}

function spellText(text: string, flavour: CsvFlavour): string {
  const harmless = formulaStart.test(text) ? `'${text}` : text
  const marked = flavour === 'excel' ? `${harmless}\t` : harmless
  return /["\t,\r\n]/.test(marked) ? `"${marked.replaceAll('"', '""')}"` : marked
}
