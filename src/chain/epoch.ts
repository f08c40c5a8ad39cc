/**
 * An epoch (届): who the members are, and where it starts. The first starts on the genesis block; every other one on the block that closed
 * the epoch before it, once q members of that epoch have attested it (protocol.md, rules 19–21). What a closing record is, is not known
 * here: this file says what a list of members must be to follow another, and where lists are kept.
 */
import { sha256 } from '#crypto'
import { fromHex, fromUtf8, toHex, utf8 } from './bytes.ts'
import { type CborValue, field } from './cbor.ts'
import { type BlockRef, refFromCbor, refToCbor, type SigningContext, sealMessage } from './certificate.ts'
import {
  buildGenesis,
  checkMembers,
  type Genesis,
  type GenesisMember,
  type GenesisParameters,
  receivedWindowMin,
} from './genesis.ts'
import { canonicalJson, type JsonValue } from './json.ts'
import { leafHash } from './merkle-tree.ts'
import { faultsOf, type Height, height, quorumOf, term } from './numbers.ts'
import { type FieldProblem, Refusal, type RefusalTexts } from './refusal.ts'
import type { StateReader } from './state.ts'

/** The block that an epoch builds on, and the tree as of there. It is committed: an epoch needs no certificate for it. */
export interface EpochStart {
  readonly block: BlockRef
  readonly size: number
  /** Hex. */
  readonly root: string
}

export interface Epoch {
  readonly number: number
  /** Ascending by id. */
  readonly members: readonly GenesisMember[]
  readonly start: EpochStart
  /** Rule 22: the certificate that stands for the attestation of a closing block (refounding.ts). */
  readonly refounding?: Uint8Array
  /** Undefined for the first: lists are never forgotten, since the signatures of an epoch are checked for ever. */
  readonly previous: Epoch | undefined
  /** q */
  readonly quorum: number
  /** f */
  readonly faults: number
}

/** What a record that closes an epoch says; its own rules have checked who may say it, and the signatures of READY. */
export interface Closing {
  /** All members of the next epoch, those that stay included. */
  readonly members: readonly GenesisMember[]
  /** By node id, for each node that joins: the height of a block over which it signed READY. */
  readonly ready: ReadonlyMap<string, Height>
}

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

/** The genesis as a block: height 0, one leaf. */
export function genesisRef(genesis: Genesis): BlockRef {
  return { term: term(0), height: height(0), id: toHex(sha256(utf8('gongzheng/genesis\0'), genesis.entry)) }
}

export function foundingEpoch(genesis: Genesis): Epoch {
  let epoch = foundingEpochs.get(genesis)
  if (epoch === undefined) {
    const { members, quorum, faults, entry } = genesis
    // The root of a tree of one leaf is that leaf.
    const start = { block: genesisRef(genesis), size: 1, root: toHex(leafHash(entry)) }
    epoch = { number: 0, members, start, previous: undefined, quorum, faults }
    foundingEpochs.set(genesis, epoch)
  }
  return epoch
}

/** Asked for with every statement. */
const foundingEpochs = new WeakMap<Genesis, Epoch>()

/** The epoch of that number, among this one and those before it. */
export function epochNumbered(epoch: Epoch, number: number): Epoch | undefined {
  let at: Epoch | undefined = epoch
  while (at !== undefined && at.number > number) at = at.previous
  return at?.number === number ? at : undefined
}

/** The epoch whose members attest a tree of this size: it starts below it. Genesis is attested by the first. */
export function epochOfSize(epoch: Epoch, size: number): Epoch {
  let at = epoch
  while (at.previous !== undefined && size <= at.start.size) at = at.previous
  return at
}

/** This epoch and all before it, the newest first. */
export function* epochsUpTo(epoch: Epoch): Generator<Epoch, void, void> {
  for (let at: Epoch | undefined = epoch; at !== undefined; at = at.previous) yield at
}

/** What a node that joins signs with its seal key: it holds the chain up to this block (rule 20). */
export function readyMessage(context: SigningContext, block: BlockRef): Uint8Array {
  return sealMessage('READY', context, refToCbor(block))
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
export function refoundedMembers(
  epoch: Epoch,
  list: readonly GenesisMember[],
  genesis: Genesis,
): readonly GenesisMember[] {
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

export function epochAfter(previous: Epoch, members: readonly GenesisMember[], start: EpochStart): Epoch {
  const { length } = members
  return {
    number: previous.number + 1,
    members,
    start,
    previous,
    quorum: quorumOf(length),
    faults: faultsOf(length),
  }
}

// ── where lists are kept ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export const epochRow = (number: number): string => `epoch/${number}`

export function epochToCbor({ members, start, refounding }: Epoch): CborValue {
  const list = members as unknown as JsonValue
  const row = [refToCbor(start.block), start.size, fromHex(start.root)!, utf8(canonicalJson(list))]
  return refounding === undefined ? row : [...row, refounding]
}

/** The newest epoch of which this state knows: the one after the last block that closed any. */
export function newestEpoch(state: StateReader, genesis: Genesis): Epoch {
  let epoch = foundingEpoch(genesis)
  for (;;) {
    const row = state.get(epochRow(epoch.number + 1))
    if (row === undefined) return epoch
    const [block, size, root, list, refounding] = field.array(row, 'epoch row')
    const members = JSON.parse(fromUtf8(field.bytes(list, 'members'))) as GenesisMember[]
    const start = {
      block: refFromCbor(block, 'start'),
      size: field.natural(size, 'size'),
      root: toHex(field.bytes(root, 'root', 32)),
    }
    epoch = {
      ...epochAfter(epoch, members, start),
      ...(refounding === undefined ? {} : { refounding: field.bytes(refounding, 'refounding') }),
    }
  }
}
