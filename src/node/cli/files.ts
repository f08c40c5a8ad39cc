/**
 * Files that a person names on the command line: read whole with a bound, written whole or not at all, and every trouble said with
 * the path. Secrets are not written here but by `key-file` and `signing-key`.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { concat, fromUtf8 } from '../../chain/bytes.ts'
import { Refusal } from '../../chain/refusal.ts'

/** Everything a person hands to a command — cards, proofs, policies, statements, entries — is far smaller. */
const fileBytesMax = 4 * 1024 * 1024

/** Whole data sets, for `gongzheng import`. */
export const importFileBytesMax = 64 * 1024 * 1024

/** `-` reads standard input. @throws {Refusal} file.missing, file.unreadable, file.too-large */
export function readBytes(path: string, bytesMax: number = fileBytesMax): Uint8Array {
  try {
    if (path === '-') return readWhole(0, path, bytesMax)
    const file = openSync(path, 'r')
    try {
      return readWhole(file, path, bytesMax)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof Refusal) throw error
    const { code, message } = error as NodeJS.ErrnoException
    // Opening names the path by itself; reading, of a directory, does not.
    const named = message.includes(path) ? message : `${path}: ${message}`
    throw new Refusal(code === 'ENOENT' ? 'file.missing' : 'file.unreadable', code === 'ENOENT' ? path : named)
  }
}

/** A device or a pipe has no size to ask for, so the bound is on what was read. */
function readWhole(file: number, path: string, bytesMax: number): Uint8Array {
  const chunks: Uint8Array[] = []
  for (let length = 0; length <= bytesMax; ) {
    const chunk = new Uint8Array(64 * 1024)
    const readBytes = readSync(file, chunk)
    if (readBytes === 0) return concat(...chunks)
    chunks.push(chunk.subarray(0, readBytes))
    length += readBytes
  }
  throw new Refusal('file.too-large', `${path}: more than ${bytesMax} bytes`)
}

/** @throws {Refusal} as `readBytes`, and file.not-utf8 */
export function readText(path: string, bytesMax: number = fileBytesMax): string {
  try {
    return fromUtf8(readBytes(path, bytesMax))
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('file.not-utf8', path)
  }
}

export interface WriteOptions {
  /** Replace a file that is there; otherwise it is refused. */
  readonly replace?: boolean
}

/** Durable and whole: a reader sees the old file or the new one, and nothing that failed is left. @throws {Refusal} file.exists, file.unwritable */
export function writeWhole(path: string, content: string | Uint8Array, options: WriteOptions = {}): void {
  try {
    if (options.replace !== true) {
      writeNew(path, content)
      return
    }
    if (isStream(path)) return writeFileSync(path, content)
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.part`)
    try {
      writeFileSync(temporary, content, { flush: true })
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
    const directory = openSync(dirname(path), 'r')
    fsyncSync(directory)
    closeSync(directory)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new Refusal('file.exists', path)
    throw new Refusal('file.unwritable', message)
  }
}

/** The part that fitted on a full disk would be in the way of whoever makes room and tries again. @throws what the system says */
export function writeNew(path: string, content: string | Uint8Array, mode?: number): void {
  // wx: of two that create it at once, one fails.
  const file = openSync(path, 'wx', mode)
  try {
    writeFileSync(file, content, { flush: true })
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** With those above it. @throws {Refusal} file.unwritable */
export function makeDirectories(path: string, mode?: number): void {
  try {
    mkdirSync(path, { recursive: true, mode })
  } catch (error) {
    throw new Refusal('file.unwritable', (error as Error).message)
  }
}

/** A pipe, a terminal, a device: to be written to. A file that took its place would be there instead of it, of /dev/stdout for the whole machine. */
function isStream(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.isDirectory()) return false
  return !stats.isFile() || /^\/(dev|proc)\//.test(resolve(path))
}
