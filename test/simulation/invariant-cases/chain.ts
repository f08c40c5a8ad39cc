/** What the chain holds. */
import type { Batch } from '../../../src/chain/batch.ts'
import { batchItem } from '../../../src/chain/batch.ts'
import { toHex, utf8 } from '../../../src/chain/bytes.ts'
import { encodeEntry } from '../../../src/chain/entry.ts'
import type { Leaf } from '../../../src/chain/execution.ts'
import { leafHash, TreeFrontier } from '../../../src/chain/merkle-tree.ts'
import { parseStatement, type Statement } from '../../../src/chain/statement.ts'
import { attestation, block, type Case, genesisId, root, type Scene } from './scene.ts'

interface Sequel {
  readonly member?: string
  readonly incarnation?: number
  readonly number?: number
  readonly previous?: string
  readonly receivedAt?: readonly number[]
}

const zeros = '0'.repeat(64)
const hashOf = (incarnation: number, number: number): string => `${incarnation}${number}`.padEnd(64, 'a')

function batch({
  member = 'beijing',
  incarnation = 1,
  number = 0,
  previous,
  receivedAt = [1_000],
}: Sequel = {}): Batch {
  const items = receivedAt.map((at) => batchItem(encodeEntry({ member, receivedAt: at, statement: 'a.b.c' }), true))
  return {
    member,
    incarnation,
    number,
    previous: previous ?? (number === 0 ? zeros : hashOf(incarnation, number - 1)),
    hash: hashOf(incarnation, number),
    items,
    signature: new Uint8Array(64),
    message: new Uint8Array(),
    bytes: new Uint8Array(8),
  }
}

/** A chain of blocks, each with these batches. */
function chainOf(scene: Scene, ...blocks: readonly (readonly Batch[])[]): void {
  let on: ReturnType<typeof block> | undefined
  for (const batches of blocks) {
    on = block({ batches, ...(on === undefined ? {} : { on }) })
    scene.commit(0, on)
  }
}

const record = (id: string, key = id, party = 'uscc:1'): Partial<Leaf> =>
  ({ kind: 'record', statement: { id, key, party } }) as unknown as Partial<Leaf>

/** Blocks that each add a record, and what each of them carries. */
function grow(scene: Scene, count: number, carries: (at: number) => number | undefined): void {
  let on: ReturnType<typeof block> | undefined
  for (let at = 1; at <= count; at++) {
    const size = carries(at)
    const carried = size === undefined ? {} : { attestation: attestation(scene, size, rootOf(size), [0, 1, 2]) }
    on = block({ size: 2 * at + 1, root: rootOf(2 * at + 1), carried, ...(on === undefined ? {} : { on }) })
    scene.commit(0, on, [record(`s${at}`)])
  }
}

const rootOf = (size: number): string => size.toString(16).padStart(64, '0')

/** A record under a good signature, as the tree holds it. */
function leafOf(scene: Scene, key: string): { kind: 'record'; bytes: Uint8Array; statement: Statement } {
  const jws = scene.world.statement('beijing', key)
  return { kind: 'record', bytes: utf8(jws), statement: parseStatement(jws, scene.world.genesis.ledger) }
}

function treeOf({ world }: Scene, ...leaves: readonly { readonly bytes: Uint8Array }[]): string {
  const tree = new TreeFrontier()
  for (const bytes of [world.genesis.entry, ...leaves.map((leaf) => leaf.bytes)]) tree.append(leafHash(bytes))
  return toHex(tree.root())
}

const seal = (time: number): Parameters<Scene['word']>[1] => ({
  kind: 'SEAL',
  epoch: 0,
  term: 1,
  height: 1,
  parent: genesisId,
  time,
  digest: '',
})

export const chainCases: Readonly<Record<string, Case>> = {
  'block-time': {
    holds: (scene) => {
      const first = block({ time: 1_000 })
      scene.commit(0, first)
      scene.commit(0, block({ on: first, time: 1_000 }))
      scene.word(0, seal(scene.world.clock.wall()))
      scene.actor(1).replica.ledger.point = () => ({ time: scene.world.clock.wall() + 500 })
      scene.word(1, seal(scene.world.clock.wall() + 500))
    },
    breaks: {
      'before its parent': (scene) => {
        const first = block({ time: 1_000 })
        scene.commit(0, first)
        scene.commit(0, block({ on: first, time: 999 }))
      },
      'not the leader’s clock': (scene) => scene.word(0, seal(scene.world.clock.wall() - 1)),
      'ahead of the leader’s clock': (scene) => scene.word(0, seal(scene.world.clock.wall() + 1)),
    },
  },
  'attestation-window': {
    holds: (scene) => grow(scene, 200, (at) => (at > 64 ? 2 * (at - 64) + 1 : undefined)),
    breaks: {
      'one too many': (scene) => grow(scene, 65, () => undefined),
      'an attestation of what the chain does not have': (scene) => grow(scene, 3, (at) => (at === 3 ? 4 : undefined)),
      'an attestation carried twice': (scene) => grow(scene, 4, (at) => (at > 2 ? 3 : undefined)),
    },
  },
  'chain-adds-up': {
    holds: (scene) => {
      const one = leafOf(scene, 'a')
      const two = leafOf(scene, 'b')
      const first = block({ size: 2, root: treeOf(scene, one) })
      const empty = block({ on: first })
      scene.commit(0, first, [one])
      scene.commit(0, empty)
      scene.commit(1, first, [one])
      scene.commit(0, block({ on: empty, size: 3, root: treeOf(scene, one, two) }), [two])
    },
    breaks: {
      'another root': (scene) => scene.commit(0, block({ size: 2, root: root('f') }), [leafOf(scene, 'a')]),
      'another root of an empty block': (scene) => scene.commit(0, block({ root: root('f') })),
      'another size': (scene) => {
        const one = leafOf(scene, 'a')
        scene.commit(0, block({ size: 3, root: treeOf(scene, one) }), [one])
      },
      'not on the one before it': (scene) => {
        const one = leafOf(scene, 'a')
        const first = block({ size: 2, root: treeOf(scene, one) })
        scene.commit(0, first, [one])
        scene.commit(0, block({ on: block({ size: 2, root: treeOf(scene, one), time: 2_000 }) }))
      },
      'a statement that nobody signed': (scene) => {
        const { bytes, statement } = leafOf(scene, 'a')
        const bad = {
          kind: 'record',
          bytes,
          statement: { ...statement, signature: new Uint8Array(64).fill(1) },
        } as const
        scene.commit(0, block({ size: 2, root: treeOf(scene, { bytes }) }), [bad as Partial<Leaf>])
      },
    },
  },
  'batches-in-sequence': {
    holds: (scene) =>
      chainOf(
        scene,
        [batch(), batch({ number: 1, receivedAt: [1_000, 2_000] }), batch({ member: 'wuhan' })],
        [batch({ number: 2, receivedAt: [2_000] })],
        [batch({ incarnation: 3, receivedAt: [500] })],
      ),
    breaks: {
      'a gap': (scene) => chainOf(scene, [batch()], [batch({ number: 2 })]),
      'one twice': (scene) => chainOf(scene, [batch()], [batch()]),
      'a run that does not begin at 0': (scene) => chainOf(scene, [batch({ number: 1, previous: zeros })]),
      'a start that is over': (scene) => chainOf(scene, [batch({ incarnation: 2 })], [batch()]),
      'another one before it': (scene) => chainOf(scene, [batch()], [batch({ number: 1, previous: root('f') })]),
      'a time that goes back': (scene) => chainOf(scene, [batch({ receivedAt: [2_000] })], [batch({ number: 1 })]),
      'a time that goes back in one batch': (scene) => chainOf(scene, [batch({ receivedAt: [2_000, 1_000] })]),
    },
  },
  'one-record-per-statement': {
    holds: (scene) => {
      const first = block({ size: 4 })
      scene.commit(0, first, [record('a'), record('b'), record('c', 'a', 'uscc:2')])
      scene.commit(1, first, [record('a'), record('b'), record('c', 'a', 'uscc:2')])
    },
    breaks: {
      'twice in a block': (scene) => scene.commit(0, block({ size: 3 }), [record('a'), record('a')]),
      'twice on the chain': (scene) => {
        const first = block({ size: 2 })
        scene.commit(0, first, [record('a')])
        scene.commit(0, block({ on: first, size: 3 }), [record('a')])
      },
      'two under one key': (scene) => scene.commit(0, block({ size: 3 }), [record('a'), record('b', 'a')]),
    },
  },
}
