/** Lies in answer to others: wrong blocks for whoever is behind, and suspicion of whoever leads. */
import type { Height, Term } from '../../../src/chain/numbers.ts'
import { TERM_MAX } from '../../../src/chain/numbers.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { BlocksRequest, BlocksResponse, WireMessage } from '../../../src/node/wire.ts'
import type { Liar, Lie } from './liar.ts'

/** Answers requests for blocks with others, damaged ones, gaps, wrong proofs, or single ones without end. */
export class FalseBlocks implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hears(from: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind !== 'blocks-request' || liar.chance(250)) return message
    const answer = this.#answer(message)
    if (answer === undefined) return message
    liar.strike('false-blocks')
    liar.say(from, { kind: 'blocks-response', from: message.from, ...answer })
    return undefined
  }

  #answer({ from }: BlocksRequest): Omit<BlocksResponse, 'kind' | 'from'> | undefined {
    const liar = this.#liar
    const { replica, known } = liar
    if (replica === undefined) return undefined
    const at = (height: number): Uint8Array[] => {
      const bytes = height < 1 || height > replica.raft.commit ? undefined : replica.store.blockBytes(height as Height)
      return bytes === undefined ? [] : [bytes]
    }
    const chain = [...at(from), ...at(from + 1), ...at(from + 2)]
    const certificate = known.certificates.length === 0 ? {} : { certificate: liar.pick(known.certificates) }
    const attestation = known.attestations.length === 0 ? {} : { attestation: liar.pick(known.attestations) }
    switch (liar.random.below(11)) {
      case 0:
        return { blocks: [] }
      case 1:
        return { blocks: [liar.random.bytes(50)] }
      case 2: {
        const [first] = chain
        if (first === undefined) return { blocks: [] }
        const bent = first.slice()
        bent[liar.random.below(bent.length)]! ^= 1 << liar.random.below(8)
        return { blocks: [bent, ...chain.slice(1)], ...certificate }
      }
      case 3:
        return { blocks: chain.slice(1), ...certificate }
      case 4:
        return { blocks: [...at(from), ...at(from + 2)], ...certificate }
      case 5:
        return { blocks: [...at(from), ...at(from)], ...certificate }
      case 6:
        return { blocks: at(1), ...certificate, ...attestation }
      case 7:
        return { blocks: chain, ...certificate }
      case 8:
        return { blocks: chain.toReversed(), ...certificate }
      case 9:
        return { blocks: at(from) } // true, but without any proof, one by one
      default: {
        // Whatever else was ever sealed at this height.
        const others = [...known.blocks.values()].filter(({ header }) => header.height === from)
        return { blocks: others.length === 0 ? [] : [liar.pick(others).bytes], ...certificate, ...attestation }
      }
    }
  }

  turn(): void {
    const liar = this.#liar
    if (!liar.chance(20)) return
    const from = liar.random.below((liar.replica?.raft.tail.height ?? 0) + 3) as Height
    const answer = this.#answer({ kind: 'blocks-request', from })
    // Nobody asked; and somebody is asked for everything, again and again.
    if (answer !== undefined) liar.tell(liar.some(), { kind: 'blocks-response', from, ...answer })
    for (let i = 0; i < 5; i++)
      liar.say(liar.pick(liar.others), { kind: 'blocks-request', from: liar.pick([0, 1, from, 2 ** 52]) as Height })
    liar.strike('false-blocks asked')
  }
}

/** Refuses every block, stands all the time, and leaps ahead in terms. */
export class Suspicion implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  says(to: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind === 'heartbeat-reply' && liar.chance(100)) {
      liar.strike('suspicion term')
      return {
        ...message,
        ownTerm: Math.min(TERM_MAX, message.term + liar.pick([1, 900, 1_000, 10 ** 6, TERM_MAX])) as Term,
      }
    }
    if (message.kind !== 'ack' || !liar.chance(500)) return message
    liar.strike('suspicion')
    const { term, height, id } = message.block
    const code = liar.pick(['stale', 'lock', 'block.wrong-root', 'nonsense'])
    const certificate = liar.chance(300) ? liar.known.certificates.at(-1) : undefined
    liar.say(to, {
      kind: 'block-refused',
      term,
      height,
      id,
      code,
      ...(certificate === undefined ? {} : { lock: certificate }),
    })
    return undefined
  }

  turn(): void {
    const liar = this.#liar
    const raft = liar.replica?.raft
    if (raft === undefined || !liar.chance(50)) return
    liar.strike('suspicion storm')
    const { block, certificate } = raft.lock
    const term = Math.min(TERM_MAX, liar.term + liar.pick([1, 1, 2, 1_000, 1_000, 1_001, 10 ** 9, TERM_MAX])) as Term
    const handover = liar.chance(500)
    switch (liar.random.below(4)) {
      case 0:
        for (let i = 0; i < 10; i++) liar.tell(liar.others, { kind: 'pre-vote', term, base: block, handover })
        return
      case 1: {
        const request = { kind: 'vote-request', term, base: block, handover } as const
        return liar.tell(liar.some(800), certificate === undefined ? request : { ...request, certificate })
      }
      case 2: {
        const to = liar.chance(600) ? liar.id : liar.pick(liar.others)
        return liar.tell(liar.some(800), { kind: 'handover', term: raft.term, to })
      }
      default: {
        const { height, id } = raft.tail
        const refused = { kind: 'block-refused', term: raft.term, height, id, code: 'stale' } as const
        for (let i = 0; i < 5; i++) liar.tell(liar.others, refused)
      }
    }
  }
}
