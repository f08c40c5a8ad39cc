/**
 * Rules 2, 14 and 16: what a process commits, up to the last block of an event, stands on q LOCKs of distinct members for that last block
 * or on q cosignatures of its head; the block that closed an epoch also on those for an empty one above it. A leader's word, a quorum of ACKs or a hint is not enough.
 */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { Ref } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'committed-is-proven'

export function committedIsProven(world: World): Watch {
  const evidence = evidenceOf(world)
  const last = new Map<NodeProcess, Ref & { size: number; root: string; isClosing: boolean }>()
  return {
    committed(process, { block: { id, header }, point: { next } }) {
      const { term, height, size, root } = header
      last.set(process, { id, term, height, size, root, isClosing: next !== undefined })
    },
    turned(process) {
      if (last.size === 0) return
      const block = last.get(process)
      if (block === undefined) return
      last.delete(process)
      if (evidence.isLocked(block.id) || evidence.isAttested(block.size, block.root)) return
      if (block.isClosing && evidence.isClosedFromAbove(block)) return
      world.violated(
        name,
        `${process.member} committed block ${block.height} without a quorum of LOCKs or cosignatures`,
      )
    },
  }
}
