/** What `npm run new-type` writes is in order, has the right types, and passes its own test: run in a copy of the rooms that it touches. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const copy = mkdtempSync(join(tmpdir(), 'gongzheng-new-type-'))
afterAll(() => rmSync(copy, { recursive: true }))

const run = (...args: readonly string[]) => spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' })
const tool = (name: string): string => join(root, 'node_modules', name)

it('writes a family that works', () => {
  for (const part of ['src/chain', 'test/chain/catalogue', 'package.json', 'tsconfig.json', 'biome.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const generate = (...args: readonly string[]) => run('test/chain/catalogue/new-type.ts', ...args)

  expect(generate().status).toBe(2)
  expect(generate('Lease', 'sign').status).toBe(2)
  expect(generate('auction', 'raise').status).toBe(1) // would overwrite
  for (const step of ['refuse', 'delete', 'text']) expect(generate('stall', 'offer', step).status).toBe(2)
  expect(generate('stall', 'offer', 'offer').status).toBe(2)
  expect(generate('stall', 'stall').status).toBe(2) // one constant for two things
  for (const family of ['bids', 'families', 'owner']) expect(generate(family, 'offer').status).toBe(1)
  const wrote = generate('land-lease', 'sign', 'renew', 'end')
  expect(wrote.stderr).toBe('')
  expect(readFileSync(join(copy, 'src/chain/catalogue/families.ts'), 'utf8')).toContain('landLease]')

  const paths = [
    'src/chain/catalogue/land-lease.ts',
    'src/chain/catalogue/families.ts',
    'test/chain/catalogue/land-lease.test.ts',
  ]
  const ordered = run(tool('@biomejs/biome/bin/biome'), 'check', '--write', '--error-on-warnings', ...paths)
  expect(ordered.stdout + ordered.stderr).not.toContain('Found')
  writeFileSync(
    join(copy, 'tsconfig.one.json'),
    JSON.stringify({ extends: './tsconfig.json', include: [], files: paths }),
  )
  expect(run(tool('typescript/bin/tsc'), '-p', 'tsconfig.one.json').stdout).toBe('')
  const test = (...args: readonly string[]) => run(tool('vitest/vitest.mjs'), 'run', ...args)
  const tested = test('test/chain/catalogue/land-lease.test.ts')
  expect(tested.stdout).toMatch(/Tests .*1[0-9] passed/)
  expect(tested.status).toBe(0)

  const nameLeft = test('test/chain/catalogue/catalogue-document.test.ts', '-t', 'as the frame left it')
  expect(nameLeft.stdout).toMatch(/Tests .*1 failed/)
  expect(nameLeft.stdout + nameLeft.stderr).toContain('land-lease.ts')
}, 120_000)
