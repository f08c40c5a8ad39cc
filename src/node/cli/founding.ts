/**
 * Founding a ledger among organisations that exchange files by hand. Four kinds of file travel: the charter draft (name, founding id,
 * what applies to all), each member's card (who it is, its public keys), the genesis that anybody makes of them — the same bytes
 * wherever it is made — and each member's signature over it. This file makes, reads and compares them; asking people, and where the files
 * lie, is for the commands.
 */

import { ed25519Sign } from '#crypto'
import { fromUtf8, toHex } from '../../chain/bytes.ts'
import { knownTypeNames } from '../../chain/catalogue/catalogue.ts'
import {
  buildGenesis,
  defaultParameters,
  formatGenesisSignature,
  type Genesis,
  type GenesisMember,
  type GenesisParameters,
  type GenesisSignature,
  genesisSignatureMessage,
  nodeIdOf,
  originOf,
  parseGenesis,
  verifyGenesisSignature,
} from '../../chain/genesis.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from '../../chain/json.ts'
import { kidOf } from '../../chain/keys.ts'
import { Refusal } from '../../chain/refusal.ts'
import { formatTime, parseStoredTime } from '../../chain/time.ts'
import type { KeyPair, NodeKeys } from '../identity.ts'
import type { Clock, Random } from '../ports.ts'

/** What is agreed on before anybody makes a key: keys are derived under the origin. */
export interface Charter {
  readonly name: string
  readonly foundingId: string
  /** Milliseconds since 1970: the time of block 0. In the charter, so that everybody makes the same genesis. */
  readonly foundedAt: number
  /** Only what differs from the defaults for this many members. */
  readonly parameters: Partial<GenesisParameters>
  readonly catalogue: readonly string[]
}

/** A member as it describes itself, for one founding. */
export interface Card {
  readonly name: string
  readonly foundingId: string
  readonly member: GenesisMember
}

export interface CharterDependencies {
  readonly clock: Pick<Clock, 'wall'>
  readonly random: Random
}

export function newCharter(name: string, { clock, random }: CharterDependencies): Charter {
  return {
    name,
    foundingId: toHex(random.bytes(16)),
    foundedAt: clock.wall(),
    parameters: {},
    catalogue: knownTypeNames,
  }
}

export const originOfCharter = ({ name, foundingId }: Charter): string => originOf(name, foundingId)

export function formatCharter(charter: Charter): string {
  const { foundedAt, ...rest } = charter
  return `${JSON.stringify({ charter: { version: 1, ...rest, foundedAt: formatTime(foundedAt) } }, null, 2)}\n`
}

/** Everything a member says of itself, and its public keys; nothing secret. */
export function makeCard(
  charter: Charter,
  self: Pick<GenesisMember, 'id' | 'name' | 'region' | 'party' | 'addresses'>,
  keys: { readonly node: NodeKeys; readonly centre: KeyPair; readonly governance: KeyPair },
): Card {
  const { node, centre, governance } = keys
  return {
    name: charter.name,
    foundingId: charter.foundingId,
    member: {
      id: self.id,
      name: self.name,
      region: self.region,
      party: self.party,
      addresses: self.addresses,
      node: {
        id: nodeIdOf(node.seal.publicKey),
        network: kidOf(node.network.publicKey),
        log: kidOf(node.log.publicKey),
        cosign: kidOf(node.cosign.publicKey),
        seal: kidOf(node.seal.publicKey),
      },
      centreKey: kidOf(centre.publicKey),
      governanceKey: kidOf(governance.publicKey),
    },
  }
}

export const formatCard = (card: Card): string =>
  `${JSON.stringify({ card: { version: 1, name: card.name, foundingId: card.foundingId, member: card.member } }, null, 2)}\n`

/**
 * Whether a member described so could be in a genesis, alone: so that a wrong USCC is told to the member and not to whoever collects.
 * @throws {Refusal} genesis.malformed
 */
export function checkCard(charter: Charter, card: Card): void {
  genesisOf(charter, [card])
}

/**
 * The genesis of these cards; their order does not matter.
 * @throws {Refusal} founding.other, founding.card-twice, genesis.malformed
 */
export function genesisOf(charter: Charter, cards: readonly Card[]): Genesis {
  const members = new Map<string, GenesisMember>()
  for (const { name, foundingId, member } of cards) {
    if (name !== charter.name || foundingId !== charter.foundingId) {
      throw new Refusal('founding.other', `${member.id}: ${originOf(name, foundingId)} ≠ ${originOfCharter(charter)}`)
    }
    const held = members.get(member.id)
    if (held !== undefined && !isSameMember(held, member)) throw new Refusal('founding.card-twice', member.id)
    members.set(member.id, member)
  }
  return buildGenesis({
    name: charter.name,
    foundingId: charter.foundingId,
    foundedAt: charter.foundedAt,
    members: [...members.values()],
    parameters: { ...defaultParameters(members.size), ...charter.parameters },
    catalogue: charter.catalogue,
  })
}

export const isSameMember = (a: GenesisMember, b: GenesisMember): boolean =>
  canonicalJson(a as unknown as JsonValue) === canonicalJson(b as unknown as JsonValue)

/** @throws {Refusal} founding.not-a-governance-key */
export function signGenesis(genesis: Genesis, governance: KeyPair): GenesisSignature {
  const kid = kidOf(governance.publicKey)
  const member = genesis.members.find(({ governanceKey }) => governanceKey === kid)
  if (member === undefined) throw new Refusal('founding.not-a-governance-key', kid)
  const message = genesisSignatureMessage(genesis.ledger, member.id)
  return { ledger: genesis.ledger, member: member.id, signature: ed25519Sign(governance.seed, message) }
}

/** The file of all signatures in a home: those held and those new, each member once, ascending. */
export function formatSignatures(genesis: Genesis, signatures: readonly GenesisSignature[]): string {
  const byMember = new Map(signatures.map((signature) => [signature.member, signature]))
  const items = genesis.members.flatMap(({ id }) => byMember.get(id) ?? [])
  return `${JSON.stringify(
    items.map((signature) => JSON.parse(formatGenesisSignature(signature))),
    null,
    2,
  )}\n`
}

/** A file of a founding, recognised by what is in it: people rename files, and hand over several at once. */
export type FoundingFile =
  | { readonly kind: 'charter'; readonly charter: Charter }
  | { readonly kind: 'card'; readonly card: Card }
  | { readonly kind: 'genesis'; readonly genesis: Genesis }
  /** Checked against the genesis by `signatureIn`. */
  | { readonly kind: 'signatures'; readonly texts: readonly string[] }

/** @throws {Refusal} file.wrong-kind, json.malformed, genesis.malformed */
export function readFoundingFile(path: string, bytes: Uint8Array): FoundingFile {
  const wrong = (why: string): Refusal => new Refusal('file.wrong-kind', `${path}: ${why}`)
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch {
    throw wrong('not UTF-8')
  }
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
  if (Array.isArray(value)) {
    return { kind: 'signatures', texts: (value as readonly JsonValue[]).map(canonicalJson) }
  }
  const object = objectOf(value)
  if (object?.genesis !== undefined) return { kind: 'genesis', genesis: readGenesis(bytes) }
  if (object?.signature !== undefined) return { kind: 'signatures', texts: [text] }
  const charter = object?.charter === undefined ? undefined : charterFrom(objectOf(object.charter))
  if (charter !== undefined) return { kind: 'charter', charter }
  const card = object?.card === undefined ? undefined : cardFrom(objectOf(object.card))
  if (card !== undefined) return { kind: 'card', card }
  throw wrong('neither charter, card, genesis nor signature')
}

/** @throws {Refusal} genesis.bad-signature */
export const signaturesIn = (genesis: Genesis, texts: readonly string[]): readonly GenesisSignature[] =>
  texts.map((text) => verifyGenesisSignature(genesis, text))

/** A genesis is its bytes; the one change forgiven is the line end that editors and mail programs add. */
const readGenesis = (bytes: Uint8Array): Genesis =>
  parseGenesis(bytes.at(-1) === lineEnd ? bytes.subarray(0, -1) : bytes)
const lineEnd = 0x0a

function charterFrom(object: JsonObject | undefined): Charter | undefined {
  const { version, name, foundingId, foundedAt, parameters, catalogue } = object ?? {}
  const time = typeof foundedAt === 'string' ? parseStoredTime(foundedAt) : undefined
  if (version !== 1 || typeof name !== 'string' || typeof foundingId !== 'string' || time === undefined)
    return undefined
  if (!Array.isArray(catalogue) || !catalogue.every((type) => typeof type === 'string')) return undefined
  const given = objectOf(parameters)
  if (given === undefined) return undefined
  // Values and unknown names are refused by the genesis' own schema, which names them.
  return { name, foundingId, foundedAt: time, parameters: given as Partial<GenesisParameters>, catalogue }
}

function cardFrom(object: JsonObject | undefined): Card | undefined {
  const { version, name, foundingId } = object ?? {}
  const member = objectOf(object?.member)
  if (version !== 1 || typeof name !== 'string' || typeof foundingId !== 'string' || member === undefined)
    return undefined
  if (typeof member.id !== 'string' || !Array.isArray(member.addresses) || objectOf(member.node) === undefined)
    return undefined
  // The rest is the genesis schema's to judge, which names each field.
  return { name, foundingId, member: member as unknown as GenesisMember }
}

function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}
