/**
 * The issue of a guarantee, on an approved application and not beyond it. How much and for how long is held to what the tender asks for
 * and to what law allows; number and document to all that were ever issued.
 */
import { applicationLife, type GuaranteeIdentity, guaranteeKey, guaranteeLife } from './e-guarantee-life.ts'
import { refuseTakenDocument, refuseTakenNumber, registerNumber } from './e-guarantee-numbers.ts'
import {
  aboutTender,
  applicationField,
  partiesOfService,
  refuseMalformedService,
  refuseOutOfOrder,
  refuseSealed,
  refuseUnfit,
  refuseUnlistedIssuer,
  requirementOf,
  type Service,
  serviceFields,
  serviceRequired,
  tenderSubjectsOf,
  timesOf,
} from './e-guarantee-terms.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { tenderKey } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  decimalField,
  enumField,
  hashField,
  hashText,
  moneyField,
  named,
  partiesOf,
  partyField,
  refuse,
  sumOf,
  timeField,
  timeOf,
} from './values.ts'

export const issueLaw = {
  zh: '《招标投标法实施条例》第二十六条（金额不超过估算价 2%，有效期与投标有效期一致）；《民法典》第六百八十一条以下；全国公共资源交易数据规范 523 电子保函。',
  en: 'Implementing Regulations of the Tendering and Bidding Law art. 26 (at most 2 % of the estimate, as long as bids bind); Civil Code arts. 681 ff.; national data specification, data set 523.',
}

// ---- issue -------------------------------------------------------------------------------------------------------------------------

interface Issue extends Service {
  /** The signing party, which is the issuer; a common field. */
  readonly party: string
  readonly number: string
  readonly application: { readonly party: string; readonly number: string }
  readonly form: string
  readonly proposer?: string
  readonly begin: string
  readonly end: string
  readonly document: DocumentHash
}

const identityOf = ({ party, number }: Issue): GuaranteeIdentity => ({ issuer: party, number })

const issue = guaranteeLife.step<Issue>({
  name: 'guarantee.issue',
  version: 1,
  title: { zh: '开立保函', en: 'Issue a guarantee' },
  law: issueLaw,
  schema: {
    properties: {
      number: codeField('保函编号', 'Number'),
      application: applicationField,
      form: enumField('保函形式', 'Form', ['bank', 'guarantee-company', 'insurer']),
      ...serviceFields,
      dealCode: codeField('统一交易标识码', 'Unified deal code'),
      proposer: partyField('申请人', 'Proposer'),
      cost: moneyField('保费', 'Cost'),
      rate: named('费率', 'Rate', {
        ...decimalField('费率', 'Rate'),
        description: '占保函金额的比例，0.005 即 0.5% / fraction of the amount: 0.005 is 0.5 %',
      }),
      begin: timeField('生效时间', 'Begins'),
      end: timeField('失效时间', 'Ends'),
      document: hashField('保函文件哈希', 'Hash of the document'),
    },
    required: ['number', 'application', 'form', ...serviceRequired, 'begin', 'end', 'document'],
  },
  roles: ['guarantee-issuer'],
  refusals: {
    'guarantee.unlike-application': {
      zh: {
        title: '与核准的申请不符',
        cause: '所开立的保函在出具人、种类、投标人、受益人、项目或标段上与核准的申请不同，或金额更高。',
        remedy: '请按核准的申请开立，或重新申请。',
      },
      en: {
        title: 'Unlike the application',
        cause:
          'Issuer, kind, bidders, beneficiary, tender or sections are not those of the approved application, or the amount is higher.',
        remedy: 'Issue what was approved, or apply anew.',
      },
    },
  },
  key: (payload) => guaranteeKey(identityOf(payload)),
  check(payload, context) {
    refuseMalformedService(payload)
    refuseUnlistedIssuer(payload.party, context)
    refuseSealed(payload.tender, context, payload.openingTime)
    const { application } = payload
    const approved = applicationLife.before(context, [application.party, application.number], 'guarantee.issue')!
    refuseUnlikeApplication(payload, approved.row)
    refuseOutOfOrder(payload.occurredAt, approved.row.occurredAt, context)
    refuseMalformedTerm(payload, context)
    refuseUnfit(fitnessOf(payload), payload.tender, context)
    refuseTakenNumber(identityOf(payload), context)
    refuseTakenDocument(identityOf(payload), payload.document, context)
  },
  next(payload, context) {
    const { application, document, kind, form, bidders, beneficiary, tender, sections, amount, occurredAt } = payload
    const applicationKey = [application.party, application.number]
    applicationLife.move(context, applicationKey, 'guarantee.issue', { occurredAt: timeOf(occurredAt) })
    registerNumber(identityOf(payload), document, context)
    const { requirement, bidValidUntil } = fitnessOf(payload)
    return {
      kind,
      form,
      application: applicationKey,
      bidders: partiesOf(bidders),
      beneficiary: beneficiary?.party ?? null,
      tender: tender === undefined ? [] : tenderKey(tender),
      sections: sections ?? [],
      currency: amount.currency,
      amount: sumOf(amount),
      paid: 0n,
      held: 0n,
      begin: timeOf(payload.begin),
      end: timeOf(payload.end),
      deadline: payload.deadline === undefined ? null : timeOf(payload.deadline),
      requirement,
      bidValidUntil,
      document: hashText(document),
      version: 1,
      occurredAt: timeOf(occurredAt),
    }
  },
  subjects: (payload) => ({
    ...aboutTender(payload.tender),
    parties: partiesOfService(
      payload,
      payload.application.party,
      ...(payload.proposer === undefined ? [] : [payload.proposer]),
    ),
    subjects: [
      applicationLife.subject([payload.application.party, payload.application.number]),
      ...tenderSubjectsOf(payload.tender),
    ],
    hashes: [hashText(payload.document)],
  }),
})

const fitnessOf = (payload: Issue) => ({
  amount: sumOf(payload.amount),
  currency: payload.amount.currency,
  end: timeOf(payload.end),
  requirement: requirementOf(payload, payload.amount.currency),
  bidValidUntil: payload.bidValidUntil === undefined ? null : timeOf(payload.bidValidUntil),
})

function refuseUnlikeApplication(
  issued: Issue,
  approved: NonNullable<ReturnType<typeof applicationLife.before>>['row'],
): void {
  const pairs: readonly (readonly [string, readonly (string | undefined)[], readonly (string | null)[]])[] = [
    ['party', [issued.party], [approved.issuer]],
    ['kind', [issued.kind], [approved.kind]],
    ['bidders', partiesOf(issued.bidders), approved.bidders],
    ['beneficiary', [issued.beneficiary?.party], [approved.beneficiary]],
    ['tender', issued.tender === undefined ? [] : tenderKey(issued.tender), approved.tender],
    ['sections', issued.sections ?? [], approved.sections],
    ['amount/currency', [issued.amount.currency], [approved.currency]],
  ]
  for (const [field, now, then] of pairs) {
    const isSame = now.length === then.length && now.every((value, at) => (value ?? null) === then[at])
    if (!isSame)
      throw refuse('guarantee.unlike-application', `/${field}`, '与申请不同', 'is not that of the application')
  }
  if (sumOf(issued.amount) > approved.amount) {
    throw refuse('guarantee.unlike-application', '/amount', '高于核准的金额', 'is more than was approved')
  }
}

function refuseMalformedTerm(payload: Issue, context: RuleContext): void {
  const code = 'guarantee.term-malformed'
  const [begin, end, issued] = [payload.begin, payload.end, payload.occurredAt].map(timeOf) as [number, number, number]
  if (end <= begin) throw refuse(code, '/end', '须晚于生效时间', 'must be after the beginning')
  if (end <= issued) throw refuse(code, '/end', '须晚于开立时间', 'must be after the issue')
  if (payload.tender === undefined) return
  const { deadline, openingTime } = timesOf(payload.tender, payload, context)
  if (openingTime < deadline) throw refuse(code, '/openingTime', '早于投标截止时间', 'is before the deadline')
  if (end <= openingTime) throw refuse(code, '/end', '须晚于开标时间', 'must be after the opening')
  if (issued > deadline) throw refuse(code, '/occurredAt', '晚于投标截止时间', 'is after the deadline')
}

export const issueTypes: readonly StatementType[] = [issue]
