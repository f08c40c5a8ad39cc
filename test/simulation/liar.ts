/**
 * The lying members of a run: which of them use which tricks is the schedule's to say. All liars of a run know together what any of them
 * heard. At most ⌊(N−1)/3⌋ members may be made liars; what the others promise must hold whatever these do, and when they fall silent the
 * ledger goes on by itself.
 */
import type { MemberId } from '../../src/node/ports.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import { FalseBlocks, Suspicion } from './liar/answers.ts'
import { BadBlock } from './liar/bad-block.ts'
import { FalseCommit, FalseCosign } from './liar/claims.ts'
import { Malformed, Replay, Withhold } from './liar/delivery.ts'
import { Equivocate } from './liar/equivocate.ts'
import { Knowledge } from './liar/knowledge.ts'
import { Liar, type Lie } from './liar/liar.ts'
import { Amnesia, FalseFence } from './liar/starts.ts'
import { Assemble, DoubleVote, StandLow } from './liar/votes.ts'
import type { World } from './world.ts'

/** In the order in which a message passes them: what changes least about it comes last. */
const makers = {
  assemble: Assemble,
  'double-vote': DoubleVote,
  equivocate: Equivocate,
  'bad-block': BadBlock,
  'stand-low': StandLow,
  'false-commit': FalseCommit,
  'false-cosign': FalseCosign,
  amnesia: Amnesia,
  'false-fence': FalseFence,
  'false-blocks': FalseBlocks,
  suspicion: Suspicion,
  withhold: Withhold,
  replay: Replay,
  malformed: Malformed,
} as const satisfies Record<string, new (liar: Liar) => Lie>

export type Trick = keyof typeof makers
export const tricks = Object.keys(makers) as readonly Trick[]

/** Before the members are started. */
export function installLiars(world: World, liars: Readonly<Record<MemberId, readonly Trick[]>>): void {
  const known = new Knowledge(() => world.rulesNow)
  const lying = new Map<MemberId, Liar>()
  for (const [id, names] of Object.entries(liars)) {
    world.machine(id).isLiar = true
    // Its own stream: what a liar draws does not shift what everybody else does.
    const random = new SeededRandom(world.random.below(2 ** 32))
    const liar = new Liar(id, { world, known, random })
    liar.lies = tricks.filter((trick) => names.includes(trick)).map((trick) => new makers[trick](liar))
    known.accomplices.push(liar)
    lying.set(id, liar)
  }
  world.bend = ({ founded, process }, ports) =>
    // A clone that a fault starts beside it is no liar: two true nodes with one key are trouble enough.
    process === undefined ? (lying.get(founded.member.id)?.bend(ports) ?? ports) : ports
}

/** They were found out and cut off. */
export function silence(world: World): void {
  for (const [id, { isLiar }] of world.machines) {
    if (!isLiar) continue
    world.endClone(id)
    world.kill(id)
  }
}
