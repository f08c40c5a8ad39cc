/**
 * What every publication after a bid opening shares: the opening's time, and the gate that keeps bids and guarantees secret until
 * then. Before opening, neither bidders nor their number may be known (招标投标法 art. 22), and an e-guarantee names a bidder.
 */
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { formatTime } from '../time.ts'
import type { RuleContext } from './statement-type.ts'
import { timeField } from './values.ts'

export const openingTimeField = timeField('开标时间', 'Opening time')

export const openingRefusals: RefusalTexts = {
  'sealed.too-early': {
    zh: {
      title: '开标前不得公开',
      cause: '区块时间早于报文所载的开标时间；投标与保函信息在开标前必须保密。',
      remedy: '请在开标时间之后重新提交同一报文。',
    },
    en: {
      title: 'Sealed until the opening',
      cause: 'Block time is before the opening time the statement carries; bids and guarantees are secret until then.',
      remedy: 'Submit the same statement again after the opening time.',
    },
  },
}

/** @param openingTime milliseconds. Judged in block time, because that is what q members put their names to. */
export function refuseBeforeOpening(openingTime: number, context: RuleContext): void {
  if (context.blockTime >= openingTime) return
  const detail = `block time ${formatTime(context.blockTime)} is before the opening at ${formatTime(openingTime)}`
  throw new Refusal('sealed.too-early', detail, [
    { pointer: '/openingTime', problem: '尚未到开标时间 | the opening time has not come' },
  ])
}
