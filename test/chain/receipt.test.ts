import { describe, expect, it } from 'vitest'
import { receiptMessage } from '../../src/chain/receipt.ts'
import { now, rules } from './ledger-fixture.ts'

const receipt = {
  statement: '11'.repeat(32),
  node: '0011223344556677',
  receivedAt: now,
  attestedSize: 7,
  by: now + 60_000,
}

describe('a receipt', () => {
  it('signs every field, the ledger and the epoch, under a domain of its own', () => {
    const message = Buffer.from(receiptMessage(rules.context, receipt))
    expect(message.subarray(0, 18).toString()).toBe('gongzheng/RECEIPT\0')
    const changes = [
      { statement: '12'.repeat(32) },
      { node: '0011223344556678' },
      { receivedAt: now + 1 },
      { attestedSize: 8 },
      { by: now },
    ]
    for (const change of changes)
      expect(message.equals(receiptMessage(rules.context, { ...receipt, ...change }))).toBe(false)
    expect(message.equals(receiptMessage({ ...rules.context, epoch: 1 }, receipt))).toBe(false)
    expect(message.equals(receiptMessage({ ...rules.context, ledger: '12'.repeat(32) }, receipt))).toBe(false)
  })
})
