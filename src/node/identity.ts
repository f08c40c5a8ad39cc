/**
 * The secret keys of a member. A node's four keys (network, log, cosign, seal) come from one seed by HKDF; the centre key and the
 * off-line governance key have a seed each. Every label carries the ledger's origin, so a seed used for two ledgers by mistake still
 * never signs two contradictory things with one key. The files that hold the seeds are `key-file.ts`'s, what the keys sign is
 * `file-signer.ts`'s.
 */
import { ed25519PublicKey, hkdfSha256 } from '#crypto'
import { utf8 } from '../chain/bytes.ts'
import { type TaggedKey, taggedEd25519 } from '../chain/keys.ts'
import { identityRefusal } from './identity-refusals.ts'
import type { Random } from './ports.ts'

/** `node`: the seed of a node's four keys. `centre`: signs for in-house systems. `governance`: kept off-line, signs charters. */
export type KeyFileKind = 'node' | 'centre' | 'governance'
type KeyPurpose = 'network' | 'log' | 'cosign' | 'seal' | 'centre' | 'governance'

/** What a key file holds, opened. */
export interface KeyFile {
  readonly kind: KeyFileKind
  /** Origin of the ledger, `<name>/<founding id>`; the keys are of no use for another. */
  readonly origin: string
  /** 32 bytes; secret. */
  readonly seed: Uint8Array
}

export interface KeyPair {
  /** Ed25519 seed, 32 bytes; secret. */
  readonly seed: Uint8Array
  readonly publicKey: TaggedKey
}

export interface NodeKeys {
  readonly network: KeyPair
  readonly log: KeyPair
  readonly cosign: KeyPair
  readonly seal: KeyPair
}

/** Draws a seed that was never used before. */
export function newKeyFile(kind: KeyFileKind, origin: string, random: Random): KeyFile {
  return { kind, origin, seed: random.bytes(seedBytes) }
}

/**
 * The four keys of a node. `refounding`: number of the last epoch that began with a re-founding (rule 22) and lists this node: from there on
 * another cosign key and another log key speak for it, since what the old ones signed last may be void.
 * @throws {Refusal} unless the file is a node's
 */
export function nodeKeys(file: KeyFile, refounding = 0): NodeKeys {
  mustBe(file, 'node')
  return {
    network: derive(file, 'network'),
    log: derive(file, 'log', refounding),
    cosign: derive(file, 'cosign', refounding),
    seal: derive(file, 'seal'),
  }
}

/** The key that signs for in-house systems. @throws {Refusal} unless the file is a centre's */
export function centreKey(file: KeyFile): KeyPair {
  mustBe(file, 'centre')
  return derive(file, 'centre')
}

/** The off-line key that signs charters. @throws {Refusal} unless the file is a governance key's */
export function governanceKey(file: KeyFile): KeyPair {
  mustBe(file, 'governance')
  return derive(file, 'governance')
}

/** Bytes of a seed. */
export const seedBytes = 32
/** Stands in every label; another way of deriving keys would take another number. */
const derivationVersion = 1

function derive(file: KeyFile, purpose: KeyPurpose, refounding = 0): KeyPair {
  const since = refounding === 0 ? '' : `/${refounding}`
  const label = utf8(`gongzheng/${derivationVersion}/${file.origin}/${purpose}${since}`)
  const seed = hkdfSha256(file.seed, new Uint8Array(0), label, seedBytes)
  return { seed, publicKey: taggedEd25519(ed25519PublicKey(seed)) }
}

function mustBe(file: KeyFile, kind: KeyFileKind): void {
  if (file.kind !== kind) throw identityRefusal('identity.wrong-kind', `a ${file.kind} key, wanted is ${kind}`)
}
