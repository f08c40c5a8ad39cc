/**
 * Remote evaluation across provinces (跨省远程异地评标): experts sit in several cities, each before a screen in a centre that is not the tender's
 * own, so that whoever wants to reach them has to reach many. The ledger keeps what makes that credible afterwards:
 *
 *   draw      the lead commits to the draw before anybody knows it           none → drawn
 *   seat      which seats, in which venues, and how many must sign           → seated
 *   accept    each venue takes its seats and gives each a one-time key       → ready, once all have
 *   presence  each venue says whether its seats were taken                   → evaluating
 *   report    the report's hash with the signatures of k seats or more       → reported
 *   reveal    the draw itself, which must give the hash of the first line    → revealed
 *
 * The keys of the seats come from the venues, not from the lead: a city cannot sign for experts who sit in another. Experts have no names
 * here, and what a venue checked of them (face, card) stays with it as a hash of its log.
 */
import { type ProfileName, profileField } from './profile.ts'
import { cityOf } from './region.ts'
import {
  type AboutEvaluation,
  aboutFields,
  aboutRequired,
  allianceLaw,
  type Evaluation,
  evaluationKey,
  evaluationLife,
  leadRefusals,
  refuseOtherLead,
  seatsMax,
  subjectsOf,
  venues,
} from './remote-evaluation-life.ts'
import { report, reveal } from './remote-evaluation-report.ts'
import { accept, decline, presence, venueRefusals } from './remote-evaluation-venue.ts'
import type { Family, RuleContext } from './statement-type.ts'
import { refuseStranger, tenderAt } from './tender-life.ts'
import {
  type DocumentHash,
  enumField,
  hashField,
  hashText,
  named,
  object,
  partyField,
  refuse,
  regionField,
  wordsField,
} from './values.ts'

/** Members of a committee at least, and in odd number; at least two thirds of them experts. Other kinds of trade have no rule. */
const committeeSeatsMin: Partial<Record<ProfileName, number>> = {
  construction: 5, // 招标投标法 art. 37
  'procurement.tender': 5, // 87 号令 art. 47
  'procurement.negotiation': 3, // 政府采购法 art. 38, 74 号令 art. 7
  'procurement.consultation': 3, // 财库〔2014〕214 号 art. 14
  'procurement.inquiry': 3, // 政府采购法 art. 40, 74 号令 art. 7
}

const committeeLaw = {
  zh: '《招标投标法》第三十七条；87 号令第四十七条；74 号令第七条；财库〔2014〕214 号第十四条。',
  en: 'Tendering and Bidding Law art. 37; Order 87 art. 47; Order 74 art. 7; Caiku [2014] 214 art. 14.',
}
interface DrawCommitted extends AboutEvaluation {
  readonly region: string
  readonly profile?: string
  readonly commitment: string
  readonly pool?: DocumentHash
}

interface Seating extends AboutEvaluation {
  readonly threshold: number
  readonly seats: readonly { readonly venue: string; readonly region: string; readonly capacity: 'expert' | 'owner' }[]
}

const draw = evaluationLife.step<DrawCommitted>({
  name: 'remote-evaluation.draw',
  version: 1,
  title: { zh: '承诺专家抽取', en: 'Commit to a draw of experts' },
  law: committeeLaw,
  schema: {
    properties: {
      ...aboutFields,
      region: regionField,
      profile: profileField,
      commitment: named('抽取承诺', 'Commitment to the draw', {
        description:
          'RFC 8785 规范 JSON 的 SHA-256：{code, experts, ledger, nonce, owner, reserves, round, scheme, section（无则为 ""）, type: "remote-evaluation.draw-commitment@1"} / SHA-256 of the RFC 8785 JSON of these members',
        type: 'string',
        pattern: '^[0-9a-f]{64}$',
      }),
      pool: hashField('候选专家库快照哈希', 'Hash of the pool drawn from'),
    },
    required: [...aboutRequired, 'region', 'commitment'],
  },
  roles: venues,
  key: evaluationKey,
  check: ({ tender }, context) => refuseStranger(tender, context, tenderAt(context, tender)),
  next: ({ party, tender, region, profile, commitment }, context) => {
    const linked = tenderAt(context, tender)?.row
    return {
      lead: party,
      region: linked?.region ?? region,
      profile: linked?.profile ?? profile ?? '',
      commitment,
      threshold: 0,
      seats: [],
      report: null,
      signed: [],
    }
  },
  subjects: (payload) => ({
    ...subjectsOf(payload),
    region: payload.region,
    hashes: payload.pool === undefined ? [] : [hashText(payload.pool)],
  }),
})

const seat = evaluationLife.step<Seating>({
  name: 'remote-evaluation.seat',
  version: 1,
  title: { zh: '定席', en: 'Assign the seats' },
  law: committeeLaw,
  schema: {
    properties: {
      ...aboutFields,
      threshold: named('报告所需签名席位数', 'Seats that must sign the report', {
        type: 'integer',
        minimum: 1,
        maximum: seatsMax,
      }),
      seats: named('席位', 'Seats', {
        description: '按席位号排列，第一项为 1 号 / in the order of their numbers, the first is 1',
        type: 'array',
        minItems: 1,
        maxItems: seatsMax,
        items: named(
          '席位',
          'Seat',
          object(
            {
              venue: partyField('会场所属主体', 'Party whose venue it is'),
              region: regionField,
              capacity: enumField('身份', 'Capacity', ['expert', 'owner']),
            },
            ['venue', 'region', 'capacity'],
          ),
        ),
      }),
    },
    required: [...aboutRequired, 'threshold', 'seats'],
  },
  roles: venues,
  refusals: {
    'remote-evaluation.threshold-too-high': {
      zh: { title: '所需签名多于席位', cause: '报告所需签名数多于席位数。', remedy: '请核对 threshold 与 seats。' },
      en: {
        title: 'More signatures than seats',
        cause: 'The report would need more signatures than there are seats.',
        remedy: 'Compare threshold and seats.',
      },
    },
  },
  findings: {
    'remote-evaluation.own-city-only': {
      zh: {
        title: '会场全在项目所在城市',
        cause: '所有席位都在项目所在城市（{0}），不是异地评标。',
        remedy: '请核查为何没有异地会场。',
      },
      en: {
        title: 'All venues in the tender’s own city',
        cause: 'Every seat is in the city of the tender ({0}), so nothing is remote.',
        remedy: 'Why is there no venue elsewhere?',
      },
    },
    'remote-evaluation.too-few-seats': {
      zh: {
        title: '评标委员会人数不足',
        cause: '席位 {0} 个，该交易方式不少于 {1} 个。',
        remedy: '请核查评标委员会的组成。',
      },
      en: {
        title: 'Too few on the committee',
        cause: '{0} seats; trades of this kind need {1}.',
        remedy: 'Look at how the committee is made up.',
      },
    },
    'remote-evaluation.even-seats': {
      zh: { title: '评标委员会人数为双数', cause: '席位 {0} 个，应为单数。', remedy: '请核查评标委员会的组成。' },
      en: {
        title: 'An even number on the committee',
        cause: '{0} seats, where the number should be odd.',
        remedy: 'Look at how the committee is made up.',
      },
    },
    'remote-evaluation.too-few-experts': {
      zh: {
        title: '专家少于三分之二',
        cause: '{1} 个席位中专家 {0} 人，少于三分之二。',
        remedy: '请核查评标委员会的组成。',
      },
      en: {
        title: 'Fewer than two thirds experts',
        cause: '{0} of {1} seats are experts’, fewer than two thirds.',
        remedy: 'Look at how the committee is made up.',
      },
    },
  },
  key: evaluationKey,
  check({ party, threshold, seats }, _, before) {
    refuseOtherLead(party, before!)
    if (threshold > seats.length) {
      throw refuse('remote-evaluation.threshold-too-high', '/threshold', '多于席位', 'is more than there are seats')
    }
  },
  next({ threshold, seats }, context, before) {
    findCommittee(seats, before!, context)
    return { threshold, seats: seats.map((seat) => ({ ...seat, key: null, presence: '' })) }
  },
  subjects(payload) {
    const subjects = subjectsOf(payload)
    const venues = payload.seats.map(({ venue }) => venue)
    return { ...subjects, parties: Array.from(new Set([...subjects.parties, ...venues])) }
  },
})

function findCommittee(seats: Seating['seats'], { row }: Evaluation, context: RuleContext): void {
  const city = cityOf(row.region)
  if (seats.every(({ region }) => cityOf(region) === city)) context.find('remote-evaluation.own-city-only', city)
  const seatsMin = committeeSeatsMin[row.profile as ProfileName]
  if (seatsMin === undefined) return
  const count = seats.length
  const experts = seats.filter(({ capacity }) => capacity === 'expert').length
  if (count < seatsMin) context.find('remote-evaluation.too-few-seats', String(count), String(seatsMin))
  if (count % 2 === 0) context.find('remote-evaluation.even-seats', String(count))
  if (experts * 3 < count * 2) context.find('remote-evaluation.too-few-experts', String(experts), String(count))
}

const cancel = evaluationLife.step<AboutEvaluation>({
  name: 'remote-evaluation.cancel',
  version: 1,
  title: { zh: '取消评标', en: 'Cancel an evaluation' },
  law: allianceLaw,
  schema: {
    properties: { ...aboutFields, reason: wordsField('原因', 'Reason', 256) },
    required: [...aboutRequired, 'reason'],
  },
  roles: venues,
  key: evaluationKey,
  check: ({ party }, _, before) => refuseOtherLead(party, before!),
  next: () => ({}),
  subjects: subjectsOf,
})

export const remoteEvaluations: Family = {
  name: 'remote-evaluation',
  title: { zh: '跨省远程异地评标', en: 'Remote evaluation across provinces' },
  purpose: {
    zh: '西部联盟 2021 年合作内容之一；招标投标法第三十七条（随机抽取、名单保密）。抽取结果先以哈希承诺，评标之后公开并核对；席位写明会场与所在地；各会场接受时为自己的席位给出一次性密钥，主场不能替外地专家签名；到场结果只有结论与核验日志的哈希；报告须有约定数目的席位签名。专家姓名与生物特征从不上链。密钥是否确由专家本人使用，由会场负责，账本不能证明；抽取是否随机亦同，账本只证明事后没有换人。',
    en: 'One part of the western alliance’s cooperation (2021); Tendering and Bidding Law art. 37 (drawn at random, names secret). The draw is committed to as a hash and shown after the evaluation; seats say where they are; each venue gives its own seats one-time keys, so that the lead cannot sign for experts elsewhere; of presence there is the result and the hash of the venue’s log; a report needs as many seats as were agreed. Names and biometrics are never here. That the expert used the key is the venue’s word, and that the draw was random is the lead’s: the ledger shows that nobody was exchanged afterwards.',
  },
  types: [draw, seat, accept, decline, presence, report, reveal, cancel],
  lifecycles: [evaluationLife],
  refusals: {
    ...leadRefusals,
    ...venueRefusals,
  },
}
