import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CborError, decodeCbor, encodeCbor } from '../../src/chain/cbor.ts'
import {
  certificateFromCbor,
  certificateToCbor,
  sealMessage,
  signableFromCbor,
  signableMessage,
  signableToCbor,
} from '../../src/chain/certificate.ts'
import { anyCertificate, anyElection, anyRef, anyVote, rules, signature } from './ledger-fixture.ts'

describe('certificates', () => {
  it('read back as they were written, in one order of members', () => {
    fc.assert(
      fc.property(fc.oneof(anyElection, anyCertificate), (made) => {
        const bytes = encodeCbor(certificateToCbor(made))
        expect(certificateFromCbor(decodeCbor(bytes), 'c')).toEqual(made)
        const shuffled = { ...made, signatures: [...made.signatures].reverse() }
        expect(encodeCbor(certificateToCbor(shuffled as typeof made))).toEqual(bytes)
      }),
      { numRuns: 100 },
    )
  })

  it('are refused with a member twice, out of order, or more signatures than any ledger has members', () => {
    const [vote] = fc.sample(anyVote, { numRuns: 1, seed: 1 })
    const signed = signableToCbor(vote!)
    const by = (...members: string[]) => [signed, members.map((member) => [member, signature(1)])]
    expect(certificateFromCbor(by('a', 'b'), 'c').signatures).toHaveLength(2)
    expect(() => certificateFromCbor(by('a', 'a'), 'c')).toThrow(/ascend/)
    expect(() => certificateFromCbor(by('b', 'a'), 'c')).toThrow(/ascend/)
    const many = Array.from({ length: 256 }, (_, i) => `m${String(i).padStart(3, '0')}`)
    expect(() => certificateFromCbor(by(...many), 'c')).toThrow(/too many/)
  })

  it('no two kinds, ledgers or epochs ever share signed bytes', () => {
    fc.assert(
      fc.property(anyRef, anyRef, (base, block) => {
        const messages = [
          signableMessage(rules.context, { kind: 'vote', term: block.term, candidate: 'beijing', base }),
          signableMessage(rules.context, { kind: 'ack', base, block }),
          signableMessage(rules.context, { kind: 'lock', block }),
          signableMessage({ ...rules.context, epoch: 1 }, { kind: 'lock', block }),
          signableMessage({ ...rules.context, ledger: '01'.repeat(32) }, { kind: 'lock', block }),
          sealMessage('READY', rules.context, []),
        ].map((bytes) => Buffer.from(bytes).toString('hex'))
        expect(new Set(messages).size).toBe(messages.length)
      }),
      { numRuns: 30 },
    )
  })

  it('of an unknown kind or shape are a CborError', () => {
    for (const value of [[3, 1], [0, 1], [], null, 7, [2, [1, 2]], [0, 2 ** 49, 'a', [1, 1, new Uint8Array(32)]]]) {
      expect(() => signableFromCbor(value as never, 's')).toThrow(CborError)
    }
  })
})
