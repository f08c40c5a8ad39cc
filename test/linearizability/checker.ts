/**
 * Is a history linearizable? The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of what was
 * tried ("Testing for linearizability", 2017), as knossos and porcupine do it: operations are put into one order, each between its call and
 * its answer, so that a sequential model gives every one the answer that it got. A history is a plain array, whoever recorded it; nothing is
 * imported here. Three things beside the ordinary:
 *
 *  - an operation whose outcome nobody knows (a time-out, a lost connection) may take effect at any time after its call, or never;
 *  - a read that does not promise the newest state names its session (a node, from one start to the next): it may show an older state, but
 *    never one from before what the same session has shown, and never one that nobody had made yet;
 *  - the search is exponential at worst. Beyond `stepsMax` it throws: a history that was not decided never counts as good.
 */

export interface Operation<Input, Output> {
  readonly input: Input
  /** Any clock that all callers share, a counter of events best: what has the same time is taken to overlap. */
  readonly invokedAt: number
  /** undefined: nobody knows what came of it, or whether anything will. */
  readonly answered: { readonly at: number; readonly output: Output } | undefined
  /** Who answered, for as long as it remembers: orders reads that may be stale. */
  readonly session?: string
  /** It promises only what its session has shown before. */
  readonly mayBeStale?: boolean
}

export interface Model<State, Input, Output> {
  readonly initial: State
  /** The state after the operation, or undefined when it cannot end so in this state. Without an output, any end will do. */
  step(state: State, input: Input, output: Output | undefined): State | undefined
  /** The same text for the same state, and for no other. */
  textOf(state: State): string
}

export type Verdict<Input, Output> =
  | { readonly kind: 'linearizable'; readonly order: readonly Operation<Input, Output>[] }
  /** `order` is the longest that could be built; none of `stuck` could have come next. */
  | {
      readonly kind: 'not-linearizable'
      readonly order: readonly Operation<Input, Output>[]
      readonly stuck: readonly Operation<Input, Output>[]
    }

/** @throws {Error} when it is not decided within `stepsMax` steps of the model */
export function checkHistory<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  stepsMax = 1_000_000,
): Verdict<Input, Output> {
  // What was answered first is tried first; that is the right order but for what overlapped.
  const operations = [...history].sort((a, b) => endOf(a) - endOf(b) || a.invokedAt - b.invokedAt)
  const bits = operations.map((_, at) => 1n << BigInt(at))
  const before = operations.map((operation) =>
    operations.reduce((set, other, at) => (precedes(other, operation) ? set | bits[at]! : set), 0n),
  )
  const required = operations.reduce((set, { answered }, at) => (answered === undefined ? set : set | bits[at]!), 0n)
  const tried = new Set<string>()
  const path: { readonly at: number; readonly state: State }[] = []
  let longest: readonly number[] = []
  let stuckAt: { readonly done: bigint } = { done: 0n }
  let state = model.initial
  let done = 0n
  let next = 0
  let steps = 0
  for (;;) {
    if ((done & required) === required) {
      return { kind: 'linearizable', order: path.map(({ at }) => operations[at]!) }
    }
    let found = false
    for (; next < operations.length; next++) {
      if ((done & bits[next]!) !== 0n || (before[next]! & done) !== before[next]) continue
      if (++steps > stepsMax) throw new Error(`not decided within ${stepsMax} steps: ${operations.length} operations`)
      const { input, answered } = operations[next]!
      const after = model.step(state, input, answered?.output)
      if (after === undefined) continue
      // An unknown outcome that changes nothing may as well never have been.
      if (answered === undefined && model.textOf(after) === model.textOf(state)) continue
      const place = `${(done | bits[next]!).toString(36)} ${model.textOf(after)}`
      if (tried.has(place)) continue
      tried.add(place)
      path.push({ at: next, state })
      state = after
      done |= bits[next]!
      found = true
      break
    }
    if (found) {
      if (path.length > longest.length) {
        longest = path.map(({ at }) => at)
        stuckAt = { done }
      }
      next = 0
      continue
    }
    const last = path.pop()
    if (last === undefined) {
      const stuck = operations.filter(
        ({ answered }, at) =>
          answered !== undefined && (stuckAt.done & bits[at]!) === 0n && (before[at]! & stuckAt.done) === before[at],
      )
      return { kind: 'not-linearizable', order: longest.map((at) => operations[at]!), stuck }
    }
    state = last.state
    done &= ~bits[last.at]!
    next = last.at + 1
  }
}

/** Whether one had ended before the other was begun, in a way that the other promises to know of. */
export function precedes(one: Operation<unknown, unknown>, other: Operation<unknown, unknown>): boolean {
  if (one.answered === undefined || one.answered.at >= other.invokedAt) return false
  return other.mayBeStale !== true || (one.session !== undefined && one.session === other.session)
}

const endOf = ({ answered }: Operation<unknown, unknown>): number => answered?.at ?? Number.POSITIVE_INFINITY
