/**
 * What becomes of a guarantee's terms: amended, voided. An issuer raises what it promises by its own word; to lower it, or to void it
 * once the deadline has passed, it needs the beneficiary's consent, which is a record of its own (`consent.ts`).
 */
import type { JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import { consentUntilField, giveConsent, hasConsent } from './consent.ts'
import { tenderOf } from './e-guarantee-application.ts'
import { issueLaw as law } from './e-guarantee-issue.ts'
import {
  everyUse,
  type GuaranteeIdentity,
  type GuaranteeInstance,
  type GuaranteeRow,
  guaranteeKey,
  guaranteeLife,
  liveUses,
  useKey,
  useLife,
} from './e-guarantee-life.ts'
import { refuseTakenDocument, registerNumber } from './e-guarantee-numbers.ts'
import {
  aboutTender,
  guaranteeField,
  guaranteeSubject,
  refuseFalseVoice,
  refuseNoAmount,
  refuseUnfit,
  refuseUnlistedIssuer,
  sumIn,
  tenderSubjectsOf,
} from './e-guarantee-terms.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import type { Key } from './table.ts'
import { type TenderIdentity, tenderKey } from './tender-identity.ts'
import { tenderAt } from './tender-life.ts'
import {
  codeField,
  type DocumentHash,
  hashField,
  hashText,
  type Money,
  moneyField,
  named,
  refuse,
  tenderField,
  timeField,
  timeOf,
  wordsField,
} from './values.ts'

// ---- amend ---------------------------------------------------------------------------------------------------------------------------

interface OnGuarantee {
  readonly guarantee: GuaranteeIdentity
  readonly tender?: TenderIdentity
}

interface Amend extends OnGuarantee {
  readonly version: number
  readonly amount?: Money
  readonly end?: string
  readonly document: DocumentHash
}

const subjectsOf = ({ guarantee, tender }: OnGuarantee) => ({
  ...aboutTender(tender),
  parties: Array.from(new Set([guarantee.issuer, ...(tender === undefined ? [] : [tender.owner])])),
  subjects: tenderSubjectsOf(tender),
})

const amend = guaranteeLife.step<Amend>({
  name: 'guarantee.amend',
  version: 1,
  title: { zh: '变更保函', en: 'Amend a guarantee' },
  law,
  schema: {
    properties: {
      guarantee: guaranteeField,
      tender: tenderField,
      version: named('变更后的版本', 'Version that it makes', { type: 'integer', minimum: 2, maximum: 1_000_000 }),
      amount: moneyField('变更后的金额', 'Amount from now on'),
      end: timeField('变更后的失效时间', 'Ends from now on'),
      document: hashField('变更文件哈希', 'Hash of the new document'),
      reason: wordsField('原因', 'Reason', 256),
    },
    required: ['guarantee', 'version', 'document'],
  },
  roles: ['guarantee-issuer'],
  refusals: {
    'guarantee.version-mismatch': {
      zh: { title: '版本不连续', cause: '变更须为现行版本的下一版。', remedy: '请查询保函的现行版本。' },
      en: {
        title: 'Not the next version',
        cause: 'An amendment makes the version after the present one.',
        remedy: 'Look up the present version.',
      },
    },
    'guarantee.below-claims': {
      zh: {
        title: '低于已赔付与索赔中的金额',
        cause: '变更后的金额低于已赔付与未决索赔之和。',
        remedy: '请待索赔了结，或提高金额。',
      },
      en: {
        title: 'Below what is paid and claimed',
        cause: 'The new amount is below what has been paid and what open claims hold.',
        remedy: 'Wait until the claims are settled, or ask for more.',
      },
    },
  },
  key: ({ guarantee }) => guaranteeKey(guarantee),
  check(payload, context, before) {
    const { row } = before!
    const { guarantee, version, document } = payload
    refuseUnlistedIssuer(guarantee.issuer, context)
    refuseOtherTender(payload, row)
    if (version !== row.version + 1) {
      throw refuse('guarantee.version-mismatch', '/version', `应为 ${row.version + 1}`, `must be ${row.version + 1}`)
    }
    const { amount, end } = amendedOf(payload, row)
    refuseNoAmount(amount, '/amount/amount')
    if (amount < row.paid + row.held) {
      throw refuse('guarantee.below-claims', '/amount', '低于已赔付与索赔中的金额', 'is below what is paid and claimed')
    }
    if (end <= context.blockTime)
      throw refuse('guarantee.term-malformed', '/end', '不晚于区块时间', 'is not after block time')
    refuseUnfit({ ...row, amount, end }, tenderOf(row.tender), context)
    refuseTakenDocument(guarantee, document, context)
    refuseSettledUse(guarantee, row, 'guarantee.amend', context)
    for (const beneficiary of losersBy(payload, row, context)) {
      refuseWithoutConsent(context, beneficiary, amendTerms(guarantee, version, amount, end))
    }
  },
  next(payload, context, before) {
    const { row } = before!
    const { guarantee, document, version } = payload
    const { amount, end } = amendedOf(payload, row)
    registerNumber(guarantee, document, context)
    // What an annual guarantee promised for a tender it goes on promising for that one, though its own term be cut short.
    if (end > row.end || row.kind !== 'annual') {
      for (const { key } of liveUses(context.state, guarantee, context.blockTime)) useLife.touch(context, key, { end })
    }
    return { amount, end, document: hashText(document), version }
  },
  subjects: (payload) => ({ ...subjectsOf(payload), hashes: [hashText(payload.document)] }),
})

const amendedOf = (payload: Amend, row: GuaranteeRow): { readonly amount: bigint; readonly end: number } => ({
  amount: payload.amount === undefined ? row.amount : sumIn(row.currency, payload.amount, '/amount'),
  end: payload.end === undefined ? row.end : timeOf(payload.end),
})

/** Beneficiaries to whom the amendment leaves less, or for less long. */
function losersBy(payload: Amend, row: GuaranteeRow, context: RuleContext): readonly string[] {
  const { amount, end } = amendedOf(payload, row)
  const isLess = amount < row.amount || (end < row.end && row.kind !== 'annual')
  return isLess ? beneficiariesOf(payload.guarantee, row, context) : []
}

function beneficiariesOf(guarantee: GuaranteeIdentity, row: GuaranteeRow, context: RuleContext): readonly string[] {
  const inUse = liveUses(context.state, guarantee, context.blockTime).map(({ use }) => use.row.beneficiary)
  return Array.from(new Set([...(row.beneficiary === null ? [] : [row.beneficiary]), ...inUse]))
}

/** A guarantee whose use is claimed, released or paid has nothing left to amend or void; an annual one has its other uses. */
function refuseSettledUse(guarantee: GuaranteeIdentity, row: GuaranteeRow, event: string, context: RuleContext): void {
  if (row.kind === 'annual') return
  for (const key of everyUse(context.state, guarantee)) useLife.before(context, key, event)
}

/** So that an amendment stands in the timeline of the tender that it is about. */
function refuseOtherTender({ tender }: OnGuarantee, row: GuaranteeRow): void {
  const named = tender === undefined ? [] : tenderKey(tender)
  if (named.length === row.tender.length && named.every((part, at) => part === row.tender[at])) return
  throw refuse('guarantee.other-tender', '/tender', '不是保函所涉的项目', 'is not the tender of the guarantee')
}

// ---- void ----------------------------------------------------------------------------------------------------------------------------

const voiding = guaranteeLife.step<OnGuarantee & { readonly reason: string }>({
  name: 'guarantee.void',
  version: 1,
  title: { zh: '作废保函', en: 'Void a guarantee' },
  law,
  schema: {
    properties: { guarantee: guaranteeField, tender: tenderField, reason: wordsField('原因', 'Reason', 256) },
    required: ['guarantee', 'reason'],
  },
  roles: ['guarantee-issuer'],
  key: ({ guarantee }) => guaranteeKey(guarantee),
  check(payload, context, before) {
    const { row } = before!
    const { guarantee } = payload
    refuseUnlistedIssuer(guarantee.issuer, context)
    refuseOtherTender(payload, row)
    refuseSettledUse(guarantee, row, 'guarantee.void', context)
    if (row.kind === 'annual' || context.blockTime <= deadlineOf(row, context)) return
    for (const beneficiary of beneficiariesOf(guarantee, row, context)) {
      refuseWithoutConsent(context, beneficiary, voidTerms(guarantee))
    }
  },
  next({ guarantee }, context, before) {
    // An annual one is used no further; what it was used for stays as it is.
    if (before!.row.kind !== 'annual') {
      for (const { key } of liveUses(context.state, guarantee, context.blockTime)) {
        useLife.move(context, key, 'guarantee.void', {})
      }
    }
    return {}
  },
  subjects: subjectsOf,
})

/** Judged in block time: an issuer that could say when it voided would say "before the deadline". */
function deadlineOf({ tender, deadline }: GuaranteeRow, context: RuleContext): number {
  const identity = tenderOf(tender)
  const known = identity === undefined ? null : (tenderAt(context, identity)?.row.deadline ?? null)
  return known ?? deadline ?? 0
}

// ---- consent -------------------------------------------------------------------------------------------------------------------------

const amendTerms = ({ issuer, number }: GuaranteeIdentity, version: number, amount: bigint, end: number): Key => [
  'guarantee.amend',
  issuer,
  number,
  String(version),
  String(amount),
  String(end),
]
const voidTerms = ({ issuer, number }: GuaranteeIdentity): Key => ['guarantee.void', issuer, number]
export const releaseTerms = (use: Parameters<typeof useKey>[0]): Key => ['guarantee.release', ...useKey(use)]

/** @throws {Refusal} guarantee.consent-missing */
export function refuseWithoutConsent(context: RuleContext, beneficiary: string, terms: Key): void {
  if (context.statement.party === beneficiary || hasConsent(context, beneficiary, terms)) return
  throw new Refusal('guarantee.consent-missing', `${beneficiary} has not agreed to ${terms.join(' ')}`)
}

interface Consent extends OnGuarantee {
  readonly step: 'guarantee.amend' | 'guarantee.void' | 'guarantee.release'
  readonly section?: string
  readonly version?: number
  readonly amount?: Money
  readonly end?: string
  readonly until?: string
}

const consent: StatementType = {
  name: 'guarantee.consent',
  version: 1,
  title: { zh: '受益人同意', en: 'Consent of the beneficiary' },
  law: {
    zh: '《民法典》第五百四十三条：变更合同须经协商一致；担保的减少、期限的缩短、提前解除须受益人同意。',
    en: 'Civil Code art. 543: a contract is changed by agreement; less security, for less long, or given back early, needs the beneficiary.',
  },
  schema: {
    properties: {
      guarantee: guaranteeField,
      step: named('所同意的步骤', 'Step agreed to', {
        description: 'guarantee.amend 变更, guarantee.void 作废, guarantee.release 解除',
        type: 'string',
        enum: ['guarantee.amend', 'guarantee.void', 'guarantee.release'],
      }),
      tender: tenderField,
      section: codeField('标段', 'Section'),
      version: named('变更后的版本', 'Version that the amendment makes', {
        type: 'integer',
        minimum: 2,
        maximum: 1_000_000,
      }),
      amount: moneyField('变更后的金额', 'Amount from then on'),
      end: timeField('变更后的失效时间', 'Ends from then on'),
      until: consentUntilField,
    },
    required: ['guarantee', 'step'],
  },
  roles: 'any',
  refusals: {
    'guarantee.consent-malformed': {
      zh: {
        title: '同意的内容不完整',
        cause: '同意变更须写明版本，不写标段；同意解除须写明项目；同意作废不写版本、金额与期限。',
        remedy: '请核对 step 与 version、amount、end、tender、section。',
      },
      en: {
        title: 'Malformed consent',
        cause:
          'Consent to an amendment names its version and no section, to a release the tender; to voiding no version, amount or end.',
        remedy: 'Compare step with version, amount, end, tender and section.',
      },
    },
  },
  check(fields, context) {
    const payload = fields as unknown as Consent
    refuseFalseVoice(context)
    const { row } = guaranteeOf(payload.guarantee, context)
    refuseMalformedConsent(payload)
    const { party } = context.statement
    const beneficiaries = beneficiariesOf(payload.guarantee, row, context)
    if (!beneficiaries.includes(party)) throw new Refusal('guarantee.not-beneficiary', `${party} is no beneficiary`)
    termsOf(payload, row)
  },
  apply(fields, context) {
    const payload = fields as unknown as Consent
    const { row } = guaranteeOf(payload.guarantee, context)
    giveConsent(context, termsOf(payload, row), payload.until === undefined ? null : timeOf(payload.until))
  },
  subjects(fields: JsonObject) {
    const payload = fields as unknown as Consent
    const subjects = subjectsOf(payload)
    return { ...subjects, subjects: [guaranteeSubject(payload.guarantee), ...subjects.subjects] }
  },
}

function guaranteeOf(guarantee: GuaranteeIdentity, context: RuleContext): GuaranteeInstance {
  const instance = guaranteeLife.at(context.state, guaranteeKey(guarantee), context.blockTime)
  if (instance === undefined) {
    throw new Refusal('guarantee.unknown', `there is no ${guaranteeSubject(guarantee)}`)
  }
  return instance
}

function refuseMalformedConsent({ step, tender, section, version, amount, end }: Consent): void {
  const code = 'guarantee.consent-malformed'
  const isAmendment = step === 'guarantee.amend'
  if (isAmendment !== (version !== undefined)) throw refuse(code, '/version', '与步骤不符', 'does not go with the step')
  if (!isAmendment && amount !== undefined) throw refuse(code, '/amount', '与步骤不符', 'does not go with the step')
  if (!isAmendment && end !== undefined) throw refuse(code, '/end', '与步骤不符', 'does not go with the step')
  if (step === 'guarantee.release' && tender === undefined) throw refuse(code, '/tender', '缺少', 'is missing')
  if (step !== 'guarantee.release' && section !== undefined) {
    throw refuse(code, '/section', '与步骤不符', 'does not go with the step')
  }
}

/** What is left out of an amendment stays as it is. */
function termsOf(payload: Consent, row: GuaranteeRow): Key {
  const { step, guarantee, tender, section, version, amount, end } = payload
  if (step === 'guarantee.void') return voidTerms(guarantee)
  if (step === 'guarantee.release')
    return releaseTerms({ guarantee, tender: tender!, ...(section === undefined ? {} : { section }) })
  return amendTerms(
    guarantee,
    version!,
    amount === undefined ? row.amount : sumIn(row.currency, amount, '/amount'),
    end === undefined ? row.end : timeOf(end),
  )
}

export const amendTypes: readonly StatementType[] = [amend, voiding, consent]
