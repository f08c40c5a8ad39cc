/** Blocks that a liar seals beside its replica: valid ones on any block it knows, and the same with something changed. */
import type { Batch } from '../../../src/chain/batch.ts'
import {
  assembleBlock,
  type Block,
  type BlockHeader,
  batchesDigest,
  blockSealMessage,
  type Carried,
  carriedDigest,
  refOfBlock,
} from '../../../src/chain/block.ts'
import { type BlockRef, certifiedBlock, type ElectionCertificate } from '../../../src/chain/certificate.ts'
import { type ChainPoint, execute, followsRun, itemReader, type Proposal, runOf } from '../../../src/chain/execution.ts'
import type { Term } from '../../../src/chain/numbers.ts'
import type { Liar } from './liar.ts'

export type Content = Pick<Proposal, 'time' | 'carried' | 'batches'>

/** A valid block on this one, or as near to it as is possible; undefined when nothing valid can follow. */
export function sealOn(liar: Liar, parent: ChainPoint, term: Term, content: Content): Block | undefined {
  const { rulesNow: rules } = liar.world
  const time = Math.max(content.time, parent.time)
  const proposal = { ...content, time, term, leader: liar.id }
  const { attestation: _, ...unattested } = content.carried
  const tries = [
    proposal,
    { ...proposal, batches: [] },
    { ...proposal, carried: unattested },
    { ...proposal, carried: unattested, batches: [] },
  ]
  for (const attempt of tries) {
    try {
      const execution = execute(parent, attempt, rules, itemReader(rules.genesis.ledger))
      const block = resealed(liar, execution.header, attempt.carried, attempt.batches)
      const point: ChainPoint = { ...execution.point, block: refOfBlock(block) }
      liar.known.points.set(block.id, point)
      if (liar.known.points.size > 200) liar.known.points.delete(liar.known.points.keys().next().value!)
      liar.known.blocks.set(block.id, block)
      return block
    } catch {
      // Not on this parent, or its state is gone: a liar tries something else.
    }
  }
  return undefined
}

/** Whatever the header says, under this member's seal. */
export function resealed(liar: Liar, header: BlockHeader, carried: Carried, batches: readonly Batch[]): Block {
  const honestly = { ...header, batches: batchesDigest(batches), carried: carriedDigest(carried) }
  return assembleBlock(
    honestly,
    liar.sign('seal', blockSealMessage(liar.world.rulesNow.context, honestly)),
    carried,
    batches,
  )
}

/** Batches that the liars have heard of and that could stand next on this point, as a leader would take them. */
export function batchesFor(liar: Liar, point: ChainPoint): readonly Batch[] {
  const chosen: Batch[] = []
  const runs = new Map<string, Batch>()
  for (const batch of liar.known.batches.values()) {
    const before = runs.get(batch.member)
    const run = before === undefined ? runOf(point.state, batch.member) : { ...before, receivedAt: 0 }
    if (chosen.length >= 8 || !liar.known.isOfNow(batch) || !followsRun(run, batch)) continue
    chosen.push(batch)
    runs.set(batch.member, batch)
  }
  return chosen
}

/** A chain of its own in a term that a liar leads: beside its replica's, or without its replica knowing. */
export class Reign {
  readonly term: Term
  readonly base: BlockRef
  readonly election: ElectionCertificate
  readonly #liar: Liar
  readonly #blocks: Block[] = []
  #tip: ChainPoint

  constructor(liar: Liar, election: ElectionCertificate, base: ChainPoint) {
    this.#liar = liar
    this.election = election
    this.term = election.signed.term
    this.base = election.signed.base
    this.#tip = base
  }

  get blocks(): readonly Block[] {
    return this.#blocks
  }

  get tip(): ChainPoint {
    return this.#tip
  }

  at(height: number): Block | undefined {
    return this.#blocks[height - this.base.height - 1]
  }

  has(ref: Pick<BlockRef, 'id'>): boolean {
    return this.#blocks.some(({ id }) => id === ref.id)
  }

  /** The next block of this chain, acknowledged by all liars. */
  extend(content: Partial<Content> = {}): Block | undefined {
    const liar = this.#liar
    const carried = this.#blocks.length === 0 ? this.#first() : {}
    const block = sealOn(liar, this.#tip, this.term, {
      time: liar.world.clock.wall() + liar.random.below(4),
      carried,
      batches: [],
      ...content,
    })
    if (block === undefined) return undefined
    const point = liar.known.points.get(block.id)
    if (point === undefined) return undefined
    this.#blocks.push(block)
    this.#tip = point
    liar.known.countersign({ kind: 'ack', base: this.base, block: refOfBlock(block) })
    return block
  }

  #first(): Carried {
    const { election, base } = this
    const { known, world } = this.#liar
    const { start } = world.epoch
    if (base.id === start.block.id) {
      // Genesis needs no proof; a later epoch is begun with the attestation of its start.
      const attestation = known.attestations.findLast(({ size, root }) => size === start.size && root === start.root)
      return { election, ...(base.height === 0 || attestation === undefined ? {} : { attestation }) }
    }
    const certificate = known.certificateOf(base)
    return { election, ...(certificate === undefined ? {} : { base: certificate }) }
  }

  /** Whether this certificate is about a block of this chain. */
  isOf(certificate: Parameters<typeof certifiedBlock>[0]): boolean {
    return this.has(certifiedBlock(certificate))
  }
}
