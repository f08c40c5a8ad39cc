/** Rule 20: a node id or node key that was ever in a list is never in another node's hands, and never back once its node was replaced or removed. */
import type { Epoch } from '../../../src/chain/epoch.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'

const name = 'ids-never-return'

export function idsNeverReturn(world: World): Watch {
  /** By id or key: the member and node that it belongs to, and the last epoch that listed it. */
  const owners = new Map<string, { readonly owner: string; readonly epoch: number }>()

  const enter = ({ number, members }: Epoch): void => {
    for (const { id, node } of members) {
      const owner = `${id} ${node.id}`
      for (const value of [node.id, node.network, node.log, node.cosign, node.seal]) {
        const held = owners.get(value)
        if (held !== undefined && (held.owner !== owner || (held.epoch !== number - 1 && held.epoch !== number)))
          world.violated(
            name,
            `${value} of ${owner} in epoch ${number} was in the list of epoch ${held.epoch} as ${held.owner}`,
          )
        owners.set(value, { owner, epoch: number })
      }
    }
  }

  enter(world.epoch)
  return alongTheChain(({ point: { next } }) => {
    if (next !== undefined) enter(next)
  })
}
