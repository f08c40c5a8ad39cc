/**
 * Rules in force by height on whole nodes: three members' software knows a type that is activated, the fourth's does not. That node says so from
 * the block that schedules it, works on until the height, and stops there without having voted for or signed anything above; the others go on,
 * and with newer software it comes back.
 */
import { describe, expect, it } from 'vitest'
import { families } from '../../src/chain/catalogue/families.ts'
import { height as toHeight } from '../../src/chain/numbers.ts'
import { Queries } from '../../src/node/queries.ts'
import { trialFamily } from '../chain/trial-family.ts'
import { ReplicaWorld } from './replica-world.ts'

const types = ['trial.record@1']

interface Setting {
  readonly world: ReplicaWorld
  readonly old: string
  /** Members whose software knows the type; changes count from their next start. */
  readonly updated: Set<string>
  readonly height: number
}

/** Four nodes, of which `old` — a follower, or the leader — has older software, and a type scheduled ten blocks ahead. */
function scheduled(role: 'leader' | 'follower', seed: number): Setting {
  const updated = new Set<string>()
  const world = new ReplicaWorld(4, {
    cheapSignatures: true,
    seed,
    parameters: { readyDistanceBlocksMax: 4 },
    knows: (id) => (updated.has(id) ? [...families, trialFamily] : families),
  })
  world.startAll()
  const leader = world.electLeader()
  world.settle()
  const old = role === 'leader' ? leader : world.followers()[0]!
  for (const id of world.ids) {
    if (id === old) continue
    updated.add(id)
    world.stop(id)
    world.start(id)
    world.settle(`${id} is back`)
  }
  if (role === 'leader') {
    world.until(() => world.leader() === old || handOver(world), 'the old one leads', 600_000)
    world.settle()
  }
  const height = world.replica(old).ledger.committed.block.height + 10
  for (const id of [...updated]) world.submit(id, world.centreStatement(id, 'rules.activate@1', 'a', { types, height }))
  world.until(() => world.running.every((replica) => scheduledAt(replica) === height), 'scheduled everywhere')
  return { world, old, updated, height }
}

/** What this member signed about a block of this height or above: votes on such a base, acknowledgements, locks, seals. */
function signedFrom(world: ReplicaWorld, id: string, from: number): readonly string[] {
  return world.signed.wordsOf(id).flatMap((word) => {
    if (word.kind === 'VOTE') return word.base.height >= from ? ['VOTE'] : []
    if (word.kind === 'SEAL') return word.height >= from ? ['SEAL'] : []
    return (word.kind === 'ACK' || word.kind === 'LOCK') && word.block.height >= from ? [word.kind] : []
  })
}

const scheduledAt = ({ ledger }: ReplicaWorld['running'][number]): number | undefined =>
  ledger.rules.catalogue.standings(ledger.committed.state).find(({ name }) => name === types[0])?.from

function queriesOf(world: ReplicaWorld, id: string): Queries {
  const replica = world.replica(id)
  const { rules } = replica.ledger
  return new Queries(
    { rules, member: id, node: world.member(id).member.node.id, version: 'test' },
    { clock: world.clock, signer: {} as never, replica, metrics: async () => '' },
  )
}

/** Leadership goes round until it lands where the test wants it. */
function handOver(world: ReplicaWorld): false {
  const leader = world.leader()
  if (leader === undefined) return false
  world.replica(leader).raft.handOver()
  world.clock.advance(50)
  return false
}

/** Records one after the other, each in a block of its own, until the old node has stopped. */
function untilStopped({ world, old, updated }: Setting): void {
  const [via] = updated
  for (let i = 0; i < 200 && world.member(old).fatal === undefined; i++) {
    world.submit(via!, world.statement(via!, `after ${i}`))
    world.clock.advance(500)
  }
  expect(world.member(old).fatal).toMatch(/from block \d+ on .*trial\.record@1/)
}

describe.each(['follower', 'leader'] as const)('an old %s among three newer members', (role) => {
  const setting = scheduled(role, role === 'leader' ? 7 : 3)
  const { world, old, updated, height } = setting
  const [via] = [...updated]

  it('says so as soon as the type is scheduled, and works on', () => {
    expect(world.replica(old).hindrances).toEqual(['ledger.rules-unknown'])
    expect(world.replica(old).rulesAhead).toEqual({ height, types })
    expect(world.log.filter((line) => line.includes(`${old} rules unknown`))).toHaveLength(1)
    for (const id of updated) expect(world.replica(id).hindrances).toEqual([])
    expect(queriesOf(world, old).status().scheduled).toEqual([{ name: types[0], from: height, known: false }])
    expect(queriesOf(world, via!).status().scheduled).toEqual([{ name: types[0], from: height, known: true }])
    expect(queriesOf(world, old).types().at(-1)).toEqual({ name: types[0], from: height, inForce: false, schema: null })
    const early = world.submit(via!, world.centreStatement(via!, 'trial.record@1', 'early', { words: 'early' }))
    world.clock.advance(200)
    expect(early.result).toMatchObject({ kind: 'refused', code: 'type.unknown' })
  })

  it('stops before the height, having signed nothing at or above it, and the others go on', () => {
    untilStopped(setting)
    const from = toHeight(height)
    const { store, ledger } = world.replica(old)
    expect(ledger.committed.block.height).toBeLessThan(height)
    expect(store.holdsBlock(from)).toBe(false)
    expect(signedFrom(world, old, from)).toEqual([])
    const [said] = world.log.filter((line) => line.startsWith(`${old} FATAL`))
    expect(said).not.toContain('\n') // a sentence for a person, not the place in our code
    world.kill(old)
    const taken = world.submit(via!, world.centreStatement(via!, 'trial.record@1', 'on time', { words: 'on time' }))
    world.until(() => taken.result?.kind === 'taken' && taken.result.pending.settlement !== undefined, 'a record of it')
    world.until(() => world.running.every(({ pendingCount }) => pendingCount === 0), 'all answered')
    expect(world.replica(via!).ledger.committed.block.height).toBeGreaterThanOrEqual(height)
    expect(signedFrom(world, via!, from).length).toBeGreaterThan(0)
    expect(queriesOf(world, via!).status().scheduled).toEqual([])
    expect(queriesOf(world, via!).types().at(-1)).toMatchObject({ name: types[0], inForce: true })
    expect(world.signed.contradictions).toEqual([])
  })

  it('does not start again where only newer software can go on', () => {
    for (let i = 0; i < 3; i++) {
      world.start(old)
      world.until(() => world.member(old).fatal !== undefined, 'it stops again')
      expect(world.member(old).fatal).toContain('trial.record@1')
      expect(world.signed.contradictions).toEqual([])
      world.kill(old)
    }
  })

  it('comes back with newer software, and has lost nothing', () => {
    updated.add(old)
    world.start(old)
    world.settle('all four again')
    const again = world.submit(old, world.centreStatement(old, 'trial.record@1', 'back', { words: 'back' }))
    world.settle()
    expect(again.result?.kind).toBe('taken')
    for (const id of world.ids) expect(world.unanswered(id), id).toEqual([])
    expect(world.faults.filter((fault) => !fault.includes(`${old} FATAL`))).toEqual([])
  })
})

describe('an old node', () => {
  it.each([11, 12, 13, 14])('that is busy when the height comes signs nothing at or above it (seed %i)', (seed) => {
    const setting = scheduled(seed % 2 === 0 ? 'leader' : 'follower', seed)
    const { world, old, updated, height } = setting
    // Blocks in flight: the next is there before the last is committed, or attested.
    for (let i = 0; world.member(old).fatal === undefined && i < 3_000; i++) {
      const via = [...updated][i % updated.size]!
      if (i % 3 === 0) world.submit(via, world.statement(via, `busy ${i}`))
      world.clock.advance(7)
    }
    expect(world.member(old).fatal).toMatch(/trial\.record@1/)
    expect(signedFrom(world, old, height)).toEqual([])
    world.kill(old)
    updated.add(old)
    world.start(old)
    world.settle()
    expect(world.faults.filter((fault) => !fault.includes(`${old} FATAL`))).toEqual([])
  })

  it.each([31, 32, 33])(
    'that gets the block of that height before it has committed the last, stops there (seed %i)',
    (seed) => {
      const { world, old, updated, height } = scheduled('follower', seed)
      world.member(old).deafTo = new Set(['lock', 'certified', 'cosignature', 'attestation'])
      const [via] = [...updated]
      for (let i = 0; world.member(old).fatal === undefined && i < 100; i++) {
        world.submit(via!, world.statement(via!, `fast ${i}`))
        world.clock.advance(200)
      }
      expect(world.member(old).fatal).toMatch(/trial\.record@1/)
      expect(world.replica(old).ledger.committed.block.height).toBeLessThan(height - 1)
      expect(signedFrom(world, old, height)).toEqual([])
    },
  )

  it('that was away while the height passed fetches no further than to it, and votes for nothing beyond', () => {
    const { world, old, updated, height } = scheduled('follower', 21)
    const [via, other] = [...updated]
    world.kill(old)
    for (let i = 0; world.replica(via!).ledger.committed.block.height < height + 5; i++) {
      world.submit(via!, world.statement(via!, `meanwhile ${i}`))
      world.clock.advance(500)
    }
    // Two of the three that know: whoever wants to lead needs this node's vote.
    world.kill(world.leader()!)
    world.start(old)
    world.until(() => world.member(old).fatal !== undefined, 'it stops')
    expect(world.member(old).fatal).toMatch(/trial\.record@1/)
    expect(signedFrom(world, old, height)).toEqual([])
    expect(world.replica(old).ledger.committed.block.height).toBeLessThan(height)
    world.kill(old)
    updated.add(old)
    world.start(old)
    for (const id of [via!, other!, ...updated]) if (world.member(id).replica === undefined) world.start(id)
    world.settle()
    expect(world.faults.filter((fault) => !fault.includes(`${old} FATAL`))).toEqual([])
  })
})
