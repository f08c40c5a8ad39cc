/**
 * Rule 15, "equal size: nothing": one process cosigns sizes in ascending order, each once. Only a start, and a repair that is over, may say
 * the newest again. What the same key said in other starts is `one-root-per-size`'s.
 */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'cosigned-once'

export function cosignedOnce(world: World): Watch {
  const evidence = evidenceOf(world)
  const sizes = new WeakMap<NodeProcess, number>()
  return {
    word(process, word) {
      const { member } = process
      if (word.kind !== 'COSIGN' || !evidence.isBound(member)) return
      const before = sizes.get(process) ?? 0
      if (word.size <= before && !world.machine(member).isDamaged)
        world.violated(name, `${member} cosigned size ${word.size}, and before ${before}`)
      sizes.set(process, word.size)
    },
  }
}
