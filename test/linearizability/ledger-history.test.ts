/** What the ledger's histories may show and may not: each kind of lie that a broken ledger could tell its callers. */
import { describe, expect, it } from 'vitest'
import { contradictionsIn, type LedgerOperation, type LedgerOutput } from './ledger-history.ts'

type Times = readonly [invokedAt: number, answeredAt: number]

const submit = (value: string, [invokedAt, at]: Times, output: LedgerOutput, key = 'k'): LedgerOperation => ({
  input: { kind: 'submit', key, value },
  invokedAt,
  answered: { at, output },
})
const lost = (value: string, invokedAt: number, key = 'k'): LedgerOperation => ({
  input: { kind: 'submit', key, value },
  invokedAt,
  answered: undefined,
})
const read = (value: string, [invokedAt, at]: Times, output: LedgerOutput, session?: string): LedgerOperation => ({
  input: { kind: 'read', key: 'k', value },
  invokedAt,
  answered: { at, output },
  ...(session === undefined ? {} : { session, mayBeStale: true }),
})
const size = ([invokedAt, at]: Times, count: number, session?: string): LedgerOperation => ({
  input: { kind: 'size' },
  invokedAt,
  answered: { at, output: { kind: 'size', size: count } },
  ...(session === undefined ? {} : { session, mayBeStale: true }),
})
const at = (index: number): LedgerOutput => ({ kind: 'record', index })
const absent: LedgerOutput = { kind: 'absent' }
const taken = (index?: number): LedgerOutput => ({ kind: 'key-taken', index })
const by = (session: string, operation: LedgerOperation): LedgerOperation => ({ ...operation, session })

describe('the ledger may', () => {
  it.each<[string, readonly LedgerOperation[]]>([
    ['give the same record again', [submit('v', [0, 1], at(5)), submit('v', [2, 3], at(5)), read('v', [4, 5], at(5))]],
    ['let one of two win', [submit('v', [0, 9], at(5)), submit('w', [1, 8], taken(6)), read('w', [10, 11], absent)]],
    [
      'refuse at the door what is on its way',
      [lost('v', 0), { ...submit('w', [1, 2], taken()), mayBeStale: true, session: 'a' }, read('v', [3, 4], absent)],
    ],
    [
      'take a statement long after its sender gave up',
      [lost('v', 0), read('v', [1, 2], absent), read('v', [90, 91], at(5))],
    ],
    ['never take it', [lost('v', 0), submit('w', [1, 2], at(5)), read('v', [3, 4], absent)]],
    [
      'answer a look-up from an older state at another node',
      [submit('v', [0, 1], at(5)), read('v', [2, 3], absent, 'b')],
    ],
    ['show less after a restart', [read('v', [2, 3], at(5), 'a 1'), read('v', [4, 5], absent, 'a 2'), lost('v', 0)]],
    ['put records sent at once in any order', [submit('v', [0, 9], at(6), 'k'), submit('w', [0, 9], at(5), 'l')]],
    ['show a smaller size at another node', [size([0, 1], 9, 'a'), size([2, 3], 7, 'b')]],
  ])('%s', (_, history) => {
    expect(contradictionsIn(history)).toEqual([])
  })
})

describe('the ledger never', () => {
  it.each<[string, readonly LedgerOperation[], RegExp]>([
    ['loses a record', [submit('v', [0, 1], at(5)), read('v', [2, 3], absent)], /not linearizable/],
    [
      'loses one that was seen once',
      [lost('v', 0), read('v', [1, 2], at(5)), read('v', [3, 4], absent)],
      /not linearizable/,
    ],
    ['moves a record', [submit('v', [0, 1], at(5)), read('v', [2, 3], at(6))], /not linearizable/],
    ['applies a statement twice', [submit('v', [0, 9], at(5)), submit('v', [1, 8], at(6))], /not linearizable/],
    ['holds two records under one key', [submit('v', [0, 9], at(5)), submit('w', [1, 8], at(6))], /not linearizable/],
    ['gives the key to the second', [submit('v', [0, 1], at(5)), submit('w', [2, 3], at(6))], /not linearizable/],
    [
      'records a refusal of a key that is free',
      [submit('v', [0, 1], taken(5)), submit('w', [2, 3], at(6))],
      /not linearizable/,
    ],
    ['refuses a key of which nobody sent anything else', [submit('v', [0, 1], taken())], /before anybody sent another/],
    [
      'says taken of the statement that has the key',
      [submit('v', [0, 1], at(5)), lost('w', 0), submit('v', [2, 3], taken())],
      /not linearizable/,
    ],
    ['makes up a record', [read('v', [0, 1], at(5))], /not linearizable/],
    [
      'goes back at one node',
      [lost('v', 0), read('v', [1, 2], at(5), 'a'), read('v', [3, 4], absent, 'a')],
      /not linearizable/,
    ],
    [
      'forgets at the node that answered',
      [by('a', submit('v', [0, 1], at(5))), read('v', [2, 3], absent, 'a')],
      /not linearizable/,
    ],
    [
      'has two records at one index',
      [submit('v', [0, 9], at(5), 'k'), submit('w', [0, 9], at(5), 'l')],
      /index 5 is k=v and l=w/,
    ],
    ['has a record where a refusal was', [submit('v', [0, 9], taken(5)), submit('w', [0, 9], at(5))], /index 5 is/],
    [
      'puts a record below what was seen before it was sent',
      [submit('v', [0, 1], at(6), 'k'), submit('w', [2, 3], at(5), 'l')],
      /below k=v at 6/,
    ],
    ['shrinks at one node', [size([0, 1], 9, 'a'), size([2, 3], 8, 'a')], /size 8 by a at 2, where 9 had been shown/],
    ['shrinks for who asks for the newest', [size([0, 1], 9), size([2, 3], 8)], /size 8 at 2, where 9/],
    [
      'is smaller than a record that it gave',
      [by('a', submit('v', [0, 1], at(9))), size([2, 3], 9, 'a')],
      /where 10 had been shown/,
    ],
    [
      'counts a record that nobody has sent yet',
      [size([0, 1], 9, 'a'), submit('v', [2, 3], at(5))],
      /size 9 by a at 1, with a record that was sent at 2/,
    ],
  ])('%s', (_, history, words) => {
    const found = contradictionsIn(history)
    expect(found.length).toBeGreaterThan(0)
    expect(found.join('\n')).toMatch(words)
  })
})
