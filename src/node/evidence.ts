/**
 * What the members' keys have signed, as far as this node has seen it, and what of that contradicts itself (protocol.md, rule 30): a fault proof
 * on the disk, the first for each key, handed on to the other members and brought to the ledger (`fault.report`) by whoever has a centre's
 * key to sign it with. Whatever is put together here is checked as anybody will check it; what does not convict is dropped. What a
 * key said is remembered within bounds of its own, so that nobody makes this node forget what another said.
 */
import type { Batch } from '../chain/batch.ts'
import { type Attestation, type Block, blockSealMessage } from '../chain/block.ts'
import { equalBytes, fromHex, fromUtf8, toHex, toLatin1, utf8 } from '../chain/bytes.ts'
import {
  type FrozenKey,
  faultReportTypeName,
  frozenKey,
  memberOfNodeKey,
  reportedProofCharactersMax,
} from '../chain/catalogue/fault-report.ts'
import { cosignatureMessage, formatCheckpoint, parseCheckpoint } from '../chain/checkpoint.ts'
import { epochNumbered } from '../chain/epoch.ts'
import { epochOf } from '../chain/execution.ts'
import {
  type CosignedHead,
  type Fault,
  type FaultProof,
  faultFileBytesMax,
  formatFault,
  isBelowLock,
  parseFault,
  placeOfSealed,
  proofOfInvalidSeal,
  type Sealed,
  type SealedPlace,
  verifyFault,
  wrongItemOf,
} from '../chain/fault.ts'
import type { GenesisMember } from '../chain/genesis.ts'
import type { JsonObject } from '../chain/json.ts'
import { keyFromKid, kidOf } from '../chain/keys.ts'
import { joinStatement, statementMessage } from '../chain/statement.ts'
import { VerificationError } from '../chain/verification-error.ts'
import { compareRanks, type MemberId } from '../consensus/message.ts'
import type { DiskCycle } from './disk-cycle.ts'
import type { IntakeResult } from './intake.ts'
import type { Executed, Ledger } from './ledger.ts'
import { badProofWaitMs, heardHeadsMax, heardWordsMax, reportAgainMaxMs, reportAgainMs } from './limits.ts'
import type { Clock, Disk, Log, SignatureCheck, Signer, Verifier } from './ports.ts'
import { faultKey, faultRange } from './store-rows.ts'
import type { NodeMessage } from './wire.ts'

export interface EvidenceOptions {
  readonly self: MemberId
}

export interface EvidenceDependencies {
  readonly clock: Clock
  readonly disk: Disk
  readonly cycle: DiskCycle
  readonly verifier: Verifier
  readonly signer: Signer
  readonly log: Log
  readonly turn: (event: () => void) => void
  /** The ledger in the epoch that is now; undefined while the disk is being read. */
  readonly ledger: () => Ledger | undefined
  /** What is on the disk of the chain and of what was attested: said longer ago than anything that is remembered here. */
  readonly blockAt: (height: number) => Block | undefined
  readonly attestationOf: (size: number) => Attestation | undefined
  readonly broadcast: (message: NodeMessage) => void
  readonly send: (to: MemberId, message: NodeMessage) => void
  readonly submit: (jws: string, done: (result: IntakeResult) => void) => void
}

/** A proof that this node keeps. */
export interface KeptFault {
  readonly member: MemberId
  readonly fault: Fault
  /** The file, to the byte. */
  readonly file: string
  /** What the chain says about the key; undefined while nobody's report is in. */
  readonly frozen: FrozenKey | undefined
}

interface Kept {
  readonly member: MemberId
  readonly fault: Fault
  readonly file: string
  /** When this node tries to bring it to the ledger, and how long it waits after that. Monotonic milliseconds. */
  nextTryAt: number
  waitMs: number
}

interface HeardHead extends CosignedHead {
  readonly root: string
  isVerified: boolean
}

interface Said {
  readonly place: SealedPlace
  readonly sealed: Sealed
}

/** What one key has said. */
interface Words {
  readonly kid: string
  /** By kind of message, then by slot: many of one kind push out none of another. */
  readonly slots: Map<string, Map<string, Sealed>>
  /** Of the votes and acknowledgements of one term that on the lowest base, of the locks in one term the highest: whatever contradicts another contradicts this. */
  readonly onBases: Map<string, Said>
  readonly locks: Map<string, Said>
  /** By size. */
  readonly heads: Map<number, HeardHead>
  /** One check at a time of what seems to contradict: a key whose words are not good costs no more. */
  isSuspected: boolean
}

export class Evidence {
  readonly #options: EvidenceOptions
  readonly #deps: EvidenceDependencies
  /** By the key's bytes. */
  readonly #words = new Map<string, Words>()
  readonly #kept = new Map<string, Kept>()
  /** Who handed on what convicts nobody, and until when nothing more of theirs is looked at. */
  readonly #distrusted = new Map<MemberId, number>()
  /** What was read last: all members cosign the same text. */
  #readHead: { readonly checkpoint: string; readonly size: number; readonly root: string } | undefined

  constructor(options: EvidenceOptions, dependencies: EvidenceDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  /** The proofs of earlier starts; nothing waits for them. A row that the disk changed proves nothing any more. */
  restore(): void {
    const { disk, cycle, log } = this.#deps
    disk.scan(
      faultRange,
      (key, row) => {
        const read = verified(row)
        if (read === undefined) {
          log.error('fault proof damaged')
          cycle.del(key)
        } else if (!this.#kept.has(read.fault.kid)) this.#keep(read.fault, read.file)
        return undefined
      },
      () => undefined,
    )
  }

  /** Signed by a member's key, and verified. */
  note(check: SignatureCheck): void {
    if (check.message[0] === firstOfCosignature) return this.#hearHead(check, true)
    const place = placeOfSealed(check.message)
    if (place === undefined) return
    const words = this.#wordsOf(check.publicKey)
    const second = { message: check.message, signature: check.signature }
    const first = this.#contradicted(words, place, second)
    if (first !== undefined) return this.accuse({ kid: words.kid, form: 'sealed', first, second })
    remember(words, place, second)
  }

  /** Not verified, since nothing here relies on it. It is if it contradicts what is. */
  suspect(check: SignatureCheck | undefined): void {
    if (check === undefined) return
    if (check.message[0] === firstOfCosignature) return this.#hearHead(check, false)
    const place = placeOfSealed(check.message)
    if (place === undefined) return
    const words = this.#wordsOf(check.publicKey)
    if (this.#kept.has(words.kid) || this.#contradicted(words, place, check) === undefined) return
    this.#verify(words, [check], ([isGood]) => {
      if (isGood) this.note(check)
    })
  }

  /** A batch that was refused for an entry in it; its member's signature is good. */
  suspectBatch(batch: Batch, epochNumber: number): void {
    const accused = this.#accusable(batch.member, epochNumber)
    const wrong = accused === undefined ? undefined : wrongItemOf(batch, accused.ledger)
    if (wrong === undefined) return
    const { message, signature } = batch
    this.accuse({ kid: accused!.kid, form: 'invalid', batch: { message, signature }, ...wrong })
  }

  /** A block that was refused for an entry in it; its leader's seal is good. */
  suspectBlock(block: Block): void {
    const { leader, epoch } = block.header
    const accused = this.#accusable(leader, epoch)
    for (const batch of accused === undefined ? [] : block.batches) {
      const wrong = wrongItemOf(batch, accused!.ledger)
      if (wrong === undefined) continue
      this.suspectBatch(batch, epoch)
      return this.accuse(proofOfInvalidSeal(accused!.kid, block, batch, wrong, accused!.ledger))
    }
  }

  /** A member's seal key, unless it has been proven guilty before: looking for what is wrong costs as much as the block did. */
  #accusable(member: MemberId, epochNumber: number): { readonly kid: string; readonly ledger: string } | undefined {
    const rules = this.#deps.ledger()?.rules
    const epoch = rules === undefined ? undefined : epochNumbered(epochOf(rules), epochNumber)
    const kid = epoch === undefined ? undefined : memberOf(epoch.members, member)?.node.seal
    return kid === undefined || this.#kept.has(kid) ? undefined : { kid, ledger: rules!.context.ledger }
  }

  /** Puts a proof on the disk and hands it on, if it convicts a node of this ledger of which none is kept. */
  accuse(proof: FaultProof): void {
    const file = formatFault(proof)
    const read = this.#kept.has(proof.kid) || file.length > faultFileBytesMax ? undefined : verified(utf8(file))
    if (read === undefined) return
    this.#deps.turn(() => this.#found(read.fault, read.file))
  }

  /** A proof that another member hands on. */
  receive(from: MemberId, bytes: Uint8Array): void {
    const { clock, log } = this.#deps
    if (clock.monotonic() < (this.#distrusted.get(from) ?? 0) || bytes.length > faultFileBytesMax) return
    const kid = kidIn(bytes)
    if (kid !== undefined && this.#kept.has(kid)) return
    const read = kid === undefined ? undefined : verified(bytes)
    if (read !== undefined && this.#found(read.fault, read.file)) return
    // Nobody honest sends what convicts nobody here.
    this.#distrusted.set(from, clock.monotonic() + badProofWaitMs)
    log.warn('fault proof bad', { member: from })
  }

  /** It may lack what was found while it was away. What is on the chain it finds there. */
  onPeerUp(peer: MemberId): void {
    for (const kept of this.#kept.values()) {
      if (this.#frozen(kept.fault.kid) === undefined) this.#deps.send(peer, { kind: 'fault', proof: utf8(kept.file) })
    }
  }

  /** A report that is on the chain was verified by every member: its proof is kept here too, for whoever asks this node. */
  onCommitted({ execution }: Executed): void {
    for (const { kind, statement } of execution.leaves) {
      if (kind !== 'record' || statement?.type !== faultReportTypeName) continue
      const read = verified(utf8(String(statement.payload.proof)))
      if (read !== undefined && !this.#kept.has(read.fault.kid)) this.#store(read.fault, read.file)
    }
  }

  /** Brings to the ledger what is not there yet. */
  tick(): void {
    for (const kept of this.#kept.values()) {
      if (this.#deps.clock.monotonic() >= kept.nextTryAt && this.#frozen(kept.fault.kid) === undefined) {
        this.#report(kept)
      }
    }
  }

  /** In the order in which they were found, and after a restart by key. */
  get faults(): readonly KeptFault[] {
    if (this.#kept.size === 0) return noFaults
    return Array.from(this.#kept.values(), ({ member, fault, file }) => ({
      member,
      fault,
      file,
      frozen: this.#frozen(fault.kid),
    }))
  }

  // ── what was heard ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #wordsOf(publicKey: Uint8Array): Words {
    const name = toLatin1(publicKey)
    let words = this.#words.get(name)
    if (words === undefined) {
      const kid = kidOf(publicKey)
      words = { kid, slots: new Map(), onBases: new Map(), locks: new Map(), heads: new Map(), isSuspected: false }
      this.#words.set(name, words)
    }
    return words
  }

  /** What this key said before and that does not go with this. */
  #contradicted(words: Words, place: SealedPlace, { message }: Pick<Sealed, 'message'>): Sealed | undefined {
    const { slot, locked, onBase } = place
    if (slot !== undefined) {
      const held = words.slots.get(place.kind)?.get(slot) ?? this.#onDisk(words, place)
      if (held !== undefined && !equalBytes(held.message, message)) return held
    }
    const isOther = (other: SealedPlace): boolean =>
      other.epoch === place.epoch &&
      ((locked !== undefined && isBelowLock(locked, other.onBase!)) ||
        (onBase !== undefined && isBelowLock(other.locked!, onBase)))
    const others = locked !== undefined ? words.onBases : onBase !== undefined ? words.locks : undefined
    for (const other of others?.values() ?? []) if (isOther(other.place)) return other.sealed
    return undefined
  }

  /** The seal of the block of that term and height on this node's chain. */
  #onDisk({ kid }: Words, { sealed, epoch }: SealedPlace): Sealed | undefined {
    const ledger = this.#deps.ledger()
    const block = sealed === undefined || ledger === undefined ? undefined : this.#deps.blockAt(sealed.height)
    if (block === undefined || block.header.term !== sealed!.term || block.header.epoch !== epoch) return undefined
    const { rules } = ledger!
    const members = epochNumbered(epochOf(rules), epoch)?.members ?? []
    if (memberOf(members, block.header.leader)?.node.seal !== kid) return undefined
    const message = blockSealMessage({ ledger: rules.context.ledger, epoch }, block.header)
    return { message, signature: block.seal }
  }

  #hearHead({ publicKey, message, signature }: SignatureCheck, isVerified: boolean): void {
    const { timeSeconds, checkpoint } = cosignedText(message)
    if (checkpoint !== this.#readHead?.checkpoint) {
      const { size: bigSize, root: rootBytes } = parseCheckpoint(checkpoint)
      this.#readHead = { checkpoint, size: Number(bigSize), root: toHex(rootBytes) }
    }
    const { size, root } = this.#readHead
    const words = this.#wordsOf(publicKey)
    const second: HeardHead = { checkpoint, timeSeconds, signature, root, isVerified }
    const first = words.heads.get(size) ?? (isVerified ? undefined : this.#attestedHead(words, size))
    if (first === undefined || (first.root === second.root && isVerified)) {
      words.heads.set(size, second)
      if (words.heads.size > heardHeadsMax) words.heads.delete(words.heads.keys().next().value!)
      return
    }
    if (first.root === second.root || this.#kept.has(words.kid)) return
    const heads = [first, second]
    const open = heads.filter((head) => !head.isVerified)
    const checks = open.map((head) => ({
      publicKey,
      message: cosignatureMessage(head.timeSeconds, head.checkpoint),
      signature: head.signature,
    }))
    this.#verify(words, checks, (verdicts) => {
      for (const [at, head] of open.entries()) head.isVerified = verdicts[at] === true
      if (first.isVerified && second.isVerified) this.accuse({ kid: words.kid, form: 'heads', first, second })
      // A bad one that came first must not hide a good one.
      else if (second.isVerified) words.heads.set(size, second)
    })
  }

  /** What this key cosigned of that size, if it is among the q that this node keeps. */
  #attestedHead({ kid }: Words, size: number): HeardHead | undefined {
    const ledger = this.#deps.ledger()
    const attestation = ledger === undefined ? undefined : this.#deps.attestationOf(size)
    if (ledger === undefined || attestation === undefined) return undefined
    const member = memberOfNodeKey(epochOf(ledger.rules), kid)?.id
    const cosigned = attestation.cosignatures.find((each) => each.member === member)
    if (cosigned === undefined) return undefined
    const { root } = attestation
    const checkpoint = formatCheckpoint({ origin: ledger.rules.genesis.origin, size, root: fromHex(root)! })
    const { time: timeSeconds, signature } = cosigned
    return { checkpoint, timeSeconds, signature, root, isVerified: false }
  }

  #verify(words: Words, checks: readonly SignatureCheck[], done: (verdicts: readonly boolean[]) => void): void {
    if (checks.length === 0) return done([])
    if (words.isSuspected) return
    words.isSuspected = true
    this.#deps.verifier.check(checks, (verdicts) =>
      this.#deps.turn(() => {
        words.isSuspected = false
        done(verdicts)
      }),
    )
  }

  // ── what was proven ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #frozen(kid: string): FrozenKey | undefined {
    const ledger = this.#deps.ledger()
    return ledger === undefined ? undefined : frozenKey(ledger.committed.state, kid)
  }

  /** @returns false when it is nothing to this ledger */
  #found(fault: Fault, file: string): boolean {
    if (this.#kept.has(fault.kid)) return true
    if (!this.#store(fault, file)) return false
    this.#deps.broadcast({ kind: 'fault', proof: utf8(file) })
    return true
  }

  #store(fault: Fault, file: string): boolean {
    const kept = this.#keep(fault, file)
    if (kept === undefined) return false
    const { kid, kind, detail } = fault
    this.#deps.log.error('fault proven', { member: kept.member, kid, fault: kind, detail })
    this.#deps.cycle.put(faultKey(kid), utf8(file))
    return true
  }

  /** Keys are known from the lists of members, so there are at most two proofs for each node that ever was. */
  #keep(fault: Fault, file: string): Kept | undefined {
    const rules = this.#deps.ledger()?.rules
    if (rules === undefined) return undefined
    const epoch = epochOf(rules)
    const member = memberOfNodeKey(epoch, fault.kid)?.id
    const isHere =
      fault.kind === 'two-heads' ? fault.origin === rules.genesis.origin : fault.ledger === rules.context.ledger
    if (member === undefined || !isHere) return undefined
    const waitMs = this.#turnOf(fault.kid, epoch.members) * rules.genesis.parameters.commitTimeoutMs
    const nextTryAt = this.#deps.clock.monotonic() + waitMs
    const kept = { member, fault, file, nextTryAt, waitMs: reportAgainMs }
    this.#kept.set(fault.kid, kept)
    return kept
  }

  /** Each member waits for those before it, so that one report goes in and not one of each; who begins differs from key to key. */
  #turnOf(kid: string, members: readonly GenesisMember[]): number {
    const first = keyFromKid(kid)!.at(-1)!
    const at = members.findIndex(({ id }) => id === this.#options.self)
    return (Math.max(at, 0) + first) % members.length
  }

  /** Signed by the centre, which is registered, in the words that anybody would use: nothing rests on who reports. */
  #report(kept: Kept): void {
    const { clock, signer, ledger, log, submit, turn } = this.#deps
    kept.nextTryAt = clock.monotonic() + kept.waitMs
    kept.waitMs = Math.min(2 * kept.waitMs, reportAgainMaxMs)
    const { rules } = ledger()!
    const self = memberOf(epochOf(rules).members, this.#options.self)
    const { kid } = kept.fault
    const key = signer.publicKey('centre')
    if (self === undefined || key === undefined || kept.file.length > reportedProofCharactersMax) {
      // The other members have the proof too; and it convicts off the ledger all the same.
      return log.warn('fault not reported', { member: kept.member, kid, bytes: kept.file.length })
    }
    const payload: JsonObject = {
      ledger: rules.context.ledger,
      type: faultReportTypeName,
      party: self.party,
      key: `fault ${kid}`,
      proof: kept.file,
    }
    const message = statementMessage(payload, key)
    signer.sign('centre', message, (signature) =>
      turn(() =>
        submit(joinStatement(message, signature), (result) => {
          if (result.kind === 'refused') log.warn('fault not reported', { member: kept.member, kid, code: result.code })
          else log.info('fault reported', { member: kept.member, kid })
        }),
      ),
    )
  }
}

const noFaults: readonly KeptFault[] = []
const firstOfCosignature = utf8('cosignature')[0]!

/** The two parts of what a cosignature signs: its line of time, and the checkpoint's text. */
function cosignedText(message: Uint8Array): { readonly timeSeconds: number; readonly checkpoint: string } {
  const text = fromUtf8(message)
  const time = text.indexOf('\n') + 1
  const checkpoint = text.indexOf('\n', time) + 1
  return { timeSeconds: Number(text.slice(time + 'time '.length, checkpoint - 1)), checkpoint: text.slice(checkpoint) }
}

const memberOf = (members: readonly GenesisMember[], id: MemberId): GenesisMember | undefined =>
  members.find((member) => member.id === id)

function remember(words: Words, place: SealedPlace, sealed: Sealed): void {
  const { kind, slot, locked, onBase } = place
  if (slot !== undefined) {
    let slots = words.slots.get(kind)
    if (slots === undefined) {
      slots = new Map()
      words.slots.set(kind, slots)
    }
    if (slots.has(slot)) return
    slots.set(slot, sealed)
    if (slots.size > heardWordsMax) slots.delete(slots.keys().next().value!)
  }
  if (locked !== undefined) {
    keepOne(words.locks, locked.term, { place, sealed }, (held) => compareRanks(held.locked!, locked) < 0)
  } else if (onBase !== undefined) {
    const { term, base } = onBase
    keepOne(words.onBases, term, { place, sealed }, (held) => compareRanks(base, held.onBase!.base) < 0)
  }
}

/** Of each term one, and of that the one that says more. */
function keepOne(kept: Map<string, Said>, term: number, said: Said, saysMore: (held: SealedPlace) => boolean): void {
  const name = `${said.place.epoch} ${term}`
  const held = kept.get(name)
  if (held !== undefined && !saysMore(held.place)) return
  kept.set(name, said)
  if (kept.size > heardWordsMax) kept.delete(kept.keys().next().value!)
}

/** Undefined when it convicts nobody. */
function verified(bytes: Uint8Array): { readonly fault: Fault; readonly file: string } | undefined {
  try {
    const proof = parseFault(bytes)
    return { fault: verifyFault(proof), file: fromUtf8(bytes) }
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}

function kidIn(bytes: Uint8Array): string | undefined {
  try {
    return parseFault(bytes).kid
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}
