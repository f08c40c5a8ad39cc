/**
 * Leader completeness (Raft §5.4.3; "EC and CC share an honest voter", protocol.md): whoever becomes leader holds every block of a lower term
 * that was committed anywhere before.
 */
import type { Height } from '../../../src/chain/numbers.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'

const name = 'leader-is-complete'

export function leaderIsComplete(world: World): Watch {
  const checked = new WeakMap<NodeProcess, string>()
  /** The highest committed block of each term, epochs and terms ascending: an epoch may use terms that the one before it used above its end. */
  const tops: { epoch: number; term: number; height: Height; id: string }[] = []
  return {
    ...alongTheChain(({ block: { id, header } }) => {
      if (tops.at(-1)?.term === header.term && tops.at(-1)?.epoch === header.epoch) tops.pop()
      tops.push({ epoch: header.epoch, term: header.term, height: header.height, id })
    }),
    turned(process) {
      if (!process.isStarted) return
      const { raft, epoch } = process.replica
      const reign = `${epoch.number} ${raft.term}`
      if (raft.role !== 'leader' || checked.get(process) === reign) return
      checked.set(process, reign)
      const top = tops.findLast((at) => at.epoch < epoch.number || (at.epoch === epoch.number && at.term < raft.term))
      if (top === undefined || raft.commit >= top.height || raft.has(top)) return
      world.violated(
        name,
        `${process.member} leads term ${raft.term} without block ${top.height} of term ${top.term}, which is committed`,
      )
    },
  }
}
