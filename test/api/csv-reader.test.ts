import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvTable } from '../../src/api/csv.ts'
import { CsvFault, readCsv } from '../../src/api/csv-reader.ts'
import type { Column } from '../../src/api/table.ts'
import { hostileTexts } from './hostile-texts.ts'

const read = (text: string, rowsMax = 100): readonly (readonly string[])[] | string => {
  const table = readCsv(text, rowsMax)
  return table instanceof CsvFault ? table.problem.en : [table.head, ...table.rows.map(({ cells }) => cells)]
}

test.each<[string, string, readonly (readonly string[])[] | string]>([
  ['one column', 'hash\na\nb', [['hash'], ['a'], ['b']]],
  [
    'CRLF and a last line break',
    'hash,record\r\na,1\r\n',
    [
      ['hash', 'record'],
      ['a', '1'],
    ],
  ],
  ['a byte order mark', '\uFEFFhash\na', [['hash'], ['a']]],
  [
    'quotes, commas and line breaks in cells',
    'a,b\n"x,""y""","1\r\n2"\n',
    [
      ['a', 'b'],
      ['x,"y"', '1\r\n2'],
    ],
  ],
  [
    'empty cells',
    'a,b\n,1\n2,\n',
    [
      ['a', 'b'],
      ['', '1'],
      ['2', ''],
    ],
  ],
  ['leading zeros', 'a\n007', [['a'], ['007']]],
  [
    'the TABs of our own files',
    'a,b\n"007\t",1',
    [
      ['a', 'b'],
      ['007', '1'],
    ],
  ],
  ['the apostrophes of our own files', "a\n'=1+1\n'007\n", [['a'], ['=1+1'], ["'007"]]],
  [
    'empty rows at the end',
    'a,b\n1,2\n,\n\n\r\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['nothing', '', 'nothing stands below the head row'],
  ['a head only', 'a,b\n', 'nothing stands below the head row'],
  ['an empty row between', 'a\n1\n\n2', 'line 3 is empty'],
  ['too few cells', 'a,b\n1,2\n3', 'line 3 has 1 cells, the head row 2'],
  ['too many cells', 'a\n1,2', 'line 2 has 2 cells, the head row 1'],
  ['the line after a cell of several lines', 'a,b\n"1\n2\n3",x\n4', 'line 5 has 1 cells, the head row 2'],
  ['a quote that does not end', 'a\n"1\n2', 'line 2 is not CSV'],
  ['characters behind a quoted cell', 'a\n"1"x', 'line 2 is not CSV'],
  ['a quote inside a bare cell', 'a\n1"2', 'line 2 is not CSV'],
  ['a carriage return alone', 'a\n1\r2', 'line 2 is not CSV'],
])('%s', (_what, text, expected) => {
  if (typeof expected === 'string') expect(read(text)).toContain(expected)
  else expect(read(text)).toEqual(expected)
})

test('more rows than allowed are not read', () => {
  expect(read('a\n1\n2', 2)).toEqual([['a'], ['1'], ['2']])
  expect(read('a\n1\n2\n3', 2)).toBe('more than 2 rows below the head')
})

test.each([
  ['line breaks', '\n'.repeat(1_000_000)],
  ['commas', ','.repeat(1_000_000)],
  ['quotes', '"'.repeat(1_000_000)],
  ['an unfinished cell', `a\n"${'x'.repeat(1_000_000)}`],
  ['rows', 'a\n'.repeat(500_000)],
])('a million %s end in words', (_what, text) => {
  expect(typeof read(text)).toBe('string')
})

const columns: readonly Column<readonly string[]>[] = [0, 1].map((at) => ({
  name: `column${at}`,
  title: { zh: '列', en: 'column' },
  cell: 'text',
  of: (row) => row[at],
}))

test.each(['excel', 'plain'] as const)('what csv.ts writes (%s) comes back', (flavour) => {
  const { head, line } = csvTable(columns, flavour, 'zh')
  const roundTrip = (rows: readonly (readonly string[])[]) => read(head + rows.map(line).join(''), 1000)
  const cell = fc.string({ unit: fc.constantFrom(...'a0,"\n\r=+\'@-＝ 中') }).filter(
    // A text that ends in a TAB, or begins with an apostrophe before a sign, is what the marks cannot tell from their own.
    (text) => !/^'[=+\-@\t\r\n＝＋－＠]/.test(text),
  )
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          cell,
          cell.map((text) => `x${text}`),
        ),
        { minLength: 1, maxLength: 5 },
      ),
      (rows) => {
        expect((roundTrip(rows) as string[][]).slice(1)).toEqual(rows)
      },
    ),
  )
  const texts = hostileTexts.map(([, text]) => [text, 'x'])
  expect((roundTrip(texts) as string[][]).slice(1)).toEqual(texts)
})
