/**
 * Rules 2 and 16, and the claim: what a process calls attested it has committed, q distinct members of its epoch cosigned it — those that are honest
 * really did — and no size is ever attested with two roots.
 */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'
import { Once } from './word-rule.ts'

const name = 'attested-is-cosigned'

export function attestedIsCosigned(world: World): Watch {
  const evidence = evidenceOf(world)
  const roots = new Once()
  return {
    attested({ member, replica }, { size, root, cosignatures }) {
      if (!roots.isSame(String(size), root))
        world.violated(name, `${member} has another attested root for size ${size}`)
      // Who lost rows and fetches them again answers nothing meanwhile.
      const isCommitted = replica.ledger.committed.frontier.size >= size || replica.isBehindItself
      if (!isCommitted || evidence.headOf(size)?.root !== root)
        world.violated(name, `${member} calls size ${size} attested, which it has not committed`)
      const by = new Set(cosignatures.map((cosignature) => cosignature.member))
      const epoch = evidence.epochOfSize(size)
      if (by.size !== epoch.quorum || by.size !== cosignatures.length)
        world.violated(name, `${member} took ${by.size} members' cosignatures for a certificate of size ${size}`)
      for (const id of by) {
        if (
          epoch.members.some((listed) => listed.id === id) &&
          (!evidence.isBound(id) || evidence.hasCosigned(id, size, root))
        )
          continue
        world.violated(name, `${member} counts a cosignature of ${id} for size ${size}, which that member never gave`)
      }
    },
  }
}
