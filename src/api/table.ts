/**
 * A list as a table: its columns, declared once, from which every spreadsheet format is written (csv.ts, xlsx.ts). A column has a name
 * for programs, a title for people in each language, and says what its cells may be taken for.
 */
import type { JsonObject, JsonValue } from '../chain/json.ts'
import { canonicalJson } from '../chain/json.ts'
import type { Language } from './messages.ts'

export type Title = Readonly<Record<Language, string>>

export interface Column<Row> {
  /** Unique in its table; of a field inside another, `tender.code`. */
  readonly name: string
  readonly title: Title
  /**
   * What a spreadsheet that guesses may do with it: bare: take it for what it looks like — small numbers, words, times · decimal: amounts,
   * which people want to add up, bare as long as a spreadsheet keeps every digit · text: everything else, digit for digit.
   */
  readonly cell: 'text' | 'bare' | 'decimal'
  of(row: Row): JsonValue | undefined
}

/** A format's way to write one table; the head row is written by making it. */
export interface TableWriter<Row> {
  /** What comes before the first row, the head row included. */
  readonly head: string
  /** The next row. */
  line(row: Row): string
}

/** A column of a member of the row, under its own name. */
export const column = <Row, Name extends keyof Row & string>(
  name: Name,
  zh: string,
  en: string,
  cell: Column<Row>['cell'],
): Column<Row> => ({
  name,
  title: { zh, en },
  cell,
  // Rows are answers, ready for JSON.
  of: (row) => row[name] as JsonValue | undefined,
})

/** A string as it is, a list or object as JSON. */
export const textOfValue = (value: JsonValue): string => (typeof value === 'string' ? value : canonicalJson(value))

/**
 * One column per leaf of a JSON Schema's properties, in their order: `tender.code`, titled as the schema titles it. Arrays stay one cell
 * of JSON.
 * @param leftOut properties at the top that have columns already
 */
export function schemaColumns<Row>(
  schema: JsonObject,
  payloadOf: (row: Row) => JsonValue,
  leftOut: ReadonlySet<string>,
): Column<Row>[] {
  const under = (parent: JsonObject, path: readonly string[], titles: readonly Title[]): Column<Row>[] =>
    Object.entries(propertiesOf(parent)).flatMap(([name, property]) => {
      if (path.length === 0 && leftOut.has(name)) return []
      const here = [...path, name]
      const titlesHere = [...titles, titleOf(property, name)]
      if (Object.keys(propertiesOf(property)).length > 0) return under(property as JsonObject, here, titlesHere)
      return [
        {
          name: here.join('.'),
          title: { zh: titlesHere.map(({ zh }) => zh).join(' · '), en: titlesHere.map(({ en }) => en).join(' · ') },
          cell: cellOf(property),
          of: (row) => valueAt(payloadOf(row), here),
        } satisfies Column<Row>,
      ]
    })
  return under(schema, [], [])
}

/** Schemas of record types have titles of the form `中文 / English`. */
function titleOf(schema: JsonValue | undefined, name: string): Title {
  const title = isObject(schema) && typeof schema.title === 'string' ? schema.title : name
  const [zh = name, en = zh] = title.split(' / ')
  return { zh, en }
}

function cellOf(schema: JsonValue | undefined): Column<never>['cell'] {
  const rule = isObject(schema) ? schema['x-value'] : undefined
  if (rule === 'decimal') return 'decimal'
  return rule === 'time' ? 'bare' : 'text'
}

const propertiesOf = (schema: JsonValue | undefined): JsonObject => {
  const properties = isObject(schema) ? schema.properties : undefined
  return isObject(properties) ? properties : {}
}

const valueAt = (payload: JsonValue, path: readonly string[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>(
    (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    payload,
  )

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
