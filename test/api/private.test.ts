import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AttestedAnswer, BatchAnswer } from '../../src/api/answers.ts'
import { centre } from './fake-ledger.ts'
import { privateServer, problemIn, saysNo } from './harness.ts'

const plain = (key: string) => ({ type: 'attest.hash@1', key, hash: 'ab'.repeat(32), source: { system: '某交易系统' } })

test('plain JSON is signed by the centre and attested: 201 with receipt and proof', async () => {
  await using api = await privateServer()
  const answer = await api.post('/v1/records', plain('1'))
  expect(answer.statusCode).toBe(201)
  const record = answer.json<AttestedAnswer>()
  expect(record).toMatchObject({ party: centre.party, status: 'attested', receipt: { member: 'guangzhou' } })
  expect(api.ledger.lastPlain).toEqual({
    type: 'attest.hash@1',
    key: '1',
    fields: { hash: 'ab'.repeat(32), source: { system: '某交易系统' } },
  })
  const again = await api.post('/v1/records', plain('1'))
  expect([again.statusCode, again.json<AttestedAnswer>().index]).toEqual([200, record.index])
})

test('the record and its proof can be read back on the same listener', async () => {
  await using api = await privateServer()
  await api.post('/v1/records', plain('1'))
  expect((await api.get('/v1/records/2')).json()).toMatchObject({ payload: { source: { system: '某交易系统' } } })
  expect((await api.get('/v1/records/2/proof?format=tlog-proof')).statusCode).toBe(200)
  expect((await api.get('/v1/types')).statusCode).toBe(200)
  expect((await api.get('/healthz')).statusCode).toBe(200)
})

test('Prefer: respond-async gives 202 with the receipt', async () => {
  await using api = await privateServer()
  api.ledger.ending = 'accepted'
  const answer = await api.post('/v1/records', plain('1'), { prefer: 'respond-async' })
  expect([answer.statusCode, answer.headers['preference-applied']]).toEqual([202, 'respond-async'])
})

test('a batch of plain records', async () => {
  await using api = await privateServer()
  const answer = await api.post('/v1/records/batch', {
    records: [plain('1'), plain('1'), { ...plain('2'), type: 'not a type' }],
  })
  expect(answer.json<BatchAnswer>().results.map((result) => result.status)).toEqual([201, 200, 400])
})

test.each<[string, unknown, string[]]>([
  ['no type, no key', { hash: 'x' }, ['/type', '/key']],
  ['a key that is no text', { type: 'attest.hash@1', key: 7 }, ['/key']],
  ['fields of the node', { type: 'attest.hash@1', key: '1', ledger: 'x', party: 'y' }, ['/ledger', '/party']],
  ['no object', ['x'], ['']],
])('refused with every field named: %s', async (_what, body, pointers) => {
  await using api = await privateServer()
  const answer = await api.post('/v1/records', body)
  expect(saysNo(answer)).toEqual([400, 'request.body-invalid'])
  expect(problemIn(answer).fields?.map((field) => field.pointer)).toEqual(pointers)
  expect(api.ledger.lastPlain).toBeUndefined()
})

test('in a batch the position stands in the pointer, and nothing is submitted when one is malformed', async () => {
  await using api = await privateServer()
  const answer = await api.post('/v1/records/batch', { records: [plain('1'), { type: 'attest.hash@1' }] })
  expect(problemIn(answer).fields?.map((field) => field.pointer)).toEqual(['/records/1/key'])
  expect(api.ledger.lastPlain).toBeUndefined()
})

test('GBK from a legacy system is refused, never signed as replacement characters', async () => {
  await using api = await privateServer()
  const gbk = Buffer.concat([
    Buffer.from('{"type":"attest.hash@1","key":"1","name":"'),
    Buffer.from('b9abd6a4', 'hex'),
    Buffer.from('"}'),
  ])
  expect(saysNo(await api.post('/v1/records', gbk))).toEqual([400, 'request.not-utf8'])
})

test('doubled names and floats that would change are refused before anything is signed', async () => {
  await using api = await privateServer()
  for (const body of [
    '{"type":"attest.hash@1","key":"1","key":"2"}',
    '{"type":"attest.hash@1","key":"1","n":9007199254740993}',
  ]) {
    expect(saysNo(await api.post('/v1/records', body))).toEqual([400, 'json.malformed'])
  }
  expect(api.ledger.lastPlain).toBeUndefined()
})

test('a signed statement belongs to the public listener', async () => {
  await using api = await privateServer()
  expect(saysNo(await api.post('/v1/records', 'a.b.c', { 'content-type': 'application/jose' }))).toEqual([
    415,
    'request.unsupported-media-type',
  ])
})

test.each<[string, Record<string, string>]>([
  ['a page of another origin', { origin: 'https://evil.example' }],
  ['a page of no origin', { origin: 'null' }],
  ['any fetch of a browser', { 'sec-fetch-site': 'same-origin' }],
  ['DNS rebinding', { host: 'evil.example:8450' }],
  ['a name that only begins like loopback', { host: 'localhost.evil.example' }],
])('what a web page could send is turned away: %s', async (_what, headers) => {
  await using api = await privateServer()
  const answer = await api.post('/v1/records', plain('1'), headers)
  expect(saysNo(answer)).toEqual([403, 'request.forbidden-origin'])
  expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  expect(api.ledger.lastPlain).toBeUndefined()
})

test('no preflight is ever answered with yes', async () => {
  await using api = await privateServer()
  const answer = await api.app.inject({
    method: 'OPTIONS',
    url: '/v1/records',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  })
  expect(answer.statusCode).toBe(403)
  expect(answer.headers['access-control-allow-origin']).toBeUndefined()
})

test('OPTIONS is no method here: 405, and not among those that there are', async () => {
  await using api = await privateServer()
  const answer = await api.call({ method: 'OPTIONS', url: '/v1/records' })
  expect(saysNo(answer)).toEqual([405, 'route.method-not-allowed'])
  expect(answer.headers.allow).toBe('POST')
})

test('a browser on this host may read the documentation', async () => {
  await using api = await privateServer()
  const answer = await api.app.inject({ url: '/docs/', headers: { 'sec-fetch-site': 'none' } })
  expect(answer.statusCode).toBe(200)
  const rebound = await api.app.inject({ url: '/docs/', headers: { host: 'evil.example' } })
  expect(rebound.statusCode).toBe(403)
})

test('loopback under any of its names, and names that the operator allows', async () => {
  await using api = await privateServer({ allowedHosts: ['Gongzheng.internal'] })
  for (const host of [
    'localhost',
    'LOCALHOST:8450',
    '127.0.0.1:8450',
    '[::1]:8450',
    '[::1]',
    'gongzheng.internal:80',
  ]) {
    expect((await api.get('/healthz', { host })).statusCode, host).toBe(200)
  }
})

test('a unix socket works as well', async () => {
  await using api = await privateServer()
  const directory = mkdtempSync(join(tmpdir(), 'gongzheng-'))
  try {
    const socketPath = join(directory, 'private.sock')
    await api.app.listen({ path: socketPath })
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const body = JSON.stringify(plain('1'))
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      request({ socketPath, method: 'POST', path: '/v1/records', headers }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      })
        .on('error', reject)
        .end(body)
    })
    expect(status).toBe(201)
  } finally {
    await api.app.close()
    rmSync(directory, { recursive: true })
  }
})
