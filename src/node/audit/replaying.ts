/**
 * The chain of a source, block by block, as every member checked it: seal, certificates, batches and statements by their signatures, on worker
 * threads and some blocks ahead; then link, term, time, rules, size and root by executing it (`execute` in execution.ts). The first block that does
 * not pass ends it: nothing above it means anything.
 *
 * A leader can seal as many good blocks as it likes at one height. So a block is folded into the store only once q members have cosigned a tree
 * that holds it: by an attestation that a later block carries, or by the checkpoint at the end. Until then it can be dropped, and another
 * source's chain be followed in its place.
 *
 * Where a block closes an epoch, the next one is checked by the list of members that it brought (rule 19). Empty blocks of the old epoch above that
 * block add nothing to the tree, so they are never folded, and the blocks of the new epoch take their place.
 */
import type { Batch } from '../../chain/batch.ts'
import { type Block, decodeBlock, refOfBlock } from '../../chain/block.ts'
import { toHex } from '../../chain/bytes.ts'
import { CborError } from '../../chain/cbor.ts'
import type { Epoch } from '../../chain/epoch.ts'
import {
  type ChainPoint,
  type ChainRules,
  type Execution,
  epochOf,
  execute,
  InvalidBlock,
  itemReader,
  type ReadItem,
  refoundedAfter,
  rulesOfEpoch,
} from '../../chain/execution.ts'
import { decodeRefounding } from '../../chain/refounding.ts'
import { Refusal } from '../../chain/refusal.ts'
import type { SignatureCheck, Verifier } from '../ports.ts'
import { VerifiedItems } from '../verified-items.ts'
import { Vouching } from '../vouching.ts'
import type { AuditStore } from './audit-store.ts'
import { type Fed, feedBlocks } from './block-feed.ts'
import type { Finding, Source } from './source.ts'

export interface ReplayDependencies {
  readonly rules: ChainRules
  readonly store: AuditStore
  readonly verifier: Verifier
  /** A block was taken in. */
  readonly onBlock: (block: Block) => void
  readonly unprovenBytesMax?: number | undefined
}

/** Why the chain of a source could not be followed to the size it should have. */
export interface Broken {
  readonly finding: Finding
  /** It follows another chain than the one followed so far, which q members cosigned: what that means, its checkpoint shows. */
  readonly isOtherChain?: boolean
  /** What did not pass, and what was dropped with it: another source's block at the same height may contradict one of them. */
  readonly blocks: readonly Block[]
  /** The item that is wrong by its bytes alone. */
  readonly wrongItem?: { readonly batch: Batch; readonly at: number }
}

/**
 * Blocks whose signatures are being checked while an earlier one is executed. A thousand records keep the workers busy; four times as many
 * outlived the young generation, and were copied twice by the collector's threads, for nothing.
 */
const blocksAhead = 16
const bytesAhead = 16 * 1024 * 1024
/**
 * Of blocks executed and not cosigned by q yet, each with what holding it costs beside its bytes. A leader can seal empty blocks without end, and
 * whoever serves them would else fill the memory of an audit that never comes to a word.
 */
export const unprovenBytesMax = 256 * 1024 * 1024
const unprovenBlockBytes = 4_096

interface Waiting {
  readonly block: Block
  readonly file: string
  readonly items: ReadonlyMap<Uint8Array, ReadItem>
  readonly verdicts: Promise<readonly boolean[]>
  readonly checks: readonly Check[]
}

interface Check {
  readonly check: SignatureCheck
  /** What is wrong if it fails. */
  readonly what: () => string
  readonly item?: { readonly batch: Batch; readonly at: number }
}

/** Executed, and not cosigned by q yet. */
interface Above {
  readonly block: Block
  readonly execution: Execution
  readonly point: ChainPoint
}

export class Replaying {
  readonly #above: Above[] = []
  #aboveBytes = 0
  readonly #deps: ReplayDependencies
  #rules: ChainRules
  #vouching: Vouching
  readonly #read: ReturnType<typeof itemReader>

  constructor(dependencies: ReplayDependencies) {
    const { rules } = dependencies
    this.#deps = dependencies
    this.#rules = rules
    this.#vouching = this.#vouchingFor(rules)
    this.#read = itemReader(rules.context.ledger)
  }

  #vouchingFor(rules: ChainRules): Vouching {
    const { verifier } = this.#deps
    return new Vouching(rules, { verifier, items: new VerifiedItems(rules.context.ledger) })
  }

  #enter(epoch: Epoch): void {
    if (epochOf(this.#rules) === epoch) return
    this.#rules = rulesOfEpoch(this.#deps.rules, epoch)
    this.#vouching = this.#vouchingFor(this.#rules)
  }

  /**
   * From where the store is to this head; undefined when all of it passed. `isProven`, asked at the end, when the epoch of the head is known: q
   * members cosigned it, and what is not proven yet is proven by it.
   */
  async run(
    source: Source,
    head: { readonly size: number; readonly root: Uint8Array },
    isProven: () => boolean,
  ): Promise<Broken | undefined> {
    const { store } = this.#deps
    this.#enter(store.epoch)
    const { size } = head
    const waiting: Waiting[] = []
    let waitingBytes = 0
    let parent = store.point.block.id
    let reached = store.size
    // What is found while reading ahead counts once everything before it has passed.
    let broken: Broken | undefined
    /** The first block of the next epoch: who its members are, the blocks before it say. */
    let held: Fed | undefined
    const feed = feedBlocks(source, store.point.block.height + 1)
    try {
      for (;;) {
        while (
          broken === undefined &&
          reached < size &&
          waiting.length < blocksAhead &&
          (waiting.length === 0 || waitingBytes < bytesAhead)
        ) {
          const next = held === undefined ? await feed.next() : { done: false as const, value: held }
          if (next.done === true) break
          const fed = next.value
          held = undefined
          if (fed.kind === 'end') {
            broken = { finding: fed.finding, blocks: [] }
            break
          }
          const begun = this.#begin(fed, parent, source.name, size, waiting.length === 0)
          if (begun === 'later') {
            held = fed
            break
          }
          if ('finding' in begun) {
            broken = begun
            break
          }
          waiting.push(begun)
          waitingBytes += begun.block.bytes.length
          parent = begun.block.id
          reached = begun.block.header.size
        }
        const first = waiting.shift()
        if (first === undefined) return broken === undefined ? this.#end(source, head, isProven) : this.#drop(broken)
        waitingBytes -= first.block.bytes.length
        const found = await this.#finish(first, source.name)
        if (found !== undefined) return this.#drop(found)
        if (this.#aboveBytes > (this.#deps.unprovenBytesMax ?? unprovenBytesMax))
          return this.#giveUp(first, source.name)
        await store.makeRoom()
      }
    } finally {
      await feed.return()
      await Promise.allSettled(waiting.map(({ verdicts }) => verdicts))
    }
  }

  /** The checkpoint's q cosignatures stand for everything up to it, if it is of this tree. */
  #end(
    { name }: Source,
    { size, root }: { readonly size: number; readonly root: Uint8Array },
    isProven: () => boolean,
  ): Broken | undefined {
    const point = this.#point
    if (!isProven()) {
      this.#clear()
      return undefined
    }
    if (point.frontier.size === size && point.root !== toHex(root)) {
      const detail = `the chain leads to root ${point.root} for size ${size}, the checkpoint says ${toHex(root)}`
      return this.#drop({
        finding: { code: 'audit.checkpoint-bad', source: name, file: 'checkpoint', detail },
        blocks: [],
      })
    }
    this.#foldTo(size)
    return undefined
  }

  #drop(broken: Broken): Broken {
    const dropped = this.#clear().map(({ block }) => block)
    return { ...broken, blocks: [...dropped, ...broken.blocks] }
  }

  #clear(): Above[] {
    this.#aboveBytes = 0
    return this.#above.splice(0)
  }

  /** Too much on trust. Whoever sealed it, it is not wrong: nobody is named, and nothing of it kept. */
  #giveUp({ block, file }: Waiting, source: string): Broken {
    const { height } = block.header
    const detail = `${this.#clear().length} blocks up to ${height} without one that a quorum of members has attested`
    return { finding: { code: 'audit.no-answer', source, file, height, detail }, blocks: [] }
  }

  get #point(): ChainPoint {
    return this.#above.at(-1)?.point ?? this.#deps.store.point
  }

  /** The same as the epoch sees it in which it is built upon: what closed the one before is its start. */
  get #parent(): ChainPoint {
    const { next, ...start } = this.#point
    return next !== undefined && next.number > epochOf(this.#rules).number ? { ...start, next } : start
  }

  /** Blocks up to the one with which the tree got this size. */
  #foldTo(size: number): void {
    const { store, onBlock } = this.#deps
    while (store.size < size) {
      const { block, execution } = this.#above.shift()!
      this.#aboveBytes -= unprovenBlockBytes + block.bytes.length
      store.fold(block, execution)
      onBlock(block)
    }
  }

  /**
   * Rule 22: governance ended the epoch on the block that was executed last. The certificate carries what q members cosigned of it, and says who the
   * next ones are. @throws {Refusal | CborError} it does not hold, or is of another place
   */
  #refounded(certificate: Uint8Array): Epoch | undefined {
    const next = refoundedAfter({ ...this.#rules, refoundings: [decodeRefounding(certificate)] })
    if (next === undefined) return undefined
    const { block, frontier, root } = this.#point
    const { start } = next
    if (start.block.id !== block.id || start.size !== frontier.size || start.root !== root) {
      throw new Refusal(
        'refounding.malformed',
        `it goes on from height ${start.block.height}, not from ${block.height}`,
      )
    }
    this.#foldTo(start.size)
    this.#deps.store.refound(next)
    return next
  }

  /** Reads a block and hands its signatures to the verifier; `later`: once all before it are executed. */
  #begin(
    { height, file, bytes }: { readonly height: number; readonly file: string; readonly bytes: Uint8Array },
    parent: string,
    source: string,
    size: number,
    isNext: boolean,
  ): Waiting | Broken | 'later' {
    const no = (detail: string): Broken => ({
      finding: { code: 'audit.block-invalid', source, file, height, detail },
      blocks: [],
    })
    const { store } = this.#deps
    let block: Block
    try {
      block = decodeBlock(bytes, this.#rules.context)
    } catch (error) {
      if (error instanceof CborError || error instanceof RangeError) return no(error.message)
      throw error
    }
    const { header } = block
    const blocks = [block]
    if (header.epoch > this.#rules.context.epoch) {
      if (!isNext) return 'later'
      if (header.parent !== parent) {
        const what = `it says epoch ${header.epoch}, and does not follow the block before it`
        const why = `if governance re-founded the ledger below size ${store.size}, what was followed here is void: audit it alone, in a new state directory`
        return { ...no(`${what}; ${why}`), blocks }
      }
      const { refounding } = block.carried
      try {
        const next = refounding === undefined ? this.#point.next : this.#refounded(refounding)
        if (next?.number !== header.epoch)
          return { ...no(`it says epoch ${header.epoch}, and none was closed`), blocks }
        this.#enter(next)
      } catch (error) {
        if (error instanceof Refusal || error instanceof CborError) return { ...no(error.message), blocks }
        throw error
      }
    }
    if (header.height !== height) return { ...no(`it says height ${header.height}`), blocks }
    if (header.parent !== parent) {
      const isOtherChain = height > 1 && height === store.point.block.height + 1
      return { ...no('it does not follow the block before it'), blocks, isOtherChain }
    }
    if (header.size > size) return { ...no(`it ends at size ${header.size}, beyond the checkpoint of ${size}`), blocks }
    const checks: Check[] = []
    const memberChecks = this.#vouching.checksOfBlock(block)
    for (const check of memberChecks) {
      if (check === undefined)
        return { ...no('a certificate without a quorum of members, or a stranger’s seal'), blocks }
      checks.push({ check, what: () => 'a signature of its seal, its certificates or its batches' })
    }
    const items = new Map<Uint8Array, ReadItem>()
    for (const batch of block.batches) {
      for (const [at, item] of batch.items.entries()) {
        let read: ReadItem
        try {
          read = this.#read(item)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          const detail = `item ${at} of batch ${batch.number} of ${batch.member}: ${error.code}: ${error.message}`
          return { ...no(detail), blocks, wrongItem: { batch, at } }
        }
        items.set(item.leaf, read)
        const { signingKey: publicKey, message, signature } = read.statement
        checks.push({
          check: { publicKey, message, signature },
          what: () => `item ${at} of batch ${batch.number} of ${batch.member}: the statement’s signature`,
          item: { batch, at },
        })
      }
    }
    const verdicts = new Promise<readonly boolean[]>((resolve) =>
      this.#deps.verifier.check(
        checks.map(({ check }) => check),
        resolve,
      ),
    )
    return { block, file, items, verdicts, checks }
  }

  async #finish({ block, file, items, verdicts, checks }: Waiting, source: string): Promise<Broken | undefined> {
    const { header, carried, batches } = block
    const no = (detail: string): Broken => ({
      finding: { code: 'audit.block-invalid', source, file, height: header.height, detail },
      blocks: [block],
    })
    const bad = (await verdicts).indexOf(false)
    if (bad >= 0) {
      const { what, item } = checks[bad]!
      return { ...no(`wrong: ${what()}`), ...(item === undefined ? {} : { wrongItem: item }) }
    }
    const { term, time, leader } = header
    try {
      const proposal = { term, time, leader, carried, batches }
      const execution = execute(this.#parent, proposal, this.#rules, (item) => items.get(item.leaf)!)
      const { size, root, epoch } = execution.header
      if (header.epoch !== epoch) return no(`it says epoch ${header.epoch}`)
      if (header.size !== size) return no(`it says size ${header.size}, the rules give ${size}`)
      if (header.root !== root) return no(`it says root ${header.root}, the rules give ${root}`)
      this.#above.push({ block, execution, point: { ...execution.point, block: refOfBlock(block) } })
      this.#aboveBytes += unprovenBlockBytes + block.bytes.length
    } catch (error) {
      if (error instanceof InvalidBlock) return no(error.message)
      throw error
    }
    if (carried.attestation !== undefined) this.#foldTo(carried.attestation.size)
    return undefined
  }
}
