/**
 * Taking statements in: POST /v1/records for one, POST /v1/records/batch for many. The same statement may be sent again at any time,
 * to any member: it ends as the same record. How an ending is answered: submission.ts.
 */
import type { FastifyInstance } from 'fastify'
import { statementOf, statementsOf } from './bodies.ts'
import { waitPreference } from './negotiation.ts'
import { noParameters, readQuery } from './parameters.ts'
import { jsonMediaType, type RouteContext } from './route-context.ts'
import { answers, batchBody, problemAnswer, statementBody } from './schemas.ts'
import { batchJson, sendSubmission, submitOptions, whileConnected } from './submission.ts'

export const submissionResponses = {
  200: answers('Attested', '此前已在账本中的同一记录 · the same statement was on the ledger before'),
  201: answers('Attested', '已共证 · attested'),
  202: answers('Pending', '已接收，尚未共证；按 Location 查询 · receipt given, not attested yet; look at Location'),
  422: {
    ...problemAnswer,
    description:
      '规则拒绝；若已出具回执，则带 index 与 receipt · refused by a rule; with index and receipt if one was given',
  },
  default: problemAnswer,
}

export const preferHeader = {
  type: 'object',
  properties: {
    prefer: {
      type: 'string',
      description: 'RFC 7240: `respond-async`, `wait=10`（秒 · seconds）',
    },
  },
}

export function submissionRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context
  const rateLimit = { max: limits.submissionsPerMinute }

  app.route({
    method: 'POST',
    url: '/v1/records',
    bodyLimit: limits.statementBodyBytesMax,
    config: { rateLimit },
    schema: {
      operationId: 'submitStatement',
      tags: ['records'],
      summary: '提交签名报文 · Submit a statement',
      description:
        '返回 201 时已共证；重复提交同一报文返回 200 与同一记录。 · 201 means attested; the same statement again gives 200 and the same record.',
      headers: preferHeader,
      body: statementBody,
      response: submissionResponses,
    },
    handler: async (request, reply) => {
      readQuery(noParameters, request.query)
      const statement = statementOf(request.body)
      const wait = waitPreference(request.headers.prefer, limits)
      const submission = await whileConnected(request, reply, (signal) =>
        service.submit(statement, submitOptions(wait, signal)),
      )
      return submission === undefined ? reply : sendSubmission(submission, wait, reply)
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/records/batch',
    bodyLimit: limits.batchBodyBytesMax,
    config: { rateLimit },
    schema: {
      operationId: 'submitBatch',
      tags: ['records'],
      summary: '批量提交签名报文 · Submit many statements',
      description:
        '逐条给出结果，次序与提交时相同；各条互不影响。 · One result for each, in order; none depends on another.',
      headers: preferHeader,
      body: batchBody(limits.batchStatementsMax),
      response: { 200: answers('Batch', '每条报文的结果 · a result for each'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      readQuery(noParameters, request.query)
      const statements = statementsOf(request.body, limits.batchStatementsMax)
      const wait = waitPreference(request.headers.prefer, limits)
      const json = await whileConnected(request, reply, (signal) =>
        batchJson(
          statements.map((statement) => service.submit(statement, submitOptions(wait, signal))),
          context,
          request,
          signal,
        ),
      )
      if (json === undefined) return reply
      if (wait.applied !== undefined) reply.header('preference-applied', wait.applied)
      return reply.header('content-type', jsonMediaType).send(json)
    },
  })
}
