/**
 * The contradiction of a quiet box: a receipt for a leaf, in by a round, and a close on that round or a later one that lacks the leaf — both
 * signed by one seal key. A node that lost leaves never signs a close over their round, and one that lost its last round in time closes on the
 * one before; so no honest key signs both. Two neighbours in the closed tree show that the leaf is missing, whatever the size of the box.
 */
import { fromHex, toHex, utf8 } from './bytes.ts'
import { CborError, decodeCbor, field } from './cbor.ts'
import type { SigningContext } from './certificate.ts'
import type { JsonObject } from './json.ts'
import { keyFromKid, verifySignature } from './keys.ts'
import { type BidReceipt, type BoxClaim, bidReceiptMessage, type PlacedLeaf, verifyAbsent } from './quiet-box.ts'
import { Refusal } from './refusal.ts'
import { parseStatement, type Statement } from './statement.ts'
import { VerificationError } from './verification-error.ts'

/** What shows that a close lacks a leaf. */
export interface Omission {
  /** A bid's receipt as it was signed (`bidReceiptMessage`). */
  readonly receipt: { readonly message: Uint8Array; readonly signature: Uint8Array }
  /** The statement of the close, as a JWS. */
  readonly close: string
  /** Those between which the leaf would stand. */
  readonly neighbours: readonly PlacedLeaf[]
}

/** A receipt as it stands in what was signed. */
export interface SignedReceipt extends SigningContext {
  readonly receipt: BidReceipt
}

/** What a close says, as far as a leaf is concerned. */
export interface ClosedBox extends BoxClaim, Pick<BidReceipt, 'tender' | 'section' | 'round'> {}

/**
 * @returns the ledger, and what was left out, in words
 * @throws {VerificationError} fault.malformed, fault.bad-signature, fault.no-contradiction, box.…, inclusion.…
 */
export function verifyOmission(kid: string, { receipt: signed, close: jws, neighbours }: Omission) {
  const key = keyFromKid(kid)
  if (key === undefined) throw malformed('not a key')
  const { ledger, receipt } = readReceipt(signed.message)
  if (!verifySignature(key, signed.message, signed.signature)) throw badSignature('the receipt')
  const statement = readClose(jws, ledger)
  if (statement.kid !== kid || !verifySignature(key, statement.message, statement.signature)) {
    throw badSignature('the close')
  }
  const close = closedBoxOf(statement.payload)
  if (close === undefined) throw malformed('the close is not spelled as one')
  if (boxOf(receipt) !== boxOf(close)) throw none('receipt and close are of two boxes')
  if (receipt.round > close.round) {
    throw none(`the receipt promised round ${receipt.round}, and the close stands on round ${close.round}`)
  }
  verifyAbsent(close, receipt.leaf, { neighbours })
  const detail = `a receipt for leaf ${receipt.leaf}, in by round ${receipt.round}, and a close on round ${close.round} without it`
  return { ledger, detail }
}

const boxOf = ({ tender: { owner, scheme, code }, section }: Pick<BidReceipt, 'tender' | 'section'>): string =>
  JSON.stringify([owner, scheme, code, section])

/** @throws {VerificationError} fault.malformed unless these are the bytes of a bid's receipt, in their one spelling */
function readReceipt(message: Uint8Array): SignedReceipt {
  const end = message.indexOf(0)
  const kind = 'gongzheng/BID-RECEIPT'
  if (end !== kind.length || toHex(message.subarray(0, end)) !== toHex(utf8(kind))) {
    throw malformed('not the receipt of a bid')
  }
  let read: SignedReceipt
  try {
    const ledger = toHex(message.subarray(end + 1, end + 33))
    const [epoch, body] = field.array(decodeCbor(message.subarray(end + 33)), 'message', 2)
    const [, owner, scheme, code, section, leaf, node, receivedAt, round] = field.array(body, 'receipt', 9)
    const tender = {
      owner: field.text(owner, 'owner'),
      scheme: field.text(scheme, 'scheme'),
      code: field.text(code, 'code'),
    }
    read = {
      ledger,
      epoch: field.natural(epoch, 'epoch'),
      receipt: {
        tender,
        section: field.text(section, 'section'),
        leaf: toHex(field.bytes(leaf, 'leaf', 32)),
        node: field.text(node, 'node'),
        receivedAt: field.natural(receivedAt, 'receivedAt'),
        round: field.natural(round, 'round'),
      },
    }
    if (toHex(bidReceiptMessage(read, read.receipt)) === toHex(message)) return read
  } catch (error) {
    if (error instanceof CborError || error instanceof RangeError) throw malformed(error.message)
    throw error
  }
  throw malformed('the receipt is not spelled as one')
}

function readClose(jws: string, ledger: string): Statement {
  try {
    const statement = parseStatement(jws, ledger)
    if (statement.type === 'box.close@1') return statement
  } catch (error) {
    if (error instanceof Refusal) throw malformed(error.message)
    throw error
  }
  throw malformed('not a close')
}

/** What a payload says of the box; undefined when it is none of a close. */
export function closedBoxOf(payload: JsonObject): ClosedBox | undefined {
  const { tender, section = '', round, count, root } = payload
  if (tender === null || typeof tender !== 'object' || Array.isArray(tender)) return undefined
  const { owner, scheme, code } = tender as JsonObject
  if (typeof owner !== 'string' || typeof scheme !== 'string' || typeof code !== 'string') return undefined
  if (typeof section !== 'string' || !isNatural(round) || !isNatural(count)) return undefined
  if (typeof root !== 'string' || fromHex(root)?.length !== 32) return undefined
  return { tender: { owner, scheme, code }, section, round, count, root }
}

const isNatural = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const malformed = (detail: string): VerificationError => new VerificationError('fault.malformed', detail)
const none = (detail: string): VerificationError => new VerificationError('fault.no-contradiction', detail)
const badSignature = (what: string): VerificationError =>
  new VerificationError('fault.bad-signature', `${what} is not signed by this key`)
