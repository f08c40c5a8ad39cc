/**
 * Election safety (Raft §5.2; rules 2 and 6; "a learner never counts"): whoever leads a term shows q VOTEs of distinct members of the
 * epoch's list for itself, honest members among them really gave theirs, and a term has one leader.
 */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'leader-is-elected'

export function leaderIsElected(world: World): Watch {
  const evidence = evidenceOf(world)
  const checked = new WeakMap<NodeProcess, string>()
  const leaders = new Map<string, string>()
  return {
    turned(process) {
      if (!process.isStarted) return
      const { member, replica } = process
      const { role, term, election } = replica.raft
      const { number } = replica.epoch
      const reign = `${number} ${term}`
      if (role !== 'leader' || checked.get(process) === reign) return
      checked.set(process, reign)
      const before = leaders.get(reign)
      if (before !== undefined && before !== member) world.violated(name, `${before} and ${member} lead term ${term}`)
      leaders.set(reign, member)
      const signed = election?.signed
      if (signed?.term !== term || signed.candidate !== member)
        return world.violated(name, `${member} leads term ${term} without its election certificate`)
      const by = new Set(election!.signatures.map((signature) => signature.member))
      const epoch = world.epochNumbered(number)
      const voters = [...by].filter((id) => epoch?.members.some((member) => member.id === id))
      if (epoch === undefined || voters.length < epoch.quorum)
        world.violated(
          name,
          `${member} leads term ${term} by the votes of ${voters.join(', ') || 'nobody'} among the members`,
        )
      for (const voter of voters) {
        if (!evidence.isBound(voter) || evidence.hasVoted(voter, number, term, member, signed.base.id)) continue
        world.violated(name, `${member} leads term ${term} by a vote that ${voter} never gave`)
      }
    },
  }
}
