/**
 * Look-ups of e-guarantees: one now and as of a date, with its application and uses; all those of a tender, and how many there are for how
 * much.
 */
import type { FastifyInstance } from 'fastify'
import { rowName } from '../chain/catalogue/register.ts'
import { asOfAnswer } from './answering.ts'
import { dossierParameters, dossierResponse, sendDossier } from './dossier.ts'
import { growingPages, listParameters, sendList, tableContent } from './list-answer.ts'
import { languageOf } from './messages.ts'
import {
  atParameter,
  codeParameter,
  partyParameter,
  querySchema,
  readPath,
  readQuery,
  type TenderPath,
  tenderInPath,
} from './parameters.ts'
import type { RouteContext } from './route-context.ts'
import { answers, problemAnswer } from './schemas.ts'
import { column } from './table.ts'
import {
  type GuaranteeAnswer,
  type GuaranteeStatisticsAnswer,
  instanceAnswer,
  statisticsAnswer,
  type TenderGuaranteeRow,
  tenderGuaranteeRow,
} from './trade-answers.ts'

export function guaranteeRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const listOf = { at: atParameter, ...listParameters(limits) }

  app.route<{ Params: { readonly issuer: string; readonly number: string } }>({
    method: 'GET',
    url: '/v1/guarantees/:issuer/:number',
    schema: {
      operationId: 'getGuarantee',
      tags: ['trade'],
      summary: '保函的状态、用途与时间线 · A guarantee: where it stands, its uses and its timeline',
      description:
        '开标前，账本上没有投标保函的内容，此处也就查不到。instance 为 null 的，只有开标后一次性公开的记录（guarantee.submit）。 · Before the opening nothing of a bid’s guarantee is on the ledger, so nothing is found here. Where instance is null there is only what was made public once, after the opening (guarantee.submit).',
      querystring: querySchema(dossierParameters(limits)),
      response: dossierResponse('Guarantee', '保函 · guarantee'),
    },
    handler: (request, reply) => {
      const issuer = readPath('issuer', partyParameter(''), request.params.issuer)
      const number = readPath('number', codeParameter(''), request.params.number)
      return sendDossier(context, request, reply, rowName('guarantee', issuer, number), (time, language) => {
        const found = service.trade.guarantee(issuer, number, time)
        const uses = (found?.uses ?? []).map((use) => {
          const [, , owner, scheme, code, section] = use.key
          return {
            tender: { owner: owner!, scheme: scheme!, code: code! },
            section: section!,
            ...instanceAnswer(use, language),
          }
        })
        return {
          state: found?.state ?? null,
          stateTitle: found?.stateTitle[language] ?? null,
          instance: found === undefined ? null : instanceAnswer(found.guarantee, language),
          application: found === undefined ? null : instanceAnswer(found.application, language),
          uses,
        } satisfies Omit<GuaranteeAnswer, 'subject' | 'timeline' | 'nextCursor' | 'asOf'>
      })
    },
  })

  app.route<{ Params: TenderPath }>({
    method: 'GET',
    url: '/v1/tenders/:owner/:scheme/:code/guarantees',
    config: { rateLimit: { max: limits.listsPerMinute } },
    schema: {
      operationId: 'listTenderGuarantees',
      tags: ['trade'],
      summary: '项目的保函 · Guarantees of a tender',
      querystring: querySchema(listOf),
      response: {
        200: { description: 'JSON、CSV 或 XLSX · JSON, CSV or XLSX', content: tableContent('TenderGuaranteeList') },
        default: problemAnswer,
      },
    },
    handler: (request, reply) => {
      const tender = tenderInPath(request.params)
      const { at: time, ...wish } = readQuery(listOf, request.query)
      const language = languageOf(request.headers['accept-language'])
      return sendList(context, request, reply, wish, {
        name: 'guarantees',
        title: { zh: '保函', en: 'Guarantees' },
        columns: () => guaranteeColumns,
        page: growingPages(service, (from, limit) =>
          service.trade.guaranteesOf(tender, from, limit, time).map((view) => tenderGuaranteeRow(view, language)),
        ),
      })
    },
  })

  app.route<{ Params: TenderPath }>({
    method: 'GET',
    url: '/v1/tenders/:owner/:scheme/:code/guarantees/statistics',
    config: { rateLimit: { max: limits.listsPerMinute } },
    schema: {
      operationId: 'getTenderGuaranteeStatistics',
      tags: ['trade'],
      summary: '项目的保函统计 · Guarantees of a tender, by state and issuer',
      querystring: querySchema({ at: atParameter }),
      response: { 200: answers('GuaranteeStatistics', '统计 · statistics'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      const tender = tenderInPath(request.params)
      const { at: time } = readQuery({ at: atParameter }, request.query)
      const language = languageOf(request.headers['accept-language'])
      const asOf = asOfAnswer(service.asOf())
      const statistics = await service.trade.guaranteeStatistics(tender, time)
      const answer: GuaranteeStatisticsAnswer = {
        statistics: statistics.map((each) => statisticsAnswer(each, language)),
        asOf,
      }
      return reply.header('vary', 'accept-language').send(answer)
    },
  })
}

const guaranteeColumns = [
  column<TenderGuaranteeRow, 'issuer'>('issuer', '出具人', 'Issuer', 'text'),
  column<TenderGuaranteeRow, 'number'>('number', '保函编号', 'Number', 'text'),
  column<TenderGuaranteeRow, 'section'>('section', '标段', 'Section', 'text'),
  column<TenderGuaranteeRow, 'bidder'>('bidder', '投标人', 'Bidder', 'text'),
  column<TenderGuaranteeRow, 'state'>('state', '状态', 'State', 'bare'),
  column<TenderGuaranteeRow, 'stateTitle'>('stateTitle', '状态名称', 'State in words', 'text'),
  column<TenderGuaranteeRow, 'currency'>('currency', '币种', 'Currency', 'bare'),
  column<TenderGuaranteeRow, 'amount'>(
    'amount',
    '保函金额（币种的基本单位，如元）',
    'Amount (units of the currency)',
    'decimal',
  ),
  column<TenderGuaranteeRow, 'paid'>('paid', '已赔付（同上）', 'Paid (the same)', 'decimal'),
  column<TenderGuaranteeRow, 'end'>('end', '到期（北京时间）', 'Ends (Beijing time)', 'bare'),
  column<TenderGuaranteeRow, 'since'>('since', '状态起于（北京时间）', 'Since (Beijing time)', 'bare'),
  column<TenderGuaranteeRow, 'index'>('index', '最近记录', 'Last record', 'bare'),
]
