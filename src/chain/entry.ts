/**
 * Leaves of the tree, as the bytes that are hashed, stored and served: a record (a statement as a member received it), the system
 * entry that opens every block with records, and a refusal record. Each has one spelling, RFC 8785; what differs by a byte is no entry.
 */
import { fromUtf8, toHex, utf8 } from './bytes.ts'
import { canonicalJson, type JsonObject } from './json.ts'
import { Refusal } from './refusal.ts'
import { entryBytesMax } from './tile.ts'
import { formatTime, parseStoredTime } from './time.ts'

export interface Entry {
  /** The member that received the statement, and signed the batch it is in. */
  readonly member: string
  /** Milliseconds since 1970, that member's word. */
  readonly receivedAt: number
  /** Compact JWS. */
  readonly statement: string
}

export function encodeEntry(entry: Entry): Uint8Array {
  const { member, statement } = entry
  return utf8(canonicalJson({ member, receivedAt: formatTime(entry.receivedAt), statement }))
}

/** @throws {Refusal} `entry.malformed` on any other spelling */
export function parseEntry(bytes: Uint8Array): Entry {
  if (bytes.length > entryBytesMax) throw malformed()
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch {
    throw malformed()
  }
  return parsePlain(text) ?? parseAny(text)
}

/**
 * What every member writes: no character of member, time and JWS needs an escape, so this text is JSON, and the canonical spelling of what it says,
 * without being parsed and written again. A third of the time. Undefined for every other text, which may be an entry all the same.
 */
function parsePlain(text: string): Entry | undefined {
  const match = plainEntry.exec(text)
  if (match === null) return undefined
  const [, member, receivedAt, statement] = match as unknown as readonly [string, string, string, string]
  const time = parseStoredTime(receivedAt)
  if (time === undefined) throw malformed()
  return { member, receivedAt: time, statement }
}
const plainEntry = /^\{"member":"([A-Za-z0-9_.:-]*)","receivedAt":"([0-9TZ:.-]*)","statement":"([A-Za-z0-9_.-]*)"\}$/

function parseAny(text: string): Entry {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed()
  }
  if (typeof value !== 'object' || value === null) throw malformed()
  const { member, receivedAt, statement } = value as Record<string, unknown>
  if (typeof member !== 'string' || typeof receivedAt !== 'string' || typeof statement !== 'string') throw malformed()
  const time = parseStoredTime(receivedAt)
  // A lone surrogate comes out of JSON.parse, and has no canonical spelling.
  if (time === undefined || !member.isWellFormed() || !statement.isWellFormed()) throw malformed()
  // Writing it again compares everything at once: order, white space, escapes, doubled and further names.
  if (canonicalJson({ member, receivedAt, statement }) !== text) throw malformed()
  return { member, receivedAt: time, statement }
}

export interface SystemEntry {
  readonly height: number
  readonly term: number
  readonly epoch: number
  readonly leader: string
  readonly time: number
  /** Id of the previous block, hex. */
  readonly parent: string
  /** Hash of the certificates that the block carries, hex. */
  readonly carried: string
  readonly batches: readonly { readonly member: string; readonly hash: string; readonly signature: string }[]
}

/** The first leaf of a block that adds records: with the size and the root it determines the block's whole header. */
export function encodeSystemEntry(system: SystemEntry): Uint8Array {
  return utf8(
    canonicalJson({
      system: {
        height: String(system.height),
        term: String(system.term),
        epoch: String(system.epoch),
        leader: system.leader,
        time: formatTime(system.time),
        parent: system.parent,
        carried: system.carried,
        batches: system.batches.map(({ member, hash, signature }) => ({ member, hash, signature })),
      },
    }),
  )
}

/** A refusal as its leaf spells it. */
export interface RefusalSpelled {
  readonly statement: string
  readonly member: string
  readonly receivedAt: string
  readonly code: string
}

export interface RefusalEntry {
  readonly statement: string
  readonly member: string
  readonly receivedAt: number
  readonly code: string
}

/** The answer to a statement that got a receipt and that the rules refuse. Computed by every node; nobody signs it. */
export function encodeRefusalEntry(refusal: RefusalEntry): Uint8Array {
  const { statement, member, code } = refusal
  return utf8(canonicalJson({ refusal: { statement, member, receivedAt: formatTime(refusal.receivedAt), code } }))
}

export type LeafKind = 'genesis' | 'system' | 'record' | 'refusal'

/** What kind of leaf these stored bytes are; they were checked when they became one, and each kind begins with a name of its own. */
export function leafKindOf(leaf: Uint8Array): LeafKind {
  for (const [kind, begin] of leafBeginnings) if (begin.every((byte, at) => leaf[at] === byte)) return kind
  return 'record'
}

const leafBeginnings = (['genesis', 'system', 'refusal'] as const).map((kind) => [kind, utf8(`{"${kind}":`)] as const)

/** Of a leaf that is no record: what its bytes spell. */
export const rereadLeaf = (leaf: Uint8Array): JsonObject => JSON.parse(fromUtf8(leaf)) as JsonObject

function malformed(): Refusal {
  return new Refusal('entry.malformed', 'not the one spelling of an entry')
}

export const zeroDigestHex = toHex(new Uint8Array(32))
