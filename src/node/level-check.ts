/**
 * Reads LevelDB's files as a stranger would and compares every checksum that LevelDB wrote into them. LevelDB itself does not: classic-level
 * exposes neither `paranoid_checks` nor `verify_checksums`, so a damaged table is read as if it were whole. Its index and Bloom filter then
 * hide rows that are there, its compaction stops for good, and its assertions end the process (all measured). So the tables are read once
 * before LevelDB sees them, and it never opens one that is damaged. What the log and MANIFEST hold LevelDB checks itself; of the log it drops
 * what is damaged without a word, so that is told here.
 *
 * A process that ends while LevelDB writes a table leaves a torn one, which MANIFEST does not name yet: LevelDB deletes it unread when it opens, so
 * it is no damage.
 *
 * Formats: `table_format.md`, `log_format.md` and `impl.md` in LevelDB's `doc`; a version edit in `version_edit.cc`.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { concat } from '../chain/bytes.ts'

/** What is wrong with which file: `000005.ldb: checksum of the block at 4096`. */
export type FileDamage = string

export interface LevelDamage {
  /** LevelDB must not open these. */
  readonly tables: readonly FileDamage[]
  /** LevelDB opens without these: rows that were written last, in the middle or at the end. */
  readonly logs: readonly FileDamage[]
}

/** All tables and logs of a folder; none if there is no such folder. */
export async function checkLevelFiles(path: string): Promise<LevelDamage> {
  const tables: FileDamage[] = []
  const logs: FileDamage[] = []
  const named = await tablesNamed(path)
  for (const name of await namesIn(path)) {
    const isTable = /^\d+\.(ldb|sst)$/.test(name)
    if (!isTable && !/^\d+\.log$/.test(name)) continue
    if (isTable && named?.has(Number.parseInt(name, 10)) === false) continue
    // One file at a time, 8 MiB or one write buffer: a start must not need more memory than the node has when it runs.
    const bytes = await readFile(join(path, name))
    const damage = isTable ? damageOfTable(bytes) : damageOfLog(bytes)
    if (damage !== undefined) (isTable ? tables : logs).push(`${name}: ${damage}`)
  }
  return { tables, logs }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

// ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const footerBytes = 48
const tableMagic = 0xdb4775248b80fb57n
/** Behind every block: one byte that says whether it is compressed, and the checksum of both. */
const trailerBytes = 5

interface BlockHandle {
  readonly offset: number
  readonly size: number
}

class Malformed extends Error {}

/** Every block there is has its checksum, and there is nothing between them: no byte of the file is believed unseen. */
export function damageOfTable(bytes: Uint8Array): string | undefined {
  try {
    checkTable(bytes)
    return undefined
  } catch (error) {
    if (error instanceof Malformed || error instanceof RangeError) return error.message
    throw error
  }
}

function checkTable(bytes: Uint8Array): void {
  const footerAt = bytes.length - footerBytes
  if (footerAt < 0) throw new Malformed('shorter than a footer')
  const footer = bytes.subarray(footerAt)
  if (viewOf(footer).getBigUint64(40, true) !== tableMagic) throw new Malformed('does not end as a table does')
  const handles = new Reader(footer.subarray(0, 40))
  const metaIndex = handles.handle()
  const index = handles.handle()
  if (!handles.rest().every((byte) => byte === 0)) throw new Malformed('footer')
  const data = entriesOf(blockAt(bytes, index)).map((value) => new Reader(value).handle())
  const meta = entriesOf(blockAt(bytes, metaIndex)).map((value) => new Reader(value).handle())
  let at = 0
  for (const { offset, size } of [...data, ...meta, metaIndex, index]) {
    if (offset !== at) throw new Malformed(`no block at ${at}`)
    checkBlock(bytes, { offset, size })
    at = offset + size + trailerBytes
  }
  if (at !== footerAt) throw new Malformed(`no block at ${at}`)
}

function checkBlock(bytes: Uint8Array, { offset, size }: BlockHandle): void {
  if (offset + size + trailerBytes > bytes.length) throw new Malformed(`the block at ${offset} is cut off`)
  const stored = viewOf(bytes).getUint32(offset + size + 1, true)
  if (stored !== masked(crc32c(bytes, offset, offset + size + 1)))
    throw new Malformed(`checksum of the block at ${offset}`)
}

/** A block's content, checked and uncompressed. */
function blockAt(bytes: Uint8Array, handle: BlockHandle): Uint8Array {
  checkBlock(bytes, handle)
  const content = bytes.subarray(handle.offset, handle.offset + handle.size)
  const kind = bytes[handle.offset + handle.size]
  if (kind === 0) return content
  if (kind === 1) return uncompressed(content)
  throw new Malformed(`the block at ${handle.offset} is compressed in a way that is not known`)
}

/** The values of a block, in order. */
function entriesOf(block: Uint8Array): Uint8Array[] {
  if (block.length < 4) throw new Malformed('a block without an end')
  const restarts = viewOf(block).getUint32(block.length - 4, true)
  const end = block.length - 4 - 4 * restarts
  if (end < 0) throw new Malformed('a block of restarts only')
  const reader = new Reader(block.subarray(0, end))
  const values: Uint8Array[] = []
  while (!reader.isAtEnd) {
    reader.varint() // bytes shared with the key before
    const keyBytes = reader.varint()
    const valueBytes = reader.varint()
    reader.take(keyBytes)
    values.push(reader.take(valueBytes))
  }
  return values
}

/** Snappy, as far as LevelDB writes it (google/snappy, format_description.txt). */
function uncompressed(bytes: Uint8Array): Uint8Array {
  const reader = new Reader(bytes)
  const length = reader.varint()
  // An index of 8 MiB of blocks is some 100 KB; what says more is not believed.
  if (length > 64 * 1024 * 1024) throw new Malformed('a compressed block that is too large')
  const out = new Uint8Array(length)
  let at = 0
  while (!reader.isAtEnd) {
    const tag = reader.byte()
    if ((tag & 3) === 0) {
      const small = tag >>> 2
      const count = 1 + (small < 60 ? small : reader.number(small - 59))
      const literal = reader.take(count)
      if (at + count > length) throw new Malformed('a compressed block that overflows')
      out.set(literal, at)
      at += count
      continue
    }
    const isShort = (tag & 3) === 1
    const count = isShort ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const back = isShort ? ((tag >>> 5) << 8) | reader.byte() : reader.number((tag & 3) === 2 ? 2 : 4)
    if (back === 0 || back > at || at + count > length) throw new Malformed('a compressed block that points outside')
    for (let i = 0; i < count; i++, at++) out[at] = out[at - back]!
  }
  if (at !== length) throw new Malformed('a compressed block that is too short')
  return out
}

// ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const logBlockBytes = 32 * 1024
const recordHeaderBytes = 7

/**
 * What is no whole record, unless it is how a crash leaves the end of a file: a record cut off by the end, or zeros to the end. A record
 * that is there in full length and has another checksum was changed, or a power cut tore a write that nobody was told of: which, cannot
 * be seen here.
 */
export function damageOfLog(bytes: Uint8Array): string | undefined {
  const view = viewOf(bytes)
  let at = 0
  while (at < bytes.length) {
    const blockEnd = Math.min(bytes.length, (Math.floor(at / logBlockBytes) + 1) * logBlockBytes)
    if (blockEnd - at < recordHeaderBytes) {
      at = blockEnd
      continue
    }
    const length = view.getUint16(at + 4, true)
    const kind = bytes[at + 6]!
    if (kind === 0 && length === 0 && isZero(bytes, at)) return undefined
    const end = at + recordHeaderBytes + length
    if (end > blockEnd) return blockEnd === bytes.length ? undefined : `length of the record at ${at}`
    if (kind < 1 || kind > 4) return `kind of the record at ${at}`
    if (view.getUint32(at, true) !== masked(crc32c(bytes, at + 6, end))) return `checksum of the record at ${at}`
    at = end
  }
  return undefined
}

/** Records of a log that `damageOfLog` finds whole, put together from their fragments. */
function* recordsOf(bytes: Uint8Array): Generator<Uint8Array> {
  const view = viewOf(bytes)
  let fragments: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    const blockEnd = Math.min(bytes.length, (Math.floor(at / logBlockBytes) + 1) * logBlockBytes)
    const kind = bytes[at + 6]
    const end = blockEnd - at < recordHeaderBytes ? blockEnd : at + recordHeaderBytes + view.getUint16(at + 4, true)
    if (end > blockEnd || kind === 0) return // how a crash leaves it
    if (blockEnd - at >= recordHeaderBytes) {
      if (kind === fragment.full || kind === fragment.first) fragments = []
      fragments.push(bytes.subarray(at + recordHeaderBytes, end))
      if (kind === fragment.full || kind === fragment.last) yield concat(...fragments)
    }
    at = end
  }
}
const fragment = { full: 1, first: 2, middle: 3, last: 4 } as const

// ── which tables there are ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Numbers of the tables that LevelDB will open; undefined where MANIFEST does not say so without a doubt: then all are looked at. */
async function tablesNamed(path: string): Promise<ReadonlySet<number> | undefined> {
  try {
    const current = await readFile(join(path, 'CURRENT'), 'utf8')
    if (!/^MANIFEST-\d+\n$/.test(current)) return undefined
    const manifest = await readFile(join(path, current.trimEnd()))
    if (damageOfLog(manifest) !== undefined) return undefined
    const tables = new Set<number>()
    for (const record of recordsOf(manifest)) applyEdit(new Reader(record), tables)
    return tables
  } catch (error) {
    if (error instanceof Malformed || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** One version edit: fields in any order, each behind its tag. Within one, what is deleted is named before what is new. */
function applyEdit(edit: Reader, tables: Set<number>): void {
  while (!edit.isAtEnd) {
    const tag = edit.varint()
    switch (tag) {
      case 1: // name of the comparator
        edit.text()
        break
      case 2: // numbers of the log, of the next file, of the last write, of the log before
      case 3:
      case 4:
      case 9:
        edit.varint()
        break
      case 5: // where the next compaction of a level begins
        edit.varint()
        edit.text()
        break
      case 6: // a table that is gone
        edit.varint()
        tables.delete(edit.varint())
        break
      case 7: // a new one: level, number, size, first and last key
        edit.varint()
        tables.add(edit.varint())
        edit.varint()
        edit.text()
        edit.text()
        break
      default:
        throw new Malformed(`tag ${tag} of a version edit`)
    }
  }
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

// ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    if (this.isAtEnd) throw new Malformed('a block that ends too early')
    return this.#bytes[this.#at++]!
  }

  /** Little-endian. */
  number(bytes: number): number {
    let value = 0
    for (let i = 0; i < bytes; i++) value += this.byte() * 2 ** (8 * i)
    return value
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new Malformed('a number that does not end')
  }

  handle(): BlockHandle {
    return { offset: this.varint(), size: this.varint() }
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new Malformed('a block that ends too early')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  /** Bytes behind their length. */
  text(): Uint8Array {
    return this.take(this.varint())
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** LevelDB's own twist, so that a checksum of bytes that contain checksums is no trouble. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0

/** CRC-32C (Castagnoli), which Node does not have; eight bytes at a time. */
function crc32c(bytes: Uint8Array, from: number, to: number): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = crcTables as unknown as readonly [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  let crc = 0xffffffff
  let at = from
  for (; at + 8 <= to; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/** The first is the usual table; the n-th is what a byte does n bytes later. */
const crcTables: readonly Uint32Array[] = tablesOf(0x82f63b78)

function tablesOf(polynomial: number): Uint32Array[] {
  const first = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    first[byte] = crc
  }
  const tables = [first]
  for (let n = 1; n < 8; n++) {
    const before = tables[n - 1]!
    tables.push(Uint32Array.from(before, (crc) => (crc >>> 8) ^ first[crc & 0xff]!))
  }
  return tables
}
