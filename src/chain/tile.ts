/**
 * Tiles (C2SP tlog-tiles): the spelling of their paths, which tiles a tree of a given size has, their content out of complete
 * subtrees and back, and bundles of entries. A tile of level L holds up to 256 hashes of complete subtrees of 256^L leaves. Serving
 * and fetching them is for others.
 */
import { assert } from './assert.ts'
import { concat, type Digest } from './bytes.ts'
import { type HashReader, nodeHash, TreeRangeError } from './merkle-tree.ts'
import { VerificationError } from './verification-error.ts'

/** Hashes in a full tile, entries in a full bundle. */
export const tileWidthMax = 256
/** Levels of the tree from one level of tiles to the next: 2^8 = 256. */
export const tileLevels = 8
/** Bytes of the largest entry: the u16 length in a bundle holds no more. */
export const entryBytesMax = 65_535

/** Which tile or bundle, and how much of it: 1..255 is a partial one, 256 a full one. */
export type TileAddress =
  | { readonly kind: 'hashes'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries'; readonly index: number; readonly width: number }

/** `tile/<L>/<N>[.p/<W>]`, without a leading slash. @throws {TreeRangeError} */
export const tilePath = (level: number, index: number, width = tileWidthMax): string => {
  if (!isNatural(level, 63)) throw new TreeRangeError(`no tile level ${level}`)
  return `tile/${level}/${indexPath(index, width)}`
}

/** `tile/entries/<N>[.p/<W>]`, without a leading slash. @throws {TreeRangeError} */
export const entriesPath = (index: number, width = tileWidthMax): string => `tile/entries/${indexPath(index, width)}`

/** The address that a path (without leading slash) spells; undefined unless it is the canonical spelling of one. */
export function parseTilePath(path: string): TileAddress | undefined {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path)
  if (match === null) return undefined
  const [, kind, groups, partial] = match
  const index = Number(groups!.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? tileWidthMax : Number(partial)
  if (!Number.isSafeInteger(index) || width < 1 || (partial !== undefined && width >= tileWidthMax)) return undefined
  const level = Number(kind)
  if (kind !== 'entries' && level > 63) return undefined
  // Leading zeros and needless groups are caught by spelling it again.
  if (kind === 'entries') return entriesPath(index, width) === path ? { kind, index, width } : undefined
  return tilePath(level, index, width) === path ? { kind: 'hashes', level, index, width } : undefined
}

/** 3-digit groups, all but the last prefixed with x: 1234067 → x001/x234/067. */
function indexPath(index: number, width: number): string {
  if (!isNatural(index)) throw new TreeRangeError(`no tile index ${index}`)
  if (!isNatural(width, tileWidthMax) || width === 0) throw new TreeRangeError(`no tile width ${width}`)
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g)!
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return width === tileWidthMax ? path : `${path}.p/${width}`
}

/** How many hashes tile `index` of a level has in a tree of `size` leaves: 0 when there is no such tile, 256 when it is full. */
export function tileWidth(level: number, index: number, size: number): number {
  // ⌊size / 256^level⌋ hashes in all on this level. 256^7 is beyond any safe size, and floor() then gives 0 as it should.
  const hashCount = Math.floor(size / tileWidthMax ** level)
  return Math.max(0, Math.min(tileWidthMax, hashCount - index * tileWidthMax))
}

/** The partial tiles of a tree of `size` leaves, and for each level how many full ones: what a mirror has to hold. */
export function tilesOf(
  size: number,
): { readonly level: number; readonly fullCount: number; readonly partialWidth: number }[] {
  if (!isNatural(size)) throw new TreeRangeError(`not a tree size: ${size}`)
  const tiles = []
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / tileWidthMax)) {
    tiles.push({ level, fullCount: Math.floor(count / tileWidthMax), partialWidth: count % tileWidthMax })
  }
  return tiles
}

/** The content of a tile, read from complete subtrees; the caller has checked with `tileWidth` that the tree has them. */
export function tileBytes(level: number, index: number, width: number, read: HashReader): Uint8Array {
  const out = new Uint8Array(width * 32)
  for (let i = 0; i < width; i++) out.set(read(level * 8, index * tileWidthMax + i), i * 32)
  return out
}

/** Gives the content of a tile, at least `width` hashes of it. */
export type TileReader = (level: number, index: number, width: number) => Uint8Array

/**
 * Reads complete subtrees of a tree of `size` leaves out of its tiles; what lies between two tile levels is hashed anew (at most
 * 127 hashes for one subtree). The tiles are believed: check the root that comes out.
 */
export function hashReaderOfTiles(size: number, readTile: TileReader): HashReader {
  return (level, index) => {
    const tileLevel = Math.floor(level / tileLevels)
    // The subtree is made of 2^r neighbouring hashes of one tile.
    const count = 2 ** (level - tileLevel * tileLevels)
    const first = index * count
    const tileIndex = Math.floor(first / tileWidthMax)
    const width = tileWidth(tileLevel, tileIndex, size)
    const offset = first - tileIndex * tileWidthMax
    if (offset + count > width) throw new TreeRangeError(`no complete subtree ${level}/${index} in size ${size}`)
    const tile = readTile(tileLevel, tileIndex, width)
    assert(tile.length >= width * 32, 'a tile reader gives the width that was asked for')
    return completeRoot(tile, offset, count)
  }
}

function completeRoot(tile: Uint8Array, offset: number, count: number): Digest {
  if (count === 1) return tile.slice(offset * 32, offset * 32 + 32)
  const half = count / 2
  return nodeHash(completeRoot(tile, offset, half), completeRoot(tile, offset + half, half))
}

/** u16 big-endian length ‖ entry, for each of 1..256 entries. @throws {VerificationError} bundle.malformed */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0 || entries.length > tileWidthMax) throw malformed(`${entries.length} entries in a bundle`)
  return concat(...entries.flatMap((entry) => [u16(entry.length), entry]))
}

/** The entries of a bundle of exactly `width` entries. @throws {VerificationError} bundle.malformed */
export function decodeEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    if (entries.length === width) throw malformed(`more than ${width} entries`)
    const start = at + 2
    if (start > bytes.length) throw malformed('it ends within a length')
    const end = start + ((bytes[at]! << 8) | bytes[at + 1]!)
    if (end > bytes.length) throw malformed('it ends within an entry')
    entries.push(bytes.subarray(start, end))
    at = end
  }
  if (entries.length !== width) throw malformed(`${entries.length} entries where ${width} should be`)
  return entries
}

function u16(length: number): Uint8Array {
  if (length > entryBytesMax) throw malformed(`an entry of ${length} bytes`)
  return Uint8Array.of(length >> 8, length & 0xff)
}

const isNatural = (value: number, max: number = Number.MAX_SAFE_INTEGER): boolean =>
  Number.isSafeInteger(value) && value >= 0 && value <= max

const malformed = (detail: string): VerificationError => new VerificationError('bundle.malformed', detail)
