/**
 * The members of a ledger from its founding to some epoch, for whoever trusts no node: each change is proven by the members before it. Two
 * things end an epoch. A certificate of re-founding (rule 22) is proof as it stands. A record that closes the epoch (rule 19) is its last
 * leaf: the entry, its path to the root that the old members attested, and their cosignatures. Whoever holds the genesis and these proofs knows
 * by whose keys any size of the tree is to be checked (`epochOfSize`).
 */
import type { Attestation } from './block.ts'
import { attestationFromCbor, attestationToCbor } from './block.ts'
import { fromHex } from './bytes.ts'
import { CborError, decodeCbor, encodeCbor, field } from './cbor.ts'
import { type BlockRef, refFromCbor, refToCbor } from './certificate.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { parseEntry } from './entry.ts'
import { type Closing, type Epoch, epochAfter, epochNumbered, epochOfSize, epochsUpTo, foundingEpoch } from './epoch.ts'
import { type FoundedLedger, type GenesisMember, readMembers } from './founding.ts'
import type { JsonValue } from './json.ts'
import { verifySignature } from './keys.ts'
import { epochPolicy } from './member-policy.ts'
import { verifyInclusion } from './merkle-proof.ts'
import { leafHash } from './merkle-tree.ts'
import type { Note } from './note.ts'
import type { Policy } from './policy.ts'
import { decodeRefounding, epochOfRefounding, goodCosignatures } from './refounding.ts'
import { Refusal } from './refusal.ts'
import { parseStatement, type Statement } from './statement.ts'
import { VerificationError } from './verification-error.ts'

/** What a record says that closes an epoch. Production has no such type yet (decision 0023), so that none is known unless a caller knows one. */
export type ClosingReader = (statement: Statement) => Pick<Closing, 'members'> | undefined

/** Changes of members that a verifier follows: more than any ledger of organisations has. */
export const epochsMax = 256
/** Longer than a certificate of re-founding, and than a record with a path and the cosignatures of 255 members. */
export const epochProofBytesMax = 160 * 1024

export interface ClosingParts {
  /** The block that closed the epoch; on the word of whoever shows it, and nothing here rests on it. */
  readonly block: BlockRef
  /** The last leaf of that block. */
  readonly entry: Uint8Array
  readonly path: readonly Uint8Array[]
  /** By the members of the epoch that it closed. */
  readonly attestation: Attestation
}

/** How a closed epoch is proven to have ended, and the next to have begun. */
export function closingProof({ block, entry, path, attestation }: ClosingParts): Uint8Array {
  return encodeCbor([1, refToCbor(block), entry, [...path], attestationToCbor(attestation)])
}

/** The founding epoch, for whoever has read a genesis and no schemas. */
export const epochOfFounding = (founded: FoundedLedger, genesis: Uint8Array): Epoch =>
  foundingEpoch({ ...founded, entry: genesis })

/**
 * The newest of the epochs that these proofs lead to, one after the other from the founding.
 * @throws {VerificationError} membership.…
 */
export function epochsFrom(
  founded: FoundedLedger,
  genesis: Uint8Array,
  proofs: readonly Uint8Array[],
  closing: ClosingReader = () => undefined,
): Epoch {
  if (proofs.length > epochsMax) throw new VerificationError('membership.malformed', `${proofs.length} epochs`)
  let epoch = epochOfFounding(founded, genesis)
  for (const proof of proofs) epoch = epochProvenBy(proof, epoch, founded, closing)
  return epoch
}

/**
 * The same of proofs in any order, as somebody laid them on a table.
 * @throws {VerificationError} membership.…, when one of them leads nowhere
 */
export function epochsGathered(
  founded: FoundedLedger,
  genesis: Uint8Array,
  proofs: readonly Uint8Array[],
  closing: ClosingReader = () => undefined,
): Epoch {
  if (proofs.length > epochsMax) throw new VerificationError('membership.malformed', `${proofs.length} epochs`)
  let epoch = epochOfFounding(founded, genesis)
  const left = new Set(proofs)
  while (left.size > 0) {
    let trouble: VerificationError | undefined
    const next = [...left].find((proof) => {
      try {
        epoch = epochProvenBy(proof, epoch, founded, closing)
        return true
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error
        trouble ??= error
        return false
      }
    })
    if (next === undefined) throw trouble!
    left.delete(next)
  }
  return epoch
}

/** Whether a file is one by its looks: what else it may be is for whoever asks. */
export function isEpochProof(bytes: Uint8Array): boolean {
  if ((bytes[0] !== 0x84 && bytes[0] !== 0x85) || bytes[1] !== 1 || bytes.length > epochProofBytesMax) return false
  try {
    decodeCbor(bytes)
    return true
  } catch (error) {
    if (error instanceof CborError) return false
    throw error
  }
}

/** Everybody who is or was a member, as of the newest epoch first: a node has one seal key for its whole life. */
export const everybody = (newest: Epoch): readonly GenesisMember[] =>
  [...epochsUpTo(newest)].flatMap(({ members }) => members)

/**
 * Who was a member in an epoch, by which a receipt of that epoch is a member's word: one that has gone signs none of the epochs after it. None
 * for an epoch that is not proven here.
 */
export const membersOfEpoch = (newest: Epoch, number: number): readonly GenesisMember[] =>
  epochNumbered(newest, number)?.members ?? []

/**
 * By which this very checkpoint is good: the keys of the members who attest a tree of its size.
 * @throws {VerificationError} checkpoint.malformed
 */
export function policyForNote(founded: Pick<FoundedLedger, 'origin'>, newest: Epoch, note: Note): Policy {
  const { size } = parseCheckpoint(note.text)
  return epochPolicy(founded, size > BigInt(Number.MAX_SAFE_INTEGER) ? newest : epochOfSize(newest, Number(size)))
}

function epochProvenBy(proof: Uint8Array, previous: Epoch, founded: FoundedLedger, closing: ClosingReader): Epoch {
  const number = previous.number + 1
  try {
    if (proof.length > epochProofBytesMax) throw new CborError(`${proof.length} bytes`)
    const parts = field.array(decodeCbor(proof), 'proof of an epoch')
    if (parts.length !== 5) {
      // What the list must be beyond its form, q governance keys have answered for.
      return epochOfRefounding(previous, decodeRefounding(proof), founded, (list) =>
        readMembers(list as unknown as JsonValue),
      )
    }
    if (parts[0] !== 1) throw new CborError('proof of an epoch: unknown version')
    return closedBy(
      {
        block: refFromCbor(parts[1], 'block'),
        entry: field.bytes(parts[2], 'entry'),
        path: field.array(parts[3], 'path').map((hash) => field.bytes(hash, 'hash', 32)),
        attestation: attestationFromCbor(parts[4], 'attestation'),
      },
      previous,
      founded,
      closing,
    )
  } catch (error) {
    if (error instanceof CborError)
      throw new VerificationError('membership.malformed', `epoch ${number}: ${error.message}`)
    if (error instanceof Refusal) throw unproven(number, `${error.code}: ${error.message}`)
    if (error instanceof VerificationError && !error.code.startsWith('membership.')) {
      throw unproven(number, `${error.code}: ${error.message}`)
    }
    throw error
  }
}

function closedBy(
  { block, entry, path, attestation }: ClosingParts,
  previous: Epoch,
  { ledger, origin }: FoundedLedger,
  closing: ClosingReader,
): Epoch {
  const { size, root } = attestation
  const number = previous.number + 1
  if (size <= previous.start.size)
    throw unproven(number, `size ${size} is not above the start of epoch ${previous.number}`)
  const by = epochOfSize(previous, size)
  const good = goodCosignatures(by, attestation, origin)
  if (good < by.quorum) throw unproven(number, `size ${size}: ${good} of ${by.quorum} cosignatures`)
  verifyInclusion({ index: size - 1, size, leaf: leafHash(entry), path, root: fromHex(root)! })
  const statement = parseStatement(parseEntry(entry).statement, ledger)
  if (!verifySignature(statement.signingKey, statement.message, statement.signature)) {
    throw unproven(number, 'the record that closes the epoch is not signed by its key')
  }
  const closed = closing(statement)
  if (closed === undefined) throw new VerificationError('membership.unknown-record', statement.type)
  const members = readMembers([...closed.members].sort((a, b) => (a.id < b.id ? -1 : 1)) as unknown as JsonValue)
  return epochAfter(previous, members, { block, size, root })
}

const unproven = (number: number, detail: string): VerificationError =>
  new VerificationError('membership.unproven', `epoch ${number}: ${detail}`)
