/**
 * The scenario scripts of this folder: stories in commands and, beneath each, what happened. script.ts says how they are written,
 * core-teller.ts what can be said, and node-teller.ts what in those that begin with `node-` and are played by whole nodes. `npx vitest run test/scenarios -u` writes them again: read what changed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { coreTeller } from './core-teller.ts'
import { nodeTeller } from './node-teller.ts'
import { headingOf, retell } from './script.ts'

const folder = import.meta.dirname
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))
/** A story ends by saying how things stand. */
const looks = ['logs', 'settled', 'committed', 'leaders', 'signed', 'faults']

const firstSentence = (text: string): string => /^.+?[.:;,](?= |$)/.exec(text)?.[0].slice(0, -1) ?? text

describe('stories', () => {
  it('are enough to cover what other implementations learned', () => {
    expect(files.length).toBeGreaterThanOrEqual(40)
  })

  for (const file of files) {
    const path = join(folder, file)
    const script = readFileSync(path, 'utf8')
    const heading = headingOf(script)
    it(`${file}: ${firstSentence(heading?.title ?? '')}`, async () => {
      expect(heading, 'what is told, what it guards, what would happen without it').toBeDefined()
      const last = script.trimEnd().split('\n\n').at(-1)!
      expect(
        looks.some((look) => last.split('\n----\n')[0]!.includes(look)),
        'how things stand at the end',
      ).toBe(true)
      const teller = file.startsWith('node-') ? nodeTeller() : coreTeller()
      await expect(retell(script, teller)).toMatchFileSnapshot(path)
    })
  }
})
