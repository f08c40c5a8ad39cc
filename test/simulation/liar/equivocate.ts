/**
 * A leader with two chains: beside each block of its replica it seals another valid one at the same height — another time, other batches —
 * and goes on building on both. Some members get the one, some the other, some both in either order; liars acknowledge and lock on
 * both. As a receiving node it signs two batches at one number.
 */
import { assembleBatch, batchMessage, decodeBatch } from '../../../src/chain/batch.ts'
import type { Block } from '../../../src/chain/block.ts'
import { type Certificate, certifiedBlock, isBlockCertificate, type Signable } from '../../../src/chain/certificate.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { BatchMessage, WireMessage } from '../../../src/node/wire.ts'
import { batchesFor, Reign } from './forge.ts'
import type { Liar, Lie } from './liar.ts'

const sides = ['own', 'own', 'twin', 'twin', 'both', 'twin first'] as const
type Side = (typeof sides)[number]

/** How far the second chain may run ahead of the replica's. */
const aheadMax = 4

export class Equivocate implements Lie {
  readonly #liar: Liar
  #reign: Reign | undefined
  #sides = new Map<MemberId, Side>()

  constructor(liar: Liar) {
    this.#liar = liar
  }

  says(to: MemberId, message: WireMessage): WireMessage | undefined {
    if (message.kind === 'batch') return this.#twoBatches(to, message)
    if (message.kind !== 'block') return message
    const block = this.#liar.known.block(message.block)
    if (block.header.leader !== this.#liar.id) return message
    const twin = this.#twinOf(block)
    if (twin === undefined) return message
    const side = this.#sides.get(to)
    if (side === 'own') return message
    this.#liar.strike('equivocate')
    if (side === 'twin') return { kind: 'block', block: twin.bytes }
    const [first, second] = side === 'both' ? [block, twin] : [twin, block]
    this.#liar.say(to, { kind: 'block', block: first.bytes })
    return { kind: 'block', block: second.bytes }
  }

  #twinOf(block: Block): Block | undefined {
    const { header, carried } = block
    const liar = this.#liar
    if (carried.election !== undefined && this.#reign?.term !== header.term) {
      const base = liar.point(header.parent)
      if (base === undefined || liar.chance(200)) return undefined
      this.#reign = new Reign(liar, carried.election, base)
      this.#sides = new Map(liar.others.map((other) => [other, liar.pick(sides)]))
    }
    const reign = this.#reign
    if (reign?.term !== header.term) return undefined
    while (reign.tip.block.height < header.height) {
      const isFirst = reign.blocks.length === 0
      const batches = isFirst ? [] : liar.chance(500) ? block.batches : batchesFor(liar, reign.tip)
      if (
        reign.extend({ time: header.time + liar.random.below(3), batches, ...(isFirst ? {} : { carried }) }) ===
        undefined
      ) {
        return undefined
      }
    }
    const twin = reign.at(header.height)
    return twin?.id === block.id ? undefined : twin
  }

  hears(_from: MemberId, message: WireMessage): WireMessage | undefined {
    const reign = this.#reign
    const raft = this.#liar.replica?.raft
    if (reign === undefined || raft === undefined || raft.role !== 'leader' || raft.term !== reign.term) return message
    // The replica knows nothing of the second chain, and is to go on leading the first.
    if (message.kind === 'ack' || message.kind === 'lock') return reign.has(message.block) ? undefined : message
    if (message.kind !== 'heartbeat-reply' || message.position === undefined || !reign.has(message.position))
      return message
    const mine = raft.blockAt(message.position.height) ?? raft.tail
    return { ...message, position: { height: mine.height, id: mine.id } }
  }

  certified(certificate: Certificate<Signable>): void {
    const liar = this.#liar
    if (!isBlockCertificate(certificate) || this.#reign?.has(certifiedBlock(certificate)) !== true) return
    const block = certifiedBlock(certificate)
    if (certificate.signed.kind === 'ack') {
      const locks = liar.known.countersign({ kind: 'lock', block })
      for (const { member, signature } of locks) {
        if (member === liar.id) liar.tell(liar.some(600), { kind: 'lock', block, signature })
      }
    }
    const now = liar.some(600)
    liar.tell(now, { kind: 'certified', certificate })
    const rest = liar.others.filter((other) => !now.includes(other) && liar.chance(600))
    liar.later(200 + liar.random.below(4_000), () => liar.tell(rest, { kind: 'certified', certificate }))
    liar.strike('equivocate certified')
  }

  turn(): void {
    const liar = this.#liar
    const reign = this.#reign
    const raft = liar.replica?.raft
    if (reign === undefined || raft === undefined || raft.term !== reign.term || !liar.chance(100)) return
    if (reign.blocks.length === 0 || reign.tip.block.height >= raft.tail.height + aheadMax) return
    const block = reign.extend({ batches: batchesFor(liar, reign.tip) })
    if (block === undefined) return
    for (const [to, side] of this.#sides) if (side !== 'own') liar.say(to, { kind: 'block', block: block.bytes })
    liar.strike('equivocate ahead')
  }

  #twoBatches(_to: MemberId, message: BatchMessage): WireMessage {
    const liar = this.#liar
    const { context } = liar.world.rulesNow
    const batch = decodeBatch(message.batch, context)
    if (batch.member !== liar.id || !liar.chance(300)) return message
    const items = batch.items.map((item, i) => (i === 0 ? { ...item, promised: !item.promised } : item))
    const { member, incarnation, number, previous } = batch
    const header = { member, incarnation, number, previous }
    const text = batchMessage(context, header, items)
    const twin = assembleBatch(header, items, text, liar.sign('seal', text))
    liar.tell(liar.some(400), { kind: 'batch', handOn: liar.chance(300), batch: twin.bytes })
    liar.strike('equivocate batch')
    return message
  }
}
