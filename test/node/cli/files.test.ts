/** What a person names to be written: a file is replaced as a whole, and what is no file is written to and stays what it is. */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeDirectories, readBytes, writeWhole } from '../../../src/node/cli/files.ts'
import { loadConfiguration } from '../../../src/node/configuration.ts'
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

const mainFile = fileURLToPath(new URL('../../../src/node/cli/main.ts', import.meta.url))

/** Where files can be made, and nothing can be written into them. */
function runWithoutRoom(...argv: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  const command = ['-c', 'ulimit -f 0; exec "$@"', 'bash', process.execPath, mainFile, '--lang', 'en', ...argv]
  return spawnSync('bash', command, { encoding: 'utf8' })
}

test('on a full disk nothing is left of a new file, and with room the same command works', () => {
  const directory = temporaryDirectory()
  const commands = [
    ['keygen', '--party', 'uscc:91350100M000100Y43', '--out', join(directory, 'key.json')],
    ['genesis', 'new', '--name', 'x.example', '--out', join(directory, 'charter.json')],
  ]
  for (const command of commands) {
    const { status, stderr } = runWithoutRoom(...command)
    expect([status, stderr]).toEqual([2, expect.stringContaining('file.unwritable')])
  }
  expect(readdirSync(directory)).toEqual([])
  for (const command of commands) expect(spawnSync(process.execPath, [mainFile, ...command]).status).toBe(0)
})

test('what cannot take its place is not left beside it', () => {
  const directory = temporaryDirectory()
  makeDirectories(join(directory, 'proof'))
  expect(() => writeWhole(join(directory, 'proof'), 'one', { replace: true })).toThrow(/EISDIR/)
  expect(readdirSync(directory)).toEqual(['proof'])
})

test('a folder that cannot be made is said with its path', () => {
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, '')
  expect(() => makeDirectories(join(file, 'v1'))).toThrow(
    expect.objectContaining({ code: 'file.unwritable', message: expect.stringContaining(file) }),
  )
})

test('a directory where a file should be is said with its path', async () => {
  const home = temporaryDirectory()
  const path = join(home, 'config.json')
  makeDirectories(path)
  const withPath = { message: expect.stringContaining(path) }
  expect(() => readBytes(path)).toThrow(expect.objectContaining({ code: 'file.unreadable', ...withPath }))
  await expect(loadConfiguration(home)).rejects.toMatchObject({ code: 'configuration.unreadable', ...withPath })
})
