/** Who leads, who seals, and how a term rises. */

import type { Batch } from '../../../src/chain/batch.ts'
import { refOfBlock } from '../../../src/chain/block.ts'
import type { ElectionCertificate } from '../../../src/chain/certificate.ts'
import { height, term } from '../../../src/chain/numbers.ts'
import type { VoteRequest } from '../../../src/consensus/message.ts'
import { block, type Case, genesisId, ref, type Scene, vote } from './scene.ts'

const genesis = { term: term(0), height: height(0), id: genesisId }
const first = block()
const second = block({ on: first })

function election(scene: Scene, at: number, leader: number, by: readonly (number | string)[]): ElectionCertificate {
  const { ids } = scene.world
  return {
    signed: { kind: 'vote', term: term(at), candidate: ids[leader]!, base: genesis },
    signatures: by.map((voter) => ({
      member: typeof voter === 'string' ? voter : ids[voter]!,
      signature: new Uint8Array(64),
    })),
  }
}

/** This member leads this term by these votes. */
function lead(scene: Scene, leader: number, at: number, by: readonly (number | string)[]): void {
  const { raft } = scene.actor(leader).replica
  Object.assign(raft, { role: 'leader', term: at, election: election(scene, at, leader, by) })
  scene.turned(leader)
}

function voteAll(scene: Scene, voters: readonly number[], at: number, candidate: number): void {
  scene.words(voters, vote(at, scene.world.ids[candidate]!))
}

function enter(scene: Scene, n: number, at: number, candidate: number | null): void {
  const { raft } = scene.actor(n).replica
  raft.term = at
  raft.vote = { term: at, candidate: candidate === null ? null : scene.world.ids[candidate]!, base: null }
  scene.turned(n)
}

/** This member answers a heartbeat of its leader. */
function hear(scene: Scene, n: number, leader: number, at: number): void {
  scene.sent(n, leader, {
    kind: 'heartbeat-reply',
    term: term(at),
    ownTerm: term(at),
    position: { height: height(0), id: genesisId },
    lock: genesis,
    commit: height(0),
    round: 1,
  })
}

const seal = (of: ReturnType<typeof block>): Parameters<Scene['word']>[1] => ({
  kind: 'SEAL',
  epoch: 0,
  term: of.header.term,
  height: of.header.height,
  parent: of.header.parent,
  time: of.header.time,
  digest: of.id,
})

/** Makes this member's node the leader of this term, with this tail. */
function sealer(scene: Scene, n: number, at: number, tail = { term: 0, height: 0, id: genesisId }): void {
  Object.assign(scene.actor(n).replica.raft, { role: 'leader', term: at, tail })
}

function opening(
  scene: Scene,
  by: readonly number[],
  changes: Partial<Parameters<typeof block>[0]> = {},
): ReturnType<typeof block> {
  return block({ leader: 'guangzhou', carried: { election: election(scene, 1, 1, by) }, ...changes })
}

/** A second term on the first block of the first, with or without a certificate of that. */
function reopen(scene: Scene, isCertified: boolean): void {
  voteAll(scene, [0, 1, 2], 1, 1)
  const opened = opening(scene, [0, 1, 2])
  scene.commit(0, opened)
  scene.words([0, 1, 2], vote(2, 'beijing', ref(opened)))
  const { signatures } = election(scene, 2, 0, [0, 1, 2])
  const base = refOfBlock(opened)
  const elected = { signed: { kind: 'vote', term: term(2), candidate: 'beijing', base }, signatures } as const
  const certificate = { signed: { kind: 'lock', block: base }, signatures } as const
  const carried = { election: elected, ...(isCertified ? { base: certificate } : {}) }
  scene.commit(0, block({ on: opened, term: 2, carried }))
}

export const termCases: Readonly<Record<string, Case>> = {
  'leader-is-elected': {
    holds: (scene) => {
      voteAll(scene, [0, 1, 2], 1, 0)
      lead(scene, 0, 1, [0, 1, 2])
      scene.machine(3).isLiar = true
      voteAll(scene, [1, 2], 2, 1)
      lead(scene, 1, 2, [1, 2, 3])
    },
    breaks: {
      'by two votes of four': (scene) => {
        voteAll(scene, [0, 1], 1, 0)
        lead(scene, 0, 1, [0, 1])
      },
      'by the vote of a stranger': (scene) => {
        voteAll(scene, [0, 1], 1, 0)
        lead(scene, 0, 1, [0, 1, 'a learner'])
      },
      'by a vote that was never given': (scene) => {
        voteAll(scene, [0, 1], 1, 0)
        lead(scene, 0, 1, [0, 1, 2])
      },
      'by the certificate of another term': (scene) => {
        voteAll(scene, [0, 1, 2], 1, 0)
        lead(scene, 0, 1, [0, 1, 2])
        scene.actor(0).replica.raft.term = 2
        scene.turned(0)
      },
      'two in one term': (scene) => {
        voteAll(scene, [0, 1, 2], 1, 0)
        lead(scene, 0, 1, [0, 1, 2])
        voteAll(scene, [1, 2, 3], 1, 1)
        lead(scene, 1, 1, [1, 2, 3])
      },
    },
  },
  'leader-is-complete': {
    holds: (scene) => {
      scene.commit(0, first)
      scene.commit(0, block({ on: first, term: 5 }))
      const { raft } = scene.actor(1).replica
      raft.has = ({ id }) => id === first.id
      // What a higher term committed it need not have.
      lead(scene, 1, 3, [])
      lead(scene, 0, 6, [])
    },
    breaks: {
      'without a block of a lower term': (scene) => {
        scene.commit(0, first)
        scene.commit(0, second)
        const { raft } = scene.actor(1).replica
        raft.has = ({ id }) => id === first.id
        lead(scene, 1, 2, [])
      },
    },
  },
  'only-the-leader-seals': {
    holds: (scene) => {
      sealer(scene, 0, 1)
      scene.word(0, seal(first))
      sealer(scene, 0, 1, ref(first))
      scene.word(0, seal(second))
      scene.restart(0)
      sealer(scene, 0, 2, ref(second))
      scene.word(0, seal(block({ term: 2, on: second })))
    },
    breaks: {
      'a follower': (scene) => {
        scene.actor(0).replica.raft.term = 1
        scene.word(0, seal(first))
      },
      'in another term than its own': (scene) => {
        sealer(scene, 0, 2)
        scene.word(0, seal(first))
      },
      'beside its tail': (scene) => {
        sealer(scene, 0, 1, ref(second))
        scene.word(0, seal(second))
      },
      'in its old term after a restart': (scene) => {
        sealer(scene, 0, 1)
        scene.word(0, seal(first))
        scene.restart(0)
        sealer(scene, 0, 1, ref(first))
        scene.word(0, seal(second))
      },
    },
  },
  'first-block-of-term': {
    holds: (scene) => {
      voteAll(scene, [0, 1, 2], 1, 1)
      const opened = opening(scene, [0, 1, 2])
      scene.commit(0, opened)
      scene.commit(0, block({ on: opened, leader: 'guangzhou' }))
    },
    breaks: {
      'without an election': (scene) => scene.commit(0, first),
      'with batches': (scene) => {
        voteAll(scene, [0, 1, 2], 1, 1)
        scene.commit(0, opening(scene, [0, 1, 2], { batches: [batch] }))
      },
      'with a vote that was never given': (scene) => {
        voteAll(scene, [0, 1], 1, 1)
        scene.commit(0, opening(scene, [0, 1, 2]))
      },
      'with too few votes': (scene) => {
        voteAll(scene, [0, 1], 1, 1)
        scene.commit(0, opening(scene, [0, 1]))
      },
      'by another leader than the elected': (scene) => {
        voteAll(scene, [0, 1, 2], 1, 1)
        scene.commit(0, opening(scene, [0, 1, 2], { leader: 'beijing' }))
      },
      'on another base than the elected': (scene) => {
        voteAll(scene, [0, 1, 2], 1, 1)
        const opened = opening(scene, [0, 1, 2])
        scene.commit(0, opened)
        voteAll(scene, [0, 1, 2], 2, 0)
        scene.commit(0, block({ on: opened, term: 2, carried: { election: election(scene, 2, 0, [0, 1, 2]) } }))
      },
      'without a certificate of its base': (scene) => reopen(scene, false),
      'with a certificate of its base that nobody signed': (scene) => reopen(scene, true),
      'and then another leader in it': (scene) => {
        voteAll(scene, [0, 1, 2], 1, 1)
        const opened = opening(scene, [0, 1, 2])
        scene.commit(0, opened)
        scene.commit(0, block({ on: opened, leader: 'beijing' }))
      },
    },
  },
  'terms-rise-by-right': {
    holds: (scene) => {
      scene.turned(0)
      enter(scene, 0, 1, 0)
      voteAll(scene, [1, 2, 3], 2_000, 1)
      enter(scene, 0, 2_000, null)
      // Its leader is heard, and hands over.
      hear(scene, 0, 1, 2_000)
      scene.sent(1, 0, { kind: 'handover', term: term(2_000), to: scene.world.ids[2]! })
      enter(scene, 0, 2_001, 2)
      // It was heard, and long ago.
      hear(scene, 0, 2, 2_001)
      scene.world.clock.advance(1_000)
      enter(scene, 0, 2_002, 3)
      // As near as a request may bring it.
      scene.sent(1, 0, request(9_000))
      enter(scene, 0, 3_002, null)
    },
    breaks: {
      'for a hint': (scene) => {
        scene.turned(0)
        enter(scene, 0, 1, null)
      },
      'by too much': (scene) => {
        scene.turned(0)
        enter(scene, 0, 1_001, 1)
      },
      'by too much for a request out of reach': (scene) => {
        scene.turned(0)
        scene.sent(1, 0, request(9_000))
        enter(scene, 0, 1_001, null)
      },
      'to the very term of a request, without a vote': (scene) => {
        scene.turned(0)
        scene.sent(1, 0, request(7))
        enter(scene, 0, 7, null)
      },
      'for a candidate while the leader is heard': (scene) => {
        voteAll(scene, [1, 2, 3], 1, 1)
        scene.turned(0)
        enter(scene, 0, 1, null)
        hear(scene, 0, 1, 1)
        enter(scene, 0, 2, 2)
      },
    },
  },
}

const request = (at: number): VoteRequest => ({ kind: 'vote-request', term: term(at), base: genesis, handover: false })

const batch = {
  member: 'beijing',
  hash: '1'.repeat(64),
  signature: new Uint8Array(64),
  bytes: new Uint8Array(8),
} as unknown as Batch
