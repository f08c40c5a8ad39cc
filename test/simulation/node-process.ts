/**
 * One process of one member's node: the very `Replica` that runs in production, on the memory twins of its ports. Everything that reaches it —
 * an alarm, a write that is done, a message — passes through here, so that it can be paused, killed, slowed, told a wrong time, and watched.
 */
import type { Attestation } from '../../src/chain/block.ts'
import type { ChainRules } from '../../src/chain/execution.ts'
import type { Height } from '../../src/chain/numbers.ts'
import type { KeyPair } from '../../src/node/identity.ts'
import type { IntakeResult } from '../../src/node/intake.ts'
import type { Executed } from '../../src/node/ledger.ts'
import type { DiskFault, MemoryDisk, MemoryMedium, PhaseCount } from '../../src/node/memory-disk.ts'
import type { MemoryNetwork } from '../../src/node/memory-network.ts'
import { MemoryVerifier } from '../../src/node/memory-verifier.ts'
import type {
  Clock,
  Disk,
  DiskWrite,
  Lane,
  Log,
  LogFields,
  MemberId,
  Network,
  Random,
  SignatureCheck,
  SigningPurpose,
} from '../../src/node/ports.ts'
import { type Ready, Replica } from '../../src/node/replica.ts'
import { decodeMessage } from '../../src/node/wire.ts'
import type { FoundedMember } from './founding.ts'

/** What the process does, for whoever runs the world. */
export interface ProcessEvents {
  readonly sent: (to: MemberId, bytes: Uint8Array) => void
  readonly signed: (purpose: SigningPurpose, message: Uint8Array) => void
  readonly wrote: (write: DiskWrite) => void
  readonly committed: (executed: Executed) => void
  readonly attested: (attestation: Attestation) => void
  readonly started: () => void
  readonly turned: () => void
  readonly logged: (event: string, fields: LogFields) => void
  readonly fatal: (reason: string) => void
}

export interface ProcessDependencies {
  readonly clock: Clock
  readonly random: Random
  readonly rules: ChainRules
  /** By the name of this process; peers are told apart by member. */
  readonly network: MemoryNetwork
  readonly medium: MemoryMedium
  readonly conditions: Conditions
  readonly sign: (key: KeyPair, message: Uint8Array) => Uint8Array
  readonly verify: (check: SignatureCheck) => boolean
  /** Whom a process of another name belongs to, and back: the process that this one is connected to. */
  readonly memberOf: (processName: string) => MemberId
  readonly processOf: (member: MemberId) => string
  readonly events: ProcessEvents
  /** A liar bends what leaves it and what reaches it, and its luck. */
  readonly bend?: (ports: BentPorts) => BentPorts
}

export interface BentPorts {
  readonly network: Network
  readonly random: Random
}

/** The machine under the process; stays when the process ends. */
export interface Conditions {
  /** Milliseconds that a write cycle takes. */
  diskMs: number
  /** Asked for each write cycle when it would complete. */
  diskFault: ((write: DiskWrite) => DiskFault | undefined) | undefined
  /** This machine's wall clock: `wallAt` at the world's time `since`, and from there at `wallRate`. */
  wallAt: number
  wallSince: number
  wallRate: number
  /** Batches never reach this node. */
  swallowsBatches: boolean
}

export class NodeProcess {
  readonly name: string
  readonly founded: FoundedMember
  readonly replica: Replica
  readonly medium: MemoryMedium
  readonly #deps: ProcessDependencies
  readonly #disk: MemoryDisk
  /** Why it stopped by itself, or could not start. */
  fatal: string | undefined
  /** Events that wait until a paused process goes on. */
  #held: (() => void)[] | undefined
  #ended = false
  #isWriting = false

  constructor(name: string, founded: FoundedMember, dependencies: ProcessDependencies) {
    this.name = name
    this.founded = founded
    this.#deps = dependencies
    const { clock, random, rules, medium, conditions, events } = dependencies
    this.medium = medium
    this.#disk = medium.open({
      defer: (callback, kind) =>
        void clock.after(kind === 'write' ? conditions.diskMs : 1, () => this.#event(callback)),
      onFatal: (reason) => this.#die(reason),
      fault: (write) => conditions.diskFault?.(write),
    })
    const ports = { network: this.#network(), random }
    const bent = dependencies.bend?.(ports) ?? ports
    this.replica = new Replica(
      { rules, member: this.member, node: founded.member.node.id },
      {
        clock: {
          wall: () => wallNow(conditions, clock.monotonic()),
          monotonic: () => clock.monotonic(),
          after: (ms, wake) => clock.after(ms, () => this.#event(wake)),
        },
        ...bent,
        disk: this.#watchedDisk(),
        verifier: new MemoryVerifier({}, { clock: this.#eventClock(), verify: dependencies.verify }),
        signer: {
          publicKey: (purpose) => this.keyOf(purpose).publicKey,
          // The file signer answers in a microtask; a virtual clock has none.
          sign: (purpose, message, done) => {
            events.signed(purpose, message)
            const signature = dependencies.sign(this.keyOf(purpose), message)
            clock.after(0, () => this.#event(() => done(signature)))
          },
        },
        log: this.#log(),
        onFatal: (reason) => this.#die(reason),
      },
      { onCommitted: events.committed, onAttested: events.attested },
    )
  }

  get member(): MemberId {
    return this.founded.member.id
  }

  /** A member's node may be replaced: what a key is bound by is told apart by node. */
  get node(): string {
    return this.founded.member.node.id
  }

  get isStarted(): boolean {
    return !this.#ended && this.fatal === undefined && this.replica.isStarted
  }

  get isPaused(): boolean {
    return this.#held !== undefined
  }

  keyOf(purpose: SigningPurpose): KeyPair {
    return purpose === 'centre' ? this.founded.centre : this.founded.keys[purpose]
  }

  start(): void {
    this.#event(() => this.replica.start(() => this.#deps.events.started()))
  }

  get isWriting(): boolean {
    return this.#isWriting
  }

  // What a client asks is an event like any other: it waits while the process is paused, and is watched.

  submit(jws: string, done: (result: IntakeResult) => void): void {
    this.#event(() => this.replica.submit(jws, done))
  }

  signReady(done: (ready: Ready | undefined) => void): void {
    this.#event(() => this.replica.signReady(done))
  }

  readIndex(done: (height: Height) => void): void {
    this.#event(() => this.replica.readIndex(done))
  }

  /** Bytes on their way to this member that it has not taken yet. */
  unacknowledged(to: MemberId, lane: Lane): number {
    return this.#deps.network.unacknowledged(this.#deps.processOf(to), lane)
  }

  /** SIGSTOP: nothing reaches it, and the world goes on. */
  pause(): void {
    this.#held ??= []
  }

  /** SIGCONT: all that waited comes at once. */
  resume(): void {
    const held = this.#held
    this.#held = undefined
    for (const event of held ?? []) this.#event(event)
  }

  /**
   * The process is gone; of a write cycle in flight the first `phases` reached the disk. Peers notice at once, or only by the silence when
   * the machine is gone with it.
   */
  end(phases: PhaseCount, isMachineGone = false): void {
    if (this.#ended) return
    this.#ended = true
    if (isMachineGone) this.#deps.network.vanish()
    else this.#deps.network.stop()
    this.#disk.crash(phases)
    this.replica.stop()
  }

  #network(): Network {
    const { network, conditions, memberOf, processOf, events } = this.#deps
    return {
      start: (handlers) =>
        network.start(
          {
            onPeer: (name, up) => handlers.onPeer(memberOf(name), up),
            onMessage: (name, lane, bytes, release) => {
              if (conditions.swallowsBatches && isBatch(bytes)) return release()
              this.#event(() => handlers.onMessage(memberOf(name), lane, bytes, release))
            },
          },
          (event) => this.#event(event),
        ),
      send: (to, lane, bytes) => {
        events.sent(to, bytes)
        network.send(processOf(to), lane, bytes)
      },
      unacknowledged: (to, lane) => network.unacknowledged(processOf(to), lane),
    }
  }

  #watchedDisk(): Disk {
    const disk = this.#disk
    return {
      get: (key) => disk.get(key),
      getInto: (key, into) => disk.getInto(key, into),
      scan: (range, visit, done) => disk.scan(range, visit, done),
      write: (write, done) => {
        this.#isWriting = true
        disk.write(write, () => {
          this.#isWriting = false
          this.#deps.events.wrote(write)
          done()
        })
      },
      slots: () => disk.slots(),
      freeBytes: () => disk.freeBytes(),
    }
  }

  #eventClock(): Clock {
    const { clock } = this.#deps
    return {
      wall: () => clock.wall(),
      monotonic: () => clock.monotonic(),
      after: (ms, wake) => clock.after(ms, () => this.#event(wake)),
    }
  }

  #event(event: () => void): void {
    if (this.#ended || this.fatal !== undefined) return
    if (this.#held !== undefined) return void this.#held.push(event)
    try {
      event()
    } catch (error) {
      // What leaves an event ends the process, as it would end a real one.
      const { code, stack } = error as { code?: string; stack?: string }
      this.#die(error instanceof Error ? `${code ?? ''} ${stack}` : String(error))
    }
    this.#deps.events.turned()
  }

  #die(reason: string): void {
    if (this.#ended || this.fatal !== undefined) return
    this.fatal = reason
    this.#deps.network.stop()
    this.#deps.events.fatal(reason)
  }

  #log(): Log {
    const write = (event: string, fields?: LogFields): void => this.#deps.events.logged(event, fields ?? {})
    return { debug: write, info: write, warn: write, error: write }
  }
}

function isBatch(bytes: Uint8Array): boolean {
  try {
    return decodeMessage(bytes).kind === 'batch'
  } catch {
    return false // a liar's bytes are the replica's to refuse
  }
}

export const conditionsAt = (wall: number, now: number): Conditions => ({
  diskMs: 1,
  diskFault: undefined,
  wallAt: wall,
  wallSince: now,
  wallRate: 1,
  swallowsBatches: false,
})

/** A clock that jumps back below its founding shows the founding: times before 1970 are nobody's. */
export const wallNow = ({ wallAt, wallSince, wallRate }: Conditions, now: number): number =>
  Math.max(0, Math.round(wallAt + (now - wallSince) * wallRate))
