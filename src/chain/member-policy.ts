/** The policy that a genesis amounts to: every member's log key, every member's cosign key, and q of the cosigners. */
import { cosignerVerifierKey, logVerifierKey } from './checkpoint.ts'
import type { Epoch } from './epoch.ts'
import type { Genesis, GenesisMember } from './genesis.ts'
import { keyFromKid } from './keys.ts'
import type { VerifierKey } from './note.ts'
import type { Policy } from './policy.ts'

type Founded = Pick<Genesis, 'origin' | 'members' | 'quorum'>

export const memberLogKey = ({ origin }: Pick<Genesis, 'origin'>, { node }: GenesisMember): VerifierKey =>
  logVerifierKey(origin, keyFromKid(node.log)!)

export const memberCosignKey = ({ origin }: Pick<Genesis, 'origin'>, { id, node }: GenesisMember): VerifierKey =>
  cosignerVerifierKey(`${origin}/${id}`, keyFromKid(node.cosign)!)

/** By which the checkpoints of an epoch are checked: its members' keys, and q of them. */
export const epochPolicy = ({ origin }: Pick<Genesis, 'origin'>, { members, quorum }: Epoch): Policy =>
  memberPolicy({ origin, members, quorum })

/**
 * The same, by which only what the node of one member serves is good: for verifiers that ask for the signature of every log that a policy lists,
 * where tlog-policy asks for one of them. Undefined for who is no member.
 */
export function policyOfNode({ origin }: Pick<Genesis, 'origin'>, epoch: Epoch, id: string): Policy | undefined {
  const member = epoch.members.find((each) => each.id === id)
  return member === undefined
    ? undefined
    : { ...epochPolicy({ origin }, epoch), logs: [{ key: memberLogKey({ origin }, member) }] }
}

export function memberPolicy(genesis: Founded): Policy {
  const { members, quorum } = genesis
  return {
    logs: members.map((member) => ({ key: memberLogKey(genesis, member) })),
    witnesses: members.map((member) => ({ name: member.id, key: memberCosignKey(genesis, member) })),
    groups: [{ name: 'members', threshold: quorum, members: members.map(({ id }) => id) }],
    quorum: 'members',
  }
}
