/**
 * `npm run bench`: a cluster of its own, fsync on, every node checking every signature; signed records over HTTP from one separate process into
 * one node that is not the leader. Prints one JSON object on its last line. Figures that travel between machines are ratios: CPU time per
 * record divided by the CPU time of one native Ed25519 verification, measured in the same run beside the load.
 *
 *   npm run bench [-- --nodes 3|4|7] [--in-flight N] [--per-request N] [--seconds S] [--warm-up S] [--profile member …] [--node-option=--flag]
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { StatusAnswer } from '../../src/api/answers.ts'
import { foundHomes, type Home, NodeProcess, until } from '../end-to-end/cluster.ts'
import type { LoadTask } from './load.ts'
import { load } from './load-process.ts'
import { type CpuSeconds, cpuSeconds, threadKinds } from './process-cpu.ts'
import { verificationHere } from './verification.ts'

const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: '4' },
    'in-flight': { type: 'string', default: '256' },
    'per-request': { type: 'string', default: '1' },
    seconds: { type: 'string', default: '30' },
    'warm-up': { type: 'string', default: '30' },
    profile: { type: 'string', multiple: true, default: [] },
    'node-option': { type: 'string', multiple: true, default: [] },
  },
})
const nodeCount = Number(flags.nodes)
const perRequest = Number(flags['per-request'])
// Whole requests.
const inFlight = Math.max(1, Math.round(Number(flags['in-flight']) / perRequest)) * perRequest
const seconds = Number(flags.seconds)
const warmUpSeconds = Number(flags['warm-up'])
const folder = fileURLToPath(new URL('../../.bench/cluster', import.meta.url))
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const { homes, genesis } = await foundHomes(join(folder, 'homes'), nodeCount)
const nodes = homes.map((home) => new NodeProcess(home))
try {
  // `--profile guangzhou --profile wuhan` writes a CPU profile of those nodes beside their homes.
  for (const node of nodes) {
    const isProfiled = flags.profile.includes(node.home.id)
    const profiling = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${join(folder, 'profile')}`] : []
    node.start([...flags['node-option'], ...profiling])
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
    perRequest,
    seconds,
    warmUpSeconds,
  }
  const before = new Map<string, CpuSeconds>()
  const after = new Map<string, CpuSeconds>()
  const diskBefore = diskBytes()
  const start = await statusOf(gateway)
  const report = await load(task, () => {
    for (const { home, pid } of nodes) before.set(home.id, cpuSeconds(pid!))
    say('measuring')
  })
  for (const { home, pid } of nodes) after.set(home.id, cpuSeconds(pid!))
  const rssMiB = Object.fromEntries(nodes.map(({ home, pid }) => [home.id, rssOf(pid!)]))
  const inVerifications = (cpu: number): number =>
    round((cpu * 1e6) / report.attested / report.verificationMicroseconds)
  /** The mean of these members' nodes, by kind of thread. */
  const perRecord = (ids: readonly string[]): CpuSeconds =>
    Object.fromEntries(
      threadKinds.map((kind) => {
        const spent = ids.map((id) => after.get(id)![kind] - before.get(id)![kind])
        return [kind, inVerifications(spent.reduce((sum, each) => sum + each, 0) / ids.length)]
      }),
    ) as unknown as CpuSeconds
  const followers = homes.map(({ id }) => id).filter((id) => id !== leader && id !== gateway.id)
  const end = await statusOf(homes[0]!)
  const recordsOfRun = Number(end.replicatedSize) - Number(start.replicatedSize)
  const result = {
    attestedPerSecond: Math.round(report.attested / report.seconds),
    latencyMs: { p50: round(report.p50), p99: round(report.p99) },
    cpuPerRecord: {
      follower: followers.length === 0 ? null : perRecord(followers),
      leader: perRecord([leader!]),
      gateway: perRecord([gateway.id]),
      load: inVerifications(report.cpuSeconds),
    },
    /** Warm-up included. */
    recordsPerBlock: Math.round(recordsOfRun / (Number(end.height) - Number(start.height))),
    rssMiB,
    diskBytesPerRecord: Math.round((diskBytes() - diskBefore) / nodeCount / recordsOfRun),
    conditions: {
      nodes: nodeCount,
      payloadBytes: report.payloadBytes,
      inFlight,
      perRequest,
      seconds: round(report.seconds),
      fsync: true,
      cores: availableParallelism(),
      cpu: cpus()[0]?.model,
      verificationMicroseconds: round(report.verificationMicroseconds),
      verificationHere: verificationHere(),
      failures: report.failures,
      signedLate: report.signedLate,
      leaderChanged: end.leader !== leader,
      node: process.version,
      gongzheng: end.version,
    },
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exitCode = report.failures === 0 ? 0 : 1
} finally {
  await Promise.all(nodes.map((node) => node.kill('SIGTERM')))
  if (flags.profile.length === 0) rmSync(join(folder, 'homes'), { recursive: true, force: true })
}

async function statusOf({ apiUrl }: Home): Promise<StatusAnswer> {
  return (await (await fetch(`${apiUrl}/v1/status`)).json()) as StatusAnswer
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
