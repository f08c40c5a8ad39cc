/** A running hash over everything that a run did: two runs of one schedule end with the same, or something in the node depends on more than its ports. */
export class Trace {
  #low = 0x811c9dc5
  #high = 0x01000193

  text(kind: string, at: number, who: string, what: string): void {
    this.#number(at)
    this.#string(kind)
    this.#string(who)
    this.#string(what)
  }

  bytes(kind: string, at: number, who: string, whom: string, bytes: Uint8Array): void {
    this.text(kind, at, who, whom)
    this.#number(bytes.length)
    // Signatures and hashes fill the end of nearly every message: its last bytes tell it from any other.
    for (let i = Math.max(0, bytes.length - 64); i < bytes.length; i++) this.#number(bytes[i]!)
  }

  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }

  #string(text: string): void {
    for (let i = 0; i < text.length; i++) this.#number(text.charCodeAt(i))
  }

  #number(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193)
    this.#high = Math.imul(this.#high ^ this.#low ^ (value / 2 ** 32), 0x5bd1e995) ^ (this.#high >>> 15)
  }
}
