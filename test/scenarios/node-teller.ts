/**
 * The commands of a scenario that is played by whole nodes: disks that may be damaged, keys that sign, clocks and batches. Which message
 * comes first is the world's affair here (test/node/replica-world.ts, one seed), so these stories tell what comes of it and not each step;
 * they wait for conditions in virtual time. `nodes` comes first and says how many.
 */
import { height } from '../../src/chain/numbers.ts'
import { blockKey } from '../../src/node/block-rows.ts'
import type { MemoryMedium, PhaseCount } from '../../src/node/memory-disk.ts'
import { metaKey } from '../../src/node/store-rows.ts'
import { ReplicaWorld } from '../node/replica-world.ts'
import { clauses, counted, type Teller } from './script.ts'

interface Play {
  readonly world: ReplicaWorld
  /** Copies of disks, as an operator keeps them. */
  readonly backups: Map<string, MemoryMedium>
  /** Signatures that each had made when the script marked them. */
  readonly marks: Map<string, number>
  /** Nodes that the story expects to have stopped by themselves. */
  readonly stopped: Set<string>
  submitted: number
}

export function nodeTeller(): Teller {
  let play: Play | undefined
  return ([command, ...words]) => {
    if (command === 'nodes') {
      const world = new ReplicaWorld(Number(words[0]), { cheapSignatures: true })
      play = { world, backups: new Map(), marks: new Map(), stopped: new Set(), submitted: 0 }
      return [world.ids.join(' ')]
    }
    if (play === undefined) throw new Error('a scenario begins with its nodes')
    const run = commands[command!]
    if (run === undefined) throw new Error(`there is no command ${command}`)
    return run(play, words)
  }
}

type Command = (play: Play, words: readonly string[]) => readonly string[]

const idsOf = ({ world }: Play, words: readonly string[]): readonly string[] => {
  const ids = words[0] === 'all' ? world.ids : words
  for (const id of ids) if (!world.ids.includes(id)) throw new Error(`there is no node ${id}`)
  return ids
}

const commands: Readonly<Record<string, Command>> = {
  // ── processes ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  start(play, words) {
    const ids = idsOf(play, words)
    for (const id of ids) play.world.start(id)
    return [told(play, ids, 'starts', 'start')]
  },

  /** kill wuhan [2]: of the write under way so many of its three phases reach the disk. */
  kill(play, words) {
    const { rest, count } = counted(words, 3)
    const ids = idsOf(play, rest)
    for (const id of ids) play.world.kill(id, count as PhaseCount)
    return [told(play, ids, 'is killed', 'are killed')]
  },

  /** pass 5000: so many milliseconds go by. */
  pass({ world }, [ms]) {
    world.clock.advance(Number(ms))
    return [`${Number(ms) / 1_000} s later`]
  },

  /** lead beijing: a leader is waited for, and hands over until it is this one. */
  lead({ world }, [id]) {
    for (let handedOver = 0; world.electLeader() !== id && handedOver < 5; handedOver++) {
      world.settle()
      world.replica(world.leader()!).raft.handOver(id)
      world.clock.advance(500)
    }
    world.settle()
    if (world.leader() !== id) throw new Error(`${id} does not come to lead`)
    return [`${id} leads`]
  },

  // ── work ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** submit wuhan 3: so many statements are submitted there, one after the other, and each is waited for until it has a receipt. */
  submit(play, words) {
    const { rest, count } = counted(words)
    const [id] = idsOf(play, rest)
    const lines = new Map<string, number>()
    for (let i = 0; i < count; i++) {
      const answer = play.world.submit(id!, play.world.statement(id!, `statement ${++play.submitted}`))
      play.world.until(() => answer.result !== undefined, 'an answer', 10_000)
      const result = answer.result!
      const line = result.kind === 'refused' ? `refuses: ${result.code}` : 'gives a receipt'
      lines.set(line, (lines.get(line) ?? 0) + 1)
    }
    return [...lines].map(([line, times]) => `${id} ${line}${times > 1 ? ` (${times} times)` : ''}`)
  },

  /** All who run stand at one committed and attested size, and nothing waits. */
  settle({ world }) {
    world.settle()
    return ['all who run stand at one attested size']
  },

  /** wait wuhan ready | wait wuhan node.recovering | wait new-leader beijing | wait answered: until it is so, in virtual time. */
  wait(play, [what, ...rest]) {
    const { world } = play
    if (what === 'new-leader') {
      world.until(() => world.leader() !== undefined && world.leader() !== rest[0], `another leader than ${rest[0]}`)
      return [`${rest[0]} resigned (${lastReason(world, rest[0]!)}); another leads`]
    }
    if (what === 'answered') {
      world.until(() => unanswered(play) === 0, 'all answered')
      return ['every receipt is answered']
    }
    const [state] = rest
    const holds = () => {
      const replica = world.member(what!).replica
      if (replica?.isStarted !== true) return false
      return state === 'ready' ? replica.hindrances.length === 0 : replica.hindrances.includes(state!)
    }
    world.until(holds, `${what} ${state}`)
    return [`${what}: ${state}`]
  },

  // ── disks ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  wipe({ world }, [id]) {
    world.member(id!).medium.wipe()
    return [`${id}: the disk is empty`]
  },

  backup({ world, backups }, [id]) {
    backups.set(id!, world.member(id!).medium.copy())
    return [`${id}: a copy of the disk is kept`]
  },

  /** The disk is replaced by its copy. */
  restore({ world, backups }, [id]) {
    world.member(id!).medium = backups.get(id!)!.copy()
    return [`${id}: the disk is what it was at the copy`]
  },

  /** damage wuhan block 3 | damage wuhan vote | damage wuhan head */
  damage({ world }, [id, what, at]) {
    const { medium } = world.member(id!)
    if (what === 'vote' || what === 'head') {
      medium.damageSlot(what)
      return [`${id}: both slots of the ${what} file are damaged`]
    }
    const key = blockKey(height(Number(at)))
    const value = medium.get(key)!.slice()
    value[value.length >> 1]! ^= 1
    medium.tamper({ key, value })
    // What was derived from it is gone as well, so that the start walks all blocks again.
    medium.tamper({ key: metaKey('applied') })
    return [`${id}: one bit of block ${at} is wrong`]
  },

  /** slow beijing 6000: each write takes so many milliseconds. */
  slow({ world }, [id, ms]) {
    world.member(id!).diskMs = Number(ms)
    return [`${id}: a write takes ${ms} ms`]
  },

  // ── network and clocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  cut({ world }, words) {
    const { before } = clauses(words, [])
    world.network.partition([before, world.ids.filter((id) => !before.includes(id))])
    return [`${before.join(', ')} ╳ ${world.ids.filter((id) => !before.includes(id)).join(', ')}`]
  },

  heal({ world }) {
    world.network.heal()
    return ['all links are whole']
  },

  /** clock beijing -61000: its clock is off by so many milliseconds. */
  clock({ world }, [id, ms]) {
    world.member(id!).clockOffsetMs = Number(ms)
    return [`${id}: the clock is off by ${Number(ms) / 1_000} s`]
  },

  /** swallow beijing: no batch reaches it, whatever it is sent. */
  swallow({ world }, [id]) {
    world.swallowBatches(id!)
    return [`${id} sits on every batch`]
  },

  // ── how things stand ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  state: (play, words) => idsOf(play, words.length === 0 ? ['all'] : words).map((id) => `${id} ${stateOf(play, id)}`),

  /** mark wuhan: from here its signatures are counted. */
  mark({ world, marks }, [id]) {
    marks.set(id!, world.signed.totalOf(id!))
    return [`${id}: signatures are counted from here`]
  },

  signed({ world, marks }, [id]) {
    const isSame = world.signed.totalOf(id!) === marks.get(id!)
    return [`${id} has signed ${isSame ? 'nothing' : 'again'} since`]
  },

  answers: (play) => [
    `${play.world.promised.length} receipts, ${unanswered(play)} of them without an answer in the ledger`,
  ],

  /** Every invariant of whole nodes; nodes that stopped as the story wants are no fault. */
  faults({ world, stopped }) {
    const faults = world.faults.filter(
      (fault) => ![...stopped].some((id) => fault.includes(`${id} stopped`) || fault.startsWith(`${id} FATAL`)),
    )
    return faults.length === 0 ? ['no invariant is broken'] : faults
  },
}

function stateOf(play: Play, id: string): string {
  const { replica, fatal } = play.world.member(id)
  if (fatal !== undefined) {
    play.stopped.add(id)
    return `has stopped by itself: ${/node\.[a-z-]+/.exec(fatal)?.[0] ?? fatal}`
  }
  if (replica === undefined) return 'is down'
  if (!replica.isStarted) return 'is starting'
  const leads = replica.raft.role === 'leader' ? 'leads' : 'runs'
  return replica.hindrances.length === 0 ? leads : `${leads}, hindered: ${replica.hindrances.join(' ')}`
}

/** Receipts whose answer the ledger does not hold, at the node that leads it. */
function unanswered({ world }: Play): number {
  const leader = world.leader()
  return leader === undefined ? world.promised.length : world.unanswered(leader).length
}

/** Why this node last ceased to lead, or to believe in a leader. */
function lastReason(world: ReplicaWorld, id: string): string {
  const roles = world.log.filter((line) => line.split(' ')[1] === id && line.includes(' role '))
  const told = roles.map((line) => JSON.parse(line.slice(line.indexOf('{'))) as { role: string; reason: string })
  return told.findLast(({ role }) => role === 'follower')?.reason ?? 'nothing'
}

const told = ({ world }: Play, ids: readonly string[], one: string, many: string): string => {
  if (ids.length === 1) return `${ids[0]} ${one}`
  return `${ids.length === world.ids.length ? 'all' : ids.join(', ')} ${many}`
}
