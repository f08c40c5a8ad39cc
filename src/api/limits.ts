/**
 * Every bound of the HTTP side with its reason, in one place so that docs/limits.md and an operator's configuration can name them.
 * Times in milliseconds, sizes in bytes.
 */
import { statementBytesMax } from '../chain/statement.ts'

export interface ApiLimits {
  readonly statementBodyBytesMax: number
  readonly batchBodyBytesMax: number
  readonly batchStatementsMax: number
  readonly listRowsDefault: number
  readonly listRowsMax: number
  readonly tableRowsMax: number
  readonly listBytesMax: number
  readonly sheetCharactersMax: number
  readonly verifyBodyBytesMax: number
  readonly depositBodyBytesMax: number
  readonly verifyItemsMax: number
  readonly verifyPlacesMax: number
  readonly waitMsDefault: number
  readonly waitMsMax: number
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly connectionsCheckMs: number
  readonly headerBytesMax: number
  readonly keepAliveTimeoutMs: number
  readonly connectionIdleMs: number
  readonly connectionsMax: number
  readonly eventClientsMax: number
  readonly eventHeartbeatMs: number
  readonly checkpointCosignatures: number
  readonly readsPerMinute: number
  readonly listsPerMinute: number
  readonly verificationsPerMinute: number
  readonly submissionsPerMinute: number
}

export const defaultApiLimits: ApiLimits = {
  /** One statement, and room for the JSON around it. */
  statementBodyBytesMax: statementBytesMax + 1024,
  /** A batch of 256 ordinary statements (under 2 KiB each) fits many times; one of 256 largest ones would not, on purpose. */
  batchBodyBytesMax: 4 * 1024 * 1024,
  /** One tile's worth. All of a batch are in flight together, so this bounds what a single request can keep waiting. */
  batchStatementsMax: 256,
  /** A screenful. */
  listRowsDefault: 100,
  /** Above this, paging costs less than the memory of one answer. */
  listRowsMax: 1000,
  /** An opening of 1,528 bids and its guarantees fit one file; a spreadsheet opens it at once. */
  tableRowsMax: 10_000,
  /** An entry may have 64 KiB, so rows alone do not bound a page: it ends early when it has this much. */
  listBytesMax: 8 * 1024 * 1024,
  /** The XML of an XLSX sheet: marks are three quarters of it, so about as many rows as above; compressed as it is made, a tenth is held. */
  sheetCharactersMax: 32 * 1024 * 1024,
  /** 2,000 items of a hash, a statement id and a code each. */
  verifyBodyBytesMax: 1024 * 1024,
  depositBodyBytesMax: 4 * 1024,
  /** A column with the hashes of an opening of 1,528 bids. */
  verifyItemsMax: 2000,
  /** The first records that carry it; the list of records has all. */
  verifyPlacesMax: 3,
  /** Attestation takes milliseconds to a second when all is well; proxies give up at 30 or 60 s. */
  waitMsDefault: 20_000,
  waitMsMax: 60_000,
  /** 4 MiB over a line of 1.2 Mbit/s; slower senders hold a place for nothing. */
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 15_000,
  /** How late those two time-outs may be noticed; Node's own 30 s would double them. */
  connectionsCheckMs: 5000,
  /** Node's own default, said aloud: the longest list query has under 2 KiB. */
  headerBytesMax: 16 * 1024,
  /** Longer than the 60 s of common load balancers, so that it is they who close idle connections. */
  keepAliveTimeoutMs: 72_000,
  /** Twice the longest wait: nothing moves on a healthy connection for at most `waitMsMax`. */
  connectionIdleMs: 120_000,
  /** About 20 KiB each: 200 MiB at worst. */
  connectionsMax: 10_000,
  /** One per monitor and console page; each costs a write per attested size. */
  eventClientsMax: 256,
  /** Under the 30 s after which the strictest proxies cut a silent stream. */
  eventHeartbeatMs: 15_000,
  /** With the log's own line 16, which is as many as every C2SP verifier must accept. */
  checkpointCosignatures: 15,
  /** 1,000 tiles a second are 256,000 entries a second: no monitor falls behind a ledger because of this (certspotter #108). */
  readsPerMinute: 60_000,
  /** Lists read many blocks each. */
  listsPerMinute: 1200,
  /** With the items of each, as much reading as the lists. */
  verificationsPerMinute: 300,
  /** About what one node attests in a minute, so that no address is refused what the node could have served; intake bounds the rest. */
  submissionsPerMinute: 300_000,
}
