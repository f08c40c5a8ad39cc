/**
 * How the node and its ledger stand: status, parties, types, health and readiness. Healthy means the process answers; ready
 * means it takes statements and gives receipts. A missing quorum does not make a node unready: it still takes statements, and serves
 * what is final; `hindrances` says what is missing.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { partyAnswer, statusAnswer } from './answering.ts'
import type { Hindrance } from './answers.ts'
import { languageOf, textOf } from './messages.ts'
import { noParameters, partyParameter, querySchema, readPath, readQuery, timeParameter } from './parameters.ts'
import { Problem } from './problems.ts'
import type { RouteContext } from './route-context.ts'
import { answers, problemAnswer } from './schemas.ts'

const partyQuery = { at: timeParameter('密钥状态的时刻 · time that the status of keys is of') }

export function statusRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service } = context

  app.route({
    method: 'GET',
    url: '/v1/status',
    schema: {
      operationId: 'getStatus',
      tags: ['status'],
      summary: '节点与账本状态 · How node and ledger stand',
      description:
        'hindrances 为空即一切正常；quorum.missing 为距达成共证所缺的成员数。 · Empty hindrances: all is well; quorum.missing members are lacking for attestation.',
      response: { 200: answers('Status', '状态 · status'), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      const status = service.status()
      return reply
        .header('vary', 'accept-language')
        .send(statusAnswer(status, inWords(status.hindrances, context, request)))
    },
  })

  app.route<{ Params: { readonly id: string } }>({
    method: 'GET',
    url: '/v1/parties/:id',
    schema: {
      operationId: 'getParty',
      tags: ['status'],
      summary: '主体及其密钥 · A party and its keys',
      description:
        'standing 为 unilateral 的密钥来源为单方登记，仅在 scope 所列成员处有效。status 是 at 时刻的状态（缺省为最新区块时间），其后登记的密钥不列出；其余各项（谁确认、standing、scope、何时终止）为账本当前所载，因为登记簿只保存每把密钥的最新一行。某时刻由谁确认，见记录本身：/v1/records?party=… 与 /v1/records?subject=key/<kid>。 · A unilateral key counts in the scope of the members named only. status is as of `at` (the newest block unless given), and keys registered later are left out; everything else (who vouches, standing, scope, when it ends) is what the ledger says now, because the register keeps the last row of a key only. Who vouched at a time is in the records: /v1/records?party=… and /v1/records?subject=key/<kid>.',
      params: {
        type: 'object',
        required: ['id'],
        properties: { id: { type: 'string', description: 'uscc:… | id:<scheme>:<id> | person:<hash>' } },
      },
      querystring: querySchema(partyQuery),
      response: { 200: answers('Party', '主体 · party'), default: problemAnswer },
    },
    handler: (request, reply) => {
      const { at } = readQuery(partyQuery, request.query)
      const party = service.party(readPath('id', partyParameter(''), request.params.id), at)
      if (party === undefined) throw new Problem('party.not-found')
      return reply.send(partyAnswer(party))
    },
  })

  typesRoute(app, context)
}

/** On the private listener too: who writes plain data wants the schemas. */
export function typesRoute(app: FastifyInstance, { service }: RouteContext): void {
  app.route({
    method: 'GET',
    url: '/v1/types',
    schema: {
      operationId: 'getTypes',
      tags: ['status'],
      summary: '现行与将生效的记录类型 · Record types in force and to come',
      response: { 200: answers('Types', '类型与 JSON Schema · types and their JSON Schemas'), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      const types = service
        .types()
        .map(({ name, from, inForce, schema }) => ({ name, from: String(from), inForce, schema }))
      return reply.send({ types })
    },
  })
}

export function healthRoutes(app: FastifyInstance, context: RouteContext): void {
  app.route({
    method: 'GET',
    url: '/healthz',
    schema: {
      operationId: 'getHealth',
      tags: ['status'],
      summary: '进程是否在应答 · Whether the process answers',
      response: { 200: answers('Health', 'ok'), default: problemAnswer },
    },
    handler: (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  })

  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      operationId: 'getReadiness',
      tags: ['status'],
      summary: '能否接收签名报文 · Whether it takes statements',
      response: {
        200: answers('Readiness', '就绪 · ready'),
        503: { ...problemAnswer, description: '未就绪，原因见 hindrances · not ready, hindrances says why' },
        default: problemAnswer,
      },
    },
    handler: (request, reply) => {
      const { role, hindrances } = context.service.status()
      const all = new Set([...hindrances, ...(role === 'starting' || role === 'recovering' ? [`node.${role}`] : [])])
      const inOrder = inWords([...all], context, request)
      if ([...all].some((code) => code.startsWith('node.'))) {
        throw new Problem('node.not-ready', { retryAfter: 1, members: { hindrances: inOrder } })
      }
      return reply.header('cache-control', 'no-store').send({ ready: true, hindrances: inOrder })
    },
  })
}

function inWords(codes: readonly string[], context: RouteContext, request: FastifyRequest): Hindrance[] {
  const language = languageOf(request.headers['accept-language'])
  return codes.map((code) => {
    const { title, remedy } = textOf(context.texts, code)[language]
    return { code, title, remedy }
  })
}
