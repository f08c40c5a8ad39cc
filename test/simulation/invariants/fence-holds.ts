/**
 * Rules 17 and 18: a start that is not newer than one which signed — on a wiped disk, or a backup from before the last start — signs nothing
 * any more; a member that kept its disk is never retired and never halts. The fence asks q − 1 others: it is only owed while those who
 * stored the earlier start and those who would store this one must have an honest member in common.
 */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'fence-holds'

export function fenceHolds(world: World): Watch {
  const evidence = evidenceOf(world)
  /** The newest start of each node that signed while its disk was its own. */
  const signedAs = new Map<string, number>()
  return {
    word({ member, node, replica }, word) {
      if (word.kind === 'OTHER') return
      const { isLiar, isLost } = world.machine(member)
      if (isLiar) return
      if (!isLost) return void signedAs.set(node, replica.incarnation)
      const { quorum, members } = replica.epoch
      const isFenced = evidence.faultyBeside(member) < 2 * quorum - members.length - 1
      if (isFenced && replica.incarnation <= (signedAs.get(node) ?? 0))
        world.violated(name, `${member} lost its disk and signed ${word.kind} as ${replica.incarnation} again`)
    },
    turned({ isStarted, member, replica }) {
      // Neither is ever taken back, so that it need not be asked for at every event.
      if (world.events % 8 !== 0 || !isStarted || !evidence.isBound(member)) return
      // Rows that vanish beneath a running node lead it to other roots: it stops signing, and its next start counts and makes them again.
      if (world.machine(member).isDamaged) return
      for (const code of replica.hindrances) {
        if (code === 'node.retired' || code === 'node.halted') world.violated(name, `${member} is ${code}`)
      }
    },
  }
}
