/**
 * Hashes and signatures by Node's own OpenSSL; `crypto-portable` is its twin on noble. Imported as `#crypto`, so that the same
 * call site runs in Node and in a browser. Both twins obey the ledger's Ed25519 rule (layout.md, decision 8) on every input.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign as edSign,
  verify as edVerify,
  hash,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { toLatin1 } from './bytes.ts'
import { isEncodingAllowed, publicKeyBytes } from './ed25519-encoding.ts'

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
  const { x } = createPublicKey(privateKeyOf(seed)).export({ format: 'jwk' })
  return new Uint8Array(Buffer.from(x!, 'base64url'))
}

/** Ed25519 signature (64 bytes, RFC 8032) with the key of this seed (32 bytes). */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = edSign(null, message, privateKeyOf(seed))
  return new Uint8Array(signature.buffer, signature.byteOffset, signature.length)
}

/** The ledger's Ed25519 rule: byte checks, then the cofactorless equation with R compared as bytes. Never throws. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return isEncodingAllowed(publicKey, signature) && edVerify(null, message, publicKeyOf(publicKey), signature)
}

/** Fixed head of an Ed25519 seed in PKCS #8 (RFC 8410 §7): 302e020100300506032b657004220420. */
const seedHead = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

/** A node has five keys of its own; tests and the demo's submitter a few more. */
const privateKeys = boundedCache(16, (seed: Uint8Array) => {
  if (seed.length !== 32) throw new RangeError(`an Ed25519 seed has 32 bytes, not ${seed.length}`)
  const key = new Uint8Array(seedHead.length + seed.length)
  key.set(seedHead)
  key.set(seed, seedHead.length)
  return createPrivateKey({ key: Buffer.from(key.buffer), format: 'der', type: 'pkcs8' })
})
const privateKeyOf = (seed: Uint8Array): KeyObject => privateKeys(seed)

/** Importing a key costs 6 µs as a JWK and 20 µs as DER; a hit under 1 µs. A KeyObject is about 1 KiB: 4 MiB at most. */
const publicKeys = boundedCache(4096, (publicKey: Uint8Array) => {
  const x = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKeyBytes).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
})
const publicKeyOf = (publicKey: Uint8Array): KeyObject => publicKeys(publicKey)

/**
 * Remembers at most `countMax` values in two generations: what is used moves to the young one, and when that is half of the whole,
 * the old one goes. A flood of strange keys so never evicts those that are in use, and a hit costs one look-up.
 */
function boundedCache(countMax: number, make: (bytes: Uint8Array) => KeyObject): (bytes: Uint8Array) => KeyObject {
  let young = new Map<string, KeyObject>()
  let old = young
  return (bytes) => {
    const name = toLatin1(bytes)
    const known = young.get(name)
    if (known !== undefined) return known
    const value = old.get(name) ?? make(bytes)
    if (young.size >= countMax / 2) {
      old = young
      young = new Map()
    }
    young.set(name, value)
    return value
  }
}
