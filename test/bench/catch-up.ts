/**
 * `npm run bench:catch-up`: a ledger of five members, four of which have run for a while; the fifth starts late and must catch up while records go
 * on being attested. Prints one JSON object on its last line: latency of the others without and with the newcomer, at the same rate, and how
 * fast it caught up. What travels between machines are the ratios. Without `--per-second` the rate is 500, or a quarter of what the four
 * attested at full load while the ledger was filled, if that is less: a machine that is busy without the newcomer says nothing about it.
 *
 * On one machine the newcomer takes its time from the cores that the others work on; elsewhere it has its own. `--newcomer-nice 19` lets it have only
 * what they leave.
 *
 *   npm run bench:catch-up [-- --records 200000] [--per-second 500] [--seconds 30] [--newcomer-nice 0]
 */
import { mkdirSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { StatusAnswer } from '../../src/api/answers.ts'
import { foundHomes, type Home, NodeProcess, until } from '../end-to-end/cluster.ts'
import type { LoadTask } from './load.ts'
import { load } from './load-process.ts'

const { values: flags } = parseArgs({
  options: {
    records: { type: 'string', default: '200000' },
    'per-second': { type: 'string' },
    seconds: { type: 'string', default: '30' },
    'newcomer-nice': { type: 'string', default: '0' },
  },
})
const records = Number(flags.records)
const seconds = Number(flags.seconds)
const newcomerNice = Number(flags['newcomer-nice'])
const memberCount = 5
/** Callers that share a fixed rate: enough that none waits for another's answer. */
const callers = 256
/** What a ledger of this size is asked for; machines that cannot are asked for less. */
const askedPerSecond = 500
const fillSeconds = 15
const settlingSeconds = 5
/** A node that has not caught up after this long never will at this rate. */
const patienceMs = 3_600_000

const folder = fileURLToPath(new URL('../../.bench/catch-up', import.meta.url))
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const { homes, genesis } = await foundHomes(join(folder, 'homes'), memberCount)
const nodes = homes.map((home) => new NodeProcess(home))
const [late, ...early] = [nodes.at(-1)!, ...nodes.slice(0, -1)]
try {
  for (const node of early) node.start()
  await until(
    async () => (await Promise.all(early.map((node) => node.isReady()))).every(Boolean),
    'four ready',
    120_000,
  )
  await until(async () => (await statusOf(homes[0]!)).leader !== null, 'a leader')
  const { leader } = await statusOf(homes[0]!)
  const gateway = early.map(({ home }) => home).find(({ id }) => id !== leader)!
  const task = (length: number, warmUpSeconds: number, rate?: number): LoadTask => ({
    url: gateway.apiUrl,
    ledger: genesis.ledger,
    party: gateway.party,
    seed: Buffer.from(gateway.centre.seed).toString('hex'),
    inFlight: callers,
    seconds: length,
    warmUpSeconds,
    ...(rate === undefined ? {} : { perSecond: rate }),
  })
  let fillPerSecond = 0
  for (;;) {
    const size = Number((await statusOf(gateway)).attestedSize)
    say(`${size} leaves of ${records}`)
    if (size >= records) break
    const { attested, seconds: took } = await load(task(fillSeconds, 0))
    fillPerSecond = Math.max(fillPerSecond, Math.round(attested / took))
  }
  const perSecond = Number(flags['per-second'] ?? Math.min(askedPerSecond, Math.max(1, Math.floor(fillPerSecond / 4))))
  say(`${perSecond} a second without the fifth`)
  const without = await load(task(seconds, settlingSeconds, perSecond))

  say('and with it')
  let caughtUpAfter: number | undefined
  let missing = 0
  let startedAt = 0
  const catchingUp = async (): Promise<void> => {
    missing = Number((await statusOf(gateway)).attestedSize)
    startedAt = performance.now()
    late.start()
    setPriority(late.pid!, newcomerNice)
    while (performance.now() - startedAt < patienceMs) {
      const [mine, theirs] = await Promise.all([statusOf(late.home).catch(() => undefined), statusOf(gateway)])
      // Within a second of load of the others, it takes part like any other.
      if (mine !== undefined && Number(mine.attestedSize) >= Number(theirs.attestedSize) - perSecond) {
        caughtUpAfter = (performance.now() - startedAt) / 1000
        return
      }
      await sleep(500)
    }
  }
  let caughtUp: Promise<void> = Promise.resolve()
  const withIt = await load(task(seconds, settlingSeconds, perSecond), () => {
    caughtUp = catchingUp()
  })
  const isThereAtTheEnd = caughtUpAfter !== undefined
  const underLoad = {
    seconds: round((performance.now() - startedAt) / 1000),
    records: isThereAtTheEnd ? missing : Number((await statusOf(late.home).catch(() => undefined))?.attestedSize ?? 0),
  }
  await caughtUp
  const ratio = withIt.p99 / without.p99
  const result = {
    records: missing,
    fillPerSecond,
    perSecond,
    without: {
      attestedPerSecond: Math.round(without.attested / without.seconds),
      p50: round(without.p50),
      p99: round(without.p99),
    },
    with: {
      attestedPerSecond: Math.round(withIt.attested / withIt.seconds),
      p50: round(withIt.p50),
      p99: round(withIt.p99),
    },
    p99Ratio: round(ratio),
    caughtUpSeconds: caughtUpAfter === undefined ? null : round(caughtUpAfter),
    /** Of these records while the load went on; the rest came after it, with all of the machine. */
    underLoad,
    recordsCaughtUpPerSecond: caughtUpAfter === undefined ? null : Math.round(missing / caughtUpAfter),
    /** False: the load ended before the newcomer was there, and the latency is that of the whole stretch. */
    withinTheLoad: isThereAtTheEnd,
    conditions: {
      members: memberCount,
      newcomerNice,
      seconds,
      failures: without.failures + withIt.failures,
      fsync: true,
      cores: availableParallelism(),
      cpu: cpus()[0]?.model,
      verificationMicroseconds: round(withIt.verificationMicroseconds),
      node: process.version,
    },
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exitCode = caughtUpAfter !== undefined && result.conditions.failures === 0 ? 0 : 1
} finally {
  await Promise.all(nodes.map((node) => node.kill('SIGTERM')))
  rmSync(join(folder, 'homes'), { recursive: true, force: true })
}

async function statusOf({ apiUrl }: Home): Promise<StatusAnswer> {
  return (await (await fetch(`${apiUrl}/v1/status`)).json()) as StatusAnswer
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
