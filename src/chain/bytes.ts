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

/** Lower-case hex only; undefined for anything else. */
export const fromHex = (text: string): Uint8Array | undefined => decodeCanonical(text, 'hex')

/** Standard padded base64 (RFC 4648 §4). */
export const toBase64 = (bytes: Uint8Array): string => codec.encode(bytes, 'base64')

/** Standard padded base64 (RFC 4648 §4) in its one canonical spelling; undefined for anything else. */
export const fromBase64 = (text: string): Uint8Array | undefined => decodeCanonical(text, 'base64')

/** Unpadded base64url (RFC 7515 §2). */
export const toBase64Url = (bytes: Uint8Array): string => codec.encode(bytes, 'base64url')

/** Unpadded base64url (RFC 7515 §2) in its one canonical spelling; undefined for anything else. */
export const fromBase64Url = (text: string): Uint8Array | undefined => decodeCanonical(text, 'base64url')

/** Big-endian unsigned 64-bit number; the argument must be a safe natural number. */
export function u64(value: number): Uint8Array {
  const out = new Uint8Array(8)
  const view = new DataView(out.buffer)
  // Two halves: BigInt would cost five times as much, and this runs several times for every record.
  view.setUint32(0, Math.floor(value / 2 ** 32))
  view.setUint32(4, value % 2 ** 32)
  return out
}

function decodeCanonical(text: string, spelling: Spelling): Uint8Array | undefined {
  const bytes = codec.decode(text, spelling)
  return bytes !== undefined && codec.encode(bytes, spelling) === text ? bytes : undefined
}

type Spelling = 'hex' | 'base64' | 'base64url'

interface Codec {
  utf8(text: string): Uint8Array
  encode(bytes: Uint8Array, spelling: Spelling): string
  /** May be lenient: the caller re-encodes and compares. */
  decode(text: string, spelling: Spelling): Uint8Array | undefined
}

const nodeCodec: Codec = {
  // TextEncoder takes two to seven times as long for what the ledger encodes.
  utf8: (text) => {
    const encoded = Buffer.from(text, 'utf8')
    return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  },
  encode: (bytes, spelling) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(spelling),
  decode: (text, spelling) => {
    const decoded = Buffer.from(text, spelling)
    return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength)
  },
}

/** A browser has no Buffer; `atob` and `btoa` are everywhere. Verifying a proof needs no more speed than this. */
const webCodec: Codec = {
  utf8: (text) => new TextEncoder().encode(text),
  encode: (bytes, spelling) => {
    if (spelling === 'hex') return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    const padded = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
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

const codec: Codec = typeof Buffer === 'function' ? nodeCodec : webCodec
