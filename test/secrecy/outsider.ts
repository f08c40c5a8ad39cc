/**
 * Somebody outside, with a stopwatch: fetches whatever every node gives anybody, again and again, and keeps of it how many there were, when,
 * and how long each was. What nobody could tell apart by looking — digests, keys, signatures — is kept by its length alone.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Queries } from '../../src/node/queries.ts'
import type { ReplicaWorld } from '../node/replica-world.ts'

export interface Door {
  readonly member: string
  readonly service: Queries
  readonly app: FastifyInstance
}

/** Digests, keys, signatures, random ids: what is left of them is how long they are. */
export const masked = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{16,}/g, (hex) => `<hex ${hex.length}>`)
    .replaceAll(/"requestId":"([^"]+)"/g, (_, id: string) => `"requestId":<${id.length}>`)
    .replaceAll(/[A-Za-z0-9+/_-]{40,}={0,2}/g, (base64) => `<base64 ${base64.length}>`)

/** An answer as it looks from outside: status, headers and body, with what cannot be told apart masked. */
export async function lookOf(app: FastifyInstance, request: InjectOptions): Promise<string> {
  const answer = await app.inject(request)
  const headers = Object.entries(answer.headers)
    .filter(([name]) => name !== 'date')
    .map(([name, value]) =>
      name === 'x-request-id' ? `${name}: ${String(value).length}` : `${name}: ${masked(String(value))}`,
    )
  const isText = /json|text|csv/.test(String(answer.headers['content-type']))
  const body = isText ? masked(answer.body) : `${answer.rawPayload.length} bytes`
  return [`${request.method ?? 'GET'} ${masked(String(request.url))} → ${answer.statusCode}`, ...headers, body].join(
    '\n',
  )
}

/** While a call needs the node's clock: moves it in steps of a millisecond until the call is answered. */
export async function timed<T>(
  world: ReplicaWorld,
  call: Promise<T>,
): Promise<{ readonly value: T; readonly ms: number }> {
  const start = world.clock.wall()
  let value: { readonly of: T } | undefined
  const answered = call.then((of) => {
    value = { of }
  })
  while (value === undefined) {
    await turn()
    await turn()
    if (value === undefined) world.clock.advance(1)
  }
  await answered
  return { value: (value as { of: T }).of, ms: world.clock.wall() - start }
}

/** What is cheap enough to be asked every few seconds. */
export const watchedUrls = (tenderPath: string): readonly string[] => [
  '/v1/status',
  '/checkpoint',
  '/readyz',
  `/v1/boxes/${tenderPath}`,
  `/v1/boxes/${tenderPath}/leaves`,
]

/** Everything that there is, at the end. */
export async function everythingOf(
  world: ReplicaWorld,
  { app, service }: Door,
  tenderPath: string,
  owner: string,
): Promise<readonly string[]> {
  const looks: string[] = []
  const look = async (url: string, headers: Record<string, string> = {}): Promise<string> => {
    const { value: seen, ms } = await timed(world, lookOf(app, { url, headers }))
    looks.push(`${seen}\nin ${ms} ms`)
    return seen
  }
  for (const url of watchedUrls(tenderPath)) await look(url)
  for (const url of ['/v1/members', '/v1/types', '/v1/findings', '/v1/policy', '/v1/genesis', '/healthz'])
    await look(url)
  await look(`/v1/tenders/${tenderPath}`)
  await look(`/v1/tenders/${tenderPath}/guarantees`)
  await look(`/v1/parties/${encodeURIComponent(owner)}`)
  for (let cursor: string | null = ''; cursor !== null; ) {
    const url: string = `/v1/records?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    await look(url)
    cursor = (await timed(world, app.inject(url))).value.json<{ nextCursor: string | null }>().nextCursor
  }
  await look('/v1/records?format=csv')
  const total = service.status().attestedSize
  for (let at = 0; at * 256 < total; at++) {
    const width = Math.min(256, total - at * 256)
    const suffix = width === 256 ? '' : `.p/${width}`
    const number = String(at).padStart(3, '0')
    await look(`/tile/0/${number}${suffix}`)
    await look(`/tile/entries/${number}${suffix}`)
    const bundle = service.entries(at, width)
    if (bundle !== undefined) looks.push(`entries ${at}: ${lengthsOf(bundle).join(' ')}`)
  }
  for (let height = 1; ; height++) {
    const answer = await app.inject(`/v1/blocks/${height}`)
    if (answer.statusCode !== 200) break
    looks.push(masked(answer.body))
  }
  return looks
}

/** Lengths of the entries of a bundle: each has its length before it, in two bytes. */
function lengthsOf(bundle: Uint8Array): readonly number[] {
  const lengths: number[] = []
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength)
  for (let at = 0; at < bundle.length; at += 2 + lengths.at(-1)!) lengths.push(view.getUint16(at))
  return lengths
}
