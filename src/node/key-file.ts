/**
 * Key files. A key file is JSON, readable by its owner only (mode 0600), written once and never changed; with a passphrase the seed
 * in it is sealed by AES-256-GCM under a key from scrypt. A file that others can read, or that belongs to another ledger, is refused:
 * a node never starts with a key it is not sure of. Which keys come from the seed is `identity.ts`'s.
 */
import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { sha256 } from '#crypto'
import { concat, fromBase64Url, toBase64Url, toHex, utf8 } from '../chain/bytes.ts'
import { type JsonObject, type JsonValue, parseJson } from '../chain/json.ts'
import type { Refusal } from '../chain/refusal.ts'
import { type KeyFile, type KeyFileKind, seedBytes } from './identity.ts'
import { identityRefusal } from './identity-refusals.ts'
import type { Random } from './ports.ts'

/**
 * Writes a new key file, durably, readable by its owner only. Never overwrites.
 * @throws {Refusal} when there is a file already, or it cannot be written
 */
export function writeKeyFile(path: string, file: KeyFile, random: Random, passphrase?: string): void {
  const content = passphrase === undefined ? plain(file) : sealed(file, passphrase, random)
  try {
    writeDurably(path, `${JSON.stringify(content, null, 2)}\n`)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    if (isThere) throw identityRefusal('identity.exists', path)
    throw identityRefusal('identity.unwritable', `${path}: ${(error as Error).message}`)
  }
}

export interface ExpectedKeyFile {
  readonly kind: KeyFileKind
  /** Checked when given. */
  readonly origin?: string
  readonly passphrase?: string | undefined
}

/** @throws {Refusal} when it is missing, open to others, damaged, of another kind or ledger, or the passphrase is wrong */
export function readKeyFile(path: string, expected: ExpectedKeyFile): KeyFile {
  const content = parse(path, readPrivately(path))
  if (content.kind !== expected.kind) {
    throw identityRefusal('identity.wrong-kind', `${path}: holds a ${content.kind} key, wanted is ${expected.kind}`)
  }
  if (expected.origin !== undefined && content.origin !== expected.origin) {
    throw identityRefusal('identity.wrong-ledger', `${path}: is for ${content.origin}, wanted is ${expected.origin}`)
  }
  const { kind, origin } = content
  return { kind, origin, seed: content.protection === undefined ? content.seed : unseal(path, content, expected) }
}

/** Whether opening the file takes a passphrase. @throws {Refusal} as `readKeyFile` */
export const needsPassphrase = (path: string): boolean => parse(path, readPrivately(path)).protection !== undefined

const version = 1
const kinds: readonly string[] = ['node', 'centre', 'governance'] satisfies KeyFileKind[]
/** A key file has some 500 bytes. */
const fileBytesMax = 4_096
/** scrypt with 64 MiB of memory: a fifth of a second for the operator, expensive for a guesser. */
const scryptCost = 2 ** 16
/** A file must not make us use more memory than 1 GiB. */
const scryptCostMax = 2 ** 20
const scryptBlockSize = 8
const saltBytes = 16
const nonceBytes = 12
const tagBytes = 16

// The file's content

interface Protection {
  readonly cost: number
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
}

interface Content {
  readonly kind: KeyFileKind
  readonly origin: string
  /** With protection: ciphertext and tag. */
  readonly seed: Uint8Array
  readonly protection?: Protection
}

function plain({ kind, origin, seed }: KeyFile): JsonObject {
  return { version, kind, origin, seed: toBase64Url(seed), check: checkOf(kind, origin, seed) }
}

function sealed({ kind, origin, seed }: KeyFile, passphrase: string, random: Random): JsonObject {
  const protection = { cost: scryptCost, salt: random.bytes(saltBytes), nonce: random.bytes(nonceBytes) }
  const cipher = createCipheriv('aes-256-gcm', passphraseKey(passphrase, protection), protection.nonce)
  cipher.setAAD(boundTo(kind, origin))
  const ciphertext = concat(cipher.update(seed), cipher.final(), cipher.getAuthTag())
  return {
    version,
    kind,
    origin,
    protection: {
      cipher: 'aes-256-gcm',
      derivation: 'scrypt',
      cost: protection.cost,
      salt: toBase64Url(protection.salt),
      nonce: toBase64Url(protection.nonce),
    },
    seed: toBase64Url(ciphertext),
  }
}

function unseal(path: string, content: Content, { passphrase }: ExpectedKeyFile): Uint8Array {
  const { protection, seed } = content
  if (passphrase === undefined) throw identityRefusal('identity.passphrase-needed', path)
  const decipher = createDecipheriv('aes-256-gcm', passphraseKey(passphrase, protection!), protection!.nonce)
  decipher.setAAD(boundTo(content.kind, content.origin))
  decipher.setAuthTag(seed.subarray(seedBytes))
  try {
    return concat(decipher.update(seed.subarray(0, seedBytes)), decipher.final())
  } catch {
    throw identityRefusal('identity.wrong-passphrase', path)
  }
}

function passphraseKey(passphrase: string, { cost, salt }: Protection): Uint8Array {
  // One spelling, whatever keyboard it was typed on.
  const secret = utf8(passphrase.normalize('NFKC'))
  // OpenSSL counts some blocks beside the N that the derivation is about.
  const memoryBytes = 128 * (cost + 16) * scryptBlockSize
  return scryptSync(secret, salt, 32, { N: cost, r: scryptBlockSize, p: 1, maxmem: 2 * memoryBytes })
}

/** Tells a damaged seed, which would silently be another node's, from a whole one. Nothing can be learned from it. */
const checkOf = (kind: KeyFileKind, origin: string, seed: Uint8Array): string =>
  toHex(sha256(boundTo(kind, origin), seed)).slice(0, 16)

/** Sealed together with the seed, so that nobody can give a key another ledger or another job. */
const boundTo = (kind: KeyFileKind, origin: string): Uint8Array => utf8(`gongzheng/${version}/${origin}/${kind}`)

function parse(path: string, text: string): Content {
  const damaged = (what: string): Refusal => identityRefusal('identity.damaged', `${path}: ${what}`)
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch {
    throw damaged('not JSON')
  }
  const object = objectOf(value)
  if (object?.version !== version) throw damaged(`not a key file of version ${version}`)
  const { kind, origin } = object
  if (typeof kind !== 'string' || !isKind(kind) || typeof origin !== 'string') throw damaged('kind or origin')
  const seed = bytesOf(object.seed)
  if (object.protection === undefined) {
    if (seed?.length !== seedBytes || object.check !== checkOf(kind, origin, seed)) throw damaged('seed')
    return { kind, origin, seed }
  }
  if (seed?.length !== seedBytes + tagBytes) throw damaged('seed')
  const protection = protectionOf(objectOf(object.protection))
  if (protection === undefined) throw damaged('protection')
  return { kind, origin, seed, protection }
}

function protectionOf(object: JsonObject | undefined): Protection | undefined {
  if (object?.cipher !== 'aes-256-gcm' || object.derivation !== 'scrypt') return undefined
  const { cost } = object
  const salt = bytesOf(object.salt)
  const nonce = bytesOf(object.nonce)
  if (salt?.length !== saltBytes || nonce?.length !== nonceBytes || typeof cost !== 'number') return undefined
  // A fraction just above a power of two has a whole logarithm too.
  if (!Number.isInteger(cost) || !Number.isInteger(Math.log2(cost)) || cost < 2 || cost > scryptCostMax)
    return undefined
  return { cost, salt, nonce }
}

const isKind = (text: string): text is KeyFileKind => kinds.includes(text)

const objectOf = (value: JsonValue | undefined): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined

const bytesOf = (value: JsonValue | undefined): Uint8Array | undefined =>
  typeof value === 'string' ? fromBase64Url(value) : undefined

// The file

function writeDurably(path: string, text: string): void {
  // wx: of two that create it at once, one fails.
  const file = openSync(path, 'wx', 0o600)
  try {
    fchmodSync(file, 0o600)
    writeFileSync(file, text)
    fsyncSync(file)
  } catch (error) {
    unlinkSync(path)
    throw error
  } finally {
    closeSync(file)
  }
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

function readPrivately(path: string): string {
  let file: number
  try {
    // Opening a named pipe would wait for somebody to write.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw identityRefusal(isMissing ? 'identity.missing' : 'identity.unreadable', isMissing ? path : String(error))
  }
  try {
    // On the open file and not on its name, which may be exchanged in between.
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size > fileBytesMax) throw identityRefusal('identity.damaged', `${path}: not a key file`)
    // Windows has no such bits; there the directory has to protect it.
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      throw identityRefusal('identity.too-open', `${path}: mode ${(stat.mode & 0o777).toString(8)}`)
    }
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
