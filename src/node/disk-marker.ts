/**
 * The marker of a data directory: which format it has and whose it is, and, by being there at all, that the directory was in use
 * before. A lost vote or head file retires the node id (protocol rule 18), so a first start must never be mistaken for one, nor the
 * other way round. The marker stands twice, as a file and as a row of LevelDB, and is written only after both slot files exist
 * durably. So: any marker, whole or damaged, or any row, or a slot file that was ever written → the directory was in use, and a slot file that
 * is missing or empty was lost. Nothing of all that → a first start, or one that a crash cut short before anything relied on it.
 * A directory that is gone as a whole looks like a first start; that is what incarnations are for (rule 17).
 */
import { readFile } from 'node:fs/promises'
import { sha256 } from '#crypto'
import { equalBytes, fromUtf8, toHex, utf8 } from '../chain/bytes.ts'
import { Refusal } from '../chain/refusal.ts'
import type { DiskRefusalCode } from './disk-failure.ts'
import type { DiskOwner } from './slot-file.ts'

/** Version of everything in a data directory: folder names, slot layout, and the rows the disk keeps for itself. */
const diskFormatVersion = 1

/** One line of text for a curious operator, and its checksum: a flipped bit must not read as another node's directory. */
export function encodeMarker(owner: DiskOwner, version = diskFormatVersion): Uint8Array {
  const text = `gongzheng data directory, format ${version}, ledger ${owner.ledger}, node ${owner.node}`
  return utf8(`${text}\n${checksumOf(text)}\n`)
}

/** What one of the two places holds. `damaged`: something is there and it is not a whole marker. */
export type FoundMarker = 'absent' | 'damaged' | 'intact'

/**
 * Checks that a marker, if it is whole, is of this format and this owner.
 * @throws {Refusal} disk.unknown-format, disk.wrong-owner
 */
export function judgeMarker(bytes: Uint8Array | undefined, owner: DiskOwner, directory: string): FoundMarker {
  if (bytes === undefined) return 'absent'
  if (equalBytes(bytes, encodeMarker(owner))) return 'intact'
  const marker = parseMarker(bytes)
  if (marker === undefined) return 'damaged'
  if (marker.version !== diskFormatVersion) {
    throw refused('disk.unknown-format', `${directory} has format ${marker.version}, known is ${diskFormatVersion}`)
  }
  throw refused(
    'disk.wrong-owner',
    `${directory} belongs to node ${marker.node} of ledger ${marker.ledger}; this is node ${owner.node} of ledger ${owner.ledger}`,
  )
}

/** A file's bytes; undefined when there is no such file. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const refused = (code: DiskRefusalCode, detail: string): Refusal => new Refusal(code, detail)

const checksumOf = (text: string): string => toHex(sha256(utf8(text)).subarray(0, 8))

const markerPattern =
  /^(?<text>gongzheng data directory, format (?<version>\d{1,9}), ledger (?<ledger>[0-9a-f]{64}), node (?<node>[0-9a-f]{16}))\n(?<checksum>[0-9a-f]{16})\n$/

function parseMarker(bytes: Uint8Array): (DiskOwner & { readonly version: number }) | undefined {
  let content: string
  try {
    content = fromUtf8(bytes)
  } catch {
    return undefined // not even text
  }
  const fields = markerPattern.exec(content)?.groups
  if (fields === undefined || fields.checksum !== checksumOf(fields.text!)) return undefined
  return { version: Number(fields.version), ledger: fields.ledger!, node: fields.node! }
}
