import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { witnessesMax, witnessMediaMax } from '../../../src/chain/catalogue/witness.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, keyOf, syntheticParty } from './founded-ledger.ts'

const catalogue = catalogueOf(knownTypeNames)
const ledger = FoundedLedger.found(catalogue)
const owner = syntheticParty('440100', 20)
const event = {
  kind: 'opening',
  place: '开标一室',
  region: '440100',
  begin: '2026-03-16T09:30:00+08:00',
  end: '2026-03-16T10:10:00+08:00',
  witnesses: ['role:见证员', `person:13800138000${'a'.repeat(53)}`],
  media: [
    { hash: { algorithm: 'sha256', value: '07'.repeat(32) }, mediaType: 'video/mp4', length: 1, title: '一号机位' },
  ],
  source: {
    system: '见证系统',
    operator: 'role:见证员',
    method: '录像',
    software: 'recorder 2',
    occurredAt: '2026-03-16T10:11:00+08:00',
  },
  tender: { owner, scheme: 'x', code: 'T-1' },
} satisfies JsonObject
const statementOf = (change: JsonObject) =>
  ledger.statement('witness.event@1', ledger.member('wuhan').party, keyOf('wuhan centre'), { ...event, ...change })
const media = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    hash: { algorithm: 'sm3', value: i.toString(16).padStart(64, '0') },
    mediaType: 'video/mp4',
  }))

describe('witness.event', () => {
  it('takes an event with those present as posts and salted ids, found by tender, region and recording', () => {
    const index = ledger.take(statementOf({}))
    expect(ledger.findings.get(index)).toEqual([])
    expect(catalogue.typeOf('witness.event@1')!.subjects(event)).toEqual({
      owner,
      tender: 'T-1',
      parties: [owner],
      subjects: [`tender/${owner}/x/T-1`],
      region: '440100',
      hashes: [`sha256:${'07'.repeat(32)}`],
    })
    const { tender: _, ...without } = event
    expect(catalogue.typeOf('witness.event@1')!.subjects(without)).not.toHaveProperty('owner')
    ledger.take(statementOf({ media: media(witnessMediaMax), witnesses: Array(witnessesMax).fill('role:评委') }))
  })

  it('that ends after block time goes in with a finding', () => {
    const end = formatTime(ledger.blockTime + 1)
    const index = ledger.take(statementOf({ end }))
    expect(ledger.findings.get(index)).toEqual([
      { code: 'witness.later-than-ledger', values: [end, formatTime(ledger.blockTime)] },
    ])
    expect(ledger.findings.get(ledger.take(statementOf({ end: formatTime(ledger.blockTime) })))).toEqual([])
  })

  it.each<[string, string, JsonObject]>([
    ['an end before the beginning', 'witness.ends-before-begin', { end: '2026-03-16T09:29:59+08:00' }],
    ['a recording twice', 'witness.named-twice', { media: [...event.media, ...event.media] }],
    ['more recordings than allowed', 'schema.violation', { media: media(witnessMediaMax + 1) }],
    ['nobody present', 'schema.violation', { witnesses: [] }],
    ['a name in place of a post', 'schema.violation', { witnesses: ['张三'] }],
    ['a telephone as a post', 'personal-data.refused', { witnesses: ['role:见证员', 'role:13800138000'] }],
    [
      'a telephone of the operator',
      'personal-data.refused',
      { source: { ...event.source, operator: 'role:13800138000' } },
    ],
    ['a face', 'personal-data.refused', { faceImage: 'x' }],
  ])('refuses %s: %s', (_, code, change) => {
    const before = ledger.rows()
    expect(ledger.submit(statementOf(change))).toBe(code)
    expect(ledger.rows()).toEqual(before)
  })
})
