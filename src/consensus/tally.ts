/**
 * Counting signatures towards a certificate: q distinct members over equal bytes. What is counted is already checked; a member's
 * second signature over the same bytes changes nothing, and over other bytes counts there (a liar may sign both; rule 30 will name it).
 */
import type { Certificate, MemberSignature, Signable } from '../chain/certificate.ts'

export class Tally<S extends Signable> {
  readonly #quorum: number
  /** By what was signed (a text that is equal exactly when the signed bytes are), then by member. */
  readonly #counts = new Map<string, { signed: S; height: number; by: Map<string, Uint8Array>; done: boolean }>()

  constructor(quorum: number) {
    this.#quorum = quorum
  }

  /** Returns the certificate at the moment the quorum is reached, and only then. */
  add(key: string, height: number, signed: S, member: string, signature: Uint8Array): Certificate<S> | undefined {
    let count = this.#counts.get(key)
    if (count === undefined) {
      count = { signed, height, by: new Map(), done: false }
      this.#counts.set(key, count)
    }
    count.by.set(member, signature)
    if (count.done || count.by.size < this.#quorum) return undefined
    count.done = true
    const signatures: MemberSignature[] = [...count.by].map(([by, bytes]) => ({ member: by, signature: bytes }))
    return { signed: count.signed, signatures }
  }

  /** Forgets everything at or below this height. */
  forget(through: number): void {
    for (const [key, count] of this.#counts) if (count.height <= through) this.#counts.delete(key)
  }

  clear(): void {
    this.#counts.clear()
  }
}
