/**
 * A made-up run for the invariants' own tests: a world in which no node runs, and processes that say and write what the test tells them to.
 * Blocks, words and slots are real ones; only what happens is invented.
 */

import type { Batch } from '../../../src/chain/batch.ts'
import {
  type Attestation,
  assembleBlock,
  type Block,
  type BlockHeader,
  batchesDigest,
  blockId,
  type Carried,
  carriedDigest,
  refOfBlock,
} from '../../../src/chain/block.ts'
import { type Epoch, epochAfter, foundingEpoch } from '../../../src/chain/epoch.ts'
import type { Leaf } from '../../../src/chain/execution.ts'
import { type Height, height, type Term, term } from '../../../src/chain/numbers.ts'
import type { VoteState } from '../../../src/consensus/effect.ts'
import { blockKey } from '../../../src/node/block-rows.ts'
import { encodeHeadFile, encodeVoteFile, type HeadFile } from '../../../src/node/durable-state.ts'
import type { Executed } from '../../../src/node/ledger.ts'
import type { DiskWrite, Row } from '../../../src/node/ports.ts'
import type { WireMessage } from '../../../src/node/wire.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Answer, Watch } from '../watch.ts'
import type { Ref, Word } from '../word.ts'
import { type Machine, World } from '../world.ts'

/** What an invariant may look at in a node, and a test may change. */
export interface Stub {
  raft: {
    term: number
    role: string
    leader: string | null
    commit: number
    tail: Ref
    lock: { block: Ref }
    vote: { term: number; candidate: string | null; base: Ref | null }
    election: unknown
    uncommittedBytes: number
    has: (ref: { height: number; id: string }) => boolean
  }
  ledger: {
    committed: { block: Ref; frontier: { size: number }; root: string; time: number }
    point: (id: string) => { time: number } | undefined
  }
  store: {
    indexOfStatement: (id: string) => number | undefined
    indexOfRefusal: (id: string, member: string) => number | undefined
    applied: () => { readonly sum: Uint8Array } | undefined
    blockBytes: (height: number) => Uint8Array | undefined
    leaf: (index: number) => { bytes: Uint8Array; height: number } | undefined
  }
  attested: Attestation | undefined
  incarnation: number
  pendingCount: number
  pending: (statement: string) => { journalNumber: number; durable: boolean } | undefined
  hindrances: string[]
  faults: { fault: { kid: string; kind: string; detail: string }; frozen: object | undefined }[]
  epoch: Epoch
}

export interface Actor {
  readonly name: string
  readonly member: string
  readonly node: string
  medium: Machine['medium']
  fatal: string | undefined
  isStarted: boolean
  readonly replica: Stub
  unacknowledged: (to: string, lane: string) => number
}

const text = (digit: string): string => digit.repeat(64)
export const genesisId = text('0')
const genesis: Ref = { term: 0, height: 0, id: genesisId }

export const ref = ({ header, id }: Block): Ref => ({ term: header.term, height: header.height, id })

export class Scene {
  readonly world = new World({ memberCount: 4, seed: 1 })
  readonly #watches: Watch[] = []
  readonly #actors = new Map<string, Actor>()

  /** @param watch the invariant under test */
  constructor(watch: (world: World) => Watch) {
    this.world.watch = (each) => this.#watches.push(each)
    this.world.watch(watch(this.world))
  }

  /** The process of the n-th of four members; the next one after `restart`. */
  actor(n: number): Actor {
    const id = this.world.ids[n]!
    let actor = this.#actors.get(id)
    if (actor === undefined) {
      actor = this.#newActor(id, 1)
      this.#actors.set(id, actor)
      this.world.machine(id).process = actor as unknown as NodeProcess
    }
    return actor
  }

  /** A new process on the same disk; what it holds in memory is for the test to say. */
  restart(n: number): Actor {
    const before = this.actor(n)
    this.tell('ended', before)
    const next = this.#newActor(before.member, before.replica.incarnation + 1)
    this.#actors.set(before.member, next)
    this.world.machine(before.member).process = next as unknown as NodeProcess
    this.tell('starting', next)
    return next
  }

  machine(n: number): Machine {
    return this.world.machine(this.world.ids[n]!)
  }

  // ── what happens ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  tell(kind: keyof Watch, actor?: Actor, ...args: readonly unknown[]): void {
    const given = actor === undefined ? args : [actor, ...args]
    for (const watch of this.#watches) (watch[kind] as ((...args: readonly unknown[]) => void) | undefined)?.(...given)
  }

  word(n: number, word: Word): void {
    this.tell('word', this.actor(n), word)
  }

  /** The same word of several. */
  words(members: readonly number[], word: Word): void {
    for (const n of members) this.word(n, word)
  }

  sent(n: number, to: number, message: WireMessage): void {
    this.tell('sent', this.actor(n), this.world.ids[to]!, message)
  }

  /** What this says is durable. */
  write(n: number, write: DiskWrite): void {
    const actor = this.actor(n)
    actor.medium.apply(write, 3)
    this.tell('wrote', actor, write)
  }

  /** A block with the watermark on it. */
  store(n: number, block: Block, head: Partial<HeadFile> = {}): void {
    this.write(n, { rows: [rowOf(block)], head: headBytes({ last: refOfBlock(block), ...head }) })
  }

  /** The next epoch, which this block leads to, with these members in its list. */
  epochAfter(of: Block, members: readonly number[]): Epoch {
    const { size, root } = of.header
    const list = members.map((n) => this.machine(n).founded.member)
    return epochAfter(this.world.epoch, list, { block: refOfBlock(of), size, root })
  }

  /** The record that closes an epoch; its key is the hook's. */
  closing(key = 'close'): Partial<Leaf> {
    this.world.closings.set(key, { members: [], ready: new Map() })
    return { kind: 'record', statement: { key } as NonNullable<Leaf['statement']>, bytes: new Uint8Array() }
  }

  /** It closes the epoch for these. */
  close(n: number, block: Block, members: readonly number[], leaves = [this.closing()]): Epoch {
    const next = this.epochAfter(block, members)
    this.world.noteEpoch(next)
    this.commit(n, block, leaves, next)
    return next
  }

  commit(n: number, block: Block, leaves: readonly Partial<Leaf>[] = [], next?: Epoch): void {
    const { raft, ledger } = this.actor(n).replica
    const { size, root, time } = block.header
    ledger.committed = { block: ref(block), frontier: { size }, root, time }
    raft.commit = block.header.height
    const firstIndex = size - leaves.length
    const executed = {
      block,
      execution: { leaves, firstIndex },
      point: { unattested: [], next },
    } as unknown as Executed
    this.tell('committed', this.actor(n), executed)
  }

  turned(n: number): void {
    this.tell('turned', this.actor(n))
  }

  attested(n: number, size: number, root: string, by: readonly number[]): void {
    this.tell('attested', this.actor(n), attestation(this, size, root, by))
  }

  answered(answer: Answer): void {
    this.tell('answered', undefined, answer)
  }

  #newActor(member: string, incarnation: number): Actor {
    const { medium } = this.world.machine(member)
    return {
      name: member,
      member,
      node: this.world.machine(member).founded.member.node.id,
      medium,
      fatal: undefined,
      isStarted: true,
      unacknowledged: () => 0,
      replica: {
        raft: {
          term: 0,
          role: 'follower',
          leader: null,
          commit: 0,
          tail: genesis,
          lock: { block: genesis },
          vote: { term: 0, candidate: null, base: null },
          election: null,
          uncommittedBytes: 0,
          has: () => true,
        },
        ledger: {
          committed: { block: genesis, frontier: { size: 1 }, root: text('1'), time: 0 },
          point: () => undefined,
        },
        store: {
          indexOfStatement: () => undefined,
          indexOfRefusal: () => undefined,
          leaf: () => undefined,
          applied: () => undefined,
          blockBytes: () => undefined,
        },
        attested: undefined,
        incarnation,
        pendingCount: 0,
        pending: () => undefined,
        hindrances: [],
        faults: [],
        epoch: foundingEpoch(this.world.genesis),
      },
    }
  }
}

// ── things to say and write ───────────────────────────────────────────────────────────────────────────────────────────────────

interface Shape {
  readonly epoch?: number
  readonly term?: number
  /** The block before it; without: genesis. */
  readonly on?: Block
  readonly size?: number
  readonly root?: string
  readonly time?: number
  readonly leader?: string
  readonly carried?: Carried
  readonly batches?: readonly Batch[]
}

/** A real block, as far as its bytes go. */
export function block(shape: Shape = {}): Block {
  const { on, carried = {}, batches = [] } = shape
  const header: BlockHeader = {
    epoch: shape.epoch ?? on?.header.epoch ?? 0,
    term: term(shape.term ?? on?.header.term ?? 1),
    height: height((on?.header.height ?? 0) + 1),
    parent: on?.id ?? genesisId,
    time: shape.time ?? on?.header.time ?? 1_000,
    leader: shape.leader ?? 'beijing',
    batches: batchesDigest(batches),
    carried: carriedDigest(carried),
    size: shape.size ?? on?.header.size ?? 1,
    root: shape.root ?? on?.header.root ?? text('1'),
  }
  return { ...assembleBlock(header, new Uint8Array(64), carried, batches), id: blockId(header) }
}

export const rowOf = ({ header, bytes }: Block): Row => ({ key: blockKey(header.height), value: bytes })

export const vote = (at: number, candidate: string, base: Ref = genesis): Word => ({
  kind: 'VOTE',
  epoch: 0,
  term: at,
  candidate,
  base,
})
export const ack = (of: Block, base: Ref = genesis): Word => ({
  kind: 'ACK',
  epoch: of.header.epoch,
  base,
  block: ref(of),
})
export const lock = (of: Block): Word => ({ kind: 'LOCK', epoch: of.header.epoch, block: ref(of) })
export const cosign = (size: number, root: string): Word => ({ kind: 'COSIGN', size, root })
export const root = (digit: string): string => text(digit)

export function attestation(scene: Scene, size: number, rootText: string, by: readonly number[]): Attestation {
  const cosignatures = by.map((n) => ({ member: scene.world.ids[n]!, time: 0, signature: new Uint8Array(64) }))
  return { size, root: rootText, cosignatures }
}

export function voteBytes(at: number, candidate: string | null, incarnation = 1, isBarred = false): Uint8Array {
  const base = candidate === null ? null : (genesis as VoteState['base'])
  return encodeVoteFile({ epoch: 0, incarnation, vote: { term: term(at), candidate, base, ackBarred: isBarred } })
}

export function headBytes(parts: Partial<HeadFile> = {}): Uint8Array {
  const block = genesis as unknown as HeadFile['last']
  return encodeHeadFile({
    epoch: 0,
    last: block,
    lock: { block, lowerTermRank: { term: 0 as Term, height: 0 as Height } },
    commit: 0 as Height,
    register: { size: 0, root: text('0'), height: 0 as Height, id: genesisId },
    journalChanges: 0,
    ...parts,
  })
}

export const lockOn = (of: Block): HeadFile['lock'] => ({
  block: refOfBlock(of),
  lowerTermRank: { term: 0 as Term, height: 0 as Height },
})

export const registerOf = ({ id, header }: Block): HeadFile['register'] => ({
  size: header.size,
  root: header.root,
  height: header.height,
  id,
})

/** What an invariant must bear, and what it must not. */
export interface Case {
  readonly holds: (scene: Scene) => void
  readonly breaks: Readonly<Record<string, (scene: Scene) => void>>
}
