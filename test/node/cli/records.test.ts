/** How what a node answers becomes words and an exit code; the node is a few lines of HTTP. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run, temporaryDirectory } from './run.ts'

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly type?: string
}

/** A node that gives this answer to everything, and remembers what it was asked. */
async function nodeThatAnswers({ status, body, type }: Answer) {
  const asked: { readonly url: string; readonly prefer: string; readonly language: string }[] = []
  const bodies: unknown[] = []
  const server = createServer((request, response) => {
    const { prefer = '', 'accept-language': language = '' } = request.headers
    asked.push({ url: request.url!, prefer: String(prefer), language })
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => text !== '' && bodies.push(JSON.parse(text)))
    const usual = status < 400 ? 'application/json' : 'application/problem+json'
    response.writeHead(status, { 'content-type': type ?? usual })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, bodies }
}

const pending: Answer = {
  status: 202,
  body: { statementId: 'ab'.repeat(32), status: 'accepted', receipt: { by: '2026-11-22T10:16:00.000+08:00' } },
}

function readyStatement(): string {
  const path = join(temporaryDirectory(), 'statement.jws')
  writeFileSync(path, 'eyJh.eyJi.c2ln\n')
  return path
}

test('a receipt is enough without --wait, and exit code 4 with it', async () => {
  const { url, asked } = await nodeThatAnswers(pending)
  const statement = readyStatement()
  const receipt = await run('submit', statement, '--url', url)
  expect(receipt.code).toBe(0)
  expect(receipt.out).toContain('not attested yet')
  expect((await run('submit', statement, '--url', url, '--wait')).code).toBe(4)
  expect((await run('submit', statement, '--url', url, '--wait-seconds', '3')).code).toBe(4)
  expect(asked.map(({ prefer }) => prefer)).toEqual(['wait=0', '', 'wait=3'])
})

test('a receipt is kept as a file with its statement, before anybody waits, and can be brought to another member', async () => {
  const { url, asked } = await nodeThatAnswers(pending)
  const file = join(temporaryDirectory(), 'receipt.json')
  const ran = await run('submit', readyStatement(), '--url', url, '--wait', '--receipt', file)
  expect(ran.code).toBe(4)
  expect(asked.map(({ prefer }) => prefer)).toEqual(['wait=0', ''])
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    format: 1,
    receipt: { by: '2026-11-22T10:16:00.000+08:00' },
    statement: 'eyJh.eyJi.c2ln',
  })
  const other = await nodeThatAnswers(pending)
  expect((await run('submit', file, '--url', other.url)).code).toBe(0)
  expect(other.bodies).toEqual([{ statement: 'eyJh.eyJi.c2ln' }])
})

test('a receipt that cannot be written to its file is shown instead: nobody gives it again', async () => {
  const { url } = await nodeThatAnswers(pending)
  const file = join(temporaryDirectory(), 'nowhere', 'receipt.json')
  const ran = await run('submit', readyStatement(), '--url', url, '--wait', '--receipt', file)
  expect(ran.code).toBe(2)
  expect(ran.error).toContain('file.unwritable')
  expect(JSON.parse(ran.error.slice(ran.error.indexOf('{'), ran.error.lastIndexOf('}') + 1))).toMatchObject({
    receipt: { by: '2026-11-22T10:16:00.000+08:00' },
    statement: 'eyJh.eyJi.c2ln',
  })
})

test('a record that is on its way has no proof yet: exit code 4', async () => {
  const { url } = await nodeThatAnswers({ ...pending, status: 200 })
  const ran = await run('get', 'ab'.repeat(32), '--url', url, '--proof', '/nonexistent/proof')
  expect(ran.code).toBe(4)
  expect(ran.error).toContain('record.pending')
})

test('a refusal is shown with its code, cause, remedy and fields, in the language asked for: exit code 1', async () => {
  const body = {
    code: 'schema.violation',
    title: 'Fields wrong',
    cause: 'Because.',
    remedy: 'Mend it.',
    detail: '/price/amount',
    status: 422,
    fields: [{ pointer: '/price/amount', problem: 'must be a decimal string' }],
  }
  const { url, asked } = await nodeThatAnswers({ status: 422, body })
  const ran = await run('submit', readyStatement(), '--url', url)
  expect(ran.code).toBe(1)
  for (const words of ['schema.violation', 'Because.', 'Mend it.', '/price/amount: must be a decimal string']) {
    expect(ran.error).toContain(words)
  }
  expect(ran.error.split('/price/amount')).toHaveLength(2) // once, though the detail says it too
  await run('submit', readyStatement(), '--url', url, '--lang', 'zh')
  expect(asked.map(({ language }) => language)).toEqual(['en', 'zh-CN'])
})

test.each([
  ['of one field, in the other language', '/end: must be after the beginning', '「截止」须晚于起算', 1],
  ['that says more than the field', 'block time is before the opening', '尚未到开标时间', 2],
])('a detail %s', async (_, detail, problem, lines) => {
  const words = { title: '标题', cause: '因为。', remedy: '请改。' }
  const body = { code: 'some.refusal', ...words, detail, status: 422, fields: [{ pointer: '/end', problem }] }
  const { url } = await nodeThatAnswers({ status: 422, body })
  const ran = await run('submit', readyStatement(), '--url', url, '--lang', 'zh')
  expect(ran.error).toContain(`/end: ${problem}`)
  expect([detail, problem].filter((said) => ran.error.includes(said))).toHaveLength(lines)
})

test('what answers and is no member is said to be none: exit code 3', async () => {
  const { url } = await nodeThatAnswers({ status: 404, body: 'not found', type: 'text/html' })
  const ran = await run('status', '--url', url)
  expect(ran.code).toBe(3)
  expect(ran.error).toContain(url)
})

test('plain fields without a key, or a key without a party, are told what is missing', async () => {
  const directory = temporaryDirectory()
  const fields = join(directory, 'fields.json')
  writeFileSync(fields, '{"type":"attest.hash@1","key":"1"}')
  expect((await run('submit', fields)).error).toContain('key.none-given')
  const key = join(directory, 'key.json')
  await run('keygen', '--out', key)
  expect((await run('submit', fields, '--key', key)).error).toContain('key.no-party')
  writeFileSync(fields, '[1]')
  expect((await run('submit', fields, '--key', key)).error).toContain('statement.malformed')
})

test('what is no statement does not leave the machine: it may be the key itself, or a bid’s own file', async () => {
  const { url, bodies } = await nodeThatAnswers({ status: 200, body: { ledger: 'ab'.repeat(32) } })
  const directory = temporaryDirectory()
  const key = join(directory, 'key.json')
  await run('keygen', '--party', 'uscc:91350100M000100Y43', '--out', key)
  const own = join(directory, 'bid.json')
  writeFileSync(own, JSON.stringify({ format: 'gongzheng/bid@1', ledger: 'ab'.repeat(32), fileKey: 'cd'.repeat(32) }))
  for (const file of [key, own]) {
    const ran = await run('submit', file, '--key', key, '--url', url)
    expect([ran.code, ran.error]).toEqual([2, expect.stringContaining('statement.malformed')])
    expect(bodies).toEqual([])
  }
})
