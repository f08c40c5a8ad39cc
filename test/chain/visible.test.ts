/** What a reader is shown of strangers' text: everything that is there, and nothing that hides or turns it. */
import { expect, test } from 'vitest'
import { visible, visibleLine } from '../../src/chain/visible.ts'

test('ordinary text of the trade stays as it is', () => {
  const text = '永春县桃溪〔2026〕0031号，报价 1794.5831 万元；𠀀 Ünï—“x”\t№\n第二行'
  expect(visible(text)).toBe(text)
  expect(visibleLine('a\nb\tc')).toBe('a\\u000ab\\u0009c')
})

test.each([
  ['\u202e', '\\u202e'],
  ['\u2066', '\\u2066'],
  ['\u061c', '\\u061c'],
  ['\u200b', '\\u200b'],
  ['\u200d', '\\u200d'],
  ['\u2028', '\\u2028'],
  ['\u00ad', '\\u00ad'],
  ['\ufeff', '\\ufeff'],
  ['\u3164', '\\u3164'],
  ['\u{e0041}', '\\u{e0041}'],
  ['\u{e0100}', '\\u{e0100}'],
  ['\u001b[2J', '\\u001b[2J'],
  ['\u009b2J', '\\u009b2J'],
  ['\r', '\\u000d'],
])('%j is written out', (text, shown) => {
  expect([visible(`不${text}变`), visibleLine(`不${text}变`)]).toEqual([`不${shown}变`, `不${shown}变`])
})

test('every character without a look of its own that this runtime knows of is written out', () => {
  const unseen = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cc}]/u
  const missed: string[] = []
  for (let code = 0; code < 0x110000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const character = String.fromCodePoint(code)
    if (unseen.test(character) && visibleLine(character) === character) missed.push(code.toString(16))
  }
  expect(missed).toEqual([])
})
