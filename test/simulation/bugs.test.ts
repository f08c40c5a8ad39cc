/** The planted bugs themselves; what the simulator makes of them is `npm run sim:bugs`, and docs/testing.md has the table. */
import { describe, expect, it } from 'vitest'
import { hunt, objectionTo, readBugs } from './bugs.ts'

const bugs = readBugs()

describe('planted bugs', () => {
  it('are at least twenty, each with its reason', () => {
    expect(bugs.length).toBeGreaterThanOrEqual(20)
    for (const { title } of bugs) expect(title).toMatch(/^[A-Z].*\.$/)
  })

  it.each(bugs.map((bug) => [bug.name, bug] as const))('%s still applies', (_, bug) => {
    expect(objectionTo(bug)).toBeUndefined()
  })

  it('is caught, one of them, in a copy of the house', () => {
    const bug = bugs.find(({ name }) => name === 'two-votes-in-a-term')!
    expect(hunt(bug, 40).invariant).toBeDefined()
  }, 120_000)
})
