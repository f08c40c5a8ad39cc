/** The claim, in one term of an epoch (rule 8): no two blocks of one (term, height) are ever certified. */
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'
import { Once } from './word-rule.ts'

const name = 'one-certified-per-rank'

export function oneCertifiedPerRank(world: World): Watch {
  const evidence = evidenceOf(world)
  const certified = new Once()
  return {
    word(_process, word) {
      if (word.kind !== 'ACK') return
      const { block } = word
      if (
        evidence.isAcknowledged(block.id, word.epoch) &&
        !certified.isSame(`${word.epoch} ${rankText(block)}`, block.id)
      )
        world.violated(name, `two certified blocks at ${rankText(block)}`)
    },
  }
}
