/**
 * Rule 18: what a start does not find of the chain up to the watermark on its disk is damage, never a torn tail (FAST'18, protocol-aware
 * recovery). Until the process holds that block again, or has committed as far, none of its keys signs anything.
 */
import type { HeadFile } from '../../../src/node/durable-state.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'silent-while-damaged'

export function silentWhileDamaged(world: World): Watch {
  const evidence = evidenceOf(world)
  /** What each process must hold before it signs; it holds that most of the time, and then is asked no more. */
  const awaited = new WeakMap<NodeProcess, Awaited>()
  return {
    starting(process) {
      // The vote file may have begun the next epoch already: the watermark is of the epoch of its own file.
      const head = evidence.headFile(process.medium)
      if (head !== undefined) awaited.set(process, { last: head.last, epoch: head.epoch })
    },
    turned(process) {
      const block = awaited.get(process)
      if (block !== undefined && process.isStarted && isHere(process, block)) awaited.delete(process)
    },
    word(process, word) {
      const block = awaited.get(process)
      if (block === undefined || word.kind === 'OTHER' || !evidence.isBound(process.member)) return
      const { member, replica } = process
      if (isHere(process, block)) return
      const text = `ends in ${rankText(replica.raft.tail)}; its watermark was ${rankText(block.last)} when it started`
      world.violated(name, `${member} signed ${word.kind} and ${text}`)
    },
  }
}

interface Awaited {
  readonly last: HeadFile['last']
  readonly epoch: number
}

/** Once it was there it may be dropped as any other. With an epoch all blocks above its end are gone, whoever missed them. */
function isHere({ replica: { raft, epoch } }: NodeProcess, awaited: Awaited): boolean {
  return epoch.number > awaited.epoch || raft.commit >= awaited.last.height || raft.has(awaited.last)
}
