/**
 * Election safety (Raft §5.2; rules 2 and 6; "a learner never counts"): whoever leads a term shows q VOTEs of distinct members of the
 * ledger's list for itself, honest members among them really gave theirs, and a term has one leader.
 */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'leader-is-elected'

export function leaderIsElected(world: World): Watch {
  const evidence = evidenceOf(world)
  const checked = new WeakMap<NodeProcess, number>()
  const leaders = new Map<number, string>()
  return {
    turned(process) {
      if (!process.isStarted) return
      const { member, replica } = process
      const { role, term, election } = replica.raft
      if (role !== 'leader' || checked.get(process) === term) return
      checked.set(process, term)
      const before = leaders.get(term)
      if (before !== undefined && before !== member) world.violated(name, `${before} and ${member} lead term ${term}`)
      leaders.set(term, member)
      const signed = election?.signed
      if (signed?.term !== term || signed.candidate !== member)
        return world.violated(name, `${member} leads term ${term} without its election certificate`)
      const by = new Set(election!.signatures.map((signature) => signature.member))
      const voters = [...by].filter((id) => world.machines.has(id))
      if (voters.length < world.genesis.quorum)
        world.violated(
          name,
          `${member} leads term ${term} by the votes of ${voters.join(', ') || 'nobody'} among the members`,
        )
      for (const voter of voters) {
        if (!evidence.isBound(voter) || evidence.hasVoted(voter, term, member, signed.base.id)) continue
        world.violated(name, `${member} leads term ${term} by a vote that ${voter} never gave`)
      }
    },
  }
}
