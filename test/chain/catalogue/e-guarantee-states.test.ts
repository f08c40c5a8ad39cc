import { describe } from 'vitest'
import { applicationLife, guaranteeLife, useLife } from '../../../src/chain/catalogue/e-guarantee-life.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import type { FoundedLedger } from './founded-ledger.ts'
import {
  accept,
  amend,
  apply,
  approve,
  bank,
  base,
  bidder,
  bind,
  claim,
  consent,
  decline,
  ended,
  issue,
  issued,
  number,
  pay,
  reject,
  release,
  reveal,
  tender,
  voiding,
  withdraw,
  yuan,
} from './guarantee-world.ts'
import { testStateTable } from './state-table.ts'

/** After the deadline a guarantee is voided only with the beneficiary's consent, which is given where there is something to consent to. */
const voidingByConsent = (ledger: FoundedLedger): Statement => {
  ledger.submit(consent(ledger, { step: 'guarantee.void' }))
  return voiding(ledger)
}
const voided = (ledger: FoundedLedger): void => {
  ledger.take(voidingByConsent(ledger))
}
const expire = (ledger: FoundedLedger): void => {
  ledger.blockTime = ended
}

describe('an application for a guarantee, state by event', () => {
  const arrive = {
    applied: (ledger: FoundedLedger) => void ledger.take(apply(ledger)),
    approved: (ledger: FoundedLedger) => {
      ledger.take(apply(ledger))
      ledger.take(approve(ledger))
    },
    issued: (ledger: FoundedLedger) => issued(ledger),
    rejected: (ledger: FoundedLedger) => {
      ledger.take(apply(ledger))
      ledger.take(decline(ledger))
    },
    withdrawn: (ledger: FoundedLedger) => {
      ledger.take(apply(ledger))
      ledger.take(withdraw(ledger))
    },
  }
  testStateTable({
    lifecycle: applicationLife,
    ledger: base,
    key: [bidder, 'SQ-1'],
    arrive,
    events: {
      'guarantee.apply': (ledger) => apply(ledger),
      'guarantee.approve': (ledger) => approve(ledger),
      'guarantee.decline': (ledger) => decline(ledger),
      'guarantee.withdraw': (ledger) => withdraw(ledger),
      'guarantee.issue': (ledger) => issue(ledger),
    },
    others: ['guarantee'],
  })
})

describe('a guarantee, state by event', () => {
  const approved = base.fork()
  approved.take(apply(approved))
  approved.take(approve(approved))
  const issue1 = (ledger: FoundedLedger): void => void ledger.take(issue(ledger))
  testStateTable({
    lifecycle: guaranteeLife,
    ledger: approved,
    key: [bank, number],
    arrive: {
      issued: issue1,
      expired: (ledger) => {
        issue1(ledger)
        expire(ledger)
      },
      voided: (ledger) => {
        issue1(ledger)
        voided(ledger)
      },
    },
    events: {
      'guarantee.issue': (ledger) => issue(ledger),
      'guarantee.bind': (ledger) => bind(ledger),
      'guarantee.amend': (ledger) => amend(ledger),
      'guarantee.void': voidingByConsent,
    },
  })
})

describe('a use of a guarantee, state by event', () => {
  const ledger = base.fork()
  issued(ledger)
  const bound = (to: FoundedLedger): void => void to.take(bind(to))
  const shown = (to: FoundedLedger): void => {
    bound(to)
    to.take(reveal(to))
  }
  const claimed = (to: FoundedLedger): void => {
    shown(to)
    to.take(claim(to))
  }
  const accepted = (to: FoundedLedger): void => {
    claimed(to)
    to.take(accept(to))
  }
  testStateTable({
    lifecycle: useLife,
    ledger,
    key: [bank, number, tender.owner, tender.scheme, tender.code, ''],
    arrive: {
      bound,
      revealed: shown,
      claimed,
      accepted,
      paid: (to) => {
        accepted(to)
        to.take(pay(to))
      },
      released: (to) => {
        shown(to)
        to.take(release(to))
      },
      expired: (to) => {
        shown(to)
        expire(to)
      },
      voided: (to) => {
        bound(to)
        voided(to)
      },
    },
    events: {
      'guarantee.bind': (to) => bind(to),
      'guarantee.reveal': (to) => reveal(to),
      'guarantee.claim': (to) => claim(to, { amount: yuan('1') }),
      'guarantee.accept': (to) => accept(to),
      'guarantee.reject': (to) => reject(to),
      'guarantee.pay': (to) => pay(to),
      'guarantee.release': (to) => release(to),
      'guarantee.amend': (to) => amend(to),
      'guarantee.void': voidingByConsent,
    },
    // Of a guarantee that is not used yet.
    unlinked: ['guarantee.amend', 'guarantee.void'],
    others: ['guarantee'],
  })
})
