/** A tender with a box in a world of whole nodes, and bidders that hand in, replace, withdraw and open. For tests of the quiet box. */
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import type { PlacedLeaf } from '../../src/chain/quiet-box.ts'
import {
  bidderDigest,
  changeMessage,
  type SealedContent,
  type SealedSection,
  sealedLeaf,
  termsDigest,
} from '../../src/chain/sealed-bid.ts'
import { formatTime } from '../../src/chain/time.ts'
import type { DepositResult, SignedBidReceipt } from '../../src/node/box-keeper.ts'
import type { ReplicaWorld } from './replica-world.ts'

const digest = (text: string): string => toHex(sha256(utf8(text)))

/** What a bidder keeps. */
export interface SealedBid {
  readonly name: string
  readonly party: string
  readonly seed: Uint8Array
  readonly terms: JsonObject
  readonly content: SealedContent
  readonly leaf: string
}

export interface BoxTimes {
  /** From now to the deadline, milliseconds. */
  readonly deadlineMs?: number
  readonly graceSeconds?: number
  readonly claimSeconds?: number
  readonly revealSeconds?: number
}

export class BoxStage {
  readonly world: ReplicaWorld
  readonly host: string
  readonly at: SealedSection
  readonly deadline: number
  readonly about: { readonly tender: SealedSection['tender']; readonly section: string }
  #statements = 0

  /** Publishes a tender of the host's and opens its box. */
  constructor(world: ReplicaWorld, code = 'T-1', times: BoxTimes = {}) {
    const { deadlineMs = 60_000, graceSeconds = 5, claimSeconds = 3, revealSeconds = 60 } = times
    this.world = world
    this.host = world.ids[0]!
    const owner = world.member(this.host).member.party
    const tender = { owner, scheme: 'test', code }
    this.about = { tender, section: '' }
    this.at = { ledger: world.genesis.ledger, ...this.about }
    this.deadline = world.clock.wall() + deadlineMs
    this.say('tender.notice@1', {
      tender: { ...tender },
      document: { algorithm: 'sha256', value: digest(code) },
      publishedAt: formatTime(world.clock.wall()),
      kind: 'tender',
      profile: 'construction',
      deadline: formatTime(this.deadline),
      openingTime: formatTime(this.deadline),
    })
    world.settle('the notice is in')
    const outcome = this.outcome('box.open@1', { tender: { ...tender }, graceSeconds, claimSeconds, revealSeconds })
    if (outcome !== 'record') throw new Error(`the box was not opened: ${outcome}`)
    world.settle('the box is open')
  }

  /** A statement of a member's centre, by any door. */
  say(type: string, fields: JsonObject, by = this.host, door = by) {
    const key = `${type} ${this.about.tender.code} ${this.#statements++}`
    return this.world.submit(door, this.world.centreStatement(by, type, key, fields))
  }

  /** As `say`, until it is on the ledger or refused. @returns 'record' or the code of the refusal */
  outcome(type: string, fields: JsonObject, by = this.host, door = by): string {
    const answer = this.say(type, fields, by, door)
    const { clock } = this.world
    clock.until(() => answer.result !== undefined, `${type} is answered`)
    const result = answer.result!
    if (result.kind === 'refused') return result.code
    if (result.kind === 'known') return 'record'
    clock.until(() => result.pending.settlement !== undefined, `${type} is settled`)
    const { settlement } = result.pending
    return settlement!.kind === 'refused' ? settlement!.code : 'record'
  }

  /** @param replaces the bid that this one takes the place of */
  bid(name: string, price = '100', replaces?: SealedBid): SealedBid {
    const seed = sha256(utf8(`one-time ${name}`))
    const party = `id:test:${name.replaceAll(' ', '-')}`
    const terms = { salt: digest(`salt ${name}`), price: { form: 'amount', amount: price, unit: '1', currency: 'CNY' } }
    const plain: SealedContent = {
      kind: 'bid',
      ciphertext: digest(`file ${name}`),
      terms: termsDigest(terms),
      bidder: bidderDigest([party]),
      oneTimeKey: kidOf(taggedEd25519(ed25519PublicKey(seed))),
      nonce: digest(`nonce ${name}`),
    }
    const content = replaces === undefined ? plain : { ...plain, changes: this.#change(replaces, plain) }
    return { name, party, seed, terms, content, leaf: toHex(sealedLeaf(this.at, content)) }
  }

  withdrawal(of: SealedBid): { readonly content: SealedContent; readonly leaf: string } {
    const plain: SealedContent = {
      kind: 'withdrawal',
      ciphertext: '',
      terms: '',
      bidder: '',
      oneTimeKey: '',
      nonce: digest(`withdraw ${of.name}`),
    }
    const content = { ...plain, changes: this.#change(of, plain) }
    return { content, leaf: toHex(sealedLeaf(this.at, content)) }
  }

  #change(before: SealedBid, after: SealedContent) {
    return { leaf: before.leaf, signature: toHex(ed25519Sign(before.seed, changeMessage(this.at, before.leaf, after))) }
  }

  deposit(door: string, leaf: string): DepositResult {
    let result: DepositResult | undefined
    this.world.replica(door).deposit(this.about, leaf, (answer) => {
      result = answer
    })
    this.world.clock.until(() => result !== undefined, 'the leaf is answered')
    return result!
  }

  handIn(door: string, leaf: string): SignedBidReceipt {
    const result = this.deposit(door, leaf)
    if (result.kind === 'refused') throw new Error(result.code)
    return result.receipt
  }

  /** Until all of these members have closed. */
  untilClosed(members: readonly string[] = this.world.ids): void {
    this.world.until(() => members.every((id) => this.world.replica(id).boxes.list(this.about) !== undefined), 'closed')
    this.world.settle('the closes are everywhere')
  }

  place(member: string, leaf: string) {
    const placed = this.world.replica(member).boxes.place(this.about, leaf)
    if (placed === undefined) throw new Error(`${leaf} is not in the box of ${member}`)
    return placeFields(member, placed)
  }

  /** Fields of bid.reveal@1. */
  reveal(bid: SealedBid, place: JsonObject, replaced?: { readonly bid: SealedBid; readonly place: JsonObject }) {
    const { ciphertext, oneTimeKey, nonce, changes } = bid.content
    return {
      tender: { ...this.about.tender },
      place,
      bidders: [{ party: bid.party, name: bid.name }],
      terms: bid.terms,
      ciphertext,
      oneTimeKey,
      nonce,
      ...(changes === undefined ? {} : { changes: { ...changes } }),
      ...(replaced === undefined ? {} : { replaced: [coveredFields(replaced.bid, replaced.place)] }),
      decryptedAt: formatTime(this.world.clock.wall()),
    } satisfies JsonObject
  }

  /** Fields of bid.withdrawal@1. */
  withdrawn(of: SealedBid, place: JsonObject, placeOfBid: JsonObject): JsonObject {
    const { nonce, changes } = this.withdrawal(of).content
    return {
      tender: { ...this.about.tender },
      place,
      nonce,
      changes: { ...changes! },
      withdrawn: [coveredFields(of, placeOfBid)],
    }
  }
}

const placeFields = (member: string, { receivedAt, index, path }: PlacedLeaf): JsonObject => ({
  member,
  receivedAt,
  index,
  path: [...path],
})

function coveredFields({ content }: SealedBid, place: JsonObject): JsonObject {
  const { ciphertext, terms, bidder, oneTimeKey, nonce, changes } = content
  const shown = { ciphertext, terms, bidder, oneTimeKey, nonce }
  return { place, content: changes === undefined ? shown : { ...shown, changes: { ...changes } } }
}
