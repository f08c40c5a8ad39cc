/**
 * A refusal that rests on what is on the ledger is given only by a node that knows what is on it. A member that was away, or whose blocks come
 * a moment later than another's, would else tell a submitter that a record does not exist whose proof the submitter holds. So a statement
 * that this node would refuse waits until the node has applied everything that was committed when it was asked (a read-index), and what it
 * itself had in view beyond that; then it is looked at once more. Reads are shared: one is on its way at a time. Who can't be told in time is
 * told that nothing was decided. A leader that lies can make such a refusal stale: it says no more than any answer of one member does, and the
 * statement is taken elsewhere, or a moment later.
 */
import { type Height, height } from '../chain/numbers.ts'
import { secondLookMs } from './limits.ts'

export interface SecondLookDependencies {
  /** Milliseconds, monotonic. */
  readonly now: () => number
  /** Calls back with a height that was committed when this was asked; never, if no leader answers. */
  readonly readIndex: (done: (height: Height) => void) => void
  /** Height of the newest committed block here. */
  readonly committed: () => Height
}

interface Doubt {
  /** What this node had in view when it would have refused. */
  readonly seen: Height
  readonly until: number
  readonly look: () => void
  readonly giveUp: () => void
}

export class SecondLook {
  readonly #deps: SecondLookDependencies
  /** Those that came while a read was on its way: they need one that begins after them. */
  #next: Doubt[] = []
  /** Those that wait for the answer of the read on its way. */
  #asking: Doubt[] = []
  /** Those that wait until what was committed when they asked is applied here. */
  #applying: { readonly doubt: Doubt; readonly need: Height }[] = []
  #round = 0

  constructor(dependencies: SecondLookDependencies) {
    this.#deps = dependencies
  }

  get size(): number {
    return this.#next.length + this.#asking.length + this.#applying.length
  }

  /** @param seen what the refusal rested on @param look called once @param giveUp called instead, when nobody could say what is committed */
  ask(seen: Height, look: () => void, giveUp: () => void): void {
    this.#next.push({ seen, until: this.#deps.now() + secondLookMs, look, giveUp })
    if (this.#asking.length === 0) this.#read()
  }

  /** A block was committed here, or a read was answered. */
  onCommitted(): void {
    const committed = this.#deps.committed()
    const ready = this.#applying.filter(({ need }) => need <= committed)
    if (ready.length === 0) return
    this.#applying = this.#applying.filter(({ need }) => need > committed)
    for (const { doubt } of ready) doubt.look()
  }

  /** Time passes: a read that got lost is asked again, and who has waited too long is told. */
  onTick(): void {
    if (this.size === 0) return
    const now = this.#deps.now()
    const late = [...this.#asking, ...this.#next, ...this.#applying.map(({ doubt }) => doubt)].filter(
      ({ until }) => until <= now,
    )
    const inTime = ({ until }: Doubt): boolean => until > now
    this.#next = [...this.#asking, ...this.#next].filter(inTime)
    this.#asking = []
    this.#applying = this.#applying.filter(({ doubt }) => inTime(doubt))
    for (const { giveUp } of late) giveUp()
    if (this.#next.length > 0) this.#read()
  }

  #read(): void {
    this.#asking = this.#next
    this.#next = []
    const round = ++this.#round
    this.#deps.readIndex((committed) => {
      if (round !== this.#round) return // asked again since
      for (const doubt of this.#asking) {
        this.#applying.push({ doubt, need: height(Math.max(committed, doubt.seen)) })
      }
      this.#asking = []
      if (this.#next.length > 0) this.#read()
      this.onCommitted()
    })
  }
}
