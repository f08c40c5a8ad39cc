/**
 * Proof files (C2SP tlog-proof, extension `.tlog-proof`): an index, an inclusion path and a checkpoint with its signatures in one
 * text that a verifier needs beside the entry and a policy. This file reads and writes the text; `verify` judges it.
 */
import { type Digest, equalBytes, fromBase64, fromUtf8, toBase64, utf8 } from './bytes.ts'
import { type Checkpoint, parseCheckpoint, parseDecimal } from './checkpoint.ts'
import { formatNote, type Note, noteBytesMax, parseNote } from './note.ts'
import { VerificationError } from './verification-error.ts'

export interface ProofFile {
  /** Opaque and not authenticated: never believe it. Our own files have none (layout.md, decision 14). */
  readonly extra?: Uint8Array
  /** At most 2^64 − 1. */
  readonly index: bigint
  /** The leaf's sibling first. */
  readonly path: readonly Digest[]
  readonly note: Note
  /** What the note's text says. */
  readonly checkpoint: Checkpoint
}

const firstLine = 'c2sp.org/tlog-proof@v1'
/** A tree of 2^64 leaves has no longer path. */
const pathLengthMax = 64
/** A note, a path, and as much again for `extra`. */
const proofFileBytesMax = 2 * noteBytesMax

/** Whether it says of itself that it is one. */
export const isProofFile = (bytes: Uint8Array): boolean =>
  equalBytes(bytes.subarray(0, firstLine.length), utf8(firstLine))

/** @throws {VerificationError} proof-file.malformed, note.malformed, checkpoint.malformed when there is no such file */
export function formatProofFile(parts: {
  readonly extra?: Uint8Array
  readonly index: number | bigint
  readonly path: readonly Digest[]
  readonly note: Note
}): string {
  const text = spell(parts)
  parseProofFile(text)
  return text
}

/**
 * Strict: what it accepts is spelled exactly as `formatProofFile` would.
 * @throws {VerificationError} proof-file.malformed, note.malformed, checkpoint.malformed
 */
export function parseProofFile(input: string | Uint8Array): ProofFile {
  const text = proofFileText(input)
  const gap = text.indexOf('\n\n')
  if (gap < 0) throw malformed('no empty line before the checkpoint')
  const lines = text.slice(0, gap).split('\n')
  if (lines.shift() !== firstLine) throw malformed(`the first line is not ${firstLine}`)
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()!.slice('extra '.length)) : null
  if (extra === undefined) throw malformed('the extra data is not base64')
  const indexLine = lines.shift()
  const index = indexLine?.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length)) : undefined
  if (index === undefined) throw malformed('no line with the index')
  if (lines.length > pathLengthMax) throw malformed(`more than ${pathLengthMax} hashes`)
  const path = lines.map((line, at) => {
    const hash = fromBase64(line)
    if (hash?.length !== 32) throw malformed(`hash ${at + 1} of the path is not the base64 of 32 bytes`)
    return hash
  })
  const note = parseNote(text.slice(gap + 2))
  const checkpoint = parseCheckpoint(note.text)
  const file = { ...(extra === null ? {} : { extra }), index, path, note, checkpoint }
  if (spell(file) !== text) throw malformed('not the one spelling of its content')
  return file
}

function spell(parts: Parameters<typeof formatProofFile>[0]): string {
  const lines = [
    firstLine,
    ...(parts.extra === undefined || parts.extra.length === 0 ? [] : [`extra ${toBase64(parts.extra)}`]),
    `index ${parts.index}`,
    ...parts.path.map(toBase64),
  ]
  return `${lines.join('\n')}\n\n${formatNote(parts.note)}`
}

function proofFileText(input: string | Uint8Array): string {
  if (input.length > proofFileBytesMax) throw malformed(`longer than ${proofFileBytesMax} bytes`)
  if (typeof input === 'string') return input
  try {
    return fromUtf8(input)
  } catch {
    throw malformed('not UTF-8')
  }
}

const malformed = (detail: string): VerificationError => new VerificationError('proof-file.malformed', detail)
