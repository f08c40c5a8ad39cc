/**
 * What a leader that lies could do so that whoever was away cannot follow: make the chain long where nothing in it proves a block. Of one block in
 * so many the LOCKs that committed it are kept, and shown to whoever catches up (`certificateEveryBlocks`).
 */
import { describe, expect, it } from 'vitest'
import { assembleBatch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import { assembleBlock, blockSealMessage, refOfBlock } from '../../src/chain/block.ts'
import {
  type AckCertificate,
  type BlockCertificate,
  type ElectionCertificate,
  type Signable,
  signableMessage,
} from '../../src/chain/certificate.ts'
import { encodeEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import { execute, itemReader } from '../../src/chain/execution.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { catchUpUnprovenMax, certificateEveryBlocks } from '../../src/node/limits.ts'
import type { WireMessage } from '../../src/node/wire.ts'
import { type Impostor, ReplicaWorld } from './replica-world.ts'

const liar = 'wuhan'
const here = ['beijing', 'guangzhou']
const away = 'hangzhou'

interface Scene {
  readonly world: ReplicaWorld
  readonly enemy: Impostor
}

/** Three honest members, and a liar that runs no node. */
function scene(): Scene {
  const world = new ReplicaWorld(4, { cheapSignatures: true })
  for (const id of [...here, away]) world.start(id)
  world.electLeader()
  for (const id of here) world.submit(id, world.statement('beijing', `known ${id}`))
  world.settle()
  const enemy = world.impostor(liar)
  world.clock.advance(500)
  return { world, enemy }
}

type Signed = { readonly member: string; readonly signature: Uint8Array }

/**
 * Terms of one empty block each, on acknowledgements, by a leader that hands over to itself. How it came to lead is not told; from then on
 * all that others sign they sign themselves.
 */
class SelfElected {
  readonly #scene: Scene
  #base
  #certificate: BlockCertificate

  constructor(of: Scene) {
    this.#scene = of
    const { lock } = of.world.replica('beijing').raft
    this.#base = lock.block
    this.#certificate = lock.certificate!
  }

  term(): void {
    const { world, enemy } = this.#scene
    const { raft, ledger } = world.replica('beijing')
    const [base, inTerm] = [this.#base, term(raft.term + 1)]
    const vote = { kind: 'vote', term: inTerm, candidate: liar, base } as const
    for (const id of here) {
      enemy.send(id, { kind: 'handover', term: raft.term, to: liar })
      enemy.send(id, { kind: 'vote-request', term: inTerm, base, certificate: this.#certificate, handover: true })
    }
    const election = this.#certificateOf(
      vote,
      (message) =>
        message.kind === 'vote-reply' && message.vote?.signed.term === inTerm ? message.vote.signature : undefined,
      ledger.committed.leader === liar ? [] : here,
    ) as ElectionCertificate
    const parent = ledger.point(base.id)!
    const carried = { election, base: this.#certificate }
    const time = Math.max(world.clock.wall(), parent.time)
    const proposal = { term: inTerm, time, leader: liar, carried, batches: [] }
    const { header } = execute(parent, proposal, world.rules, itemReader(world.genesis.ledger))
    const seal = world.sign(liar, 'seal', blockSealMessage(world.rules.context, header))
    const block = assembleBlock(header, seal, carried, [])
    for (const id of here) enemy.send(id, { kind: 'block', block: block.bytes }, 'append')
    const ref = refOfBlock(block)
    this.#certificate = this.#certificateOf({ kind: 'ack', base, block: ref }, (message) =>
      message.kind === 'ack' && message.block.id === ref.id ? message.signature : undefined,
    ) as AckCertificate
    const signature = this.#sign({ kind: 'lock', block: ref })
    for (const id of here) {
      enemy.send(id, { kind: 'certified', certificate: this.#certificate })
      enemy.send(id, { kind: 'lock', block: ref, signature })
    }
    world.until(() => raft.commit >= ref.height, 'committed')
    this.#base = ref
  }

  #sign(signed: Signable, by = liar): Uint8Array {
    const { world } = this.#scene
    return world.sign(by, 'seal', signableMessage(world.rules.context, signed))
  }

  /** Of the liar, and of the two that are here as soon as they have answered. */
  #certificateOf(
    signed: Signable,
    signatureIn: (message: WireMessage) => Uint8Array | undefined,
    given: readonly string[] = [],
  ) {
    const { world, enemy } = this.#scene
    const by = new Map<string, Signed>()
    for (const member of [liar, ...given]) by.set(member, { member, signature: this.#sign(signed, member) })
    enemy.received.length = 0
    world.until(() => {
      for (const { from, message } of enemy.received) {
        const signature = signatureIn(message)
        if (signature !== undefined) by.set(from, { member: from, signature })
      }
      return here.every((id) => by.has(id))
    }, `both have signed a ${signed.kind}`)
    const signatures = [...by.values()].sort((a, b) => (a.member < b.member ? -1 : 1))
    return { signed, signatures }
  }
}

/** The liar falls silent; who was away comes back, and is needed. */
function comesBack({ world, enemy }: Scene): void {
  enemy.stop()
  world.start(away)
  world.until(() => world.replica(away).isStarted, 'started')
  world.clock.advance(10_000)
  for (const id of [...here, away]) world.submit(id, world.statement('beijing', `after ${id}`))
  world.settle('all three go on')
  expect(world.faults).toEqual([])
}

describe('more blocks than anybody holds on trust, of which the chain proves none', () => {
  const count = catchUpUnprovenMax + 700

  it('one in each of so many terms, by a leader that hands over to itself', () => {
    const of = scene()
    of.world.kill(away, 3)
    const first = of.world.replica('beijing').raft.commit
    const lying = new SelfElected(of)
    for (let i = 0; i < count; i++) lying.term()
    const { store, raft } = of.world.replica('beijing')
    for (let at = first + 2; at <= raft.commit; at++) {
      expect(store.block(height(at))!.carried.base?.signed.kind).toBe('ack')
    }
    comesBack(of)
  }, 120_000)

  it('in one term, by a member that brings batches of what is known', () => {
    const of = scene()
    const { world, enemy } = of
    const leader = world.leader()!
    const { store, raft } = world.replica(leader)
    const first = raft.commit
    let previous = zeroDigestHex
    for (let number = 0; number < certificateEveryBlocks + 50; number++) {
      const statement = world.statement('beijing', 'known beijing')
      const entry = encodeEntry({ member: liar, receivedAt: world.clock.wall(), statement })
      const header = { member: liar, incarnation: 7, number, previous }
      const items = [batchItem(entry, true)]
      const message = batchMessage(world.rules.context, header, items)
      const batch = assembleBatch(header, items, message, world.sign(liar, 'seal', message))
      previous = batch.hash
      enemy.send(leader, { kind: 'batch', handOn: false, batch: batch.bytes }, 'append')
      world.clock.advance(20)
    }
    const kept = Array.from({ length: raft.commit - first }, (_, i) => store.certificate(height(first + i + 1)))
    expect(kept.filter((each) => each !== undefined).length).toBeGreaterThanOrEqual(1)
  }, 120_000)
})

it('who caught up has the attestations that the chain carries, and can prove to another what it holds', () => {
  const world = new ReplicaWorld(4, { cheapSignatures: true })
  const all = [...here, away]
  for (const id of all) world.start(id)
  world.electLeader()
  const { raft } = world.replica('beijing')
  for (let i = 0; raft.commit < 120; i++) {
    world.submit('beijing', world.statement('beijing', `k${i}`))
    world.clock.advance(30)
  }
  world.settle()
  world.start(liar)
  world.settle('the fourth caught up')
  const { store } = world.replica(liar)
  const carried = Array.from({ length: raft.commit }, (_, i) => store.block(height(i + 1))!.carried.attestation)
  const sizes = carried.flatMap((attestation) => (attestation === undefined ? [] : [attestation.size]))
  expect(sizes.length).toBeGreaterThan(40)
  expect(sizes.filter((size) => store.attestation(size) === undefined)).toEqual([])
})
