/** The spellings of bytes, where Node's own are the reference; and the numbers that are written byte by byte. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readU32, toBase64, toBase64Url, toHex, toLatin1, u64, writeU32 } from '../../src/chain/bytes.ts'

/** Both sides of the length from which an array is spelled where it lies; as a view into something larger, too. */
const anyBytes = fc
  .tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(20))
  .map(([bytes, from]) => bytes.subarray(Math.min(from, bytes.length)))

describe('spelling', () => {
  test.each([
    ['hex', toHex],
    ['base64', toBase64],
    ['base64url', toBase64Url],
    ['latin1', toLatin1],
  ] as const)('%s of bytes of any length is Node’s', (spelling, spell) => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(spell(bytes)).toBe(Buffer.from(bytes).toString(spelling))
      }),
    )
  })

  test('texts for Maps are equal exactly when the bytes are', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(toLatin1(a) === toLatin1(b)).toBe(Buffer.compare(a, b) === 0)
      }),
    )
  })
})

describe('numbers', () => {
  test('u64 is what a DataView writes, up to the largest safe number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1)), (value) => {
        const expected = new Uint8Array(8)
        new DataView(expected.buffer).setBigUint64(0, BigInt(value))
        expect(u64(value)).toEqual(expected)
      }),
    )
  })

  test('an unsigned number of 32 bits is read as it was written, wherever it stands', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.nat(9), (value, at) => {
        const bytes = new Uint8Array(13)
        writeU32(bytes, at, value)
        expect(readU32(bytes, at)).toBe(value)
        expect(new DataView(bytes.buffer).getUint32(at)).toBe(value)
      }),
    )
  })
})
