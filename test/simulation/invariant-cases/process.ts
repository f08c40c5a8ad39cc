/** The process itself, and what it tells. */
import { toHex, utf8 } from '../../../src/chain/bytes.ts'
import { encodeCbor } from '../../../src/chain/cbor.ts'
import { encodeEntry } from '../../../src/chain/entry.ts'
import type { Leaf } from '../../../src/chain/execution.ts'
import { leafHash } from '../../../src/chain/merkle-tree.ts'
import { parseStatement } from '../../../src/chain/statement.ts'
import { messageBytesMax } from '../../../src/node/ports.ts'
import { journalKey } from '../../../src/node/store-rows.ts'
import { attestation, block, type Case, genesisId, ref, root, type Scene } from './scene.ts'

const first = block({ size: 3, root: root('3') })
const second = block({ on: first })
const other = block({ time: 2_000 })

/** A record that is attested at this member, as far as the node says. */
function recorded(scene: Scene, n: number, statement = 'a', index = 2): void {
  const { replica } = scene.actor(n)
  replica.attested = attestation(scene, 3, root('3'), [0, 1, 2])
  replica.store.indexOfStatement = (id) => (id === statement ? index : undefined)
}

const leaf = (id: string): Partial<Leaf> => ({ kind: 'record', statement: { id } }) as unknown as Partial<Leaf>

/** A statement with a receipt that waits at this member, journalled or not. */
function pending(scene: Scene, n: number, isJournalled: boolean): string {
  const member = scene.world.ids[n]!
  const jws = scene.world.statement(member, 'k')
  const { id } = parseStatement(jws, scene.world.genesis.ledger)
  scene.actor(n).replica.pending = (statement) => (statement === id ? { journalNumber: 7, durable: true } : undefined)
  const entry = encodeEntry({ member, receivedAt: 1_000, statement: jws })
  if (isJournalled)
    scene.write(n, { rows: [{ key: journalKey(7), value: encodeCbor([1, 7, entry, 1, 0, new Uint8Array(64)]) }] })
  return id
}

const leafBytes = utf8('the only leaf')

/** Everybody at rest on a chain of one block and a tree of one leaf. */
function rest(scene: Scene): void {
  for (let n = 0; n < 4; n++) {
    const { replica } = scene.actor(n)
    replica.ledger.committed = { block: ref(first), frontier: { size: 1 }, root: toHex(leafHash(leafBytes)), time: 0 }
    replica.raft.commit = 1
    replica.raft.tail = ref(first)
    replica.attested = attestation(scene, 1, replica.ledger.committed.root, [0, 1, 2])
    replica.store.leaf = (index) => (index === 0 ? { bytes: leafBytes, height: 1 } : undefined)
    replica.store.applied = () => ({ sum: new Uint8Array(32) })
    replica.store.blockBytes = () => first.bytes
    replica.store.indexOfStatement = (id) => (id === 'a' ? 0 : undefined)
    replica.store.indexOfRefusal = (id) => (id === 'b' ? 1 : undefined)
  }
}

const receipt = (statement: string) => ({ kind: 'receipt', member: 'beijing', statement, by: 0 }) as const
const record = (statement: string, index: number) => ({ kind: 'record', member: 'beijing', statement, index }) as const

export const processCases: Readonly<Record<string, Case>> = {
  'state-never-falls': {
    holds: (scene) => {
      scene.turned(0)
      scene.commit(0, first)
      scene.actor(0).replica.attested = attestation(scene, 3, root('3'), [])
      scene.turned(0)
      scene.turned(0)
      // A new process has its disk only.
      scene.restart(0)
      scene.turned(0)
    },
    breaks: {
      term: (scene) => {
        scene.actor(0).replica.raft.term = 2
        scene.turned(0)
        scene.actor(0).replica.raft.term = 1
        scene.turned(0)
      },
      commit: (scene) => {
        scene.commit(0, first)
        scene.turned(0)
        scene.commit(0, { ...first, header: { ...first.header, height: 0 as never } })
        scene.turned(0)
      },
      'the attested size': (scene) => {
        scene.commit(0, first)
        scene.actor(0).replica.attested = attestation(scene, 3, root('3'), [])
        scene.turned(0)
        scene.actor(0).replica.attested = attestation(scene, 2, root('2'), [])
        scene.turned(0)
      },
      'committed and not applied': (scene) => {
        scene.actor(0).replica.raft.commit = 1
        scene.turned(0)
      },
      'attested and not committed': (scene) => {
        scene.actor(0).replica.attested = attestation(scene, 3, root('3'), [])
        scene.turned(0)
      },
    },
  },
  'lock-never-falls': {
    holds: (scene) => {
      const { raft } = scene.actor(0).replica
      for (const each of [first, first, second]) {
        raft.lock = { block: ref(each) }
        scene.turned(0)
      }
      scene.restart(0)
      scene.turned(0)
    },
    breaks: {
      'a lower rank': (scene) => {
        const { raft } = scene.actor(0).replica
        for (const each of [second, first]) {
          raft.lock = { block: ref(each) }
          scene.turned(0)
        }
      },
      'another block of the same rank': (scene) => {
        const { raft } = scene.actor(0).replica
        for (const each of [first, other]) {
          raft.lock = { block: ref(each) }
          scene.turned(0)
        }
      },
    },
  },
  'windows-are-bounded': {
    holds: (scene) => {
      Object.assign(scene.actor(0).replica.raft, { role: 'leader', tail: { term: 1, height: 4, id: genesisId } })
      scene.turned(0)
      Object.assign(scene.actor(1).replica.raft, { tail: { term: 1, height: 9, id: genesisId } })
      scene.actor(1).replica.pendingCount = 20_000
      scene.turned(1)
      scene.sent(1, 0, { kind: 'read-request', context: 1 })
    },
    breaks: {
      'a leader’s blocks': (scene) => {
        Object.assign(scene.actor(0).replica.raft, { role: 'leader', tail: { term: 1, height: 5, id: genesisId } })
        scene.turned(0)
      },
      'statements that wait': (scene) => {
        scene.actor(0).replica.pendingCount = 30_000
        scene.turned(0)
      },
      'bytes on their way': (scene) => {
        scene.actor(0).unacknowledged = (_to, lane) => (lane === 'bulk' ? 2 * messageBytesMax + 1 : 0)
        scene.sent(0, 1, { kind: 'blocks-response', from: 1 as never, blocks: [] })
      },
    },
  },
  'no-process-dies': {
    holds: (scene) => {
      scene.turned(0)
      scene.machine(1).mayDie = true
      scene.actor(1).fatal = 'disk write: input/output error'
      scene.turned(1)
    },
    breaks: {
      'by an assertion': (scene) => {
        scene.actor(0).fatal = 'assertion failed'
        scene.turned(0)
      },
    },
  },
  'answers-are-true': {
    holds: (scene) => {
      scene.commit(0, first, [leaf('a')])
      recorded(scene, 0)
      scene.answered(record('a', 2))
      scene.answered({ kind: 'read', member: 'beijing', statement: 'a', index: 2 })
      scene.answered({ kind: 'read', member: 'beijing', statement: 'b', index: undefined })
      scene.answered({ kind: 'rejected', member: 'beijing', statement: 'b', code: 'statement.key-reused' })
      // Settled already.
      scene.answered(receipt('a'))
      scene.answered(receipt(pending(scene, 0, true)))
    },
    breaks: {
      'a record that is not attested': (scene) => {
        scene.commit(0, first, [leaf('a')])
        recorded(scene, 0)
        scene.actor(0).replica.attested = attestation(scene, 2, root('2'), [])
        scene.answered(record('a', 2))
      },
      'a record at another index': (scene) => {
        scene.commit(0, first, [leaf('a')])
        recorded(scene, 0)
        scene.answered(record('a', 1))
      },
      'a record that the chain does not have': (scene) => {
        scene.commit(0, first, [leaf('b')])
        recorded(scene, 0)
        scene.answered(record('a', 2))
      },
      'a refusal that is a record': (scene) => {
        scene.commit(0, first, [leaf('a')])
        recorded(scene, 0)
        scene.actor(0).replica.store.indexOfRefusal = () => 2
        scene.answered({ kind: 'refusal', member: 'beijing', statement: 'a', index: 2, code: 'statement.key-reused' })
      },
      'a receipt that is not in the journal': (scene) => scene.answered(receipt(pending(scene, 0, false))),
      'a receipt of what nobody has': (scene) => {
        scene.actor(0)
        scene.answered(receipt('a'))
      },
      'a look-up of another statement': (scene) => {
        scene.commit(0, first, [leaf('a')])
        scene.answered({ kind: 'read', member: 'beijing', statement: 'b', index: 2 })
      },
    },
  },
  'all-alike-at-the-end': {
    holds: (scene) => {
      rest(scene)
      scene.answered(record('a', 0))
      scene.answered(receipt('a'))
      scene.answered({ kind: 'refusal', member: 'beijing', statement: 'b', index: 1, code: 'statement.key-reused' })
      scene.machine(3).isLost = true
      scene.actor(3).isStarted = false
      scene.machine(0).isDamaged = true
      scene.actor(0).replica.store.blockBytes = () => other.bytes
      scene.tell('finished')
    },
    breaks: {
      'another chain': (scene) => {
        rest(scene)
        const { committed } = scene.actor(1).replica.ledger
        scene.actor(1).replica.ledger.committed = { ...committed, block: ref(other) }
        scene.tell('finished')
      },
      'other bytes': (scene) => {
        rest(scene)
        scene.actor(1).replica.store.blockBytes = () => other.bytes
        scene.tell('finished')
      },
      'other rows of the same blocks': (scene) => {
        rest(scene)
        scene.actor(1).replica.store.applied = () => ({ sum: new Uint8Array(32).fill(1) })
        scene.tell('finished')
      },
      'leaves that do not make the root': (scene) => {
        rest(scene)
        scene.actor(2).replica.store.leaf = () => ({ bytes: utf8('another leaf'), height: 1 })
        scene.tell('finished')
      },
      'a leaf that is not there': (scene) => {
        rest(scene)
        scene.actor(2).replica.store.leaf = () => undefined
        scene.tell('finished')
      },
      'a record that is gone': (scene) => {
        rest(scene)
        scene.answered(record('a', 0))
        scene.actor(3).replica.store.indexOfStatement = () => undefined
        scene.tell('finished')
      },
      'a receipt that nobody answered': (scene) => {
        rest(scene)
        scene.answered(receipt('c'))
        scene.tell('finished')
      },
      'a statement that still waits': (scene) => {
        rest(scene)
        scene.actor(1).replica.pendingCount = 1
        scene.tell('finished')
      },
      'a hindrance': (scene) => {
        rest(scene)
        scene.actor(1).replica.hindrances.push('ledger.no-leader')
        scene.tell('finished')
      },
      'an uncommitted block': (scene) => {
        rest(scene)
        scene.actor(1).replica.raft.tail = ref(second)
        scene.tell('finished')
      },
      'an unattested tree': (scene) => {
        rest(scene)
        scene.actor(1).replica.attested = undefined
        scene.tell('finished')
      },
      'an honest member that does not run': (scene) => {
        rest(scene)
        scene.actor(1).isStarted = false
        scene.tell('finished')
      },
    },
  },
}
