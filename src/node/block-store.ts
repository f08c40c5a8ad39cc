/**
 * Committed blocks, and what follows from them. Blocks are stored once, verbatim, and checked against their hash whenever they are read; everything
 * else is derived from them (`fold`) — state, tree, where each leaf lies, who is named where — and written in one atomic batch
 * with the height it is true for. Attestations lie beside them. Writes go through the group commit; reads see what is pending. How the rows
 * are named, store-rows.ts says.
 */

import { sha256 } from '#crypto'
import { assert } from '../chain/assert.ts'
import {
  type Attestation,
  type Block,
  type BlockHeader,
  blockIdOfHeader,
  decodeBlock,
  decodeHeader,
  encodeHeader,
} from '../chain/block.ts'
import { concat, equalBytes, fromHex, toHex, u64 } from '../chain/bytes.ts'
import { CborError, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import { type BlockCertificate, type BlockRef, certifiedBlock, type SigningContext } from '../chain/certificate.ts'
import type { ChainPoint, Execution, Leaf } from '../chain/execution.ts'
import { Generations } from '../chain/generations.ts'
import { type HashReader, TreeFrontier } from '../chain/merkle-tree.ts'
import { type Height, height, TERM_MAX, term } from '../chain/numbers.ts'
import type { StateReader } from '../chain/state.ts'
import { blockKey, blockOfRows, blockPiecesMax, partOfBlock, pieceBytes, rowsOfBlock } from './block-rows.ts'
import { ByteCache } from './byte-cache.ts'
import { DerivedRows } from './derived-rows.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DamagedStore, DiskReadFailed, readable } from './disk-failure.ts'
import { NameFilter } from './name-filter.ts'
import type { Disk } from './ports.ts'
import { StateCache } from './state-cache.ts'
import {
  attestationKey,
  attestationRange,
  attestationRow,
  attestationsFrom,
  certificateKey,
  certificateRow,
  codedKey,
  headerKey,
  leafKey,
  metaKey,
  type NamedField,
  namedIndices,
  namedKey,
  nameOfRow,
  numberAt,
  readAttestation,
  readCertificate,
  refusalKey,
  sizeOfAttestationKey,
  stateKey,
  statementKey,
} from './store-rows.ts'
import { TreeRows } from './tree-rows.ts'

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

/** Where a block stands: its term, its time, and the size of the tree after it. */
type BlockPlace = Pick<BlockHeader, 'term' | 'time' | 'size'>

export interface BlockStoreDependencies {
  readonly cycle: DiskCycle
  readonly disk: Disk
  readonly context: SigningContext
}

export class BlockStore {
  readonly #cycle: DiskCycle
  readonly #context: SigningContext
  readonly #rows: DerivedRows
  readonly #tree: TreeRows
  /** Decoded blocks, for reads that go through many leaves of one block. */
  readonly #decoded = new Map<number, Block>()
  readonly #pieces = new ByteCache({ rowBytesMax: pieceBytes, rowsMax: piecesHeldMax, keepsShort: true })
  readonly #places = new Generations<Height, BlockPlace>(placesHeldMax)
  /** Names of state rows and ids of statements that have a row; undefined while it is not known which have. */
  #written: NameFilter | undefined
  readonly #stateCache = new StateCache(stateCacheRows, (name) => {
    if (!this.#mayBeWritten(name)) return undefined
    const row = this.#rows.get(stateKey(name))
    return row === undefined ? undefined : decodeCbor(row)
  })
  /** Codes that have their row: the same few tenders come again and again. */
  readonly #codesNoted = new Set<string>()
  /** Every member that cosigns is asked about here, mostly of this size or a larger one. */
  #newestAttestation: Attestation | undefined
  /** No row of an attestation is of a larger size. */
  #attestedUpTo = Number.POSITIVE_INFINITY
  readonly scan: Disk['scan']

  constructor(dependencies: BlockStoreDependencies) {
    this.#cycle = dependencies.cycle
    this.#context = dependencies.context
    this.scan = (range, visit, done) => dependencies.disk.scan(range, visit, done)
    this.#rows = new DerivedRows({ cycle: this.#cycle, scan: this.scan })
    this.#tree = new TreeRows({ rows: this.#rows })
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
   * What the header of a committed block says, without reading all of the block.
   * @throws {DiskReadFailed} when the row is not what was written: like every derived row it is made again by the next start
   */
  place(at: Height): BlockPlace | undefined {
    const held = this.#places.get(at)
    if (held !== undefined) return held
    const row = this.#rows.get(headerKey(at))
    if (row === undefined) return undefined
    try {
      const header = decodeHeader(row.subarray(32))
      if (header.height === at && blockIdOfHeader(row.subarray(32)) === toHex(row.subarray(0, 32))) {
        // Not all of the header: texts and hashes of a thousand of them would only be carried by the collector.
        const { term, time, size } = header
        const place = { term, time, size }
        this.#places.set(at, place)
        return place
      }
    } catch (error) {
      if (!(error instanceof CborError)) throw error
    }
    throw new DiskReadFailed(`the header of block ${at}`)
  }

  /** What one leaf needs of a committed block. Who reads a leaf of a block soon reads its neighbours, so pieces read lately are kept. */
  #partOfBlock(at: Height, offset: number, length: number): Uint8Array | undefined {
    const part = this.#ofBlock(at, () =>
      partOfBlock(offset, length, (piece) =>
        this.#pieces.read(pieceNumber(at, piece), (into) => this.#cycle.getInto(blockKey(at, piece), into)),
      ),
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

  // ── committed state ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The state as of the applied height. */
  readonly state: StateReader = this.#stateCache

  applied(): Applied | undefined {
    const row = readable(() => this.#cycle.get(appliedKey))
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
    this.#rows.resume(applied.sum)
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
      this.#rows.put(headerKey(block.height), row, false)
    }
    for (const [name, value] of execution.writes) {
      this.#rows.put(stateKey(name), encodeCbor(value), this.#noteWritten(name))
      this.#stateCache.set(name, value)
    }
    const named = new Map<string, { name: NamedField; value: string; indices: number[] }>()
    let offset = 0
    const tileRoots = [...(execution.tileRoots ?? [])]
    execution.leaves.forEach((leaf, i) => {
      const index = execution.firstIndex + i
      if (leaf.kind === 'record') {
        offset = indexOf(blockBytes, leaf.bytes, offset)
        this.#tree.locate(index, { at: block.height, offset, length: leaf.bytes.length })
      } else {
        this.#tree.locate(index, { at: block.height, offset: undefined, length: leaf.bytes.length })
        this.#rows.put(leafKey(index), leaf.bytes, false)
      }
      if (leaf.kind === 'record') {
        const { id } = leaf.statement!
        this.#rows.put(statementKey(id), u64(index), this.#noteWritten(id))
      }
      if (leaf.kind === 'refusal') {
        const { statement, entry } = leaf
        // The first settles it, and somebody was told so (rule 25): a node that was started again brings what it had received once more.
        if (this.indexOfRefusal(statement!.id, entry!.member) === undefined)
          this.#rows.put(refusalKey(statement!.id, entry!.member), u64(index), false)
      }
      this.#noteCode(leaf, index)
      for (const [name, value] of namesOf(leaf)) {
        const id = `${name} ${value}`
        const held = named.get(id)
        if (held === undefined) named.set(id, { name, value, indices: [index] })
        else if (held.indices.at(-1) !== index) held.indices.push(index)
      }
      this.#tree.append(index, leaf.hash, tileRoots)
    })
    assert(tileRoots.length === 0, 'tiles are full where the tree says so')
    for (const { name, value, indices } of named.values()) {
      this.#rows.put(namedKey(name, value, block.height), encodeCbor(indices), false)
    }
    this.#rows.writeEdges()
    const { point } = execution
    const applied = encodeCbor([
      derivedFormat,
      block.term,
      block.height,
      fromHex(block.id)!,
      point.time,
      [point.frontier.size, fromHex(point.root)!],
      point.unattested.map(({ size, root }) => [size, fromHex(root)!]),
      this.#rows.sum,
      point.leader,
    ])
    this.#cycle.put(appliedKey, concat(sha256(applied), applied))
  }

  /** A tender is found by its code alone; the first record that names it, known to the ledger or not, says that there is one. */
  #noteCode({ subjects }: Leaf, index: number): void {
    if (subjects?.tender === undefined) return
    for (const subject of subjects.subjects ?? []) {
      if (!subject.startsWith('tender/')) continue
      const row = codedKey(subjects.tender, subject)
      const id = toHex(row)
      if (this.#codesNoted.has(id)) continue
      if (this.#rows.get(row) === undefined) this.#rows.put(row, encodeCbor([subject, index]), false)
      this.#codesNoted.add(id)
      if (this.#codesNoted.size > codesNotedMax) this.#codesNoted.delete(this.#codesNoted.values().next().value!)
    }
  }

  /** Adds up the derived rows that are on the disk; for start-up, before anything is folded. Undefined: not all of them can be read. */
  recount(done: (sum: Uint8Array | undefined) => void): void {
    const written = new NameFilter()
    const note = (row: Uint8Array): void => {
      const name = nameOfRow(row)
      if (name !== undefined) written.add(name)
    }
    this.#rows.recount(note, (sum) => {
      if (sum !== undefined) this.#written = written
      done(sum)
    })
  }

  #mayBeWritten(name: string): boolean {
    return this.#written?.mayHold(name) ?? true
  }

  /** Returns whether it may have been written before. */
  #noteWritten(name: string): boolean {
    return this.#written?.add(name) ?? true
  }

  /** Deletes every derived row that can be read, so that folding can begin anew at genesis; it writes over the others. */
  forgetDerived(done: () => void): void {
    this.#forgetRead()
    this.#cycle.del(appliedKey)
    this.#rows.forget(() => {
      this.#written = new NameFilter()
      done()
    })
  }

  #forgetRead(): void {
    this.#stateCache.clear()
    this.#codesNoted.clear()
    this.#tree.forgetRead()
    this.#places.clear()
  }

  /** `width` hashes of a tile; undefined when the store has fewer. */
  tile(level: number, index: number, width: number): Uint8Array | undefined {
    return this.#tree.tile(level, index, width)
  }

  /** Complete subtrees of the first `size` leaves. @throws {DamagedStore} when a tile is missing */
  hashReader(size: number): HashReader {
    return this.#tree.hashReader(size)
  }

  // ── leaves ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The stored bytes of a leaf, checked against the tree, and the block it came with. */
  leaf(index: number): { readonly bytes: Uint8Array; readonly height: Height } | undefined {
    const place = this.#tree.locationOf(index)
    if (place === undefined) return undefined
    const { at, offset, length } = place
    const bytes =
      offset === undefined ? this.#rows.get(leafKey(index))?.subarray(0, length) : this.#partOfBlock(at, offset, length)
    if (bytes === undefined || !this.#tree.isLeaf(index, bytes)) {
      throw new DamagedStore(`leaf ${index} is not what the tree says`)
    }
    return { bytes, height: at }
  }

  /** The block that a leaf came with. */
  heightOfLeaf(index: number): Height | undefined {
    return this.#tree.locationOf(index)?.at
  }

  /** Indices of the records of one block that name this value. */
  namedIn(name: NamedField, value: string, at: Height): readonly number[] {
    const row = this.#rows.get(namedKey(name, value, at))
    return row === undefined ? [] : namedIndices(row)
  }

  indexOfStatement(id: string): number | undefined {
    if (!this.#mayBeWritten(id)) return undefined
    return numberIn(this.#rows.get(statementKey(id)))
  }

  indexOfRefusal(id: string, member: string): number | undefined {
    return numberIn(this.#rows.get(refusalKey(id, member)))
  }

  // ── attestations ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Of a block that this node has committed. A crash may take the newest one. */
  putCertificate(certificate: BlockCertificate): void {
    const { height: at } = certifiedBlock(certificate)
    this.#cycle.putLater(certificateKey(at), certificateRow(certificate))
  }

  certificate(at: Height): BlockCertificate | undefined {
    const row = readable(() => this.#cycle.get(certificateKey(at)))
    return row && readCertificate(row)
  }

  /** A crash may take the newest one: the members say it again, and it travels in a later block. */
  putAttestation(attestation: Attestation): void {
    if (attestation.size >= (this.#newestAttestation?.size ?? 0)) this.#newestAttestation = attestation
    this.#attestedUpTo = Math.max(this.#attestedUpTo, attestation.size)
    this.#cycle.putLater(attestationKey(attestation.size), attestationRow(attestation))
  }

  /** Rule 22: nobody attests those sizes any more with the leaves that they had. */
  dropAttestationsAbove(size: number, done: () => void): void {
    this.#newestAttestation = undefined
    this.scan(
      attestationsFrom(size + 1),
      (row) => {
        this.#cycle.del(row)
        return undefined
      },
      done,
    )
  }

  /** Undefined also when it is not what was written: it can only be had again from others, and whoever asks can do without it. */
  attestation(size: number): Attestation | undefined {
    if (size > this.#attestedUpTo) return undefined
    if (size === this.#newestAttestation?.size) return this.#newestAttestation
    const row = readable(() => this.#cycle.get(attestationKey(size)))
    return row && readAttestation(row)
  }

  /** The newest few on the disk that can be read, newest first. Whether their signatures are good is for the caller to check. */
  newestAttestations(done: (attestations: Attestation[]) => void): void {
    const found: Attestation[] = []
    let largest = 0
    this.scan(
      { ...attestationRange, reverse: true, limit: attestationsReadMax },
      (row, value) => {
        largest = Math.max(largest, sizeOfAttestationKey(row))
        const attestation = readAttestation(value)
        if (attestation !== undefined) found.push(attestation)
        return undefined
      },
      (whole) => {
        if (whole) this.#attestedUpTo = Math.max(largest, this.#newestAttestation?.size ?? 0)
        done(found)
      },
    )
  }
}

/** Tenders that are being written about; about 2 MB. */
const codesNotedMax = 10_000
/** Start-up tries this many before it waits for its peers to show it a newer one. */
const attestationsReadMax = 16
/** A few seconds of blocks: catch-up and entry bundles read the same ones again and again. */
const decodedBlocksMax = 64
/** Those that a page or two of neighbouring records share; 4 MiB. */
const piecesHeldMax = 512
/** What a search by time, and pages of records, ask for again and again; about 1 MB. */
const placesHeldMax = 8_192
const pieceNumber = (at: Height, piece: number): number => at * blockPiecesMax + piece
/** Keys, parties and runs that are in use; a row is some hundred bytes. */
const stateCacheRows = 20_000

/** Of all rows that are derived from blocks. */
const derivedFormat = 3
const appliedKey = metaKey('applied')
function numberIn(row: Uint8Array | undefined): number | undefined {
  return row === undefined ? undefined : numberAt(row, 0)
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
