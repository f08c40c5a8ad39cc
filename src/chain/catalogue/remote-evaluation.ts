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
import { isAcceptableKey, keyFromKid } from '../keys.ts'
import { Refusal } from '../refusal.ts'
import { type ProfileName, profileField } from './profile.ts'
import { cityOf } from './region.ts'
import { readKey } from './register.ts'
import {
  type AboutEvaluation,
  aboutFields,
  aboutRequired,
  type Evaluation,
  evaluationKey,
  evaluationLife,
  isSeated,
  leadRefusals,
  refuseOtherLead,
  type SeatRow,
  seatOf,
  subjectsOf,
} from './remote-evaluation-life.ts'
import { report, reveal, seatNumberField, seatsMax } from './remote-evaluation-report.ts'
import type { Family, RuleContext } from './statement-type.ts'
import { list, table, text } from './table.ts'
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

/** Which evaluation a one-time key belongs to: used again it would link what one person did in two. */
const seatKeys = table('remote-evaluation-key', { evaluation: list(text) })

const venues = ['centre', 'sub-centre', 'trading-platform'] as const
const committeeLaw = {
  zh: '《招标投标法》第三十七条；87 号令第四十七条；74 号令第七条；财库〔2014〕214 号第十四条。',
  en: 'Tendering and Bidding Law art. 37; Order 87 art. 47; Order 74 art. 7; Caiku [2014] 214 art. 14.',
}
const allianceLaw = {
  zh: '国办函〔2019〕41 号（推行远程异地评标）；西部联盟合作（2021）之“跨省远程异地评标”。',
  en: 'Guobanhan [2019] 41 (remote evaluation); “remote evaluation across provinces” of the western alliance (2021).',
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

interface Acceptance extends AboutEvaluation {
  readonly keys: readonly { readonly seat: number; readonly key: string }[]
}

interface Presence extends AboutEvaluation {
  readonly seat: number
  readonly result: 'present' | 'replaced' | 'absent'
  readonly evidence: DocumentHash
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

const accept = evaluationLife.step<Acceptance>({
  name: 'remote-evaluation.accept',
  version: 1,
  title: { zh: '会场接受', en: 'A venue accepts its seats' },
  law: allianceLaw,
  schema: {
    properties: {
      ...aboutFields,
      keys: named('席位密钥', 'Keys of the seats', {
        description: '本会场每个席位一把一次性密钥 / a one-time key for each seat of this venue',
        type: 'array',
        minItems: 1,
        maxItems: seatsMax,
        items: named(
          '席位密钥',
          'Key of a seat',
          object(
            {
              seat: seatNumberField,
              key: named('公钥', 'Public key', {
                description: 'kid 写法：0x01 ‖ Ed25519 公钥的 base64url / as a kid: base64url of 0x01 ‖ Ed25519 key',
                type: 'string',
                pattern: '^[A-Za-z0-9_-]{44}$',
              }),
            },
            ['seat', 'key'],
          ),
        ),
      }),
    },
    required: [...aboutRequired, 'keys'],
  },
  roles: venues,
  refusals: {
    'remote-evaluation.accepted-already': {
      zh: {
        title: '会场已接受',
        cause: '该会场已接受并给出席位密钥。',
        remedy: '如需更换，请先由会场拒绝，再重新定席。',
      },
      en: {
        title: 'Accepted already',
        cause: 'This venue has accepted and given keys for its seats.',
        remedy: 'To change them, decline and be seated anew.',
      },
    },
    'remote-evaluation.seats-mismatch': {
      zh: {
        title: '密钥与席位不对应',
        cause: '会场须为自己的每个席位各给一把密钥，不多不少。',
        remedy: '请核对定席记录中本会场的席位号。',
      },
      en: {
        title: 'Keys and seats do not match',
        cause: 'A venue gives one key for each of its own seats, no more and no fewer.',
        remedy: 'Compare with the numbers of your seats in the seating.',
      },
    },
    'remote-evaluation.seat-key-used': {
      zh: {
        title: '席位密钥已被使用',
        cause: '席位密钥须一次一用：不得重复，不得用于其他评标，不得是已登记的密钥。',
        remedy: '请为每个席位新生成一把密钥，用后销毁。',
      },
      en: {
        title: 'Key of a seat used before',
        cause:
          'A seat’s key serves once: not for two seats, not for another evaluation, and it is nobody’s registered key.',
        remedy: 'Make a new key for every seat and destroy it afterwards.',
      },
    },
    'remote-evaluation.seat-key-bad': {
      zh: {
        title: '席位公钥不可用',
        cause: '公钥编码不规范或不在素数阶子群中。',
        remedy: '请用标准库或 gongzheng keygen 重新生成密钥。',
      },
      en: {
        title: 'Unacceptable key of a seat',
        cause: 'The public key is not canonical or not in the prime-order subgroup.',
        remedy: 'Make a new key with a standard library or gongzheng keygen.',
      },
    },
  },
  key: evaluationKey,
  check(payload, context, before) {
    const { party, keys } = payload
    const own = seatsOfVenue(party, before!)
    if (own.some((number) => seatOf(before!, number)!.key !== null)) {
      throw new Refusal('remote-evaluation.accepted-already')
    }
    const given = new Set(keys.map(({ seat }) => seat))
    if (given.size !== keys.length || given.size !== own.length || own.some((number) => !given.has(number))) {
      throw refuse(
        'remote-evaluation.seats-mismatch',
        '/keys',
        `应为 ${own.join('、')} 号`,
        `are for ${own.join(', ')}`,
      )
    }
    refuseUsedKeys(payload, before!, context)
    // The dear check last: it costs as much as ten signatures.
    keys.forEach(({ key }, at) => {
      const tagged = keyFromKid(key)
      if (tagged !== undefined && isAcceptableKey(tagged)) return
      throw refuse('remote-evaluation.seat-key-bad', `/keys/${at}/key`, '不可用', 'is not acceptable')
    })
  },
  next(payload, { state }, before) {
    const { keys } = payload
    const seats = before!.row.seats.map((row, at) => {
      const key = keys.find(({ seat }) => seat === at + 1)?.key ?? row.key
      return { ...row, key }
    })
    for (const { key } of keys) seatKeys.write(state, [key], { evaluation: evaluationKey(payload) })
    return { seats, state: seats.every(({ key }) => key !== null) ? 'ready' : 'seated' }
  },
  subjects: subjectsOf,
})

/** Numbers of a venue's seats. */
function seatsOfVenue(party: string, { row }: Evaluation): readonly number[] {
  const own = row.seats.flatMap(({ venue }, at) => (venue === party ? [at + 1] : []))
  if (own.length === 0) throw new Refusal('remote-evaluation.not-a-venue', `${party} has no seat here`)
  return own
}

function refuseUsedKeys(payload: Acceptance, before: Evaluation, { state }: RuleContext): void {
  const evaluation = evaluationLife.subject(evaluationKey(payload))
  const taken = new Set(before.row.seats.map(({ key }) => key))
  payload.keys.forEach(({ key }, at) => {
    const used = seatKeys.read(state, [key])
    const isElsewhere = used !== undefined && evaluationLife.subject(used.evaluation) !== evaluation
    if (taken.has(key) || isElsewhere || readKey(state, key) !== undefined) {
      throw refuse('remote-evaluation.seat-key-used', `/keys/${at}/key`, '已被使用', 'has been used')
    }
    taken.add(key)
  })
}

const decline = evaluationLife.step<AboutEvaluation>({
  name: 'remote-evaluation.decline',
  version: 1,
  title: { zh: '会场拒绝', en: 'A venue declines its seats' },
  law: allianceLaw,
  schema: {
    properties: { ...aboutFields, reason: wordsField('原因', 'Reason', 256) },
    required: [...aboutRequired, 'reason'],
  },
  roles: venues,
  key: evaluationKey,
  check({ party }, _, before) {
    seatsOfVenue(party, before!)
  },
  next: () => ({ seats: [], threshold: 0 }),
  subjects: subjectsOf,
})

const presence = evaluationLife.step<Presence>({
  name: 'remote-evaluation.presence',
  version: 1,
  title: { zh: '到场结果', en: 'Who was present' },
  law: {
    zh: '国办函〔2019〕41 号；个人信息保护法第二十六、二十八条：人脸、证件等核验信息留在会场，账本上只有结果与核验日志的哈希。',
    en: 'Guobanhan [2019] 41; Personal Information Protection Law arts. 26 and 28: faces and cards stay with the venue; here are the result and the hash of its log.',
  },
  schema: {
    properties: {
      ...aboutFields,
      seat: seatNumberField,
      result: named('结果', 'Result', {
        description: 'present 本人到场, replaced 替补到场, absent 缺席',
        type: 'string',
        enum: ['present', 'replaced', 'absent'],
      }),
      evidence: hashField('核验日志哈希（日志由会场保存）', 'Hash of the log that the venue keeps'),
    },
    required: [...aboutRequired, 'seat', 'result', 'evidence'],
  },
  roles: venues,
  refusals: {
    'remote-evaluation.not-its-seat': {
      zh: { title: '不是本会场的席位', cause: '会场只能提交自己席位的到场结果。', remedy: '请核对席位号。' },
      en: {
        title: 'Not a seat of this venue',
        cause: 'A venue records only who was on its own seats.',
        remedy: 'Check the number of the seat.',
      },
    },
    'remote-evaluation.presence-recorded': {
      zh: {
        title: '到场结果已记录',
        cause: '该席位已记录到场，不能改写；只有缺席可由到场接续。',
        remedy: '请查询该评标的时间线。',
      },
      en: {
        title: 'Presence recorded already',
        cause: 'The seat was taken, and that cannot be rewritten; only an absence can be followed by a presence.',
        remedy: 'Look at the timeline of the evaluation.',
      },
    },
  },
  key: evaluationKey,
  check({ party, seat }, _, before) {
    const own = seatsOfVenue(party, before!)
    if (!own.includes(seat)) {
      throw refuse('remote-evaluation.not-its-seat', '/seat', '不是本会场的席位', 'is not a seat of this venue')
    }
    if (isSeated(seatOf(before!, seat)!)) throw new Refusal('remote-evaluation.presence-recorded', `seat ${seat}`)
  },
  next({ seat, result }, _, before) {
    const seats: readonly SeatRow[] = before!.row.seats.map((row, at) =>
      at + 1 === seat ? { ...row, presence: result } : row,
    )
    return { seats }
  },
  subjects: (payload) => ({ ...subjectsOf(payload), hashes: [hashText(payload.evidence)] }),
})

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
    'remote-evaluation.not-a-venue': {
      zh: { title: '不是会场', cause: '签名主体在定席中没有席位。', remedy: '请由有席位的会场提交。' },
      en: {
        title: 'Not a venue',
        cause: 'The signing party has no seat in the seating.',
        remedy: 'Have a venue with seats submit this.',
      },
    },
  },
}
