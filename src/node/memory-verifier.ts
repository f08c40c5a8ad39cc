/**
 * The `Verifier` port for the simulator: checks in this thread, answers as a later event of the clock that is handed in. `verify`
 * may be replaced where a run has to be fast and all its signatures are known.
 */
import { verifySignature } from '../chain/keys.ts'
import type { Clock, SignatureCheck, Verifier } from './ports.ts'

export interface MemoryVerifierOptions {
  /** How long a batch takes, and how much longer for each check in it. */
  readonly batchMs?: number
  readonly checkMs?: number
}

export interface MemoryVerifierDependencies {
  readonly clock: Clock
  readonly verify?: (check: SignatureCheck) => boolean
}

export class MemoryVerifier implements Verifier {
  private readonly options: MemoryVerifierOptions
  private readonly dependencies: MemoryVerifierDependencies

  constructor(options: MemoryVerifierOptions, dependencies: MemoryVerifierDependencies) {
    this.options = options
    this.dependencies = dependencies
  }

  check(checks: readonly SignatureCheck[], done: (verdicts: readonly boolean[]) => void): void {
    const { clock, verify = verifyHere } = this.dependencies
    const { batchMs = 0, checkMs = 0 } = this.options
    clock.after(batchMs + checkMs * checks.length, () => done(checks.map(verify)))
  }
}

const verifyHere = ({ publicKey, message, signature }: SignatureCheck): boolean =>
  verifySignature(publicKey, message, signature)
