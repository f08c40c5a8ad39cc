/**
 * A member that lies as well as it can: it runs a core, so that it is voted for and believed, and bends what leaves it. It seals two
 * chains in its term, votes for everybody, signs every acknowledgement and lock it hears of, keeps all certificates and shows stale ones,
 * and claims terms, positions and commits out of the air. What it cannot do is sign for others.
 */
import type {
  BlockCertificate,
  BlockRef,
  Certificate,
  ElectionCertificate,
  Signable,
} from '../../src/chain/certificate.ts'
import { type Height, quorumOf, type Term } from '../../src/chain/numbers.ts'
import type { Effect } from '../../src/consensus/effect.ts'
import { type BlockMeta, type MemberId, type Message, signedMessage } from '../../src/consensus/message.ts'
import type { Raft } from '../../src/consensus/raft.ts'
import type { Evidence } from './evidence.ts'
import {
  ackOf,
  type Chance,
  genesis,
  genesisLock,
  lockOf,
  refTo,
  signatureOf,
  textOf,
  unvoted,
  voteFor,
} from './facts.ts'
import type { Disk, Payload } from './payload.ts'

/** What a liar needs of the world. */
export interface Stage {
  readonly members: readonly MemberId[]
  readonly chance: Chance
  readonly evidence: Evidence
  coreFor(id: MemberId, disk: Disk): Raft
  send(from: MemberId, to: MemberId, payload: Payload): void
  after(ms: number, run: () => void): void
  count(what: string): void
}

export class Liar {
  readonly id: MemberId
  readonly #world: Stage
  readonly #others: readonly MemberId[]
  #core: Raft
  #chain: BlockMeta[] = [genesis]
  /** Off: neither says nor hears anything, like a member that was found out and cut off. */
  active = true
  readonly #heard = new Map<string, { readonly signed: Signable; readonly by: Set<MemberId> }>()
  readonly #certificates: BlockCertificate[] = []
  readonly #elections: ElectionCertificate[] = []
  #reign: { readonly term: number; readonly base: BlockRef; readonly blocks: BlockMeta[] } | null = null
  #serial = 0

  constructor(world: Stage, id: MemberId) {
    this.#world = world
    this.id = id
    this.#others = world.members.filter((member) => member !== id)
    this.#core = this.#freshCore()
  }

  #freshCore(): Raft {
    this.#chain = [genesis]
    const core = this.#world.coreFor(this.id, {
      vote: unvoted,
      lock: genesisLock,
      chain: [genesis],
      commit: 0 as Height,
    })
    core.allowSigning(true)
    return core
  }

  tick(): void {
    if (!this.active) return
    this.#act((core) => core.tick())
    if (this.#world.chance.permille(200)) this.#lie()
  }

  receive(from: MemberId, payload: Payload): void {
    if (!this.active) return
    switch (payload.kind) {
      case 'message':
        this.#note(from, payload.message)
        if (payload.message.kind === 'vote-request') {
          const { term, base } = payload.message
          this.#sign(voteFor(term, from, base), [from])
        }
        if (!this.#world.chance.permille(100)) this.#act((core) => core.receive(from, payload.message))
        return
      case 'blocks':
        for (const block of payload.blocks) this.#act((core) => core.accept(from, block))
        return
      case 'fetch':
      case 'fetched':
        return
    }
  }

  /** A core that was lied to by its own member may well assert; it starts afresh, as nobody holds a liar to its word. */
  #act(event: (core: Raft) => void): void {
    try {
      event(this.#core)
      for (const effect of this.#core.takeEffects()) this.#carryOut(effect)
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'AssertionFailed') throw error
      this.#core = this.#freshCore()
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'append':
        this.#chain.push(effect.block)
        return
      case 'truncate':
        this.#chain.length = effect.above + 1
        return
      case 'sign': {
        this.#sign(effect.signable, effect.to)
        const message = signedMessage(effect.signable, signatureOf(this.id))
        this.#world.after(1, () => this.#act((core) => core.receive(this.id, message)))
        return
      }
      case 'send':
        if (!this.#world.chance.permille(50)) this.#say(effect.to, effect.message)
        return
      case 'send-blocks':
        this.#world.send(this.id, effect.to, {
          kind: 'blocks',
          blocks: this.#chain.slice(effect.from, effect.through + 1),
        })
        return
      case 'lead':
        this.#world.count('a liar leads')
        this.#reign = { term: effect.election.signed.term, base: effect.base, blocks: [] }
        for (let i = 0; i < 3; i++) this.#world.after(1 + 10 * i, () => this.#sealTwice())
        return
      case 'fetch': {
        const blocks: BlockMeta[] = []
        let at = this.#world.evidence.blocks.get(effect.certificate.signed.block.id)
        while (at !== undefined && at.height > this.#core.commit) {
          blocks.unshift(at)
          at = this.#world.evidence.blocks.get(at.parent)
        }
        const proof = { kind: 'certificate', certificate: effect.certificate } as const
        this.#world.after(5, () => this.#act((core) => core.adopt(blocks, proof)))
        return
      }
      default:
    }
  }

  #say(to: MemberId, message: Message): void {
    this.#world.send(this.id, to, { kind: 'message', message })
  }

  #sign(signable: Signable, to: readonly MemberId[]): void {
    this.#world.evidence.signed(this.id, signable)
    this.#hear(this.id, signable)
    const message = signedMessage(signable, signatureOf(this.id))
    for (const member of to) if (member !== this.id) this.#say(member, message)
  }

  // ── collecting what others sign ───────────────────────────────────────────────────────────────────────────────────────────────

  #note(from: MemberId, message: Message): void {
    switch (message.kind) {
      case 'vote-reply':
        if (message.vote !== undefined) this.#hear(from, message.vote.signed)
        if (message.lock !== undefined) this.#keep(message.lock)
        return
      case 'ack':
        return this.#hear(from, ackOf(message.base, message.block))
      case 'lock':
        return this.#hear(from, lockOf(message.block))
      case 'pre-vote-reply':
      case 'block-refused':
        if (message.lock !== undefined) this.#keep(message.lock)
        return
      case 'certified':
        return this.#keep(message.certificate)
      case 'elected':
        this.#elections.push(message.election)
        if (message.certificate !== undefined) this.#keep(message.certificate)
        return
      case 'vote-request':
        if (message.certificate !== undefined) this.#keep(message.certificate)
        return
      default:
    }
  }

  #hear(from: MemberId, signed: Signable): void {
    const text = textOf(signed)
    const heard = this.#heard.get(text) ?? { signed, by: new Set<MemberId>() }
    this.#heard.set(text, heard)
    heard.by.add(from)
    if (!heard.by.has(this.id)) {
      // Whatever somebody signs, a liar signs too, and now and then something that differs from it in one number only.
      this.#world.evidence.signed(this.id, signed)
      heard.by.add(this.id)
      if (this.#world.chance.permille(100)) this.#sign(this.#twisted(signed), this.#others)
    }
    if (heard.by.size !== quorumOf(this.#world.members.length)) return
    const signatures = [...heard.by].map((member) => ({ member, signature: signatureOf(member) }))
    const certificate: Certificate<Signable> = { signed, signatures }
    if (certificate.signed.kind === 'vote') this.#elections.push(certificate as ElectionCertificate)
    else {
      this.#keep(certificate as BlockCertificate)
      // Shown to some at once, kept from the others.
      for (const other of this.#others) {
        if (this.#world.chance.permille(500)) {
          this.#say(other, { kind: 'certified', certificate: certificate as BlockCertificate })
        }
      }
    }
  }

  #twisted(signed: Signable): Signable {
    const raise = (ref: BlockRef): BlockRef => ({ ...ref, term: (ref.term + 1 + this.#world.chance.below(5)) as Term })
    switch (signed.kind) {
      case 'vote':
        return { ...signed, base: raise(signed.base) }
      case 'ack':
        return { ...signed, base: raise(signed.base) }
      case 'lock':
        return { ...signed, block: raise(signed.block) }
    }
  }

  #keep(certificate: BlockCertificate): void {
    this.#certificates.push(certificate)
    if (this.#certificates.length > 200) this.#certificates.splice(this.#world.chance.below(100), 1)
  }

  // ── lying ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A second block at a height, on base or on any block of this reign, shown with its ancestors to some. */
  #sealTwice(): void {
    const reign = this.#reign
    if (reign === null || !this.active) return
    const { chance, evidence } = this.#world
    for (let i = 0; i < 2; i++) {
      const parent = reign.blocks.length > 0 && chance.permille(800) ? chance.pick(reign.blocks) : reign.base
      const height = (parent.height + 1) as Height
      const id = `${reign.term}.${height}${this.id}~${++this.#serial}`
      const block: BlockMeta = { term: reign.term as Term, height, id, parent: parent.id, bytes: 100 }
      evidence.sealed(this.id, block)
      reign.blocks.push(block)
      this.#world.count('second block at a height')
      this.#sign(ackOf(reign.base, block), this.#others)
      const path = [block]
      while (path[0]!.parent !== reign.base.id) path.unshift(evidence.blocks.get(path[0]!.parent)!)
      for (const other of this.#others) {
        if (chance.permille(500)) this.#world.send(this.id, other, { kind: 'blocks', blocks: path })
      }
    }
  }

  #lie(): void {
    const { chance, members } = this.#world
    const to = chance.pick(this.#others)
    const term = Math.max(1, this.#core.term + chance.pick([-2, -1, 0, 0, 0, 1, 2, 500, 1000])) as Term
    const base = { term, height: chance.below(30) as Height }
    const certificate = this.#certificates.length > 0 ? chance.pick(this.#certificates) : undefined
    this.#world.count('lie')
    switch (chance.below(13)) {
      case 0:
        return this.#sealTwice()
      case 1:
        if (certificate !== undefined) this.#say(to, { kind: 'certified', certificate })
        return
      case 2: {
        if (this.#elections.length === 0) return
        const election = chance.pick(this.#elections)
        const { id } = election.signed.base
        const found = this.#certificates.find((known) => known.signed.block.id === id)
        if (found !== undefined) this.#say(to, { kind: 'elected', election, certificate: found })
        else if (election.signed.base.height === 0) this.#say(to, { kind: 'elected', election })
        return
      }
      case 3:
        if (certificate === undefined) return
        for (const other of this.#others) {
          const block = certificate.signed.block
          this.#say(other, { kind: 'vote-request', term, base: block, certificate, handover: chance.permille(500) })
        }
        return
      case 4:
        return this.#say(to, { kind: 'pre-vote', term, base: { term, height: 1_000_000 as Height }, handover: true })
      case 5:
        return this.#say(to, { kind: 'pre-vote-reply', term, granted: true, ownTerm: (term + 900) as Term })
      case 6: {
        const certified = chance.below(40) as Height
        return this.#say(to, { kind: 'heartbeat', term, lock: base, commit: certified, certified, round: 1 })
      }
      case 7: {
        const block = this.#chain.at(-1)!
        const position = { height: block.height, id: block.id }
        const ownTerm = (term + 1) as Term
        const round = 1_000_000
        return this.#say(to, {
          kind: 'heartbeat-reply',
          term,
          ownTerm,
          position,
          lock: base,
          commit: base.height,
          round,
        })
      }
      case 8:
        return this.#say(to, { kind: 'handover', term: this.#core.term, to: chance.pick(members) })
      case 9: {
        const refused = { kind: 'block-refused', term, height: base.height, id: '', code: 'lie' } as const
        return this.#say(to, certificate === undefined ? refused : { ...refused, lock: certificate })
      }
      case 10: {
        if (certificate === undefined) return
        const { block } = certificate.signed
        return this.#sign(lockOf(refTo(block)), this.#others)
      }
      case 12: {
        // Genesis needs no certificate: here is one of a high rank.
        const forged = { ...refTo(genesis), term }
        for (const other of this.#others) {
          this.#say(other, { kind: 'vote-request', term: (term + 1) as Term, base: forged, handover: false })
        }
        return
      }
      case 11:
        return this.#say(to, { kind: 'read-reply', context: chance.below(50), height: 0 as Height })
    }
  }
}
