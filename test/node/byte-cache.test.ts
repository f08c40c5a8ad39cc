import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteCache } from '../../src/node/byte-cache.ts'

const heldOf = (cache: ByteCache, numbers: readonly number[]): number[] =>
  numbers.filter((number) => cache.held(number) !== undefined)

it('keeps what is used, and lets go of what was not used for longest', () => {
  const cache = new ByteCache(12)
  for (const number of [1, 2]) expect(cache.keep(number, new Uint8Array(3))).toHaveLength(3)
  cache.keep(3, new Uint8Array(3)) // 1 and 2 are the older half
  expect(cache.held(1)).toHaveLength(3)
  cache.keep(4, new Uint8Array(3)) // 1 and 3 are
  expect(heldOf(cache, [2])).toEqual([])
  expect(heldOf(cache, [1, 3, 4].toReversed()).toSorted()).toEqual([1, 3, 4])
})

it('keeps nothing that would take more than half of it', () => {
  const cache = new ByteCache(12)
  expect(cache.keep(1, new Uint8Array(7))).toHaveLength(7)
  expect(cache.keep(2, undefined)).toBeUndefined()
  expect(heldOf(cache, [1, 2])).toEqual([])
})

it('never holds more bytes than it may, nor other bytes than were kept last, whatever is done with it', () => {
  const deed = fc.record({
    what: fc.constantFrom('keep', 'keep', 'use', 'delete', 'clear'),
    number: fc.nat(9),
    length: fc.nat(30),
  })
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
      const cache = new ByteCache(40)
      const last = new Map<number, Uint8Array>()
      for (const { what, number, length } of deeds) {
        if (what === 'use') {
          const held = cache.held(number)
          if (held !== undefined) expect(held).toBe(last.get(number))
        } else if (what === 'keep') {
          if (length > 20) continue
          last.set(number, new Uint8Array(length))
          cache.keep(number, last.get(number))
          expect(cache.held(number)).toBe(last.get(number))
        } else {
          if (what === 'delete') cache.delete(number)
          else cache.clear()
          expect(cache.held(number)).toBeUndefined()
        }
      }
      // Looking may drop something, and adds nothing: what is found was held when it began.
      const bytes = heldOf(cache, [...last.keys()]).reduce((sum, number) => sum + last.get(number)!.length, 0)
      expect(bytes).toBeLessThanOrEqual(40)
    }),
  )
})
