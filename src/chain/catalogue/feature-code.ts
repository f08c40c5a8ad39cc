/**
 * Feature codes (特征码, data set 519): marks of the machine on which a bid was made or sent — network card, disk, board, dongle, the document's
 * own creator code — each as a keyed hash under a salt that only the recording centre has, one salt for each section. Two bidders of one
 * section with the same code worked on one machine: that is a finding which names the other record.
 *
 * What keeps them from being more than that: nothing is taken in before the opening, so that nobody can count bids or match bidders; the salt
 * never comes here, only a commitment to it, so that codes of different sections, or of a firm's other bids, cannot be compared by
 * anybody; and a section keeps the salt it began with, so that no pair escapes by a change of salt. Raw marks are personal data and refused.
 */
import { Refusal } from '../refusal.ts'
import { openingTimeField } from './opening.ts'
import type { Family, RuleContext, StatementType } from './statement-type.ts'
import { type Key, list, natural, table, text } from './table.ts'
import { type TenderIdentity, tenderKey, tenderSubject } from './tender-identity.ts'
import { refuseBeforeTenderOpening, refuseStranger, tenderAt } from './tender-life.ts'
import { codeField, enumField, named, object, partyField, regionField, tenderField } from './values.ts'

/** Who first showed this code, in this section, under this recorder's salt. */
const featureCodes = table('feature-code', { index: natural, bidders: list(text) })
/** The commitment that a recorder's first record of a section made. */
const featureSalts = table('feature-salt', { commitment: text, index: natural })

interface Trait {
  readonly trait: string
  readonly code: string
}

interface FeatureCodes {
  readonly party: string
  readonly tender: TenderIdentity
  readonly section?: string
  readonly region?: string
  readonly bidders: readonly string[]
  readonly saltCommitment: string
  readonly traits: readonly Trait[]
  readonly openingTime: string
}

const hexField = (zh: string, en: string, description: string) =>
  named(zh, en, { description, type: 'string', pattern: '^[0-9a-f]{64}$' })

/** A recorder's salt makes its codes comparable with its own only. */
const saltKey = ({ tender, section = '', party }: FeatureCodes): Key => [...tenderKey(tender), section, party]
const codeKey = (payload: FeatureCodes, { trait, code }: Trait): Key => [...saltKey(payload), trait, code]

const featureCodeRecord: StatementType = {
  name: 'feature-code.record',
  version: 1,
  title: { zh: '特征码', en: 'Feature codes of a bid' },
  law: {
    zh: '《招标投标法实施条例》第四十条（不同投标人的投标文件由同一单位或者个人编制的，视为串通投标）；全国公共资源交易数据规范 519 特征码。',
    en: 'Implementing Regulations of the Tendering and Bidding Law art. 40 (bids made by the same hand count as collusion); national data specification, data set 519.',
  },
  schema: {
    properties: {
      tender: tenderField,
      section: codeField('标段', 'Section'),
      region: regionField,
      bidders: named('投标人', 'Bidders', {
        description: '联合体逐一列出，牵头人在前 / a consortium lists every member, the leader first',
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: partyField('投标人', 'Bidder'),
      }),
      phase: named('环节', 'Phase', {
        description:
          'made 制作, uploaded 上传；现场解密用公用机器，不在此列 / decryption at the centre is on shared machines and not recorded',
        type: 'string',
        enum: ['made', 'uploaded'],
      }),
      saltCommitment: hexField(
        '盐值承诺',
        'Commitment to the salt',
        '盐值的 SHA-256；盐值不少于 16 个随机字节，每标段一个，由提交方在链下保存 / SHA-256 of the salt: at least 16 random bytes, one for each section, kept off the ledger',
      ),
      traits: named('特征', 'Traits', {
        type: 'array',
        minItems: 1,
        maxItems: 16,
        items: named(
          '特征',
          'Trait',
          object(
            {
              trait: enumField('特征种类', 'Kind of trait', [
                'network-card',
                'disk',
                'board',
                'processor',
                'dongle',
                'document-creator',
                'pricing-software',
              ]),
              code: hexField('特征码', 'Feature code', 'HMAC-SHA-256(盐值 salt, 原始特征 raw trait)'),
            },
            ['trait', 'code'],
          ),
        ),
      }),
      openingTime: openingTimeField,
    },
    required: ['tender', 'bidders', 'phase', 'saltCommitment', 'traits', 'openingTime'],
  },
  roles: ['centre', 'sub-centre', 'trading-platform'],
  refusals: {
    'feature-code.other-salt': {
      zh: {
        title: '同一标段换了盐值',
        cause: '该提交方在这一标段已用另一盐值承诺；换盐后特征码不可比对。',
        remedy: '请用同一标段最初的盐值重新计算。',
      },
      en: {
        title: 'Another salt in the same section',
        cause: 'The recorder committed to another salt for this section; codes under two salts cannot be compared.',
        remedy: 'Compute the codes anew with the section’s first salt.',
      },
    },
  },
  findings: {
    'feature-code.equal': {
      zh: {
        title: '不同投标人的特征码相同',
        cause: '与同一标段另一投标人 {1} 的记录 {0} 有相同的特征码：{2}。',
        remedy: '请核查两份投标文件是否在同一台机器上制作或上传（实施条例第四十条）。',
      },
      en: {
        title: 'Two bidders with the same feature code',
        cause: 'Record {0}, of another bidder of the section ({1}), has the same codes: {2}.',
        remedy: 'Were both bids made or sent from one machine (Implementing Regulations art. 40)?',
      },
    },
  },
  check(fields, context) {
    const payload = fields as unknown as FeatureCodes
    refuseStranger(payload.tender, context, tenderAt(context, payload.tender))
    refuseBeforeTenderOpening(payload.tender, context, payload.openingTime)
    const salt = featureSalts.read(context.state, saltKey(payload))
    if (salt !== undefined && salt.commitment !== payload.saltCommitment) {
      throw new Refusal('feature-code.other-salt', `record ${salt.index} committed to another salt`, [
        { pointer: '/saltCommitment', problem: `与记录 ${salt.index} 不同 | is not that of record ${salt.index}` },
      ])
    }
  },
  apply(fields, context) {
    const payload = fields as unknown as FeatureCodes
    const { state, index } = context
    if (featureSalts.read(state, saltKey(payload)) === undefined) {
      featureSalts.write(state, saltKey(payload), { commitment: payload.saltCommitment, index })
    }
    findEqual(payload, context)
    for (const trait of payload.traits) {
      const key = codeKey(payload, trait)
      if (featureCodes.read(state, key) === undefined) {
        featureCodes.write(state, key, { index, bidders: payload.bidders })
      }
    }
  },
  subjects(fields) {
    const { tender, region, bidders } = fields as unknown as FeatureCodes
    return {
      owner: tender.owner,
      tender: tender.code,
      parties: Array.from(new Set([tender.owner, ...bidders])),
      ...(region === undefined ? {} : { region }),
      subjects: [tenderSubject(tender)],
    }
  },
}

/** One finding for each other record; consortia that share a member are not two strangers on one machine. */
function findEqual(payload: FeatureCodes, context: RuleContext): void {
  const equal = new Map<number, { readonly leader: string; readonly traits: string[] }>()
  for (const trait of payload.traits) {
    const first = featureCodes.read(context.state, codeKey(payload, trait))
    if (first === undefined || first.bidders.some((party) => payload.bidders.includes(party))) continue
    const other = equal.get(first.index) ?? { leader: first.bidders[0]!, traits: [] }
    if (!other.traits.includes(trait.trait)) other.traits.push(trait.trait)
    equal.set(first.index, other)
  }
  for (const [index, { leader, traits }] of equal) {
    context.find('feature-code.equal', String(index), leader, traits.join(', '))
  }
}

export const featureCodeRecords: Family = {
  name: 'feature-code',
  title: { zh: '特征码', en: 'Feature codes' },
  purpose: {
    zh: '《招标投标法实施条例》第四十条；全国公共资源交易数据规范 519。开标之后，由中心或平台记录各投标文件制作、上传机器的特征码（每标段一个盐值的带密钥哈希）。同一标段两个投标人特征码相同即为预警，指明另一条记录；是否串通由监管部门认定。开标前不收，跨标段不可比，盐值与原始特征不上链：销毁盐值即去除关联。提交方是否如实计算，账本不能证明。',
    en: 'Implementing Regulations art. 40; national data specification, data set 519. After the opening, the centre or platform records codes of the machines on which bids were made and sent: keyed hashes, one salt for each section. Equal codes of two bidders in a section are a finding that names the other record; whether they colluded is for the supervisor. Nothing before the opening, nothing comparable across sections, neither salt nor raw marks on the ledger: destroying the salt removes the link. That the recorder computed honestly the ledger cannot show.',
  },
  types: [featureCodeRecord],
}
