import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tenderLife } from '../../../src/chain/catalogue/tender-life.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { type FoundedLedger, keyOf } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'
import * as t from './tender-fixture.ts'

/** What names bidders comes after the deadline; before it the same statement is refused for its time. */
const inTime = (ledger: FoundedLedger): FoundedLedger => {
  ledger.blockTime = Math.max(ledger.blockTime, t.deadline)
  // Public opening is what the law asks of construction; an opening record is there in every state that comes after it.
  return ledger
}
const opened = (ledger: FoundedLedger, state: string): FoundedLedger => {
  inTime(ledger)
  if (state === 'published' || state === 'closed') ledger.take(t.opening(ledger))
  return ledger
}

describe('a tender, state by event', () => {
  const unlinked = ['amend', 'clarify', 'open', 'evaluate', 'candidates', 'award', 'contract', 'bond-return']
  testStateTable({
    lifecycle: tenderLife,
    ledger: t.base,
    key: t.tenderKeyCells,
    arrive: t.arrive,
    unlinked: [...unlinked, 'fail', 'terminate', 'withdraw', 'archive'].map((name) => `tender.${name}`),
    events: {
      'tender.notice': (ledger) => t.notice(ledger),
      'tender.amend': (ledger) => t.about(ledger, 'tender.amend'),
      'tender.clarify': (ledger) => t.about(ledger, 'tender.clarify'),
      'tender.open': (ledger) => t.opening(inTime(ledger)),
      'tender.evaluate': (ledger, state) => t.about(opened(ledger, state), 'tender.evaluate'),
      'tender.candidates': (ledger, state) => t.candidates(opened(ledger, state)),
      'tender.award': (ledger, state) => t.award(opened(ledger, state)),
      'tender.contract': (ledger) => t.contract(inTime(ledger)),
      'tender.fail': (ledger) => t.about(inTime(ledger), 'tender.fail', { section: '一标段', reason: '不足三家' }),
      'tender.terminate': (ledger) => t.about(ledger, 'tender.terminate', { reason: '取消' }),
      'tender.withdraw': (ledger) => t.about(ledger, 'tender.withdraw', { reason: '有误' }),
      'tender.bond-return': (ledger) => t.about(inTime(ledger), 'tender.bond-return'),
      'tender.archive': (ledger) => t.about(ledger, 'tender.archive'),
    },
  })
})

const found = (code: string, ...values: readonly string[]) => [{ code, values }]
const at = (time: number): string => formatTime(time)

describe('the notice', () => {
  it('says everything once, and is read by other families', () => {
    const ledger = t.base.fork()
    const fields = { estimate: t.yuan('1000', '1'), bondCeiling: t.yuan('200000'), sections: [{ code: '一标段' }] }
    expect(t.findingsOf(ledger, t.notice(ledger, fields))).toEqual([])
    expect(t.rowOf(ledger)).toMatchObject({
      profile: 'construction',
      region: '440100',
      publisher: t.agency,
      entitled: [t.platform],
      sections: ['一标段'],
      version: 1,
      deadline: t.deadline,
      openingTime: t.deadline,
      estimate: 10_000_000_000_000n,
      bondCeiling: 200_000_000_000n,
      openObjections: 0,
      awardedAt: null,
    })
  })

  it('leaves the days that the kind of trade asks for, or is found', () => {
    const late = at(t.deadline - 1)
    const values = [at(t.start), late, '20']
    const short = { deadline: late, openingTime: late }
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, short))).toEqual(found('tender.notice-too-short', ...values))
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, { ...short, profile: 'procurement.inquiry' }))).toEqual([])
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, { ...short, profile: 'other' }))).toEqual([])
  })

  it('asks for a bond within the share of the estimate', () => {
    const fields = { estimate: t.yuan('1000', '1'), bondCeiling: t.yuan('200000.000001') }
    const values = ['200000.000001', '10000000']
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, fields))).toEqual(found('tender.bond-too-high', ...values))
    const dollars = { ...fields, bondCeiling: { amount: '300000', unit: '0', currency: 'USD' } }
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, dollars))).toEqual([])
  })

  it('that is recorded long after it says it was published is in, with a finding', () => {
    const publishedAt = at(t.start - t.day - 1)
    const values = [publishedAt, at(t.start)]
    const other = { profile: 'other' }
    const late = t.notice(t.base, { ...other, publishedAt })
    expect(t.findingsOf(t.base.fork(), late)).toEqual(found('tender.backdated', ...values))
    expect(t.findingsOf(t.base.fork(), t.notice(t.base, { ...other, publishedAt: at(t.start - t.day) }))).toEqual([])
  })

  it('does not open bids while others may come in', () => {
    const fields = { openingTime: at(t.deadline - 1) }
    expect(t.base.fork().submit(t.notice(t.base, fields))).toBe('tender.opens-before-deadline')
    expect(t.base.fork().submit(t.notice(t.base, { openingTime: at(t.deadline + 1) }))).toBe('accepted')
  })

  it('comes again for another section, and moves nothing', () => {
    const ledger = t.inState('published')
    const more = { sections: [{ code: '二标段' }], document: t.hash('0b') }
    expect(t.findingsOf(ledger, t.notice(ledger, more))).toEqual([])
    expect(t.rowOf(ledger)).toMatchObject({ sections: ['二标段'], version: 1, document: `sha256:${'0a'.repeat(32)}` })
    const moved = t.notice(ledger, { section: '三标段', deadline: at(t.deadline + 1), openingTime: at(t.deadline + 1) })
    expect(t.findingsOf(ledger, moved)).toEqual([
      ...found('tender.notice-times-differ', at(t.deadline + 1), at(t.deadline)),
      ...found('tender.notice-times-differ', at(t.deadline + 1), at(t.deadline)),
    ])
    expect(t.rowOf(ledger).deadline).toBe(t.deadline)
    expect(t.findingsOf(ledger, t.notice(ledger))).toEqual([])
    const first = String(t.rowOf(ledger).notice)
    expect(t.findingsOf(ledger, t.notice(ledger, { document: t.hash('0c') }))).toEqual(
      found('tender.notice-repeated', first),
    )
  })

  it('has a bounded number of sections', () => {
    const ledger = t.base.fork()
    const sections = (from: number) => Array.from({ length: 64 }, (_, at) => ({ code: `${from + at}` }))
    for (let from = 0; from < 256; from += 64) ledger.take(t.notice(ledger, { sections: sections(from) }))
    expect(ledger.submit(t.notice(ledger, { section: '256' }))).toBe('tender.too-many-sections')
    expect(ledger.submit(t.notice(ledger, { section: '255' }))).toBe('accepted')
  })

  it('of two owners may have one code', () => {
    const ledger = t.inState('published')
    const other = { tender: { ...t.tender, owner: t.stranger } }
    ledger.take(t.notice(ledger, other, t.stranger))
    expect(t.rowOf(ledger).publisher).toBe(t.agency)
  })
})

describe('who speaks for a tender', () => {
  const amendBy = (ledger: FoundedLedger, by: string): string => ledger.submit(t.about(ledger, 'tender.amend', {}, by))

  it('its owner, its publisher, those the notice names, and nobody else', () => {
    for (const by of [t.owner, t.agency, t.platform]) expect(amendBy(t.inState('published'), by)).toBe('accepted')
    expect(amendBy(t.inState('published'), t.stranger)).toBe('tender.not-entitled')
    const ledger = t.inState('published')
    expect(ledger.submit(t.notice(ledger, {}, t.stranger))).toBe('tender.not-entitled')
  })

  it('the centre that vouches for its owner, through whatever member', () => {
    const centre = (member: string, through: string): string => {
      const ledger = t.inState('published')
      const { party } = ledger.member(member)
      const fields = { tender: t.tender, document: t.hash('0a'), publishedAt: formatTime(ledger.blockTime) }
      const statement = ledger.statement('tender.amend@1', party, keyOf(`${member} centre`), fields)
      return ledger.submit(statement, { member: through })
    }
    expect(centre('guangzhou', 'guangzhou')).toBe('accepted')
    expect(centre('guangzhou', 'wuhan')).toBe('accepted')
    expect(centre('wuhan', 'wuhan')).toBe('tender.not-entitled')
    expect(centre('wuhan', 'guangzhou')).toBe('tender.not-entitled')
  })

  it('a tenderee for itself only, also where nothing is on the ledger', () => {
    const ledger = t.base.fork()
    const other = { tender: { ...t.tender, owner: t.stranger } }
    expect(ledger.submit(t.about(ledger, 'tender.contract', other, t.owner))).toBe('tender.not-entitled')
    expect(ledger.submit(t.about(ledger, 'tender.contract', other, t.agency))).toBe('accepted')
  })

  it('the owner and the publisher name more; those they named do not', () => {
    const naming = (by: string): string => {
      const ledger = t.inState('published')
      ledger.take(t.about(ledger, 'tender.amend', { entitled: [t.stranger] }, by))
      return amendBy(ledger, t.stranger)
    }
    expect(naming(t.owner)).toBe('accepted')
    expect(naming(t.agency)).toBe('accepted')
    expect(naming(t.platform)).toBe('tender.not-entitled')
  })

  it('a supervisor ends it, and does nothing else', () => {
    const ledger = t.inState('published')
    expect(ledger.submit(t.about(ledger, 'tender.terminate', { reason: '责令停止' }, t.supervisor))).toBe('accepted')
    const other = t.inState('published')
    expect(other.submit(t.about(other, 'tender.amend', {}, t.supervisor))).toBe('role.not-allowed')
  })
})

describe('versions of the document', () => {
  const amend = (ledger: FoundedLedger, fields: JsonObject) => t.about(ledger, 'tender.amend', fields)
  const move = (ledger: FoundedLedger, to: number, fields: JsonObject = {}) =>
    amend(ledger, { deadline: at(to), openingTime: at(to), ...fields })

  it('are a chain', () => {
    const ledger = t.inState('published')
    const second = { replaces: { version: 1, document: t.hash('0a') }, document: t.hash('0b') }
    ledger.take(amend(ledger, second))
    expect(ledger.submit(amend(ledger, second))).toBe('tender.stale-version')
    const wrong = { replaces: { version: 2, document: t.hash('0a') }, document: t.hash('0c') }
    expect(ledger.submit(amend(ledger, wrong))).toBe('tender.stale-version')
    const third = { replaces: { version: 2, document: t.hash('0b') }, document: t.hash('0c') }
    ledger.take(t.about(ledger, 'tender.clarify', third))
    expect(t.rowOf(ledger)).toMatchObject({ version: 3, document: `sha256:${'0c'.repeat(32)}` })
  })

  it('move a deadline to come to a time to come', () => {
    const ledger = t.inState('published')
    const later = t.deadline + 5 * t.day
    expect(t.findingsOf(ledger, move(ledger, later))).toEqual([])
    ledger.blockTime = t.deadline
    expect(t.stateOf(ledger)).toBe('published')
    ledger.blockTime = later
    expect(t.stateOf(ledger)).toBe('closed')
  })

  it('never over the present', () => {
    const ledger = t.inState('published')
    const now = ledger.blockTime
    expect(ledger.submit(move(ledger, now))).toBe('tender.deadline-sealed')
    const closed = t.inState('closed')
    expect(closed.submit(move(closed, t.deadline + 1))).toBe('tender.deadline-sealed')
    expect(closed.submit(move(closed, t.deadline - t.day))).toBe('accepted')

    const waiting = t.base.fork()
    waiting.take(t.notice(waiting, { openingTime: at(t.deadline + t.day) }))
    waiting.blockTime = t.deadline
    const early = amend(waiting, { openingTime: at(t.deadline) })
    expect(waiting.submit(early)).toBe('tender.deadline-sealed')
    const opened = t.inState('opened')
    expect(opened.submit(amend(opened, { openingTime: at(t.deadline + 1) }))).toBe('tender.deadline-sealed')
    const delayed = t.inState('closed')
    expect(delayed.submit(amend(delayed, { openingTime: at(t.deadline + 1) }))).toBe('accepted')
    expect(delayed.submit(t.opening(delayed))).toBe('sealed.too-early')
  })

  it('may not open before the deadline, linked or not', () => {
    const ledger = t.inState('published')
    const fields = { openingTime: at(t.deadline - 1) }
    expect(ledger.submit(amend(ledger, fields))).toBe('tender.opens-before-deadline')
    const unlinked = amend(t.base, { ...fields, deadline: at(t.deadline) })
    expect(t.base.fork().submit(unlinked)).toBe('tender.opens-before-deadline')
  })

  it('late without moving the deadline are found, unless bids need not be written anew', () => {
    const change = (blockTime: number, fields: JsonObject = {}) => {
      const ledger = t.inState('published')
      ledger.blockTime = blockTime
      return t.findingsOf(ledger, amend(ledger, fields))
    }
    const late = t.deadline - 15 * t.day + 1
    const values = [at(late), at(t.deadline), '15']
    expect(change(late - 1)).toEqual([])
    expect(change(late)).toEqual(found('tender.changed-late', ...values))
    expect(change(late, { material: false })).toEqual([])
    const [enough, short] = [late + 15 * t.day, late + 15 * t.day - 1].map(at)
    expect(change(late, { deadline: enough!, openingTime: enough! })).toEqual([])
    expect(change(late, { deadline: short!, openingTime: short! })).toEqual(
      found('tender.changed-late', at(late), short!, '15'),
    )
  })

  it('that bring the deadline forward, or come after the opening, are found', () => {
    const ledger = t.inState('published')
    const earlier = t.deadline - t.day
    const values = [at(t.deadline), at(earlier)]
    expect(t.findingsOf(ledger, move(ledger, earlier))).toEqual(found('tender.deadline-earlier', ...values))
    const opened = t.inState('opened')
    expect(t.findingsOf(opened, amend(opened, {}))).toEqual(found('tender.changed-after-opening', 'opened'))
  })
})

describe('from the opening to the contract', () => {
  it('a straight life has no finding', () => {
    const ledger = t.inState('archived')
    for (const [index, findings] of ledger.findings) expect(findings, `record ${index}`).toEqual([])
  })

  it('nothing that names a bidder comes before the opening', () => {
    const steps = ['tender.open', 'tender.evaluate', 'tender.candidates', 'tender.award', 'tender.contract']
    for (const type of [...steps, 'tender.bond-return', 'tender.fail']) {
      const ledger = t.inState('published')
      ledger.blockTime = t.deadline - 1
      const fields = type === 'tender.fail' ? { reason: '不足三家' } : {}
      const opened = type === 'tender.open' ? { openedAt: at(t.start) } : {}
      expect(ledger.submit(t.about(ledger, type, { ...fields, ...opened })), type).toBe('sealed.too-early')
    }
    const ledger = t.base.fork()
    expect(ledger.submit(t.award(ledger, { openingTime: at(t.start + 1) }))).toBe('sealed.too-early')
    expect(ledger.submit(t.opening(ledger))).toBe('sealed.too-early')
  })

  it('the opening counts what is there', () => {
    const ledger = t.inState('closed')
    expect(ledger.submit(t.opening(ledger, { bids: 3, decrypted: 4 }))).toBe('tender.counts-disagree')
    const alone = t.about(ledger, 'tender.open', { openedAt: at(t.deadline), decrypted: 1 })
    expect(ledger.submit(alone)).toBe('tender.counts-disagree')
    const few = t.opening(ledger, { bids: 2, decrypted: 2 })
    expect(t.findingsOf(ledger, few)).toEqual(found('tender.too-few-bidders', '2', '3'))
    const land = t.base.fork()
    land.take(t.notice(land, { profile: 'land' }))
    land.blockTime = t.deadline
    expect(t.findingsOf(land, t.opening(land, { bids: 1, decrypted: 1 }))).toEqual([])
  })

  it('an opening that says it was early is found', () => {
    const ledger = t.inState('closed')
    const early = at(t.deadline - 1)
    const values = [early, at(t.deadline)]
    expect(t.findingsOf(ledger, t.opening(ledger, { openedAt: early }))).toEqual(
      found('tender.opened-early', ...values),
    )
  })

  it('what was never opened has no result where the law asks for a public opening', () => {
    for (const statement of [t.award, t.candidates, (l: FoundedLedger) => t.about(l, 'tender.evaluate')]) {
      const ledger = t.inState('closed')
      expect(ledger.submit(statement(ledger))).toBe('tender.never-opened')
    }
    const closed = (profile: string): FoundedLedger => {
      const ledger = t.base.fork()
      ledger.take(t.notice(ledger, { profile }))
      ledger.blockTime = t.deadline
      return ledger
    }
    const tendered = closed('procurement.tender')
    expect(t.codesOf(tendered, t.award(tendered))).toEqual(['tender.without-opening'])
    const negotiated = closed('procurement.negotiation')
    expect(t.codesOf(negotiated, t.award(negotiated))).toEqual([])
    // Metadata alone: the notice says nothing of a deadline, and its opening may be as far away.
    const bare = t.base.fork()
    const fields = { tender: t.tender, kind: 'tender', profile: 'construction', region: '440100' }
    bare.take(t.about(bare, 'tender.notice', fields))
    expect(t.codesOf(bare, t.award(bare))).toEqual(['tender.without-opening', 'tender.award-without-publicity'])
  })

  it('a publicity lasts its days', () => {
    const ledger = t.inState('evaluated')
    const ends = at(ledger.blockTime + 3 * t.day - 1)
    const values = [at(ledger.blockTime), ends, '3']
    const short = t.candidates(ledger, { endsAt: ends })
    expect(t.findingsOf(ledger, short)).toEqual(found('tender.publicity-too-short', ...values))
  })

  it('an award waits for the publicity and goes to a candidate', () => {
    const early = t.inState('publicity')
    const { publicityEndsAt } = t.rowOf(early)
    expect(t.codesOf(early, t.award(early))).toEqual(['tender.award-before-publicity-ended'])
    expect(publicityEndsAt).toBe(t.deadline + 3 * t.day)

    const skipped = t.inState('evaluated')
    expect(t.codesOf(skipped, t.award(skipped))).toEqual(['tender.award-without-publicity'])

    const other = t.inState('publicised')
    const winners = [t.named(t.stranger, '别处公司')]
    expect(t.codesOf(other, t.award(other, { winners }))).toEqual(['tender.winner-no-candidate'])
    expect(t.rowOf(other)).toMatchObject({ winner: [t.stranger], awardAmount: 18_350_534_000_000n })
    const byName = t.inState('publicised')
    expect(t.codesOf(byName, t.award(byName, { winners: [{ name: '第2候选人' }] }))).toEqual([])
    expect(t.rowOf(byName).winner).toEqual(['第2候选人'])
  })

  it('the contract is what was awarded, in time', () => {
    const sign = (fields: JsonObject, after = 0) => {
      const ledger = t.inState('awarded')
      ledger.blockTime += after
      return t.codesOf(ledger, t.contract(ledger, fields))
    }
    expect(sign({})).toEqual([])
    expect(sign({}, 30 * t.day)).toEqual([])
    expect(sign({}, 30 * t.day + 1)).toEqual(['tender.contract-late'])
    expect(sign({ amount: t.yuan('18350534.000001') })).toEqual(['tender.contract-amount-differs'])
    expect(sign({ amount: { amount: '1', unit: '0', currency: 'USD' } })).toEqual([])
    expect(sign({ durationDays: 361 })).toEqual(['tender.contract-duration-differs'])
    expect(sign({ contractor: [t.named(t.bidders[1]!)] })).toEqual(['tender.contract-other-party'])
    const ledger = t.inState('opened')
    expect(t.codesOf(ledger, t.contract(ledger))).toEqual(['tender.contract-without-award'])
  })

  it('bonds go back within days of the contract', () => {
    const back = (after: number) => {
      const ledger = t.inState('contracted')
      ledger.blockTime += after
      return t.codesOf(ledger, t.about(ledger, 'tender.bond-return', { bidders: [t.named(t.bidders[1]!)] }))
    }
    expect(back(5 * t.day)).toEqual([])
    expect(back(5 * t.day + 1)).toEqual(['tender.bond-returned-late'])
  })

  it('a step again with another document is found, for the same section only', () => {
    const ledger = t.inState('opened')
    ledger.take(t.about(ledger, 'tender.evaluate'))
    expect(t.codesOf(ledger, t.about(ledger, 'tender.evaluate'))).toEqual([])
    const rescored = t.about(ledger, 'tender.evaluate', { document: t.hash('0b') })
    expect(t.codesOf(ledger, rescored)).toEqual(['tender.step-repeated'])
    const section = t.about(ledger, 'tender.evaluate', { document: t.hash('0c'), section: '二标段' })
    expect(t.codesOf(ledger, section)).toEqual([])
  })
})

describe('sections', () => {
  const two = (state: 'opened' | 'awarded'): FoundedLedger => {
    const ledger = t.base.fork()
    ledger.take(t.notice(ledger, { sections: [{ code: '一标段' }, { code: '二标段' }] }))
    ledger.blockTime = t.deadline
    ledger.take(t.opening(ledger))
    if (state === 'awarded') {
      ledger.take(t.candidates(ledger, { section: '一标段' }))
      ledger.blockTime += 3 * t.day
      ledger.take(t.award(ledger, { section: '一标段' }))
    }
    return ledger
  }
  const failing = (ledger: FoundedLedger, section?: string) =>
    t.about(ledger, 'tender.fail', { reason: '不足三家', ...(section === undefined ? {} : { section }) })

  it('each awarded by itself, and the contract compared with its own award', () => {
    const ledger = two('awarded')
    const amount = t.yuan('900', '1')
    ledger.take(t.candidates(ledger, { section: '二标段', endsAt: at(ledger.blockTime) }))
    expect(t.codesOf(ledger, t.award(ledger, { section: '二标段', amount }))).toEqual([])
    expect(t.codesOf(ledger, t.contract(ledger, { section: '一标段' }))).toEqual([])
    expect(t.codesOf(ledger, t.contract(ledger, { section: '二标段', amount }))).toEqual([])
    expect(t.stateOf(ledger)).toBe('contracted')
  })

  it('the tender fails when all of them have', () => {
    const ledger = two('opened')
    ledger.take(failing(ledger, '一标段'))
    expect(t.stateOf(ledger)).toBe('opened')
    ledger.take(failing(ledger, '二标段'))
    expect(t.stateOf(ledger)).toBe('failed')
    const whole = two('opened')
    whole.take(failing(whole))
    expect(t.stateOf(whole)).toBe('failed')
  })

  it('of an awarded tender, one may fail and the whole not', () => {
    const ledger = two('awarded')
    expect(ledger.submit(failing(ledger))).toBe('tender.section-needed')
    ledger.take(failing(ledger, '二标段'))
    expect(t.stateOf(ledger)).toBe('awarded')
  })
})

describe('without a notice', () => {
  it('a contract that comes alone is compared with the award that came alone, and no word of a stranger', () => {
    const ledger = t.base.fork()
    ledger.blockTime = t.deadline
    const strange = { amount: t.yuan('1'), winners: [t.named(t.stranger)] }
    ledger.take(t.about(ledger, 'tender.award', strange, t.stranger))
    expect(t.codesOf(ledger, t.award(ledger))).toEqual([])
    expect(t.codesOf(ledger, t.contract(ledger))).toEqual([])
    const dearer = t.contract(ledger, { amount: t.yuan('18350535'), document: t.hash('0b') })
    expect(t.codesOf(ledger, dearer)).toEqual(['tender.step-repeated', 'tender.contract-amount-differs'])
    expect(t.stateOf(ledger)).toBeUndefined()
  })

  it('is linked when the notice comes and names who spoke', () => {
    const ledger = t.base.fork()
    ledger.take(t.about(ledger, 'tender.open', { openedAt: at(t.start), bids: 3, decrypted: 3 }, t.platform))
    ledger.take(t.about(ledger, 'tender.open', { openedAt: at(t.start), bids: 9 }, t.stranger))
    ledger.take(t.notice(ledger, { deadline: at(t.start), openingTime: at(t.start) }))
    expect(t.stateOf(ledger)).toBe('closed')
    // The platform's opening record counts now, so the award is none of a tender that nobody saw.
    expect(t.codesOf(ledger, t.award(ledger))).toEqual(['tender.award-without-publicity'])
    const again = t.base.fork()
    again.take(t.about(again, 'tender.open', { openedAt: at(t.start) }, t.stranger))
    again.take(t.notice(again, { deadline: at(t.start), openingTime: at(t.start) }))
    expect(again.submit(t.award(again))).toBe('tender.never-opened')
  })
})

describe('history, recorded years later', () => {
  it('enters whole, with the findings that it came late and no refusal', () => {
    const ledger = t.base.fork()
    const then = Date.UTC(2020, 2, 1)
    const published = (days: number): JsonObject => ({ publishedAt: at(then + days * t.day) })
    const end = at(then + 20 * t.day)
    const moved = at(then + 25 * t.day)
    const codes = [
      t.notice(ledger, { ...published(0), deadline: end, openingTime: end }),
      t.about(ledger, 'tender.amend', { ...published(5), deadline: moved, openingTime: moved }),
      t.opening(ledger, { ...published(25), openedAt: moved }),
      t.candidates(ledger, { ...published(27), endsAt: at(then + 30 * t.day) }),
      t.award(ledger, published(31)),
      t.contract(ledger, published(50)),
    ].flatMap((statement) => t.codesOf(ledger, statement))
    expect(codes).toEqual(Array(6).fill('tender.backdated'))
    expect(t.stateOf(ledger)).toBe('contracted')
  })
})

describe('properties', () => {
  it('independent tenders come to the same rows in any order', () => {
    const life = (code: string) => (ledger: FoundedLedger) => {
      const its = { tender: { ...t.tender, code } }
      const publishedAt = at(t.start)
      return [
        t.notice(ledger, { ...its, publishedAt, deadline: at(t.start), openingTime: at(t.start) }),
        t.opening(ledger, { ...its, publishedAt, openedAt: at(t.start) }),
        t.award(ledger, { ...its, publishedAt }),
      ]
    }
    const run = (order: readonly number[]): unknown => {
      const ledger = t.base.fork()
      ledger.blockTime = t.deadline
      const lives = ['甲-1', '乙-2', '丙-3'].map((code) => life(code)(t.base))
      for (const which of order) ledger.take(lives[which]!.shift()!)
      return ['甲-1', '乙-2', '丙-3'].map((code) => {
        const { state, revision, row } = tenderLife.at(ledger.state, [t.owner, 'national', code], ledger.blockTime)!
        return { state, revision, row: { ...row, notice: 0 } }
      })
    }
    const straight = run([0, 0, 0, 1, 1, 1, 2, 2, 2])
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 0, 0, 1, 1, 1, 2, 2, 2], { minLength: 9 }), (order) => {
        expect(run(order)).toEqual(straight)
      }),
      { numRuns: 30 },
    )
  })
})
