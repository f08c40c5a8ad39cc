import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import { rootOf } from '../../src/chain/merkle-tree.ts'
import { VerificationError, verificationTexts, verifyProofFile } from '../../src/chain/verify.ts'
import {
  cosignedAtSeconds,
  entries,
  memberIds,
  noteBy,
  origin,
  policy,
  policyText,
  proofFileOf,
  read,
  size,
} from './proof-fixture.ts'

const errorOf = (action: () => unknown): VerificationError => {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(VerificationError)
    return error as VerificationError
  }
  return expect.unreachable('it was accepted')
}

describe('verifyProofFile', () => {
  test('every entry of the tree: index, size, root, and who cosigned when', () => {
    for (let index = 0; index < size; index++) {
      const verified = verifyProofFile({ policy: policyText, proofFile: proofFileOf(index), entry: entries[index]! })
      expect(verified).toMatchObject({ index: BigInt(index), size: BigInt(size), origin })
      expect(toHex(verified.root)).toBe(toHex(rootOf(size, read)))
      expect(verified.cosigners.map(({ name, timeSeconds }) => [name, timeSeconds])).toEqual(
        [0, 1, 2].map((member) => [memberIds[member], cosignedAtSeconds + member]),
      )
    }
  })

  test('policy and proof file may be bytes, or a policy that was parsed before', () => {
    const proofFile = proofFileOf(3)
    const expected = verifyProofFile({ policy, proofFile, entry: entries[3]! })
    const fromBytes = { policy: utf8(policyText), proofFile: utf8(proofFile), entry: entries[3]! }
    expect(verifyProofFile(fromBytes)).toEqual(expected)
  })

  const good = { policy: policyText, proofFile: proofFileOf(3), entry: entries[3]! }
  test.each([
    ['another entry of the same tree', { entry: entries[4]! }, 'inclusion.mismatch'],
    ['an entry with a byte more', { entry: utf8('{"statement":"3"} ') }, 'inclusion.mismatch'],
    ['an entry too large for any ledger', { entry: new Uint8Array(65_536) }, 'entry.too-large'],
    ['the proof of another entry', { proofFile: proofFileOf(2) }, 'inclusion.mismatch'],
    ['too few cosignatures', { proofFile: proofFileOf(3, noteBy([0, 1])) }, 'policy.quorum-missing'],
    ['a policy of another ledger', { policy: policyText.replaceAll('gongzheng', 'gongzhenG') }, 'policy.malformed'],
    ['a policy without logs', { policy: 'quorum none\n' }, 'policy.unknown-log'],
    ['an index beyond the tree', { proofFile: good.proofFile.replace('index 3', 'index 13') }, 'inclusion.malformed'],
    [
      'an index of 64 bits',
      { proofFile: good.proofFile.replace('index 3', `index ${2n ** 64n - 1n}`) },
      'inclusion.malformed',
    ],
    ['no proof file', { proofFile: '' }, 'proof-file.malformed'],
    [
      'a bare checkpoint',
      { proofFile: good.proofFile.slice(good.proofFile.indexOf('\n\n') + 2) },
      'proof-file.malformed',
    ],
  ])('%s is refused', (_name, part, code) => {
    expect(errorOf(() => verifyProofFile({ ...good, ...part })).code).toBe(code)
  })

  test('any bit of the entry flipped: refused, and says why', () => {
    fc.assert(
      fc.property(fc.nat(size - 1), fc.nat(), (index, at) => {
        const entry = flipped(entries[index]!, at)
        const error = errorOf(() => verifyProofFile({ policy, proofFile: proofFileOf(index), entry }))
        expect(error.code).toBe('inclusion.mismatch')
      }),
      { numRuns: 30 },
    )
  })

  test('a bit of every byte of the proof file flipped: refused, and says why', () => {
    const proofFile = utf8(proofFileOf(3))
    const codes = new Set<string>()
    fc.assert(
      fc.property(fc.nat(7), (shift) => {
        for (let byte = 0; byte < proofFile.length; byte++) {
          const changed = flipped(proofFile, byte * 8 + ((byte + shift) % 8))
          const error = errorOf(() => verifyProofFile({ policy, proofFile: changed, entry: entries[3]! }))
          expect(error.message).not.toBe('')
          codes.add(error.code)
        }
      }),
      { numRuns: 1 },
    )
    // A flip in a name or key ID makes a signature unknown, in a time or signature wrong, in an index or hash unfit.
    for (const code of ['note.bad-signature', 'policy.quorum-missing', 'inclusion.mismatch', 'note.malformed']) {
      expect(codes).toContain(code)
    }
  })

  test('any edit of the proof file is refused, or did not change it', () => {
    const text = proofFileOf(9)
    const piece = fc.tuple(fc.nat(text.length), fc.nat(3), fc.constantFrom('', '\n', ' ', '0', 'A', '—', '=', '\n\n'))
    fc.assert(
      fc.property(piece, ([at, drop, insert]) => {
        const changed = text.slice(0, at) + insert + text.slice(at + drop)
        if (changed === text) return
        errorOf(() => verifyProofFile({ policy, proofFile: changed, entry: entries[9]! }))
      }),
      { numRuns: 200 },
    )
  })

  test('arbitrary bytes never end in another exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 100 }), (proofFile, entry) => {
        errorOf(() => verifyProofFile({ policy: proofFile, proofFile, entry }))
        errorOf(() => verifyProofFile({ policy, proofFile, entry }))
      }),
      { numRuns: 200 },
    )
  })
})

test('every code has words in Chinese and English', () => {
  for (const [code, { zh, en }] of Object.entries(verificationTexts)) {
    expect(code).toMatch(/^[a-z-]+\.[a-z-]+$/)
    for (const words of [zh, en]) {
      expect(Object.keys(words)).toEqual(['title', 'cause', 'remedy'])
      for (const text of Object.values(words)) expect(text.trim()).not.toBe('')
    }
    expect(zh.title).toMatch(/\p{Script=Han}/u)
  }
})

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const out = bytes.slice()
  const at = bit % (out.length * 8)
  out[at >> 3]! ^= 1 << (at & 7)
  return out
}
