/**
 * Reads that wait at the leader (Raft §6.4): each until a quorum has answered a heartbeat that went out after it came — so that no later leader has
 * committed anything before that — and until what the leader was locked on when it came is committed here. No member can crowd out another.
 */
import type { Height } from '../chain/numbers.ts'
import type { MemberId } from './message.ts'

/** Of all members together; who has most of them makes room. */
const readsMax = 1_000

export interface Read {
  readonly context: number
  readonly from: MemberId
  /** Of heartbeats: the first one after the read came. */
  readonly round: number
  /** The leader's lock when the request came: LOCKs go to all, so others may have committed that far before the leader has. */
  readonly height: Height
}

interface PendingRead extends Read {
  readonly confirmed: Set<MemberId>
}

export class PendingReads {
  readonly #self: MemberId
  readonly #quorum: number
  #reads: PendingRead[] = []

  constructor(self: MemberId, quorum: number) {
    this.#self = self
    this.#quorum = quorum
  }

  /** Rounds never fall. */
  add(read: Read): void {
    this.#reads.push({ ...read, confirmed: new Set([this.#self]) })
    if (this.#reads.length > readsMax) this.#makeRoom()
  }

  clear(): void {
    this.#reads = []
  }

  /** 0 when nothing waits. */
  get newestRound(): number {
    return this.#reads.at(-1)?.round ?? 0
  }

  /** Whether a read waits for more answers to this round. */
  awaits(round: number): boolean {
    return this.#reads.some((read) => read.round === round && read.confirmed.size < this.#quorum)
  }

  /** A member answered this round. */
  confirm(from: MemberId, round: number): void {
    for (const read of this.#reads) if (round >= read.round) read.confirmed.add(from)
  }

  /** Takes out those that `committed` answers, in the order in which they came. */
  takeReady(committed: Height): readonly Read[] {
    const isReady = (read: PendingRead) => read.confirmed.size >= this.#quorum && read.height <= committed
    const ready = this.#reads.filter(isReady)
    if (ready.length > 0) this.#reads = this.#reads.filter((read) => !isReady(read))
    return ready
  }

  /** Forgets the oldest of whoever has most of them waiting. The asker's own time-out answers it. */
  #makeRoom(): void {
    const waiting = new Map<MemberId, number>()
    for (const { from } of this.#reads) waiting.set(from, (waiting.get(from) ?? 0) + 1)
    const most = Math.max(...waiting.values())
    this.#reads.splice(
      this.#reads.findIndex(({ from }) => waiting.get(from) === most),
      1,
    )
  }
}
