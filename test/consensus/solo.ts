/** One core with the world around it played by the test: what goes in is said line by line, what comes out is read back. */
import type { BlockCertificate, BlockRef, ElectionCertificate, Signable } from '../../src/chain/certificate.ts'
import type { Height, Term } from '../../src/chain/numbers.ts'
import type { Effect } from '../../src/consensus/effect.ts'
import { type BlockMeta, type MemberId, type Message, signedMessage } from '../../src/consensus/message.ts'
import { type DurableState, Raft } from '../../src/consensus/raft.ts'
import {
  ackOf,
  blockOn,
  ccOf,
  electionOf,
  genesis,
  genesisLock,
  lockOf,
  qcOf,
  refTo,
  signatureOf,
  unvoted,
  voteFor,
} from './facts.ts'

export const four: readonly MemberId[] = ['a', 'b', 'c', 'd']

export const freshDisk: DurableState = { vote: unvoted, lock: genesisLock, commit: 0 as Height, blocks: [genesis] }

export interface SoloOptions {
  readonly members?: readonly MemberId[]
  readonly durable?: DurableState
  readonly windowBytes?: number
  readonly below?: (limit: number) => number
  readonly muted?: boolean
  readonly start?: BlockRef
}

/** Time-outs of ten ticks (up to twenty by chance), heartbeats every second tick; the core under test is always `a`. */
export class Solo {
  readonly raft: Raft
  readonly members: readonly MemberId[]
  readonly self = 'a'

  constructor(options: SoloOptions = {}) {
    this.members = options.members ?? four
    this.raft = new Raft(
      {
        self: this.self,
        members: this.members,
        start: options.start ?? refTo(genesis),
        electionTimeoutTicks: 10,
        heartbeatTicks: 2,
        windowBytes: options.windowBytes ?? 1_000,
        stallTimeouts: 3,
        below: options.below ?? (() => 5),
      },
      options.durable ?? freshDisk,
    )
    this.do((raft) => raft.allowSigning(options.muted !== true))
  }

  /** One event and all that follows from it at once: writes are durable and signatures made without delay. */
  do(event: (raft: Raft) => void): Effects {
    event(this.raft)
    const all: Effect[] = []
    while (true) {
      const effects = this.raft.takeEffects()
      if (effects.length === 0) return new Effects(all)
      all.push(...effects)
      for (const effect of effects) {
        if (effect.kind === 'sign') this.raft.receive(this.self, signedMessage(effect.signable, signatureOf(this.self)))
      }
    }
  }

  tick(count = 1): Effects {
    const all: Effect[] = []
    for (let i = 0; i < count; i++) all.push(...this.do((raft) => raft.tick()).all)
    return new Effects(all)
  }

  hear(from: MemberId, message: Message): Effects {
    return this.do((raft) => raft.receive(from, message))
  }

  /** A signature of another member over what it would sign. */
  hearSigned(from: MemberId, signable: Signable): Effects {
    return this.hear(from, signedMessage(signable, signatureOf(from)))
  }

  election(term: number, leader: MemberId, base: BlockRef = genesis): ElectionCertificate {
    return electionOf(this.members, term, leader, base)
  }

  /** A leader of this term shows its certificate. */
  follow(leader: MemberId, term: number, base: BlockRef = genesis, certificate?: BlockCertificate): Effects {
    const election = this.election(term, leader, base)
    return this.hear(leader, { kind: 'elected', election, ...(certificate === undefined ? {} : { certificate }) })
  }

  accept(from: MemberId, ...blocks: readonly BlockMeta[]): Effects {
    const all: Effect[] = []
    for (const block of blocks) all.push(...this.do((raft) => raft.accept(from, block)).all)
    return new Effects(all)
  }

  certified(block: BlockRef, base: BlockRef = genesis, from: MemberId = 'b'): Effects {
    return this.hear(from, { kind: 'certified', certificate: this.qc(block, base) })
  }

  committed(block: BlockRef, from: MemberId = 'b'): Effects {
    return this.hear(from, { kind: 'certified', certificate: this.cc(block) })
  }

  qc(block: BlockRef, base: BlockRef = genesis) {
    return qcOf(this.members, base, block)
  }

  cc(block: BlockRef) {
    return ccOf(this.members, block)
  }

  heartbeat(
    from: MemberId,
    term: number,
    fields: { commit?: number; certified?: number; round?: number } = {},
  ): Effects {
    return this.hear(from, {
      kind: 'heartbeat',
      term: term as Term,
      lock: { term: 0 as Term, height: 0 as Height },
      commit: (fields.commit ?? 0) as Height,
      certified: (fields.certified ?? 0) as Height,
      round: fields.round ?? 1,
    })
  }

  askVote(from: MemberId, term: number, base: BlockRef = genesis, certificate?: BlockCertificate): Effects {
    return this.hear(from, {
      kind: 'vote-request',
      term: term as Term,
      base: refTo(base),
      handover: false,
      ...(certificate === undefined ? {} : { certificate }),
    })
  }

  askPreVote(from: MemberId, term: number, base: BlockRef = genesis): Effects {
    const { term: baseTerm, height } = base
    const rank = { term: baseTerm, height }
    return this.hear(from, { kind: 'pre-vote', term: term as Term, base: rank, handover: false })
  }

  /** Ticks until it asks for pre-votes, and has them granted by these. */
  preVotes(by: readonly MemberId[]): Effects {
    this.#tickUntilCandidate()
    const { term } = this.raft
    const all: Effect[] = []
    for (const from of by) {
      const reply = { kind: 'pre-vote-reply', term: (term + 1) as Term, granted: true, ownTerm: term } as const
      all.push(...this.hear(from, reply).all)
    }
    return new Effects(all)
  }

  #tickUntilCandidate(): void {
    for (let i = 0; i < 100; i++) {
      if (this.tick().sent('pre-vote').length > 0) return
    }
    throw new Error('never stood for election')
  }

  /** Elected by a quorum; its first block is sealed and returned. */
  lead(): { readonly first: BlockMeta; readonly effects: Effects } {
    const voters = this.members.slice(1)
    this.preVotes(voters)
    const all: Effect[] = []
    const { term } = this.raft
    const base = this.raft.lock.block
    for (const from of voters) all.push(...this.hearSigned(from, voteFor(term, 'a', base)).all)
    const first = blockOn(this.raft.tail, term)
    all.push(...this.do((raft) => raft.propose(first)).all)
    return { first, effects: new Effects(all) }
  }

  /** The next block of this leader. */
  propose(bytes = 100): { readonly block: BlockMeta; readonly effects: Effects } {
    const block = blockOn(this.raft.tail, this.raft.term, '', bytes)
    return { block, effects: this.do((raft) => raft.propose(block)) }
  }

  acks(block: BlockRef, by: readonly MemberId[], base: BlockRef = genesis): Effects {
    return new Effects(by.flatMap((from) => this.hearSigned(from, ackOf(base, block)).all))
  }

  locks(block: BlockRef, by: readonly MemberId[]): Effects {
    return new Effects(by.flatMap((from) => this.hearSigned(from, lockOf(block)).all))
  }

  /** A peer says which block of the leader's it holds. */
  position(from: MemberId, at: BlockRef, fields: { ownTerm?: number; round?: number; commit?: number } = {}): Effects {
    return this.hear(from, {
      kind: 'heartbeat-reply',
      term: this.raft.term,
      ownTerm: (fields.ownTerm ?? this.raft.term) as Term,
      position: { height: at.height, id: at.id },
      lock: this.raft.lock.block,
      commit: (fields.commit ?? this.raft.commit) as Height,
      round: fields.round ?? 1,
    })
  }
}

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>
type MessageOf<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>
type SignableOf<Kind extends Signable['kind']> = Extract<Signable, { kind: Kind }>

export class Effects {
  readonly all: readonly Effect[]

  constructor(all: readonly Effect[]) {
    this.all = all
  }

  of<Kind extends Effect['kind']>(kind: Kind): EffectOf<Kind>[] {
    return this.all.filter((effect): effect is EffectOf<Kind> => effect.kind === kind)
  }

  sent<Kind extends Message['kind']>(kind: Kind): (MessageOf<Kind> & { readonly to: MemberId })[] {
    return this.of('send')
      .filter((effect) => effect.message.kind === kind)
      .map((effect) => ({ ...(effect.message as MessageOf<Kind>), to: effect.to }))
  }

  signed<Kind extends Signable['kind']>(kind: Kind): SignableOf<Kind>[] {
    return this.of('sign')
      .map((effect) => effect.signable as Signable)
      .filter((signable): signable is SignableOf<Kind> => signable.kind === kind)
  }

  /** The kinds in order, signatures and messages by their own kind. */
  get order(): string[] {
    return this.all.map((effect) => {
      if (effect.kind === 'sign') return `sign ${effect.signable.kind}`
      if (effect.kind === 'send') return `send ${effect.message.kind}`
      return effect.kind
    })
  }
}
