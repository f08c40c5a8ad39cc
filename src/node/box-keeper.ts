/**
 * Keeps this member's quiet box (静默标箱): leaves come in and get a receipt once they are on the disk; at a fixed pace one root of all
 * sections goes onto the ledger, whether or not anything came in; after the deadline and its grace each section is closed as the last
 * round in time had committed to. What goes out, when, and how long it is depends on nothing but what is public.
 *
 * A round is fixed in three steps, and a crash between any two changes nothing: its number is written down, then leaves that come from
 * now on belong to the next one, then its statement is signed — the same bytes however often. A close is signed only where the leaves that
 * are here lead to the root that is on the ledger; what the disk has lost is never closed over, and its receipts are claimed by their holders.
 */
import { sha256 } from '#crypto'
import { concat, fromHex, toHex, u64 } from '../chain/bytes.ts'
import { boxLeavesMax, noRound } from '../chain/catalogue/box.ts'
import {
  type AboutBox,
  boxKey,
  boxLife,
  boxNumbers,
  closersOf,
  countOfBoxes,
  endOfGrace,
  newestRounds,
  opensAt,
  rounds,
} from '../chain/catalogue/box-life.ts'
import { tenderAt } from '../chain/catalogue/tender-life.ts'
import { CborError, type CborValue, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import { sealMessage } from '../chain/certificate.ts'
import { boxCadenceOf, type Genesis, type GenesisMember } from '../chain/genesis.ts'
import type { JsonObject } from '../chain/json.ts'
import { keyFromKid } from '../chain/keys.ts'
import type { Digest } from '../chain/merkle-tree.ts'
import {
  type BidReceipt,
  type BoxLeaf,
  bidReceiptMessage,
  emptySlot,
  type PlacedLeaf,
  RoundTree,
  SectionTree,
  slotHash,
  verifySlot,
} from '../chain/quiet-box.ts'
import type { StateReader } from '../chain/state.ts'
import { joinStatement, statementMessage } from '../chain/statement.ts'
import { VerificationError } from '../chain/verification-error.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { IntakeResult } from './intake.ts'
import type { Executed } from './ledger.ts'
import { boxBeatMs, uncheckedSubmissionsMax } from './limits.ts'
import type { Clock, Log, Signer } from './ports.ts'
import { metaKey } from './store-rows.ts'

export interface BoxKeeperOptions {
  readonly member: string
  readonly node: string
}

export interface BoxKeeperDependencies {
  readonly clock: Clock
  readonly cycle: DiskCycle
  readonly signer: Signer
  readonly log: Log
  readonly turn: (event: () => void) => void
  readonly standing: () => BoxStanding
  /** Journal rows, counted with those of the receipts for statements; the number under which one is removed. */
  readonly keep: (row: (number: number) => Uint8Array) => number
  readonly remove: (number: number) => void
  /** Has the head file written in the cycle that is being gathered. */
  readonly headDue: () => void
  readonly submit: (jws: string, done: (result: IntakeResult) => void) => void
}

/** What the keeper asks of the ledger in the epoch that is now. */
export interface BoxStanding {
  readonly state: StateReader
  /** Of the newest committed block, milliseconds. */
  readonly blockTime: number
  readonly genesis: Genesis
  readonly ledger: string
  readonly epoch: number
  /** This node's member; undefined while it is none. */
  readonly self: GenesisMember | undefined
  /** Whether anything may be signed. */
  readonly maySign: boolean
}

interface Waiting {
  readonly box: Box
  readonly leaf: string
  readonly receivedAt: number
  readonly epoch: number
  readonly done: (result: DepositResult) => void
}

export type DepositResult =
  | { readonly kind: 'received'; readonly receipt: SignedBidReceipt }
  | { readonly kind: 'refused'; readonly code: string }

export interface SignedBidReceipt extends BidReceipt {
  readonly epoch: number
  readonly signature: Uint8Array
}

interface HeldLeaf extends BoxLeaf {
  readonly round: number
  readonly epoch: number
  readonly journalNumber: number
}

interface Box {
  readonly number: number
  readonly about: Required<AboutBox>
  readonly leaves: Map<string, HeldLeaf>
  /** As it stands on the ledger; read again when a record came that may have changed it. */
  seen: Seen
}

interface Seen {
  readonly stands: 'open' | 'closed' | 'opening' | 'opened'
  readonly row: NonNullable<ReturnType<typeof boxLife.at>>['row']
  readonly deadline: number | null
  readonly isClosedHere: boolean
}

const notReady: DepositResult = { kind: 'refused', code: 'node.not-ready' }

/** Rounds move nothing; of whatever else is said of boxes, bids or their tenders, the boxes are read again. */
const movesBoxes = /^(?:box\.(?!round)|bid\.|tender\.)/
/** First element of a journal row of this kind. */
const rowKind = 4
const beatKey = metaKey('box-beat')
const postingKey = metaKey('box-round')
const brokenKey = metaKey('box-broken')
const brokenBeforeKey = metaKey('box-broken-before')
/** Slots of the newest rounds: what a close needs even when other boxes of that round have been opened since. */
const slotsKey = (round: number): Uint8Array => metaKey(`box-slots/${round % slotRowsMax}`)
const slotRowsMax = 256
/** Of a loss that was noticed before the ledger was read. */
const allBoxes = Number.MAX_SAFE_INTEGER
const listKey = (number: number): Uint8Array => metaKey(`box-list/${number}`)
/** Slow rounds before a deadline from which they come fast. */
const fastBefore = 6
/** Closes that did not come through are tried again after this many milliseconds. */
const closeAgainMs = 1_000

export class BoxKeeper {
  readonly #options: BoxKeeperOptions
  readonly #deps: BoxKeeperDependencies
  /** Boxes that are not opened yet, by number; those before `#oldest` are. */
  readonly #boxes = new Map<number, Box>()
  #oldest = 0
  #known = 0
  #isStale = true
  /** Leaves that came back from the disk before their box was read from the state. */
  readonly #restored = new Map<number, HeldLeaf[]>()
  /** The newest round whose content is fixed. */
  #posting = 0
  /** From this round on the disk has lost leaves that have receipts: it is not closed over. */
  #brokenFrom = Number.MAX_SAFE_INTEGER
  /** Only boxes below this number can have lost any: those that there were when the loss was noticed. */
  #brokenBefore = 0
  #roundTriedAt = 0
  readonly #closeTriedAt = new Map<number, number>()
  #lastReceivedAt = 0
  /** Of the box that was asked about last: what is closed never changes. */
  #lastListed: { readonly subject: string; readonly tree: SectionTree } | undefined
  /** Handed in since the last beat. */
  #waiting: Waiting[] = []
  #beatAt = 0
  #secret: Uint8Array | undefined
  #asksSecret = false

  constructor(options: BoxKeeperOptions, dependencies: BoxKeeperDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  // ── from the disk ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether a row of the journal is a leaf; takes it if it is. @throws {CborError} if it is damaged */
  restoreRow(row: Uint8Array): number | undefined {
    const parts = field.array(decodeCbor(row), 'journal row')
    if (parts[0] !== rowKind) return undefined
    const [, journalNumber, number, leaf, receivedAt, round, epoch, sum] = parts
    const held: HeldLeaf = {
      journalNumber: field.natural(journalNumber, 'number'),
      leaf: toHex(field.bytes(leaf, 'leaf', 32)),
      receivedAt: field.natural(receivedAt, 'receivedAt'),
      round: field.natural(round, 'round'),
      epoch: field.natural(epoch, 'epoch'),
    }
    const box = field.natural(number, 'box')
    if (toHex(field.bytes(sum, 'sum', 8)) !== toHex(rowSum(box, held))) throw new CborError('journal row: changed')
    const others = this.#restored.get(box)
    if (others === undefined) this.#restored.set(box, [held])
    else others.push(held)
    return held.journalNumber
  }

  /** All rows are read. @param lost the journal has lost rows, and nobody knows which */
  resume(lost: boolean): void {
    const held = [...this.#restored.values()].flat()
    const newest = held.reduce((most, { round }) => Math.max(most, round), 0)
    const [posting, broken] = [this.#numberAt(postingKey), this.#numberAt(brokenKey)]
    this.#posting = Math.max(posting ?? 0, newest - 1, 0)
    this.#lastReceivedAt = held.reduce((most, { receivedAt }) => Math.max(most, receivedAt), 0)
    this.#brokenFrom = broken ?? Number.MAX_SAFE_INTEGER
    // A number that cannot be read: what it would have kept apart may be mixed from here on.
    const isLost = lost || posting === undefined || broken === undefined
    const isBroken = isLost || this.#brokenFrom < Number.MAX_SAFE_INTEGER
    this.#brokenBefore = isLost ? allBoxes : ((isBroken ? this.#numberAt(brokenBeforeKey) : 0) ?? allBoxes)
    if (isLost) this.#deps.cycle.put(brokenBeforeKey, encodeCbor([1, allBoxes]))
    if (isLost && this.#brokenFrom > this.#posting + 1) {
      this.#brokenFrom = this.#posting + 1
      this.#deps.cycle.put(brokenKey, encodeCbor([1, this.#brokenFrom]))
    }
  }

  /** Whether leaves of this box, of that round or earlier ones, may be missing here although they have receipts. */
  #isBroken(box: number, round: number): boolean {
    return box < this.#brokenBefore && round >= this.#brokenFrom
  }

  /** Undefined when the row is there and cannot be read; without a row, what stands before there was one. */
  #numberAt(key: Uint8Array): number | undefined {
    try {
      const row = this.#deps.cycle.get(key)
      if (row === undefined) return key === brokenKey || key === brokenBeforeKey ? Number.MAX_SAFE_INTEGER : 0
      return field.natural(field.array(decodeCbor(row), 'box', 2)[1], 'number')
    } catch (error) {
      if (error instanceof DiskReadFailed || error instanceof CborError) return undefined
      throw error
    }
  }

  // ── leaves ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes a leaf in, with the next beat. The answer is the same for any leaf, and for the same leaf however often it comes. */
  deposit(about: AboutBox, leaf: string, done: (result: DepositResult) => void): void {
    const refused = (code: string): void => done({ kind: 'refused', code })
    const { state, blockTime, epoch, maySign, self } = this.#deps.standing()
    if (!maySign || self === undefined) return done(notReady)
    this.#readBoxes()
    const number = boxLife.at(state, boxKey(about), blockTime)?.row.number
    if (number === undefined) return refused('box.unknown')
    const box = this.#boxes.get(number)
    if (box === undefined) return refused('box.not-open')
    const receivedAt = Math.max(this.#deps.clock.wall(), this.#lastReceivedAt)
    if (!box.leaves.has(leaf)) {
      const { stands, deadline } = box.seen
      if (stands !== 'open' || deadline === null || receivedAt > deadline) return refused('box.not-open')
      if (this.#isBroken(number, this.#posting + 1)) return refused('node.box-damaged')
      if (box.leaves.size >= boxLeavesMax || this.#deps.cycle.congested) return refused('node.overloaded')
    }
    if (this.#waiting.length >= uncheckedSubmissionsMax) return refused('node.overloaded')
    this.#lastReceivedAt = receivedAt
    this.#waiting.push({ box, leaf, receivedAt, epoch, done })
  }

  /**
   * Takes in what was handed in since the last one. While a box is open the disk is written to at every beat, whether or not anything came:
   * what a disk does is felt by whoever waits for a block, and must not tell how busy the box is.
   */
  #beat(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#deps.cycle.put(beatKey, encodeCbor([1, this.#deps.clock.wall()]))
    this.#deps.headDue()
    const round = this.#nextRound
    const taken = waiting.map(({ box, leaf, receivedAt, epoch, done }) => {
      const held = box.leaves.get(leaf) ?? this.#take(box, { leaf, receivedAt, round, epoch })
      return () => this.#receipt(box, held, done)
    })
    // Behind the rows: whoever has the receipt finds the leaf after a crash.
    this.#deps.cycle.whenDurable(() =>
      this.#deps.turn(() => {
        for (const give of taken) give()
      }),
    )
  }

  /** There may not be another beat. */
  #turnAway(): void {
    for (const { done } of this.#waiting.splice(0)) done(notReady)
  }

  #take(box: Box, leaf: Omit<HeldLeaf, 'journalNumber'>): HeldLeaf {
    const journalNumber = this.#deps.keep((number) => leafRow(box.number, { ...leaf, journalNumber: number }))
    const held = { ...leaf, journalNumber }
    box.leaves.set(leaf.leaf, held)
    return held
  }

  #receipt({ about }: Box, held: HeldLeaf, done: (result: DepositResult) => void): void {
    const { leaf, receivedAt, round, epoch } = held
    const receipt: BidReceipt = { ...about, leaf, receivedAt, round, node: this.#options.node }
    const { ledger, maySign } = this.#deps.standing()
    // Since the leaf was handed in there is a reason not to. It is kept, and handed in again it has this receipt.
    if (!maySign) return done(notReady)
    this.#deps.signer.sign('seal', bidReceiptMessage({ ledger, epoch }, receipt), (signature) =>
      this.#deps.turn(() => done({ kind: 'received', receipt: { ...receipt, epoch, signature } })),
    )
  }

  /** A leaf that comes now belongs to this round: the first whose content is not fixed, here or on the ledger. */
  get #nextRound(): number {
    const newest = newestRounds.read(this.#deps.standing().state, [this.#options.member])?.round ?? 0
    return Math.max(this.#posting, newest) + 1
  }

  // ── what others may ask ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What this member closed a box over: once that is on the ledger, and for ever. */
  list(about: AboutBox): readonly BoxLeaf[] | undefined {
    const { state, blockTime } = this.#deps.standing()
    const instance = boxLife.at(state, boxKey(about), blockTime)
    if (instance === undefined || !closersOf(state, boxKey(about)).includes(this.#options.member)) return undefined
    const row = this.#deps.cycle.get(listKey(instance.row.number))
    return row === undefined ? undefined : readList(row)
  }

  /** Where a leaf stands in the close; undefined also before there is one. An opening asks for one leaf after the other of one box. */
  place(about: AboutBox, leaf: string): PlacedLeaf | undefined {
    const subject = boxLife.subject(boxKey(about))
    if (this.#lastListed?.subject !== subject) {
      const leaves = this.list(about)
      if (leaves === undefined) return undefined
      this.#lastListed = { subject, tree: new SectionTree(leaves) }
    }
    const { tree } = this.#lastListed
    const found = tree.find(leaf)
    return found === undefined ? undefined : { ...tree.leaves[found.index]!, ...found }
  }

  // ── the pace ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A block was committed: whether anything in it may have moved a box. */
  onCommitted({ execution }: Executed): void {
    for (const leaf of execution.leaves) {
      if (leaf.kind === 'record' && movesBoxes.test(leaf.statement!.type)) this.#isStale = true
    }
  }

  onTick(): void {
    const { maySign, self } = this.#deps.standing()
    if (!maySign || self === undefined) return this.#turnAway()
    this.#readBoxes()
    if (this.#boxes.size === 0) return
    const beat = Math.floor(this.#deps.clock.wall() / boxBeatMs)
    if (beat > this.#beatAt) {
      this.#beatAt = beat
      this.#beat()
    }
    if (this.#secret === undefined) return this.#askSecret()
    this.#postRound(self, this.#secret)
    for (const box of this.#boxes.values()) this.#closeIfDue(box, self, this.#secret)
  }

  /** Boxes that were opened since; those that are done with are let go. */
  #readBoxes(): void {
    if (!this.#isStale) return
    this.#isStale = false
    const { state } = this.#deps.standing()
    for (const count = countOfBoxes(state); this.#known < count; this.#known++) {
      const number = this.#known
      const [owner, scheme, code, section] = boxNumbers.read(state, [String(number)])!.key
      const about = { tender: { owner: owner!, scheme: scheme!, code: code! }, section: section! }
      const restored = this.#restored.get(number) ?? []
      this.#restored.delete(number)
      const leaves = new Map(restored.map((held) => [held.leaf, held]))
      this.#boxes.set(number, { number, about, leaves, seen: this.#see(about) })
    }
    if (this.#brokenBefore === allBoxes) {
      // The first look at the ledger after a loss: a box that is opened from here on has lost nothing. One that had leaves is in the state by
      // now: it was written before the first of them, and nobody may sign, or take in leaves, over a state with holes.
      this.#brokenBefore = this.#known
      this.#deps.cycle.put(brokenBeforeKey, encodeCbor([1, this.#known]))
    }
    for (const box of this.#boxes.values()) {
      box.seen = this.#see(box.about)
      if (box.seen.stands !== 'opened') continue
      for (const { journalNumber } of box.leaves.values()) this.#deps.remove(journalNumber)
      this.#boxes.delete(box.number)
    }
    this.#oldest = this.#boxes.keys().next().value ?? this.#known
  }

  #see(about: AboutBox): Seen {
    const { state, blockTime } = this.#deps.standing()
    const key = boxKey(about)
    const { state: stands, row } = boxLife.at(state, key, blockTime)!
    const deadline = tenderAt({ state, blockTime }, about.tender)?.row.deadline ?? null
    return { stands, row, deadline, isClosedHere: closersOf(state, key).includes(this.#options.member) }
  }

  /** From what is public: how often, and whether it is time. Never from what came in. */
  #postRound(self: GenesisMember, secret: Uint8Array): void {
    const { state, genesis } = this.#deps.standing()
    const { boxRoundMs, boxFastRoundMs } = boxCadenceOf(genesis.parameters)
    const now = this.#deps.clock.wall()
    const cadence = this.#isFast(now, fastBefore * boxRoundMs) ? boxFastRoundMs : boxRoundMs
    const due = Math.floor(now / cadence) * cadence
    if (this.#roundTriedAt >= due) return
    this.#roundTriedAt = now
    const newest = newestRounds.read(state, [this.#options.member])
    const round = (newest?.round ?? 0) + 1
    if (this.#posting < round) {
      this.#beat() // what came in time is in it
      this.#fix(round, secret)
    }
    const fixed = this.#fixed(round)
    if (fixed === undefined) return this.#deps.log.error('box damaged', { round })
    const { from, hashes } = fixed
    this.#submit(self, `node/box.round/${round}`, 'box.round@1', {
      round,
      previous: newest?.digest ?? noRound,
      from,
      slots: hashes.length,
      root: new RoundTree(hashes).root,
    })
  }

  /** From here on leaves belong to the next round, and this one is the same bytes however often it is said. */
  #fix(round: number, secret: Uint8Array): void {
    this.#posting = round
    const from = this.#oldest
    const hashes: Digest[] = []
    for (let number = from; number < this.#known; number++) {
      const box = this.#boxes.get(number)
      hashes.push(box === undefined ? emptySlot : slotHash(this.#slot(box, round, secret).slot))
    }
    this.#deps.cycle.put(slotsKey(round), encodeCbor([1, round, from, concat(...hashes)]))
    this.#deps.cycle.put(postingKey, encodeCbor([1, round]))
  }

  #fixed(round: number): { readonly from: number; readonly hashes: readonly Digest[] } | undefined {
    try {
      const row = this.#deps.cycle.get(slotsKey(round))
      if (row === undefined) return undefined
      const [, of, from, packed] = field.array(decodeCbor(row), 'box slots', 4)
      if (of !== round) return undefined
      return { from: field.natural(from, 'from'), hashes: unpacked(packed, 32) }
    } catch (error) {
      if (error instanceof DiskReadFailed || error instanceof CborError) return undefined
      throw error
    }
  }

  /**
   * From a while before a deadline until bids are opened. Grace and claims are counted by the rounds themselves, so the pace holds for as
   * long as they last, whatever outages lie between.
   */
  #isFast(now: number, before: number): boolean {
    const { state, blockTime, genesis } = this.#deps.standing()
    for (const { about, seen } of this.#boxes.values()) {
      const { stands, deadline } = seen
      if (deadline === null || now <= deadline - before) continue
      if (stands === 'open') return true
      if (stands === 'closed' && now < opensAt(about, { state, blockTime: Math.max(now, blockTime), genesis }))
        return true
    }
    return false
  }

  #slot(box: Box, round: number, secret: Uint8Array) {
    const { ledger } = this.#deps.standing()
    const tree = new SectionTree([...box.leaves.values()].filter((held) => held.round <= round))
    const salt = toHex(sha256(encodeCbor(['gongzheng box salt v1', secret, round, box.number])))
    const at = { ledger, ...box.about }
    return { tree, slot: { member: this.#options.member, round, at, count: tree.leaves.length, root: tree.root, salt } }
  }

  // ── closing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #closeIfDue(box: Box, self: GenesisMember, secret: Uint8Array): void {
    const { row, deadline, isClosedHere } = box.seen
    const now = this.#deps.clock.wall()
    if (isClosedHere || deadline === null || now < deadline + row.graceMs) return
    if (now - (this.#closeTriedAt.get(box.number) ?? 0) < closeAgainMs) return
    const { state, blockTime, genesis } = this.#deps.standing()
    const closedAt = row.closedAt ?? endOfGrace(box.about, { state, blockTime: Math.max(now, blockTime), genesis })
    if (now < closedAt) return
    this.#closeTriedAt.set(box.number, now)
    const last = this.#lastRoundBy(closedAt)
    if (last === undefined || this.#isBroken(box.number, last.round)) return
    const index = box.number - last.from
    if (index < 0 || index >= last.slots) return
    const fixed = this.#fixed(last.round)
    const path = fixed?.hashes.length === last.slots ? new RoundTree(fixed.hashes).path(index) : []
    const { tree, slot } = this.#slot(box, last.round, secret)
    try {
      verifySlot(last, { index, path }, slot)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      // Not what was committed to: signed, it would convict this node. Whoever has a receipt claims by it.
      return this.#deps.log.error('box damaged', { box: boxLife.subject(boxKey(box.about)), round: last.round })
    }
    this.#deps.cycle.put(listKey(box.number), listRow(tree.leaves))
    const { tender, section } = box.about
    const about = { tender: { ...tender }, ...(section === '' ? {} : { section }) }
    const { count, root, salt } = slot
    const fields = { ...about, round: last.round, count, root, salt, path: [...path] }
    this.#submit(self, `node/box.close/${box.number}`, 'box.close@1', fields)
  }

  #lastRoundBy(time: number) {
    const { state } = this.#deps.standing()
    let round = newestRounds.read(state, [this.#options.member])?.round ?? 0
    for (; round > 0; round--) {
      const row = rounds.read(state, [this.#options.member, String(round)])!
      if (row.time <= time) return { round, ...row }
    }
    return undefined
  }

  // ── signing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #submit(self: GenesisMember, key: string, type: string, fields: JsonObject): void {
    const { ledger } = this.#deps.standing()
    const message = statementMessage({ ledger, type, party: self.party, key, ...fields }, keyFromKid(self.node.seal)!)
    this.#deps.signer.sign('seal', message, (signature) =>
      this.#deps.turn(() =>
        this.#deps.submit(joinStatement(message, signature), (result) => {
          // Refused is: not yet, or there already. The next tick looks at the ledger again.
          if (result.kind === 'refused') this.#deps.log.debug('box statement refused', { type, code: result.code })
        }),
      ),
    )
  }

  /**
   * Salts come from the seal key, by a signature that nobody else ever sees (Ed25519 signs the same bytes the same way): a node that has
   * its key has its salts.
   */
  #askSecret(): void {
    if (this.#asksSecret) return
    this.#asksSecret = true
    const message = sealMessage('BOX-SECRET', { ledger: this.#deps.standing().ledger, epoch: 0 }, 1)
    this.#deps.signer.sign('seal', message, (signature) =>
      this.#deps.turn(() => {
        this.#secret = sha256(signature)
      }),
    )
  }
}

/** Catches what a disk changes in a row; the row's own signature would be one more per leaf. */
function rowSum(box: number, { leaf, receivedAt, round, epoch, journalNumber }: HeldLeaf): Uint8Array {
  return sha256(encodeCbor([box, leaf, receivedAt, round, epoch, journalNumber])).subarray(0, 8)
}

function leafRow(box: number, held: HeldLeaf): Uint8Array {
  const { leaf, receivedAt, round, epoch, journalNumber } = held
  return encodeCbor([rowKind, journalNumber, box, fromHex(leaf)!, receivedAt, round, epoch, rowSum(box, held)])
}

function listRow(leaves: readonly BoxLeaf[]): Uint8Array {
  return encodeCbor([1, concat(...leaves.flatMap(({ leaf, receivedAt }) => [fromHex(leaf)!, u64(receivedAt)]))])
}

function readList(row: Uint8Array): readonly BoxLeaf[] {
  const [, packed] = field.array(decodeCbor(row), 'box list', 2)
  return unpacked(packed, 40).map((bytes) => ({
    leaf: toHex(bytes.subarray(0, 32)),
    receivedAt: Number(new DataView(bytes.buffer, bytes.byteOffset + 32, 8).getBigUint64(0)),
  }))
}

/** Pieces of one length, one after the other. */
function unpacked(value: CborValue | undefined, length: number): readonly Uint8Array[] {
  const packed = field.bytes(value, 'packed')
  if (packed.length % length !== 0) throw new CborError('packed: not whole pieces')
  return Array.from({ length: packed.length / length }, (_, at) => packed.subarray(at * length, (at + 1) * length))
}
