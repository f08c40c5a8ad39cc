/**
 * `npm run bench:audit`: how fast a whole ledger is audited. Another process makes it (every signature real, nobody votes) and serves it as four
 * nodes on the same cores; this one audits it as `gongzheng audit` does, entries read in full from one node, tiles from all. Prints one JSON object
 * on its last line; since a verification costs two to five times as much on one machine as on another, also what a record costs in verifications,
 * and which part it is of what signatures alone would allow on the same cores, and which threads it was spent in.
 *
 *   npm run bench:audit [-- --records 100000] [--per-block 64] [--keep]
 */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { utf8 } from '../../src/chain/bytes.ts'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import { runCommand } from '../../src/node/cli/program.ts'
import type { TerminalStreams } from '../../src/node/cli/terminal.ts'
import { VerifierPool } from '../../src/node/verifier-pool.ts'
import { cpuSeconds, threadKinds } from './process-cpu.ts'
import { verificationHere, verificationMicros } from './verification.ts'

const { values: flags } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    'per-block': { type: 'string', default: '64' },
    keep: { type: 'boolean', default: false },
  },
})
const folder = fileURLToPath(new URL('../../.bench/audit', import.meta.url))
if (!flags.keep) rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const state = join(folder, 'state')
rmSync(state, { recursive: true, force: true })
const say = (text: string): void => void process.stderr.write(`${text}\n`)

/**
 * Signatures a second on all cores and nothing else: as many as an audit checks, in the pool that it has, while the server stands idle. What the
 * audit reaches of that is a figure that another machine, or neighbours, change less than either.
 */
async function signaturesAlonePerSecond(count: number, perBlock: number): Promise<number> {
  const fail = (reason: string): void => {
    throw new Error(reason)
  }
  const log = { debug: () => undefined, info: () => undefined, warn: say, error: say }
  const pool = new VerifierPool({ workers: availableParallelism() }, { log, onFatal: fail })
  const seed = sha256(utf8('bench'))
  const publicKey = taggedEd25519(ed25519PublicKey(seed))
  const message = new Uint8Array(500)
  const check = { publicKey, message, signature: ed25519Sign(seed, message) }
  const block = Array.from({ length: perBlock }, () => check)
  const one = (): Promise<void> => new Promise((resolve) => pool.check(block, () => resolve()))
  await Promise.all(Array.from({ length: 8 }, one))
  const begun = performance.now()
  let left = Math.ceil(count / perBlock)
  const worker = async (): Promise<void> => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: 64 }, worker))
  const seconds = (performance.now() - begun) / 1000
  await pool.stop()
  return count / seconds
}

const server = spawn(
  process.execPath,
  [
    fileURLToPath(new URL('./audit-server.ts', import.meta.url)),
    join(folder, 'files'),
    flags.records,
    flags['per-block'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
try {
  mkdirSync(join(folder, 'files'), { recursive: true })
  const [line] = await new Promise<[string]>((resolve, reject) => {
    createInterface({ input: server.stdout! }).once('line', (text) => resolve([text]))
    server.once('exit', (code) => reject(new Error(`the server ended: ${code}`)))
  })
  const { urls, size, height, fingerprint } = JSON.parse(line) as {
    urls: string[]
    size: number
    height: number
    fingerprint: string
  }
  const micros = verificationMicros(2_000)
  const records = Number(flags.records)
  const alone = () => signaturesAlonePerSecond(Math.min(records, 50_000), Number(flags['per-block']))
  const aloneBefore = await alone()
  const rssMiB: number[] = []
  const threadsBefore = cpuSeconds(process.pid)
  const serverBefore = cpuSeconds(server.pid!)
  let threads = threadsBefore
  const timer = setInterval(() => {
    rssMiB.push(Math.round(process.memoryUsage.rss() / 1_048_576))
    // While the workers are there: they end with the audit.
    const now = cpuSeconds(process.pid)
    if (now.verifier > 0) threads = now
  }, 1_000)
  const output = new PassThrough()
  const streams = { input: new PassThrough(), output, error: process.stderr } as unknown as TerminalStreams
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const code = await runCommand(
    ['audit', ...urls, '--fingerprint', fingerprint, '--state', state, '--json'],
    process.env,
    streams,
  )
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(timer)
  const served = cpuSeconds(server.pid!).all - serverBefore.all
  if (code !== 0) throw new Error(`the audit ended with ${code}: ${String(output.read())}`)
  const again = performance.now()
  await runCommand(['audit', ...urls, '--state', state, '--json'], process.env, streams)
  const secondsAgain = (performance.now() - again) / 1000
  // Before and after, because neighbours come and go.
  const signaturesPerSecond = (aloneBefore + (await alone())) / 2
  const rssAt = (part: number): number => rssMiB[Math.min(rssMiB.length - 1, Math.floor(rssMiB.length * part))] ?? 0
  const perRecord = (cpu: number): number => Math.round((cpu * 1e6) / records)
  say(`${Math.round(records / seconds)} records/s, ${Math.round(seconds)} s`)
  process.stdout.write(
    `${JSON.stringify({
      records,
      size,
      blocks: height,
      nodes: urls.length,
      seconds: Math.round(seconds * 10) / 10,
      recordsPerSecond: Math.round(records / seconds),
      signaturesAlonePerSecond: Math.round(signaturesPerSecond),
      ofSignaturesAlone: Math.round((records / seconds / signaturesPerSecond) * 100) / 100,
      verificationMicros: Math.round(micros),
      verificationHere: verificationHere(),
      cpuPerRecordInVerifications: Math.round(((user + system) / records / micros) * 100) / 100,
      // By kind of thread; the last second's work is not among it.
      cpuMicrosPerRecord: {
        ...Object.fromEntries(threadKinds.map((kind) => [kind, perRecord(threads[kind] - threadsBefore[kind])])),
        server: perRecord(served),
      },
      rssMiB: [0.25, 0.5, 0.75, 1].map(rssAt),
      cpuSeconds: Math.round((user + system) / 1e6),
      secondsWithNothingNew: Math.round(secondsAgain * 10) / 10,
      conditions: { node: process.version, cores: availableParallelism() },
    })}\n`,
  )
} finally {
  server.kill()
}
