/**
 * What a network of members must come through under many schedules, or after very many blocks; every invariant of the world is checked
 * along the way. What one schedule shows is told in test/scenarios.
 */
import { describe, expect, it } from 'vitest'
import type { Height, Term } from '../../src/chain/numbers.ts'
import { type CoreNode, World, type WorldOptions } from './core-world.ts'

/** A world that has elected a leader and committed a first record. */
function settled(options: Partial<WorldOptions> = {}): World {
  const world = new World({ seed: 1, memberCount: 4, ...options })
  world.submit()
  world.reach('settled at the start', () => world.isSettled())
  return world
}

function submitMany(world: World, count: number): void {
  for (let i = 0; i < count; i++) world.submit()
}

const leaderOf = (world: World): CoreNode => world.leader()!

const followersOf = (world: World): CoreNode[] => world.honest.filter((node) => node !== world.leader())

/** A member whose vote file says that it is in this term, as after a time alone with a liar. */
function moveAhead(world: World, node: CoreNode, term: number): void {
  world.crash(node)
  node.disk.vote = { term: term as Term, candidate: null, base: null, ackBarred: false }
  world.restart(node)
}

describe('terms', () => {
  it('a step-up is rare: a liar that always claims a higher term does not make every heartbeat an election', () => {
    const world = settled({ liarCount: 1 })
    const { term } = leaderOf(world).core
    world.run(100 * world.timeoutMs)
    expect(leaderOf(world).core.term - term).toBeLessThan(100 * 1_000)
    expect(world.counts.get('lead')!).toBeLessThan(60)
  })

  it('members many thousands of terms apart find together, though one request raises a term by 1,000 at most', () => {
    const world = settled({ seed: 3 })
    const [stuck, dead] = followersOf(world)
    world.crash(dead!)
    moveAhead(world, stuck!, 7_500)
    world.submit()
    world.reach('all together', () => world.isSettled(), 200)
    expect(leaderOf(world).core.term).toBeGreaterThan(7_500)
  })
})

describe('certified blocks', () => {
  it('a block certified at one living member only is built on: the candidate shown the higher lock acts on it', () => {
    let stories = 0
    for (let seed = 1; seed < 30 && stories < 5; seed++) {
      const world = settled({ seed, delayMs: [1, 60] })
      const old = leaderOf(world)
      const others = followersOf(world)
      const aheadOf = () => {
        const heights = others.map((node) => node.core.lock.block.height)
        const highest = Math.max(...heights) as Height
        return heights.filter((height) => height === highest).length === 1
          ? others[heights.indexOf(highest)]
          : undefined
      }
      submitMany(world, 3)
      if (!world.runUntil(() => aheadOf() !== undefined, 2 * world.timeoutMs, 1)) continue
      const { block } = aheadOf()!.core.lock
      stories++
      world.crash(old)
      world.reach('settled without the leader', () => world.isSettled())
      expect(world.evidence.committed[block.height]).toBe(block.id)
      world.restart(old)
      world.reach('settled with it', () => world.isSettled())
    }
    expect(stories).toBe(5)
  })

  it('figure 8: a block certified in an old term and known to its dead leader only may be overruled, and then is dropped', () => {
    let overruled = 0
    for (let seed = 1; seed < 30; seed++) {
      const world = settled({ seed, delayMs: [5, 60] })
      const old = leaderOf(world)
      const isAlone = () => followersOf(world).every((node) => node.core.lock.block.height < old.core.lock.block.height)
      submitMany(world, 3)
      if (!world.runUntil(() => old.core.role === 'leader' && isAlone(), 2 * world.timeoutMs, 1)) continue
      const { block } = old.core.lock
      world.crash(old)
      world.submit()
      world.reach('settled without it', () => world.isSettled())
      // Committed under another leader: the old block, if it was not dropped with its term, is not what stands at its height.
      if (world.evidence.committed[block.height] !== block.id) overruled++
      world.restart(old)
      world.reach('settled with it', () => world.isSettled())
    }
    expect(overruled).toBeGreaterThan(0)
  })

  it('a follower cut off for more than 1,024 blocks of one term catches up by fetching and then streams again', () => {
    const world = settled({ blocksInFlightMax: 40, windowBytes: 100_000, delayMs: [1, 4], diskMs: [0, 1] })
    const away = followersOf(world)[0]!
    const leader = leaderOf(world)
    const { term } = leader.core
    world.partition([away.id])
    submitMany(world, 5_000)
    world.reach('2,200 blocks on', () => leader.core.commit > 2_200, 200)
    expect(leader.core.blockAt(away.core.tail.height)).toBe(undefined)
    world.healLinks()
    world.reach('all together', () => world.isSettled(), 200)
    expect(world.counts.get('adopt')).toBeGreaterThan(0)
    // The certificates of a live leader bring the follower back without costing it its office.
    expect(leaderOf(world).core.term - term).toBeLessThan(20)
    const fetches = world.counts.get('fetch')!
    submitMany(world, 40)
    world.reach('streaming', () => world.isSettled())
    expect(world.counts.get('fetch')).toBe(fetches)
  })

  it('the same with crashes: who starts again thousands of blocks behind asks for the newest attested block', () => {
    const world = settled({ blocksInFlightMax: 40, windowBytes: 100_000, delayMs: [1, 4], diskMs: [0, 1] })
    const away = followersOf(world)[0]!
    world.crash(away)
    submitMany(world, 3_000)
    world.reach('1,500 blocks on', () => leaderOf(world).core.commit >= 1_500, 200)
    world.restart(away)
    world.catchUpByCheckpoint(away, followersOf(world).find((node) => node !== away)!)
    world.reach('all together', () => world.isSettled(), 60)
  })
})

describe('crashes', () => {
  it('all members crash at any moment of a life, and go on', () => {
    for (let moment = 0; moment < 60; moment++) {
      const world = new World({ seed: 5, memberCount: 4 })
      submitMany(world, 20)
      world.run(150 + 7 * moment)
      for (const node of world.honest) world.crash(node)
      world.run(10)
      for (const node of world.honest) world.restart(node)
      world.reach(`settled after a crash at ${150 + 7 * moment} ms`, () => world.isSettled())
    }
  })

  it('a member that crashes and starts again and again never signs two things at one place', () => {
    const world = settled({ memberCount: 3, diskMs: [1, 30] })
    for (let i = 0; i < 100; i++) {
      world.submit()
      const node = world.chance.pick(world.honest)
      world.crash(node)
      world.run(world.chance.between(1, 60))
      world.restart(node)
      world.run(world.chance.between(1, 120))
    }
    world.reach('settled', () => world.isSettled())
  })
})

describe('reads', () => {
  it('a read at any member, at any moment, also across leader changes, is never older than what anybody has seen', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = settled({ seed, delayMs: [1, 50] })
      for (let i = 0; i < 120; i++) {
        if (i % 2 === 0) world.submit()
        world.read(world.chance.pick(world.honest))
        if (i % 25 === 0) world.act(leaderOf(world), (raft) => raft.handOver())
        world.run(world.chance.between(1, 60))
        if (world.leader() === undefined) world.reach('a leader', () => world.leader() !== undefined)
      }
      expect(world.counts.get('read')).toBeGreaterThan(40)
    }
  })
})
