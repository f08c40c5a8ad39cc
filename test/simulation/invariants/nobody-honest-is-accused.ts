/**
 * Rule 30 and the promise that the honest are never blamed: whatever crashed, was cut off, came late or was lied to, every fault proof that an
 * honest node keeps, its own or the chain's, is of a node that lied or had lost its disk. At rest every one of them is on the ledger.
 */
import { memberOfNodeKey } from '../../../src/chain/catalogue/fault-report.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'

const name = 'nobody-honest-is-accused'

export function nobodyHonestIsAccused(world: World): Watch {
  /** Nodes that signed while they lied or had lost what they promised. A member may have an honest one since. */
  const guilty = new Set<string>()
  const looked = new WeakMap<NodeProcess, number>()

  function look(process: NodeProcess): void {
    const { faults } = process.replica
    if (faults.length === (looked.get(process) ?? 0)) return
    looked.set(process, faults.length)
    for (const { fault } of faults) {
      world.strike(`accused:${fault.kind}`)
      const accused = memberOfNodeKey(world.epoch, fault.kid)
      if (accused === undefined || !guilty.has(accused.node.id))
        world.violated(name, `${process.member} accuses ${accused?.id}: ${fault.detail}`)
    }
  }

  return {
    word({ member, node }) {
      const { isLiar, isLost } = world.machine(member)
      if (isLiar || isLost) guilty.add(node)
    },
    turned(process) {
      if (process.isStarted) look(process)
    },
    finished() {
      for (const { member, replica } of world.honest) {
        for (const { fault, frozen } of replica.faults) {
          if (frozen === undefined) world.violated(name, `${fault.kid} is known to ${member} and not reported`)
        }
      }
    },
  }
}
