/**
 * Look-ups of the trade: a tender by its code or its identity with its timeline, a guarantee now and as of a date, anything else that has a
 * lifecycle, and the list of findings. Every answer names the state it was read from and the records behind it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { rowName } from '../chain/catalogue/register.ts'
import { asOfAnswer } from './answering.ts'
import { formatOf, formatParameters, listParameters, rowsOf, sendList, sendTable, tableContent } from './list-answer.ts'
import { languageOf } from './messages.ts'
import {
  codeParameter,
  matching,
  type Parameter,
  partyParameter,
  querySchema,
  readPath,
  readQuery,
  timeParameter,
} from './parameters.ts'
import { Problem } from './problems.ts'
import type { RouteContext } from './route-context.ts'
import { problemAnswer } from './schemas.ts'
import type { LedgerRecord, RecordFilter } from './service.ts'
import { type Column, column } from './table.ts'
import {
  type DossierAnswer,
  type FindingRow,
  findingRows,
  instanceAnswer,
  schemeParameter,
  type TenderListAnswer,
  type TimelineRow,
  tenderAnswer,
  timelineRow,
} from './trade-answers.ts'

const regionParameter = matching(
  'GB/T 2260 地区代码，可只写前两位或前四位 · region, or its first two or four digits',
  /^[0-9]{2}(?:[0-9]{2}){0,2}$/,
  { zh: '须为两位、四位或六位地区代码', en: 'must be a code of two, four or six digits' },
)
const subjectParameter: Parameter<string> = {
  description: '标的标识，如 tender/<owner>/<scheme>/<code>，各部分中的 / 写作 %2F · what a lifecycle calls it',
  schema: { type: 'string', maxLength: 400 },
  parse: (text) => text,
}

export function tradeRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const dossierParameters = {
    at: timeParameter('截至该时间的状态，缺省为现在 · the state as of this time, now unless given'),
    ...listParameters(limits),
  }
  const dossierResponse = (description: string) => ({
    200: {
      description: `${description}；CSV、XLSX 为其时间线 · as CSV and XLSX, its timeline`,
      content: tableContent('Dossier'),
    },
    default: problemAnswer,
  })

  const tendersParameters = {
    code: { ...codeParameter('招标项目编号 · tender code'), required: true as const },
    ...formatParameters,
  }

  /** Where it stands, and every record about it, page by page. */
  async function sendDossier(request: FastifyRequest, reply: FastifyReply, subject: string): Promise<FastifyReply> {
    const { at, format: named, csv, cursor, limit } = readQuery(dossierParameters, request.query)
    const language = languageOf(request.headers['accept-language'])
    const texts = service.trade.findingTexts()
    const instance = service.trade.instance(subject, at)
    const format = formatOf(request, named)
    const rowsMax = rowsOf(format, limit, limits)
    const page = async (from: string | null, count: number) => {
      const { records, nextCursor, asOf } = await service.records({ subject }, from, count)
      return { rows: records.map((record) => timelineRow(record, texts, language)), nextCursor, asOf }
    }
    // Whatever the format, what nobody has recorded is not found.
    const { rows, nextCursor, asOf } = await page(cursor ?? null, format === 'json' ? rowsMax : 1)
    if (instance === undefined && rows.length === 0 && cursor === undefined) throw new Problem('subject.not-found')
    if (format !== 'json') {
      const source = { name: 'timeline', title: timelineTitle, columns: () => timelineColumns, page }
      return sendList(context, request, reply, { format, csv, cursor, limit }, source)
    }
    const answer: DossierAnswer = {
      subject,
      instance: instance === undefined ? null : instanceAnswer(instance, language),
      timeline: rows,
      nextCursor,
      asOf: asOfAnswer(asOf),
    }
    return reply.header('vary', 'accept, accept-language').send(answer)
  }

  app.route({
    method: 'GET',
    url: '/v1/tenders',
    schema: {
      operationId: 'findTenders',
      tags: ['trade'],
      summary: '按编号查项目（可能不止一个） · Tenders that go by a code',
      description:
        '编号不唯一：项目由（招标人、编码体系、编号）确定。instance 为 null 的，账本上尚无其公告，只有未链接的记录。 · A code is not an identity; owner, scheme and code are. Where instance is null there is no notice yet, only records that are not linked to one.',
      querystring: querySchema(tendersParameters),
      response: {
        200: { description: '项目 · tenders, as JSON, CSV or XLSX', content: tableContent('TenderList') },
        default: problemAnswer,
      },
    },
    handler: async (request, reply) => {
      const { code, format: named, csv } = readQuery(tendersParameters, request.query)
      const language = languageOf(request.headers['accept-language'])
      const asOf = asOfAnswer(service.asOf())
      const tenders = await service.trade.tendersOf(code!, limits.listRowsMax)
      const rows = tenders.map((tender) => tenderAnswer(tender, language))
      const format = formatOf(request, named)
      if (format === 'json') return reply.header('vary', 'accept, accept-language').send({ tenders: rows, asOf })
      const title = { zh: '项目', en: 'Tenders' }
      const table = { name: 'tenders', title, columns: tenderColumns, rows, asOf }
      return sendTable(context, request, reply, { format, csv }, table)
    },
  })

  app.route<{ Params: { readonly owner: string; readonly scheme: string; readonly code: string } }>({
    method: 'GET',
    url: '/v1/tenders/:owner/:scheme/:code',
    schema: {
      operationId: 'getTender',
      tags: ['trade'],
      summary: '项目的状态与时间线 · A tender: where it stands, and its timeline',
      querystring: querySchema(dossierParameters),
      response: dossierResponse('项目 · tender'),
    },
    handler: (request, reply) => {
      const owner = readPath('owner', partyParameter(''), request.params.owner)
      const scheme = readPath('scheme', schemeParameter, request.params.scheme)
      const code = readPath('code', codeParameter(''), request.params.code)
      return sendDossier(request, reply, rowName('tender', owner, scheme, code))
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/subjects/:subject',
    schema: {
      operationId: 'getSubject',
      tags: ['trade'],
      summary: '任一标的（竞价、评标、信用决定等）的状态与时间线 · Anything that has a lifecycle',
      params: {
        type: 'object',
        required: ['subject'],
        properties: { subject: { ...subjectParameter.schema, description: subjectParameter.description } },
      },
      querystring: querySchema(dossierParameters),
      response: dossierResponse('标的 · subject'),
    },
    handler: (request, reply) =>
      sendDossier(
        request,
        reply,
        readPath('subject', subjectParameter, (request.params as { subject: string }).subject),
      ),
  })

  findingsRoute(app, context)
}

function findingsRoute(app: FastifyInstance, context: RouteContext): void {
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

type TenderRow = TenderListAnswer['tenders'][number]

const tenderColumns: readonly Column<TenderRow>[] = [
  column('owner', '招标人', 'Owner', 'text'),
  column('scheme', '编码体系', 'Code scheme', 'text'),
  column('code', '项目编号', 'Tender code', 'text'),
  column('firstIndex', '首条记录编号', 'Index of the first record', 'bare'),
  { name: 'state', title: { zh: '状态代码', en: 'State' }, cell: 'bare', of: ({ instance }) => instance?.state },
  {
    name: 'stateTitle',
    title: { zh: '状态', en: 'State in words' },
    cell: 'text',
    of: ({ instance }) => instance?.stateTitle,
  },
  {
    name: 'since',
    title: { zh: '自（北京时间）', en: 'Since (Beijing time)' },
    cell: 'bare',
    of: ({ instance }) => instance?.since,
  },
]

const timelineTitle = { zh: '时间线', en: 'Timeline' }

const timelineColumns: readonly Column<TimelineRow>[] = [
  column('index', '条目编号', 'Index', 'bare'),
  column('blockTime', '区块时间（北京时间）', 'Block time (Beijing time)', 'bare'),
  column('type', '记录类型', 'Type', 'bare'),
  column('status', '状态', 'Status', 'bare'),
  column('party', '签署主体', 'Party', 'text'),
  column('member', '接收成员', 'Member', 'text'),
  {
    name: 'findings',
    title: { zh: '预警', en: 'Findings' },
    cell: 'text',
    of: ({ findings }) => findings.map(({ code, cause }) => `${code}: ${cause}`).join('; '),
  },
  column('statementId', '报文标识', 'Statement id', 'text'),
  column('payload', '内容', 'Payload', 'text'),
]

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
