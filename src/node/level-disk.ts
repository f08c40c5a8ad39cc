/**
 * The disk of a real node: LevelDB for the rows, two slot files for vote and head. It promises the order of a write cycle (vote slot,
 * then the rows as one atomic batch, then head slot, each durable before the next begins), and that nothing is written or
 * acknowledged after the first failure: what a failed fsync has left behind is unknown, and only a start finds out. LevelDB returns
 * damaged rows without a word, so every row carries a checksum and is never returned wrong. But a row can still vanish (a flipped bit in
 * LevelDB's log, in a table's index or in its Bloom filter does it): whoever must not lose one keeps a count, a sum or a chain of hashes.
 *
 *     <directory>/rows/        LevelDB; may be moved away when it is damaged: blocks come back from other members
 *     <directory>/vote.slot    incarnation, term, vote     \ losing one of these retires the node id (protocol rule 18)
 *     <directory>/head.slot    watermark, lock, register   /
 *     <directory>/disk-marker  whose directory this is, and that it was in use (disk-marker.ts)
 *
 * Supposes a local file system on which fsync of a file also makes its directory entry durable (ext4, XFS, Btrfs): LevelDB starts new
 * log files without syncing their directory.
 */
import { mkdir, readdir, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import { ClassicLevel } from 'classic-level'
import { assert } from '../chain/assert.ts'
import { compareBytes, readU32, utf8 } from '../chain/bytes.ts'
import { Refusal } from '../chain/refusal.ts'
import { DiskReadFailed, type DiskRefusalCode } from './disk-failure.ts'
import { encodeMarker, judgeMarker, readIfThere } from './disk-marker.ts'
import { checkLevelFiles } from './level-check.ts'
import type { Disk, DiskWrite, Log, Range, Row } from './ports.ts'
import { assertKey, assertRow, copyValue, firstKey } from './row-map.ts'
import { createWhole, type DiskOwner, type FoundSlot, openSlotFile, type SlotFile, syncDirectory } from './slot-file.ts'

export interface LevelDiskOptions {
  /** The node's data directory; made if it is not there. */
  readonly directory: string
  readonly owner: DiskOwner
}

export interface LevelDiskDependencies {
  readonly log: Log
  /** A failed write or fsync. Called at most once; the process logs it and stops. */
  readonly onFatal: (reason: string) => void
}

export interface OpenedDisk {
  readonly disk: LevelDisk
  /** Lets a write cycle in flight reach the disk (its `done` is not called any more), then releases the directory. */
  close(): Promise<void>
}

type Level = ClassicLevel<Uint8Array, Uint8Array>

/**
 * Measured on 38,400 records in blocks of 64, each with its journal row that is deleted soon after: a write buffer of 16 MiB instead
 * of 4 saves 29 % of the CPU, because most of those journal rows are gone before a table is written; 32 MiB saves 10 % more but
 * takes four times as long to reopen. Snappy halves the disk space of base64 text and costs nothing that could be measured.
 */
const levelOptions = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  /** Two may be held in memory at a time, and one is read again after a crash (about 0.1 s). */
  writeBufferSize: 16 * 1024 * 1024,
  /** The hot part of state and indexes; blocks are read once, in order, and need no cache. */
  cacheSize: 32 * 1024 * 1024,
  /** Larger than LevelDB's 2 MiB, so that 100 GB are 12,500 files and not 50,000; smaller than the write buffer. */
  maxFileSize: 8 * 1024 * 1024,
  /** Leaves most of the usual 1,024 descriptors of a process to sockets. */
  maxOpenFiles: 400,
  compression: true,
} as const

/** Rows and bytes that one trip of a scan to the thread pool brings: enough to make the trip cheap, little enough to hold in memory. */
const scanRowsPerTrip = 256
const scanBytesPerTrip = 256 * 1024

/** Free space changes by megabytes a second at most; intake keeps hundreds of megabytes of headroom. */
const freeBytesRefreshMs = 1000

/** Below `firstKey`, where no caller's key is. */
const markerKey = utf8('\0marker')

/**
 * Opens the disk, or makes one. LevelDB first: its lock keeps every other process away from the slot files too.
 * @throws {Refusal} disk.locked, disk.wrong-owner, disk.unknown-format, disk.unreadable
 */
export async function openLevelDisk(
  options: LevelDiskOptions,
  dependencies: LevelDiskDependencies,
): Promise<OpenedDisk> {
  const directory = resolve(options.directory)
  const { owner } = options
  const { log } = dependencies
  let level: Level | undefined
  const slotFiles: SlotFile[] = []
  try {
    const created = await mkdir(directory, { recursive: true, mode: 0o700 })
    const markerPath = join(directory, 'disk-marker')
    const inFile = judgeMarker(await readIfThere(markerPath), owner, directory)
    level = await openLevel(join(directory, 'rows'), inFile !== 'absent', log)
    const inRows = judgeMarker(level.getSync(markerKey), owner, directory)
    const wasInUse = inFile !== 'absent' || inRows !== 'absent' || (await hasRows(level))
    const slot = (kind: 'vote' | 'head', mustExist: boolean) =>
      openSlotFile({ path: join(directory, `${kind}.slot`), kind, owner, mustExist })
    const vote = await slot('vote', wasInUse)
    slotFiles.push(vote)
    // Without a marker, a vote slot that was ever written, or is damaged, is itself the proof of an earlier life.
    const head = await slot('head', wasInUse || vote.verdict.found.kind !== 'absent')
    slotFiles.push(head)
    // A crash before this line: slot files that hold nothing, no marker, no rows; the next start is again a first start.
    if (inRows !== 'intact') await level.batch().put(markerKey, encodeMarker(owner)).write({ sync: true })
    if (inFile !== 'intact') await createWhole(markerPath, encodeMarker(owner))
    // A crash between the two: one marker is enough to know, and the next start writes the other.
    await syncDirectory(join(directory, 'rows'))
    await syncDirectory(directory)
    await syncCreated(created, directory)
    if (wasInUse && inFile !== 'intact') log.warn('disk-marker-restored', { place: 'file', found: inFile })
    if (wasInUse && inRows !== 'intact') log.warn('disk-marker-restored', { place: 'rows', found: inRows })
    for (const file of slotFiles) logSlot(file, log)
    const disk = new LevelDisk(dependencies, level, { vote, head }, directory, await freeBytesOf(directory))
    return { disk, close: () => disk.close() }
  } catch (error) {
    for (const file of slotFiles) await file.close()
    await level?.close()
    if (error instanceof Refusal) throw error
    throw refused('disk.unreadable', `${directory}: ${messageOf(error)}`)
  }
}

export class LevelDisk implements Disk {
  readonly #dependencies: LevelDiskDependencies
  readonly #level: Level
  readonly #slotFiles: { readonly vote: SlotFile; readonly head: SlotFile }
  readonly #refresh: NodeJS.Timeout
  #freeBytes: number
  /** Set for ever by the first failure and by `close`: nothing is written or acknowledged any more. */
  #stopped = false
  #writing = false
  #lastCycle: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  /** Use `openLevelDisk`. */
  constructor(
    dependencies: LevelDiskDependencies,
    level: Level,
    slotFiles: { readonly vote: SlotFile; readonly head: SlotFile },
    directory: string,
    freeBytes: number,
  ) {
    this.#dependencies = dependencies
    this.#level = level
    this.#slotFiles = slotFiles
    this.#freeBytes = freeBytes
    this.#refresh = this.#refreshFreeBytes(directory)
  }

  /** @throws {DiskReadFailed} when LevelDB cannot read the row, or returns other bytes than were written */
  get(key: Uint8Array): Uint8Array | undefined {
    assertKey(key)
    let stored: Uint8Array | undefined
    try {
      stored = this.#level.getSync(key)
    } catch (error) {
      throw new DiskReadFailed(messageOf(error), { cause: error })
    }
    if (stored === undefined) return undefined
    const value = valueIfChecked(key, stored)
    if (value === undefined) throw new DiskReadFailed('a row does not match its checksum')
    return value
  }

  /** @throws {DiskReadFailed} as `get` */
  getInto(key: Uint8Array, into: Uint8Array): number | undefined {
    const value = this.get(key)
    const length = copyValue(value, into)
    // classic-level made it for this call, outside V8's heap, where the collector would count it until it next ran: of pages of old records
    // that alone made it run every thirty pages.
    if (value?.buffer instanceof ArrayBuffer && value.buffer.byteLength === value.length + checksumBytes)
      value.buffer.transfer(0)
    return length
  }

  scan(
    range: Range,
    visit: (key: Uint8Array, value: Uint8Array) => boolean | undefined,
    done: (whole: boolean) => void,
  ): void {
    if (this.#stopped) return
    let whole = true
    // The iterator reads from a snapshot of this moment.
    const rows = this.#level.iterator({
      gte: compareBytes(range.gte, firstKey) < 0 ? firstKey : range.gte,
      lt: range.lt,
      reverse: range.reverse ?? false,
      limit: range.limit ?? -1,
      highWaterMarkBytes: scanBytesPerTrip,
      fillCache: false,
    })
    const next = (): void => {
      rows.nextv(scanRowsPerTrip).then(take, fail)
    }
    // LevelDB goes no further; what lies behind is not known.
    const fail = (error: unknown): void => {
      this.#dependencies.log.error('disk-scan-failed', { reason: messageOf(error) })
      whole = false
      close()
    }
    const take = (batch: readonly [Uint8Array, Uint8Array][]): void => {
      if (this.#stopped) return
      const goesOn = batch.every(([key, stored]) => {
        const value = valueIfChecked(key, stored)
        if (value !== undefined) return visit(plain(key), value) !== false
        this.#dependencies.log.error('disk-row-damaged', { reason: 'checksum' })
        whole = false
        return true
      })
      if (batch.length > 0 && goesOn) next()
      else close()
    }
    const close = (): void => {
      rows.close().then(end, end)
    }
    const end = (): void => {
      if (!this.#stopped) done(whole)
    }
    next()
  }

  write(write: DiskWrite, done: () => void): void {
    if (this.#stopped) return
    assert(!this.#writing, 'one write cycle in flight')
    assert(
      write.vote === undefined || this.#slotFiles.vote.writable,
      'the vote slot is damaged and never written again',
    )
    assert(
      write.head === undefined || this.#slotFiles.head.writable,
      'the head slot is damaged and never written again',
    )
    const rows = write.rows ?? []
    for (const row of rows) assertRow(row)
    this.#writing = true
    this.#lastCycle = this.#cycle(write, rows).catch((error: unknown) => this.#fail(`disk write: ${messageOf(error)}`))
    void this.#lastCycle.then(() => {
      if (this.#stopped) return
      this.#writing = false
      done()
    })
  }

  /** What the slot files held when the disk was opened; a damaged one says why. */
  slots(): { readonly vote: FoundSlot; readonly head: FoundSlot } {
    return { vote: this.#slotFiles.vote.verdict.found, head: this.#slotFiles.head.verdict.found }
  }

  /** Bytes free to this process on the file system of the data directory, as of at most about a second ago. */
  freeBytes(): number {
    return this.#freeBytes
  }

  /** See `OpenedDisk.close`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#refresh)
    await this.#lastCycle
    await this.#slotFiles.vote.close()
    await this.#slotFiles.head.close()
    // Last: it releases the lock.
    await this.#level.close()
  }

  async #cycle(write: DiskWrite, rows: readonly Row[]): Promise<void> {
    if (write.vote !== undefined) await this.#slotFiles.vote.write(write.vote)
    // A crash here: the new vote stands, no row and no head of this cycle does. Harmless: a vote only ever forbids.
    if (rows.length > 0) await this.#batchOf(rows).write({ sync: true })
    // A crash here: all rows of the cycle are there (one atomic record of LevelDB's log), the head is the old one. Blocks above its
    // watermark are a crash tail, which start-up truncates; rows that were deleted here lie above the lowered watermark that an
    // earlier cycle made durable (rule 11).
    if (write.head !== undefined) await this.#slotFiles.head.write(write.head)
    // A crash here: everything is durable and nobody was told. What was promised to nobody may still be kept.
  }

  #batchOf(rows: readonly Row[]) {
    const batch = this.#level.batch()
    for (const { key, value } of rows) {
      if (value === undefined) batch.del(key)
      else batch.put(key, withChecksum(key, value))
    }
    return batch
  }

  #fail(reason: string): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#dependencies.onFatal(reason)
  }

  #refreshFreeBytes(directory: string): NodeJS.Timeout {
    let asking = false
    let failed = false
    const refresh = async (): Promise<void> => {
      if (asking) return
      asking = true
      try {
        this.#freeBytes = await freeBytesOf(directory)
        failed = false
      } catch (error) {
        if (!failed) this.#dependencies.log.warn('disk-free-bytes-unknown', { reason: messageOf(error) })
        failed = true
      }
      asking = false
    }
    return setInterval(() => void refresh(), freeBytesRefreshMs).unref()
  }
}

/**
 * LevelDB takes a folder without its file CURRENT for a new database and deletes all tables in it. So in a directory that was in use a
 * database is made only where the whole folder is gone (moved away by the operator).
 */
async function openLevel(path: string, wasInUse: boolean, log: Log): Promise<Level> {
  const createIfMissing = !wasInUse || !(await hasLevelFiles(path))
  const { tables, logs } = await checkLevelFiles(path)
  if (tables.length > 0) throw refused('disk.unreadable', `${path}: ${tables.join('; ')}`)
  // What LevelDB leaves out without a word may be anything that was written last: blocks are missed by the watermark, receipts by their
  // count, what is derived by its sum.
  for (const reason of logs) log.error('disk-log-damaged', { reason })
  const level: Level = new ClassicLevel(path, { ...levelOptions, createIfMissing })
  try {
    await level.open()
    return level
  } catch (error) {
    throw openingFailed(path, error)
  }
}

function openingFailed(path: string, error: unknown): Refusal {
  const cause = error instanceof Error ? error.cause : undefined
  const code: DiskRefusalCode =
    cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED' ? 'disk.locked' : 'disk.unreadable'
  return refused(code, `${path}: ${messageOf(cause ?? error)}`)
}

/**
 * Holds a directory against every other process and every other holder in this one, for as long as this process lives or until it is released.
 * The lock is LevelDB's, which the end of the process lifts however it ends.
 * @throws {Refusal} disk.locked, disk.unreadable
 */
export async function holdDirectory(directory: string): Promise<() => Promise<void>> {
  try {
    await mkdir(directory, { recursive: true })
  } catch (error) {
    throw refused('disk.unreadable', messageOf(error))
  }
  const level: Level = new ClassicLevel(directory, levelOptions)
  try {
    await level.open()
  } catch (error) {
    throw openingFailed(directory, error)
  }
  return () => level.close()
}

async function hasLevelFiles(path: string): Promise<boolean> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  // LOCK and LOG are made by every attempt to open.
  return names.some((name) => name !== 'LOCK' && !name.startsWith('LOG'))
}

async function hasRows(level: Level): Promise<boolean> {
  const rows = level.iterator({ limit: 1, values: false })
  const found = await rows.nextv(1)
  await rows.close()
  return found.length > 0
}

/** The entries of the directories that `mkdir` made, from the data directory up to the first one. */
async function syncCreated(firstCreated: string | undefined, directory: string): Promise<void> {
  if (firstCreated === undefined) return
  for (let path = directory; path.length >= firstCreated.length; path = dirname(path))
    await syncDirectory(dirname(path))
}

function logSlot(file: SlotFile, log: Log): void {
  const { found, stale } = file.verdict
  if (found.kind === 'damaged') log.error('disk-slot-damaged', { slot: file.kind, reason: found.reason })
  for (const { copy, reason } of stale) log.warn('disk-slot-copy-restored', { slot: file.kind, copy, reason })
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

const refused = (code: DiskRefusalCode, detail: string): Refusal => new Refusal(code, detail)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A stored row is the value and the CRC-32, big-endian, of value and key: rot is not malice, and this runs on every read of state. */
const checksumBytes = 4

// The value first: for no bytes, zlib's crc32 forgets what it was to go on from. A key has bytes.
const checksumOf = (key: Uint8Array, value: Uint8Array): number => crc32(key, crc32(value))

function withChecksum(key: Uint8Array, value: Uint8Array): Uint8Array {
  // From Node's pool when it is small: a buffer of its own would outlive the call only as work for the garbage collector.
  const stored = Buffer.allocUnsafe(value.length + checksumBytes)
  stored.set(value)
  stored.writeUInt32BE(checksumOf(key, value), value.length)
  return stored
}

/** Undefined: these are not the bytes that were written. */
function valueIfChecked(key: Uint8Array, stored: Uint8Array): Uint8Array | undefined {
  const length = stored.length - checksumBytes
  if (length < 0) return undefined
  // classic-level hands out Buffers, whose `slice` is a view: the same memory, as a plain Uint8Array.
  const value = new Uint8Array(stored.buffer, stored.byteOffset, length)
  return readU32(stored, length) === checksumOf(key, value) ? value : undefined
}

/** See there. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
