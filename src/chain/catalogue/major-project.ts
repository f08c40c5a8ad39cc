/**
 * Major projects (重大项目): what is going to be built, for how much, and when it will be tendered, told to everybody at the same time so that no
 * firm hears of it before the others. A record in versions: each is the hash of the whole information as it then stands.
 *
 *   none → announced → announced (next version) → concluded
 *
 * It may be the subject of a joint publication; then both must be about the same text, and a finding says when they are not.
 */
import {
  jointPublicationLife,
  type PublicationIdentity,
  publicationField,
  publicationKey,
} from './joint-publication.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Family, RuleContext } from './statement-type.ts'
import { natural, text } from './table.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  codeField,
  type DocumentHash,
  enumField,
  hashField,
  hashText,
  moneyField,
  named,
  refuse,
  regionField,
  tenderField,
  timeField,
  wordsField,
} from './values.ts'

export const majorProjectLife = new Lifecycle({
  name: 'major-project',
  title: { zh: '重大项目', en: 'major project' },
  states: {
    announced: { zh: '已发布', en: 'Announced' },
    concluded: { zh: '已结束', en: 'Concluded' },
  },
  columns: { version: natural, text: text },
  byRecord: [
    { on: 'major-project.announce', from: ['none'], to: 'announced' },
    { on: 'major-project.update', from: ['announced'], to: 'announced' },
    { on: 'major-project.conclude', from: ['announced'], to: 'concluded' },
  ],
  byClock: [],
})

interface Information {
  readonly party: string
  readonly code: string
  readonly region: string
  readonly text: DocumentHash
  readonly publication?: PublicationIdentity
  readonly tenders?: readonly TenderIdentity[]
}

interface Update extends Information {
  readonly version: number
}

const law = {
  zh: '国办发〔2017〕94 号《关于推进重大建设项目批准和实施领域政府信息公开的意见》；西部联盟合作（2021）之“联合发布重大项目信息”。',
  en: 'Guobanfa [2017] 94 on disclosure for major construction projects; “joint publication of major projects” of the western alliance (2021).',
}
const informationFields = {
  code: codeField('项目编号', 'Code of the project'),
  title: wordsField('项目名称', 'Title', 128),
  region: regionField,
  sector: enumField('领域', 'Sector', [
    'transport',
    'water',
    'energy',
    'municipal',
    'housing',
    'industry',
    'ecology',
    'public-service',
    'other',
  ]),
  investment: moneyField('总投资', 'Total investment'),
  tenderExpectedAt: timeField('预计招标时间', 'Tender expected at'),
  text: hashField('项目信息全文哈希', 'Hash of the whole information'),
  publication: publicationField,
  tenders: named('相关招标项目', 'Its tenders', { type: 'array', minItems: 1, maxItems: 32, items: tenderField }),
}
const informationRequired = ['code', 'title', 'region', 'sector', 'text']
const announcing = ['centre', 'sub-centre', 'trading-platform', 'agency', 'tenderee', 'supervisor'] as const

/** A joint publication that is not on the ledger has no text to differ from. */
function findOtherText({ text: own, publication }: Information, context: RuleContext): void {
  if (publication === undefined) return
  const joint = jointPublicationLife.at(context.state, publicationKey(publication), context.blockTime)
  if (joint === undefined || joint.row.text === hashText(own)) return
  context.find('major-project.differs-from-publication', String(joint.index))
}

const subjectsOf = ({ region, text: whole, publication, tenders = [] }: Information) => ({
  parties: [
    ...(publication === undefined ? [] : [publication.proposer]),
    ...new Set(tenders.map(({ owner }) => owner)),
  ],
  region,
  subjects: [
    ...(publication === undefined ? [] : [jointPublicationLife.subject(publicationKey(publication))]),
    ...tenders.map(tenderSubject),
  ],
  hashes: [hashText(whole)],
})

const announce = majorProjectLife.step<Information>({
  name: 'major-project.announce',
  version: 1,
  title: { zh: '发布重大项目', en: 'Announce a major project' },
  law,
  schema: { properties: informationFields, required: informationRequired },
  roles: announcing,
  key: ({ party, code }) => [party, code],
  next(payload, context) {
    findOtherText(payload, context)
    return { version: 1, text: hashText(payload.text) }
  },
  subjects: subjectsOf,
})

const update = majorProjectLife.step<Update>({
  name: 'major-project.update',
  version: 1,
  title: { zh: '更新重大项目', en: 'Update a major project' },
  law,
  schema: {
    properties: {
      ...informationFields,
      version: named('版本', 'Version', { type: 'integer', minimum: 2, maximum: 1_000_000 }),
    },
    required: [...informationRequired, 'version'],
  },
  roles: announcing,
  refusals: {
    'major-project.version-gap': {
      zh: { title: '版本不连续', cause: '新版本号须为现版本加一。', remedy: '请查询项目的现版本。' },
      en: {
        title: 'Gap in the versions',
        cause: 'The new version is the present one and one more.',
        remedy: 'Look up the project’s present version.',
      },
    },
  },
  key: ({ party, code }) => [party, code],
  check({ version }, _, before) {
    if (version !== before!.row.version + 1) {
      throw refuse('major-project.version-gap', '/version', `须为 ${before!.row.version + 1}`, 'is not the next one')
    }
  },
  next(payload, context) {
    findOtherText(payload, context)
    return { version: payload.version, text: hashText(payload.text) }
  },
  subjects: subjectsOf,
})

const conclude = majorProjectLife.step<{ readonly party: string; readonly code: string }>({
  name: 'major-project.conclude',
  version: 1,
  title: { zh: '结束重大项目', en: 'Conclude a major project' },
  law,
  schema: {
    properties: {
      code: informationFields.code,
      outcome: enumField('结果', 'Outcome', ['completed', 'abandoned', 'merged']),
      reason: wordsField('说明', 'Explanation', 256),
    },
    required: ['code', 'outcome'],
  },
  roles: announcing,
  key: ({ party, code }) => [party, code],
  next: () => ({}),
  subjects: () => ({ parties: [] }),
})

export const majorProjects: Family = {
  name: 'major-project',
  title: { zh: '重大项目', en: 'Major projects' },
  purpose: {
    zh: '国办发〔2017〕94 号要求公开重大建设项目的批准与实施信息；西部联盟 2021 年约定联合发布。项目信息按版本记录，每一版是全文的哈希，先后与内容都不能事后改动；可与联合发布、招标项目相连，与联合发布的文本不一致时给出预警。投资额与预计招标时间只是预告，不作核对。',
    en: 'Guobanfa [2017] 94 asks that approval and progress of major construction projects be public; the western alliance agreed in 2021 to publish them together. The information is kept in versions, each the hash of the whole, whose order and content cannot change later. It can name a joint publication and tenders; a text unlike the joint one is a finding. Investment and expected dates are announcements and compared with nothing.',
  },
  types: [announce, update, conclude],
  lifecycles: [majorProjectLife],
  findings: {
    'major-project.differs-from-publication': {
      zh: {
        title: '与联合发布的文本不一致',
        cause: '项目信息的哈希与所指联合发布（记录 {0}）的文本不同。',
        remedy: '请比对两份文本，核实各地看到的是否同一信息。',
      },
      en: {
        title: 'Unlike the joint publication',
        cause: 'The hash of the information is not that of the joint publication it names (record {0}).',
        remedy: 'Compare both texts: did all regions see the same information?',
      },
    },
  },
}
