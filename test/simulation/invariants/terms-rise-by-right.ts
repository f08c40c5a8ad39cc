/**
 * Rules 5 and 6, "pre-vote never changes the term", "leader stickiness": a term rises because this node stands or votes in the new one, by at
 * most 1,000, or because an election certificate of it can exist; short of that only a request for a term still higher drags it. And nobody
 * votes a candidate in while its leader is heard and has not handed over.
 */
import type { MemberId } from '../../../src/node/ports.ts'
import type { WireMessage } from '../../../src/node/wire.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'terms-rise-by-right'
const termRaiseMax = 1_000

/** The leader that a process last answered a heartbeat of, in that one's term. */
interface Heard {
  readonly leader: MemberId
  readonly term: number
  readonly at: number
}

export function termsRiseByRight(world: World): Watch {
  const evidence = evidenceOf(world)
  const { electionTimeoutMs } = world.genesis.parameters
  const terms = new WeakMap<NodeProcess, { readonly epoch: number; readonly term: number }>()
  const heard = new WeakMap<NodeProcess, Heard>()
  const restlessAt = new WeakMap<NodeProcess, number>()
  const stoodAt = new Map<MemberId, number>()
  const highestAsked = new Map<string, number>()
  const handedOver = new Set<string>()
  let lateBatchAt = Number.NEGATIVE_INFINITY

  const note = (process: NodeProcess, to: MemberId, message: WireMessage): void => {
    const now = world.clock.monotonic()
    switch (message.kind) {
      case 'vote-request': {
        const asked = `${to} ${process.replica.epoch.number}`
        highestAsked.set(asked, Math.max(highestAsked.get(asked) ?? 0, message.term))
        return
      }
      case 'heartbeat-reply':
        if (message.position !== undefined && message.term === message.ownTerm)
          heard.set(process, { leader: to, term: message.term, at: now })
        return
      case 'handover':
        handedOver.add(`${to} ${message.term} ${message.to}`)
        return
      case 'pre-vote':
        restlessAt.set(process, now)
        stoodAt.set(process.member, now)
        return
      case 'batch':
        if (message.handOn) lateBatchAt = now
        return
      default:
    }
  }

  /** Its leader is live, and neither is it waited for in vain (rules 5 and 28) nor has it handed over. */
  const isContent = (process: NodeProcess, before: number, candidate: MemberId): boolean => {
    const last = heard.get(process)
    if (last === undefined || last.term !== before || last.leader === candidate || !evidence.isBound(last.leader))
      return false
    const now = world.clock.monotonic()
    const patienceMs = 10 * electionTimeoutMs
    if (now - lateBatchAt < 6 * patienceMs || now - (restlessAt.get(process) ?? Number.NEGATIVE_INFINITY) < patienceMs)
      return false
    // Who led last, left work undone and stands again is distrusted for a while (rule 5), also where it was voted in before.
    if (now - (stoodAt.get(last.leader) ?? Number.NEGATIVE_INFINITY) < patienceMs) return false
    // Two ticks less than the time-out, so that it does not matter where in a tick the heartbeat came.
    return now - last.at < 0.8 * electionTimeoutMs && !handedOver.has(`${process.member} ${before} ${candidate}`)
  }

  return {
    sent: note,
    turned(process) {
      if (!process.isStarted) return
      const { member, replica } = process
      const { term, vote } = replica.raft
      const epoch = replica.epoch.number
      const held = terms.get(process)
      if (held?.term === term && held.epoch === epoch) return
      terms.set(process, { epoch, term })
      if (held?.epoch !== epoch) heard.delete(process)
      if (held?.epoch !== epoch) return // an epoch begins in the term of its start
      const before = held.term
      const { candidate } = vote
      const rise = `${member} went from term ${before} to ${term}`
      if (candidate === null) {
        const isAsked = (highestAsked.get(`${member} ${epoch}`) ?? 0) > term || evidence.faultyBeside(member) > 0
        if (!evidence.isElected(epoch, term) && !(isAsked && term - before <= termRaiseMax))
          world.violated(name, `${rise}, in which nobody can have been elected`)
        return
      }
      if (term - before > termRaiseMax) world.violated(name, `${rise} for ${candidate}`)
      if (candidate !== member && isContent(process, before, candidate))
        world.violated(name, `${rise} for ${candidate}, while its leader ${heard.get(process)!.leader} was heard`)
    },
  }
}
