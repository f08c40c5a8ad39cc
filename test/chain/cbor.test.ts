/**
 * The codec is held to another one, and to its bounds: what would cost much to read is refused by its heads, before anything is made of it.
 */
import { decode, encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '#crypto'
import {
  CborError,
  type CborValue,
  cborDepthMax,
  cborItemsMax,
  decodeCbor,
  encodeCbor,
  hashOfCbor,
} from '../../src/chain/cbor.ts'

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

const leaf: fc.Arbitrary<CborValue> = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, -1, 23, 24, -24, -25, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32),
  fc.constantFrom(-(2 ** 32), -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.maxSafeInteger(),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }),
)
const anything = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('value'), { maxLength: 30 })),
})).value

/** Whether `cborg` reads a value of ours in these bytes, and would write the same. */
function readByTheOther(bytes: Uint8Array): CborValue | undefined {
  try {
    const value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
    })
    return Buffer.compare(encodeCbor(value), bytes) === 0 ? value : undefined
  } catch {
    return undefined
  }
}

function readHere(bytes: Uint8Array): CborValue | undefined {
  try {
    return decodeCbor(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(CborError)
    return undefined
  }
}

function expectAgreement(bytes: Uint8Array): void {
  expect(readHere(bytes)).toEqual(readByTheOther(bytes))
}

describe('CBOR', () => {
  it('is read as the other codec reads it, whatever the bytes', () => {
    for (let first = 0; first < 256; first++) {
      expectAgreement(Uint8Array.of(first))
      for (let second = 0; second < 256; second++) {
        const bytes = Uint8Array.of(first, second)
        // Compared before it is expected: sixty-five thousand expectations take seconds.
        if (readHere(bytes) !== readByTheOther(bytes)) expectAgreement(bytes)
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), expectAgreement), { numRuns: 3_000 })
    // Heads that promise 1, 2, 4 and 8 bytes of length, around every border.
    const borders = [
      0,
      23,
      24,
      255,
      256,
      65_535,
      65_536,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 53 - 2,
      2 ** 53 - 1,
      2 ** 53,
      2 ** 63,
    ]
    for (const major of [0, 1, 2, 3, 4, 5, 6, 7]) {
      for (const border of borders) {
        for (const [short, size] of [
          [24, 1],
          [25, 2],
          [26, 4],
          [27, 8],
        ] as const) {
          const head = Buffer.alloc(9)
          head[0] = (major << 5) | short
          head.writeBigUInt64BE((BigInt(border) << BigInt(64 - 8 * size)) & 0xffff_ffff_ffff_ffffn, 1)
          expectAgreement(new Uint8Array(head.subarray(0, 1 + size)))
          expectAgreement(
            Uint8Array.from([...head.subarray(0, 1 + size), ...new Uint8Array(Math.min(border, 300)).fill(0x61)]),
          )
        }
      }
    }
  })

  it('is read as the other codec reads it when a good value was spoilt', () => {
    const spoilt = fc.record({
      value: anything,
      at: fc.nat(),
      byte: fc.nat({ max: 255 }),
      kind: fc.constantFrom('set', 'insert', 'remove', 'cut'),
    })
    fc.assert(
      fc.property(spoilt, ({ value, at, byte, kind }) => {
        const good = [...encodeCbor(value)]
        const place = at % good.length
        if (kind === 'cut') good.length = place
        else good.splice(place, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]))
        expectAgreement(Uint8Array.from(good))
      }),
      { numRuns: 2_000 },
    )
  })

  it('gives bytes of its own, also out of a Buffer', () => {
    const message = Buffer.from(encodeCbor([Uint8Array.of(1, 2, 3)]))
    const [bytes] = decodeCbor(message) as readonly [Uint8Array]
    message.fill(9)
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3))
    expect(bytes.constructor).toBe(Uint8Array)
    expect(bytes.buffer).not.toBe(message.buffer)
  })

  it('is written as the codec writes it, and read back', () => {
    const check = (value: CborValue): void => {
      const bytes = encodeCbor(value)
      expect(bytes).toEqual(new Uint8Array(encode(value)))
      expect(bytes.constructor).toBe(Uint8Array)
      expect(hashOfCbor(value)).toBe(sha256Hex(bytes))
      expect(decodeCbor(bytes)).toEqual(value === 0 ? 0 : decodeCbor(encode(value)))
    }
    fc.assert(fc.property(anything, check), { numRuns: 500 })
    for (const length of [23, 24, 255, 256, 65_535, 65_536, 1_100_000]) {
      check('a'.repeat(length))
      check(`${'a'.repeat(length - 1)}共`)
      check([new Uint8Array(length).fill(7), 'b'])
    }
  })

  it('keeps what it has written when it writes the next, also after one that cannot be written', () => {
    const first = encodeCbor(['first', 1])
    for (const wrong of [1.5, Number.NaN, 2 ** 53, undefined, {}, 1n, Symbol('s')]) {
      expect(() => encodeCbor(['a', wrong as CborValue])).toThrow(CborError)
    }
    expect(encodeCbor(['again'])).toEqual(new Uint8Array(encode(['again'])))
    expect(first).toEqual(new Uint8Array(encode(['first', 1])))
  })

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
    ['a long text that is not UTF-8', `7820${'61'.repeat(31)}ff`],
    ['a text that begins with a byte order mark', '64efbbbf61'],
  ])('%s is no value: %s', (_, hex) => {
    expect(() => decodeCbor(Uint8Array.from(Buffer.from(hex, 'hex')))).toThrow(CborError)
  })
})
