import { expect, test } from 'vitest'
import type {
  AttestedAnswer,
  PendingAnswer,
  ProofAnswer,
  RecordAnswer,
  RecordListAnswer,
} from '../../src/api/answers.ts'
import { fromBase64 } from '../../src/chain/bytes.ts'
import { verifyProofFile } from '../../src/chain/verify.ts'
import { fakeTypes, statement, submitter } from './fake-ledger.ts'
import { type Harness, problemIn, publicServer, saysNo } from './harness.ts'

/** For tests that leave nothing behind. */
const shared = publicServer()

async function withRecords(count: number): Promise<Harness & { readonly records: readonly AttestedAnswer[] }> {
  const api = await publicServer()
  const records: AttestedAnswer[] = []
  for (let i = 0; i < count; i++) {
    records.push((await api.post('/v1/records', { statement: statement({ row: i }) })).json<AttestedAnswer>())
  }
  return { ...api, records }
}

test('a record is found by index and by statement id, with its entry and the state it was read from', async () => {
  await using api = await withRecords(2)
  const [first] = api.records
  const byIndex = await api.get(`/v1/records/${first!.index}`)
  const byId = await api.get(`/v1/records/${first!.statementId}`)
  expect(byIndex.statusCode).toBe(200)
  expect(byId.json()).toEqual(byIndex.json())
  const record = byIndex.json<RecordAnswer>()
  expect(record).toMatchObject({
    index: '2',
    kind: 'record',
    entry: first!.entry,
    payload: { row: 0 },
    asOf: { size: '5', height: '2' },
  })
  expect(fromBase64(record.asOf.root)).toHaveLength(32)
})

test('the entry’s own bytes, by format or by Accept, never change and may be cached for ever', async () => {
  await using api = await withRecords(1)
  const entry = Buffer.from(api.records[0]!.entry, 'base64')
  for (const answer of [
    await api.get('/v1/records/2?format=entry'),
    await api.get('/v1/records/2', { accept: 'application/octet-stream' }),
    await api.get('/v1/records/2', { accept: 'application/octet-stream;q=0.9, application/json;q=0.1' }),
  ]) {
    expect(answer.rawPayload).toEqual(entry)
    expect(answer.headers['cache-control']).toContain('immutable')
  }
  for (const accept of ['*/*', 'application/*', 'text/html,*/*;q=0.8', 'application/octet-stream;q=0']) {
    expect((await api.get('/v1/records/2', { accept })).headers['content-type']).toContain('application/json')
  }
})

test('accepted only: 202 with standing and receipt', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'accepted'
  const { statementId } = (await api.post('/v1/records', { statement: statement() })).json<PendingAnswer>()
  const answer = await api.get(`/v1/records/${statementId}`)
  expect(answer.statusCode).toBe(202)
  expect(answer.json()).toMatchObject({ statementId, status: 'accepted', receipt: { statement: statementId } })
  expect(saysNo(await api.get(`/v1/records/${statementId}/proof`))).toEqual([404, 'record.not-attested'])
})

test('replicated only is never 200: neither the record nor its bytes nor a proof', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'replicated'
  const { statementId } = (await api.post('/v1/records', { statement: statement() })).json<PendingAnswer>()
  const answer = await api.get(`/v1/records/${statementId}`)
  expect(answer.statusCode).toBe(202)
  expect(answer.json()).toMatchObject({ index: '2', status: 'replicated' })
  expect(saysNo(await api.get(`/v1/records/2?format=entry`))).toEqual([404, 'record.not-attested'])
  const proof = await api.get('/v1/records/2/proof')
  expect(saysNo(proof)).toEqual([404, 'record.not-attested'])
  expect(proof.headers['retry-after']).toBe('1')
  api.ledger.attest()
  expect((await api.get(`/v1/records/${statementId}`)).statusCode).toBe(200)
})

test.each([
  ['/v1/records/99', 404, 'record.not-found'],
  [`/v1/records/${'ab'.repeat(32)}`, 404, 'record.not-found'],
  ['/v1/records/9007199254740993', 404, 'record.not-found'],
  ['/v1/records/18446744073709551615', 404, 'record.not-found'],
  ['/v1/records/18446744073709551616', 400, 'request.bad-parameter'],
  ['/v1/records/01', 400, 'request.bad-parameter'],
  ['/v1/records/-1', 400, 'request.bad-parameter'],
  ['/v1/records/1e3', 400, 'request.bad-parameter'],
  [`/v1/records/${'AB'.repeat(32)}`, 400, 'request.bad-parameter'],
  ['/v1/records/1?verbose=1', 400, 'request.unknown-parameter'],
  ['/v1/records/1?format=xml', 400, 'request.bad-parameter'],
  ['/v1/records/1?format=json&format=json', 400, 'request.bad-parameter'],
  ['/v1/records/%zz', 400, 'request.bad-url'],
  ['/v1/records/%ff', 400, 'request.bad-url'],
  [`/v1/records/${'9'.repeat(2000)}`, 400, 'request.bad-url'],
  ['/v1/records/0/proof?size=0', 404, 'proof.size-not-attested'],
  ['/v1/records/0/proof?size=99', 404, 'proof.size-not-attested'],
  ['/v1/records/0/proof?size=18446744073709551615', 404, 'proof.size-not-attested'],
  ['/v1/records/0/proof?size=1.0', 400, 'request.bad-parameter'],
])('%s → %i %s', async (url, status, code) => {
  const api = await shared
  expect(saysNo(await api.get(url))).toEqual([status, code])
})

test('genesis is record 0', async () => {
  await using api = await publicServer()
  expect((await api.get('/v1/records/0')).json()).toMatchObject({
    index: '0',
    kind: 'genesis',
    statementId: null,
    party: null,
  })
})

test('a proof as a file convinces somebody who has only the policy and the entry', async () => {
  await using api = await withRecords(3)
  const policy = (await api.get('/v1/policy')).body
  for (const answer of [
    await api.get('/v1/records/4/proof?format=tlog-proof'),
    await api.get('/v1/records/4/proof', { accept: 'text/plain' }),
  ]) {
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.headers['content-disposition']).toBe('attachment; filename="4.tlog-proof"')
    const entry = (await api.get('/v1/records/4?format=entry')).rawPayload
    expect(verifyProofFile({ policy, proofFile: answer.rawPayload, entry })).toMatchObject({ index: 4n, size: 5n })
  }
})

test('a proof as JSON holds the same path, certificate and file', async () => {
  await using api = await withRecords(2)
  const proof = (await api.get(`/v1/records/${api.records[0]!.statementId}/proof`)).json<ProofAnswer>()
  expect(proof).toMatchObject({ ...api.records[0]!.proof, certificate: api.records[0]!.certificate })
  expect(proof.proofFile.endsWith(proof.certificate)).toBe(true)
})

test('a proof can be asked against a later attested size', async () => {
  await using api = await withRecords(2)
  expect((await api.get('/v1/records/2/proof?size=5')).json()).toMatchObject({ index: '2', size: '5' })
  expect(saysNo(await api.get('/v1/records/2/proof?size=4'))).toEqual([404, 'proof.size-not-attested'])
})

test('lists are in order, leave system entries out unless asked, and say as of when', async () => {
  await using api = await withRecords(2)
  const list = (await api.get('/v1/records')).json<RecordListAnswer>()
  expect(list.records.map((record) => record.index)).toEqual(['0', '2', '4'])
  expect(list).toMatchObject({ nextCursor: null, asOf: { size: '5', height: '2' } })
  const all = (await api.get('/v1/records?system=true')).json<RecordListAnswer>()
  expect(all.records.map((record) => record.type)).toEqual([
    'genesis',
    'system.block',
    'attest.hash@1',
    'system.block',
    'attest.hash@1',
  ])
  const blocks = (await api.get('/v1/records?type=system.block')).json<RecordListAnswer>()
  expect(blocks.records.map((record) => record.index)).toEqual(['1', '3'])
})

test('filters reach the node as they were meant', async () => {
  await using api = await withRecords(3)
  const rows = async (query: string) =>
    (await api.get(`/v1/records?${query}`)).json<RecordListAnswer>().records.map((row) => row.index)
  expect(await rows('type=attest.hash@1')).toEqual(['2', '4', '6'])
  expect(await rows(`party=${submitter.party}&member=guangzhou`)).toEqual(['2', '4', '6'])
  expect(await rows('member=wuhan')).toEqual([])
  expect(await rows('from=2026-03-16T09:30:02%2B08:00&to=2026-03-16T09:30:03%2B08:00')).toEqual(['4'])
  expect(await rows('from=2026-03-16T01:30:03Z')).toEqual(['6'])
})

test('a plus sign that was not percent-encoded is still the offset’s plus', async () => {
  await using api = await withRecords(1)
  const list = (await api.get('/v1/records?from=2026-03-16T09:30:01+08:00')).json<RecordListAnswer>()
  expect(list.records.map((record) => record.index)).toEqual(['2'])
})

test('pages follow nextCursor, or the Link header, to the end', async () => {
  await using api = await withRecords(3)
  const first = await api.get('/v1/records?type=attest.hash%401&limit=2')
  const { records, nextCursor } = first.json<RecordListAnswer>()
  expect(records).toHaveLength(2)
  const link = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link))![1]!
  expect(new URL(link, 'http://x').searchParams.get('cursor')).toBe(nextCursor)
  const second = await api.get(link)
  expect(second.json()).toMatchObject({ records: [{ index: '6' }], nextCursor: null })
  expect(second.headers.link).toBeUndefined()
})

test('a long page is gathered in small steps and ends early when it grows too large', async () => {
  await using api = await publicServer({ limits: { listBytesMax: 20_000 } })
  for (let i = 0; i < 450; i++) api.ledger.put('attest.hash@1', submitter.party, { row: i })
  api.ledger.pagesAsked.length = 0
  const page = (await api.get('/v1/records?limit=1000')).json<RecordListAnswer>()
  expect(page.records).toHaveLength(200)
  expect(api.ledger.pagesAsked).toEqual([{ cursor: null, limit: 200 }])
  const rest = (await api.get(`/v1/records?limit=1000&cursor=${page.nextCursor}`)).json<RecordListAnswer>()
  expect(rest.records[0]!.index).toBe('200')
})

test('a page of several steps holds every row once', async () => {
  await using api = await publicServer()
  for (let i = 0; i < 450; i++) api.ledger.put('attest.hash@1', submitter.party, { row: i })
  const { records } = (await api.get('/v1/records?type=attest.hash@1&limit=430')).json<RecordListAnswer>()
  expect(records.map((record) => record.payload.row)).toEqual(Array.from({ length: 430 }, (_, row) => row))
  expect(api.ledger.pagesAsked.map(({ limit }) => limit)).toEqual([200, 200, 30])
})

test('a list whose rows are left out one after the other ends after so many, and says where to go on', async () => {
  await using api = await publicServer({ limits: { tableRowsMax: 600 } })
  for (let i = 0; i < 1000; i++) api.ledger.put('attest.hash@1', submitter.party, { row: i })
  const { records } = api.ledger
  api.ledger.records = async (...query) => ({ ...(await records.apply(api.ledger, query)), records: [] })
  api.ledger.pagesAsked.length = 0
  const page = (await api.get('/v1/records?type=attest.hash@1&limit=500')).json<RecordListAnswer>()
  expect(page).toMatchObject({ records: [], nextCursor: 'after-600' })
  expect(api.ledger.pagesAsked).toHaveLength(3)
})

test.each([
  ['tpye=attest.hash@1', 'request.unknown-parameter', 'tpye'],
  ['type=attest.hash', 'request.unknown-type', 'type'],
  ['type=attest.hash@9', 'request.unknown-type', 'type'],
  ['type=', 'request.bad-parameter', 'type'],
  ['type=attest.hash@1&type=bid.record@1', 'request.bad-parameter', 'type'],
  ['party=914403001922038216', 'request.bad-parameter', 'party'],
  ['party=uscc:914403001922038217', 'request.bad-parameter', 'party'],
  ['owner=nobody', 'request.bad-parameter', 'owner'],
  ['member=Guangzhou', 'request.bad-parameter', 'member'],
  ['region=4401', 'request.bad-parameter', 'region'],
  ['tender=%00', 'request.bad-parameter', 'tender'],
  [`tender=${'1'.repeat(65)}`, 'request.bad-parameter', 'tender'],
  ['from=2026-03-16', 'request.bad-parameter', 'from'],
  ['from=2026-03-16T09:30:00', 'request.bad-parameter', 'from'],
  ['from=2026-02-30T09:30:00Z', 'request.bad-parameter', 'from'],
  ['from=2026-03-16T09:30:00Z&to=2026-03-16T09:30:00Z', 'request.bad-parameter', 'to'],
  ['limit=0', 'request.bad-parameter', 'limit'],
  ['limit=1001', 'request.bad-parameter', 'limit'],
  ['limit=10001&format=csv', 'request.bad-parameter', 'limit'],
  ['limit=1e2', 'request.bad-parameter', 'limit'],
  ['limit=+5', 'request.bad-parameter', 'limit'],
  ['system=yes', 'request.bad-parameter', 'system'],
  ['cursor=%20', 'request.bad-parameter', 'cursor'],
  ['format=pdf', 'request.bad-parameter', 'format'],
  ['limit=10001&format=xlsx', 'request.bad-parameter', 'limit'],
  ['__proto__=1', 'request.unknown-parameter', '__proto__'],
  ['toString=1', 'request.unknown-parameter', 'toString'],
])('a list with ?%s is refused by name', async (query, code, parameter) => {
  const api = await shared
  const answer = await api.get(`/v1/records?${query}`)
  expect(saysNo(answer)).toEqual([400, code])
  expect(problemIn(answer).fields?.map((field) => field.parameter)).toEqual([parameter])
})

test('every wrong parameter is named, not only the first', async () => {
  await using api = await publicServer()
  const answer = await api.get('/v1/records?limit=0&from=x&region=1', { 'accept-language': 'en' })
  expect(problemIn(answer).fields?.map((field) => field.parameter)).toEqual(['limit', 'from', 'region'])
})

test('a cursor that the node did not give is refused by the node', async () => {
  await using api = await publicServer()
  expect(saysNo(await api.get('/v1/records?cursor=made-up'))).toEqual([400, 'request.bad-cursor'])
})

test('CSV: the file of one type has its fields as columns; Excel sees digits as text', async () => {
  await using api = await publicServer()
  api.ledger.put('bid.record@1', submitter.party, {
    party: submitter.party,
    tender: { owner: submitter.party, code: '00123456789012345678' },
    bidders: [{ name: '=HYPERLINK("http://x")' }],
    count: 3,
  })
  const answer = await api.get('/v1/records?type=bid.record@1&format=csv')
  expect(answer.headers).toMatchObject({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': 'attachment; filename="records.csv"',
    'x-as-of': expect.stringMatching(/^size=2, root=\S{44}, height=0$/),
  })
  expect(answer.body.startsWith('\uFEFF条目编号,')).toBe(true)
  expect(answer.body).toContain('"00123456789012345678\t"')
  expect(answer.body.endsWith('"[{""name"":""=HYPERLINK(\\""http://x\\"")""}]\t",3\r\n')).toBe(true)
  expect(fakeTypes[1].name).toBe('bid.record@1')
})

test('CSV: by Accept, for programs, in another language, and with as many rows as a file wants', async () => {
  await using api = await publicServer()
  for (let i = 0; i < 150; i++) api.ledger.put('attest.hash@1', submitter.party, { row: i })
  const plain = await api.get('/v1/records?csv=plain&type=attest.hash@1', { accept: 'text/csv' })
  const lines = plain.body.split('\r\n')
  expect(lines).toHaveLength(1 + 150 + 1)
  expect(lines[0]).toBe(
    'index,kind,type,status,statementId,party,keyStanding,member,receivedAt,blockTime,height,key,hash',
  )
  const english = await api.get('/v1/records?format=csv', { 'accept-language': 'en' })
  expect(english.body.split(',')[0]).toBe('\uFEFFIndex')
  const two = await api.get('/v1/records?format=csv&limit=2')
  expect(two.headers.link).toMatch(/^<\/v1\/records\?format=csv&limit=2&cursor=/)
})
