/**
 * The quiet box (静默标箱): before the deadline, nobody outside learns who bids, what, how many or when. A box is opened for a section of a
 * published tender; every member then keeps one of its own, off the ledger, and puts one root of all its boxes on the ledger at a fixed
 * pace, whether or not anything came in. After the deadline and its grace each member closes: so many leaves, under this root, as the last
 * round in time had committed to. From then on nothing can be added and nothing can be taken out.
 */

import { boxCadenceOf } from '../genesis.ts'
import { roundDigest, verifySlot } from '../quiet-box.ts'
import { Refusal } from '../refusal.ts'
import { VerificationError } from '../verification-error.ts'
import { countField, digestField, sealedBiddingLaw as law, pathField, secondsField } from './box-fields.ts'
import {
  type AboutBox,
  boxKey,
  boxLife,
  boxSubjects,
  closers,
  closersOf,
  closes,
  closingOf,
  countOfBoxes,
  endOfGrace,
  keepPace,
  newestRounds,
  numberBox,
  rounds,
  spellTime,
} from './box-life.ts'
import { boxFindings, boxRefusals } from './box-words.ts'
import { bidClaim } from './sealed-claim.ts'
import { bidOpened, bidReveal, bidWithdrawal } from './sealed-opening.ts'
import type { Family, StatementType } from './statement-type.ts'
import { publishers, refuseStranger, tenderAt } from './tender-life.ts'
import { sectionField } from './tender-record.ts'
import { refuse, tenderField } from './values.ts'

/** Leaves of one member's box for one section: twice the largest opening that anybody has seen, thirty times over. */
export const boxLeavesMax = 100_000
/** Slots of one round: boxes from the oldest open one to the newest. */
export const roundSlotsMax = 1_000_000

/**
 * What comes at the last moment goes into the next round, and that may be missed once: grace has two of the fast ones at least. So has the time
 * for claims: whoever sees that a member has not closed needs it.
 */
export const graceRoundsMin = 2

const over: readonly string[] = ['failed', 'terminated', 'withdrawn', 'archived']

/** `previous` of a member's first round. */
export const noRound = '0'.repeat(64)

interface BoxOpen extends AboutBox {
  readonly graceSeconds: number
  readonly claimSeconds: number
  readonly revealSeconds: number
}

const boxOpen = boxLife.step<BoxOpen>({
  name: 'box.open',
  version: 1,
  title: { zh: '设标箱', en: 'Open a box' },
  law,
  schema: {
    properties: {
      tender: tenderField,
      section: sectionField,
      graceSeconds: secondsField('截止后宽限（秒）', 'Grace after the deadline, seconds', 3_600),
      claimSeconds: secondsField('凭回执主张的时间（秒）', 'Time for claims by receipt, seconds', 86_400),
      revealSeconds: secondsField('解密时限（秒）', 'Time to reveal, seconds', 604_800),
    },
    required: ['tender', 'graceSeconds', 'claimSeconds', 'revealSeconds'],
  },
  roles: publishers,
  key: boxKey,
  check({ tender, section = '', graceSeconds, claimSeconds }, context) {
    const instance = tenderAt(context, tender)
    if (instance === undefined) throw refuse('box.no-tender', '/tender', '没有公告', 'has no notice')
    refuseStranger(tender, context, instance)
    if (over.includes(instance.state)) throw refuse('box.no-tender', '/tender', '项目已结束', 'is over')
    const { deadline, sections } = instance.row
    if (deadline === null || deadline <= context.blockTime) {
      throw refuse('box.no-deadline', '/tender', '没有未到的投标截止时间', 'has no deadline ahead')
    }
    if (section !== '' && !sections.includes(section)) {
      throw refuse('box.no-tender', '/section', '公告没有该标段', 'is no section of the notice')
    }
    const least = graceRoundsMin * boxCadenceOf(context.genesis.parameters).boxFastRoundMs
    for (const [name, seconds] of Object.entries({ graceSeconds, claimSeconds })) {
      if (seconds * 1_000 >= least) continue
      throw refuse('box.too-short', `/${name}`, `不得少于 ${least} 毫秒`, `is shorter than ${least} ms`)
    }
  },
  next({ graceSeconds, claimSeconds, revealSeconds, ...about }, context) {
    keepPace(context)
    return {
      number: numberBox(context, boxKey(about)),
      graceMs: graceSeconds * 1_000,
      claimMs: claimSeconds * 1_000,
      revealMs: revealSeconds * 1_000,
      deadline: null,
      closedAt: null,
      openingTime: null,
    }
  },
  subjects: ({ tender }) => boxSubjects(tender),
})

interface BoxRound {
  readonly round: number
  readonly previous: string
  readonly from: number
  readonly slots: number
  readonly root: string
}

const boxRound: StatementType = {
  name: 'box.round',
  version: 1,
  title: { zh: '标箱轮次', en: 'Round of a quiet box' },
  law,
  schema: {
    properties: {
      round: countField('轮次', 'Round', Number.MAX_SAFE_INTEGER),
      previous: digestField('上一轮', 'The round before'),
      from: countField('首个标箱序号', 'Number of the first box', Number.MAX_SAFE_INTEGER),
      slots: countField('槽数', 'Slots', roundSlotsMax),
      root: digestField('根', 'Root'),
    },
    required: ['round', 'previous', 'from', 'slots', 'root'],
  },
  roles: 'any',
  isSignedByNode: true,
  refusals: {},
  check(payload, context) {
    const { round, previous, from, slots } = payload as unknown as BoxRound
    const newest = newestRounds.read(context.state, [context.member])
    if (round !== (newest?.round ?? 0) + 1 || previous !== (newest?.digest ?? noRound)) {
      throw new Refusal('box.round-out-of-order', `the newest round of ${context.member} is ${newest?.round ?? 0}`)
    }
    if (from + slots > countOfBoxes(context.state)) {
      throw refuse('box.round-out-of-order', '/slots', '超出已设的标箱', 'are more than there are boxes')
    }
  },
  apply(payload, context) {
    const { round, from, slots, root } = payload as unknown as BoxRound
    const { state, member, blockTime } = context
    keepPace(context)
    rounds.write(state, [member, String(round)], { from, slots, root, time: blockTime })
    newestRounds.write(state, [member], { round, digest: roundDigest(member, round, root) })
  },
  subjects: () => ({ parties: [] }),
}

interface BoxClose extends AboutBox {
  readonly round: number
  readonly count: number
  readonly root: string
  readonly salt: string
  readonly path: readonly string[]
}

const boxClose = boxLife.step<BoxClose>({
  name: 'box.close',
  version: 1,
  title: { zh: '封标', en: 'Close a box' },
  law,
  schema: {
    properties: {
      tender: tenderField,
      section: sectionField,
      round: countField('截止前后最后一轮', 'Last round in time', Number.MAX_SAFE_INTEGER),
      count: countField('叶数', 'Leaves', boxLeavesMax),
      root: digestField('标段根', 'Root of the section'),
      salt: digestField('该轮的盐', 'Salt of that round'),
      path: pathField,
    },
    required: ['tender', 'round', 'count', 'root', 'salt', 'path'],
  },
  roles: 'any',
  isSignedByNode: true,
  key: boxKey,
  check(payload, context, before) {
    const { tender, section = '', round, count, root, salt, path } = payload
    const { state, member, blockTime } = context
    const key = boxKey(payload)
    if (closersOf(state, key).includes(member)) throw new Refusal('box.closed-already', `${member} has closed this box`)
    const closedAt = before!.row.closedAt ?? endOfGrace(payload, context)
    if (blockTime < closedAt) {
      throw new Refusal('box.too-early', `grace lasts until ${spellTime(closedAt)}, in attested time`)
    }
    const last = rounds.read(state, [member, String(round)])
    const next = rounds.read(state, [member, String(round + 1)])
    if (last === undefined || last.time > closedAt || (next !== undefined && next.time <= closedAt)) {
      throw refuse('box.not-the-last-round', '/round', '不是宽限期内的最后一轮', 'is not the last round within grace')
    }
    const { number } = before!.row
    const slot = { member, round, at: { ledger: context.ledger, tender, section }, count, root, salt }
    try {
      verifySlot(last, { index: number - last.from, path }, slot)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      throw new Refusal('box.not-as-committed', error.message)
    }
  },
  next(payload, context, before) {
    const { round, count, root } = payload
    const { state, member, index } = context
    const key = boxKey(payload)
    closes.write(state, [...key, member], { round, count, root, index })
    closers.write(state, key, { members: [...closersOf(state, key), member] })
    if (before!.state === 'opening') context.find('box.closed-late', member)
    return before!.row.closedAt === null ? closingOf(payload, context) : {}
  },
  subjects: ({ tender }) => boxSubjects(tender),
})

export const quietBoxes: Family = {
  name: 'box',
  title: { zh: '静默标箱与密封投标', en: 'Quiet boxes and sealed bids' },
  purpose: {
    zh: '《招标投标法》第二十二条：开标前不得透露投标人的名称、数量；第三十六条：在截止时间前收到的所有投标文件，开标时都应当众拆封。每个成员为各标段各设一个账本外的标箱，按固定节拍把全部标箱的一个根写入账本，有无投标都一样；截止与宽限之后，各成员一次封标，此后不能增、不能减；开标时每一叶或公开、或撤回、或被替换、或记为未解密，由规则逐一核对。',
    en: 'Tendering and Bidding Law art. 22: before the opening neither names nor number of bidders may be known; art. 36: all that was received before the deadline is opened in public. Each member keeps a box for every section off the ledger, and puts one root of all of them on it at a fixed pace, whether or not a bid came in. After deadline and grace each member closes once; nothing can be added or taken out after that. At the opening every leaf is revealed, withdrawn, replaced or not revealed, and the rules count them.',
  },
  types: [boxOpen, boxRound, boxClose, bidClaim, bidReveal, bidWithdrawal, bidOpened],
  lifecycles: [boxLife],
  refusals: boxRefusals,
  findings: boxFindings,
}
