/**
 * A bounded map of what was used lately, in two generations: what is set or found goes into the young one, and when that is half of the whole, the
 * old one goes and the young one is old. So nothing that is in use leaves, and letting go costs nothing. A Map of which always the first
 * key is deleted looks for it behind all that were deleted before: 33 µs each with 20,000 rows, and pauses of 12 ms when it makes room.
 */
export class Generations<Key, Value> {
  readonly #youngMax: number
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()

  /** @param countMax at most so many are held, and at least half of them */
  constructor(countMax: number) {
    this.#youngMax = Math.max(1, Math.floor(countMax / 2))
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: Key, value: Value): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#youngMax) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: Key): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
