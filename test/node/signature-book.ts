/**
 * Everything that the members' keys ever signed in a run, and the contradictions of protocol rule 30 among it, by the simulator's own rules
 * (`test/simulation/invariants`). An honest node makes none, whatever crashed. It reads the signed bytes as a stranger would.
 */
import { decodeCbor, field } from '../../src/chain/cbor.ts'
import type { SigningPurpose } from '../../src/node/ports.ts'
import { noBaseBelowLockRule } from '../simulation/invariants/no-base-below-lock.ts'
import { oneAckPerRankRule } from '../simulation/invariants/one-ack-per-rank.ts'
import { oneBatchPerNumberRule } from '../simulation/invariants/one-batch-per-number.ts'
import { oneRootPerSizeRule } from '../simulation/invariants/one-root-per-size.ts'
import { oneSealPerRankRule } from '../simulation/invariants/one-seal-per-rank.ts'
import { oneVotePerTermRule } from '../simulation/invariants/one-vote-per-term.ts'
import { type Word, wordOf } from '../simulation/word.ts'

const rules = [
  oneVotePerTermRule,
  oneSealPerRankRule,
  oneAckPerRankRule,
  noBaseBelowLockRule,
  oneBatchPerNumberRule,
  oneRootPerSizeRule,
]

/** Every message of a seal key names its epoch after its domain and the ledger. */
const epochOf = (message: Uint8Array): number =>
  field.natural(field.array(decodeCbor(message.subarray(message.indexOf(0) + 1 + 32)), 'signed', 2)[0], 'epoch')

export class SignatureBook {
  readonly contradictions: string[] = []
  readonly #hear = rules.map((rule) => rule((text) => this.contradictions.push(text)))
  readonly #counts = new Map<string, number>()
  readonly #words: { readonly member: string; readonly word: Word }[] = []

  /** A book that knows what this member has said so far; what is said in it is not said here. */
  copyOf(member: string): SignatureBook {
    const copy = new SignatureBook()
    for (const said of this.#words) if (said.member === member) copy.hear(member, said.word)
    return copy
  }

  /** How often anybody signed anything. */
  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  totalOf(member: string): number {
    return this.#counts.get(member) ?? 0
  }

  /** Everything it signed, in order. */
  wordsOf(member: string): readonly Word[] {
    return this.#words.filter((said) => said.member === member).map(({ word }) => word)
  }

  note(member: string, purpose: SigningPurpose, message: Uint8Array): void {
    this.hear(member, wordOf(purpose, message), purpose === 'seal' ? epochOf(message) : 0)
  }

  hear(signer: string, word: Word, epoch = 0): void {
    if (word.kind === 'OTHER') return
    this.#counts.set(signer, this.totalOf(signer) + 1)
    // What is said in one epoch contradicts nothing in another; batches and checkpoints go on through all of them.
    const goesOn = word.kind === 'BATCH' || word.kind === 'COSIGN' || epoch === 0
    const member = goesOn ? signer : `${signer}, epoch ${epoch}`
    this.#words.push({ member, word })
    for (const hear of this.#hear) hear(member, word)
  }
}
