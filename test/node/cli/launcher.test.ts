/** The launcher under an old Node, which is this Node pretending: what counts is which version it finds. */
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './run.ts'

const launcher = resolve(import.meta.dirname, '../../../bin/gongzheng.js')
const pretend = `data:text/javascript,${encodeURIComponent(
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } })`,
)}`

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly error: string
}

function launch(path: string, argv: readonly string[], options: { old: boolean; onOutput?: (pid: number) => void }) {
  const child = spawn(process.execPath, [...(options.old ? ['--import', pretend] : []), path, ...argv], {
    env: { ...process.env, LANG: 'en_GB.UTF-8', LC_ALL: '', NODE_OPTIONS: '', GONGZHENG_RELAUNCHED: undefined },
  })
  let out = ''
  let error = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    error += chunk
    options.onOutput?.(child.pid!)
  })
  return new Promise<Ended>((done) => child.on('close', (code, signal) => done({ code, signal, out, error })))
}

test('an old Node hands over to the project’s own, with arguments, output and exit code', async () => {
  const version = await launch(launcher, ['--version'], { old: true })
  expect(version).toMatchObject({ code: 0, out: '0.1.0\n' })
  const refused = await launch(launcher, ['verify', '--policy', 'a', '--proof', 'b', '--entry', 'c'], { old: true })
  expect(refused.code).toBe(2)
  expect(refused.error).toContain('file.missing')
}, 60_000)

test('a new enough Node runs the command line itself', async () => {
  expect(await launch(launcher, ['--version'], { old: false })).toMatchObject({ code: 0, out: '0.1.0\n' })
}, 60_000)

test('a signal reaches what was handed over to', async () => {
  const directory = temporaryDirectory()
  // A project whose command never ends: asked to stop, it dies of the signal, and so does the launcher.
  writeFileSync(join(directory, 'preload.mjs'), `process.stderr.write('ready\\n'); setInterval(() => {}, 1000)`)
  const project = join(directory, 'bin')
  mkdirSync(project)
  mkdirSync(join(directory, 'src/node/cli'), { recursive: true })
  copyFileSync(launcher, join(project, 'gongzheng.js'))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  writeFileSync(join(directory, 'src/node/cli/main.ts'), `import '../../../preload.mjs'`)
  symlinkSync(resolve(import.meta.dirname, '../../../node_modules'), join(directory, 'node_modules'))
  const ended = await launch(join(project, 'gongzheng.js'), [], {
    old: true,
    onOutput: (pid) => process.kill(pid, 'SIGTERM'),
  })
  expect(ended).toMatchObject({ code: null, signal: 'SIGTERM' })
}, 60_000)

test('without the project’s Node it says what is needed, in both languages', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  copyFileSync(launcher, join(directory, 'gongzheng.js'))
  const ended = await launch(join(directory, 'gongzheng.js'), ['--version'], { old: true })
  expect(ended.code).toBe(2)
  expect(ended.error).toContain('需要 Node.js 24')
  expect(ended.error).toContain('needs Node.js 24')
}, 60_000)

test('a reader that has read enough does not make it fail', async () => {
  const child = spawn(process.execPath, [launcher, '--help'], { env: { ...process.env, NODE_OPTIONS: '' } })
  child.stdout.destroy()
  let error = ''
  child.stderr.on('data', (chunk) => {
    error += chunk
  })
  const code = await new Promise((done) => child.on('close', done))
  expect([code, error]).toEqual([0, ''])
})
