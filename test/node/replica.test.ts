/** Whole nodes: what becomes of a statement, whatever happens to the nodes it passes through; and a ledger that has nothing to do. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { height } from '../../src/chain/numbers.ts'
import { formatTime } from '../../src/chain/time.ts'
import { Cosigning } from '../../src/node/cosigning.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import { Sealing } from '../../src/node/sealing.ts'
import { ReplicaWorld, type WorldOptions } from './replica-world.ts'

type Answer = ReturnType<ReplicaWorld['submit']>

/** An auction at a lot of Wuhan's: a record that others build on. */
function auction(world: ReplicaWorld, code: string) {
  const lot = { owner: world.member('wuhan').member.party, scheme: 'land', code }
  const opensAt = world.clock.wall() + 3_600_000
  const announced = world.centreStatement('wuhan', 'auction.announce@1', `auction ${code}`, {
    lot,
    region: '420100',
    opensAt: formatTime(opensAt),
    endsAt: formatTime(opensAt + 60_000),
    countdownSeconds: 30,
    startPrice: { amount: '1000', unit: '1', currency: 'CNY' },
    step: '10',
    document: { algorithm: 'sha256', value: '07'.repeat(32) },
  })
  const withdrawn = world.centreStatement('wuhan', 'auction.withdraw@1', `withdraw ${code}`, { lot, reason: 'test' })
  return { announced, withdrawn }
}

function started(options: WorldOptions = {}, memberCount = 4): ReplicaWorld {
  const world = new ReplicaWorld(memberCount, { cheapSignatures: true, ...options })
  world.startAll()
  world.electLeader()
  world.settle('the empty ledger is attested')
  return world
}

const taken = (world: ReplicaWorld, count: number): void =>
  world.until(() => world.promised.length >= count, `${count} receipts`)

/** Every receipt has one answer at every node, and nothing is wrong. */
function allAnswered(world: ReplicaWorld): void {
  world.settle()
  expect(world.faults).toEqual([])
  for (const id of world.ids) expect(world.unanswered(id), id).toEqual([])
}

describe('a statement submitted to any member', () => {
  it('is attested by all, with real signatures', () => {
    const world = started({ cheapSignatures: false })
    for (const id of world.ids) world.submit(id, world.statement(id, `first of ${id}`))
    taken(world, 4)
    allAnswered(world)
    expect(new Set(world.promised.map(({ pending }) => pending.settlement?.kind))).toEqual(new Set(['record']))
  })

  for (const memberCount of [1, 2, 3, 5]) {
    it(`is attested by ${memberCount} members too`, () => {
      const world = started({}, memberCount)
      for (const id of world.ids) world.submit(id, world.statement(id, id))
      allAnswered(world)
    })
  }

  it('becomes one record when two members take it in at the same moment', () => {
    const world = started()
    const jws = world.statement('wuhan', 'twice')
    world.submit('beijing', jws)
    world.submit('hangzhou', jws)
    taken(world, 2)
    allAnswered(world)
    const [one, two] = world.promised.map(({ pending }) => pending.settlement)
    expect(one).toMatchObject({ kind: 'record' })
    expect(two).toMatchObject({ kind: 'record', index: (one as { index: number }).index })
    expect([one, two].filter((s) => s?.kind === 'record' && s.duplicate)).toHaveLength(1)
  })

  it('whose rules allow it once is never refused for being there already, whenever it comes again at another member', () => {
    const world = started()
    for (let delay = 0; delay < 120; delay += 3) {
      const { announced: jws } = auction(world, `G${delay}`)
      world.submit('beijing', jws)
      world.clock.advance(delay)
      const again = world.submit('hangzhou', jws)
      world.clock.until(() => again.result !== undefined, 'an answer')
      expect(['taken', 'known'], `${delay} ms later: ${JSON.stringify(again.result)}`).toContain(again.result!.kind)
    }
    allAnswered(world)
  })

  it('is answered with its receipt when it comes again before it is in, and with its record after', () => {
    const world = started()
    const jws = world.statement('wuhan', 'again')
    world.submit('beijing', jws)
    const again = world.submit('beijing', jws)
    taken(world, 2)
    expect(again.result).toMatchObject({ kind: 'taken', again: true })
    expect(world.promised[1]!.pending).toBe(world.promised[0]!.pending)
    allAnswered(world)
    for (const id of world.ids) {
      const later = world.submit(id, jws)
      world.clock.until(() => later.result !== undefined, 'an answer')
      expect(later.result).toEqual({
        kind: 'known',
        index: world.replica(id).store.indexOfStatement(world.promised[0]!.statement),
      })
    }
  })

  it('under a key that is taken is refused at intake, and by a record when both got receipts', () => {
    const world = started()
    world.submit('beijing', world.statement('wuhan', 'key', 'one'))
    world.submit('hangzhou', world.statement('wuhan', 'key', 'two'))
    taken(world, 2)
    const here = world.submit('beijing', world.statement('wuhan', 'key', 'three'))
    world.clock.until(() => here.result !== undefined, 'an answer')
    expect(here.result).toMatchObject({ kind: 'refused', code: 'statement.key-reused' })
    allAnswered(world)
    const kinds = world.promised.map(({ pending }) => pending.settlement?.kind).sort()
    expect(kinds).toEqual(['record', 'refused'])
    const refused = world.promised.find(({ pending }) => pending.settlement?.kind === 'refused')!
    expect(refused.pending.settlement).toMatchObject({ code: 'statement.key-reused' })
    const leaf = world.replica('guangzhou').store.leaf((refused.pending.settlement as { index: number }).index)!
    expect(JSON.parse(Buffer.from(leaf.bytes).toString())).toMatchObject({
      refusal: { statement: refused.statement, member: refused.member, code: 'statement.key-reused' },
    })
    const later = world.submit('guangzhou', world.statement('wuhan', 'key', 'two'))
    world.clock.until(() => later.result !== undefined, 'an answer')
    expect(later.result).toMatchObject({ kind: 'refused', code: 'statement.key-reused' })
  })
})

describe('a statement that builds on a record', () => {
  it('is never refused for want of it by a member that comes back and has not seen it', () => {
    const world = started()
    for (let round = 0; round < 12; round++) {
      const { announced, withdrawn } = auction(world, `G${round}`)
      const late = world.followers()[round % 3]!
      world.kill(late)
      const first = world.submit(world.leader()!, announced)
      world.settle()
      expect(first.result).toMatchObject({ kind: 'taken', pending: { settlement: { kind: 'record' } } })
      for (let i = 0; i < 4 * round; i++) {
        world.submit(world.leader()!, world.statement('wuhan', `${round} ${i}`))
        world.clock.advance(30)
      }
      world.start(late)
      world.until(() => world.replica(late).isStarted, 'reading its disk')
      const isUndecided = ({ result }: Answer): boolean =>
        result?.kind === 'refused' && result.code === 'node.not-ready'
      let answer = world.submit(late, withdrawn)
      world.until(() => {
        if (isUndecided(answer)) answer = world.submit(late, withdrawn)
        return answer.result !== undefined && !isUndecided(answer)
      }, 'an answer')
      expect(answer.result).toMatchObject({ kind: 'taken' })
      world.settle()
    }
    allAnswered(world)
  })

  it('and is wrong is refused once the members have said what is committed, and left undecided while they cannot', () => {
    const world = started()
    const { withdrawn } = auction(world, 'nowhere')
    for (const id of world.ids) {
      const answer = world.submit(id, withdrawn)
      expect(answer.result, id).toBeUndefined()
      world.clock.until(() => answer.result !== undefined, 'an answer')
      expect(answer.result, id).toMatchObject({ kind: 'refused', code: 'auction.unknown' })
    }
    const [here, ...others] = world.ids
    for (const id of others) world.kill(id)
    const answer = world.submit(here!, withdrawn)
    world.clock.until(() => answer.result !== undefined, 'an answer')
    expect(answer.result).toMatchObject({ kind: 'refused', code: 'node.not-ready' })
  })
})

describe('a receipt is kept', () => {
  for (const phases of [0, 1, 2, 3] as const satisfies readonly PhaseCount[]) {
    it(`when the member that gave it is killed at any moment, ${phases} phases of a write done`, () => {
      const world = started()
      for (let delay = 0; delay < 24; delay += 1) {
        world.submit('beijing', world.statement('wuhan', `k${delay}`))
        world.clock.advance(delay)
        world.kill('beijing', phases)
        world.clock.advance(delay % 3 === 0 ? 2_500 : 10)
        world.start('beijing')
        world.until(() => world.replica('beijing').hindrances.length === 0, 'ready')
      }
      expect(world.promised.length).toBeGreaterThan(10)
      allAnswered(world)
    })

    it(`when the leader is killed in the middle, ${phases} phases of a write done`, () => {
      const world = started()
      for (let delay = 0; delay < 10; delay++) {
        const leader = world.electLeader()
        for (const id of world.followers()) world.submit(id, world.statement('wuhan', `${id} ${delay}`))
        world.clock.advance(delay)
        world.kill(leader, phases)
        world.until(() => world.leader() !== undefined, 'another leader')
        world.start(leader)
        world.settle()
      }
      allAnswered(world)
    })
  }

  it('when the batch is lost with its connection, long before anybody is suspected', () => {
    const world = started()
    const leader = world.leader()!
    const [gateway] = world.followers()
    for (let i = 0; i < 5; i++) {
      world.submit(gateway!, world.statement('wuhan', `k${i}`))
      world.clock.advance(i)
      world.network.breakConnection(leader, gateway!)
      world.clock.advance(1_000)
    }
    expect(world.promised.every(({ pending }) => pending.settlement?.kind === 'record')).toBe(true)
    expect(world.leader()).toBe(leader)
    allAnswered(world)
  })

  it('when a batch of the start before is committed after the restart', () => {
    const world = started()
    const leader = world.leader()!
    const gateway = world.followers()[0]!
    // Nobody acknowledges in time: the batch stands in a block that is committed only when its member runs again.
    for (const id of world.ids) if (id !== gateway) world.member(id).diskMs = 400
    world.submit(gateway, world.statement('wuhan', 'late'))
    taken(world, 1)
    world.clock.advance(20)
    world.kill(gateway, 3)
    world.start(gateway)
    for (const id of world.ids) world.member(id).diskMs = 1
    allAnswered(world)
    expect(world.replica(leader).store.indexOfStatement(world.promised[0]!.statement)).toBeDefined()
  })

  it('when leaders change with batches in flight', () => {
    const world = started()
    for (let i = 0; i < 12; i++) {
      for (const id of world.ids) world.submit(id, world.statement('wuhan', `${id} ${i}`))
      world.clock.advance(5)
      const leader = world.leader()
      if (leader !== undefined) world.replica(leader).raft.handOver()
      world.clock.advance(40)
    }
    allAnswered(world)
    expect(world.promised).toHaveLength(48)
  })
})

describe('too few members', () => {
  it('two of four stopped: accepted only; the gateway restarts alone, says what is missing, and it is attested when they return', () => {
    const world = started()
    const [gateway, ...others] = [...world.followers(), world.leader()!]
    for (const id of others.slice(1)) world.kill(id)
    world.submit(gateway!, world.statement('wuhan', 'waits'))
    taken(world, 1)
    world.clock.advance(30_000)
    expect(world.promised[0]!.pending.settlement).toBeUndefined()
    expect(world.replica(gateway!).hindrances).toEqual(['ledger.no-quorum'])
    for (const id of others.slice(0, 1)) world.kill(id)
    world.kill(gateway!)
    world.start(gateway!)
    world.clock.advance(10_000)
    const alone = world.replica(gateway!)
    expect(alone.hindrances).toEqual(['node.unconfirmed-start', 'ledger.no-quorum'])
    expect(alone.pending(world.promised[0]!.statement)?.durable).toBe(true)
    const refused = world.submit(gateway!, world.statement('wuhan', 'not now'))
    expect(refused.result?.kind).toBe('refused')
    for (const id of others) world.start(id)
    allAnswered(world)
    expect(alone.store.indexOfStatement(world.promised[0]!.statement)).toBeDefined()
  })

  it('one stopped: everything goes on', () => {
    const world = started()
    for (const stopped of world.ids) {
      world.stop(stopped)
      world.electLeader()
      for (const id of world.followers()) world.submit(id, world.statement('wuhan', `${stopped} ${id}`))
      world.settle()
      world.start(stopped)
      world.settle()
    }
    allAnswered(world)
  })
})

describe('a power cut of all four', () => {
  for (const phases of [0, 1, 2, 3] as const satisfies readonly PhaseCount[]) {
    it(`at any moment loses nothing attested, and the idle ledger is attested again (${phases})`, () => {
      const world = started()
      for (let at = 0; at < 20; at++) {
        world.submit(world.ids[at % 4]!, world.statement('wuhan', `k${at}`))
        world.clock.advance(at)
        world.killAll((id) => ((phases + id.length) % 4) as PhaseCount)
        world.startAll()
        world.settle(`after cut ${at}`)
      }
      allAnswered(world)
    })
  }
})

describe('catch-up', () => {
  it('of a node that was away for hundreds of blocks, over a connection that breaks, with restarts on the way', () => {
    const world = started()
    world.kill('wuhan')
    for (let i = 0; i < 600; i++) {
      world.submit('beijing', world.statement('beijing', `k${i}`))
      if (i % 2 === 0) world.clock.advance(30)
    }
    world.settle()
    const target = world.replica('beijing').raft.commit
    expect(target).toBeGreaterThan(250)
    world.start('wuhan')
    for (let i = 0; i < 6; i++) {
      world.clock.advance(270)
      if (i % 2 === 0) for (const id of ['beijing', 'guangzhou', 'hangzhou']) world.network.breakConnection(id, 'wuhan')
      else {
        world.kill('wuhan', (i % 4) as PhaseCount)
        world.start('wuhan')
      }
    }
    allAnswered(world)
    expect(world.replica('wuhan').raft.commit).toBeGreaterThanOrEqual(target)
  })
})

describe('an idle ledger', () => {
  it('carries its last attestation once, and then is silent but for heartbeats', () => {
    const world = started()
    world.submit('beijing', world.statement('beijing', 'one'))
    world.settle()
    world.clock.advance(3_000)
    const before = { at: world.replica('beijing').raft.commit, signed: world.signed.total, lines: world.log.length }
    const { block } = world.replica('beijing').ledger.committed
    expect(world.replica('beijing').store.block(block.height)!.carried.attestation?.size).toBe(
      world.replica('beijing').attested!.size,
    )
    const idle = world.ids.map((id) => world.member(id).writes)
    world.clock.advance(60_000)
    expect({ at: world.replica('beijing').raft.commit, signed: world.signed.total, lines: world.log.length }).toEqual(
      before,
    )
    expect(world.ids.map((id) => world.member(id).writes)).toEqual(idle)
    expect(world.faults).toEqual([])
  })
})

describe('rule 16', () => {
  it('no more than W blocks with records stand unattested, and all of them are attested in the end', () => {
    const world = started({ parameters: { unattestedBlocksMax: 3 } })
    for (let i = 0; i < 40; i++) {
      world.submit(world.ids[i % 4]!, world.statement('beijing', `k${i}`))
      world.clock.advance(3)
      for (const { ledger } of world.running) expect(ledger.committed.unattested.length).toBeLessThanOrEqual(3)
    }
    allAnswered(world)
    let unattested = 0
    const { store, raft } = world.replica('beijing')
    for (let at = 1, size = 1; at <= raft.commit; at++) {
      const { header, carried } = store.block(height(at))!
      if (carried.attestation !== undefined) unattested = 0
      if (header.size > size) unattested++
      size = header.size
      expect(unattested).toBeLessThanOrEqual(3)
    }
  })
})

describe('rule 28', () => {
  it('a leader that sits on batches is replaced by one that does not', () => {
    const world = started()
    const leader = world.leader()!
    const gateway = world.followers()[0]!
    // It hears everybody and everybody hears it, but nothing that is handed to it gets into a block.
    const { raft } = world.replica(leader)
    world.swallowBatches(leader)
    world.submit(gateway, world.statement('wuhan', 'sat on'))
    taken(world, 1)
    world.until(() => world.promised[0]!.pending.settlement !== undefined, 'in, under another leader', 20_000)
    expect(raft.role).not.toBe('leader')
    allAnswered(world)
  })

  it('a leader that carries no attestation, so that the window is full and nothing gets in, is replaced', () => {
    const world = started({ parameters: { unattestedBlocksMax: 4 } })
    const { raft } = world.replica(world.leader()!)
    const inTerm = raft.term
    // It has them like everybody, and seals as if it had none.
    let seals = false
    const { trySeal } = Sealing.prototype
    vi.spyOn(Sealing.prototype, 'trySeal').mockImplementation(function (this: Sealing) {
      seals = raft.role === 'leader' && raft.term === inTerm
      trySeal.call(this)
      seals = false
    })
    const { get } = Object.getOwnPropertyDescriptor(Cosigning.prototype, 'attested')!
    vi.spyOn(Cosigning.prototype, 'attested', 'get').mockImplementation(function (this: Cosigning) {
      return seals ? undefined : get!.call(this)
    })
    onTestFinished(() => void vi.restoreAllMocks())
    for (let i = 0; i < 8; i++) {
      for (const id of world.ids) world.submit(id, world.statement('wuhan', `w${i} ${id}`))
      world.clock.advance(400)
    }
    allAnswered(world)
    expect(raft.term).toBeGreaterThan(inTerm)
  })

  it('what was handed on gets in under the next leader, though the member that received it is gone by then, and so is that leader’s memory', () => {
    const world = started()
    const leader = world.leader()!
    const gateway = world.followers()[0]!
    world.swallowBatches(leader)
    world.submit(gateway, world.statement('wuhan', 'handed on'))
    taken(world, 1)
    // After T_c it has gone to all; the gateway dies before anybody has given up on the leader.
    world.clock.advance(2_500)
    expect(world.leader()).toBe(leader)
    world.kill(gateway, 3)
    const other = world.followers()[0]!
    world.kill(leader)
    world.member(leader).swallowsBatches = false
    world.start(leader)
    const isIn = (): boolean => world.replica(other).store.indexOfStatement(world.promised[0]!.statement) !== undefined
    world.until(isIn, 'in, under another leader', 20_000)
    world.start(gateway)
    allAnswered(world)
  })
})
