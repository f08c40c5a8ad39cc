/** What can happen to a file: one damage is a pure function of its bytes. Positions and lengths come from a seed, so that any case can be run again alone. */
import { assert } from '../../src/chain/assert.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'

export const damageKinds = ['flip', 'truncate', 'duplicate', 'swap'] as const
export type DamageKind = (typeof damageKinds)[number]

/** Undefined: the file is gone. */
export type Damaged = Uint8Array | undefined

export interface Damage {
  /** For people: `flip bit 3 of byte 812`. */
  readonly name: string
  apply(bytes: Uint8Array): Damaged
}

export function flip(at: number, bit: number): Damage {
  return {
    name: `flip bit ${bit} of byte ${at}`,
    apply: (bytes) => {
      const out = bytes.slice()
      out[at]! ^= 1 << bit
      return out
    },
  }
}

export const truncate = (length: number): Damage => ({
  name: `cut to ${length} bytes`,
  apply: (bytes) => bytes.slice(0, length),
})

export const duplicate = (at: number, length: number): Damage => ({
  name: `double bytes ${at}–${at + length - 1}`,
  apply: (bytes) => Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]),
})

/** Exchanges two ranges that do not overlap. */
export function swap(first: number, second: number, length: number): Damage {
  assert(first + length <= second, 'ranges that do not overlap')
  return {
    name: `swap bytes ${first}–${first + length - 1} with ${second}–${second + length - 1}`,
    apply: (bytes) => {
      const out = bytes.slice()
      out.set(bytes.subarray(second, second + length), first)
      out.set(bytes.subarray(first, first + length), second)
      return out
    },
  }
}

export const remove: Damage = { name: 'remove', apply: () => undefined }
export const empty: Damage = { name: 'empty', apply: () => new Uint8Array() }

export const garbage = (seed: number): Damage => ({
  name: 'garbage',
  apply: (bytes) => new SeededRandom(seed).bytes(bytes.length),
})

/** A page that was never written, or was unmapped by the disk. */
export const zeroPage = (at: number, length: number): Damage => ({
  name: `zero bytes ${at}–${at + length - 1}`,
  apply: (bytes) => bytes.slice().fill(0, at, at + length),
})

/** Ranges from one byte to a few pages. */
const rangeBytesMax = 8_192

/** One damage of this kind somewhere in a file of this length (at least 4 bytes). */
export function drawDamage(kind: DamageKind, length: number, random: SeededRandom): Damage {
  switch (kind) {
    case 'flip':
      return flip(random.below(length), random.below(8))
    case 'truncate':
      return truncate(random.below(length))
    case 'duplicate': {
      const at = random.below(length)
      return duplicate(at, drawLength(length - at, random))
    }
    case 'swap': {
      const bytes = drawLength(Math.floor(length / 2), random)
      const first = random.below(length - 2 * bytes + 1)
      const second = first + bytes + random.below(length - first - 2 * bytes + 1)
      return swap(first, second, bytes)
    }
  }
}

/** Short ones as often as long ones. */
function drawLength(max: number, random: SeededRandom): number {
  const limit = Math.min(max, rangeBytesMax)
  return 1 + random.below(Math.min(limit, 2 ** random.below(14)))
}
