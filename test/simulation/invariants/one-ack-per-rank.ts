/** Rules 8 and 30: a key acknowledges one block at a (term, height), on one base, whatever crashed in between. */
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { holdToWord, Once, type WordRule } from './word-rule.ts'

export const oneAckPerRankRule: WordRule = (violated) => {
  const acks = new Once()
  return (node, word, member = node) => {
    if (word.kind !== 'ACK') return
    const { epoch, block, base } = word
    if (acks.isSame(`${node} ${epoch} ${rankText(block)}`, `${block.id} ${base.id}`)) return
    violated(`${member}: two ACK at ${rankText(word.block)}`)
  }
}

export const oneAckPerRank = (world: World): Watch => holdToWord('one-ack-per-rank', oneAckPerRankRule, world)
