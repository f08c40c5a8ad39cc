import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import type { AttestedAnswer, BatchAnswer, PendingAnswer } from '../../src/api/answers.ts'
import type { RequestFailure } from '../../src/api/route-context.ts'
import type { SubmitOptions } from '../../src/api/service.ts'
import { fromBase64 } from '../../src/chain/bytes.ts'
import { statementBytesMax } from '../../src/chain/statement.ts'
import { ledgerId, statement, submitter } from './fake-ledger.ts'
import { problemIn, publicServer, saysNo } from './harness.ts'

/** For tests that leave nothing behind. */
const shared = publicServer()

test('a statement is taken in and attested: 201 with index, entry, proof, certificate and receipt', async () => {
  await using api = await publicServer()
  const jws = statement()
  const answer = await api.post('/v1/records', { statement: jws })
  expect(answer.statusCode).toBe(201)
  expect(answer.headers.location).toBe('/v1/records/2')
  const record = answer.json<AttestedAnswer>()
  expect(record).toMatchObject({
    index: '2',
    status: 'attested',
    type: 'attest.hash@1',
    party: submitter.party,
    duplicate: false,
  })
  expect(JSON.parse(Buffer.from(record.entry, 'base64').toString())).toMatchObject({
    statement: jws,
    member: 'guangzhou',
  })
  expect(record.proof).toMatchObject({ index: '2', size: '3' })
  expect(fromBase64(record.proof.leafHash)).toHaveLength(32)
  // One log line and exactly q cosignatures.
  expect(record.certificate.split('\n\n')[1]!.trimEnd().split('\n')).toHaveLength(1 + 3)
  expect(record.receipt).toMatchObject({ statement: record.statementId, ledger: ledgerId })
})

test('the compact JWS may be the body itself, with or without a final line break', async () => {
  await using api = await publicServer()
  for (const end of ['', '\n', '\r\n']) {
    const answer = await api.post('/v1/records', statement() + end, { 'content-type': 'application/jose' })
    expect(answer.statusCode).toBe(201)
  }
})

test('all times are Beijing time with its offset; the entry keeps what is stored', async () => {
  await using api = await publicServer()
  const record = (await api.post('/v1/records', { statement: statement() })).json<AttestedAnswer>()
  expect(record.blockTime).toBe('2026-03-16T09:30:01.000+08:00')
  expect(record.receipt?.by).toBe('2026-03-16T09:31:00.000+08:00')
  expect(Buffer.from(record.entry, 'base64').toString()).toContain('"receivedAt":"2026-03-16T01:30:01.000Z"')
})

test('the same statement again gives 200 and the same record', async () => {
  await using api = await publicServer()
  const jws = statement()
  const first = (await api.post('/v1/records', { statement: jws })).json<AttestedAnswer>()
  const again = await api.post('/v1/records', { statement: jws })
  expect(again.statusCode).toBe(200)
  expect(again.json()).toEqual({ ...first, duplicate: true, receipt: null })
})

test('the same key with another payload is 409', async () => {
  await using api = await publicServer()
  await api.post('/v1/records', { statement: statement({ key: 'same' }) })
  expect(saysNo(await api.post('/v1/records', { statement: statement({ key: 'same' }) }))).toEqual([
    409,
    'statement.key-reused',
  ])
})

test('not attested in time: 202 with the receipt and where to look', async () => {
  await using api = await publicServer()
  for (const ending of ['accepted', 'replicated'] as const) {
    api.ledger.ending = ending
    const answer = await api.post('/v1/records', { statement: statement() })
    expect(answer.statusCode).toBe(202)
    const pending = answer.json<PendingAnswer>()
    expect(pending.status).toBe(ending)
    expect(pending.receipt.statement).toBe(pending.statementId)
    expect(answer.headers.location).toBe(`/v1/records/${pending.statementId}`)
    expect(answer.headers['retry-after']).toBe('1')
  }
})

test.each([
  [undefined, 20_000, undefined],
  ['respond-async', 0, 'respond-async'],
  ['wait=3', 3000, 'wait=3'],
  ['Respond-Async, wait="5"', 5000, 'respond-async, wait=5'],
  ['wait=100000', 60_000, 'wait=60'],
  ['wait=0', 0, 'wait=0'],
  ['wait=2, wait=9', 2000, 'wait=2'],
  ['handling=lenient, wait=1;x=y', 1000, 'wait=1'],
  ['wait=soon', 20_000, undefined],
  ['respond-async=no', 20_000, undefined],
])('RFC 7240: Prefer: %s waits %i ms', async (prefer, waitMs, applied) => {
  const api = await shared
  const answer = await api.post('/v1/records', { statement: statement() }, prefer === undefined ? {} : { prefer })
  expect(api.ledger.lastOptions?.waitMs).toBe(waitMs)
  expect(answer.headers['preference-applied']).toBe(applied)
})

test('a refusal is a problem with the rule’s code, and nothing is kept', async () => {
  await using api = await publicServer()
  const sizeBefore = api.ledger.size
  const foreign = statement({ ledger: '00'.repeat(32) })
  const answer = await api.post('/v1/records', { statement: foreign })
  expect(saysNo(answer)).toEqual([422, 'statement.wrong-ledger'])
  expect(problemIn(answer).index).toBeUndefined()
  expect(api.ledger.size).toBe(sizeBefore)
})

test('fields of a refusal come in the caller’s language', async () => {
  await using api = await publicServer()
  const withoutKey = statement({ key: '' })
  const zh = problemIn(await api.post('/v1/records', { statement: withoutKey }))
  expect(zh.fields).toEqual([{ pointer: '/key', problem: '写法不对' }])
  const en = problemIn(await api.post('/v1/records', { statement: withoutKey }, { 'accept-language': 'en' }))
  expect(en.fields).toEqual([{ pointer: '/key', problem: 'has not the right form' }])
})

test('refused by the ledger after the receipt: 422 with the refusal record’s index and the receipt', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'refused-later'
  const answer = await api.post('/v1/records', { statement: statement() })
  const problem = problemIn(answer)
  expect(answer.statusCode).toBe(422)
  expect(problem).toMatchObject({ code: 'sealed.too-early', title: '开标前不得公开', index: '1' })
  const { receipt } = problem
  expect(receipt?.by).toContain('+08:00')
  // The refusal record itself is a record like any other; the statement is not one.
  expect((await api.get('/v1/records/1')).json()).toMatchObject({ kind: 'refusal', status: 'attested' })
  const looked = await api.get(`/v1/records/${receipt!.statement}`)
  expect(saysNo(looked)).toEqual([422, 'sealed.too-early'])
  expect(problemIn(looked).index).toBe('1')
})

test('what is only temporary says when to try again', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'full'
  const answer = await api.post('/v1/records', { statement: statement() })
  expect(saysNo(answer)).toEqual([503, 'node.overloaded'])
  expect(answer.headers['retry-after']).toBe('1')
})

test('a leaf of a sealed bid that is turned away for the moment is told so too', async () => {
  await using api = await publicServer()
  vi.spyOn(api.ledger.boxes, 'deposit').mockResolvedValue({ kind: 'refused', code: 'node.not-ready' })
  const tender = { owner: submitter.party, scheme: 'test', code: 'T-1' }
  const answer = await api.post('/v1/boxes/leaves', { tender, leaf: '00'.repeat(32) })
  expect(saysNo(answer)).toEqual([503, 'node.not-ready'])
  expect(answer.headers['retry-after']).toBe('1')
})

test('an error of ours is 500 and tells nothing but where to ask', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'broken'
  const answer = await api.post('/v1/records', { statement: statement() })
  expect(saysNo(answer)).toEqual([500, 'internal.error'])
  expect(answer.body).not.toContain('fire')
})

test.each<[string, string | Buffer, Record<string, string>, [number, string]]>([
  ['not JSON', '{"statement":', {}, [400, 'json.malformed']],
  ['a doubled name', '{"statement":"a.b.c","statement":"d.e.f"}', {}, [400, 'json.malformed']],
  ['a doubled name under an escape', '{"statement":"a.b.c","\\u0073tatement":"d.e.f"}', {}, [400, 'json.malformed']],
  ['a lone surrogate', '{"statement":"\\ud800"}', {}, [400, 'json.malformed']],
  ['no body', '', {}, [400, 'request.body-missing']],
  ['no member', '{}', {}, [400, 'request.body-invalid']],
  ['another type', '{"statement":1}', {}, [400, 'request.body-invalid']],
  ['null', 'null', {}, [400, 'request.body-invalid']],
  ['an array', '["a.b.c"]', {}, [400, 'request.body-invalid']],
  ['an unknown member', '{"statement":"a.b.c","__proto__":{}}', {}, [400, 'request.body-invalid']],
  ['an empty statement', '{"statement":""}', {}, [400, 'statement.malformed']],
  ['no JWS', '{"statement":"hello"}', {}, [400, 'statement.malformed']],
  ['not UTF-8 (GBK)', Buffer.from('7b2273746174656d656e74223a22b9abd6a4227d', 'hex'), {}, [400, 'request.not-utf8']],
  ['a byte order mark', `\uFEFF{"statement":"a.b.c"}`, {}, [400, 'json.malformed']],
  ['text', 'a.b.c', { 'content-type': 'text/plain' }, [415, 'request.unsupported-media-type']],
  [
    'a form',
    'statement=a.b.c',
    { 'content-type': 'application/x-www-form-urlencoded' },
    [415, 'request.unsupported-media-type'],
  ],
  ['a malformed content type', '{}', { 'content-type': 'json' }, [415, 'request.unsupported-media-type']],
  [
    'another charset',
    '{"statement":"a.b.c"}',
    { 'content-type': 'application/json; charset=gbk' },
    [415, 'request.unsupported-media-type'],
  ],
  ['a compressed body', '{"statement":"a.b.c"}', { 'content-encoding': 'gzip' }, [415, 'request.unsupported-encoding']],
])('malformed bodies: %s', async (_what, body, headers, expected) => {
  const api = await shared
  const sizeBefore = api.ledger.size
  expect(saysNo(await api.post('/v1/records', body, headers))).toEqual(expected)
  expect(api.ledger.size).toBe(sizeBefore)
})

test('a POST without a content type is told what is missing', async () => {
  await using api = await publicServer()
  expect(saysNo(await api.call({ method: 'POST', url: '/v1/records' }))).toEqual([400, 'request.body-missing'])
})

test('the JSON may be spelled with white space and escapes', async () => {
  await using api = await publicServer()
  const jws = statement()
  const escaped = jws.replace('.', '\\u002e')
  expect((await api.post('/v1/records', ` {\n"statement" : "${jws}"\t}\r\n`)).statusCode).toBe(201)
  expect((await api.post('/v1/records', `{"statement":"${escaped}"}`)).statusCode).toBe(200)
  expect(
    (await api.post('/v1/records', `{"statement":"${jws}"}`, { 'content-type': 'application/json; charset=UTF-8' }))
      .statusCode,
  ).toBe(200)
})

test('sizes: a statement over its limit is 413 by its own code, a body over the call’s limit is 413 before it is read', async () => {
  await using api = await publicServer()
  const tooLarge = 'a'.repeat(statementBytesMax + 1)
  expect(saysNo(await api.post('/v1/records', { statement: tooLarge }))).toEqual([413, 'statement.too-large'])
  const huge = await api.post('/v1/records', { statement: 'a'.repeat(200_000) })
  expect(saysNo(huge)).toEqual([413, 'request.too-large'])
  expect(problemIn(huge)).toMatchObject({ bytesMax: statementBytesMax + 1024 })
  expect(saysNo(await api.post('/v1/records', 'a'.repeat(200_000), { 'content-type': 'application/jose' }))).toEqual([
    413,
    'request.too-large',
  ])
})

test('query parameters on a submission are refused, not ignored', async () => {
  await using api = await publicServer()
  expect(saysNo(await api.post('/v1/records?wait=5', { statement: statement() }))).toEqual([
    400,
    'request.unknown-parameter',
  ])
})

test('a batch gives each statement its own result, in order', async () => {
  await using api = await publicServer()
  const known = statement()
  await api.post('/v1/records', { statement: known })
  const answer = await api.post('/v1/records/batch', {
    statements: [statement(), known, 'nonsense', statement({ ledger: 'ab'.repeat(32) })],
  })
  expect(answer.statusCode).toBe(200)
  const { results } = answer.json<BatchAnswer>()
  expect(results.map((result) => result.status)).toEqual([201, 200, 400, 422])
  expect(results[0]).toMatchObject({ record: { duplicate: false } })
  expect(results[1]).toMatchObject({ record: { duplicate: true } })
  expect(results[2]).toMatchObject({ problem: { code: 'statement.malformed', status: 400 } })
  expect(results[3]).toMatchObject({ problem: { code: 'statement.wrong-ledger' } })
})

test('a batch under Prefer: respond-async gives receipts', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'accepted'
  const answer = await api.post(
    '/v1/records/batch',
    { statements: [statement(), statement()] },
    { prefer: 'respond-async' },
  )
  expect(answer.headers['preference-applied']).toBe('respond-async')
  expect(answer.json<BatchAnswer>().results).toMatchObject([
    { status: 202, pending: { status: 'accepted' } },
    { status: 202 },
  ])
})

test('in a batch one failure of ours does not hide how the others ended', async () => {
  const failures: RequestFailure[] = []
  await using api = await publicServer({}, (failure) => failures.push(failure))
  const submit = api.ledger.submit.bind(api.ledger)
  api.ledger.submit = vi.fn(submit).mockRejectedValueOnce(new Error('disk'))
  const answer = await api.post('/v1/records/batch', { statements: [statement(), statement()] })
  expect(answer.json<BatchAnswer>().results).toMatchObject([
    { status: 500, problem: { code: 'internal.error' } },
    { status: 201 },
  ])
  expect(failures).toMatchObject([{ error: new Error('disk'), route: 'POST /v1/records/batch' }])
})

test('a caller that hangs up in the middle of a batch is no failure of ours', async () => {
  const failures: RequestFailure[] = []
  await using api = await publicServer({}, (failure) => failures.push(failure))
  const ended: Promise<unknown>[] = []
  api.ledger.submit = vi.fn((_jws: string, { signal }: SubmitOptions) => {
    const submission = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
    ended.push(submission.catch(() => undefined))
    return submission
  })
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  const body = JSON.stringify({ statements: [statement(), statement()] })
  socket.write(
    `POST /v1/records/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await vi.waitFor(() => expect(ended).toHaveLength(2))
  socket.destroy()
  await Promise.all(ended)
  // What a handler threw is answered, or not, before the server has closed.
  await api.app.close()
  expect(failures).toEqual([])
})

test.each<[unknown, string]>([
  [{ statements: [] }, '/statements'],
  [{ statements: Array.from({ length: 257 }, () => 'a') }, '/statements'],
  [{ statements: 'a.b.c' }, '/statements'],
  [{ statements: ['a.b.c', 7] }, '/statements/1'],
  [{ statement: 'a.b.c' }, '/statements'],
  [{ statements: ['a'], more: 1 }, '/more'],
])('a batch that is no batch is refused whole: %j', async (body, pointer) => {
  const api = await shared
  const answer = await api.post('/v1/records/batch', body)
  expect(saysNo(answer)).toEqual([400, 'request.body-invalid'])
  expect(problemIn(answer).fields?.map((field) => field.pointer)).toContain(pointer)
})

test('when the caller hangs up, the submission is told', async () => {
  await using api = await publicServer()
  api.ledger.ending = 'never'
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  const body = JSON.stringify({ statement: statement() })
  socket.write(
    `POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await vi.waitFor(() => expect(api.ledger.lastOptions).toBeDefined())
  expect(api.ledger.lastOptions?.signal?.aborted).toBe(false)
  socket.destroy()
  await vi.waitFor(() => expect(api.ledger.lastOptions?.signal?.aborted).toBe(true))
})

test('the hand-spelled answer is what JSON.stringify makes of the same values', async () => {
  await using api = await publicServer()
  const { body } = await api.post('/v1/records', { statement: statement({ note: '招标公告 "引号" \u2028' }) })
  const ascii = JSON.stringify(JSON.parse(body)).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  expect(body).toBe(ascii)
})
