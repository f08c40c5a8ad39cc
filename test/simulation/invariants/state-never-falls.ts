/** "Term, commit, applied monotonic" (consensus.md section 5), and the attested size: in one process they only rise, and all that is committed is applied. */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'

const name = 'state-never-falls'

interface Seen {
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
      const { raft, ledger, attested } = process.replica
      const { block, frontier } = ledger.committed
      const now: Seen = { term: raft.term, commit: raft.commit, size: frontier.size, attested: attested?.size ?? 0 }
      const before = seen.get(process)
      seen.set(process, now)
      if (block.height !== now.commit)
        world.violated(name, `${process.member} has committed ${now.commit} and applied ${block.height}`)
      if (now.attested > now.size && !process.replica.isBehindItself)
        world.violated(name, `${process.member}: ${now.attested} attested of ${now.size} committed`)
      if (before === undefined) return
      for (const what of ['term', 'commit', 'size', 'attested'] as const) {
        if (now[what] < before[what])
          world.violated(name, `${process.member}: ${what} fell from ${before[what]} to ${now[what]}`)
      }
    },
  }
}
