import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/chain/bytes.ts'
import { encodeCbor } from '../../src/chain/cbor.ts'
import { sealMessage } from '../../src/chain/certificate.ts'
import { type FaultProof, formatFault, parseFault, verifyFault } from '../../src/chain/fault.ts'
import { type BidReceipt, bidReceiptMessage, SectionTree } from '../../src/chain/quiet-box.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { digestOf, sectionAt } from './catalogue/box-world.ts'
import { keyOf, type TestKey } from './catalogue/founded-ledger.ts'

/**
 * Two signatures of one seal key: a receipt for a leaf, and a close that lacks it. Everything that an honest node may sign as well
 * convicts nobody.
 */
const seal = keyOf('guangzhou seal')
const { ledger, tender } = sectionAt()
const leaves = [0, 1, 2, 3, 4].map((at) => ({ leaf: digestOf(`leaf ${at}`), receivedAt: 1_000 + at }))
const tree = new SectionTree(leaves)
/** Would stand between two others. */
const omitted = ['a', 'b', 'c', 'd', 'e', 'f']
  .map(digestOf)
  .find((leaf) => tree.absence(leaf)!.neighbours.length === 2)!

const receiptBody: BidReceipt = {
  tender,
  section: '',
  leaf: omitted,
  receivedAt: 1_005,
  node: 'ab'.repeat(8),
  round: 7,
}
const receiptOf = (more: Partial<BidReceipt> = {}, key = seal, of = ledger, epoch = 0) => {
  const message = bidReceiptMessage({ ledger: of, epoch }, { ...receiptBody, ...more })
  return { message, signature: key.sign(message) }
}
const closeOf = (fields: Record<string, unknown> = {}, key: TestKey = seal, type = 'box.close@1'): string => {
  const { root } = tree
  const box = { tender, round: 7, count: leaves.length, root, salt: digestOf('salt'), path: [] }
  const payload = { ledger, type, party: 'id:test:x', key: 'close', ...box, ...fields }
  for (const [name, value] of Object.entries(payload)) if (value === undefined) delete (payload as never)[name]
  return signStatement(payload as never, key)
}
const proofOf = (more: Partial<Extract<FaultProof, { form: 'omission' }>> = {}): FaultProof => ({
  kid: seal.kid,
  form: 'omission',
  receipt: receiptOf(),
  close: closeOf(),
  neighbours: tree.absence(omitted)!.neighbours,
  ...more,
})
const codeOf = (proof: FaultProof): string => {
  try {
    verifyFault(proof)
    return 'proven'
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

describe('a close that lacks a leaf of its own receipt', () => {
  it('convicts the seal key, in the round that was promised and in any later one', () => {
    expect(verifyFault(proofOf())).toMatchObject({ kid: seal.kid, kind: 'omitted-leaf', ledger, origin: '' })
    expect(codeOf(proofOf({ close: closeOf({ round: 8 }) }))).toBe('proven')
    expect(codeOf(proofOf({ close: closeOf({ round: Number.MAX_SAFE_INTEGER }) }))).toBe('proven')
    // Of another epoch is the same key all the same.
    expect(codeOf(proofOf({ receipt: receiptOf({}, seal, ledger, 3) }))).toBe('proven')
  })

  it('convicts over an empty box too, and at either end of a full one', () => {
    const empty = new SectionTree([])
    const emptyClose = closeOf({ count: 0, root: empty.root })
    expect(codeOf(proofOf({ close: emptyClose, neighbours: [] }))).toBe('proven')
    for (const leaf of ['00'.repeat(32), 'ff'.repeat(32)]) {
      const { neighbours } = tree.absence(leaf)!
      expect(neighbours).toHaveLength(1)
      expect(codeOf(proofOf({ receipt: receiptOf({ leaf }), neighbours }))).toBe('proven')
    }
  })

  it('comes and goes as a file, in one spelling', () => {
    const file = formatFault(proofOf())
    expect(verifyFault(parseFault(file))).toMatchObject({ kind: 'omitted-leaf' })
    expect(formatFault(parseFault(file))).toBe(file)
    const value = JSON.parse(file)
    const others = [
      { ...value, more: 1 },
      { ...value, neighbours: undefined },
      { ...value, neighbours: [{ ...value.neighbours[0], more: 1 }, value.neighbours[1]] },
      { ...value, neighbours: [{ ...value.neighbours[0], leaf: value.neighbours[0].leaf.toUpperCase() }] },
      { ...value, neighbours: [{ ...value.neighbours[0], receivedAt: -1 }] },
      { ...value, close: 1 },
      { ...value, receipt: {} },
    ]
    for (const other of others) {
      expect(() => parseFault(`${JSON.stringify(other)}\n`)).toThrow(
        expect.objectContaining({ code: 'fault.malformed' }),
      )
    }
  })
})

describe('what an honest node may have signed convicts nobody', () => {
  it('a close on a round before the one that was promised: its last in time was lost', () => {
    expect(codeOf(proofOf({ close: closeOf({ round: 6 }) }))).toBe('fault.no-contradiction')
    expect(codeOf(proofOf({ receipt: receiptOf({ round: Number.MAX_SAFE_INTEGER }) }))).toBe('fault.no-contradiction')
  })

  it('of another tender, section or ledger', () => {
    for (const other of [{ owner: 'x' }, { scheme: 'x' }, { code: 'x' }]) {
      expect(codeOf(proofOf({ close: closeOf({ tender: { ...tender, ...other } }) }))).toBe('fault.no-contradiction')
    }
    expect(codeOf(proofOf({ close: closeOf({ section: 'B1' }) }))).toBe('fault.no-contradiction')
    expect(codeOf(proofOf({ receipt: receiptOf({ section: 'B1' }) }))).toBe('fault.no-contradiction')
    expect(codeOf(proofOf({ receipt: receiptOf({}, seal, digestOf('another ledger')) }))).toBe('fault.malformed')
  })

  it('a close that has the leaf, whenever it says that it came', () => {
    const inBox = leaves[2]!.leaf
    const all = tree.leaves.map(({ leaf }) => ({
      ...tree.leaves[tree.find(leaf)!.index]!,
      ...tree.find(leaf)!,
    }))
    const tried = [[], ...all.map((one) => [one]), ...all.flatMap((one) => all.map((other) => [one, other]))]
    for (const neighbours of tried) {
      expect(codeOf(proofOf({ receipt: receiptOf({ leaf: inBox, receivedAt: 1 }), neighbours }))).not.toBe('proven')
    }
  })

  it('neighbours that are not the closed tree’s, or not next to each other', () => {
    const [before, after] = tree.absence(omitted)!.neighbours
    for (const neighbours of [
      [],
      [before!],
      [after!],
      [after!, before!],
      [before!, after!, after!],
      [{ ...before!, receivedAt: 1 }, after!],
      [{ ...before!, leaf: digestOf('invented') }, after!],
    ]) {
      expect(codeOf(proofOf({ neighbours }))).not.toBe('proven')
    }
    expect(codeOf(proofOf({ close: closeOf({ root: digestOf('x') }) }))).toBe('inclusion.mismatch')
  })

  it('two keys, or a signature that is not good', () => {
    const other = keyOf('wuhan seal')
    expect(codeOf(proofOf({ receipt: receiptOf({}, other) }))).toBe('fault.bad-signature')
    expect(codeOf(proofOf({ close: closeOf({}, other) }))).toBe('fault.bad-signature')
    expect(codeOf(proofOf({ kid: other.kid }))).toBe('fault.bad-signature')
    expect(codeOf(proofOf({ kid: 'x' }))).toBe('fault.malformed')
    const { message } = receiptOf()
    expect(codeOf(proofOf({ receipt: { message, signature: new Uint8Array(64) } }))).toBe('fault.bad-signature')
    // The header names the accused, the signature is another's.
    const forged = `${closeOf().slice(0, closeOf().lastIndexOf('.'))}${closeOf({}, other).slice(-87)}`
    expect(codeOf(proofOf({ close: forged }))).not.toBe('proven')
  })

  it('anything else that this key signed: other records, other messages, bytes that say nothing', () => {
    for (const close of [
      closeOf({}, seal, 'box.round@1'),
      closeOf({}, seal, 'box.close@2'),
      'x',
      '..',
      closeOf({ tender: undefined }),
      closeOf({ tender: [] }),
      closeOf({ tender: { owner: 1 } }),
      closeOf({ round: '7' }),
      closeOf({ round: 7.5 }),
      closeOf({ count: undefined }),
      closeOf({ root: 'x' }),
      closeOf({ section: 1 }),
      closeOf({ ledger: digestOf('other') }),
    ]) {
      expect(codeOf(proofOf({ close }))).toBe('fault.malformed')
    }
    const context = { ledger, epoch: 0 }
    const body = [1, tender.owner, tender.scheme, tender.code, '', new Uint8Array(32), 'n', 5, 7]
    const messages = [
      sealMessage('RECEIPT', context, body),
      sealMessage('BID-RECEIPT', context, body.slice(1)),
      sealMessage('BID-RECEIPT', context, [2, ...body.slice(1)]),
      sealMessage('BID-RECEIPT', context, [...body.slice(0, 8), -1]),
      sealMessage('BID-RECEIPT', context, 1),
      sealMessage('BID-RECEIPT', context, body).subarray(0, 40),
      new Uint8Array(),
      new Uint8Array(100),
      encodeCbor(body),
    ]
    for (const message of messages) {
      const receipt = { message, signature: seal.sign(message) }
      expect(codeOf(proofOf({ receipt })), toHex(message).slice(0, 60)).toBe('fault.malformed')
    }
  })
})
