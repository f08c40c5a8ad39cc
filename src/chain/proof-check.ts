/**
 * Judges a proof file: form, then origin, signatures, quorum, and at last the place in the tree. What a proof file says is read in
 * `proof-file`; whom to believe, in `policy`.
 */
import { equalBytes } from './bytes.ts'
import { verifyInclusion } from './merkle-proof.ts'
import { leafHash } from './merkle-tree.ts'
import { checkNoteAgainstPolicy, type Policy, parsePolicy, type TrustedCheckpoint } from './policy.ts'
import { parseProofFile } from './proof-file.ts'
import { entryBytesMax } from './tile.ts'
import { VerificationError } from './verification-error.ts'

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

/**
 * The index of an entry in the tree of this very checkpoint.
 * @throws {VerificationError} as `verifyProofFile`, and inclusion.mismatch for a proof against another checkpoint
 */
export function verifyEntryIn(checkpoint: TrustedCheckpoint, proof: ProofToVerify): bigint {
  const { index, size, root } = verifyProofFile(proof)
  if (size !== checkpoint.size || !equalBytes(root, checkpoint.root)) {
    throw new VerificationError(
      'inclusion.mismatch',
      `entry ${index} is proved in another checkpoint, of ${size} entries`,
    )
  }
  return index
}
