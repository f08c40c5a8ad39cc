/**
 * HTTP: whole requests to the public and the private server, over a small honest ledger. An input is JSON: method, path, headers, body
 * (as text, or as bytes in base64). No answer may be an error of ours, and every problem must be one that is documented.
 */
import type { InjectOptions } from 'fastify'
import { apiTexts } from '../../../src/api/messages.ts'
import { buildPrivateServer, buildPublicServer } from '../../../src/api/server.ts'
import { parseJson } from '../../../src/chain/json.ts'
import { FakeLedger, statement } from '../../api/fake-ledger.ts'
import { isDocumented } from '../codes.ts'
import { mutateBytes, mutateJson } from '../mutation.ts'
import { accepted, bytesOf, hold, type Subject, textOf } from '../subject.ts'

interface Request {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly base64?: string
}

type Server = Awaited<ReturnType<typeof buildPublicServer>>

const limits = { waitMsDefault: 5, waitMsMax: 10, readsPerMinute: 1e9, listsPerMinute: 1e9, submissionsPerMinute: 1e9 }
const json = { 'content-type': 'application/json', host: 'localhost' }
const party = 'uscc:914403001922038216'
const stamp = '2026-03-16T09:30:00%2B08:00'

const post = (url: string, body: unknown, headers: Record<string, string> = json): Request => ({
  method: 'POST',
  url,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const get = (url: string, headers: Record<string, string> = { host: 'localhost' }): Request => ({
  method: 'GET',
  url,
  headers,
})

/** Half of the mutations are of the body alone, so that the rest of the request lets it through. */
const mutate: Subject['mutate'] = (input, other, draw) => {
  const request = requestOf(input)
  if (request?.body === undefined || draw.below(2) === 0) return mutateJson(input, other, draw)
  const body = bytesOf(request.body)
  const { body: _, ...rest } = request
  const mutated = draw.below(4) === 0 ? mutateBytes(body, body, draw) : mutateJson(body, body, draw)
  return bytesOf(JSON.stringify({ ...rest, base64: Buffer.from(mutated).toString('base64') }))
}

function requestOf(input: Uint8Array): Request | undefined {
  try {
    const value = JSON.parse(textOf(input) ?? '') as Request
    return typeof value.url === 'string' && typeof value.method === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function judgeOf(build: () => Promise<Server>): Subject['judge'] {
  let server: Promise<Server> | undefined
  let requests = 0
  return async (input) => {
    const request = requestOf(input)
    if (request === undefined) return 'no request'
    // A ledger that has taken thousands of statements answers slower.
    if (requests++ % 2_000 === 0) {
      await (await server)?.close()
      server = build()
    }
    const app = await server!
    const { method, url } = request
    const payload = request.base64 === undefined ? request.body : Buffer.from(request.base64, 'base64')
    let answer: Awaited<ReturnType<Server['inject']>>
    try {
      answer = await app.inject({
        method,
        url,
        headers: headersOf(request.headers),
        ...(typeof payload === 'string' || payload instanceof Buffer ? { payload } : {}),
      } as InjectOptions)
    } catch (error) {
      // What the pretended client cannot even send (a method of its own, a URL that is none) never reaches the server.
      const at = error instanceof Error ? (error.stack ?? '') : ''
      if (!at.includes('/src/') && /light-my-request|fastify\/lib|URL/.test(at)) return 'no request'
      throw error
    }
    hold(answer.statusCode < 500 || answer.statusCode === 503, `${answer.statusCode}: ${answer.body.slice(0, 300)}`)
    if (answer.statusCode < 400) return accepted
    if (method === 'HEAD' || (answer.statusCode === 404 && answer.body === '')) return String(answer.statusCode)
    hold(String(answer.headers['content-type']).startsWith('application/problem+json'), 'a problem document')
    const document = parseJson(answer.body) as { code: string; status: number }
    hold(document.status === answer.statusCode, 'its status is that of the answer')
    hold(
      isDocumented(document.code) || Object.hasOwn(apiTexts, document.code),
      `an undocumented code: ${document.code}`,
    )
    hold(document.code !== 'internal.error', answer.body)
    return document.code
  }
}

/** Only what Node would let through: the parser in front of the server refuses other names and characters. */
function headersOf(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {}
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) =>
        typeof value === 'string' && /^[A-Za-z0-9-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
    ),
  )
}

export const publicApi: Subject = {
  name: 'public-api',
  share: 0.6,
  bytesPerByte: 400,
  seeds: () =>
    [
      post('/v1/records', { statement: statement() }),
      post('/v1/records', statement(), { 'content-type': 'application/jose', prefer: 'wait=1' }),
      post(
        '/v1/records/batch',
        { statements: [statement(), statement()] },
        { ...json, prefer: 'respond-async', 'accept-language': 'en;q=0.5, zh' },
      ),
      get(`/v1/records?party=uscc:914403001922038216&from=${stamp}&limit=10`),
      get('/v1/records/0'),
      get('/v1/records/0/proof'),
      get('/v1/records?type=attest.hash@1&format=csv', { accept: 'text/csv' }),
      get('/v1/records?format=xlsx&limit=3'),
      post('/v1/verify', {
        items: [
          { hash: 'ab'.repeat(32), record: '1' },
          { tender: '=1', owner: party, scheme: 'x' },
        ],
      }),
      post('/v1/verify?format=csv', { items: [{ guarantee: '007', issuer: party }, { statement: 'ab'.repeat(32) }] }),
      post('/v1/verify', `\uFEFFhash,"record"\r\n${'ab'.repeat(32)},"1\t"\r\n`, { 'content-type': 'text/csv' }),
      get('/v1/proofs/consistency?from=1&to=1'),
      get('/v1/parties/uscc:914403001922038216'),
      get('/v1/members', { 'accept-language': 'zh;q=0.1,en' }),
      get('/tile/0/000.p/1'),
      get('/tile/entries/000.p/1'),
      get('/checkpoint'),
      get('/v1/status'),
      get('/v1/blocks/0'),
      get('/docs/errors', { accept: 'text/html', 'accept-language': 'en' }),
    ].map((request) => bytesOf(JSON.stringify(request))),
  mutate,
  judge: judgeOf(() => buildPublicServer({ limits }, { service: new FakeLedger(), onFailure: () => undefined })),
}

export const privateApi: Subject = {
  name: 'private-api',
  share: 0.3,
  bytesPerByte: 400,
  seeds: () => {
    const plain = { type: 'attest.hash@1', key: 'k', hash: 'ab'.repeat(32) }
    return [
      post('/v1/records', plain),
      post('/v1/records/batch', { records: [plain, { ...plain, key: 'k2', list: [1, { a: null }] }] }),
      get('/v1/types'),
    ].map((request) => bytesOf(JSON.stringify(request)))
  },
  mutate,
  judge: judgeOf(() => buildPrivateServer({ limits }, { service: new FakeLedger(), onFailure: () => undefined })),
}
