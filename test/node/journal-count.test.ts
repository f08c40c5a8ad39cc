/** What is missing from the journal is said, whatever else is lost with it. */
import { expect, it } from 'vitest'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { JournalCount } from '../../src/node/journal-count.ts'
import { MemoryMedium } from '../../src/node/memory-disk.ts'

/** Eight receipts of which the first three are on the ledger by now; then a start that finds these rows. */
function isLostWith(numbers: readonly number[]): boolean {
  const said: string[] = []
  const log = { debug() {}, info() {}, warn() {}, error: (event: string) => void said.push(event) }
  const disk = new MemoryMedium().open({ defer: (done) => done(), onFatal: () => {} })
  const cycle = new DiskCycle({}, { disk })
  const before = new JournalCount(0, { cycle, log })
  for (let number = 0; number < 8; number++) before.add(number, new Uint8Array())
  for (let number = 0; number < 3; number++) before.remove(number)
  const isLost = new JournalCount(before.changes, { cycle, log }).resume(numbers, true)
  expect(said).toEqual(isLost ? ['receipts lost'] : [])
  return isLost
}

it.each([
  ['nothing', [3, 4, 5, 6, 7], false],
  ['a row', [3, 4, 6, 7], true],
  ['a removal', [2, 3, 4, 5, 6, 7], false],
  ['all removals', [0, 1, 2, 3, 4, 5, 6, 7], false],
  ['a row and a removal', [2, 4, 5, 6, 7], true],
  ['a row and two removals', [1, 2, 4, 5, 6, 7], true],
  ['two rows and three removals', [0, 1, 2, 4, 5, 7], true],
])('with %s gone', (_, numbers, isLost) => {
  expect(isLostWith(numbers)).toBe(isLost)
})
