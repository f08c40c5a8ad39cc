/**
 * `bid.record@1`: one row of an opening record (开标记录), published after the opening: who bid, for how much, when the bid came in and
 * when it was decrypted. It keeps what was printed beside what it means (`raw`), because a "price" of 1 may be a rate and a
 * bid that was never decrypted has no price at all. Sealed bids before the opening are another family.
 */
import { openingTimeField, refuseBeforeOpening } from './opening.ts'
import type { Family, StatementType, Subjects } from './statement-type.ts'
import { type TenderIdentity, tenderSubject } from './tender-identity.ts'
import {
  codeField,
  type NamedParty,
  named,
  namedPartyField,
  object,
  partiesOf,
  priceField,
  refuse,
  regionField,
  tenderField,
  textField,
  timeField,
  timeOf,
} from './values.ts'

interface BidRecord {
  readonly tender: TenderIdentity
  readonly region: string
  readonly bidders: readonly NamedParty[]
  readonly price?: { readonly form: string; readonly unit?: string; readonly currency?: string }
  readonly raw?: readonly string[]
  readonly decrypted: boolean
  readonly receivedAt: string
  readonly decryptedAt?: string
  readonly openingTime: string
}

const bidRecord: StatementType = {
  name: 'bid.record',
  version: 1,
  isFirstEdition: true,
  title: { zh: '开标记录（单个投标）', en: 'Bid as opened' },
  law: {
    zh: '《招标投标法》第二十二条（开标前保密）、第三十五条、第三十六条（公开开标并记录存档）。',
    en: 'Tendering and Bidding Law art. 22 (secrecy until the opening), arts. 35 and 36 (public opening, recorded and kept).',
  },
  schema: {
    properties: {
      tender: tenderField,
      section: codeField('标段', 'Section'),
      region: regionField,
      sequence: named('开标序号', 'Sequence in the opening', { type: 'integer', minimum: 1, maximum: 1_000_000 }),
      bidders: named('投标人', 'Bidders', {
        description: '联合体逐一列出，牵头人在前 / a consortium lists every member, the leader first',
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: namedPartyField('投标人', 'Bidder', ['name']),
      }),
      price: priceField,
      decrypted: named('是否解密', 'Decrypted', { type: 'boolean' }),
      raw: named('未解密行原文', 'Row as printed', {
        description:
          '未解密的投标没有报价，保留公布的各列原文 / a bid not decrypted has no price; its columns as published',
        type: 'array',
        minItems: 1,
        maxItems: 32,
        items: textField('原文', 'As printed', 256),
      }),
      receivedAt: timeField('投标文件递交时间', 'Received at'),
      decryptedAt: timeField('解密时间', 'Decrypted at'),
      security: named(
        '投标担保',
        'Bid security',
        object(
          {
            kind: named('担保形式', 'Kind of security', {
              description:
                'guarantee 保函, cash 现金, annual 年度保证金（全部或部分）/ wholly or partly by an annual deposit, none 无',
              type: 'string',
              enum: ['guarantee', 'cash', 'annual', 'none'],
            }),
            raw: textField('原文', 'As printed', 128),
          },
          ['kind'],
        ),
      ),
      openingTime: openingTimeField,
      duration: textField('工期', 'Duration', 256),
    },
    required: ['tender', 'region', 'sequence', 'bidders', 'decrypted', 'receivedAt', 'openingTime'],
  },
  roles: ['centre', 'sub-centre', 'trading-platform', 'agency', 'tenderee'],
  refusals: {
    'bid.decryption-inconsistent': {
      zh: {
        title: '解密状态与字段矛盾',
        cause: '已解密的投标须有报价；未解密的投标不得有报价和解密时间，须有原文 raw。',
        remedy: '请核对 decrypted、price、decryptedAt 与 raw。',
      },
      en: {
        title: 'Fields contradict the decryption',
        cause:
          'A decrypted bid has a price; one that is not decrypted has neither price nor decryption time, and its raw row.',
        remedy: 'Compare decrypted, price, decryptedAt and raw.',
      },
    },
    'bid.price-incomplete': {
      zh: {
        title: '报价缺少单位或币种',
        cause: '金额与单价须写明单位和币种。',
        remedy: '请补充 unit 与 currency；费率报价请将 form 设为 rate。',
      },
      en: {
        title: 'Price without unit or currency',
        cause: 'An amount or a unit price needs its unit and currency.',
        remedy: 'Add unit and currency; for a rate set form to rate.',
      },
    },
    'bid.received-after-opening': {
      zh: {
        title: '递交晚于开标',
        cause: '投标文件递交时间晚于开标时间。',
        remedy: '请核对两个时间及其时区偏移。',
      },
      en: {
        title: 'Received after the opening',
        cause: 'The bid was received later than the opening.',
        remedy: 'Compare both times and their offsets.',
      },
    },
    'bid.decrypted-before-opening': {
      zh: {
        title: '解密早于开标',
        cause: '解密时间早于开标时间。',
        remedy: '请核对两个时间及其时区偏移。',
      },
      en: {
        title: 'Decrypted before the opening',
        cause: 'The bid was decrypted earlier than the opening.',
        remedy: 'Compare both times and their offsets.',
      },
    },
    'bid.bidder-twice': {
      zh: {
        title: '投标人重复',
        cause: '同一主体在一个投标中出现两次。',
        remedy: '联合体成员各列一次。',
      },
      en: {
        title: 'Bidder named twice',
        cause: 'The same party stands twice in one bid.',
        remedy: 'List every member of a consortium once.',
      },
    },
  },

  check(payload, context) {
    const bid = payload as unknown as BidRecord
    const openingTime = timeOf(bid.openingTime)
    refuseBeforeOpening(openingTime, context)
    refuseInconsistentDecryption(bid)
    refuseIncompletePrice(bid)
    if (timeOf(bid.receivedAt) > openingTime) {
      throw refuse('bid.received-after-opening', '/receivedAt', '晚于开标时间', 'is after the opening time')
    }
    if (bid.decryptedAt !== undefined && timeOf(bid.decryptedAt) < openingTime) {
      throw refuse('bid.decrypted-before-opening', '/decryptedAt', '早于开标时间', 'is before the opening time')
    }
    const parties = partiesOf(bid.bidders)
    if (new Set(parties).size !== parties.length) {
      throw refuse('bid.bidder-twice', '/bidders', '同一主体列了两次', 'names a party twice')
    }
  },

  subjects(payload): Subjects {
    const { tender, region, bidders } = payload as unknown as BidRecord
    return {
      owner: tender.owner,
      tender: tender.code,
      parties: Array.from(new Set([tender.owner, ...partiesOf(bidders)])),
      region,
      subjects: [tenderSubject(tender)],
    }
  },
}

export const bids: Family = {
  name: 'bid',
  title: { zh: '开标记录', en: 'Opening records' },
  purpose: {
    zh: '《招标投标法》第二十二条：开标前不得透露投标人的名称、数量等；第三十五、三十六条：开标公开进行，记录存档。本类记录只在开标时间之后收入，既保留公布的原文，也写明含义。',
    en: 'Tendering and Bidding Law art. 22: before the opening neither names nor number of bidders may be known; arts. 35 and 36: the opening is public and its record kept. These records are taken in only after the opening time, and keep what was printed beside what it means.',
  },
  types: [bidRecord],
}

function refuseInconsistentDecryption({ decrypted, price, decryptedAt, raw }: BidRecord): void {
  const code = 'bid.decryption-inconsistent'
  if (decrypted) {
    if (price === undefined) throw refuse(code, '/price', '已解密须有报价', 'a decrypted bid has a price')
    return
  }
  if (price !== undefined) throw refuse(code, '/price', '未解密不得有报价', 'not decrypted, so there is no price')
  if (decryptedAt !== undefined) {
    throw refuse(code, '/decryptedAt', '未解密不得有解密时间', 'not decrypted, so there is no time of it')
  }
  if (raw === undefined) throw refuse(code, '/raw', '未解密须附原文', 'not decrypted: give the row as printed')
}

function refuseIncompletePrice({ price }: BidRecord): void {
  if (price === undefined || price.form === 'rate' || price.form === 'other') return
  for (const name of ['unit', 'currency'] as const) {
    if (price[name] === undefined) throw refuse('bid.price-incomplete', `/price/${name}`, '金额须写明', 'is missing')
  }
}
