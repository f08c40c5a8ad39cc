/**
 * Getting blocks that this node lacks, and giving them to others. A node that is shown a certificate for a block off its chain asks a peer
 * for everything above its own committed block, checks and executes each as if it were new — but for its time, which is nobody's opinion
 * once a block is certified — and adopts a stretch as soon as the last block of it is proven: by the certificate, or by an attested
 * checkpoint on the way, so that a long way is gone in steps. A node that takes no part in consensus here — a learner, or one that missed
 * the end of its epoch — is shown no certificate and follows by asking now and then. No answer goes beyond the end of an epoch.
 */
import { type Attestation, type Block, decodeBlock } from '../chain/block.ts'
import { CborError } from '../chain/cbor.ts'
import { type BlockCertificate, certifiedBlock } from '../chain/certificate.ts'
import { InvalidBlock } from '../chain/execution.ts'
import { type Height, height } from '../chain/numbers.ts'
import { type BlockMeta, compareRanks, type MemberId } from '../consensus/message.ts'
import type { AdoptionProof, Raft } from '../consensus/raft.ts'
import type { BlockStore } from './block-store.ts'
import { DamagedStore } from './disk-failure.ts'
import { type Ledger, metaOf } from './ledger.ts'
import { catchUpBytes, catchUpTimeoutMs, catchUpUnprovenMax, followIntervalMs } from './limits.ts'
import { type Clock, type Log, messageBytesMax } from './ports.ts'
import type { Vouching } from './vouching.ts'
import type { BlocksResponse, NodeMessage } from './wire.ts'

export interface CatchUpDependencies {
  readonly clock: Clock
  readonly raft: Raft
  readonly ledger: Ledger
  readonly store: BlockStore
  readonly vouching: Vouching
  readonly log: Log
  readonly turn: (event: () => void) => void
  /** The core's effects up to now, in the middle of an event. */
  readonly carryOut: () => void
  readonly send: (to: MemberId, message: NodeMessage) => void
  /** Bytes sent in answer to this peer that it has not taken yet. */
  readonly unacknowledged: (to: MemberId) => number
  /** Stop signing, keep serving: what q members certified cannot be. */
  readonly halt: (reason: string) => void
  /** Peers that are connected now. */
  readonly peers: () => readonly MemberId[]
  /** Whether to ask on though no certificate was shown: consensus goes on where this node has no part in it. */
  readonly follows: () => boolean
  /** The newest this node has, for a peer that has all its blocks. */
  readonly attestation: () => Attestation | undefined
  /** A checked attestation that came with blocks, or instead of them. */
  readonly onAttestation: (attestation: Attestation) => void
  /** A block that was to be served is not on the disk as it was written. */
  readonly onDamaged: (at: Height) => void
}

/** What proves the last block of an answer; of either kind, or both. */
interface Proof {
  readonly certificate?: BlockCertificate
  readonly attestation?: Attestation
}

export class CatchUp {
  readonly #deps: CatchUpDependencies
  #target: BlockCertificate | undefined
  #asked: { readonly peer: MemberId; readonly from: Height; readonly at: number } | undefined
  /** What each peer was asked last and has not answered. */
  readonly #owed = new Map<MemberId, Height>()
  #checking = false
  /** Executed and not adopted, from the first block above what was committed when it began. */
  #stretch: BlockMeta[] = []
  /** Of the last answer, where it proved nothing. */
  #unprovenBytes: number | undefined
  #nextPeer = 0
  /** Peers asked one after the other that were of no use. */
  #askedInVain = 0
  /** When an answer came that was not cut off for its length: whoever gave it had not much more. */
  #nearAt = Number.NEGATIVE_INFINITY
  /** When it was asked last without a certificate to reach. */
  #followedAt = Number.NEGATIVE_INFINITY

  constructor(dependencies: CatchUpDependencies) {
    this.#deps = dependencies
  }

  get active(): boolean {
    return this.#target !== undefined
  }

  /** Whether a peer has just shown all it has, and this node took it: it is not far behind. */
  get isNear(): boolean {
    return this.#deps.clock.monotonic() - this.#nearAt <= 3 * followIntervalMs
  }

  /** The core wants the block that this certificate is about. */
  want(certificate: BlockCertificate): void {
    const { raft } = this.#deps
    const block = certifiedBlock(certificate)
    if (raft.has(block) || block.height <= raft.commit) return
    if (this.#target === undefined || compareRanks(block, certifiedBlock(this.#target)) > 0) this.#target = certificate
    if (this.#asked === undefined && !this.#checking) this.#ask()
  }

  tick(): void {
    const { clock } = this.#deps
    if (this.#asked === undefined && !this.#checking) return this.#ask()
    if (this.#asked === undefined || clock.monotonic() - this.#asked.at < catchUpTimeoutMs) return
    this.#deps.log.info('catch-up peer silent', { member: this.#asked.peer, height: this.#asked.from })
    // Its answer may be on its way all the same: over a slow line one takes longer than this, and is still taken when it comes.
    this.#startOver()
  }

  onPeerDown(peer: MemberId): void {
    this.#owed.delete(peer)
    if (this.#asked?.peer === peer) this.#startOver()
  }

  /** With another peer, at the next tick: one that answers nonsense at once must not keep this node busy. */
  #startOver(): void {
    for (const { id, height: at } of this.#stretch)
      if (!this.#deps.raft.has({ height: at, id })) this.#deps.ledger.forget(id)
    this.#stretch = []
    this.#unprovenBytes = undefined
    this.#asked = undefined
    this.#nextPeer++
    if (++this.#askedInVain < this.#deps.peers().length) return
    // Nobody has it. A certificate that a liar kept back may be of a chain that died; the core asks again if it still wants the block.
    this.#askedInVain = 0
    this.#target = undefined
  }

  #ask(): void {
    const { raft, peers, send, clock } = this.#deps
    if (this.#target !== undefined) {
      const block = certifiedBlock(this.#target)
      if (raft.has(block) || block.height <= raft.commit) this.#target = undefined
    }
    const connected = peers()
    const isDue = clock.monotonic() - this.#followedAt >= followIntervalMs
    const follows = this.#target === undefined && isDue && this.#deps.follows()
    if ((this.#target === undefined && !follows) || connected.length === 0) {
      this.#asked = undefined
      this.#target = undefined // the core asks again while it still misses the block
      return
    }
    const leader = raft.leader
    const peer =
      this.#nextPeer === 0 && leader !== null && connected.includes(leader)
        ? leader
        : connected[this.#nextPeer % connected.length]!
    const { committed } = this.#deps.ledger
    // Whether the epoch was closed shows when this event's commit is carried out.
    if (follows && committed.next === undefined && committed.block.height < raft.commit) return
    // What closed the epoch is asked for again, for the sake of its attestation.
    const from =
      committed.next === undefined
        ? height((this.#stretch.at(-1)?.height ?? raft.commit) + 1)
        : committed.next.start.block.height
    this.#asked = { peer, from, at: clock.monotonic() }
    this.#owed.set(peer, from)
    if (follows) this.#followedAt = clock.monotonic()
    send(peer, { kind: 'blocks-request', from })
  }

  receive(from: MemberId, message: BlocksResponse, release: () => void): void {
    if (this.#owed.get(from) !== message.from) return release()
    this.#owed.delete(from)
    if (this.#asked?.from !== message.from) return release()
    this.#asked = undefined
    const { ledger, vouching, turn, log } = this.#deps
    let blocks: Block[]
    try {
      blocks = message.blocks.map((bytes) => decodeBlock(bytes, ledger.rules.context))
    } catch (error) {
      if (!(error instanceof CborError)) throw error
      log.warn('catch-up answer malformed', { member: from, reason: error.message })
      release()
      return this.#startOver()
    }
    if (blocks.length === 0) {
      release()
      this.#nearAt = this.#deps.clock.monotonic()
      const { attestation } = message
      if (attestation !== undefined) {
        vouching.check(vouching.checksOfAttestation(attestation), (good) =>
          turn(() => {
            if (good) this.#deps.onAttestation(attestation)
          }),
        )
      }
      return this.#startOver()
    }
    this.#checking = true
    const checks = [
      ...blocks.flatMap((block) => vouching.checksOfBlock(block)),
      ...(message.certificate === undefined ? [] : vouching.checksOfCertificate(message.certificate)),
      ...(message.attestation === undefined ? [] : vouching.checksOfAttestation(message.attestation)),
    ]
    vouching.check(checks, (signed) =>
      vouching.checkItems(signed ? blocks.flatMap((block) => block.batches) : [], (good) =>
        turn(() => {
          release()
          this.#checking = false
          if (!signed || !good) {
            log.warn('catch-up answer badly signed', { member: from, height: message.from })
            return this.#startOver()
          }
          this.#take(from, blocks, message)
          if (message.attestation === undefined) return
          // Its size is only known once the commit is carried out that it proves.
          this.#deps.carryOut()
          this.#deps.onAttestation(message.attestation)
        }),
      ),
    )
  }

  #take(from: MemberId, blocks: readonly Block[], message: BlocksResponse): void {
    const { ledger, raft, log } = this.#deps
    const heldBefore = this.#stretch.length
    try {
      for (const block of blocks) {
        const meta = metaOf(block)
        // Committed meanwhile by the ordinary way: nothing to do but to go on from there.
        if (meta.height <= raft.commit) continue
        const last = this.#stretch.at(-1)
        // Not what was asked for: that says something of the peer, nothing of the blocks.
        if (last !== undefined && last.id !== meta.parent) return this.#startOver()
        if (!raft.has(meta)) ledger.check(block)
        this.#stretch.push(meta)
      }
    } catch (error) {
      if (!(error instanceof InvalidBlock)) throw error
      log.warn('catch-up answer invalid', { member: from, code: error.code, reason: error.message })
      if (this.#isCertified(blocks, message)) return this.#deps.halt(`a certified block is invalid: ${error.message}`)
      return this.#startOver()
    }
    // Dropped since they were executed: by a commit that overtook them, or with a chain that the core left.
    const isHeld = ({ id, height: at }: BlockMeta): boolean =>
      raft.has({ height: at, id }) || ledger.executed(id) !== undefined
    if (this.#stretch.length === heldBefore || !this.#stretch.every(isHeld)) return this.#startOver()
    const last = blocks.at(-1)!
    const proof = this.#stretch.at(-1)?.id === last.id ? this.#proofFor(last, message) : undefined
    const bytes = message.blocks.reduce((sum, block) => sum + block.length, 0)
    if (proof !== undefined) {
      const stretch = this.#stretch
      this.#stretch = []
      this.#unprovenBytes = undefined
      const before = { commit: raft.commit, lock: raft.lock.block.id, tail: raft.tail.id }
      if (!raft.adopt(stretch, proof)) {
        for (const { id, height: at } of stretch) if (!raft.has({ height: at, id })) ledger.forget(id)
        this.#target = undefined
        // The core asks again while it misses the block, and this peer would give the same again.
        this.#nextPeer++
        return
      }
      // Attested and certified: the lock it makes can be stood on.
      if (proof.kind === 'attested' && message.certificate !== undefined) {
        raft.receive(from, { kind: 'certified', certificate: message.certificate })
      }
      if (raft.commit >= last.header.height) {
        if (bytes < catchUpBytes / 2) this.#nearAt = this.#deps.clock.monotonic()
        this.#followedAt = Number.NEGATIVE_INFINITY
      }
      // Who is no further than this node, as another learner may be, and is asked again and again, leads nowhere: the next one may.
      const isFurther =
        raft.commit > before.commit || raft.lock.block.id !== before.lock || raft.tail.id !== before.tail
      if (!isFurther) return this.#startOver()
      // On with the one that was of use: a leader that is of none must not be asked again at every step.
      this.#askedInVain = 0
      log.debug('caught up', { height: last.header.height })
    } else {
      // An honest peer cuts an answer where the next block does not fit. Who gives block after block by itself only holds this node up.
      const isDoledOut = this.#unprovenBytes !== undefined && this.#unprovenBytes + bytes <= catchUpBytes
      if (isDoledOut || this.#stretch.length > catchUpUnprovenMax) return this.#startOver()
      this.#unprovenBytes = bytes
    }
    this.#ask()
  }

  /**
   * Whether these blocks are one stretch from my committed block to one with a certificate of q members. If one of them is invalid all the
   * same, more members lie than this ledger bears, or this software is wrong (rule 9): either way this node must not go on signing.
   */
  #isCertified(blocks: readonly Block[], message: BlocksResponse): boolean {
    const first = blocks[0]!
    const isLinked = blocks.every((block, i) => i === 0 || block.header.parent === blocks[i - 1]!.id)
    const isFromCommitted = this.#deps.ledger.committed.block.id === first.header.parent
    return isLinked && isFromCommitted && this.#certificatesFor(blocks.at(-1)!, message).length > 0
  }

  #proofFor(block: Block, message: BlocksResponse): AdoptionProof | undefined {
    const about = this.#certificatesFor(block, message)
    const committing = about.find(({ signed }) => signed.kind === 'lock')
    if (committing !== undefined) return { kind: 'certificate', certificate: committing }
    if (this.#isAttested(block, message.attestation)) {
      const { term, height: at } = block.header
      return { kind: 'attested', block: { term, height: at, id: block.id } }
    }
    // The least of proofs: it commits nothing by itself, and who hears no LOCKs would stay where it is.
    const [certificate] = about
    return certificate === undefined ? undefined : { kind: 'certificate', certificate }
  }

  #certificatesFor(block: Block, message: BlocksResponse): BlockCertificate[] {
    return [this.#target, message.certificate]
      .filter((held) => held !== undefined)
      .filter((certificate) => certifiedBlock(certificate).id === block.id)
  }

  #isAttested({ header }: Block, attestation: Attestation | undefined): boolean {
    const { size, root } = header
    if (attestation === undefined || attestation.size !== size || attestation.root !== root) return false
    // Empty blocks repeat the size of the one before: only a block that added records is named by its checkpoint (chain/entry.ts).
    return this.#deps.ledger.point(header.parent)?.frontier.size !== size
  }

  /**
   * Answers a peer: as many blocks as fit, cut where the last one can be proven if there is such a place. What this disk has lost is left
   * out, for the peer to ask another; and one that asks on without taking the answers gets no more.
   */
  serve(to: MemberId, from: Height): void {
    const { raft, send, unacknowledged, onDamaged } = this.#deps
    if (unacknowledged(to) > messageBytesMax) return
    const blocks: Block[] = []
    let bytes = 0
    for (let at = height(Math.max(1, from)); at <= raft.tail.height; at = height(at + 1)) {
      const block = this.#readable(() => this.#deps.store.block(at))
      if (block === undefined || (blocks.at(-1)?.id ?? block.header.parent) !== block.header.parent) {
        // Not there, not readable, or not what the one above it names: which of the two was changed is for the repair to find out.
        onDamaged(block === undefined ? at : height(at - 1))
        break
      }
      if (blocks.length > 0 && bytes + block.bytes.length > catchUpBytes) break
      if (blocks.length > 0 && blocks[0]!.header.epoch !== block.header.epoch) break
      blocks.push(block)
      bytes += block.bytes.length
    }
    const newest = this.#deps.attestation()
    let proof: Proof = blocks.length > 0 || newest === undefined ? {} : { attestation: newest }
    for (let count = blocks.length; count > 0; count--) {
      const found = this.#provable(blocks[count - 1]!, blocks[count])
      if (found === undefined) continue
      proof = found
      blocks.length = count
      break
    }
    send(to, { kind: 'blocks-response', from, blocks: blocks.map((block) => block.bytes), ...proof })
  }

  #readable(read: () => Block | undefined): Block | undefined {
    try {
      return read()
    } catch (error) {
      if (error instanceof DamagedStore) return undefined
      throw error
    }
  }

  #provable({ header, id }: Block, above: Block | undefined): Proof | undefined {
    const { raft } = this.#deps
    const { height: at } = header
    const attestation = at > raft.commit ? undefined : this.#attestationOf(header)
    const certificate =
      [raft.commitCertificate, raft.lock.certificate].find(
        (held) => held !== undefined && certifiedBlock(held).height === at,
      ) ?? (attestation === undefined && at < raft.commit ? this.#heldOf(id, at, above) : undefined)
    if (certificate === undefined && attestation === undefined) return undefined
    return {
      ...(certificate === undefined ? {} : { certificate }),
      ...(attestation === undefined ? {} : { attestation }),
    }
  }

  /**
   * The chain has the proof itself where a term begins on this block; of some blocks it was kept. Where nothing is recorded there is no other, and
   * whoever catches up holds no more than `catchUpUnprovenMax` blocks on trust.
   */
  #heldOf(id: string, at: Height, above: Block | undefined): BlockCertificate | undefined {
    const { store } = this.#deps
    const next = above ?? this.#readable(() => store.block(height(at + 1)))
    return [next?.carried.base, store.certificate(at)].find(
      (held) => held?.signed.kind === 'lock' && certifiedBlock(held).id === id,
    )
  }

  /** Only a block that added records is named by its checkpoint. */
  #attestationOf({ height: at, size }: Block['header']): Attestation | undefined {
    const { store } = this.#deps
    const before = at > 1 ? this.#readable(() => store.block(height(at - 1)))?.header.size : 1
    return size === before ? undefined : store.attestation(size)
  }
}
