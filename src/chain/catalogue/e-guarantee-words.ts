/** The words of what several steps of an e-guarantee are refused for. */
import type { RefusalTexts } from '../refusal.ts'

export const sharedRefusals: RefusalTexts = {
  'guarantee.kind-mismatch': {
    zh: {
      title: '保函种类与项目不符',
      cause:
        '单标段、多标段保函须写明项目、受益人、截止与开标时间、投标有效期；单标段至多一个标段，多标段至少两个不同标段；年度保函不写具体项目。',
      remedy: '请核对 kind 与 tender、sections、beneficiary、deadline、openingTime、bidValidUntil。',
    },
    en: {
      title: 'Kind and tender disagree',
      cause:
        'One for a section or several names the tender, the beneficiary, deadline, opening and bid validity; a single one has at most one section, a multi-section one at least two different ones; an annual one names no tender.',
      remedy: 'Compare kind with tender, sections, beneficiary, deadline, openingTime and bidValidUntil.',
    },
  },
  'guarantee.bidder-repeated': {
    zh: { title: '投标人重复', cause: '同一主体在一份保函中出现两次。', remedy: '联合体成员各列一次。' },
    en: {
      title: 'Bidder repeated',
      cause: 'The same party stands twice in one guarantee.',
      remedy: 'List every member of a consortium once.',
    },
  },
  'guarantee.no-amount': {
    zh: { title: '金额为零', cause: '保函、索赔、赔付的金额须大于零。', remedy: '请核对金额与单位。' },
    en: {
      title: 'No amount',
      cause: 'What is guaranteed, claimed or paid must be above zero.',
      remedy: 'Check amount and unit.',
    },
  },
  'guarantee.below-requirement': {
    zh: {
      title: '低于要求的保证金',
      cause: '保函金额（年度保函为其余额）低于项目要求的保证金。',
      remedy: '请增加保函金额，或核对单位是元还是万元。',
    },
    en: {
      title: 'Below the bond asked for',
      cause: 'The amount guaranteed (of an annual one, what remains of it) is below what the tender asks for.',
      remedy: 'Raise the amount, or check whether the unit is yuan or ten thousand.',
    },
  },
  'guarantee.above-ceiling': {
    zh: {
      title: '超过保证金上限',
      cause: '保函金额超过项目估算价的法定比例（2%）；实施条例第二十六条。',
      remedy: '请核对金额、单位与项目估算价。',
    },
    en: {
      title: 'Above the ceiling',
      cause:
        'The amount is more than the part of the estimate that law allows (2 %); Implementing Regulations art. 26.',
      remedy: "Check amount, unit and the tender's estimate.",
    },
  },
  'guarantee.ends-early': {
    zh: {
      title: '早于投标有效期届满',
      cause: '保函失效时间早于投标有效期届满；实施条例第二十六条。',
      remedy: '请延长保函期限。',
    },
    en: {
      title: 'Ends before bid validity',
      cause: 'The guarantee ends before the bids cease to bind; Implementing Regulations art. 26.',
      remedy: 'Extend its term.',
    },
  },
  'guarantee.out-of-order': {
    zh: {
      title: '时间先后有误',
      cause: '发生时间晚于区块时间，或早于前一步骤的发生时间。',
      remedy: '请核对 occurredAt 及其时区偏移，并按发生的先后提交。',
    },
    en: {
      title: 'Out of order',
      cause: 'The step is said to have happened after block time, or before the step that comes first.',
      remedy: 'Check occurredAt and its offset; submit the steps in the order they happened.',
    },
  },
  'guarantee.other-issuer': {
    zh: {
      title: '不是该保函的出具人',
      cause: '这一步骤由保函的出具人办理。',
      remedy: '请由出具人以自己的密钥提交。',
    },
    en: {
      title: 'Another issuer',
      cause: "This step is the issuer's.",
      remedy: 'The issuer submits it with its own key.',
    },
  },
  'guarantee.issuer-not-listed': {
    zh: {
      title: '出具人未获全网认可',
      cause: '出具人的密钥只有一个成员确认（单方登记）；保函涉及资金，须全网认可的出具人密钥。',
      remedy: '请由另一成员批准同一份密钥申请。',
    },
    en: {
      title: 'Issuer not listed',
      cause:
        "One member alone vouches for the issuer's key; a guarantee binds money and needs a key that counts everywhere.",
      remedy: 'Have another member approve the same key request.',
    },
  },
  'guarantee.not-concerned': {
    zh: {
      title: '与该保函无关',
      cause:
        '绑定与公开由出具人、投标人、招标人或其项目的代理机构、平台、中心办理；年度保函的绑定只由出具人或投标人办理。',
      remedy: '请由上述主体之一提交。',
    },
    en: {
      title: 'Not concerned',
      cause:
        'A use is told by the issuer, the bidder, the owner, or whoever speaks for the tender; that an annual guarantee serves a tender, by issuer or bidder only.',
      remedy: 'Have one of them submit it.',
    },
  },
  'guarantee.other-currency': {
    zh: { title: '币种不同', cause: '金额的币种与保函不同。', remedy: '请用保函的币种。' },
    en: {
      title: 'Another currency',
      cause: "The sum is not in the guarantee's currency.",
      remedy: "Use the guarantee's currency.",
    },
  },
  'guarantee.term-malformed': {
    zh: {
      title: '保函期限不成立',
      cause: '失效时间须晚于生效时间、开立时间和开标时间，开立不得晚于投标截止，开标不得早于截止。',
      remedy: '请核对 begin、end、occurredAt、deadline、openingTime 及其时区偏移。',
    },
    en: {
      title: 'Malformed term',
      cause:
        'The end comes after beginning, issue and opening; the issue not after the deadline; the opening not before it.',
      remedy: 'Compare begin, end, occurredAt, deadline and openingTime, and their offsets.',
    },
  },
  'guarantee.other-tender': {
    zh: {
      title: '不是保函所涉的项目',
      cause: '单标段、多标段保函只用于其写明的项目；变更与作废须写明该项目，年度保函的变更与作废不写项目。',
      remedy: '请核对 tender。',
    },
    en: {
      title: 'Another tender',
      cause:
        'A guarantee for a section or several serves the tender it names only; amendments and voiding name it too, those of an annual one name none.',
      remedy: 'Check tender.',
    },
  },
  'guarantee.not-beneficiary': {
    zh: {
      title: '不是受益人',
      cause: '索赔、同意与单方解除只能由受益人本人办理。',
      remedy: '请由受益人以自己的密钥提交。',
    },
    en: {
      title: 'Not the beneficiary',
      cause: 'Only the beneficiary claims, consents, or releases by its own word.',
      remedy: 'The beneficiary submits it with its own key.',
    },
  },
  'guarantee.consent-missing': {
    zh: {
      title: '缺少受益人同意',
      cause: '降低金额、缩短期限、截止后作废、由出具人解除，须先有受益人就同样内容的同意记录。',
      remedy: '请受益人先提交 guarantee.consent，内容（版本、金额、期限、项目、标段）须与本步骤一致且在其有效期内。',
    },
    en: {
      title: 'The beneficiary has not agreed',
      cause:
        'To lower the amount or the term, to void after the deadline, or to release by the issuer needs a record of the beneficiary’s consent to exactly that.',
      remedy:
        'Have the beneficiary submit guarantee.consent first, with the same version, amount, end, tender and section, and use it while it counts.',
    },
  },
}
