/** Who counts, and how one epoch follows another. */
import { renewed } from '../founding.ts'
import { ack, attestation, block, type Case, cosign, lock, root, rowOf, type Scene, vote } from './scene.ts'

const first = block({ size: 3, root: root('3') })
const empty = block({ on: first })
const more = block({ on: first, size: 5, root: root('5') })

/** Block 1 closes epoch 0; three of four stay, and q of the old ones attest it. */
function closed(scene: Scene, members: readonly number[] = [0, 1, 2]): ReturnType<Scene['close']> {
  const next = scene.close(0, first, members)
  scene.words([0, 1, 2], cosign(3, root('3')))
  return next
}

const begins = (scene: Scene, by: readonly number[] = [0, 1, 2]): ReturnType<typeof block> =>
  block({ epoch: 1, on: first, term: 2, carried: { attestation: attestation(scene, 3, root('3'), by) } })

export const epochCases: Readonly<Record<string, Case>> = {
  'signed-by-its-members': {
    holds: (scene) => {
      scene.words([0, 1, 2, 3], vote(1, 'beijing'))
      closed(scene)
      scene.word(3, cosign(3, root('3')))
      scene.word(2, ack(begins(scene)))
      scene.word(2, cosign(5, root('5')))
      scene.machine(3).isLiar = true
      scene.word(3, ack(begins(scene)))
    },
    breaks: {
      'by one who was removed': (scene) => {
        closed(scene)
        scene.word(3, ack(begins(scene)))
      },
      'by another node than the one that is listed': (scene) => {
        const machine = scene.machine(1)
        machine.founded = renewed(scene.world.genesis.origin, machine.founded, 1)
        scene.word(1, lock(first))
      },
      'in an epoch that no record led to': (scene) => scene.word(0, ack(begins(scene))),
      'a size of an epoch in which it is no member': (scene) => {
        closed(scene)
        scene.word(3, cosign(5, root('5')))
      },
      'a block by one who is no member of its epoch': (scene) => {
        closed(scene)
        scene.commit(0, block({ epoch: 1, on: first, term: 2, leader: scene.world.ids[3]! }))
      },
    },
  },
  'epochs-follow': {
    holds: (scene) => {
      closed(scene)
      scene.write(1, { rows: [rowOf(empty)] })
      const start = begins(scene)
      scene.commit(0, start)
      scene.commit(0, block({ on: start, size: 5, root: root('5') }))
    },
    breaks: {
      'a block of the old epoch above its end': (scene) => {
        closed(scene)
        scene.commit(0, empty)
      },
      'a block that adds to an epoch that is closed': (scene) => {
        closed(scene)
        scene.write(1, { rows: [rowOf(first)] })
        scene.write(1, { rows: [rowOf(more)] })
      },
      'a start on another block': (scene) => {
        closed(scene)
        const { carried } = begins(scene)
        scene.commit(0, block({ epoch: 1, on: block({ time: 7, size: 3, root: root('3') }), term: 2, carried }))
      },
      'a start that shows no attestation': (scene) => {
        closed(scene)
        scene.commit(0, block({ epoch: 1, on: first, term: 2 }))
      },
      'a start that too few have attested': (scene) => {
        scene.close(0, first, [0, 1, 2])
        scene.words([0, 1], cosign(3, root('3')))
        scene.commit(0, begins(scene))
      },
      'an epoch that ends without a record that closes it': (scene) => {
        scene.close(0, first, [0, 1, 2], [])
      },
      'a record that closes an epoch which goes on': (scene) => scene.commit(0, first, [scene.closing()]),
      'a record behind the one that closed': (scene) => {
        const record = { kind: 'record' as const, statement: { key: 'another' } as never }
        scene.close(0, first, [0, 1, 2], [scene.closing(), record])
      },
    },
  },
  'ids-never-return': {
    holds: (scene) => {
      closed(scene)
      const machine = scene.machine(3)
      machine.founded = renewed(scene.world.genesis.origin, machine.founded, 1)
      scene.close(0, begins(scene), [0, 1, 2, 3], [scene.closing('again')])
    },
    breaks: {
      'one that was removed': (scene) => {
        closed(scene)
        scene.close(0, begins(scene), [0, 1, 2, 3], [scene.closing('again')])
      },
      'a key of another': (scene) => {
        const { founded } = scene.machine(1)
        const other = scene.machine(0).founded.member.node
        const member = { ...founded.member, node: { ...founded.member.node, id: 'new', seal: other.seal } }
        scene.machine(1).founded = { ...founded, member }
        closed(scene)
      },
    },
  },
  'only-a-close-changes-the-list': {
    holds: (scene) => {
      scene.turned(0)
      const next = closed(scene)
      scene.actor(0).replica.epoch = next
      scene.turned(0)
      scene.turned(0)
      scene.actor(1).replica.epoch = structuredClone(next)
      scene.turned(1)
    },
    breaks: {
      'a quorum that was lowered': (scene) => {
        scene.actor(0).replica.epoch = { ...scene.world.epoch, quorum: 2 }
        scene.turned(0)
      },
      'a member that is counted no more': (scene) => {
        const [, ...members] = scene.world.epoch.members
        scene.actor(0).replica.epoch = { ...scene.world.epoch, members, quorum: 2, faults: 0 }
        scene.turned(0)
      },
      'an epoch that no record led to': (scene) => {
        scene.actor(0).replica.epoch = scene.epochAfter(first, [0, 1, 2])
        scene.turned(0)
      },
      'a start that too few have attested': (scene) => {
        const next = scene.close(0, first, [0, 1, 2])
        scene.words([0, 1], cosign(3, root('3')))
        scene.actor(0).replica.epoch = next
        scene.turned(0)
      },
      'an epoch that was left out': (scene) => {
        scene.turned(0)
        closed(scene)
        const next = scene.close(0, begins(scene), [0, 1, 2], [scene.closing('again')])
        scene.actor(0).replica.epoch = next
        scene.turned(0)
      },
    },
  },
}
