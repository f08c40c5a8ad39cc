/** A server as a source: every answer is bounded, every wait ends, and a server that failed is left alone. */
import { expect, test } from 'vitest'
import { HttpSource } from '../../../src/node/audit/http-source.ts'
import { NoAnswer, WrongAnswer } from '../../../src/node/audit/source.ts'

/** A source whose server answers as given, one after the other; and how often it was asked. */
function sourceOf(answers: readonly (() => Response)[]) {
  let asked = 0
  const fetch = (async () => answers[Math.min(asked++, answers.length - 1)]!()) as unknown as typeof globalThis.fetch
  const source = new HttpSource({ url: 'http://node.example/', timeoutMs: 5_000, pauseMs: 1 }, { fetch })
  return { source, asked: () => asked }
}
const ok = (body: string) => () => new Response(body)
const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new Response('no', { status: code, headers })

test('what is there is given, what is not is undefined', async () => {
  const { source } = sourceOf([ok('abc'), status(404)])
  expect(await source.get('a', 3)).toEqual(new TextEncoder().encode('abc'))
  expect(await source.get('b', 3)).toBeUndefined()
})

test('one byte more than there may be is a wrong answer, also when it never ends', async () => {
  await expect(sourceOf([ok('abcd')]).source.get('a', 3)).rejects.toThrow(WrongAnswer)
  let sent = 0
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += 1_000
          controller.enqueue(new Uint8Array(1_000))
        },
      }),
    )
  await expect(sourceOf([endless]).source.get('a', 5_000)).rejects.toThrow(WrongAnswer)
  expect(sent).toBeLessThan(20_000)
})

test('what looks temporary is tried again; after three times the source is left alone', async () => {
  const once = sourceOf([status(503, { 'retry-after': '0' }), ok('abc')])
  expect(await once.source.get('a', 3)).toHaveLength(3)
  const never = sourceOf([status(500)])
  await expect(never.source.get('a', 3)).rejects.toThrow(NoAnswer)
  await expect(never.source.get('b', 3)).rejects.toThrow(NoAnswer)
  expect(never.asked()).toBe(3)
})

test('a source that answers, and costs more time than its answers are worth, is given up', async () => {
  let now = 0
  let asked = 0
  const fetch = (async () => {
    asked++
    now += 3_000
    return status(404)()
  }) as unknown as typeof globalThis.fetch
  const source = new HttpSource({ url: 'http://node.example', patienceMs: 10_000 }, { fetch, now: () => now })
  // Each answer is worth a second and takes three.
  for (let i = 0; i < 5; i++) expect(await source.get('a', 3)).toBeUndefined()
  expect(await source.get('a', 3)).toBeUndefined()
  await expect(source.get('b', 3)).rejects.toThrow(NoAnswer)
  expect(asked).toBe(6)
})
