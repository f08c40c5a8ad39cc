/**
 * Joint publication (联合发布): several centres put their names to one text, known by its hash, and it is out from the block in which the last
 * name needed came in. Nobody is listed without having signed; nobody can show another text under the same identity.
 *
 *   none → proposed → published ⇄ correcting          proposed → lapsed (by clock) | dropped (by its proposer)
 *                     published, correcting → withdrawn, once fewer names are left than were needed
 *
 * A correction is another text that needs as many names again; until it has them, and if it never gets them, the first one stands. The time
 * of first publication never changes. Each name is taken back only by whoever gave it.
 */
import { Refusal } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Family, Instance } from './statement-type.ts'
import { type Key, list, natural, optional, type RowOf, text, time } from './table.ts'
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

export const jointPublicationLife = new Lifecycle({
  name: 'joint-publication',
  title: { zh: '联合发布', en: 'joint publication' },
  states: {
    proposed: { zh: '待会签', en: 'Proposed' },
    published: { zh: '已联合发布', en: 'Published' },
    correcting: { zh: '更正待会签', en: 'Being corrected' },
    lapsed: { zh: '会签逾期', en: 'Lapsed' },
    dropped: { zh: '提议撤销', en: 'Dropped' },
    withdrawn: { zh: '已撤回', en: 'Withdrawn' },
  },
  columns: {
    publishers: list(text),
    /** Names that publish a text. */
    required: natural,
    /** The text that stands: of the proposal, then of what was published last. */
    text: text,
    version: natural,
    signed: list(text),
    /** The correction under way, and who has signed it. Without meaning in other states. */
    correction: optional(text),
    correctionSigned: list(text),
    /** Until when names for the proposal or the correction are taken. */
    openUntil: time,
    firstPublishedAt: optional(time),
  },
  byRecord: [
    { on: 'joint-publication.propose', from: ['none'], to: 'proposed' },
    { on: 'joint-publication.sign', from: ['proposed'], to: ['proposed', 'published'] },
    { on: 'joint-publication.sign', from: ['correcting'], to: ['correcting', 'published'] },
    { on: 'joint-publication.sign', from: ['published'], to: 'published' },
    { on: 'joint-publication.correct', from: ['published'], to: 'correcting' },
    { on: 'joint-publication.withdraw', from: ['proposed'], to: ['proposed', 'dropped'] },
    { on: 'joint-publication.withdraw', from: ['published'], to: ['published', 'withdrawn'] },
    { on: 'joint-publication.withdraw', from: ['correcting'], to: ['correcting', 'withdrawn'] },
  ],
  byClock: [
    { from: ['proposed'], at: 'openUntil', to: 'lapsed', title: { zh: '会签期满', en: 'The time for names ends' } },
    {
      from: ['correcting'],
      at: 'openUntil',
      to: 'published',
      title: { zh: '更正会签期满，原文不变', en: 'The time for names ends, the text stands' },
    },
  ],
})

type Publication = Instance<keyof typeof jointPublicationLife.states, RowOf<typeof jointPublicationLife.columns>>

/** The proposer belongs to the identity: nobody can take the code that another will use. */
export interface PublicationIdentity {
  readonly proposer: string
  readonly code: string
}

interface Propose {
  readonly party: string
  readonly code: string
  readonly region?: string
  readonly publishers: readonly string[]
  readonly required?: number
  readonly text: DocumentHash
  readonly openUntil: string
}

interface OnPublication {
  readonly party: string
  readonly publication: PublicationIdentity
}

interface Sign extends OnPublication {
  readonly text: DocumentHash
}

interface Correct extends Sign {
  readonly openUntil: string
}

const law = {
  zh: '西部十二省（区、市）及新疆生产建设兵团公共资源交易联盟合作（2021）之“联合发布重大项目信息”；政府信息公开条例第十一条（行政机关发布信息涉及其他机关的，应当协商确认）。',
  en: '“Joint publication” of the western alliance of trading centres (2021); Regulations on Disclosure of Government Information art. 11 (what concerns another authority is agreed with it first).',
}
export const publicationField = named(
  '联合发布',
  'Joint publication',
  object({ proposer: partyField('提议人', 'Proposer'), code: codeField('发布编号', 'Code of the publication') }, [
    'proposer',
    'code',
  ]),
)
const textHashField = hashField('文本哈希', 'Hash of the text')
const openUntilField = timeField('会签截止', 'Names are taken until')
const publishing = ['centre', 'sub-centre', 'trading-platform', 'agency', 'supervisor', 'tenderee'] as const

export const publicationKey = ({ proposer, code }: PublicationIdentity): Key => [proposer, code]
const subjectsOf = ({ publication }: OnPublication) => ({ parties: [publication.proposer] })

/** Which text a name now given is for. */
const openText = ({ state, row }: Publication): string => (state === 'correcting' ? row.correction! : row.text)
const openNames = ({ state, row }: Publication): readonly string[] =>
  state === 'correcting' ? row.correctionSigned : row.signed

function refuseClosed(openUntil: string, blockTime: number): void {
  if (timeOf(openUntil) > blockTime) return
  const now = formatTime(blockTime)
  throw refuse('joint-publication.closes-in-the-past', '/openUntil', `须晚于 ${now}`, `must be after ${now}`)
}

const propose = jointPublicationLife.step<Propose>({
  name: 'joint-publication.propose',
  version: 1,
  title: { zh: '提议联合发布', en: 'Propose a joint publication' },
  law,
  schema: {
    properties: {
      code: codeField('发布编号', 'Code of the publication'),
      kind: enumField('类别', 'Kind', ['major-project', 'notice', 'policy', 'statistics', 'other']),
      title: wordsField('标题', 'Title', 128),
      region: regionField,
      publishers: named('发布方', 'Publishers', {
        description: '含提议人；其提议即其会签 / the proposer among them, whose proposal is its name',
        type: 'array',
        minItems: 2,
        maxItems: 64,
        items: partyField('发布方', 'Publisher'),
      }),
      required: named('所需会签数', 'Names needed', {
        description: '不填则全部 / all of them when left out',
        type: 'integer',
        minimum: 2,
        maximum: 64,
      }),
      text: textHashField,
      openUntil: openUntilField,
    },
    required: ['code', 'kind', 'title', 'publishers', 'text', 'openUntil'],
  },
  roles: publishing,
  refusals: {
    'joint-publication.bad-publishers': {
      zh: {
        title: '发布方有误',
        cause: '发布方须含提议人，各列一次；所需会签数不得多于发布方。',
        remedy: '请核对 publishers 与 required。',
      },
      en: {
        title: 'Bad list of publishers',
        cause: 'The proposer is among the publishers, each stands once, and no more names are needed than there are.',
        remedy: 'Check publishers and required.',
      },
    },
  },
  key: ({ party, code }) => [party, code],
  check({ party, publishers, required = publishers.length, openUntil }, { blockTime }) {
    const code = 'joint-publication.bad-publishers'
    if (!publishers.includes(party)) throw refuse(code, '/publishers', '缺少提议人', 'lack the proposer')
    if (new Set(publishers).size !== publishers.length) throw refuse(code, '/publishers', '重复', 'name one twice')
    if (required > publishers.length) throw refuse(code, '/required', '多于发布方', 'is more than there are')
    refuseClosed(openUntil, blockTime)
  },
  next: ({ party, publishers, required, text: proposed, openUntil }) => ({
    publishers,
    required: required ?? publishers.length,
    text: hashText(proposed),
    version: 1,
    signed: [party],
    correction: null,
    correctionSigned: [],
    openUntil: timeOf(openUntil),
    firstPublishedAt: null,
  }),
  subjects: ({ region, publishers, text: proposed }) => ({
    parties: publishers,
    ...(region === undefined ? {} : { region }),
    hashes: [hashText(proposed)],
  }),
})

const sign = jointPublicationLife.step<Sign>({
  name: 'joint-publication.sign',
  version: 1,
  title: { zh: '会签联合发布', en: 'Put one’s name to a joint publication' },
  law,
  schema: {
    properties: { publication: publicationField, text: textHashField },
    required: ['publication', 'text'],
  },
  roles: publishing,
  refusals: {
    'joint-publication.other-text': {
      zh: {
        title: '文本不同',
        cause: '会签的文本哈希与待会签（更正中则为更正稿）的文本不同。',
        remedy: '请核对文本；同一编号之下只有一个文本。',
      },
      en: {
        title: 'Another text',
        cause: 'The hash is not that of the text for which names are taken (the correction, while there is one).',
        remedy: 'Compare the texts; under one identity there is one text.',
      },
    },
    'joint-publication.signed-already': {
      zh: { title: '已会签', cause: '该发布方已会签这一文本。', remedy: '无需重复提交。' },
      en: {
        title: 'Signed already',
        cause: 'This publisher has put its name to this text.',
        remedy: 'Nothing to do.',
      },
    },
  },
  key: ({ publication }) => publicationKey(publication),
  check({ party, text: signedText }, _, before) {
    refuseStranger(party, before!)
    if (hashText(signedText) !== openText(before!)) {
      throw refuse('joint-publication.other-text', '/text', '与待会签文本不同', 'is not the text to be signed')
    }
    if (openNames(before!).includes(party)) throw new Refusal('joint-publication.signed-already')
  },
  next({ party }, { blockTime }, before) {
    const { state, row } = before!
    const names = [...openNames(before!), party]
    const isOut = names.length >= row.required
    if (state === 'published') return { signed: names }
    if (state === 'proposed') {
      return isOut ? { state: 'published', signed: names, firstPublishedAt: blockTime } : { signed: names }
    }
    if (!isOut) return { correctionSigned: names }
    return {
      state: 'published',
      text: row.correction!,
      version: row.version + 1,
      signed: names,
      correction: null,
      correctionSigned: [],
    }
  },
  subjects: (payload) => ({ ...subjectsOf(payload), hashes: [hashText(payload.text)] }),
})

const correct = jointPublicationLife.step<Correct>({
  name: 'joint-publication.correct',
  version: 1,
  title: { zh: '提议更正', en: 'Propose a correction' },
  law,
  schema: {
    properties: {
      publication: publicationField,
      text: textHashField,
      reason: wordsField('更正原因', 'Reason', 256),
      openUntil: openUntilField,
    },
    required: ['publication', 'text', 'reason', 'openUntil'],
  },
  roles: publishing,
  refusals: {
    'joint-publication.text-unchanged': {
      zh: { title: '文本未变', cause: '更正稿与现行文本的哈希相同。', remedy: '请核对更正稿。' },
      en: {
        title: 'The text is the same',
        cause: 'The correction has the hash of the text that stands.',
        remedy: 'Check the correction.',
      },
    },
  },
  key: ({ publication }) => publicationKey(publication),
  check({ party, text: corrected, openUntil }, { blockTime }, before) {
    refuseStranger(party, before!)
    if (hashText(corrected) === before!.row.text) {
      throw refuse('joint-publication.text-unchanged', '/text', '与现行文本相同', 'is the text that stands')
    }
    refuseClosed(openUntil, blockTime)
  },
  next: ({ party, text: corrected, openUntil }) => ({
    correction: hashText(corrected),
    correctionSigned: [party],
    openUntil: timeOf(openUntil),
  }),
  subjects: (payload) => ({ ...subjectsOf(payload), hashes: [hashText(payload.text)] }),
})

const withdraw = jointPublicationLife.step<OnPublication>({
  name: 'joint-publication.withdraw',
  version: 1,
  title: { zh: '撤回会签', en: 'Take one’s name back' },
  law,
  schema: {
    properties: { publication: publicationField, reason: wordsField('撤回原因', 'Reason', 256) },
    required: ['publication', 'reason'],
  },
  roles: publishing,
  refusals: {
    'joint-publication.not-signed': {
      zh: {
        title: '未曾会签',
        cause: '该发布方没有会签现行文本或更正稿。',
        remedy: '只有会签过的一方可以撤回自己的会签。',
      },
      en: {
        title: 'Not signed',
        cause: 'This publisher’s name is neither under the text that stands nor under the correction.',
        remedy: 'Only who has signed can take its name back.',
      },
    },
  },
  key: ({ publication }) => publicationKey(publication),
  check({ party }, _, before) {
    refuseStranger(party, before!)
    const { state, row } = before!
    if (row.signed.includes(party) || (state === 'correcting' && row.correctionSigned.includes(party))) return
    throw new Refusal('joint-publication.not-signed')
  },
  next({ party, publication }, _, before) {
    const { state, row } = before!
    const signed = row.signed.filter((name) => name !== party)
    const correctionSigned = row.correctionSigned.filter((name) => name !== party)
    if (state === 'proposed') return { state: party === publication.proposer ? 'dropped' : 'proposed', signed }
    return { state: signed.length < row.required ? 'withdrawn' : state, signed, correctionSigned } as const
  },
  subjects: subjectsOf,
})

function refuseStranger(party: string, { row }: Publication): void {
  if (row.publishers.includes(party)) return
  throw new Refusal('joint-publication.not-a-publisher', `${party} is not one of the publishers`)
}

export const jointPublications: Family = {
  name: 'joint-publication',
  title: { zh: '联合发布', en: 'Joint publication' },
  purpose: {
    zh: '西部联盟 2021 年合作内容之一：各地联合发布重大项目等信息。一份文本的哈希由列明的发布方逐一会签，达到所需数目的那个区块时间即首次发布时间，谁也不能提前、也不能替他人署名。同一编号之下只能有一份文本：更正须重新会签，撤回只能撤回自己的名字，都另作记录，原记录不动。文本本身由各发布方自行公布。',
    en: 'One part of the western alliance’s cooperation (2021): major projects and the like published together. The hash of one text is signed by the publishers listed, each for itself; the block time at which enough have is the time of first publication, which nobody can put earlier. Under one identity there is one text: a correction is signed again, a withdrawal takes back one’s own name only, and each is a record of its own. The text itself is shown by the publishers.',
  },
  types: [propose, sign, correct, withdraw],
  lifecycles: [jointPublicationLife],
  refusals: {
    'joint-publication.closes-in-the-past': {
      zh: { title: '会签截止已过', cause: '会签截止须晚于区块时间。', remedy: '请改用以后的时间。' },
      en: {
        title: 'Closes in the past',
        cause: 'The time until which names are taken must be after block time.',
        remedy: 'Give a later time.',
      },
    },
    'joint-publication.not-a-publisher': {
      zh: {
        title: '不是发布方',
        cause: '签名主体不在提议所列的发布方之中。',
        remedy: '请由列明的发布方提交；增加发布方须另行提议。',
      },
      en: {
        title: 'Not a publisher',
        cause: 'The signing party is not among the publishers of the proposal.',
        remedy: 'Have one of them submit this; for more publishers make another proposal.',
      },
    },
  },
}
