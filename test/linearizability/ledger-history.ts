/**
 * What the ledger promises to those who call it, over a history of calls: `POST /v1/records`, look-ups and sizes, recorded by the fault runs
 * on real processes and by the simulator alike. Two judgements, both exact: each (party, key) by itself is a place where the first statement
 * wins for good (checker.ts); and all keys together are one log, whose indices agree with the order in which things happened.
 *
 * Promised (src/api/service.ts, src/node/queries.ts): a submission that is answered with a record is linearizable. Look-ups and sizes are
 * answered from what the asked node has committed: never anything that may still be undone, never less than the same start of the node has
 * shown before, but perhaps older than what another node shows; they are recorded with a `session` and `mayBeStale`. A size asked for through
 * `readIndex` promises the newest, and is recorded without them. A key's history begins with its first submission: a record that was there
 * before is one that nobody sent.
 */
import { checkHistory, type Model, type Operation } from './checker.ts'

export type LedgerInput =
  /** `key` is the scope of idempotency, party and key together; `value` the statement, by its id. */
  | { readonly kind: 'submit'; readonly key: string; readonly value: string }
  | { readonly kind: 'read'; readonly key: string; readonly value: string }
  | { readonly kind: 'size' }

export type LedgerOutput =
  /** On the ledger for good. */
  | { readonly kind: 'record'; readonly index: number }
  /** For a read: not on the ledger, as far as the node knows. */
  | { readonly kind: 'absent' }
  /**
   * `statement.key-reused`. With an index it is a refusal record: the ledger itself holds another statement under the key. Without one
   * the node refused at its door, because it knows of another statement under the key, on the ledger or on its way (then `mayBeStale`).
   */
  | { readonly kind: 'key-taken'; readonly index: number | undefined }
  /** Any other refusal record. Settles nothing about the key. */
  | { readonly kind: 'refused'; readonly index: number }
  | { readonly kind: 'size'; readonly size: number }

/**
 * What a receipt (202), a time-out, a lost connection or a 5xx leave behind is `answered: undefined`: it may still come. A refusal before
 * a receipt, other than for the key, leaves nothing and need not be recorded.
 */
export type LedgerOperation = Operation<LedgerInput, LedgerOutput>

/** What of the history contradicts the promise, in words; empty when nothing does. */
export function contradictionsIn(history: readonly LedgerOperation[]): readonly string[] {
  return [...inKeys(history), ...inOrder(history)]
}

// ── each key ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Nothing yet, or the statement that won, and its index once somebody was told. */
type KeyState = { readonly value: string; readonly index: number | undefined } | null

export const firstStatementWins: Model<KeyState, LedgerInput, LedgerOutput> = {
  initial: null,
  step(state, input, output) {
    if (input.kind === 'size') return undefined
    const { value } = input
    if (output === undefined) {
      return input.kind === 'submit' && state === null ? { value, index: undefined } : state
    }
    switch (output.kind) {
      case 'record': {
        if (state === null) return input.kind === 'submit' ? { value, index: output.index } : undefined
        if (state.value !== value || (state.index !== undefined && state.index !== output.index)) return undefined
        return { value, index: output.index }
      }
      case 'absent':
        return state?.value === value ? undefined : state
      case 'key-taken':
        if (state === null) return output.index === undefined ? state : undefined
        return state.value === value ? undefined : state
      case 'refused':
        return state
      case 'size':
        return undefined
    }
  },
  textOf: (state) => (state === null ? '' : `${state.value} ${state.index ?? '?'}`),
}

function* inKeys(history: readonly LedgerOperation[]): Generator<string> {
  const keys = new Map<string, LedgerOperation[]>()
  for (const operation of history) {
    if (operation.input.kind === 'size') continue
    const { key } = operation.input
    const ofKey = keys.get(key)
    if (ofKey === undefined) keys.set(key, [operation])
    else ofKey.push(operation)
  }
  for (const [key, operations] of keys) {
    for (const operation of operations) {
      const { input, answered } = operation
      if (input.kind !== 'submit' || answered?.output.kind !== 'key-taken') continue
      const another = operations.some(
        (other) => other.input.kind === 'submit' && other.input.value !== input.value && other.invokedAt <= answered.at,
      )
      if (!another) yield `key ${key}: taken, it was said, before anybody sent another statement: ${textOf(operation)}`
    }
    const verdict = checkHistory(firstStatementWins, operations)
    if (verdict.kind === 'linearizable') continue
    yield [
      `key ${key}: not linearizable. As far as it goes:`,
      ...verdict.order.map((operation) => `    ${textOf(operation)}`),
      '  and then none of:',
      ...verdict.stuck.map((operation) => `    ${textOf(operation)}`),
    ].join('\n')
  }
}

// ── the log of all keys ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Leaf {
  readonly index: number
  readonly what: string
  /** When it was first sent; -∞ when the history does not say. */
  sentAt: number
  /** When it was first seen on the ledger. */
  seenAt: number
}

function* inOrder(history: readonly LedgerOperation[]): Generator<string> {
  const sentAt = new Map<string, number>()
  for (const { input, invokedAt } of history) {
    if (input.kind !== 'submit') continue
    sentAt.set(nameOf(input), Math.min(invokedAt, sentAt.get(nameOf(input)) ?? Number.POSITIVE_INFINITY))
  }
  const leaves = new Map<number, Leaf>()
  for (const { input, answered } of history) {
    if (input.kind === 'size' || answered === undefined || !('index' in answered.output)) continue
    const { index, kind } = answered.output
    if (index === undefined) continue
    const name = nameOf(input)
    const what = kind === 'record' ? name : `refusal of ${name}`
    const known = leaves.get(index)
    if (known === undefined) {
      leaves.set(index, { index, what, sentAt: sentAt.get(name) ?? Number.NEGATIVE_INFINITY, seenAt: answered.at })
    } else if (known.what !== what) {
      yield `index ${index} is ${known.what} and ${what}`
    } else {
      known.seenAt = Math.min(known.seenAt, answered.at)
    }
  }

  // A log's order is the order of time, but for what overlapped: nothing stands below what was seen before it was sent.
  const descending = [...leaves.values()].sort((a, b) => b.index - a.index)
  let firstSeen: Leaf | undefined
  for (const leaf of descending) {
    if (firstSeen !== undefined && firstSeen.seenAt < leaf.sentAt) {
      yield `${leaf.what} was sent at ${leaf.sentAt} and has index ${leaf.index}, below ${firstSeen.what} at ${firstSeen.index}, seen at ${firstSeen.seenAt}`
    }
    if (firstSeen === undefined || leaf.seenAt < firstSeen.seenAt) firstSeen = leaf
  }
  yield* inSizes(history, [...leaves.values()])
}

function* inSizes(history: readonly LedgerOperation[], leaves: readonly Leaf[]): Generator<string> {
  const byAll = new Highest()
  const bySession = new Map<string, Highest>()
  const ascending = history
    .flatMap(({ answered, session }) => (answered === undefined ? [] : [{ ...answered, session }]))
    .sort((a, b) => a.at - b.at)
  for (const { at, output, session } of ascending) {
    const size = output.kind === 'size' ? output.size : 'index' in output ? (output.index ?? -1) + 1 : 0
    byAll.note(at, size)
    if (session === undefined) continue
    const ofSession = bySession.get(session) ?? new Highest()
    bySession.set(session, ofSession)
    ofSession.note(at, size)
  }
  const sent = new Highest()
  for (const { index, sentAt } of [...leaves].sort((a, b) => a.index - b.index)) sent.note(index, sentAt)

  for (const { input, answered, invokedAt, session, mayBeStale } of history) {
    if (input.kind !== 'size' || answered?.output.kind !== 'size') continue
    const { size } = answered.output
    const promised = mayBeStale === true ? bySession.get(session ?? '') : byAll
    const shown = promised?.below(invokedAt) ?? 0
    const by = session === undefined ? '' : ` by ${session}`
    if (shown > size) yield `size ${size}${by} at ${invokedAt}, where ${shown} had been shown`
    const newest = sent.below(size) ?? Number.NEGATIVE_INFINITY
    if (newest > answered.at) yield `size ${size}${by} at ${answered.at}, with a record that was sent at ${newest}`
  }
}

/** The highest value noted at a place below a given one; places are noted in ascending order. */
class Highest {
  readonly #places: number[] = []
  readonly #highest: number[] = []

  note(place: number, value: number): void {
    this.#places.push(place)
    this.#highest.push(Math.max(value, this.#highest.at(-1) ?? value))
  }

  below(place: number): number | undefined {
    let low = 0
    let high = this.#places.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#places[middle]! < place) low = middle + 1
      else high = middle
    }
    return this.#highest[low - 1]
  }
}

// ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const nameOf = ({ key, value }: { readonly key: string; readonly value: string }): string => `${key}=${value}`

function textOf({ input, invokedAt, answered, session, mayBeStale }: LedgerOperation): string {
  const call = input.kind === 'size' ? 'size' : `${input.kind} ${nameOf(input)}`
  const by = session === undefined ? '' : ` by ${session}${mayBeStale === true ? ', stale or not' : ''}`
  if (answered === undefined) return `[${invokedAt}, …] ${call} → unknown${by}`
  const { output, at } = answered
  const end =
    output.kind === 'size'
      ? String(output.size)
      : `${output.kind}${'index' in output && output.index !== undefined ? ` ${output.index}` : ''}`
  return `[${invokedAt}, ${at}] ${call} → ${end}${by}`
}
