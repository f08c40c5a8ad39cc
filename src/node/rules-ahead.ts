/**
 * Rules that members have scheduled and this software does not know (docs/decisions/0025). They are announced while there is time to change the software;
 * and before the first of them comes into force the node stops, of its own accord and for good: it can judge no further block.
 */
import type { UnknownAhead } from '../chain/catalogue/catalogue.ts'
import { UnknownRules } from '../chain/execution.ts'
import type { Height } from '../chain/numbers.ts'
import type { Ledger } from './ledger.ts'
import type { Log } from './ports.ts'

export class RulesAhead {
  readonly #log: Log
  /** As of the block of that id: asked with every message, changed by a block at most. */
  #read: { readonly id: string; readonly ahead: UnknownAhead | undefined } | undefined
  #said = ''

  constructor({ log }: { readonly log: Log }) {
    this.#log = log
  }

  /** Undefined when this software knows everything that is scheduled. */
  of({ committed, rules }: Ledger): UnknownAhead | undefined {
    const { id } = committed.block
    if (this.#read?.id !== id) this.#read = { id, ahead: rules.catalogue.unknownAhead(committed.state) }
    return this.#read.ahead
  }

  /** Said once for each schedule. */
  notice(ledger: Ledger): void {
    const ahead = this.of(ledger)
    const said = ahead === undefined ? '' : `${ahead.height} ${ahead.types.join(' ')}`
    if (said === this.#said) return
    this.#said = said
    if (ahead === undefined) this.#log.info('rules known')
    else this.#log.warn('rules unknown', { height: ahead.height, types: ahead.types })
  }

  /**
   * What to end with once the last block that this software can judge is committed and attested. Should the next block come before, its
   * execution says the same.
   */
  end(ledger: Ledger, attestedSize: number | undefined): UnknownRules | undefined {
    const ahead = this.of(ledger)
    const { block, frontier } = ledger.committed
    const isLast = ahead !== undefined && block.height + 1 >= ahead.height && attestedSize === frontier.size
    return isLast ? new UnknownRules(ahead) : undefined
  }

  /**
   * A certificate of a block that has gone beyond what this node can check.
   * @throws {UnknownRules}
   */
  refuseBase(ledger: Ledger, base: Height): void {
    const ahead = this.of(ledger)
    if (ahead !== undefined && base >= ahead.height) throw new UnknownRules(ahead)
  }
}
