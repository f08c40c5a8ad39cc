import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import type { RequestFailure } from '../../src/api/route-context.ts'
import { statement } from './fake-ledger.ts'
import { type Harness, problemIn, publicServer, saysNo } from './harness.ts'

/** Sends bytes as they are, and gives everything that came back until the connection ended or `until` was seen. */
async function raw(api: Harness, bytes: string, until?: string): Promise<string> {
  if (!api.app.server.listening) await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as { port: number }
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let seen = ''
    socket.setEncoding('utf8')
    socket.on('data', (text) => {
      seen += text
      if (until !== undefined && seen.includes(until)) {
        socket.destroy()
        resolve(seen)
      }
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(seen))
    socket.write(bytes)
  })
}

const getRaw = (api: Harness, target: string) =>
  raw(api, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)

test('RFC 9457: a problem says what, why and what to do, in Chinese by default', async () => {
  await using api = await publicServer()
  const answer = await api.get('/v1/records/99')
  expect(answer.json()).toEqual({
    type: '/docs/errors#record.not-found',
    title: '没有这条记录',
    status: 404,
    code: 'record.not-found',
    cause: expect.any(String),
    remedy: expect.any(String),
    requestId: answer.headers['x-request-id'],
  })
  expect(answer.headers).toMatchObject({ 'content-language': 'zh-CN', vary: 'accept-language' })
})

test('and in English for who prefers it', async () => {
  await using api = await publicServer()
  const answer = await api.get('/v1/records/99', { 'accept-language': 'en-US,en;q=0.9,zh;q=0.8' })
  expect(problemIn(answer).title).toBe('No such record')
  expect(answer.headers['content-language']).toBe('en')
})

test('the type of a problem leads to its words', async () => {
  await using api = await publicServer()
  const page = await api.app.inject(problemIn(await api.get('/nowhere')).type)
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  for (const code of ['route.not-found', 'statement.malformed', 'sealed.too-early']) {
    expect(page.body).toContain(`<section id="${code}">`)
  }
  expect(page.body).not.toContain('<script')
})

test.each([
  ['GET', '/v1', 404, 'route.not-found'],
  ['GET', '/v2/records', 404, 'route.not-found'],
  ['GET', '/v1/records/', 400, 'request.bad-parameter'],
  ['GET', '/v1/records/1/proof/', 404, 'route.not-found'],
  ['GET', '/V1/records', 404, 'route.not-found'],
  ['GET', '/v1//records', 404, 'route.not-found'],
  ['POST', '/nowhere', 404, 'route.not-found'],
  ['PUT', '/v1/records', 405, 'route.method-not-allowed'],
  ['DELETE', '/v1/records/1', 405, 'route.method-not-allowed'],
  ['POST', '/v1/records/1', 405, 'route.method-not-allowed'],
  ['PATCH', '/v1/status', 405, 'route.method-not-allowed'],
  ['POST', '/checkpoint', 405, 'route.method-not-allowed'],
  ['PUT', '/tile/0/000', 405, 'route.method-not-allowed'],
  ['POST', '/v1/events', 405, 'route.method-not-allowed'],
  ['HEAD', '/v1/events', 405, 'route.method-not-allowed'],
] as const)('%s %s → %i %s', async (method, url, status, code) => {
  await using api = await publicServer()
  const answer = await api.call({ method, url })
  if (method === 'HEAD') expect(answer.statusCode).toBe(status)
  else expect(saysNo(answer)).toEqual([status, code])
})

test('the bare address leads to the documentation', async () => {
  await using api = await publicServer()
  const answer = await api.app.inject('/')
  expect([answer.statusCode, answer.headers.location]).toEqual([302, '/docs'])
})

test('405 names the methods that there are, and does not read the body first', async () => {
  await using api = await publicServer()
  const answer = await api.call({
    method: 'PUT',
    url: '/v1/records',
    payload: 'x'.repeat(500_000),
    headers: { 'content-type': 'a/b' },
  })
  expect(saysNo(answer)).toEqual([405, 'route.method-not-allowed'])
  expect(String(answer.headers.allow).split(', ').sort()).toEqual(['GET', 'HEAD', 'OPTIONS', 'POST'])
})

test('OPTIONS: pages of any origin may read and submit', async () => {
  await using api = await publicServer()
  for (const url of ['/v1/records', '/tile/0/000', '/checkpoint']) {
    const answer = await api.app.inject({
      method: 'OPTIONS',
      url,
      headers: {
        origin: 'https://example.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, prefer',
      },
    })
    expect(answer.statusCode).toBe(204)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET,HEAD,POST',
      'access-control-allow-headers': 'content-type, prefer',
    })
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
  }
  expect((await api.app.inject({ method: 'OPTIONS', url: '/v1/records' })).statusCode).toBe(204)
})

test('429 with Retry-After, each kind of call counted by itself', async () => {
  await using api = await publicServer({ limits: { readsPerMinute: 3, listsPerMinute: 2, submissionsPerMinute: 1 } })
  const statuses = async (count: number, call: () => Promise<{ statusCode: number }>) => {
    const seen: number[] = []
    for (let i = 0; i < count; i++) seen.push((await call()).statusCode)
    return seen
  }
  expect(await statuses(2, () => api.post('/v1/records', { statement: statement() }))).toEqual([201, 429])
  expect(await statuses(3, () => api.get('/v1/records'))).toEqual([200, 200, 429])
  const limited = await statuses(5, () => api.get('/checkpoint'))
  expect(limited.filter((status) => status === 429).length).toBeGreaterThan(0)
  const answer = await api.get('/checkpoint')
  expect(saysNo(answer)).toEqual([429, 'request.too-many'])
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(answer.headers['cache-control']).toBeUndefined()
})

test('callers behind a trusted proxy are counted one by one; nobody else is believed', async () => {
  await using behind = await publicServer({ trustedProxies: ['127.0.0.1'], limits: { listsPerMinute: 1 } })
  const list = (address: string) => behind.get('/v1/records', { 'x-forwarded-for': address })
  expect([
    (await list('192.0.2.1')).statusCode,
    (await list('192.0.2.1')).statusCode,
    (await list('192.0.2.2')).statusCode,
  ]).toEqual([200, 429, 200])
  await using direct = await publicServer({ limits: { listsPerMinute: 1 } })
  const lie = (address: string) => direct.get('/v1/records', { 'x-forwarded-for': address })
  expect([(await lie('192.0.2.1')).statusCode, (await lie('192.0.2.2')).statusCode]).toEqual([200, 429])
})

test('guessing at addresses is limited too', async () => {
  await using api = await publicServer({ limits: { readsPerMinute: 2 } })
  const seen: number[] = []
  for (let i = 0; i < 4; i++) seen.push((await api.app.inject(`/guess/${i}`)).statusCode)
  expect(seen).toContain(429)
})

test('an error of ours is reported with its request id and never shown', async () => {
  const failures: RequestFailure[] = []
  await using api = await publicServer({}, (failure) => failures.push(failure))
  api.ledger.status = () => {
    throw new Error('secret path of a file')
  }
  const answer = await api.get('/v1/status')
  expect(saysNo(answer)).toEqual([500, 'internal.error'])
  expect(answer.body).not.toContain('secret')
  expect(failures).toEqual([
    {
      error: new Error('secret path of a file'),
      requestId: answer.headers['x-request-id'],
      route: 'GET /v1/status',
    },
  ])
})

test('what goes well, or is the caller’s fault, is no failure', async () => {
  const failures: RequestFailure[] = []
  await using api = await publicServer({}, (failure) => failures.push(failure))
  await api.post('/v1/records', { statement: statement() })
  await api.post('/v1/records', 'nonsense')
  await api.get('/nowhere')
  expect(failures).toEqual([])
})

test('request ids: the caller’s own if fit for logs, else a new one each time', async () => {
  await using api = await publicServer()
  const id = async (given?: string) =>
    (await api.get('/healthz', given === undefined ? {} : { 'x-request-id': given })).headers['x-request-id']
  expect(await id('trade-42.a_b')).toBe('trade-42.a_b')
  const made = [await id(), await id(), await id('with space'), await id('x'.repeat(65)), await id('{"inject":1}')]
  expect(new Set(made).size).toBe(5)
  for (const each of made) expect(each).toMatch(/^[A-Za-z0-9_-]{8}-[0-9a-z]+$/)
})

test('every answer has the headers that keep browsers out of trouble', async () => {
  await using api = await publicServer()
  for (const url of ['/v1/status', '/nowhere', '/tile/0/000', '/v1/records/%zz', '/checkpoint']) {
    expect((await api.get(url)).headers, url).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    })
  }
})

test('what is no HTTP is answered with a problem too', async () => {
  await using api = await publicServer()
  const answer = await raw(api, 'hello\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ code: 'request.malformed', status: 400 })
})

test('headers beyond their limit: 431', async () => {
  await using api = await publicServer()
  const answer = await raw(api, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  expect(answer).toContain('"code":"request.headers-too-large"')
})

test('a request that does not come whole in time: 408', async () => {
  await using api = await publicServer({
    limits: { requestTimeoutMs: 100, headersTimeoutMs: 50, connectionsCheckMs: 20 },
  })
  const answer = await raw(
    api,
    'POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"sta',
  )
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toContain('"code":"request.timeout"')
})

test('a body over the limit is refused by its announced length, also when it comes in pieces without one', async () => {
  await using api = await publicServer()
  const announced = await raw(
    api,
    'POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n',
    'requestId',
  )
  expect(announced).toContain('"code":"request.too-large"')
  const piece = `4000\r\n${'a'.repeat(0x4000)}\r\n`
  const chunked = await raw(
    api,
    `POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${piece.repeat(6)}`,
    'requestId',
  )
  expect(chunked).toContain('"code":"request.too-large"')
})

test.each(['close', 'keep-alive'])(
  'a caller that sends the whole of a body over the limit before it looks up finds the answer, connection: %s',
  async (connection) => {
    await using api = await publicServer()
    // More than the buffers on both sides hold.
    const body = 'a'.repeat(16 * 1024 * 1024)
    const answer = await raw(
      api,
      `POST /v1/records/batch HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('"bytesMax":4194304')
  },
)

test('a caller that sends the whole of a file before it looks up finds the answer that files are not taken', async () => {
  await using api = await publicServer()
  const body = 'a'.repeat(16 * 1024 * 1024)
  const answer = await raw(
    api,
    `POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-type: application/pdf\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    'requestId',
  )
  expect(answer).toMatch(/^HTTP\/1\.1 415 /)
  expect(answer).toContain('"code":"request.file-not-taken"')
})

test('a body without end is cut off when the time for the request is over', async () => {
  await using api = await publicServer({
    limits: { requestTimeoutMs: 100, headersTimeoutMs: 50, connectionsCheckMs: 20 },
  })
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  let seen = ''
  socket.on('data', (text) => (seen += text))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => socket.destroy()) // a reset is as good an end as any
  socket.write(
    'POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  const piece = `4000\r\n${'a'.repeat(0x4000)}\r\n`
  const goOn = (): void => {
    if (!socket.writable) return
    if (socket.write(piece)) setImmediate(goOn)
    else socket.once('drain', goOn)
  }
  goOn()
  await closed
  expect(seen).toMatch(/^HTTP\/1\.1 413 /)
})

test('tile paths on the wire: dots, needless question marks and absolute forms are other spellings', async () => {
  await using api = await publicServer()
  for (const target of [
    '/tile/0/../0/000.p/1',
    '/tile/./0/000.p/1',
    '/tile/0/000.p/1?',
    '/tile/0/000.p/1#x',
    '/tile/0/000.p/1;x',
    '/tile\\0\\000.p\\1',
  ]) {
    const answer = await getRaw(api, target)
    expect(answer, target).toMatch(/^HTTP\/1\.1 404 /)
    expect(answer.toLowerCase(), target).not.toContain('cache-control')
  }
  expect(await getRaw(api, '/tile/0/000.p/1')).toMatch(/^HTTP\/1\.1 200 /)
})

test('connections are kept alive', async () => {
  await using api = await publicServer()
  const get = 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'
  const last = 'GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
  const answers = await raw(api, get + get + last)
  expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(3)
  expect(answers).toContain('Keep-Alive: timeout=72')
})

test('while it closes, a node finishes what it has and refuses what is new', async () => {
  const api = await publicServer()
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as { port: number }
  let finish: (policy: string) => void = () => {}
  const answerLater = new Promise<string>((resolve) => {
    finish = resolve
  })
  let asked = false
  api.ledger.checkpoint = () => {
    asked = true
    return answerLater
  }
  const socket = connect(port, '127.0.0.1')
  let seen = ''
  socket.setEncoding('utf8')
  socket.on('data', (text) => {
    seen += text
  })
  socket.write('GET /checkpoint HTTP/1.1\r\nhost: x\r\n\r\n')
  await vi.waitFor(() => expect(asked).toBe(true))
  const closed = api.app.close()
  await new Promise((resolve) => setImmediate(resolve))
  socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
  finish('the checkpoint')
  await closed
  await vi.waitFor(() => expect(seen).toContain('the checkpoint'))
  if (seen.includes('503')) expect(seen).toContain('"code":"node.stopping"')
})

test('what is no HTTP after a request whose answer is under way ends the connection, and is no part of that answer', async () => {
  await using api = await publicServer()
  await raw(api, 'GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const { port } = api.app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  let seen = ''
  socket.setEncoding('utf8')
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('data', (text) => {
    seen += text
    if (seen.includes('event: attested')) socket.write('hello\r\n\r\n')
  })
  socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n')
  await closed
  expect(seen).toContain('event: attested')
  expect(seen.match(/HTTP\/1\.1 /g)).toHaveLength(1)
})

test('a submission that waits is not answered with what is wrong with the request after it', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'never'
  await raw(api, 'GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const { port } = api.app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  let seen = ''
  socket.on('error', () => undefined)
  socket.on('data', (bytes) => {
    seen += bytes.toString()
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const body = JSON.stringify({ statement: statement() })
  socket.write(
    `POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await vi.waitFor(() => expect(api.ledger.lastOptions).toBeDefined())
  socket.write('hello\r\n\r\n')
  await closed
  expect(seen).toBe('')
})
