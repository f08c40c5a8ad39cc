/**
 * What the node keeps in its ordered key-value store, and under which keys. Blocks are stored once, verbatim; everything else is derived from
 * them — state, tree tiles, where each leaf lies, who is named where — and written in one atomic batch with the height it is
 * true for. A block is checked against its hash whenever it is read. Writes go through the group commit; reads see what is pending.
 *
 *   b height piece    block bytes, in pieces (block-rows.ts)
 *   h height          the block's id and header, of committed blocks
 *   s text            state row, as the rules see it
 *   t level tile      up to 256 hashes of 32 bytes
 *   l tile            up to 256 leaf locations of 12 bytes
 *   x index           bytes of a leaf that is not in a block: system entries, refusal records
 *   d statement id    index of its record          r statement id member   index of a refusal record
 *   q field value height   indices of the records of that block that name this value
 *   c code subject    a subject of the trade (a tender) that goes by this code, and the index of its first record
 *   a size            q cosignatures               j number                a statement that got a receipt
 *   f kid             the first fault proof of a key, as its file
 *   m name            the applied height with its sum; what peers have shown of themselves
 */
import { sha256 } from '#crypto'
import { assert } from '../chain/assert.ts'
import {
  type Attestation,
  attestationFromCbor,
  attestationToCbor,
  type Block,
  type BlockHeader,
  blockIdOfHeader,
  decodeBlock,
  decodeHeader,
  encodeHeader,
} from '../chain/block.ts'
import { concat, equalBytes, fromHex, readU32, toHex, u64, utf8, writeU32 } from '../chain/bytes.ts'
import { CborError, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import type { BlockRef, SigningContext } from '../chain/certificate.ts'
import type { ChainPoint, Execution, Leaf } from '../chain/execution.ts'
import { type HashReader, leafHash, nodeHash, TreeFrontier } from '../chain/merkle-tree.ts'
import { type Height, height, TERM_MAX, term } from '../chain/numbers.ts'
import type { StateReader } from '../chain/state.ts'
import { hashReaderOfTiles, tileWidthMax } from '../chain/tile.ts'
import { blockKey, blockOfRows, blockPiecesMax, partOfBlock, rowsOfBlock } from './block-rows.ts'
import { ByteCache } from './byte-cache.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Disk } from './ports.ts'
import { StateCache } from './state-cache.ts'
import { StateSum } from './state-sum.ts'

const prefix = {
  header: 0x68,
  state: 0x73,
  tile: 0x74,
  location: 0x6c,
  leaf: 0x78,
  statement: 0x64,
  refusal: 0x72,
  named: 0x71,
  coded: 0x63,
  attestation: 0x61,
  journal: 0x6a,
  fault: 0x66,
  meta: 0x6d,
} as const

/** Everything that can be made again from the blocks. */
export const derivedPrefixes: readonly number[] = [
  prefix.header,
  prefix.state,
  prefix.tile,
  prefix.location,
  prefix.leaf,
  prefix.statement,
  prefix.refusal,
  prefix.named,
  prefix.coded,
]

const key = (first: number, ...rest: readonly Uint8Array[]): Uint8Array => concat(Uint8Array.of(first), ...rest)

export const journalKey = (number: number): Uint8Array => key(prefix.journal, u64(number))
export const numberOfJournalKey = (row: Uint8Array): number => numberAt(row, row.length - 8)
export const metaKey = (name: string): Uint8Array => key(prefix.meta, utf8(name))
export const faultKey = (kid: string): Uint8Array => key(prefix.fault, utf8(kid))
export const attestationKey = (size: number): Uint8Array => key(prefix.attestation, u64(size))
export const prefixRange = (first: number): { gte: Uint8Array; lt: Uint8Array } => ({
  gte: Uint8Array.of(first),
  lt: Uint8Array.of(first + 1),
})
export const journalRange = prefixRange(prefix.journal)
export const faultRange = prefixRange(prefix.fault)
export const attestationsFrom = (size: number): { gte: Uint8Array; lt: Uint8Array } => ({
  gte: attestationKey(size),
  lt: Uint8Array.of(prefix.attestation + 1),
})

/** `kid`: what one key signed; `subject`: a lifecycle's instance; `hash`: of a document; `finding`: a code, or '' for all. */
export type NamedField =
  | 'type'
  | 'owner'
  | 'tender'
  | 'party'
  | 'member'
  | 'region'
  | 'kid'
  | 'subject'
  | 'hash'
  | 'finding'
/** In the order of their numbers in the rows' names. */
const namedFields: readonly NamedField[] = [
  'type',
  'owner',
  'tender',
  'party',
  'member',
  'region',
  'kid',
  'subject',
  'hash',
  'finding',
]

function namedKey(name: NamedField, value: string, at?: Height): Uint8Array {
  const digest = sha256(utf8(value)).subarray(0, 16)
  const head = key(prefix.named, Uint8Array.of(namedFields.indexOf(name)), digest)
  return at === undefined ? head : concat(head, u64(at))
}

/** Rows from this height on that name the value; values decode with `namedIndices`. */
export function namedRange(name: NamedField, value: string, from: Height): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: namedKey(name, value, from), lt: concat(namedKey(name, value), new Uint8Array(8).fill(0xff)) }
}

const digest16 = (value: string): Uint8Array => sha256(utf8(value)).subarray(0, 16)

/**
 * Rows of the subjects that go by a code, in the order of their digests; values decode with `codedSubject`.
 * @param after a subject's digest (`digestOfCodedKey`), hex: those behind it only
 */
export function codedRange(code: string, after?: string): { gte: Uint8Array; lt: Uint8Array } {
  const head = key(prefix.coded, digest16(code))
  const lt = concat(head, new Uint8Array(16).fill(0xff))
  return { gte: after === undefined ? head : concat(head, fromHex(after)!, Uint8Array.of(0)), lt }
}

/** Hex. */
export const digestOfCodedKey = (row: Uint8Array): string => toHex(row.subarray(-16))

export function codedSubject(row: Uint8Array): { readonly subject: string; readonly index: number } {
  const [subject, index] = field.array(decodeCbor(row), 'coded', 2)
  return { subject: field.text(subject, 'subject'), index: field.natural(index, 'index') }
}

export function namedIndices(row: Uint8Array): number[] {
  return field.array(decodeCbor(row), 'named').map((index) => field.natural(index, 'index'))
}

export const heightOfNamedKey = (row: Uint8Array): Height => height(numberAt(row, row.length - 8))

/** The newest folded block and what the next one needs to know of it. */
export interface Applied {
  readonly block: BlockRef
  readonly leader: string
  readonly time: number
  readonly size: number
  readonly root: string
  readonly unattested: ChainPoint['unattested']
  readonly sum: Uint8Array
}

/** A stored block does not hash to its id, or what is derived from blocks is not there: the disk is damaged. */
export class DamagedStore extends Error {
  override readonly name = 'DamagedStore'
}

const locationBytes = 12
const locationRowBytes = tileWidthMax * locationBytes
const tileBytes = tileWidthMax * 32
/** In a location's offset: the leaf has a row of its own. */
const ownRow = 0xffff_ffff

export interface BlockStoreDependencies {
  readonly cycle: DiskCycle
  readonly disk: Disk
  readonly context: SigningContext
}

export class BlockStore {
  readonly #cycle: DiskCycle
  readonly #context: SigningContext
  #sum = new StateSum()
  /** All derived rows are of this start: one that cannot be read is left over from before, and stands for nothing. */
  #isMadeAnew = false
  /** The rows at the right edge, which every block rewrites: by key, hex. */
  readonly #edges = new Map<string, Edge>()
  /** Decoded blocks, for reads that go through many leaves of one block. */
  readonly #decoded = new Map<number, Block>()
  readonly #pieces = new ByteCache(piecesHeldBytesMax)
  /** Full rows of leaf locations and leaf hashes: they never change. */
  readonly #locations = new ByteCache(locationsHeldBytesMax)
  readonly #leafTiles = new ByteCache(leafTilesHeldBytesMax)
  readonly #headers = new Map<Height, BlockHeader>()
  readonly #stateCache = new StateCache(stateCacheRows, (name) => {
    const row = this.#derived(key(prefix.state, utf8(name)))
    return row === undefined ? undefined : decodeCbor(row)
  })
  /** Codes that have their row: the same few tenders come again and again. */
  readonly #codesNoted = new Set<string>()
  /** Hashes of complete subtrees, by level and index. */
  readonly #subtrees = new Map<number, Uint8Array>()
  readonly scan: Disk['scan']

  constructor(dependencies: BlockStoreDependencies) {
    this.#cycle = dependencies.cycle
    this.#context = dependencies.context
    this.scan = (range, visit, done) => dependencies.disk.scan(range, visit, done)
  }

  // ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  putBlock({ header, bytes }: Pick<Block, 'header' | 'bytes'>): void {
    this.putBlockBytes(header.height, bytes)
  }

  /** Also for the genesis entry, at height 0. */
  putBlockBytes(at: Height, bytes: Uint8Array): void {
    for (const { key, value } of rowsOfBlock(at, bytes)) this.#cycle.put(key, value!)
    this.#forget(at)
  }

  /** Names of the rows of a block, readable or not, for whoever drops it. What lies behind a row that is missing stays, and hurts nobody. */
  blockKeys(at: Height): Uint8Array[] {
    const keys: Uint8Array[] = []
    for (let piece = 0; piece < blockPiecesMax; piece++) {
      const row = blockKey(at, piece)
      try {
        if (this.#cycle.get(row) === undefined) break
      } catch (error) {
        if (!(error instanceof DiskReadFailed)) throw error
      }
      keys.push(row)
    }
    return keys
  }

  /** All that there is of them. @throws {DamagedStore} when the disk cannot read them */
  blockBytes(at: Height): Uint8Array | undefined {
    return this.#ofBlock(at, () => blockOfRows(at, (row) => this.#cycle.get(row)))
  }

  #ofBlock<T>(at: Height, read: () => T): T {
    try {
      return read()
    } catch (error) {
      // Unlike any other row those of a block can be had again, from other members and by its hash.
      if (error instanceof DiskReadFailed) throw new DamagedStore(`block ${at}: ${error.message}`)
      throw error
    }
  }

  /** Whether there is a row for this height, readable or not. */
  holdsBlock(at: Height): boolean {
    try {
      return this.blockBytes(at) !== undefined
    } catch (error) {
      if (error instanceof DamagedStore) return true
      throw error
    }
  }

  /**
   * Checked against its own header's hash; that this is the right id is for whoever knows the chain to compare.
   * @throws {DamagedStore} when the bytes are no block of that height
   */
  block(at: Height): Block | undefined {
    const held = this.#decoded.get(at)
    if (held !== undefined) return held
    const bytes = this.blockBytes(at)
    if (bytes === undefined) return undefined
    let block: Block
    try {
      block = decodeBlock(bytes, this.#context)
    } catch (error) {
      throw new DamagedStore(`block ${at}: ${String(error)}`)
    }
    if (block.header.height !== at) throw new DamagedStore(`block ${at}: stored under another height`)
    this.#decoded.set(at, block)
    if (this.#decoded.size > decodedBlocksMax) this.#decoded.delete(this.#decoded.keys().next().value!)
    return block
  }

  /**
   * Of a committed block, without reading all of it.
   * @throws {DiskReadFailed} when the row is not what was written: like every derived row it is made again by the next start
   */
  header(at: Height): BlockHeader | undefined {
    const held = this.#headers.get(at)
    if (held !== undefined) return held
    const row = this.#derived(headerKey(at))
    if (row === undefined) return undefined
    try {
      const header = decodeHeader(row.subarray(32))
      if (header.height === at && blockIdOfHeader(row.subarray(32)) === toHex(row.subarray(0, 32))) {
        this.#headers.set(at, header)
        if (this.#headers.size > headersHeldMax) this.#headers.delete(this.#headers.keys().next().value!)
        return header
      }
    } catch (error) {
      if (!(error instanceof CborError)) throw error
    }
    throw new DiskReadFailed(`the header of block ${at}`)
  }

  /** What one leaf needs of a committed block. Who reads a leaf of a block soon reads its neighbours, so pieces read lately are kept. */
  #partOfBlock(at: Height, offset: number, length: number): Uint8Array | undefined {
    const part = this.#ofBlock(at, () =>
      partOfBlock(offset, length, (piece) => {
        const number = pieceNumber(at, piece)
        return this.#pieces.held(number) ?? this.#pieces.keep(number, this.#cycle.get(blockKey(at, piece)))
      }),
    )
    if (part?.length === length) return part
    // An earlier build wrote it as one row, or a piece is missing.
    return this.blockBytes(at)?.subarray(offset, offset + length)
  }

  #forget(at: Height): void {
    this.#decoded.delete(at)
    for (let piece = 0; piece < blockPiecesMax; piece++) this.#pieces.delete(pieceNumber(at, piece))
  }

  /** A block that was truncated must not be answered from memory. */
  forgetAbove(at: Height): void {
    for (const held of this.#decoded.keys()) if (held > at) this.#decoded.delete(held)
    this.#pieces.clear()
  }

  /** @throws {DiskReadFailed} */
  #derived(row: Uint8Array): Uint8Array | undefined {
    return this.#isMadeAnew ? this.#readable(row) : this.#cycle.get(row)
  }

  #readable(row: Uint8Array): Uint8Array | undefined {
    try {
      return this.#cycle.get(row)
    } catch (error) {
      if (error instanceof DiskReadFailed) return undefined
      throw error
    }
  }

  // ── committed state ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The state as of the applied height. */
  readonly state: StateReader = this.#stateCache

  applied(): Applied | undefined {
    const row = this.#readable(appliedKey)
    // The row that vouches for all others has nothing above it that vouches for it but its own digest.
    if (row === undefined || !equalBytes(sha256(row.subarray(32)), row.subarray(0, 32))) return undefined
    const parts = field.array(decodeCbor(row.subarray(32)), 'applied', 9)
    // Rows that an earlier version derived lack what this one looks for: they are made again from the blocks.
    if (parts[0] !== derivedFormat) return undefined
    return {
      block: {
        term: term(field.natural(parts[1], 'term', TERM_MAX)),
        height: height(field.natural(parts[2], 'height')),
        id: toHex(field.bytes(parts[3], 'id', 32)),
      },
      leader: field.text(parts[8], 'leader', 32),
      time: field.natural(parts[4], 'time'),
      size: field.natural(field.array(parts[5], 'head', 2)[0], 'size'),
      root: toHex(field.bytes(field.array(parts[5], 'head', 2)[1], 'root', 32)),
      unattested: field.array(parts[6], 'unattested').map((item) => {
        const [size, root] = field.array(item, 'unattested', 2)
        return { size: field.natural(size, 'size'), root: toHex(field.bytes(root, 'root', 32)) }
      }),
      sum: field.bytes(parts[7], 'sum', 32),
    }
  }

  /** Takes up from what the disk holds: the sum and the right edge of the tree. */
  resume(applied: Applied): TreeFrontier {
    this.#sum = new StateSum(applied.sum)
    this.#forgetRead()
    const read = this.hashReader(applied.size)
    const peaks: Uint8Array[] = []
    let begin = 0
    for (let level = 52; level >= 0; level--) {
      const leaves = 2 ** level
      if (Math.floor(applied.size / leaves) % 2 === 1) {
        peaks.push(read(level, begin / leaves))
        begin += leaves
      }
    }
    const frontier = TreeFrontier.from(applied.size, peaks)
    if (toHex(frontier.root()) !== applied.root) throw new DamagedStore('the tiles do not add up to the applied root')
    return frontier
  }

  /** Writes all that a committed block derives, in one batch with the applied height. */
  fold(
    block: BlockRef,
    blockBytes: Uint8Array,
    execution: Pick<Execution, 'leaves' | 'firstIndex' | 'writes' | 'point'> &
      Partial<Pick<Execution, 'header' | 'tileRoots'>>,
  ): void {
    if (execution.header !== undefined) {
      const row = concat(fromHex(block.id)!, encodeHeader(execution.header))
      this.#derive(headerKey(block.height), row, false)
    }
    for (const [name, value] of execution.writes) {
      this.#derive(key(prefix.state, utf8(name)), encodeCbor(value), !name.startsWith('idem/'))
      this.#stateCache.set(name, value)
    }
    const named = new Map<string, { name: NamedField; value: string; indices: number[] }>()
    let offset = 0
    const tileRoots = [...(execution.tileRoots ?? [])]
    execution.leaves.forEach((leaf, i) => {
      const index = execution.firstIndex + i
      if (leaf.kind === 'record') {
        offset = indexOf(blockBytes, leaf.bytes, offset)
        this.#locate(index, block.height, offset, leaf.bytes.length)
      } else {
        this.#locate(index, block.height, ownRow, leaf.bytes.length)
        this.#derive(key(prefix.leaf, u64(index)), leaf.bytes, false)
      }
      if (leaf.kind === 'record') this.#derive(key(prefix.statement, fromHex(leaf.statement!.id)!), u64(index), true)
      if (leaf.kind === 'refusal') {
        const { statement, entry } = leaf
        // The first settles it, and somebody was told so (rule 25): a node that was started again brings what it had received once more.
        if (this.indexOfRefusal(statement!.id, entry!.member) === undefined)
          this.#derive(refusalKey(statement!.id, entry!.member), u64(index), false)
      }
      this.#noteCode(leaf, index)
      for (const [name, value] of namesOf(leaf)) {
        const id = `${name} ${value}`
        const held = named.get(id)
        if (held === undefined) named.set(id, { name, value, indices: [index] })
        else if (held.indices.at(-1) !== index) held.indices.push(index)
      }
      this.#appendHash(index, leaf.hash, tileRoots)
    })
    assert(tileRoots.length === 0, 'tiles are full where the tree says so')
    for (const { name, value, indices } of named.values()) {
      this.#derive(namedKey(name, value, block.height), encodeCbor(indices), false)
    }
    this.#writeEdges()
    const { point } = execution
    const applied = encodeCbor([
      derivedFormat,
      block.term,
      block.height,
      fromHex(block.id)!,
      point.time,
      [point.frontier.size, fromHex(point.root)!],
      point.unattested.map(({ size, root }) => [size, fromHex(root)!]),
      this.#sum.bytes,
      point.leader,
    ])
    this.#cycle.put(appliedKey, concat(sha256(applied), applied))
  }

  /** A tender is found by its code alone; the first record that names it, known to the ledger or not, says that there is one. */
  #noteCode({ subjects }: Leaf, index: number): void {
    if (subjects?.tender === undefined) return
    for (const subject of subjects.subjects ?? []) {
      if (!subject.startsWith('tender/')) continue
      const row = key(prefix.coded, digest16(subjects.tender), digest16(subject))
      const id = toHex(row)
      if (this.#codesNoted.has(id)) continue
      if (this.#derived(row) === undefined) this.#derive(row, encodeCbor([subject, index]), false)
      this.#codesNoted.add(id)
      if (this.#codesNoted.size > codesNotedMax) this.#codesNoted.delete(this.#codesNoted.values().next().value!)
    }
  }

  /** Adds up the derived rows that are on the disk; for start-up, before anything is folded. Undefined: not all of them can be read. */
  recount(done: (sum: Uint8Array | undefined) => void): void {
    const sum = new StateSum()
    const rest = [...derivedPrefixes]
    const next = (whole = true): void => {
      if (!whole) return done(undefined)
      const first = rest.shift()
      if (first === undefined) return done(sum.bytes)
      this.scan(
        prefixRange(first),
        (row, value) => {
          sum.add(row, value)
          return undefined
        },
        next,
      )
    }
    next()
  }

  /** Deletes every derived row that can be read, so that folding can begin anew at genesis; it writes over the others. */
  forgetDerived(done: () => void): void {
    this.#isMadeAnew = true
    this.#sum = new StateSum()
    this.#forgetRead()
    this.#cycle.del(appliedKey)
    const rest = [...derivedPrefixes]
    const next = (): void => {
      const first = rest.shift()
      if (first === undefined) return done()
      this.scan(
        prefixRange(first),
        (row) => {
          this.#cycle.del(row)
          return undefined
        },
        next,
      )
    }
    next()
  }

  #forgetRead(): void {
    this.#edges.clear()
    this.#stateCache.clear()
    this.#codesNoted.clear()
    this.#locations.clear()
    this.#leafTiles.clear()
    this.#headers.clear()
  }

  #derive(row: Uint8Array, value: Uint8Array, mayExist: boolean): void {
    if (mayExist) {
      const old = this.#derived(row)
      if (old !== undefined) this.#sum.remove(row, old)
    }
    this.#sum.add(row, value)
    this.#cycle.put(row, value)
  }

  #writeEdges(): void {
    for (const [id, edge] of this.#edges) {
      if (edge.written?.length === edge.length) continue
      if (edge.written !== undefined) this.#sum.remove(edge.key, edge.written)
      edge.written = edge.buffer.slice(0, edge.length)
      this.#sum.add(edge.key, edge.written)
      this.#cycle.put(edge.key, edge.written)
      if (edge.length === edge.buffer.length) this.#edges.delete(id)
    }
  }

  // ── the tree ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #appendHash(index: number, hash: Uint8Array, tileRoots: Uint8Array[]): void {
    let level = 0
    let at = index
    let value = hash
    for (;;) {
      const tile = Math.floor(at / tileWidthMax)
      const row = tileKey(level, tile)
      const full = this.#extendEdge(row, value, tileBytes)
      if (full === undefined) return
      // A full tile is one hash of the level above: the root of its 256 (C2SP tlog-tiles).
      value = tileRoots.shift() ?? tileRoot(full)
      at = tile
      level += 1
    }
  }

  #locate(index: number, at: Height, offset: number, length: number): void {
    const location = new Uint8Array(locationBytes)
    // 48 bits of height, 32 of offset, 16 of length.
    location.set(u64(at).subarray(2))
    writeU32(location, 6, offset)
    location[10] = length >>> 8
    location[11] = length
    this.#extendEdge(locationKey(Math.floor(index / tileWidthMax)), location, locationRowBytes)
  }

  /** Returns the row's bytes when this made it full. */
  #extendEdge(row: Uint8Array, piece: Uint8Array, bytesMax: number): Uint8Array | undefined {
    const id = toHex(row)
    let edge = this.#edges.get(id)
    if (edge === undefined) {
      const stored = this.#derived(row)
      edge = { key: row, buffer: new Uint8Array(bytesMax), length: stored?.length ?? 0, written: stored }
      if (stored !== undefined) edge.buffer.set(stored)
      this.#edges.set(id, edge)
    }
    assert(edge.length + piece.length <= bytesMax, 'a full row is not extended')
    edge.buffer.set(piece, edge.length)
    edge.length += piece.length
    return edge.length === bytesMax ? edge.buffer : undefined
  }

  /** `width` hashes of a tile; undefined when the store has fewer. */
  tile(level: number, index: number, width: number): Uint8Array | undefined {
    const key = tileKey(level, index)
    const edge = this.#edges.get(toHex(key))
    const row = edge === undefined ? this.#derived(key) : edge.buffer.subarray(0, edge.length)
    return row === undefined || row.length < width * 32 ? undefined : row.subarray(0, width * 32)
  }

  /**
   * Complete subtrees of the first `size` leaves. They never change, so those read lately are kept: proofs of neighbouring leaves share
   * most of their path. @throws {DamagedStore} when a tile is missing
   */
  hashReader(size: number): HashReader {
    const fromTiles = hashReaderOfTiles(size, (level, index, width) => {
      const tile = this.tile(level, index, width)
      if (tile === undefined) throw new DamagedStore(`tile ${level}/${index}.p/${width} is missing`)
      return tile
    })
    const read: HashReader = (level, index) => {
      const id = level * 2 ** 46 + index
      const held = this.#subtrees.get(id)
      if (held !== undefined) return held
      const hash =
        level % 8 === 0 ? fromTiles(level, index) : nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
      this.#subtrees.set(id, hash)
      if (this.#subtrees.size > subtreesMax) this.#subtrees.delete(this.#subtrees.keys().next().value!)
      return hash
    }
    return read
  }

  // ── leaves ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The stored bytes of a leaf, checked against the tree, and the block it came with. */
  leaf(index: number): { readonly bytes: Uint8Array; readonly height: Height } | undefined {
    const place = this.#locationOf(index)
    if (place === undefined) return undefined
    const { at, offset, length } = place
    const bytes =
      offset === ownRow
        ? this.#derived(key(prefix.leaf, u64(index)))?.subarray(0, length)
        : this.#partOfBlock(at, offset, length)
    if (bytes === undefined || !this.#isLeaf(index, bytes)) {
      throw new DamagedStore(`leaf ${index} is not what the tree says`)
    }
    return { bytes, height: at }
  }

  /** The block that a leaf came with. */
  heightOfLeaf(index: number): Height | undefined {
    return this.#locationOf(index)?.at
  }

  #locationOf(index: number): { readonly at: Height; readonly offset: number; readonly length: number } | undefined {
    const tile = Math.floor(index / tileWidthMax)
    const row =
      this.#locations.held(tile) ?? this.#edgeOrFull(this.#locations, tile, locationKey(tile), locationRowBytes)
    const begin = (index % tileWidthMax) * locationBytes
    if (row === undefined || row.length < begin + locationBytes) return undefined
    return {
      at: height(((row[begin]! << 8) | row[begin + 1]!) * 2 ** 32 + readU32(row, begin + 2)),
      offset: readU32(row, begin + 6),
      length: (row[begin + 10]! << 8) | row[begin + 11]!,
    }
  }

  #isLeaf(index: number, bytes: Uint8Array): boolean {
    const tile = Math.floor(index / tileWidthMax)
    const row = this.#leafTiles.held(tile) ?? this.#edgeOrFull(this.#leafTiles, tile, tileKey(0, tile), tileBytes)
    const begin = (index % tileWidthMax) * 32
    return row !== undefined && row.length >= begin + 32 && leafHash(bytes).every((byte, i) => byte === row[begin + i])
  }

  /** A row that grows with the tree: at its right edge from memory, else from the disk. */
  #edgeOrFull(cache: ByteCache, tile: number, row: Uint8Array, bytesMax: number): Uint8Array | undefined {
    const edge = this.#edges.get(toHex(row))
    if (edge !== undefined) return edge.buffer.subarray(0, edge.length)
    const found = this.#derived(row)
    if (found?.length === bytesMax) cache.keep(tile, found)
    return found
  }

  /** Indices of the records of one block that name this value. */
  namedIn(name: NamedField, value: string, at: Height): readonly number[] {
    const row = this.#derived(namedKey(name, value, at))
    return row === undefined ? [] : namedIndices(row)
  }

  indexOfStatement(id: string): number | undefined {
    return numberIn(this.#derived(key(prefix.statement, fromHex(id)!)))
  }

  indexOfRefusal(id: string, member: string): number | undefined {
    return numberIn(this.#derived(refusalKey(id, member)))
  }

  // ── attestations ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A crash may take the newest one: the members say it again, and it travels in a later block. */
  putAttestation(attestation: Attestation): void {
    this.#cycle.putLater(attestationKey(attestation.size), encodeCbor([1, attestationToCbor(attestation)]))
  }

  /** Rule 22: nobody attests those sizes any more with the leaves that they had. */
  dropAttestationsAbove(size: number, done: () => void): void {
    this.scan(
      attestationsFrom(size + 1),
      (row) => {
        this.#cycle.del(row)
        return undefined
      },
      done,
    )
  }

  attestation(size: number): Attestation | undefined {
    const row = this.#readable(attestationKey(size))
    return row === undefined ? undefined : readAttestation(row)
  }

  /** The newest few on the disk that can be read, newest first. Whether their signatures are good is for the caller to check. */
  newestAttestations(done: (attestations: Attestation[]) => void): void {
    const found: Attestation[] = []
    this.scan(
      { ...prefixRange(prefix.attestation), reverse: true, limit: attestationsReadMax },
      (_, value) => {
        try {
          found.push(readAttestation(value))
        } catch (error) {
          if (!(error instanceof CborError)) throw error
        }
        return undefined
      },
      () => done(found),
    )
  }

  newestAttestation(done: (attestation: Attestation | undefined) => void): void {
    this.newestAttestations(([newest]) => done(newest))
  }
}

/** Tenders that are being written about; about 2 MB. */
const codesNotedMax = 10_000
/** Those of some hundred tiles; about 10 MB. */
const subtreesMax = 65_536
/** Start-up tries this many before it waits for its peers to show it a newer one. */
const attestationsReadMax = 16
/** A few seconds of blocks: catch-up and entry bundles read the same ones again and again. */
const decodedBlocksMax = 64
/** Some five hundred pieces: those that a page or two of neighbouring records share. */
const piecesHeldBytesMax = 4 * 1024 * 1024
/** Of 64 thousand leaves each. */
const locationsHeldBytesMax = 768 * 1024
const leafTilesHeldBytesMax = 2 * 1024 * 1024
/** What a search by time, and pages of neighbouring records, ask for again and again; about 1 MB. */
const headersHeldMax = 1_024
const pieceNumber = (at: Height, piece: number): number => at * blockPiecesMax + piece
/** Keys, parties and runs that are in use; a row is some hundred bytes. */
const stateCacheRows = 20_000

/** Of all rows that are derived from blocks. */
const derivedFormat = 3
const appliedKey = metaKey('applied')
const headerKey = (at: Height): Uint8Array => key(prefix.header, u64(at))
const tileKey = (level: number, index: number): Uint8Array => key(prefix.tile, Uint8Array.of(level), u64(index))
const locationKey = (tile: number): Uint8Array => key(prefix.location, u64(tile))
const refusalKey = (id: string, member: string): Uint8Array => key(prefix.refusal, fromHex(id)!, utf8(member))

export function readAttestation(row: Uint8Array): Attestation {
  return attestationFromCbor(field.array(decodeCbor(row), 'attestation row', 2)[1], 'attestation')
}

/** A row at the right edge of the tree, as far as it is filled, and as it was last written. */
interface Edge {
  readonly key: Uint8Array
  readonly buffer: Uint8Array
  length: number
  written: Uint8Array | undefined
}

function tileRoot(tile: Uint8Array): Uint8Array {
  let hashes = Array.from({ length: tileWidthMax }, (_, i) => tile.subarray(i * 32, i * 32 + 32))
  while (hashes.length > 1) hashes = hashes.flatMap((left, i) => (i % 2 === 0 ? [nodeHash(left, hashes[i + 1]!)] : []))
  return hashes[0]!
}

function numberIn(row: Uint8Array | undefined): number | undefined {
  return row === undefined ? undefined : numberAt(row, 0)
}

/** What `u64` wrote there. */
function numberAt(row: Uint8Array, offset: number): number {
  return Number(new DataView(row.buffer, row.byteOffset + offset, 8).getBigUint64(0))
}

/** Entries stand in a block in the order of its leaves, so each search begins where the last one ended. */
function indexOf(bytes: Uint8Array, part: Uint8Array, from: number): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(part, from)
  assert(at >= 0, 'a record’s entry stands in its block')
  return at
}

function* namesOf(leaf: Leaf): Generator<readonly [NamedField, string]> {
  if (leaf.kind !== 'record') return
  const { statement, entry, subjects, findings = [] } = leaf
  yield ['type', statement!.type]
  yield ['kid', statement!.kid]
  yield ['member', entry!.member]
  yield ['party', statement!.party]
  if (subjects === undefined) return
  if (subjects.owner !== undefined) yield ['owner', subjects.owner]
  if (subjects.tender !== undefined) yield ['tender', subjects.tender]
  if (subjects.region !== undefined) yield ['region', subjects.region]
  for (const party of subjects.parties) if (party !== statement!.party) yield ['party', party]
  for (const subject of subjects.subjects ?? []) yield ['subject', subject]
  for (const hash of subjects.hashes ?? []) yield ['hash', hash]
  if (findings.length > 0) yield ['finding', '']
  for (const { code } of findings) yield ['finding', code]
}
