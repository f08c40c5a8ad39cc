/**
 * `audit` and `export ledger` as commands: a ledger over HTTP and as a directory, its verdicts as exit codes, its state directory, and any byte of an
 * export that is changed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test } from 'vitest'
import { blockBundlePath, bundleOf } from '../../../src/chain/block-bundle.ts'
import { memberPolicy } from '../../../src/chain/member-policy.ts'
import { formatPolicy } from '../../../src/chain/policy.ts'
import { exportLedger } from '../../../src/node/audit/export-ledger.ts'
import { genesis, MadeLedger } from '../audit/made-ledger.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

const keys = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`)
const ledger = new MadeLedger()
for (let i = 0; i < 18; i++) ledger.add({ records: keys(`b${i}`, i === 0 ? 250 : 3) })
ledger.finish()
const { fingerprint } = genesis
const mainFile = fileURLToPath(new URL('../../../src/node/cli/main.ts', import.meta.url))

type Files = ReadonlyMap<string, Uint8Array>

function directoryOf(files: Files): string {
  const directory = temporaryDirectory()
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), bytes)
  }
  return directory
}

/** A plain file server; `answer` may do otherwise. */
async function serve(files: Files, answer?: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer((request, response) => {
    if (answer !== undefined) return answer(request, response)
    const bytes = files.get(request.url!.slice(1).replace(/\?.*/, ''))
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Answer {
  readonly verdict: string
  readonly trust: string
  readonly size: string
  readonly newBlocks: string
  readonly findings: readonly { readonly code: string; readonly source: string; readonly file: string }[]
}

test('a good ledger over HTTP: exit code 0, a report in both languages, what it rests on', async () => {
  const url = await serve(ledger.files)
  const ran = await runJson<Answer>('audit', url, '--fingerprint', fingerprint)
  expect([ran.code, ran.json.verdict, ran.json.trust, ran.json.size]).toEqual([0, 'good', 'given', String(ledger.size)])
  const english = await run('audit', url)
  expect(english.out).toMatch(/everything agrees[\s\S]*given by nobody/)
  expect((await run('audit', url, '--lang', 'zh')).out).toMatch(/一切相符[\s\S]*与章程所印指纹核对/)
})

test('exported, served by nobody: the directory is audited in place of the node', async () => {
  const url = await serve(ledger.files)
  const directory = join(temporaryDirectory(), 'export')
  expect(await runJson('export', 'ledger', url, directory)).toMatchObject({
    code: 0,
    json: { size: String(ledger.size) },
  })
  const ran = await runJson<Answer>('audit', directory, url, '--fingerprint', fingerprint.toLowerCase())
  expect([ran.code, ran.json.findings]).toEqual([0, []])
  // What was exported is what is served, to the byte.
  for (const [path, bytes] of ledger.files)
    expect(readFileSync(join(directory, path)), path).toEqual(Buffer.from(bytes))
  // The same again goes over it; another ledger does not.
  expect((await run('export', 'ledger', url, directory)).code).toBe(0)
  writeFileSync(join(directory, 'v1/genesis'), 'something else')
  expect((await run('export', 'ledger', url, directory)).code).toBe(2)
})

test('an export that cannot be finished says so and leaves no checkpoint', async () => {
  const files = new Map([...ledger.files].filter(([path]) => path !== 'tile/entries/000'))
  const directory = join(temporaryDirectory(), 'export')
  const ran = await run('export', 'ledger', await serve(files), directory)
  expect([ran.code, ran.error]).toEqual([3, expect.stringContaining('export.incomplete')])
  expect(readdirSync(directory)).not.toContain('checkpoint')
  expect((await run('audit', directory)).code).toBe(3)
})

test('an export of blocks that add nothing, without end, is given up', async () => {
  const idle = new MadeLedger()
  for (let i = 0; i < 16; i++) idle.add({ records: [] })
  const bundle = idle.files.get(blockBundlePath(0))!
  const get = async (path: string): Promise<Uint8Array | undefined> =>
    path.startsWith('v1/block-bundles/') ? bundle : ledger.files.get(path.replace(/\?.*/, ''))
  const exporting = exportLedger(genesis, { source: { name: 'm', get }, write: () => {}, onProgress: () => {} })
  await expect(exporting).rejects.toThrow('no record in 65536 blocks')
})

test('with a state directory it is a monitor: pinned at first use, only the new part the next time', async () => {
  const state = join(temporaryDirectory(), 'state')
  const before = new MadeLedger()
  for (let i = 0; i < 5; i++) before.add({ records: keys(`b${i}`, i === 0 ? 250 : 3) })
  const directory = directoryOf(before.finish().files)
  const first = await runJson<Answer>('audit', directory, '--state', state)
  expect([first.code, first.json.trust]).toEqual([0, 'first-use'])
  for (const [path, bytes] of ledger.files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), bytes)
  }
  const second = await runJson<Answer>('audit', directory, '--state', state)
  expect([second.code, second.json.trust, second.json.newBlocks]).toEqual([
    0,
    'pinned',
    String(ledger.height - before.height),
  ])
  const other = await run('audit', directory, '--state', state, '--fingerprint', '0000-0000-0000-0000-0000')
  expect([other.code, other.error]).toEqual([2, expect.stringContaining('audit.other-ledger')])
  writeFileSync(join(state, 'audit.json'), '{')
  expect(await run('audit', directory, '--state', state)).toMatchObject({ code: 2 })
})

test('a state directory that lost rows names nobody: what looks wrong is computed anew first', async () => {
  const state = join(temporaryDirectory(), 'state')
  const before = new MadeLedger()
  for (let i = 0; i < 5; i++) before.add({ records: keys(`b${i}`, i === 0 ? 250 : 3) })
  expect((await run('audit', directoryOf(before.finish().files), '--state', state)).code).toBe(0)
  const level = new ClassicLevel<Uint8Array, Uint8Array>(join(state, 'tree/rows'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  // State rows: the keys of the members' centres among them.
  await level.clear({ gte: Uint8Array.of(0x73), lt: Uint8Array.of(0x74) })
  await level.close()
  const ran = await runJson<Answer>('audit', directoryOf(ledger.files), '--state', state)
  expect([ran.code, ran.json.verdict, ran.json.newBlocks]).toEqual([0, 'good', String(ledger.height)])
  expect(ran.error).toContain('again from the genesis')
})

test('what an audit would not have written is no state: nothing is taken for compared, and nobody for a liar, by it', async () => {
  const [directory, state] = [directoryOf(ledger.files), temporaryDirectory()]
  expect((await run('audit', directory, '--state', state)).code).toBe(0)
  const path = join(state, 'audit.json')
  const whole = readFileSync(path, 'utf8')
  const file = JSON.parse(whole) as { sources: Record<string, object> }
  const seen = file.sources[directory]!
  const changed = (fields: object): object => ({ ...file, sources: { [directory]: { ...seen, ...fields } } })
  const broken: readonly unknown[] = [
    ...[
      null,
      [],
      { ...file, sources: null },
      { ...file, sources: { [directory]: null } },
      changed({ note: undefined }),
    ],
    ...[changed({ note: 'x' }), changed({ note: 5 }), changed({ size: 1e12 }), changed({ compared: 1e12 })],
    ...[
      changed({ compared: -5 }),
      changed({ compared: 'all' }),
      { ...file, entriesRead: -3 },
      { ...file, entriesRead: 'all' },
    ],
    changed({ note: (seen as { note: string }).note.replace('ledger.test', 'ledger.other') }),
  ]
  for (const each of broken) {
    writeFileSync(path, JSON.stringify(each))
    const ran = await run('audit', directory, '--state', state)
    expect([ran.code, ran.error], JSON.stringify(each)).toEqual([2, expect.stringContaining('audit.state-damaged')])
  }
  writeFileSync(path, whole)
  for (const content of ['', '{}']) {
    writeFileSync(join(state, 'genesis.json'), content)
    expect((await run('audit', directory, '--state', state)).error).toContain('audit.state-damaged')
  }
  const inTheWay = await run('audit', directory, '--state', path)
  expect([inTheWay.code, inTheWay.error]).toEqual([2, expect.stringContaining('audit.state-damaged')])
})

test('where the tree is gone, what was compared with it is compared again', async () => {
  const [directory, state] = [directoryOf(ledger.files), temporaryDirectory()]
  expect((await run('audit', directory, '--state', state)).code).toBe(0)
  rmSync(join(state, 'tree'), { recursive: true })
  for (const file of ['tile/0/000', 'tile/entries/000']) {
    const bytes = readFileSync(join(directory, file))
    writeFileSync(join(directory, file), bytes.fill(bytes[40]! ^ 1, 40, 41))
  }
  const { code, json } = await runJson<Answer>('audit', directory, '--state', state)
  expect([code, json.findings.map(({ file }) => file)]).toEqual([1, ['tile/entries/000', 'tile/0/000']])
})

test('where the disk takes no more, that is said, and not that anything is damaged; with room it goes on', async () => {
  const made = new MadeLedger()
  for (let i = 0; i < 8; i++) made.add({ records: keys(`f${i}`, 100) })
  const [directory, state] = [directoryOf(made.finish().files), temporaryDirectory()]
  // 41 KiB a file: room for the slots, not for the rows.
  const command = ['-c', 'ulimit -f 41; exec "$@"', 'bash', process.execPath, mainFile, 'audit', directory]
  const ran = spawnSync('bash', [...command, '--state', state], { encoding: 'utf8' })
  expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('audit.state-not-written')])
  expect((await run('audit', directory, '--state', state)).code).toBe(0)
})

test('two audits on one state directory: the second is told of the first', async () => {
  const [directory, state] = [directoryOf(ledger.files), temporaryDirectory()]
  const ran = await Promise.all([1, 2].map(() => run('audit', directory, '--state', state)))
  expect(ran.map(({ code }) => code).sort()).toEqual([0, 2])
  expect(ran.find(({ code }) => code === 2)!.error).toContain('audit.state-in-use')
})

test('what a stranger sent does not speak to the terminal', async () => {
  const note = Buffer.from(ledger.files.get('checkpoint')!).toString('utf8')
  const files = new Map([...ledger.files, ['checkpoint', Buffer.from(`x\u009b31m${note}`)]])
  const ran = await run('audit', directoryOf(files), '--fingerprint', fingerprint)
  expect([ran.code, ran.out]).toEqual([1, expect.stringContaining('its origin is x\ufffd31m')])
})

test('a policy that the auditor gives has to be satisfied as well', async () => {
  const directory = directoryOf(ledger.files)
  const file = join(temporaryDirectory(), 'policy.txt')
  writeFileSync(file, formatPolicy(memberPolicy(genesis)))
  expect(await runJson('audit', directory, '--policy', file)).toMatchObject({ code: 0, json: { trust: 'policy' } })
  const all = {
    ...memberPolicy(genesis),
    groups: [{ name: 'members', threshold: 4, members: genesis.members.map(({ id }) => id) }],
  }
  writeFileSync(file, formatPolicy(all))
  const ran = await runJson<Answer>('audit', directory, '--policy', file)
  expect([ran.code, ran.json.findings[0]!.code]).toEqual([1, 'audit.checkpoint-bad'])
})

test('a contradiction has exit code 1 and leaves its proof as a file that convicts by itself', async () => {
  const state = temporaryDirectory()
  const forged = new MadeLedger().add({
    records: ['a'],
    change: (jws) => `${jws.slice(0, jws.lastIndexOf('.') + 1)}${'A'.repeat(86)}`,
  })
  const ran = await run('audit', directoryOf(forged.finish().files), '--state', state)
  expect([ran.code, ran.out]).toEqual([
    1,
    expect.stringMatching(/a contradiction was found[\s\S]*By its own signature: 北京/),
  ])
  const proof = join(state, 'fault-beijing-invalid-batch.json')
  expect((await run('fault', 'verify', proof)).code).toBe(0)
})

test.each([
  ['stalls', () => undefined],
  [
    'is broken',
    (_: unknown, response: { writeHead: (status: number) => { end: () => void } }) => response.writeHead(500).end(),
  ],
] as const)('a server that %s: exit code 3 in bounded time, and the other is audited', async (_, answer) => {
  const url = await serve(new Map(), answer as Parameters<typeof createServer>[1])
  const ran = await runJson<Answer>(
    'audit',
    url,
    directoryOf(ledger.files),
    '--fingerprint',
    fingerprint,
    '--timeout',
    '1',
  )
  expect([ran.code, ran.json.verdict, ran.json.size]).toEqual([3, 'incomplete', String(ledger.size)])
  expect(ran.json.findings).toMatchObject([{ code: 'audit.no-answer', source: url }])
})

test('a server that sends for ever is cut off and named', async () => {
  const url = await serve(new Map(), (request, response) => {
    const bytes = ledger.files.get(request.url!.slice(1).replace(/\?.*/, ''))
    if (request.url !== '/v1/policy') return response.writeHead(bytes === undefined ? 404 : 200).end(bytes)
    const chunk = Buffer.alloc(65_536, 0x23)
    const more = (): void => {
      if (!response.destroyed && response.write(chunk)) setImmediate(more)
    }
    response.on('drain', more)
    more()
  })
  const ran = await runJson<Answer>('audit', url, '--fingerprint', fingerprint)
  expect([ran.code, ran.json.findings]).toEqual([
    1,
    [expect.objectContaining({ code: 'audit.wrong-answer', source: url, file: 'v1/policy' })],
  ])
})

test('a byte of an export that is changed is found, and the file is named', async () => {
  const directory = directoryOf(ledger.files)
  const path = 'v1/block-bundles/000'
  const bytes = ledger.files.get(path)!.slice()
  bytes[40_000]! ^= 1
  writeFileSync(join(directory, path), bytes)
  const ran = await runJson<Answer>('audit', directory)
  expect([ran.code, ran.json.findings]).toMatchObject([1, [{ code: 'audit.block-invalid', file: path }]])
})

test('the ledger of these tests has bundles and loose blocks, full and partial tiles', () => {
  expect(bundleOf(ledger.height)).toBe(1)
  expect([...ledger.files.keys()]).toEqual(
    expect.arrayContaining(['tile/0/000', 'tile/entries/000', 'v1/block-bundles/000']),
  )
})
