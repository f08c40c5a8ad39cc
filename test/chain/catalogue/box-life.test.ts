import { describe } from 'vitest'
import { boxKey, boxLife } from '../../../src/chain/catalogue/box-life.ts'
import {
  BoxWorld,
  bidOf,
  closing,
  deadline,
  due,
  openBox,
  opening,
  tender,
  withdrawalOf,
  withNotice,
} from './box-world.ts'
import type { FoundedLedger } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'

const [shown, next] = [bidOf('shown'), bidOf('next')]
const withdrawal = withdrawalOf(bidOf('withdrawn'))
const claimed = bidOf('claimed')

/** Wuhan holds what is opened, Guangzhou nothing. What a member holds is not on the ledger, so it is the same each time. */
function worldOn(ledger: FoundedLedger): BoxWorld {
  const world = new BoxWorld(ledger)
  const receivedAt = deadline - 1
  for (const { leaf } of [shown, next, withdrawal.before, withdrawal]) {
    world.wuhan.held.push({ leaf, receivedAt, round: 1 })
    world.closedOn.set('wuhan', Math.max(1, world.wuhan.newest))
  }
  return world
}

const atLeast = (ledger: FoundedLedger, time: number): void => {
  if (ledger.blockTime < time) worldOn(ledger).run(time, ['beijing'])
}

const arrive: Record<string, (ledger: FoundedLedger) => void> = {
  open: (ledger) => {
    ledger.take(openBox(ledger))
    const world = worldOn(ledger).eve()
    world.run(closing)
  },
  closed: (ledger) => {
    arrive.open!(ledger)
    worldOn(ledger).close(['wuhan'])
  },
  opening: (ledger) => {
    arrive.closed!(ledger)
    atLeast(ledger, opening)
    ledger.take(worldOn(ledger).reveal(shown))
  },
  opened: (ledger) => {
    arrive.opening!(ledger)
    atLeast(ledger, due)
    ledger.take(worldOn(ledger).opened())
  },
}

describe('a box, state by event', () => {
  testStateTable({
    lifecycle: boxLife,
    ledger: withNotice,
    key: boxKey({ tender }),
    arrive,
    events: {
      'box.open': (ledger) => openBox(ledger),
      'box.close': (ledger) => worldOn(ledger).guangzhou.close(),
      'bid.claim': (ledger) => {
        const world = worldOn(ledger)
        return world.claim(world.guangzhou.receipt(claimed.leaf, deadline, 1))
      },
      'bid.reveal': (ledger, state) => {
        if (state === 'closed') atLeast(ledger, opening)
        return worldOn(ledger).reveal(next)
      },
      'bid.withdrawal': (ledger, state) => {
        if (state === 'closed') atLeast(ledger, opening)
        return worldOn(ledger).withdraw(withdrawal)
      },
      'bid.opened': (ledger, state) => {
        if (state === 'closed' || state === 'opening') atLeast(ledger, due)
        return worldOn(ledger).opened()
      },
    },
  })
})
