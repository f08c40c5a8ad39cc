/** A server as a source: every answer is bounded, every wait ends, and a server that failed is left alone. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { HttpSource, type HttpSourceDependencies, type HttpSourceOptions } from '../../../src/node/audit/http-source.ts'
import { NoAnswer, WrongAnswer } from '../../../src/node/audit/source.ts'

type Answer = (response: ServerResponse) => void

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A source whose server answers as given, one after the other; and what it was asked for. */
async function sourceOf(
  answers: readonly Answer[],
  options: Omit<HttpSourceOptions, 'url'> = {},
  dependencies: HttpSourceDependencies = {},
) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    answers[Math.min(asked.length, answers.length) - 1]!(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const source = new HttpSource({ url, timeoutMs: 5_000, pauseMs: 1, ...options }, dependencies)
  return { source, asked }
}
const ok =
  (body: string): Answer =>
  (response) =>
    response.end(body)
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('no')

test('what is there is given, what is not is undefined', async () => {
  const { source, asked } = await sourceOf([ok('abc'), ok(''), status(404), status(410)])
  expect(await source.get('a', 3)).toEqual(new TextEncoder().encode('abc'))
  expect(await source.get('b?c=d', 3)).toEqual(new Uint8Array())
  expect(await source.get('e', 3)).toBeUndefined()
  expect(await source.get('f', 3)).toBeUndefined()
  expect(asked).toEqual(['/a', '/b?c=d', '/e', '/f'])
})

test('one byte more than there may be is a wrong answer, also when it never ends', async () => {
  await expect((await sourceOf([ok('abcd')])).source.get('a', 3)).rejects.toThrow(WrongAnswer)
  let isCut = false
  const endless: Answer = (response) => {
    const more = (): void => {
      while (!isCut && response.write(new Uint8Array(1_000)));
    }
    response.on('drain', more)
    response.on('close', () => {
      isCut = true
    })
    more()
  }
  await expect((await sourceOf([endless])).source.get('a', 5_000)).rejects.toThrow(WrongAnswer)
  await expect.poll(() => isCut).toBe(true)
})

test('what a proxy packed is unpacked, and counted as it comes out', async () => {
  const packed: Answer = (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(new Uint8Array(1_000_000)))
  expect(await (await sourceOf([packed])).source.get('a', 1_000_000)).toEqual(new Uint8Array(1_000_000))
  await expect((await sourceOf([packed])).source.get('a', 999_999)).rejects.toThrow(WrongAnswer)
  const cut: Answer = (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('abc').subarray(0, 15))
  await expect((await sourceOf([cut])).source.get('a', 3)).rejects.toThrow(NoAnswer)
})

test('what looks temporary is tried again; after three times the source is left alone', async () => {
  const once = await sourceOf([status(503, { 'retry-after': '0' }), ok('abc')])
  expect(await once.source.get('a', 3)).toHaveLength(3)
  const never = await sourceOf([status(500)])
  await expect(never.source.get('a', 3)).rejects.toThrow(NoAnswer)
  await expect(never.source.get('b', 3)).rejects.toThrow(NoAnswer)
  expect(never.asked).toHaveLength(3)
})

test('an answer that breaks off is no answer, and one that does not come is waited for once more and twice', async () => {
  const broken: Answer = (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half')
    response.destroy()
  }
  await expect((await sourceOf([broken])).source.get('a', 100)).rejects.toThrow(NoAnswer)
  const silent: Answer = () => undefined
  const { source, asked } = await sourceOf([silent], { timeoutMs: 50 })
  await expect(source.get('a', 100)).rejects.toThrow('nothing within 50 ms')
  expect(asked).toHaveLength(3)
})

test('a stranger does not choose whom we ask', async () => {
  const elsewhere = await sourceOf([ok('abc')])
  const redirect = status(302, { location: `${elsewhere.source.name}a` })
  await expect((await sourceOf([redirect])).source.get('a', 3)).rejects.toThrow('status 302')
  expect(elsewhere.asked).toEqual([])
})

test('a source that answers, and costs more time than its answers are worth, is given up', async () => {
  let now = 0
  const slow: Answer = (response) => {
    now += 3_000
    status(404)(response)
  }
  const { source, asked } = await sourceOf([slow], { patienceMs: 10_000 }, { now: () => now })
  // Each answer is worth a second and takes three.
  for (let i = 0; i < 5; i++) expect(await source.get('a', 3)).toBeUndefined()
  expect(await source.get('a', 3)).toBeUndefined()
  await expect(source.get('b', 3)).rejects.toThrow(NoAnswer)
  expect(asked).toHaveLength(6)
})
