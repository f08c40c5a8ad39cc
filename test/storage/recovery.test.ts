/** A slice of `npm run test:storage`, which see: a few damages of every kind to every kind of file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectedOf, type Prepared, runCase } from './recovery-case.ts'
import { recoveryCases } from './recovery-cases.ts'
import { makeUsedDirectory } from './used-directory.ts'

const seed = 1
/** Of each kind of damage to each kind of file. */
const casesEach = 1
/** Against hanging only: on a busy machine the slice takes minutes. */
const timeoutMs = 600_000

let folder: string
let prepared: Prepared

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gongzheng-storage-'))
  prepared = await expectedOf(await makeUsedDirectory(join(folder, 'base'), seed), folder)
}, timeoutMs)
afterAll(() => rm(folder, { recursive: true }))

test(
  'whatever is damaged: repaired from peers, refused with a code, or harmless',
  async () => {
    const counts = new Map<string, number>()
    const ended = new Map<string, number>()
    for (const one of await recoveryCases(prepared.base, seed, casesEach)) {
      const name = `${one.kind} ${one.what}`
      const count = counts.get(name) ?? 0
      if (count >= casesEach) continue
      counts.set(name, count + 1)
      const { verdict, code, reasons, log } = await runCase(one, prepared)
      expect({ verdict, reasons, log }, `case ${one.number}: ${one.file}, ${one.damage.name}`).not.toMatchObject({
        verdict: 'wrong',
      })
      const outcome = code ?? verdict
      ended.set(outcome, (ended.get(outcome) ?? 0) + 1)
    }
    // It sees repairs, and both refusals.
    expect([...ended.keys()]).toEqual(expect.arrayContaining(['disk.unreadable', 'node.retired', 'repaired']))
  },
  timeoutMs,
)
