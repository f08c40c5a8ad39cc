/**
 * A small ledger for tests of the proof formats: four members, a tree of thirteen entries, and its checkpoint signed by one log key
 * and cosigned by as many members as asked for. Everything follows from fixed seeds.
 */
import { utf8 } from '../../src/chain/bytes.ts'
import {
  cosignature,
  cosignatureMessage,
  cosignerVerifierKey,
  formatCheckpoint,
  logMessage,
  logSignature,
  logVerifierKey,
} from '../../src/chain/checkpoint.ts'
import { ed25519PublicKey, ed25519Sign } from '../../src/chain/crypto-native.ts'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import { type HashReader, inclusionPath, leafHash, nodeHash, rootOf } from '../../src/chain/merkle-tree.ts'
import type { Note, NoteSignature, VerifierKey } from '../../src/chain/note.ts'
import { formatPolicy, type Policy } from '../../src/chain/policy.ts'
import { formatProofFile } from '../../src/chain/proof-file.ts'

export const origin = 'gongzheng.example/00112233445566778899aabbccddeeff'
export const memberIds = ['guangzhou', 'beijing', 'wuhan', 'hangzhou'] as const
export const cosignedAtSeconds = 1_795_312_800

const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const taggedOf = (n: number): Uint8Array => taggedEd25519(ed25519PublicKey(seedOf(n)))

/** Seeds 1..4 are the members' log keys, 11..14 their cosigner keys. */
export const logKeys: readonly VerifierKey[] = memberIds.map((_, i) => logVerifierKey(origin, taggedOf(1 + i)))
export const cosignerKeys: readonly VerifierKey[] = memberIds.map((id, i) =>
  cosignerVerifierKey(`${origin}/${id}`, taggedOf(11 + i)),
)

export const policy: Policy = {
  logs: logKeys.map((key) => ({ key })),
  witnesses: memberIds.map((name, i) => ({ name, key: cosignerKeys[i]! })),
  groups: [{ name: 'members', threshold: 3, members: memberIds }],
  quorum: 'members',
}
export const policyText = formatPolicy(policy)

export const entries = Array.from({ length: 13 }, (_, i) => utf8(`{"statement":"${i}"}`))
export const size = entries.length
export const read: HashReader = (level, index) =>
  level === 0 ? leafHash(entries[index]!) : nodeHash(read(level - 1, index * 2), read(level - 1, index * 2 + 1))
export const checkpointText = formatCheckpoint({ origin, size, root: rootOf(size, read) })

/** The log signature of a member's node, by its place in `memberIds`. */
export const logSignatureBy = (member: number, text: string = checkpointText): NoteSignature =>
  logSignature(logKeys[member]!, ed25519Sign(seedOf(1 + member), logMessage(text)))

/** The cosignature of a member, made so many seconds later than that of the first. */
export function cosignatureBy(
  member: number,
  text: string = checkpointText,
  timeSeconds = cosignedAtSeconds + member,
): NoteSignature {
  const signature = ed25519Sign(seedOf(11 + member), cosignatureMessage(timeSeconds, text))
  return cosignature(cosignerKeys[member]!, timeSeconds, signature)
}

/** One log line and the cosignatures of these members. */
export const noteBy = (members: readonly number[], text: string = checkpointText): Note => ({
  text,
  signatures: [logSignatureBy(0, text), ...members.map((member) => cosignatureBy(member, text))],
})

/** The proof file of an entry, with one log line and exactly q = 3 cosignatures unless told otherwise. */
export const proofFileOf = (index: number, note: Note = noteBy([0, 1, 2])): string =>
  formatProofFile({ index, path: inclusionPath(index, size, read), note })
