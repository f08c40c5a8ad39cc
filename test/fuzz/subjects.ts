/** All that is fuzzed, in the order in which it is. */
import type { Subject } from './subject.ts'
import { privateApi, publicApi } from './subjects/api.ts'
import {
  attestation,
  batch,
  block,
  certificate,
  entry,
  genesisEntry,
  genesisSignature,
  refounding,
} from './subjects/blocks.ts'
import { cbor } from './subjects/cbor.ts'
import {
  configuration,
  foundingFiles,
  headFile,
  jwk,
  keyFile,
  marker,
  signatureList,
  slotFile,
  voteFile,
} from './subjects/files.ts'
import { frames, lane } from './subjects/frames.ts'
import { epochProof } from './subjects/membership.ts'
import { hello, messages } from './subjects/messages.ts'
import {
  bundle,
  checkpoint,
  claims,
  note,
  policy,
  proofFile,
  tilePaths,
  verifierKey,
  verify,
} from './subjects/proofs.ts'
import { json, keyRequest, rules, statements } from './subjects/statements.ts'

export const subjects: readonly Subject[] = [
  ...[frames, lane, hello, messages],
  ...[cbor, batch, block, certificate, attestation, refounding, epochProof, entry, genesisEntry, genesisSignature],
  ...[note, checkpoint, verifierKey, proofFile, policy, verify, tilePaths, bundle, claims],
  ...[voteFile, headFile, slotFile, marker, keyFile, jwk, configuration, signatureList, foundingFiles],
  ...[json, statements, rules, keyRequest],
  ...[publicApi, privateApi],
]
