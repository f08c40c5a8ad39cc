/**
 * The notice of a tender, its further sections, and the versions of its document: amendments and clarifications are one chain, each names
 * the version it replaces. An amendment may move deadline and opening, but never over the present: not into the past, and not out of it.
 */
import { formatTime } from '../time.ts'
import { profileField, profileOf } from './profile.ts'
import type { RuleContext } from './statement-type.ts'
import { decimalOf } from './table.ts'
import { tenderKey } from './tender-identity.ts'
import {
  entitledMax,
  publishers,
  refuseStranger,
  sectionsMax,
  type TenderInstance,
  type TenderRow,
  tenderLife,
} from './tender-life.ts'
import {
  type AboutTender,
  aboutTenderFields,
  aboutTenderRequired,
  findLateRecord,
  openObjectionsOn,
  sectionField,
  tenderSubjects,
} from './tender-record.ts'
import {
  type DocumentHash,
  hashField,
  hashText,
  type Money,
  moneyField,
  named,
  object,
  partyField,
  refuse,
  regionField,
  textField,
  timeField,
  timeOf,
  yuanMillionthsOf,
} from './values.ts'

const entitledField = named('可代为提交的主体', 'May speak for it', {
  description: '代理机构、交易平台 / agents and platforms',
  type: 'array',
  maxItems: entitledMax,
  items: partyField('主体', 'Party'),
})

const timesFields = {
  deadline: timeField('投标截止时间', 'Deadline'),
  openingTime: timeField('开标时间', 'Opening time'),
}

interface Times {
  readonly deadline?: string
  readonly openingTime?: string
}

interface Notice extends AboutTender, Times {
  readonly kind: string
  readonly profile: string
  readonly region?: string
  readonly sections?: readonly { readonly code: string }[]
  readonly estimate?: Money
  readonly bondCeiling?: Money
  readonly entitled?: readonly string[]
}

interface Version extends AboutTender, Times {
  readonly replaces?: { readonly version: number; readonly document: DocumentHash }
  readonly material?: boolean
  readonly entitled?: readonly string[]
}

const tenderingLaw = {
  zh: '《招标投标法》第十六、二十三、二十四条；《招标投标法实施条例》第十五、二十一条；《政府采购货物和服务招标投标管理办法》（财政部令第 87 号）第十三、二十七条。',
  en: 'Tendering and Bidding Law arts. 16, 23, 24; Implementing Regulations arts. 15, 21; Order 87 of the Ministry of Finance arts. 13, 27.',
}

const timeOrNull = (text: string | undefined): number | null => (text === undefined ? null : timeOf(text))

const sum = (money: Money | undefined): bigint | null => (money === undefined ? null : yuanMillionthsOf(money))

/** Bids cannot be opened while they may still come in. */
function refuseOpeningBeforeDeadline(deadline: number | null, openingTime: number | null): void {
  if (deadline === null || openingTime === null || openingTime >= deadline) return
  throw refuse('tender.opens-before-deadline', '/openingTime', '早于投标截止时间', 'is before the deadline')
}

export const notice = tenderLife.step<Notice>({
  name: 'tender.notice',
  version: 1,
  title: { zh: '公告', en: 'Notice of a tender' },
  law: tenderingLaw,
  schema: {
    properties: {
      ...aboutTenderFields,
      kind: named('公告种类', 'Kind of notice', {
        description:
          'tender 招标, prequalification 资格预审, procurement 采购, grant 出让, transfer 产权转让, intent 意向, other 其他',
        type: 'string',
        enum: ['tender', 'prequalification', 'procurement', 'grant', 'transfer', 'intent', 'other'],
      }),
      profile: profileField,
      region: regionField,
      ownerName: textField('招标人名称（按公告原文）', 'Owner as printed', 128),
      agentName: textField('代理机构名称（按公告原文）', 'Agent as printed', 128),
      sections: named('标段（包）', 'Sections', {
        type: 'array',
        minItems: 1,
        maxItems: 64,
        items: named(
          '标段',
          'Section',
          object({ code: sectionField, name: textField('标段名称', 'Name', 256) }, ['code']),
        ),
      }),
      ...timesFields,
      estimate: moneyField('预算或估算价', 'Estimate'),
      bondCeiling: moneyField('投标保证金', 'Bid bond'),
      entitled: entitledField,
    },
    required: [...aboutTenderRequired, 'kind', 'profile'],
  },
  roles: publishers,
  findings: {
    'tender.notice-too-short': {
      zh: {
        title: '公告期不足',
        cause: '从公告（{0}）到投标截止（{1}）不足该交易方式要求的 {2} 日。',
        remedy: '请监管部门核查是否依法缩短等标期。',
      },
      en: {
        title: 'Too little time to bid',
        cause:
          'From the notice ({0}) to the deadline ({1}) is less than the {2} days that this kind of trade asks for.',
        remedy: 'The supervisor asks whether the law allowed a shorter period here.',
      },
    },
    'tender.bond-too-high': {
      zh: {
        title: '投标保证金过高',
        cause: '投标保证金 {0} 元超过预算或估算价 {1} 元的规定比例。',
        remedy: '请监管部门核查保证金的设定。',
      },
      en: {
        title: 'Bid bond too high',
        cause: 'A bid bond of {0} yuan is more than the share of the estimate ({1} yuan) that is allowed.',
        remedy: 'The supervisor asks how the bond was set.',
      },
    },
    'tender.notice-repeated': {
      zh: {
        title: '重复公告且内容不同',
        cause: '记录 {0} 已公告该项目，本公告没有新的标段，文件却不同；时间等内容以首次公告及其变更为准。',
        remedy: '请核对两份公告；变更请用变更公告。',
      },
      en: {
        title: 'Another notice with other content',
        cause:
          'Record {0} is a notice of this tender already. This one has no new section and another document; times stay as in the first and its amendments.',
        remedy: 'Compare the two notices; changes belong in an amendment.',
      },
    },
    'tender.notice-times-differ': {
      zh: {
        title: '再次公告的时间不同',
        cause: '再次公告所载时间（{0}）与在用的时间（{1}）不同；以在用的为准。',
        remedy: '请核对；移动时间请用变更公告。',
      },
      en: {
        title: 'A further notice with other times',
        cause: 'A further notice says {0} where {1} is in force; that stays in force.',
        remedy: 'Compare the two; times are moved by an amendment.',
      },
    },
  },
  key: ({ tender }) => tenderKey(tender),
  check({ tender, section, sections = [], ...said }, context, before) {
    refuseStranger(tender, context, before)
    const [deadline, openingTime] = [timeOrNull(said.deadline), timeOrNull(said.openingTime)]
    refuseOpeningBeforeDeadline(before?.row.deadline ?? deadline, before?.row.openingTime ?? openingTime)
    if (union(before?.row.sections ?? [], sectionsOf(section, sections)).length > sectionsMax) {
      throw refuse('tender.too-many-sections', '/sections', `超过 ${sectionsMax} 个`, `makes more than ${sectionsMax}`)
    }
  },
  next(payload, context, before) {
    findLateRecord(payload, context)
    return before === undefined ? firstNotice(payload, context) : furtherNotice(payload, context, before)
  },
  subjects: (payload) => ({
    ...tenderSubjects(payload, payload.entitled),
    ...(payload.region === undefined ? {} : { region: payload.region }),
  }),
})

function firstNotice(payload: Notice, context: RuleContext): TenderRow {
  const { tender, section, sections = [], document, profile, kind, region = '', entitled = [] } = payload
  const [deadline, openingTime] = [timeOrNull(payload.deadline), timeOrNull(payload.openingTime)]
  const publishedAt = timeOf(payload.publishedAt)
  const { noticeDaysMin, bondRateMax } = profileOf(profile)
  if (deadline !== null && deadline - publishedAt < noticeDaysMin * context.legalDayMs) {
    context.find('tender.notice-too-short', formatTime(publishedAt), formatTime(deadline), String(noticeDaysMin))
  }
  const [estimate, bondCeiling] = [sum(payload.estimate), sum(payload.bondCeiling)]
  const isBondKnown = bondRateMax !== null && estimate !== null && bondCeiling !== null
  if (isBondKnown && bondCeiling * 1_000_000n > estimate * bondRateMax) {
    context.find('tender.bond-too-high', decimalOf(bondCeiling), decimalOf(estimate))
  }
  return {
    kind,
    profile,
    region,
    publisher: context.statement.party,
    entitled: Array.from(new Set(entitled)),
    sections: sectionsOf(section, sections),
    notice: context.index,
    version: 1,
    document: hashText(document),
    publishedAt,
    deadline,
    openingTime,
    estimate,
    bondCeiling,
    openObjections: openObjectionsOn(tender, undefined, context),
    openedAt: null,
    publicityEndsAt: null,
    awardedAt: null,
    awardAmount: null,
    winner: [],
    contractedAt: null,
  }
}

/** It may add sections, and give what was not known; what is known it does not move. */
function furtherNotice(payload: Notice, context: RuleContext, { row }: TenderInstance): Partial<TenderRow> {
  const { section, sections = [], document, entitled = [] } = payload
  const codes = sectionsOf(section, sections)
  const isNew = codes.some((code) => !row.sections.includes(code))
  if (!isNew && hashText(document) !== row.document) context.find('tender.notice-repeated', String(row.notice))
  const [deadline, openingTime] = [timeOrNull(payload.deadline), timeOrNull(payload.openingTime)]
  for (const [said, inForce] of [
    [deadline, row.deadline],
    [openingTime, row.openingTime],
  ] as const) {
    if (said === null || inForce === null || said === inForce) continue
    context.find('tender.notice-times-differ', formatTime(said), formatTime(inForce))
  }
  return {
    sections: union(row.sections, codes),
    deadline: row.deadline ?? deadline,
    openingTime: row.openingTime ?? openingTime,
    ...entitledBy(payload.tender.owner, entitled, context, row),
  }
}

/** The owner and the publisher name who else may speak; those they named do not pass it on. */
function entitledBy(
  owner: string,
  more: readonly string[],
  { statement }: RuleContext,
  row: TenderRow,
): Pick<TenderRow, 'entitled'> {
  const { party } = statement
  if (party !== owner && party !== row.publisher) return { entitled: row.entitled }
  return { entitled: union(row.entitled, more).slice(0, entitledMax) }
}

// ---- versions --------------------------------------------------------------------------------------------------------------------

const versionFields = {
  ...aboutTenderFields,
  replaces: named(
    '所替代的版本',
    'Version that it replaces',
    object(
      {
        version: named('版本号', 'Version', { type: 'integer', minimum: 1, maximum: 1_000_000 }),
        document: hashField('文件哈希', 'Hash of the document'),
      },
      ['version', 'document'],
    ),
  ),
  material: named('是否影响投标文件编制', 'Whether bids have to be written anew', {
    description: '默认是 / true unless said otherwise',
    type: 'boolean',
  }),
  ...timesFields,
  entitled: entitledField,
}

/** The amendment and the clarification differ in name only: each is the next version of the document. */
const version = (name: 'amend' | 'clarify', zh: string, en: string) =>
  tenderLife.step<Version>({
    name: `tender.${name}`,
    version: 1,
    title: { zh, en },
    law: tenderingLaw,
    schema: { properties: versionFields, required: aboutTenderRequired },
    roles: publishers,
    absent: 'unlinked',
    key: ({ tender }) => tenderKey(tender),
    check(payload, context, before) {
      refuseStranger(payload.tender, context, before)
      if (before === undefined) {
        refuseOpeningBeforeDeadline(timeOrNull(payload.deadline), timeOrNull(payload.openingTime))
        return
      }
      refuseBrokenChain(payload, before.row)
      refuseMovedSeal(payload, context.blockTime, before.row)
    },
    next(payload, context, before) {
      const { row, state } = before!
      findLateRecord(payload, context)
      const { deadline, openingTime } = timesAfter(payload, row)
      findLateChange(payload, deadline, context, state, row)
      if (deadline !== null && row.deadline !== null && deadline < row.deadline) {
        context.find('tender.deadline-earlier', formatTime(row.deadline), formatTime(deadline))
      }
      return {
        version: row.version + 1,
        document: hashText(payload.document),
        deadline,
        openingTime,
        ...entitledBy(payload.tender.owner, payload.entitled ?? [], context, row),
      }
    },
    unlinked: findLateRecord,
    subjects: (payload) => tenderSubjects(payload, payload.entitled),
  })

export const amend = version('amend', '变更公告', 'Amend a tender')
export const clarify = version('clarify', '澄清答疑', 'Clarify a tender')

function timesAfter(said: Times, row: TenderRow): Pick<TenderRow, 'deadline' | 'openingTime'> {
  return {
    deadline: timeOrNull(said.deadline) ?? row.deadline,
    openingTime: timeOrNull(said.openingTime) ?? row.openingTime,
  }
}

/** Two versions of one parent would be two documents in force. */
function refuseBrokenChain({ replaces }: Version, row: TenderRow): void {
  if (replaces === undefined) return
  if (replaces.version === row.version && hashText(replaces.document) === row.document) return
  throw refuse(
    'tender.stale-version',
    '/replaces',
    `在用的是版本 ${row.version}`,
    `is not the version in force, which is ${row.version} with ${row.document}`,
  )
}

/** Whoever could move a deadline over the present could close early or let a late bid in; an opening moved into the past reveals bids. */
function refuseMovedSeal(said: Times, now: number, row: TenderRow): void {
  const { deadline, openingTime } = timesAfter(said, row)
  refuseOpeningBeforeDeadline(deadline, openingTime)
  const crosses = (from: number | null, to: number | null): boolean =>
    from !== null && to !== null && from <= now !== to <= now
  if (crosses(row.deadline, deadline)) {
    throw refuse('tender.deadline-sealed', '/deadline', '不得移过当前时间', 'moves over block time')
  }
  const isMovedBack = openingTime !== null && openingTime <= now
  if (crosses(row.openingTime, openingTime) && (isMovedBack || row.openedAt !== null)) {
    throw refuse('tender.deadline-sealed', '/openingTime', '不得移过当前时间', 'moves over block time')
  }
}

function findLateChange(
  { material = true, publishedAt }: Version,
  deadline: number | null,
  context: RuleContext,
  state: string,
  row: TenderRow,
): void {
  if (state !== 'published' && state !== 'closed') {
    context.find('tender.changed-after-opening', state)
    return
  }
  const { amendmentDaysMin } = profileOf(row.profile)
  if (!material || deadline === null) return
  if (deadline - timeOf(publishedAt) >= amendmentDaysMin * context.legalDayMs) return
  context.find('tender.changed-late', formatTime(timeOf(publishedAt)), formatTime(deadline), String(amendmentDaysMin))
}

const sectionsOf = (section: string | undefined, sections: readonly { readonly code: string }[]): readonly string[] =>
  Array.from(new Set([...(section === undefined ? [] : [section]), ...sections.map(({ code }) => code)]))

const union = (a: readonly string[], b: readonly string[]): readonly string[] => Array.from(new Set([...a, ...b]))
