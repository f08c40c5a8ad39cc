/**
 * The whole table of a lifecycle — every state by every event, the clock's included — as tests: what the declaration allows succeeds and
 * lands where it says, everything else is refused with the lifecycle's own code and changes no row.
 */
import { expect, it } from 'vitest'
import type { LifecycleTable } from '../../../src/chain/catalogue/statement-type.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import type { FoundedLedger } from './founded-ledger.ts'

export interface StateTable {
  readonly lifecycle: LifecycleTable
  /** A ledger with the keys and whatever else must be there; nothing of the instance. It is not changed. */
  readonly ledger: FoundedLedger
  /** Of the instance that everything here is about. */
  readonly key: readonly string[]
  /** For every state, brings a ledger to where the instance is in it. Sets `blockTime` for moves by clock. */
  readonly arrive: Readonly<Record<string, (ledger: FoundedLedger) => void>>
  /** For every event, a statement that the type's own rules accept in each state from which the event is allowed. */
  readonly events: Readonly<Record<string, (ledger: FoundedLedger, state: string) => Statement>>
  /** Events that are taken in, and change nothing, while nothing is on the ledger. */
  readonly unlinked?: readonly string[]
  /** Other lifecycles of which some of these events are a move too: their refusals count as well. */
  readonly others?: readonly string[]
}

export function testStateTable(table: StateTable): void {
  const { lifecycle, key } = table
  const { name, byRecord, byClock } = lifecycle
  const states = ['none', ...Object.keys(lifecycle.states)]
  const events = Array.from(new Set(byRecord.map(({ on }) => on)))

  it(`${name}: every state has a way to it, and every event a statement`, () => {
    expect(Object.keys(table.arrive).sort()).toEqual(states.filter((state) => state !== 'none').sort())
    expect(Object.keys(table.events).sort()).toEqual([...events].sort())
    for (const { from, on, to } of byRecord) {
      for (const state of [...from, to].flat()) expect(states, on).toContain(state)
    }
    for (const { from, to } of byClock) for (const state of [...from, to]) expect(states).toContain(state)
  })

  for (const state of states) {
    it(`${name}: ${state}`, () => {
      const arrived = table.ledger.fork()
      if (state !== 'none') table.arrive[state]!(arrived)
      expect(lifecycle.asOf(arrived.state, key, arrived.blockTime)?.state ?? 'none').toBe(state)
      for (const event of events) {
        const ledger = arrived.fork()
        const statement = table.events[event]!(ledger, state)
        const subject = lifecycle.subject(key)
        const before = ledger.rows()
        const code = ledger.submit(statement)
        const after = lifecycle.asOf(ledger.state, key, ledger.blockTime)?.state ?? 'none'
        const move = byRecord.find(({ on, from }) => on === event && from.includes(state))
        if (move !== undefined) {
          expect(`${event}: ${code}`).toBe(`${event}: accepted`)
          expect([move.to].flat(), event).toContain(after)
        } else if (state === 'none' && table.unlinked?.includes(event)) {
          expect(`${event}: ${code}`).toBe(`${event}: accepted`)
          expect(ledger.state.get(subject)).toBeUndefined()
        } else {
          const names = [name, ...(table.others ?? [])]
          const codes = names.flatMap((life) => [`${life}.wrong-state`, `${life}.unknown`, `${life}.exists`])
          expect(codes, `${event} in ${state}: ${code}`).toContain(code)
          expect(ledger.rows()).toEqual(before)
        }
      }
    })
  }

  for (const { from, at, to } of byClock) {
    for (const state of from) {
      it(`${name}: ${state} becomes ${to} when ${at} comes`, () => {
        const ledger = table.ledger.fork()
        table.arrive[state]!(ledger)
        const time = lifecycle.asOf(ledger.state, key, ledger.blockTime)!.row[at] as number | null
        expect(time, `${at} is set in ${state}`).not.toBeNull()
        expect(lifecycle.asOf(ledger.state, key, time! - 1)?.state).toBe(state)
        const rows = ledger.rows()
        expect(lifecycle.asOf(ledger.state, key, time!)?.state).toBe(to)
        expect(ledger.rows()).toEqual(rows)
      })
    }
  }
}
