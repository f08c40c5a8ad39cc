/**
 * From a schedule that fails to a short one that still does, for somebody to read: delta debugging over the steps (Zeller and Hildebrandt, 2002) —
 * ever smaller stretches are left out for as long as the same promise breaks — then liars and their tricks, then the time.
 */
import type { Schedule } from './schedule.ts'

/** @param fails whether the same promise breaks under this schedule; each call is a whole run */
export function shrink(schedule: Schedule, fails: (schedule: Schedule) => boolean, runsMax = 400): Schedule {
  let runs = 0
  let best = schedule
  const isBetter = (candidate: Schedule): boolean => {
    if (runs >= runsMax) return false
    runs++
    if (!fails(candidate)) return false
    best = candidate
    return true
  }
  for (
    let stretch = Math.ceil(best.steps.length / 2);
    stretch >= 1;
    stretch = stretch === 1 ? 0 : Math.ceil(stretch / 2)
  ) {
    for (let at = 0; at < best.steps.length; ) {
      const steps = [...best.steps.slice(0, at), ...best.steps.slice(at + stretch)]
      if (!isBetter({ ...best, steps })) at += stretch
    }
  }
  for (const [id, tricks] of Object.entries(best.liars)) {
    for (const trick of tricks) {
      isBetter({ ...best, liars: { ...best.liars, [id]: best.liars[id]!.filter((each) => each !== trick) } })
    }
    const { [id]: _, ...others } = best.liars
    isBetter({ ...best, liars: others })
  }
  const last = best.steps.at(-1)?.at ?? 0
  for (const until of [last + 1, last + 1_000, last + 4_000])
    if (until < best.until && isBetter({ ...best, until })) break
  return best
}
