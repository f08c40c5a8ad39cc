/**
 * The opening of a box: every leaf is accounted for. A reveal shows what a leaf was made of and where it stands in a member's closed box; a
 * withdrawal shows the word of the bid's one-time key. Whoever was left out of a close has claimed by receipt (`sealed-claim.ts`). What nobody
 * reveals is counted as not revealed (未解密) when the opening ends, and the numbers are the rules' own.
 */
import { toHex } from '../bytes.ts'
import { verifyPlaced } from '../quiet-box.ts'
import { Refusal } from '../refusal.ts'
import {
  isChangeOf,
  type RevealedBid,
  revealedContent,
  type SealedContent,
  type SealedSection,
  sealedLeaf,
  withdrawalContent,
} from '../sealed-bid.ts'
import { VerificationError } from '../verification-error.ts'
import { countField, sealedBiddingLaw as law } from './box-fields.ts'
import {
  type AboutBox,
  boxKey,
  boxLife,
  boxSubjects,
  closersOf,
  closes,
  closingOf,
  opensAt,
  revealsDueAt,
  rounds,
  spellTime,
} from './box-life.ts'
import { profileOf } from './profile.ts'
import {
  claims,
  countPlace,
  endLeaf,
  isAccounted,
  isByPath,
  leafAt,
  showLeaf,
  type Tally,
  tallyOf,
} from './sealed-count.ts'
import {
  type Changes,
  type Covered,
  chainField,
  changesField,
  coveredFields,
  type Place,
  placeField,
  type Terms,
  termsFields,
} from './sealed-fields.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { type Key, natural, table, text } from './table.ts'
import { tenderSubject } from './tender-identity.ts'
import { publishers, refuseStranger, tenderAt } from './tender-life.ts'
import { sectionField } from './tender-record.ts'
import {
  hashText,
  type NamedParty,
  named,
  namedPartyField,
  object,
  refuse,
  regionField,
  tenderField,
  timeField,
  timeOf,
} from './values.ts'

// ---- what every reveal is asked ---------------------------------------------------------------------------------------------------

function refuseBeforeOpening(about: AboutBox, context: RuleContext): void {
  const at = opensAt(about, context)
  if (context.blockTime >= at) return
  throw new Refusal('bid.not-open-yet', `bids are opened from ${spellTime(at)} on, in attested time`)
}

const sectionOf = ({ tender, section = '' }: AboutBox, { ledger }: RuleContext): SealedSection => ({
  ledger,
  tender,
  section,
})

/** @throws {Refusal} bid.not-in-the-box, unless the leaf stands there */
function refuseWrongPlace(about: AboutBox, leaf: string, place: Place, context: RuleContext, pointer: string): void {
  const { state } = context
  const { member, receivedAt, index, path } = place
  if ((index === undefined) !== (path === undefined)) {
    throw refuse('bid.not-in-the-box', pointer, '位置与路径须同时出现', 'has an index and a path, or neither')
  }
  if (index === undefined || path === undefined) {
    if (claims.read(state, [...boxKey(about), member, leaf])?.receivedAt === receivedAt) return
    throw refuse('bid.not-in-the-box', pointer, '既无路径，也无凭回执的主张', 'has neither a path nor a claim')
  }
  const close = closes.read(state, [...boxKey(about), member])
  if (close === undefined) throw refuse('bid.not-in-the-box', `${pointer}/member`, '该成员未封标', 'has not closed')
  try {
    verifyPlaced(close, { leaf, receivedAt, index, path })
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    throw refuse('bid.not-in-the-box', pointer, '与封标的根不符', 'does not lead to the root of the close')
  }
}

/** @throws {Refusal} unless content of this kind stands at that place, and is not accounted for there */
function refuseWrongLeaf(about: AboutBox, content: SealedContent, place: Place, context: RuleContext): void {
  const leaf = toHex(sealedLeaf(sectionOf(about, context), content))
  if (isAccounted(context.state, boxKey(about), leaf, place)) {
    throw new Refusal('bid.revealed-already', `the leaf ${leaf} of ${place.member} is accounted for`)
  }
  refuseWrongPlace(about, leaf, place, context, '/place')
}

/**
 * The bids before, from the newest to the first: each was changed by the word of its own one-time key, and stands where it is said to. With one
 * of them left out, it could be shown afterwards as a bid that stands.
 */
function refuseWrongChain(
  about: AboutBox,
  chain: readonly Covered[],
  newest: SealedContent,
  context: RuleContext,
  pointer: string,
): void {
  const at = sectionOf(about, context)
  let after = newest
  chain.forEach(({ place, content }, number) => {
    const before: SealedContent = { kind: 'bid', ...content }
    const where = `${pointer}/${number}`
    if (!isChangeOf(at, before, after)) {
      throw refuse('bid.change-forged', where, '没有原一次性密钥的有效签名', 'lacks the word of its one-time key')
    }
    const leaf = toHex(sealedLeaf(at, before))
    if (place !== undefined && !isAccounted(context.state, boxKey(about), leaf, place)) {
      refuseWrongPlace(about, leaf, place, context, `${where}/place`)
    }
    after = before
  })
  if (after.changes === undefined) return
  throw refuse('bid.change-forged', pointer, '须列至最初的投标', 'goes down to the first bid')
}

/** Counts what the record shows; the leaf itself first, then those before it. @returns whether the leaf is public for the first time */
function countShown(
  about: AboutBox,
  content: SealedContent,
  place: Place,
  chain: readonly Covered[],
  context: RuleContext,
): boolean {
  const key = boxKey(about)
  const at = sectionOf(about, context)
  const leaf = toHex(sealedLeaf(at, content))
  const isNew = showLeaf(context, key, leaf, content.kind)
  if (!isByPath(place)) context.find('bid.by-receipt', place.member)
  if (countPlace(context, key, leaf, place) > 1) context.find('bid.in-two-boxes', leaf)
  let [endedBy, status]: [string, 'replaced' | 'withdrawn'] = [leaf, content.kind === 'bid' ? 'replaced' : 'withdrawn']
  for (const covered of chain) {
    const before = toHex(sealedLeaf(at, { kind: 'bid', ...covered.content }))
    showLeaf(context, key, before, 'bid')
    if (covered.place !== undefined) countPlace(context, key, before, covered.place)
    else if (leafAt(context.state, key, before)!.places === 0) context.find('bid.nowhere', before)
    const other = endLeaf(context, key, before, status, endedBy)
    if (other !== undefined) context.find('bid.changed-twice', before, String(other))
    ;[endedBy, status] = [before, 'replaced']
  }
  return isNew
}

/** The first record of an opening. */
function begin(about: AboutBox, event: string, context: RuleContext): void {
  const key = boxKey(about)
  const { state } = boxLife.before(context, key, event)!
  if (state !== 'opening') boxLife.move(context, key, event, {})
}

// ---- reveals ---------------------------------------------------------------------------------------------------------------------

interface BidReveal extends AboutBox {
  readonly region?: string
  readonly place: Place
  readonly bidders: readonly (Partial<NamedParty> & { readonly party: string })[]
  readonly terms: Terms
  readonly ciphertext: string
  readonly oneTimeKey: string
  readonly nonce: string
  readonly changes?: Changes
  readonly replaced?: readonly Covered[]
  readonly decryptedAt: string
}

const bidOf = (bid: BidReveal): SealedContent => revealedContent(bid as unknown as RevealedBid)

export const bidReveal: StatementType = {
  name: 'bid.reveal',
  version: 1,
  title: { zh: '公开投标', en: 'Reveal a bid' },
  law,
  lifecycle: boxLife,
  schema: {
    properties: {
      tender: tenderField,
      section: sectionField,
      region: regionField,
      place: placeField,
      bidders: named('投标人', 'Bidders', {
        description: '联合体逐一列出，牵头人在前 / a consortium lists every member, the leader first',
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: namedPartyField('投标人', 'Bidder', ['party']),
      }),
      terms: named('条款', 'Terms', object(termsFields, ['salt', 'price'])),
      ciphertext: coveredFields.ciphertext,
      oneTimeKey: coveredFields.oneTimeKey,
      nonce: coveredFields.nonce,
      changes: changesField,
      replaced: chainField,
      decryptedAt: timeField('解密时间', 'Decrypted at'),
    },
    required: ['tender', 'place', 'bidders', 'terms', 'ciphertext', 'oneTimeKey', 'nonce', 'decryptedAt'],
  },
  roles: publishers,
  refusals: {},
  check(fields, context) {
    const bid = fields as unknown as BidReveal
    boxLife.before(context, boxKey(bid), 'bid.reveal')
    refuseBeforeOpening(bid, context)
    refuseNamedPersons(bid)
    const content = bidOf(bid)
    refuseWrongLeaf(bid, content, bid.place, context)
    refuseWrongChain(bid, bid.replaced ?? [], content, context, '/replaced')
    if (timeOf(bid.decryptedAt) < opensAt(bid, context)) {
      throw refuse('bid.not-open-yet', '/decryptedAt', '早于开标', 'is before the opening')
    }
  },
  apply(fields, context) {
    const bid = fields as unknown as BidReveal
    const content = bidOf(bid)
    begin(bid, 'bid.reveal', context)
    const isNew = countShown(bid, content, bid.place, bid.replaced ?? [], context)
    // Of a bid that is known already, or was replaced by one that is, there is nothing more to compare.
    if (!isNew) return
    noteBidders(bid, toHex(sealedLeaf(sectionOf(bid, context), content)), context)
    noteGuarantee(bid, context)
  },
  subjects(fields) {
    const { tender, region, bidders, terms, ...about } = fields as unknown as BidReveal
    const { parties, ...rest } = boxSubjects(tender)
    const issuer = terms.guarantee === undefined ? [] : [terms.guarantee.issuer]
    return {
      ...rest,
      subjects: [boxLife.subject(boxKey({ tender, ...about })), ...rest.subjects],
      parties: Array.from(new Set([...parties, ...bidders.map(({ party }) => party), ...issuer])),
      ...(region === undefined ? {} : { region }),
      hashes: [terms.document, terms.guarantee?.document].flatMap((hash) =>
        hash === undefined ? [] : [hashText(hash)],
      ),
    }
  },
}

function refuseNamedPersons({ bidders }: BidReveal): void {
  bidders.forEach(({ party, name }, at) => {
    if (!party.startsWith('person:') || name === undefined) return
    throw refuse('personal-data.refused', `/bidders/${at}/name`, '自然人不得写姓名', 'a natural person is not named')
  })
}

/** The bid of a bidder in a section that was revealed last, and what a guarantee was first used for. */
const bidsOf = table('sealed-bidder', { leaf: text, index: natural })
const guaranteeUses = table('sealed-guarantee', {
  index: natural,
  document: text,
  kind: text,
  bidder: text,
  tender: text,
  box: text,
})

/** One live bid for each bidder: two of one bidder are both in, and named. */
function noteBidders(bid: BidReveal, leaf: string, context: RuleContext): void {
  const { state, index } = context
  const key = boxKey(bid)
  for (const party of new Set(bid.bidders.map((bidder) => bidder.party))) {
    const other = bidsOf.read(state, [...key, party])
    const isLive = other !== undefined && leafAt(state, key, other.leaf)?.status === 'bid'
    if (isLive) context.find('bid.two-of-one-bidder', party, String(other.index))
    bidsOf.write(state, [...key, party], { leaf, index })
  }
}

/** A guarantee secures one bidder, and no more sections or tenders than its kind says: the narrower of the two kinds that were stated. */
function noteGuarantee(bid: BidReveal, context: RuleContext): void {
  const { state, index } = context
  if (bid.terms.guarantee === undefined) return
  const { issuer, number, kind, document } = bid.terms.guarantee
  const tender = tenderSubject(bid.tender)
  const box = boxLife.subject(boxKey(bid))
  const used = { index, document: hashText(document), kind, bidder: bid.bidders[0]!.party, tender, box }
  const before = guaranteeUses.read(state, [issuer, number])
  if (before === undefined) return guaranteeUses.write(state, [issuer, number], used)
  const kinds = [kind, before.kind]
  const isOtherUse =
    before.bidder !== used.bidder ||
    (kinds.includes('single') && before.box !== box) ||
    (kinds.includes('multi-section') && before.tender !== tender)
  if (!isOtherUse && before.document === used.document) return
  context.find('bid.guarantee-used-twice', number, String(before.index), before.document, used.document)
}

interface BidWithdrawal extends AboutBox {
  readonly place: Place
  readonly nonce: string
  readonly changes: Changes
  readonly withdrawn: readonly Covered[]
}

export const bidWithdrawal: StatementType = {
  name: 'bid.withdrawal',
  version: 1,
  title: { zh: '公开撤回', en: 'Show that a bid was withdrawn' },
  law,
  lifecycle: boxLife,
  schema: {
    properties: {
      tender: tenderField,
      section: sectionField,
      place: placeField,
      nonce: coveredFields.nonce,
      changes: changesField,
      withdrawn: chainField,
    },
    required: ['tender', 'place', 'nonce', 'changes', 'withdrawn'],
  },
  roles: publishers,
  refusals: {},
  check(fields, context) {
    const shown = fields as unknown as BidWithdrawal
    boxLife.before(context, boxKey(shown), 'bid.withdrawal')
    refuseBeforeOpening(shown, context)
    const content = withdrawalContent(shown)
    refuseWrongLeaf(shown, content, shown.place, context)
    refuseWrongChain(shown, shown.withdrawn, content, context, '/withdrawn')
  },
  apply(fields, context) {
    const shown = fields as unknown as BidWithdrawal
    begin(shown, 'bid.withdrawal', context)
    countShown(shown, withdrawalContent(shown), shown.place, shown.withdrawn, context)
  },
  subjects(fields) {
    const { tender, ...about } = fields as unknown as BidWithdrawal
    const subjects = boxSubjects(tender)
    return { ...subjects, subjects: [boxLife.subject(boxKey({ tender, ...about })), ...subjects.subjects] }
  },
}

// ---- the end ---------------------------------------------------------------------------------------------------------------------

interface BidOpened extends AboutBox, Tally {}

const numbers = ['leaves', 'bids', 'replaced', 'withdrawn', 'notRevealed'] as const

export const bidOpened = boxLife.step<BidOpened>({
  name: 'bid.opened',
  version: 1,
  title: { zh: '开标完毕', en: 'The opening is over' },
  law,
  schema: {
    properties: {
      tender: tenderField,
      section: sectionField,
      leaves: countField('叶总数', 'Leaves', Number.MAX_SAFE_INTEGER),
      bids: countField('有效投标', 'Bids', Number.MAX_SAFE_INTEGER),
      replaced: countField('被替换', 'Replaced', Number.MAX_SAFE_INTEGER),
      withdrawn: countField('撤回', 'Withdrawn', Number.MAX_SAFE_INTEGER),
      notRevealed: countField('未解密', 'Not revealed', Number.MAX_SAFE_INTEGER),
    },
    required: ['tender', ...numbers],
  },
  roles: publishers,
  key: boxKey,
  check(payload, context) {
    const key = boxKey(payload)
    refuseStranger(payload.tender, context, tenderAt(context, payload.tender))
    refuseBeforeOpening(payload, context)
    const tally = tallyOf(context.state, key)
    for (const name of numbers) {
      if (payload[name] === tally[name]) continue
      throw refuse('bid.count-differs', `/${name}`, `账本为 ${tally[name]}`, `is ${tally[name]} on the ledger`)
    }
    // A box that may still be closed may hold bids: nobody ends the opening over the head of a member that is late.
    if (tally.notRevealed === 0 && notClosed(key, context).every(({ id }) => !hadRounds(key, id, context))) return
    const due = revealsDueAt(payload, context)
    if (context.blockTime >= due) return
    throw new Refusal('bid.reveals-due', `bids may be revealed until ${spellTime(due)}, in attested time`)
  },
  next(payload, context, before) {
    const missing = notClosed(boxKey(payload), context)
    if (missing.length > 0) context.find('bid.box-not-closed', missing.map(({ id }) => id).join(', '))
    if (payload.notRevealed > 0) context.find('bid.not-revealed', String(payload.notRevealed))
    const profile = tenderAt(context, payload.tender)?.row.profile
    const biddersMin = profile === undefined ? 0 : profileOf(profile).biddersMin
    if (payload.bids < biddersMin) context.find('bid.too-few', String(payload.bids), String(biddersMin))
    return before!.row.closedAt === null ? closingOf(payload, context) : {}
  },
  subjects: ({ tender }) => boxSubjects(tender),
})

function notClosed(key: Key, { state, members }: RuleContext) {
  const closed = closersOf(state, key)
  return members.filter(({ id }) => !closed.includes(id))
}

/** Whether a member put anything on the ledger within grace: only then there is something that it could close on. */
function hadRounds(key: Key, member: string, { state, blockTime }: RuleContext): boolean {
  const { closedAt } = boxLife.at(state, key, blockTime)!.row
  const first = rounds.read(state, [member, '1'])
  return first !== undefined && closedAt !== null && first.time <= closedAt
}
