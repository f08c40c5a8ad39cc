import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CborError, encodeCbor } from '../../src/chain/cbor.ts'
import { decodeHeadFile, decodeVoteFile, encodeHeadFile, encodeVoteFile } from '../../src/node/durable-state.ts'
import { StateSum } from '../../src/node/state-sum.ts'
import { decodeMessage, encodeMessage } from '../../src/node/wire.ts'
import { anyHeadFile, anyMessage, anyVoteFile } from './any-message.ts'

const bytes = fc.uint8Array({ maxLength: 100 })

describe('messages', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message)
      }),
      { numRuns: 400 },
    )
  })

  it('with a bit changed are another message or a CborError', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.nat(7), (message, draw, bit) => {
        const encoded = encodeMessage(message).slice()
        encoded[draw % encoded.length]! ^= 1 << bit
        try {
          const read = decodeMessage(encoded)
          expect(Buffer.from(encodeMessage(read)).equals(encoded)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(CborError)
        }
      }),
      { numRuns: 600 },
    )
  })

  it('cut short, too long, of another version or kind, or any other bytes are a CborError', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (message, draw) => {
        const encoded = encodeMessage(message)
        expect(() => decodeMessage(encoded.subarray(0, draw % encoded.length))).toThrow(CborError)
        expect(() => decodeMessage(Buffer.concat([encoded, Uint8Array.of(0)]))).toThrow(CborError)
      }),
      { numRuns: 200 },
    )
    for (const value of [[], [1], [2, 6], [1, 0], [1, 15], [1, 19, 1], [1, '6'], 'x', null, [1, 13, 1, 2]]) {
      expect(() => decodeMessage(encodeCbor(value as never))).toThrow(CborError)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (garbage) => {
        expect(() => decodeMessage(garbage)).toThrow(CborError)
      }),
      { numRuns: 300 },
    )
  })
})

describe('slot files', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(anyVoteFile, anyHeadFile, (voteFile, headFile) => {
        expect(decodeVoteFile(encodeVoteFile(voteFile))).toEqual(voteFile)
        expect(decodeHeadFile(encodeHeadFile(headFile))).toEqual(headFile)
      }),
      { numRuns: 100 },
    )
  })

  it('of the version before, whose blocks were one row each, are read; of any later one they are not', () => {
    fc.assert(
      fc.property(anyHeadFile, (headFile) => {
        const bytes = encodeHeadFile(headFile)
        expect(decodeHeadFile(bytes.with(1, bytes[1]! - 1))).toEqual(headFile)
        expect(() => decodeHeadFile(bytes.with(1, bytes[1]! + 1))).toThrow('head file: unknown version')
      }),
      { numRuns: 20 },
    )
  })
})

describe('the running sum', () => {
  it('does not depend on order, tells every row, and takes back what it was given', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, bytes), { maxLength: 8 }), fc.tuple(bytes, bytes), (rows, [key, value]) => {
        const one = new StateSum()
        for (const row of rows) one.add(...row)
        const other = new StateSum()
        for (const row of [...rows].reverse()) other.add(...row)
        expect(other.bytes).toEqual(one.bytes)
        other.add(key, value)
        expect(other.bytes).not.toEqual(one.bytes)
        const resumed = new StateSum(other.bytes)
        resumed.remove(key, value)
        expect(resumed.bytes).toEqual(one.bytes)
      }),
      { numRuns: 60 },
    )
  })
})
