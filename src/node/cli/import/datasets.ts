/**
 * Rows of the national data specification (全国公共资源交易平台数据规范), data sets 500–523 (construction) and 550–557 (procurement), under their own
 * column names. `dataSets` is the mapping: which columns tell a data set, which record it becomes, and where each field comes from.
 * Which numbers the data sets have differs by edition, and their columns less so; so a data set is known by its columns. Times are local
 * (UTC+8), amounts of construction are in 万元 unless PRICE_UNIT or the like says otherwise. Telephones, addresses, names of people and their
 * certificates are columns of these rows too; none is read.
 *
 * The owner stands in few data sets. A row finds it by its tender's code in the others of the same file; without them `--owner` says it.
 */
import { canonicalJson, type JsonObject, type JsonValue } from '../../../chain/json.ts'
import { type Bilingual, both } from '../language.ts'
import {
  hashOf,
  hasTimeOfDay,
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
  usccPartyOf,
} from './item.ts'

type Row = Readonly<Record<string, unknown>>
type Columns = readonly string[]

export interface DatasetOptions {
  /** For rows whose owner the file does not say. */
  readonly owner?: string
  /** GB/T 2260, for notices whose rows have no region. */
  readonly region?: string
}

/** What may stand in any data set: the columns under which it is looked for, the first that is filled counts. */
const common = {
  code: ['TENDER_PROJECT_CODE', 'PURCHASE_PROJECT_CODE', 'PURCHASE_PLAN_CODE', '招标项目编号', '采购项目编号'],
  name: ['TENDER_PROJECT_NAME', 'PURCHASE_PROJECT_NAME', 'NOTICE_NAME', 'DOC_NAME', '招标项目名称', '采购项目名称', '公告标题'],
  section: ['BID_SECTION_CODE', 'BID_SECTION_CODES', 'PACKAGE_CODE', '标段（包）编号', '标段(包)编号', '采购包编号'],
  publishedAt: ['NOTICE_SEND_TIME', 'WIN_NOTICE_SEND_TIME', 'ANNO_TIME', 'CONTRACT_SIGN_TIME', 'SUBMIT_TIME', 'CREATE_TIME', 'DATA_TIMESTAMP', '公告发布时间', '数据时间戳'],
  key: ['DATA_KEY', 'M_KEY', '数据主键'],
  url: ['URL', '公告源URL'],
  content: ['NOTICE_CONTENT', 'BID_OPENING_CONTENT', 'CLARI_CONTENT', 'CLARIFY_CONTENT', 'CONTRACT_CONTENT', '公告内容'],
  ownerCode: ['TENDERER_CODE', 'PURCHASER_CODE', 'BUYER_CODE', '招标人代码', '采购人代码'],
  ownerName: ['TENDERER_NAME', 'PURCHASER_NAME', 'BUYER_NAME', '招标人名称', '采购人名称'],
  agentCode: ['TENDER_AGENCY_CODE', 'PURCHASE_AGENCY_CODE', '招标代理机构代码', '采购代理机构代码'],
  agentName: ['TENDER_AGENCY_NAME', 'PURCHASE_AGENCY_NAME', '招标代理机构名称', '采购代理机构名称'],
  region: ['REGION_CODE', '行政区域代码'],
} as const satisfies Readonly<Record<string, Columns>> // biome-ignore format: a table

interface Money {
  readonly amount: Columns
  readonly unit: Columns
  /** Where no column says it. */
  readonly unitElse: '0' | '1'
}

interface DataSet {
  readonly zh: string
  readonly en: string
  /** Its numbers in the specification's provincial edition, as far as they are known; for documents only. */
  readonly numbers: string
  /** A row with one of these columns is of this data set. The first that fits counts. */
  readonly told: Columns
  /** The record type; undefined: no record is meant for it, its rows only tell the owner. */
  readonly type?: string
  readonly times?: Readonly<Record<string, Columns>>
  readonly money?: Readonly<Record<string, Money>>
  readonly party?: {
    readonly field: 'winners' | 'contractor' | 'candidates'
    readonly code: Columns
    readonly name: Columns
  }
  readonly reason?: Columns
}

const wan = (amount: Columns, unit: Columns): Money => ({ amount, unit, unitElse: '1' })

/** The mapping table. The order matters where columns overlap. */
export const dataSets: readonly DataSet[] = [
  {
    zh: '特征码', en: 'feature codes', numbers: '519',
    told: ['MAC_ADDRESS', 'HARD_DISK_SERIAL_NUMBER', 'CPU_ID', 'FEATURE_CODE'],
  },
  {
    zh: '电子保函', en: 'e-guarantees', numbers: '523',
    told: ['GUARANTEE_NO', 'GUARANTEE_CODE', '保函编号'],
  },
  {
    zh: '招标异常', en: 'exceptions', numbers: '500–523', type: 'tender.fail',
    told: ['EXCEPITON_INFOR', 'EXCEPTION_INFOR', 'EXCEPTION_NAME', '异常信息'],
    reason: ['EXCEPITON_INFOR', 'EXCEPTION_INFOR', 'EXCEPTION_NAME', '异常信息'],
  },
  {
    zh: '合同与履约', en: 'contract', numbers: '500–523, 550–557', type: 'tender.contract',
    told: ['CONTRACT_NAME', 'CONTRACT_CODE', 'CONTRACT_PRICE', 'CONTRACT_AMOUNT', '合同金额'],
    times: { signedAt: ['CONTRACT_SIGN_TIME', '合同签订时间'] },
    money: { amount: wan(['CONTRACT_PRICE', 'CONTRACT_AMOUNT', '合同金额'], ['PRICE_UNIT', 'CONTRACT_PRICE_UNIT', '金额单位']) },
    party: {
      field: 'contractor',
      code: ['WIN_BIDDER_CODE', 'SUPPLIER_CODE', '中标人代码', '供应商代码'],
      name: ['WIN_BIDDER_NAME', 'SUPPLIER_NAME', '中标人名称', '供应商名称'],
    },
  },
  {
    zh: '中标候选人', en: 'candidates', numbers: '500–523', type: 'tender.candidates',
    told: ['WIN_CANDIDATE_NAME', 'CANDIDATE_NAME', '中标候选人名称'],
    times: { endsAt: ['PUBLICITY_END_TIME', '公示结束时间'] },
    party: {
      field: 'candidates',
      code: ['WIN_CANDIDATE_CODE', 'CANDIDATE_CODE', '中标候选人代码'],
      name: ['WIN_CANDIDATE_NAME', 'CANDIDATE_NAME', '中标候选人名称'],
    },
  },
  {
    zh: '中标（成交）结果', en: 'result', numbers: '500–523, 550–557', type: 'tender.award',
    told: ['WIN_BIDDER_NAME', 'WIN_BIDDER_CODE', 'BID_AMOUNT', 'DEAL_AMOUNT', '中标人名称', '成交金额'],
    money: { amount: wan(['BID_AMOUNT', 'WIN_PRICE', 'DEAL_AMOUNT', '中标金额', '成交金额'], ['PRICE_UNIT', '金额单位']) },
    party: {
      field: 'winners',
      code: ['WIN_BIDDER_CODE', 'SUPPLIER_CODE', '中标人代码', '供应商代码'],
      name: ['WIN_BIDDER_NAME', 'SUPPLIER_NAME', '中标人名称', '供应商名称'],
    },
  },
  {
    zh: '开标记录', en: 'opening record', numbers: '500–523', type: 'tender.open',
    told: ['BID_OPENING_TIME', 'BID_OPENING_CONTENT', 'BID_OPENING_ACTOR', '开标记录内容'],
    times: { openedAt: ['BID_OPENING_TIME', '开标时间'] },
  },
  {
    zh: '评标报告', en: 'evaluation report', numbers: '500–523', type: 'tender.evaluate',
    told: ['EVALUATION_REPORT', 'EVALUATION_RESULT_TIME', 'BID_EVALUATION_CONTENT', '评标报告'],
  },
  {
    zh: '澄清与修改', en: 'clarification', numbers: '500–523', type: 'tender.clarify',
    told: ['CLARI_CONTENT', 'CLARIFY_CONTENT', 'CLARI_TIME', '澄清内容'],
    times: { deadline: ['BID_DOC_REFER_END_TIME', '投标文件递交截止时间'], openingTime: ['BID_OPEN_TIME', 'DOC_OPEN_TIME'] },
  },
  {
    zh: '更正公告', en: 'correction', numbers: '550–557', type: 'tender.amend',
    told: ['CORRECT_CONTENT', 'CHANGE_CONTENT', '更正内容'],
    times: { deadline: ['BID_DOC_REFER_END_TIME', '投标文件递交截止时间'], openingTime: ['BID_OPEN_TIME', '开标时间'] },
  },
  {
    zh: '招标（采购）公告', en: 'notice', numbers: '500–523, 550–557', type: 'tender.notice',
    told: ['NOTICE_SEND_TIME', 'BID_DOC_REFER_END_TIME', '公告发布时间'],
    times: {
      deadline: ['BID_DOC_REFER_END_TIME', '投标文件递交截止时间'],
      openingTime: ['BID_OPEN_TIME', '开标时间'],
    },
    money: {
      estimate: wan(['CONTROL_PRICE', 'CONTRACT_RECKON_PRICE', '招标控制价'], ['CONTROL_PRICE_UNIT', 'PRICE_UNIT']),
      bondCeiling: wan(['MARGIN_AMOUNT', '投标保证金'], ['MARGIN_AMOUNT_UNIT']),
    },
  },
  {
    zh: '招标项目、标段', en: 'project, section', numbers: '500–523, 550–557',
    told: ['TENDER_PROJECT_CODE', 'PURCHASE_PROJECT_CODE', '招标项目编号', '采购项目编号'],
  },
] // biome-ignore format: a table

export function mapDatasets(rows: readonly Row[], options: DatasetOptions = {}): readonly ImportItem[] {
  const owners = ownersOf(rows)
  const items: ImportItem[] = []
  const candidates = new Map<string, { readonly first: number; readonly rows: Row[] }>()
  rows.forEach((row, at) => {
    const source = textOf(cell(row, common.key)) ?? `#${at + 1}`
    const dataSet = dataSetOf(row)
    if (dataSet?.party?.field === 'candidates') {
      // One row for each candidate; one publicity for each section.
      const group = `${textOf(cell(row, common.code)) ?? ''}/${sectionsOf(row).join(';')}`
      const known = candidates.get(group)
      if (known !== undefined) {
        known.rows.push(row)
        return
      }
      candidates.set(group, { first: items.length, rows: [row] })
    }
    items.push(mapped(source, () => itemOf(row, source, dataSet, owners, options)))
  })
  for (const { first, rows: group } of candidates.values()) {
    const item = items[first]!
    if (item.kind !== 'statement') continue
    const ranked = group.toSorted((a, b) => rankOf(a) - rankOf(b))
    const fields = {
      ...item.fields,
      document: { ...documentOf(group) },
      candidates: nonEmpty(
        ranked.flatMap((row) => {
          const parties = partiesOf(row, dataSetOf(row)!)
          return parties.length === 0 ? [] : [{ parties }]
        }),
      ),
    }
    items[first] = { ...item, fields: present(fields) }
  }
  return items
}

const rankOf = (row: Row): number => Number(textOf(cell(row, ['WIN_CANDIDATE_ORDER', 'CANDIDATE_ORDER', '名次'])) ?? 99)

function dataSetOf(row: Row): DataSet | undefined {
  return dataSets.find(({ told }) => told.some((column) => Object.hasOwn(row, column)))
}

function cell(row: Row, columns: Columns): unknown {
  for (const column of columns) if (Object.hasOwn(row, column) && textOf(row[column]) !== undefined) return row[column]
  return undefined
}

/** Owners by tender code, where a row says one; two that disagree are kept apart. */
function ownersOf(rows: readonly Row[]): ReadonlyMap<string, ReadonlySet<string>> {
  const owners = new Map<string, Set<string>>()
  for (const row of rows) {
    const [code, owner] = [textOf(cell(row, common.code)), ownerOf(row)]
    if (code !== undefined && owner !== undefined) owners.set(code, (owners.get(code) ?? new Set()).add(owner))
  }
  return owners
}

function ownerOf(row: Row): string | undefined {
  const code = textOf(cell(row, common.ownerCode))
  if (code === undefined) return undefined
  return usccPartyOf(code) ?? otherPartyOf('national', code)
}

function itemOf(
  row: Row,
  source: string,
  dataSet: DataSet | undefined,
  owners: ReadonlyMap<string, ReadonlySet<string>>,
  options: DatasetOptions,
): ImportItem {
  if (dataSet === undefined) {
    throw new ItemProblem('各列不属于已知的数据集', 'its columns are those of no data set that is known')
  }
  const { type, zh, en } = dataSet
  if (type === undefined) {
    return { kind: 'left-out', source, reason: both(`${zh}：不单独成为记录`, `${en}: no record of its own`) }
  }
  const code = textOf(cell(row, common.code))
  if (code === undefined) throw new ItemProblem('没有招标项目编号', 'has no tender code')
  const owner = soleOwner(code, owners, options)
  const publishedAt = timeOfText(cell(row, common.publishedAt)) ?? timeOfText(cell(row, dataSet.times?.openedAt ?? []))
  if (publishedAt === undefined) throw new ItemProblem('没有发布时间', 'says no time of publication')
  const notes: Bilingual[] = []
  const sections = sectionsOf(row)
  const isNotice = type === 'tender.notice'
  const times = timesOf(row, dataSet, notes)
  const sums = sumsOf(row, dataSet, notes)
  return {
    kind: 'statement',
    source,
    type: `${type}@1`,
    key: keyOf(
      'dataset',
      `${type}:${source.startsWith('#') ? hashOf(canonicalJson(row as JsonObject)).value : source}`,
    ),
    about: `${owner}/national/${code}`,
    publishedAt,
    notes,
    fields: present({
      tender: present({ owner, scheme: 'national', code, name: lineOf(cell(row, common.name), 256) }),
      section: isNotice || sections.length !== 1 ? undefined : sections[0],
      document: { ...documentOf([row]) },
      publishedAt,
      source: source.startsWith('#')
        ? undefined
        : present({ system: 'national', record: source.slice(0, 64), url: lineOf(cell(row, common.url), 256) }),
      ...times,
      ...sums,
      ...(isNotice ? noticeFields(row, sections, options) : {}),
      ...(dataSet.party === undefined || dataSet.party.field === 'candidates'
        ? {}
        : { [dataSet.party.field]: nonEmpty(partiesOf(row, dataSet)) }),
      ...(dataSet.reason === undefined ? {} : { reason: lineOf(cell(row, dataSet.reason), 512) ?? '异常' }),
    }),
  }
}

function soleOwner(code: string, owners: ReadonlyMap<string, ReadonlySet<string>>, { owner }: DatasetOptions): string {
  const said = Array.from(owners.get(code) ?? [])
  if (said.length > 1)
    throw new ItemProblem(`各行的招标人不一致：${said.join('，')}`, `rows disagree on the owner: ${said.join(', ')}`)
  const found = said[0] ?? owner
  if (found !== undefined) return found
  throw new ItemProblem(
    '不知道招标人：请与招标项目数据集一并导入，或用 --owner 指明',
    'the owner is not known: import it with the data set of tender projects, or say it with --owner',
  )
}

function noticeFields(row: Row, sections: readonly string[], options: DatasetOptions): JsonObject {
  const agent = usccPartyOf(cell(row, common.agentCode))
  const region = textOf(cell(row, common.region)) ?? options.region
  const words = `${textOf(cell(row, ['PURCHASE_METHOD', 'PURCHASE_TYPE', '采购方式'])) ?? ''}`
  const isProcurement = Object.keys(row).some((column) => column.startsWith('PURCHASE_') || column.startsWith('采购'))
  return present({
    kind: isProcurement ? 'procurement' : textOf(row.BULLETIN_TYPE) === '2' ? 'prequalification' : 'tender',
    profile: isProcurement ? procurementProfile(words) : 'construction',
    region: region !== undefined && /^\d{6}$/.test(region) ? region : undefined,
    ownerName: lineOf(cell(row, common.ownerName), 128),
    agentName: lineOf(cell(row, common.agentName), 128),
    entitled: agent === undefined ? undefined : [agent],
    sections: sections.length === 0 ? undefined : sections.map((code) => ({ code })),
  })
}

function procurementProfile(method: string): string {
  if (/磋商/.test(method)) return 'procurement.consultation'
  if (/谈判/.test(method)) return 'procurement.negotiation'
  if (/询价/.test(method)) return 'procurement.inquiry'
  if (/单一来源/.test(method)) return 'procurement.single-source'
  return /公开招标|邀请招标/.test(method) ? 'procurement.tender' : 'other'
}

function timesOf(row: Row, { times = {} }: DataSet, notes: Bilingual[]): JsonObject {
  const found: Record<string, string> = {}
  for (const [field, columns] of Object.entries(times)) {
    const value = cell(row, columns)
    if (value === undefined) continue
    const time = hasTimeOfDay(value) ? timeOfText(value) : undefined
    if (time === undefined)
      notes.push(
        both(`${columns[0]}「${value}」不是时刻，未录入`, `${columns[0]} "${value}" is no time of day and is left out`),
      )
    else found[field] = time
  }
  return found
}

function sumsOf(row: Row, { money = {} }: DataSet, notes: Bilingual[]): JsonObject {
  const found: Record<string, JsonValue> = {}
  for (const [field, { amount, unit, unitElse }] of Object.entries(money)) {
    const value = cell(row, amount)
    if (value === undefined) continue
    const said = textOf(cell(row, unit))
    const sum = moneyOf(value, said === '0' || said === '元' ? '0' : said === '1' || said === '万元' ? '1' : unitElse)
    if (sum === undefined)
      notes.push(both(`${amount[0]}「${value}」不是金额，未录入`, `${amount[0]} "${value}" is no sum and is left out`))
    else if (sum.amount !== '0') found[field] = { ...sum }
  }
  return found
}

/** `a;b`: several sections, or the members of a consortium, in one cell. */
const split = (value: unknown): readonly string[] =>
  (textOf(value) ?? '')
    .split(/[;；]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')

const sectionsOf = (row: Row): readonly string[] => Array.from(new Set(split(cell(row, common.section))))

/** Two to four Han characters without an organisation's code are a person's name, and people are not named on the ledger. */
const isPersonsName = (name: string): boolean => /^[\u4e00-\u9fff·]{2,4}$/.test(name)

function partiesOf(row: Row, { party }: DataSet): JsonObject[] {
  const ids = split(cell(row, party!.code))
  return split(cell(row, party!.name)).flatMap((name, at) => {
    const id = usccPartyOf(ids[at])
    return id === undefined && isPersonsName(name) ? [] : [present({ party: id, name: lineOf(name, 128) })]
  })
}

const nonEmpty = (list: readonly JsonObject[]): readonly JsonObject[] | undefined =>
  list.length === 0 ? undefined : list

/** Of the text that was published, where the rows hold it; else of the rows themselves in their one spelling (RFC 8785). */
function documentOf(rows: readonly Row[]) {
  const content = rows.length === 1 ? textOf(cell(rows[0]!, common.content)) : undefined
  return hashOf(content ?? canonicalJson(rows as readonly JsonObject[]))
}
