/**
 * What becomes of a guarantee after the opening: claimed by its beneficiary, accepted or rejected and paid by its issuer, or released.
 * Existing platforms stop at "issued"; claim, payment and release are the gap this fills. Money moves elsewhere: the ledger holds who
 * demanded what, when, and what was said to it, and keeps the sums together within what the guarantee stands for.
 */
import { Refusal } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { refuseWithoutConsent, releaseTerms } from './e-guarantee-amend.ts'
import {
  type GuaranteeRow,
  guaranteeKey,
  guaranteeLife,
  remainsOf,
  type UseIdentity,
  useKey,
  useLife,
} from './e-guarantee-life.ts'
import { refuseFalseVoice, refuseNoAmount, refuseSealed, refuseUnlistedIssuer, sumIn } from './e-guarantee-terms.ts'
import { useFields, useRequired, useSubjects } from './e-guarantee-use.ts'
import { profileOf } from './profile.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { decimalOf } from './table.ts'
import { tenderAt } from './tender-life.ts'
import { type DocumentHash, hashField, hashText, type Money, moneyField, named, refuse, wordsField } from './values.ts'

interface OnUse extends UseIdentity {
  readonly document?: DocumentHash
}

const subjectsOf = (payload: OnUse) => ({
  ...useSubjects(payload),
  ...(payload.document === undefined ? {} : { hashes: [hashText(payload.document)] }),
})

const rowOf = ({ guarantee }: UseIdentity, { state, blockTime }: RuleContext): GuaranteeRow =>
  guaranteeLife.at(state, guaranteeKey(guarantee), blockTime)!.row

const claimLaw = {
  zh: '《招标投标法实施条例》第三十五、七十四条（投标保证金不予退还的情形）；独立保函司法解释（法释〔2016〕24 号）。',
  en: 'Implementing Regulations of the Tendering and Bidding Law arts. 35, 74 (when the bond is forfeited); Judicial Interpretation on independent guarantees (2016) No. 24.',
}

const claim = useLife.step<OnUse & { readonly amount: Money }>({
  name: 'guarantee.claim',
  version: 1,
  title: { zh: '索赔', en: 'Claim on a guarantee' },
  law: claimLaw,
  schema: {
    properties: {
      ...useFields,
      amount: moneyField('索赔金额', 'Amount claimed'),
      ground: named('索赔事由', 'Ground', {
        description:
          'bid-withdrawn 截止后撤销投标, contract-refused 中标后不签合同, performance-bond-missing 不交履约保证金, collusion 串通弄虚作假, other 其他',
        type: 'string',
        enum: ['bid-withdrawn', 'contract-refused', 'performance-bond-missing', 'collusion', 'other'],
      }),
      document: hashField('索赔文件哈希', 'Hash of the demand'),
    },
    required: [...useRequired, 'amount', 'ground', 'document'],
  },
  roles: 'any',
  refusals: {
    'guarantee.above-remains': {
      zh: {
        title: '超过保函余额',
        cause: '索赔金额高于保函金额减去已赔付与其他未决索赔后的余额。',
        remedy: '请查询保函余额后重新索赔。',
      },
      en: {
        title: 'More than what remains',
        cause: 'The claim is above the amount guaranteed, less what is paid and what other claims hold.',
        remedy: 'Look up what remains and claim again.',
      },
    },
  },
  key: useKey,
  check(payload, context, before) {
    refuseSealed(payload.tender, context)
    refuseFalseVoice(context)
    const { beneficiary } = before!.row
    if (context.statement.party !== beneficiary) {
      throw new Refusal('guarantee.not-beneficiary', `${beneficiary} is the beneficiary`)
    }
    const row = rowOf(payload, context)
    const claimed = sumIn(row.currency, payload.amount, '/amount')
    refuseNoAmount(claimed, '/amount/amount')
    const remains = remainsOf(row)
    if (claimed > remains) {
      const detail = `is above the ${decimalOf(remains)} that remain`
      throw refuse('guarantee.above-remains', '/amount', `超过余额 ${decimalOf(remains)}`, detail)
    }
  },
  next(payload, context) {
    const { currency, held } = rowOf(payload, context)
    const claimed = sumIn(currency, payload.amount, '/amount')
    guaranteeLife.touch(context, guaranteeKey(payload.guarantee), { held: held + claimed })
    return { claimed }
  },
  subjects: subjectsOf,
})

const accept = useLife.step<OnUse & { readonly amount?: Money }>({
  name: 'guarantee.accept',
  version: 1,
  title: { zh: '受理索赔', en: 'Accept a claim' },
  law: claimLaw,
  schema: {
    properties: {
      ...useFields,
      amount: moneyField('核定金额', 'Amount accepted'),
      document: hashField('决定文件哈希', 'Hash of the decision'),
    },
    required: useRequired,
  },
  roles: ['guarantee-issuer'],
  refusals: {
    'guarantee.above-claim': {
      zh: {
        title: '高于索赔金额',
        cause: '核定金额高于受益人索赔的金额。',
        remedy: '请核对金额；不写 amount 即全额受理。',
      },
      en: {
        title: 'More than was claimed',
        cause: 'The amount accepted is above what the beneficiary claimed.',
        remedy: 'Check the amount; without one the whole claim is accepted.',
      },
    },
  },
  key: useKey,
  check(payload, context, before) {
    refuseUnlistedIssuer(payload.guarantee.issuer, context)
    const due = dueOf(payload, before!.row.claimed!, context)
    refuseNoAmount(due, '/amount/amount')
    if (due > before!.row.claimed!)
      throw refuse('guarantee.above-claim', '/amount', '高于索赔金额', 'is above the claim')
  },
  next(payload, context, before) {
    const claimed = before!.row.claimed!
    const due = dueOf(payload, claimed, context)
    const { held } = rowOf(payload, context)
    guaranteeLife.touch(context, guaranteeKey(payload.guarantee), { held: held - claimed + due })
    return { due }
  },
  subjects: subjectsOf,
})

const dueOf = (payload: UseIdentity & { readonly amount?: Money }, claimed: bigint, context: RuleContext): bigint =>
  payload.amount === undefined ? claimed : sumIn(rowOf(payload, context).currency, payload.amount, '/amount')

const reject = useLife.step<OnUse & { readonly reason: string }>({
  name: 'guarantee.reject',
  version: 1,
  title: { zh: '拒绝索赔', en: 'Reject a claim' },
  law: claimLaw,
  schema: {
    properties: {
      ...useFields,
      reason: wordsField('原因', 'Reason', 256),
      document: hashField('决定文件哈希', 'Hash of the decision'),
    },
    required: [...useRequired, 'reason'],
  },
  roles: ['guarantee-issuer'],
  key: useKey,
  check: ({ guarantee }, context) => refuseUnlistedIssuer(guarantee.issuer, context),
  next(payload, context, before) {
    const { held } = rowOf(payload, context)
    guaranteeLife.touch(context, guaranteeKey(payload.guarantee), { held: held - before!.row.claimed! })
    return { claimed: null }
  },
  subjects: subjectsOf,
})

const pay = useLife.step<OnUse & { readonly amount: Money }>({
  name: 'guarantee.pay',
  version: 1,
  title: { zh: '赔付', en: 'Pay a claim' },
  law: claimLaw,
  schema: {
    properties: {
      ...useFields,
      amount: moneyField('赔付金额', 'Amount paid'),
      document: hashField('付款凭证哈希', 'Hash of the voucher'),
    },
    required: [...useRequired, 'amount'],
  },
  roles: ['guarantee-issuer'],
  refusals: {
    'guarantee.payment-mismatch': {
      zh: {
        title: '赔付金额不符',
        cause: '赔付须恰为受理索赔时核定的金额，不多不少，且只付一次。',
        remedy: '请查询核定金额。',
      },
      en: {
        title: 'Not the amount due',
        cause: 'A payment is exactly what was accepted, no more and no less, and is made once.',
        remedy: 'Look up the amount accepted.',
      },
    },
  },
  key: useKey,
  check(payload, context, before) {
    refuseUnlistedIssuer(payload.guarantee.issuer, context)
    const due = before!.row.due!
    if (sumIn(rowOf(payload, context).currency, payload.amount, '/amount') !== due) {
      const detail = `is not the ${decimalOf(due)} accepted`
      throw refuse('guarantee.payment-mismatch', '/amount', `应为核定的 ${decimalOf(due)}`, detail)
    }
  },
  next(payload, context, before) {
    const { due, paid } = before!.row
    const { amount, paid: paidBefore, held } = rowOf(payload, context)
    const together = { amount, paid: paidBefore + due!, held: held - due! }
    guaranteeLife.touch(context, guaranteeKey(payload.guarantee), together)
    const state = remainsOf(together) > 0n ? 'revealed' : 'paid'
    return { state, claimed: null, due: null, paid: paid + due! }
  },
  subjects: subjectsOf,
})

const release = useLife.step<OnUse>({
  name: 'guarantee.release',
  version: 1,
  title: { zh: '解除保函', en: 'Release a guarantee' },
  law: {
    zh: '《招标投标法实施条例》第五十七条：最迟在签订合同后 5 日内退还投标保证金。',
    en: 'Implementing Regulations of the Tendering and Bidding Law art. 57: bonds are returned within five days of the contract.',
  },
  schema: {
    properties: { ...useFields, document: hashField('解除文件哈希', 'Hash of the release') },
    required: useRequired,
  },
  roles: 'any',
  findings: {
    'guarantee.released-late': {
      zh: {
        title: '逾期解除保函',
        cause: '合同已于 {0} 签订，退还投标保证金的期限为 {1} 日。',
        remedy: '请监管部门核查逾期原因。',
      },
      en: {
        title: 'Released late',
        cause: 'The contract was on record at {0}; bonds are returned within {1} days.',
        remedy: 'The supervisor asks why it was kept.',
      },
    },
  },
  key: useKey,
  check(payload, context, before) {
    const { guarantee } = payload
    refuseFalseVoice(context)
    const { beneficiary } = before!.row
    if (context.statement.party === beneficiary) return
    if (context.statement.party !== guarantee.issuer) {
      throw new Refusal('guarantee.not-beneficiary', `${beneficiary} is the beneficiary`)
    }
    refuseUnlistedIssuer(guarantee.issuer, context)
    refuseWithoutConsent(context, beneficiary, releaseTerms(payload))
  },
  next({ tender }, context) {
    const row = tenderAt(context, tender)?.row
    const days = row === undefined ? null : profileOf(row.profile).bondReturnDaysMax
    const contractedAt = row?.contractedAt ?? null
    if (days !== null && contractedAt !== null && context.blockTime > contractedAt + days * context.legalDayMs) {
      context.find('guarantee.released-late', formatTime(contractedAt), String(days))
    }
    return {}
  },
  subjects: subjectsOf,
})

export const claimTypes: readonly StatementType[] = [claim, accept, reject, pay, release]
