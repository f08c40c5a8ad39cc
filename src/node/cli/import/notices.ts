/**
 * Notices as the national platform (全国公共资源交易平台) lists them: metadata with the body's hash. Which record a notice becomes follows from its
 * kind (`info_type`), where a kind covers several, from its title. A listing names its owner in words or not at all, and a result
 * mostly without; so that all notices of one tender meet, the tender's identity is the platform it comes from and the platform's code
 * (or, without a code, the listing's id), and the owner's name stands beside it as printed.
 */
import type { JsonObject } from '../../../chain/json.ts'
import { both } from '../language.ts'
import {
  type ImportItem,
  ItemProblem,
  keyOf,
  lineOf,
  mapped,
  moneyOf,
  otherPartyOf,
  present,
  textOf,
  timeOfText,
} from './item.ts'
import { regionOfProvince } from './provinces.ts'

type Row = Readonly<Record<string, unknown>>

interface Kind {
  readonly type: string
  /** `kind` of a `tender.notice`. */
  readonly kind?: string
}

/** `info_type` → record type. Kinds that cover several are told apart by the title (`kindOf`). */
export const recordTypeOfKind: Readonly<Record<string, Kind>> = {
  '招标/资审公告': { type: 'tender.notice', kind: 'tender' },
  '采购/资审公告': { type: 'tender.notice', kind: 'procurement' },
  交易公告: { type: 'tender.notice', kind: 'other' },
  出让公告: { type: 'tender.notice', kind: 'grant' },
  出让公示: { type: 'tender.notice', kind: 'grant' },
  挂牌披露: { type: 'tender.notice', kind: 'transfer' },
  '招标/资审文件澄清': { type: 'tender.clarify' },
  更正事项: { type: 'tender.amend' },
  变更公告: { type: 'tender.amend' },
  开标记录: { type: 'tender.open' },
  交易结果公示: { type: 'tender.award' },
  中标公告: { type: 'tender.award' },
  成交公示: { type: 'tender.award' },
  成交宗地: { type: 'tender.award' },
  交易结果: { type: 'tender.award' },
  采购合同: { type: 'tender.contract' },
  合同公示: { type: 'tender.contract' },
  流标公告: { type: 'tender.fail' },
  废标公告: { type: 'tender.fail' },
  异常公告: { type: 'tender.fail' },
  终止公告: { type: 'tender.terminate' },
}

export function mapNotices(rows: readonly Row[]): readonly ImportItem[] {
  return rows.map((row, at) => {
    const source = textOf(row.record_id)
    return mapped(source ?? `#${at + 1}`, () => {
      if (source === undefined) throw new ItemProblem('没有 record_id', 'has no record_id')
      return noticeOf(row, source)
    })
  })
}

function noticeOf(row: Row, record: string): ImportItem {
  const title = lineOf(row.title, 256)
  const { type, kind } = kindOf(row, title ?? '')
  const publishedAt = timeOfText(row.publish_date)
  if (publishedAt === undefined) throw new ItemProblem('publish_date 不是时间', 'publish_date is no time')
  const platform = textOf(row.source_platform)
  if (platform === undefined) throw new ItemProblem('没有 source_platform', 'has no source_platform')
  const code = textOf(row.project_code)
  const owner = otherPartyOf('ggzy-platform', platform)
  // A listing without a code is a tender of its own: nothing else can be said to be about it.
  const identity = code === undefined ? { scheme: 'ggzy-record', code: record } : { scheme: 'ggzy', code }
  const section = sectionOf(title ?? '')
  const notes = []
  const estimate = type === 'tender.notice' ? moneyOf(row.budget) : undefined
  if (type === 'tender.notice' && estimate === undefined && textOf(row.budget) !== undefined) {
    notes.push(both(`预算「${row.budget}」没有单位，未录入`, `the budget "${row.budget}" has no unit and is left out`))
  }
  const own =
    type === 'tender.notice'
      ? {
          kind,
          profile: profileOf(row, title ?? ''),
          region: regionOfProvince(textOf(row.region)),
          ownerName: nameOf(row.issuer),
          agentName: nameOf(row.agency),
          // A budget of nought is a field that was not filled in.
          estimate: estimate === undefined || /^0+$/.test(estimate.amount) ? undefined : { ...estimate },
        }
      : type === 'tender.fail' || type === 'tender.terminate'
        ? { reason: title ?? record }
        : {}
  if (type === 'tender.notice' && own.region === undefined && textOf(row.region) !== undefined) {
    notes.push(both(`地区「${row.region}」不在 GB/T 2260 省级名称之中`, `"${row.region}" is no province of GB/T 2260`))
  }
  return {
    kind: 'statement',
    source: record,
    type: `${type}@1`,
    key: keyOf('ggzy', record),
    about: `${owner}/${identity.scheme}/${identity.code}`,
    publishedAt,
    notes,
    fields: present({
      tender: present({ owner, ...identity, name: title }),
      section,
      document: bodyHash(row),
      publishedAt,
      source: present({ system: 'ggzy.gov.cn', record, url: lineOf(row.detail_url, 256) }),
      ...own,
    }),
  }
}

function kindOf(row: Row, title: string): Kind {
  const name = textOf(row.info_type)
  const found = name !== undefined && Object.hasOwn(recordTypeOfKind, name) ? recordTypeOfKind[name] : undefined
  if (found === undefined) {
    throw new ItemProblem(`不认识的公告种类「${name ?? ''}」`, `the kind of notice "${name ?? ''}" is not known`)
  }
  if (found.type === 'tender.notice') return /资格预审/.test(title) ? { ...found, kind: 'prequalification' } : found
  if (found.type !== 'tender.award') return found
  if (/候选人公示/.test(title)) return { type: 'tender.candidates' }
  if (/终止/.test(title)) return { type: 'tender.terminate' }
  if (/流标|废标|采购失败|招标失败|未成交/.test(title)) return { type: 'tender.fail' }
  return found
}

/** The method stands in the title or in the code; where neither says, no periods of law are claimed to apply. */
function profileOf(row: Row, title: string): string {
  const business = textOf(row.business_type) ?? ''
  if (business === '工程建设') return 'construction'
  if (/土地/.test(business)) return 'land'
  if (/矿业权/.test(business)) return 'mining'
  if (/产权/.test(business)) return 'property'
  if (business !== '政府采购') return 'other'
  const words = `${title} ${textOf(row.project_code) ?? ''}`
  if (/单一来源/.test(words)) return 'procurement.single-source'
  if (/磋商/.test(words)) return 'procurement.consultation'
  if (/谈判/.test(words)) return 'procurement.negotiation'
  if (/询价/.test(words)) return 'procurement.inquiry'
  return /公开招标|招标公告/.test(words) ? 'procurement.tender' : 'other'
}

/** `（采购包1）`, `第一标段`, `2包`: what the title calls the section, as it stands there. */
function sectionOf(title: string): string | undefined {
  return /(?:采购包\d+|第?[一二三四五六七八九十\d]+(?:标段|包)(?!括|含|装))/.exec(title)?.[0]
}

/** `（盖章）` and the like are forms that nobody filled in. */
function nameOf(value: unknown): string | undefined {
  const name = lineOf(value, 128)
  return name === undefined || /^[（(]?盖章[）)]?$/.test(name) ? undefined : name
}

function bodyHash(row: Row): JsonObject {
  for (const [algorithm, value] of [
    ['sha256', row.contentSha256],
    ['sm3', row.contentSm3],
  ] as const) {
    if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return { algorithm, value }
  }
  throw new ItemProblem('没有正文的哈希', 'has no hash of its body')
}
