/**
 * The application for an e-guarantee: a bidder, or a platform for it, asks an issuer; the issuer approves or declines. An application is
 * known by who submitted it and that party's own number, so nobody can use up an issuer's numbers by asking. One that names a
 * tender is public only after the opening, with the times at which the steps happened.
 */
import { Refusal } from '../refusal.ts'
import { applicationLife } from './e-guarantee-life.ts'
import {
  aboutTender,
  applicationField,
  occurredAtField,
  partiesOfService,
  refuseFalseVoice,
  refuseMalformedService,
  refuseOutOfOrder,
  refuseSealed,
  refuseUnlistedIssuer,
  type Service,
  serviceFields,
  serviceRequired,
  signingKey,
  tenderSubjectsOf,
} from './e-guarantee-terms.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { type TenderIdentity, tenderKey } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  hashField,
  hashText,
  namedPartyField,
  partiesOf,
  sumOf,
  timeOf,
  wordsField,
} from './values.ts'

interface Application extends Service {
  /** The signing party; a common field. */
  readonly party: string
  readonly number: string
  readonly issuer: { readonly party: string }
}

interface OnApplication {
  readonly application: { readonly party: string; readonly number: string }
  readonly occurredAt: string
  readonly document?: DocumentHash
}

const law = {
  zh: '《招标投标法实施条例》第二十六条；全国公共资源交易数据规范 523 电子保函。申请、核保、开立逐步留痕，未经核准不得开立。',
  en: 'Implementing Regulations of the Tendering and Bidding Law art. 26; national data specification, data set 523. Request, underwriting and issue are each on record; nothing is issued without approval.',
}

const apply = applicationLife.step<Application>({
  name: 'guarantee.apply',
  version: 1,
  title: { zh: '申请保函', en: 'Apply for a guarantee' },
  law,
  schema: {
    properties: {
      number: codeField('申请编号', 'Number of the application'),
      issuer: namedPartyField('拟出具人', 'Issuer asked', ['party']),
      ...serviceFields,
    },
    required: ['number', 'issuer', ...serviceRequired],
  },
  roles: 'any',
  refusals: {
    'guarantee.applicant-not-entitled': {
      zh: {
        title: '无权代为申请',
        cause: '申请由投标人本人，或交易平台、代理机构、中心代为提交。',
        remedy: '请由投标人提交，或使用具有相应角色的密钥。',
      },
      en: {
        title: 'Not entitled to apply',
        cause: 'A bidder applies itself, or a trading platform, an agency or a centre does for it.',
        remedy: 'Have the bidder submit it, or use a key with such a role.',
      },
    },
  },
  key: ({ party, number }) => [party, number],
  check(payload, context) {
    refuseMalformedService(payload)
    refuseFalseVoice(context)
    refuseSealed(payload.tender, context, payload.openingTime)
    refuseOutOfOrder(payload.occurredAt, null, context)
    const { roles } = signingKey(context)
    const isOwn = partiesOf(payload.bidders).includes(context.statement.party)
    const acts = ['trading-platform', 'agency', 'centre', 'sub-centre']
    if (!isOwn && !roles.some((role) => acts.includes(role))) {
      throw new Refusal(
        'guarantee.applicant-not-entitled',
        `${context.statement.party} is no bidder of this application`,
      )
    }
  },
  next: ({ issuer, kind, bidders, beneficiary, tender, sections, amount, occurredAt }) => ({
    issuer: issuer.party,
    kind,
    bidders: partiesOf(bidders),
    beneficiary: beneficiary?.party ?? null,
    tender: tender === undefined ? [] : tenderKey(tender),
    sections: sections ?? [],
    currency: amount.currency,
    amount: sumOf(amount),
    occurredAt: timeOf(occurredAt),
  }),
  subjects: (payload) => ({
    ...aboutTender(payload.tender),
    parties: partiesOfService(payload, payload.issuer.party),
    subjects: tenderSubjectsOf(payload.tender),
  }),
})

/** The tender in an application's row. */
export const tenderOf = ([owner, scheme, code]: readonly string[]): TenderIdentity | undefined =>
  owner === undefined ? undefined : { owner, scheme: scheme!, code: code! }

const subjectsOf = ({ application, document }: OnApplication) => ({
  parties: [application.party],
  hashes: document === undefined ? [] : [hashText(document)],
})

const approve = applicationLife.step<OnApplication>({
  name: 'guarantee.approve',
  version: 1,
  title: { zh: '核准保函申请', en: 'Approve an application' },
  law,
  schema: {
    properties: {
      application: applicationField,
      occurredAt: occurredAtField,
      document: hashField('核保文件哈希', 'Hash of the decision'),
    },
    required: ['application', 'occurredAt'],
  },
  roles: ['guarantee-issuer'],
  key: ({ application }) => [application.party, application.number],
  check: ({ occurredAt }, context, before) => {
    refuseUnlistedIssuer(before!.row.issuer, context)
    refuseStep(occurredAt, before!.row, context)
  },
  next: ({ occurredAt }) => ({ occurredAt: timeOf(occurredAt) }),
  subjects: subjectsOf,
})

const decline = applicationLife.step<OnApplication & { readonly reason: string }>({
  name: 'guarantee.decline',
  version: 1,
  title: { zh: '不予核准', en: 'Decline an application' },
  law,
  schema: {
    properties: {
      application: applicationField,
      reason: wordsField('原因', 'Reason', 256),
      occurredAt: occurredAtField,
      document: hashField('核保文件哈希', 'Hash of the decision'),
    },
    required: ['application', 'reason', 'occurredAt'],
  },
  roles: ['guarantee-issuer'],
  key: ({ application }) => [application.party, application.number],
  check: ({ occurredAt }, context, before) => {
    refuseUnlistedIssuer(before!.row.issuer, context)
    refuseStep(occurredAt, before!.row, context)
  },
  next: ({ occurredAt }) => ({ occurredAt: timeOf(occurredAt) }),
  subjects: subjectsOf,
})

const withdraw = applicationLife.step<OnApplication>({
  name: 'guarantee.withdraw',
  version: 1,
  title: { zh: '撤回保函申请', en: 'Withdraw an application' },
  law,
  schema: {
    properties: {
      application: applicationField,
      occurredAt: occurredAtField,
      reason: wordsField('原因', 'Reason', 256),
    },
    required: ['application', 'occurredAt'],
  },
  roles: 'any',
  refusals: {
    'guarantee.other-applicant': {
      zh: {
        title: '不是申请人',
        cause: '申请由提交它的一方或其中的投标人撤回。',
        remedy: '请由提交申请的一方或投标人撤回。',
      },
      en: {
        title: 'Another applicant',
        cause: 'An application is withdrawn by whoever submitted it, or by a bidder in it.',
        remedy: 'Have one of them withdraw it.',
      },
    },
  },
  key: ({ application }) => [application.party, application.number],
  check({ application, occurredAt }, context, before) {
    refuseFalseVoice(context)
    const { party } = context.statement
    if (party !== application.party && !before!.row.bidders.includes(party)) {
      throw new Refusal('guarantee.other-applicant', `${application.party} submitted the application`)
    }
    refuseStep(occurredAt, before!.row, context)
  },
  next: ({ occurredAt }) => ({ occurredAt: timeOf(occurredAt) }),
  subjects: subjectsOf,
})

/** A tender's opening may have been moved since the application became public. */
function refuseStep(
  occurredAt: string,
  row: { readonly tender: readonly string[]; readonly occurredAt: number },
  context: RuleContext,
): void {
  refuseSealed(tenderOf(row.tender), context)
  refuseOutOfOrder(occurredAt, row.occurredAt, context)
}

export const applicationTypes: readonly StatementType[] = [apply, approve, decline, withdraw]
