/**
 * Rule 17: a start has a higher incarnation than every one before it, on its disk before its peers hear of it; and no key signs anything —
 * receipts and batches included — until q − 1 other members have it on theirs.
 */
import { decodeCbor, field } from '../../../src/chain/cbor.ts'
import { metaKey } from '../../../src/node/block-store.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'silent-until-stored'

export function silentUntilStored(world: World): Watch {
  const evidence = evidenceOf(world)
  const incarnations = new Map<MemberId, number>()
  const storedBy = new Map<string, Set<MemberId>>()
  const open = new WeakSet<NodeProcess>()

  const storers = (member: MemberId, incarnation: number): number => {
    const by = storedBy.get(`${member} ${incarnation}`)
    let count = 0
    for (const id of world.machines.keys()) {
      if (id !== member && (!evidence.isBound(id) || by?.has(id) === true)) count++
    }
    return count
  }

  return {
    started({ member, medium, replica: { incarnation } }) {
      const before = incarnations.get(member) ?? 0
      if (incarnation <= before) world.violated(name, `${member} starts as ${incarnation}, and was ${before}`)
      incarnations.set(member, incarnation)
      const onDisk = evidence.voteFile(medium)?.incarnation
      if (onDisk !== incarnation)
        world.violated(name, `${member} starts as ${incarnation}, and its disk says ${onDisk}`)
    },
    sent({ member, medium }, to, message) {
      if (message.kind !== 'hello-stored') return
      const { incarnation } = message
      // What a fault took from the disk afterwards was stored all the same.
      if (!world.machine(member).isDamaged) {
        // What is held of a member is held by its node's id.
        const node = world.genesis.members.find(({ id }) => id === to)!.node.id
        const row = medium.get(metaKey(`peer/${node}`))
        const held = row === undefined ? 0 : field.array(decodeCbor(row), 'peer row')[1]
        if (typeof held !== 'number' || held < incarnation) {
          world.violated(name, `${member} told ${to} that it stored ${incarnation}, and its disk says ${held}`)
        }
      }
      const by = storedBy.get(`${to} ${incarnation}`)
      if (by === undefined) storedBy.set(`${to} ${incarnation}`, new Set([member]))
      else by.add(member)
    },
    word(process, word) {
      const { member, replica } = process
      if (word.kind === 'OTHER' || open.has(process) || !evidence.isBound(member)) return
      const count = storers(member, replica.incarnation)
      if (count < world.genesis.quorum - 1)
        world.violated(
          name,
          `${member} signed ${word.kind} as ${replica.incarnation}, which ${count} others have stored`,
        )
      open.add(process)
    },
  }
}
