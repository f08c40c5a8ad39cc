/**
 * The public surface for whoever checks proofs without a node: the package entry `gongzheng/verify`. Deterministic, offline, for Node and
 * browsers alike. A proof file, the entry's bytes and a policy go in; who cosigned and when comes out, or a `VerificationError` with
 * a stable code that says why not.
 */

import { verifyInclusion } from './merkle-proof.ts'
import { leafHash } from './merkle-tree.ts'
import { checkNoteAgainstPolicy, type Policy, parsePolicy, type TrustedCheckpoint } from './policy.ts'
import { parseProofFile } from './proof-file.ts'
import { entryBytesMax } from './tile.ts'
import { VerificationError } from './verification-error.ts'

export { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
export {
  type ConsistencyClaim,
  type InclusionClaim,
  ProofError,
  type TreeNumber,
  verifyConsistency,
  verifyInclusion,
} from './merkle-proof.ts'
export { type Digest, leafHash } from './merkle-tree.ts'
export { type Note, type NoteSignature, parseNote, parseVerifierKey, type VerifierKey } from './note.ts'
export {
  type Cosigner,
  checkNoteAgainstPolicy,
  type Policy,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  parsePolicy,
  type TrustedCheckpoint,
} from './policy.ts'
export { type ProofFile, parseProofFile } from './proof-file.ts'
export { type VerificationCode, VerificationError, verificationTexts } from './verification-error.ts'

export interface ProofToVerify {
  /** The text of the policy file, or what `parsePolicy` made of it. */
  readonly policy: string | Uint8Array | Policy
  /** The `.tlog-proof` file; give its bytes where you have them, so that damaged UTF-8 is noticed. */
  readonly proofFile: string | Uint8Array
  /** The entry's bytes, exactly as the ledger serves them. */
  readonly entry: Uint8Array
}

/** What was proved: this entry stands at `index` of the tree of `size` entries with this root, which `cosigners` put their names to. */
export interface VerifiedEntry extends TrustedCheckpoint {
  readonly index: bigint
}

/**
 * Checks a proof file as tlog-proof says: a log of the policy signed the checkpoint, the policy's quorum cosigned it, and the entry
 * is in its tree.
 * @throws {VerificationError} with the code of what failed first: form, then origin, signatures, quorum, inclusion
 */
export function verifyProofFile({ policy, proofFile, entry }: ProofToVerify): VerifiedEntry {
  const trusted = typeof policy === 'string' || policy instanceof Uint8Array ? parsePolicy(policy) : policy
  const { index, path, note } = parseProofFile(proofFile)
  if (entry.length > entryBytesMax) throw new VerificationError('entry.too-large', `${entry.length} bytes`)
  const checkpoint = checkNoteAgainstPolicy(note, trusted)
  verifyInclusion({ index, size: checkpoint.size, leaf: leafHash(entry), path, root: checkpoint.root })
  return { ...checkpoint, index }
}
