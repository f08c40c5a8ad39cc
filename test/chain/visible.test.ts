/** What a reader is shown of strangers' text: everything that is there, and nothing that hides or turns it. */
import { expect, test } from 'vitest'
import { leavesOf } from '../../src/chain/bundle-page.ts'
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

test('a payload is shown whole: what is empty, too, and the unit of a sum in words', () => {
  const payload = { replaced: [], price: { amount: '1794.5831', unit: '1', currency: 'CNY' }, unit: '1', to: null }
  expect(leavesOf(payload).map(({ path, value }) => `${path.join('/')} ${value}`)).toEqual([
    'replaced []',
    'price/amount 1794.5831',
    'price/unit 1（万，如万元 · × 10,000）',
    'price/currency CNY',
    'unit 1',
    'to null',
  ])
  // A day in London may be another in Beijing.
  expect(leavesOf({ at: '2026-03-15T16:30:00Z', and: '2026-03-16T00:30:00+08:00' }).map(({ value }) => value)).toEqual([
    '2026-03-15T16:30:00Z（2026-03-16 00:30:00.000 +08:00）',
    '2026-03-16T00:30:00+08:00',
  ])
  expect(leavesOf({ amount: '1', unit: '0' })[1]!.value).toContain('× 1）')
})
