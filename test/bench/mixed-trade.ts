/** Records of mixed types as a year of trade brings them, always the same, and the names by which a look-up can ask for any of them. */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import { rowName } from '../../src/chain/catalogue/register.ts'
import { usccCheckCharacter } from '../../src/chain/catalogue/values.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { formatTime } from '../../src/chain/time.ts'

/** Who signs a record: the centre that owns the tenders, or an office that is supervisor and issues guarantees. */
export type Signer = 'centre' | 'office'

/** Of every hundred records, in this order. Guarantees with a life come in threes: applied for, approved, issued. */
const perHundred = {
  submitted: { count: 20, signer: 'centre' },
  attest: { count: 15, signer: 'centre' },
  guarantee: { count: 6, signer: 'office' },
  credit: { count: 3, signer: 'office' },
  auction: { count: 12, signer: 'centre' },
  bid: { count: 44, signer: 'centre' },
} as const satisfies Record<string, { readonly count: number; readonly signer: Signer }>
type Kind = keyof typeof perHundred
const bidders = 20_000
const recordsPerTender = 500
/** Milliseconds of ledger time. */
const auctionOpensIn = 1_000
const auctionLasts = 4_000
const countdown = 1_000

export interface Trade {
  readonly signer: Signer
  /** Type included. */
  readonly fields: JsonObject
}

interface Running {
  readonly code: string
  readonly opensAt: number
  endsAt: number
}

export class MixedTrade {
  readonly #owner: string
  readonly #office: string
  readonly issuer: string
  #auctions = 0
  #guarantees = 0
  #decisions = 0
  /** Auctions that nobody has bid in, and those that wait for their end; oldest first. */
  #announced: Running[] = []
  #raised: Running[] = []

  /**
   * @param owner of tenders and lots
   * @param issuer named in guarantees that are published once
   * @param office signs what the owner does not
   */
  constructor(owner: string, issuer: string, office: string) {
    this.#owner = owner
    this.issuer = issuer
    this.#office = office
  }

  /** Record `number`; to be asked for in ascending order, of a time that never decreases. */
  next(number: number, time: number): Trade {
    let place = number % 100
    for (const [kind, { count, signer }] of Object.entries(perHundred)) {
      if (place < count) return { signer, fields: this.#made(kind as Kind, place, number, time) }
      place -= count
    }
    throw new Error('a hundred is a hundred')
  }

  #made(kind: Kind, place: number, number: number, time: number): JsonObject {
    switch (kind) {
      case 'submitted':
        return this.#submitted(number, time)
      case 'attest':
        return this.#attest(number, time)
      case 'guarantee':
        return this.#guarantee(place % 3, time)
      case 'credit':
        return this.#decision(time)
      case 'auction':
        return this.#auction(place, time)
      case 'bid':
        return this.#bid(number, time)
    }
  }

  tenderCode = (draw: number): string => `E35${String(draw % this.#tenders).padStart(14, '0')}`
  tenderSubject = (draw: number): string => rowName('tender', this.#owner, 'national', this.tenderCode(draw))
  /** Of an e-guarantee, its number; of the same issuer. */
  annualNumber = (draw: number): string => `ND${draw % Math.max(1, this.#guarantees)}`
  /** One that has decisions about it. */
  decidedAbout = (draw: number): string => companyOf(draw % Math.min(bidders, Math.max(1, this.#decisions)))
  auctionSubject = (draw: number): string =>
    rowName('auction', this.#owner, 'land', `G${draw % Math.max(1, this.#auctions)}`)
  documentHash = (draw: number): string =>
    `sha256:${digest(`attest ${this.#aligned(draw, perHundred.submitted.count)}`)}`
  guaranteeNumber = (draw: number): string => `BH${this.#aligned(draw, 0)}`
  /** One that has bid. */
  bidder = (draw: number): string => companyOf(this.#aligned(draw, 99) % bidders)

  #last = 0

  get #tenders(): number {
    return Math.floor(this.#last / recordsPerTender) + 1
  }

  /** A number of a record there is whose last two digits are these. */
  #aligned(draw: number, of: number): number {
    return Math.max(0, Math.floor((draw % Math.max(1, this.#last)) / 100) - 1) * 100 + of
  }

  #tenderOf(number: number): JsonObject {
    this.#last = number
    return { owner: this.#owner, scheme: 'national', code: this.tenderCode(Math.floor(number / recordsPerTender)) }
  }

  #bid(number: number, time: number): JsonObject {
    return {
      type: 'bid.record@1',
      tender: this.#tenderOf(number),
      section: '001',
      region: '420100',
      sequence: (number % recordsPerTender) + 1,
      bidders: [{ party: companyOf(number % bidders), name: '某建设工程有限公司' }],
      price: { form: 'amount', amount: `18${String(number % 100).padStart(2, '0')}.0534`, unit: '1', currency: 'CNY' },
      decrypted: true,
      receivedAt: formatTime(time - 60_000),
      decryptedAt: formatTime(time),
      openingTime: formatTime(time - 1_000),
    }
  }

  #submitted(number: number, time: number): JsonObject {
    return {
      type: 'guarantee.submit@1',
      number: `BH${number}`,
      form: 'bank',
      kind: 'single',
      tender: this.#tenderOf(number),
      sections: ['001'],
      bidders: [{ party: companyOf(number % bidders), name: '某建设工程有限公司' }],
      beneficiary: { party: this.#owner, name: '招标人' },
      issuer: { party: this.issuer, name: '某银行' },
      amount: { amount: '350000', unit: '0', currency: 'CNY' },
      begin: formatTime(time - 1_000),
      end: formatTime(time + 28 * 86_400_000),
      issuedAt: formatTime(time - 1_000),
      document: { algorithm: 'sha256', value: digest(`guarantee ${number}`) },
      openingTime: formatTime(time - 1_000),
    }
  }

  #attest(number: number, time: number): JsonObject {
    return {
      type: 'attest.hash@1',
      subject: 'document',
      hash: { algorithm: 'sha256', value: digest(`attest ${number}`) },
      mediaType: 'application/pdf',
      source: {
        system: '交易系统',
        operator: 'role:经办员',
        method: 'export',
        software: '4.2',
        occurredAt: formatTime(time),
      },
      tender: this.#tenderOf(number),
    }
  }

  /** One of a year, which no tender keeps secret. */
  #guarantee(step: number, time: number): JsonObject {
    const number = step === 0 ? this.#guarantees++ : this.#guarantees - 1
    const application = { party: this.#office, number: `SQ${number}` }
    const occurredAt = formatTime(time)
    const service = {
      kind: 'annual',
      bidders: [{ party: companyOf(number % bidders), name: '某建设工程有限公司' }],
      amount: { amount: '400000', unit: '0', currency: 'CNY' },
      occurredAt,
    }
    if (step === 0) {
      const issuer = { party: this.#office, name: '某担保公司' }
      return { type: 'guarantee.apply@1', number: application.number, issuer, ...service }
    }
    if (step === 1) return { type: 'guarantee.approve@1', application, occurredAt }
    return {
      type: 'guarantee.issue@1',
      number: `ND${number}`,
      application,
      form: 'guarantee-company',
      ...service,
      begin: formatTime(time),
      end: formatTime(time + 365 * 86_400_000),
      document: { algorithm: 'sha256', value: digest(`annual ${number}`) },
    }
  }

  /** Without prior notice, which is a finding. */
  #decision(time: number): JsonObject {
    const number = this.#decisions++
    return {
      type: 'credit.decide@1',
      number: `〔2026〕${number}号`,
      about: { party: companyOf(number % bidders), name: '某建设工程有限公司' },
      kind: 'penalty',
      level: 'slight',
      measures: ['publicity'],
      begin: formatTime(time - 1_000),
      end: formatTime(time + 180 * 86_400_000),
      decidedAt: formatTime(time - 1_000),
      basis: { algorithm: 'sha256', value: digest('basis') },
      basisInWords: '《招标投标法》第五十三条',
      document: { algorithm: 'sha256', value: digest(`decision ${number}`) },
    }
  }

  /** Of three auctions in a row each is raised once, and ends unsold above its reserve, which is a finding with the lot's region. */
  #auction(step: number, time: number): JsonObject {
    this.#announced = this.#announced.filter(({ endsAt }) => endsAt > time)
    if (step % 3 === 1) {
      const at = this.#announced.findIndex(({ opensAt }) => opensAt <= time)
      const [open] = at < 0 ? [] : this.#announced.splice(at, 1)
      if (open !== undefined) {
        open.endsAt = Math.max(open.endsAt, time + countdown)
        this.#raised.push(open)
        return { type: 'auction.raise@1', lot: this.#lot(open.code), plate: '101', price: '1050' }
      }
    }
    if (step % 3 === 2 && this.#raised[0] !== undefined && this.#raised[0].endsAt <= time) {
      return { type: 'auction.result@1', lot: this.#lot(this.#raised.shift()!.code), outcome: 'failed' }
    }
    const code = `G${this.#auctions++}`
    const running = { code, opensAt: time + auctionOpensIn, endsAt: time + auctionOpensIn + auctionLasts }
    this.#announced.push(running)
    return {
      type: 'auction.announce@1',
      lot: this.#lot(code),
      region: '420100',
      opensAt: formatTime(running.opensAt),
      endsAt: formatTime(running.endsAt),
      countdownSeconds: countdown / 1_000,
      startPrice: { amount: '1000', unit: '1', currency: 'CNY' },
      step: '10',
      reserve: '1020',
      document: { algorithm: 'sha256', value: digest(`lot ${code}`) },
    }
  }

  #lot(code: string): JsonObject {
    return { owner: this.#owner, scheme: 'land', code }
  }
}

const digest = (name: string): string => toHex(sha256(utf8(name)))

const companies = new Map<number, string>()
function companyOf(number: number): string {
  let party = companies.get(number)
  if (party === undefined) {
    const first17 = `91420100MA${String(number).padStart(7, '0')}`
    party = `uscc:${first17}${usccCheckCharacter(first17)}`
    companies.set(number, party)
  }
  return party
}
