/**
 * Signatures and certificates of members, checked before anything relies on them (protocol.md, rule 2). What was checked once — or
 * signed here — is remembered, so that a certificate made of acknowledgements already seen costs nothing. Statements inside batches are
 * parsed and checked here too, and remembered by leaf hash (`verified-items`).
 */

import type { Batch } from '../chain/batch.ts'
import { type Attestation, type Block, blockSealMessage, type Carried } from '../chain/block.ts'
import { fromHex, toLatin1 } from '../chain/bytes.ts'
import { type Certificate, type Signable, type SigningContext, signableMessage } from '../chain/certificate.ts'
import { cosignatureMessage, formatCheckpoint } from '../chain/checkpoint.ts'
import { type Epoch, epochNumbered, epochOfSize } from '../chain/epoch.ts'
import { type ChainRules, epochOf, type ReadItem } from '../chain/execution.ts'
import { Generations } from '../chain/generations.ts'
import { keyFromKid, type TaggedKey } from '../chain/keys.ts'
import { Refusal } from '../chain/refusal.ts'
import type { MemberId, Message } from '../consensus/message.ts'
import type { SignatureCheck, Verifier } from './ports.ts'
import type { VerifiedItems } from './verified-items.ts'

export interface VouchingDependencies {
  readonly verifier: Verifier
  readonly items: VerifiedItems
  /** Told of every good signature of a member when it is checked or made here. */
  readonly onGood?: (check: SignatureCheck) => void
}

/** Signatures remembered: those of some hundred blocks, about 3 MB. */
const rememberedMax = 8_192

interface MemberKeys {
  readonly seal: TaggedKey
  readonly cosign: TaggedKey
}

export class Vouching {
  readonly #rules: ChainRules
  /** Of the node's own epoch: what is said between members now. Blocks and checkpoints are checked by the lists of theirs. */
  readonly #epoch: Epoch
  readonly #dependencies: VouchingDependencies
  readonly #keys = new Map<Epoch, ReadonlyMap<MemberId, MemberKeys>>()
  readonly #remembered = new Generations<string, true>(rememberedMax)

  constructor(rules: ChainRules, dependencies: VouchingDependencies) {
    this.#rules = rules
    this.#epoch = epochOf(rules)
    this.#dependencies = dependencies
  }

  #keysOf(member: MemberId, epoch: Epoch): MemberKeys | undefined {
    let keys = this.#keys.get(epoch)
    if (keys === undefined) {
      keys = new Map(
        epoch.members.map(({ id, node }) => [id, { seal: keyFromKid(node.seal)!, cosign: keyFromKid(node.cosign)! }]),
      )
      this.#keys.set(epoch, keys)
    }
    return keys.get(member)
  }

  #contextOf({ number }: Epoch): SigningContext {
    return { ledger: this.#rules.context.ledger, epoch: number }
  }

  /** What this node signed itself, or another part of it has checked. */
  remember(check: SignatureCheck): void {
    this.#dependencies.onGood?.(check)
    this.#remembered.set(memoryKey(check), true)
  }

  sealCheck(
    member: MemberId,
    message: Uint8Array,
    signature: Uint8Array,
    epoch = this.#epoch,
  ): SignatureCheck | undefined {
    const keys = this.#keysOf(member, epoch)
    return keys === undefined ? undefined : { publicKey: keys.seal, message, signature }
  }

  cosignatureCheck(
    member: MemberId,
    head: { readonly size: number; readonly root: string },
    time: number,
    signature: Uint8Array,
  ): SignatureCheck | undefined {
    const keys = this.#keysOf(member, epochOfSize(this.#epoch, head.size))
    if (keys === undefined) return undefined
    return { publicKey: keys.cosign, message: cosignatureMessage(time, this.checkpointText(head)), signature }
  }

  checkpointText(head: { readonly size: number; readonly root: string }): string {
    return formatCheckpoint({ origin: this.#rules.genesis.origin, size: head.size, root: fromHex(head.root)! })
  }

  /** Verdict over all of them: true when every signature is good. Undefined among them counts as bad. */
  check(checks: readonly (SignatureCheck | undefined)[], done: (good: boolean) => void): void {
    const open: SignatureCheck[] = []
    const openKeys: string[] = []
    for (const check of checks) {
      if (check === undefined) return done(false)
      const key = memoryKey(check)
      if (this.#remembered.get(key)) continue
      open.push(check)
      openKeys.push(key)
    }
    if (open.length === 0) return done(true)
    this.#dependencies.verifier.check(open, (verdicts) => {
      const good = verdicts.every((verdict) => verdict)
      // Each by itself: what came with a bad one was said all the same.
      open.forEach((check, i) => {
        if (verdicts[i] === true) this.#dependencies.onGood?.(check)
        if (good) this.#remembered.set(openKeys[i]!, true)
      })
      done(good)
    })
  }

  /** What must hold for a consensus message of this member to be a fact to the core. Undefined inside: it cannot hold. */
  checksOfMessage(from: MemberId, message: Message): (SignatureCheck | undefined)[] {
    switch (message.kind) {
      case 'pre-vote':
      case 'heartbeat':
      case 'heartbeat-reply':
      case 'handover':
      case 'read-request':
      case 'read-reply':
        return []
      case 'pre-vote-reply':
      case 'block-refused':
        return message.lock === undefined ? [] : this.checksOfCertificate(message.lock)
      case 'vote-request':
      case 'certified':
        return message.certificate === undefined ? [] : this.checksOfCertificate(message.certificate)
      case 'vote-reply': {
        const checks = message.lock === undefined ? [] : this.checksOfCertificate(message.lock)
        if (message.vote !== undefined) {
          const { signed, signature } = message.vote
          checks.push(this.sealCheck(from, signableMessage(this.#contextOf(this.#epoch), signed), signature))
        }
        return checks
      }
      case 'elected':
        return [
          ...this.checksOfCertificate(message.election),
          ...(message.certificate === undefined ? [] : this.checksOfCertificate(message.certificate)),
        ]
      case 'ack':
      case 'lock': {
        const { signature, ...signed } = message
        return [this.sealCheck(from, signableMessage(this.#contextOf(this.#epoch), signed), signature)]
      }
    }
  }

  checksOfCertificate(certificate: Certificate<Signable>, epoch: Epoch = this.#epoch): (SignatureCheck | undefined)[] {
    const distinct = new Set(certificate.signatures.map(({ member }) => member))
    if (distinct.size < epoch.quorum || distinct.size !== certificate.signatures.length) return [undefined]
    const message = signableMessage(this.#contextOf(epoch), certificate.signed)
    return certificate.signatures.map(({ member, signature }) => this.sealCheck(member, message, signature, epoch))
  }

  checksOfAttestation(attestation: Attestation): (SignatureCheck | undefined)[] {
    const distinct = new Set(attestation.cosignatures.map(({ member }) => member))
    const { quorum } = epochOfSize(this.#epoch, attestation.size)
    if (distinct.size < quorum || distinct.size !== attestation.cosignatures.length) return [undefined]
    return attestation.cosignatures.map(({ member, time, signature }) =>
      this.cosignatureCheck(member, attestation, time, signature),
    )
  }

  #checksOfCarried(carried: Carried, epoch: Epoch): (SignatureCheck | undefined)[] {
    return [
      ...(carried.election === undefined ? [] : this.checksOfCertificate(carried.election, epoch)),
      ...(carried.base === undefined ? [] : this.checksOfCertificate(carried.base, epoch)),
      ...(carried.attestation === undefined ? [] : this.checksOfAttestation(carried.attestation)),
    ]
  }

  /** The seal of a block, what it carries, and the signature of every batch in it; the statements are `checkItems`' business. */
  checksOfBlock(block: Block): (SignatureCheck | undefined)[] {
    const { header, carried, batches } = block
    const epoch = epochNumbered(this.#epoch, header.epoch)
    if (epoch === undefined) return [undefined]
    return [
      this.checkOfSeal(block),
      ...this.#checksOfCarried(carried, epoch),
      ...batches.map((batch) => this.checkOfBatch(batch, epoch)),
    ]
  }

  checkOfSeal({ header, seal }: Block): SignatureCheck | undefined {
    const epoch = epochNumbered(this.#epoch, header.epoch)
    if (epoch === undefined) return undefined
    return this.sealCheck(header.leader, blockSealMessage(this.#contextOf(epoch), header), seal, epoch)
  }

  checkOfBatch(batch: Batch, epoch = this.#epoch): SignatureCheck | undefined {
    return this.sealCheck(batch.member, batch.message, batch.signature, epoch)
  }

  /** Parses the statements that are new to this node and checks their signatures; false when bytes alone show one to be wrong. */
  checkItems(batches: readonly Batch[], done: (good: boolean) => void): void {
    const { items, verifier } = this.#dependencies
    const open: { leaf: Uint8Array; read: ReadItem }[] = []
    try {
      for (const batch of batches) {
        for (const item of batch.items) if (!items.has(item)) open.push({ leaf: item.leaf, read: items.read(item) })
      }
    } catch (error) {
      if (error instanceof Refusal) return done(false)
      throw error
    }
    if (open.length === 0) return done(true)
    const checks = open.map(({ read: { statement } }) => ({
      publicKey: statement.signingKey,
      message: statement.message,
      signature: statement.signature,
    }))
    verifier.check(checks, (verdicts) => {
      open.forEach(({ leaf, read }, i) => {
        if (verdicts[i]) items.add(leaf, read)
      })
      done(verdicts.every((verdict) => verdict))
    })
  }
}

function memoryKey({ publicKey, message, signature }: SignatureCheck): string {
  return toLatin1(signature) + toLatin1(publicKey) + toLatin1(message)
}
