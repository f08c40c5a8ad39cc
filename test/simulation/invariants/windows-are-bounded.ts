/**
 * "Bounded windows and memory" (consensus.md section 5; docs/limits.md): a leader's blocks of its term that are not committed, the statements
 * that wait at a node, and the bytes that it has sent to a peer and that are not taken yet.
 */

import { blocksInFlightMax, pendingStatementsMax, uncheckedSubmissionsMax } from '../../../src/node/limits.ts'
import { defaultNetworkLimits } from '../../../src/node/network-limits.ts'
import { type Lane, laneCreditBytes, messageBytesMax } from '../../../src/node/ports.ts'
import type { WireMessage } from '../../../src/node/wire.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'

const name = 'windows-are-bounded'

/** Answers to one that catches up wait for it to take the last; the other lanes have the queue that a real connection ends at. */
const laneBytesMax: Readonly<Record<Lane, number>> = {
  control: defaultNetworkLimits.queueBytesMax + laneCreditBytes,
  append: defaultNetworkLimits.queueBytesMax + laneCreditBytes,
  bulk: 2 * messageBytesMax,
}

export function windowsAreBounded(world: World): Watch {
  return {
    sent(process, to, { kind }) {
      const lane = laneOf(kind)
      const bytes = process.unacknowledged(to, lane)
      if (bytes > laneBytesMax[lane])
        world.violated(name, `${process.member} has ${bytes} bytes on their way to ${to} (${lane})`)
    },
    turned({ isStarted, member, replica }) {
      if (!isStarted) return
      const { raft, pendingCount } = replica
      // Those whose signature was being checked when the place was full are still let in.
      if (pendingCount > pendingStatementsMax + uncheckedSubmissionsMax)
        world.violated(name, `${member} has ${pendingCount} statements waiting`)
      if (raft.role !== 'leader') return
      const from = Math.max(raft.commit, raft.election?.signed.base.height ?? 0)
      if (raft.tail.height - from > blocksInFlightMax)
        world.violated(name, `${member} has ${raft.tail.height - from} blocks of its term in flight`)
    },
  }
}

function laneOf(kind: WireMessage['kind']): Lane {
  if (kind === 'blocks-request' || kind === 'blocks-response') return 'bulk'
  return kind === 'block' || kind === 'batch' ? 'append' : 'control'
}
