/**
 * The salted leaf of a guarantee's use in one section. Before the opening it is all that anybody but bidder, platform and issuer has of
 * the guarantee: a hash over the document and what it is used for, and 32 random bytes without which nobody could find it by trying
 * bidders and amounts. Who holds the document and its salt compares them with the leaf and gets a yes or a no; who does not, gets
 * neither. After the opening the same leaf, as the commitment of the binding, shows that what is revealed is what was bound.
 */
import { sha256 } from '#crypto'
import { assert } from '../assert.ts'
import { equalBytes, fromHex, toHex } from '../bytes.ts'
import { encodeCbor } from '../cbor.ts'
import type { TenderIdentity } from './tender-identity.ts'
import type { DocumentHash } from './values.ts'

export const saltBytes = 32

/** What the leaf is about. Every one of these is known to whoever holds the document and bids with it. */
export interface GuaranteeUse {
  /** Hex id of the ledger. */
  readonly ledger: string
  readonly issuer: string
  readonly number: string
  readonly tender: TenderIdentity
  /** Empty when the tender has only itself. */
  readonly section: string
  /** The leader of a consortium. */
  readonly bidder: string
}

/** @param salt 32 bytes that nobody else knows before the opening */
export function guaranteeLeaf(use: GuaranteeUse, document: DocumentHash, salt: Uint8Array): Uint8Array {
  assert(salt.length === saltBytes, 'a salt has 32 bytes')
  const { ledger, issuer, number, tender, section, bidder } = use
  const { owner, scheme, code } = tender
  const parts = [ledger, issuer, number, owner, scheme, code, section, bidder, document.algorithm, document.value, salt]
  return sha256(encodeCbor(['gongzheng guarantee leaf v1', ...parts]))
}

/**
 * "Is this guarantee genuine?", asked by a holder of the full document: whether the document (its bytes as issued), used so, with this salt,
 * makes this leaf. There is no way to ask without the document: its hash is part of the leaf and is made here, with SHA-256. For a leaf made
 * with SM3 the answer is no until this software knows SM3.
 */
export function holdsGuarantee(use: GuaranteeUse, document: Uint8Array, salt: Uint8Array, leaf: Uint8Array): boolean {
  if (salt.length !== saltBytes) return false
  const hash: DocumentHash = { algorithm: 'sha256', value: toHex(sha256(document)) }
  return equalBytes(guaranteeLeaf(use, hash, salt), leaf)
}

/** The same for what is public after the opening: a commitment and its salt in hex, the document's hash as recorded. */
export function opensCommitment(use: GuaranteeUse, document: DocumentHash, salt: string, commitment: string): boolean {
  const bytes = fromHex(salt)
  return bytes?.length === saltBytes && toHex(guaranteeLeaf(use, document, bytes)) === commitment
}
