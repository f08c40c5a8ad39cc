/**
 * The private listener's calls: plain JSON from systems that cannot sign, signed by the centre's key and answered like any other
 * submission. Whoever reaches this listener speaks for the centre, so it must be reachable only from the centre's own systems (a unix
 * socket or loopback), and it turns away what a web page could send: requests with an Origin, under a foreign host name, or in a form
 * type (browsers send JSON across origins only after asking, and are never told yes here).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JsonObject, JsonValue } from '../chain/json.ts'
import { jsonOf, kindOf, missingMember, plainItemsOf, pointerTo, refuseFields, wrongKind } from './bodies.ts'
import { waitPreference } from './negotiation.ts'
import { noParameters, readQuery } from './parameters.ts'
import type { ProblemField } from './problems.ts'
import { Problem } from './problems.ts'
import { jsonMediaType, type RouteContext } from './route-context.ts'
import { answers, plainBatchBody, plainBody, problemAnswer } from './schemas.ts'
import type { PlainSubmission } from './service.ts'
import { batchJson, sendSubmission, submitOptions, whileConnected } from './submission.ts'
import { preferHeader, submissionResponses } from './submission-routes.ts'

export function privateRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service, limits } = context

  app.route({
    method: 'POST',
    url: '/v1/records',
    bodyLimit: limits.statementBodyBytesMax,
    schema: {
      operationId: 'submitPlain',
      tags: ['records'],
      summary: '提交明文数据，由本中心密钥签名 · Submit plain data, signed by the centre’s key',
      description:
        '同一 key 与同样内容得到同一记录，可放心重试。 · The same key and content give the same record; retrying is safe.',
      headers: preferHeader,
      body: plainBody,
      response: submissionResponses,
    },
    handler: async (request, reply) => {
      readQuery(noParameters, request.query)
      const plain = plainSubmission(jsonOf(request.body), '')
      const wait = waitPreference(request.headers.prefer, limits)
      const submission = await whileConnected(request, reply, (signal) =>
        service.submitPlain(plain, submitOptions(wait, signal)),
      )
      return submission === undefined ? reply : sendSubmission(submission, wait, reply)
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/records/batch',
    bodyLimit: limits.batchBodyBytesMax,
    schema: {
      operationId: 'submitPlainBatch',
      tags: ['records'],
      summary: '批量提交明文数据 · Submit many plain records',
      headers: preferHeader,
      body: plainBatchBody(limits.batchStatementsMax),
      response: { 200: answers('Batch', '每条的结果 · a result for each'), default: problemAnswer },
    },
    handler: async (request, reply) => {
      readQuery(noParameters, request.query)
      const items = plainItemsOf(request.body, limits.batchStatementsMax)
      const plains = items.map((item, position) => plainSubmission(item, `/records/${position}`))
      const wait = waitPreference(request.headers.prefer, limits)
      const json = await whileConnected(request, reply, (signal) =>
        batchJson(
          plains.map((plain) => service.submitPlain(plain, submitOptions(wait, signal))),
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

/** The node writes these itself; a caller that sends them means something the node would silently do otherwise. */
const ownFields = ['ledger', 'party']

/** {type, key, …fields}. @throws {Problem} request.body-invalid */
function plainSubmission(value: JsonValue, at: string): PlainSubmission {
  if (kindOf(value) !== 'object') refuseFields([{ pointer: at, problem: wrongKind('object') }])
  const object = value as JsonObject
  const problems: ProblemField[] = []
  for (const name of ['type', 'key']) {
    if (!Object.hasOwn(object, name)) problems.push({ pointer: `${at}/${name}`, problem: missingMember })
    else if (typeof object[name] !== 'string') problems.push({ pointer: `${at}/${name}`, problem: wrongKind('string') })
  }
  for (const name of ownFields) {
    if (Object.hasOwn(object, name)) {
      problems.push({
        pointer: at + pointerTo(name),
        problem: { zh: '由节点填写，请去掉', en: 'is filled in by the node, leave it out' },
      })
    }
  }
  refuseFields(problems)
  const { type, key, ...fields } = object
  return { type: type as string, key: key as string, fields }
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/** Turns away what a web page could make a browser send here, also by DNS rebinding. @throws {Problem} request.forbidden-origin */
export function refuseBrowsers(request: FastifyRequest, allowedHosts: readonly string[]): void {
  const { origin, host = '', 'sec-fetch-site': fetchSite } = request.headers
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const isForeignName = !(loopbackNames.includes(name) || allowedHosts.includes(name))
  // Reading harms nobody: a page of another origin is not shown the answer, and /docs is for browsers.
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isForeignName || (!isRead && (origin !== undefined || fetchSite !== undefined))) {
    throw new Problem('request.forbidden-origin')
  }
}
