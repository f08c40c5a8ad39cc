/**
 * The quiet box (静默标箱) of a member: what stands behind its rounds, its closes and its receipts. Per open section the member keeps the
 * leaves that it received. At a fixed cadence it puts one root on the ledger for all sections together, over slots that are salted
 * afresh each time: nobody can see from two roots whether anything came in between. At the close it shows the salt of one slot, and from
 * then on what it holds is fixed: so many leaves, under that root.
 *
 * Leaves stand in a section's tree in ascending order, not in the order they came: that shows nothing of who came when, and a missing leaf can
 * be shown to be missing by its two neighbours.
 */
import { sha256 } from '#crypto'
import { assert } from './assert.ts'
import { concat, fromHex, toHex, u64 } from './bytes.ts'
import { encodeCbor } from './cbor.ts'
import { type SigningContext, sealMessage } from './certificate.ts'
import { verifyInclusion } from './merkle-proof.ts'
import { type Digest, emptyRoot, inclusionPath, leafHash, nodeHash } from './merkle-tree.ts'
import type { SealedSection } from './sealed-bid.ts'
import { VerificationError } from './verification-error.ts'

/** A leaf as a member holds it. */
export interface BoxLeaf {
  /** 64 hex digits. */
  readonly leaf: string
  /** Milliseconds, by the member's clock; stands in its receipt too. */
  readonly receivedAt: number
}

/** A member's signed word that a leaf is in its box (回执): what the bidder keeps. */
export interface BidReceipt extends BoxLeaf {
  readonly tender: SealedSection['tender']
  readonly section: string
  /** Node id of the receiver. */
  readonly node: string
  /** Number of the round of this member by which the leaf is in. */
  readonly round: number
}

/** The bytes that a seal key signs for a bid's receipt. A close under the same key that lacks the leaf convicts that key. */
export function bidReceiptMessage(context: SigningContext, receipt: BidReceipt): Uint8Array {
  const { owner, scheme, code } = receipt.tender
  return sealMessage('BID-RECEIPT', context, [
    1,
    owner,
    scheme,
    code,
    receipt.section,
    fromHex(receipt.leaf)!,
    receipt.node,
    receipt.receivedAt,
    receipt.round,
  ])
}

// ---- a section's tree ------------------------------------------------------------------------------------------------------------

/** What a section's tree holds for a leaf: its 32 bytes, and when it came. */
export function boxLeafHash({ leaf, receivedAt }: BoxLeaf): Digest {
  return leafHash(concat(fromHex(leaf)!, u64(receivedAt)))
}

const byLeaf = (a: BoxLeaf, b: BoxLeaf): number => (a.leaf < b.leaf ? -1 : a.leaf > b.leaf ? 1 : 0)

/** A Merkle tree over hashes that are all there at once; paths without recomputing what is below them. */
class WholeTree {
  readonly #levels: readonly (readonly Digest[])[]

  constructor(leaves: readonly Digest[]) {
    const levels: Digest[][] = [[...leaves]]
    for (let below = levels[0]!; below.length > 1; below = levels.at(-1)!) {
      const level: Digest[] = []
      for (let i = 0; i + 1 < below.length; i += 2) level.push(nodeHash(below[i]!, below[i + 1]!))
      levels.push(level)
    }
    this.#levels = levels
  }

  get size(): number {
    return this.#levels[0]!.length
  }

  root(): Digest {
    if (this.size === 0) return emptyRoot
    let root: Digest | undefined
    // The complete subtrees from the right, as RFC 6962 joins them.
    for (let level = 0; level < this.#levels.length; level++) {
      if (Math.floor(this.size / 2 ** level) % 2 === 0) continue
      const peak = this.#levels[level]![Math.floor(this.size / 2 ** level) - 1]!
      root = root === undefined ? peak : nodeHash(peak, root)
    }
    return root!
  }

  path(index: number): readonly Digest[] {
    return inclusionPath(index, this.size, (level, at) => this.#levels[level]![at]!)
  }
}

/** The leaves of one section, in the order in which they stand. */
export class SectionTree {
  readonly leaves: readonly BoxLeaf[]
  readonly #tree: WholeTree

  /** In any order; no leaf twice. */
  constructor(leaves: readonly BoxLeaf[]) {
    this.leaves = leaves.toSorted(byLeaf)
    assert(
      this.leaves.every(({ leaf }, at) => at === 0 || leaf !== this.leaves[at - 1]!.leaf),
      'a leaf is in the box once',
    )
    this.#tree = new WholeTree(this.leaves.map(boxLeafHash))
  }

  get root(): string {
    return toHex(this.#tree.root())
  }

  /** Where a leaf stands. */
  find(leaf: string): { readonly index: number; readonly path: readonly string[] } | undefined {
    const index = this.#lowerBound(leaf)
    return this.leaves[index]?.leaf === leaf ? { index, path: this.#path(index) } : undefined
  }

  /** What shows that a leaf is not among them: those between which it would stand. */
  absence(leaf: string): AbsenceProof | undefined {
    const at = this.#lowerBound(leaf)
    if (this.leaves[at]?.leaf === leaf) return undefined
    const neighbour = (index: number) =>
      this.leaves[index] === undefined ? [] : [{ ...this.leaves[index], index, path: this.#path(index) }]
    return { neighbours: [...neighbour(at - 1), ...neighbour(at)] }
  }

  #path = (index: number): readonly string[] => this.#tree.path(index).map(toHex)

  #lowerBound(leaf: string): number {
    let low = 0
    let high = this.leaves.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.leaves[middle]!.leaf < leaf) low = middle + 1
      else high = middle
    }
    return low
  }
}

export interface PlacedLeaf extends BoxLeaf {
  readonly index: number
  /** Hex, the sibling first. */
  readonly path: readonly string[]
}

/** One neighbour at either end, none in an empty box, two else. */
export interface AbsenceProof {
  readonly neighbours: readonly PlacedLeaf[]
}

/** What a close says of a section. */
export interface BoxClaim {
  readonly count: number
  /** 64 hex digits. */
  readonly root: string
}

/** @throws {VerificationError} unless the leaf stands there, received then */
export function verifyPlaced({ count, root }: BoxClaim, placed: PlacedLeaf): void {
  const { leaf, receivedAt } = placed
  if (!isDigest(leaf) || !isDigest(root) || !Number.isSafeInteger(receivedAt) || receivedAt < 0) {
    throw new VerificationError('box.place-malformed', 'a leaf, a root or a time is none')
  }
  verifyInclusion({
    index: placed.index,
    size: count,
    leaf: boxLeafHash(placed),
    path: placed.path.map((hash) => fromHex(hash) ?? new Uint8Array()),
    root: fromHex(root)!,
  })
}

const isDigest = (hex: string): boolean => fromHex(hex)?.length === 32

/** @throws {VerificationError} unless no leaf of that box is this one, whenever it came */
export function verifyAbsent(box: BoxClaim, leaf: string, { neighbours }: AbsenceProof): void {
  for (const placed of neighbours) verifyPlaced(box, placed)
  const [first, last] = [neighbours[0], neighbours.at(-1)]
  const isBetween =
    neighbours.length === 2 && first!.index + 1 === last!.index && first!.leaf < leaf && leaf < last!.leaf
  const isBefore = neighbours.length === 1 && first!.index === 0 && leaf < first!.leaf
  const isAfter = neighbours.length === 1 && first!.index === box.count - 1 && first!.leaf < leaf
  const isEmpty = neighbours.length === 0 && box.count === 0 && box.root === toHex(emptyRoot)
  if (isBetween || isBefore || isAfter || isEmpty) return
  throw new VerificationError('box.absence-malformed', 'the neighbours do not show that the leaf is missing')
}

// ---- rounds ----------------------------------------------------------------------------------------------------------------------

/** A section's slot in a round: what is in the box for it by then, under a salt that only the close shows. */
export interface Slot extends BoxClaim {
  readonly member: string
  readonly round: number
  readonly at: SealedSection
  /** 64 hex digits, fresh for every round and section. */
  readonly salt: string
}

export function slotHash({ member, round, at, count, root, salt }: Slot): Digest {
  const { owner, scheme, code } = at.tender
  const [ledger, rootBytes, saltBytes] = [at.ledger, root, salt].map((hex) => fromHex(hex)!)
  return leafHash(
    encodeCbor([
      'gongzheng box slot v1',
      ledger!,
      member,
      round,
      owner,
      scheme,
      code,
      at.section,
      count,
      rootBytes!,
      saltBytes!,
    ]),
  )
}

/**
 * The slots of a round: one for each box from the oldest that is still open, by the boxes' public numbers. A section has one place and no
 * other, so a member cannot prepare two contents and choose at the close.
 */
export class RoundTree {
  readonly #tree: WholeTree

  constructor(slots: readonly Digest[]) {
    this.#tree = new WholeTree(slots)
  }

  get root(): string {
    return toHex(this.#tree.root())
  }

  path(index: number): readonly string[] {
    return this.#tree.path(index).map(toHex)
  }
}

/** Stands where a box is closed already, so that the slots of the open ones keep their places. */
export const emptySlot: Digest = leafHash(new Uint8Array())

/** @throws {VerificationError} unless the slot stands at that place of the round */
export function verifySlot(
  round: { readonly slots: number; readonly root: string },
  place: { readonly index: number; readonly path: readonly string[] },
  slot: Slot,
): void {
  verifyInclusion({
    index: place.index,
    size: round.slots,
    leaf: slotHash(slot),
    path: place.path.map((hash) => fromHex(hash) ?? new Uint8Array()),
    root: fromHex(round.root)!,
  })
}

/** Hex SHA-256 by which a round names the one before it: number and root. The first names 64 zeros. */
export function roundDigest(member: string, round: number, root: string): string {
  return toHex(sha256(encodeCbor(['gongzheng box round v1', member, round, fromHex(root)!])))
}
