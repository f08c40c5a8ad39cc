/** Rules 5 and 30, Raft §5.2: a key votes for one candidate on one base in a term, whatever crashed in between. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { holdToWord, Once, type WordRule } from './word-rule.ts'

export const oneVotePerTermRule: WordRule = (violated) => {
  const votes = new Once()
  return (node, word, member = node) => {
    if (word.kind !== 'VOTE') return
    if (votes.isSame(`${node} ${word.epoch} ${word.term}`, `${word.candidate} ${word.base.id}`)) return
    violated(`${member}: two VOTE in term ${word.term}`)
  }
}

export const oneVotePerTerm = (world: World): Watch => holdToWord('one-vote-per-term', oneVotePerTermRule, world)
