import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, toBase64, toHex, utf8 } from '../../src/chain/bytes.ts'
import { noteVerifier } from '../../src/chain/checkpoint.ts'
import { ed25519PublicKey, ed25519Sign } from '../../src/chain/crypto-native.ts'
import {
  formatNote,
  formatSignatureLine,
  formatVerifierKey,
  isKeyName,
  keyIdOf,
  type NoteSignature,
  type NoteVerifier,
  noteBytesMax,
  parseNote,
  parseVerifierKey,
  signatureType,
  verifierKey,
  verifyNote,
} from '../../src/chain/note.ts'
import { VerificationError } from '../../src/chain/verification-error.ts'

/** The example of signed-note, Verifier keys. */
const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const signatureLine =
  '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'
const example = `This is an example message.\n\n${signatureLine}`
const verifierOf = (spelled: string): NoteVerifier => noteVerifier(parseVerifierKey(spelled))!

const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(VerificationError)
    return (error as VerificationError).code
  }
  return 'accepted'
}

describe('C2SP signed-note', () => {
  test('the example verifies, and formats back to the same bytes', () => {
    const note = parseNote(example)
    expect(note.text).toBe('This is an example message.\n')
    const [verified] = verifyNote(note, [verifierOf(vkey)])
    expect(verified!.signature.name).toBe('example.com/foo')
    expect(formatNote(note)).toBe(example)
    expect(parseNote(utf8(example))).toEqual(note)
  })

  test('the same key as type 04 has ID 7c264079', () => {
    const key = parseVerifierKey(vkey)
    expect(key).toMatchObject({ name: 'example.com/foo', type: 0x01, keyId: 0x530d903a })
    expect(formatVerifierKey(key)).toBe(vkey)
    expect(keyIdOf(key.name, signatureType.cosignature, key.publicKey)).toBe(0x7c264079)
    const cosigner = verifierKey(key.name, signatureType.cosignature, key.publicKey)
    expect(formatVerifierKey(cosigner)).toMatch(/^example\.com\/foo\+7c264079\+BOkyeRrm/)
    expect(parseVerifierKey(formatVerifierKey(cosigner))).toEqual(cosigner)
  })

  test('the text may have empty lines and other scripts; the last empty line separates the signatures', () => {
    const text = 'Ognuno sta solo sul cuor della terra\n\ned è subito sera.\n\n共证\n'
    const whole = `${text}\n${signatureLine}`
    expect(parseNote(whole).text).toBe(text)
    expect(formatNote(parseNote(whole))).toBe(whole)
    expect(parseNote(`\n\n${signatureLine}`).text).toBe('\n')
  })

  test('16 signatures and more are accepted, an endless list is not', () => {
    expect(parseNote(`text\n\n${signatureLine.repeat(128)}`).signatures).toHaveLength(128)
    expect(codeOf(() => parseNote(`text\n\n${signatureLine.repeat(129)}`))).toBe('note.malformed')
    expect(codeOf(() => parseNote(`${'x'.repeat(noteBytesMax)}\n\n${signatureLine}`))).toBe('note.malformed')
  })

  test.each([
    ['nothing', ''],
    ['no signatures', 'text\n'],
    ['no signature after the empty line', 'text\n\n'],
    ['no empty line', `text\n${signatureLine}`],
    ['no text', `\n${signatureLine}`],
    ['no final newline', example.slice(0, -1)],
    ['an empty line at the end', `${example}\n`],
    ['a hyphen for the dash', example.replace('—', '-')],
    ['no space after the dash', example.replace('— ', '—')],
    ['two spaces after the dash', example.replace('— ', '—  ')],
    ['two spaces before the signature', example.replace('foo ', 'foo  ')],
    ['a space at the end of the line', example.replace('=\n', '= \n')],
    ['a tab', example.replace('foo ', 'foo\t')],
    ['carriage returns', example.replaceAll('\n', '\r\n')],
    ['a zero byte', example.replace('This', 'This\0')],
    ['an escape', example.replace('This', '\u001b[31m')],
    ['no name', example.replace('example.com/foo ', ' ')],
    ['a plus in the name', example.replace('com/foo', 'com+foo')],
    ['a no-break space in the name', example.replace('com/foo', 'com\u00a0foo')],
    ['an ideographic space in the name', example.replace('com/foo', 'com\u3000foo')],
    ['base64 without padding', example.replace('=\n', '\n')],
    ['base64url', example.replace('Ztg1ERYNZXsYjOBH3', 'Ztg1-RYNZXsYjOBH3')],
    ['base64 with bits left over', example.replace('QM=\n', 'QN=\n')],
    ['a key ID without a signature', `text\n\n— name ${toBase64(new Uint8Array(4))}\n`],
    ['a lone surrogate', example.replace('This', '\ud800')],
  ])('malformed: %s', (_name, text) => {
    expect(codeOf(() => parseNote(text))).toBe('note.malformed')
  })

  test('malformed: bytes that are not UTF-8', () => {
    const bytes = utf8(example)
    bytes[0] = 0xff
    expect(codeOf(() => parseNote(bytes))).toBe('note.malformed')
    // Overlong, a surrogate, a truncated sequence.
    for (const bad of [
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xe2, 0x80],
    ]) {
      expect(codeOf(() => parseNote(concat(Uint8Array.from(bad), utf8(example))))).toBe('note.malformed')
    }
  })

  test('what does parse has one spelling', () => {
    const alphabet = fc.constantFrom(
      '—',
      ' ',
      '\n',
      '\n\n',
      'name',
      'AAAAAAA=',
      'AAAAAAB=',
      '+',
      '\u00a0',
      'text',
      '\ufeff',
    )
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 14 }), (parts) => {
        const text = parts.join('')
        try {
          expect(formatNote(parseNote(text))).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(VerificationError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('what could not be parsed is not formatted', () => {
    const [signature] = parseNote(example).signatures as [NoteSignature]
    expect(codeOf(() => formatNote({ text: 'text', signatures: [signature] }))).toBe('note.malformed')
    expect(codeOf(() => formatNote({ text: 'text\n', signatures: [] }))).toBe('note.malformed')
    expect(codeOf(() => formatNote({ text: 'a\tb\n', signatures: [signature] }))).toBe('note.malformed')
    expect(codeOf(() => formatSignatureLine({ ...signature, name: 'a b' }))).toBe('note.malformed')
    expect(codeOf(() => formatSignatureLine({ ...signature, signature: new Uint8Array() }))).toBe('note.malformed')
  })
})

describe('who signed', () => {
  const named = (name: string, seed: number) => verifierKey(name, signatureType.ed25519, publicKeyOf(seed))
  const publicKeyOf = (seed: number): Uint8Array => ed25519PublicKey(new Uint8Array(32).fill(seed))
  const text = 'a\nb\n'
  const signed = (name: string, seed: number): NoteSignature => ({
    name,
    keyId: named(name, seed).keyId,
    signature: ed25519Sign(new Uint8Array(32).fill(seed), utf8(text)),
  })
  const verifier = (name: string, seed: number): NoteVerifier => noteVerifier(named(name, seed))!

  test('unknown keys are ignored, also when they share name or ID with a known one', () => {
    const known = signed('log', 1)
    const sameName = { ...signed('log', 2), signature: new Uint8Array(64) }
    const sameId = { ...known, name: 'other', signature: new Uint8Array(64) }
    const verified = verifyNote({ text, signatures: [sameName, sameId, known] }, [verifier('log', 1)])
    expect(verified.map(({ signature }) => signature)).toEqual([known])
  })

  test('a wrong signature of a known key rejects the whole note, wherever it stands', () => {
    const good = signed('log', 1)
    const bad = { ...signed('witness', 2), signature: new Uint8Array(64) }
    const known = [verifier('log', 1), verifier('witness', 2)]
    for (const signatures of [
      [good, bad],
      [bad, good],
      [good, { ...good, signature: new Uint8Array(64) }],
    ]) {
      expect(codeOf(() => verifyNote({ text, signatures }, known))).toBe('note.bad-signature')
    }
    expect(
      codeOf(() => verifyNote({ text, signatures: [good, { ...good, signature: good.signature.slice(1) }] }, known)),
    ).toBe('note.bad-signature')
  })

  test('no good signature of a known key rejects the note', () => {
    expect(codeOf(() => verifyNote({ text, signatures: [signed('log', 1)] }, []))).toBe('note.no-known-signature')
    expect(codeOf(() => verifyNote({ text, signatures: [signed('log', 1)] }, [verifier('log', 2)]))).toBe(
      'note.no-known-signature',
    )
  })

  test('a key counts once, however often its line stands there', () => {
    const signature = signed('log', 1)
    expect(verifyNote({ text, signatures: [signature, signature] }, [verifier('log', 1)])).toHaveLength(1)
  })

  test('each verified signature comes with the key that was passed in, in the order of the note', () => {
    const known = [verifier('a', 1), verifier('b', 2)]
    const verified = verifyNote({ text, signatures: [signed('b', 2), signed('a', 1)] }, known)
    expect(verified.map(({ verifier }) => verifier)).toEqual([known[1], known[0]])
  })
})

describe('verifier keys', () => {
  const material = 'AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'

  test.each([
    ['nothing', ''],
    ['no ID', `example.com/foo+${material}`],
    ['no name', `+530d903a+${material}`],
    ['a space in the name', `example.com foo+530d903a+${material}`],
    ['upper-case hex', `example.com/foo+530D903A+${material}`],
    ['short hex', `example.com/foo+30d903a+${material}`],
    ['the ID of another name', `example.com/bar+530d903a+${material}`],
    ['another ID', `example.com/foo+530d903b+${material}`],
    ['base64 with padding too many', `example.com/foo+530d903a+${material}=`],
    [
      'a type of no log or cosigner',
      `example.com/foo+530d903a+${toBase64(concat(Uint8Array.of(2), new Uint8Array(32)))}`,
    ],
    ['a short key', `example.com/foo+530d903a+${toBase64(concat(Uint8Array.of(1), new Uint8Array(31)))}`],
    ['no key', 'example.com/foo+530d903a+'],
    ['a newline', `${vkey}\n`],
  ])('malformed: %s', (_name, text) => {
    expect(codeOf(() => parseVerifierKey(text))).toBe('vkey.malformed')
  })

  test('a plus in the base64 is not a separator', () => {
    // Seeds until the spelling of the key has one.
    for (let seed = 0; ; seed++) {
      const spelled = formatVerifierKey(verifierKey('log', 0x01, ed25519PublicKey(new Uint8Array(32).fill(seed))))
      expect(formatVerifierKey(parseVerifierKey(spelled))).toBe(spelled)
      if (spelled.split('+').length > 3) break
    }
  })

  test('an ML-DSA-44 key is read, though nothing here can check its signatures', () => {
    const key = verifierKey('witness', signatureType.mlDsa44Cosignature, new Uint8Array(1312).fill(7))
    expect(parseVerifierKey(formatVerifierKey(key))).toEqual(key)
    expect(noteVerifier(key)).toBeUndefined()
  })

  test('key names', () => {
    for (const name of ['a', 'example.com/foo', '广州/guangzhou', 'a—b', '\u00e9']) expect(isKeyName(name)).toBe(true)
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u2028b', 'a\u0085b', '\ud800', 'a\0']) {
      expect(isKeyName(name), JSON.stringify(name)).toBe(false)
    }
  })

  test('a key ID keeps leading zeros', () => {
    for (let n = 0; ; n++) {
      const key = verifierKey(`log${n}`, 0x01, new Uint8Array(32))
      if (key.keyId > 0xffffff) continue
      expect(formatVerifierKey(key)).toContain(`+00${toHex(Uint8Array.of(key.keyId >> 16))}`)
      expect(parseVerifierKey(formatVerifierKey(key))).toEqual(key)
      break
    }
  })
})
