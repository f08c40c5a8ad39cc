/**
 * The opening of a box: every leaf is accounted for. A reveal shows what a leaf was made of and where it stands in a member's closed box; a
 * withdrawal shows the word of the bid's one-time key. Whoever has a receipt, and finds that a member has not closed or shows no path, claims
 * by it — before the first bid is opened, so that nobody comes in late who has seen prices. What nobody reveals is counted as not revealed
 * (未解密) when the opening ends, and the numbers are the rules' own.
 */
import { fromHex, toHex } from '../bytes.ts'
import type { JsonObject } from '../json.ts'
import { keyFromKid, verifySignature } from '../keys.ts'
import { type BidReceipt, bidReceiptMessage, verifyPlaced } from '../quiet-box.ts'
import { Refusal } from '../refusal.ts'
import {
  bidderDigest,
  isChangeOf,
  type SealedContent,
  type SealedSection,
  sealedLeaf,
  termsDigest,
} from '../sealed-bid.ts'
import type { StateReader } from '../state.ts'
import { formatTime } from '../time.ts'
import { VerificationError } from '../verification-error.ts'
import { countField, digestField, sealedBiddingLaw as law, pathField } from './box-fields.ts'
import {
  type AboutBox,
  type Attested,
  attestedEnd,
  boxKey,
  boxLife,
  boxSubjects,
  closersOf,
  closes,
  closingOf,
  endOfGrace,
  newestRounds,
} from './box-life.ts'
import { profileOf } from './profile.ts'
import type { RuleContext, StatementType } from './statement-type.ts'
import { type Key, natural, table, text } from './table.ts'
import { publishers, tenderAt } from './tender-life.ts'
import { sectionField } from './tender-record.ts'
import {
  codeField,
  currencyField,
  type DocumentHash,
  decimalField,
  enumField,
  hashField,
  hashText,
  named,
  object,
  partyField,
  refuse,
  regionField,
  tenderField,
  textField,
  timeField,
  timeOf,
  unitField,
  wordsField,
} from './values.ts'

// ---- what is remembered ----------------------------------------------------------------------------------------------------------

/** A leaf whose content is public, by box and leaf. */
const leaves = table('sealed-leaf', {
  /** `bid`, `withdrawal`; a bid may come to be `replaced` or `withdrawn`. */
  status: text,
  /** Index of the record that showed it first. */
  index: natural,
})

/** A leaf that was accounted for, by box, member and leaf: it may stand in several boxes. */
const places = table('sealed-place', { index: natural })

/** A receipt that was brought, by box, member and leaf. */
const claims = table('sealed-claim', { receivedAt: natural })

const tallies = table('sealed-tally', {
  /** Brought by receipt, and not shown to be in a close. */
  claimed: natural,
  bids: natural,
  replaced: natural,
  withdrawn: natural,
  /** Leaves that did nothing but withdraw. */
  withdrawals: natural,
  /** Further places of leaves that are counted already. */
  copies: natural,
})
const nothingYet = { claimed: 0, bids: 0, replaced: 0, withdrawn: 0, withdrawals: 0, copies: 0 }

/** The live bid of a bidder in a section, and what a guarantee was last used for. */
const bidsOf = table('sealed-bidder', { leaf: text, index: natural })
const guaranteeUses = table('sealed-guarantee', { index: natural, document: text, bidder: text, box: text })

export interface Tally {
  /** In all closed boxes together, and by receipt. */
  readonly leaves: number
  readonly bids: number
  readonly replaced: number
  readonly withdrawn: number
  readonly notRevealed: number
}

/** What is accounted for so far. */
export function tallyOf(state: StateReader, key: Key): Tally {
  const { claimed, bids, replaced, withdrawn, withdrawals, copies } = tallies.read(state, key) ?? nothingYet
  const inBoxes = closersOf(state, key).reduce((sum, member) => sum + closes.read(state, [...key, member])!.count, 0)
  const all = inBoxes + claimed
  return {
    leaves: all,
    bids,
    replaced,
    withdrawn,
    notRevealed: all - bids - replaced - withdrawn - withdrawals - copies,
  }
}

// ---- fields ----------------------------------------------------------------------------------------------------------------------

const kidField = (zh: string, en: string) => named(zh, en, { type: 'string', pattern: '^[A-Za-z0-9_-]{44,128}$' })
const milliseconds = (zh: string, en: string) =>
  named(zh, en, { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const memberField = named('成员', 'Member', { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,31}$' })

/** Where a leaf stands: in a member's close, or, without index and path, in a claim by receipt. */
interface Place {
  readonly member: string
  readonly receivedAt: number
  readonly index?: number
  readonly path?: readonly string[]
}

const placeField = named(
  '所在位置',
  'Where it stands',
  object(
    {
      member: memberField,
      receivedAt: milliseconds('接收时间（毫秒）', 'Received at, milliseconds'),
      index: countField('位置', 'Index', Number.MAX_SAFE_INTEGER),
      path: pathField,
    },
    ['member', 'receivedAt'],
  ),
)

interface Changes {
  readonly leaf: string
  readonly signature: string
}

const changesField = named(
  '替换或撤回的投标',
  'The bid that it replaces or withdraws',
  object(
    {
      leaf: digestField('原叶', 'Its leaf'),
      signature: named('原一次性密钥的签名', 'Signature by its one-time key', {
        type: 'string',
        pattern: '^[0-9a-f]{128}$',
      }),
    },
    ['leaf', 'signature'],
  ),
)

/** What a bid's leaf is made of where bidder and terms stay covered by their hashes: one that was replaced or withdrawn. */
const coveredFields = {
  ciphertext: digestField('密文哈希', 'Hash of the encrypted file'),
  terms: digestField('条款哈希', 'Hash of the terms'),
  bidder: digestField('投标人哈希', 'Hash of the bidder'),
  oneTimeKey: kidField('一次性公钥', 'One-time key'),
  nonce: digestField('随机数', 'Nonce'),
  changes: changesField,
}
const coveredField = named(
  '原投标（只有哈希）',
  'The bid before, by its hashes',
  object({ place: placeField, content: object(coveredFields, Object.keys(coveredFields).slice(0, 5)) }, [
    'place',
    'content',
  ]),
)

interface Covered {
  readonly place: Place
  readonly content: Omit<SealedContent, 'kind'>
}

const termsFields = {
  salt: digestField('盐', 'Salt'),
  price: named(
    '报价',
    'Price',
    object(
      {
        form: enumField('报价形式', 'Form of the price', ['amount', 'rate', 'unitPrice', 'other']),
        amount: decimalField('数额', 'Amount'),
        unit: unitField,
        currency: currencyField,
        raw: textField('原文', 'As printed', 256),
      },
      ['form', 'amount'],
    ),
  ),
  document: hashField('投标文件哈希', 'Hash of the bid document'),
  guarantee: named(
    '保函',
    'Guarantee',
    object(
      {
        issuer: partyField('出具人', 'Issuer'),
        number: codeField('保函编号', 'Number'),
        kind: enumField('种类', 'Kind', ['single', 'multi-section', 'annual']),
        document: hashField('保函哈希', 'Hash of the guarantee'),
      },
      ['issuer', 'number', 'kind', 'document'],
    ),
  ),
  duration: wordsField('工期', 'Duration', 256),
}

interface Terms {
  readonly salt: string
  readonly price: { readonly form: string; readonly amount: string }
  readonly document?: DocumentHash
  readonly guarantee?: {
    readonly issuer: string
    readonly number: string
    readonly kind: string
    readonly document: DocumentHash
  }
}

// ---- claims by receipt -----------------------------------------------------------------------------------------------------------

interface BidClaim extends AboutBox {
  readonly receipt: {
    readonly member: string
    readonly epoch: number
    readonly leaf: string
    readonly receivedAt: number
    readonly round: number
    readonly signature: string
  }
}

export const bidClaim = boxLife.step<BidClaim>({
  name: 'bid.claim',
  version: 1,
  title: { zh: '凭回执主张', en: 'Claim by receipt' },
  law,
  schema: {
    properties: {
      tender: tenderField,
      section: sectionField,
      receipt: named(
        '投标回执',
        'Receipt of the bid',
        object(
          {
            member: memberField,
            epoch: countField('届', 'Epoch', Number.MAX_SAFE_INTEGER),
            leaf: digestField('叶', 'Leaf'),
            receivedAt: milliseconds('接收时间（毫秒）', 'Received at, milliseconds'),
            round: countField('轮次', 'Round', Number.MAX_SAFE_INTEGER),
            signature: named('节点签名', 'Signature of the node', { type: 'string', pattern: '^[0-9a-f]{128}$' }),
          },
          ['member', 'epoch', 'leaf', 'receivedAt', 'round', 'signature'],
        ),
      ),
    },
    required: ['tender', 'receipt'],
  },
  roles: 'any',
  key: boxKey,
  check(payload, context, before) {
    const { receipt } = payload
    const { deadline, closedAt } = closingOf(payload, context)
    const end = before!.row.closedAt ?? closedAt
    if (context.blockTime < end) throw new Refusal('box.too-early', `grace lasts until ${formatTime(end)}`)
    if (receipt.receivedAt > (before!.row.deadline ?? deadline!)) {
      throw refuse('bid.too-late', '/receipt/receivedAt', '晚于投标截止时间', 'is after the deadline')
    }
    refuseForgedReceipt(payload, context)
    const key = boxKey(payload)
    if (claims.read(context.state, [...key, receipt.member, receipt.leaf]) !== undefined) {
      throw new Refusal('bid.claimed-already', `the leaf ${receipt.leaf} was claimed before`)
    }
  },
  next(payload, context, before) {
    const { member, leaf, receivedAt } = payload.receipt
    const key = boxKey(payload)
    claims.write(context.state, [...key, member, leaf], { receivedAt })
    addTo(context, key, { claimed: 1 })
    return before!.row.closedAt === null ? closingOf(payload, context) : {}
  },
  subjects: ({ tender }) => boxSubjects(tender),
})

function refuseForgedReceipt({ tender, section = '', receipt }: BidClaim, context: RuleContext): void {
  const member = context.members.find(({ id }) => id === receipt.member)
  const key = member === undefined ? undefined : keyFromKid(member.node.seal)
  const { epoch, leaf, receivedAt, round, signature } = receipt
  const body: BidReceipt = { tender, section, leaf, receivedAt, round, node: member?.node.id ?? '' }
  const message = bidReceiptMessage({ ledger: context.ledger, epoch }, body)
  if (key !== undefined && verifySignature(key, message, fromHex(signature)!)) return
  throw refuse('bid.receipt-forged', '/receipt/signature', '不是该成员节点的签名', 'is not by that member’s node')
}

// ---- reveals ---------------------------------------------------------------------------------------------------------------------

/** When bids may be opened: at the opening time, and not before all could claim by receipt. */
export function opensAt(about: AboutBox, context: Attested): number {
  const { row } = boxLife.at(context.state, boxKey(about), context.blockTime)!
  const closedAt = row.closedAt ?? endOfGrace(about, context)
  return Math.max(row.openingTime ?? 0, attestedEnd(closedAt, row.claimMs, context))
}

function refuseBeforeOpening(about: AboutBox, context: RuleContext): void {
  const at = opensAt(about, context)
  if (context.blockTime >= at) return
  throw new Refusal('bid.not-open-yet', `bids are opened from ${formatTime(at)} on, in attested time`)
}

interface Shown {
  readonly at: SealedSection
  readonly key: Key
  readonly leaf: string
}

/** The leaf of this content, which stands where it is said to stand and was not accounted for there. */
function shownLeaf(
  about: AboutBox,
  place: Place,
  content: SealedContent,
  context: RuleContext,
  pointer: string,
): Shown {
  const { ledger, state } = context
  const at: SealedSection = { ledger, tender: about.tender, section: about.section ?? '' }
  const key = boxKey(about)
  const leaf = toHex(sealedLeaf(at, content))
  const { member, receivedAt, index, path } = place
  if (places.read(state, [...key, member, leaf]) !== undefined) {
    throw new Refusal('bid.revealed-already', `the leaf ${leaf} of ${member} is accounted for`)
  }
  if (index !== undefined && path !== undefined) {
    const close = closes.read(state, [...key, member])
    if (close === undefined) throw refuse('bid.not-in-the-box', `${pointer}/member`, '该成员未封标', 'has not closed')
    try {
      verifyPlaced(close, { leaf, receivedAt, index, path })
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      throw refuse('bid.not-in-the-box', pointer, '与封标的根不符', 'does not lead to the root of the close')
    }
  } else if (claims.read(state, [...key, member, leaf])?.receivedAt !== receivedAt) {
    throw refuse('bid.not-in-the-box', pointer, '既无路径，也无凭回执的主张', 'has neither a path nor a claim')
  }
  return { at, key, leaf }
}

/** Counts a place; false when the leaf is public from another place already. */
function account({ key, leaf }: Shown, { member, path }: Place, context: RuleContext): boolean {
  const { state, index } = context
  const name = [...key, member, leaf]
  places.write(state, name, { index })
  // Claimed by receipt, and in the close all the same: it is one.
  if (path !== undefined && claims.read(state, name) !== undefined) addTo(context, key, { claimed: -1 })
  const isFirst = leaves.read(state, [...key, leaf]) === undefined
  if (!isFirst) addTo(context, key, { copies: 1 })
  return isFirst
}

function addTo({ state }: RuleContext, key: Key, more: Partial<typeof nothingYet>): void {
  const tally: Record<string, number> = { ...(tallies.read(state, key) ?? nothingYet) }
  for (const [name, count] of Object.entries(more)) tally[name]! += count
  tallies.write(state, key, tally as typeof nothingYet)
}

/** The bid before is no longer one: counted as what became of it, whether it was revealed already or is shown here for the first time. */
function endBid(
  about: AboutBox,
  { place, content }: Covered,
  to: 'replaced' | 'withdrawn',
  context: RuleContext,
): void {
  const key = boxKey(about)
  const at: SealedSection = { ledger: context.ledger, tender: about.tender, section: about.section ?? '' }
  const leaf = toHex(sealedLeaf(at, { kind: 'bid', ...content }))
  const shown = leaves.read(context.state, [...key, leaf])
  if (shown === undefined) account({ at, key, leaf }, place, context)
  else if (shown.status === 'bid') addTo(context, key, { bids: -1 })
  else return context.find('bid.changed-twice', leaf, String(shown.index))
  leaves.write(context.state, [...key, leaf], { status: to, index: context.index })
  addTo(context, key, { [to]: 1 })
}

/** The bid before stands where it is said to, unless it is public already, and its one-time key has signed the change. */
function refuseWrongChange(
  about: AboutBox,
  before: Covered,
  after: SealedContent,
  context: RuleContext,
  pointer: string,
): void {
  const content: SealedContent = { kind: 'bid', ...before.content }
  const at: SealedSection = { ledger: context.ledger, tender: about.tender, section: about.section ?? '' }
  const leaf = toHex(sealedLeaf(at, content))
  if (leaves.read(context.state, [...boxKey(about), leaf]) === undefined) {
    shownLeaf(about, before.place, content, context, `${pointer}/place`)
  }
  if (!isChangeOf(at, content, after)) {
    throw refuse('bid.change-forged', pointer, '没有原一次性密钥的有效签名', 'lacks the word of its one-time key')
  }
}

interface BidReveal extends AboutBox {
  readonly region?: string
  readonly place: Place
  readonly bidders: readonly { readonly party: string; readonly name: string }[]
  readonly terms: Terms
  readonly ciphertext: string
  readonly oneTimeKey: string
  readonly nonce: string
  readonly changes?: Changes
  readonly replaced?: Covered
  readonly decryptedAt: string
}

const contentOf = (bid: BidReveal): SealedContent => ({
  kind: 'bid',
  ciphertext: bid.ciphertext,
  terms: termsDigest(bid.terms as unknown as JsonObject),
  bidder: bidderDigest(bid.bidders.map(({ party }) => party)),
  oneTimeKey: bid.oneTimeKey,
  nonce: bid.nonce,
  ...(bid.changes === undefined ? {} : { changes: bid.changes }),
})

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
        items: named(
          '投标人',
          'Bidder',
          object({ party: partyField('主体标识', 'Party id'), name: textField('名称', 'Name', 128) }, [
            'party',
            'name',
          ]),
        ),
      }),
      terms: named('条款', 'Terms', object(termsFields, ['salt', 'price'])),
      ciphertext: coveredFields.ciphertext,
      oneTimeKey: coveredFields.oneTimeKey,
      nonce: coveredFields.nonce,
      changes: changesField,
      replaced: coveredField,
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
    const content = contentOf(bid)
    shownLeaf(bid, bid.place, content, context, '/place')
    if ((bid.changes === undefined) !== (bid.replaced === undefined)) {
      throw refuse('bid.change-forged', '/replaced', '须与 changes 同时出现', 'stands with changes, or not at all')
    }
    if (bid.replaced !== undefined) refuseWrongChange(bid, bid.replaced, content, context, '/replaced')
    if (timeOf(bid.decryptedAt) < opensAt(bid, context)) {
      throw refuse('bid.not-open-yet', '/decryptedAt', '早于开标', 'is before the opening')
    }
  },
  apply(fields, context) {
    const bid = fields as unknown as BidReveal
    const content = contentOf(bid)
    const at: SealedSection = { ledger: context.ledger, tender: bid.tender, section: bid.section ?? '' }
    const shown: Shown = { at, key: boxKey(bid), leaf: toHex(sealedLeaf(at, content)) }
    begin(bid, 'bid.reveal', context)
    if (bid.place.path === undefined) context.find('bid.by-receipt', bid.place.member)
    if (!account(shown, bid.place, context)) return context.find('bid.in-two-boxes', shown.leaf)
    leaves.write(context.state, [...shown.key, shown.leaf], { status: 'bid', index: context.index })
    addTo(context, shown.key, { bids: 1 })
    if (bid.replaced !== undefined) endBid(bid, bid.replaced, 'replaced', context)
    noteBidders(bid, shown, context)
    noteGuarantee(bid, shown, context)
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

/** The first record of an opening. */
function begin(about: AboutBox, event: string, context: RuleContext): void {
  const key = boxKey(about)
  const { state } = boxLife.before(context, key, event)!
  if (state !== 'opening') boxLife.move(context, key, event, {})
}

/** One live bid for each bidder: two of one bidder are both in, and named. */
function noteBidders({ bidders }: BidReveal, { key, leaf }: Shown, context: RuleContext): void {
  const { state, index } = context
  for (const { party } of bidders) {
    const other = bidsOf.read(state, [...key, party])
    const isLive = other !== undefined && leaves.read(state, [...key, other.leaf])?.status === 'bid'
    if (isLive) context.find('bid.two-of-one-bidder', party, String(other.index))
    bidsOf.write(state, [...key, party], { leaf, index })
  }
}

/** A guarantee for one section and bidder secures nothing else. */
function noteGuarantee({ terms, bidders }: BidReveal, { key }: Shown, context: RuleContext): void {
  if (terms.guarantee === undefined) return
  const { issuer, number, kind, document } = terms.guarantee
  const { state, index } = context
  const used = { index, document: hashText(document), bidder: bidders[0]!.party, box: boxLife.subject(key) }
  const before = guaranteeUses.read(state, [issuer, number])
  const isOtherUse =
    before !== undefined && (before.bidder !== used.bidder || (kind === 'single' && before.box !== used.box))
  if (isOtherUse || (before !== undefined && before.document !== used.document)) {
    context.find('bid.guarantee-used-twice', number, String(before.index), before.document, used.document)
  }
  if (before === undefined) guaranteeUses.write(state, [issuer, number], used)
}

interface BidWithdrawal extends AboutBox {
  readonly place: Place
  readonly nonce: string
  readonly changes: Changes
  readonly withdrawn: Covered
}

const withdrawalOf = ({ nonce, changes }: BidWithdrawal): SealedContent => ({
  kind: 'withdrawal',
  ciphertext: '',
  terms: '',
  bidder: '',
  oneTimeKey: '',
  nonce,
  changes,
})

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
      withdrawn: coveredField,
    },
    required: ['tender', 'place', 'nonce', 'changes', 'withdrawn'],
  },
  roles: publishers,
  refusals: {},
  check(fields, context) {
    const shown = fields as unknown as BidWithdrawal
    boxLife.before(context, boxKey(shown), 'bid.withdrawal')
    refuseBeforeOpening(shown, context)
    const content = withdrawalOf(shown)
    shownLeaf(shown, shown.place, content, context, '/place')
    refuseWrongChange(shown, shown.withdrawn, content, context, '/withdrawn')
  },
  apply(fields, context) {
    const withdrawal = fields as unknown as BidWithdrawal
    const at: SealedSection = { ledger: context.ledger, tender: withdrawal.tender, section: withdrawal.section ?? '' }
    const leaf = toHex(sealedLeaf(at, withdrawalOf(withdrawal)))
    const key = boxKey(withdrawal)
    begin(withdrawal, 'bid.withdrawal', context)
    if (!account({ at, key, leaf }, withdrawal.place, context)) return context.find('bid.in-two-boxes', leaf)
    leaves.write(context.state, [...key, leaf], { status: 'withdrawal', index: context.index })
    addTo(context, key, { withdrawals: 1 })
    endBid(withdrawal, withdrawal.withdrawn, 'withdrawn', context)
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
  check(payload, context, before) {
    const key = boxKey(payload)
    refuseBeforeOpening(payload, context)
    const tally = tallyOf(context.state, key)
    for (const name of numbers) {
      if (payload[name] === tally[name]) continue
      throw refuse('bid.count-differs', `/${name}`, `账本为 ${tally[name]}`, `is ${tally[name]} on the ledger`)
    }
    const due = attestedEnd(opensAt(payload, context), before!.row.revealMs, context)
    if (tally.notRevealed > 0 && context.blockTime < due) {
      throw new Refusal('bid.reveals-due', `bids may be revealed until ${formatTime(due)}, in attested time`)
    }
  },
  next(payload, context, before) {
    const key = boxKey(payload)
    const { state, members } = context
    const closed = closersOf(state, key)
    const missing = members.filter(({ id }) => newestRounds.read(state, [id]) !== undefined && !closed.includes(id))
    if (missing.length > 0) context.find('bid.box-not-closed', missing.map(({ id }) => id).join(', '))
    if (payload.notRevealed > 0) context.find('bid.not-revealed', String(payload.notRevealed))
    const profile = tenderAt(context, payload.tender)?.row.profile
    const biddersMin = profile === undefined ? 0 : profileOf(profile).biddersMin
    if (payload.bids < biddersMin) context.find('bid.too-few', String(payload.bids), String(biddersMin))
    return before!.row.closedAt === null ? closingOf(payload, context) : {}
  },
  subjects: ({ tender }) => boxSubjects(tender),
})
