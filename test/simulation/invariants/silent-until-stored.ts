/**
 * Rule 17: a start has a higher incarnation than every one before it, on its disk before its peers hear of it; and no key signs anything —
 * receipts and batches included — until q − 1 other members have it on theirs.
 */
import { decodeCbor, field } from '../../../src/chain/cbor.ts'
import type { Epoch } from '../../../src/chain/epoch.ts'
import type { MemoryMedium } from '../../../src/node/memory-disk.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import { metaKey } from '../../../src/node/store-rows.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'silent-until-stored'

export function silentUntilStored(world: World): Watch {
  const evidence = evidenceOf(world)
  /** By node, like all that is held here. */
  const incarnations = new Map<string, number>()
  const storedBy = new Map<string, Set<MemberId>>()
  /** The epoch in which a process was found to be stored last. */
  const open = new WeakMap<NodeProcess, number>()

  const storers = ({ members }: Epoch, { member, node, replica: { incarnation } }: NodeProcess): number => {
    const by = storedBy.get(`${node} ${incarnation}`)
    let count = 0
    for (const { id, node: listed } of members) {
      // What a node said that had lost its disk nobody watched, and its member may have another node by now, which is bound again.
      const isReplaced = world.machine(id).founded.member.node.id !== listed.id
      if (id !== member && (isReplaced || !evidence.isBound(id) || by?.has(id) === true)) count++
    }
    return count
  }

  return {
    started({ member, node, medium, replica: { incarnation } }) {
      const before = incarnations.get(node) ?? 0
      if (incarnation <= before) world.violated(name, `${member} starts as ${incarnation}, and was ${before}`)
      incarnations.set(node, incarnation)
      const onDisk = evidence.voteFile(medium)?.incarnation
      if (onDisk !== incarnation)
        world.violated(name, `${member} starts as ${incarnation}, and its disk says ${onDisk}`)
    },
    sent({ member, medium }, to, message) {
      if (message.kind !== 'hello-stored') return
      const { incarnation } = message
      // What a fault took from the disk afterwards was stored all the same.
      if (!world.machine(member).isDamaged) {
        // What is held of a member is held by its node's id, and a word to a node that was just replaced is on its way yet.
        const held = world.machine(to).nodes.map((node) => heldOf(medium, node))
        if (Math.max(...held) < incarnation)
          world.violated(
            name,
            `${member} told ${to} that it stored ${incarnation}, and its disk says ${held.join(', ')}`,
          )
      }
      for (const node of world.machine(to).nodes) {
        if (!world.machine(member).isDamaged && heldOf(medium, node) < incarnation) continue
        const by = storedBy.get(`${node} ${incarnation}`)
        if (by === undefined) storedBy.set(`${node} ${incarnation}`, new Set([member]))
        else by.add(member)
      }
    },
    word(process, word) {
      const { member, replica } = process
      if (word.kind === 'OTHER' || !evidence.isBound(member)) return
      // An epoch begins with a start.
      const epoch = word.kind === 'COSIGN' ? replica.epoch : world.epochNumbered(word.epoch)
      if (epoch === undefined || open.get(process) === epoch.number) return
      const count = storers(epoch, process)
      if (count < epoch.quorum - 1)
        world.violated(
          name,
          `${member} signed ${word.kind} as ${replica.incarnation}, which ${count} others have stored`,
        )
      open.set(process, epoch.number)
    },
  }
}

/** The newest start of this node that is on a disk; 0: none. */
function heldOf(medium: MemoryMedium, node: string): number {
  const row = medium.get(metaKey(`peer/${node}`))
  return row === undefined ? 0 : field.natural(field.array(decodeCbor(row), 'peer row')[1], 'incarnation')
}
