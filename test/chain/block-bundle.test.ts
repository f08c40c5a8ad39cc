import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockBytesMax } from '../../src/chain/block.ts'
import {
  blockBundleBytesMax,
  blockBundlePath,
  bundleBlocks,
  bundleOf,
  bundleStart,
  decodeBlockBundle,
  encodeBlockBundle,
  parseBlockBundlePath,
} from '../../src/chain/block-bundle.ts'
import { concat, writeU32 } from '../../src/chain/bytes.ts'
import { VerificationError } from '../../src/chain/verification-error.ts'

describe('the path of a bundle of blocks', () => {
  it('spells its number as that of a tile, and is read back', () => {
    expect(blockBundlePath(0)).toBe('v1/block-bundles/000')
    expect(blockBundlePath(1_234_067)).toBe('v1/block-bundles/x001/x234/067')
    fc.assert(fc.property(fc.nat(), (index) => parseBlockBundlePath(blockBundlePath(index)) === index))
  })

  it.each(['', 'v1/block-bundles/', 'v1/block-bundles/0', 'v1/block-bundles/0001', 'v1/block-bundles/x000/001'])(
    'has no other spelling: %j',
    (path) => expect(parseBlockBundlePath(path)).toBeUndefined(),
  )

  it('is no partial one and no tile', () => {
    expect(parseBlockBundlePath('v1/block-bundles/000.p/3')).toBeUndefined()
    expect(parseBlockBundlePath('tile/entries/000')).toBeUndefined()
  })
})

it('heights 1 to 16 are bundle 0, 17 begins bundle 1', () => {
  expect([bundleOf(1), bundleOf(16), bundleOf(17)]).toEqual([0, 0, 1])
  expect([bundleStart(0), bundleStart(1)]).toEqual([1, 17])
})

describe('a bundle of blocks', () => {
  const blocks = Array.from({ length: bundleBlocks }, (_, i) => new Uint8Array(i * 3).fill(i))
  const bundle = encodeBlockBundle(blocks)

  it('reads back as it was made', () => expect(decodeBlockBundle(bundle)).toEqual(blocks))

  it('of the largest blocks has exactly the bytes that are allowed', () => {
    expect(blockBundleBytesMax).toBe(bundleBlocks * (4 + blockBytesMax))
  })

  it('that is cut off, goes on, or holds fewer or more is malformed', () => {
    const tooLong = new Uint8Array(4)
    writeU32(tooLong, 0, blockBytesMax + 1)
    const wrong = [bundle.subarray(0, -1), concat(bundle, Uint8Array.of(0)), concat(bundle, new Uint8Array(4)), tooLong]
    for (const bytes of [...wrong, new Uint8Array(), bundle.subarray(4)]) {
      expect(() => decodeBlockBundle(bytes)).toThrow(VerificationError)
    }
    expect(() => encodeBlockBundle(blocks.slice(1))).toThrow(VerificationError)
  })
})
