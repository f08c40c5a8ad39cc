/** What the rules of boxes and sealed bids say when they refuse, and what they point out. */
import type { RefusalTexts } from '../refusal.ts'

export const boxRefusals: RefusalTexts = {
  'box.no-tender': {
    zh: {
      title: '没有该项目或标段',
      cause: '标箱设在已公告的项目及其标段上；账本上没有。',
      remedy: '请先提交公告，并核对标段编号。',
    },
    en: {
      title: 'No such tender or section',
      cause: 'A box is opened for a section of a published tender; the ledger has none such.',
      remedy: 'Submit the notice first, and check the section’s code.',
    },
  },
  'box.no-deadline': {
    zh: {
      title: '没有可用的投标截止时间',
      cause: '标箱需要账本上的投标截止时间；设标箱时它须尚未到来。',
      remedy: '请先以公告或变更公告写明投标截止时间。',
    },
    en: {
      title: 'No deadline to go by',
      cause: 'A box needs the tender’s deadline on the ledger, and one that is still ahead when it is opened.',
      remedy: 'State the deadline in the notice or an amendment first.',
    },
  },
  'box.too-short': {
    zh: {
      title: '时间过短',
      cause: '宽限与主张时间各须容得下截止前后的两轮：最后时刻收到的投标要赶得上一轮，未封入的要来得及主张。',
      remedy: '请延长 graceSeconds 或 claimSeconds。',
    },
    en: {
      title: 'Too short',
      cause:
        'Grace and the time for claims each hold two of the rounds around a deadline: what comes at the last moment has to reach one, and what was left out has to be claimed.',
      remedy: 'Make graceSeconds or claimSeconds longer.',
    },
  },
  'box.round-out-of-order': {
    zh: {
      title: '轮次不连续',
      cause: '每个成员的轮次逐一相接，并与已设的标箱相符。',
      remedy: '节点会自行按顺序重新提交。',
    },
    en: {
      title: 'Rounds out of order',
      cause: 'A member’s rounds follow each other one by one, over boxes that are there.',
      remedy: 'Nothing to do: the node brings the next one.',
    },
  },
  'box.closed-already': {
    zh: { title: '已封标', cause: '该成员已对此标箱封标；封标只有一次。', remedy: '无需再次提交。' },
    en: {
      title: 'Closed already',
      cause: 'This member has closed this box; there is one close.',
      remedy: 'Nothing to do.',
    },
  },
  'box.too-early': {
    zh: {
      title: '宽限期未过',
      cause: '投标截止后的宽限期按共证时间计算，全网停顿的时间不计；期满之前不得封标，也不得凭回执主张。',
      remedy: '请在宽限期满后重新提交。',
    },
    en: {
      title: 'Grace is not over',
      cause:
        'Grace after the deadline is counted in attested time, which stands still while no quorum agrees; nobody closes or claims before it ends.',
      remedy: 'Submit again when it is over.',
    },
  },
  'box.not-the-last-round': {
    zh: { title: '不是最后一轮', cause: '封标须以宽限期内的最后一轮为准。', remedy: '请核对轮次；节点会自行选择。' },
    en: {
      title: 'Not the last round in time',
      cause: 'A close stands on the member’s last round within grace.',
      remedy: 'Check the round; a node chooses it by itself.',
    },
  },
  'box.not-as-committed': {
    zh: {
      title: '与所承诺的不符',
      cause: '封标的叶数、根与盐不能还原该成员当轮上链的根：内容在承诺之后变了。',
      remedy: '不能接受。封标只能是当时承诺的内容。',
    },
    en: {
      title: 'Not what was committed to',
      cause:
        'Count, root and salt do not lead to the root that this member put on the ledger then: the content changed after it.',
      remedy: 'It cannot be taken. A box is closed as it was committed to.',
    },
  },
  'bid.too-late': {
    zh: { title: '晚于投标截止时间', cause: '回执所载的接收时间晚于投标截止时间。', remedy: '不能接受。' },
    en: {
      title: 'After the deadline',
      cause: 'The receipt says that the bid came after the deadline.',
      remedy: 'It cannot be taken.',
    },
  },
  'bid.receipt-forged': {
    zh: { title: '回执签名无效', cause: '回执不是所称成员节点的封装密钥所签。', remedy: '请原样使用取得的回执文件。' },
    en: {
      title: 'Not the receipt of that node',
      cause: 'The receipt does not carry the signature of that member’s node.',
      remedy: 'Use the receipt file as it was given.',
    },
  },
  'bid.claimed-already': {
    zh: { title: '已主张过', cause: '该回执已在账本上。', remedy: '无需再次提交。' },
    en: { title: 'Claimed already', cause: 'This receipt is on the ledger.', remedy: 'Nothing to do.' },
  },
  'bid.claims-over': {
    zh: {
      title: '主张时间已过',
      cause: '凭回执主张须在封标之后、开标之前；开标之后可能已有人知道报价，不再接受新的回执。',
      remedy: '不能接受。请核对该叶是否已在封标之中。',
    },
    en: {
      title: 'Claims are over',
      cause:
        'Receipts are brought after the close and before bids may be opened; from then on somebody may know prices, and no further leaf comes in.',
      remedy: 'It cannot be taken. See whether the leaf is in the close.',
    },
  },
  'bid.not-open-yet': {
    zh: {
      title: '尚未开标',
      cause: '开标时间未到，或凭回执主张的时间未过；在此之前任何投标不得公开。',
      remedy: '请在开标之后重新提交同一报文。',
    },
    en: {
      title: 'Not open yet',
      cause: 'The opening time has not come, or bids may still be claimed by receipt; no bid is shown before.',
      remedy: 'Submit the same statement again after the opening.',
    },
  },
  'bid.revealed-already': {
    zh: { title: '已经公开', cause: '该处的叶已经公开或已核销。', remedy: '无需再次提交。' },
    en: {
      title: 'Accounted for already',
      cause: 'The leaf at this place is public, or accounted for.',
      remedy: 'Nothing to do.',
    },
  },
  'bid.not-in-the-box': {
    zh: {
      title: '不在标箱中',
      cause: '所公开的内容不能与该成员封标的根相符，也没有凭回执的主张；截止前收到的才能开标。',
      remedy: '请核对内容、位置与路径；路径由封标的成员提供，持回执者应在开标前主张。',
    },
    en: {
      title: 'Not in the box',
      cause:
        'What is shown does not lead to what that member closed, and was not claimed by receipt: only what came in time is opened.',
      remedy:
        'Check content, place and path. The member that closed gives the path; with a receipt, claim before the opening.',
    },
  },
  'bid.change-forged': {
    zh: {
      title: '没有原投标人的签署',
      cause: '替换或撤回一份投标，须有该投标一次性密钥的签名，他人不能代替；被替换的逐份列出，直至最初一份。',
      remedy: '请使用投标人自己保存的文件。',
    },
    en: {
      title: 'Not the bidder’s word',
      cause:
        'Only the one-time key of a bid replaces or withdraws it; nobody signs in its place. Those replaced are listed one by one, down to the first.',
      remedy: 'Use the file that the bidder kept.',
    },
  },
  'bid.count-differs': {
    zh: {
      title: '与账本的统计不符',
      cause: '开标完毕所列的数目须与账本逐叶核对的结果相同。',
      remedy: '请按账本的统计填写。',
    },
    en: {
      title: 'Not what the ledger counts',
      cause: 'The numbers have to be those that the ledger has counted leaf by leaf.',
      remedy: 'State the ledger’s numbers.',
    },
  },
  'bid.reveals-due': {
    zh: {
      title: '解密时限未到',
      cause: '仍有未公开的投标，且解密时限未到：不得提前结束开标。',
      remedy: '请等待其余投标公开，或在时限之后提交。',
    },
    en: {
      title: 'Bids may still be revealed',
      cause: 'Some are not revealed, and there is time for it: the opening cannot be ended early.',
      remedy: 'Wait for the others, or submit after that time.',
    },
  },
}

export const boxFindings: RefusalTexts = {
  'box.closed-late': {
    zh: {
      title: '成员封标迟到',
      cause: '{0} 在开标开始之后才封标；其内容以宽限期内最后一轮所承诺的为准，没有变化的可能。',
      remedy: '请了解该成员节点当时的运行情况；迟到本身不说明作假。',
    },
    en: {
      title: 'A member closed late',
      cause:
        '{0} closed after the opening had begun. What it holds is what its last round within grace had committed to.',
      remedy: 'Ask how that member’s node was running; lateness by itself shows no wrong.',
    },
  },
  'bid.by-receipt': {
    zh: {
      title: '凭回执开标',
      cause: '该投标不是凭 {0} 封标的路径，而是凭其签发的回执公开的。',
      remedy: '请了解 {0} 为何未封标或未提供路径。',
    },
    en: {
      title: 'Opened by receipt',
      cause: 'This bid was shown by a receipt that {0} gave, not by a path into its close.',
      remedy: 'Ask why {0} did not close, or gave no path.',
    },
  },
  'bid.in-two-boxes': {
    zh: {
      title: '同一叶在多处',
      cause: '叶 {0} 不止在一处；只计一个投标。',
      remedy: '复制他人的叶没有作用；如为投标人重复递交，也无影响。',
    },
    en: {
      title: 'One leaf in several places',
      cause: 'The leaf {0} stands in more than one place; it counts as one bid.',
      remedy: 'Copying somebody’s leaf gains nothing, and a bidder that handed it in twice has one bid.',
    },
  },
  'bid.nowhere': {
    zh: {
      title: '原投标不在标箱中',
      cause: '叶 {0} 已被替换或撤回，但没有指明它在哪个封标或回执主张之中。',
      remedy: '如有一叶未解密，可能就是它；请向投标人询问其回执。',
    },
    en: {
      title: 'The bid before stands nowhere',
      cause: 'The leaf {0} was replaced or withdrawn, and is shown in no close and in no claim.',
      remedy: 'A leaf that nobody revealed may be it: ask the bidder for its receipt.',
    },
  },
  'bid.changed-twice': {
    zh: {
      title: '一份投标被两次替换或撤回',
      cause: '叶 {0} 已由记录 {1} 替换或撤回，此处又有一次。',
      remedy: '请评标委员会按招标文件处理该投标人的两份投标。',
    },
    en: {
      title: 'Changed twice',
      cause: 'The leaf {0} was replaced or withdrawn by record {1}, and is here once more.',
      remedy: 'The evaluation decides on the two bids of that bidder as the tender document says.',
    },
  },
  'bid.two-of-one-bidder': {
    zh: {
      title: '同一投标人两份投标',
      cause: '{0} 在本标段已有公开的投标（记录 {1}）。',
      remedy: '请评标委员会依法处理（实施条例第五十一条）。',
    },
    en: {
      title: 'Two bids of one bidder',
      cause: '{0} has a revealed bid in this section already (record {1}).',
      remedy: 'The evaluation decides (Implementing Regulations art. 51).',
    },
  },
  'bid.guarantee-used-twice': {
    zh: {
      title: '保函重复使用',
      cause: '保函 {0} 已用于记录 {1} 的投标（文件 {2}），此处文件为 {3}。',
      remedy: '请核对两份保函原件，并与出具人核实。',
    },
    en: {
      title: 'A guarantee used twice',
      cause: 'The guarantee {0} secures the bid of record {1} already (document {2}); here its document is {3}.',
      remedy: 'Compare both documents, and ask the issuer.',
    },
  },
  'bid.box-not-closed': {
    zh: {
      title: '成员未封标',
      cause: '开标结束时，{0} 仍未封标；其标箱中的投标只能凭回执主张。',
      remedy: '请了解相关成员节点的情况；未封标本身不说明作假。',
    },
    en: {
      title: 'A box was not closed',
      cause: '{0} had not closed when the opening ended; bids in that box could only be claimed by receipt.',
      remedy: 'Ask how those nodes were running; by itself it shows no wrong.',
    },
  },
  'bid.not-revealed': {
    zh: { title: '有未解密的投标', cause: '{0} 份投标未解密。', remedy: '请按招标文件的规定处理未解密的投标。' },
    en: {
      title: 'Bids not revealed',
      cause: '{0} bids were not revealed.',
      remedy: 'They are treated as the tender document says.',
    },
  },
  'bid.too-few': {
    zh: { title: '投标人不足', cause: '有效投标 {0} 份，不足 {1} 份。', remedy: '请监管部门核查是否应重新招标。' },
    en: {
      title: 'Too few bids',
      cause: '{0} bids stand, fewer than {1}.',
      remedy: 'The supervisor asks whether it should be tendered anew.',
    },
  },
}
