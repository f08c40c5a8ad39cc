/**
 * What the liars of a run know together: everything that reached one of them, and what they make of it. Signatures of one text are collected
 * from whoever sends them, liars add their own, and q of them are a certificate that nobody else may have yet. Nothing in here was read from
 * an honest process; it all came over the network.
 */
import { type Batch, decodeBatch } from '../../../src/chain/batch.ts'
import { type Attestation, type Block, decodeBlock } from '../../../src/chain/block.ts'
import { toHex } from '../../../src/chain/bytes.ts'
import {
  type BlockCertificate,
  type BlockRef,
  type Certificate,
  certifiedBlock,
  type ElectionCertificate,
  isBlockCertificate,
  isElection,
  type MemberSignature,
  type Signable,
  signableMessage,
} from '../../../src/chain/certificate.ts'
import { type ChainPoint, type ChainRules, epochOf } from '../../../src/chain/execution.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { Hello, WireMessage } from '../../../src/node/wire.ts'

/** Somebody who can sign, and is asked to. */
export interface Accomplice {
  readonly id: MemberId
  /** Undefined while its machine is down. */
  countersign(signable: Signable): Uint8Array | undefined
  /** A certificate is complete: it is known to liars only, unless one of them shows it. */
  certified(certificate: Certificate<Signable>): void
}

interface Heard {
  readonly signed: Signable
  readonly by: Map<MemberId, Uint8Array>
  isComplete: boolean
}

/** Oldest first out: a run may be long, and old lies are told best while they are not too old. */
const keptMax = 400

export class Knowledge {
  /** Of the newest epoch: what was signed in an older one is no certificate in it. */
  readonly #rulesNow: () => ChainRules
  readonly accomplices: Accomplice[] = []
  readonly certificates: BlockCertificate[] = []
  readonly elections: ElectionCertificate[] = []
  readonly attestations: Attestation[] = []
  readonly blocks = new Map<string, Block>()
  /** Where a block leads that a liar sealed beside its replica. */
  readonly points = new Map<string, ChainPoint>()
  readonly batches = new Map<string, Batch>()
  /** Signed in an older epoch a batch has another name in this one: a block of it would be malformed. */
  readonly #epochs = new WeakMap<Batch, number>()
  readonly hellos = new Map<MemberId, Hello>()
  readonly #heard = new Map<string, Heard>()
  readonly #cosigned = new Map<string, Map<MemberId, { readonly time: number; readonly signature: Uint8Array }>>()

  constructor(rulesNow: () => ChainRules) {
    this.#rulesNow = rulesNow
  }

  get rules(): ChainRules {
    return this.#rulesNow()
  }

  get quorum(): number {
    return epochOf(this.rules).quorum
  }

  isOfNow(batch: Batch): boolean {
    return this.#epochs.get(batch) === this.rules.context.epoch
  }

  /** What an honest member sent, or a liar's replica would send: only what is true may be built upon. */
  note(from: MemberId, message: WireMessage): void {
    switch (message.kind) {
      case 'vote-reply':
        if (message.vote !== undefined) this.hear(from, message.vote.signed, message.vote.signature)
        if (message.lock !== undefined) this.keep(message.lock)
        return
      case 'ack':
        return this.hear(from, { kind: 'ack', base: message.base, block: message.block }, message.signature)
      case 'lock':
        return this.hear(from, { kind: 'lock', block: message.block }, message.signature)
      case 'pre-vote-reply':
      case 'block-refused':
        if (message.lock !== undefined) this.keep(message.lock)
        return
      case 'certified':
      case 'vote-request':
        if (message.certificate !== undefined) this.keep(message.certificate)
        return
      case 'elected':
        this.keep(message.election)
        if (message.certificate !== undefined) this.keep(message.certificate)
        return
      case 'block':
        this.block(message.block)
        return
      case 'blocks-response':
        for (const block of message.blocks) this.block(block)
        if (message.certificate !== undefined) this.keep(message.certificate)
        return
      case 'batch': {
        const batch = decodeBatch(message.batch, this.rules.context)
        remember(this.batches, batch.hash, batch)
        this.#epochs.set(batch, this.rules.context.epoch)
        return
      }
      case 'attestation':
        this.attestations.push(message.attestation)
        if (this.attestations.length > keptMax) this.attestations.shift()
        return
      case 'cosignature':
        return this.hearCosignature(from, message)
      case 'hello':
        this.hellos.set(from, message)
        return
      default:
    }
  }

  block(bytes: Uint8Array): Block {
    const block = decodeBlock(bytes, this.rules.context)
    remember(this.blocks, block.id, block)
    if (block.carried.attestation !== undefined) this.attestations.push(block.carried.attestation)
    return block
  }

  hear(member: MemberId, signed: Signable, signature: Uint8Array): void {
    const text = toHex(signableMessage(this.rules.context, signed))
    const heard = this.#heard.get(text) ?? { signed, by: new Map<MemberId, Uint8Array>(), isComplete: false }
    remember(this.#heard, text, heard, 4_000)
    heard.by.set(member, signature)
    if (heard.isComplete || heard.by.size < this.quorum) return
    heard.isComplete = true
    const signatures = [...heard.by].map(([by, bytes]) => ({ member: by, signature: bytes }))
    const certificate: Certificate<Signable> = { signed, signatures }
    this.keep(certificate)
    for (const accomplice of this.accomplices) accomplice.certified(certificate)
  }

  hasSigned(member: MemberId, signed: Signable): boolean {
    return this.#heard.get(toHex(signableMessage(this.rules.context, signed)))?.by.has(member) === true
  }

  /** All liars sign this. */
  countersign(signed: Signable): readonly MemberSignature[] {
    const signatures: MemberSignature[] = []
    for (const accomplice of this.accomplices) {
      const signature = accomplice.countersign(signed)
      if (signature === undefined) continue
      signatures.push({ member: accomplice.id, signature })
      this.hear(accomplice.id, signed, signature)
    }
    return signatures
  }

  hearCosignature(
    member: MemberId,
    {
      size,
      root,
      time,
      signature,
    }: { readonly size: number; readonly root: string; readonly time: number; readonly signature: Uint8Array },
  ): void {
    const text = `${size} ${root}`
    const by =
      this.#cosigned.get(text) ?? new Map<MemberId, { readonly time: number; readonly signature: Uint8Array }>()
    remember(this.#cosigned, text, by)
    if (by.has(member)) return
    by.set(member, { time, signature })
    if (by.size !== this.quorum) return
    const cosignatures = [...by]
      .map(([name, cosignature]) => ({ member: name, ...cosignature }))
      .sort((a, b) => (a.member < b.member ? -1 : 1))
    this.attestations.push({ size, root, cosignatures })
  }

  hasCosigned(member: MemberId, size: number, root: string): boolean {
    return this.#cosigned.get(`${size} ${root}`)?.has(member) === true
  }

  keep(certificate: Certificate<Signable>): void {
    const list: Certificate<Signable>[] = isElection(certificate) ? this.elections : this.certificates
    const isKnown = list.slice(-16).some(({ signed }) => JSON.stringify(signed) === JSON.stringify(certificate.signed))
    if (isKnown || !(isElection(certificate) || isBlockCertificate(certificate))) return
    list.push(certificate)
    if (list.length > keptMax) list.shift()
  }

  /** Any certificate about this block. */
  certificateOf(ref: Pick<BlockRef, 'id'>): BlockCertificate | undefined {
    return this.certificates.findLast((certificate) => certifiedBlock(certificate).id === ref.id)
  }
}

/** Puts it at the end, and drops what is at the front when there are too many. */
function remember<V>(map: Map<string, V>, key: string, value: V, max = keptMax): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > max) map.delete(map.keys().next().value!)
}
