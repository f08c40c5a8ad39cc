/**
 * What this node shows of the ledger for others to check: proofs, checkpoints, policies. Whose word is served when members change (decision 0032):
 * that of the members of the epoch that attested the size in question, and of this node a log line only where they had it among them.
 */
import type { ConsistencyProof, InclusionProof } from '../api/service.ts'
import type { Attestation } from '../chain/block.ts'
import { fromHex } from '../chain/bytes.ts'
import { cosignature, formatCheckpoint, logMessage, logSignature } from '../chain/checkpoint.ts'
import { type Epoch, epochNumbered, epochOfSize, epochsUpTo } from '../chain/epoch.ts'
import type { GenesisMember } from '../chain/genesis.ts'
import { kidOf } from '../chain/keys.ts'
import { epochPolicy, memberCosignKey, memberLogKey, policyOfNode } from '../chain/member-policy.ts'
import { consistencyPath, inclusionPath } from '../chain/merkle-tree.ts'
import { formatNote, type Note } from '../chain/note.ts'
import { formatPolicy } from '../chain/policy.ts'
import { formatProofFile } from '../chain/proof-file.ts'
import type { Signer } from './ports.ts'
import type { Replica, ReplicaOptions } from './replica.ts'
import { attestationsFrom, readAttestation } from './store-rows.ts'

export interface ServedProofsDependencies {
  readonly signer: Signer
  readonly replica: Replica
  /** What is read of the store, unless the disk has lost some of it; then it throws. */
  readonly whole: <T>(read: () => T) => T
}

/** A note and its text: all records of a block are answered with the same one. */
interface SpelledNote {
  readonly note: Note
  readonly text: string
}

/** Notes of attested sizes, signed once and asked for by everybody who waits for that size. */
const notesMax = 64

export class ServedProofs {
  readonly #options: ReplicaOptions
  readonly #deps: ServedProofsDependencies
  /** By size. */
  readonly #notes = new Map<number, Promise<SpelledNote>>()

  constructor(options: ReplicaOptions, dependencies: ServedProofsDependencies) {
    this.#options = options
    this.#deps = dependencies
  }

  async proof(index: number, size?: number): Promise<InclusionProof | undefined> {
    this.#deps.whole(() => undefined)
    const { attested, store } = this.#deps.replica
    const newest = attested?.size === size ? attested : undefined // not on the disk yet
    const attestation = size === undefined ? await this.#attestationAbove(index) : (store.attestation(size) ?? newest)
    if (attestation === undefined || attestation.size <= index || attestation.size > this.attestedSize) return undefined
    return this.signs(epochOfSize(this.epoch, attestation.size)) ? this.proofIn(index, attestation) : undefined
  }

  /** The epoch of now. */
  get epoch(): Epoch {
    return this.#deps.replica.epoch
  }

  /** This node as the newest epoch lists it that does. */
  get self(): GenesisMember | undefined {
    for (const { members } of epochsUpTo(this.epoch)) {
      const self = members.find(({ node }) => node.id === this.#options.node)
      if (self !== undefined) return self
    }
    return undefined
  }

  /** Whether a log line of this node's key is one that the policy of this epoch knows. */
  signs({ members }: Epoch): boolean {
    const key = this.#deps.signer.publicKey('log')
    if (key === undefined) return false
    const kid = kidOf(key)
    return members.some(({ node }) => node.id === this.#options.node && node.log === kid)
  }

  /** The epoch under whose policy this node serves: that of the newest attestation, or the last one that had this node. */
  #served(): { readonly epoch: Epoch; readonly attestation: Attestation } | undefined {
    const { attested, store } = this.#deps.replica
    if (attested === undefined) return undefined
    const newest = epochOfSize(this.epoch, attested.size)
    if (this.signs(newest)) return { epoch: newest, attestation: attested }
    let { size } = newest.start
    for (let epoch = newest.previous; epoch !== undefined; size = epoch.start.size, epoch = epoch.previous) {
      const attestation = this.signs(epoch) ? this.#deps.whole(() => store.attestation(size)) : undefined
      if (attestation !== undefined) return { epoch, attestation }
    }
    return undefined
  }

  /** By the members under whose policy this node serves, so that one policy is enough for everything that is asked for at one time. */
  async #attestationAbove(index: number): Promise<Attestation | undefined> {
    const served = this.#served()
    if (served === undefined || served.attestation.size <= index) return undefined
    const { start, previous } = served.epoch
    const from = previous === undefined ? index + 1 : Math.max(index, start.size) + 1
    let found: Attestation | undefined
    // One that cannot be read is passed over: a later one proves the same.
    await new Promise<boolean>((done) =>
      this.#deps.replica.store.scan(
        { ...attestationsFrom(from), limit: 1 },
        (_, row) => {
          found = readAttestation(row)
          return false
        },
        done,
      ),
    )
    // What was served may not be on the disk yet.
    return found !== undefined && found.size <= served.attestation.size ? found : served.attestation
  }

  /** @param leaf its hash, where the caller has it */
  async proofIn(index: number, attestation: Attestation, leaf?: Uint8Array): Promise<InclusionProof> {
    const { note, text } = await this.#note(attestation)
    const read = this.#deps.replica.store.hashReader(attestation.size)
    const path = this.#deps.whole(() => inclusionPath(index, attestation.size, read))
    return {
      index,
      size: attestation.size,
      leafHash: leaf ?? this.#deps.whole(() => read(0, index)),
      path,
      checkpoint: text,
      // Spelling it parses it again: done only for whoever asks for the file.
      get proofFile() {
        return formatProofFile({ index, path, note })
      },
    }
  }

  /** The checkpoint with this node's log line and exactly the q cosignatures of the certificate. The log key signs attested heads only. */
  #note(attestation: Attestation): Promise<SpelledNote> {
    const held = this.#notes.get(attestation.size)
    if (held !== undefined) return held
    const { genesis } = this.#options.rules
    const { size, root } = attestation
    const { members } = epochOfSize(this.epoch, size)
    const memberOf = (id: string): GenesisMember => members.find((member) => member.id === id)!
    const text = formatCheckpoint({ origin: genesis.origin, size, root: fromHex(root)! })
    const note = new Promise<Uint8Array>((done) => this.#deps.signer.sign('log', logMessage(text), done)).then(
      (signature) => {
        const signatures = [
          logSignature(memberLogKey(genesis, memberOf(this.#options.member)), signature),
          ...attestation.cosignatures.map(({ member, time, signature: bytes }) =>
            cosignature(memberCosignKey(genesis, memberOf(member)), time, bytes),
          ),
        ]
        const note = { text, signatures }
        return { note, text: formatNote(note) }
      },
    )
    this.#notes.set(attestation.size, note)
    if (this.#notes.size > notesMax) this.#notes.delete(this.#notes.keys().next().value!)
    return note
  }

  consistency(from: number, to: number): ConsistencyProof | undefined {
    if (to > this.#deps.whole(() => this.attestedSize) || from < 1 || from > to) return undefined
    return {
      from,
      to,
      path: this.#deps.whole(() => consistencyPath(from, to, this.#deps.replica.store.hashReader(to))),
    }
  }

  async checkpoint(cosignatures: number): Promise<string | undefined> {
    const served = this.#deps.whole(() => this.#served())
    if (served === undefined) return undefined
    const { text, signatures } = (await this.#note(served.attestation)).note
    return formatNote({ text, signatures: signatures.slice(0, 1 + cosignatures) })
  }

  get attestedSize(): number {
    return this.#deps.replica.attested?.size ?? 0
  }

  policy(number?: number, log?: string): string | undefined {
    const epoch = number === undefined ? (this.#served()?.epoch ?? this.epoch) : epochNumbered(this.epoch, number)
    if (epoch === undefined) return undefined
    const { genesis } = this.#options.rules
    const policy = log === undefined ? epochPolicy(genesis, epoch) : policyOfNode(genesis, epoch, log)
    return policy === undefined ? undefined : formatPolicy(policy)
  }
}
