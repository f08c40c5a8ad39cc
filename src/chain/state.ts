/**
 * The ledger's state as rules see it: text keys, CBOR values, derived from records and block time only. What is committed is read from
 * disk; what a block not yet committed would change lies above it in an overlay, and overlays stack as the blocks do.
 */
import type { CborValue } from './cbor.ts'

export interface StateReader {
  get(key: string): CborValue | undefined
}

export interface StateWriter extends StateReader {
  set(key: string, value: CborValue): void
}

/** Writes on top of a reader, which they do not touch. */
export class Overlay implements StateWriter {
  #below: StateReader
  #writes = new Map<string, CborValue>()

  constructor(below: StateReader) {
    this.#below = below
  }

  get(key: string): CborValue | undefined {
    const written = this.#writes.get(key)
    return written === undefined ? this.#below.get(key) : written
  }

  set(key: string, value: CborValue): void {
    this.#writes.set(key, value)
  }

  /** In the order first written. */
  get writes(): ReadonlyMap<string, CborValue> {
    return this.#writes
  }

  /** The writes are in `committed` now: lets go of them and of what lay below, so that overlays above do not hold up all of history. */
  fold(committed: StateReader): void {
    this.#below = committed
    this.#writes = new Map()
  }

  /** Takes over what was written above: both or neither of a rule's changes. */
  absorb(above: Overlay): void {
    for (const [key, value] of above.#writes) this.#writes.set(key, value)
  }
}
