/** What a key may say, and what its disk must hold by then. */
import { refOfBlock } from '../../../src/chain/block.ts'
import {
  ack,
  block,
  type Case,
  cosign,
  genesisId,
  headBytes,
  lock,
  lockOn,
  ref,
  registerOf,
  root,
  rowOf,
  type Scene,
  vote,
  voteBytes,
} from './scene.ts'

const first = block()
const other = block({ time: 2_000 })
const second = block({ on: first })
const head = block({ size: 3, root: root('3') })

const seal = (digest: string): Parameters<Scene['word']>[1] => ({
  kind: 'SEAL',
  epoch: 0,
  term: 1,
  height: 1,
  parent: genesisId,
  time: 0,
  digest,
})
const batch = (number: number, digest: string): Parameters<Scene['word']>[1] => ({
  kind: 'BATCH',
  epoch: 0,
  incarnation: 1,
  number,
  digest,
})

function accuse(scene: Scene, by: number, accused: number, isFrozen: boolean): void {
  const { seal } = scene.machine(accused).founded.member.node
  const fault = { kid: seal, kind: 'two-votes', detail: 'two votes' }
  scene.actor(by).replica.faults.push({ fault, frozen: isFrozen ? {} : undefined })
}

export const wordCases: Readonly<Record<string, Case>> = {
  'one-vote-per-term': {
    holds: (scene) => {
      scene.word(0, vote(1, 'beijing'))
      scene.restart(0)
      scene.word(0, vote(1, 'beijing'))
      scene.word(0, vote(2, 'wuhan'))
      scene.word(1, vote(1, 'wuhan'))
      scene.machine(2).isLiar = true
      scene.word(2, vote(1, 'wuhan'))
      scene.word(2, vote(1, 'beijing'))
    },
    breaks: {
      'for two candidates, one on each side of a restart': (scene) => {
        scene.word(0, vote(1, 'beijing'))
        scene.restart(0)
        scene.word(0, vote(1, 'wuhan'))
      },
      'on two bases': (scene) => {
        scene.word(0, vote(2, 'beijing'))
        scene.word(0, vote(2, 'beijing', ref(first)))
      },
    },
  },
  'one-seal-per-rank': {
    holds: (scene) => {
      scene.word(0, seal('a'))
      scene.word(0, seal('a'))
      scene.word(1, seal('b'))
    },
    breaks: {
      'two blocks, one on each side of a restart': (scene) => {
        scene.word(0, seal('a'))
        scene.restart(0)
        scene.word(0, seal('b'))
      },
    },
  },
  'one-ack-per-rank': {
    holds: (scene) => {
      scene.word(0, ack(first))
      scene.word(0, ack(first))
      scene.word(0, ack(second))
      scene.word(1, ack(other))
    },
    breaks: {
      'two blocks, one on each side of a restart': (scene) => {
        scene.word(0, ack(first))
        scene.restart(0)
        scene.word(0, ack(other))
      },
      'one block on two bases': (scene) => {
        scene.word(0, ack(second))
        scene.word(0, ack(second, ref(first)))
      },
    },
  },
  'no-base-below-lock': {
    holds: (scene) => {
      scene.word(0, lock(second))
      scene.word(0, vote(2, 'wuhan', ref(second)))
      scene.word(0, ack(block({ term: 2, on: second }), ref(second)))
      // Its own term's base is below every lock of the term.
      scene.word(0, ack(second))
      scene.word(1, vote(2, 'wuhan'))
    },
    breaks: {
      'a vote': (scene) => {
        scene.word(0, lock(second))
        scene.word(0, vote(2, 'wuhan', ref(first)))
      },
      'an acknowledgement': (scene) => {
        scene.word(0, lock(second))
        scene.restart(0)
        scene.word(0, ack(block({ term: 2, on: first }), ref(first)))
      },
      'a lock of a term that was over': (scene) => {
        scene.word(0, vote(2, 'wuhan', ref(first)))
        scene.word(0, lock(second))
      },
    },
  },
  'nobody-honest-is-accused': {
    holds: (scene) => {
      scene.machine(3).isLiar = true
      scene.word(3, vote(1, 'beijing'))
      accuse(scene, 0, 3, true)
      scene.turned(0)
      scene.tell('finished')
    },
    breaks: {
      'an honest node, by another': (scene) => {
        scene.word(3, vote(1, 'beijing'))
        accuse(scene, 0, 3, true)
        scene.turned(0)
      },
      'a node that lied for another member only': (scene) => {
        scene.machine(2).isLiar = true
        scene.word(2, vote(1, 'beijing'))
        accuse(scene, 0, 3, true)
        scene.turned(0)
      },
      'a key that is nobody’s': (scene) => {
        scene.actor(0).replica.faults.push({ fault: { kid: 'x', kind: 'two-votes', detail: '' }, frozen: {} })
        scene.turned(0)
      },
      'a proof that is not on the ledger at rest': (scene) => {
        scene.machine(3).isLiar = true
        scene.word(3, vote(1, 'beijing'))
        accuse(scene, 0, 3, false)
        scene.tell('finished')
      },
    },
  },
  'nothing-invalid-is-signed': {
    holds: (scene) => {
      scene.word(0, ack(first))
      scene.world.invalid.set(other.id, 'wrong root')
      scene.word(0, lock(first))
      scene.machine(1).isLiar = true
      scene.word(1, ack(other))
    },
    breaks: {
      acknowledged: (scene) => {
        scene.world.invalid.set(first.id, 'wrong root')
        scene.word(0, ack(first))
      },
      locked: (scene) => {
        scene.world.invalid.set(first.id, 'wrong root')
        scene.word(0, lock(first))
      },
    },
  },
  'one-batch-per-number': {
    holds: (scene) => {
      scene.word(0, batch(0, 'a'))
      scene.word(0, batch(0, 'a'))
      scene.word(0, batch(1, 'b'))
      scene.word(1, batch(0, 'c'))
    },
    breaks: {
      'two under one number': (scene) => {
        scene.word(0, batch(0, 'a'))
        scene.restart(0)
        scene.word(0, batch(0, 'b'))
      },
    },
  },
  'one-root-per-size': {
    holds: (scene) => {
      scene.words([0, 1], cosign(3, root('3')))
      scene.word(0, cosign(5, root('5')))
      scene.word(1, cosign(3, root('3')))
    },
    breaks: {
      'two roots of two members': (scene) => {
        scene.word(0, cosign(3, root('3')))
        scene.word(1, cosign(3, root('4')))
      },
      'a smaller size after a restart': (scene) => {
        scene.word(0, cosign(5, root('5')))
        scene.restart(0)
        scene.word(0, cosign(3, root('3')))
      },
    },
  },
  'vote-is-on-disk': {
    holds: (scene) => {
      scene.write(0, { vote: voteBytes(3, 'beijing') })
      scene.word(0, vote(3, 'beijing'))
      // Two votes that went to the disk in one cycle: of the slot's contents only the last is left.
      scene.word(0, vote(2, 'wuhan'))
      scene.machine(1).isLiar = true
      scene.word(1, vote(3, 'beijing'))
    },
    breaks: {
      'nothing written': (scene) => scene.word(0, vote(1, 'beijing')),
      'another candidate written': (scene) => {
        scene.write(0, { vote: voteBytes(3, 'wuhan') })
        scene.word(0, vote(3, 'beijing'))
      },
      'an older term written': (scene) => {
        scene.write(0, { vote: voteBytes(2, 'beijing') })
        scene.word(0, vote(3, 'beijing'))
      },
      'another base written': (scene) => {
        scene.write(0, { vote: voteBytes(3, 'beijing') })
        scene.word(0, vote(3, 'beijing', ref(first)))
      },
    },
  },
  'ack-is-on-disk': {
    holds: (scene) => {
      scene.store(0, first)
      scene.store(0, second)
      scene.word(0, ack(first))
      scene.word(0, ack(second))
    },
    breaks: {
      'nothing written': (scene) => scene.word(0, ack(first)),
      'the block written, and not the watermark': (scene) => {
        scene.write(0, { rows: [rowOf(first)] })
        scene.word(0, ack(first))
      },
      'the watermark written, and not the block': (scene) => {
        scene.store(0, first)
        scene.write(0, { head: headBytes({ last: refOfBlock(second) }) })
        scene.word(0, ack(second))
      },
      'another block written': (scene) => {
        scene.store(0, other)
        scene.word(0, ack(first))
      },
    },
  },
  'lock-is-on-disk': {
    holds: (scene) => {
      scene.write(0, { head: headBytes({ lock: lockOn(second) }) })
      scene.word(0, lock(second))
      scene.word(0, lock(first))
    },
    breaks: {
      'nothing written': (scene) => scene.word(0, lock(first)),
      'a lower lock written': (scene) => {
        scene.write(0, { head: headBytes({ lock: lockOn(first) }) })
        scene.word(0, lock(second))
      },
      'a lock of another block written': (scene) => {
        scene.write(0, { head: headBytes({ lock: lockOn(other) }) })
        scene.word(0, lock(first))
      },
    },
  },
  'cosign-is-on-disk': {
    holds: (scene) => {
      scene.write(0, { head: headBytes({ register: registerOf(head) }) })
      scene.word(0, cosign(3, root('3')))
      scene.word(0, cosign(2, root('2')))
    },
    breaks: {
      'nothing written': (scene) => scene.word(0, cosign(3, root('3'))),
      'a smaller size written': (scene) => {
        scene.write(0, { head: headBytes({ register: registerOf(head) }) })
        scene.word(0, cosign(4, root('4')))
      },
      'another root written': (scene) => {
        scene.write(0, { head: headBytes({ register: registerOf(head) }) })
        scene.word(0, cosign(3, root('4')))
      },
    },
  },
}
