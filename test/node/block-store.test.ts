/** What the store derives from committed blocks, where that is more than a copy of them. */
import { expect, test } from 'vitest'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import type { Leaf } from '../../src/chain/execution.ts'
import { leafHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { BlockStore } from '../../src/node/block-store.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { MemoryMedium } from '../../src/node/memory-disk.ts'

const hash = (digit: string): string => digit.repeat(64)

function refusalOf(statement: string, member: string, note: string): Leaf {
  const bytes = utf8(note)
  const leaf = { kind: 'refusal', bytes, hash: leafHash(bytes), statement: { id: statement }, entry: { member } }
  return leaf as unknown as Leaf
}

/** Folds blocks of these leaves, one after the other, from an empty tree. */
function storeOf(...blocks: readonly (readonly Leaf[])[]): BlockStore {
  const disk = new MemoryMedium().open({ defer: (done) => done(), onFatal: () => {} })
  const store = new BlockStore({ cycle: new DiskCycle({}, { disk }), disk, context: { ledger: hash('1'), epoch: 0 } })
  const frontier = new TreeFrontier()
  blocks.forEach((leaves, i) => {
    const firstIndex = frontier.size
    for (const leaf of leaves) frontier.append(leaf.hash)
    const root = toHex(frontier.root())
    const point = { leader: 'wuhan', time: 0, frontier, root, state: store.state, unattested: [] }
    const block = { term: term(1), height: height(i + 1), id: hash('2') }
    store.fold(block, new Uint8Array(), { leaves, firstIndex, writes: new Map(), point })
  })
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
