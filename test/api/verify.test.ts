/** Technical verification (技术核验): hashes, codes and numbers against what is on the ledger, one or a column of them. */
import { describe, expect, test } from 'vitest'
import type { VerificationAnswer, VerificationsAnswer, VerifyItem } from '../../src/api/answers.ts'
import { Client } from '../../src/api/client/client.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { centre, statement, submitter } from './fake-ledger.ts'
import { type Harness, problemIn, publicServer, saysNo } from './harness.ts'
import { readWorkbook } from './workbook-reader.ts'

const owner = submitter.party
const issuer = centre.party
const hash = 'ab'.repeat(32)
const documentHash = 'cd'.repeat(32)
const tender = { owner, scheme: 'platform', code: '[350703]FJZHJS[GK]2025003' }

/** Indexes 1 to 5 of a ledger: three attestations (two of one hash), a guarantee, a bid. */
async function ledgerWithRecords(): Promise<Harness> {
  const api = await publicServer()
  const attestation = (value: string, more: JsonObject = {}) =>
    api.ledger.put('attest.hash@1', submitter.party, { hash: { algorithm: 'sha256', value }, ...more })
  attestation(hash, { tender })
  attestation(hash)
  attestation('ef'.repeat(32), { tender: { owner: issuer, scheme: 'platform', code: tender.code } })
  api.ledger.put('guarantee.submit@1', issuer, {
    number: '00042',
    issuer: { party: issuer, name: '某银行' },
    bidders: [],
    beneficiary: { party: owner, name: '某招标人' },
    document: { algorithm: 'sm3', value: documentHash },
    tender,
  })
  api.ledger.put('bid.record@1', submitter.party, { tender, bidders: [], region: '350525' })
  return api
}

const shared = ledgerWithRecords()

async function verified(...items: readonly VerifyItem[]): Promise<readonly VerificationAnswer[]> {
  const answer = await (await shared).post('/v1/verify', { items })
  expect(answer.statusCode).toBe(200)
  return answer.json<VerificationsAnswer>().results
}

/** `match 1 2+`, `mismatch not-on-ledger`. */
const short = ({ result, reason, places, more }: VerificationAnswer): string =>
  [result, ...(reason === null ? [] : [reason]), ...places.map(({ index }) => index)].join(' ') + (more ? '+' : '')

describe('without a record named', () => {
  test('a hash is found in every record that carries it, and is said where', async () => {
    const [answer] = await verified({ hash })
    expect(answer).toEqual({
      item: { hash },
      result: 'match',
      reason: null,
      more: false,
      places: [
        {
          index: '1',
          statementId: null,
          type: 'attest.hash@1',
          status: 'attested',
          blockTime: '2026-03-16T09:30:00.000+08:00',
          height: '0',
          fields: ['/hash'],
        },
        expect.objectContaining({ index: '2', fields: ['/hash'] }),
      ],
    })
  })

  test.each<[string, VerifyItem, string]>([
    ['a hash in capitals, as PowerShell writes it', { hash: hash.toUpperCase() }, 'match 1 2'],
    ['its algorithm', { hash, algorithm: 'sha256' }, 'match 1 2'],
    ['the same digits of another algorithm', { hash, algorithm: 'sm3' }, 'mismatch not-on-ledger'],
    ['the hash of a guarantee’s document', { hash: documentHash, algorithm: 'sm3' }, 'match 4'],
    ['a hash that nobody attested', { hash: '00'.repeat(32) }, 'mismatch not-on-ledger'],
    ['a tender’s code, which two owners have', { tender: tender.code }, 'match 1 3 4+'],
    ['a tender by its identity', { tender: tender.code, owner, scheme: 'platform' }, 'match 1 4 5'],
    ['a tender under another scheme', { tender: tender.code, owner, scheme: 'national' }, 'mismatch not-on-ledger'],
    ['a guarantee by number and issuer', { guarantee: '00042', issuer }, 'match 4'],
    ['its number without the leading zeros', { guarantee: '42', issuer }, 'mismatch not-on-ledger'],
    ['its number at another issuer', { guarantee: '00042', issuer: owner }, 'mismatch not-on-ledger'],
    ['a statement that nobody made', { statement: hash }, 'mismatch not-on-ledger'],
    ['a code with what CSV and formulas are made of', { tender: '=cmd,"x"\'' }, 'mismatch not-on-ledger'],
  ])('%s', async (_what, item, expected) => {
    expect((await verified(item)).map(short)).toEqual([expected])
  })

  test('where in the payload it stands', async () => {
    const [byNumber, byTender] = await verified({ guarantee: '00042', issuer }, { tender: tender.code })
    expect(byNumber!.places[0]!.fields).toEqual(['/number'])
    expect(byTender!.places[0]!.fields).toEqual(['/tender/code'])
  })
})

describe('against a record that is named', () => {
  test.each<[string, VerifyItem, string]>([
    ['its hash', { hash, record: '2' }, 'match 2'],
    ['another record’s hash', { hash, record: '3' }, 'mismatch not-in-record 3'],
    ['a record that is not there', { hash, record: '99' }, 'mismatch no-such-record'],
    ['beyond what a node counts to', { hash, record: '18446744073709551615' }, 'mismatch no-such-record'],
    ['a statement id that is not there', { hash, record: hash }, 'mismatch no-such-record'],
    ['the genesis', { hash, record: '0' }, 'mismatch not-in-record 0'],
    ['a tender’s code', { tender: tender.code, record: '5' }, 'match 5'],
    [
      'a tender’s identity',
      { tender: tender.code, owner, scheme: 'platform', record: '3' },
      'mismatch not-in-record 3',
    ],
    ['a guarantee', { guarantee: '00042', issuer, record: '4' }, 'match 4'],
  ])('%s', async (_what, item, expected) => {
    expect((await verified(item)).map(short)).toEqual([expected])
  })
})

test('statements: by their id, whatever its case; pending until they are attested', async () => {
  await using api = await publicServer()
  const { statementId, index } = (await api.post('/v1/records', { statement: statement() })).json()
  api.ledger.ending = 'replicated'
  const pending = (await api.post('/v1/records', { statement: statement() })).json()
  const { results } = (
    await api.post('/v1/verify', {
      items: [
        { statement: statementId },
        { statement: statementId.toUpperCase(), record: index },
        { statement: statementId, record: '0' },
        { statement: pending.statementId },
        { statement: pending.statementId, record: pending.statementId },
      ],
    })
  ).json<VerificationsAnswer>()
  expect(results.map(short)).toEqual([
    `match ${index}`,
    `match ${index}`,
    'mismatch not-in-record 0',
    'pending 4',
    'pending 4',
  ])
})

test('answers stand in the order of the items, doubles included, with the state they are true as of', async () => {
  const items = [{ hash }, { hash: '00'.repeat(32) }, { hash }, { guarantee: '00042', issuer }, { hash }]
  const answer = (await (await shared).post('/v1/verify', { items })).json<VerificationsAnswer>()
  expect(answer.results.map(({ item }) => item)).toEqual(items)
  expect(answer.results.map(short)).toEqual([
    'match 1 2',
    'mismatch not-on-ledger',
    'match 1 2',
    'match 4',
    'match 1 2',
  ])
  expect(answer.asOf).toEqual({ size: '6', root: expect.stringMatching(/^\S{44}$/), height: '0' })
})

test('what is committed while a column is answered is not in the answer, whose state is that of the beginning', async () => {
  await using api = await ledgerWithRecords()
  const { records } = api.ledger
  api.ledger.records = async (...query) => {
    api.ledger.put('attest.hash@1', submitter.party, { hash: { algorithm: 'sha256', value: '11'.repeat(32) } })
    return records.apply(api.ledger, query)
  }
  const answer = await api.post('/v1/verify', { items: [{ hash }, { hash: '11'.repeat(32) }] })
  const { results, asOf } = answer.json<VerificationsAnswer>()
  expect(results.map(short)).toEqual(['match 1 2', 'mismatch not-on-ledger'])
  expect(asOf.size).toBe('6')
})

describe('as a table', () => {
  const csv = (body: string, headers = {}, query = '') =>
    shared.then((api) => api.post(`/v1/verify${query}`, body, { 'content-type': 'text/csv', ...headers }))

  test('a column in, a table out, row for row', async () => {
    const answer = await csv(`hash\n${hash}\n${'00'.repeat(32)}\n`, {}, '?csv=plain')
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="verification.csv"',
      'x-as-of': expect.stringMatching(/^size=6, root=\S{44}, height=0$/),
    })
    const [head, first, second, end] = answer.body.split('\r\n')
    expect(head).toBe(
      'hash,algorithm,tender,owner,scheme,guarantee,issuer,statement,record,result,meaning,index,statementId,type,status,blockTime,fields,places',
    )
    expect(first).toBe(
      `${hash},,,,,,,,,match,一致：在账本上，已共证 · on the ledger, attested,1,,attest.hash@1,attested,2026-03-16T09:30:00.000+08:00,/hash,2`.replace(
        /(一致.*?attested),/,
        '"$1",',
      ),
    )
    expect(second).toContain(',mismatch,不一致：账本上没有 · not on the ledger,')
    expect(end).toBe('')
  })

  test('the record that was named and holds something else is no place where it is', async () => {
    const answer = await csv(`hash,record\n${hash},3\n${hash},2\n`, {}, '?csv=plain')
    const [, first, second] = answer.body.split('\r\n')
    expect(first).toMatch(/,mismatch,不一致：所称记录中没有 · not in the record named,3,.*,,0$/)
    expect(second).toMatch(/,match,.*,\/hash,1$/)
  })

  test('digits keep their zeros, in and out, also when the column comes from one of our own files', async () => {
    const answer = await csv(`\uFEFF保函编号,保函出具人\r\n"00042\t","${issuer}\t"\r\n`)
    expect(answer.body).toContain('"00042\t"')
    expect(answer.body).toContain(',match,')
    const again = await csv(`guarantee,issuer\n=1+1,${issuer}\n`)
    expect(again.body).toContain('"\'=1+1\t"')
  })

  test('JSON when it is asked for, XLSX with text cells and the state in the file', async () => {
    const body = `guarantee,issuer\n00042,${issuer}\n=1+1,${issuer}\n`
    expect((await csv(body, { accept: 'application/json' })).json<VerificationsAnswer>().results.map(short)).toEqual([
      'match 4',
      'mismatch not-on-ledger',
    ])
    const sheets = readWorkbook((await csv(body, {}, '?format=xlsx')).rawPayload)
    const [head, first, second] = sheets.get('技术核验')!
    const column = head!.findIndex((cell) => cell?.value === '保函编号')
    expect(first![column]).toEqual({ kind: 'inlineStr', value: '00042', format: 49, formula: false })
    expect(second![column]).toEqual({ kind: 'inlineStr', value: '=1+1', format: 49, formula: false })
    expect(sheets.get('说明')![1]![1]!.value).toBe('6')
  })

  test.each<[string, string, string | RegExp]>([
    ['an unknown column', 'sha256\nab', /^column 1 of the head, “sha256”, is unknown/],
    ['no head', `${hash}\n${hash}`, /^column 1 of the head/],
    ['a column twice', 'hash,哈希\na,b', /^column 2 of the head, “哈希”, is unknown or there twice/],
    ['a wrong value', `hash\n${hash}\nnone\n`, 'line 3: must be 64 hexadecimal digits'],
    ['an empty row', `hash\n${hash}\n\n${hash}`, 'line 3 is empty'],
    ['a row without what is looked for', 'record,hash\n1,\n', /^line 2: must have exactly one of hash/],
    ['no CSV', 'hash\n"ab', /^line 2 is not CSV/],
    ['a head alone', 'hash\n', 'nothing stands below the head row'],
    ['a million commas', ','.repeat(1_000_000), 'nothing stands below the head row'],
    ['a head of a thousand columns', `${'a,'.repeat(1000)}a\n${'b,'.repeat(1000)}b`, /^column 1 of the head/],
    ['too many rows', `hash\n${`${hash}\n`.repeat(2001)}`, 'more than 2000 rows below the head'],
  ])('%s is refused in words', async (_what, body, words) => {
    const answer = await csv(body, { 'accept-language': 'en' })
    expect(saysNo(answer)).toEqual([400, 'request.body-invalid'])
    const { problem } = problemIn(answer).fields![0]!
    if (typeof words === 'string') expect(problem).toBe(words)
    else expect(problem).toMatch(words)
  })

  test('GBK, as spreadsheets save CSV in China, is told from what it is', async () => {
    // 保函编号
    const gbk = Buffer.from('b1a3baafb1e0bac50a31', 'hex')
    const api = await shared
    expect(saysNo(await api.post('/v1/verify', gbk, { 'content-type': 'text/csv' }))).toEqual([400, 'request.not-utf8'])
    expect(saysNo(await api.post('/v1/verify', 'hash\n', { 'content-type': 'text/csv; charset=gbk' }))).toEqual([
      415,
      'request.unsupported-media-type',
    ])
  })

  test('no other call takes CSV', async () => {
    const api = await shared
    expect(saysNo(await api.post('/v1/records', 'a.b.c', { 'content-type': 'text/csv' }))).toEqual([
      415,
      'request.unsupported-media-type',
    ])
  })
})

test.each([
  'application/octet-stream',
  'application/pdf',
  'image/png',
  'multipart/form-data; boundary=x',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'text/plain',
  'application/jose',
  'text/csvx',
])('a file (%s) is refused before it is read, and is told what to do', async (type) => {
  const answer = await (await shared).post('/v1/verify', Buffer.alloc(3 * 1024 * 1024), { 'content-type': type })
  expect(saysNo(answer)).toEqual([415, 'request.file-not-taken'])
  expect(problemIn(answer).remedy).toContain('sha256sum')
})

test.each<[string, unknown, readonly string[]]>([
  ['no items', { items: [] }, ['/items']],
  ['too many items', { items: Array.from({ length: 2001 }, () => ({ hash })) }, ['/items']],
  ['items of another kind', { items: ['x', 1, null, [], { hash }] }, ['/items/0', '/items/1', '/items/2', '/items/3']],
  ['nothing to look for', { items: [{}] }, ['/items/0']],
  ['two things in one item', { items: [{ hash, statement: hash }] }, ['/items/0']],
  ['a file in JSON', { items: [{ file: 'JVBERi0=' }] }, ['/items/0/file']],
  [
    'names of every object',
    { items: [{ toString: 'x', constructor: hash }] },
    ['/items/0/constructor', '/items/0/toString'],
  ],
  ['numbers where codes stand', { items: [{ tender: 42 }] }, ['/items/0/tender']],
  ['an empty text', { items: [{ tender: '' }] }, ['/items/0/tender']],
  ['a short hash', { items: [{ hash: 'abc' }] }, ['/items/0/hash']],
  ['another algorithm', { items: [{ hash, algorithm: 'md5' }] }, ['/items/0/algorithm']],
  ['an algorithm of nothing', { items: [{ tender: 'x', algorithm: 'sm3' }] }, ['/items/0/algorithm']],
  ['an owner without a scheme', { items: [{ tender: 'x', owner }] }, ['/items/0/scheme']],
  ['a number without its issuer', { items: [{ guarantee: 'x' }] }, ['/items/0/issuer']],
  ['a mistyped issuer', { items: [{ guarantee: 'x', issuer: 'uscc:914403001922038217' }] }, ['/items/0/issuer']],
  ['a code with a line break', { items: [{ tender: 'a\nb' }] }, ['/items/0/tender']],
  ['a record that is no index', { items: [{ hash, record: '01' }] }, ['/items/0/record']],
  ['a number of no record', { items: [{ hash, record: '18446744073709551616' }] }, ['/items/0/record']],
  ['a member too many', { items: [{ hash }], file: 'x' }, ['/file']],
  [
    'thousands of wrong items',
    { items: Array.from({ length: 2000 }, () => ({ hash: 'x' })) },
    Array.from({ length: 20 }, (_, at) => `/items/${at}/hash`),
  ],
])('%s is refused by name', async (_what, body, pointers) => {
  const answer = await (await shared).post('/v1/verify', body)
  expect(saysNo(answer)).toEqual([400, 'request.body-invalid'])
  expect(problemIn(answer).fields?.map(({ pointer }) => pointer)).toEqual(pointers)
})

test('a body above the bound, and members named twice, are refused', async () => {
  const api = await shared
  expect(saysNo(await api.post('/v1/verify', { items: [{ tender: 'x'.repeat(2 ** 20) }] }))).toEqual([
    413,
    'request.too-large',
  ])
  expect(saysNo(await api.post('/v1/verify', `{"items":[{"hash":"${hash}","hash":"${hash}"}]}`))).toEqual([
    400,
    'json.malformed',
  ])
  expect(saysNo(await api.post('/v1/verify?verbose=1', { items: [{ hash }] }))).toEqual([
    400,
    'request.unknown-parameter',
  ])
})

test('a long column lets the node’s loop have its turn', async () => {
  await using api = await ledgerWithRecords()
  let turns = 0
  let answered = false
  const loop = (): void => {
    turns += 1
    if (!answered) setImmediate(loop)
  }
  setImmediate(loop)
  const items = Array.from({ length: 800 }, (_, i) => ({ tender: `code ${i}` }))
  expect((await api.app.inject({ method: 'POST', url: '/v1/verify', payload: { items } })).statusCode).toBe(200)
  answered = true
  expect(turns).toBeGreaterThanOrEqual(100)
})

test('the typed client asks for many at once', async () => {
  await using api = await ledgerWithRecords()
  const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { results, asOf } = await new Client({ url }).verify([{ hash }, { guarantee: '00042', issuer }])
  expect(results.map(short)).toEqual(['match 1 2', 'match 4'])
  expect(asOf.size).toBe('6')
})
