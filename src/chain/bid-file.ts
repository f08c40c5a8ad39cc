/**
 * The two files that a bidder keeps at home: the bid's own (what its leaf was made of, and the keys that open and change it), and the receipt
 * that a member gave for the leaf. The first is a secret until the opening. Both are read here from anybody's hands: a bid's file that does
 * not lead to its own leaf is refused, and whose word a receipt is, `checkBidReceipt` says.
 */
import { fromHex, fromUtf8, toHex } from './bytes.ts'
import type { GenesisMember } from './founding.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from './json.ts'
import { keyFromKid, verifySignature } from './keys.ts'
import { type BidReceipt, bidReceiptMessage } from './quiet-box.ts'
import { Refusal } from './refusal.ts'
import { bidderDigest, type SealedContent, type SealedSection, sealedLeaf, termsDigest } from './sealed-bid.ts'
import { VerificationError } from './verification-error.ts'

export interface BidFile {
  readonly at: SealedSection
  readonly content: SealedContent
  /** The 32 bytes that are handed in, hex. */
  readonly leaf: string
  /** Of a withdrawal: empty, as are the terms and the two keys. */
  readonly bidders: readonly { readonly party: string; readonly name?: string }[]
  readonly terms: JsonObject
  /** Seed of the one-time key, hex. */
  readonly oneTimeSeed: string
  /** AES-256 key of the encrypted file, hex. */
  readonly fileKey: string
  /** What it takes the place of, the newest first. */
  readonly before: readonly SealedContent[]
}

const bidFormat = 'gongzheng/bid@1'

export function formatBidFile({ at, content, leaf, bidders, terms, oneTimeSeed, fileKey, before }: BidFile): string {
  const { ledger, tender, section } = at
  const file = {
    format: bidFormat,
    ledger,
    tender,
    section,
    leaf,
    content,
    bidders,
    terms,
    oneTimeSeed,
    fileKey,
    before,
  }
  return `${JSON.stringify(JSON.parse(canonicalJson(file as unknown as JsonValue)), null, 2)}\n`
}

/** @throws {VerificationError} bid-file.malformed unless it is one, and leads to the leaf that it names */
export function parseBidFile(bytes: Uint8Array): BidFile {
  const file = jsonOf(bytes, malformed)
  if (file.format !== bidFormat) throw malformed(`not ${bidFormat}`)
  const text = textIn(file, malformed)
  const at = { ledger: text('ledger'), tender: tenderOf(file.tender, malformed), section: text('section') }
  const content = contentOf(file.content)
  const before = listOf(file.before).map(contentOf)
  const bidders = listOf(file.bidders).map((value) => {
    const bidder = objectOf(value, malformed)
    const party = textIn(bidder, malformed)('party')
    return typeof bidder.name === 'string' ? { party, name: bidder.name } : { party }
  })
  const terms = objectOf(file.terms, malformed)
  const read = { at, content, bidders, terms, before, leaf: text('leaf') }
  const [oneTimeSeed, fileKey] = [text('oneTimeSeed'), text('fileKey')]
  if (leafOf(at, content) !== read.leaf) throw malformed('it does not lead to its leaf')
  const isBid = content.kind === 'bid'
  if (
    isBid &&
    (termsDigest(terms) !== content.terms || bidderDigest(bidders.map(({ party }) => party)) !== content.bidder)
  )
    throw malformed('bidders or terms are not those of the leaf')
  return { ...read, oneTimeSeed, fileKey }
}

/** @throws {VerificationError} bid-file.malformed */
function leafOf(at: SealedSection, content: SealedContent): string {
  if (!isHex(at.ledger, 32)) throw malformed('ledger')
  return toHex(sealedLeaf(at, content))
}

/** Everything of it in its form, so that hashing it cannot fail. */
function contentOf(value: JsonValue | undefined): SealedContent {
  const content = objectOf(value, malformed)
  const text = textIn(content, malformed)
  const kind = text('kind')
  if (kind !== 'bid' && kind !== 'withdrawal') throw malformed('kind')
  const digest = (name: string): string => {
    const digits = text(name)
    if (isHex(digits, 32) || (kind === 'withdrawal' && digits === '' && name !== 'nonce')) return digits
    throw malformed(name)
  }
  const bare = {
    kind,
    ciphertext: digest('ciphertext'),
    terms: digest('terms'),
    bidder: digest('bidder'),
    oneTimeKey: text('oneTimeKey'),
    nonce: digest('nonce'),
  } as const
  if (content.changes === undefined) return bare
  const changes = textIn(objectOf(content.changes, malformed), malformed)
  const [leaf, signature] = [changes('leaf'), changes('signature')]
  if (!isHex(leaf, 32) || !isHex(signature, 64)) throw malformed('changes')
  return { ...bare, changes: { leaf, signature } }
}

// ---- the receipt -----------------------------------------------------------------------------------------------------------------

export interface KeptBidReceipt extends BidReceipt {
  readonly ledger: string
  readonly epoch: number
  readonly member: string
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** What the API answers to a leaf that is handed in. @throws {VerificationError} receipt.malformed */
export function parseBidReceipt(bytes: Uint8Array): KeptBidReceipt {
  const receipt = objectOf(jsonOf(bytes, notReceipt).bidReceipt, notReceipt)
  const text = textIn(receipt, notReceipt)
  const natural = (name: string): number => {
    const number = receipt[name]
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
    throw notReceipt(`${name} is no number`)
  }
  const [ledger, leaf, signature] = [text('ledger'), text('leaf'), text('signature')]
  if (!isHex(ledger, 32) || !isHex(leaf, 32) || !isHex(signature, 64)) throw notReceipt('not hex')
  return {
    ledger,
    epoch: natural('epoch'),
    member: text('member'),
    node: text('node'),
    tender: tenderOf(receipt.tender, notReceipt),
    section: text('section'),
    leaf,
    receivedAt: natural('receivedAt'),
    round: natural('round'),
    signature: fromHex(signature)!,
  }
}

/**
 * Whose word it is: the member whose node signed it.
 * @param members those of the epoch that the receipt names (`membersOfEpoch`)
 * @throws {VerificationError} receipt.not-a-member, receipt.bad-signature
 */
export function checkBidReceipt(receipt: KeptBidReceipt, members: readonly GenesisMember[]): GenesisMember {
  const member = members.find(({ id, node }) => id === receipt.member && node.id === receipt.node)
  if (member === undefined) throw new VerificationError('receipt.not-a-member', `${receipt.member} ${receipt.node}`)
  if (verifySignature(keyFromKid(member.node.seal)!, bidReceiptMessage(receipt, receipt), receipt.signature))
    return member
  throw new VerificationError('receipt.bad-signature', `it is not signed by ${member.node.seal}`)
}

// ---- reading ---------------------------------------------------------------------------------------------------------------------

type Fail = (detail: string) => VerificationError

const isHex = (text: string, bytes: number): boolean => fromHex(text)?.length === bytes

function jsonOf(bytes: Uint8Array, fail: Fail): JsonObject {
  try {
    return objectOf(parseJson(fromUtf8(bytes)), fail)
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) throw fail(error.message)
    throw error
  }
}

function objectOf(value: JsonValue | undefined, fail: Fail): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw fail('not an object')
  return value as JsonObject
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw malformed('not a list')
  return value as readonly JsonValue[]
}

const textIn =
  (from: JsonObject, fail: Fail) =>
  (name: string): string => {
    const text = from[name]
    if (typeof text !== 'string') throw fail(`${name} is no text`)
    return text
  }

function tenderOf(value: JsonValue | undefined, fail: Fail): BidReceipt['tender'] {
  const text = textIn(objectOf(value, fail), fail)
  return { owner: text('owner'), scheme: text('scheme'), code: text('code') }
}

const malformed: Fail = (detail) => new VerificationError('bid-file.malformed', detail)
const notReceipt: Fail = (detail) => new VerificationError('receipt.malformed', detail)
