import { describe, expect, it } from 'vitest'
import {
  applicationLife,
  guaranteeLife,
  liveUsesMax,
  remainsOf,
  useKey,
  useLife,
} from '../../../src/chain/catalogue/e-guarantee-life.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime, parseTime } from '../../../src/chain/time.ts'
import { type FoundedLedger, keyOf, syntheticParty } from './founded-ledger.ts'
import {
  accept,
  amend,
  annual,
  apply,
  approve,
  bank,
  base,
  bidder,
  bidValidUntil,
  bind,
  by,
  claim,
  commitmentOf,
  consent,
  decline,
  end,
  ended,
  guarantee,
  hash,
  issue,
  issued,
  notice,
  number,
  opened,
  openingTime,
  otherBank,
  otherBidder,
  otherOwner,
  owner,
  pay,
  platform,
  reject,
  release,
  reveal,
  revealed,
  salt,
  stranger,
  tender,
  tenderNumber,
  voiding,
  withdraw,
  yuan,
} from './guarantee-world.ts'

type Fields = Record<string, unknown>
type Arrive = (ledger: FoundedLedger) => void

const nothing: Arrive = () => undefined
const applied: Arrive = (ledger) => void ledger.take(apply(ledger))
const approved: Arrive = (ledger) => {
  applied(ledger)
  ledger.take(approve(ledger))
}
const inForce: Arrive = (ledger) => issued(ledger)
const bound: Arrive = (ledger) => {
  issued(ledger)
  ledger.take(bind(ledger))
}
const claimed: Arrive = (ledger) => {
  revealed(ledger)
  ledger.take(claim(ledger, { amount: yuan('300000') }))
}
const accepted: Arrive = (ledger) => {
  claimed(ledger)
  ledger.take(accept(ledger, { amount: yuan('250000') }))
}
const having = (...steps: Arrive[]): FoundedLedger => {
  const ledger = base.fork()
  for (const step of steps) step(ledger)
  return ledger
}
const at =
  (time: number): Arrive =>
  (ledger) => {
    ledger.blockTime = time
  }
const use = (ledger: FoundedLedger, where: Fields = {}) =>
  useLife.asOf(ledger.state, useKey({ guarantee, tender, ...where }), ledger.blockTime)
const own = (ledger: FoundedLedger) => guaranteeLife.asOf(ledger.state, [bank, number], ledger.blockTime)

/** Each case: what there is, what is submitted, and the code that refuses it; and no row changes. */
function refused(cases: readonly (readonly [string, Arrive, (ledger: FoundedLedger) => Statement, string])[]): void {
  it.each(cases)('%s', (_, arrive, statement, code) => {
    const ledger = having(arrive)
    const submitted = statement(ledger)
    const before = ledger.rows()
    expect(ledger.submit(submitted)).toBe(code)
    expect(ledger.rows()).toEqual(before)
  })
}

describe('a guarantee goes its whole way', () => {
  it('from the application to a payment, and what remains goes back', () => {
    const ledger = having(accepted)
    expect(use(ledger)).toMatchObject({ state: 'accepted', row: { claimed: 300_000_000_000n, due: 250_000_000_000n } })
    ledger.take(pay(ledger, { amount: { amount: '25', unit: '1', currency: 'CNY' } }))
    expect(use(ledger)).toMatchObject({ state: 'revealed', row: { claimed: null, due: null, paid: 250_000_000_000n } })
    expect(remainsOf(own(ledger)!.row)).toBe(150_000_000_000n)
    ledger.take(claim(ledger, { amount: yuan('150000') }))
    ledger.take(accept(ledger))
    ledger.take(pay(ledger, { amount: yuan('150000') }))
    expect(use(ledger)?.state).toBe('paid')
    expect(remainsOf(own(ledger)!.row)).toBe(0n)
  })

  it('a claim that is rejected leaves what it was, and the beneficiary gives it back', () => {
    const ledger = having(claimed)
    ledger.take(reject(ledger))
    expect(use(ledger)).toMatchObject({ state: 'revealed', row: { claimed: null } })
    expect(own(ledger)!.row.held).toBe(0n)
    const index = ledger.take(release(ledger))
    expect(ledger.findings.get(index)).toEqual([])
    expect(use(ledger)?.state).toBe('released')
  })

  it('expires by block time and not by a message', () => {
    const ledger = having(revealed, at(ended - 1))
    expect([own(ledger)?.state, use(ledger)?.state]).toEqual(['issued', 'revealed'])
    ledger.blockTime = ended
    expect([own(ledger)?.state, use(ledger)?.state]).toEqual(['expired', 'expired'])
  })

  it('a claim presented before it expires finishes: accepted and paid', () => {
    const ledger = having(claimed, at(ended + 1))
    expect([own(ledger)?.state, use(ledger)?.state]).toEqual(['expired', 'claimed'])
    ledger.take(accept(ledger))
    ledger.take(pay(ledger, { amount: yuan('300000') }))
    // Something remains, and is too late to claim.
    expect(use(ledger)).toMatchObject({ state: 'expired', row: { paid: 300_000_000_000n } })
    expect(ledger.submit(claim(ledger, { amount: yuan('1') }))).toBe('guarantee-use.wrong-state')
  })

  it('… or rejected, and then it has expired', () => {
    const ledger = having(claimed, at(ended + 1))
    ledger.take(reject(ledger))
    expect(use(ledger)?.state).toBe('expired')
  })

  it('is amended upwards by its issuer alone, for all its uses, and keeps its state', () => {
    const ledger = having(revealed)
    ledger.take(amend(ledger, { amount: yuan('500000'), end: '2026-05-01T00:00:00+08:00' }))
    expect(own(ledger)).toMatchObject({ state: 'issued', row: { version: 2, amount: 500_000_000_000n } })
    ledger.blockTime = ended + 1
    expect(use(ledger)?.state).toBe('revealed')
    ledger.take(claim(ledger, { amount: yuan('500000') }))
  })

  it('is known as of every day', () => {
    const ledger = having(inForce)
    const days: [number, string | undefined][] = [[ledger.blockTime - 1, undefined]]
    for (const step of [bind, reveal, claim, accept, pay]) {
      ledger.blockTime += 3_600_000
      ledger.take(step(ledger))
      days.push([ledger.blockTime, use(ledger)!.state])
    }
    expect(days.map(([, state]) => state)).toEqual([undefined, 'bound', 'revealed', 'claimed', 'accepted', 'paid'])
    for (const [time, state] of days) {
      expect(useLife.asOf(ledger.state, useKey({ guarantee, tender }), time)?.state).toBe(state)
    }
  })

  it('of several sections, each is bound once and goes its own way', () => {
    const ledger = having((to) => issued(to, { kind: 'multi-section', sections: ['1', '2'] }))
    for (const section of ['1', '2']) {
      ledger.take(bind(ledger, { section }))
      ledger.take(reveal(ledger, { section }))
    }
    ledger.take(claim(ledger, { section: '1', amount: yuan('300000') }))
    expect(ledger.submit(claim(ledger, { section: '2', amount: yuan('100001') }))).toBe('guarantee.above-remains')
    ledger.take(claim(ledger, { section: '2', amount: yuan('100000') }))
    ledger.take(reject(ledger, { section: '2' }))
    ledger.take(release(ledger, { section: '2' }))
    expect(use(ledger, { section: '1' })?.state).toBe('claimed')
    expect(use(ledger, { section: '2' })?.state).toBe('released')
  })
})

describe('an annual guarantee', () => {
  const year = (ledger: FoundedLedger): void => {
    ledger.blockTime = parseTime('2026-03-12T12:00:00+08:00')!
    issued(ledger, annual)
  }

  it('is public before any opening, and bound to one tender after the other, each with its own beneficiary', () => {
    const ledger = having(year)
    expect(own(ledger)?.state).toBe('issued')
    expect(ledger.submit(bind(ledger, { occurredAt: '2026-03-12T11:00:00+08:00' }))).toBe('sealed.too-early')
    ledger.blockTime = opened
    for (const [serial, by] of [
      [1, owner],
      [2, otherOwner],
    ] as const) {
      ledger.take(bind(ledger, { tender: tenderNumber(serial, by) }))
      ledger.take(reveal(ledger, { tender: tenderNumber(serial, by) }))
    }
    expect(ledger.submit(claim(ledger, { tender: tenderNumber(2, otherOwner) }))).toBe('guarantee.not-beneficiary')
    ledger.take(claim(ledger, { tender: tenderNumber(2, otherOwner), amount: yuan('400000') }, otherOwner))
    expect(ledger.submit(claim(ledger, { tender: tenderNumber(1), amount: yuan('1') }))).toBe('guarantee.above-remains')
    // What one beneficiary claims does not keep another from giving back.
    ledger.take(release(ledger, { tender: tenderNumber(1) }))
  })

  it('voided after a deadline still serves the tender it was used for before, and no other', () => {
    const ledger = having(year)
    const opens = '2026-03-16T10:30:00+08:00'
    ledger.blockTime = parseTime(openingTime)! + 60_000
    ledger.take(voiding(ledger, { tender: undefined }))
    ledger.blockTime = parseTime(opens)!
    ledger.take(bind(ledger, { tender: tenderNumber(1), openingTime: opens }))
    const later = { tender: tenderNumber(2), deadline: opens, openingTime: opens }
    expect(ledger.submit(bind(ledger, later))).toBe('guarantee.wrong-state')
  })

  it('that is lowered needs every beneficiary it serves; its term may be cut for what is to come', () => {
    const ledger = having(year)
    ledger.blockTime = opened
    ledger.take(bind(ledger, { tender: tenderNumber(1) }))
    ledger.take(bind(ledger, { tender: tenderNumber(2, otherOwner) }))
    const lower = { tender: undefined, amount: yuan('300000') }
    const agreed = { step: 'guarantee.amend', version: 2, tender: undefined, amount: yuan('300000') }
    ledger.take(consent(ledger, agreed))
    expect(ledger.submit(amend(ledger, lower))).toBe('guarantee.consent-missing')
    ledger.take(consent(ledger, agreed, otherOwner))
    ledger.take(amend(ledger, lower))
    const cut = { tender: undefined, version: 3, end: formatTime(ledger.blockTime + 60_000), document: hash('03') }
    ledger.take(amend(ledger, cut))
    ledger.blockTime += 120_000
    expect(own(ledger)?.state).toBe('expired')
    expect(use(ledger, { tender: tenderNumber(1) })?.state).toBe('bound')
  })

  it('is drawn into a tender by its issuer or its bidder, and by no owner who would claim on it', () => {
    const ledger = having(year, at(opened))
    ledger.take(notice(ledger, { tender: tenderNumber(2, otherOwner) }, otherOwner))
    const theirs = { tender: tenderNumber(2, otherOwner) }
    expect(ledger.submit(bind(ledger, theirs, otherOwner))).toBe('guarantee.not-concerned')
    expect(ledger.submit(bind(ledger, theirs, platform))).toBe('guarantee.not-concerned')
    ledger.take(bind(ledger, theirs, bidder))
    ledger.take(reveal(ledger, theirs, otherOwner))
  })

  it('serves a bounded number of sections at a time', () => {
    const ledger = having(year)
    ledger.blockTime = opened
    for (let serial = 0; serial < liveUsesMax; serial++) ledger.take(bind(ledger, { tender: tenderNumber(serial) }))
    expect(ledger.submit(bind(ledger, { tender: tenderNumber(99) }))).toBe('guarantee.uses-full')
    ledger.take(release(ledger, { tender: tenderNumber(7) }))
    ledger.take(bind(ledger, { tender: tenderNumber(99) }))
  })

  it('serves the leader of a consortium', () => {
    const ledger = having((to) => issued(to, { ...annual, bidders: [{ party: bidder }, { party: otherBidder }] }))
    expect(ledger.submit(bind(ledger, { bidder: otherBidder }))).toBe('guarantee.other-bidder')
    ledger.take(bind(ledger))
  })
})

describe('what the beneficiary signs', () => {
  const lower = { amount: yuan('300000'), end: '2026-04-13T12:00:00+08:00' }

  it('an amendment that lowers amount or term: exactly that, and once', () => {
    const ledger = having(revealed)
    ledger.take(consent(ledger, { step: 'guarantee.amend', version: 2, ...lower }))
    expect(ledger.submit(amend(ledger, { ...lower, amount: yuan('299999') }))).toBe('guarantee.consent-missing')
    expect(ledger.submit(amend(ledger, { ...lower, end: bidValidUntil }))).toBe('guarantee.consent-missing')
    ledger.take(amend(ledger, lower))
    expect(use(ledger)!.row.end).toBe(parseTime(lower.end))
    const again = { version: 3, document: hash('03'), amount: yuan('200000') }
    expect(ledger.submit(amend(ledger, again))).toBe('guarantee.consent-missing')
  })

  it('counts until the time it names', () => {
    const ledger = having(revealed)
    const until = formatTime(ledger.blockTime)
    ledger.take(consent(ledger, { step: 'guarantee.release', until }))
    const late = ledger.fork()
    late.blockTime += 1
    expect(late.submit(release(late, {}, bank))).toBe('guarantee.consent-missing')
    expect(ledger.submit(release(ledger, {}, bank))).toBe('accepted')
  })

  it('voiding: before the deadline the issuer alone, after it with the beneficiary', () => {
    const ledger = having(inForce)
    // The notice comes late, and says that bids may still come in.
    const linked = ledger.fork()
    linked.take(notice(linked, { deadline: '2026-03-18T09:30:00+08:00', openingTime: '2026-03-18T09:30:00+08:00' }))
    expect(linked.submit(voiding(linked))).toBe('accepted')
    expect(ledger.submit(voiding(ledger))).toBe('guarantee.consent-missing')
    ledger.take(consent(ledger, { step: 'guarantee.void' }))
    ledger.take(voiding(ledger))
    expect(own(ledger)?.state).toBe('voided')
  })

  it('a bound guarantee that is voided takes its use with it', () => {
    const ledger = having(bound)
    ledger.take(consent(ledger, { step: 'guarantee.void' }))
    ledger.take(voiding(ledger))
    expect(use(ledger)?.state).toBe('voided')
    // The bidder may be served by another there.
    const other = { application: { party: bidder, number: 'SQ-2' } }
    ledger.take(apply(ledger, { number: 'SQ-2' }))
    ledger.take(approve(ledger, other))
    ledger.take(issue(ledger, { number: 'B', document: hash('0b'), ...other }))
    ledger.take(bind(ledger, { guarantee: { issuer: bank, number: 'B' }, document: hash('0b') }))
  })
})

describe('an application is refused, and changes no row', () => {
  refused([
    ['before the opening', at(opened - 1), apply, 'sealed.too-early'],
    ['an annual one that names a tender', nothing, (to) => apply(to, { kind: 'annual' }), 'guarantee.kind-mismatch'],
    ['one without a tender', nothing, (to) => apply(to, { tender: undefined }), 'guarantee.kind-mismatch'],
    ['one without a beneficiary', nothing, (to) => apply(to, { beneficiary: undefined }), 'guarantee.kind-mismatch'],
    ['a single one for two sections', nothing, (to) => apply(to, { sections: ['1', '2'] }), 'guarantee.kind-mismatch'],
    [
      'several sections of which there is one',
      nothing,
      (to) => apply(to, { kind: 'multi-section', sections: ['1'] }),
      'guarantee.kind-mismatch',
    ],
    [
      'a section twice',
      nothing,
      (to) => apply(to, { kind: 'multi-section', sections: ['1', '1'] }),
      'guarantee.kind-mismatch',
    ],
    [
      'a bidder twice',
      nothing,
      (to) => apply(to, { bidders: [{ party: bidder }, { party: bidder }] }),
      'guarantee.bidder-repeated',
    ],
    ['for nothing', nothing, (to) => apply(to, { amount: yuan('0.00') }), 'guarantee.no-amount'],
    ['of tomorrow', nothing, (to) => apply(to, { occurredAt: formatTime(to.blockTime + 1) }), 'guarantee.out-of-order'],
    ['for somebody else', nothing, (to) => apply(to, {}, stranger), 'guarantee.applicant-not-entitled'],
    ['approved by another bank', applied, (to) => approve(to, {}, otherBank), 'guarantee.other-issuer'],
    ['approved by no bank', applied, (to) => approve(to, {}, bidder), 'role.not-allowed'],
    [
      'approved before it was made',
      applied,
      (to) => approve(to, { occurredAt: '2026-03-10T08:59:59+08:00' }),
      'guarantee.out-of-order',
    ],
    ['declined by another bank', applied, (to) => decline(to, {}, otherBank), 'guarantee.other-issuer'],
    ['withdrawn by a stranger', applied, (to) => withdraw(to, {}, stranger), 'guarantee.other-applicant'],
    [
      'a reason with somebody’s telephone',
      applied,
      (to) => decline(to, { reason: '请致电 13800138000' }),
      'personal-data.refused',
    ],
  ])

  it('but a platform may apply for a bidder, who may withdraw it', () => {
    const ledger = having((to) => void to.take(apply(to, {}, platform)))
    const application = { party: platform, number: 'SQ-1' }
    expect(ledger.submit(withdraw(ledger, { application }))).toBe('accepted')
    expect(applicationLife.asOf(ledger.state, [platform, 'SQ-1'], ledger.blockTime)?.state).toBe('withdrawn')
  })

  it('nobody uses up an issuer’s numbers by asking', () => {
    const ledger = having((to) => void to.take(apply(to, { number }, platform)), inForce)
    expect(own(ledger)?.state).toBe('issued')
  })
})

describe('an issue is refused, and changes no row', () => {
  refused([
    ['without an application', nothing, issue, 'guarantee-application.unknown'],
    ['without approval', applied, issue, 'guarantee-application.wrong-state'],
    ['after the application was withdrawn', (to) => { approved(to); to.take(withdraw(to)) }, issue, 'guarantee-application.wrong-state'],
    ['by another bank', approved, (to) => issue(to, {}, otherBank), 'guarantee.unlike-application'],
    ['by no bank', approved, (to) => issue(to, {}, platform), 'role.not-allowed'],
    ['for another bidder', approved, (to) => issue(to, { bidders: [{ party: otherBidder }] }), 'guarantee.unlike-application'],
    ['for another tender', approved, (to) => issue(to, { tender: tenderNumber(2) }), 'guarantee.unlike-application'],
    ['for a section not asked for', approved, (to) => issue(to, { sections: ['1'] }), 'guarantee.unlike-application'],
    ['for another beneficiary', approved, (to) => issue(to, { beneficiary: { party: otherOwner } }), 'guarantee.unlike-application'],
    ['for more than was approved', approved, (to) => issue(to, { amount: yuan('400000.000001') }), 'guarantee.unlike-application'],
    ['in another currency', approved, (to) => issue(to, { amount: { amount: '1', unit: '0', currency: 'USD' } }), 'guarantee.unlike-application'],
    ['below the bond asked for', approved, (to) => issue(to, { requirement: yuan('400000.01') }), 'guarantee.below-requirement'],
    ['that ends before bid validity', approved, (to) => issue(to, { end: '2026-04-13T09:29:59+08:00' }), 'guarantee.ends-early'],
    ['that ends before it begins', approved, (to) => issue(to, { begin: end }), 'guarantee.term-malformed'],
    ['that ends before it was issued', approved, (to) => issue(to, { begin: '2026-03-01T00:00:00+08:00', end: '2026-03-12T09:00:00+08:00', bidValidUntil: '2026-03-12T09:00:00+08:00' }), 'guarantee.term-malformed'],
    ['that ends before the opening', approved, (to) => issue(to, { begin: '2026-03-01T00:00:00+08:00', end: openingTime, bidValidUntil: openingTime }), 'guarantee.term-malformed'],
    ['with an opening before the deadline', approved, (to) => issue(to, { deadline: '2026-03-16T09:30:01+08:00' }), 'guarantee.term-malformed'],
    ['after the deadline', approved, (to) => issue(to, { occurredAt: '2026-03-16T09:30:01+08:00' }), 'guarantee.term-malformed'],
    ['before it was approved', approved, (to) => issue(to, { occurredAt: '2026-03-11T08:59:59+08:00' }), 'guarantee.out-of-order'],
    ['twice', inForce, issue, 'guarantee.exists'],
    ['for nothing', approved, (to) => issue(to, { amount: yuan('0') }), 'guarantee.no-amount'],
  ]) // biome-ignore format: a table

  it('by an issuer whose key one member alone vouches for', () => {
    const ledger = having(approved)
    ledger.register('false bank', bank, ['guarantee-issuer'], ['guangzhou'])
    const inScope = { ...tender, owner: ledger.member('guangzhou').party }
    const fields = { ...JSON.parse(JSON.stringify(issue(ledger).payload)), tender: inScope, key: 'false' }
    const statement = ledger.statement('guarantee.issue@1', bank, keyOf('false bank'), fields)
    expect(ledger.submit(statement)).toBe('guarantee.issuer-not-listed')
  })
})

describe('a key in one member’s scope', () => {
  /** In the name of a party that two other members vouch for. */
  const falsely = (ledger: FoundedLedger, party: string, said: Statement, more: Fields = {}): string => {
    const key = ledger.register(`false ${party}`, party, [], ['hangzhou'])
    const fields = { ...JSON.parse(JSON.stringify(said.payload)), ...more, party, key: 'false' }
    return ledger.submit(ledger.statement(said.type, party, key, fields), { member: 'hangzhou' })
  }

  it('does not speak for a bidder or a beneficiary for whom others vouch', () => {
    // Where a tender is named its owner is in the member's scope, so that nothing but the voice is wrong.
    const own = { tender: { ...tender, owner: base.member('hangzhou').party } }
    const cases: [Arrive, (ledger: FoundedLedger) => Statement, string, Fields?][] = [
      [nothing, apply, bidder, own],
      [nothing, (ledger) => apply(ledger, annual), bidder],
      [applied, withdraw, bidder],
      [(to) => issued(to, annual), (ledger) => bind(ledger, own), bidder],
      [revealed, (ledger) => consent(ledger, { step: 'guarantee.void', tender: undefined }), owner],
    ]
    for (const [arrive, statement, party, more] of cases) {
      const ledger = having(arrive)
      const said = statement(ledger)
      expect(falsely(ledger, party, said, more), said.type).toBe('key.out-of-scope')
    }
    for (const [arrive, statement] of [
      [revealed, claim],
      [revealed, release],
      [bound, reveal],
    ] as const) {
      const beneficiary = base.member('hangzhou').party
      const inScope = { tender: { ...tender, owner: beneficiary } }
      const year: Arrive = (to) => {
        issued(to, { ...annual, beneficiary: { party: owner } })
        to.take(bind(to, { ...inScope, occurredAt: '2026-03-13T09:00:00+08:00' }))
        if (arrive === revealed) to.take(reveal(to, inScope))
      }
      const ledger = having(year)
      const said = statement(ledger, inScope)
      expect(falsely(ledger, arrive === revealed ? owner : bidder, said), said.type).toBe('key.out-of-scope')
    }
  })

  it('speaks for one whom nobody else knows', () => {
    const ledger = base.fork()
    const small = syntheticParty('440100', 77)
    expect(falsely(ledger, small, apply(ledger, { ...annual, bidders: [{ party: small }] }))).toBe('accepted')
  })
})

describe('one number is one guarantee, and one document has one number', () => {
  const second = { application: { party: bidder, number: 'SQ-2' }, number: 'BH2026-0002' }
  const published = (ledger: FoundedLedger, fields: Fields, party = bank): Statement =>
    by(ledger, party, 'guarantee.submit', {
      number,
      form: 'bank',
      kind: 'single',
      tender,
      bidders: [{ party: bidder, name: '某工程有限公司' }],
      beneficiary: { party: owner, name: '某招标人' },
      issuer: { party: bank, name: '某银行' },
      amount: yuan('400000'),
      begin: '2026-03-16T00:00:00+08:00',
      end,
      issuedAt: '2026-03-12T09:00:00+08:00',
      document: hash('01'),
      openingTime,
      ...fields,
    })
  const twoApplications: Arrive = (ledger) => {
    inForce(ledger)
    ledger.take(apply(ledger, { number: 'SQ-2' }))
    ledger.take(approve(ledger, { application: second.application }))
  }

  it('the same document under a second number: both are named', () => {
    const ledger = having(twoApplications)
    const refusal = ledger.submitForRefusal(issue(ledger, second), { member: 'hangzhou' })
    expect(refusal?.code).toBe('guarantee.document-taken')
    expect(refusal?.message).toContain(number)
    expect(refusal?.message).toContain('BH2026-0002')
    expect(refusal?.message).toContain('01'.repeat(32))
  })

  it('the same document at a second bank: both are named', () => {
    const ledger = having(inForce)
    ledger.take(apply(ledger, { number: 'SQ-3', issuer: { party: otherBank } }))
    const application = { party: bidder, number: 'SQ-3' }
    ledger.take(approve(ledger, { application }, otherBank))
    const refusal = ledger.submitForRefusal(issue(ledger, { application, number: '7' }, otherBank))
    expect(refusal?.code).toBe('guarantee.document-taken')
    for (const word of [bank, otherBank, number]) expect(refusal?.message).toContain(word)
  })

  it('an amendment with the document of another number', () => {
    const ledger = having(twoApplications)
    ledger.take(issue(ledger, { ...second, document: hash('22') }))
    expect(ledger.submit(amend(ledger, { document: hash('22') }))).toBe('guarantee.document-taken')
    // Its own, once more, is no double use.
    expect(ledger.submit(amend(ledger, { document: hash('01'), amount: yuan('500000') }))).toBe('accepted')
  })

  it('a number that the bank published, and one that is issued and then published', () => {
    const ledger = having((to) => void to.take(published(to, {})), approved)
    expect(ledger.submit(issue(ledger))).toBe('guarantee.number-taken')
    expect(ledger.submit(issue(ledger, { number: 'new' }))).toBe('guarantee.document-taken')
    expect(ledger.submit(issue(ledger, { number: 'new', document: hash('09') }))).toBe('accepted')
    const other = having(inForce)
    expect(other.submit(published(other, { document: hash('09') }))).toBe('guarantee.number-reused')
    expect(other.submit(published(other, { number: '9' }))).toBe('guarantee.document-reused')
    expect(other.submit(published(other, { number: '9' }, platform))).toBe('guarantee.document-reused')
  })

  it('what a platform said before keeps the bank from nothing, and is flagged where it differs', () => {
    const same = having((to) => void to.take(published(to, {}, platform)), approved)
    expect(same.findings.get(same.take(issue(same)))).toEqual([])
    for (const differs of [{ document: hash('66') }, { number: '66' }]) {
      const ledger = base.fork()
      const index = ledger.take(published(ledger, differs, platform))
      approved(ledger)
      const flagged = ledger.findings.get(ledger.take(issue(ledger)))
      expect(flagged).toEqual([{ code: 'guarantee.relayed-otherwise', values: [String(index)] }])
    }
  })
})

describe('a binding is refused, and changes no row', () => {
  const yearly: Arrive = (ledger) => issued(ledger, annual)
  const several: Arrive = (ledger) => issued(ledger, { kind: 'multi-section', sections: ['1', '2'] })
  const atDeadline = (seconds: number): string => formatTime(opened + seconds * 1_000)
  refused([
    ['before the opening', (to) => { inForce(to); to.blockTime = opened - 1 }, bind, 'sealed.too-early'],
    ['of no guarantee', nothing, bind, 'guarantee.unknown'],
    ['of one that has expired', (to) => { inForce(to); to.blockTime = ended }, bind, 'guarantee.wrong-state'],
    ['after the deadline', inForce, (to) => bind(to, { occurredAt: atDeadline(1) }), 'guarantee.bound-late'],
    ['before it was issued', inForce, (to) => bind(to, { occurredAt: '2026-03-12T08:59:59+08:00' }), 'guarantee.out-of-order'],
    ['twice', bound, bind, 'guarantee-use.exists'],
    ['to two sections', bound, (to) => bind(to, { section: '2' }), 'guarantee.bound-elsewhere'],
    ['to a section that it does not name', several, (to) => bind(to, { section: '3' }), 'guarantee.other-section'],
    ['to no section where it names several', several, bind, 'guarantee.other-section'],
    ['to another tender', inForce, (to) => bind(to, { tender: tenderNumber(2) }), 'guarantee.other-tender'],
    ['for another bidder', inForce, (to) => bind(to, { bidder: otherBidder }), 'guarantee.other-bidder'],
    ['by a stranger', inForce, (to) => bind(to, {}, stranger), 'guarantee.not-concerned'],
    ['by another tender’s owner', inForce, (to) => bind(to, {}, otherOwner), 'guarantee.not-concerned'],
    ['with a document that it never had', inForce, (to) => bind(to, { document: hash('09') }), 'guarantee.other-document'],
    ['of an annual one with less than is asked for', yearly, (to) => bind(to, { requirement: yuan('400001') }), 'guarantee.below-requirement'],
    ['of an annual one that ends before bid validity', yearly, (to) => bind(to, { bidValidUntil: '2026-04-14T00:00:00+08:00' }), 'guarantee.ends-early'],
  ]) // biome-ignore format: a table

  it('at the deadline it is in time, and may be told by issuer, bidder, owner or a platform', () => {
    const ledger = having(inForce)
    for (const party of [bank, bidder, owner, platform]) {
      const fork = ledger.fork()
      expect(fork.submit(bind(fork, { occurredAt: openingTime }, party))).toBe('accepted')
    }
  })

  it('of a second guarantee for the same bidder in the same section', () => {
    const ledger = having(bound)
    ledger.take(apply(ledger, { ...annual, number: 'SQ-2', issuer: { party: otherBank } }))
    const application = { party: bidder, number: 'SQ-2' }
    ledger.take(approve(ledger, { application }, otherBank))
    ledger.take(issue(ledger, { ...annual, application, number: 'Y', document: hash('0d') }, otherBank))
    const second = { guarantee: { issuer: otherBank, number: 'Y' }, document: hash('0d') }
    const refusal = ledger.submitForRefusal(bind(ledger, second, otherBank))
    expect(refusal?.code).toBe('guarantee.bidder-bound')
    expect(refusal?.message).toContain(number)
    expect(ledger.submit(bind(ledger, { ...second, section: '2' }, otherBank))).toBe('accepted')
  })
})

describe('what follows a binding is refused, and changes no row', () => {
  const expired = (to: FoundedLedger): void => {
    revealed(to)
    to.blockTime = ended
  }
  const paid: Arrive = (to) => {
    accepted(to)
    to.take(pay(to, { amount: yuan('250000') }))
  }
  const lower = { amount: yuan('399999') }
  const usd = { amount: '1', unit: '0', currency: 'USD' }
  refused([
    ['a reveal with another salt', bound, (to) => reveal(to, { salt: '5b'.repeat(32) }), 'guarantee.reveal-mismatch'],
    ['a reveal of what was committed to for another section', (to) => { inForce(to); to.take(bind(to, { commitment: commitmentOf(to, { section: '2' }) })) }, reveal, 'guarantee.reveal-mismatch'],
    ['a reveal of another document', (to) => { inForce(to); to.take(bind(to, { commitment: commitmentOf(to, { document: hash('02') }) })) }, reveal, 'guarantee.reveal-mismatch'],
    ['a reveal by a stranger', bound, (to) => reveal(to, {}, stranger), 'guarantee.not-concerned'],
    ['a claim before it is revealed', bound, claim, 'guarantee-use.wrong-state'],
    ['a claim on what was never bound', inForce, claim, 'guarantee-use.unknown'],
    ['a claim after it has expired', expired, claim, 'guarantee-use.wrong-state'],
    ['a claim by the bidder', revealed, (to) => claim(to, {}, bidder), 'guarantee.not-beneficiary'],
    ['a claim by another owner', revealed, (to) => claim(to, {}, otherOwner), 'guarantee.not-beneficiary'],
    ['a claim by the issuer', revealed, (to) => claim(to, {}, bank), 'guarantee.not-beneficiary'],
    ['a claim above what is guaranteed', revealed, (to) => claim(to, { amount: yuan('400000.000001') }), 'guarantee.above-remains'],
    ['a claim above what remains', paid, (to) => claim(to, { amount: yuan('150001') }), 'guarantee.above-remains'],
    ['a claim for nothing', revealed, (to) => claim(to, { amount: yuan('0') }), 'guarantee.no-amount'],
    ['a claim in another currency', revealed, (to) => claim(to, { amount: usd }), 'guarantee.other-currency'],
    ['a second claim while one is open', claimed, (to) => claim(to, { amount: yuan('1') }), 'guarantee-use.wrong-state'],
    ['an acceptance by another bank', claimed, (to) => accept(to, {}, otherBank), 'guarantee.other-issuer'],
    ['an acceptance of more than was claimed', claimed, (to) => accept(to, { amount: yuan('300001') }), 'guarantee.above-claim'],
    ['an acceptance of nothing', claimed, (to) => accept(to, { amount: yuan('0') }), 'guarantee.no-amount'],
    ['a rejection by another bank', claimed, (to) => reject(to, {}, otherBank), 'guarantee.other-issuer'],
    ['a payment by another bank', accepted, (to) => pay(to, {}, otherBank), 'guarantee.other-issuer'],
    ['a payment over what was accepted', accepted, (to) => pay(to, { amount: yuan('250001') }), 'guarantee.payment-mismatch'],
    ['a payment below it', accepted, (to) => pay(to, { amount: yuan('249999') }), 'guarantee.payment-mismatch'],
    ['a payment of what was not accepted', claimed, pay, 'guarantee-use.wrong-state'],
    ['a payment twice', paid, (to) => pay(to, { amount: yuan('250000') }), 'guarantee-use.wrong-state'],
    ['a release by the issuer alone', revealed, (to) => release(to, {}, bank), 'guarantee.consent-missing'],
    ['a release by the bidder', revealed, (to) => release(to, {}, bidder), 'guarantee.not-beneficiary'],
    ['a release with a claim open', claimed, release, 'guarantee-use.wrong-state'],
    ['a release with a claim accepted', accepted, release, 'guarantee-use.wrong-state'],
    ['a release after it has expired', expired, release, 'guarantee-use.wrong-state'],
    ['a reveal after it has expired', (to) => { bound(to); to.blockTime = ended }, reveal, 'guarantee-use.wrong-state'],
    ['an amendment after it has expired', expired, (to) => amend(to, { end: '2027-01-01T00:00:00+08:00' }), 'guarantee.wrong-state'],
    ['voiding after it has expired', expired, voiding, 'guarantee.wrong-state'],
    ['an amendment by another bank', revealed, (to) => amend(to, {}, otherBank), 'guarantee.other-issuer'],
    ['an amendment that skips a version', revealed, (to) => amend(to, { version: 3 }), 'guarantee.version-mismatch'],
    ['an amendment that lowers the amount', revealed, (to) => amend(to, lower), 'guarantee.consent-missing'],
    ['an amendment that lowers the amount before anything is bound', inForce, (to) => amend(to, lower), 'guarantee.consent-missing'],
    ['an amendment that shortens the term', revealed, (to) => amend(to, { end: bidValidUntil }), 'guarantee.consent-missing'],
    ['an amendment to before bid validity', revealed, (to) => amend(to, { end: '2026-04-13T09:29:59+08:00' }), 'guarantee.ends-early'],
    ['an amendment into the past', (to) => issued(to, annual), (to) => amend(to, { tender: undefined, end: formatTime(to.blockTime) }), 'guarantee.term-malformed'],
    ['an amendment to nothing', revealed, (to) => amend(to, { amount: yuan('0') }), 'guarantee.no-amount'],
    ['an amendment in another currency', revealed, (to) => amend(to, { amount: usd }), 'guarantee.other-currency'],
    ['an amendment while a claim is open', claimed, amend, 'guarantee-use.wrong-state'],
    ['an amendment that names another tender', revealed, (to) => amend(to, { tender: tenderNumber(2) }), 'guarantee.other-tender'],
    ['an amendment that names no tender', revealed, (to) => amend(to, { tender: undefined }), 'guarantee.other-tender'],
    ['an amendment below what is paid', (to) => { issued(to, annual); to.take(bind(to)); to.take(reveal(to)); to.take(claim(to)); }, (to) => amend(to, { tender: undefined, ...lower }), 'guarantee.below-claims'],
    ['voiding after the deadline by the issuer alone', bound, voiding, 'guarantee.consent-missing'],
    ['voiding what is revealed, though the beneficiary agrees', (to) => { revealed(to); to.take(consent(to, { step: 'guarantee.void' })) }, voiding, 'guarantee-use.wrong-state'],
    ['voiding by another bank', bound, (to) => voiding(to, {}, otherBank), 'guarantee.other-issuer'],
    ['consent by somebody else', revealed, (to) => consent(to, { step: 'guarantee.release' }, stranger), 'guarantee.not-beneficiary'],
    ['consent to nothing that is there', nothing, (to) => consent(to, { step: 'guarantee.void' }), 'guarantee.unknown'],
    ['consent to an amendment of no version', revealed, (to) => consent(to, { step: 'guarantee.amend' }), 'guarantee.consent-malformed'],
    ['consent to a release of a version', revealed, (to) => consent(to, { step: 'guarantee.release', version: 2 }), 'guarantee.consent-malformed'],
    ['consent to voiding for an amount', revealed, (to) => consent(to, { step: 'guarantee.void', amount: yuan('1') }), 'guarantee.consent-malformed'],
    ['consent to voiding until an end', revealed, (to) => consent(to, { step: 'guarantee.void', end }), 'guarantee.consent-malformed'],
    ['consent to voiding a section', revealed, (to) => consent(to, { step: 'guarantee.void', section: '1' }), 'guarantee.consent-malformed'],
    ['consent to a release of no tender', revealed, (to) => consent(to, { step: 'guarantee.release', tender: undefined }), 'guarantee.consent-malformed'],
    ['a salt that is none', bound, (to) => reveal(to, { salt: salt.slice(2) }), 'schema.violation'],
  ]) // biome-ignore format: a table
})

describe('a tender on the ledger', () => {
  const published =
    (fields: Fields = {}): Arrive =>
    (ledger) =>
      void ledger.take(notice(ledger, fields))

  it('opens when its notice says, whatever a record carries', () => {
    const later = '2026-03-18T09:30:00+08:00'
    const ledger = having(published({ deadline: later, openingTime: later }))
    expect(ledger.submit(apply(ledger))).toBe('sealed.too-early')
    ledger.blockTime = parseTime(later)!
    approved(ledger)
    expect(ledger.submit(issue(ledger, { occurredAt: '2026-03-18T09:30:01+08:00' }))).toBe('guarantee.out-of-order')
    ledger.take(issue(ledger))
    // In time by its own deadline; by that of the record it would be late.
    expect(ledger.submit(bind(ledger, { occurredAt: '2026-03-17T12:00:00+08:00' }))).toBe('accepted')
  })

  it('whose opening is moved keeps shut what has not been said yet', () => {
    const ledger = having(
      published({ deadline: '2026-03-17T07:00:00+08:00', openingTime: '2026-03-18T09:30:00+08:00' }),
    )
    for (const [arrive, statement] of [
      [applied, approve],
      [applied, decline],
      [applied, withdraw],
      [approved, issue],
      [bound, reveal],
      [revealed, claim],
    ] as const) {
      const unlinked = having(arrive)
      unlinked.take(
        notice(unlinked, { deadline: '2026-03-17T07:00:00+08:00', openingTime: '2026-03-18T09:30:00+08:00' }),
      )
      expect(unlinked.submit(statement(unlinked)), statement(unlinked).type).toBe('sealed.too-early')
    }
    expect(ledger.submit(apply(ledger))).toBe('sealed.too-early')
  })

  it('bounds the guarantee by its estimate, as its profile says', () => {
    const issuedFor = (fields: Fields): string => {
      const ledger = having(published(fields), approved)
      return ledger.submit(issue(ledger))
    }
    expect(issuedFor({ estimate: yuan('20000000') })).toBe('accepted')
    expect(issuedFor({ estimate: yuan('19999999.99') })).toBe('guarantee.above-ceiling')
    expect(issuedFor({ estimate: { amount: '1999.9999', unit: '1', currency: 'CNY' } })).toBe('guarantee.above-ceiling')
    expect(issuedFor({ estimate: { amount: '1', unit: '0', currency: 'USD' } })).toBe('accepted')
    expect(issuedFor({ estimate: yuan('1'), profile: 'land' })).toBe('accepted')
    expect(issuedFor({})).toBe('accepted')
  })

  it('… and an amendment too', () => {
    const ledger = having(published({ estimate: yuan('20000000') }), revealed)
    expect(ledger.submit(amend(ledger, { amount: yuan('400000.01') }))).toBe('guarantee.above-ceiling')
  })

  it('has its uses told by those who speak for it, and by no platform besides', () => {
    const ledger = having(published(), inForce)
    expect(ledger.submit(bind(ledger, {}, platform))).toBe('guarantee.not-concerned')
    const entitled = having(published({ entitled: [platform] }), inForce)
    expect(entitled.submit(bind(entitled, {}, platform))).toBe('accepted')
  })

  it('that has its contract has its bonds back in days, else it is a finding', () => {
    const ledger = having(published(), revealed)
    ledger.take(
      by(ledger, owner, 'tender.contract', {
        tender,
        document: hash('cc'),
        publishedAt: formatTime(ledger.blockTime),
        contractor: [{ party: bidder, name: '某工程有限公司' }],
        amount: yuan('19000000'),
      }),
    )
    const contractedAt = ledger.blockTime
    ledger.blockTime += 5 * 86_400_000
    const inTime = ledger.fork()
    expect(inTime.findings.get(inTime.take(release(inTime)))).toEqual([])
    ledger.blockTime += 1
    expect(ledger.findings.get(ledger.take(release(ledger)))).toEqual([
      { code: 'guarantee.released-late', values: [formatTime(contractedAt), '5'] },
    ])
  })
})
