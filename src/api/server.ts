/**
 * The three HTTP servers of a node, built and not yet listening: the public one (open reads, signed writes), the private one (plain
 * data from the centre's own systems) and the operations one (metrics). They know the node only as a `Service`. Here is what all
 * routes share: strictness (nothing coerced, completed or dropped), limits, request ids, headers, and one way to say no.
 * Who listens where, and closes them, is the process's business.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import cors from '@fastify/cors'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { acceptJose, acceptJson } from './bodies.ts'
import { boxRoutes } from './box-routes.ts'
import { creditRoutes } from './credit-routes.ts'
import { describeCalls } from './documentation.ts'
import { epochRoutes } from './epoch-routes.ts'
import { errorsPage } from './errors-page.ts'
import { eventsRoute } from './events-route.ts'
import { faultsRoute } from './faults-route.ts'
import { findingsRoute } from './findings-route.ts'
import { guaranteeRoutes } from './guarantee-routes.ts'
import { type ApiLimits, defaultApiLimits } from './limits.ts'
import { logRoutes } from './log-routes.ts'
import { allTexts } from './messages.ts'
import { noParameters, readQuery } from './parameters.ts'
import { privateRoutes, refuseBrowsers } from './private-routes.ts'
import { answerClientError, Problem, problemFrom, sendProblem } from './problems.ts'
import { recordListRoute } from './record-list-route.ts'
import { recordRoutes } from './records-routes.ts'
import { type RequestFailure, type RouteContext, routeOf } from './route-context.ts'
import { media, problemAnswer } from './schemas.ts'
import type { Service } from './service.ts'
import { healthRoutes, statusRoutes, typesRoute } from './status-routes.ts'
import { submissionRoutes } from './submission-routes.ts'
import { tradeRoutes } from './trade-routes.ts'
import { verifyRoute } from './verify-route.ts'

export interface ServerOptions {
  /** What differs from `defaultApiLimits`. */
  readonly limits?: Partial<ApiLimits>
}

export interface PublicServerOptions extends ServerOptions {
  /** Addresses of reverse proxies whose X-Forwarded-For is believed; without it the rate limit sees the connection's own address. */
  readonly trustedProxies?: readonly string[]
}

export interface PrivateServerOptions extends ServerOptions {
  /** Host names under which it may be called, besides those of loopback; for a unix socket none is needed. */
  readonly allowedHosts?: readonly string[]
}

export interface ServerDependencies {
  readonly service: Service
  /** Told of each request that failed for a reason of ours: the caller is shown nothing of it but an id, so it must be on record here. */
  readonly onFailure: (failure: RequestFailure) => void
}

/** For everybody: records, proofs, the log, status, documentation. */
export async function buildPublicServer(
  options: PublicServerOptions,
  dependencies: ServerDependencies,
): Promise<FastifyInstance> {
  const { app, context, addresses } = await buildServer(options, dependencies, options.trustedProxies)
  const { limits } = context
  acceptJose(app)
  await app.register(cors, {
    // No cookie and no password is ever asked for here: a page of any origin may do what any program may.
    origin: '*',
    exposedHeaders: ['location', 'link', 'retry-after', 'preference-applied', 'x-request-id', 'x-as-of'],
    maxAge: 24 * 60 * 60,
    strictPreflight: false,
  })
  await app.register(rateLimit, {
    global: true,
    max: limits.readsPerMinute,
    timeWindow: 60_000,
    keyGenerator: options.trustedProxies === undefined ? connectionAddress : (request) => normalizeIP(request.ip),
    // Retry-After is what a client needs; counting down on every answer would cost more than the rest of its headers.
    addHeadersOnExceeding: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    errorResponseBuilder: (_request, { ttl }) => new Problem('request.too-many', { retryAfter: Math.ceil(ttl / 1000) }),
  })
  await describeCalls(app, context, {
    title: '共证 · Gongzheng',
    description:
      '共证（联合存证）：公共资源交易的许可链账本。读开放，写须签名。64 位数一律为十进制字符串；时间为北京时间（RFC 3339）。 · A permissioned ledger for public-resource trading: open reads, signed writes. 64-bit numbers are decimal strings; times are Beijing time (RFC 3339).',
  })
  submissionRoutes(app, context)
  recordListRoute(app, context)
  await verifyRoute(app, context)
  recordRoutes(app, context)
  logRoutes(app, context)
  epochRoutes(app, context)
  statusRoutes(app, context)
  tradeRoutes(app, context)
  guaranteeRoutes(app, context)
  boxRoutes(app, context)
  creditRoutes(app, context)
  findingsRoute(app, context)
  faultsRoute(app, context)
  eventsRoute(app, context)
  healthRoutes(app, context)
  errorsPage(app, context)
  finish(app, context, addresses, ['OPTIONS'])
  return app
}

/** For the centre's own systems, on a unix socket or loopback: plain data in, signed by the centre's key. */
export async function buildPrivateServer(
  options: PrivateServerOptions,
  dependencies: ServerDependencies,
): Promise<FastifyInstance> {
  const { app, context, addresses } = await buildServer(options, dependencies)
  const allowedHosts = (options.allowedHosts ?? []).map((host) => host.toLowerCase())
  app.addHook('onRequest', (request, _reply, done) => {
    refuseBrowsers(request, allowedHosts)
    done()
  })
  await describeCalls(app, context, {
    title: '共证内部接口 · Gongzheng private listener',
    description:
      '本中心系统专用：提交明文数据，由本中心密钥签名。 · For this centre’s own systems: plain data, signed by the centre’s key.',
  })
  privateRoutes(app, context)
  recordRoutes(app, context)
  typesRoute(app, context)
  healthRoutes(app, context)
  errorsPage(app, context)
  finish(app, context, addresses)
  return app
}

/** For whoever runs the node: metrics (Prometheus text format) and health. */
export async function buildOperationsServer(
  options: ServerOptions,
  dependencies: ServerDependencies,
): Promise<FastifyInstance> {
  const { app, context, addresses } = await buildServer(options, dependencies)
  app.route({
    method: 'GET',
    url: '/metrics',
    schema: {
      operationId: 'getMetrics',
      response: { 200: media('Prometheus', { 'text/plain': { type: 'string' } }), default: problemAnswer },
    },
    handler: async (request, reply) => {
      readQuery(noParameters, request.query)
      return reply
        .header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
        .send(await dependencies.service.metrics())
    },
  })
  healthRoutes(app, context)
  finish(app, context, addresses)
  return app
}

/** The methods that a path takes, by its pattern; gathered while routes are declared, for 405 and Allow. */
type Addresses = Map<string, Set<string>>

async function buildServer(
  options: ServerOptions,
  { service, onFailure }: ServerDependencies,
  trustedProxies?: readonly string[],
): Promise<{ app: FastifyInstance; context: RouteContext; addresses: Addresses }> {
  const limits: ApiLimits = { ...defaultApiLimits, ...options.limits }
  const context: RouteContext = { service, texts: allTexts(service.refusalTexts()), limits, onFailure }
  const app: FastifyInstance = fastify({
    bodyLimit: limits.statementBodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionIdleMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      connectionsCheckingInterval: limits.connectionsCheckMs,
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: requestIds(),
    ...(trustedProxies === undefined ? {} : { trustProxy: [...trustedProxies] }),
    routerOptions: {
      // A party id has at most 164 characters; encoded each may take 9, and the router measures before it decodes.
      maxParamLength: 1500,
    },
    frameworkErrors: (error, request, reply) => {
      sharedHeaders(request, reply)
      const isTile = request.raw.url?.startsWith('/tile/') === true
      sendProblem(isTile ? new Problem('tile.not-found') : problemFrom(error, request), context.texts, request, reply)
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, context.texts),
  })
  app.server.maxConnections = limits.connectionsMax

  const addresses: Addresses = new Map()
  app.addHook('onRoute', ({ url, method }) => {
    if (url === '*' || url.startsWith('/docs')) return
    const methods = addresses.get(url) ?? new Set()
    for (const each of [method].flat()) methods.add(each)
    addresses.set(url, methods)
  })

  // Answers are checked against their schemas by the tests, not rebuilt by them on every request; queries and bodies are read strictly
  // by the routes. So neither compiler may touch anything.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  acceptJson(app)

  let isClosing = false
  app.addHook('preClose', (done) => {
    isClosing = true
    done()
  })
  app.addHook('onRequest', (request, reply, done) => {
    sharedHeaders(request, reply)
    // What is under way ends in order; what comes on a kept-alive connection meanwhile belongs to another node.
    done(isClosing ? new Problem('node.stopping', { retryAfter: 1 }) : undefined)
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = problemFrom(error, request)
    if (problem.code === 'internal.error') onFailure({ error, requestId: request.id, route: routeOf(request) })
    sendProblem(problem, context.texts, request, reply)
  })
  await app.after()
  return { app, context, addresses }
}

/** After the last route: what is no route, and what is no method of a route, of which some may be answered `everywhere`. */
function finish(
  app: FastifyInstance,
  context: RouteContext,
  addresses: Addresses,
  everywhere: readonly string[] = [],
): void {
  app.setNotFoundHandler(
    // Guessing at addresses counts as reading.
    app.hasDecorator('rateLimit') ? { preHandler: app.rateLimit() } : {},
    (request, reply) => {
      sendProblem(new Problem('route.not-found'), context.texts, request, reply)
    },
  )
  for (const [url, methods] of [...addresses]) {
    const allow = [...methods, ...everywhere]
    const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((each) => !allow.includes(each))
    app.route({
      method: others,
      url,
      exposeHeadRoute: false,
      schema: { hide: true },
      // Before any body is looked at: whatever it is, it is not for this address.
      onRequest: () => {
        throw new Problem('route.method-not-allowed', { allow, detail: allow.join(', ') })
      },
      handler: (_request, reply) => reply,
    })
  }
}

/** The caller's own X-Request-Id if it is fit for logs, else one that no other start of a node gives. */
function requestIds(): (request: IncomingMessage) => string {
  const prefix = randomBytes(6).toString('base64url')
  let count = 0
  return (request) => {
    const given = request.headers['x-request-id']
    if (typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given)) return given
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}

interface HeaderSink {
  header(name: string, value: string): unknown
}

function sharedHeaders(request: FastifyRequest, reply: HeaderSink): void {
  reply.header('x-request-id', request.id)
  reply.header('x-content-type-options', 'nosniff')
  reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  reply.header('referrer-policy', 'no-referrer')
}

/** The rate limit's key, worked out once per connection. A unix socket has no address: its callers share one. */
const connectionAddresses = new WeakMap<object, string>()

function connectionAddress(request: FastifyRequest): string {
  const { socket } = request.raw
  let address = connectionAddresses.get(socket)
  if (address === undefined) {
    address = request.ip === undefined ? 'local' : normalizeIP(request.ip)
    connectionAddresses.set(socket, address)
  }
  return address
}
