/**
 * Bundles of blocks, for whoever reads the whole chain: as entries come 256 to a bundle (C2SP tlog-tiles), blocks come 16 to one. Bundle N holds
 * the blocks of heights 16·N + 1 to 16·N + 16 and exists once all of them do, so that it never changes and any file server can hold it. The
 * blocks after the last bundle are fetched one by one.
 */
import { blockBytesMax } from './block.ts'
import { concat, readU32, writeU32 } from './bytes.ts'
import { entriesPath, parseTilePath } from './tile.ts'
import { VerificationError } from './verification-error.ts'

/** A million records in blocks of 64 are about 1,000 requests; the largest blocks make a bundle of 16 MiB, which a reader has to hold. */
export const bundleBlocks = 16
const lengthBytes = 4
/** Bytes of the largest bundle. */
export const blockBundleBytesMax = 16 * 1_048_580

/** Of the first block in a bundle. */
export const bundleStart = (index: number): number => index * bundleBlocks + 1

/** The bundle that a block is in, or will be. */
export const bundleOf = (height: number): number => Math.floor((height - 1) / bundleBlocks)

const folder = 'v1/block-bundles/'
const tileFolder = 'tile/entries/'

/** `v1/block-bundles/<N>`, N spelled as that of a tile, without a leading slash. @throws {TreeRangeError} */
export const blockBundlePath = (index: number): string => folder + entriesPath(index).slice(tileFolder.length)

/** `v1/blocks/<height>`. */
export const blockPath = (height: number): string => `v1/blocks/${height}`

/** The bundle that a path (without leading slash) spells; undefined unless it is the canonical spelling of one. */
export function parseBlockBundlePath(path: string): number | undefined {
  if (!path.startsWith(folder)) return undefined
  const index = parseTilePath(tileFolder + path.slice(folder.length))?.index
  return index !== undefined && blockBundlePath(index) === path ? index : undefined
}

/** u32 big-endian length ‖ block, for each of the 16. */
export function encodeBlockBundle(blocks: readonly Uint8Array[]): Uint8Array {
  if (blocks.length !== bundleBlocks) throw malformed(`${blocks.length} blocks in a bundle`)
  return concat(
    ...blocks.flatMap((block) => {
      const length = new Uint8Array(lengthBytes)
      writeU32(length, 0, block.length)
      return [length, block]
    }),
  )
}

/** The bytes of the 16 blocks; what is in them is not looked at. @throws {VerificationError} bundle.malformed */
export function decodeBlockBundle(bytes: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    if (blocks.length === bundleBlocks) throw malformed(`more than ${bundleBlocks} blocks`)
    if (at + lengthBytes > bytes.length) throw malformed('it ends within a length')
    const length = readU32(bytes, at)
    const end = at + lengthBytes + length
    if (length > blockBytesMax) throw malformed(`a block of ${length} bytes`)
    if (end > bytes.length) throw malformed('it ends within a block')
    blocks.push(bytes.subarray(at + lengthBytes, end))
    at = end
  }
  if (blocks.length !== bundleBlocks) throw malformed(`${blocks.length} blocks where ${bundleBlocks} should be`)
  return blocks
}

const malformed = (detail: string): VerificationError => new VerificationError('bundle.malformed', detail)
