/** `npm run demo:cheat` plays as docs/trust.md says, line by line, in both languages. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { acts, type Outcome, trustRows } from './cheat/acts.ts'

const root = resolve(import.meta.dirname, '../..')

test.each([
  ['en', 'docs/trust.md'],
  ['zh', 'docs/trust.zh.md'],
] as const)('the table in %s has a row for each act, in the words that the audience hears', (language, document) => {
  const rows = readFileSync(resolve(root, document), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
  expect(rows.slice(2)).toEqual(trustRows(language))
})

test('every act comes out as promised, with real processes', { timeout: 900_000 }, async () => {
  const run = promisify(execFile)(process.execPath, [resolve(import.meta.dirname, 'cheat.ts'), '--json'], {
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error)
  expect(stdout, stderr).not.toBe('')
  const { ok, acts: played } = JSON.parse(stdout) as { ok: boolean; acts: { id: string; outcome: Outcome }[] }
  expect(played.map(({ id, outcome }) => [id, outcome])).toEqual(acts.map(({ id, expected }) => [id, expected]))
  expect(ok).toBe(true)
})
