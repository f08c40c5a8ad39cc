/** `check` hashes files where they are and says what a member answers, with the exit code that a script needs. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { VerificationsAnswer } from '../../../src/api/answers.ts'
import { buildPublicServer } from '../../../src/api/server.ts'
import { FakeLedger, statement, submitter } from '../../api/fake-ledger.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

/** A member, and a file that a record on its ledger attests. */
async function memberAndFile(algorithm: 'sha256' | 'sm3' = 'sha256') {
  const ledger = new FakeLedger()
  const app = await buildPublicServer({}, { service: ledger, onFailure: () => undefined })
  onTestFinished(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const directory = temporaryDirectory()
  const file = join(directory, '招标文件.pdf')
  // Longer than one read.
  const content = Buffer.alloc(3_000_000, '公告')
  writeFileSync(file, content)
  const value = createHash(algorithm).update(content).digest('hex')
  ledger.put('attest.hash@1', submitter.party, { hash: { algorithm, value } })
  return { ledger, url, directory, file, value }
}

test('a file that is attested: which record, and exit code 0', async () => {
  const { url, file, value } = await memberAndFile()
  const ran = await run('check', file, '--url', url)
  expect([ran.code, ran.out]).toEqual([0, expect.stringMatching(/^match: record 1, 2026-.*招标文件\.pdf/)])
  expect(ran.error).toContain('2 entries')
  expect((await run('check', file, '--url', url, '--lang', 'zh')).out).toContain('一致：记录 1')
  const { json } = await runJson<VerificationsAnswer>('check', '--hash', value, '--url', url)
  expect(json).toMatchObject({ ok: true, results: [{ name: value, result: 'match' }], asOf: { size: '2' } })
})

test('by SM3', async () => {
  const { url, file } = await memberAndFile('sm3')
  expect((await run('check', file, '--url', url, '--algorithm', 'sm3')).code).toBe(0)
  expect((await run('check', file, '--url', url)).code).toBe(1)
})

test('one of several that is not there: each is said, exit code 1', async () => {
  const { url, directory, file } = await memberAndFile()
  const other = join(directory, 'other.pdf')
  writeFileSync(other, '')
  const ran = await run('check', file, other, '--url', url)
  expect(ran.code).toBe(1)
  expect(ran.out.trim().split('\n')).toEqual([
    expect.stringMatching(/^match: record 1.*招标文件\.pdf$/),
    expect.stringMatching(/^mismatch: not on the ledger.*other\.pdf$/),
  ])
})

test('against a record that holds something else, or is not there', async () => {
  const { url, file } = await memberAndFile()
  const against = async (record: string) => {
    const { code, out } = await run('check', file, '--record', record, '--url', url)
    return [code, out.trim().replace(/ {2,}.*/, '')]
  }
  expect(await against('1')).toEqual([0, expect.stringContaining('match: record 1')])
  expect(await against('0')).toEqual([1, 'mismatch: not in record 0'])
  expect(await against('9')).toEqual([1, 'mismatch: no such record'])
})

test('on the ledger and not attested yet: exit code 4', async () => {
  const { ledger, url } = await memberAndFile()
  const value = 'ab'.repeat(32)
  ledger.ending = 'replicated'
  await ledger.submit(statement({ hash: { algorithm: 'sha256', value } }), { waitMs: 0 })
  const ran = await run('check', '--hash', value, '--url', url)
  expect([ran.code, ran.out]).toEqual([4, expect.stringContaining('not attested yet: record 3')])
})

test.each(['missing', 'folder', '/dev/zero'])(
  'a file that is none (%s) is said with its name: exit code 2',
  async (name) => {
    const { url, directory } = await memberAndFile()
    mkdirSync(join(directory, 'folder'))
    const path = name.startsWith('/') ? name : join(directory, name)
    const ran = await run('check', path, '--url', url)
    expect(ran.code).toBe(2)
    expect(ran.error).toContain(path)
    expect(ran.error).not.toMatch(/\n\s+at /)
  },
)

test('a hash that is none is the member’s no, field and all', async () => {
  const { url } = await memberAndFile()
  const ran = await run('check', '--hash', 'x', '--url', url)
  expect(ran.code).toBe(1)
  expect(ran.error).toContain('must be 64 hexadecimal digits')
})
