/**
 * What a verifier needs to know of a genesis: the ledger's id and fingerprint, its origin, its members with their keys, the quorum. Read
 * without the schemas that `genesis.ts` holds a genesis to before it is signed, so that this stays small enough for a page; the id is the
 * hash of the bytes all the same, so whoever compares the fingerprint knows that it was checked by all who signed it.
 */
import { sha256 } from '#crypto'
import { fromUtf8, toHex } from './bytes.ts'
import { type JsonObject, type JsonValue, parseJson } from './json.ts'
import { keyFromKid } from './keys.ts'
import { quorumOf } from './numbers.ts'
import { Refusal } from './refusal.ts'
import { VerificationError } from './verification-error.ts'

/** The keys of a member's node, as kids; each signs one kind of thing (layout.md, decision 5). */
interface GenesisNode {
  /** First 16 hex digits of SHA-256(tagged seal key). */
  readonly id: string
  readonly network: string
  readonly log: string
  readonly cosign: string
  readonly seal: string
}

export interface GenesisMember {
  readonly id: string
  readonly name: string
  /** GB/T 2260, six digits; 000000 for a member that belongs to none. */
  readonly region: string
  readonly party: string
  /** Multiaddrs its node announces; empty when it only dials out. */
  readonly addresses: readonly string[]
  readonly node: GenesisNode
  /** Kid of the key that signs for the centre's in-house systems. */
  readonly centreKey: string
  /** Kid of the organisation's off-line key: signs the genesis, later votes. */
  readonly governanceKey: string
}

export interface FoundedLedger {
  /** Hex SHA-256 of the entry. */
  readonly ledger: string
  readonly fingerprint: string
  readonly name: string
  readonly origin: string
  /** As it stands there, RFC 3339. */
  readonly foundedAt: string
  readonly members: readonly GenesisMember[]
  readonly quorum: number
}

/** First 20 hex digits of a ledger id, upper case, in five groups of four: short enough to read out over the telephone. */
export function fingerprintOf(ledger: string): string {
  return ledger.slice(0, 20).toUpperCase().match(/.{4}/g)!.join('-')
}

/**
 * Whether what somebody copied from the charter is this ledger's: its fingerprint, or more digits of its id, up to all 64. Twenty digits cannot be
 * met by whoever comes later; two geneses with the same twenty are within reach of whoever made one of them, and with the same 64 of nobody.
 */
export function isFingerprintOf(typed: string, ledger: string): boolean {
  const plain = typed.replace(/[\s-]/g, '').toLowerCase()
  return plain.length >= 20 && ledger.startsWith(plain)
}

/** @throws {VerificationError} founding.malformed */
export function readFounding(entry: Uint8Array): FoundedLedger {
  const { genesis } = objectOf(jsonOf(entry), 'the entry')
  const { name, origin, foundedAt, members } = objectOf(genesis, 'genesis')
  const list = readMembers(members)
  const ledger = toHex(sha256(entry))
  return {
    ledger,
    fingerprint: fingerprintOf(ledger),
    name: textOf(name, 'name'),
    origin: textOf(origin, 'origin'),
    foundedAt: textOf(foundedAt, 'foundedAt'),
    members: list,
    quorum: quorumOf(list.length),
  }
}

/** A list of members with usable keys. Whether it could be one of this ledger is for those to say who sign it. @throws {VerificationError} founding.malformed */
export function readMembers(list: JsonValue | undefined): readonly GenesisMember[] {
  if (!Array.isArray(list) || list.length === 0) throw malformed('no members')
  return list.map(memberOf)
}

function memberOf(value: JsonValue): GenesisMember {
  const member = objectOf(value, 'a member')
  const node = objectOf(member.node, 'a node')
  for (const text of [member.id, member.name, member.region, member.party, node.id]) textOf(text, 'a member')
  for (const kid of [node.network, node.log, node.cosign, node.seal, member.centreKey, member.governanceKey]) {
    if (keyFromKid(textOf(kid, 'a key')) === undefined) throw malformed('not a key')
  }
  return value as unknown as GenesisMember
}

function jsonOf(entry: Uint8Array): JsonValue {
  try {
    return parseJson(fromUtf8(entry))
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) throw malformed(error.message)
    throw error
  }
}

function objectOf(value: JsonValue | undefined, what: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw malformed(`${what} is no object`)
  return value as JsonObject
}

function textOf(value: JsonValue | undefined, what: string): string {
  if (typeof value !== 'string') throw malformed(`${what} is no text`)
  return value
}

const malformed = (detail: string): VerificationError => new VerificationError('founding.malformed', detail)
