/**
 * GET /v1/faults: which keys were proven guilty, by this node or on the ledger; GET /v1/faults/{kid}: the fault proof itself, to the byte, for
 * whoever wants to check or keep it (`gongzheng fault verify`, the verifier page). Nothing in it is a secret, and nothing a matter of opinion.
 */
import type { FastifyInstance } from 'fastify'
import { faultWords } from '../chain/fault-words.ts'
import { matching, noParameters, readPath, readQuery } from './parameters.ts'
import { Problem } from './problems.ts'
import { jsonMediaType, type RouteContext } from './route-context.ts'
import { answers, media, problemAnswer } from './schemas.ts'

const kidParameter = matching('密钥标识 · key id', /^[A-Za-z0-9_-]{44}$/, {
  zh: '须为 44 个字符的密钥标识',
  en: 'must be a key id of 44 characters',
})

export function faultsRoute(app: FastifyInstance, { service }: RouteContext): void {
  app.route({
    method: 'GET',
    url: '/v1/faults',
    schema: {
      operationId: 'listFaults',
      tags: ['status'],
      summary: '矛盾签名列表 · Fault proofs',
      description:
        '每把被证明有错的密钥一项；reportedIn 为账本上报告的条目编号，null 表示尚未入账、密钥尚未停用。文件凭自身即可核验。 · One for each key that was proven guilty; reportedIn is the index of the report on the ledger, null while the key is not frozen. Each file proves what it says by itself.',
      response: { 200: answers('Faults', '矛盾签名 · fault proofs'), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      const faults = service.faults().map(({ kid, member, kind, detail, reportedIn }) => ({
        kid,
        member,
        kind,
        title: faultWords[kind],
        detail,
        reportedIn: reportedIn === null ? null : String(reportedIn),
      }))
      return reply.send({ faults })
    },
  })

  app.route<{ Params: { readonly kid: string } }>({
    method: 'GET',
    url: '/v1/faults/:kid',
    schema: {
      operationId: 'getFault',
      tags: ['status'],
      summary: '矛盾签名文件 · A fault proof',
      description: 'gongzheng fault verify FILE · docs/protocol.md, "Faults"',
      params: {
        type: 'object',
        required: ['kid'],
        properties: { kid: { type: 'string', description: '密钥标识 · key id' } },
      },
      response: { 200: media('gongzheng/fault@1', { 'application/json': { type: 'object' } }), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      const kid = readPath('kid', kidParameter, request.params.kid)
      const fault = service.faults().find((each) => each.kid === kid)
      if (fault === undefined) throw new Problem('fault.not-found')
      const name = `fault-${fault.member}-${fault.kind}.json`
      return reply
        .header('content-type', jsonMediaType)
        .header('content-disposition', `attachment; filename="${name}"`)
        .send(fault.file)
    },
  })
}
