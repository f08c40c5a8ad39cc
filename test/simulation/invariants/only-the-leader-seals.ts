/** Rules 6 and 7: who seals leads that term, puts the block on its own tail, and is the very process that sealed in the term before: a restarted leader never does. */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'only-the-leader-seals'

export function onlyTheLeaderSeals(world: World): Watch {
  const evidence = evidenceOf(world)
  const sealers = new Map<string, NodeProcess>()
  return {
    word(process, word) {
      const { member, replica } = process
      if (word.kind !== 'SEAL' || !evidence.isBound(member)) return
      const { role, term, tail } = replica.raft
      if (role !== 'leader' || term !== word.term || replica.epoch.number !== word.epoch)
        world.violated(name, `${member} sealed ${rankText(word)} as ${role} of term ${term}`)
      if (word.parent !== tail.id || word.height !== tail.height + 1)
        world.violated(name, `${member} sealed ${rankText(word)}, which is not on its tail ${rankText(tail)}`)
      const reign = `${member} ${word.epoch} ${word.term}`
      const sealer = sealers.get(reign)
      if (sealer !== undefined && sealer !== process)
        world.violated(
          name,
          `${member} sealed ${rankText(word)} in a term in which it had sealed before it was started again`,
        )
      sealers.set(reign, process)
    },
  }
}
