/**
 * Rows of the state with named, typed columns. A row is stored as an array that begins with a format version; a table says how its
 * columns read and write, and names its rows so that no two keys ever meet. Everything a family of records remembers lies in such a table.
 */
import { type CborValue, field } from '../cbor.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { StateReader, StateWriter } from '../state.ts'
import { formatTime } from '../time.ts'
import { rowName } from './register.ts'

/** How one column is stored, read, and shown. */
export interface Column<T> {
  encode(value: T): CborValue
  decode(value: CborValue | undefined, name: string): T
  /** For people and programs outside. */
  show(value: T): JsonValue
}

export const text: Column<string> = {
  encode: (value) => value,
  decode: (value, name) => field.text(value, name),
  show: (value) => value,
}

/** A count, or a record's index. */
export const natural: Column<number> = {
  encode: (value) => value,
  decode: (value, name) => field.natural(value, name),
  show: (value) => value,
}

/** Milliseconds since 1970. */
export const time: Column<number> = { ...natural, show: (value) => formatTime(value) }

/** A sum of money in millionths of its currency, or another exact decimal in millionths. Never negative; shown as a decimal string. */
export const millionths: Column<bigint> = {
  encode: (value) => {
    if (value < 0n) throw new TypeError('an amount is never negative')
    return value.toString()
  },
  decode: (value, name) => BigInt(field.text(value, name)),
  show: (value) => decimalOf(value),
}

export function optional<T>(column: Column<T>): Column<T | null> {
  return {
    encode: (value) => (value === null ? null : column.encode(value)),
    decode: (value, name) => (value === null ? null : column.decode(value, name)),
    show: (value) => (value === null ? null : column.show(value)),
  }
}

export function list<T>(column: Column<T>): Column<readonly T[]> {
  return {
    encode: (values) => values.map((value) => column.encode(value)),
    decode: (value, name) => field.array(value, name).map((item) => column.decode(item, name)),
    show: (values) => values.map((value) => column.show(value)),
  }
}

/** Rows inside a row: seats of an evaluation, sections of a tender. Their columns are as fixed as the outer ones. */
export function nested<const C extends Columns>(columns: C): Column<RowOf<C>> {
  const codec = rowCodec(columns)
  return {
    encode: (row) => codec.encode(row),
    decode: (value, name) => codec.decode(field.array(value, name), name),
    show: (row) => codec.show(row),
  }
}

/** `1835.0534` of 1,835,053,400 millionths. */
export function decimalOf(amount: bigint): string {
  const fraction = (amount % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '')
  return fraction === '' ? `${amount / 1_000_000n}` : `${amount / 1_000_000n}.${fraction}`
}

/** The columns of a table, in the order they are stored. Never reorder or change those of a type that a ledger has in force. */
export type Columns = Readonly<Record<string, Column<unknown>>>

export type RowOf<C extends Columns> = {
  readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never
}

export type Key = readonly string[]

export interface Table<Row> {
  readonly name: string
  /** `tender/uscc:91…/national/E35…`: what the state and the indexes call this row. */
  rowName(key: Key): string
  read(state: StateReader, key: Key): Row | undefined
  write(state: StateWriter, key: Key, row: Row): void
}

const rowVersion = 1

export function table<const C extends Columns>(name: string, columns: C): Table<RowOf<C>> {
  const codec = rowCodec(columns)
  const nameOf = (key: Key): string => rowName(name, ...key)
  return {
    name,
    rowName: nameOf,
    read(state, key) {
      const cells = state.get(nameOf(key))
      return cells === undefined ? undefined : codec.decode(field.array(cells, name).slice(1), name)
    },
    write(state, key, row) {
      state.set(nameOf(key), [rowVersion, ...codec.encode(row)])
    },
  }
}

/** Turns a row into cells and back; for tables, and for rows inside other rows. */
export function rowCodec<const C extends Columns>(
  columns: C,
): {
  encode(row: RowOf<C>): CborValue[]
  decode(cells: readonly CborValue[], name: string): RowOf<C>
  show(row: RowOf<C>): JsonObject
} {
  const entries = Object.entries(columns)
  return {
    encode: (row) => entries.map(([column, { encode }]) => encode((row as Record<string, unknown>)[column])),
    decode(cells, name) {
      const row: Record<string, unknown> = {}
      entries.forEach(([column, { decode }], at) => {
        row[column] = decode(cells[at], `${name}.${column}`)
      })
      return row as RowOf<C>
    },
    show: (row) =>
      Object.fromEntries(entries.map(([column, { show }]) => [column, show((row as Record<string, unknown>)[column])])),
  }
}
