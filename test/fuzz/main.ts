/**
 * `npm run fuzz`: a long run over all subjects, each in a process of its own, two at a time. By environment: `FUZZ_RUNS` inputs for a subject of
 * share 1 (20,000), `FUZZ_SEED` (drawn and printed), `FUZZ_SUBJECT` one subject only, `FUZZ_RUN` one input only. Prints how inputs
 * ended; every failure with its input in base64, to be kept in `corpus.ts`, and how to have it again. Exit code 1 if there was one.
 */
import { randomInt } from 'node:crypto'
import { subjects } from './subjects.ts'
import { type Failure, type Report, replayOf, runTasks } from './watch.ts'

const { FUZZ_RUNS, FUZZ_SEED, FUZZ_SUBJECT, FUZZ_RUN } = process.env
const seed = Number(FUZZ_SEED ?? randomInt(2 ** 31))
const runs = Number(FUZZ_RUNS ?? 20_000)
const chosen = subjects.filter(({ name }) => FUZZ_SUBJECT === undefined || name === FUZZ_SUBJECT)
const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

say(`seed ${seed}, ${FUZZ_RUN === undefined ? `${runs} inputs for each subject of share 1` : `input ${FUZZ_RUN}`}`)
const failures: Failure[] = []
let total = 0
const waiting = [...chosen]
await Promise.all([work(), work()])
say(`${total} inputs, ${failures.length} failures`)
process.exitCode = failures.length > 0 || chosen.length === 0 ? 1 : 0

async function work(): Promise<void> {
  for (let subject = waiting.shift(); subject !== undefined; subject = waiting.shift()) {
    const range =
      FUZZ_RUN === undefined
        ? { from: 0, runs: Math.ceil(runs * (subject.share ?? 1)) }
        : { from: Number(FUZZ_RUN), runs: 1 }
    tell(await runTasks([{ subject: subject.name, ...range, stopsAtFirst: true }], seed))
  }
}

function tell(report: Report): void {
  for (const [subject, endings] of report.endings) {
    const count = Object.values(endings).reduce((sum, each) => sum + each, 0)
    total += count
    const heap = ((report.heapBytes.get(subject) ?? 0) / 2 ** 20).toFixed(1)
    say(`${subject}: ${count} inputs, at most ${heap} MiB`)
    const words = Object.entries(endings).sort(([, a], [, b]) => b - a)
    say(`    ${words.map(([word, times]) => `${word} ${times}`).join(', ')}`)
  }
  for (const failure of report.failures) {
    failures.push(failure)
    say(
      `FAILED ${failure.subject}, input ${failure.run}: ${failure.detail}\n    ${failure.input}\n    again: ${replayOf(failure, seed)}`,
    )
  }
}
