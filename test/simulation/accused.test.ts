/**
 * Who signs against himself where anybody honest can see it is found, reported and frozen, and nobody else is: whole clusters under faults, with
 * liars of one kind. That every proof is on the ledger at rest, and of whom it is, `invariants/nobody-honest-is-accused.ts` holds in each run.
 */
import { describe, expect, it } from 'vitest'
import { tricks } from './classes.ts'
import { drawSchedule, type Focus } from './draw.ts'
import { run } from './run.ts'

const accusedIn = (focus: Focus, seed: number): readonly string[] => {
  const { violation, struck } = run(drawSchedule(seed, tricks, focus))
  expect(violation, `seed ${seed}`).toBeUndefined()
  return [...struck.keys()].filter((name) => name.startsWith('accused:'))
}

/** Runs until one of the kind was found. */
function isFound(kind: string, focus: Focus): boolean {
  for (let seed = 1; seed <= 40; seed++) if (accusedIn(focus, seed).includes(`accused:${kind}`)) return true
  return false
}

describe('a liar is found and frozen', () => {
  it.each([
    ['two-votes', 'double-vote'],
    ['two-seals', 'equivocate'],
    ['two-heads', 'false-cosign'],
  ] as const)(
    '%s, of who does the trick %s',
    (kind, trick) => {
      expect(isFound(kind, { trick, spare: 'lie' })).toBe(true)
    },
    300_000,
  )
})

it('without liars and lost disks nobody is accused, while members join, leave and are replaced', () => {
  for (let seed = 1; seed <= 6; seed++) expect(accusedIn({ epochs: true, spare: 'rot' }, seed)).toEqual([])
}, 300_000)
