/** GET /v1/findings: what the rules flag, by code, region, kind and time, a row for each finding of each record. */
import type { FastifyInstance } from 'fastify'
import { listParameters, sendList, tableContent } from './list-answer.ts'
import { languageOf } from './messages.ts'
import { codeParameter, matching, partyParameter, querySchema, readQuery, timeParameter } from './parameters.ts'
import type { RouteContext } from './route-context.ts'
import { problemAnswer } from './schemas.ts'
import type { LedgerRecord, RecordFilter } from './service.ts'
import { column } from './table.ts'
import { type FindingRow, findingRows } from './trade-answers.ts'

const regionParameter = matching(
  'GB/T 2260 地区代码，可只写前两位或前四位 · region, or its first two or four digits',
  /^[0-9]{2}(?:[0-9]{2}){0,2}$/,
  { zh: '须为两位、四位或六位地区代码', en: 'must be a code of two, four or six digits' },
)
export function findingsRoute(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  /** Of a step that does not repeat it: that of the tender, or whatever it is a step of. */
  const regionOf = ({ about }: LedgerRecord): string | null => {
    for (const subject of about.subjects ?? []) {
      const region = service.trade.instance(subject)?.fields.region
      if (typeof region === 'string') return region
    }
    return null
  }
  const parameters = {
    code: matching('预警代码 · code of the finding', /^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/, {
      zh: '不是预警代码，见 docs/catalogue.zh.md',
      en: 'is no code of a finding, see docs/catalogue.md',
    }),
    region: regionParameter,
    type: matching('记录类型与版本 · type and version', /^[a-z][a-z0-9.-]*@[1-9][0-9]{0,3}$/, {
      zh: '须形如 tender.notice@1',
      en: 'must be like tender.notice@1',
    }),
    owner: partyParameter('标的所属主体 · the party that owns the tender'),
    tender: codeParameter('招标项目编号 · tender code'),
    party: partyParameter('签署或涉及的主体 · a party that signed or appears'),
    from: timeParameter('区块时间不早于 · block time not before'),
    to: timeParameter('区块时间早于 · block time before'),
    ...listParameters(limits),
  }
  app.route({
    method: 'GET',
    url: '/v1/findings',
    config: { rateLimit: { max: limits.listsPerMinute } },
    schema: {
      operationId: 'listFindings',
      tags: ['trade'],
      summary: '预警列表 · Findings',
      description:
        '预警是已在账本上、而规则认为违反法律或惯例的记录；每个节点给出同样的结果。一行一条预警。 · Findings are records that are in and that the rules flag, the same on every node; a row for each.',
      querystring: querySchema(parameters),
      response: {
        200: { description: 'JSON、CSV 或 XLSX · JSON, CSV or XLSX', content: tableContent('FindingList') },
        default: problemAnswer,
      },
    },
    handler: (request, reply) => {
      const { format, csv, cursor, limit, code, region = '', ...rest } = readQuery(parameters, request.query)
      const language = languageOf(request.headers['accept-language'])
      const texts = service.trade.findingTexts()
      const filter: RecordFilter = { ...rest, finding: code ?? '' }
      return sendList(
        context,
        request,
        reply,
        { format, csv, cursor, limit },
        {
          name: 'findings',
          title: { zh: '预警', en: 'Findings' },
          columns: () => findingColumns,
          async page(from, rowsMax) {
            const { records, nextCursor, asOf } = await service.records(filter, from, rowsMax)
            const rows = records
              .flatMap((record) => findingRows(record, regionOf(record), texts, language))
              .filter((row) => (code === undefined || row.code === code) && (row.region ?? '').startsWith(region))
            return { rows, nextCursor, asOf }
          },
        },
      )
    },
  })
}

const findingColumns = [
  column<FindingRow, 'index'>('index', '条目编号', 'Index', 'bare'),
  column<FindingRow, 'code'>('code', '预警代码', 'Code', 'text'),
  column<FindingRow, 'title'>('title', '预警', 'Finding', 'text'),
  column<FindingRow, 'cause'>('cause', '说明', 'Cause', 'text'),
  column<FindingRow, 'type'>('type', '记录类型', 'Type', 'bare'),
  column<FindingRow, 'owner'>('owner', '项目所属主体', 'Owner', 'text'),
  column<FindingRow, 'tender'>('tender', '项目编号', 'Tender code', 'text'),
  column<FindingRow, 'region'>('region', '地区', 'Region', 'text'),
  column<FindingRow, 'party'>('party', '签署主体', 'Party', 'text'),
  column<FindingRow, 'member'>('member', '接收成员', 'Member', 'text'),
  column<FindingRow, 'blockTime'>('blockTime', '区块时间（北京时间）', 'Block time (Beijing time)', 'bare'),
  column<FindingRow, 'statementId'>('statementId', '报文标识', 'Statement id', 'text'),
]
