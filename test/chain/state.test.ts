import { describe, expect, it } from 'vitest'
import type { CborValue } from '../../src/chain/cbor.ts'
import { Overlay } from '../../src/chain/state.ts'

const reader = (rows: Record<string, CborValue>) => ({ get: (key: string): CborValue | undefined => rows[key] })

describe('an overlay', () => {
  it('reads through to what lies below, and changes nothing there', () => {
    const low = new Overlay(reader({ a: 1, b: 2 }))
    low.set('b', 20)
    const high = new Overlay(low)
    high.set('c', 300)
    high.set('b', null)
    expect(['a', 'b', 'c', 'd'].map((key) => high.get(key))).toEqual([1, null, 300, undefined])
    expect(['a', 'b', 'c'].map((key) => low.get(key))).toEqual([1, 20, undefined])
    expect([...high.writes.keys()]).toEqual(['c', 'b'])
  })

  it('absorbs an attempt as a whole, or not at all', () => {
    const below = new Overlay(reader({}))
    const attempt = new Overlay(below)
    attempt.set('x', 1)
    attempt.set('y', 2)
    expect(below.get('x')).toBeUndefined()
    below.absorb(attempt)
    expect([below.get('x'), below.get('y')]).toEqual([1, 2])
  })

  it('once folded answers from what was stored, also through those above it', () => {
    const low = new Overlay(reader({ a: 0 }))
    low.set('a', 1)
    const high = new Overlay(low)
    low.fold(reader({ a: 1, z: 9 }))
    expect([high.get('a'), high.get('z')]).toEqual([1, 9])
    expect(low.writes.size).toBe(0)
  })
})
