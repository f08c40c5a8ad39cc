/**
 * Checkpoints (C2SP tlog-checkpoint) and the two signatures that stand under them here: the log's (type 01, over the text) and a
 * cosigner's (type 04, tlog-cosignature: over a time and the text). This file spells and checks them; it never decides to sign. What
 * a member states by a cosignature goes beyond C2SP: "I hold every entry of this tree and checked it against the rules."
 */
import { ed25519Verify } from '#crypto'
import { concat, type Digest, fromBase64, toBase64, u64, utf8 } from './bytes.ts'
import { ed25519KeyOf, type TaggedKey } from './keys.ts'
import { type NoteSignature, type NoteVerifier, signatureType, type VerifierKey, verifierKey } from './note.ts'
import { VerificationError } from './verification-error.ts'

export interface Checkpoint {
  readonly origin: string
  /** At most 2^64 − 1. */
  readonly size: bigint
  readonly root: Digest
  /** Opaque lines after the third; our own checkpoints have none, because some witnesses refuse them. */
  readonly extensions: readonly string[]
}

/** The note text of a checkpoint without extension lines. @throws {VerificationError} checkpoint.malformed */
export function formatCheckpoint(parts: {
  readonly origin: string
  readonly size: number | bigint
  readonly root: Digest
}): string {
  const text = `${parts.origin}\n${parts.size}\n${toBase64(parts.root)}\n`
  const parsed = parseCheckpoint(text)
  // An origin with a newline would move the lines and might still parse.
  if (parsed.extensions.length > 0 || parsed.origin !== parts.origin) throw malformed('the origin is not one line')
  return text
}

/** Parses a note text. @throws {VerificationError} checkpoint.malformed */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw malformed('the last line does not end in a newline')
  const [origin, sizeLine, rootLine, ...extensions] = text.slice(0, -1).split('\n')
  if (!origin || sizeLine === undefined || rootLine === undefined) throw malformed('fewer than three lines')
  const size = parseDecimal(sizeLine)
  if (size === undefined) throw malformed('the second line is not a tree size')
  const root = fromBase64(rootLine)
  if (root?.length !== 32) throw malformed('the third line is not the base64 of 32 bytes')
  if (extensions.includes('')) throw malformed('an empty line')
  return { origin, size, root, extensions }
}

/** ASCII decimal without leading zeros, at most 2^64 − 1; undefined for anything else. */
export function parseDecimal(text: string): bigint | undefined {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return undefined
  const value = BigInt(text)
  return value < 2n ** 64n ? value : undefined
}

/** The verifier key of a log: its key name is the origin. @throws {VerificationError} vkey.malformed */
export const logVerifierKey = (origin: string, key: TaggedKey): VerifierKey =>
  verifierKey(origin, signatureType.ed25519, ed25519Bytes(key))

/** The verifier key of a cosigner. @throws {VerificationError} vkey.malformed */
export const cosignerVerifierKey = (name: string, key: TaggedKey): VerifierKey =>
  verifierKey(name, signatureType.cosignature, ed25519Bytes(key))

/** The bytes that a log's key signs. */
export const logMessage = (checkpointText: string): Uint8Array => utf8(checkpointText)

/** A log's signature (64 bytes over `logMessage`) as it stands in a note. */
export const logSignature = (key: VerifierKey, signature: Uint8Array): NoteSignature => ({
  name: key.name,
  keyId: key.keyId,
  signature,
})

/** The bytes that a cosigner's key signs (tlog-cosignature, Ed25519 signed message). */
export const cosignatureMessage = (timeSeconds: number, checkpointText: string): Uint8Array =>
  utf8(`cosignature/v1\ntime ${timeSeconds}\n${checkpointText}`)

/** A cosignature (64 bytes over `cosignatureMessage`) as it stands in a note. */
export const cosignature = (key: VerifierKey, timeSeconds: number, signature: Uint8Array): NoteSignature => ({
  name: key.name,
  keyId: key.keyId,
  signature: concat(u64(timeSeconds), signature),
})

export interface Cosignature {
  /** POSIX seconds. */
  readonly timeSeconds: number
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** Splits the payload of a type 04 line; undefined unless it is a time and a signature. A time over 2^53 − 1 is no time. */
export function parseCosignature(payload: Uint8Array): Cosignature | undefined {
  if (payload.length !== 8 + 64) return undefined
  const time = new DataView(payload.buffer, payload.byteOffset, 8).getBigUint64(0)
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return { timeSeconds: Number(time), signature: payload.subarray(8) }
}

/** Checks signatures of a log or cosigner key; undefined for ML-DSA-44, which nothing here can check. */
export function noteVerifier(key: VerifierKey): (NoteVerifier & { readonly key: VerifierKey }) | undefined {
  const { name, keyId, publicKey } = key
  switch (key.type) {
    case signatureType.ed25519:
      return { key, name, keyId, verify: (text, signature) => ed25519Verify(publicKey, logMessage(text), signature) }
    case signatureType.cosignature:
      return {
        key,
        name,
        keyId,
        verify: (text, payload) => {
          const parts = parseCosignature(payload)
          if (parts === undefined) return false
          return ed25519Verify(publicKey, cosignatureMessage(parts.timeSeconds, text), parts.signature)
        },
      }
    case signatureType.mlDsa44Cosignature:
      return undefined
  }
}

function ed25519Bytes(key: TaggedKey): Uint8Array {
  const publicKey = ed25519KeyOf(key)
  if (publicKey === undefined) throw new VerificationError('vkey.malformed', 'only Ed25519 keys sign checkpoints')
  return publicKey
}

const malformed = (detail: string): VerificationError => new VerificationError('checkpoint.malformed', detail)
