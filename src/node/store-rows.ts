/**
 * The rows of the node's key-value store: under which names they lie, in which order, and how the smaller ones are read. Whoever scans names a range
 * of them here. What is said in a row is of those who write it: block-rows.ts, derived-rows.ts, tree-rows.ts, block-store.ts, and what lasts
 * beside the blocks — the journal, fault proofs, and what a node remembers under a name.
 *
 *   b height piece    block bytes, in pieces (block-rows.ts)
 *   h height          the block's id and header, of committed blocks
 *   s text            state row, as the rules see it
 *   t level tile      up to 256 hashes of 32 bytes
 *   l tile            up to 256 leaf locations of 12 bytes
 *   x index           bytes of a leaf that is not in a block: system entries, refusal records
 *   d statement id    index of its record          r statement id member   index of a refusal record
 *   q field value height   indices of the records of that block that name this value
 *   c code subject    a subject of the trade (a tender) that goes by this code, and the index of its first record
 *   a size            q cosignatures               j number                a statement that got a receipt
 *   k height          q LOCKs of one block in some hundred
 *   f kid             the first fault proof of a key, as its file
 *   m name            the applied height with its sum; what peers have shown of themselves
 */
import { sha256 } from '#crypto'
import { type Attestation, attestationFromCbor, attestationToCbor } from '../chain/block.ts'
import { concat, fromHex, fromUtf8, toHex, u64, utf8, writeU64 } from '../chain/bytes.ts'
import { CborError, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import {
  type BlockCertificate,
  certificateFromCbor,
  certificateToCbor,
  isBlockCertificate,
} from '../chain/certificate.ts'
import { type Height, height } from '../chain/numbers.ts'

const prefix = {
  header: 0x68,
  state: 0x73,
  tile: 0x74,
  location: 0x6c,
  leaf: 0x78,
  statement: 0x64,
  refusal: 0x72,
  named: 0x71,
  coded: 0x63,
  attestation: 0x61,
  certificate: 0x6b,
  journal: 0x6a,
  fault: 0x66,
  meta: 0x6d,
} as const

/** Everything that can be made again from the blocks. */
export const derivedPrefixes: readonly number[] = [
  prefix.header,
  prefix.state,
  prefix.tile,
  prefix.location,
  prefix.leaf,
  prefix.statement,
  prefix.refusal,
  prefix.named,
  prefix.coded,
]

/** Sixteen bytes of a digest tell values apart; whoever looks one up compares the record again. */
const digest16 = (value: string): Uint8Array => sha256(utf8(value)).subarray(0, 16)

const key = (first: number, ...rest: readonly Uint8Array[]): Uint8Array => concat(Uint8Array.of(first), ...rest)

export const headerKey = (at: Height): Uint8Array => numberedKey(prefix.header, at)
export const stateKey = (name: string): Uint8Array => key(prefix.state, utf8(name))
/** What `stateKey` or `statementKey` was made of. */
export function nameOfRow(row: Uint8Array): string | undefined {
  if (row[0] === prefix.state) return fromUtf8(row.subarray(1))
  return row[0] === prefix.statement ? toHex(row.subarray(1)) : undefined
}
export function tileKey(level: number, tile: number): Uint8Array {
  const row = new Uint8Array(10)
  row[0] = prefix.tile
  row[1] = level
  writeU64(row, 2, tile)
  return row
}
export const locationKey = (tile: number): Uint8Array => numberedKey(prefix.location, tile)

/** In one array: a page of records asks for a hundred. */
function numberedKey(first: number, number: number): Uint8Array {
  const row = new Uint8Array(9)
  row[0] = first
  writeU64(row, 1, number)
  return row
}
export const leafKey = (index: number): Uint8Array => key(prefix.leaf, u64(index))
/** The value is an index. */
export const statementKey = (id: string): Uint8Array => key(prefix.statement, fromHex(id)!)
/** The value is an index. */
export const refusalKey = (id: string, member: string): Uint8Array => key(prefix.refusal, fromHex(id)!, utf8(member))
export const journalKey = (number: number): Uint8Array => key(prefix.journal, u64(number))
export const numberOfJournalKey = (row: Uint8Array): number => numberAt(row, row.length - 8)
export const metaKey = (name: string): Uint8Array => key(prefix.meta, utf8(name))
export const faultKey = (kid: string): Uint8Array => key(prefix.fault, utf8(kid))
export const certificateKey = (at: Height): Uint8Array => key(prefix.certificate, u64(at))

/** Written with `attestationRow`, read with `readAttestation`. */
export const attestationKey = (size: number): Uint8Array => key(prefix.attestation, u64(size))
export const sizeOfAttestationKey = (row: Uint8Array): number => numberAt(row, row.length - 8)
export const prefixRange = (first: number): { gte: Uint8Array; lt: Uint8Array } => ({
  gte: Uint8Array.of(first),
  lt: Uint8Array.of(first + 1),
})
export const attestationRange = prefixRange(prefix.attestation)
export const journalRange = prefixRange(prefix.journal)
export const faultRange = prefixRange(prefix.fault)
export const attestationsFrom = (size: number): { gte: Uint8Array; lt: Uint8Array } => ({
  gte: attestationKey(size),
  lt: Uint8Array.of(prefix.attestation + 1),
})

export const attestationRow = (attestation: Attestation): Uint8Array => encodeCbor([1, attestationToCbor(attestation)])

/** Undefined also when it is not what was written: it can only be had again from others, and whoever asks can do without it. */
export function readAttestation(row: Uint8Array): Attestation | undefined {
  return unlessDamaged(() => attestationFromCbor(field.array(decodeCbor(row), 'attestation row', 2)[1], 'attestation'))
}

export const certificateRow = (certificate: BlockCertificate): Uint8Array => encodeCbor(certificateToCbor(certificate))

/** Undefined also when it is not what was written, like an attestation. */
export function readCertificate(row: Uint8Array): BlockCertificate | undefined {
  const certificate = unlessDamaged(() => certificateFromCbor(decodeCbor(row), 'certificate row'))
  return certificate !== undefined && isBlockCertificate(certificate) ? certificate : undefined
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof CborError) return undefined
    throw error
  }
}

/** `kid`: what one key signed; `subject`: a lifecycle's instance; `hash`: of a document; `finding`: a code, or '' for all. */
export type NamedField =
  | 'type'
  | 'owner'
  | 'tender'
  | 'party'
  | 'member'
  | 'region'
  | 'kid'
  | 'subject'
  | 'hash'
  | 'finding'
/** In the order of their numbers in the rows' names. */
const namedFields: readonly NamedField[] = [
  'type',
  'owner',
  'tender',
  'party',
  'member',
  'region',
  'kid',
  'subject',
  'hash',
  'finding',
]

export function namedKey(name: NamedField, value: string, at?: Height): Uint8Array {
  const head = key(prefix.named, Uint8Array.of(namedFields.indexOf(name)), digest16(value))
  return at === undefined ? head : concat(head, u64(at))
}

/** Rows from this height on that name the value; values decode with `namedIndices`. */
export function namedRange(name: NamedField, value: string, from: Height): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: namedKey(name, value, from), lt: concat(namedKey(name, value), new Uint8Array(8).fill(0xff)) }
}

/** Of a subject that goes by a code; the value is read with `codedSubject`. */
export const codedKey = (code: string, subject: string): Uint8Array =>
  key(prefix.coded, digest16(code), digest16(subject))

/**
 * Rows of the subjects that go by a code, in the order of their digests; values decode with `codedSubject`.
 * @param after a subject's digest (`digestOfCodedKey`), hex: those behind it only
 */
export function codedRange(code: string, after?: string): { gte: Uint8Array; lt: Uint8Array } {
  const head = key(prefix.coded, digest16(code))
  const lt = concat(head, new Uint8Array(16).fill(0xff))
  return { gte: after === undefined ? head : concat(head, fromHex(after)!, Uint8Array.of(0)), lt }
}

/** Hex. */
export const digestOfCodedKey = (row: Uint8Array): string => toHex(row.subarray(-16))

export function codedSubject(row: Uint8Array): { readonly subject: string; readonly index: number } {
  const [subject, index] = field.array(decodeCbor(row), 'coded', 2)
  return { subject: field.text(subject, 'subject'), index: field.natural(index, 'index') }
}

export function namedIndices(row: Uint8Array): number[] {
  return field.array(decodeCbor(row), 'named').map((index) => field.natural(index, 'index'))
}

export const heightOfNamedKey = (row: Uint8Array): Height => height(numberAt(row, row.length - 8))

/** What `u64` wrote there. */
export function numberAt(row: Uint8Array, offset: number): number {
  return Number(new DataView(row.buffer, row.byteOffset + offset, 8).getBigUint64(0))
}
