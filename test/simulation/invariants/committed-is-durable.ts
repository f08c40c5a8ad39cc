/**
 * "Committed is durable on a quorum" (consensus.md section 5; rules 8, 13, 14): when a height is committed for the first time anywhere, a
 * quorum's disks have that very block at or below their watermark. Liars count as having it, and who signs with a disk that is not its last; who has
 * lost or damaged its disk since, if it had.
 */
import type { Watch } from '../watch.ts'
import type { Machine, World } from '../world.ts'
import { blocksIn, evidenceOf } from './evidence.ts'

const name = 'committed-is-durable'

export function committedIsDurable(world: World): Watch {
  const evidence = evidenceOf(world)
  /** Nodes. */
  const writtenBy = new Map<string, Set<string>>()
  let highest = 0
  const holds = (id: string, height: number, node: string, machine: Machine): boolean => {
    if (machine.isLiar || evidence.isRevenant(node)) return true
    const isGone = machine.isLost || machine.isDamaged || machine.founded.member.node.id !== node
    if (isGone && writtenBy.get(id)?.has(node) === true) return true
    const watermark = evidence.headFile(machine.medium)?.last.height ?? 0
    return watermark >= height && evidence.blockOn(machine.medium, height)?.id === id
  }
  return {
    wrote({ node }, { rows = [] }) {
      for (const { bytes } of blocksIn(rows)) {
        const id = evidence.blockIn(bytes)?.id
        if (id === undefined) continue
        const by = writtenBy.get(id)
        if (by === undefined) writtenBy.set(id, new Set([node]))
        else by.add(node)
      }
    },
    committed(process, { block: { id, header } }) {
      const { height } = header
      if (height <= highest) return
      highest = height
      const { members, quorum } = world.epochNumbered(header.epoch)!
      const holders = members.filter((member) => holds(id, height, member.node.id, world.machine(member.id)))
      if (holders.length >= quorum) return
      const names = holders.map((member) => member.id).join(', ')
      world.violated(
        name,
        `${process.member} committed block ${height}, which is on the disks of ${names || 'nobody'} only`,
      )
    },
  }
}
