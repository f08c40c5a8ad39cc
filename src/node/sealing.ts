/**
 * What a leader does beside replicating: it keeps each member's batches in order, and whenever the pipeline has room it puts as many whole
 * batches as fit into a block, executes it, seals it and proposes it. It leaves nothing out and changes no byte (rules 23–25), but for what would
 * make the block invalid: batches of a key that the chain has proven guilty.
 */
import type { Batch } from '../chain/batch.ts'
import {
  type Attestation,
  assembleBlock,
  type Block,
  blockBatchesBytesMax,
  blockBatchesMax,
  blockSealMessage,
  type Carried,
} from '../chain/block.ts'
import type { BlockCertificate, ElectionCertificate } from '../chain/certificate.ts'
import {
  type Execution,
  epochOf,
  execute,
  followsRun,
  frozenMember,
  InvalidBlock,
  type ItemReader,
  refoundingOf,
  runOf,
} from '../chain/execution.ts'
import type { Term } from '../chain/numbers.ts'
import type { Evidence } from './evidence.ts'
import type { Ledger } from './ledger.ts'
import { blocksInFlightMax, idleAttestationMs, pooledBatchesMax, worthwhileRecords } from './limits.ts'
import type { Clock, Log, Signer } from './ports.ts'
import type { Vouching } from './vouching.ts'

export interface SealingOptions {
  readonly member: string
}

export interface SealingDependencies {
  readonly clock: Clock
  readonly signer: Signer
  readonly ledger: Ledger
  readonly vouching: Vouching
  readonly evidence: Pick<Evidence, 'suspect' | 'suspectBatch'>
  readonly read: ItemReader
  readonly log: Log
  readonly turn: (event: () => void) => void
  /** Whether this node still leads this term, and the newest block of its chain. */
  readonly leading: () =>
    | { readonly term: Term; readonly tipId: string; readonly uncommittedBlocks: number }
    | undefined
  /** Takes a sealed block onto the chain. */
  readonly propose: (block: Block, execution: Execution) => void
  /** The newest attestation this node has. */
  readonly attestation: () => Attestation | undefined
  readonly cannotLead: (reason: string) => void
}

interface Pooled {
  readonly batch: Batch
  checked: boolean
}

export class Sealing {
  readonly #options: SealingOptions
  readonly #deps: SealingDependencies
  readonly #pool = new Map<string, Pooled[]>()
  #sealing = false
  #idleSince: number | undefined

  constructor(options: SealingOptions, dependencies: SealingDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  /**
   * A batch from a member, or from this node itself. Bad ones are dropped by name; a member's order is kept. `checked` is called when nothing
   * of it waits to be checked any more.
   */
  offer(batch: Batch, checked: () => void = () => undefined): void {
    const queue = this.#pool.get(batch.member) ?? []
    if (queue.some((pooled) => pooled.batch.hash === batch.hash)) return checked()
    const check = this.#deps.vouching.checkOfBatch(batch)
    const { committed, rules } = this.#deps.ledger
    const run = runOf(committed.state, batch.member)
    if (check === undefined || isPast(run, batch)) {
      this.#deps.evidence.suspect(check)
      return checked()
    }
    if (frozenMember(committed.state, batch.member, rules) !== undefined) return checked()
    const pooled: Pooled = { batch, checked: false }
    const hasRoom = queue.length < pooledBatchesMax
    // What is next finds room once its signature is good: a member that fills its queue with what follows nothing, and hands on what does,
    // would else make the others suspect this leader (rule 28).
    if (!hasRoom && !followsRun(run, batch)) return checked()
    if (hasRoom) this.#put(pooled)
    const { vouching, turn } = this.#deps
    vouching.check([check], (signed) =>
      vouching.checkItems(signed ? [batch] : [], (good) =>
        turn(() => {
          checked()
          if (!signed || !good) {
            if (signed) this.#deps.evidence.suspectBatch(batch, this.#deps.ledger.rules.context.epoch)
            this.#drop(batch, signed ? 'batch.malformed-item' : 'batch.bad-signature')
          } else {
            pooled.checked = true
            if (!hasRoom) this.#put(pooled)
          }
          this.trySeal()
        }),
      ),
    )
  }

  /** In the order of its member; the last of the others makes room. */
  #put(pooled: Pooled): void {
    const { batch } = pooled
    const queue = this.#pool.get(batch.member) ?? []
    if (queue.some((other) => other.batch.hash === batch.hash)) return
    queue.push(pooled)
    queue.sort((a, b) => a.batch.incarnation - b.batch.incarnation || a.batch.number - b.batch.number)
    if (queue.length > pooledBatchesMax) queue.splice(queue.at(-1) === pooled ? -2 : -1, 1)
    this.#pool.set(batch.member, queue)
  }

  /** Forgets what is on the chain now. */
  onCommitted(): void {
    const { committed, rules } = this.#deps.ledger
    const { state } = committed
    for (const [member, queue] of this.#pool) {
      const run = runOf(state, member)
      if (frozenMember(state, member, rules) !== undefined) {
        this.#pool.delete(member)
        continue
      }
      const left = queue.filter(({ batch }) => !isPast(run, batch))
      if (left.length === 0) this.#pool.delete(member)
      else this.#pool.set(member, left)
    }
  }

  /** The first block of a term: empty, on the base, carrying what makes this node the leader (rule 7). */
  sealFirst(election: ElectionCertificate, base: BlockCertificate | undefined): void {
    this.#sealing = false
    const { ledger, leading } = this.#deps
    const tip = ledger.point(leading()?.tipId ?? '')
    const { number, start } = epochOf(ledger.rules)
    // Where an epoch begins, what made it one comes with its first block (rules 19 and 22).
    const isStart = number > 0 && tip?.block.id === start.block.id
    const refounding = tip === undefined ? undefined : refoundingOf(tip, ledger.rules)
    const isProvenHere = isStart && refounding === undefined
    const attestation = isProvenHere ? this.#uncarried(tip.unattested) : undefined
    // The disk has lost it since this node entered the epoch. Another has it, and its block brings it.
    if (isProvenHere && attestation === undefined)
      return this.#deps.cannotLead('the attestation of the epoch’s start is not here')
    this.#seal([], {
      election,
      ...(base === undefined ? {} : { base }),
      ...(attestation === undefined ? {} : { attestation }),
      ...(refounding === undefined ? {} : { refounding }),
    })
  }

  /** Seals the next block if there is anything to seal and room for it. */
  trySeal(): void {
    const leading = this.#deps.leading()
    if (leading === undefined || this.#sealing) return
    const tip = this.#deps.ledger.point(leading.tipId)
    if (tip === undefined || tip.block.term !== leading.term || leading.uncommittedBlocks >= blocksInFlightMax) return
    if (tip.next !== undefined) return // closed: it is committed as it is, or by the first block of another term
    const attestation = this.#uncarried(tip.unattested)
    const carried: Carried = attestation === undefined ? {} : { attestation }
    const after =
      attestation === undefined ? tip.unattested.length : tip.unattested.filter((u) => u.size > attestation.size).length
    const full = after >= this.#deps.ledger.rules.genesis.parameters.unattestedBlocksMax
    const batches = full ? [] : this.#choose(tip.state)
    const records = batches.reduce((sum, batch) => sum + batch.items.length, 0)
    if (records > 0 && leading.uncommittedBlocks > 0 && records < worthwhileRecords) return
    if (records > 0) return this.#seal(batches, carried)
    if (attestation === undefined || leading.uncommittedBlocks > 0) {
      this.#idleSince = undefined
      return
    }
    // Nothing to seal: the last attestation goes into an empty block of its own, once, so that the chain alone is self-auditing.
    const now = this.#deps.clock.monotonic()
    this.#idleSince ??= now
    if (full || now - this.#idleSince >= idleAttestationMs) this.#seal([], carried)
  }

  #uncarried(unattested: readonly { readonly size: number; readonly root: string }[]): Attestation | undefined {
    const newest = this.#deps.attestation()
    return newest !== undefined && unattested.some(({ size, root }) => size === newest.size && root === newest.root)
      ? newest
      : undefined
  }

  /** Whole batches in each member's order, the members in turn. */
  #choose(state: Parameters<typeof runOf>[0]): Batch[] {
    const chosen: Batch[] = []
    let bytes = 0
    for (const [member, queue] of this.#pool) {
      if (frozenMember(state, member, this.#deps.ledger.rules) !== undefined) continue
      let run = runOf(state, member)
      let receivedAt = run?.receivedAt ?? 0
      for (const { batch, checked } of queue) {
        // What follows nothing waits, and must not hold up the first batch of a later run.
        if (isPast(run, batch) || (checked && !followsRun(run, batch))) continue
        if (!checked || chosen.length >= blockBatchesMax) break
        if (chosen.length > 0 && bytes + batch.bytes.length > blockBatchesBytesMax) break
        if (run?.incarnation !== batch.incarnation) receivedAt = 0
        chosen.push(batch)
        bytes += batch.bytes.length
        run = { incarnation: batch.incarnation, number: batch.number, hash: batch.hash, receivedAt }
      }
    }
    return chosen
  }

  #seal(batches: readonly Batch[], carried: Carried): void {
    const { clock, ledger, signer, read, turn } = this.#deps
    const leading = this.#deps.leading()
    if (leading === undefined) return
    const parent = ledger.point(leading.tipId)
    if (parent === undefined) return
    // Rule 10: the leader's time is its own clock, never less than the parent's.
    const time = Math.max(clock.wall(), parent.time)
    const proposal = { term: leading.term, time, leader: this.#options.member, carried, batches }
    let execution: Execution
    try {
      execution = execute(parent, proposal, ledger.rules, read)
    } catch (error) {
      if (!(error instanceof InvalidBlock) || batches.length === 0) throw error
      // One of them is bad in a way that only its place shows. Alone it is found; the others go in without it.
      if (batches.length === 1) {
        this.#drop(batches[0]!, error.code)
        return this.trySeal()
      }
      return this.#seal([batches[0]!], carried)
    }
    const { header } = execution
    const message = blockSealMessage(ledger.rules.context, header)
    this.#sealing = true
    this.#idleSince = undefined
    signer.sign('seal', message, (seal) =>
      turn(() => {
        const now = this.#deps.leading()
        // Another term, or another leader, while the key was at work: nobody will see this block.
        if (now === undefined || now.term !== leading.term || now.tipId !== leading.tipId) {
          this.#sealing = false
          return this.trySeal()
        }
        const block = assembleBlock(header, seal, carried, batches)
        this.#deps.vouching.remember(this.#deps.vouching.sealCheck(this.#options.member, message, seal)!)
        this.#sealing = false
        this.#deps.propose(block, execution)
        this.trySeal()
      }),
    )
  }

  #drop(batch: Batch, code: string): void {
    const { member, incarnation, number } = batch
    this.#deps.log.warn('batch dropped', { member, incarnation, number, code })
    const left = (this.#pool.get(member) ?? []).filter((pooled) => pooled.batch !== batch)
    if (left.length === 0) this.#pool.delete(member)
    else this.#pool.set(member, left)
  }
}

/** Already on the chain, or of a run that a later start of its node has ended. */
function isPast(run: ReturnType<typeof runOf>, { incarnation, number }: Batch): boolean {
  if (run === undefined) return false
  return incarnation < run.incarnation || (incarnation === run.incarnation && number <= run.number)
}
