/**
 * Which start of which node is speaking (protocol.md, rule 17). A node signs nothing until q − 1 other members have stored its new
 * incarnation; they refuse one that is not new, or that claims less than what they hold signed by it: a restored backup, a second copy.
 * What a node has shown is kept under its node id, which is never used again; who counts is the list of the epoch.
 */
import { equalBytes } from '../chain/bytes.ts'
import { decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import { faultsOf, height, TERM_MAX, type Term, term } from '../chain/numbers.ts'
import { compareRanks, type MemberId, type Rank } from '../consensus/message.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Log } from './ports.ts'
import { metaKey } from './store-rows.ts'
import type { Hello, NodeMessage } from './wire.ts'

export interface FencingOptions {
  readonly epoch: number
  /** The newest epoch that was re-founded, 0 if none: what was registered before it is void (rule 22). */
  readonly registeredSince: number
  /** The node of each member of the epoch. */
  readonly nodes: ReadonlyMap<MemberId, string>
  /** This node's own id, in the list or not. */
  readonly node: string
  readonly quorum: number
  readonly incarnation: number
  /** 16 random bytes, new at each start. */
  readonly nonce: Uint8Array
}

export interface FencingDependencies {
  readonly cycle: DiskCycle
  readonly log: Log
  readonly turn: (event: () => void) => void
  readonly send: (to: MemberId, message: NodeMessage) => void
  /** How far this node had got when it started. */
  readonly standing: () => { readonly term: Term; readonly lock: Rank; readonly registeredSize: number }
  /** Enough members have stored this incarnation. */
  readonly onStored: () => void
  /** Members hold something signed by this node that this start knows nothing of: it must never sign again. */
  readonly onRefused: () => void
}

/** What a node has shown of itself. */
interface Shown {
  readonly epoch: number
  readonly incarnation: number
  readonly nonce: Uint8Array
  readonly term: Term
  readonly lock: Rank
  readonly registeredSize: number
}

export class Fencing {
  readonly #options: FencingOptions
  readonly #deps: FencingDependencies
  readonly #storedBy = new Set<MemberId>()
  readonly #refusedBy = new Set<MemberId>()
  /** By node id. */
  readonly #shown = new Map<string, Shown>()
  /** Who speaks for a member since it connected, and in which epoch. */
  readonly #speaks = new Map<
    MemberId,
    { readonly node: string; readonly epoch: number; readonly incarnation: number }
  >()
  /** What of it this start has written: the rest may be on the disk, or may not. */
  readonly #saved = new Map<string, Shown>()
  #done = false

  constructor(options: FencingOptions, dependencies: FencingDependencies) {
    this.#options = options
    this.#deps = dependencies
    for (const node of options.nodes.values()) this.#read(node)
  }

  #read(node: string): Shown | undefined {
    const held = this.#shown.get(node)
    if (held !== undefined) return held
    const shown = readShown(this.#deps, node)
    if (shown !== undefined) this.#shown.set(node, shown)
    return shown
  }

  /** Whether what this peer says counts in this epoch: it is in the list, and has not said that it is another node or elsewhere. */
  counts(from: MemberId): boolean {
    const node = this.#options.nodes.get(from)
    const speaks = this.#speaks.get(from)
    return (
      node !== undefined && (speaks === undefined || (speaks.node === node && speaks.epoch === this.#options.epoch))
    )
  }

  /** The newest epoch in which anybody has shown itself since this one began here. */
  get newestEpochSeen(): number {
    return Math.max(this.#options.epoch, ...[...this.#speaks.values()].map(({ epoch }) => epoch))
  }

  /** Members whose disk has this incarnation. */
  get storedBy(): ReadonlySet<MemberId> {
    return this.#storedBy
  }

  incarnationOf(member: MemberId): number | undefined {
    const node = this.#options.nodes.get(member)
    return node === undefined ? undefined : this.#shown.get(node)?.incarnation
  }

  /** A ledger of one member has nobody to ask. */
  start(): void {
    this.#countStored()
  }

  /** Says to a peer who is speaking: when it connects, when an epoch begins, and when it may have forgotten. */
  greet(peer: MemberId): void {
    const { incarnation, nonce, epoch, node } = this.#options
    this.#deps.send(peer, { kind: 'hello', incarnation, nonce, epoch, node, ...this.#deps.standing() })
  }

  receive(from: MemberId, message: Hello): void {
    const { cycle, send, log, turn } = this.#deps
    const { node } = message
    // Only what the list says is this member's is kept: one that is yet to join signs nothing that could be forgotten.
    if (this.#options.nodes.get(from) !== node) return this.#heard(from, message)
    const shown = this.#read(node)
    const code = shown === undefined ? undefined : objectionTo(message, shown, this.#options.registeredSince)
    if (code !== undefined) {
      log.error('peer refused', { member: from, code, incarnation: message.incarnation })
      return send(from, { kind: 'hello-refused', incarnation: message.incarnation, code })
    }
    const { incarnation, nonce, epoch, term, lock, registeredSize } = message
    this.#heard(from, message)
    // The same start after a reconnect says again where it began: what it signed since then still counts.
    if (shown?.incarnation !== incarnation) {
      this.#shown.set(node, { epoch, incarnation, nonce, term, lock, registeredSize })
    }
    this.#save(node)
    cycle.whenDurable(() => turn(() => send(from, { kind: 'hello-stored', incarnation })))
  }

  /** A peer that has started, or entered an epoch, since it heard from this node may know it by now: it is told again. */
  #heard(from: MemberId, { node, epoch, incarnation }: Hello): void {
    const before = this.#speaks.get(from)
    this.#speaks.set(from, { node, epoch, incarnation })
    const isNew = before === undefined || before.epoch !== epoch || before.incarnation !== incarnation
    if (isNew && (epoch < this.#options.epoch || !this.#storedBy.has(from))) this.greet(from)
  }

  onStored(from: MemberId, incarnation: number): void {
    if (incarnation !== this.#options.incarnation || !this.counts(from)) return
    this.#storedBy.add(from)
    this.#countStored()
  }

  /** One liar must not be able to retire anybody: what more than f members say, an honest one says. */
  onRefused(from: MemberId, incarnation: number, code: string): void {
    const { log, onRefused } = this.#deps
    if (incarnation !== this.#options.incarnation || this.#refusedBy.has(from) || !this.counts(from)) return
    this.#refusedBy.add(from)
    log.error('this start is refused', { member: from, code })
    if (this.#refusedBy.size === faultsOf(this.#options.nodes.size) + 1) onRefused()
  }

  /** Something signed by a member went by: a later start of it must not know less. Saved with whatever is written next. */
  saw(
    member: MemberId,
    signed: { readonly term?: Term; readonly lock?: Rank; readonly registeredSize?: number },
  ): void {
    const node = this.#options.nodes.get(member)
    const shown = node === undefined ? undefined : this.#shown.get(node)
    if (node === undefined || shown === undefined || shown.epoch !== this.#options.epoch) return
    const term = Math.max(shown.term, signed.term ?? 0) as Term
    const lock = signed.lock !== undefined && compareRanks(signed.lock, shown.lock) > 0 ? signed.lock : shown.lock
    const registeredSize = Math.max(shown.registeredSize, signed.registeredSize ?? 0)
    if (term === shown.term && lock === shown.lock && registeredSize === shown.registeredSize) return
    this.#shown.set(node, { ...shown, term, lock, registeredSize })
  }

  /** Called now and then: what was seen need not be on disk at once, since it only guards against what a restart forgets. */
  saveSeen(): void {
    for (const node of this.#shown.keys()) this.#save(node)
  }

  #save(node: string): void {
    const shown = this.#shown.get(node)!
    if (this.#saved.get(node) === shown) return
    this.#saved.set(node, shown)
    this.#deps.cycle.putLater(peerKey(node), encodeShown(shown))
  }

  #countStored(): void {
    if (this.#done || this.#storedBy.size < this.#options.quorum - 1) return
    this.#done = true
    this.#deps.onStored()
  }
}

const peerKey = (node: string): Uint8Array => metaKey(`peer/${node}`)

/** Why this start of a member must not sign; undefined when all is well. Chain height is not compared: tails shrink lawfully. */
function objectionTo(hello: Hello, shown: Shown, registeredSince: number): string | undefined {
  if (hello.incarnation === shown.incarnation && equalBytes(hello.nonce, shown.nonce)) return undefined
  if (hello.incarnation <= shown.incarnation) return 'node.incarnation-reused'
  if (hello.epoch < shown.epoch) return 'node.epoch-rolled-back'
  // Where an epoch begins, terms and locks begin anew.
  if (hello.epoch === shown.epoch && hello.term < shown.term) return 'node.term-rolled-back'
  if (hello.epoch === shown.epoch && compareRanks(hello.lock, shown.lock) < 0) return 'node.lock-rolled-back'
  if (shown.epoch >= registeredSince && hello.registeredSize < shown.registeredSize) return 'node.register-rolled-back'
  return undefined
}

/** Damaged, it is forgotten, loudly: this node then takes the peer's word as of its next hello, and the others still hold theirs. */
function readShown({ cycle, log }: FencingDependencies, node: string): Shown | undefined {
  try {
    const row = cycle.get(peerKey(node))
    return row === undefined ? undefined : decodeShown(row)
  } catch (error) {
    if (!(error instanceof DiskReadFailed)) throw error
    log.error('peer row damaged', { node })
    return undefined
  }
}

function encodeShown({ epoch, incarnation, nonce, term, lock, registeredSize }: Shown): Uint8Array {
  return encodeCbor([2, incarnation, nonce, term, lock.term, lock.height, registeredSize, epoch])
}

function decodeShown(row: Uint8Array): Shown {
  const parts = field.array(decodeCbor(row), 'peer row', 8)
  return {
    incarnation: field.natural(parts[1], 'incarnation'),
    nonce: field.bytes(parts[2], 'nonce', 16),
    term: term(field.natural(parts[3], 'term', TERM_MAX)),
    lock: {
      term: term(field.natural(parts[4], 'lock.term', TERM_MAX)),
      height: height(field.natural(parts[5], 'lock.height')),
    },
    registeredSize: field.natural(parts[6], 'registeredSize'),
    epoch: field.natural(parts[7], 'epoch'),
  }
}
