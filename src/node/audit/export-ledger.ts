/**
 * A whole ledger as files that any web server can serve, under the paths that a node serves them: what `audit` needs, and every tool that reads
 * C2SP tiles. Copies and checks nothing but that the pieces have the form they should; `audit` of the directory says what it is worth. The checkpoint is
 * written last: a directory without one is an export that did not finish.
 */
import { decodeBlock } from '../../chain/block.ts'
import { blockBundlePath, bundleBlocks, bundleOf, encodeBlockBundle } from '../../chain/block-bundle.ts'
import { CborError } from '../../chain/cbor.ts'
import { foundingEpoch } from '../../chain/epoch.ts'
import type { Genesis } from '../../chain/genesis.ts'
import { noteBytesMax } from '../../chain/note.ts'
import { entriesPath, entryBytesMax, tilePath, tilesOf, tileWidth } from '../../chain/tile.ts'
import { ahead, asked, feedBlocks } from './block-feed.ts'
import { policyPath } from './comparing.ts'
import { genesisPath } from './genesis-choice.ts'
import { checkpointPath, readHead } from './served-head.ts'
import type { Source } from './source.ts'

/** A piece that the source does not give, or not in the form it should have. */
export class ExportFailed extends Error {
  override readonly name = 'ExportFailed'
}

export interface ExportDependencies {
  readonly source: Source
  /** Writes a file whole; its folders are made. */
  readonly write: (path: string, bytes: Uint8Array) => void
  readonly onProgress: (done: number, total: number) => void
}

export interface Exported {
  readonly size: number
  readonly height: number
  readonly files: number
}

/** @throws {ExportFailed}; VerificationError when the checkpoint is not one of this ledger */
export async function exportLedger(
  genesis: Genesis,
  { source, write, onProgress }: ExportDependencies,
): Promise<Exported> {
  let files = 0
  const put = (path: string, bytes: Uint8Array): void => {
    write(path, bytes)
    files++
  }
  const get = async (path: string, bytesMax: number): Promise<Uint8Array> => {
    const answer = await asked(source, path, bytesMax)
    if (answer.kind === 'failed') throw new ExportFailed(answer.finding.detail)
    if (answer.bytes === undefined) throw new ExportFailed(`${path} is not there`)
    return answer.bytes
  }
  const note = await get(checkpointPath, noteBytesMax)
  const { size, trouble, isPerhapsLater } = readHead(note, genesis, foundingEpoch(genesis), undefined)
  // Who the members of a later epoch are, the blocks say to whoever audits the export.
  if (trouble !== undefined && !isPerhapsLater) throw trouble
  put(genesisPath, genesis.entry)
  put(policyPath, await get(policyPath, noteBytesMax))
  for (const { level, fullCount, partialWidth } of tilesOf(size)) {
    const end = fullCount + (partialWidth > 0 ? 1 : 0)
    const path = (index: number): string => tilePath(level, index, tileWidth(level, index, size))
    for await (const [index, bytes] of ahead(0, 8, (at) => settled(get(path(at), 8_192)), end))
      put(path(index), unwrap(bytes))
  }
  const bundle = (index: number): string => entriesPath(index, tileWidth(0, index, size))
  for await (const [index, bytes] of ahead(
    0,
    3,
    (at) => settled(get(bundle(at), 256 * (2 + entryBytesMax))),
    Math.ceil(size / 256),
  )) {
    put(bundle(index), unwrap(bytes))
    onProgress(index * 256, size * 2)
  }
  const height = await exportBlocks(genesis, size, source, put, onProgress)
  put('checkpoint', note)
  return { size, height, files }
}

/** In a row that add nothing to the ledger; whoever serves more may do so until the disk is full. */
export const idleBlocksMax = 65_536

/** Full bundles, and the blocks after them one by one, up to the block that ends at this size. */
async function exportBlocks(
  genesis: Genesis,
  size: number,
  source: Source,
  put: (path: string, bytes: Uint8Array) => void,
  onProgress: ExportDependencies['onProgress'],
): Promise<number> {
  let loose: { readonly height: number; readonly bytes: Uint8Array }[] = []
  let [reached, height, grownAt] = [1, 0, 0]
  const feed = feedBlocks(source, 1)
  while (reached < size) {
    const next = await feed.next()
    if (next.done === true) throw new ExportFailed('the blocks end too early')
    const fed = next.value
    if (fed.kind === 'end') throw new ExportFailed(fed.finding.detail)
    loose.push({ height: fed.height, bytes: fed.bytes.slice() })
    if (loose.length === bundleBlocks) {
      put(blockBundlePath(bundleOf(fed.height)), encodeBlockBundle(loose.map(({ bytes }) => bytes)))
      loose = []
    }
    height = fed.height
    try {
      const { header } = decodeBlock(fed.bytes, { ledger: genesis.ledger, epoch: 0 })
      if (header.size > reached) grownAt = height
      else if (height - grownAt > idleBlocksMax)
        throw new ExportFailed(`no record in ${idleBlocksMax} blocks up to ${height}`)
      reached = Math.max(reached, header.size)
    } catch (error) {
      if (error instanceof CborError || error instanceof RangeError)
        throw new ExportFailed(`${fed.file}: ${error.message}`)
      throw error
    }
    onProgress(size + reached, size * 2)
  }
  await feed.return()
  for (const each of loose) put(`v1/blocks/${each.height}`, each.bytes)
  return height
}

/** What was asked ahead may fail after nobody wants it any more. */
type Settled = { readonly bytes: Uint8Array } | { readonly error: unknown }
const settled = (work: Promise<Uint8Array>): Promise<Settled> =>
  work.then(
    (bytes) => ({ bytes }),
    (error: unknown) => ({ error }),
  )
const unwrap = (result: Settled): Uint8Array => {
  if ('error' in result) throw result.error
  return result.bytes
}
