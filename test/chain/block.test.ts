import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assembleBlock,
  attestationFromCbor,
  type Block,
  type BlockHeader,
  batchesDigest,
  blockBytesMax,
  blockId,
  blockSealMessage,
  carriedDigest,
  decodeBlock,
} from '../../src/chain/block.ts'
import { CborError, encodeCbor } from '../../src/chain/cbor.ts'
import { timeMax } from '../../src/chain/time.ts'
import {
  anyBatch,
  anyCarried,
  anyHeight,
  anyMember,
  anyNatural,
  anyTerm,
  bytes64,
  hex32,
  rules,
} from './ledger-fixture.ts'

const anyBlock: fc.Arbitrary<Block> = fc
  .record({
    header: fc.record({
      // Its batches are signed in its own epoch.
      epoch: fc.constant(rules.context.epoch),
      term: anyTerm,
      height: anyHeight,
      parent: hex32,
      time: fc.nat(timeMax),
      leader: anyMember,
      size: anyNatural,
      root: hex32,
    }),
    seal: bytes64,
    carried: anyCarried,
    batches: fc.array(anyBatch, { maxLength: 3 }),
  })
  .map(({ header, seal, carried, batches }) =>
    assembleBlock(
      { ...header, batches: batchesDigest(batches), carried: carriedDigest(carried) },
      seal,
      carried,
      batches,
    ),
  )

const decode = (bytes: Uint8Array): Block => decodeBlock(bytes, rules.context)

describe('a block', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(anyBlock, (made) => {
        const { batches, bytes, ...rest } = decode(made.bytes)
        expect({ ...rest, bytes: made.bytes, batches: made.batches }).toEqual(made)
        expect(batches.map(({ hash }) => hash)).toEqual(made.batches.map(({ hash }) => hash))
        expect(Buffer.from(bytes).equals(made.bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('has an id that depends on every bit but those of the seal; any other change is refused or shows', () => {
    fc.assert(
      fc.property(anyBlock, fc.nat(), fc.nat(7), (made, draw, bit) => {
        const bytes = made.bytes.slice()
        bytes[draw % bytes.length]! ^= 1 << bit
        let changed: Block
        try {
          changed = decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CborError)
          return
        }
        const sealChanged = !Buffer.from(changed.seal).equals(made.seal)
        expect(changed.id === made.id).toBe(sealChanged)
      }),
      { numRuns: 300 },
    )
  })

  it('has a seal over the whole header, this ledger and this epoch', () => {
    const [made] = fc.sample(anyBlock, { numRuns: 1, seed: 7 })
    const { header } = made!
    const message = Buffer.from(blockSealMessage(rules.context, header))
    const changes: Partial<BlockHeader>[] = [
      { time: header.time === 0 ? 1 : header.time - 1 },
      { parent: '12'.repeat(32) },
      { root: '12'.repeat(32) },
      { size: header.size === 0 ? 1 : header.size - 1 },
      { leader: 'nobody' },
      { batches: '12'.repeat(32) },
      { carried: '12'.repeat(32) },
    ]
    for (const change of changes) {
      expect(message.equals(blockSealMessage(rules.context, { ...header, ...change }))).toBe(false)
      expect(blockId({ ...header, ...change })).not.toBe(made!.id)
    }
    expect(message.equals(blockSealMessage({ ...rules.context, ledger: '12'.repeat(32) }, header))).toBe(false)
  })

  it('is refused when it is too large, has too many batches, or its header names others', () => {
    const [made] = fc.sample(
      anyBlock.filter(({ batches }) => batches.length > 0),
      { numRuns: 1, seed: 9 },
    )
    const { header, seal, carried, batches } = made!
    expect(() => decode(new Uint8Array(blockBytesMax + 1))).toThrow(/too large/)
    expect(() => decode(assembleBlock({ ...header, batches: '00'.repeat(32) }, seal, carried, batches).bytes)).toThrow(
      /other batches/,
    )
    expect(() => decode(assembleBlock({ ...header, carried: '00'.repeat(32) }, seal, carried, batches).bytes)).toThrow(
      /other certificates/,
    )
    const many = Array.from({ length: 257 }, () => batches[0]!)
    expect(() => decode(assembleBlock({ ...header, batches: batchesDigest(many) }, seal, carried, many).bytes)).toThrow(
      /too many/,
    )
  })

  it('is a CborError for any other bytes, and never a crash on deep nesting or huge counts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decode(bytes)).toThrow(CborError)
      }),
      { numRuns: 200 },
    )
    expect(() => decode(new Uint8Array(500_000).fill(0x81))).toThrow(CborError)
    expect(() => decode(Uint8Array.of(0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff))).toThrow(CborError)
    expect(() => decode(encodeCbor([1, null, null, null, null]))).toThrow(CborError)
  })
})

describe('an attestation', () => {
  it('is refused with a member twice, out of order, or more cosignatures than any ledger has members', () => {
    const by = (...members: string[]) => [
      7,
      new Uint8Array(32),
      members.map((member) => [member, 1, new Uint8Array(64)]),
    ]
    expect(attestationFromCbor(by('a', 'b'), 'a').cosignatures).toHaveLength(2)
    expect(() => attestationFromCbor(by('a', 'a'), 'a')).toThrow(/ascend/)
    expect(() => attestationFromCbor(by('b', 'a'), 'a')).toThrow(/ascend/)
    const many = Array.from({ length: 256 }, (_, i) => `m${String(i).padStart(3, '0')}`)
    expect(() => attestationFromCbor(by(...many), 'a')).toThrow(/too many/)
  })
})
