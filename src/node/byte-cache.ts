/** Bytes that were read lately, by number, up to so many bytes in all; what was used longest ago leaves first. */
export class ByteCache {
  readonly #bytesMax: number
  readonly #held = new Map<number, Uint8Array>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What is held under this number, or what `read` finds, which is then held. */
  get(number: number, read: () => Uint8Array | undefined): Uint8Array | undefined {
    const held = this.#held.get(number)
    if (held !== undefined) {
      this.#held.delete(number)
      this.#held.set(number, held)
      return held
    }
    const found = read()
    if (found === undefined) return undefined
    this.#held.set(number, found)
    this.#bytes += found.length
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#bytesMax) break
      this.delete(oldest)
    }
    return found
  }

  delete(number: number): void {
    this.#bytes -= this.#held.get(number)?.length ?? 0
    this.#held.delete(number)
  }

  clear(): void {
    this.#held.clear()
    this.#bytes = 0
  }
}
