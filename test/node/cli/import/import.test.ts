/** `gongzheng import` against a node of a few lines of HTTP: what is sent, what is said of each item, and the exit codes. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseStatement } from '../../../../src/chain/statement.ts'
import { run, runJson, temporaryDirectory } from '../run.ts'

const ledger = 'ab'.repeat(32)
const row = (id: string, fields: object = {}) => ({
  record_id: id,
  title: `${id} 项目公开招标公告`,
  project_code: 'P-1',
  publish_date: '2026-03-16 20:24',
  region: '河南省',
  business_type: '政府采购',
  info_type: '采购/资审公告',
  source_platform: '河南省',
  detail_url: 'https://example.org/1',
  contentSha256: '5a'.repeat(32),
  ...fields,
})

type Answer = (type: string, key: string) => object

const record = (duplicate: boolean): object => ({ status: duplicate ? 200 : 201, record: { index: '7', duplicate } })

/** A node that answers each statement of a batch, and remembers what it was sent, batch by batch. */
async function nodeThatAnswers(answer: Answer, status = 200) {
  const batches: (readonly string[])[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const isStatus = request.url === '/v1/status'
      response.writeHead(isStatus ? 200 : status, { 'content-type': 'application/json' })
      if (isStatus) return response.end(JSON.stringify({ ledger }))
      const statements = (JSON.parse(body).statements as string[]).map((jws) => parseStatement(jws, ledger))
      batches.push(statements.map(({ type, key }) => `${type} ${key}`))
      return response.end(JSON.stringify({ results: statements.map(({ type, key }) => answer(type, key)) }))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, batches }
}

async function fileOf(content: string): Promise<{ readonly file: string; readonly key: string }> {
  const directory = temporaryDirectory()
  const [file, key] = [join(directory, 'items'), join(directory, 'key.json')]
  writeFileSync(file, content)
  const ran = await run('keygen', '--out', key, '--party', 'uscc:91330100716105852F')
  expect(ran.code, ran.error).toBe(0)
  return { file, key }
}
const lines = (...rows: readonly object[]): string => rows.map((item) => JSON.stringify(item)).join('\n')

test('each item is signed and sent in its order, those of one tender in requests of their own', async () => {
  const { url, batches } = await nodeThatAnswers(() => record(false))
  const { file, key } = await fileOf(
    lines(
      row('c', { info_type: '中标公告', publish_date: '2026-04-10 09:00' }),
      row('x', { project_code: 'P-2' }),
      row('b', { info_type: '更正事项', publish_date: '2026-03-20 09:00' }),
      row('a'),
    ),
  )
  const ran = await runJson('import', 'notices', file, '--key', key, '--url', url)
  expect(ran.code, ran.error).toBe(0)
  expect(batches.map((batch) => batch.toSorted())).toEqual([
    ['tender.notice@1 ggzy:a', 'tender.notice@1 ggzy:x'],
    ['tender.amend@1 ggzy:b'],
    ['tender.award@1 ggzy:c'],
  ])
  expect(ran.json).toMatchObject({ ok: true, items: 4, counts: { recorded: 4, before: 0, refused: 0 } })
})

test('a second run sends the same statements, and finds them on the ledger', async () => {
  const seen = new Set<string>()
  const { url, batches } = await nodeThatAnswers((type, key) => {
    const isKnown = seen.has(`${type} ${key}`)
    seen.add(`${type} ${key}`)
    return record(isKnown)
  })
  const { file, key } = await fileOf(lines(row('a'), row('b', { project_code: 'P-2' })))
  const first = await run('import', 'notices', file, '--key', key, '--url', url)
  const second = await run('import', 'notices', file, '--key', key, '--url', url)
  expect([first.code, second.code]).toEqual([0, 0])
  expect(batches[1]).toEqual(batches[0])
  expect(second.out).toMatch(/On the ledger before\s+2/)
})

test('what cannot be imported, and what the ledger refuses, has a line; the rest goes on: exit code 1', async () => {
  const refused = {
    status: 422,
    problem: { code: 'key.unknown', title: 'Unknown key', detail: 'not registered', status: 422 },
  }
  const { url } = await nodeThatAnswers((_, key) => (key === 'ggzy:b' ? refused : record(false)))
  const { file, key } = await fileOf(
    lines(row('a'), row('b'), row('c', { info_type: '某公告' }), row('d', { project_code: '一'.repeat(65) })),
  )
  const ran = await run('import', 'notices', file, '--key', key, '--url', url)
  expect(ran.code).toBe(1)
  expect(ran.error).toContain('b tender.notice@1 key.unknown: Unknown key; not registered')
  expect(ran.error).toContain('某公告')
  expect(ran.error).toMatch(/d tender\.notice@1 code\.malformed: \/tender\/code/)
  expect(ran.out).toMatch(/Attested\s+1/)
  expect(ran.out).toMatch(/Could not be imported\s+2/)
})

test('a receipt without attestation is exit code 4, and nobody who answers 3, with what went in before', async () => {
  const pending = { status: 202, pending: { statementId: 'ab'.repeat(32), status: 'accepted', receipt: {} } }
  const waiting = await nodeThatAnswers(() => pending)
  const { file, key } = await fileOf(lines(row('a')))
  expect((await run('import', 'notices', file, '--key', key, '--url', waiting.url)).code).toBe(4)
  const nobody = await run('import', 'notices', file, '--key', key, '--url', 'http://127.0.0.1:1')
  expect(nobody.code).toBe(3)
})

test('a dry run needs no key and no node', async () => {
  const { file } = await fileOf(lines(row('a'), row('b', { budget: '30.0' })))
  const ran = await runJson('import', 'notices', file, '--dry-run')
  expect(ran.code).toBe(0)
  expect(ran.json).toMatchObject({ dryRun: true, counts: { ready: 2 } })
  expect(ran.error).toContain('"30.0" has no unit')
})

test('a file may be JSON lines, an array, an object of data sets, or CSV with a head row', async () => {
  const project = { TENDER_PROJECT_CODE: 'E1', TENDERER_CODE: '91330100716105852F' }
  const opening = { TENDER_PROJECT_CODE: 'E1', BID_OPENING_TIME: '20260316093000' }
  const csv = '\uFEFFTENDER_PROJECT_CODE,BID_OPENING_TIME,NOTE\r\n"E1","20260316093000","a, ""b"""\r\n'
  for (const [text, more] of [
    [lines(project, opening), []],
    [JSON.stringify([project, opening], null, 2), []],
    [JSON.stringify({ GCJS_TENDER_PROJECT: [project], GCJS_OPENING_RECORD: [opening] }), []],
    [csv, ['--owner', 'uscc:91330100716105852F']],
  ] as const) {
    const { file } = await fileOf(text)
    const ran = await runJson('import', 'datasets', file, '--dry-run', ...more)
    expect(ran.code, `${text}\n${ran.error}`).toBe(0)
    expect(ran.json).toMatchObject({ counts: { ready: 1 } })
  }
})

test.each([
  ['', 'import.unreadable'],
  ['[]', 'import.empty'],
  ['{"a":1}\nnot json', 'import.unreadable'],
  ['a,b\n1,2,3', 'import.unreadable'],
  ['[1]', 'import.unreadable'],
])('a file that holds %j cannot be used: exit code 2', async (text, code) => {
  const { file } = await fileOf(text)
  const ran = await run('import', 'datasets', file, '--dry-run')
  expect(ran.error).toContain(code)
  expect(ran.code).toBe(2)
})
