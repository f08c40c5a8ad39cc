/** What the API asks of the quiet box: hand in, look up, list. */
import type { BoxName, BoxView, Deposit, BoxLookups as Lookups } from '../api/service.ts'
import { boxKey, boxLife, closersOf, closes } from '../chain/catalogue/box-life.ts'
import { tallyOf } from '../chain/catalogue/sealed-count.ts'
import type { BoxLeaf, PlacedLeaf } from '../chain/quiet-box.ts'
import type { Replica } from './replica.ts'

export interface BoxLookupDependencies {
  readonly replica: Replica
  /** Runs a read, and refuses to answer while what is read may have holes. */
  readonly whole: <T>(read: () => T) => T
}

export class BoxLookups implements Lookups {
  readonly member: string
  readonly #deps: BoxLookupDependencies

  constructor(member: string, dependencies: BoxLookupDependencies) {
    this.member = member
    this.#deps = dependencies
  }

  deposit(about: BoxName, leaf: string): Promise<Deposit> {
    const { replica } = this.#deps
    return new Promise((resolve) => {
      replica.deposit(about, leaf, (result) => {
        if (result.kind === 'refused') return resolve(result)
        resolve({ ...result, ledger: replica.ledger.rules.context.ledger, member: this.member })
      })
    })
  }

  box(about: BoxName): BoxView | undefined {
    return this.#deps.whole(() => {
      const { state, time } = this.#deps.replica.ledger.committed
      const key = boxKey(about)
      const instance = boxLife.at(state, key, time)
      if (instance === undefined) return undefined
      const members = closersOf(state, key)
      return {
        closes: members.map((member) => ({ member, ...closes.read(state, [...key, member])! })),
        tally: instance.state === 'open' ? null : tallyOf(state, key),
      }
    })
  }

  list(about: BoxName): readonly BoxLeaf[] | undefined {
    return this.#deps.whole(() => this.#deps.replica.boxes.list(about))
  }

  place(about: BoxName, leaf: string): PlacedLeaf | undefined {
    return this.#deps.whole(() => this.#deps.replica.boxes.place(about, leaf))
  }
}
