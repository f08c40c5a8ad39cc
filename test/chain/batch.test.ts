import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assembleBatch,
  batchBytesMax,
  batchItem,
  batchItemsMax,
  batchMessage,
  decodeBatch,
} from '../../src/chain/batch.ts'
import { CborError, encodeCbor } from '../../src/chain/cbor.ts'
import { zeroDigestHex } from '../../src/chain/entry.ts'
import { entryBytesMax } from '../../src/chain/tile.ts'
import { anyBatch, batch, rules, signature, statement } from './ledger-fixture.ts'

const decode = (bytes: Uint8Array) => decodeBatch(bytes, rules.context)
const header = { member: 'beijing', incarnation: 1, number: 0, previous: zeroDigestHex }
const withItems = (items: readonly { entry: Uint8Array; promised: boolean }[]): Uint8Array =>
  encodeCbor([
    1,
    'beijing',
    1,
    0,
    new Uint8Array(32),
    items.map(({ entry, promised }) => [entry, promised]),
    signature(1),
  ])

describe('a batch', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(anyBatch, (made) => {
        const { bytes, ...rest } = decode(made.bytes)
        expect({ ...rest, bytes: made.bytes }).toEqual(made)
        expect(Buffer.from(bytes).equals(made.bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('has a hash that depends on every bit but those of the signature', () => {
    const made = batch([statement('one'), statement('two')])
    const from = made.bytes.length - 64
    for (let at = 0; at < made.bytes.length; at += 5) {
      const bytes = made.bytes.slice()
      bytes[at]! ^= 4
      let hash: string
      try {
        hash = decode(bytes).hash
      } catch (error) {
        expect(error).toBeInstanceOf(CborError)
        continue
      }
      expect(hash === made.hash, `byte ${at}`).toBe(at >= from)
    }
  })

  it('signs the promise of each item, its place, its member and the ledger', () => {
    const items = [batchItem(new Uint8Array(3), true)]
    const message = batchMessage(rules.context, header, items)
    const others = [
      batchMessage(rules.context, header, [batchItem(new Uint8Array(3), false)]),
      batchMessage(rules.context, { ...header, number: 1 }, items),
      batchMessage(rules.context, { ...header, incarnation: 2 }, items),
      batchMessage(rules.context, { ...header, member: 'wuhan' }, items),
      batchMessage(rules.context, { ...header, previous: '11'.repeat(32) }, items),
      batchMessage({ ...rules.context, ledger: '22'.repeat(32) }, header, items),
      batchMessage({ ...rules.context, epoch: 1 }, header, items),
    ]
    for (const other of others) expect(Buffer.from(other).equals(message)).toBe(false)
  })

  it('is refused when it is empty, too long, too large, or its run does not begin with zeros', () => {
    const one = { entry: new Uint8Array(1), promised: true }
    expect(() => decode(withItems([]))).toThrow(CborError)
    expect(decode(withItems(Array.from({ length: batchItemsMax }, () => one))).items).toHaveLength(batchItemsMax)
    expect(() => decode(withItems(Array.from({ length: batchItemsMax + 1 }, () => one)))).toThrow(/count/)
    expect(() => decode(withItems([{ entry: new Uint8Array(entryBytesMax + 1), promised: true }]))).toThrow(/too large/)
    expect(() => decode(new Uint8Array(batchBytesMax + 1))).toThrow(/too large/)
    const stray = assembleBatch(
      { ...header, previous: '11'.repeat(32) },
      [batchItem(new Uint8Array(1), true)],
      new Uint8Array(1),
      signature(1),
    )
    expect(() => decode(stray.bytes)).toThrow(/begins with zeros/)
  })

  it('is a CborError for any other bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decode(bytes)).toThrow(CborError)
      }),
      { numRuns: 200 },
    )
  })
})
