/**
 * Which names have surely not been seen (Bloom filters): each record asks the state for the row of its own idempotency key, which is hardly ever
 * there, and LevelDB takes longer to say so the more it holds. A filter that has as many names as it is made for is followed by a larger one;
 * beyond the largest it only answers "perhaps" more often, so that memory is bounded.
 */

/** A young ledger's, and the next ones: 26 thousand, 400 thousand and 6.7 million names. 17 MiB in all. */
const layerBytes = [2 ** 16, 2 ** 20, 2 ** 24] as const
/** Of unseen names one in 370 is asked for in vain when a layer is full, and one in 180 with full layers before it; with three times as many, one in 21. */
const bitsPerName = 20
const hashCount = 3

export class NameFilter {
  readonly #layers: Layer[] = [new Layer(layerBytes[0])]

  /** @returns what `mayHold` would have said before; a name that is held already is not added again */
  add(name: string): boolean {
    const [first, step] = hashesOf(name)
    if (this.#layers.some((layer) => layer.mayHold(first, step))) return true
    let newest = this.#layers.at(-1)!
    const next = layerBytes[this.#layers.length]
    if (newest.isFull && next !== undefined) {
      newest = new Layer(next)
      this.#layers.push(newest)
    }
    newest.add(first, step)
    return false
  }

  /** False: it was never added. */
  mayHold(name: string): boolean {
    const [first, step] = hashesOf(name)
    return this.#layers.some((layer) => layer.mayHold(first, step))
  }
}

class Layer {
  readonly #bits: Uint32Array
  readonly #mask: number
  #names = 0

  constructor(bytes: number) {
    this.#bits = new Uint32Array(bytes / 4)
    this.#mask = bytes * 8 - 1
  }

  get isFull(): boolean {
    return this.#names * bitsPerName > this.#mask
  }

  add(first: number, step: number): void {
    this.#names++
    for (let i = 0; i < hashCount; i++) {
      const bit = (first + i * step) & this.#mask
      this.#bits[bit >>> 5]! |= 1 << (bit & 31)
    }
  }

  mayHold(first: number, step: number): boolean {
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
