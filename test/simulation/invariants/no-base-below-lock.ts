/**
 * Rules 8 and 30: after LOCK(B) a key gives no VOTE and no ACK in a later term of the epoch on a base ranked below B — in whatever order
 * a stranger gets to see the two words.
 */
import type { Watch } from '../watch.ts'
import { compareRanks, type Rank, rankText } from '../word.ts'
import type { World } from '../world.ts'
import { holdToWord, type WordRule } from './word-rule.ts'

interface Said {
  /** Highest LOCK of each term. */
  readonly locks: Map<number, Rank>
  /** Lowest base of the VOTEs and ACKs of each term. */
  readonly bases: Map<number, Rank>
}

export const noBaseBelowLockRule: WordRule = (violated) => {
  const saidBy = new Map<string, Said>()
  return (node, word, member = node) => {
    if (word.kind !== 'LOCK' && word.kind !== 'VOTE' && word.kind !== 'ACK') return
    const key = `${node} ${word.epoch}`
    let said = saidBy.get(key)
    if (said === undefined) {
      said = { locks: new Map(), bases: new Map() }
      saidBy.set(key, said)
    }
    const { locks, bases } = said
    if (word.kind === 'LOCK') {
      const { block } = word
      const held = locks.get(block.term)
      if (held !== undefined && compareRanks(block, held) <= 0) return
      locks.set(block.term, block)
      for (const [term, base] of bases) {
        if (term > block.term && compareRanks(base, block) < 0)
          violated(`${member}: LOCK of ${rankText(block)} after a base ${rankText(base)} below it in term ${term}`)
      }
      return
    }
    const { base } = word
    const term = word.kind === 'VOTE' ? word.term : word.block.term
    const held = bases.get(term)
    if (held !== undefined && compareRanks(base, held) >= 0) return
    bases.set(term, base)
    for (const [lockTerm, lock] of locks) {
      if (lockTerm < term && compareRanks(base, lock) < 0)
        violated(
          `${member}: ${word.kind} in term ${term} on the base ${rankText(base)} below its LOCK of ${rankText(lock)}`,
        )
    }
  }
}

export const noBaseBelowLock = (world: World): Watch => holdToWord('no-base-below-lock', noBaseBelowLockRule, world)
