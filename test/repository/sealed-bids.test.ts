/** The cheating-centre table: every row names the test that shows it, and both languages have the same rows. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')

/** What stands in the last column: “name of the test” `file`. */
function witnesses(document: string) {
  const rows = read(document)
    .split('\n')
    .filter((line) => /^\| (?!---|act |做法 |parameter |参数 |`)/.test(line))
  return rows.map((row) => {
    const [, name, file] = /“([^“”]+)” `(test\/[\w./-]+\.test\.ts)` \|$/.exec(row) ?? []
    return { row, name: name ?? '', file: file ?? '' }
  })
}

const documents = ['docs/sealed-bids.md', 'docs/sealed-bids.zh.md'] as const
const [english, chinese] = documents.map(witnesses)

describe('the table of who tries what', () => {
  it.each(documents)('%s names in each row a test that is there', (document) => {
    const named = witnesses(document)
    expect(named.length).toBeGreaterThan(30)
    const missing = named.filter(({ name, file }) => {
      if (name === '' || !existsSync(resolve(root, file))) return true
      // As the title of a test, or as the key that one is made of.
      return !["'", '`'].some((quote) => read(file).includes(quote + name))
    })
    expect(missing.map(({ row }) => row)).toEqual([])
  })

  it('has the same rows in both languages', () => {
    const shown = (rows: typeof english) => rows!.map(({ name, file }) => `${name} ${file}`)
    expect(shown(chinese)).toEqual(shown(english))
  })
})
