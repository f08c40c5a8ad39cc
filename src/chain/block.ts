/**
 * A block: the unit of consensus, height = index in the Raft log. Its header names everything in it; its id is the header's hash; the
 * leader's SEAL signs the id. A block carries whole batches, and the certificates that make the chain self-auditing: EC(t) and the
 * certificate of base(t) in the first block of a term, and the newest attestation not carried before.
 */
import { sha256 } from '#crypto'
import { type Batch, batchBytesMax, decodeBatch } from './batch.ts'
import { fromHex, toHex, utf8 } from './bytes.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field, hashOfCbor } from './cbor.ts'
import {
  type BlockCertificate,
  type BlockRef,
  certificateFromCbor,
  certificateToCbor,
  type ElectionCertificate,
  isBlockCertificate,
  isElection,
  type SigningContext,
  sealMessage,
  signaturesMax,
} from './certificate.ts'
import { type Height, height, TERM_MAX, type Term, term } from './numbers.ts'
import { timeMax, timeSecondsMax } from './time.ts'

/** Fits four full batches; at 100 Mbit/s it is sent in less than a tenth of a second. */
export const blockBytesMax = 1024 * 1024
/** Room for the header, the seal and the carried certificates beside the batches. */
export const blockBatchesBytesMax = blockBytesMax - 64 * 1024
export const blockBatchesMax = 256

/** q members' cosignatures over one checkpoint of this ledger (its origin is the ledger's). */
export interface Attestation {
  readonly size: number
  /** Hex. */
  readonly root: string
  /** Ascending by member. Time: POSIX seconds, of a year that can be written. */
  readonly cosignatures: readonly { readonly member: string; readonly time: number; readonly signature: Uint8Array }[]
}

export interface Carried {
  readonly election?: ElectionCertificate
  readonly base?: BlockCertificate
  readonly attestation?: Attestation
  /** In the first block of an epoch that governance re-founded: the certificate, as it is spelled (refounding.ts). */
  readonly refounding?: Uint8Array
}

export interface BlockHeader {
  readonly epoch: number
  readonly term: Term
  readonly height: Height
  /** Id of the parent, hex. */
  readonly parent: string
  /** Milliseconds since 1970, never less than the parent's. */
  readonly time: number
  readonly leader: string
  /** SHA-256 over the members, hashes and signatures of the batches, hex. */
  readonly batches: string
  /** SHA-256 over the carried certificates, hex. */
  readonly carried: string
  /** Size and root (hex) of the tree after this block. */
  readonly size: number
  readonly root: string
}

export interface Block {
  readonly id: string
  readonly header: BlockHeader
  readonly seal: Uint8Array
  readonly carried: Carried
  readonly batches: readonly Batch[]
  readonly bytes: Uint8Array
}

export const refOfBlock = (block: Block): BlockRef => ({
  term: block.header.term,
  height: block.header.height,
  id: block.id,
})

export function batchesDigest(batches: readonly Batch[]): string {
  return toHex(sha256(batchesPreimage(batches)))
}

/** What the header's digest of batches covers. */
export function batchesPreimage(batches: readonly Batch[]): Uint8Array {
  return encodeCbor(batches.map((batch) => [batch.member, fromHex(batch.hash)!, batch.signature]))
}

export function carriedDigest(carried: Carried): string {
  return hashOfCbor(carriedToCbor(carried))
}

export const blockId = (header: BlockHeader): string => blockIdOfHeader(encodeHeader(header))

export const blockIdOfHeader = (header: Uint8Array): string => toHex(sha256(idPrefix, header))
const idPrefix = utf8('gongzheng/block\0')

export const encodeHeader = (header: BlockHeader): Uint8Array => encodeCbor(headerToCbor(header))

/** @throws {CborError} */
export const decodeHeader = (bytes: Uint8Array): BlockHeader => headerFromCbor(decodeCbor(bytes))

/** The bytes a leader's seal key signs for a block. */
export function blockSealMessage(context: SigningContext, header: BlockHeader): Uint8Array {
  return sealMessage('SEAL', context, headerToCbor(header))
}

export function assembleBlock(
  header: BlockHeader,
  seal: Uint8Array,
  carried: Carried,
  batches: readonly Batch[],
): Block {
  const bytes = encodeCbor([1, headerToCbor(header), seal, carriedToCbor(carried), batches.map((batch) => batch.bytes)])
  return { id: blockId(header), header, seal, carried, batches, bytes }
}

/** Structure, limits and inner hashes. Whether it may stand in the chain is `execution`'s question; signatures are the caller's. */
export function decodeBlock(bytes: Uint8Array, context: SigningContext): Block {
  if (bytes.length > blockBytesMax) throw new CborError('block: too large')
  const parts = field.array(decodeCbor(bytes), 'block', 5)
  if (parts[0] !== 1) throw new CborError('block: unknown version')
  const header = headerFromCbor(parts[1])
  const carried = carriedFromCbor(parts[3])
  const list = field.array(parts[4], 'block.batches')
  if (list.length > blockBatchesMax) throw new CborError('block.batches: too many')
  const batches = list.map((value, i) => {
    const batchBytes = field.bytes(value, `block.batches[${i}]`)
    if (batchBytes.length > batchBytesMax) throw new CborError(`block.batches[${i}]: too large`)
    // A block of any epoch is read, wherever its reader stands: its batches were signed in its own.
    return decodeBatch(batchBytes, { ledger: context.ledger, epoch: header.epoch })
  })
  if (batchesDigest(batches) !== header.batches) throw new CborError('block: the header names other batches')
  if (carriedDigest(carried) !== header.carried) throw new CborError('block: the header names other certificates')
  return { id: blockId(header), header, seal: field.bytes(parts[2], 'block.seal', 64), carried, batches, bytes }
}

function headerToCbor(header: BlockHeader): CborValue {
  return [
    1,
    header.epoch,
    header.term,
    header.height,
    fromHex(header.parent)!,
    header.time,
    header.leader,
    fromHex(header.batches)!,
    fromHex(header.carried)!,
    header.size,
    fromHex(header.root)!,
  ]
}

function headerFromCbor(value: CborValue | undefined): BlockHeader {
  const parts = field.array(value, 'block.header', 11)
  if (parts[0] !== 1) throw new CborError('block.header: unknown version')
  return {
    epoch: field.natural(parts[1], 'block.header.epoch'),
    term: term(field.natural(parts[2], 'block.header.term', TERM_MAX)),
    height: height(field.natural(parts[3], 'block.header.height')),
    parent: toHex(field.bytes(parts[4], 'block.header.parent', 32)),
    time: field.natural(parts[5], 'block.header.time', timeMax),
    leader: field.text(parts[6], 'block.header.leader', 32),
    batches: toHex(field.bytes(parts[7], 'block.header.batches', 32)),
    carried: toHex(field.bytes(parts[8], 'block.header.carried', 32)),
    size: field.natural(parts[9], 'block.header.size'),
    root: toHex(field.bytes(parts[10], 'block.header.root', 32)),
  }
}

function carriedToCbor(carried: Carried): CborValue {
  const three = [
    carried.election === undefined ? null : certificateToCbor(carried.election),
    carried.base === undefined ? null : certificateToCbor(carried.base),
    carried.attestation === undefined ? null : attestationToCbor(carried.attestation),
  ]
  return carried.refounding === undefined ? three : [...three, carried.refounding]
}

function carriedFromCbor(value: CborValue | undefined): Carried {
  const parts = field.array(value, 'block.carried')
  if (parts.length !== 3 && parts.length !== 4) throw new CborError('block.carried: expected three parts or four')
  const [electionValue, baseValue, attestationValue, refounding] = parts
  const election = electionValue === null ? undefined : certificateFromCbor(electionValue, 'block.carried.election')
  const base = baseValue === null ? undefined : certificateFromCbor(baseValue, 'block.carried.base')
  if (election !== undefined && !isElection(election)) throw new CborError('block.carried.election: not of votes')
  if (base !== undefined && !isBlockCertificate(base)) throw new CborError('block.carried.base: not of a block')
  return {
    ...(election === undefined ? {} : { election }),
    ...(base === undefined ? {} : { base }),
    ...(attestationValue === null
      ? {}
      : { attestation: attestationFromCbor(attestationValue, 'block.carried.attestation') }),
    ...(refounding === undefined ? {} : { refounding: field.bytes(refounding, 'block.carried.refounding') }),
  }
}

export function attestationToCbor(attestation: Attestation): CborValue {
  return [
    attestation.size,
    fromHex(attestation.root)!,
    attestation.cosignatures.map(({ member, time, signature }) => [member, time, signature]),
  ]
}

export function attestationFromCbor(value: CborValue | undefined, name: string): Attestation {
  const [size, root, list] = field.array(value, name, 3)
  const items = field.array(list, `${name}.cosignatures`)
  if (items.length > signaturesMax) throw new CborError(`${name}: too many cosignatures`)
  let last = ''
  const cosignatures = items.map((item) => {
    const [member, time, signature] = field.array(item, `${name}.cosignature`, 3)
    const id = field.text(member, `${name}.cosignature.member`, 32)
    if (id <= last) throw new CborError(`${name}: members must ascend`)
    last = id
    return {
      member: id,
      time: field.natural(time, `${name}.cosignature.time`, timeSecondsMax),
      signature: field.bytes(signature, `${name}.cosignature.signature`, 64),
    }
  })
  return { size: field.natural(size, `${name}.size`), root: toHex(field.bytes(root, `${name}.root`, 32)), cosignatures }
}
