/**
 * POST /v1/verify (技术核验): a hash, code or number, or a column of them, is answered with match or mismatch and where. Items come as JSON
 * or as CSV, answers go as JSON, CSV or XLSX, in the order of the items. Whoever sends the document itself is told to hash it instead.
 * What is looked at, and why nothing secret can be asked out of it: verification.ts.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JsonObject } from '../chain/json.ts'
import type { VerificationAnswer, VerifyItem } from './answers.ts'
import { refusedSpelling, refuseFields, textOfBody, verifyItemsOf } from './bodies.ts'
import { CsvFault, readCsv } from './csv-reader.ts'
import { formatOf, formatParameters, sendTable, tableContent } from './list-answer.ts'
import { querySchema, readQuery } from './parameters.ts'
import { Problem, type ProblemField } from './problems.ts'
import { jsonMediaType, type RouteContext } from './route-context.ts'
import { problemAnswer, verifyBody } from './schemas.ts'
import type { Column } from './table.ts'
import { type ItemProblem, itemMembers, readItem, type Sought, verify } from './verification.ts'

/** In a scope of its own: no other call takes CSV. */
export async function verifyRoute(app: FastifyInstance, context: RouteContext): Promise<void> {
  await app.register(async (scope) => {
    scope.addContentTypeParser<Buffer>('text/csv', { parseAs: 'buffer' }, (request, body, done) => {
      done(refusedSpelling(request), body)
    })
    route(scope, context)
  })
}

function route(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  app.route({
    method: 'POST',
    url: '/v1/verify',
    bodyLimit: limits.verifyBodyBytesMax,
    config: { rateLimit: { max: limits.verificationsPerMinute } },
    schema: {
      operationId: 'verify',
      tags: ['records'],
      summary: '技术核验 · Technical verification',
      description:
        '核对哈希、招标项目编号、保函编号或报文标识是否在账本上、在哪条记录；也可指明记录（record），只与该记录核对。CSV 须有表头，列名即字段名（或其中文名）。文件不上传：请在本地计算哈希。只核对账本上已公开的内容，开标前保密的内容不在其中。mismatch 只代表该成员在 asOf 所示状态下的查询结果；match 可凭所列记录的证明离线验证。 · Whether a hash, tender code, guarantee number or statement id is on the ledger, and where; with `record`, against that record only. CSV has a head row with the names of the members. No file is uploaded: hash it yourself. Only what is public on the ledger is looked at; what is secret before an opening is not there. A mismatch is this member’s word about the state in asOf; a match can be proved offline by the records named.',
      querystring: querySchema(formatParameters),
      body: verifyBody(limits.verifyItemsMax),
      response: {
        200: {
          description: '每项的结果，次序与提交时相同 · a result for each, in order',
          content: tableContent('Verifications'),
        },
        default: problemAnswer,
      },
    },
    // Before the body is read: a file of any size is refused by its name.
    onRequest: (request, _reply, done) => {
      done(
        takenTypes.test(request.headers['content-type'] ?? 'application/json')
          ? undefined
          : new Problem('request.file-not-taken'),
      )
    },
    handler: async (request, reply) => {
      const wish = readQuery(formatParameters, request.query)
      const items = isCsv(request)
        ? itemsOfCsv(request.body, limits.verifyItemsMax)
        : itemsOfJson(request.body, limits.verifyItemsMax)
      const answer = await verify(service, items, limits)
      const format = formatOf(request, wish.format, isCsv(request) ? 'csv' : 'json')
      if (format !== 'json') {
        const table = { name: 'verification', title, columns, rows: answer.results, asOf: answer.asOf }
        return sendTable(context, request, reply, { format, csv: wish.csv }, table)
      }
      return reply
        .header('vary', 'accept, accept-language')
        .header('content-type', jsonMediaType)
        .send(JSON.stringify(answer))
    },
  })
}

const takenTypes = /^(?:application\/json|text\/csv)\s*(?:;|$)/i

const isCsv = (request: FastifyRequest): boolean => /^text\/csv/i.test(request.headers['content-type'] ?? '')

function itemsOfJson(body: unknown, itemsMax: number): readonly Sought[] {
  return readAll(verifyItemsOf(body, itemsMax))
}

function itemsOfCsv(body: unknown, itemsMax: number): readonly Sought[] {
  const table = readCsv(textOfBody(body), itemsMax)
  if (table instanceof CsvFault) throw new Problem('request.body-invalid', { fields: [{ pointer: '', ...table }] })
  const { head, rows } = table
  // With more columns than there are members, one of the first is unknown or there twice.
  const names = head.slice(0, Object.keys(itemMembers).length + 1).map(memberNamed)
  refuseFields(
    names.flatMap((name, at) => (name === undefined || names.indexOf(name) !== at ? [wrongHead(head[at]!, at)] : [])),
  )
  // An empty cell is a member left out.
  const items = rows.map(({ cells }) =>
    Object.fromEntries(names.flatMap((name, at) => (cells[at] === '' ? [] : [[name!, cells[at]!]]))),
  )
  return readAll(
    items,
    rows.map(({ line }) => line),
  )
}

const memberNamed = (text: string): keyof VerifyItem | undefined =>
  (Object.keys(itemMembers) as (keyof VerifyItem)[]).find((name) =>
    [name, itemMembers[name].zh, itemMembers[name].en].includes(text.trim()),
  )

const wrongHead = (text: string, at: number): ProblemField => {
  const known = Object.keys(itemMembers).join(', ')
  return {
    pointer: '',
    problem: {
      zh: `表头第 ${at + 1} 列「${text.slice(0, 64)}」未知或重复；可用：${known}`,
      en: `column ${at + 1} of the head, “${text.slice(0, 64)}”, is unknown or there twice; there are: ${known}`,
    },
  }
}

/** @param lines of a table: what an editor shows */
function readAll(items: readonly JsonObject[], lines?: readonly number[]): readonly Sought[] {
  const problems: ProblemField[] = []
  const sought: Sought[] = []
  for (const [at, item] of items.entries()) {
    const read = readItem(item, `/items/${at}`)
    if ('what' in read) sought.push(read)
    else problems.push(...read.map((field) => (lines === undefined ? field : atLine(field, lines[at]!))))
    // Enough to correct a column by.
    if (problems.length > 20) break
  }
  refuseFields(problems)
  return sought
}

const atLine = ({ pointer, problem }: ItemProblem, line: number): ProblemField => ({
  pointer,
  problem: { zh: `第 ${line} 行：${problem.zh}`, en: `line ${line}: ${problem.en}` },
})

const title = { zh: '技术核验', en: 'Verification' }

const meanings: Readonly<Record<VerificationAnswer['result'] | NonNullable<VerificationAnswer['reason']>, string>> = {
  match: '一致：在账本上，已共证 · on the ledger, attested',
  pending: '在账本上，尚未共证 · on the ledger, not attested yet',
  mismatch: '不一致 · not on the ledger',
  'not-on-ledger': '不一致：账本上没有 · not on the ledger',
  'not-in-record': '不一致：所称记录中没有 · not in the record named',
  'no-such-record': '不一致：没有所称记录 · no such record',
}

/** The item as it was sent, then the answer; of several places the first. */
const columns: readonly Column<VerificationAnswer>[] = [
  ...(Object.keys(itemMembers) as (keyof VerifyItem)[]).map(
    (name): Column<VerificationAnswer> => ({
      name,
      title: itemMembers[name],
      cell: 'text',
      of: ({ item }) => item[name],
    }),
  ),
  { name: 'result', title: { zh: '结果代码', en: 'Result' }, cell: 'bare', of: ({ result }) => result },
  {
    name: 'meaning',
    title: { zh: '核验结果', en: 'Meaning' },
    cell: 'text',
    of: ({ result, reason }) => meanings[reason ?? result],
  },
  { name: 'index', title: { zh: '条目编号', en: 'Index' }, cell: 'bare', of: ({ places }) => places[0]?.index },
  {
    name: 'statementId',
    title: { zh: '所在报文', en: 'In statement' },
    cell: 'text',
    of: ({ places }) => places[0]?.statementId,
  },
  { name: 'type', title: { zh: '记录类型', en: 'Type' }, cell: 'bare', of: ({ places }) => places[0]?.type },
  { name: 'status', title: { zh: '状态', en: 'Status' }, cell: 'bare', of: ({ places }) => places[0]?.status },
  {
    name: 'blockTime',
    title: { zh: '区块时间（北京时间）', en: 'Block time (Beijing time)' },
    cell: 'bare',
    of: ({ places }) => places[0]?.blockTime,
  },
  {
    name: 'fields',
    title: { zh: '所在字段', en: 'Fields' },
    cell: 'text',
    of: ({ places }) => places[0]?.fields.join(' '),
  },
  {
    name: 'places',
    title: { zh: '所在记录数', en: 'Records' },
    cell: 'text',
    // The record that was named and does not hold it is none of them.
    of: ({ result, places, more }) => (result === 'mismatch' ? '0' : `${places.length}${more ? '+' : ''}`),
  },
]
