/** What the types about credit decisions share: measures and levels, who may decide, and how a record names its decision. */
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { ban, type DecisionIdentity, openBansMax, openBansOn } from './credit-life.ts'
import { readKey } from './register.ts'
import type { RuleContext } from './statement-type.ts'
import {
  codeField,
  type DocumentHash,
  enumField,
  hashText,
  named,
  object,
  partyField,
  refuse,
  regionField,
  timeField,
} from './values.ts'

export interface OnDecision {
  readonly party: string
  readonly decision: DecisionIdentity
  readonly document: DocumentHash
}

const penalMeasures = [ban, 'score-deduction', 'higher-bond', 'closer-supervision', 'publicity'] as const
const rewardMeasures = ['bond-reduction', 'score-bonus', 'fast-track', 'less-inspection', 'commendation'] as const

export const decisionField = named(
  '信用决定',
  'Credit decision',
  object({ authority: partyField('决定机关', 'Authority'), number: codeField('决定文号', 'Number of the decision') }, [
    'authority',
    'number',
  ]),
)
export const levelField = named('失信程度', 'Level', {
  description: 'slight 轻微, general 一般, serious 严重；仅用于惩戒 / for penalties only',
  type: 'string',
  enum: ['slight', 'general', 'serious'],
})
export const measuresField = named('措施', 'Measures', {
  description:
    '惩戒 penalties: bid-ban 限制投标, score-deduction 扣分, higher-bond 提高保证金, closer-supervision 重点监管, publicity 公示；激励 rewards: bond-reduction 减免保证金, score-bonus 加分, fast-track 绿色通道, less-inspection 减少检查, commendation 表彰',
  type: 'array',
  minItems: 1,
  maxItems: 5,
  items: enumField('措施', 'Measure', [...penalMeasures, ...rewardMeasures]),
})
export const regionsField = named('适用地区', 'Regions', {
  description: '不填即全国 / everywhere when left out',
  type: 'array',
  minItems: 1,
  maxItems: 64,
  items: regionField,
})
export const endField = named('截止', 'Ends', {
  ...timeField('截止', 'Ends'),
  description: '不填即无期限 / no end when left out',
})
export const decisionRefusals: RefusalTexts = {
  'credit.key-not-agreed': {
    zh: {
      title: '单方登记的密钥不得作奖惩决定',
      cause: '奖惩在各地适用，只有一个成员确认的密钥（单方登记）不能作出。',
      remedy: '请由另一成员批准同一份密钥申请。',
    },
    en: {
      title: 'The key has one member’s word only',
      cause: 'Decisions count in every city; a key that one member alone vouches for cannot make them.',
      remedy: 'Have another member approve the same key request.',
    },
  },
  'credit.too-many-bans': {
    zh: {
      title: '生效中的投标限制过多',
      cause: `该主体未届满的投标限制已有 ${openBansMax} 项。`,
      remedy: '请核对主体；可先修复或撤销已无意义的限制。',
    },
    en: {
      title: 'Too many bans at once',
      cause: `The party has ${openBansMax} bans that are not over.`,
      remedy: 'Check the party; repair or revoke bans that no longer mean anything.',
    },
  },
  'credit.not-authority': {
    zh: {
      title: '不是决定机关',
      cause: '决定只能由作出它的机关撤销或修复；申诉由该机关或决定写明的受理机关答复。',
      remedy: '请由该机关提交。',
    },
    en: {
      title: 'Not the authority',
      cause:
        'A decision is revoked and repaired by whoever made it; an appeal is answered by that authority or the body that the decision names.',
      remedy: 'Have that authority submit this.',
    },
  },
  'credit.measure-mismatch': {
    zh: {
      title: '措施或程度与种类不符',
      cause: '惩戒须写失信程度并只用惩戒措施；激励不写程度并只用激励措施。',
      remedy: '请核对 kind、level 与 measures。',
    },
    en: {
      title: 'Measures or level do not fit the kind',
      cause: 'A penalty has a level and penal measures; a reward has neither.',
      remedy: 'Compare kind, level and measures.',
    },
  },
}

export const subjectsOf = ({ decision, document }: OnDecision) => ({
  parties: [decision.authority],
  hashes: [hashText(document)],
})

/** A decision counts in every city, and so must the key: one member's word alone makes no supervisor. */
export function refuseOneWord({ state, statement }: RuleContext): void {
  if (readKey(state, statement.kid)?.agreed === true) return
  throw new Refusal('credit.key-not-agreed', 'one member alone vouches for the key')
}

export function refuseTooManyBans(party: string, { state, blockTime }: RuleContext): void {
  if (openBansOn(state, party, blockTime).length < openBansMax) return
  throw new Refusal('credit.too-many-bans', `${party} has ${openBansMax} bans that are not over`)
}

export function refuseMeasures(decision: {
  readonly kind: string
  readonly level?: string | undefined
  readonly measures: readonly string[]
}): void {
  const isPenalty = decision.kind === 'penalty'
  const allowed: readonly string[] = isPenalty ? penalMeasures : rewardMeasures
  if (decision.measures.some((measure) => !allowed.includes(measure))) {
    throw refuse('credit.measure-mismatch', '/measures', '与奖惩种类不符', 'do not fit the kind')
  }
  if (isPenalty !== (decision.level !== undefined)) {
    throw refuse('credit.measure-mismatch', '/level', '惩戒必填，激励不填', 'stands in penalties, and only there')
  }
}

export function refuseOtherAuthority(party: string, { authority }: DecisionIdentity, context: RuleContext): void {
  refuseOneWord(context)
  if (party !== authority) throw new Refusal('credit.not-authority', `the decision is ${authority}'s`)
}
