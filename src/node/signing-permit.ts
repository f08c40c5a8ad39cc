/**
 * Whether this node may sign, and if not, why. Each reason is true from its event until its remedy, and nothing is signed while there is one;
 * the parts that sign, or promise that something will be signed, are told whenever the answer changes. It lasts as long as the node.
 */
import { assert } from '../chain/assert.ts'
import type { Raft } from '../consensus/raft.ts'
import { type Cosigning, headOf } from './cosigning.ts'
import type { DiskCycle } from './disk-cycle.ts'
import type { HeadKeeper } from './head-keeper.ts'
import type { Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'
import type { Log } from './ports.ts'
import type { Repair } from './repair.ts'
import { retiredKey } from './start-up.ts'

export interface SigningPermitDependencies {
  readonly cycle: DiskCycle
  readonly head: HeadKeeper
  readonly log: Log
  /** Those of the epoch that is now; undefined while the disk is being read. */
  readonly parts: () => SigningParts | undefined
}

/** Who is told, and who knows of a reason. */
export interface SigningParts {
  readonly raft: Raft
  readonly ledger: Ledger
  readonly cosigning: Cosigning
  readonly intake: Intake
  readonly repair: Repair
  /** The node in the list, not another of the same organisation: a learner counts nowhere (rule 20). */
  readonly isMember: boolean
}

export class SigningPermit {
  readonly #deps: SigningPermitDependencies
  /** Rule 17: not enough members have stored this start yet. */
  #unconfirmed = true
  /** Rules 17, 18: what this node signed, and no longer knew, is known to others. */
  #retired = false
  /** More members lie than the ledger bears, or this software is wrong. */
  #halted = false
  /** Governance has ended this epoch, and this node was shown it (rule 22): it signs nothing more in it. */
  #refounded = false
  /** What the parts were told last. */
  #isGiven = false

  constructor(dependencies: SigningPermitDependencies) {
    this.#deps = dependencies
  }

  /** What the parts were told last: whether they may sign. */
  get isGiven(): boolean {
    return this.#isGiven
  }

  /** Taken back for good; also what was to be signed already is not signed any more. */
  get isForfeited(): boolean {
    return this.#halted || this.#retired
  }

  get isRefounded(): boolean {
    return this.#refounded
  }

  /** Codes, the gravest first. */
  get reasons(): string[] {
    const parts = this.#deps.parts()
    const codes: string[] = []
    if (this.#retired) codes.push('node.retired')
    if (this.#halted) codes.push('node.halted')
    if (this.#refounded) codes.push('node.refounded')
    if (this.#deps.head.missingUpTo !== undefined || parts?.repair.active === true) codes.push('node.recovering')
    if (parts?.isMember === false) codes.push('node.not-a-member')
    else if (this.#unconfirmed) codes.push('node.unconfirmed-start')
    return codes
  }

  /** An epoch has begun; nobody has stored this node's start in it yet. */
  begin(isRefounded: boolean): void {
    this.#refounded = isRefounded
  }

  /** An epoch has ended. */
  end(): void {
    this.#unconfirmed = true
    this.review()
  }

  /** Enough members have stored this start. */
  confirm(): void {
    this.#unconfirmed = false
    this.review()
  }

  /** They hold what I signed and do not know of: this disk is older than my word (rules 17 and 18), and no later start of it is younger. */
  retire(): void {
    const { log, cycle } = this.#deps
    this.#retired = true
    log.error('retired')
    cycle.put(retiredKey, new Uint8Array())
    this.review()
  }

  /** More members lie than the ledger bears, or we are wrong: nothing is signed any more; what is final goes on being served. */
  halt(reason: string): void {
    this.#halted = true
    this.#deps.log.error('halted', { reason })
    this.review()
  }

  refound(): void {
    this.#refounded = true
    this.review()
  }

  /** Called whenever one of the reasons came or went: the parts are told if that changes whether this node may sign. */
  review(): void {
    const maySign = this.reasons.length === 0
    if (maySign === this.#isGiven) return
    const { head, log } = this.#deps
    const parts = this.#deps.parts()
    assert(parts !== undefined, 'reasons come and go while the node runs')
    const { raft, cosigning, intake, ledger } = parts
    this.#isGiven = maySign
    raft.allowSigning(maySign)
    if (!maySign) {
      cosigning.forbidSigning()
      return intake.close()
    }
    cosigning.allowSigning(headOf(ledger.committed))
    if (!head.isBehindItself) intake.openUp()
    log.info('ready', { term: raft.term, height: raft.commit })
  }
}
