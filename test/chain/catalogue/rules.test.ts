import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { families } from '../../../src/chain/catalogue/families.ts'
import { activatedTypesMax, isActivated, scheduleOf } from '../../../src/chain/catalogue/rules.ts'
import { buildGenesis } from '../../../src/chain/genesis.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { trialFamily } from '../trial-family.ts'
import { FoundedLedger, founding, keyOf, syntheticParty } from './founded-ledger.ts'

const catalogue = catalogueOf(knownTypeNames, [...families, trialFamily])
const margin = 10
const genesis = buildGenesis({
  ...founding,
  parameters: { ...founding.parameters, readyDistanceBlocksMax: margin },
})
const found = (): FoundedLedger => {
  const ledger = new FoundedLedger(genesis, catalogue)
  ledger.height = 100
  return ledger
}
const types = ['trial.record@1', 'trial.record@2']
const approve = (ledger: FoundedLedger, member: string, fields: JsonObject = {}): Statement =>
  ledger.statement('rules.activate@1', ledger.member(member).party, keyOf(`${member} centre`), {
    types,
    height: 120,
    ...fields,
  })
const trial = (ledger: FoundedLedger, type = 'trial.record@1'): Statement =>
  ledger.statement(type, ledger.member('wuhan').party, keyOf('wuhan centre'), { words: 'x' })

describe('rules.activate', () => {
  it('brings types into force from the height that q members’ centres approve', () => {
    const ledger = found()
    expect(ledger.submit(trial(ledger))).toBe('type.unknown')
    ledger.take(approve(ledger, 'guangzhou'))
    ledger.take(approve(ledger, 'beijing'))
    expect(scheduleOf(ledger.state).size).toBe(0)
    const index = ledger.take(approve(ledger, 'wuhan'))
    expect([...scheduleOf(ledger.state).values()]).toEqual(types.map((name) => ({ name, height: 120, index })))
    expect(ledger.submit(trial(ledger), { height: 119 })).toBe('type.unknown')
    expect(ledger.submit(trial(ledger), { height: 120 })).toBe('accepted')
    expect(isActivated(ledger.state, 'trial.record@2', 119)).toBe(false)
    expect(isActivated(ledger.state, 'trial.record@2', 120)).toBe(true)
  })

  it('shows what is in force and what is to come, and words for all of it', () => {
    const ledger = found()
    for (const member of ['guangzhou', 'beijing', 'wuhan']) ledger.take(approve(ledger, member))
    const standings = catalogue.standings(ledger.state)
    expect(standings.filter(({ from }) => from === 0).map(({ name }) => name)).toEqual(knownTypeNames)
    expect(standings.slice(-2)).toEqual([
      expect.objectContaining({ name: 'trial.record@1', from: 120, index: 3, schema: expect.anything() }),
      expect.objectContaining({ name: 'trial.record@2', from: 120, index: 3 }),
    ])
    expect(catalogue.refusals['trial.record-first.never']).toBeDefined()
    expect(catalogue.typeOf('trial.record@1')?.name).toBe('trial.record')
    expect(catalogue.unknownAhead(ledger.state)).toBeUndefined()
    const older = catalogueOf(knownTypeNames)
    expect(older.unknownAhead(ledger.state)).toEqual({ height: 120, types })
    expect(older.standings(ledger.state).at(-1)).toMatchObject({ name: 'trial.record@2', schema: undefined })
    expect(older.typeOf('trial.record@1')).toBeUndefined()
  })

  it('counts approvals of the same list and height only', () => {
    const ledger = found()
    ledger.take(approve(ledger, 'guangzhou'))
    ledger.take(approve(ledger, 'beijing', { height: 121 }))
    ledger.take(approve(ledger, 'wuhan', { types: ['trial.record@1'] }))
    expect(scheduleOf(ledger.state).size).toBe(0)
    ledger.take(approve(ledger, 'beijing'))
    ledger.take(approve(ledger, 'hangzhou'))
    expect(scheduleOf(ledger.state).size).toBe(2)
  })

  it('may be moved by q members until its height has come', () => {
    const ledger = found()
    for (const member of ['guangzhou', 'beijing', 'wuhan']) ledger.take(approve(ledger, member))
    ledger.height = 119
    const later = { types: ['trial.record@2'], height: 200 }
    for (const member of ['guangzhou', 'beijing', 'hangzhou']) ledger.take(approve(ledger, member, later))
    ledger.height = 120
    expect(ledger.submit(trial(ledger))).toBe('accepted')
    expect(ledger.submit(trial(ledger, 'trial.record@2'))).toBe('type.unknown')
    expect(ledger.submit(trial(ledger, 'trial.record@2'), { height: 200 })).toBe('accepted')
  })

  it('takes what this software does not know: others may', () => {
    const ledger = new FoundedLedger(genesis, catalogueOf(knownTypeNames))
    ledger.height = 100
    for (const member of ['guangzhou', 'beijing', 'wuhan']) ledger.take(approve(ledger, member))
    expect(scheduleOf(ledger.state).get('trial.record@1')?.height).toBe(120)
  })

  it('does not exist on a ledger that was founded without it, whatever the software knows', () => {
    const old = catalogueOf(['party.register@1', 'attest.hash@1'], [...families, trialFamily])
    const ledger = FoundedLedger.found(old)
    expect(ledger.submit(approve(ledger, 'guangzhou', { height: 5_000 }))).toBe('type.unknown')
    expect(ledger.submit(trial(ledger))).toBe('type.unknown')
    expect(old.typeOf('trial.record@1')).toBeUndefined()
    expect(Object.keys(old.refusals)).not.toContain('rules.too-soon')
    expect(old.standings(ledger.state).map(({ name }) => name)).toEqual(['party.register@1', 'attest.hash@1'])
  })
})

describe('rules.activate is refused, and changes no row', () => {
  const ledger = found()
  const company = syntheticParty('440100', 20)
  const agency = ledger.register('agency', company, ['agency'], ['guangzhou', 'wuhan'])
  for (const member of ['guangzhou', 'beijing', 'wuhan']) ledger.take(approve(ledger, member, { height: 150 }))
  for (const member of ['guangzhou', 'beijing', 'wuhan']) {
    ledger.take(approve(ledger, member, { types: ['trial.record@1'], height: 111 }))
  }
  ledger.take(approve(ledger, 'guangzhou', { types: ['x.y@1'] }))
  ledger.height = 111

  it.each<[string, string, () => Statement]>([
    ['a type that is in force', 'rules.already-in-force', () => approve(ledger, 'hangzhou', { height: 200 })],
    [
      'a type of the genesis',
      'rules.already-in-force',
      () => approve(ledger, 'hangzhou', { types: ['attest.hash@1'], height: 200 }),
    ],
    [
      'a height within the margin',
      'rules.too-soon',
      () => approve(ledger, 'hangzhou', { types: ['x.y@1'], height: 111 + margin - 1 }),
    ],
    [
      'a list out of order',
      'rules.types-not-ascending',
      () => approve(ledger, 'hangzhou', { types: ['x.z@1', 'x.y@1'], height: 200 }),
    ],
    [
      'a type twice',
      'rules.types-not-ascending',
      () => approve(ledger, 'hangzhou', { types: ['x.y@1', 'x.y@1'], height: 200 }),
    ],
    [
      'an approval again',
      'rules.already-approved',
      () => approve(ledger, 'guangzhou', { types: ['x.y@1'], height: 200 }),
    ],
    [
      'an approval of what enough have approved',
      'rules.already-approved',
      () => approve(ledger, 'hangzhou', { types: ['trial.record@2'], height: 300 }),
    ],
    ['an empty list', 'schema.violation', () => approve(ledger, 'hangzhou', { types: [], height: 200 })],
    [
      'a longer list than allowed',
      'schema.violation',
      () =>
        approve(ledger, 'hangzhou', {
          types: Array.from({ length: activatedTypesMax + 1 }, (_, i) => `x.y@${i + 1}`).sort(),
          height: 200,
        }),
    ],
    [
      'a key that is no centre’s',
      'role.not-allowed',
      () => ledger.statement('rules.activate@1', company, agency, { types: ['x.y@1'], height: 200 }),
    ],
  ])('%s: %s', (_, code, statement) => {
    const fork = ledger.fork()
    if (code === 'rules.already-approved') {
      fork.take(approve(fork, 'guangzhou', { types: ['x.y@1'], height: 200 }))
      for (const member of ['guangzhou', 'beijing', 'wuhan']) {
        fork.take(approve(fork, member, { types: ['trial.record@2'], height: 300 }))
      }
    }
    const before = fork.rows()
    expect(fork.submit(statement())).toBe(code)
    expect(fork.rows()).toEqual(before)
  })

  it('the centre of an organisation that is no member any more: rules.not-a-member', () => {
    const left = buildGenesis({ ...founding, members: founding.members.slice(1) })
    const without = new FoundedLedger(left, catalogue)
    const { party } = ledger.member('guangzhou')
    const gone = keyOf('guangzhou centre')
    // Its key is in the register, agreed and with the role: the list of members is what lacks it.
    without.state.rows.set(`key/${gone.kid}`, ledger.state.rows.get(`key/${gone.kid}`)!)
    without.state.rows.set(`party/${party}`, ledger.state.rows.get(`party/${party}`)!)
    const statement = without.statement('rules.activate@1', party, gone, { types, height: 5_000 })
    expect(without.submit(statement)).toBe('rules.not-a-member')
  })
})
