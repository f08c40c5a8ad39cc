/**
 * The rows of a bid opening and the `bid.record` fields they become. The real openings lie beside the project, in
 * `../shared/data/cn`, and are not copied into it; where they are absent, rows of the same shape are made from a seed, so that every
 * test runs in both places and says in its name which rows it saw.
 */
import { existsSync, readFileSync } from 'node:fs'
import { usccCheckCharacter } from '../../../src/chain/catalogue/values.ts'
import type { JsonObject } from '../../../src/chain/json.ts'

/** One row as the national platform republished it. */
export interface OpeningRow {
  readonly seq: string
  readonly uscc: string
  readonly name: string
  /** Local time, UTC+8: `2026-03-13 11:57:26`. */
  readonly receivedAt: string
  readonly decryptStatus: '解密成功' | '未提交解密'
  readonly decryptCmdAt?: string
  /** 电子保函, an amount in yuan, 年度保证金, or both. */
  readonly security?: string
  readonly priceWanYuan?: string
  readonly duration?: string
  /** The columns as printed, for rows that were not decrypted. */
  readonly raw?: readonly string[]
}

export interface Opening {
  /** `real` or `generated`. */
  readonly source: string
  readonly code: string
  readonly region: string
  readonly openingTime: string
  readonly rows: readonly OpeningRow[]
}

const dataFolder = new URL('../../../../shared/data/cn/', import.meta.url)

/** The text of a shared data file; undefined when it is not there. */
export function sharedData(name: string): string | undefined {
  const file = new URL(name, dataFolder)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** The opening of 2026-03-16 with 1,528 bids, or one of its shape. */
export function largeOpening(): Opening {
  const text = sharedData('opening-N3505250502172856001.jsonl')
  const opening = { code: 'N3505250502172856001', region: '350525', openingTime: '2026-03-16T09:30:00+08:00' }
  if (text === undefined)
    return { source: 'generated', ...opening, code: 'N0000000000000000001', rows: generatedRows() }
  const rows = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as OpeningRow)
  return { source: 'real', ...opening, rows }
}

/** `2026-03-13 11:57:26` or `2026-3-15 14:31:17`, local, as RFC 3339. */
export function beijingTime(local: string): string {
  const [date, clock] = local.split(' ')
  const [year, month, day] = date!.split('-')
  return `${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}T${clock}+08:00`
}

/** What a trading platform would submit for this row. */
export function bidFields(row: OpeningRow, opening: Opening, owner: string): JsonObject {
  const { seq, uscc, name, receivedAt, decryptCmdAt, security, priceWanYuan, duration, raw } = row
  const decrypted = row.decryptStatus === '解密成功'
  return {
    tender: { owner, scheme: 'tender-project', code: opening.code },
    region: opening.region,
    sequence: Number(seq),
    bidders: [{ party: `uscc:${uscc}`, name }],
    decrypted,
    receivedAt: beijingTime(receivedAt),
    openingTime: opening.openingTime,
    ...(decryptCmdAt === undefined ? {} : { decryptedAt: beijingTime(decryptCmdAt) }),
    ...(priceWanYuan === undefined
      ? {}
      : { price: { form: 'amount', amount: priceWanYuan, unit: '1', currency: 'CNY' } }),
    ...(security === undefined ? {} : { security: { kind: securityKind(security), raw: security } }),
    ...(duration === undefined ? {} : { duration }),
    ...(raw === undefined ? {} : { raw }),
  }
}

function securityKind(security: string): string {
  if (security.includes('年度')) return 'annual'
  if (security === '电子保函') return 'guarantee'
  return security === '0' ? 'none' : 'cash'
}

/** 1,528 rows with the real opening's proportions, its odd values at fixed places, and companies that do not exist. */
function generatedRows(): readonly OpeningRow[] {
  let state = 20_260_316
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  const two = (value: number): string => String(value).padStart(2, '0')
  return Array.from({ length: 1_528 }, (_, at): OpeningRow => {
    const first17 = `9135${two(below(20))}00MA${String(1_000_000 + at)}`
    const received = `2026-03-${10 + below(6)} ${two(8 + below(12))}:${two(below(60))}:${two(below(60))}`
    const common = {
      seq: String(at + 1),
      uscc: `${first17}${usccCheckCharacter(first17)}`,
      name: `示例${at}建设工程有限公司`,
      receivedAt: received,
    }
    if (at % 500 === 499) {
      return { ...common, decryptStatus: '未提交解密', raw: [received, '未提交解密', '电子保函'] }
    }
    const security = ['400,000', '0', '150,000+年度保证金', '年度保证金'][below(60)] ?? '电子保函'
    return {
      ...common,
      decryptStatus: '解密成功',
      decryptCmdAt: `2026-03-16 09:${two(30 + below(30))}:${two(below(60))}`,
      security,
      priceWanYuan: `1${below(10)}${below(10)}${below(10)}.${below(10_000) + 1}`,
      duration: ['360日历天（其中各关键节点的工期要求为/）', '360  日历天（其中各关键节点的工期要求为          /）'][
        below(2)
      ]!,
    }
  })
}
