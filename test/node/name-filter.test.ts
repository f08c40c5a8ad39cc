/** What was added is always held; of what was not, hardly anything seems to be. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NameFilter } from '../../src/node/name-filter.ts'

test('a name that was added is held, whatever it is made of', () => {
  const filter = new NameFilter(4)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (name) => {
      filter.add(name)
      expect(filter.mayHold(name)).toBe(true)
    }),
  )
})

test('an empty filter holds nothing, and with 200,000 names hardly one in a thousand others seems to be held', () => {
  const filter = new NameFilter(4)
  const nameOf = (kind: string, i: number): string => `idem/${kind}${i.toString(16).padStart(30, '0')}`
  const seeming = (): number => {
    let count = 0
    for (let i = 0; i < 20_000; i++) if (filter.mayHold(nameOf('b', i))) count++
    return count
  }
  expect(seeming()).toBe(0)
  for (let i = 0; i < 200_000; i++) filter.add(nameOf('a', i))
  expect(seeming()).toBeLessThan(20)
})
