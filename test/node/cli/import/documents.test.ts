/** The pages on importing name what the mappings have, in both languages. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { dataSets } from '../../../../src/node/cli/import/datasets.ts'
import { recordTypeOfKind } from '../../../../src/node/cli/import/notices.ts'
import { recordTypeOfTag } from '../../../../src/node/cli/import/ocds.ts'

test.each(['docs/importing.md', 'docs/importing.zh.md'])('%s names every kind, data set and tag', (path) => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../..', path), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| '))
  const holds = (name: string, type: string | null | undefined): void => {
    const row = rows.find((line) =>
      line
        .split('|')[1]!
        .split(/[,、] ?/)
        .some((cell) => cell.trim() === name),
    )
    expect(row, name).toBeDefined()
    if (type !== null && type !== undefined) expect(row, name).toContain(`\`${type}\``)
  }
  for (const [kind, { type }] of Object.entries(recordTypeOfKind)) holds(kind, type)
  for (const [tag, type] of Object.entries(recordTypeOfTag)) holds(tag, type)
  for (const { zh, type } of dataSets)
    for (const name of zh === '招标项目、标段' ? ['招标项目'] : [zh]) holds(name, type)
})
