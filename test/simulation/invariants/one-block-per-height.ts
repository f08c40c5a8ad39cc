/** State-machine safety (Raft §5.4.3; the claim of protocol.md): one block is committed at a height, for ever, by all members and all their starts. */
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'

const name = 'one-block-per-height'

export function oneBlockPerHeight(world: World): Watch {
  const ids = new Map<number, string>()
  const check = ({ member }: NodeProcess, height: number, id: string): void => {
    const held = ids.get(height)
    if (held === undefined) ids.set(height, id)
    else if (held !== id)
      world.violated(name, `${member} committed another block ${height}: ${id}, and before it was ${held}`)
  }
  return {
    started(process) {
      const { block } = process.replica.ledger.committed
      check(process, block.height, block.id)
    },
    committed(process, { block }) {
      check(process, block.header.height, block.id)
    },
  }
}
