/**
 * Rules 3, 5, 11 and 15, consensus.md section 4: from one write cycle to the next, and across restarts, incarnation, term, lock, commit and
 * register on a disk only rise. The watermark is lowered only by itself, never below the commit or the register, before the blocks above
 * it are touched; what is at or below it is never deleted nor another block. An epoch begins anew, from its start (rule 19): of what was there
 * before it only incarnation, commit and register go on, and its vote file comes before its head file.
 */
import type { HeadFile, VoteFile } from '../../../src/node/durable-state.ts'
import type { DiskWrite } from '../../../src/node/ports.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import { compareRanks, rankText } from '../word.ts'
import type { World } from '../world.ts'
import { blocksIn, evidenceOf } from './evidence.ts'

const name = 'disk-never-falls'

interface Held {
  readonly vote: VoteFile | undefined
  readonly head: HeadFile | undefined
}

export function diskNeverFalls(world: World): Watch {
  const evidence = evidenceOf(world)
  /** By node. */
  const held = new Map<string, Held>()

  const look = ({ member, node, medium }: NodeProcess): void => {
    const before = held.get(node)
    const now = { vote: evidence.voteFile(medium), head: evidence.headFile(medium) }
    held.set(node, now)
    if (before === undefined) return
    const wrong = (what: string): void => world.violated(name, `${member}: ${what}`)
    if (before.vote !== now.vote && before.vote !== undefined) compareVotes(before.vote, now.vote, wrong)
    if (before.head !== now.head && before.head !== undefined) {
      compareHeads(before.head, now.head, wrong)
      if (now.head !== undefined && now.head.epoch > (now.vote?.epoch ?? 0)) wrong('the head file began an epoch first')
      if (now.head !== undefined) checkWatermark(before.head, now.head, world.machine(member).isDamaged, wrong)
    }
  }

  /**
   * Raised along its own chain, or lowered to a block that stays. Where its block is missing it stays until others have committed as far,
   * which may be on another chain.
   */
  const checkWatermark = (before: HeadFile, now: HeadFile, isDamaged: boolean, wrong: (what: string) => void): void => {
    const from = before.last
    const to = now.last
    if (to.id === from.id) return
    if (to.height < from.height) {
      const floor = Math.max(before.commit, before.register.height)
      if (to.height < floor) wrong(`the watermark fell from ${from.height} to ${to.height}, below ${floor}`)
    } else if (!isDamaged && evidence.ancestorAt(to.id, from.height)?.id !== from.id) {
      wrong(`the watermark went from ${rankText(from)} to ${rankText(to)} on another chain`)
    }
  }

  const checkRows = ({ member, node }: NodeProcess, { rows = [] }: DiskWrite): void => {
    const last = held.get(node)?.head?.last
    if (last === undefined || world.machine(member).isDamaged) return
    for (const { height, bytes } of blocksIn(rows)) {
      if (height > last.height || height === 0) continue
      if (bytes === undefined) {
        world.violated(name, `${member} deleted block ${height} below its watermark ${last.height}`)
      } else if (evidence.blockIn(bytes)?.id !== evidence.ancestorAt(last.id, height)?.id) {
        world.violated(name, `${member} wrote another block ${height} below its watermark ${last.height}`)
      }
    }
  }

  return {
    starting(process) {
      if (evidence.isBound(process.member)) look(process)
    },
    wrote(process, write) {
      checkRows(process, write)
      if (write.vote !== undefined || write.head !== undefined) look(process)
    },
  }
}

function compareVotes(before: VoteFile, now: VoteFile | undefined, wrong: (what: string) => void): void {
  if (now === undefined) return wrong('the vote is gone')
  if (now.incarnation < before.incarnation) wrong(`incarnation ${now.incarnation} after ${before.incarnation}`)
  if (now.epoch < before.epoch) wrong(`epoch ${now.epoch} after ${before.epoch}`)
  if (now.epoch > before.epoch) return
  if (now.vote.term < before.vote.term) wrong(`term ${now.vote.term} after ${before.vote.term}`)
  if (now.vote.term !== before.vote.term) return
  const { candidate, base, ackBarred } = before.vote
  if (candidate !== null && (now.vote.candidate !== candidate || now.vote.base?.id !== base?.id))
    wrong(`the vote for ${candidate} in term ${now.vote.term} was replaced by one for ${now.vote.candidate}`)
  if (ackBarred && !now.vote.ackBarred) wrong(`the bar on acknowledgements in term ${now.vote.term} was lifted`)
}

function compareHeads(before: HeadFile, now: HeadFile | undefined, wrong: (what: string) => void): void {
  if (now === undefined) return wrong('the head is gone')
  if (now.epoch < before.epoch) wrong(`epoch ${now.epoch} after ${before.epoch}`)
  const lock = before.lock.block
  const isSameLock = now.lock.block.id === lock.id
  const isSameEpoch = now.epoch === before.epoch
  if (isSameEpoch && !isSameLock && compareRanks(now.lock.block, lock) <= 0)
    wrong(`a lock on ${rankText(now.lock.block)} after ${rankText(lock)}`)
  if (isSameEpoch && compareRanks(now.lock.lowerTermRank, before.lock.lowerTermRank) < 0)
    wrong(`the highest lock of a lower term fell to ${rankText(now.lock.lowerTermRank)}`)
  const { size, root } = before.register
  if (now.register.size < size) wrong(`the register fell from ${size} to ${now.register.size}`)
  if (size > 0 && now.register.size === size && now.register.root !== root)
    wrong(`the register holds another root for ${size}`)
  // Blocks that are to be fetched again were committed all the same.
  if (now.commit < before.commit) wrong(`the commit fell from ${before.commit} to ${now.commit}`)
}
