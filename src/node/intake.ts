/**
 * From a submission to its place on the ledger. A statement that passes every check goes into the journal, its submitter gets a receipt once
 * that is durable, and this node keeps trying until the ledger has answered: a record, or a refusal record that names the rule. Batches
 * leave while the journal is being fsynced; a batch of a run that a crash cut short can never be contradicted (chain/batch.ts).
 */
import {
  assembleBatch,
  type Batch,
  type BatchHeader,
  type BatchItem,
  batchBytesMax,
  batchItem,
  batchItemsMax,
  batchMessage,
} from '../chain/batch.ts'
import { CborError, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import { type Entry, encodeEntry, parseEntry, zeroDigestHex } from '../chain/entry.ts'
import { applyStatement, type ChainPoint, frozenMember, type Outcome, recordedUnder } from '../chain/execution.ts'
import { type Height, height } from '../chain/numbers.ts'
import { type ReceiptBody, receiptMessage } from '../chain/receipt.ts'
import { type FieldProblem, Refusal } from '../chain/refusal.ts'
import { Overlay } from '../chain/state.ts'
import { parseStatement, type Statement } from '../chain/statement.ts'
import { entryBytesMax } from '../chain/tile.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { JournalCount } from './journal-count.ts'
import type { Executed, Ledger } from './ledger.ts'
import {
  batchesInFlightMax,
  freeDiskMin,
  pendingBytesMax,
  pendingStatementsMax,
  uncheckedSubmissionsMax,
  worthwhileRecords,
} from './limits.ts'
import type { Clock, Disk, Log, SignatureCheck, Signer, Verifier } from './ports.ts'
import { SecondLook } from './second-look.ts'
import { journalRange, numberOfJournalKey } from './store-rows.ts'
import type { VerifiedItems } from './verified-items.ts'

export interface IntakeOptions {
  readonly member: string
  readonly node: string
  /** Changes of the journal that the head file knows of. */
  readonly journalChanges: number
}

export interface IntakeDependencies {
  readonly clock: Clock
  readonly disk: Disk
  readonly cycle: DiskCycle
  readonly signer: Signer
  readonly verifier: Verifier
  readonly items: VerifiedItems
  /** The ledger in the epoch that is now. */
  readonly ledger: Ledger
  readonly log: Log
  /** Runs an event of the node's loop; completions come back through it. */
  readonly turn: (event: () => void) => void
  /** Id of the newest block on my chain: rules are asked as of there. */
  readonly tipId: () => string
  readonly attestedSize: () => number
  /** Calls back with a height that was committed when this was asked; never, if no leader answers. */
  readonly readIndex: (done: (height: Height) => void) => void
  /** Takes a row of the journal that is a leaf of the quiet box, and says its number. @throws {CborError} when it is damaged */
  readonly restoreLeaf: (row: Uint8Array) => number | undefined
  /** Has the head file written in the cycle that is being gathered, with the journal's count of changes as it then is. */
  readonly headDue: () => void
  /** Passes a batch on its way to the leader. */
  readonly forward: (batch: Batch) => void
}

export interface SignedReceipt extends ReceiptBody {
  /** In which it was signed. */
  readonly epoch: number
  readonly signature: Uint8Array
}

export type Settlement =
  | { readonly kind: 'record'; readonly index: number; readonly duplicate: boolean }
  | { readonly kind: 'refused'; readonly index: number; readonly code: string }

/** A statement that this node took in. `receipt` is there from the beginning; it is signed a moment later and shown only once `durable`. */
export interface Pending {
  readonly statement: Statement
  readonly entry: Entry
  readonly item: BatchItem
  receipt: SignedReceipt
  readonly journalNumber: number
  durable: boolean
  settlement: Settlement | undefined
  /** Called once, when the receipt may be shown. */
  readonly onDurable: (() => void)[]
  /** Called once, when the ledger has answered; a waiting client that gives up takes its own out. */
  readonly onSettled: Set<() => void>
}

export type IntakeResult =
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly detail: string
      readonly fields: readonly FieldProblem[]
    }
  /** On the ledger already. */
  | { readonly kind: 'known'; readonly index: number }
  /** Taken in, now or by an earlier submission of the same statement, and durable. */
  | { readonly kind: 'taken'; readonly pending: Pending; readonly again: boolean }

/** A statement that is here already: on its way through this node, or in a committed block. */
type Known = { readonly pending: Pending } | { readonly index: number }

interface Unchecked {
  readonly statement: Statement
  readonly done: (result: IntakeResult) => void
}

export class Intake {
  readonly #options: IntakeOptions
  readonly #deps: IntakeDependencies
  #open = false
  #incarnation = 0
  readonly #pending = new Map<string, Pending>()
  /** By party and idempotency key, so that a key never stands for two statements here. */
  readonly #pendingKeys = new Map<string, string>()
  #pendingBytes = 0
  #unchecked: Unchecked[] = []
  #checking = false
  #lastReceivedAt = 0
  #journalNumber = 0
  readonly journal: JournalCount
  readonly #secondLook: SecondLook

  #waiting: Pending[] = []
  #inFlight: { readonly batch: Batch; since: number }[] = []
  #sealing = false
  #nextNumber = 0
  #previous = zeroDigestHex

  constructor(options: IntakeOptions, dependencies: IntakeDependencies) {
    this.#options = options
    this.#deps = dependencies
    this.journal = new JournalCount(options.journalChanges, dependencies)
    this.#secondLook = new SecondLook({
      now: () => dependencies.clock.monotonic(),
      readIndex: dependencies.readIndex,
      committed: () => dependencies.ledger.committed.block.height,
    })
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  pending(statementId: string): Pending | undefined {
    return this.#pending.get(statementId)
  }

  /** Something is on its way or waits to be: a leader that makes no progress is to be suspected. */
  get busy(): boolean {
    return this.#inFlight.length > 0 || this.#waiting.length > 0
  }

  /**
   * Reads the journal: what got a receipt before this start and may not be on the ledger yet. A row that the disk changed is left out, loudly:
   * this node would otherwise sign a batch that is invalid by its bytes alone (rule 30).
   */
  restore(done: (lost: boolean) => void): void {
    const { disk, items, ledger, verifier, log } = this.#deps
    const found: Pending[] = []
    const numbers: number[] = []
    disk.scan(
      journalRange,
      (key, row) => {
        try {
          const leaf = this.#deps.restoreLeaf(row)
          if (leaf !== undefined) this.#journalNumber = Math.max(this.#journalNumber, leaf + 1)
          else found.push(readJournalRow(row, this.#options.node, ledger.rules.context.ledger))
          numbers.push(numberOfJournalKey(key))
        } catch (error) {
          if (!(error instanceof CborError) && !(error instanceof Refusal)) throw error
          log.error('journal damaged', { reason: error.message })
          this.#deps.cycle.del(key)
        }
        return undefined
      },
      (isWhole) => {
        const lost = this.journal.resume(numbers, isWhole)
        verifier.check(
          found.flatMap(({ statement, receipt }) => [signatureCheckOf(statement), this.#checkOf(receipt)]),
          (verdicts) => {
            for (const [i, pending] of found.entries()) {
              this.#journalNumber = Math.max(this.#journalNumber, pending.journalNumber + 1)
              const isSigned = verdicts[2 * i] === true && verdicts[2 * i + 1] === true
              if (!isSigned || pending.entry.member !== this.#options.member) {
                log.error('journal damaged', { statement: pending.statement.id })
                this.journal.remove(pending.journalNumber)
                continue
              }
              items.add(pending.item.leaf, { entry: pending.entry, statement: pending.statement })
              this.#hold(pending)
              // This machine's clock may have been set back since; along a run of batches the times never decrease.
              this.#lastReceivedAt = Math.max(this.#lastReceivedAt, pending.entry.receivedAt)
            }
            done(lost)
          },
        )
      },
    )
  }

  /** Its own signature: the receipt names what the entry says, but for the bytes of the statement's signature. */
  #checkOf(receipt: SignedReceipt): SignatureCheck {
    const { signer, ledger } = this.#deps
    const message = receiptMessage({ ledger: ledger.rules.context.ledger, epoch: receipt.epoch }, receipt)
    return { publicKey: signer.publicKey('seal')!, message, signature: receipt.signature }
  }

  /**
   * A start of this node, or of an epoch, which is one too: batches of the runs before it are past, and what was in them or waits is brought
   * again in order, unless the ledger has it.
   */
  begin(incarnation: number): void {
    this.#incarnation = incarnation
    this.#nextNumber = 0
    this.#previous = zeroDigestHex
    this.#inFlight = []
    this.#sealing = false
    this.#waiting = [...this.#pending.values()].sort((a, b) => a.journalNumber - b.journalNumber)
    for (const pending of [...this.#waiting]) this.#settleIfRecorded(pending)
  }

  /** Rule 17 is met: from now on batches and receipts may be signed. */
  openUp(): void {
    this.#open = true
    this.#sealBatch()
  }

  close(): void {
    this.#open = false
  }

  /** Journals a leaf of the quiet box: received, as a statement is, and counted with them. @returns its number, to remove it by */
  keepLeaf(row: (number: number) => Uint8Array): number {
    const number = this.#journalNumber++
    this.journal.add(number, row(number))
    this.#deps.headDue()
    return number
  }

  submit(jws: string, done: (result: IntakeResult) => void): void {
    try {
      const statement = parseStatement(jws, this.#deps.ledger.rules.context.ledger)
      // The ledger is asked once, after the signature; a node that takes nothing in still knows what is there.
      const pending = this.#pending.get(statement.id)
      if (pending !== undefined) return this.#answer({ pending }, done)
      const takesIn = this.#open && !this.#isFrozen
      const known = takesIn ? undefined : this.#known(statement, this.#deps.ledger.committed)
      if (known !== undefined && !('onItsWay' in known)) return this.#answer(known, done)
      this.#assertRoom()
      this.#unchecked.push({ statement, done })
      this.#checkSignatures()
    } catch (error) {
      done(refusalOf(error))
    }
  }

  /** All of the submissions that came while others were being checked are checked together: one hand-over, many signatures. */
  #checkSignatures(): void {
    if (this.#checking || this.#unchecked.length === 0) return
    this.#checking = true
    const group = this.#unchecked
    this.#unchecked = []
    this.#deps.verifier.check(
      group.map(({ statement }) => signatureCheckOf(statement)),
      (verdicts) =>
        this.#deps.turn(() => {
          this.#checking = false
          group.forEach(({ statement, done }, i) => {
            try {
              if (!verdicts[i]) throw new Refusal('statement.bad-signature')
              this.#takeIn(statement, done)
            } catch (error) {
              done(refusalOf(error))
            }
          })
          this.#checkSignatures()
          this.#sealBatch()
        }),
    )
  }

  #takeIn(statement: Statement, done: (result: IntakeResult) => void): void {
    const { ledger } = this.#deps
    const tip = ledger.point(this.#deps.tipId()) ?? ledger.committed
    this.#assertRoom()
    try {
      const known = this.#known(statement, tip)
      if (known !== undefined && 'onItsWay' in known) this.#keep(statement, true, done)
      else if (known !== undefined) this.#answer(known, done)
      else {
        this.#examine(statement, tip)
        this.#keep(statement, false, done)
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#secondLook.ask(
        tip.block.height,
        () => this.#lookAgain(statement, done),
        () => done(refusalOf(new Refusal('node.not-ready'))),
      )
    }
  }

  /** Everything that was committed when it came is here now: what is refused as of there is refused. */
  #lookAgain(statement: Statement, done: (result: IntakeResult) => void): void {
    try {
      const { committed } = this.#deps.ledger
      if (this.#known(statement, committed) === undefined) this.#examine(statement, committed)
      // Good there. If something at the tip still stands in its way, that is to be committed first.
      this.#takeIn(statement, done)
      this.#sealBatch()
    } catch (error) {
      done(refusalOf(error))
    }
  }

  /** @throws {Refusal} if the rules would refuse it in a block on top of `point` */
  #examine(statement: Statement, point: ChainPoint): void {
    const { clock, ledger } = this.#deps
    const blockTime = Math.max(clock.wall(), point.time)
    const place = { index: point.frontier.size, blockTime, height: height(point.block.height + 1) }
    applyStatement(new Overlay(point.state), this.#entryOf(statement), statement, place, ledger.rules)
  }

  #entryOf(statement: Statement): Entry {
    const receivedAt = Math.max(this.#deps.clock.wall(), this.#lastReceivedAt)
    return { member: this.#options.member, receivedAt, statement: statement.jws }
  }

  /** @param again the same statement stands in a block that is not committed yet; the ledger will say that it is one */
  #keep(statement: Statement, again: boolean, done: (result: IntakeResult) => void): void {
    const { ledger } = this.#deps
    const entry = this.#entryOf(statement)
    const { receivedAt } = entry
    const bytes = encodeEntry(entry)
    if (bytes.length > entryBytesMax) throw new Refusal('statement.too-large')
    this.#lastReceivedAt = receivedAt
    const item = batchItem(bytes, true)
    this.#deps.items.add(item.leaf, { entry, statement })
    const receipt: ReceiptBody = {
      statement: statement.id,
      node: this.#options.node,
      receivedAt,
      attestedSize: this.#deps.attestedSize(),
      by: receivedAt + ledger.rules.genesis.parameters.receivedWindowMs,
    }
    const { context } = ledger.rules
    const journalNumber = this.#journalNumber++
    // The place is taken at once, so that the same statement in the same instant finds it.
    const held: Pending = {
      statement,
      entry,
      item,
      receipt: { ...receipt, epoch: context.epoch, signature: new Uint8Array() },
      journalNumber,
      durable: false,
      settlement: undefined,
      onDurable: [() => done({ kind: 'taken', pending: held, again })],
      onSettled: new Set(),
    }
    this.#hold(held)
    this.#waiting.push(held)
    this.#deps.signer.sign('seal', receiptMessage(context, receipt), (signature) =>
      this.#deps.turn(() => this.#journal(held, signature)),
    )
  }

  #journal(pending: Pending, signature: Uint8Array): void {
    const { cycle, headDue } = this.#deps
    pending.receipt = { ...pending.receipt, signature }
    // Settled before the receipt was signed: its block is durable elsewhere, there is nothing left to keep trying for.
    if (pending.settlement === undefined) {
      this.journal.add(pending.journalNumber, journalRow(pending))
      // In the same cycle, behind the row: once the receipt is given, a loss of the row shows.
      headDue()
    }
    cycle.whenDurable(() =>
      this.#deps.turn(() => {
        // A crash before this line: no receipt was given. After it: the journal has the statement.
        pending.durable = true
        for (const tell of pending.onDurable.splice(0)) tell()
      }),
    )
  }

  // ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #sealBatch(): void {
    if (!this.#open || this.#sealing || this.#waiting.length === 0 || this.#inFlight.length >= batchesInFlightMax) {
      return
    }
    if (this.#inFlight.length > 0 && this.#waiting.length < worthwhileRecords) return
    if (this.#isFrozen) return
    const taken: Pending[] = []
    let bytes = 512
    for (const pending of this.#waiting) {
      bytes += pending.item.entry.length + 16
      if (taken.length > 0 && (taken.length >= batchItemsMax || bytes > batchBytesMax)) break
      taken.push(pending)
    }
    this.#waiting.splice(0, taken.length)
    const items = taken.map((pending) => pending.item)
    const header: BatchHeader = {
      member: this.#options.member,
      incarnation: this.#incarnation,
      number: this.#nextNumber,
      previous: this.#previous,
    }
    const message = batchMessage(this.#deps.ledger.rules.context, header, items)
    this.#sealing = true
    this.#deps.signer.sign('seal', message, (signature) =>
      this.#deps.turn(() => {
        if (header.incarnation !== this.#incarnation) return // signed for a run that an epoch has ended meanwhile
        this.#sealing = false
        const batch = assembleBatch(header, items, message, signature)
        this.#nextNumber++
        this.#previous = batch.hash
        this.#inFlight.push({ batch, since: this.#deps.clock.monotonic() })
        this.#deps.forward(batch)
        this.#sealBatch()
      }),
    )
  }

  /** A new leader knows nothing of what the old one had: everything on its way is sent again, in order. */
  resend(): void {
    for (const { batch } of this.#inFlight) this.#deps.forward(batch)
  }

  /** Batches that have waited longer than `ms`, each returned again only after as long (rule 28). */
  overdue(ms: number): readonly Batch[] {
    const now = this.#deps.clock.monotonic()
    const late = this.#inFlight.filter(({ since }) => now - since > ms)
    for (const flight of late) flight.since = now
    return late.map(({ batch }) => batch)
  }

  /** A block was committed: what this node sent is answered, whichever start of it sent it. */
  onCommitted({ block, execution }: Executed): void {
    block.batches.forEach((batch, b) => {
      if (batch.member !== this.#options.member) return
      batch.items.forEach((item, i) => {
        const { statement } = this.#deps.items.read(item)
        this.#settle(statement.id, execution.outcomes[b]![i]!)
      })
      this.#inFlight = this.#inFlight.filter(
        (flight) => flight.batch.incarnation !== batch.incarnation || flight.batch.number > batch.number,
      )
    })
    this.#secondLook.onCommitted()
    this.#sealBatch()
  }

  /** Time passes. */
  onTick(): void {
    this.#secondLook.onTick()
  }

  #settle(statementId: string, outcome: Outcome): void {
    const pending = this.#pending.get(statementId)
    if (pending === undefined) return
    switch (outcome.kind) {
      case 'record':
        return this.#finish(pending, { kind: 'record', index: outcome.index, duplicate: false })
      case 'duplicate':
        return this.#finish(pending, { kind: 'record', index: outcome.of, duplicate: true })
      case 'refused':
        // Every item of ours is promised, so a refusal always has its record.
        return this.#finish(pending, { kind: 'refused', index: outcome.index!, code: outcome.code })
      case 'left-over':
        return // brought again in the next epoch
    }
  }

  /** It reached the ledger while this node was down, or through another member. */
  #settleIfRecorded(pending: Pending): void {
    const { statement } = pending
    const recorded = recordedUnder(this.#deps.ledger.committed.state, statement)
    if (recorded?.id !== statement.id) return
    this.#waiting = this.#waiting.filter((waiting) => waiting !== pending)
    this.#finish(pending, { kind: 'record', index: recorded.index, duplicate: true })
  }

  #finish(pending: Pending, settlement: Settlement): void {
    pending.settlement = settlement
    this.#pending.delete(pending.statement.id)
    this.#pendingKeys.delete(keyOf(pending.statement))
    this.#pendingBytes -= pending.item.entry.length
    // In one batch with the state that the answer stands in: never lost, never answered twice.
    if (isJournalled(pending)) this.journal.remove(pending.journalNumber)
    for (const tell of pending.onSettled) tell()
    pending.onSettled.clear()
  }

  // ── bounds and duplicates ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** What there is for this statement, here or on the chain up to `point`; refuses another one under the same key. */
  #known(statement: Statement, point: ChainPoint): Known | { readonly onItsWay: true } | undefined {
    const pending = this.#pending.get(statement.id)
    if (pending !== undefined) return { pending }
    const recorded = recordedUnder(point.state, statement)
    if (recorded === undefined) {
      if (this.#pendingKeys.has(keyOf(statement))) throw new Refusal('statement.key-reused')
      return undefined
    }
    if (recorded.id !== statement.id) throw new Refusal('statement.key-reused')
    return recorded.index < this.#deps.ledger.committed.frontier.size ? { index: recorded.index } : { onItsWay: true }
  }

  /** Nobody takes a batch of this node any more, so it promises nothing and sends none. */
  get #isFrozen(): boolean {
    const { committed, rules } = this.#deps.ledger
    return frozenMember(committed.state, this.#options.member, rules) !== undefined
  }

  #answer(known: Known, done: (result: IntakeResult) => void): void {
    if ('index' in known) return done({ kind: 'known', index: known.index })
    const { pending } = known
    if (pending.durable) return done({ kind: 'taken', pending, again: true })
    pending.onDurable.push(() => done({ kind: 'taken', pending, again: true }))
  }

  #assertRoom(): void {
    if (!this.#open) throw new Refusal('node.not-ready')
    if (this.#isFrozen) throw new Refusal('node.key-frozen')
    if (this.#deps.disk.freeBytes() < freeDiskMin) throw new Refusal('node.disk-full')
    if (
      this.#pending.size >= pendingStatementsMax ||
      this.#pendingBytes >= pendingBytesMax ||
      this.#unchecked.length + this.#secondLook.size >= uncheckedSubmissionsMax ||
      this.#deps.cycle.congested
    ) {
      throw new Refusal('node.overloaded')
    }
  }

  #hold(pending: Pending): void {
    this.#pending.set(pending.statement.id, pending)
    this.#pendingKeys.set(keyOf(pending.statement), pending.statement.id)
    this.#pendingBytes += pending.item.entry.length
  }
}

/** What is settled before its receipt is signed never gets a row. */
const isJournalled = ({ receipt }: Pending): boolean => receipt.signature.length > 0

/** By signing key too: what another key of the party may use up is the ledger's to say. */
const keyOf = (statement: Statement): string => `${statement.kid}\0${statement.party}\0${statement.key}`

const signatureCheckOf = ({ signingKey, message, signature }: Statement): SignatureCheck => ({
  publicKey: signingKey,
  message,
  signature,
})

function refusalOf(error: unknown): IntakeResult {
  if (!(error instanceof Refusal)) throw error
  return { kind: 'refused', code: error.code, detail: error.message, fields: error.fields }
}

function journalRow({ item, receipt, journalNumber }: Pending): Uint8Array {
  const { attestedSize, by, epoch, signature } = receipt
  return encodeCbor([2, journalNumber, item.entry, attestedSize, by, signature, epoch])
}

function readJournalRow(row: Uint8Array, node: string, ledger: string): Pending {
  const parts = field.array(decodeCbor(row), 'journal row', 7)
  const item = batchItem(field.bytes(parts[2], 'entry'), true)
  const entry = parseEntry(item.entry)
  const statement = parseStatement(entry.statement, ledger)
  return {
    statement,
    entry,
    item,
    journalNumber: field.natural(parts[1], 'number'),
    receipt: {
      statement: statement.id,
      node,
      receivedAt: entry.receivedAt,
      attestedSize: field.natural(parts[3], 'attestedSize'),
      by: field.natural(parts[4], 'by'),
      epoch: field.natural(parts[6], 'epoch'),
      signature: field.bytes(parts[5], 'signature', 64),
    },
    durable: true,
    settlement: undefined,
    onDurable: [],
    onSettled: new Set(),
  }
}
