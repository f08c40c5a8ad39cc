/**
 * Fault proofs (矛盾签名): signatures of one key that no honest node makes (protocol.md, rule 30), in a form that anybody can check who has
 * never seen the ledger. A proof names the key, never a person: which member's it is, the ledger's lists of members say. Only a
 * contradiction convicts. That something came late, or not at all, is nothing that can be written here.
 *
 * Three forms: two things that one seal key signed and must not have signed both (`sealed`); cosignatures by one key on two heads of which only
 * one can be true (`heads`); something signed that is wrong by its bytes alone (`invalid`).
 */

import { sha256 } from '#crypto'
import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from './bytes.ts'
import { CborError, type CborValue, decodeCbor, field } from './cbor.ts'
import { type BlockRef, refFromCbor, type SealKind } from './certificate.ts'
import { cosignatureMessage, parseCheckpoint } from './checkpoint.ts'
import { parseEntry } from './entry.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from './json.ts'
import { keyFromKid, type TaggedKey, verifySignature } from './keys.ts'
import { verifyInclusion } from './merkle-proof.ts'
import { leafHash } from './merkle-tree.ts'
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
  | {
      readonly form: 'invalid'
      readonly batch: Sealed
      /** Of each item in order: leaf hash ‖ mark, as the batch's digest covers them. */
      readonly items: readonly Uint8Array[]
      /** Which item is wrong by its bytes alone, and its bytes. */
      readonly at: number
      readonly entry: Uint8Array
    }
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
  const end = message.subarray(0, longestKind).indexOf(0)
  const prefix = end < 0 ? '' : asText(message.subarray(0, end))
  const kind = sealKinds.find((each) => prefix === `gongzheng/${each}`)
  if (kind === undefined) throw malformed('not a message that convicts')
  const ledgerEnd = end + 1 + 32
  if (message.length <= ledgerEnd) throw malformed('a message without a ledger')
  const [epoch, body] = cbor(() => field.array(decodeCbor(message.subarray(ledgerEnd)), 'message', 2))
  if (!verifySignature(key, message, signature)) {
    throw new VerificationError('fault.bad-signature', `the ${kind} is not signed by this key`)
  }
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
  if (first.kind !== second.kind) return undefined
  switch (first.kind) {
    case 'VOTE': {
      const [a, b] = [voteOf(first.body), voteOf(second.body)]
      return a.term === b.term ? { kind: 'two-votes', detail: `two votes in term ${a.term}` } : undefined
    }
    case 'ACK': {
      const [a, b] = [ackOf(first.body).block, ackOf(second.body).block]
      if (a.term !== b.term || a.height !== b.height) return undefined
      return { kind: 'two-acks', detail: `two acknowledgements in term ${a.term} at height ${a.height}` }
    }
    case 'SEAL': {
      const [a, b] = [sealedSlot(first.body), sealedSlot(second.body)]
      if (a.term !== b.term || a.height !== b.height) return undefined
      return { kind: 'two-seals', detail: `two blocks sealed in term ${a.term} at height ${a.height}` }
    }
    case 'BATCH': {
      const [a, b] = [batchSlot(first.body), batchSlot(second.body)]
      if (a.member !== b.member || a.incarnation !== b.incarnation || a.number !== b.number) return undefined
      return { kind: 'two-batches', detail: `two batches numbered ${a.number} in incarnation ${a.incarnation}` }
    }
    default:
      return undefined
  }
}

/** A lock on B, then a vote or an acknowledgement in a later term on a base ranked below B. */
function belowLock(lock: ReadSealed, later: ReadSealed): Found | undefined {
  if (lock.kind !== 'LOCK') return undefined
  const locked = refFromCbor(lock.body, 'lock')
  if (later.kind === 'VOTE') {
    const { term, base } = voteOf(later.body)
    if (term <= locked.term || !ranksBelow(base, locked)) return undefined
    return { kind: 'vote-below-lock', detail: `locked ${placeOf(locked)}, voted in term ${term} for ${placeOf(base)}` }
  }
  if (later.kind !== 'ACK') return undefined
  const { base, block } = ackOf(later.body)
  if (block.term <= locked.term || !ranksBelow(base, locked)) return undefined
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
  return { term: field.natural(term, 'vote.term', 2 ** 48), base: refFromCbor(base, 'vote.base') }
}

function ackOf(body: CborValue): { readonly base: BlockRef; readonly block: BlockRef } {
  const [base, block] = field.array(body, 'ack', 2)
  return { base: refFromCbor(base, 'ack.base'), block: refFromCbor(block, 'ack.block') }
}

function sealedSlot(body: CborValue): { readonly term: number; readonly height: number } {
  const parts = field.array(body, 'seal', 11)
  return { term: field.natural(parts[2], 'seal.term', 2 ** 48), height: field.natural(parts[3], 'seal.height') }
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
  const { member, number, count, digest } = cbor(() => batchSlot(sealed.body))
  const item = proof.items[proof.at]
  if (proof.items.length !== count || item === undefined || proof.items.some(({ length }) => length !== itemBytes)) {
    throw malformed('not the items of this batch')
  }
  if (toHex(sha256(...proof.items)) !== toHex(digest)) throw malformed('the batch is of other items')
  if (toHex(leafHash(proof.entry)) !== toHex(item.subarray(0, 32))) throw malformed('the entry is another')
  const wrong = wrongByItsBytes(proof.entry, member, sealed.ledger)
  if (wrong === undefined) throw none('the entry is well formed and well signed')
  return {
    kid: proof.kid,
    kind: 'invalid-batch',
    ledger: sealed.ledger,
    origin: '',
    detail: `item ${proof.at} of batch ${number} of ${member}: ${wrong}`,
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
/** A batch of 512 items and the longest entry, in base64. */
const faultFileBytesMax = 256 * 1024

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
  } else {
    evidence = {
      batch: sealed(proof.batch),
      items: proof.items.map(toBase64),
      at: proof.at,
      entry: toBase64(proof.entry),
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
      proof = {
        kid,
        form: 'invalid',
        batch: sealedOf(top.batch),
        items: listOf(top.items, 'items').map((item) => bytesOf(item, 'item')),
        at: naturalOf(top.at),
        entry: bytesOf(top.entry, 'entry'),
      }
      break
    default:
      throw malformed('unknown form')
  }
  // One file for one proof: what was read must be all that stands there, spelled as we spell it.
  if (formatFault(proof) !== text) throw malformed('not spelled as a fault proof is')
  return proof
}

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
