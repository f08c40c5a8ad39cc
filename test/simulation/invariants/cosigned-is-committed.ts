/**
 * Rule 15, "never sign before commit": a cosigned tree is the head of a block that this process has committed, and one of the blocks with
 * that head has a certificate of its own — members that each pick their own sizes never meet. What closes an epoch is cosigned by everybody.
 */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'cosigned-is-committed'

export function cosignedIsCommitted(world: World): Watch {
  const evidence = evidenceOf(world)
  return {
    word({ member, replica }, word) {
      if (word.kind !== 'COSIGN' || !evidence.isBound(member)) return
      const { size, root } = word
      const head = evidence.headOf(size)
      if (head === undefined || head.root !== root)
        return world.violated(name, `${member} cosigned size ${size}, which is no committed head`)
      // Who lost rows and fetches them again had committed what its register says, and may say so again (decision 0005).
      if (replica.ledger.committed.frontier.size < size && !replica.isBehindItself)
        return world.violated(name, `${member} cosigned size ${size} before it committed it`)
      // The genesis needs no certificate; the block that closed an epoch may have none but that of an empty block above it.
      const isCertified = head.blocks.some(({ id, height }) => height === 0 || evidence.isCertified(id))
      const isClosed = (): boolean => head.blocks.some((block) => evidence.isClosedFromAbove(block))
      if (
        !isCertified &&
        !evidence.isAttested(size, root) &&
        !(evidence.epochOfSize(size) !== world.epoch && isClosed())
      )
        world.violated(name, `${member} cosigned size ${size}, and no block with that head was certified`)
    },
  }
}
