/**
 * GET /v1/records: lists for people and programs, filtered, page by page, as JSON or CSV. A list names the state it was read from in
 * `asOf`, and shows each record's status: one that is not attested yet is not final.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JsonObject } from '../chain/json.ts'
import { asOfAnswer, recordRow } from './answering.ts'
import { csvMediaType, recordsCsv } from './csv.ts'
import { languageOf } from './messages.ts'
import { preferredType } from './negotiation.ts'
import {
  codeParameter,
  matching,
  natural,
  oneOf,
  type Parameter,
  partyParameter,
  querySchema,
  readQuery,
  timeParameter,
} from './parameters.ts'
import { Problem } from './problems.ts'
import { jsonMediaType, type RouteContext } from './route-context.ts'
import { jsonOf, plainText, problemAnswer } from './schemas.ts'
import type { AsOf, LedgerRecord, RecordFilter, Service } from './service.ts'

export function recordListRoute(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const parameters = {
    type: typeParameter(service),
    owner: partyParameter('标的所属主体（招标人、项目业主等） · the party that owns the tender'),
    tender: codeParameter('招标项目编号 · code of the tender'),
    party: partyParameter('签署或涉及的主体 · a party that signed or appears'),
    member: matching('接收该报文的成员 · member that received it', /^[a-z0-9][a-z0-9-]{0,31}$/, {
      zh: '须为成员编号，见 /v1/members',
      en: 'must be a member id, see /v1/members',
    }),
    region: matching('GB/T 2260 地区代码 · region code', /^[0-9]{6}$/, {
      zh: '须为六位地区代码',
      en: 'must be a code of six digits',
    }),
    from: timeParameter('区块时间不早于 · block time not before'),
    to: timeParameter('区块时间早于 · block time before'),
    system: oneOf('同时列出系统条目 · also list system entries', 'true', 'false'),
    cursor: matching('上一页的 nextCursor · nextCursor of the page before', /^[A-Za-z0-9_.~-]{1,512}$/, {
      zh: '不是翻页标记',
      en: 'is no cursor',
    }),
    limit: natural(
      `每页行数；csv 至多 ${limits.csvRowsMax} 行 · rows per page`,
      1,
      limits.csvRowsMax,
      limits.listRowsDefault,
    ),
    format: oneOf('representation', 'json', 'csv'),
    csv: oneOf(
      'excel：带 BOM，文本单元格以制表符结尾；plain：供程序使用 · with BOM and text marks, or for programs',
      'excel',
      'plain',
    ),
  }

  app.route({
    method: 'GET',
    url: '/v1/records',
    config: { rateLimit: { max: limits.listsPerMinute } },
    schema: {
      operationId: 'listRecords',
      tags: ['records'],
      summary: '记录列表 · List records',
      description:
        '按条目编号排列；一页可能少于 limit 行，以 nextCursor（及 Link）为准。CSV 中以 = + - @ 开头的单元格前加单引号。 · In order of index; a page may be shorter than limit, follow nextCursor or Link. In CSV an apostrophe stands before cells that begin with = + - @.',
      querystring: querySchema(parameters),
      response: {
        200: {
          description: 'JSON，或 CSV（excel 与 plain 两种写法） · JSON or CSV',
          content: { 'application/json': { schema: jsonOf('RecordList') }, 'text/csv': { schema: plainText } },
        },
        default: problemAnswer,
      },
    },
    handler: async (request, reply) => {
      const { format, csv, cursor, limit, system, ...filters } = readQuery(parameters, request.query)
      if (filters.from !== undefined && filters.to !== undefined && filters.from >= filters.to) {
        throw new Problem('request.bad-parameter', {
          fields: [{ parameter: 'to', problem: { zh: '须晚于 from', en: 'must be later than from' } }],
        })
      }
      const wanted =
        format ??
        (preferredType(request.headers.accept, ['application/json', 'text/csv']) === 'text/csv' ? 'csv' : 'json')
      const rowsMax = wanted === 'csv' ? limits.csvRowsMax : limits.listRowsMax
      if (limit !== undefined && limit > rowsMax) {
        throw new Problem('request.bad-parameter', {
          fields: [
            { parameter: 'limit', problem: { zh: `json 至多 ${rowsMax} 行`, en: `json has at most ${rowsMax} rows` } },
          ],
        })
      }
      const filter: RecordFilter = {
        ...filters,
        ...(system === 'true' || filters.type === 'system.block' ? { includeSystem: true } : {}),
      }
      // A reader of a spreadsheet wants the file, not its first screen.
      const rowsDefault = wanted === 'csv' ? rowsMax : limits.listRowsDefault
      const table =
        wanted === 'csv'
          ? recordsCsv(
              csv ?? 'excel',
              languageOf(request.headers['accept-language']),
              payloadSchemaOf(service, filter.type),
            )
          : undefined
      const spell = (record: LedgerRecord): string => {
        const row = recordRow(record)
        return table === undefined ? JSON.stringify(row) : table.line(row)
      }
      const page = await readPage(service, filter, cursor ?? null, limit ?? rowsDefault, limits.listBytesMax, spell)

      reply.header('vary', 'accept, accept-language')
      if (page.nextCursor !== null) reply.header('link', `<${nextUrl(request, page.nextCursor)}>; rel="next"`)
      const asOf = asOfAnswer(page.asOf)
      if (table === undefined) {
        const rest = JSON.stringify({ nextCursor: page.nextCursor, asOf }).slice(1)
        return reply.header('content-type', jsonMediaType).send(`{"records":[${page.rows.join(',')}],${rest}`)
      }
      return reply
        .header('content-type', csvMediaType)
        .header('content-disposition', 'attachment; filename="records.csv"')
        .header('x-as-of', `size=${asOf.size}, root=${asOf.root}, height=${asOf.height}`)
        .send(table.head + page.rows.join(''))
    },
  })
}

/** Types of entries that no statement makes. */
const ownTypes = ['refusal', 'system.block', 'genesis']

const typeParameter = (service: Service): Parameter<string> => ({
  description: '记录类型与版本 · type and version, `bid.record@1`',
  schema: { type: 'string' },
  parse(text) {
    if (ownTypes.includes(text) || service.types().some((type) => type.name === text)) return text
    throw new Problem('request.unknown-type', {
      fields: [
        { parameter: 'type', problem: { zh: '不是现行类型，见 /v1/types', en: 'no type in force, see /v1/types' } },
      ],
    })
  },
})

/** Rows asked of the node at a time: about 200 blocks read and checked, a few milliseconds in which it does nothing else. */
const rowsAtOnce = 200

interface SpelledPage {
  readonly rows: readonly string[]
  readonly nextCursor: string | null
  readonly asOf: AsOf
}

/** Gathers one page in small steps, so that a long list never holds up the node, and ends it early at `bytesMax` of text. */
async function readPage(
  service: Service,
  filter: RecordFilter,
  cursor: string | null,
  rowsMax: number,
  bytesMax: number,
  spell: (record: LedgerRecord) => string,
): Promise<SpelledPage> {
  const rows: string[] = []
  let bytes = 0
  let nextCursor = cursor
  for (;;) {
    const step = await service.records(filter, nextCursor, Math.min(rowsAtOnce, rowsMax - rows.length))
    for (const record of step.records) {
      const row = spell(record)
      rows.push(row)
      bytes += row.length
    }
    nextCursor = step.nextCursor
    // The state of the last step covers every row before it: rows come in order of index and never change.
    if (nextCursor === null || rows.length >= rowsMax || bytes >= bytesMax) return { rows, nextCursor, asOf: step.asOf }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const payloadSchemaOf = (service: Service, type: string | undefined): JsonObject | undefined =>
  type === undefined ? undefined : service.types().find((known) => known.name === type)?.schema

/** The same request with another cursor, relative to itself. */
function nextUrl(request: FastifyRequest, cursor: string): string {
  const query = new URLSearchParams(request.query as Record<string, string>)
  query.set('cursor', cursor)
  return `/v1/records?${query}`
}
