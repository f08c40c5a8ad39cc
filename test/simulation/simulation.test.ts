/** A small part of `npm run sim`, and of what the harness itself promises: the same run from the same schedule, a short schedule from a long one. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tricks } from './classes.ts'
import { drawSchedule } from './draw.ts'
import { run } from './run.ts'
import type { Schedule } from './schedule.ts'
import { shrink } from './shrink.ts'

const seeds = Number(process.env.SIM_SEEDS ?? 30)
const folder = new URL('./regressions/', import.meta.url)

describe('whole clusters by seed', () => {
  it(`keep every promise (${seeds} seeds)`, () => {
    for (let seed = 1; seed <= seeds; seed++)
      expect(run(drawSchedule(seed, tricks)).violation, `seed ${seed}`).toBeUndefined()
  }, 600_000)

  it('run the same for the same schedule, and otherwise for another', () => {
    const schedule = drawSchedule(17, tricks)
    const { traceHash, events } = run(schedule)
    expect(run(schedule)).toMatchObject({ traceHash, events })
    expect(run({ ...schedule, seed: 18 }).traceHash).not.toBe(traceHash)
    expect(drawSchedule(17, tricks)).toEqual(schedule)
  })

  const kept = readdirSync(folder).filter((name) => name.endsWith('.json'))
  it.runIf(kept.length > 0).each(kept)('does not break again as in %s', (name) => {
    const schedule = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Schedule
    expect(run(schedule).violation).toBeUndefined()
  })
})

describe('a schedule that fails', () => {
  it('is shrunk to the steps that it needs', () => {
    const schedule = drawSchedule(3, tricks)
    const isNeeded = (at: number): boolean => at === 5 || at === 23
    const needed = schedule.steps.filter((_, at) => isNeeded(at))
    const short = shrink(schedule, ({ steps }) => needed.every((step) => steps.includes(step)))
    expect(short.steps).toEqual(needed)
    expect(short.liars).toEqual({})
  })
})
