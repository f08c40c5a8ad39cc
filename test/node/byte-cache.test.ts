import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteCache } from '../../src/node/byte-cache.ts'

/** Rows that a cache reads, and which of them it asked for. */
class Stored {
  readonly rows = new Map<number, Uint8Array>()
  asked: number[] = []

  put(number: number, length: number): void {
    this.rows.set(
      number,
      Uint8Array.from({ length }, (_, i) => number * 7 + length + i),
    )
  }

  read(cache: ByteCache, number: number): Uint8Array | undefined {
    return cache.read(number, (into) => {
      this.asked.push(number)
      const row = this.rows.get(number)
      if (row !== undefined && row.length <= into.length) into.set(row)
      return row?.length
    })
  }
}

const storedOf = (...numbers: readonly number[]): Stored => {
  const stored = new Stored()
  for (const number of numbers) stored.put(number, 3)
  return stored
}

it('keeps what is used, and lets go of what was not used since the hand came by', () => {
  const cache = new ByteCache({ rowBytesMax: 3, rowsMax: 3, keepsShort: false })
  const stored = storedOf(1, 2, 3, 4, 5)
  for (const number of [1, 2, 3, 1, 4, 1, 3]) expect(stored.read(cache, number)).toEqual(stored.rows.get(number))
  expect(stored.asked).toEqual([1, 2, 3, 4])
  stored.asked = []
  stored.read(cache, 2)
  stored.read(cache, 4)
  expect(stored.asked, 'of 1, 3 and 4 only 4 was not used').toEqual([2, 4])
})

it('reads a row into the place of another, and makes no more places than it may', () => {
  const cache = new ByteCache({ rowBytesMax: 3, rowsMax: 2, keepsShort: true })
  const stored = storedOf(1, 2, 3, 4, 5, 6)
  const places = new Set(Array.from({ length: 40 }, (_, i) => stored.read(cache, 1 + ((i * 5) % 6))?.buffer))
  expect(places.size).toBe(2)
})

it('keeps short rows only where it is told to, and reads none that is too long', () => {
  for (const keepsShort of [true, false]) {
    const cache = new ByteCache({ rowBytesMax: 5, rowsMax: 2, keepsShort })
    const stored = storedOf(1)
    stored.put(2, 6)
    for (let i = 0; i < 2; i++) {
      expect(stored.read(cache, 1)).toEqual(stored.rows.get(1))
      expect([stored.read(cache, 2), stored.read(cache, 3)]).toEqual([undefined, undefined])
    }
    expect(stored.asked).toEqual(keepsShort ? [1, 2, 3, 2, 3] : [1, 2, 3, 1, 2, 3])
  }
})

it('holds nothing for a row that could not be read, nor what lay in its place before', () => {
  const cache = new ByteCache({ rowBytesMax: 3, rowsMax: 2, keepsShort: true })
  const stored = storedOf(1, 2)
  for (const number of [1, 2]) stored.read(cache, number)
  const failing = (into: Uint8Array): number => {
    into.fill(9)
    throw new Error('unreadable')
  }
  expect(() => cache.read(3, failing)).toThrow('unreadable')
  for (const number of [1, 2]) expect(stored.read(cache, number)).toEqual(stored.rows.get(number))
  expect(() => cache.read(3, failing)).toThrow('unreadable')
})

it('never answers other bytes than were stored when it read them, whatever is done with it', () => {
  const deed = fc.record({
    what: fc.constantFrom('read', 'read', 'read', 'change', 'clear'),
    number: fc.nat(9),
    length: fc.nat(8),
  })
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 80 }), fc.integer({ min: 2, max: 5 }), (deeds, rowsMax) => {
      const cache = new ByteCache({ rowBytesMax: 6, rowsMax, keepsShort: true })
      const stored = new Stored()
      for (const { what, number, length } of deeds) {
        if (what === 'clear') cache.clear()
        else if (what === 'change') {
          stored.put(number, length)
          cache.delete(number)
        } else {
          const row = stored.rows.get(number)
          expect(stored.read(cache, number)).toEqual(row !== undefined && row.length <= 6 ? row : undefined)
        }
      }
    }),
  )
})
