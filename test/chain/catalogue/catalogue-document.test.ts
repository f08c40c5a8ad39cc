import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { families } from '../../../src/chain/catalogue/families.ts'
import { catalogueDocument } from './catalogue-document.ts'

const root = join(import.meta.dirname, '../../..')

test.each([
  ['en', 'docs/catalogue.md'],
  ['zh', 'docs/catalogue.zh.md'],
] as const)('the catalogue in %s, %s, is what the code declares (vitest -u writes it anew)', async (language, file) => {
  await expect(catalogueDocument(families, language)).toMatchFileSnapshot(join(root, file))
})

test('nothing stands as the frame left it: each family says what it is (npm run new-type)', () => {
  const left = /请命名|请写明|\(name this\)|Say which law/
  const lines = globSync('src/chain/catalogue/*.ts', { cwd: root }).flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, at) => (left.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [])),
  )
  expect(lines).toEqual([])
})

describe('findings', () => {
  const { findings } = catalogueOf(knownTypeNames)

  test('each has words in both languages', () => {
    for (const [code, { zh, en }] of Object.entries(findings)) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/)
      for (const words of [zh, en]) {
        for (const sentence of [words.title, words.cause, words.remedy])
          expect(sentence.length, code).toBeGreaterThan(1)
      }
      for (const sentence of [zh.title, zh.cause, zh.remedy]) expect(sentence, code).toMatch(/\p{Script=Han}/u)
      // The same values are named in both languages.
      const places = (text: string): string[] => Array.from(new Set(text.match(/\{[0-9]\}/g))).sort()
      expect(places(zh.cause), code).toEqual(places(en.cause))
    }
  })

  test('each that a rule notes has words, and each that has words is noted', () => {
    const source = globSync('src/chain/catalogue/*.ts', { cwd: root })
      .map((file) => readFileSync(join(root, file), 'utf8'))
      .join('\n')
    const noted = Array.from(source.matchAll(/\bfind\(\s*'([a-z.-]+)'/g), ([, code]) => code!)
    expect(Array.from(new Set(noted)).sort()).toEqual(Object.keys(findings).sort())
  })
})

test('lifecycles name types that there are, and states that can be reached', () => {
  for (const { lifecycles = [], types, name } of families) {
    for (const life of lifecycles) {
      for (const { on } of life.byRecord)
        expect(
          types.map((type) => type.name),
          name,
        ).toContain(on)
      const reached = new Set([...life.byRecord.flatMap(({ to }) => [to].flat()), ...life.byClock.map(({ to }) => to)])
      expect(Array.from(reached).sort(), life.name).toEqual(Object.keys(life.states).sort())
    }
  }
})
