/**
 * What this node's head file says (durable-state.ts) and when it is written: watermark, lock, commit, signing register, changes of the journal —
 * as the effects so far have left them, not as the core is already: no crash finds a commit above its watermark. It also knows what of
 * that the disk had lost when the node started (protocol.md, rule 18). It lasts as long as the node, and speaks of one epoch at a time.
 */
import { assert } from '../chain/assert.ts'
import type { BlockRef } from '../chain/certificate.ts'
import { epochOf } from '../chain/execution.ts'
import { type Height, height } from '../chain/numbers.ts'
import type { LockState } from '../consensus/effect.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { encodeHeadFile, type Register } from './durable-state.ts'
import type { Ledger } from './ledger.ts'

export interface HeadKeeperDependencies {
  readonly cycle: DiskCycle
  /** What others know that the file says too; asked when it is written. */
  readonly now: () => { readonly ledger: Ledger; readonly register: Register; readonly journalChanges: number }
}

/** What the effects change. */
interface Reached {
  /** Watermark: the newest block that is on disk or in the write cycle. */
  last: BlockRef
  lock: LockState
}

export class HeadKeeper {
  readonly #deps: HeadKeeperDependencies
  /** Undefined before the first epoch has begun. */
  #reached: Reached | undefined
  /** False between the end of an epoch and the beginning of the next. */
  #isOpen = false
  #isDue = false
  /** Damage at or below the watermark; no signature until the chain holds this block again, or a committed one above it. */
  #missingUpTo: BlockRef | undefined
  /** What this node knew to be committed when it started, or the epoch did. */
  #committedBefore: Height = height(0)

  constructor(dependencies: HeadKeeperDependencies) {
    this.#deps = dependencies
  }

  /** An epoch, or a start within one. */
  begin({ last, lock, commit }: Reached & { readonly commit: Height }): void {
    this.#reached = { last, lock }
    this.#committedBefore = commit
    this.#isOpen = true
  }

  /** The head of an epoch that has ended must not come after that of the next. */
  end(): void {
    this.#isOpen = false
  }

  get last(): BlockRef {
    return this.#now.last
  }

  /** Start-up found blocks up to here damaged or gone. */
  recovering(missingUpTo: BlockRef | undefined): void {
    this.#missingUpTo = missingUpTo
  }

  get missingUpTo(): BlockRef | undefined {
    return this.#missingUpTo
  }

  recovered(): void {
    this.#missingUpTo = undefined
    this.save()
  }

  /** The disk has lost part of what this node had committed, and it is not all back yet. */
  get isBehindItself(): boolean {
    return this.#deps.now().ledger.committed.block.height < this.#committedBefore
  }

  locked(lock: LockState): void {
    this.#now.lock = lock
    this.save()
  }

  /** The block's rows stand in the write cycle before this. */
  appended(block: BlockRef): void {
    this.#now.last = block
    this.save()
  }

  /** Rule 11: the lowered watermark is durable before the rows of these keys go. */
  truncated(last: BlockRef, keys: readonly Uint8Array[]): void {
    this.#now.last = last
    this.#deps.cycle.truncate(this.#encoded(), keys)
  }

  save(): void {
    this.#isDue = false
    this.#deps.cycle.head(this.#encoded())
  }

  /** Receipts come one by one, and the head file holds only how many there were: encoded once for all of a cycle. */
  due(): void {
    this.#isDue = true
  }

  saveIfDue(): void {
    if (this.#isDue && this.#isOpen) this.save()
  }

  get #now(): Reached {
    assert(this.#reached !== undefined, 'an epoch has begun')
    return this.#reached
  }

  #encoded(): Uint8Array {
    const { last, lock } = this.#now
    const { ledger, register, journalChanges } = this.#deps.now()
    // While recovering the watermark stays where it was: another start before the blocks are back must find them missing again.
    const watermark = this.#missingUpTo ?? last
    // Nor is what was committed forgotten while it is not all here again.
    const commit = height(Math.max(ledger.committed.block.height, this.#committedBefore))
    return encodeHeadFile({
      epoch: epochOf(ledger.rules).number,
      last: watermark,
      lock,
      commit,
      register,
      journalChanges,
    })
  }
}
