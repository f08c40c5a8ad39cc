import { createPublicKey, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, toBase64, toBase64Url, utf8 } from '../../src/chain/bytes.ts'
import {
  cosignature,
  cosignatureMessage,
  cosignerVerifierKey,
  formatCheckpoint,
  logVerifierKey,
  noteVerifier,
  parseCheckpoint,
  parseCosignature,
  parseDecimal,
} from '../../src/chain/checkpoint.ts'
import { emptyRoot } from '../../src/chain/merkle-tree.ts'
import { formatNote, parseNote } from '../../src/chain/note.ts'
import { VerificationError } from '../../src/chain/verification-error.ts'
import {
  checkpointText,
  cosignatureBy,
  cosignedAtSeconds,
  cosignerKeys,
  logSignatureBy,
  origin,
} from './proof-fixture.ts'

const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(VerificationError)
    return (error as VerificationError).code
  }
  return 'accepted'
}

describe('C2SP tlog-checkpoint', () => {
  /** The example of tlog-cosignature. */
  const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
  const example = `${text}
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`

  test('the example parses and formats back', () => {
    const note = parseNote(example)
    expect(formatNote(note)).toBe(example)
    const checkpoint = parseCheckpoint(note.text)
    expect(checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163n, extensions: [] })
    expect(formatCheckpoint(checkpoint)).toBe(text)
    // "time 1679315147" is the time that the spec signs in its example.
    expect(parseCosignature(note.signatures[1]!.signature)?.timeSeconds).toBe(1679315147)
    expect(cosignatureMessage(1679315147, note.text)).toEqual(utf8(`cosignature/v1\ntime 1679315147\n${text}`))
  })

  test('the empty tree', () => {
    const spelled = formatCheckpoint({ origin: 'o', size: 0, root: emptyRoot })
    expect(spelled).toBe('o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n')
    expect(parseCheckpoint(spelled)).toEqual({ origin: 'o', size: 0n, root: emptyRoot, extensions: [] })
  })

  test('extension lines of other logs are read, and never written', () => {
    expect(parseCheckpoint(`${text}one\ntwo three\n`).extensions).toEqual(['one', 'two three'])
    expect(codeOf(() => parseCheckpoint(`${text}\n`))).toBe('checkpoint.malformed')
    expect(codeOf(() => parseCheckpoint(`${text}one\n\ntwo\n`))).toBe('checkpoint.malformed')
  })

  const root = toBase64(new Uint8Array(32))
  test.each([
    ['nothing', ''],
    ['no final newline', `o\n1\n${root}`],
    ['two lines', 'o\n1\n'],
    ['no origin', `\n1\n${root}\n`],
    ['a leading zero', `o\n01\n${root}\n`],
    ['zero twice', `o\n00\n${root}\n`],
    ['a sign', `o\n+1\n${root}\n`],
    ['a negative size', `o\n-1\n${root}\n`],
    ['a fraction', `o\n1.0\n${root}\n`],
    ['hex', `o\n0x1\n${root}\n`],
    ['an exponent', `o\n1e3\n${root}\n`],
    ['a space', `o\n1 \n${root}\n`],
    ['other digits', `o\n１\n${root}\n`],
    ['no size', `o\n\n${root}\n`],
    ['a size of over 64 bits', `o\n18446744073709551616\n${root}\n`],
    ['a short root', `o\n1\n${toBase64(new Uint8Array(31))}\n`],
    ['a long root', `o\n1\n${toBase64(new Uint8Array(33))}\n`],
    ['a root without padding', `o\n1\n${root.slice(0, -1)}\n`],
    ['a root with bits left over', `o\n1\n${root.slice(0, -2)}B=\n`],
  ])('malformed: %s', (_name, spelled) => {
    expect(codeOf(() => parseCheckpoint(spelled))).toBe('checkpoint.malformed')
  })

  test('sizes keep all 64 bits', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (size, hash) => {
          expect(parseCheckpoint(formatCheckpoint({ origin, size, root: hash }))).toMatchObject({ size, root: hash })
        },
      ),
    )
    expect(parseDecimal('9007199254740993')).toBe(9007199254740993n)
    expect(parseDecimal('99999999999999999999')).toBeUndefined()
  })

  test('what could not be parsed is not formatted', () => {
    const good = { origin, size: 1, root: emptyRoot }
    for (const wrong of [
      { origin: '' },
      { origin: 'a\nb' },
      { origin: `a\n1\n${root}` },
      { size: -1 },
      { size: 0.5 },
      { size: Number.NaN },
      { size: 1e21 },
      { root: new Uint8Array(31) },
    ]) {
      expect(codeOf(() => formatCheckpoint({ ...good, ...wrong }))).toBe('checkpoint.malformed')
    }
  })
})

describe('signatures under a checkpoint', () => {
  const nodeKey = (publicKey: Uint8Array) =>
    createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(publicKey) }, format: 'jwk' })

  test('tlog-cosignature: u64 big-endian seconds ‖ Ed25519 over header, time and the whole text', () => {
    const { signature, name, keyId } = cosignatureBy(2)
    const key = cosignerKeys[2]!
    expect({ name, keyId }).toEqual({ name: `${origin}/wuhan`, keyId: key.keyId })
    expect(signature).toHaveLength(72)
    const time = cosignedAtSeconds + 2
    expect(new DataView(signature.buffer).getBigUint64(0)).toBe(BigInt(time))
    // Checked with nothing of ours.
    const signedBytes = Buffer.from(`cosignature/v1\ntime ${time}\n${checkpointText}`)
    expect(verify(null, signedBytes, nodeKey(key.publicKey), signature.subarray(8))).toBe(true)
    expect(noteVerifier(key)!.verify(checkpointText, signature)).toBe(true)
  })

  test('a cosignature holds for one time and one text only', () => {
    const { signature } = cosignatureBy(0)
    const verifier = noteVerifier(cosignerKeys[0]!)!
    expect(verifier.verify(`${checkpointText}extension\n`, signature)).toBe(false)
    for (let byte = 0; byte < signature.length; byte++) {
      const changed = signature.slice()
      changed[byte]! ^= 1
      expect(verifier.verify(checkpointText, changed)).toBe(false)
    }
    for (const length of [0, 8, 64, 71, 73]) {
      expect(verifier.verify(checkpointText, concat(signature, signature).subarray(0, length))).toBe(false)
    }
  })

  test('a log signature is no cosignature and the reverse, even by one key', () => {
    const log = noteVerifier(logVerifierKey(origin, concat(Uint8Array.of(1), cosignerKeys[0]!.publicKey)))!
    expect(log.verify(checkpointText, cosignatureBy(0).signature.subarray(8))).toBe(false)
    expect(noteVerifier(cosignerKeys[0]!)!.verify(checkpointText, logSignatureBy(0).signature)).toBe(false)
  })

  test('a time of over 2^53 − 1 seconds is refused', () => {
    expect(parseCosignature(new Uint8Array(72).fill(0xff, 0, 8))).toBeUndefined()
    const latest = cosignature(cosignerKeys[0]!, Number.MAX_SAFE_INTEGER, new Uint8Array(64))
    expect(parseCosignature(latest.signature)?.timeSeconds).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('only Ed25519 keys and proper names make verifier keys', () => {
    expect(codeOf(() => logVerifierKey(origin, new Uint8Array(33).fill(2)))).toBe('vkey.malformed')
    expect(codeOf(() => cosignerVerifierKey('a b', concat(Uint8Array.of(1), cosignerKeys[0]!.publicKey)))).toBe(
      'vkey.malformed',
    )
  })
})
