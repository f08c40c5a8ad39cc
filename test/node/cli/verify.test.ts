/** `verify` believes nobody: any bit that is not as it was signed makes it refuse, with a reason and exit code 1. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { utf8 } from '../../../src/chain/bytes.ts'
import { encodeRefusalEntry } from '../../../src/chain/entry.ts'
import { entryWords } from '../../../src/chain/entry-words.ts'
import {
  checkpointText,
  cosignatureBy,
  entries,
  logSignatureBy,
  noteBy,
  origin,
  policyText,
  proofFileOf,
} from '../../chain/proof-fixture.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

const index = 5

function files() {
  const directory = temporaryDirectory()
  const paths = {
    policy: join(directory, 'policy.txt'),
    proof: join(directory, 'proof.tlog-proof'),
    entry: join(directory, 'entry.json'),
  }
  writeFileSync(paths.policy, policyText)
  writeFileSync(paths.proof, proofFileOf(index))
  writeFileSync(paths.entry, entries[index]!)
  const argv = ['verify', '--policy', paths.policy, '--proof', paths.proof, '--entry', paths.entry]
  return { paths, argv }
}

test('a good proof: exit code 0, where the entry stands, and who cosigned when', async () => {
  const { argv } = files()
  const ran = await runJson(...argv)
  expect(ran.code).toBe(0)
  expect(ran.json).toMatchObject({
    ok: true,
    origin,
    index: '5',
    size: '13',
    cosigners: [{ name: 'guangzhou' }, { name: 'beijing' }, { name: 'wuhan' }],
  })
  expect(ran.json).toMatchObject({ kind: 'unknown' })
  const said = await run(...argv)
  expect(said.out).toContain('Verified')
  expect(said.out).toContain('nothing is said about what it holds')
  expect((await run(...argv, '--lang', 'zh')).out).toContain('可信')
})

test('a cosigner that gives a time no calendar has: verified, and its time shown as the seconds it gave', async () => {
  const { paths, argv } = files()
  const odd = cosignatureBy(2, checkpointText, Number.MAX_SAFE_INTEGER)
  const signatures = [logSignatureBy(0), cosignatureBy(0), cosignatureBy(1), odd]
  writeFileSync(paths.proof, proofFileOf(index, { text: checkpointText, signatures }))
  const ran = await runJson<{ cosigners: { time: string }[] }>(...argv)
  expect([ran.code, ran.error]).toEqual([0, ''])
  expect(ran.json.cosigners[2]!.time).toBe('9007199254740991 s')
  expect((await run(...argv)).out).toContain('9007199254740991 s')
})

/** Every bit of what is short; of what is long, so many spread over it that each line is hit. */
function flips(bytes: Uint8Array, count: number): { at: number; flipped: Uint8Array }[] {
  const bits = bytes.length * 8
  // Odd, so that the position within a byte varies too.
  const step = Math.max(1, Math.floor(bits / count) | 1)
  return Array.from({ length: Math.ceil(bits / step) }, (_, n) => {
    const at = n * step
    const flipped = bytes.slice()
    flipped[at >> 3]! ^= 1 << (at & 7)
    return { at, flipped }
  })
}

const reasons = /\((?:proof-file|note|checkpoint|policy|inclusion)\.[a-z-]+\)/

test('any flipped bit of the entry makes it refuse and say why', async () => {
  const { paths, argv } = files()
  for (const { at, flipped } of flips(entries[index]!, 10_000)) {
    writeFileSync(paths.entry, flipped)
    const ran = await run(...argv)
    expect(ran.code, `bit ${at}`).toBe(1)
    expect(ran.error, `bit ${at}`).toContain('inclusion.mismatch')
  }
})

test('flipped bits all over the proof file make it refuse and say why', async () => {
  const { paths, argv } = files()
  for (const { at, flipped } of flips(utf8(proofFileOf(index)), 400)) {
    writeFileSync(paths.proof, flipped)
    const ran = await run(...argv)
    expect(ran.code, `bit ${at}`).toBe(1)
    expect(ran.out, `bit ${at}`).toContain('Not verified')
    expect(ran.error, `bit ${at}`).toMatch(reasons)
  }
})

test('too few cosignatures, another ledger’s policy, and another entry each have their own reason', async () => {
  const { paths, argv } = files()
  writeFileSync(paths.proof, proofFileOf(index, noteBy([0, 1])))
  expect((await run(...argv)).error).toContain('policy.quorum-missing')
  writeFileSync(paths.proof, proofFileOf(index))
  writeFileSync(paths.entry, entries[6]!)
  expect((await run(...argv)).error).toContain('inclusion.mismatch')
  const json = await runJson<{ ok: boolean; problem: { code: string } }>(...argv)
  expect(json.json).toMatchObject({ ok: false, problem: { code: 'inclusion.mismatch' } })
})

test('what cannot be read says nothing about the proof: exit code 2', async () => {
  const { paths, argv } = files()
  expect(await run(...argv.with(-1, '/nonexistent/entry'))).toMatchObject({ code: 2 })
  writeFileSync(paths.policy, policyText.slice(0, -40))
  const ran = await run(...argv)
  expect(ran.code).toBe(2)
  expect(ran.error).toContain('policy.malformed')
})

test('a policy that asks for no cosignature: it is said that nobody cosigned', async () => {
  const { paths, argv } = files()
  writeFileSync(paths.policy, `${policyText.match(/^log .*$/gm)!.join('\n')}\nquorum none\n`)
  const ran = await run(...argv)
  expect([ran.code, ran.error]).toEqual([0, expect.stringContaining('Nobody cosigned')])
})

test('what the entry is, is said: a refusal in the ledger is not taken for a record', () => {
  const refused = { statement: 'ab'.repeat(32), member: 'wuhan', receivedAt: 1_795_312_800_000, code: 'box.too-late' }
  expect(entryWords(encodeRefusalEntry(refused))).toMatchObject({
    kind: 'refusal',
    zh: expect.stringMatching(/^拒绝记录：.*box\.too-late 被拒绝。它不是被接受的记录。$/),
  })
  expect(entryWords(utf8('{"refusal":1}'))).toMatchObject({ kind: 'unknown' })
  expect(entryWords(utf8('{"system":{"height":"3","time":"2026-11-22T16:30:00.000Z"}}'))).toMatchObject({
    kind: 'system',
    zh: '区块首条：第 3 号区块，区块时间 2026-11-23 00:30:00.000 +08:00。',
  })
})
