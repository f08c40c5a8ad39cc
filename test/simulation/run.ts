/**
 * One run: a schedule carried out, the faults taken back, and then the ledger must come to rest — one leader, everything pending decided, a new
 * record attested, all chains alike — and every invariant and every answer ever given must hold.
 */
import { contradictionsIn } from '../linearizability/ledger-history.ts'
import { Client } from './client.ts'
import { Deeds } from './deeds.ts'
import { invariants } from './invariants/all.ts'
import { installLiars } from './liar.ts'
import type { Schedule } from './schedule.ts'
import type { Violation } from './watch.ts'
import { type Machine, World } from './world.ts'

export interface Outcome {
  readonly violation: Violation | undefined
  readonly traceHash: string
  readonly virtualMs: number
  readonly events: number
  readonly records: number
  readonly struck: ReadonlyMap<string, number>
  readonly log: readonly string[]
}

/** Virtual time in which a healed quorum has a leader, and in which everything is at rest. */
const leaderWithinMs = 40_000
const restWithinMs = 180_000
const askedAgainAfterMs = 1_000

export function run(schedule: Schedule, keepsLog = false): Outcome {
  const { memberCount, joining = 0, seed, liars, parameters = {} } = schedule
  const world = new World({ memberCount, joining, seed, parameters, keepsLog })
  const client = new Client(world)
  installLiars(world, liars)
  for (const { watch } of invariants) world.watch(watch(world))
  // Last, so that an answer is seen after what made it true.
  world.watch(client)
  const deeds = new Deeds(world, client)
  try {
    for (const { at, deed } of schedule.steps) {
      if (at > schedule.until || world.violation !== undefined) break
      world.runTo(at)
      if (world.violation === undefined) deeds.carryOut(deed)
    }
    world.runTo(schedule.until)
    if (world.violation === undefined) comeToRest(world, client, deeds)
  } catch (error) {
    // The harness itself, or something that a node lets escape between its events.
    world.violated('no-crash', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const sizes = world.honest.map(({ replica }) => replica.ledger.committed.frontier.size)
  return {
    violation: world.violation,
    traceHash: world.trace.hash,
    virtualMs: world.clock.monotonic(),
    events: world.events,
    records: Math.max(0, ...sizes),
    struck: world.struck,
    log: world.log,
  }
}

/** Blocks that a leader may have had acknowledged and not committed: a window of them, and room. */
const grownByMax = 64

function comeToRest(world: World, client: Client, deeds: Deeds): void {
  deeds.heal()
  // Asked anew each time: a damaged node may be found to be beyond repair only by the start that comes now.
  const expectedNow = (): Machine[] => [...world.machines.values()].filter(({ isLiar, isLost }) => !isLiar && !isLost)
  const stateNow = (): string => describe(world)
  const isLed = (): boolean =>
    world.honest.some(
      ({ replica }) => replica.raft.role === 'leader' && replica.ledger.committed.block.term === replica.raft.term,
    )
  const hasStarted = ({ process }: Machine): boolean => process?.isStarted === true
  // Who starts only now has its blocks with times to come on its disk; who does not start is found out below.
  world.runUntil(() => expectedNow().every(hasStarted), leaderWithinMs)
  const timely = timelyAfterMs(world)
  if (!world.runUntil(isLed, timely + leaderWithinMs))
    return world.violated('liveness', `no leader that commits\n${stateNow()}`)
  // Changes of members that were handed in before may still come about: who is a member is asked anew each time.
  const isMember = (machine: Machine): boolean => world.isListed(machine)
  const owner = world.genesis.members[0]!.id
  let askedIn: number | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  const isTaken = (): boolean => {
    const { process, founded } = expectedNow().find(isMember)!
    if (process?.isStarted !== true || process.replica.hindrances.length > 0) return false
    askedIn = world.epoch.number
    askedAt = world.clock.monotonic()
    return client.submit(founded.member.id, owner, 'after the faults', 'after the faults')
  }
  if (!world.runUntil(isTaken, timely + restWithinMs))
    return world.violated('liveness', `nobody takes anything in\n${stateNow()}`)
  // Asked again in an epoch that has begun since, and where it was turned away by a member that was about to enter one.
  const isAsked = (): boolean => {
    const isOpen = world.clock.monotonic() < askedAt + askedAgainAfterMs || client.isAsked('after the faults')
    return (askedIn === world.epoch.number && isOpen) || isTaken()
  }
  // Rule 18: who lost blocks that never came to be committed signs again once the ledger has grown past them. Nobody else makes it grow now.
  let grownBy = 0
  const growFor = (expected: readonly Machine[]): void => {
    const isWaiting = ({ isDamaged, process }: Machine): boolean =>
      isDamaged && process?.isStarted === true && process.replica.hindrances.includes('node.recovering')
    if (grownBy >= grownByMax || !expected.some(isWaiting)) return
    const { founded } = expected.find(isMember)!
    const before = grownBy === 0 ? 'after the faults' : `after the faults ${grownBy}`
    const key = `after the faults ${grownBy + 1}`
    if (client.isAnswered(before) && client.submit(founded.member.id, owner, key, key)) grownBy++
  }
  const isAtRest = (): boolean => {
    const expected = expectedNow()
    growFor(expected)
    return (
      isAsked() &&
      expected.every(hasStarted) &&
      // Asked at every event: what is soon said, and mostly not so yet, comes first.
      expected.every(
        ({ process }) =>
          process!.replica.raft.tail.height === process!.replica.raft.commit &&
          process!.replica.ledger.committed.block.id === expected[0]!.process!.replica.ledger.committed.block.id &&
          process!.replica.attested?.size === process!.replica.ledger.committed.frontier.size,
      ) &&
      client.isAnswered('after the faults') &&
      expected.every((machine) => isAtWork(machine, isMember(machine))) &&
      // Whatever contradicts itself and was seen by anybody honest comes to the ledger.
      expected.every(({ process }) => process!.replica.faults.every(({ frozen }) => frozen !== undefined))
    )
  }
  if (!world.runUntil(isAtRest, timely + restWithinMs)) return world.violated('liveness', `not at rest\n${stateNow()}`)
  const { store } = expectedNow()[0]!.process!.replica
  for (const { member, node, statement } of client.promised) {
    // Who is no member any more brings nothing to the ledger, and its receipts stay unanswered: it drains before it goes (decision 0023).
    if (!world.isMemberNode(member, node)) continue
    if (store.indexOfStatement(statement) === undefined && store.indexOfRefusal(statement, member) === undefined) {
      if (!world.machine(member).isLost && !world.machine(member).isLiar && !world.machine(member).isDamaged)
        return world.violated('receipts-answered', `${statement} was promised by ${member}`)
    }
  }
  const contradictions = contradictionsIn(client.history)
  if (contradictions.length > 0) return world.violated('linearizable', contradictions.join('\n'))
  world.finished()
}

/** A member has nothing on its way and nothing in its way; a node that is none says so, and follows. */
function isAtWork({ process }: Machine, isMember: boolean): boolean {
  const { replica } = process!
  if (isMember) return replica.pendingCount === 0 && replica.hindrances.length === 0
  const { hindrances } = replica
  return hindrances.length === 1 && hindrances[0] === 'node.not-a-member'
}

/** Clocks that ran ahead left blocks with times to come, and who keeps rule 10 waits for those before anything follows them. */
function timelyAfterMs({ honest, clock }: World): number {
  const times = honest.map(({ replica: { ledger, raft } }) =>
    Math.max(ledger.committed.time, ledger.point(raft.tail.id)?.time ?? 0),
  )
  return Math.max(0, Math.max(0, ...times) - clock.wall())
}

function describe(world: World): string {
  return [...world.machines]
    .map(([id, { process, isLiar, isLost, isDamaged }]) => {
      const flags = [isLiar ? 'liar' : '', isLost ? 'lost' : '', isDamaged ? 'damaged' : ''].join(' ')
      if (process === undefined) return `${id} ${flags} not running`
      if (process.fatal !== undefined) return `${id} ${flags} died: ${process.fatal.slice(0, 300)}`
      if (!process.isStarted) return `${id} ${flags} starting`
      const { raft, ledger, attested, pendingCount, hindrances } = process.replica
      const lock = `${raft.lock.block.term}.${raft.lock.block.height}`
      return `${id} ${flags} epoch ${process.replica.epoch.number} ${raft.role} t${raft.term} lock ${lock} tail ${raft.tail.term}.${raft.tail.height} commit ${raft.commit} size ${ledger.committed.frontier.size} attested ${attested?.size} pending ${pendingCount} ${hindrances}`
    })
    .join('\n')
}
