/**
 * The tree of all leaves as rows: tiles of hashes (C2SP tlog-tiles), and beside them where each leaf's bytes lie. Rows grow at the right edge and
 * never change once they are full, so full ones that were read lately are kept.
 */

import { readU32, u64, writeU32 } from '../chain/bytes.ts'
import { Generations } from '../chain/generations.ts'
import { type HashReader, leafHash, nodeHash } from '../chain/merkle-tree.ts'
import { type Height, height } from '../chain/numbers.ts'
import { hashReaderOfTiles, tileWidthMax } from '../chain/tile.ts'
import { ByteCache } from './byte-cache.ts'
import type { DerivedRows } from './derived-rows.ts'
import { DamagedStore } from './disk-failure.ts'
import { copyValue } from './row-map.ts'
import { locationKey, tileKey } from './store-rows.ts'

/** Where a leaf's bytes lie: in the block of that height, or in a row of their own. */
export interface LeafLocation {
  readonly at: Height
  /** In the block's bytes; undefined: the leaf has a row of its own. */
  readonly offset: number | undefined
  readonly length: number
}

const locationBytes = 12
const locationRowBytes = tileWidthMax * locationBytes
const tileBytes = tileWidthMax * 32
/** In the place of an offset: the leaf has a row of its own. */
const ownRow = 0xffff_ffff

/** Those of some hundred tiles; about 10 MB. */
const subtreesMax = 65_536
/** Of 64 thousand leaves; 768 KiB of locations and 2 MiB of hashes. */
const tilesHeldMax = 256

export class TreeRows {
  readonly #rows: DerivedRows
  /** Full rows of leaf locations and leaf hashes: they never change. */
  readonly #locations = new ByteCache({ rowBytesMax: locationRowBytes, rowsMax: tilesHeldMax, keepsShort: false })
  readonly #leafTiles = new ByteCache({ rowBytesMax: tileBytes, rowsMax: tilesHeldMax, keepsShort: false })
  /** Hashes of complete subtrees, by level and index. */
  readonly #subtrees = new Generations<number, Uint8Array>(subtreesMax)

  constructor({ rows }: { readonly rows: DerivedRows }) {
    this.#rows = rows
  }

  /** What was read may be made anew. */
  forgetRead(): void {
    this.#locations.clear()
    this.#leafTiles.clear()
  }

  /** `tileRoots`: of the tiles that become full, in order, if they are known; each that is used is taken out. */
  append(index: number, hash: Uint8Array, tileRoots: Uint8Array[]): void {
    let level = 0
    let at = index
    let value = hash
    for (;;) {
      const tile = Math.floor(at / tileWidthMax)
      const row = tileKey(level, tile)
      const full = this.#rows.extend(row, value, tileBytes)
      if (full === undefined) return
      // A full tile is one hash of the level above: the root of its 256 (C2SP tlog-tiles).
      value = tileRoots.shift() ?? tileRoot(full)
      at = tile
      level += 1
    }
  }

  locate(index: number, { at, offset = ownRow, length }: LeafLocation): void {
    const location = new Uint8Array(locationBytes)
    // 48 bits of height, 32 of offset, 16 of length.
    location.set(u64(at).subarray(2))
    writeU32(location, 6, offset)
    location[10] = length >>> 8
    location[11] = length
    this.#rows.extend(locationKey(Math.floor(index / tileWidthMax)), location, locationRowBytes)
  }

  /** `width` hashes of a tile; undefined when the store has fewer. */
  tile(level: number, index: number, width: number): Uint8Array | undefined {
    const key = tileKey(level, index)
    const row = this.#rows.growing(key) ?? this.#rows.get(key)
    return row === undefined || row.length < width * 32 ? undefined : row.subarray(0, width * 32)
  }

  /**
   * Complete subtrees of the first `size` leaves. They never change, so those read lately are kept: proofs of neighbouring leaves share
   * most of their path. @throws {DamagedStore} when a tile is missing
   */
  hashReader(size: number): HashReader {
    const fromTiles = hashReaderOfTiles(size, (level, index, width) => {
      const tile = this.tile(level, index, width)
      if (tile === undefined) throw new DamagedStore(`tile ${level}/${index}.p/${width} is missing`)
      return tile
    })
    const read: HashReader = (level, index) => {
      const id = level * 2 ** 46 + index
      const held = this.#subtrees.get(id)
      if (held !== undefined) return held
      const hash =
        level % 8 === 0 ? fromTiles(level, index) : nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
      this.#subtrees.set(id, hash)
      return hash
    }
    return read
  }

  locationOf(index: number): LeafLocation | undefined {
    const tile = Math.floor(index / tileWidthMax)
    const row = this.#growingOrStored(this.#locations, tile, locationKey(tile))
    const begin = (index % tileWidthMax) * locationBytes
    if (row === undefined || row.length < begin + locationBytes) return undefined
    const offset = readU32(row, begin + 6)
    return {
      at: height(((row[begin]! << 8) | row[begin + 1]!) * 2 ** 32 + readU32(row, begin + 2)),
      offset: offset === ownRow ? undefined : offset,
      length: (row[begin + 10]! << 8) | row[begin + 11]!,
    }
  }

  /** Whether these are the bytes that the tree has there. */
  isLeaf(index: number, bytes: Uint8Array): boolean {
    const tile = Math.floor(index / tileWidthMax)
    const row = this.#growingOrStored(this.#leafTiles, tile, tileKey(0, tile))
    const begin = (index % tileWidthMax) * 32
    return row !== undefined && row.length >= begin + 32 && leafHash(bytes).every((byte, i) => byte === row[begin + i])
  }

  /** A row that grows with the tree: at its right edge from memory, else from the disk. Good until the next is read. */
  #growingOrStored(cache: ByteCache, tile: number, row: Uint8Array): Uint8Array | undefined {
    return cache.read(tile, (into) => {
      const growing = this.#rows.growing(row)
      return growing === undefined ? this.#rows.getInto(row, into) : copyValue(growing, into)
    })
  }
}

function tileRoot(tile: Uint8Array): Uint8Array {
  let hashes = Array.from({ length: tileWidthMax }, (_, i) => tile.subarray(i * 32, i * 32 + 32))
  while (hashes.length > 1) hashes = hashes.flatMap((left, i) => (i % 2 === 0 ? [nodeHash(left, hashes[i + 1]!)] : []))
  return hashes[0]!
}
