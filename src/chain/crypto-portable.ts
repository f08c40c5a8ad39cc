/**
 * Hashes and signatures by noble, for where there is no `node:crypto`; the twin of `crypto-native`, imported as `#crypto`.
 * Signatures are checked by the ledger's Ed25519 rule (layout.md, decision 8), with the equation written on noble's `Point`:
 * noble's own `verify` multiplies by the cofactor and so accepts more.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 as nobleSha256, sha512 } from '@noble/hashes/sha2.js'
import { equalBytes, toHex, utf8 } from './bytes.ts'
import { isEncodingAllowed } from './ed25519-encoding.ts'

const { Point } = ed25519

/** SHA-256 of the concatenation of the parts; 32 bytes in an array of its own. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hasher = nobleSha256.create()
  for (const part of parts) hasher.update(part)
  return hasher.digest()
}

/** SHA-256 of bytes, or of a text in UTF-8, in hex. */
export function sha256Hex(data: Uint8Array | string): string {
  return toHex(nobleSha256(typeof data === 'string' ? utf8(data) : data))
}

/** HKDF-SHA256 (RFC 5869), `length` bytes. */
export function hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return hkdf(nobleSha256, secret, salt, info, length)
}

/** The public key (32 bytes) of an Ed25519 seed (32 bytes). */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}

/** Ed25519 signature (64 bytes, RFC 8032) with the key of this seed (32 bytes). */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed)
}

/** The ledger's Ed25519 rule: byte checks, then the cofactorless equation with R compared as bytes. Never throws. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isEncodingAllowed(publicKey, signature)) return false
  const a = decodePoint(publicKey)
  if (a === undefined) return false
  const r = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const k = Point.Fn.create(littleEndian(sha512.create().update(r).update(publicKey).update(message).digest()))
  // R = [S]B − [k]A, compared as bytes (RFC 8032 §5.1.7 without the cofactor). R itself need not be decoded: what no point
  // encodes to never compares equal.
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k))
  return equalBytes(expected.toBytes(), r)
}

function decodePoint(bytes: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined // not on the curve
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!)
  return value
}
