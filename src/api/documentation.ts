/**
 * /openapi.json and, for people, /docs: the OpenAPI 3.1 document, generated from the schemas that the routes declare, and a page that
 * shows it. Everything the page needs is served from here: it works on an inner network.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { noParameters, readQuery } from './parameters.ts'
import type { RouteContext } from './route-context.ts'
import { media, namedSchemas, problemAnswer } from './schemas.ts'

/** Call it before the routes are declared: it gathers them as they are. */
export async function describeCalls(
  app: FastifyInstance,
  context: RouteContext,
  info: { readonly title: string; readonly description: string },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        ...info,
        version: context.service.status().version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'records', description: '提交与查询记录 · submit and read records' },
        { name: 'log', description: '透明日志（C2SP） · the transparency log' },
        { name: 'trade', description: '项目、保函、信用 · tenders, guarantees, credit' },
        { name: 'boxes', description: '静默标箱与密封投标 · quiet boxes and sealed bids' },
        { name: 'status', description: '节点、成员、主体 · node, members, parties' },
      ],
    },
    // A wildcard has no name that OpenAPI could use.
    transform: ({ schema, url }) => ({ schema, url: url.replace('*', ':path') }),
    refResolver: { buildLocalReference: (json, _base, _fragment, position) => String(json.$id ?? `Schema${position}`) },
  })
  for (const schema of namedSchemas) app.addSchema(schema)
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null },
    theme: { title: info.title },
    // The plugin's own policy upgrades to https, which breaks the page on the plain-http address of an inner network.
    staticCSP:
      "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'",
  })
  app.route({
    method: 'GET',
    url: '/openapi.json',
    schema: {
      operationId: 'getOpenApi',
      tags: ['status'],
      summary: '本接口的 OpenAPI 3.1 文档 · This document',
      response: { 200: media('OpenAPI 3.1', { 'application/json': { type: 'object' } }), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      return reply.send(app.swagger())
    },
  })
  // Who types a member's address into a browser wants to know what this is.
  app.route({
    method: 'GET',
    url: '/',
    schema: { hide: true },
    handler: (_request, reply) => reply.redirect('/docs'),
  })
}
