/**
 * Blocks, signatures and certificates as plain facts, for tests of the consensus core: the core never looks at bytes, so a signature
 * here is a marker and a block is its place in the chain. Whether a fact may exist at all is the test's (or the world's) business.
 */
import type {
  Ack,
  AckCertificate,
  BlockRef,
  ElectionCertificate,
  Lock,
  LockCertificate,
  MemberSignature,
  Signable,
  Vote,
} from '../../src/chain/certificate.ts'
import { type Height, quorumOf, type Term } from '../../src/chain/numbers.ts'
import type { LockState, VoteState } from '../../src/consensus/effect.ts'
import type { BlockMeta } from '../../src/consensus/message.ts'

export const genesis: BlockMeta = { term: 0 as Term, height: 0 as Height, id: 'genesis', parent: '', bytes: 100 }

export const unvoted: VoteState = { term: 0 as Term, candidate: null, base: null, ackBarred: false }

export const genesisLock: LockState = { block: refTo(genesis), lowerTermRank: { term: 0 as Term, height: 0 as Height } }

export function refTo(block: BlockRef): BlockRef {
  return { term: block.term, height: block.height, id: block.id }
}

/** A block on `parent`; `name` tells apart two blocks of one leader at one height. */
export function blockOn(parent: BlockRef, term: number, name = '', bytes = 100): BlockMeta {
  const height = (parent.height + 1) as Height
  return { term: term as Term, height, id: `${term}.${height}${name}`, parent: parent.id, bytes }
}

/** `count` blocks of one term, each on the one before, the first on `parent`. */
export function chainOn(parent: BlockRef, term: number, count: number, name = ''): BlockMeta[] {
  const blocks: BlockMeta[] = []
  let last = parent
  for (let i = 0; i < count; i++) {
    const block = blockOn(last, term, name)
    blocks.push(block)
    last = block
  }
  return blocks
}

export const signatureOf = (member: string): Uint8Array => new Uint8Array([member.charCodeAt(0)])

const signaturesOf = (members: readonly string[]): MemberSignature[] =>
  members.map((member) => ({ member, signature: signatureOf(member) }))

export const voteFor = (term: number, candidate: string, base: BlockRef): Vote => ({
  kind: 'vote',
  term: term as Term,
  candidate,
  base: refTo(base),
})

export const ackOf = (base: BlockRef, block: BlockRef): Ack => ({ kind: 'ack', base: refTo(base), block: refTo(block) })

export const lockOf = (block: BlockRef): Lock => ({ kind: 'lock', block: refTo(block) })

/** The first q members sign: which ones makes no difference to the core. */
const firstQuorum = (members: readonly string[]): readonly string[] => members.slice(0, quorumOf(members.length))

export const electionOf = (
  members: readonly string[],
  term: number,
  candidate: string,
  base: BlockRef,
): ElectionCertificate => ({ signed: voteFor(term, candidate, base), signatures: signaturesOf(firstQuorum(members)) })

export const qcOf = (members: readonly string[], base: BlockRef, block: BlockRef): AckCertificate => ({
  signed: ackOf(base, block),
  signatures: signaturesOf(firstQuorum(members)),
})

export const ccOf = (members: readonly string[], block: BlockRef): LockCertificate => ({
  signed: lockOf(block),
  signatures: signaturesOf(firstQuorum(members)),
})

const refText = (ref: BlockRef): string => `${ref.term}/${ref.height}/${ref.id}`

/** Equal exactly when the signed bytes are. */
export function textOf(signable: Signable): string {
  switch (signable.kind) {
    case 'vote':
      return `vote ${signable.term} ${signable.candidate} ${refText(signable.base)}`
    case 'ack':
      return `ack ${refText(signable.base)} ${refText(signable.block)}`
    case 'lock':
      return `lock ${refText(signable.block)}`
  }
}

/** Small, fast and seeded (mulberry32): every run can be replayed from its number. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = (seed * 2654435761) >>> 0
    for (let i = 0; i < 4; i++) this.#next()
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** Uniform natural number below the limit. */
  readonly below = (limit: number): number => this.#next() % limit

  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True this many times in a thousand. */
  permille(times: number): boolean {
    return this.below(1000) < times
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}
