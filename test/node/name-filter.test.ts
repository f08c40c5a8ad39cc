/** What was added is always held; of what was not, hardly anything seems to be. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NameFilter } from '../../src/node/name-filter.ts'

test('adding a name says whether it seemed to be there', () => {
  const filter = new NameFilter()
  expect(filter.add('one')).toBe(false)
  expect(filter.add('one')).toBe(true)
  expect(filter.add('two')).toBe(false)
})

test('a name that was added is held, whatever it is made of', () => {
  const filter = new NameFilter()
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (name) => {
      const held = filter.mayHold(name)
      expect(filter.add(name)).toBe(held)
      expect(filter.mayHold(name)).toBe(true)
    }),
  )
})

test('an empty filter holds nothing, and with 200,000 names hardly one in two hundred others seems to be held', () => {
  const filter = new NameFilter()
  const nameOf = (kind: string, i: number): string => `idem/${kind}${i.toString(16).padStart(30, '0')}`
  const seeming = (): number => {
    let count = 0
    for (let i = 0; i < 20_000; i++) if (filter.mayHold(nameOf('b', i))) count++
    return count
  }
  expect(seeming()).toBe(0)
  for (let i = 0; i < 200_000; i++) filter.add(nameOf('a', i))
  // The first filter is full, the second half full.
  expect(seeming()).toBeLessThan(100)
  for (let i = 0; i < 200_000; i++) expect(filter.mayHold(nameOf('a', i))).toBe(true)
})
