import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/chain/bytes.ts'
import {
  bidderDigest,
  changeMessage,
  isChangeOf,
  type SealedContent,
  type SealedSection,
  sealedLeaf,
  termsDigest,
} from '../../src/chain/sealed-bid.ts'
import { bidOf, changed, digestOf, sectionAt, withdrawalOf } from './catalogue/box-world.ts'
import { keyOf } from './catalogue/founded-ledger.ts'

const at = sectionAt()
const leafOf = (content: SealedContent, where: SealedSection = at): string => toHex(sealedLeaf(where, content))

describe('the leaf of a sealed bid', () => {
  const bid = bidOf('a')

  it('depends on every part of what it is made of, and on where it goes', () => {
    const contents: readonly SealedContent[] = [
      bid.content,
      { ...bid.content, ciphertext: digestOf('another file') },
      { ...bid.content, terms: digestOf('other terms') },
      { ...bid.content, bidder: digestOf('another bidder') },
      { ...bid.content, oneTimeKey: keyOf('another').kid },
      { ...bid.content, nonce: digestOf('another nonce') },
      { ...bid.content, kind: 'withdrawal' },
      changed(bid.content, bidOf('before')),
      changed(bid.content, bidOf('before'), at, keyOf('another')),
      changed(bid.content, bidOf('another before')),
    ]
    const { tender } = at
    const places: readonly SealedSection[] = [
      at,
      { ...at, ledger: digestOf('another ledger') },
      { ...at, section: 'B1' },
      { ...at, tender: { ...tender, owner: `${tender.owner}x` } },
      { ...at, tender: { ...tender, scheme: 'other' } },
      { ...at, tender: { ...tender, code: 'other' } },
      // Nothing runs over from one field into the next.
      { ...at, tender: { ...tender, code: `${tender.code}B` }, section: '1' },
    ]
    const leaves = places.flatMap((where) => contents.map((content) => leafOf(content, where)))
    expect(new Set(leaves).size).toBe(leaves.length)
    for (const leaf of leaves) expect(leaf).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is refused to be made of anything but digests', () => {
    for (const name of ['ciphertext', 'terms', 'bidder', 'nonce'] as const) {
      for (const value of ['', '00', 'zz'.repeat(32), digestOf('x').slice(2), `${digestOf('x')}00`]) {
        expect(() => leafOf({ ...bid.content, [name]: value }), `${name} ${value}`).toThrow('32 bytes in hex')
      }
    }
    expect(() => leafOf(bid.content, { ...at, ledger: '' })).toThrow()
    expect(() => leafOf({ ...bid.content, changes: { leaf: bid.leaf, signature: '00' } })).toThrow('64 bytes in hex')
  })

  it('hides bidder and terms behind the nonce: without it every guess is as good as another', () => {
    // The parts that can be guessed are in the leaf as digests of one length, and the nonce is in it too.
    const guessed = { ...bid.content, nonce: digestOf('a guess') }
    expect(leafOf(guessed)).not.toBe(bid.leaf)
    expect(leafOf(bid.content)).toBe(bid.leaf)
  })

  it('has one spelling for the terms, and one for a consortium', () => {
    expect(termsDigest({ salt: '00', price: { amount: '1', form: 'amount' } })).toBe(
      termsDigest({ price: { form: 'amount', amount: '1' }, salt: '00' }),
    )
    expect(termsDigest({ salt: '00' })).not.toBe(termsDigest({ salt: '01' }))
    const orders = [['a', 'b'], ['b', 'a'], ['ab'], ['a', 'b', ''], []]
    expect(new Set(orders.map(bidderDigest)).size).toBe(orders.length)
  })
})

describe('replacing and withdrawing', () => {
  const before = bidOf('before')
  const after = bidOf('after', { before })
  const withdrawal = withdrawalOf(before)

  it('is the word of the one-time key of the bid before', () => {
    expect(isChangeOf(at, before.content, after.content)).toBe(true)
    expect(isChangeOf(at, before.content, withdrawal.content)).toBe(true)
  })

  it('is not: another’s word, a word for another leaf, section or tender, or none', () => {
    const other = bidOf('other')
    expect(isChangeOf(at, before.content, bidOf('after').content)).toBe(false)
    expect(isChangeOf(at, other.content, after.content)).toBe(false)
    expect(isChangeOf(at, after.content, before.content)).toBe(false)
    expect(isChangeOf({ ...at, section: 'B1' }, before.content, after.content)).toBe(false)
    const forged = changed(bidOf('after').content, before, at, other.oneTime)
    expect(isChangeOf(at, before.content, forged)).toBe(false)
    // Signed for the same leaf in another section.
    const elsewhere = { ...at, section: 'B1' }
    expect(isChangeOf(at, before.content, changed(bidOf('after').content, before, elsewhere))).toBe(false)
  })

  it('is signed over everything of the new leaf: the same word does not serve for another price', () => {
    const { changes } = after.content
    for (const name of ['ciphertext', 'terms', 'bidder', 'nonce'] as const) {
      const swapped: SealedContent = { ...after.content, [name]: digestOf('swapped'), changes: changes! }
      expect(isChangeOf(at, before.content, swapped), name).toBe(false)
    }
    const otherKey = { ...after.content, oneTimeKey: keyOf('x').kid }
    expect(isChangeOf(at, before.content, otherKey)).toBe(false)
    expect(isChangeOf(at, before.content, { ...after.content, kind: 'withdrawal' })).toBe(false)
  })

  it('asks nothing of a one-time key that is none, or of a signature that is not hex', () => {
    const noKey: SealedContent = { ...before.content, oneTimeKey: 'A'.repeat(44) }
    const leaf = leafOf(noKey)
    const changes = { leaf, signature: '00'.repeat(64) }
    expect(isChangeOf(at, noKey, { ...after.content, changes })).toBe(false)
    expect(isChangeOf(at, before.content, { ...after.content, changes: { leaf: before.leaf, signature: 'zz' } })).toBe(
      false,
    )
  })

  it('has a message that begins unlike anything else that is signed here', () => {
    const message = toHex(changeMessage(at, before.leaf, after.content))
    expect(message).toContain(toHex(new TextEncoder().encode('gongzheng sealed change v1')))
  })
})
