/**
 * The part of the chain that is still in play: from a little below the committed block to the tail. Log matching is a hash check:
 * every block names its parent, so two chains that agree on a block agree on all before it.
 */
import { assert } from '../chain/assert.ts'
import type { BlockRef } from '../chain/certificate.ts'
import type { Height } from '../chain/numbers.ts'
import type { BlockMeta } from './message.ts'

/** How many committed blocks stay in memory, so that a follower that is a little behind is served without a fetch. */
const committedKept = 1024

export class Log {
  #blocks: BlockMeta[]
  #commit: Height

  /** `blocks`: consecutive, from any committed block up to the tail; `commit` is the height of one of them. */
  constructor(blocks: readonly BlockMeta[], commit: Height) {
    assert(blocks.length > 0, 'a log begins with a committed block')
    this.#blocks = [...blocks]
    this.#commit = commit
    for (let i = 1; i < blocks.length; i++) assertLinked(blocks[i - 1]!, blocks[i]!)
    assert(this.at(commit) !== undefined, 'the committed block is in the log')
  }

  get tail(): BlockMeta {
    return this.#blocks[this.#blocks.length - 1]!
  }

  get commit(): Height {
    return this.#commit
  }

  get committed(): BlockMeta {
    return this.at(this.#commit)!
  }

  at(height: Height): BlockMeta | undefined {
    return this.#blocks[height - this.#blocks[0]!.height]
  }

  has(ref: { readonly height: Height; readonly id: string }): boolean {
    return this.at(ref.height)?.id === ref.id
  }

  append(block: BlockMeta): void {
    assertLinked(this.tail, block)
    this.#blocks.push(block)
  }

  /** Drops what stands above `height`; what is committed is never dropped. */
  truncate(above: Height): void {
    assert(above >= this.#commit, `truncating to ${above} below the committed block ${this.#commit}`)
    this.#blocks.length = above - this.#blocks[0]!.height + 1
  }

  commitTo(height: Height): void {
    assert(height >= this.#commit && height <= this.tail.height, 'a commit is monotonic and never past what is held')
    this.#commit = height
    const surplus = height - this.#blocks[0]!.height - committedKept
    // Dropping in large steps keeps the cost per block constant.
    if (surplus > committedKept) this.#blocks.splice(0, surplus)
  }

  /** Encoded length of the blocks first..last, as far as they are in memory. */
  bytesBetween(first: Height, last: Height): number {
    let bytes = 0
    for (let h = first; h <= last; h++) bytes += this.at(h as Height)?.bytes ?? 0
    return bytes
  }
}

export const refOf = (block: BlockMeta): BlockRef => ({ term: block.term, height: block.height, id: block.id })

export const isSameBlock = (a: BlockRef, b: BlockRef): boolean =>
  a.id === b.id && a.height === b.height && a.term === b.term

function assertLinked(parent: BlockMeta, block: BlockMeta): void {
  assert(
    block.height === parent.height + 1 && block.parent === parent.id,
    `block ${block.height} does not extend ${parent.height}`,
  )
}
