/** Lies about certificates and votes: to sign whatever is heard of, to vote for everybody, to stand on less than one holds. */
import {
  type BlockCertificate,
  type BlockRef,
  type Certificate,
  certifiedBlock,
  isElection,
  type Signable,
} from '../../../src/chain/certificate.ts'
import { genesisRef } from '../../../src/chain/epoch.ts'
import type { Term } from '../../../src/chain/numbers.ts'
import { compareRanks } from '../../../src/consensus/message.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { WireMessage } from '../../../src/node/wire.ts'
import { batchesFor, Reign } from './forge.ts'
import { type Liar, type Lie, refAt } from './liar.ts'

/** Signs every ACK, LOCK, VOTE and cosignature that a liar hears of, and shows certificates that nobody else can have: to some, stale, late. */
export class Assemble implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hears(from: MemberId, message: WireMessage): WireMessage {
    const liar = this.#liar
    if (message.kind === 'hello') this.#remind(from)
    const signed = signedIn(message)
    if (signed !== undefined && !liar.known.hasSigned(liar.id, signed)) {
      const own = liar.signed(signed)
      if (liar.chance(300)) liar.tell(liar.some(), own)
      if (liar.chance(60)) liar.tell(liar.some(), liar.signed(this.#twisted(signed)))
      liar.strike('assemble')
    }
    if (message.kind === 'cosignature' && !liar.known.hasCosigned(liar.id, message.size, message.root)) {
      liar.cosigned(message.size, message.root)
    }
    return message
  }

  /** Whoever starts is soon shown that it was elected before: it may not lead that term again (rule 6). */
  #remind(member: MemberId): void {
    const liar = this.#liar
    liar.later(liar.pick([10, 50, 200]), () => {
      const election = liar.known.elections.findLast(({ signed }) => signed.candidate === member)
      if (election === undefined) return
      const base = liar.known.certificateOf(election.signed.base)
      liar.say(member, { kind: 'elected', election, ...(base === undefined ? {} : { certificate: base }) })
      liar.strike('assemble reminder')
    })
  }

  #twisted(signed: Signable): Signable {
    const raised = (ref: BlockRef): BlockRef => refAt(ref.term + 1 + this.#liar.random.below(5), ref.height, ref.id)
    switch (signed.kind) {
      case 'vote':
      case 'ack':
        return { ...signed, base: raised(signed.base) }
      case 'lock':
        return { ...signed, block: raised(signed.block) }
    }
  }

  certified(certificate: Certificate<Signable>): void {
    const liar = this.#liar
    if (isElection(certificate) || !liar.chance(600)) return
    liar.tell(liar.some(400), { kind: 'certified', certificate: certificate as BlockCertificate })
    liar.strike('assemble shown')
  }

  turn(): void {
    const liar = this.#liar
    const { certificates, elections, attestations } = liar.known
    if (!liar.chance(60) || certificates.length === 0) return
    const certificate = liar.chance(500) ? certificates.at(-1)! : liar.pick(certificates)
    const to = liar.some(400)
    liar.strike('assemble stale')
    switch (liar.random.below(6)) {
      case 0:
        return liar.tell(to, { kind: 'certified', certificate })
      case 1: {
        const election = elections.length === 0 ? undefined : liar.pick(elections)
        const base = election === undefined ? undefined : liar.known.certificateOf(election.signed.base)
        if (election === undefined || (base === undefined && election.signed.base.height > 0)) return
        return liar.tell(to, { kind: 'elected', election, ...(base === undefined ? {} : { certificate: base }) })
      }
      case 2: {
        const { term } = liar
        return liar.tell(to, { kind: 'vote-reply', term, granted: false, ownTerm: term, lock: certificate })
      }
      case 3: {
        const { term } = liar
        return liar.tell(to, { kind: 'pre-vote-reply', term, granted: false, ownTerm: term, lock: certificate })
      }
      case 4: {
        const block = certifiedBlock(certificate)
        const { height, id } = block
        return liar.tell(to, { kind: 'block-refused', term: liar.term, height, id, code: 'lock', lock: certificate })
      }
      default:
        if (attestations.length > 0) liar.tell(to, { kind: 'attestation', attestation: liar.pick(attestations) })
    }
  }
}

function signedIn(message: WireMessage): Signable | undefined {
  switch (message.kind) {
    case 'ack':
      return { kind: 'ack', base: message.base, block: message.block }
    case 'lock':
      return { kind: 'lock', block: message.block }
    case 'vote-reply':
      return message.vote?.signed
    default:
      return undefined
  }
}

/** Grants every vote that is asked for, whatever it voted before and whatever it holds. */
export class DoubleVote implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hears(from: MemberId, message: WireMessage): WireMessage {
    const liar = this.#liar
    if (message.kind === 'pre-vote') {
      const { term } = message
      liar.say(from, { kind: 'pre-vote-reply', term, granted: true, ownTerm: term })
    }
    if (message.kind !== 'vote-request') return message
    const { term, base } = message
    liar.say(from, liar.signed({ kind: 'vote', term, candidate: from, base }))
    // And to everybody else too, who never asked.
    if (liar.chance(300)) liar.tell(liar.some(), liar.signed({ kind: 'vote', term, candidate: liar.id, base }))
    liar.strike('double-vote')
    return message
  }
}

/** Stands with a base below what it locked, leads without its replica knowing, and sits on certificates that it shows only later. */
export class StandLow implements Lie {
  readonly #liar: Liar
  #campaign:
    | { readonly term: Term; readonly base: BlockRef; readonly certificate: BlockCertificate | undefined }
    | undefined
  #reign: Reign | undefined
  #reignsUntil = 0
  #round = 0

  constructor(liar: Liar) {
    this.#liar = liar
  }

  says(to: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind === 'certified' && liar.chance(250)) {
      liar.later(500 + liar.random.below(6_000), () => liar.say(to, message))
      liar.strike('stand-low sits on a certificate')
      return undefined
    }
    if (message.kind !== 'vote-request' || !liar.chance(400)) return message
    const lower = liar.known.certificates.findLast((held) => compareRanks(certifiedBlock(held), message.base) < 0)
    if (lower === undefined) return message
    liar.strike('stand-low')
    return { ...message, base: certifiedBlock(lower), certificate: lower }
  }

  turn(): void {
    if (this.#reign !== undefined) this.#rule(this.#reign)
    else if (this.#liar.chance(15)) this.#stand()
  }

  #stand(): void {
    const liar = this.#liar
    const raft = liar.replica?.raft
    if (raft === undefined) return
    const low = liar.known.certificates.filter(
      (held) =>
        compareRanks(certifiedBlock(held), raft.lock.block) <= 0 && liar.point(certifiedBlock(held).id) !== undefined,
    )
    const isOnGenesis = low.length === 0 || liar.chance(100)
    const certificate = isOnGenesis ? undefined : liar.pick(low)
    const base = certificate === undefined ? genesisRef(liar.world.genesis) : certifiedBlock(certificate)
    const term = (liar.term + 1 + liar.random.below(3)) as Term
    this.#campaign = { term, base, certificate }
    liar.known.countersign({ kind: 'vote', term, candidate: liar.id, base })
    const request = { kind: 'vote-request', term, base, handover: liar.chance(500) } as const
    liar.tell(liar.others, certificate === undefined ? request : { ...request, certificate })
    liar.strike('stand-low')
  }

  certified(certificate: Certificate<Signable>): void {
    const campaign = this.#campaign
    const liar = this.#liar
    if (!isElection(certificate) || campaign === undefined) return
    const { term, candidate, base } = certificate.signed
    if (candidate !== liar.id || term !== campaign.term) return
    this.#campaign = undefined
    const point = liar.point(base.id)
    const shown = campaign.certificate === undefined ? {} : { certificate: campaign.certificate }
    liar.tell(liar.some(800), { kind: 'elected', election: certificate, ...shown })
    liar.strike('stand-low elected')
    if (point === undefined) return
    this.#reign = new Reign(liar, certificate, point)
    this.#reignsUntil = liar.now + 1_000 + liar.random.below(6_000)
  }

  #rule(reign: Reign): void {
    const liar = this.#liar
    const { term } = reign
    if (liar.now > this.#reignsUntil || (liar.isLeading && liar.replica?.raft.term === term)) {
      this.#reign = undefined
      return
    }
    if (liar.chance(400)) {
      const lock = { term: reign.base.term, height: reign.base.height }
      const commit = reign.base.height
      liar.tell(liar.others, { kind: 'heartbeat', term, lock, commit, certified: commit, round: ++this.#round })
    }
    if (!liar.chance(300) || reign.blocks.length > 12) return
    const block = reign.extend({ batches: reign.blocks.length === 0 ? [] : batchesFor(liar, reign.tip) })
    if (block === undefined) return
    const to = liar.some(800)
    // Those that missed some get them all again.
    for (const { bytes } of reign.blocks) liar.tell(to, { kind: 'block', block: bytes })
  }
}
