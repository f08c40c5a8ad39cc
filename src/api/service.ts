/**
 * What the API knows of a node: this interface and nothing else. `node/queries.ts` implements it over the real node; API tests
 * implement it in a few lines. Everything answered here is committed state; each answer that depends on how far the ledger has got
 * carries the checkpoint it is true as of.
 */
import type { Finding, Subjects } from '../chain/catalogue/statement-type.ts'
import type { FaultKind } from '../chain/fault.ts'
import type { JsonObject } from '../chain/json.ts'
import type { BidReceipt, BoxClaim, BoxLeaf, PlacedLeaf } from '../chain/quiet-box.ts'
import type { FieldProblem, RefusalTexts } from '../chain/refusal.ts'

export interface FaultView {
  readonly kid: string
  readonly member: string
  readonly kind: FaultKind
  /** One line in English: what was signed twice, or what is wrong. */
  readonly detail: string
  /** The proof's file, to the byte. */
  readonly file: string
  /** Index of the report that froze the key; null while there is none. */
  readonly reportedIn: number | null
}

/** accepted: receipt given · replicated: commit certificate exists · attested: checkpoint carries q cosignatures. */
export type RecordStatus = 'accepted' | 'replicated' | 'attested'

export interface Receipt {
  /** Statement id, hex. */
  readonly statement: string
  readonly ledger: string
  readonly member: string
  readonly node: string
  /** RFC 3339, UTC, milliseconds. */
  readonly receivedAt: string
  /** Attested tree size when it was received, decimal. */
  readonly attestedSize: string
  /** It will be in a block whose time is not after this (RFC 3339), or be refused by a record; see protocol rule 29. */
  readonly by: string
  /** Of the members among whom that node was then; the signature is for it. */
  readonly epoch: number
  /** Base64 of the seal key's signature over the receipt's bytes (docs/protocol.md, "Receipt"). */
  readonly signature: string
}

export type RecordKind = 'record' | 'refusal' | 'system' | 'genesis'

export interface LedgerRecord {
  readonly index: number
  readonly kind: RecordKind
  /** `bid.record@1`; `system.block` for system entries, `refusal` and `genesis` for those kinds. */
  readonly type: string
  readonly status: RecordStatus
  /** Hex; null for system entries and genesis. */
  readonly statementId: string | null
  /** The stored bytes of the leaf. */
  readonly entry: Uint8Array
  /**
   * The statement's payload, decoded; for refusals, system entries and genesis the entry's own JSON. Not read when a submission is
   * answered: it may be a getter.
   */
  readonly payload: JsonObject
  readonly member: string | null
  readonly receivedAt: string | null
  readonly height: number
  readonly term: number
  /** Block time, RFC 3339, UTC, milliseconds. */
  readonly blockTime: string
  readonly party: string | null
  /** Who vouches for the signing key: 'agreed' (company's own key, or two members, or genesis) or 'unilateral' (单方登记). */
  readonly keyStanding: 'agreed' | 'unilateral' | null
  /** Of the key that signed the statement. */
  readonly kid: string | null
  /** What the rules flag about the record. */
  readonly findings: readonly Finding[]
  /** By what people search for it. */
  readonly about: Subjects
}

export interface InclusionProof {
  readonly index: number
  readonly size: number
  readonly leafHash: Uint8Array
  readonly path: readonly Uint8Array[]
  /** The signed note: checkpoint text, this node's log line, exactly q cosignature lines. */
  readonly checkpoint: string
  /** The same as a C2SP `.tlog-proof` file. Not read when a submission is answered: it may be a getter. */
  readonly proofFile: string
}

/** How a submission ended. `refused` after a receipt was given is a refusal record; before, nothing was kept. */
export type Submission =
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly detail: string
      readonly fields: readonly FieldProblem[]
    }
  | {
      readonly kind: 'pending'
      readonly statementId: string
      readonly status: 'accepted' | 'replicated'
      readonly receipt: Receipt
    }
  | {
      readonly kind: 'done'
      readonly record: LedgerRecord
      readonly proof: InclusionProof
      /** Null when the record was already on the ledger and this node gave no receipt for it. */
      readonly receipt: Receipt | null
      /** True when the statement was on the ledger before this submission. */
      readonly duplicate: boolean
    }
  | {
      readonly kind: 'refusal-record'
      readonly record: LedgerRecord
      readonly code: string
      readonly receipt: Receipt | null
    }

export interface SubmitOptions {
  /** Wait at most this long for `attested`; 0 returns as soon as the receipt is durable. Milliseconds. */
  readonly waitMs: number
  readonly signal?: AbortSignal
}

/** Where a statement stands that is not on the ledger (yet). */
export type StatementStanding =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'pending'; readonly status: 'accepted' | 'replicated'; readonly receipt: Receipt }
  | { readonly kind: 'record'; readonly index: number }
  | { readonly kind: 'refused'; readonly index: number; readonly code: string }

export interface RecordFilter {
  readonly type?: string
  readonly owner?: string
  readonly tender?: string
  readonly party?: string
  readonly member?: string
  readonly region?: string
  /** Kid of the key that signed the record. */
  readonly kid?: string
  /** What a lifecycle calls an instance: `tender/uscc:91…/national/E35…`. */
  readonly subject?: string
  /** `sha256:9f86…`, of a document that the record names. */
  readonly hash?: string
  /** A finding's code; empty: any. */
  readonly finding?: string
  /** Block time bounds, milliseconds since 1970: from ≤ t < to. */
  readonly from?: number
  readonly to?: number
  readonly includeSystem?: boolean
}

export interface RecordPage {
  readonly records: readonly LedgerRecord[]
  /** Opaque; null at the end. */
  readonly nextCursor: string | null
  readonly asOf: AsOf
}

/** The committed state an answer was read from. */
export interface AsOf {
  readonly size: number
  /** Tree root of that size in base64, as a checkpoint spells it. */
  readonly root: string
  readonly height: number
}

export interface BlockView {
  readonly height: number
  readonly id: string
  readonly parent: string
  readonly term: number
  readonly epoch: number
  readonly leader: string
  readonly time: string
  readonly size: number
  readonly root: string
  readonly firstIndex: number
  readonly recordCount: number
  readonly batches: readonly { readonly member: string; readonly hash: string; readonly items: number }[]
  /** The block's own bytes (deterministic CBOR, docs/protocol.md). */
  readonly bytes: Uint8Array
}

export interface MemberView {
  readonly id: string
  readonly name: string
  readonly region: string
  readonly party: string
  readonly node: string
  /** C2SP verifier keys. */
  readonly logKey: string
  readonly cosignKey: string
  /** Kid (base64url of the tagged key) of the seal key. */
  readonly sealKey: string
}

export interface PartyView {
  readonly id: string
  readonly names: readonly { readonly name: string; readonly vouchedBy: string }[]
  readonly keys: readonly {
    readonly kid: string
    readonly roles: readonly string[]
    readonly standing: 'agreed' | 'unilateral'
    /** Members in whose scope the key counts; empty means everywhere. */
    readonly scope: readonly string[]
    readonly vouchedBy: readonly string[]
    readonly notBefore: string | null
    readonly notAfter: string | null
    /** Index of the record that registered it. */
    readonly index: number
    /** At the time asked about: `revoked` covers every end by record, a rotation included. */
    readonly status: 'active' | 'not-yet' | 'expired' | 'revoked'
    /** Block time from which a record has ended it, or its delegator; and the index of that record. */
    readonly endsAt: string | null
    readonly endedBy: number | null
    /** Kid of the key that took its place. */
    readonly successor: string | null
    /** Kid of the key that delegated to it, and the record types it may sign for that one. */
    readonly delegator: string | null
    readonly types: readonly string[] | null
  }[]
  /** RFC 3339: the time that every `status` is of. */
  readonly at: string
  readonly asOf: AsOf
}

/** A record type that is in force, or scheduled to be. */
export interface TypeView {
  readonly name: string
  /** In force for statements in blocks of this height and above. */
  readonly from: number
  readonly inForce: boolean
  /** Null when this node's software does not know the type. */
  readonly schema: JsonObject | null
}

export interface Status {
  readonly ledger: string
  readonly name: string
  readonly origin: string
  /** Short fingerprint of the genesis, as printed in the charter. */
  readonly fingerprint: string
  readonly member: string
  readonly node: string
  readonly incarnation: number
  readonly version: string
  readonly role: 'leader' | 'follower' | 'candidate' | 'recovering' | 'starting'
  readonly leader: string | null
  readonly term: number
  readonly height: number
  readonly replicatedSize: number
  readonly attestedSize: number
  /** Base64, as a checkpoint spells it; empty before the first. */
  readonly attestedRoot: string
  readonly attestedAt: string | null
  /** Statements with a receipt that are not yet on the ledger, at this node. */
  readonly pendingStatements: number
  readonly quorum: {
    readonly members: number
    readonly needed: number
    readonly connected: number
    readonly missing: number
  }
  readonly peers: readonly {
    readonly member: string
    readonly connected: boolean
    readonly incarnation: number | null
  }[]
  /** Record types that are to come into force. Where one is not known, this node stops before. */
  readonly scheduled: readonly { readonly name: string; readonly from: number; readonly known: boolean }[]
  /**
   * Codes from the message catalogue that say what keeps the node from working fully; empty when all is well. While one begins with
   * `node.` the node takes nothing in (`/readyz` answers 503); those with `ledger.` leave it ready.
   */
  readonly hindrances: readonly string[]
  readonly time: string
}

export interface ConsistencyProof {
  readonly from: number
  readonly to: number
  readonly path: readonly Uint8Array[]
}

/** A set of members, and from where on they attest. */
export interface EpochView {
  readonly number: number
  readonly begunBy: 'genesis' | 'closing' | 'refounding'
  /** Of the block on which it builds. */
  readonly height: number
  /** Larger trees are attested by these members, up to the size of the next epoch. */
  readonly size: number
  readonly root: string
  readonly members: readonly string[]
  readonly quorum: number
}

/** Where something of the trade stands: a tender, a guarantee, an auction, whatever has a lifecycle. */
export interface InstanceView {
  /** `tender/uscc:91…/national/E35…`; the record lists find everything about it under this. */
  readonly subject: string
  /** `tender` */
  readonly lifecycle: string
  /** What identifies it, in the lifecycle's order. */
  readonly key: readonly string[]
  readonly state: string
  readonly stateTitle: { readonly zh: string; readonly en: string }
  /** When it came into this state. */
  readonly since: string
  /** The time that the answer is about. */
  readonly at: string
  /** Index of the last record that changed it until then, and its block time. */
  readonly index: number
  readonly changedAt: string
  /** How many records did. */
  readonly revision: number
  readonly fields: JsonObject
}

/** A tender that a code may mean. */
export interface TenderView {
  readonly owner: string
  readonly scheme: string
  readonly code: string
  /** Of the first record that names it. */
  readonly firstIndex: number
  /** Null while no notice is on the ledger: its records are not linked to one. */
  readonly instance: InstanceView | null
}

export interface Service {
  readonly trade: TradeLookups
  readonly boxes: BoxLookups
  /** Rejects only when `options.signal` is aborted (the caller has gone) or when something of ours is wrong. */
  submit(jws: string, options: SubmitOptions): Promise<Submission>
  /** Signs plain data with the centre's key and submits it (private listener only). */
  submitPlain(request: PlainSubmission, options: SubmitOptions): Promise<Submission>
  /** Size, root and height of the committed state; cheap, asked with every look-up. */
  asOf(): AsOf
  standing(statementId: string): StatementStanding
  recordByIndex(index: number): LedgerRecord | undefined
  recordByStatement(statementId: string): LedgerRecord | undefined
  /** Against the first attested size above the index (or `size`, if that was attested); undefined while there is none. */
  proof(index: number, size?: number): Promise<InclusionProof | undefined>
  /** In order of index. @throws {Refusal} request.bad-cursor for a cursor that was not given for this filter */
  records(filter: RecordFilter, cursor: string | null, limit: number): Promise<RecordPage>
  consistency(from: number, to: number): ConsistencyProof | undefined
  block(height: number): BlockView | undefined
  /** The bundle of 16 whole blocks with this number; undefined until all of them are committed. */
  blockBundle(index: number): Uint8Array | undefined
  /** Of the newest epoch, or of the one with this number; undefined when there is no such epoch. */
  members(epoch?: number): { readonly epoch: number; readonly members: readonly MemberView[] } | undefined
  /** Every epoch of which this node knows, the founding first. */
  epochs(): readonly EpochView[]
  /** What proves an epoch after the first to whoever knows the one before (`membership.ts`); undefined where there is none, or not yet. */
  epochProof(number: number): Uint8Array | undefined
  /** @param at milliseconds since 1970; without it, the time of the newest committed block */
  party(id: string, at?: number): PartyView | undefined
  status(): Status
  /** The first fault proof of every key that has one. */
  faults(): readonly FaultView[]
  /**
   * Policy text (C2SP tlog-policy): the one by which what this node serves now is good, or that of the epoch with this number; undefined when
   * there is no such epoch.
   * @param log a member: with the log key of its node alone; undefined also when it is none of that epoch
   */
  policy(epoch?: number, log?: string): string | undefined
  /** The genesis entry's bytes. */
  genesis(): Uint8Array
  /** Newest attested checkpoint as a signed note; `cosignatures` limits the cosignature lines. */
  checkpoint(cosignatures: number): Promise<string | undefined>
  /** Hash tile: level 0..63, index, width 1..256; undefined when the attested tree does not have it. */
  tile(level: number, index: number, width: number): Uint8Array | undefined
  /** Entry bundle of `width` entries; undefined when the attested tree does not have it. */
  entries(index: number, width: number): Uint8Array | undefined
  /** Record types in force: name@version, JSON Schema of the payload, words of its refusals. */
  types(): readonly TypeView[]
  refusalTexts(): RefusalTexts
  /** Calls `listener` whenever a greater size is attested; returns the function that ends it. */
  onAttested(listener: (size: number) => void): () => void
  metrics(): Promise<string>
}

/** A guarantee with its application and everything it was used for. */
export interface GuaranteeView {
  /** Of a guarantee with one use, where that stands: bound, revealed, claimed …; else the guarantee's own state. */
  readonly state: string
  readonly stateTitle: InstanceView['stateTitle']
  readonly guarantee: InstanceView
  readonly application: InstanceView
  readonly uses: readonly InstanceView[]
}

/** One use of a guarantee, in a section of the tender asked about. */
export interface TenderGuaranteeView {
  readonly issuer: string
  readonly number: string
  /** Empty when the tender has only itself. */
  readonly section: string
  readonly use: InstanceView
  readonly guarantee: InstanceView
}

export interface TallyView {
  readonly count: number
  /** Decimal, in the unit of the currency. */
  readonly amount: string
  readonly paid: string
}

/** Guarantees of a tender in one currency. */
export interface GuaranteeStatisticsView {
  readonly currency: string
  readonly all: TallyView
  readonly byState: readonly (TallyView & { readonly state: string; readonly stateTitle: InstanceView['stateTitle'] })[]
  readonly byIssuer: readonly (TallyView & { readonly issuer: string })[]
}

/** A tender as it is named in a path: owner, scheme, code. */
export interface TenderName {
  readonly owner: string
  readonly scheme: string
  readonly code: string
}

export interface TenderPage {
  readonly tenders: readonly TenderView[]
  /** Null at the end. */
  readonly nextCursor: string | null
}

/** Look-ups of the trade; each is true as of the committed state (`asOf`). */
export interface TradeLookups {
  /**
   * Where an instance stood at a time; without one, where it stands by now.
   * @param at milliseconds since 1970
   */
  instance(subject: string, at?: number): InstanceView | undefined
  /**
   * Tenders of any owner and scheme that go by this code, at most `limit` from the cursor on.
   * @throws {Refusal} request.bad-cursor
   */
  tendersOf(code: string, cursor: string | null, limit: number): Promise<TenderPage>
  /** @param at milliseconds since 1970; without it, now */
  guarantee(issuer: string, number: string, at?: number): GuaranteeView | undefined
  /** The uses of guarantees in this tender from the `from`th on, in the order they were recorded; empty before its opening. */
  guaranteesOf(tender: TenderName, from: number, limit: number, at?: number): readonly TenderGuaranteeView[]
  /** How many there are and for how much; counts in steps, so that a large tender does not hold up the node. */
  guaranteeStatistics(tender: TenderName, at?: number): Promise<readonly GuaranteeStatisticsView[]>
  /** Decisions about a party, as they stood, the oldest first, from the `from`th on. */
  creditOf(party: string, from: number, limit: number, at?: number): readonly InstanceView[]
  /** The words of every finding; `{0}`, `{1}` in them stand for its values. */
  findingTexts(): RefusalTexts
}

/** A section's box. */
export interface BoxName {
  readonly tender: TenderName
  /** Empty when the tender has only itself. */
  readonly section: string
}

export type Deposit =
  | {
      readonly kind: 'received'
      readonly ledger: string
      readonly member: string
      readonly receipt: BidReceipt & { readonly epoch: number; readonly signature: Uint8Array }
    }
  | { readonly kind: 'refused'; readonly code: string }

export interface BoxCloseView extends BoxClaim {
  readonly member: string
  readonly round: number
  /** Of the record. */
  readonly index: number
}

export interface BoxTallyView {
  readonly leaves: number
  readonly bids: number
  readonly replaced: number
  readonly withdrawn: number
  readonly notRevealed: number
}

export interface BoxView {
  readonly closes: readonly BoxCloseView[]
  /** Null before the first close. */
  readonly tally: BoxTallyView | null
}

export interface BoxLookups {
  /** Of whom the lists and places are. */
  readonly member: string
  deposit(about: BoxName, leaf: string): Promise<Deposit>
  box(about: BoxName): BoxView | undefined
  /** What this member closed over; undefined before its close is on the ledger. */
  list(about: BoxName): readonly BoxLeaf[] | undefined
  place(about: BoxName, leaf: string): PlacedLeaf | undefined
}

export interface PlainSubmission {
  readonly type: string
  /** Idempotency key (DATA_KEY); scope: the centre's party. */
  readonly key: string
  /** The type's own fields, without ledger, type, party and key. */
  readonly fields: JsonObject
}
