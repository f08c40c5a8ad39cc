/**
 * How a node's views become the answers of answers.ts: numbers to decimal strings, bytes to base64, stored times to Beijing time.
 * Free of Fastify. The one answer made for every record, `attestedJson`, is spelled by hand.
 */
import { toBase64 } from '../chain/bytes.ts'
import type {
  AsOfAnswer,
  BlockAnswer,
  ConsistencyAnswer,
  Hindrance,
  PartyAnswer,
  PendingAnswer,
  ProofAnswer,
  ProofPathAnswer,
  ReceiptAnswer,
  RecordAnswer,
  RecordRow,
  StatusAnswer,
} from './answers.ts'
import type {
  AsOf,
  BlockView,
  ConsistencyProof,
  InclusionProof,
  LedgerRecord,
  PartyView,
  Receipt,
  Status,
  Submission,
} from './service.ts'

/** China has had one time zone without summer time since 1991; records of this ledger are all later. */
const beijingOffsetMs = 8 * 60 * 60 * 1000

/** A time (RFC 3339, any offset) in Beijing time: `2026-11-22T10:15:00.123+08:00`. */
export function beijingTime(time: string): string {
  // Most stored times (UTC, milliseconds) stay on their day: only the hour changes. Four times cross here for every record.
  const hour = Number(time.slice(11, 13))
  if (time.length === 24 && time.endsWith('Z') && hour < 16) {
    return `${time.slice(0, 11)}${hour < 2 ? '0' : ''}${hour + 8}${time.slice(13, 23)}+08:00`
  }
  return `${new Date(Date.parse(time) + beijingOffsetMs).toISOString().slice(0, -1)}+08:00`
}

const beijingTimeOrNull = (time: string | null): string | null => (time === null ? null : beijingTime(time))

export const asOfAnswer = (asOf: AsOf): AsOfAnswer => ({
  size: String(asOf.size),
  root: asOf.root,
  height: String(asOf.height),
})

export const receiptAnswer = (receipt: Receipt): ReceiptAnswer => ({
  statement: receipt.statement,
  ledger: receipt.ledger,
  member: receipt.member,
  node: receipt.node,
  receivedAt: beijingTime(receipt.receivedAt),
  attestedSize: receipt.attestedSize,
  by: beijingTime(receipt.by),
  epoch: String(receipt.epoch),
  signature: receipt.signature,
})

export const recordRow = (record: LedgerRecord): RecordRow => ({
  index: String(record.index),
  kind: record.kind,
  type: record.type,
  status: record.status,
  statementId: record.statementId,
  member: record.member,
  receivedAt: beijingTimeOrNull(record.receivedAt),
  height: String(record.height),
  term: String(record.term),
  blockTime: beijingTime(record.blockTime),
  party: record.party,
  keyStanding: record.keyStanding,
  payload: record.payload,
})

export const recordAnswer = (record: LedgerRecord, asOf: AsOf): RecordAnswer => ({
  ...recordRow(record),
  entry: toBase64(record.entry),
  asOf: asOfAnswer(asOf),
})

const proofPathAnswer = (proof: InclusionProof): ProofPathAnswer => ({
  index: String(proof.index),
  size: String(proof.size),
  leafHash: toBase64(proof.leafHash),
  path: proof.path.map(toBase64),
})

export const proofAnswer = (proof: InclusionProof): ProofAnswer => ({
  ...proofPathAnswer(proof),
  certificate: proof.checkpoint,
  proofFile: proof.proofFile,
})

export const pendingAnswer = (pending: Extract<Submission, { kind: 'pending' }>): PendingAnswer => ({
  statementId: pending.statementId,
  status: pending.status,
  receipt: receiptAnswer(pending.receipt),
})

/**
 * The answer to the busiest call, as text: written by hand because it is made for every record, from parts that need no escaping
 * (ids, base64, numbers, times, codes) but the note and the party; those are escaped to ASCII, because a text with one wide
 * character in it costs more to send than all the rest. Reads neither `payload` nor `proofFile`, so that a node may compute those only
 * when asked. A test holds it equal to the same `AttestedAnswer` by JSON.stringify.
 */
export function attestedJson(done: Extract<Submission, { kind: 'done' }>): string {
  const { record, proof, receipt } = done
  let path = ''
  for (const hash of proof.path) path += path === '' ? `"${toBase64(hash)}"` : `,"${toBase64(hash)}"`
  return (
    `{"index":"${record.index}","kind":"${record.kind}","type":"${record.type}","status":"${record.status}",` +
    `"statementId":${plain(record.statementId)},"member":${plain(record.member)},` +
    `"receivedAt":${plain(beijingTimeOrNull(record.receivedAt))},"height":"${record.height}","term":"${record.term}",` +
    `"blockTime":"${beijingTime(record.blockTime)}","party":${record.party === null ? 'null' : asciiJson(record.party)},` +
    `"keyStanding":${plain(record.keyStanding)},"entry":"${toBase64(record.entry)}",` +
    `"proof":{"index":"${proof.index}","size":"${proof.size}","leafHash":"${toBase64(proof.leafHash)}","path":[${path}]},` +
    `"certificate":${certificateJson(proof.checkpoint)},` +
    `"receipt":${receipt === null ? 'null' : receiptJson(receipt)},"duplicate":${done.duplicate}}`
  )
}

const receiptJson = (receipt: Receipt): string =>
  `{"statement":"${receipt.statement}","ledger":"${receipt.ledger}","member":"${receipt.member}","node":"${receipt.node}",` +
  `"receivedAt":"${beijingTime(receipt.receivedAt)}","attestedSize":"${receipt.attestedSize}",` +
  `"by":"${beijingTime(receipt.by)}","epoch":"${receipt.epoch}","signature":"${receipt.signature}"}`

/** For what its own form keeps free of quotes, backslashes and everything outside ASCII. */
const plain = (text: string | null): string => (text === null ? 'null' : `"${text}"`)

function asciiJson(text: string): string {
  const json = JSON.stringify(text)
  const escaped = json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  // What is made of a text with wide characters V8 keeps wide, and with it every text that it becomes a part of: read anew it is narrow.
  return escaped === json ? json : Buffer.from(escaped, 'latin1').toString('latin1')
}

/** All records of a block share one certificate, so the last one spelled is usually the next one asked for. */
let lastCertificate = { note: '', json: '""' }
function certificateJson(note: string): string {
  if (lastCertificate.note !== note) lastCertificate = { note, json: asciiJson(note) }
  return lastCertificate.json
}

export const consistencyAnswer = (proof: ConsistencyProof): ConsistencyAnswer => ({
  from: String(proof.from),
  to: String(proof.to),
  path: proof.path.map(toBase64),
})

export const blockAnswer = (block: BlockView): BlockAnswer => ({
  height: String(block.height),
  id: block.id,
  parent: block.parent,
  term: String(block.term),
  epoch: String(block.epoch),
  leader: block.leader,
  time: beijingTime(block.time),
  size: String(block.size),
  root: block.root,
  firstIndex: String(block.firstIndex),
  recordCount: block.recordCount,
  batches: block.batches,
  bytes: toBase64(block.bytes),
})

export const partyAnswer = (party: PartyView): PartyAnswer => ({
  id: party.id,
  names: party.names,
  keys: party.keys.map((key) => ({
    ...key,
    notBefore: beijingTimeOrNull(key.notBefore),
    notAfter: beijingTimeOrNull(key.notAfter),
    index: String(key.index),
    endsAt: beijingTimeOrNull(key.endsAt),
    endedBy: key.endedBy === null ? null : String(key.endedBy),
  })),
  at: beijingTime(party.at),
  asOf: asOfAnswer(party.asOf),
})

export const statusAnswer = (status: Status, hindrances: readonly Hindrance[]): StatusAnswer => ({
  ledger: status.ledger,
  name: status.name,
  origin: status.origin,
  fingerprint: status.fingerprint,
  member: status.member,
  node: status.node,
  incarnation: String(status.incarnation),
  version: status.version,
  role: status.role,
  leader: status.leader,
  term: String(status.term),
  height: String(status.height),
  replicatedSize: String(status.replicatedSize),
  attestedSize: String(status.attestedSize),
  attestedRoot: status.attestedRoot,
  attestedAt: beijingTimeOrNull(status.attestedAt),
  pendingStatements: status.pendingStatements,
  quorum: status.quorum,
  peers: status.peers.map((peer) => ({
    ...peer,
    incarnation: peer.incarnation === null ? null : String(peer.incarnation),
  })),
  scheduled: status.scheduled.map(({ name, from, known }) => ({ name, from: String(from), known })),
  hindrances,
  time: beijingTime(status.time),
})
