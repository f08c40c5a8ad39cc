/** Rules 19 and 20 on the chain: which record closes an epoch, what may stand above it, and what the next one begins with. */
import { describe, expect, it } from 'vitest'
import type { Attestation } from '../../src/chain/block.ts'
import { sealMessage } from '../../src/chain/certificate.ts'
import {
  type Closing,
  type Epoch,
  epochNumbered,
  epochOfSize,
  foundingEpoch,
  newestEpoch,
  readyMessage,
} from '../../src/chain/epoch.ts'
import {
  type ChainPoint,
  type ChainRules,
  type Execution,
  execute,
  type Proposal,
  rulesOfEpoch,
  runOf,
} from '../../src/chain/execution.ts'
import type { GenesisMember } from '../../src/chain/genesis.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { ReplicaWorld } from '../node/replica-world.ts'
import { batch, begun, election, genesis, now, read, rules, signature, statement } from './ledger-fixture.ts'

const five = new ReplicaWorld(5, { cheapSignatures: true }).genesis.members
const xiamen = five.find(({ id }) => id === 'xiamen')!
const [beijing, guangzhou, hangzhou, wuhan] = genesis.members as [
  GenesisMember,
  GenesisMember,
  GenesisMember,
  GenesisMember,
]
/** Another node of an organisation that is a member already. */
const rekeyed = (member: GenesisMember): GenesisMember => ({ ...member, node: xiamen.node })
const readyAt = (at: number): Closing['ready'] => new Map([[xiamen.node.id, height(at)]])

/** The statement under the key `close` closes the epoch for these. */
const closingFor = (members: readonly GenesisMember[], ready = readyAt(1)): ChainRules => ({
  ...rules,
  closing: ({ key }) => (key.startsWith('close') ? { members, ready } : undefined),
})

function follow(
  parent: ChainPoint,
  change: Partial<Proposal>,
  under: ChainRules,
): { execution: Execution; next: ChainPoint } {
  const proposal: Proposal = {
    term: parent.block.term,
    time: Math.max(now, parent.time),
    leader: 'beijing',
    carried: {},
    batches: [],
    ...change,
  }
  const execution = execute(parent, proposal, under, read)
  const { height: at } = execution.header
  return {
    execution,
    next: { ...execution.point, block: { term: proposal.term, height: at, id: `${at}`.padStart(64, '0') } },
  }
}

/** A block whose second record closes the epoch; behind it a third, and another member's batch. */
function closed(under: ChainRules) {
  const batches = [
    batch([statement('before'), statement('close'), statement('behind')]),
    batch([statement('later')], { member: 'wuhan' }),
  ]
  return follow(begun(), { batches }, under)
}

const attested = ({ size, root }: Epoch['start']): Attestation => ({
  size,
  root,
  cosignatures: ['beijing', 'guangzhou', 'hangzhou'].map((member) => ({ member, time: 1, signature: signature(3) })),
})

/** The closed point as the next epoch sees it, and what it begins with. */
function entered(under: ChainRules) {
  const { next: at } = closed(under)
  const next = at.next!
  const start: ChainPoint = {
    block: at.block,
    leader: at.leader,
    time: at.time,
    frontier: at.frontier,
    root: at.root,
    state: at.state,
    unattested: at.unattested,
  }
  const carried = { election: election(start.block, 2), attestation: attested(next.start) }
  return { start, next, under: rulesOfEpoch(under, next), first: { term: term(2), carried } }
}

describe('a record that closes the epoch', () => {
  it('is the last leaf of its block; what stands behind it is left over, whoever brought it', () => {
    const { execution, next } = closed(closingFor(five))
    expect(execution.outcomes.map((batch) => batch.map(({ kind }) => kind))).toEqual([
      ['record', 'record', 'left-over'],
      ['left-over'],
    ])
    expect(execution.leaves.map(({ statement: s }) => s?.key)).toEqual([undefined, 'before', 'close'])
    expect(next.next).toMatchObject({ number: 1, quorum: 4, faults: 1 })
    expect(next.next!.start).toMatchObject({
      size: execution.header.size,
      root: execution.header.root,
      block: { height: execution.header.height },
    })
  })

  it('leaves the list in the state, where the next start reads the same epoch', () => {
    const { next } = closed(closingFor([...five].reverse()))
    const found = newestEpoch(next.state, genesis)
    expect(found).toEqual(next.next)
    expect(found.members).toEqual(five)
    expect(found.previous).toEqual(foundingEpoch(genesis))
    expect(newestEpoch(begun().state, genesis).number).toBe(0)
  })

  it('is none when there is no such rule, as in this release', () => {
    const { execution, next } = closed(rules)
    expect(next.next).toBeUndefined()
    expect(execution.outcomes.flat().map(({ kind }) => kind)).toEqual(['record', 'record', 'record', 'record'])
  })

  it('may change any number of members at once', () => {
    const { next } = closed(closingFor([beijing, xiamen]))
    expect(next.next).toMatchObject({ quorum: 2, faults: 0 })
  })

  const refusedWith = (members: readonly GenesisMember[], ready = readyAt(1), under = closingFor(members, ready)) => {
    const { execution, next } = follow(begun(), { batches: [batch([statement('close'), statement('behind')])] }, under)
    expect(next.next).toBeUndefined()
    const [refusal, behind] = execution.outcomes[0]!
    expect(behind).toMatchObject({ kind: 'record' })
    return refusal
  }

  it('is refused, and closes nothing, when its list could not be a genesis’', () => {
    const code = { kind: 'refused', code: 'epoch.malformed' }
    expect(refusedWith([beijing, { ...xiamen, party: beijing.party }])).toMatchObject(code)
    expect(refusedWith([beijing, { ...xiamen, node: { ...xiamen.node, log: xiamen.node.seal } }])).toMatchObject(code)
    // Rule 28's bound holds for the new number of members too.
    const parameters = { ...genesis.parameters, receivedWindowMs: 15_000 }
    const tight = { ...closingFor(five), genesis: { ...genesis, parameters } }
    expect(refusedWith(five, readyAt(1), tight)).toMatchObject(code)
  })

  it('is refused when an id or a key comes back, whoever had it', () => {
    const code = { kind: 'refused', code: 'epoch.identity-reused' }
    // wuhan leaves, and its node would go on under another name.
    expect(refusedWith([beijing, guangzhou, hangzhou, { ...xiamen, node: wuhan.node }])).toMatchObject(code)
    const oldCosign = { ...xiamen, node: { ...xiamen.node, cosign: wuhan.node.cosign } }
    expect(refusedWith([beijing, guangzhou, hangzhou, oldCosign])).toMatchObject(code)
    const swapped = { ...wuhan, node: { ...wuhan.node, cosign: beijing.node.cosign } }
    expect(refusedWith([guangzhou, hangzhou, swapped])).toMatchObject(code)
    const { start, under, first } = entered(closingFor([beijing, guangzhou, hangzhou, xiamen]))
    const later = { ...under, closing: closingFor(genesis.members, readyAt(3)).closing! }
    const { next } = follow(start, first, later)
    const change = { batches: [batch([statement('close again')], { member: 'guangzhou' })] }
    expect(follow(next, change, later).execution.outcomes[0]![0]).toMatchObject(code)
  })

  it('is refused when a node that joins has not shown READY over a recent block; one that stays need not', () => {
    const code = { kind: 'refused', code: 'epoch.not-ready' }
    expect(refusedWith(five, new Map())).toMatchObject(code)
    expect(refusedWith(five, readyAt(2))).toMatchObject(code)
    const parameters = { ...genesis.parameters, readyDistanceBlocksMax: 1 }
    const near = (at: number) => ({ ...closingFor(five, readyAt(at)), genesis: { ...genesis, parameters } })
    expect(refusedWith(five, readyAt(0), near(0))).toMatchObject(code)
    expect(closed(near(1)).next.next).toBeDefined()
    expect(closed(closingFor([beijing, guangzhou, hangzhou], new Map())).next.next).toBeDefined()
  })

  it('READY is signed under a domain of its own, over the block', () => {
    const block = { term: term(3), height: height(9), id: 'ab'.repeat(32) }
    const body = [3, 9, new Uint8Array(32).fill(0xab)]
    expect(readyMessage(rules.context, block)).toEqual(sealMessage('READY', rules.context, body))
  })
})

describe('above the closing block', () => {
  const under = closingFor(five)

  it('the old epoch adds only empty blocks, under later leaders too', () => {
    const { next: at } = closed(under)
    const { next: above } = follow(at, {}, under)
    expect(above.next).toEqual(at.next)
    const carried = { election: election(above.block, 2), base: certificateOf(above) }
    expect(follow(above, { term: term(2), carried }, under).next.next).toEqual(at.next)
    for (const point of [at, above]) {
      const batches = [batch([statement('late')], { member: 'guangzhou' })]
      expect(() => follow(point, { batches }, under)).toThrow('block.epoch-closed')
    }
  })

  it('the next epoch begins with an election of its members, the attestation of its start, and no certificate of it', () => {
    const { start, next, under: mine, first } = entered(under)
    const { execution } = follow(start, first, mine)
    expect(execution.header).toMatchObject({ epoch: 1, term: 2, size: next.start.size })
    expect(execution.point.unattested).toEqual([])
    const refused = (change: Partial<Proposal>, code: string) =>
      expect(() => follow(start, { ...first, ...change }, mine), code).toThrow(code)
    const { election: ec, attestation } = first.carried
    refused({ carried: { election: ec } }, 'block.unproven-epoch')
    refused({ carried: { election: ec, attestation: { ...attestation, size: 1 } } }, 'block.unproven-epoch')
    const otherRoot = { ...attestation, root: '11'.repeat(32) }
    refused({ carried: { election: ec, attestation: otherRoot } }, 'block.wrong-attestation')
    refused({ carried: { attestation } }, 'block.no-election')
    refused({ carried: { ...first.carried, base: certificateOf(start) } }, 'block.wrong-base')
    const oldTerm = { term: term(1), carried: { ...first.carried, election: election(start.block, 1) } }
    refused(oldTerm, 'block.term-decreases')
    refused({ leader: 'nobody' }, 'block.not-a-member')
  })

  it('the members of the next epoch are those of its list, and nobody else', () => {
    const { start, under: mine, first } = entered(closingFor([beijing, guangzhou, hangzhou, xiamen]))
    const { next: begunAgain } = follow(start, first, mine)
    const of = (member: string) => () =>
      follow(begunAgain, { batches: [batch([statement(`of ${member}`)], { member })] }, mine)
    expect(of('xiamen')().execution.outcomes.flat()[0]!.kind).toBe('record')
    expect(of('wuhan')).toThrow('batch.not-a-member')
    const carried = { ...first.carried, election: election(start.block, 2, 'wuhan') }
    expect(() => follow(start, { ...first, leader: 'wuhan', carried }, mine)).toThrow('block.not-a-member')
  })

  it('a node that takes an organisation’s place begins its batches anew; one that stays goes on', () => {
    const { start, under: mine, first } = entered(closingFor([beijing, guangzhou, hangzhou, rekeyed(wuhan)]))
    expect(runOf(start.state, 'beijing')).toMatchObject({ incarnation: 1, number: 0 })
    expect(runOf(start.state, 'wuhan')).toMatchObject({ incarnation: 0, number: 0 })
    const { next: begunAgain } = follow(start, first, mine)
    const from = (member: string, incarnation: number) => () =>
      follow(begunAgain, { batches: [batch([statement(member)], { member, incarnation })] }, mine)
    expect(from('wuhan', 1)().execution.outcomes.flat()[0]!.kind).toBe('record')
    expect(from('beijing', 1)).toThrow('batch.out-of-sequence')
    expect(from('beijing', 2)().execution.outcomes.flat()[0]!.kind).toBe('record')
  })

  it('the signatures of every epoch can be checked for ever: by its number, and by the size that it attested', () => {
    const { next } = entered(under)
    expect(epochNumbered(next, 0)).toEqual(foundingEpoch(genesis))
    expect(epochNumbered(next, 1)).toBe(next)
    expect(epochNumbered(next, 2)).toBeUndefined()
    expect(epochOfSize(next, next.start.size + 1).number).toBe(1)
    for (const size of [1, 2, next.start.size]) expect(epochOfSize(next, size).number).toBe(0)
  })
})

function certificateOf({ block }: ChainPoint) {
  return { signed: { kind: 'lock', block } as const, signatures: [] }
}
