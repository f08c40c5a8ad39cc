/** No word before its fsync (rules 3 and 13): when a LOCK is signed the head slot holds that lock, or one ranked higher. */
import type { Watch } from '../watch.ts'
import { compareRanks, rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'lock-is-on-disk'

export function lockIsOnDisk(world: World): Watch {
  const evidence = evidenceOf(world)
  return {
    word({ member, medium }, word) {
      if (word.kind !== 'LOCK' || !evidence.isBound(member)) return
      const held = evidence.headFile(medium)?.lock.block
      if (held !== undefined && (compareRanks(held, word.block) > 0 || held.id === word.block.id)) return
      const onDisk = held === undefined ? 'nothing' : rankText(held)
      world.violated(name, `${member} signed LOCK of ${rankText(word.block)}, and its disk says ${onDisk}`)
    },
  }
}
