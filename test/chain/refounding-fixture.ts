/** Re-foundings for tests (rule 22): the organisations' governance keys sign, the cosign keys of their nodes have attested. */
import { ed25519Sign } from '#crypto'
import type { Attestation } from '../../src/chain/block.ts'
import { fromHex } from '../../src/chain/bytes.ts'
import { cosignatureMessage, formatCheckpoint } from '../../src/chain/checkpoint.ts'
import type { EpochStart } from '../../src/chain/epoch.ts'
import {
  assembleRefounding,
  type Refounding,
  type RefoundingTerms,
  refoundingMessage,
} from '../../src/chain/refounding.ts'
import type { FoundedMember } from '../simulation/founding.ts'

/** Cosignatures of these nodes over a head. */
export function attestationOf(origin: string, { size, root }: EpochStart, by: readonly FoundedMember[]): Attestation {
  const text = formatCheckpoint({ origin, size, root: fromHex(root)! })
  const cosignatures = by.map(({ member, keys }) => ({
    member: member.id,
    time: 7,
    signature: ed25519Sign(keys.cosign.seed, cosignatureMessage(7, text)),
  }))
  return { size, root, cosignatures: cosignatures.sort((a, b) => (a.member < b.member ? -1 : 1)) }
}

export function refoundingBy(
  terms: RefoundingTerms,
  attestation: Attestation,
  by: readonly FoundedMember[],
): Refounding {
  const signatures = by.map(({ member, governance }) => ({
    member: member.id,
    signature: ed25519Sign(governance.seed, refoundingMessage(terms, member.id)),
  }))
  return assembleRefounding(terms, attestation, signatures)
}
