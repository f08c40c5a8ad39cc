/**
 * The running sum over everything derived from committed blocks: Σ SHA-256(key length ‖ key ‖ value) mod 2^256. LevelDB can lose a row as
 * silently as a block (consensus.md section 1); a recount that differs from the sum that stands beside the applied height says so, and
 * the derived rows are then rebuilt from the blocks. Order does not matter, and a changed row is taken out and put back in.
 */
import { sha256 } from '#crypto'
import { readU32, u64, writeU32 } from '../chain/bytes.ts'

const bytesOfSum = 32
const limbs = bytesOfSum / 4

export class StateSum {
  /** 32 bits each, the lowest last. */
  readonly #limbs = new Uint32Array(limbs)

  constructor(bytes: Uint8Array = new Uint8Array(bytesOfSum)) {
    for (let i = 0; i < limbs; i++) this.#limbs[i] = readU32(bytes, 4 * i)
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const term = termOf(key, value)
    let carry = 0
    for (let i = limbs - 1; i >= 0; i--) {
      const sum = this.#limbs[i]! + readU32(term, 4 * i) + carry
      this.#limbs[i] = sum
      carry = sum >= 2 ** 32 ? 1 : 0
    }
  }

  remove(key: Uint8Array, value: Uint8Array): void {
    const term = termOf(key, value)
    let borrow = 0
    for (let i = limbs - 1; i >= 0; i--) {
      const difference = this.#limbs[i]! - readU32(term, 4 * i) - borrow
      this.#limbs[i] = difference
      borrow = difference < 0 ? 1 : 0
    }
  }

  /** 32 bytes, big-endian. */
  get bytes(): Uint8Array {
    const out = new Uint8Array(bytesOfSum)
    for (let i = 0; i < limbs; i++) writeU32(out, 4 * i, this.#limbs[i]!)
    return out
  }
}

function termOf(key: Uint8Array, value: Uint8Array): Uint8Array {
  return sha256(u64(key.length), key, value)
}
