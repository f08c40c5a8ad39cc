/**
 * Look-ups of e-guarantees and of credit: one guarantee now and as of a date, with its application and uses; all those of a tender, and how
 * many there are for how much; an organisation's rewards and penalties as of a date.
 */
import type { FastifyInstance } from 'fastify'
import { rowName } from '../chain/catalogue/register.ts'
import { asOfAnswer } from './answering.ts'
import { listParameters, sendList, tableContent } from './list-answer.ts'
import { languageOf } from './messages.ts'
import {
  codeParameter,
  natural,
  partyParameter,
  querySchema,
  readPath,
  readQuery,
  timeParameter,
} from './parameters.ts'
import { Problem } from './problems.ts'
import type { RouteContext } from './route-context.ts'
import { answers, problemAnswer } from './schemas.ts'
import { column } from './table.ts'
import {
  type CreditRow,
  creditRow,
  type GuaranteeAnswer,
  type GuaranteeStatisticsAnswer,
  instanceAnswer,
  schemeParameter,
  statisticsAnswer,
  type TenderGuaranteeRow,
  tenderGuaranteeRow,
  timelineRow,
} from './trade-answers.ts'

const at = timeParameter('截至该时间的状态，缺省为现在 · as of this time, now unless given')

interface TenderPath {
  readonly owner: string
  readonly scheme: string
  readonly code: string
}

const tenderIn = (path: TenderPath): TenderPath => ({
  owner: readPath('owner', partyParameter(''), path.owner),
  scheme: readPath('scheme', schemeParameter, path.scheme),
  code: readPath('code', codeParameter(''), path.code),
})

export function guaranteeRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const oneParameters = {
    at,
    cursor: listParameters(limits).cursor,
    limit: natural('每页时间线条数 · rows of the timeline', 1, limits.listRowsMax, limits.listRowsDefault),
  }
  const listOf = { at, ...listParameters(limits) }

  app.route<{ Params: { readonly issuer: string; readonly number: string } }>({
    method: 'GET',
    url: '/v1/guarantees/:issuer/:number',
    schema: {
      operationId: 'getGuarantee',
      tags: ['trade'],
      summary: '保函的状态、用途与时间线 · A guarantee: where it stands, its uses and its timeline',
      description:
        '开标前，账本上没有投标保函的内容，此处也就查不到。instance 为 null 的，只有开标后一次性公开的记录（guarantee.submit）。 · Before the opening nothing of a bid’s guarantee is on the ledger, so nothing is found here. Where instance is null there is only what was made public once, after the opening (guarantee.submit).',
      querystring: querySchema(oneParameters),
      response: { 200: answers('Guarantee', '保函 · guarantee'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      const issuer = readPath('issuer', partyParameter(''), request.params.issuer)
      const number = readPath('number', codeParameter(''), request.params.number)
      const { at: time, cursor, limit = limits.listRowsDefault } = readQuery(oneParameters, request.query)
      const language = languageOf(request.headers['accept-language'])
      const texts = service.trade.findingTexts()
      const subject = rowName('guarantee', issuer, number)
      const found = service.trade.guarantee(issuer, number, time)
      const { records, nextCursor, asOf } = await service.records({ subject }, cursor ?? null, limit)
      if (found === undefined && records.length === 0 && cursor === undefined) throw new Problem('subject.not-found')
      const answer: GuaranteeAnswer = {
        subject,
        state: found?.state ?? null,
        stateTitle: found?.stateTitle[language] ?? null,
        instance: found === undefined ? null : instanceAnswer(found.guarantee, language),
        application: found === undefined ? null : instanceAnswer(found.application, language),
        uses: (found?.uses ?? []).map((use) => {
          const [, , owner, scheme, code, section] = use.key
          return {
            tender: { owner: owner!, scheme: scheme!, code: code! },
            section: section!,
            ...instanceAnswer(use, language),
          }
        }),
        timeline: records.map((record) => timelineRow(record, texts, language)),
        nextCursor,
        asOf: asOfAnswer(asOf),
      }
      return reply.header('vary', 'accept-language').send(answer)
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
      const tender = tenderIn(request.params)
      const { at: time, ...wish } = readQuery(listOf, request.query)
      const language = languageOf(request.headers['accept-language'])
      return sendList(
        context,
        request,
        reply,
        { format: wish.format, csv: wish.csv, cursor: wish.cursor, limit: wish.limit },
        {
          name: 'guarantees',
          title: { zh: '保函', en: 'Guarantees' },
          columns: () => guaranteeColumns,
          async page(cursor, rowsMax) {
            const from = placeOf(cursor)
            const asOf = service.asOf()
            const found = service.trade.guaranteesOf(tender, from, rowsMax, time)
            const rows = found.map((view) => tenderGuaranteeRow(view, language))
            return { rows, nextCursor: found.length < rowsMax ? null : String(from + found.length), asOf }
          },
        },
      )
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
      querystring: querySchema({ at }),
      response: { 200: answers('GuaranteeStatistics', '统计 · statistics'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      const tender = tenderIn(request.params)
      const { at: time } = readQuery({ at }, request.query)
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
      return sendList(
        context,
        request,
        reply,
        { format: wish.format, csv: wish.csv, cursor: wish.cursor, limit: wish.limit },
        {
          name: 'decisions',
          title: { zh: '信用奖惩', en: 'Credit' },
          columns: () => creditColumns,
          async page(cursor, rowsMax) {
            const from = placeOf(cursor)
            const asOf = service.asOf()
            const found = service.trade.creditOf(party, from, rowsMax, time)
            const rows = found.map((view) => creditRow(view, language))
            return { rows, nextCursor: found.length < rowsMax ? null : String(from + found.length), asOf }
          },
        },
      )
    },
  })
}

/** These lists only grow at their end, so a cursor is how many rows came before. */
function placeOf(cursor: string | null): number {
  if (cursor === null) return 0
  if (/^[1-9][0-9]{0,8}$/.test(cursor)) return Number(cursor)
  throw new Problem('request.bad-cursor')
}

const guaranteeColumns = [
  column<TenderGuaranteeRow, 'issuer'>('issuer', '出具人', 'Issuer', 'text'),
  column<TenderGuaranteeRow, 'number'>('number', '保函编号', 'Number', 'text'),
  column<TenderGuaranteeRow, 'section'>('section', '标段', 'Section', 'text'),
  column<TenderGuaranteeRow, 'bidder'>('bidder', '投标人', 'Bidder', 'text'),
  column<TenderGuaranteeRow, 'state'>('state', '状态', 'State', 'bare'),
  column<TenderGuaranteeRow, 'stateTitle'>('stateTitle', '状态名称', 'State in words', 'text'),
  column<TenderGuaranteeRow, 'currency'>('currency', '币种', 'Currency', 'bare'),
  column<TenderGuaranteeRow, 'amount'>('amount', '保函金额', 'Amount', 'decimal'),
  column<TenderGuaranteeRow, 'paid'>('paid', '已赔付', 'Paid', 'decimal'),
  column<TenderGuaranteeRow, 'end'>('end', '到期（北京时间）', 'Ends (Beijing time)', 'bare'),
  column<TenderGuaranteeRow, 'since'>('since', '状态起于（北京时间）', 'Since (Beijing time)', 'bare'),
  column<TenderGuaranteeRow, 'index'>('index', '最近记录', 'Last record', 'bare'),
]

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
