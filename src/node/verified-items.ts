/**
 * Statements whose signature this node has checked, by leaf hash: a gateway does not check again in the block what it took in itself,
 * nor a leader what came in a batch; and nobody parses one twice. Bounded in number and in memory, because a lying member can have
 * batches full of statements that are as large as any, or whose payload is thousands of empty objects; what fell out is parsed and
 * checked again.
 */
import type { BatchItem } from '../chain/batch.ts'
import { toLatin1 } from '../chain/bytes.ts'
import { type ItemReader, itemReader, type ReadItem } from '../chain/execution.ts'

/** Several full blocks of small statements in flight. */
const itemsMax = 16_384
/** Their memory by `memoryBytesOf`: ten full blocks of ordinary statements. */
export const itemsBytesMax = 64 * 1024 * 1024

export class VerifiedItems {
  readonly #items = new Map<string, ReadItem & { readonly memoryBytes: number }>()
  readonly #parse: ItemReader
  #memoryBytes = 0

  constructor(ledger: string) {
    this.#parse = itemReader(ledger)
  }

  /** What is held is estimated to take this much, at most `itemsBytesMax`. */
  get memoryBytes(): number {
    return this.#memoryBytes
  }

  has(item: BatchItem): boolean {
    return this.#items.has(toLatin1(item.leaf))
  }

  add(leaf: Uint8Array, read: ReadItem): void {
    const key = toLatin1(leaf)
    this.#drop(key)
    const memoryBytes = memoryBytesOf(read)
    this.#items.set(key, { ...read, memoryBytes })
    this.#memoryBytes += memoryBytes
    while (this.#items.size > itemsMax || this.#memoryBytes > itemsBytesMax) {
      this.#drop(this.#items.keys().next().value!)
    }
  }

  /** Its block is committed: nobody asks for it again, and what stays would only be carried from one garbage collection to the next. */
  forget(item: BatchItem): void {
    this.#drop(toLatin1(item.leaf))
  }

  /** Parsed now, or remembered; says nothing about the signature. @throws {Refusal} */
  readonly read: ItemReader = (item) => this.#items.get(toLatin1(item.leaf)) ?? this.#parse(item)

  #drop(key: string): void {
    this.#memoryBytes -= this.#items.get(key)?.memoryBytes ?? 0
    this.#items.delete(key)
  }
}

/**
 * Estimate, not below the truth: the statement as text, as the bytes that were signed and as canonical payload, together at most four
 * times its length; and what is parsed, where every value but the first of an object or array has a comma before it.
 */
function memoryBytesOf({ statement }: ReadItem): number {
  const { canonicalPayload } = statement
  let values = 1
  // By index: this runs for every statement, and an iterator takes several times as long.
  for (let at = 0; at < canonicalPayload.length; at++) {
    const octet = canonicalPayload[at]
    if (octet === comma || octet === brace || octet === bracket) values++
  }
  return fixedBytes + 4 * statement.jws.length + valueBytes * values
}
const [comma, brace, bracket] = [0x2c, 0x7b, 0x5b]
/** The objects around a statement, and its row in the map. */
const fixedBytes = 1024
/** An empty object with its place in an array. */
const valueBytes = 72
