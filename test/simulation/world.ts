/**
 * A whole cluster in one thread: real nodes on simulated machines, one virtual clock, one seed. The world runs processes and gives whoever makes
 * trouble its handles; what must hold is for the watches to say. Same seed, same run.
 */
import { sha256 } from '#crypto'
import { type Closing, type Epoch, epochNumbered, foundingEpoch } from '../../src/chain/epoch.ts'
import { type ChainRules, rulesOfEpoch } from '../../src/chain/execution.ts'
import type { Genesis, GenesisParameters } from '../../src/chain/genesis.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import { formatTime } from '../../src/chain/time.ts'
import { MemoryMedium, type PhaseCount } from '../../src/node/memory-disk.ts'
import { type MemoryNetworkOptions, MemoryNetworkWorld } from '../../src/node/memory-network.ts'
import type { LogFields, MemberId, SigningPurpose } from '../../src/node/ports.ts'
import { decodeMessage, type WireMessage } from '../../src/node/wire.ts'
import { SeededRandom, VirtualClock } from '../contract/virtual-clock.ts'
import { type FoundedMember, found, renewed } from './founding.ts'
import { type BentPorts, type Conditions, conditionsAt, NodeProcess } from './node-process.ts'
import { Signatures } from './signatures.ts'
import { Trace } from './trace.ts'
import { type Answer, type Violation, type Watch, type WatchKind, watchKinds } from './watch.ts'
import { wordOf } from './word.ts'

export interface WorldOptions {
  readonly memberCount: number
  /** Organisations with keys and machines that are not in the genesis, and may join. */
  readonly joining?: number
  readonly seed: number
  readonly parameters?: Partial<GenesisParameters>
  readonly network?: Partial<MemoryNetworkOptions>
  /** Lines of the nodes' logs are kept for whoever reads a failing run. */
  readonly keepsLog?: boolean
}

/** A member: its keys, and the machine its node runs on. */
export interface Machine {
  /** Of the node that runs here now. */
  founded: FoundedMember
  /** Ids of all nodes that this member had, this one last. */
  readonly nodes: string[]
  medium: MemoryMedium
  readonly conditions: Conditions
  process: NodeProcess | undefined
  /** A second process with the same keys, on a copy of the disk. */
  clone: NodeProcess | undefined
  /** Its process was told to end and is about to. */
  isStopping: boolean
  /** Nothing it does is held against anybody honest, and nothing is expected of it. */
  isLiar: boolean
  /** Its disk lost or took back what it had promised. The fence (rule 17) may or may not see that; nobody waits for it. */
  isLost: boolean
  /** A fault changed rows of its disk: they are to be found and fetched again. */
  isDamaged: boolean
  /** A fault of its disk may end its process. */
  mayDie: boolean
}

/** Bends the network and the chance of a liar's process. */
export type Bend = (machine: Machine, ports: BentPorts) => BentPorts

const cloneMark = '~'
const beyondRepair = 'is damaged, and so is all that is derived from it'

export class World {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: MemoryNetworkWorld
  readonly genesis: Genesis
  readonly rules: ChainRules
  readonly machines = new Map<MemberId, Machine>()
  readonly signatures = new Signatures(statementSignatures)
  readonly trace = new Trace()
  readonly log: string[] = []
  /** Blocks that a liar sealed and that nobody may take, by id: what is wrong with them. */
  readonly invalid = new Map<string, string>()
  /** How often each fault and lie took effect. */
  readonly struck = new Map<string, number>()
  /** By the key of a statement: the record that it becomes closes the epoch, for these (the hook of rule 19). What is set stays. */
  readonly closings = new Map<string, Closing>()
  readonly #keepsLog: boolean
  readonly #heardBy = Object.fromEntries(watchKinds.map((kind) => [kind, []])) as unknown as Record<
    WatchKind,
    ((...args: unknown[]) => void)[]
  >
  /** The process of each member that a member is connected to, where it is not the first. */
  readonly #clonePeers = new Map<string, Set<MemberId>>()
  #violation: Violation | undefined
  #bend: Bend | undefined
  #events = 0
  #newestEpoch: Epoch
  #rulesNow: ChainRules
  #decoded: { readonly bytes: Uint8Array; readonly message: WireMessage } | undefined

  constructor({ memberCount, joining = 0, seed, parameters = {}, network = {}, keepsLog = false }: WorldOptions) {
    this.random = new SeededRandom(seed)
    this.#keepsLog = keepsLog
    this.network = new MemoryNetworkWorld(network, { clock: this.clock, random: this.random })
    const { genesis, rules, members } = found(memberCount, parameters, this.clock.wall(), joining)
    this.genesis = genesis
    this.rules = { ...rules, closing: ({ key }) => this.closings.get(key) }
    this.#newestEpoch = foundingEpoch(genesis)
    this.#rulesNow = this.rules
    for (const founded of members) {
      this.machines.set(founded.member.id, {
        founded,
        nodes: [founded.member.node.id],
        medium: new MemoryMedium(),
        conditions: conditionsAt(this.clock.wall(), this.clock.monotonic()),
        process: undefined,
        clone: undefined,
        isStopping: false,
        isLiar: false,
        isLost: false,
        isDamaged: false,
        mayDie: false,
      })
    }
  }

  // ── who is there ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get ids(): readonly MemberId[] {
    return [...this.machines.keys()]
  }

  machine(id: MemberId): Machine {
    const machine = this.machines.get(id)
    if (machine === undefined) throw new Error(`no member ${id}`)
    return machine
  }

  /** The newest that anybody honest has seen begun or closed for: who counts in it is what its list says, and nothing else. */
  get epoch(): Epoch {
    return this.#newestEpoch
  }

  /** One that has been, or is; undefined when no block of the chain leads to it. */
  epochNumbered(number: number): Epoch | undefined {
    return epochNumbered(this.#newestEpoch, number)
  }

  /** The rules as they are now. */
  get rulesNow(): ChainRules {
    return this.#rulesNow
  }

  /** A block that closes an epoch was committed. */
  noteEpoch(epoch: Epoch): void {
    if (epoch.number <= this.#newestEpoch.number) return
    this.#newestEpoch = epoch
    this.#rulesNow = rulesOfEpoch(this.rules, epoch)
  }

  /** Whether its node is in the list of this epoch: of the newest, if none is named. */
  isListed({ founded: { member } }: Pick<Machine, 'founded'>, epoch = this.#newestEpoch): boolean {
    return epoch.members.some(({ id, node }) => id === member.id && node.id === member.node.id)
  }

  /** Whether this very node is there, and a member: what was promised by one that is gone, or has no part any more, nobody can bring. */
  isMemberNode(member: MemberId, node: string): boolean {
    const machine = this.machine(member)
    return machine.founded.member.node.id === node && this.isListed(machine)
  }

  /** Processes that run, are open for peers, and owe the truth. */
  get honest(): readonly NodeProcess[] {
    const running: NodeProcess[] = []
    for (const machine of this.machines.values()) {
      const { process } = machine
      if (isHonest(machine) && process?.isStarted === true) running.push(process)
    }
    return running
  }

  /** Whoever lies, and whoever lost what it had promised, may contradict itself. */
  isHonest({ member }: NodeProcess): boolean {
    return isHonest(this.machine(member))
  }

  get events(): number {
    return this.#events
  }

  // ── processes ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  set bend(bend: Bend) {
    this.#bend = bend
  }

  /** Starts the node if it does not run; one that died by itself is buried first. */
  start(id: MemberId): void {
    const machine = this.machine(id)
    if (machine.process?.fatal !== undefined) this.kill(id)
    if (machine.process !== undefined) return
    machine.process = this.#process(machine, id, machine.medium)
    this.#tell('starting', machine.process)
    machine.process.start()
  }

  /** @param phases how many phases of a write cycle in flight reached the disk */
  kill(id: MemberId, phases: PhaseCount = 0, isMachineGone = false): void {
    const machine = this.machine(id)
    const { process } = machine
    if (process === undefined) return
    process.end(phases, isMachineGone)
    machine.isStopping = false
    machine.process = undefined
    this.#tell('ended', process)
  }

  /** This member's node is gone for good, keys and all: a new one is to take its place, on a new disk. */
  renew(id: MemberId): void {
    const machine = this.machine(id)
    this.kill(id)
    machine.founded = renewed(this.genesis.origin, machine.founded, machine.nodes.length)
    machine.nodes.push(machine.founded.member.node.id)
    machine.medium = new MemoryMedium()
    Object.assign(machine, { isLost: false, isDamaged: false })
    this.start(id)
  }

  /** An orderly end, as on SIGTERM. */
  stop(id: MemberId): void {
    const machine = this.machine(id)
    const { process } = machine
    if (process === undefined || machine.isStopping) return
    machine.isStopping = true
    process.replica.stop()
    this.clock.after(20, () => {
      if (this.machine(id).process === process) this.kill(id, 3)
    })
  }

  /** A second process on a copy of the disk, connected to these members instead of the first. From now on this member counts as a liar. */
  startClone(id: MemberId, peers: readonly MemberId[]): void {
    const machine = this.machine(id)
    if (machine.clone !== undefined || machine.process === undefined) return
    machine.isLiar = true
    const name = `${id}${cloneMark}`
    this.#clonePeers.set(id, new Set(peers))
    for (const other of this.ids) {
      if (other === id) continue
      const [near, far] = peers.includes(other) ? [name, id] : [id, name]
      for (const [from, to] of [
        [far, other],
        [other, far],
      ] as const) {
        this.network.cut(from, to)
      }
      this.network.mend(near, other)
      this.network.mend(other, near)
      this.network.breakConnection(far, other)
    }
    machine.clone = this.#process(machine, name, machine.medium.copy())
    machine.clone.start()
  }

  endClone(id: MemberId): void {
    const machine = this.machine(id)
    machine.clone?.end(0)
    machine.clone = undefined
    this.#clonePeers.delete(id)
  }

  /** The network's name for the process of `to` that `from` talks to. */
  processOf(from: MemberId, to: MemberId): string {
    return this.#clonePeers.get(to)?.has(from) === true ? `${to}${cloneMark}` : to
  }

  #process(machine: Machine, name: string, medium: MemoryMedium): NodeProcess {
    const id = machine.founded.member.id
    const isWatched = (): boolean => isHonest(machine)
    const process: NodeProcess = new NodeProcess(name, machine.founded, {
      clock: this.clock,
      random: this.random,
      rules: this.rules,
      network: this.network.node(name),
      medium,
      conditions: machine.conditions,
      sign: (key, message) => this.signatures.sign(key, message),
      verify: this.signatures.verify,
      memberOf: (peer) => (peer.endsWith(cloneMark) ? peer.slice(0, -1) : peer),
      processOf: (to) => this.processOf(id, to),
      ...(this.#bend === undefined || !machine.isLiar
        ? {}
        : { bend: (ports: BentPorts) => this.#bend!(machine, ports) }),
      events: {
        sent: (to, bytes) => {
          this.trace.bytes('sent', this.clock.monotonic(), name, to, bytes)
          if (isWatched()) this.#tell('sent', process, to, this.#decode(bytes))
        },
        signed: (purpose, message) => this.noteWord(process, purpose, message),
        wrote: (write) => {
          if (isWatched()) this.#tell('wrote', process, write)
        },
        committed: (executed) => {
          this.trace.text('committed', this.clock.monotonic(), name, executed.block.id)
          const { next } = executed.point
          if (isWatched() && next !== undefined) this.noteEpoch(next)
          if (isWatched()) this.#tell('committed', process, executed)
        },
        attested: (attestation) => {
          if (isWatched()) this.#tell('attested', process, attestation)
        },
        started: () => {
          if (isWatched()) this.#tell('started', process)
        },
        turned: () => {
          this.#events++
          if (isWatched()) this.#tell('turned', process)
        },
        logged: (event, fields) => this.note(name, event, fields),
        fatal: (reason) => {
          this.note(name, 'FATAL', { reason })
          // Damage that a start finds to be beyond repair retires the node, in so many words: another is to take its place.
          if (machine.isDamaged && !machine.isLost && reason.includes(beyondRepair)) {
            machine.isLost = true
            this.strike('beyond-repair')
          }
        },
      },
    })
    return process
  }

  /** Also for what a liar's machine signs beside its process. */
  noteWord(process: NodeProcess, purpose: SigningPurpose, message: Uint8Array): void {
    this.trace.bytes('signed', this.clock.monotonic(), process.name, purpose, message)
    this.#tell('word', process, wordOf(purpose, message))
  }

  // ── watching ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  watch(watch: Watch): void {
    // Most look at few kinds of events, of which there are thousands.
    for (const kind of watchKinds) {
      const hear = watch[kind] as ((...args: unknown[]) => void) | undefined
      if (hear !== undefined) this.#heardBy[kind].push(hear.bind(watch))
    }
  }

  answer(answer: Answer): void {
    this.trace.text('answered', this.clock.monotonic(), answer.member, JSON.stringify(answer))
    this.#tell('answered', answer)
  }

  /** The first violation ends the run. */
  violated(invariant: string, text: string): void {
    this.#violation ??= { invariant, text, at: this.clock.monotonic() }
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  /** A fault or a lie took effect. */
  strike(name: string): void {
    this.struck.set(name, (this.struck.get(name) ?? 0) + 1)
  }

  healed(): void {
    this.#tell('healed')
  }

  finished(): void {
    this.#tell('finished')
  }

  note(name: string, event: string, fields: LogFields): void {
    if (this.#keepsLog) this.log.push(`${this.clock.monotonic()} ${name} ${event} ${JSON.stringify(fields)}`)
  }

  #tell<K extends keyof Watch>(kind: K, ...args: Parameters<NonNullable<Watch[K]>>): void {
    for (const hear of this.#heardBy[kind]) hear(...args)
  }

  /** A broadcast is decoded once. */
  #decode(bytes: Uint8Array): WireMessage {
    if (this.#decoded?.bytes !== bytes) this.#decoded = { bytes, message: decodeMessage(bytes) }
    return this.#decoded.message
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs until this time, or until something is found wrong. */
  runTo(at: number): void {
    while (this.#violation === undefined && this.clock.step(at)) {
      // all that is due by then
    }
    if (this.#violation === undefined) this.clock.advance(Math.max(0, at - this.clock.monotonic()))
  }

  /** Runs until this holds; false when it did not by then, or something was found wrong. */
  runUntil(condition: () => boolean, ms: number): boolean {
    const limit = this.clock.monotonic() + ms
    while (this.#violation === undefined) {
      if (condition()) return true
      if (!this.clock.step(limit)) return false
    }
    return false
  }

  /** An attestation of a document's hash, signed by the centre of that member. */
  statement(id: MemberId, key: string, value = key): string {
    return this.#signed(id, `attest ${value}`, 'attest.hash@1', key, () => ({
      hash: { algorithm: 'sha256', value: Buffer.from(sha256(Buffer.from(value))).toString('hex') },
      subject: 'document',
      mediaType: 'application/pdf',
      source: {
        system: 'test',
        operator: 'role:tester',
        method: 'generated',
        software: 'vitest',
        occurredAt: formatTime(1_800_000_000_000),
      },
    }))
  }

  /** A raise in an auction that nobody announced: well formed and well signed, and the rules refuse it. */
  refusedStatement(id: MemberId, key: string): string {
    const lot = { owner: this.machine(id).founded.member.party, scheme: 'land', code: key }
    return this.#signed(id, 'raise', 'auction.raise@1', key, () => ({ lot, plate: '1', price: '1' }))
  }

  /** Of whatever statement of this ledger: the clients' come again in every run, and are read once. */
  statementId(jws: string): string {
    const name = `${this.genesis.ledger} ${jws}`
    let id = statementIds.get(name)
    if (id === undefined) {
      id = parseStatement(jws, this.genesis.ledger).id
      statementIds.set(name, id)
    }
    return id
  }

  #signed(id: MemberId, what: string, type: string, key: string, fields: () => JsonObject): string {
    const { member, centre } = this.machine(id).founded
    const name = `${this.genesis.ledger} ${id} ${key} ${what}`
    const held = statementsBefore.get(name)
    if (held !== undefined) return held
    const jws = signStatement(
      { ledger: this.genesis.ledger, type, party: member.party, key, ...fields() },
      { tagged: centre.publicKey, sign: (message) => statementSignatures.sign(centre, message) },
    )
    statementsBefore.set(name, jws)
    return jws
  }
}

const isHonest = ({ isLiar, isLost }: Machine): boolean => !isLiar && !isLost

/** The same keys and texts in every run. */
const statementSignatures = new Signatures()
const statementsBefore = new Map<string, string>()
const statementIds = new Map<string, string>()
