/** What a source serves beside its blocks, held against what was computed from the chain: tiles of every level, entries, policy. */
import { sha256 } from '#crypto'
import { equalBytes, utf8 } from '../../chain/bytes.ts'
import { type Epoch, epochOfSize, epochsUpTo } from '../../chain/epoch.ts'
import type { Genesis } from '../../chain/genesis.ts'
import { epochPolicy } from '../../chain/member-policy.ts'
import { leafHash } from '../../chain/merkle-tree.ts'
import { formatPolicy } from '../../chain/policy.ts'
import {
  decodeEntryBundle,
  entriesPath,
  entryBytesMax,
  tilePath,
  tilesOf,
  tileWidth,
  tileWidthMax,
} from '../../chain/tile.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import type { AuditStore } from './audit-store.ts'
import { type Asked, ahead, asked, feedBlocks } from './block-feed.ts'
import type { Finding, FindingCode, Source } from './source.ts'

/** Tiles on their way. */
const tilesAhead = 8
/** A bundle of the longest entries has 16 MiB. */
const bundlesAhead = 3

export const policyPath = 'v1/policy'
/** As far as any parser reads. */
const policyBytesMax = 1_000_000

/** The policy of the epoch in which the source is: at the very size at which one ends it may be in either. */
export async function comparePolicy(
  source: Source,
  genesis: Genesis,
  { newest, size }: { readonly newest: Epoch; readonly size: number },
): Promise<Finding | undefined> {
  const answer = await asked(source, policyPath, policyBytesMax)
  if (answer.kind === 'failed') return answer.finding
  if (answer.bytes === undefined) return missing(source, policyPath)
  const attesting = epochOfSize(newest, size)
  for (const epoch of epochsUpTo(newest)) {
    if (epoch !== attesting && epoch.start.size !== size) continue
    if (equalBytes(answer.bytes, utf8(formatPolicy(epochPolicy(genesis, epoch))))) return undefined
  }
  return {
    code: 'audit.policy-differs',
    source: source.name,
    file: policyPath,
    detail: 'not what the members amount to',
  }
}

/**
 * Tiles of a tree of `size` leaves; full ones that end at or before `from` were compared before. The first difference of each level.
 * `onTile` is told how many leaves have been compared.
 */
export async function compareTiles(
  source: Source,
  store: AuditStore,
  { from, size }: { readonly from: number; readonly size: number },
  onTile: (leaves: number) => void = () => undefined,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const { level, fullCount, partialWidth } of tilesOf(size)) {
    const end = fullCount + (partialWidth > 0 ? 1 : 0)
    const first = Math.floor(from / 256 ** (level + 1))
    const ask = (index: number): Promise<Asked> => {
      const width = tileWidth(level, index, size)
      return asked(source, tilePath(level, index, width), width * 32)
    }
    for await (const [index, answer] of ahead(first, tilesAhead, ask, end)) {
      const width = tileWidth(level, index, size)
      const file = tilePath(level, index, width)
      const finding = differenceOf(source, file, answer, store.tile(level, index, width)!, index * 256, level)
      if (finding?.code === 'audit.no-answer') return [...findings, finding]
      if (finding !== undefined) {
        findings.push(finding)
        break
      }
      if (level === 0) onTile(index * 256 + width)
    }
  }
  return findings
}

function differenceOf(
  source: Source,
  file: string,
  answer: Asked,
  ours: Uint8Array,
  firstIndex: number,
  level: number,
): Finding | undefined {
  if (answer.kind === 'failed') return answer.finding
  if (answer.bytes === undefined) return missing(source, file)
  const theirs = answer.bytes
  if (equalBytes(theirs, ours)) return undefined
  const no = (detail: string, index?: number): Finding => ({
    ...found('audit.tile-differs', source, file, detail),
    ...(index === undefined ? {} : { index }),
  })
  if (theirs.length !== ours.length) return no(`${theirs.length} bytes where ${ours.length} should be`)
  const at = firstDifference(theirs, ours)
  if (level > 0) return no(`hash ${at} of the tile is not that of the tiles below it`)
  return no(`the leaf hash of entry ${firstIndex + at} is another`, firstIndex + at)
}

/** Number of the first hash that differs. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let at = 0
  while (a[at] === b[at]) at++
  return Math.floor(at / 32)
}

/** All entries from the bundle in which `from` lies to `size`. The first difference. */
export async function compareEntries(
  source: Source,
  store: AuditStore,
  { from, size }: { readonly from: number; readonly size: number },
  onBundle: (leaves: number) => void = () => undefined,
): Promise<Finding | undefined> {
  const ask = (index: number): Promise<Asked> => {
    const width = tileWidth(0, index, size)
    return asked(source, entriesPath(index, width), width * (2 + entryBytesMax))
  }
  for await (const [index, answer] of ahead(Math.floor(from / 256), bundlesAhead, ask, Math.ceil(size / 256))) {
    const width = tileWidth(0, index, size)
    const file = entriesPath(index, width)
    if (answer.kind === 'failed') return answer.finding
    if (answer.bytes === undefined) return missing(source, file)
    // One hash instead of 256. Only what differs, or is not known as a whole, is taken apart.
    const whole = width === tileWidthMax ? store.bundleHash(index) : undefined
    if (whole !== undefined && equalBytes(sha256(answer.bytes), whole)) {
      onBundle(index * 256 + width)
      continue
    }
    let entries: readonly Uint8Array[]
    try {
      entries = decodeEntryBundle(answer.bytes, width)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      return found('audit.entry-differs', source, file, error.message)
    }
    const hashes = store.tile(0, index, width)!
    const wrong = entries.findIndex((entry, i) => !equalBytes(leafHash(entry), hashes.subarray(i * 32, i * 32 + 32)))
    if (wrong >= 0) {
      const at = index * 256 + wrong
      return { ...found('audit.entry-differs', source, file, `entry ${at} is another`), index: at }
    }
    onBundle(index * 256 + width)
  }
  return undefined
}

export interface BlockDifference {
  readonly finding: Finding
  /** The block that is another, as it was served. */
  readonly served?: { readonly height: number; readonly bytes: Uint8Array }
}

/** All blocks above `from` up to `to`, byte for byte. The first difference. */
export async function compareBlocks(
  source: Source,
  store: AuditStore,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<BlockDifference | undefined> {
  if (from >= to) return undefined
  for await (const fed of feedBlocks(source, from + 1)) {
    if (fed.kind === 'end') return { finding: fed.finding }
    const { height, file, bytes } = fed
    if (!equalBytes(sha256(bytes), store.blockHash(height)!)) {
      const finding = { ...found('audit.block-differs', source, file, `block ${height} is another`), height }
      return { finding, served: { height, bytes } }
    }
    if (height >= to) return undefined
  }
  return undefined
}

/** Of the first entry on which a source's level-0 tiles and ours do not agree, among the first `size`. */
export async function firstDifferentLeaf(
  source: Source,
  store: AuditStore,
  size: number,
  sizeOfSource: number,
): Promise<number | Finding | undefined> {
  const ask = (index: number): Promise<Asked> => {
    const width = tileWidth(0, index, sizeOfSource)
    return asked(source, tilePath(0, index, width), width * 32)
  }
  for await (const [index, answer] of ahead(0, tilesAhead, ask, Math.ceil(size / 256))) {
    const file = tilePath(0, index, tileWidth(0, index, sizeOfSource))
    if (answer.kind === 'failed') return answer.finding
    if (answer.bytes === undefined) return missing(source, file)
    const width = Math.min(tileWidth(0, index, size), tileWidth(0, index, sizeOfSource))
    const [ours, theirs] = [store.tile(0, index, width)!, answer.bytes.subarray(0, width * 32)]
    if (theirs.length < width * 32) return found('audit.tile-differs', source, file, `only ${theirs.length} bytes`)
    if (!equalBytes(ours, theirs)) return index * 256 + firstDifference(ours, theirs)
  }
  return undefined
}

export const missing = (source: Source, file: string): Finding =>
  found('audit.missing', source, file, 'its own checkpoint says that it is there')

export const found = (code: FindingCode, source: Source, file: string, detail: string): Finding => ({
  code,
  source: source.name,
  file,
  detail,
})
