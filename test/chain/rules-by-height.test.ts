/** Rules in force by height, where blocks are executed: old and new software agree below the height, and at it the old one says so. */
import { describe, expect, it } from 'vitest'
import { catalogueOf } from '../../src/chain/catalogue/catalogue.ts'
import { families } from '../../src/chain/catalogue/families.ts'
import { type ChainPoint, type ChainRules, refuseUnknownRules, UnknownRules } from '../../src/chain/execution.ts'
import { batch, begun, centreStatement, follow, genesis, rules } from './ledger-fixture.ts'
import { trialFamily } from './trial-family.ts'

const margin = 2
const parameters = { ...genesis.parameters, readyDistanceBlocksMax: margin }
const under = (known: typeof families): ChainRules => ({
  ...rules,
  genesis: { ...genesis, parameters },
  catalogue: catalogueOf(genesis.catalogue, known),
})
const older = under(families)
const newer = under([...families, trialFamily])
const types = ['trial.record@1']
const from = 6
const approvals = ['beijing', 'guangzhou', 'wuhan'].map((member) =>
  centreStatement(member, 'rules.activate@1', 'activate', { types, height: from }),
)
const trial = (key: string) => centreStatement('wuhan', 'trial.record@1', key, { words: key })

/** A block with these statements, as both judge it. */
function both(parent: ChainPoint, statements: readonly string[], number: number, previous?: string) {
  const made = batch(statements, previous === undefined ? {} : { number, previous })
  const [one, two] = [older, newer].map((held) => follow(parent, { batches: [made] }, held))
  expect(one!.execution.header).toEqual(two!.execution.header)
  expect(one!.execution.outcomes).toEqual(two!.execution.outcomes)
  return { ...two!, hash: made.hash }
}

describe('a type that is activated', () => {
  const scheduled = both(begun(), approvals, 0)
  const refused = both(scheduled.next, [trial('early')], 1, scheduled.hash)

  it('is unknown to old and new software alike below its height, and every root is the same', () => {
    expect(scheduled.execution.outcomes[0]!.map(({ kind }) => kind)).toEqual(['record', 'record', 'record'])
    expect(refused.execution.outcomes[0]).toEqual([expect.objectContaining({ kind: 'refused', code: 'type.unknown' })])
    expect(older.catalogue.unknownAhead(scheduled.next.state)).toEqual({ height: from, types })
    expect(newer.catalogue.unknownAhead(scheduled.next.state)).toBeUndefined()
  })

  it('is in force at its height; software that does not know it judges no block from there on, not even an empty one', () => {
    let point = refused.next
    while (point.block.height < from - 1) {
      refuseUnknownRules(point, older)
      point = follow(point, {}, older).next
    }
    expect(() => refuseUnknownRules(point, older)).toThrow(UnknownRules)
    expect(() => follow(point, {}, older)).toThrow(UnknownRules)
    expect(() => follow(point, {}, older)).toThrow(/from block 6 .*trial\.record@1/)
    const made = batch([trial('on time')], { number: 2, previous: refusedHash(point) })
    const { execution } = follow(point, { batches: [made] }, newer)
    expect(execution.outcomes[0]).toEqual([expect.objectContaining({ kind: 'record' })])
    expect(execution.header.height).toBe(from)
    expect(execution.writes.has('trial/on time')).toBe(true)
    expect(execution.leaves[1]!.subjects?.subjects).toEqual(['trial/record'])
  })

  const refusedHash = (_: ChainPoint): string => refused.hash
})
