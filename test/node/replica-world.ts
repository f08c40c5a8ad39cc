/**
 * Whole nodes — the very `Replica` that runs in production — on the memory twins of all ports, under one virtual clock and one seed: the
 * seed of the whole-cluster simulator. Everything that a key signs goes into a `SignatureBook`; a member may also be played by the test.
 */

import { ed25519Sign, sha256 } from '#crypto'
import type { Attestation, Block } from '../../src/chain/block.ts'
import { concat } from '../../src/chain/bytes.ts'
import { catalogueOf } from '../../src/chain/catalogue/catalogue.ts'
import type { Family } from '../../src/chain/catalogue/statement-type.ts'
import type { Closing } from '../../src/chain/epoch.ts'
import type { ChainRules } from '../../src/chain/execution.ts'
import type { Genesis, GenesisMember, GenesisParameters } from '../../src/chain/genesis.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { rootOf } from '../../src/chain/merkle-tree.ts'
import { height } from '../../src/chain/numbers.ts'
import type { Refounding } from '../../src/chain/refounding.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { formatTime } from '../../src/chain/time.ts'
import { DamagedStore } from '../../src/node/disk-failure.ts'
import { type KeyPair, type NodeKeys, newKeyFile, nodeKeys } from '../../src/node/identity.ts'
import type { IntakeResult, Pending } from '../../src/node/intake.ts'
import { type MemoryDisk, MemoryMedium, type PhaseCount } from '../../src/node/memory-disk.ts'
import { type MemoryNetwork, MemoryNetworkWorld } from '../../src/node/memory-network.ts'
import { MemoryVerifier } from '../../src/node/memory-verifier.ts'
import type { Disk, Lane, Log, LogFields, SignatureCheck, SigningPurpose } from '../../src/node/ports.ts'
import { Replica } from '../../src/node/replica.ts'
import { decodeMessage, encodeMessage, type WireMessage } from '../../src/node/wire.ts'
import { SeededRandom, VirtualClock } from '../contract/virtual-clock.ts'
import { type FoundedMember, found, nodeOf, refoundedMember } from '../simulation/founding.ts'
import { SignatureBook } from './signature-book.ts'

export interface WorldMember {
  member: GenesisMember
  keys: NodeKeys
  /** Under which its signatures are noted: a node that takes another's place is somebody else. */
  signer: string
  /** Its cosign key, where that is not the first of this node. */
  cosigner?: string
  readonly centre: KeyPair
  /** This organisation with the keys as they are now: what `refoundingBy` and `attestationOf` sign with. */
  founded: FoundedMember
  /** What the operator has put into the node's home (rule 22). */
  refoundings: readonly Refounding[]
  medium: MemoryMedium
  replica: Replica | undefined
  disk: MemoryDisk | undefined
  network: MemoryNetwork | undefined
  /** Why the node stopped by itself, or could not start. */
  fatal: string | undefined
  /** Milliseconds that a write cycle takes. */
  diskMs: number
  /** How far this member's clock is off. */
  clockOffsetMs: number
  /** Submissions that this process has not answered yet. */
  unanswered: number
  /** Write cycles so far. */
  writes: number
  /** Batches never reach this node. */
  swallowsBatches: boolean
  /** How long its checks of signatures take. */
  verifierMs: number
  /** Nor do messages of these kinds. */
  deafTo: ReadonlySet<WireMessage['kind']>
}

/** A statement that a node gave a receipt for: the ledger owes an answer. */
export interface Promised {
  readonly member: string
  readonly statement: string
  readonly pending: Pending
}

export interface WorldOptions {
  readonly seed?: number
  /** Signatures that only this world accepts, and that cost next to nothing: for runs by the hundred. */
  readonly cheapSignatures?: boolean
  readonly parameters?: Partial<GenesisParameters>
  /** What the members signed in an earlier world that this one goes on from. */
  readonly signed?: SignatureBook
  /** Organisations with keys that are not in the genesis, and may join. */
  readonly joining?: number
  /** The families of record types that a member's software knows when it is started; all members' the same when absent. */
  readonly knows?: (id: string) => readonly Family[]
}

export class ReplicaWorld {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: MemoryNetworkWorld
  readonly genesis: Genesis
  readonly rules: ChainRules
  readonly members = new Map<string, WorldMember>()
  readonly log: string[] = []
  /** Told of whatever any node holds to be attested: what a served node passes on to those who listen. */
  readonly onAttested: ((id: string, attestation: Attestation) => void)[] = []
  readonly signed: SignatureBook
  readonly promised: Promised[] = []
  /** By the idempotency key of a statement: the record that it becomes closes the epoch, for these. */
  readonly closings = new Map<string, Closing>()
  /** Sizes and roots that any node called attested: true for ever. */
  readonly attested = new Map<number, string>()
  readonly #cheap: boolean
  readonly #knows: ((id: string) => readonly Family[]) | undefined
  #renewed = 0

  constructor(
    memberCount: number,
    {
      seed = 1,
      cheapSignatures = false,
      parameters = {},
      signed = new SignatureBook(),
      joining = 0,
      knows,
    }: WorldOptions = {},
  ) {
    this.#knows = knows
    this.signed = signed
    this.random = new SeededRandom(seed)
    this.#cheap = cheapSignatures
    this.network = new MemoryNetworkWorld({}, { clock: this.clock, random: this.random })
    const { genesis, rules, members } = found(memberCount, parameters, this.clock.wall(), joining)
    this.genesis = genesis
    this.rules = { ...rules, closing: ({ key }) => this.closings.get(key) }
    for (const founded of members) {
      const { member, keys, centre } = founded
      this.members.set(member.id, {
        founded,
        refoundings: [],
        member,
        keys,
        signer: member.id,
        centre,
        medium: new MemoryMedium(),
        replica: undefined,
        disk: undefined,
        network: undefined,
        fatal: undefined,
        diskMs: 1,
        clockOffsetMs: 0,
        unanswered: 0,
        writes: 0,
        swallowsBatches: false,
        verifierMs: 0,
        deafTo: new Set(),
      })
    }
  }

  /** The members of the genesis. */
  get ids(): readonly string[] {
    return this.genesis.members.map(({ id }) => id)
  }

  /** This member's disk is lost: a new node, with new keys, is to take its place. */
  renew(id: string): void {
    const held = this.members.get(id)!
    this.kill(id)
    held.keys = nodeKeys(newKeyFile('node', this.genesis.origin, new SeededRandom(1_000 + this.#renewed++)))
    held.member = { ...held.member, node: nodeOf(held.keys) }
    held.signer = `${id} (${held.member.node.id})`
    held.founded = { ...held.founded, member: held.member, keys: held.keys }
    held.medium = new MemoryMedium()
  }

  /** What is above this size is void: other roots may be attested there (rule 22). */
  forgetAttestedAbove(size: number): void {
    for (const attested of [...this.attested.keys()]) if (attested > size) this.attested.delete(attested)
  }

  /** Governance goes on with this member's node in that epoch (rule 22): other keys for its cosignatures and its log, on the same disk. */
  refound(id: string, epoch: number): void {
    const held = this.members.get(id)!
    held.founded = refoundedMember(held.founded, epoch)
    held.keys = held.founded.keys
    held.member = held.founded.member
    held.cosigner = `${id} (since epoch ${epoch})`
  }

  /** On this member's memory disk, or on a disk that the caller opened and closes. */
  start(id: string, own?: Disk): void {
    const held = this.members.get(id)!
    held.fatal = undefined
    held.disk = own === undefined ? this.#memoryDisk(held) : undefined
    const disk = own ?? held.disk!
    const { clock } = this
    held.unanswered = 0
    const network = this.network.node(id)
    held.network = network
    const replica: Replica = new Replica(
      { rules: this.#rulesOf(id), member: id, node: held.member.node.id },
      {
        clock: {
          wall: () => clock.wall() + held.clockOffsetMs,
          monotonic: () => clock.monotonic(),
          after: (ms, wake) => clock.after(ms, wake),
        },
        random: this.random,
        network: {
          start: (handlers) =>
            network.start({
              ...handlers,
              onMessage: (peer, lane, bytes, release) => {
                if (held.swallowsBatches && decodeMessage(bytes).kind === 'batch') return release()
                if (held.deafTo.size > 0 && held.deafTo.has(decodeMessage(bytes).kind)) return release()
                handlers.onMessage(peer, lane, bytes, release)
              },
            }),
          send: (peer, lane, bytes) => network.send(peer, lane, bytes),
          unacknowledged: (peer, lane) => network.unacknowledged(peer, lane),
        },
        disk,
        verifier: new MemoryVerifier(
          {
            get batchMs() {
              return held.verifierMs
            },
          },
          this.#cheap ? { clock, verify: isCheapSignature } : { clock },
        ),
        signer: {
          publicKey: (purpose) => keyOf(held, purpose).publicKey,
          // The file signer answers in a microtask; a virtual clock has none.
          sign: (purpose, message, done) => {
            this.signed.note(purpose === 'cosign' ? (held.cosigner ?? held.signer) : held.signer, purpose, message)
            const signature = this.sign(id, purpose, message)
            clock.after(0, () => done(signature))
          },
        },
        log: this.#logOf(id),
        onFatal: (reason) => this.fail(id, reason),
      },
      {
        onAttested: (attestation) => {
          for (const hear of this.onAttested) hear(id, attestation)
          const { size, root } = attestation
          const known = this.attested.get(size)
          if (known !== undefined && known !== root) this.log.push(`${id} FATAL two attested roots for size ${size}`)
          this.attested.set(size, root)
        },
      },
    )
    held.replica = replica
    this.#guard(held, () => replica.start(() => this.log.push(`${id} started`)))
  }

  #rulesOf(id: string): ChainRules {
    const rules = { ...this.rules, refoundings: this.members.get(id)!.refoundings }
    if (this.#knows === undefined) return rules
    return { ...rules, catalogue: catalogueOf(this.genesis.catalogue, this.#knows(id)) }
  }

  #memoryDisk(held: WorldMember): MemoryDisk {
    return held.medium.open({
      defer: (callback, kind) =>
        void this.clock.after(kind === 'write' ? held.diskMs : 1, () => this.#guard(held, callback)),
      onFatal: (reason) => this.fail(held.member.id, reason),
      fault: () => {
        held.writes++
        return undefined
      },
    })
  }

  startAll(): void {
    for (const id of this.ids) this.start(id)
  }

  /** The process is gone; of a write cycle in flight the first `phases` reached the disk. */
  kill(id: string, phases: PhaseCount = 0): void {
    const held = this.members.get(id)!
    if (held.replica === undefined) return
    held.network?.stop()
    held.disk?.crash(phases)
    held.replica?.stop()
    held.replica = undefined
    held.disk = undefined
    held.network = undefined
  }

  /** An orderly end, as on SIGTERM. */
  stop(id: string): void {
    const held = this.members.get(id)!
    held.replica?.stop()
    this.clock.advance(20)
    this.kill(id, 3)
  }

  killAll(phasesOf: (id: string) => PhaseCount = () => 0): void {
    for (const id of this.ids) this.kill(id, phasesOf(id))
  }

  /** This member's node never sees a batch: as a leader it sits on everybody's. */
  swallowBatches(id: string): void {
    this.members.get(id)!.swallowsBatches = true
  }

  /** Nothing of this member runs; the test speaks in its name. */
  impostor(id: string): Impostor {
    return new Impostor(this, id, this.network.node(id))
  }

  replica(id: string): Replica {
    return this.members.get(id)!.replica!
  }

  member(id: string): WorldMember {
    return this.members.get(id)!
  }

  get running(): readonly Replica[] {
    return [...this.members.values()].flatMap(({ replica }) => (replica?.isStarted === true ? [replica] : []))
  }

  leader(): string | undefined {
    for (const [id, { replica }] of this.members)
      if (replica?.isStarted === true && replica.raft.role === 'leader') return id
    return undefined
  }

  /** Waits for a leader that has committed in its term, and returns it. */
  electLeader(): string {
    this.until(() => {
      const id = this.leader()
      return id !== undefined && this.replica(id).ledger.committed.block.term === this.replica(id).raft.term
    }, 'a leader that commits')
    return this.leader()!
  }

  followers(): string[] {
    const leader = this.leader()
    return this.ids.filter((id) => id !== leader && this.members.get(id)!.replica?.isStarted === true)
  }

  /** A signature of this member's key that this world accepts. */
  sign(id: string, purpose: SigningPurpose, message: Uint8Array): Uint8Array {
    const { seed, publicKey } = keyOf(this.members.get(id)!, purpose)
    return this.#cheap ? cheapSignature(publicKey, message) : ed25519Sign(seed, message)
  }

  publicKey(id: string, purpose: SigningPurpose): Uint8Array {
    return keyOf(this.members.get(id)!, purpose).publicKey
  }

  /** An attestation of a document's hash, signed by the centre of that member. */
  statement(id: string, key: string, value = key): string {
    const digest = Buffer.from(sha256(Buffer.from(value))).toString('hex')
    return this.centreStatement(id, 'attest.hash@1', key, {
      hash: { algorithm: 'sha256', value: digest },
      subject: 'document',
      mediaType: 'application/pdf',
      source: {
        system: 'test',
        operator: 'role:tester',
        method: 'generated',
        software: 'vitest',
        occurredAt: formatTime(1_800_000_000_000),
      },
    })
  }

  /** A statement of any type, signed by the centre of that member. */
  centreStatement(id: string, type: string, key: string, fields: JsonObject): string {
    const { member, centre } = this.members.get(id)!
    return signStatement(
      { ledger: this.genesis.ledger, type, party: member.party, key, ...fields },
      {
        tagged: centre.publicKey,
        sign: (message) =>
          this.#cheap ? cheapSignature(centre.publicKey, message) : ed25519Sign(centre.seed, message),
      },
    )
  }

  submit(id: string, jws: string): { result: IntakeResult | undefined } {
    const answer: { result: IntakeResult | undefined } = { result: undefined }
    const held = this.members.get(id)!
    held.unanswered++
    this.replica(id).submit(jws, (result) => {
      held.unanswered--
      answer.result = result
      if (result.kind === 'taken') {
        this.promised.push({ member: id, statement: result.pending.statement.id, pending: result.pending })
      }
    })
    return answer
  }

  // ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All nodes that run stand at one committed and attested size, and nothing is on its way. */
  get isSettled(): boolean {
    const [first] = this.running
    if (first === undefined) return false
    for (const { replica, fatal, unanswered } of this.members.values()) {
      if (replica !== undefined && fatal === undefined && (!replica.isStarted || unanswered > 0)) return false
    }
    const { block, frontier } = first.ledger.committed
    return this.running.every(
      (replica) =>
        replica.hindrances.every((code) => code === 'node.not-a-member') &&
        replica.pendingCount === 0 &&
        replica.raft.tail.height === replica.raft.commit &&
        replica.ledger.committed.block.id === block.id &&
        replica.attested?.size === frontier.size,
    )
  }

  settle(what = 'all nodes settled'): void {
    this.until(() => this.isSettled, what)
  }

  /** @throws when the condition does not hold within this much virtual time */
  until(condition: () => boolean, what: string, ms = 120_000): void {
    const limit = this.clock.monotonic() + ms
    while (!condition()) {
      if (!this.clock.step(limit)) throw new Error(`never: ${what}\n${this.log.slice(-30).join('\n')}`)
    }
  }

  /** What is wrong with this world; empty when every invariant holds. */
  get faults(): readonly string[] {
    const found = [...this.signed.contradictions]
    for (const [id, { fatal }] of this.members) if (fatal !== undefined) found.push(`${id} stopped: ${fatal}`)
    found.push(...this.log.filter((line) => line.includes('FATAL') || line.includes(' halted ')))
    const ids = new Map<number, string>()
    const recordOf = new Map<string, number>()
    for (const replica of this.running) {
      for (let at = 1; at <= replica.raft.commit; at++) {
        const block = blockOf(replica, at)
        const known = ids.get(at)
        if (block === undefined) found.push(`block ${at} is missing`)
        else if (known === undefined) {
          ids.set(at, block.id)
        } else if (known !== block.id) found.push(`two blocks ${at}`)
      }
      for (const [size, root] of this.attested) {
        if (size > replica.ledger.committed.frontier.size) continue
        if (rootAt(replica, size) !== root) found.push(`another root for the attested size ${size}`)
      }
    }
    const [first] = this.running
    if (first !== undefined) {
      for (let index = 0; index < first.ledger.committed.frontier.size; index++) {
        const value = JSON.parse(Buffer.from(first.store.leaf(index)!.bytes).toString()) as { statement?: string }
        if (typeof value.statement !== 'string') continue
        const payload = value.statement.split('.')[1]!
        if (recordOf.has(payload)) found.push(`records ${recordOf.get(payload)} and ${index} are the same statement`)
        recordOf.set(payload, index)
      }
    }
    return found
  }

  /** Receipts that the ledger has not answered at this node. */
  unanswered(id: string): readonly Promised[] {
    const { store } = this.replica(id)
    return this.promised.filter(
      ({ member, statement }) =>
        store.indexOfStatement(statement) === undefined && store.indexOfRefusal(statement, member) === undefined,
    )
  }

  /** Runs an event of a node outside its loop: what it throws ends the process, as it would end a real one. */
  #guard(held: WorldMember, event: () => void): void {
    try {
      event()
    } catch (error) {
      this.fail(
        held.member.id,
        error instanceof Error ? `${(error as { code?: string }).code ?? ''} ${error.stack}` : String(error),
      )
    }
  }

  /** The node's process ends by itself. */
  fail(id: string, reason: string): void {
    this.members.get(id)!.fatal = reason
    this.log.push(`${id} FATAL ${reason}`)
  }

  #logOf(id: string): Log {
    const write = (event: string, fields?: LogFields): void => {
      this.log.push(`${this.clock.monotonic()} ${id} ${event} ${JSON.stringify(fields ?? {})}`)
    }
    return { debug: write, info: write, warn: write, error: write }
  }
}

/** A member played by the test: it says what it is told to, with that member's keys. */
export class Impostor {
  readonly id: string
  readonly #world: ReplicaWorld
  readonly #network: MemoryNetwork
  readonly received: { readonly from: string; readonly message: WireMessage }[] = []
  /** Called for every message. */
  onMessage: (from: string, message: WireMessage) => void = () => undefined

  constructor(world: ReplicaWorld, id: string, network: MemoryNetwork) {
    this.id = id
    this.#world = world
    this.#network = network
    network.start({
      onMessage: (from, _lane, bytes, release) => {
        release()
        const message = decodeMessage(bytes)
        this.received.push({ from, message })
        this.onMessage(from, message)
      },
      onPeer: () => undefined,
    })
  }

  send(to: string, message: WireMessage, lane: Lane = 'control'): void {
    this.#network.send(to, lane, encodeMessage(message))
  }

  sendBytes(to: string, bytes: Uint8Array, lane: Lane = 'control'): void {
    this.#network.send(to, lane, bytes)
  }

  unacknowledged(to: string, lane: Lane): number {
    return this.#network.unacknowledged(to, lane)
  }

  sign(purpose: SigningPurpose, message: Uint8Array): Uint8Array {
    return this.#world.sign(this.id, purpose, message)
  }

  stop(): void {
    this.#network.stop()
  }
}

function blockOf(replica: Replica, at: number): Block | undefined {
  try {
    return replica.store.block(height(at))
  } catch (error) {
    if (error instanceof DamagedStore) return undefined
    throw error
  }
}

function rootAt(replica: Replica, size: number): string {
  return Buffer.from(rootOf(size, replica.store.hashReader(size))).toString('hex')
}

const keyOf = ({ keys, centre }: WorldMember, purpose: SigningPurpose): KeyPair =>
  purpose === 'centre' ? centre : keys[purpose]

function cheapSignature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const digest = sha256(concat(publicKey, message))
  return concat(digest, digest)
}

const isCheapSignature = ({ publicKey, message, signature }: SignatureCheck): boolean =>
  Buffer.compare(cheapSignature(publicKey, message), signature) === 0
