/**
 * `npm run test:storage`: damages copies of a real data directory, one damage each, starts the node on every copy and compares all that it
 * answers. Prints how each damage ended, by kind of file; exits with 1 if any ended wrong. See docs/testing.md.
 *
 *   npm run test:storage [-- --seed N] [--positions N] [--case N] [--only log] [--folder DIR] [--workers N]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { expectedOf, type Outcome, type RecoveryCase, runCase, type Verdict } from './recovery-case.ts'
import { recoveryCases } from './recovery-cases.ts'
import { judgeEveryBit } from './slot-bits.ts'
import { ownerOfReal } from './storage-world.ts'
import { makeUsedDirectory, type UsedDirectory } from './used-directory.ts'

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    positions: { type: 'string', default: '300' },
    case: { type: 'string' },
    only: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
    workers: { type: 'string', default: String(availableParallelism()) },
    /** Of how many, which: set for the processes that share the work. */
    share: { type: 'string' },
  },
})
const seed = Number(flags.seed)
const positions = Number(flags.positions)

/** What a worker tells of one case. */
interface Told {
  readonly kind: string
  readonly what: string
  readonly number: number
  readonly name: string
  readonly outcome: Outcome
  readonly milliseconds: number
}

if (flags.share !== undefined) await work((told) => process.send!(told))
else {
  const all: Told[] = []
  const tell = (told: Told): void => {
    all.push(told)
    if (told.outcome.verdict === 'wrong' || flags.case !== undefined) print(told)
    else if (all.length % 200 === 0)
      process.stderr.write(
        `${all.length} cases, ${all.filter(({ outcome }) => outcome.verdict === 'wrong').length} wrong\n`,
      )
  }
  if (flags.case !== undefined || flags.workers === '1') await work(tell)
  else {
    const count = Number(flags.workers)
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        ended(fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--share', `${i}/${count}`]), tell),
      ),
    )
  }
  process.stdout.write(`${tableOf(all)}\n`)
  if (all.length === 0 || all.some(({ outcome }) => outcome.verdict === 'wrong')) process.exitCode = 1
}

async function work(tell: (told: Told) => void): Promise<void> {
  const folder = await mkdtemp(join(flags.folder, 'gongzheng-storage-'))
  try {
    const base = await makeUsedDirectory(join(folder, 'base'), seed)
    const prepared = await expectedOf(base, folder)
    const [share, of] = (flags.share ?? '0/1').split('/').map(Number)
    if (share === 0 && flags.case === undefined && flags.only === undefined) await judgeSlots(base)
    for (const one of await recoveryCases(base, seed, positions)) {
      if (!isAsked(one) || one.number % of! !== share) continue
      const began = performance.now()
      const outcome = await runCase(one, prepared)
      const { number, kind, what, file, damage } = one
      tell({ kind, what, number, name: `${file}: ${damage.name}`, outcome, milliseconds: performance.now() - began })
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Every bit of both slot files: what a start makes of them depends on this verdict and nothing else. */
async function judgeSlots({ directory }: UsedDirectory): Promise<void> {
  for (const kind of ['vote', 'head'] as const) {
    const { bits, wrong } = judgeEveryBit(
      new Uint8Array(await readFile(join(directory, `${kind}.slot`))),
      kind,
      ownerOfReal(),
      true,
    )
    process.stdout.write(
      `${kind}.slot: each of ${bits} bits flipped: ${wrong.length} wrong\n${wrong.slice(0, 9).join('\n')}`,
    )
    if (wrong.length > 0) throw new Error(`${kind}.slot: ${wrong[0]}`)
  }
}

function isAsked({ number, kind }: RecoveryCase): boolean {
  if (flags.case !== undefined) return number === Number(flags.case)
  return flags.only === undefined || flags.only === kind
}

function ended(child: ChildProcess, tell: (told: Told) => void): Promise<void> {
  child.on('message', tell)
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
  })
}

function print({ number, kind, name, outcome, milliseconds }: Told): void {
  const { verdict, code, reasons, log } = outcome
  process.stdout.write(
    `case ${number} (${kind}) ${name}: ${verdict} ${code ?? ''} ${Math.round(milliseconds)} ms\n${reasons
      .slice(0, 12)
      .map((reason) => `  ${reason}\n`)
      .join(
        '',
      )}${reasons.length > 12 ? `  and ${reasons.length - 12} more\n` : ''}${log.map((line) => `    ${line}\n`).join('')}`,
  )
}

/** Kind of file × kind of damage → how many ended how. */
function tableOf(all: readonly Told[]): string {
  const verdicts: readonly Verdict[] = ['repaired', 'refused', 'harmless', 'wrong']
  const rows = new Map<string, Told[]>()
  for (const told of [...all].sort((a, b) => a.number - b.number)) {
    const name = `${told.kind.padEnd(9)} ${told.what.padEnd(12)}`
    rows.set(name, [...(rows.get(name) ?? []), told])
  }
  const line = (name: string, those: readonly Told[]): string =>
    `${name} ${verdicts.map((verdict) => String(those.filter(({ outcome }) => outcome.verdict === verdict).length).padStart(9)).join('')}`
  const codes = new Map<string, number>()
  for (const { outcome } of all)
    if (outcome.code !== undefined) codes.set(outcome.code, (codes.get(outcome.code) ?? 0) + 1)
  return [
    `${'file      damage'.padEnd(22)} ${verdicts.map((verdict) => verdict.padStart(9)).join('')}`,
    ...[...rows].map(([name, those]) => line(name, those)),
    line('all'.padEnd(22), all),
    `refused with: ${[...codes].map(([code, count]) => `${code} ${count}`).join(', ')}`,
    `seed ${seed}, ${positions} positions; run one again with --case N`,
  ].join('\n')
}
