/**
 * The newcomer's path with real processes: a devnet, the commands it prints, a key from `keygen` to its first attested record and an off-line
 * check; a node killed and started again; the devnet stopped and continued; a stopped node's blocks replayed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { ClassicLevel } from 'classic-level'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseProofFile } from '../../src/chain/proof-file.ts'
import type { DevnetState } from '../../src/node/cli/devnet.ts'

const root = resolve(import.meta.dirname, '../..')
const launcher = join(root, 'bin/gongzheng.js')
const directory = mkdtempSync(join(tmpdir(), 'gongzheng-devnet-'))
const dir = join(directory, 'net')
const environment = { ...process.env, LANG: 'en_GB.UTF-8', LC_ALL: '', NODE_OPTIONS: '' }
const minutes = 60_000

/** A devnet in a process of its own. */
class Devnet {
  readonly #child: ChildProcess
  readonly ended: Promise<number | null>
  #out = ''
  #error = ''
  state!: DevnetState

  constructor(...argv: string[]) {
    this.#child = spawn(process.execPath, [launcher, 'devnet', '--dir', dir, '--json', ...argv], {
      env: environment,
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout!.on('data', (chunk) => {
      this.#out += chunk
    })
    this.#child.stderr!.on('data', (chunk) => {
      this.#error += chunk
    })
    this.ended = new Promise((done) => this.#child.once('close', done))
  }

  get remarks(): string {
    return this.#error
  }

  async ready(): Promise<DevnetState> {
    await until(() => this.#out.endsWith('}\n') || this.#child.exitCode !== null)
    if (this.#out === '') throw new Error(this.#error)
    this.state = JSON.parse(this.#out)
    return this.state
  }

  async stop(...signals: NodeJS.Signals[]): Promise<number | null> {
    for (const signal of signals) this.#child.kill(signal)
    return this.ended
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 2 * minutes
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('waited for two minutes')
    await new Promise((done) => setTimeout(done, 100))
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`).then(
    () => true,
    () => false,
  )

interface Ended {
  readonly code: number
  readonly out: string
  readonly error: string
}

async function command(program: string, argv: readonly string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...argv], { env: environment, cwd: directory })
    return { code: 0, out: stdout, error: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, error: stderr }
  }
}

const gongzheng = (...argv: string[]): Promise<Ended> => command(process.execPath, [launcher, ...argv])

const fieldsOf = (key: string): string =>
  JSON.stringify({
    type: 'attest.hash@1',
    key,
    subject: 'document',
    hash: { algorithm: 'sha256', value: 'c0'.repeat(32) },
    mediaType: 'application/pdf',
    source: {
      system: 'test',
      operator: 'role:clerk',
      method: 'export',
      software: 'test 1',
      occurredAt: '2026-11-20T09:30:00+08:00',
    },
  })

let net: Devnet
/** Index of the record that the newcomer's key attested. */
let first: string

beforeAll(async () => {
  net = new Devnet('--port', '0')
  await net.ready()
}, 3 * minutes)

afterAll(async () => {
  await net?.stop('SIGTERM')
  rmSync(directory, { recursive: true, force: true })
}, minutes)

test('devnet serves four cities on loopback and says so in devnet.json', async () => {
  const { state } = net
  expect(state.nodes.map(({ member }) => member)).toEqual(['guangzhou', 'beijing', 'wuhan', 'hangzhou'])
  for (const { url, pid } of state.nodes) {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(pid).toBeGreaterThan(0)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  }
  expect(JSON.parse(readFileSync(join(dir, 'devnet.json'), 'utf8'))).toMatchObject({
    ledger: state.ledger,
    pid: state.pid,
  })
})

test(
  'the four curl lines work, each as often as one likes',
  async () => {
    const hasCurl = (await command('curl', ['--version'])).code === 0
    expect(net.state.curl).toHaveLength(4)
    for (const line of hasCurl ? [...net.state.curl, ...net.state.curl] : []) {
      const ran = await command('sh', ['-c', line.replace('curl -sS', 'curl -sS --fail-with-body')])
      expect(ran.code, `${line}\n${ran.out}${ran.error}`).toBe(0)
    }
  },
  minutes,
)

test(
  'keygen, request, two approvals, submit, get, verify: a key’s way to its first attested record',
  async () => {
    const { nodes } = net.state
    const [guangzhou, beijing, wuhan] = nodes
    const file = (name: string): string => join(directory, name)
    const step = async (...argv: string[]): Promise<Ended> => {
      const ran = await gongzheng(...argv)
      expect(ran.code, `${argv.join(' ')}\n${ran.error}`).toBe(0)
      return ran
    }
    await step('keygen', '--party', 'uscc:91330100716105852F', '--out', file('key.json'))
    await step(
      ...['register', 'request', '--key', file('key.json'), '--name', '某某招标代理有限公司', '--role', 'agency'],
      ...['--url', guangzhou!.url, '--out', file('request.jws')],
    )
    writeFileSync(file('fields.json'), fieldsOf('first'))
    const submit = ['submit', '--key', file('key.json'), '--wait', '--json', file('fields.json')]
    const early = await gongzheng(...submit, '--url', wuhan!.url)
    expect(early.code, 'not registered yet').toBe(1)
    expect(early.error).toContain('key.unknown')
    for (const { home } of [guangzhou!, beijing!]) {
      await step('register', 'approve', file('request.jws'), '--home', home, '--yes')
    }
    // The two words are on the ledger; every node has them soon.
    let submitted: Ended | undefined
    await until(async () => {
      submitted = await gongzheng(...submit, '--url', wuhan!.url)
      return submitted.code === 0
    })
    const record = JSON.parse(submitted!.out)
    expect(record).toMatchObject({ ok: true, status: 'attested', keyStanding: 'agreed', duplicate: false })
    first = record.index

    const files = ['--proof', file('a.tlog-proof'), '--entry', file('a.entry'), '--policy', file('policy.txt')]
    await step('get', record.statementId, '--url', wuhan!.url, ...files)
    const { note } = parseProofFile(readFileSync(file('a.tlog-proof')))
    expect(note.signatures, 'one log line and exactly q cosignatures').toHaveLength(1 + 3)
    const verify = ['--policy', file('policy.txt'), '--proof', file('a.tlog-proof'), '--entry', file('a.entry')]
    expect((await step('verify', ...verify)).out).toContain('Verified')
    const entry = readFileSync(file('a.entry'))
    entry[40]! ^= 4
    writeFileSync(file('a.entry'), entry)
    const refused = await gongzheng('verify', ...verify)
    expect(refused.code).toBe(1)
    expect(refused.error).toContain('inclusion.mismatch')
  },
  3 * minutes,
)

test(
  'notices are imported in their order, a second run changes nothing, and what cannot be imported has its line',
  async () => {
    const file = (name: string): string => join(directory, name)
    const row = (id: string, fields: object) => ({
      record_id: id,
      title: '某市教育局教学设备采购项目竞争性磋商公告',
      project_code: '某直政采磋商(2026)0031号',
      region: '河南省',
      business_type: '政府采购',
      source_platform: '河南省',
      contentSha256: id.repeat(32),
      ...fields,
    })
    const rows = [
      row('c3', { info_type: '中标公告', publish_date: '2026-04-10 09:00' }),
      row('b2', { info_type: '更正事项', publish_date: '2026-03-20 09:00' }),
      row('a1', { info_type: '采购/资审公告', publish_date: '2026-03-16 20:24' }),
      row('d4', { info_type: '某种公告', publish_date: '2026-03-16 20:24' }),
    ]
    writeFileSync(file('notices.jsonl'), rows.map((item) => JSON.stringify(item)).join('\n'))
    const { url } = net.state.nodes[2]!
    const importing = ['import', 'notices', file('notices.jsonl'), '--key', file('key.json'), '--url', url, '--json']
    const once = await gongzheng(...importing)
    expect(once.code, once.error).toBe(1)
    expect(once.error).toContain('d4: the kind of notice "某种公告" is not known')
    expect(JSON.parse(once.out).counts).toMatchObject({ recorded: 3, before: 0, refused: 0, problem: 1 })
    const twice = JSON.parse((await gongzheng(...importing)).out)
    expect(twice.counts).toMatchObject({ recorded: 0, before: 3, refused: 0, problem: 1 })

    const code = encodeURIComponent(rows[0]!.project_code)
    const tender = await (
      await fetch(`${url}/v1/tenders/${encodeURIComponent('id:ggzy-platform:河南省')}/ggzy/${code}`)
    ).json()
    expect(tender).toMatchObject({ instance: { state: 'awarded' }, timeline: { length: 3 } })
  },
  2 * minutes,
)

test(
  'a centre’s own fields are signed by its home',
  async () => {
    const { home } = net.state.nodes[3]!
    const path = join(directory, 'centre.json')
    writeFileSync(path, fieldsOf('of-the-centre'))
    const ran = await gongzheng('submit', '--home', home, '--wait', path, '--json')
    expect(ran.code, ran.error).toBe(0)
    expect(JSON.parse(ran.out)).toMatchObject({ status: 'attested', member: 'hangzhou', keyStanding: 'agreed' })
  },
  minutes,
)

test(
  'four nodes are audited, and one of them as the directory it was exported to; the next audit has little to do',
  async () => {
    const urls = net.state.nodes.map(({ url }) => url)
    const { fingerprint } = JSON.parse((await gongzheng('status', '--url', urls[0]!, '--json')).out)
    const audit = (...argv: string[]): Promise<Ended> =>
      gongzheng('audit', ...argv, '--fingerprint', fingerprint, '--state', join(directory, 'audit'), '--json')
    const first = await audit(...urls)
    expect(first.code, `${first.out}${first.error}`).toBe(0)
    expect(JSON.parse(first.out)).toMatchObject({ verdict: 'good', findings: [] })
    const exported = join(directory, 'export')
    const export_ = await gongzheng('export', 'ledger', urls[1]!, exported)
    expect(export_.code, export_.error).toBe(0)
    const second = await audit(...urls, exported)
    expect(second.code, `${second.out}${second.error}`).toBe(0)
    // An empty block or two may have come since.
    expect(Number(JSON.parse(second.out).newBlocks)).toBeLessThan(Number(JSON.parse(first.out).newBlocks))
  },
  2 * minutes,
)

test.each(['docs/auditing.md', 'docs/auditing.zh.md'])(
  'one record is proved by hand, with exactly the commands of %s and no other tools',
  async (document) => {
    const section = /## (?:One record, by hand|手工核验一条记录)\n([\s\S]*?)\n## /.exec(
      readFileSync(join(root, document), 'utf8'),
    )![1]!
    const script = Array.from(section.matchAll(/```sh\n([\s\S]*?)```/g), ([, body]) => body!).join('')
    const tools = join(directory, 'tools')
    mkdirSync(tools, { recursive: true })
    for (const tool of ['curl', 'sha256sum', 'openssl', 'printf', 'cat', 'head', 'tail']) {
      const { out } = await command('sh', ['-c', `command -v ${tool} || true`])
      if (out.startsWith('/') && !existsSync(join(tools, tool))) symlinkSync(out.trim(), join(tools, tool))
    }
    const { nodes, ledger } = net.state
    const byHand = async (text: string): Promise<Ended> => {
      const mine = text.replace('url=http://127.0.0.1:8440 index=10', `url=${nodes[3]!.url} index=${first}`)
      expect(mine).not.toBe(text)
      return command('env', ['-i', `PATH=${tools}`, '/bin/sh', '-c', mine])
    }
    const { out, error } = await byHand(script)
    expect(error).toBe('')
    expect(out).toContain(ledger)
    expect(out).toContain(`entry ${first} is in the tree of`)
    expect(out).toMatch(/cosigned by (beijing|guangzhou|hangzhou|wuhan) at 1\d{9}\n[\s\S]*cosigned by 3 of 4, 3 needed/)
    expect(out).toMatch(/signed by [\w-]{44}\n[\s\S]*"type":"attest.hash@1"/)
    expect(out).not.toContain('NOT PROVEN')

    // The end of the entry, which is the statement's signature; and the end of the proof, which is a cosignature.
    for (const name of ['my-entry', 'my.tlog-proof']) {
      const spoil = `text=$(cat ${name}); printf '%s\\n' "\${text%????????????????????????}AAAAAAAAAAAAAAAAAAAAAAAA" > ${name}\n`
      const spoiled = await byHand(script.replace('sha256sum my-genesis.json\n', `sha256sum my-genesis.json\n${spoil}`))
      expect(spoiled.out, name).toContain('NOT PROVEN')
    }
  },
  2 * minutes,
)

test(
  'a node that is killed is reported, the others go on, and `start` brings it back',
  async () => {
    const wuhan = net.state.nodes[2]!
    process.kill(wuhan.pid!, 'SIGKILL')
    await until(() => net.remarks.includes('The process of wuhan has ended (SIGKILL)'))
    const pids = (JSON.parse(readFileSync(join(dir, 'devnet.json'), 'utf8')) as DevnetState).nodes.map(({ pid }) => pid)
    expect(pids.map((pid) => pid === null)).toEqual([false, false, true, false])

    const path = join(directory, 'meanwhile.json')
    writeFileSync(path, fieldsOf('meanwhile'))
    const submit = ['submit', '--key', join(directory, 'key.json'), '--wait', '--url', net.state.nodes[0]!.url, path]
    await until(async () => (await gongzheng(...submit)).code === 0)

    const restarted = spawn(process.execPath, [launcher, 'start', '--home', wuhan.home], { env: environment })
    const ended = new Promise((done) => restarted.once('exit', done))
    await until(async () => (await gongzheng('status', '--url', wuhan.url)).out.includes('4 connected'))
    // Twice is harmless.
    restarted.kill('SIGTERM')
    restarted.kill('SIGINT')
    expect(await ended).toBe(0)
  },
  3 * minutes,
)

test(
  'it stops in order, and started again it continues where it was',
  async () => {
    const { ledger, nodes } = net.state
    expect(await net.stop('SIGINT', 'SIGTERM')).toBe(0)
    for (const { url } of nodes) await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    expect(JSON.parse(readFileSync(join(dir, 'devnet.json'), 'utf8'))).toMatchObject({ pid: null })

    net = new Devnet()
    const again = await net.ready()
    expect(again.ledger).toBe(ledger)
    const got = await gongzheng('get', first, '--url', again.nodes[3]!.url, '--json')
    expect(JSON.parse(got.out)).toMatchObject({ status: 'attested', type: 'attest.hash@1' })
    // The worst end: nobody is left to ask the nodes to stop, and they do.
    await net.stop('SIGKILL')
    await until(async () =>
      (await Promise.all(again.nodes.map(({ url }) => answers(url)))).every((answered) => !answered),
    )
    await until(async () => !(await gongzheng('replay', '--home', again.nodes[0]!.home)).error.includes('disk.locked'))
  },
  4 * minutes,
)

test(
  'the blocks of a stopped node lead to what it has stored; a changed row and a lost block are found',
  async () => {
    const home = join(dir, 'guangzhou')
    const good = await gongzheng('replay', '--home', home, '--json')
    expect(good.code, good.error).toBe(0)
    const replayed = JSON.parse(good.out)
    expect(replayed).toMatchObject({ ok: true, ledger: net.state.ledger })
    expect(replayed.records).toBeGreaterThanOrEqual(4)
    expect(replayed.attestedSize).toBe(replayed.size)

    const rows = join(home, 'data/rows')
    expect(existsSync(rows)).toBe(true)
    const state = await takeOut(rows, Buffer.from('s'))
    const differs = await gongzheng('replay', '--home', home)
    expect(differs.code).toBe(1)
    expect(differs.error).toContain('replay.differs')
    await put(rows, state)
    expect((await gongzheng('replay', '--home', home)).code).toBe(0)

    await takeOut(rows, Buffer.from([0x62, 0, 0, 0, 0, 0, 0, 0, 2]))
    const damaged = await gongzheng('replay', '--home', home)
    expect(damaged.code).toBe(1)
    expect(damaged.error).toContain('replay.block-damaged')
  },
  2 * minutes,
)

test('a directory that is no devnet is left alone', async () => {
  const path = join(directory, 'other')
  mkdirSync(path)
  writeFileSync(join(path, 'letter.txt'), 'dear all')
  const ran = await gongzheng('devnet', '--dir', path, '--port', '0')
  expect(ran.code).toBe(2)
  expect(ran.error).toContain('devnet.other')
  expect(readFileSync(join(path, 'letter.txt'), 'utf8')).toBe('dear all')
})

type Row = { readonly key: Uint8Array; readonly value: Uint8Array }

/** Deletes the first row from this key on, as a disk may lose one. */
async function takeOut(path: string, from: Uint8Array): Promise<Row> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open()
  for await (const [key, value] of level.iterator({ gte: from, limit: 1 })) {
    await level.del(key)
    await level.close()
    return { key, value }
  }
  throw new Error('no row')
}

async function put(path: string, { key, value }: Row): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.put(key, value)
  await level.close()
}
