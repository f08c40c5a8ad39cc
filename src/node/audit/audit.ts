/**
 * An audit: what sources serve, checked against the genesis that the auditor trusts and against each other. The chain is replayed from one of them,
 * the one that has most; should it lie or fall silent, from the next. Everything the others serve is compared with what was computed. A source that
 * lies is named as a source; a member is named only by its own signatures.
 */
import { sha256 } from '#crypto'
import { type Block, decodeBlock } from '../../chain/block.ts'
import { equalBytes, fromHex, toHex, utf8 } from '../../chain/bytes.ts'
import { CborError } from '../../chain/cbor.ts'
import { formatCheckpoint } from '../../chain/checkpoint.ts'
import { epochOfSize, epochsUpTo } from '../../chain/epoch.ts'
import type { ChainRules } from '../../chain/execution.ts'
import { type FaultProof, formatFault, verifyFault } from '../../chain/fault.ts'
import type { Genesis, GenesisMember } from '../../chain/genesis.ts'
import { noteBytesMax } from '../../chain/note.ts'
import type { Policy } from '../../chain/policy.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import type { Verifier } from '../ports.ts'
import type { AuditStore, Counts } from './audit-store.ts'
import { asked, feedBlocks } from './block-feed.ts'
import { compareBlocks, compareEntries, comparePolicy, compareTiles, found } from './comparing.ts'
import { batchFaults, blockFaults, headFaults, sizeOf } from './evidence.ts'
import { Replaying } from './replaying.ts'
import { checkpointPath, type MemberHead, readHead, type ServedHead } from './served-head.ts'
import { type Accused, type Finding, isIncomplete, type Source } from './source.ts'

export interface AuditOptions {
  readonly rules: ChainRules
  /** What the auditor demands of a checkpoint beside what the genesis says. */
  readonly policy?: Policy | undefined
  /** By source: what it showed last time. */
  readonly seen: ReadonlyMap<string, Seen>
  /** Entries up to here were read in full before. */
  readonly entriesRead: number
  /** Blocks are read from one source unless all of them are to be compared. */
  readonly everyBlock?: boolean
  /** See `Replaying`. */
  readonly unprovenBytesMax?: number
}

/** What is kept of a source from one audit to the next. */
export interface Seen {
  /** Its checkpoint, verbatim. */
  readonly note: string
  readonly size: number
  /** Its tiles were compared up to this size. */
  readonly compared: number
  /** And its blocks up to this height; none, unless that was asked for. */
  readonly comparedHeight?: number
}

export interface AuditDependencies {
  readonly store: AuditStore
  readonly verifier: Verifier
  readonly onProgress: (step: AuditStep, done: number, total: number) => void
}

export type AuditStep = 'chain' | 'entries' | 'tiles'

export interface AuditedSource {
  readonly name: string
  /** Of its checkpoint; undefined when it has none that can be read. */
  readonly size: number | undefined
  readonly signedBy: string | undefined
  readonly cosigned: readonly { readonly member: string; readonly timeSeconds: number }[]
  /** Entries and blocks were read from this one. */
  readonly isPrimary: boolean
  readonly agrees: boolean
}

export interface AuditReport {
  readonly verdict: 'good' | 'incomplete' | 'contradiction'
  /** The tree that was computed. */
  readonly size: number
  /** Hex. */
  readonly root: string
  readonly height: number
  readonly time: number
  readonly counts: Counts
  /** Blocks up to this height were replayed by earlier audits, on the same store. */
  readonly resumedAt: number
  /** Blocks that were replayed in this one. */
  readonly newBlocks: number
  readonly sources: readonly AuditedSource[]
  readonly findings: readonly Finding[]
  /** Files to write: `fault-….json`. */
  readonly proofs: ReadonlyMap<string, string>
  readonly seen: ReadonlyMap<string, Seen>
  readonly entriesRead: number
}

interface Read {
  readonly source: Source
  readonly note: Uint8Array
  /** As the members known so far make of it. */
  head: ServedHead
}

export async function audit(
  sources: readonly Source[],
  options: AuditOptions,
  dependencies: AuditDependencies,
): Promise<AuditReport> {
  return new Audit(sources, options, dependencies).run()
}

class Audit {
  readonly #sources: readonly Source[]
  readonly #options: AuditOptions
  readonly #deps: AuditDependencies
  readonly #genesis: Genesis
  readonly #findings: Finding[] = []
  readonly #proofs = new Map<string, string>()
  readonly #accused = new Map<string, Accused>()
  readonly #accusedOf = new Map<Finding, readonly Accused[]>()
  /** Blocks that did not pass, by height. */
  readonly #suspects: { readonly block: Block; readonly finding: Finding }[] = []
  /** Sources whose next block does not follow ours, which q members cosigned. */
  readonly #otherChains = new Map<Source, Finding>()
  readonly #reads: Read[] = []
  readonly #backDated = new Set<string>()
  /** Of the tree that an earlier audit left: what was compared with one that is gone is compared again. */
  readonly #resumedSize: number

  constructor(sources: readonly Source[], options: AuditOptions, dependencies: AuditDependencies) {
    this.#sources = sources
    this.#options = options
    this.#deps = dependencies
    this.#genesis = options.rules.genesis
    this.#resumedSize = dependencies.store.size
  }

  async run(): Promise<AuditReport> {
    const { store } = this.#deps
    const resumedAt = store.point.block.height
    await Promise.all(this.#sources.map((source) => this.#readHead(source)))
    const primary = await this.#replay()
    await store.save()
    let { entriesRead } = this.#options
    if (primary !== undefined) entriesRead = await this.#compareEntries(primary)
    const seen = new Map(this.#options.seen)
    for (const read of this.#reads) {
      const compared = await this.#compare(read)
      const { source, head } = read
      if (compared === undefined) continue
      const before = seen.get(source.name)
      const comparedHeight = Math.min(before?.comparedHeight ?? 0, resumedAt)
      const to = store.endOf(head.size)!.height
      // What was replayed just now came from the primary.
      const open = source === primary?.source ? Math.min(to, resumedAt) : to
      if (this.#options.everyBlock === true && !(await this.#compareBlocks(read, primary, comparedHeight, open)))
        continue
      if (head.size >= (before?.size ?? 0)) {
        const heights = this.#options.everyBlock === true ? to : comparedHeight
        seen.set(source.name, { note: head.note, size: head.size, compared, comparedHeight: heights })
      }
    }
    const { block, root, time } = store.point
    const isWrong = this.#findings.some((finding) => !isIncomplete(finding))
    return {
      verdict: isWrong ? 'contradiction' : this.#findings.length > 0 || primary === undefined ? 'incomplete' : 'good',
      size: store.size,
      root,
      height: block.height,
      time,
      counts: store.counts,
      resumedAt,
      newBlocks: block.height - resumedAt,
      sources: this.#sources.map((source) => this.#reportOf(source, primary)),
      findings: this.#findings.map((finding) => {
        const accused = [...(finding.accused ?? []), ...(this.#accusedOf.get(finding) ?? [])]
        return accused.length > 0 ? { ...finding, accused } : finding
      }),
      proofs: this.#proofs,
      seen,
      entriesRead,
    }
  }

  #reportOf(source: Source, primary: Read | undefined): AuditedSource {
    const head = this.#reads.find((read) => read.source === source)?.head
    return {
      name: source.name,
      size: head?.size,
      signedBy: head?.signedBy,
      cosigned: (head?.cosigned ?? []).map(({ member, timeSeconds }) => ({ member: member.id, timeSeconds })),
      isPrimary: primary?.source === source,
      agrees: head !== undefined && !this.#findings.some((finding) => finding.source === source.name),
    }
  }

  async #readHead(source: Source): Promise<void> {
    const answer = await asked(source, checkpointPath, noteBytesMax)
    if (answer.kind === 'failed') return this.#add(answer.finding)
    if (answer.bytes === undefined) return this.#add(found('audit.no-answer', source, 'checkpoint', 'there is none'))
    try {
      this.#reads.push({ source, note: answer.bytes, head: this.#head(answer.bytes) })
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      this.#add(found('audit.checkpoint-bad', source, 'checkpoint', `${error.code}: ${error.message}`))
    }
  }

  #head(note: Uint8Array): ServedHead {
    return readHead(note, this.#genesis, this.#deps.store.epoch, this.#options.policy)
  }

  // ── the chain ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Returns the source from which the chain was followed to the end of its own checkpoint. A checkpoint that the members known so far did not cosign
   * may be of a later epoch; then the chain says who its members are, so it is followed as far as it proves itself, and the checkpoint read again.
   */
  async #replay(): Promise<Read | undefined> {
    const { store, verifier, onProgress } = this.#deps
    let size = 0
    const replaying = new Replaying({
      rules: this.#options.rules,
      store,
      verifier,
      unprovenBytesMax: this.#options.unprovenBytesMax,
      onBlock: (block) => {
        this.#checkTimes(block)
        for (const suspect of this.#suspects) {
          if (suspect.block.header.height !== block.header.height || suspect.block.id === block.id) continue
          const about = { ledger: this.#genesis.ledger, newest: store.epoch }
          this.#accuse(suspect.finding, blockFaults(suspect.block, block, about))
        }
        onProgress('chain', store.size, size)
      },
    })
    const tried = new Set<Read>()
    let followed: Read | undefined
    for (;;) {
      const read = this.#nextToFollow(tried, followed)
      if (read === undefined) return followed
      tried.add(read)
      if (read.head.size < store.size) {
        followed ??= read
        continue
      }
      size = read.head.size
      const broken = await replaying.run(read.source, read.head, () => this.#head(read.note).trouble === undefined)
      for (const each of this.#reads) each.head = this.#head(each.note)
      if (broken === undefined) {
        if (read.head.trouble === undefined) followed = read
        continue
      }
      const { finding, blocks, wrongItem, isOtherChain } = broken
      if (isOtherChain === true) {
        this.#otherChains.set(read.source, finding)
        continue
      }
      this.#add(finding)
      for (const block of blocks) this.#suspects.push({ block, finding })
      if (wrongItem !== undefined) {
        const { epoch } = blocks.at(-1)!.header
        this.#accuse(finding, batchFaults(wrongItem.batch, wrongItem.at, epoch, store.epoch))
      }
    }
  }

  /** The largest that is good; else the largest that may become so. */
  #nextToFollow(tried: ReadonlySet<Read>, followed: Read | undefined): Read | undefined {
    const isWorthwhile = ({ head }: Read): boolean =>
      head.trouble === undefined
        ? followed === undefined || head.size > followed.head.size
        : head.isPerhapsLater && head.size > this.#deps.store.size
    return this.#reads
      .filter((read) => !tried.has(read) && isWorthwhile(read))
      .sort(
        (a, b) =>
          Number(b.head.trouble === undefined) - Number(a.head.trouble === undefined) ||
          b.head.size - a.head.size ||
          this.#order(a) - this.#order(b),
      )[0]
  }

  #order = ({ source }: Read): number => this.#sources.indexOf(source)

  /** The times of the cosignatures that a block carries. */
  #checkTimes({ carried, header }: Block): void {
    const { attestation } = carried
    if (attestation === undefined) return
    for (const { member: id, time } of attestation.cosignatures) {
      const member = this.#memberAt(attestation.size, id)
      this.#checkTime(member, attestation.size, time, `v1/blocks/${header.height}`, '')
    }
  }

  /** A member of the epoch that attested a tree of this size. */
  #memberAt(size: number, id: string): GenesisMember {
    return epochOfSize(this.#deps.store.epoch, size).members.find((each) => each.id === id)!
  }

  /** A cosignature over a block is not older than the block, as far as clocks may differ (protocol.md, rule 10). */
  #checkTime(member: GenesisMember, size: number, timeSeconds: number, file: string, source: string): void {
    const end = this.#deps.store.endOf(size)
    if (end === undefined || this.#backDated.has(member.id)) return
    const { clockAheadMs } = this.#genesis.parameters
    if (timeSeconds * 1_000 + 999 >= end.time - clockAheadMs) return
    this.#backDated.add(member.id)
    const detail = `${member.id} cosigned size ${size} at ${timeSeconds} s, before block ${end.height} was made at ${end.time} ms`
    const accused = [{ member: member.id, name: member.name, kid: member.node.cosign }]
    this.#add({ code: 'audit.back-dated', source, file, height: end.height, detail, accused })
  }

  // ── the sources, compared ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #compareEntries({ source, head }: Read): Promise<number> {
    const { store, onProgress } = this.#deps
    const read = Math.min(this.#options.entriesRead, this.#resumedSize)
    const from = Math.min(read, head.size)
    const total = head.size - from
    const finding = await compareEntries(source, store, { from, size: head.size }, (leaves) =>
      onProgress('entries', Math.max(0, leaves - from), total),
    )
    if (finding !== undefined) this.#add(finding)
    return finding === undefined ? Math.max(head.size, read) : read
  }

  /** Up to which size the tiles of a source are known to be ours; undefined when something is wrong with it. */
  async #compare({ source, head }: Read): Promise<number | undefined> {
    const { store, onProgress } = this.#deps
    const before = this.#findings.length
    const last = this.#options.seen.get(source.name)
    const isOurs = head.size <= store.size && toHex(store.rootAt(head.size)) === toHex(head.root)
    if (head.trouble !== undefined) {
      const { code, message } = head.trouble
      const finding = found('audit.checkpoint-bad', source, 'checkpoint', `${code}: ${message}`)
      this.#add(finding)
      if (!isOurs) await this.#lookForFork(source, head, finding)
      return undefined
    }
    if (!isOurs) {
      const isBroken = this.#findings.some((finding) => finding.source === source.name && !isIncomplete(finding))
      const isUnread = head.size > store.size
      const detail = `size ${head.size} with root ${toHex(head.root)} is not of the chain that was followed`
      const finding = found('audit.forked', source, 'checkpoint', detail)
      const proofs = await headFaults(source, head, this.#ourHeads(), store)
      // Beyond what could be followed, only a difference shows that it is another tree.
      if (proofs.length > 0 || (!isUnread && !isBroken)) {
        this.#add(finding)
        this.#accuse(finding, proofs)
      } else if (isUnread && !isBroken) {
        const other = this.#otherChains.get(source)
        this.#add(other ?? found('audit.no-answer', source, 'checkpoint', `size ${head.size} could not be followed`))
      }
      return undefined
    }
    if (last !== undefined && head.size < last.size) {
      const detail = `size ${head.size} now, ${last.size} before`
      this.#add(found('audit.rolled-back', source, 'checkpoint', detail))
    }
    for (const { member, timeSeconds } of head.cosigned) {
      this.#checkTime(member, head.size, timeSeconds, 'checkpoint', source.name)
    }
    if (store.endOf(head.size) === undefined) {
      this.#add(found('audit.checkpoint-bad', source, 'checkpoint', `no block ends at size ${head.size}`))
    }
    const policy = await comparePolicy(source, this.#genesis, { newest: store.epoch, size: head.size })
    if (policy !== undefined) this.#add(policy)
    const from = Math.min(last?.compared ?? 0, this.#resumedSize, head.size)
    const tiles = await compareTiles(source, store, { from, size: head.size }, (leaves) =>
      onProgress('tiles', Math.max(0, leaves - from), head.size - from),
    )
    for (const finding of tiles) this.#add(finding)
    return this.#findings.length > before ? undefined : head.size
  }

  /** Whether they are ours. One that is not may convict whoever sealed it, beside the one at its height that was followed. */
  async #compareBlocks({ source }: Read, primary: Read | undefined, from: number, to: number): Promise<boolean> {
    const { store } = this.#deps
    const difference = await compareBlocks(source, store, { from, to })
    if (difference === undefined) return true
    const { finding, served } = difference
    this.#add(finding)
    const wrong = served === undefined ? undefined : this.#decoded(served.bytes)
    if (served === undefined || wrong === undefined || primary === undefined) return false
    const feed = feedBlocks(primary.source, served.height)
    const right = await feed.next()
    await feed.return()
    if (right.done === true || right.value.kind === 'end') return false
    if (!equalBytes(sha256(right.value.bytes), store.blockHash(served.height)!)) return false
    const about = { ledger: this.#genesis.ledger, newest: store.epoch }
    this.#accuse(finding, blockFaults(wrong, this.#decoded(right.value.bytes)!, about))
    return false
  }

  #decoded(bytes: Uint8Array): Block | undefined {
    try {
      return decodeBlock(bytes, this.#options.rules.context)
    } catch (error) {
      if (error instanceof CborError || error instanceof RangeError) return undefined
      throw error
    }
  }

  /** A head without a quorum under it proves nothing about the ledger, but may about who signed it. */
  async #lookForFork(source: Source, head: ServedHead, finding: Finding): Promise<void> {
    this.#accuse(finding, await headFaults(source, head, this.#ourHeads(), this.#deps.store))
  }

  /** Every head of our tree with a member's signature: served now, served before, carried by the chain. The largest first. */
  #ourHeads(): readonly MemberHead[] {
    const { store } = this.#deps
    const heads: MemberHead[] = []
    const isOurs = (size: number, root: Uint8Array): boolean =>
      size <= store.size && toHex(store.rootAt(size)) === toHex(root)
    for (const { head } of this.#reads) if (isOurs(head.size, head.root)) heads.push(...head.cosigned)
    for (const { note } of this.#options.seen.values()) {
      const head = readHead(utf8(note), this.#genesis, store.epoch, undefined)
      if (isOurs(head.size, head.root)) heads.push(...head.cosigned)
    }
    for (const [id, { size, root, timeSeconds, signature }] of store.carried) {
      const member = this.#memberAt(size, id)
      const checkpoint = formatCheckpoint({ origin: this.#genesis.origin, size, root: fromHex(root)! })
      heads.push({ member, checkpoint, timeSeconds, signature })
    }
    return heads.sort((a, b) => sizeOf(b.checkpoint) - sizeOf(a.checkpoint))
  }

  // ── what was found ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #add(finding: Finding): void {
    // Silence is said once.
    const isKnown = (each: Finding): boolean =>
      each.source === finding.source && isIncomplete(each) && isIncomplete(finding)
    if (!this.#findings.some(isKnown)) this.#findings.push(finding)
  }

  /** Writes the proofs, and names whom they convict in the finding. */
  #accuse(finding: Finding, proofs: readonly FaultProof[]): void {
    const accused = proofs.map((proof) => this.#accusedBy(proof)).filter((each) => each !== undefined)
    const named = this.#accusedOf.get(finding) ?? []
    this.#accusedOf.set(finding, [...new Set([...named, ...accused])])
  }

  #accusedBy(proof: FaultProof): Accused | undefined {
    const { kid, kind } = verifyFault(proof)
    const everybody = [...epochsUpTo(this.#deps.store.epoch)].flatMap(({ members }) => members)
    const member = everybody.find(({ node }) => node.seal === kid || node.cosign === kid)
    if (member === undefined) return undefined
    const name = `fault-${member.id}-${kind}.json`
    const held = this.#accused.get(name)
    if (held !== undefined) return held
    const accused: Accused = { member: member.id, name: member.name, kid, kind, proof: name }
    this.#accused.set(name, accused)
    this.#proofs.set(name, formatFault(proof))
    return accused
  }
}
