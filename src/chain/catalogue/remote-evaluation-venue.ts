/**
 * What the venues of an evaluation say: each takes its seats and gives every one a one-time key, or declines; and records who was there. What
 * was checked of the experts (face, card) stays with the venue; here is a result and the hash of its log.
 */
import { isAcceptableKey, keyFromKid } from '../keys.ts'
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { readKey } from './register.ts'
import {
  type AboutEvaluation,
  aboutFields,
  aboutRequired,
  allianceLaw,
  type Evaluation,
  evaluationKey,
  evaluationLife,
  isSeated,
  type SeatRow,
  seatNumberField,
  seatOf,
  seatsMax,
  subjectsOf,
  venues,
} from './remote-evaluation-life.ts'
import type { RuleContext } from './statement-type.ts'
import { list, table, text } from './table.ts'
import { type DocumentHash, hashField, hashText, named, object, refuse, wordsField } from './values.ts'

/** Which evaluation a one-time key belongs to: used again it would link what one person did in two. */
const seatKeys = table('remote-evaluation-key', { evaluation: list(text) })

interface Acceptance extends AboutEvaluation {
  readonly keys: readonly { readonly seat: number; readonly key: string }[]
}

interface Presence extends AboutEvaluation {
  readonly seat: number
  readonly result: 'present' | 'replaced' | 'absent'
  readonly evidence: DocumentHash
}

export const venueRefusals: RefusalTexts = {
  'remote-evaluation.not-a-venue': {
    zh: { title: '不是会场', cause: '签名主体在定席中没有席位。', remedy: '请由有席位的会场提交。' },
    en: {
      title: 'Not a venue',
      cause: 'The signing party has no seat in the seating.',
      remedy: 'Have a venue with seats submit this.',
    },
  },
}

export const accept = evaluationLife.step<Acceptance>({
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

export const decline = evaluationLife.step<AboutEvaluation>({
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

export const presence = evaluationLife.step<Presence>({
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
