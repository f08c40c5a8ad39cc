/**
 * A batch: the statements that one node received, in the order received, under one signature (protocol.md, rules 23–25). Batches of a
 * node form runs, one for each incarnation (start of the process): numbered from 0 and linked by hash. A run never goes on after a
 * restart, so a batch that left before its journal was durable can never be contradicted by another with the same number.
 */
import { sha256 } from '#crypto'
import { concat, fromHex, toHex } from './bytes.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field } from './cbor.ts'
import { type SigningContext, sealMessage } from './certificate.ts'
import { zeroDigestHex } from './entry.ts'
import { leafHash } from './merkle-tree.ts'
import { entryBytesMax } from './tile.ts'

/** More items mean fewer signatures and fsyncs per record; at 512 they no longer show in the cost of one. */
export const batchItemsMax = 512
/** A batch must fit a block with room for others, and be sent within a heartbeat on a slow line. */
export const batchBytesMax = 256 * 1024

export interface BatchItem {
  /** The entry's bytes, as they will stand in the tree. */
  readonly entry: Uint8Array
  /** A receipt was given: whatever becomes of the statement is recorded. */
  readonly promised: boolean
  /** Leaf hash of the entry. */
  readonly leaf: Uint8Array
}

export interface BatchHeader {
  readonly member: string
  readonly incarnation: number
  readonly number: number
  /** Hash of the batch before it in the run, hex; zeros for number 0. */
  readonly previous: string
}

export interface Batch extends BatchHeader {
  readonly items: readonly BatchItem[]
  readonly signature: Uint8Array
  /** What was signed. */
  readonly message: Uint8Array
  /** SHA-256 of what was signed, hex: names the batch. */
  readonly hash: string
  readonly bytes: Uint8Array
}

export function batchItem(entry: Uint8Array, promised: boolean): BatchItem {
  return { entry, promised, leaf: leafHash(entry) }
}

/** The bytes under the batch's signature: its place in the run, and the leaf hash and promise of every item. */
export function batchMessage(
  context: SigningContext,
  header: BatchHeader,
  items: readonly Pick<BatchItem, 'leaf' | 'promised'>[],
): Uint8Array {
  const parts: Uint8Array[] = []
  for (const item of items) parts.push(item.leaf, item.promised ? promisedMark : unpromisedMark)
  return sealMessage('BATCH', context, [1, ...headerToCbor(header), items.length, sha256(concat(...parts))])
}

const promisedMark = Uint8Array.of(1)
const unpromisedMark = Uint8Array.of(0)

export function assembleBatch(
  header: BatchHeader,
  items: readonly BatchItem[],
  message: Uint8Array,
  signature: Uint8Array,
): Batch {
  const bytes = encodeCbor([1, ...headerToCbor(header), items.map((item) => [item.entry, item.promised]), signature])
  return { ...header, items, signature, message, hash: toHex(sha256(message)), bytes }
}

/** Structure and limits only; the signature, and every statement inside, are checked by whoever relies on them. */
export function decodeBatch(bytes: Uint8Array, context: SigningContext): Batch {
  if (bytes.length > batchBytesMax) throw new CborError('batch: too large')
  const parts = field.array(decodeCbor(bytes), 'batch', 7)
  if (parts[0] !== 1) throw new CborError('batch: unknown version')
  const header: BatchHeader = {
    member: field.text(parts[1], 'batch.member', 32),
    incarnation: field.natural(parts[2], 'batch.incarnation'),
    number: field.natural(parts[3], 'batch.number'),
    previous: toHex(field.bytes(parts[4], 'batch.previous', 32)),
  }
  if (header.number === 0 && header.previous !== zeroDigestHex) throw new CborError('batch: a run begins with zeros')
  const list = field.array(parts[5], 'batch.items')
  if (list.length === 0 || list.length > batchItemsMax) throw new CborError('batch.items: wrong count')
  const items = list.map((value, i) => {
    const [entry, promised] = field.array(value, `batch.items[${i}]`, 2)
    const entryBytes = field.bytes(entry, `batch.items[${i}].entry`)
    if (entryBytes.length > entryBytesMax) throw new CborError(`batch.items[${i}]: too large`)
    return batchItem(entryBytes, field.boolean(promised, `batch.items[${i}].promised`))
  })
  const signature = field.bytes(parts[6], 'batch.signature', 64)
  const message = batchMessage(context, header, items)
  return { ...header, items, signature, message, hash: toHex(sha256(message)), bytes }
}

function headerToCbor(header: BatchHeader): CborValue[] {
  return [header.member, header.incarnation, header.number, fromHex(header.previous)!]
}
