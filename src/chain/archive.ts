/**
 * Archives (`.zip`) as court bundles use them: files under plain names, stored and not compressed, in one spelling — the same files are the
 * same bytes on every machine. Reading also takes an archive that somebody packed anew; what it refuses is what could mean two things (a
 * name twice, a path out of the archive) and what would not fit in memory.
 */
import { type UnzipFileInfo, unzipSync, type Zippable, zipSync } from 'fflate'
import { equalBytes } from './bytes.ts'
import { VerificationError } from './verification-error.ts'

/** By name; in the order of the archive. */
export type ArchiveFiles = ReadonlyMap<string, Uint8Array>

/** Unpacked, all files together: a tender's documents may be large. */
export const archiveBytesMax = 256 * 1024 * 1024
const archiveFilesMax = 1_000
const nameCharactersMax = 255

export interface Archive {
  readonly files: ArchiveFiles
  /** Whether these are the bytes that `writeArchive` gives for the files. */
  readonly isAsWritten: boolean
}

/** Names in ascending order, no compression, no time of day. @throws {VerificationError} archive.malformed for a name that none may have */
export function writeArchive(files: ArchiveFiles): Uint8Array {
  const zippable: Zippable = {}
  for (const name of [...files.keys()].sort()) {
    if (!isPlainName(name)) throw malformed(`not a name: ${JSON.stringify(name)}`)
    zippable[name] = files.get(name)!
  }
  // In the fields of local time, as an archive has them: the first that it can have, whatever the zone.
  return zipSync(zippable, { level: 0, mtime: new Date(1980, 0, 1) })
}

/** @throws {VerificationError} archive.malformed */
export function readArchive(bytes: Uint8Array): Archive {
  if (bytes.length > archiveBytesMax) throw malformed(`more than ${archiveBytesMax} bytes`)
  const seen = new Set<string>()
  let lengthBytes = 0
  const filter = ({ name, size, originalSize }: UnzipFileInfo): boolean => {
    if (name.endsWith('/') && originalSize === 0) return false
    if (!isPlainName(name)) throw malformed(`not a name: ${JSON.stringify(name.slice(0, 100))}`)
    if (seen.has(name)) throw malformed(`${name} is there twice`)
    seen.add(name)
    lengthBytes += Math.max(size, originalSize)
    if (seen.size > archiveFilesMax) throw malformed(`more than ${archiveFilesMax} files`)
    if (lengthBytes > archiveBytesMax) throw malformed(`more than ${archiveBytesMax} bytes unpacked`)
    return true
  }
  let unzipped: Readonly<Record<string, Uint8Array>>
  try {
    unzipped = unzipSync(bytes, { filter })
  } catch (error) {
    if (error instanceof VerificationError) throw error
    throw malformed(error instanceof Error ? error.message : String(error))
  }
  const files = withoutFolder(new Map(Object.entries(unzipped)))
  return { files, isAsWritten: equalBytes(writeArchive(files), bytes) }
}

/** Whoever unpacks an archive and packs the folder again has everything in that folder. */
function withoutFolder(files: ArchiveFiles): ArchiveFiles {
  const names = [...files.keys()]
  const folder = /^[^/]+\//.exec(names[0] ?? '')?.[0]
  if (folder === undefined || names.some((name) => !name.startsWith(folder))) return files
  return new Map(names.map((name) => [name.slice(folder.length), files.get(name)!]))
}

/** Relative, with slashes, no way up, nothing invisible. */
function isPlainName(name: string): boolean {
  return (
    name.length <= nameCharactersMax &&
    name.isWellFormed() &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..') &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    !/[\x00-\x1f\x7f\\:*?"<>|\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/.test(name) &&
    // An object would take it for its prototype.
    name !== '__proto__'
  )
}

const malformed = (detail: string): VerificationError => new VerificationError('archive.malformed', detail)
