/** What a person names to be written: a file is replaced as a whole, and what is no file is written to and stays what it is. */
import { execFile, execFileSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { writeWhole } from '../../../src/node/cli/files.ts'
import { temporaryDirectory } from './run.ts'

test('a file is replaced, and nothing is left beside it', () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'proof')
  for (const text of ['one', 'another']) writeWhole(path, text, { replace: true })
  expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['another', ['proof']])
})

test('a pipe is written to, and is a pipe afterwards', async () => {
  const pipe = join(temporaryDirectory(), 'pipe')
  execFileSync('mkfifo', [pipe])
  const reading = promisify(execFile)('cat', [pipe])
  writeWhole(pipe, 'what was proven', { replace: true })
  expect((await reading).stdout).toBe('what was proven')
  expect(lstatSync(pipe).isFIFO()).toBe(true)
})
