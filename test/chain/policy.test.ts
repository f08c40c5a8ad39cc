import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '../../src/chain/bytes.ts'
import { cosignerVerifierKey, formatCheckpoint, logVerifierKey } from '../../src/chain/checkpoint.ts'
import { ed25519PublicKey } from '../../src/chain/crypto-native.ts'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import { formatVerifierKey, type Note, type NoteSignature, signatureType, verifierKey } from '../../src/chain/note.ts'
import { checkNoteAgainstPolicy, formatPolicy, type Policy, parsePolicy } from '../../src/chain/policy.ts'
import { VerificationError } from '../../src/chain/verification-error.ts'
import {
  checkpointText,
  cosignatureBy,
  cosignedAtSeconds,
  cosignerKeys,
  logKeys,
  logSignatureBy,
  memberIds,
  noteBy,
  origin,
  policy,
  policyText,
} from './proof-fixture.ts'

const tagged = (seed: number): Uint8Array => taggedEd25519(ed25519PublicKey(new Uint8Array(32).fill(seed)))
const logKey = (name: string, seed: number): string => formatVerifierKey(logVerifierKey(name, tagged(seed)))
const witnessKey = (name: string, seed: number): string => formatVerifierKey(cosignerVerifierKey(name, tagged(seed)))
const [w1, w2, w3] = [witnessKey('w1', 21), witnessKey('w2', 22), witnessKey('w3', 23)] as const

const errorOf = (action: () => unknown): VerificationError => {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(VerificationError)
    return error as VerificationError
  }
  return expect.unreachable('it was accepted')
}

describe('C2SP tlog-policy: syntax', () => {
  test('the example of the spec, with keys filled in', () => {
    const names = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3']
    const witness = (name: string): string => `witness ${name} ${witnessKey(name, 30 + names.indexOf(name))}\n`
    const text = `log ${logKey('example.com/log', 1)}

${names.slice(0, 3).map(witness).join('')}group X-witnesses 2 X1 X2 X3

${names.slice(3).map(witness).join('')}group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`
    const parsed = parsePolicy(text)
    expect(parsed.logs.map(({ key }) => key.name)).toEqual(['example.com/log'])
    expect(parsed.witnesses.map(({ name }) => name)).toEqual(names)
    expect(parsed.groups).toEqual([
      { name: 'X-witnesses', threshold: 2, members: ['X1', 'X2', 'X3'] },
      { name: 'Y-witnesses', threshold: 1, members: ['Y1', 'Y2', 'Y3'] },
      { name: 'X-and-Y', threshold: 2, members: ['X-witnesses', 'Y-witnesses'] },
    ])
    expect(parsed.quorum).toBe('X-and-Y')
    expect(parsePolicy(formatPolicy(parsed))).toEqual(parsed)
  })

  test('our own policies are written so that they read back', () => {
    expect(parsePolicy(policyText)).toEqual(policy)
    expect(policyText.split('\n')[0]).toBe(`log ${formatVerifierKey(logKeys[0]!)}`)
    expect(policyText.endsWith('group members 3 guangzhou beijing wuhan hangzhou\nquorum members\n')).toBe(true)
  })

  test('spaces, tabs, empty lines, comments, URLs and any order of logs and witnesses', () => {
    const text = `# a comment, 中文也可以\n \t\n\t# another\n  witness\tw1  ${w1} https://w1.example/ \nquorum  w1\t\nlog ${logKey('l', 1)} https://l.example/\n`
    const parsed = parsePolicy(text)
    expect(parsed.witnesses[0]).toMatchObject({ name: 'w1', url: 'https://w1.example/' })
    expect(parsed.logs[0]).toMatchObject({ url: 'https://l.example/' })
    expect(parsePolicy(formatPolicy(parsed))).toEqual(parsed)
    expect(parsePolicy(utf8(text))).toEqual(parsed)
  })

  test('`quorum none` with nothing else is a policy', () => {
    expect(parsePolicy('quorum none\n')).toEqual({ logs: [], witnesses: [], groups: [], quorum: 'none' })
  })

  test('names may be keywords, numbers or any script, and are compared as octets', () => {
    const text = `witness any ${w1}\nwitness 2 ${w2}\nwitness 广州 ${w3}\ngroup all 2 any 2 广州\nquorum all\n`
    expect(parsePolicy(text).groups[0]).toEqual({ name: 'all', threshold: 2, members: ['any', '2', '广州'] })
    // The Kelvin sign is not K, and é composed is not é decomposed.
    const twins = `witness K ${w1}\nwitness \u212a ${w2}\nwitness \u00e9 ${w3}\nwitness e\u0301 ${witnessKey('w4', 24)}\nquorum none\n`
    expect(parsePolicy(twins).witnesses).toHaveLength(4)
  })

  test('names that are not UTF-8 are octets too, and never equal to other names', () => {
    const bytes = (name: readonly number[]) => Uint8Array.from(name)
    const policyOf = (one: Uint8Array, two: Uint8Array, quorum: Uint8Array): Uint8Array =>
      concat(utf8('witness '), one, utf8(` ${w1}\nwitness `), two, utf8(` ${w2}\nquorum `), quorum, utf8('\n'))
    const latin1 = bytes([0xe9])
    const utf = utf8('é')
    expect(parsePolicy(policyOf(latin1, utf, latin1)).witnesses).toHaveLength(2)
    expect(parsePolicy(policyOf(latin1, bytes([0xe8]), bytes([0xe8]))).witnesses).toHaveLength(2)
    expect(errorOf(() => parsePolicy(policyOf(latin1, latin1, latin1))).code).toBe('policy.malformed')
    expect(errorOf(() => parsePolicy(policyOf(latin1, utf, bytes([0xe8])))).code).toBe('policy.malformed')
    // A line with such a name keeps its other names as they are.
    const group = concat(
      utf8(`witness é ${w1}\nwitness `),
      latin1,
      utf8(` ${w2}\ngroup g all é `),
      latin1,
      utf8('\nquorum g\n'),
    )
    expect(parsePolicy(group).groups[0]!.members[0]).toBe('é')
    expect(errorOf(() => formatPolicy(parsePolicy(group))).code).toBe('policy.malformed')
  })

  test('32 and more logs, witnesses and groups', () => {
    const lines: string[] = []
    for (let n = 0; n < 40; n++) {
      lines.push(`log ${logKey(`log${n}`, 100 + n)}`, `witness w${n} ${witnessKey(`witness${n}`, 150 + n)}`)
      lines.push(`group g${n} any w${n}`)
    }
    lines.push(
      `group every 30 ${lines
        .filter((line) => line.startsWith('group'))
        .map((line) => line.split(' ')[1])
        .join(' ')}`,
    )
    const parsed = parsePolicy(`${lines.join('\n')}\nquorum every\n`)
    expect([parsed.logs, parsed.witnesses, parsed.groups].map((list) => list.length)).toEqual([40, 40, 41])
  })

  const two = `witness w1 ${w1}\nwitness w2 ${w2}\n`
  test.each([
    ['nothing', ''],
    ['no quorum', two],
    ['two quorums', `${two}quorum w1\nquorum w1\n`],
    ['a quorum that is not defined', 'quorum w1\n'],
    ['a quorum defined below', `quorum w1\n${two}`],
    ['a quorum of two names', `${two}quorum w1 w2\n`],
    ['a quorum of no name', `${two}quorum\n`],
    ['no final newline', `${two}quorum w1`],
    ['an unknown keyword', `${two}quorum w1\nlogs ${logKey('l', 1)}\n`],
    ['an upper-case keyword', `${two}Quorum w1\n`],
    ['a comment after a line', `${two}quorum w1 # both\n`],
    ['carriage returns', `${two}quorum w1\n`.replaceAll('\n', '\r\n')],
    ['a control character in a comment', '# \u0007\nquorum none\n'],
    ['a delete character', '# \u007f\nquorum none\n'],
    ['a zero byte', 'quorum none\0\n'],
    ['a no-break space as a separator', 'quorum\u00a0none\n'],
    ['a witness without a key', 'witness w1\nquorum none\n'],
    ['a witness with too much', `witness w1 ${w1} https://a b\nquorum none\n`],
    ['a witness named none', `witness none ${w1}\nquorum none\n`],
    ['a witness twice', `${two}witness w1 ${w3}\nquorum none\n`],
    ['a witness key twice', `${two}witness w3 ${w1}\nquorum none\n`],
    ['a witness key twice under other names', `${two}witness w3 ${witnessKey('other', 21)}\nquorum none\n`],
    ['a witness with a log’s type of key', `witness w1 ${logKey('w1', 21)}\nquorum none\n`],
    ['a log without a key', 'log\nquorum none\n'],
    ['a log with too much', `log ${logKey('l', 1)} https://a b\nquorum none\n`],
    ['a log key twice', `log ${logKey('l', 1)}\nlog ${logKey('m', 1)}\nquorum none\n`],
    ['a log with a cosigner’s type of key', `log ${w1}\nquorum none\n`],
    ['a bad key', `log ${logKey('l', 1)}=\nquorum none\n`],
    ['a group without members', `${two}group g all\nquorum none\n`],
    ['a group without a count', `${two}group g w1 w2\nquorum none\n`],
    ['a group of 0', `${two}group g 0 w1 w2\nquorum none\n`],
    ['a group of more than all', `${two}group g 3 w1 w2\nquorum none\n`],
    ['a group of a negative count', `${two}group g -1 w1 w2\nquorum none\n`],
    ['a group of +1', `${two}group g +1 w1 w2\nquorum none\n`],
    ['a group of 01', `${two}group g 01 w1 w2\nquorum none\n`],
    ['a group of 1.5', `${two}group g 1.5 w1 w2\nquorum none\n`],
    ['a group of All', `${two}group g All w1 w2\nquorum none\n`],
    ['a group with a member that is not defined', `${two}group g any w1 w9\nquorum none\n`],
    ['a group with a member defined below', `witness w1 ${w1}\ngroup g any w1 w2\nwitness w2 ${w2}\nquorum none\n`],
    ['a group with itself as a member', `${two}group g any w1 g\nquorum none\n`],
    ['a group with none as a member', `${two}group g any w1 none\nquorum none\n`],
    ['a member twice in a group', `${two}group g 2 w1 w1\nquorum none\n`],
    ['a member in two groups', `${two}group g any w1\ngroup h any w1 w2\nquorum none\n`],
    ['a group named like a witness', `${two}group w1 any w2\nquorum none\n`],
    ['a group named none', `${two}group none any w2\nquorum none\n`],
    ['too long', `#${'x'.repeat(1_000_000)}\nquorum none\n`],
    ['a lone surrogate', '# \ud800\nquorum none\n'],
  ])('malformed: %s', (_name, text) => {
    expect(errorOf(() => parsePolicy(text)).code).toBe('policy.malformed')
  })

  test('the error names the line', () => {
    expect(errorOf(() => parsePolicy(`# one\n${two}group g 9 w1\nquorum none\n`)).message).toMatch(/^line 4: .*9/)
    expect(errorOf(() => parsePolicy('# one\nlog nonsense\n')).message).toMatch(/^line 2: .*nonsense/)
    expect(errorOf(() => parsePolicy('# one\nlog \u001b\n')).message).toMatch(/^line 2: /)
  })

  test('no text ends in another exception', () => {
    const item = fc.constantFrom(
      'log',
      'witness',
      'group',
      'quorum',
      'none',
      'a',
      'b',
      'any',
      'all',
      '1',
      w1,
      w2,
      logKey('l', 1),
      '\n',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(item, { maxLength: 25 }), (items) => {
        try {
          const parsed = parsePolicy(`${items.join(' ')}\n`)
          expect(parsePolicy(formatPolicy(parsed))).toEqual(parsed)
        } catch (error) {
          expect(error).toBeInstanceOf(VerificationError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a checkpoint against a policy', () => {
  test('q cosignatures and a log line: who cosigned, and when', () => {
    const trusted = checkNoteAgainstPolicy(noteBy([2, 0, 3]), policy)
    expect(trusted).toMatchObject({ origin, size: 13n, log: logKeys[0] })
    expect(trusted.cosigners).toEqual(
      [2, 0, 3].map((member) => ({
        name: memberIds[member],
        keyName: `${origin}/${memberIds[member]}`,
        timeSeconds: cosignedAtSeconds + member,
      })),
    )
  })

  test('any listed log will do, and more cosignatures than needed do no harm', () => {
    const note: Note = { text: checkpointText, signatures: [0, 1, 2, 3].map((member) => cosignatureBy(member)) }
    const signedBy = (member: number): Note => ({ ...note, signatures: [...note.signatures, logSignatureBy(member)] })
    expect(checkNoteAgainstPolicy(signedBy(3), policy).log).toBe(logKeys[3])
    expect(checkNoteAgainstPolicy(signedBy(1), policy).cosigners).toHaveLength(4)
  })

  test('fewer than q: refused, with the names of those who did', () => {
    const error = errorOf(() => checkNoteAgainstPolicy(noteBy([0, 3]), policy))
    expect(error.code).toBe('policy.quorum-missing')
    expect(error.message).toBe('needed: 3 of 4 of members; cosigned: guangzhou, hangzhou')
    expect(errorOf(() => checkNoteAgainstPolicy(noteBy([]), policy)).message).toContain('cosigned: nobody')
  })

  test('one member that cosigns three times is one cosigner', () => {
    expect(errorOf(() => checkNoteAgainstPolicy(noteBy([1, 1, 1]), policy)).code).toBe('policy.quorum-missing')
  })

  test('no log signature, that of another origin, and that of a strange key', () => {
    const cosigned = [0, 1, 2].map((member) => cosignatureBy(member))
    const code = (signatures: readonly NoteSignature[]): string =>
      errorOf(() => checkNoteAgainstPolicy({ text: checkpointText, signatures }, policy)).code
    expect(code(cosigned)).toBe('policy.log-signature-missing')
    expect(code([{ ...logSignatureBy(0), name: 'other.example' }, ...cosigned])).toBe('policy.log-signature-missing')
    expect(code([{ ...logSignatureBy(0), keyId: 1 }, ...cosigned])).toBe('policy.log-signature-missing')
    expect(code([])).toBe('policy.log-signature-missing')
  })

  test('a listed log whose name is not the origin does not count as the log', () => {
    const other: Policy = { ...policy, logs: [{ key: logVerifierKey('other.example', tagged(1)) }] }
    expect(errorOf(() => checkNoteAgainstPolicy(noteBy([0, 1, 2]), other)).code).toBe('policy.unknown-log')
    const both: Policy = { ...policy, logs: [...other.logs, { key: logKeys[1]! }] }
    const renamed = { ...logSignatureBy(0), name: 'other.example', keyId: other.logs[0]!.key.keyId }
    const note = { text: checkpointText, signatures: [renamed, ...noteBy([0, 1, 2]).signatures.slice(1)] }
    expect(errorOf(() => checkNoteAgainstPolicy(note, both)).code).toBe('policy.log-signature-missing')
  })

  test('a wrong signature of any known key rejects the note, even beyond the quorum', () => {
    const bad = { ...cosignatureBy(3), signature: cosignatureBy(3).signature.slice().reverse() }
    const note = { text: checkpointText, signatures: [...noteBy([0, 1, 2]).signatures, bad] }
    const error = errorOf(() => checkNoteAgainstPolicy(note, policy))
    expect(error.code).toBe('note.bad-signature')
    expect(error.message).toContain(`${origin}/hangzhou`)
  })

  test('a cosignature of one member under the name of another is not its own', () => {
    // Same key ID rules: (name, ID) of Wuhan, signed by Beijing.
    const forged = { ...cosignatureBy(1), name: cosignerKeys[2]!.name, keyId: cosignerKeys[2]!.keyId }
    const note = { text: checkpointText, signatures: [...noteBy([0, 1]).signatures, forged] }
    expect(errorOf(() => checkNoteAgainstPolicy(note, policy)).code).toBe('note.bad-signature')
  })

  test('signatures over another checkpoint of the same ledger do not carry over', () => {
    const other = formatCheckpoint({ origin, size: 14, root: new Uint8Array(32) })
    const note = { text: other, signatures: noteBy([0, 1, 2]).signatures }
    expect(errorOf(() => checkNoteAgainstPolicy(note, policy)).code).toBe('note.bad-signature')
  })

  test('`quorum none` asks for the log only', () => {
    const alone: Policy = { logs: policy.logs, witnesses: [], groups: [], quorum: 'none' }
    expect(checkNoteAgainstPolicy(noteBy([]), alone).cosigners).toEqual([])
    expect(errorOf(() => checkNoteAgainstPolicy({ text: checkpointText, signatures: [] }, alone)).code).toBe(
      'policy.log-signature-missing',
    )
  })

  test('a single witness as the quorum, and groups of groups', () => {
    expect(checkNoteAgainstPolicy(noteBy([2]), { ...policy, quorum: 'wuhan' }).cosigners).toHaveLength(1)
    expect(errorOf(() => checkNoteAgainstPolicy(noteBy([1]), { ...policy, quorum: 'wuhan' })).message).toBe(
      'needed: wuhan; cosigned: beijing',
    )
    const nested: Policy = {
      ...policy,
      groups: [
        { name: 'south', threshold: 1, members: ['guangzhou', 'hangzhou'] },
        { name: 'both', threshold: 2, members: ['south', 'beijing'] },
      ],
      quorum: 'both',
    }
    expect(checkNoteAgainstPolicy(noteBy([3, 1]), nested).cosigners).toHaveLength(2)
    expect(errorOf(() => checkNoteAgainstPolicy(noteBy([0, 3, 2]), nested)).code).toBe('policy.quorum-missing')
    expect(errorOf(() => checkNoteAgainstPolicy(noteBy([1, 2]), nested)).code).toBe('policy.quorum-missing')
  })

  test('a witness whose ML-DSA-44 key cannot be checked here has not cosigned', () => {
    const key = verifierKey('pq.example', signatureType.mlDsa44Cosignature, new Uint8Array(1312).fill(3))
    const withWitness: Policy = { ...policy, witnesses: [...policy.witnesses, { name: 'pq', key }] }
    expect(parsePolicy(formatPolicy(withWitness))).toEqual(withWitness)
    const line = { name: key.name, keyId: key.keyId, signature: new Uint8Array(2428) }
    const note = { text: checkpointText, signatures: [...noteBy([0, 1, 2]).signatures, line] }
    expect(checkNoteAgainstPolicy(note, withWitness).cosigners).toHaveLength(3)
    expect(errorOf(() => checkNoteAgainstPolicy(note, { ...withWitness, quorum: 'pq' })).code).toBe(
      'policy.quorum-missing',
    )
  })
})
