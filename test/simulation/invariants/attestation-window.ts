/**
 * Rule 16: no block adds records while W blocks that did so stand since the newest attestation that the chain carries; what is carried is a head of
 * the chain; and inside a term nothing goes on over 256 blocks of which the chain itself proves none.
 */
import { unprovenBlocksMax } from '../../../src/chain/execution.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'

const name = 'attestation-window'

export function attestationWindow(world: World): Watch {
  let open: { height: number; size: number; root: string }[] = []
  const last = { term: 0, proven: 0 }
  return alongTheChain(({ block: { header, carried }, execution: { leaves } }) => {
    const { attestation, base, refounding } = carried
    const isLocked = base?.signed.kind === 'lock'
    if (header.term === last.term && header.height - 1 - last.proven >= unprovenBlocksMax && !isLocked)
      world.violated(name, `block ${header.height} carries no LOCK certificate, and ${last.proven} is the last proven`)
    const attested = open.find(({ size }) => size === attestation?.size)?.height ?? 0
    const parent = isLocked || refounding !== undefined ? header.height - 1 : 0
    Object.assign(last, { term: header.term, proven: Math.max(last.proven, attested, parent) })
    if (attestation !== undefined) {
      if (!open.some(({ size, root }) => size === attestation.size && root === attestation.root))
        world.violated(
          name,
          `block ${header.height} carries an attestation of ${attestation.size}, which waits for none`,
        )
      open = open.filter(({ size }) => size > attestation.size)
    }
    if (leaves.length === 0) return
    open.push({ height: header.height, size: header.size, root: header.root })
    const max = world.genesis.parameters.unattestedBlocksMax
    if (open.length > max)
      world.violated(
        name,
        `block ${header.height} is the ${open.length}th with records since an attestation, of at most ${max}`,
      )
  })
}
