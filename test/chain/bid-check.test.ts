import { describe, expect, it } from 'vitest'
import { answersOf, type BidPapers, readShownBox } from '../../src/chain/bid-check.ts'
import {
  type BidFile,
  checkBidReceipt,
  formatBidFile,
  type KeptBidReceipt,
  parseBidFile,
  parseBidReceipt,
} from '../../src/chain/bid-file.ts'
import { fromHex, toHex, utf8 } from '../../src/chain/bytes.ts'
import { encodeEntry } from '../../src/chain/entry.ts'
import { verifyFault } from '../../src/chain/fault.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import type { Statement } from '../../src/chain/statement.ts'
import {
  type Bid,
  BoxWorld,
  bidOf,
  closing,
  digestOf,
  opening,
  type Receipt,
  sectionAt,
  withdrawalOf,
} from './catalogue/box-world.ts'
import { keyOf } from './catalogue/founded-ledger.ts'
import { bidders, named } from './catalogue/tender-fixture.ts'

const at = sectionAt()

const fileOf = ({ content, leaf, fields, before }: Bid): BidFile => ({
  at,
  content,
  leaf,
  bidders: [named(bidders[0]!)] as unknown as BidFile['bidders'],
  terms: fields.terms as JsonObject,
  oneTimeSeed: digestOf('seed'),
  fileKey: digestOf('key'),
  before: before === undefined ? [] : [before.content],
})
const kept = (receipt: Receipt): KeptBidReceipt => ({
  ...receipt,
  ledger: at.ledger,
  signature: fromHex(receipt.signature)!,
})
const entryOf = (statement: Statement, member: string, receivedAt: number): Uint8Array =>
  encodeEntry({ member, receivedAt, statement: statement.jws })
const statesOf = (papers: BidPapers): string =>
  answersOf(papers)
    .answers.map(({ question, state }) => `${question} ${state}`)
    .join(', ')

/** A bid handed in at Guangzhou, which has closed; whether with the leaf. */
function closed(isKept = true) {
  const world = new BoxWorld().eve()
  const bid = bidOf('checked')
  const receipt = world.guangzhou.receive(bid.leaf)
  if (!isKept) world.guangzhou.held = []
  world.guangzhou.receive(digestOf('another'))
  world.run(closing)
  const statement = world.guangzhou.close()
  world.close()
  const papers: BidPapers = {
    receipt: kept(receipt),
    member: world.ledger.member('guangzhou'),
    bid: fileOf(bid),
    files: [],
    entries: [entryOf(statement, 'guangzhou', closing)],
  }
  return { world, bid, receipt, papers, leaves: world.guangzhou.tree(receipt.round).leaves }
}

describe('four questions to the receipt of a sealed bid', () => {
  it('with the receipt alone: when it came and by whose word, and what is missing for the rest', () => {
    const { papers } = closed()
    const { bid: _, ...alone } = { ...papers, entries: [] }
    expect(statesOf(alone)).toBe('received good, unchanged open, closed open, opened open')
    expect(answersOf(alone).answers[0]!.detail.en).toContain('guangzhou')
  })

  it('with everything: all four', () => {
    const { world, bid, papers, leaves } = closed()
    world.run(opening)
    const reveal = world.reveal(bid)
    world.ledger.take(reveal)
    const entries = [...papers.entries, entryOf(reveal, 'wuhan', opening)]
    const all = 'received good, unchanged good, closed good, opened good'
    expect(statesOf({ ...papers, entries, leaves })).toBe(all)
    // The record that opened it shows where it stands; so does the member that closed.
    expect(statesOf({ ...papers, entries })).toBe(all)
    const { index, path, receivedAt } = world.guangzhou.placed(bid.leaf)
    const place = { index, path, receivedAt }
    expect(statesOf({ ...papers, place })).toBe('received good, unchanged good, closed good, opened open')
    expect(answersOf({ ...papers, entries }).answers[3]!.detail.en).toContain('through wuhan')
  })

  it('another file, or another bid, is said to be another', () => {
    const { papers, bid } = closed()
    const { ciphertext } = bid.content
    expect(statesOf({ ...papers, files: [ciphertext] })).toContain('unchanged good')
    expect(statesOf({ ...papers, files: [digestOf('changed')] })).toContain('unchanged bad')
    expect(statesOf({ ...papers, bid: fileOf(bidOf('another')) })).toContain('unchanged bad')
  })

  it('a close that lacks the leaf: no, with a fault proof that convicts the key', () => {
    const { world, papers, leaves } = closed(false)
    const judged = answersOf({ ...papers, leaves })
    expect(judged.answers[2]).toMatchObject({ question: 'closed', state: 'bad' })
    const fault = verifyFault(judged.fault!)
    expect(fault).toMatchObject({ kind: 'omitted-leaf', kid: world.ledger.member('guangzhou').node.seal })
    // Without the whole list nothing is said, least of all a word against anybody.
    for (const less of [undefined, leaves.slice(1), [...leaves, { leaf: digestOf('x'), receivedAt: 1 }]]) {
      const answers = answersOf({ ...papers, ...(less === undefined ? {} : { leaves: less }) })
      expect(answers.answers[2]!.state).toBe('open')
      expect(answers.fault).toBeUndefined()
    }
  })

  it('a close on an earlier round than the receipt promised: no, and nobody is to blame', () => {
    const { papers, leaves } = closed(false)
    const { receipt } = papers
    const judged = answersOf({ ...papers, receipt: { ...receipt, round: receipt.round + 100 }, leaves })
    expect(judged.answers[2]!.state).toBe('bad')
    expect(judged.fault).toBeUndefined()
  })

  it('a close by the node that took the place of the one that gave the receipt convicts neither', () => {
    const { papers, leaves } = closed(false)
    const node = { ...papers.member.node, seal: keyOf('old seal').kid }
    const judged = answersOf({ ...papers, member: { ...papers.member, node }, leaves })
    expect(judged.answers[2]!.state).toBe('bad')
    expect(judged.fault).toBeUndefined()
  })

  it('a close of another member, section or ledger is none of this receipt', () => {
    const { world, papers } = closed()
    const other = world.wuhan.close()
    expect(statesOf({ ...papers, entries: [entryOf(other, 'wuhan', closing)] })).toContain('closed open')
    const receipt = { ...papers.receipt, section: 'B1' }
    expect(statesOf({ ...papers, receipt })).toContain('closed open')
    expect(statesOf({ ...papers, entries: [utf8('{"genesis":{}}')] })).toContain('closed open')
  })

  it('a bid that was replaced or withdrawn is opened as that', () => {
    const world = new BoxWorld().eve()
    const first = bidOf('first')
    const second = bidOf('second', { before: first })
    const gone = withdrawalOf(second)
    const receipt = world.guangzhou.receive(first.leaf)
    for (const { leaf } of [second, gone]) world.wuhan.receive(leaf)
    world.toOpening()
    const papers = { receipt: kept(receipt), member: world.ledger.member('guangzhou'), files: [], bid: fileOf(first) }
    const openedAs = (statement: Statement) =>
      answersOf({ ...papers, entries: [entryOf(statement, 'wuhan', opening)] }).answers[3]!.detail.en
    expect(openedAs(world.reveal(second))).toContain('replaced')
    expect(openedAs(world.withdraw(gone))).toContain('replaced')
    const withdrawal = withdrawalOf(first)
    world.wuhan.held.push({ leaf: withdrawal.leaf, receivedAt: 1, round: 1 })
    expect(openedAs(world.withdraw(withdrawal, { place: { member: 'wuhan', receivedAt: 1 } }))).toContain('withdrawn')
  })
})

describe('the files of a bidder', () => {
  const bid = fileOf(bidOf('b', { before: bidOf('a') }))

  it('a bid’s own file comes back as it was, and one that was changed is refused', () => {
    const text = formatBidFile(bid)
    expect(parseBidFile(utf8(text))).toEqual(bid)
    const file = JSON.parse(text) as JsonObject
    const content = file.content as JsonObject
    for (const changed of [
      { leaf: digestOf('x') },
      { ledger: 'x' },
      { section: 'B1' },
      { terms: { salt: '00' } },
      { bidders: [{ party: 'x' }] },
      { bidders: [1] },
      { before: 1 },
      { before: [{ ...content, kind: 'other' }] },
      { content: { ...content, nonce: '' } },
      { content: { ...content, changes: { leaf: '00', signature: '00' } } },
      { format: 'gongzheng/bid@2' },
    ]) {
      const bytes = utf8(JSON.stringify({ ...file, ...changed }))
      expect(() => parseBidFile(bytes), JSON.stringify(changed)).toThrow(
        expect.objectContaining({ code: 'bid-file.malformed' }),
      )
    }
    for (const bytes of [utf8('x'), utf8('[]'), Uint8Array.of(0xff)]) {
      expect(() => parseBidFile(bytes)).toThrow(expect.objectContaining({ code: 'bid-file.malformed' }))
    }
  })

  it('a receipt is read strictly, and is the word of the node that signed it', () => {
    const world = new BoxWorld()
    const { member, epoch, signature, ...receipt } = world.guangzhou.receive(bid.leaf)
    const bidReceipt = { ...receipt, member, epoch, signature, ledger: at.ledger }
    const read = parseBidReceipt(utf8(JSON.stringify({ bidReceipt })))
    expect(toHex(read.signature)).toBe(signature)
    const { members } = world.ledger.genesis
    expect(checkBidReceipt(read, members).id).toBe('guangzhou')
    for (const changed of [{ receivedAt: 1 }, { round: 9 }, { leaf: digestOf('x') }, { epoch: 1 }, { section: 'B1' }]) {
      expect(() => checkBidReceipt({ ...read, ...changed }, members)).toThrow(
        expect.objectContaining({ code: 'receipt.bad-signature' }),
      )
    }
    for (const changed of [{ member: 'wuhan' }, { node: '00'.repeat(8) }]) {
      expect(() => checkBidReceipt({ ...read, ...changed }, members)).toThrow(
        expect.objectContaining({ code: 'receipt.not-a-member' }),
      )
    }
    for (const changed of [{ leaf: 'x' }, { signature: '' }, { receivedAt: '1' }, { round: -1 }, { tender: 1 }]) {
      const bytes = utf8(JSON.stringify({ bidReceipt: { ...bidReceipt, ...changed } }))
      expect(() => parseBidReceipt(bytes)).toThrow(expect.objectContaining({ code: 'receipt.malformed' }))
    }
  })

  it('the list of a box is one only if every line is a leaf, and none stands twice', () => {
    const held = { leaf: digestOf('x'), receivedAt: 1 }
    expect(readShownBox({ leaves: [held] })).toEqual({ leaves: [held] })
    for (const leaves of [[held, held], [{ ...held, leaf: 'x' }], [{ ...held, receivedAt: -1 }], [1], [null]]) {
      expect(readShownBox({ leaves } as JsonObject)).toBeUndefined()
    }
    for (const other of [1, null, [], {}, { receivedAt: 1, index: 0, path: ['x'] }]) {
      expect(readShownBox(other)).toBeUndefined()
    }
  })
})
