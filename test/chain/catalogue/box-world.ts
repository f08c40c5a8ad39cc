/**
 * A tender with a box for sealed bids, four members that keep one each, and bidders, for the tests of the quiet box and of the opening. A member
 * here is honest unless a test makes it say something else. No clock, no randomness.
 */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../../src/chain/bytes.ts'
import { noRound } from '../../../src/chain/catalogue/box.ts'
import { boxKey, boxLife, newestRounds } from '../../../src/chain/catalogue/box-life.ts'
import { tallyOf } from '../../../src/chain/catalogue/sealed-count.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import {
  type BidReceipt,
  bidReceiptMessage,
  emptySlot,
  type PlacedLeaf,
  RoundTree,
  SectionTree,
  slotHash,
} from '../../../src/chain/quiet-box.ts'
import {
  bidderDigest,
  changeMessage,
  type SealedContent,
  type SealedSection,
  sealedLeaf,
  termsDigest,
} from '../../../src/chain/sealed-bid.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { type FoundedLedger, fourCities, keyOf, type TestKey } from './founded-ledger.ts'
import { about, agency, base, bidders, deadline, hash, named, notice, tender } from './tender-fixture.ts'

export const second = 1_000
export const minute = 60_000
export const graceMs = 2 * minute
export const claimMs = 10 * minute
export const revealMs = 60 * minute
/** Without an outage. */
export const closing = deadline + graceMs
export const opening = closing + claimMs
export const due = opening + revealMs

/** 32 bytes from a name, in hex. */
export const digestOf = (name: string): string => toHex(sha256(utf8(name)))

export const memberIds = fourCities.map(({ id }) => id)

export const openBox = (ledger: FoundedLedger, fields: JsonObject = {}, by: string = agency): Statement => {
  const seconds = { graceSeconds: graceMs / 1_000, claimSeconds: claimMs / 1_000, revealSeconds: revealMs / 1_000 }
  const party = by
  return ledger.statement('box.open@1', party, keyOf(party === agency ? 'tender agency' : party), {
    tender,
    ...seconds,
    ...fields,
  })
}

/** A bid as its bidder keeps it. */
export interface Bid {
  readonly content: SealedContent
  readonly leaf: string
  readonly oneTime: TestKey
  /** What the record shows of it beside its place. */
  readonly fields: JsonObject
  readonly before?: Bid
}

export const sectionAt = (section = ''): SealedSection => ({ ledger: base.genesis.ledger, tender, section })

export function bidOf(
  name: string,
  more: {
    readonly bidders?: readonly string[]
    readonly terms?: JsonObject
    readonly before?: Bid
    readonly at?: SealedSection
  } = {},
): Bid {
  const { before, at = sectionAt() } = more
  const oneTime = keyOf(`one-time ${name}`)
  const parties = more.bidders ?? [bidders[0]!]
  const terms: JsonObject = {
    salt: digestOf(`salt ${name}`),
    price: { form: 'amount', amount: '1835.0534', unit: '1', currency: 'CNY' },
    ...more.terms,
  }
  const bare: SealedContent = {
    kind: 'bid',
    ciphertext: digestOf(`file ${name}`),
    terms: termsDigest(terms),
    bidder: bidderDigest(parties),
    oneTimeKey: oneTime.kid,
    nonce: digestOf(`nonce ${name}`),
  }
  const content = before === undefined ? bare : changed(bare, before, at)
  const { ciphertext, nonce, oneTimeKey, changes } = content
  const fields: JsonObject = {
    bidders: parties.map((party) => named(party)),
    terms,
    ciphertext,
    oneTimeKey,
    nonce,
    ...(changes === undefined ? {} : { changes }),
  }
  const made = { content, leaf: toHex(sealedLeaf(at, content)), oneTime, fields }
  return before === undefined ? made : { ...made, before }
}

/** Content that takes the place of `before`, with the word of its key. */
export function changed(content: SealedContent, before: Bid, at = sectionAt(), key = before.oneTime): SealedContent {
  const signature = toHex(key.sign(changeMessage(at, before.leaf, content)))
  return { ...content, changes: { leaf: before.leaf, signature } }
}

export interface Withdrawal {
  readonly content: SealedContent
  readonly leaf: string
  readonly before: Bid
}

export function withdrawalOf(before: Bid, name = before.leaf): Withdrawal {
  const nonce = digestOf(`withdrawal ${name}`)
  const bare: SealedContent = { kind: 'withdrawal', ciphertext: '', terms: '', bidder: '', oneTimeKey: '', nonce }
  const content = changed(bare, before)
  return { content, leaf: toHex(sealedLeaf(sectionAt(), content)), before }
}

export interface Receipt extends BidReceipt {
  readonly member: string
  readonly epoch: number
  readonly signature: string
}

interface Held {
  readonly leaf: string
  readonly receivedAt: number
  /** The round that it is in first. */
  readonly round: number
}

/** What one member keeps for the box, off the ledger. */
export class MemberBox {
  readonly member: string
  readonly world: BoxWorld
  held: Held[] = []

  constructor(member: string, world: BoxWorld) {
    this.member = member
    this.world = world
  }

  get seal(): TestKey {
    return keyOf(`${this.member} seal`)
  }

  get newest(): number {
    return newestRounds.read(this.world.ledger.state, [this.member])?.round ?? 0
  }

  receive(leaf: string, receivedAt = this.world.ledger.blockTime): Receipt {
    const round = this.newest + 1
    this.held.push({ leaf, receivedAt, round })
    return this.receipt(leaf, receivedAt, round)
  }

  receipt(leaf: string, receivedAt: number, round: number, epoch = 0): Receipt {
    const { genesis } = this.world.ledger
    const { node } = this.world.ledger.member(this.member)
    const body: BidReceipt = { tender, section: '', leaf, receivedAt, round, node: node.id }
    const message = bidReceiptMessage({ ledger: genesis.ledger, epoch }, body)
    return { ...body, member: this.member, epoch, signature: toHex(this.seal.sign(message)) }
  }

  tree(round: number): SectionTree {
    return new SectionTree(this.held.filter((held) => held.round <= round))
  }

  salt = (round: number): string => digestOf(`salt ${this.member} ${round}`)

  slot(round: number, tree = this.tree(round)) {
    const salt = this.salt(round)
    return { member: this.member, round, at: sectionAt(), count: tree.leaves.length, root: tree.root, salt }
  }

  /** The box has the number 0, so its slot is the first. */
  roundTree(round: number): RoundTree {
    return new RoundTree([slotHash(this.slot(round)), emptySlot])
  }

  round(fields: JsonObject = {}): Statement {
    const { ledger } = this.world
    const newest = newestRounds.read(ledger.state, [this.member])
    const round = (newest?.round ?? 0) + 1
    const slots = 1
    const root = new RoundTree([slotHash(this.slot(round))]).root
    return this.says('box.round@1', { round, previous: newest?.digest ?? noRound, from: 0, slots, root, ...fields })
  }

  close(fields: JsonObject = {}, round = this.newest): Statement {
    const { count, root, salt } = this.slot(round)
    return this.says('box.close@1', { tender, round, count, root, salt, path: [], ...fields })
  }

  says(type: string, fields: JsonObject): Statement {
    const { ledger } = this.world
    return ledger.statement(type, ledger.member(this.member).party, this.seal, fields)
  }

  /** Where a leaf stands in what was closed over round `round`. */
  place(leaf: string, round = this.newest): JsonObject {
    const tree = this.tree(round)
    const found = tree.find(leaf)
    if (found === undefined) throw new Error(`${this.member} has no such leaf`)
    const { receivedAt } = tree.leaves[found.index]!
    return { member: this.member, receivedAt, index: found.index, path: [...found.path] }
  }

  placed(leaf: string, round = this.newest): PlacedLeaf {
    return { leaf, ...this.place(leaf, round) } as unknown as PlacedLeaf
  }
}

export class BoxWorld {
  readonly ledger: FoundedLedger
  readonly boxes: ReadonlyMap<string, MemberBox>
  /** The round that each member's close stands on. */
  readonly closedOn = new Map<string, number>()

  constructor(ledger = withBox.fork()) {
    this.ledger = ledger
    this.boxes = new Map(memberIds.map((id) => [id, new MemberBox(id, this)]))
  }

  box(member: string): MemberBox {
    return this.boxes.get(member)!
  }

  get guangzhou(): MemberBox {
    return this.box('guangzhou')
  }

  get wuhan(): MemberBox {
    return this.box('wuhan')
  }

  /** All of these members put a round on the ledger now. */
  rounds(members: readonly string[] = memberIds): void {
    for (const id of members) this.ledger.take(this.box(id).round(), { member: id })
  }

  /** Rounds of all, a minute apart, until then; the last one at that very time. */
  run(to: number, members: readonly string[] = memberIds): void {
    const { ledger } = this
    for (; ledger.blockTime < to; ) {
      ledger.blockTime = Math.min(to, ledger.blockTime + minute)
      this.rounds(members)
    }
  }

  /** To five minutes before the deadline. */
  eve(): this {
    this.ledger.blockTime = deadline - 5 * minute
    this.rounds()
    return this
  }

  close(members: readonly string[] = memberIds): void {
    for (const id of members) {
      const box = this.box(id)
      this.closedOn.set(id, box.newest)
      this.ledger.take(box.close(), { member: id })
    }
  }

  /** Through grace, closed by these, and through the time for claims. */
  toOpening(members: readonly string[] = memberIds): this {
    this.run(closing)
    this.close(members)
    this.run(opening)
    return this
  }

  place(leaf: string, member: string): JsonObject {
    return this.box(member).place(leaf, this.closedOn.get(member)!)
  }

  /** Where it stands, of whoever has it first. */
  anyPlace(leaf: string): JsonObject {
    for (const [member, round] of this.closedOn) {
      if (this.box(member).tree(round).find(leaf) !== undefined) return this.place(leaf, member)
    }
    throw new Error('nobody has that leaf')
  }

  says(type: string, fields: JsonObject, key = keyOf('tender agency'), party = agency): Statement {
    return this.ledger.statement(`${type}@1`, party, key, { tender, ...fields })
  }

  /** Bids before, from the newest on, where they stand unless told otherwise. */
  chain(before: Bid | undefined, placed = true): readonly JsonObject[] {
    const all: JsonObject[] = []
    for (let bid = before; bid !== undefined; bid = bid.before) {
      const { kind: _, ...content } = bid.content
      const place = placed ? { place: this.anyPlace(bid.leaf) } : {}
      all.push({ ...place, content: content as unknown as JsonObject })
    }
    return all
  }

  reveal(bid: Bid, fields: JsonObject = {}): Statement {
    const place = fields.place ?? this.anyPlace(bid.leaf)
    const chain = fields.replaced === undefined && bid.before !== undefined ? { replaced: this.chain(bid.before) } : {}
    const decryptedAt = formatTime(this.ledger.blockTime)
    return this.says('bid.reveal', { ...bid.fields, ...chain, decryptedAt, ...fields, place })
  }

  withdraw({ content, leaf, before }: Withdrawal, fields: JsonObject = {}): Statement {
    const { nonce, changes } = content
    const shown = { nonce, changes: changes as unknown as JsonObject }
    const withdrawn = fields.withdrawn ?? this.chain(before)
    return this.says('bid.withdrawal', { place: fields.place ?? this.anyPlace(leaf), ...shown, ...fields, withdrawn })
  }

  claim(receipt: Receipt, fields: JsonObject = {}): Statement {
    const { member, epoch, leaf, receivedAt, round, signature } = receipt
    return this.says('bid.claim', { receipt: { member, epoch, leaf, receivedAt, round, signature, ...fields } })
  }

  opened(fields: JsonObject = {}): Statement {
    return this.says('bid.opened', { ...(this.tally as unknown as JsonObject), ...fields })
  }

  get tally() {
    return tallyOf(this.ledger.state, boxKey({ tender }))
  }

  get state(): string | undefined {
    return boxLife.at(this.ledger.state, boxKey({ tender }), this.ledger.blockTime)?.state
  }

  /** Takes it, and gives the codes of what the rules flagged. */
  found(statement: Statement, member = 'guangzhou'): readonly string[] {
    return this.ledger.findings.get(this.ledger.take(statement, { member }))!.map(({ code }) => code)
  }
}

/** The tender's notice and a box for it. */
export const withNotice: FoundedLedger = base.fork()
withNotice.take(notice(withNotice))
export const withBox: FoundedLedger = withNotice.fork()
withBox.take(openBox(withBox))

export { about, agency, deadline, hash, notice, tender }
