/**
 * Inputs that once did what no input may, kept for good: what they did is what each must not do again. Most were found by mutation; a new
 * one is put here as `npm run fuzz` printed it, or as the code that makes it.
 */
import { encodeCbor } from '../../src/chain/cbor.ts'
import { bytesOf } from './subject.ts'

export interface Found {
  readonly subject: string
  /** What it did. */
  readonly did: string
  readonly input: Uint8Array
}

const digest = new Uint8Array(32).fill(1)
const ref = [1, 2, digest]
const sealedKey = (cost: number | string): string =>
  `{"version":1,"kind":"node","origin":"gongzheng.example/00","protection":{"cipher":"aes-256-gcm","derivation":"scrypt","cost":${cost},"salt":"${'A'.repeat(22)}","nonce":"${'A'.repeat(16)}"},"seed":"${'A'.repeat(64)}"}`
const millionOf = (item: number): Uint8Array => {
  const bytes = new Uint8Array(1_000_005).fill(item)
  bytes.set([0x9a, 0x00, 0x0f, 0x42, 0x40])
  return bytes
}

export const corpus: readonly Found[] = [
  {
    subject: 'attestation',
    did: 'was accepted with a time that no calendar has: whoever showed it crashed',
    input: encodeCbor([9, digest, [['wuhan', 2 ** 53 - 1, new Uint8Array(64)]]]),
  },
  {
    subject: 'entry',
    did: 'was refused with the code of JSON, for a lone surrogate',
    input: bytesOf('{"member":"wuhan","receivedAt":"1970-01-01T00:00:00.000Z","statement":"\\ud800"}'),
  },
  {
    subject: 'key-file',
    did: 'ended in a RangeError of OpenSSL, with a cost that small',
    input: bytesOf(sealedKey(2)),
  },
  {
    subject: 'key-file',
    did: 'ended in a RangeError of Node: its logarithm is whole, the cost is not',
    input: bytesOf(sealedKey('2.0000000000000004')),
  },
  {
    subject: 'head-file',
    did: 'ended in a RangeError: a term above all terms in the rank beside the lock',
    input: encodeCbor([1, ref, [ref, null, [2 ** 48 + 1, 0]], 0, [0, digest, 0, digest]]),
  },
  {
    subject: 'proof-claims',
    did: 'ended in a TypeError: not every object can be made a text',
    input: bytesOf('{"index":{"toString":1},"size":{"toString":1},"from":{"toString":1}}'),
  },
  {
    subject: 'founding-file',
    did: 'ended in a TypeError: a card without region, name, party and keys',
    input: bytesOf(
      '{"card":{"version":1,"name":"gongzheng.example","foundingId":"00112233445566778899aabbccddeeff","member":{"id":"wuhan","addresses":[],"node":{}}}}',
    ),
  },
  { subject: 'messages', did: 'took seconds: a million nulls', input: millionOf(0xf6) },
  { subject: 'messages', did: 'took seconds: a million empty lists', input: millionOf(0x80) },
  {
    subject: 'messages',
    did: 'used up the stack: a million lists in lists',
    input: new Uint8Array(1_000_000).fill(0x81),
  },
]
