/**
 * The Merkle tree of RFC 6962 §2.1 over SHA-256: hashes, an incremental frontier, roots and proof paths. It stores nothing: a
 * frontier keeps the O(log n) hashes that appending needs, and paths read complete subtrees through a `HashReader`, which memory,
 * a database or tiles can serve. Checking proofs that come from outside is the business of `merkle-proof`.
 */
import { sha256 } from '#crypto'
import { assert } from './assert.ts'
import type { Digest } from './bytes.ts'

export type { Digest } from './bytes.ts'

/** The root of the tree without leaves: SHA-256 of nothing. */
export const emptyRoot: Digest = sha256(new Uint8Array())

const leafPrefix = Uint8Array.of(0x00)
const nodePrefix = Uint8Array.of(0x01)

/** SHA-256(00 ‖ entry). */
export const leafHash = (entry: Uint8Array): Digest => sha256(leafPrefix, entry)

/** SHA-256(01 ‖ left ‖ right). */
export const nodeHash = (left: Digest, right: Digest): Digest => sha256(nodePrefix, left, right)

/** The hash of the complete subtree of 2^level leaves that is number `index` among its like: leaves index·2^level onwards. */
export type HashReader = (level: number, index: number) => Digest

/** Told of every complete subtree in the moment it becomes complete; level 0 is the leaf itself. */
export type HashWriter = (level: number, index: number, hash: Digest) => void

/** Asked for a path or root that the tree does not have: an index, size or range outside it. */
export class TreeRangeError extends Error {
  override readonly name = 'TreeRangeError'
}

/**
 * A growing tree of which only the right edge is kept: the roots of its complete subtrees, the largest first, one for each bit
 * that is set in the size. Appending costs two hashes on average.
 */
export class TreeFrontier {
  #size = 0
  #peaks: Digest[] = []

  /** @throws {TreeRangeError} unless there is one peak of 32 bytes for each bit set in the size */
  static from(size: number, peaks: readonly Digest[]): TreeFrontier {
    if (!isSize(size) || peaks.length !== bitCount(size) || peaks.some((peak) => peak.length !== 32)) {
      throw new TreeRangeError(`${peaks.length} peaks do not make a tree of size ${size}`)
    }
    const frontier = new TreeFrontier()
    frontier.#size = size
    frontier.#peaks = [...peaks]
    return frontier
  }

  /** How many leaves. */
  get size(): number {
    return this.#size
  }

  /** Roots of the complete subtrees, the largest first. */
  get peaks(): readonly Digest[] {
    return this.#peaks
  }

  /** `onComplete` is told of the leaf and of every subtree that it completes, lowest first: what a store of tiles has to keep. */
  append(leaf: Digest, onComplete?: HashWriter): void {
    assert(leaf.length === 32, 'a leaf hash has 32 bytes')
    let hash = leaf
    let level = 0
    let index = this.#size
    onComplete?.(level, index, hash)
    // As in a binary counter: each trailing 1 of the size is a peak of equal height to merge with.
    while (index % 2 === 1) {
      hash = nodeHash(this.#peaks.pop()!, hash)
      level += 1
      index = (index - 1) / 2
      onComplete?.(level, index, hash)
    }
    this.#peaks.push(hash)
    this.#size += 1
  }

  root(): Digest {
    return foldPeaks(this.#peaks)
  }

  copy(): TreeFrontier {
    const copy = new TreeFrontier()
    copy.#size = this.#size
    copy.#peaks = [...this.#peaks]
    return copy
  }
}

/** MTH(D[size]): the root of the first `size` leaves. */
export function rootOf(size: number, read: HashReader): Digest {
  if (!isSize(size)) throw new TreeRangeError(`not a tree size: ${size}`)
  return rangeRoot(0, size, read)
}

/**
 * PATH(index, D[size]) of RFC 6962 §2.1.1, the leaf's sibling first.
 * @throws {TreeRangeError} unless index < size
 */
export function inclusionPath(index: number, size: number, read: HashReader): Digest[] {
  if (!isSize(size) || !isSize(index) || index >= size) {
    throw new TreeRangeError(`no leaf ${index} in a tree of size ${size}`)
  }
  const path: Digest[] = []
  let begin = 0
  let end = size
  while (end - begin > 1) {
    const middle = begin + split(end - begin)
    if (index < middle) {
      path.push(rangeRoot(middle, end, read))
      end = middle
    } else {
      path.push(rangeRoot(begin, middle, read))
      begin = middle
    }
  }
  return path.reverse()
}

/**
 * PROOF(from, D[to]) of RFC 6962 §2.1.2; empty when the sizes are equal.
 * @throws {TreeRangeError} unless 0 < from ≤ to
 */
export function consistencyPath(from: number, to: number, read: HashReader): Digest[] {
  if (!isSize(from) || !isSize(to) || from === 0 || from > to) {
    throw new TreeRangeError(`no consistency proof from size ${from} to ${to}`)
  }
  const path: Digest[] = []
  let begin = 0
  let end = to
  // SUBPROOF: descend to the subtree that ends at `from`, taking the sibling at each step.
  while (end !== from) {
    const middle = begin + split(end - begin)
    if (from <= middle) {
      path.push(rangeRoot(middle, end, read))
      end = middle
    } else {
      path.push(rangeRoot(begin, middle, read))
      begin = middle
    }
  }
  // Left out when that subtree is the old tree itself: the verifier has its root (b = true in the RFC).
  if (begin > 0) path.push(rangeRoot(begin, end, read))
  return path.reverse()
}

/** MTH(D[begin:end]), where `begin` is a multiple of the largest power of two ≤ end − begin, as in every split of a tree. */
function rangeRoot(begin: number, end: number, read: HashReader): Digest {
  const peaks: Digest[] = []
  let at = begin
  for (let level = heightOf(end - begin); at < end; level--) {
    const width = 2 ** level
    if (at + width > end) continue
    peaks.push(read(level, at / width))
    at += width
  }
  return foldPeaks(peaks)
}

function foldPeaks(peaks: readonly Digest[]): Digest {
  let root = peaks.at(-1)
  if (root === undefined) return emptyRoot
  for (let i = peaks.length - 2; i >= 0; i--) root = nodeHash(peaks[i]!, root)
  return root
}

/** The largest power of two smaller than `size` (size ≥ 2). */
function split(size: number): number {
  const width = 2 ** heightOf(size)
  return width === size ? width / 2 : width
}

/** ⌊log2 size⌋, 0 for 0. Not by Math.log2, which rounds up just below large powers of two. */
function heightOf(size: number): number {
  let level = 0
  for (let rest = size; rest >= 2; rest = Math.floor(rest / 2)) level += 1
  return level
}

function bitCount(size: number): number {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
