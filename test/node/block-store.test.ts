/** What the store derives from committed blocks, where that is more than a copy of them. */
import { describe, expect, it, test } from 'vitest'
import { sha256 } from '#crypto'
import { assembleBatch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import { type Attestation, assembleBlock, type Block, batchesDigest, carriedDigest } from '../../src/chain/block.ts'
import { concat, toHex, utf8 } from '../../src/chain/bytes.ts'
import type { CborValue } from '../../src/chain/cbor.ts'
import { encodeEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import type { Leaf } from '../../src/chain/execution.ts'
import { leafHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { blockKey, pieceBytes, rowsOfBlock } from '../../src/node/block-rows.ts'
import { BlockStore } from '../../src/node/block-store.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { DamagedStore } from '../../src/node/disk-failure.ts'
import { MemoryMedium } from '../../src/node/memory-disk.ts'
import type { Disk } from '../../src/node/ports.ts'

const sha256Hex = (text: string): string => toHex(sha256(utf8(text)))
const hash = (digit: string): string => digit.repeat(64)

function refusalOf(statement: string, member: string, note: string): Leaf {
  const bytes = utf8(note)
  const leaf = { kind: 'refusal', bytes, hash: leafHash(bytes), statement: { id: statement }, entry: { member } }
  return leaf as unknown as Leaf
}

interface Stage {
  readonly store: BlockStore
  /** Folds the next block. */
  readonly fold: (leaves: readonly Leaf[], writes?: Readonly<Record<string, CborValue>>) => void
  /** How often a row was asked for at the disk. */
  readonly reads: () => number
  /** Another store on the same disk, as after a start. */
  readonly again: () => BlockStore
}

/** A store on an empty disk. */
function stage(): Stage {
  const memory = new MemoryMedium().open({ defer: (done) => done(), onFatal: () => {} })
  let reads = 0
  const disk: Disk = {
    get(key) {
      reads += 1
      return memory.get(key)
    },
    getInto: (key, into) => memory.getInto(key, into),
    scan: (range, visit, done) => memory.scan(range, visit, done),
    write: (write, done) => memory.write(write, done),
    slots: () => memory.slots(),
    freeBytes: () => memory.freeBytes(),
  }
  const cycle = new DiskCycle({}, { disk })
  const store = new BlockStore({ cycle, disk, context: { ledger: hash('1'), epoch: 0 } })
  const frontier = new TreeFrontier()
  let at = 0
  return {
    store,
    reads: () => reads,
    again: () => new BlockStore({ cycle: new DiskCycle({}, { disk }), disk, context: { ledger: hash('1'), epoch: 0 } }),
    fold(leaves, writes = {}) {
      const firstIndex = frontier.size
      for (const leaf of leaves) frontier.append(leaf.hash)
      const root = toHex(frontier.root())
      const point = { leader: 'wuhan', time: 0, frontier, root, state: store.state, unattested: [] }
      const block = { term: term(1), height: height(++at), id: hash('2') }
      store.fold(block, concat(...leaves.map(({ bytes }) => bytes)), {
        leaves,
        firstIndex,
        writes: new Map(Object.entries(writes)),
        point,
      })
      cycle.flush()
    },
  }
}

/** Folds blocks of these leaves, one after the other, from an empty tree. */
function storeOf(...blocks: readonly (readonly Leaf[])[]): BlockStore {
  const { store, fold } = stage()
  for (const leaves of blocks) fold(leaves)
  return store
}

test('a refusal is looked up where it was first, however often its node brings the statement again', () => {
  const [one, other] = [hash('a'), hash('b')]
  const store = storeOf(
    [refusalOf(other, 'wuhan', '0'), refusalOf(one, 'wuhan', '1'), refusalOf(one, 'wuhan', '2')],
    [refusalOf(one, 'beijing', '3'), refusalOf(one, 'wuhan', '4')],
  )
  expect(store.indexOfRefusal(one, 'wuhan')).toBe(1)
  expect(store.indexOfRefusal(one, 'beijing')).toBe(3)
  expect(store.indexOfRefusal(other, 'wuhan')).toBe(0)
  expect(store.indexOfRefusal(other, 'beijing')).toBeUndefined()
})

test('a state row that is not there is looked for once, and seen as soon as a block writes it', () => {
  const { store, fold, reads } = stage()
  expect(store.state.get('frozen/one')).toBeUndefined()
  const before = reads()
  for (let i = 0; i < 10; i++) expect(store.state.get('frozen/one')).toBeUndefined()
  expect(reads()).toBe(before)
  fold([], { 'frozen/one': ['two-votes', 7] })
  expect(store.state.get('frozen/one')).toEqual(['two-votes', 7])
})

test('of many rows that are not there, the one asked for again and again is not forgotten', () => {
  const { store, reads } = stage()
  for (let i = 0; i < 10_000; i++) {
    store.state.get(`idem/${i}`)
    store.state.get('frozen/one')
  }
  expect(reads()).toBe(10_001)
})

describe('a name that no block has written', () => {
  const recordOf = (id: string): Leaf => {
    const bytes = utf8(id)
    const statement = { id, type: 'attest.hash@1', kid: 'key', party: 'uscc:1' }
    return { kind: 'record', bytes, hash: leafHash(bytes), statement, entry: { member: 'wuhan' } } as unknown as Leaf
  }
  const counted = (store: BlockStore): Promise<Uint8Array | undefined> =>
    new Promise((resolve) => store.recount(resolve))

  it('is not asked for at the disk, once a start has counted the rows', async () => {
    const { store, fold, reads } = stage()
    fold([refusalOf(hash('a'), 'wuhan', '0')], { 'idem/one': 1, 'key/two': 2 })
    await counted(store)
    const before = reads()
    for (let i = 0; i < 100; i++) {
      expect(store.state.get(`idem/new ${i}`)).toBeUndefined()
      expect(store.state.get(`key/new ${i}`)).toBeUndefined()
      expect(store.indexOfStatement(sha256Hex(`new ${i}`))).toBeUndefined()
    }
    expect(reads()).toBe(before)
  })

  it('is none of those that were written before the count, or after it', async () => {
    const { store, fold } = stage()
    const id = (i: number): string => sha256Hex(`statement ${i}`)
    fold([recordOf(id(0))], { 'idem/one': 1, 'party/北京': 2 })
    await counted(store)
    fold([recordOf(id(1))], { 'idem/three': 3, 'party/武汉': 4 })
    expect([store.state.get('idem/one'), store.state.get('party/北京')]).toEqual([1, 2])
    expect([store.state.get('idem/three'), store.state.get('party/武汉')]).toEqual([3, 4])
    expect([store.indexOfStatement(id(0)), store.indexOfStatement(id(1))]).toEqual([0, 1])
  })

  it('is written anew, and what is written over still leaves the sum', async () => {
    const { store, fold } = stage()
    fold([recordOf(hash('a'))], { 'idem/one': 1, 'key/two': 2 })
    await counted(store)
    // The same statement may be recorded again under another key of its party.
    fold([recordOf(hash('a'))], { 'key/two': 3, 'key/four': 4 })
    fold([], { 'key/four': 5 })
    expect(await counted(store)).toEqual(store.applied()!.sum)
  })

  it('is everything, when what is derived is made anew', async () => {
    const { store, fold, reads } = stage()
    fold([recordOf(hash('a'))], { 'idem/one': 1 })
    await counted(store)
    await new Promise<void>((resolve) => store.forgetDerived(resolve))
    const before = reads()
    expect(store.state.get('idem/one')).toBeUndefined()
    expect(store.indexOfStatement(hash('a'))).toBeUndefined()
    expect(reads()).toBe(before)
    fold([recordOf(hash('b'))], { 'idem/two': 2 })
    expect(store.state.get('idem/two')).toBe(2)
    expect(await counted(store)).toEqual(store.applied()!.sum)
  })
})

describe('an attestation', () => {
  const attestation = (size: number): Attestation => ({
    size,
    root: hash('a'),
    cosignatures: [{ member: 'wuhan', time: 1_700_000_000, signature: new Uint8Array(64) }],
  })
  const sizesOf = (store: BlockStore): Promise<number[]> =>
    new Promise((resolve) => store.newestAttestations((found) => resolve(found.map(({ size }) => size))))

  it('of a size that none reaches, and the newest one, are not asked for at the disk', async () => {
    const { store, fold, reads } = stage()
    store.putAttestation(attestation(3))
    store.putAttestation(attestation(5))
    fold([])
    expect(await sizesOf(store)).toEqual([5, 3])
    const before = reads()
    expect(store.attestation(6)).toBeUndefined()
    expect(store.attestation(5)).toEqual(attestation(5))
    store.putAttestation(attestation(8))
    expect(store.attestation(8)).toEqual(attestation(8))
    expect(store.attestation(9)).toBeUndefined()
    expect(reads()).toBe(before)
    fold([])
    expect([store.attestation(3), store.attestation(4), store.attestation(5)]).toEqual([
      attestation(3),
      undefined,
      attestation(5),
    ])
  })

  it('is found when an earlier start has left it, also above the one that is written next', async () => {
    const { store, fold, again } = stage()
    store.putAttestation(attestation(3))
    store.putAttestation(attestation(5))
    fold([])
    for (const counts of [false, true]) {
      const next = again()
      if (counts) expect(await sizesOf(next)).toEqual([5, 3])
      next.putAttestation(attestation(4))
      expect([next.attestation(5), next.attestation(4), next.attestation(3)]).toEqual([5, 4, 3].map(attestation))
    }
  })

  it('is gone when it is dropped, the newest too', async () => {
    const { store, fold } = stage()
    store.putAttestation(attestation(3))
    store.putAttestation(attestation(5))
    fold([])
    await new Promise<void>((resolve) => store.dropAttestationsAbove(3, resolve))
    expect([store.attestation(3), store.attestation(5)]).toEqual([attestation(3), undefined])
    store.putAttestation(attestation(4))
    expect([store.attestation(4), store.attestation(5)]).toEqual([attestation(4), undefined])
  })
})

describe('a block and its leaves', () => {
  const context = { ledger: hash('1'), epoch: 0 }
  const at = height(1)
  const noSignature = new Uint8Array(64)

  /** A block of so many records, with leaves across the edges of its pieces. */
  function blockOf(count: number, year: number): Block {
    const header = { member: 'wuhan', incarnation: 1, number: 0, previous: zeroDigestHex }
    const items = Array.from({ length: count }, (_, i) =>
      batchItem(encodeEntry({ statement: `${i}.`.padEnd(700, 'x'), member: 'wuhan', receivedAt: year }), false),
    )
    const batch = assembleBatch(header, items, batchMessage(context, header, items), noSignature)
    const frontier = new TreeFrontier()
    for (const { leaf } of items) frontier.append(leaf)
    const place = { epoch: 0, term: term(1), height: at, parent: hash('0'), time: year, leader: 'wuhan' }
    const sums = { batches: batchesDigest([batch]), carried: carriedDigest({}) }
    const tree = { size: frontier.size, root: toHex(frontier.root()) }
    return assembleBlock({ ...place, ...sums, ...tree }, noSignature, {}, [batch])
  }

  const block = blockOf(80, 1_000)
  const entries = block.batches[0]!.items.map(({ entry }) => entry)
  const placeOf = (index: number): number => Buffer.from(block.bytes).indexOf(entries[index]!)
  const pieceOf = (index: number): number => Math.floor(placeOf(index) / pieceBytes)
  const lastPieceOf = (index: number): number => Math.floor((placeOf(index) + entries[index]!.length - 1) / pieceBytes)
  const indices = entries.map((_, index) => index)
  /** Crosses from the first piece into the second. */
  const crossing = indices.find((index) => pieceOf(index) === 0 && lastPieceOf(index) === 1)!

  /** The store after a start, which holds nothing in memory, on a disk that something has happened to. */
  function storeWith(happened: (medium: MemoryMedium) => void = () => undefined): BlockStore {
    const medium = new MemoryMedium()
    const open = (): BlockStore => {
      const disk = medium.open({ defer: (done) => done(), onFatal: () => {} })
      return new BlockStore({ cycle: new DiskCycle({}, { disk }), disk, context })
    }
    const disk = medium.open({ defer: (done) => done(), onFatal: () => {} })
    const cycle = new DiskCycle({}, { disk })
    const store = new BlockStore({ cycle, disk, context })
    const { header, bytes, id } = block
    const leaves = block.batches[0]!.items.map(({ entry, leaf }, i): Leaf => {
      const statement = { id: sha256Hex(String(i)), type: 'a.b@1', kid: 'k', party: 'p' }
      return { kind: 'record', bytes: entry, hash: leaf, statement, entry: { member: 'wuhan' } } as unknown as Leaf
    })
    const frontier = new TreeFrontier()
    for (const { hash } of leaves) frontier.append(hash)
    const point = { leader: 'wuhan', time: 0, frontier, root: header.root, state: store.state, unattested: [] }
    store.putBlock(block)
    store.fold({ term: term(1), height: at, id }, bytes, { header, leaves, firstIndex: 0, writes: new Map(), point })
    cycle.flush()
    disk.close()
    happened(medium)
    return open()
  }

  const row = (medium: MemoryMedium, piece: number): Uint8Array => medium.get(blockKey(at, piece))!
  const isDamaged = (read: () => unknown): boolean => {
    try {
      read()
      return false
    } catch (error) {
      expect(error).toBeInstanceOf(DamagedStore)
      return true
    }
  }

  it('are read back, those that cross from one piece into the next too', () => {
    expect(new Set(indices.map(pieceOf)).size).toBeGreaterThan(3)
    const store = storeWith()
    expect(store.block(at)?.id).toBe(block.id)
    for (const index of [crossing, ...indices]) {
      expect(store.leaf(index)).toEqual({ bytes: entries[index], height: at })
      expect(store.heightOfLeaf(index)).toBe(at)
    }
    expect(store.leaf(entries.length)).toBeUndefined()
    expect(store.heightOfLeaf(entries.length)).toBeUndefined()
  })

  const damages = {
    changed: (medium: MemoryMedium) => {
      const value = row(medium, 1).slice()
      value[300]! ^= 4
      medium.tamper({ key: blockKey(at, 1), value })
    },
    torn: (medium: MemoryMedium) => medium.tamper({ key: blockKey(at, 1), value: row(medium, 1).slice(0, 90) }),
    lost: (medium: MemoryMedium) => medium.tamper({ key: blockKey(at, 1) }),
    unreadable: (medium: MemoryMedium) => medium.makeUnreadable(blockKey(at, 1)),
    'that of another': (medium: MemoryMedium) => medium.tamper({ key: blockKey(at, 1), value: row(medium, 2) }),
  }
  for (const [how, damage] of Object.entries(damages)) {
    it(`whose second piece is ${how} are damaged, and whole again once it is put again`, () => {
      const store = storeWith(damage)
      expect(isDamaged(() => store.block(at))).toBe(true)
      expect(store.holdsBlock(at)).toBe(true)
      // Nothing else is said of a leaf than what it is, or that it is damaged.
      const damaged = indices.filter((index) =>
        isDamaged(() => expect(store.leaf(index)?.bytes).toEqual(entries[index])),
      )
      expect(damaged).toContain(crossing)
      expect(damaged.every((index) => lastPieceOf(index) >= 1 && pieceOf(index) <= 1)).toBe(true)
      store.putBlock(block)
      expect(store.block(at)?.id).toBe(block.id)
      for (const index of indices) expect(store.leaf(index)?.bytes).toEqual(entries[index])
    })
  }

  it('whose first piece is lost is not there; its leaves are damaged, and no others', () => {
    const store = storeWith((medium) => medium.tamper({ key: blockKey(at) }))
    expect(store.block(at)).toBeUndefined()
    expect(store.holdsBlock(at)).toBe(false)
    expect(indices.filter((index) => isDamaged(() => store.leaf(index)))).toEqual(
      indices.filter((index) => pieceOf(index) === 0),
    )
  })

  it('that an earlier build wrote as one row are read as before', () => {
    const store = storeWith((medium) => {
      for (const { key } of rowsOfBlock(at, block.bytes)) medium.tamper({ key })
      medium.tamper({ key: blockKey(at), value: block.bytes })
    })
    expect(store.block(at)?.id).toBe(block.id)
    for (const index of indices) expect(store.leaf(index)?.bytes).toEqual(entries[index])
    expect(store.blockKeys(at)).toEqual([blockKey(at)])
  })

  it('are dropped by the names of all rows that there are, also of those that cannot be read', () => {
    const names = rowsOfBlock(at, block.bytes).map(({ key }) => key)
    expect(storeWith().blockKeys(at)).toEqual(names)
    expect(storeWith((medium) => medium.makeUnreadable(blockKey(at, 2))).blockKeys(at)).toEqual(names)
    expect(storeWith().blockKeys(height(2))).toEqual([])
  })

  it('are those of the block that was put last, not what was read of another at the height', () => {
    const store = storeWith()
    for (const index of indices) store.leaf(index)
    store.putBlock(blockOf(40, 2_000))
    expect(store.block(at)?.header.size).toBe(40)
    for (const index of indices.slice(0, 40)) expect(isDamaged(() => store.leaf(index))).toBe(true)
  })
})
