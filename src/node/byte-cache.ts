/**
 * Rows that were read lately, by number, in so many places of one length that are made when first needed and used again for ever: a row is read into
 * one of them. So reading, keeping and letting go leave no work for the garbage collector, which would run for memory of this size alone. Who was
 * used since the hand last came by stays for another round (the clock algorithm).
 */
export interface ByteCacheOptions {
  /** Of the longest row. A longer one is not read. */
  readonly rowBytesMax: number
  /** At least two. */
  readonly rowsMax: number
  /** Whether rows that are shorter are kept too: not where they still grow. */
  readonly keepsShort: boolean
}

interface Place {
  readonly bytes: Uint8Array
  length: number
  number: number | undefined
  wasUsed: boolean
}

export class ByteCache {
  readonly #options: ByteCacheOptions
  readonly #places: Place[] = []
  readonly #byNumber = new Map<number, Place>()
  /** The place that is filled next, unless it was used. */
  #hand = 0

  constructor(options: ByteCacheOptions) {
    this.#options = options
  }

  /**
   * The row's bytes, which are good until the next call: copy what you keep. Undefined: there is no such row, or it is longer than a place.
   * @param load writes the row there if there is room, and says how long it is
   */
  read(number: number, load: (into: Uint8Array) => number | undefined): Uint8Array | undefined {
    const held = this.#byNumber.get(number)
    if (held !== undefined) {
      held.wasUsed = true
      return contentOf(held)
    }
    const { rowBytesMax, rowsMax, keepsShort } = this.#options
    const place = this.#freePlace()
    const length = load(place.bytes)
    if (length === undefined || length > rowBytesMax) return undefined
    place.length = length
    if (keepsShort || length === rowBytesMax) {
      place.number = number
      this.#byNumber.set(number, place)
      this.#hand = (this.#hand + 1) % rowsMax
    }
    return contentOf(place)
  }

  delete(number: number): void {
    const held = this.#byNumber.get(number)
    if (held === undefined) return
    this.#byNumber.delete(number)
    held.number = undefined
  }

  clear(): void {
    this.#byNumber.clear()
    for (const place of this.#places) place.number = undefined
  }

  /** At the hand, and of nobody: whatever fails from here on, no number stands for what lies in it. */
  #freePlace(): Place {
    for (;;) {
      const place = this.#places[this.#hand]
      if (place === undefined) {
        const made = { bytes: new Uint8Array(this.#options.rowBytesMax), length: 0, number: undefined, wasUsed: false }
        this.#places.push(made)
        return made
      }
      if (place.number === undefined || !place.wasUsed) {
        if (place.number !== undefined) this.delete(place.number)
        place.wasUsed = false
        return place
      }
      place.wasUsed = false
      this.#hand = (this.#hand + 1) % this.#options.rowsMax
    }
  }
}

const contentOf = ({ bytes, length }: Place): Uint8Array =>
  length === bytes.length ? bytes : bytes.subarray(0, length)
