/**
 * `guarantee.submit@1`: an e-guarantee (电子保函) made public after the opening it served. One number of one issuer is one guarantee,
 * and one document is under one number: that is what stops fakes and double use. Its later life (claim, release, payment) is a family
 * to come. The issuer's own word is never blocked by what others said of it earlier; see `standingOf`.
 */
import { assert } from '../assert.ts'
import { field } from '../cbor.ts'
import { Refusal } from '../refusal.ts'
import { openingTimeField, refuseBeforeOpening } from './opening.ts'
import { readKey, rowName } from './register.ts'
import type { Family, RuleContext, StatementType, Subjects } from './statement-type.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  decimalField,
  enumField,
  hashField,
  hashText,
  millionthsOf,
  moneyField,
  type NamedParty,
  named,
  namedPartyField,
  object,
  partiesOf,
  partyField,
  refuse,
  regionField,
  tenderField,
  textField,
  timeField,
  timeOf,
} from './values.ts'

interface Issued {
  readonly issuer: { readonly party: string }
}

export type GuaranteeKind = 'single' | 'multi-section' | 'annual'

export const guaranteeKindField = named('保函种类', 'Kind', {
  description: 'single 单标段, multi-section 多标段, annual 年度 / one section, several, or a year',
  type: 'string',
  enum: ['single', 'multi-section', 'annual'],
})

interface GuaranteeSubmit {
  readonly number: string
  readonly kind: GuaranteeKind
  readonly tender?: TenderIdentity
  readonly sections?: readonly string[]
  readonly bidders: readonly NamedParty[]
  readonly proposer?: string
  readonly beneficiary: NamedParty
  readonly issuer: { readonly party: string; readonly name: string }
  readonly amount: { readonly amount: string }
  readonly begin: string
  readonly end: string
  readonly issuedAt: string
  readonly document: DocumentHash
  readonly openingTime: string
  readonly region?: string
}

const guaranteeSubmit: StatementType = {
  name: 'guarantee.submit',
  version: 1,
  isFirstEdition: true,
  title: { zh: '电子保函提交', en: 'Submit an e-guarantee' },
  law: {
    zh: '《招标投标法实施条例》第二十六条（投标保证金）；全国公共资源交易数据规范 523 电子保函。',
    en: 'Implementing Regulations of the Tendering and Bidding Law art. 26 (bid security); national data specification, data set 523.',
  },
  schema: {
    properties: {
      number: codeField('保函编号', 'Number'),
      form: enumField('保函形式', 'Form', ['bank', 'guarantee-company', 'insurer']),
      kind: guaranteeKindField,
      tender: tenderField,
      sections: named('标段', 'Sections', {
        type: 'array',
        minItems: 1,
        maxItems: 64,
        items: codeField('标段', 'Section'),
      }),
      dealCode: codeField('统一交易标识码', 'Unified deal code'),
      region: regionField,
      bidders: named('投标人', 'Bidders', {
        description: '被保证人；联合体逐一列出 / those the guarantee is for; a consortium lists every member',
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: namedPartyField('投标人', 'Bidder', ['name']),
      }),
      proposer: partyField('申请人', 'Proposer'),
      beneficiary: namedPartyField('受益人', 'Beneficiary', ['name']),
      issuer: namedPartyField('出具人', 'Issuer', ['party', 'name']),
      amount: moneyField('保函金额', 'Amount guaranteed'),
      cost: moneyField('保费', 'Cost'),
      rate: named('费率', 'Rate', {
        ...decimalField('费率', 'Rate'),
        description: '占保函金额的比例，0.005 即 0.5% / fraction of the amount: 0.005 is 0.5 %',
      }),
      begin: timeField('生效时间', 'Begins'),
      end: timeField('失效时间', 'Ends'),
      issuedAt: timeField('开立时间', 'Issued at'),
      document: hashField('保函文件哈希', 'Hash of the document'),
      openingTime: openingTimeField,
      provenance: named(
        '数据来历',
        'Provenance',
        object(
          {
            synthetic: named('是否合成数据', 'Synthetic', {
              description: '演示或测试用的虚构数据须标明 / invented data for demonstrations say so',
              type: 'boolean',
            }),
            seed: textField('随机种子', 'Seed', 64),
            note: textField('说明', 'Note', 256),
          },
          ['synthetic'],
        ),
      ),
    },
    required: [
      'number',
      'form',
      'kind',
      'bidders',
      'beneficiary',
      'issuer',
      'amount',
      'begin',
      'end',
      'issuedAt',
      'document',
      'openingTime',
    ],
  },
  roles: ['guarantee-issuer', 'trading-platform', 'centre', 'sub-centre'],
  refusals: {
    'guarantee.not-issuer': {
      zh: {
        title: '不是出具人',
        cause: '保函出具机构只能提交自己开立的保函。',
        remedy: '请由出具人提交，或由交易平台、中心代为提交。',
      },
      en: {
        title: 'Not the issuer',
        cause: 'A guarantee issuer submits only the guarantees it issued.',
        remedy: 'The issuer submits it, or a trading platform or centre does.',
      },
    },
    'guarantee.number-reused': {
      zh: {
        title: '保函编号重复',
        cause: '该出具人的这一编号已有记录。',
        remedy: '请核对编号；同一保函不得提交两次。',
      },
      en: {
        title: 'Number already used',
        cause: 'There is a record of this number of this issuer.',
        remedy: 'Check the number; one guarantee is submitted once.',
      },
    },
    'guarantee.document-reused': {
      zh: {
        title: '保函文件重复使用',
        cause: '同一保函文件已登记在另一编号之下。',
        remedy: '一份保函文件只对应一个编号；请核实是否一函多用。',
      },
      en: {
        title: 'Document already used',
        cause: 'The same document stands under another number.',
        remedy: 'One document has one number; find out whether a guarantee is being used twice.',
      },
    },
    'guarantee.sections-mismatch': {
      zh: {
        title: '种类与项目标段不符',
        cause: '单标段保函至多一个标段，多标段保函至少两个不同标段；除年度保函外须写明项目。',
        remedy: '请核对 kind、tender 与 sections。',
      },
      en: {
        title: 'Kind and sections disagree',
        cause:
          'A single guarantee has at most one section, a multi-section one at least two different ones; all but annual ones name the tender.',
        remedy: 'Compare kind, tender and sections.',
      },
    },
    'guarantee.bad-term': {
      zh: {
        title: '保函期限有误',
        cause: '失效时间须晚于生效时间和开标时间，开立时间不得晚于开标时间。',
        remedy: '请核对 begin、end、issuedAt 与 openingTime 及其时区偏移。',
      },
      en: {
        title: 'Bad term',
        cause: 'The end comes after the beginning and after the opening; the issue not after the opening.',
        remedy: 'Compare begin, end, issuedAt and openingTime, and their offsets.',
      },
    },
    'guarantee.amount-zero': {
      zh: { title: '保函金额为零', cause: '保函金额须大于零。', remedy: '请核对金额与单位。' },
      en: {
        title: 'Amount is zero',
        cause: 'The amount guaranteed must be above zero.',
        remedy: 'Check amount and unit.',
      },
    },
    'guarantee.bidder-twice': {
      zh: { title: '投标人重复', cause: '同一主体在一份保函中出现两次。', remedy: '联合体成员各列一次。' },
      en: {
        title: 'Bidder named twice',
        cause: 'The same party stands twice in one guarantee.',
        remedy: 'List every member of a consortium once.',
      },
    },
  },

  check(payload, context) {
    const guarantee = payload as unknown as GuaranteeSubmit
    refuseBeforeOpening(timeOf(guarantee.openingTime), context)
    refuseOtherIssuer(guarantee, context)
    refuseSections(guarantee)
    refuseTerm(guarantee)
    if (millionthsOf(guarantee.amount.amount) === 0n) {
      throw refuse('guarantee.amount-zero', '/amount/amount', '须大于零', 'must be above zero')
    }
    const bidders = partiesOf(guarantee.bidders)
    if (new Set(bidders).size !== bidders.length) {
      throw refuse('guarantee.bidder-twice', '/bidders', '同一主体列了两次', 'names a party twice')
    }
    refuseReuse(guarantee, context)
  },

  apply(payload, context) {
    const guarantee = payload as unknown as GuaranteeSubmit
    const { state, index } = context
    const [own] = standingOf(guarantee, context)
    const { algorithm, value } = guarantee.document
    state.set(numberRow(own!, guarantee), [1, index, `${algorithm}:${value}`])
    state.set(documentRow(own!, guarantee), [1, index, guarantee.issuer.party, guarantee.number])
  },

  subjects(payload): Subjects {
    const { number, document, tender, region, bidders, issuer, beneficiary, proposer } =
      payload as unknown as GuaranteeSubmit
    const parties = [...partiesOf([issuer, ...bidders, beneficiary]), proposer, tender?.owner]
    return {
      ...(tender === undefined ? {} : { owner: tender.owner, tender: tender.code }),
      parties: Array.from(new Set(parties.filter((party) => party !== undefined))),
      ...(region === undefined ? {} : { region }),
      subjects: [rowName('guarantee', issuer.party, number), ...(tender === undefined ? [] : [tenderSubject(tender)])],
      hashes: [hashText(document)],
    }
  },
}

export const guaranteePublications: Family = {
  name: 'guarantee-publication',
  title: { zh: '电子保函公开', en: 'Guarantees made public' },
  purpose: {
    zh: '《招标投标法实施条例》第二十六条；全国公共资源交易数据规范 523。开标之后一次性公开的电子保函：一个出具人的一个编号是一份保函，一份文件只在一个编号之下，伪造与一函多用由此可见。',
    en: 'Implementing Regulations art. 26; national data specification, data set 523. Guarantees published once, after the opening they served: one number of one issuer is one guarantee and one document stands under one number, which is what shows fakes and double use.',
  },
  types: [guaranteeSubmit],
}

function refuseOtherIssuer({ issuer }: GuaranteeSubmit, context: RuleContext): void {
  const { roles } = signingKeyRow(context)
  if (issuer.party === context.statement.party) {
    if (!roles.includes('guarantee-issuer')) {
      throw new Refusal('role.not-allowed', 'an issuer needs a key with the role guarantee-issuer')
    }
    return
  }
  if (!roles.some((role) => role === 'trading-platform' || role === 'centre' || role === 'sub-centre')) {
    throw refuse('guarantee.not-issuer', '/issuer/party', '与签名主体不同', 'is not the signing party')
  }
}

function refuseSections({ kind, tender, sections = [] }: GuaranteeSubmit): void {
  const code = 'guarantee.sections-mismatch'
  if (tender === undefined && kind !== 'annual') throw refuse(code, '/tender', '缺少项目', 'is missing')
  if (new Set(sections).size !== sections.length) throw refuse(code, '/sections', '标段重复', 'names a section twice')
  if (kind === 'single' && sections.length > 1) throw refuse(code, '/sections', '至多一个', 'has more than one')
  if (kind === 'multi-section' && sections.length < 2) {
    throw refuse(code, '/sections', '至少两个', 'has fewer than two')
  }
}

function refuseTerm(guarantee: GuaranteeSubmit): void {
  const code = 'guarantee.bad-term'
  const [begin, end] = [timeOf(guarantee.begin), timeOf(guarantee.end)]
  const openingTime = timeOf(guarantee.openingTime)
  if (end <= begin) throw refuse(code, '/end', '须晚于生效时间', 'must be after the beginning')
  if (end <= openingTime) throw refuse(code, '/end', '须晚于开标时间', 'must be after the opening')
  if (timeOf(guarantee.issuedAt) > openingTime) {
    throw refuse(code, '/issuedAt', '不得晚于开标时间', 'must not be after the opening')
  }
}

/**
 * Whose word a submission is: the issuer's own ('issuer'), that of a platform or centre ('relayed'), or that of a key in one member's
 * scope ('member:…'). A word counts against later words of the same or a lesser standing: so no platform, and no member with a key
 * it registered alone, can use up an issuer's numbers, while double use across members still shows. The first is the word's own
 * standing, all together those it must not contradict.
 */
function standingOf({ issuer }: GuaranteeSubmit, context: RuleContext): readonly string[] {
  const key = signingKeyRow(context)
  if (!key.agreed) return [`member:${key.vouchedBy[0]}`, 'relayed', 'issuer']
  return issuer.party === context.statement.party ? ['issuer'] : ['relayed', 'issuer']
}

function refuseReuse(guarantee: GuaranteeSubmit, context: RuleContext): void {
  const { issuer, number } = guarantee
  for (const standing of standingOf(guarantee, context)) {
    const sameNumber = context.state.get(numberRow(standing, guarantee))
    if (sameNumber !== undefined) {
      const [, index, document] = field.array(sameNumber, 'guarantee row', 3)
      const detail = `number ${number} of ${issuer.party} is record ${index}, document ${document}`
      throw new Refusal('guarantee.number-reused', detail, [
        { pointer: '/number', problem: `已见于记录 ${index} | is in record ${index}` },
      ])
    }
  }
  for (const standing of standingOf(guarantee, context)) {
    const sameDocument = context.state.get(documentRow(standing, guarantee))
    if (sameDocument !== undefined) {
      const [, index, otherIssuer, otherNumber] = field.array(sameDocument, 'guarantee document row', 4)
      const detail = `the document of number ${number} stands in record ${index} as number ${otherNumber} of ${otherIssuer}`
      throw new Refusal('guarantee.document-reused', detail, [
        { pointer: '/document', problem: `已见于记录 ${index} | is in record ${index}` },
      ])
    }
  }
}

/** Where a number of an issuer's stands, and a document; `issuer` is the standing of an issuer's own word. The life of a guarantee shares both. */
export function numberRow(standing: string, { issuer, number }: Pick<GuaranteeSubmit, 'number'> & Issued): string {
  return rowName('guarantee', standing, issuer.party, number)
}

export function documentRow(standing: string, { document }: Pick<GuaranteeSubmit, 'document'>): string {
  return rowName('guarantee-document', standing, document.algorithm, document.value)
}

function signingKeyRow(context: RuleContext): NonNullable<ReturnType<typeof readKey>> {
  const row = readKey(context.state, context.statement.kid)
  assert(row !== undefined, 'the catalogue checks the key before the type')
  return row
}
