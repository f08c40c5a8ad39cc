/**
 * GET /v1/records: lists for people and programs, filtered, page by page, as JSON, CSV or XLSX. A list names the state it was read from
 * in `asOf`, and shows each record's status: one that is not attested yet is not final.
 */
import type { FastifyInstance } from 'fastify'
import type { JsonObject } from '../chain/json.ts'
import { recordRow } from './answering.ts'
import { listParameters, sendList, tableContent } from './list-answer.ts'
import {
  codeParameter,
  matching,
  oneOf,
  type Parameter,
  partyParameter,
  querySchema,
  readQuery,
  timeParameter,
} from './parameters.ts'
import { Problem } from './problems.ts'
import { recordColumns } from './record-table.ts'
import type { RouteContext } from './route-context.ts'
import { problemAnswer } from './schemas.ts'
import type { RecordFilter, Service } from './service.ts'

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
    subject: matching('标的标识，如 tender/<owner>/<scheme>/<code> · what a lifecycle calls it', /^.{1,400}$/, {
      zh: '过长',
      en: 'is too long',
    }),
    kid: matching('签署密钥 · key that signed it (kid)', /^[A-Za-z0-9_-]{44,128}$/, {
      zh: '不是密钥标识',
      en: 'is no kid',
    }),
    hash: matching('文件哈希 · hash of a document it names, sha256:… or sm3:…', /^(?:sha256|sm3):[0-9a-f]{64}$/, {
      zh: '须为 sha256: 或 sm3: 加 64 位小写十六进制',
      en: 'must be sha256: or sm3: and 64 lower-case hex digits',
    }),
    finding: matching('预警代码 · code of a finding on it', /^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/, {
      zh: '不是预警代码',
      en: 'is no code of a finding',
    }),
    from: timeParameter('区块时间不早于 · block time not before'),
    to: timeParameter('区块时间早于 · block time before'),
    system: oneOf('同时列出系统条目 · also list system entries', 'true', 'false'),
    ...listParameters(limits),
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
        '按条目编号排列；一页可能少于 limit 行，以 nextCursor（及 Link）为准。CSV 中以 = + - @ 开头的单元格前加单引号；XLSX 中代码、金额、编号、时间均为文本单元格，原样不变，第二张表写明截至哪个快照。 · In order of index; a page may be shorter than limit, follow nextCursor or Link. In CSV an apostrophe stands before cells that begin with = + - @; in XLSX codes, amounts, ids and times are text cells, unchanged, and the second sheet says what the file is true as of.',
      querystring: querySchema(parameters),
      response: {
        200: { description: 'JSON、CSV 或 XLSX · JSON, CSV or XLSX', content: tableContent('RecordList') },
        default: problemAnswer,
      },
    },
    handler: (request, reply) => {
      const { format, csv, cursor, limit, system, ...filters } = readQuery(parameters, request.query)
      if (filters.from !== undefined && filters.to !== undefined && filters.from >= filters.to) {
        throw new Problem('request.bad-parameter', {
          fields: [{ parameter: 'to', problem: { zh: '须晚于 from', en: 'must be later than from' } }],
        })
      }
      const filter: RecordFilter = {
        ...filters,
        ...(system === 'true' || filters.type === 'system.block' ? { includeSystem: true } : {}),
      }
      return sendList(
        context,
        request,
        reply,
        { format, csv, cursor, limit },
        {
          name: 'records',
          title: { zh: '记录', en: 'Records' },
          columns: () => recordColumns(payloadSchemaOf(service, filter.type)),
          async page(from, rowsMax) {
            const { records, nextCursor, asOf } = await service.records(filter, from, rowsMax)
            return { rows: records.map(recordRow), nextCursor, asOf }
          },
        },
      )
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

const payloadSchemaOf = (service: Service, type: string | undefined): JsonObject | undefined =>
  type === undefined ? undefined : (service.types().find((known) => known.name === type)?.schema ?? undefined)
