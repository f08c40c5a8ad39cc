/** At least one test for each of the rules 1–16 of docs/protocol.md, as far as they are the core's; the rest of them is the node's. */
import { describe, expect, it } from 'vitest'
import type { Height, Term } from '../../src/chain/numbers.ts'
import type { BlockMeta } from '../../src/consensus/message.ts'
import type { DurableState } from '../../src/consensus/raft.ts'
import { ackOf, blockOn, chainOn, genesis, lockOf, refTo, voteFor } from './facts.ts'
import { Solo } from './solo.ts'

/** A follower of b in term 1 that acknowledged `count` blocks and locked those up to `locked`. */
function follower(count: number, locked = 0): { solo: Solo; blocks: BlockMeta[] } {
  const solo = new Solo()
  const blocks = chainOn(genesis, 1, count)
  solo.follow('b', 1)
  solo.accept('b', ...blocks)
  for (const block of blocks.slice(0, locked)) solo.certified(block)
  return { solo, blocks }
}

/** What a crash at this moment, and a start after it, would find on the disk. */
function diskOf(solo: Solo, blocks: readonly BlockMeta[]): DurableState {
  return { vote: solo.raft.vote, lock: solo.raft.lock, commit: solo.raft.commit, blocks: [genesis, ...blocks] }
}

describe('who and what', () => {
  it('rule 1: q of the epoch serves for everything: pre-votes, votes, acknowledgements, locks, check-quorum', () => {
    const members = ['a', 'b', 'c', 'd', 'e', 'f'] // q = 4
    const solo = new Solo({ members })
    solo.preVotes(['b', 'c'])
    expect(solo.raft.term).toBe(0)
    solo.hear('d', { kind: 'pre-vote-reply', term: 1 as Term, granted: true, ownTerm: 0 as Term })
    expect(solo.raft.term).toBe(1)
    for (const from of ['b', 'c']) solo.hearSigned(from, voteFor(1, 'a', genesis))
    expect(solo.raft.role).toBe('candidate')
    solo.hearSigned('d', voteFor(1, 'a', genesis))
    expect(solo.raft.role).toBe('leader')
    const { block } = solo.propose()
    expect(solo.acks(block, ['b', 'c']).sent('certified')).toEqual([])
    expect(solo.acks(block, ['d']).sent('certified').length).toBe(5)
    solo.locks(block, ['b', 'c'])
    expect(solo.raft.commit).toBe(0)
    solo.locks(block, ['d'])
    expect(solo.raft.commit).toBe(1)
    solo.tick(10)
    for (const from of ['b', 'c']) solo.position(from, block)
    solo.tick(10)
    expect(solo.raft.role).toBe('follower')
  })

  it('rule 2: a certificate is q signatures by distinct members over equal bytes: no number may differ', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const forged = { ...refTo(genesis), term: 9 as Term }
    solo.hearSigned('b', ackOf(forged, first))
    solo.hearSigned('c', ackOf(genesis, first))
    expect(solo.raft.lock.block.height).toBe(0)
    solo.hearSigned('c', ackOf(genesis, first))
    expect(solo.raft.lock.block.height).toBe(0)
    const [certified] = solo.hearSigned('d', ackOf(genesis, first)).sent('certified')
    expect(certified!.certificate.signatures.map((signature) => signature.member)).toEqual(['a', 'c', 'd'])
  })

  it('rule 2: LOCKs of one id and different terms do not count together, whichever came first', () => {
    const { solo, blocks } = follower(1, 1)
    solo.hearSigned('d', lockOf({ ...blocks[0]!, term: 7 as Term }))
    solo.hearSigned('b', lockOf(blocks[0]!))
    expect(solo.raft.commit).toBe(0)
    solo.hearSigned('c', lockOf(blocks[0]!))
    expect([solo.raft.commit, solo.raft.term]).toEqual([1, 1])
  })

  it('rule 2: a liar’s endless LOCKs take a bounded place and do not keep an honest certificate from forming', () => {
    const { solo, blocks } = follower(1, 1)
    for (let i = 0; i < 100; i++) solo.hearSigned('d', lockOf({ ...blocks[0]!, id: `made-up-${i}` }))
    solo.locks(blocks[0]!, ['b', 'c'])
    expect(solo.raft.commit).toBe(1)
  })

  it('rule 2: a commit index, a tail, a heartbeat and a pre-vote are hints and prove nothing', () => {
    const { solo, blocks } = follower(2)
    solo.heartbeat('b', 1, { commit: 2, certified: 2 })
    solo.askPreVote('c', 900, blocks[1]!)
    solo.position('c', blocks[1]!, { ownTerm: 50 })
    expect([solo.raft.commit, solo.raft.term, solo.raft.lock.block.height]).toEqual([0, 1, 0])
  })
})

describe('electing', () => {
  it('rule 3: the lock is the highest-ranked certified block of my chain, kept with its QC, written before it is used', () => {
    const { solo, blocks } = follower(3)
    expect(solo.certified(blocks[1]!).order).toEqual(['save-lock', 'sign lock'])
    expect(solo.raft.lock).toMatchObject({ block: refTo(blocks[1]!), certificate: solo.qc(blocks[1]!) })
  })

  it('rule 3: its rank never falls', () => {
    const { solo, blocks } = follower(3)
    solo.certified(blocks[2]!)
    expect(solo.certified(blocks[0]!).of('save-lock')).toEqual([])
    expect(solo.raft.lock.block.height).toBe(3)
  })

  it('rule 3: a certificate off my chain makes me fetch, and switch if it outranks my lock, before my first ACK of the term', () => {
    const { solo, blocks } = follower(2, 1)
    solo.follow('c', 3, genesis)
    const other = chainOn(genesis, 2, 2, 'x')
    expect(solo.certified(other[1]!).of('fetch')).toEqual([])
    const certificate = solo.qc(other[1]!)
    expect(solo.tick(3).of('fetch')).toEqual([{ kind: 'fetch', certificate }])
    const effects = solo.do((raft) => raft.adopt(other, { kind: 'certificate', certificate }))
    expect(effects.of('truncate')).toEqual([{ kind: 'truncate', above: 0 }])
    expect([solo.raft.tail, solo.raft.lock.block]).toEqual([other[1], refTo(other[1]!)])
    expect(blocks[0]!.id).not.toBe(other[0]!.id)
  })

  it('rule 3: a QC off my chain that does not outrank my lock moves nothing', () => {
    const { solo, blocks } = follower(2, 2)
    const other = chainOn(genesis, 1, 1, 'x')
    const certificate = solo.qc(other[0]!)
    expect(solo.do((raft) => raft.adopt(other, { kind: 'certificate', certificate })).of('truncate')).toEqual([])
    expect(solo.raft.tail).toBe(blocks[1])
    expect(solo.tick(9).of('fetch')).toEqual([])
  })

  it('rule 3: after my first ACK of the term only a CC or an AC switches me', () => {
    const { solo } = follower(2)
    const other = chainOn(genesis, 1, 2, 'x')
    const qc = solo.qc(other[1]!)
    expect(solo.do((raft) => raft.adopt(other, { kind: 'certificate', certificate: qc })).of('truncate')).toEqual([])
    const cc = solo.cc(other[1]!)
    expect(solo.do((raft) => raft.adopt(other, { kind: 'certificate', certificate: cc })).of('commit')).toEqual([
      { kind: 'commit', height: 2, certified: [2] },
    ])
    expect(solo.raft.tail).toBe(other[1])
  })

  it('rule 3: an ACK before a restart counts, though this term’s leader is not known again yet', () => {
    const { solo, blocks } = follower(2)
    const again = new Solo({ durable: diskOf(solo, blocks) })
    const other = chainOn(genesis, 1, 2, 'x')
    const certificate = solo.qc(other[1]!)
    expect(again.do((raft) => raft.adopt(other, { kind: 'certificate', certificate })).of('truncate')).toEqual([])
    expect(again.raft.tail).toBe(blocks[1])
  })

  it('rule 3: an attested checkpoint commits what it covers; such a lock cannot be stood on until its certificate is known', () => {
    const { solo } = follower(1)
    const chain = chainOn(genesis, 2, 3, 'x')
    solo.do((raft) => raft.adopt(chain, { kind: 'attested', block: refTo(chain[2]!) }))
    expect([solo.raft.commit, solo.raft.lock.block.height, solo.raft.term]).toEqual([3, 3, 2])
    expect(solo.tick(40).sent('pre-vote')).toEqual([])
    solo.certified(chain[2]!)
    expect(solo.tick(40).sent('pre-vote').length).toBeGreaterThan(0)
  })

  it('rule 3: a crash between dropping one certified chain and holding the other is survived; the rank still binds', () => {
    const { solo, blocks } = follower(2, 2)
    const solo2 = new Solo({ durable: { ...diskOf(solo, []), vote: { ...solo.raft.vote, term: 5 as Term } } })
    expect(solo2.raft.has(blocks[1]!)).toBe(false)
    expect(solo2.askVote('c', 6).signed('vote')).toEqual([])
    expect(solo2.tick(30).sent('pre-vote')).toEqual([])
    const certificate = solo.qc(blocks[1]!)
    expect(solo2.tick(3).of('fetch')).toEqual([{ kind: 'fetch', certificate }])
    solo2.do((raft) => raft.adopt(blocks, { kind: 'certificate', certificate }))
    expect(solo2.tick(30).sent('pre-vote').length).toBeGreaterThan(0)
  })

  it('rule 4: a candidate stands on its lock and shows its QC; elected, it drops its own blocks above', () => {
    const { solo, blocks } = follower(3, 1)
    const effects = solo.preVotes(['c', 'd'])
    expect(effects.sent('vote-request')[0]).toMatchObject({ base: refTo(blocks[0]!), certificate: solo.qc(blocks[0]!) })
    solo.hearSigned('c', voteFor(2, 'a', blocks[0]!))
    const elected = solo.hearSigned('d', voteFor(2, 'a', blocks[0]!))
    expect(elected.of('truncate')).toEqual([{ kind: 'truncate', above: 1 }])
    expect(elected.of('lead')).toMatchObject([{ base: refTo(blocks[0]!), certificate: solo.qc(blocks[0]!) }])
  })

  it('rule 5: I vote iff the base is proven and not below my lock', () => {
    const { solo, blocks } = follower(2, 2)
    solo.tick(10)
    expect(solo.askVote('c', 2, blocks[0]!, solo.qc(blocks[0]!)).signed('vote')).toEqual([])
    expect(solo.askVote('c', 2, blocks[1]!).signed('vote')).toEqual([])
    expect(solo.askVote('c', 2, blocks[1]!, solo.qc(blocks[0]!)).signed('vote')).toEqual([])
    expect(solo.askVote('c', 2, blocks[1]!, solo.qc(blocks[1]!)).signed('vote')).toEqual([voteFor(2, 'c', blocks[1]!)])
  })

  it('rule 5: a base certified in the very term of the election, or later, is none', () => {
    const solo = new Solo()
    const block = blockOn(genesis, 4)
    expect(solo.askVote('c', 4, block, solo.qc(block)).signed('vote')).toEqual([])
  })

  it('rule 5: genesis needs no QC, and is no base with another rank or id', () => {
    const { solo } = follower(1, 1)
    solo.tick(10)
    expect(solo.askVote('c', 2, { ...refTo(genesis), term: 1_000 as Term }).signed('vote')).toEqual([])
    expect(new Solo().askVote('c', 2, { ...refTo(genesis), id: 'another' }).signed('vote')).toEqual([])
    expect(new Solo().askVote('c', 2, genesis).signed('vote').length).toBe(1)
  })

  it('rule 5: a leader that left waiting work uncommitted gets no vote for two time-outs', () => {
    const { solo, blocks } = follower(2, 1)
    solo.tick(15) // stands: no word from b, and block 2 waits
    const ask = (term: number) => solo.askVote('b', term, blocks[0]!, solo.qc(blocks[0]!)).signed('vote').length
    solo.tick(10)
    expect(ask(3)).toBe(0)
    solo.tick(10)
    expect(ask(4)).toBe(1)
  })

  it('rule 5: a leader that stands again at once, with its work undone, waits for two time-outs like one that fell silent', () => {
    const { solo, blocks } = follower(2, 1)
    solo.committed(blocks[0]!)
    // Nothing has timed out here: it resigned, and comes back with the next message.
    expect(solo.askPreVote('b', 2, blocks[0]!).sent('pre-vote-reply')[0]!.granted).toBe(false)
    expect(solo.askVote('b', 2, blocks[0]!, solo.qc(blocks[0]!)).signed('vote')).toEqual([])
    solo.tick(19)
    expect(solo.askVote('b', 2, blocks[0]!, solo.qc(blocks[0]!)).signed('vote')).toEqual([])
    solo.tick()
    expect(solo.askVote('b', 2, blocks[0]!, solo.qc(blocks[0]!)).signed('vote').length).toBe(1)
  })

  it('rule 5: so does one whose block I refused, though it left nothing on my chain; not one that left nothing undone', () => {
    const { solo, blocks } = follower(1, 1)
    solo.committed(blocks[0]!)
    const again = () => solo.askPreVote('b', 2, blocks[0]!).sent('pre-vote-reply')[0]!.granted
    expect(again()).toBe(true)
    expect(solo.do((raft) => raft.refuse('b', blockOn(blocks[0]!, 1), 'stale')).sent('block-refused')[0]).toMatchObject(
      { to: 'b', code: 'stale', height: 2 },
    )
    expect(again()).toBe(false)
    solo.tick(20)
    expect(again()).toBe(true)
  })

  it('rule 5: a refusal carries my lock’s QC, and a candidate shown a higher lock fetches it and stands on it', () => {
    const solo = new Solo()
    solo.follow('b', 1)
    const chain = chainOn(genesis, 1, 3)
    const certificate = solo.qc(chain[2]!)
    solo.preVotes(['c', 'd'])
    const refusal = {
      kind: 'vote-reply',
      term: 2 as Term,
      granted: false,
      ownTerm: 2 as Term,
      lock: certificate,
    } as const
    expect(solo.hear('d', refusal).of('fetch')).toEqual([{ kind: 'fetch', certificate }])
    solo.do((raft) => raft.adopt(chain, { kind: 'certificate', certificate }))
    const again = solo.preVotes(['c', 'd'])
    expect(again.sent('vote-request')[0]).toMatchObject({ term: 3, base: refTo(chain[2]!), certificate })
  })

  it('rule 6: a certificate of term t moves me to t, however far; a request by at most 1,000', () => {
    const solo = new Solo()
    expect(solo.askVote('b', 1_001).signed('vote')).toEqual([])
    expect(solo.raft.term).toBe(1_000)
    solo.tick(10)
    expect(solo.askVote('b', 1_999).signed('vote').length).toBe(1)
    expect(solo.askVote('c', 2_999).signed('vote')).toEqual([]) // no more than 1,000 in one election time-out
    solo.follow('d', 2 ** 40)
    expect(solo.raft.term).toBe(2 ** 40)
  })

  it('rule 6: a request raises no term while I hear a live leader', () => {
    const { solo } = follower(1)
    solo.askVote('c', 1_500)
    expect(solo.raft.term).toBe(1)
  })

  it('rule 6: a restarted leader never seals in its old term', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const again = new Solo({ durable: diskOf(solo, [first]) })
    again.hear('b', { kind: 'elected', election: again.election(1, 'a') })
    expect([again.raft.role, again.raft.leader]).toEqual(['follower', null])
    expect(() => again.do((raft) => raft.propose(blockOn(first, 1)))).toThrow(/only a leader seals/)
    expect(again.lead().first.term).toBe(2)
  })
})

describe('replicating', () => {
  it('rule 7: a leader is told to seal on base with both certificates, then one block per height, each on the last', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    expect([first.parent, first.term]).toEqual([genesis.id, 1])
    const { block, effects } = solo.propose()
    expect(block.parent).toBe(first.id)
    expect(effects.signed('ack')).toEqual([ackOf(genesis, block)])
    expect(() => solo.do((raft) => raft.propose(blockOn(first, 1, 'second')))).toThrow(/one chain per term/)
  })

  it('rule 8: I acknowledge a block only in its own term, under its election certificate, from the leader it names', () => {
    const solo = new Solo()
    const block = blockOn(genesis, 1)
    expect(solo.accept('b', block).all).toEqual([])
    solo.follow('b', 1)
    expect(solo.accept('c', block).all).toEqual([])
    expect(solo.accept('b', blockOn(genesis, 2)).all).toEqual([])
    expect(solo.accept('b', block).signed('ack')).toEqual([ackOf(genesis, block)])
  })

  it('rule 8: one chain per term: the parent is base(t) or my last ACK of t', () => {
    const { solo, blocks } = follower(2)
    expect(solo.accept('b', blockOn(genesis, 1, 'x')).all).toEqual([])
    expect(solo.accept('b', blockOn(blocks[0]!, 1, 'x')).all).toEqual([])
    expect(solo.raft.tail).toBe(blocks[1])
  })

  it('rule 8: one chain per term, also after a certificate moved me off it and a restart', () => {
    const { solo } = follower(2)
    const other = chainOn(genesis, 1, 1, 'x')
    const effects = solo.do((raft) => raft.adopt(other, { kind: 'certificate', certificate: solo.cc(other[0]!) }))
    // The bar is on disk before the blocks that I acknowledged are gone.
    expect(effects.order.indexOf('save-vote')).toBeLessThan(effects.order.indexOf('truncate'))
    const next = blockOn(other[0]!, 1, 'x')
    expect(solo.accept('b', next).signed('ack')).toEqual([])
    const again = new Solo({ durable: diskOf(solo, other) })
    again.follow('b', 1)
    expect(again.accept('b', next).signed('ack')).toEqual([])
  })

  it('rule 8: a base below any lock I held from a lower term is refused with that lock’s QC, even if the block extends it', () => {
    const { solo, blocks } = follower(2, 2)
    const effects = solo.follow('c', 3, blocks[0]!, solo.qc(blocks[0]!))
    expect(effects.sent('block-refused')[0]).toMatchObject({ to: 'c', code: 'lock', lock: solo.qc(blocks[1]!) })
    const extending = [{ ...blocks[1]!, term: 3 as Term, id: 'x' }, blockOn(blocks[1]!, 3)]
    expect(solo.accept('c', ...extending).signed('ack')).toEqual([])
  })

  it('rule 8: what a restart finds on disk of the current term is acknowledged again, and the next block follows on it', () => {
    const { solo, blocks } = follower(2)
    const again = new Solo({ durable: diskOf(solo, blocks) })
    expect(again.follow('b', 1).signed('ack')).toEqual([ackOf(genesis, blocks[1]!)])
    expect(again.heartbeat('b', 1).sent('heartbeat-reply')[0]!.position).toMatchObject({ height: 2 })
    const next = blockOn(blocks[1]!, 1)
    expect(again.accept('b', next).signed('ack')).toEqual([ackOf(genesis, next)])
  })

  it('rule 8: the ACK goes to the leader of the election certificate, though I stopped hearing it', () => {
    const { solo, blocks } = follower(1)
    solo.tick(15)
    expect(solo.raft.leader).toBe(null)
    const effects = solo.accept('b', blockOn(blocks[0]!, 1))
    expect(effects.of('sign')[0]!.to).toEqual(['b'])
  })

  it('rule 9: the core takes blocks from the driver only after it found them valid: it never asks for bytes', () => {
    // What is left to the core: a certificate for a block of my own term that I, its leader, never sealed can only be a broken quorum.
    const solo = new Solo()
    solo.lead()
    const forged = blockOn(genesis, 1, 'forged')
    expect(solo.certified(forged).of('halt').length).toBe(1)
  })

  it('rule 10: a certified block is never refused for its time: adoption asks nobody’s opinion, and is acknowledged', () => {
    const { solo, blocks } = follower(1)
    const rest = chainOn(blocks[0]!, 1, 2)
    const certificate = solo.qc(rest[1]!)
    const effects = solo.do((raft) => raft.adopt(rest, { kind: 'certificate', certificate }))
    expect(effects.order).toEqual(['append', 'append', 'sign ack', 'save-lock', 'sign lock'])
  })

  it('rule 11: at my first ACK of a term I drop what is off the new chain', () => {
    const { solo, blocks } = follower(3, 1)
    expect(solo.follow('c', 2, blocks[0]!, solo.qc(blocks[0]!)).of('truncate')).toEqual([])
    const block = blockOn(blocks[0]!, 2)
    expect(solo.accept('c', block).order).toEqual(['truncate', 'append', 'sign ack'])
    expect(solo.raft.tail).toBe(block)
  })

  it('rule 11: never at or below the committed height; asked to by a certificate: halt', () => {
    const { solo, blocks } = follower(2, 2)
    solo.committed(blocks[1]!)
    solo.follow('c', 2, genesis)
    expect(solo.accept('c', blockOn(genesis, 2)).of('truncate')).toEqual([])
    const other = chainOn(genesis, 3, 3, 'x')
    const cc = solo.cc(other[2]!)
    const effects = solo.do((raft) => raft.adopt(other, { kind: 'certificate', certificate: cc }))
    expect(effects.of('truncate')).toEqual([])
    expect(effects.of('halt').length).toBe(1)
    expect(solo.committed(other[1]!).of('halt').length).toBe(1)
  })

  it('rule 12: a leader resigns if more than N − q refuse', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const refused = {
      kind: 'block-refused',
      term: 1 as Term,
      height: 1 as Height,
      id: first.id,
      code: 'stale',
    } as const
    solo.hear('b', refused)
    solo.hear('b', refused)
    expect(solo.raft.role).toBe('leader')
    solo.hear('c', refused)
    expect(solo.raft.role).toBe('follower')
  })

  it('rule 12: a leader resigns if waiting work gets nowhere in k time-outs', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    for (let i = 0; i < 30; i++) {
      for (const from of ['b', 'c']) solo.position(from, first)
      expect(solo.raft.role).toBe('leader')
      solo.tick()
    }
    expect(solo.tick().of('role')[0]!.role).toBe('follower')
  })

  it('rule 12: also if its blocks are certified and never locked: a liar’s ACK may have made the QC', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'd'])
    for (let i = 0; i < 31; i++) {
      for (const from of ['b', 'c']) solo.position(from, first)
      solo.tick()
    }
    expect(solo.raft.role).toBe('follower')
  })

  it('rule 12: a leader whose disk is late resigns, and names the most advanced peer', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.position('c', first)
    const effects = solo.do((raft) => raft.cannotLead('the disk is late'))
    expect(effects.sent('handover').map((message) => message.to)).toHaveLength(3)
    expect(solo.raft.role).toBe('follower')
  })

  it('rule 12: a leader resigns if fewer than q answer within one time-out', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    for (let i = 0; i < 3; i++) {
      for (const from of ['b', 'c']) solo.position(from, first)
      expect(solo.tick(10).of('role')).toEqual([])
    }
    solo.position('b', first)
    expect(solo.tick(10).of('role')[0]).toMatchObject({ role: 'follower', reason: 'a quorum no longer answers' })
  })

  it('rule 12: an answer out of a higher term is none: whoever gives it follows this leader no more', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    solo.acks(first, ['b', 'c'])
    solo.locks(first, ['b', 'c'])
    solo.tick(9)
    for (const from of ['b', 'c', 'd']) solo.position(from, first)
    solo.tick(10)
    for (const from of ['b', 'c', 'd']) solo.position(from, first, { ownTerm: 2 })
    expect(solo.tick().of('role')[0]).toMatchObject({ role: 'follower', reason: 'a quorum no longer answers' })
  })

  it('rule 6: a leader stands above a member of a higher term, but not before that term’s leader has had two heartbeats to show itself', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    for (let round = 0; round < 3; round++) {
      for (const from of ['b', 'c', 'd']) {
        expect(solo.position(from, first, { ownTerm: 2 }).sent('vote-request')).toEqual([])
      }
    }
    solo.tick(3)
    expect(solo.position('b', first, { ownTerm: 2 }).sent('vote-request')).toEqual([])
    solo.tick()
    expect(solo.position('b', first, { ownTerm: 2 }).sent('vote-request')).toHaveLength(3)
    expect(solo.raft.term).toBe(3)
  })

  it('rule 12: who resigned stands again only when the others have had two time-outs, whatever it votes meanwhile', () => {
    const solo = new Solo()
    solo.lead()
    solo.do((raft) => raft.cannotLead('the disk is late'))
    // Its heir asks for its vote and wins nobody else's: the timer begins anew, the rest does not.
    expect(solo.askVote('b', 2).signed('vote').length).toBe(1)
    for (let i = 0; i < 20; i++) expect(solo.tick().sent('pre-vote')).toEqual([])
    expect(solo.tick(16).sent('pre-vote').length).toBe(3)
  })

  it('rule 12: a rest is no hindrance to whoever is asked to lead', () => {
    const solo = new Solo()
    solo.lead()
    solo.do((raft) => raft.cannotLead('the disk is late'))
    solo.follow('b', 2)
    solo.hear('b', { kind: 'handover', term: 2 as Term, to: 'a' })
    expect(solo.raft.role).toBe('candidate')
  })

  it('rule 12: a leader resigns on a QC above its lock and off its chain', () => {
    const solo = new Solo()
    solo.follow('b', 3)
    const { first } = solo.lead() // term 4
    expect(first.term).toBe(4)
    const other = blockOn(genesis, 2, 'x')
    expect(solo.certified(other).of('role')[0]).toMatchObject({ role: 'follower' })
  })
})

describe('committing', () => {
  it('rule 13: QCs are formed for blocks of my own term and sent to all; on a QC: raise the lock, write it, LOCK to all', () => {
    const solo = new Solo()
    const { first } = solo.lead()
    const effects = solo.acks(first, ['b', 'c'])
    expect(effects.sent('certified').map((message) => message.to)).toEqual(['b', 'c', 'd'])
    expect(effects.order.filter((kind) => kind === 'save-lock' || kind === 'sign lock')).toEqual([
      'save-lock',
      'sign lock',
    ])
    expect(effects.of('sign')[0]!.to).toEqual(['a', 'b', 'c', 'd'])
  })

  it('rule 13: never a LOCK in another term than the block’s', () => {
    const { solo, blocks } = follower(2)
    solo.follow('c', 2, genesis)
    const effects = solo.certified(blocks[1]!)
    expect(effects.of('save-lock').length).toBe(1)
    expect(effects.signed('lock')).toEqual([])
  })

  it('rule 13: never a LOCK of what I did not acknowledge', () => {
    const { solo, blocks } = follower(2)
    // Restarted: whether block 2 was acknowledged cannot be known, until the leader's certificate lets me do it again.
    const again = new Solo({ durable: diskOf(solo, blocks) })
    expect(again.certified(blocks[1]!).signed('lock')).toEqual([])
    again.follow('b', 1)
    expect(again.tick(2).signed('lock')).toEqual([lockOf(blocks[1]!)])
  })

  it('rule 13: a LOCK that a crash or a broken connection swallowed is said again until the block is committed', () => {
    const { solo, blocks } = follower(1, 1)
    expect(
      solo
        .tick(2)
        .sent('lock')
        .map((message) => message.to),
    ).toEqual(['b', 'c', 'd'])
    const again = new Solo({ durable: diskOf(solo, blocks) })
    again.follow('b', 1)
    expect(again.tick(2).signed('lock')).toEqual([lockOf(blocks[0]!)])
    again.locks(blocks[0]!, ['b', 'c'])
    expect(again.raft.commit).toBe(1)
    expect(again.tick(4).sent('lock')).toEqual([])
  })

  it('rule 14: CC(B) commits B and its ancestors; q LOCKs make one at any member', () => {
    const { solo, blocks } = follower(3, 3)
    solo.locks(blocks[2]!, ['b'])
    expect(solo.raft.commit).toBe(0)
    expect(solo.locks(blocks[2]!, ['d']).of('commit')).toEqual([{ kind: 'commit', height: 3, certified: [1, 2, 3] }])
  })

  it('rule 14: LOCKs that came before their block commit it when it comes', () => {
    const { solo, blocks } = follower(1)
    const next = blockOn(blocks[0]!, 1)
    solo.locks(next, ['b', 'c', 'd'])
    expect(solo.raft.commit).toBe(0)
    expect(solo.accept('b', next).of('commit')).toEqual([{ kind: 'commit', height: 2, certified: [2] }])
  })

  it('rule 15: the commit names each certified height up to it, in order, whatever order the certificates came in', () => {
    const { solo, blocks } = follower(5)
    for (const at of [3, 0, 1, 0]) solo.certified(blocks[at]!)
    expect(solo.committed(blocks[4]!).of('commit')).toEqual([{ kind: 'commit', height: 5, certified: [1, 2, 4, 5] }])
  })

  it('rule 16: an attested block proves commitment to whoever catches up, over whatever it acknowledged', () => {
    const { solo } = follower(2)
    const chain = chainOn(genesis, 1, 4, 'x')
    const effects = solo.do((raft) => raft.adopt(chain, { kind: 'attested', block: refTo(chain[3]!) }))
    expect(effects.of('commit')).toEqual([{ kind: 'commit', height: 4, certified: [4] }])
    expect(effects.signed('lock')).toEqual([])
  })
})
