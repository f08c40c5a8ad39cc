/**
 * Deterministic CBOR (RFC 8949 §4.2.1), the one binary format of the ledger: blocks, batches, certificates, messages, slot files.
 * Structures are arrays that begin with a format version. Decoding is strict: what was read is encoded again and compared, so a
 * value has exactly one spelling and a hash of the bytes is a hash of the value.
 */
import { decode, encode } from 'cborg'
import { equalBytes } from './bytes.ts'

export type CborValue = null | boolean | number | string | Uint8Array | readonly CborValue[]

/** The bytes are not the deterministic spelling of a value that the ledger uses. */
export class CborError extends Error {
  override readonly name = 'CborError'
}

/** Arrays, byte strings, text, safe integers, booleans, null; nothing else is encodable. */
export function encodeCbor(value: CborValue): Uint8Array {
  const bytes = encode(value)
  // In Node cborg sometimes returns a Buffer, whose `slice` is a view where everybody else's is a copy.
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** @throws {CborError} on anything but the deterministic spelling, including bytes left over and deep nesting */
export function decodeCbor(bytes: Uint8Array): CborValue {
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
    if (!equalBytes(encode(value), bytes)) throw new CborError('not the deterministic spelling')
  } catch (error) {
    if (error instanceof CborError) throw error
    // cborg throws plain Errors; a RangeError is its recursion on deep nesting (layout.md, decision 11).
    throw new CborError(error instanceof Error ? error.message : String(error))
  }
  return value
}

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
