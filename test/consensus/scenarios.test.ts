/** Stories that a network of members must come through, each told once; every invariant of the world is checked along the way. */
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
  it('a member stuck in a higher term is fetched back by its leader, which stands again above it (step-up)', () => {
    const world = settled()
    const before = leaderOf(world)
    const stuck = followersOf(world)[0]!
    moveAhead(world, stuck, 50)
    world.submit()
    world.reach('all together', () => world.isSettled())
    expect(leaderOf(world).core.term).toBeGreaterThan(50)
    expect(world.leader()).toBe(before)
  })

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

  it('a member that entered the term by a certificate, without a vote in it, follows like any other', () => {
    const world = settled()
    const away = followersOf(world)[0]!
    world.partition([away.id])
    const old = leaderOf(world)
    world.act(old, (raft) => raft.handOver(followersOf(world)[1]!.id))
    world.reach('another leader', () => world.leader() !== undefined && world.leader() !== old)
    world.submit()
    world.run(3 * world.timeoutMs)
    world.healLinks()
    world.reach('all together', () => world.isSettled())
    expect(away.core.vote).toMatchObject({ term: leaderOf(world).core.term, candidate: null })
    world.submit()
    world.reach('one more', () => world.isSettled())
  })
})

describe('leaders', () => {
  it('leadership is handed over to the member that is named, without waiting for a time-out', () => {
    const world = settled()
    const heir = followersOf(world)[2]!
    world.act(leaderOf(world), (raft) => raft.handOver(heir.id))
    world.reach('the heir leads', () => world.leader() === heir && world.isSettled(), 2)
  })

  it('a leader whose blocks nobody certifies resigns, and the work is done when they can be', () => {
    const world = settled()
    const old = leaderOf(world)
    const silent = followersOf(world).slice(0, 2)
    for (const node of silent) world.act(node, (raft) => raft.allowSigning(false))
    world.submit()
    world.reach('resigned', () => old.roleReasons.some((reason) => reason.startsWith('no quorum acknowledges')), 10)
    for (const node of silent) world.act(node, (raft) => raft.allowSigning(true))
    world.reach('done', () => world.isSettled())
  })

  it('a leader that its followers distrust is replaced, and not by itself', () => {
    const world = settled()
    const old = leaderOf(world)
    world.pause(old)
    world.submit()
    for (const node of followersOf(world)) world.act(node, (raft) => raft.suspectLeader())
    world.after(world.timeoutMs / 2, () => world.resume(old))
    world.reach('another leads', () => world.leader() !== old && world.isSettled(), 8)
  })

  it('Cloudflare 2020-11-02: a member that hears all but the leader disturbs nobody', () => {
    const world = settled({ memberCount: 3 })
    const leader = leaderOf(world)
    const { term } = leader.core
    const [deaf, other] = followersOf(world)
    world.block(leader.id, deaf!.id)
    world.block(deaf!.id, leader.id)
    for (let i = 0; i < 20; i++) {
      world.submit()
      world.run(world.timeoutMs)
      expect([leader.core.role, leader.core.term, other!.core.leader]).toEqual(['leader', term, leader.id])
    }
    expect(leader.core.commit).toBe(other!.core.commit)
    expect(leader.core.commit).toBeGreaterThan(15)
    world.healLinks()
    world.reach('all together', () => world.isSettled())
  })

  it('a leader that is heard by all and hears nobody steps down (one-way partition)', () => {
    const world = settled()
    const old = leaderOf(world)
    for (const node of followersOf(world)) world.block(node.id, old.id)
    world.submit()
    world.reach('another leads', () => world.leader() !== undefined && world.leader() !== old, 20)
    expect(old.roleReasons).toContain('a quorum no longer answers')
    world.healLinks()
    world.reach('all together', () => world.isSettled())
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

  it('a LOCK lost with its signer’s crash does not leave the last block of an idle ledger uncommitted', () => {
    const world = settled({ memberCount: 3 })
    const leader = leaderOf(world)
    const [one, other] = followersOf(world)
    world.crash(other!)
    world.submit()
    const isCertified = () => one!.core.lock.block.height > leader.core.commit
    expect(world.runUntil(isCertified, 5 * world.timeoutMs, 1)).toBe(true)
    world.crash(one!)
    world.run(50)
    world.restart(one!)
    world.reach('committed by the two', () => world.isSettled(), 2)
    expect(world.leader()).toBe(leader)
  })
})

describe('reads', () => {
  it('a deposed leader that does not know it answers no read, however long it waits', () => {
    const world = settled()
    const old = leaderOf(world)
    world.partition([old.id])
    world.reach('another leads', () => world.honest.some((node) => node !== old && node.core.role === 'leader'), 20)
    submitMany(world, 4)
    const context = world.read(old)
    world.run(2 * world.timeoutMs)
    expect(world.reads.get(context)!.height).toBe(undefined)
    world.healLinks()
    world.reach('settled', () => world.isSettled())
  })

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

describe('signing', () => {
  it('a muted member follows to the last block and never signs, until it may', () => {
    const world = new World({ seed: 2, memberCount: 4 })
    const muted = world.honest[3]!
    world.crash(muted)
    world.restart(muted, false)
    submitMany(world, 30)
    world.reach('three do the work', () => world.isSettled())
    expect(world.evidence.hasSigned(muted.id)).toBe(false)
    expect(muted.core.commit).toBe(leaderOf(world).core.commit)
    world.act(muted, (raft) => raft.allowSigning(true))
    world.submit()
    world.reach('four do', () => world.isSettled() && world.evidence.hasSigned(muted.id))
  })
})
