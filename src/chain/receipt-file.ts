/**
 * A receipt as its holder keeps it: what the member answered, and the statement it was given for, so that the same statement can be brought to
 * another member. Read here from strangers' hands; whose word it is, `checkReceipt` says; whether an entry of the ledger answers it, `answerIn`.
 * A receipt that is not answered convicts nobody: an outage breaks that word without anybody's fault (protocol.md, rule 29).
 */
import { fromBase64, fromUtf8, toBase64 } from './bytes.ts'
import { parseDecimal } from './checkpoint.ts'
import { parseEntry } from './entry.ts'
import type { GenesisMember } from './founding.ts'
import { type JsonObject, type JsonValue, parseJson } from './json.ts'
import { keyFromKid, verifySignature } from './keys.ts'
import { type ReceiptBody, receiptMessage } from './receipt.ts'
import { Refusal } from './refusal.ts'
import { parseStatement } from './statement.ts'
import { parseTime } from './time.ts'
import { VerificationError } from './verification-error.ts'

export interface KeptReceipt extends ReceiptBody {
  /** Hex. */
  readonly ledger: string
  readonly member: string
  readonly epoch: number
  /** 64 bytes. */
  readonly signature: Uint8Array
}

export interface ReceiptFile {
  readonly receipt: KeptReceipt
  /** Compact JWS; undefined when the file holds the receipt alone. */
  readonly statement: string | undefined
}

/** Beside the statement, which has at most 65,000 bytes, there is little. */
const receiptFileBytesMax = 1_048_576

/**
 * What `gongzheng submit --receipt` writes, and every answer of the API that has a receipt in it.
 * @throws {VerificationError} receipt.malformed, receipt.other-statement
 */
export function parseReceiptFile(bytes: Uint8Array): ReceiptFile {
  if (bytes.length > receiptFileBytesMax) throw malformed(`${bytes.length} bytes`)
  const file = objectOf(
    read(() => parseJson(fromUtf8(bytes))),
    'the file',
  )
  const receipt = receiptOf(objectOf('receipt' in file ? file.receipt : file, 'receipt'))
  if (typeof file.statement !== 'string' || !('receipt' in file)) return { receipt, statement: undefined }
  const { statement } = file
  const { id } = read(() => parseStatement(statement, receipt.ledger))
  if (id !== receipt.statement) throw new VerificationError('receipt.other-statement', `it has ${id}`)
  return { receipt, statement }
}

/** `receipt` as the API answers it. */
export function formatReceiptFile(receipt: JsonObject, statement: string): string {
  return `${JSON.stringify({ format: 1, receipt, statement }, null, 2)}\n`
}

function receiptOf(value: JsonObject): KeptReceipt {
  const text = (name: string): string => {
    const field = value[name]
    if (typeof field !== 'string') throw malformed(`${name} is no text`)
    return field
  }
  const time = (name: string): number => {
    const at = parseTime(text(name))
    if (at === undefined) throw malformed(`${name} is no time`)
    return at
  }
  const natural = (name: string): number => {
    const number = Number(parseDecimal(text(name)) ?? Number.NaN)
    if (!Number.isSafeInteger(number)) throw malformed(`${name} is no number`)
    return number
  }
  const hash = (name: string): string => {
    if (!/^[0-9a-f]{64}$/.test(text(name))) throw malformed(`${name} is no hash`)
    return text(name)
  }
  const signature = fromBase64(text('signature'))
  if (signature?.length !== 64) throw malformed('signature')
  return {
    statement: hash('statement'),
    ledger: hash('ledger'),
    member: text('member'),
    node: text('node'),
    receivedAt: time('receivedAt'),
    attestedSize: natural('attestedSize'),
    by: time('by'),
    epoch: natural('epoch'),
    signature,
  }
}

/**
 * Whose word it is: the member whose node signed it.
 * @param members those of the epoch that the receipt names (`membersOfEpoch`)
 * @throws {VerificationError} receipt.not-a-member, receipt.bad-signature
 */
export function checkReceipt(receipt: KeptReceipt, members: readonly GenesisMember[]): GenesisMember {
  const { ledger, epoch, signature } = receipt
  const member = members.find(({ id, node }) => id === receipt.member && node.id === receipt.node)
  if (member === undefined) throw new VerificationError('receipt.not-a-member', `${receipt.member} ${receipt.node}`)
  if (!verifySignature(keyFromKid(member.node.seal)!, receiptMessage({ ledger, epoch }, receipt), signature)) {
    throw new VerificationError(
      'receipt.bad-signature',
      `it is not signed by ${toBase64(keyFromKid(member.node.seal)!)}`,
    )
  }
  return member
}

export type ReceiptAnswer =
  | { readonly kind: 'record' }
  /** By this member's copy: the same statement may still be a record through another member. */
  | { readonly kind: 'refusal'; readonly code: string; readonly member: string }

/** What an entry of the ledger, proven elsewhere, says about the statement of a receipt; undefined when it is about something else. */
export function answerIn(entry: Uint8Array, { statement, ledger }: KeptReceipt): ReceiptAnswer | undefined {
  try {
    const { refusal } = objectOf(parseJson(fromUtf8(entry)), 'the entry')
    if (refusal === undefined) {
      return parseStatement(parseEntry(entry).statement, ledger).id === statement ? { kind: 'record' } : undefined
    }
    const { statement: refused, member, code } = objectOf(refusal, 'refusal')
    if (refused !== statement || typeof member !== 'string' || typeof code !== 'string') return undefined
    return { kind: 'refusal', code, member }
  } catch (error) {
    if (isUnreadable(error)) return undefined
    throw error
  }
}

const isUnreadable = (error: unknown): error is Error =>
  error instanceof Refusal || error instanceof TypeError || error instanceof VerificationError

function read<T>(reading: () => T): T {
  try {
    return reading()
  } catch (error) {
    if (isUnreadable(error)) throw malformed(error.message)
    throw error
  }
}

function objectOf(value: JsonValue | undefined, what: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw malformed(`${what} is no object`)
  return value as JsonObject
}

const malformed = (detail: string): VerificationError => new VerificationError('receipt.malformed', detail)
