/**
 * Rule 12 on whole nodes: each reason for which a leader gives up, made by the world around it — its clock, its disk, its wires, its
 * followers' disks — and in each case another leads, the work is done, and the one that resigned does not come back at once (rule 5).
 */
import { describe, expect, it } from 'vitest'
import { signableMessage } from '../../src/chain/certificate.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { ReplicaWorld } from './replica-world.ts'

function started(): { world: ReplicaWorld; leader: string } {
  const world = new ReplicaWorld(4, { cheapSignatures: true })
  world.startAll()
  world.electLeader()
  world.settle()
  return { world, leader: world.leader()! }
}

/** Why this node stopped leading, in order. */
function reasons(world: ReplicaWorld, id: string): string[] {
  return world.log.flatMap((line) => {
    const [, who, event, ...rest] = line.split(' ')
    if (who !== id || event !== 'role') return []
    const { role, reason } = JSON.parse(rest.join(' ')) as { role: string; reason: string }
    return role === 'follower' ? [reason] : []
  })
}

/** It resigns for this reason, another leads before it stands again, and what waited is attested. */
function resigns(world: ReplicaWorld, old: string, reason: string): void {
  world.until(() => reasons(world, old).includes(reason), `${old} resigns: ${reason}`, 20_000)
  const { raft } = world.replica(old)
  expect(raft.role).toBe('follower')
  const resignedIn = raft.term
  world.until(() => world.leader() !== undefined, 'another leader', 20_000)
  expect(world.leader()).not.toBe(old)
  expect(world.replica(world.leader()!).raft.term).toBeGreaterThan(resignedIn)
}

function allAnswered(world: ReplicaWorld): void {
  world.settle()
  expect(world.faults).toEqual([])
  for (const id of world.ids) expect(world.unanswered(id), id).toEqual([])
}

describe('rule 12: a leader resigns', () => {
  it('when more than N − q call its blocks stale: its clock stands still behind theirs', () => {
    const { world, leader } = started()
    const [gateway] = world.followers()
    // The block before was sealed long ago: nothing pulls the time of the next one up but the leader's own clock.
    world.clock.advance(90_000)
    expect(world.leader()).toBe(leader)
    world.member(leader).clockOffsetMs = -61_000
    world.submit(gateway!, world.statement('wuhan', 'in time'))
    resigns(world, leader, 'refused: stale')
    allAnswered(world)
    expect(world.leader()).not.toBe(leader)
  })

  it('not when one follower alone has a clock that calls everything stale; that one follows by certificates', () => {
    const { world, leader } = started()
    const [gateway, fast] = world.followers()
    world.clock.advance(90_000)
    world.member(fast!).clockOffsetMs = 61_000
    for (let i = 0; i < 5; i++) {
      world.submit(gateway!, world.statement('wuhan', `k${i}`))
      world.clock.advance(300)
    }
    allAnswered(world)
    expect(world.leader()).toBe(leader)
  })

  it('when its blocks get no quorum in k time-outs: their time is not due at the others', () => {
    const { world, leader } = started()
    const [gateway] = world.followers()
    world.member(leader).clockOffsetMs = 20_000
    world.submit(gateway!, world.statement('wuhan', 'early'))
    resigns(world, leader, 'no quorum acknowledges and locks my blocks')
    world.member(leader).clockOffsetMs = 0
    allAnswered(world)
  })

  it('when fewer than q answer within one time-out: it is cut off', () => {
    const { world, leader } = started()
    const others = world.followers()
    world.network.partition([[leader], others])
    world.submit(others[0]!, world.statement('wuhan', 'without it'))
    const cutAt = world.clock.monotonic()
    world.until(() => reasons(world, leader).includes('a quorum no longer answers'), 'resigned', 20_000)
    // Two spans of check-quorum at most: the answers of the one it was cut off in still count.
    expect(world.clock.monotonic() - cutAt).toBeLessThanOrEqual(2_200)
    world.until(() => others.some((id) => world.replica(id).raft.role === 'leader'), 'another leader')
    world.network.heal()
    allAnswered(world)
    expect(world.leader()).not.toBe(leader)
  })

  it('when its disk is late', () => {
    const { world, leader } = started()
    world.member(leader).diskMs = 6_000
    world.submit(leader, world.statement('wuhan', 'slow disk'))
    resigns(world, leader, 'the disk is late')
    const other = world.leader()!
    for (let i = 0; i < 5; i++) world.submit(other, world.statement('wuhan', `quick ${i}`))
    world.until(() => world.promised.filter((p) => p.pending.settlement !== undefined).length >= 5, 'the others go on')
    expect(world.leader()).toBe(other)
    world.member(leader).diskMs = 1
    allAnswered(world)
  })

  it('on a certificate above its lock and off its chain, and takes the certified block', () => {
    const { world, leader: first } = started()
    const liar = world.followers()[2]!
    const honest = world.ids.filter((id) => id !== liar)
    world.kill(liar)
    const enemy = world.impostor(liar)
    world.clock.advance(300)
    // Two terms pass without a leader, since the one that asks for votes does nothing with them.
    world.kill(first)
    const lock = world.replica(honest.find((id) => id !== first)!).raft.lock
    for (const step of [1, 2]) {
      world.clock.advance(2_500)
      const { term: now } = world.replica(honest.find((id) => id !== first)!).raft
      for (const to of honest) {
        enemy.send(to, {
          kind: 'vote-request',
          term: term(now + 1),
          base: lock.block,
          ...(lock.certificate === undefined ? {} : { certificate: lock.certificate }),
          handover: false,
        })
      }
      world.clock.advance(100)
      expect(world.replica(honest.find((id) => id !== first)!).raft.term, String(step)).toBe(now + 1)
    }
    const skipped = world.replica(honest.find((id) => id !== first)!).raft.term
    // The next leader's first block reaches nobody's disk: its lock stays where it was.
    for (const id of honest) world.member(id).diskMs = 150
    world.start(first)
    world.until(() => world.leader() !== undefined, 'a leader')
    const leader = world.leader()!
    const { raft } = world.replica(leader)
    expect(raft.term).toBeGreaterThan(skipped)
    expect(raft.lock.block).toEqual(lock.block)
    const block = { term: skipped, height: height(lock.block.height + 1), id: '77'.repeat(32) }
    const signed = { kind: 'ack', base: lock.block, block } as const
    const message = signableMessage(world.rules.context, signed)
    const signatures = [...honest].sort().map((member) => ({ member, signature: world.sign(member, 'seal', message) }))
    enemy.send(leader, { kind: 'certified', certificate: { signed, signatures } })
    world.until(() => reasons(world, leader).includes('a certified block outranks my lock'), 'resigned', 2_000)
    expect(world.replica(leader).raft.role).toBe('follower')
  })
})
