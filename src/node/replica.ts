/**
 * The node's loop: it joins the pure parts — chain and consensus core — to disk, clock, network, signer and verifier, all of them ports. An
 * event comes in, calls go out, every completion comes back as an event; at the end of each event the core's effects are carried out in
 * order (driver.ts) and the write cycle is flushed. There is no `await` here: the simulator runs this very class. Which parts there
 * are, parts.ts says; here they are started, told of each event, and exchanged for those of the next epoch when one ends.
 */
import { assert } from '../chain/assert.ts'
import type { Attestation } from '../chain/block.ts'
import type { AboutBox } from '../chain/catalogue/box-life.ts'
import type { UnknownAhead } from '../chain/catalogue/catalogue.ts'
import { CborError } from '../chain/cbor.ts'
import type { BlockRef } from '../chain/certificate.ts'
import { type Epoch, readyMessage } from '../chain/epoch.ts'
import { type ChainRules, epochOf, UnknownRules } from '../chain/execution.ts'
import type { Height } from '../chain/numbers.ts'
import { decodeRefounding } from '../chain/refounding.ts'
import { Refusal } from '../chain/refusal.ts'
import type { MemberId } from '../consensus/message.ts'
import type { Raft } from '../consensus/raft.ts'
import type { BlockStore } from './block-store.ts'
import type { BoxKeeper, DepositResult } from './box-keeper.ts'
import { DiskReadFailed } from './disk-failure.ts'
import { type EpochStart, epochParts } from './epoch-parts.ts'
import type { KeptFault } from './evidence.ts'
import type { IntakeResult, Pending } from './intake.ts'
import { lastingParts, newIntake } from './lasting-parts.ts'
import type { Executed, Ledger } from './ledger.ts'
import { diskLateTimeouts, freeDiskMin, tickMs } from './limits.ts'
import type { EpochParts, LastingParts, Loop } from './parts.ts'
import type { Ports, SignatureCheck } from './ports.ts'
import { keepRefounding, refoundingFrom } from './refoundings.ts'
import { seldomLog } from './seldom-log.ts'
import { enterEpoch, StartUpFailed, startUp } from './start-up.ts'
import { Vouching } from './vouching.ts'

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
  readonly #loop: Loop
  readonly #lasting: LastingParts
  #parts: EpochParts | undefined
  #inTurn = false
  #stopped = false
  #failed = false
  #cancelTick: (() => void) | undefined
  /** An epoch has ended and the next is not begun: nothing is heard, said or signed in between. */
  #betweenEpochs = false
  /** When the disk was asked for a sign of life that has not come yet. */
  #diskAskedAt: number | undefined
  readonly #reads = new Map<number, (height: Height) => void>()
  #readContext = 0

  constructor(options: ReplicaOptions, ports: Ports, events: ReplicaEvents = {}) {
    this.#options = options
    this.#ports = { ...ports, log: seldomLog(ports.log, ports.clock) }
    this.#events = events
    this.#loop = this.#newLoop()
    this.#lasting = lastingParts(options, options.rules.context, this.#ports, this.#loop)
  }

  #newLoop(): Loop {
    return {
      turn: this.#turn,
      guard: this.#guard,
      carryOut: () => this.#carryOut(),
      parts: () => this.#parts,
      running: () => this.#running,
      connected: this.#connected,
      readIndex: (done) => this.readIndex(done),
      onReadReady: (context, height) => {
        this.#reads.get(context)?.(height)
        this.#reads.delete(context)
      },
      onCommitted: (executed) => this.#events.onCommitted?.(executed),
      onAttested: (attestation) => this.#events.onAttested?.(attestation),
      onRefounding: (from, bytes) => this.#onRefounding(from, bytes),
      endEpochIfOver: () => this.#endEpochIfOver(),
    }
  }

  /** Reads the disk, stores the new incarnation, then opens for peers. @throws {StartUpFailed} at once or not at all */
  start(started: () => void): void {
    const { evidence, head, boxes, rulesAhead } = this.#lasting
    startUp(this.#options.rules, this.#startUpDependencies, (found) => {
      const vouching = this.#vouchingOf(found.ledger)
      this.#newestAttestation(found.ledger, vouching, (attested) => {
        const intake = newIntake(this.#options, found.head.journalChanges, this.#lasting, this.#ports, this.#loop)
        this.#enter({ found, vouching, attested, intake }, found.head.commit)
        head.recovering(found.missingUpTo)
        intake.restore((lost) => {
          boxes.resume(lost)
          intake.begin(found.incarnation)
          this.#ports.network.start({
            onMessage: (peer, _lane, bytes, release) => this.#turn(() => this.#onMessage(peer, bytes, release)),
            onPeer: (peer, up) => this.#turn(() => this.#onPeer(peer, up)),
          })
          this.#turn(() => {
            this.#running.fencing.start()
            evidence.restore()
            rulesAhead.notice(found.ledger)
            this.#endEpochIfOver()
          })
          this.#scheduleTick()
          started()
        })
      })
    })
  }

  get #startUpDependencies() {
    const { disk, cycle, store, items } = this.#lasting
    return { disk, cycle, store, read: items.read, log: this.#ports.log }
  }

  #vouchingOf({ rules }: Ledger): Vouching {
    const { items, evidence } = this.#lasting
    const onGood = (check: SignatureCheck): void => evidence.note(check)
    return new Vouching(rules, { verifier: this.#ports.verifier, items, onGood })
  }

  /** Makes the parts of an epoch. `committed`: what this node knew to be committed before it. */
  #enter(start: EpochStart, committed: Height): EpochParts {
    const { head, permit } = this.#lasting
    this.#parts?.driver.end()
    const parts = epochParts(this.#options, start, this.#lasting, this.#ports, this.#loop)
    const { raft, ledger } = parts
    const { term, height, id } = raft.tail
    this.#parts = parts
    head.begin({ last: { term, height, id }, lock: raft.lock, commit: committed })
    permit.begin(ledger.refounded !== undefined)
    return parts
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
    const { cycle, head, permit } = this.#lasting
    head.end()
    permit.end()
    this.#running.checking.close()
    // The block and its attestation are on the disk before a file says that the next epoch has begun.
    cycle.whenDurable(() => this.#turn(() => this.#beginEpoch(next)))
  }

  #beginEpoch(next: Epoch): void {
    const { ledger, cosigning, intake, incarnation } = this.#running
    const { register } = cosigning
    const { last } = this.#lasting.head
    const now = { incarnation, register, last: last.height, journalChanges: intake.journal.changes }
    enterEpoch(ledger, this.#startUpDependencies, now, (found) =>
      this.#turn(() => {
        const shown = next.refounding === undefined ? undefined : decodeRefounding(next.refounding).attestation
        const vouching = this.#vouchingOf(found.ledger)
        const attested = shown ?? cosigning.attested
        const parts = this.#enter({ found, vouching, attested, intake }, next.start.block.height)
        this.#betweenEpochs = false
        intake.begin(found.incarnation)
        const members = next.members.map(({ id }) => id)
        this.#ports.log.info('epoch', { epoch: next.number, height: next.start.block.height, members })
        for (const peer of this.#connected) {
          parts.fencing.greet(peer)
          parts.raft.peerChanged(peer, true)
        }
        parts.fencing.start()
      }),
    )
  }

  /**
   * Rule 22: a member of an old quorum that comes back is shown that the others have gone on without it. It signs nothing more, keeps the
   * certificate and ends; the next start undoes what is void, and goes on in the new epoch, if it is listed there.
   */
  #onRefounding(from: MemberId, bytes: Uint8Array): void {
    const { ledger } = this.#running
    const { cycle, permit } = this.#lasting
    if (permit.isRefounded) return
    try {
      const refounding = refoundingFrom(bytes, ledger.rules)
      if (refounding.epoch !== epochOf(ledger.rules).number + 1) return
      keepRefounding(refounding, cycle)
      permit.refound()
      this.#ports.log.warn('refounded', { member: from, epoch: refounding.epoch, size: refounding.start.size })
      cycle.whenDurable(() =>
        this.#turn(() => {
          throw new StartUpFailed('node.refounded', `governance has begun epoch ${refounding.epoch}: start again`)
        }),
      )
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof CborError)) throw error
      this.#ports.log.warn('refounding bad', { member: from, reason: error.message })
    }
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
      const { cycle } = this.#lasting
      if (!cycle.idle) cycle.whenDurable(() => undefined)
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

  get store(): BlockStore {
    return this.#lasting.store
  }

  get boxes(): BoxKeeper {
    return this.#lasting.boxes
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
    return this.#parts !== undefined && this.#lasting.head.isBehindItself
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
    return this.#lasting.evidence.faults
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
      const reasons = this.#lasting.permit.reasons.filter(
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
    const codes = this.#lasting.permit.reasons
    if (this.isBehindItself && !codes.includes('node.recovering')) codes.push('node.recovering')
    if (this.#parts?.isFrozen() === true) codes.push('node.key-frozen')
    if (this.#ports.disk.freeBytes() < freeDiskMin) codes.push('node.disk-full')
    if (this.#parts?.catchUp.active === true) codes.push('ledger.catching-up')
    if (this.rulesAhead !== undefined) codes.push('ledger.rules-unknown')
    const { members, quorum } = this.#parts === undefined ? epochOf(this.#options.rules) : this.epoch
    const up = members.filter(({ id }) => id === this.#options.member || this.#connected.has(id)).length
    if (up < quorum) codes.push('ledger.no-quorum')
    else if (this.#parts?.raft.leader === null && this.#parts.isMember) codes.push('ledger.no-leader')
    return codes
  }

  /** Record types that are scheduled and that this software does not know: before the first of them comes into force this node stops. */
  get rulesAhead(): UnknownAhead | undefined {
    return this.#parts === undefined ? undefined : this.#lasting.rulesAhead.of(this.#parts.ledger)
  }

  /** Calls back with a height that was committed when this was asked: whoever has applied it reads nothing stale, unless the leader lies. */
  readIndex(done: (height: Height) => void): void {
    this.#turn(() => {
      const context = ++this.#readContext
      this.#reads.set(context, done)
      if (this.#reads.size > readsMax) this.#reads.delete(this.#reads.keys().next().value!)
      this.#running.raft.readIndex(context)
    })
  }

  get #running(): EpochParts {
    assert(this.#parts !== undefined, 'the node has read its disk')
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
      this.#lasting.cycle.flush()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#inTurn = false
    }
  }

  #carryOut(): void {
    if (this.#parts !== undefined && !this.#betweenEpochs) this.#parts.driver.carryOut()
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
    const { permit, evidence, boxes } = this.#lasting
    this.#watchDisk()
    repair.tick()
    checking.tick()
    raft.tick()
    cosigning.tick()
    catchUp.tick()
    fencing.saveSeen()
    if (permit.isGiven) evidence.tick()
    intake.onTick()
    boxes.onTick()
    lateBatches.tick()
    sealing.trySeal()
  }

  #onPeer(peer: MemberId, up: boolean): void {
    const { raft, fencing, catchUp, checking, intake } = this.#running
    if (up) {
      this.#connected.add(peer)
      if (this.#betweenEpochs) return // greeted when it begins
      fencing.greet(peer)
      this.#lasting.evidence.onPeerUp(peer)
      // Batches that were on the way when the connection broke are lost.
      if (peer === raft.leader) intake.resend()
    } else {
      this.#connected.delete(peer)
      catchUp.onPeerDown(peer)
      checking.onPeerDown(peer)
    }
    raft.peerChanged(peer, up)
  }

  #onMessage(from: MemberId, bytes: Uint8Array, release: () => void): void {
    if (this.#betweenEpochs) return release()
    this.#running.inbox.receive(from, bytes, release)
  }

  /** Rule 12: heartbeats do not wait for the disk, so a leader must notice by itself that its disk does not answer. */
  #watchDisk(): void {
    const { cycle } = this.#lasting
    const now = this.#ports.clock.monotonic()
    const { electionTimeoutMs } = this.#options.rules.genesis.parameters
    if (this.#diskAskedAt !== undefined) {
      if (now - this.#diskAskedAt > diskLateTimeouts * electionTimeoutMs)
        this.#running.raft.cannotLead('the disk is late')
    } else if (!cycle.idle) {
      this.#diskAskedAt = now
      cycle.whenDurable(() => {
        this.#diskAskedAt = undefined
      })
    }
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
