/**
 * The two native implementations of Ed25519: libsodium where its binary fits the machine, and the OpenSSL inside Node, which is always
 * there and takes twice as long (docs/decisions/0031). Neither decides what a good signature is: both check the cofactorless
 * equation with R compared as bytes, and the byte half of the ledger's rule (`ed25519-encoding.ts`) has to come before it.
 */
import { createPrivateKey, createPublicKey, sign as edSign, verify as edVerify, type KeyObject } from 'node:crypto'
import { createRequire } from 'node:module'
import { assert } from './assert.ts'
import { toLatin1 } from './bytes.ts'
import { publicKeyBytes } from './ed25519-encoding.ts'
import { Generations } from './generations.ts'

export interface Ed25519Implementation {
  readonly name: 'libsodium' | 'openssl'
  /** Keys and signatures have passed `isEncodingAllowed`: 32 and 64 bytes. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** 64 bytes. @throws {RangeError} for a seed that has not 32 bytes */
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array
}

const seedBytes = 32
const signatureBytes = 64
/** A node has five keys of its own; tests and the demo's submitter a few more. */
const ownKeysRemembered = 16

export const openssl: Ed25519Implementation = {
  name: 'openssl',
  verify: (publicKey, message, signature) => edVerify(null, message, publicKeyOf(publicKey), signature),
  sign(seed, message) {
    const signature = edSign(null, message, privateKeyOf(seed))
    return new Uint8Array(signature.buffer, signature.byteOffset, signature.length)
  },
}

/** What of sodium-native is used here; it has no types of its own. Its secret key is the seed followed by the public key. */
interface SodiumNative {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
}

/** Undefined where no binary of it fits the machine (musl, a rare processor) or where it was not installed. */
export const libsodium: Ed25519Implementation | undefined = withSodium(loadSodium())

function loadSodium(): SodiumNative | undefined {
  const require = createRequire(import.meta.url)
  try {
    return require('sodium-native')
  } catch {
    return undefined
  }
}

function withSodium(sodium: SodiumNative | undefined): Ed25519Implementation | undefined {
  if (sodium === undefined) return undefined
  const secretKeyOf = boundedCache(ownKeysRemembered, (seed) => {
    if (seed.length !== seedBytes) throw wrongSeed(seed)
    const secretKey = new Uint8Array(64)
    sodium.crypto_sign_seed_keypair(new Uint8Array(publicKeyBytes), secretKey, seed)
    return secretKey
  })
  return {
    name: 'libsodium',
    verify(publicKey, message, signature) {
      // It ends the process when a length is wrong.
      assert(publicKey.length === publicKeyBytes && signature.length === signatureBytes, 'encodings are checked before')
      return sodium.crypto_sign_verify_detached(signature, message, publicKey)
    },
    sign(seed, message) {
      const signature = new Uint8Array(signatureBytes)
      sodium.crypto_sign_detached(signature, message, secretKeyOf(seed))
      return signature
    },
  }
}

/** What signs and checks here. */
export const ed25519Native: Ed25519Implementation = libsodium ?? openssl

/** The public key (32 bytes) of a seed. @throws {RangeError} for a seed that has not 32 bytes */
export function publicKeyOfSeed(seed: Uint8Array): Uint8Array {
  const { x } = createPublicKey(privateKeyOf(seed)).export({ format: 'jwk' })
  return new Uint8Array(Buffer.from(x!, 'base64url'))
}

/** Fixed head of an Ed25519 seed in PKCS #8 (RFC 8410 §7): 302e020100300506032b657004220420. */
const seedHead = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

const privateKeys = boundedCache(ownKeysRemembered, (seed) => {
  if (seed.length !== seedBytes) throw wrongSeed(seed)
  const key = new Uint8Array(seedHead.length + seed.length)
  key.set(seedHead)
  key.set(seed, seedHead.length)
  return createPrivateKey({ key: Buffer.from(key.buffer), format: 'der', type: 'pkcs8' })
})
const privateKeyOf = (seed: Uint8Array): KeyObject => privateKeys(seed)

function wrongSeed(seed: Uint8Array): RangeError {
  return new RangeError(`an Ed25519 seed has ${seedBytes} bytes, not ${seed.length}`)
}

/** Importing a key costs 6 µs as a JWK and 20 µs as DER; a hit under 1 µs. A KeyObject is about 1 KiB: 4 MiB at most. */
const publicKeys = boundedCache(4096, (publicKey) => {
  const x = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKeyBytes).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
})
const publicKeyOf = (publicKey: Uint8Array): KeyObject => publicKeys(publicKey)

/** A flood of strange keys never evicts those that are in use, and a hit costs one look-up. */
function boundedCache<Value>(countMax: number, make: (bytes: Uint8Array) => Value): (bytes: Uint8Array) => Value {
  const held = new Generations<string, Value>(countMax)
  return (bytes) => {
    const name = toLatin1(bytes)
    let value = held.get(name)
    if (value === undefined) {
      value = make(bytes)
      held.set(name, value)
    }
    return value
  }
}
