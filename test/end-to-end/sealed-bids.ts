/**
 * The bidders of the demonstration: from each row of the opening a sealed bid, its one-time key and its nonce drawn at random, and what
 * its bidder shows of it at the opening. A few think again: they put in a first bid and replace it, or withdraw it and bid anew; a few
 * hand their leaf in at two members, to be on the safe side. Three do what three of the real ones did: they show nothing.
 *
 * The encrypted files are not made: a random digest stands for each, since nothing but its digest ever comes near the ledger.
 */
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import { toHex } from '../../src/chain/bytes.ts'
import type { DocumentHash } from '../../src/chain/catalogue/values.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import {
  bidderDigest,
  changeMessage,
  type SealedContent,
  type SealedSection,
  sealedLeaf,
  termsDigest,
} from '../../src/chain/sealed-bid.ts'
import type { Random } from '../../src/node/ports.ts'
import { beijingTime, type Opening, type OpeningRow } from '../chain/catalogue/opening-rows.ts'

/** The guarantee that a bid names in its terms. */
export interface Security extends JsonObject {
  readonly issuer: string
  readonly number: string
  readonly kind: 'single'
  readonly document: DocumentHash & JsonObject
}

interface Bid {
  readonly terms: JsonObject
  readonly seed: Uint8Array
  readonly content: SealedContent
  readonly leaf: string
}

/** A leaf on its way to a member. */
export interface HandIn {
  readonly leaf: string
  /** Milliseconds, by the clock of the real opening. */
  readonly realTime: number
  /** Which member, counted on and on. */
  readonly door: number
}

/** What is shown at the opening: a type, a key, and fields for the places that the leaves turned out to have. */
export interface Showing {
  readonly type: 'bid.reveal@1' | 'bid.withdrawal@1'
  readonly key: string
  fields(placeOf: PlaceOf, now: string): JsonObject
}

/** `place` of a record: `door` 0 is the first member that a leaf was handed in to, 1 the second. */
export type PlaceOf = (leaf: string, door?: number) => JsonObject

/** One row in so many: bids that took the place of a first one, that follow a withdrawn one, that were handed in at two members. */
const replacingEvery = 190
const anewEvery = 380
const twiceEvery = 95

export class SealedBids {
  readonly handIns: readonly HandIn[]
  readonly showings: readonly Showing[]
  /** What `bid.opened` has to count, if all goes as it should. */
  readonly tally: {
    readonly leaves: number
    readonly bids: number
    readonly replaced: number
    readonly withdrawn: number
    readonly notRevealed: number
  }
  readonly #at: SealedSection
  readonly #region: string
  readonly #random: Random

  constructor(
    at: SealedSection,
    opening: Opening,
    { random, securityOf }: { random: Random; securityOf: (row: OpeningRow) => Security | undefined },
  ) {
    this.#at = at
    this.#region = opening.region
    this.#random = random
    const handIns: HandIn[] = []
    const showings: Showing[] = []
    const tally = { leaves: 0, bids: 0, replaced: 0, withdrawn: 0, notRevealed: 0 }
    const received = opening.rows.map((row) => Date.parse(beijingTime(row.receivedAt)))
    const first = Math.min(...received)
    for (const [i, row] of opening.rows.entries()) {
      const key = `bid-${opening.code}-${row.seq}`
      const realTime = received[i]!
      // First bids come as much earlier as fits.
      const earlier = (part: number): number => first + (realTime - first) * part
      const isDecrypted = row.decryptStatus === '解密成功'
      const terms = this.#terms(row, securityOf(row))
      let bid = this.#bid(row, terms)
      if (isDecrypted && i % replacingEvery === 7) {
        const before = this.#bid(row, this.#terms(row, securityOf(row), '1'))
        bid = this.#bid(row, terms, before)
        handIns.push({ leaf: before.leaf, realTime: earlier(0.5), door: i + 1 })
        showings.push(this.#reveal(key, row, bid, before))
        tally.replaced++
      } else if (isDecrypted) {
        showings.push(this.#reveal(key, row, bid))
      }
      if (isDecrypted && i % anewEvery === 11) {
        const before = this.#bid(row, this.#terms(row, securityOf(row), '1'))
        const withdrawal = this.#withdrawal(before)
        handIns.push({ leaf: before.leaf, realTime: earlier(0.4), door: i + 1 })
        handIns.push({ leaf: withdrawal.leaf, realTime: earlier(0.6), door: i + 2 })
        showings.push(this.#withdrawn(`${key} withdrawn`, before, withdrawal))
        tally.withdrawn++
      }
      handIns.push({ leaf: bid.leaf, realTime, door: i })
      if (isDecrypted && i % twiceEvery === 50) {
        handIns.push({ leaf: bid.leaf, realTime, door: i + 1 })
        showings.push(this.#reveal(`${key} again`, row, bid, undefined, 1))
      }
      if (isDecrypted) tally.bids++
      else tally.notRevealed++
    }
    tally.leaves = handIns.length
    this.handIns = handIns.toSorted((a, b) => a.realTime - b.realTime)
    this.showings = showings
    this.tally = tally
  }

  #terms({ priceWanYuan, duration }: OpeningRow, guarantee: Security | undefined, price = priceWanYuan): JsonObject {
    return {
      salt: this.#digest(),
      price: { form: 'amount', amount: price ?? '1', unit: '1', currency: 'CNY' },
      ...(guarantee === undefined ? {} : { guarantee }),
      ...(duration === undefined ? {} : { duration }),
    }
  }

  #bid({ uscc }: OpeningRow, terms: JsonObject, replaces?: Bid): Bid {
    const seed = this.#random.bytes(32)
    const plain: SealedContent = {
      kind: 'bid',
      ciphertext: this.#digest(),
      terms: termsDigest(terms),
      bidder: bidderDigest([`uscc:${uscc}`]),
      oneTimeKey: kidOf(taggedEd25519(ed25519PublicKey(seed))),
      nonce: this.#digest(),
    }
    const content = replaces === undefined ? plain : this.#changing(replaces, plain)
    return { terms, seed, content, leaf: toHex(sealedLeaf(this.#at, content)) }
  }

  #withdrawal(of: Bid): Pick<Bid, 'content' | 'leaf'> {
    const nothing = { ciphertext: '', terms: '', bidder: '', oneTimeKey: '' }
    const content = this.#changing(of, { kind: 'withdrawal', ...nothing, nonce: this.#digest() })
    return { content, leaf: toHex(sealedLeaf(this.#at, content)) }
  }

  #changing({ leaf, seed }: Bid, after: SealedContent): SealedContent {
    return { ...after, changes: { leaf, signature: toHex(ed25519Sign(seed, changeMessage(this.#at, leaf, after))) } }
  }

  #reveal(key: string, { uscc, name }: OpeningRow, bid: Bid, before?: Bid, door = 0): Showing {
    const { ciphertext, oneTimeKey, nonce, changes } = bid.content
    return {
      type: 'bid.reveal@1',
      key,
      fields: (placeOf, now) => ({
        tender: { ...this.#at.tender },
        region: this.#region,
        place: placeOf(bid.leaf, door),
        bidders: [{ party: `uscc:${uscc}`, name }],
        terms: bid.terms,
        ciphertext,
        oneTimeKey,
        nonce,
        ...(changes === undefined ? {} : { changes: { ...changes } }),
        ...(before === undefined ? {} : { replaced: [covered(before, placeOf)] }),
        decryptedAt: now,
      }),
    }
  }

  #withdrawn(key: string, before: Bid, { content, leaf }: Pick<Bid, 'content' | 'leaf'>): Showing {
    return {
      type: 'bid.withdrawal@1',
      key,
      fields: (placeOf) => ({
        tender: { ...this.#at.tender },
        place: placeOf(leaf),
        nonce: content.nonce,
        changes: { ...content.changes! },
        withdrawn: [covered(before, placeOf)],
      }),
    }
  }

  #digest = (): string => toHex(this.#random.bytes(32))
}

/** A bid that is one no longer, by its hashes alone: its bidder and its price stay its own. */
function covered({ content, leaf }: Bid, placeOf: PlaceOf): JsonObject {
  const { ciphertext, terms, bidder, oneTimeKey, nonce } = content
  return { place: placeOf(leaf), content: { ciphertext, terms, bidder, oneTimeKey, nonce } }
}
