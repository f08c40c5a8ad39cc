/**
 * `npm run sim`: seeds by the thousand, side by side on the cores, each a whole cluster with its troubles.
 *
 *   npm run sim                        2,000 seeds
 *   npm run sim -- --seeds 100000      a night; --from N goes on where another run ended
 *   npm run sim -- --seed 17           that run alone, with the log of its nodes (--quiet: without)
 *   npm run sim -- --schedule FILE     a schedule that was kept
 *   --members N, --spare FAULT, --trick NAME, --epochs   only such runs (--epochs: members change in every run); --first: the first failure as it is, not shrunk; --json
 *
 * The first run that fails prints its seed, is shrunk to a short schedule, and ends it all with exit code 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { classesOf, tricks } from './classes.ts'
import { drawSchedule, type Focus } from './draw.ts'
import { type Outcome, run } from './run.ts'
import type { Schedule } from './schedule.ts'
import { shrink } from './shrink.ts'
import type { Violation } from './watch.ts'

/** A run of this many seeds in which some kind of fault never struck has not shown what it says. */
const seedsForEveryClass = 500
/** Seeds handed to a worker at a time. */
const seedsPerPortion = 20

interface Portion {
  readonly from: number
  readonly count: number
  readonly focus: Focus
}

interface Tally {
  readonly seeds: number
  readonly virtualMs: number
  readonly events: number
  readonly records: number
  readonly struck: readonly (readonly [string, number])[]
  readonly failed: { readonly seed: number; readonly violation: Violation } | undefined
}

if (!isMainThread) {
  parentPort!.on('message', (portion: Portion) => parentPort!.postMessage(runPortion(portion)))
} else {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      schedule: { type: 'string' },
      quiet: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      first: { type: 'boolean', default: false },
      members: { type: 'string' },
      spare: { type: 'string' },
      trick: { type: 'string' },
      epochs: { type: 'boolean', default: false },
    },
  })
  const focus: Focus = {
    ...(values.members === undefined ? {} : { memberCount: natural(values.members) }),
    ...(values.spare === undefined ? {} : { spare: values.spare }),
    ...(values.trick === undefined ? {} : { trick: values.trick }),
    ...(values.epochs ? { epochs: true } : {}),
  }
  if (values.seed !== undefined)
    process.exitCode = replay(drawSchedule(natural(values.seed), tricks, focus), values.quiet)
  else if (values.schedule !== undefined) {
    process.exitCode = replay(JSON.parse(readFileSync(values.schedule, 'utf8')) as Schedule, values.quiet)
  } else process.exitCode = await sweep(natural(values.from), natural(values.seeds), focus, values)
}

function natural(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a natural number: ${text}`)
  return value
}

// ── many ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function sweep(
  from: number,
  seeds: number,
  focus: Focus,
  { json, first }: { readonly json: boolean; readonly first: boolean },
): Promise<number> {
  const startedAt = performance.now()
  const struck = new Map<string, number>()
  const total = { seeds: 0, virtualMs: 0, events: 0, records: 0 }
  let failed: Tally['failed']
  let next = from
  const end = from + seeds
  const workers = Array.from(
    { length: availableParallelism() },
    () => new Worker(new URL(import.meta.url), { workerData }),
  )
  const work = async (worker: Worker): Promise<void> => {
    while (next < end && failed === undefined) {
      const portion: Portion = { from: next, count: Math.min(seedsPerPortion, end - next), focus }
      next += portion.count
      const tally = await ask(worker, portion)
      total.seeds += tally.seeds
      total.virtualMs += tally.virtualMs
      total.events += tally.events
      total.records += tally.records
      for (const [name, count] of tally.struck) struck.set(name, (struck.get(name) ?? 0) + count)
      failed ??= tally.failed
      if (process.stderr.isTTY) process.stderr.write(`\r${total.seeds} of ${seeds} seeds `)
    }
  }
  await Promise.all(workers.map(work))
  await Promise.all(workers.map((worker) => worker.terminate()))
  if (process.stderr.isTTY) process.stderr.write('\n')

  const hours = total.virtualMs / 3_600_000
  const seconds = (performance.now() - startedAt) / 1_000
  // A trick counts in each of its ways; here they are taken together.
  const groups = grouped(struck)
  const counts = [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
  console.log(
    `${total.seeds} seeds from ${from}: ${hours.toFixed(1)} simulated hours, ${total.events} events, ${total.records} records, ${seconds.toFixed(0)} s`,
  )
  console.log(`struck: ${counts.map(([name, count]) => `${name} ${count}`).join(', ')}`)
  const never = classesOf().filter((name) => !groups.has(name))
  if (never.length > 0) console.log(`never struck: ${never.join(', ')}`)
  if (failed !== undefined && !first) reportFailure(failed.seed, focus, failed.violation)
  const isFocused = Object.keys(focus).length > 0
  const isThorough = seeds < seedsForEveryClass || isFocused || never.length === 0
  const ok = failed === undefined && isThorough
  if (json) {
    const { seed = null, violation } = failed ?? {}
    console.log(
      JSON.stringify({ ok, ...total, failedSeed: seed, invariant: violation?.invariant ?? null, never, seconds }),
    )
  }
  console.log(ok ? 'all invariants held' : failed === undefined ? 'FAILED: not every class struck' : 'FAILED')
  return ok ? 0 : 1
}

function grouped(struck: ReadonlyMap<string, number>): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [name, count] of struck) {
    const [group] = name.split(' ') as [string]
    sums.set(group, (sums.get(group) ?? 0) + count)
  }
  return sums
}

function ask(worker: Worker, portion: Portion): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      worker.off('message', onTally).off('error', onError)
      then()
    }
    const onTally = (tally: Tally): void => settle(() => resolve(tally))
    const onError = (error: unknown): void => settle(() => reject(error))
    worker.on('message', onTally).on('error', onError)
    worker.postMessage(portion)
  })
}

function runPortion({ from, count, focus }: Portion): Tally {
  const struck = new Map<string, number>()
  const total = { seeds: 0, virtualMs: 0, events: 0, records: 0 }
  for (let seed = from; seed < from + count; seed++) {
    const outcome = run(drawSchedule(seed, tricks, focus))
    total.seeds++
    total.virtualMs += outcome.virtualMs
    total.events += outcome.events
    total.records += outcome.records
    for (const [name, times] of outcome.struck) struck.set(name, (struck.get(name) ?? 0) + times)
    const { violation } = outcome
    if (violation !== undefined) return { ...total, struck: [...struck], failed: { seed, violation } }
  }
  return { ...total, struck: [...struck], failed: undefined }
}

/** The seed, what broke, and the shortest schedule found that breaks it too. */
function reportFailure(seed: number, focus: Focus, violation: Violation): void {
  console.log(`\nseed ${seed} breaks ${violation.invariant} after ${violation.at} ms:\n${violation.text}`)
  console.log(`replay: npm run sim -- --seed ${seed}`)
  const schedule = drawSchedule(seed, tricks, focus)
  const short = shrink(schedule, (candidate) => run(candidate).violation?.invariant === violation.invariant)
  const folder = new URL('../../.sim/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const name = `${violation.invariant}-${seed}.json`
  writeFileSync(new URL(name, folder), textOf(short))
  console.log(
    `shrunk from ${schedule.steps.length} steps to ${short.steps.length}: npm run sim -- --schedule .sim/${name}`,
  )
  for (const { at, deed } of short.steps) console.log(`  ${String(at).padStart(6)} ${JSON.stringify(deed)}`)
}

/** One step a line. */
function textOf({ steps, ...head }: Schedule): string {
  const lines = steps.map((step) => `    ${JSON.stringify(step)}`).join(',\n')
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "steps": [\n${lines}\n  ]\n}\n`
}

// ── one ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function replay(schedule: Schedule, isQuiet: boolean): number {
  const outcome: Outcome = run(schedule, !isQuiet)
  for (const line of outcome.log) console.log(line)
  const { violation, traceHash, virtualMs, events, records } = outcome
  console.log(`${virtualMs} virtual ms, ${events} events, ${records} records, trace ${traceHash}`)
  if (violation === undefined) {
    console.log('all invariants held')
    return 0
  }
  console.log(`breaks ${violation.invariant} after ${violation.at} ms:\n${violation.text}`)
  return 1
}
