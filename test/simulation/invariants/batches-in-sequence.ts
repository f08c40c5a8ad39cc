/** Rule 24: a node's batches enter the chain in sequence without gap, a later start's from 0, each naming the one before; receivedAt never decreases along a run. */
import { fromUtf8 } from '../../../src/chain/bytes.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'

const name = 'batches-in-sequence'
const noBatch = '0'.repeat(64)

interface Run {
  readonly incarnation: number
  readonly next: number
  readonly hash: string
  readonly receivedAt: string
}

export function batchesInSequence(world: World): Watch {
  /** By node: a member's next node begins anew. */
  const runs = new Map<string, Run>()
  return alongTheChain(({ block: { header, batches } }) => {
    for (const { member, incarnation, number, previous, hash, items } of batches) {
      const wrong = (what: string): void =>
        world.violated(name, `batch ${incarnation}/${number} of ${member} in block ${header.height} ${what}`)
      const node = world.epochNumbered(header.epoch)?.members.find(({ id }) => id === member)?.node.id
      if (node === undefined) return wrong('is of no member of its epoch')
      const last = runs.get(node)
      const run = last?.incarnation === incarnation ? last : { incarnation, next: 0, hash: noBatch, receivedAt: '' }
      if (last !== undefined && incarnation < last.incarnation) wrong(`comes after start ${last.incarnation}`)
      if (number !== run.next) wrong(`should be number ${run.next}`)
      if (previous !== run.hash) wrong('does not name the one before it')
      let { receivedAt } = run
      for (const { entry } of items) {
        // Of one length and in one zone, so that the texts have the order of the times.
        const read = (JSON.parse(fromUtf8(entry)) as { receivedAt: string }).receivedAt
        if (read < receivedAt) wrong(`was received at ${read}, after ${receivedAt}`)
        receivedAt = read
      }
      runs.set(node, { incarnation, next: number + 1, hash, receivedAt })
    }
  })
}
