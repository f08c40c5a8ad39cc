/**
 * What the demonstration submits: the whole life of a tender around one opening. A notice and a box for sealed bids (the bids themselves:
 * `sealed-bids.ts`), a guarantee for every bid that was secured by one, then evaluation, publicity, an objection, award, contract, released
 * guarantees and a claim. The opening is the real one of 2026-03-16 where its data lies beside the project, else one of the same shape
 * made from a seed; its deadline is moved to the time of the play. The guarantees and what follows the opening are invented either way —
 * the record of an opening does not publish them.
 */
import { sha256 } from '#crypto'
import { fromHex, toHex, utf8 } from '../../src/chain/bytes.ts'
import { guaranteeLeaf } from '../../src/chain/catalogue/e-guarantee-leaf.ts'
import type { TenderIdentity } from '../../src/chain/catalogue/tender-identity.ts'
import type { DocumentHash } from '../../src/chain/catalogue/values.ts'
import { usccCheckCharacter } from '../../src/chain/catalogue/values.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { formatTime } from '../../src/chain/time.ts'
import { devnetLegalDayMs as devnetDayMs } from '../../src/node/cli/devnet-founding.ts'
import { largeOpening, type Opening, type OpeningRow } from '../chain/catalogue/opening-rows.ts'
import type { Security } from './sealed-bids.ts'

export type Submitter = 'platform' | 'bank' | 'guarantor' | 'insurer' | 'owner' | 'objector'

export interface Party {
  readonly submitter: Submitter
  readonly id: string
  readonly name: string
  readonly role: 'trading-platform' | 'guarantee-issuer' | 'tenderee' | undefined
}

/** One statement to be: its type, its submitter's own key for it, and its fields. */
export interface Item {
  readonly by: Submitter
  readonly type: string
  readonly key: string
  readonly fields: JsonObject
}

const seed = 'gongzheng-demo-2026'

export const parties: readonly Party[] = [
  { submitter: 'platform', id: usccOf('91350500MA00DEM01'), name: '示例电子交易平台', role: 'trading-platform' },
  { submitter: 'bank', id: usccOf('91350500MA00DEM02'), name: '示例银行', role: 'guarantee-issuer' },
  { submitter: 'guarantor', id: usccOf('91350500MA00DEM03'), name: '示例融资担保公司', role: 'guarantee-issuer' },
  { submitter: 'insurer', id: usccOf('91350500MA00DEM04'), name: '示例财产保险公司', role: 'guarantee-issuer' },
  { submitter: 'owner', id: usccOf('91350525MA00DEM05'), name: '示例招标人', role: 'tenderee' },
  { submitter: 'objector', id: usccOf('91350500MA00DEM06'), name: '示例落选投标人', role: undefined },
]

const forms = { bank: 'bank', guarantor: 'guarantee-company', insurer: 'insurer' } as const
const issuers = ['bank', 'guarantor', 'insurer'] as const
const owner = partyOf('owner')
const platform = partyOf('platform')

export interface Scenario {
  /** `real` or `generated`. */
  readonly source: string
  readonly tender: TenderIdentity
  readonly opening: Opening
  /** Before everything else, one after the other. */
  readonly notice: Item
  readonly box: Item
  /** What a bid says of its guarantee, when it is opened. */
  securityOf(row: OpeningRow): Security | undefined
  /** Guarantees; each chain in its own order, the chains in any. */
  readonly chains: readonly (readonly Item[])[]
  /** Each has one record at the least. */
  readonly guarantees: number
  /** What comes after the opening, act by act. */
  readonly acts: readonly Act[]
}

export interface Act {
  readonly zh: string
  readonly en: string
  /** Waited before it, in legal days of this ledger. */
  readonly afterDays?: number
  /** In any order. @param now RFC 3339: what happens in an act happens now */
  items(now: string): readonly Item[]
}

export interface PlayTimes {
  /** Milliseconds since 1970; the opening is at the same time. */
  readonly deadline: number
  readonly graceSeconds: number
  readonly claimSeconds: number
  readonly revealSeconds: number
}

/**
 * @param ledger id of the ledger: a guarantee's commitment is made for one
 * @param lives how many guarantees are told from application to release; the others are published once, after the opening
 */
export function openingScenario(ledger: string, lives: number, { deadline, ...times }: PlayTimes): Scenario {
  const opening = { ...largeOpening(), openingTime: formatTime(deadline) }
  const tender = { owner, scheme: 'tender-project', code: opening.code }
  const byPlatform = (type: string, at: string, fields: JsonObject): Item => ({
    by: 'platform',
    type: `${type}@1`,
    key: `${type} ${opening.code}`,
    fields: { tender, document: hashOf(`${type} ${opening.code}`), publishedAt: at, ...fields },
  })
  const notice = byPlatform('tender.notice', formatTime(Date.now()), {
    kind: 'tender',
    profile: 'construction',
    region: opening.region,
    deadline: opening.openingTime,
    openingTime: opening.openingTime,
    estimate: yuan('24000000'),
    bondCeiling: yuan('400000'),
    ownerName: '示例招标人',
  })
  const box: Item = {
    by: 'platform',
    type: 'box.open@1',
    key: `box.open ${opening.code}`,
    fields: { tender, ...times },
  }
  const isSecured = ({ security }: OpeningRow): boolean => security === '电子保函'
  const secured = opening.rows.filter(isSecured)
  const told = secured.slice(0, lives).map((row) => new Guarantee(row, opening, tender, ledger))
  const published = secured.slice(lives).map((row) => [new Guarantee(row, opening, tender, ledger).published()])
  const decrypted = opening.rows.filter(({ priceWanYuan }) => priceWanYuan !== undefined)
  const candidates = decrypted.slice(0, 3).map(({ uscc, name, priceWanYuan }) => ({
    parties: [{ party: `uscc:${uscc}`, name }],
    price: { amount: priceWanYuan!, unit: '1', currency: 'CNY' },
  }))
  const [winner] = candidates
  const objection = `YY-${opening.code}`
  const acts: readonly Act[] = [
    {
      zh: '开标记录',
      en: 'Opening record',
      items: (now) => [
        byPlatform('tender.open', now, {
          openedAt: opening.openingTime,
          bids: opening.rows.length,
          decrypted: decrypted.length,
        }),
      ],
    },
    { zh: '评标报告', en: 'Evaluation report', items: (now) => [byPlatform('tender.evaluate', now, {})] },
    {
      zh: '中标候选人公示',
      en: 'Candidates made public',
      items: (now) => [
        byPlatform('tender.candidates', now, {
          candidates,
          endsAt: new Date(Date.parse(now) + publicityDays * devnetDayMs).toISOString(),
        }),
      ],
    },
    {
      zh: '落选投标人提出异议',
      en: 'A losing bidder objects',
      items: (now) => [
        {
          by: 'objector',
          type: 'objection.file@1',
          key: objection,
          fields: {
            tender,
            document: hashOf(objection),
            publishedAt: now,
            number: objection,
            kind: 'objection',
            stage: 'evaluation',
          },
        },
      ],
    },
    {
      zh: '公示期满，异议未答复即定标（应有预警）',
      en: 'Awarded after the publicity, the objection still open: a finding',
      afterDays: publicityDays + 1,
      items: (now) => [
        byPlatform('tender.award', now, { winners: winner!.parties, amount: winner!.price, durationDays: 360 }),
      ],
    },
    {
      zh: '答复异议',
      en: 'The objection is answered',
      items: (now) => [
        {
          by: 'platform',
          type: 'objection.answer@1',
          key: `answer ${objection}`,
          fields: {
            tender,
            document: hashOf(`answer ${objection}`),
            publishedAt: now,
            filedBy: partyOf('objector'),
            number: objection,
            outcome: 'rejected',
          },
        },
      ],
    },
    {
      zh: '签订合同',
      en: 'Contract',
      items: (now) => [
        byPlatform('tender.contract', now, {
          contractor: winner!.parties,
          amount: winner!.price,
          durationDays: 360,
          signedAt: now,
        }),
      ],
    },
    {
      zh: '退还保函；一份索赔',
      en: 'Guarantees released; one claimed',
      items: () => told.map((guarantee, at) => (at === 1 ? guarantee.claimed() : guarantee.released())),
    },
    { zh: '受理索赔', en: 'The claim is accepted', items: () => told.slice(1, 2).map((each) => each.accepted()) },
    { zh: '赔付', en: 'The claim is paid', items: () => told.slice(1, 2).map((each) => each.paid()) },
  ]
  return {
    source: opening.source,
    tender,
    opening,
    notice,
    box,
    securityOf: (row) => (isSecured(row) ? new Guarantee(row, opening, tender, ledger).security() : undefined),
    chains: [...published, ...told.map((guarantee) => guarantee.life())],
    guarantees: secured.length,
    acts,
  }
}

/** Three days, as the law wants it. */
const publicityDays = 3

/** One guarantee, all its data from the seed and marked so where the type has a place for it. */
class Guarantee {
  readonly #row: OpeningRow
  readonly #opening: Opening
  readonly #tender: TenderIdentity & JsonObject
  readonly #ledger: string
  readonly #draw: number
  readonly #issuer: Party
  readonly #number: string
  readonly #day: string

  constructor(row: OpeningRow, opening: Opening, tender: TenderIdentity & JsonObject, ledger: string) {
    this.#row = row
    this.#opening = opening
    this.#tender = tender
    this.#ledger = ledger
    this.#draw = Number.parseInt(digest(`${seed} ${row.uscc}`).slice(0, 12), 16)
    const by = issuers[this.#draw % issuers.length]!
    this.#issuer = parties.find(({ submitter }) => submitter === by)!
    this.#number = `DEMO-${by.toUpperCase()}-${row.seq.padStart(5, '0')}`
    this.#day = `2026-03-${10 + (this.#draw % 6)}`
  }

  /** As the terms of the bid name it. */
  security(): Security {
    return { issuer: this.#issuer.id, number: this.#number, kind: 'single', document: hashOf(this.#documentText()) }
  }

  /** Once, after the opening. */
  published(): Item {
    return this.#by(this.#issuer.submitter, 'guarantee.submit', {
      number: this.#number,
      ...this.#terms(),
      begin: this.#opening.openingTime,
      end: this.#validUntil(),
      issuedAt: `${this.#day}T15:00:00+08:00`,
      document: { ...this.#document() },
      issuer: { party: this.#issuer.id, name: this.#issuer.name },
      region: this.#opening.region,
      openingTime: this.#opening.openingTime,
      provenance: { synthetic: true, seed, note: '演示数据：编号、出具人、金额、日期均由种子生成' },
    })
  }

  /** From the application to what is revealed at the opening. */
  life(): readonly Item[] {
    const { openingTime } = this.#opening
    const number = `SQ-${this.#number}`
    const application = { party: platform, number }
    const times = { deadline: openingTime, openingTime, bidValidUntil: this.#validUntil() }
    const { cost, form, ...asked } = this.#terms()
    const bidder = this.#bidder()
    const use = { issuer: this.#issuer.id, number: this.#number, tender: this.#tender, section: '', bidder }
    const document = this.#document()
    const salt = this.#salt()
    const commitment = toHex(guaranteeLeaf({ ledger: this.#ledger, ...use }, document, fromHex(salt)!))
    return [
      this.#by('platform', 'guarantee.apply', {
        number,
        issuer: { party: this.#issuer.id, name: this.#issuer.name },
        ...asked,
        ...times,
        occurredAt: `${this.#day}T09:00:00+08:00`,
      }),
      this.#by(this.#issuer.submitter, 'guarantee.approve', {
        application,
        occurredAt: `${this.#day}T11:00:00+08:00`,
      }),
      this.#by(this.#issuer.submitter, 'guarantee.issue', {
        number: this.#number,
        application,
        form: form!,
        cost: cost!,
        ...asked,
        ...times,
        begin: openingTime,
        // A claim needs a guarantee that is in force by the ledger's own time, whenever the demonstration is run.
        end: '2036-04-13T23:59:59+08:00',
        document: { ...document },
        occurredAt: `${this.#day}T15:00:00+08:00`,
      }),
      this.#by('platform', 'guarantee.bind', {
        ...this.#onUse(),
        bidder,
        document: { ...document },
        commitment,
        ...times,
        occurredAt: `${this.#day}T16:00:00+08:00`,
      }),
      this.#by('platform', 'guarantee.reveal', { ...this.#onUse(), salt }),
    ]
  }

  released = (): Item => this.#by('owner', 'guarantee.release', this.#onUse())
  claimed = (): Item =>
    this.#by('owner', 'guarantee.claim', {
      ...this.#onUse(),
      amount: yuan('400000'),
      ground: 'bid-withdrawn',
      document: hashOf(`claim ${this.#number}`),
    })
  accepted = (): Item => this.#by(this.#issuer.submitter, 'guarantee.accept', this.#onUse())
  paid = (): Item => this.#by(this.#issuer.submitter, 'guarantee.pay', { ...this.#onUse(), amount: yuan('400000') })

  #by(by: Submitter, type: string, fields: JsonObject): Item {
    return { by, type: `${type}@1`, key: `${type} ${this.#number}`, fields }
  }

  #terms(): JsonObject {
    return {
      form: forms[this.#issuer.submitter as keyof typeof forms],
      kind: 'single',
      tender: this.#tender,
      bidders: [{ party: this.#bidder(), name: this.#row.name }],
      beneficiary: { party: owner, name: '示例招标人' },
      amount: yuan('400000'),
      cost: yuan(String(400 + (this.#draw % 400))),
    }
  }

  #onUse = (): JsonObject => ({ guarantee: { issuer: this.#issuer.id, number: this.#number }, tender: this.#tender })
  #bidder = (): string => `uscc:${this.#row.uscc}`
  /** Opening day and 28 days. */
  #validUntil = (): string => formatTime(Date.parse(this.#opening.openingTime) + 28 * 86_400_000)
  #documentText = (): string => `${seed} document ${this.#number}`
  #document = (): DocumentHash => hashOf(this.#documentText())
  #salt = (): string => digest(`${seed} salt ${this.#number}`)
}

const yuan = (amount: string): JsonObject => ({ amount, unit: '0', currency: 'CNY' })

const hashOf = (text: string): DocumentHash & JsonObject => ({ algorithm: 'sha256', value: digest(text) })

function partyOf(submitter: Submitter): string {
  return parties.find((party) => party.submitter === submitter)!.id
}

const digest = (text: string): string => toHex(sha256(utf8(text)))

function usccOf(first17: string): string {
  // The alphabet of GB 32100 has no I, O, S, V and Z.
  return `uscc:${first17}${usccCheckCharacter(first17)}`
}
