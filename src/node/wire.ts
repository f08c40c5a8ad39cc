/**
 * What nodes send each other, as bytes: deterministic CBOR arrays that begin with the format version and the message's number.
 * Decoding checks shapes and bounds; signatures and certificates inside are checked by `node/vouching.ts` before anything relies on them.
 */
import { type Attestation, attestationFromCbor, attestationToCbor } from '../chain/block.ts'
import { fromHex, toHex } from '../chain/bytes.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import {
  type BlockCertificate,
  certificateFromCbor,
  certificateToCbor,
  type ElectionCertificate,
  isBlockCertificate,
  isElection,
  refFromCbor,
  refToCbor,
  signableFromCbor,
  signableToCbor,
} from '../chain/certificate.ts'
import { type Height, height, TERM_MAX, type Term, term } from '../chain/numbers.ts'
import { timeSecondsMax } from '../chain/time.ts'
import type { Message, Rank } from '../consensus/message.ts'

/** Rule 17: which start of this node is speaking, and how far it had got. */
export interface Hello {
  readonly kind: 'hello'
  readonly incarnation: number
  /** Chosen at start: tells a reconnect from a second copy of the same node. */
  readonly nonce: Uint8Array
  readonly term: Term
  readonly lock: Rank
  readonly registeredSize: number
  /** In which epoch it speaks from now on: an epoch begins with a start of every node. */
  readonly epoch: number
  /** Which node of its member it is: the one in the list of the epoch, or one that is yet to join. */
  readonly node: string
}

/** The incarnation is on my disk: you may count me. */
export interface HelloStored {
  readonly kind: 'hello-stored'
  readonly incarnation: number
}

/** What you signed before is ahead of what you claim now, or another copy of you is running. */
export interface HelloRefused {
  readonly kind: 'hello-refused'
  readonly incarnation: number
  readonly code: string
}

/** `handOn`: it waited too long; pass it to the leader and watch that it gets in (rule 28). */
export interface BatchMessage {
  readonly kind: 'batch'
  readonly handOn: boolean
  readonly batch: Uint8Array
}

export interface BlockMessage {
  readonly kind: 'block'
  readonly block: Uint8Array
}

export interface BlocksRequest {
  readonly kind: 'blocks-request'
  readonly from: Height
}

/** Consecutive blocks; the proofs, when there, are about the last one. */
export interface BlocksResponse {
  readonly kind: 'blocks-response'
  readonly from: Height
  readonly blocks: readonly Uint8Array[]
  readonly certificate?: BlockCertificate
  readonly attestation?: Attestation
}

export interface CosignatureMessage {
  readonly kind: 'cosignature'
  readonly size: number
  /** Hex. */
  readonly root: string
  /** POSIX seconds. */
  readonly time: number
  readonly signature: Uint8Array
}

export interface AttestationMessage {
  readonly kind: 'attestation'
  readonly attestation: Attestation
}

/** A fault proof, as its file: whoever has it can check it, keep it and report it. */
export interface FaultMessage {
  readonly kind: 'fault'
  readonly proof: Uint8Array
}

/** The epoch that you say you are in was ended by governance (rule 22): this is the certificate. */
export interface RefoundingMessage {
  readonly kind: 'refounding'
  readonly refounding: Uint8Array
}

export type NodeMessage =
  | Hello
  | HelloStored
  | HelloRefused
  | BatchMessage
  | BlockMessage
  | BlocksRequest
  | BlocksResponse
  | CosignatureMessage
  | AttestationMessage
  | FaultMessage
  | RefoundingMessage

export type WireMessage = Message | NodeMessage

const version = 1

const numbers = {
  'pre-vote': 1,
  'pre-vote-reply': 2,
  'vote-request': 3,
  'vote-reply': 4,
  elected: 5,
  heartbeat: 6,
  'heartbeat-reply': 7,
  ack: 8,
  lock: 9,
  certified: 10,
  'block-refused': 11,
  handover: 12,
  'read-request': 13,
  'read-reply': 14,
  hello: 20,
  'hello-stored': 21,
  'hello-refused': 22,
  batch: 23,
  block: 24,
  'blocks-request': 25,
  'blocks-response': 26,
  cosignature: 27,
  attestation: 28,
  fault: 29,
  refounding: 30,
} as const satisfies Record<WireMessage['kind'], number>

const kinds = new Map<number, WireMessage['kind']>(
  Object.entries(numbers).map(([kind, number]) => [number, kind as WireMessage['kind']]),
)

export function encodeMessage(message: WireMessage): Uint8Array {
  return encodeCbor([version, numbers[message.kind], ...fieldsOf(message)])
}

function fieldsOf(message: WireMessage): CborValue[] {
  switch (message.kind) {
    case 'pre-vote':
      return [message.term, rankToCbor(message.base), message.handover]
    case 'pre-vote-reply':
      return [message.term, message.granted, message.ownTerm, optionalCertificate(message.lock)]
    case 'vote-request':
      return [message.term, refToCbor(message.base), optionalCertificate(message.certificate), message.handover]
    case 'vote-reply':
      return [
        message.term,
        message.granted,
        message.ownTerm,
        message.vote === undefined ? null : [signableToCbor(message.vote.signed), message.vote.signature],
        optionalCertificate(message.lock),
      ]
    case 'elected':
      return [certificateToCbor(message.election), optionalCertificate(message.certificate)]
    case 'heartbeat':
      return [message.term, rankToCbor(message.lock), message.commit, message.certified, message.round]
    case 'heartbeat-reply':
      return [
        message.term,
        message.ownTerm,
        message.position === undefined ? null : [message.position.height, fromHex(message.position.id)!],
        rankToCbor(message.lock),
        message.commit,
        message.round,
      ]
    case 'ack':
      return [refToCbor(message.base), refToCbor(message.block), message.signature]
    case 'lock':
      return [refToCbor(message.block), message.signature]
    case 'certified':
      return [certificateToCbor(message.certificate)]
    case 'block-refused':
      return [
        message.term,
        message.height,
        message.id === '' ? null : fromHex(message.id)!,
        message.code,
        optionalCertificate(message.lock),
      ]
    case 'handover':
      return [message.term, message.to]
    case 'read-request':
      return [message.context]
    case 'read-reply':
      return [message.context, message.height]
    case 'hello':
      return [
        message.incarnation,
        message.nonce,
        message.term,
        rankToCbor(message.lock),
        message.registeredSize,
        message.epoch,
        message.node,
      ]
    case 'hello-stored':
      return [message.incarnation]
    case 'hello-refused':
      return [message.incarnation, message.code]
    case 'batch':
      return [message.handOn, message.batch]
    case 'block':
      return [message.block]
    case 'blocks-request':
      return [message.from]
    case 'blocks-response':
      return [
        message.from,
        message.blocks,
        optionalCertificate(message.certificate),
        message.attestation === undefined ? null : attestationToCbor(message.attestation),
      ]
    case 'cosignature':
      return [message.size, fromHex(message.root)!, message.time, message.signature]
    case 'attestation':
      return [attestationToCbor(message.attestation)]
    case 'fault':
      return [message.proof]
    case 'refounding':
      return [message.refounding]
  }
}

/** @throws {CborError} on anything but the one spelling of a message of this version */
export function decodeMessage(bytes: Uint8Array): WireMessage {
  const parts = field.array(decodeCbor(bytes), 'message')
  if (parts[0] !== version) throw new CborError('message: unknown version')
  const kind = kinds.get(field.natural(parts[1], 'message.kind'))
  if (kind === undefined) throw new CborError('message: unknown kind')
  const message = read(kind, parts.slice(2))
  // Every reader takes a fixed number of fields: what is left over is not part of any message.
  if (fieldsOf(message).length !== parts.length - 2) throw new CborError(`${kind}: wrong number of fields`)
  return message
}

function read(kind: WireMessage['kind'], parts: readonly CborValue[]): WireMessage {
  switch (kind) {
    case 'pre-vote':
      return { kind, term: readTerm(parts[0]), base: readRank(parts[1]), handover: field.boolean(parts[2], 'handover') }
    case 'pre-vote-reply':
      return {
        kind,
        term: readTerm(parts[0]),
        granted: field.boolean(parts[1], 'granted'),
        ownTerm: readTerm(parts[2]),
        ...readCertificate('lock', parts[3]),
      }
    case 'vote-request':
      return {
        kind,
        term: readTerm(parts[0]),
        base: refFromCbor(parts[1], 'base'),
        ...readCertificate('certificate', parts[2]),
        handover: field.boolean(parts[3], 'handover'),
      }
    case 'vote-reply':
      return {
        kind,
        term: readTerm(parts[0]),
        granted: field.boolean(parts[1], 'granted'),
        ownTerm: readTerm(parts[2]),
        ...readVote(parts[3]),
        ...readCertificate('lock', parts[4]),
      }
    case 'elected':
      return { kind, election: readElection(parts[0]), ...readCertificate('certificate', parts[1]) }
    case 'heartbeat':
      return {
        kind,
        term: readTerm(parts[0]),
        lock: readRank(parts[1]),
        commit: readHeight(parts[2]),
        certified: readHeight(parts[3]),
        round: field.natural(parts[4], 'round'),
      }
    case 'heartbeat-reply':
      return {
        kind,
        term: readTerm(parts[0]),
        ownTerm: readTerm(parts[1]),
        ...readPosition(parts[2]),
        lock: readRank(parts[3]),
        commit: readHeight(parts[4]),
        round: field.natural(parts[5], 'round'),
      }
    case 'ack':
      return {
        kind,
        base: refFromCbor(parts[0], 'base'),
        block: refFromCbor(parts[1], 'block'),
        signature: field.bytes(parts[2], 'signature', 64),
      }
    case 'lock':
      return { kind, block: refFromCbor(parts[0], 'block'), signature: field.bytes(parts[1], 'signature', 64) }
    case 'certified':
      return { kind, certificate: readBlockCertificate(parts[0]) }
    case 'block-refused':
      return {
        kind,
        term: readTerm(parts[0]),
        height: readHeight(parts[1]),
        id: parts[2] === null ? '' : toHex(field.bytes(parts[2], 'id', 32)),
        code: field.text(parts[3], 'code', 64),
        ...readCertificate('lock', parts[4]),
      }
    case 'handover':
      return { kind, term: readTerm(parts[0]), to: field.text(parts[1], 'to', 32) }
    case 'read-request':
      return { kind, context: field.natural(parts[0], 'context') }
    case 'read-reply':
      return { kind, context: field.natural(parts[0], 'context'), height: readHeight(parts[1]) }
    case 'hello':
      return {
        kind,
        incarnation: field.natural(parts[0], 'incarnation'),
        nonce: field.bytes(parts[1], 'nonce', 16),
        term: readTerm(parts[2]),
        lock: readRank(parts[3]),
        registeredSize: field.natural(parts[4], 'registeredSize'),
        epoch: field.natural(parts[5], 'epoch'),
        node: field.text(parts[6], 'node', 16),
      }
    case 'hello-stored':
      return { kind, incarnation: field.natural(parts[0], 'incarnation') }
    case 'hello-refused':
      return { kind, incarnation: field.natural(parts[0], 'incarnation'), code: field.text(parts[1], 'code', 64) }
    case 'batch':
      return { kind, handOn: field.boolean(parts[0], 'handOn'), batch: field.bytes(parts[1], 'batch') }
    case 'block':
      return { kind, block: field.bytes(parts[0], 'block') }
    case 'blocks-request':
      return { kind, from: readHeight(parts[0]) }
    case 'blocks-response':
      return {
        kind,
        from: readHeight(parts[0]),
        blocks: field.array(parts[1], 'blocks').map((block) => field.bytes(block, 'blocks')),
        ...readCertificate('certificate', parts[2]),
        ...(parts[3] === null ? {} : { attestation: attestationFromCbor(parts[3], 'attestation') }),
      }
    case 'cosignature':
      return {
        kind,
        size: field.natural(parts[0], 'size'),
        root: toHex(field.bytes(parts[1], 'root', 32)),
        time: field.natural(parts[2], 'time', timeSecondsMax),
        signature: field.bytes(parts[3], 'signature', 64),
      }
    case 'attestation':
      return { kind, attestation: attestationFromCbor(parts[0], 'attestation') }
    case 'fault':
      return { kind, proof: field.bytes(parts[0], 'proof') }
    case 'refounding':
      return { kind, refounding: field.bytes(parts[0], 'refounding') }
  }
}

const readTerm = (value: CborValue | undefined): Term => term(field.natural(value, 'term', TERM_MAX))
const readHeight = (value: CborValue | undefined): Height => height(field.natural(value, 'height'))
const rankToCbor = (rank: Rank): CborValue => [rank.term, rank.height]

function readRank(value: CborValue | undefined): Rank {
  const parts = field.array(value, 'rank', 2)
  return { term: readTerm(parts[0]), height: readHeight(parts[1]) }
}

function readPosition(value: CborValue | undefined): { position?: { height: Height; id: string } } {
  if (value === null) return {}
  const parts = field.array(value, 'position', 2)
  return { position: { height: readHeight(parts[0]), id: toHex(field.bytes(parts[1], 'position.id', 32)) } }
}

function readVote(value: CborValue | undefined): Pick<Extract<Message, { kind: 'vote-reply' }>, 'vote'> {
  if (value === null) return {}
  const parts = field.array(value, 'vote', 2)
  const signed = signableFromCbor(parts[0], 'vote.signed')
  if (signed.kind !== 'vote') throw new CborError('vote: not a vote')
  return { vote: { signed, signature: field.bytes(parts[1], 'vote.signature', 64) } }
}

function readElection(value: CborValue | undefined): ElectionCertificate {
  const certificate = certificateFromCbor(value, 'election')
  if (!isElection(certificate)) throw new CborError('election: not of votes')
  return certificate
}

function readBlockCertificate(value: CborValue | undefined): BlockCertificate {
  const certificate = certificateFromCbor(value, 'certificate')
  if (!isBlockCertificate(certificate)) throw new CborError('certificate: not of a block')
  return certificate
}

const optionalCertificate = (certificate: BlockCertificate | undefined): CborValue =>
  certificate === undefined ? null : certificateToCbor(certificate)

function readCertificate<Name extends 'lock' | 'certificate'>(
  name: Name,
  value: CborValue | undefined,
): { [name in Name]?: BlockCertificate } {
  return (value === null ? {} : { [name]: readBlockCertificate(value) }) as { [name in Name]?: BlockCertificate }
}
