/** What a node remembers of statements already checked has a bound in number and in memory, whatever the statements are. */
import { describe, expect, it } from 'vitest'
import { ed25519PublicKey } from '#crypto'
import { batchItem } from '../../src/chain/batch.ts'
import { encodeEntry } from '../../src/chain/entry.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { itemsBytesMax, VerifiedItems } from '../../src/node/verified-items.ts'

const ledger = 'ab'.repeat(32)
const signer = {
  tagged: taggedEd25519(ed25519PublicKey(new Uint8Array(32).fill(1))),
  sign: () => new Uint8Array(64),
}

const itemOf = (key: number, fields: JsonObject) => {
  const payload = { ledger, type: 'bid.record@1', party: 'party', key: `k${key}`, ...fields }
  return batchItem(encodeEntry({ member: 'beijing', receivedAt: 1, statement: signStatement(payload, signer) }), true)
}

describe('statements already checked', () => {
  it.each([
    ['a long text', 5_000, { text: 'x'.repeat(45_000) }],
    ['thousands of empty objects', 200, { list: Array.from({ length: 15_000 }, () => ({})) }],
    ['thousands of empty lists', 200, { list: Array.from({ length: 15_000 }, () => []) }],
  ] as const)('are forgotten, the oldest first, when they are too large: %s', (_, count, fields) => {
    const items = new VerifiedItems(ledger)
    const first = itemOf(0, fields)
    const read = items.read(first)
    const before = items.memoryBytes
    items.add(first.leaf, read)
    const each = items.memoryBytes - before
    let last = first
    const kept = Math.floor(itemsBytesMax / each)
    expect(kept).toBeLessThan(count)
    for (let i = 1; i <= kept; i++) {
      expect(items.has(first)).toBe(true)
      last = { ...first, leaf: Uint8Array.of(i >> 8, i & 0xff) }
      items.add(last.leaf, read)
    }
    expect(items.has(first)).toBe(false)
    expect(items.has(last)).toBe(true)
    expect(items.memoryBytes).toBeLessThanOrEqual(itemsBytesMax)
  })

  it('count once, however often they are added', () => {
    const items = new VerifiedItems(ledger)
    const item = itemOf(0, {})
    items.add(item.leaf, items.read(item))
    const once = items.memoryBytes
    items.add(item.leaf, items.read(item))
    expect(items.memoryBytes).toBe(once)
    expect(items.has(item)).toBe(true)
  })

  it('are read the same whether remembered or not', () => {
    const items = new VerifiedItems(ledger)
    const item = itemOf(0, { text: '共证' })
    const fresh = items.read(item)
    items.add(item.leaf, fresh)
    expect(items.read(item)).toMatchObject(fresh)
  })
})
