/** A tender by its code, or by its identity with its timeline; and anything else that has a lifecycle, by the name that this gives it. */
import type { FastifyInstance } from 'fastify'
import { rowName } from '../chain/catalogue/register.ts'
import { dossierParameters, dossierResponse, sendDossier } from './dossier.ts'
import { listParameters, sendList, tableContent } from './list-answer.ts'
import { languageOf } from './messages.ts'
import {
  codeParameter,
  type Parameter,
  querySchema,
  readPath,
  readQuery,
  type TenderPath,
  tenderInPath,
} from './parameters.ts'
import type { RouteContext } from './route-context.ts'
import { problemAnswer } from './schemas.ts'
import { type Column, column } from './table.ts'
import { type TenderListAnswer, tenderAnswer } from './trade-answers.ts'

const subjectParameter: Parameter<string> = {
  description: '标的标识，如 tender/<owner>/<scheme>/<code>，各部分中的 / 写作 %2F · what a lifecycle calls it',
  schema: { type: 'string', maxLength: 400 },
  parse: (text) => text,
}

export function tradeRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const tendersParameters = {
    code: { ...codeParameter('招标项目编号 · tender code'), required: true as const },
    ...listParameters(limits),
  }

  app.route({
    method: 'GET',
    url: '/v1/tenders',
    config: { rateLimit: { max: limits.listsPerMinute } },
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
    handler: (request, reply) => {
      const { code, ...wish } = readQuery(tendersParameters, request.query)
      const language = languageOf(request.headers['accept-language'])
      return sendList(context, request, reply, wish, {
        name: 'tenders',
        title: { zh: '项目', en: 'Tenders' },
        columns: () => tenderColumns,
        async page(cursor, limit) {
          const asOf = service.asOf()
          const { tenders, nextCursor } = await service.trade.tendersOf(code!, cursor, limit)
          return { rows: tenders.map((tender) => tenderAnswer(tender, language)), nextCursor, asOf }
        },
      })
    },
  })

  app.route<{ Params: TenderPath }>({
    method: 'GET',
    url: '/v1/tenders/:owner/:scheme/:code',
    schema: {
      operationId: 'getTender',
      tags: ['trade'],
      summary: '项目的状态与时间线 · A tender: where it stands, and its timeline',
      querystring: querySchema(dossierParameters(limits)),
      response: dossierResponse('Dossier', '项目 · tender'),
    },
    handler: (request, reply) => {
      const { owner, scheme, code } = tenderInPath(request.params)
      return sendDossier(context, request, reply, rowName('tender', owner, scheme, code))
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
      querystring: querySchema(dossierParameters(limits)),
      response: dossierResponse('Dossier', '标的 · subject'),
    },
    handler: (request, reply) =>
      sendDossier(
        context,
        request,
        reply,
        readPath('subject', subjectParameter, (request.params as { subject: string }).subject),
      ),
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
