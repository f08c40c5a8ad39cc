/**
 * What a record type declares. One family of types is one file that exports constants of this shape; `catalogue.ts` lists them, and
 * everything else (checking, API documents, error texts, indexes) follows from the declaration.
 */
import type { Epoch } from '../epoch.ts'
import type { Genesis, GenesisMember } from '../genesis.ts'
import type { JsonObject } from '../json.ts'
import type { RefusalTexts } from '../refusal.ts'
import type { StateReader, StateWriter } from '../state.ts'
import type { Statement } from '../statement.ts'
import type { Role } from './register.ts'

/** Types that belong together: one file of the catalogue. */
export interface Family {
  readonly name: string
  readonly title: Bilingual
  /** A paragraph: which law or practice it serves, what it promises, what it leaves to others. */
  readonly purpose: Bilingual
  readonly types: readonly StatementType[]
  readonly lifecycles?: readonly LifecycleTable[]
  /** Codes that several of its types use. */
  readonly refusals?: RefusalTexts
  readonly findings?: RefusalTexts
}

/** Words in both languages of the ledger. */
export interface Bilingual {
  readonly zh: string
  readonly en: string
}

/** The type's own fields; the common ones (ledger, type, party, key) are added by the catalogue. */
interface OwnFields {
  /** JSON Schema 2020-12 of each field; build them with `values.ts` so that each has a name in both languages. */
  readonly properties: JsonObject
  readonly required: readonly string[]
}

/** What a record is about; the indexes that people search by. */
export interface Subjects {
  /** Party id of the owner of the tender named. A key with one member's word only is held to its scope by this. */
  readonly owner?: string
  /** The tender's code; identity is (owner, scheme, code). */
  readonly tender?: string
  /** Every party that the fields name. The signing party is not repeated here. */
  readonly parties: readonly string[]
  /** GB/T 2260. */
  readonly region?: string
  /** What the record changes or belongs to, as the lifecycles name it: `tender/uscc:91…/national/E35…`. */
  readonly subjects?: readonly string[]
  /** Every document hash in the fields: `sha256:9f86…`. */
  readonly hashes?: readonly string[]
}

/** A breach of law or norm that does not keep a record out: what the supervisor must be able to see (预警). */
export interface Finding {
  readonly code: string
  /** For the numbered places in its words: `{0}`, `{1}`. */
  readonly values: readonly string[]
}

/** Where a statement stands when the rules are asked about it. The same on every node. */
export interface RuleContext {
  readonly ledger: string
  /** Milliseconds; "now" for every rule. */
  readonly blockTime: number
  /** Milliseconds; one member's word, already bounded by block time (protocol rule 27). */
  readonly receivedAt: number
  /** Of the block that the statement is in. */
  readonly height: number
  readonly genesis: Genesis
  /** Id of the member whose node received the statement. */
  readonly member: string
  /** Index the record will have. */
  readonly index: number
  /** Milliseconds that this ledger counts as a day of the periods that law fixes; 86,400,000 but for demonstrations. */
  readonly legalDayMs: number
  readonly statement: Statement
  readonly state: StateWriter
  /** Who the members are, and who they were before. */
  readonly epoch: Epoch
  readonly members: readonly GenesisMember[]
  /** Notes a finding on this record; in `apply` only. */
  find(code: string, ...values: readonly string[]): void
}

export interface StatementType {
  /** `bid.record`; on the ledger `bid.record@1`. */
  readonly name: string
  readonly version: number
  readonly title: Bilingual
  /** Which law or practice it serves. */
  readonly law: Bilingual
  /** From before fields with personal data had a refusal code of their own: its ledgers answer as they always did. */
  readonly isFirstEdition?: true
  readonly schema: OwnFields
  /** Signed by a member's node itself, with its seal key, and brought by that node; no registered key may say it. */
  readonly isSignedByNode?: true
  /** Roles of which the signing key must have one; 'any' includes keys without a role. */
  readonly roles: readonly Role[] | 'any'
  /** What it says counts everywhere, so a key on one member's word never signs it: a member could speak in anybody's name. */
  readonly isForAgreedKeys?: true
  /** What a key with one member's word says is kept apart from what others say in the same name (`scopesOfKey`), so it may say it. */
  readonly keepsScopesApart?: true
  /** A delegated key never signs it, whatever it is limited to: it decides over keys or over rules. */
  readonly isForStrongKeys?: true
  /** A key signs it outside its scope too — through any member, and whatever it was lent for — because it only takes rights away. */
  readonly isOutsideScope?: true
  /** A centre's key may sign it after its term: expiry warns, and never locks a member out. */
  readonly isAfterExpiry?: true
  /** Codes that only this type uses, with their words. */
  readonly refusals: RefusalTexts
  /** Codes of the findings that only this type notes, with their words: title, cause with places for values, what to look at. */
  readonly findings?: RefusalTexts
  /** Of which this type is a move. */
  readonly lifecycle?: LifecycleTable
  /** Rules beyond the schema; throws a Refusal, reads state, writes nothing. Runs after schema, key, role and scope. */
  check?(payload: JsonObject, context: RuleContext): void
  /** Writes what the record changes in the state; runs after `check` with the same context, and never refuses. */
  apply?(payload: JsonObject, context: RuleContext): void
  subjects(payload: JsonObject): Subjects
}

/** Where something is before its first record. */
export const nothing = 'none'
export type Nothing = typeof nothing

/** A record of this type, on an instance in one of these states, takes it to `to`; of several, the type chooses. */
export interface MoveByRecord<S extends string> {
  /** The record type's name without version: `tender.amend`. */
  readonly on: string
  readonly from: readonly (S | Nothing)[]
  readonly to: S | readonly S[]
}

/** One instance, as its last record left it or, from `at`, as the clock has moved it since. */
export interface Instance<S extends string, Row> {
  readonly state: S
  /** Block time at which it came into this state; for a move by clock, the time that came due. */
  readonly since: number
  /** How many records changed it; the first makes it 1. */
  readonly revision: number
  /** Index of the last record that did. */
  readonly index: number
  /** Block time of that record. */
  readonly changedAt: number
  readonly row: Row
}

/** What documents, tests and look-ups read of a lifecycle; `lifecycle.ts` makes them. */
export interface LifecycleTable {
  /** Also the first part of the names of its rows and codes: `tender`. */
  readonly name: string
  readonly title: Bilingual
  readonly states: Readonly<Record<string, Bilingual>>
  readonly byRecord: readonly MoveByRecord<string>[]
  readonly byClock: readonly {
    readonly from: readonly string[]
    readonly at: string
    readonly to: string
    readonly title: Bilingual
  }[]
  /** `<name>.unknown`, `<name>.exists`, `<name>.wrong-state`. */
  readonly refusals: RefusalTexts
  /** `tender/uscc:91…/national/E35…`: under this the record lists find everything about an instance. */
  subject(key: readonly string[]): string
  /** The columns of an instance's row, for people and programs outside. */
  show(row: Readonly<Record<string, unknown>>): JsonObject
  /** Where an instance stood at a time; undefined when it was not on the ledger. */
  asOf(
    state: StateReader,
    key: readonly string[],
    time: number,
  ): Instance<string, Readonly<Record<string, unknown>>> | undefined
}
