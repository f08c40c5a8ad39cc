import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../../src/chain/bytes.ts'
import { guaranteeLeaf, holdsGuarantee, opensCommitment } from '../../../src/chain/catalogue/e-guarantee-leaf.ts'

const document = utf8('电子保函 BH2026-0001 ……')
const hash = { algorithm: 'sha256', value: toHex(sha256(document)) } as const
const salt = new Uint8Array(32).fill(7)
const use = {
  ledger: 'ab'.repeat(32),
  issuer: 'uscc:914403001922038216',
  number: 'BH2026-0001',
  tender: { owner: 'uscc:91440400192548256N', scheme: 'tender-project', code: 'E3505250602100001' },
  section: '001',
  bidder: 'uscc:91330100716105852F',
}
const leaf = guaranteeLeaf(use, hash, salt)

describe('a guarantee’s salted leaf', () => {
  it('tells a holder of document and salt that the guarantee is genuine', () => {
    expect(holdsGuarantee(use, document, salt, leaf)).toBe(true)
    expect(opensCommitment(use, hash, toHex(salt), toHex(leaf))).toBe(true)
  })

  it('says no to a document that differs in one byte, and to its hash in the place of it', () => {
    fc.assert(
      fc.property(fc.nat(document.length - 1), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const forged = Uint8Array.from(document)
        forged[at] = forged[at]! ^ difference
        expect(holdsGuarantee(use, forged, salt, leaf)).toBe(false)
      }),
    )
    // Whoever saw only the hash (in an index, say) is no holder.
    expect(holdsGuarantee(use, utf8(hash.value), salt, leaf)).toBe(false)
    expect(holdsGuarantee(use, sha256(document), salt, leaf)).toBe(false)
    expect(holdsGuarantee(use, new Uint8Array(0), salt, leaf)).toBe(false)
  })

  it('says no to any other salt', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (other) => {
        fc.pre(toHex(other) !== toHex(salt))
        expect(holdsGuarantee(use, document, other, leaf)).toBe(false)
        expect(opensCommitment(use, hash, toHex(other), toHex(leaf))).toBe(false)
      }),
    )
    expect(opensCommitment(use, hash, 'no hex', toHex(leaf))).toBe(false)
  })

  it('is another for every other use: ledger, issuer, number, tender, section, bidder', () => {
    const others = [
      { ...use, ledger: 'ac'.repeat(32) },
      { ...use, issuer: use.bidder },
      { ...use, number: 'BH2026-0002' },
      { ...use, tender: { ...use.tender, owner: use.bidder } },
      { ...use, tender: { ...use.tender, scheme: 'national' } },
      { ...use, tender: { ...use.tender, code: 'E3505250602100002' } },
      { ...use, section: '002' },
      { ...use, section: '' },
      { ...use, bidder: use.issuer },
      // Nothing can move from one part into its neighbour.
      { ...use, number: 'BH2026-0001E3505250602100001', tender: { ...use.tender, code: '' } },
    ]
    const leaves = others.map((other) => toHex(guaranteeLeaf(other, hash, salt)))
    expect(new Set([...leaves, toHex(leaf)]).size).toBe(others.length + 1)
    for (const other of others) expect(holdsGuarantee(other, document, salt, leaf)).toBe(false)
  })

  it('does not name the bidder to whom no salt is known: leaves with different salts have nothing in common', () => {
    const another = guaranteeLeaf(use, hash, new Uint8Array(32).fill(8))
    expect(toHex(another)).not.toBe(toHex(leaf))
  })

  it('has one value for ever: what was committed to must open in ten years', () => {
    expect(toHex(leaf)).toMatchInlineSnapshot(`"c6858ca685a8c97a6c4c7535fcc25551a696c5e66c10c4a25653afb04d1d7bef"`)
  })
})
