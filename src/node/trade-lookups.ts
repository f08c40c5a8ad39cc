/**
 * Look-ups of the trade in the committed state: where a tender, a guarantee or anything else with a lifecycle stands or stood, and which
 * tenders go by a code. All of it is derived from records and block time, so every node at this height answers the same.
 */
import type { InstanceView, TradeLookups as Lookups, TenderView } from '../api/service.ts'
import type { Catalogue } from '../chain/catalogue/catalogue.ts'
import { rowNameParts } from '../chain/catalogue/register.ts'
import type { RefusalTexts } from '../chain/refusal.ts'
import { formatTime } from '../chain/time.ts'
import { codedRange, codedSubject } from './block-store.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Clock } from './ports.ts'
import type { Replica } from './replica.ts'

export interface TradeLookupDependencies {
  readonly catalogue: Catalogue
  readonly replica: Pick<Replica, 'store' | 'ledger'>
  readonly clock: Clock
  /** Runs a read, and refuses to answer while what is read may have holes. */
  readonly whole: <T>(read: () => T) => T
}

export class TradeLookups implements Lookups {
  readonly #deps: TradeLookupDependencies

  constructor(dependencies: TradeLookupDependencies) {
    this.#deps = dependencies
  }

  instance(subject: string, at?: number): InstanceView | undefined {
    const [name, ...key] = rowNameParts(subject)
    const { catalogue, replica, clock, whole } = this.#deps
    const lifecycle = catalogue.lifecycles.get(name!)
    if (lifecycle === undefined) return undefined
    const { state, time } = replica.ledger.committed
    // Deadlines pass while a ledger is idle: its next block will be no earlier than now.
    const when = at ?? Math.max(time, clock.wall())
    const instance = whole(() => lifecycle.asOf(state, key, when))
    if (instance === undefined) return undefined
    return {
      subject,
      lifecycle: name!,
      key,
      state: instance.state,
      stateTitle: lifecycle.states[instance.state]!,
      since: formatTime(instance.since),
      at: formatTime(when),
      index: instance.index,
      changedAt: formatTime(instance.changedAt),
      revision: instance.revision,
      fields: lifecycle.show(instance.row),
    }
  }

  async tendersOf(code: string, limit: number): Promise<readonly TenderView[]> {
    const found: { readonly subject: string; readonly index: number }[] = []
    const isWhole = await new Promise<boolean>((done) =>
      this.#deps.replica.store.scan(
        { ...codedRange(code), limit },
        (_, row) => {
          found.push(codedSubject(row))
          return undefined
        },
        done,
      ),
    )
    return this.#deps
      .whole(() => {
        if (!isWhole) throw new DiskReadFailed('the tenders of a code cannot be read')
        return found
      })
      .sort((a, b) => a.index - b.index)
      .map(({ subject, index }) => {
        const [, owner, scheme, itsCode] = rowNameParts(subject)
        return {
          owner: owner!,
          scheme: scheme!,
          code: itsCode!,
          firstIndex: index,
          instance: this.instance(subject) ?? null,
        }
      })
  }

  findingTexts(): RefusalTexts {
    return this.#deps.catalogue.findings
  }
}
