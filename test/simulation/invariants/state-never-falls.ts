/**
 * "Term, commit, applied monotonic" (consensus.md section 5), and the attested size: in one process they only rise, and all that is committed is
 * applied, but for what only serves to commit the end of an epoch. The next epoch begins at that end, in its term (rule 19).
 */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'

const name = 'state-never-falls'

interface Seen {
  epoch: number
  term: number
  commit: number
  size: number
  attested: number
}

export function stateNeverFalls(world: World): Watch {
  const seen = new WeakMap<NodeProcess, Seen>()
  return {
    turned(process) {
      if (!process.isStarted) return
      const { raft, ledger, attested, epoch } = process.replica
      const { block, frontier } = ledger.committed
      const now: Seen = {
        epoch: epoch.number,
        term: raft.term,
        commit: raft.commit,
        size: frontier.size,
        attested: attested?.size ?? 0,
      }
      const before = seen.get(process)
      seen.set(process, now)
      if (block.height !== now.commit && !(ledger.committed.next !== undefined && block.height < now.commit))
        world.violated(name, `${process.member} has committed ${now.commit} and applied ${block.height}`)
      if (now.attested > now.size && !process.replica.isBehindItself)
        world.violated(name, `${process.member}: ${now.attested} attested of ${now.size} committed`)
      if (before === undefined) return
      const lasting = ['epoch', 'size', 'attested'] as const
      const whats = now.epoch > before.epoch ? lasting : (['term', 'commit', ...lasting] as const)
      for (const what of whats) {
        if (now[what] < before[what])
          world.violated(name, `${process.member}: ${what} fell from ${before[what]} to ${now[what]}`)
      }
    },
  }
}
