/**
 * The key that signs a statement on the command line: a submitter's own, kept as a private JWK (RFC 8037) so that any JOSE library can
 * use it too, or the centre key of a member's home. A JWK file is written once, for its owner only, and one that others can read is
 * refused.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import { fromBase64Url, toBase64Url } from '../../chain/bytes.ts'
import { type JsonObject, type JsonValue, parseJson } from '../../chain/json.ts'
import { ed25519KeyOf, kidOf, type TaggedKey, taggedEd25519 } from '../../chain/keys.ts'
import { Refusal } from '../../chain/refusal.ts'
import type { StatementSigner } from '../../chain/statement.ts'
import { homeFiles, loadGenesis, parseConfiguration } from '../configuration.ts'
import { centreKey } from '../identity.ts'
import { readKeyFile } from '../key-file.ts'
import type { Random } from '../ports.ts'
import { readText, writeNew } from './files.ts'

/** Whoever signs, and for whom. */
export interface SigningKey {
  readonly signer: StatementSigner
  readonly kid: string
  /** The party the key file names; undefined when it names none. */
  readonly party: string | undefined
  /** Known for the centre key of a home: the member and the ledger it belongs to. */
  readonly home?: { readonly member: string; readonly ledger: string; readonly url: string }
}

export function signerOf(seed: Uint8Array): StatementSigner {
  return { tagged: taggedEd25519(ed25519PublicKey(seed)), sign: (message) => ed25519Sign(seed, message) }
}

/** A new key pair as a private JWK. `party` is a member of our own, which RFC 7517 allows. */
export function newJwk(random: Random, party: string | undefined): { readonly text: string; readonly kid: string } {
  const seed = random.bytes(32)
  const { tagged } = signerOf(seed)
  const kid = kidOf(tagged)
  const jwk = {
    kty: 'OKP',
    crv: 'Ed25519',
    alg: 'EdDSA',
    use: 'sig',
    kid,
    x: toBase64Url(publicKeyOf(tagged)),
    d: toBase64Url(seed),
    ...(party === undefined ? {} : { party }),
  }
  return { text: `${JSON.stringify(jwk, null, 2)}\n`, kid }
}

/** @throws {Refusal} file.exists, file.unwritable */
export function writeSecret(path: string, text: string): void {
  try {
    writeNew(path, text, 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Refusal(code === 'EEXIST' ? 'file.exists' : 'file.unwritable', code === 'EEXIST' ? path : message)
  }
}

export interface SigningKeyOptions {
  /** A JWK file. */
  readonly key?: string
  /** Without it: the centre key of this home. */
  readonly home?: string
  readonly passphrase?: string | undefined
}

/** @throws {Refusal} key.*, identity.*, file.*, configuration.* */
export async function loadSigningKey({ key, home, passphrase }: SigningKeyOptions): Promise<SigningKey> {
  if (key !== undefined) return readJwk(key)
  if (home === undefined) throw new Refusal('key.none-given')
  const genesis = await loadGenesis(home)
  const { member, api } = parseConfiguration(readText(join(home, homeFiles.configuration)))
  const self = genesis.members.find(({ id }) => id === member)
  if (self === undefined) throw new Refusal('configuration.not-a-member', member)
  const path = join(home, homeFiles.centreKey)
  const { seed, publicKey } = centreKey(readKeyFile(path, { kind: 'centre', origin: genesis.origin, passphrase }))
  const host = api.host === '0.0.0.0' ? '127.0.0.1' : api.host === '::' ? '::1' : api.host
  return {
    signer: signerOf(seed),
    kid: kidOf(publicKey),
    party: self.party,
    home: {
      member,
      ledger: genesis.ledger,
      url: `http://${host.includes(':') ? `[${host}]` : host}:${api.port}`,
    },
  }
}

function readJwk(path: string): SigningKey {
  const unknown = (why: string): Refusal => new Refusal('key.file-unknown', `${path}: ${why}`)
  const text = readText(path)
  // Windows has no such bits.
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    throw new Refusal('identity.too-open', path)
  }
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch {
    throw unknown('not JSON')
  }
  const { kty, crv, x, d, kid, party } = (value ?? {}) as JsonObject
  if (kty !== 'OKP' || crv !== 'Ed25519') throw unknown('not an Ed25519 JWK')
  const seed = typeof d === 'string' ? fromBase64Url(d) : undefined
  if (seed?.length !== 32) throw unknown('no private key in it')
  const signer = signerOf(seed)
  // A damaged seed would silently be another key.
  if (x !== toBase64Url(publicKeyOf(signer.tagged))) throw unknown('private and public key do not belong together')
  if (kid !== undefined && kid !== kidOf(signer.tagged)) throw unknown('kid is not that of the key')
  return { signer, kid: kidOf(signer.tagged), party: typeof party === 'string' ? party : undefined }
}

const publicKeyOf = (tagged: TaggedKey): Uint8Array => ed25519KeyOf(tagged)!
