import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { type FoundedLedger, keyOf, syntheticParty } from './founded-ledger.ts'
import { bidders, deadline, notice, owner, start, tender, base as tenderBase } from './tender-fixture.ts'

const base = tenderBase
const platform = syntheticParty('440100', 32)
const [first, second, third] = bidders as [string, string, string]
const code = (byte: string): string => byte.repeat(32)
const card = (byte: string): JsonObject => ({ trait: 'network-card', code: code(byte) })
const disk = (byte: string): JsonObject => ({ trait: 'disk', code: code(byte) })

/** By the tender's platform, for a tender that is not on the ledger unless its notice is. */
const record = (ledger: FoundedLedger, bidders: readonly string[], fields: JsonObject = {}): Statement =>
  ledger.statement('feature-code.record@1', platform, keyOf('tender platform'), {
    tender,
    section: '一标段',
    bidders,
    phase: 'made',
    saltCommitment: code('aa'),
    traits: [card('01'), disk('02')],
    openingTime: formatTime(start),
    ...fields,
  })
const findings = (ledger: FoundedLedger, statement: Statement) => ledger.findings.get(ledger.take(statement))

describe('feature codes', () => {
  it('are not taken in before the opening: the tender’s own, where the ledger knows it', () => {
    const unlinked = base.fork()
    expect(unlinked.submit(record(unlinked, [first], { openingTime: formatTime(start + 1) }))).toBe('sealed.too-early')
    expect(unlinked.submit(record(unlinked, [first]))).toBe('accepted')
    const linked = base.fork()
    linked.take(notice(linked))
    expect(linked.submit(record(linked, [first]))).toBe('sealed.too-early')
    linked.blockTime = deadline - 1
    expect(linked.submit(record(linked, [first]))).toBe('sealed.too-early')
    linked.blockTime = deadline
    expect(linked.submit(record(linked, [first]))).toBe('accepted')
  })

  it('that are equal for two bidders of a section are in, with a finding that names the other record', () => {
    const ledger = base.fork()
    const index = ledger.take(record(ledger, [first]))
    expect(findings(ledger, record(ledger, [second], { traits: [card('01'), disk('03')] }))).toEqual([
      { code: 'feature-code.equal', values: [String(index), first, 'network-card'] },
    ])
    expect(findings(ledger, record(ledger, [third], { traits: [disk('02'), card('01'), card('01')] }))).toEqual([
      { code: 'feature-code.equal', values: [String(index), first, 'disk, network-card'] },
    ])
    const other = ledger.take(record(ledger, [second], { traits: [disk('04')], phase: 'uploaded' }))
    expect(findings(ledger, record(ledger, [third], { traits: [card('01'), disk('04')] }))).toEqual([
      { code: 'feature-code.equal', values: [String(index), first, 'network-card'] },
      { code: 'feature-code.equal', values: [String(other), second, 'disk'] },
    ])
  })

  it('are no finding for the same bidder again, another kind of trait, or consortia that share a member', () => {
    const ledger = base.fork()
    ledger.take(record(ledger, [first, second]))
    expect(findings(ledger, record(ledger, [first, second], { phase: 'uploaded' }))).toEqual([])
    expect(findings(ledger, record(ledger, [third], { traits: [disk('01'), card('02')] }))).toEqual([])
    expect(findings(ledger, record(ledger, [third, second]))).toEqual([])
  })

  it('of another section, tender or recorder are not compared', () => {
    const ledger = base.fork()
    const centre = ledger.member('guangzhou').party
    ledger.take(record(ledger, [first]))
    expect(findings(ledger, record(ledger, [second], { section: '二标段', saltCommitment: code('bb') }))).toEqual([])
    expect(findings(ledger, record(ledger, [second], { tender: { owner, scheme: 'national', code: '另' } }))).toEqual(
      [],
    )
    const { payload } = record(ledger, [second], { saltCommitment: code('cc') })
    const { party: _, ...fields } = payload
    const byCentre = ledger.statement('feature-code.record@1', centre, keyOf('guangzhou centre'), fields)
    expect(byCentre.payload.party).toBe(centre)
    expect(findings(ledger, byCentre)).toEqual([])
  })

  it('keep the section’s salt', () => {
    const ledger = base.fork()
    ledger.take(record(ledger, [first]))
    expect(ledger.submit(record(ledger, [second], { saltCommitment: code('bb') }))).toBe('feature-code.other-salt')
  })

  it('come from who speaks for the tender, once it is on the ledger', () => {
    const ledger = base.fork()
    const wuhan = ledger.member('wuhan').party
    const byAnotherCentre = (): Statement => {
      const { party: _, ...fields } = record(ledger, [first]).payload
      return ledger.statement('feature-code.record@1', wuhan, keyOf('wuhan centre'), fields)
    }
    expect(ledger.fork().submit(byAnotherCentre())).toBe('accepted')
    ledger.take(notice(ledger))
    ledger.blockTime = deadline
    expect(ledger.submit(byAnotherCentre())).toBe('tender.not-entitled')
  })

  it('have no place for the salt, nor for raw marks', () => {
    const ledger = base.fork()
    expect(ledger.submit(record(ledger, [first], { salt: code('00') }))).toBe('schema.violation')
    expect(ledger.submit(record(ledger, [first], { macAddress: '00:16:3e:01:02:03' }))).toBe('personal-data.refused')
    const raw = { trait: 'network-card', code: '00:16:3e:01:02:03' }
    expect(ledger.submit(record(ledger, [first], { traits: [raw] }))).toBe('schema.violation')
  })

  it('replayed, give the same rows, and a refusal changes none', () => {
    const live = base.fork()
    const statements: Statement[] = []
    for (const bidder of bidders) {
      const statement = record(live, [bidder])
      statements.push(statement)
      live.take(statement)
    }
    const again = base.fork()
    for (const statement of statements) again.take(statement)
    expect(again.rows()).toEqual(live.rows())
    expect(again.findings).toEqual(live.findings)
    live.submit(record(live, [first], { saltCommitment: code('bb') }))
    expect(again.rows()).toEqual(live.rows())
  })
})
