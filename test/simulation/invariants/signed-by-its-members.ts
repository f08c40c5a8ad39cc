/**
 * Rules 1, 2 and 20: in an epoch only the nodes of its list say anything that counts, and cosign only its sizes. A learner, a node that was
 * removed or one in whose place another is listed signs nothing; leaders and batches of committed blocks are of the list of their epoch.
 */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'
import { evidenceOf } from './evidence.ts'

const name = 'signed-by-its-members'

export function signedByItsMembers(world: World): Watch {
  const evidence = evidenceOf(world)
  return {
    word({ member, node }, word) {
      if (word.kind === 'OTHER' || !evidence.isBound(member)) return
      const epoch = word.kind === 'COSIGN' ? evidence.epochOfSize(word.size) : world.epochNumbered(word.epoch)
      if (epoch?.members.some((listed) => listed.id === member && listed.node.id === node) === true) return
      const where = word.kind === 'COSIGN' ? `size ${word.size}` : `epoch ${word.epoch}`
      world.violated(name, `${member} signed ${word.kind} of ${where} as node ${node}, which is not in its list`)
    },
    ...alongTheChain(({ block: { header, batches } }) => {
      const { epoch, height, leader } = header
      const listed = world.epochNumbered(epoch)?.members.map(({ id }) => id) ?? []
      for (const id of [leader, ...batches.map(({ member }) => member)])
        if (!listed.includes(id))
          world.violated(name, `block ${height} of epoch ${epoch} is by ${id}, who is no member`)
    }),
  }
}
