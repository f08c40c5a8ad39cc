/**
 * A CSV table from a caller (RFC 4180: comma, quotes doubled; CRLF or LF; a byte order mark as spreadsheets write it), read strictly: the
 * head row names the columns, every row has as many cells, no row is empty but those at the end. What csv.ts puts into cells for
 * spreadsheets — a TAB behind a text, an apostrophe before what could be a formula — is taken out again, so that a column of one of our
 * files can be sent as it is.
 */
import type { Title } from './table.ts'

interface CsvRow {
  /** In the text, from 1: what an editor shows. */
  readonly line: number
  readonly cells: readonly string[]
}

/** What is wrong, in words. */
export class CsvFault {
  readonly problem: Title
  constructor(zh: string, en: string) {
    this.problem = { zh, en }
  }
}

/** @param rowsMax below the head */
export function readCsv(
  text: string,
  rowsMax: number,
): { readonly head: readonly string[]; readonly rows: readonly CsvRow[] } | CsvFault {
  const rows: CsvRow[] = []
  let emptyLine: number | undefined
  for (const row of rowsOf(text.startsWith('\uFEFF') ? text.slice(1) : text)) {
    if (row instanceof CsvFault) return row
    const { line, cells } = row
    if (cells.every((cell) => cell === '')) {
      emptyLine ??= line
      continue
    }
    if (emptyLine !== undefined) return new CsvFault(`第 ${emptyLine} 行是空行`, `line ${emptyLine} is empty`)
    const width = (rows[0] ?? row).cells.length
    if (cells.length !== width) {
      return new CsvFault(
        `第 ${line} 行有 ${cells.length} 个单元格，表头有 ${width} 个`,
        `line ${line} has ${cells.length} cells, the head row ${width}`,
      )
    }
    if (rows.length > rowsMax)
      return new CsvFault(`表头之下多于 ${rowsMax} 行`, `more than ${rowsMax} rows below the head`)
    rows.push(row)
  }
  const [head, ...below] = rows
  if (head === undefined || below.length === 0)
    return new CsvFault('表头之下没有内容', 'nothing stands below the head row')
  return { head: head.cells, rows: below }
}

function* rowsOf(text: string): Generator<CsvRow | CsvFault> {
  let line = 1
  let first = line
  let cells: string[] = []
  for (let at = 0; ; ) {
    let cell: string
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1)
      if (end < 0) return yield notCsv(first)
      cell = text.slice(at + 1, end).replaceAll('""', '"')
      line += cell.split('\n').length - 1
      at = end + 1
    } else {
      bareCell.lastIndex = at
      cell = bareCell.exec(text)![0]
      at += cell.length
    }
    cells.push(unmarked(cell))
    if (text[at] === ',') {
      at += 1
      continue
    }
    const isEnd = at === text.length
    if (!isEnd && text[at] !== '\n' && !text.startsWith('\r\n', at)) return yield notCsv(first)
    yield { line: first, cells }
    if (isEnd) return
    at += text[at] === '\n' ? 1 : 2
    line += 1
    first = line
    cells = []
  }
}

const bareCell = /[^",\r\n]*/y

/** The quote that ends a quoted cell, -1 if none does. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); ; at = text.indexOf('"', at + 2)) {
    if (at < 0 || text[at + 1] !== '"') return at
  }
}

const notCsv = (line: number): CsvFault =>
  new CsvFault(
    `第 ${line} 行不是 CSV：引号不成对，或引号之外另有字符`,
    `line ${line} is not CSV: a quote without its other half, or characters beside a quoted cell`,
  )

const unmarked = (cell: string): string => cell.replace(/\t$/, '').replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, '')
