/**
 * From what the disk holds to where the node goes on (consensus.md section 4). Never guesses: above the watermark a block is a crash tail
 * and is dropped; at or below it a hole or a bad hash is damage, and the node signs nothing until it has fetched those blocks again.
 * Derived rows that do not add up to their sum are made again from the blocks.
 */

import { sha256 } from '#crypto'
import { equalBytes, toHex, utf8 } from '../chain/bytes.ts'
import type { BlockRef } from '../chain/certificate.ts'
import { type ChainPoint, type ChainRules, InvalidBlock, type ItemReader } from '../chain/execution.ts'
import { type Genesis, genesisState } from '../chain/genesis.ts'
import { leafHash, TreeFrontier } from '../chain/merkle-tree.ts'
import { type Height, height, term } from '../chain/numbers.ts'
import { Overlay } from '../chain/state.ts'
import type { VoteState } from '../consensus/effect.ts'
import { type BlockMeta, compareRanks } from '../consensus/message.ts'
import type { DurableState } from '../consensus/raft.ts'
import { type Applied, type BlockStore, blockKey, DamagedStore, metaKey } from './block-store.ts'
import type { DiskCycle } from './disk-cycle.ts'
import {
  decodeHeadFile,
  decodeVoteFile,
  encodeHeadFile,
  encodeVoteFile,
  type HeadFile,
  type VoteFile,
} from './durable-state.ts'
import { Ledger, metaOf } from './ledger.ts'
import type { Disk, Log } from './ports.ts'

/** The node cannot go on under this id, or not without a person. `code` is in the message catalogue. */
export class StartUpFailed extends Error {
  override readonly name = 'StartUpFailed'
  readonly code: string
  constructor(code: string, detail: string) {
    super(detail)
    this.code = code
  }
}

export interface Started {
  readonly incarnation: number
  readonly head: HeadFile
  readonly durable: DurableState
  readonly ledger: Ledger
  /** Blocks up to here were on the disk and are damaged or gone: fetch them before signing anything. */
  readonly missingUpTo: BlockRef | undefined
}

export interface StartUpDependencies {
  readonly disk: Disk
  readonly cycle: DiskCycle
  readonly store: BlockStore
  readonly read: ItemReader
  readonly log: Log
}

/** The genesis as a block: height 0, one leaf. */
export function genesisRef(genesis: Genesis): BlockRef {
  return { term: term(0), height: height(0), id: toHex(sha256(utf8('gongzheng/genesis\0'), genesis.entry)) }
}

/** Calls back once the new incarnation is durable; @throws {StartUpFailed} at once or not at all. */
export function startUp(rules: ChainRules, deps: StartUpDependencies, done: (started: Started) => void): void {
  const { vote: voteSlot, head: headSlot } = deps.disk.slots()
  for (const [name, slot] of [
    ['vote', voteSlot],
    ['head', headSlot],
  ] as const) {
    if (slot.kind === 'damaged')
      throw new StartUpFailed('node.retired', `the ${name} file is lost or damaged (protocol rule 18)`)
  }
  if (deps.cycle.get(retiredKey) !== undefined) {
    throw new StartUpFailed(
      'node.retired',
      'other members hold what this node signed and no longer knew (protocol rule 17)',
    )
  }
  const voteFile = voteSlot.kind === 'intact' ? decodeVoteFile(voteSlot.bytes) : undefined
  const head = headSlot.kind === 'intact' ? decodeHeadFile(headSlot.bytes) : undefined
  if (voteFile === undefined || head === undefined) {
    // The vote file is written first of all and the head file last; rows lie between. Anything else is a file that was lost.
    const isFirstStart =
      head === undefined && (voteFile === undefined ? deps.store.applied() === undefined : voteFile.vote.term === 0)
    if (!isFirstStart) {
      throw new StartUpFailed(
        'node.retired',
        `the ${head === undefined ? 'head' : 'vote'} file is lost (protocol rule 18)`,
      )
    }
    // What a crash left of an earlier first start is made again.
    return deps.store.forgetDerived(() => found(rules, deps, (voteFile?.incarnation ?? 0) + 1, done))
  }
  deps.store.recount((sum) => {
    const applied = deps.store.applied()
    if (applied !== undefined && sum !== undefined && equalBytes(applied.sum, sum)) {
      return resume(rules, deps, voteFile, head, applied, done)
    }
    deps.log.error('derived rows damaged', { height: applied?.block.height ?? null })
    deps.store.forgetDerived(() => {
      deps.cycle.whenDurable(() => goOn(deps, voteFile, head, foldGenesis(rules, deps), done))
      deps.cycle.flush()
    })
  })
}

/** This node id was refused by its peers and never signs again, whatever a later start finds. */
export const retiredKey = metaKey('retired')

/** The first start: the genesis is block 0 and record 0. */
function found(
  rules: ChainRules,
  deps: StartUpDependencies,
  incarnation: number,
  done: (started: Started) => void,
): void {
  const ledger = foldGenesis(rules, deps)
  const block = ledger.committed.block
  const vote: VoteState = { term: term(0), candidate: null, base: null, ackBarred: false }
  const lock = { block, lowerTermRank: { term: term(0), height: height(0) } }
  const register = { size: 0, root: ledger.committed.root, height: height(0), id: block.id }
  const head: HeadFile = { last: block, lock, commit: height(0), register, journalChanges: 0 }
  deps.cycle.head(encodeHeadFile(head))
  goOn(deps, { incarnation: incarnation - 1, vote }, head, ledger, done)
}

function foldGenesis(rules: ChainRules, deps: StartUpDependencies): Ledger {
  const { genesis } = rules
  const block = genesisRef(genesis)
  const state = new Overlay({ get: () => undefined })
  genesisState(genesis, state)
  const hash = leafHash(genesis.entry)
  const frontier = new TreeFrontier()
  frontier.append(hash)
  const root = toHex(frontier.root())
  const point = { leader: '', time: genesis.foundedAt, frontier, root, state, unattested: [] }
  deps.cycle.put(blockKey(block.height), genesis.entry)
  deps.store.fold(block, genesis.entry, {
    leaves: [{ kind: 'genesis', bytes: genesis.entry, hash }],
    firstIndex: 0,
    writes: state.writes,
    point,
  })
  return new Ledger(rules, { ...point, block, state: deps.store.state }, { store: deps.store, read: deps.read })
}

function resume(
  rules: ChainRules,
  deps: StartUpDependencies,
  voteFile: VoteFile,
  head: HeadFile,
  applied: Applied,
  done: (started: Started) => void,
): void {
  const { block, leader, time, root, unattested } = applied
  const frontier = deps.store.resume(applied)
  const committed: ChainPoint = { block, leader, time, frontier, root, state: deps.store.state, unattested }
  const ledger = new Ledger(rules, committed, { store: deps.store, read: deps.read })
  const raised = raisedTo(block, head)
  // Written before anything is acknowledged on it: the watermark is what a later start looks for.
  if (raised !== head) deps.cycle.head(encodeHeadFile(raised))
  goOn(deps, voteFile, raised, ledger, done)
}

/**
 * A crash between the rows of a cycle and its head file leaves blocks applied that the head file does not know of yet. They were committed,
 * so watermark, commit and lock are at least there: without the certificate, which others have (q of them locked before anybody committed).
 */
function raisedTo(applied: BlockRef, head: HeadFile): HeadFile {
  if (applied.height <= head.commit) return head
  const { block: locked, lowerTermRank } = head.lock
  const isAhead = compareRanks(applied, locked) > 0
  return {
    ...head,
    last: applied.height >= head.last.height ? applied : head.last,
    commit: applied.height,
    lock: isAhead ? { block: applied, lowerTermRank: applied.term > locked.term ? locked : lowerTermRank } : head.lock,
  }
}

/** Walks the chain from what is applied to the watermark, executing what is not committed yet and folding what is. */
function goOn(
  deps: StartUpDependencies,
  voteFile: VoteFile,
  head: HeadFile,
  ledger: Ledger,
  done: (started: Started) => void,
): void {
  const { store, cycle, log } = deps
  const { vote } = voteFile
  const incarnation = voteFile.incarnation + 1
  let at = ledger.committed.block
  let missingUpTo: BlockRef | undefined
  const above: BlockMeta[] = []
  while (at.height < head.last.height) {
    const next = height(at.height + 1)
    const meta = checkStored(ledger, store, next, at.id)
    if (meta === undefined) {
      log.error('block damaged', { height: next, last: head.last.height })
      missingUpTo = head.last
      break
    }
    at = { term: meta.term, height: meta.height, id: meta.id }
    if (next <= head.commit) ledger.commit(meta.id)
    else above.push(meta)
  }
  if (missingUpTo === undefined && at.id !== head.last.id) {
    // The rows are whole and link, but end in another block than the one I answered for.
    log.error('block damaged', { height: at.height, last: head.last.height })
    missingUpTo = head.last
  }
  dropCrashTail(store, cycle, at.height)
  const { committed } = ledger
  // Read from the disk if it is ever sent; its length would matter to a window only.
  const first: BlockMeta = { ...committed.block, parent: '', bytes: 0 }
  const durable: DurableState = { vote, lock: head.lock, commit: committed.block.height, blocks: [first, ...above] }
  cycle.vote(encodeVoteFile({ incarnation, vote }))
  cycle.whenDurable(() => done({ incarnation, head, durable, ledger, missingUpTo }))
  cycle.flush()
}

/** A stored block that extends the chain and whose content is what its header says; undefined when it is not there or not that. */
function checkStored(ledger: Ledger, store: BlockStore, at: Height, parent: string): BlockMeta | undefined {
  try {
    const block = store.block(at)
    if (block === undefined || block.header.parent !== parent) return undefined
    return metaOf(ledger.check(block).block)
  } catch (error) {
    // It was valid when it was stored, so what is not valid now was changed since.
    if (error instanceof DamagedStore || error instanceof InvalidBlock) return undefined
    throw error
  }
}

/** Above the watermark nothing was promised: what a crash left there goes. */
function dropCrashTail(store: BlockStore, cycle: DiskCycle, last: Height): void {
  for (let at = height(last + 1); store.holdsBlock(at); at = height(at + 1)) cycle.del(blockKey(at))
  store.forgetAbove(last)
}
