/** Rows in front of the disk: asked for once, told of what is written, bounded. */
import { expect, test } from 'vitest'
import type { CborValue } from '../../src/chain/cbor.ts'
import { StateCache } from '../../src/node/state-cache.ts'

function cacheOver(rows: Record<string, CborValue>, rowsMax = 3) {
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

test('the row that came first leaves first, and is asked for again', () => {
  const rows = { a: 1, b: 2, c: 3, d: 4 }
  const { cache, asked } = cacheOver(rows)
  for (const name of ['a', 'b', 'c', 'd', 'd', 'a']) expect(cache.get(name)).toBe(rows[name as keyof typeof rows])
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'a'])
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
