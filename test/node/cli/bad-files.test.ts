/**
 * Every command that reads a file, given one that is missing, empty, a folder, binary, huge, without an end, or text that means nothing: a
 * plain message, the documented exit code, never a stack trace and never a wait.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readKeyFile } from '../../../src/node/key-file.ts'
import { entries, policyText, proofFileOf } from '../../chain/proof-fixture.ts'
import { type Ran, run, temporaryDirectory } from './run.ts'

/** Name and path of what is no good to anybody. */
function badFiles(directory: string): readonly (readonly [what: string, path: string])[] {
  const put = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  mkdirSync(join(directory, 'folder'))
  const files: (readonly [string, string])[] = [
    ['missing', join(directory, 'missing')],
    ['below a file', join(put('file', ''), 'x')],
    ['a folder', join(directory, 'folder')],
    ['empty', put('empty', '')],
    [
      'binary',
      put(
        'binary',
        Uint8Array.from({ length: 3_000 }, (_, i) => (i * 7) & 0xff),
      ),
    ],
    ['NULs', put('nuls', new Uint8Array(100))],
    ['huge', put('huge', new Uint8Array(5 * 1024 * 1024).fill(0x20))],
    ['deep', put('deep', '['.repeat(100_000))],
    ['null', put('null', 'null')],
    ['an empty object', put('object', '{}')],
    ['an empty list', put('list', '[]')],
    ['a number', put('number', '7')],
    ['odd members', put('odd', '{"card":null,"charter":[],"genesis":7,"signature":{},"__proto__":{}}')],
  ]
  if (existsSync('/dev/zero')) files.push(['without an end', '/dev/zero'])
  return files
}

function holdPlain(ran: Ran, what: string): void {
  expect([1, 2, 3], `${what}: ${ran.error}`).toContain(ran.code)
  expect(ran.error, what).not.toMatch(/internal\.command|\n\s+at /)
  expect(ran.error.trim(), what).not.toBe('')
}

describe('a file that is no good', () => {
  const directory = (): string => temporaryDirectory()

  test('as proof, policy or entry of verify', async () => {
    const home = directory()
    const good = { proof: proofFileOf(5), policy: policyText, entry: entries[5]! }
    const paths: Record<string, string> = {}
    for (const [name, content] of Object.entries(good)) {
      paths[name] = join(home, `good-${name}`)
      writeFileSync(paths[name], content)
    }
    for (const [what, path] of badFiles(home)) {
      for (const name of Object.keys(good)) {
        const given = { ...paths, [name]: path }
        const argv = Object.entries(given).flatMap(([option, value]) => [`--${option}`, value])
        holdPlain(await run('verify', ...argv), `${name}: ${what}`)
      }
    }
  })

  test('as the file or the home of a founding', async () => {
    const home = directory()
    for (const [what, path] of badFiles(home)) {
      for (const argv of [
        ['genesis', 'review', path],
        ['genesis', 'fingerprint', path],
        ['genesis', 'sign', path, '--home', home],
        ['genesis', 'collect', path, '--home', home],
        ['genesis', 'card', '--home', path],
        ['genesis', 'review', '--home', path],
        ['replay', '--home', path],
      ]) {
        holdPlain(await run(...argv), `${argv.join(' ')}: ${what}`)
      }
    }
  })

  test('as the key or the statement of a submitter', async () => {
    const home = directory()
    const key = join(home, 'good-key.json')
    expect((await run('keygen', '--out', key, '--party', 'uscc:914403001922038216')).code).toBe(0)
    const nowhere = ['--url', 'http://127.0.0.1:1']
    for (const [what, path] of badFiles(home)) {
      for (const argv of [
        [
          'register',
          'request',
          '--key',
          path,
          '--name',
          'A',
          '--ledger',
          'ab'.repeat(32),
          '--out',
          join(home, 'out.jws'),
        ],
        ['register', 'approve', path, '--home', home, '--yes'],
        ['submit', path, '--key', key, ...nowhere],
        ['submit', key, '--key', path, ...nowhere],
      ]) {
        holdPlain(await run(...argv), `${argv.join(' ')}: ${what}`)
      }
    }
  })

  test.runIf(process.platform !== 'win32')('a named pipe is no key file, and nobody waits for it', () => {
    const pipe = join(directory(), 'pipe')
    expect(spawnSync('mkfifo', ['-m', '600', pipe]).status).toBe(0)
    expect(() => readKeyFile(pipe, { kind: 'node' })).toThrow(expect.objectContaining({ code: 'identity.damaged' }))
  })
})
