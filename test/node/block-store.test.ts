/** What the store derives from committed blocks, where that is more than a copy of them. */
import { expect, test } from 'vitest'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import type { CborValue } from '../../src/chain/cbor.ts'
import type { Leaf } from '../../src/chain/execution.ts'
import { leafHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { BlockStore } from '../../src/node/block-store.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { MemoryMedium } from '../../src/node/memory-disk.ts'
import type { Disk } from '../../src/node/ports.ts'

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
}

/** A store on an empty disk. */
function stage(): Stage {
  const memory = new MemoryMedium().open({ defer: (done) => done(), onFatal: () => {} })
  let reads = 0
  const disk: Disk = Object.assign(Object.create(memory) as Disk, {
    get(key: Uint8Array) {
      reads += 1
      return memory.get(key)
    },
  })
  const cycle = new DiskCycle({}, { disk })
  const store = new BlockStore({ cycle, disk, context: { ledger: hash('1'), epoch: 0 } })
  const frontier = new TreeFrontier()
  let at = 0
  return {
    store,
    reads: () => reads,
    fold(leaves, writes = {}) {
      const firstIndex = frontier.size
      for (const leaf of leaves) frontier.append(leaf.hash)
      const root = toHex(frontier.root())
      const point = { leader: 'wuhan', time: 0, frontier, root, state: store.state, unattested: [] }
      const block = { term: term(1), height: height(++at), id: hash('2') }
      store.fold(block, new Uint8Array(), { leaves, firstIndex, writes: new Map(Object.entries(writes)), point })
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
