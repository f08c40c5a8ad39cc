/**
 * What the demonstration submits: a tender's notice, every bid of an opening and a guarantee for every bid that was secured by one. The real
 * opening of 2026-03-16 where its data lies beside the project, else one of the same shape made from a seed. The guarantees are
 * invented either way — the notice does not publish them — and each says so.
 */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import { usccCheckCharacter } from '../../src/chain/catalogue/values.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { bidFields, largeOpening, type OpeningRow } from '../chain/catalogue/opening-rows.ts'

export type Submitter = 'platform' | 'bank' | 'guarantor' | 'insurer'

export interface Party {
  readonly submitter: Submitter
  readonly id: string
  readonly name: string
  readonly role: 'trading-platform' | 'guarantee-issuer'
}

/** One statement to be: its type, its submitter's own key for it, and its fields. */
export interface Item {
  readonly by: Submitter
  readonly type: string
  readonly key: string
  readonly fields: JsonObject
}

const seed = 'gongzheng-demo-2026'

export const parties: readonly Party[] = [
  { submitter: 'platform', id: usccOf('91350500MA00DEM01'), name: '示例电子交易平台', role: 'trading-platform' },
  { submitter: 'bank', id: usccOf('91350500MA00DEM02'), name: '示例银行', role: 'guarantee-issuer' },
  { submitter: 'guarantor', id: usccOf('91350500MA00DEM03'), name: '示例融资担保公司', role: 'guarantee-issuer' },
  { submitter: 'insurer', id: usccOf('91350500MA00DEM04'), name: '示例财产保险公司', role: 'guarantee-issuer' },
]

const forms = { bank: 'bank', guarantor: 'guarantee-company', insurer: 'insurer' } as const
const issuers = ['bank', 'guarantor', 'insurer'] as const
const owner = usccOf('91350525MA00DEM05')

export interface Scenario {
  /** `real` or `generated`. */
  readonly source: string
  readonly items: readonly Item[]
}

export function openingScenario(): Scenario {
  const opening = largeOpening()
  const tender = { owner, scheme: 'tender-project', code: opening.code }
  const notice: Item = {
    by: 'platform',
    type: 'attest.hash@1',
    key: `notice-${opening.code}`,
    fields: {
      subject: 'document',
      hash: { algorithm: 'sha256', value: digest(`notice ${opening.code}`) },
      mediaType: 'application/pdf',
      source: {
        system: '示例电子交易平台',
        operator: 'role:公告发布',
        method: '公告正文',
        software: 'demo 1.0',
        occurredAt: '2026-02-20T09:00:00+08:00',
      },
      tender,
      region: opening.region,
      title: '招标公告',
    },
  }
  const bids = opening.rows.map(
    (row): Item => ({
      by: 'platform',
      type: 'bid.record@1',
      key: `bid-${opening.code}-${row.seq}`,
      fields: bidFields(row, opening, owner),
    }),
  )
  const guarantees = opening.rows
    .filter(({ security }) => security === '电子保函')
    .map((row) => guaranteeOf(row, opening.openingTime, tender, opening.region))
  return { source: opening.source, items: [notice, ...bids, ...guarantees] }
}

function guaranteeOf(row: OpeningRow, openingTime: string, tender: JsonObject, region: string): Item {
  const draw = Number.parseInt(digest(`${seed} ${row.uscc}`).slice(0, 12), 16)
  const by = issuers[draw % issuers.length]!
  const issuer = parties.find(({ submitter }) => submitter === by)!
  const day = String(10 + (draw % 6)).padStart(2, '0')
  const number = `DEMO-${by.toUpperCase()}-${row.seq.padStart(5, '0')}`
  return {
    by,
    type: 'guarantee.submit@1',
    key: number,
    fields: {
      number,
      form: forms[by],
      kind: 'single',
      tender,
      region,
      bidders: [{ party: `uscc:${row.uscc}`, name: row.name }],
      beneficiary: { party: owner, name: '示例招标人' },
      issuer: { party: issuer.id, name: issuer.name },
      amount: { amount: '400000', unit: '0', currency: 'CNY' },
      cost: { amount: String(400 + (draw % 400)), unit: '0', currency: 'CNY' },
      begin: openingTime,
      // Opening day and 28 days.
      end: '2026-04-13T23:59:59+08:00',
      issuedAt: `2026-03-${day}T15:00:00+08:00`,
      document: { algorithm: 'sha256', value: digest(`${seed} document ${number}`) },
      openingTime,
      provenance: { synthetic: true, seed, note: '演示数据：编号、出具人、金额、日期均由种子生成' },
    },
  }
}

const digest = (text: string): string => toHex(sha256(utf8(text)))

function usccOf(first17: string): string {
  // The alphabet of GB 32100 has no I, O, S, V and Z.
  return `uscc:${first17}${usccCheckCharacter(first17)}`
}
