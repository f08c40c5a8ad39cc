/**
 * A sealed bid, as its bidder makes it: a leaf of 32 bytes that shows nothing, and what is kept at home to open it with. The leaf is a hash over
 * the ledger, the tender and section, the encrypted file, the terms, the bidder, a one-time key, and a nonce of 32 bytes without which
 * nobody can try bidders or prices. Only the one-time key replaces or withdraws the bid, and it does so by another leaf that looks like
 * any other: whoever receives leaves cannot tell a bid from its withdrawal, and cannot make either.
 *
 * The terms — price, documents, guarantee — have a hash of their own in the leaf. That of the encrypted file alone would not hold a bidder to
 * its price: a file can be made that decrypts under two keys to two things.
 */
import { sha256 } from '#crypto'
import { assert } from './assert.ts'
import { fromHex, toHex, utf8 } from './bytes.ts'
import type { TenderIdentity } from './catalogue/tender-identity.ts'
import { encodeCbor } from './cbor.ts'
import { canonicalJson, type JsonObject } from './json.ts'
import { keyFromKid, verifySignature } from './keys.ts'

export const nonceBytes = 32

/** Where a bid goes: a section of a tender, on a ledger. */
export interface SealedSection {
  /** Hex id of the ledger. */
  readonly ledger: string
  readonly tender: TenderIdentity
  /** Empty when the tender has only itself. */
  readonly section: string
}

/** What a leaf is made of. All digests are 64 hex digits. */
export interface SealedContent {
  /** A `withdrawal` has nothing but what it withdraws: its three digests are empty. */
  readonly kind: 'bid' | 'withdrawal'
  /** SHA-256 of the encrypted file that lies with the platform. */
  readonly ciphertext: string
  /** `termsDigest` of what is offered. */
  readonly terms: string
  /** `bidderDigest`. */
  readonly bidder: string
  /** Kid of the key that alone may replace or withdraw this leaf; of a withdrawal: empty. */
  readonly oneTimeKey: string
  readonly nonce: string
  /** The leaf that this one takes the place of, or withdraws, and the signature by that one's key (`changeMessage`), in hex. */
  readonly changes?: { readonly leaf: string; readonly signature: string }
}

/** The 32 bytes that are handed in. */
export function sealedLeaf(at: SealedSection, content: SealedContent): Uint8Array {
  const { changes } = content
  const change = changes === undefined ? null : [digest(changes.leaf), bytes(changes.signature, 64)]
  return sha256(encodeCbor(['gongzheng sealed leaf v1', ...partsOf(at, content), change]))
}

/**
 * What the one-time key of a leaf signs to have another take its place, or to withdraw it. All of the new leaf but this signature: with two
 * bids in the box nobody can decide after the deadline which of them replaces the other.
 */
export function changeMessage(at: SealedSection, replaced: string, content: SealedContent): Uint8Array {
  return encodeCbor(['gongzheng sealed change v1', ...partsOf(at, content), digest(replaced)])
}

/** Whether `after` takes the place of `before`, or withdraws it, with the word of the key of `before`. */
export function isChangeOf(at: SealedSection, before: SealedContent, after: SealedContent): boolean {
  const { changes } = after
  if (changes === undefined || changes.leaf !== toHex(sealedLeaf(at, before))) return false
  const key = keyFromKid(before.oneTimeKey)
  const signature = fromHex(changes.signature)
  if (key === undefined || signature === undefined) return false
  return verifySignature(key, changeMessage(at, changes.leaf, after), signature)
}

/** SHA-256 of the ids of all bidders of a consortium, the leader first. */
export function bidderDigest(parties: readonly string[]): string {
  return toHex(sha256(encodeCbor(['gongzheng bidder v1', ...parties])))
}

/** SHA-256 of the terms in their canonical spelling. They hold a salt, so that the hash of a withdrawn bid shows nobody its price. */
export function termsDigest(terms: JsonObject): string {
  return toHex(sha256(utf8(canonicalJson(terms))))
}

/** What a reveal shows of a bid, as its fields spell it. */
export interface RevealedBid {
  readonly bidders: readonly { readonly party: string }[]
  readonly terms: JsonObject
  readonly ciphertext: string
  readonly oneTimeKey: string
  readonly nonce: string
  readonly changes?: { readonly leaf: string; readonly signature: string }
}

export function revealedContent({
  bidders,
  terms,
  ciphertext,
  oneTimeKey,
  nonce,
  changes,
}: RevealedBid): SealedContent {
  return {
    kind: 'bid',
    ciphertext,
    terms: termsDigest(terms),
    bidder: bidderDigest(bidders.map(({ party }) => party)),
    oneTimeKey,
    nonce,
    ...(changes === undefined ? {} : { changes }),
  }
}

/** A withdrawal has a nonce, and what it withdraws. */
export function withdrawalContent({
  nonce,
  changes,
}: Pick<Required<SealedContent>, 'nonce' | 'changes'>): SealedContent {
  return { kind: 'withdrawal', ciphertext: '', terms: '', bidder: '', oneTimeKey: '', nonce, changes }
}

function partsOf(at: SealedSection, content: SealedContent) {
  const { owner, scheme, code } = at.tender
  const { kind, ciphertext, terms, bidder, oneTimeKey, nonce } = content
  const isBid = kind === 'bid'
  return [
    kind,
    digest(at.ledger),
    owner,
    scheme,
    code,
    at.section,
    isBid ? digest(ciphertext) : null,
    isBid ? digest(terms) : null,
    isBid ? digest(bidder) : null,
    isBid ? sha256(utf8(oneTimeKey)) : null,
    bytes(nonce, nonceBytes),
  ]
}

const digest = (hex: string): Uint8Array => bytes(hex, 32)

function bytes(hex: string, length: number): Uint8Array {
  const value = fromHex(hex)
  assert(value?.length === length, `${length} bytes in hex`)
  return value
}
