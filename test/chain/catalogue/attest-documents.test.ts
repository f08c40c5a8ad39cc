import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attestedDocumentsMax } from '../../../src/chain/catalogue/attest-documents.ts'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { FoundedLedger, keyOf, syntheticParty, type TestKey } from './founded-ledger.ts'

const catalogue = catalogueOf(knownTypeNames)
const company = syntheticParty('440100', 20)
const other = syntheticParty('440100', 21)
const source = {
  system: '电子交易系统',
  operator: 'role:经办员',
  method: 'export',
  software: 'trade 4.2',
  occurredAt: '2026-03-16T09:30:00+08:00',
}
const hash = (byte: number) => ({ algorithm: 'sha256', value: byte.toString(16).padStart(2, '0').repeat(32) })
const document = (byte: number, more: JsonObject = {}): JsonObject => ({
  hash: hash(byte),
  mediaType: 'application/pdf',
  ...more,
})
const id = '洛直政采磋商(2026)0031号 招标文件'

function found() {
  const ledger = FoundedLedger.found(catalogue)
  const key = ledger.register('company', company, [], ['guangzhou', 'wuhan'])
  const attest = (
    documents: readonly JsonObject[],
    more: JsonObject = {},
    by: TestKey = key,
    party = company,
  ): Statement => ledger.statement('attest.documents@1', party, by, { documents, source, ...more })
  return { ledger, key, attest }
}

describe('attest.documents', () => {
  it('takes a hundred documents under one statement, found by hash, id and tender', () => {
    const { ledger, attest } = found()
    const many = Array.from({ length: attestedDocumentsMax }, (_, i) => document(i, { id: `文件-${i}`, length: i }))
    const tender = { owner: other, scheme: 'x', code: 'T-1' }
    const statement = attest(many, { tender, region: '440100' })
    ledger.take(statement)
    const subjects = catalogue.typeOf('attest.documents@1')!.subjects(statement.payload)
    expect(subjects).toMatchObject({ owner: other, tender: 'T-1', region: '440100', parties: [other] })
    expect(subjects.hashes).toHaveLength(attestedDocumentsMax)
    expect(subjects.subjects).toEqual([...many.map((_, i) => `document/${company}/文件-${i}`), `tender/${other}/x/T-1`])
    expect(ledger.submit(attest([...many, document(200)]))).toBe('schema.violation')
  })

  it('a document without an id has no versions and may come any number of times', () => {
    const { ledger, attest } = found()
    const before = ledger.rows()
    ledger.take(attest([document(1)]))
    ledger.take(attest([document(1)]))
    expect(ledger.rows()).toEqual(before)
  })

  it('a version names the one before it, in one chain', () => {
    const { ledger, attest } = found()
    ledger.take(attest([document(1, { id })]))
    ledger.take(attest([document(2, { id, replaces: hash(1) })]))
    ledger.take(attest([document(3, { id, replaces: hash(2) })]))
    // Left out, forked, said twice, gone back to.
    expect(ledger.submit(attest([document(4, { id, replaces: hash(2) })]))).toBe('attest.not-the-last-version')
    expect(ledger.submit(attest([document(4, { id })]))).toBe('attest.not-the-last-version')
    expect(ledger.submit(attest([document(3, { id, replaces: hash(2) })]))).toBe('attest.version-exists')
    expect(ledger.submit(attest([document(1, { id, replaces: hash(3) })]))).toBe('attest.version-exists')
  })

  it('what another party calls by the same id is another document', () => {
    const { ledger, attest } = found()
    const stranger = ledger.register('other', other, [], ['guangzhou', 'wuhan'])
    ledger.take(attest([document(1, { id })]))
    ledger.take(attest([document(9, { id })], {}, stranger, other))
    const next = attest([document(2, { id, replaces: hash(1) })], {}, stranger, other)
    expect(ledger.submit(next)).toBe('attest.not-the-last-version')
  })

  it('a key on one member’s word uses up nothing that an agreed key wants to say, and goes on where it was once it is agreed', () => {
    const { ledger, attest } = found()
    const alone = ledger.register('alone', company, [], ['beijing'])
    const beijing = { member: 'beijing' }
    ledger.take(attest([document(1, { id })], {}, alone), beijing)
    ledger.take(attest([document(5, { id })])) // the agreed key begins its own
    expect(ledger.submit(attest([document(6, { id, replaces: hash(1) })]))).toBe('attest.not-the-last-version')
    ledger.take(attest([document(1, { id: 'other' })], {}, alone), beijing)
    ledger.take(ledger.approval('wuhan', ledger.keyRequest(alone, company, [])))
    ledger.take(attest([document(2, { id: 'other', replaces: hash(1) })], {}, alone))
    // Nor does what another key says on that member's word alone stand in its way: it can begin where that one has been.
    const made = ledger.register('made by beijing', company, [], ['beijing'])
    ledger.take(attest([document(8, { id: 'taken' })], {}, made), beijing)
    ledger.take(attest([document(3, { id: 'taken' })], {}, alone))
    expect(ledger.submit(attest([document(9, { id: 'taken', replaces: hash(8) })], {}, made), beijing)).toBe('accepted')
    expect(ledger.submit(attest([document(4, { id: 'taken', replaces: hash(3) })], {}, alone))).toBe('accepted')
  })

  it('versions are one chain in whatever order they are tried: property', () => {
    const tries = fc.array(fc.record({ to: fc.nat(5), from: fc.option(fc.nat(5)) }), { maxLength: 25 })
    fc.assert(
      fc.property(tries, (list) => {
        const { ledger, attest } = found()
        const chain: number[] = []
        for (const { to, from } of list) {
          const more = from === null ? { id } : { id, replaces: hash(from) }
          const code = ledger.submit(attest([document(to, more)]))
          const isNext = !chain.includes(to) && (chain.at(-1) ?? null) === from
          expect(code === 'accepted').toBe(isNext)
          if (isNext) chain.push(to)
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('attest.documents is refused, and changes no row', () => {
  const { ledger, attest } = found()
  ledger.take(attest([document(1, { id })]))

  it.each<[string, string, () => Statement]>([
    ['no document', 'schema.violation', () => attest([])],
    ['a hash twice', 'attest.document-twice', () => attest([document(7), document(7)])],
    ['an id twice', 'attest.document-twice', () => attest([document(7, { id: 'x' }), document(8, { id: 'x' })])],
    ['a version of nothing', 'attest.no-predecessor', () => attest([document(7, { id: 'x', replaces: hash(1) })])],
    ['a version without an id', 'attest.no-predecessor', () => attest([document(7, { replaces: hash(1) })])],
    ['another than the last', 'attest.not-the-last-version', () => attest([document(7, { id, replaces: hash(9) })])],
    ['the same version', 'attest.version-exists', () => attest([document(1, { id })])],
    [
      'good ones beside a bad one',
      'attest.no-predecessor',
      () => attest([document(7, { id: 'y' }), document(8, { id: 'x', replaces: hash(1) })]),
    ],
    [
      'a telephone in the operator’s post',
      'personal-data.refused',
      () => attest([document(7)], { source: { ...source, operator: 'role:13800138000' } }),
    ],
    ['a telephone in a title', 'personal-data.refused', () => attest([document(7, { title: '电话 13800138000' })])],
    [
      'no source',
      'schema.violation',
      () => ledger.statement('attest.documents@1', company, keyOf('company'), { documents: [document(7)] }),
    ],
  ])('%s: %s', (_, code, statement) => {
    const before = ledger.rows()
    expect(ledger.submit(statement())).toBe(code)
    expect(ledger.rows()).toEqual(before)
  })
})
