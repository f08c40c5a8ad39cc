import { expect, test } from 'vitest'
import { allTexts, apiTexts, languageOf, textOf } from '../../src/api/messages.ts'
import { preferredType } from '../../src/api/negotiation.ts'

test.each([
  [undefined, 'zh'],
  ['', 'zh'],
  ['zh-CN', 'zh'],
  ['en', 'en'],
  ['en-US,en;q=0.5', 'en'],
  ['EN', 'en'],
  ['zh;q=0.5, en;q=0.8', 'en'],
  ['zh, en', 'zh'],
  ['en;q=0.5, zh-TW;q=0.9', 'zh'],
  ['fr, de', 'zh'],
  ['fr, en;q=0.1', 'en'],
  ['*', 'zh'],
  ['en;q=0', 'zh'],
  ['en;q=nonsense', 'zh'],
  ['english', 'zh'],
  [',;,;q=', 'zh'],
])('RFC 9110 §12.5.4: Accept-Language: %s → %s', (header, language) => {
  expect(languageOf(header)).toBe(language)
})

test('a code that nobody declared still has words', () => {
  expect(textOf(apiTexts, 'later.rule').en.title).toBe('Refused')
  expect(textOf(apiTexts, 'toString').en.title).toBe('Refused')
})

test('the ledger’s words come beside the API’s', () => {
  const own = { 'x.y': apiTexts['request.refused'] }
  expect(Object.keys(allTexts(own))).toEqual([...Object.keys(apiTexts), 'x.y'])
})

test.each([
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['text/csv', 'text/csv'],
  ['text/*', 'text/csv'],
  ['text/csv;q=0.2, application/json', 'application/json'],
  ['application/json;q=0, */*', 'text/csv'],
  ['TEXT/CSV', 'text/csv'],
  ['image/png', 'application/json'],
  ['', 'application/json'],
])('RFC 9110 §12.5.1: Accept: %s → %s', (accept, type) => {
  expect(preferredType(accept, ['application/json', 'text/csv'])).toBe(type)
})
