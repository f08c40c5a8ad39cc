/**
 * Fault proofs (矛盾签名): signatures of one key that no honest node makes (protocol.md, rule 30), in a form that anybody can check who has
 * never seen the ledger. A proof names the key, never a person: which member's it is, the ledger's lists of members say. Only a
 * contradiction convicts. That something came late, or not at all, is nothing that can be written here.
 *
 * Five forms: two things that one seal key signed and must not have signed both (`sealed`); cosignatures by one key on two heads of which only
 * one can be true (`heads`); a batch that is wrong by its bytes alone (`invalid`), and a block sealed or acknowledged that holds such a batch
 * (`invalid-block`); a receipt for a sealed bid, and a close of that box without it (`omission`, in `box-fault.ts`).
 */

import { sha256 } from '#crypto'
import type { Batch } from './batch.ts'
import { type Block, batchesPreimage, blockIdOfHeader, blockSealMessage, decodeHeader, encodeHeader } from './block.ts'
import { type Omission, verifyOmission } from './box-fault.ts'
import { concat, fromBase64, fromUtf8, toBase64, toHex, utf8 } from './bytes.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field } from './cbor.ts'
import { type BlockRef, refFromCbor, type SealKind } from './certificate.ts'
import { cosignatureMessage, parseCheckpoint } from './checkpoint.ts'
import { parseEntry } from './entry.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from './json.ts'
import { keyFromKid, type TaggedKey, verifySignature } from './keys.ts'
import { verifyInclusion } from './merkle-proof.ts'
import { leafHash } from './merkle-tree.ts'
import { TERM_MAX } from './numbers.ts'
import type { PlacedLeaf } from './quiet-box.ts'
import { Refusal } from './refusal.ts'
import { parseStatement } from './statement.ts'
import { VerificationError } from './verification-error.ts'

/** A message as a seal key signed it (`sealMessage` in certificate.ts), whole. */
export interface Sealed {
  readonly message: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** A checkpoint as a cosign key signed it. */
export interface CosignedHead {
  /** The note's text: origin, size, root. */
  readonly checkpoint: string
  readonly timeSeconds: number
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** A leaf of one of two heads, with its path. */
interface ShownLeaf {
  readonly leaf: Uint8Array
  readonly path: readonly Uint8Array[]
}

/** What the contradiction is. */
export type FaultKind =
  | 'two-votes'
  | 'two-seals'
  | 'two-acks'
  | 'vote-below-lock'
  | 'ack-below-lock'
  | 'two-batches'
  | 'two-heads'
  | 'invalid-batch'
  | 'invalid-seal'
  | 'invalid-ack'
  | 'omitted-leaf'

/** A batch's items, and the one that is wrong. */
interface WrongItem {
  /** Of each item in order: leaf hash ‖ mark, as the batch's digest covers them. */
  readonly items: readonly Uint8Array[]
  /** Which item is wrong by its bytes alone, and its bytes. */
  readonly at: number
  readonly entry: Uint8Array
}

export type FaultProof = {
  /** Of the key that signed. */
  readonly kid: string
} & (
  | { readonly form: 'sealed'; readonly first: Sealed; readonly second: Sealed }
  | {
      readonly form: 'heads'
      readonly first: CosignedHead
      readonly second: CosignedHead
      /** For heads of different sizes: where they differ. */
      readonly differ?: { readonly index: number; readonly first: ShownLeaf; readonly second: ShownLeaf }
    }
  | ({ readonly form: 'invalid'; readonly batch: Sealed } & WrongItem)
  | ({
      readonly form: 'invalid-block'
      /** SEAL or ACK of the block. */
      readonly signed: Sealed
      /** The block's header, in CBOR. */
      readonly header: Uint8Array
      /** What the header's digest of batches covers: member, hash and signature of each. */
      readonly batches: Uint8Array
      /** What the batch's node signed; by whom is not asked. */
      readonly batch: Uint8Array
    } & WrongItem)
  /** A receipt for a sealed bid, and a close of that box that lacks it. */
  | ({ readonly form: 'omission' } & Omission)
)

/** What a good proof proves. */
export interface Fault {
  readonly kid: string
  readonly kind: FaultKind
  /** Hex; empty for `two-heads`, whose checkpoints carry the origin instead. */
  readonly ledger: string
  /** Empty but for `two-heads`. */
  readonly origin: string
  /** One line in English: what was signed twice, or what is wrong. */
  readonly detail: string
}

/**
 * Checks a proof, knowing nothing but it.
 * @throws {VerificationError} fault.malformed, fault.bad-signature, fault.no-contradiction, inclusion.…
 */
export function verifyFault(proof: FaultProof): Fault {
  const key = keyFromKid(proof.kid)
  if (key === undefined) throw malformed('not a key')
  switch (proof.form) {
    case 'sealed':
      return contradictionOf(proof.kid, readSealed(proof.first, key), readSealed(proof.second, key))
    case 'heads':
      return contradictoryHeads(proof, key)
    case 'invalid':
      return invalidBatch(proof, key)
    case 'invalid-block':
      return invalidBlock(proof, key)
    case 'omission':
      return { kid: proof.kid, kind: 'omitted-leaf', origin: '', ...verifyOmission(proof.kid, proof) }
  }
}

// ── two things under one seal key ────────────────────────────────────────────────────────────────────────────────────────────────

interface ReadSealed {
  readonly kind: SealKind
  readonly ledger: string
  readonly epoch: number
  readonly body: CborValue
  readonly message: Uint8Array
}

const sealKinds: readonly SealKind[] = ['VOTE', 'SEAL', 'ACK', 'LOCK', 'BATCH']
const longestKind = utf8('gongzheng/READY\0').length + 2

function readSealed({ message, signature }: Sealed, key: TaggedKey): ReadSealed {
  const read = readMessage(message)
  if (!verifySignature(key, message, signature)) {
    throw new VerificationError('fault.bad-signature', `the ${read.kind} is not signed by this key`)
  }
  return read
}

function readMessage(message: Uint8Array): ReadSealed {
  const end = message.subarray(0, longestKind).indexOf(0)
  const prefix = end < 0 ? '' : asText(message.subarray(0, end))
  const kind = sealKinds.find((each) => prefix === `gongzheng/${each}`)
  if (kind === undefined) throw malformed('not a message that convicts')
  const ledgerEnd = end + 1 + 32
  if (message.length <= ledgerEnd) throw malformed('a message without a ledger')
  const [epoch, body] = cbor(() => field.array(decodeCbor(message.subarray(ledgerEnd)), 'message', 2))
  return {
    kind,
    ledger: toHex(message.subarray(end + 1, ledgerEnd)),
    epoch: cbor(() => field.natural(epoch, 'epoch')),
    body: body as CborValue,
    message,
  }
}

function contradictionOf(kid: string, first: ReadSealed, second: ReadSealed): Fault {
  if (first.ledger !== second.ledger) throw none('they are of two ledgers')
  if (first.epoch !== second.epoch) throw none('they are of two epochs')
  if (toHex(first.message) === toHex(second.message)) throw none('they are the same')
  const found = cbor(() => sameSlot(first, second) ?? belowLock(first, second) ?? belowLock(second, first))
  if (found === undefined) throw none(`a ${first.kind} and a ${second.kind} that an honest node may have signed both`)
  return { kid, ledger: first.ledger, origin: '', ...found }
}

type Found = Pick<Fault, 'kind' | 'detail'>

/** Two different ones where one is allowed. */
function sameSlot(first: ReadSealed, second: ReadSealed): Found | undefined {
  const [a, b] = [slotOf(first), slotOf(second)]
  return a === undefined || a.slot !== b?.slot ? undefined : { kind: a.kind, detail: a.detail }
}

/** The place that a message takes, and what two different ones in it are. */
function slotOf({ kind, epoch, body }: ReadSealed): ({ readonly slot: string } & Found) | undefined {
  switch (kind) {
    case 'VOTE': {
      const { term } = voteOf(body)
      return { slot: `${kind} ${epoch} ${term}`, kind: 'two-votes', detail: `two votes in term ${term}` }
    }
    case 'ACK': {
      const { term, height } = ackOf(body).block
      const detail = `two acknowledgements in term ${term} at height ${height}`
      return { slot: `${kind} ${epoch} ${term} ${height}`, kind: 'two-acks', detail }
    }
    case 'SEAL': {
      const { term, height } = sealedSlot(body)
      const detail = `two blocks sealed in term ${term} at height ${height}`
      return { slot: `${kind} ${epoch} ${term} ${height}`, kind: 'two-seals', detail }
    }
    case 'BATCH': {
      const { member, incarnation, number } = batchSlot(body)
      const detail = `two batches numbered ${number} in incarnation ${incarnation}`
      return { slot: `${kind} ${epoch} ${incarnation} ${number} ${member}`, kind: 'two-batches', detail }
    }
    default:
      return undefined
  }
}

/** Where a message stands among those of its key. */
export interface SealedPlace {
  readonly kind: SealKind
  readonly epoch: number
  /** Two different messages in one slot convict; a lock has none. */
  readonly slot: string | undefined
  /** Of a lock: what it locks. */
  readonly locked: BlockRef | undefined
  /** Of a seal: the block's place. */
  readonly sealed: { readonly term: number; readonly height: number } | undefined
  /** Of a vote or an acknowledgement: in which term, and on what. */
  readonly onBase: { readonly term: number; readonly base: BlockRef } | undefined
}

/** For whoever gathers messages and looks for what contradicts itself; undefined for what never convicts, or cannot be read. */
export function placeOfSealed(message: Uint8Array): SealedPlace | undefined {
  try {
    const read = readMessage(message)
    const { kind, epoch, body } = read
    return cbor(() => ({
      kind,
      epoch,
      slot: slotOf(read)?.slot,
      locked: kind === 'LOCK' ? refFromCbor(body, 'lock') : undefined,
      sealed: kind === 'SEAL' ? sealedSlot(body) : undefined,
      onBase: onBaseOf(read),
    }))
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}

function onBaseOf({ kind, body }: ReadSealed): SealedPlace['onBase'] {
  if (kind === 'VOTE') {
    const { term, base } = voteOf(body)
    return { term, base }
  }
  if (kind !== 'ACK') return undefined
  const { base, block } = ackOf(body)
  return { term: block.term, base }
}

/** Whether what was locked forbids a vote or an acknowledgement in that term on that base. */
export function isBelowLock(locked: BlockRef, { term, base }: NonNullable<SealedPlace['onBase']>): boolean {
  return term > locked.term && ranksBelow(base, locked)
}

/** A lock on B, then a vote or an acknowledgement in a later term on a base ranked below B. */
function belowLock(lock: ReadSealed, later: ReadSealed): Found | undefined {
  if (lock.kind !== 'LOCK') return undefined
  const locked = refFromCbor(lock.body, 'lock')
  if (later.kind === 'VOTE') {
    const { term, base } = voteOf(later.body)
    if (!isBelowLock(locked, { term, base })) return undefined
    return { kind: 'vote-below-lock', detail: `locked ${placeOf(locked)}, voted in term ${term} for ${placeOf(base)}` }
  }
  if (later.kind !== 'ACK') return undefined
  const { base, block } = ackOf(later.body)
  if (!isBelowLock(locked, { term: block.term, base })) return undefined
  return {
    kind: 'ack-below-lock',
    detail: `locked ${placeOf(locked)}, acknowledged ${placeOf(block)} on ${placeOf(base)}`,
  }
}

const ranksBelow = (a: BlockRef, b: BlockRef): boolean => a.term < b.term || (a.term === b.term && a.height < b.height)

const placeOf = ({ term, height }: BlockRef): string => `height ${height} of term ${term}`

function voteOf(body: CborValue): { readonly term: number; readonly base: BlockRef } {
  const [term, candidate, base] = field.array(body, 'vote', 3)
  field.text(candidate, 'vote.candidate', 32)
  return { term: field.natural(term, 'vote.term', TERM_MAX), base: refFromCbor(base, 'vote.base') }
}

function ackOf(body: CborValue): { readonly base: BlockRef; readonly block: BlockRef } {
  const [base, block] = field.array(body, 'ack', 2)
  return { base: refFromCbor(base, 'ack.base'), block: refFromCbor(block, 'ack.block') }
}

function sealedSlot(body: CborValue): { readonly term: number; readonly height: number } {
  const parts = field.array(body, 'seal', 11)
  return { term: field.natural(parts[2], 'seal.term', TERM_MAX), height: field.natural(parts[3], 'seal.height') }
}

function batchSlot(body: CborValue) {
  const [, member, incarnation, number, , count, digest] = field.array(body, 'batch', 7)
  return {
    member: field.text(member, 'batch.member', 32),
    incarnation: field.natural(incarnation, 'batch.incarnation'),
    number: field.natural(number, 'batch.number'),
    count: field.natural(count, 'batch.count'),
    digest: field.bytes(digest, 'batch.digest', 32),
  }
}

// ── two heads under one cosign key ───────────────────────────────────────────────────────────────────────────────────────────────

function contradictoryHeads(proof: Extract<FaultProof, { form: 'heads' }>, key: TaggedKey): Fault {
  const [first, second] = [proof.first, proof.second].map(({ checkpoint, timeSeconds, signature }) => {
    const head = parseCheckpoint(checkpoint)
    if (!verifySignature(key, cosignatureMessage(timeSeconds, checkpoint), signature)) {
      throw new VerificationError('fault.bad-signature', `the head of size ${head.size} is not cosigned by this key`)
    }
    return head
  }) as [ReturnType<typeof parseCheckpoint>, ReturnType<typeof parseCheckpoint>]
  if (first.origin !== second.origin) throw none('they are of two ledgers')
  const fault = { kid: proof.kid, kind: 'two-heads', ledger: '', origin: first.origin } as const
  if (first.size === second.size) {
    if (toHex(first.root) === toHex(second.root)) throw none('they are the same head')
    return { ...fault, detail: `two roots for size ${first.size}` }
  }
  if (proof.differ === undefined) throw none('heads of two sizes prove nothing without the leaf in which they differ')
  const { index, first: one, second: other } = proof.differ
  if (toHex(one.leaf) === toHex(other.leaf)) throw none(`both have the same leaf at index ${index}`)
  verifyInclusion({ index, size: first.size, leaf: one.leaf, path: one.path, root: first.root })
  verifyInclusion({ index, size: second.size, leaf: other.leaf, path: other.path, root: second.root })
  return { ...fault, detail: `heads of sizes ${first.size} and ${second.size} with different leaves at index ${index}` }
}

// ── what is wrong by its bytes alone ─────────────────────────────────────────────────────────────────────────────────────────────

/** leaf hash ‖ 1 when a receipt was given, else 0. */
const itemBytes = 33

function invalidBatch(proof: Extract<FaultProof, { form: 'invalid' }>, key: TaggedKey): Fault {
  const sealed = readSealed(proof.batch, key)
  if (sealed.kind !== 'BATCH') throw malformed('not a batch')
  const detail = wrongItem(proof, sealed)
  return { kid: proof.kid, kind: 'invalid-batch', ledger: sealed.ledger, origin: '', detail }
}

/** Whoever seals or acknowledges a block has looked at every entry in it: the signature leads to the entry by hashes alone. */
function invalidBlock(proof: Extract<FaultProof, { form: 'invalid-block' }>, key: TaggedKey): Fault {
  const signed = readSealed(proof.signed, key)
  const batch = readMessage(proof.batch)
  if (batch.kind !== 'BATCH') throw malformed('not a batch')
  const header = cbor(() => decodeHeader(proof.header))
  if (signed.kind === 'SEAL') {
    if (toHex(encodeCbor(signed.body)) !== toHex(proof.header)) throw malformed('the header of another block')
  } else if (signed.kind === 'ACK') {
    if (cbor(() => ackOf(signed.body)).block.id !== blockIdOfHeader(proof.header)) throw malformed('of another block')
  } else throw malformed('neither sealed nor acknowledged')
  if (toHex(sha256(proof.batches)) !== header.batches) throw malformed('the block has other batches')
  const hash = toHex(sha256(proof.batch))
  const isInBlock = cbor(() =>
    field
      .array(decodeCbor(proof.batches), 'batches')
      .some((value) => toHex(field.bytes(field.array(value, 'batch', 3)[1], 'hash', 32)) === hash),
  )
  if (!isInBlock) throw malformed('the batch is not of this block')
  if (batch.ledger !== signed.ledger) throw malformed('the batch is of another ledger')
  const { term, height } = header
  const detail = `height ${height} of term ${term}, ${wrongItem(proof, batch)}`
  const kind = signed.kind === 'SEAL' ? 'invalid-seal' : 'invalid-ack'
  return { kid: proof.kid, kind, ledger: signed.ledger, origin: '', detail }
}

/** What is wrong in the batch, in words. */
function wrongItem({ items, at, entry }: WrongItem, { body, ledger }: ReadSealed): string {
  const { member, number, count, digest } = cbor(() => batchSlot(body))
  const item = items[at]
  if (items.length !== count || item === undefined || items.some(({ length }) => length !== itemBytes)) {
    throw malformed('not the items of this batch')
  }
  if (toHex(sha256(...items)) !== toHex(digest)) throw malformed('the batch is of other items')
  if (toHex(leafHash(entry)) !== toHex(item.subarray(0, 32))) throw malformed('the entry is another')
  const wrong = wrongByItsBytes(entry, member, ledger)
  if (wrong === undefined) throw none('the entry is well formed and well signed')
  return `item ${at} of batch ${number} of ${member}: ${wrong}`
}

/** The first item of a batch that is wrong by its bytes alone, as a proof shows it; undefined when there is none. */
export function wrongItemOf({ items, member }: Batch, ledger: string): WrongItem | undefined {
  const at = items.findIndex(({ entry }) => wrongByItsBytes(entry, member, ledger) !== undefined)
  if (at < 0) return undefined
  return {
    items: items.map(({ leaf, promised }) => concat(leaf, Uint8Array.of(promised ? 1 : 0))),
    at,
    entry: items[at]!.entry,
  }
}

/** For whoever has a block and knows that an item of this batch in it is wrong: what convicts its leader. */
export function proofOfInvalidSeal(
  kid: string,
  block: Block,
  batch: Batch,
  wrong: WrongItem,
  ledger: string,
): FaultProof {
  const { header, seal, batches } = block
  return {
    kid,
    form: 'invalid-block',
    signed: { message: blockSealMessage({ ledger, epoch: header.epoch }, header), signature: seal },
    header: encodeHeader(header),
    batches: batchesPreimage(batches),
    batch: batch.message,
    ...wrong,
  }
}

/** Why no honest node puts these bytes into a batch of its own; undefined when it may have. What rules of a type say is not asked. */
function wrongByItsBytes(bytes: Uint8Array, member: string, ledger: string): string | undefined {
  try {
    const entry = parseEntry(bytes)
    if (entry.member !== member) return `an entry received by ${entry.member}`
    const { signingKey, message, signature } = parseStatement(entry.statement, ledger)
    return verifySignature(signingKey, message, signature) ? undefined : 'a statement whose signature is wrong'
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.message}`
    throw error
  }
}

// ── as a file ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const fileFormat = 'gongzheng/fault@1'
/** A batch of 512 items, the list of a block's batches and the longest entry, in base64. */
export const faultFileBytesMax = 256 * 1024

/** The file that anybody can keep, pass on and check: canonical JSON, bytes in base64. */
export function formatFault(proof: FaultProof): string {
  const head = ({ checkpoint, timeSeconds, signature }: CosignedHead): JsonObject => ({
    checkpoint,
    time: timeSeconds,
    signature: toBase64(signature),
  })
  const sealed = ({ message, signature }: Sealed): JsonObject => ({
    message: toBase64(message),
    signature: toBase64(signature),
  })
  const leaf = (shown: ShownLeaf): JsonObject => ({ leaf: toBase64(shown.leaf), path: shown.path.map(toBase64) })
  const { kid, form } = proof
  let evidence: JsonObject
  if (proof.form === 'sealed') evidence = { first: sealed(proof.first), second: sealed(proof.second) }
  else if (proof.form === 'heads') {
    const { differ } = proof
    evidence = {
      first: head(proof.first),
      second: head(proof.second),
      ...(differ === undefined
        ? {}
        : { differ: { index: differ.index, first: leaf(differ.first), second: leaf(differ.second) } }),
    }
  } else if (proof.form === 'omission') {
    const { receipt, close, neighbours } = proof
    evidence = { receipt: sealed(receipt), close, neighbours: neighbours.map((placed) => ({ ...placed })) }
  } else {
    const { items, at, entry } = proof
    evidence = { items: items.map(toBase64), at, entry: toBase64(entry) }
    if (proof.form === 'invalid') evidence = { ...evidence, batch: sealed(proof.batch) }
    else {
      const [header, batches, batch] = [proof.header, proof.batches, proof.batch].map(toBase64)
      evidence = { ...evidence, signed: sealed(proof.signed), header: header!, batches: batches!, batch: batch! }
    }
  }
  return `${canonicalJson({ format: fileFormat, kid, form, ...evidence })}\n`
}

/**
 * Reads a file strictly: no member more or less, every value in its one spelling. Checks nothing of what it says.
 * @throws {VerificationError} fault.malformed
 */
export function parseFault(file: string | Uint8Array): FaultProof {
  if (file.length > faultFileBytesMax) throw malformed('too long')
  const text = typeof file === 'string' ? file : asText(file)
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (error) {
    if (error instanceof Refusal) throw malformed(error.message)
    throw error
  }
  const top = objectOf(value, 'the file')
  if (top.format !== fileFormat) throw malformed(`not ${fileFormat}`)
  const kid = textOf(top.kid, 'kid')
  let proof: FaultProof
  switch (top.form) {
    case 'sealed':
      proof = { kid, form: 'sealed', first: sealedOf(top.first), second: sealedOf(top.second) }
      break
    case 'heads': {
      const differ = top.differ === undefined ? undefined : objectOf(top.differ, 'differ')
      proof = {
        kid,
        form: 'heads',
        first: headOf(top.first),
        second: headOf(top.second),
        ...(differ === undefined
          ? {}
          : { differ: { index: naturalOf(differ.index), first: leafOf(differ.first), second: leafOf(differ.second) } }),
      }
      break
    }
    case 'invalid':
      proof = { kid, form: 'invalid', batch: sealedOf(top.batch), ...wrongItemIn(top) }
      break
    case 'invalid-block':
      proof = {
        kid,
        form: 'invalid-block',
        signed: sealedOf(top.signed),
        header: bytesOf(top.header, 'header'),
        batches: bytesOf(top.batches, 'batches'),
        batch: bytesOf(top.batch, 'batch'),
        ...wrongItemIn(top),
      }
      break
    case 'omission':
      proof = {
        kid,
        form: 'omission',
        receipt: sealedOf(top.receipt),
        close: textOf(top.close, 'close'),
        neighbours: listOf(top.neighbours, 'neighbours').map(placedOf),
      }
      break
    default:
      throw malformed('unknown form')
  }
  // One file for one proof: what was read must be all that stands there, spelled as we spell it.
  if (formatFault(proof) !== text) throw malformed('not spelled as a fault proof is')
  return proof
}

const wrongItemIn = (top: JsonObject): WrongItem => ({
  items: listOf(top.items, 'items').map((item) => bytesOf(item, 'item')),
  at: naturalOf(top.at),
  entry: bytesOf(top.entry, 'entry'),
})

const sealedOf = (value: JsonValue | undefined): Sealed => {
  const { message, signature } = objectOf(value, 'a signed message')
  return { message: bytesOf(message, 'message'), signature: bytesOf(signature, 'signature') }
}

const headOf = (value: JsonValue | undefined): CosignedHead => {
  const { checkpoint, time, signature } = objectOf(value, 'a head')
  return {
    checkpoint: textOf(checkpoint, 'checkpoint'),
    timeSeconds: naturalOf(time),
    signature: bytesOf(signature, 'signature'),
  }
}

const leafOf = (value: JsonValue | undefined): ShownLeaf => {
  const { leaf, path } = objectOf(value, 'a leaf')
  return { leaf: bytesOf(leaf, 'leaf'), path: listOf(path, 'path').map((hash) => bytesOf(hash, 'hash')) }
}

/** In hex, as the records of an opening spell it. */
const placedOf = (value: JsonValue): PlacedLeaf => {
  const { leaf, receivedAt, index, path } = objectOf(value, 'a neighbour')
  return {
    leaf: hexOf(leaf, 'leaf'),
    receivedAt: naturalOf(receivedAt),
    index: naturalOf(index),
    path: listOf(path, 'path').map((hash) => hexOf(hash, 'hash')),
  }
}

function hexOf(value: JsonValue | undefined, name: string): string {
  const text = textOf(value, name)
  if (!/^[0-9a-f]{64}$/.test(text)) throw malformed(`${name} is not 32 bytes in hex`)
  return text
}

function objectOf(value: JsonValue | undefined, name: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw malformed(`${name} is no object`)
  return value as JsonObject
}

function listOf(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  if (!Array.isArray(value)) throw malformed(`${name} is no list`)
  return value as readonly JsonValue[]
}

function textOf(value: JsonValue | undefined, name: string): string {
  if (typeof value !== 'string') throw malformed(`${name} is no text`)
  return value
}

function naturalOf(value: JsonValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed('no natural number')
  return value
}

function bytesOf(value: JsonValue | undefined, name: string): Uint8Array {
  const bytes = fromBase64(textOf(value, name))
  if (bytes === undefined) throw malformed(`${name} is no base64`)
  return bytes
}

function asText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw malformed('not UTF-8')
  }
}

/** What stands in a signed message and cannot be read proves nothing: nobody knows what was meant. */
function cbor<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CborError || error instanceof RangeError) throw malformed(error.message)
    throw error
  }
}

const malformed = (detail: string): VerificationError => new VerificationError('fault.malformed', detail)
const none = (detail: string): VerificationError => new VerificationError('fault.no-contradiction', detail)
