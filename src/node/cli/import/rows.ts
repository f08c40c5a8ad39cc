/**
 * What an import file may be: JSON Lines, a JSON array, one JSON object (rows in it by the names of their data sets), or CSV with a head
 * row. Reading is all: nothing here knows what the rows mean.
 */
import { CsvFault, readCsv } from '../../../api/csv-reader.ts'
import { CommandFailure, exitCode } from '../failure.ts'

/** Rows of one file; more are easier to follow in several. */
export const importRowsMax = 100_000

export type ImportedRow = Readonly<Record<string, unknown>>

/** The JSON documents of a text: one, or one a line. @throws {CommandFailure} import.unreadable */
export function documentsOf(text: string, path: string): readonly unknown[] {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  try {
    return [JSON.parse(trimmed)]
  } catch (whole) {
    const lines = trimmed.split('\n')
    // A text of many lines that is no JSON as a whole may be one JSON document a line.
    if (lines.length === 1 || !/^\s*[{[].*[}\]]\s*$/.test(lines[0]!)) throw unreadable(path, (whole as Error).message)
    return lines.flatMap((line, at) => {
      if (line.trim() === '') return []
      try {
        return [JSON.parse(line)]
      } catch (error) {
        throw unreadable(path, `line ${at + 1}: ${(error as Error).message}`)
      }
    })
  }
}

/** Rows with named columns, of JSON or CSV. @throws {CommandFailure} import.unreadable */
export function rowsOf(text: string, path: string): readonly ImportedRow[] {
  if (!/^[\uFEFF\s]*[{[]/.test(text)) return rowsOfCsv(text, path)
  return documentsOf(text, path).flatMap((document) => rowsOfDocument(document, path))
}

function rowsOfDocument(document: unknown, path: string): readonly ImportedRow[] {
  if (Array.isArray(document)) return document.flatMap((item) => rowsOfDocument(item, path))
  if (typeof document !== 'object' || document === null) throw unreadable(path, 'a row is no JSON object')
  const lists = Object.values(document).filter((value) => Array.isArray(value))
  // `{"GCJS_NOTICE": [rows], "GCJS_SECTION": [rows]}`; a row has texts and numbers in its columns.
  const isRow = lists.length === 0 || lists.length < Object.keys(document).length
  return isRow ? [document as ImportedRow] : lists.flatMap((list) => rowsOfDocument(list, path))
}

function rowsOfCsv(text: string, path: string): readonly ImportedRow[] {
  const table = readCsv(text, importRowsMax)
  if (table instanceof CsvFault) throw unreadable(path, table.problem.en)
  const { head, rows } = table
  return rows.map(({ cells }) => Object.fromEntries(head.map((column, at) => [column.trim(), cells[at]!])))
}

const unreadable = (path: string, why: string): CommandFailure =>
  new CommandFailure('import.unreadable', `${path}: ${why}`, exitCode.unusable)
