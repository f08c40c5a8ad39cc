/**
 * A lifecycle: what may happen after what, as data. It has states, moves by record ("an amendment keeps a published tender published") and
 * moves by clock ("a published tender closes at its deadline"). A move by clock writes nothing: where an instance stands is computed
 * from its last row and the time asked about, so every member, at every block time, gives the same answer. Each change keeps the row
 * before it, which is what answers "as of that day".
 *
 * A record type takes part by `step`: the catalogue's own checks come first, then the move, then the type's own rules.
 */
import { assert } from '../assert.ts'
import { type CborValue, field } from '../cbor.ts'
import type { JsonObject } from '../json.ts'
import type { RefusalTexts } from '../refusal.ts'
import type { StateReader } from '../state.ts'
import { lifecycleRefusals, misfit } from './lifecycle-words.ts'
import { rowName } from './register.ts'
import {
  type Bilingual,
  type Instance,
  type LifecycleTable,
  type MoveByRecord,
  nothing,
  type RuleContext,
  type StatementType,
} from './statement-type.ts'
import { type Columns, type Key, type RowOf, rowCodec } from './table.ts'

/** At the time that stands in the column `at` (null: never), an instance in one of these states is in `to`. */
export interface MoveByClock<S extends string, C extends Columns> {
  readonly from: readonly S[]
  readonly at: TimeColumn<C>
  readonly to: S
  /** What comes due: 到期. */
  readonly title: Bilingual
}

type TimeColumn<C extends Columns> = {
  [K in keyof C]: RowOf<C>[K] extends number | null ? K : never
}[keyof C] &
  string

export interface LifecycleDeclaration<S extends string, C extends Columns> {
  /** Also the first part of the names of its rows and codes: `tender`. */
  readonly name: string
  readonly title: Bilingual
  readonly states: Readonly<Record<S, Bilingual>>
  readonly columns: C
  readonly byRecord: readonly MoveByRecord<S>[]
  readonly byClock: readonly MoveByClock<S, C>[]
}

/** What a record makes of an instance: columns that change, and the state where the move allows several. */
export type Change<S extends string, Row> = Partial<Row> & { readonly state?: S }

/** A record type that is a move of this lifecycle. */
export interface Step<S extends string, Row, Payload>
  extends Omit<StatementType, 'check' | 'apply' | 'subjects' | 'refusals'> {
  readonly refusals?: RefusalTexts
  /** Which instance the record is about. */
  key(payload: Payload): Key
  /**
   * What a record on something that is not on the ledger does: refused (default), or taken in as it is, changes nothing, and stands
   * in the timeline when the first record comes later (未链接).
   */
  readonly absent?: 'refused' | 'unlinked'
  /** Rules beyond the move. `before` is undefined for the first record. Throws a Refusal, writes nothing. */
  check?(payload: Payload, context: RuleContext, before: Instance<S, Row> | undefined): void
  /** After all checks: the change. May also write other tables and findings; never refuses. All columns for a first record. */
  next(payload: Payload, context: RuleContext, before: Instance<S, Row> | undefined): Change<S, Row>
  /** What the record does when it is unlinked. */
  unlinked?(payload: Payload, context: RuleContext): void
  /** As for every type; the instance itself is added. */
  subjects(payload: Payload): ReturnType<StatementType['subjects']>
}

export class Lifecycle<const S extends string, const C extends Columns> implements LifecycleTable {
  readonly name: string
  readonly title: Bilingual
  readonly states: Readonly<Record<S, Bilingual>>
  readonly columns: C
  readonly byRecord: readonly MoveByRecord<S>[]
  readonly byClock: readonly MoveByClock<S, C>[]
  /** `<name>.unknown`, `<name>.exists`, `<name>.wrong-state`. */
  readonly refusals: RefusalTexts
  readonly #codec: ReturnType<typeof rowCodec<C>>

  constructor(declaration: LifecycleDeclaration<S, C>) {
    this.name = declaration.name
    this.title = declaration.title
    this.states = declaration.states
    this.columns = declaration.columns
    this.byRecord = declaration.byRecord
    this.byClock = declaration.byClock
    this.refusals = lifecycleRefusals(declaration.name, declaration.title)
    this.#codec = rowCodec(declaration.columns)
  }

  subject(key: Key): string {
    return rowName(this.name, ...key)
  }

  /** Where an instance stands at a time not before its last record: block time, for a rule. */
  at(state: StateReader, key: Key, time: number): Instance<S, RowOf<C>> | undefined {
    const cells = state.get(this.subject(key))
    return cells === undefined ? undefined : this.#afterClock(this.#read(cells), time)
  }

  asOf(state: StateReader, key: Key, time: number): Instance<S, RowOf<C>> | undefined {
    const last = state.get(this.subject(key))
    if (last === undefined) return undefined
    let instance = this.#read(last)
    if (instance.changedAt <= time) return this.#afterClock(instance, time)
    // The newest revision not after that time lies in [low, high); revision 0 is before everything.
    let low = 0
    let high = instance.revision
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      const past = state.get(this.#pastName(key, middle))
      assert(past !== undefined, 'every revision is kept')
      const then = this.#read(past)
      if (then.changedAt <= time) [low, instance] = [middle, then]
      else high = middle
    }
    return low === 0 ? undefined : this.#afterClock(instance, time)
  }

  show(row: Readonly<Record<string, unknown>>): JsonObject {
    return this.#codec.show(row as RowOf<C>)
  }

  /**
   * The instance that a record of this type finds, when the move is allowed.
   * @throws {Refusal} `<name>.unknown`, `<name>.exists`, `<name>.wrong-state`
   */
  before(
    context: Pick<RuleContext, 'state' | 'blockTime'>,
    key: Key,
    event: string,
  ): Instance<S, RowOf<C>> | undefined {
    const instance = this.at(context.state, key, context.blockTime)
    const from = instance?.state ?? nothing
    const moves = this.byRecord.filter(({ on }) => on === event)
    assert(moves.length > 0, `${event} is a move of ${this.name}`)
    if (moves.some((move) => move.from.includes(from))) return instance
    throw misfit(this, this.subject(key), event, instance)
  }

  /** Writes what a record of this type makes of the instance; `before` has been asked with the same context. */
  move(context: RuleContext, key: Key, event: string, change: Change<S, RowOf<C>>): void {
    const before = this.at(context.state, key, context.blockTime)
    const from = before?.state ?? nothing
    const move = this.byRecord.find(({ on, from: states }) => on === event && states.includes(from))
    assert(move !== undefined, `${event} moves ${this.name} from ${from}`)
    const { state: chosen, ...columns } = change
    const targets: readonly S[] = typeof move.to === 'string' ? [move.to] : move.to
    const to = chosen ?? (before !== undefined && targets.includes(before.state) ? before.state : targets[0]!)
    assert(targets.includes(to), `${event} does not take ${this.name} to ${to}`)
    this.#write(context, key, before, to, columns as Partial<RowOf<C>>)
  }

  /** Changes columns and no state: what a record of another family does to this one. */
  touch(context: RuleContext, key: Key, columns: Partial<RowOf<C>>): void {
    const before = this.at(context.state, key, context.blockTime)
    assert(before !== undefined, `${this.subject(key)} is on the ledger`)
    this.#write(context, key, before, before.state, columns)
  }

  /** A record type that is a move of this lifecycle. */
  step<Payload>(step: Step<S, RowOf<C>, Payload>): StatementType {
    const { key, absent = 'refused', check, next, unlinked, subjects, refusals = {}, ...type } = step
    const read = (payload: JsonObject): Payload => payload as unknown as Payload
    const isUnlinked = (payload: Payload, context: RuleContext): boolean =>
      absent === 'unlinked' &&
      context.state.get(this.subject(key(payload))) === undefined &&
      !this.byRecord.some(({ on, from }) => on === step.name && from.includes(nothing))
    return {
      ...type,
      refusals,
      lifecycle: this,
      check: (fields, context) => {
        const payload = read(fields)
        if (isUnlinked(payload, context)) return check?.(payload, context, undefined)
        // On its own line: inside `check?.(…)` a type without rules of its own would never be asked whether the move is allowed.
        const before = this.before(context, key(payload), step.name)
        check?.(payload, context, before)
      },
      apply: (fields, context) => {
        const payload = read(fields)
        if (isUnlinked(payload, context)) return unlinked?.(payload, context)
        const before = this.at(context.state, key(payload), context.blockTime)
        this.move(context, key(payload), step.name, next(payload, context, before))
      },
      subjects: (fields) => {
        const payload = read(fields)
        const more = subjects(payload)
        return { ...more, subjects: [this.subject(key(payload)), ...(more.subjects ?? [])] }
      },
    }
  }

  #write(
    context: RuleContext,
    key: Key,
    before: Instance<S, RowOf<C>> | undefined,
    to: S,
    columns: Partial<RowOf<C>>,
  ): void {
    const { state, blockTime, index } = context
    const revision = (before?.revision ?? 0) + 1
    const row = { ...before?.row, ...columns } as RowOf<C>
    for (const column of Object.keys(this.columns)) {
      assert((row as Record<string, unknown>)[column] !== undefined, `${this.name}.${column} is set`)
    }
    if (before !== undefined) state.set(this.#pastName(key, before.revision), state.get(this.subject(key))!)
    const since = before?.state === to ? before.since : blockTime
    state.set(this.subject(key), [rowVersion, revision, to, since, index, blockTime, ...this.#codec.encode(row)])
  }

  #read(cells: CborValue): Instance<S, RowOf<C>> {
    const [, revision, state, since, index, changedAt, ...columns] = field.array(cells, this.name)
    return {
      state: field.text(state, 'state') as S,
      since: field.natural(since, 'since'),
      revision: field.natural(revision, 'revision'),
      index: field.natural(index, 'index'),
      changedAt: field.natural(changedAt, 'changedAt'),
      row: this.#codec.decode(columns, this.name),
    }
  }

  /** Whatever came due up to that time, the earliest first. */
  #afterClock(instance: Instance<S, RowOf<C>>, time: number): Instance<S, RowOf<C>> {
    let { state, since } = instance
    // No declaration leads in a circle by clock alone, so each move is made at most once.
    for (let left = this.byClock.length; left > 0; left--) {
      let due: { readonly to: S; readonly at: number } | undefined
      for (const { from, at: column, to } of this.byClock) {
        const at = instance.row[column] as number | null
        if (at === null || at > time || !from.includes(state)) continue
        if (due === undefined || at < due.at) due = { to, at }
      }
      if (due === undefined) break
      state = due.to
      since = Math.max(since, due.at)
    }
    return state === instance.state ? instance : { ...instance, state, since }
  }

  #pastName(key: Key, revision: number): string {
    return rowName('past', this.name, ...key, String(revision))
  }
}

const rowVersion = 1
