/**
 * Rule 22 on whole nodes: a quorum is gone for good, governance goes on from the last attested head, and what stood above it is void. Whoever
 * comes back from the old quorum is shown the certificate and signs nothing more in the epoch that it ended.
 */
import { describe, expect, it } from 'vitest'
import { epochOf } from '../../src/chain/execution.ts'
import { height } from '../../src/chain/numbers.ts'
import type { Refounding } from '../../src/chain/refounding.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import { goingOn, inEpoch, refounding, take } from './governance.ts'
import { ReplicaWorld, type WorldOptions } from './replica-world.ts'

function started(options: WorldOptions = {}, memberCount = 4): ReplicaWorld {
  const world = new ReplicaWorld(memberCount, { joining: 2, ...options })
  world.startAll()
  world.electLeader()
  for (let i = 0; i < 5; i++) world.submit('beijing', world.statement('beijing', `attested ${i}`))
  world.settle()
  return world
}

/** These two are gone with their disks; the two that are left, and two others, are to go on. */
function lost(
  world: ReplicaWorld,
  gone: readonly string[],
  going: readonly string[],
  by = world.ids.slice(0, 3),
): Refounding {
  const shown = refounding(world, going.find((id) => world.ids.includes(id))!, by, goingOn(world, going))
  take(world, shown, going, gone)
  return shown
}

function goesOn(world: ReplicaWorld, ids: readonly string[], name = 'after'): void {
  for (const id of ids) {
    world.until(() => world.replica(id).hindrances.length === 0, `${id} works`)
    world.submit(id, world.statement('beijing', `${name} ${id}`))
  }
  world.settle()
  expect(world.faults).toEqual([])
  for (const id of ids) expect(world.unanswered(id), id).toEqual([])
}

describe('a quorum that is gone for good', () => {
  it('is replaced: the others go on from the last attested head, with those who join, and everything up to it is there', () => {
    const world = started()
    const before = world.replica('guangzhou').attested!
    const going = ['beijing', 'guangzhou', 'xiamen', 'nanning']
    lost(world, ['hangzhou', 'wuhan'], going)
    for (const id of going) world.start(id)
    inEpoch(world, 1, going)
    goesOn(world, going)
    const { store, epoch, ledger } = world.replica('xiamen')
    expect(epoch).toMatchObject({ number: 1, quorum: 3, start: { size: before.size, root: before.root } })
    const first = store.block(height(epoch.start.block.height + 1))!
    expect(first.carried.refounding).toEqual(epoch.refounding)
    expect(first.carried.attestation).toBeUndefined()
    expect(ledger.committed.frontier.size).toBeGreaterThan(before.size)
    for (let i = 0; i < 5; i++) {
      expect(store.indexOfStatement(world.promised[i]!.statement), `attested ${i}`).toBeDefined()
    }
    for (const id of going) world.kill(id, (id.length % 4) as PhaseCount)
    for (const id of going) world.start(id)
    goesOn(world, going, 'after a power cut')
  })

  it('with all its blocks above the head: they are void, undone where they were applied, and come again from whoever still has them', () => {
    const world = started()
    const going = ['beijing', 'guangzhou', 'xiamen']
    // The certificate is over this head; the ledger goes on before anybody hears of it.
    const shown = refounding(world, 'beijing', ['beijing', 'guangzhou', 'wuhan'], goingOn(world, going))
    for (const id of world.ids) world.submit(id, world.statement('beijing', `void ${id}`))
    world.settle()
    const voided = world.promised.slice(5)
    expect(world.replica('beijing').attested!.size).toBeGreaterThan(shown.start.size)
    take(world, shown, going, ['hangzhou', 'wuhan'])
    for (const id of going) world.start(id)
    inEpoch(world, 1, going)
    expect(world.replica('beijing').attested).toMatchObject({ size: shown.start.size })
    for (const { statement } of voided)
      expect(world.replica('beijing').store.indexOfStatement(statement)).toBeUndefined()
    expect(world.replica('beijing').store.attestation(shown.start.size + 2)).toBeUndefined()
    for (const id of going) world.until(() => world.replica(id).hindrances.length === 0, `${id} works`)
    // Submitted again, they are records as any other.
    world.submit('xiamen', world.statement('beijing', 'void wuhan'))
    world.settle()
    expect(world.promised.at(-1)!.pending.settlement).toMatchObject({ kind: 'record' })
    expect(world.faults).toEqual([])
  })

  it('that comes back is shown the certificate: it stops, and at its next start follows, with nothing of what it held above', () => {
    const world = started()
    const going = ['beijing', 'guangzhou', 'xiamen']
    const old = ['hangzhou', 'wuhan']
    lost(world, ['hangzhou', 'wuhan'], going)
    for (const id of going) world.start(id)
    inEpoch(world, 1, going)
    goesOn(world, going)
    const signedBefore = old.map((id) => world.signed.totalOf(id))
    for (const id of old) world.start(id)
    world.until(() => old.every((id) => world.member(id).fatal?.includes('start again') === true), 'both were shown it')
    for (const id of old) {
      world.kill(id)
      world.start(id)
    }
    world.log.length = 0
    inEpoch(world, 1, old)
    world.submit('xiamen', world.statement('beijing', 'followed'))
    world.settle()
    for (const id of old) {
      expect(world.replica(id).hindrances, id).toEqual(['node.not-a-member'])
      expect(world.replica(id).store.indexOfStatement(world.promised.at(-1)!.statement), id).toBeDefined()
    }
    expect(old.map((id) => world.signed.totalOf(id))).toEqual(signedBefore)
    expect(world.signed.contradictions).toEqual([])
  })
})

function restart(world: ReplicaWorld, id: string): void {
  world.kill(id)
  world.start(id)
  world.log.splice(0, world.log.length, ...world.log.filter((line) => !line.includes('FATAL')))
}

describe('a re-founding', () => {
  it('is entered once for all, through a crash at any moment of it', () => {
    for (let delay = 0; delay < 16; delay++) {
      const world = started({ seed: delay + 1 })
      const going = ['beijing', 'guangzhou', 'xiamen']
      world.submit('beijing', world.statement('beijing', 'on its way'))
      lost(world, ['hangzhou', 'wuhan'], going)
      for (const id of going) world.start(id)
      world.clock.advance(delay)
      for (const id of going) world.kill(id, (delay % 4) as PhaseCount)
      // The operators' files are gone again: what the disk has written holds.
      if (delay > 12) for (const id of ['beijing', 'guangzhou']) world.member(id).refoundings = []
      for (const id of going) world.start(id)
      world.until(() => {
        // Who is shown it by another ends, and is started again.
        for (const id of going) if (world.member(id).fatal !== undefined) restart(world, id)
        return going.every((id) => world.member(id).replica?.isStarted === true && world.replica(id).epoch.number === 1)
      }, 'all in epoch 1')
      goesOn(world, going)
    }
  })

  it('that does not hold stops the start of whoever is given it, in so many words', () => {
    const world = started()
    const going = ['beijing', 'guangzhou', 'xiamen']
    lost(world, ['hangzhou', 'wuhan'], going, ['beijing', 'guangzhou'])
    world.start('beijing')
    world.clock.advance(1_000)
    expect(world.member('beijing').fatal).toContain('2 of the 3 signatures it needs are good')
  })

  it('is nothing to a ledger that has gone on by itself into the next epoch', () => {
    const world = started()
    const three = ['beijing', 'guangzhou', 'wuhan']
    world.closings.set('close', { members: three.map((id) => world.member(id).member), ready: new Map() })
    const late = refounding(world, 'wuhan', three, goingOn(world, ['beijing', 'guangzhou', 'xiamen']))
    world.submit('beijing', world.statement('beijing', 'close'))
    inEpoch(world, 1, three)
    world.settle()
    expect(epochOf(world.replica('wuhan').ledger.rules).refounding).toBeUndefined()
    world.kill('wuhan')
    world.member('wuhan').refoundings = [late]
    world.start('wuhan')
    inEpoch(world, 1, ['wuhan'])
    world.settle()
    expect(world.replica('wuhan').hindrances).toEqual([])
    expect(world.faults).toEqual([])
  })
})
