/** Rule 16: no block adds records while W blocks that did so stand since the newest attestation that the chain carries; and what is carried is a head of the chain. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'

const name = 'attestation-window'

export function attestationWindow(world: World): Watch {
  let open: { size: number; root: string }[] = []
  return alongTheChain(({ block: { header, carried }, execution: { leaves } }) => {
    const { attestation } = carried
    if (attestation !== undefined) {
      if (!open.some(({ size, root }) => size === attestation.size && root === attestation.root))
        world.violated(
          name,
          `block ${header.height} carries an attestation of ${attestation.size}, which waits for none`,
        )
      open = open.filter(({ size }) => size > attestation.size)
    }
    if (leaves.length === 0) return
    open.push({ size: header.size, root: header.root })
    const max = world.genesis.parameters.unattestedBlocksMax
    if (open.length > max)
      world.violated(
        name,
        `block ${header.height} is the ${open.length}th with records since an attestation, of at most ${max}`,
      )
  })
}
