/**
 * Financing on an award (中标贷、合同融资): the supplier pledges what its contract will bring in (应收账款质押) to whoever lends on it. The ledger
 * keeps the sums together: all pledges of one receivable, and what was collected under them, never exceed the contract, whichever
 * members and lenders they came through. The right itself arises by registration with the credit centre of the People's Bank
 * (民法典 art. 445), not here; its number is carried, and its truth is not checked.
 */
import { Refusal } from '../refusal.ts'
import { consentUntilField, giveConsent, hasConsent } from './consent.ts'
import { livePledgesMax, pledgeRefusals } from './financing-words.ts'
import { Lifecycle } from './lifecycle.ts'
import { readKey } from './register.ts'
import type { Family, RuleContext, StatementType } from './statement-type.ts'
import { decimalOf, type Key, list, millionths, optional, table, text, time } from './table.ts'
import { type TenderIdentity, tenderKey, tenderSubject } from './tender-identity.ts'
import { refuseBeforeTenderOpening, tenderAt } from './tender-life.ts'
import { stepOf } from './tender-record.ts'
import {
  codeField,
  type DocumentHash,
  hashField,
  hashText,
  type Money,
  moneyField,
  named,
  namedPartyField,
  object,
  partyField,
  refuse,
  sumOf,
  tenderField,
  timeField,
  timeOf,
} from './values.ts'

export const pledgeLife = new Lifecycle({
  name: 'pledge',
  title: { zh: '应收账款质押', en: 'pledge' },
  states: {
    pledged: { zh: '质押中', en: 'Pledged' },
    released: { zh: '已解除', en: 'Released' },
    enforced: { zh: '已实现', en: 'Enforced' },
    lapsed: { zh: '期满失效', en: 'Lapsed' },
  },
  columns: {
    pledgee: text,
    /** Owner, scheme and code of the tender, the section or '', and the pledgor: whose receivable under which contract. */
    receivable: list(text),
    currency: text,
    amount: millionths,
    end: time,
    /** Collected by enforcing it. */
    collected: optional(millionths),
  },
  byRecord: [
    { on: 'pledge.make', from: ['none'], to: 'pledged' },
    { on: 'pledge.release', from: ['pledged'], to: 'released' },
    { on: 'pledge.enforce', from: ['pledged'], to: 'enforced' },
  ],
  byClock: [{ from: ['pledged'], at: 'end', to: 'lapsed', title: { zh: '质押期满', en: 'The term ends' } }],
})

/** What a contract brings in to one supplier, and what hangs on it. */
const receivables = table('receivable', {
  /** Of the contract: its document, and its amount; as the first pledge said, unless the tender's own record knows. */
  contract: text,
  currency: text,
  amount: millionths,
  /** Under all pledges that were enforced. */
  collected: millionths,
  /** Keys of the pledges that were live when the last was made. */
  pledges: list(list(text)),
})

interface Place {
  readonly tender: TenderIdentity
  readonly section?: string
}

interface Make extends Place {
  /** The signing party, which is the pledgor; a common field. */
  readonly party: string
  readonly number: string
  readonly contract: { readonly document: DocumentHash; readonly amount: Money }
  readonly pledgee: { readonly party: string }
  readonly amount: Money
  readonly end: string
  readonly document: DocumentHash
}

interface OnPledge extends Place {
  readonly pledge: { readonly pledgor: string; readonly number: string }
  readonly document?: DocumentHash
}

const law = {
  zh: '《民法典》第四百四十条第六项、第四百四十五条（应收账款质押自登记时设立）；《保障中小企业款项支付条例》。',
  en: 'Civil Code arts. 440 (6) and 445 (a pledge of receivables arises by registration); Regulations on payments to small and medium enterprises.',
}

const pledgeField = named(
  '质押',
  'Pledge',
  object({ pledgor: partyField('出质人', 'Pledgor'), number: codeField('质押编号', 'Number') }, ['pledgor', 'number']),
)
const placeFields = { tender: tenderField, section: codeField('标段', 'Section') }
const termsFields = {
  amount: moneyField('质押金额', 'Amount pledged'),
  end: timeField('质押到期', 'Ends'),
}

const receivableOf = ({ tender, section = '' }: Place, pledgor: string): Key => [...tenderKey(tender), section, pledgor]
const termsOf = (pledgor: string, number: string, place: Place, { amount, end }: Pick<Make, 'amount' | 'end'>): Key => [
  'pledge.make',
  pledgor,
  number,
  ...receivableOf(place, pledgor),
  amount.currency,
  String(sumOf(amount)),
  String(timeOf(end)),
]
const aboutTender = ({ tender }: Place, ...parties: readonly string[]) => ({
  owner: tender.owner,
  tender: tender.code,
  parties: Array.from(new Set([tender.owner, ...parties])),
  subjects: [tenderSubject(tender)],
})

// ---- make --------------------------------------------------------------------------------------------------------------------------

const make = pledgeLife.step<Make>({
  name: 'pledge.make',
  version: 1,
  title: { zh: '出质应收账款', en: 'Pledge a receivable' },
  law,
  schema: {
    properties: {
      number: codeField('质押编号', 'Number'),
      ...placeFields,
      contract: named(
        '合同',
        'Contract',
        object(
          { document: hashField('合同哈希', 'Hash of the contract'), amount: moneyField('合同金额', 'Its amount') },
          ['document', 'amount'],
        ),
      ),
      pledgee: namedPartyField('质权人', 'Pledgee', ['party']),
      ...termsFields,
      registration: codeField('动产融资统一登记编号', 'Number of the registration'),
      document: hashField('质押合同哈希', 'Hash of the agreement'),
    },
    required: ['number', 'tender', 'contract', 'pledgee', 'amount', 'end', 'document'],
  },
  roles: 'any',
  key: ({ party, number }) => [party, number],
  check(payload, context) {
    const { party, number, pledgee, amount, tender } = payload
    refuseBeforeTenderOpening(tender, context)
    refuseUnlisted(context)
    refuseTerms(payload, context)
    if (pledgee.party === party) throw refuse('pledge.self', '/pledgee/party', '与出质人相同', 'is the pledgor')
    if (!hasConsent(context, pledgee.party, termsOf(party, number, payload, payload))) {
      throw new Refusal('pledge.consent-missing', `${pledgee.party} has not agreed to this pledge`)
    }
    refuseOtherContract(payload, context)
    const receivable = receivables.read(context.state, receivableOf(payload, party))
    const live = livePledges(receivable?.pledges ?? [], context)
    if (live.length >= livePledgesMax) throw new Refusal('pledge.too-many', `${live.length} pledges are live`)
    const bound = live.reduce((sum, { row }) => sum + row.amount, receivable?.collected ?? 0n)
    const remains = sumOf(payload.contract.amount) - bound
    if (sumOf(amount) > remains) {
      const left = decimalOf(remains > 0n ? remains : 0n)
      throw refuse('pledge.above-remains', '/amount', `超过余额 ${left}`, `is above the ${left} that remain`)
    }
  },
  next(payload, context) {
    const { party, number, contract, pledgee, amount, end } = payload
    const key = receivableOf(payload, party)
    const before = receivables.read(context.state, key)
    const live = livePledges(before?.pledges ?? [], context)
    receivables.write(context.state, key, {
      contract: hashText(contract.document),
      currency: contract.amount.currency,
      amount: sumOf(contract.amount),
      collected: before?.collected ?? 0n,
      pledges: [...live.map((pledge) => pledge.key), [party, number]],
    })
    return {
      pledgee: pledgee.party,
      receivable: key,
      currency: amount.currency,
      amount: sumOf(amount),
      end: timeOf(end),
      collected: null,
    }
  },
  subjects: (payload) => ({
    ...aboutTender(payload, payload.pledgee.party),
    hashes: [hashText(payload.document), hashText(payload.contract.document)],
  }),
})

/** Of these, the pledges that bind the receivable at block time. */
function livePledges(keys: readonly Key[], { state, blockTime }: RuleContext) {
  return keys.flatMap((key) => {
    const pledge = pledgeLife.at(state, key, blockTime)
    return pledge?.state === 'pledged' ? [{ key, row: pledge.row }] : []
  })
}

/** Money is moved by these: the word of one member is not enough for either side. */
function refuseUnlisted({ state, statement }: RuleContext): void {
  if (readKey(state, statement.kid)?.agreed === true) return
  throw new Refusal('pledge.party-not-listed', 'only one member vouches for the key')
}

function refuseTerms({ amount, end }: Pick<Make, 'amount' | 'end'>, { blockTime }: RuleContext): void {
  if (sumOf(amount) === 0n) throw refuse('pledge.no-amount', '/amount/amount', '须大于零', 'must be above zero')
  if (timeOf(end) <= blockTime) throw refuse('pledge.term-past', '/end', '不晚于区块时间', 'is not after block time')
}

/** The contract's own record where the ledger has it, else what earlier pledges of this receivable said. */
function refuseOtherContract(payload: Make, context: RuleContext): void {
  const { party, contract, amount, tender } = payload
  const code = 'pledge.contract-differs'
  const said = {
    contract: hashText(contract.document),
    currency: contract.amount.currency,
    amount: sumOf(contract.amount),
  }
  if (amount.currency !== said.currency) throw refuse(code, '/amount/currency', '币种不同', 'is another currency')
  const record =
    tenderAt(context, tender) === undefined
      ? undefined
      : stepOf('contract', { ...payload, publishedAt: '', document: contract.document }, context)
  if (record !== undefined) {
    const contractors = record.parties.flatMap(([id]) => (id === undefined || id === '' ? [] : [id]))
    if (contractors.length > 0 && !contractors.includes(party)) {
      throw new Refusal(
        'pledge.not-creditor',
        `the contract in record ${record.index} is with ${contractors.join(', ')}`,
      )
    }
    if (record.document !== said.contract) {
      throw refuse(code, '/contract/document', '不是合同记录中的文件', `is not that of record ${record.index}`)
    }
    if (record.amount !== null) {
      if (said.currency === 'CNY' && record.amount === said.amount) return
      throw refuse(code, '/contract/amount', '不是合同记录中的金额', `is not that of record ${record.index}`)
    }
  }
  const known = receivables.read(context.state, receivableOf(payload, party))
  if (known === undefined) return
  for (const field of ['contract', 'currency', 'amount'] as const) {
    if (known[field] !== said[field])
      throw refuse(code, '/contract', '与此前的质押不同', 'is not that of an earlier pledge')
  }
}

// ---- release and enforce -----------------------------------------------------------------------------------------------------------

const onPledgeFields = { pledge: pledgeField, ...placeFields }
const keyOf = ({ pledge }: OnPledge): Key => [pledge.pledgor, pledge.number]
const subjectsOf = (payload: OnPledge) => ({
  ...aboutTender(payload, payload.pledge.pledgor),
  ...(payload.document === undefined ? {} : { hashes: [hashText(payload.document)] }),
})

function refuseOtherPledgee(
  payload: OnPledge,
  { pledgee, receivable }: { readonly pledgee: string; readonly receivable: Key },
  context: RuleContext,
): void {
  refuseUnlisted(context)
  if (context.statement.party !== pledgee) throw new Refusal('pledge.other-pledgee', `${pledgee} is the pledgee`)
  const place = receivableOf(payload, payload.pledge.pledgor)
  if (place.some((part, at) => part !== receivable[at])) {
    throw refuse('pledge.other-tender', '/tender', '不是所质押合同的项目', 'is not the tender of the contract')
  }
}

const release = pledgeLife.step<OnPledge>({
  name: 'pledge.release',
  version: 1,
  title: { zh: '解除质押', en: 'Release a pledge' },
  law,
  schema: {
    properties: { ...onPledgeFields, document: hashField('解除文件哈希', 'Hash of the release') },
    required: ['pledge', 'tender'],
  },
  roles: 'any',
  key: keyOf,
  check: (payload, context, before) => refuseOtherPledgee(payload, before!.row, context),
  next: () => ({}),
  subjects: subjectsOf,
})

const enforce = pledgeLife.step<OnPledge & { readonly amount: Money }>({
  name: 'pledge.enforce',
  version: 1,
  title: { zh: '实现质权', en: 'Enforce a pledge' },
  law: {
    zh: '《民法典》第四百三十六条第二款、第四百四十六条：债务人不履行到期债务的，质权人可以就质押财产优先受偿。',
    en: 'Civil Code arts. 436 (2), 446: when the debt is not paid, the pledgee is paid first out of what was pledged.',
  },
  schema: {
    properties: {
      ...onPledgeFields,
      amount: moneyField('受偿金额', 'Amount collected'),
      document: hashField('受偿凭证哈希', 'Hash of the voucher'),
    },
    required: ['pledge', 'tender', 'amount', 'document'],
  },
  roles: 'any',
  key: keyOf,
  check(payload, context, before) {
    const { row } = before!
    refuseOtherPledgee(payload, row, context)
    const collected = sumOf(payload.amount)
    if (collected === 0n) throw refuse('pledge.no-amount', '/amount/amount', '须大于零', 'must be above zero')
    if (payload.amount.currency !== row.currency || collected > row.amount) {
      throw refuse(
        'pledge.above-pledged',
        '/amount',
        '高于质押金额或币种不同',
        'is more than was pledged, or not in its currency',
      )
    }
  },
  next(payload, context, before) {
    const { receivable } = before!.row
    const collected = sumOf(payload.amount)
    const of = receivables.read(context.state, receivable)!
    receivables.write(context.state, receivable, { ...of, collected: of.collected + collected })
    return { collected }
  },
  subjects: subjectsOf,
})

// ---- consent -----------------------------------------------------------------------------------------------------------------------

interface Consent extends OnPledge, Pick<Make, 'amount' | 'end'> {
  readonly until?: string
}

const consent: StatementType = {
  name: 'pledge.consent',
  version: 1,
  title: { zh: '质权人同意', en: 'Consent of the pledgee' },
  law,
  schema: {
    properties: { ...onPledgeFields, ...termsFields, until: consentUntilField },
    required: ['pledge', 'tender', 'amount', 'end'],
  },
  roles: 'any',
  refusals: {},
  check(fields, context) {
    const payload = fields as unknown as Consent
    refuseBeforeTenderOpening(payload.tender, context)
    refuseUnlisted(context)
    refuseTerms(payload, context)
  },
  apply(fields, context) {
    const payload = fields as unknown as Consent
    const { pledge, until } = payload
    const terms = termsOf(pledge.pledgor, pledge.number, payload, payload)
    giveConsent(context, terms, until === undefined ? null : timeOf(until))
  },
  subjects(fields) {
    const payload = fields as unknown as Consent
    const subjects = subjectsOf(payload)
    return { ...subjects, subjects: [pledgeLife.subject(keyOf(payload)), ...subjects.subjects] }
  },
}

export const financing: Family = {
  name: 'financing',
  title: { zh: '合同融资', en: 'Financing on a contract' },
  purpose: {
    zh: '《民法典》第四百四十条、第四百四十五条：供应商以中标合同项下的应收账款出质融资。同一应收账款的全部有效质押与已实现金额合计不超过合同金额，跨成员、跨资金方的重复质押即被拒绝；质押须质权人同意，由质权人解除或实现，期满按时钟失效。质权以中国人民银行征信中心的登记为准，账本不代替登记。',
    en: 'Civil Code arts. 440, 445: a supplier pledges the receivable of the contract it won. All live pledges of one receivable and what was collected under them never exceed the contract, so that pledging twice, across members and lenders, is refused; a pledge needs the pledgee’s consent, is released or enforced by the pledgee, and lapses by clock. The right arises by registration with the credit centre of the People’s Bank, for which the ledger is no substitute.',
  },
  types: [make, release, enforce, consent],
  lifecycles: [pledgeLife],
  refusals: pledgeRefusals,
}
