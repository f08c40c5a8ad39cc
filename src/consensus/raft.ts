/**
 * The consensus core of one epoch: protocol.md rules 1–16 as a deterministic state machine. Checked messages and ticks go in, effects come out, in
 * order; there is no clock, no chance, no disk and no network in it, and a block is nothing but its place in the chain.
 *
 * Raft's shape with three changes, because members may lie: one quorum for everything; a vote compares certificates, not tails, and
 * uncertified blocks die with their term; commit takes two steps (acknowledge, lock).
 *
 * Here are the rules, whole, since nearly each of them asks for term, vote, lock and log together. What only holds or counts has its own file:
 * the chain (log.ts), signatures (tally.ts), how far each peer is (progress.ts), certificates without their block (waiting-certificates.ts),
 * reads (reads.ts).
 *
 * The caller's duties, in order: check every signature and certificate before `receive` (rule 2); check every block before
 * `accept` and `adopt` (rules 9, 10); carry out the effects of each call before the next; let nothing marked durable overtake a write.
 */
import { assert, assertNever } from '../chain/assert.ts'
import {
  type AckCertificate,
  type BlockCertificate,
  type BlockRef,
  certifiedBlock,
  type ElectionCertificate,
  type Lock,
  type Vote,
} from '../chain/certificate.ts'
import { type Height, quorumOf, TERM_MAX, type Term, term as toTerm } from '../chain/numbers.ts'
import type { Effect, LockState, Role, VoteState } from './effect.ts'
import { isSameBlock, Log, refOf } from './log.ts'
import {
  type BlockMeta,
  type BlockRefused,
  compareRanks,
  type Elected,
  type Handover,
  type Heartbeat,
  type HeartbeatReply,
  type MemberId,
  type Message,
  type PreVote,
  type PreVoteReply,
  type Rank,
  type SignedAck,
  type SignedLock,
  type VoteReply,
  type VoteRequest,
} from './message.ts'
import { onAcknowledged, onPosition, onSent, type Progress, probe } from './progress.ts'
import { PendingReads } from './reads.ts'
import { Tally } from './tally.ts'
import { WaitingCertificates } from './waiting-certificates.ts'

export interface RaftOptions {
  readonly self: MemberId
  /** The voting members of the epoch. Who is not among them follows, and may never sign. */
  readonly members: readonly MemberId[]
  /** The block that the epoch builds on: committed, so that it needs no certificate. Genesis, or what closed the epoch before. */
  readonly start: BlockRef
  /** Without a word from a leader for this long (plus up to as much again, by chance), a member stands for election. */
  readonly electionTimeoutTicks: number
  readonly heartbeatTicks: number
  /** Blocks in flight to one peer, beyond what it has acknowledged; one block may always be sent. */
  readonly windowBytes: number
  /** A leader with uncommitted blocks and no commit for this many election time-outs resigns (rule 12, k). */
  readonly stallTimeouts: number
  /** Uniform natural number below the argument: the only chance in the core. */
  readonly below: (limit: number) => number
}

/** What start-up read from the disk. */
export interface DurableState {
  readonly vote: VoteState
  readonly lock: LockState
  readonly commit: Height
  /** Consecutive blocks from any committed one up to the tail. */
  readonly blocks: readonly BlockMeta[]
}

/** How a fetched stretch of the chain is known to be certified. */
export type AdoptionProof =
  | { readonly kind: 'certificate'; readonly certificate: BlockCertificate }
  /** An attested checkpoint whose size and root are this block's: proves commitment, but cannot be shown as a candidate's base. */
  | { readonly kind: 'attested'; readonly block: BlockRef }

/**
 * Requests raise a term by at most this much in one election time-out (rule 6): a liar cannot exhaust the terms, and a member that it
 * drove ahead while nobody else was heard is caught up with in about as many elections as that took time-outs.
 */
const termRaiseMax = 1_000
/** A certificate this far above the tail is fetched at once: the stream will not bring the block soon. */
const fetchGapBlocks = 64
/** LOCKs counted this far above the committed block; honest members are never further ahead of a node that can use them. */
const lockHorizonBlocks = 4_096
/** A peer with blocks in flight that does not move on for this many heartbeats has lost some of them. */
const silentHeartbeatsMax = 5
/** A leader that is answered from a higher term waits this many heartbeats for that term's leader before it stands above it. */
const stepUpPatienceHeartbeats = 2

export class Raft {
  readonly #options: RaftOptions
  readonly #quorum: number
  readonly #peers: readonly MemberId[]
  readonly #log: Log
  #effects: Effect[] = []

  #vote: VoteState
  #lock: LockState
  #role: Role = 'follower'
  #leader: MemberId | null = null
  /** EC of the current term, once seen: names the leader and the base that the term builds on. */
  #election: ElectionCertificate | null = null
  #baseCertificate: BlockCertificate | undefined
  /** My last acknowledged block of the current term; also on disk, so a restart finds it as the tail. */
  #lastAck: BlockMeta | null = null
  /** Highest block of the current term whose ACK this incarnation signed; what a restart only found on disk may never have been. */
  #ackSigned: Height | null = null
  /** Rule 17: until enough members have stored this incarnation, nothing is signed. */
  #maySign = false

  #ticks = 0
  #electionElapsed = 0
  #heartbeatElapsed = 0
  #termRaiseLeft = termRaiseMax
  #leaderSilentTicks = Number.POSITIVE_INFINITY
  #timeoutTicks: number
  #handoverTo: MemberId | null = null
  /** Who led the last term that I know of, and whether its return has been waited for already (rule 5). */
  #lastLed: { readonly member: MemberId; waitedFor: boolean } | null = null
  /** Led and left waiting work undone: no vote for it while this lasts (rule 5). */
  #distrusted: { member: MemberId; ticks: number } | null = null
  /** Highest block of the current term that I refused: its leader has work that is not done. */
  #refusedHere: Height | null = null
  /** Resigned: others stand first while this lasts. */
  #restTicks = 0
  /** Highest term that anybody claimed to be in; a hint for where to stand next. */
  #termHint: Term

  #campaign: {
    readonly term: Term
    readonly base: BlockRef
    readonly handover: boolean
    granted: Set<MemberId>
  } | null = null
  readonly #votes: Tally<Vote>

  readonly #acks: Tally<AckCertificate['signed']>
  readonly #locks: Tally<Lock>
  readonly #waiting = new WaitingCertificates()
  #certifiedHeights: Height[] = []
  #commitCertificate: BlockCertificate | undefined
  #ownLock: SignedLock | null = null
  /** Id of the last block whose LOCK was asked for: its signature is here or on its way. */
  #lockAsked = ''
  #ownAck: SignedAck | null = null

  #progress = new Map<MemberId, Progress>()
  #heard = new Set<MemberId>()
  #refusals = new Set<MemberId>()
  #certifiedOwn: Height
  #stalledTicks = 0
  #round = 0
  readonly #reads: PendingReads
  #stepUpRestTicks = 0
  /** Tick of the first answer in this leadership from a higher term; terms never fall, so it stays true. */
  #higherTermSeenAtTick: number | null = null

  constructor(options: RaftOptions, durable: DurableState) {
    assert(options.heartbeatTicks * 2 <= options.electionTimeoutTicks, 'several heartbeats fit in an election time-out')
    this.#options = options
    this.#quorum = quorumOf(options.members.length)
    this.#peers = options.members.filter((member) => member !== options.self)
    this.#log = new Log(durable.blocks, durable.commit)
    this.#vote = durable.vote
    this.#lock = durable.lock
    this.#termHint = durable.vote.term
    // A crash between dropping one certified chain and holding the other leaves the lock off the chain: its rank still binds every vote
    // and acknowledgement, but it cannot be stood on until its block, or a higher one, has been fetched.
    if (!this.#log.has(durable.lock.block) && durable.lock.certificate !== undefined) {
      this.#waiting.add(durable.lock.certificate)
    }
    assert(durable.lock.block.height >= durable.commit, 'nothing is committed above the lock')
    // Every block of the current term on my disk was acknowledged, or might have been: both bind me alike (rule 8).
    this.#lastAck = this.#log.tail.term === durable.vote.term && durable.vote.term > 0 ? this.#log.tail : null
    this.#votes = new Tally(this.#quorum)
    this.#acks = new Tally(this.#quorum)
    this.#locks = new Tally(this.#quorum)
    this.#reads = new PendingReads(options.self, this.#quorum)
    this.#certifiedOwn = durable.commit
    this.#timeoutTicks = this.#randomTimeout()
  }

  // ── what others may read ────────────────────────────────────────────────────────────────────────────────────────────────────

  get term(): Term {
    return this.#vote.term
  }
  get role(): Role {
    return this.#role
  }
  get leader(): MemberId | null {
    return this.#leader
  }
  get lock(): LockState {
    return this.#lock
  }
  get commit(): Height {
    return this.#log.commit
  }
  get tail(): BlockMeta {
    return this.#log.tail
  }
  get vote(): VoteState {
    return this.#vote
  }
  get election(): ElectionCertificate | null {
    return this.#election
  }
  /** The newest certificate that proves `commit`, to show to whoever is behind. */
  get commitCertificate(): BlockCertificate | undefined {
    return this.#commitCertificate
  }
  /** Encoded length of what this node holds above the committed block: the bound on uncommitted work is the driver's. */
  get uncommittedBytes(): number {
    return this.#log.bytesBetween((this.#log.commit + 1) as Height, this.#log.tail.height)
  }
  has(ref: { readonly height: Height; readonly id: string }): boolean {
    return this.#log.has(ref)
  }
  /** A certificate for this block is here already, though the block may not be: its time is nobody's opinion any more (rule 10). */
  knowsCertificate(id: string): boolean {
    return this.#waiting.has(id)
  }
  blockAt(height: Height): BlockMeta | undefined {
    return this.#log.at(height)
  }

  /** The effects of all calls since the last take, in order. */
  takeEffects(): readonly Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  // ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Rule 17 is met (or lost, when the disk is damaged): from now on this node may, or may not, sign. */
  allowSigning(allowed: boolean): void {
    assert(!allowed || this.#options.members.includes(this.#options.self), 'only a member of the epoch signs')
    this.#maySign = allowed
    if (allowed) this.#acknowledgeTail()
    if (!allowed && this.#role !== 'follower') this.#resign('signing is not allowed')
  }

  tick(): void {
    this.#ticks++
    if (this.#ticks % this.#options.electionTimeoutTicks === 0) this.#termRaiseLeft = termRaiseMax
    if (this.#distrusted !== null && --this.#distrusted.ticks <= 0) this.#distrusted = null
    this.#leaderSilentTicks++
    this.#fetchWhatWaits()
    if (++this.#heartbeatElapsed >= this.#options.heartbeatTicks) {
      this.#heartbeatElapsed = 0
      this.#repeatOwnLock()
      if (this.#role === 'leader') this.#heartbeat()
    }
    if (this.#restTicks > 0) this.#restTicks--
    else this.#electionElapsed++
    if (this.#role === 'leader') this.#tickLeader()
    else if (this.#electionElapsed >= this.#timeoutTicks) this.#preCampaign()
  }

  /** A message from a peer, or this node's own signature coming back (`from` is self). Everything signed in it has been checked. */
  receive(from: MemberId, message: Message): void {
    if (!this.#options.members.includes(from)) return
    switch (message.kind) {
      case 'pre-vote':
        return this.#onPreVote(from, message)
      case 'pre-vote-reply':
        return this.#onPreVoteReply(from, message)
      case 'vote-request':
        return this.#onVoteRequest(from, message)
      case 'vote-reply':
        return this.#onVoteReply(from, message)
      case 'elected':
        return this.#onElected(message)
      case 'heartbeat':
        return this.#onHeartbeat(from, message)
      case 'heartbeat-reply':
        return this.#onHeartbeatReply(from, message)
      case 'ack':
        return this.#onAck(from, message)
      case 'lock':
        return this.#onLock(from, message)
      case 'certified':
        return this.#learn(message.certificate)
      case 'block-refused':
        return this.#onBlockRefused(from, message)
      case 'handover':
        return this.#onHandover(from, message)
      case 'read-request':
        return this.#onReadRequest(from, message.context)
      case 'read-reply':
        if (from !== this.#leader) return // nobody else was asked
        this.#effects.push({ kind: 'read-ready', context: message.context, height: message.height })
        return
      default:
        assertNever(message)
    }
  }

  /** The connection to a peer came up or was lost: whatever was in flight is gone. */
  peerChanged(peer: MemberId, up: boolean): void {
    if (this.#role !== 'leader' || !this.#peers.includes(peer)) return
    this.#progress.set(peer, probe)
    if (!up) return
    this.#sendElected(peer)
    this.#send(peer, this.#heartbeatNow)
  }

  /** The leader's driver sealed the next block. It is not acknowledged here: that waits for the disk, as at everybody else's. */
  propose(block: BlockMeta): void {
    assert(this.#role === 'leader', 'only a leader seals')
    assert(block.term === this.term, 'a leader seals in its own term only')
    this.#appendAndAcknowledge(block)
    this.#replicate()
  }

  /**
   * A block of the current leader that the driver found valid and timely. Acknowledged if rule 8 allows; otherwise answered or ignored.
   * Returns whether it is on my chain now.
   */
  accept(from: MemberId, block: BlockMeta): boolean {
    if (block.term !== this.term || this.#election === null || this.#role === 'leader') return false
    if (this.#election.signed.candidate !== from || !this.#maySign || this.#vote.ackBarred) return false
    if (this.#log.has(block)) return true
    const base = this.#election.signed.base
    const parent: BlockRef = this.#lastAck ?? base
    if (block.parent !== parent.id || block.height !== parent.height + 1) return false
    if (compareRanks(base, this.#lockRankBelow(block.term)) < 0) {
      // Not "or the block extends my lock": an honest member would then be on a contradiction (rule 30).
      this.refuse(from, block, 'lock')
      return false
    }
    // A base below what is committed, or a second chain in one term: only liars can ask for either.
    if (!this.#log.has(parent) || parent.height < this.#log.commit) return false
    if (this.#log.tail.height > parent.height && this.#lastAck !== null) return false
    this.#sawLeader(from)
    if (this.#log.tail.height > parent.height) this.#truncate(parent.height)
    this.#appendAndAcknowledge(block)
    return true
  }

  /**
   * A fetched and checked stretch of the chain, whose last block is certified, beginning on a block of mine at or above the committed one
   * (rule 3). Returns whether it is on my chain now.
   */
  adopt(blocks: readonly BlockMeta[], proof: AdoptionProof): boolean {
    const target = blocks.at(-1)
    if (target === undefined) return false
    const certified = proof.kind === 'attested' ? proof.block : certifiedBlock(proof.certificate)
    assert(certified.id === target.id, 'the proof is about the last block')
    if (target.term > this.term) this.#enterTerm(target.term)
    const fresh = blocks.filter((block) => block.height > this.#log.commit && !this.#log.has(block))
    const first = fresh[0]
    if (first !== undefined) {
      const joint = this.#log.at((first.height - 1) as Height)
      const committing = proof.kind === 'attested' || proof.certificate.signed.kind === 'lock'
      if (joint?.id !== first.parent) {
        if (committing && joint !== undefined && joint.height === this.#log.commit) {
          this.#effects.push({ kind: 'halt', reason: 'two committed blocks at one height' })
        }
        return false
      }
      const drops = this.#log.tail.height >= first.height
      const rankAboveLock = compareRanks(target, this.#lock.block)
      const lockHeld = this.#log.has(this.#lock.block)
      if (drops && !committing) {
        const acknowledged = this.#lastAck !== null || this.#vote.ackBarred
        if (acknowledged || rankAboveLock < 0 || (rankAboveLock === 0 && lockHeld)) return false
      }
      if (drops && lockHeld && joint.height < this.#lock.block.height && rankAboveLock < 0) {
        this.#effects.push({ kind: 'halt', reason: 'a committed block contradicts my lock' })
        return false
      }
      if (this.#role === 'leader') this.#resign('a certified block is off my chain')
      if (this.#lastAck !== null && this.#lastAck.height > joint.height) this.#barAcks()
      if (drops) this.#truncate(joint.height)
      for (const block of fresh) {
        this.#log.append(block)
        this.#effects.push({ kind: 'append', block })
      }
      this.#acknowledgeTail()
    }
    if (proof.kind === 'certificate') this.#learn(proof.certificate)
    else this.#learnAttested(target)
    this.#applyWaiting()
    return true
  }

  /** The driver found a block of the current leader invalid, or not timely (rules 9, 10): its sealer is told why, by name. */
  refuse(from: MemberId, block: { term: Term; height: Height; id: string }, code: string): void {
    const { term, height, id } = block
    if (term === this.term && from === this.#election?.signed.candidate) this.#refusedHere = height
    this.#send(from, {
      kind: 'block-refused',
      term,
      height,
      id,
      code,
      ...(code === 'lock' ? lockField(this.#lock.certificate) : {}),
    })
  }

  /** A batch has waited too long under this leader (rule 28): stop treating it as live, and do not vote for it for a while. */
  suspectLeader(): void {
    if (this.#leader === null || this.#role === 'leader') return
    this.#distrust(this.#leader)
    this.#leaderSilentTicks = Number.POSITIVE_INFINITY
    this.#timeoutTicks = this.#electionElapsed + 1 + this.#options.below(this.#options.electionTimeoutTicks)
  }

  /** Rule 12, for what only the node sees: its disk is late, or what the first block needs is not here. Another must lead. */
  cannotLead(reason: string): void {
    if (this.#role === 'leader') this.#resign(reason)
  }

  /** Hands leadership to the most advanced peer, or to `to`; for an orderly stop or an upgrade. */
  handOver(to?: MemberId): void {
    if (this.#role !== 'leader') return
    const heir = to ?? this.#mostAdvancedPeer()
    if (heir === undefined) return
    this.#handoverTo = heir
    this.#sendAll({ kind: 'handover', term: this.term, to: heir })
  }

  /**
   * Asks for a height that is committed now: whoever has applied it reads nothing stale (Raft §6.4). The leader is believed: one that lies can name
   * an older one, so that nothing that must be true rests on it.
   */
  readIndex(context: number): void {
    if (this.#role === 'leader') this.#onReadRequest(this.#options.self, context)
    else if (this.#leader !== null) this.#send(this.#leader, { kind: 'read-request', context })
  }

  // ── electing (rules 4–6) ────────────────────────────────────────────────────────────────────────────────────────────────────

  #preCampaign(): void {
    this.#resetElectionTimer()
    if (!this.#maySign || !this.#canStand()) return
    if (this.#lastLed !== null && this.#leftWorkUndone(this.#lastLed.member)) this.#distrust(this.#lastLed.member)
    this.#become('candidate', null, 'no word from a leader')
    const target = this.#termAbove(this.#termHint)
    this.#campaign = { term: target, base: this.#lock.block, handover: false, granted: new Set([this.#options.self]) }
    if (this.#campaign.granted.size >= this.#quorum) return this.#stand(target, false)
    this.#sendAll({ kind: 'pre-vote', term: target, base: rankOf(this.#lock.block), handover: false })
  }

  #stand(target: Term, handover: boolean): void {
    if (target <= this.term) return // the terms are used up
    const base = this.#lock.block
    this.#become('candidate', null, handover ? 'handed over' : 'pre-votes of a quorum')
    this.#enterTermAs(target, this.#options.self, base)
    this.#campaign = { term: target, base, handover, granted: new Set() }
    this.#votes.clear()
    this.#restTicks = 0
    this.#resetElectionTimer()
    this.#effects.push({
      kind: 'sign',
      signable: { kind: 'vote', term: target, candidate: this.#options.self, base },
      to: [this.#options.self],
    })
    const request: VoteRequest = {
      kind: 'vote-request',
      term: target,
      base,
      handover,
      ...certificateField(this.#lock.certificate),
    }
    for (const peer of this.#peers) this.#sendDurable(peer, request)
  }

  /** A lock without a certificate that others accept (reached by a checkpoint alone), or without its block, cannot be stood on. */
  #canStand(): boolean {
    const { block, certificate } = this.#lock
    return (certificate !== undefined || isSameBlock(block, this.#options.start)) && this.#log.has(block)
  }

  #onPreVote(from: MemberId, message: PreVote): void {
    // Whatever the distance between the terms: who is far above or below can only come nearer by standing, and that costs terms alone.
    const granted = this.#maySign && compareRanks(message.base, this.#lock.block) >= 0 && this.#mayReplaceLeader(from)
    this.#send(from, {
      kind: 'pre-vote-reply',
      term: message.term,
      granted,
      ownTerm: this.term,
      ...(compareRanks(message.base, this.#lock.block) < 0 ? lockField(this.#lock.certificate) : {}),
    })
  }

  #onPreVoteReply(from: MemberId, message: PreVoteReply): void {
    this.#noteTerm(message.ownTerm)
    if (message.lock !== undefined) this.#learnAsCandidate(message.lock)
    const campaign = this.#campaign
    if (this.#role !== 'candidate' || campaign === null || campaign.term !== message.term || !message.granted) return
    if (campaign.term <= this.term) return
    campaign.granted.add(from)
    if (campaign.granted.size < this.#quorum) return
    if (campaign.base.id !== this.#lock.block.id) return this.#preCampaign()
    this.#stand(campaign.term, false)
  }

  #onVoteRequest(from: MemberId, message: VoteRequest): void {
    const outranked = compareRanks(message.base, this.#lock.block) < 0
    const votedOtherwise =
      message.term === this.term &&
      (this.#election !== null ||
        (this.#vote.candidate !== null &&
          (this.#vote.candidate !== from || this.#vote.base?.id !== message.base.id || this.#role === 'leader')))
    const willing =
      this.#maySign &&
      this.#isProvenBase(message.base, message.term, message.certificate) &&
      message.term >= this.term &&
      !votedOtherwise &&
      !outranked &&
      this.#mayReplaceLeader(from)
    const withinReach = message.term <= this.term + this.#termRaiseLeft
    if (willing && !withinReach && this.#termRaiseLeft > 0) {
      // As near as a request may bring me; the candidate's next one is not as far.
      const nearest = toTerm(this.term + this.#termRaiseLeft)
      this.#termRaiseLeft = 0
      this.#enterTerm(nearest)
    }
    if (!willing || !withinReach) {
      this.#send(from, {
        kind: 'vote-reply',
        term: message.term,
        granted: false,
        ownTerm: this.term,
        ...(outranked ? lockField(this.#lock.certificate) : {}),
      })
      return
    }
    if (message.certificate !== undefined) this.#learn(message.certificate)
    // What was just learnt may have raised my lock above the base only if it is the base itself.
    assert(compareRanks(message.base, this.#lock.block) >= 0, 'a vote never goes below my lock')
    this.#become('follower', null, `voting for ${from}`)
    this.#termRaiseLeft -= message.term - this.term
    this.#enterTermAs(message.term, from, message.base)
    this.#resetElectionTimer()
    this.#effects.push({
      kind: 'sign',
      signable: { kind: 'vote', term: message.term, candidate: from, base: message.base },
      to: [from],
    })
  }

  #onVoteReply(from: MemberId, message: VoteReply): void {
    this.#noteTerm(message.ownTerm)
    if (message.lock !== undefined) this.#learnAsCandidate(message.lock)
    const campaign = this.#campaign
    if (this.#role !== 'candidate' || campaign === null || message.vote === undefined) return
    const { signed, signature } = message.vote
    const isMine = signed.term === this.term && signed.candidate === this.#options.self
    if (!isMine || !isSameBlock(signed.base, campaign.base)) return
    const election = this.#votes.add(signed.base.id, signed.base.height, signed, from, signature)
    if (election !== undefined) this.#lead(election)
  }

  #lead(election: ElectionCertificate): void {
    const base = election.signed.base
    if (compareRanks(base, this.#lock.block) < 0)
      return this.#become('follower', null, 'my lock rose during my election')
    assert(this.#log.has(base), 'a candidate holds its base')
    if (this.#log.tail.height > base.height) this.#truncate(base.height)
    this.#election = election
    this.#lastLed = { member: this.#options.self, waitedFor: false }
    // What commits it proves it to whoever was away; acknowledgements do not.
    const committing = this.#commitCertificate
    this.#baseCertificate =
      committing !== undefined && certifiedBlock(committing).id === base.id
        ? committing
        : this.#lock.block.id === base.id
          ? this.#lock.certificate
          : undefined
    this.#campaign = null
    this.#lastAck = null
    this.#acks.clear()
    this.#certifiedOwn = base.height
    this.#stalledTicks = 0
    this.#refusals.clear()
    this.#heard.clear()
    this.#handoverTo = null
    this.#higherTermSeenAtTick = null
    for (const peer of this.#peers) this.#progress.set(peer, probe)
    this.#become('leader', this.#options.self, 'elected')
    this.#electionElapsed = 0
    this.#effects.push({ kind: 'lead', election, base, ...certificateField(this.#baseCertificate) })
    for (const peer of this.#peers) this.#sendElected(peer)
    this.#heartbeat()
  }

  #onElected(message: Elected): void {
    const { signed } = message.election
    if (signed.term < this.term || !this.#isProvenBase(signed.base, signed.term, message.certificate)) return
    if (signed.term > this.term) this.#enterTerm(signed.term)
    if (message.certificate !== undefined) this.#learn(message.certificate)
    if (this.#election === null) {
      if (this.#role === 'leader') return // I lead this term by its only certificate
      this.#election = message.election
      this.#lastLed = { member: signed.candidate, waitedFor: false }
      this.#campaign = null
      // A leader that restarted never seals in its old term: shown its own certificate, it waits for a higher term (rule 6).
      const leader = signed.candidate === this.#options.self ? null : signed.candidate
      this.#become('follower', leader, 'an election certificate')
      if (leader !== null) this.#sawLeader(leader)
      this.#acknowledgeTail()
    }
    if (signed.candidate === this.#options.self) return
    if (compareRanks(signed.base, this.#lockRankBelow(signed.term)) < 0) {
      this.refuse(signed.candidate, { term: signed.term, height: (signed.base.height + 1) as Height, id: '' }, 'lock')
    } else if (
      !this.#log.has(signed.base) &&
      message.certificate !== undefined &&
      signed.base.height > this.#log.commit
    ) {
      this.#effects.push({ kind: 'fetch', certificate: message.certificate })
    }
  }

  #onHandover(from: MemberId, message: Handover): void {
    if (from !== this.#leader || message.term !== this.term || this.#role === 'leader') return
    this.#handoverTo = message.to
    this.#electionElapsed = 0
    if (message.to !== this.#options.self) return
    if (this.#maySign && this.#canStand() && this.term < TERM_MAX) this.#stand(toTerm(this.term + 1), true)
  }

  /** A candidate's base was certified before the term it stands in, and the certificate shown is about it; the start needs none. */
  #isProvenBase(base: BlockRef, term: Term, certificate: BlockCertificate | undefined): boolean {
    if (base.term >= term) return false
    if (isSameBlock(base, this.#options.start)) return true
    return certificate !== undefined && isSameBlock(certifiedBlock(certificate), base)
  }

  /**
   * "I hear no live leader, or it hands over", and the candidate is not one that just left work undone (rule 5): the wait for that begins with
   * the first time it asks.
   */
  #mayReplaceLeader(candidate: MemberId): boolean {
    if (this.#distrusted?.member === candidate) return false
    if (this.#handoverTo === candidate) return true
    if (this.#role === 'leader') return false
    if (this.#leftWorkUndone(candidate)) {
      this.#distrust(candidate)
      return false
    }
    return (
      this.#leader === null ||
      this.#leader === candidate ||
      this.#leaderSilentTicks >= this.#options.electionTimeoutTicks
    )
  }

  /** It led last, something that it sealed is not committed, and I have not waited for that yet. */
  #leftWorkUndone(member: MemberId): boolean {
    if (this.#lastLed?.member !== member || this.#lastLed.waitedFor) return false
    return Math.max(this.#log.tail.height, this.#refusedHere ?? 0) > this.#log.commit
  }

  #learnAsCandidate(certificate: BlockCertificate): void {
    this.#learn(certificate)
    if (!this.#log.has(certifiedBlock(certificate)) && certifiedBlock(certificate).height > this.#log.commit) {
      this.#effects.push({ kind: 'fetch', certificate })
    }
  }

  // ── replicating (rules 7–12) ────────────────────────────────────────────────────────────────────────────────────────────────

  #appendAndAcknowledge(block: BlockMeta): void {
    const base = this.#election?.signed.base
    assert(base !== undefined, 'blocks of a term need its election certificate')
    const parent = this.#lastAck ?? base
    assert(block.parent === parent.id, 'one chain per term: the parent is base(t) or my last acknowledgement of t')
    assert(compareRanks(base, this.#lockRankBelow(block.term)) >= 0, 'the base is not below a lock of a lower term')
    this.#log.append(block)
    this.#lastAck = block
    this.#effects.push({ kind: 'append', block })
    this.#signAck(base, block)
    this.#applyWaiting()
  }

  /**
   * Blocks of the current term that I hold but did not just receive — found on disk at start, or fetched under a certificate — are
   * acknowledged like any other, through their last: the leader's next block can follow on them, and a LOCK of them has its ACK.
   */
  #acknowledgeTail(): void {
    const tail = this.#log.tail
    const base = this.#election?.signed.base
    if (base === undefined || tail.term !== this.term || !this.#maySign || this.#vote.ackBarred) return
    if (compareRanks(base, this.#lockRankBelow(this.term)) < 0) return
    this.#lastAck = tail
    this.#signAck(base, tail)
  }

  #signAck(base: BlockRef, block: BlockMeta): void {
    const to = this.#election!.signed.candidate
    this.#ackSigned = block.height
    this.#effects.push({ kind: 'sign', signable: { kind: 'ack', base, block: refOf(block) }, to: [to] })
  }

  /**
   * A certificate moves me off blocks that I acknowledged in this term, so its leader sealed two: I acknowledge nothing more in it, not
   * even after a restart, which finds the other chain on the disk (rule 8: one chain per term).
   */
  #barAcks(): void {
    this.#vote = { ...this.#vote, ackBarred: true }
    this.#effects.push({ kind: 'save-vote', vote: this.#vote })
  }

  #onAck(from: MemberId, message: SignedAck): void {
    if (from === this.#options.self) this.#ownAck = message
    if (this.#role !== 'leader' || message.block.term !== this.term) return
    const base = this.#election?.signed.base
    const block = this.#log.at(message.block.height)
    // Every number is compared, not the id alone: signatures count together only over equal bytes.
    if (base === undefined || block === undefined) return
    if (!isSameBlock(message.base, base) || !isSameBlock(message.block, block)) return
    this.#refusals.delete(from)
    this.#heard.add(from)
    if (from !== this.#options.self)
      this.#progress.set(from, onAcknowledged(this.#progressOf(from), block.height, this.#ticks))
    if (block.height > this.#certifiedOwn) {
      const signed = { kind: 'ack', base, block: refOf(block) } as const
      const certificate = this.#acks.add(block.id, block.height, signed, from, message.signature)
      if (certificate !== undefined) this.#certify(certificate)
    }
    this.#replicate()
  }

  #certify(certificate: AckCertificate): void {
    this.#certifiedOwn = certificate.signed.block.height
    this.#acks.forget(this.#certifiedOwn)
    this.#sendAll({ kind: 'certified', certificate })
    this.#learn(certificate)
  }

  #replicate(): void {
    if (this.#role !== 'leader') return
    for (const peer of this.#peers) {
      const progress = this.#progressOf(peer)
      if (progress.kind !== 'replicate' || progress.next > this.#log.tail.height) continue
      if (this.#log.at(progress.next) === undefined) {
        this.#progress.set(peer, probe) // too far behind for the log in memory: it is shown a certificate and fetches
        continue
      }
      let inFlight = this.#log.bytesBetween((progress.matched + 1) as Height, (progress.next - 1) as Height)
      let through = progress.next - 1
      while (through < this.#log.tail.height) {
        const bytes = this.#log.at((through + 1) as Height)!.bytes
        if (inFlight > 0 && inFlight + bytes > this.#options.windowBytes) break
        inFlight += bytes
        through++
      }
      if (through < progress.next) continue
      this.#effects.push({ kind: 'send-blocks', to: peer, from: progress.next, through: through as Height })
      this.#progress.set(peer, onSent(progress, through as Height, this.#ticks))
    }
  }

  #heartbeat(): void {
    this.#round++
    this.#sendAll(this.#heartbeatNow)
  }

  get #heartbeatNow(): Heartbeat {
    return {
      kind: 'heartbeat',
      term: this.term,
      lock: rankOf(this.#lock.block),
      commit: this.#log.commit,
      certified: this.#certifiedOwn,
      round: this.#round,
    }
  }

  #onHeartbeat(from: MemberId, message: Heartbeat): void {
    const isLeader = message.term === this.term && this.#election?.signed.candidate === from
    if (isLeader) {
      this.#sawLeader(from)
      const ack = this.#ownAck
      if (ack !== null && ack.block.term === this.term && ack.block.height > message.certified) this.#send(from, ack)
      if (message.commit < this.#log.commit) this.#showCommit(from)
      if (this.#handoverTo !== null && this.#electionElapsed > this.#options.electionTimeoutTicks)
        this.#handoverTo = null
    }
    const position = isLeader ? this.#position() : undefined
    this.#send(from, {
      kind: 'heartbeat-reply',
      term: message.term,
      ownTerm: this.term,
      ...(position === undefined ? {} : { position }),
      lock: rankOf(this.#lock.block),
      commit: this.#log.commit,
      round: message.round,
    })
  }

  /** My highest block on the current leader's chain from which it may go on sending; none while I could not acknowledge. */
  #position(): { height: Height; id: string } | undefined {
    if (this.#election === null || !this.#maySign || this.#vote.ackBarred) return undefined
    const at = this.#lastAck ?? this.#election.signed.base
    return this.#log.has(at) ? { height: at.height, id: at.id } : undefined
  }

  #onHeartbeatReply(from: MemberId, message: HeartbeatReply): void {
    this.#noteTerm(message.ownTerm)
    if (this.#role !== 'leader' || message.term !== this.term) return
    // A member of a higher term may have elected another leader, which may have committed more: it confirms nothing, and follows me no more.
    if (message.ownTerm > this.term) return this.#stepUpFor(message.ownTerm)
    this.#heard.add(from)
    this.#confirmReads(from, message.round)
    if (message.position === undefined) this.#sendElected(from)
    else if (this.#log.has(message.position)) {
      const patience = silentHeartbeatsMax * this.#options.heartbeatTicks
      this.#progress.set(from, onPosition(this.#progressOf(from), message.position.height, this.#ticks, patience))
    }
    if (compareRanks(message.lock, this.#lock.block) < 0 && this.#lock.certificate !== undefined) {
      // Usually on its way already; repeated only when nothing newer is going to bring it.
      if (this.#log.tail.height === this.#lock.block.height || message.position === undefined) {
        this.#send(from, { kind: 'certified', certificate: this.#lock.certificate })
      }
    }
    if (message.commit < this.#log.commit) this.#showCommit(from)
    this.#replicate()
  }

  #showCommit(to: MemberId): void {
    if (this.#commitCertificate !== undefined)
      this.#send(to, { kind: 'certified', certificate: this.#commitCertificate })
  }

  #onBlockRefused(from: MemberId, message: BlockRefused): void {
    if (message.lock !== undefined) {
      const block = certifiedBlock(message.lock)
      const above = compareRanks(block, this.#lock.block) > 0 && !this.#log.has(block)
      if (this.#role === 'leader' && above) this.#resign('a certified block outranks my lock')
      this.#learn(message.lock)
    }
    if (this.#role !== 'leader' || message.term !== this.term) return
    this.#refusals.add(from)
    if (this.#refusals.size > this.#options.members.length - this.#quorum) this.#resign(`refused: ${message.code}`)
  }

  #tickLeader(): void {
    if (this.#stepUpRestTicks > 0) this.#stepUpRestTicks--
    // A QC alone is not enough: where a liar's ACK made it, the honest LOCKs may not suffice, and only a new term helps.
    this.#stalledTicks = this.#log.tail.height > this.#log.commit ? this.#stalledTicks + 1 : 0
    if (this.#stalledTicks > this.#options.stallTimeouts * this.#options.electionTimeoutTicks) {
      return this.#resign('no quorum acknowledges and locks my blocks')
    }
    if (this.#electionElapsed < this.#options.electionTimeoutTicks) return
    this.#electionElapsed = 0
    this.#handoverTo = null
    const heard = this.#heard.size + (this.#heard.has(this.#options.self) ? 0 : 1)
    this.#heard.clear()
    if (heard < this.#quorum) this.#resign('a quorum no longer answers')
  }

  #resign(reason: string): void {
    const heir = this.#role === 'leader' ? this.#mostAdvancedPeer() : undefined
    if (heir !== undefined) this.#sendAll({ kind: 'handover', term: this.term, to: heir })
    this.#campaign = null
    this.#reads.clear()
    this.#become('follower', null, reason)
    this.#resetElectionTimer()
    this.#restTicks = 2 * this.#options.electionTimeoutTicks
  }

  #mostAdvancedPeer(): MemberId | undefined {
    let best: MemberId | undefined
    let bestMatched = -1
    for (const [peer, progress] of this.#progress) {
      if (progress.kind === 'replicate' && progress.matched > bestMatched) {
        best = peer
        bestMatched = progress.matched
      }
    }
    return best
  }

  /**
   * A peer is in a higher term and can acknowledge nothing of mine. Terms never fall, so the term must rise to it: I stand again, with
   * everybody told that I hand over to myself. Not at once, since several in a higher term may just be electing its leader; and seldom, so
   * that a liar cannot make every heartbeat an election.
   */
  #stepUpFor(ownTerm: Term): void {
    this.#higherTermSeenAtTick ??= this.#ticks
    const waited = this.#ticks - this.#higherTermSeenAtTick
    if (waited < stepUpPatienceHeartbeats * this.#options.heartbeatTicks) return
    if (this.#stepUpRestTicks > 0 || !this.#canStand()) return
    this.#stepUpRestTicks = 10 * this.#options.electionTimeoutTicks
    this.#higherTermSeenAtTick = null
    this.#sendAll({ kind: 'handover', term: this.term, to: this.#options.self })
    this.#stand(this.#termAbove(ownTerm), true)
  }

  // ── committing (rules 3, 13, 14) ────────────────────────────────────────────────────────────────────────────────────────────

  #learn(certificate: BlockCertificate): void {
    const block = certifiedBlock(certificate)
    if (block.term > this.term) this.#enterTerm(block.term)
    if (block.height <= this.#log.commit) {
      const mine = this.#log.at(block.height)
      if (certificate.signed.kind === 'lock' && mine !== undefined && mine.id !== block.id) {
        this.#effects.push({ kind: 'halt', reason: 'two committed blocks at one height', certificate })
      } else if (block.id === this.#lock.block.id) this.#raiseLock(block, certificate)
      return
    }
    if (this.#log.has(block)) this.#applyCertificate(certificate)
    else this.#remember(certificate)
  }

  #applyCertificate(certificate: BlockCertificate): void {
    const block = certifiedBlock(certificate)
    if (block.height <= this.#log.commit) return
    this.#raiseLock(block, certificate)
    this.#noteCertified(block.height)
    if (certificate.signed.kind === 'ack') return this.#signLock(block)
    this.#commitCertificate = certificate
    this.#commitTo(block.height)
  }

  #learnAttested(block: BlockMeta): void {
    if (block.height <= this.#log.commit) return
    assert(this.#log.has(block), 'an attested block is adopted before it is committed')
    this.#raiseLock(refOf(block), undefined)
    this.#noteCertified(block.height)
    this.#commitTo(block.height)
  }

  #noteCertified(height: Height): void {
    if (!this.#certifiedHeights.includes(height)) this.#certifiedHeights.push(height)
  }

  #raiseLock(block: BlockRef, certificate: BlockCertificate | undefined): void {
    if (compareRanks(block, this.#lock.block) <= 0) {
      // Same block, now with a certificate that others accept: worth keeping.
      if (block.id !== this.#lock.block.id || this.#lock.certificate !== undefined || certificate === undefined) return
      this.#lock = { ...this.#lock, certificate }
    } else {
      const below = block.term > this.#lock.block.term ? rankOf(this.#lock.block) : this.#lock.lowerTermRank
      this.#lock = { block, lowerTermRank: below, ...certificateField(certificate) }
    }
    this.#effects.push({ kind: 'save-lock', lock: this.#lock })
  }

  /** Highest rank I ever locked in a term below this one (rule 8). */
  #lockRankBelow(term: Term): Rank {
    return this.#lock.block.term < term ? this.#lock.block : this.#lock.lowerTermRank
  }

  #commitTo(height: Height): void {
    assert(this.#lock.block.height >= height, 'nothing is committed above the lock')
    this.#log.commitTo(height)
    this.#stalledTicks = 0
    this.#locks.forget(height)
    const certified = this.#certifiedHeights.filter((h) => h <= height).sort((a, b) => a - b)
    this.#certifiedHeights = this.#certifiedHeights.filter((h) => h > height)
    this.#waiting.forgetThrough(height)
    this.#effects.push({ kind: 'commit', height, certified })
    if (this.#role === 'leader') this.#answerReads()
  }

  #onLock(from: MemberId, message: SignedLock): void {
    if (from === this.#options.self) this.#ownLock = message
    const { block } = message
    if (block.height <= this.#log.commit || block.height > this.#log.commit + lockHorizonBlocks) return
    const certificate = this.#locks.add(
      `${block.term}/${block.id}`,
      block.height,
      { kind: 'lock', block },
      from,
      message.signature,
    )
    if (certificate !== undefined) this.#learn(certificate)
  }

  /** While my lock is not committed, say so again: a lost LOCK must not hold up a commit (messages die with a connection). */
  #repeatOwnLock(): void {
    if (this.#lock.block.height <= this.#log.commit) return
    if (this.#ownLock?.block.id !== this.#lock.block.id) return this.#signLock(this.#lock.block)
    this.#sendAll(this.#ownLock)
  }

  /** Never LOCK in another term than the block's, and only what I acknowledged (rule 13). */
  #signLock(block: BlockRef): void {
    const acknowledged = this.#ackSigned !== null && this.#ackSigned >= block.height && !this.#vote.ackBarred
    if (!this.#maySign || block.term !== this.term || !acknowledged || this.#lockAsked === block.id) return
    this.#lockAsked = block.id
    this.#effects.push({ kind: 'sign', signable: { kind: 'lock', block }, to: this.#options.members })
  }

  #remember(certificate: BlockCertificate): void {
    const block = certifiedBlock(certificate)
    if (this.#role === 'leader' && block.term === this.term) {
      this.#effects.push({ kind: 'halt', reason: 'a certified block of my own term that I did not seal', certificate })
      return
    }
    if (this.#role === 'leader' && compareRanks(block, this.#lock.block) > 0) {
      this.#resign('a certified block outranks my lock')
    }
    const isNew = this.#waiting.add(certificate)
    if (isNew && block.height > this.#log.tail.height + fetchGapBlocks) {
      this.#effects.push({ kind: 'fetch', certificate })
    }
  }

  /** Certificates that were here before their block. */
  #applyWaiting(): void {
    for (const certificate of this.#waiting.takeThose((block) => this.#log.has(block))) {
      this.#applyCertificate(certificate)
    }
  }

  #fetchWhatWaits(): void {
    const certificate = this.#waiting.tick((waiting) => this.#mayAdopt(waiting))
    if (certificate !== undefined) this.#effects.push({ kind: 'fetch', certificate })
  }

  /** Rule 3, before the block is here: a QC off my chain moves me only above my lock, and only before my first ACK in the term. */
  #mayAdopt(certificate: BlockCertificate): boolean {
    const block = certifiedBlock(certificate)
    if (certificate.signed.kind === 'lock' || block.id === this.#lock.block.id) return true
    if (compareRanks(block, this.#lock.block) < 0) return false
    const acknowledged = this.#lastAck !== null || this.#vote.ackBarred
    return !acknowledged || (block.term === this.term && block.height > this.#log.tail.height)
  }

  // ── reading (Raft §6.4) ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #onReadRequest(from: MemberId, context: number): void {
    if (this.#role !== 'leader') return
    this.#reads.add({ context, from, round: this.#round + 1, height: this.#lock.block.height })
    if (this.#quorum === 1) this.#answerReads()
    else this.#startReadRound()
  }

  /** One round of heartbeats at a time: reads that come while one is out share the next (a lost one is overtaken by the next tick's). */
  #startReadRound(): void {
    if (!this.#reads.awaits(this.#round)) this.#heartbeat()
  }

  #confirmReads(from: MemberId, round: number): void {
    this.#reads.confirm(from, round)
    if (this.#reads.newestRound > this.#round) this.#startReadRound()
    this.#answerReads()
  }

  #answerReads(): void {
    // Before the first commit of its term a leader does not know what is committed.
    if (this.#log.committed.term !== this.term) return
    const height = this.#log.commit
    for (const { context, from } of this.#reads.takeReady(height)) {
      if (from === this.#options.self) this.#effects.push({ kind: 'read-ready', context, height })
      else this.#send(from, { kind: 'read-reply', context, height })
    }
  }

  // ── terms, timers, sending ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Moved to a higher term by a certificate, without a vote in it. */
  #enterTerm(term: Term): void {
    this.#become('follower', null, `term ${term}`)
    this.#enterTermAs(term, null, null)
  }

  #enterTermAs(term: Term, candidate: MemberId | null, base: BlockRef | null): void {
    assert(term >= this.term, 'a term never falls')
    assert(term > this.term || this.#vote.candidate === null || this.#vote.candidate === candidate, 'one vote per term')
    const repeated = term === this.term && this.#vote.candidate === candidate && this.#vote.base?.id === base?.id
    if (term > this.term) {
      this.#election = null
      this.#baseCertificate = undefined
      this.#lastAck = null
      this.#ackSigned = null
      this.#ownAck = null
      this.#refusedHere = null
      this.#reads.clear()
      this.#handoverTo = null
    }
    if (repeated) return
    this.#vote = { term, candidate, base, ackBarred: term === this.term && this.#vote.ackBarred }
    this.#noteTerm(term)
    this.#effects.push({ kind: 'save-vote', vote: this.#vote })
  }

  #become(role: Role, leader: MemberId | null, reason: string): void {
    const changed = role !== this.#role || leader !== this.#leader
    this.#role = role
    this.#leader = leader
    if (role === 'follower') this.#campaign = null
    if (changed) this.#effects.push({ kind: 'role', role, leader, term: this.term, reason })
  }

  #sawLeader(leader: MemberId): void {
    if (this.#distrusted?.member === leader || this.#handoverTo !== null) return
    this.#leaderSilentTicks = 0
    this.#electionElapsed = 0
    if (this.#leader !== leader || this.#role !== 'follower') this.#become('follower', leader, 'hears its leader')
  }

  #distrust(member: MemberId): void {
    this.#distrusted = { member, ticks: 2 * this.#options.electionTimeoutTicks }
    if (this.#lastLed?.member === member) this.#lastLed.waitedFor = true
  }

  #noteTerm(term: Term): void {
    this.#termHint = toTerm(Math.max(this.#termHint, Math.min(term, this.term + termRaiseMax)))
  }

  /** Above this term if it is within reach of one request (rule 6), else as near to it as one request goes. */
  #termAbove(term: Term): Term {
    return toTerm(Math.min(Math.max(this.term, term) + 1, this.term + termRaiseMax, TERM_MAX))
  }

  #resetElectionTimer(): void {
    this.#electionElapsed = 0
    this.#timeoutTicks = this.#randomTimeout()
  }

  #randomTimeout(): number {
    return this.#options.electionTimeoutTicks + this.#options.below(this.#options.electionTimeoutTicks)
  }

  #truncate(above: Height): void {
    this.#log.truncate(above)
    this.#certifiedHeights = this.#certifiedHeights.filter((height) => height <= above)
    this.#effects.push({ kind: 'truncate', above })
  }

  #progressOf(peer: MemberId): Progress {
    return this.#progress.get(peer) ?? probe
  }

  #sendElected(peer: MemberId): void {
    if (this.#election === null) return
    this.#send(peer, { kind: 'elected', election: this.#election, ...certificateField(this.#baseCertificate) })
  }

  #send(to: MemberId, message: Message): void {
    this.#effects.push({ kind: 'send', to, message, afterDurable: false })
  }

  /** One message for all, which the driver need spell only once. */
  #sendAll(message: Message): void {
    for (const peer of this.#peers) this.#send(peer, message)
  }

  #sendDurable(to: MemberId, message: Message): void {
    this.#effects.push({ kind: 'send', to, message, afterDurable: true })
  }
}

const rankOf = (ref: Rank): Rank => ({ term: ref.term, height: ref.height })

/** Spread into a message: absent stays absent (exactOptionalPropertyTypes). */
function certificateField(certificate: BlockCertificate | undefined): { certificate?: BlockCertificate } {
  return certificate === undefined ? {} : { certificate }
}

function lockField(lock: BlockCertificate | undefined): { lock?: BlockCertificate } {
  return lock === undefined ? {} : { lock }
}
