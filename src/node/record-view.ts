/**
 * A committed leaf as the API shows it. Its bytes were checked before they became a leaf, and compared with the tree when they were read, so
 * nothing is checked again here; and whoever asks for a page of records, or is answered for a submission, does not ask for everything: each
 * part is read when it is first asked for, and once.
 */
import type { LedgerRecord, RecordStatus } from '../api/service.ts'
import type { Catalogue } from '../chain/catalogue/catalogue.ts'
import { findingsOf } from '../chain/catalogue/finding.ts'
import { readKey } from '../chain/catalogue/register.ts'
import type { Finding, Subjects } from '../chain/catalogue/statement-type.ts'
import { type Entry, type LeafKind, leafKindOf, parseEntry, type RefusalSpelled, rereadLeaf } from '../chain/entry.ts'
import type { ReadItem } from '../chain/execution.ts'
import type { JsonObject } from '../chain/json.ts'
import type { Height } from '../chain/numbers.ts'
import type { StateReader } from '../chain/state.ts'
import { type RereadStatement, rereadStatement, type Statement, statementIdOf } from '../chain/statement.ts'
import { formatTime } from '../chain/time.ts'

/** What an answer says of a record, taken out of its statement: the parsed statement itself is several times as large. */
export type Said = Pick<Entry, 'member' | 'receivedAt'> & Pick<Statement, 'id' | 'type' | 'party' | 'kid'>

export function saidBy({ entry: { member, receivedAt }, statement: { id, type, party, kid } }: ReadItem): Said {
  return { member, receivedAt, id, type, party, kid }
}

/** A leaf's bytes, and the block they came with. */
export interface CommittedLeaf {
  readonly bytes: Uint8Array
  readonly height: Height
  readonly term: number
  /** Of the block, milliseconds since 1970. */
  readonly time: number
  /** Of a record that was executed a moment ago. */
  readonly said: Said | undefined
}

/** What the rules know about records. */
export interface RecordContext {
  readonly state: StateReader
  readonly catalogue: Catalogue
}

const aboutNothing: Subjects = { parties: [] }

export class RecordView implements LedgerRecord {
  readonly index: number
  readonly status: RecordStatus
  readonly kind: LeafKind
  readonly #leaf: CommittedLeaf
  readonly #context: RecordContext
  #entry: Entry | undefined
  #statement: RereadStatement | undefined
  #id: string | undefined
  #other: JsonObject | undefined
  #about: Subjects | undefined
  #findings: readonly Finding[] | undefined

  constructor(index: number, status: RecordStatus, leaf: CommittedLeaf, context: RecordContext) {
    this.index = index
    this.status = status
    this.kind = leaf.said === undefined ? leafKindOf(leaf.bytes) : 'record'
    this.#leaf = leaf
    this.#context = context
  }

  // ── of every leaf ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  get entry(): Uint8Array {
    return this.#leaf.bytes
  }

  get height(): Height {
    return this.#leaf.height
  }

  get term(): number {
    return this.#leaf.term
  }

  /** Milliseconds since 1970. */
  get time(): number {
    return this.#leaf.time
  }

  get blockTime(): string {
    return formatTime(this.#leaf.time)
  }

  get type(): string {
    if (this.kind !== 'record') return this.kind === 'system' ? 'system.block' : this.kind
    return this.#leaf.said?.type ?? this.#said.type
  }

  get payload(): JsonObject {
    return this.kind === 'record' ? this.#said.payload : this.#spelled
  }

  // ── of records, some of refusals ────────────────────────────────────────────────────────────────────────────────────────────

  get statementId(): string | null {
    if (this.kind !== 'record') return this.#refusal?.statement ?? null
    this.#id ??= this.#leaf.said?.id ?? statementIdOf(this.#said)
    return this.#id
  }

  get member(): string | null {
    if (this.kind !== 'record') return this.#refusal?.member ?? null
    return this.#leaf.said?.member ?? this.#received.member
  }

  get receivedAt(): string | null {
    if (this.kind !== 'record') return this.#refusal?.receivedAt ?? null
    return formatTime((this.#leaf.said ?? this.#received).receivedAt)
  }

  get party(): string | null {
    return this.kind === 'record' ? (this.#leaf.said?.party ?? this.#said.party) : null
  }

  get kid(): string | null {
    return this.kind === 'record' ? (this.#leaf.said?.kid ?? this.#said.kid) : null
  }

  get keyStanding(): 'agreed' | 'unilateral' | null {
    const { kid } = this
    const key = kid === null ? undefined : readKey(this.#context.state, kid)
    return key === undefined ? null : key.agreed ? 'agreed' : 'unilateral'
  }

  get findings(): readonly Finding[] {
    this.#findings ??= this.kind === 'record' ? findingsOf(this.#context.state, this.index) : []
    return this.#findings
  }

  get about(): Subjects {
    if (this.kind !== 'record') return aboutNothing
    this.#about ??= this.#context.catalogue.typeOf(this.type)?.subjects(this.payload) ?? aboutNothing
    return this.#about
  }

  // ── what is read ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #received(): Entry {
    this.#entry ??= parseEntry(this.#leaf.bytes)
    return this.#entry
  }

  get #said(): RereadStatement {
    this.#statement ??= rereadStatement(this.#received.statement)
    return this.#statement
  }

  /** Of a leaf that is no record. */
  get #spelled(): JsonObject {
    this.#other ??= rereadLeaf(this.#leaf.bytes)
    return this.#other
  }

  get #refusal(): RefusalSpelled | undefined {
    return this.kind === 'refusal' ? (this.#spelled.refusal as unknown as RefusalSpelled) : undefined
  }
}
