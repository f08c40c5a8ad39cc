/**
 * The running sum over everything derived from committed blocks: Σ SHA-256(key length ‖ key ‖ value) mod 2^256. LevelDB can lose a row as
 * silently as a block (consensus.md section 1); a recount that differs from the sum that stands beside the applied height says so, and
 * the derived rows are then rebuilt from the blocks. Order does not matter, and a changed row is taken out and put back in.
 */
import { sha256 } from '#crypto'
import { fromHex, toHex, u64 } from '../chain/bytes.ts'

const modulus = 1n << 256n

export class StateSum {
  #sum: bigint

  constructor(bytes: Uint8Array = new Uint8Array(32)) {
    this.#sum = BigInt(`0x${toHex(bytes)}`)
  }

  add(key: Uint8Array, value: Uint8Array): void {
    this.#sum = (this.#sum + termOf(key, value)) % modulus
  }

  remove(key: Uint8Array, value: Uint8Array): void {
    this.#sum = (this.#sum + modulus - termOf(key, value)) % modulus
  }

  /** 32 bytes, big-endian. */
  get bytes(): Uint8Array {
    return fromHex(this.#sum.toString(16).padStart(64, '0'))!
  }
}

function termOf(key: Uint8Array, value: Uint8Array): bigint {
  return BigInt(`0x${toHex(sha256(u64(key.length), key, value))}`)
}
