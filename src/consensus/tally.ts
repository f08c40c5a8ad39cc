/**
 * Counting signatures towards a certificate: q distinct members over equal bytes. What is counted is already checked. At one height a
 * member counts for what it signed last: an honest one never has two worth counting there (it locks again only where a higher base has
 * overruled the first), and a liar cannot fill the memory.
 */
import type { Certificate, MemberSignature, Signable } from '../chain/certificate.ts'

interface Count<S> {
  readonly signed: S
  readonly by: Map<string, Uint8Array>
  done: boolean
}

interface AtHeight<S> {
  /** By what was signed: a text that is equal exactly when the signed bytes are. */
  readonly counts: Map<string, Count<S>>
  readonly lastKeyOf: Map<string, string>
}

export class Tally<S extends Signable> {
  readonly #quorum: number
  readonly #heights = new Map<number, AtHeight<S>>()

  constructor(quorum: number) {
    this.#quorum = quorum
  }

  /** Returns the certificate at the moment the quorum is reached, and only then. */
  add(key: string, height: number, signed: S, member: string, signature: Uint8Array): Certificate<S> | undefined {
    let at = this.#heights.get(height)
    if (at === undefined) {
      at = { counts: new Map(), lastKeyOf: new Map() }
      this.#heights.set(height, at)
    }
    const lastKey = at.lastKeyOf.get(member)
    if (lastKey !== undefined && lastKey !== key) {
      const last = at.counts.get(lastKey)
      last?.by.delete(member)
      if (last?.by.size === 0) at.counts.delete(lastKey)
    }
    at.lastKeyOf.set(member, key)
    let count = at.counts.get(key)
    if (count === undefined) {
      count = { signed, by: new Map(), done: false }
      at.counts.set(key, count)
    }
    count.by.set(member, signature)
    if (count.done || count.by.size < this.#quorum) return undefined
    count.done = true
    const signatures: MemberSignature[] = [...count.by].map(([by, bytes]) => ({ member: by, signature: bytes }))
    return { signed: count.signed, signatures }
  }

  /** Forgets everything at or below this height. */
  forget(through: number): void {
    for (const height of this.#heights.keys()) if (height <= through) this.#heights.delete(height)
  }

  clear(): void {
    this.#heights.clear()
  }
}
