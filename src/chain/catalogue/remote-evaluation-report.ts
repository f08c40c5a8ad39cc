/**
 * The end of an evaluation: the report with the signatures of its seats, and the draw shown to be the one that was committed to before
 * anybody sat down. The signatures are checked last: they cost as much as everything else together.
 */
import { fromBase64Url } from '../bytes.ts'
import { keyFromKid, verifySignature } from '../keys.ts'
import { Refusal } from '../refusal.ts'
import {
  type AboutEvaluation,
  aboutFields,
  aboutRequired,
  type Draw,
  drawCommitment,
  type Evaluation,
  evaluationKey,
  evaluationLife,
  isSeated,
  refuseOtherLead,
  reportMessage,
  seatNumberField,
  seatOf,
  seatsMax,
  subjectsOf,
  venues,
} from './remote-evaluation-life.ts'
import { refuseBeforeTenderOpening } from './tender-life.ts'
import { type DocumentHash, hashField, hashText, named, object, refuse } from './values.ts'

interface Report extends AboutEvaluation {
  readonly report: DocumentHash
  readonly signatures: readonly { readonly seat: number; readonly signature: string }[]
}

export const report = evaluationLife.step<Report>({
  name: 'remote-evaluation.report',
  version: 1,
  title: { zh: '评标报告', en: 'Evaluation report' },
  law: {
    zh: '《招标投标法》第四十条；《招标投标法实施条例》第五十三条（评标报告由全体成员签字，不同意见书面说明，拒绝签字又不说明的视为同意）。',
    en: 'Tendering and Bidding Law art. 40; Implementing Regulations art. 53 (all members sign the report; dissent is written down; who neither signs nor says why is taken to agree).',
  },
  schema: {
    properties: {
      ...aboutFields,
      report: hashField('评标报告哈希', 'Hash of the report'),
      signatures: named('席位签名', 'Signatures of the seats', {
        type: 'array',
        minItems: 1,
        maxItems: seatsMax,
        items: named(
          '签名',
          'Signature',
          object(
            {
              seat: seatNumberField,
              signature: named('签名值', 'Signature', {
                description:
                  '席位密钥对 RFC 8785 规范 JSON 的 Ed25519 签名，无填充 base64url：{code, ledger, owner, report（如 "sha256:9f86…"）, round, scheme, seat, section（无则为 ""）, type: "remote-evaluation.report-signature@1"} / Ed25519, unpadded base64url, by the seat’s key over the RFC 8785 JSON of these members',
                type: 'string',
                pattern: '^[A-Za-z0-9_-]{86}$',
              }),
            },
            ['seat', 'signature'],
          ),
        ),
      }),
    },
    required: [...aboutRequired, 'report', 'signatures'],
  },
  roles: venues,
  refusals: {
    'remote-evaluation.unknown-seat': {
      zh: { title: '没有这个席位', cause: '签名所属席位不存在，或同一席位签名两次。', remedy: '请核对席位号。' },
      en: {
        title: 'No such seat',
        cause: 'A signature is of a seat that does not exist, or a seat signs twice.',
        remedy: 'Check the seat numbers.',
      },
    },
    'remote-evaluation.seat-not-present': {
      zh: {
        title: '未到场的席位不得签名',
        cause: '该席位没有到场（或替补到场）的记录。',
        remedy: '请先由会场提交到场结果。',
      },
      en: {
        title: 'Signed by a seat that was not there',
        cause: 'There is no record that somebody, drawn or stepping in, was on this seat.',
        remedy: 'The venue first records who was present.',
      },
    },
    'remote-evaluation.too-few-signatures': {
      zh: { title: '签名席位不足', cause: '签名的席位少于定席时写明的数目。', remedy: '请补齐席位签名后提交。' },
      en: {
        title: 'Too few signatures',
        cause: 'Fewer seats have signed than the seating asks for.',
        remedy: 'Collect the missing signatures first.',
      },
    },
    'remote-evaluation.bad-signature': {
      zh: {
        title: '席位签名无效',
        cause: '签名与席位密钥、评标报告或本次评标不符。',
        remedy: '请用会场接受时登记的席位密钥，对规定的内容重新签名。',
      },
      en: {
        title: 'Bad signature of a seat',
        cause: 'The signature does not fit the seat’s key, the report, or this evaluation.',
        remedy: 'Sign the prescribed text with the key that the venue gave the seat.',
      },
    },
  },
  findings: {
    'remote-evaluation.seat-unsigned': {
      zh: {
        title: '评标报告缺少席位签名',
        cause: '以下席位没有签名：{0}。',
        remedy: '请核查该成员是否有不同意见或书面说明（实施条例第五十三条）。',
      },
      en: {
        title: 'Seats that did not sign the report',
        cause: 'These seats have not signed: {0}.',
        remedy: 'Did these members dissent, and is that written down (Implementing Regulations art. 53)?',
      },
    },
  },
  key: evaluationKey,
  check(payload, context, before) {
    refuseOtherLead(payload.party, before!)
    refuseBeforeTenderOpening(payload.tender, context)
    const { signatures } = payload
    const seen = new Set<number>()
    signatures.forEach(({ seat }, at) => {
      const row = seatOf(before!, seat)
      const pointer = `/signatures/${at}/seat`
      if (row === undefined || seen.has(seat)) {
        throw refuse('remote-evaluation.unknown-seat', pointer, '没有此席位或重复', 'is no seat, or signs twice')
      }
      if (!isSeated(row)) throw refuse('remote-evaluation.seat-not-present', pointer, '未到场', 'was not present')
      seen.add(seat)
    })
    const { threshold } = before!.row
    if (seen.size < threshold) {
      const detail = `${seen.size} of ${threshold} signatures`
      throw new Refusal('remote-evaluation.too-few-signatures', detail)
    }
    signatures.forEach(({ seat, signature }, at) => {
      if (isSignedBy(before!, payload, context.ledger, seat, signature)) return
      const pointer = `/signatures/${at}/signature`
      throw refuse('remote-evaluation.bad-signature', pointer, '签名无效', 'is not by this seat over this report')
    })
  },
  next({ report: document, signatures }, context, before) {
    const signed = signatures.map(({ seat }) => seat).sort((a, b) => a - b)
    const unsigned = before!.row.seats.map((_, at) => at + 1).filter((number) => !signed.includes(number))
    if (unsigned.length > 0) context.find('remote-evaluation.seat-unsigned', unsigned.join(', '))
    return { report: hashText(document), signed }
  },
  subjects: (payload) => ({ ...subjectsOf(payload), hashes: [hashText(payload.report)] }),
})

function isSignedBy(evaluation: Evaluation, payload: Report, ledger: string, seat: number, signature: string): boolean {
  const key = keyFromKid(seatOf(evaluation, seat)?.key ?? '')
  const bytes = fromBase64Url(signature)
  if (key === undefined || bytes === undefined) return false
  return verifySignature(key, reportMessage(ledger, payload, seat, payload.report), bytes)
}

const expertsField = (zh: string, en: string, itemsMin: number) =>
  named(zh, en, {
    type: 'array',
    minItems: itemsMin,
    maxItems: seatsMax,
    items: named('专家', 'Expert', {
      description:
        '每次评标另用盐值，同一专家在各次评标中不可关联 / salted anew for each evaluation, so that nobody can be followed',
      type: 'string',
      pattern: '^person:[0-9a-f]{64}$',
    }),
  })

export const reveal = evaluationLife.step<AboutEvaluation & Draw>({
  name: 'remote-evaluation.reveal',
  version: 1,
  title: { zh: '公开抽取', en: 'Reveal the draw' },
  law: {
    zh: '《招标投标法》第三十七条（随机抽取；名单在中标结果确定前保密）。账本上只有加盐标识，姓名从不出现。',
    en: 'Tendering and Bidding Law art. 37 (drawn at random; the names are secret until the result). Only salted ids are here, never names.',
  },
  schema: {
    properties: {
      ...aboutFields,
      experts: expertsField('抽中专家', 'Experts drawn', 1),
      reserves: expertsField('备选专家', 'Reserves', 0),
      nonce: named('随机数', 'Nonce', { description: '32 字节 / bytes', type: 'string', pattern: '^[0-9a-f]{64}$' }),
    },
    required: [...aboutRequired, 'experts', 'reserves', 'nonce'],
  },
  roles: venues,
  refusals: {
    'remote-evaluation.draw-mismatch': {
      zh: {
        title: '与抽取承诺不符',
        cause: '公开的抽取结果与评标前的承诺哈希不符。',
        remedy: '请提交承诺时的名单标识、顺序与随机数；不一致须由监管部门核查。',
      },
      en: {
        title: 'Not the draw committed to',
        cause: 'The draw does not give the hash that was committed to before the evaluation.',
        remedy: 'Give ids, order and nonce as they were; if they differ, the supervisor looks into it.',
      },
    },
  },
  findings: {
    'remote-evaluation.draw-unlike-seats': {
      zh: {
        title: '抽取人数与专家席位不符',
        cause: '抽中 {0} 人，专家席位 {1} 个。',
        remedy: '请核查席位上的人是否都出自抽取。',
      },
      en: {
        title: 'The draw does not fill the seats',
        cause: '{0} experts were drawn for {1} seats.',
        remedy: 'Was everybody on a seat drawn for it?',
      },
    },
    'remote-evaluation.expert-twice': {
      zh: { title: '同一专家抽中两次', cause: '抽取名单中 {0} 重复。', remedy: '请核查抽取过程。' },
      en: {
        title: 'An expert drawn twice',
        cause: '{0} stands twice in the draw.',
        remedy: 'Look at how the draw was made.',
      },
    },
    'remote-evaluation.more-replaced-than-reserves': {
      zh: {
        title: '替补人数多于备选',
        cause: '替补到场的席位 {0} 个，备选专家 {1} 人。',
        remedy: '请核查替补者的来历。',
      },
      en: {
        title: 'More stepped in than were in reserve',
        cause: '{0} seats were replaced, with {1} in reserve.',
        remedy: 'Where did those who stepped in come from?',
      },
    },
  },
  key: evaluationKey,
  check(payload, context, before) {
    refuseOtherLead(payload.party, before!)
    if (drawCommitment(context.ledger, payload, payload) !== before!.row.commitment) {
      throw new Refusal('remote-evaluation.draw-mismatch', 'the hash is not the one committed to')
    }
  },
  next({ experts, reserves }, context, before) {
    const { seats } = before!.row
    const expertSeats = seats.filter(({ capacity }) => capacity === 'expert')
    if (experts.length !== expertSeats.length) {
      context.find('remote-evaluation.draw-unlike-seats', String(experts.length), String(expertSeats.length))
    }
    const drawn = [...experts, ...reserves]
    const twice = drawn.find((expert, at) => drawn.indexOf(expert) !== at)
    if (twice !== undefined) context.find('remote-evaluation.expert-twice', twice)
    const replaced = expertSeats.filter(({ presence }) => presence === 'replaced').length
    if (replaced > reserves.length) {
      context.find('remote-evaluation.more-replaced-than-reserves', String(replaced), String(reserves.length))
    }
    return {}
  },
  subjects: subjectsOf,
})
