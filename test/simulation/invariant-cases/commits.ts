/** What is committed and attested. */
import { ack, block, type Case, cosign, lock, root, rowOf, type Scene } from './scene.ts'

const first = block({ size: 3, root: root('3') })
const empty = block({ on: first })
const third = block({ on: empty, size: 5, root: root('5') })
const other = block({ size: 3, root: root('4') })

/** All that makes a block committed, at these members. */
function certify(scene: Scene, of: ReturnType<typeof block>, members: readonly number[] = [0, 1, 2]): void {
  for (const n of members) scene.store(n, of)
  scene.words(members, ack(of))
  scene.words(members, lock(of))
}

export const commitCases: Readonly<Record<string, Case>> = {
  'one-block-per-height': {
    holds: (scene) => {
      scene.commit(0, first)
      scene.commit(1, first)
      scene.restart(0)
      scene.commit(0, first)
      scene.commit(0, empty)
    },
    breaks: {
      'of two members': (scene) => {
        scene.commit(0, first)
        scene.commit(1, other)
      },
      'of one, before and after a restart': (scene) => {
        scene.commit(0, first)
        const again = scene.restart(0)
        again.replica.ledger.committed = {
          ...again.replica.ledger.committed,
          block: { term: 1, height: 1, id: other.id },
        }
        scene.tell('started', again)
      },
    },
  },
  'committed-is-durable': {
    holds: (scene) => {
      for (const n of [0, 1, 2]) scene.store(n, first)
      // It had it.
      scene.machine(1).isLost = true
      scene.machine(1).medium.wipe()
      scene.commit(0, first)
      scene.machine(3).isLiar = true
      for (const n of [0, 2]) scene.store(n, empty)
      scene.machine(1).isLost = false
      scene.store(1, empty)
      scene.commit(0, empty)
    },
    breaks: {
      'on too few disks': (scene) => {
        for (const n of [0, 1]) scene.store(n, first)
        scene.commit(0, first)
      },
      'in the rows, and above the watermark': (scene) => {
        for (const n of [0, 1, 2]) scene.store(n, first)
        for (const n of [0, 1]) scene.store(n, empty)
        scene.write(2, { rows: [rowOf(empty)] })
        scene.commit(0, first)
        scene.commit(0, empty)
      },
      'under another block’s height': (scene) => {
        for (const n of [0, 1]) scene.store(n, first)
        scene.store(2, other)
        scene.commit(0, first)
      },
    },
  },
  'committed-is-proven': {
    holds: (scene) => {
      certify(scene, empty)
      scene.commit(0, first)
      scene.commit(0, empty)
      scene.turned(0)
      scene.words([0, 1, 2], cosign(5, root('5')))
      scene.commit(3, third)
      scene.turned(3)
      scene.machine(2).isLiar = true
      scene.words([0, 1], lock(other))
      scene.commit(1, other)
      scene.turned(1)
    },
    breaks: {
      'by acknowledgements alone': (scene) => {
        scene.words([0, 1, 2, 3], ack(first))
        scene.commit(0, first)
        scene.turned(0)
      },
      'by too few locks': (scene) => {
        scene.words([0, 1], lock(first))
        scene.words([0], lock(first))
        scene.commit(0, first)
        scene.turned(0)
      },
      'by cosignatures of another tree': (scene) => {
        scene.words([0, 1, 2], cosign(3, root('4')))
        scene.commit(0, first)
        scene.turned(0)
      },
    },
  },
  'cosigned-is-committed': {
    holds: (scene) => {
      certify(scene, first)
      scene.commit(0, first)
      scene.word(0, cosign(3, root('3')))
      // Not certified by itself, but the empty block on it was.
      const next = block({ on: first, size: 5, root: root('5') })
      const emptyOnIt = block({ on: next })
      certify(scene, emptyOnIt)
      scene.commit(0, next)
      scene.commit(0, emptyOnIt)
      scene.word(0, cosign(5, root('5')))
    },
    breaks: {
      'before anybody committed it': (scene) => {
        certify(scene, first)
        scene.word(0, cosign(3, root('3')))
      },
      'before this member committed it': (scene) => {
        certify(scene, first)
        scene.commit(0, first)
        scene.word(1, cosign(3, root('3')))
      },
      'another root': (scene) => {
        certify(scene, first)
        scene.commit(0, first)
        scene.word(0, cosign(3, root('4')))
      },
      'a block that was committed by its descendants alone': (scene) => {
        certify(scene, third)
        for (const each of [first, empty, third]) scene.commit(0, each)
        scene.word(0, cosign(3, root('3')))
      },
    },
  },
  'cosigned-once': {
    holds: (scene) => {
      scene.word(0, cosign(3, root('3')))
      scene.word(0, cosign(5, root('5')))
      scene.restart(0)
      scene.word(0, cosign(5, root('5')))
      scene.machine(0).isDamaged = true
      scene.word(0, cosign(5, root('5')))
    },
    breaks: {
      'the same size again': (scene) => {
        scene.word(0, cosign(3, root('3')))
        scene.word(0, cosign(3, root('3')))
      },
    },
  },
  'attested-is-cosigned': {
    holds: (scene) => {
      scene.commit(0, first)
      scene.machine(2).isLiar = true
      scene.words([0, 1], cosign(3, root('3')))
      scene.attested(0, 3, root('3'), [0, 1, 2])
      scene.attested(0, 3, root('3'), [0, 1, 2])
    },
    breaks: {
      'by too few': (scene) => {
        scene.commit(0, first)
        scene.words([0, 1], cosign(3, root('3')))
        scene.attested(0, 3, root('3'), [0, 1])
      },
      'by one member twice': (scene) => {
        scene.commit(0, first)
        scene.words([0, 1], cosign(3, root('3')))
        scene.attested(0, 3, root('3'), [0, 1, 1])
      },
      'by a member that never did': (scene) => {
        scene.commit(0, first)
        scene.words([0, 1], cosign(3, root('3')))
        scene.attested(0, 3, root('3'), [0, 1, 2])
      },
      'without a commit': (scene) => {
        scene.commit(1, first)
        scene.words([0, 1, 2], cosign(3, root('3')))
        scene.attested(0, 3, root('3'), [0, 1, 2])
      },
      'two roots': (scene) => {
        scene.commit(0, first)
        scene.words([0, 1, 2, 3], cosign(3, root('3')))
        scene.words([1, 2, 3], cosign(3, root('4')))
        scene.attested(0, 3, root('3'), [0, 1, 2])
        scene.attested(0, 3, root('4'), [1, 2, 3])
      },
    },
  },
  'one-certified-per-rank': {
    holds: (scene) => {
      scene.words([0, 1, 2, 3], ack(first))
      scene.machine(3).isLiar = true
      scene.word(0, ack(other))
    },
    breaks: {
      'by quorums that share no honest member': (scene) => {
        scene.words([0, 1, 2], ack(first))
        scene.words([1, 2, 3], ack(other))
      },
    },
  },
  'certified-extends-committed': {
    holds: (scene) => {
      certify(scene, first)
      const later = block({ term: 2, on: first })
      certify(scene, later)
      // Acknowledged late, and ranked below what is locked: it died with its term.
      scene.store(3, empty)
      scene.words([0, 1, 2], ack(empty))
      certify(scene, block({ term: 3, on: later }))
    },
    breaks: {
      'a higher term on another chain': (scene) => {
        certify(scene, first)
        const fork = block({ term: 2 })
        scene.store(3, fork)
        scene.words([1, 2, 3], ack(fork))
      },
      'and the lower one is locked last': (scene) => {
        scene.store(0, first)
        const fork = block({ term: 2 })
        scene.store(3, fork)
        scene.words([1, 2, 3], ack(fork))
        scene.words([0, 1, 2], lock(first))
      },
    },
  },
}
