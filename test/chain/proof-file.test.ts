import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toBase64, utf8 } from '../../src/chain/bytes.ts'
import { formatNote } from '../../src/chain/note.ts'
import { formatProofFile, parseProofFile } from '../../src/chain/proof-file.ts'
import { VerificationError } from '../../src/chain/verification-error.ts'
import { noteBy, proofFileOf } from './proof-fixture.ts'

const hash = toBase64(new Uint8Array(32).fill(9))
const noteText = formatNote(noteBy([0]))
const file = `c2sp.org/tlog-proof@v1\nindex 12\n${hash}\n\n${noteText}`

const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(VerificationError)
    return (error as VerificationError).code
  }
  return 'accepted'
}

describe('C2SP tlog-proof', () => {
  test('first line, index, path, empty line, and the checkpoint verbatim', () => {
    const text = proofFileOf(5)
    const lines = text.split('\n')
    expect(lines[0]).toBe('c2sp.org/tlog-proof@v1')
    expect(lines[1]).toBe('index 5')
    expect(lines[6]).toBe('')
    expect(lines.slice(7).join('\n')).toBe(formatNote(noteBy([0, 1, 2])))
    expect(text.match(/^— /gm)).toHaveLength(4)
    const parsed = parseProofFile(text)
    expect(parsed).toMatchObject({ index: 5n, checkpoint: { size: 13n } })
    expect(parsed.path).toHaveLength(4)
    expect(formatProofFile(parsed)).toBe(text)
    expect(parseProofFile(utf8(text))).toEqual(parsed)
  })

  test('a tree of one leaf needs no hashes', () => {
    const parsed = parseProofFile(file.replace(`${hash}\n`, ''))
    expect(parsed.path).toEqual([])
  })

  test('extra data is read and written, though nothing vouches for it', () => {
    const extra = utf8('age-v1.2.1-darwin-arm64.tar.gz')
    const text = formatProofFile({ extra, index: 1, path: [], note: noteBy([0]) })
    expect(text.split('\n')[1]).toBe(`extra ${toBase64(extra)}`)
    expect(parseProofFile(text).extra).toEqual(extra)
    expect(parseProofFile(file)).not.toHaveProperty('extra')
  })

  test('indexes keep all 64 bits', () => {
    const index = 2n ** 64n - 1n
    expect(parseProofFile(formatProofFile({ index, path: [], note: noteBy([]) })).index).toBe(index)
    expect(codeOf(() => formatProofFile({ index: index + 1n, path: [], note: noteBy([]) }))).toBe(
      'proof-file.malformed',
    )
  })

  test.each([
    ['nothing', ''],
    ['another version', file.replace('@v1', '@v2')],
    ['a byte order mark', `\ufeff${file}`],
    ['a space at the end of the first line', file.replace('@v1', '@v1 ')],
    ['carriage returns', file.replaceAll('\n', '\r\n')],
    ['no index', file.replace('index 12\n', '')],
    ['an index with a leading zero', file.replace('12', '012')],
    ['a negative index', file.replace('12', '-12')],
    ['an index of over 64 bits', file.replace('12', '18446744073709551616')],
    ['two spaces before the index', file.replace('index ', 'index  ')],
    ['an upper-case keyword', file.replace('index', 'Index')],
    ['the index twice', file.replace('index 12\n', 'index 12\nindex 12\n')],
    ['empty extra data', file.replace('index', 'extra \nindex')],
    ['extra data that is not base64', file.replace('index', 'extra a\nindex')],
    ['extra data twice', file.replace('index', 'extra AA==\nextra AA==\nindex')],
    ['extra data after the index', file.replace('index 12\n', 'index 12\nextra AA==\n')],
    ['a short hash', file.replace(hash, toBase64(new Uint8Array(31)))],
    ['a long hash', file.replace(hash, toBase64(new Uint8Array(33)))],
    ['a hash with bits left over', file.replace(hash, `${hash.slice(0, -2)}l=`)],
    ['a hash in hex', file.replace(hash, '09'.repeat(32))],
    ['a space after a hash', file.replace(hash, `${hash} `)],
    ['more hashes than any tree has', file.replace(`${hash}\n`, `${hash}\n`.repeat(65))],
    ['no empty line', file.replace('\n\n', '\n')],
    ['too long', `${file}${'x'.repeat(2_000_001)}`],
  ])('malformed: %s', (_name, text) => {
    expect(codeOf(() => parseProofFile(text))).toBe('proof-file.malformed')
  })

  test('malformed: bytes that are not UTF-8', () => {
    const bytes = utf8(file)
    bytes[3] = 0x80
    expect(codeOf(() => parseProofFile(bytes))).toBe('proof-file.malformed')
  })

  test('a malformed note or checkpoint within says so itself', () => {
    expect(codeOf(() => parseProofFile(file.slice(0, -1)))).toBe('note.malformed')
    expect(codeOf(() => parseProofFile(`${file}\n`))).toBe('note.malformed')
    expect(codeOf(() => parseProofFile(file.replace('\n\n', '\n\n\n')))).toBe('checkpoint.malformed')
    expect(codeOf(() => parseProofFile(file.replace('\n13\n', '\n013\n')))).toBe('checkpoint.malformed')
  })

  test('what does parse has one spelling', () => {
    const lines = fc.constantFrom(
      'c2sp.org/tlog-proof@v1',
      'index 0',
      'index 12',
      'extra AA==',
      'extra ',
      hash,
      '',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 6 }), (head) => {
        const text = `${['c2sp.org/tlog-proof@v1', ...head].join('\n')}\n\n${noteText}`
        try {
          expect(formatProofFile(parseProofFile(text))).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(VerificationError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
