import { join } from 'node:path'
import { expect, test } from 'vitest'
import { httpStatusOf } from '../../src/api/http-status.ts'
import { apiTexts } from '../../src/api/messages.ts'
import { errorsDocument } from './errors-document.ts'
import { codeForm, codesThrown, connectionTexts, everyText } from './every-text.ts'

const declared = await everyText()

test('docs/errors.md lists every code as the catalogue says it (vitest -u writes it anew)', async () => {
  await expect(errorsDocument(declared)).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/errors.md'))
})

test('every code has title, cause and remedy in Chinese and in English', () => {
  for (const { file, code, text } of declared) {
    expect(code, file).toMatch(codeForm)
    for (const [language, words] of Object.entries({ zh: text.zh, en: text.en })) {
      for (const [part, sentence] of Object.entries({ title: words.title, cause: words.cause, remedy: words.remedy })) {
        const where = `${code} ${language} ${part} in ${file}`
        expect(sentence?.trim().length, where).toBeGreaterThan(1)
        expect(/\p{Script=Han}/u.test(sentence), where).toBe(language === 'zh')
      }
    }
  }
})

test('one code is declared in one place', () => {
  const places = new Map<string, Set<string>>()
  for (const { file, code, text } of declared) {
    // A module may pass on another's words (the verifier's public surface does): the same object is the same declaration.
    const known = declared.find((each) => each.code === code)!
    if (known.text === text) continue
    places.set(code, (places.get(code) ?? new Set([known.file])).add(file))
  }
  expect(Object.fromEntries(places)).toEqual({})
})

test('every code that the source throws has words', () => {
  const codes = new Set(declared.map(({ code }) => code))
  const without = codesThrown().filter(
    ({ code }) => codeForm.test(code) && !codes.has(code) && !(code in connectionTexts),
  )
  expect(without).toEqual([])
})

test('every code has an HTTP status that is a problem', () => {
  for (const { code } of declared)
    expect([400, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 503]).toContain(httpStatusOf(code))
})

test.each([
  ['json.malformed', 400],
  ['statement.malformed', 400],
  ['statement.bad-signature', 400],
  ['statement.too-large', 413],
  ['statement.wrong-ledger', 422],
  ['statement.key-reused', 409],
  ['type.unknown', 422],
  ['schema.violation', 422],
  ['key.unknown', 403],
  ['key.out-of-scope', 403],
  ['role.not-allowed', 403],
  ['party.bad-uscc', 422],
  ['money.malformed', 422],
  ['sealed.too-early', 422],
  ['node.overloaded', 503],
  ['ledger.no-quorum', 503],
  ['a.rule-of-a-later-type', 422],
])('%s is %i', (code, status) => {
  expect(httpStatusOf(code)).toBe(status)
})

test('no code of the API is dead: the API, the node or the command line says each', async () => {
  const { globSync, readFileSync } = await import('node:fs')
  const root = join(import.meta.dirname, '../..')
  const source = globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('messages.ts') && !file.endsWith('http-status.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
  // Conditions of the node are the node's to name; the words for a code without any stand in messages.ts itself.
  const said = (code: string): boolean =>
    source.includes(`'${code}'`) || /^(node|ledger)\./.test(code) || code === 'request.refused'
  expect(Object.keys(apiTexts).filter((code) => !said(code))).toEqual([])
})
