import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CborError, encodeCbor } from '../../src/chain/cbor.ts'
import type { Vote } from '../../src/chain/certificate.ts'
import { decodeHeadFile, decodeVoteFile, encodeHeadFile, encodeVoteFile } from '../../src/node/durable-state.ts'
import { StateSum } from '../../src/node/state-sum.ts'
import { decodeMessage, encodeMessage, type WireMessage } from '../../src/node/wire.ts'
import {
  anyAttestation,
  anyCertificate,
  anyElection,
  anyHeight,
  anyMember,
  anyNatural,
  anyRank,
  anyRef,
  anyTerm,
  anyVote,
  bytes64,
  hex32,
} from '../chain/ledger-fixture.ts'

const bytes = fc.uint8Array({ maxLength: 100 })
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const bool = fc.boolean()
const code = fc.string({ maxLength: 60 })
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name)
const position = fc.record({ height: anyHeight, id: hex32 })
const signedVote = fc.record({ signed: anyVote as fc.Arbitrary<Vote>, signature: bytes64 })

const anyMessage: fc.Arbitrary<WireMessage> = fc.oneof(
  fc.record({ kind: kind('pre-vote'), term: anyTerm, base: anyRank, handover: bool }),
  fc.record(
    { kind: kind('pre-vote-reply'), term: anyTerm, granted: bool, ownTerm: anyTerm, lock: anyCertificate },
    { requiredKeys: ['kind', 'term', 'granted', 'ownTerm'] },
  ),
  fc.record(
    { kind: kind('vote-request'), term: anyTerm, base: anyRef, certificate: anyCertificate, handover: bool },
    { requiredKeys: ['kind', 'term', 'base', 'handover'] },
  ),
  fc.record(
    {
      kind: kind('vote-reply'),
      term: anyTerm,
      granted: bool,
      ownTerm: anyTerm,
      vote: signedVote,
      lock: anyCertificate,
    },
    { requiredKeys: ['kind', 'term', 'granted', 'ownTerm'] },
  ),
  fc.record(
    { kind: kind('elected'), election: anyElection, certificate: anyCertificate },
    { requiredKeys: ['kind', 'election'] },
  ),
  fc.record({
    kind: kind('heartbeat'),
    term: anyTerm,
    lock: anyRank,
    commit: anyHeight,
    certified: anyHeight,
    round: anyNatural,
  }),
  fc.record(
    {
      kind: kind('heartbeat-reply'),
      term: anyTerm,
      ownTerm: anyTerm,
      position,
      lock: anyRank,
      commit: anyHeight,
      round: anyNatural,
    },
    { requiredKeys: ['kind', 'term', 'ownTerm', 'lock', 'commit', 'round'] },
  ),
  fc.record({ kind: kind('ack'), base: anyRef, block: anyRef, signature: bytes64 }),
  fc.record({ kind: kind('lock'), block: anyRef, signature: bytes64 }),
  fc.record({ kind: kind('certified'), certificate: anyCertificate }),
  fc.record(
    {
      kind: kind('block-refused'),
      term: anyTerm,
      height: anyHeight,
      id: fc.oneof(hex32, fc.constant('')),
      code,
      lock: anyCertificate,
    },
    { requiredKeys: ['kind', 'term', 'height', 'id', 'code'] },
  ),
  fc.record({ kind: kind('handover'), term: anyTerm, to: anyMember }),
  fc.record({ kind: kind('read-request'), context: anyNatural }),
  fc.record({ kind: kind('read-reply'), context: anyNatural, height: anyHeight }),
  fc.record({
    kind: kind('hello'),
    incarnation: anyNatural,
    nonce: bytes16,
    term: anyTerm,
    lock: anyRank,
    registeredSize: anyNatural,
  }),
  fc.record({ kind: kind('hello-stored'), incarnation: anyNatural }),
  fc.record({ kind: kind('hello-refused'), incarnation: anyNatural, code }),
  fc.record({ kind: kind('batch'), handOn: bool, batch: bytes }),
  fc.record({ kind: kind('block'), block: bytes }),
  fc.record({ kind: kind('blocks-request'), from: anyHeight }),
  fc.record(
    {
      kind: kind('blocks-response'),
      from: anyHeight,
      blocks: fc.array(bytes, { maxLength: 4 }),
      certificate: anyCertificate,
      attestation: anyAttestation,
    },
    { requiredKeys: ['kind', 'from', 'blocks'] },
  ),
  fc.record({ kind: kind('cosignature'), size: anyNatural, root: hex32, time: anyNatural, signature: bytes64 }),
  fc.record({ kind: kind('attestation'), attestation: anyAttestation }),
) as fc.Arbitrary<WireMessage>

describe('messages', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message)
      }),
      { numRuns: 400 },
    )
  })

  it('with a bit changed are another message or a CborError', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.nat(7), (message, draw, bit) => {
        const encoded = encodeMessage(message).slice()
        encoded[draw % encoded.length]! ^= 1 << bit
        try {
          const read = decodeMessage(encoded)
          expect(Buffer.from(encodeMessage(read)).equals(encoded)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(CborError)
        }
      }),
      { numRuns: 600 },
    )
  })

  it('cut short, too long, of another version or kind, or any other bytes are a CborError', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (message, draw) => {
        const encoded = encodeMessage(message)
        expect(() => decodeMessage(encoded.subarray(0, draw % encoded.length))).toThrow(CborError)
        expect(() => decodeMessage(Buffer.concat([encoded, Uint8Array.of(0)]))).toThrow(CborError)
      }),
      { numRuns: 200 },
    )
    for (const value of [[], [1], [2, 6], [1, 0], [1, 15], [1, 19, 1], [1, '6'], 'x', null, [1, 13, 1, 2]]) {
      expect(() => decodeMessage(encodeCbor(value as never))).toThrow(CborError)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (garbage) => {
        expect(() => decodeMessage(garbage)).toThrow(CborError)
      }),
      { numRuns: 300 },
    )
  })
})

describe('slot files', () => {
  it('read back as they were written', () => {
    const vote = fc.record({
      incarnation: anyNatural,
      vote: fc.record({ term: anyTerm, candidate: fc.option(anyMember), base: fc.option(anyRef), ackBarred: bool }),
    })
    const head = fc.record({
      last: anyRef,
      lock: fc.record(
        { block: anyRef, lowerTermRank: anyRank, certificate: anyCertificate },
        { requiredKeys: ['block', 'lowerTermRank'] },
      ),
      commit: anyHeight,
      register: fc.record({ size: anyNatural, root: hex32, height: anyHeight, id: hex32 }),
    })
    fc.assert(
      fc.property(vote, head, (voteFile, headFile) => {
        expect(decodeVoteFile(encodeVoteFile(voteFile))).toEqual(voteFile)
        expect(decodeHeadFile(encodeHeadFile(headFile as never))).toEqual(headFile)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the running sum', () => {
  it('does not depend on order, tells every row, and takes back what it was given', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, bytes), { maxLength: 8 }), fc.tuple(bytes, bytes), (rows, [key, value]) => {
        const one = new StateSum()
        for (const row of rows) one.add(...row)
        const other = new StateSum()
        for (const row of [...rows].reverse()) other.add(...row)
        expect(other.bytes).toEqual(one.bytes)
        other.add(key, value)
        expect(other.bytes).not.toEqual(one.bytes)
        const resumed = new StateSum(other.bytes)
        resumed.remove(key, value)
        expect(resumed.bytes).toEqual(one.bytes)
      }),
      { numRuns: 60 },
    )
  })
})
