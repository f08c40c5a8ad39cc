/** Records of mixed types as a year of trade brings them, by number: the same number gives the same record, so a look-up can ask for any. */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import { rowName } from '../../src/chain/catalogue/register.ts'
import { usccCheckCharacter } from '../../src/chain/catalogue/values.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { formatTime } from '../../src/chain/time.ts'

/** Of every hundred records. */
const perHundred = { bid: 45, guarantee: 25, attest: 20, auction: 10 }
const bidders = 20_000
const recordsPerTender = 500

export class MixedTrade {
  readonly #owner: string
  readonly issuer: string
  #auctions = 0

  constructor(owner: string, issuer: string) {
    this.#owner = owner
    this.issuer = issuer
  }

  /** The fields of record `number`, type included; to be asked for in ascending order. */
  next(number: number, time: number): JsonObject {
    const kind = number % 100
    if (kind < perHundred.bid) return this.#bid(number, time)
    if (kind < perHundred.bid + perHundred.guarantee) return this.#guarantee(number, time)
    if (kind < perHundred.bid + perHundred.guarantee + perHundred.attest) return this.#attest(number, time)
    return this.#announce(time)
  }

  tenderCode = (draw: number): string => `E35${String(draw % this.#tenders).padStart(14, '0')}`
  tenderSubject = (draw: number): string => rowName('tender', this.#owner, 'national', this.tenderCode(draw))
  auctionSubject = (draw: number): string =>
    rowName('auction', this.#owner, 'land', `G${draw % Math.max(1, this.#auctions)}`)
  documentHash = (draw: number): string => `sha256:${digest(`attest ${this.#aligned(draw, 80)}`)}`
  guaranteeNumber = (draw: number): string => `BH${this.#aligned(draw, 60)}`
  /** One that has bid. */
  bidder = (draw: number): string => companyOf(this.#aligned(draw, 7) % bidders)

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

  #guarantee(number: number, time: number): JsonObject {
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

  #announce(time: number): JsonObject {
    const number = this.#auctions++
    return {
      type: 'auction.announce@1',
      lot: { owner: this.#owner, scheme: 'land', code: `G${number}` },
      region: '420100',
      opensAt: formatTime(time + 1_000),
      endsAt: formatTime(time + 3_600_000),
      countdownSeconds: 30,
      startPrice: { amount: '1000', unit: '1', currency: 'CNY' },
      step: '10',
      document: { algorithm: 'sha256', value: digest(`lot ${number}`) },
    }
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
