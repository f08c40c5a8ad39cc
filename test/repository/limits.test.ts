/** docs/limits.md names every bound of the code, under the file it stands in, with the value it has there. */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { defaultApiLimits } from '../../src/api/limits.ts'
import * as nodeLimits from '../../src/node/limits.ts'
import { defaultNetworkLimits } from '../../src/node/network-limits.ts'
import { laneCreditBytes } from '../../src/node/ports.ts'

const root = resolve(import.meta.dirname, '../..')

/** By file: name and value; undefined where only the code can compute it. */
type Bounds = Map<string, Map<string, number | undefined>>

const numbersOf = (object: object): Map<string, number> =>
  new Map(Object.entries(object).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))

/** Bounds by their names: what ends in Max or Min. The command line's own are no bounds of a node. */
async function boundsOfTheCode(): Promise<Bounds> {
  const bounds: Bounds = new Map()
  for (const file of globSync('src/**/*.ts', { cwd: root }).sort()) {
    if (file.startsWith('src/node/cli/') || file.startsWith('src/api/client/')) continue
    const source = readFileSync(resolve(root, file), 'utf8')
    const found = new Map<string, number | undefined>()
    for (const [, exported, name, value] of source.matchAll(
      /^(export )?const (\w+(?:Max|Min))(?:: number)? = ([\w.*+ /-]+)$/gm,
    )) {
      if (exported !== undefined) {
        const module: Record<string, unknown> = await import(pathToFileURL(resolve(root, file)).href)
        found.set(name!, module[name!] as number)
      } else found.set(name!, computed(value!))
    }
    if (found.size > 0) bounds.set(file, found)
  }
  bounds.set('src/node/limits.ts', numbersOf(nodeLimits))
  bounds.set('src/node/network-limits.ts', numbersOf(defaultNetworkLimits))
  bounds.set('src/api/limits.ts', numbersOf(defaultApiLimits))
  bounds.get('src/node/ports.ts')!.set('laneCreditBytes', laneCreditBytes)
  return bounds
}

/** A product, power or difference of literals. */
function computed(text: string): number | undefined {
  const plain = text.replaceAll('_', '').trim()
  if (/^\d+( \* \d+)*$/.test(plain)) return plain.split(' * ').reduce((product, factor) => product * Number(factor), 1)
  const [, base, exponent, , less] = /^(\d+) \*\* (\d+)( - (\d+))?$/.exec(plain) ?? []
  return base === undefined ? undefined : Number(base) ** Number(exponent) - Number(less ?? 0)
}

/** As a table may write it, units apart. */
function spellings(value: number): readonly string[] {
  const [kib, mib] = [value / 1024, value / 1024 ** 2]
  return [
    value.toLocaleString('en-US'),
    ...(Number.isInteger(kib) ? [`${kib} KiB`] : []),
    ...(Number.isInteger(mib) ? [`${mib} MiB`] : []),
  ]
}

/** The rows of the page: by file, by name, the value's cell. */
function boundsOfThePage(): Map<string, Map<string, string>> {
  const page = readFileSync(resolve(root, 'docs/limits.md'), 'utf8')
  const rows = new Map<string, Map<string, string>>()
  let file = ''
  for (const line of page.split('\n')) {
    file = /^###? `(\S+)`$/.exec(line)?.[1] ?? file
    const [, name, value] = /^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$/.exec(line) ?? []
    if (name === undefined) continue
    if (!rows.has(file)) rows.set(file, new Map())
    rows.get(file)!.set(name, value!)
  }
  return rows
}

test('every bound of the code is on the page, with its value and a reason', async () => {
  const page = boundsOfThePage()
  const wrong: string[] = []
  for (const [file, bounds] of await boundsOfTheCode()) {
    for (const [name, value] of bounds) {
      const cell = page.get(file)?.get(name)
      if (cell === undefined) wrong.push(`${file}: ${name} is not on the page`)
      else if (value !== undefined && !spellings(value).includes(cell.replace(/ ms$/, '')))
        wrong.push(`${file}: ${name} is ${value}, the page says ${cell}`)
    }
  }
  expect(wrong).toEqual([])
})

test('the page names no bound that the code does not have', async () => {
  const code = await boundsOfTheCode()
  const gone = [...boundsOfThePage()].flatMap(([file, rows]) =>
    [...rows.keys()].filter((name) => code.get(file)?.has(name) !== true).map((name) => `${file}: ${name}`),
  )
  expect(gone).toEqual([])
})
