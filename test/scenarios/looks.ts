/**
 * How a script names what is on the stage, and the commands that only look: they tell how things stand and change nothing. Every story ends
 * with one of them.
 */
import type { CoreNode } from '../consensus/core-world.ts'
import { clauses } from './script.ts'
import type { Selection, Stage } from './stage.ts'

export type Command = (stage: Stage, words: readonly string[]) => void

export const memberOf = (stage: Stage, id: string | undefined): CoreNode => {
  if (id === undefined || !stage.members.includes(id)) throw new Error(`${id} is no member`)
  return stage.node(id)
}

/** Several members, `all` of them, or all `except` some. */
export function membersOf(stage: Stage, words: readonly string[]): readonly CoreNode[] {
  const { before, except } = clauses(words, ['except'])
  if (before[0] !== 'all') return before.map((id) => memberOf(stage, id))
  return stage.honest.filter(({ id }) => except?.includes(id) !== true)
}

/** `[kind] [from a] [to b]` */
export function selectionOf(stage: Stage, words: readonly string[]): Selection {
  const { before, from, to } = clauses(words, ['from', 'to'])
  const [kind] = before
  if (kind !== undefined && stage.members.includes(kind)) throw new Error(`say "from ${kind}" or "to ${kind}"`)
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(from === undefined ? {} : { from: from[0]! }),
    ...(to === undefined ? {} : { to: to[0]! }),
  }
}

export const looks: Readonly<Record<string, Command>> = {
  leaders(stage) {
    const leaders = stage.honest.filter(({ up, raft, halted }) => up && halted === null && raft?.role === 'leader')
    for (const { id, core } of leaders) stage.tell(`${id} leads term ${core.term}`)
    if (leaders.length === 0) stage.tell('nobody leads')
  },

  /** logs [wuhan …]: term and role, then the chain: committed | not committed, the lock in brackets. */
  logs(stage, words) {
    const nodes = membersOf(stage, words.length === 0 ? ['all'] : words)
    const width = Math.max(...nodes.map(({ id }) => id.length))
    for (const node of nodes) stage.tell(`${node.id.padEnd(width)} ${logOf(node)}`)
  },

  /** The one chain that anybody has committed. */
  committed(stage) {
    stage.tell(`committed: ${shortened(stage.evidence.committed)}`)
  },

  /** signed wuhan: all that its key was ever used for. */
  signed(stage, words) {
    for (const { id } of membersOf(stage, words)) {
      const signed = stage.signedBy(id)
      stage.tell(`${id} signed ${signed.length === 0 ? 'nothing' : signed.join(' ')}`)
    }
  },

  /** Messages under way, heartbeats too: how many of each kind, from whom to whom. */
  'in-flight'(stage, words) {
    const waiting = stage.select(selectionOf(stage, words))
    stage.tell(`${waiting.length} in flight`)
  },

  /** Whether one leader is followed by all who run, and all logs are the same and committed to the last block. */
  settled(stage) {
    const leader = stage.leader()
    stage.tell(
      stage.isSettled()
        ? `settled: all follow ${leader!.id} in term ${leader!.core.term}, all is committed through ${leader!.core.tail.id}`
        : 'not settled',
    )
  },
}

function logOf(node: CoreNode): string {
  if (node.raft === null) {
    const { vote, chain, lock } = node.disk
    return `down, on disk: t${vote.term} ${shortened(chain.map(({ id }) => id))}, lock ${lock.block.id}`
  }
  const { term, role, commit, lock } = node.raft
  const named = (from: number, to?: number) =>
    node.chain.slice(from, to).map(({ id }) => (id === lock.block.id ? `[${id}]` : id))
  const state = node.halted === null || node.halted === 'a puppet' ? role : 'HALTED'
  const open = named(commit + 1)
  const adrift = node.chain[lock.block.height]?.id === lock.block.id ? '' : ` (lock ${lock.block.id} is not here)`
  return `t${term} ${state.padEnd(9)} ${shortened(named(0, commit + 1))} |${open.length > 0 ? ` ${shortened(open)}` : ''}${adrift}`
}

/** The ends of a long chain say enough. */
function shortened(ids: readonly string[]): string {
  return ids.length <= 14 ? ids.join(' ') : `${ids.slice(0, 3).join(' ')} … ${ids.slice(-3).join(' ')}`
}
