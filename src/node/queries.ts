/**
 * The node as the API sees it (`api/service.ts`): submissions that wait for their attestation, look-ups, proofs, tiles, status. Answers
 * come from committed state only. Here and in the adapters are the node's only promises; the loop below knows none.
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
  Receipt,
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
import type { Attestation, Block, BlockHeader } from '../chain/block.ts'
import { bundleBlocks, bundleStart, encodeBlockBundle } from '../chain/block-bundle.ts'
import { fromBase64Url, fromHex, toBase64, toBase64Url, toHex, utf8 } from '../chain/bytes.ts'
import { isEnded, isExpired, kidsOf, readKey, readParty } from '../chain/catalogue/register.ts'
import { cosignature, formatCheckpoint, logMessage, logSignature } from '../chain/checkpoint.ts'
import { type Epoch, epochNumbered, epochOfSize, epochsUpTo } from '../chain/epoch.ts'
import type { GenesisMember } from '../chain/genesis.ts'
import { canonicalJson, type JsonObject } from '../chain/json.ts'
import { kidOf } from '../chain/keys.ts'
import { epochPolicy, memberCosignKey, memberLogKey, policyOfNode } from '../chain/member-policy.ts'
import { closingProof } from '../chain/membership.ts'
import { consistencyPath, inclusionPath, leafHash } from '../chain/merkle-tree.ts'
import { formatNote, formatVerifierKey, type Note } from '../chain/note.ts'
import { type Height, height } from '../chain/numbers.ts'
import { formatPolicy } from '../chain/policy.ts'
import { formatProofFile } from '../chain/proof-file.ts'
import { Refusal, type RefusalTexts } from '../chain/refusal.ts'
import { joinStatement, parseStatement, statementMessage } from '../chain/statement.ts'
import { encodeEntryBundle, tileWidthMax } from '../chain/tile.ts'
import { formatTime } from '../chain/time.ts'
import {
  attestationsFrom,
  type BlockStore,
  DamagedStore,
  heightOfNamedKey,
  type NamedField,
  namedIndices,
  namedRange,
  readAttestation,
} from './block-store.ts'
import { BoxLookups } from './box-lookups.ts'
import { DiskReadFailed } from './disk-failure.ts'
import type { Pending, SignedReceipt } from './intake.ts'
import type { Executed } from './ledger.ts'
import type { Clock, Signer } from './ports.ts'
import { type CommittedLeaf, RecordView, saidBy } from './record-view.ts'
import type { Replica, ReplicaOptions } from './replica.ts'
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

/** A note and its text: all records of a block are answered with the same one. */
interface SpelledNote {
  readonly note: Note
  readonly text: string
}

interface Waiter {
  readonly index: number
  readonly tell: (attestation: Attestation) => void
}

/** Committed leaves kept for their waiting submitters: several full blocks of ordinary ones. */
const recentMax = 8_192
const recentBytesMax = 32 * 1024 * 1024
/** Longer than an attestation takes that is not held up. */
const attestationMs = 2_000
/** Leaves looked at for a list before the loop has its turn again: some milliseconds. */
const examinedAtOnce = 64
/** Keys of one party that its page shows. */
const partyKeysMax = 100
/** Notes of attested sizes, signed once and asked for by everybody who waits for that size. */
const notesMax = 64

export class Queries implements Service {
  readonly trade: TradeLookups
  readonly boxes: BoxLookups
  readonly #options: QueriesOptions
  readonly #deps: QueriesDependencies
  /** As they were committed, so that answering a submitter reads nothing from the disk. */
  readonly #recent = new Map<number, CommittedLeaf>()
  #recentBytes = 0
  /** Statements that were taken in here and may still be asked for before they are attested: on their way, or on the ledger. */
  readonly #settled = new Map<string, Pending>()
  /** Whoever gives up takes its own out: an attestation that is long in coming is asked for again and again. */
  readonly #waiters = new Set<Waiter>()
  readonly #listeners = new Set<(size: number) => void>()
  readonly #notes = new Map<number, Promise<SpelledNote>>()

  constructor(options: QueriesOptions, dependencies: QueriesDependencies) {
    this.#options = options
    this.#deps = dependencies
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
    for (const waiter of this.#waiters) {
      if (waiter.index >= attestation.size) continue
      this.#waiters.delete(waiter)
      waiter.tell(attestation)
    }
    for (const listener of this.#listeners) listener(attestation.size)
    for (const [id, { settlement }] of this.#settled) {
      if (settlement !== undefined && settlement.index < attestation.size) this.#settled.delete(id)
    }
  }

  // ── submitting ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws the signal's reason, when it is aborted before there is an answer */
  submit(jws: string, { waitMs, signal }: SubmitOptions): Promise<Submission> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      let cancel: () => void = () => undefined
      const gone = (): void => {
        cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', gone)
      const answer: Answer = (submission) => {
        // The signal is its connection's, which outlives thousands of submissions.
        signal?.removeEventListener('abort', gone)
        resolve(submission)
      }
      this.#deps.replica.submit(jws, (result) => {
        if (signal?.aborted) return // what was taken in goes on without its submitter
        switch (result.kind) {
          case 'refused': {
            const { code, detail, fields } = result
            return answer({ kind: 'refused', code, detail, fields })
          }
          case 'known':
            cancel = this.#waitForKnown(result.index, jws, waitMs, answer)
            return
          case 'taken':
            cancel = this.#waitFor(result.pending, result.again, waitMs, answer)
            return
        }
      })
    })
  }

  async submitPlain(request: PlainSubmission, options: SubmitOptions): Promise<Submission> {
    const { signer } = this.#deps
    const key = signer.publicKey('centre')
    if (key === undefined) return refusedHere('node.not-ready', 'this node holds no centre key')
    const { rules } = this.#options
    const self = this.#self
    if (self === undefined) return refusedHere('node.not-a-member', 'the ledger never listed this node')
    const { party } = self
    const payload: JsonObject = {
      ...request.fields,
      ledger: rules.context.ledger,
      type: request.type,
      party,
      key: request.key,
    }
    const message = statementMessage(payload, key)
    const signature = await new Promise<Uint8Array>((done) => signer.sign('centre', message, done))
    return this.submit(joinStatement(message, signature), options)
  }

  /** @returns what ends the waiting without an answer */
  #waitFor(pending: Pending, again: boolean, waitMs: number, answer: Answer): () => void {
    const receipt = this.#receipt(pending.receipt)
    // Before anybody gives up: who asks again between the ledger's answer and its attestation is shown this receipt.
    this.#settled.set(pending.statement.id, pending)
    let stopWaiting: () => void = () => undefined
    const cancel = (): void => {
      clearTimeout(timer)
      pending.onSettled.delete(settled)
      stopWaiting()
    }
    const giveUp = (): void => {
      cancel()
      answer({
        kind: 'pending',
        statementId: pending.statement.id,
        status: pending.settlement === undefined ? 'accepted' : 'replicated',
        receipt,
      })
    }
    const settled = (): void => {
      const settlement = pending.settlement!
      stopWaiting = this.#whenAttested(settlement.index, (attestation) => {
        clearTimeout(timer)
        answer(
          settlement.kind === 'refused'
            ? this.#refusal(settlement.index, settlement.code, receipt)
            : this.#done(settlement.index, attestation, receipt, settlement.duplicate || again),
        )
      })
    }
    const timer = waitMs > 0 ? setTimeout(giveUp, waitMs) : undefined
    if (timer === undefined) giveUp()
    else if (pending.settlement === undefined) pending.onSettled.add(settled)
    else settled()
    return cancel
  }

  /** @returns what ends the waiting without an answer */
  #waitForKnown(index: number, jws: string, waitMs: number, answer: Answer): () => void {
    const { id } = parseStatement(jws, this.#options.rules.context.ledger)
    const own = this.#settled.get(id)
    const receipt = own === undefined ? null : this.#receipt(own.receipt)
    const giveUp = (): void => {
      stopWaiting()
      // Never as a refusal: it is on the ledger, and asking again will show it.
      if (receipt === null) answer(refusedHere('ledger.no-quorum', `record ${index} is not attested yet`))
      else answer({ kind: 'pending', statementId: id, status: 'replicated', receipt })
    }
    // Without a receipt there is nothing to show but the attestation, which follows within a round trip or two when all is well.
    const timer = setTimeout(giveUp, Math.max(waitMs, receipt === null ? attestationMs : 1))
    const stopWaiting = this.#whenAttested(index, (attestation) => {
      clearTimeout(timer)
      answer(this.#done(index, attestation, receipt, true))
    })
    return () => {
      clearTimeout(timer)
      stopWaiting()
    }
  }

  /**
   * Calls back with an attestation above the index: at once if there is one, else with the first that comes, unless the waiting ends
   * before. It is called within an event of the loop, where what it throws would end the node.
   */
  #whenAttested(index: number, tell: (attestation: Attestation) => void): () => void {
    const { attested } = this.#deps.replica
    if (attested !== undefined && attested.size > index) {
      tell(attested)
      return () => undefined
    }
    const waiter: Waiter = { index, tell }
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  async #refusal(index: number, code: string, receipt: Receipt): Promise<Submission> {
    return { kind: 'refusal-record', record: this.#recordAt(index)!, code, receipt }
  }

  async #done(
    index: number,
    attestation: Attestation,
    receipt: Receipt | null,
    duplicate: boolean,
  ): Promise<Submission> {
    const record = this.#recordAt(index)!
    const isOwn = this.#signs(epochOfSize(this.#epoch, attestation.size))
    const proof =
      duplicate || !isOwn ? await this.proof(index) : await this.#proofIn(index, attestation, leafHash(record.entry))
    if (proof !== undefined) return { kind: 'done', record, proof, receipt, duplicate }
    // Attested by members among whom this node is not: its log key is nothing to those who check. Others show the proof.
    if (receipt === null) return refusedHere('node.not-a-member', `record ${index} is proven by the members of today`)
    return { kind: 'pending', statementId: record.statementId!, status: 'replicated', receipt }
  }

  #receipt(receipt: SignedReceipt): Receipt {
    return {
      statement: receipt.statement,
      ledger: this.#options.rules.context.ledger,
      member: this.#options.member,
      node: receipt.node,
      receivedAt: formatTime(receipt.receivedAt),
      attestedSize: String(receipt.attestedSize),
      by: formatTime(receipt.by),
      epoch: receipt.epoch,
      signature: toBase64(receipt.signature),
    }
  }

  standing(statementId: string): StatementStanding {
    const pending = this.#deps.replica.pending(statementId)
    if (pending?.durable) return { kind: 'pending', status: 'accepted', receipt: this.#receipt(pending.receipt) }
    const { store } = this.#deps.replica
    const index = this.#whole(() => store.indexOfStatement(statementId))
    if (index !== undefined) return { kind: 'record', index }
    const everybody = [...epochsUpTo(this.#epoch)].flatMap(({ members }) => members.map(({ id }) => id))
    for (const id of new Set(everybody)) {
      const refusal = this.#whole(() => store.indexOfRefusal(statementId, id))
      if (refusal === undefined) continue
      const record = this.#recordAt(refusal)
      const code = (record?.payload.refusal as JsonObject | undefined)?.code
      return { kind: 'refused', index: refusal, code: String(code) }
    }
    return { kind: 'unknown' }
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
    return this.#whole(() => this.#deps.replica.store.leaf(index))
  }

  /** Of a committed block, height 1 and above. */
  #header(at: Height): BlockHeader {
    return this.#whole(() => {
      const header = this.#deps.replica.store.header(at)
      if (header === undefined) throw new DiskReadFailed(`the header of block ${at} is missing`)
      return header
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
    const { catalogue } = this.#options.rules
    return leaf === undefined ? undefined : new RecordView(index, status, leaf, { state: committed.state, catalogue })
  }

  #committedLeaf(index: number): CommittedLeaf | undefined {
    const leaf = this.#leaf(index)
    if (leaf === undefined) return undefined
    const { genesis } = this.#options.rules
    const { term, time } = leaf.height === 0 ? { term: 0, time: genesis.foundedAt } : this.#header(leaf.height)
    return { ...leaf, term, time, said: undefined }
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
    for await (const index of this.#candidates(filter, start, asOf.size, limit + 1)) {
      // A rare match in a long ledger: the awaiting above is of microtasks, behind which elections and heartbeats would wait.
      if (++examined % examinedAtOnce === 0) await new Promise((resolve) => setImmediate(resolve))
      const record = this.#recordAt(index)
      if (record === undefined) continue
      if (filter.to !== undefined && record.time >= filter.to) break
      if (!this.#matches(record, filter)) continue
      if (records.length === limit) {
        next = index
        break
      }
      records.push(record)
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
  async *#candidates(filter: RecordFilter, start: number, size: number, wanted: number): AsyncGenerator<number> {
    // Only records are indexed by type: system entries and refusals are found by going through all.
    const [name, ...others] = tellingFields.filter(
      (field) => filter[field] !== undefined && (field !== 'type' || isRecordType(filter)),
    )
    if (name === undefined) {
      for (let index = start; index < size; index++) yield index
      return
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
        for (const index of indices)
          if (index >= start && index < size && lists.every((list) => list.has(index))) yield index
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
      const blockTime = middle === 0 ? this.#options.rules.genesis.foundedAt : this.#header(height(middle)).time
      if (blockTime >= time) high = middle
      else low = middle + 1
    }
    if (low === 0) return 0
    if (low === 1) return 1
    return this.#header(height(low - 1)).size
  }

  // ── proofs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async proof(index: number, size?: number): Promise<InclusionProof | undefined> {
    this.#whole(() => undefined)
    const { attested, store } = this.#deps.replica
    const newest = attested?.size === size ? attested : undefined // not on the disk yet
    const attestation = size === undefined ? await this.#attestationAbove(index) : (store.attestation(size) ?? newest)
    if (attestation === undefined || attestation.size <= index || attestation.size > this.#attestedSize)
      return undefined
    return this.#signs(epochOfSize(this.#epoch, attestation.size)) ? this.#proofIn(index, attestation) : undefined
  }

  // Whose word is served: the members of the epoch that attested the size in question, and of this node a log line only where they had it
  // among them (decision 0032).

  get #epoch(): Epoch {
    return this.#deps.replica.epoch
  }

  /** This node as the newest epoch lists it that does. */
  get #self(): GenesisMember | undefined {
    for (const { members } of epochsUpTo(this.#epoch)) {
      const self = members.find(({ node }) => node.id === this.#options.node)
      if (self !== undefined) return self
    }
    return undefined
  }

  /** Whether a log line of this node's key is one that the policy of this epoch knows. */
  #signs({ members }: Epoch): boolean {
    const key = this.#deps.signer.publicKey('log')
    if (key === undefined) return false
    const kid = kidOf(key)
    return members.some(({ node }) => node.id === this.#options.node && node.log === kid)
  }

  /** The epoch under whose policy this node serves: that of the newest attestation, or the last one that had this node. */
  #served(): { readonly epoch: Epoch; readonly attestation: Attestation } | undefined {
    const { attested, store } = this.#deps.replica
    if (attested === undefined) return undefined
    const newest = epochOfSize(this.#epoch, attested.size)
    if (this.#signs(newest)) return { epoch: newest, attestation: attested }
    let { size } = newest.start
    for (let epoch = newest.previous; epoch !== undefined; size = epoch.start.size, epoch = epoch.previous) {
      const attestation = this.#signs(epoch) ? store.attestation(size) : undefined
      if (attestation !== undefined) return { epoch, attestation }
    }
    return undefined
  }

  /** By the members under whose policy this node serves, so that one policy is enough for everything that is asked for at one time. */
  async #attestationAbove(index: number): Promise<Attestation | undefined> {
    const served = this.#served()
    if (served === undefined || served.attestation.size <= index) return undefined
    const { start, previous } = served.epoch
    const from = previous === undefined ? index + 1 : Math.max(index, start.size) + 1
    let found: Attestation | undefined
    // One that cannot be read is passed over: a later one proves the same.
    await new Promise<boolean>((done) =>
      this.#deps.replica.store.scan(
        { ...attestationsFrom(from), limit: 1 },
        (_, row) => {
          found = readAttestation(row)
          return false
        },
        done,
      ),
    )
    // What was served may not be on the disk yet.
    return found !== undefined && found.size <= served.attestation.size ? found : served.attestation
  }

  async #proofIn(index: number, attestation: Attestation, leaf?: Uint8Array): Promise<InclusionProof> {
    const { note, text } = await this.#note(attestation)
    const read = this.#deps.replica.store.hashReader(attestation.size)
    const path = this.#whole(() => inclusionPath(index, attestation.size, read))
    return {
      index,
      size: attestation.size,
      leafHash: leaf ?? this.#whole(() => read(0, index)),
      path,
      checkpoint: text,
      // Spelling it parses it again: done only for whoever asks for the file.
      get proofFile() {
        return formatProofFile({ index, path, note })
      },
    }
  }

  /** The checkpoint with this node's log line and exactly the q cosignatures of the certificate. The log key signs attested heads only. */
  #note(attestation: Attestation): Promise<SpelledNote> {
    const held = this.#notes.get(attestation.size)
    if (held !== undefined) return held
    const { genesis } = this.#options.rules
    const { size, root } = attestation
    const { members } = epochOfSize(this.#epoch, size)
    const memberOf = (id: string): GenesisMember => members.find((member) => member.id === id)!
    const text = formatCheckpoint({ origin: genesis.origin, size, root: fromHex(root)! })
    const note = new Promise<Uint8Array>((done) => this.#deps.signer.sign('log', logMessage(text), done)).then(
      (signature) => {
        const signatures = [
          logSignature(memberLogKey(genesis, memberOf(this.#options.member)), signature),
          ...attestation.cosignatures.map(({ member, time, signature: bytes }) =>
            cosignature(memberCosignKey(genesis, memberOf(member)), time, bytes),
          ),
        ]
        const note = { text, signatures }
        return { note, text: formatNote(note) }
      },
    )
    this.#notes.set(attestation.size, note)
    if (this.#notes.size > notesMax) this.#notes.delete(this.#notes.keys().next().value!)
    return note
  }

  consistency(from: number, to: number): ConsistencyProof | undefined {
    if (to > this.#whole(() => this.#attestedSize) || from < 1 || from > to) return undefined
    return { from, to, path: this.#whole(() => consistencyPath(from, to, this.#deps.replica.store.hashReader(to))) }
  }

  async checkpoint(cosignatures: number): Promise<string | undefined> {
    const served = this.#whole(() => this.#served())
    if (served === undefined) return undefined
    const { text, signatures } = (await this.#note(served.attestation)).note
    return formatNote({ text, signatures: signatures.slice(0, 1 + cosignatures) })
  }

  get #attestedSize(): number {
    return this.#deps.replica.attested?.size ?? 0
  }

  tile(level: number, index: number, width: number): Uint8Array | undefined {
    const held = Math.floor(this.#attestedSize / tileWidthMax ** level) - index * tileWidthMax
    return this.#whole(() => (width <= held ? this.#deps.replica.store.tile(level, index, width) : undefined))
  }

  entries(index: number, width: number): Uint8Array | undefined {
    const first = index * tileWidthMax
    if (first + width > this.#whole(() => this.#attestedSize)) return undefined
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
    const firstIndex = at === 1 ? 1 : this.#header(height(at - 1)).size
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
    number = this.#epoch.number,
  ): { readonly epoch: number; readonly members: readonly MemberView[] } | undefined {
    const { genesis } = this.#options.rules
    const epoch = epochNumbered(this.#epoch, number)
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
    const views = [...epochsUpTo(this.#epoch)].map(
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
    const epoch = epochNumbered(this.#epoch, number)
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

  policy(number?: number, log?: string): string | undefined {
    const epoch = number === undefined ? (this.#served()?.epoch ?? this.#epoch) : epochNumbered(this.#epoch, number)
    if (epoch === undefined) return undefined
    const { genesis } = this.#options.rules
    const policy = log === undefined ? epochPolicy(genesis, epoch) : policyOfNode(genesis, epoch, log)
    return policy === undefined ? undefined : formatPolicy(policy)
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

/** A promise that fails is the submitter's trouble, never the loop's. */
type Answer = (submission: Submission | Promise<Submission>) => void

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

function assertReadable(isReadable: boolean, what: string): void {
  if (!isReadable) throw new DiskReadFailed(`${what} cannot be read`)
}

const timeOrNull = (time: number | null): string | null => (time === null ? null : formatTime(time))

const base64Of = (hex: string): string => toBase64(fromHex(hex)!)

const isRecordType = ({ type }: RecordFilter): boolean => type?.includes('@') === true

function refusedHere(code: string, detail: string): Submission {
  return { kind: 'refused', code, detail, fields: [] }
}

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
