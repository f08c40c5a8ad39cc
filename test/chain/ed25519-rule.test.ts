/**
 * The ledger's Ed25519 rule (layout.md, decision 8) on every edge case of A and R: small order, mixed order, non-canonical encodings,
 * cancelled and uncancelled low-order parts. The cases are made here, in the way of C2SP/CCTV and of "Taming the many EdDSAs"
 * (Chalkias et al., 2020), with what the rule says about each known from how it was made. The vectors of C2SP/CCTV themselves
 * (github.com/C2SP/CCTV, ed25519/ed25519vectors.json) are checked too when GONGZHENG_ED25519_VECTORS names the file.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '../../src/chain/bytes.ts'
import * as native from '../../src/chain/crypto-native.ts'
import * as portable from '../../src/chain/crypto-portable.ts'
import { isEncodingAllowed, isPointAllowed } from '../../src/chain/ed25519-encoding.ts'
import { type Ed25519Implementation, ed25519Native, libsodium, openssl } from '../../src/chain/ed25519-native.ts'

const { Point } = ed25519
const order = Point.Fn.ORDER
const p = Point.Fp.ORDER

type Verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
const by =
  ({ verify }: Ed25519Implementation): Verify =>
  (key, message, signature) =>
    isEncodingAllowed(key, signature) && verify(key, message, signature)
/** Whatever may check a signature somewhere: what this machine uses, each of its two by itself, and the browser's. */
const implementations: readonly (readonly [string, Verify])[] = [
  ['native', native.ed25519Verify],
  ['openssl', by(openssl)],
  ...(libsodium === undefined ? [] : [['libsodium', by(libsodium)] as const]),
  ['portable', portable.ed25519Verify],
]
const accepted = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  const verdicts = implementations.map(([, verify]) => verify(key, message, signature))
  for (const [i, [name]] of implementations.entries()) {
    expect(verdicts[i], `${name} on key ${toHex(key)} signature ${toHex(signature)}`).toBe(verdicts[0])
  }
  return verdicts[0]!
}

/** Encodings of one point = scalar·B + torsion·T, T of order 8. */
interface Case {
  readonly scalar: bigint
  readonly torsion: number
  readonly bytes: Uint8Array
  readonly canonical: boolean
}

const t8 = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
const torsionPoint = (n: number): typeof t8 => (n === 0 ? Point.ZERO : t8.multiplyUnsafe(BigInt(n)))

function encodings(scalar: bigint): Case[] {
  const cases: Case[] = []
  for (let torsion = 0; torsion < 8; torsion++) {
    const point = torsionPoint(torsion).add(scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar))
    const bytes = point.toBytes()
    cases.push({ scalar, torsion, bytes, canonical: true })
    if (scalar !== 0n) continue
    // The other spellings: y + p where it fits in 255 bits, and "negative zero" x.
    const { x, y } = point.toAffine()
    const sign = bytes[31]! & 0x80
    for (const otherY of y + p < 2n ** 255n ? [y, y + p] : [y]) {
      for (const otherSign of x === 0n ? [0, 0x80] : [sign]) {
        const other = littleEndian(otherY)
        other[31]! |= otherSign
        if (toHex(other) !== toHex(bytes)) cases.push({ scalar, torsion, bytes: other, canonical: false })
      }
    }
  }
  return cases
}

const smallOrder = encodings(0n)
const mixedOrder = encodings(0x1234567890abcdef1234567890abcdefn)
const allA = [...smallOrder, ...mixedOrder]
const allR = [...encodings(0n), ...encodings(0xfedcba0987654321n)]

/** S for which the equation holds up to the low-order parts, and whether those cancel. */
function sign(a: Case, r: Case, message: Uint8Array): { signature: Uint8Array; cancels: boolean } {
  const hash = createHash('sha512').update(r.bytes).update(a.bytes).update(message).digest()
  const k = fromLittleEndian(hash) % order
  const s = (r.scalar + k * a.scalar) % order
  return {
    signature: concat(r.bytes, littleEndian(s)),
    cancels: (BigInt(r.torsion) + (k % 8n) * BigInt(a.torsion)) % 8n === 0n,
  }
}

describe('the ledger’s Ed25519 rule, every implementation', () => {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  test.runIf(header.glibcVersionRuntime !== undefined)('with glibc, libsodium is what signs and checks', () => {
    expect(ed25519Native.name).toBe('libsodium')
  })

  test('both native implementations make the same signature, and know a seed of the wrong length', () => {
    const seed = new Uint8Array(32).fill(9)
    for (const length of [0, 1, 127, 128, 700]) {
      const message = new Uint8Array(length).fill(length)
      const signatures = [openssl, ed25519Native].map(({ sign }) => toHex(sign(seed, message)))
      expect(signatures).toEqual(new Array(2).fill(toHex(portable.ed25519Sign(seed, message))))
    }
    for (const { sign } of [openssl, ed25519Native]) {
      expect(() => sign(new Uint8Array(31), seed)).toThrow(RangeError)
    }
  })

  test('there are eight points of small order with fourteen encodings, and the rule allows none of them', () => {
    expect(smallOrder).toHaveLength(14)
    for (const { bytes } of smallOrder) expect(isPointAllowed(bytes, 0), toHex(bytes)).toBe(false)
  })

  test('a point whose y is p or more is refused, one below is not (but for small order)', () => {
    for (let y = p - 30n; y < 2n ** 255n; y++) {
      for (const signBit of [0, 0x80]) {
        const bytes = littleEndian(y)
        bytes[31]! |= signBit
        expect(isPointAllowed(bytes, 0), toHex(bytes)).toBe(y < p - 1n)
      }
    }
  })

  test('every pair of encodings of A and R: accepted only if neither is of small order and the low-order parts cancel', () => {
    const seen = { accepted: 0, refused: 0 }
    for (const a of allA) {
      for (const r of allR) {
        for (const cancels of [true, false]) {
          const found = find(a, r, cancels)
          if (found === undefined) continue // e.g. nothing to cancel when both are free of low-order parts
          const allowed = cancels && a.scalar !== 0n && r.scalar !== 0n
          expect(accepted(a.bytes, found.message, found.signature), `A ${toHex(a.bytes)} R ${toHex(r.bytes)}`).toBe(
            allowed,
          )
          seen[allowed ? 'accepted' : 'refused'] += 1
        }
      }
    }
    // 43 of the 64 pairs of mixed points can cancel (R in the group of A): as many as remain of the 914 vectors of C2SP/CCTV.
    expect(seen).toEqual({ accepted: 43, refused: 725 })
  })

  test('S must be below L: adding L, or L itself, is refused', () => {
    const a = mixedOrder[0]!
    const r = allR.find(({ scalar, torsion }) => scalar !== 0n && torsion === 0)!
    const { signature } = sign(a, r, utf8('s'))
    expect(accepted(a.bytes, utf8('s'), signature)).toBe(true)
    const s = fromLittleEndian(signature.subarray(32))
    for (let n = 1n; s + n * order < 2n ** 256n; n++) {
      expect(accepted(a.bytes, utf8('s'), concat(r.bytes, littleEndian(s + n * order)))).toBe(false)
    }
    const allowed = (scalar: bigint): boolean => isEncodingAllowed(a.bytes, concat(r.bytes, littleEndian(scalar)))
    expect([0n, 1n, 2n ** 252n, order - 1n].map(allowed)).toEqual([true, true, true, true])
    expect([order, order + 1n, 2n ** 253n, 2n ** 255n, 2n ** 256n - 1n].map(allowed)).toEqual(new Array(5).fill(false))
    expect([2n ** 252n + 2n ** 125n, 2n ** 252n + 2n ** 128n].map(allowed)).toEqual([false, false])
  })

  test('A that is no point of the curve verifies nothing and throws nothing', () => {
    const r = allR.at(-1)!
    let tried = 0
    for (let y = 2n; tried < 10; y++) {
      const bytes = littleEndian(y)
      if (isOnCurve(bytes)) continue
      tried += 1
      expect(isPointAllowed(bytes, 0)).toBe(true)
      expect(accepted(bytes, utf8('m'), concat(r.bytes, littleEndian(1n)))).toBe(false)
    }
  })

  test('R that is no point of the curve is refused', () => {
    const a = mixedOrder[0]!
    expect(accepted(a.bytes, utf8('m'), concat(littleEndian(2n), littleEndian(1n)))).toBe(false)
  })

  const file = process.env.GONGZHENG_ED25519_VECTORS
  test.skipIf(file === undefined)('the 914 vectors of C2SP/CCTV: the same 43 are accepted', () => {
    const vectors = JSON.parse(readFileSync(file!, 'utf8')) as { key: string; sig: string; msg: string }[]
    expect(vectors).toHaveLength(914)
    const good = vectors.filter(({ key, sig, msg }) => accepted(fromHex(key)!, utf8(msg), fromHex(sig)!))
    expect(good).toHaveLength(43)
  })
})

function find(a: Case, r: Case, cancels: boolean): { message: Uint8Array; signature: Uint8Array } | undefined {
  for (let n = 0; n < 64; n++) {
    const message = utf8(`edge case ${n}`)
    const signed = sign(a, r, message)
    if (signed.cancels === cancels) return { message, signature: signed.signature }
  }
  return undefined
}

function isOnCurve(bytes: Uint8Array): boolean {
  try {
    Point.fromBytes(bytes)
    return true
  } catch {
    return false
  }
}

function littleEndian(value: bigint): Uint8Array {
  const out = new Uint8Array(32)
  for (let i = 0, rest = value; i < 32; i++, rest >>= 8n) out[i] = Number(rest & 0xffn)
  return out
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`)
}
