/**
 * What the words and the disks of a run prove, gathered once for all invariants: who voted, acknowledged, locked and cosigned what, which
 * blocks there are and which are committed. It believes nothing that a node says of itself. Where a quorum is counted every liar counts
 * as having said what is asked, since it may have said so to one member alone; strangers are never counted, because words come from members only.
 */
import { type Block, decodeBlock } from '../../../src/chain/block.ts'
import { u64 } from '../../../src/chain/bytes.ts'
import { blockKey } from '../../../src/node/block-store.ts'
import { decodeHeadFile, decodeVoteFile, type HeadFile, type VoteFile } from '../../../src/node/durable-state.ts'
import type { Executed } from '../../../src/node/ledger.ts'
import type { MemoryMedium } from '../../../src/node/memory-disk.ts'
import type { DiskWrite, MemberId, Slot } from '../../../src/node/ports.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { Ref, Word } from '../word.ts'
import type { World } from '../world.ts'

/** A block as its bytes say. */
export interface KnownBlock extends Ref {
  readonly parent: string
  readonly size: number
  readonly root: string
  readonly time: number
}

/** A committed tree: its root, and the blocks that have it for their head (one that added records, and empty ones after it). */
export interface Head {
  readonly root: string
  readonly blocks: KnownBlock[]
}

const blockPrefix = blockKey(0 as never)[0]!
const blockKeyBytes = 1 + u64(0).length

export class Evidence implements Watch {
  readonly #world: World
  /** By term, then by candidate and base. */
  readonly #votes = new Map<number, Map<string, Set<MemberId>>>()
  readonly #acks = new Map<string, Set<MemberId>>()
  readonly #locks = new Map<string, Set<MemberId>>()
  readonly #cosignatures = new Map<string, Set<MemberId>>()
  /** By the bytes: every node stores the same, and each is decoded once. */
  readonly #byBytes = new Map<string, KnownBlock | undefined>()
  readonly #blocks = new Map<string, KnownBlock>()
  readonly #heads = new Map<number, Head>()
  readonly #committed = new Map<number, KnownBlock>()
  /** Members that signed after they had lost their disk: no better than liars. */
  readonly #revenants = new Set<MemberId>()
  readonly #voteFiles = new WeakMap<Uint8Array, VoteFile>()
  readonly #headFiles = new WeakMap<Uint8Array, HeadFile>()

  constructor(world: World) {
    this.#world = world
  }

  // ── quorums ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether these and all liars are a quorum. */
  isQuorum(members: ReadonlySet<MemberId> | undefined): boolean {
    let count = 0
    for (const [id, { isLiar }] of this.#world.machines) {
      if (isLiar || members?.has(id) === true || this.#revenants.has(id)) count++
    }
    return count >= this.#world.genesis.quorum
  }

  /** EC(term) can exist: for this candidate on this base, or for anybody. */
  isElected(term: number, candidate?: MemberId, base?: string): boolean {
    const votes = this.#votes.get(term)
    if (candidate !== undefined) return this.isQuorum(votes?.get(`${candidate} ${base}`))
    // Where liars alone are no quorum some honest member voted.
    return votes !== undefined && [...votes.values()].some((by) => this.isQuorum(by))
  }

  hasVoted(member: MemberId, term: number, candidate: MemberId, base: string): boolean {
    return this.#votes.get(term)?.get(`${candidate} ${base}`)?.has(member) === true
  }

  /** QC(B) can exist. */
  isAcknowledged(id: string): boolean {
    return this.isQuorum(this.#acks.get(id))
  }

  /** QC(B) or CC(B) can exist. */
  isCertified(id: string): boolean {
    return this.isAcknowledged(id) || this.isLocked(id)
  }

  /** CC(B) can exist. */
  isLocked(id: string): boolean {
    return this.isQuorum(this.#locks.get(id))
  }

  /** AC can exist. */
  isAttested(size: number, root: string): boolean {
    return this.isQuorum(this.#cosignatures.get(`${size} ${root}`))
  }

  hasCosigned(member: MemberId, size: number, root: string): boolean {
    return this.#cosignatures.get(`${size} ${root}`)?.has(member) === true
  }

  /** Members that are, or are as good as, liars and are not this one. */
  faultyBeside(member: MemberId): number {
    let count = 0
    for (const [id, { isLiar, isLost }] of this.#world.machines) if (id !== member && (isLiar || isLost)) count++
    return count
  }

  /** Its own words bind it: it neither lies nor has lost what it promised. */
  isBound(member: MemberId): boolean {
    const { isLiar, isLost } = this.#world.machine(member)
    return !isLiar && !isLost
  }

  // ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  block(id: string): KnownBlock | undefined {
    return this.#blocks.get(id)
  }

  /** The first block that anybody honest committed at this height. */
  committedAt(height: number): KnownBlock | undefined {
    return this.#committed.get(height)
  }

  /** The committed tree of this size. */
  headOf(size: number): Head | undefined {
    return this.#heads.get(size)
  }

  /** Walks down from a block; undefined when a parent on the way was never seen on an honest disk. */
  ancestorAt(id: string, height: number): KnownBlock | undefined {
    let block = this.#blocks.get(id)
    while (block !== undefined && block.height > height) block = this.#blocks.get(block.parent)
    return block
  }

  /** What a row of blocks holds; undefined when that is no block. */
  blockIn(bytes: Uint8Array | undefined): KnownBlock | undefined {
    if (bytes === undefined) return undefined
    const text = textOf(bytes)
    if (this.#byBytes.has(text)) return this.#byBytes.get(text)
    const known = this.#decode(bytes)
    this.#byBytes.set(text, known)
    return known
  }

  #decode(bytes: Uint8Array): KnownBlock | undefined {
    try {
      return this.#know(decodeBlock(bytes, this.#world.rules.context))
    } catch {
      return undefined // whatever is wrong with it, it is not a block
    }
  }

  #know({ id, header }: Block): KnownBlock {
    const { term, height, parent, size, root, time } = header
    const held = this.#blocks.get(id)
    if (held !== undefined) return held
    const known = { id, term, height, parent, size, root, time }
    this.#blocks.set(id, known)
    return known
  }

  // ── disks ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  voteFile({ slots }: Pick<MemoryMedium, 'slots'>): VoteFile | undefined {
    return decoded(slots.vote, this.#voteFiles, decodeVoteFile)
  }

  headFile({ slots }: Pick<MemoryMedium, 'slots'>): HeadFile | undefined {
    return decoded(slots.head, this.#headFiles, decodeHeadFile)
  }

  /** The block that lies on a disk at this height. */
  blockOn(medium: MemoryMedium, height: number): KnownBlock | undefined {
    return this.blockIn(rowOn(medium, height))
  }

  // ── as a watch ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A cycle that was cut short may have brought blocks to the disk of which nobody was told. */
  starting({ member, medium }: NodeProcess): void {
    if (!this.isBound(member)) return
    let height = this.headFile(medium)?.last.height ?? 0
    for (; height > 0; height--) {
      const bytes = rowOn(medium, height)
      if (bytes === undefined || this.#byBytes.has(textOf(bytes))) return
      this.blockIn(bytes)
    }
  }

  started({ replica }: NodeProcess): void {
    const { block, frontier, root, time } = replica.ledger.committed
    if (block.height > 0) return
    const genesis = { ...block, parent: '', size: frontier.size, root, time }
    this.#blocks.set(genesis.id, genesis)
    this.#commit(genesis)
  }

  word({ member }: NodeProcess, word: Word): void {
    if (this.#world.machine(member).isLost && word.kind !== 'OTHER') this.#revenants.add(member)
    switch (word.kind) {
      case 'VOTE':
        return this.#noteVote(word, member)
      case 'ACK':
        return note(this.#acks, word.block.id, member)
      case 'LOCK':
        return note(this.#locks, word.block.id, member)
      case 'COSIGN':
        return note(this.#cosignatures, `${word.size} ${word.root}`, member)
      default:
    }
  }

  #noteVote({ term, candidate, base }: Extract<Word, { kind: 'VOTE' }>, member: MemberId): void {
    const held = this.#votes.get(term)
    if (held === undefined) this.#votes.set(term, new Map([[`${candidate} ${base.id}`, new Set([member])]]))
    else note(held, `${candidate} ${base.id}`, member)
  }

  wrote(_process: NodeProcess, { rows = [] }: DiskWrite): void {
    for (const { key, value } of rows) if (isBlockKey(key)) this.blockIn(value)
  }

  committed(_process: NodeProcess, { block }: Executed): void {
    this.#commit(this.#know(block))
  }

  #commit(block: KnownBlock): void {
    if (this.#committed.has(block.height)) return
    this.#committed.set(block.height, block)
    const head = this.#heads.get(block.size)
    if (head === undefined) this.#heads.set(block.size, { root: block.root, blocks: [block] })
    else head.blocks.push(block)
  }
}

export function isBlockKey(key: Uint8Array): boolean {
  return key[0] === blockPrefix && key.length === blockKeyBytes
}

export const heightOfBlockKey = (key: Uint8Array): number =>
  Number(new DataView(key.buffer, key.byteOffset + 1, 8).getBigUint64(0))

/** Undefined also when it cannot be read. */
function rowOn(medium: MemoryMedium, height: number): Uint8Array | undefined {
  try {
    return medium.get(blockKey(height as never))
  } catch {
    return undefined
  }
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

function note(book: Map<string, Set<MemberId>>, what: string, member: MemberId): void {
  const held = book.get(what)
  if (held === undefined) book.set(what, new Set([member]))
  else held.add(member)
}

function decoded<T>(slot: Slot, known: WeakMap<Uint8Array, T>, decode: (bytes: Uint8Array) => T): T | undefined {
  if (slot.kind !== 'intact') return undefined
  let file = known.get(slot.bytes)
  if (file === undefined) {
    file = decode(slot.bytes)
    known.set(slot.bytes, file)
  }
  return file
}

const gathered = new WeakMap<World, Evidence>()

/** One for each world. It watches before every invariant that asks for it, so that each event is in it when they look. */
export function evidenceOf(world: World): Evidence {
  let evidence = gathered.get(world)
  if (evidence === undefined) {
    evidence = new Evidence(world)
    gathered.set(world, evidence)
    world.watch(evidence)
  }
  return evidence
}
