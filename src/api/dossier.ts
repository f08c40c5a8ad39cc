/**
 * A dossier: where something with a lifecycle stands or stood, and every record about it, page by page; as CSV and XLSX its timeline. It names
 * the state it was read from and the records behind it. What nobody has recorded is not found, whatever it is called.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { asOfAnswer } from './answering.ts'
import type { ApiLimits } from './limits.ts'
import { formatOf, listParameters, rowsOf, sendList, tableContent } from './list-answer.ts'
import { type Language, languageOf } from './messages.ts'
import { atParameter, readQuery } from './parameters.ts'
import { Problem } from './problems.ts'
import type { RouteContext } from './route-context.ts'
import { problemAnswer, type SchemaName } from './schemas.ts'
import { type Column, column } from './table.ts'
import { type DossierAnswer, instanceAnswer, type TimelineRow, timelineRow } from './trade-answers.ts'

export const dossierParameters = (limits: ApiLimits) => ({ at: atParameter, ...listParameters(limits) })

export const dossierResponse = (schema: SchemaName, description: string) => ({
  200: {
    description: `${description}；CSV、XLSX 为其时间线 · as CSV and XLSX, its timeline`,
    content: tableContent(schema),
  },
  default: problemAnswer,
})

/**
 * @param look what is known of it at a time, with whatever this kind of dossier shows besides; its instance alone unless given
 * @throws {Problem} subject.not-found
 */
export async function sendDossier<More extends Pick<DossierAnswer, 'instance'>>(
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  subject: string,
  look?: (at: number | undefined, language: Language) => More,
): Promise<FastifyReply> {
  const { service, limits } = context
  const { at, ...wish } = readQuery(dossierParameters(limits), request.query)
  const language = languageOf(request.headers['accept-language'])
  const texts = service.trade.findingTexts()
  const known = look?.(at, language) ?? instanceAlone()
  const format = formatOf(request, wish.format)
  const page = async (from: string | null, count: number) => {
    const { records, nextCursor, asOf } = await service.records({ subject }, from, count)
    return { rows: records.map((record) => timelineRow(record, texts, language)), nextCursor, asOf }
  }
  const rowsMax = format === 'json' ? rowsOf(format, wish.limit, limits) : 1
  const { rows, nextCursor, asOf } = await page(wish.cursor ?? null, rowsMax)
  if (known.instance === null && rows.length === 0 && wish.cursor === undefined) throw new Problem('subject.not-found')
  if (format !== 'json') {
    const source = { name: 'timeline', title: timelineTitle, columns: () => timelineColumns, page }
    return sendList(context, request, reply, { ...wish, format }, source)
  }
  const answer = { subject, ...known, timeline: rows, nextCursor, asOf: asOfAnswer(asOf) } satisfies DossierAnswer
  return reply.header('vary', 'accept, accept-language').send(answer)

  function instanceAlone(): Pick<DossierAnswer, 'instance'> {
    const instance = service.trade.instance(subject, at)
    return { instance: instance === undefined ? null : instanceAnswer(instance, language) }
  }
}

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
