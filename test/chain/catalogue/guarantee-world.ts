/** Parties, a tender and the statements of an e-guarantee's life, for the tests of its family. No clock, no randomness. */
import { toHex } from '../../../src/chain/bytes.ts'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { guaranteeLeaf } from '../../../src/chain/catalogue/e-guarantee-leaf.ts'
import type { TenderIdentity } from '../../../src/chain/catalogue/tender-identity.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime, parseTime } from '../../../src/chain/time.ts'
import { FoundedLedger, keyOf, syntheticParty, type TestKey } from './founded-ledger.ts'

export const bank = syntheticParty('440100', 30)
export const otherBank = syntheticParty('440100', 31)
export const bidder = syntheticParty('420000', 8)
export const otherBidder = syntheticParty('420000', 9)
export const owner = syntheticParty('350525', 3)
export const otherOwner = syntheticParty('350525', 4)
export const platform = syntheticParty('350500', 5)
export const stranger = syntheticParty('330100', 6)

/** Four cities, everybody's key with the word of two members. */
export const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const both = ['guangzhou', 'wuhan']
const names = new Map<string, string>()
for (const [name, party, roles] of [
  ['bank', bank, ['guarantee-issuer']],
  ['other bank', otherBank, ['guarantee-issuer']],
  ['bidder', bidder, []],
  ['other bidder', otherBidder, []],
  ['owner', owner, ['tenderee']],
  ['other owner', otherOwner, ['tenderee']],
  ['platform', platform, ['trading-platform']],
  ['stranger', stranger, []],
] as const) {
  base.register(name, party, roles, both)
  names.set(party, name)
}

export const keyFor = (party: string): TestKey => keyOf(names.get(party)!)

export const tender: TenderIdentity & JsonObject = { owner, scheme: 'tender-project', code: '[350525]FJZB[GC]2026001' }
export const openingTime = '2026-03-16T09:30:00+08:00'
export const deadline = '2026-03-16T09:30:00+08:00'
export const opened = parseTime(openingTime)!
export const bidValidUntil = '2026-04-13T09:30:00+08:00'
export const end = '2026-04-13T23:59:59+08:00'
export const ended = parseTime(end)!
export const yuan = (amount: string): JsonObject => ({ amount, unit: '0', currency: 'CNY' })
export const hash = (byte: string): JsonObject => ({ algorithm: 'sha256', value: byte.repeat(32) })
export const number = 'BH2026-0001'
export const guarantee = { issuer: bank, number }
export const salt = '5a'.repeat(32)

/** A statement of this type by this party; fields that are undefined are left out. */
export function by(ledger: FoundedLedger, party: string, type: string, fields: Record<string, unknown>): Statement {
  const said = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject
  return ledger.statement(`${type}@1`, party, keyFor(party), said)
}

type Fields = Record<string, unknown>

const service = {
  kind: 'single',
  tender,
  bidders: [{ party: bidder, name: '某工程有限公司' }],
  beneficiary: { party: owner, name: '某招标人' },
  amount: yuan('400000'),
  deadline,
  openingTime,
  bidValidUntil,
}

/** What makes any of the statements an annual one's. */
export const annual: Fields = {
  kind: 'annual',
  tender: undefined,
  beneficiary: undefined,
  deadline: undefined,
  openingTime: undefined,
  bidValidUntil: undefined,
}

export const apply = (ledger: FoundedLedger, fields: Fields = {}, party = bidder): Statement =>
  by(ledger, party, 'guarantee.apply', {
    number: 'SQ-1',
    issuer: { party: bank, name: '某银行' },
    ...service,
    occurredAt: '2026-03-10T09:00:00+08:00',
    ...fields,
  })

const application = { party: bidder, number: 'SQ-1' }

export const approve = (ledger: FoundedLedger, fields: Fields = {}, party = bank): Statement =>
  by(ledger, party, 'guarantee.approve', { application, occurredAt: '2026-03-11T09:00:00+08:00', ...fields })
export const decline = (ledger: FoundedLedger, fields: Fields = {}, party = bank): Statement =>
  by(ledger, party, 'guarantee.decline', {
    application,
    reason: '授信不足',
    occurredAt: '2026-03-11T09:00:00+08:00',
    ...fields,
  })
export const withdraw = (ledger: FoundedLedger, fields: Fields = {}, party = bidder): Statement =>
  by(ledger, party, 'guarantee.withdraw', { application, occurredAt: '2026-03-11T10:00:00+08:00', ...fields })

export const issue = (ledger: FoundedLedger, fields: Fields = {}, party = bank): Statement =>
  by(ledger, party, 'guarantee.issue', {
    number,
    application,
    form: 'bank',
    ...service,
    begin: '2026-03-16T00:00:00+08:00',
    end,
    document: hash('01'),
    occurredAt: '2026-03-12T09:00:00+08:00',
    ...fields,
  })

/** The commitment of a use of `number` by `bidder`, unless told otherwise. */
export function commitmentOf(ledger: FoundedLedger, fields: Fields = {}): string {
  const said = { guarantee, tender, section: '', bidder, document: hash('01'), ...fields } as unknown as {
    readonly guarantee: { readonly issuer: string; readonly number: string }
    readonly tender: TenderIdentity
    readonly section: string
    readonly bidder: string
    readonly document: { readonly algorithm: 'sha256'; readonly value: string }
  }
  const use = { ledger: ledger.genesis.ledger, ...said.guarantee, ...said }
  return toHex(guaranteeLeaf(use, said.document, Uint8Array.from(Buffer.from(salt, 'hex'))))
}

export const bind = (ledger: FoundedLedger, fields: Fields = {}, party = bank): Statement =>
  by(ledger, party, 'guarantee.bind', {
    guarantee,
    tender,
    bidder,
    document: hash('01'),
    commitment: commitmentOf(ledger, fields),
    deadline,
    openingTime,
    bidValidUntil,
    occurredAt: '2026-03-13T09:00:00+08:00',
    ...fields,
  })

const step =
  (type: string, party: string, more: Fields = {}) =>
  (ledger: FoundedLedger, fields: Fields = {}, signer = party): Statement =>
    by(ledger, signer, type, { guarantee, tender, ...more, ...fields })

export const reveal = step('guarantee.reveal', bidder, { salt })
export const claim = step('guarantee.claim', owner, {
  amount: yuan('400000'),
  ground: 'contract-refused',
  document: hash('0c'),
})
export const accept = step('guarantee.accept', bank)
export const reject = step('guarantee.reject', bank, { reason: '不符合索赔条件' })
export const pay = step('guarantee.pay', bank, { amount: yuan('400000') })
export const release = step('guarantee.release', owner)
export const amend = step('guarantee.amend', bank, { version: 2, document: hash('02') })
export const voiding = step('guarantee.void', bank, { reason: '投标人放弃投标' })
export const consent = step('guarantee.consent', owner)

/** The tender's own notice, by its owner: a guarantee does not need it. */
export const notice = (ledger: FoundedLedger, fields: Fields = {}, party = owner): Statement =>
  by(ledger, party, 'tender.notice', {
    tender,
    document: hash('0a'),
    publishedAt: formatTime(ledger.blockTime),
    kind: 'tender',
    profile: 'construction',
    region: '350525',
    deadline,
    openingTime,
    ...fields,
  })

/** The steps before a guarantee is issued, and its issue. */
export function issued(ledger: FoundedLedger, fields: Fields = {}): void {
  const { number: _, document: __, form: ___, end: ____, ...asked } = fields
  ledger.take(apply(ledger, asked))
  ledger.take(approve(ledger))
  ledger.take(issue(ledger, fields))
}

export function revealed(ledger: FoundedLedger): void {
  issued(ledger)
  ledger.take(bind(ledger))
  ledger.take(reveal(ledger))
}

/** Names for further tenders and documents. */
export const tenderNumber = (serial: number, by = owner): TenderIdentity & JsonObject => ({
  owner: by,
  scheme: 'tender-project',
  code: `2026-${serial}`,
})
