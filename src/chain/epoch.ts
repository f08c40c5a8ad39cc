/**
 * An epoch (届): who the members are, and where it starts. The first starts on the genesis block; every other one on the block that closed
 * the epoch before it, once q members of that epoch have attested it (protocol.md, rules 19–21). What a list of members
 * must be to follow another, `next-members.ts` says; this file says what an epoch is, and where lists are kept.
 */
import { sha256 } from '#crypto'
import { fromHex, fromUtf8, toHex, utf8 } from './bytes.ts'
import { type CborValue, field } from './cbor.ts'
import { type BlockRef, refFromCbor, refToCbor, type SigningContext, sealMessage } from './certificate.ts'
import type { GenesisMember } from './founding.ts'
import type { Genesis } from './genesis.ts'
import { canonicalJson, type JsonValue } from './json.ts'
import { leafHash } from './merkle-tree.ts'
import { faultsOf, type Height, height, quorumOf, term } from './numbers.ts'
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

/** The genesis as a block: height 0, one leaf. */
export function genesisRef(genesis: Pick<Genesis, 'entry'>): BlockRef {
  return { term: term(0), height: height(0), id: toHex(sha256(utf8('gongzheng/genesis\0'), genesis.entry)) }
}

export function foundingEpoch(genesis: Founding): Epoch {
  let epoch = foundingEpochs.get(genesis)
  if (epoch === undefined) {
    const { members, quorum, entry } = genesis
    // The root of a tree of one leaf is that leaf.
    const start = { block: genesisRef(genesis), size: 1, root: toHex(leafHash(entry)) }
    epoch = { number: 0, members, start, previous: undefined, quorum, faults: faultsOf(members.length) }
    foundingEpochs.set(genesis, epoch)
  }
  return epoch
}

type Founding = Pick<Genesis, 'members' | 'quorum' | 'entry'>

/** Asked for with every statement. */
const foundingEpochs = new WeakMap<Founding, Epoch>()

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
