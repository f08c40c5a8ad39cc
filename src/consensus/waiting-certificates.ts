/**
 * Certificates that are here before their block. One waits a little, since the leader's stream brings most blocks by itself; then the block of
 * the highest is fetched, and by and by the others are applied or passed by. Bounded: the lowest-ranked makes room.
 */
import { type BlockCertificate, type BlockRef, certifiedBlock } from '../chain/certificate.ts'
import type { Height } from '../chain/numbers.ts'
import { compareRanks } from './message.ts'

/** Ticks that a certificate waits for its block to arrive by the ordinary stream before the block is fetched. */
const fetchPatienceTicks = 3
/** The lowest-ranked makes room. */
const waitingCertificatesMax = 256

export class WaitingCertificates {
  /** By the block's id. */
  readonly #waiting = new Map<string, { certificate: BlockCertificate; ticks: number }>()

  has(id: string): boolean {
    return this.#waiting.has(id)
  }

  /** Returns whether it is the first for its block. */
  add(certificate: BlockCertificate): boolean {
    const { id } = certifiedBlock(certificate)
    const held = this.#waiting.get(id)
    // A commit certificate says more than an acknowledgement certificate.
    if (held === undefined || (held.certificate.signed.kind === 'ack' && certificate.signed.kind === 'lock')) {
      this.#waiting.set(id, { certificate, ticks: held?.ticks ?? 0 })
    }
    if (this.#waiting.size > waitingCertificatesMax) this.#forgetLowest()
    return held === undefined
  }

  #forgetLowest(): void {
    let lowest: BlockRef | undefined
    for (const { certificate } of this.#waiting.values()) {
      const block = certifiedBlock(certificate)
      if (lowest === undefined || compareRanks(block, lowest) < 0) lowest = block
    }
    if (lowest !== undefined) this.#waiting.delete(lowest.id)
  }

  /** Up to this height all is committed. */
  forgetThrough(height: Height): void {
    for (const [id, { certificate }] of this.#waiting) {
      if (certifiedBlock(certificate).height <= height) this.#waiting.delete(id)
    }
  }

  /** Takes out those whose block is here now, the lowest-ranked first. */
  takeThose(isHere: (block: BlockRef) => boolean): readonly BlockCertificate[] {
    if (this.#waiting.size === 0) return []
    const here = Array.from(this.#waiting.values(), ({ certificate }) => certificate)
      .filter((certificate) => isHere(certifiedBlock(certificate)))
      .sort((a, b) => compareRanks(certifiedBlock(a), certifiedBlock(b)))
    for (const certificate of here) this.#waiting.delete(certifiedBlock(certificate).id)
    return here
  }

  /** A tick of the clock. Returns the highest of those that may be adopted once one of them has waited long enough. */
  tick(mayAdopt: (certificate: BlockCertificate) => boolean): BlockCertificate | undefined {
    let highest: BlockCertificate | undefined
    let patient = true
    for (const waiting of this.#waiting.values()) {
      if (!mayAdopt(waiting.certificate)) continue
      if (++waiting.ticks >= fetchPatienceTicks) patient = false
      if (highest === undefined || outranks(waiting.certificate, highest)) highest = waiting.certificate
    }
    if (highest === undefined || patient) return undefined
    for (const waiting of this.#waiting.values()) waiting.ticks = 0
    return highest
  }
}

function outranks(a: BlockCertificate, b: BlockCertificate): boolean {
  const order = compareRanks(certifiedBlock(a), certifiedBlock(b))
  return order > 0 || (order === 0 && a.signed.kind === 'lock' && b.signed.kind === 'ack')
}
