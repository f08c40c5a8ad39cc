/**
 * What a block does: every member computes, from the chain and the block's bytes alone, what becomes of each statement in it — record,
 * duplicate, refusal — and so the size and root that the header must name (protocol.md rules 9, 23–27). Leader and follower run this very
 * function. Signatures are checked before, by the caller; everything else about validity is here.
 */
import { sha256Hex } from '#crypto'
import type { Batch, BatchItem } from './batch.ts'
import { type BlockHeader, batchesDigest, blockId, type Carried, carriedDigest } from './block.ts'
import { fromHex, toHex } from './bytes.ts'
import type { Catalogue, UnknownAhead } from './catalogue/catalogue.ts'
import { type FrozenKey, frozenNode } from './catalogue/fault-report.ts'
import { writeFindings } from './catalogue/finding.ts'
import { readKey, scopesOfKey } from './catalogue/register.ts'
import type { Finding, RuleContext, Subjects } from './catalogue/statement-type.ts'
import { CborError, type CborValue, field } from './cbor.ts'
import { type BlockRef, certifiedBlock, type SigningContext } from './certificate.ts'
import { type Entry, encodeRefusalEntry, encodeSystemEntry, type LeafKind, parseEntry, zeroDigestHex } from './entry.ts'
import { type Closing, type Epoch, epochAfter, epochRow, epochToCbor, foundingEpoch } from './epoch.ts'
import { type Genesis, type GenesisMember, legalDayOf } from './genesis.ts'
import { type Digest, type HashWriter, leafHash, type TreeFrontier } from './merkle-tree.ts'
import { nextMembers, refoundedEpoch } from './next-members.ts'
import { type Height, height, type Term } from './numbers.ts'
import { decodeRefounding, type Refounding, refoundingDigest } from './refounding.ts'
import { Refusal } from './refusal.ts'
import { Overlay, type StateReader } from './state.ts'
import { parseStatement, type Statement } from './statement.ts'
import { tileLevels } from './tile.ts'

/** The block may not stand in the chain. `code` is stable; it is what a member answers that refuses the block. */
export class InvalidBlock extends Error {
  override readonly name = 'InvalidBlock'
  readonly code: string
  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`)
    this.code = code
  }
}

/**
 * From this height on the ledger has rules that this software does not know (`rules.activate`). It says nothing of the block, and nothing is
 * wrong with ledger or disk: the node must go on with newer software, and not answer for a block that it cannot judge.
 */
export class UnknownRules extends Error {
  override readonly name = 'UnknownRules'
  readonly code = 'node.software-outdated'
  constructor({ height: from, types }: UnknownAhead) {
    super(
      `from block ${from} on these record types are in force, which this software does not know: ${types.join(', ')}`,
    )
  }
}

/** @throws {UnknownRules} when the block after this point has to be judged by rules that this software does not know */
export function refuseUnknownRules(parent: Pick<ChainPoint, 'block' | 'state'>, rules: ChainRules): void {
  const ahead = rules.catalogue.unknownAhead(parent.state)
  if (ahead !== undefined && parent.block.height + 1 >= ahead.height) throw new UnknownRules(ahead)
}

/** What never changes while an epoch lasts. */
export interface ChainRules {
  readonly context: SigningContext
  readonly genesis: Genesis
  readonly catalogue: Catalogue
  /** Absent: the first, whose members are the genesis'. */
  readonly epoch?: Epoch
  /** Whether a record that was just applied closes the epoch, and for whom. Absent: none does. Deterministic, like every rule. */
  readonly closing?: (statement: Statement) => Closing | undefined
  /** Rule 22: certificates that were shown here, at most one for an epoch. */
  readonly refoundings?: readonly Refounding[]
}

export const epochOf = ({ epoch, genesis }: ChainRules): Epoch => epoch ?? foundingEpoch(genesis)

/**
 * Governance ends this epoch, wherever it is, and begins the next. @throws {Refusal} when what is shown for it does not hold
 */
export function refoundedAfter(rules: ChainRules): Epoch | undefined {
  const epoch = epochOf(rules)
  const refounding = rules.refoundings?.find(({ epoch: number }) => number === epoch.number + 1)
  return refounding === undefined ? undefined : refoundedEpoch(epoch, refounding, rules.genesis)
}

export function rulesOfEpoch(rules: ChainRules, epoch: Epoch): ChainRules {
  return { ...rules, epoch, context: { ledger: rules.context.ledger, epoch: epoch.number } }
}

/** The ledger as it stands after a block. */
export interface ChainPoint {
  readonly block: BlockRef
  /** The member that sealed it; empty for genesis. */
  readonly leader: string
  readonly time: number
  readonly frontier: TreeFrontier
  readonly root: string
  readonly state: StateReader
  /** Sizes and roots of blocks that added records and are above the last carried attestation, ascending (rule 16). */
  readonly unattested: readonly { readonly size: number; readonly root: string }[]
  /** A block up to here closed its epoch, and this one follows: above it there are only empty blocks of the old epoch (rule 19). */
  readonly next?: Epoch
}

/** A block before its size and root are known. */
export interface Proposal {
  readonly term: Term
  readonly time: number
  readonly leader: string
  readonly carried: Carried
  readonly batches: readonly Batch[]
}

/** An entry and its statement, parsed. */
export interface ReadItem {
  readonly entry: Entry
  readonly statement: Statement
}

/** Parses an item; a node answers from memory what it parsed before. Throws a Refusal for what bytes alone show to be wrong. */
export type ItemReader = (item: BatchItem) => ReadItem

export function itemReader(ledger: string): ItemReader {
  return (item) => {
    const entry = parseEntry(item.entry)
    return { entry, statement: parseStatement(entry.statement, ledger) }
  }
}

export type Outcome =
  | { readonly kind: 'record'; readonly index: number }
  | { readonly kind: 'duplicate'; readonly of: number }
  /** `index` of the refusal record; absent when no receipt was given. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string; readonly index?: number }
  /** Behind the record that closed the epoch: no answer, no change. Its member brings it again in the next. */
  | { readonly kind: 'left-over' }

export interface Leaf {
  readonly kind: LeafKind
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
  /** For records and refusals. */
  readonly statement?: Statement
  readonly entry?: Entry
  readonly subjects?: Subjects
  /** For records: what the rules flag. */
  readonly findings?: readonly Finding[]
}

export interface Execution {
  readonly header: BlockHeader
  readonly point: Omit<ChainPoint, 'block'>
  /** What this block changes in the state. */
  readonly writes: ReadonlyMap<string, CborValue>
  /** New leaves; the first has index `firstIndex`. */
  readonly leaves: readonly Leaf[]
  readonly firstIndex: number
  /** Hashes that new leaves make complete, one for each 256 of the level below (C2SP tlog-tiles), in the order in which they become so. */
  readonly tileRoots: readonly Digest[]
  /** By batch, by item. */
  readonly outcomes: readonly (readonly Outcome[])[]
  /** The writes have been stored; reads through this block's state, and through those above it, now go to `committed`. */
  fold(committed: StateReader): void
}

/**
 * @throws {InvalidBlock} when no block with this content may follow `parent`
 * @throws {UnknownRules} when this software cannot know
 */
export function execute(parent: ChainPoint, proposal: Proposal, rules: ChainRules, read: ItemReader): Execution {
  refuseUnknownRules(parent, rules)
  const blockHeight = height(parent.block.height + 1)
  checkPlace(parent, proposal, rules)
  const isRefounded = refoundingOf(parent, rules) !== undefined
  const unattested = isRefounded ? [] : afterAttestation(parent, proposal.carried)
  const state = new Overlay(parent.state)
  if (isRefounded) beginEpoch(state, epochOf(rules))
  const leaves: Leaf[] = []
  const outcomes: Outcome[][] = []
  // Whenever anything adds a leaf the system entry comes first, so the first outcome's index is known before it is.
  const firstIndex = parent.frontier.size
  let nextList: readonly GenesisMember[] | undefined
  for (const batch of proposal.batches) {
    checkRun(state, batch, rules)
    checkNotFrozen(parent.state, batch, rules)
    let receivedAt = lastReceivedAt(state, batch)
    const results: Outcome[] = []
    for (const item of batch.items) {
      const { entry, statement } = readOrReject(read, item)
      if (entry.member !== batch.member) throw new InvalidBlock('batch.foreign-entry', `received by ${entry.member}`)
      if (entry.receivedAt < receivedAt) throw new InvalidBlock('batch.time-decreases', statement.id)
      receivedAt = entry.receivedAt
      if (nextList !== undefined) {
        results.push({ kind: 'left-over' })
        continue
      }
      const index = firstIndex + 1 + leaves.length
      const { outcome, leaf, closedFor } = judge(
        state,
        item,
        entry,
        statement,
        index,
        proposal.time,
        blockHeight,
        rules,
      )
      results.push(outcome)
      if (leaf !== undefined) leaves.push(leaf)
      nextList = closedFor
    }
    outcomes.push(results)
    state.set(runKey(batch.member), [batch.incarnation, batch.number, fromHex(batch.hash)!, receivedAt])
  }
  const carried = carriedDigest(proposal.carried)
  const frontier = parent.frontier.copy()
  const tileRoots: Digest[] = []
  if (leaves.length > 0) {
    leaves.unshift(systemLeaf(parent, proposal, rules, blockHeight, carried))
    const noteTile: HashWriter = (level, _, hash) => {
      if (level > 0 && level % tileLevels === 0) tileRoots.push(hash)
    }
    for (const leaf of leaves) frontier.append(leaf.hash, noteTile)
    if (unattested.length >= rules.genesis.parameters.unattestedBlocksMax) {
      throw new InvalidBlock('block.unattested-window', `${unattested.length} blocks await attestation`)
    }
  }
  const root = leaves.length > 0 ? toHex(frontier.root()) : parent.root
  const header: BlockHeader = {
    epoch: rules.context.epoch,
    term: proposal.term,
    height: blockHeight,
    parent: parent.block.id,
    time: proposal.time,
    leader: proposal.leader,
    batches: batchesDigest(proposal.batches),
    carried,
    size: frontier.size,
    root,
  }
  const next = nextList === undefined ? parent.next : closeEpoch(state, nextList, header, rules)
  const point = {
    ...(next === undefined ? {} : { next }),
    leader: proposal.leader,
    time: proposal.time,
    frontier,
    root,
    state,
    unattested: leaves.length > 0 ? [...unattested, { size: frontier.size, root }] : unattested,
  }
  return {
    header,
    point,
    writes: state.writes,
    leaves,
    firstIndex,
    tileRoots,
    outcomes,
    fold: (committed) => state.fold(committed),
  }
}

/** The state of the next epoch: its list, and no batches yet of any node that joins. */
function closeEpoch(state: Overlay, members: readonly GenesisMember[], header: BlockHeader, rules: ChainRules): Epoch {
  const { term, height: at, size, root } = header
  const next = epochAfter(epochOf(rules), members, { block: { term, height: at, id: blockId(header) }, size, root })
  beginEpoch(state, next)
  return next
}

function beginEpoch(state: Overlay, epoch: Epoch): void {
  state.set(epochRow(epoch.number), epochToCbor(epoch))
  for (const { id, node } of epoch.members) {
    const isNew = !epoch.previous!.members.some((member) => member.node.id === node.id)
    if (isNew && runOf(state, id) !== undefined) state.set(runKey(id), [0, 0, new Uint8Array(32), 0])
  }
}

/** The certificate that the next block has to carry: it is the first of an epoch that governance re-founded. */
export function refoundingOf(parent: Pick<ChainPoint, 'block'>, rules: ChainRules): Uint8Array | undefined {
  const { start, refounding } = epochOf(rules)
  return parent.block.height === start.block.height ? refounding : undefined
}

/** Not always in the same copy: others may hold one that other governance keys signed. It says the same, and holds by itself. */
function checkRefounding(shown: Uint8Array | undefined, wanted: Uint8Array, rules: ChainRules): void {
  const no = (detail: string): InvalidBlock => new InvalidBlock('block.unproven-epoch', detail)
  if (shown === undefined) throw no('no certificate of its re-founding')
  try {
    const refounding = decodeRefounding(shown)
    refoundedEpoch(epochOf(rules).previous!, refounding, rules.genesis)
    if (refoundingDigest(refounding) !== refoundingDigest(decodeRefounding(wanted))) throw no('another re-founding')
  } catch (error) {
    if (error instanceof Refusal || error instanceof CborError) throw no(error.message)
    throw error
  }
}

/** Link, term, leader, time, and the certificates where a term or an epoch begins. */
function checkPlace(parent: ChainPoint, proposal: Proposal, rules: ChainRules): void {
  const { term, time, leader, carried } = proposal
  const epoch = epochOf(rules)
  const isStart = parent.block.height === epoch.start.block.height
  if (time < parent.time) throw new InvalidBlock('block.time-decreases', `${time} after ${parent.time}`)
  if (!epoch.members.some((member) => member.id === leader)) throw new InvalidBlock('block.not-a-member', leader)
  if (term < parent.block.term) throw new InvalidBlock('block.term-decreases', `${term} after ${parent.block.term}`)
  if (parent.next !== undefined && proposal.batches.length > 0) {
    throw new InvalidBlock('block.epoch-closed', `epoch ${epoch.number} was closed`)
  }
  if (isStart && epoch.number > 0) {
    if (term === parent.block.term) throw new InvalidBlock('block.term-decreases', 'an epoch begins with a new term')
    // Anybody on the way up from the old epoch finds the new one proven by the block that begins it (rule 19).
    const { attestation } = carried
    if (epoch.refounding !== undefined) checkRefounding(carried.refounding, epoch.refounding, rules)
    else if (attestation?.size !== epoch.start.size)
      throw new InvalidBlock('block.unproven-epoch', 'no attestation of its start')
  }
  const isRefounded = refoundingOf(parent, rules) !== undefined
  if (isRefounded ? carried.attestation !== undefined : carried.refounding !== undefined) {
    throw new InvalidBlock('block.stray-certificate', 'a re-founding and an attestation are never in one place')
  }
  if (term === parent.block.term) {
    if (leader !== parent.leader) throw new InvalidBlock('block.wrong-leader', `${leader}, elected is ${parent.leader}`)
    if (carried.election !== undefined || carried.base !== undefined) {
      throw new InvalidBlock('block.stray-certificate', 'an election in the middle of a term')
    }
    return
  }
  const election = carried.election?.signed
  if (election === undefined) throw new InvalidBlock('block.no-election', 'a term begins with its election certificate')
  if (election.term !== term || election.candidate !== leader || election.base.id !== parent.block.id) {
    throw new InvalidBlock('block.wrong-election', 'the election certificate is for another term, leader or base')
  }
  if (proposal.batches.length > 0) throw new InvalidBlock('block.first-not-empty', 'the first block of a term is empty')
  const base = carried.base === undefined ? undefined : certifiedBlock(carried.base)
  if (isStart ? base !== undefined : base?.id !== parent.block.id) {
    throw new InvalidBlock('block.wrong-base', 'the certificate of the base is not about the parent')
  }
}

/** Rule 16: what stands above the newest attestation carried so far. */
function afterAttestation(parent: ChainPoint, carried: Carried): ChainPoint['unattested'] {
  const attestation = carried.attestation
  if (attestation === undefined) return parent.unattested
  const at = parent.unattested.findIndex(({ size }) => size === attestation.size)
  if (at < 0 || parent.unattested[at]!.root !== attestation.root) {
    throw new InvalidBlock('block.wrong-attestation', `no unattested block of size ${attestation.size} with that root`)
  }
  return parent.unattested.slice(at + 1)
}

const runKey = (member: string): string => `batch/${member}`

interface Run {
  readonly incarnation: number
  readonly number: number
  readonly hash: string
  readonly receivedAt: number
}

/** The last batch of a member that is on the chain. */
export function runOf(state: StateReader, member: string): Run | undefined {
  const row = state.get(runKey(member))
  if (row === undefined) return undefined
  const [incarnation, number, hash, receivedAt] = field.array(row, 'batch run', 4)
  return {
    incarnation: field.natural(incarnation, 'incarnation'),
    number: field.natural(number, 'number'),
    hash: toHex(field.bytes(hash, 'hash', 32)),
    receivedAt: field.natural(receivedAt, 'receivedAt'),
  }
}

/** Whether this batch is the next of its member: the next of the run, or the first of a later one (rule 24). */
export function followsRun(last: Run | undefined, batch: Batch): boolean {
  if (last !== undefined && batch.incarnation === last.incarnation) {
    return batch.number === last.number + 1 && batch.previous === last.hash
  }
  if (last !== undefined && batch.incarnation < last.incarnation) return false
  return batch.number === 0 && batch.previous === zeroDigestHex
}

function checkRun(state: StateReader, batch: Batch, rules: ChainRules): void {
  if (!epochOf(rules).members.some((member) => member.id === batch.member)) {
    throw new InvalidBlock('batch.not-a-member', batch.member)
  }
  if (!followsRun(runOf(state, batch.member), batch)) {
    throw new InvalidBlock('batch.out-of-sequence', `${batch.member} ${batch.incarnation}/${batch.number}`)
  }
}

/** Rule 21: a key that was proven guilty in an earlier block brings nothing any more. Asked of the chain alone, so everybody answers alike. */
function checkNotFrozen(before: StateReader, batch: Batch, rules: ChainRules): void {
  const frozen = frozenMember(before, batch.member, rules)
  if (frozen !== undefined) {
    throw new InvalidBlock('batch.key-frozen', `${batch.member}: ${frozen.kind}, reported in record ${frozen.index}`)
  }
}

/** What keeps batches of this member's node out of the block after this state. */
export function frozenMember(state: StateReader, member: string, rules: ChainRules): FrozenKey | undefined {
  const listed = epochOf(rules).members.find(({ id }) => id === member)
  return listed === undefined ? undefined : frozenNode(state, listed.node)
}

/** Times never decrease along a run; a new run begins anew. */
function lastReceivedAt(state: StateReader, batch: Batch): number {
  const last = runOf(state, batch.member)
  return last !== undefined && last.incarnation === batch.incarnation ? last.receivedAt : 0
}

function readOrReject(read: ItemReader, item: BatchItem): ReadItem {
  try {
    return read(item)
  } catch (error) {
    if (error instanceof Refusal) throw new InvalidBlock('batch.malformed-item', `${error.code}: ${error.message}`)
    throw error
  }
}

/**
 * The row under which an idempotency key leads to the statement that used it first. The key's scope is the party — as an agreed key speaks
 * for it. A key with one member's word only has a scope of its own: a member could otherwise use up another company's keys.
 */
function idempotencyRow(scope: string, statement: Statement): string {
  return `idem/${sha256Hex(`${scope}\0${statement.party}\0${statement.key}`).slice(0, 32)}`
}

type RowOfScope = (scope: string) => string

/** Names each row once: a name is a hash, and the row is read before the rules and written after them, as a rule in the same scope. */
function idempotencyRows(statement: Statement): RowOfScope {
  let last: { readonly scope: string; readonly row: string } | undefined
  return (scope) => {
    if (last?.scope !== scope) last = { scope, row: idempotencyRow(scope, statement) }
    return last.row
  }
}

/** The scopes in which this statement's key may stand already; the first is the one it would be written in. */
function scopesOf(state: StateReader, statement: Statement): readonly [string, ...string[]] {
  return scopesOfKey(readKey(state, statement.kid))
}

/**
 * What is on the ledger under this statement's party and key: the same statement in any scope of its signer, or another one in the
 * scope that it would be written in.
 */
export function recordedUnder(
  state: StateReader,
  statement: Statement,
  rowOf: RowOfScope = idempotencyRows(statement),
): { id: string; index: number } | undefined {
  let other: { id: string; index: number } | undefined
  for (const [at, scope] of scopesOf(state, statement).entries()) {
    const row = state.get(rowOf(scope))
    if (row === undefined) continue
    const [idBytes, indexValue] = field.array(row, 'idempotency row', 2)
    const id = toHex(field.bytes(idBytes, 'id', 32))
    const found = { id, index: field.natural(indexValue, 'index') }
    if (id === statement.id) return found
    if (at === 0) other = found
  }
  return other
}

function judge(
  state: Overlay,
  item: BatchItem,
  entry: Entry,
  statement: Statement,
  index: number,
  blockTime: number,
  blockHeight: Height,
  rules: ChainRules,
): { outcome: Outcome; leaf?: Leaf; closedFor?: readonly GenesisMember[] } {
  const rowOf = idempotencyRows(statement)
  const earlier = recordedUnder(state, statement, rowOf)
  if (earlier !== undefined && earlier.id === statement.id) return { outcome: { kind: 'duplicate', of: earlier.index } }
  try {
    if (earlier !== undefined) {
      throw new Refusal('statement.key-reused', `key "${statement.key}" belongs to record ${earlier.index}`)
    }
    const attempt = new Overlay(state)
    const { subjects, findings } = applyStatement(
      attempt,
      entry,
      statement,
      { index, blockTime, height: blockHeight },
      rules,
    )
    const closing = rules.closing?.(statement)
    const closedFor =
      closing === undefined ? undefined : nextMembers(epochOf(rules), closing, blockHeight, rules.genesis.parameters)
    state.absorb(attempt)
    state.set(rowOf(scopesOf(state, statement)[0]), [fromHex(statement.id)!, index])
    const leaf: Leaf = { kind: 'record', bytes: item.entry, hash: item.leaf, statement, entry, subjects, findings }
    return { outcome: { kind: 'record', index }, leaf, ...(closedFor === undefined ? {} : { closedFor }) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, message: detail } = error
    if (!item.promised) return { outcome: { kind: 'refused', code, detail } }
    const bytes = encodeRefusalEntry({
      statement: statement.id,
      member: entry.member,
      receivedAt: entry.receivedAt,
      code,
    })
    const leaf: Leaf = { kind: 'refusal', bytes, hash: leafHash(bytes), statement, entry }
    return { outcome: { kind: 'refused', code, detail, index }, leaf }
  }
}

/**
 * All rules for one statement at this point; a node also asks before it gives a receipt.
 * @throws {Refusal} and leaves the attempt to be thrown away
 */
export function applyStatement(
  attempt: Overlay,
  entry: Pick<Entry, 'member' | 'receivedAt'>,
  statement: Statement,
  { index, blockTime, height: at }: { readonly index: number; readonly blockTime: number; readonly height: Height },
  rules: ChainRules,
): { readonly subjects: Subjects; readonly findings: readonly Finding[] } {
  const { parameters } = rules.genesis
  const { clockAheadMs, receivedWindowMs } = parameters
  // Rule 27: one member's word on the time counts only close to block time.
  const inWindow = entry.receivedAt >= blockTime - receivedWindowMs && entry.receivedAt <= blockTime + clockAheadMs
  const findings: Finding[] = []
  const context: RuleContext = {
    ledger: rules.context.ledger,
    blockTime,
    receivedAt: inWindow ? entry.receivedAt : blockTime,
    height: at,
    genesis: rules.genesis,
    member: entry.member,
    index,
    legalDayMs: legalDayOf(parameters),
    statement,
    state: attempt,
    epoch: epochOf(rules),
    members: epochOf(rules).members,
    find: (code, ...values) => findings.push({ code, values }),
  }
  rules.catalogue.check(statement, context)
  rules.catalogue.apply(statement, context)
  const subjects = rules.catalogue.typeOf(statement.type)!.subjects(statement.payload)
  if (findings.length > 0) writeFindings(attempt, index, findings)
  return { subjects, findings }
}

function systemLeaf(
  parent: ChainPoint,
  proposal: Proposal,
  rules: ChainRules,
  blockHeight: Height,
  carried: string,
): Leaf {
  const bytes = encodeSystemEntry({
    height: blockHeight,
    term: proposal.term,
    epoch: rules.context.epoch,
    leader: proposal.leader,
    time: proposal.time,
    parent: parent.block.id,
    carried,
    batches: proposal.batches.map(({ member, hash, signature }) => ({ member, hash, signature: toHex(signature) })),
  })
  return { kind: 'system', bytes, hash: leafHash(bytes) }
}
