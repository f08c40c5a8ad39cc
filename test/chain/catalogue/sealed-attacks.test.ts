/**
 * Who tries what against sealed bids, what happens, and who is named for it. Below, in the same order: each act,
 * and what the ledger answers — a refusal's code, or the findings with which the record is in.
 *
 * | who | act | what happens | who is named |
 * |---|---|---|---|
 * | a bidder | copies another's leaf into its own door | one bid, of whoever it is; the copy is a second place of it | nobody |
 * | a bidder | shows another price than it sealed | does not lead to the leaf; refused | nobody |
 * | a bidder | shows another file than it sealed | does not lead to the leaf; refused | nobody |
 * | a bidder | replaces its bid after the deadline | the leaf is in no close; refused | nobody |
 * | a bidder | has a receipt of its accomplice dated back, after prices are known | claims are over by the hour; refused | nobody |
 * | a bidder | has a receipt dated back before prices are known | in, and shown as by receipt | the member that gave it |
 * | a bidder | replaces somebody else's bid | lacks the word of its key; refused | nobody |
 * | a bidder | withdraws somebody else's bid | lacks the word of its key; refused | nobody |
 * | a bidder | hands in twice through two members | both are in | the bidder |
 * | a bidder | hides a bid between two that it shows | refused: the chain goes down to the first | nobody |
 * | a bidder | secures two bids by one guarantee | both are in | both bids, with both documents |
 * | the hosting centre | takes a leaf out of its box before it closes | not as committed; refused. The bidder claims by receipt | the centre |
 * | the hosting centre | never commits to the leaf, and closes without it | in; receipt and close convict its key. The bidder claims by receipt | the centre |
 * | the hosting centre | puts a leaf in after the last round | not as committed; refused | nobody |
 * | the hosting centre | puts one leaf in another's stead | not as committed; refused | nobody |
 * | the hosting centre | dates a leaf back in its box | not as committed; refused | nobody |
 * | the hosting centre | closes before the deadline | too early; refused | nobody |
 * | the hosting centre | closes on an older round | not the last in time; refused | nobody |
 * | the hosting centre | prepares another content in another place of the round | that place is not the section's; refused | nobody |
 * | the hosting centre | says more leaves than there are | not as committed; refused | nobody |
 * | the hosting centre | does not close | its bidders claim by receipt | the centre |
 * | the hosting centre | closes another member's box | not its node's key; refused | nobody |
 * | the hosting centre | reveals a bid early | not open yet; refused | nobody |
 * | the hosting centre | withdraws a bid itself | lacks the word of its key; refused | nobody |
 * | the hosting centre | does not submit a reveal | any other centre does | nobody |
 * | the hosting centre | ends the opening with bids unopened | reveals are due; refused | nobody |
 * | the hosting centre | ends the opening before others have closed | reveals are due; refused | nobody |
 * | the hosting centre | states fewer leaves than there are | not what the ledger counts; refused | nobody |
 * | the hosting centre | opens a box with a moment for grace | too short; refused | nobody |
 * | anybody | forges a receipt | not signed by that node; refused | nobody |
 * | anybody | claims by a true receipt what is in the close, to have it counted twice | one leaf, once its path is shown | nobody |
 * | a stranger | ends the opening | does not speak for the tender; refused | nobody |
 */
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/chain/bytes.ts'
import { verifyFault } from '../../../src/chain/fault.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { bidReceiptMessage, RoundTree, SectionTree, slotHash, verifyAbsent } from '../../../src/chain/quiet-box.ts'
import type { SealedContent } from '../../../src/chain/sealed-bid.ts'
import { sealedLeaf } from '../../../src/chain/sealed-bid.ts'
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
  hash,
  minute,
  openBox,
  opening,
  sectionAt,
  withdrawalOf,
  withNotice,
} from './box-world.ts'
import { keyOf, syntheticParty } from './founded-ledger.ts'
import { bidders, stranger } from './tender-fixture.ts'

const victim = bidOf('victim', { bidders: [bidders[1]!] })
const own = bidOf('own')
const leafOf = (content: SealedContent): string => toHex(sealedLeaf(sectionAt(), content))

/** At the eve, with the victim's bid in Guangzhou's box. */
function eve(): BoxWorld {
  const world = new BoxWorld().eve()
  world.guangzhou.receive(victim.leaf)
  return world
}
function closable(): BoxWorld {
  const world = eve()
  world.run(closing)
  return world
}

/** The ledger's answer: the refusal, or what the rules flagged. */
function answer(world: BoxWorld, statement: Statement, member = 'guangzhou'): string {
  const code = world.ledger.submit(statement, { member })
  if (code !== 'accepted') return code
  const findings = world.ledger.findings.get(world.ledger.size - 1)!
  return ['in', ...findings.map((finding) => `${finding.code} ${finding.values[0]}`)].join(', ')
}

/** What the rows above say, in the same order. */
const acts: Record<string, Record<string, readonly [() => string, string]>> = {
  'a bidder': {
    'copies another’s leaf into its own door': [
      () => {
        const world = eve()
        world.wuhan.receive(victim.leaf)
        world.toOpening()
        world.ledger.take(world.reveal(victim))
        return answer(world, world.reveal(victim, { place: world.place(victim.leaf, 'wuhan') }))
      },
      `in, bid.in-two-boxes ${victim.leaf}`,
    ],
    'shows another price than it sealed': [
      () => {
        const world = eve().toOpening()
        const terms = victim.fields.terms as JsonObject
        const cheaper = { ...terms, price: { form: 'amount', amount: '1', unit: '1', currency: 'CNY' } }
        return answer(world, world.reveal(victim, { terms: cheaper }))
      },
      'bid.not-in-the-box',
    ],
    'shows another file than it sealed': [
      () => {
        const world = eve().toOpening()
        return answer(world, world.reveal(victim, { ciphertext: digestOf('another') }))
      },
      'bid.not-in-the-box',
    ],
    'replaces its bid after the deadline': [
      () => {
        const world = eve().toOpening()
        const cheaper = bidOf('cheaper', { before: victim, bidders: [bidders[1]!] })
        const place = world.anyPlace(victim.leaf)
        return answer(world, world.reveal(cheaper, { place }))
      },
      'bid.not-in-the-box',
    ],
    'has a receipt dated back, after prices are known': [
      () => {
        const world = eve().toOpening()
        return answer(world, world.claim(world.wuhan.receipt(own.leaf, deadline, world.wuhan.newest)))
      },
      'bid.claims-over',
    ],
    'has a receipt dated back, before prices are known': [
      () => {
        const world = closable()
        world.ledger.take(world.claim(world.wuhan.receipt(own.leaf, deadline, world.wuhan.newest)))
        world.close()
        world.run(opening)
        return answer(world, world.reveal(own, { place: { member: 'wuhan', receivedAt: deadline } }))
      },
      'in, bid.by-receipt wuhan',
    ],
    'replaces somebody else’s bid': [
      () => {
        const content = changed(own.content, victim, sectionAt(), own.oneTime)
        const fields = { ...own.fields, changes: content.changes as unknown as JsonObject }
        const forged: Bid = { ...own, content, fields, leaf: leafOf(content), before: victim }
        const world = eve()
        world.guangzhou.receive(forged.leaf)
        world.toOpening()
        return answer(world, world.reveal(forged))
      },
      'bid.change-forged',
    ],
    'withdraws somebody else’s bid': [
      () => {
        const content = changed(withdrawalOf(victim).content, victim, sectionAt(), own.oneTime)
        const forged = { content, leaf: leafOf(content), before: victim }
        const world = eve()
        world.wuhan.receive(forged.leaf)
        world.toOpening()
        return answer(world, world.withdraw(forged))
      },
      'bid.change-forged',
    ],
    'hands in twice through two members': [
      () => {
        const again = bidOf('again', { bidders: [bidders[1]!] })
        const world = eve()
        world.wuhan.receive(again.leaf)
        world.toOpening()
        world.ledger.take(world.reveal(victim))
        return answer(world, world.reveal(again))
      },
      `in, bid.two-of-one-bidder ${bidders[1]!}`,
    ],
    'hides a bid between two that it shows': [
      () => {
        const second = bidOf('second', { before: victim })
        const third = bidOf('third', { before: second })
        const world = eve()
        for (const { leaf } of [second, third]) world.guangzhou.receive(leaf)
        world.toOpening()
        return answer(world, world.reveal(third, { replaced: world.chain(second).slice(0, 1) }))
      },
      'bid.change-forged',
    ],
    'secures two bids by one guarantee': [
      () => {
        const issuer = syntheticParty('440100', 50)
        const [one, other] = ['01', '02'].map((digits, at) =>
          bidOf(`guaranteed ${at}`, {
            bidders: [bidders[at]!],
            terms: { guarantee: { issuer, number: 'BH-1', kind: 'single', document: hash(digits) } },
          }),
        )
        const world = new BoxWorld().eve()
        world.guangzhou.receive(one!.leaf)
        world.wuhan.receive(other!.leaf)
        world.toOpening()
        world.ledger.take(world.reveal(one!))
        return answer(world, world.reveal(other!))
      },
      'in, bid.guarantee-used-twice BH-1',
    ],
  },
  'the hosting centre': {
    'takes a leaf out of its box before it closes': [
      () => {
        const world = closable()
        world.guangzhou.held = []
        return answer(world, world.guangzhou.close())
      },
      'box.not-as-committed',
    ],
    'never commits to the leaf, and closes without it': [
      () => {
        const world = new BoxWorld().eve()
        const receipt = world.guangzhou.receive(victim.leaf)
        world.guangzhou.held = []
        world.run(closing)
        const close = world.guangzhou.close()
        world.ledger.take(close)
        // What anybody can put together from the receipt, the record and the list of leaves.
        const absence = new SectionTree([]).absence(victim.leaf)!
        verifyAbsent({ count: 0, root: new SectionTree([]).root }, victim.leaf, absence)
        const message = bidReceiptMessage({ ledger: world.ledger.genesis.ledger, epoch: 0 }, receipt)
        const { kid, kind } = verifyFault({
          kid: world.guangzhou.seal.kid,
          form: 'omission',
          receipt: { message, signature: fromHex(receipt.signature)! },
          close: close.jws,
          ...absence,
        })
        expect(kid).toBe(world.ledger.member('guangzhou').node.seal)
        world.ledger.take(world.claim(receipt))
        world.run(opening)
        const { receivedAt } = receipt
        return `${kind}; ${answer(world, world.reveal(victim, { place: { member: 'guangzhou', receivedAt } }))}`
      },
      'omitted-leaf; in, bid.by-receipt guangzhou',
    ],
    'puts a leaf in after the last round': [
      () => {
        const world = closable()
        const { newest, held } = world.guangzhou
        held.push({ leaf: own.leaf, receivedAt: deadline, round: newest })
        return answer(world, world.guangzhou.close())
      },
      'box.not-as-committed',
    ],
    'puts one leaf in another’s stead': [
      () => {
        const world = closable()
        world.guangzhou.held = world.guangzhou.held.map((held) => ({ ...held, leaf: own.leaf }))
        return answer(world, world.guangzhou.close())
      },
      'box.not-as-committed',
    ],
    'dates a leaf back in its box': [
      () => {
        const world = closable()
        world.guangzhou.held = world.guangzhou.held.map((held) => ({ ...held, receivedAt: held.receivedAt - minute }))
        return answer(world, world.guangzhou.close())
      },
      'box.not-as-committed',
    ],
    'closes before the deadline': [
      () => {
        const world = eve()
        world.run(deadline - minute)
        return answer(world, world.guangzhou.close())
      },
      'box.too-early',
    ],
    'closes on an older round': [
      () => {
        const world = closable()
        return answer(world, world.guangzhou.close({}, world.guangzhou.newest - 1))
      },
      'box.not-the-last-round',
    ],
    'prepares another content in another place of the round': [
      () => {
        const world = eve()
        world.run(closing - minute)
        world.ledger.blockTime = closing
        const round = world.guangzhou.newest + 1
        const full = world.guangzhou.slot(round)
        const empty = world.guangzhou.slot(round, new SectionTree([]))
        const tree = new RoundTree([slotHash(full), slotHash(empty)])
        // A second box, so that there is a second place.
        world.ledger.state.set('box-count', [1, 2])
        world.ledger.take(world.guangzhou.round({ slots: 2, root: tree.root }))
        const { count, root, salt } = empty
        return answer(world, world.guangzhou.close({ round, count, root, salt, path: [...tree.path(1)] }))
      },
      'box.not-as-committed',
    ],
    'says more leaves than there are': [
      () => {
        const world = closable()
        return answer(world, world.guangzhou.close({ count: 2 }))
      },
      'box.not-as-committed',
    ],
    'does not close': [
      () => {
        const world = eve()
        const receipt = world.guangzhou.receipt(victim.leaf, world.ledger.blockTime, 2)
        world.run(closing)
        world.close(['wuhan', 'beijing', 'hangzhou'])
        world.ledger.take(world.claim(receipt))
        world.run(opening)
        const place = { member: 'guangzhou', receivedAt: receipt.receivedAt }
        const shown = answer(world, world.reveal(victim, { place }))
        world.run(opening + 61 * minute)
        const [, ...named] = answer(world, world.opened()).split(', ')
        return [shown, named[0]].join('; ')
      },
      'in, bid.by-receipt guangzhou; bid.box-not-closed guangzhou',
    ],
    'closes another member’s box': [
      () => {
        const world = closable()
        return answer(world, world.wuhan.close(), 'guangzhou')
      },
      'key.not-of-the-node',
    ],
    'reveals a bid early': [
      () => {
        const world = closable()
        world.close()
        return answer(world, world.reveal(victim, { decryptedAt: formatTime(opening) }))
      },
      'bid.not-open-yet',
    ],
    'withdraws a bid itself': [
      () => {
        const world = eve()
        const content = changed(withdrawalOf(victim).content, victim, sectionAt(), keyOf('guangzhou seal'))
        const forged = { content, leaf: leafOf(content), before: victim }
        world.guangzhou.receive(forged.leaf)
        world.toOpening()
        return answer(world, world.withdraw(forged))
      },
      'bid.change-forged',
    ],
    'does not submit a reveal': [
      () => {
        const world = eve().toOpening()
        const { party } = world.ledger.member('hangzhou')
        const { ledger: _, type, party: __, key: ___, ...fields } = world.reveal(victim).payload
        const elsewhere = world.ledger.statement(String(type), party, keyOf('hangzhou centre'), fields)
        return answer(world, elsewhere, 'hangzhou')
      },
      'in',
    ],
    'ends the opening with bids unopened': [
      () => {
        const world = eve().toOpening()
        return answer(world, world.opened())
      },
      'bid.reveals-due',
    ],
    'ends the opening before others have closed': [
      () => {
        const world = new BoxWorld().eve()
        world.wuhan.receive(victim.leaf)
        world.toOpening(['guangzhou'])
        return answer(world, world.opened())
      },
      'bid.reveals-due',
    ],
    'states fewer leaves than there are': [
      () => {
        const world = eve().toOpening()
        return answer(world, world.opened({ leaves: 0, notRevealed: 0 }))
      },
      'bid.count-differs',
    ],
    'opens a box with a moment for grace': [
      () => withNotice.fork().submit(openBox(withNotice, { graceSeconds: 1 })),
      'box.too-short',
    ],
  },
  'anybody else': {
    'forges a receipt': [
      () => {
        const world = closable()
        const { receivedAt, round, signature } = world.guangzhou.receipt(victim.leaf, deadline, 2)
        return answer(world, world.claim({ ...world.wuhan.receipt(own.leaf, receivedAt, round), signature }))
      },
      'bid.receipt-forged',
    ],
    'claims what is in the close, to have it counted twice': [
      () => {
        const world = closable()
        const [held] = world.guangzhou.held
        world.ledger.take(world.claim(world.guangzhou.receipt(victim.leaf, held!.receivedAt, held!.round)))
        world.close()
        world.run(opening)
        return `${answer(world, world.reveal(victim))}; ${world.tally.leaves} leaf, ${world.tally.notRevealed} left`
      },
      'in; 1 leaf, 0 left',
    ],
    'ends the opening, a stranger': [
      () => {
        const world = eve().toOpening()
        const tally = world.tally as unknown as JsonObject
        return answer(world, world.says('bid.opened', { ...tally }, keyOf('tender stranger'), stranger))
      },
      'tender.not-entitled',
    ],
  },
}

for (const [who, theirs] of Object.entries(acts)) {
  describe(who, () => {
    for (const [act, [attempt, expected]] of Object.entries(theirs)) {
      it(`${act}: ${expected.replaceAll(/[0-9a-f]{64}/g, '…')}`, () => {
        expect(attempt()).toBe(expected)
      })
    }
  })
}
