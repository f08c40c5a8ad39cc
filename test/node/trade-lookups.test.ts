/**
 * Look-ups of the trade over HTTP, read from a whole node's committed state: where something stands now and as of a time, its timeline, tenders
 * that share a code, findings. Every answer is held against /openapi.json.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../../src/api/client/client.ts'
import { buildPublicServer } from '../../src/api/server.ts'
import type { DossierAnswer, FindingListAnswer, TenderListAnswer } from '../../src/api/trade-answers.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { formatTime } from '../../src/chain/time.ts'
import { Queries } from '../../src/node/queries.ts'
import type { Replica } from '../../src/node/replica.ts'
import { type Harness, harness } from '../api/harness.ts'
import { readWorkbook } from '../api/workbook-reader.ts'
import { ReplicaWorld } from './replica-world.ts'

const world = new ReplicaWorld(4, { cheapSignatures: true })
world.startAll()
world.electLeader()
const owner = world.member('wuhan').member.party
const otherOwner = world.member('hangzhou').member.party
const code = '2026-001'
const lot = { owner, scheme: 'land', code }
const start = world.clock.wall()
const put = (type: string, key: string, fields: JsonObject): void => {
  world.submit('wuhan', world.centreStatement('wuhan', type, key, fields))
  world.settle()
}
const document = { algorithm: 'sha256', value: '5e'.repeat(32) }
const path = (...parts: readonly string[]): string => parts.map(encodeURIComponent).join('/')
const time = (url: string, at: number): string => `${url}?at=${encodeURIComponent(formatTime(at))}`

/** The same object with some members of its own. */
function seenThrough<T extends object>(object: T, own: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof T]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

let node: Replica
let server: Harness<Queries>

beforeAll(async () => {
  put('auction.announce@1', 'announce', {
    lot,
    region: '420100',
    opensAt: formatTime(start + 60_000),
    endsAt: formatTime(start + 120_000),
    countdownSeconds: 30,
    startPrice: { amount: '1000', unit: '1', currency: 'CNY' },
    step: '10.5',
    document,
  })
  world.clock.advance(60_000)
  put('auction.raise@1', 'raise', { lot, plate: '101', price: '1010.5' })
  world.clock.advance(60_000)
  put('auction.result@1', 'result', { lot, outcome: 'failed' })
  put('attest.hash@1', 'elsewhere', {
    subject: 'document',
    hash: document,
    mediaType: 'application/pdf',
    source: { system: 's', operator: 'role:r', method: 'm', software: 'w', occurredAt: formatTime(start) },
    tender: { owner: otherOwner, scheme: 'city', code },
  })
  node = world.replica('beijing')
  const store = seenThrough(node.store, {
    scan: (...scan: Parameters<typeof node.store.scan>) => {
      node.store.scan(...scan)
      world.clock.advance(5) // the memory disk answers in virtual time
    },
  })
  const queries = new Queries(
    { rules: world.rules, member: 'beijing', node: world.member('beijing').member.node.id, version: 'test' },
    {
      clock: world.clock,
      signer: { publicKey: () => undefined, sign: () => undefined },
      replica: seenThrough(node, { store }),
      metrics: () => Promise.resolve(''),
    },
  )
  server = harness(queries, await buildPublicServer({}, { service: queries, onFailure: () => undefined }))
})
afterAll(() => server.app.close())

describe('anything with a lifecycle', () => {
  const auction = `/v1/subjects/${encodeURIComponent(`auction/${owner}/land/${code}`)}`

  it('stands where records and the clock have brought it, with its records behind it', async () => {
    const answer = (await server.get(auction, { 'accept-language': 'en' })).json<DossierAnswer>()
    expect(answer.instance).toMatchObject({
      state: 'failed',
      stateTitle: 'Not sold',
      revision: 3,
      fields: { price: '1010.5', step: '10.5', plate: '101', reserve: null, conductor: owner },
    })
    expect(answer.timeline.map(({ type }) => type)).toEqual([
      'auction.announce@1',
      'auction.raise@1',
      'auction.result@1',
    ])
    expect(answer.timeline[2]!.findings).toMatchObject([
      { code: 'auction.unsold-above-reserve', title: 'Not sold above the reserve' },
    ])
    expect(answer.nextCursor).toBeNull()
    expect(answer.asOf.size).toBe(String(node.ledger.committed.frontier.size))
  })

  it('is shown as it stood at any time', async () => {
    const stateAt = async (at: number): Promise<string | undefined> =>
      (await server.get(time(auction, at))).json<DossierAnswer>().instance?.state
    expect(await stateAt(start - 1)).toBeUndefined()
    expect(await stateAt(start + 59_999)).toBe('announced')
    expect(await stateAt(start + 60_000)).toBe('bidding')
    expect(await stateAt(start + 10 * 60_000)).toBe('failed')
  })

  it('comes page by page when it is long', async () => {
    const first = (await server.get(`${auction}?limit=2`)).json<DossierAnswer>()
    expect(first.timeline).toHaveLength(2)
    const second = (await server.get(`${auction}?limit=2&cursor=${first.nextCursor}`)).json<DossierAnswer>()
    expect(second.timeline.map(({ type }) => type)).toEqual(['auction.result@1'])
    expect(second.nextCursor).toBeNull()
  })

  it('gives its timeline as a table, with the same pages', async () => {
    const csv = await server.get(`${auction}?format=csv&csv=plain&limit=2`)
    expect(csv.headers['content-disposition']).toBe('attachment; filename="timeline.csv"')
    expect(csv.body.split('\r\n').map((line) => line.split(',')[2])).toEqual([
      'type',
      'auction.announce@1',
      'auction.raise@1',
      undefined,
    ])
    const rest = await server.get(String(csv.headers.link).slice(1).split('>')[0]!)
    expect(rest.body).toContain('auction.unsold-above-reserve: ')
    const sheet = readWorkbook((await server.get(`${auction}?format=xlsx`)).rawPayload).get('时间线')!
    expect(sheet.slice(1).map((row) => row[2]!.value)).toEqual([
      'auction.announce@1',
      'auction.raise@1',
      'auction.result@1',
    ])
    expect((await server.get(`${auction}?limit=1001`)).statusCode).toBe(400)
    expect((await server.get(`/v1/subjects/${encodeURIComponent('auction/x')}?format=xlsx`)).statusCode).toBe(404)
  })

  it('that is not on the ledger is not found, whatever it is called', async () => {
    for (const subject of ['auction/x', 'nothing', 'tender/a/b/c', 'key/abc', '%', 'auction//', '__proto__/a']) {
      expect((await server.get(`/v1/subjects/${encodeURIComponent(subject)}`)).statusCode).toBe(404)
    }
    expect((await server.get(`/v1/guarantees/${path(owner, 'BH-1')}`)).statusCode).toBe(404)
    expect((await server.get(`/v1/tenders/${path('uscc:nobody', 'land', code)}`)).statusCode).toBe(400)
  })
})

describe('tenders', () => {
  it('that share a code are listed, each with its owner and scheme', async () => {
    const { tenders } = (await server.get(`/v1/tenders?code=${code}`)).json<TenderListAnswer>()
    expect(tenders.map((tender) => [tender.owner, tender.scheme, tender.code])).toEqual([
      [owner, 'land', code],
      [otherOwner, 'city', code],
    ])
    expect((await server.get('/v1/tenders?code=2026-00')).json<TenderListAnswer>().tenders).toEqual([])
  })

  it('that share a code come page by page, each once, and say whether that was all', async () => {
    const page = async (query: string): Promise<TenderListAnswer> =>
      (await server.get(`/v1/tenders?code=${code}&limit=1${query}`)).json<TenderListAnswer>()
    const first = await page('')
    const second = await page(`&cursor=${first.nextCursor}`)
    const third = await page(`&cursor=${second.nextCursor}`)
    const owners = [first, second, third].flatMap(({ tenders }) => tenders.map((tender) => tender.owner))
    expect(owners.sort()).toEqual([owner, otherOwner].sort())
    expect(third.nextCursor).toBeNull()
    const wrong = await server.get(`/v1/tenders?code=${code}&cursor=abc`)
    expect([wrong.statusCode, wrong.json().code]).toEqual([400, 'request.bad-cursor'])
    const sheets = readWorkbook((await server.get(`/v1/tenders?code=${code}&format=xlsx&limit=1`)).rawPayload)
    expect(JSON.stringify(Array.from(sheets))).toContain(`cursor=${first.nextCursor}`)
  })

  it('that share a code are a table too, codes as text', async () => {
    const sheet = readWorkbook((await server.get(`/v1/tenders?code=${code}&format=xlsx`)).rawPayload).get('项目')!
    expect(sheet.slice(1).map((row) => row.slice(0, 3).map((cell) => cell!.value))).toEqual([
      [owner, 'land', code],
      [otherOwner, 'city', code],
    ])
    expect(sheet[1]![2]).toMatchObject({ kind: 'inlineStr', format: 49 })
    const csv = await server.get(`/v1/tenders?code=${code}`, { accept: 'text/csv' })
    expect(csv.body).toContain(`"${code}\t"`)
  })

  it('without a notice show the records that name them', async () => {
    const answer = (await server.get(`/v1/tenders/${path(otherOwner, 'city', code)}`)).json<DossierAnswer>()
    expect(answer.instance).toBeNull()
    expect(answer.timeline.map(({ type }) => type)).toEqual(['attest.hash@1'])
  })
})

describe('findings', () => {
  it('are listed by region, code and time, also as a table', async () => {
    const list = async (query: string): Promise<readonly string[]> =>
      (await server.get(`/v1/findings?${query}`)).json<FindingListAnswer>().findings.map((finding) => finding.code)
    const unsold = 'auction.unsold-above-reserve'
    expect(await list('')).toEqual([unsold])
    expect(await list(`code=${unsold}`)).toEqual([unsold])
    expect(await list('code=auction.other')).toEqual([])
    expect(await list('type=auction.raise@1')).toEqual([])
    expect(await list(`owner=${owner}`)).toEqual([unsold])
    expect(await list(`to=${encodeURIComponent(formatTime(start))}`)).toEqual([])
    const csv = await server.get('/v1/findings?format=csv&csv=plain', { 'accept-language': 'en' })
    expect(csv.body.split('\n')[1]).toContain(unsold)
    expect((await server.get('/v1/records?finding=auction.unsold-above-reserve')).json().records).toHaveLength(1)
  })
})

describe('the client', () => {
  it('asks for all of it', async () => {
    const url = await server.app.listen({ host: '127.0.0.1', port: 0 })
    const client = new Client({ url, language: 'en' })
    const name = `auction/${owner}/land/${code}`
    expect((await client.subject(name, { at: formatTime(start + 30_000) })).instance?.state).toBe('announced')
    expect((await client.subject(name, { pageRows: 1 })).timeline).toHaveLength(1)
    expect((await client.tender(otherOwner, 'city', code)).timeline).toHaveLength(1)
    expect((await client.tendersOf(code)).tenders).toHaveLength(2)
    await expect(client.guarantee(owner, 'BH/1')).rejects.toMatchObject({ code: 'subject.not-found' })
    const found: string[] = []
    for await (const row of client.findings({ region: '33' })) found.push(row.code)
    expect(found).toEqual([])
    for await (const row of client.findings({ region: '42', owner })) found.push(row.code)
    expect(found).toEqual(['auction.unsold-above-reserve'])
  })
})

describe('records', () => {
  it('are found by the hash of a document they name, and by the key that signed them', async () => {
    const ids = async (query: string): Promise<readonly string[]> =>
      (await server.get(`/v1/records?${query}`)).json<{ records: { type: string }[] }>().records.map(({ type }) => type)
    expect(await ids(`hash=sha256:${document.value}`)).toEqual(['auction.announce@1', 'attest.hash@1'])
    expect(await ids(`kid=${world.member('wuhan').member.centreKey}`)).toHaveLength(4)
    expect(await ids(`kid=${world.member('beijing').member.centreKey}`)).toEqual([])
  })
})
