/**
 * One test for each sentence of the Raft paper ("In Search of an Understandable Consensus Algorithm", extended version: figure 2 and
 * sections 5 to 8) and of Ongaro's dissertation that still holds here; where protocol.md changes the rule, the title says how. Section 6
 * (membership) is told by rules 19–22 and not here; what section 8 says of clients is in test/node/replica.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { faultsOf, type Height, quorumOf, type Term } from '../../src/chain/numbers.ts'
import { Raft } from '../../src/consensus/raft.ts'
import { ackOf, blockOn, chainOn, genesis, qcOf, refTo, signatureOf, voteFor } from './facts.ts'
import { four, freshDisk, Solo } from './solo.ts'

describe('§5.1 Raft basics', () => {
  it('§5.1 a server that sees proof of a higher term moves to it; a mere claim moves nobody', () => {
    const solo = new Solo()
    solo.heartbeat('b', 7)
    expect(solo.raft.term).toBe(0)
    solo.follow('b', 7)
    expect(solo.raft.term).toBe(7)
  })

  it('§5.1 a candidate or leader that sees proof of a higher term becomes a follower at once', () => {
    const solo = new Solo()
    solo.lead()
    expect(solo.raft.role).toBe('leader')
    solo.follow('b', 9)
    expect([solo.raft.role, solo.raft.leader, solo.raft.term]).toEqual(['follower', 'b', 9])
  })

  it('§5.1 a request with a stale term is refused, with the current term in the answer', () => {
    const solo = new Solo()
    solo.follow('b', 5)
    const [reply] = solo.askVote('c', 4).sent('vote-reply')
    expect(reply).toMatchObject({ to: 'c', granted: false, ownTerm: 5 })
    const [answer] = solo.heartbeat('c', 3).sent('heartbeat-reply')
    expect(answer).toMatchObject({ to: 'c', term: 3, ownTerm: 5 })
    expect(solo.raft.leader).toBe('b')
  })
})

describe('figure 2, state', () => {
  it('a server starts in term 0, without a vote, with nothing committed and an empty log; here the log begins with genesis', () => {
    const { raft } = new Solo()
    expect(raft.vote).toEqual({ term: 0, candidate: null, base: null, ackBarred: false })
    expect([raft.role, raft.leader, raft.commit, raft.tail]).toEqual(['follower', null, 0, genesis])
  })

  it('currentTerm increases monotonically: no certificate and no request of a lower term moves it back', () => {
    const solo = new Solo()
    solo.follow('b', 5)
    solo.follow('c', 3)
    solo.certified(blockOn(genesis, 2, 'x'))
    solo.tick(10)
    solo.askVote('d', 4)
    expect([solo.raft.term, solo.raft.leader]).toEqual([5, 'b'])
  })

  it('commitIndex increases monotonically, and each entry is applied once, in order', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const blocks = chainOn(genesis, 1, 3)
    solo.accept('b', ...blocks)
    const heights: number[] = []
    for (const at of [1, 0, 1, 2, 2, 0]) {
      for (const effect of solo.committed(blocks[at]!).of('commit')) heights.push(effect.height)
    }
    expect(heights).toEqual([2, 3])
    expect(solo.raft.commit).toBe(3)
  })

  it('nextIndex is not guessed and counted down; here nothing is sent until the follower names the block it holds', () => {
    const solo = new Solo()
    const { first, effects } = solo.lead()
    expect([...effects.of('send-blocks'), ...solo.propose().effects.of('send-blocks')]).toEqual([])
    expect(solo.position('b', first).of('send-blocks')).toEqual([{ kind: 'send-blocks', to: 'b', from: 2, through: 2 }])
  })

  it('matchIndex increases monotonically: a report from before sends nothing again', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.position('b', first)
    solo.propose()
    solo.acks(solo.raft.tail, ['b'])
    expect(solo.position('b', genesis).of('send-blocks')).toEqual([])
  })
})

describe('§5.2 leader election', () => {
  it('§5.2 granting a vote restarts the time-out; refusing one does not', () => {
    const granting = new Solo()
    granting.tick(14)
    expect(granting.askVote('b', 1).signed('vote')).toHaveLength(1)
    expect(granting.tick(14).sent('pre-vote')).toEqual([])
    expect(granting.tick(1).sent('pre-vote')).toHaveLength(3)

    const refusing = new Solo()
    refusing.tick(14)
    expect(refusing.askVote('b', 2, blockOn(genesis, 1)).signed('vote')).toEqual([]) // a base without its certificate
    expect(refusing.tick(1).sent('pre-vote')).toHaveLength(3)
  })

  it('§5.2 only the current leader’s word restarts the time-out', () => {
    const solo = new Solo()
    solo.follow('b', 2)
    solo.tick(14)
    solo.heartbeat('c', 2)
    solo.heartbeat('b', 1)
    expect(solo.tick(1).sent('pre-vote')).toHaveLength(3)
  })

  it('§5.2 servers start as followers', () => {
    expect(new Solo().raft.role).toBe('follower')
  })

  it('§5.2 a server remains a follower as long as it hears from a leader', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    for (let i = 0; i < 20; i++) {
      solo.tick(8)
      solo.heartbeat('b', 1)
    }
    expect([solo.raft.role, solo.raft.leader]).toEqual(['follower', 'b'])
  })

  it('§5.2 without a word for an election time-out it stands; dissertation §9.6: for pre-votes first, which change no term', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    expect(solo.tick(14).sent('pre-vote')).toEqual([])
    const asked = solo.tick(1).sent('pre-vote')
    expect(asked.map((message) => [message.to, message.term])).toEqual([
      ['b', 2],
      ['c', 2],
      ['d', 2],
    ])
    expect([solo.raft.role, solo.raft.term]).toEqual(['candidate', 1])
  })

  it('§5.2 time-outs are drawn from an interval: from one to two of them', () => {
    for (const drawn of [0, 9]) {
      const solo = new Solo({ below: () => drawn })
      solo.tick(9 + drawn)
      expect(solo.raft.role).toBe('follower')
      solo.tick(1)
      expect(solo.raft.role).toBe('candidate')
    }
  })

  it('§5.2 to stand, it raises its term, votes for itself and asks all others at once, all after its own vote is on disk', () => {
    const effects = new Solo().preVotes(['b', 'c'])
    expect(effects.order.filter((kind) => kind !== 'role')).toEqual([
      'save-vote',
      'sign vote',
      'send vote-request',
      'send vote-request',
      'send vote-request',
    ])
    expect(effects.of('send').every((effect) => effect.afterDurable)).toBe(true)
    expect(effects.signed('vote')).toEqual([voteFor(1, 'a', genesis)])
  })

  it('§5.2 it wins with the votes of a quorum of q = ⌈2N/3⌉, not of a majority', () => {
    const members = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const solo = new Solo({ members })
    solo.preVotes(['b', 'c', 'd', 'e'])
    for (const from of ['b', 'c', 'd']) solo.hearSigned(from, voteFor(1, 'a', genesis))
    expect(solo.raft.role).toBe('candidate') // 4 of 7: the paper's majority
    const effects = solo.hearSigned('e', voteFor(1, 'a', genesis))
    expect(solo.raft.role).toBe('leader')
    expect(
      effects
        .of('lead')[0]!
        .election.signatures.map((signature) => signature.member)
        .sort(),
    ).toEqual(members.slice(0, 5))
  })

  it('§5.2 a vote twice from the same server counts once', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    solo.hearSigned('b', voteFor(1, 'a', genesis))
    solo.hearSigned('b', voteFor(1, 'a', genesis))
    expect(solo.raft.role).toBe('candidate')
  })

  it('§5.2 each server votes for at most one candidate in a term, first come first served; the vote is on disk first', () => {
    const solo = new Solo()
    const effects = solo.askVote('b', 3)
    expect(effects.order.slice(-2)).toEqual(['save-vote', 'sign vote'])
    expect(effects.signed('vote')).toEqual([voteFor(3, 'b', genesis)])
    const second = solo.askVote('c', 3)
    expect(second.signed('vote')).toEqual([])
    expect(second.sent('vote-reply')[0]).toMatchObject({ granted: false })
  })

  it('§5.2 the same candidate asking again gets the same vote', () => {
    const solo = new Solo()
    const first = solo.askVote('b', 3).signed('vote')
    expect(solo.askVote('b', 3).signed('vote')).toEqual(first)
  })

  it('§5.2 the vote survives a restart', () => {
    const vote = { term: 3 as Term, candidate: 'b', base: refTo(genesis), ackBarred: false }
    const solo = new Solo({ durable: { ...freshDisk, vote } })
    expect(solo.askVote('c', 3).signed('vote')).toEqual([])
    expect(solo.askVote('b', 3).signed('vote')).toEqual([voteFor(3, 'b', genesis)])
  })

  it('§5.2 a candidate that is shown a leader of its term returns to follower', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    solo.follow('b', 1)
    expect([solo.raft.role, solo.raft.leader]).toEqual(['follower', 'b'])
  })

  it('§5.2 votes that come after another leader was seen make no second one', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    solo.follow('b', 1)
    for (const from of ['c', 'd']) solo.hearSigned(from, voteFor(1, 'a', genesis))
    expect(solo.raft.role).toBe('follower')
  })

  it('§5.2 a leader of a lower term is not recognised: the candidate goes on', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    solo.preVotes(['c', 'd'])
    solo.follow('b', 1)
    solo.heartbeat('b', 1)
    expect([solo.raft.role, solo.raft.term]).toEqual(['candidate', 2])
  })

  it('§5.2 votes of different terms do not count together', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    solo.hearSigned('b', voteFor(1, 'a', genesis))
    solo.preVotes(['b', 'c'])
    solo.hearSigned('c', voteFor(1, 'a', genesis))
    solo.hearSigned('b', voteFor(2, 'a', genesis))
    expect([solo.raft.role, solo.raft.term]).toEqual(['candidate', 2])
    solo.hearSigned('d', voteFor(2, 'a', genesis))
    expect(solo.raft.role).toBe('leader')
  })

  it('§5.1 a candidate that is told of a higher term stands above it next', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    solo.hear('b', { kind: 'vote-reply', term: 1 as Term, granted: false, ownTerm: 7 as Term })
    const asked = solo.tick(15).sent('pre-vote')
    expect(asked.map((message) => message.term)).toEqual([8, 8, 8])
    expect(solo.raft.term).toBe(1)
  })

  it('§5.2 when votes are split, it times out and stands in a higher term', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    solo.hearSigned('b', voteFor(1, 'a', genesis))
    const effects = solo.preVotes(['b', 'c'])
    expect(effects.signed('vote')).toEqual([voteFor(2, 'a', genesis)])
  })

  it('§5.2 a leader sends heartbeats to everybody, at once and then at every interval', () => {
    const solo = new Solo()
    const { effects } = solo.lead()
    expect(effects.sent('heartbeat').map((message) => message.to)).toEqual(['b', 'c', 'd'])
    expect(solo.tick(4).sent('heartbeat').length).toBe(6)
  })

  it('a sole member elects itself', () => {
    const solo = new Solo({ members: ['a'] })
    solo.tick(15)
    expect([solo.raft.role, solo.raft.term]).toEqual(['leader', 1])
    const first = blockOn(genesis, 1)
    expect(
      solo
        .do((raft) => raft.propose(first))
        .of('commit')
        .map((effect) => effect.height),
    ).toEqual([1])
  })
})

describe('§5.3 log replication', () => {
  it('§5.3 the leader appends to its own log first and sends what a follower lacks', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const effects = solo.position('b', genesis)
    expect(effects.of('send-blocks')).toEqual([{ kind: 'send-blocks', to: 'b', from: 1, through: 1 }])
    expect(solo.raft.tail).toBe(first)
  })

  it('§5.3 an entry is committed when a quorum holds it; here when a quorum has locked what a quorum acknowledged', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const acked = solo.acks(first, ['b', 'c'])
    expect(acked.sent('certified').map((message) => message.to)).toEqual(['b', 'c', 'd'])
    expect(solo.raft.commit).toBe(0)
    solo.locks(first, ['b'])
    expect(solo.raft.commit).toBe(0)
    expect(solo.locks(first, ['c']).of('commit')).toEqual([{ kind: 'commit', height: 1, certified: [1] }])
  })

  it('§5.3 a commit commits all entries before it', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const second = solo.propose().block
    const third = solo.propose().block
    solo.acks(first, ['b', 'c'])
    solo.acks(third, ['b', 'c'])
    const effects = solo.locks(third, ['b', 'c'])
    expect(effects.of('commit')).toEqual([{ kind: 'commit', height: 3, certified: [1, 3] }])
    expect(solo.raft.has(second)).toBe(true)
  })

  it('§5.3 a follower takes an entry only on the one it names as its parent', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const [first, second, third] = chainOn(genesis, 1, 3) as [ReturnType<typeof blockOn>, never, never]
    expect(solo.accept('b', third).all).toEqual([])
    solo.accept('b', first)
    expect(solo.accept('b', third).all).toEqual([])
    solo.accept('b', second, third)
    expect(solo.raft.tail).toBe(third)
  })

  it('§5.3 the leader finds where a follower agrees and goes on from there', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.propose()
    solo.propose()
    expect(solo.position('c', first).of('send-blocks')).toEqual([{ kind: 'send-blocks', to: 'c', from: 2, through: 3 }])
  })

  it('§5.3 conflicting entries of a follower are dropped for the leader’s; never what is committed', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const [one, two, three] = chainOn(genesis, 1, 3)
    solo.accept('b', one!, two!, three!)
    solo.certified(one!)
    solo.committed(one!)
    solo.follow('c', 2, one!, solo.qc(one!))
    const effects = solo.accept('c', blockOn(one!, 2))
    expect(effects.order).toEqual(['truncate', 'append', 'sign ack'])
    expect(effects.of('truncate')).toEqual([{ kind: 'truncate', above: 1 }])
  })

  it('§5.3 an append that is short or old removes nothing (consensus.md: async-raft #132)', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const [one, two, three] = chainOn(genesis, 1, 3)
    solo.accept('b', one!, two!, three!)
    expect(solo.accept('b', one!).of('truncate')).toEqual([])
    expect(solo.raft.tail).toBe(three)
  })

  it('§5.3 a leader never overwrites or drops entries of its own term (leader append-only)', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const other = blockOn(genesis, 1, 'other')
    expect(() => solo.do((raft) => raft.propose(other))).toThrow(/one chain per term/)
    expect(solo.accept('b', other).all).toEqual([])
    expect(solo.raft.tail).toBe(first)
  })

  it('§5.3 an entry of a lower term is not taken, whoever sends it', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const old = blockOn(genesis, 1)
    solo.follow('c', 2)
    for (const from of ['b', 'c']) expect(solo.accept(from, old).all).toEqual([])
    expect(solo.raft.tail).toBe(genesis)
  })

  it('§5.3 the leader says in every heartbeat what is committed; here that is a hint: a follower commits on the certificate', () => {
    const leader = new Solo()
    const { first } = leader.lead()
    leader.acks(first, ['b', 'c'])
    leader.locks(first, ['b', 'c'])
    expect(leader.tick(2).sent('heartbeat')[0]).toMatchObject({ commit: 1 })

    const follower = new Solo()
    follower.follow('b', 1)
    follower.accept('b', first)
    expect(follower.heartbeat('b', 1, { commit: 1, certified: 1 }).of('commit')).toEqual([])
    expect(follower.committed(first).of('commit')).toEqual([{ kind: 'commit', height: 1, certified: [1] }])
  })

  it('§5.3 the leader retries until a follower has what was sent, also after it was committed', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const sent = [...solo.position('d', genesis).of('send-blocks')]
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    for (let heartbeats = 0; heartbeats < 20; heartbeats++) {
      solo.tick(2)
      for (const from of ['b', 'c']) solo.position(from, first)
      sent.push(...solo.position('d', genesis).of('send-blocks'))
    }
    expect(sent.length).toBeGreaterThan(2)
    for (const { to, from, through } of sent) expect([to, from, through]).toEqual(['d', 1, 1])
  })

  it('§5.3 a slow follower does not hold up a commit', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['c', 'd'])
    expect(solo.locks(first, ['c', 'd']).of('commit').length).toBe(1)
  })
})

describe('§5.4 safety', () => {
  it('§5.4.1 a vote is refused to a candidate whose log is behind; here: whose base ranks below my lock, with the proof', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const block = blockOn(genesis, 1)
    solo.accept('b', block)
    solo.certified(block)
    solo.tick(20)
    const effects = solo.askVote('c', 5, genesis)
    expect(effects.signed('vote')).toEqual([])
    expect(effects.sent('vote-reply')[0]).toMatchObject({ granted: false, lock: solo.qc(block) })
  })

  it('§5.4.1 of two logs the one with the later last term is more up-to-date, whatever their lengths; of one term, the longer', () => {
    const held = () => {
      const solo = new Solo()
      solo.follow('b', 1)
      const blocks = chainOn(genesis, 1, 3)
      solo.accept('b', ...blocks)
      for (const block of blocks) solo.certified(block)
      solo.tick(10)
      return solo
    }
    const vote = (base: ReturnType<typeof blockOn>) => {
      const solo = held()
      return solo.askVote('c', 5, base, solo.qc(base)).signed('vote')
    }
    const [short, , equal, longer] = chainOn(genesis, 1, 4)
    expect(vote(short!)).toEqual([])
    expect(vote(equal!)).toHaveLength(1)
    expect(vote(longer!)).toHaveLength(1)
    expect(vote(blockOn(genesis, 2, 'later'))).toHaveLength(1)
  })

  it('§5.4.3 any two quorums share a server; here an honest one, and q honest ones are left when f lie', () => {
    for (let count = 1; count <= 40; count++) {
      const [q, f] = [quorumOf(count), faultsOf(count)]
      expect(2 * q - count, `${count} members`).toBeGreaterThanOrEqual(f + 1)
      expect(q, `${count} members`).toBeLessThanOrEqual(count - f)
    }
  })

  it('§5.4.2 a leader counts acknowledgements for entries of its own term only (figure 8)', () => {
    const old = blockOn(genesis, 1)
    const vote = { term: 1 as Term, candidate: 'a', base: refTo(genesis), ackBarred: false }
    const lock = {
      block: refTo(old),
      certificate: qcOf(four, genesis, old),
      lowerTermRank: freshDisk.lock.lowerTermRank,
    }
    const solo = new Solo({ durable: { vote, lock, commit: 0 as Height, blocks: [genesis, old] } })
    const { first } = solo.lead()
    expect(first.parent).toBe(old.id)
    expect(solo.acks(old, ['b', 'c', 'd']).sent('certified')).toEqual([])
    expect(solo.acks(first, ['b', 'c'], old).sent('certified').length).toBe(3)
    expect(solo.locks(first, ['b', 'c']).of('commit')).toEqual([{ kind: 'commit', height: 2, certified: [2] }])
  })
})

describe('§5.5 and §5.6 crashes and persistence', () => {
  it('§5.5 a message received twice does no harm', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    for (let i = 0; i < 2; i++) solo.acks(first, ['b', 'c'])
    for (let i = 0; i < 2; i++) solo.locks(first, ['b', 'c'])
    expect(solo.raft.commit).toBe(1)
  })

  it('§5.5 a candidate that crashes has voted for itself: it gives no other vote in that term', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    const again = new Solo({ durable: { ...freshDisk, vote: solo.raft.vote } })
    expect(again.askVote('b', 1).signed('vote')).toEqual([])
    expect(again.raft.vote).toMatchObject({ term: 1, candidate: 'a' })
  })

  it('§5.6 several heartbeats fit in an election time-out, or the server does not start', () => {
    const options = {
      self: 'a',
      members: four,
      start: refTo(genesis),
      electionTimeoutTicks: 10,
      windowBytes: 1,
      stallTimeouts: 3,
      below: () => 0,
    }
    expect(() => new Raft({ ...options, heartbeatTicks: 6 }, freshDisk)).toThrow(/several heartbeats/)
    expect(new Raft({ ...options, heartbeatTicks: 5 }, freshDisk).role).toBe('follower')
  })

  it('§5.6 what is promised is written before the promise leaves: block before ACK, lock before LOCK', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const block = blockOn(genesis, 1)
    expect(solo.accept('b', block).order).toEqual(['append', 'sign ack'])
    expect(solo.certified(block).order).toEqual(['save-lock', 'sign lock'])
  })

  it('figure 2: the log a server restarts with is the log it had', () => {
    const blocks = [genesis, ...chainOn(genesis, 1, 3)]
    const vote = { term: 1 as Term, candidate: null, base: null, ackBarred: false }
    const solo = new Solo({ durable: { ...freshDisk, vote, blocks } })
    solo.follow('b', 1)
    const next = blockOn(blocks.at(-1)!, 1)
    expect(solo.accept('b', next).signed('ack')).toEqual([ackOf(genesis, next)])
  })
})

describe('§7 log compaction and §8 clients', () => {
  it('§7 a snapshot that is a prefix of the log keeps what follows it; here an attested block and the chain to it', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const blocks = chainOn(genesis, 1, 3)
    solo.accept('b', ...blocks)
    const attested = { kind: 'attested', block: refTo(blocks[1]!) } as const
    const effects = solo.do((raft) => raft.adopt(blocks.slice(0, 2), attested))
    expect(effects.of('truncate')).toEqual([])
    expect(effects.of('commit')).toEqual([{ kind: 'commit', height: 2, certified: [2] }])
    expect(solo.raft.tail).toBe(blocks[2])
  })

  it('§7 a snapshot that contradicts the log replaces it', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    solo.accept('b', ...chainOn(genesis, 1, 3))
    const others = chainOn(genesis, 2, 2, 'x')
    const effects = solo.do((raft) => raft.adopt(others, { kind: 'attested', block: refTo(others[1]!) }))
    expect(effects.of('truncate')).toEqual([{ kind: 'truncate', above: 0 }])
    expect([solo.raft.tail, solo.raft.commit]).toEqual([others[1], 2])
  })

  it('§7 a snapshot that is behind what is committed changes nothing', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const blocks = chainOn(genesis, 1, 3)
    solo.accept('b', ...blocks)
    solo.committed(blocks[2]!)
    const attested = { kind: 'attested', block: refTo(blocks[0]!) } as const
    expect(solo.do((raft) => raft.adopt(blocks.slice(0, 1), attested)).all).toEqual([])
  })

  it('§8 a leader seals an entry of its own at the start of its term, without waiting for work', () => {
    const solo = new Solo()
    solo.preVotes(['b', 'c'])
    solo.hearSigned('b', voteFor(1, 'a', genesis))
    const effects = solo.hearSigned('c', voteFor(1, 'a', genesis))
    expect(effects.of('lead')).toMatchObject([{ base: refTo(genesis) }])
  })
})

describe('dissertation: transfer, disruption, check-quorum, reads', () => {
  it('§3.10 a leader hands over: the heir stands at once, without pre-votes, and is voted for though the leader lives', () => {
    const heir = new Solo()
    heir.follow('b', 1)
    const effects = heir.hear('b', { kind: 'handover', term: 1 as Term, to: 'a' })
    expect(effects.sent('vote-request').map((message) => message.term)).toEqual([2, 2, 2])

    const voter = new Solo()
    voter.follow('b', 1)
    voter.hear('b', { kind: 'handover', term: 1 as Term, to: 'c' })
    expect(voter.askVote('d', 2).signed('vote')).toEqual([])
    expect(voter.askVote('c', 2).signed('vote')).toEqual([voteFor(2, 'c', genesis)])
  })

  it('§3.10 only the leader can hand over', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    solo.hear('c', { kind: 'handover', term: 1 as Term, to: 'c' })
    expect(solo.askVote('c', 2).signed('vote')).toEqual([])
  })

  it('§3.10 a leader whose heir does nothing goes on leading', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.do((raft) => raft.handOver('b'))
    for (let i = 0; i < 20; i++) {
      solo.tick()
      for (const from of ['b', 'c', 'd']) solo.position(from, solo.raft.tail)
      solo.locks(first, ['b', 'c'])
    }
    expect(solo.raft.role).toBe('leader')
    expect(solo.askVote('b', 2).signed('vote')).toEqual([])
  })

  it('§4.2.3 a server that hears a live leader gives no vote and does not raise its term', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    solo.tick(9)
    expect(solo.askVote('c', 50).signed('vote')).toEqual([])
    expect(solo.askPreVote('c', 50).sent('pre-vote-reply')[0]).toMatchObject({ granted: false })
    expect(solo.raft.term).toBe(1)
    solo.tick(1)
    expect(solo.askPreVote('c', 50).sent('pre-vote-reply')[0]).toMatchObject({ granted: true })
    expect(solo.raft.term).toBe(1)
  })

  it('§9.6 a pre-vote needs the quorum too, and late or foreign ones count for nothing', () => {
    const solo = new Solo()
    solo.preVotes(['b'])
    expect(solo.raft.term).toBe(0)
    solo.hear('c', { kind: 'pre-vote-reply', term: 9 as Term, granted: true, ownTerm: 0 as Term })
    solo.hear('z', { kind: 'pre-vote-reply', term: 1 as Term, granted: true, ownTerm: 0 as Term })
    expect(solo.raft.term).toBe(0)
  })

  it('§6.2 a leader that a quorum no longer answers steps down', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    for (let i = 0; i < 6; i++) {
      solo.tick(9)
      for (const from of ['b', 'c']) solo.position(from, genesis)
      solo.tick(1)
    }
    expect(solo.raft.role).toBe('leader')
    solo.position('b', genesis)
    expect(solo.tick(10).of('role')[0]).toMatchObject({ role: 'follower', reason: 'a quorum no longer answers' })
  })

  it('§6.4 a read waits for a commit of the leader’s own term and for a quorum that still knows it as leader', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.do((raft) => raft.readIndex(1))
    for (const from of ['b', 'c']) expect(solo.position(from, genesis, { round: 5 }).of('read-ready')).toEqual([])
    solo.acks(first, ['b', 'c'])
    expect(solo.locks(first, ['b', 'c']).of('read-ready')).toEqual([{ kind: 'read-ready', context: 1, height: 1 }])
    const asked = solo.do((raft) => raft.readIndex(2)).sent('heartbeat')
    expect(asked.length).toBe(3)
    const round = asked[0]!.round
    expect(solo.position('b', first, { round: round - 1 }).of('read-ready')).toEqual([])
    expect(solo.position('c', first, { round: round - 1 }).of('read-ready')).toEqual([])
    expect(solo.position('b', first, { round }).of('read-ready')).toEqual([])
    expect(solo.position('c', first, { round }).of('read-ready')).toEqual([
      { kind: 'read-ready', context: 2, height: 1 },
    ])
  })

  it('§6.4 a member that asks without end crowds out nobody’s read but its own', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    solo.do((raft) => raft.readIndex(1))
    for (let context = 0; context < 10; context++) solo.hear('b', { kind: 'read-request', context })
    for (let context = 0; context < 5_000; context++) solo.hear('d', { kind: 'read-request', context })
    const answered = [solo.position('b', first, { round: 1_000_000 }), solo.position('c', first, { round: 1_000_000 })]
    const sent = answered.flatMap(({ all }) => all).filter((effect) => effect.kind === 'send')
    const contexts = (to: string): number[] =>
      sent.flatMap(({ to: asker, message }) => (asker === to && message.kind === 'read-reply' ? [message.context] : []))
    expect(answered.flatMap((effects) => effects.of('read-ready'))).toEqual([
      { kind: 'read-ready', context: 1, height: 1 },
    ])
    expect(contexts('b')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(contexts('d')).toEqual(Array.from({ length: 989 }, (_, i) => 4_011 + i))
  })

  it('§6.4 a member of a higher term confirms no read: its leader may have committed more', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    solo.do((raft) => raft.readIndex(1))
    for (const from of ['b', 'c', 'd']) {
      expect(solo.position(from, first, { round: 9, ownTerm: 2 }).of('read-ready')).toEqual([])
    }
  })

  it('§6.4 a read waits for what others may have committed before the leader: LOCKs go to everybody', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    const { block } = solo.propose()
    solo.acks(block, ['b', 'c']) // b, c and d may have this block's LOCKs by now
    solo.do((raft) => raft.readIndex(1))
    for (const from of ['b', 'c', 'd']) expect(solo.position(from, block, { round: 9 }).of('read-ready')).toEqual([])
    expect(solo.locks(block, ['b', 'c']).of('read-ready')).toEqual([{ kind: 'read-ready', context: 1, height: 2 }])
  })

  it('§6.4 reads that come while a round of heartbeats is out share the next one', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    const { round } = solo.do((raft) => raft.readIndex(1)).sent('heartbeat')[0]!
    for (const context of [2, 3, 4]) expect(solo.do((raft) => raft.readIndex(context)).all).toEqual([])
    solo.position('b', first, { round })
    const effects = solo.position('c', first, { round })
    expect(effects.of('read-ready').map((read) => read.context)).toEqual([1])
    expect(effects.sent('heartbeat').map((message) => message.round)).toEqual([round + 1, round + 1, round + 1])
    solo.position('b', first, { round: round + 1 })
    const rest = solo.position('d', first, { round: round + 1 })
    expect(rest.of('read-ready').map((read) => read.context)).toEqual([2, 3, 4])
  })

  it('§6.4 a follower asks its leader, and believes nobody else', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    expect(solo.do((raft) => raft.readIndex(4)).sent('read-request')).toMatchObject([{ to: 'b', context: 4 }])
    const reply = { kind: 'read-reply', context: 4, height: 0 as Height } as const
    expect(solo.hear('c', reply).of('read-ready')).toEqual([])
    expect(solo.hear('b', reply).of('read-ready').length).toBe(1)
  })

  it('a message from somebody who is no member is nothing', () => {
    const solo = new Solo()
    expect(solo.askVote('z', 3).all).toEqual([])
    expect(solo.hear('z', { kind: 'ack', base: genesis, block: genesis, signature: signatureOf('z') }).all).toEqual([])
  })
})
