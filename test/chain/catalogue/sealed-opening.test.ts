import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/chain/bytes.ts'
import { replacedMax } from '../../../src/chain/catalogue/sealed-fields.ts'
import { epochAfter, epochRow, epochToCbor, foundingEpoch } from '../../../src/chain/epoch.ts'
import { nodeIdOf } from '../../../src/chain/genesis.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { RoundTree, SectionTree, slotHash } from '../../../src/chain/quiet-box.ts'
import { type SealedContent, sealedLeaf } from '../../../src/chain/sealed-bid.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import {
  type Bid,
  BoxWorld,
  bidOf,
  changed,
  closing,
  deadline,
  digestOf,
  due,
  hash,
  memberIds,
  minute,
  notice,
  openBox,
  opening,
  sectionAt,
  tender,
  withdrawalOf,
} from './box-world.ts'
import { keyOf, syntheticParty } from './founded-ledger.ts'
import { agency, base, bidders, named, stranger } from './tender-fixture.ts'

const codeOf = (world: BoxWorld, statement: Statement, member = 'guangzhou'): string =>
  world.ledger.submit(statement, { member })

/** Bids handed in at these members, in this order, and the box brought to its opening. */
function openedWith(handedIn: readonly (readonly [{ readonly leaf: string }, string])[]): BoxWorld {
  const world = new BoxWorld().eve()
  for (const [{ leaf }, member] of handedIn) world.box(member).receive(leaf)
  return world.toOpening()
}

const leafOf = (content: SealedContent): string => toHex(sealedLeaf(sectionAt(), content))
const left = (world: BoxWorld): number => world.tally.notRevealed

describe('a claim by receipt', () => {
  const bid = bidOf('claimed')
  /** Guangzhou gave a receipt and closes without the leaf. */
  const leftOut = () => {
    const world = new BoxWorld().eve()
    const receipt = world.guangzhou.receive(bid.leaf)
    world.guangzhou.held = []
    world.run(closing)
    return { world, receipt }
  }

  it('is taken from the end of grace until bids may be opened, to the millisecond, and no longer', () => {
    const { world, receipt } = leftOut()
    const { ledger } = world
    ledger.blockTime = closing - 1
    expect(codeOf(world, world.claim(receipt))).toBe('box.too-early')
    ledger.blockTime = closing
    expect(ledger.fork().submit(world.claim(receipt))).toBe('accepted')
    world.close()
    world.run(opening - 1)
    expect(ledger.fork().submit(world.claim(receipt))).toBe('accepted')
    ledger.blockTime = opening
    expect(codeOf(world, world.claim(receipt))).toBe('bid.claims-over')
    ledger.blockTime = due
    expect(codeOf(world, world.claim(receipt))).toBe('bid.claims-over')
  })

  it('is taken through any member, signed by any registered key, once', () => {
    const { world, receipt } = leftOut()
    const byBidder = world.ledger.statement('bid.claim@1', bidders[0]!, keyOf('tender bidder'), {
      tender,
      receipt: world.claim(receipt).payload.receipt as JsonObject,
    })
    expect(codeOf(world, byBidder, 'hangzhou')).toBe('accepted')
    expect(codeOf(world, world.claim(receipt))).toBe('bid.claimed-already')
    expect(world.tally).toMatchObject({ leaves: 1, notRevealed: 1 })
    expect(world.state).toBe('closed')
  })

  it('needs a receipt from before the deadline', () => {
    const { world } = leftOut()
    const { guangzhou } = world
    expect(codeOf(world, world.claim(guangzhou.receipt(bid.leaf, deadline + 1, 1)))).toBe('bid.too-late')
    expect(codeOf(world, world.claim(guangzhou.receipt(bid.leaf, Number.MAX_SAFE_INTEGER, 1)))).toBe('bid.too-late')
    expect(codeOf(world, world.claim(guangzhou.receipt(bid.leaf, deadline, 1)))).toBe('accepted')
  })

  it('needs the signature of that member’s node over exactly that', () => {
    const { world, receipt } = leftOut()
    for (const fields of [
      { leaf: digestOf('another') },
      { receivedAt: receipt.receivedAt - 1 },
      { round: receipt.round + 1 },
      { round: Number.MAX_SAFE_INTEGER },
      { epoch: 1 },
      { epoch: Number.MAX_SAFE_INTEGER },
      { member: 'wuhan' },
      { member: 'nobody' },
      { signature: '00'.repeat(64) },
      { signature: world.wuhan.receipt(bid.leaf, receipt.receivedAt, receipt.round).signature },
    ]) {
      expect(codeOf(world, world.claim(receipt, fields)), JSON.stringify(fields)).toBe('bid.receipt-forged')
    }
    expect(codeOf(world, world.claim(receipt, { signature: '00' }))).toBe('schema.violation')
  })

  it('holds when the node has been replaced since: under the key that it had in the epoch of the receipt', () => {
    const { world, receipt } = leftOut()
    const { ledger } = world
    const founded = foundingEpoch(ledger.genesis)
    const node = {
      ...ledger.member('guangzhou').node,
      id: nodeIdOf(keyOf('new seal').tagged),
      seal: keyOf('new seal').kid,
    }
    const members = ledger.genesis.members.map((member) => (member.id === 'guangzhou' ? { ...member, node } : member))
    ledger.state.set(epochRow(1), epochToCbor(epochAfter(founded, members, founded.start)))
    const underOldKey = world.guangzhou.receipt(bid.leaf, receipt.receivedAt, 1, 1)
    expect(codeOf(world, world.claim(underOldKey))).toBe('bid.receipt-forged')
    expect(codeOf(world, world.claim(receipt))).toBe('accepted')
  })

  it('opens the bid without a path, and names the member', () => {
    const { world, receipt } = leftOut()
    world.ledger.take(world.claim(receipt))
    world.close()
    world.run(opening)
    const place = { member: 'guangzhou', receivedAt: receipt.receivedAt }
    expect(codeOf(world, world.reveal(bid, { place: { ...place, receivedAt: 1 } }))).toBe('bid.not-in-the-box')
    expect(codeOf(world, world.reveal(bid, { place: { ...place, member: 'wuhan' } }))).toBe('bid.not-in-the-box')
    expect(world.found(world.reveal(bid, { place }))).toEqual(['bid.by-receipt'])
    expect(world.tally).toMatchObject({ leaves: 1, bids: 1, notRevealed: 0 })
  })

  it('of a leaf that is in the close after all is one leaf: by path at once, or by claim first and by path later', () => {
    for (const isByClaimFirst of [false, true]) {
      const world = new BoxWorld().eve()
      const receipt = world.guangzhou.receive(bid.leaf)
      world.run(closing)
      world.ledger.take(world.claim(receipt))
      world.close()
      world.run(opening)
      expect(world.tally.leaves).toBe(2)
      const byClaim = world.reveal(bid, { place: { member: 'guangzhou', receivedAt: receipt.receivedAt } })
      const byPath = world.reveal(bid)
      if (isByClaimFirst) {
        expect(codeOf(world, byClaim)).toBe('accepted')
        expect(world.tally).toMatchObject({ leaves: 2, bids: 1, notRevealed: 1 })
      }
      expect(world.found(byPath)).toEqual([])
      expect(world.tally).toMatchObject({ leaves: 1, bids: 1, notRevealed: 0 })
      expect(codeOf(world, byClaim)).toBe('bid.revealed-already')
      expect(codeOf(world, byPath)).toBe('bid.revealed-already')
    }
  })

  it('half a path is neither path nor claim', () => {
    const { world, receipt } = leftOut()
    world.ledger.take(world.claim(receipt))
    world.close()
    world.run(opening)
    const place = { member: 'guangzhou', receivedAt: receipt.receivedAt }
    for (const half of [{ path: [] }, { index: 0 }]) {
      expect(codeOf(world, world.reveal(bid, { place: { ...place, ...half } }))).toBe('bid.not-in-the-box')
    }
    expect(world.tally).toMatchObject({ leaves: 1, notRevealed: 1 })
  })
})

describe('a reveal', () => {
  const [a, b] = [bidOf('a'), bidOf('b', { bidders: [bidders[1]!] })]

  it('waits until bids may be opened, and says that it was decrypted no earlier', () => {
    const world = new BoxWorld().eve()
    world.guangzhou.receive(a.leaf)
    world.run(closing)
    world.close()
    world.run(opening - 1)
    expect(codeOf(world, world.reveal(a, { decryptedAt: formatTime(opening) }))).toBe('bid.not-open-yet')
    expect(codeOf(world, world.opened())).toBe('bid.not-open-yet')
    world.ledger.blockTime = opening
    expect(codeOf(world, world.reveal(a, { decryptedAt: formatTime(opening - 1) }))).toBe('bid.not-open-yet')
    expect(codeOf(world, world.reveal(a))).toBe('accepted')
  })

  it('waits for the opening time of the notice when that is later', () => {
    const late = formatTime(opening + 60 * minute)
    const world = new BoxWorld()
    world.ledger.take(
      world.ledger.statement('tender.amend@1', agency, keyOf('tender agency'), {
        tender,
        document: hash('0b'),
        publishedAt: formatTime(world.ledger.blockTime),
        openingTime: late,
      }),
    )
    world.eve()
    world.guangzhou.receive(a.leaf)
    world.toOpening()
    expect(codeOf(world, world.reveal(a))).toBe('bid.not-open-yet')
    // Nobody has seen a price yet, so receipts are still taken.
    expect(codeOf(world, world.claim(world.wuhan.receipt(b.leaf, deadline, 1)))).toBe('accepted')
    world.run(opening + 60 * minute)
    expect(codeOf(world, world.reveal(a))).toBe('accepted')
  })

  it('shows what the leaf is made of: not another bidder, price, file, key or nonce', () => {
    const world = openedWith([[a, 'guangzhou']])
    const place = world.anyPlace(a.leaf)
    const terms = a.fields.terms as JsonObject
    for (const fields of [
      { bidders: [named(bidders[1]!)] },
      { bidders: [named(bidders[0]!), named(bidders[1]!)] },
      { terms: { ...terms, price: { form: 'amount', amount: '1', unit: '1', currency: 'CNY' } } },
      { terms: { ...terms, salt: digestOf('another') } },
      { terms: { ...terms, duration: '360 天' } },
      { ciphertext: digestOf('another') },
      { oneTimeKey: keyOf('another').kid },
      { nonce: digestOf('another') },
    ]) {
      expect(codeOf(world, world.reveal(a, { ...fields, place })), JSON.stringify(fields)).toBe('bid.not-in-the-box')
    }
    expect(codeOf(world, world.reveal(b, { place }))).toBe('bid.not-in-the-box')
    expect(left(world)).toBe(1)
  })

  it('shows where the leaf stands: not another member, time, index or path', () => {
    const world = openedWith([
      [a, 'guangzhou'],
      [b, 'guangzhou'],
    ])
    const place = world.anyPlace(a.leaf)
    const huge = Array.from({ length: 64 }, () => digestOf('x'))
    for (const wrong of [
      { member: 'wuhan' },
      { receivedAt: 1 },
      { index: 5 },
      { index: Number.MAX_SAFE_INTEGER },
      { path: [] },
      { path: huge },
    ]) {
      const statement = world.reveal(a, { place: { ...place, ...wrong } })
      expect(codeOf(world, statement), JSON.stringify(wrong).slice(0, 30)).toBe('bid.not-in-the-box')
    }
    expect(codeOf(world, world.reveal(a, { place: { ...place, path: [...huge, digestOf('x')] } }))).toBe(
      'schema.violation',
    )
    const { index: _, path: __, ...noPath } = place
    expect(codeOf(world, world.reveal(a, { place: noPath }))).toBe('bid.not-in-the-box')
  })

  it('of a member that has not closed is none', () => {
    const world = new BoxWorld().eve()
    world.guangzhou.receive(a.leaf)
    world.run(closing)
    world.close(['wuhan'])
    world.run(opening)
    const place = world.guangzhou.place(a.leaf)
    expect(codeOf(world, world.reveal(a, { place }))).toBe('bid.not-in-the-box')
  })

  it('is once', () => {
    const world = openedWith([[a, 'guangzhou']])
    expect(codeOf(world, world.reveal(a))).toBe('accepted')
    expect(codeOf(world, world.reveal(a))).toBe('bid.revealed-already')
  })

  it('through whoever publishes, so that no centre can keep a bid closed by not submitting it', () => {
    const world = openedWith([[a, 'guangzhou']])
    const elsewhere = world.ledger.statement(
      'bid.reveal@1',
      world.ledger.member('hangzhou').party,
      keyOf('hangzhou centre'),
      { ...a.fields, tender, place: world.anyPlace(a.leaf), decryptedAt: formatTime(opening) },
    )
    expect(codeOf(world, elsewhere, 'hangzhou')).toBe('accepted')
  })

  it('of the same leaf in two members’ boxes is one bid, and named; each place is accounted for', () => {
    const world = openedWith([
      [a, 'guangzhou'],
      [a, 'wuhan'],
    ])
    expect(left(world)).toBe(2)
    expect(world.found(world.reveal(a, { place: world.place(a.leaf, 'wuhan') }))).toEqual([])
    expect(world.tally).toMatchObject({ leaves: 2, bids: 1, notRevealed: 1 })
    expect(world.found(world.reveal(a, { place: world.place(a.leaf, 'guangzhou') }))).toEqual(['bid.in-two-boxes'])
    expect(world.tally).toMatchObject({ leaves: 2, bids: 1, notRevealed: 0 })
  })

  it('of two bids of one bidder has both in, and names it; a consortium counts for each of its members', () => {
    const second = bidOf('second')
    const jointly = bidOf('jointly', { bidders: [bidders[2]!, bidders[1]!] })
    const world = openedWith([
      [a, 'guangzhou'],
      [second, 'wuhan'],
      [b, 'guangzhou'],
      [jointly, 'beijing'],
    ])
    expect(world.found(world.reveal(a))).toEqual([])
    expect(world.found(world.reveal(second))).toEqual(['bid.two-of-one-bidder'])
    expect(world.found(world.reveal(jointly))).toEqual([])
    expect(world.found(world.reveal(b))).toEqual(['bid.two-of-one-bidder'])
    expect(world.tally).toMatchObject({ bids: 4, notRevealed: 0 })
  })

  it('of a consortium that lists somebody twice does not name it for two bids', () => {
    const twice = bidOf('twice', { bidders: [bidders[0]!, bidders[0]!] })
    const world = openedWith([[twice, 'guangzhou']])
    expect(world.found(world.reveal(twice))).toEqual([])
  })

  it('names no natural person', () => {
    const person = `person:${digestOf('someone')}`
    const bid = bidOf('person', { bidders: [person] })
    const world = openedWith([[bid, 'guangzhou']])
    expect(codeOf(world, world.reveal(bid))).toBe('personal-data.refused')
    expect(codeOf(world, world.reveal(bid, { bidders: [{ party: person }] }))).toBe('accepted')
  })
})

describe('guarantees', () => {
  const issuer = syntheticParty('440100', 50)
  const guaranteed = (name: string, bidder: string, guarantee: JsonObject) =>
    bidOf(name, {
      bidders: [bidder],
      terms: { guarantee: { issuer, number: 'BH-1', kind: 'single', document: hash('01'), ...guarantee } },
    })

  it('secure one bidder: another’s use is named, with both documents', () => {
    const [one, two] = [guaranteed('one', bidders[0]!, {}), guaranteed('two', bidders[1]!, { document: hash('02') })]
    const world = openedWith([
      [one, 'guangzhou'],
      [two, 'wuhan'],
    ])
    world.ledger.take(world.reveal(one))
    const index = world.ledger.take(world.reveal(two))
    const [finding] = world.ledger.findings.get(index)!
    expect(finding).toEqual({
      code: 'bid.guarantee-used-twice',
      values: ['BH-1', String(index - 1), `sha256:${'01'.repeat(32)}`, `sha256:${'02'.repeat(32)}`],
    })
  })

  it('secure as much as their kind says, and of two kinds that were stated the narrower', () => {
    const use = { party: bidders[0]!, document: `sha256:${'01'.repeat(32)}` }
    const cases: [string, string, boolean][] = [
      ['single', 'single', true],
      ['single', 'annual', true],
      ['annual', 'single', true],
      ['multi-section', 'annual', false],
      ['annual', 'annual', false],
    ]
    for (const [first, second, isNamed] of cases) {
      const ledger = base.fork()
      ledger.take(notice(ledger, { sections: [{ code: 'B1' }] }))
      ledger.take(openBox(ledger, { section: 'B1' }))
      ledger.take(openBox(ledger))
      const inB1 = bidOf(`${first} in B1`, {
        bidders: [use.party],
        at: sectionAt('B1'),
        terms: { guarantee: { issuer, number: 'BH-1', kind: first, document: hash('01') } },
      })
      const inWhole = guaranteed(`${second} in all`, use.party, { kind: second })
      const world = new BoxWorld(ledger)
      const { guangzhou } = world
      ledger.blockTime = deadline - minute
      const at = ledger.blockTime
      const trees = [inB1, inWhole].map(({ leaf }) => new SectionTree([{ leaf, receivedAt: at }]))
      const slots = trees.map(({ root }, number) => ({
        ...guangzhou.slot(1),
        count: 1,
        root,
        at: sectionAt(number === 0 ? 'B1' : ''),
      }))
      const round = new RoundTree(slots.map(slotHash))
      ledger.take(guangzhou.round({ slots: 2, root: round.root }))
      world.run(closing, ['wuhan'])
      const sections = [{ section: 'B1' }, {}]
      slots.forEach(({ root, count, salt }, number) => {
        const path = [...round.path(number)]
        ledger.take(guangzhou.close({ round: 1, root, count, salt, path, ...sections[number] }))
      })
      world.run(opening, ['wuhan'])
      const place = { member: 'guangzhou', receivedAt: at, index: 0, path: [] }
      expect(world.found(world.reveal(inB1, { place, section: 'B1' }))).toEqual([])
      const codes = isNamed ? ['bid.guarantee-used-twice'] : []
      expect(world.found(world.reveal(inWhole, { place })), `${first}, ${second}`).toEqual(codes)
    }
  })

  it('secure the bid that replaces one as well, and not under another document', () => {
    const first = guaranteed('first', bidders[0]!, {})
    const same = bidOf('same', {
      bidders: [bidders[0]!],
      terms: { ...(first.fields.terms as JsonObject) },
      before: first,
    })
    const world = openedWith([
      [first, 'guangzhou'],
      [same, 'guangzhou'],
    ])
    expect(world.found(world.reveal(first))).toEqual([])
    expect(world.found(world.reveal(same))).toEqual([])
    const other = guaranteed('other', bidders[0]!, { document: hash('02') })
    const again = openedWith([
      [first, 'guangzhou'],
      [other, 'guangzhou'],
    ])
    expect(again.found(again.reveal(first))).toEqual([])
    expect(again.found(again.reveal(other))).toEqual(['bid.two-of-one-bidder', 'bid.guarantee-used-twice'])
  })
})

describe('what replaces and withdraws', () => {
  const a = bidOf('a')
  const b = bidOf('b', { before: a })
  const c = bidOf('c', { before: b })

  it('revealed in any order gives the same count: A, B, C and D, each in place of the one before', () => {
    const d = bidOf('d', { before: c })
    const chain = [a, b, c, d]
    const orders = permutations(chain)
    expect(orders).toHaveLength(24)
    const ready = openedWith([
      [a, 'guangzhou'],
      [b, 'wuhan'],
      [c, 'guangzhou'],
      [d, 'hangzhou'],
    ])
    for (const order of orders) {
      const world = copyOf(ready)
      for (const bid of order) expect(['accepted', 'bid.revealed-already']).toContain(codeOf(world, world.reveal(bid)))
      expect(world.tally, order.map(({ leaf }) => leaf.slice(0, 4)).join()).toEqual({
        leaves: 4,
        bids: 1,
        replaced: 3,
        withdrawn: 0,
        notRevealed: 0,
      })
    }
  })

  it('covers the ones before: only the last is shown, and who bid what before stays hidden', () => {
    const world = openedWith([
      [a, 'guangzhou'],
      [b, 'wuhan'],
      [c, 'guangzhou'],
    ])
    const index = world.ledger.take(world.reveal(c))
    expect(world.tally).toEqual({ leaves: 3, bids: 1, replaced: 2, withdrawn: 0, notRevealed: 0 })
    expect(world.ledger.findings.get(index)).toEqual([])
    expect(codeOf(world, world.reveal(a))).toBe('bid.revealed-already')
    expect(codeOf(world, world.reveal(b))).toBe('bid.revealed-already')
  })

  it('goes down to the first bid: with one left out it is refused', () => {
    const world = openedWith([
      [a, 'guangzhou'],
      [b, 'wuhan'],
      [c, 'guangzhou'],
    ])
    const [ofB, ofA] = world.chain(b)
    for (const replaced of [[ofB!], [ofA!], [ofA!, ofB!], [ofB!, ofA!, ofA!]]) {
      expect(codeOf(world, world.reveal(c, { replaced }))).toBe('bid.change-forged')
    }
    const { replaced: _, ...bare } = world.reveal(c).payload
    expect(codeOf(world, world.says('bid.reveal', { ...bare }))).toBe('bid.change-forged')
    expect(codeOf(world, world.reveal(a, { replaced: [ofA!] }))).toBe('bid.change-forged')
  })

  it('is the word of the one-time key of the bid before, and of no other', () => {
    const other = bidOf('other', { bidders: [bidders[1]!] })
    const content = changed(bidOf('forger').content, other, sectionAt(), keyOf('forger'))
    const forged: Bid = {
      ...bidOf('forger'),
      content,
      leaf: bidOf('forger').leaf,
      fields: { ...bidOf('forger').fields, changes: content.changes as unknown as JsonObject },
      before: other,
    }
    const world = openedWith([
      [other, 'guangzhou'],
      [{ leaf: leafOf(content) }, 'wuhan'],
    ])
    const place = world.anyPlace(leafOf(content))
    expect(codeOf(world, world.reveal(forged, { place }))).toBe('bid.change-forged')
    expect(codeOf(world, world.reveal(other))).toBe('accepted')
    expect(world.tally).toMatchObject({ bids: 1, notRevealed: 1 })
  })

  it('a withdrawal withdraws: with the bid shown before, shown after, or never', () => {
    const gone = withdrawalOf(b)
    for (const order of ['before', 'after', 'never']) {
      const world = openedWith([
        [a, 'guangzhou'],
        [b, 'wuhan'],
        [gone, 'guangzhou'],
      ])
      if (order === 'before') world.ledger.take(world.reveal(b))
      expect(codeOf(world, world.withdraw(gone))).toBe('accepted')
      expect(codeOf(world, world.withdraw(gone))).toBe('bid.revealed-already')
      if (order === 'after') expect(codeOf(world, world.reveal(b))).toBe('bid.revealed-already')
      expect(world.tally).toEqual({ leaves: 3, bids: 0, replaced: 1, withdrawn: 1, notRevealed: 0 })
    }
  })

  it('a withdrawal is the word of the bid’s own key', () => {
    const bare = withdrawalOf(a).content
    const content = changed({ ...bare }, a, sectionAt(), keyOf('forger'))
    const forged = { content, leaf: leafOf(content), before: a }
    const world = openedWith([
      [a, 'guangzhou'],
      [forged, 'guangzhou'],
    ])
    expect(codeOf(world, world.withdraw(forged))).toBe('bid.change-forged')
  })

  it('a bid that two others claim to replace is one replaced, and named', () => {
    const other = bidOf('other', { before: a })
    const world = openedWith([
      [a, 'guangzhou'],
      [b, 'guangzhou'],
      [other, 'wuhan'],
    ])
    expect(world.found(world.reveal(b))).toEqual([])
    expect(world.found(world.reveal(other))).toEqual(['bid.changed-twice', 'bid.two-of-one-bidder'])
    expect(world.tally).toMatchObject({ leaves: 3, bids: 2, replaced: 1, notRevealed: 0 })
  })

  it('handed in through two members, bid and withdrawal alike, leaves nothing unaccounted', () => {
    const gone = withdrawalOf(a)
    const world = openedWith([
      [a, 'guangzhou'],
      [a, 'wuhan'],
      [gone, 'guangzhou'],
      [gone, 'wuhan'],
    ])
    const at = (member: string): Statement => {
      const [covered] = world.chain(a, false)
      const withdrawn = [{ ...covered!, place: world.place(a.leaf, member) }]
      return world.withdraw(gone, { place: world.place(gone.leaf, member), withdrawn })
    }
    expect(world.found(at('guangzhou'))).toEqual([])
    expect(world.tally).toMatchObject({ leaves: 4, withdrawn: 1, notRevealed: 2 })
    expect(world.found(at('wuhan'))).toEqual(['bid.in-two-boxes'])
    expect(world.tally).toEqual({ leaves: 4, bids: 0, replaced: 0, withdrawn: 1, notRevealed: 0 })
  })

  it('of a bid that stands nowhere is in all the same: the bid in the box counts, and the other is named', () => {
    const world = openedWith([[b, 'wuhan']])
    const replaced = world.chain(a, false)
    expect(world.found(world.reveal(b, { replaced }))).toEqual(['bid.nowhere'])
    expect(world.tally).toEqual({ leaves: 1, bids: 1, replaced: 0, withdrawn: 0, notRevealed: 0 })
    const wrong = [{ ...replaced[0]!, place: world.anyPlace(b.leaf) }]
    const again = openedWith([[b, 'wuhan']])
    expect(codeOf(again, again.reveal(b, { replaced: wrong }))).toBe('bid.not-in-the-box')
  })

  it('a place of it that comes to light later is accounted for as what it is: replaced', () => {
    const world = openedWith([
      [a, 'guangzhou'],
      [b, 'wuhan'],
    ])
    expect(world.found(world.reveal(b, { replaced: world.chain(a, false) }))).toEqual(['bid.nowhere'])
    expect(world.tally).toMatchObject({ bids: 1, replaced: 0, notRevealed: 1 })
    expect(world.found(world.reveal(a))).toEqual([])
    expect(world.tally).toEqual({ leaves: 2, bids: 1, replaced: 1, withdrawn: 0, notRevealed: 0 })
  })

  it(`goes up to ${replacedMax} bids before, with a path for each, and fits an entry`, () => {
    let last = a
    const handedIn: [Bid, string][] = [[a, 'guangzhou']]
    for (let at = 0; at < replacedMax + 1; at++) {
      last = bidOf(`long ${at}`, { before: last })
      handedIn.push([last, 'guangzhou'])
    }
    const world = openedWith(handedIn)
    expect(codeOf(world, world.reveal(last))).toBe('schema.violation')
    const statement = world.reveal(last.before!)
    expect(statement.jws.length).toBeLessThan(65_535 - 200)
    expect(codeOf(world, statement)).toBe('accepted')
  })
})

describe('the end of an opening', () => {
  const a = bidOf('a')

  it('states the ledger’s own numbers', () => {
    const world = openedWith([[a, 'guangzhou']])
    world.ledger.take(world.reveal(a))
    for (const name of ['leaves', 'bids', 'replaced', 'withdrawn', 'notRevealed'] as const) {
      const wrong = { [name]: world.tally[name] + 1 }
      expect(codeOf(world, world.opened(wrong)), name).toBe('bid.count-differs')
      expect(codeOf(world, world.opened({ [name]: Number.MAX_SAFE_INTEGER }))).toBe('bid.count-differs')
    }
    expect(world.found(world.opened())).toEqual(['bid.too-few'])
    expect(world.state).toBe('opened')
  })

  it('comes at once when all is revealed, and otherwise not before the time to reveal is over', () => {
    const world = openedWith([
      [a, 'guangzhou'],
      [bidOf('b'), 'wuhan'],
    ])
    world.ledger.take(world.reveal(a))
    world.run(due - 1)
    expect(codeOf(world, world.opened())).toBe('bid.reveals-due')
    world.ledger.blockTime = due
    expect(world.found(world.opened())).toEqual(['bid.not-revealed', 'bid.too-few'])
    expect(codeOf(world, world.reveal(bidOf('b')))).toBe('box.wrong-state')
  })

  it('waits for a member that may still close', () => {
    const world = new BoxWorld().eve()
    world.wuhan.receive(a.leaf)
    world.run(closing)
    world.close(['guangzhou', 'beijing', 'hangzhou'])
    const last = world.wuhan.newest
    world.run(opening)
    expect(left(world)).toBe(0)
    expect(codeOf(world, world.opened())).toBe('bid.reveals-due')
    world.closedOn.set('wuhan', last)
    world.ledger.take(world.wuhan.close({}, last), { member: 'wuhan' })
    expect(codeOf(world, world.opened())).toBe('bid.reveals-due')
    world.ledger.take(world.reveal(a))
    expect(codeOf(world, world.opened())).toBe('accepted')
  })

  it('does not wait for a member that committed to nothing in time, and names every one that did not close', () => {
    const world = new BoxWorld()
    world.ledger.blockTime = deadline - 5 * minute
    const three = memberIds.filter((id) => id !== 'wuhan')
    world.rounds(three)
    world.run(closing, three)
    world.close(three)
    world.run(opening, three)
    const index = world.ledger.take(world.opened())
    expect(world.ledger.findings.get(index)).toContainEqual({ code: 'bid.box-not-closed', values: ['wuhan'] })
  })

  it('is for whoever speaks for the tender', () => {
    const world = openedWith([])
    const tally = world.tally as unknown as JsonObject
    const byStranger = world.ledger.statement('bid.opened@1', stranger, keyOf('tender stranger'), { tender, ...tally })
    expect(codeOf(world, byStranger)).toBe('tender.not-entitled')
    const byWuhan = world.ledger.statement('bid.opened@1', world.ledger.member('wuhan').party, keyOf('wuhan centre'), {
      tender,
      ...tally,
    })
    expect(codeOf(world, byWuhan, 'wuhan')).toBe('tender.not-entitled')
    expect(codeOf(world, world.opened())).toBe('accepted')
  })
})

describe('the count', () => {
  it('property: whatever is handed in where, claimed, shown and left, it is never below nothing, and what is left is what nobody showed', () => {
    const names = ['a', 'b', 'c', 'w']
    const a = bidOf('a')
    const b = bidOf('b', { before: a })
    const c = bidOf('c', { before: b })
    const w = withdrawalOf(c)
    const leaves: Record<string, { readonly leaf: string }> = { a, b, c, w }
    const handed = fc.subarray(names.flatMap((name) => ['guangzhou', 'wuhan'].map((member) => `${name} ${member}`)))
    const some = fc.shuffledSubarray(
      names.flatMap((name) => ['guangzhou', 'wuhan'].flatMap((m) => [`${name} ${m} path`, `${name} ${m} claim`])),
    )
    const claimable = fc.subarray(names.flatMap((name) => ['guangzhou', 'wuhan'].map((member) => `${name} ${member}`)))
    fc.assert(
      fc.property(handed, claimable, some, fc.boolean(), (inBoxes, claimed, shown, isPlaced) => {
        const world = new BoxWorld().eve()
        const at = world.ledger.blockTime
        for (const each of inBoxes) {
          const [name, member] = each.split(' ')
          world.box(member!).receive(leaves[name!]!.leaf)
        }
        world.run(closing, ['guangzhou', 'wuhan'])
        world.close(['guangzhou', 'wuhan'])
        for (const each of claimed) {
          const [name, member] = each.split(' ')
          world.ledger.take(world.claim(world.box(member!).receipt(leaves[name!]!.leaf, at, 1)))
        }
        world.run(opening, ['guangzhou', 'wuhan'])
        const chainOf = (bid: Bid | undefined): readonly JsonObject[] => {
          const all: JsonObject[] = []
          for (let covered = bid; covered !== undefined; covered = covered.before) {
            const { kind: _, ...content } = covered.content
            const stands = inBoxes.find((each) =>
              each.startsWith(`${covered === a ? 'a' : covered === b ? 'b' : 'c'} `),
            )
            const place =
              stands === undefined || !isPlaced ? {} : { place: world.place(covered.leaf, stands.split(' ')[1]!) }
            all.push({ ...place, content: content as unknown as JsonObject })
          }
          return all
        }
        for (const each of shown) {
          const [name, member, by] = each.split(' ')
          const isThere = (by === 'path' ? inBoxes : claimed).includes(`${name} ${member}`)
          if (!isThere) continue
          const { leaf } = leaves[name!]!
          const place = by === 'path' ? world.place(leaf, member!) : { member: member!, receivedAt: at }
          const statement =
            name === 'w'
              ? world.withdraw(w, { place, withdrawn: chainOf(w.before) })
              : world.reveal(leaves[name!] as Bid, {
                  place,
                  ...((leaves[name!] as Bid).before === undefined
                    ? {}
                    : { replaced: chainOf((leaves[name!] as Bid).before) }),
                })
          expect(['accepted', 'bid.revealed-already']).toContain(world.ledger.submit(statement))
          const { leaves: all, bids, replaced, withdrawn, notRevealed } = world.tally
          expect(notRevealed).toBeGreaterThanOrEqual(0)
          expect(bids + replaced + withdrawn + notRevealed).toBeLessThanOrEqual(all)
        }
        // When every place was shown, nothing is left, and of the chain at most one is live.
        const isAll = [...inBoxes.map((each) => `${each} path`), ...claimed.map((each) => `${each} claim`)].every(
          (each) => shown.includes(each),
        )
        if (isAll) expect(left(world)).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})

function permutations<T>(of: readonly T[]): readonly (readonly T[])[] {
  if (of.length < 2) return [of]
  return of.flatMap((first, at) => permutations(of.toSpliced(at, 1)).map((rest) => [first, ...rest]))
}

function copyOf(world: BoxWorld): BoxWorld {
  const copy = new BoxWorld(world.ledger.fork())
  for (const [id, box] of world.boxes) copy.box(id).held = [...box.held]
  for (const [id, round] of world.closedOn) copy.closedOn.set(id, round)
  return copy
}
