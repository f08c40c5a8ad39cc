/**
 * Periods and numbers that law fixes, by kind of trade. They decide findings, never refusals: 73 of 100 real notices are government procurement, and
 * a construction tender's rules would be wrong for them. Where the law counts working days, the same number of
 * calendar days stands here: holidays and the weekends that are worked instead are not computable for ever, and a finding must never be
 * wrong. Sources stand beside each line.
 */

import type { JsonObject } from '../json.ts'
import type { Bilingual } from './statement-type.ts'
import { enumField } from './values.ts'

export interface Profile {
  readonly title: Bilingual
  /** Which articles the figures come from. */
  readonly law: Bilingual
  /** From the notice to the deadline, days. */
  readonly noticeDaysMin: number
  /** From a change of the document to the deadline, days; less moves the deadline. */
  readonly amendmentDaysMin: number
  /** Whether bids are opened in public: by law, so that an award without an opening is a phantom; as a rule; or not at all. */
  readonly publicOpening: 'required' | 'expected' | 'none'
  /** Bidders for the opening to go on. */
  readonly biddersMin: number
  /** Whether ranked candidates are made public before the award. */
  readonly hasCandidates: boolean
  /** Publicity of the candidates or of the result, days. */
  readonly publicityDaysMin: number
  /** From the award to the contract, days. */
  readonly contractDaysMax: number
  /** From the contract to the return of bonds, days; null: no rule. */
  readonly bondReturnDaysMax: number | null
  /** Bid bond as part of the estimate, millionths; null: no rule. */
  readonly bondRateMax: bigint | null
}

/** 2 % in millionths. */
const twoPercent = 20_000n

export const profiles = {
  construction: {
    title: { zh: '工程建设招标', en: 'Construction, by tender' },
    law: {
      zh: '招标投标法第二十三、二十四、二十八、四十六条；实施条例第二十六、五十四、五十七条。',
      en: 'Tendering and Bidding Law arts. 23, 24, 28, 46; Implementing Regulations arts. 26, 54, 57.',
    },
    noticeDaysMin: 20,
    amendmentDaysMin: 15,
    publicOpening: 'required',
    biddersMin: 3,
    hasCandidates: true,
    publicityDaysMin: 3,
    contractDaysMax: 30,
    bondReturnDaysMax: 5,
    bondRateMax: twoPercent,
  },
  'procurement.tender': {
    title: { zh: '政府采购公开招标', en: 'Procurement by open tender' },
    law: {
      zh: '政府采购法第三十五、三十六、四十六条；87 号令第二十七、三十八、六十九条。',
      en: 'Government Procurement Law arts. 35, 36, 46; Order 87 arts. 27, 38, 69.',
    },
    noticeDaysMin: 20,
    amendmentDaysMin: 15,
    publicOpening: 'expected',
    biddersMin: 3,
    hasCandidates: false,
    publicityDaysMin: 1,
    contractDaysMax: 30,
    bondReturnDaysMax: 5,
    bondRateMax: twoPercent,
  },
  'procurement.negotiation': {
    title: { zh: '竞争性谈判', en: 'Competitive negotiation' },
    law: { zh: '74 号令第二十九、十九、二十条。', en: 'Order 74 arts. 19, 20, 29.' },
    noticeDaysMin: 3,
    amendmentDaysMin: 3,
    publicOpening: 'none',
    biddersMin: 3,
    hasCandidates: false,
    publicityDaysMin: 1,
    contractDaysMax: 30,
    bondReturnDaysMax: 5,
    bondRateMax: twoPercent,
  },
  'procurement.consultation': {
    title: { zh: '竞争性磋商', en: 'Competitive consultation' },
    law: {
      zh: '财库〔2014〕214 号第十、十二、二十一、三十条（最后报价者一般不少于三家，特定情形可为两家）。',
      en: 'Caiku [2014] 214 arts. 10, 12, 21, 30 (three final offers, two in certain cases).',
    },
    noticeDaysMin: 10,
    amendmentDaysMin: 5,
    publicOpening: 'none',
    biddersMin: 3,
    hasCandidates: false,
    publicityDaysMin: 1,
    contractDaysMax: 30,
    bondReturnDaysMax: 5,
    bondRateMax: twoPercent,
  },
  'procurement.inquiry': {
    title: { zh: '询价', en: 'Request for quotations' },
    law: { zh: '74 号令第四十五、四十六条。', en: 'Order 74 arts. 45, 46.' },
    noticeDaysMin: 3,
    amendmentDaysMin: 3,
    publicOpening: 'none',
    biddersMin: 3,
    hasCandidates: false,
    publicityDaysMin: 1,
    contractDaysMax: 30,
    bondReturnDaysMax: 5,
    bondRateMax: twoPercent,
  },
  'procurement.single-source': {
    title: { zh: '单一来源采购', en: 'Single source' },
    law: {
      zh: '政府采购法第三十一条；74 号令第三十八条（公示不少于 5 个工作日）。',
      en: 'Government Procurement Law art. 31; Order 74 art. 38.',
    },
    noticeDaysMin: 5,
    amendmentDaysMin: 0,
    publicOpening: 'none',
    biddersMin: 1,
    hasCandidates: false,
    publicityDaysMin: 1,
    contractDaysMax: 30,
    bondReturnDaysMax: null,
    bondRateMax: twoPercent,
  },
  land: {
    title: { zh: '土地使用权招标拍卖挂牌', en: 'Land-use rights' },
    law: { zh: '39 号令第八、二十二条（公告不少于 20 日；结果 10 个工作日内公布）。', en: 'Order 39 arts. 8, 22.' },
    noticeDaysMin: 20,
    amendmentDaysMin: 0,
    publicOpening: 'none',
    biddersMin: 1,
    hasCandidates: false,
    publicityDaysMin: 0,
    contractDaysMax: 30,
    bondReturnDaysMax: 5,
    bondRateMax: null,
  },
  mining: {
    title: { zh: '矿业权出让', en: 'Mining rights' },
    law: {
      zh: '矿业权出让交易规则（公告不少于 20 个工作日；公示不少于 10 个工作日）。',
      en: 'Rules for trading mining rights (notice 20, publicity 10 working days).',
    },
    noticeDaysMin: 20,
    amendmentDaysMin: 0,
    publicOpening: 'none',
    biddersMin: 1,
    hasCandidates: false,
    publicityDaysMin: 10,
    contractDaysMax: 30,
    bondReturnDaysMax: 5,
    bondRateMax: null,
  },
  property: {
    title: { zh: '国有产权交易', en: 'State property' },
    law: { zh: '32 号令第十三、二十二条（正式披露不少于 20 个工作日）。', en: 'Order 32 arts. 13, 22.' },
    noticeDaysMin: 20,
    amendmentDaysMin: 0,
    publicOpening: 'none',
    biddersMin: 1,
    hasCandidates: false,
    publicityDaysMin: 5,
    contractDaysMax: 30,
    bondReturnDaysMax: null,
    bondRateMax: null,
  },
  other: {
    title: { zh: '其他', en: 'Other' },
    law: { zh: '无统一期限。', en: 'No common periods.' },
    noticeDaysMin: 0,
    amendmentDaysMin: 0,
    publicOpening: 'none',
    biddersMin: 0,
    hasCandidates: false,
    publicityDaysMin: 0,
    contractDaysMax: 36_500,
    bondReturnDaysMax: null,
    bondRateMax: null,
  },
} as const satisfies Readonly<Record<string, Profile>>

export type ProfileName = keyof typeof profiles

export const profileField: JsonObject = enumField('交易方式', 'Profile', Object.keys(profiles))

export const profileOf = (name: string): Profile => profiles[name as ProfileName]
