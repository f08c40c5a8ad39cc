/**
 * `npm run test:interop`: verifiers that nobody here wrote, pointed at running nodes (main.go). Four real nodes take records; each node is verified
 * with Torchwood and with the Go project's own packages, and Torchwood's witness, litewitness, is asked to cosign. Then the leader is killed,
 * the ledger goes on without it and with it, and all is verified again, as a continuation of what was seen before.
 * Needs Go and ssh-agent, in which litewitness keeps its key; the first run fetches the modules that go.mod names.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { StatusAnswer } from '../../src/api/answers.ts'
import { emptyRoot } from '../../src/chain/merkle-tree.ts'
import { foundHomes, type Home, NodeProcess, until } from '../end-to-end/cluster.ts'

const source = fileURLToPath(new URL('.', import.meta.url))
const launcher = fileURLToPath(new URL('../../bin/gongzheng.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'gongzheng-interop-'))
const inDirectory = (name: string): string => join(directory, name)
const running: ChildProcess[] = []
let nodes: readonly NodeProcess[] = []

/** What the command printed. @throws {Error} unless it ends with 0 */
function run(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  const env = { ...process.env, ...environment }
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: source, env, encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout.trim()
}

const statusOf = async ({ apiUrl }: Home): Promise<StatusAnswer> =>
  (await (await fetch(`${apiUrl}/v1/status`)).json()) as StatusAnswer

/** Records by way of a centre's own systems; resolves when all are attested there. */
async function submit(home: Home, name: string, count: number): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const answer = await fetch(`${home.privateUrl}/v1/records`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          type: 'attest.hash@1',
          key: `${name} ${i}`,
          subject: 'document',
          hash: { algorithm: 'sha256', value: i.toString(16).padStart(64, '0') },
          mediaType: 'application/pdf',
          source: {
            system: '互操作测试',
            operator: 'role:测试员',
            method: '自动生成',
            software: 'interop 1.0',
            occurredAt: '2026-11-22T10:00:00+08:00',
          },
        }),
      })
      if (answer.status !== 201) throw new Error(`${home.id}: ${answer.status} ${await answer.text()}`)
      await answer.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: 48 }, lane))
}

/** All these at one size, with all that was attested. */
async function settle(homes: readonly Home[]): Promise<void> {
  await until(async () => {
    const all = await Promise.all(homes.map(statusOf))
    return all.every(
      ({ attestedSize, replicatedSize }) => attestedSize === all[0]!.attestedSize && attestedSize === replicatedSize,
    )
  }, 'all at one size')
}

function verify(homes: readonly Home[], files: readonly string[]): void {
  console.log(run(inDirectory('verifier'), [...files, ...homes.map(({ id, apiUrl }) => `${id}=${apiUrl}`)]))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

interface Witness {
  readonly url: string
  readonly key: string
}

/** litewitness on an empty database that knows this ledger: its origin, and the log keys of all members. */
async function startWitness(policy: string): Promise<Witness> {
  const socket = inDirectory('agent.sock')
  const keyFile = inDirectory('witness-key')
  running.push(spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' }))
  run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyFile])
  await until(
    async () => spawnSync('ssh-add', ['-q', keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).status === 0,
    'the agent has the key',
  )
  const fingerprint = run('ssh-keygen', ['-lf', `${keyFile}.pub`]).split(' ')[1]!
  const listen = `127.0.0.1:${await freePort()}`
  const database = inDirectory('witness.db')
  const witness = spawn(
    inDirectory('litewitness'),
    ['-name', 'witness.example/one', '-db', database, '-ssh-agent', socket, '-listen', listen, '-key', fingerprint],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  running.push(witness)
  let printed = ''
  witness.stderr.on('data', (chunk) => {
    printed += chunk
  })
  await until(async () => printed.includes('msg=listening'), 'the witness listens')
  const logs = policy.split('\n').flatMap((line) => /^log (\S+)/.exec(line)?.[1] ?? [])
  const origin = logs[0]!.split('+')[0]!
  const rows = new DatabaseSync(database)
  const root = Buffer.from(emptyRoot).toString('base64')
  rows.prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)').run(origin, root)
  for (const log of logs) rows.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(origin, log)
  rows.close()
  return { url: `http://${listen}`, key: /vkey=(\S+)/.exec(printed)![1]! }
}

/** @throws {Error} unless the witness cosigned and its line is good */
function askWitness({ url, key }: Witness, home: Home): void {
  const out = inDirectory(`witnessed-${home.id}.txt`)
  const command = ['witness', 'ask', url, '--url', home.apiUrl, '--key', key, '--out', out, '--lang', 'en']
  console.log(run(process.execPath, [launcher, ...command]))
  const name = key.split('+')[0]!
  if (!readFileSync(out, 'utf8').includes(`— ${name} `)) throw new Error(`no line of ${name} in ${out}`)
}

async function main(): Promise<void> {
  console.log(run('go', ['version']))
  run('go', ['build', '-mod=readonly', '-o', inDirectory('verifier'), '.'])
  run('go', ['build', '-mod=readonly', '-o', inDirectory('litewitness'), 'filippo.io/torchwood/cmd/litewitness'])

  const { homes } = await foundHomes(inDirectory('homes'), 4)
  nodes = homes.map((home) => new NodeProcess(home))
  for (const node of nodes) node.start()
  await until(async () => (await Promise.all(nodes.map((node) => node.isReady()))).every(Boolean), 'all ready', 120_000)
  await submit(homes[0]!, 'before', 530)
  await settle(homes)
  verify(homes, ['-after', inDirectory('seen')])
  const policy = await (await fetch(`${homes[0]!.apiUrl}/v1/policy`)).text()
  const witness = await startWitness(policy)
  askWitness(witness, homes[1]!)

  const { leader } = await statusOf(homes[0]!)
  const led = nodes.find(({ home }) => home.id === leader)!
  const others = homes.filter(({ id }) => id !== leader)
  console.log(`killing the leader, ${leader}`)
  await led.kill('SIGKILL')
  await until(async () => {
    const now = await statusOf(others[0]!)
    return now.leader !== null && now.leader !== leader
  }, 'another leads')
  await submit(others[0]!, 'after', 40)
  await settle(others)
  verify(others, ['-before', inDirectory('seen')])
  askWitness(witness, others[2]!)

  led.start()
  await until(() => led.isReady(), 'it is back', 120_000)
  await settle(homes)
  verify(homes, ['-before', inDirectory('seen')])
  console.log('interop: verified at every member, before and after the leader changed')
}

async function close(): Promise<void> {
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(nodes.map((node) => node.kill('SIGKILL')))
  rmSync(directory, { recursive: true, force: true })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void close().then(() => process.exit(130)))
try {
  await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await close()
}
