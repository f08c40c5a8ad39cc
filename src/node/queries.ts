/**
 * The node as the API sees it (`api/service.ts`): submissions that wait for their attestation, look-ups, proofs, tiles, status. Answers
 * come from committed state only. Here, in what it joins and in the adapters are the node's only promises; the loop below knows none.
 */
import { sha256 } from '#crypto'
import type {
  AsOf,
  BlockView,
  ConsistencyProof,
  EpochView,
  FaultView,
  InclusionProof,
  LedgerRecord,
  MemberView,
  PartyView,
  PlainSubmission,
  RecordFilter,
  RecordPage,
  RecordStatus,
  Service,
  StatementStanding,
  Status,
  Submission,
  SubmitOptions,
  TypeView,
} from '../api/service.ts'
import type { Attestation, Block } from '../chain/block.ts'
import { bundleBlocks, bundleStart, encodeBlockBundle } from '../chain/block-bundle.ts'
import { fromBase64Url, fromHex, toBase64, toBase64Url, toHex, utf8 } from '../chain/bytes.ts'
import { isEnded, isExpired, kidsOf, readKey, readParty } from '../chain/catalogue/register.ts'
import { epochNumbered, epochsUpTo } from '../chain/epoch.ts'
import { canonicalJson, type JsonObject } from '../chain/json.ts'
import { memberCosignKey, memberLogKey } from '../chain/member-policy.ts'
import { closingProof } from '../chain/membership.ts'
import { inclusionPath } from '../chain/merkle-tree.ts'
import { formatVerifierKey } from '../chain/note.ts'
import { type Height, height } from '../chain/numbers.ts'
import { Refusal, type RefusalTexts } from '../chain/refusal.ts'
import { encodeEntryBundle, tileWidthMax } from '../chain/tile.ts'
import { formatTime } from '../chain/time.ts'
import type { BlockStore } from './block-store.ts'
import { BoxLookups } from './box-lookups.ts'
import { DamagedStore, DiskReadFailed } from './disk-failure.ts'
import type { Executed } from './ledger.ts'
import type { Clock, Signer } from './ports.ts'
import { type CommittedLeaf, type RecordContext, RecordView, saidBy } from './record-view.ts'
import type { Replica, ReplicaOptions } from './replica.ts'
import { ServedProofs } from './served-proofs.ts'
import { heightOfNamedKey, type NamedField, namedIndices, namedRange } from './store-rows.ts'
import { Submissions } from './submissions.ts'
import { TradeLookups } from './trade-lookups.ts'

export interface QueriesOptions extends ReplicaOptions {
  readonly version: string
}

export interface QueriesDependencies {
  readonly clock: Clock
  readonly signer: Signer
  readonly replica: Replica
  /** Adds what the process measures of itself. */
  readonly metrics: () => Promise<string>
}

/** Committed leaves kept for their waiting submitters: several full blocks of ordinary ones. */
const recentMax = 8_192
const recentBytesMax = 32 * 1024 * 1024
/** Leaves looked at for a list before the loop has its turn again: some milliseconds. */
const examinedAtOnce = 64
/** Keys of one party that its page shows. */
const partyKeysMax = 100

export class Queries implements Service {
  readonly trade: TradeLookups
  readonly boxes: BoxLookups
  readonly #submissions: Submissions
  readonly #proofs: ServedProofs
  readonly #options: QueriesOptions
  readonly #deps: QueriesDependencies
  /** As they were committed, so that answering a submitter reads nothing from the disk. */
  readonly #recent = new Map<number, CommittedLeaf>()
  #recentBytes = 0
  readonly #listeners = new Set<(size: number) => void>()
  readonly #reading: RecordContext

  constructor(options: QueriesOptions, dependencies: QueriesDependencies) {
    this.#options = options
    this.#deps = dependencies
    const { signer, replica } = dependencies
    const whole = <T>(read: () => T): T => this.#whole(read)
    this.#proofs = new ServedProofs(options, { signer, replica, whole })
    const recordAt = (index: number): RecordView | undefined => this.#recordAt(index)
    this.#submissions = new Submissions(options, { signer, replica, proofs: this.#proofs, whole, recordAt })
    this.#reading = {
      catalogue: options.rules.catalogue,
      state: { get: (name) => dependencies.replica.ledger.committed.state.get(name) },
    }
    this.trade = new TradeLookups({
      catalogue: options.rules.catalogue,
      replica: dependencies.replica,
      clock: dependencies.clock,
      whole: (read) => this.#whole(read),
    })
    this.boxes = new BoxLookups(options.member, {
      replica: dependencies.replica,
      whole: (read) => this.#whole(read),
    })
  }

  // ── what the replica tells ──────────────────────────────────────────────────────────────────────────────────────────────────

  committed({ block, execution }: Executed): void {
    const { header } = block
    execution.leaves.forEach((leaf, i) => {
      if (leaf.entry?.member !== this.#options.member) return // its submitter waits at another node
      // A copy: as a view it would keep its whole block, most of which may be other members'.
      const bytes = leaf.bytes.slice()
      this.#recentBytes += bytes.length
      this.#recent.set(execution.firstIndex + i, {
        bytes,
        height: header.height,
        term: header.term,
        time: header.time,
        said: leaf.kind === 'record' ? saidBy({ entry: leaf.entry!, statement: leaf.statement! }) : undefined,
      })
    })
    for (const [index, { bytes }] of this.#recent) {
      if (this.#recent.size <= recentMax && this.#recentBytes <= recentBytesMax) break
      this.#recent.delete(index)
      this.#recentBytes -= bytes.length
    }
  }

  attested(attestation: Attestation): void {
    this.#submissions.attested(attestation)
    for (const listener of this.#listeners) listener(attestation.size)
  }

  // ── submitting ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws the signal's reason, when it is aborted before there is an answer */
  submit(jws: string, options: SubmitOptions): Promise<Submission> {
    return this.#submissions.submit(jws, options)
  }

  submitPlain(request: PlainSubmission, options: SubmitOptions): Promise<Submission> {
    return this.#submissions.submitPlain(request, options)
  }

  /** Before the servers close: their callers are answered, and not cut off. */
  stop(): void {
    this.#submissions.stop()
  }

  standing(statementId: string): StatementStanding {
    return this.#submissions.standing(statementId)
  }

  // ── records ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Reads from the committed state. What the disk has damaged is not answered from here: a block is fetched again from other members, any
   * other row is made again by the next start, and until then there is a code. @throws {Refusal} node.recovering
   */
  #whole<T>(read: () => T, onDamagedBlock: () => void = () => undefined): T {
    const { replica } = this.#deps
    // "There is no such record" would be false of what this node has lost and not got back yet.
    if (replica.isBehindItself) throw new Refusal('node.recovering', 'what was committed here is being fetched again')
    try {
      return read()
    } catch (error) {
      if (error instanceof DamagedStore) onDamagedBlock()
      else if (error instanceof DiskReadFailed) replica.reportUnreadable(error.message)
      else throw error
      throw new Refusal('node.recovering', error.message)
    }
  }

  asOf(): AsOf {
    const { committed } = this.#deps.replica.ledger
    return { size: committed.frontier.size, root: base64Of(committed.root), height: committed.block.height }
  }

  #leaf(index: number): ReturnType<BlockStore['leaf']> {
    const { store } = this.#deps.replica
    return this.#whole(
      () => store.leaf(index),
      () => {
        // Refused here; the block says by itself, if it is its own bytes that are damaged, and is fetched again.
        const at = store.heightOfLeaf(index)
        if (at !== undefined && at > 0) this.#block(at)
      },
    )
  }

  /** Of a committed block, height 1 and above. */
  #place(at: Height): NonNullable<ReturnType<BlockStore['place']>> {
    return this.#whole(() => {
      const place = this.#deps.replica.store.place(at)
      if (place === undefined) throw new DiskReadFailed(`the header of block ${at} is missing`)
      return place
    })
  }

  /** A committed block, height 1 and above: one that is not there is one that was lost. */
  #block(at: Height): Block {
    const { replica } = this.#deps
    return this.#whole(
      () => {
        const block = replica.store.block(at)
        if (block === undefined) throw new DamagedStore(`block ${at} is missing`)
        return block
      },
      () => replica.reportDamage(at),
    )
  }

  recordByIndex(index: number): LedgerRecord | undefined {
    return this.#recordAt(index)
  }

  recordByStatement(statementId: string): LedgerRecord | undefined {
    const index = this.#whole(() => this.#deps.replica.store.indexOfStatement(statementId))
    return index === undefined ? undefined : this.#recordAt(index)
  }

  #recordAt(index: number): RecordView | undefined {
    const { replica } = this.#deps
    const { committed } = this.#whole(() => replica.ledger)
    if (index >= committed.frontier.size) return undefined
    const status: RecordStatus = index < (replica.attested?.size ?? 0) ? 'attested' : 'replicated'
    const leaf = this.#recent.get(index) ?? this.#committedLeaf(index)
    return leaf === undefined ? undefined : new RecordView(index, status, leaf, this.#reading)
  }

  #committedLeaf(index: number): CommittedLeaf | undefined {
    const leaf = this.#leaf(index)
    if (leaf === undefined) return undefined
    const { genesis } = this.#options.rules
    const { term, time } = leaf.height === 0 ? { term: 0, time: genesis.foundedAt } : this.#place(leaf.height)
    return { bytes: leaf.bytes, height: leaf.height, term, time, said: undefined }
  }

  async records(filter: RecordFilter, cursor: string | null, limit: number): Promise<RecordPage> {
    const asOf = this.#whole(() => this.asOf())
    const start =
      cursor !== null
        ? readCursor(cursor, markOf(filter))
        : filter.from === undefined
          ? 0
          : this.#firstIndexFrom(filter.from)
    const records: RecordView[] = []
    let next: number | null = null
    let examined = 0
    pages: for await (const indices of this.#candidates(filter, start, asOf.size, limit + 1)) {
      for (const index of indices) {
        // A rare match in a long ledger: the awaiting above is of microtasks, behind which elections and heartbeats would wait.
        if (++examined % examinedAtOnce === 0) await new Promise((resolve) => setImmediate(resolve))
        const record = this.#recordAt(index)
        if (record === undefined) continue
        if (filter.to !== undefined && record.time >= filter.to) break pages
        if (!this.#matches(record, filter)) continue
        if (records.length === limit) {
          next = index
          break pages
        }
        records.push(record)
      }
    }
    return { records, nextCursor: next === null ? null : writeCursor(next, markOf(filter)), asOf }
  }

  #matches(record: RecordView, filter: RecordFilter): boolean {
    if (record.kind === 'system' && filter.includeSystem !== true) return false
    if (filter.from !== undefined && record.time < filter.from) return false
    if (filter.type !== undefined && record.type !== filter.type) return false
    if (filter.member !== undefined && record.member !== filter.member) return false
    const { party, owner, tender, region, kid, subject, hash, finding } = filter
    const ofRecords = [party, owner, tender, region, kid, subject, hash, finding]
    if (ofRecords.every((value) => value === undefined)) return true
    if (record.kind !== 'record') return false
    const { about } = record
    if (party !== undefined && record.party !== party && !about.parties.includes(party)) return false
    if (finding !== undefined) {
      if (!record.findings.some(({ code }) => finding === '' || code === finding)) return false
    }
    return (
      (owner === undefined || about.owner === owner) &&
      (tender === undefined || about.tender === tender) &&
      (region === undefined || about.region === region) &&
      (kid === undefined || record.kid === kid) &&
      (subject === undefined || about.subjects?.includes(subject) === true) &&
      (hash === undefined || about.hashes?.includes(hash) === true)
    )
  }

  /** Indices that may match, ascending: those that the indexes of all fields of the filter name, or all. @param wanted so many will do */
  async *#candidates(
    filter: RecordFilter,
    start: number,
    size: number,
    wanted: number,
  ): AsyncGenerator<Iterable<number>> {
    // Only records are indexed by type: system entries and refusals are found by going through all.
    const [name, ...others] = tellingFields.filter(
      (field) => filter[field] !== undefined && (field !== 'type' || isRecordType(filter)),
    )
    if (name === undefined) {
      return yield range(start, size)
    }
    if (start >= size) return
    const { store } = this.#deps.replica
    let from = this.#heightOfIndex(start)
    // Most pages are short, and most blocks name a value often: what is read in vain is read for nothing.
    let limit = Math.min(wanted, scannedBlocks)
    for (;;) {
      const rows: { height: Height; indices: number[] }[] = []
      let gathered = 0
      const isWhole = await new Promise<boolean>((done) =>
        store.scan(
          { ...namedRange(name, filter[name]!, from), limit },
          (key, value) => {
            const indices = namedIndices(value)
            rows.push({ height: heightOfNamedKey(key), indices })
            gathered += indices.length
            return gathered < candidatesAtOnce
          },
          done,
        ),
      )
      if (!isWhole) this.#whole(() => assertReadable(false, `the list of ${name}`))
      for (const { height: at, indices } of rows) {
        // A record that lacks one of the values is passed over here, where it costs nothing.
        const lists = others.map((other) => new Set(this.#whole(() => store.namedIn(other, filter[other]!, at))))
        yield indices.filter((index) => index >= start && index < size && lists.every((list) => list.has(index)))
      }
      const last = rows.at(-1)
      if (last === undefined || (rows.length < limit && gathered < candidatesAtOnce)) return
      from = height(last.height + 1)
      limit = Math.min(4 * limit, scannedBlocks)
    }
  }

  #heightOfIndex(index: number): Height {
    return (
      this.#recent.get(index)?.height ?? this.#whole(() => this.#deps.replica.store.heightOfLeaf(index)) ?? height(0)
    )
  }

  /** Index of the first leaf of the first block whose time is at least this; block times never decrease. */
  #firstIndexFrom(time: number): number {
    const { replica } = this.#deps
    let low = 0
    let high = replica.ledger.committed.block.height + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const blockTime = middle === 0 ? this.#options.rules.genesis.foundedAt : this.#place(height(middle)).time
      if (blockTime >= time) high = middle
      else low = middle + 1
    }
    if (low === 0) return 0
    if (low === 1) return 1
    return this.#place(height(low - 1)).size
  }

  // ── proofs and tiles ────────────────────────────────────────────────────────────────────────────────────────────────────────

  proof(index: number, size?: number): Promise<InclusionProof | undefined> {
    return this.#proofs.proof(index, size)
  }

  consistency(from: number, to: number): ConsistencyProof | undefined {
    return this.#proofs.consistency(from, to)
  }

  checkpoint(cosignatures: number): Promise<string | undefined> {
    return this.#proofs.checkpoint(cosignatures)
  }

  policy(number?: number, log?: string): string | undefined {
    return this.#proofs.policy(number, log)
  }

  tile(level: number, index: number, width: number): Uint8Array | undefined {
    const held = Math.floor(this.#proofs.attestedSize / tileWidthMax ** level) - index * tileWidthMax
    return this.#whole(() => (width <= held ? this.#deps.replica.store.tile(level, index, width) : undefined))
  }

  entries(index: number, width: number): Uint8Array | undefined {
    const first = index * tileWidthMax
    if (first + width > this.#whole(() => this.#proofs.attestedSize)) return undefined
    const entries: Uint8Array[] = []
    for (let at = first; at < first + width; at++) {
      const bytes = this.#recent.get(at)?.bytes ?? this.#leaf(at)?.bytes
      if (bytes === undefined) return undefined
      entries.push(bytes)
    }
    return encodeEntryBundle(entries)
  }

  // ── blocks, members, parties, status ────────────────────────────────────────────────────────────────────────────────────────

  block(at: number): BlockView | undefined {
    const { replica } = this.#deps
    if (at < 1 || at > this.#whole(() => replica.ledger.committed.block.height)) return undefined
    const block = this.#block(height(at))
    const { header } = block
    const firstIndex = at === 1 ? 1 : this.#place(height(at - 1)).size
    return {
      height: at,
      id: block.id,
      parent: header.parent,
      term: header.term,
      epoch: header.epoch,
      leader: header.leader,
      time: formatTime(header.time),
      size: header.size,
      root: base64Of(header.root),
      firstIndex,
      // The system entry has an index and is not a record.
      recordCount: Math.max(0, header.size - firstIndex - 1),
      batches: block.batches.map(({ member, hash, items }) => ({ member, hash, items: items.length })),
      bytes: block.bytes,
    }
  }

  blockBundle(index: number): Uint8Array | undefined {
    const start = bundleStart(index)
    const end = start + bundleBlocks
    if (end > this.#whole(() => this.#deps.replica.ledger.committed.block.height) + 1) return undefined
    const blocks: Uint8Array[] = []
    for (let at = start; at < end; at++) blocks.push(this.#block(height(at)).bytes)
    return encodeBlockBundle(blocks)
  }

  members(
    number = this.#proofs.epoch.number,
  ): { readonly epoch: number; readonly members: readonly MemberView[] } | undefined {
    const { genesis } = this.#options.rules
    const epoch = epochNumbered(this.#proofs.epoch, number)
    if (epoch === undefined) return undefined
    const members = epoch.members.map((member) => ({
      id: member.id,
      name: member.name,
      region: member.region,
      party: member.party,
      node: member.node.id,
      logKey: formatVerifierKey(memberLogKey(genesis, member)),
      cosignKey: formatVerifierKey(memberCosignKey(genesis, member)),
      sealKey: member.node.seal,
    }))
    return { epoch: number, members }
  }

  epochs(): readonly EpochView[] {
    const views = [...epochsUpTo(this.#proofs.epoch)].map(
      ({ number, start, members, quorum, refounding }): EpochView => ({
        number,
        begunBy: number === 0 ? 'genesis' : refounding === undefined ? 'closing' : 'refounding',
        height: start.block.height,
        size: start.size,
        root: base64Of(start.root),
        members: members.map(({ id }) => id),
        quorum,
      }),
    )
    return views.reverse()
  }

  epochProof(number: number): Uint8Array | undefined {
    const epoch = epochNumbered(this.#proofs.epoch, number)
    if (epoch === undefined || epoch.previous === undefined) return undefined
    if (epoch.refounding !== undefined) return epoch.refounding
    const { size } = epoch.start
    const { attested, store } = this.#deps.replica
    const attestation = this.#whole(() => store.attestation(size)) ?? (attested?.size === size ? attested : undefined)
    const entry = this.#leaf(size - 1)?.bytes
    if (attestation === undefined || entry === undefined) return undefined
    const path = this.#whole(() => inclusionPath(size - 1, size, store.hashReader(size)))
    return closingProof({ block: epoch.start.block, entry, path, attestation })
  }

  faults(): readonly FaultView[] {
    return this.#deps.replica.faults.map(({ member, fault, file, frozen }) => {
      const { kid, kind, detail } = fault
      return { kid, member, kind, detail, file, reportedIn: frozen?.index ?? null }
    })
  }

  party(id: string, asked?: number): PartyView | undefined {
    const { state, time: now } = this.#deps.replica.ledger.committed
    if (this.#whole(() => readParty(state, id)) === undefined) return undefined
    const at = asked ?? now
    const keys = kidsOf(state, id, partyKeysMax)
      .map((kid) => ({ kid, row: readKey(state, kid)! }))
      .filter(({ row }) => asked === undefined || asked >= now || this.#registeredAt(row.index) <= at)
    const names = new Map(keys.map(({ row }) => [row.name, row.vouchedBy.join(', ')]))
    names.delete('') // a natural person's key has none
    return {
      id,
      names: [...names].map(([name, vouchedBy]) => ({ name, vouchedBy })),
      keys: keys.map(({ kid, row }) => ({
        kid,
        roles: row.roles,
        standing: row.agreed ? 'agreed' : 'unilateral',
        scope: row.agreed ? [] : row.vouchedBy,
        vouchedBy: row.vouchedBy,
        notBefore: timeOrNull(row.notBefore),
        notAfter: timeOrNull(row.notAfter),
        index: row.index,
        status: isEnded(row, at)
          ? 'revoked'
          : row.notBefore !== null && at < row.notBefore
            ? 'not-yet'
            : isExpired(row, at)
              ? 'expired'
              : 'active',
        endsAt: timeOrNull(row.endsAt),
        endedBy: row.endedBy,
        successor: row.successor === '' ? null : row.successor,
        delegator: row.delegator === '' ? null : row.delegator,
        types: row.types,
      })),
      at: formatTime(at),
      asOf: this.asOf(),
    }
  }

  #registeredAt(index: number): number {
    return index === 0 ? this.#options.rules.genesis.foundedAt : Date.parse(this.#recordAt(index)!.blockTime)
  }

  status(): Status {
    const { replica, clock } = this.#deps
    const { rules, member, node, version } = this.#options
    const { genesis } = rules
    const { raft, hindrances, attested, ledger, epoch } = replica
    const blocked = hindrances.find((code) => code === 'node.recovering' || code === 'node.unconfirmed-start')
    const others = epoch.members.filter(({ id }) => id !== member)
    // Of those who count: a learner that is connected brings no quorum nearer.
    const counted = others.filter(({ id }) => replica.connected.has(id)).length
    const connected = counted + (others.length < epoch.members.length ? 1 : 0)
    return {
      ledger: genesis.ledger,
      name: genesis.name,
      origin: genesis.origin,
      fingerprint: genesis.fingerprint,
      member,
      node,
      incarnation: replica.incarnation,
      version,
      role: blocked === 'node.recovering' ? 'recovering' : blocked === undefined ? raft.role : 'starting',
      leader: raft.leader,
      term: raft.term,
      height: raft.commit,
      replicatedSize: ledger.committed.frontier.size,
      attestedSize: attested?.size ?? 0,
      attestedRoot: attested === undefined ? '' : base64Of(attested.root),
      attestedAt: replica.attestedAt === 0 ? null : formatTime(replica.attestedAt),
      pendingStatements: replica.pendingCount,
      quorum: {
        members: epoch.members.length,
        needed: epoch.quorum,
        connected,
        missing: Math.max(0, epoch.quorum - connected),
      },
      peers: others.map(({ id }) => ({
        member: id,
        connected: replica.connected.has(id),
        incarnation: replica.incarnationOf(id) ?? null,
      })),
      scheduled: this.types()
        .filter(({ inForce }) => !inForce)
        .map(({ name, from, schema }) => ({ name, from, known: schema !== null })),
      hindrances,
      time: formatTime(clock.wall()),
    }
  }

  genesis(): Uint8Array {
    return this.#options.rules.genesis.entry
  }

  types(): readonly TypeView[] {
    const { state, block } = this.#deps.replica.ledger.committed
    return this.#options.rules.catalogue
      .standings(state)
      .map(({ name, schema, from }) => ({ name, from, inForce: from <= block.height, schema: schema ?? null }))
  }

  refusalTexts(): RefusalTexts {
    return this.#options.rules.catalogue.refusals
  }

  onAttested(listener: (size: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  metrics(): Promise<string> {
    return this.#deps.metrics()
  }
}

/** The field that narrows a list most comes first. */
const tellingFields: readonly NamedField[] = [
  'hash',
  'subject',
  'finding',
  'tender',
  'kid',
  'party',
  'owner',
  'type',
  'region',
  'member',
]
/** Blocks whose rows are read at once for a list, unless they name this many candidates before: a page wants some twenty. */
const scannedBlocks = 256
const candidatesAtOnce = 256

function* range(from: number, end: number): Generator<number> {
  for (let index = from; index < end; index++) yield index
}

function assertReadable(isReadable: boolean, what: string): void {
  if (!isReadable) throw new DiskReadFailed(`${what} cannot be read`)
}

const timeOrNull = (time: number | null): string | null => (time === null ? null : formatTime(time))

const base64Of = (hex: string): string => toBase64(fromHex(hex)!)

const isRecordType = ({ type }: RecordFilter): boolean => type?.includes('@') === true

/** Binds a cursor to the filter that it was given for. */
function markOf(filter: RecordFilter): string {
  return toHex(sha256(utf8(canonicalJson({ ...filter } as JsonObject)))).slice(0, 16)
}

function writeCursor(index: number, mark: string): string {
  return toBase64Url(utf8(`${mark}.${index}`))
}

function readCursor(cursor: string, mark: string): number {
  const bytes = fromBase64Url(cursor)
  const [given, digits, ...rest] = bytes === undefined ? [] : new TextDecoder().decode(bytes).split('.')
  const index = /^(0|[1-9]\d{0,15})$/.test(digits ?? '') ? Number(digits) : Number.NaN
  if (given !== mark || rest.length > 0 || !Number.isSafeInteger(index)) throw new Refusal('request.bad-cursor')
  return index
}
