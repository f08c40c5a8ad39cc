/**
 * The public surface for whoever checks proofs without a node: the package entry `gongzheng/verify`. Deterministic, offline, for Node and
 * browsers alike. A proof file, the entry's bytes and a policy go in; who cosigned and when comes out, or a `VerificationError` with
 * a stable code that says why not. Court bundles are judged claim by claim, and fault proofs name the key that they convict.
 */

export {
  type BundleExpectations,
  type BundleReport,
  type Claim,
  type ClaimId,
  verifyBundle,
  type Words,
} from './bundle.ts'
export type { BlockFacts, BundleFacts, KeyFacts, NamedHash } from './bundle-facts.ts'
export { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
export type { Epoch } from './epoch.ts'
export { type Fault, type FaultKind, type FaultProof, parseFault, verifyFault } from './fault.ts'
export { type FoundedLedger, readFounding } from './founding.ts'
export { epochsFrom, everybody, policyForNote } from './membership.ts'
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
export { type ProofToVerify, type VerifiedEntry, verifyProofFile } from './proof-check.ts'
export { type ProofFile, parseProofFile } from './proof-file.ts'
export { type VerificationCode, VerificationError, verificationTexts } from './verification-error.ts'
