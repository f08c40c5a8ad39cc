/**
 * The life of a tender from its notice to its archive, for every kind of trade: the notice and its further sections, amendments and
 * clarifications as one chain of versions, failure, termination, withdrawal, archive. Opening, award and contract are in
 * `tender-result.ts`, objections in `tender-objection.ts`, the states in `tender-life.ts`.
 *
 * Refused is what breaks identity (a stranger who speaks for the tender), secrecy (anything that names bidders before the opening) or a
 * sealed deadline (one moved into the past, or out of it). What breaks law or norm is in, with a finding; the periods are those of
 * the profile. Old notices may be recorded years later: that is a finding too, and never a refusal.
 */
import { formatTime } from '../time.ts'
import { profileField, profileOf } from './profile.ts'
import type { Role } from './register.ts'
import type { Family, RuleContext } from './statement-type.ts'
import { decimalOf } from './table.ts'
import { tenderKey } from './tender-identity.ts'
import {
  entitledMax,
  publishers,
  refuseBeforeTenderOpening,
  refuseStranger,
  sectionsMax,
  speakingRefusals,
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
  stepOfSection,
  tenderSubjects,
  writeStep,
} from './tender-record.ts'
import { award, bondReturn, candidates, contract, evaluate, open } from './tender-result.ts'
import { resultFindings, resultRefusals } from './tender-result-words.ts'
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
  wordsField,
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
  readonly region: string
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

interface Ending extends AboutTender {
  readonly reason: string
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

const notice = tenderLife.step<Notice>({
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
    required: [...aboutTenderRequired, 'kind', 'profile', 'region'],
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
  subjects: (payload) => ({ ...tenderSubjects(payload, payload.entitled), region: payload.region }),
})

function firstNotice(payload: Notice, context: RuleContext): TenderRow {
  const { tender, section, sections = [], document, profile, kind, region, entitled = [] } = payload
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

const amend = version('amend', '变更公告', 'Amend a tender')
const clarify = version('clarify', '澄清答疑', 'Clarify a tender')

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

// ---- endings ---------------------------------------------------------------------------------------------------------------------

const reasonFields = { ...aboutTenderFields, reason: wordsField('原因', 'Reason', 512) }
const reasonRequired = [...aboutTenderRequired, 'reason']

const fail = tenderLife.step<Ending>({
  name: 'tender.fail',
  version: 1,
  title: { zh: '流标（废标）', en: 'A tender or section fails' },
  law: {
    zh: '《招标投标法》第二十八、四十二条；《政府采购法》第三十六条。',
    en: 'Tendering and Bidding Law arts. 28, 42; Government Procurement Law art. 36.',
  },
  schema: { properties: reasonFields, required: reasonRequired },
  roles: [...publishers, 'supervisor'],
  refusals: {
    'tender.section-needed': {
      zh: {
        title: '须写明标段',
        cause: '项目已定标，流标只能针对其他标段；已定标的项目请用终止。',
        remedy: '请填写 section，或改用 tender.terminate。',
      },
      en: {
        title: 'Name the section',
        cause: 'The tender is awarded, so only another section of it can fail; an awarded tender is terminated.',
        remedy: 'Give section, or use tender.terminate.',
      },
    },
  },
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check({ tender, section }, context, before) {
    refuseStranger(tender, context, before, ['supervisor'])
    // That too few came is known when bids are opened.
    refuseBeforeTenderOpening(tender, context)
    const isAwarded = before?.state === 'awarded' || before?.state === 'contracted'
    if (isAwarded && section === undefined) {
      throw refuse('tender.section-needed', '/section', '已定标，须写明标段', 'is missing: the tender is awarded')
    }
  },
  next(payload, context, before) {
    const { row, state } = before!
    findLateRecord(payload, context)
    writeStep('fail', payload, context)
    const hasFailed = (section: string): boolean =>
      section === payload.section || stepOfSection('fail', payload.tender, section, context) !== undefined
    const isWhole = payload.section === undefined || (row.sections.length > 0 && row.sections.every(hasFailed))
    return { state: isWhole && state !== 'awarded' && state !== 'contracted' ? 'failed' : state }
  },
  unlinked(payload, context) {
    findLateRecord(payload, context)
    writeStep('fail', payload, context)
  },
  subjects: (payload) => tenderSubjects(payload),
})

const ending = (
  name: 'terminate' | 'withdraw' | 'archive',
  title: { readonly zh: string; readonly en: string },
  besides: readonly Role[],
  fields: 'with a reason' | 'without',
) =>
  tenderLife.step<AboutTender>({
    name: `tender.${name}`,
    version: 1,
    title,
    law: {
      zh: '《招标投标法实施条例》第三十一条（终止招标及时公告并退还保证金）；《招标投标法》第三十六条（存档备查）。',
      en: 'Implementing Regulations art. 31 (a termination is announced and bonds returned); Tendering and Bidding Law art. 36 (records are kept).',
    },
    schema:
      fields === 'without'
        ? { properties: aboutTenderFields, required: aboutTenderRequired }
        : { properties: reasonFields, required: reasonRequired },
    roles: [...publishers, ...besides],
    absent: 'unlinked',
    key: ({ tender }) => tenderKey(tender),
    check: ({ tender }, context, before) => refuseStranger(tender, context, before, besides),
    next(payload, context) {
      findLateRecord(payload, context)
      return {}
    },
    unlinked: findLateRecord,
    subjects: (payload) => tenderSubjects(payload),
  })

const terminate = ending('terminate', { zh: '终止', en: 'Terminate a tender' }, ['supervisor'], 'with a reason')
const withdraw = ending('withdraw', { zh: '撤回公告', en: 'Withdraw a tender' }, [], 'with a reason')
const archive = ending('archive', { zh: '归档', en: 'Archive a tender' }, [], 'without')

const sectionsOf = (section: string | undefined, sections: readonly { readonly code: string }[]): readonly string[] =>
  Array.from(new Set([...(section === undefined ? [] : [section]), ...sections.map(({ code }) => code)]))

const union = (a: readonly string[], b: readonly string[]): readonly string[] => Array.from(new Set([...a, ...b]))

export const tenders: Family = {
  name: 'tender',
  title: { zh: '招标项目', en: 'Tenders' },
  purpose: {
    zh: '《招标投标法》及其实施条例、《政府采购法》与相关部门规章，以及土地、矿业权、国有产权的交易规则：公告、变更、开标、评标、公示、定标、合同、归档各步按先后上链，与期限、候选人、定标、合同相互比对。破坏身份、保密或截止时间的拒绝入账；违法违规的入账并附预警，期限按交易方式（profile）。没有公告的项目，其记录先行收下（未链接），公告到来后自动接上。密封投标另设一类。',
    en: 'The Tendering and Bidding Law with its regulations, the Government Procurement Law, and the rules for land, mining rights and state property: notice, amendments, opening, evaluation, publicity, award, contract and archive, one after the other, each compared with what came before. What breaks identity, secrecy or a deadline is refused; what breaks law or norm is in, with a finding, by the periods of the profile. Records about a tender without a notice are taken in unlinked, and count when the notice comes. Sealed bids are another family.',
  },
  types: [
    notice,
    amend,
    clarify,
    open,
    evaluate,
    candidates,
    award,
    contract,
    bondReturn,
    fail,
    terminate,
    withdraw,
    archive,
  ],
  lifecycles: [tenderLife],
  refusals: {
    ...speakingRefusals,
    'tender.opens-before-deadline': {
      zh: {
        title: '开标早于投标截止',
        cause: '开标时间早于投标截止时间；仍在接收投标时不得开标。',
        remedy: '请核对 deadline 与 openingTime 及其时区偏移。',
      },
      en: {
        title: 'Opens before the deadline',
        cause: 'The opening is before the deadline; bids are not opened while others may still come in.',
        remedy: 'Compare deadline and openingTime, and their offsets.',
      },
    },
    'tender.stale-version': {
      zh: {
        title: '所替代的不是在用版本',
        cause: 'replaces 所指的版本或哈希不是在用的版本：另有变更已先入账，或文件被改动。',
        remedy: '请查询该项目的时间线，以在用版本为基础重新提交。',
      },
      en: {
        title: 'Not the version in force',
        cause:
          'replaces names another version or hash than the one in force: another change came first, or the document was changed.',
        remedy: 'Look up the tender’s timeline, and submit again on top of the version in force.',
      },
    },
    'tender.deadline-sealed': {
      zh: {
        title: '截止时间不得移过当前时间',
        cause: '未到的投标截止、开标时间不得改到过去；已过的截止时间不得改到将来。',
        remedy: '截止前请改到将来的时间；截止后需重新招标的，请发布新的公告。',
      },
      en: {
        title: 'A deadline does not move over the present',
        cause: 'A deadline or opening to come is not moved into the past, and one that has passed not into the future.',
        remedy: 'Before the deadline move it to a time to come; after it, publish a new tender.',
      },
    },
    'tender.too-many-sections': {
      zh: { title: '标段过多', cause: `一个项目至多 ${sectionsMax} 个标段。`, remedy: '请拆分为多个项目。' },
      en: {
        title: 'Too many sections',
        cause: `A tender has at most ${sectionsMax} sections.`,
        remedy: 'Make several tenders of it.',
      },
    },
    ...resultRefusals,
  },
  findings: {
    'tender.backdated': {
      zh: {
        title: '入账远晚于所称发布时间',
        cause: '记录称发布于 {0}，{1} 才入账；入账之前是否公开，账本不能证明。',
        remedy: '请监管部门核查实际发布时间；补录的历史数据属正常情形。',
      },
      en: {
        title: 'Recorded long after it says it was published',
        cause:
          'It says that it was published at {0}, and came at {1}. That anybody saw it before, the ledger cannot show.',
        remedy: 'The supervisor asks when it was really published; for history that is recorded later this is normal.',
      },
    },
    'tender.changed-late': {
      zh: {
        title: '变更距截止时间过近',
        cause: '影响投标文件编制的变更于 {0} 发布，距投标截止 {1} 不足 {2} 日，截止时间未相应顺延。',
        remedy: '请监管部门核查是否应顺延截止时间。',
      },
      en: {
        title: 'Changed too shortly before the deadline',
        cause:
          'A change that bids have to follow was published at {0}, less than {2} days before the deadline of {1}, which did not move far enough.',
        remedy: 'The supervisor asks whether the deadline should have been moved.',
      },
    },
    'tender.changed-after-opening': {
      zh: {
        title: '开标后变更',
        cause: '项目已处于 {0} 状态，仍发布变更或澄清。',
        remedy: '请核查变更内容；结果更正属此类。',
      },
      en: {
        title: 'Changed after the opening',
        cause: 'The tender is {0} already, and a change or clarification came.',
        remedy: 'Look at what was changed; the correction of a result is of this kind.',
      },
    },
    'tender.deadline-earlier': {
      zh: {
        title: '截止时间提前',
        cause: '投标截止时间由 {0} 提前到 {1}。',
        remedy: '请监管部门核查提前的理由与告知方式。',
      },
      en: {
        title: 'Deadline moved forward',
        cause: 'The deadline was moved from {0} to the earlier {1}.',
        remedy: 'The supervisor asks why, and who was told.',
      },
    },
    ...resultFindings,
  },
}
