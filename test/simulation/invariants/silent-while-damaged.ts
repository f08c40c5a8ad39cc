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
  const awaited = new WeakMap<NodeProcess, HeadFile['last']>()
  return {
    starting(process) {
      const last = evidence.headFile(process.medium)?.last
      if (last !== undefined) awaited.set(process, last)
    },
    turned(process) {
      const last = awaited.get(process)
      if (last !== undefined && process.isStarted && isHere(process, last)) awaited.delete(process)
    },
    word(process, word) {
      const last = awaited.get(process)
      if (last === undefined || word.kind === 'OTHER' || !evidence.isBound(process.member)) return
      const { member, replica } = process
      if (isHere(process, last)) return
      const text = `ends in ${rankText(replica.raft.tail)}; its watermark was ${rankText(last)} when it started`
      world.violated(name, `${member} signed ${word.kind} and ${text}`)
    },
  }
}

/** Once it was there it may be dropped as any other. */
function isHere({ replica: { raft } }: NodeProcess, last: HeadFile['last']): boolean {
  return raft.commit >= last.height || raft.has(last)
}
