/**
 * What the words and the disks of a run prove, gathered once for all invariants: who voted, acknowledged, locked and cosigned what, which
 * blocks there are and which are committed. It believes nothing that a node says of itself. Where a quorum is counted every liar counts
 * as having said what is asked, since it may have said so to one member alone. Who counts is the list of the epoch in which a word is said: what
 * any other node says, or a node of a member that is not the one listed, is never counted.
 */
import { type Block, decodeBlock } from '../../../src/chain/block.ts'
import { type Epoch, epochOfSize } from '../../../src/chain/epoch.ts'
import { blockKey, blockOfRows } from '../../../src/node/block-rows.ts'
import { decodeHeadFile, decodeVoteFile, type HeadFile, type VoteFile } from '../../../src/node/durable-state.ts'
import type { Executed } from '../../../src/node/ledger.ts'
import type { MemoryMedium } from '../../../src/node/memory-disk.ts'
import type { DiskWrite, MemberId, Row, Slot } from '../../../src/node/ports.ts'
import { RowMap } from '../../../src/node/row-map.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { Ref, Word } from '../word.ts'
import type { World } from '../world.ts'

/** A block as its bytes say. */
export interface KnownBlock extends Ref {
  readonly epoch: number
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

export class Evidence implements Watch {
  readonly #world: World
  /** By epoch and term, then by candidate and base. */
  readonly #votes = new Map<string, Map<string, Set<MemberId>>>()
  /** By epoch and block. */
  readonly #acks = new Map<string, Set<MemberId>>()
  readonly #locks = new Map<string, Set<MemberId>>()
  /** For which anybody signed LOCK. */
  readonly #lockedBlocks = new Set<string>()
  readonly #cosignatures = new Map<string, Set<MemberId>>()
  /** By the bytes: every node stores the same, and each is decoded once. */
  readonly #byBytes = new Map<string, KnownBlock | undefined>()
  readonly #blocks = new Map<string, KnownBlock>()
  readonly #heads = new Map<number, Head>()
  readonly #committed = new Map<number, KnownBlock>()
  /** Nodes. */
  readonly #revenants = new Set<string>()
  readonly #voteFiles = new WeakMap<Uint8Array, VoteFile>()
  readonly #headFiles = new WeakMap<Uint8Array, HeadFile>()

  constructor(world: World) {
    this.#world = world
  }

  /** This node signed after it had lost its disk: its word is worth no more than a liar's. */
  isRevenant(node: string): boolean {
    return this.#revenants.has(node)
  }

  // ── quorums ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether these and all liars of this epoch are a quorum of it. */
  isQuorum(members: ReadonlySet<MemberId> | undefined, epoch: Epoch | undefined): boolean {
    if (epoch === undefined) return false
    let count = 0
    for (const { id, node } of epoch.members) {
      const machine = this.#world.machines.get(id)
      if (machine?.isLiar === true || members?.has(id) === true || this.isRevenant(node.id)) count++
    }
    return count >= epoch.quorum
  }

  /** Said of a block by a quorum of the epoch in which it was said: of this one, or of any. */
  #isSaidByQuorum(said: ReadonlyMap<string, ReadonlySet<MemberId>>, block: string, epoch?: number): boolean {
    for (let at: Epoch | undefined = this.#world.epoch; at !== undefined; at = at.previous) {
      if (epoch !== undefined && at.number !== epoch) continue
      if (this.isQuorum(said.get(`${at.number} ${block}`), at)) return true
    }
    return false
  }

  /** EC(term) can exist: for this candidate on this base, or for anybody. */
  isElected(epoch: number, term: number, candidate?: MemberId, base?: string): boolean {
    const votes = this.#votes.get(`${epoch} ${term}`)
    const list = this.#world.epochNumbered(epoch)
    if (candidate !== undefined) return this.isQuorum(votes?.get(`${candidate} ${base}`), list)
    // Where liars alone are no quorum some honest member voted.
    return votes !== undefined && [...votes.values()].some((by) => this.isQuorum(by, list))
  }

  hasVoted(member: MemberId, epoch: number, term: number, candidate: MemberId, base: string): boolean {
    return this.#votes.get(`${epoch} ${term}`)?.get(`${candidate} ${base}`)?.has(member) === true
  }

  /** QC(B) can exist; `epoch`: in that one. A liar may say of any block what others said of it in their epoch. */
  isAcknowledged(id: string, epoch?: number): boolean {
    return this.#isSaidByQuorum(this.#acks, id, epoch)
  }

  /** QC(B) or CC(B) can exist. */
  isCertified(id: string, epoch?: number): boolean {
    return this.isAcknowledged(id, epoch) || this.isLocked(id, epoch)
  }

  /** CC(B) can exist. */
  isLocked(id: string, epoch?: number): boolean {
    return this.#isSaidByQuorum(this.#locks, id, epoch)
  }

  /** The block that closed an epoch may have no CC but that of an empty block above it, which dies with the epoch (rule 19). */
  isClosedFromAbove({ id, height }: Ref): boolean {
    return [...this.#lockedBlocks].some(
      (above) => above !== id && this.isLocked(above) && this.ancestorAt(above, height)?.id === id,
    )
  }

  /** AC can exist. */
  isAttested(size: number, root: string): boolean {
    return this.isQuorum(this.#cosignatures.get(`${size} ${root}`), this.epochOfSize(size))
  }

  /** Whose members attest a tree of this size. */
  epochOfSize(size: number): Epoch {
    return epochOfSize(this.#world.epoch, size)
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
    const { epoch, term, height, parent, size, root, time } = header
    const held = this.#blocks.get(id)
    if (held !== undefined) return held
    const known = { id, epoch, term, height, parent, size, root, time }
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
    const genesis = { ...block, epoch: 0, parent: '', size: frontier.size, root, time }
    this.#blocks.set(genesis.id, genesis)
    this.#commit(genesis)
  }

  word({ member, node }: NodeProcess, word: Word): void {
    if (word.kind === 'OTHER') return
    if (this.#world.machine(member).isLost) this.#revenants.add(node)
    const epoch = word.kind === 'COSIGN' ? this.epochOfSize(word.size) : this.#world.epochNumbered(word.epoch)
    if (epoch?.members.some((listed) => listed.id === member && listed.node.id === node) !== true) return
    switch (word.kind) {
      case 'VOTE':
        return this.#noteVote(word, member)
      case 'ACK':
        return note(this.#acks, `${word.epoch} ${word.block.id}`, member)
      case 'LOCK':
        this.#lockedBlocks.add(word.block.id)
        return note(this.#locks, `${word.epoch} ${word.block.id}`, member)
      case 'COSIGN':
        return note(this.#cosignatures, `${word.size} ${word.root}`, member)
      default:
    }
  }

  #noteVote({ epoch, term, candidate, base }: Extract<Word, { kind: 'VOTE' }>, member: MemberId): void {
    const held = this.#votes.get(`${epoch} ${term}`)
    if (held === undefined)
      this.#votes.set(`${epoch} ${term}`, new Map([[`${candidate} ${base.id}`, new Set([member])]]))
    else note(held, `${candidate} ${base.id}`, member)
  }

  wrote(_process: NodeProcess, { rows = [] }: DiskWrite): void {
    for (const { bytes } of blocksIn(rows)) this.blockIn(bytes)
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

/** The blocks that a cycle writes or, without bytes, deletes: a block's pieces go in one cycle. */
export function blocksIn(rows: readonly Row[]): { readonly height: number; readonly bytes: Uint8Array | undefined }[] {
  const heights = new Set<number>()
  for (const { key } of rows) if (key[0] === blockPrefix) heights.add(heightOfBlockKey(key))
  const written = heights.size === 0 ? undefined : new RowMap()
  for (const row of rows) if (row.key[0] === blockPrefix) written!.set(row)
  return Array.from(heights, (height) => ({
    height,
    bytes: blockOfRows(height as never, (key) => written!.get(key)?.value),
  }))
}

const heightOfBlockKey = (key: Uint8Array): number =>
  Number(new DataView(key.buffer, key.byteOffset + 1, 8).getBigUint64(0))

/** Undefined also when it cannot be read. */
function rowOn(medium: MemoryMedium, height: number): Uint8Array | undefined {
  try {
    return blockOfRows(height as never, (key) => medium.get(key))
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
