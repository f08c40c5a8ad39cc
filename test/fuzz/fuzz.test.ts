/** Bad input of every kind: a short run over all subjects, and everything that was ever found. The long run is `npm run fuzz`. */
import { describe, expect, it } from 'vitest'
import { corpus } from './corpus.ts'
import { subjects } from './subjects.ts'
import { replayOf, runTasks } from './watch.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20_261_122)
const runs = Number(process.env.FUZZ_RUNS ?? 120)

// Seconds on a machine that does nothing else; the watch, not this, says when nothing moves.
describe('bad input', { timeout: 300_000 }, () => {
  it(`is refused by a code or accepted for good reason, within bounds of memory and progress (seed ${seed})`, async () => {
    const tasks = subjects.map(({ name, share = 1 }) => ({
      subject: name,
      from: 0,
      runs: Math.ceil(runs * share),
      stopsAtFirst: true,
    }))
    const { failures, endings } = await runTasks(tasks, seed)
    expect(failures.map((failure) => `${replayOf(failure, seed)}\n${failure.detail}`)).toEqual([])
    for (const { name, share = 1 } of subjects) {
      const { accepted = 0, ...refused } = endings.get(name)!
      expect(accepted, `${name}: valid input is among it`).toBeGreaterThan(0)
      // A mutation that never gets anywhere, or always passes, would show nothing.
      if (runs * share >= 100) expect(Object.keys(refused).length, `${name}: some is refused`).toBeGreaterThan(0)
    }
  })

  it('that was found once does no harm again', async () => {
    const tasks = corpus.map(({ subject, input }) => ({
      subject,
      from: 0,
      runs: 0,
      inputs: [Buffer.from(input).toString('base64')],
      stopsAtFirst: false,
    }))
    const { failures } = await runTasks(tasks, seed)
    expect(failures.map(({ subject, detail }) => `${subject}: ${detail}`)).toEqual([])
  })

  it.each([
    ['crashes', 'TypeError'],
    ['hangs', 'no progress'],
    ['takes its word for it', 'heap out of memory'],
    ['allocates what it is told', 'bytes for an input of 1'],
    ['refuses what is valid', 'was refused'],
  ])('is named when a reader %s', async (subject, words) => {
    const { failures } = await runTasks(
      [{ subject, from: 0, runs: 1, stopsAtFirst: true }],
      seed,
      subject === 'hangs' ? 1_000 : undefined,
    )
    expect(failures).toMatchObject([{ subject, run: 0, input: 'AQ==' }])
    expect(failures[0]!.detail).toContain(words)
  })
})
