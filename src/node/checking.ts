/**
 * What a follower does with a block before its core sees it: decode, check every signature, wait until its time is due, execute it on its
 * parent and compare (protocol.md, rules 8–10). Signatures of several blocks are checked at once; execution is in order. A bad block is
 * refused by name; a late one is answered `stale`.
 */
import { type Block, decodeBlock } from '../chain/block.ts'
import { CborError } from '../chain/cbor.ts'
import { InvalidBlock } from '../chain/execution.ts'
import type { MemberId } from '../consensus/message.ts'
import type { Raft } from '../consensus/raft.ts'
import type { Evidence } from './evidence.ts'
import { type Ledger, metaOf } from './ledger.ts'
import { uncheckedBlocksMax } from './limits.ts'
import type { Clock, Log } from './ports.ts'
import type { Vouching } from './vouching.ts'

export interface CheckingDependencies {
  readonly clock: Clock
  readonly raft: Raft
  readonly ledger: Ledger
  readonly vouching: Vouching
  readonly evidence: Pick<Evidence, 'suspect' | 'suspectBlock'>
  readonly log: Log
  readonly turn: (event: () => void) => void
  /**
   * Does what the core wants now: several blocks may be taken in one event, and the effects of each call come before the next (`raft.ts`).
   * A block that one appends and the next drops would else be gone before it was stored.
   */
  readonly carryOut: () => void
}

interface Waiting {
  readonly from: MemberId
  readonly block: Block
  readonly release: () => void
  signed: boolean
}

export class Checking {
  readonly #deps: CheckingDependencies
  /** One for each sender: a member that sends blocks which never become due holds up nobody's but its own. */
  readonly #queues = new Map<MemberId, Waiting[]>()

  constructor(dependencies: CheckingDependencies) {
    this.#deps = dependencies
  }

  /** `release` gives the sender its credit back, once the bytes are no longer held for checking. */
  offer(from: MemberId, bytes: Uint8Array, release: () => void): void {
    const { raft, ledger, vouching, turn, log } = this.#deps
    let block: Block
    try {
      block = decodeBlock(bytes, ledger.rules.context)
    } catch (error) {
      if (!(error instanceof CborError)) throw error
      log.warn('block malformed', { member: from, reason: error.message })
      return release()
    }
    const { header } = block
    const queue = this.#queues.get(from) ?? []
    if (header.term < raft.term || header.leader !== from || queue.length >= uncheckedBlocksMax) {
      if (header.leader === from) this.#deps.evidence.suspect(vouching.checkOfSeal(block))
      return release()
    }
    if (raft.has({ height: header.height, id: block.id })) return release()
    if (header.epoch !== ledger.rules.context.epoch) {
      release()
      return raft.refuse(from, metaOf(block), 'block.wrong-epoch')
    }
    const waiting: Waiting = { from, block, release, signed: false }
    this.#queues.set(from, [...queue, waiting])
    vouching.check(vouching.checksOfBlock(block), (sealed) =>
      vouching.checkItems(sealed ? block.batches : [], (good) =>
        turn(() => {
          if (!sealed || !good) return this.#reject(waiting, sealed ? 'batch.malformed-item' : 'block.bad-signature')
          waiting.signed = true
          this.#drain(from)
        }),
      ),
    )
  }

  /** The term or the leader changed: what an earlier leader sent is of no use any more. */
  forget(): void {
    const { raft } = this.#deps
    for (const from of [...this.#queues.keys()]) this.#drop(from, ({ block }) => block.header.term < raft.term)
  }

  /** What waited for its time may be due now. */
  tick(): void {
    for (const from of [...this.#queues.keys()]) this.#drain(from)
  }

  /** The epoch has ended: whatever waits is of no use, and its bytes are given back. */
  close(): void {
    for (const from of [...this.#queues.keys()]) this.#drop(from, () => true)
  }

  /** It sends again from where its follower says it stands. */
  onPeerDown(peer: MemberId): void {
    this.#drop(peer, () => true)
  }

  #drop(from: MemberId, isDropped: (waiting: Waiting) => boolean): void {
    const queue = this.#queues.get(from) ?? []
    for (const waiting of queue) if (isDropped(waiting)) waiting.release()
    const left = queue.filter((waiting) => !isDropped(waiting))
    if (left.length === 0) this.#queues.delete(from)
    else this.#queues.set(from, left)
  }

  #drain(from: MemberId): void {
    for (;;) {
      const first = this.#queues.get(from)?.[0]
      if (first === undefined || !first.signed) return
      const timing = this.#timingOf(first.block)
      if (timing !== 'due') this.#sayClocksApart(from, first.block, timing)
      if (timing === 'early') return // asked again at the next tick
      this.#drop(from, (waiting) => waiting === first)
      if (timing === 'late') return this.#deps.raft.refuse(from, metaOf(first.block), 'stale')
      this.#take(first)
    }
  }

  #take({ from, block }: Waiting): void {
    const { raft, ledger, carryOut } = this.#deps
    const { header, carried } = block
    // The first block of a term brings what makes its leader one; its signatures have been checked.
    if (carried.election !== undefined) {
      const { election, base } = carried
      raft.receive(from, { kind: 'elected', election, ...(base === undefined ? {} : { certificate: base }) })
      carryOut()
    }
    if (header.term !== raft.term || ledger.point(header.parent) === undefined) return
    const isHeld = ledger.executed(block.id) !== undefined
    try {
      ledger.check(block)
    } catch (error) {
      if (!(error instanceof InvalidBlock)) throw error
      return this.#refuse(from, block, error.code, error.message)
    }
    // What catch-up executed stays: it is about to be adopted.
    if (!raft.accept(from, metaOf(block)) && !isHeld) ledger.forget(block.id)
    carryOut()
  }

  /** Rule 10: my opinion of its time, asked once, and only while nobody has certified the block. */
  #timingOf({ header, id }: Block): 'early' | 'due' | 'late' {
    const { clock, raft, ledger } = this.#deps
    const { clockAheadMs, clockLatenessMs } = ledger.rules.genesis.parameters
    const ahead = header.time - clock.wall()
    if ((ahead <= clockAheadMs && ahead >= -clockLatenessMs) || raft.knowsCertificate(id)) return 'due'
    return ahead > 0 ? 'early' : 'late'
  }

  /** Where a quorum needs that member or this one, it is all that tells an operator why no leader stays. */
  #sayClocksApart(from: MemberId, { header }: Block, code: 'early' | 'late'): void {
    const { clock, log } = this.#deps
    const { term, height, time } = header
    log.warn('clocks apart', { member: from, code, term, height, aheadMs: time - clock.wall() })
  }

  #reject(waiting: Waiting, code: string): void {
    const { from, block } = waiting
    this.#drop(from, (other) => other === waiting)
    this.#refuse(from, block, code)
    this.#drain(from)
  }

  /** By name, to its sealer and to the operator; what a wrong entry says of whoever sealed it is for the evidence to find out. */
  #refuse(from: MemberId, block: Block, code: string, reason?: string): void {
    const { raft, evidence, log } = this.#deps
    const { height, term } = block.header
    log.error('block refused', { member: from, height, term, code, reason })
    if (wrongEntryCodes.has(code)) evidence.suspectBlock(block)
    raft.refuse(from, metaOf(block), code)
  }
}

/** What the bytes of an entry alone show to be wrong (rule 30): one shows when it is read, the other when it is executed. */
const wrongEntryCodes: ReadonlySet<string> = new Set(['batch.malformed-item', 'batch.foreign-entry'])
