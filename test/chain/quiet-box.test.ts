import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '#crypto'
import { fromHex, toHex, utf8 } from '../../src/chain/bytes.ts'
import { leafHash, rootOf, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import {
  type AbsenceProof,
  type BoxClaim,
  type BoxLeaf,
  bidReceiptMessage,
  boxLeafHash,
  emptySlot,
  type PlacedLeaf,
  RoundTree,
  roundDigest,
  SectionTree,
  type Slot,
  slotHash,
  verifyAbsent,
  verifyPlaced,
  verifySlot,
} from '../../src/chain/quiet-box.ts'
import { digestOf, sectionAt } from './catalogue/box-world.ts'

const leavesOf = (count: number, of = 'leaf'): BoxLeaf[] =>
  Array.from({ length: count }, (_, at) => ({ leaf: digestOf(`${of} ${at}`), receivedAt: 1_000 + at }))

const claimOf = (tree: SectionTree): BoxClaim => ({ count: tree.leaves.length, root: tree.root })
const placed = (tree: SectionTree, leaf: string): PlacedLeaf => {
  const found = tree.find(leaf)!
  return { ...tree.leaves[found.index]!, ...found }
}
const holds = (check: () => void): boolean => {
  try {
    check()
    return true
  } catch {
    return false
  }
}

describe('the tree of a section', () => {
  it('of 0 to 40 leaves: is that of RFC 6962 over the leaves in ascending order, in whatever order they came', () => {
    for (let count = 0; count <= 40; count++) {
      const leaves = leavesOf(count)
      const tree = new SectionTree(leaves)
      const sorted = leaves.toSorted((a, b) => (a.leaf < b.leaf ? -1 : 1))
      const frontier = new TreeFrontier()
      for (const leaf of sorted) frontier.append(boxLeafHash(leaf))
      expect(tree.root).toBe(toHex(frontier.root()))
      expect(tree.leaves).toEqual(sorted)
      expect(new SectionTree(leaves.toReversed()).root).toBe(tree.root)
    }
  })

  it('of 0 to 40 leaves: shows each that it has and none that it has not, and for each that it has not that it is missing', () => {
    const strangers = leavesOf(12, 'stranger')
    for (let count = 0; count <= 40; count++) {
      const tree = new SectionTree(leavesOf(count))
      const box = claimOf(tree)
      for (const { leaf } of tree.leaves) {
        expect(holds(() => verifyPlaced(box, placed(tree, leaf)))).toBe(true)
        expect(tree.absence(leaf)).toBeUndefined()
      }
      for (const { leaf } of strangers) {
        expect(tree.find(leaf)).toBeUndefined()
        verifyAbsent(box, leaf, tree.absence(leaf)!)
      }
    }
  })

  it('shows nothing else: no other leaf, time, place, path or box', () => {
    for (const count of [1, 2, 3, 7, 8, 21]) {
      const tree = new SectionTree(leavesOf(count))
      const box = claimOf(tree)
      for (const { leaf } of tree.leaves) {
        const good = placed(tree, leaf)
        const wrong: [BoxClaim, PlacedLeaf][] = [
          [box, { ...good, leaf: digestOf('another') }],
          [box, { ...good, receivedAt: good.receivedAt + 1 }],
          [box, { ...good, index: good.index + 1 }],
          [box, { ...good, index: Number.MAX_SAFE_INTEGER }],
          [box, { ...good, path: [...good.path, digestOf('more')] }],
          [box, { ...good, path: Array.from({ length: 4_000 }, () => digestOf('more')) }],
          [box, { ...good, path: good.path.map(() => 'no hash') }],
          [{ ...box, root: digestOf('another') }, good],
          [{ ...box, count: 0 }, good],
        ]
        if (count > 1) wrong.push([box, { ...good, path: good.path.slice(1) }])
        for (const [claim, shown] of wrong) {
          if (count === 1 && shown.path.length === 0 && shown.leaf === good.leaf && claim === box) {
            if (shown.receivedAt === good.receivedAt && shown.index === good.index) continue
          }
          expect(() => verifyPlaced(claim, shown)).toThrow(/./)
        }
      }
    }
  })

  it('cannot be shown to lack a leaf that it has, by any two of its neighbours', () => {
    for (const count of [1, 2, 3, 8, 13]) {
      const tree = new SectionTree(leavesOf(count))
      const box = claimOf(tree)
      const all = tree.leaves.map(({ leaf }) => placed(tree, leaf))
      const proofs: AbsenceProof[] = [{ neighbours: [] }, ...all.map((one) => ({ neighbours: [one] }))]
      for (const one of all) for (const other of all) proofs.push({ neighbours: [one, other] })
      proofs.push({ neighbours: all })
      for (const { leaf } of tree.leaves) {
        for (const proof of proofs) expect(holds(() => verifyAbsent(box, leaf, proof))).toBe(false)
      }
    }
  })

  it('property: whatever leaves, exactly one of place and absence can be shown', () => {
    const some = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 25 })
    fc.assert(
      fc.property(some, fc.integer({ min: 0, max: 60 }), (numbers, asked) => {
        const tree = new SectionTree(numbers.map((number) => ({ leaf: digestOf(`${number}`), receivedAt: number })))
        const box = claimOf(tree)
        const leaf = digestOf(`${asked}`)
        expect(tree.find(leaf) !== undefined).toBe(numbers.includes(asked))
        if (numbers.includes(asked)) verifyPlaced(box, placed(tree, leaf))
        else verifyAbsent(box, leaf, tree.absence(leaf)!)
      }),
    )
  })

  it('takes no leaf twice', () => {
    const [leaf] = leavesOf(1)
    expect(() => new SectionTree([leaf!, { ...leaf!, receivedAt: 5 }])).toThrow('once')
  })

  it('takes times up to what a number holds exactly', () => {
    const leaf = { leaf: digestOf('x'), receivedAt: Number.MAX_SAFE_INTEGER }
    const tree = new SectionTree([leaf])
    verifyPlaced(claimOf(tree), placed(tree, leaf.leaf))
    expect(toHex(boxLeafHash(leaf))).not.toBe(toHex(boxLeafHash({ ...leaf, receivedAt: leaf.receivedAt - 1 })))
  })

  it('of a member that lies about the count has fewer places than it says, never more', () => {
    // Eight leaves under the root; the close says five: what a path of five leads to is not what stands there in the tree of eight.
    const tree = new SectionTree(leavesOf(8))
    const lied = { ...claimOf(tree), count: 5 }
    const shown = tree.leaves.filter(({ leaf }) => holds(() => verifyPlaced(lied, placed(tree, leaf))))
    expect(shown.length).toBeLessThanOrEqual(5)
    const [first] = tree.leaves
    expect(holds(() => verifyPlaced({ ...lied, count: 9 }, placed(tree, first!.leaf)))).toBe(false)
  })

  it('an empty one is known by its root: a close that says 0 over another root shows nothing missing', () => {
    const leaf = digestOf('x')
    const empty = new SectionTree([])
    verifyAbsent(claimOf(empty), leaf, { neighbours: [] })
    expect(holds(() => verifyAbsent({ count: 0, root: digestOf('y') }, leaf, { neighbours: [] }))).toBe(false)
    expect(holds(() => verifyAbsent({ ...claimOf(empty), count: 1 }, leaf, { neighbours: [] }))).toBe(false)
  })

  it('what cannot be read ends as a verification error and never as a crash', () => {
    const tree = new SectionTree(leavesOf(2))
    const good = placed(tree, tree.leaves[0]!.leaf)
    for (const leaf of ['', 'xyz', '00', 'A'.repeat(64), `${good.leaf}00`]) {
      expect(() => verifyPlaced(claimOf(tree), { ...good, leaf })).toThrow(
        expect.objectContaining({ code: 'box.place-malformed' }),
      )
    }
    for (const receivedAt of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => verifyPlaced(claimOf(tree), { ...good, receivedAt })).toThrow(
        expect.objectContaining({ code: 'box.place-malformed' }),
      )
    }
    const claim = { ...claimOf(tree), root: 'no root' }
    expect(() => verifyPlaced(claim, good)).toThrow(expect.objectContaining({ code: 'box.place-malformed' }))
  })
})

describe('the slots of a round', () => {
  const slotOf = (more: Partial<Slot> = {}): Slot => ({
    member: 'guangzhou',
    round: 7,
    at: sectionAt(),
    count: 3,
    root: digestOf('root'),
    salt: digestOf('salt'),
    ...more,
  })
  const slots = Array.from({ length: 21 }, (_, at) =>
    at % 3 === 0 ? emptySlot : slotHash(slotOf({ at: sectionAt(`B${at}`), salt: digestOf(`salt ${at}`) })),
  )

  it('every slot is shown at its place and nowhere else', () => {
    const round = new RoundTree(slots)
    const about = { slots: slots.length, root: round.root }
    slots.forEach((_, index) => {
      if (index % 3 === 0) return
      const slot = slotOf({ at: sectionAt(`B${index}`), salt: digestOf(`salt ${index}`) })
      const path = round.path(index)
      verifySlot(about, { index, path }, slot)
      for (let other = 0; other < slots.length; other++) {
        if (other !== index) {
          expect(() => verifySlot(about, { index: other, path }, slot)).toThrow(/./)
          expect(() => verifySlot(about, { index: other, path: round.path(other) }, slot)).toThrow(/./)
        }
      }
    })
  })

  it('depends on the member, the round, the section, the count, the root and the salt', () => {
    const others: readonly Slot[] = [
      slotOf(),
      slotOf({ member: 'wuhan' }),
      slotOf({ round: 8 }),
      slotOf({ at: sectionAt('B1') }),
      slotOf({ at: { ...sectionAt(), ledger: digestOf('other') } }),
      slotOf({ count: 4 }),
      slotOf({ root: digestOf('other') }),
      slotOf({ salt: digestOf('other') }),
    ]
    expect(new Set([...others.map(slotHash).map(toHex), toHex(emptySlot)]).size).toBe(others.length + 1)
  })

  it('is the tree of RFC 6962, for any number of slots', () => {
    for (let count = 0; count <= 40; count++) {
      const hashes = Array.from({ length: count }, (_, at) => sha256(utf8(`${at}`)))
      const frontier = new TreeFrontier()
      for (const hash of hashes) frontier.append(hash)
      expect(new RoundTree(hashes).root).toBe(toHex(frontier.root()))
    }
    const [one] = [leafHash(utf8('x'))]
    expect(new RoundTree([one]).root).toBe(toHex(rootOf(1, () => one)))
  })

  it('a section cannot have two slots in one round: its number is its place, and a place holds one', () => {
    // Two contents prepared for one section, next to each other; only the one at the section's own number is ever asked for.
    const [one, other] = [slotOf({ salt: digestOf('one') }), slotOf({ count: 99, salt: digestOf('other') })]
    const round = new RoundTree([slotHash(one), slotHash(other)])
    const about = { slots: 2, root: round.root }
    verifySlot(about, { index: 0, path: round.path(0) }, one)
    expect(() => verifySlot(about, { index: 0, path: round.path(0) }, other)).toThrow('root')
    expect(() => verifySlot(about, { index: 0, path: round.path(1) }, other)).toThrow('root')
  })

  it('rounds are chained by member, number and root', () => {
    const digests = [
      roundDigest('guangzhou', 1, digestOf('a')),
      roundDigest('wuhan', 1, digestOf('a')),
      roundDigest('guangzhou', 2, digestOf('a')),
      roundDigest('guangzhou', 1, digestOf('b')),
    ]
    expect(new Set(digests).size).toBe(digests.length)
  })
})

it('a receipt is signed over everything in it, under a kind of its own', () => {
  const context = { ledger: digestOf('ledger'), epoch: 0 }
  const receipt = {
    tender: sectionAt().tender,
    section: '',
    leaf: digestOf('leaf'),
    receivedAt: 5,
    node: 'ab'.repeat(8),
    round: 7,
  }
  const messages = [
    bidReceiptMessage(context, receipt),
    bidReceiptMessage({ ...context, ledger: digestOf('other') }, receipt),
    bidReceiptMessage({ ...context, epoch: 1 }, receipt),
    bidReceiptMessage(context, { ...receipt, section: 'B1' }),
    bidReceiptMessage(context, { ...receipt, tender: { ...receipt.tender, code: 'x' } }),
    bidReceiptMessage(context, { ...receipt, leaf: digestOf('other') }),
    bidReceiptMessage(context, { ...receipt, receivedAt: 6 }),
    bidReceiptMessage(context, { ...receipt, node: 'cd'.repeat(8) }),
    bidReceiptMessage(context, { ...receipt, round: 8 }),
  ].map(toHex)
  expect(new Set(messages).size).toBe(messages.length)
  expect(new TextDecoder().decode(fromHex(messages[0]!)!.subarray(0, 22))).toBe('gongzheng/BID-RECEIPT\0')
})
