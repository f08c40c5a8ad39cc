/**
 * Byte strings: comparison, concatenation, and the spellings (hex, base64, base64url, UTF-8) in which they enter and leave.
 * Every decoder accepts one spelling only: what it returns encodes back to exactly what it was given.
 */

/** A SHA-256 digest: 32 bytes. */
export type Digest = Uint8Array

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const utf8 = (text: string): Uint8Array => codec.utf8(text)

/** Strict UTF-8; throws a TypeError on malformed input. Keeps a byte order mark (it is part of the text). */
export const fromUtf8 = (bytes: Uint8Array): string => strictDecoder.decode(bytes)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  // Blocks are compared with their own re-encoding: a native comparison is some twenty times faster there.
  if (a.length > 256 && typeof Buffer === 'function') return Buffer.compare(a, b) === 0
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order, shorter first on a common prefix; the order of LevelDB keys. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** Lower-case hex. */
export const toHex = (bytes: Uint8Array): string => codec.encode(bytes, 'hex')

/** Lower-case hex only; undefined for anything else. By hand: most are ids of 32 bytes, and that takes a fifth of the time of any codec and a comparison. */
export function fromHex(text: string): Uint8Array | undefined {
  const { length } = text
  if (length % 2 !== 0) return undefined
  const bytes = new Uint8Array(length / 2)
  for (let i = 0; i < length; i += 2) {
    const high = hexDigit(text.charCodeAt(i))
    const low = hexDigit(text.charCodeAt(i + 1))
    if (high < 0 || low < 0) return undefined
    bytes[i >> 1] = (high << 4) | low
  }
  return bytes
}

const hexDigit = (code: number): number =>
  code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1

/** Standard padded base64 (RFC 4648 §4). */
export const toBase64 = (bytes: Uint8Array): string => codec.encode(bytes, 'base64')

/** Standard padded base64 (RFC 4648 §4) in its one canonical spelling; undefined for anything else. */
export const fromBase64 = (text: string): Uint8Array | undefined => decodeCanonical(text, 'base64')

/** Unpadded base64url (RFC 7515 §2). */
export const toBase64Url = (bytes: Uint8Array): string => codec.encode(bytes, 'base64url')

/** Unpadded base64url (RFC 7515 §2) in its one canonical spelling; undefined for anything else. */
export const fromBase64Url = (text: string): Uint8Array | undefined => decodeCanonical(text, 'base64url')

/** Of unpadded base64url that was read before: lenient, and half the work. */
export const rereadBase64Url = (text: string): Uint8Array => codec.decode(text, 'base64url')!

/** One character for each byte: a text that is equal exactly when the bytes are, which is what a Map can have for a key. */
export const toLatin1 = (bytes: Uint8Array): string => codec.encode(bytes, 'latin1')

/** Big-endian unsigned 64-bit number; the argument must be a safe natural number. */
export function u64(value: number): Uint8Array {
  const out = new Uint8Array(8)
  writeU64(out, 0, value)
  return out
}

/** As `u64`, in place. */
export function writeU64(out: Uint8Array, at: number, value: number): void {
  writeU32(out, at, Math.floor(value / 2 ** 32))
  writeU32(out, at + 4, value % 2 ** 32)
}

/** Big-endian. Byte by byte: a DataView needs the array's `buffer`, which costs small arrays dearly (see `inHeapBytes`). */
export function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}

/** Big-endian, unsigned. */
export const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

function decodeCanonical(text: string, spelling: Spelling): Uint8Array | undefined {
  const bytes = codec.decode(text, spelling)
  return bytes !== undefined && codec.encode(bytes, spelling) === text ? bytes : undefined
}

type Spelling = 'hex' | 'base64' | 'base64url'

interface Codec {
  utf8(text: string): Uint8Array
  encode(bytes: Uint8Array, spelling: Spelling | 'latin1'): string
  /** May be lenient: the caller re-encodes and compares. */
  decode(text: string, spelling: Spelling): Uint8Array | undefined
}

/**
 * V8 keeps arrays of up to this many bytes in its own heap until somebody asks for their `buffer`: that allocates one outside, to be tracked
 * and freed by the garbage collector, and costs three times as much as copying the bytes to where they are spelled from.
 */
const inHeapBytes = 64

function nodeCodec(): Codec {
  const small = Buffer.alloc(inHeapBytes)
  return {
    // TextEncoder takes two to seven times as long for what the ledger encodes.
    utf8: (text) => {
      const encoded = Buffer.from(text, 'utf8')
      return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength)
    },
    encode: (bytes, spelling) => {
      if (bytes.length > inHeapBytes) {
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(spelling)
      }
      small.set(bytes)
      return small.toString(spelling, 0, bytes.length)
    },
    decode: (text, spelling) => {
      const decoded = Buffer.from(text, spelling)
      return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength)
    },
  }
}

/** A browser has no Buffer; `atob` and `btoa` are everywhere. Verifying a proof needs no more speed than this. */
const webCodec: Codec = {
  utf8: (text) => new TextEncoder().encode(text),
  encode: (bytes, spelling) => {
    if (spelling === 'hex') return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    const latin1 = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
    if (spelling === 'latin1') return latin1
    const padded = btoa(latin1)
    return spelling === 'base64' ? padded : padded.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  },
  decode: (text, spelling) => {
    if (spelling === 'hex') return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    try {
      return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
    } catch {
      return undefined // atob throws on what is not base64 at all
    }
  },
}

const codec: Codec = typeof Buffer === 'function' ? nodeCodec() : webCodec
