/** No word before its fsync (rule 5, consensus.md section 3): when a VOTE is signed the vote slot holds it, or a higher term, in which it can never be contradicted. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'vote-is-on-disk'

export function voteIsOnDisk(world: World): Watch {
  const evidence = evidenceOf(world)
  return {
    word({ member, medium }, word) {
      if (word.kind !== 'VOTE' || !evidence.isBound(member)) return
      const file = evidence.voteFile(medium)
      // What the file of a later epoch says binds nobody in an earlier one.
      const held = file?.epoch === word.epoch ? file.vote : undefined
      if (held !== undefined && held.term > word.term) return
      if (held?.term === word.term && held.candidate === word.candidate && held.base?.id === word.base.id) return
      const onDisk = held === undefined ? 'nothing' : `term ${held.term} for ${held.candidate}`
      world.violated(
        name,
        `${member} signed VOTE in term ${word.term} for ${word.candidate}, and its disk says ${onDisk}`,
      )
    },
  }
}
