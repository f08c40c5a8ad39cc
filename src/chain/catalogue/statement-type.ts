/**
 * What a record type declares. One family of types is one file that exports constants of this shape; `catalogue.ts` lists them, and
 * everything else (checking, API documents, error texts, indexes) follows from the declaration.
 */
import type { GenesisMember } from '../genesis.ts'
import type { JsonObject } from '../json.ts'
import type { RefusalTexts } from '../refusal.ts'
import type { StateWriter } from '../state.ts'
import type { Statement } from '../statement.ts'
import type { Role } from './register.ts'

/** Words in both languages of the ledger. */
interface Bilingual {
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
}

/** Where a statement stands when the rules are asked about it. The same on every node. */
export interface RuleContext {
  readonly ledger: string
  /** Milliseconds; "now" for every rule. */
  readonly blockTime: number
  /** Milliseconds; one member's word, already bounded by block time (protocol rule 27). */
  readonly receivedAt: number
  /** Id of the member whose node received the statement. */
  readonly member: string
  /** Index the record will have. */
  readonly index: number
  readonly statement: Statement
  readonly state: StateWriter
  readonly members: readonly GenesisMember[]
}

export interface StatementType {
  /** `bid.record`; on the ledger `bid.record@1`. */
  readonly name: string
  readonly version: number
  readonly title: Bilingual
  /** Which law or practice it serves. */
  readonly law: Bilingual
  readonly schema: OwnFields
  /** Roles of which the signing key must have one; 'any' includes keys without a role. */
  readonly roles: readonly Role[] | 'any'
  /** Codes that only this type uses, with their words. */
  readonly refusals: RefusalTexts
  /** Rules beyond the schema; throws a Refusal, reads state, writes nothing. Runs after schema, key, role and scope. */
  check?(payload: JsonObject, context: RuleContext): void
  /** Writes what the record changes in the state; runs after `check` with the same context, and never refuses. */
  apply?(payload: JsonObject, context: RuleContext): void
  subjects(payload: JsonObject): Subjects
}
