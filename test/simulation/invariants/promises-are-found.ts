/**
 * Rules 17 and 18, "acknowledged ⇒ on disk after crash": a start finds every promise of the starts before it — a term not below any word's, the
 * vote of that term, a lock not below any LOCK, a register not below any cosignature, the acknowledged and locked blocks, and the chain
 * whole from the first block to the watermark with the committed blocks in it.
 */
import type { HeadFile, VoteFile } from '../../../src/node/durable-state.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import { compareRanks, type Ref, rankText } from '../word.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'promises-are-found'

interface Promised {
  /** Terms, ACKs and LOCKs are of this one. */
  epoch: number
  term: number
  candidate: MemberId | undefined
  /** Highest acknowledged of the highest term. */
  ack: Ref | undefined
  lock: Ref | undefined
  size: number
}

export function promisesAreFound(world: World): Watch {
  const evidence = evidenceOf(world)
  const promisedBy = new Map<string, Promised>()

  const compare = (process: NodeProcess, { epoch, term, candidate, ack, lock, size }: Promised): void => {
    const { member, medium } = process
    const wrong = (what: string): void => world.violated(name, `${member} starts with ${what}`)
    const vote = evidence.voteFile(medium)
    const head = evidence.headFile(medium)
    if (vote === undefined || head === undefined) return wrong('no vote or head file')
    if (vote.epoch < epoch || head.epoch < vote.epoch - 1)
      return wrong(`epochs ${vote.epoch} and ${head.epoch}, and signed in ${epoch}`)
    // An epoch that has begun asks for nothing of the one before, but for what is committed and cosigned.
    if (vote.epoch === epoch) checkVote(vote, term, candidate, wrong)
    if (head.register.size < size) wrong(`a register of ${head.register.size}, and cosigned ${size}`)
    const isSameEpoch = head.epoch === epoch
    if (isSameEpoch && lock !== undefined && head.lock.block.id !== lock.id && compareRanks(head.lock.block, lock) <= 0)
      wrong(`a lock on ${rankText(head.lock.block)}, and signed LOCK of ${rankText(lock)}`)
    if (world.machine(member).isDamaged) return
    const isOn = (block: Ref): boolean =>
      head.last.height >= block.height && evidence.blockOn(medium, block.height)?.id === block.id
    // On its way from one certified chain to another a node has dropped the one, and its lock, and not the other yet.
    const isLeft = ({ height, id }: Ref): boolean => {
      const committed = evidence.committedAt(height)
      return head.last.height < height && committed !== undefined && committed.id !== id
    }
    if (isSameEpoch && lock !== undefined && head.lock.block.id === lock.id && !isOn(lock) && !isLeft(lock))
      wrong(`no block ${rankText(lock)}, which it locked`)
    // A higher term, or a certificate for another block of this one, lets it go.
    const isBinding = ack !== undefined && vote.epoch === epoch && ack.term === vote.vote.term && !vote.vote.ackBarred
    if (isBinding && !isOn(ack)) wrong(`no block ${rankText(ack)}, which it acknowledged`)
    checkChain(process, head, wrong)
  }

  const checkVote = (
    { vote }: VoteFile,
    term: number,
    candidate: MemberId | undefined,
    wrong: (what: string) => void,
  ): void => {
    if (vote.term < term) wrong(`term ${vote.term}, and signed in term ${term}`)
    if (vote.term === term && candidate !== undefined && vote.candidate !== candidate)
      wrong(`a vote for ${vote.candidate} in term ${term}, and voted for ${candidate}`)
  }

  const checkChain = ({ medium }: NodeProcess, { last, commit }: HeadFile, wrong: (what: string) => void): void => {
    let id = last.id
    for (let height: number = last.height; height > 0; height--) {
      const block = evidence.blockOn(medium, height)
      if (block?.id !== id) return wrong(`no block ${height} of the chain up to its watermark ${last.height}`)
      const committed = evidence.committedAt(height)
      if (height <= commit && committed !== undefined && committed.id !== id)
        return wrong(`another committed block ${height}`)
      id = block.parent
    }
  }

  return {
    word({ member, node }, word) {
      if (!evidence.isBound(member)) return
      let promised = promisedBy.get(node)
      if (promised === undefined) {
        promised = { epoch: 0, term: 0, candidate: undefined, ack: undefined, lock: undefined, size: 0 }
        promisedBy.set(node, promised)
      }
      if (word.kind === 'COSIGN') promised.size = Math.max(promised.size, word.size)
      if (word.kind !== 'VOTE' && word.kind !== 'ACK' && word.kind !== 'LOCK') return
      if (word.epoch < promised.epoch)
        return world.violated(
          name,
          `${member} signed ${word.kind} in epoch ${word.epoch}, and before in ${promised.epoch}`,
        )
      if (word.epoch > promised.epoch)
        Object.assign(promised, { epoch: word.epoch, term: 0, candidate: undefined, ack: undefined, lock: undefined })
      const term = word.kind === 'VOTE' ? word.term : word.block.term
      if (term > promised.term) {
        promised.term = term
        promised.candidate = undefined
      }
      if (word.kind === 'VOTE' && term === promised.term) promised.candidate = word.candidate
      if (word.kind === 'ACK' && isAbove(word.block, promised.ack)) promised.ack = word.block
      if (word.kind === 'LOCK' && isAbove(word.block, promised.lock)) promised.lock = word.block
    },
    starting(process) {
      const promised = promisedBy.get(process.node)
      if (promised !== undefined && evidence.isBound(process.member)) compare(process, promised)
    },
  }
}

const isAbove = (block: Ref, held: Ref | undefined): boolean => held === undefined || compareRanks(block, held) > 0
