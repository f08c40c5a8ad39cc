import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '../../src/chain/bytes.ts'
import {
  consistencyPath,
  type Digest,
  emptyRoot,
  type HashReader,
  inclusionPath,
  leafHash,
  nodeHash,
  rootOf,
  TreeFrontier,
  TreeRangeError,
} from '../../src/chain/merkle-tree.ts'

/** The eight leaves, their roots and proofs are those of the Certificate Transparency reference code (RFC 6962). */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (text) => leafHash(fromHex(text)!),
)
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const one = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'
const twoThree = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e'
const fourToSeven = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4'
const four = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b'
const sixSeven = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0'
const fourFive = '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a'

describe('RFC 6962 §2.1', () => {
  test('hash of the empty tree, of an empty leaf, of the leaf L123456 and of a node', () => {
    expect(toHex(emptyRoot)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(toHex(leafHash(new Uint8Array()))).toBe(roots[0])
    expect(toHex(leafHash(utf8('L123456')))).toBe('395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56')
    expect(toHex(nodeHash(utf8('N123'), utf8('N456')))).toBe(
      'aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb',
    )
  })

  test('a frontier has the reference roots after every leaf', () => {
    const frontier = new TreeFrontier()
    expect(toHex(frontier.root())).toBe(toHex(emptyRoot))
    leaves.forEach((leaf, index) => {
      frontier.append(leaf)
      expect(frontier.size).toBe(index + 1)
      expect(toHex(frontier.root())).toBe(roots[index])
      expect(toHex(rootOf(index + 1, reader(leaves)))).toBe(roots[index])
    })
    expect(rootOf(0, reader(leaves))).toEqual(emptyRoot)
  })

  test.each([
    [0, 1, []],
    [0, 8, [one, twoThree, fourToSeven]],
    [5, 8, [four, sixSeven, roots[3]]],
    [2, 3, [roots[1]]],
    [1, 5, [roots[0], twoThree, four]],
  ])('§2.1.1: audit path of leaf %i in size %i', (index, size, path) => {
    expect(inclusionPath(index, size, reader(leaves)).map(toHex)).toEqual(path)
  })

  test.each([
    [1, 1, []],
    [1, 8, [one, twoThree, fourToSeven]],
    [6, 8, [fourFive, sixSeven, roots[3]]],
    [2, 5, [twoThree, four]],
  ])('§2.1.2: consistency from size %i to %i', (from, to, path) => {
    expect(consistencyPath(from, to, reader(leaves)).map(toHex)).toEqual(path)
  })
})

describe('against the recursive definitions of RFC 6962, for every size up to 70', () => {
  const many = Array.from({ length: 70 }, (_, i) => leafHash(utf8(`leaf ${i}`)))
  const read = reader(many)

  test('roots, peaks and copies', () => {
    const frontier = new TreeFrontier()
    for (let size = 0; size <= many.length; size++) {
      expect(toHex(frontier.root())).toBe(toHex(treeHash(many.slice(0, size))))
      expect(toHex(rootOf(size, read))).toBe(toHex(frontier.root()))
      const revived = TreeFrontier.from(size, frontier.peaks)
      const copy = frontier.copy()
      if (size < many.length) frontier.append(many[size]!)
      expect(copy.size).toBe(size)
      copy.append(leaves[0]!)
      revived.append(leaves[0]!)
      expect(toHex(copy.root())).toBe(toHex(revived.root()))
    }
  })

  test('the hashes an append completes are those a reader is asked for', () => {
    const stored = new Map<string, Digest>()
    const frontier = new TreeFrontier()
    for (const leaf of many) {
      frontier.append(leaf, (level, index, hash) => {
        expect(stored.has(`${level}/${index}`)).toBe(false)
        stored.set(`${level}/${index}`, hash)
      })
    }
    for (const [name, hash] of stored) {
      const [level, index] = name.split('/').map(Number) as [number, number]
      expect(toHex(hash)).toBe(toHex(read(level, index)))
    }
    const fromStore: HashReader = (level, index) => stored.get(`${level}/${index}`)!
    expect(toHex(rootOf(many.length, fromStore))).toBe(toHex(frontier.root()))
  })

  test('audit paths', () => {
    for (let size = 1; size <= many.length; size++) {
      for (let index = 0; index < size; index++) {
        expect(inclusionPath(index, size, read).map(toHex)).toEqual(auditPath(index, many.slice(0, size)).map(toHex))
      }
    }
  })

  test('consistency paths', () => {
    for (let to = 1; to <= many.length; to++) {
      for (let from = 1; from <= to; from++) {
        const expected = subproof(from, many.slice(0, to), true).map(toHex)
        expect(consistencyPath(from, to, read).map(toHex)).toEqual(expected)
      }
    }
  })
})

describe('very large trees', () => {
  /** Asked for nothing outside the tree; returns something that names the subtree. */
  const checkedReader =
    (size: number): HashReader =>
    (level, index) => {
      expect(Number.isSafeInteger(index)).toBe(true)
      expect((BigInt(index) + 1n) * 2n ** BigInt(level)).toBeLessThanOrEqual(BigInt(size))
      return leafHash(utf8(`${level}/${index}`))
    }

  test('a reader is only asked for complete subtrees of the tree', () => {
    const sizes = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(sizes, sizes, (a, b) => {
        const [from, to] = a <= b ? [a, b] : [b, a]
        expect(rootOf(to, checkedReader(to))).toHaveLength(32)
        expect(inclusionPath(from - 1, to, checkedReader(to)).length).toBeLessThanOrEqual(53)
        expect(consistencyPath(from, to, checkedReader(to)).length).toBeLessThanOrEqual(54)
      }),
      { numRuns: 50 },
    )
  })

  test('a frontier goes on beyond 2^32 leaves', () => {
    const size = 2 ** 40 + 1
    const frontier = TreeFrontier.from(size, [leaves[0]!, leaves[1]!])
    frontier.append(leaves[2]!)
    expect(frontier.peaks.map(toHex)).toEqual([toHex(leaves[0]!), toHex(nodeHash(leaves[1]!, leaves[2]!))])
    expect(frontier.size).toBe(size + 1)
  })
})

describe('what a tree does not have', () => {
  const read = reader(leaves)

  test.each([
    [0, 0],
    [8, 8],
    [-1, 8],
    [0.5, 8],
    [0, 2 ** 53],
    [0, Number.NaN],
  ])('no audit path for leaf %d in size %d', (index, size) => {
    expect(() => inclusionPath(index, size, read)).toThrow(TreeRangeError)
  })

  test.each([
    [0, 0],
    [0, 8],
    [8, 7],
    [-1, 8],
    [1.5, 8],
    [1, 2 ** 53],
  ])('no consistency path from %d to %d', (from, to) => {
    expect(() => consistencyPath(from, to, read)).toThrow(TreeRangeError)
  })

  test('no frontier from peaks that do not belong to the size', () => {
    expect(() => TreeFrontier.from(3, [leaves[0]!])).toThrow(TreeRangeError)
    expect(() => TreeFrontier.from(1, [new Uint8Array(31)])).toThrow(TreeRangeError)
    expect(() => TreeFrontier.from(-1, [])).toThrow(TreeRangeError)
    expect(() => rootOf(2 ** 53, read)).toThrow(TreeRangeError)
  })
})

function reader(all: readonly Digest[]): HashReader {
  return (level, index) => {
    const width = 2 ** level
    expect((index + 1) * width).toBeLessThanOrEqual(all.length)
    return treeHash(all.slice(index * width, (index + 1) * width))
  }
}

// The definitions of RFC 6962 §2.1, word by word.

function treeHash(list: readonly Digest[]): Digest {
  if (list.length === 0) return emptyRoot
  if (list.length === 1) return list[0]!
  const k = largestPowerBelow(list.length)
  return nodeHash(treeHash(list.slice(0, k)), treeHash(list.slice(k)))
}

function auditPath(m: number, list: readonly Digest[]): Digest[] {
  if (list.length === 1) return []
  const k = largestPowerBelow(list.length)
  return m < k
    ? [...auditPath(m, list.slice(0, k)), treeHash(list.slice(k))]
    : [...auditPath(m - k, list.slice(k)), treeHash(list.slice(0, k))]
}

function subproof(m: number, list: readonly Digest[], whole: boolean): Digest[] {
  if (m === list.length) return whole ? [] : [treeHash(list)]
  const k = largestPowerBelow(list.length)
  return m <= k
    ? [...subproof(m, list.slice(0, k), whole), treeHash(list.slice(k))]
    : [...subproof(m - k, list.slice(k), false), treeHash(list.slice(0, k))]
}

function largestPowerBelow(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
