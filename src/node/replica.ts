/**
 * The node's loop: it joins the pure parts — chain and consensus core — to disk, clock, network, signer and verifier, all of them ports. An
 * event comes in, calls go out, every completion comes back as an event; at the end of each event the core's effects are carried out in
 * order and the write cycle is flushed. There is no `await` here: the simulator runs this very class. The parts are those of one epoch:
 * when it ends, all of them but the intake are made anew, from where the disk then stands.
 */
import { type Batch, decodeBatch } from '../chain/batch.ts'
import type { Attestation, Block } from '../chain/block.ts'
import type { AboutBox } from '../chain/catalogue/box-life.ts'
import type { UnknownAhead } from '../chain/catalogue/catalogue.ts'
import { CborError } from '../chain/cbor.ts'
import { type Ack, type BlockRef, type Lock, signableMessage, type Vote } from '../chain/certificate.ts'
import { type Epoch, epochNumbered, foundingEpoch, readyMessage } from '../chain/epoch.ts'
import {
  type ChainPoint,
  type ChainRules,
  type Execution,
  epochOf,
  frozenMember,
  UnknownRules,
} from '../chain/execution.ts'
import { kidOf } from '../chain/keys.ts'
import { type Height, height } from '../chain/numbers.ts'
import { decodeRefounding } from '../chain/refounding.ts'
import { Refusal } from '../chain/refusal.ts'
import type { Effect, LockState } from '../consensus/effect.ts'
import { type MemberId, type Message, signedMessage } from '../consensus/message.ts'
import { Raft } from '../consensus/raft.ts'
import { BlockStore, DamagedStore } from './block-store.ts'
import { BoxKeeper, type DepositResult } from './box-keeper.ts'
import { CatchUp } from './catch-up.ts'
import { Checking } from './checking.ts'
import { Cosigning, type Head } from './cosigning.ts'
import { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import { encodeHeadFile, encodeVoteFile } from './durable-state.ts'
import { Evidence, type KeptFault } from './evidence.ts'
import { Fencing } from './fencing.ts'
import { guardedDisk } from './guarded-disk.ts'
import { Intake, type IntakeResult, type Pending } from './intake.ts'
import { LateBatches } from './late-batches.ts'
import { type Executed, type Ledger, metaOf } from './ledger.ts'
import { diskLateTimeouts, freeDiskMin, replicationWindowBytes, tickMs } from './limits.ts'
import type { Disk, Lane, Ports, SignatureCheck } from './ports.ts'
import { keepRefounding, refoundingFrom } from './refoundings.ts'
import { Repair } from './repair.ts'
import { RulesAhead } from './rules-ahead.ts'
import { Sealing } from './sealing.ts'
import { enterEpoch, retiredKey, type Started, StartUpFailed, startUp } from './start-up.ts'
import { VerifiedItems } from './verified-items.ts'
import { Vouching } from './vouching.ts'
import { decodeMessage, encodeMessage, type WireMessage } from './wire.ts'

export interface ReplicaOptions {
  readonly rules: ChainRules
  readonly member: MemberId
  readonly node: string
}

/** READY: this node holds the chain up to this block. */
export interface Ready {
  readonly node: string
  readonly epoch: number
  readonly block: BlockRef
  readonly signature: Uint8Array
}

/** What others may want to know at once. */
export interface ReplicaEvents {
  readonly onCommitted?: (executed: Executed) => void
  readonly onAttested?: (attestation: Attestation) => void
}

export class Replica {
  readonly #options: ReplicaOptions
  readonly #ports: Ports
  readonly #events: ReplicaEvents
  readonly #connected = new Set<MemberId>()
  readonly #disk: Disk
  readonly #cycle: DiskCycle
  readonly #items: VerifiedItems
  readonly #evidence: Evidence
  readonly #rulesAhead: RulesAhead
  readonly store: BlockStore
  /** The quiet box: what is handed in for tenders that are still closed to all eyes. Survives the epochs, as the intake does. */
  readonly boxes: BoxKeeper
  #parts: Parts | undefined
  #inTurn = false
  #stopped = false
  #failed = false
  #cancelTick: (() => void) | undefined
  /** Rule 18: damage at or below the watermark; no signature until the chain holds this block again, or a committed one above it. */
  #missingUpTo: BlockRef | undefined
  #isHeadDue = false
  /** What this node knew to be committed when it started. */
  #committedBefore: Height = height(0)
  /** A block that should be on the committed chain and was not found there: the repair looks at it. */
  #doubted: string | undefined
  /** Rule 17: not enough members have stored this start yet. */
  #unconfirmed = true
  /** Rules 17, 18: what this node signed, and no longer knew, is known to others. */
  #retired = false
  /** More members lie than the ledger bears, or this software is wrong. */
  #halted = false
  /** Governance has ended this epoch, and this node was shown it (rule 22): it signs nothing more in it. */
  #refounded = false
  /** An epoch has ended and the next is not begun: nothing is heard, said or signed in between. */
  #betweenEpochs = false
  /** What the parts were told last: whether they may sign. */
  #signing = false
  /** When the disk was asked for a sign of life that has not come yet. */
  #diskAskedAt: number | undefined
  #lastEncoded: { readonly message: WireMessage; readonly bytes: Uint8Array } | undefined
  readonly #reads = new Map<number, (height: Height) => void>()
  #readContext = 0

  constructor(options: ReplicaOptions, ports: Ports, events: ReplicaEvents = {}) {
    this.#options = options
    this.#ports = ports
    this.#events = events
    const { context } = options.rules
    this.#disk = guardedDisk(ports.disk, this.#guard)
    this.#cycle = new DiskCycle({}, { disk: this.#disk, beforeTaking: () => this.#saveHeadIfDue() })
    this.#items = new VerifiedItems(context.ledger)
    this.store = new BlockStore({ cycle: this.#cycle, disk: this.#disk, context })
    this.boxes = this.#newBoxKeeper()
    this.#evidence = this.#newEvidence()
    this.#rulesAhead = new RulesAhead(ports)
  }

  /** Reads the disk, stores the new incarnation, then opens for peers. @throws {StartUpFailed} at once or not at all */
  start(started: () => void): void {
    startUp(this.#options.rules, this.#startUpDependencies, (found) => {
      const vouching = this.#vouchingOf(found.ledger)
      this.#newestAttestation(found.ledger, vouching, (attested) => {
        this.#parts = this.#assemble(found, vouching, attested, this.#newIntake(found.head.journalChanges))
        const { intake, fencing } = this.#parts
        this.#refounded = found.ledger.refounded !== undefined
        this.#missingUpTo = found.missingUpTo
        this.#committedBefore = found.head.commit
        intake.restore((lost) => {
          this.boxes.resume(lost)
          intake.begin(found.incarnation)
          this.#ports.network.start({
            onMessage: (peer, lane, bytes, release) => this.#turn(() => this.#onMessage(peer, lane, bytes, release)),
            onPeer: (peer, up) => this.#turn(() => this.#onPeer(peer, up)),
          })
          this.#turn(() => {
            fencing.start()
            this.#evidence.restore()
            this.#rulesAhead.notice(found.ledger)
            this.#endEpochIfOver()
          })
          this.#scheduleTick()
          started()
        })
      })
    })
  }

  get #startUpDependencies() {
    const { log } = this.#ports
    return { disk: this.#disk, cycle: this.#cycle, store: this.store, read: this.#items.read, log }
  }

  #vouchingOf({ rules }: Ledger): Vouching {
    const onGood = (check: SignatureCheck): void => this.#evidence.note(check)
    return new Vouching(rules, { verifier: this.#ports.verifier, items: this.#items, onGood })
  }

  /**
   * Rule 19: the block that closed this epoch is committed, and q of its members have attested it. Rule 22: governance goes on from the
   * committed block, which they have attested before.
   */
  #endEpochIfOver(): void {
    const { ledger, cosigning } = this.#running
    const { next } = ledger.committed
    if (next === undefined || this.#betweenEpochs) return
    if (next !== ledger.refounded && cosigning.attested?.size !== next.start.size) return
    this.#betweenEpochs = true
    this.#unconfirmed = true
    this.#permitSigning()
    this.#running.checking.close()
    // The block and its attestation are on the disk before a file says that the next epoch has begun.
    this.#cycle.whenDurable(() => this.#turn(() => this.#beginEpoch(next)))
  }

  #beginEpoch(next: Epoch): void {
    const { ledger, cosigning, intake, incarnation, last } = this.#running
    const { register } = cosigning
    const now = { incarnation, register, last: last.height, journalChanges: intake.journal.changes }
    enterEpoch(ledger, this.#startUpDependencies, now, (found) =>
      this.#turn(() => {
        const attested = next.refounding === undefined ? undefined : decodeRefounding(next.refounding).attestation
        const vouching = this.#vouchingOf(found.ledger)
        const parts = this.#assemble(found, vouching, attested ?? cosigning.attested, intake)
        this.#parts = parts
        this.#refounded = found.ledger.refounded !== undefined
        this.#committedBefore = next.start.block.height
        this.#betweenEpochs = false
        intake.begin(found.incarnation)
        const members = next.members.map(({ id }) => id)
        this.#ports.log.info('epoch', { epoch: next.number, height: next.start.block.height, members })
        for (const peer of this.#connected) {
          parts.fencing.onPeerUp(peer)
          parts.raft.peerChanged(peer, true)
        }
        parts.fencing.start()
      }),
    )
  }

  /** The newest one that is on the disk as it was written: every other row can be made again, this one is only checked. */
  #newestAttestation(
    { committed }: Ledger,
    vouching: Vouching,
    done: (attestation: Attestation | undefined) => void,
  ): void {
    this.store.newestAttestations((attestations) => {
      const rest = attestations.filter(({ size }) => size <= committed.frontier.size)
      const next = (): void => {
        const attestation = rest.shift()
        if (attestation === undefined) return done(undefined)
        vouching.check(vouching.checksOfAttestation(attestation), (good) =>
          this.#guard(() => {
            if (good) return done(attestation)
            this.#ports.log.error('attestation damaged', { size: attestation.size })
            next()
          }),
        )
      }
      next()
    })
  }

  /** Hands leadership over if it can, and takes in nothing more. The ports are closed by whoever opened them. */
  stop(): void {
    if (this.#stopped) return
    this.#turn(() => {
      this.#parts?.intake.close()
      this.#parts?.raft.handOver()
      // What nobody waited for goes to the disk before it is closed.
      if (!this.#cycle.idle) this.#cycle.whenDurable(() => undefined)
    })
    this.#stopped = true
    this.#cancelTick?.()
  }

  // ── what the API asks ───────────────────────────────────────────────────────────────────────────────────────────────────────

  submit(jws: string, done: (result: IntakeResult) => void): void {
    this.#turn(() => this.#running.intake.submit(jws, done))
  }

  /** Takes a leaf of a sealed bid into the quiet box. */
  deposit(about: AboutBox, leaf: string, done: (result: DepositResult) => void): void {
    this.#turn(() => this.boxes.deposit(about, leaf, done))
  }

  pending(statementId: string): Pending | undefined {
    return this.#parts?.intake.pending(statementId)
  }

  get pendingCount(): number {
    return this.#parts?.intake.pendingCount ?? 0
  }

  /** False while the disk is still being read; what is asked below is there once it is true. */
  get isStarted(): boolean {
    return this.#parts !== undefined
  }

  get ledger(): Ledger {
    return this.#running.ledger
  }

  get raft(): Raft {
    return this.#running.raft
  }

  get attested(): Attestation | undefined {
    return this.#running.cosigning.attested
  }

  get attestedAt(): number {
    return this.#running.cosigning.attestedAt
  }

  /**
   * The disk has lost part of what this node had committed, and it is not all back yet: what is not found here may have been answered here
   * before. Signing need not wait for it, since the blocks themselves are there first; answers must.
   */
  get isBehindItself(): boolean {
    return this.#parts !== undefined && this.#parts.ledger.committed.block.height < this.#committedBefore
  }

  /** A row was found that cannot be read: a start makes it again, or says what is wrong. */
  reportUnreadable(reason: string): void {
    this.#turn(() => {
      throw new DiskReadFailed(reason)
    })
  }

  /** A committed block is not on the disk as it was written: it is fetched again, and nothing is signed until it is back. */
  reportDamage(at: Height): void {
    this.#turn(() => this.#running.repair.want(at))
  }

  get incarnation(): number {
    return this.#running.incarnation
  }

  /** What members' keys have signed against themselves, as far as this node knows. */
  get faults(): readonly KeptFault[] {
    return this.#evidence.faults
  }

  /** Who the members are now, and since which block. */
  get epoch(): Epoch {
    return epochOf(this.#running.ledger.rules)
  }

  /**
   * A node that is to join signs that it holds the chain up to its committed block (rule 20). Calls back with nothing while a peer still has
   * much more to show, or while there is a reason not to trust this node with a signature.
   */
  signReady(done: (ready: Ready | undefined) => void): void {
    this.#turn(() => {
      const { ledger, catchUp, raft } = this.#running
      const { block } = ledger.committed
      const { context } = ledger.rules
      const reasons = this.#reasonsNotToSign.filter(
        (code) => code !== 'node.not-a-member' && code !== 'node.unconfirmed-start',
      )
      if (!catchUp.isNear || reasons.length > 0 || !raft.has(block)) return done(undefined)
      const { node } = this.#options
      this.#ports.signer.sign('seal', readyMessage(context, block), (signature) =>
        this.#turn(() => done({ node, epoch: context.epoch, block, signature })),
      )
    })
  }

  incarnationOf(member: MemberId): number | undefined {
    return this.#running.fencing.incarnationOf(member)
  }

  get connected(): ReadonlySet<MemberId> {
    return this.#connected
  }

  /** Codes of what keeps this node from its work; empty when all is well. */
  get hindrances(): readonly string[] {
    const codes = this.#reasonsNotToSign
    if (this.isBehindItself && !codes.includes('node.recovering')) codes.push('node.recovering')
    if (this.#isFrozen) codes.push('node.key-frozen')
    if (this.#ports.disk.freeBytes() < freeDiskMin) codes.push('node.disk-full')
    if (this.#parts?.catchUp.active === true) codes.push('ledger.catching-up')
    if (this.rulesAhead !== undefined) codes.push('ledger.rules-unknown')
    const { members, quorum } = this.#parts === undefined ? epochOf(this.#options.rules) : this.epoch
    const up = members.filter(({ id }) => id === this.#options.member || this.#connected.has(id)).length
    if (up < quorum) codes.push('ledger.no-quorum')
    else if (this.#parts?.raft.leader === null && this.#isMember) codes.push('ledger.no-leader')
    return codes
  }

  /** Record types that are scheduled and that this software does not know: before the first of them comes into force this node stops. */
  get rulesAhead(): UnknownAhead | undefined {
    return this.#parts === undefined ? undefined : this.#rulesAhead.of(this.#parts.ledger)
  }

  /** Calls back with a height that was committed when this was asked: whoever has applied it reads nothing stale. */
  readIndex(done: (height: Height) => void): void {
    this.#turn(() => {
      const context = ++this.#readContext
      this.#reads.set(context, done)
      if (this.#reads.size > readsMax) this.#reads.delete(this.#reads.keys().next().value!)
      this.#running.raft.readIndex(context)
    })
  }

  /** Codes, the gravest first. Each is true from its event until its remedy; nothing is signed while there is one. */
  get #reasonsNotToSign(): string[] {
    const codes: string[] = []
    if (this.#retired) codes.push('node.retired')
    if (this.#halted) codes.push('node.halted')
    if (this.#refounded) codes.push('node.refounded')
    if (this.#missingUpTo !== undefined || this.#parts?.repair.active === true) codes.push('node.recovering')
    if (!this.#isMember) codes.push('node.not-a-member')
    else if (this.#unconfirmed) codes.push('node.unconfirmed-start')
    return codes
  }

  /** The node in the list, not another of the same organisation: a learner counts nowhere (rule 20). */
  get #isMember(): boolean {
    if (this.#parts === undefined) return true
    return this.#parts.isMember
  }

  /** The chain holds a fault proof of this node's key. It counts as before, and its batches are taken no more (rule 21). */
  get #isFrozen(): boolean {
    if (this.#parts === undefined) return false
    const { committed, rules } = this.#parts.ledger
    return this.#isMember && frozenMember(committed.state, this.#options.member, rules) !== undefined
  }

  /** Called whenever one of the reasons came or went: the parts are told if that changes whether this node may sign. */
  #permitSigning(): void {
    const parts = this.#running
    const maySign = this.#reasonsNotToSign.length === 0
    if (maySign === this.#signing) return
    this.#signing = maySign
    const { raft, cosigning, intake, ledger } = parts
    raft.allowSigning(maySign)
    if (!maySign) {
      cosigning.forbidSigning()
      return intake.close()
    }
    cosigning.allowSigning(headOf(ledger.committed))
    if (!this.isBehindItself) intake.openUp()
    this.#ports.log.info('ready', { term: raft.term, height: raft.commit })
  }

  get #running(): Parts {
    if (this.#parts === undefined) throw new Error('the node is still reading its disk')
    return this.#parts
  }

  // ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One event: whatever it makes the core want is done before the next one, and written in one go. */
  #turn = (event: () => void): void => {
    if (this.#inTurn) return event() // a completion inside an event is part of it
    if (this.#stopped) return
    this.#inTurn = true
    try {
      event()
      this.#carryOut()
      this.#cycle.flush()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#inTurn = false
    }
  }

  /** For what comes back outside of an event: while the node starts, and between a write and what waited for it. */
  #guard = (event: () => void): void => {
    if (this.#failed) return
    try {
      event()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** We are wrong, or the disk is: the node does not know its own state any more (style.md, three kinds of trouble). */
  #fail(error: unknown): void {
    this.#stopped = true
    this.#failed = true
    this.#ports.onFatal(reasonOf(error), wantsAPerson(error) ? error.code : undefined)
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#ports.clock.after(tickMs, () => {
      if (this.#stopped) return
      this.#scheduleTick()
      this.#turn(() => this.#tick())
    })
  }

  #tick(): void {
    if (this.#betweenEpochs) return
    const { raft, sealing, checking, cosigning, catchUp, repair, fencing, intake, lateBatches } = this.#running
    this.#watchDisk()
    repair.tick()
    checking.tick()
    raft.tick()
    cosigning.tick()
    catchUp.tick()
    fencing.saveSeen()
    if (this.#signing) this.#evidence.tick()
    intake.onTick()
    this.boxes.onTick()
    lateBatches.tick()
    sealing.trySeal()
  }

  #onPeer(peer: MemberId, up: boolean): void {
    const { raft, fencing, catchUp, checking, intake } = this.#running
    if (up) {
      this.#connected.add(peer)
      if (this.#betweenEpochs) return // greeted when it begins
      fencing.onPeerUp(peer)
      this.#evidence.onPeerUp(peer)
      // Batches that were on the way when the connection broke are lost.
      if (peer === raft.leader) intake.resend()
    } else {
      this.#connected.delete(peer)
      catchUp.onPeerDown(peer)
      checking.onPeerDown(peer)
    }
    raft.peerChanged(peer, up)
  }

  #onMessage(from: MemberId, _lane: Lane, bytes: Uint8Array, release: () => void): void {
    if (this.#betweenEpochs) return release()
    let message: WireMessage
    try {
      message = decodeMessage(bytes)
    } catch (error) {
      release()
      if (!(error instanceof CborError) && !(error instanceof RangeError)) throw error
      return this.#ports.log.warn('message malformed', { member: from, reason: error.message })
    }
    const { fencing, cosigning, catchUp, repair, checking, vouching } = this.#running
    switch (message.kind) {
      // These hold the bytes until they are checked; all others let go at once.
      case 'block':
        return this.#isMember && fencing.counts(from) ? checking.offer(from, message.block, release) : release()
      case 'blocks-response':
        if (!repair.expects(from, message)) return catchUp.receive(from, message, release)
        release()
        return repair.receive(message)
      case 'batch':
        release()
        return this.#onBatch(message.batch, message.handOn)
      case 'blocks-request':
        release()
        return catchUp.serve(from, message.from)
      case 'hello': {
        release()
        fencing.receive(from, message)
        const refounding = this.#refoundingAfter(message.epoch)
        if (refounding !== undefined) this.#send(from, 'control', { kind: 'refounding', refounding })
        return
      }
      case 'hello-stored':
        release()
        return fencing.onStored(from, message.incarnation)
      case 'hello-refused':
        release()
        return fencing.onRefused(from, message.incarnation, message.code)
      case 'refounding':
        release()
        return this.#onRefounding(from, message.refounding)
      case 'cosignature':
        release()
        return cosigning.receive(from, message)
      case 'attestation': {
        release()
        const { attestation } = message
        return vouching.check(vouching.checksOfAttestation(attestation), (good) =>
          this.#turn(() => {
            if (good) cosigning.receiveAttestation(attestation)
          }),
        )
      }
      case 'fault':
        release()
        return this.#evidence.receive(from, message.proof)
      default:
        release()
        return this.#onConsensus(from, message)
    }
  }

  /** The certificate that ended the epoch of this number, if this node knows of one. */
  #refoundingAfter(epoch: number): Uint8Array | undefined {
    const { rules, refounded } = this.#running.ledger
    if (epoch === epochOf(rules).number) return refounded?.refounding
    return epochNumbered(epochOf(rules), epoch + 1)?.refounding
  }

  /**
   * Rule 22: a member of an old quorum that comes back is shown that the others have gone on without it. It signs nothing more, keeps the
   * certificate and ends; the next start undoes what is void, and goes on in the new epoch, if it is listed there.
   */
  #onRefounding(from: MemberId, bytes: Uint8Array): void {
    const { ledger } = this.#running
    if (this.#refounded) return
    try {
      const refounding = refoundingFrom(bytes, ledger.rules)
      if (refounding.epoch !== epochOf(ledger.rules).number + 1) return
      keepRefounding(refounding, this.#cycle)
      this.#refounded = true
      this.#permitSigning()
      this.#ports.log.warn('refounded', { member: from, epoch: refounding.epoch, size: refounding.start.size })
      this.#cycle.whenDurable(() =>
        this.#turn(() => {
          throw new StartUpFailed('node.refounded', `governance has begun epoch ${refounding.epoch}: start again`)
        }),
      )
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof CborError)) throw error
      this.#ports.log.warn('refounding bad', { member: from, reason: error.message })
    }
  }

  /** The core is given facts only: what does not verify is dropped by name (protocol.md, rule 2). */
  #onConsensus(from: MemberId, message: Message): void {
    const { raft, ledger, fencing, vouching } = this.#running
    // A learner has no part in it, and what is said of another epoch is nothing here (rule 20).
    if (!this.#isMember || !fencing.counts(from)) return
    // What can change nothing any more is not worth checking: late acknowledgements and locks are most of what a node receives.
    if (message.kind === 'lock' && message.block.height <= raft.commit) {
      for (const check of vouching.checksOfMessage(from, message)) this.#evidence.suspect(check)
      return
    }
    vouching.check(vouching.checksOfMessage(from, message), (good) =>
      this.#turn(() => {
        if (!good) return this.#ports.log.warn('message badly signed', { member: from, kind: message.kind })
        if (message.kind === 'vote-request') this.#rulesAhead.refuseBase(ledger, message.base.height)
        if (message.kind === 'lock') fencing.saw(from, { lock: message.block })
        if (message.kind === 'vote-reply' && message.vote !== undefined) fencing.saw(from, { term: message.term })
        raft.receive(from, message)
      }),
    )
  }

  #onBatch(bytes: Uint8Array, handOn: boolean): void {
    const { sealing, raft, ledger, lateBatches } = this.#running
    if (!this.#isMember) return
    let batch: Batch
    try {
      batch = decodeBatch(bytes, ledger.rules.context)
    } catch (error) {
      if (!(error instanceof CborError)) throw error
      return this.#ports.log.warn('batch malformed', { reason: error.message })
    }
    if (raft.role === 'leader') sealing.offer(batch)
    if (handOn) lateBatches.receive(batch)
  }

  /** Rule 12: heartbeats do not wait for the disk, so a leader must notice by itself that its disk does not answer. */
  #watchDisk(): void {
    const now = this.#ports.clock.monotonic()
    const { electionTimeoutMs } = this.#options.rules.genesis.parameters
    if (this.#diskAskedAt !== undefined) {
      if (now - this.#diskAskedAt > diskLateTimeouts * electionTimeoutMs) this.#running.raft.diskLate()
    } else if (!this.#cycle.idle) {
      this.#diskAskedAt = now
      this.#cycle.whenDurable(() => {
        this.#diskAskedAt = undefined
      })
    }
  }

  // ── effects ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #carryOut(): void {
    const parts = this.#parts
    if (parts === undefined || this.#betweenEpochs) return
    for (;;) {
      const effects = parts.raft.takeEffects()
      if (effects.length === 0) return
      for (const effect of effects) this.#do(parts, effect)
    }
  }

  #do(parts: Parts, effect: Effect): void {
    switch (effect.kind) {
      case 'save-vote':
        return this.#cycle.vote(
          encodeVoteFile({ epoch: this.epoch.number, incarnation: parts.incarnation, vote: effect.vote }),
        )
      case 'save-lock':
        parts.lock = effect.lock
        return this.#saveHead(parts)
      case 'append': {
        const executed = parts.ledger.executed(effect.block.id)
        if (executed === undefined) throw new Error(`block ${effect.block.height} was not executed here`)
        this.store.putBlock(executed.block)
        parts.last = effect.block
        this.#saveHead(parts)
        return this.#tryRecovered(parts)
      }
      case 'truncate':
        return this.#truncate(parts, effect.above)
      case 'sign':
        return this.#sign(parts, effect.signable, effect.to)
      case 'send':
        if (!effect.afterDurable) return this.#send(effect.to, 'control', effect.message)
        return this.#cycle.whenDurable(() => this.#send(effect.to, 'control', effect.message))
      case 'send-blocks':
        return this.#sendBlocks(parts, effect.to, effect.from, effect.through)
      case 'commit':
        return this.#commit(parts, effect.height, new Set(effect.certified))
      case 'lead':
        return parts.sealing.sealFirst(effect.election, effect.certificate)
      case 'fetch':
        return parts.catchUp.want(effect.certificate)
      case 'role':
        return this.#onRole(parts, effect)
      case 'read-ready':
        this.#reads.get(effect.context)?.(effect.height)
        this.#reads.delete(effect.context)
        return
      case 'halt':
        return this.#halt(effect.reason)
    }
  }

  /** More members lie than the ledger bears, or we are wrong: nothing is signed any more; what is final goes on being served. */
  #halt(reason: string): void {
    this.#halted = true
    this.#ports.log.error('halted', { reason })
    this.#permitSigning()
  }

  /** Watermark, lock, commit and register as they are now. */
  #saveHead(parts: Parts): void {
    this.#isHeadDue = false
    this.#cycle.head(this.#headBytes(parts))
  }

  /** Receipts come one by one, and the head file holds only how many there were: encoded once for all of a cycle. */
  #saveHeadIfDue(): void {
    // The head of an epoch that has ended must not come after that of the next.
    if (this.#isHeadDue && !this.#betweenEpochs) this.#saveHead(this.#running)
  }

  /** Of what the effects so far have done, not of where the core is already: no crash finds a commit above its watermark. */
  #headBytes({ last, lock, cosigning, intake, ledger }: Parts): Uint8Array {
    // While recovering the watermark stays where it was: another start before the blocks are back must find them missing again.
    const watermark = this.#missingUpTo ?? last
    // Nor is what was committed forgotten while it is not all here again.
    const commit = height(Math.max(ledger.committed.block.height, this.#committedBefore))
    const { register } = cosigning
    return encodeHeadFile({
      epoch: epochOf(ledger.rules).number,
      last: watermark,
      lock,
      commit,
      register,
      journalChanges: intake.journal.changes,
    })
  }

  #truncate(parts: Parts, above: Height): void {
    this.#saveHeadIfDue()
    const keys: Uint8Array[] = []
    for (let at = height(above + 1); at <= parts.last.height; at = height(at + 1))
      keys.push(...this.store.blockKeys(at))
    const { raft, ledger } = parts
    const last = above <= ledger.committed.block.height ? ledger.committed.block : refAt(ledger, parts.last, above)
    parts.last = last
    this.#cycle.truncate(this.#headBytes(parts), keys)
    this.store.forgetAbove(above)
    ledger.dropAbove(above, (id) => {
      const executed = ledger.executed(id)
      return executed !== undefined && raft.has({ height: executed.block.header.height, id })
    })
  }

  #sign(parts: Parts, signable: Vote | Ack | Lock, to: readonly MemberId[]): void {
    const { vouching } = parts
    const message = signableMessage(parts.ledger.rules.context, signable)
    this.#cycle.whenDurable(() => {
      if (this.#halted || this.#retired || this.#parts !== parts) return
      this.#ports.signer.sign('seal', message, (signature) =>
        this.#turn(() => {
          if (this.#parts !== parts) return
          vouching.remember(vouching.sealCheck(this.#options.member, message, signature)!)
          const signed = signedMessage(signable, signature)
          for (const member of to) if (member !== this.#options.member) this.#send(member, 'control', signed)
          parts.raft.receive(this.#options.member, signed)
        }),
      )
    })
  }

  #sendBlocks({ ledger }: Parts, to: MemberId, from: Height, through: Height): void {
    for (let at = from; at <= through; at = height(at + 1)) {
      const meta = this.#running.raft.blockAt(at)
      const bytes =
        (meta === undefined ? undefined : ledger.executed(meta.id)?.block.bytes) ?? this.#blockOnDisk(at)?.bytes
      if (bytes === undefined) return // truncated meanwhile, or damaged; the peer says again where it stands
      this.#send(to, 'append', { kind: 'block', block: bytes })
    }
  }

  /** What is read of the disk for evidence alone: undefined also when it is damaged, which is noticed by whoever needs it. */
  #ifReadable<T>(read: () => T | undefined): T | undefined {
    try {
      return read()
    } catch (error) {
      if (error instanceof DamagedStore || error instanceof DiskReadFailed) return undefined
      throw error
    }
  }

  #blockOnDisk(at: Height): Block | undefined {
    try {
      return this.store.block(at)
    } catch (error) {
      if (!(error instanceof DamagedStore)) throw error
      this.#running.repair.want(at)
      return undefined
    }
  }

  /** Undefined when the disk has lost or changed this block, which is then repaired. */
  #isCommitted({ raft, repair }: Parts, at: Height, id: string): boolean | undefined {
    const held = at === 0 ? foundingEpoch(this.#options.rules.genesis).start.block.id : raft.blockAt(at)?.id
    if (held !== undefined) return held === id
    const stored = this.#blockOnDisk(at)
    if (stored?.id === id) {
      this.#doubted = undefined
      return true
    }
    // Once the repair has found it whole, another block there is no damage.
    if (stored !== undefined && this.#doubted === id) return false
    this.#doubted = id
    repair.want(at)
    return undefined
  }

  #commit(parts: Parts, upTo: Height, certified: ReadonlySet<Height>): void {
    const wasBehind = this.isBehindItself
    const heads: Head[] = []
    const certifiedHeads: Head[] = []
    // What stands above the block that closed the epoch only served to commit it: the next epoch begins there (rule 19).
    while (parts.ledger.committed.block.height < upTo && parts.ledger.committed.next === undefined) {
      const next = parts.raft.blockAt(height(parts.ledger.committed.block.height + 1))
      if (next === undefined) throw new Error('a committed block is in the log')
      const executed = parts.ledger.commit(next.id)
      const { header, carried } = executed.block
      const head = { size: header.size, root: header.root, height: header.height, id: next.id }
      if (executed.execution.leaves.length > 0) heads.push(head)
      // What closes the epoch is cosigned by everybody, if a certificate was seen for it or only for a block above.
      if (certified.has(header.height) || parts.ledger.committed.next !== undefined) certifiedHeads.push(head)
      this.#events.onCommitted?.(executed)
      parts.intake.onCommitted(executed)
      this.boxes.onCommitted(executed)
      this.#evidence.onCommitted(executed)
      for (const batch of executed.block.batches) for (const item of batch.items) this.#items.forget(item)
      // Its signatures were checked with the block that carries it.
      if (carried.attestation !== undefined) parts.cosigning.receiveAttestation(carried.attestation)
    }
    this.#saveHead(parts)
    this.#rulesAhead.notice(parts.ledger)
    if (wasBehind && !this.isBehindItself && this.#signing) parts.intake.openUp()
    parts.sealing.onCommitted()
    parts.cosigning.onCommitted(heads, certifiedHeads)
    this.#tryRecovered(parts)
    this.#stopBeforeUnknownRules(parts)
    if (parts.ledger.refounded !== undefined) this.#endEpochIfOver()
    parts.sealing.trySeal()
  }

  /** There is nothing left to do for software that does not know what comes next. */
  #stopBeforeUnknownRules({ ledger, cosigning }: Parts): void {
    const end = this.#rulesAhead.end(ledger, cosigning.attested?.size)
    if (end === undefined) return
    this.#cycle.whenDurable(() =>
      this.#turn(() => {
        throw end
      }),
    )
  }

  #onRole(parts: Parts, { role, leader, term, reason }: Extract<Effect, { kind: 'role' }>): void {
    this.#ports.log.info('role', { role, leader, term, reason })
    parts.checking.forget()
    if (leader === null) return
    parts.intake.resend()
    parts.lateBatches.onLeader(leader)
  }

  #forward(parts: Parts, bytes: Uint8Array, offerHere: () => void): void {
    const { leader } = parts.raft
    if (leader === this.#options.member) offerHere()
    else if (leader !== null) this.#send(leader, 'append', { kind: 'batch', handOn: false, batch: bytes })
  }

  #send(to: MemberId, lane: Lane, message: WireMessage): void {
    if (to !== this.#options.member) this.#ports.network.send(to, laneOf(lane, message), this.#encoded(message))
  }

  /** What goes to everybody is spelled once. */
  #encoded(message: WireMessage): Uint8Array {
    if (this.#lastEncoded?.message !== message) this.#lastEncoded = { message, bytes: encodeMessage(message) }
    return this.#lastEncoded.bytes
  }

  #tryRecovered(parts: Parts): void {
    const missing = this.#missingUpTo
    if (missing === undefined) return
    if (!parts.raft.has(missing) && parts.raft.commit < missing.height) return
    this.#missingUpTo = undefined
    this.#saveHead(parts)
    this.#ports.log.info('recovered', { height: parts.raft.commit })
    this.#permitSigning()
  }

  // ── assembly ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Survives the epochs: who waits for an answer here gets it in whichever comes. */
  #newIntake(journalChanges: number): Intake {
    const { member, node } = this.#options
    const { clock, signer, verifier, log } = this.#ports
    const running = (): Parts => this.#running
    return new Intake(
      { member, node, journalChanges },
      {
        clock,
        disk: this.#disk,
        cycle: this.#cycle,
        signer,
        verifier,
        items: this.#items,
        get ledger() {
          return running().ledger
        },
        log,
        turn: this.#turn,
        tipId: () => running().raft.tail.id,
        attestedSize: () => running().cosigning.attested?.size ?? 0,
        readIndex: (done) => this.readIndex(done),
        restoreLeaf: (row) => this.boxes.restoreRow(row),
        headDue: () => {
          this.#isHeadDue = true
        },
        forward: (batch) => {
          const { vouching, sealing } = running()
          vouching.remember(vouching.checkOfBatch(batch)!)
          this.#forward(running(), batch.bytes, () => sealing.offer(batch))
        },
      },
    )
  }

  #newBoxKeeper(): BoxKeeper {
    const { member, node } = this.#options
    const { clock, signer, log } = this.#ports
    return new BoxKeeper(
      { member, node },
      {
        clock,
        cycle: this.#cycle,
        signer,
        log,
        turn: this.#turn,
        standing: () => {
          const { committed, rules } = this.#running.ledger
          return {
            state: committed.state,
            blockTime: committed.time,
            genesis: rules.genesis,
            ledger: rules.context.ledger,
            epoch: rules.context.epoch,
            self: this.epoch.members.find(({ id, node: own }) => id === member && own.id === node),
            maySign: this.#signing && !this.isBehindItself,
          }
        },
        keep: (row) => this.#running.intake.keepLeaf(row),
        remove: (number) => this.#running.intake.journal.remove(number),
        headDue: () => {
          this.#isHeadDue = true
        },
        submit: (jws, done) => this.#running.intake.submit(jws, done),
      },
    )
  }

  /** Survives the epochs too: what was signed in one is signed for ever. */
  #newEvidence(): Evidence {
    const { clock, verifier, signer, log } = this.#ports
    return new Evidence(
      { self: this.#options.member },
      {
        clock,
        disk: this.#disk,
        cycle: this.#cycle,
        verifier,
        signer,
        log,
        turn: this.#turn,
        ledger: () => this.#parts?.ledger,
        blockAt: (at) => this.#ifReadable(() => this.store.block(height(at))),
        attestationOf: (size) => this.#ifReadable(() => this.store.attestation(size)),
        broadcast: (message) => {
          for (const peer of this.#connected) this.#send(peer, 'control', message)
        },
        send: (to, message) => this.#send(to, 'control', message),
        submit: (jws, done) => this.submit(jws, done),
      },
    )
  }

  #assemble(found: Started, vouching: Vouching, attested: Attestation | undefined, intake: Intake): Parts {
    const { member, node } = this.#options
    const { clock, random, signer, log } = this.#ports
    const { ledger, incarnation } = found
    const { rules } = ledger
    const turn = this.#turn
    const epoch = epochOf(rules)
    const members = epoch.members.map(({ id }) => id)
    const ownKid = kidOf(signer.publicKey('cosign')!)
    const { quorum } = epoch
    const { electionTimeoutMs, stalledTimeoutsMax } = rules.genesis.parameters
    const send = (to: MemberId, message: WireMessage): void => this.#send(to, 'control', message)
    const raft = new Raft(
      {
        self: member,
        members,
        start: epoch.start.block,
        electionTimeoutTicks: Math.max(2, Math.round(electionTimeoutMs / tickMs)),
        heartbeatTicks: 2,
        windowBytes: replicationWindowBytes,
        stallTimeouts: stalledTimeoutsMax,
        below: (limit) => random.below(limit),
      },
      found.durable,
    )
    const leading: () => { term: typeof raft.term; tipId: string; uncommittedBlocks: number } | undefined = () =>
      raft.role === 'leader'
        ? { term: raft.term, tipId: raft.tail.id, uncommittedBlocks: raft.tail.height - raft.commit }
        : undefined
    const sealing: Sealing = new Sealing(
      { member },
      {
        clock,
        signer,
        ledger,
        vouching,
        evidence: this.#evidence,
        read: this.#items.read,
        log,
        turn,
        leading,
        propose: (block: Block, execution: Execution) => {
          ledger.keep(block, execution)
          raft.propose(metaOf(block))
        },
        attestation: () => cosigning.attested,
      },
    )
    const cosigning: Cosigning = new Cosigning(
      { self: member, quorum, attestedBefore: epoch.number === 0 ? 0 : epoch.start.size },
      { register: found.head.register, attested, committed: headOf(ledger.committed) },
      {
        clock,
        signer,
        cycle: this.#cycle,
        store: this.store,
        vouching,
        log,
        turn,
        broadcast: (message) => {
          for (const peer of members) send(peer, message)
        },
        send,
        saveRegister: () => this.#saveHead(parts),
        isCommitted: (at, id) => this.#isCommitted(parts, at, id),
        onAttested: (attestation) => {
          this.#events.onAttested?.(attestation)
          this.#stopBeforeUnknownRules(parts)
          sealing.trySeal()
          this.#endEpochIfOver()
        },
        onHeard: (from, { time, signature, ...head }) =>
          this.#evidence.suspect(vouching.cosignatureCheck(from, head, time, signature)),
        onCosigned: (from, size) => fencing.saw(from, { registeredSize: size }),
      },
    )
    const carryOut = (): void => this.#carryOut()
    const checking = new Checking({ clock, raft, ledger, vouching, evidence: this.#evidence, log, turn, carryOut })
    const catchUp = new CatchUp({
      clock,
      raft,
      ledger,
      store: this.store,
      vouching,
      log,
      turn,
      send,
      unacknowledged: (to) => this.#ports.network.unacknowledged(to, 'bulk'),
      peers: () => [...this.#connected],
      onDamaged: (at) => repair.want(at),
      follows: () => !this.#isMember || this.#refounded || fencing.newestEpochSeen > epoch.number,
      attestation: () => cosigning.attested,
      onAttestation: (attestation) => cosigning.receiveAttestation(attestation),
      halt: (reason) => this.#halt(reason),
    })
    const repair: Repair = new Repair({
      clock,
      ledger,
      store: this.store,
      vouching,
      log,
      turn,
      send,
      peers: () => [...this.#connected],
      onChange: () => this.#permitSigning(),
    })
    const fencing = new Fencing(
      {
        epoch: epoch.number,
        registeredSince: newestRefounded(epoch),
        nodes: new Map(epoch.members.map((other) => [other.id, other.node.id])),
        node,
        quorum,
        incarnation,
        nonce: random.bytes(16),
      },
      {
        cycle: this.#cycle,
        log,
        turn,
        send,
        standing: () => ({
          term: found.durable.vote.term,
          lock: { term: found.durable.lock.block.term, height: found.durable.lock.block.height },
          registeredSize: found.head.register.size,
        }),
        onStored: () => {
          this.#unconfirmed = false
          this.#permitSigning()
        },
        onRefused: () => {
          // They hold what I signed and do not know of: this disk is older than my word (rules 17 and 18), and no later start of it is younger.
          this.#retired = true
          log.error('retired')
          this.#cycle.put(retiredKey, new Uint8Array())
          this.#permitSigning()
        },
      },
    )
    const lateBatches = new LateBatches(
      { self: member, peers: members.filter((id) => id !== member) },
      {
        clock,
        raft,
        ledger,
        vouching,
        sealing,
        evidence: this.#evidence,
        intake,
        read: this.#items.read,
        isFrozen: () => this.#isFrozen,
        send: (to, message) => this.#send(to, 'append', message),
        turn,
      },
    )
    const tail = raft.tail
    const parts: Parts = {
      raft,
      ledger,
      sealing,
      cosigning,
      intake,
      checking,
      catchUp,
      repair,
      fencing,
      lateBatches,
      vouching,
      isMember: epoch.members.some(
        ({ id, node: listed }) => id === member && listed.id === node && listed.cosign === ownKid,
      ),
      incarnation,
      last: { term: tail.term, height: tail.height, id: tail.id },
      lock: raft.lock,
    }
    return parts
  }
}

/** Nothing is wrong with what we know, and starting again changes nothing. */
const wantsAPerson = (error: unknown): error is UnknownRules | StartUpFailed =>
  error instanceof UnknownRules || error instanceof StartUpFailed

/** For the operator: what the disk does is said in one line, what we do wrong with its place. */
function reasonOf(error: unknown): string {
  if (wantsAPerson(error)) return error.message
  if (error instanceof DiskReadFailed) return `a row cannot be read: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Reads whose answer is still out: beyond this the oldest is given up, and its asker's own time-out answers it. */
const readsMax = 1_024

interface Parts {
  readonly raft: Raft
  readonly ledger: Ledger
  readonly sealing: Sealing
  readonly cosigning: Cosigning
  readonly intake: Intake
  readonly checking: Checking
  readonly catchUp: CatchUp
  readonly repair: Repair
  readonly fencing: Fencing
  readonly lateBatches: LateBatches
  readonly vouching: Vouching
  /** This node is in the list, with the key that it cosigns with: not another of its organisation, nor itself before a re-founding. */
  readonly isMember: boolean
  readonly incarnation: number
  /** Watermark: the newest block that is on disk or in the write cycle. */
  last: BlockRef
  lock: LockState
}

/** Blocks and batches never stand in the way of a vote or a heartbeat; catch-up in the way of neither. */
function laneOf(lane: Lane, message: WireMessage): Lane {
  return message.kind === 'blocks-request' || message.kind === 'blocks-response' || message.kind === 'fault'
    ? 'bulk'
    : lane
}

/** 0 when no epoch up to this one was re-founded. */
function newestRefounded(epoch: Epoch): number {
  let at: Epoch | undefined = epoch
  while (at !== undefined && at.refounding === undefined) at = at.previous
  return at?.number ?? 0
}

const headOf = ({ block, frontier, root }: ChainPoint): Head => ({
  size: frontier.size,
  root,
  height: block.height,
  id: block.id,
})

/** The block at a height below `tip` on its chain of executed blocks. */
function refAt(ledger: Ledger, tip: BlockRef, at: Height): BlockRef {
  let ref = tip
  while (ref.height > at) {
    const executed = ledger.executed(ref.id)
    if (executed === undefined) throw new Error(`block ${ref.height} above the committed one was executed here`)
    const parent = ledger.point(executed.block.header.parent)
    if (parent === undefined) throw new Error(`the parent of block ${ref.height} was executed here`)
    ref = parent.block
  }
  return { term: ref.term, height: ref.height, id: ref.id }
}
