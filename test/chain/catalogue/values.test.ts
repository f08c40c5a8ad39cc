import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  codeCharactersMax,
  isUscc,
  millionthsOf,
  parseParty,
  timeOf,
  usccCheckCharacter,
  valueRules,
} from '../../../src/chain/catalogue/values.ts'
import { largeOpening, sharedData } from './opening-rows.ts'

const codeProblem = (code: unknown): string | undefined => valueRules.code(code)?.code
const decimalProblem = (value: unknown): string | undefined => valueRules.decimal(value)?.code
const partyProblem = (value: unknown): string | undefined => valueRules.party(value)?.code

describe('USCC (GB 32100-2015)', () => {
  it.each([
    '914403001922038216',
    '9144030071526726XG',
    '91330100716105852F',
    '91110000802100433B',
    '91440400192548256N',
    '91350100M000100Y43',
  ])('%s is good', (uscc) => {
    expect(isUscc(uscc)).toBe(true)
  })

  it.each([
    ['a wrong check character', '91350100M000100Y4Z'],
    ['two digits swapped', '914403001922038126'],
    ['lower case', '9144030071526726xg'],
    ['a letter that never occurs', '9144030071526726IG'],
    ['17 characters', '91440300192203821'],
    ['19 characters', '9144030019220382166'],
    ['full-width digits', '９14403001922038216'],
  ])('%s: %s is bad', (_, uscc) => {
    expect(isUscc(uscc)).toBe(false)
  })

  it('has check character 0 where the sum is divisible by 31 (the outer mod)', () => {
    const first17 = '0'.repeat(17)
    expect(usccCheckCharacter(first17)).toBe('0')
    expect(isUscc('0'.repeat(18))).toBe(true)
    // 31 − 31·k mod 31 without the outer mod would be number 31, which the alphabet does not have.
    expect(usccCheckCharacter('1'.repeat(17))).toMatch(/^[0-9A-HJ-NPQRTUWXY]$/)
  })

  it('finds every single wrong character, except that some letters and digits are congruent to none', () => {
    const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
    fc.assert(
      fc.property(fc.nat(16), fc.constantFrom(...alphabet), (at, character) => {
        const good = '91440400192548256N'
        const changed = good.slice(0, at) + character + good.slice(at + 1)
        expect(isUscc(changed)).toBe(changed === good)
      }),
    )
  })

  const { source, rows } = largeOpening()
  it(`holds for all ${rows.length} bidders of the ${source} opening`, () => {
    expect(rows.filter(({ uscc }) => !isUscc(uscc))).toEqual([])
  })
})

describe('party ids', () => {
  it('have three forms', () => {
    expect(parseParty('uscc:91440400192548256N')).toEqual({ kind: 'uscc', uscc: '91440400192548256N' })
    expect(parseParty('id:LEI:5493001KJTIIGC8Y1R12')).toEqual({ kind: 'id', scheme: 'LEI', id: '5493001KJTIIGC8Y1R12' })
    expect(parseParty('id:x:a:b/c')).toEqual({ kind: 'id', scheme: 'x', id: 'a:b/c' })
    expect(parseParty(`person:${'0f'.repeat(32)}`)).toEqual({ kind: 'person', hash: new Uint8Array(32).fill(15) })
  })

  it.each([
    'uscc:91440400192548256',
    'USCC:91440400192548256N',
    'uscc: 91440400192548256N',
    '91440400192548256N',
    'id:x',
    'id::y',
    'id:x:',
    'id:x:a b',
    'id:x:a\u3000b',
    `id:${'x'.repeat(33)}:y`,
    `id:x:${'y'.repeat(65)}`,
    'id:中:y',
    `person:${'0F'.repeat(32)}`,
    `person:${'0'.repeat(63)}`,
    'person:440102199001011234',
    '',
    null,
    7,
  ])('%j is malformed', (party) => {
    expect(partyProblem(party)).toBe('party.malformed')
  })

  it('say when only the check character is wrong', () => {
    expect(partyProblem('uscc:91350100M000100Y4Z')).toBe('party.bad-uscc')
    expect(parseParty('uscc:91350100M000100Y4Z')).toBeUndefined()
  })
})

describe('decimals', () => {
  it.each(['0', '0.5', '1835.0534', '24959500.00', '99999999999999.999999', '0.000001'])(
    '%s is well written',
    (text) => {
      expect(decimalProblem(text)).toBeUndefined()
    },
  )

  it.each([
    '',
    '-1',
    '+1',
    '01',
    '00',
    '.5',
    '1.',
    '1e3',
    '400,000',
    '1 000',
    '１',
    'NaN',
    '100000000000000',
    '0.0000001',
    1835.0534,
    0,
    null,
    ['1'],
  ])('%j is not', (value) => {
    expect(decimalProblem(value)).toBe('money.malformed')
  })

  it('compare exactly, where floats would not', () => {
    expect(millionthsOf('1835.0534')).toBe(1_835_053_400n)
    expect(millionthsOf('99999999999999.999999')).toBe(99_999_999_999_999_999_999n)
    expect(millionthsOf('0.100000')).toBe(millionthsOf('0.1'))
    expect(() => millionthsOf(1)).toThrow(TypeError)
  })
})

describe('times in statements', () => {
  it('carry an offset, and exist', () => {
    expect(valueRules.time('2026-03-16T09:30:00+08:00')).toBeUndefined()
    for (const bad of ['2026-03-16 09:30:00', '20260316093000', '2026-02-30T00:00:00Z', 1, undefined]) {
      expect(valueRules.time(bad)?.code).toBe('time.malformed')
    }
    expect(timeOf('2026-03-16T09:30:00+08:00')).toBe(Date.UTC(2026, 2, 16, 1, 30))
    expect(() => timeOf('soon')).toThrow(TypeError)
  })
})

describe('codes', () => {
  // Forms seen on real notices (domain.md, section 2), written anew here.
  it.each([
    'E3505050602100001',
    'SDGP370211000202602000063',
    '洛直政采磋商(2026)0031号',
    '[350703]FJZHJS[GK]2025003',
    '采购计划备-[2026]-03296号-1',
    '焦公资采购H2026—018',
    'D01-12350100MB02709751-20190627-527731-5',
    'a b',
    'a/b',
    '№ 7（二）',
  ])('%s is a code', (code) => {
    expect(codeProblem(code)).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['a space before', ' a'],
    ['a space after', 'a '],
    ['a line break', 'a\n'],
    ['too many characters', 'a'.repeat(codeCharactersMax + 1)],
    ['a no-break space', 'a\u00a0b'],
    ['an ideographic space', 'a\u3000b'],
    ['a zero-width space', 'a\u200bb'],
    ['a change of direction', 'a\u202eb'],
    ['a byte order mark', '\ufeffa'],
    ['e and an accent, in place of é', 'e\u0301'],
    ['a compatibility ideograph', '\uf900'],
    ['the sign of Ångström', '\u212b'],
    ['a private character', '\ue000'],
    ['an emoji', '😀'],
    ['a number', 7],
  ])('%s is none', (_, code) => {
    expect(codeProblem(code)).toBe('code.malformed')
  })

  it('counts characters, not UTF-16 units', () => {
    expect(codeProblem('𠀀'.repeat(codeCharactersMax))).toBeUndefined()
  })

  it('allows only characters of which every string is in NFC, whatever the Unicode version', () => {
    const allowed: string[] = []
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue
      const character = String.fromCodePoint(point)
      if (codeProblem(`x${character}x`) === undefined) allowed.push(character)
    }
    // Each alone is in NFC; none is a mark that would combine with what stands before it; Hangul, which composes, is left out.
    expect(allowed.filter((character) => character.normalize('NFC') !== character)).toEqual([])
    expect(allowed.filter((character) => /[\p{M}\p{Z}\p{C}]/u.test(character) && character !== ' ')).toEqual([])
    expect(allowed.filter((character) => /\p{Script=Hangul}/u.test(character) && character < '\u3200')).toEqual([])
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...allowed), { maxLength: 64 }), (characters) => {
        const text = characters.join('')
        expect(text.normalize('NFC')).toBe(text)
      }),
    )
  })

  const notices = sharedData('ggzy-notices-2026-03.jsonl')
  it(
    notices === undefined
      ? 'real notices are not here; the forms above stand for them'
      : 'all real notices’ codes are codes',
    () => {
      const codes = (notices ?? '')
        .trim()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line).project_code as string]))
      expect(codes.filter((code) => code !== '' && codeProblem(code) !== undefined)).toEqual([])
    },
  )
})
