/** Tiles as leaves come, each exactly once when it is full, and the partial ones at the right edge. */
import { assert } from '../../chain/assert.ts'
import { nodeHash } from '../../chain/merkle-tree.ts'
import { tileWidthMax } from '../../chain/tile.ts'

export interface Edge {
  /** Of the tile that is growing. */
  readonly index: number
  /** Its hashes so far, fewer than 256. */
  readonly bytes: Uint8Array
}

const tileBytes = tileWidthMax * 32

export class TileBuilder {
  readonly #levels: { index: number; readonly buffer: Uint8Array; length: number }[]
  readonly #onFull: (level: number, index: number, bytes: Uint8Array) => void

  constructor(edges: readonly Edge[], onFull: (level: number, index: number, bytes: Uint8Array) => void) {
    this.#onFull = onFull
    this.#levels = edges.map(({ index, bytes }) => {
      const buffer = new Uint8Array(tileBytes)
      buffer.set(bytes)
      return { index, buffer, length: bytes.length }
    })
  }

  /** `tileRoots`: what the tiles that become full by this leaf are one level up, where that is known; taken from its front. */
  append(leaf: Uint8Array, tileRoots: Uint8Array[] = []): void {
    let hash = leaf
    for (let level = 0; ; level++) {
      let edge = this.#levels[level]
      if (edge === undefined) {
        edge = { index: 0, buffer: new Uint8Array(tileBytes), length: 0 }
        this.#levels.push(edge)
      }
      edge.buffer.set(hash, edge.length)
      edge.length += 32
      if (edge.length < tileBytes) return
      const full = edge.buffer.slice()
      this.#onFull(level, edge.index, full)
      edge.index += 1
      edge.length = 0
      hash = tileRoots.shift() ?? completeRoot(full)
    }
  }

  /** By level. */
  get edges(): readonly Edge[] {
    return this.#levels.map(({ index, buffer, length }) => ({ index, bytes: buffer.slice(0, length) }))
  }

  /** The first `width` hashes of a tile that is not full. */
  partial(level: number, index: number, width: number): Uint8Array | undefined {
    const edge = this.#levels[level]
    if (edge === undefined || edge.index !== index || edge.length < width * 32) return undefined
    return edge.buffer.slice(0, width * 32)
  }
}

/** What a full tile is one level up. */
function completeRoot(tile: Uint8Array): Uint8Array {
  let row = Array.from({ length: tileWidthMax }, (_, i) => tile.subarray(i * 32, i * 32 + 32))
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, i) => nodeHash(row[2 * i]!, row[2 * i + 1]!))
  }
  assert(row[0] !== undefined, 'a full tile has a root')
  return row[0]
}
