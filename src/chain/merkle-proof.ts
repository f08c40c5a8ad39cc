/**
 * Checks inclusion and consistency proofs that come from outside (RFC 9162 §2.1.3.2 and §2.1.4.2; the trees are those of RFC 6962).
 * Whatever is wrong with the input ends as a `ProofError`: `…malformed` when its form cannot be (sizes, number or length of hashes),
 * `…mismatch` when the hashes do not lead to the root. Sizes and indexes may be BigInt, up to 64 bits.
 */
import { type Digest, equalBytes, toHex } from './bytes.ts'
import { nodeHash } from './merkle-tree.ts'
import { VerificationError } from './verification-error.ts'

/** A Merkle proof is malformed or proves something else. */
export class ProofError extends VerificationError {
  override readonly name = 'ProofError'
}

/** An index or a tree size from outside: a natural number, as a number at most 2^53 − 1, as a BigInt at most 2^64 − 1. */
export type TreeNumber = number | bigint

export interface InclusionClaim {
  readonly index: TreeNumber
  readonly size: TreeNumber
  /** The leaf hash, not the entry. */
  readonly leaf: Digest
  /** The leaf's sibling first. */
  readonly path: readonly Digest[]
  readonly root: Digest
}

/** @throws {ProofError} unless leaf `index` of the tree of `size` leaves under `root` is `leaf` */
export function verifyInclusion({ index, size, leaf, path, root }: InclusionClaim): void {
  const code = 'inclusion.malformed'
  let fn = natural(index, 'index', code)
  const leafCount = natural(size, 'size', code)
  if (fn >= leafCount) throw new ProofError(code, `index ${fn} is not below the size ${leafCount}`)
  checkDigests([leaf, root], 'hash', code)
  checkDigests(path, 'path', code)

  // fn and sn are the position of the current node and of the last one, level by level (RFC 9162 §2.1.3.2).
  let sn = leafCount - 1n
  let hash = leaf
  for (const sibling of path) {
    if (sn === 0n) throw new ProofError(code, `${path.length} hashes are too many for leaf ${index} of ${size}`)
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash)
      // At the right edge: go up to where the node is a right child; the levels between have no sibling.
      while (fn !== 0n && !isOdd(fn)) {
        fn >>= 1n
        sn >>= 1n
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    fn >>= 1n
    sn >>= 1n
  }
  if (sn !== 0n) throw new ProofError(code, `${path.length} hashes are too few for leaf ${index} of ${size}`)
  if (!equalBytes(hash, root)) {
    throw new ProofError('inclusion.mismatch', `the entry leads to root ${toHex(hash)}, not to ${toHex(root)}`)
  }
}

export interface ConsistencyClaim {
  readonly from: TreeNumber
  readonly fromRoot: Digest
  readonly to: TreeNumber
  readonly toRoot: Digest
  readonly path: readonly Digest[]
}

/**
 * @throws {ProofError} unless the tree of `to` leaves is shown to begin with the tree of `from` leaves. Equal sizes need an empty path
 * and equal roots. From size 0 there is nothing to show, so that is malformed (the witness call treats it before it comes here).
 */
export function verifyConsistency({ from, fromRoot, to, toRoot, path }: ConsistencyClaim): void {
  const code = 'consistency.malformed'
  const first = natural(from, 'first size', code)
  const second = natural(to, 'second size', code)
  if (first === 0n) throw new ProofError(code, 'nothing can be shown from size 0')
  if (first > second) throw new ProofError(code, `the first size ${first} is above the second ${second}`)
  checkDigests([fromRoot, toRoot], 'root', code)
  checkDigests(path, 'path', code)
  if (first === second) {
    if (path.length > 0) throw new ProofError(code, 'equal sizes need no hashes')
    if (!equalBytes(fromRoot, toRoot)) throw new ProofError('consistency.mismatch', `two roots for size ${first}`)
    return
  }

  // A tree whose size is a power of two is a node of the later tree: its root, which the proof leaves out, comes first.
  const hashes = isPowerOfTwo(first) ? [fromRoot, ...path] : path
  if (hashes.length === 0) throw new ProofError(code, `no hashes to lead from ${first} to ${second}`)
  let fn = first - 1n
  let sn = second - 1n
  while (isOdd(fn)) {
    fn >>= 1n
    sn >>= 1n
  }
  let fr = hashes[0]!
  let sr = hashes[0]!
  for (const hash of hashes.slice(1)) {
    if (sn === 0n) throw new ProofError(code, `${path.length} hashes are too many from ${first} to ${second}`)
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(hash, fr)
      sr = nodeHash(hash, sr)
      while (fn !== 0n && !isOdd(fn)) {
        fn >>= 1n
        sn >>= 1n
      }
    } else {
      sr = nodeHash(sr, hash)
    }
    fn >>= 1n
    sn >>= 1n
  }
  if (sn !== 0n) throw new ProofError(code, `${path.length} hashes are too few from ${first} to ${second}`)
  if (!equalBytes(fr, fromRoot)) throw new ProofError('consistency.mismatch', `not the root of size ${first}`)
  if (!equalBytes(sr, toRoot)) throw new ProofError('consistency.mismatch', `not the root of size ${second}`)
}

type MalformedCode = 'inclusion.malformed' | 'consistency.malformed'

function natural(value: TreeNumber, what: string, code: MalformedCode): bigint {
  if (typeof value === 'bigint' ? value >= 0n && value < 2n ** 64n : Number.isSafeInteger(value) && value >= 0) {
    return BigInt(value)
  }
  throw new ProofError(
    code,
    // A value out of somebody's JSON may be of any type, and not every object can be made a text.
    `the ${what} is not a natural number of at most 64 bits (53 as a number): ${isNumber(value) ? value : typeof value}`,
  )
}

function checkDigests(digests: readonly Digest[], what: string, code: MalformedCode): void {
  if (!Array.isArray(digests)) throw new ProofError(code, `the ${what} is not a list of hashes`)
  // No tree of 2^64 leaves needs more; a longer list is refused before it is hashed.
  if (digests.length > 65) throw new ProofError(code, `${digests.length} hashes are more than any proof has`)
  for (const digest of digests) {
    if (!(digest instanceof Uint8Array) || digest.length !== 32) {
      throw new ProofError(code, `the ${what} has a hash that is not 32 bytes`)
    }
  }
}

const isNumber = (value: unknown): value is TreeNumber => typeof value === 'number' || typeof value === 'bigint'
const isOdd = (value: bigint): boolean => (value & 1n) === 1n
const isPowerOfTwo = (value: bigint): boolean => (value & (value - 1n)) === 0n
