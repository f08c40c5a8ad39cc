/** What each kind of contradiction is, for people. */
import type { FaultKind } from './fault.ts'

export const faultWords: Readonly<Record<FaultKind, { readonly zh: string; readonly en: string }>> = {
  'two-votes': { zh: '同一任期投了两票', en: 'two votes in one term' },
  'two-seals': { zh: '同一任期同一高度封装了两个区块', en: 'two blocks sealed in one term at one height' },
  'two-acks': { zh: '同一任期同一高度确认了两个区块', en: 'two blocks acknowledged in one term at one height' },
  'vote-below-lock': { zh: '锁定区块后，又投票给低于它的起点', en: 'a vote for a base below the block it had locked' },
  'ack-below-lock': {
    zh: '锁定区块后，又确认了低于它的起点上的区块',
    en: 'an acknowledgement on a base below its lock',
  },
  'two-batches': { zh: '同一序号签署了两个批次', en: 'two batches under one number' },
  'two-heads': { zh: '共签了两个互相矛盾的账本快照', en: 'two contradictory checkpoints cosigned' },
  'invalid-batch': {
    zh: '签署的批次中有伪造或不合规定的条目',
    en: 'a batch with an entry that is forged or malformed',
  },
  'invalid-seal': {
    zh: '封装的区块中有伪造或不合规定的条目',
    en: 'a block sealed with an entry that is forged or malformed',
  },
  'invalid-ack': {
    zh: '确认的区块中有伪造或不合规定的条目',
    en: 'a block acknowledged with an entry that is forged or malformed',
  },
  'omitted-leaf': {
    zh: '出具投标回执之后，封标遗漏了该投标',
    en: 'a box closed without a bid that it had given a receipt for',
  },
}
