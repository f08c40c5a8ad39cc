/**
 * `npm run bench`: a cluster of its own, fsync on, every node checking every signature; signed records over HTTP from one separate process into
 * one node that is not the leader. Prints one JSON object on its last line. Figures that travel between machines are ratios: CPU time per
 * record divided by the CPU time of one native Ed25519 verification, measured in the same run beside the load.
 *
 *   npm run bench [-- --nodes 3|4|7] [--in-flight N] [--seconds S] [--warm-up S]
 */
import { fork, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { StatusAnswer } from '../../src/api/answers.ts'
import { foundHomes, type Home, NodeProcess, until } from '../end-to-end/cluster.ts'
import type { LoadReport, LoadTask } from './load.ts'

const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: '4' },
    'in-flight': { type: 'string', default: '256' },
    seconds: { type: 'string', default: '30' },
    'warm-up': { type: 'string', default: '10' },
    profile: { type: 'string' },
  },
})
/** USER_HZ of the kernel, fixed for programs. */
const clockTicksPerSecond = 100
const nodeCount = Number(flags.nodes)
const inFlight = Number(flags['in-flight'])
const seconds = Number(flags.seconds)
const warmUpSeconds = Number(flags['warm-up'])
const folder = fileURLToPath(new URL('../../.bench', import.meta.url))
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const { homes, genesis } = await foundHomes(join(folder, 'homes'), nodeCount)
const nodes = homes.map((home) => new NodeProcess(home))
try {
  // `--profile guangzhou` writes a CPU profile of that node beside its home.
  for (const node of nodes) {
    const isProfiled = node.home.id === flags.profile
    node.start(isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${join(folder, 'profile')}`] : [])
  }
  await until(
    async () => (await Promise.all(nodes.map((node) => node.isReady()))).every(Boolean),
    'all nodes ready',
    120_000,
  )
  await until(async () => (await statusOf(homes[0]!)).leader !== null, 'a leader')
  const { leader } = await statusOf(homes[0]!)
  const gateway = homes.find(({ id }) => id !== leader)!
  say(`${nodeCount} nodes, leader ${leader}, load enters at ${gateway.id}, ${inFlight} in flight`)

  const task: LoadTask = {
    url: gateway.apiUrl,
    ledger: genesis.ledger,
    party: gateway.party,
    seed: Buffer.from(gateway.centre.seed).toString('hex'),
    inFlight,
    seconds,
    warmUpSeconds,
  }
  const before = new Map<string, number>()
  const after = new Map<string, number>()
  const diskBefore = diskBytes()
  const sizeBefore = Number((await statusOf(gateway)).replicatedSize)
  const report = await load(task, () => {
    for (const { home, pid } of nodes) before.set(home.id, cpuSeconds(pid!))
    say('measuring')
  })
  for (const { home, pid } of nodes) after.set(home.id, cpuSeconds(pid!))
  const rssMiB = Object.fromEntries(nodes.map(({ home, pid }) => [home.id, rssOf(pid!)]))
  const perRecord = (id: string): number => {
    const microseconds = ((after.get(id)! - before.get(id)!) * 1e6) / report.attested
    return round(microseconds / report.verificationMicroseconds)
  }
  const followers = homes.filter(({ id }) => id !== leader && id !== gateway.id).map(({ id }) => perRecord(id))
  const end = await statusOf(homes[0]!)
  const result = {
    attestedPerSecond: Math.round(report.attested / report.seconds),
    latencyMs: { p50: round(report.p50), p99: round(report.p99) },
    cpuPerRecord: {
      follower:
        followers.length === 0 ? null : round(followers.reduce((sum, each) => sum + each, 0) / followers.length),
      leader: perRecord(leader!),
      gateway: perRecord(gateway.id),
    },
    rssMiB,
    diskBytesPerRecord: Math.round((diskBytes() - diskBefore) / nodeCount / (Number(end.replicatedSize) - sizeBefore)),
    conditions: {
      nodes: nodeCount,
      payloadBytes: report.payloadBytes,
      inFlight,
      seconds: round(report.seconds),
      fsync: true,
      cores: availableParallelism(),
      cpu: cpus()[0]?.model,
      verificationMicroseconds: round(report.verificationMicroseconds),
      failures: report.failures,
      leaderChanged: end.leader !== leader,
      node: process.version,
      gongzheng: end.version,
    },
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exitCode = report.failures === 0 ? 0 : 1
} finally {
  await Promise.all(nodes.map((node) => node.kill('SIGTERM')))
  if (flags.profile === undefined) rmSync(join(folder, 'homes'), { recursive: true, force: true })
}

/** Runs the load in a process of its own; `onWarm` is called when the measured part begins. */
function load(task: LoadTask, onWarm: () => void): Promise<LoadReport> {
  const child = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), [], { execArgv: [] })
  child.send(task)
  return new Promise((resolve, reject) => {
    child.on('message', (message: 'warm' | LoadReport) => {
      if (message === 'warm') onWarm()
      else resolve(message)
    })
    child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)))
  })
}

async function statusOf({ apiUrl }: Home): Promise<StatusAnswer> {
  return (await (await fetch(`${apiUrl}/v1/status`)).json()) as StatusAnswer
}

/** User and system time of all threads of a process, from the kernel's count. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond
}

function rssOf(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Math.round(Number(line?.[1] ?? 0) / 1024)
}

function diskBytes(): number {
  return Number(spawnSync('du', ['-sb', join(folder, 'homes')], { encoding: 'utf8' }).stdout.split('\t')[0])
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
