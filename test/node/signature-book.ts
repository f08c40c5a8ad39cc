/**
 * Everything that the members' keys ever signed in a run, and the contradictions of protocol rule 30 among it, by the simulator's own rules
 * (`test/simulation/invariants`). An honest node makes none, whatever crashed. It reads the signed bytes as a stranger would.
 */
import type { SigningPurpose } from '../../src/node/ports.ts'
import { noBaseBelowLockRule } from '../simulation/invariants/no-base-below-lock.ts'
import { oneAckPerRankRule } from '../simulation/invariants/one-ack-per-rank.ts'
import { oneBatchPerNumberRule } from '../simulation/invariants/one-batch-per-number.ts'
import { rootPerSizeInEra } from '../simulation/invariants/one-root-per-size.ts'
import { oneSealPerRankRule } from '../simulation/invariants/one-seal-per-rank.ts'
import { oneVotePerTermRule } from '../simulation/invariants/one-vote-per-term.ts'
import { type Word, wordOf } from '../simulation/word.ts'

const rules = [oneVotePerTermRule, oneSealPerRankRule, oneAckPerRankRule, noBaseBelowLockRule, oneBatchPerNumberRule]

export class SignatureBook {
  readonly contradictions: string[] = []
  /** By who signs: how many re-foundings its cosign key came after (rule 22). */
  readonly #eras = new Map<string, number>()
  readonly #hear = [...rules, rootPerSizeInEra((signer) => this.#eras.get(signer) ?? 0)].map((rule) =>
    rule((text) => this.contradictions.push(text)),
  )
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

  comesAfterRefounding(signer: string): void {
    this.#eras.set(signer, 1)
  }

  note(member: string, purpose: SigningPurpose, message: Uint8Array): void {
    this.hear(member, wordOf(purpose, message))
  }

  hear(member: string, word: Word): void {
    if (word.kind === 'OTHER') return
    this.#counts.set(member, this.totalOf(member) + 1)
    this.#words.push({ member, word })
    for (const hear of this.#hear) hear(member, word)
  }
}
