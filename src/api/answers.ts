/**
 * The JSON of every answer, as types; the client shares them, answering.ts makes them, schemas.ts describes them to readers. Two rules
 * hold everywhere. What is a 64-bit number in the protocol — index, size, height, term, epoch, incarnation — is a decimal string,
 * because many readers lose digits of a JSON number above 2^53; counts that a limit bounds are numbers. And every time is RFC 3339 in
 * Beijing time with its offset; only the entry's own bytes, and the payload inside them, stay exactly as they were signed or stored.
 */
import type { JsonObject } from '../chain/json.ts'
import type { EpochView, MemberView, PartyView, RecordKind, RecordStatus, Status } from './service.ts'

export interface AsOfAnswer {
  readonly size: string
  /** Base64, as in a checkpoint. */
  readonly root: string
  readonly height: string
}

export interface ReceiptAnswer {
  readonly statement: string
  readonly ledger: string
  readonly member: string
  readonly node: string
  readonly receivedAt: string
  readonly attestedSize: string
  readonly by: string
  readonly epoch: string
  readonly signature: string
}

/** One record as lists show it. */
export interface RecordRow {
  readonly index: string
  readonly kind: RecordKind
  readonly type: string
  readonly status: RecordStatus
  readonly statementId: string | null
  readonly member: string | null
  readonly receivedAt: string | null
  readonly height: string
  readonly term: string
  readonly blockTime: string
  readonly party: string | null
  readonly keyStanding: 'agreed' | 'unilateral' | null
  readonly payload: JsonObject
}

/** One record looked up: with its stored bytes. */
export interface RecordAnswer extends RecordRow {
  /** Base64 of the leaf's bytes. */
  readonly entry: string
  readonly asOf: AsOfAnswer
}

export interface RecordListAnswer {
  readonly records: readonly RecordRow[]
  /** Null at the end. */
  readonly nextCursor: string | null
  readonly asOf: AsOfAnswer
}

export interface ProofPathAnswer {
  readonly index: string
  readonly size: string
  readonly leafHash: string
  readonly path: readonly string[]
}

export interface ProofAnswer extends ProofPathAnswer {
  /** The signed note: checkpoint, one log line, q cosignatures. */
  readonly certificate: string
  /** The same as the text of a `.tlog-proof` file. */
  readonly proofFile: string
}

/** A statement that is on the ledger and attested. */
export interface AttestedAnswer {
  readonly index: string
  readonly kind: RecordKind
  readonly type: string
  readonly status: RecordStatus
  readonly statementId: string
  readonly member: string | null
  readonly receivedAt: string | null
  readonly height: string
  readonly term: string
  readonly blockTime: string
  readonly party: string | null
  readonly keyStanding: 'agreed' | 'unilateral' | null
  readonly entry: string
  readonly proof: ProofPathAnswer
  readonly certificate: string
  /** Null when this node gave no receipt, because the record was on the ledger before. */
  readonly receipt: ReceiptAnswer | null
  /** True when the statement was on the ledger before this submission. */
  readonly duplicate: boolean
}

/** A statement that has a receipt and is not attested yet. */
export interface PendingAnswer {
  readonly statementId: string
  readonly status: 'accepted' | 'replicated'
  readonly receipt: ReceiptAnswer
}

export interface ProblemAnswer {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly code: string
  readonly cause: string
  readonly remedy: string
  readonly fields?: readonly { readonly pointer?: string; readonly parameter?: string; readonly problem: string }[]
  readonly requestId: string
  /** Of a refusal record. */
  readonly index?: string
  readonly receipt?: ReceiptAnswer | null
}

/** One statement of a batch: what it would have been answered alone. */
export type BatchResult =
  | { readonly status: 200 | 201; readonly record: AttestedAnswer }
  | { readonly status: 202; readonly pending: PendingAnswer }
  | { readonly status: number; readonly problem: ProblemAnswer }

export interface BatchAnswer {
  readonly results: readonly BatchResult[]
}

export interface ConsistencyAnswer {
  readonly from: string
  readonly to: string
  readonly path: readonly string[]
}

export interface BlockAnswer {
  readonly height: string
  readonly id: string
  readonly parent: string
  readonly term: string
  readonly epoch: string
  readonly leader: string
  readonly time: string
  readonly size: string
  readonly root: string
  readonly firstIndex: string
  readonly recordCount: number
  readonly batches: readonly { readonly member: string; readonly hash: string; readonly items: number }[]
  /** Base64 of the block's own bytes (deterministic CBOR). */
  readonly bytes: string
}

export interface MembersAnswer {
  readonly epoch: string
  readonly members: readonly MemberView[]
  readonly asOf: AsOfAnswer
}

export interface EpochsAnswer {
  readonly epochs: readonly {
    readonly number: string
    readonly begunBy: EpochView['begunBy']
    readonly height: string
    readonly size: string
    readonly root: string
    readonly members: readonly string[]
    readonly quorum: number
  }[]
}

export interface PartyAnswer {
  readonly id: string
  readonly names: PartyView['names']
  readonly keys: readonly {
    readonly kid: string
    readonly roles: readonly string[]
    readonly standing: 'agreed' | 'unilateral'
    readonly scope: readonly string[]
    readonly vouchedBy: readonly string[]
    readonly notBefore: string | null
    readonly notAfter: string | null
    readonly index: string
    readonly status: PartyView['keys'][number]['status']
    readonly endsAt: string | null
    readonly endedBy: string | null
    readonly successor: string | null
    readonly delegator: string | null
    readonly types: readonly string[] | null
  }[]
  readonly at: string
  readonly asOf: AsOfAnswer
}

/** What is to be verified: exactly one of hash, tender, guarantee and statement; the others belong to one of them. */
export interface VerifyItem {
  /** 64 hexadecimal digits. */
  readonly hash?: string
  /** Of the hash; sha256 if left out. */
  readonly algorithm?: 'sha256' | 'sm3'
  /** A tender's code; with owner and scheme its identity. */
  readonly tender?: string
  readonly owner?: string
  readonly scheme?: string
  /** A guarantee's number, with its issuer. */
  readonly guarantee?: string
  readonly issuer?: string
  readonly statement?: string
  /** Index or statement id of the record that is said to hold it: no other is looked at. */
  readonly record?: string
}

/** A record in which it stands, or was said to. */
export interface VerifiedPlace {
  readonly index: string
  readonly statementId: string | null
  readonly type: string
  readonly status: RecordStatus
  readonly blockTime: string
  readonly height: string
  /** JSON pointers into the payload. */
  readonly fields: readonly string[]
}

export interface VerificationAnswer {
  readonly item: VerifyItem
  /** pending: on the ledger, not attested yet. */
  readonly result: 'match' | 'pending' | 'mismatch'
  /** Of a mismatch. */
  readonly reason: 'not-on-ledger' | 'not-in-record' | 'no-such-record' | null
  /** The first ones, in order of index; for not-in-record the one that was named. */
  readonly places: readonly VerifiedPlace[]
  readonly more: boolean
}

export interface VerificationsAnswer {
  readonly results: readonly VerificationAnswer[]
  readonly asOf: AsOfAnswer
}

export interface Hindrance {
  readonly code: string
  readonly title: string
  readonly remedy: string
}

export interface StatusAnswer {
  readonly ledger: string
  readonly name: string
  readonly origin: string
  readonly fingerprint: string
  readonly member: string
  readonly node: string
  readonly incarnation: string
  readonly version: string
  readonly role: Status['role']
  readonly leader: string | null
  readonly term: string
  readonly height: string
  readonly replicatedSize: string
  readonly attestedSize: string
  readonly attestedRoot: string
  readonly attestedAt: string | null
  readonly pendingStatements: number
  readonly quorum: Status['quorum']
  readonly peers: readonly {
    readonly member: string
    readonly connected: boolean
    readonly incarnation: string | null
  }[]
  readonly scheduled: readonly { readonly name: string; readonly from: string; readonly known: boolean }[]
  readonly hindrances: readonly Hindrance[]
  readonly time: string
}

export interface TypesAnswer {
  readonly types: readonly {
    readonly name: string
    readonly from: string
    readonly inForce: boolean
    readonly schema: JsonObject | null
  }[]
}
