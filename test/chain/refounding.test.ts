/** Rule 22 on the chain: what a re-founding has to be, and what the epoch looks like that begins with it. */
import { describe, expect, it } from 'vitest'
import { CborError } from '../../src/chain/cbor.ts'
import { epochOfSize, foundingEpoch, newestEpoch } from '../../src/chain/epoch.ts'
import {
  type ChainPoint,
  type ChainRules,
  execute,
  type Proposal,
  refoundedAfter,
  rulesOfEpoch,
  runOf,
} from '../../src/chain/execution.ts'
import type { GenesisMember } from '../../src/chain/genesis.ts'
import { refoundedEpoch } from '../../src/chain/next-members.ts'
import { height, term } from '../../src/chain/numbers.ts'
import {
  decodeRefounding,
  type RefoundingTerms,
  refoundingBytesMax,
  refoundingDigest,
} from '../../src/chain/refounding.ts'
import { Refusal } from '../../src/chain/refusal.ts'
import { type FoundedMember, found, refoundedMember, renewed } from '../simulation/founding.ts'
import { batch, begun, election, follow, genesis, now, read, rules, statement } from './ledger-fixture.ts'
import { attestationOf, refoundingBy } from './refounding-fixture.ts'

/** The same ledger as the fixture's, with its keys and three organisations that are no members. */
const world = found(4, {}, now, 3)
const [beijing, guangzhou, hangzhou, wuhan] = world.members as [
  FoundedMember,
  FoundedMember,
  FoundedMember,
  FoundedMember,
]
const xiamen = world.members[4]!
const old = [beijing, guangzhou, hangzhou, wuhan]
const previous = foundingEpoch(genesis)

/** A ledger with a record: its head is the last that was attested. */
const { next: head } = follow(begun(), { batches: [batch([statement('attested')])] })
const start = { block: head.block, size: head.frontier.size, root: head.root }
const attestation = attestationOf(genesis.origin, start, [beijing, guangzhou, hangzhou])
/** beijing goes on with its node, wuhan has a new one, xiamen joins. */
const going = [refoundedMember(beijing, 1), renewed(genesis.origin, wuhan, 1), xiamen]
const listOf = (members: readonly FoundedMember[]): readonly GenesisMember[] => members.map(({ member }) => member)
const terms: RefoundingTerms = { ledger: genesis.ledger, epoch: 1, start, members: listOf(going) }
const good = refoundingBy(terms, attestation, [wuhan, hangzhou, guangzhou])

const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'none'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}
const withTerms = (change: Partial<RefoundingTerms>) => refoundingBy({ ...terms, ...change }, attestation, old)

describe('a re-founding', () => {
  it('has one spelling, whoever signed it says the same, and it is read back whole', () => {
    expect(genesis.ledger).toBe(world.genesis.ledger)
    expect(decodeRefounding(good.bytes)).toEqual(good)
    const reversed = { ...terms, members: [...terms.members].reverse() }
    expect(refoundingBy(reversed, attestation, [guangzhou, hangzhou, wuhan]).bytes).toEqual(good.bytes)
    const byOthers = refoundingBy(terms, attestation, [beijing, guangzhou, hangzhou])
    expect(byOthers.bytes).not.toEqual(good.bytes)
    expect(refoundingDigest(byOthers)).toBe(refoundingDigest(good))
    expect(refoundingDigest(withTerms({ epoch: 2 }))).not.toBe(refoundingDigest(good))
    for (const cut of [0, 1, 40, good.bytes.length - 1]) {
      expect(() => decodeRefounding(good.bytes.subarray(0, cut)), `${cut}`).toThrow(CborError)
    }
    expect(() => decodeRefounding(new Uint8Array(refoundingBytesMax + 1))).toThrow(CborError)
  })

  it('begins the next epoch with its list, on the last attested head', () => {
    const epoch = refoundedEpoch(previous, good, genesis)
    expect(epoch).toMatchObject({ number: 1, start, quorum: 2, faults: 0, refounding: good.bytes })
    expect(epoch.members.map(({ id }) => id)).toEqual(['beijing', 'wuhan', 'xiamen'])
    expect(epoch.previous).toBe(previous)
    // Whatever the old members put above the head is not theirs to attest any more.
    expect(epochOfSize(epoch, start.size).number).toBe(0)
    expect(epochOfSize(epoch, start.size + 1).number).toBe(1)
  })

  it('needs q governance keys of the old epoch, each for itself', () => {
    const refused = (by: readonly FoundedMember[]) =>
      codeOf(() => refoundedEpoch(previous, refoundingBy(terms, attestation, by), genesis))
    expect(refused([beijing, guangzhou])).toBe('refounding.unsigned')
    expect(refused([beijing, guangzhou, xiamen])).toBe('refounding.unsigned')
    const another = { ...hangzhou, governance: wuhan.governance }
    expect(refused([beijing, guangzhou, another])).toBe('refounding.unsigned')
    expect(refused([beijing, guangzhou, wuhan])).toBe('none')
    // The signatures of one are not those of the other: what is signed names all of it.
    const moved = { ...withTerms({ members: listOf(going.slice(0, 2)) }), signatures: good.signatures }
    expect(codeOf(() => refoundedEpoch(previous, moved, genesis))).toBe('refounding.unsigned')
  })

  it('needs the q cosignatures of the old members over its start', () => {
    const refused = (shown: typeof attestation) =>
      codeOf(() => refoundedEpoch(previous, refoundingBy(terms, shown, old), genesis))
    expect(refused(attestationOf(genesis.origin, start, [beijing, guangzhou]))).toBe('refounding.unproven')
    expect(refused(attestationOf(genesis.origin, start, [beijing, guangzhou, xiamen]))).toBe('refounding.unproven')
    expect(refused({ ...attestation, root: '11'.repeat(32) })).toBe('refounding.unproven')
    const another = { ...start, root: '11'.repeat(32) }
    expect(codeOf(() => refoundedEpoch(previous, withTerms({ start: another }), genesis))).toBe('refounding.unproven')
  })

  it('is of this ledger, of the newest epoch, and begins in it', () => {
    const refused = (change: Partial<RefoundingTerms>) =>
      codeOf(() => refoundedEpoch(previous, withTerms(change), genesis))
    expect(refused({ ledger: '22'.repeat(32) })).toBe('refounding.malformed')
    expect(refused({ epoch: 2 })).toBe('refounding.malformed')
    expect(refused({ epoch: 0 })).toBe('refounding.malformed')
    expect(refused({ start: { ...start, size: 1 } })).toBe('refounding.malformed')
    expect(refused({ start: { ...start, block: { ...start.block, height: height(0) } } })).toBe('refounding.malformed')
    // The genesis itself, when nothing was ever attested above it.
    const genesisStart = previous.start
    const early = refoundingBy({ ...terms, start: genesisStart }, attestationOf(genesis.origin, genesisStart, old), old)
    expect(refoundedEpoch(previous, early, genesis).start).toEqual(genesisStart)
  })

  it('takes a list that could be a genesis’, in which nobody who goes on has the cosign key or the log key of before', () => {
    const refused = (members: readonly GenesisMember[]) =>
      codeOf(() => refoundedEpoch(previous, withTerms({ members }), genesis))
    const [stays] = listOf(going) as [GenesisMember]
    expect(refused([])).toBe('epoch.malformed')
    expect(refused([stays, { ...xiamen.member, centreKey: 'none' }])).toBe('epoch.malformed')
    expect(refused([stays, { ...xiamen.member, party: stays.party }])).toBe('epoch.malformed')
    expect(refused([beijing.member, xiamen.member])).toBe('epoch.identity-reused')
    for (const purpose of ['cosign', 'log'] as const) {
      const kept = { ...stays, node: { ...stays.node, [purpose]: beijing.member.node[purpose] } }
      expect(refused([kept, xiamen.member]), purpose).toBe('epoch.identity-reused')
    }
    const taken = { ...xiamen.member, node: { ...xiamen.member.node, network: hangzhou.member.node.network } }
    expect(refused([stays, taken])).toBe('epoch.identity-reused')
    expect(refused([stays, xiamen.member])).toBe('none')
  })
})

describe('an epoch that was re-founded', () => {
  const shown: ChainRules = { ...rules, refoundings: [good] }
  const epoch = refoundedAfter(shown)!
  const under = rulesOfEpoch(shown, epoch)
  const first = {
    term: term(2),
    carried: { election: election(head.block, 2), refounding: good.bytes },
  }
  const begin = (change: Partial<Proposal> = {}, at: ChainPoint = head) => follow(at, { ...first, ...change }, under)

  it('begins with a block that carries the certificate, and writes the list into the state', () => {
    const { execution, next } = begin()
    expect(execution.header).toMatchObject({ epoch: 1, term: 2, height: head.block.height + 1, size: start.size })
    expect(execution.point.unattested).toEqual([])
    expect(newestEpoch(next.state, genesis)).toEqual(epoch)
    expect(newestEpoch(head.state, genesis).number).toBe(0)
    // wuhan's node is another: its batches begin anew. beijing's goes on, after a start.
    expect(runOf(head.state, 'beijing')).toMatchObject({ incarnation: 1 })
    const from = (member: string, incarnation: number) => () =>
      follow(next, { term: term(2), batches: [batch([statement(member)], { member, incarnation })] }, under)
    expect(from('beijing', 2)().execution.outcomes.flat()[0]!.kind).toBe('record')
    expect(from('wuhan', 1)().execution.outcomes.flat()[0]!.kind).toBe('record')
    expect(from('guangzhou', 2)).toThrow('batch.not-a-member')
  })

  it('takes another copy of the certificate, and no other certificate', () => {
    const byOthers = refoundingBy(terms, attestation, [beijing, guangzhou, hangzhou])
    const refused = (refounding: Uint8Array | undefined, code: string) => {
      const { election: ec } = first.carried
      const carried = refounding === undefined ? { election: ec } : { election: ec, refounding }
      expect(() => begin({ carried }), code).toThrow(code)
    }
    expect(begin({ carried: { ...first.carried, refounding: byOthers.bytes } }).execution.header.size).toBe(start.size)
    refused(undefined, 'block.unproven-epoch')
    refused(good.bytes.subarray(1), 'block.unproven-epoch')
    refused(refoundingBy(terms, attestation, [beijing, wuhan]).bytes, 'block.unproven-epoch')
    refused(withTerms({ members: listOf(going.slice(0, 2)) }).bytes, 'block.unproven-epoch')
  })

  it('has no certificate of it anywhere else, and no attestation beside it', () => {
    expect(() => begin({ carried: { ...first.carried, attestation } })).toThrow('block.stray-certificate')
    const { next } = begin()
    const second = () => execute(next, proposalOn(next, { refounding: good.bytes }), under, read)
    expect(second).toThrow('block.stray-certificate')
    const inOldEpoch = () => execute(head, proposalOn(head, { refounding: good.bytes }), shown, read)
    expect(inOldEpoch).toThrow('block.stray-certificate')
  })

  it('comes after no epoch but the one whose keys signed, and not at all unless it holds', () => {
    expect(refoundedAfter(rules)).toBeUndefined()
    expect(refoundedAfter(under)).toBeUndefined()
    const bad = refoundingBy(terms, attestation, [beijing])
    expect(codeOf(() => refoundedAfter({ ...rules, refoundings: [bad] }))).toBe('refounding.unsigned')
  })
})

function proposalOn(point: ChainPoint, carried: Proposal['carried']): Proposal {
  return { term: point.block.term, time: point.time, leader: 'beijing', carried, batches: [] }
}
