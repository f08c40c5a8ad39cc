/**
 * Deterministic CBOR (RFC 8949 §4.2.1), the one binary format of the ledger: blocks, batches, certificates, messages, slot files.
 * Structures are arrays that begin with a format version. Decoding is strict: what was read is encoded again and compared, so a
 * value has exactly one spelling and a hash of the bytes is a hash of the value.
 */

import { decode } from 'cborg'
import { sha256 } from '#crypto'
import { equalBytes, utf8, writeU32 } from './bytes.ts'

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
 * Arrays, byte strings, text, safe integers, booleans, null; nothing else is encodable. Written by hand, because every statement id, every state
 * row and everything that is decoded passes here: twice as fast as the codec, which a test holds it equal to.
 * @throws {CborError} for anything else
 */
export function encodeCbor(value: CborValue): Uint8Array {
  return encoded(value).slice()
}

/** SHA-256 of a value's one spelling, which is not kept. */
export const hashOfCbor = (value: CborValue): Uint8Array => sha256(encoded(value))

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
  refuseExcess(bytes)
  let value: CborValue
  try {
    value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
      useMaps: true,
    })
    assertPlain(value)
    if (!equalBytes(encoded(value), bytes)) throw new CborError('not the deterministic spelling')
  } catch (error) {
    if (error instanceof CborError) throw error
    // cborg throws plain Errors.
    throw new CborError(error instanceof Error ? error.message : String(error))
  }
  return value
}

/**
 * Looks at heads only and makes nothing: whether lengths stay within what is there, and depth and number of items within their bounds.
 * Whether it is the right spelling is for the codec to say, which then never sees what could cost much.
 */
function refuseExcess(bytes: Uint8Array): void {
  /** Items still to come of each open array, the innermost last. */
  const open: number[] = []
  let items = 0
  for (let at = 0; at < bytes.length; ) {
    const head = bytes[at]!
    const major = head >> 5
    let length = head & 31
    at++
    if (length > 23) {
      if (length > 27) throw new CborError('no length of this spelling')
      const lengthBytes = 2 ** (length - 24)
      if (at + lengthBytes > bytes.length) throw new CborError('it ends within a length')
      length = 0
      for (const end = at + lengthBytes; at < end; at++) length = length * 256 + bytes[at]!
    }
    if (major === byteString || major === textString) {
      if (length > bytes.length - at) throw new CborError('a length beyond the end')
      at += length
    } else if (major === array) {
      items += length
      if (items > cborItemsMax) throw new CborError(`more than ${cborItemsMax} items`)
      open.push(length)
      if (open.length > cborDepthMax) throw new CborError(`nested more than ${cborDepthMax} deep`)
      if (length > 0) continue
      open.pop()
    } else if (major === map || major === tag)
      throw new CborError('only arrays, bytes, text, integers, booleans and null')
    while (open.length > 0 && --open[open.length - 1]! === 0) open.pop()
    if (open.length === 0 && at < bytes.length) throw new CborError('bytes left over')
  }
}
const [byteString, textString, array, map, tag] = [2, 3, 4, 5, 6]

function assertPlain(value: CborValue): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || value instanceof Uint8Array) return
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new CborError('only safe integers')
    return
  }
  if (!Array.isArray(value)) throw new CborError('only arrays, bytes, text, integers, booleans and null')
  for (const item of value) assertPlain(item)
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
