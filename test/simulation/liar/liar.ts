/**
 * One lying member: a real node, so that it is believed and elected, whose every message passes through its lies on the way out and on the
 * way in; beside it the liar says and signs whatever it likes, with its own keys only. A replica that dies of the lies of its own member is
 * started afresh, and nobody holds a liar to its word: its `hello` claims whatever lets it in.
 */
import { fromHex, toHex } from '../../../src/chain/bytes.ts'
import { type BlockRef, type Certificate, type Signable, signableMessage } from '../../../src/chain/certificate.ts'
import { cosignatureMessage, formatCheckpoint } from '../../../src/chain/checkpoint.ts'
import type { ChainPoint } from '../../../src/chain/execution.ts'
import type { Height, Term } from '../../../src/chain/numbers.ts'
import { compareRanks, type Rank, signedMessage } from '../../../src/consensus/message.ts'
import type { MemoryMedium } from '../../../src/node/memory-disk.ts'
import {
  type Lane,
  type MemberId,
  messageBytesMax,
  type Network,
  type Random,
  type SigningPurpose,
} from '../../../src/node/ports.ts'
import type { Replica } from '../../../src/node/replica.ts'
import {
  type CosignatureMessage,
  decodeMessage,
  encodeMessage,
  type Hello,
  type WireMessage,
} from '../../../src/node/wire.ts'
import type { BentPorts, NodeProcess } from '../node-process.ts'
import type { Machine, World } from '../world.ts'
import type { Accomplice, Knowledge } from './knowledge.ts'

/** One way to lie. Undefined instead of a message: it is swallowed. */
export interface Lie {
  /** Reached the member; what is returned is what its replica hears. */
  hears?(from: MemberId, message: WireMessage): WireMessage | undefined
  /** Its replica wants to say this. */
  says?(to: MemberId, message: WireMessage): WireMessage | undefined
  /** The bytes as they leave, after all lies about what they say. */
  sends?(to: MemberId, lane: Lane, bytes: Uint8Array): Uint8Array
  /** Now and then, while its process runs. */
  turn?(): void
  /** The liars hold q signatures over this. */
  certified?(certificate: Certificate<Signable>): void
}

export interface LiarDependencies {
  readonly world: World
  readonly known: Knowledge
  readonly random: Random
}

const turnMs = 40

export class Liar implements Accomplice {
  readonly id: MemberId
  readonly world: World
  readonly known: Knowledge
  readonly others: readonly MemberId[]
  readonly random: Random
  lies: readonly Lie[] = []
  readonly #machine: Machine
  readonly #isAmbitious: boolean
  #wire: Network | undefined
  /** The hello that each start of this node said, by its nonce, and what its replica meant to say. */
  readonly #hellos = new Map<string, { readonly said: Hello; readonly meant: Hello }>()
  #current: { readonly said: Hello; readonly meant: Hello } | undefined
  /** The most that anybody can have heard from this member. */
  readonly #shown = { incarnation: -1, term: 0, lock: { term: 0, height: 0 } as Rank, registeredSize: 0 }

  constructor(id: MemberId, { world, known, random }: LiarDependencies) {
    this.id = id
    this.world = world
    this.known = known
    this.random = random
    this.others = world.ids.filter((other) => other !== id)
    this.#machine = world.machine(id)
    this.#isAmbitious = this.chance(700)
    this.#scheduleTurn()
  }

  // ── what a lie may look at ──────────────────────────────────────────────────────────────────────────────────────────────────

  get process(): NodeProcess | undefined {
    const { process } = this.#machine
    return process?.isStarted === true && !process.isPaused ? process : undefined
  }

  get replica(): Replica | undefined {
    return this.process?.replica
  }

  get isLeading(): boolean {
    return this.replica?.raft.role === 'leader'
  }

  get now(): number {
    return this.world.clock.monotonic()
  }

  get medium(): MemoryMedium {
    return this.#machine.medium
  }

  /** Where this block leads: as the replica knows it, or the liars. */
  point(id: string): ChainPoint | undefined {
    return this.replica?.ledger.point(id) ?? this.known.points.get(id)
  }

  /** The highest term that this liar knows of. */
  get term(): Term {
    return Math.max(this.replica?.raft.term ?? 0, this.known.elections.at(-1)?.signed.term ?? 0) as Term
  }

  chance(permille: number): boolean {
    return this.random.below(1_000) < permille
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)]!
  }

  some(permille = 500): readonly MemberId[] {
    return this.others.filter(() => this.chance(permille))
  }

  strike(lie: string): void {
    this.world.strike(`lie:${lie}`)
  }

  // ── saying and signing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  say(to: MemberId, message: WireMessage): void {
    this.#send(to, laneOf(message), encodeMessage(message))
  }

  tell(members: readonly MemberId[], message: WireMessage): void {
    const bytes = encodeMessage(message)
    for (const member of members) this.#send(member, laneOf(message), bytes)
  }

  sayBytes(to: MemberId, lane: Lane, bytes: Uint8Array): void {
    this.#send(to, lane, bytes)
  }

  #send(to: MemberId, lane: Lane, bytes: Uint8Array): void {
    if (this.process === undefined || to === this.id || bytes.length > messageBytesMax) return
    this.#wire?.send(to, lane, bytes)
  }

  /** With a key of this member; the world hears of it. */
  sign(purpose: SigningPurpose, message: Uint8Array): Uint8Array {
    const { process } = this
    if (process === undefined) throw new Error(`${this.id} does not run and signs nothing`)
    const key = process.keyOf(purpose)
    this.world.noteWord(process, purpose, message)
    return this.world.signatures.sign(key, message)
  }

  countersign(signable: Signable): Uint8Array | undefined {
    if (this.process === undefined) return undefined
    return this.sign('seal', signableMessage(this.world.rulesNow.context, signable))
  }

  /** Signed by this member, as it is sent. */
  signed(signable: Signable): WireMessage {
    const signature = this.countersign(signable)
    if (signature === undefined) throw new Error(`${this.id} does not run and signs nothing`)
    this.known.hear(this.id, signable, signature)
    const message = signedMessage(signable, signature)
    this.#shows(message)
    return message
  }

  cosigned(size: number, root: string, time = Math.floor(this.world.clock.wall() / 1_000)): CosignatureMessage {
    const text = formatCheckpoint({ origin: this.world.genesis.origin, size, root: fromHex(root)! })
    const signature = this.sign('cosign', cosignatureMessage(time, text))
    const message: CosignatureMessage = { kind: 'cosignature', size, root, time, signature }
    this.known.hearCosignature(this.id, message)
    this.#shows(message)
    return message
  }

  certified(certificate: Certificate<Signable>): void {
    if (this.process === undefined) return
    for (const lie of this.lies) lie.certified?.(certificate)
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Later, if the same process still runs then. */
  later(ms: number, run: () => void): void {
    const { process } = this
    this.world.clock.after(ms, () => {
      if (process !== undefined && this.process === process) this.#lying(run)
    })
  }

  #scheduleTurn(): void {
    this.world.clock.after(turnMs, () => {
      this.#scheduleTurn()
      this.#lying(() => {
        this.#keepAlive()
        for (const lie of this.lies) if (this.process !== undefined) lie.turn?.()
      })
    })
  }

  /** What is wrong in a lie must not look like the death of a liar's process, which is nothing. */
  #lying<T>(run: () => T): T | undefined {
    try {
      return run()
    } catch (error) {
      this.world.violated('liar', `${this.id}: ${error instanceof Error ? error.stack : String(error)}`)
      return undefined
    }
  }

  /** A replica that died of its member's lies, or signs nothing any more, is of no use to a liar. */
  #keepAlive(): void {
    const { process } = this.#machine
    if (process === undefined || process.isPaused) return
    const useless = ['node.halted', 'node.retired']
    const isUseless = process.isStarted && process.replica.hindrances.some((code) => useless.includes(code))
    if (process.fatal === undefined && !isUseless) return
    this.restart(isUseless || this.chance(500) ? 'empty' : this.medium)
  }

  /** From this disk, or from an empty one. */
  restart(medium: MemoryMedium | 'empty'): void {
    this.world.kill(this.id)
    if (medium === 'empty') this.#machine.medium.wipe()
    else this.#machine.medium = medium
    this.world.start(this.id)
  }

  // ── between the replica and its network ─────────────────────────────────────────────────────────────────────────────────────

  bend({ network: wire, random }: BentPorts): BentPorts {
    this.#wire = wire
    this.#current = undefined
    // Its election time-outs are drawn so short that it stands before anybody else.
    const below = (limit: number): number =>
      this.#isAmbitious ? random.below(Math.ceil(limit / 8)) : random.below(limit)
    return { network: this.#bent(wire), random: { bytes: (length) => random.bytes(length), below } }
  }

  #bent(wire: Network): Network {
    return {
      start: (handlers) =>
        wire.start({
          onPeer: (peer, up) => handlers.onPeer(peer, up),
          onMessage: (from, lane, bytes, release) => {
            const heard = this.#lying(() => this.#hear(from, bytes)) ?? bytes
            if (heard.length === 0) release()
            else handlers.onMessage(from, lane, heard, release)
          },
        }),
      send: (to, lane, bytes) => {
        const said = this.#lying(() => this.#speak(to, lane, bytes)) ?? bytes
        if (said.length > 0) wire.send(to, lane, said)
      },
      unacknowledged: (to, lane) => wire.unacknowledged(to, lane),
    }
  }

  /** What the replica is to hear instead; no bytes: nothing. */
  #hear(from: MemberId, bytes: Uint8Array): Uint8Array {
    const isLiar = this.world.machine(from).isLiar
    let message: WireMessage
    try {
      message = decodeMessage(bytes)
    } catch (error) {
      if (isLiar) return bytes
      throw error
    }
    if (!isLiar) this.known.note(from, message)
    let left: WireMessage | undefined = message
    for (const lie of this.lies) {
      if (lie.hears === undefined) continue
      left = lie.hears(from, left)
      if (left === undefined) return nothing
    }
    left = this.#asMeant(left)
    if (left === undefined) return nothing
    return left === message ? bytes : encodeMessage(left)
  }

  #speak(to: MemberId, lane: Lane, bytes: Uint8Array): Uint8Array {
    const message = decodeMessage(bytes)
    this.known.note(this.id, message)
    let left: WireMessage | undefined = message.kind === 'hello' ? this.#hello(message) : message
    for (const lie of this.lies) {
      if (lie.says === undefined) continue
      left = lie.says(to, left)
      if (left === undefined) return nothing
    }
    this.#shows(left)
    let said = left === message ? bytes : encodeMessage(left)
    for (const lie of this.lies) said = lie.sends?.(to, lane, said) ?? said
    return said
  }

  // ── the fence ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #shows(message: WireMessage): void {
    const shown = this.#shown
    if (message.kind === 'lock' && compareRanks(message.block, shown.lock) > 0) shown.lock = message.block
    if (message.kind === 'vote-reply' && message.vote !== undefined) shown.term = Math.max(shown.term, message.term)
    if (message.kind === 'cosignature') shown.registeredSize = Math.max(shown.registeredSize, message.size)
  }

  /** As much as anybody ever saw of this member, and a start more: the fence has nothing to say. */
  #hello(meant: Hello): Hello {
    const nonce = toHex(meant.nonce)
    let held = this.#hellos.get(nonce)
    if (held === undefined) {
      const shown = this.#shown
      const said: Hello = {
        ...meant,
        incarnation: Math.max(meant.incarnation, shown.incarnation + 1),
        term: Math.max(meant.term, shown.term) as Term,
        lock: compareRanks(meant.lock, shown.lock) >= 0 ? meant.lock : shown.lock,
        registeredSize: Math.max(meant.registeredSize, shown.registeredSize),
      }
      held = { said, meant }
      this.#hellos.set(nonce, held)
      Object.assign(shown, { incarnation: said.incarnation, term: said.term })
    }
    this.#current = held
    return held.said
  }

  /** Answers to a bent hello, bent back. */
  #asMeant(message: WireMessage): WireMessage | undefined {
    const current = this.#current
    if (current === undefined) return message
    if (message.kind === 'hello-refused') return undefined // a liar is not told twice
    if (message.kind !== 'hello-stored' || message.incarnation !== current.said.incarnation) return message
    return { ...message, incarnation: current.meant.incarnation }
  }
}

const nothing = new Uint8Array()

function laneOf({ kind }: WireMessage): Lane {
  if (kind === 'blocks-request' || kind === 'blocks-response') return 'bulk'
  return kind === 'block' || kind === 'batch' ? 'append' : 'control'
}

export const refAt = (term: number, height: number, id: string): BlockRef => ({
  term: term as Term,
  height: height as Height,
  id,
})
