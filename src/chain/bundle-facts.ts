/**
 * What a court bundle says, decoded out of entries that are proved already: the record, its block, who signed it with whose key, which
 * documents it names. Statements are checked for their signatures here and nowhere against the catalogue: what the rules allowed at that
 * height is what the members cosigned.
 */
import { sha256 } from '#crypto'
import { hashOfBatch, readBatchFile } from './batch-file.ts'
import { equalBytes, fromUtf8, toHex } from './bytes.ts'
import { parseCosignature } from './checkpoint.ts'
import { parseEntry } from './entry.ts'
import { type Epoch, epochOfSize, epochsUpTo } from './epoch.ts'
import type { FoundedLedger } from './founding.ts'
import type { GenesisMember } from './genesis.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from './json.ts'
import { verifySignature } from './keys.ts'
import { everybody } from './membership.ts'
import { leafHash } from './merkle-tree.ts'
import type { Note } from './note.ts'
import type { Cosigner, Policy, TrustedCheckpoint } from './policy.ts'
import { parseSignedObject, parseStatement, type SignedObject, type Statement } from './statement.ts'
import { parseStoredTime, parseTime } from './time.ts'
import { VerificationError } from './verification-error.ts'

/** An entry about a key, proved to be in the ledger. */
export interface KeyRecord {
  readonly index: bigint
  readonly entry: Uint8Array
}

export interface NamedHash {
  readonly algorithm: string
  /** Hex. */
  readonly value: string
  /** JSON pointer into the payload. */
  readonly pointer: string
}

export interface BlockFacts {
  readonly height: string
  readonly term: string
  readonly epoch: number
  readonly leader: string
  /** Milliseconds since 1970. */
  readonly time: number
}

/** A set of members that the ledger had until then. */
export interface EpochFacts {
  readonly number: number
  readonly begunBy: 'genesis' | 'closing' | 'refounding'
  /** They attest larger trees, up to the size of the next. */
  readonly size: number
  readonly members: readonly GenesisMember[]
}

export interface KeyFacts {
  readonly kid: string
  readonly name: string
  /** The party gave the name itself, and no member's word is on it: whose key it is, the party's id says. */
  readonly isNameOwn: boolean
  readonly roles: readonly string[]
  /**
   * founding: a member's centre key of the genesis · agreed: counts everywhere · unilateral: one member's word (单方登记) · derived: another key of
   * the same party handed over to it or lent to it, and it has that one's standing, which this bundle does not show.
   */
  readonly standing: 'founding' | 'agreed' | 'unilateral' | 'derived'
  /** Names of the members on whose word. */
  readonly vouchers: readonly string[]
  readonly registeredAt: readonly string[]
  /** Indices of records that revoke or rotate it, before the record itself. */
  readonly endings: readonly string[]
  readonly notBefore: string
  readonly notAfter: string
  readonly isInTerm: boolean
}

export interface BundleFacts {
  readonly founded: Omit<FoundedLedger, 'foundedAt'> & { readonly foundedAt: number }
  readonly index: bigint
  readonly size: bigint
  /** Hex. */
  readonly root: string
  /** The leaf hash, hex. */
  readonly leaf: string
  readonly leafBytes: number
  /** SHA-256 of the entry file, hex. */
  readonly entryHash: string
  readonly kind: 'record' | 'refusal'
  readonly statementId: string
  /** Empty for a refusal, like party and kid. */
  readonly type: string
  readonly party: string
  readonly kid: string
  readonly payload: JsonObject | undefined
  /** Empty for a record. */
  readonly refusalCode: string
  readonly receivedBy: string
  readonly receivedByName: string
  readonly receivedAt: number
  readonly block: BlockFacts
  readonly cosigners: readonly Cosigner[]
  /** The first of them, taken apart for tools that know nothing but Ed25519. */
  readonly shown: {
    readonly name: string
    readonly timeSeconds: number
    readonly publicKey: Uint8Array
    readonly signature: Uint8Array
  }
  /** Those who attest the checkpoint, and how many of them have to. */
  readonly members: readonly GenesisMember[]
  readonly quorum: number
  /** From the founding to those. */
  readonly epochs: readonly EpochFacts[]
  readonly key: KeyFacts | undefined
  readonly hashes: readonly NamedHash[]
  readonly original: { readonly name: string; readonly length: number; readonly sha256: string } | undefined
  readonly software: string
}

export interface ProvenParts {
  readonly founded: FoundedLedger
  /** Of those who attest the checkpoint. */
  readonly newest: Epoch
  readonly checkpoint: TrustedCheckpoint
  readonly policy: Policy
  readonly note: Note
  readonly record: KeyRecord
  readonly system: KeyRecord
  /** The batch in which the record's statement was sealed (batch-file.ts). */
  readonly batch: Uint8Array
  /** For a refusal: the entry that was refused. */
  readonly refused: Uint8Array | undefined
  readonly keys: readonly KeyRecord[]
  readonly original?: { readonly name: string; readonly bytes: Uint8Array }
  readonly software: string
}

/** @throws {VerificationError | Refusal} for what is no record of this ledger, or is not signed */
export function recordFacts(parts: ProvenParts): BundleFacts {
  const { founded, newest, checkpoint, record, system, refused, original, software } = parts
  if (system.index >= record.index) throw wrong('the block’s own entry does not come before the record')
  const block = blockFacts(system.entry)
  const value = objectOf(record.entry)
  const said = 'refusal' in value ? refusalIn(value) : recordIn(record.entry, founded.ledger)
  const { statement } = said
  checkSealed(
    parts,
    said,
    statement === undefined ? refusedLeaf(refused, said, founded.ledger) : leafHash(record.entry),
  )
  const foundedAt = parseTime(founded.foundedAt)
  if (foundedAt === undefined) throw wrong('the genesis has no time')
  const then = epochOfIndex(newest, record.index)
  if (block.epoch !== then.number)
    throw wrong(`the block is of epoch ${block.epoch}, the record of epoch ${then.number}`)
  return {
    founded: { ...founded, foundedAt },
    index: record.index,
    size: checkpoint.size,
    root: toHex(checkpoint.root),
    leaf: toHex(leafHash(record.entry)),
    leafBytes: record.entry.length,
    entryHash: toHex(sha256(record.entry)),
    kind: statement === undefined ? 'refusal' : 'record',
    statementId: said.statementId,
    type: statement?.type ?? '',
    party: statement?.party ?? '',
    kid: statement?.kid ?? '',
    payload: statement?.payload,
    refusalCode: said.refusalCode,
    receivedBy: said.member,
    receivedByName: then.members.find(({ id }) => id === said.member)?.name ?? said.member,
    receivedAt: said.receivedAt,
    block,
    cosigners: checkpoint.cosigners,
    shown: shownCosignature(parts),
    members: newest.members,
    quorum: newest.quorum,
    epochs: [...epochsUpTo(newest)].reverse().map(epochFacts),
    key: statement === undefined ? undefined : keyFacts(statement, parts, block),
    hashes: statement === undefined ? [] : hashesIn(statement.payload),
    original:
      original === undefined
        ? undefined
        : { name: original.name, length: original.bytes.length, sha256: toHex(sha256(original.bytes)) },
    software,
  }
}

/** The members among whom an entry went in: an index below the checkpoint’s size, so it is one of ours. */
const epochOfIndex = (newest: Epoch, index: bigint): Epoch => epochOfSize(newest, Number(index) + 1)

const epochFacts = ({ number, start, members, refounding }: Epoch): EpochFacts => ({
  number,
  begunBy: number === 0 ? 'genesis' : refounding === undefined ? 'closing' : 'refounding',
  size: start.size,
  members,
})

function shownCosignature({ checkpoint, policy, note }: ProvenParts): BundleFacts['shown'] {
  const first = checkpoint.cosigners[0]
  const key = policy.witnesses.find(({ name }) => name === first?.name)?.key
  const line = note.signatures.find(({ name, keyId }) => name === key?.name && keyId === key.keyId)
  const parts = line === undefined ? undefined : parseCosignature(line.signature)
  if (first === undefined || key === undefined || parts === undefined) throw wrong('no cosignature')
  return { name: first.name, timeSeconds: parts.timeSeconds, publicKey: key.publicKey, signature: parts.signature }
}

interface Said {
  readonly statement: Statement | undefined
  readonly statementId: string
  readonly refusalCode: string
  readonly member: string
  readonly receivedAt: number
}

function recordIn(bytes: Uint8Array, ledger: string): Said {
  const entry = parseEntry(bytes)
  const statement = signedStatement(entry.statement, ledger)
  return { statement, statementId: statement.id, refusalCode: '', member: entry.member, receivedAt: entry.receivedAt }
}

function refusalIn(value: JsonObject): Said {
  const { statement, member, receivedAt, code } = (value.refusal ?? {}) as JsonObject
  const time = typeof receivedAt === 'string' ? parseStoredTime(receivedAt) : undefined
  if (typeof statement !== 'string' || typeof member !== 'string' || typeof code !== 'string' || time === undefined) {
    throw wrong('neither a record nor a refusal')
  }
  return { statement: undefined, statementId: statement, refusalCode: code, member, receivedAt: time }
}

function signedStatement(jws: string, ledger: string): Statement {
  const statement = parseStatement(jws, ledger)
  if (!verifySignature(statement.signingKey, statement.message, statement.signature)) {
    throw wrong('the statement is not signed by its key')
  }
  return statement
}

/** The leaf hash of the entry that was refused, if it is what the refusal is about. */
function refusedLeaf(entry: Uint8Array | undefined, said: Said, ledger: string): Uint8Array {
  if (entry === undefined) throw wrong('the entry that was refused is not there')
  const { statementId, member, receivedAt } = recordIn(entry, ledger)
  if (statementId !== said.statementId || member !== said.member || receivedAt !== said.receivedAt) {
    throw wrong('the refusal is about another entry')
  }
  return leafHash(entry)
}

/**
 * That the block of the system entry is one in which the very entry was sealed: it lists the batch. Of an honest member there is no other before
 * the record, since a statement's first place is the record. A member that sealed an entry which was refused, and sealed it again later, can
 * show the earlier block; the bracket of times holds there, too, since the record is not older than that block.
 */
function checkSealed({ founded, system, batch }: ProvenParts, said: Said, leaf: Uint8Array): void {
  const block = objectOf(system.entry).system as JsonObject
  const contents = readBatchFile(batch)
  const hash = hashOfBatch({ ledger: founded.ledger, epoch: Number(block.epoch) }, contents)
  const listed = (Array.isArray(block.batches) ? block.batches : []) as readonly JsonObject[]
  if (contents.member !== said.member || !listed.some((each) => each.hash === hash && each.member === said.member)) {
    throw wrong('the batch is none of that block')
  }
  if (!contents.items.some((item) => equalBytes(item.leaf, leaf))) throw wrong('the record is not in the batch')
}

function blockFacts(entry: Uint8Array): BlockFacts {
  const { system } = objectOf(entry)
  const { height, term, epoch, leader, time } = (system ?? {}) as JsonObject
  const at = typeof time === 'string' ? parseStoredTime(time) : undefined
  if ([height, term, epoch, leader].some((text) => typeof text !== 'string') || at === undefined) {
    throw wrong('the block’s own entry is none')
  }
  return { height: String(height), term: String(term), epoch: Number(epoch), leader: String(leader), time: at }
}

// ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Undefined when nothing here says whose key it is. */
function keyFacts(
  { kid, party }: Statement,
  { founded, newest, keys, record }: ProvenParts,
  block: BlockFacts,
): KeyFacts | undefined {
  const { members, ledger } = founded
  const everyone = everybody(newest)
  const registrations: { readonly index: bigint; readonly by: Statement; readonly request: SignedObject }[] = []
  const endings: string[] = []
  for (const { index, entry } of keys) {
    if (index >= record.index) throw wrong(`record ${index} about the key comes after`)
    const by = signedStatement(parseEntry(entry).statement, ledger)
    const request = requestIn(by, ledger)
    if (request?.kid === kid && request.payload.party === party) registrations.push({ index, by, request })
    else if (by.type.startsWith('key.revoke@') && by.payload.kid === kid) endings.push(String(index))
    else if (by.type.startsWith('key.rotate@') && by.kid === kid) endings.push(String(index))
    else throw wrong(`record ${index} is not about the key`)
  }
  const centre = members.find((member) => member.centreKey === kid && member.party === party)
  const first = registrations[0]
  if (centre === undefined && first === undefined) return undefined
  // A member that took its word back and gave it again has one word all the same.
  const words = new Map(
    registrations.map(({ by }) => [by.party, everyone.find(({ party: id }) => id === by.party)?.name]),
  )
  const vouchers = [...words.values()].filter((member) => member !== undefined)
  const { name = '', roles = ['centre'], notBefore = '', notAfter = '' } = first?.request.payload ?? {}
  // A company's own key may register another only if it is agreed itself; it may hand over or lend what it has, whatever that is.
  const isByItsOwn = registrations.some(({ by }) => by.party === party && by.type.startsWith('party.register@'))
  const isDerived = registrations.some(({ by }) => !by.type.startsWith('party.register@'))
  const [from, until] = [parseTime(String(notBefore)), parseTime(String(notAfter))]
  return {
    kid,
    name: centre?.name ?? (String(name) || party),
    isNameOwn: centre === undefined && (isByItsOwn || isDerived),
    roles: Array.isArray(roles) ? roles.map(String) : [],
    standing:
      centre !== undefined
        ? 'founding'
        : isDerived
          ? 'derived'
          : isByItsOwn || vouchers.length >= 2
            ? 'agreed'
            : 'unilateral',
    vouchers: isByItsOwn || isDerived ? [] : vouchers,
    registeredAt: registrations.map(({ index }) => String(index)),
    endings,
    notBefore: String(notBefore),
    notAfter: String(notAfter),
    isInTerm: (from === undefined || block.time >= from) && (until === undefined || block.time <= until),
  }
}

/** The key request inside a registration, a rotation or a delegation: signed by the new key, which shows possession. */
function requestIn({ payload, type }: Statement, ledger: string): SignedObject | undefined {
  if (typeof payload.request !== 'string' || !/^(?:party\.register|key\.(?:rotate|delegate))@/.test(type))
    return undefined
  const request = parseSignedObject(payload.request, requestCharactersMax)
  if (request.payload.ledger !== ledger) throw wrong('a key request for another ledger')
  if (!verifySignature(request.signingKey, request.message, request.signature)) {
    throw wrong('a key request that its key did not sign')
  }
  return request
}

/** As `key-request` has it. */
const requestCharactersMax = 4_096

// ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Every `{algorithm, value}` of a payload: how all record types write the hash of a document. */
export function hashesIn(value: JsonValue, pointer = ''): readonly NamedHash[] {
  if (value === null || typeof value !== 'object') return []
  if (Array.isArray(value)) return value.flatMap((item, at) => hashesIn(item, `${pointer}/${at}`))
  const { algorithm, value: digest } = value as JsonObject
  const here =
    typeof algorithm === 'string' && typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)
      ? [{ algorithm, value: digest, pointer: pointer || '/' }]
      : []
  return [
    ...here,
    ...Object.entries(value).flatMap(([name, item]) => hashesIn(item as JsonValue, `${pointer}/${name}`)),
  ]
}

function objectOf(bytes: Uint8Array): JsonObject {
  let value: JsonValue
  let text: string
  try {
    text = fromUtf8(bytes)
    value = parseJson(text)
  } catch {
    throw wrong('an entry that is no JSON')
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrong('an entry that is no object')
  if (canonicalJson(value) !== text) throw wrong('an entry that is not in its one spelling')
  return value as JsonObject
}

const wrong = (detail: string): VerificationError => new VerificationError('archive.file-changed', detail)
