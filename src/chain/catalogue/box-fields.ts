/** Fields that the records of boxes and sealed bids share, and the law that they serve. */
import { named } from './values.ts'

export const sealedBiddingLaw = {
  zh: '《招标投标法》第二十二条、第二十八条、第二十九条、第三十六条；《招标投标法实施条例》第三十五、三十六条；《电子招标投标办法》第二十四至二十九条。',
  en: 'Tendering and Bidding Law arts. 22, 28, 29, 36; Implementing Regulations arts. 35, 36; Measures for Electronic Tendering arts. 24–29.',
}

export const digestField = (zh: string, en: string) => named(zh, en, { type: 'string', pattern: '^[0-9a-f]{64}$' })
export const countField = (zh: string, en: string, maximum: number) =>
  named(zh, en, { type: 'integer', minimum: 0, maximum })
export const secondsField = (zh: string, en: string, maximum: number) =>
  named(zh, en, { type: 'integer', minimum: 1, maximum })
export const pathField = named('路径', 'Path', {
  description: '同层兄弟哈希，自下而上 / hashes of the siblings, from the leaf up',
  type: 'array',
  maxItems: 64,
  items: digestField('哈希', 'Hash'),
})
