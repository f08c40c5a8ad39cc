/** For what is true of the chain itself: each committed block once, in order, when anybody commits it first. That all commit the same is `one-block-per-height`'s to say. */
import type { Executed } from '../../../src/node/ledger.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { Watch } from '../watch.ts'

export function alongTheChain(visit: (executed: Executed, by: MemberId) => void): Required<Pick<Watch, 'committed'>> {
  let height = 0
  return {
    committed({ member }, executed) {
      if (executed.block.header.height <= height) return
      height = executed.block.header.height
      visit(executed, member)
    },
  }
}
