import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, type JsonValue, jsonDepthMax, parseJson, readJson, rereadJson } from '../../src/chain/json.ts'
import { Refusal } from '../../src/chain/refusal.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
  return 'accepted'
}

describe('canonicalJson (RFC 8785)', () => {
  it('§3.2.2 spells literals, strings and numbers as the example does', () => {
    const input = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`
    // 1E30 is an integer beyond 2^53, which the ledger refuses (layout.md, decision 4); the rest is the RFC's own output.
    const parsed = JSON.parse(input.replace('1E30,', ''))
    expect(canonicalJson(parsed)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    )
  })

  it('§3.2.3 sorts names by UTF-16 code units, not by code points', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
    const object = Object.fromEntries(names.map((name) => [name, 0]))
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']
    expect(canonicalJson(object)).toBe(`{${sorted.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`)
  })

  // Appendix B: IEEE 754 bits and the spelling. What is an integer beyond 2^53 − 1 is refused here and left out.
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['3e7ad7f29abcaf48', '1e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
  ])('Appendix B: %s is spelled %s', (bits, spelling) => {
    const view = new DataView(new ArrayBuffer(8))
    view.setBigUint64(0, BigInt(`0x${bits}`))
    expect(canonicalJson(view.getFloat64(0))).toBe(spelling)
  })

  it('sorts integer-like names as text, which JavaScript objects do not keep in order', () => {
    expect(canonicalJson({ 2: 'b', 10: 'a', 1: 'c' })).toBe('{"1":"c","10":"a","2":"b"}')
  })

  it('spells the same value the same way whatever the order its names were given in', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
        let text: string
        try {
          text = canonicalJson(value as JsonValue)
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal)
          return
        }
        expect(canonicalJson(reversed(value as JsonValue))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('refuses what has no value in JSON or no safe number', () => {
    expect(codeOf(() => canonicalJson(Number.NaN))).toBe('json.malformed')
    expect(codeOf(() => canonicalJson([Number.POSITIVE_INFINITY]))).toBe('json.malformed')
    expect(codeOf(() => canonicalJson(2 ** 53))).toBe('json.malformed')
    expect(codeOf(() => canonicalJson('\ud800'))).toBe('json.malformed')
    expect(codeOf(() => canonicalJson({ 'a\udc00': 1 }))).toBe('json.malformed')
    expect(() => canonicalJson({ a: undefined } as unknown as JsonValue)).toThrow(TypeError)
    expect(() => canonicalJson(1n as unknown as JsonValue)).toThrow(TypeError)
  })

  it('does not mistake an escaped backslash for a surrogate', () => {
    expect(canonicalJson('\\ud800')).toBe(String.raw`"\\ud800"`)
    expect(canonicalJson('😀\\ud')).toBe(String.raw`"😀\\ud"`)
  })
})

describe('parseJson is strict', () => {
  it('accepts any spelling of a strict value and hands on the canonical one', () => {
    expect(readJson(' { "b" : [ 1.0 , -0, 1e2 ] , "a\\u0062" : "\\u4e2d" } ')).toEqual({
      value: { ab: '中', b: [1, 0, 100] },
      canonical: '{"ab":"中","b":[1,0,100]}',
    })
  })

  it.each([
    ['nothing', ''],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '{"a":1}//'],
    ['a byte order mark', '\ufeff{}'],
    ['a second value', '{}{}'],
    ['a control character in a string', '"\u0001"'],
    ['a leading zero', '01'],
    ['NaN', 'NaN'],
    ['a doubled name', '{"a":1,"a":1}'],
    ['a doubled name spelled with an escape', '{"a":1,"\\u0061":2}'],
    ['a doubled name deep inside', '[{"x":[{"a":{"b":1,"c":2,"b":3}}]}]'],
    ['a doubled name after a nested object', '{"a":{"a":1},"b":"a","a":2}'],
    ['a doubled __proto__', '{"__proto__":1,"__proto__":1}'],
    ['a lone high surrogate', '"\\ud83d"'],
    ['a lone low surrogate, not escaped', '"\udc00"'],
    ['a lone surrogate in a name', '{"\\ud83d":1}'],
    ['surrogates in the wrong order', '"\\ude00\\ud83d"'],
    ['an integer beyond 2^53 − 1', '9007199254740993'],
    ['an integer spelled with an exponent', '1e16'],
    ['a number beyond all bounds', '1e999'],
    ['17 levels', `${'['.repeat(17)}${']'.repeat(17)}`],
    ['100,000 levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['100,000 open brackets', '{"a":'.repeat(100_000)],
  ])('refuses %s', (_, text) => {
    expect(codeOf(() => parseJson(text))).toBe('json.malformed')
  })

  it('allows the same name in different objects, and names that look like values', () => {
    expect(parseJson('{ "a":{"a":1,"b":["a","a"]}, "b":[{"a":1},{"a":1}] }')).toEqual({
      a: { a: 1, b: ['a', 'a'] },
      b: [{ a: 1 }, { a: 1 }],
    })
    expect(parseJson('{ "a,\\"":"{\\"a\\":1}", "a":"\\\\" }')).toEqual({ 'a,"': '{"a":1}', a: '\\' })
  })

  it(`allows ${jsonDepthMax} levels`, () => {
    expect(codeOf(() => parseJson(`${'['.repeat(jsonDepthMax)}${']'.repeat(jsonDepthMax)}`))).toBe('accepted')
  })

  it('keeps __proto__ an ordinary name that changes no prototype', () => {
    for (const text of ['{"__proto__":{"admin":true}}', '{ "__proto__" : {"admin":true} }']) {
      const value = parseJson(text) as { admin?: boolean }
      expect(value.admin).toBeUndefined()
      expect(Object.keys(value)).toEqual(['__proto__'])
      expect(canonicalJson(value as JsonValue)).toBe('{"__proto__":{"admin":true}}')
    }
  })

  it('agrees with JSON.parse on every value that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.boolean(), (text, pretty) => {
        const given = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text
        if (codeOf(() => parseJson(given)) === 'accepted') {
          const { value, canonical } = readJson(given)
          expect(JSON.stringify(value) === canonical || canonicalJson(value) === canonical).toBe(true)
          expect(readJson(canonical)).toEqual({ value, canonical })
        }
      }),
    )
  })

  it.each([
    '{"b":1,"a":2}',
    '{"10":1,"2":2}',
    '{"2":2,"10":1}',
    ' [ -0 , {"b":-0,"a":1e2} ] ',
    '-0',
    '{"__proto__":{"b":1,"a":2}}',
  ])('and what it has read is read again as the same: %s', (text) => {
    const [again, once] = [rereadJson(text), parseJson(text)]
    expect(again).toStrictEqual(once) // which tells -0 from 0
    expect(JSON.stringify(again)).toBe(JSON.stringify(once))
  })

  it('and whatever it has read is read again as the same', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.boolean(), (text, pretty) => {
        const given = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text
        if (codeOf(() => parseJson(given)) !== 'accepted') return
        expect(rereadJson(given)).toStrictEqual(parseJson(given))
        expect(JSON.stringify(rereadJson(given))).toBe(JSON.stringify(parseJson(given)))
      }),
    )
  })

  it('throws nothing but refusals on arbitrary text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ut0d8-e1. a'), maxLength: 40 }), (text) => {
        codeOf(() => parseJson(text))
      }),
      { numRuns: 2_000 },
    )
  })
})

function reversed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, item]) => [name, reversed(item)]),
  )
}
