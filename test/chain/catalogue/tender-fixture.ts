/** A ledger with a tender's people, and the statements of a tender's life with sensible fields; shared by the tests of the tender family. */
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import type { Finding } from '../../../src/chain/catalogue/statement-type.ts'
import { tenderAt } from '../../../src/chain/catalogue/tender-life.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, syntheticParty, type TestKey } from './founded-ledger.ts'

export const day = 86_400_000

/** Not to be changed: fork it. */
export const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const everywhere = ['guangzhou', 'beijing']
export const owner = syntheticParty('440100', 30)
export const agency = syntheticParty('440100', 31)
export const platform = syntheticParty('440100', 32)
export const stranger = syntheticParty('420100', 33)
export const supervisor = syntheticParty('440100', 34)
export const bidders = [40, 41, 42].map((serial) => syntheticParty('440100', serial))
const keys = new Map<string, TestKey>([
  [owner, base.register('tender owner', owner, ['tenderee'], everywhere)],
  [agency, base.register('tender agency', agency, ['agency'], everywhere)],
  [platform, base.register('tender platform', platform, ['trading-platform'], everywhere)],
  [stranger, base.register('tender stranger', stranger, ['agency', 'tenderee'], ['wuhan', 'beijing'])],
  [supervisor, base.register('tender supervisor', supervisor, ['supervisor'], everywhere)],
  [bidders[0]!, base.register('tender bidder', bidders[0]!, [], everywhere)],
])

export const start = base.blockTime
export const deadline = start + 20 * day
export const tender = { owner, scheme: 'national', code: 'E4401000001000001001' }
export const tenderKeyCells = [owner, 'national', tender.code]

export const hash = (digits: string): JsonObject => ({ algorithm: 'sha256', value: digits.repeat(32) })
export const yuan = (amount: string, unit = '0'): JsonObject => ({ amount, unit, currency: 'CNY' })

/** A statement about the tender, by its agency unless said otherwise, published at block time. */
export function about(ledger: FoundedLedger, type: string, fields: JsonObject = {}, by: string = agency): Statement {
  const common = { tender, document: hash('0a'), publishedAt: formatTime(ledger.blockTime) }
  return ledger.statement(`${type}@1`, by, keys.get(by)!, { ...common, ...fields })
}

export const notice = (ledger: FoundedLedger, fields: JsonObject = {}, by: string = agency): Statement =>
  about(
    ledger,
    'tender.notice',
    {
      kind: 'tender',
      profile: 'construction',
      region: '440100',
      deadline: formatTime(deadline),
      openingTime: formatTime(deadline),
      entitled: [platform],
      ...fields,
    },
    by,
  )

export const named = (party: string, name = '某某建设有限公司'): JsonObject => ({ party, name })
export const opening = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  about(ledger, 'tender.open', { openedAt: formatTime(deadline), bids: 3, decrypted: 3, ...fields })
export const candidates = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  about(ledger, 'tender.candidates', {
    candidates: bidders.map((bidder, at) => ({ parties: [named(bidder, `第${at + 1}候选人`)] })),
    endsAt: formatTime(ledger.blockTime + 3 * day),
    ...fields,
  })
export const award = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  about(ledger, 'tender.award', {
    winners: [named(bidders[0]!, '第1候选人')],
    amount: yuan('1835.0534', '1'),
    durationDays: 360,
    ...fields,
  })
export const contract = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  about(ledger, 'tender.contract', {
    contractor: [named(bidders[0]!, '第1候选人')],
    amount: yuan('18350534'),
    durationDays: 360,
    ...fields,
  })

/** Brings a ledger to a state of the tender, by the straight way. */
export const arrive: Readonly<Record<string, (ledger: FoundedLedger) => void>> = {
  published: (ledger) => ledger.take(notice(ledger)),
  closed: (ledger) => {
    arrive.published!(ledger)
    ledger.blockTime = deadline
  },
  opened: (ledger) => {
    arrive.closed!(ledger)
    ledger.take(opening(ledger))
  },
  evaluated: (ledger) => {
    arrive.opened!(ledger)
    ledger.take(about(ledger, 'tender.evaluate'))
  },
  publicity: (ledger) => {
    arrive.evaluated!(ledger)
    ledger.take(candidates(ledger))
  },
  publicised: (ledger) => {
    arrive.publicity!(ledger)
    ledger.blockTime += 3 * day
  },
  awarded: (ledger) => {
    arrive.publicised!(ledger)
    ledger.take(award(ledger))
  },
  contracted: (ledger) => {
    arrive.awarded!(ledger)
    ledger.take(contract(ledger))
  },
  archived: (ledger) => {
    arrive.contracted!(ledger)
    ledger.take(about(ledger, 'tender.archive'))
  },
  failed: (ledger) => {
    arrive.closed!(ledger)
    ledger.take(about(ledger, 'tender.fail', { reason: '投标人不足三个' }))
  },
  terminated: (ledger) => {
    arrive.published!(ledger)
    ledger.take(about(ledger, 'tender.terminate', { reason: '项目取消' }))
  },
  withdrawn: (ledger) => {
    arrive.published!(ledger)
    ledger.take(about(ledger, 'tender.withdraw', { reason: '公告有误' }))
  },
}

/** A fork in that state. */
export function inState(state: string): FoundedLedger {
  const ledger = base.fork()
  arrive[state]!(ledger)
  return ledger
}

export const stateOf = (ledger: FoundedLedger): string | undefined => tenderAt(ledger, tender)?.state
export const rowOf = (ledger: FoundedLedger) => tenderAt(ledger, tender)!.row

/** Takes it, and gives what the rules flagged. */
export const findingsOf = (ledger: FoundedLedger, statement: Statement): readonly Finding[] =>
  ledger.findings.get(ledger.take(statement))!
export const codesOf = (ledger: FoundedLedger, statement: Statement): readonly string[] =>
  findingsOf(ledger, statement).map(({ code }) => code)
