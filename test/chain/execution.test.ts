/** What a block does (protocol.md rules 9, 16, 23–27): every outcome and every refusal by name, computed and not chosen. */
import { describe, expect, it } from 'vitest'
import { batchItem } from '../../src/chain/batch.ts'
import type { Attestation } from '../../src/chain/block.ts'
import { utf8 } from '../../src/chain/bytes.ts'
import { epochAfter, foundingEpoch } from '../../src/chain/epoch.ts'
import {
  type ChainPoint,
  execute,
  followsRun,
  frozenMember,
  InvalidBlock,
  type Proposal,
  recordedUnder,
  rulesOfEpoch,
  runOf,
} from '../../src/chain/execution.ts'
import { TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { term } from '../../src/chain/numbers.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import { company, companyName, keyOf } from '../node/ledger-stage.ts'
import {
  batch,
  begun,
  centreStatement,
  election,
  follow,
  genesis,
  genesisBlock,
  genesisPoint,
  now,
  read,
  rules,
  signature,
  statement,
  twoVotesOf,
} from './ledger-fixture.ts'

function refusal(parent: ChainPoint, change: Partial<Proposal>): string {
  try {
    follow(parent, change)
  } catch (error) {
    if (error instanceof InvalidBlock) return error.code
    throw error
  }
  return 'valid'
}

describe('the place of a block', () => {
  const start = { carried: { election: election(genesisBlock) } }

  it('a term begins with an empty block that carries the election of its leader on this base', () => {
    const parent = genesisPoint()
    expect(refusal(parent, start)).toBe('valid')
    expect(refusal(parent, {})).toBe('block.no-election')
    expect(refusal(parent, { carried: { election: election({ ...genesisBlock, id: 'cd'.repeat(32) }) } })).toBe(
      'block.wrong-election',
    )
    expect(refusal(parent, { carried: { election: election(genesisBlock, 2) } })).toBe('block.wrong-election')
    expect(refusal(parent, { carried: { election: election(genesisBlock, 1, 'wuhan') } })).toBe('block.wrong-election')
    expect(refusal(parent, { ...start, batches: [batch([statement('a')])] })).toBe('block.first-not-empty')
    const stray = { signed: { kind: 'lock' as const, block: genesisBlock }, signatures: [] }
    expect(refusal(parent, { carried: { ...start.carried, base: stray } })).toBe('block.wrong-base')
  })

  it('a later term carries the certificate of its base too', () => {
    const parent = begun()
    const base = { signed: { kind: 'ack' as const, base: genesisBlock, block: parent.block }, signatures: [] }
    const carried = { election: election(parent.block, 2, 'wuhan'), base }
    expect(refusal(parent, { term: term(2), leader: 'wuhan', carried })).toBe('valid')
    expect(refusal(parent, { term: term(2), leader: 'wuhan', carried: { election: carried.election } })).toBe(
      'block.wrong-base',
    )
    expect(refusal(parent, { term: term(2), leader: 'beijing', carried })).toBe('block.wrong-election')
  })

  it('inside a term: no certificates of a beginning, no other leader, no stranger, no earlier time or term', () => {
    const parent = begun()
    expect(refusal(parent, {})).toBe('valid')
    expect(refusal(parent, start)).toBe('block.stray-certificate')
    expect(refusal(parent, { leader: 'wuhan' })).toBe('block.wrong-leader')
    expect(refusal(parent, { leader: 'nobody' })).toBe('block.not-a-member')
    expect(refusal(parent, { time: parent.time - 1 })).toBe('block.time-decreases')
    expect(refusal(parent, { time: parent.time })).toBe('valid')
    expect(refusal(parent, { term: term(0) })).toBe('block.term-decreases')
  })
})

describe('rule 21: a key that was proven guilty', () => {
  const report = (by = 'wuhan') => centreStatement(by, 'fault.report@1', 'report', { proof: twoVotesOf('beijing') })
  const more = (of: ReturnType<typeof batch>, ...statements: readonly string[]) =>
    batch(statements, { member: of.member, number: of.number + 1, previous: of.hash })

  it('brings no batch from the next block on, and those of all others go in', () => {
    const first = batch([statement('a')])
    const parent = follow(begun(), { batches: [first] }).next
    const accusing = batch([report()], { member: 'wuhan' })
    // In the block of the report, behind it, the batch is still taken.
    const { execution, next } = follow(parent, { batches: [accusing, more(first, statement('b'))] })
    expect(execution.outcomes).toEqual([[{ kind: 'record', index: 4 }], [{ kind: 'record', index: 5 }]])
    expect(refusal(parent, { batches: [more(first, statement('c'))] })).toBe('valid')
    const late = batch([statement('c')], { incarnation: 2 })
    expect(refusal(next, { batches: [late] })).toBe('batch.key-frozen')
    expect(refusal(next, { batches: [batch([statement('c')], { member: 'hangzhou' }), late] })).toBe('batch.key-frozen')
    expect(refusal(next, { batches: [batch([statement('c')], { member: 'hangzhou' })] })).toBe('valid')
    expect(frozenMember(next.state, 'beijing', rules)).toMatchObject({ kind: 'two-votes', index: 4 })
    expect(frozenMember(next.state, 'wuhan', rules)).toBeUndefined()
  })

  it('still leads and counts: only its batches stay out', () => {
    const { next } = follow(begun(), { batches: [batch([report()], { member: 'wuhan' })] })
    expect(refusal(next, { leader: 'beijing', batches: [batch([statement('c')], { member: 'hangzhou' })] })).toBe(
      'valid',
    )
  })

  it('comes back with a new node, whose keys are others', () => {
    const { next } = follow(begun(), { batches: [batch([report()], { member: 'wuhan' })] })
    const members = genesis.members.map((member) =>
      member.id === 'beijing' ? { ...member, node: { ...member.node, seal: 'new', cosign: 'new' } } : member,
    )
    const epoch = epochAfter(foundingEpoch(genesis), members, { block: genesisBlock, size: 1, root: '00' })
    expect(frozenMember(next.state, 'beijing', rulesOfEpoch(rules, epoch))).toBeUndefined()
  })

  it('is reported once: the second report of the same block is refused by name', () => {
    const both = [batch([report('wuhan')], { member: 'wuhan' }), batch([report('hangzhou')], { member: 'hangzhou' })]
    expect(follow(begun(), { batches: both }).execution.outcomes[1]).toMatchObject([
      { kind: 'refused', code: 'fault.already-reported' },
    ])
  })
})

describe('rule 24: batches of a member', () => {
  it('come in sequence without a gap, a later run from its beginning', () => {
    const first = batch([statement('a')])
    const { next } = follow(begun(), { batches: [first] })
    const run = { number: 1, previous: first.hash }
    expect(refusal(next, { batches: [batch([statement('b')], run)] })).toBe('valid')
    expect(refusal(next, { batches: [first] })).toBe('batch.out-of-sequence')
    expect(refusal(next, { batches: [batch([statement('b')], { ...run, number: 2 })] })).toBe('batch.out-of-sequence')
    expect(refusal(next, { batches: [batch([statement('b')], { ...run, previous: '11'.repeat(32) })] })).toBe(
      'batch.out-of-sequence',
    )
    expect(refusal(next, { batches: [batch([statement('b')], { incarnation: 2 })] })).toBe('valid')
    expect(refusal(next, { batches: [batch([statement('b')], { incarnation: 2, number: 1 })] })).toBe(
      'batch.out-of-sequence',
    )
    const later = follow(next, { batches: [batch([statement('b')], { incarnation: 2 })] }).next
    expect(refusal(later, { batches: [batch([statement('c')], run)] })).toBe('batch.out-of-sequence')
    expect(runOf(later.state, 'beijing')).toMatchObject({ incarnation: 2, number: 0 })
    expect(runOf(later.state, 'wuhan')).toBeUndefined()
    expect(followsRun(undefined, batch([statement('x')], { member: 'wuhan', incarnation: 9 }))).toBe(true)
  })

  it('two of one member may stand in one block, in order', () => {
    const first = batch([statement('a')])
    const second = batch([statement('b')], { number: 1, previous: first.hash })
    expect(follow(begun(), { batches: [first, second] }).execution.leaves).toHaveLength(3)
    expect(refusal(begun(), { batches: [second, first] })).toBe('batch.out-of-sequence')
  })

  it('have times that never decrease along the run, and only entries that their member received', () => {
    const first = batch([statement('a')], { receivedAt: now + 10 })
    const { next } = follow(begun(), { batches: [first] })
    const run = { number: 1, previous: first.hash }
    expect(refusal(next, { batches: [batch([statement('b')], { ...run, receivedAt: now + 9 })] })).toBe(
      'batch.time-decreases',
    )
    expect(refusal(next, { batches: [batch([statement('b')], { ...run, receivedAt: now + 10 })] })).toBe('valid')
    expect(refusal(next, { batches: [batch([statement('b')], { incarnation: 2, receivedAt: now })] })).toBe('valid')
    expect(
      refusal(next, { batches: [batch([statement('b')], { ...run, receivedAt: now + 10, entryMember: 'wuhan' })] }),
    ).toBe('batch.foreign-entry')
    expect(refusal(next, { batches: [batch([statement('b')], { member: 'nobody' })] })).toBe('batch.not-a-member')
  })

  it('with an item that is wrong by its bytes alone are not valid', () => {
    const good = batch([statement('a')])
    expect(refusal(begun(), { batches: [{ ...good, items: [batchItem(utf8('{}'), true)] }] })).toBe(
      'batch.malformed-item',
    )
  })
})

describe('rule 25: outcomes', () => {
  it('the very entry that was refused may be sealed again by its member, and be a record in the later block', () => {
    // Hence the block of a court bundle is a bound, not before (docs/verifying.md): a member may show the earlier one.
    const key = keyOf('a company')
    const fields = { party: company, name: companyName, roles: ['tenderee'] }
    const request = signStatement({ ledger: genesis.ledger, type: 'party.key-request@2', ...fields }, key)
    const early = batch([centreStatement('wuhan', 'key.revoke@1', 'k', { kid: key.kid, reason: 'other' })], {
      member: 'wuhan',
      promised: false,
    })
    const first = follow(begun(), { batches: [early, batch([statement('a')])] })
    expect(first.execution.outcomes[0]![0]).toMatchObject({ kind: 'refused', code: 'key.no-such-key' })
    const registered = follow(first.next, {
      batches: [batch([centreStatement('wuhan', 'party.register@2', 'r', { request })], { member: 'hangzhou' })],
    })
    const again = { ...early, number: 1, previous: early.hash }
    const sealed = batch([centreStatement('wuhan', 'key.revoke@1', 'k', { kid: key.kid, reason: 'other' })], again)
    const second = follow(registered.next, { batches: [sealed] })
    expect(second.execution.outcomes[0]![0]).toMatchObject({ kind: 'record' })
    expect(sealed.items[0]!.leaf).toEqual(early.items[0]!.leaf)
  })

  it('a record; a duplicate without a leaf; a refusal with a leaf only if a receipt was given', () => {
    const one = batch([statement('a'), statement('a'), statement('a', 'other')])
    const two = batch([statement('a', 'another'), statement('b')], { member: 'wuhan', promised: false })
    const { execution, next } = follow(begun(), { batches: [one, two] })
    expect(execution.outcomes).toEqual([
      [
        { kind: 'record', index: 2 },
        { kind: 'duplicate', of: 2 },
        expect.objectContaining({ kind: 'refused', code: 'statement.key-reused', index: 3 }),
      ],
      [expect.not.objectContaining({ index: expect.anything() }), { kind: 'record', index: 4 }],
    ])
    expect(execution.leaves.map(({ kind }) => kind)).toEqual(['system', 'record', 'refusal', 'record'])
    expect(execution.header.size).toBe(5)
    const frontier = new TreeFrontier()
    for (const hash of [genesisPoint().frontier.peaks[0]!, ...execution.leaves.map((leaf) => leaf.hash)])
      frontier.append(hash)
    expect(execution.header.root).toBe(Buffer.from(frontier.root()).toString('hex'))
    const parsed = parseStatement(statement('a'), genesis.ledger)
    expect(recordedUnder(next.state, parsed)).toEqual({ id: parsed.id, index: 2 })
    // Later, and at another member: still the same record.
    const again = follow(next, { batches: [batch([statement('a')], { member: 'hangzhou' })] })
    expect(again.execution.outcomes).toEqual([[{ kind: 'duplicate', of: 2 }]])
  })

  it('a block whose batches add nothing has no system entry, and the size and root of its parent', () => {
    const { next } = follow(begun(), { batches: [batch([statement('a')])] })
    const { execution, next: same } = follow(next, { batches: [batch([statement('a')], { member: 'wuhan' })] })
    expect(execution.leaves).toEqual([])
    expect([execution.header.size, execution.header.root]).toEqual([next.frontier.size, next.root])
    expect(same.unattested).toEqual(next.unattested)
    expect(runOf(same.state, 'wuhan')?.number).toBe(0)
  })

  it('a refusal changes nothing but the run of its member, and the statement may come again', () => {
    const unknown = JSON.parse('{}') as object
    expect(unknown).toEqual({})
    const parent = follow(begun(), { batches: [batch([statement('a')])] }).next
    const { execution } = follow(parent, { batches: [batch([statement('a', 'other')], { member: 'wuhan' })] })
    expect([...execution.writes.keys()]).toEqual(['batch/wuhan'])
  })

  it('is the same on every node: a function of chain and bytes', () => {
    const make = () => follow(begun(), { batches: [batch([statement('a'), statement('b')])] }).execution
    expect(make().header).toEqual(make().header)
    const parent = begun()
    const other = execute(
      parent,
      {
        term: term(1),
        time: now + 1,
        leader: 'beijing',
        carried: {},
        batches: [batch([statement('a'), statement('b')])],
      },
      rules,
      read,
    )
    expect(other.header.root).not.toBe(make().header.root) // block time stands under the root
  })
})

describe('rule 16: the window of blocks not attested', () => {
  const attestationOf = (size: number, root: string): Attestation => ({
    size,
    root,
    cosignatures: [{ member: 'beijing', time: 1, signature: signature(1) }],
  })

  it('closes after W blocks with records and opens with the newest attestation', () => {
    const { unattestedBlocksMax } = genesis.parameters
    let point = begun()
    let previous = '00'.repeat(32)
    for (let number = 0; number < unattestedBlocksMax; number++) {
      const made = batch([statement(`k${number}`)], { number, previous })
      previous = made.hash
      point = follow(point, { batches: [made] }).next
    }
    const more = batch([statement('more')], { number: unattestedBlocksMax, previous })
    expect(refusal(point, { batches: [more] })).toBe('block.unattested-window')
    expect(refusal(point, {})).toBe('valid')
    const third = point.unattested[2]!
    const carried = { attestation: attestationOf(third.size, third.root) }
    expect(refusal(point, { carried: { attestation: attestationOf(third.size, '11'.repeat(32)) } })).toBe(
      'block.wrong-attestation',
    )
    expect(refusal(point, { carried: { attestation: attestationOf(third.size + 1, third.root) } })).toBe(
      'block.wrong-attestation',
    )
    const opened = follow(point, { carried, batches: [more] }).next
    expect(opened.unattested).toHaveLength(unattestedBlocksMax - 3 + 1)
    expect(refusal(opened, { carried })).toBe('block.wrong-attestation') // carried once
  })
})
