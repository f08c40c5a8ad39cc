/**
 * Which start of which node is speaking (protocol.md, rule 17). A node signs nothing until q − 1 other members have stored its new
 * incarnation; they refuse one that is not new, or that claims less than what they hold signed by it: a restored backup, a second copy.
 */
import { equalBytes } from '../chain/bytes.ts'
import { decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import { faultsOf, type Height, height, TERM_MAX, type Term, term } from '../chain/numbers.ts'
import { compareRanks, type MemberId, type Rank } from '../consensus/message.ts'
import { metaKey } from './block-store.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Log } from './ports.ts'
import type { Hello, NodeMessage } from './wire.ts'

export interface FencingOptions {
  readonly members: readonly MemberId[]
  readonly self: MemberId
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

/** What a member has shown of itself. */
interface Shown {
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
  readonly #shown = new Map<MemberId, Shown>()
  /** What of it this start has written: the rest may be on the disk, or may not. */
  readonly #saved = new Map<MemberId, Shown>()
  #done = false

  constructor(options: FencingOptions, dependencies: FencingDependencies) {
    this.#options = options
    this.#deps = dependencies
    for (const member of options.members) {
      const shown = readShown(dependencies, member)
      if (shown !== undefined) this.#shown.set(member, shown)
    }
  }

  /** Members whose disk has this incarnation. */
  get storedBy(): ReadonlySet<MemberId> {
    return this.#storedBy
  }

  incarnationOf(member: MemberId): number | undefined {
    return this.#shown.get(member)?.incarnation
  }

  /** A ledger of one member has nobody to ask. */
  start(): void {
    this.#countStored()
  }

  onPeerUp(peer: MemberId): void {
    const { incarnation, nonce } = this.#options
    this.#deps.send(peer, { kind: 'hello', incarnation, nonce, ...this.#deps.standing() })
  }

  receive(from: MemberId, message: Hello): void {
    const { cycle, send, log, turn } = this.#deps
    const shown = this.#shown.get(from)
    const code = shown === undefined ? undefined : objectionTo(message, shown)
    if (code !== undefined) {
      log.error('peer refused', { member: from, code, incarnation: message.incarnation })
      return send(from, { kind: 'hello-refused', incarnation: message.incarnation, code })
    }
    const { incarnation, nonce, term, lock, registeredSize } = message
    // The same start after a reconnect says again where it began: what it signed since then still counts.
    if (shown?.incarnation !== incarnation) this.#shown.set(from, { incarnation, nonce, term, lock, registeredSize })
    this.#save(from)
    cycle.whenDurable(() => turn(() => send(from, { kind: 'hello-stored', incarnation })))
  }

  onStored(from: MemberId, incarnation: number): void {
    if (incarnation !== this.#options.incarnation) return
    this.#storedBy.add(from)
    this.#countStored()
  }

  /** One liar must not be able to retire anybody: what more than f members say, an honest one says. */
  onRefused(from: MemberId, incarnation: number, code: string): void {
    const { log, onRefused } = this.#deps
    if (incarnation !== this.#options.incarnation || this.#refusedBy.has(from)) return
    this.#refusedBy.add(from)
    log.error('this start is refused', { member: from, code })
    if (this.#refusedBy.size === faultsOf(this.#options.members.length) + 1) onRefused()
  }

  /** Something signed by a member went by: a later start of it must not know less. Saved with whatever is written next. */
  saw(
    member: MemberId,
    signed: { readonly term?: Term; readonly lock?: Rank; readonly registeredSize?: number },
  ): void {
    const shown = this.#shown.get(member)
    if (shown === undefined) return
    const term = Math.max(shown.term, signed.term ?? 0) as Term
    const lock = signed.lock !== undefined && compareRanks(signed.lock, shown.lock) > 0 ? signed.lock : shown.lock
    const registeredSize = Math.max(shown.registeredSize, signed.registeredSize ?? 0)
    if (term === shown.term && lock === shown.lock && registeredSize === shown.registeredSize) return
    this.#shown.set(member, { ...shown, term, lock, registeredSize })
  }

  /** Called now and then: what was seen need not be on disk at once, since it only guards against what a restart forgets. */
  saveSeen(): void {
    for (const member of this.#shown.keys()) this.#save(member)
  }

  #save(member: MemberId): void {
    const shown = this.#shown.get(member)!
    if (this.#saved.get(member) === shown) return
    this.#saved.set(member, shown)
    this.#deps.cycle.putLater(peerKey(member), encodeShown(shown))
  }

  #countStored(): void {
    if (this.#done || this.#storedBy.size < this.#options.quorum - 1) return
    this.#done = true
    this.#deps.onStored()
  }
}

const peerKey = (member: MemberId): Uint8Array => metaKey(`peer/${member}`)

/** Why this start of a member must not sign; undefined when all is well. Chain height is not compared: tails shrink lawfully. */
function objectionTo(hello: Hello, shown: Shown): string | undefined {
  if (hello.incarnation === shown.incarnation && equalBytes(hello.nonce, shown.nonce)) return undefined
  if (hello.incarnation <= shown.incarnation) return 'node.incarnation-reused'
  if (hello.term < shown.term) return 'node.term-rolled-back'
  if (compareRanks(hello.lock, shown.lock) < 0) return 'node.lock-rolled-back'
  if (hello.registeredSize < shown.registeredSize) return 'node.register-rolled-back'
  return undefined
}

/** Damaged, it is forgotten, loudly: this member then takes the peer's word as of its next hello, and the others still hold theirs. */
function readShown({ cycle, log }: FencingDependencies, member: MemberId): Shown | undefined {
  try {
    const row = cycle.get(peerKey(member))
    return row === undefined ? undefined : decodeShown(row)
  } catch (error) {
    if (!(error instanceof DiskReadFailed)) throw error
    log.error('peer row damaged', { member })
    return undefined
  }
}

function encodeShown({ incarnation, nonce, term, lock, registeredSize }: Shown): Uint8Array {
  return encodeCbor([1, incarnation, nonce, term, lock.term, lock.height, registeredSize])
}

function decodeShown(row: Uint8Array): Shown {
  const parts = field.array(decodeCbor(row), 'peer row', 7)
  return {
    incarnation: field.natural(parts[1], 'incarnation'),
    nonce: field.bytes(parts[2], 'nonce', 16),
    term: term(field.natural(parts[3], 'term', TERM_MAX)),
    lock: {
      term: term(field.natural(parts[4], 'lock.term', TERM_MAX)),
      height: height(field.natural(parts[5], 'lock.height')) as Height,
    },
    registeredSize: field.natural(parts[6], 'registeredSize'),
  }
}
