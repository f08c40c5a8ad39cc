/** The words of what a pledge is refused for. */
import type { RefusalTexts } from '../refusal.ts'

/** Live pledges of one receivable; each new one looks at all of them. */
export const livePledgesMax = 64

export const pledgeRefusals: RefusalTexts = {
  'pledge.self': {
    zh: { title: '质给自己', cause: '出质人与质权人是同一主体。', remedy: '请核对 pledgee。' },
    en: { title: 'Pledged to oneself', cause: 'Pledgor and pledgee are the same party.', remedy: 'Check pledgee.' },
  },
  'pledge.consent-missing': {
    zh: {
      title: '缺少质权人同意',
      cause: '质押须先有质权人就同样内容（编号、项目、金额、期限）的同意记录。',
      remedy: '请质权人先提交 pledge.consent，并在其有效期内出质。',
    },
    en: {
      title: 'The pledgee has not agreed',
      cause: 'A pledge needs a record of the pledgee’s consent to exactly this number, tender, amount and term.',
      remedy: 'Have the pledgee submit pledge.consent first, and pledge while it counts.',
    },
  },
  'pledge.not-creditor': {
    zh: {
      title: '不是合同的承包人',
      cause: '账本上该项目的合同不是与出质人签订的。',
      remedy: '请核对项目、标段，以及合同记录所列的承包人。',
    },
    en: {
      title: 'Not the contractor',
      cause: "The tender's contract on the ledger is not with the pledgor.",
      remedy: 'Check tender and section, and whom the contract names.',
    },
  },
  'pledge.contract-differs': {
    zh: {
      title: '与所知的合同不符',
      cause: '合同的文件、币种或金额与账本上的合同记录，或与同一应收账款此前的质押不同。',
      remedy: '请核对合同哈希与金额。',
    },
    en: {
      title: 'Unlike the contract that is known',
      cause:
        'Document, currency or amount of the contract are not those of its record, or of an earlier pledge of this receivable.',
      remedy: 'Check the hash and the amount of the contract.',
    },
  },
  'pledge.above-remains': {
    zh: {
      title: '超过可质押余额',
      cause: '质押金额高于合同金额减去其他有效质押与已实现金额后的余额（重复质押）。',
      remedy: '请查询该应收账款的有效质押。',
    },
    en: {
      title: 'More than what remains',
      cause:
        'The pledge is above the contract’s amount, less other live pledges and what was collected: it is pledged twice.',
      remedy: 'Look up the live pledges of this receivable.',
    },
  },
  'pledge.too-many': {
    zh: {
      title: '有效质押过多',
      cause: `一笔应收账款同时有效的质押至多 ${livePledgesMax} 笔。`,
      remedy: '请待已有质押解除或期满。',
    },
    en: {
      title: 'Too many pledges',
      cause: `A receivable has at most ${livePledgesMax} live pledges.`,
      remedy: 'Wait until others are released or lapse.',
    },
  },
  'pledge.above-pledged': {
    zh: { title: '超过质押金额', cause: '受偿金额高于质押金额，或币种不同。', remedy: '请核对金额与单位。' },
    en: {
      title: 'More than was pledged',
      cause: 'What is collected is above the amount pledged, or in another currency.',
      remedy: 'Check amount, unit and currency.',
    },
  },
  'pledge.party-not-listed': {
    zh: {
      title: '主体未获全网认可',
      cause: '签名密钥只有一个成员确认（单方登记）；质押涉及资金，须全网认可的密钥。',
      remedy: '请由另一成员批准同一份密钥申请。',
    },
    en: {
      title: 'Party not listed',
      cause: 'One member alone vouches for the key; a pledge moves money and needs keys that count everywhere.',
      remedy: 'Have another member approve the same key request.',
    },
  },
  'pledge.no-amount': {
    zh: { title: '金额为零', cause: '质押与受偿的金额须大于零。', remedy: '请核对金额与单位。' },
    en: {
      title: 'No amount',
      cause: 'What is pledged or collected must be above zero.',
      remedy: 'Check amount and unit.',
    },
  },
  'pledge.term-past': {
    zh: { title: '期限已过', cause: '质押到期时间不晚于区块时间。', remedy: '请核对 end 及其时区偏移。' },
    en: {
      title: 'Term in the past',
      cause: 'The pledge would end before it begins.',
      remedy: 'Check end and its offset.',
    },
  },
  'pledge.other-pledgee': {
    zh: { title: '不是质权人', cause: '质押由质权人解除或实现。', remedy: '请由质权人提交。' },
    en: {
      title: 'Another pledgee',
      cause: 'A pledge is released or enforced by its pledgee.',
      remedy: 'Have the pledgee submit it.',
    },
  },
  'pledge.other-tender': {
    zh: {
      title: '不是所质押合同的项目',
      cause: '所写项目或标段不是质押的合同所属。',
      remedy: '请核对 tender 与 section。',
    },
    en: {
      title: 'Another tender',
      cause: 'Tender or section are not those of the contract whose receivable is pledged.',
      remedy: 'Check tender and section.',
    },
  },
}
