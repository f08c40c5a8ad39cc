/**
 * Rows of the committed state kept decoded in front of the disk: what is there, and what is not. Every statement asks whether its key is
 * frozen, and hardly any key ever is: without the second half each such question is a read of LevelDB. Rows of idempotency keys are not kept: there is
 * one for each record, hardly ever asked for again, and they would push out what every statement asks for. Bounded in number; whatever is
 * written to the state has to be told here.
 */
import type { CborValue } from '../chain/cbor.ts'

/** Names of some hundred keys in use; about 100 bytes each. */
const absentRowsRemembered = 4_096

export class StateCache {
  readonly #rowsMax: number
  readonly #load: (name: string) => CborValue | undefined
  readonly #rows = new Map<string, CborValue>()
  readonly #absent = new Set<string>()

  /** @param load asks the disk */
  constructor(rowsMax: number, load: (name: string) => CborValue | undefined) {
    this.#rowsMax = rowsMax
    this.#load = load
  }

  get(name: string): CborValue | undefined {
    const held = this.#rows.get(name)
    if (held !== undefined) return held
    if (this.#absent.delete(name)) {
      // Those asked for last stay, whatever else is asked for.
      this.#absent.add(name)
      return undefined
    }
    const value = this.#load(name)
    if (isOfOneRecord(name)) return value
    if (value !== undefined) this.#keep(name, value)
    else this.#noteAbsent(name)
    return value
  }

  /** The row is, or will be, on the disk. */
  set(name: string, value: CborValue): void {
    if (isOfOneRecord(name)) return
    this.#absent.delete(name)
    this.#rows.delete(name)
    this.#keep(name, value)
  }

  clear(): void {
    this.#rows.clear()
    this.#absent.clear()
  }

  #noteAbsent(name: string): void {
    this.#absent.add(name)
    if (this.#absent.size > absentRowsRemembered) this.#absent.delete(this.#absent.values().next().value!)
  }

  #keep(name: string, value: CborValue): void {
    this.#rows.set(name, value)
    if (this.#rows.size > this.#rowsMax) this.#rows.delete(this.#rows.keys().next().value!)
  }
}

const isOfOneRecord = (name: string): boolean => name.startsWith('idem/')
