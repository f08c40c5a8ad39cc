/** OCDS releases: a small life of our own, and, where they lie beside the project, the standard's sample and two real publications. */
import { describe, expect, it } from 'vitest'
import { tenderLife } from '../../../../src/chain/catalogue/tender-life.ts'
import type { ImportedStatement, ImportItem } from '../../../../src/node/cli/import/item.ts'
import { mapOcds, recordTypeOfTag, releasesOf } from '../../../../src/node/cli/import/ocds.ts'
import { takeAll } from './import-ledger.ts'
import { sharedText } from './shared-data.ts'

const buyer = { id: 'b', name: 'Ayuntamiento de Ejemplo', identifier: { scheme: 'XX-RUC', id: '800-1' } }
const supplier = { id: 's', name: 'Obras, S.A.', identifier: { scheme: 'XX-RUC', id: '700-2' } }
const release = (tag: string, date: string, more: object = {}) => ({
  ocid: 'ocds-abc123-1',
  id: `1-${tag}`,
  date,
  tag: [tag],
  parties: [{ ...buyer, contactPoint: { email: 'a@b.example' } }, supplier],
  buyer: { id: 'b', name: 'Ayuntamiento de Ejemplo' },
  ...more,
})
const tender = (endDate: string, more: object = {}) => ({
  tender: {
    title: 'Obras de mejora',
    value: { amount: 1_100_000.5, currency: 'EUR' },
    tenderPeriod: { endDate },
    ...more,
  },
})
const awards = [
  {
    id: 'a1',
    suppliers: [{ id: 's', name: 'Obras, S.A.' }],
    value: { amount: 775.76, currency: 'EUR' },
    contractPeriod: { durationInDays: 20 },
  },
]
const contracts = [
  {
    id: 'c1',
    awardID: 'a1',
    value: { amount: 775.76, currency: 'EUR' },
    dateSigned: '2010-06-10T14:23:12.1197059Z',
    period: { durationInDays: 21 },
  },
]
const life = [
  release('tender', '2010-03-15T09:30:00Z', tender('2010-04-01T18:00:00Z')),
  release('tenderAmendment', '2010-03-20T09:45:00Z', tender('2010-04-08T18:00:00Z')),
  release('award', '2010-05-10T09:30:00Z', { awards }),
  release('contract', '2010-06-11T09:30:00Z', { awards, contracts }),
]
const statements = (items: readonly ImportItem[]) => items.filter((item) => item.kind === 'statement')
const fieldsOf = (item: ImportItem | undefined) => (item as ImportedStatement).fields
const key = ['id:XX-RUC:800-1', 'ocds', 'ocds-abc123-1']

describe('OCDS releases', () => {
  it('become a record for each thing that is new in them', () => {
    const items = mapOcds(life)
    expect(statements(items).map(({ type, key: idempotencyKey }) => [type, idempotencyKey])).toEqual([
      ['tender.notice@1', 'ocds:tender.notice:1-tender'],
      ['tender.amend@1', 'ocds:tender.amend:1-tenderAmendment'],
      ['tender.award@1', 'ocds:tender.award:1-award'],
      ['tender.contract@1', 'ocds:tender.contract:1-contract'],
    ])
    expect(fieldsOf(items[0])).toMatchObject({
      tender: { owner: 'id:XX-RUC:800-1', scheme: 'ocds', code: 'ocds-abc123-1', name: 'Obras de mejora' },
      estimate: { amount: '1100000.5', unit: '0', currency: 'EUR' },
      deadline: '2010-04-01T18:00:00Z',
    })
    expect(fieldsOf(items[3])).toMatchObject({
      contractor: [{ party: 'id:XX-RUC:700-2', name: 'Obras, S.A.' }],
      amount: { amount: '775.76', unit: '0', currency: 'EUR' },
      durationDays: 21,
      signedAt: '2010-06-10T14:23:12.119Z',
    })
    expect(JSON.stringify(items)).not.toContain('b.example')
  })

  it('enter a ledger sixteen years later, each compared with the one before', () => {
    const { ledger, refused, findings } = takeAll(mapOcds(life), Date.UTC(2026, 10, 22))
    expect(refused).toEqual([])
    expect(findings.map(({ code }) => code).filter((code) => code !== 'tender.backdated')).toEqual([
      'tender.contract-duration-differs',
    ])
    expect(tenderLife.at(ledger.state, key, ledger.blockTime)).toMatchObject({
      state: 'contracted',
      row: { version: 2, deadline: Date.UTC(2010, 3, 8, 18), winner: ['id:XX-RUC:700-2'] },
    })
  })

  it('are found in releases, packages, arrays of packages and records', () => {
    const [first, second] = life
    for (const shape of [
      [first, second],
      [[first, second]],
      [{ releases: [first, second] }],
      [[{ releases: [first] }, { releases: [second] }]],
      [{ records: [{ ocid: 'x', releases: [first, second] }] }],
    ]) {
      expect(releasesOf(shape)).toEqual([first, second])
    }
    const compiled = { ...release('compiled', '2010-05-10T09:30:00Z') }
    expect(releasesOf([{ records: [{ releases: [{ url: 'x' }], compiledRelease: compiled }] }])).toEqual([compiled])
  })

  it('without a record type are left out, and say so', () => {
    const none = Object.entries(recordTypeOfTag).filter(([, type]) => type === null)
    for (const [tag] of none) expect(mapOcds([release(tag, '2010-05-10T09:30:00Z')])[0]?.kind, tag).toBe('left-out')
  })

  it('that cannot be imported have a line that says why', () => {
    const problemOf = (document: object): string => {
      const [item] = mapOcds([document])
      return item?.kind === 'problem' ? item.problem.en : String(item?.kind)
    }
    const good = release('tender', '2010-03-15T09:30:00Z')
    expect(problemOf({ ...good, tag: ['bidding'] })).toContain('bidding')
    expect(problemOf({ ...good, tag: ['__proto__'] })).toContain('not known')
    expect(problemOf({ ...good, ocid: '' })).toContain('ocid')
    expect(problemOf({ ...good, date: '2010-02-30T00:00:00Z' })).toContain('date')
    expect(problemOf({ ...good, buyer: undefined })).toContain('buyer')
    expect(problemOf({ ...good, tag: ['award'] })).toContain('award')
    expect(problemOf({ ...good, extension: 1e21 })).toContain('number')
  })

  it('keep natural persons and impossible sums out, with a note', () => {
    const person = { id: 'p', name: 'Avelino', identifier: { scheme: 'PT-NIPPC', id: '152744800' } }
    const [item] = mapOcds([
      {
        ...release('award', '2010-05-10T09:30:00Z'),
        parties: [buyer, person],
        awards: [{ id: 'a', suppliers: [{ id: 'p', name: 'Avelino' }], value: { amount: 0.1234567, currency: 'EUR' } }],
      },
    ])
    expect(JSON.stringify(item)).not.toContain('Avelino')
    expect(fieldsOf(item)).not.toHaveProperty('amount')
    expect((item as ImportedStatement).notes).toHaveLength(2)
    const opening = tender('2010-04-01T18:00:00Z', { bidOpening: { date: '2010-04-01T17:00:00Z' } })
    const [early] = mapOcds([release('tender', '2010-03-15T09:30:00Z', opening)])
    expect(fieldsOf(early)).not.toHaveProperty('openingTime')
  })

  it.each([
    ['ocds/sample-data-1.1/ocds-213czf-000-00001.json', 4, 2],
    ['ocds/realdata/kingfisher_impic-pt.json', 92, 8],
    ['ocds/realdata/spoonbill_dncp-py_1.json', 1, 1],
  ])('of %s enter without a refusal', (path, statementCount, leftOutCount) => {
    const text = sharedText(path)
    if (text === undefined) return
    const items = mapOcds([JSON.parse(text)])
    expect(statements(items)).toHaveLength(statementCount)
    expect(items.filter(({ kind }) => kind === 'left-out')).toHaveLength(leftOutCount)
    expect(takeAll(items, Date.UTC(2026, 10, 22)).refused).toEqual([])
  })
})
