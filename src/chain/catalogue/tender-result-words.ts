/** The words of what `tender-result.ts` refuses and finds: on opening record, publicity, award, contract and return of bonds. */
import type { RefusalTexts } from '../refusal.ts'

export const resultRefusals: RefusalTexts = {
  'tender.counts-disagree': {
    zh: { title: '投标数不符', cause: '解密数多于投标数，或只有解密数。', remedy: '请核对 bids 与 decrypted。' },
    en: {
      title: 'Counts disagree',
      cause: 'More bids are decrypted than there are, or the number of bids is missing.',
      remedy: 'Compare bids and decrypted.',
    },
  },
  'tender.never-opened': {
    zh: {
      title: '尚未开标',
      cause: '该项目须公开开标，账本上却没有开标记录；没有开标就没有评标、候选人与中标结果。',
      remedy: '请先提交开标记录（tender.open）。',
    },
    en: {
      title: 'Never opened',
      cause:
        'Bids of this tender are opened in public by law, and there is no opening record: without one there is no evaluation, candidate or award.',
      remedy: 'First submit the opening record (tender.open).',
    },
  },
}

export const resultFindings: RefusalTexts = {
  'tender.step-repeated': {
    zh: {
      title: '同一步骤再次提交且文件不同',
      cause: '同一标段（或未写明标段的同一项目）的这一步已见于记录 {0}，文件不同。',
      remedy: '请核查是更正、另一标段，还是前后矛盾（如重新评分）。',
    },
    en: {
      title: 'The same step again, with another document',
      cause:
        'This step of the same section (or of the tender, where no section is named) is in record {0} with another document.',
      remedy: 'Find out whether this is a correction, another section, or a contradiction, like a second scoring.',
    },
  },
  'tender.without-opening': {
    zh: {
      title: '账本上没有开标记录',
      cause: '该交易方式应公开开标，已有结果而账本上没有开标记录。',
      remedy: '请监管部门核查开标情况。',
    },
    en: {
      title: 'No opening record on the ledger',
      cause: 'Trades of this kind are opened in public; there is a result and no opening record.',
      remedy: 'The supervisor asks for the opening.',
    },
  },
  'tender.too-few-bidders': {
    zh: {
      title: '投标人不足',
      cause: '投标 {0} 个，不足 {1} 个仍开标。',
      remedy: '请监管部门核查是否应重新招标。',
    },
    en: {
      title: 'Too few bidders',
      cause: 'Opened with {0} bids, fewer than {1}.',
      remedy: 'The supervisor asks whether it should have been tendered anew.',
    },
  },
  'tender.opened-early': {
    zh: {
      title: '早于公告的时间开标',
      cause: '开标记录称于 {0} 开标，公告的开标时间为 {1}。',
      remedy: '请监管部门核查是否提前开标。',
    },
    en: {
      title: 'Opened before its time',
      cause: 'The record says that bids were opened at {0}; the notice says {1}.',
      remedy: 'The supervisor asks whether bids were opened early.',
    },
  },
  'tender.publicity-too-short': {
    zh: {
      title: '公示期不足',
      cause: '公示自 {0} 至 {1}，不足 {2} 日。',
      remedy: '请监管部门核查公示期。',
    },
    en: {
      title: 'Publicity too short',
      cause: 'Public from {0} to {1}, less than {2} days.',
      remedy: 'The supervisor asks why.',
    },
  },
  'tender.award-without-publicity': {
    zh: {
      title: '未公示候选人即定标',
      cause: '该交易方式应先公示中标候选人，账本上没有公示。',
      remedy: '请监管部门核查公示情况。',
    },
    en: {
      title: 'Awarded without publicity',
      cause: 'In trades of this kind candidates are made public before the award; the ledger has no such record.',
      remedy: 'The supervisor asks where they were made public.',
    },
  },
  'tender.award-before-publicity-ended': {
    zh: {
      title: '公示未满即定标',
      cause: '候选人公示（记录 {1}）至 {0} 止，定标在此之前。',
      remedy: '请监管部门核查。',
    },
    en: {
      title: 'Awarded before the publicity ended',
      cause: 'Candidates are public until {0} (record {1}); the award came before.',
      remedy: 'The supervisor asks why.',
    },
  },
  'tender.award-under-objection': {
    zh: {
      title: '异议、投诉未答复即定标',
      cause: '尚有 {0} 件异议、质疑或投诉没有答复，期间应暂停定标。',
      remedy: '请监管部门核查；各件见该项目的时间线。',
    },
    en: {
      title: 'Awarded under an open objection',
      cause: '{0} objections, queries or complaints have no answer; until then the award is suspended.',
      remedy: 'The supervisor looks into it; the tender’s timeline shows them.',
    },
  },
  'tender.award-to-penalised': {
    zh: {
      title: '中标人处于限制投标期内',
      cause: '{0} 在本地区适用的限制投标决定 {1}（{2}，记录 {3}）未届满、未修复、未撤销。',
      remedy: '请监管部门核查其投标资格；申诉期间不停止执行。',
    },
    en: {
      title: 'Awarded to a party that is banned from bidding',
      cause:
        'A ban on {0} counts in this region: decision {1} of {2} (record {3}), neither ended, repaired nor revoked.',
      remedy: 'The supervisor looks at its right to bid; an appeal does not suspend a ban.',
    },
  },
  'tender.winner-no-candidate': {
    zh: {
      title: '中标人不在候选人之列',
      cause: '中标人 {0} 不在公示的候选人之列（记录 {1}）。',
      remedy: '请监管部门核查定标依据。',
    },
    en: {
      title: 'The winner was no candidate',
      cause: 'The winner {0} is not among the candidates made public in record {1}.',
      remedy: 'The supervisor asks on what grounds.',
    },
  },
  'tender.contract-without-award': {
    zh: {
      title: '账本上没有定标记录',
      cause: '合同已提交，账本上没有该标段的中标（成交）结果可供比对。',
      remedy: '请补交结果，或由监管部门核查。',
    },
    en: {
      title: 'Contract without an award',
      cause: 'There is a contract, and no award of this section to compare it with.',
      remedy: 'Submit the award, or have the supervisor look into it.',
    },
  },
  'tender.contract-amount-differs': {
    zh: {
      title: '合同金额与中标金额不同',
      cause: '合同 {0} 元，中标（成交）{1} 元（记录 {2}）。',
      remedy: '请监管部门核查是否背离实质性内容。',
    },
    en: {
      title: 'Contract unlike the award: amount',
      cause: 'The contract is for {0} yuan, the award (record {2}) for {1}.',
      remedy: 'The supervisor asks whether the substance was changed.',
    },
  },
  'tender.contract-duration-differs': {
    zh: {
      title: '合同工期与中标工期不同',
      cause: '合同 {0} 日，中标（成交）{1} 日（记录 {2}）。',
      remedy: '请监管部门核查是否背离实质性内容。',
    },
    en: {
      title: 'Contract unlike the award: duration',
      cause: 'The contract says {0} days, the award (record {2}) {1}.',
      remedy: 'The supervisor asks whether the substance was changed.',
    },
  },
  'tender.contract-other-party': {
    zh: {
      title: '签约方不是中标人',
      cause: '合同签约方 {0}，中标（成交）人 {1}（记录 {2}）。',
      remedy: '请监管部门核查。',
    },
    en: {
      title: 'Contract with another party',
      cause: 'The contract is with {0}, the award (record {2}) went to {1}.',
      remedy: 'The supervisor looks into it.',
    },
  },
  'tender.contract-late': {
    zh: {
      title: '逾期签订合同',
      cause: '定标于 {0} 入账，合同超过 {1} 日才入账。',
      remedy: '请核查逾期原因。',
    },
    en: {
      title: 'Contract late',
      cause: 'The award came at {0}, the contract more than {1} days later.',
      remedy: 'Ask why.',
    },
  },
  'tender.bond-returned-late': {
    zh: {
      title: '逾期退还保证金',
      cause: '合同于 {0} 入账，保证金超过 {1} 日才退还。',
      remedy: '请监管部门核查；逾期应付利息。',
    },
    en: {
      title: 'Bonds returned late',
      cause: 'The contract came at {0}, the bonds were returned more than {1} days later.',
      remedy: 'The supervisor looks into it; interest is due.',
    },
  },
}
