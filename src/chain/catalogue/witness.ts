/**
 * `witness.event@1` (数字见证): an opening, an evaluation, a sealing was seen — when, where, by whom, and which recordings exist of it, by their
 * hashes. Faces, voices and names stay with whoever recorded them; here stand posts or salted ids. Whether a recording shows what it should
 * is for those who watch it: the ledger holds that it existed by then and has not been changed since.
 */
import { formatTime } from '../time.ts'
import { lengthField, mediaTypeField, refuseNumberOf, type Source, sourceField, whoField } from './source.ts'
import type { StatementType } from './statement-type.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  type DocumentHash,
  enumField,
  hashField,
  hashText,
  named,
  object,
  refuse,
  regionField,
  tenderField,
  timeField,
  timeOf,
  wordsField,
} from './values.ts'

/** Those present; a large evaluation has some twenty. */
export const witnessesMax = 64
/** Cameras of a large opening, each in several files. */
export const witnessMediaMax = 64

interface WitnessEvent {
  readonly begin: string
  readonly end: string
  readonly region: string
  readonly witnesses: readonly string[]
  readonly media: readonly { readonly hash: DocumentHash }[]
  readonly source: Source
  readonly tender?: TenderIdentity
}

export const witnessEvent: StatementType = {
  name: 'witness.event',
  version: 1,
  title: { zh: '数字见证', en: 'Witnessed event' },
  law: {
    zh: '《电子招标投标办法》（2013 年第 20 号令）关于开标、评标过程记录的规定；《人民法院在线诉讼规则》第十六至十九条。',
    en: 'Measures for Electronic Tendering (Order 20 of 2013), on recording the opening and the evaluation; Rules of Online Litigation arts. 16–19.',
  },
  schema: {
    properties: {
      kind: enumField('环节', 'Kind', [
        'opening',
        'evaluation',
        'sealing',
        'site-visit',
        'negotiation',
        'delivery',
        'other',
      ]),
      place: wordsField('地点', 'Place', 128),
      region: regionField,
      begin: timeField('开始时间', 'Begin'),
      end: timeField('结束时间', 'End'),
      witnesses: named('见证人', 'Witnesses', {
        type: 'array',
        minItems: 1,
        maxItems: witnessesMax,
        items: whoField('见证人', 'Witness'),
      }),
      media: named('影音资料', 'Media', {
        type: 'array',
        minItems: 1,
        maxItems: witnessMediaMax,
        items: named(
          '资料',
          'Recording',
          object(
            {
              hash: hashField('哈希', 'Hash'),
              mediaType: mediaTypeField,
              length: lengthField,
              title: wordsField('标题', 'Title', 128),
            },
            ['hash', 'mediaType'],
          ),
        ),
      }),
      source: sourceField,
      tender: tenderField,
    },
    required: ['kind', 'place', 'region', 'begin', 'end', 'witnesses', 'media', 'source'],
  },
  roles: 'any',
  refusals: {
    'witness.ends-before-begin': {
      zh: { title: '结束早于开始', cause: '结束时间早于开始时间。', remedy: '请核对两个时间及其时区偏移。' },
      en: { title: 'Ends before it begins', cause: 'The end is before the beginning.', remedy: 'Compare both times.' },
    },
    'witness.named-twice': {
      zh: { title: '重复列出', cause: '同一资料列了两次。', remedy: '每份资料各列一次。' },
      en: {
        title: 'Named twice',
        cause: 'The same recording stands twice.',
        remedy: 'Name each recording once.',
      },
    },
  },
  findings: {
    'witness.later-than-ledger': {
      zh: {
        title: '见证时间晚于账本时间',
        cause: '所载结束时间 {0} 晚于入账的区块时间 {1}：见证记录早于事件结束提交，或录制设备的时钟有误。',
        remedy: '请核实录制设备的时钟与提交时间。',
      },
      en: {
        title: 'Witnessed later than the ledger’s time',
        cause:
          'The end given, {0}, is after block time {1}: it was submitted before the event was over, or a clock is wrong.',
        remedy: 'Look at the clock of the recorder and at when it was submitted.',
      },
    },
  },

  check(payload) {
    const { begin, end, source, witnesses, media } = payload as unknown as WitnessEvent
    if (timeOf(end) < timeOf(begin)) {
      throw refuse('witness.ends-before-begin', '/end', '早于开始时间', 'is before the beginning')
    }
    refuseNumberOf(source.operator, '/source/operator')
    for (const [at, who] of witnesses.entries()) refuseNumberOf(who, `/witnesses/${at}`)
    const hashes = media.map(({ hash }) => hashText(hash))
    const twice = hashes.findIndex((hash, at) => hashes.indexOf(hash) < at)
    if (twice >= 0) throw refuse('witness.named-twice', `/media/${twice}`, '重复', 'stands here twice')
  },

  apply(payload, context) {
    const { end } = payload as unknown as WitnessEvent
    if (timeOf(end) <= context.blockTime) return
    context.find('witness.later-than-ledger', formatTime(timeOf(end)), formatTime(context.blockTime))
  },

  subjects: (payload) => {
    const { region, tender, media } = payload as unknown as WitnessEvent
    return {
      parties: tender === undefined ? [] : [tender.owner],
      ...(tender === undefined ? {} : { owner: tender.owner, tender: tender.code, subjects: [tenderSubject(tender)] }),
      region,
      hashes: media.map(({ hash }) => hashText(hash)),
    }
  },
}
