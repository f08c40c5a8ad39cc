import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '#crypto'
import type { BlockAnswer, ConsistencyAnswer } from '../../src/api/answers.ts'
import { fromBase64, toHex } from '../../src/chain/bytes.ts'
import { parseCheckpoint } from '../../src/chain/checkpoint.ts'
import { leafHash, rootOf } from '../../src/chain/merkle-tree.ts'
import { parseNote } from '../../src/chain/note.ts'
import { checkNoteAgainstPolicy, parsePolicy } from '../../src/chain/policy.ts'
import { decodeEntryBundle, hashReaderOfTiles, tilePath } from '../../src/chain/tile.ts'
import { verifyConsistency } from '../../src/chain/verify.ts'
import { ledgerId, submitter } from './fake-ledger.ts'
import { type Harness, publicServer, saysNo } from './harness.ts'

const size = 300
let api: Harness
beforeAll(async () => {
  api = await publicServer()
  for (let i = 1; i < size; i++) api.ledger.put('attest.hash@1', submitter.party, { row: i })
})
afterAll(() => api.app.close())

describe('C2SP tlog-tiles', () => {
  test('/v1/policy with the log key of one member’s node alone, for verifiers that want every listed log’s signature', async () => {
    const whole = parsePolicy((await api.get('/v1/policy')).body)
    const one = parsePolicy((await api.get('/v1/policy?log=beijing')).body)
    expect(one).toEqual({ ...whole, logs: [whole.logs[0]] })
    expect(checkNoteAgainstPolicy(parseNote((await api.get('/checkpoint')).body), one)).toBeDefined()
    for (const log of ['shanghai', '', 'Beijing', 'a'.repeat(33)]) {
      const answer = await api.get(`/v1/policy?log=${log}`)
      expect([answer.statusCode, answer.json().code], log).toEqual([400, 'request.bad-parameter'])
    }
  })

  test('/checkpoint is plain text in UTF-8, not cached, and good by the policy', async () => {
    const answer = await api.get('/checkpoint')
    expect(answer.headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' })
    const policy = parsePolicy((await api.get('/v1/policy')).body)
    expect(checkNoteAgainstPolicy(parseNote(answer.body), policy)).toMatchObject({ size: BigInt(size) })
  })

  test('/checkpoint shows fewer cosignatures on request', async () => {
    expect(parseNote((await api.get('/checkpoint?cosignatures=1')).body).signatures).toHaveLength(2)
    expect(parseNote((await api.get('/checkpoint?cosignatures=0')).body).signatures).toHaveLength(1)
    expect(saysNo(await api.get('/checkpoint?cosignatures=all'))).toEqual([400, 'request.bad-parameter'])
    expect(saysNo(await api.get('/checkpoint?t=1'))).toEqual([400, 'request.unknown-parameter'])
  })

  test('before anything is attested there is no checkpoint', async () => {
    await using young = await publicServer()
    young.ledger.checkpoint = async () => undefined
    const answer = await young.get('/checkpoint')
    expect(saysNo(answer)).toEqual([503, 'checkpoint.not-yet'])
    expect(answer.headers['cache-control']).toBeUndefined()
  })

  test.each([
    ['/tile/0/000', 8192],
    ['/tile/0/001.p/44', 44 * 32],
    ['/tile/0/000.p/1', 32],
    ['/tile/1/000.p/1', 32],
  ])('%s is %i bytes, immutable', async (url, bytes) => {
    const answer = await api.get(url)
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload).toHaveLength(bytes)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-length': String(bytes),
    })
  })

  test('the tiles hash up to the root of the checkpoint', async () => {
    const { root } = parseCheckpoint(parseNote((await api.get('/checkpoint')).body).text)
    const tiles = new Map<string, Uint8Array>()
    for (const path of ['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1']) {
      tiles.set(path, (await api.get(`/${path}`)).rawPayload)
    }
    const read = hashReaderOfTiles(size, (level, index, width) => tiles.get(tilePath(level, index, width))!)
    expect(toHex(rootOf(size, read))).toBe(toHex(root))
  })

  test('entry bundles hold the entries that the tiles hash', async () => {
    const bundle = await api.get('/tile/entries/001.p/44')
    const entries = decodeEntryBundle(bundle.rawPayload, 44)
    const leaves = (await api.get('/tile/0/001.p/44')).rawPayload
    expect(Buffer.concat(entries.map(leafHash))).toEqual(leaves)
  })

  test('entry bundles are compressed for whoever asks', async () => {
    const plain = await api.get('/tile/entries/000')
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.headers.vary).toBe('accept-encoding')
    for (const accepted of ['gzip', 'gzip, identity', 'br, gzip;q=0.5']) {
      const packed = await api.get('/tile/entries/000', { 'accept-encoding': accepted })
      expect(packed.headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(packed.rawPayload)).toEqual(plain.rawPayload)
    }
    for (const refused of ['gzip;q=0', 'identity', 'gzip;q=0.000', 'x-gzip']) {
      expect(
        (await api.get('/tile/entries/000', { 'accept-encoding': refused })).headers['content-encoding'],
      ).toBeUndefined()
    }
  })

  test.each([
    '/tile/0/001', // not full yet
    '/tile/0/001.p/45', // more than there is
    '/tile/0/002',
    '/tile/0/002.p/1',
    '/tile/1/000',
    '/tile/2/000.p/1', // floor(300 / 256^2) = 0: empty tiles are not served
    '/tile/0/000.p/0',
    '/tile/0/000.p/256',
    '/tile/0/000.p/01',
    '/tile/0/0',
    '/tile/0/00',
    '/tile/0/0000',
    '/tile/0/x000/000',
    '/tile/00/000',
    '/tile/64/000',
    '/tile/-1/000',
    '/tile/0/000/',
    '/tile/0//000',
    '/tile/0/000.P/1',
    '/tile/0/%30%30%30', // canonical only after decoding
    '/tile/%30/000',
    '/tile/0/000%2Ep/1',
    '/tile/0/%zz',
    '/tile/0/%',
    '/tile/entries/000.p/',
    '/tile/entries/002',
    '/tile/entries/',
    '/tile/Entries/000',
    '/tile/..%2f..%2fetc/passwd',
    '/tile/0/x999/x999/x999/x999/x999/999',
    '/tile/0/x999/x999/x999/x999/x999/x999/999',
  ])('404 without a cache header: %s', async (url) => {
    const answer = await api.get(url)
    expect(saysNo(answer)).toEqual([404, 'tile.not-found'])
    expect(answer.headers['cache-control']).toBeUndefined()
    expect(answer.headers['access-control-allow-origin'] ?? '*').toBe('*')
  })

  test('other paths beside the tiles are no routes', async () => {
    for (const url of ['/tile', '//tile/0/000', '/Tile/0/000', '/checkpoint/', '/Checkpoint', '/tiles/0/000']) {
      expect((await api.get(url)).statusCode, url).toBe(404)
    }
  })

  test('a query on a tile is refused', async () => {
    expect(saysNo(await api.get('/tile/0/000?x=1'))).toEqual([400, 'request.unknown-parameter'])
  })

  test('HEAD says what GET would, without the bytes', async () => {
    for (const url of [
      '/checkpoint',
      '/tile/0/000',
      '/tile/entries/001.p/44',
      '/v1/records/1',
      '/v1/status',
      '/healthz',
    ]) {
      const head = await api.call({ method: 'HEAD', url })
      const get = await api.get(url)
      expect(head.statusCode).toBe(200)
      expect(head.rawPayload).toHaveLength(0)
      expect(head.headers['content-length'], url).toBe(get.headers['content-length'])
      expect(head.headers['cache-control']).toBe(get.headers['cache-control'])
    }
    expect((await api.call({ method: 'HEAD', url: '/tile/0/009' })).statusCode).toBe(404)
  })

  test('everything is open to pages of any origin', async () => {
    for (const url of [
      '/checkpoint',
      '/tile/0/000',
      '/tile/entries/000',
      '/v1/records/1',
      '/v1/policy',
      '/tile/0/999',
      '/nowhere',
    ]) {
      const answer = await api.get(url, { origin: 'https://example.com' })
      expect(answer.headers['access-control-allow-origin'], url).toBe('*')
    }
  })
})

test('consistency between any two attested sizes is proved', async () => {
  const rootAt = async (to: string) =>
    fromBase64((await api.get(`/v1/records/0/proof?size=${to}`)).json().certificate.split('\n')[2])!
  const proof = (await api.get('/v1/proofs/consistency?from=7&to=300')).json<ConsistencyAnswer>()
  expect(proof).toMatchObject({ from: '7', to: '300' })
  verifyConsistency({
    from: 7n,
    fromRoot: await rootAt('7'),
    to: 300n,
    toRoot: await rootAt('300'),
    path: proof.path.map((hash) => fromBase64(hash)!),
  })
  expect((await api.get('/v1/proofs/consistency?from=9&to=9')).json()).toEqual({ from: '9', to: '9', path: [] })
})

test.each([
  ['', 400, 'request.missing-parameter'],
  ['?from=1', 400, 'request.missing-parameter'],
  ['?from=0&to=5', 400, 'request.bad-parameter'],
  ['?from=6&to=5', 400, 'request.bad-parameter'],
  ['?from=1&to=301', 404, 'proof.size-not-attested'],
  ['?from=1&to=9007199254740993', 404, 'proof.size-not-attested'],
  ['?from=9007199254740993&to=18446744073709551615', 404, 'proof.size-not-attested'],
  ['?from=1&to=18446744073709551616', 400, 'request.bad-parameter'],
  ['?from=01&to=5', 400, 'request.bad-parameter'],
  ['?from=1&to=5&hash=x', 400, 'request.unknown-parameter'],
])('consistency %s → %i %s', async (query, status, code) => {
  expect(saysNo(await api.get(`/v1/proofs/consistency${query}`))).toEqual([status, code])
})

test('blocks sixteen at once, under one spelling, for ever', async () => {
  const answer = await api.get('/v1/block-bundles/000')
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('application/octet-stream')
  expect(answer.headers['cache-control']).toContain('immutable')
  expect(answer.rawPayload).toHaveLength(16 * 6)
  for (const other of ['001', '0', '000.p/1', 'x000/000', '00%30']) {
    expect(saysNo(await api.get(`/v1/block-bundles/${other}`)), other).toEqual([404, 'block.not-found'])
  }
})

test('blocks by height, as JSON or as their own bytes', async () => {
  const block = (await api.get('/v1/blocks/0')).json<BlockAnswer>()
  expect(block).toMatchObject({ height: '0', size: String(size), time: '2026-03-16T09:30:00.000+08:00', bytes: 'gQE=' })
  for (const answer of [
    await api.get('/v1/blocks/0?format=cbor'),
    await api.get('/v1/blocks/0', { accept: 'application/cbor' }),
  ]) {
    expect(answer.headers['content-type']).toBe('application/cbor')
    expect(answer.rawPayload).toEqual(Buffer.from('8101', 'hex'))
  }
  expect(saysNo(await api.get('/v1/blocks/1'))).toEqual([404, 'block.not-found'])
  expect(saysNo(await api.get('/v1/blocks/x'))).toEqual([400, 'request.bad-parameter'])
})

test('the genesis entry is served to the byte: its hash is the ledger id', async () => {
  const answer = await api.get('/v1/genesis')
  expect(toHex(sha256(answer.rawPayload))).toBe(ledgerId)
  expect(answer.headers['cache-control']).toContain('immutable')
  expect(saysNo(await api.get('/v1/genesis?x'))).toEqual([400, 'request.unknown-parameter'])
})
