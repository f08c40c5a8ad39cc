/** Rules 8, 9 and 30: no honest key acknowledges or locks a block that is invalid by its bytes alone. The liar that made it has told the world (`World.invalid`). */
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'nothing-invalid-is-signed'

export function nothingInvalidIsSigned(world: World): Watch {
  const evidence = evidenceOf(world)
  return {
    word({ member }, word) {
      if (word.kind !== 'ACK' && word.kind !== 'LOCK') return
      const reason = world.invalid.get(word.block.id)
      if (reason !== undefined && evidence.isBound(member))
        world.violated(name, `${member} signed ${word.kind} of ${rankText(word.block)}, which is invalid: ${reason}`)
    },
  }
}
