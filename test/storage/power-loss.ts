/**
 * `npm run test:power-loss`: four real members whose data lies on file systems that can lose power — what was fsynced stays, all else is gone —
 * callers that submit and read, and the power cut at seeded moments: of one member, of the leader, of two, of all four at once. After each
 * cut the members start on what is left, and everything that anybody was ever told must be true (`test/faults/truth.ts`): every record that was
 * attested is there, every receipt is honoured, no key stands under a contradiction.
 *
 * Such file systems are made by a tool that is not part of this project and takes root: `TOOL mkfs|crash|remount|rm DIRECTORY [MB]`.
 *
 *   npm run test:power-loss -- --tool PATH [--cuts N] [--seed N] [--keep]        or POWER_LOSS_TOOL=PATH
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { homeFiles } from '../../src/node/configuration.ts'
import { until } from '../end-to-end/cluster.ts'
import { Draw } from '../faults/draw.ts'
import { Load } from '../faults/load.ts'
import { type Member, patienceMs, Stage } from '../faults/stage.ts'
import { Truth } from '../faults/truth.ts'

const { values: flags } = parseArgs({
  options: {
    tool: { type: 'string', default: process.env.POWER_LOSS_TOOL ?? '' },
    cuts: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
})
/** More than the run writes, and than the node wants free to take statements in (`freeDiskMin`). */
const diskMegabytes = 768
/** Attested answers since the last cut, at least. */
const answersBefore = 10
const cuts = Number(flags.cuts)
const seed = Number(flags.seed)

const missing =
  flags.tool === '' || !existsSync(flags.tool)
    ? 'no tool that makes file systems that lose power: --tool PATH or POWER_LOSS_TOOL'
    : process.getuid?.() !== 0
      ? 'only root may mount them'
      : undefined
if (missing !== undefined) {
  console.log(`left out: power loss (${missing})`)
  process.exit()
}

const begun = performance.now()
const say = (words: string): void =>
  console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${words}`)
const tool = (...words: readonly string[]): void => {
  execFileSync(flags.tool, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}
const dataOf = ({ home }: Member): string => join(home.directory, homeFiles.data)

const stage = await Stage.open({ hasSmallDisk: false })
const mounted: Member[] = []
let isWhole = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    stage.closeAtOnce()
    unmountAll()
    process.exit(130)
  })
}
try {
  for (const member of stage.members) {
    tool('mkfs', dataOf(member), String(diskMegabytes))
    mounted.push(member)
  }
  isWhole = await play()
} catch (error) {
  say(`WRONG: ${error instanceof Error ? error.stack : String(error)}`)
} finally {
  const isKept = !isWhole || flags.keep
  if (isKept) say(`homes and logs stay in ${stage.directory}`)
  // Before the homes go, and after the last process that has a file open there.
  await stage.close(true)
  if (!isKept) unmountAll()
}
process.exit(isWhole ? 0 : 1)

async function play(): Promise<boolean> {
  const draw = new Draw(seed)
  const load = new Load({ submitters: 8, readers: 2, pauseMsMax: 60 }, { stage, draw: new Draw(seed + 1) })
  const truth = new Truth({ stage, load })
  for (const member of stage.members) member.start()
  await stage.ready()
  say(`four members are ready, seed ${seed}`)
  let receipts = 0
  for (let cut = 0; cut < cuts; cut++) {
    load.start()
    // There must be something to lose; then at any moment.
    const before = load.given.length
    await until(async () => load.given.length >= before + answersBefore, 'answers before the cut', patienceMs)
    await delay(draw.between(0, 3_000))
    const victims = await victimsOf(cut, draw)
    say(`power cut ${cut + 1} of ${cuts}: ${victims.map(({ id }) => id).join(', ')}`)
    await powerCut(victims)
    // What lives goes on, or waits.
    await delay(draw.between(0, 3_000))
    for (const member of victims) {
      tool('remount', dataOf(member))
      member.start()
    }
    await stage.ready()
    await load.stop()
    receipts += load.receipts.size
    const wrong = await truth.look()
    for (const words of wrong.slice(0, 20)) say(`  WRONG: ${words}`)
    if (wrong.length > 0) return false
    say(
      `  holds: ${truth.size} records, ${load.given.length} attested answers, ${receipts} receipts, ${truth.evidence.signatures} signatures looked at`,
    )
  }
  return true
}

async function victimsOf(cut: number, draw: Draw): Promise<readonly Member[]> {
  switch (cut % 4) {
    case 0:
      return stage.members
    case 1:
      return [await stage.leader()]
    case 2: {
      const first = draw.one(stage.members)
      return [first, draw.one(stage.others(first))]
    }
    default:
      return [draw.one(stage.members)]
  }
}

/** From here on nothing that was not fsynced is on the disk, whatever the process may still say to itself before it is killed. */
async function powerCut(victims: readonly Member[]): Promise<void> {
  for (const member of victims) member.mayEnd()
  for (const member of victims) tool('crash', dataOf(member))
  await Promise.all(victims.map((member) => member.kill()))
}

function unmountAll(): void {
  for (const member of mounted.splice(0)) tool('rm', dataOf(member))
  execFileSync('rm', ['-rf', stage.directory])
}
