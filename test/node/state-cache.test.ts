/** Rows in front of the disk: asked for once, told of what is written, bounded. */
import { expect, test } from 'vitest'
import type { CborValue } from '../../src/chain/cbor.ts'
import { StateCache } from '../../src/node/state-cache.ts'

function cacheOver(rows: Record<string, CborValue>, rowsMax = 20) {
  const asked: string[] = []
  const cache = new StateCache(rowsMax, (name) => {
    asked.push(name)
    return rows[name]
  })
  return { cache, asked }
}

test('a row is asked for once, and so is one that is not there', () => {
  const { cache, asked } = cacheOver({ a: 1 })
  for (let i = 0; i < 3; i++) expect([cache.get('a'), cache.get('b')]).toEqual([1, undefined])
  expect(asked).toEqual(['a', 'b'])
})

test('null is a row', () => {
  const { cache, asked } = cacheOver({ a: null })
  for (let i = 0; i < 2; i++) expect(cache.get('a')).toBeNull()
  expect(asked).toEqual(['a'])
})

test('what is written is there, also where nothing was before', () => {
  const { cache, asked } = cacheOver({ a: 1 })
  expect([cache.get('a'), cache.get('b')]).toEqual([1, undefined])
  cache.set('a', 2)
  cache.set('b', 3)
  expect([cache.get('a'), cache.get('b')]).toEqual([2, 3])
  expect(asked).toEqual(['a', 'b'])
})

test('rows that were not used lately leave, and are asked for again; what is in use stays, and what was written last counts', () => {
  const rows = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`row ${i}`, i]))
  const { cache, asked } = cacheOver({ ...rows, often: 1 })
  cache.set('written', 'old')
  cache.set('written', 'new')
  for (const name of Object.keys(rows)) {
    expect([cache.get(name), cache.get('often'), cache.get('written')]).toEqual([rows[name], 1, 'new'])
  }
  expect(asked).toHaveLength(101)
  // At least half of what it may hold, two of which are the others.
  for (let i = 99; i > 91; i--) cache.get(`row ${i}`)
  expect(asked).toHaveLength(101)
  // And no more than all.
  for (let i = 0; i <= 80; i++) cache.get(`row ${i}`)
  expect(asked).toHaveLength(101 + 81)
})

test('of a flood of names that are not there the last are remembered, and one that is asked for again and again', () => {
  const { cache, asked } = cacheOver({ a: 1 })
  for (let i = 0; i < 5_000; i++) {
    cache.get(`none ${i}`)
    cache.get('often')
  }
  expect(asked).toHaveLength(5_001)
  cache.get('none 4999')
  expect(asked).toHaveLength(5_001)
  cache.get('none 0')
  expect(asked).toHaveLength(5_002)
})

test('rows of idempotency keys are not kept, there or not', () => {
  const { cache, asked } = cacheOver({ 'idem/a': 1 })
  cache.set('idem/a', 1)
  for (let i = 0; i < 2; i++) expect([cache.get('idem/a'), cache.get('idem/b')]).toEqual([1, undefined])
  expect(asked).toEqual(['idem/a', 'idem/b', 'idem/a', 'idem/b'])
})

test('after clearing everything is asked for anew', () => {
  const { cache, asked } = cacheOver({ a: 1 })
  for (let i = 0; i < 2; i++) {
    expect([cache.get('a'), cache.get('b')]).toEqual([1, undefined])
    cache.clear()
  }
  expect(asked).toEqual(['a', 'b', 'a', 'b'])
})
