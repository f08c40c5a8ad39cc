/**
 * Real Ed25519 for all simulated nodes, through one memory: what a key of this process signed is known to verify, and what was checked once is
 * not checked again. A signature that nobody here made goes through the real check, whatever it says.
 */
import { ed25519Sign } from '#crypto'
import { equalBytes } from '../../src/chain/bytes.ts'
import { verifySignature } from '../../src/chain/keys.ts'
import type { KeyPair } from '../../src/node/identity.ts'
import type { SignatureCheck } from '../../src/node/ports.ts'

interface Known {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly isGood: boolean
}

export class Signatures {
  readonly #known = new Map<string, Known>()
  readonly #shared: Signatures | undefined

  /** @param shared what many runs have in common, such as the statements */
  constructor(shared?: Signatures) {
    this.#shared = shared
  }

  sign({ seed, publicKey }: KeyPair, message: Uint8Array): Uint8Array {
    const signature = ed25519Sign(seed, message)
    this.#known.set(textOf(signature), { publicKey, message: message.slice(), isGood: true })
    return signature
  }

  verify = ({ publicKey, message, signature }: SignatureCheck): boolean => {
    const text = textOf(signature)
    const known = this.#find(text)
    if (known !== undefined && equalBytes(known.publicKey, publicKey) && equalBytes(known.message, message)) {
      return known.isGood
    }
    const isGood = verifySignature(publicKey, message, signature)
    if (known === undefined) this.#known.set(text, { publicKey: publicKey.slice(), message: message.slice(), isGood })
    return isGood
  }

  #find(text: string): Known | undefined {
    const known = this.#known.get(text)
    return known !== undefined || this.#shared === undefined ? known : this.#shared.#find(text)
  }
}

const textOf = (signature: Uint8Array): string =>
  Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength).toString('latin1')
