/** No word before its fsync (rule 15): when a checkpoint is cosigned the signing register on the disk holds it, or a larger one. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'cosign-is-on-disk'

export function cosignIsOnDisk(world: World): Watch {
  const evidence = evidenceOf(world)
  return {
    word({ member, medium }, word) {
      if (word.kind !== 'COSIGN' || !evidence.isBound(member)) return
      const held = evidence.headFile(medium)?.register
      if (held !== undefined && (held.size > word.size || (held.size === word.size && held.root === word.root))) return
      world.violated(name, `${member} cosigned size ${word.size}, and the register on its disk is at ${held?.size}`)
    },
  }
}
