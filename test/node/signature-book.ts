/**
 * Everything that the members' keys ever signed in a run, and the contradictions of protocol rule 30 among it: two VOTEs in a term, two SEALs
 * or ACKs at one (term, height), a VOTE or ACK on a base below an earlier LOCK, two BATCHes at one number, two roots for one size. An honest
 * node makes none, whatever crashed. It reads the signed bytes as a stranger would.
 */
import { sha256 } from '#crypto'
import { fromUtf8, toHex } from '../../src/chain/bytes.ts'
import { type CborValue, decodeCbor } from '../../src/chain/cbor.ts'
import { parseCheckpoint } from '../../src/chain/checkpoint.ts'
import type { SigningPurpose } from '../../src/node/ports.ts'

interface Rank {
  readonly term: number
  readonly height: number
}

const compare = (a: Rank, b: Rank): number => a.term - b.term || a.height - b.height

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
    if (purpose === 'cosign') return this.#cosignature(member, fromUtf8(message))
    if (purpose !== 'seal') return
    const end = message.indexOf(0)
    const kind = fromUtf8(message.subarray('gongzheng/'.length, end))
    const [, body] = decodeCbor(message.subarray(end + 1 + 32)) as readonly [number, CborValue]
    this.#tally(member, kind)
    const said = this.#of(member)
    const digest = toHex(sha256(message))
    switch (kind) {
      case 'VOTE': {
        const [term, , base] = body as readonly [number, string, CborValue]
        this.#once(member, `VOTE in term ${term}`, digest)
        return this.#base(member, said, term, rankOf(base))
      }
      case 'ACK': {
        const [base, block] = body as readonly CborValue[]
        const { term, height } = rankOf(block)
        this.#once(member, `ACK at ${term}/${height}`, digest)
        return this.#base(member, said, term, rankOf(base))
      }
      case 'SEAL': {
        const header = body as readonly number[]
        return this.#once(member, `SEAL at ${header[2]}/${header[3]}`, digest)
      }
      case 'LOCK': {
        const rank = rankOf(body)
        const held = said.locks.get(rank.term)
        if (held === undefined || compare(rank, held) > 0) said.locks.set(rank.term, rank)
        for (const [term, base] of said.bases) {
          if (term > rank.term && compare(base, rank) < 0)
            this.#found(member, `LOCK of ${text(rank)} after a base below it in term ${term}`)
        }
        return
      }
      case 'BATCH': {
        const [, , incarnation, number] = body as readonly number[]
        return this.#once(member, `BATCH ${incarnation}/${number}`, digest)
      }
    }
  }

  #base(member: string, said: Said, term: number, base: Rank): void {
    const held = said.bases.get(term)
    if (held === undefined || compare(base, held) < 0) said.bases.set(term, base)
    for (const [lockTerm, lock] of said.locks) {
      if (lockTerm < term && compare(base, lock) < 0) {
        this.#found(member, `base ${text(base)} in term ${term} below its LOCK of ${text(lock)}`)
      }
    }
  }

  #cosignature(member: string, message: string): void {
    this.#tally(member, 'COSIGN')
    const { size, root } = parseCheckpoint(message.split('\n').slice(2).join('\n'))
    const said = this.#of(member)
    const hex = toHex(root)
    const held = this.roots.get(Number(size))
    if (held !== undefined && held !== hex) this.#found(member, `two roots for size ${size}`)
    this.roots.set(Number(size), hex)
    if (Number(size) < said.cosignedSize) this.#found(member, `size ${size} cosigned after ${said.cosignedSize}`)
    said.cosignedSize = Number(size)
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

function rankOf(ref: CborValue | undefined): Rank {
  const [term, height] = ref as readonly number[]
  return { term: term!, height: height! }
}

const text = ({ term, height }: Rank): string => `${term}/${height}`
