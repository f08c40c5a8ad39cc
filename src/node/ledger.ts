/**
 * The chain as this node holds it: the committed point, which is on disk, and above it every block that was executed but is not
 * committed — on my chain or beside it — each with the state it leads to. Executing on any of them is possible, because overlays only point
 * down; committing folds the lowest into the store; dropping forgets.
 */
import { assert } from '../chain/assert.ts'
import { type Block, refOfBlock } from '../chain/block.ts'
import type { Epoch } from '../chain/epoch.ts'
import {
  type ChainPoint,
  type ChainRules,
  type Execution,
  execute,
  InvalidBlock,
  type ItemReader,
  refoundedAfter,
} from '../chain/execution.ts'
import type { Height } from '../chain/numbers.ts'
import type { BlockMeta } from '../consensus/message.ts'
import type { BlockStore } from './block-store.ts'

/** A block that was executed, and what came of it. */
export interface Executed {
  readonly block: Block
  readonly execution: Execution
  readonly point: ChainPoint
}

export interface LedgerDependencies {
  readonly store: BlockStore
  readonly read: ItemReader
}

export class Ledger {
  readonly rules: ChainRules
  readonly #store: BlockStore
  readonly #read: ItemReader
  readonly #above = new Map<string, Executed>()
  readonly #refounded: Epoch | undefined
  #committed: ChainPoint

  /** @throws {Refusal} when a certificate of a re-founding after this epoch is held that does not hold */
  constructor(rules: ChainRules, committed: ChainPoint, dependencies: LedgerDependencies) {
    this.rules = rules
    this.#refounded = refoundedAfter(rules)
    this.#committed = this.#asEnd(committed)
    this.#store = dependencies.store
    this.#read = dependencies.read
  }

  get committed(): ChainPoint {
    return this.#committed
  }

  /** The epoch with which governance goes on from a block of this one (rule 22), if that was shown here. */
  get refounded(): Epoch | undefined {
    return this.#refounded
  }

  /** Where governance goes on from, this epoch ends, whatever its own blocks say. */
  #asEnd(point: ChainPoint): ChainPoint {
    return point.block.id === this.#refounded?.start.block.id ? { ...point, next: this.#refounded } : point
  }

  /** The state after this block, if it is committed last or was executed since. */
  point(id: string): ChainPoint | undefined {
    return id === this.#committed.block.id ? this.#committed : this.#above.get(id)?.point
  }

  executed(id: string): Executed | undefined {
    return this.#above.get(id)
  }

  /**
   * Runs a block on its parent and compares with what its header claims. The result is kept until it is committed or dropped.
   * @throws {InvalidBlock} also when the parent is not known here
   */
  check(block: Block): Executed {
    const held = this.#above.get(block.id)
    if (held !== undefined) return held
    const { header } = block
    const parent = this.point(header.parent)
    if (parent === undefined) throw new InvalidBlock('block.unknown-parent', header.parent)
    if (header.epoch !== this.rules.context.epoch) throw new InvalidBlock('block.wrong-epoch', String(header.epoch))
    if (header.height !== parent.block.height + 1) throw new InvalidBlock('block.wrong-height', String(header.height))
    const { term, time, leader } = header
    const proposal = { term, time, leader, carried: block.carried, batches: block.batches }
    const execution = execute(parent, proposal, this.rules, this.#read)
    if (execution.header.size !== header.size) throw new InvalidBlock('block.wrong-size', String(header.size))
    if (execution.header.root !== header.root) throw new InvalidBlock('block.wrong-root', header.root)
    return this.keep(block, execution)
  }

  /** What this node executed itself when it sealed the block. */
  keep(block: Block, execution: Execution): Executed {
    const executed = { block, execution, point: { ...execution.point, block: refOfBlock(block) } }
    this.#above.set(block.id, executed)
    return executed
  }

  /** Folds the next block of the chain into the store and moves the committed point onto it. */
  commit(id: string): Executed {
    const executed = this.#above.get(id)
    assert(executed !== undefined, 'a committed block was executed here')
    const { block, execution, point } = executed
    assert(block.header.parent === this.#committed.block.id, 'blocks are committed in order')
    this.#store.fold(point.block, block.bytes, execution)
    execution.fold(this.#store.state)
    this.#committed = this.#asEnd({ ...point, state: this.#store.state })
    this.#above.delete(id)
    for (const [other, { block: held }] of this.#above) {
      if (held.header.height <= block.header.height) this.#above.delete(other)
    }
    return executed
  }

  /** Forgets a block that was executed and then not taken. */
  forget(id: string): void {
    this.#above.delete(id)
  }

  /** Forgets what was executed above this height, but for blocks whose id is in `keep`. */
  dropAbove(height: Height, keep: (id: string) => boolean): void {
    for (const [id, { block }] of this.#above) {
      if (block.header.height > height && !keep(id)) this.#above.delete(id)
    }
  }
}

export const metaOf = (block: Block): BlockMeta => ({
  ...refOfBlock(block),
  parent: block.header.parent,
  bytes: block.bytes.length,
})
