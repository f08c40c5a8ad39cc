/**
 * Notices when the disk has lost a row of the journal. LevelDB drops rows silently, and a journal row is the only trace of a statement that
 * got a receipt and is not on the ledger: nothing else would ever miss it. So a row counts the journal's rows and how often the journal
 * changed, in one batch with each change, and the head file holds the second number. A row missing from the middle shows in the first;
 * changes missing at the end, with the row that counted them, show against the head file. What is lost cannot be had again from anybody:
 * it is said, loudly, and whoever holds such a receipt submits again.
 */
import { CborError, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import { journalKey, metaKey } from './block-store.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Log } from './ports.ts'

export interface JournalCountDependencies {
  readonly cycle: DiskCycle
  readonly log: Log
}

const countKey = metaKey('journal')

export class JournalCount {
  readonly #deps: JournalCountDependencies
  #rows = 0
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

  /** After the journal was read: `rows` of it, and whether that is all that there is. Says what is missing, and goes on from here. */
  resume(rows: number, isWhole: boolean): void {
    const counted = this.#counted()
    const lostChanges = Math.max(0, this.#changes - counted.changes)
    const lostRows = Math.max(0, counted.rows - rows)
    if (lostChanges > 0 || lostRows > 0 || !isWhole) {
      this.#deps.log.error('receipts lost', { rows: lostRows, changes: lostChanges, unreadable: !isWhole })
    }
    this.#rows = rows
    this.#changes = Math.max(this.#changes, counted.changes)
    if (lostChanges > 0 || rows !== counted.rows) this.#changed()
  }

  add(number: number, row: Uint8Array): void {
    this.#deps.cycle.put(journalKey(number), row)
    this.#rows++
    this.#changed()
  }

  remove(number: number): void {
    this.#deps.cycle.del(journalKey(number))
    this.#rows--
    this.#changed()
  }

  #changed(): void {
    this.#changes++
    this.#deps.cycle.put(countKey, encodeCbor([1, this.#rows, this.#changes]))
  }

  /** What the rows say of themselves; nothing, before the first receipt or when that is lost too. */
  #counted(): { readonly rows: number; readonly changes: number } {
    try {
      const row = this.#deps.cycle.get(countKey)
      if (row === undefined) return { rows: 0, changes: 0 }
      const parts = field.array(decodeCbor(row), 'journal count', 3)
      return { rows: field.natural(parts[1], 'rows'), changes: field.natural(parts[2], 'changes') }
    } catch (error) {
      if (error instanceof DiskReadFailed || error instanceof CborError) return { rows: 0, changes: 0 }
      throw error
    }
  }
}
