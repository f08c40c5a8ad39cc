/**
 * How a block lies in the store: verbatim and once, in pieces of one length, so that one of its leaves is read without the others.
 *
 *   b height          the first piece (height 0: the genesis entry)
 *   b height number   the pieces behind it, from 1
 *
 * The last piece is shorter than the others, and empty where the length comes out even: a block says itself where it ends, whatever a longer
 * one has left behind at its height. The pieces of one block go to the disk in one batch. What is put together from pieces is short where one is
 * missing, and is judged like any other bytes: by whoever decodes it, or by the hash of the leaf. Earlier builds wrote a block as one row, which
 * is read as it is.
 */
import { assert } from '../chain/assert.ts'
import { blockBytesMax } from '../chain/block.ts'
import { concat, writeU64 } from '../chain/bytes.ts'
import type { Height } from '../chain/numbers.ts'
import type { Row } from './ports.ts'

/** Measured (decision 0033): smaller ones compress worse and are more rows to write, larger ones are more to read for one leaf. */
export const pieceBytes = 8 * 1024
export const blockPiecesMax = Math.floor(blockBytesMax / pieceBytes) + 1

const prefix = 0x62

/** @param piece numbered from 0 */
export function blockKey(at: Height, piece = 0): Uint8Array {
  const key = new Uint8Array(piece === 0 ? 9 : 11)
  key[0] = prefix
  writeU64(key, 1, at)
  if (piece > 0) {
    key[9] = piece >>> 8
    key[10] = piece
  }
  return key
}

type ReadRow = (key: Uint8Array) => Uint8Array | undefined

export function rowsOfBlock(at: Height, bytes: Uint8Array): Row[] {
  const count = Math.floor(bytes.length / pieceBytes) + 1
  assert(count <= blockPiecesMax, `a block of ${bytes.length} bytes`)
  return Array.from({ length: count }, (_, piece) => ({
    key: blockKey(at, piece),
    // Memory of its own: who keeps a piece keeps no block.
    value: bytes.slice(piece * pieceBytes, (piece + 1) * pieceBytes),
  }))
}

/** The block at this height, as far as its rows go; undefined when its first is not there. */
export function blockOfRows(at: Height, read: ReadRow): Uint8Array | undefined {
  const pieces: Uint8Array[] = []
  for (let number = 0; number < blockPiecesMax; number++) {
    const piece = read(blockKey(at, number))
    if (piece === undefined) break
    pieces.push(piece)
    if (piece.length !== pieceBytes) break
  }
  return pieces.length <= 1 ? pieces[0] : concat(...pieces)
}

/**
 * Bytes of a block from an offset on, in memory of their own: fewer where a row is missing.
 * @param read the piece with this number, good until it is called again
 */
export function partOfBlock(
  offset: number,
  length: number,
  read: (piece: number) => Uint8Array | undefined,
): Uint8Array | undefined {
  const part = new Uint8Array(length)
  let filled = 0
  do {
    const number = Math.floor((offset + filled) / pieceBytes)
    const piece = read(number)
    if (piece === undefined) {
      if (filled === 0) return undefined
      break
    }
    const begin = offset + filled - number * pieceBytes
    const found = piece.subarray(begin, begin + length - filled)
    part.set(found, filled)
    filled += found.length
    if (piece.length !== pieceBytes) break
  } while (filled < length)
  return part.subarray(0, filled)
}
