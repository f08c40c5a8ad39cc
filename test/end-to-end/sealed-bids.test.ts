/** What the demonstration shows of its bids is what the catalogue asks for: a change of the fields is seen here, and not in minutes of a demonstration. */
import { expect, it } from 'vitest'
import { compileSchema } from '../../src/chain/catalogue/schema.ts'
import { bidReveal, bidWithdrawal } from '../../src/chain/catalogue/sealed-opening.ts'
import { object } from '../../src/chain/catalogue/values.ts'
import { formatTime } from '../../src/chain/time.ts'
import { SystemRandom } from '../../src/node/system-clock.ts'
import { openingScenario } from './opening-scenario.ts'
import { SealedBids } from './sealed-bids.ts'

const deadline = Date.UTC(2026, 0, 2)
const ledger = '0'.repeat(64)
const times = { deadline, graceSeconds: 3, claimSeconds: 3, revealSeconds: 20 }
const { opening, tender, securityOf } = openingScenario(ledger, 0, times)
const bids = new SealedBids({ ledger, tender, section: '' }, opening, { random: new SystemRandom(), securityOf })

it('every bid of the opening is handed in, in the real order; every decrypted one is shown', () => {
  const { tally, handIns } = bids
  expect(tally.bids + tally.notRevealed).toBe(opening.rows.length)
  expect(tally.notRevealed).toBe(3)
  expect(handIns).toHaveLength(tally.leaves)
  expect(handIns.map(({ realTime }) => realTime)).toEqual(
    handIns.map(({ realTime }) => realTime).toSorted((a, b) => a - b),
  )
  expect([
    tally.replaced > 0,
    tally.withdrawn > 0,
    new Set(handIns.map(({ leaf }) => leaf)).size < handIns.length,
  ]).toEqual([true, true, true])
})

it('what is shown has the fields that the types ask for', () => {
  const checkOf = ({ schema: { properties, required } }: typeof bidReveal) =>
    compileSchema(object(properties, [...required]), 'second')
  const checks = { 'bid.reveal@1': checkOf(bidReveal), 'bid.withdrawal@1': checkOf(bidWithdrawal) }
  const place = { member: 'wuhan', receivedAt: deadline, index: 0, path: [] }
  for (const { type, fields } of bids.showings) checks[type](fields(() => place, formatTime(deadline)))
  expect(new Set(bids.showings.map(({ key }) => key)).size).toBe(bids.showings.length)
})
