/**
 * `npm run sim:bugs`: proof that the simulator sees. Every file in `test/simulation/bugs/` takes one rule out of a copy of `src`; the simulator runs
 * on that copy until it catches the bug, and gives up after 2,000 seeds. Production code holds no switch for any of this.
 *
 *   npm run sim:bugs                    all, and a table
 *   npm run sim:bugs -- --only NAME     one; --seeds N to give up earlier
 *
 * A patch begins with prose: what is taken out, and by which rule it was there. A line `sim: …` gives the runs more of what the bug needs,
 * such as seven members or liars; the schedules stay drawn by chance.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = join(root, 'test/simulation/bugs')
const seedsMax = 2_000

export interface Bug {
  readonly name: string
  readonly patch: string
  /** What is taken out, in a line. */
  readonly title: string
  /** Arguments for the simulator. */
  readonly focus: readonly string[]
}

export function readBugs(): readonly Bug[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8')
      const [title = ''] = text.split('\n')
      const focus = /^sim: (.*)$/m.exec(text)?.[1]?.split(' ') ?? []
      return { name: file.slice(0, -'.patch'.length), patch: join(folder, file), title, focus }
    })
}

/** Whether the patch fits the sources as they are; why not. */
export function objectionTo(bug: Bug): string | undefined {
  const { status, stderr } = spawnSync('git', ['apply', '--check', bug.patch], { cwd: root, encoding: 'utf8' })
  return status === 0 ? undefined : stderr
}

export interface Caught {
  /** Seeds run up to the one that caught it; undefined: it was not. */
  readonly seeds: number | undefined
  readonly invariant: string | undefined
}

/** Plants the bug in a copy of the house and lets the simulator look for it. */
export function hunt(bug: Bug, seeds: number): Caught {
  const copy = mkdtempSync(join(tmpdir(), 'planted-'))
  try {
    for (const part of ['src', 'test', 'package.json']) cpSync(join(root, part), join(copy, part), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    const applied = spawnSync('git', ['apply', bug.patch], { cwd: copy, encoding: 'utf8' })
    if (applied.status !== 0) throw new Error(`${bug.name} does not apply: ${applied.stderr}`)
    const args = ['test/simulation/main.ts', '--seeds', String(seeds), '--first', '--json', ...bug.focus]
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 2 ** 28 })
    const line = stdout.split('\n').find((each) => each.startsWith('{'))
    if (line === undefined) throw new Error(`${bug.name}: the simulator said nothing\n${stdout}\n${stderr}`)
    const { failedSeed, invariant } = JSON.parse(line) as { failedSeed: number | null; invariant: string | null }
    return { seeds: failedSeed ?? undefined, invariant: invariant ?? undefined }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { only: { type: 'string' }, seeds: { type: 'string' } } })
  const bugs = readBugs().filter(({ name }) => values.only === undefined || name === values.only)
  if (bugs.length === 0) throw new Error(`no such bug: ${values.only}`)
  let missed = 0
  console.log('| planted | caught after seeds | by |\n|---|---|---|')
  for (const bug of bugs) {
    const { seeds, invariant } = hunt(bug, Number(values.seeds ?? seedsMax))
    if (seeds === undefined) missed++
    console.log(`| ${bug.name} | ${seeds ?? 'NOT CAUGHT'} | ${invariant ?? ''} |`)
  }
  console.log(`${bugs.length - missed} caught, ${missed} missed`)
  process.exitCode = missed === 0 ? 0 : 1
}
