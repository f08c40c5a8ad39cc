import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { sha256 } from '#crypto'
import { Client, ConnectionError, ProblemError } from '../../src/api/client/client.ts'
import { toHex } from '../../src/chain/bytes.ts'
import { verifyProofFile } from '../../src/chain/verify.ts'
import { ledgerId, statement, submitter } from './fake-ledger.ts'
import { type Harness, publicServer } from './harness.ts'

interface Setting extends Harness {
  readonly client: Client
  readonly url: string
}

async function setting(): Promise<Setting> {
  const api = await publicServer()
  const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  return { ...api, url, client: new Client({ url, pauseMs: 1, language: 'en' }) }
}

/** A fetch that gives these answers in turn, then the real ones. */
function flaky(...answers: (() => Response | Promise<Response>)[]): { fetch: typeof fetch; calls: () => number } {
  const spy = vi.fn<typeof fetch>(
    (input, init) => (answers.shift()?.() as Promise<Response>) ?? globalThis.fetch(input, init),
  )
  return { fetch: spy, calls: () => spy.mock.calls.length }
}

const noConnection = (): Promise<Response> => Promise.reject(new TypeError('fetch failed'))
const busy = (): Response =>
  new Response('{"code":"node.overloaded","status":503,"title":"busy"}', {
    status: 503,
    headers: { 'content-type': 'application/problem+json', 'retry-after': '0' },
  })
const brokenOff = (): Response =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"index":'))
        controller.error(new Error('connection reset'))
      },
    }),
    { status: 201 },
  )

test('from a statement to a proof that somebody else can check', async () => {
  await using api = await setting()
  const submitted = await api.client.submit(statement())
  expect(submitted).toMatchObject({ kind: 'attested', record: { index: '2', duplicate: false } })
  const proofFile = await api.client.proofFile('2')
  const entry = await api.client.entry('2')
  expect(verifyProofFile({ policy: await api.client.policy(), proofFile, entry }).index).toBe(2n)
  expect((await api.client.proof('2')).proofFile).toBe(proofFile)
})

test('every read', async () => {
  await using api = await setting()
  await api.client.submit(statement())
  expect(await api.client.record('2')).toMatchObject({ kind: 'record', record: { status: 'attested' } })
  expect(await api.client.checkpoint()).toContain('\n3\n')
  expect(await api.client.consistency('1', '3')).toMatchObject({ from: '1', to: '3' })
  expect((await api.client.tile('tile/0/000.p/3')).length).toBe(96)
  expect((await api.client.block('1')).height).toBe('1')
  expect((await api.client.members()).members).toHaveLength(4)
  expect((await api.client.party(submitter.party)).keys).toHaveLength(1)
  expect((await api.client.types()).types).toHaveLength(2)
  expect((await api.client.status()).ledger).toBe(ledgerId)
  expect(toHex(sha256(await api.client.genesis()))).toBe(ledgerId)
})

test('a list is read page by page as it is consumed', async () => {
  await using api = await setting()
  for (let i = 0; i < 7; i++) api.ledger.put('attest.hash@1', submitter.party, { row: i })
  const rows: unknown[] = []
  for await (const record of api.client.list(
    { type: 'attest.hash@1', from: '2026-03-16T09:30:00+08:00' },
    { pageRows: 3 },
  )) {
    rows.push(record.payload.row)
  }
  expect(rows).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(api.ledger.pagesAsked).toHaveLength(3)
  for await (const _record of api.client.list({}, { pageRows: 2 })) break
  expect(api.ledger.pagesAsked).toHaveLength(4)
})

test('a submission whose outcome is unknown is sent again: the same record, once', async () => {
  await using api = await setting()
  const jws = statement()
  const { fetch, calls } = flaky(
    noConnection,
    busy,
    // The member took it in, but its answer was lost on the way.
    async () => {
      await globalThis.fetch(`${api.url}/v1/records`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ statement: jws }),
      })
      return brokenOff()
    },
  )
  const client = new Client({ url: api.url, pauseMs: 1 }, { fetch })
  expect(await client.submit(jws)).toMatchObject({ kind: 'attested', record: { index: '2', duplicate: true } })
  expect(calls()).toBe(4)
  expect(api.ledger.size).toBe(3)
})

test('a refusal is an error with the stable code, in the language asked for, and is not tried again', async () => {
  await using api = await setting()
  const { fetch, calls } = flaky()
  const client = new Client({ url: `${api.url}/`, language: 'en' }, { fetch })
  const error = await client.submit('nonsense').catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ProblemError)
  expect(error).toMatchObject({ code: 'statement.malformed', status: 400, problem: { title: 'Malformed statement' } })
  expect(calls()).toBe(1)
})

test('a busy member is asked again, and in the end believed', async () => {
  const { fetch, calls } = flaky(busy, busy, busy)
  const client = new Client({ url: 'http://member.example', attemptsMax: 3, pauseMs: 1 }, { fetch })
  await expect(client.status()).rejects.toMatchObject({ code: 'node.overloaded' })
  expect(calls()).toBe(3)
})

test('nobody answers: a connection error after the last attempt', async () => {
  const { fetch, calls } = flaky(noConnection, noConnection)
  const client = new Client({ url: 'http://member.example', attemptsMax: 2, pauseMs: 1 }, { fetch })
  await expect(client.status()).rejects.toBeInstanceOf(ConnectionError)
  expect(calls()).toBe(2)
})

test('something else answers: it is told that this is no member', async () => {
  const { fetch } = flaky(() => new Response('<html>', { status: 404 }))
  const client = new Client({ url: 'http://router.example' }, { fetch })
  await expect(client.status()).rejects.toThrow('is it a member’s address?')
})

test('a caller can give up at any time, also between attempts', async () => {
  const { fetch } = flaky(noConnection, noConnection, noConnection)
  const client = new Client({ url: 'http://member.example', pauseMs: 60_000 }, { fetch })
  const stop = new AbortController()
  const status = client.status({ signal: stop.signal })
  stop.abort()
  await expect(status).rejects.toBeInstanceOf(ConnectionError)
})

test('pending: ask until it is attested', async () => {
  await using api = await setting()
  api.ledger.ending = 'replicated'
  const submitted = await api.client.submit(statement(), { waitSeconds: 0 })
  expect(submitted.kind).toBe('pending')
  expect(api.ledger.lastOptions?.waitMs).toBe(0)
  const { statementId } = submitted.kind === 'pending' ? submitted.pending : { statementId: '' }
  const attested = api.client.untilAttested(statementId)
  api.ledger.attest()
  expect(await attested).toMatchObject({ index: '2', status: 'attested' })
  await expect(api.client.untilAttested('ab'.repeat(32))).rejects.toMatchObject({ code: 'record.not-found' })
})

test('pending for too long: a connection error, not for ever', async () => {
  await using api = await setting()
  api.ledger.ending = 'accepted'
  const submitted = await api.client.submit(statement(), { waitSeconds: 0 })
  const { statementId } = submitted.kind === 'pending' ? submitted.pending : { statementId: '' }
  expect(await api.client.record(statementId)).toMatchObject({ kind: 'pending' })
  await expect(api.client.untilAttested(statementId, { timeoutMs: 50 })).rejects.toBeInstanceOf(ConnectionError)
})

test('a batch has a result for each', async () => {
  await using api = await setting()
  const { results } = await api.client.submitBatch([statement(), 'nonsense'])
  expect(results.map((result) => result.status)).toEqual([201, 400])
})

test('it imports nothing but types, so that a browser can use it', () => {
  const source = readFileSync(new URL('../../src/api/client/client.ts', import.meta.url), 'utf8')
  const imports = source.match(/^import .*|^} from .*/gm) ?? []
  for (const line of imports.filter((each) => each.startsWith('import'))) expect(line).toMatch(/^import type /)
})
