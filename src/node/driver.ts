/**
 * The driver of one epoch's core: it carries out what the core wants (consensus/effect.ts), in the order in which the core asked for it. What a
 * signature promises is durable before it is given (`#sign`); what is final is applied, block by block, and told to whoever waits
 * for it (`#commit`). It leaves to the loop when, and whether the node may sign at all to the permit.
 */
import { assert } from '../chain/assert.ts'
import type { Attestation, Block } from '../chain/block.ts'
import { type Ack, type BlockRef, certifiedBlock, type Lock, signableMessage, type Vote } from '../chain/certificate.ts'
import { foundingEpoch } from '../chain/epoch.ts'
import { epochOf } from '../chain/execution.ts'
import { type Height, height } from '../chain/numbers.ts'
import type { Effect } from '../consensus/effect.ts'
import { type MemberId, signedMessage } from '../consensus/message.ts'
import type { Raft } from '../consensus/raft.ts'
import type { BlockStore } from './block-store.ts'
import type { CatchUp } from './catch-up.ts'
import type { Checking } from './checking.ts'
import type { Cosigning, Head } from './cosigning.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DamagedStore } from './disk-failure.ts'
import { encodeVoteFile } from './durable-state.ts'
import type { HeadKeeper } from './head-keeper.ts'
import type { Intake } from './intake.ts'
import type { LateBatches } from './late-batches.ts'
import type { Executed, Ledger } from './ledger.ts'
import { certificateEveryBlocks } from './limits.ts'
import type { Outbox } from './outbox.ts'
import type { Log, Signer } from './ports.ts'
import type { Repair } from './repair.ts'
import type { RulesAhead } from './rules-ahead.ts'
import type { Sealing } from './sealing.ts'
import type { SigningPermit } from './signing-permit.ts'
import type { Vouching } from './vouching.ts'

export interface DriverOptions {
  readonly self: MemberId
  readonly incarnation: number
}

export interface DriverDependencies {
  readonly raft: Raft
  readonly ledger: Ledger
  readonly vouching: Vouching
  readonly sealing: Sealing
  readonly checking: Checking
  readonly cosigning: Cosigning
  readonly intake: Intake
  readonly lateBatches: LateBatches
  readonly catchUp: CatchUp
  readonly repair: Repair
  readonly rulesAhead: RulesAhead
  readonly permit: SigningPermit
  readonly head: HeadKeeper
  readonly store: BlockStore
  readonly cycle: DiskCycle
  readonly signer: Signer
  readonly outbox: Outbox
  readonly log: Log
  readonly turn: (event: () => void) => void
  /** A block was committed and applied; blocks come in order. */
  readonly onCommitted: (executed: Executed) => void
  /** This height was committed when the read of that context was asked. */
  readonly onReadReady: (context: number, height: Height) => void
  /** What is committed may end the epoch. */
  readonly endEpochIfOver: () => void
}

export class Driver {
  readonly #options: DriverOptions
  readonly #deps: DriverDependencies
  #isOver = false
  /** Of the last certificate that was kept since the start. */
  #certificateAt = 0
  /** A block that should be on the committed chain and was not found there: the repair looks at it. */
  #doubted: string | undefined

  constructor(options: DriverOptions, dependencies: DriverDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  /** Another epoch has begun: what was to be signed in this one is not signed any more. */
  end(): void {
    this.#isOver = true
  }

  carryOut(): void {
    for (;;) {
      const effects = this.#deps.raft.takeEffects()
      if (effects.length === 0) return
      for (const effect of effects) this.#do(effect)
    }
  }

  #do(effect: Effect): void {
    const { ledger, head, store, cycle, outbox } = this.#deps
    switch (effect.kind) {
      case 'save-vote': {
        const { incarnation } = this.#options
        return cycle.vote(encodeVoteFile({ epoch: epochOf(ledger.rules).number, incarnation, vote: effect.vote }))
      }
      case 'save-lock':
        return head.locked(effect.lock)
      case 'append': {
        const executed = ledger.executed(effect.block.id)
        assert(executed !== undefined, 'what is appended was executed here')
        store.putBlock(executed.block)
        head.appended(effect.block)
        return this.#tryRecovered()
      }
      case 'truncate':
        return this.#truncate(effect.above)
      case 'sign':
        return this.#sign(effect.signable, effect.to)
      case 'send':
        if (!effect.afterDurable) return outbox.send(effect.to, 'control', effect.message)
        return cycle.whenDurable(() => outbox.send(effect.to, 'control', effect.message))
      case 'send-blocks':
        return this.#sendBlocks(effect.to, effect.from, effect.through)
      case 'commit':
        return this.#commit(effect.height, new Set(effect.certified))
      case 'lead':
        return this.#deps.sealing.sealFirst(effect.election, effect.certificate)
      case 'fetch':
        return this.#deps.catchUp.want(effect.certificate)
      case 'role':
        return this.#onRole(effect)
      case 'read-ready':
        return this.#deps.onReadReady(effect.context, effect.height)
      case 'halt':
        return this.#deps.permit.halt(effect.reason)
    }
  }

  #truncate(above: Height): void {
    const { raft, ledger, head, store } = this.#deps
    head.saveIfDue()
    const keys: Uint8Array[] = []
    for (let at = height(above + 1); at <= head.last.height; at = height(at + 1)) keys.push(...store.blockKeys(at))
    const last = above <= ledger.committed.block.height ? ledger.committed.block : refAt(ledger, head.last, above)
    head.truncated(last, keys)
    store.forgetAbove(above)
    ledger.dropAbove(above, (id) => {
      const executed = ledger.executed(id)
      return executed !== undefined && raft.has({ height: executed.block.header.height, id })
    })
  }

  #sign(signable: Vote | Ack | Lock, to: readonly MemberId[]): void {
    const { ledger, vouching, cycle, permit, signer, turn, outbox, raft } = this.#deps
    const { self } = this.#options
    const message = signableMessage(ledger.rules.context, signable)
    cycle.whenDurable(() => {
      if (permit.isForfeited || this.#isOver) return
      signer.sign('seal', message, (signature) =>
        turn(() => {
          if (this.#isOver) return
          vouching.remember(vouching.sealCheck(self, message, signature)!)
          const signed = signedMessage(signable, signature)
          for (const member of to) outbox.send(member, 'control', signed)
          raft.receive(self, signed)
        }),
      )
    })
  }

  #sendBlocks(to: MemberId, from: Height, through: Height): void {
    const { raft, ledger, outbox } = this.#deps
    for (let at = from; at <= through; at = height(at + 1)) {
      const meta = raft.blockAt(at)
      const bytes =
        (meta === undefined ? undefined : ledger.executed(meta.id)?.block.bytes) ?? this.#blockOnDisk(at)?.bytes
      if (bytes === undefined) return // truncated meanwhile, or damaged; the peer says again where it stands
      outbox.send(to, 'append', { kind: 'block', block: bytes })
    }
  }

  #onRole({ role, leader, term, reason }: Extract<Effect, { kind: 'role' }>): void {
    const { checking, intake, lateBatches, log } = this.#deps
    log.info('role', { role, leader, term, reason })
    checking.forget()
    if (leader === null) return
    intake.resend()
    lateBatches.onLeader(leader)
  }

  #commit(upTo: Height, certified: ReadonlySet<Height>): void {
    const { raft, ledger, head, intake, sealing, cosigning, permit, rulesAhead } = this.#deps
    const wasBehind = head.isBehindItself
    const heads: Head[] = []
    const certifiedHeads: Head[] = []
    const attestations: Attestation[] = []
    // What stands above the block that closed the epoch only served to commit it: the next epoch begins there (rule 19).
    while (ledger.committed.block.height < upTo && ledger.committed.next === undefined) {
      const next = raft.blockAt(height(ledger.committed.block.height + 1))
      assert(next !== undefined, 'a committed block is in the log')
      const executed = ledger.commit(next.id)
      const { header, carried } = executed.block
      const committed = { size: header.size, root: header.root, height: header.height, id: next.id }
      if (executed.execution.leaves.length > 0) heads.push(committed)
      // What closes the epoch is cosigned by everybody, if a certificate was seen for it or only for a block above.
      if (certified.has(header.height) || ledger.committed.next !== undefined) certifiedHeads.push(committed)
      this.#deps.onCommitted(executed)
      if (carried.attestation !== undefined) attestations.push(carried.attestation)
    }
    this.#keepCertificate()
    head.save()
    rulesAhead.notice(ledger)
    if (wasBehind && !head.isBehindItself && permit.isGiven) intake.openUp()
    sealing.onCommitted()
    cosigning.onCommitted(heads, certifiedHeads)
    // Their signatures were checked with the blocks that carry them. Behind the sizes that were committed with them, which they may be about.
    for (const attestation of attestations) cosigning.receiveAttestation(attestation)
    this.#tryRecovered()
    this.stopBeforeUnknownRules()
    if (ledger.refounded !== undefined) this.#deps.endEpochIfOver()
    sealing.trySeal()
  }

  /**
   * Of one committed block in so many the LOCKs are kept. Between two attestations nothing else proves a block, and whoever was away holds only some
   * on trust: a leader that lies could make blocks, or terms, without end that add nothing.
   */
  #keepCertificate(): void {
    const { raft, ledger, store } = this.#deps
    const certificate = raft.commitCertificate
    const { height: at, id } = ledger.committed.block
    if (
      certificate === undefined ||
      certifiedBlock(certificate).id !== id ||
      at - this.#certificateAt < certificateEveryBlocks
    )
      return
    this.#certificateAt = at
    store.putCertificate(certificate)
  }

  /** There is nothing left to do for software that does not know what comes next. */
  stopBeforeUnknownRules(): void {
    const { ledger, cosigning, rulesAhead, cycle, turn } = this.#deps
    const end = rulesAhead.end(ledger, cosigning.attested?.size)
    if (end === undefined) return
    cycle.whenDurable(() =>
      turn(() => {
        throw end
      }),
    )
  }

  #tryRecovered(): void {
    const { raft, head, permit, log } = this.#deps
    const missing = head.missingUpTo
    if (missing === undefined) return
    if (!raft.has(missing) && raft.commit < missing.height) return
    head.recovered()
    log.info('recovered', { height: raft.commit })
    permit.review()
  }

  /** Whether this block is on the committed chain. Undefined when the disk has lost or changed it: it is then repaired. */
  isCommitted(at: Height, id: string): boolean | undefined {
    const { raft, ledger, repair } = this.#deps
    const held = at === 0 ? foundingEpoch(ledger.rules.genesis).start.block.id : raft.blockAt(at)?.id
    if (held !== undefined) return held === id
    const stored = this.#blockOnDisk(at)
    if (stored?.id === id) {
      this.#doubted = undefined
      return true
    }
    // Once the repair has found it whole, another block there is no damage.
    if (stored !== undefined && this.#doubted === id) return false
    this.#doubted = id
    repair.want(at)
    return undefined
  }

  #blockOnDisk(at: Height): Block | undefined {
    try {
      return this.#deps.store.block(at)
    } catch (error) {
      if (!(error instanceof DamagedStore)) throw error
      this.#deps.repair.want(at)
      return undefined
    }
  }
}

/** The block at a height below `tip` on its chain of executed blocks. */
function refAt(ledger: Ledger, tip: BlockRef, at: Height): BlockRef {
  let ref = tip
  while (ref.height > at) {
    const executed = ledger.executed(ref.id)
    assert(executed !== undefined, 'a block above the committed one was executed here')
    const parent = ledger.point(executed.block.header.parent)
    assert(parent !== undefined, 'the parent of a block that was executed here is known')
    ref = parent.block
  }
  return { term: ref.term, height: ref.height, id: ref.id }
}
