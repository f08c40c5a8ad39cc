/** Rules 7 and 30: a key seals one block at a (term, height), whatever crashed in between. */
import type { Watch } from '../watch.ts'
import { rankText } from '../word.ts'
import type { World } from '../world.ts'
import { holdToWord, Once, type WordRule } from './word-rule.ts'

export const oneSealPerRankRule: WordRule = (violated) => {
  const seals = new Once()
  return (node, word, member = node) => {
    if (word.kind !== 'SEAL' || seals.isSame(`${node} ${word.epoch} ${rankText(word)}`, word.digest)) return
    violated(`${member}: two SEAL at ${rankText(word)}`)
  }
}

export const oneSealPerRank = (world: World): Watch => holdToWord('one-seal-per-rank', oneSealPerRankRule, world)
