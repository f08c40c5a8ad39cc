/**
 * Everything that any member ever signed or committed in a run, and the invariants over it (protocol.md rules 5, 8, 13, 14 and 30;
 * consensus.md section 5). It knows nothing of how the core works: it reads what leaves the members, as a stranger would.
 */
import type { BlockRef, Certificate, Signable } from '../../src/chain/certificate.ts'
import { quorumOf } from '../../src/chain/numbers.ts'
import { type BlockMeta, compareRanks, type Rank } from '../../src/consensus/message.ts'
import { genesis, textOf } from './facts.ts'

export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken'
}

export function hold(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantBroken(what)
}

interface Said {
  readonly votes: Map<number, string>
  readonly acks: Map<string, string>
  readonly seals: Map<string, string>
  /** By term: the base that a VOTE or an ACK of it named, and the highest block acknowledged. */
  readonly bases: Map<number, Rank>
  readonly ackHeads: Map<number, BlockRef>
  /** Highest LOCK by term. */
  readonly locks: Map<number, Rank>
}

export class Evidence {
  readonly #quorum: number
  readonly #liars: ReadonlySet<string>
  readonly #signed = new Map<string, Set<string>>()
  readonly #said = new Map<string, Said>()
  readonly #leaders = new Map<number, string>()
  readonly blocks = new Map<string, BlockMeta>([[genesis.id, genesis]])
  readonly sealers = new Map<string, string>()
  /** Ids by height: the one chain. */
  readonly committed: string[] = [genesis.id]

  constructor(members: readonly string[], liars: ReadonlySet<string>) {
    this.#quorum = quorumOf(members.length)
    this.#liars = liars
    for (const member of members) {
      this.#said.set(member, {
        votes: new Map(),
        acks: new Map(),
        seals: new Map(),
        bases: new Map(),
        ackHeads: new Map(),
        locks: new Map(),
      })
    }
  }

  /** Rule 2: q distinct members over equal bytes, each of which did sign them. */
  isGenuine(certificate: Certificate<Signable>): boolean {
    const by = this.#signed.get(textOf(certificate.signed))
    const members = new Set(certificate.signatures.map((signature) => signature.member))
    return by !== undefined && members.size >= this.#quorum && [...members].every((member) => by.has(member))
  }

  isLiar(member: string): boolean {
    return this.#liars.has(member)
  }

  isSigned(member: string, signable: Signable): boolean {
    return this.#signed.get(textOf(signable))?.has(member) === true
  }

  sealed(member: string, block: BlockMeta): void {
    if (!this.#liars.has(member)) {
      this.#once(this.#said.get(member)!.seals, `${block.term}/${block.height}`, block.id, `two SEALs by ${member}`)
    }
    this.blocks.set(block.id, block)
    this.sealers.set(block.id, member)
  }

  hasSigned(member: string): boolean {
    return [...this.#signed.values()].some((by) => by.has(member))
  }

  signed(member: string, signable: Signable): void {
    const text = textOf(signable)
    let by = this.#signed.get(text)
    if (by === undefined) {
      by = new Set()
      this.#signed.set(text, by)
    }
    by.add(member)
    if (!this.#liars.has(member)) this.#checkHonest(member, signable, text)
  }

  /** Rule 30, and what makes it hold: one vote per term, one chain per term, never a LOCK that a later base goes below. */
  #checkHonest(member: string, signable: Signable, text: string): void {
    const said = this.#said.get(member)!
    switch (signable.kind) {
      case 'vote':
        this.#once(said.votes, signable.term, text, `two VOTEs by ${member} in term ${signable.term}`)
        this.#checkBase(member, said, signable.term, signable.base)
        return
      case 'ack': {
        const { block, base } = signable
        this.#once(
          said.acks,
          `${block.term}/${block.height}`,
          text,
          `two ACKs by ${member} at ${block.term}/${block.height}`,
        )
        this.#checkBase(member, said, block.term, base)
        const head = said.ackHeads.get(block.term)
        hold(this.#extends(block, base), `${member} acknowledged ${block.id} off its base ${base.id}`)
        if (head !== undefined) {
          const oneChain = head.height <= block.height ? this.#extends(block, head) : this.#extends(head, block)
          hold(oneChain, `${member} acknowledged two chains in term ${block.term}: ${head.id} and ${block.id}`)
        }
        if (head === undefined || head.height < block.height) said.ackHeads.set(block.term, block)
        return
      }
      case 'lock': {
        const { block } = signable
        const head = said.ackHeads.get(block.term)
        hold(
          head !== undefined && head.height >= block.height && this.#extends(head, block),
          `${member} signed LOCK of ${block.id} without having acknowledged it`,
        )
        for (const [term, base] of said.bases) {
          hold(
            term <= block.term || compareRanks(base, block) >= 0,
            `${member} signed LOCK of ${block.id} and a base ranked below it in term ${term}`,
          )
        }
        const highest = said.locks.get(block.term)
        if (highest === undefined || highest.height < block.height) said.locks.set(block.term, block)
      }
    }
  }

  #checkBase(member: string, said: Said, term: number, base: Rank): void {
    const known = said.bases.get(term)
    if (known === undefined || compareRanks(base, known) < 0) said.bases.set(term, base)
    for (const [lockTerm, lock] of said.locks) {
      hold(
        lockTerm >= term || compareRanks(base, lock) >= 0,
        `${member} named base ${base.term}/${base.height} in term ${term} after LOCK of ${lock.term}/${lock.height}`,
      )
    }
  }

  #once<Key>(map: Map<Key, string>, key: Key, value: string, what: string): void {
    const known = map.get(key)
    hold(known === undefined || known === value, `${what}: ${known} and ${value}`)
    map.set(key, value)
  }

  #extends(block: BlockRef, ancestor: BlockRef): boolean {
    let at: BlockMeta | undefined = this.blocks.get(block.id)
    while (at !== undefined && at.height > ancestor.height) at = this.blocks.get(at.parent)
    return at?.id === ancestor.id
  }

  /** Election safety (Raft §5.2, figure 3). */
  leads(member: string, term: number): void {
    if (this.#liars.has(member)) return
    const known = this.#leaders.get(term)
    hold(known === undefined || known === member, `two leaders in term ${term}: ${known} and ${member}`)
    this.#leaders.set(term, member)
  }

  /** State machine safety (Raft figure 3): no two contradictory commits. */
  commits(member: string, block: BlockMeta): void {
    const known = this.committed[block.height]
    hold(known === undefined || known === block.id, `${member} commits ${block.id} where ${known} was committed`)
    this.committed[block.height] = block.id
  }
}
