/**
 * A slot file: a small value that must never be lost, go back, or be read wrong — the vote, or the head (watermark, lock and signing
 * register). LevelDB cannot promise that (a flipped bit silently drops fsynced entries), so these are files of our own: the value is
 * kept in two copies, each in its own 4 KiB-aligned area with its own checksum, and a write is done only when both copies were
 * written and are durable, one after the other. So at every moment at least one copy is whole, and one damaged copy never loses
 * what anything relied on. Damage to both is told, never guessed around. Whether a missing file was ever there is for the caller
 * to know (`mustExist`). Every call runs on the thread pool; nothing here blocks the event loop.
 *
 * One copy, numbers big-endian:
 *
 *     0 magic "GZSLOT\r\n" | 8 format version u32 | 12 kind "vote" or "head" | 16 ledger id, 32 bytes | 48 node id, 8 bytes
 *    56 sequence u64 | 64 payload length u32 | 68 zero, 12 bytes | 80 SHA-256 of bytes 0–79 and the payload, first 16 bytes
 *    96 payload | zeros to the end of the 4 KiB page; what lies beyond in the area is left over and means nothing
 *
 * Sequence 0 with an empty payload is "absent": the file exists from the first start on, so that its absence later is a loss.
 */
import fs from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { sha256 } from '#crypto'
import { assert } from '../chain/assert.ts'
import { equalBytes, fromHex, utf8 } from '../chain/bytes.ts'

/**
 * Bytes of the largest payload. The head carries a certificate of up to 32 signatures of about 70 bytes (64 and the signer), hashes and
 * numbers: under 4 KiB. Four times that leaves room for larger quorums and signatures; a larger payload is a bug, not growth.
 */
export const slotPayloadBytesMax = 16 * 1024

/**
 * On Linux a slot file is open so that a write returns when it is durable (`O_DSYNC`): one trip to the thread pool where a write and an fdatasync
 * are two, and half of their CPU. Elsewhere that flag does not reach the disk, or is not there.
 */
const areWritesDurable = process.platform === 'linux'
const slotFlags = fs.constants.O_RDWR | (areWritesDurable ? fs.constants.O_DSYNC : 0)

/** A page of the file system and a multiple of every disk sector: a torn write of one copy cannot touch the other. */
const pageBytes = 4096
/** Bytes of one copy before its payload. */
export const headerBytesOfSlot = 96
const checksumOffset = 80
const checksumBytes = 16
/** One copy's area: header and largest payload, rounded up to whole pages (5 pages, 20 KiB). */
export const slotAreaBytes = Math.ceil((headerBytesOfSlot + slotPayloadBytesMax) / pageBytes) * pageBytes
const formatVersion = 1
const magic = utf8('GZSLOT\r\n')

export type SlotKind = 'vote' | 'head'

/** Whose disk it is. Hex, lower case: ledger id 64 digits, node id 16. */
export interface DiskOwner {
  readonly ledger: string
  readonly node: string
}

/** What a slot file held when it was opened; assignable to the port's `Slot`. */
export type FoundSlot =
  | { readonly kind: 'intact'; readonly bytes: Uint8Array }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly reason: string }

type SlotCopy =
  | { readonly intact: true; readonly sequence: number; readonly payload: Uint8Array }
  | { readonly intact: false; readonly reason: string }

export interface SlotVerdict {
  readonly found: FoundSlot
  /** Of the value found; 0 when there is none. */
  readonly sequence: number
  /** For each copy that is not the value found: why, in words for the log. It is to be written again. */
  readonly stale: readonly { readonly copy: 0 | 1; readonly reason: string }[]
}

/** The bytes of one copy, padded with zeros to whole pages. */
export function encodeSlotCopy(kind: SlotKind, owner: DiskOwner, sequence: number, payload: Uint8Array): Uint8Array {
  assert(
    payload.length <= slotPayloadBytesMax,
    `${kind} slot of ${payload.length} bytes, at most ${slotPayloadBytesMax}`,
  )
  assert(Number.isSafeInteger(sequence) && sequence >= 0, `${kind} slot sequence ${sequence}`)
  const out = new Uint8Array(Math.ceil((headerBytesOfSlot + payload.length) / pageBytes) * pageBytes)
  const view = new DataView(out.buffer)
  out.set(magic, 0)
  view.setUint32(8, formatVersion)
  out.set(utf8(kind), 12)
  out.set(idBytes(owner.ledger, 32), 16)
  out.set(idBytes(owner.node, 8), 48)
  view.setBigUint64(56, BigInt(sequence))
  view.setUint32(64, payload.length)
  out.set(payload, headerBytesOfSlot)
  out.set(sha256(out.subarray(0, checksumOffset), payload).subarray(0, checksumBytes), checksumOffset)
  return out
}

/**
 * Reads one copy from its area. The checksum is judged before the fields it covers, so that "of another node" is only ever
 * said of bytes that are whole.
 */
function decodeSlotCopy(area: Uint8Array, kind: SlotKind, owner: DiskOwner): SlotCopy {
  const damaged = (reason: string): SlotCopy => ({ intact: false, reason })
  if (area.length < headerBytesOfSlot) return damaged('shorter than a header')
  if (!equalBytes(area.subarray(0, magic.length), magic)) return damaged('does not begin as a slot does')
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength)
  const length = view.getUint32(64)
  if (length > slotPayloadBytesMax || headerBytesOfSlot + length > area.length) return damaged('length out of bounds')
  const payload = area.slice(headerBytesOfSlot, headerBytesOfSlot + length)
  const checksum = sha256(area.subarray(0, checksumOffset), payload).subarray(0, checksumBytes)
  if (!equalBytes(checksum, area.subarray(checksumOffset, checksumOffset + checksumBytes))) return damaged('checksum')
  if (view.getUint32(8) !== formatVersion) return damaged(`format version ${view.getUint32(8)} is not known`)
  if (!equalBytes(area.subarray(12, 16), utf8(kind))) return damaged('of another kind')
  if (!equalBytes(area.subarray(16, 48), idBytes(owner.ledger, 32))) return damaged('of another ledger')
  if (!equalBytes(area.subarray(48, 56), idBytes(owner.node, 8))) return damaged('of another node')
  const sequence = view.getBigUint64(56)
  if (sequence > BigInt(Number.MAX_SAFE_INTEGER)) return damaged('sequence out of bounds')
  if (sequence === 0n && length > 0) return damaged('a payload without a sequence')
  return { intact: true, sequence: Number(sequence), payload }
}

/** Judges a whole slot file: the newest intact copy is the value; both damaged, or two values with one sequence, is damage. */
export function judgeSlotFile(file: Uint8Array, kind: SlotKind, owner: DiskOwner): SlotVerdict {
  const first = decodeSlotCopy(file.subarray(0, slotAreaBytes), kind, owner)
  const second = decodeSlotCopy(file.subarray(slotAreaBytes, 2 * slotAreaBytes), kind, owner)
  const damaged = (reason: string): SlotVerdict => ({ found: { kind: 'damaged', reason }, sequence: 0, stale: [] })
  const value = (copy: SlotCopy & { intact: true }, stale: SlotVerdict['stale']): SlotVerdict => ({
    found: copy.sequence === 0 ? { kind: 'absent' } : { kind: 'intact', bytes: copy.payload },
    sequence: copy.sequence,
    stale,
  })
  if (!first.intact && !second.intact) return damaged(`first copy: ${first.reason}; second copy: ${second.reason}`)
  if (!second.intact) return value(first as SlotCopy & { intact: true }, [{ copy: 1, reason: second.reason }])
  if (!first.intact) return value(second, [{ copy: 0, reason: first.reason }])
  const older = `older: sequence ${Math.min(first.sequence, second.sequence)}`
  if (first.sequence > second.sequence) return value(first, [{ copy: 1, reason: older }])
  if (first.sequence < second.sequence) return value(second, [{ copy: 0, reason: older }])
  // Our own writes cannot leave this: a stale copy is brought up to date before a higher sequence is used.
  if (!equalBytes(first.payload, second.payload)) return damaged(`two values with sequence ${first.sequence}`)
  return value(first, [])
}

export interface SlotFileOptions {
  readonly path: string
  readonly kind: SlotKind
  readonly owner: DiskOwner
  /** The data directory was in use before: a file that is missing or empty was lost. Otherwise it is created. */
  readonly mustExist: boolean
}

/**
 * Opens or creates a slot file. When it returns, both copies hold the value found: a copy that was damaged or older has been
 * written again, because from now on the caller relies on the value, and it must survive the loss of either copy.
 * @throws what the file system throws
 */
export async function openSlotFile(options: SlotFileOptions): Promise<SlotFile> {
  const { path, kind, owner } = options
  const absent = options.mustExist ? undefined : encodeSlotCopy(kind, owner, 0, new Uint8Array())
  let handle = await openIfThere(path)
  if (handle !== undefined && (await handle.stat()).size === 0 && !options.mustExist) {
    await handle.close()
    handle = undefined
  }
  if (handle === undefined) {
    if (absent === undefined) return new SlotFile(options, undefined, lost('the file is missing'))
    await createSlotFile(path, absent)
    handle = await open(path, slotFlags)
  }
  try {
    const verdict = judgeSlotFile(await readUpTo(handle, 2 * slotAreaBytes), kind, owner)
    if (verdict.found.kind === 'damaged') {
      // Left exactly as it is: it is evidence, and the node id is retired (protocol rule 18).
      await handle.close()
      return new SlotFile(options, undefined, verdict)
    }
    const file = new SlotFile(options, handle, verdict)
    await file.restore()
    return file
  } catch (error) {
    await handle.close()
    throw error
  }
}

export class SlotFile {
  readonly kind: SlotKind
  /** What the file held when it was opened, and which copy had to be written again. */
  readonly verdict: SlotVerdict
  readonly #owner: DiskOwner
  readonly #handle: FileHandle | undefined
  #sequence: number
  #writing = false

  /** Use `openSlotFile`. */
  constructor(options: SlotFileOptions, handle: FileHandle | undefined, verdict: SlotVerdict) {
    this.kind = options.kind
    this.verdict = verdict
    this.#owner = options.owner
    this.#handle = handle
    this.#sequence = verdict.sequence
  }

  /** A damaged slot is never written again. */
  get writable(): boolean {
    return this.#handle !== undefined
  }

  /** Makes `payload` the value, durably. After a rejection the value is unknown until the file is opened again. */
  async write(payload: Uint8Array): Promise<void> {
    assert(!this.#writing, `one write of the ${this.kind} slot at a time`)
    this.#writing = true
    this.#sequence += 1
    const bytes = encodeSlotCopy(this.kind, this.#owner, this.#sequence, payload)
    // A crash before this line: both copies hold the old value.
    await this.#writeCopy(0, bytes)
    // A crash inside: the first copy is torn, the second is whole and old; nothing relied on the new value yet.
    // A crash here: the first copy is new, the second old; the newer wins, and opening brings the second up to date.
    await this.#writeCopy(1, bytes)
    this.#writing = false
  }

  /** Writes the value found to the copies that do not hold it. Only called while opening. */
  async restore(): Promise<void> {
    const { found, sequence, stale } = this.verdict
    const payload = found.kind === 'intact' ? found.bytes : new Uint8Array()
    // A crash inside tears only the copy that was no good anyway.
    for (const { copy } of stale) {
      await this.#writeCopy(copy, encodeSlotCopy(this.kind, this.#owner, sequence, payload))
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close()
  }

  async #writeCopy(copy: 0 | 1, bytes: Uint8Array): Promise<void> {
    assert(this.#handle !== undefined, `the ${this.kind} slot is damaged and never written again`)
    await writeDurably(this.#handle.fd, bytes, copy * slotAreaBytes)
  }
}

/** Makes what was created, renamed or removed in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a new file so that it is either there whole or not there: beside it first, then renamed into place. */
export async function createWhole(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(`${path}.new`, 'w', 0o600)
  try {
    await writeFully(handle, bytes, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
  // A crash here leaves a `.new` file that the next start overwrites.
  await rename(`${path}.new`, path)
  await syncDirectory(dirname(path))
}

/**
 * The whole file is written with bytes, not left as a hole: its blocks are allocated now, so a full disk can never stop a vote or a
 * lowered watermark later, and fdatasync has no metadata to write.
 */
function createSlotFile(path: string, absent: Uint8Array): Promise<void> {
  const file = new Uint8Array(2 * slotAreaBytes)
  file.set(absent, 0)
  file.set(absent, slotAreaBytes)
  return createWhole(path, file)
}

const lost = (reason: string): SlotVerdict => ({ found: { kind: 'damaged', reason }, sequence: 0, stale: [] })

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, slotFlags)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function readUpTo(handle: FileHandle, bytesMax: number): Promise<Uint8Array> {
  const out = new Uint8Array(bytesMax)
  let offset = 0
  while (offset < bytesMax) {
    const { bytesRead } = await handle.read(out, offset, bytesMax - offset, offset)
    if (bytesRead === 0) break
    offset += bytesRead
  }
  return out.subarray(0, offset)
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let offset = 0
  while (offset < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset, position + offset)
    assert(bytesWritten > 0, 'a write that wrote nothing')
    offset += bytesWritten
  }
}

/** For every write cycle of a node: a FileHandle's promises cost half as much again. */
function writeDurably(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null): void => (error === null ? resolve() : reject(error))
    const writeFrom = (offset: number): void =>
      fs.write(fd, bytes, offset, bytes.length - offset, position + offset, (error, bytesWritten) => {
        if (error !== null) reject(error)
        else if (bytesWritten === 0) reject(new Error('a write that wrote nothing'))
        else if (offset + bytesWritten < bytes.length) writeFrom(offset + bytesWritten)
        else if (areWritesDurable) resolve()
        else fs.fdatasync(fd, settle)
      })
    writeFrom(0)
  })
}

function idBytes(hex: string, length: number): Uint8Array {
  const bytes = fromHex(hex)
  assert(bytes !== undefined && bytes.length === length, `an id of ${length} bytes in hex: ${hex}`)
  return bytes
}
