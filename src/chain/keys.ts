/**
 * Public keys tagged with their algorithm: one byte ‖ key bytes. A `kid` is the base64url of the tagged key itself, so a signature
 * can be checked without any state; whether that key may sign this, now, is a rule of the ledger and not asked here.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { ed25519Verify } from '#crypto'
import { concat, fromBase64Url, toBase64Url, toLatin1 } from './bytes.ts'
import { isPointAllowed, publicKeyBytes } from './ed25519-encoding.ts'

/** One algorithm byte ‖ the public key in that algorithm's own encoding. */
export type TaggedKey = Uint8Array

/** The first byte of a tagged key. 0x02 is reserved for SM2. */
const keyAlgorithm = { ed25519: 0x01 } as const

/** Bytes of a tagged Ed25519 key. */
const taggedEd25519Bytes = 1 + publicKeyBytes

/** @throws {RangeError} unless the public key has 32 bytes */
export function taggedEd25519(publicKey: Uint8Array): TaggedKey {
  if (publicKey.length !== publicKeyBytes) throw new RangeError(`an Ed25519 key has 32 bytes, not ${publicKey.length}`)
  return concat(Uint8Array.of(keyAlgorithm.ed25519), publicKey)
}

/** The 32 bytes of a tagged Ed25519 key; undefined for another algorithm or length. */
export function ed25519KeyOf(key: TaggedKey): Uint8Array | undefined {
  return key.length === taggedEd25519Bytes && key[0] === keyAlgorithm.ed25519 ? key.subarray(1) : undefined
}

/** Unpadded base64url of the tagged key: the `kid` of JWS headers and of genesis. */
export const kidOf = (key: TaggedKey): string => toBase64Url(key)

/** The tagged key of a `kid` in its one spelling; undefined for anything else, also for an algorithm that is not known. */
export function keyFromKid(kid: string): TaggedKey | undefined {
  if (kid.length !== kidCharactersEd25519) return undefined
  const key = fromBase64Url(kid)
  return key !== undefined && ed25519KeyOf(key) !== undefined ? key : undefined
}

/** 33 bytes in unpadded base64url. */
const kidCharactersEd25519 = 44

/**
 * Whether a key may be registered: canonical, not of small order, on the curve and in the prime-order subgroup. Stricter than
 * what a signature check asks, so that no key on the ledger has a twin that verifies the same signatures. Costs as much as ten
 * signature checks.
 */
export function isAcceptableKey(key: TaggedKey): boolean {
  const publicKey = ed25519KeyOf(key)
  if (publicKey === undefined || !isPointAllowed(publicKey, 0)) return false
  const name = toLatin1(publicKey)
  let verdict = verdicts.get(name)
  if (verdict === undefined) {
    verdict = isInSubgroup(publicKey)
    verdicts.set(name, verdict)
    if (verdicts.size > verdictsMax) verdicts.delete(verdicts.keys().next().value!)
  }
  return verdict
}

/** A list of members is judged by everybody who executes its block, each key of it anew: a few hundred bytes for each key save that. */
const verdicts = new Map<string, boolean>()
const verdictsMax = 1_024

function isInSubgroup(publicKey: Uint8Array): boolean {
  try {
    return ed25519.Point.fromBytes(publicKey).isTorsionFree()
  } catch {
    return false // not on the curve
  }
}

/** Checks a signature by the rule of the key's algorithm. False for an unknown algorithm; never throws. */
export function verifySignature(key: TaggedKey, message: Uint8Array, signature: Uint8Array): boolean {
  const publicKey = ed25519KeyOf(key)
  return publicKey !== undefined && ed25519Verify(publicKey, message, signature)
}
