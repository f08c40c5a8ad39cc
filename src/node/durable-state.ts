/**
 * The content of the two slot files. The vote file says which start of the node this is and what it voted; the head file is watermark,
 * lock and signing register in one (consensus.md section 4): what this node has promised with its signatures, and must find again.
 */
import { fromHex, toHex } from '../chain/bytes.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import {
  type BlockRef,
  certificateFromCbor,
  certificateToCbor,
  isBlockCertificate,
  refFromCbor,
  refToCbor,
} from '../chain/certificate.ts'
import { type Height, height, TERM_MAX, term } from '../chain/numbers.ts'
import type { LockState, VoteState } from '../consensus/effect.ts'

export interface VoteFile {
  /** Written first when an epoch begins: a head file one epoch below it was overtaken by a crash (start-up.ts). */
  readonly epoch: number
  /** Which start of this node it is; the first is 1. */
  readonly incarnation: number
  readonly vote: VoteState
}

/** The last head this node cosigned (rule 15); size 0 before the first. */
export interface Register {
  readonly size: number
  readonly root: string
  readonly height: Height
  readonly id: string
}

export interface HeadFile {
  readonly epoch: number
  /** Watermark: every block up to this one is on my disk. */
  readonly last: BlockRef
  readonly lock: LockState
  readonly commit: Height
  readonly register: Register
  /** How often the journal of receipts had changed: rows that know of fewer changes have lost some (intake.ts). */
  readonly journalChanges: number
}

/**
 * Version 4 says what version 3 says, of a store whose blocks lie in pieces (block-rows.ts): builds that know one row a block refuse the directory,
 * where they would take every block for damaged.
 */
const headVersion = 4

export function encodeVoteFile({ epoch, incarnation, vote }: VoteFile): Uint8Array {
  const base = vote.base === null ? null : refToCbor(vote.base)
  return encodeCbor([2, epoch, incarnation, vote.term, vote.candidate, base, vote.ackBarred])
}

export function decodeVoteFile(bytes: Uint8Array): VoteFile {
  const parts = partsOf(bytes, 'vote file', [2, 1], 7)
  return {
    epoch: field.natural(parts[1], 'epoch'),
    incarnation: field.natural(parts[2], 'incarnation'),
    vote: {
      term: term(field.natural(parts[3], 'term', TERM_MAX)),
      candidate: parts[4] === null ? null : field.text(parts[4], 'candidate', 32),
      base: parts[5] === null ? null : refFromCbor(parts[5], 'base'),
      ackBarred: field.boolean(parts[6], 'ackBarred'),
    },
  }
}

export function encodeHeadFile({ epoch, last, lock, commit, register, journalChanges }: HeadFile): Uint8Array {
  const { block, certificate, lowerTermRank } = lock
  return encodeCbor([
    headVersion,
    epoch,
    refToCbor(last),
    [
      refToCbor(block),
      certificate === undefined ? null : certificateToCbor(certificate),
      [lowerTermRank.term, lowerTermRank.height],
    ],
    commit,
    [register.size, fromHex(register.root)!, register.height, fromHex(register.id)!],
    journalChanges,
  ])
}

export function decodeHeadFile(bytes: Uint8Array): HeadFile {
  const parts = partsOf(bytes, 'head file', [headVersion, headVersion - 1, headVersion - 2], 7)
  const register = field.array(parts[5], 'register', 4)
  return {
    epoch: field.natural(parts[1], 'epoch'),
    last: refFromCbor(parts[2], 'last'),
    lock: lockFromCbor(parts[3]),
    commit: height(field.natural(parts[4], 'commit')),
    register: {
      size: field.natural(register[0], 'register.size'),
      root: toHex(field.bytes(register[1], 'register.root', 32)),
      height: height(field.natural(register[2], 'register.height')),
      id: toHex(field.bytes(register[3], 'register.id', 32)),
    },
    journalChanges: field.natural(parts[6], 'journalChanges'),
  }
}

/** @param versions newest first; the oldest was written when there were no epochs, and is of the first */
function partsOf(bytes: Uint8Array, name: string, versions: readonly number[], length: number): readonly CborValue[] {
  const parts = field.array(decodeCbor(bytes), name)
  const version = versions.find((known) => known === parts[0])
  if (version === undefined) throw new CborError(`${name}: unknown version`)
  return field.array(version === versions.at(-1) ? [version, 0, ...parts.slice(1)] : parts, name, length)
}

function lockFromCbor(value: CborValue | undefined): LockState {
  const [block, certificateValue, rank] = field.array(value, 'lock', 3)
  const [rankTerm, rankHeight] = field.array(rank, 'lock.lowerTermRank', 2)
  const certificate = certificateValue === null ? undefined : certificateFromCbor(certificateValue, 'lock.certificate')
  if (certificate !== undefined && !isBlockCertificate(certificate)) throw new CborError('lock: not of a block')
  return {
    block: refFromCbor(block, 'lock.block'),
    lowerTermRank: {
      term: term(field.natural(rankTerm, 'lock.lowerTermRank.term', TERM_MAX)),
      height: height(field.natural(rankHeight, 'lock.lowerTermRank.height')),
    },
    ...(certificate === undefined ? {} : { certificate }),
  }
}
