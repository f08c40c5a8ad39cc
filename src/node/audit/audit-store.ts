/**
 * What an audit has checked so far: the state that the rules read, the tree's tiles, which sizes are the ends of blocks, and how far it came. Nothing
 * here is a copy of what a source said: all of it was computed. It lies on a disk, so that memory stays flat and the next audit begins where this
 * one ended; state and position go there in one atomic batch.
 *
 *   s text         state row, as the rules see it        t level tile   full tiles, 256 hashes of 32 bytes
 *   z size         height and time of the block that ended there        b height   SHA-256 of the block's bytes
 *   e index        SHA-256 of a full bundle of entries                  m head     the position, and the tiles' right edge
 */
import { sha256 } from '#crypto'
import { assert } from '../../chain/assert.ts'
import type { Block } from '../../chain/block.ts'
import { concat, fromHex, toHex, u64, utf8 } from '../../chain/bytes.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field } from '../../chain/cbor.ts'
import { refFromCbor, refToCbor } from '../../chain/certificate.ts'
import { type Epoch, genesisRef, newestEpoch } from '../../chain/epoch.ts'
import type { ChainPoint, Execution } from '../../chain/execution.ts'
import { type Genesis, genesisState } from '../../chain/genesis.ts'
import { type HashReader, leafHash, rootOf, TreeFrontier } from '../../chain/merkle-tree.ts'
import { Overlay, type StateReader } from '../../chain/state.ts'
import { encodeEntryBundle, hashReaderOfTiles, tileWidthMax } from '../../chain/tile.ts'
import { DiskCycle } from '../disk-cycle.ts'
import { NameFilter } from '../name-filter.ts'
import type { Disk } from '../ports.ts'
import { StateCache } from '../state-cache.ts'
import { type Edge, TileBuilder } from './tile-builder.ts'

/** A member's newest cosignature that the chain itself carries. */
export interface CarriedCosignature {
  readonly size: number
  /** Hex. */
  readonly root: string
  readonly timeSeconds: number
  readonly signature: Uint8Array
}

export interface Counts {
  readonly blocks: number
  readonly records: number
}

/** Rows gathered before they are handed to the disk, which has as many in its hands meanwhile: a second of work, little beside the rest of the memory. */
const gatheredBytesMax = 4 * 1024 * 1024
/** State rows kept decoded: keys, parties, runs and what is open now. */
const cachedRows = 50_000
const format = 2

const prefix = { state: 0x73, tile: 0x74, size: 0x7a, block: 0x62, bundle: 0x65, meta: 0x6d } as const
const key = (first: number, ...rest: readonly Uint8Array[]): Uint8Array => concat(Uint8Array.of(first), ...rest)
const headKey = key(prefix.meta, utf8('head'))
const tileKey = (level: number, index: number): Uint8Array => key(prefix.tile, Uint8Array.of(level), u64(index))
const blockKey = (height: number): Uint8Array => key(prefix.block, u64(height))
const bundleKey = (index: number): Uint8Array => key(prefix.bundle, u64(index))
const sizeKey = (size: number): Uint8Array => key(prefix.size, u64(size))

export class AuditStore {
  readonly #cycle: DiskCycle
  readonly #cache = new StateCache(cachedRows, (name) => {
    if (this.#names?.mayHold(name) === false) return undefined
    const row = this.#cycle.get(key(prefix.state, utf8(name)))
    return row === undefined ? undefined : decodeCbor(row)
  })
  /** Of tiles read lately, for paths and comparisons. */
  readonly #tileCache = new Map<string, Uint8Array>()
  #tiles: TileBuilder
  #point: ChainPoint
  #counts: Counts
  /** Of all state rows; undefined where some were written by an earlier audit. */
  readonly #names: NameFilter | undefined
  /** The entries of the bundle that is not full yet; undefined where an earlier audit had the first of them. */
  #bundle: Uint8Array[] | undefined
  /** Read once for each change of members: every checkpoint and block is checked by its list. */
  #epoch: Epoch
  readonly #carried: Map<string, CarriedCosignature>
  #handedOver: Promise<void> | undefined

  readonly state: StateReader = this.#cache

  /** @throws {CborError} when the disk holds something else; DiskReadFailed when it cannot be read */
  constructor(genesis: Genesis, disk: Disk) {
    this.#cycle = new DiskCycle({}, { disk, beforeTaking: () => this.#putHead() })
    const row = this.#cycle.get(headKey)
    const onFull = (level: number, index: number, bytes: Uint8Array): void => this.#putTile(level, index, bytes)
    if (row !== undefined) {
      const held = readHead(row)
      this.#tiles = new TileBuilder(held.edges, onFull)
      this.#point = { ...held.point, state: this.state }
      this.#counts = held.counts
      this.#carried = held.carried
      this.#epoch = newestEpoch(this.state, genesis)
      return
    }
    this.#names = new NameFilter()
    const state = new Overlay({ get: () => undefined })
    genesisState(genesis, state)
    const leaf = leafHash(genesis.entry)
    const frontier = new TreeFrontier()
    frontier.append(leaf)
    const root = toHex(frontier.root())
    this.#tiles = new TileBuilder([], onFull)
    this.#tiles.append(leaf)
    this.#noteEntry(0, genesis.entry)
    this.#counts = { blocks: 0, records: 0 }
    this.#carried = new Map()
    const block = genesisRef(genesis)
    this.#point = { block, leader: '', time: genesis.foundedAt, frontier, root, state: this.state, unattested: [] }
    this.#fold(state.writes)
    this.#putSize()
    this.#epoch = newestEpoch(this.state, genesis)
  }

  /** The chain as it was checked last. */
  get point(): ChainPoint {
    return this.#point
  }

  get size(): number {
    return this.#point.frontier.size
  }

  /** The newest of which the chain so far knows: that which its last block closed the one before for, too. */
  get epoch(): Epoch {
    return this.#epoch
  }

  get counts(): Counts {
    return this.#counts
  }

  get carried(): ReadonlyMap<string, CarriedCosignature> {
    return this.#carried
  }

  /** Governance ended the epoch on the last block; its certificate was checked, and stands in the next one, which brings the row. */
  refound(next: Epoch): void {
    this.#epoch = next
  }

  /** Takes in the next block, which was executed on `point`. */
  fold(block: Block, { point, leaves, firstIndex, tileRoots, writes, fold }: Execution): void {
    assert(block.header.parent === this.#point.block.id, 'blocks are folded in order')
    this.#fold(writes)
    fold(this.state)
    const roots = [...tileRoots]
    for (const [i, { hash, bytes }] of leaves.entries()) {
      this.#tiles.append(hash, roots)
      this.#noteEntry(firstIndex + i, bytes)
    }
    assert(roots.length === 0, 'tiles are full where the tree says so')
    const { term, height } = block.header
    this.#point = { ...point, block: { term, height, id: block.id }, state: this.state }
    if (point.next !== undefined) this.#epoch = point.next
    const { blocks, records } = this.#counts
    const added = leaves.filter(({ kind }) => kind === 'record').length
    this.#counts = { blocks: blocks + 1, records: records + added }
    this.#cycle.putLater(blockKey(height), sha256(block.bytes))
    if (leaves.length > 0) this.#putSize()
    for (const { member, time, signature } of block.carried.attestation?.cosignatures ?? []) {
      const { size, root } = block.carried.attestation!
      this.#carried.set(member, { size, root, timeSeconds: time, signature })
    }
  }

  /**
   * Keeps what waits for the disk small. What was gathered is handed over, and only what was handed over before is waited for: the disk writes while
   * the next blocks are checked.
   */
  async makeRoom(): Promise<void> {
    if (this.#cycle.gatheredBytes <= gatheredBytesMax) return
    await this.#handedOver
    this.#handedOver = this.save()
  }

  /** Everything taken in so far becomes durable, as one. */
  save(): Promise<void> {
    this.#putHead()
    return new Promise((resolve) => {
      this.#cycle.whenDurable(resolve)
      this.#cycle.flush()
    })
  }

  /** Height and time of the block after which the tree had this size; undefined when no block ended there. */
  endOf(size: number): { readonly height: number; readonly time: number } | undefined {
    const row = this.#cycle.get(sizeKey(size))
    if (row === undefined) return undefined
    const [height, time] = field.array(decodeCbor(row), 'size row', 2)
    return { height: field.natural(height, 'height'), time: field.natural(time, 'time') }
  }

  /** Of the bytes of a block. */
  blockHash(height: number): Uint8Array | undefined {
    return this.#cycle.get(blockKey(height))
  }

  /** Of the bytes of a full bundle of entries; undefined also where two audits saw a part of it each. */
  bundleHash(index: number): Uint8Array | undefined {
    return this.#cycle.get(bundleKey(index))
  }

  /** `width` hashes of a tile; undefined when this tree has fewer. */
  tile(level: number, index: number, width: number): Uint8Array | undefined {
    const growing = this.#tiles.partial(level, index, width)
    if (growing !== undefined) return growing
    const name = `${level}/${index}`
    const held = this.#tileCache.get(name) ?? this.#cycle.get(tileKey(level, index))
    if (held === undefined) return undefined
    this.#tileCache.set(name, held)
    if (this.#tileCache.size > 64) this.#tileCache.delete(this.#tileCache.keys().next().value!)
    return held.subarray(0, width * 32)
  }

  hashReader(size: number): HashReader {
    return hashReaderOfTiles(size, (level, index, width) => {
      const tile = this.tile(level, index, width)
      assert(tile !== undefined, 'a tree has all its tiles')
      return tile
    })
  }

  /** Of the first `size` leaves. */
  rootAt(size: number): Uint8Array {
    return rootOf(size, this.hashReader(size))
  }

  #fold(writes: ReadonlyMap<string, CborValue>): void {
    for (const [name, value] of writes) {
      this.#names?.add(name)
      this.#cycle.putLater(key(prefix.state, utf8(name)), encodeCbor(value))
      this.#cache.set(name, value)
    }
  }

  #noteEntry(index: number, bytes: Uint8Array): void {
    if (index % tileWidthMax === 0) this.#bundle = []
    if (this.#bundle === undefined) return
    this.#bundle.push(bytes)
    if (this.#bundle.length < tileWidthMax) return
    this.#cycle.putLater(bundleKey(Math.floor(index / tileWidthMax)), sha256(encodeEntryBundle(this.#bundle)))
    this.#bundle = undefined
  }

  #putTile(level: number, index: number, bytes: Uint8Array): void {
    assert(bytes.length === tileWidthMax * 32, 'only full tiles have a row')
    this.#cycle.putLater(tileKey(level, index), bytes)
  }

  #putSize(): void {
    const { block, time, frontier } = this.#point
    this.#cycle.putLater(sizeKey(frontier.size), encodeCbor([block.height, time]))
  }

  #putHead(): void {
    const { block, leader, time, frontier, root, unattested } = this.#point
    const row = encodeCbor([
      format,
      refToCbor(block),
      leader,
      time,
      frontier.size,
      [...frontier.peaks],
      fromHex(root)!,
      unattested.map((each) => [each.size, fromHex(each.root)!]),
      this.#tiles.edges.map(({ index, bytes }) => [index, bytes]),
      [this.#counts.blocks, this.#counts.records],
      [...this.#carried].map(([member, { size, root: at, timeSeconds, signature }]) => [
        member,
        size,
        fromHex(at)!,
        timeSeconds,
        signature,
      ]),
    ])
    this.#cycle.put(headKey, row)
  }
}

interface HeldHead {
  readonly point: Omit<ChainPoint, 'state'>
  readonly edges: readonly Edge[]
  readonly counts: Counts
  readonly carried: Map<string, CarriedCosignature>
}

function readHead(row: Uint8Array): HeldHead {
  const parts = field.array(decodeCbor(row), 'head', 11)
  if (parts[0] !== format) throw new CborError(`an audit’s tree of format ${String(parts[0])}`)
  const hash = (value: CborValue | undefined, name: string): string => toHex(field.bytes(value, name, 32))
  const size = field.natural(parts[4], 'size')
  const peaks = field.array(parts[5], 'peaks').map((peak) => field.bytes(peak, 'peak', 32))
  const [blocks, records] = field.array(parts[9], 'counts', 2)
  return {
    point: {
      block: refFromCbor(parts[1], 'block'),
      leader: field.text(parts[2], 'leader', 32),
      time: field.natural(parts[3], 'time'),
      frontier: TreeFrontier.from(size, peaks),
      root: hash(parts[6], 'root'),
      unattested: field.array(parts[7], 'unattested').map((item) => {
        const [at, root] = field.array(item, 'unattested', 2)
        return { size: field.natural(at, 'size'), root: hash(root, 'root') }
      }),
    },
    edges: field.array(parts[8], 'edges').map((item) => {
      const [index, bytes] = field.array(item, 'edge', 2)
      return { index: field.natural(index, 'index'), bytes: field.bytes(bytes, 'edge') }
    }),
    counts: { blocks: field.natural(blocks, 'blocks'), records: field.natural(records, 'records') },
    carried: new Map(
      field.array(parts[10], 'carried').map((item) => {
        const [member, at, root, time, signature] = field.array(item, 'carried', 5)
        return [
          field.text(member, 'member', 32),
          {
            size: field.natural(at, 'size'),
            root: hash(root, 'root'),
            timeSeconds: field.natural(time, 'time'),
            signature: field.bytes(signature, 'signature', 64),
          },
        ]
      }),
    ),
  }
}
