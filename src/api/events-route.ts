/**
 * GET /v1/events: server-sent events (WHATWG HTML §9.2), one `attested` event per new attested size, so that monitors and pages need
 * not poll; and one `fault` event for each key that was proven guilty. Clients are bounded; a client that does not read is not queued for: only the newest size matters, it gets that once it
 * reads again. A comment now and then keeps proxies from cutting the line, and shows us who is gone.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { noParameters, readQuery } from './parameters.ts'
import { Problem } from './problems.ts'
import type { RouteContext } from './route-context.ts'
import { media, plainText, problemAnswer } from './schemas.ts'

interface Client {
  readonly stream: ServerResponse
  /** Its socket's buffer is full: nothing is written until it drains. */
  blocked: boolean
  /** The last size it was sent. */
  size: number
  /** How many faults it was told of. They are never taken back. */
  faultCount: number
}

export function eventsRoute(app: FastifyInstance, { service, limits }: RouteContext): void {
  const clients = new Set<Client>()
  let attestedSize = 0

  function show(client: Client): void {
    if (client.blocked || client.size >= attestedSize) return
    const faults = service.faults()
    for (const { kid, member, kind } of faults.slice(client.faultCount)) {
      send(client, `event: fault\ndata: ${JSON.stringify({ kid, member, kind })}\n\n`)
    }
    client.faultCount = faults.length
    client.size = attestedSize
    send(client, `event: attested\nid: ${attestedSize}\ndata: {"size":"${attestedSize}"}\n\n`)
  }

  function send(client: Client, text: string): void {
    if (!client.stream.write(text)) client.blocked = true
  }

  // The node is listened to only while somebody listens here.
  let stopListening: (() => void) | undefined
  let heartbeat: NodeJS.Timeout | undefined

  function enter(client: Client): void {
    clients.add(client)
    stopListening ??= service.onAttested((size) => {
      attestedSize = Math.max(attestedSize, size)
      for (const each of clients) show(each)
    })
    heartbeat ??= setInterval(() => {
      for (const each of clients) if (!each.blocked) send(each, ':\n\n')
    }, limits.eventHeartbeatMs).unref()
  }

  function leave(client: Client): void {
    clients.delete(client)
    if (clients.size > 0) return
    stopListening?.()
    stopListening = undefined
    clearInterval(heartbeat)
    heartbeat = undefined
  }

  // Streams never end by themselves, and a server does not close before its last answer has.
  app.addHook('preClose', (done) => {
    for (const client of clients) client.stream.end()
    done()
  })

  app.route({
    method: 'GET',
    url: '/v1/events',
    exposeHeadRoute: false,
    schema: {
      operationId: 'getEvents',
      tags: ['status'],
      summary: '已共证大小的事件流 · Stream of attested sizes',
      description:
        '`event: attested`，`data: {"size":"<decimal>"}`；连接后先给出当前大小。 · The current size comes first. `event: fault`：密钥被证明有错，`data: {"kid","member","kind"}`，文件见 /v1/faults · a key was proven guilty; the proof is at /v1/faults.',
      response: { 200: media('server-sent events', { 'text/event-stream': plainText }), default: problemAnswer },
    },
    handler: (request, reply) => {
      readQuery(noParameters, request.query)
      if (clients.size >= limits.eventClientsMax) throw new Problem('events.too-many-clients', { retryAfter: 30 })
      const stream = reply.raw
      reply.hijack()
      stream.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx collects answers before it passes them on, unless told otherwise.
        'x-accel-buffering': 'no',
      })
      const client: Client = { stream, blocked: false, size: -1, faultCount: 0 }
      stream.on('drain', () => {
        client.blocked = false
        show(client)
      })
      stream.once('close', () => leave(client))
      enter(client)
      attestedSize = Math.max(attestedSize, service.status().attestedSize)
      send(client, 'retry: 3000\n\n')
      show(client)
    },
  })
}
