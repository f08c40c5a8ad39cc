/**
 * "Committed is durable on a quorum" (consensus.md section 5; rules 8, 13, 14): when a height is committed for the first time anywhere, a
 * quorum's disks have that very block at or below their watermark. Liars count as having it; who has lost or damaged its disk since, if it had.
 */
import type { MemberId } from '../../../src/node/ports.ts'
import type { Watch } from '../watch.ts'
import type { Machine, World } from '../world.ts'
import { evidenceOf, isBlockKey } from './evidence.ts'

const name = 'committed-is-durable'

export function committedIsDurable(world: World): Watch {
  const evidence = evidenceOf(world)
  const writtenBy = new Map<string, Set<MemberId>>()
  let highest = 0
  const holds = (id: string, height: number, member: MemberId, machine: Machine): boolean => {
    if (machine.isLiar) return true
    if ((machine.isLost || machine.isDamaged) && writtenBy.get(id)?.has(member) === true) return true
    const watermark = evidence.headFile(machine.medium)?.last.height ?? 0
    return watermark >= height && evidence.blockOn(machine.medium, height)?.id === id
  }
  return {
    wrote({ member }, { rows = [] }) {
      for (const { key, value } of rows) {
        const id = isBlockKey(key) ? evidence.blockIn(value)?.id : undefined
        if (id === undefined) continue
        const by = writtenBy.get(id)
        if (by === undefined) writtenBy.set(id, new Set([member]))
        else by.add(member)
      }
    },
    committed(process, { block: { id, header } }) {
      const { height } = header
      if (height <= highest) return
      highest = height
      const holders = [...world.machines].filter(([member, machine]) => holds(id, height, member, machine))
      if (holders.length >= world.genesis.quorum) return
      const names = holders.map(([member]) => member).join(', ')
      world.violated(
        name,
        `${process.member} committed block ${height}, which is on the disks of ${names || 'nobody'} only`,
      )
    },
  }
}
