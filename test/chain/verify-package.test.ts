/**
 * The package entry `gongzheng/verify` as somebody else gets it: packed by npm, unpacked into an empty project beside its dependencies
 * (copied, so that no network is needed), and used from JavaScript and TypeScript. The examples are those of docs/verifying.md.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sealMessage } from '../../src/chain/certificate.ts'
import { formatFault } from '../../src/chain/fault.ts'
import { run as runCommand } from '../node/cli/run.ts'
import { LedgerStage } from '../node/ledger-stage.ts'
import { entries, origin, policyText, proofFileOf } from './proof-fixture.ts'

const project = join(import.meta.dirname, '..', '..')
const elsewhere = mkdtempSync(join(tmpdir(), 'gongzheng-verify-'))
const installed = join(elsewhere, 'node_modules', 'gongzheng')
const [example, bundleExample] = [
  ...readFileSync(join(project, 'docs', 'verifying.md'), 'utf8').matchAll(/```js\n(import .*?)```/gs),
].map(([, code]) => code!) as [string, string]

beforeAll(() => {
  // `prepack` builds the entry.
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', elsewhere], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { filename } = JSON.parse(packed.slice(packed.indexOf('[')))[0] as { filename: string }
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(elsewhere, filename), '-C', installed, '--strip-components=1'])
  for (const name of ['@noble/curves', '@noble/hashes', 'fflate']) {
    cpSync(join(project, 'node_modules', name), join(elsewhere, 'node_modules', name), { recursive: true })
  }
  writeFileSync(join(elsewhere, 'package.json'), '{"type":"module"}')
  writeFileSync(join(elsewhere, 'example.js'), example)
  writeFileSync(join(elsewhere, 'bundle.js'), bundleExample)
  writeFileSync(join(elsewhere, 'policy.txt'), policyText)
  writeFileSync(join(elsewhere, 'entry.json'), entries[3]!)
  writeFileSync(join(elsewhere, '3.tlog-proof'), proofFileOf(3))
  writeFileSync(join(elsewhere, '4.tlog-proof'), proofFileOf(4))
}, 120_000)

afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

function run(program: string, ...args: readonly string[]): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: elsewhere,
    encoding: 'utf8',
  })
  return { code: status, output: stdout + stderr }
}

test('the example of docs/verifying.md runs, and says who cosigned', () => {
  const { code, output } = run('example.js', 'policy.txt', '3.tlog-proof', 'entry.json')
  expect(output).toBe(`entry 3 of 13 in ${origin}
cosigned by guangzhou at 2026-11-22T02:00:00.000Z
cosigned by beijing at 2026-11-22T02:00:01.000Z
cosigned by wuhan at 2026-11-22T02:00:02.000Z
`)
  expect(code).toBe(0)
})

test('it refuses the proof of another entry, and says why', () => {
  const { code, output } = run('example.js', 'policy.txt', '4.tlog-proof', 'entry.json')
  expect(output).toMatch(
    /^not verified, inclusion\.mismatch: the entry leads to root [0-9a-f]{64}, not to [0-9a-f]{64}\n$/,
  )
  expect(code).toBe(1)
})

describe('court bundles and fault proofs', () => {
  const stage = new LedgerStage()
  const bundle = join(elsewhere, 'bundle.zip')
  beforeAll(async () => {
    stage.register('guangzhou')
    const ran = await runCommand(
      'export',
      'bundle',
      stage.attest(),
      '--url',
      await stage.serve('beijing'),
      '--out',
      bundle,
    )
    if (ran.code !== 0) throw new Error(ran.error)
    const context = { ledger: stage.genesis.ledger, epoch: 0 }
    const vote = (candidate: string) => {
      const message = sealMessage('VOTE', context, [9, candidate, [1, 1, new Uint8Array(32)]])
      return { message, signature: stage.world.sign('wuhan', 'seal', message) }
    }
    const kid = stage.genesis.members.find(({ id }) => id === 'wuhan')!.node.seal
    writeFileSync(
      join(elsewhere, 'fault.json'),
      formatFault({ kid, form: 'sealed', first: vote('a'), second: vote('b') }),
    )
  }, 120_000)
  afterAll(() => stage[Symbol.asyncDispose]())

  test('the second example says claim by claim whether a bundle holds', () => {
    const good = run('bundle.js', 'bundle.zip', stage.genesis.fingerprint)
    expect(good.output).toMatch(
      /^good {2}The files are whole: [\s\S]*\ngood {2}Compared with what you gave: .*\nverified\n$/,
    )
    expect(good.code).toBe(0)
    const other = run('bundle.js', 'bundle.zip', '0000-0000-0000-0000-0000')
    expect([other.code, other.output]).toEqual([
      1,
      expect.stringMatching(/\nbad {3}Compared with what you gave: .*\nnot verified\n$/),
    ])
    expect(run('bundle.js', 'fault.json', '')).toEqual({
      code: 0,
      output: expect.stringMatching(/^two votes in term 9 by /),
    })
  })

  test('a bundle without Node’s modules, as in a browser, is judged alike', () => {
    const manifest = join(installed, 'dist', 'verify', 'package.json')
    const original = readFileSync(manifest, 'utf8')
    const { type, imports } = JSON.parse(original)
    const nodes = run('bundle.js', 'bundle.zip', stage.genesis.fingerprint)
    writeFileSync(manifest, JSON.stringify({ type, imports: { '#crypto': imports['#crypto'].default } }))
    try {
      expect(run('bundle.js', 'bundle.zip', stage.genesis.fingerprint)).toEqual(nodes)
    } finally {
      writeFileSync(manifest, original)
    }
  })
})

test('the package holds what verifying needs, and no TypeScript that could not run there', () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  expect(Object.keys(manifest.dependencies)).toEqual(
    expect.arrayContaining(['@noble/curves', '@noble/hashes', 'fflate']),
  )
  expect(reachable('verify.js', 'crypto-native.js')).toContain('node:crypto')
})

test('without Node’s modules and Buffer, as in a browser, it gives the same answer', () => {
  expect(reachable('verify.js', 'crypto-portable.js').filter((name) => !/^(\.\/|@noble\/|fflate$)/.test(name))).toEqual(
    [],
  )
  // The same package as a bundler for browsers resolves it: without the condition `node`.
  const manifest = join(installed, 'dist', 'verify', 'package.json')
  const original = readFileSync(manifest, 'utf8')
  const { type, imports } = JSON.parse(original)
  writeFileSync(manifest, JSON.stringify({ type, imports: { '#crypto': imports['#crypto'].default } }))
  writeFileSync(join(elsewhere, 'browser.js'), `delete globalThis.Buffer\nawait import('./example.js')\n`)
  try {
    const args = ['policy.txt', '3.tlog-proof', 'entry.json'] as const
    // readFileSync gives Buffers all the same; the package sees them as the byte arrays that they are.
    expect(run('browser.js', ...args)).toEqual(run('example.js', ...args))
    expect(run('browser.js', ...args).code).toBe(0)
  } finally {
    writeFileSync(manifest, original)
  }
})

test('its types serve a strict TypeScript project', () => {
  writeFileSync(
    join(elsewhere, 'consumer.ts'),
    `import { type VerifiedEntry, VerificationError, type VerificationCode, verifyProofFile } from 'gongzheng/verify'
const verified: VerifiedEntry = verifyProofFile({ policy: '', proofFile: '', entry: new Uint8Array() })
export const size: bigint = verified.size
export const names: readonly string[] = verified.cosigners.map(({ name }) => name)
export const code: VerificationCode = new VerificationError('policy.quorum-missing', '').code
// @ts-expect-error an entry is bytes
verifyProofFile({ policy: '', proofFile: '', entry: 'text' })
`,
  )
  const tsc = join(project, 'node_modules', 'typescript', 'bin', 'tsc')
  const options = '--noEmit --strict --module nodenext --target es2024 --types'.split(' ')
  expect(run(tsc, ...options, '', 'consumer.ts')).toEqual({ code: 0, output: '' })
})

/** What is imported from `start` on, with `#crypto` standing for one of the twins: our own files and every other name. */
function reachable(start: string, crypto: string): string[] {
  const names = new Set([`./${start}`])
  for (const name of names) {
    if (!name.startsWith('./')) continue
    const source = readFileSync(join(installed, 'dist', 'verify', name), 'utf8')
    for (const [, specifier] of source.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'/gms)) {
      names.add(specifier === '#crypto' ? `./${crypto}` : specifier!)
    }
  }
  return [...names]
}
