/**
 * Wrong documentation is a bug. Every Markdown document names only files, functions, scripts and commands that exist, what stands in both
 * languages says the same in both, the claim stands everywhere in the same words, and no document knows anything of one machine.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const root = resolve(import.meta.dirname, '../..')
const documents = [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })].sort()
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')

/** Files that a guide has its reader make. */
const examples = ['src/chain/catalogue/witness.ts', 'test/chain/catalogue/witness.test.ts']

/** Paths of this repository, in code spans and commands: below one of its folders, or a document beside the README. */
const pathForm =
  /(?<![\w./@-])(?:(?:src|test|docs|docker|bin|\.ci)(?:\/[\w.-]+)+|(?:README|ARCHITECTURE|CONTRIBUTING)(?:\.zh)?\.md)(?![\w-]*[(*])/g
const linkForm = /\]\(([^)\s]+)\)/g

/** What is not built yet may be named where that is said, on the same line. */
const linesThatPromise = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/not yet|尚未/i.test(line))
    .join('\n')

function anchorsOf(path: string): ReadonlySet<string> {
  const text = read(path)
  const headings = text.match(/^#{1,6} .+$/gm) ?? []
  const named = Array.from(text.matchAll(/<a id="([a-z-]+)"><\/a>/g), ([, name]) => name!)
  const ofHeadings = headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set([...ofHeadings, ...named])
}

describe.each(documents)('%s', (document) => {
  const text = read(document)

  test('names only files that exist', () => {
    const named = [...linesThatPromise(text).matchAll(pathForm)].map(([path]) => path.replace(/[.-]+$/, ''))
    const missing = named.filter((path) => !examples.includes(path) && !existsSync(resolve(root, path)))
    expect([...new Set(missing)]).toEqual([])
  })

  test('has links that lead somewhere', () => {
    const broken = [...text.matchAll(linkForm)]
      .map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? document : relative(root, resolve(root, dirname(document), path))
        if (!existsSync(resolve(root, file))) return true
        return anchor !== undefined && !anchorsOf(file).has(anchor)
      })
    expect(broken).toEqual([])
  })

  test('names only functions that stand in the file it gives', () => {
    const claims = [...text.matchAll(/((?:`#?\w+`(?:, | and ))*`#?\w+`) in `((?:src|test)\/[\w./-]+\.ts)`/g)]
    const wrong = claims.flatMap(([, names, path]) => {
      const source = read(path!)
      return [...names!.matchAll(/`(#?\w+)`/g)]
        .filter(([, name]) => !new RegExp(`${name}\\b`).test(source))
        .map(([, name]) => `${name} in ${path}`)
    })
    expect(wrong).toEqual([])
  })

  test('names only npm scripts that exist', () => {
    const scripts = [...text.matchAll(/npm (?:run )?(?:--\S+ )*([a-z][\w:-]*)/g)].map(([all, name]) => ({ all, name }))
    const known = new Set([...Object.keys(manifest.scripts), 'ci', 'run', 'scripts', 'install', 'pack'])
    expect(scripts.filter(({ name }) => !known.has(name!))).toEqual([])
  })

  test('never calls itself a notary’s act', () => {
    expect(text).not.toMatch('\u516c\u8bc1')
  })

  test('names nothing of one machine', () => {
    expect(text.match(/(?:\/work\/|\/root\/|\/home\/\w|\/Users\/|\/tmp\/|\/mnt\/|\bregistry\.\w)/g)).toBeNull()
  })
})

const chineseEnding = '.zh.md'
const languagePairs = documents
  .filter((path) => path.endsWith(chineseEnding))
  .map((chinese) => ({ english: chinese.replace(chineseEnding, '.md'), chinese }))

test('what users, operators, verifiers and auditors read exists in both languages', () => {
  const topics = ['auditing', 'cli', 'docker', 'importing', 'operating', 'sealed-bids', 'trust', 'verifying']
  const wanted = ['README.zh.md', ...topics.map((topic) => `docs/${topic}${chineseEnding}`)]
  expect(languagePairs.map(({ chinese }) => chinese)).toEqual(expect.arrayContaining(wanted))
})

describe.each(languagePairs)('$english and $chinese', ({ english, chinese }) => {
  const same = (found: (text: string) => unknown): void => expect(found(read(chinese))).toEqual(found(read(english)))

  test('lead to each other at the top', () => {
    const topOf = (path: string): string => read(path).split('\n', 4).join('\n')
    expect(topOf(english)).toContain(`](${basename(chinese)})`)
    expect(topOf(chinese)).toContain(`](${basename(english)})`)
  })

  test('have the same sections', () => {
    same((text) => proseOf(text).match(/^#+ /gm))
  })

  test('have the same tables, of the same rows, about the same names', () => {
    same((text) => tablesOf(text).map((rows) => rows.length))
    same((text) => tablesOf(text).map((rows) => rows.map((row) => codeIn(row.split(' | ')[0]!))))
  })

  test('have the same lists', () => {
    same((text) => proseOf(text).match(/^ *(?:-|\d+\.) /gm))
  })

  test('have the same code and the same commands', () => {
    same((text) => codeBlocksOf(text).map(({ language }) => language))
    same((text) => commandsOf(text).map(withoutNames))
    // Programs and files are the same to the letter; a drawing or the listing of a directory is told in the reader's words, line by line.
    const isTold = ({ language }: CodeBlock): boolean => ['', 'mermaid'].includes(language)
    same((text) =>
      codeBlocksOf(text)
        .filter(({ language }) => language !== 'sh')
        .map((block) => (isTold(block) ? block.body.split('\n').length : block.body)),
    )
  })

  test('lead to the same files, each in its own language', () => {
    const linked = (path: string): readonly string[] =>
      [...read(path).matchAll(linkForm)]
        .map(([, target]) => target!.split('#')[0]!)
        .filter((target) => ![basename(english), basename(chinese), ''].includes(target))
    const inEnglish = linked(english)
    const ofEnglish = (target: string): string => target.replace(chineseEnding, '.md')
    expect(new Set(linked(chinese).map(ofEnglish))).toEqual(new Set(inEnglish.map(ofEnglish)))
    expect(inEnglish.filter((target) => target.endsWith(chineseEnding))).toEqual([])
    const translated = linked(chinese).filter((target) =>
      languagePairs.some((pair) => pair.english === relative(root, resolve(root, dirname(chinese), target))),
    )
    expect(translated).toEqual([])
  })
})

describe('commands of gongzheng', () => {
  const program = globSync('src/node/cli/*.ts', { cwd: root }).map(read).join('\n')
  const commands = documents.flatMap((document) =>
    [...read(document).matchAll(/node bin\/gongzheng\.js ([^`\n]+)/g)].map(([, line]) => line!.split(' ')),
  )

  test.each([...new Set(commands.map((words) => words.join(' ')))])('%s', (line) => {
    const words = line.split(' ')
    // Words up to the first option or file are commands.
    const firstOther = words.findIndex((word) => !/^[a-z]+$/.test(word))
    const names = firstOther < 0 ? words : words.slice(0, firstOther)
    const options = words.filter((word) => word.startsWith('--') && word !== '--help')
    expect(names.filter((name) => !program.includes(`.command('${name}')`))).toEqual([])
    expect(options.filter((option) => !new RegExp(`'${option}[ ']`).test(program))).toEqual([])
  })
})

test('the claim stands in the same words wherever it is made', () => {
  const claimOf = (path: string): string | undefined =>
    /\*Safe under lies:\*[\s\S]*?log line only\./.exec(read(path))?.[0].replaceAll(/\s+/g, ' ')
  expect(claimOf('README.md')).toBe(claimOf('docs/protocol.md'))
  expect(claimOf('README.zh.md')).toBe(claimOf('docs/protocol.md'))
  for (const document of documents) expect([claimOf('docs/protocol.md'), undefined]).toContain(claimOf(document))
})

test('every dependency has its reason in a decision', () => {
  const decisions = documents.filter((path) => path.startsWith('docs/decisions/')).map(read)
  const hasReason = (name: string): boolean =>
    decisions.some((text) => text.includes(`\`${name}\``) || text.includes(`\`${name.split('/')[0]}/*\``))
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
  expect(names.filter((name) => !hasReason(name))).toEqual([])
})

test('decisions are dated and numbered without gaps', () => {
  const decisions = documents.filter((path) => path.startsWith('docs/decisions/'))
  expect(decisions.map((path) => path.slice('docs/decisions/'.length, 'docs/decisions/'.length + 4))).toEqual(
    decisions.map((_, at) => String(at + 1).padStart(4, '0')),
  )
  for (const path of decisions) expect(read(path)).toMatch(/^# \d{4} .+\n\n\d{4}-\d\d-\d\d\n\n\*\*Decision\.\*\* /)
})

interface CodeBlock {
  /** Empty where none is named. */
  readonly language: string
  readonly body: string
}

const codeBlockForm = /^```(\w*)\n([\s\S]*?)^```$/gm

const codeBlocksOf = (text: string): readonly CodeBlock[] =>
  Array.from(text.matchAll(codeBlockForm), ([, language, body]) => ({ language: language!, body: body! }))

/** What is not a block of code: a comment in a script is no heading. */
const proseOf = (text: string): string => text.replaceAll(codeBlockForm, '')

/** The rows of each table, its head among them. */
const tablesOf = (text: string): readonly (readonly string[])[] =>
  Array.from(proseOf(text).matchAll(/(?:^\|.*\n?)+/gm), ([table]) => table.trimEnd().split('\n'))

/** What stands for a value, `<height>`, may be named in the reader's words. */
const codeIn = (text: string): readonly string[] =>
  Array.from(text.matchAll(/`([^`]+)`/g), ([, code]) => code!.replaceAll(/<[^>]*>/g, '<>'))

function commandsOf(text: string): readonly string[] {
  const blocks = codeBlocksOf(text).filter(({ language }) => language === 'sh')
  // What is between the marks of a here-document is a file, not commands.
  return blocks.flatMap(({ body }) =>
    body
      .replaceAll(/(<<'JSON'\n)[\s\S]*?\nJSON\n/g, '$1')
      .trim()
      .split('\n'),
  )
}

const withoutNames = (command: string): string => command.replaceAll(/"[^"]*"/g, '""')
