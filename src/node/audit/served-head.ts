/**
 * A checkpoint as a source serves it, read against the members that the auditor knows: who cosigned it and when, and whether that is enough. One
 * that is not good enough is kept all the same, because a member's good signature on a wrong head is evidence.
 */
import { equalBytes } from '../../chain/bytes.ts'
import { cosignatureMessage, parseCheckpoint, parseCosignature } from '../../chain/checkpoint.ts'
import { type Epoch, epochOfSize } from '../../chain/epoch.ts'
import type { CosignedHead } from '../../chain/fault.ts'
import type { Genesis, GenesisMember } from '../../chain/genesis.ts'
import { keyFromKid, verifySignature } from '../../chain/keys.ts'
import { epochPolicy, memberCosignKey, memberLogKey } from '../../chain/member-policy.ts'
import { parseNote } from '../../chain/note.ts'
import { checkNoteAgainstPolicy, type Policy } from '../../chain/policy.ts'
import { VerificationError } from '../../chain/verification-error.ts'

export interface MemberHead extends CosignedHead {
  readonly member: GenesisMember
}

export interface ServedHead {
  readonly size: number
  readonly root: Uint8Array
  /** The note, verbatim. */
  readonly note: string
  /** By every member whose signature is good. */
  readonly cosigned: readonly MemberHead[]
  /** Whose log key signed it; undefined when none of this ledger's did. */
  readonly signedBy: string | undefined
  /** Why it is not good by the members' or the auditor's policy. */
  readonly trouble: VerificationError | undefined
  /** It may be good by a list of members of which the auditor does not know yet: that of a later epoch. */
  readonly isPerhapsLater: boolean
}

/** `/checkpoint` with every cosignature there is: by default a node serves as many lines as every verifier must accept. */
export const checkpointPath = 'checkpoint?cosignatures=64'

/**
 * `newest`: the newest epoch that the auditor knows; those before it count for sizes below its start. `policy`: what the auditor demands beside what
 * the members amount to.
 * @throws {VerificationError} when it is no checkpoint of this ledger at all
 */
export function readHead(bytes: Uint8Array, genesis: Genesis, newest: Epoch, policy: Policy | undefined): ServedHead {
  const note = parseNote(bytes)
  const checkpoint = parseCheckpoint(note.text)
  const { origin, root } = checkpoint
  if (origin !== genesis.origin) throw new VerificationError('policy.unknown-log', `its origin is ${origin}`)
  const size = Number(checkpoint.size)
  if (!Number.isSafeInteger(size) || size < 1) throw new VerificationError('checkpoint.malformed', `size ${size}`)
  const cosigned: MemberHead[] = []
  const epoch = epochOfSize(newest, size)
  const { members } = epoch
  for (const member of members) {
    const key = memberCosignKey(genesis, member)
    const line = note.signatures.find(({ name, keyId }) => name === key.name && keyId === key.keyId)
    const parts = line === undefined ? undefined : parseCosignature(line.signature)
    if (parts === undefined) continue
    const { timeSeconds, signature } = parts
    if (!verifySignature(keyFromKid(member.node.cosign)!, cosignatureMessage(timeSeconds, note.text), signature))
      continue
    cosigned.push({ member, checkpoint: note.text, timeSeconds, signature })
  }
  let trouble: VerificationError | undefined
  let signedBy: string | undefined
  let isPerhapsLater = false
  try {
    const { log } = checkNoteAgainstPolicy(note, epochPolicy(genesis, epoch))
    signedBy = members.find((member) => equalBytes(memberLogKey(genesis, member).publicKey, log.publicKey))?.id
    if (policy !== undefined) checkNoteAgainstPolicy(note, policy)
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    trouble = error
    const isLacking = ['policy.quorum-missing', 'policy.log-signature-missing'].includes(error.code)
    isPerhapsLater = isLacking && signedBy === undefined && epoch === newest && size > newest.start.size
  }
  return { size, root, note: new TextDecoder().decode(bytes), cosigned, signedBy, trouble, isPerhapsLater }
}
