/**
 * What members sign with their seal key to agree on a block, and the certificates that q of those signatures make
 * (protocol.md, rule 2): VOTE, ACK and LOCK; EC(t), QC(B) and CC(B). Shapes, signed bytes and codec only: who checks a signature, and
 * when, is the node's business; what follows from a checked one is the consensus core's.
 */
import { concat, fromHex, toHex, utf8 } from './bytes.ts'
import { CborError, type CborValue, encodeCbor, field } from './cbor.ts'
import { type Height, height, TERM_MAX, type Term, term } from './numbers.ts'

/** A block named by where and when it was sealed. `id` is lower-case hex of its header's SHA-256. */
export interface BlockRef {
  readonly term: Term
  readonly height: Height
  readonly id: string
}

/** VOTE(term, candidate, base): the candidate may lead this term, building on base, which is certified. */
export interface Vote {
  readonly kind: 'vote'
  readonly term: Term
  readonly candidate: string
  readonly base: BlockRef
}

/** ACK(term, base, height, id): this block is valid and on my disk. The term is the block's. */
export interface Ack {
  readonly kind: 'ack'
  readonly base: BlockRef
  readonly block: BlockRef
}

/** LOCK(term, height, id): I have seen q ACKs for this block and will vote for nothing ranked below it. */
export interface Lock {
  readonly kind: 'lock'
  readonly block: BlockRef
}

export type Signable = Vote | Ack | Lock

export interface MemberSignature {
  readonly member: string
  readonly signature: Uint8Array
}

/** q signatures by distinct members over equal bytes. */
export interface Certificate<S extends Signable> {
  readonly signed: S
  readonly signatures: readonly MemberSignature[]
}

/** EC(t) */
export type ElectionCertificate = Certificate<Vote>
/** QC(B) */
export type AckCertificate = Certificate<Ack>
/** CC(B) */
export type LockCertificate = Certificate<Lock>
/** Either proves that the block was certified: a LOCK is only ever given on a QC. */
export type BlockCertificate = AckCertificate | LockCertificate

/** A ledger and the epoch of its members; prefixed to everything a seal key signs, so that a signature means one thing in one place. */
export interface SigningContext {
  /** Hex SHA-256 of the genesis entry. */
  readonly ledger: string
  readonly epoch: number
}

export type SealKind = 'VOTE' | 'SEAL' | 'ACK' | 'LOCK' | 'BATCH' | 'RECEIPT' | 'BID-RECEIPT' | 'BOX-SECRET' | 'READY'

/** kind ‖ 0x00 ‖ ledger id (32 bytes) ‖ epoch (CBOR) ‖ body (CBOR). */
export function sealMessage(kind: SealKind, context: SigningContext, body: CborValue): Uint8Array {
  const ledger = fromHex(context.ledger)
  if (ledger?.length !== 32) throw new RangeError('ledger id: expected 32 bytes in hex')
  return concat(utf8(`gongzheng/${kind}\0`), ledger, encodeCbor([context.epoch, body]))
}

/** The bytes a member's seal key signs for a vote, an acknowledgement or a lock. */
export function signableMessage(context: SigningContext, signable: Signable): Uint8Array {
  switch (signable.kind) {
    case 'vote':
      return sealMessage('VOTE', context, [signable.term, signable.candidate, refToCbor(signable.base)])
    case 'ack':
      return sealMessage('ACK', context, [refToCbor(signable.base), refToCbor(signable.block)])
    case 'lock':
      return sealMessage('LOCK', context, refToCbor(signable.block))
  }
}

/** The block that a certificate is about: the base of a vote is not certified by it. */
export const certifiedBlock = (certificate: BlockCertificate): BlockRef => certificate.signed.block

export const refToCbor = (ref: BlockRef): CborValue => [ref.term, ref.height, fromHex(ref.id)!]

export function refFromCbor(value: CborValue | undefined, name: string): BlockRef {
  const [refTerm, refHeight, id] = field.array(value, name, 3)
  return {
    term: term(field.natural(refTerm, `${name}.term`, TERM_MAX)),
    height: height(field.natural(refHeight, `${name}.height`)),
    id: toHex(field.bytes(id, `${name}.id`, 32)),
  }
}

export function signableToCbor(signable: Signable): CborValue {
  switch (signable.kind) {
    case 'vote':
      return [0, signable.term, signable.candidate, refToCbor(signable.base)]
    case 'ack':
      return [1, refToCbor(signable.base), refToCbor(signable.block)]
    case 'lock':
      return [2, refToCbor(signable.block)]
  }
}

export function signableFromCbor(value: CborValue | undefined, name: string): Signable {
  const parts = field.array(value, name)
  switch (parts[0]) {
    case 0:
      field.array(value, name, 4)
      return {
        kind: 'vote',
        term: term(field.natural(parts[1], `${name}.term`, TERM_MAX)),
        candidate: field.text(parts[2], `${name}.candidate`, 32),
        base: refFromCbor(parts[3], `${name}.base`),
      }
    case 1:
      field.array(value, name, 3)
      return { kind: 'ack', base: refFromCbor(parts[1], `${name}.base`), block: refFromCbor(parts[2], `${name}.block`) }
    case 2:
      field.array(value, name, 2)
      return { kind: 'lock', block: refFromCbor(parts[1], `${name}.block`) }
    default:
      throw new CborError(`${name}: unknown kind`)
  }
}

/** Members in ascending order, so that a certificate has one spelling. */
export function certificateToCbor(certificate: Certificate<Signable>): CborValue {
  const sorted = [...certificate.signatures].sort((a, b) => (a.member < b.member ? -1 : 1))
  return [signableToCbor(certificate.signed), sorted.map((s) => [s.member, s.signature])]
}

/** No certificate or attestation has more signatures than a ledger has members; 255 bounds what a stranger can make us read. */
export const signaturesMax = 255

export function certificateFromCbor(value: CborValue | undefined, name: string): Certificate<Signable> {
  const [signed, list] = field.array(value, name, 2)
  const items = field.array(list, `${name}.signatures`)
  if (items.length > signaturesMax) throw new CborError(`${name}: too many signatures`)
  let last = ''
  const signatures = items.map((item, i) => {
    const [member, signature] = field.array(item, `${name}.signatures[${i}]`, 2)
    const id = field.text(member, `${name}.signatures[${i}].member`, 32)
    if (id <= last) throw new CborError(`${name}: members must ascend`)
    last = id
    return { member: id, signature: field.bytes(signature, `${name}.signatures[${i}].signature`, 64) }
  })
  return { signed: signableFromCbor(signed, `${name}.signed`), signatures }
}

export function isElection(certificate: Certificate<Signable>): certificate is ElectionCertificate {
  return certificate.signed.kind === 'vote'
}

export function isBlockCertificate(certificate: Certificate<Signable>): certificate is BlockCertificate {
  return certificate.signed.kind !== 'vote'
}
