/**
 * Who the members are and were: the members of an epoch, all epochs, what proves each of them to whoever knows the one before, and the
 * policy by which checkpoints are checked (protocol.md, rules 19–22; decision 0032). Without a number, what is served is of today.
 */
import type { FastifyInstance } from 'fastify'
import { asOfAnswer } from './answering.ts'
import { decimal, insideNumber, matching, noParameters, querySchema, readPath, readQuery } from './parameters.ts'
import { Problem } from './problems.ts'
import { binaryMediaType, type RouteContext, textMediaType } from './route-context.ts'
import { answers, binary, media, plainText, problemAnswer } from './schemas.ts'

const epochQuery = { epoch: decimal('届次，缺省为当前届 · number of the epoch, default: the one of today') }
const policyQuery = {
  ...epochQuery,
  log: matching(
    '只列该成员节点的日志密钥 · with the log key of this member’s node alone',
    /^[a-z0-9][a-z0-9-]{0,31}$/,
    {
      zh: '应为成员标识',
      en: 'takes the id of a member',
    },
  ),
}

export function epochRoutes(app: FastifyInstance, { service }: RouteContext): void {
  app.route({
    method: 'GET',
    url: '/v1/members',
    schema: {
      operationId: 'getMembers',
      tags: ['status'],
      summary: '某一届的成员及其公钥 · Members of an epoch and their keys',
      querystring: querySchema(epochQuery),
      response: { 200: answers('Members', '成员 · members'), default: problemAnswer },
    },
    handler: (request, reply) => {
      const found = service.members(numberIn(request.query))
      if (found === undefined) throw new Problem('epoch.not-found')
      const { epoch, members } = found
      return reply.send({ epoch: String(epoch), members, asOf: asOfAnswer(service.asOf()) })
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/epochs',
    schema: {
      operationId: 'getEpochs',
      tags: ['status'],
      summary: '历届成员 · All epochs',
      description:
        '第 n 届共签规模大于其 size、至多为下一届 size 的账本快照。 · The members of an epoch cosign checkpoints larger than its size, up to the size of the next.',
      response: { 200: answers('Epochs', '由创世届起 · from the founding on'), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      const epochs = service.epochs().map(({ number, height, size, ...epoch }) => ({
        ...{ number: String(number), height: String(height), size: String(size) },
        ...epoch,
      }))
      return reply.send({ epochs })
    },
  })

  app.route<{ Params: { readonly number: string } }>({
    method: 'GET',
    url: '/v1/epochs/:number/proof',
    schema: {
      operationId: 'getEpochProof',
      tags: ['status'],
      summary: '换届证明 · What proves an epoch',
      description:
        '确定性 CBOR：重建文件，或结束上一届的记录连同其路径与上一届的共签。由上一届的公钥核验；创世届没有证明。 · Deterministic CBOR: the certificate of a re-founding, or the record that closed the epoch before with its path and the cosignatures of that epoch, by whose keys it is checked. The founding epoch has none.',
      params: {
        type: 'object',
        required: ['number'],
        properties: { number: { type: 'string', description: '届次，自 1 起 · number, from 1' } },
      },
      response: { 200: media('docs/protocol.md', { [binaryMediaType]: binary }), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      const number = insideNumber(readPath('number', decimal(''), request.params.number))
      const proof = number === undefined ? undefined : service.epochProof(number)
      if (proof === undefined) throw new Problem('epoch.not-found')
      return reply.header('content-type', binaryMediaType).send(proof)
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/policy',
    schema: {
      operationId: 'getPolicy',
      tags: ['log'],
      summary: '验证信任清单 · Policy to verify by',
      description:
        'C2SP tlog-policy。缺省为本节点当前所出具的快照与证明所适用的一届。 · By default that of the epoch whose members cosigned what this node serves now.',
      querystring: querySchema(policyQuery),
      response: { 200: media('policy file', { 'text/plain': plainText }), default: problemAnswer },
    },
    handler: (request, reply) => {
      const { epoch, log } = readQuery(policyQuery, request.query)
      const number = numberOf(epoch)
      const policy = service.policy(number, log)
      if (policy === undefined) {
        if (service.members(number) === undefined) throw new Problem('epoch.not-found')
        const problem = { zh: '不是该届成员', en: 'not a member of that epoch' }
        throw new Problem('request.bad-parameter', { fields: [{ parameter: 'log', problem }] })
      }
      return reply.header('content-type', textMediaType).send(policy)
    },
  })
}

const numberIn = (query: unknown): number | undefined => numberOf(readQuery(epochQuery, query).epoch)

/** A number beyond all epochs stays one. */
const numberOf = (epoch: bigint | undefined): number | undefined =>
  epoch === undefined ? undefined : (insideNumber(epoch) ?? Number.MAX_SAFE_INTEGER)
