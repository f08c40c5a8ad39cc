/** An organisation's rewards and penalties as of a date (守信联合激励和失信联合惩戒). */
import type { FastifyInstance } from 'fastify'
import { growingPages, listParameters, sendList, tableContent } from './list-answer.ts'
import { languageOf } from './messages.ts'
import { atParameter, partyParameter, querySchema, readPath, readQuery } from './parameters.ts'
import type { RouteContext } from './route-context.ts'
import { problemAnswer } from './schemas.ts'
import { column } from './table.ts'
import { type CreditRow, creditRow } from './trade-answers.ts'

export function creditRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const listOf = { at: atParameter, ...listParameters(limits) }

  app.route<{ Params: { readonly party: string } }>({
    method: 'GET',
    url: '/v1/credit/:party',
    config: { rateLimit: { max: limits.listsPerMinute } },
    schema: {
      operationId: 'getCredit',
      tags: ['trade'],
      summary: '主体的信用奖惩（截至某日） · Rewards and penalties of an organisation, as of a date',
      description:
        '一切决定都保留：已撤销、已修复、已届满的也列出，并注明状态。 · Nothing is ever deleted: what was revoked, repaired or has lapsed is listed with its state.',
      querystring: querySchema(listOf),
      response: {
        200: { description: 'JSON、CSV 或 XLSX · JSON, CSV or XLSX', content: tableContent('CreditList') },
        default: problemAnswer,
      },
    },
    handler: (request, reply) => {
      const party = readPath('party', partyParameter(''), request.params.party)
      const { at: time, ...wish } = readQuery(listOf, request.query)
      const language = languageOf(request.headers['accept-language'])
      return sendList(context, request, reply, wish, {
        name: 'decisions',
        title: { zh: '信用奖惩', en: 'Credit' },
        columns: () => creditColumns,
        page: growingPages(service, (from, limit) =>
          service.trade.creditOf(party, from, limit, time).map((view) => creditRow(view, language)),
        ),
      })
    },
  })
}

const creditColumns = [
  column<CreditRow, 'authority'>('authority', '决定机关', 'Authority', 'text'),
  column<CreditRow, 'number'>('number', '决定文号', 'Number', 'text'),
  column<CreditRow, 'kind'>('kind', '种类', 'Kind', 'bare'),
  column<CreditRow, 'level'>('level', '程度', 'Level', 'bare'),
  column<CreditRow, 'measures'>('measures', '措施', 'Measures', 'text'),
  column<CreditRow, 'regions'>('regions', '适用地区', 'Regions', 'text'),
  column<CreditRow, 'state'>('state', '状态', 'State', 'bare'),
  column<CreditRow, 'stateTitle'>('stateTitle', '状态名称', 'State in words', 'text'),
  column<CreditRow, 'beginsAt'>('beginsAt', '起算（北京时间）', 'Begins (Beijing time)', 'bare'),
  column<CreditRow, 'endsAt'>('endsAt', '截止（北京时间）', 'Ends (Beijing time)', 'bare'),
  column<CreditRow, 'index'>('index', '最近记录', 'Last record', 'bare'),
]
