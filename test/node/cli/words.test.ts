/** What the command line says: in which language, with which exit code, and that every code it can meet has words. */
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { failureOf } from '../../../src/node/cli/failure.ts'
import { languageOfCommand } from '../../../src/node/cli/language.ts'
import { everyText } from '../../../src/node/cli/messages.ts'
import { cellsOf } from '../../../src/node/cli/terminal.ts'
import { run, runJson } from './run.ts'

const root = resolve(import.meta.dirname, '../../..')

test.each([
  [[], {}, 'zh'],
  [[], { LANG: 'C.UTF-8' }, 'zh'],
  [[], { LANG: 'zh_CN.UTF-8' }, 'zh'],
  [[], { LANG: 'en_US.UTF-8' }, 'en'],
  [[], { LANG: 'en_US.UTF-8', LC_ALL: 'zh_CN.UTF-8' }, 'zh'],
  [[], { LANG: 'zh_CN.UTF-8', LC_ALL: 'en_GB' }, 'en'],
  [['--lang', 'zh'], { LANG: 'en_US' }, 'zh'],
  [['get', '1', '--lang=en'], {}, 'en'],
] as const)('arguments %j and environment %j speak %s', (argv, env, language) => {
  expect(languageOfCommand(argv, env)).toBe(language)
})

const commands = [
  [],
  ...[
    'devnet',
    'init',
    'genesis',
    'start',
    'replay',
    'status',
    'keygen',
    'register',
    'submit',
    'get',
    'check',
    'verify',
    'fault',
    'import',
    'audit',
    'export',
  ].map((name) => [name]),
  ...['new', 'card', 'collect', 'review', 'sign', 'fingerprint'].map((name) => ['genesis', name]),
  ...['request', 'approve'].map((name) => ['register', name]),
  ...['notices', 'datasets', 'ocds'].map((name) => ['import', name]),
  ['fault', 'verify'],
  ['export', 'ledger'],
]

test.each(commands.map((words) => ({ words, name: ['gongzheng', ...words].join(' ') })))(
  'help of “$name” is there in both languages and is no error',
  async ({ words }) => {
    const zh = await run(...words, '--help', '--lang', 'zh')
    const en = await run(...words, '--help', '--lang', 'en')
    expect([zh.code, en.code]).toEqual([0, 0])
    expect(zh.out).toContain('用法：')
    expect(zh.out).not.toMatch(/Options:|Commands:|display help/)
    expect(en.out).toContain('Usage: gongzheng')
    expect(en.out).not.toMatch(/[\u4e00-\u9fff]/)
  },
)

test.each([
  [['frob']],
  [['get']],
  [['verify', '--policy', 'x']],
  [['check']],
  [['check', 'x', '--algorithm', 'md5']],
  [['devnet', '--port', 'many']],
  [['devnet', '--nodes', '11', '--dir', '/nonexistent/gongzheng']],
  [['get', '1', '--frob']],
  [['--lang', 'fr']],
] as const)('%j is a wrong command: exit code 2 and plain words', async (argv) => {
  const ran = await run(...argv)
  expect(ran.code).toBe(2)
  expect(ran.error).toContain('usage.wrong')
  expect(ran.error).toContain('--help')
  expect(ran.error).not.toContain('    at ')
})

test('a command without its subcommand shows help and exits 2', async () => {
  const ran = await run('genesis')
  expect(ran.code).toBe(2)
  expect(ran.error).toContain('Usage: gongzheng genesis')
})

test('nobody answering is exit code 3, with the URL', async () => {
  const ran = await runJson<{ ok: boolean; problem: { code: string } }>('status', '--url', 'http://127.0.0.1:9')
  expect(ran.code).toBe(3)
  expect(ran.json).toMatchObject({ ok: false, problem: { code: 'connection.no-answer' } })
  expect(ran.error).toContain('http://127.0.0.1:9')
})

test('every code that the command line and the configuration refuse with has words in both languages', () => {
  const texts = everyText()
  const files = [...globSync('src/node/cli/*.ts', { cwd: root }), 'src/node/configuration.ts']
  const used = files.flatMap((file) =>
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /(?:Refusal|CommandFailure|\bno)\(\s*(?:\w[^'()]*\? )?'([a-z]+\.[a-z-]+)'(?: : '([a-z]+\.[a-z-]+)')?/g,
      ),
    ].flatMap(([, first, second]) => (second === undefined ? [first!] : [first!, second])),
  )
  expect(used.length).toBeGreaterThan(40)
  for (const code of new Set(used)) {
    expect(texts, code).toHaveProperty([code])
    for (const language of ['zh', 'en'] as const) {
      for (const words of Object.values(texts[code]![language])) expect(words, code).not.toBe('')
    }
  }
})

test('a fault of ours says so, with what a maintainer needs', () => {
  const failure = failureOf(new TypeError('boom'), 'en')
  expect(failure).toMatchObject({ code: 'internal.command', exit: 70 })
  expect(failure.detail).toContain('words.test.ts')
})

test('docs/cli.md names every command and every exit code', () => {
  const page = readFileSync(join(root, 'docs/cli.md'), 'utf8')
  for (const command of commands) if (command.length > 0) expect(page).toContain(`gongzheng ${command.join(' ')}`)
  for (const code of [0, 1, 2, 3, 4, 5, 70]) expect(page).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'))
})

test('Chinese characters take two cells', () => {
  expect(cellsOf('共证 ok')).toBe(7)
})
