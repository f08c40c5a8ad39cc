/**
 * Deterministic CBOR (RFC 8949 §4.2.1), the one binary format of the ledger: blocks, batches, certificates, messages, slot files.
 * Structures are arrays that begin with a format version. Reading is strict: a value has exactly one spelling, so that a hash of the bytes is a
 * hash of the value. Both ways are written by hand, because every message, block, statement id and state row passes here; tests hold them
 * equal to a codec of others, on whatever bytes.
 */
import { sha256Hex } from '#crypto'
import { utf8, writeU32 } from './bytes.ts'

export type CborValue = null | boolean | number | string | Uint8Array | readonly CborValue[]

/** The bytes are not the deterministic spelling of a value that the ledger uses. */
export class CborError extends Error {
  override readonly name = 'CborError'
}

/** Arrays inside each other; nothing of ours needs more than 8. */
export const cborDepthMax = 16
/**
 * Items of all arrays of one value. The longest list that a member can have others write is 4,096 unattested sizes of three items each; a
 * message of a million items would take seconds to read and read again.
 */
export const cborItemsMax = 32_768

/**
 * Arrays, byte strings, text, safe integers, booleans, null; nothing else is encodable.
 * @throws {CborError} for anything else
 */
export function encodeCbor(value: CborValue): Uint8Array {
  return encoded(value).slice()
}

/** SHA-256, in hex, of a value's one spelling, which is not kept. */
export const hashOfCbor = (value: CborValue): string => sha256Hex(encoded(value))

/** A view of the scratch buffer, good until the next value is encoded. */
function encoded(value: CborValue): Uint8Array {
  end = 0
  write(value)
  return scratch.subarray(0, end)
}

/** Grows to what the largest value needed: a message is little over 1 MiB. */
let scratch = new Uint8Array(65_536)
let end = 0

function makeRoom(bytes: number): void {
  if (end + bytes <= scratch.length) return
  const larger = new Uint8Array(Math.max(end + bytes, 2 * scratch.length))
  larger.set(scratch.subarray(0, end))
  scratch = larger
}

function write(value: CborValue): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new CborError('only safe integers')
    if (value >= 0) writeHead(0, value)
    else writeHead(0x20, -1 - value)
  } else if (typeof value === 'string') writeText(value)
  else if (value instanceof Uint8Array) {
    writeHead(0x40, value.length)
    makeRoom(value.length)
    scratch.set(value, end)
    end += value.length
  } else if (Array.isArray(value)) {
    writeHead(0x80, value.length)
    for (const item of value as readonly CborValue[]) write(item)
  } else if (value === null || typeof value === 'boolean') {
    makeRoom(1)
    scratch[end++] = value === null ? 0xf6 : value ? 0xf5 : 0xf4
  } else throw new CborError('only arrays, bytes, text, integers, booleans and null')
}

/** The shortest spelling of a length or number. */
function writeHead(major: number, length: number): void {
  makeRoom(9)
  if (length < 24) scratch[end++] = major | length
  else if (length < 0x100) {
    scratch[end++] = major | 24
    scratch[end++] = length
  } else if (length < 0x10000) {
    scratch[end++] = major | 25
    scratch[end++] = length >> 8
    scratch[end++] = length
  } else if (length < 0x1_0000_0000) {
    scratch[end++] = major | 26
    writeU32(scratch, end, length)
    end += 4
  } else {
    scratch[end++] = major | 27
    writeU32(scratch, end, Math.floor(length / 0x1_0000_0000))
    writeU32(scratch, end + 4, length % 0x1_0000_0000)
    end += 8
  }
}

/** Almost all text is short and ASCII: one byte for each character, which shows while it is written. */
function writeText(text: string): void {
  const start = end
  writeHead(0x60, text.length)
  makeRoom(text.length)
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) {
      end = start
      const bytes = utf8(text)
      writeHead(0x60, bytes.length)
      makeRoom(bytes.length)
      scratch.set(bytes, end)
      end += bytes.length
      return
    }
    scratch[end++] = code
  }
}

/** @throws {CborError} on anything but the deterministic spelling, including bytes left over, deep nesting and too many items */
export function decodeCbor(bytes: Uint8Array): CborValue {
  // A Buffer's slices are views of it, and Buffers.
  source = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  position = 0
  items = 0
  try {
    const value = read(0)
    if (position < bytes.length) throw new CborError('bytes left over')
    return value
  } finally {
    source = nothing
  }
}

const nothing: Uint8Array = new Uint8Array(0)
/** What is being read, and how far. Reading calls nobody who could read another meanwhile. */
let source = nothing
let position = 0
/** Of all arrays so far, also those still to come: counted at the head of an array, before anything is made of it. */
let items = 0

function read(depth: number): CborValue {
  if (position >= source.length) throw new CborError('it ends before its value')
  const head = source[position++]!
  const major = head >> 5
  if (major === simple) {
    if (head === 0xf6) return null
    if (head === 0xf5) return true
    if (head === 0xf4) return false
    throw notOurs()
  }
  const length = readLength(head & 31)
  switch (major) {
    case natural:
      return length
    case negative:
      if (length >= Number.MAX_SAFE_INTEGER) throw new CborError('only safe integers')
      return -1 - length
    case byteString:
      // A copy: whoever keeps a hash must not keep the message that it came in.
      return source.slice(position, skip(length))
    case textString:
      return readText(position, skip(length))
    case array:
      return readArray(length, depth + 1)
    default:
      throw notOurs()
  }
}
const [natural, negative, byteString, textString, array, simple] = [0, 1, 2, 3, 4, 7]

const notOurs = (): CborError => new CborError('only arrays, bytes, text, integers, booleans and null')

/** The number that follows a head; only its shortest spelling, and only safe integers. */
function readLength(short: number): number {
  if (short < 24) return short
  if (short > 27) throw new CborError('no length of this spelling')
  const lengthBytes = 1 << (short - 24)
  if (lengthBytes > source.length - position) throw new CborError('it ends within a length')
  let length = 0
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + source[position++]!
  if (length > Number.MAX_SAFE_INTEGER) throw new CborError('only safe integers')
  if (length < (lengthBytes === 1 ? 24 : 256 ** (lengthBytes / 2))) throw new CborError('a longer spelling than needed')
  return length
}

/** Past bytes that are said to be there; where they end. */
function skip(length: number): number {
  if (length > source.length - position) throw new CborError('a length beyond the end')
  position += length
  return position
}

function readArray(length: number, depth: number): readonly CborValue[] {
  items += length
  if (items > cborItemsMax) throw new CborError(`more than ${cborItemsMax} items`)
  if (depth > cborDepthMax) throw new CborError(`nested more than ${cborDepthMax} deep`)
  const values: CborValue[] = []
  for (let i = 0; i < length; i++) values.push(read(depth))
  return values
}

/** Almost all text is short and ASCII. */
function readText(from: number, to: number): string {
  if (to - from < shortTextBytes) {
    let text = ''
    for (let i = from; i < to; i++) {
      const code = source[i]!
      if (code > 0x7f) return decodedText(from, to)
      text += String.fromCharCode(code)
    }
    return text
  }
  return decodedText(from, to)
}
const shortTextBytes = 32

const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodedText(from: number, to: number): string {
  let text: string
  try {
    text = textDecoder.decode(source.subarray(from, to))
  } catch {
    throw new CborError('a text that is not UTF-8')
  }
  // The codec that read here once dropped it, and then missed it: no ledger has such a text.
  if (text.charCodeAt(0) === 0xfeff) throw new CborError('a text that begins with a byte order mark')
  return text
}

/** Readers for the fields of a decoded array; each throws a CborError that names the field. */
export const field = {
  array(value: CborValue | undefined, name: string, length?: number): readonly CborValue[] {
    if (!Array.isArray(value) || (length !== undefined && value.length !== length))
      throw wrong(name, 'an array', length)
    return value
  },
  bytes(value: CborValue | undefined, name: string, length?: number): Uint8Array {
    if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) {
      throw wrong(name, 'bytes', length)
    }
    return value
  },
  text(value: CborValue | undefined, name: string, lengthMax = 256): string {
    if (typeof value !== 'string' || value.length > lengthMax) throw wrong(name, 'text', lengthMax)
    return value
  },
  natural(value: CborValue | undefined, name: string, max: number = Number.MAX_SAFE_INTEGER): number {
    if (typeof value !== 'number' || value < 0 || value > max) throw wrong(name, 'a natural number', max)
    return value
  },
  boolean(value: CborValue | undefined, name: string): boolean {
    if (typeof value !== 'boolean') throw wrong(name, 'a boolean')
    return value
  },
} as const

function wrong(name: string, expected: string, size?: number): CborError {
  return new CborError(`${name}: expected ${expected}${size === undefined ? '' : ` (${size})`}`)
}
