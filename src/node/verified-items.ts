/**
 * Statements whose signature this node has checked, by leaf hash: a gateway does not check again in the block what it took in itself,
 * nor a leader what came in a batch; and nobody parses one twice. Bounded; what fell out is parsed and checked again.
 */
import type { BatchItem } from '../chain/batch.ts'
import { type ItemReader, itemReader, type ReadItem } from '../chain/execution.ts'

/** Several full blocks of statements in flight: about 30 MB of parsed payloads of 1 KiB. */
const itemsMax = 16_384

export class VerifiedItems {
  readonly #items = new Map<string, ReadItem>()
  readonly #parse: ItemReader

  constructor(ledger: string) {
    this.#parse = itemReader(ledger)
  }

  has(item: BatchItem): boolean {
    return this.#items.has(latin1(item.leaf))
  }

  add(leaf: Uint8Array, read: ReadItem): void {
    this.#items.set(latin1(leaf), read)
    if (this.#items.size > itemsMax) this.#items.delete(this.#items.keys().next().value!)
  }

  /** Parsed now, or remembered; says nothing about the signature. @throws {Refusal} */
  readonly read: ItemReader = (item) => this.#items.get(latin1(item.leaf)) ?? this.#parse(item)
}

/** Bytes as a text that is equal exactly when they are: what a Map can have for a key. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
