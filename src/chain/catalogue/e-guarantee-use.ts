/**
 * What a guarantee is used for: bound to one section of one tender for one bidder, before the deadline, and revealed at the opening.
 * Both are told after the opening. The commitment is the salted leaf that was known before (`e-guarantee-leaf.ts`); revealing it
 * shows that the document, the section and the bidder are those that were bound. When it was bound is the signer's word until the
 * leaf lies in a box that the ledger attested before the deadline.
 */
import { Refusal } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { opensCommitment } from './e-guarantee-leaf.ts'
import {
  type GuaranteeIdentity,
  type GuaranteeInstance,
  type GuaranteeRow,
  guaranteeKey,
  guaranteeLife,
  listUse,
  liveUses,
  liveUsesMax,
  otherGuaranteeOf,
  remainsOf,
  type UseIdentity,
  useCountOf,
  useKey,
  useLife,
} from './e-guarantee-life.ts'
import { refuseOtherDocument } from './e-guarantee-numbers.ts'
import {
  guaranteeField,
  guaranteeSubject,
  occurredAtField,
  refuseOutOfOrder,
  refuseSealed,
  refuseStrangerToUse,
  refuseUnfit,
  requirementOf,
  type TenderTerms,
  tenderTermsFields,
  timesOf,
} from './e-guarantee-terms.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { tenderKey, tenderSubject } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  hashField,
  hashText,
  named,
  partyField,
  refuse,
  tenderField,
  timeOf,
} from './values.ts'

/** Of every record about a use. */
export const useFields = { guarantee: guaranteeField, tender: tenderField, section: codeField('标段', 'Section') }
export const useRequired = ['guarantee', 'tender'] as const

export const useSubjects = ({ guarantee, tender }: UseIdentity, ...parties: readonly string[]) => ({
  owner: tender.owner,
  tender: tender.code,
  parties: Array.from(new Set([guarantee.issuer, tender.owner, ...parties])),
  subjects: [guaranteeSubject(guarantee), tenderSubject(tender)],
})

const law = {
  zh: '《招标投标法》第二十二条（开标前保密）；《招标投标法实施条例》第二十六条；全国公共资源交易数据规范 523 电子保函。',
  en: 'Tendering and Bidding Law art. 22 (secret until the opening); Implementing Regulations art. 26; national data specification, data set 523.',
}

interface Bind extends UseIdentity, TenderTerms {
  readonly bidder: string
  readonly document: DocumentHash
  readonly commitment: string
  readonly bidValidUntil: string
  readonly occurredAt: string
}

const bind = useLife.step<Bind>({
  name: 'guarantee.bind',
  version: 1,
  title: { zh: '绑定保函', en: 'Bind a guarantee to a section' },
  law,
  schema: {
    properties: {
      ...useFields,
      bidder: partyField('投标人（联合体为牵头人）', 'Bidder; of a consortium the leader'),
      document: hashField('保函文件哈希', 'Hash of the document'),
      commitment: named('承诺值', 'Commitment', {
        description: '开标前所示的加盐叶子，64 位小写十六进制 / the salted leaf shown before the opening',
        type: 'string',
        pattern: '^[0-9a-f]{64}$',
      }),
      ...tenderTermsFields,
      occurredAt: occurredAtField,
    },
    required: [
      ...useRequired,
      'bidder',
      'document',
      'commitment',
      'deadline',
      'openingTime',
      'bidValidUntil',
      'occurredAt',
    ],
  },
  roles: 'any',
  refusals: {
    'guarantee.other-section': {
      zh: {
        title: '不是保函所涉的标段',
        cause: '保函只用于其写明的标段。',
        remedy: '请核对 section 与保函的 sections。',
      },
      en: {
        title: 'Another section',
        cause: 'The guarantee serves only the sections it names.',
        remedy: 'Compare section with the sections of the guarantee.',
      },
    },
    'guarantee.other-bidder': {
      zh: {
        title: '不是保函的投标人',
        cause: '保函只为其所列投标人（联合体为牵头人）担保，不能为两个投标人绑定。',
        remedy: '请核对 bidder。',
      },
      en: {
        title: 'Another bidder',
        cause: 'A guarantee stands for the bidder it names (of a consortium the leader), never for two.',
        remedy: 'Check bidder.',
      },
    },
    'guarantee.bound-elsewhere': {
      zh: {
        title: '保函已绑定其他标段',
        cause: '单标段保函只能绑定一个标段。',
        remedy: '请为另一标段另行申请保函，或使用多标段、年度保函。',
      },
      en: {
        title: 'Bound to another section',
        cause: 'A single guarantee is bound to one section.',
        remedy: 'Use another guarantee for the other section, or one for several.',
      },
    },
    'guarantee.bidder-bound': {
      zh: {
        title: '投标人在该标段已有保函',
        cause: '同一投标人在同一标段已有另一份有效绑定的保函。',
        remedy: '请查询已绑定的保函。',
      },
      en: {
        title: 'The bidder has another guarantee there',
        cause: 'Another guarantee of this bidder is bound to this section.',
        remedy: 'Look up the guarantee that is bound.',
      },
    },
    'guarantee.bound-late': {
      zh: {
        title: '截止后绑定',
        cause: '绑定的发生时间晚于投标截止时间。',
        remedy: '截止之后不能再绑定保函。',
      },
      en: {
        title: 'Bound after the deadline',
        cause: 'The binding happened after the deadline.',
        remedy: 'Nothing can be bound after the deadline.',
      },
    },
    'guarantee.uses-full': {
      zh: {
        title: '同时使用的标段过多',
        cause: `一份保函同时有效的绑定至多 ${liveUsesMax} 个。`,
        remedy: '请待已有绑定解除或到期，或使用另一份保函。',
      },
      en: {
        title: 'Too many uses at a time',
        cause: `A guarantee is bound to at most ${liveUsesMax} sections at a time.`,
        remedy: 'Wait until others are released or expire, or use another guarantee.',
      },
    },
  },
  key: useKey,
  check(payload, context) {
    const { guarantee, tender, section = '', bidder, document, occurredAt } = payload
    refuseSealed(tender, context, payload.openingTime)
    const { deadline } = timesOf(tender, payload, context)
    const { row } = guaranteeToBind(guarantee, deadline, context)
    refuseStrangerToUse(guarantee, row, tender, 'bind', context)
    refuseOtherPlace(payload, row)
    if (bidder !== row.bidders[0]) {
      throw refuse('guarantee.other-bidder', '/bidder', '不是保函的投标人', 'is not the bidder of the guarantee')
    }
    refuseOtherDocument(guarantee, document, context)
    if (row.kind === 'single' && useCountOf(context.state, guarantee) > 0) {
      throw refuse('guarantee.bound-elsewhere', '/section', '已绑定其他标段', 'the guarantee is bound to another')
    }
    if (timeOf(occurredAt) > deadline) {
      const detail = `is after the deadline ${formatTime(deadline)}`
      throw refuse('guarantee.bound-late', '/occurredAt', `晚于截止时间 ${formatTime(deadline)}`, detail)
    }
    refuseOutOfOrder(occurredAt, row.occurredAt, context)
    const other = otherGuaranteeOf(context.state, bidder, payload, context.blockTime)
    if (other !== undefined) {
      const detail = `number ${other.number} of ${other.issuer} is bound to section '${section}' for ${bidder}`
      throw new Refusal('guarantee.bidder-bound', detail, [
        { pointer: '/guarantee', problem: `已绑定保函 ${other.number} | number ${other.number} is bound there` },
      ])
    }
    if (liveUses(context.state, guarantee, context.blockTime).length >= liveUsesMax) {
      throw new Refusal('guarantee.uses-full', `the guarantee has ${liveUsesMax} live uses`)
    }
    const fitness = {
      amount: remainsOf(row),
      currency: row.currency,
      end: row.end,
      requirement: requirementOf(payload, row.currency),
      bidValidUntil: timeOf(payload.bidValidUntil),
    }
    // The ceiling was looked at when it was issued; an annual one stands for several tenders.
    refuseUnfit(fitness, undefined, context)
  },
  next(payload, context) {
    const { guarantee, tender, bidder, document, commitment, occurredAt } = payload
    const { row } = guaranteeLife.at(context.state, guaranteeKey(guarantee), context.blockTime)!
    guaranteeLife.touch(context, guaranteeKey(guarantee), {})
    listUse(context, bidder, payload)
    return {
      bidder,
      beneficiary: row.beneficiary ?? tender.owner,
      ...timesOf(tender, payload, context),
      end: row.end,
      commitment,
      document: hashText(document),
      occurredAt: timeOf(occurredAt),
      claimed: null,
      due: null,
      paid: 0n,
    }
  },
  subjects: (payload) => ({ ...useSubjects(payload, payload.bidder), hashes: [hashText(payload.document)] }),
})

/**
 * The guarantee, in force; or an annual one that was voided after that tender's deadline: it had been used by then, in secret, and an
 * issuer cannot take that back by voiding before the opening.
 */
function guaranteeToBind(guarantee: GuaranteeIdentity, deadline: number, context: RuleContext): GuaranteeInstance {
  const key = guaranteeKey(guarantee)
  const instance = guaranteeLife.at(context.state, key, context.blockTime)
  const isVoidedLater = instance?.state === 'voided' && instance.row.kind === 'annual' && deadline <= instance.since
  return isVoidedLater ? instance : guaranteeLife.before(context, key, 'guarantee.bind')!
}

function refuseOtherPlace({ tender, section }: Bind, row: GuaranteeRow): void {
  if (row.kind === 'annual') return
  if (tenderKey(tender).some((part, at) => part !== row.tender[at])) {
    throw refuse('guarantee.other-tender', '/tender', '不是保函所涉的项目', 'is not the tender of the guarantee')
  }
  if (row.sections.length > 0 && (section === undefined || !row.sections.includes(section))) {
    throw refuse('guarantee.other-section', '/section', '不是保函所涉的标段', 'is not a section of the guarantee')
  }
}

interface Reveal extends UseIdentity {
  readonly salt: string
}

const reveal = useLife.step<Reveal>({
  name: 'guarantee.reveal',
  version: 1,
  title: { zh: '公开保函', en: 'Reveal a guarantee' },
  law,
  schema: {
    properties: {
      ...useFields,
      salt: named('盐值', 'Salt', {
        description: '32 字节，64 位小写十六进制 / 32 bytes, 64 lower-case hex digits',
        type: 'string',
        pattern: '^[0-9a-f]{64}$',
      }),
    },
    required: [...useRequired, 'salt'],
  },
  roles: 'any',
  refusals: {
    'guarantee.reveal-mismatch': {
      zh: {
        title: '与承诺不符',
        cause: '由保函文件、项目、标段、投标人与盐值算出的叶子，不是绑定时的承诺值。',
        remedy: '请核对盐值，以及绑定时所用的保函文件、标段与投标人。',
      },
      en: {
        title: 'Not what was committed to',
        cause: 'The leaf made of the document, tender, section, bidder and salt is not the commitment of the binding.',
        remedy: 'Check the salt, and the document, section and bidder of the binding.',
      },
    },
  },
  key: useKey,
  check(payload, context, before) {
    const { guarantee, tender, section = '', salt } = payload
    refuseSealed(tender, context)
    const { row } = guaranteeLife.at(context.state, guaranteeKey(guarantee), context.blockTime)!
    refuseStrangerToUse(guarantee, row, tender, 'reveal', context)
    const { bidder, document, commitment } = before!.row
    const use = { ledger: context.ledger, ...guarantee, tender, section, bidder }
    if (!opensCommitment(use, hashOf(document), salt, commitment)) {
      throw refuse('guarantee.reveal-mismatch', '/salt', '与承诺不符', 'does not give the commitment')
    }
  },
  next: () => ({}),
  subjects: (payload) => useSubjects(payload),
})

/** Of `sha256:9f86…`. */
function hashOf(text: string): DocumentHash {
  const [algorithm, value] = text.split(':')
  return { algorithm: algorithm as DocumentHash['algorithm'], value: value! }
}

export const useTypes: readonly StatementType[] = [bind, reveal]
