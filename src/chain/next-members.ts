/**
 * What a list of members must be to follow another: like that of a genesis, with nothing in it that another node ever had, and everybody new
 * ready (protocol.md, rules 19, 20 and 22). What a record that closes an epoch looks like is not known here. Kept apart from `epoch.ts`
 * because judging a list takes the schemas of a genesis, and whoever verifies proofs needs none.
 */
import { type Closing, type Epoch, epochsUpTo } from './epoch.ts'
import {
  buildGenesis,
  checkMembers,
  type Genesis,
  type GenesisMember,
  type GenesisParameters,
  receivedWindowMin,
} from './genesis.ts'
import type { Height } from './numbers.ts'
import { epochOfRefounding, type Refounding } from './refounding.ts'
import { type FieldProblem, Refusal, type RefusalTexts } from './refusal.ts'

export const epochRefusals: RefusalTexts = {
  'epoch.malformed': {
    zh: {
      title: '成员名单不合规定',
      cause: '新一届的成员、密钥或参数有误。',
      remedy: '请按 fields 逐项核对成员资料后重新提交。',
    },
    en: {
      title: 'Malformed list of members',
      cause: 'A member, a key or a parameter of the next epoch is wrong.',
      remedy: 'Compare the members with what fields lists, and submit again.',
    },
  },
  'epoch.identity-reused': {
    zh: {
      title: '节点标识或密钥已用过',
      cause: '加入的节点用了以前某一届的节点标识或密钥。',
      remedy: '请为该节点生成全新的密钥。',
    },
    en: {
      title: 'A node id or key was used before',
      cause: 'A node that joins has the id, or a key, of a node of this epoch or an earlier one.',
      remedy: 'Make new keys for that node.',
    },
  },
  'epoch.not-ready': {
    zh: {
      title: '加入的节点尚未就绪',
      cause: '加入的节点没有对近期区块签署就绪证明。',
      remedy: '请待该节点同步后重新出具就绪证明。',
    },
    en: {
      title: 'A node that joins is not ready',
      cause: 'It has not signed READY over a recent block.',
      remedy: 'Wait until the node has caught up, and have it sign again.',
    },
  },
}

/**
 * The members that may follow these: a list like that of a genesis, in which nothing that another node ever had comes back, and everybody
 * new is ready. `at` is the height of the block that would close the epoch.
 * @throws {Refusal} epoch.malformed, epoch.identity-reused, epoch.not-ready
 */
export function nextMembers(
  epoch: Epoch,
  closing: Closing,
  at: Height,
  parameters: GenesisParameters,
): readonly GenesisMember[] {
  const members = listOf(closing.members, parameters)
  const used = usedBefore(epoch)
  for (const { id, node } of members) {
    const before = epoch.members.find((member) => member.id === id)?.node
    for (const purpose of keyPurposes) {
      if (before?.[purpose] !== node[purpose] && used.has(node[purpose])) {
        throw new Refusal('epoch.identity-reused', `${purpose} of ${id}`)
      }
    }
    if (before?.id === node.id) continue
    const ready = closing.ready.get(node.id)
    if (ready === undefined || ready >= at || ready < at - parameters.readyDistanceBlocksMax) {
      throw new Refusal('epoch.not-ready', id)
    }
  }
  return members
}

/**
 * The members that may follow these where the ledger is re-founded (rule 22). Governance answers for it that they hold the chain. Whoever
 * stays has cosigned what is void from now on, so that another key has to speak for it of what takes its place: under the old one it would
 * contradict itself. The same goes for the key of its log.
 * @throws {Refusal} epoch.malformed, epoch.identity-reused
 */
function refoundedMembers(epoch: Epoch, list: readonly GenesisMember[], genesis: Genesis): readonly GenesisMember[] {
  const members = listInGenesis(list, genesis)
  const used = usedBefore(epoch)
  for (const { id, node } of members) {
    const before = epoch.members.find((member) => member.id === id)?.node
    for (const purpose of keyPurposes) {
      const mayStay = before?.id === node.id && purpose !== 'cosign' && purpose !== 'log'
      if (used.has(node[purpose]) && !(mayStay && before[purpose] === node[purpose])) {
        throw new Refusal('epoch.identity-reused', `${purpose} of ${id}`)
      }
    }
  }
  return members
}

const keyPurposes = ['id', 'network', 'log', 'cosign', 'seal'] as const

/** Of a list that no rule of a record has looked at: every field, as in a genesis. @throws {Refusal} epoch.malformed */
function listInGenesis(members: readonly GenesisMember[], genesis: Genesis): readonly GenesisMember[] {
  try {
    return buildGenesis({ ...genesis, members }).members
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal('epoch.malformed', error.message, error.fields)
    throw error
  }
}

/** Ascending by id. @throws {Refusal} epoch.malformed unless it could be that of a genesis with these parameters */
function listOf(list: readonly GenesisMember[], parameters: GenesisParameters): readonly GenesisMember[] {
  const members = [...list].sort((a, b) => (a.id < b.id ? -1 : 1))
  const problems: FieldProblem[] = []
  checkMembers(members, problems)
  const windowMin = receivedWindowMin(members.length, parameters)
  if (parameters.receivedWindowMs < windowMin) {
    problems.push({ pointer: '/members', problem: `receivedWindowMs < ${windowMin}` })
  }
  if (problems.length > 0) throw new Refusal('epoch.malformed', problems.map((p) => p.pointer).join(', '), problems)
  return members
}

/** Ids and keys of every node of this epoch and those before it. */
function usedBefore(epoch: Epoch): ReadonlySet<string> {
  const used = new Set<string>()
  for (const { members } of epochsUpTo(epoch)) {
    for (const { node } of members) {
      for (const value of [node.id, node.network, node.log, node.cosign, node.seal]) used.add(value)
    }
  }
  return used
}

/**
 * The epoch that this certificate begins after `previous`, once all of it has been checked: the list, the attestation of the start, the
 * signatures of the governance keys.
 * @throws {Refusal} refounding.…, epoch.malformed, epoch.identity-reused
 */
export const refoundedEpoch = (previous: Epoch, refounding: Refounding, genesis: Genesis): Epoch =>
  epochOfRefounding(previous, refounding, genesis, (list) => refoundedMembers(previous, list, genesis))
