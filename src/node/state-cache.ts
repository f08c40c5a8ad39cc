/**
 * Rows of the committed state kept decoded in front of the disk: what is there, and what is not. Every statement asks whether its key is
 * frozen, and hardly any key ever is: without the second half each such question is a read of LevelDB. Rows of idempotency keys are not kept: there is
 * one for each record, hardly ever asked for again, and they would push out what every statement asks for. Bounded in number; whatever is
 * written to the state has to be told here.
 */
import type { CborValue } from '../chain/cbor.ts'
import { Generations } from '../chain/generations.ts'

/** Names of some hundred keys in use; about 100 bytes each. */
const absentRowsRemembered = 4_096

export class StateCache {
  readonly #load: (name: string) => CborValue | undefined
  readonly #rows: Generations<string, CborValue>
  readonly #absent = new Generations<string, true>(absentRowsRemembered)

  /** @param load asks the disk */
  constructor(rowsMax: number, load: (name: string) => CborValue | undefined) {
    this.#rows = new Generations(rowsMax)
    this.#load = load
  }

  get(name: string): CborValue | undefined {
    if (isOfOneRecord(name)) return this.#load(name)
    const held = this.#rows.get(name)
    if (held !== undefined) return held
    if (this.#absent.get(name)) return undefined
    const value = this.#load(name)
    if (value !== undefined) this.#rows.set(name, value)
    else this.#absent.set(name, true)
    return value
  }

  /** The row is, or will be, on the disk. */
  set(name: string, value: CborValue): void {
    if (isOfOneRecord(name)) return
    this.#absent.delete(name)
    this.#rows.set(name, value)
  }

  clear(): void {
    this.#rows.clear()
    this.#absent.clear()
  }
}

const isOfOneRecord = (name: string): boolean => name.startsWith('idem/')
