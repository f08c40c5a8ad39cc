/** What a restart finds, what a disk never does, and who may sign again. */
import { refOfBlock } from '../../../src/chain/block.ts'
import { encodeCbor } from '../../../src/chain/cbor.ts'
import { height } from '../../../src/chain/numbers.ts'
import type { HeadFile } from '../../../src/node/durable-state.ts'
import { metaKey } from '../../../src/node/store-rows.ts'
import {
  ack,
  block,
  type Case,
  cosign,
  headBytes,
  lock,
  lockOn,
  registerOf,
  root,
  rowOf,
  type Scene,
  vote,
  voteBytes,
} from './scene.ts'

const first = block({ size: 3, root: root('3') })
const second = block({ on: first, size: 5, root: root('5') })
const third = block({ on: second })
const other = block({ term: 2, on: first, time: 9_000 })

/** The disk of a member that voted, acknowledged, locked and cosigned up to the second block. */
function promise(scene: Scene, head: Partial<HeadFile> = {}): void {
  scene.write(0, { vote: voteBytes(1, 'beijing') })
  scene.word(0, vote(1, 'beijing'))
  scene.store(0, first)
  scene.store(0, second, { lock: lockOn(second), commit: height(2), register: registerOf(second), ...head })
  scene.word(0, ack(second))
  scene.word(0, lock(second))
  scene.word(0, cosign(5, root('5')))
}

const headOn = (of: typeof first, parts: Partial<HeadFile> = {}): Uint8Array =>
  headBytes({ last: refOfBlock(of), ...parts })

/** What the disk holds behind the invariant's back: what a fault leaves. */
function leave(scene: Scene, write: Parameters<Scene['write']>[1]): void {
  scene.actor(0).medium.apply(write, 3)
}

function storedBy(scene: Scene, of: number, incarnation: number, members: readonly number[]): void {
  const { node } = scene.world.genesis.members.find(({ id }) => id === scene.world.ids[of])!
  for (const n of members) {
    scene.write(n, { rows: [{ key: metaKey(`peer/${node.id}`), value: encodeCbor([1, incarnation]) }] })
    scene.sent(n, of, { kind: 'hello-stored', incarnation })
  }
}

export const restartCases: Readonly<Record<string, Case>> = {
  'promises-are-found': {
    holds: (scene) => {
      promise(scene)
      scene.restart(0)
      // In a higher term it may have let the acknowledged block go.
      scene.store(0, third)
      scene.word(0, ack(third))
      leave(scene, {
        vote: voteBytes(2, null),
        head: headOn(second, { lock: lockOn(second), commit: height(2), register: registerOf(second) }),
      })
      scene.restart(0)
      scene.machine(0).isLost = true
      scene.actor(0).medium.wipe()
      scene.restart(0)
    },
    breaks: {
      'a lower term': (scene) => {
        promise(scene)
        leave(scene, { vote: voteBytes(0, null) })
        scene.restart(0)
      },
      'another vote': (scene) => {
        promise(scene)
        leave(scene, { vote: voteBytes(1, 'wuhan') })
        scene.restart(0)
      },
      'a lower lock': (scene) => {
        promise(scene, { lock: lockOn(first) })
        scene.restart(0)
      },
      'a smaller register': (scene) => {
        promise(scene, { register: registerOf(first) })
        scene.restart(0)
      },
      'no files': (scene) => {
        promise(scene)
        scene.actor(0).medium.wipe()
        scene.restart(0)
      },
      'a watermark below what it acknowledged': (scene) => {
        promise(scene)
        scene.store(0, third, { lock: lockOn(second), register: registerOf(second) })
        scene.word(0, ack(third))
        leave(scene, { head: headOn(second, { lock: lockOn(second), register: registerOf(second) }) })
        scene.restart(0)
      },
      'without the block that it locked': (scene) => {
        promise(scene)
        leave(scene, { rows: [{ key: rowOf(second).key }] })
        scene.restart(0)
      },
      'a hole in the chain': (scene) => {
        promise(scene)
        leave(scene, { rows: [{ key: rowOf(first).key }] })
        scene.restart(0)
      },
      'another committed block': (scene) => {
        promise(scene)
        scene.commit(1, block())
        scene.restart(0)
      },
    },
  },
  'disk-never-falls': {
    holds: (scene) => {
      promise(scene)
      scene.restart(0)
      scene.store(0, third, { lock: lockOn(second), commit: height(2), register: registerOf(second) })
      // Truncated as it must be: the watermark first, then the rows, then another chain.
      scene.write(0, {
        head: headOn(second, { lock: lockOn(second), commit: height(2), register: registerOf(second) }),
      })
      scene.write(0, { rows: [{ key: rowOf(third).key }] })
      scene.store(0, block({ term: 2, on: second }), {
        lock: lockOn(second),
        commit: height(2),
        register: registerOf(second),
      })
      scene.write(0, { rows: [rowOf(first)] })
      scene.machine(0).isLost = true
      scene.actor(0).medium.wipe()
      scene.restart(0)
    },
    breaks: {
      'a lower term': (scene) => {
        scene.write(0, { vote: voteBytes(2, null) })
        scene.write(0, { vote: voteBytes(1, null) })
      },
      'another vote in the term': (scene) => {
        scene.write(0, { vote: voteBytes(2, 'beijing') })
        scene.write(0, { vote: voteBytes(2, 'wuhan') })
      },
      'a lower incarnation': (scene) => {
        scene.write(0, { vote: voteBytes(2, null, 2) })
        scene.write(0, { vote: voteBytes(2, null, 1) })
      },
      'a bar that is lifted': (scene) => {
        scene.write(0, { vote: voteBytes(2, null, 1, true) })
        scene.write(0, { vote: voteBytes(2, null) })
      },
      'a lower lock, behind a restart': (scene) => {
        promise(scene)
        leave(scene, { head: headOn(second, { commit: height(2), register: registerOf(second) }) })
        scene.restart(0)
      },
      'a lower commit, though a fault took blocks': (scene) => {
        promise(scene)
        scene.machine(0).isDamaged = true
        scene.write(0, {
          head: headOn(second, { lock: lockOn(second), commit: height(1), register: registerOf(second) }),
        })
      },
      'a lower commit': (scene) => {
        promise(scene)
        scene.write(0, {
          head: headOn(second, { lock: lockOn(second), commit: height(1), register: registerOf(second) }),
        })
      },
      'a smaller register': (scene) => {
        promise(scene)
        scene.write(0, { head: headOn(second, { lock: lockOn(second), commit: height(2) }) })
      },
      'a watermark below the commit': (scene) => {
        promise(scene)
        scene.write(0, {
          head: headOn(first, { lock: lockOn(second), commit: height(2), register: registerOf(second) }),
        })
      },
      'a watermark that jumps to another chain': (scene) => {
        scene.store(0, first)
        scene.store(0, second)
        leave(scene, { rows: [rowOf(other)] })
        scene.write(1, { rows: [rowOf(other)] })
        scene.write(0, { head: headOn(other) })
      },
      'rows deleted before the watermark is lowered': (scene) => {
        promise(scene)
        scene.write(0, { rows: [{ key: rowOf(second).key }] })
      },
      'another block below the watermark': (scene) => {
        promise(scene)
        scene.write(0, { rows: [rowOf(other)] })
      },
    },
  },
  'silent-while-damaged': {
    holds: (scene) => {
      promise(scene)
      const whole = scene.restart(0).replica
      scene.turned(0)
      whole.raft.has = () => false
      scene.word(0, ack(other))
      // Its last block is gone: nothing, until it is there again, or as much is committed.
      const { raft } = scene.restart(0).replica
      raft.has = () => false
      scene.word(0, { kind: 'OTHER' })
      raft.has = ({ id }) => id === second.id
      scene.turned(0)
      scene.word(0, ack(third))
      const again = scene.restart(0).replica
      again.raft.has = () => false
      again.raft.commit = 2
      scene.word(0, vote(2, 'wuhan'))
      scene.restart(1).replica.raft.has = () => false
      scene.machine(1).isLost = true
      scene.word(1, ack(second))
    },
    breaks: {
      'an acknowledgement on what is left': (scene) => {
        promise(scene)
        scene.restart(0).replica.raft.has = () => false
        scene.word(0, ack(first))
      },
      'a vote with one block too few': (scene) => {
        promise(scene)
        const { raft } = scene.restart(0).replica
        raft.has = ({ id }) => id === first.id
        raft.commit = 1
        scene.word(0, vote(2, 'wuhan'))
      },
    },
  },
  'silent-until-stored': {
    holds: (scene) => {
      scene.write(0, { vote: voteBytes(0, null, 1) })
      scene.tell('started', scene.actor(0))
      storedBy(scene, 0, 1, [1, 2])
      scene.word(0, vote(1, 'beijing'))
      scene.restart(0)
      scene.write(0, { vote: voteBytes(0, null, 2) })
      scene.tell('started', scene.actor(0))
      scene.machine(3).isLiar = true
      storedBy(scene, 0, 2, [1])
      scene.word(0, { kind: 'RECEIPT', epoch: 0, statement: root('1') })
    },
    breaks: {
      'one has stored it': (scene) => {
        storedBy(scene, 0, 1, [1])
        scene.word(0, vote(1, 'beijing'))
      },
      'two have stored the start before': (scene) => {
        storedBy(scene, 0, 1, [1, 2])
        scene.word(0, vote(1, 'beijing'))
        scene.restart(0)
        scene.word(0, { kind: 'BATCH', epoch: 0, incarnation: 2, number: 0, digest: 'a' })
      },
      'one says so before it is on its disk': (scene) => {
        scene.sent(1, 0, { kind: 'hello-stored', incarnation: 1 })
      },
      'an incarnation again': (scene) => {
        scene.write(0, { vote: voteBytes(0, null, 1) })
        scene.tell('started', scene.actor(0))
        scene.tell('started', scene.actor(0))
      },
      'an incarnation that is not on the disk': (scene) => {
        scene.tell('started', scene.actor(0))
      },
    },
  },
  'fence-holds': {
    holds: (scene) => {
      scene.word(0, vote(1, 'beijing'))
      scene.machine(0).isLost = true
      // Of a backup of this very start nobody can know.
      scene.restart(0)
      scene.word(0, vote(1, 'wuhan'))
      scene.actor(1).replica.hindrances.push('node.recovering')
      scene.turned(1)
      scene.actor(2).replica.hindrances.push('node.retired')
      scene.machine(2).isLost = true
      scene.turned(2)
    },
    breaks: {
      'a start that signed before': (scene) => {
        scene.restart(0)
        scene.word(0, vote(1, 'beijing'))
        scene.machine(0).isLost = true
        scene.word(0, vote(1, 'wuhan'))
      },
      'an honest member is retired': (scene) => {
        scene.actor(1).replica.hindrances.push('node.retired')
        scene.turned(1)
      },
      'an honest member halts': (scene) => {
        scene.actor(1).replica.hindrances.push('node.halted')
        scene.turned(1)
      },
    },
  },
}
