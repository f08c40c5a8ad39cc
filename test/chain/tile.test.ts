import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, toHex, utf8 } from '../../src/chain/bytes.ts'
import {
  consistencyPath,
  type Digest,
  inclusionPath,
  leafHash,
  nodeHash,
  rootOf,
  TreeFrontier,
  TreeRangeError,
} from '../../src/chain/merkle-tree.ts'
import {
  decodeEntryBundle,
  encodeEntryBundle,
  entriesPath,
  hashReaderOfTiles,
  parseTilePath,
  tileBytes,
  tilePath,
  tilesOf,
  tileWidth,
} from '../../src/chain/tile.ts'
import { VerificationError } from '../../src/chain/verification-error.ts'

describe('C2SP tlog-tiles: paths', () => {
  test('index 1234067 is x001/x234/067', () => {
    expect(tilePath(0, 1234067)).toBe('tile/0/x001/x234/067')
    expect(tilePath(63, 0, 1)).toBe('tile/63/000.p/1')
    expect(tilePath(2, 999)).toBe('tile/2/999')
    expect(tilePath(2, 1000, 255)).toBe('tile/2/x001/000.p/255')
    expect(entriesPath(12)).toBe('tile/entries/012')
    expect(entriesPath(273, 112)).toBe('tile/entries/273.p/112')
  })

  test('every address has one path, and every path that is read is that one', () => {
    const index = fc.nat(Number.MAX_SAFE_INTEGER)
    const width = fc.integer({ min: 1, max: 256 })
    fc.assert(
      fc.property(fc.nat(63), index, width, (level, at, wide) => {
        expect(parseTilePath(tilePath(level, at, wide))).toEqual({ kind: 'hashes', level, index: at, width: wide })
        expect(parseTilePath(entriesPath(at, wide))).toEqual({ kind: 'entries', index: at, width: wide })
      }),
    )
    const parts = fc.constantFrom(
      'tile',
      '/',
      '0',
      '00',
      '000',
      'x000',
      'x001',
      '067',
      '.p/',
      '1',
      '256',
      'entries',
      '63',
      '64',
    )
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 9 }), (list) => {
        const address = parseTilePath(list.join(''))
        if (address === undefined) return
        const path =
          address.kind === 'hashes'
            ? tilePath(address.level, address.index, address.width)
            : entriesPath(address.index, address.width)
        expect(path).toBe(list.join(''))
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    '',
    'tile/0',
    'tile/0/',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/x000/000',
    'tile/0/x000/067',
    'tile/0/001/067',
    'tile/0/x001',
    'tile/0/X001/067',
    'tile/0/x001/x067',
    'tile/0/000.p',
    'tile/0/000.p/',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/1000',
    'tile/0/000.p/-1',
    'tile/0/000.p/1/',
    'tile/0/000.p/1\n',
    'tile/0/000%2ep/1',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/0/x001/x000/x000/x000/x000/x000/000',
    'tile/entries/0',
    'tile/entries/x000/000',
    'tile/Entries/000',
    'tile/0/０００',
  ])('not canonical: %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined()
  })

  test('no path for what is no tile', () => {
    for (const [level, index, width] of [
      [64, 0, 1],
      [-1, 0, 1],
      [0, -1, 1],
      [0, 0.5, 1],
      [0, 2 ** 53, 1],
      [0, 0, 0],
      [0, 0, 257],
    ] as const) {
      expect(() => tilePath(level, index, width)).toThrow(TreeRangeError)
    }
  })
})

describe('C2SP tlog-tiles: which tiles there are', () => {
  test('size 70,000: 273 full and .p/112, 1 full and .p/17, .p/1', () => {
    expect(tilesOf(70_000)).toEqual([
      { level: 0, fullCount: 273, partialWidth: 112 },
      { level: 1, fullCount: 1, partialWidth: 17 },
      { level: 2, fullCount: 0, partialWidth: 1 },
    ])
    expect([272, 273, 274].map((index) => tileWidth(0, index, 70_000))).toEqual([256, 112, 0])
    expect([0, 1, 2].map((index) => tileWidth(1, index, 70_000))).toEqual([256, 17, 0])
    expect([0, 1].map((index) => tileWidth(2, index, 70_000))).toEqual([1, 0])
    expect(tileWidth(3, 0, 70_000)).toBe(0)
  })

  test('size 256: a full level-0 tile and a level-1 tile of width 1', () => {
    expect(tilesOf(256)).toEqual([
      { level: 0, fullCount: 1, partialWidth: 0 },
      { level: 1, fullCount: 0, partialWidth: 1 },
    ])
    expect(tilesOf(0)).toEqual([])
    expect(() => tilesOf(-1)).toThrow(TreeRangeError)
  })

  test('the width of a partial tile is ⌊size / 256^level⌋ mod 256', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), fc.nat(63), (size, level) => {
        const hashCount = BigInt(size) / 256n ** BigInt(level)
        const last = Number(hashCount / 256n)
        expect(tileWidth(level, last, size)).toBe(Number(hashCount % 256n))
        expect(tileWidth(level, last + 1, size)).toBe(0)
        if (last > 0) expect(tileWidth(level, last - 1, size)).toBe(256)
      }),
    )
  })
})

describe('tiles as a store of the tree', () => {
  const size = 70_000
  const complete = new Map<string, Digest>()
  const frontier = new TreeFrontier()
  for (let i = 0; i < size; i++) {
    // Cheap leaves: what is tested is the way through the tiles.
    const leaf = new Uint8Array(32)
    new DataView(leaf.buffer).setUint32(0, i)
    frontier.append(leaf, (level, index, hash) => {
      if (level % 8 === 0) complete.set(`${level}/${index}`, hash)
    })
  }
  const readTile = (level: number, index: number, width: number): Uint8Array =>
    tileBytes(level, index, width, (l, i) => complete.get(`${l}/${i}`)!)
  const read = hashReaderOfTiles(size, readTile)

  test('a tile of level 1 holds the roots of full tiles of level 0', () => {
    const tile = readTile(1, 1, 17)
    expect(tile).toHaveLength(17 * 32)
    const below = hashReaderOfTiles(256, () => readTile(0, 256 + 16, 256))
    expect(toHex(tile.subarray(16 * 32))).toBe(toHex(nodeHash(below(7, 0), below(7, 1))))
  })

  test('the root, an inclusion path and a consistency path come out of 3 levels of tiles', () => {
    expect(toHex(rootOf(size, read))).toBe(toHex(frontier.root()))
    expect(inclusionPath(69_999, size, read)).toHaveLength(9)
    expect(inclusionPath(0, size, read)).toHaveLength(17)
    expect(consistencyPath(65_537, size, read).length).toBeGreaterThan(0)
  })

  test('a subtree that is not complete is refused, not made up', () => {
    expect(() => read(0, size)).toThrow(TreeRangeError)
    expect(() => read(4, 4375)).toThrow(TreeRangeError)
    expect(() => read(17, 0)).toThrow(TreeRangeError)
  })

  test('a bigger tile than asked for serves as well', () => {
    const small = 300
    const generous = hashReaderOfTiles(small, (level, index) => readTile(level, index, 256 >> (level * 3)))
    const direct = new TreeFrontier()
    for (let i = 0; i < small; i++) direct.append(complete.get(`0/${i}`)!)
    expect(toHex(rootOf(small, generous))).toBe(toHex(direct.root()))
  })
})

describe('entry bundles', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 })
  const codeOf = (action: () => unknown): string => {
    try {
      action()
    } catch (error) {
      expect(error).toBeInstanceOf(VerificationError)
      return (error as VerificationError).code
    }
    return 'accepted'
  }

  test('u16 big-endian length and entry, one after another', () => {
    expect(toHex(encodeEntryBundle([utf8('ab'), new Uint8Array(), utf8('c')]))).toBe('0002616200000001' + '63')
    const longest = new Uint8Array(65_535).fill(1)
    const bundle = encodeEntryBundle([longest])
    expect(toHex(bundle.subarray(0, 3))).toBe('ffff01')
    expect(decodeEntryBundle(bundle, 1)).toEqual([longest])
  })

  test('what goes in comes out, and hashes to the leaves', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const decoded = decodeEntryBundle(encodeEntryBundle(list), list.length)
        expect(decoded.map((entry) => toHex(leafHash(entry)))).toEqual(list.map((entry) => toHex(leafHash(entry))))
      }),
      { numRuns: 30 },
    )
  })

  test('truncated, too many, too few, too long: a typed error', () => {
    const bundle = encodeEntryBundle([utf8('ab'), utf8('c')])
    for (let length = 0; length < bundle.length; length++) {
      expect(codeOf(() => decodeEntryBundle(bundle.subarray(0, length), 2))).toBe('bundle.malformed')
    }
    expect(codeOf(() => decodeEntryBundle(bundle, 1))).toBe('bundle.malformed')
    expect(codeOf(() => decodeEntryBundle(bundle, 3))).toBe('bundle.malformed')
    expect(codeOf(() => decodeEntryBundle(concat(bundle, Uint8Array.of(0)), 2))).toBe('bundle.malformed')
    expect(codeOf(() => encodeEntryBundle([new Uint8Array(65_536)]))).toBe('bundle.malformed')
    expect(codeOf(() => encodeEntryBundle([]))).toBe('bundle.malformed')
    expect(codeOf(() => encodeEntryBundle(new Array(257).fill(new Uint8Array())))).toBe('bundle.malformed')
  })
})
