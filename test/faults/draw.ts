/** What a seed decides: mulberry32, small and good enough to choose victims and moments. The same seed draws the same; the machine does not. */
export class Draw {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to below 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between(low: number, high: number): number {
    return Math.round(low + this.fraction() * (high - low))
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  one<Thing>(things: readonly Thing[]): Thing {
    return things[Math.floor(this.fraction() * things.length)]!
  }

  shuffled<Thing>(things: readonly Thing[]): Thing[] {
    return things
      .map((thing) => ({ thing, place: this.fraction() }))
      .sort((a, b) => a.place - b.place)
      .map(({ thing }) => thing)
  }
}
