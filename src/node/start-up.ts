/**
 * From what the disk holds to where the node goes on (consensus.md section 4). Never guesses: above the watermark a block is a crash tail
 * and is dropped; at or below it a hole or a bad hash is damage, and the node signs nothing until it has fetched those blocks again.
 * Derived rows that do not add up to their sum are made again from the blocks.
 */

import { assert } from '../chain/assert.ts'
import type { Block } from '../chain/block.ts'
import { equalBytes, toHex } from '../chain/bytes.ts'
import type { BlockRef } from '../chain/certificate.ts'
import { type Epoch, epochNumbered, foundingEpoch, genesisRef, newestEpoch } from '../chain/epoch.ts'
import {
  type ChainPoint,
  type ChainRules,
  epochOf,
  InvalidBlock,
  type ItemReader,
  refoundedAfter,
  refuseUnknownRules,
  rulesOfEpoch,
  UnknownRules,
} from '../chain/execution.ts'
import { genesisState } from '../chain/genesis.ts'
import { leafHash, TreeFrontier } from '../chain/merkle-tree.ts'
import { type Height, height, term } from '../chain/numbers.ts'
import { decodeRefounding } from '../chain/refounding.ts'
import { Refusal } from '../chain/refusal.ts'
import { Overlay } from '../chain/state.ts'
import type { VoteState } from '../consensus/effect.ts'
import { type BlockMeta, compareRanks } from '../consensus/message.ts'
import type { DurableState } from '../consensus/raft.ts'
import type { Applied, BlockStore } from './block-store.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DamagedStore } from './disk-failure.ts'
import {
  decodeHeadFile,
  decodeVoteFile,
  encodeHeadFile,
  encodeVoteFile,
  type HeadFile,
  type Register,
  type VoteFile,
} from './durable-state.ts'
import { Ledger, metaOf } from './ledger.ts'
import type { Disk, Log } from './ports.ts'
import { keepRefounding, refoundingsHeld } from './refoundings.ts'
import { metaKey } from './store-rows.ts'

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

/** Calls back once the new incarnation is durable; @throws {StartUpFailed} at once or not at all. */
export function startUp(given: ChainRules, deps: StartUpDependencies, done: (started: Started) => void): void {
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
  const refoundings = refoundingsHeld(given.refoundings ?? [], deps.cycle, voteFile?.epoch)
  const rules: ChainRules = { ...given, refoundings }
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
      const voidAbove = voidFrom(rules, deps, voteFile)
      if (voidAbove === undefined || applied.block.height <= voidAbove) {
        return resume(rules, deps, voteFile, head, applied, done)
      }
      // Rule 22: what was derived from the blocks above is undone by deriving all of it again.
      deps.log.warn('blocks void', { above: voidAbove, height: applied.block.height })
    } else deps.log.error('derived rows damaged', { height: applied?.block.height ?? null })
    deps.store.forgetDerived(() => {
      deps.cycle.whenDurable(() => goOn(deps, voteFile, head, foldGenesis(rules, deps), done))
      deps.cycle.flush()
    })
  })
}

/** Rule 22: the block above which nothing of this node's epoch counts any more. */
function voidFrom(rules: ChainRules, { store }: StartUpDependencies, { epoch: number }: VoteFile): Height | undefined {
  const epoch = epochNumbered(newestEpoch(store.state, rules.genesis), number)
  if (epoch === undefined) return undefined
  return heldTo(() => refoundedAfter(rulesOfEpoch(rules, epoch)))?.start.block.height
}

/** What an operator has given is looked at here first. */
function heldTo<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw error instanceof Refusal ? new StartUpFailed(error.code, error.message) : error
  }
}

const ledgerOf = (...[rules, committed, deps]: ConstructorParameters<typeof Ledger>): Ledger =>
  heldTo(() => new Ledger(rules, committed, deps))

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
  const register = { size: 0, root: ledger.committed.root, height: height(0), id: block.id }
  const { vote, head } = filesAtStart(foundingEpoch(rules.genesis), incarnation - 1, register, 0)
  deps.cycle.head(encodeHeadFile(head))
  goOn(deps, vote, head, ledger, done)
}

/** What the two files say where an epoch begins: nothing voted, and its start is watermark, lock and commit. Terms go on from there. */
function filesAtStart(
  { number, start: { block, size, root }, refounding }: Epoch,
  incarnation: number,
  cosignedBefore: Register,
  journalChanges: number,
): { vote: VoteFile; head: HeadFile } {
  // Where the ledger is re-founded another key cosigns, of which nothing is registered yet, and the start is not its to cosign (rule 22).
  const register = refounding === undefined ? cosignedBefore : { size, root, height: block.height, id: block.id }
  const unvoted: VoteState = { term: block.term, candidate: null, base: null, ackBarred: false }
  const lock = { block, lowerTermRank: { term: term(0), height: height(0) } }
  return {
    vote: { epoch: number, incarnation, vote: unvoted },
    head: { epoch: number, last: block, lock, commit: block.height, register, journalChanges },
  }
}

/**
 * The epoch of `ledger` is closed and its last block attested, all of which is durable: the next one begins as a start does. The vote file
 * comes first. A crash after it finds a head file one epoch below, and does the rest again; then the blocks above are deleted.
 */
export function enterEpoch(
  ledger: Ledger,
  deps: StartUpDependencies,
  now: {
    readonly incarnation: number
    readonly register: Register
    readonly journalChanges: number
    readonly last: Height
  },
  done: (started: Started) => void,
): void {
  const { cycle, store } = deps
  const next = nextLedger(ledger, deps)
  const { block } = next.committed
  const { vote, head } = filesAtStart(epochOf(next.rules), now.incarnation, now.register, now.journalChanges)
  const above: Uint8Array[] = []
  for (let at = height(block.height + 1); at <= now.last; at = height(at + 1)) above.push(...store.blockKeys(at))
  cycle.vote(encodeVoteFile(vote))
  cycle.truncate(encodeHeadFile(head), above)
  store.forgetAbove(block.height)
  goOn(deps, vote, head, next, done)
}

/** The same committed block as the next epoch sees it: its start. */
export function nextLedger({ rules, committed }: Ledger, deps: Pick<StartUpDependencies, 'store' | 'read'>): Ledger {
  const { next, ...start } = committed
  assert(next !== undefined && next.start.block.id === start.block.id, 'an epoch ends with the block that closed it')
  return ledgerOf(rulesOfEpoch(rules, next), start, { store: deps.store, read: deps.read })
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
  deps.store.putBlockBytes(block.height, genesis.entry)
  deps.store.fold(block, genesis.entry, {
    leaves: [{ kind: 'genesis', bytes: genesis.entry, hash }],
    firstIndex: 0,
    writes: state.writes,
    point,
  })
  return ledgerOf(rules, { ...point, block, state: deps.store.state }, { store: deps.store, read: deps.read })
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
  const newest = newestBegun(rules, deps, block)
  // On the block that closed an epoch it is the vote file that says whether the next has begun here.
  const isClosed = newest.start.block.id === block.id && newest.number > voteFile.epoch
  const epoch = isClosed ? newest.previous! : newest
  const committed: ChainPoint = {
    ...{ block, leader, time, frontier, root, state: deps.store.state, unattested },
    ...(isClosed ? { next: newest } : {}),
  }
  const ledger = ledgerOf(rulesOfEpoch(rules, epoch), committed, { store: deps.store, read: deps.read })
  // Before its first block is applied here, a re-founded epoch stands in its certificate only.
  const begun = epoch.number < voteFile.epoch ? (ledger.committed.next ?? epoch) : epoch
  if (head.epoch !== voteFile.epoch) return goOn(deps, voteFile, headAtStart(deps, begun, head), ledger, done)
  const raised = raisedTo(block, head)
  // Written before anything is acknowledged on it: the watermark is what a later start looks for.
  if (raised !== head) deps.cycle.head(encodeHeadFile(raised))
  goOn(deps, voteFile, raised, ledger, done)
}

/** As the state has it; where governance goes on from the very block that closed an epoch, what that block began is void too. */
function newestBegun({ genesis, refoundings = [] }: ChainRules, { store }: StartUpDependencies, at: BlockRef): Epoch {
  const newest = newestEpoch(store.state, genesis)
  if (newest.previous === undefined || newest.refounding !== undefined || newest.start.block.id !== at.id) return newest
  const isVoid = refoundings.some(({ epoch, start }) => epoch === newest.number && start.block.id === at.id)
  return isVoid ? newest.previous : newest
}

/** A crash came between the two files of `enterEpoch`. Should one come again before this is durable, the next start is here again. */
function headAtStart({ cycle }: StartUpDependencies, epoch: Epoch, { register, journalChanges }: HeadFile): HeadFile {
  const { head } = filesAtStart(epoch, 0, register, journalChanges)
  // Its watermark is lower (rule 11): it is durable before what lies above is dropped for a crash tail.
  cycle.truncate(encodeHeadFile(head), [])
  return head
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
  headFound: HeadFile,
  from: Ledger,
  done: (started: Started) => void,
): void {
  const { store, cycle, log } = deps
  const { vote, epoch } = voteFile
  let ledger = from
  let head = provenHead(ledger, store, headFound)
  const incarnation = voteFile.incarnation + 1
  let at = ledger.committed.block
  let missingUpTo: BlockRef | undefined
  const above: BlockMeta[] = []
  while (at.height < head.last.height) {
    const next = height(at.height + 1)
    if (epochOf(ledger.rules).number < epoch && ledger.committed.next?.start.block.id === at.id) {
      ledger = nextLedger(ledger, deps)
      if (epochOf(ledger.rules).number === epoch && head.epoch < epoch) {
        head = headAtStart(deps, epochOf(ledger.rules), head)
        break
      }
    }
    if (ledger.refounded !== undefined && ledger.committed.next === ledger.refounded) break
    const meta = checkStored(ledger, store, next, at.id, head.last)
    if (meta === undefined) {
      log.error('block damaged', { height: next, last: head.last.height })
      missingUpTo = head.last
      break
    }
    at = { term: meta.term, height: meta.height, id: meta.id }
    // What commits the block that closed an epoch is not applied: it dies with the epoch.
    if (next <= head.commit && ledger.committed.next === undefined) ledger.commit(meta.id)
    else above.push(meta)
  }
  if (epochOf(ledger.rules).number < epoch && ledger.committed.next !== undefined) ledger = nextLedger(ledger, deps)
  if (epochOf(ledger.rules).number !== epoch) {
    // Nothing may be signed in an older epoch with what was promised in a newer one, and its blocks are not fetched without signing.
    throw new StartUpFailed(
      'node.retired',
      `what leads to epoch ${epoch} is damaged, and so is all that is derived from it`,
    )
  }
  const isEnd = ledger.refounded !== undefined && ledger.committed.next === ledger.refounded
  if (missingUpTo === undefined && at.id !== head.last.id && !isEnd) {
    // The rows are whole and link, but end in another block than the one I answered for.
    log.error('block damaged', { height: at.height, last: head.last.height })
    missingUpTo = head.last
  }
  const { committed } = ledger
  if (ledger.refounded !== undefined) noteRefounded(deps, ledger.refounded)
  if (isEnd) head = endHere(cycle, head, committed.block)
  knowingItsRules(() => refuseUnknownRules(committed, ledger.rules))
  dropCrashTail(store, cycle, at.height)
  // Read from the disk if it is ever sent; its length would matter to a window only.
  const first: BlockMeta = { ...committed.block, parent: '', bytes: 0 }
  const durable: DurableState = { vote, lock: head.lock, commit: committed.block.height, blocks: [first, ...above] }
  const finish = (): void => {
    cycle.vote(encodeVoteFile({ epoch, incarnation, vote }))
    cycle.whenDurable(() => done({ incarnation, head, durable, ledger, missingUpTo }))
    cycle.flush()
  }
  // Attestations of what is void would be shown as those of other leaves one day.
  if (isEnd) store.dropAttestationsAbove(committed.frontier.size, finish)
  else finish()
}

/** Rule 22: what q members attested before is committed, whether this node had got so far or only held the block. */
function provenHead({ refounded }: Ledger, store: BlockStore, head: HeadFile): HeadFile {
  const block = refounded?.start.block
  if (block === undefined || head.last.height < block.height || head.commit >= block.height) return head
  try {
    return store.block(block.height)?.id === block.id ? { ...head, commit: block.height } : head
  } catch (error) {
    if (error instanceof DamagedStore) return head
    throw error
  }
}

/** Written before anything is deleted because of it: this disk never goes on with the epoch that the certificate ends. */
function noteRefounded({ cycle, store }: StartUpDependencies, { refounding }: Epoch): void {
  const certificate = decodeRefounding(refounding!)
  keepRefounding(certificate, cycle)
  store.putAttestation(certificate.attestation)
}

/** Nothing is signed in this epoch any more, so that what was promised above its end binds nobody. */
function endHere(cycle: DiskCycle, { register, ...head }: HeadFile, block: BlockRef): HeadFile {
  const lock = { block, lowerTermRank: { term: term(0), height: height(0) } }
  const ended = { ...head, last: block, lock, commit: block.height, register }
  cycle.truncate(encodeHeadFile(ended), [])
  return ended
}

/** A stored block that extends the chain and whose content is what its header says; undefined when it is not there or not that. */
function checkStored(
  ledger: Ledger,
  store: BlockStore,
  at: Height,
  parent: string,
  last: BlockRef,
): BlockMeta | undefined {
  try {
    const block = store.block(at)
    if (block === undefined || block.header.parent !== parent) return undefined
    const { execution } = knowingItsRules(() => ledger.check(block))
    // What a block says of itself stands in its first leaf, under its root. One without leaves could say anything.
    if (execution.leaves.length === 0 && !isVouchedFor(block, store, last)) {
      ledger.forget(block.id)
      return undefined
    }
    return metaOf(block)
  } catch (error) {
    // It was valid when it was stored, so what is not valid now was changed since.
    if (error instanceof DamagedStore || error instanceof InvalidBlock) return undefined
    throw error
  }
}

/** The one above says whose child it is; of the last one the head file does. What nobody vouches for is fetched again. */
function isVouchedFor({ header, id }: Block, store: BlockStore, last: BlockRef): boolean {
  if (header.height === last.height) return id === last.id
  try {
    return store.block(height(header.height + 1))?.header.parent === id
  } catch (error) {
    if (error instanceof DamagedStore) return false
    throw error
  }
}

/** Newer software has been here, or is wanted: that is no damage, and nothing on this disk is touched because of it. */
function knowingItsRules<T>(judge: () => T): T {
  try {
    return judge()
  } catch (error) {
    throw error instanceof UnknownRules ? new StartUpFailed(error.code, error.message) : error
  }
}

/** Above the watermark nothing was promised: what a crash left there goes. */
function dropCrashTail(store: BlockStore, cycle: DiskCycle, last: Height): void {
  for (let at = height(last + 1); store.holdsBlock(at); at = height(at + 1)) {
    for (const row of store.blockKeys(at)) cycle.del(row)
  }
  store.forgetAbove(last)
}
