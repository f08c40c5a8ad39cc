/**
 * Committed blocks that the disk has lost or changed since they were applied: found when they are read, fetched again from the other
 * members, known by the hash that the block above them names (protocol.md, rule 18). While one is missing the node signs nothing. Those
 * above the applied height are start-up's and catch-up's.
 */
import { type Block, decodeBlock } from '../chain/block.ts'
import { CborError } from '../chain/cbor.ts'
import { type Height, height } from '../chain/numbers.ts'
import type { MemberId } from '../consensus/message.ts'
import type { BlockStore } from './block-store.ts'
import { DamagedStore } from './disk-failure.ts'
import type { Ledger } from './ledger.ts'
import { catchUpTimeoutMs, scrubIntervalMs } from './limits.ts'
import type { Clock, Log } from './ports.ts'
import type { Vouching } from './vouching.ts'
import type { BlocksResponse, NodeMessage } from './wire.ts'

export interface RepairDependencies {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly store: BlockStore
  readonly vouching: Vouching
  readonly log: Log
  readonly turn: (event: () => void) => void
  readonly send: (to: MemberId, message: NodeMessage) => void
  /** Peers that are connected now. */
  readonly peers: () => readonly MemberId[]
  /** The first block is missing, or nothing is missing any more (`active`). */
  readonly onChange: () => void
}

export class Repair {
  readonly #deps: RepairDependencies
  readonly #missing = new Set<Height>()
  #asked: { readonly peer: MemberId; readonly from: Height; readonly id: string; readonly at: number } | undefined
  #nextPeer = 0
  /** Next block to be looked at though nobody asked for it; from the top down, again and again. */
  #scrubAt: Height = height(0)
  #scrubbedAt = 0

  constructor(dependencies: RepairDependencies) {
    this.#deps = dependencies
  }

  get active(): boolean {
    return this.#missing.size > 0
  }

  /** The committed block at this height is not what it was. */
  want(at: Height): void {
    const { ledger, log, onChange } = this.#deps
    if (at === 0 || at > ledger.committed.block.height || this.#missing.has(at)) return
    log.error('block damaged', { height: at })
    this.#missing.add(at)
    if (this.#missing.size === 1) onChange()
  }

  tick(): void {
    const { clock } = this.#deps
    if (this.#asked === undefined || clock.monotonic() - this.#asked.at >= catchUpTimeoutMs) this.#ask()
    this.#scrub()
  }

  #scrub(): void {
    const { clock, ledger } = this.#deps
    if (this.active || clock.monotonic() - this.#scrubbedAt < scrubIntervalMs) return
    this.#scrubbedAt = clock.monotonic()
    const at = this.#scrubAt > 0 ? this.#scrubAt : ledger.committed.block.height
    if (at === 0) return
    if (this.#read(at)?.id !== this.#idOf(at)) this.want(at)
    this.#scrubAt = height(at - 1)
  }

  /** From the top down, since each block is known by the one above it. */
  #ask(): void {
    const { clock, peers, send, log, onChange } = this.#deps
    this.#asked = undefined
    while (this.#missing.size > 0) {
      const at = height(Math.max(...this.#missing))
      const id = this.#idOf(at)
      if (id === undefined) continue // the block above is missing too, and is first now
      if (this.#read(at)?.id !== id) {
        const connected = peers()
        const peer = connected[this.#nextPeer++ % Math.max(1, connected.length)]
        if (peer === undefined) return
        this.#asked = { peer, from: at, id, at: clock.monotonic() }
        return send(peer, { kind: 'blocks-request', from: at })
      }
      log.info('block repaired', { height: at })
      this.#missing.delete(at)
      if (this.#missing.size === 0) onChange()
    }
  }

  /** What the block at this height must hash to. */
  #idOf(at: Height): string | undefined {
    const { block } = this.#deps.ledger.committed
    if (at === block.height) return block.id
    const above = height(at + 1)
    const parent = this.#read(above)?.header.parent
    if (parent === undefined) this.want(above)
    return parent
  }

  #read(at: Height): Block | undefined {
    try {
      return this.#deps.store.block(at)
    } catch (error) {
      if (error instanceof DamagedStore) return undefined
      throw error
    }
  }

  /** Whether this is the answer to what was asked here, and not by catch-up. */
  expects(from: MemberId, message: BlocksResponse): boolean {
    return this.#asked?.peer === from && this.#asked.from === message.from
  }

  /** An answer that is of no use is followed by the next peer at the next tick. */
  receive(message: BlocksResponse): void {
    const { ledger, store, vouching, turn, log } = this.#deps
    const asked = this.#asked
    const [bytes] = message.blocks
    this.#asked = undefined
    if (asked === undefined || bytes === undefined) return
    let block: Block
    try {
      block = decodeBlock(bytes, ledger.rules.context)
    } catch (error) {
      if (!(error instanceof CborError)) throw error
      return log.warn('repair answer malformed', { member: asked.peer, reason: error.message })
    }
    if (block.id !== asked.id) {
      // A liar's answer, or the block above is what was changed: it is looked at too, and by the one above it.
      log.warn('repair answer differs', { member: asked.peer, height: asked.from })
      return this.want(height(asked.from + 1))
    }
    // The seal is not under the hash.
    vouching.check(vouching.checksOfBlock(block), (good) =>
      turn(() => {
        if (!good || !this.#missing.has(asked.from)) return
        store.putBlock(block)
        this.#ask()
      }),
    )
  }
}
