import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, utf8 } from '../../src/chain/bytes.ts'
import {
  type ConsistencyClaim,
  type InclusionClaim,
  ProofError,
  verifyConsistency,
  verifyInclusion,
} from '../../src/chain/merkle-proof.ts'
import {
  consistencyPath,
  type Digest,
  type HashReader,
  inclusionPath,
  leafHash,
  nodeHash,
  rootOf,
} from '../../src/chain/merkle-tree.ts'

const sizeMax = 45
const leaves = Array.from({ length: sizeMax }, (_, i) => leafHash(utf8(`leaf ${i}`)))
const read: HashReader = (level, index) =>
  level === 0 ? leaves[index]! : nodeHash(read(level - 1, index * 2), read(level - 1, index * 2 + 1))
const roots = Array.from({ length: sizeMax + 1 }, (_, size) => rootOf(size, read))

const inclusion = (index: number, size: number): InclusionClaim => ({
  index,
  size,
  leaf: leaves[index]!,
  path: inclusionPath(index, size, read),
  root: roots[size]!,
})
const consistency = (from: number, to: number): ConsistencyClaim => ({
  from,
  fromRoot: roots[from]!,
  to,
  toRoot: roots[to]!,
  path: consistencyPath(from, to, read),
})

/** index < size ≤ sizeMax, and 1 ≤ from ≤ to ≤ sizeMax. */
const leafInTree = fc.integer({ min: 1, max: sizeMax }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)))
const twoSizes = leafInTree.map(([index, size]) => [index + 1, size] as const)

const refused = (check: () => void, code?: string): void => {
  try {
    check()
  } catch (error) {
    expect(error).toBeInstanceOf(ProofError)
    if (code !== undefined) expect((error as ProofError).code).toBe(code)
    return
  }
  expect.unreachable('it was accepted')
}

describe('inclusion (RFC 9162 §2.1.3.2)', () => {
  test('every leaf of every tree', () => {
    for (let size = 1; size <= sizeMax; size++) {
      for (let index = 0; index < size; index++) {
        verifyInclusion(inclusion(index, size))
        verifyInclusion({ ...inclusion(index, size), index: BigInt(index), size: BigInt(size) })
      }
    }
  })

  test('a vector of the Certificate Transparency reference code', () => {
    const path = [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ].map((hash) => fromHex(hash)!)
    const root = fromHex('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')!
    const leaf = leafHash(fromHex('40414243')!)
    verifyInclusion({ index: 5, size: 8, leaf, path, root })
    for (const index of [0, 1, 2, 3, 4, 6, 7]) {
      refused(() => verifyInclusion({ index, size: 8, leaf, path, root }), 'inclusion.mismatch')
    }
  })

  test('any bit flipped in leaf, path or root is a mismatch', () => {
    fc.assert(
      fc.property(leafInTree, fc.nat(), fc.nat(255), ([index, size], which, bit) => {
        const claim = inclusion(index, size)
        const hashes = [claim.leaf, claim.root, ...claim.path].map((hash) => hash.slice())
        hashes[which % hashes.length]![bit >> 3]! ^= 1 << (bit & 7)
        const [leaf, root, ...path] = hashes as [Digest, Digest, ...Digest[]]
        refused(() => verifyInclusion({ ...claim, leaf, root, path }), 'inclusion.mismatch')
      }),
    )
  })

  test('another index, and one hash more or less, are refused', () => {
    fc.assert(
      fc.property(leafInTree, fc.nat(sizeMax - 1), ([index, size], other) => {
        const claim = inclusion(index, size)
        if (other !== index) refused(() => verifyInclusion({ ...claim, index: other }))
        refused(() => verifyInclusion({ ...claim, path: [...claim.path, leaves[0]!] }), 'inclusion.malformed')
        if (size === 1) return // no hash to leave out
        refused(() => verifyInclusion({ ...claim, path: claim.path.slice(1) }))
        refused(() => verifyInclusion({ ...claim, path: claim.path.slice(0, -1) }))
      }),
    )
  })

  test.each<[string, Partial<InclusionClaim>]>([
    ['index not below size', { index: 1 }],
    ['empty tree', { size: 0 }],
    ['negative', { index: -1 }],
    ['negative', { index: -1n }],
    ['no natural number', { index: 0.5 }],
    ['no number', { index: Number.NaN }],
    ['over 2^53 as a number', { index: 2 ** 53, size: 2 ** 53 + 2 }],
    ['endless', { size: Number.POSITIVE_INFINITY }],
    ['over 64 bits', { size: 2n ** 64n }],
    ['short leaf', { leaf: new Uint8Array(31) }],
    ['long root', { root: new Uint8Array(33) }],
    ['short hash', { path: [new Uint8Array(0)] }],
    ['endless path', { path: new Array(100_000).fill(leaves[0]) }],
    ['not a number at all', { index: '0' as unknown as number }],
    ['not a list', { path: 'abc' as unknown as Digest[] }],
    ['no leaf', { leaf: undefined as unknown as Digest }],
  ])('malformed: %s', (_name, part) => {
    refused(() => verifyInclusion({ ...inclusion(0, 1), ...part }), 'inclusion.malformed')
  })

  test('64-bit indexes are followed to the end', () => {
    // The last leaf of a tree of 2^63 + 1: its sibling is the root of the first 2^63.
    const [left, leaf] = [leaves[0]!, leaves[1]!]
    const claim = { index: 2n ** 63n, size: 2n ** 63n + 1n, leaf, path: [left], root: nodeHash(left, leaf) }
    verifyInclusion(claim)
    refused(() => verifyInclusion({ ...claim, index: 0n }), 'inclusion.malformed')
  })
})

describe('consistency (RFC 9162 §2.1.4.2)', () => {
  test('every pair of trees', () => {
    for (let to = 1; to <= sizeMax; to++) {
      for (let from = 1; from <= to; from++) {
        verifyConsistency(consistency(from, to))
        verifyConsistency({ ...consistency(from, to), from: BigInt(from), to: BigInt(to) })
      }
    }
  })

  test('any bit flipped in the roots or the path is a mismatch', () => {
    fc.assert(
      fc.property(twoSizes, fc.nat(), fc.nat(255), ([from, to], which, bit) => {
        const claim = consistency(from, to)
        const hashes = [claim.fromRoot, claim.toRoot, ...claim.path].map((hash) => hash.slice())
        hashes[which % hashes.length]![bit >> 3]! ^= 1 << (bit & 7)
        const [fromRoot, toRoot, ...path] = hashes as [Digest, Digest, ...Digest[]]
        refused(() => verifyConsistency({ ...claim, fromRoot, toRoot, path }), 'consistency.mismatch')
      }),
    )
  })

  test('other sizes, and one hash more or less, are refused', () => {
    fc.assert(
      fc.property(twoSizes, fc.integer({ min: 1, max: sizeMax }), ([from, to], other) => {
        const claim = consistency(from, to)
        if (from < to) {
          if (other !== from) refused(() => verifyConsistency({ ...claim, from: other }))
          refused(() => verifyConsistency({ ...claim, path: claim.path.slice(0, -1) }))
          refused(() => verifyConsistency({ ...claim, path: claim.path.slice(1) }))
          refused(() => verifyConsistency({ ...claim, path: [] }), 'consistency.malformed')
        }
        refused(() => verifyConsistency({ ...claim, path: [...claim.path, leaves[0]!] }), 'consistency.malformed')
      }),
    )
  })

  test('equal sizes need an empty path and equal roots; from size 0 there is nothing to show', () => {
    const claim = consistency(7, 7)
    expect(claim.path).toEqual([])
    refused(() => verifyConsistency({ ...claim, toRoot: roots[8]! }), 'consistency.mismatch')
    refused(() => verifyConsistency({ ...claim, path: [leaves[0]!] }), 'consistency.malformed')
    refused(() => verifyConsistency({ ...claim, from: 0, fromRoot: roots[0]! }), 'consistency.malformed')
    refused(() => verifyConsistency({ ...claim, from: 0n, to: 0n }), 'consistency.malformed')
  })

  test.each<[Partial<ConsistencyClaim>]>([
    [{ from: 9 }],
    [{ from: -1 }],
    [{ to: 2 ** 53 }],
    [{ to: 2n ** 64n }],
    [{ fromRoot: new Uint8Array(31) }],
    [{ toRoot: new Uint8Array() }],
    [{ path: [new Uint8Array(31)] }],
    [{ path: new Array(100_000).fill(leaves[0]) }],
    [{ path: null as unknown as Digest[] }],
  ])('malformed case %#', (part) => {
    refused(() => verifyConsistency({ ...consistency(3, 8), ...part }), 'consistency.malformed')
  })
})

test('no input ends in another exception than a ProofError', () => {
  const number = fc.oneof(fc.integer(), fc.double(), fc.bigInt(), fc.nat(10), fc.constant(2 ** 53))
  const digest = fc.oneof(fc.constantFrom(...leaves), fc.uint8Array({ maxLength: 33 }))
  const hashes = fc.array(digest, { maxLength: 70 })
  const proofErrorOnly = (check: () => void): void => {
    try {
      check()
    } catch (error) {
      expect(error).toBeInstanceOf(ProofError)
    }
  }
  fc.assert(
    fc.property(number, number, digest, digest, hashes, (a, b, one, two, path) => {
      proofErrorOnly(() => verifyInclusion({ index: a, size: b, leaf: one, path, root: two }))
      proofErrorOnly(() => verifyConsistency({ from: a, fromRoot: one, to: b, toRoot: two, path }))
    }),
  )
})
