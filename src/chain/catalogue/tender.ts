/**
 * The life of a tender from its notice to its archive, for every kind of trade: the notice and its further sections, amendments and
 * clarifications as one chain of versions, opening, evaluation, publicity, award, contract, failure, termination, withdrawal.
 * The states stand in `tender-life.ts`, the types in `tender-notice.ts`, `tender-result.ts` and `tender-ending.ts`; here is the family with the
 * words that several of them share. Objections are a family of their own (`tender-objection.ts`).
 *
 * Refused is what breaks identity (a stranger who speaks for the tender), secrecy (anything that names bidders before the opening) or a
 * sealed deadline (one moved into the past, or out of it). What breaks law or norm is in, with a finding; the periods are those of
 * the profile. Old notices may be recorded years later: that is a finding too, and never a refusal.
 */
import type { Family } from './statement-type.ts'
import { archive, fail, terminate, withdraw } from './tender-ending.ts'
import { sectionsMax, speakingRefusals, tenderLife } from './tender-life.ts'
import { amend, clarify, notice } from './tender-notice.ts'
import { award, bondReturn, candidates, contract, evaluate, open } from './tender-result.ts'
import { resultFindings, resultRefusals } from './tender-result-words.ts'

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
