/**
 * The `Signer` port over keys held in memory, as read from key files. A signing server or a hardware module later takes its place;
 * which messages a key may sign is decided by those who call it, each under its own domain.
 */
import { ed25519Sign } from '#crypto'
import { assert } from '../chain/assert.ts'
import type { KeyPair, NodeKeys } from './identity.ts'
import type { Signer, SigningPurpose } from './ports.ts'

export interface FileSignerOptions {
  readonly node: NodeKeys
  /** Absent where no in-house system is signed for. */
  readonly centre?: KeyPair | undefined
}

export interface FileSignerDependencies {
  readonly onFatal: (reason: string) => void
}

export class FileSigner implements Signer {
  private readonly keys: Readonly<Record<SigningPurpose, KeyPair | undefined>>
  private readonly dependencies: FileSignerDependencies

  constructor({ node, centre }: FileSignerOptions, dependencies: FileSignerDependencies) {
    this.keys = { seal: node.seal, log: node.log, cosign: node.cosign, centre }
    this.dependencies = dependencies
  }

  publicKey(purpose: SigningPurpose): Uint8Array | undefined {
    return this.keys[purpose]?.publicKey
  }

  sign(purpose: SigningPurpose, message: Uint8Array, done: (signature: Uint8Array) => void): void {
    const key = this.keys[purpose]
    assert(key !== undefined, `there is no ${purpose} key here`)
    queueMicrotask(() => {
      try {
        done(ed25519Sign(key.seed, message))
      } catch (error) {
        this.dependencies.onFatal(`signer: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      }
    })
  }
}
