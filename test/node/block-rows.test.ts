/** Blocks in pieces: what lies under which keys, and what is read back of it, whole and in parts, when all is there and when it is not. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockBytesMax } from '../../src/chain/block.ts'
import { toHex } from '../../src/chain/bytes.ts'
import { height } from '../../src/chain/numbers.ts'
import {
  blockKey,
  blockOfRows,
  blockPiecesMax,
  partOfBlock,
  pieceBytes,
  rowsOfBlock,
} from '../../src/node/block-rows.ts'

const at = height(7)
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff)

/** A store that holds nothing but these blocks. */
class Rows {
  readonly held = new Map<string, Uint8Array>()

  put(bytes: Uint8Array): this {
    for (const { key, value } of rowsOfBlock(at, bytes)) this.held.set(toHex(key), value!)
    return this
  }

  lose(piece: number): this {
    expect(this.held.delete(toHex(blockKey(at, piece)))).toBe(true)
    return this
  }

  whole(): Uint8Array | undefined {
    return blockOfRows(at, (key) => this.held.get(toHex(key)))
  }

  part(offset: number, length: number): Uint8Array | undefined {
    return partOfBlock(offset, length, (piece) => this.held.get(toHex(blockKey(at, piece))))
  }
}

const lengths = [
  0,
  1,
  pieceBytes - 1,
  pieceBytes,
  pieceBytes + 1,
  2 * pieceBytes - 1,
  2 * pieceBytes,
  2 * pieceBytes + 1,
]

describe('a block in pieces', () => {
  for (const length of [...lengths, blockBytesMax]) {
    it(`of ${length} bytes is read back as it was, and its last row alone is short`, () => {
      const bytes = bytesOf(length)
      const rows = rowsOfBlock(at, bytes)
      expect(rows.map(({ value }) => value!.length === pieceBytes)).toEqual(rows.map((_, i) => i < rows.length - 1))
      expect(rows.length).toBeLessThanOrEqual(blockPiecesMax)
      expect(new Rows().put(bytes).whole()).toEqual(bytes)
    })

    it(`of ${length} bytes ends where it ends, whatever a longer one has left behind it`, () => {
      const bytes = bytesOf(length)
      const left = bytesOf(Math.min(length + 3 * pieceBytes, blockBytesMax)).reverse()
      expect(new Rows().put(left).put(bytes).whole()).toEqual(bytes)
    })
  }

  it('has its rows in the order of their names, before those of the block above', () => {
    const names = rowsOfBlock(at, bytesOf(blockBytesMax)).map(({ key }) => toHex(key))
    expect(names.toSorted()).toEqual(names)
    expect(names.at(-1)! < toHex(blockKey(height(at + 1)))).toBe(true)
  })

  it('keeps no memory of the block it was cut from', () => {
    for (const { value } of rowsOfBlock(at, bytesOf(3 * pieceBytes)))
      expect(value!.buffer.byteLength).toBeLessThanOrEqual(pieceBytes)
  })

  it('is no longer whole without any one of them, and not there without its first', () => {
    const bytes = bytesOf(3 * pieceBytes + 5)
    expect(new Rows().put(bytes).lose(0).whole()).toBeUndefined()
    for (const piece of [1, 2, 3])
      expect(new Rows().put(bytes).lose(piece).whole()).toEqual(bytes.subarray(0, piece * pieceBytes))
  })

  it('gives any part of it, from one row or several', () => {
    const bytes = bytesOf(3 * pieceBytes)
    const rows = new Rows().put(bytes)
    const edge = fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -2, max: 2 }))
      .map(([piece, by]) => Math.min(Math.max(piece * pieceBytes + by, 0), bytes.length))
    const place = fc.oneof(edge, fc.integer({ min: 0, max: bytes.length }))
    fc.assert(
      fc.property(place, place, (one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        expect(rows.part(from, to - from)).toEqual(bytes.subarray(from, to))
      }),
    )
  })

  it('gives less of a part than was asked for where a row is missing or cut off', () => {
    const bytes = bytesOf(2 * pieceBytes + 100)
    const across = [pieceBytes - 10, 20] as const
    expect(
      new Rows()
        .put(bytes)
        .lose(1)
        .part(...across),
    ).toEqual(bytes.subarray(pieceBytes - 10, pieceBytes))
    expect(
      new Rows()
        .put(bytes)
        .lose(0)
        .part(...across),
    ).toBeUndefined()
    const torn = new Rows().put(bytes)
    torn.held.set(toHex(blockKey(at, 0)), bytes.subarray(0, pieceBytes - 5))
    expect(torn.part(...across)).toEqual(bytes.subarray(pieceBytes - 10, pieceBytes - 5))
  })
})
