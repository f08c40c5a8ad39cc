/**
 * Everything that the members' keys ever signed in a run, and the contradictions of protocol rule 30 among it: two VOTEs in a term, two SEALs
 * or ACKs at one (term, height), a VOTE or ACK on a base below an earlier LOCK, two BATCHes at one number, two roots for one size. An honest
 * node makes none, whatever crashed. It reads the signed bytes as a stranger would.
 */
import type { SigningPurpose } from '../../src/node/ports.ts'
import { compareRanks, type Rank, rankText, type Word, wordOf } from '../simulation/word.ts'

interface Said {
  /** By what must be unique: what was signed there. */
  readonly once: Map<string, string>
  /** Highest LOCK by term. */
  readonly locks: Map<number, Rank>
  /** Bases of VOTEs and ACKs by term: the lowest. */
  readonly bases: Map<number, Rank>
  cosignedSize: number
}

export class SignatureBook {
  readonly #said = new Map<string, Said>()
  readonly contradictions: string[] = []
  readonly #counts = new Map<string, number>()
  /** Roots by size, over all keys: no two for one size. */
  readonly roots = new Map<number, string>()

  /** How often a member signed something of this kind. */
  count(member: string, kind: string): number {
    return this.#counts.get(`${member} ${kind}`) ?? 0
  }

  /** How often anybody signed anything. */
  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  totalOf(member: string): number {
    return [...this.#counts].reduce((sum, [name, count]) => sum + (name.startsWith(`${member} `) ? count : 0), 0)
  }

  note(member: string, purpose: SigningPurpose, message: Uint8Array): void {
    this.hear(member, wordOf(purpose, message))
  }

  hear(member: string, word: Word): void {
    if (word.kind === 'OTHER') return
    this.#tally(member, word.kind)
    const said = this.#of(member)
    switch (word.kind) {
      case 'VOTE':
        this.#once(member, `VOTE in term ${word.term}`, `${word.candidate} ${word.base.id}`)
        return this.#base(member, said, word.term, word.base)
      case 'ACK': {
        const { block, base } = word
        this.#once(member, `ACK at ${rankText(block)}`, `${block.id} ${base.id}`)
        return this.#base(member, said, block.term, base)
      }
      case 'SEAL':
        return this.#once(member, `SEAL at ${rankText(word)}`, word.digest)
      case 'LOCK': {
        const { block } = word
        const held = said.locks.get(block.term)
        if (held === undefined || compareRanks(block, held) > 0) said.locks.set(block.term, block)
        for (const [term, base] of said.bases) {
          if (term > block.term && compareRanks(base, block) < 0)
            this.#found(member, `LOCK of ${rankText(block)} after a base below it in term ${term}`)
        }
        return
      }
      case 'BATCH':
        return this.#once(member, `BATCH ${word.incarnation}/${word.number}`, word.digest)
      case 'COSIGN':
        return this.#cosignature(member, said, word)
    }
  }

  #base(member: string, said: Said, term: number, base: Rank): void {
    const held = said.bases.get(term)
    if (held === undefined || compareRanks(base, held) < 0) said.bases.set(term, base)
    for (const [lockTerm, lock] of said.locks) {
      if (lockTerm < term && compareRanks(base, lock) < 0) {
        this.#found(member, `base ${rankText(base)} in term ${term} below its LOCK of ${rankText(lock)}`)
      }
    }
  }

  #cosignature(member: string, said: Said, { size, root }: { readonly size: number; readonly root: string }): void {
    const held = this.roots.get(size)
    if (held !== undefined && held !== root) this.#found(member, `two roots for size ${size}`)
    this.roots.set(size, root)
    if (size < said.cosignedSize) this.#found(member, `size ${size} cosigned after ${said.cosignedSize}`)
    said.cosignedSize = size
  }

  #once(member: string, place: string, digest: string): void {
    const { once } = this.#of(member)
    const held = once.get(place)
    if (held !== undefined && held !== digest) this.#found(member, `two ${place}`)
    once.set(place, digest)
  }

  #tally(member: string, kind: string): void {
    const name = `${member} ${kind}`
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  #found(member: string, what: string): void {
    this.contradictions.push(`${member}: ${what}`)
  }

  #of(member: string): Said {
    let said = this.#said.get(member)
    if (said === undefined) {
      said = { once: new Map(), locks: new Map(), bases: new Map(), cosignedSize: 0 }
      this.#said.set(member, said)
    }
    return said
  }
}
