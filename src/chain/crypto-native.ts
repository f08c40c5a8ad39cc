/**
 * Hashes by Node's own OpenSSL, signatures by `ed25519-native`; `crypto-portable` is its twin on noble. Imported as `#crypto`, so
 * that the same call site runs in Node and in a browser. Both twins obey the ledger's Ed25519 rule (layout.md, decision 8) on every input.
 */
import { createHash, hash, hkdfSync } from 'node:crypto'
import { isEncodingAllowed } from './ed25519-encoding.ts'
import { ed25519Native, publicKeyOfSeed } from './ed25519-native.ts'

/** Parts up to this many bytes in all are joined in one buffer: an entry (65,535) and its leaf prefix fit. */
const joinedBytesMax = 65_536
const joined = new Uint8Array(joinedBytesMax)

/** SHA-256 of the concatenation of the parts; 32 bytes in an array of its own. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  // The one-shot `hash` with its digest as latin1 text costs 1.3 µs for 65 bytes and 2.0 µs for 700; a Buffer as the result
  // 2.8 and 3.3, `createHash` 3.8 and 4.3 (Node 24.9). Joining the parts costs less than a second `update`.
  if (parts.length === 1) return fromLatin1(hash('sha256', parts[0]!, 'binary'))
  let length = 0
  for (const part of parts) {
    if (length + part.length > joinedBytesMax) return sha256Streamed(parts)
    joined.set(part, length)
    length += part.length
  }
  return fromLatin1(hash('sha256', new Uint8Array(joined.buffer, 0, length), 'binary'))
}

/** SHA-256 of bytes, or of a text in UTF-8, in hex: names are made so, and there is no array between text and text. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex')
}

function sha256Streamed(parts: readonly Uint8Array[]): Uint8Array {
  const hasher = createHash('sha256')
  for (const part of parts) hasher.update(part)
  return fromLatin1(hasher.digest('binary'))
}

function fromLatin1(text: string): Uint8Array {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i)
  return out
}

/** HKDF-SHA256 (RFC 5869), `length` bytes. */
export function hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, length))
}

/** The public key (32 bytes) of an Ed25519 seed (32 bytes). */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return publicKeyOfSeed(seed)
}

/** Ed25519 signature (64 bytes, RFC 8032) with the key of this seed (32 bytes). */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519Native.sign(seed, message)
}

/** The ledger's Ed25519 rule: byte checks, then the cofactorless equation with R compared as bytes. Never throws. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return isEncodingAllowed(publicKey, signature) && ed25519Native.verify(publicKey, message, signature)
}
