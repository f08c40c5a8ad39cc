/**
 * From committed to attested (protocol.md, rules 15 and 16): this node's signing register and cosignature, everybody else's, and the
 * certificate that q of them make. Never two roots for one size, never a smaller size, never before the commit; the register is on disk
 * before the key signs.
 */
import { assert } from '../chain/assert.ts'
import type { Attestation } from '../chain/block.ts'
import type { ChainPoint } from '../chain/execution.ts'
import type { Height } from '../chain/numbers.ts'
import type { MemberId } from '../consensus/message.ts'
import type { BlockStore } from './block-store.ts'
import type { DiskCycle } from './disk-cycle.ts'
import type { Register } from './durable-state.ts'
import { earlyCosignaturesMax, openSizesMax } from './limits.ts'
import type { Clock, Log, Signer } from './ports.ts'
import type { Vouching } from './vouching.ts'
import type { CosignatureMessage, NodeMessage } from './wire.ts'

export interface CosigningOptions {
  readonly self: MemberId
  /** Of the members whose epoch this size is. */
  readonly quorumAt: (size: number) => number
  /** Sizes up to this one are the last epoch's to attest; 0 in the first. */
  readonly attestedBefore: number
}

export interface CosigningDependencies {
  readonly clock: Clock
  readonly signer: Signer
  readonly cycle: DiskCycle
  readonly store: BlockStore
  readonly vouching: Vouching
  readonly log: Log
  readonly turn: (event: () => void) => void
  readonly broadcast: (message: NodeMessage) => void
  readonly send: (to: MemberId, message: NodeMessage) => void
  /** Writes the head file, with the register as it is now. */
  readonly saveRegister: () => void
  /**
   * Whether this block is on the committed chain, to assert it of the register. Undefined: the disk has lost or changed the block; it is
   * being repaired, and `allowSigning` comes when it is back.
   */
  readonly isCommitted: (height: Height, id: string) => boolean | undefined
  readonly onAttested: (attestation: Attestation) => void
  /** Heard of a member, whatever comes of it; nothing of it has been checked. */
  readonly onHeard: (member: MemberId, message: CosignatureMessage) => void
  /** Shown by a signature of its own, checked: this member has registered this size. */
  readonly onCosigned: (member: MemberId, size: number) => void
}

/** A committed head: what may be cosigned. */
export interface Head {
  readonly size: number
  readonly root: string
  readonly height: Height
  readonly id: string
}

export const headOf = ({ block, frontier, root }: ChainPoint): Head => ({
  size: frontier.size,
  root,
  height: block.height,
  id: block.id,
})

interface Open {
  readonly root: string
  readonly by: Map<MemberId, { readonly time: number; readonly signature: Uint8Array }>
}

/** How long after attesting a size a repeated cosignature for it is answered with the certificate: its sender missed it. */
const repeatedAfterMs = 300

export class Cosigning {
  readonly #options: CosigningOptions
  readonly #deps: CosigningDependencies
  #register: Register
  #attested: Attestation | undefined
  #attestedAt = 0
  #maySign = false
  /** Committed sizes above the attested one. */
  readonly #open = new Map<number, Open>()
  /** For sizes not committed here yet. */
  #early: { readonly from: MemberId; readonly message: CosignatureMessage }[] = []
  #own: CosignatureMessage | undefined
  /** The largest of each member since the last tick. Most are checked at once, but those that come late or early are not. */
  readonly #latest = new Map<MemberId, CosignatureMessage>()

  constructor(
    options: CosigningOptions,
    start: { readonly register: Register; readonly attested: Attestation | undefined; readonly committed: Head },
    dependencies: CosigningDependencies,
  ) {
    this.#options = options
    this.#register = start.register
    this.#attested = start.attested
    this.#deps = dependencies
    // Whoever may not sign, or not yet, takes the others' word for it all the same: without it nobody leaves an epoch.
    if (start.committed.size > options.attestedBefore) this.#openSize(start.committed)
  }

  get register(): Register {
    return this.#register
  }

  /** The newest attested head, with exactly q cosignatures. */
  get attested(): Attestation | undefined {
    return this.#attested
  }

  /** Milliseconds since 1970 when this node saw it attested. */
  get attestedAt(): number {
    return this.#attestedAt
  }

  /**
   * Rule 17 is met. The committed head is cosigned if the register is below it: it was certified, and while this node could not sign, others
   * may have registered it. Otherwise what the register holds is signed again: the cosignature may have been lost in the crash, and the
   * same head under the same key contradicts nothing. On a new ledger that head is the genesis (rule 15).
   */
  allowSigning(committed: Head): void {
    this.#maySign = true
    const { attestedBefore } = this.#options
    if (committed.size > this.#register.size) return this.onCommitted([committed], [committed])
    if (Math.max(this.#attested?.size ?? 0, attestedBefore) >= this.#register.size) return
    this.#openSize(this.#register)
    this.#sign([this.#register])
  }

  forbidSigning(): void {
    this.#maySign = false
  }

  /**
   * Heads of blocks that were just committed, ascending: of all that added records, and of those that were certified one by one, empty
   * ones included. Only the latter are cosigned, by everybody: members that each pick their own sizes never meet.
   */
  onCommitted(heads: readonly Head[], certified: readonly Head[]): void {
    for (const head of heads) this.#openSize(head)
    // An empty block has the size of the one before it: it is cosigned in its place if that one was not certified by itself.
    const fresh = certified.filter(
      (head, i) =>
        head.size > (certified[i - 1]?.size ?? 0) &&
        head.size > Math.max(this.#register.size, this.#options.attestedBefore),
    )
    if (fresh.length > 0 && this.#maySign && this.#registerStands()) {
      this.#register = fresh.at(-1)!
      this.#deps.saveRegister()
      // A crash before the register is durable: nothing was signed. After it: sizes up to the last are never signed again, but for the last itself.
      this.#sign(fresh)
    }
    this.#takeEarly()
  }

  /** What was cosigned last is on the committed chain (rule 15); false while that cannot be told. */
  #registerStands(): boolean {
    const { height, id, size } = this.#register
    const isCommitted = size === 0 || this.#deps.isCommitted(height, id)
    assert(isCommitted !== false, 'what I cosigned last is on the committed chain')
    return isCommitted === true
  }

  #sign(heads: readonly Head[]): void {
    const { cycle, clock, signer, vouching, turn, broadcast } = this.#deps
    cycle.whenDurable(() => {
      // The permit may have been taken back while the register was written. Given again, the register is signed then.
      if (!this.#maySign) return
      for (const head of heads) {
        const time = Math.floor(clock.wall() / 1000)
        const check = vouching.cosignatureCheck(this.#options.self, head, time, new Uint8Array())!
        signer.sign('cosign', check.message, (signature) =>
          turn(() => {
            vouching.remember({ ...check, signature })
            this.#own = { kind: 'cosignature', size: head.size, root: head.root, time, signature }
            broadcast(this.#own)
            this.#count(this.#options.self, this.#own)
          }),
        )
      }
    })
  }

  /** `checked` is called when it does not wait to be checked any more. */
  receive(from: MemberId, message: CosignatureMessage, checked: () => void = () => undefined): void {
    const { clock, send, log, vouching, turn } = this.#deps
    this.#deps.onHeard(from, message)
    if (message.size > (this.#latest.get(from)?.size ?? 0)) this.#latest.set(from, message)
    if (this.#attested !== undefined && message.size <= this.#attested.size) {
      if (message.size > 0 && clock.wall() - this.#attestedAt > repeatedAfterMs) {
        send(from, { kind: 'attestation', attestation: this.#attested })
      }
      return checked()
    }
    const open = this.#open.get(message.size)
    if (open === undefined) {
      this.#early.push({ from, message })
      if (this.#early.length > earlyCosignaturesMax) this.#early.shift()
      return checked()
    }
    const check = vouching.cosignatureCheck(from, message, message.time, message.signature)
    vouching.check([check], (good) =>
      turn(() => {
        checked()
        if (!good) return log.warn('cosignature bad', { member: from, size: message.size })
        if (open.root !== message.root) {
          return log.error('cosignature contradicts', { member: from, size: message.size, root: message.root })
        }
        this.#count(from, message)
      }),
    )
  }

  /** A certificate that somebody shows because this node seems to lack it, or that a block carried; its signatures are checked. */
  receiveAttestation(attestation: Attestation): void {
    const open = this.#open.get(attestation.size)
    if (open === undefined || open.root !== attestation.root) return
    // More than q is no more true, and a proof file holds exactly q: of the last epoch, when its last certificate was lost and comes again.
    const quorum = this.#options.quorumAt(attestation.size)
    this.#attest({ ...attestation, cosignatures: attestation.cosignatures.slice(0, quorum) })
  }

  /** A lost cosignature must not hold up attestation: said again while it is waited for. */
  tick(): void {
    this.#checkLatest()
    if (this.#own === undefined || this.#own.size <= (this.#attested?.size ?? 0)) return
    this.#deps.broadcast(this.#own)
  }

  /** At most one signature for each member, and most of them were checked before. */
  #checkLatest(): void {
    const { vouching, turn, onCosigned } = this.#deps
    for (const [from, message] of this.#latest) {
      const check = vouching.cosignatureCheck(from, message, message.time, message.signature)
      vouching.check([check], (good) => {
        if (good) turn(() => onCosigned(from, message.size))
      })
    }
    this.#latest.clear()
  }

  #openSize(head: Head): void {
    if (head.size <= (this.#attested?.size ?? 0) || this.#open.has(head.size)) return
    this.#open.set(head.size, { root: head.root, by: new Map() })
    if (this.#open.size > openSizesMax) this.#open.delete(this.#open.keys().next().value!)
  }

  #takeEarly(): void {
    if (this.#early.length === 0) return
    const ready = this.#early.filter(({ message }) => this.#open.has(message.size))
    if (ready.length === 0) return
    this.#early = this.#early.filter(({ message }) => !this.#open.has(message.size))
    for (const { from, message } of ready) this.receive(from, message)
  }

  #count(member: MemberId, { size, root, time, signature }: CosignatureMessage): void {
    const open = this.#open.get(size)
    if (open === undefined || open.root !== root) return
    open.by.set(member, { time, signature })
    if (open.by.size < this.#options.quorumAt(size)) return
    const cosignatures = [...open.by]
      .map(([by, cosignature]) => ({ member: by, ...cosignature }))
      .sort((a, b) => (a.member < b.member ? -1 : 1))
    this.#attest({ size, root, cosignatures })
  }

  #attest(attestation: Attestation): void {
    this.#deps.store.putAttestation(attestation)
    for (const size of [...this.#open.keys()]) if (size <= attestation.size) this.#open.delete(size)
    this.#early = this.#early.filter(({ message }) => message.size > attestation.size)
    if (this.#attested !== undefined && attestation.size <= this.#attested.size) return
    this.#attested = attestation
    this.#attestedAt = this.#deps.clock.wall()
    this.#deps.onAttested(attestation)
  }
}
