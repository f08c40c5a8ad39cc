/**
 * Re-founding (protocol.md, rule 22): a quorum of an epoch is gone for good, so nobody can attest a record that closes it. Then q of the
 * epoch's governance keys, which are kept off-line, name the last attested head, and the members that go on from there. This certificate stands
 * in the first block of the next epoch where the attestation of a closing block would stand. What the old epoch put above that head is
 * void: it is submitted again, and an attestation of it convicts nobody, because nobody who goes on keeps the keys that made it.
 */
import { sha256 } from '#crypto'
import { type Attestation, attestationFromCbor, attestationToCbor } from './block.ts'
import { fromHex, fromUtf8, toHex, utf8 } from './bytes.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field } from './cbor.ts'
import { type BlockRef, type MemberSignature, refFromCbor, refToCbor } from './certificate.ts'
import { cosignatureMessage, formatCheckpoint } from './checkpoint.ts'
import { type Epoch, type EpochStart, epochAfter, epochOfSize } from './epoch.ts'
import type { GenesisMember } from './founding.ts'
import type { Genesis } from './genesis.ts'
import { canonicalJson, type JsonValue, parseJson } from './json.ts'
import { keyFromKid, verifySignature } from './keys.ts'
import { Refusal, type RefusalTexts } from './refusal.ts'

/** What the governance keys sign. */
export interface RefoundingTerms {
  /** Ledger id, hex. */
  readonly ledger: string
  /** Number of the epoch that begins: one above that whose governance keys sign. */
  readonly epoch: number
  /** The last attested head: the block that added its last record. */
  readonly start: EpochStart
  /** Of the new epoch, ascending by id. A node that stays has a new cosign key and a new log key. */
  readonly members: readonly GenesisMember[]
}

export interface Refounding extends RefoundingTerms {
  /** q cosignatures of the old members over the start. */
  readonly attestation: Attestation
  /** By governance keys of the old epoch, ascending by member. */
  readonly signatures: readonly MemberSignature[]
  readonly bytes: Uint8Array
}

export const refoundingRefusals: RefusalTexts = {
  'refounding.malformed': {
    zh: {
      title: '重建文件不合规定',
      cause: '重建文件的写法、账本、届次或起点有误。',
      remedy: '请核对重建文件是否出自本账本的最近一届，并重新索取。',
    },
    en: {
      title: 'Malformed re-founding',
      cause: 'The spelling, the ledger, the epoch or the start of the re-founding is wrong.',
      remedy: 'Make sure that it was made for the newest epoch of this ledger, and ask for it again.',
    },
  },
  'refounding.unproven': {
    zh: {
      title: '重建起点未经共证',
      cause: '重建文件没有上一届足够成员对起点的共签。',
      remedy: '请从存活成员处取得最近一次共证，以它为起点重新制作重建文件。',
    },
    en: {
      title: 'The start of the re-founding is not attested',
      cause: 'The file lacks the cosignatures of enough members of the old epoch over its start.',
      remedy: 'Take the newest attestation that a surviving member holds, and make the file again from there.',
    },
  },
  'refounding.unsigned': {
    zh: {
      title: '重建文件的治理签名不足',
      cause: '上一届的治理密钥签名数量不足，或签名不符。',
      remedy: '请让足够多的成员用其治理密钥签署同一份重建文件。',
    },
    en: {
      title: 'Too few governance keys signed the re-founding',
      cause: 'Fewer than a quorum of the governance keys of the old epoch signed it, or a signature is wrong.',
      remedy: 'Have enough members sign the same file with their governance keys.',
    },
  },
}

/** As long as a genesis may be, twice over: members, cosignatures and signatures. */
export const refoundingBytesMax = 128 * 1024

function termsBytes({ ledger, epoch, start, members }: RefoundingTerms): Uint8Array {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
  return encodeCbor([
    1,
    fromHex(ledger)!,
    epoch,
    refToCbor(start.block),
    start.size,
    fromHex(start.root)!,
    utf8(canonicalJson(sorted as unknown as JsonValue)),
  ])
}

/** SHA-256 of what is signed, hex: two certificates with the same one say the same, whoever signed them. */
export const refoundingDigest = (terms: RefoundingTerms): string => toHex(sha256(termsBytes(terms)))

/** What a governance key signs: a domain of its own, the ledger, the hash of all that is agreed on, and who signs. */
export function refoundingMessage(terms: RefoundingTerms, member: string): Uint8Array {
  return utf8(`gongzheng/refounding\0v1\n${terms.ledger}\n${refoundingDigest(terms)}\n${member}\n`)
}

/** In whatever order things are given, there is one spelling. */
export function assembleRefounding(
  terms: RefoundingTerms,
  attestation: Attestation,
  signatures: readonly MemberSignature[],
): Refounding {
  const sorted = [...signatures].sort((a, b) => (a.member < b.member ? -1 : 1))
  const list = sorted.map(({ member, signature }): CborValue => [member, signature])
  return decodeRefounding(encodeCbor([1, termsBytes(terms), attestationToCbor(attestation), list]))
}

/** Form only. @throws {CborError} */
export function decodeRefounding(bytes: Uint8Array): Refounding {
  if (bytes.length > refoundingBytesMax) throw new CborError('refounding: too large')
  const [version, termsValue, attestationValue, list] = field.array(decodeCbor(bytes), 'refounding', 4)
  if (version !== 1) throw new CborError('refounding: unknown version')
  const signed = field.bytes(termsValue, 'refounding.terms')
  const parts = field.array(decodeCbor(signed), 'refounding.terms', 7)
  if (parts[0] !== 1) throw new CborError('refounding.terms: unknown version')
  const terms: RefoundingTerms = {
    ledger: toHex(field.bytes(parts[1], 'refounding.ledger', 32)),
    epoch: field.natural(parts[2], 'refounding.epoch'),
    start: {
      block: refFromCbor(parts[3], 'refounding.start'),
      size: field.natural(parts[4], 'refounding.size'),
      root: toHex(field.bytes(parts[5], 'refounding.root', 32)),
    },
    members: membersFrom(field.bytes(parts[6], 'refounding.members')),
  }
  let last = ''
  const signatures = field.array(list, 'refounding.signatures').map((item) => {
    const [member, signature] = field.array(item, 'refounding.signature', 2)
    const id = field.text(member, 'refounding.signature.member', 32)
    if (id <= last) throw new CborError('refounding.signatures: members must ascend')
    last = id
    return { member: id, signature: field.bytes(signature, 'refounding.signature', 64) }
  })
  if (toHex(termsBytes(terms)) !== toHex(signed)) throw new CborError('refounding.terms: not the one spelling')
  return { ...terms, attestation: attestationFromCbor(attestationValue, 'refounding.attestation'), signatures, bytes }
}

function membersFrom(bytes: Uint8Array): readonly GenesisMember[] {
  let value: JsonValue
  try {
    value = parseJson(fromUtf8(bytes))
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError)
      throw new CborError(`refounding.members: ${error.message}`)
    throw error
  }
  if (!Array.isArray(value)) throw new CborError('refounding.members: not a list')
  for (const item of value as readonly JsonValue[]) {
    const { id, node, addresses } = (item ?? {}) as { readonly [name: string]: unknown }
    // The rest is the schema's to judge, which names each field.
    if (typeof id !== 'string' || typeof node !== 'object' || node === null || !Array.isArray(addresses)) {
      throw new CborError('refounding.members: not members')
    }
  }
  return value as unknown as readonly GenesisMember[]
}

/**
 * The epoch that this certificate begins after `previous`, its start, attestation and signatures checked. What the list of members must be is
 * `membersOf`'s to say: members hold it to their rules (`refoundedEpoch`), a verifier relies on the q governance keys that did.
 * @throws {Refusal} refounding.…, and what `membersOf` throws
 */
export function epochOfRefounding(
  previous: Epoch,
  refounding: Refounding,
  genesis: Pick<Genesis, 'ledger' | 'origin'>,
  membersOf: (list: readonly GenesisMember[]) => readonly GenesisMember[],
): Epoch {
  const { ledger, epoch, start, signatures, bytes } = refounding
  if (ledger !== genesis.ledger) throw new Refusal('refounding.malformed', `of another ledger: ${ledger}`)
  if (epoch !== previous.number + 1) {
    throw new Refusal('refounding.malformed', `epoch ${epoch} does not follow epoch ${previous.number}`)
  }
  checkStart(previous, start)
  const members = membersOf(refounding.members)
  checkAttested(previous, refounding.start, refounding.attestation, genesis.origin)
  const good = signatures.filter(({ member, signature }) => {
    const key = keyFromKid(previous.members.find(({ id }) => id === member)?.governanceKey ?? '')
    return key !== undefined && verifySignature(key, refoundingMessage(refounding, member), signature)
  })
  if (good.length < previous.quorum) {
    throw new Refusal('refounding.unsigned', `${good.length} of the ${previous.quorum} signatures it needs are good`)
  }
  return { ...epochAfter(previous, members, start), refounding: bytes }
}

/** At or above where the old epoch began; there it must be that very block. */
function checkStart(previous: Epoch, { block, size, root }: EpochStart): void {
  const first = previous.start
  const isSame = isSameRef(block, first.block) && size === first.size && root === first.root
  const isAbove = block.height > first.block.height && size > first.size && block.term >= first.block.term
  if (!isSame && !isAbove) throw new Refusal('refounding.malformed', `no head of epoch ${previous.number}`)
}

const isSameRef = (a: BlockRef, b: BlockRef): boolean => a.term === b.term && a.height === b.height && a.id === b.id

/** By q of those who attest that size. @throws {Refusal} refounding.unproven */
function checkAttested(previous: Epoch, { size, root }: EpochStart, attestation: Attestation, origin: string): void {
  const good = goodCosignatures(epochOfSize(previous, size), attestation, origin)
  const needed = epochOfSize(previous, size).quorum
  if (attestation.size !== size || attestation.root !== root || good < needed) {
    throw new Refusal('refounding.unproven', `size ${size}: ${good} of ${needed} cosignatures`)
  }
}

/** How many members of this epoch have cosigned that head. */
export function goodCosignatures(
  { members }: Epoch,
  { size, root, cosignatures }: Attestation,
  origin: string,
): number {
  const text = formatCheckpoint({ origin, size, root: fromHex(root)! })
  return cosignatures.filter(({ member, time, signature }) => {
    const key = keyFromKid(members.find(({ id }) => id === member)?.node.cosign ?? '')
    return key !== undefined && verifySignature(key, cosignatureMessage(time, text), signature)
  }).length
}
