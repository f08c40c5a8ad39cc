/**
 * Rows: the limits both disks hold them to, and a map of them by key bytes: what the memory disk stores and what a write cycle gathers. Keys are held as latin-1 text, one
 * character a byte, so that a JavaScript Map finds them and text order is the byte order of LevelDB. Knows its size in bytes.
 * Keeps what it is given by reference: nobody changes bytes that were handed over.
 */
import { assert } from '../chain/assert.ts'
import { compareBytes, toLatin1 } from '../chain/bytes.ts'
import type { Range, Row } from './ports.ts'

/** Bytes of the longest key: a few names and hashes. A key takes part in every comparison on the way to its row. */
export const keyBytesMax = 512
/** Bytes of the largest value: a block of 1 MiB with its certificates, and as much again. */
export const valueBytesMax = 2 * 1024 * 1024
/** Keys begin here; what is below is the disk's own. */
export const firstKey = Uint8Array.of(1)

export function assertKey(key: Uint8Array): void {
  assert(key.length <= keyBytesMax, `a key of ${key.length} bytes, at most ${keyBytesMax}`)
  assert(compareBytes(key, firstKey) >= 0, 'a key that is empty or begins with a zero byte')
}

export function assertRow({ key, value }: Row): void {
  assertKey(key)
  assert(
    value === undefined || value.length <= valueBytesMax,
    `a value of ${value?.length} bytes, at most ${valueBytesMax}`,
  )
}

/** Says how long it is; copies it only if there is room. */
export function copyValue(value: Uint8Array | undefined, into: Uint8Array): number | undefined {
  if (value !== undefined && value.length <= into.length) into.set(value)
  return value?.length
}

export class RowMap {
  readonly #rows = new Map<string, Row>()
  #ascending: readonly string[] | undefined
  #bytes = 0

  /** How many rows. */
  get size(): number {
    return this.#rows.size
  }

  /** Bytes of all keys and values. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: Uint8Array): Row | undefined {
    return this.#rows.size === 0 ? undefined : this.#rows.get(toLatin1(key))
  }

  /** The last row set for a key is the one that stays. */
  set(row: Row): void {
    const text = toLatin1(row.key)
    const before = this.#rows.get(text)
    if (before === undefined) this.#ascending = undefined
    else this.#bytes -= bytesOf(before)
    this.#rows.set(text, row)
    this.#bytes += bytesOf(row)
  }

  remove(key: Uint8Array): void {
    const text = toLatin1(key)
    const before = this.#rows.get(text)
    if (before === undefined) return
    this.#rows.delete(text)
    this.#bytes -= bytesOf(before)
    this.#ascending = undefined
  }

  clear(): void {
    this.#rows.clear()
    this.#ascending = undefined
    this.#bytes = 0
  }

  /** All rows, each key once, in no promised order. */
  rows(): readonly Row[] {
    return [...this.#rows.values()]
  }

  /** The rows of a range, in its order and up to its limit. */
  select(range: Range): readonly Row[] {
    this.#ascending ??= [...this.#rows.keys()].sort()
    const keys = this.#ascending.slice(
      positionOf(this.#ascending, toLatin1(range.gte)),
      positionOf(this.#ascending, toLatin1(range.lt)),
    )
    if (range.reverse === true) keys.reverse()
    return keys.slice(0, range.limit).map((key) => this.#rows.get(key)!)
  }
}

const bytesOf = (row: Row): number => row.key.length + (row.value?.length ?? 0)

/** Index of the first of the ascending keys that is not below `key`. */
function positionOf(ascending: readonly string[], key: string): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
