/** Rules 9 and 10: a block's time is never before its parent's, and an honest leader gives it its own clock's, or the parent's if that is later. */
import { wallNow } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'
import { evidenceOf } from './evidence.ts'

const name = 'block-time'

export function blockTime(world: World): Watch {
  const evidence = evidenceOf(world)
  let last = 0
  return {
    ...alongTheChain(({ block: { header } }) => {
      if (header.time < last) world.violated(name, `block ${header.height} has time ${header.time}, its parent ${last}`)
      last = header.time
    }),
    word({ member, replica }, word) {
      if (word.kind !== 'SEAL' || !evidence.isBound(member)) return
      const parentTime = replica.ledger.point(word.parent)?.time ?? 0
      const clock = wallNow(world.machine(member).conditions, world.clock.monotonic())
      if (word.time !== Math.max(clock, parentTime))
        world.violated(
          name,
          `${member} sealed ${rankText(word)} with time ${word.time}; its clock says ${clock}, the parent ${parentTime}`,
        )
    },
  }
}
