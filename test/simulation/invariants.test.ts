/** Each invariant fails where it must, and only there: short made-up runs that keep it and that break it. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chainCases } from './invariant-cases/chain.ts'
import { commitCases } from './invariant-cases/commits.ts'
import { epochCases } from './invariant-cases/epochs.ts'
import { processCases } from './invariant-cases/process.ts'
import { restartCases } from './invariant-cases/restarts.ts'
import { type Case, Scene } from './invariant-cases/scene.ts'
import { termCases } from './invariant-cases/terms.ts'
import { wordCases } from './invariant-cases/words.ts'
import { invariants } from './invariants/all.ts'

const cases: Readonly<Record<string, Case>> = {
  ...wordCases,
  ...restartCases,
  ...termCases,
  ...commitCases,
  ...chainCases,
  ...epochCases,
  ...processCases,
}

describe('the invariants', () => {
  it('each have a case here, a file of their own name, and are all listed', () => {
    const names = invariants.map(({ name }) => name)
    expect(Object.keys(cases).sort()).toEqual([...names].sort())
    const here = new URL('invariants/', import.meta.url)
    const files = readdirSync(here).map((file) => file.replace(/\.ts$/, ''))
    expect(names.filter((name) => !files.includes(name))).toEqual([])
    for (const name of names) expect(readFileSync(new URL(`${name}.ts`, here), 'utf8')).toContain(`'${name}'`)
  })

  for (const { name, watch } of invariants) {
    describe(name, () => {
      it('holds', () => {
        const scene = new Scene(watch)
        cases[name]!.holds(scene)
        expect(scene.world.violation).toBeUndefined()
      })
      for (const [how, breaks] of Object.entries(cases[name]!.breaks)) {
        it(`is broken: ${how}`, () => {
          const scene = new Scene(watch)
          breaks(scene)
          expect(scene.world.violation?.invariant).toBe(name)
        })
      }
    })
  }
})
