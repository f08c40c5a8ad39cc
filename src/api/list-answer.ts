/**
 * How every list is answered: page by page, as JSON, CSV or XLSX, with the state it was read from. A list declares where its rows come
 * from and what its columns are (`ListSource`), puts `listParameters` beside its own filters, and gets all three. Gathering is the same
 * for each: in small steps, so that a long list never holds up the node, and ended early when it grows too large; who wants the rest
 * follows `nextCursor`, or Link.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { JsonObject } from '../chain/json.ts'
import { asOfAnswer } from './answering.ts'
import type { AsOfAnswer } from './answers.ts'
import { type CsvFlavour, csvMediaType, csvTable } from './csv.ts'
import type { ApiLimits } from './limits.ts'
import { languageOf } from './messages.ts'
import { preferredType } from './negotiation.ts'
import { matching, natural, oneOf } from './parameters.ts'
import { Problem } from './problems.ts'
import { jsonMediaType, type RouteContext } from './route-context.ts'
import { binary, jsonOf, plainText, type SchemaName } from './schemas.ts'
import type { AsOf, Service } from './service.ts'
import type { Column, Title } from './table.ts'
import { type AboutLine, workbook, xlsxMediaType, xlsxTable } from './xlsx.ts'

export interface ListPage<Row> {
  /** As JSON shows them. */
  readonly rows: readonly Row[]
  readonly nextCursor: string | null
  readonly asOf: AsOf
}

export interface ListSource<Row> {
  /** The rows' name in JSON, and the file's: `records`. */
  readonly name: string
  readonly title: Title
  /** Asked for only when a table is wanted. */
  columns(): readonly Column<Row>[]
  /** At most `limit` rows from the cursor on; the same filters every time. */
  page(cursor: string | null, limit: number): Promise<ListPage<Row>>
}

/**
 * Pages of a list that only ever grows at its end: a cursor is how many rows came before.
 * @throws {Problem} request.bad-cursor, from the page
 */
export function growingPages<Row>(
  service: Service,
  rowsFrom: (from: number, limit: number) => readonly Row[],
): ListSource<Row>['page'] {
  return async (cursor, limit) => {
    if (cursor !== null && !/^[1-9][0-9]{0,8}$/.test(cursor)) throw new Problem('request.bad-cursor')
    const from = Number(cursor ?? '0')
    const asOf = service.asOf()
    const rows = rowsFrom(from, limit)
    return { rows, nextCursor: rows.length < limit ? null : String(from + rows.length), asOf }
  }
}

/** What every list can be asked beside its filters. */
export const listParameters = (limits: ApiLimits) => ({
  cursor: matching('上一页的 nextCursor · nextCursor of the page before', /^[A-Za-z0-9_.~-]{1,512}$/, {
    zh: '不是翻页标记',
    en: 'is no cursor',
  }),
  limit: natural(
    `每页行数；csv、xlsx 至多 ${limits.tableRowsMax} 行 · rows per page`,
    1,
    limits.tableRowsMax,
    limits.listRowsDefault,
  ),
  ...formatParameters,
})

/** For answers that are tables without pages. */
export const formatParameters = {
  format: oneOf('representation', 'json', 'csv', 'xlsx'),
  csv: oneOf(
    'excel：带 BOM，文本单元格以制表符结尾；plain：供程序使用 · with BOM and text marks, or for programs',
    'excel',
    'plain',
  ),
}

/** `content` of a list's 200 in the documentation. */
export const tableContent = (schema: SchemaName): JsonObject => ({
  'application/json': { schema: jsonOf(schema) },
  'text/csv': { schema: plainText },
  [xlsxMediaType]: { schema: binary },
})

export type Format = 'json' | 'csv' | 'xlsx'

export interface ListWish {
  readonly format?: Format | undefined
  readonly csv?: CsvFlavour | undefined
  readonly cursor?: string | undefined
  readonly limit?: number | undefined
}

const mediaTypes = { json: 'application/json', csv: 'text/csv', xlsx: xlsxMediaType } as const

/** The format asked for by name, else by Accept, else the default. */
export function formatOf(request: FastifyRequest, named: Format | undefined, byDefault: Format = 'json'): Format {
  if (named !== undefined) return named
  const formats: readonly Format[] = ['json', 'csv', 'xlsx']
  const others = formats.filter((format) => format !== byDefault)
  const offers = [byDefault, ...others].map((format) => mediaTypes[format]) as [string, ...string[]]
  const type = preferredType(request.headers.accept, offers)
  return formats.find((format) => mediaTypes[format] === type)!
}

/** Answers one page of a list. @throws {Problem} request.bad-parameter for more rows than the format has */
export async function sendList<Row>(
  { service, limits }: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  wish: ListWish,
  source: ListSource<Row>,
): Promise<FastifyReply> {
  const format = formatOf(request, wish.format)
  const language = languageOf(request.headers['accept-language'])
  const page = new SpelledPage(source, wish.cursor ?? null, {
    rowsMax: rowsOf(format, wish.limit, limits),
    rowsAskedMax: limits.tableRowsMax,
    charactersMax: format === 'xlsx' ? limits.sheetCharactersMax : limits.listBytesMax,
  })
  const body = await spelled()
  reply.header('vary', 'accept, accept-language')
  if (page.nextCursor !== null) reply.header('link', `<${nextUrl(request, page.nextCursor)}>; rel="next"`)
  if (format === 'json') return reply.header('content-type', jsonMediaType).send(body)
  return sendFile(reply, format, source.name, page.asOf, body)

  async function spelled(): Promise<string | Buffer> {
    switch (format) {
      case 'json': {
        const rows = await gathered(page.steps(JSON.stringify))
        const rest = JSON.stringify({ nextCursor: page.nextCursor, asOf: page.asOf }).slice(1)
        return `{"${source.name}":[${rows.join(',')}],${rest}`
      }
      case 'csv': {
        const { head, line } = csvTable(source.columns(), wish.csv ?? 'excel', language)
        return head + (await gathered(page.steps(line))).join('')
      }
      case 'xlsx': {
        const columns = source.columns()
        const { head, line } = xlsxTable(columns, language)
        return workbook({ title: source.title, language, columnCount: columns.length }, rows(), () => [
          ...asOfLines(service.status().ledger, page.asOf),
          page.nextCursor === null ? wholeList : [cutList, nextUrl(request, page.nextCursor)],
        ])
        async function* rows(): AsyncGenerator<string> {
          yield head
          for await (const step of page.steps(line)) yield step.join('')
        }
      }
    }
  }
}

/** How many rows one page has. @throws {Problem} request.bad-parameter for more than the format has */
export function rowsOf(format: Format, limit: number | undefined, limits: ApiLimits): number {
  const rowsMax = format === 'json' ? limits.listRowsMax : limits.tableRowsMax
  // A reader of a spreadsheet wants the file, not its first screen.
  if (limit === undefined) return format === 'json' ? limits.listRowsDefault : rowsMax
  if (limit <= rowsMax) return limit
  throw new Problem('request.bad-parameter', {
    fields: [
      { parameter: 'limit', problem: { zh: `json 至多 ${rowsMax} 行`, en: `json has at most ${rowsMax} rows` } },
    ],
  })
}

export interface WholeTable<Row> {
  readonly name: string
  readonly title: Title
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly asOf: AsOfAnswer
}

/** Answers what is at hand as a whole, as CSV or XLSX. */
export async function sendTable<Row>(
  { service }: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { format, csv }: { readonly format: 'csv' | 'xlsx'; readonly csv: CsvFlavour | undefined },
  { name, title, columns, rows, asOf }: WholeTable<Row>,
): Promise<FastifyReply> {
  const language = languageOf(request.headers['accept-language'])
  reply.header('vary', 'accept, accept-language')
  if (format === 'csv') {
    const { head, line } = csvTable(columns, csv ?? 'excel', language)
    return sendFile(reply, format, name, asOf, head + rows.map(line).join(''))
  }
  const { head, line } = xlsxTable(columns, language)
  async function* lines(): AsyncGenerator<string> {
    yield head
    for (let at = 0; at < rows.length; at += rowsAtOnce)
      yield rows
        .slice(at, at + rowsAtOnce)
        .map(line)
        .join('')
  }
  const file = await workbook({ title, language, columnCount: columns.length }, lines(), () =>
    asOfLines(service.status().ledger, asOf),
  )
  return sendFile(reply, format, name, asOf, file)
}

/** A file to keep, with what it is true as of in a header. */
const sendFile = (
  reply: FastifyReply,
  format: 'csv' | 'xlsx',
  name: string,
  asOf: AsOfAnswer,
  body: string | Buffer,
): FastifyReply =>
  reply
    .header('content-type', format === 'csv' ? csvMediaType : xlsxMediaType)
    .header('content-disposition', `attachment; filename="${name}.${format}"`)
    .header('x-as-of', `size=${asOf.size}, root=${asOf.root}, height=${asOf.height}`)
    .send(body)

/** For the second sheet of a file: the ledger, and the state of it that the file was read from. */
const asOfLines = (ledger: string, asOf: AsOfAnswer): readonly AboutLine[] => [
  [{ zh: '账本', en: 'Ledger' }, ledger],
  [{ zh: '账本大小（条目数）', en: 'Size (entries)' }, asOf.size],
  [{ zh: '树根', en: 'Root' }, asOf.root],
  [{ zh: '区块高度', en: 'Height' }, asOf.height],
]

const wholeList: AboutLine = [{ zh: '完整', en: 'Complete' }, '到列表末尾 · to the end of the list']
const cutList: Title = { zh: '未完，其余见', en: 'Not complete; the rest is at' }

/** Rows asked of the node at a time: about 200 blocks read and checked, a few milliseconds in which it does nothing else. */
const rowsAtOnce = 200

interface PageBounds {
  readonly rowsMax: number
  /** A source may give fewer rows than it is asked for, because it leaves some out: a page that stays empty ends too. */
  readonly rowsAskedMax: number
  readonly charactersMax: number
}

/** One page while it is gathered; where it ended and what it is true as of once `steps` has been read to its end. */
class SpelledPage<Row> {
  readonly #source: ListSource<Row>
  readonly #bounds: PageBounds
  #asOf: AsOf | undefined
  nextCursor: string | null

  constructor(source: ListSource<Row>, cursor: string | null, bounds: PageBounds) {
    this.#source = source
    this.nextCursor = cursor
    this.#bounds = bounds
  }

  get asOf(): AsOfAnswer {
    return asOfAnswer(this.#asOf!)
  }

  async *steps(spell: (row: Row) => string): AsyncGenerator<readonly string[]> {
    const { rowsMax, rowsAskedMax, charactersMax } = this.#bounds
    let rows = 0
    let rowsAsked = 0
    let characters = 0
    for (;;) {
      const rowsWanted = Math.min(rowsAtOnce, rowsMax - rows)
      rowsAsked += rowsWanted
      const step = await this.#source.page(this.nextCursor, rowsWanted)
      // The state of the last step covers every row before it: rows come in one order and never change.
      this.#asOf = step.asOf
      this.nextCursor = step.nextCursor
      const spelled = step.rows.map(spell)
      rows += spelled.length
      for (const row of spelled) characters += row.length
      yield spelled
      if (step.nextCursor === null || rows >= rowsMax || rowsAsked >= rowsAskedMax || characters >= charactersMax)
        return
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

async function gathered(steps: AsyncIterable<readonly string[]>): Promise<readonly string[]> {
  const all: string[] = []
  for await (const step of steps) all.push(...step)
  return all
}

/** The same request with another cursor, relative to itself. */
function nextUrl(request: FastifyRequest, cursor: string): string {
  const query = new URLSearchParams(request.query as Record<string, string>)
  query.set('cursor', cursor)
  return `${new URL(request.url, 'http://localhost').pathname}?${query}`
}
