/**
 * Notices when the disk has lost a row of the journal. LevelDB drops rows silently, and a journal row is the only trace of a statement that
 * got a receipt and is not on the ledger: nothing else would ever miss it. So a row counts the journal's rows and how often the journal
 * changed, in one batch with each change, and the head file holds the second number. A row missing from the middle shows in the first, or
 * in the sum of the rows' numbers where removals were lost with it; changes missing at the end, with the row that counted them, show against the head file. What is lost cannot be had again from anybody:
 * it is said, loudly, and whoever holds such a receipt submits again.
 */
import { CborError, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Log } from './ports.ts'
import { journalKey, metaKey } from './store-rows.ts'

export interface JournalCountDependencies {
  readonly cycle: DiskCycle
  readonly log: Log
}

const countKey = metaKey('journal')
const nothing = { rows: 0, changes: 0, sum: 0 }
const sumModulus = 2 ** 48
/** Scatters neighbouring numbers, so that the few that are lost at once hardly ever add up to the few whose removal is. */
const mixed = (number: number): number => (Math.imul(number + 1, 0x9e37_79b1) >>> 0) * 32_749 + (number % 32_749)
const sumOf = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => (total + mixed(number)) % sumModulus, 0)
const oldestLast = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => b - a)

export class JournalCount {
  readonly #deps: JournalCountDependencies
  #rows = 0
  #sum = 0
  #changes: number

  /** @param changes as the head file knows them */
  constructor(changes: number, dependencies: JournalCountDependencies) {
    this.#changes = changes
    this.#deps = dependencies
  }

  /** How often the journal has changed, for the head file. */
  get changes(): number {
    return this.#changes
  }

  /**
   * After the journal was read: the numbers of its rows, and whether that is all that there is. Says what is missing, and goes on from here.
   * @returns whether anything is
   */
  resume(numbers: readonly number[], isWhole: boolean): boolean {
    const counted = this.#counted()
    const rows = numbers.length
    const sum = sumOf(numbers)
    const lostChanges = Math.max(0, this.#changes - counted.changes)
    // More than there should be are rows whose removal was lost, the oldest as a rule, which hurts nobody. Others than there should be: a row was
    // lost together with removals. Where that cannot be told apart it is said.
    const isOther = rows >= counted.rows && sumOf(oldestLast(numbers).slice(0, counted.rows)) !== counted.sum
    const lostRows = isOther ? 1 : Math.max(0, counted.rows - rows)
    const isLost = lostChanges > 0 || lostRows > 0 || !isWhole
    if (isLost) {
      this.#deps.log.error('receipts lost', { rows: lostRows, changes: lostChanges, unreadable: !isWhole })
    }
    this.#rows = rows
    this.#sum = sum
    this.#changes = Math.max(this.#changes, counted.changes)
    if (lostChanges > 0 || rows !== counted.rows || isOther) this.#changed()
    return isLost
  }

  add(number: number, row: Uint8Array): void {
    this.#deps.cycle.put(journalKey(number), row)
    this.#rows++
    this.#sum = (this.#sum + mixed(number)) % sumModulus
    this.#changed()
  }

  remove(number: number): void {
    this.#deps.cycle.del(journalKey(number))
    this.#rows--
    this.#sum = (this.#sum + sumModulus - mixed(number)) % sumModulus
    this.#changed()
  }

  #changed(): void {
    this.#changes++
    this.#deps.cycle.put(countKey, encodeCbor([2, this.#rows, this.#changes, this.#sum]))
  }

  /** What the rows say of themselves; nothing, before the first receipt or when that is lost too. */
  #counted(): { readonly rows: number; readonly changes: number; readonly sum: number } {
    try {
      const row = this.#deps.cycle.get(countKey)
      if (row === undefined) return nothing
      const parts = field.array(decodeCbor(row), 'journal count', 4)
      return {
        rows: field.natural(parts[1], 'rows'),
        changes: field.natural(parts[2], 'changes'),
        sum: field.natural(parts[3], 'sum'),
      }
    } catch (error) {
      if (error instanceof DiskReadFailed || error instanceof CborError) return nothing
      throw error
    }
  }
}
