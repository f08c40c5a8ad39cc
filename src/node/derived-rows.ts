/**
 * Rows that are made from committed blocks and can be made again from them. Each stands in a running sum (state-sum.ts), so that a start can tell
 * whether the disk has lost or changed one; then all are forgotten and folding begins anew. Some rows grow at the right edge of the tree,
 * with every block: those stay in memory until they are full, and are written with the fold (`writeEdges`).
 */
import { assert } from '../chain/assert.ts'
import { toHex } from '../chain/bytes.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { readable } from './disk-failure.ts'
import type { Disk } from './ports.ts'
import { StateSum } from './state-sum.ts'
import { derivedPrefixes, prefixRange } from './store-rows.ts'

export interface DerivedRowsDependencies {
  readonly cycle: DiskCycle
  readonly scan: Disk['scan']
}

/** A row at the right edge of the tree, as far as it is filled, and as it was last written. */
interface Edge {
  readonly key: Uint8Array
  readonly buffer: Uint8Array
  length: number
  written: Uint8Array | undefined
}

export class DerivedRows {
  readonly #cycle: DiskCycle
  readonly #scan: Disk['scan']
  #sum = new StateSum()
  /** All rows are of this start: one that cannot be read is left over from before, and stands for nothing. */
  #isMadeAnew = false
  /** The rows at the right edge, which every block rewrites: by key, hex. */
  readonly #edges = new Map<string, Edge>()

  constructor({ cycle, scan }: DerivedRowsDependencies) {
    this.#cycle = cycle
    this.#scan = scan
  }

  /** As it was last written: of a row that grows, without what was added since (`growing`). @throws {DiskReadFailed} */
  get(row: Uint8Array): Uint8Array | undefined {
    return this.#isMadeAnew ? readable(() => this.#cycle.get(row)) : this.#cycle.get(row)
  }

  /** See `Disk.getInto`. @throws {DiskReadFailed} */
  getInto(row: Uint8Array, into: Uint8Array): number | undefined {
    return this.#isMadeAnew ? readable(() => this.#cycle.getInto(row, into)) : this.#cycle.getInto(row, into)
  }

  put(row: Uint8Array, value: Uint8Array, mayExist: boolean): void {
    if (mayExist) {
      const old = this.get(row)
      if (old !== undefined) this.#sum.remove(row, old)
    }
    this.#sum.add(row, value)
    this.#cycle.put(row, value)
  }

  /** Adds a piece to a row of `bytesMax`. Returns the row's bytes when this made it full. */
  extend(row: Uint8Array, piece: Uint8Array, bytesMax: number): Uint8Array | undefined {
    const id = toHex(row)
    let edge = this.#edges.get(id)
    if (edge === undefined) {
      const stored = this.get(row)
      edge = { key: row, buffer: new Uint8Array(bytesMax), length: stored?.length ?? 0, written: stored }
      if (stored !== undefined) edge.buffer.set(stored)
      this.#edges.set(id, edge)
    }
    assert(edge.length + piece.length <= bytesMax, 'a full row is not extended')
    edge.buffer.set(piece, edge.length)
    edge.length += piece.length
    return edge.length === bytesMax ? edge.buffer : undefined
  }

  /** A row at the right edge, with all that was added; undefined when it is none, or not held. */
  growing(row: Uint8Array): Uint8Array | undefined {
    const edge = this.#edges.get(toHex(row))
    return edge?.buffer.subarray(0, edge.length)
  }

  writeEdges(): void {
    for (const [id, edge] of this.#edges) {
      if (edge.written?.length === edge.length) continue
      if (edge.written !== undefined) this.#sum.remove(edge.key, edge.written)
      edge.written = edge.buffer.slice(0, edge.length)
      this.#sum.add(edge.key, edge.written)
      this.#cycle.put(edge.key, edge.written)
      if (edge.length === edge.buffer.length) this.#edges.delete(id)
    }
  }

  /** Over all rows as they are written now. */
  get sum(): Uint8Array {
    return this.#sum.bytes
  }

  /** Takes up from what the disk holds. */
  resume(sum: Uint8Array): void {
    this.#sum = new StateSum(sum)
    this.#edges.clear()
  }

  /**
   * Adds up the rows that are on the disk; for start-up, before anything is folded. Undefined: not all of them can be read.
   * @param onRow told of each by its name
   */
  recount(onRow: (row: Uint8Array) => void, done: (sum: Uint8Array | undefined) => void): void {
    const sum = new StateSum()
    const rest = [...derivedPrefixes]
    const next = (whole = true): void => {
      if (!whole) return done(undefined)
      const first = rest.shift()
      if (first === undefined) return done(sum.bytes)
      this.#scan(
        prefixRange(first),
        (row, value) => {
          sum.add(row, value)
          onRow(row)
          return undefined
        },
        next,
      )
    }
    next()
  }

  /** Deletes every row that can be read; folding writes over the others. */
  forget(done: () => void): void {
    this.#isMadeAnew = true
    this.#sum = new StateSum()
    this.#edges.clear()
    const rest = [...derivedPrefixes]
    const next = (): void => {
      const first = rest.shift()
      if (first === undefined) return done()
      this.#scan(
        prefixRange(first),
        (row) => {
          this.#cycle.del(row)
          return undefined
        },
        next,
      )
    }
    next()
  }
}
