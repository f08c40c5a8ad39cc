/**
 * The commands of a scenario that is played by consensus cores alone. Each is a method of the table below; what it does is told by the
 * stage. `members` comes first and says who there is:
 *
 *   members beijing wuhan … | members 4 [liars xiamen …] [window 300]
 */
import type { Term } from '../../src/chain/numbers.ts'
import { lie } from './lies.ts'
import { type Command, looks, memberOf, membersOf, selectionOf } from './looks.ts'
import { clauses, counted, type Teller } from './script.ts'
import { Stage } from './stage.ts'

const cities = ['beijing', 'guangzhou', 'hangzhou', 'wuhan', 'xiamen', 'nanjing', 'chengdu']

export function coreTeller(): Teller {
  let stage: Stage | undefined
  return ([command, ...words]) => {
    if (command === 'members') {
      stage = stageFor(words)
      stage.settle()
      return [stage.members.join(' '), ...stage.take()]
    }
    if (stage === undefined) throw new Error('a scenario begins with its members')
    const run = commands[command!]
    if (run === undefined) throw new Error(`there is no command ${command}`)
    run(stage, words)
    stage.settle()
    return stage.take()
  }
}

function stageFor(words: readonly string[]): Stage {
  const { before, liars, window } = clauses(words, ['liars', 'window'])
  const count = Number(before[0])
  const names = Number.isInteger(count) ? cities.slice(0, count) : before
  return new Stage({ names, liars: liars ?? [], windowBytes: Number(window?.[0] ?? 1_000) })
}

const commands: Readonly<Record<string, Command>> = {
  ...looks,

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** tick wuhan beijing 5: their clocks alone go on; what they send waits, and what they say twice is told once. */
  tick(stage, words) {
    const { rest, count } = counted(words)
    stage.tellOnce()
    for (let i = 0; i < count; i++) for (const node of membersOf(stage, rest)) if (node.up) stage.tickOnce(node)
  },

  /** pass 20 [except wuhan]: so many ticks go by for all who run, and messages arrive in between; what is said twice is told once. */
  pass(stage, [count, ...words]) {
    stage.tellOnce()
    for (let i = 0; i < Number(count); i++) {
      for (const node of membersOf(stage, ['all', ...words])) if (node.up) stage.tickOnce(node)
      stage.stabilize()
    }
  },

  /** time-out wuhan 12: from its next one on, its time-outs are of so many ticks. */
  'time-out'(stage, [id, ticks]) {
    stage.setTimeout(memberOf(stage, id).id, Number(ticks))
    stage.tell(`${id} will wait ${ticks} ticks`)
  },

  /** stand beijing: its clock goes on until it stands for election. */
  stand(stage, [id]) {
    const node = memberOf(stage, id)
    const before = node.roleReasons.length
    stage.tellOnce()
    for (let i = 0; i < 100; i++) {
      stage.tickOnce(node)
      const stood = node.core.role === 'candidate' || node.core.role === 'leader'
      if (stood && (node.roleReasons.length > before || stage.select({ kind: 'pre-vote', from: node.id }).length > 0))
        return
    }
    stage.tell(`${id} does not stand`)
  },

  /** elect beijing: it stands, and all messages arrive. */
  elect(stage, words) {
    commands.stand!(stage, words)
    stage.stabilize()
  },

  // ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** deliver [vote-request] [from beijing] [to wuhan] */
  deliver: (stage, words) => stage.deliverNow(selectionOf(stage, words)),

  /** The same, and what is delivered stays in flight as well. */
  repeat: (stage, words) => stage.deliverNow(selectionOf(stage, words), true),

  drop: (stage, words) => stage.drop(selectionOf(stage, words)),

  /** stabilize [beijing wuhan]: all messages (between these) arrive, until there are none. */
  stabilize: (stage, words) => stage.stabilize(words.length === 0 ? {} : { among: words }),

  /** show heartbeats | hide heartbeats */
  show(stage) {
    stage.showsHeartbeats = true
    stage.tell('ok')
  },
  hide(stage) {
    stage.showsHeartbeats = false
    stage.tell('ok')
  },

  // ── connections ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** cut wuhan [from beijing …] | cut wuhan to beijing …: both ways, or that one way only; nobody notices. */
  cut(stage, words) {
    const { before, from, to } = clauses(words, ['from', 'to'])
    for (const { id } of membersOf(stage, before)) {
      const others = to ?? from ?? stage.members.filter((other) => !before.includes(other))
      for (const other of others) {
        stage.block(id, other)
        if (to === undefined) stage.block(other, id)
        stage.drop({ from: id, to: other })
        if (to === undefined) stage.drop({ from: other, to: id })
      }
      stage.tell(`${id} ${to === undefined ? '╳' : '✗'} ${others.join(', ')}`)
    }
  },

  heal(stage) {
    stage.healLinks()
    stage.settle()
    stage.tell('all links are whole')
  },

  /** disconnect beijing wuhan: both ends notice, and what was in flight is gone. */
  disconnect(stage, [a, b]) {
    stage.disconnect(memberOf(stage, a).id, memberOf(stage, b).id)
    stage.tell(`${a} and ${b} lose their connection`)
  },
  connect(stage, [a, b]) {
    stage.connect(memberOf(stage, a).id, memberOf(stage, b).id)
    stage.tell(`${a} and ${b} are connected again`)
  },

  // ── processes and disks ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** crash wuhan [keeping 1]: of the writes under way so many reached the disk. */
  crash(stage, words) {
    const { before, keeping } = clauses(words, ['keeping'])
    for (const node of membersOf(stage, before)) {
      const waiting = node.writes.length
      const keptWrites = Number(keeping?.[0] ?? 0)
      stage.crash(node, { keptWrites, forgottenCommits: 0 })
      stage.tell(
        `${node.id} crashes${waiting > 0 ? `; of ${waiting} writes under way ${keptWrites} reached the disk` : ''}`,
      )
    }
  },

  /** restart wuhan [mute]: mute, it may sign nothing yet. */
  restart(stage, words) {
    const mute = words.at(-1) === 'mute'
    for (const node of membersOf(stage, mute ? words.slice(0, -1) : words)) {
      stage.start(node, !mute)
      const { term, tail, lock } = node.core
      stage.tell(
        `${node.id} restarts in term ${term} with ${tail.id}, lock ${lock.block.id}${mute ? ', and may not sign' : ''}`,
      )
      for (const other of stage.members) if (other !== node.id) stage.connect(node.id, other)
    }
  },

  /** mute wuhan: it may sign nothing until it is unmuted. */
  mute(stage, words) {
    for (const node of membersOf(stage, words)) {
      stage.act(node, (raft) => raft.allowSigning(false))
      stage.tell(`${node.id} may not sign`)
    }
  },
  unmute(stage, words) {
    for (const node of membersOf(stage, words)) {
      stage.tell(`${node.id} may sign`)
      stage.act(node, (raft) => raft.allowSigning(true))
    }
  },

  /** hold wuhan: its disk takes writes and completes none. */
  hold(stage, words) {
    for (const node of membersOf(stage, words)) {
      stage.holdDisk(node)
      stage.tell(`${node.id}: the disk hangs`)
    }
  },
  release(stage, words) {
    for (const node of membersOf(stage, words)) {
      stage.tell(`${node.id}: the disk has written all`)
      stage.releaseDisk(node)
      stage.settle()
    }
  },

  // ── what is asked of members ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** propose beijing [3]: it seals so many blocks. */
  propose(stage, words) {
    const { rest, count } = counted(words)
    for (let i = 0; i < count; i++) {
      stage.seal(memberOf(stage, rest[0]))
      stage.settle()
    }
  },

  /** hand-over beijing [to wuhan] */
  'hand-over'(stage, [id, , heir]) {
    stage.act(memberOf(stage, id), (raft) => raft.handOver(heir))
  },

  /** suspect wuhan …: they stop believing that their leader is alive (a batch has waited too long). */
  suspect(stage, words) {
    for (const node of membersOf(stage, words)) {
      stage.tell(`${node.id} suspects ${node.core.leader}`)
      stage.act(node, (raft) => raft.suspectLeader())
    }
  },

  /** late-disk beijing: its driver says that the disk is late. */
  'late-disk'(stage, [id]) {
    stage.tell(`${id}: the disk is late`)
    stage.act(memberOf(stage, id), (raft) => raft.cannotLead('the disk is late'))
  },

  read(stage, [id]) {
    const node = memberOf(stage, id)
    stage.tell(`${id} is asked for a read (#${stage.reads.size + 1})`)
    stage.read(node)
  },

  /** checkpoint wuhan from beijing: it is given the newest attested block there and all up to it. */
  checkpoint(stage, [id, , source]) {
    stage.catchUpByCheckpoint(memberOf(stage, id), memberOf(stage, source))
  },

  /** lie xiamen …: see lies.ts. */
  lie: (stage, [liar, ...words]) => lie(stage, memberOf(stage, liar).id, words),

  /** silence xiamen: its core says nothing more; what it says from now on is what the script wants. */
  silence(stage, words) {
    for (const node of membersOf(stage, words)) {
      if (!stage.evidence.isLiar(node.id)) throw new Error(`${node.id} is honest`)
      node.halted = 'a puppet'
      stage.tell(`${node.id} is a puppet from here`)
    }
  },

  /** term wuhan 50: its vote file says that it is in this term, as after a time alone with liars; it starts again from there. */
  term(stage, [id, term]) {
    const node = memberOf(stage, id)
    stage.crash(node, { keptWrites: 0, forgottenCommits: 0 })
    node.disk.vote = { term: Number(term) as Term, candidate: null, base: null, ackBarred: false }
    commands.restart!(stage, [node.id])
  },
}
