/**
 * `npm run test:faults`: four real members, callers that submit and read, and one fault after the other. After each, everything that was
 * ever promised is looked at again (truth.ts). Prints what it does and a summary; the exit code is 1 when anything did not hold.
 *
 *   npm run test:faults [-- --short] [--only NAME] [--seed N] [--keep]
 */
import { parseArgs } from 'node:util'
import { Draw } from './draw.ts'
import { type Fault, faults } from './fault-list.ts'
import { Load } from './load.ts'
import { Stage } from './stage.ts'
import { Truth } from './truth.ts'

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    /** Leave the homes with their logs, wherever they are. */
    keep: { type: 'boolean', default: false },
  },
})

interface Outcome {
  readonly name: string
  readonly held: boolean
  readonly leftOut: string | undefined
  readonly seconds: number
}

const seed = Number(flags.seed)
const chosen = faults.filter(({ name, isShort }) =>
  flags.only === undefined ? !flags.short || isShort : name === flags.only,
)
if (!Number.isSafeInteger(seed) || chosen.length === 0) {
  console.error(`--seed takes a number, --only one of: ${faults.map(({ name }) => name).join(' ')}`)
  process.exit(2)
}

const begun = performance.now()
const say = (words: string): void =>
  console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${words}`)

say(`seed ${seed}: ${chosen.length} faults`)
const stage = await Stage.open()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    stage.closeAtOnce()
    process.exit(130)
  })
}
const outcomes: Outcome[] = []
let isWhole = false
try {
  await play()
  isWhole = outcomes.every(({ held }) => held)
} finally {
  if (!isWhole || flags.keep) say(`homes and logs stay in ${stage.directory}`)
  await stage.close(!isWhole || flags.keep)
}
process.exitCode = isWhole ? 0 : 1
// Sockets of calls that were given up may linger; nothing is left to wait for.
process.exit()

async function play(): Promise<void> {
  const load = new Load({ submitters: 5, readers: 3, pauseMsMax: 120 }, { stage, draw: new Draw(seed) })
  const truth = new Truth({ stage, load })
  for (const member of stage.members) member.start()
  await stage.ready()
  say('four members are ready')
  load.start()
  await load.attests(stage.members)
  for (const fault of chosen) {
    const outcome = await suffer(fault, load, truth)
    outcomes.push(outcome)
    // What came after would only show the same once more.
    if (!outcome.held) break
  }
  summarise(load, truth)
}

async function suffer(fault: Fault, load: Load, truth: Truth): Promise<Outcome> {
  const { name } = fault
  const missing = fault.needs === 'switches' ? stage.withoutSwitches : fault.needs && stage.withoutSmallDisk
  if (missing !== undefined) {
    say(`${name}: left out (${missing})`)
    return { name, held: true, leftOut: missing, seconds: 0 }
  }
  const from = performance.now()
  say(`${name}, seed ${seed}`)
  const wrong: string[] = []
  try {
    // Every fault draws for itself: alone (--only) it does what it does among the others.
    const draw = new Draw(seed * 1_000 + faults.indexOf(fault))
    await fault.run({ stage, load, draw, isShort: flags.short, say: (words) => say(`  ${words}`) })
    await stage.heal()
    await load.stop()
    wrong.push(...(await truth.look()))
    say(
      `  holds: ${truth.size} records, ${load.given.length} answers, ${truth.evidence.signatures} signatures looked at`,
    )
    load.start()
  } catch (error) {
    wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error), ...stage.unexpected)
    await load.stop().catch(() => undefined)
  }
  for (const words of wrong.slice(0, 20)) say(`  WRONG: ${words}`)
  if (wrong.length > 20) say(`  and ${wrong.length - 20} more`)
  return { name, held: wrong.length === 0, leftOut: undefined, seconds: (performance.now() - from) / 1000 }
}

function summarise(load: Load, truth: Truth): void {
  console.log('')
  for (const { name, held, leftOut, seconds } of outcomes) {
    const how = leftOut === undefined ? (held ? 'held' : 'DID NOT HOLD') : `left out: ${leftOut}`
    console.log(`${name.padEnd(24)}${seconds.toFixed(1).padStart(7)} s  ${how}`)
  }
  const unknown = load.history.filter(({ answered }) => answered === undefined).length
  console.log(
    `${load.history.length} calls (${load.submissions} submissions, ${unknown} calls with an unknown end), ${truth.size} records in ${truth.blocks} blocks, ` +
      `${load.given.length} attested answers, ${truth.evidence.signatures} signatures`,
  )
  const leftOut = outcomes.filter((outcome) => outcome.leftOut !== undefined).length
  const failed = outcomes.filter(({ held }) => !held).length
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `faults: ${outcomes.length - leftOut - failed} held, ${failed} did not, ${leftOut} left out, ${chosen.length - outcomes.length} not reached; ${seconds.toFixed(0)} s`,
  )
}
