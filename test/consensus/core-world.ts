/**
 * A whole network of consensus cores in one deterministic run: seeded delays, slow disks, connections that break, partitions, crashes,
 * pauses and liars, with the invariants asserted after every event. The driver here does exactly what effect.ts asks of a driver and
 * nothing more; what it leaves out is everything that is not order: bytes, signatures (facts instead), batches, cosigning.
 */
import type { BlockCertificate, Certificate, Signable } from '../../src/chain/certificate.ts'
import type { Height } from '../../src/chain/numbers.ts'
import type { Effect } from '../../src/consensus/effect.ts'
import {
  type BlockMeta,
  compareRanks,
  type MemberId,
  type Message,
  signedMessage,
} from '../../src/consensus/message.ts'
import { type AdoptionProof, Raft } from '../../src/consensus/raft.ts'
import { Evidence, hold } from './evidence.ts'
import { Chance, genesis, genesisLock, refTo, signatureOf, unvoted } from './facts.ts'
import { Liar } from './liar.ts'
import type { Disk, Payload } from './payload.ts'

export interface WorldOptions {
  readonly seed: number
  readonly memberCount: number
  /** Members that lie, taken from the end of the list; at most f for the invariants to hold. */
  readonly liarCount?: number
  readonly electionTimeoutTicks?: number
  readonly heartbeatTicks?: number
  readonly windowBytes?: number
  readonly tickMs?: number
  /** One-way, uniform in this range. */
  readonly delayMs?: readonly [number, number]
  readonly diskMs?: readonly [number, number]
  /** Messages lost without the connection noticing, per mille. TCP does not do this; the rules must bear it. */
  readonly lossPermille?: number
  readonly blocksInFlightMax?: number
  readonly verbose?: boolean
  /** Their names, as many as `memberCount`; letters if nothing is said. */
  readonly names?: readonly MemberId[]
  /** Members that run the core like everybody and say, besides, what a script tells them to: nothing they sign is held against us. */
  readonly scriptedLiars?: readonly MemberId[]
  /** Nothing starts and no time passes by itself: whoever drives the world says when. */
  readonly byHand?: boolean
}

/** What a crash leaves; drawn where nothing is said. */
export interface CrashFate {
  /** How many of the writes in flight reached the disk. */
  readonly keptWrites?: number
  /** By how many blocks the commit on disk is behind. */
  readonly forgottenCommits?: number
}

interface Connection {
  up: boolean
  /** What was sent before the connection broke never arrives. */
  generation: number
}

/** One honest member: the core, its disk, and the driver's own memory. */
export class CoreNode {
  readonly id: MemberId
  readonly disk: Disk = { vote: unvoted, lock: genesisLock, chain: [genesis], commit: 0 as Height }
  raft: Raft | null = null
  up = false
  paused = false
  incarnation = 0
  /** The chain as effects have made it, durable or not. */
  chain: BlockMeta[] = [genesis]
  readonly inbox: (() => void)[] = []
  /** Writes not durable yet, in order. */
  writes: ((disk: Disk) => void)[] = []
  flushing = false
  /** The disk takes no write until released. */
  diskHeld = false
  writtenCount = 0
  durableCount = 0
  /** What must not leave before a write is durable, in order. */
  held: { readonly after: number; readonly run: () => void }[] = []
  draining = false
  fetching = new Map<string, number>()
  itemsInChain = new Set<number>()
  /** Every item below this is in the chain. */
  itemsFrom = 0
  leadsFrom: { readonly term: number; readonly baseId: string } | null = null
  /** True from the switch of chain that a crash cut short until the lock is on the chain again. */
  lockAdrift = false
  lastTerm = 0
  lastCommit = 0
  lastLock = genesisLock
  reads: { readonly context: number; readonly height: number }[] = []
  halted: string | null = null
  readonly roleReasons: string[] = []

  constructor(id: MemberId) {
    this.id = id
  }

  get core(): Raft {
    hold(this.raft !== null, `${this.id} is not running`)
    return this.raft
  }
}

export class World {
  readonly options: WorldOptions
  readonly members: readonly MemberId[]
  readonly honest: readonly CoreNode[]
  readonly liars: readonly Liar[]
  readonly evidence: Evidence
  readonly chance: Chance
  now = 0
  lossPermille: number
  delayMs: readonly [number, number]
  diskMs: readonly [number, number]
  /** Crash whoever drops a certified block for a higher one, about when it is half on disk. */
  crashInSwitch = false
  /** How often something happened: a class of fault or of behaviour that no run reaches is not tested. */
  readonly counts = new Map<string, number>()
  /** A digest of everything that happened, in order. */
  traceHash = 0
  readonly #nodes = new Map<MemberId, CoreNode>()
  readonly #liarsById = new Map<MemberId, Liar>()
  readonly #connections = new Map<string, Connection>()
  readonly #blockedLinks = new Set<string>()
  readonly #lastArrival = new Map<string, number>()
  readonly #queue = new EventQueue()
  #blockSerial = 0
  /** Work that clients have handed in, and what each block carries of it. */
  itemCount = 0
  readonly #itemsOf = new Map<string, readonly number[]>()
  readonly reads = new Map<number, { readonly floor: number; tainted: boolean; height?: number }>()
  #contextSerial = 0

  constructor(options: WorldOptions) {
    this.options = options
    this.chance = new Chance(options.seed)
    this.lossPermille = options.lossPermille ?? 0
    this.delayMs = options.delayMs ?? [1, 20]
    this.diskMs = options.diskMs ?? [1, 8]
    this.members = options.names ?? Array.from({ length: options.memberCount }, (_, i) => String.fromCharCode(97 + i))
    const honestCount = options.memberCount - (options.liarCount ?? 0)
    const liarIds = this.members.slice(honestCount)
    this.evidence = new Evidence(this.members, new Set([...liarIds, ...(options.scriptedLiars ?? [])]))
    this.honest = this.members.slice(0, honestCount).map((id) => new CoreNode(id))
    this.liars = this.members.slice(honestCount).map((id) => new Liar(this, id))
    for (const node of this.honest) this.#nodes.set(node.id, node)
    for (const liar of this.liars) this.#liarsById.set(liar.id, liar)
    for (const a of this.members) {
      for (const b of this.members) if (a < b) this.#connections.set(a + b, { up: true, generation: 0 })
    }
    if (options.byHand === true) return
    for (const node of this.honest) this.start(node)
    for (const liar of this.liars) this.#tickLiar(liar)
  }

  node(id: MemberId): CoreNode {
    return this.#nodes.get(id)!
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  log(...what: unknown[]): void {
    if (this.options.verbose) console.log(String(this.now).padStart(6), ...what)
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  after(ms: number, run: () => void): void {
    this.#queue.push(this.now + ms, run)
  }

  run(forMs: number): void {
    this.runUntil(() => false, forMs)
  }

  /** Runs until the condition holds, and says whether it did before the time was up. */
  runUntil(condition: () => boolean, withinMs: number, everyEvents = 10): boolean {
    const end = this.now + withinMs
    let checks = 0
    while (this.#queue.size > 0 && this.#queue.nextAt() <= end) {
      this.now = this.#queue.nextAt()
      this.#queue.pop()()
      // Looking at every tenth event is mostly soon enough, and keeps the harness out of the profile.
      if (++checks % everyEvents === 0 && condition()) return true
    }
    this.now = end
    return condition()
  }

  /** Throws unless the condition comes true in time; time is in election time-outs. */
  reach(what: string, condition: () => boolean, timeouts = 40): void {
    const reached = this.runUntil(condition, timeouts * this.timeoutMs)
    hold(reached, `not reached within ${timeouts} time-outs: ${what}\n${this.describe()}`)
  }

  get timeoutMs(): number {
    return (this.options.electionTimeoutTicks ?? 10) * this.#tickMs
  }

  get #tickMs(): number {
    return this.options.tickMs ?? 20
  }

  describe(): string {
    const lines = this.honest.map((node) => {
      if (node.raft === null) return `${node.id} down, term ${node.disk.vote.term}, tail ${node.disk.chain.at(-1)!.id}`
      const { role, term, leader, commit, tail, lock } = node.raft
      return `${node.id} ${role} term ${term} leader ${leader} commit ${commit} lock ${lock.block.id} tail ${tail.id}${node.halted === null ? '' : ` HALTED ${node.halted}`}`
    })
    return lines.join('\n')
  }

  // ── starting and stopping ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #coreOptions(id: MemberId) {
    return {
      self: id,
      members: this.members,
      start: refTo(genesis),
      electionTimeoutTicks: this.options.electionTimeoutTicks ?? 10,
      heartbeatTicks: this.options.heartbeatTicks ?? 2,
      windowBytes: this.options.windowBytes ?? 1_000,
      stallTimeouts: 3,
      below: this.chanceOf(id),
    }
  }

  /** What this member draws its time-outs from. */
  protected chanceOf(_id: MemberId): (limit: number) => number {
    return this.chance.below
  }

  coreFor(id: MemberId, disk: Disk): Raft {
    const { vote, lock, chain, commit } = disk
    const oldest = Math.max(0, commit - this.chance.below(3))
    return new Raft(this.#coreOptions(id), { vote, lock, commit, blocks: chain.slice(oldest) })
  }

  start(node: CoreNode, signingAllowed = true): void {
    hold(!node.up, `${node.id} runs already`)
    node.incarnation++
    node.up = true
    node.chain = [...node.disk.chain]
    node.itemsFrom = 0
    node.itemsInChain = new Set(node.chain.flatMap((block) => this.#itemsOf.get(block.id) ?? []))
    node.writes = []
    node.held = []
    node.flushing = false
    node.draining = false
    node.fetching.clear()
    node.writtenCount = 0
    node.durableCount = 0
    // What was raised in memory only is lost lawfully: nothing was signed on it.
    node.lastCommit = node.disk.commit
    node.lastTerm = node.disk.vote.term
    node.lastLock = node.disk.lock
    node.raft = this.coreFor(node.id, node.disk)
    node.lockAdrift = !node.raft.has(node.disk.lock.block)
    if (node.lockAdrift) this.count('start with the lock off the chain')
    this.act(node, (raft) => raft.allowSigning(signingAllowed))
    if (this.options.byHand === true) return
    const { incarnation } = node
    const tick = () => {
      if (node.incarnation !== incarnation || !node.up) return
      if (!node.paused) this.act(node, (raft) => raft.tick())
      if (node.raft?.role === 'leader') this.#proposeIfWork(node)
      this.after(this.#tickMs, tick)
    }
    this.after(this.chance.below(this.#tickMs), tick)
  }

  /** Whatever was not durable is lost from some write on: the disk keeps a prefix. */
  crash(node: CoreNode, fate: CrashFate = {}): void {
    if (!node.up) return
    this.count('crash')
    const kept = fate.keptWrites ?? this.chance.below(node.writes.length + 1)
    for (const write of node.writes.slice(0, kept)) write(node.disk)
    node.disk.commit = Math.max(0, node.disk.commit - (fate.forgottenCommits ?? this.chance.below(4))) as Height
    node.up = false
    node.paused = false
    node.diskHeld = false
    node.inbox.length = 0
    node.raft = null
    node.incarnation++
    this.log(node.id, 'crashes')
    for (const other of this.members) if (other !== node.id) this.#break(node.id, other)
  }

  #crashShortly(node: CoreNode): void {
    this.crash(node)
    this.after(this.chance.below(300), () => this.restart(node))
  }

  restart(node: CoreNode, signingAllowed = true): void {
    if (node.up) return
    this.count('restart')
    this.log(node.id, 'restarts')
    this.start(node, signingAllowed)
    for (const other of this.members) {
      if (other !== node.id) this.after(this.chance.between(1, 60), () => this.connect(node.id, other))
    }
  }

  pause(node: CoreNode): void {
    if (node.up) node.paused = true
  }

  resume(node: CoreNode): void {
    node.paused = false
    for (const deliver of node.inbox.splice(0)) deliver()
  }

  #tickLiar(liar: Liar): void {
    liar.tick()
    this.after(this.#tickMs, () => this.#tickLiar(liar))
  }

  // ── the network ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #connection(a: MemberId, b: MemberId): Connection {
    return this.#connections.get(a < b ? a + b : b + a)!
  }

  /** What is in flight is gone, in both directions, and both ends are told. */
  disconnect(a: MemberId, b: MemberId): void {
    this.count('disconnect')
    this.#break(a, b)
  }

  #break(a: MemberId, b: MemberId): void {
    const connection = this.#connection(a, b)
    if (!connection.up) return
    connection.up = false
    connection.generation++
    this.onBroken(a, b)
    this.#tellPeer(a, b, false)
    this.#tellPeer(b, a, false)
  }

  protected onBroken(_a: MemberId, _b: MemberId): void {}

  connect(a: MemberId, b: MemberId): void {
    const connection = this.#connection(a, b)
    if (connection.up || !this.#isUp(a) || !this.#isUp(b)) return
    connection.up = true
    this.#tellPeer(a, b, true)
    this.#tellPeer(b, a, true)
  }

  #isUp(id: MemberId): boolean {
    return this.#nodes.get(id)?.up ?? true
  }

  #tellPeer(id: MemberId, peer: MemberId, up: boolean): void {
    const node = this.#nodes.get(id)
    if (node !== undefined) this.act(node, (raft) => raft.peerChanged(peer, up))
  }

  /** Everything from a to b vanishes, unnoticed; the other direction is another link. */
  block(a: MemberId, b: MemberId): void {
    this.#blockedLinks.add(a + b)
  }

  unblock(a: MemberId, b: MemberId): void {
    this.#blockedLinks.delete(a + b)
  }

  /** Cuts the members into two groups that do not hear each other. */
  partition(group: readonly MemberId[], oneWay = false): void {
    this.count(oneWay ? 'one-way partition' : 'partition')
    for (const a of group) {
      for (const b of this.members) {
        if (group.includes(b)) continue
        this.block(a, b)
        if (!oneWay) this.block(b, a)
      }
    }
  }

  healLinks(): void {
    this.#blockedLinks.clear()
    for (const a of this.members) for (const b of this.members) if (a < b) this.connect(a, b)
  }

  isConnected(a: MemberId, b: MemberId): boolean {
    return this.#connection(a, b).up
  }

  /** What is sent now gets through, if nothing happens to it on the way. */
  protected isOpen(from: MemberId, to: MemberId): boolean {
    return this.#connection(from, to).up && !this.#blockedLinks.has(from + to)
  }

  send(from: MemberId, to: MemberId, payload: Payload): void {
    const connection = this.#connection(from, to)
    if (!this.isOpen(from, to)) return
    if (this.lossPermille > 0 && this.chance.permille(this.lossPermille)) return
    const { generation } = connection
    // Messages, blocks and fetches travel in lanes of their own: in order within one, in any order between them.
    const lane = `${from}${to}${payload.kind === 'message' ? 'm' : payload.kind === 'blocks' ? 'b' : 'f'}`
    const at = Math.max(this.#lastArrival.get(lane) ?? 0, this.now + this.chance.between(...this.delayMs))
    this.#lastArrival.set(lane, at)
    this.after(at - this.now, () => {
      if (connection.generation !== generation || this.#blockedLinks.has(from + to)) return
      const liar = this.#liarsById.get(to)
      if (liar !== undefined) liar.receive(from, payload)
      else this.deliver(this.#nodes.get(to)!, from, payload)
    })
  }

  protected deliver(node: CoreNode, from: MemberId, payload: Payload): void {
    switch (payload.kind) {
      case 'message': {
        const { message } = payload
        const isLiar = this.evidence.isLiar(from)
        if (isLiar && !isGenuineMessage(this.evidence, from, message)) return
        this.act(node, (raft) => {
          // No claim is made for a read that a liar answers.
          const read = isLiar && message.kind === 'read-reply' ? this.reads.get(message.context) : undefined
          if (read !== undefined) read.tainted = true
          raft.receive(from, message)
        })
        return
      }
      case 'blocks':
        for (const block of payload.blocks) {
          // Rule 9, as far as it exists here: the sender sealed it. A certified chain is checked in `fetched`.
          if (this.evidence.sealers.get(block.id) !== from) return
          this.act(node, (raft) => raft.accept(from, block))
        }
        return
      case 'fetch': {
        if (!node.up || node.paused) return
        const target = payload.certificate.signed.block
        if (node.chain[target.height]?.id !== target.id) return
        const blocks = node.chain.slice(payload.from, target.height + 1)
        const proof: AdoptionProof = { kind: 'certificate', certificate: payload.certificate }
        this.send(node.id, from, { kind: 'fetched', blocks, proof })
        return
      }
      case 'fetched': {
        const target = payload.blocks.at(-1)
        if (target === undefined) return
        node.fetching.delete(target.id)
        this.act(node, (raft) => {
          this.count(raft.adopt(payload.blocks, payload.proof) ? 'adopt' : 'adopt refused')
        })
        return
      }
    }
  }

  // ── the driver ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives the core an event, carries out what it asks, and checks what must hold. */
  act(node: CoreNode, event: (raft: Raft) => void): void {
    if (!node.up || node.halted !== null) return
    if (node.paused) {
      node.inbox.push(() => this.act(node, event))
      return
    }
    event(node.core)
    for (const effect of node.core.takeEffects()) this.#carryOut(node, effect)
    this.#check(node)
  }

  #carryOut(node: CoreNode, effect: Effect): void {
    this.trace(node, effect)
    switch (effect.kind) {
      case 'save-vote':
        hold(effect.vote.term >= node.lastTerm, `${node.id}: its term falls`)
        node.lastTerm = effect.vote.term
        return this.#write(node, (disk) => {
          disk.vote = effect.vote
        })
      case 'save-lock':
        hold(compareRanks(effect.lock.block, node.lastLock.block) >= 0, `${node.id}: the rank of its lock falls`)
        hold(
          effect.lock.certificate === undefined || this.evidence.isGenuine(effect.lock.certificate),
          `${node.id}: a lock on a certificate that is none`,
        )
        return this.#write(node, (disk) => {
          disk.lock = effect.lock
        })
      case 'append': {
        const { block } = effect
        hold(block.height === node.chain.length && block.parent === node.chain.at(-1)!.id, `${node.id}: a gap`)
        node.chain.push(block)
        for (const item of this.#itemsOf.get(block.id) ?? []) node.itemsInChain.add(item)
        return this.#write(node, (disk) => {
          disk.chain.push(block)
        })
      }
      case 'truncate': {
        hold(effect.above >= node.lastCommit, `${node.id}: truncates what is committed`)
        this.count('truncate')
        if (effect.above < node.lastLock.block.height) {
          this.count('switch off a lock')
          if (this.crashInSwitch) this.after(this.chance.below(this.diskMs[1] + 1), () => this.#crashShortly(node))
        }
        node.itemsFrom = 0
        for (const block of node.chain.splice(effect.above + 1)) {
          for (const item of this.#itemsOf.get(block.id) ?? []) node.itemsInChain.delete(item)
        }
        return this.#write(node, (disk) => {
          disk.chain.length = Math.min(disk.chain.length, effect.above + 1)
        })
      }
      case 'sign': {
        const { signable } = effect
        if (signable.kind === 'lock') {
          hold(signable.block.term === node.lastTerm, `${node.id}: LOCK of ${signable.block.id} in another term`)
        }
        return this.#whenDurable(node, () => {
          this.#checkDurable(node, signable)
          this.evidence.signed(node.id, signable)
          this.onSigned(node, signable)
          const message = signedMessage(signable, signatureOf(node.id))
          this.act(node, (raft) => raft.receive(node.id, message))
          for (const to of effect.to) if (to !== node.id) this.send(node.id, to, { kind: 'message', message })
        })
      }
      case 'send': {
        hold(isGenuineMessage(this.evidence, node.id, effect.message), `${node.id}: passes on what is forged`)
        const send = () => this.send(node.id, effect.to, { kind: 'message', message: effect.message })
        return effect.afterDurable ? this.#whenDurable(node, send) : send()
      }
      case 'send-blocks': {
        const blocks = node.chain.slice(effect.from, effect.through + 1)
        hold(blocks.length === effect.through - effect.from + 1, `${node.id}: sends blocks it does not hold`)
        return this.send(node.id, effect.to, { kind: 'blocks', blocks })
      }
      case 'commit': {
        hold(effect.height > node.lastCommit, `${node.id}: a commit that is no step`)
        for (let h = node.lastCommit + 1; h <= effect.height; h++) this.evidence.commits(node.id, node.chain[h]!)
        let last = node.lastCommit
        for (const h of effect.certified) {
          hold(h > last && h <= effect.height, `${node.id}: certified heights ascend, within the commit`)
          last = h
        }
        hold(last === effect.height, `${node.id}: the committed block itself is certified`)
        node.lastCommit = effect.height
        this.#write(node, (disk) => {
          disk.commit = effect.height
        })
        if (node.core.role === 'leader') this.after(1, () => this.#proposeIfWork(node))
        return
      }
      case 'lead':
        this.count('lead')
        this.evidence.leads(node.id, effect.election.signed.term)
        hold(this.evidence.isGenuine(effect.election), `${node.id} leads without an election certificate`)
        hold(node.chain.at(-1)!.id === effect.base.id, `${node.id} leads on something else than its base`)
        node.leadsFrom = { term: effect.election.signed.term, baseId: effect.base.id }
        this.after(this.chance.below(4), () => this.#proposeIfWork(node))
        return
      case 'fetch':
        return this.#fetch(node, effect.certificate)
      case 'role':
        node.roleReasons.push(effect.reason)
        this.count(`role: ${effect.reason.replace(/\d+| \w$/g, '')}`)
        return
      case 'read-ready': {
        const read = this.reads.get(effect.context)
        if (read === undefined) return // a leader that lies answers what nobody asked
        if (!read.tainted) {
          hold(effect.height >= read.floor, `${node.id}: a stale read: ${effect.height} < ${read.floor}`)
          this.count('read')
        }
        read.height = effect.height
        node.reads.push({ context: effect.context, height: effect.height })
        return
      }
      case 'halt':
        node.halted = effect.reason
        return this.onHalt(node, effect.reason)
    }
  }

  protected onSigned(_node: CoreNode, _signable: Signable): void {}

  /** While at most f members lie, nobody has a reason to. */
  protected onHalt(node: CoreNode, reason: string): void {
    hold(false, `${node.id} halts: ${reason}`)
  }

  #write(node: CoreNode, write: (disk: Disk) => void): void {
    node.writes.push(write)
    node.writtenCount++
    this.#flush(node)
  }

  /** Group commit: what has gathered while the disk was busy goes in one flush. */
  #flush(node: CoreNode): void {
    if (node.flushing || node.diskHeld || node.writes.length === 0) return
    node.flushing = true
    const { incarnation } = node
    const count = node.writes.length
    this.after(this.chance.between(...this.diskMs), () => {
      if (node.incarnation !== incarnation) return
      node.flushing = false
      for (const write of node.writes.splice(0, count)) write(node.disk)
      node.durableCount += count
      this.#flush(node)
      this.#drain(node)
    })
  }

  holdDisk(node: CoreNode): void {
    node.diskHeld = true
  }

  releaseDisk(node: CoreNode): void {
    node.diskHeld = false
    this.#flush(node)
  }

  #whenDurable(node: CoreNode, run: () => void): void {
    node.held.push({ after: node.writtenCount, run })
    if (node.held.length === 1) this.#drain(node)
  }

  #drain(node: CoreNode): void {
    const head = node.held[0]
    if (node.draining || head === undefined || head.after > node.durableCount) return
    node.draining = true
    const { incarnation } = node
    this.after(this.chance.below(2), () => {
      if (node.incarnation !== incarnation) return
      node.draining = false
      while (node.held[0] !== undefined && node.held[0].after <= node.durableCount) node.held.shift()!.run()
    })
  }

  /** Nothing is signed before what it promises is on disk. */
  #checkDurable(node: CoreNode, signable: Signable): void {
    const { disk } = node
    switch (signable.kind) {
      case 'vote':
        hold(
          disk.vote.term > signable.term ||
            (disk.vote.term === signable.term && disk.vote.candidate === signable.candidate),
          `${node.id}: VOTE before it is durable`,
        )
        return
      case 'ack':
        hold(
          disk.chain[signable.block.height]?.id === signable.block.id ||
            disk.vote.term > signable.block.term ||
            disk.vote.ackBarred,
          `${node.id}: ACK before the block is durable`,
        )
        hold(disk.vote.term >= signable.block.term, `${node.id}: ACK before its term is durable`)
        return
      case 'lock':
        hold(compareRanks(disk.lock.block, signable.block) >= 0, `${node.id}: LOCK before it is durable`)
    }
  }

  #fetch(node: CoreNode, certificate: BlockCertificate): void {
    const { id } = certificate.signed.block
    if ((node.fetching.get(id) ?? 0) > this.now) return
    this.count('fetch')
    node.fetching.set(id, this.now + 3 * this.delayMs[1])
    const others = this.members.filter((other) => other !== node.id && this.#connection(node.id, other).up)
    if (others.length === 0) return
    const from = (node.core.commit + 1) as Height
    this.send(node.id, this.pickSource(others, certificate), { kind: 'fetch', from, certificate })
  }

  /** Whom to ask for a block. */
  protected pickSource(others: readonly MemberId[], _certificate: BlockCertificate): MemberId {
    return this.chance.pick(others)
  }

  /** What a node far behind does on its own: asks a peer for its newest attested block (rule 16). */
  catchUpByCheckpoint(node: CoreNode, peer: CoreNode): void {
    if (!node.up || !peer.up || peer.core.commit <= node.core.commit) return
    this.count('attested catch-up')
    const blocks = peer.chain.slice(node.core.commit + 1, peer.core.commit + 1)
    this.send(peer.id, node.id, { kind: 'fetched', blocks, proof: { kind: 'attested', block: refTo(blocks.at(-1)!) } })
  }

  protected propose(node: CoreNode, items: readonly number[]): void {
    const block = this.nextBlock(node)
    const { id } = block
    this.#itemsOf.set(id, items)
    this.evidence.sealed(node.id, block)
    this.act(node, (raft) => raft.propose(block))
  }

  protected nextBlock(node: CoreNode): BlockMeta {
    const parent = node.core.tail
    const { term } = node.core
    const height = (parent.height + 1) as Height
    const id = `${term}.${height}${node.id}${++this.#blockSerial}`
    return { term, height, id, parent: parent.id, bytes: this.chance.between(50, 400) }
  }

  #proposeIfWork(node: CoreNode): void {
    const raft = node.raft
    if (raft === null || raft.role !== 'leader' || node.paused || node.halted !== null) return
    // The first block of the term stands on base, empty if need be (rule 7).
    if (node.leadsFrom?.term === raft.term && node.leadsFrom.baseId === raft.tail.id) this.propose(node, [])
    const inFlightMax = this.options.blocksInFlightMax ?? 6
    while (raft.role === 'leader' && raft.tail.term === raft.term && raft.tail.height - raft.commit < inFlightMax) {
      const items: number[] = []
      while (node.itemsInChain.has(node.itemsFrom)) node.itemsFrom++
      for (let item = node.itemsFrom; item < this.itemCount && items.length < 2; item++) {
        if (!node.itemsInChain.has(item)) items.push(item)
      }
      if (items.length === 0) return
      this.propose(node, items)
    }
  }

  // ── what a client does ────────────────────────────────────────────────────────────────────────────────────────────────────────

  submit(): void {
    this.itemCount++
  }

  read(node: CoreNode): number {
    const context = ++this.#contextSerial
    this.reads.set(context, { floor: this.evidence.committed.length - 1, tainted: false })
    this.act(node, (raft) => raft.readIndex(context))
    return context
  }

  // ── what must hold ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #check(node: CoreNode): void {
    const raft = node.core
    hold(raft.term >= node.lastTerm, `${node.id}: its term falls`)
    hold(raft.commit === node.lastCommit, `${node.id}: its commit moves without an effect`)
    hold(compareRanks(raft.lock.block, node.lastLock.block) >= 0, `${node.id}: the rank of its lock falls`)
    hold(raft.lock.block.term <= raft.term, `${node.id}: a lock above its term`)
    const tail = node.chain.at(-1)!
    hold(raft.tail.id === tail.id, `${node.id}: effects and log disagree: ${raft.tail.id}, ${tail.id}`)
    if (node.chain[raft.lock.block.height]?.id === raft.lock.block.id) node.lockAdrift = false
    else hold(node.lockAdrift, `${node.id}: its lock is off its chain`)
    hold(raft.commit <= raft.lock.block.height || node.lockAdrift, `${node.id}: a commit above the lock`)
    node.lastTerm = raft.term
    node.lastLock = raft.lock
  }

  leader(): CoreNode | undefined {
    let best: CoreNode | undefined
    for (const node of this.honest) {
      if (node.raft?.role === 'leader' && (best === undefined || node.raft.term > best.core.term)) best = node
    }
    return best
  }

  /** One leader that all who run follow, all work committed, all logs the same to the last block. */
  isSettled(): boolean {
    const leader = this.leader()
    if (leader === undefined) return false
    const { term, commit, tail } = leader.core
    if (commit !== tail.height || tail.term !== term) return false
    if (leader.itemsInChain.size !== this.itemCount) return false
    return this.honest.every((node) => {
      if (node.raft === null) return true
      const same = node.raft.term === term && node.raft.leader === leader.id
      return same && node.raft.commit === commit && node.raft.tail.id === tail.id
    })
  }

  protected trace(node: CoreNode, effect: Effect): void {
    const text = `${this.now}${node.id}${effect.kind}${node.core.term}/${node.core.tail.id}`
    let hash = this.traceHash
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619) >>> 0
    this.traceHash = hash
    if (this.options.verbose && effect.kind !== 'send') this.log(node.id, JSON.stringify(effect, briefly))
    else if (this.options.verbose && effect.kind === 'send' && !effect.message.kind.startsWith('heartbeat'))
      this.log(node.id, JSON.stringify(effect, briefly))
  }
}

const briefly = (name: string, value: unknown): unknown => (name.startsWith('signature') ? undefined : value)

/** What a node checks before the core sees a message: every signature by its sender, every certificate (rule 2). */
export function isGenuineMessage(evidence: Evidence, from: MemberId, message: Message): boolean {
  const genuine = (certificate: Certificate<Signable> | undefined) =>
    certificate === undefined || evidence.isGenuine(certificate)
  switch (message.kind) {
    case 'ack':
      return evidence.isSigned(from, { kind: 'ack', base: message.base, block: message.block })
    case 'lock':
      return evidence.isSigned(from, { kind: 'lock', block: message.block })
    case 'vote-reply':
      return genuine(message.lock) && (message.vote === undefined || evidence.isSigned(from, message.vote.signed))
    case 'pre-vote-reply':
    case 'block-refused':
      return genuine(message.lock)
    case 'vote-request':
      return genuine(message.certificate)
    case 'elected':
      return genuine(message.election) && genuine(message.certificate)
    case 'certified':
      return genuine(message.certificate)
    default:
      return true
  }
}

/** Events in order of time, then of arrival: a binary heap. */
class EventQueue {
  #heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = []
  #order = 0

  get size(): number {
    return this.#heap.length
  }

  nextAt(): number {
    return this.#heap[0]!.at
  }

  push(at: number, run: () => void): void {
    const heap = this.#heap
    const item = { at, order: this.#order++, run }
    let i = heap.length
    heap.push(item)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(item, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = item
  }

  pop(): () => void {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top.run
    let i = 0
    while (true) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return top.run
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
