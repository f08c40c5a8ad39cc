/**
 * Land auctions by listing (土地挂牌、网上竞价), the worked example of docs/adding-a-type.md: a rising price, steps, a countdown that each
 * raise extends, and an end by clock. Nobody closes the auction: when block time passes the end of the countdown it has ended, on every
 * member at the same block. Bidders appear under the number plate they were given (竞买号牌) until the result names the winner.
 */
import { Refusal } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Family } from './statement-type.ts'
import { millionths, natural, optional, text, time } from './table.ts'
import { type TenderIdentity, tenderKey, tenderSubject } from './tender-identity.ts'
import {
  type DocumentHash,
  decimalField,
  enumField,
  hashField,
  hashText,
  millionthsOf,
  moneyField,
  named,
  namedPartyField,
  refuse,
  regionField,
  tenderField,
  timeField,
  timeOf,
  wordsField,
} from './values.ts'

export const auctionLife = new Lifecycle({
  name: 'auction',
  title: { zh: '竞价', en: 'auction' },
  states: {
    announced: { zh: '已公告', en: 'Announced' },
    bidding: { zh: '竞价中', en: 'Bidding' },
    ended: { zh: '竞价结束', en: 'Ended' },
    sold: { zh: '成交', en: 'Sold' },
    failed: { zh: '未成交', en: 'Not sold' },
    withdrawn: { zh: '撤回', en: 'Withdrawn' },
  },
  columns: {
    region: text,
    opensAt: time,
    /** End of the countdown. */
    endsAt: time,
    /** Milliseconds that each raise leaves at least. */
    countdown: natural,
    startPrice: millionths,
    step: millionths,
    reserve: optional(millionths),
    /** Of the highest raise. */
    price: optional(millionths),
    plate: optional(text),
    conductor: text,
  },
  byRecord: [
    { on: 'auction.announce', from: ['none'], to: 'announced' },
    { on: 'auction.raise', from: ['bidding'], to: 'bidding' },
    { on: 'auction.withdraw', from: ['announced'], to: 'withdrawn' },
    { on: 'auction.result', from: ['ended'], to: ['sold', 'failed'] },
  ],
  byClock: [
    { from: ['announced'], at: 'opensAt', to: 'bidding', title: { zh: '开始竞价', en: 'Bidding begins' } },
    { from: ['bidding'], at: 'endsAt', to: 'ended', title: { zh: '倒计时结束', en: 'The countdown ends' } },
  ],
})

interface Lot {
  readonly lot: TenderIdentity
}

interface Announcement extends Lot {
  readonly region: string
  readonly opensAt: string
  readonly endsAt: string
  readonly countdownSeconds: number
  readonly startPrice: { readonly amount: string }
  readonly step: string
  readonly reserve?: string
  readonly document: DocumentHash
}

interface Raise extends Lot {
  readonly plate: string
  readonly price: string
}

interface Result extends Lot {
  readonly outcome: 'sold' | 'failed'
  readonly winner?: { readonly party?: string }
  readonly plate?: string
  readonly price?: string
}

const lotField = { ...tenderField, title: '标的 / Lot' }
const conductors = ['centre', 'sub-centre', 'trading-platform'] as const
const law = {
  zh: '《招标拍卖挂牌出让国有建设用地使用权规定》（国土资源部令第 39 号）第十七至十九条。',
  en: 'Provisions on granting land-use rights by tender, auction and listing (Order 39 of the Ministry of Land and Resources) arts. 17–19.',
}
const plateField = named('竞买号牌', 'Number plate', { type: 'string', pattern: '^[A-Za-z0-9-]{1,16}$' })
const subjectsOf = ({ lot }: Lot) => ({
  owner: lot.owner,
  tender: lot.code,
  parties: [lot.owner],
  subjects: [tenderSubject(lot)],
})

/** Whoever announced the auction conducts it. */
function refuseOtherConductor(conductor: string, party: string): void {
  if (conductor === party) return
  throw new Refusal('auction.other-conductor', `${conductor} conducts this auction`)
}

const announce = auctionLife.step<Announcement>({
  name: 'auction.announce',
  version: 1,
  title: { zh: '竞价公告', en: 'Announce an auction' },
  law,
  schema: {
    properties: {
      lot: lotField,
      region: regionField,
      opensAt: timeField('竞价开始', 'Bidding opens'),
      endsAt: timeField('竞价截止（无人加价时）', 'Bidding ends unless extended'),
      countdownSeconds: named('延时倒计时（秒）', 'Countdown after a raise, seconds', {
        type: 'integer',
        minimum: 1,
        maximum: 86_400,
      }),
      startPrice: moneyField('起始价', 'Starting price'),
      step: decimalField('加价幅度', 'Step'),
      reserve: decimalField('底价', 'Reserve'),
      document: hashField('出让文件哈希', 'Hash of the document'),
    },
    required: ['lot', 'region', 'opensAt', 'endsAt', 'countdownSeconds', 'startPrice', 'step', 'document'],
  },
  roles: conductors,
  refusals: {
    'auction.bad-times': {
      zh: {
        title: '竞价时间有误',
        cause: '截止须晚于开始，开始须晚于区块时间。',
        remedy: '请核对 opensAt 与 endsAt。',
      },
      en: {
        title: 'Bad times',
        cause: 'The end comes after the beginning, and the beginning after block time.',
        remedy: 'Compare opensAt and endsAt.',
      },
    },
    'auction.step-zero': {
      zh: { title: '加价幅度为零', cause: '加价幅度须大于零。', remedy: '请核对 step 与单位。' },
      en: { title: 'Step is zero', cause: 'The step must be above zero.', remedy: 'Check step and unit.' },
    },
  },
  key: ({ lot }) => tenderKey(lot),
  check({ opensAt, endsAt, step }, { blockTime }) {
    if (timeOf(endsAt) <= timeOf(opensAt) || timeOf(opensAt) <= blockTime) {
      throw refuse('auction.bad-times', '/opensAt', '时间顺序有误', 'is not after block time, or not before the end')
    }
    if (millionthsOf(step) === 0n) throw refuse('auction.step-zero', '/step', '须大于零', 'must be above zero')
  },
  next: ({ region, opensAt, endsAt, countdownSeconds, startPrice, step, reserve }, { statement }) => ({
    region,
    opensAt: timeOf(opensAt),
    endsAt: timeOf(endsAt),
    countdown: countdownSeconds * 1_000,
    startPrice: millionthsOf(startPrice.amount),
    step: millionthsOf(step),
    reserve: reserve === undefined ? null : millionthsOf(reserve),
    price: null,
    plate: null,
    conductor: statement.party,
  }),
  subjects: (payload) => ({
    ...subjectsOf(payload),
    region: payload.region,
    hashes: [hashText(payload.document)],
  }),
})

const raise = auctionLife.step<Raise>({
  name: 'auction.raise',
  version: 1,
  title: { zh: '加价', en: 'Raise the price' },
  law,
  schema: {
    properties: { lot: lotField, plate: plateField, price: decimalField('报价', 'Price') },
    required: ['lot', 'plate', 'price'],
  },
  roles: conductors,
  refusals: {
    'auction.price-too-low': {
      zh: {
        title: '报价过低',
        cause: '首次报价不得低于起始价，之后须高出现价至少一个加价幅度。',
        remedy: '请查询现价后重新报价。',
      },
      en: {
        title: 'Price too low',
        cause: 'The first price is at least the starting price; each further one at least a step above the last.',
        remedy: 'Look up the present price and bid again.',
      },
    },
    'auction.off-step': {
      zh: { title: '报价不合加价幅度', cause: '报价须为起始价加整数个加价幅度。', remedy: '请按加价幅度报价。' },
      en: {
        title: 'Off the steps',
        cause: 'A price is the starting price and a whole number of steps.',
        remedy: 'Bid in steps.',
      },
    },
  },
  key: ({ lot }) => tenderKey(lot),
  check({ price }, { statement }, before) {
    const { conductor, startPrice, step, price: highest } = before!.row
    refuseOtherConductor(conductor, statement.party)
    const offered = millionthsOf(price)
    if (offered < (highest === null ? startPrice : highest + step)) {
      throw refuse('auction.price-too-low', '/price', '低于要求', 'is below what is asked')
    }
    if ((offered - startPrice) % step !== 0n) throw refuse('auction.off-step', '/price', '不合幅度', 'is off the steps')
  },
  next: ({ price, plate }, { blockTime }, before) => ({
    price: millionthsOf(price),
    plate,
    endsAt: Math.max(before!.row.endsAt, blockTime + before!.row.countdown),
  }),
  subjects: subjectsOf,
})

const withdraw = auctionLife.step<Lot & { readonly reason: string }>({
  name: 'auction.withdraw',
  version: 1,
  title: { zh: '撤回竞价', en: 'Withdraw an auction' },
  law,
  schema: {
    properties: { lot: lotField, reason: wordsField('原因', 'Reason', 256) },
    required: ['lot', 'reason'],
  },
  roles: conductors,
  key: ({ lot }) => tenderKey(lot),
  check: (_, { statement }, before) => refuseOtherConductor(before!.row.conductor, statement.party),
  next: () => ({}),
  subjects: subjectsOf,
})

const result = auctionLife.step<Result>({
  name: 'auction.result',
  version: 1,
  title: { zh: '竞价结果', en: 'Result of an auction' },
  law,
  schema: {
    properties: {
      lot: lotField,
      outcome: enumField('结果', 'Outcome', ['sold', 'failed']),
      winner: namedPartyField('竞得人', 'Winner', ['name']),
      plate: plateField,
      price: decimalField('成交价', 'Price'),
    },
    required: ['lot', 'outcome'],
  },
  roles: conductors,
  refusals: {
    'auction.result-mismatch': {
      zh: {
        title: '结果与竞价不符',
        cause: '成交须有竞得人，号牌与价格须为最高报价；无人报价或未达底价时不成交。',
        remedy: '请查询竞价的最高报价与底价。',
      },
      en: {
        title: 'The result is not that of the bidding',
        cause:
          'A sale names a winner, with the plate and price of the highest raise; without one, or below the reserve, there is no sale.',
        remedy: 'Look up the highest raise and the reserve.',
      },
    },
  },
  findings: {
    'auction.unsold-above-reserve': {
      zh: {
        title: '达到底价而未成交',
        cause: '有达到底价的报价，结果却记为未成交。',
        remedy: '请监管部门核查未成交的原因。',
      },
      en: {
        title: 'Not sold above the reserve',
        cause: 'There was a price at or above the reserve, and the result says not sold.',
        remedy: 'The supervisor asks why.',
      },
    },
  },
  key: ({ lot }) => tenderKey(lot),
  check({ outcome, winner, ...said }, { statement }, before) {
    const { conductor, price, plate } = before!.row
    refuseOtherConductor(conductor, statement.party)
    const isConsistent =
      outcome === 'sold'
        ? reachesReserve(before!.row) &&
          winner !== undefined &&
          said.price !== undefined &&
          millionthsOf(said.price) === price &&
          said.plate === plate
        : winner === undefined && said.price === undefined && said.plate === undefined
    if (!isConsistent) throw refuse('auction.result-mismatch', '/outcome', '与竞价不符', 'is not what the bidding gave')
  },
  next({ outcome }, context, before) {
    if (outcome === 'failed' && reachesReserve(before!.row)) {
      context.find('auction.unsold-above-reserve', formatTime(before!.since))
    }
    return { state: outcome }
  },
  subjects: (payload) => {
    const subjects = subjectsOf(payload)
    const winner = payload.winner?.party
    return winner === undefined ? subjects : { ...subjects, parties: [...subjects.parties, winner] }
  },
})

function reachesReserve({
  price,
  reserve,
}: {
  readonly price: bigint | null
  readonly reserve: bigint | null
}): boolean {
  return price !== null && (reserve === null || price >= reserve)
}

export const auctions: Family = {
  name: 'auction',
  title: { zh: '土地网上竞价', en: 'Land auctions' },
  purpose: {
    zh: '国土资源部令第 39 号：挂牌期限届满时有竞买人要求继续竞价的，转入现场（网上）竞价，价高者得。加价按幅度进行，每次加价后倒计时延长；结束由区块时间判定，任何一方都不能提前或推后收锤。',
    en: 'Order 39: when the listing period ends and bidders want to go on, the price rises by steps and the highest wins. Each raise extends the countdown; the end is by block time, so nobody can let the hammer fall early or late.',
  },
  types: [announce, raise, withdraw, result],
  lifecycles: [auctionLife],
  refusals: {
    'auction.other-conductor': {
      zh: { title: '不是竞价组织方', cause: '竞价由发布公告的一方组织。', remedy: '请由发布公告的主体提交。' },
      en: {
        title: 'Not the conductor',
        cause: 'Whoever announced the auction conducts it.',
        remedy: 'Have the party that announced it submit this.',
      },
    },
  },
}
