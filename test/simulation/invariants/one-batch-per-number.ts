/** Rules 23 and 30: a key signs one batch under a number of a run, whatever crashed in between. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { holdToWord, Once, type WordRule } from './word-rule.ts'

export const oneBatchPerNumberRule: WordRule = (violated) => {
  const batches = new Once()
  return (node, word, member = node) => {
    if (word.kind !== 'BATCH' || batches.isSame(`${node} ${word.incarnation} ${word.number}`, word.digest)) return
    violated(`${member}: two BATCH ${word.incarnation}/${word.number}`)
  }
}

export const oneBatchPerNumber = (world: World): Watch =>
  holdToWord('one-batch-per-number', oneBatchPerNumberRule, world)
