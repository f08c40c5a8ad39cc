/** No word before its fsync (rule 8; Jepsen NATS 2.12.1, etcd #14143): when an ACK is signed the block is on the disk, at or below the watermark. */
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'ack-is-on-disk'

export function ackIsOnDisk(world: World): Watch {
  const evidence = evidenceOf(world)
  return {
    word({ member, medium }, word) {
      if (word.kind !== 'ACK' || !evidence.isBound(member)) return
      const { block } = word
      const last = evidence.headFile(medium)?.last
      if (last === undefined || last.height < block.height || (last.height === block.height && last.id !== block.id))
        return world.violated(name, `${member} signed ACK of ${rankText(block)}, and its watermark is ${last?.height}`)
      // What a fault changed since is not what was promised.
      if (evidence.blockOn(medium, block.height)?.id !== block.id && !world.machine(member).isDamaged)
        world.violated(name, `${member} signed ACK of ${rankText(block)}, and the block is not on its disk`)
    },
  }
}
