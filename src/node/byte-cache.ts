/**
 * Bytes that were read lately, by number, up to so many bytes in all. In two halves: what is used goes to the younger one, and when that is full
 * it becomes the older, and what was the older is gone. So a use costs no more than a look-up, and leaves no garbage.
 */
export class ByteCache {
  readonly #halfBytesMax: number
  #younger = new Map<number, Uint8Array>()
  #older = new Map<number, Uint8Array>()
  #youngerBytes = 0

  constructor(bytesMax: number) {
    this.#halfBytesMax = bytesMax / 2
  }

  held(number: number): Uint8Array | undefined {
    const held = this.#younger.get(number)
    if (held !== undefined) return held
    const older = this.#older.get(number)
    return older === undefined ? undefined : this.keep(number, older)
  }

  /** Hands back what it was given, which may be nothing. More than half of all there is room for is not kept. */
  keep(number: number, bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes === undefined || bytes.length > this.#halfBytesMax) return bytes
    this.delete(number)
    if (this.#youngerBytes + bytes.length > this.#halfBytesMax) {
      this.#older = this.#younger
      this.#younger = new Map()
      this.#youngerBytes = 0
    }
    this.#younger.set(number, bytes)
    this.#youngerBytes += bytes.length
    return bytes
  }

  delete(number: number): void {
    this.#youngerBytes -= this.#younger.get(number)?.length ?? 0
    this.#younger.delete(number)
    this.#older.delete(number)
  }

  clear(): void {
    this.#younger.clear()
    this.#older.clear()
    this.#youngerBytes = 0
  }
}
