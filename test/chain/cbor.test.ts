/** The codec's bounds: what would cost much to read is refused by its heads, before anything is made of it. */
import { describe, expect, it } from 'vitest'
import { CborError, type CborValue, cborDepthMax, cborItemsMax, decodeCbor, encodeCbor } from '../../src/chain/cbor.ts'

function nested(depth: number): CborValue {
  let value: CborValue = null
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const messageOf = (count: number, item: number): Uint8Array => {
  const bytes = new Uint8Array(5 + count).fill(item)
  bytes.set([0x9a, count >>> 24, (count >>> 16) & 0xff, (count >>> 8) & 0xff, count & 0xff])
  return bytes
}

describe('CBOR', () => {
  it('reads the longest lists and the deepest nesting that are allowed, and not one more', () => {
    const longest = Array.from({ length: cborItemsMax }, () => 0)
    expect(decodeCbor(encodeCbor(longest))).toEqual(longest)
    expect(() => decodeCbor(encodeCbor([...longest, 0]))).toThrow('more than 32768 items')
    expect(decodeCbor(encodeCbor(nested(cborDepthMax)))).toEqual(nested(cborDepthMax))
    expect(() => decodeCbor(encodeCbor(nested(cborDepthMax + 1)))).toThrow('nested more than 16 deep')
    // Items count together, wherever they are.
    const spread = Array.from({ length: 128 }, () => Array.from({ length: 256 }, () => 0))
    expect(() => decodeCbor(encodeCbor(spread))).toThrow('more than 32768 items')
  })

  it.each([
    ['nulls', 0xf6],
    ['empty lists', 0x80],
    ['empty texts', 0x60],
    ['lists in lists', 0x81],
  ])('a message of a million %s is refused without being read', (_, item) => {
    expect(() => decodeCbor(messageOf(1_000_000, item))).toThrow(CborError)
  })

  it.each([
    ['a list of 2^32 − 1 items', '9affffffff'],
    ['a list of 2^64 − 1 items', '9bffffffffffffffff'],
    ['bytes of 2^31', '5a80000000'],
    ['bytes of 2^64 − 1', '5bffffffffffffffff'],
    ['a text longer than what is there', '78106162'],
    ['a length that is cut', '9a0000'],
    ['no end', '9f01ff'],
    ['a map', 'a0'],
    ['a tag', 'c249010000000000000000'],
    ['bytes left over', '0000'],
    ['bytes left over after a list', '810000'],
    ['nothing', ''],
    ['half a list', '8201'],
    ['negative zero', 'f98000'],
    ['a float that is an integer', 'f93c00'],
    ['NaN', 'f97e00'],
    ['2^53', '1b0020000000000000'],
    ['−2^53', '3b001fffffffffffff'],
    ['undefined', 'f7'],
    ['a simple value', 'f820'],
    ['a longer length than needed', '5801ff'],
    ['a surrogate in a text', '63eda080'],
    ['a text that is not UTF-8', '61ff'],
  ])('%s is no value: %s', (_, hex) => {
    expect(() => decodeCbor(Uint8Array.from(Buffer.from(hex, 'hex')))).toThrow(CborError)
  })
})
