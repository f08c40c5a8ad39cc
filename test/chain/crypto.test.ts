import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '../../src/chain/bytes.ts'
import * as native from '../../src/chain/crypto-native.ts'
import * as portable from '../../src/chain/crypto-portable.ts'

const hex = (text: string): Uint8Array => fromHex(text)!
const bytes = (lengthMax: number) => fc.uint8Array({ maxLength: lengthMax })

/** RFC 8032 §7.1: seed, public key, message, signature. */
const rfc8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    toHex(createHash('sha512').update('abc').digest()),
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
] as const

describe.each([
  ['native', native],
  ['portable', portable],
])('%s', (_name, crypto) => {
  test('SHA-256 of "abc" (FIPS 180-4 example) and of nothing', () => {
    expect(toHex(crypto.sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    expect(toHex(crypto.sha256())).toBe(empty)
    expect(toHex(crypto.sha256(new Uint8Array()))).toBe(empty)
    expect([crypto.sha256Hex(''), crypto.sha256Hex(new Uint8Array())]).toEqual([empty, empty])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(100), (text, at) => {
        const expected = createHash('sha256').update(text, 'utf8').digest('hex')
        // Also where the bytes lie in the middle of something larger.
        const inside = concat(new Uint8Array(at), utf8(text)).subarray(at)
        expect([crypto.sha256Hex(text), crypto.sha256Hex(inside)]).toEqual([expected, expected])
      }),
    )
  })

  test('SHA-256 of parts is SHA-256 of their concatenation, in a plain array of its own', () => {
    fc.assert(
      fc.property(fc.array(bytes(200), { maxLength: 5 }), (parts) => {
        const digest = crypto.sha256(...parts)
        expect(toHex(digest)).toBe(
          createHash('sha256')
            .update(concat(...parts))
            .digest('hex'),
        )
        expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype)
        expect(digest.buffer.byteLength).toBe(32)
      }),
    )
  })

  test.each([65_535, 65_536, 65_537, 200_000])('SHA-256 of a long part of %i bytes after a short one', (length) => {
    const long = new Uint8Array(length).fill(7)
    const expected = createHash('sha256').update(Uint8Array.of(0)).update(long).digest('hex')
    expect(toHex(crypto.sha256(Uint8Array.of(0), long))).toBe(expected)
    expect(toHex(crypto.sha256(concat(Uint8Array.of(0), long)))).toBe(expected)
  })

  test('RFC 5869 A.1: HKDF-SHA256', () => {
    const okm = crypto.hkdfSha256(
      hex('0b'.repeat(22)),
      hex('000102030405060708090a0b0c'),
      hex('f0f1f2f3f4f5f6f7f8f9'),
      42,
    )
    expect(toHex(okm)).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
  })

  test('RFC 5869 A.3: HKDF-SHA256 without salt and info', () => {
    const okm = crypto.hkdfSha256(hex('0b'.repeat(22)), new Uint8Array(), new Uint8Array(), 42)
    expect(toHex(okm)).toBe('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8')
  })

  test.each(rfc8032)('RFC 8032 §7.1: seed %s', (seed, publicKey, message, signature) => {
    expect(toHex(crypto.ed25519PublicKey(hex(seed)))).toBe(publicKey)
    expect(toHex(crypto.ed25519Sign(hex(seed), hex(message)))).toBe(signature)
    expect(crypto.ed25519Verify(hex(publicKey), hex(message), hex(signature))).toBe(true)
    expect(crypto.ed25519Verify(hex(publicKey), concat(hex(message), Uint8Array.of(0)), hex(signature))).toBe(false)
  })

  test('a seed of another length is an error of the caller', () => {
    expect(() => crypto.ed25519PublicKey(new Uint8Array(31))).toThrow()
    expect(() => crypto.ed25519Sign(new Uint8Array(33), new Uint8Array())).toThrow()
  })

  test('keys or signatures of a wrong length verify nothing and throw nothing', () => {
    const [, publicKey, message, signature] = rfc8032[1]
    for (const length of [0, 31, 33, 64]) {
      expect(crypto.ed25519Verify(resized(hex(publicKey), length), hex(message), hex(signature))).toBe(false)
    }
    for (const length of [0, 32, 63, 65, 128]) {
      expect(crypto.ed25519Verify(hex(publicKey), hex(message), resized(hex(signature), length))).toBe(false)
    }
  })

  test('views into a larger buffer are read where they stand', () => {
    const [seed, publicKey, message, signature] = rfc8032[2]
    const inside = (text: string): Uint8Array => concat(hex('ffff'), hex(text), hex('ff')).subarray(2, -1)
    expect(toHex(crypto.ed25519Sign(inside(seed), inside(message)))).toBe(signature)
    expect(crypto.ed25519Verify(inside(publicKey), inside(message), inside(signature))).toBe(true)
    expect(toHex(crypto.sha256(inside('616263')))).toBe(toHex(crypto.sha256(utf8('abc'))))
  })
})

test('any bit flipped in key, message or signature is refused by both twins', () => {
  const seed = new Uint8Array(32).fill(5)
  const message = utf8('one row of an opening')
  const whole = concat(native.ed25519PublicKey(seed), native.ed25519Sign(seed, message), message)
  fc.assert(
    fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
      const flipped = whole.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const parts = [flipped.subarray(0, 32), flipped.subarray(96), flipped.subarray(32, 96)] as const
      expect(native.ed25519Verify(...parts)).toBe(false)
      expect(portable.ed25519Verify(...parts)).toBe(false)
    }),
    { numRuns: 100 },
  )
})

test('arbitrary bytes as key and signature never throw, and both twins agree', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      bytes(20),
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      (key, message, signature) => {
        signature[63]! &= 0x0f // else S < L refuses nearly all and the equation is never reached
        expect(native.ed25519Verify(key, message, signature)).toBe(portable.ed25519Verify(key, message, signature))
      },
    ),
    { numRuns: 100 },
  )
})

test('more keys than the cache holds still verify, each with its own', () => {
  // A wrong key object out of the cache would show as a signature of one key verified under another.
  const message = utf8('m')
  const seed = (i: number): Uint8Array => new Uint8Array(32).fill(i)
  const known = Array.from({ length: 40 }, (_, i) => native.ed25519PublicKey(seed(i)))
  const signatures = known.map((_, i) => native.ed25519Sign(seed(i), message))
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < known.length; i++) {
      expect(native.ed25519Verify(known[i]!, message, signatures[i]!)).toBe(true)
      expect(native.ed25519Verify(known[(i + 1) % known.length]!, message, signatures[i]!)).toBe(false)
    }
  }
})

function resized(source: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length)
  out.set(source.subarray(0, length))
  return out
}
