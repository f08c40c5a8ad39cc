/**
 * Data sharing between centres (交易数据共享): which data somebody holds, on which terms, who asked for them, and until when the holder let them.
 * The data never come here; their hash does, so that whoever receives them can tell that they are the ones offered. Two lives:
 *
 *   a dataset    none → offered → offered (next version) → withdrawn
 *   a request    none → asked → granted → lapsed (by clock, at its end)
 *                             → refused       asked, granted → ended (either side)
 *
 * A grant is for the version that was asked for, under the terms of that version; a request never outlives the term the holder set.
 */
import { Refusal } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { Lifecycle } from './lifecycle.ts'
import { type Role, readKey, roles } from './register.ts'
import type { Family, RuleContext } from './statement-type.ts'
import { type Key, list, natural, optional, text, time } from './table.ts'
import {
  codeField,
  type DocumentHash,
  enumField,
  hashField,
  hashText,
  named,
  object,
  partyField,
  refuse,
  regionField,
  timeField,
  timeOf,
  wordsField,
} from './values.ts'

export const datasetLife = new Lifecycle({
  name: 'dataset',
  title: { zh: '数据集', en: 'dataset' },
  states: {
    offered: { zh: '可申请', en: 'Offered' },
    withdrawn: { zh: '已撤下', en: 'Withdrawn' },
  },
  columns: {
    version: natural,
    data: text,
    terms: text,
    /** Roles and parties that may ask; both empty: whoever has a registered key. */
    askRoles: list(text),
    askParties: list(text),
  },
  byRecord: [
    { on: 'dataset.offer', from: ['none'], to: 'offered' },
    { on: 'dataset.update', from: ['offered'], to: 'offered' },
    { on: 'dataset.withdraw', from: ['offered'], to: 'withdrawn' },
  ],
  byClock: [],
})

export const datasetRequestLife = new Lifecycle({
  name: 'dataset-request',
  title: { zh: '数据共享申请', en: 'request for a dataset' },
  states: {
    asked: { zh: '已申请', en: 'Asked' },
    granted: { zh: '已同意', en: 'Granted' },
    refused: { zh: '已拒绝', en: 'Refused' },
    lapsed: { zh: '授权到期', en: 'Lapsed' },
    ended: { zh: '已终止', en: 'Ended' },
  },
  columns: {
    /** Of the dataset, as asked for. */
    version: natural,
    purpose: text,
    until: optional(time),
  },
  byRecord: [
    { on: 'dataset-request.ask', from: ['none'], to: 'asked' },
    { on: 'dataset-request.answer', from: ['asked'], to: ['granted', 'refused'] },
    { on: 'dataset-request.end', from: ['asked', 'granted'], to: 'ended' },
  ],
  byClock: [{ from: ['granted'], at: 'until', to: 'lapsed', title: { zh: '授权期满', en: 'The grant ends' } }],
})

interface Signed {
  readonly party: string
}

/** The holder is whoever offered it: one holder's codes are its own, and nobody can take another's. */
interface DatasetIdentity {
  readonly holder: string
  readonly code: string
}

interface Offer extends Signed {
  readonly code: string
  readonly region?: string
  readonly data: DocumentHash
  readonly terms: DocumentHash
  readonly askRoles?: readonly Role[]
  readonly askParties?: readonly string[]
}

interface Update extends Offer {
  readonly version: number
}

interface Ask extends Signed {
  readonly dataset: DatasetIdentity
  readonly version: number
  readonly number: string
  readonly purpose: DocumentHash
}

interface Answer extends Signed {
  readonly asker: string
  readonly code: string
  readonly number: string
  readonly outcome: 'granted' | 'refused'
  readonly until?: string
}

interface End extends Signed {
  readonly asker: string
  readonly dataset: DatasetIdentity
  readonly number: string
}

const law = {
  zh: '数据安全法第五章（政务数据安全与开放）；十市《公共资源交易区块链平台共享协议》之“交易数据共享”。',
  en: 'Data Security Law chapter 5 (government data); “sharing of trading data” of the agreement of the ten cities.',
}
const datasetField = named(
  '数据集',
  'Dataset',
  object({ holder: partyField('持有人', 'Holder'), code: codeField('数据集编号', 'Dataset code') }, ['holder', 'code']),
)
const numberField = codeField('申请编号（申请人自编）', "Request number, the asker's own")
const versionField = named('版本', 'Version', { type: 'integer', minimum: 1, maximum: 1_000_000 })
const dataFields = {
  code: codeField('数据集编号', 'Dataset code'),
  title: wordsField('名称', 'Title', 128),
  region: regionField,
  data: hashField('数据哈希', 'Hash of the data'),
  terms: hashField('共享条件文件哈希', 'Hash of the terms'),
  termsInWords: wordsField('共享条件摘要', 'Terms in short', 256),
  askRoles: named('可申请的角色', 'Roles that may ask', {
    description: '与 askParties 都不填则不限 / with no askParties either: anybody',
    type: 'array',
    minItems: 1,
    maxItems: roles.length,
    items: enumField('角色', 'Role', roles),
  }),
  askParties: named('可申请的主体', 'Parties that may ask', {
    type: 'array',
    minItems: 1,
    maxItems: 64,
    items: partyField('主体', 'Party'),
  }),
}
const dataRequired = ['code', 'title', 'data', 'terms', 'termsInWords']
const holders = ['centre', 'sub-centre', 'trading-platform', 'agency', 'supervisor', 'guarantee-issuer'] as const

const offered = ({ data, terms, askRoles = [], askParties = [] }: Offer) => ({
  data: hashText(data),
  terms: hashText(terms),
  askRoles,
  askParties,
})
const subjectsOfOffer = ({ region, data, terms, askParties = [] }: Offer) => ({
  parties: askParties,
  ...(region === undefined ? {} : { region }),
  hashes: [hashText(data), hashText(terms)],
})

const offer = datasetLife.step<Offer>({
  name: 'dataset.offer',
  version: 1,
  title: { zh: '登记可共享数据集', en: 'Offer a dataset' },
  law,
  schema: { properties: dataFields, required: dataRequired },
  roles: holders,
  key: ({ party, code }) => [party, code],
  next: (payload) => ({ ...offered(payload), version: 1 }),
  subjects: subjectsOfOffer,
})

const update = datasetLife.step<Update>({
  name: 'dataset.update',
  version: 1,
  title: { zh: '更新数据集', en: 'Update a dataset' },
  law,
  schema: { properties: { ...dataFields, version: versionField }, required: [...dataRequired, 'version'] },
  roles: holders,
  refusals: {
    'dataset.version-gap': {
      zh: { title: '版本不连续', cause: '新版本号须为现版本加一。', remedy: '请查询数据集的现版本。' },
      en: {
        title: 'Gap in the versions',
        cause: 'The new version is the present one and one more.',
        remedy: 'Look up the dataset’s present version.',
      },
    },
  },
  key: ({ party, code }) => [party, code],
  check({ version }, _, before) {
    if (version !== before!.row.version + 1) {
      throw refuse('dataset.version-gap', '/version', `须为 ${before!.row.version + 1}`, 'is not the next one')
    }
  },
  next: (payload) => ({ ...offered(payload), version: payload.version }),
  subjects: subjectsOfOffer,
})

const withdraw = datasetLife.step<Signed & { readonly code: string }>({
  name: 'dataset.withdraw',
  version: 1,
  title: { zh: '撤下数据集', en: 'Withdraw a dataset' },
  law,
  schema: {
    properties: { code: dataFields.code, reason: wordsField('原因', 'Reason', 256) },
    required: ['code', 'reason'],
  },
  roles: holders,
  key: ({ party, code }) => [party, code],
  next: () => ({}),
  subjects: () => ({ parties: [] }),
})

const requestKey = (asker: string, { holder, code }: DatasetIdentity, number: string): Key => [
  asker,
  holder,
  code,
  number,
]

/** The dataset in the version asked for, as long as it is offered. */
function refuseUnlessOffered(dataset: DatasetIdentity, version: number, context: RuleContext): void {
  const instance = datasetLife.at(context.state, [dataset.holder, dataset.code], context.blockTime)
  if (instance?.state !== 'offered') {
    throw new Refusal('dataset-request.not-offered', `${dataset.code} of ${dataset.holder} is not offered`)
  }
  if (instance.row.version !== version) {
    const detail = `version ${instance.row.version} is offered, not ${version}`
    throw new Refusal('dataset-request.other-version', detail)
  }
}

const ask = datasetRequestLife.step<Ask>({
  name: 'dataset-request.ask',
  version: 1,
  title: { zh: '申请使用数据集', en: 'Ask for a dataset' },
  law,
  schema: {
    properties: {
      dataset: datasetField,
      version: versionField,
      number: numberField,
      purpose: hashField('用途说明哈希', 'Hash of the purpose'),
      purposeInWords: wordsField('用途摘要', 'Purpose in short', 256),
    },
    required: ['dataset', 'version', 'number', 'purpose'],
  },
  roles: 'any',
  refusals: {
    'dataset-request.not-entitled': {
      zh: {
        title: '不在可申请范围内',
        cause: '数据集限定了可申请的角色与主体，签名密钥的角色与主体都不在其中。',
        remedy: '请查询数据集的共享条件，或与持有人协商更新。',
      },
      en: {
        title: 'Not among those who may ask',
        cause: 'The dataset names roles and parties that may ask; the signing key has none of them.',
        remedy: 'Look up the terms of the dataset, or ask its holder to change them.',
      },
    },
  },
  key: ({ party, dataset, number }) => requestKey(party, dataset, number),
  check({ party, dataset, version }, context) {
    refuseUnlessOffered(dataset, version, context)
    const { askRoles, askParties } = datasetLife.at(
      context.state,
      [dataset.holder, dataset.code],
      context.blockTime,
    )!.row
    if (askRoles.length + askParties.length === 0 || askParties.includes(party)) return
    const held = readKey(context.state, context.statement.kid)?.roles ?? []
    if (held.some((role) => askRoles.includes(role))) return
    throw new Refusal('dataset-request.not-entitled', `${party} is not among those who may ask for ${dataset.code}`)
  },
  next: ({ version, purpose }) => ({ version, purpose: hashText(purpose), until: null }),
  subjects: ({ dataset, purpose }) => ({
    parties: [dataset.holder],
    subjects: [datasetLife.subject([dataset.holder, dataset.code])],
    hashes: [hashText(purpose)],
  }),
})

const answer = datasetRequestLife.step<Answer>({
  name: 'dataset-request.answer',
  version: 1,
  title: { zh: '答复数据共享申请', en: 'Answer a request for a dataset' },
  law,
  schema: {
    properties: {
      asker: partyField('申请人', 'Asker'),
      code: dataFields.code,
      number: numberField,
      outcome: enumField('答复', 'Answer', ['granted', 'refused']),
      until: timeField('授权截止', 'Granted until'),
      reason: wordsField('理由', 'Reason', 256),
    },
    required: ['asker', 'code', 'number', 'outcome'],
  },
  roles: holders,
  refusals: {
    'dataset-request.bad-term': {
      zh: {
        title: '授权期限有误',
        cause: '同意须写明晚于区块时间的截止时间；拒绝不得写截止时间。',
        remedy: '请核对 outcome 与 until。',
      },
      en: {
        title: 'Bad term of a grant',
        cause: 'A grant says until when, after block time; a refusal has no term.',
        remedy: 'Compare outcome and until.',
      },
    },
  },
  // The signer is the holder: somebody else's answer is about a request that does not exist.
  key: ({ party, asker, code, number }) => requestKey(asker, { holder: party, code }, number),
  check({ party, code, outcome, until }, context, before) {
    const end = until === undefined ? undefined : timeOf(until)
    if (outcome === 'refused') {
      if (end !== undefined) throw refuse('dataset-request.bad-term', '/until', '拒绝无期限', 'a refusal has no term')
      return
    }
    if (end === undefined || end <= context.blockTime) {
      const now = formatTime(context.blockTime)
      throw refuse('dataset-request.bad-term', '/until', `须晚于 ${now}`, `must be after ${now}`)
    }
    refuseUnlessOffered({ holder: party, code }, before!.row.version, context)
  },
  next: ({ outcome, until }) => ({ state: outcome, until: until === undefined ? null : timeOf(until) }),
  subjects: ({ party, asker, code }) => ({ parties: [asker], subjects: [datasetLife.subject([party, code])] }),
})

const end = datasetRequestLife.step<End>({
  name: 'dataset-request.end',
  version: 1,
  title: { zh: '终止申请或授权', en: 'End a request or a grant' },
  law,
  schema: {
    properties: {
      asker: partyField('申请人', 'Asker'),
      dataset: datasetField,
      number: numberField,
      reason: wordsField('原因', 'Reason', 256),
    },
    required: ['asker', 'dataset', 'number', 'reason'],
  },
  roles: 'any',
  refusals: {
    'dataset-request.not-its-party': {
      zh: { title: '不是申请的当事方', cause: '只有申请人与持有人可以终止。', remedy: '请由申请人或持有人提交。' },
      en: {
        title: 'Neither asker nor holder',
        cause: 'Only the asker and the holder end a request or a grant.',
        remedy: 'Have one of them submit this.',
      },
    },
  },
  key: ({ asker, dataset, number }) => requestKey(asker, dataset, number),
  check({ party, asker, dataset }) {
    if (party === asker || party === dataset.holder) return
    throw new Refusal('dataset-request.not-its-party', `${party} is neither asker nor holder`)
  },
  next: () => ({}),
  subjects: ({ asker, dataset }) => ({
    parties: [asker, dataset.holder],
    subjects: [datasetLife.subject([dataset.holder, dataset.code])],
  }),
})

export const dataSharing: Family = {
  name: 'data-sharing',
  title: { zh: '数据共享', en: 'Data sharing' },
  purpose: {
    zh: '十市协议四项内容之一“交易数据共享”。账本上只有数据集的哈希、持有人、共享条件与可申请范围，以及谁为何申请、持有人同意到何时；数据本身在双方之间传递，收到的一方用哈希核对是否就是登记的那一份。授权按区块时间到期；期满后的使用属违约，账本能证明期限，不能阻止使用。',
    en: 'One of the four parts of the ten cities’ agreement. On the ledger are a dataset’s hash, its holder, its terms and who may ask; who asked, for which purpose, and until when the holder agreed. The data go from one to the other elsewhere, and the receiver compares the hash. A grant lapses by block time; the ledger proves the term, it cannot stop a use beyond it.',
  },
  types: [offer, update, withdraw, ask, answer, end],
  lifecycles: [datasetLife, datasetRequestLife],
  refusals: {
    'dataset-request.not-offered': {
      zh: {
        title: '数据集不可申请',
        cause: '该持有人没有这个编号的数据集，或已撤下。',
        remedy: '请核对持有人与编号，并查询数据集状态。',
      },
      en: {
        title: 'Dataset not offered',
        cause: 'The holder has no dataset of this code, or has withdrawn it.',
        remedy: 'Check holder and code, and look up the dataset.',
      },
    },
    'dataset-request.other-version': {
      zh: {
        title: '版本已变',
        cause: '数据集现行版本与申请的版本不同，共享条件可能已变。',
        remedy: '请按现行版本重新申请。',
      },
      en: {
        title: 'Another version is offered',
        cause: 'The dataset’s present version is not the one asked for; its terms may have changed.',
        remedy: 'Ask for the present version.',
      },
    },
  },
}
