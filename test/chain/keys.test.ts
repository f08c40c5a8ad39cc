import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, fromHex, toBase64Url, toHex, utf8 } from '../../src/chain/bytes.ts'
import { ed25519PublicKey, ed25519Sign } from '../../src/chain/crypto-native.ts'
import {
  ed25519KeyOf,
  isAcceptableKey,
  keyFromKid,
  kidOf,
  taggedEd25519,
  verifySignature,
} from '../../src/chain/keys.ts'

const seed = new Uint8Array(32).fill(1)
const publicKey = ed25519PublicKey(seed)
const key = taggedEd25519(publicKey)

test('a tagged key is one algorithm byte and the public key; its kid is the base64url of that', () => {
  expect(toHex(key)).toBe(`01${toHex(publicKey)}`)
  expect(toHex(ed25519KeyOf(key)!)).toBe(toHex(publicKey))
  expect(kidOf(key)).toBe(toBase64Url(key))
  expect(keyFromKid(kidOf(key))).toEqual(key)
  expect(() => taggedEd25519(new Uint8Array(31))).toThrow(RangeError)
})

test('a kid has one spelling, and only of a known algorithm', () => {
  const kid = kidOf(key)
  for (const wrong of ['', ` ${kid}`, `${kid}=`, `${kid}A`, kid.slice(0, -1), kid.replace(/^A/, '+'), `${kid}\n`]) {
    expect(keyFromKid(wrong), wrong).toBeUndefined()
  }
  expect(keyFromKid(toBase64Url(concat(Uint8Array.of(0x02), publicKey)))).toBeUndefined()
  expect(keyFromKid(toBase64Url(publicKey))).toBeUndefined()
  fc.assert(
    fc.property(fc.string({ maxLength: 50, unit: 'binary' }), (text) => {
      const read = keyFromKid(text)
      if (read !== undefined) expect(kidOf(read)).toBe(text)
    }),
  )
})

test('a signature is checked by the algorithm of the key; an unknown one verifies nothing', () => {
  const message = utf8('message')
  const signature = ed25519Sign(seed, message)
  expect(verifySignature(key, message, signature)).toBe(true)
  expect(verifySignature(key, utf8('Message'), signature)).toBe(false)
  expect(verifySignature(concat(Uint8Array.of(0x02), publicKey), message, signature)).toBe(false)
  expect(verifySignature(publicKey, message, signature)).toBe(false)
  expect(verifySignature(new Uint8Array(), message, signature)).toBe(false)
})

test('keys that may be registered: canonical, on the curve, not of small order, and free of torsion', () => {
  expect(isAcceptableKey(key)).toBe(true)
  const tagged = (hex: string): Uint8Array => taggedEd25519(fromHex(hex)!)
  const torsion = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const mixed = taggedEd25519(ed25519.Point.fromBytes(publicKey).add(torsion).toBytes())
  expect(isAcceptableKey(mixed)).toBe(false)
  expect(isAcceptableKey(taggedEd25519(torsion.toBytes()))).toBe(false)
  expect(isAcceptableKey(tagged(`01${'00'.repeat(31)}`))).toBe(false)
  expect(isAcceptableKey(tagged(`f0${'ff'.repeat(30)}7f`))).toBe(false) // y = p + 3
  expect(isAcceptableKey(tagged(`02${'00'.repeat(31)}`))).toBe(false) // not on the curve
  expect(isAcceptableKey(concat(Uint8Array.of(0x02), publicKey))).toBe(false)
  expect(isAcceptableKey(new Uint8Array())).toBe(false)
})
