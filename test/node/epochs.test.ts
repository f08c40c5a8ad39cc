/**
 * Rules 19 and 20 on whole nodes: members come, go and are replaced while the ledger is used, one or all at once, through crashes at any
 * moment. What closes an epoch here is a statement under a key that the world knows; in production no record does yet.
 */
import { describe, expect, it } from 'vitest'
import { readyMessage } from '../../src/chain/epoch.ts'
import { height } from '../../src/chain/numbers.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import type { Ready } from '../../src/node/replica.ts'
import { change, inEpoch, readied } from './governance.ts'
import { ReplicaWorld, type WorldOptions } from './replica-world.ts'

function started(options: WorldOptions = {}, memberCount = 4): ReplicaWorld {
  const world = new ReplicaWorld(memberCount, { cheapSignatures: true, joining: 1, ...options })
  world.startAll()
  world.electLeader()
  world.settle()
  return world
}

/** Statements at these members become records, and nothing is wrong anywhere. */
function goesOn(world: ReplicaWorld, ids: readonly string[], name = 'after'): void {
  for (const id of ids) {
    world.until(() => world.replica(id).hindrances.length === 0, `${id} works`)
    world.submit(id, world.statement('beijing', `${name} ${id}`))
  }
  world.settle()
  expect(world.faults).toEqual([])
  for (const id of ids) expect(world.unanswered(id), id).toEqual([])
}

describe('a node that is not in the list', () => {
  it('starts empty, follows, is ready, and is counted nowhere', () => {
    const world = started()
    for (let i = 0; i < 5; i++) world.submit('beijing', world.statement('beijing', `k${i}`))
    world.settle()
    const ready = readied(world, 'xiamen')
    const learner = world.replica('xiamen')
    expect(learner.hindrances).toEqual(['node.not-a-member'])
    expect(ready).toMatchObject({ epoch: 0, node: world.member('xiamen').member.node.id })
    expect(ready.signature).toEqual(world.sign('xiamen', 'seal', readyMessage(world.rules.context, ready.block)))
    const [one, two, three] = world.followers().filter((id) => id !== 'xiamen')
    world.submit(one!, world.statement('beijing', 'seen'))
    world.settle()
    expect(learner.store.indexOfStatement(world.promised.at(-1)!.statement)).toBeDefined()
    // Three of four are a quorum; two and the learner are none.
    world.kill(two!)
    world.kill(three!)
    world.submit(one!, world.statement('beijing', 'too few'))
    world.clock.advance(30_000)
    expect(world.promised.at(-1)!.pending.settlement).toBeUndefined()
    expect(world.leader()).toBeUndefined()
    // READY is the only word it may say, and no word of consensus.
    expect(world.signed.totalOf('xiamen')).toBe(0)
    world.start(two!)
    world.start(three!)
    world.settle()
    expect(world.faults).toEqual([])
  })

  it('signs no READY while it is behind', () => {
    const world = started()
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 12; j++) world.submit(world.ids[j % 4]!, world.statement('beijing', `k${i} ${j}`))
      world.clock.advance(100)
    }
    world.settle()
    world.start('xiamen')
    world.until(() => world.replica('xiamen').isStarted, 'started')
    let ready: Ready | undefined
    world.replica('xiamen').signReady((signed) => (ready = signed))
    world.clock.advance(5)
    expect(ready).toBeUndefined()
    expect(readied(world, 'xiamen').block.height).toBeGreaterThan(10)
  })
})

describe('a fifth member', () => {
  it('joins: q is recomputed, it votes, leads and signs, and everything is true under all restarts', () => {
    const world = started()
    const ready = readied(world, 'xiamen')
    const five = [...world.ids, 'xiamen']
    change(world, 'beijing', five, [ready])
    inEpoch(world, 1, five)
    goesOn(world, five)
    expect(world.replica('xiamen').epoch).toMatchObject({ number: 1, quorum: 4 })
    expect(world.replica('xiamen').hindrances).toEqual([])
    const { store, epoch } = world.replica('wuhan')
    const first = store.block(height(epoch.start.block.height + 1))!
    expect(first.header).toMatchObject({ epoch: 1, parent: epoch.start.block.id })
    expect(first.carried.attestation).toMatchObject({ size: epoch.start.size, root: epoch.start.root })
    expect(first.carried.base).toBeUndefined()
    // Two of five stopped: three are no quorum any more.
    for (const id of ['beijing', 'wuhan']) world.kill(id)
    world.submit('xiamen', world.statement('beijing', 'three of five'))
    world.clock.advance(20_000)
    expect(world.promised.at(-1)!.pending.settlement).toBeUndefined()
    for (const id of ['beijing', 'wuhan']) world.start(id)
    world.settle()
    for (const id of five) world.kill(id, (id.length % 4) as PhaseCount)
    for (const id of five) world.start(id)
    goesOn(world, five, 'after a power cut')
  })

  it('that never runs does not hold up the others, who are still a quorum', () => {
    const world = started()
    const ready = readied(world, 'xiamen')
    world.kill('xiamen')
    change(world, 'beijing', [...world.ids, 'xiamen'], [ready])
    inEpoch(world, 1, world.ids)
    goesOn(world, world.ids)
    world.start('xiamen')
    inEpoch(world, 1, ['xiamen'])
    goesOn(world, [...world.ids, 'xiamen'], 'with it')
  })
})

describe('a change of members', () => {
  it('that is not allowed is refused by a record, and everything stays as it was', () => {
    const world = started()
    change(world, 'beijing', [...world.ids, 'xiamen'], [])
    world.settle()
    expect(world.promised[0]!.pending.settlement).toMatchObject({ kind: 'refused', code: 'epoch.not-ready' })
    expect(world.replica('wuhan').epoch.number).toBe(0)
  })

  it('loses nothing that waits: statements behind it and on their way are answered in the next epoch', () => {
    const world = started()
    const ready = readied(world, 'xiamen')
    for (let i = 0; i < 40; i++) {
      if (i === 20) change(world, 'hangzhou', [...world.ids, 'xiamen'], [ready])
      for (const id of world.ids) world.submit(id, world.statement('beijing', `${i} ${id}`))
      if (i % 3 === 0) world.clock.advance(2)
    }
    inEpoch(world, 1, world.ids)
    goesOn(world, [...world.ids, 'xiamen'])
    expect(world.promised.length).toBeGreaterThan(100)
    expect(world.promised.every(({ pending }) => pending.settlement?.kind === 'record')).toBe(true)
  })

  it('removes the leader, which steps down, follows, and signs nothing more', () => {
    const world = started()
    const leader = world.leader()!
    const rest = world.ids.filter((id) => id !== leader)
    change(world, rest[0]!, rest, [])
    inEpoch(world, 1, world.ids)
    const signedBefore = world.signed.totalOf(leader)
    goesOn(world, rest)
    expect(world.replica(leader).raft.role).toBe('follower')
    expect(world.replica(leader).hindrances).toEqual(['node.not-a-member'])
    expect(world.signed.totalOf(leader)).toBe(signedBefore)
    expect(world.replica(rest[0]!).epoch.quorum).toBe(2)
    world.kill(leader)
    world.start(leader)
    world.submit(rest[1]!, world.statement('beijing', 'after its restart'))
    world.settle()
    expect(world.signed.totalOf(leader)).toBe(signedBefore)
    expect(world.replica(leader).epoch.number).toBe(1)
  })

  it('replaces a node whose disk was lost: the new one joins under new keys, the old id is of no use', () => {
    const world = started()
    const lost = world.followers()[0]!
    const before = world.member(lost).member.node.id
    world.renew(lost)
    const ready = readied(world, lost)
    expect(world.replica(lost).hindrances).toEqual(['node.not-a-member'])
    const gateway = world.ids.find((id) => id !== lost)!
    change(world, gateway, world.ids, [ready])
    inEpoch(world, 1, world.ids)
    goesOn(world, world.ids)
    const node = world.replica(gateway).epoch.members.find(({ id }) => id === lost)!.node
    expect(node.id).not.toBe(before)
    expect(world.signed.totalOf(world.member(lost).signer)).toBeGreaterThan(3)
  })

  it('replaces one node after the other, until all but one are new', () => {
    const world = started({ joining: 0 }, 3)
    for (const id of world.ids.slice(1)) {
      world.renew(id)
      const ready = readied(world, id)
      const epoch = world.replica('beijing').epoch.number
      change(world, 'beijing', world.ids, [ready], `close ${id}`)
      inEpoch(world, epoch + 1, world.ids)
      goesOn(world, world.ids, `after ${id}`)
    }
    expect(world.replica('beijing').epoch.number).toBe(2)
  })

  it('may hand the ledger to others altogether, all at once', () => {
    const world = started({ joining: 3 }, 2)
    const joiners = [...world.members.keys()].filter((id) => !world.ids.includes(id))
    const ready = joiners.map((id) => readied(world, id))
    change(world, 'beijing', joiners, ready)
    inEpoch(world, 1, [...world.ids, ...joiners])
    goesOn(world, joiners)
    for (const id of world.ids) world.kill(id)
    goesOn(world, joiners, 'alone')
  })

  it('reaches a learner that is started again between the end of an epoch and its attestation', () => {
    let found = 0
    for (let delay = 0; delay < 1_000 && found < 3; delay += 60) {
      const world = started({ seed: delay + 1 })
      readied(world, 'xiamen')
      world.clock.advance(delay)
      change(world, 'beijing', world.ids.slice(1), [])
      const hasEnded = (): boolean => world.replica('xiamen').ledger.committed.next !== undefined
      world.until(() => hasEnded() || world.replica('xiamen').epoch.number === 1, 'the end of epoch 0')
      if (!hasEnded()) continue
      found++
      world.kill('xiamen', 3)
      world.start('xiamen')
      inEpoch(world, 1, ['xiamen'])
      goesOn(world, world.ids.slice(1))
    }
    expect(found).toBe(3)
  })

  it('reaches a member that slept through it, and through the next, block by block from the old epoch on', () => {
    const world = started()
    const sleeper = world.followers()[0]!
    const others = world.ids.filter((id) => id !== sleeper)
    const ready = readied(world, 'xiamen')
    world.kill(sleeper)
    change(world, others[0]!, [...world.ids, 'xiamen'], [ready])
    inEpoch(world, 1, others)
    goesOn(world, others)
    change(world, others[1]!, world.ids, [], 'close again')
    inEpoch(world, 2, others)
    goesOn(world, others, 'in the third')
    world.start(sleeper)
    inEpoch(world, 2, [sleeper])
    goesOn(world, world.ids, 'awake')
    expect(world.replica('xiamen').hindrances).toContain('node.not-a-member')
  })
})

describe('crashes during the change', () => {
  for (const phases of [0, 1, 2, 3] as const satisfies readonly PhaseCount[]) {
    it(`of all, at any moment of it, ${phases} phases of a write done: one chain, no contradiction, every answer given`, () => {
      for (let delay = 0; delay < 60; delay += 4) {
        const world = started({ seed: delay + 1 })
        const ready = readied(world, 'xiamen')
        const five = [...world.ids, 'xiamen']
        for (const id of world.ids) world.submit(id, world.statement('beijing', `before ${id}`))
        change(world, 'beijing', five, [ready])
        for (const id of world.ids) world.submit(id, world.statement('beijing', `behind ${id}`))
        world.clock.advance(delay)
        for (const id of five) world.kill(id, ((phases + id.length) % 4) as PhaseCount)
        for (const id of five) world.start(id)
        world.settle(`after a cut at ${delay}`)
        // A crash before anybody had it in a journal is the submitter's to notice.
        if (world.replica('beijing').epoch.number === 0) change(world, 'beijing', five, [ready])
        inEpoch(world, 1, five)
        goesOn(world, five)
      }
    })
  }

  it('of one after the other, in turn', () => {
    const world = started()
    const ready = readied(world, 'xiamen')
    const five = [...world.ids, 'xiamen']
    change(world, 'beijing', five, [ready])
    world.until(() => world.promised.length === 1, 'a receipt')
    for (let i = 0; i < 20; i++) {
      const id = five[i % 5]!
      world.kill(id, (i % 4) as PhaseCount)
      world.clock.advance(7 * (i % 6))
      world.start(id)
      world.clock.advance(40)
    }
    inEpoch(world, 1, five)
    goesOn(world, five)
  })
})
