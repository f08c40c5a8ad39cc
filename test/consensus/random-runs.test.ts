/**
 * Random schedules, each from its seed: faults first, with every invariant checked after every event, then a healed quorum that must
 * settle. A failure names its seed; `CONSENSUS_SEEDS=5000 CONSENSUS_FIRST_SEED=1 vitest run test/consensus/random-runs` runs more of them.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { faultsOf, quorumOf } from '../../src/chain/numbers.ts'
import { type CoreNode, World, type WorldOptions } from './core-world.ts'
import { Chance } from './facts.ts'

const seedCount = Number(process.env.CONSENSUS_SEEDS ?? 150)
const firstSeed = Number(process.env.CONSENSUS_FIRST_SEED ?? 1)
const verbose = process.env.CONSENSUS_VERBOSE !== undefined

const totals = new Map<string, number>()

/** Each seed draws its own subset of faults (swarm testing): rare combinations come up sooner than with everything at once. */
function drawOptions(seed: number, memberCount: number, liarCount: number): WorldOptions {
  const chance = new Chance(seed * 7919 + memberCount)
  return {
    seed,
    memberCount,
    liarCount,
    delayMs: chance.pick([
      [1, 4],
      [1, 20],
      [1, 90],
    ]),
    diskMs: chance.pick([
      [0, 1],
      [1, 8],
      [1, 60],
    ]),
    lossPermille: chance.pick([0, 0, 20, 200]),
    windowBytes: chance.pick([100, 1_000, 1_000_000]),
    blocksInFlightMax: chance.pick([1, 4, 12]),
  }
}

function fault(world: World, enabled: ReadonlySet<string>): void {
  const { chance } = world
  const kind = chance.pick([...enabled])
  const node = chance.pick(world.honest)
  const other = chance.pick(world.members.filter((member) => member !== node.id || world.members.length === 1))
  world.count(`fault: ${kind}`)
  switch (kind) {
    case 'crash':
      world.crash(node)
      if (chance.permille(900)) world.after(chance.between(0, 600), () => world.restart(node))
      return
    case 'crash all':
      for (const each of world.honest) {
        world.after(chance.below(20), () => world.crash(each))
        world.after(chance.between(20, 200), () => world.restart(each))
      }
      return
    case 'crash leader': {
      const leader = world.leader()
      if (leader === undefined) return
      world.crash(leader)
      world.after(chance.between(0, 600), () => world.restart(leader))
      return
    }
    case 'restart':
      if (node.up) return
      return world.restart(node)
    case 'pause':
      world.pause(node)
      world.after(chance.between(10, 900), () => world.resume(node))
      return
    case 'disconnect':
      world.disconnect(node.id, other)
      world.after(chance.between(1, 400), () => world.connect(node.id, other))
      return
    case 'partition': {
      const group = world.members.filter(() => chance.permille(400))
      world.partition(group, chance.permille(300))
      world.after(chance.between(100, 1500), () => world.healLinks())
      return
    }
    case 'one way':
      world.block(node.id, other)
      world.after(chance.between(50, 1500), () => world.unblock(node.id, other))
      return
    case 'heal':
      return world.healLinks()
    case 'mute':
      world.act(node, (raft) => raft.allowSigning(false))
      world.after(chance.between(50, 600), () => world.act(node, (raft) => raft.allowSigning(true)))
      return
    case 'hand over':
      return world.act(node, (raft) => raft.handOver(chance.permille(500) ? other : undefined))
    case 'suspect':
      return world.act(node, (raft) => raft.suspectLeader())
    case 'disk late':
      return world.act(node, (raft) => raft.cannotLead('the disk is late'))
    case 'checkpoint':
      return world.catchUpByCheckpoint(node, chance.pick(world.honest))
    case 'read':
      world.read(node)
  }
}

const ownFaults = ['crash', 'crash all', 'crash leader', 'restart', 'pause', 'mute', 'suspect', 'disk late', 'read']
const linkFaults = ['disconnect', 'partition', 'one way', 'heal', 'hand over', 'checkpoint']

function runSeed(seed: number, memberCount: number, liarCount: number, verbose = false): World {
  const world = new World({ ...drawOptions(seed, memberCount, liarCount), verbose })
  try {
    const { chance } = world
    const faults = memberCount === 1 ? ownFaults : [...ownFaults, ...linkFaults]
    const enabled = new Set(['read', ...faults.filter(() => chance.permille(350))])
    world.crashInSwitch = chance.permille(600)
    const end = chance.between(1_000, 6_000)
    while (world.now < end) {
      world.run(chance.between(1, 150))
      if (chance.permille(700)) world.submit()
      if (chance.permille(600)) fault(world, enabled)
    }
    settle(world)
  } catch (error) {
    const note = `seed ${seed}, N=${memberCount}, liars ${liarCount}, at ${world.now} ms`
    if (error instanceof Error) error.message = `${error.message}\n(${note})\n${world.describe()}`
    throw error
  } finally {
    for (const [what, count] of world.counts) totals.set(what, (totals.get(what) ?? 0) + count)
  }
  return world
}

/** The liveness claim: q honest members up and connected, the liars silent → one leader, everything committed, logs identical. */
function settle(world: World): void {
  for (const liar of world.liars) liar.active = false
  world.lossPermille = 0
  world.delayMs = [1, 20]
  world.diskMs = [1, 8]
  // Whatever was set to happen later happens within this; after it nothing more goes wrong.
  world.run(1_600)
  const spare = world.members.length - world.liars.length - quorumOf(world.members.length)
  const left = new Set<CoreNode>()
  for (let i = world.chance.below(spare + 1); i > 0; i--) left.add(world.chance.pick(world.honest))
  for (const node of world.honest) {
    if (left.has(node)) world.crash(node)
    else {
      world.restart(node)
      world.resume(node)
      world.act(node, (raft) => raft.allowSigning(true))
    }
  }
  world.run(100)
  world.healLinks()
  world.submit()
  world.reach('settled', () => world.isSettled(), 150)
  world.submit()
  world.reach('one more record', () => world.isSettled(), 150)
  const reader = world.chance.pick(world.honest.filter((node) => node.up))
  const context = world.read(reader)
  world.reach('a read', () => world.reads.get(context)!.height !== undefined, 10)
}

describe('random schedules keep every invariant and settle when healed', () => {
  for (const memberCount of [1, 3, 4, 7]) {
    for (const liarCount of new Set([0, faultsOf(memberCount)])) {
      it(`N=${memberCount}, ${liarCount} liars`, { timeout: 3_600_000 }, () => {
        for (let i = 0; i < seedCount; i++) runSeed(firstSeed + i, memberCount, liarCount, verbose)
      })
    }
  }

  it('the same seed gives the same run', () => {
    expect(runSeed(11, 4, 1).traceHash).toBe(runSeed(11, 4, 1).traceHash)
    expect(runSeed(11, 4, 1).traceHash).not.toBe(runSeed(12, 4, 1).traceHash)
  })

  it.runIf(seedCount >= 60)('what the runs above never reached would not have been tested', () => {
    const wanted = [...ownFaults, ...linkFaults].map((kind) => `fault: ${kind}`)
    wanted.push('adopt', 'adopt refused', 'attested catch-up', 'fetch', 'read', 'truncate')
    wanted.push('a liar leads', 'second block at a height', 'switch off a lock')
    wanted.push('role: a quorum no longer answers', 'role: handed over', 'role: the disk is late')
    wanted.push('role: no quorum acknowledges and locks my blocks', 'role: a certified block outranks my lock')
    expect(wanted.filter((what) => !totals.has(what))).toEqual([])
  })

  afterAll(() => {
    if (process.env.CONSENSUS_COUNTS) {
      for (const [what, count] of [...totals].sort()) console.log(String(count).padStart(8), what)
    }
  })
})
