/**
 * What a batch's hash is made of, as a court bundle carries it: the batch's place in its run, and the leaf hash and promise of every item. The system
 * entry of a block lists the hashes of its batches, so this ties a record's bytes to a block that holds them, before whose time it was not in.
 */
import { sha256 } from '#crypto'
import { type BatchHeader, batchItemsMax, batchMessage } from './batch.ts'
import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from './bytes.ts'
import type { SigningContext } from './certificate.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from './json.ts'
import { VerificationError } from './verification-error.ts'

export interface BatchContents extends BatchHeader {
  readonly items: readonly { readonly leaf: Uint8Array; readonly promised: boolean }[]
}

export function batchFile({ member, incarnation, number, previous, items }: BatchContents): Uint8Array {
  const list = items.map(({ leaf, promised }): JsonValue => [toHex(leaf), promised])
  const run = { member, incarnation: String(incarnation), number: String(number), previous }
  return utf8(canonicalJson({ batch: { ...run, items: list } }))
}

/** @throws {VerificationError} archive.file-changed for any spelling but the one that `batchFile` writes */
export function readBatchFile(bytes: Uint8Array): BatchContents {
  let batch: JsonValue | undefined
  try {
    batch = (parseJson(fromUtf8(bytes)) as JsonObject).batch
  } catch {
    throw malformed()
  }
  const { member, incarnation, number, previous, items } = (batch ?? {}) as JsonObject
  if (typeof member !== 'string' || typeof previous !== 'string' || !Array.isArray(items)) throw malformed()
  if (items.length > batchItemsMax) throw malformed()
  const contents: BatchContents = {
    member,
    incarnation: Number(incarnation),
    number: Number(number),
    previous,
    items: items.map((item) => {
      const [leaf, promised] = (Array.isArray(item) ? item : []) as readonly JsonValue[]
      const hash = typeof leaf === 'string' ? fromHex(leaf) : undefined
      if (hash?.length !== 32 || typeof promised !== 'boolean') throw malformed()
      return { leaf: hash, promised }
    }),
  }
  const isPlace = [contents.incarnation, contents.number].every((each) => Number.isSafeInteger(each) && each >= 0)
  if (!isPlace || fromHex(previous)?.length !== 32 || !equalBytes(batchFile(contents), bytes)) throw malformed()
  return contents
}

/** SHA-256 of what its member signed, hex: names the batch. */
export const hashOfBatch = (context: SigningContext, contents: BatchContents): string =>
  toHex(sha256(batchMessage(context, contents, contents.items)))

const malformed = (): VerificationError => new VerificationError('archive.file-changed', 'the batch is none')
