/**
 * Which names have surely not been seen (a Bloom filter): each record asks the state for the row of its own idempotency key, which is hardly ever
 * there, and LevelDB takes longer to say so the more it holds. Of fixed size, so that memory stays flat; with more names than it is made for it only
 * answers "perhaps" more often.
 */

const hashCount = 3

export class NameFilter {
  readonly #mask: number
  readonly #bits: Uint32Array

  /**
   * @param mebibytes a power of two. With 4, of a million names one unseen name in 1,500 is asked for in vain, of ten millions one in five; with 16, of
   *     ten millions one in 140
   */
  constructor(mebibytes: number) {
    const bitCount = mebibytes * 2 ** 23
    this.#mask = bitCount - 1
    this.#bits = new Uint32Array(bitCount / 32)
  }

  add(name: string): void {
    const [first, step] = hashesOf(name)
    for (let i = 0; i < hashCount; i++) {
      const bit = (first + i * step) & this.#mask
      this.#bits[bit >>> 5]! |= 1 << (bit & 31)
    }
  }

  /** False: it was never added. */
  mayHold(name: string): boolean {
    const [first, step] = hashesOf(name)
    for (let i = 0; i < hashCount; i++) {
      const bit = (first + i * step) & this.#mask
      if ((this.#bits[bit >>> 5]! & (1 << (bit & 31))) === 0) return false
    }
    return true
  }
}

/** FNV-1a over UTF-16 units, once from each of two beginnings. Whoever chooses names to collide only makes what he submits a little slower. */
function hashesOf(name: string): readonly [number, number] {
  let first = 0x811c9dc5
  let second = 0x9747b28c
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    first = Math.imul(first ^ code, 0x01000193)
    second = Math.imul(second ^ code, 0x01000193)
  }
  // The low bits of FNV are its weakest, and those are used.
  first ^= first >>> 15
  second ^= second >>> 13
  return [first, second | 1]
}
