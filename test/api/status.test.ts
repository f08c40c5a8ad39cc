import { expect, test, vi } from 'vitest'
import type { PartyAnswer, StatusAnswer, TypesAnswer } from '../../src/api/answers.ts'
import { buildOperationsServer } from '../../src/api/server.ts'
import { FakeLedger, fakeTypes, statement, submitter } from './fake-ledger.ts'
import { type Harness, problemIn, publicServer, saysNo } from './harness.ts'

test('status: numbers of 64 bits are strings, times are Beijing time, hindrances have words', async () => {
  await using api = await publicServer()
  api.ledger.hindrances = ['ledger.no-quorum']
  const status = (await api.get('/v1/status', { 'accept-language': 'en' })).json<StatusAnswer>()
  expect(status).toMatchObject({
    term: '1',
    height: '0',
    incarnation: '1',
    attestedSize: '1',
    quorum: { members: 4, needed: 3, connected: 4, missing: 0 },
    peers: [{ member: 'wuhan', connected: true, incarnation: '3' }],
    time: '2026-03-16T09:30:00.000+08:00',
  })
  expect(status.hindrances).toEqual([
    {
      code: 'ledger.no-quorum',
      title: 'Too few members connected',
      remedy: expect.stringContaining('peers in /v1/status'),
    },
  ])
})

test('members with their keys as C2SP verifier keys', async () => {
  await using api = await publicServer()
  const { members, asOf } = (await api.get('/v1/members')).json()
  expect(members).toHaveLength(4)
  expect(members[0].cosignKey).toMatch(/^gongzheng\.example\/[0-9a-f]{32}\/beijing\+[0-9a-f]{8}\+B/)
  expect(asOf.size).toBe('1')
})

test('a party with its keys, whose word they rest on and where they count', async () => {
  await using api = await publicServer()
  for (const id of [submitter.party, encodeURIComponent(submitter.party)]) {
    const party = (await api.get(`/v1/parties/${id}`)).json<PartyAnswer>()
    expect(party.keys).toMatchObject([
      {
        standing: 'unilateral',
        scope: ['guangzhou'],
        notBefore: '2026-01-01T08:00:00.000+08:00',
        notAfter: null,
        index: '1',
      },
    ])
  }
  const early = (await api.get(`/v1/parties/${submitter.party}?at=2025-12-31T23:59:59%2B08:00`)).json<PartyAnswer>()
  expect(early).toMatchObject({ at: '2025-12-31T23:59:59.000+08:00', keys: [{ status: 'not-yet', endedBy: null }] })
  expect(saysNo(await api.get(`/v1/parties/${submitter.party}?at=yesterday`))).toEqual([400, 'request.bad-parameter'])
  expect(saysNo(await api.get('/v1/parties/uscc:91330100716105852F'))).toEqual([404, 'party.not-found'])
  expect(saysNo(await api.get('/v1/parties/uscc:914403001922038217'))).toEqual([400, 'request.bad-parameter'])
  expect(saysNo(await api.get('/v1/parties/nobody'))).toEqual([400, 'request.bad-parameter'])
  // The longest id there is: 64 characters of which each takes nine when encoded.
  const longest = `id:${'s'.repeat(32)}:${'某'.repeat(64)}`
  expect(saysNo(await api.get(`/v1/parties/${encodeURIComponent(longest)}`))).toEqual([404, 'party.not-found'])
})

test('types in force with their schemas', async () => {
  await using api = await publicServer()
  expect((await api.get('/v1/types')).json<TypesAnswer>().types).toEqual(
    fakeTypes.map((type) => ({ ...type, from: '0' })),
  )
})

test('every read refuses query parameters that it does not have', async () => {
  await using api = await publicServer()
  for (const path of ['status', 'members', `parties/${submitter.party}`, 'types', 'policy', 'genesis', 'events']) {
    expect(saysNo(await api.get(`/v1/${path}?verbose=1`)), path).toEqual([400, 'request.unknown-parameter'])
  }
})

test('healthy as long as the process answers; ready while it takes statements', async () => {
  await using api = await publicServer()
  expect((await api.get('/healthz')).json()).toEqual({ status: 'ok' })
  expect((await api.get('/readyz')).json()).toEqual({ ready: true, hindrances: [] })

  // Too few members: what is submitted gets its receipt, and what is final is served.
  api.ledger.hindrances = ['ledger.no-quorum']
  const ready = await api.get('/readyz')
  expect(ready.statusCode).toBe(200)
  expect(ready.json()).toMatchObject({ ready: true, hindrances: [{ code: 'ledger.no-quorum' }] })

  api.ledger.hindrances = ['ledger.no-quorum', 'node.disk-full']
  const unready = await api.get('/readyz')
  expect(saysNo(unready)).toEqual([503, 'node.not-ready'])
  expect(unready.json().hindrances).toMatchObject([
    { code: 'ledger.no-quorum' },
    { code: 'node.disk-full', title: '节点磁盘空间不足' },
  ])
  expect((await api.get('/healthz')).statusCode).toBe(200)

  api.ledger.hindrances = []
  for (const role of ['starting', 'recovering'] as const) {
    api.ledger.role = role
    expect((await api.get('/readyz')).json()).toMatchObject({
      code: 'node.not-ready',
      hindrances: [{ code: `node.${role}` }],
    })
  }
})

test('the operations listener has metrics and health, and nothing of the public API', async () => {
  const ledger = new FakeLedger()
  const app = await buildOperationsServer({}, { service: ledger, onFailure: () => undefined })
  const metrics = await app.inject('/metrics')
  expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(metrics.body).toContain('gongzheng_height 1')
  expect((await app.inject('/healthz')).statusCode).toBe(200)
  expect((await app.inject('/readyz')).statusCode).toBe(200)
  expect(saysNo(await app.inject('/v1/status'))).toEqual([404, 'route.not-found'])
  expect(saysNo(await app.inject({ method: 'POST', url: '/metrics' }))).toEqual([405, 'route.method-not-allowed'])
  await app.close()
})

test('metrics are not public', async () => {
  await using api = await publicServer()
  expect(saysNo(await api.get('/metrics'))).toEqual([404, 'route.not-found'])
})

/** Reads a stream of events until `text` has been seen. */
async function eventsUntil(reader: ReadableStreamDefaultReader<Uint8Array>, text: string): Promise<string> {
  const decoder = new TextDecoder()
  let seen = ''
  while (!seen.includes(text)) {
    const { value, done } = await reader.read()
    if (done) return seen
    seen += decoder.decode(value, { stream: true })
  }
  return seen
}

async function listening(api: Harness): Promise<string> {
  return api.app.listen({ port: 0, host: '127.0.0.1' })
}

test('events: the current attested size first, then every new one', async () => {
  await using api = await publicServer()
  const url = await listening(api)
  const stop = new AbortController()
  const response = await fetch(`${url}/v1/events`, { signal: stop.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const reader = response.body!.getReader()
  expect(await eventsUntil(reader, 'size')).toContain('event: attested\nid: 1\ndata: {"size":"1"}\n\n')
  await api.ledger.submit(statement(), { waitMs: 0 })
  expect(await eventsUntil(reader, 'size')).toContain('id: 3\ndata: {"size":"3"}\n\n')
  expect(api.ledger.listenerCount).toBe(1)
  stop.abort()
  await vi.waitFor(() => expect(api.ledger.listenerCount).toBe(0))
})

test('events: clients are bounded, silence is filled, and closing ends them', async () => {
  const api = await publicServer({ limits: { eventClientsMax: 1, eventHeartbeatMs: 5 } })
  const url = await listening(api)
  const first = await fetch(`${url}/v1/events`)
  const refused = await fetch(`${url}/v1/events`)
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ code: 'events.too-many-clients' })
  expect(refused.headers.get('retry-after')).toBe('30')
  const reader = first.body!.getReader()
  await eventsUntil(reader, '\n:\n\n')
  const closed = api.app.close()
  expect(await eventsUntil(reader, 'never')).not.toContain('never')
  await closed
  expect(api.ledger.listenerCount).toBe(0)
})

test('events: after a burst the newest size has arrived', async () => {
  await using api = await publicServer()
  const url = await listening(api)
  const response = await fetch(`${url}/v1/events`)
  const reader = response.body!.getReader()
  await eventsUntil(reader, 'size')
  for (let i = 0; i < 50; i++) api.ledger.put('attest.hash@1', submitter.party, { row: i })
  expect(await eventsUntil(reader, '"51"')).toContain('data: {"size":"51"}')
  await reader.cancel()
})

test('problems name what a node in trouble lacks, in both languages', async () => {
  await using api = await publicServer()
  api.ledger.role = 'recovering'
  const zh = problemIn(await api.get('/readyz'))
  const en = problemIn(await api.get('/readyz', { 'accept-language': 'en-GB' }))
  expect([zh.title, en.title]).toEqual(['节点尚未就绪', 'The node is not ready'])
})
