/**
 * Reading one record, by index or statement id, and its proof. A record is 200 only once it is attested, and 202 before, so that no
 * program takes "on its way" for "final"; what the ledger refused is a problem, so that none takes a refusal for a record. Lists:
 * record-list-route.ts.
 */
import type { FastifyInstance } from 'fastify'
import { pendingAnswer, proofAnswer, recordAnswer } from './answering.ts'
import { preferredType } from './negotiation.ts'
import { decimal, Fault, insideNumber, oneOf, type Parameter, querySchema, readPath, readQuery } from './parameters.ts'
import { Problem } from './problems.ts'
import { binaryMediaType, immutableCaching, type RouteContext, textMediaType } from './route-context.ts'
import { binary, jsonOf, plainText, problemAnswer } from './schemas.ts'
import type { LedgerRecord, Service } from './service.ts'
import { refusedOnLedger } from './submission.ts'

interface IdPath {
  readonly Params: { readonly id: string }
}

const idPath = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string', description: '条目编号或报文标识（64 位十六进制） · index, or statement id (64 hex digits)' },
  },
}

/** GET /v1/records/{id} and its proof; on the public and the private listener. */
export function recordRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service } = context
  const recordFormat = { format: oneOf('representation', 'json', 'entry') }
  const proofParameters = {
    format: oneOf('representation', 'json', 'tlog-proof'),
    size: decimal('对该大小的快照给出证明，默认为最早覆盖该条目者 · against the checkpoint of this size'),
  }

  app.route<IdPath>({
    method: 'GET',
    url: '/v1/records/:id',
    schema: {
      operationId: 'getRecord',
      tags: ['records'],
      summary: '查询一条记录 · One record',
      description:
        '200 表示已共证，202 表示已接收或已同步但尚未共证，422 表示账本已按规则拒绝该报文。 · 200: attested; 202: accepted or replicated; 422: the ledger refused the statement.',
      params: idPath,
      querystring: querySchema(recordFormat),
      response: {
        200: {
          description: '已共证的记录，或其条目字节 · the attested record, or the bytes of its entry',
          content: { 'application/json': { schema: jsonOf('Record') }, [binaryMediaType]: { schema: binary } },
        },
        202: {
          description: '尚未共证 · not attested yet',
          content: { 'application/json': { schema: { oneOf: [jsonOf('Record'), jsonOf('Pending')] } } },
        },
        default: problemAnswer,
      },
    },
    handler: (request, reply) => {
      const { format } = readQuery(recordFormat, request.query)
      const found = findRecord(service, request.params.id)
      if (found.kind === 'pending') {
        return reply.code(202).header('retry-after', 1).send(pendingAnswer(found))
      }
      const { record } = found
      const attested = record.status === 'attested'
      const bytesWanted =
        format === undefined
          ? preferredType(request.headers.accept, ['application/json', binaryMediaType]) === binaryMediaType
          : format === 'entry'
      reply.header('vary', 'accept, accept-language')
      if (bytesWanted) {
        if (!attested) throw notAttested()
        return reply
          .header('cache-control', immutableCaching)
          .header('content-type', binaryMediaType)
          .send(record.entry)
      }
      if (!attested) reply.code(202).header('retry-after', 1)
      return reply.send(recordAnswer(record, service.asOf()))
    },
  })

  app.route<IdPath>({
    method: 'GET',
    url: '/v1/records/:id/proof',
    schema: {
      operationId: 'getProof',
      tags: ['records'],
      summary: '包含证明 · Inclusion proof',
      description:
        '一行日志签名与恰好 q 行共签；离线可验。 · One log line and exactly q cosignatures; verifiable offline.',
      params: idPath,
      querystring: querySchema(proofParameters),
      response: {
        200: {
          description: 'JSON，或 C2SP .tlog-proof 文本 · JSON, or a C2SP tlog-proof file',
          content: { 'application/json': { schema: jsonOf('Proof') }, 'text/plain': { schema: plainText } },
        },
        default: problemAnswer,
      },
    },
    handler: async (request, reply) => {
      const { format, size } = readQuery(proofParameters, request.query)
      const found = findRecord(service, request.params.id)
      if (found.kind === 'pending') throw notAttested()
      const { index } = found.record
      const sizeInside = size === undefined ? undefined : insideNumber(size)
      // A proof is of an index below the size; anything else was never attested with this record in it.
      if (size !== undefined && (sizeInside === undefined || sizeInside <= index))
        throw new Problem('proof.size-not-attested')
      const proof = await service.proof(index, sizeInside)
      if (proof === undefined) throw size === undefined ? notAttested() : new Problem('proof.size-not-attested')
      reply.header('vary', 'accept, accept-language')
      const wanted =
        format ??
        (preferredType(request.headers.accept, ['application/json', 'text/plain']) === 'text/plain'
          ? 'tlog-proof'
          : 'json')
      if (wanted === 'json') return reply.send(proofAnswer(proof))
      return reply
        .header('content-type', textMediaType)
        .header('content-disposition', `attachment; filename="${index}.tlog-proof"`)
        .send(proof.proofFile)
    },
  })
}

type Found =
  | { readonly kind: 'record'; readonly record: LedgerRecord }
  | (Extract<ReturnType<Service['standing']>, { kind: 'pending' }> & { readonly statementId: string })

/** @throws {Problem} record.not-found; the code of the rule, with 422, when the ledger refused the statement */
function findRecord(service: Service, id: string): Found {
  if (/^[0-9a-f]{64}$/.test(id)) {
    const record = service.recordByStatement(id)
    if (record !== undefined) return { kind: 'record', record }
    const standing = service.standing(id)
    switch (standing.kind) {
      case 'pending':
        return { ...standing, statementId: id }
      case 'refused':
        throw refusedOnLedger(standing.code, standing.index)
      case 'record': {
        const now = service.recordByIndex(standing.index)
        if (now !== undefined) return { kind: 'record', record: now }
        break
      }
      case 'unknown':
        break
    }
    throw new Problem('record.not-found')
  }
  const index = insideNumber(readPath('id', recordIndex, id))
  const record = index === undefined ? undefined : service.recordByIndex(index)
  if (record === undefined) throw new Problem('record.not-found')
  return { kind: 'record', record }
}

const recordIndex: Parameter<bigint> = {
  ...decimal(''),
  parse(text) {
    const value = decimal('').parse(text)
    if (!(value instanceof Fault)) return value
    return new Fault({
      zh: '须为条目编号（十进制）或报文标识（64 位小写十六进制）',
      en: 'must be an index (decimal) or a statement id (64 lower-case hex digits)',
    })
  },
}

const notAttested = (): Problem => new Problem('record.not-attested', { retryAfter: 1 })
