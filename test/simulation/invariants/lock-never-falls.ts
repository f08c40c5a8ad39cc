/** Rule 3: in one process and epoch the rank of the lock only rises, and one rank is one block. What a restart finds is `promises-are-found`'s. */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import { compareRanks, type Ref, rankText } from '../word.ts'
import type { World } from '../world.ts'

const name = 'lock-never-falls'

export function lockNeverFalls(world: World): Watch {
  const locks = new WeakMap<NodeProcess, { readonly epoch: number; readonly block: Ref }>()
  return {
    turned(process) {
      if (!process.isStarted) return
      const { block } = process.replica.raft.lock
      const epoch = process.replica.epoch.number
      const held = locks.get(process)
      if (held?.block === block) return
      locks.set(process, { epoch, block })
      const before = held?.epoch === epoch ? held.block : undefined
      if (before === undefined || before.id === block.id || compareRanks(block, before) > 0) return
      world.violated(
        name,
        `${process.member} had a lock on ${rankText(before)} ${before.id}, and now on ${rankText(block)} ${block.id}`,
      )
    },
  }
}
