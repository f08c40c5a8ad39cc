/**
 * A bounded map of what was used lately, in two generations: what is set or found goes into the young one, and when that is half of the whole, the
 * old one goes and the young one is old. So nothing that is in use leaves, and letting go costs nothing. A Map of which always the first
 * key is deleted looks for it behind all that were deleted before: 33 µs each with 20,000 rows, and pauses of 12 ms when it makes room.
 */
export class Generations<Value> {
  readonly #youngMax: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  /** @param countMax at most so many are held, and at least half of them */
  constructor(countMax: number) {
    this.#youngMax = Math.max(1, Math.floor(countMax / 2))
  }

  get(name: string): Value | undefined {
    const young = this.#young.get(name)
    if (young !== undefined) return young
    const old = this.#old.get(name)
    if (old !== undefined) this.set(name, old)
    return old
  }

  set(name: string, value: Value): void {
    this.#young.set(name, value)
    if (this.#young.size < this.#youngMax) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(name: string): void {
    this.#young.delete(name)
    this.#old.delete(name)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
