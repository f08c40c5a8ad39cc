/**
 * Claims by receipt: whoever holds a member's receipt, and finds that the member has not closed or shows no path, brings it — between the close
 * and the hour from which bids are opened, so that nobody comes in late who has seen a price. A claimed leaf is opened like the others.
 */
import { fromHex } from '../bytes.ts'
import { epochNumbered, newestEpoch } from '../epoch.ts'
import { keyFromKid, verifySignature } from '../keys.ts'
import { type BidReceipt, bidReceiptMessage } from '../quiet-box.ts'
import { Refusal } from '../refusal.ts'
import { countField, digestField, sealedBiddingLaw as law } from './box-fields.ts'
import { type AboutBox, boxKey, boxLife, boxSubjects, closingOf, opensAt, spellTime } from './box-life.ts'
import { countClaim, refuseSecondClaim } from './sealed-count.ts'
import { memberField, milliseconds } from './sealed-fields.ts'
import type { RuleContext } from './statement-type.ts'
import { sectionField } from './tender-record.ts'
import { named, object, refuse, tenderField } from './values.ts'

interface BidClaim extends AboutBox {
  readonly receipt: {
    readonly member: string
    readonly epoch: number
    readonly leaf: string
    readonly receivedAt: number
    readonly round: number
    readonly signature: string
  }
}

export const bidClaim = boxLife.step<BidClaim>({
  name: 'bid.claim',
  version: 1,
  title: { zh: '凭回执主张', en: 'Claim by receipt' },
  law,
  schema: {
    properties: {
      tender: tenderField,
      section: sectionField,
      receipt: named(
        '投标回执',
        'Receipt of the bid',
        object(
          {
            member: memberField,
            epoch: countField('届', 'Epoch', Number.MAX_SAFE_INTEGER),
            leaf: digestField('叶', 'Leaf'),
            receivedAt: milliseconds('接收时间（毫秒）', 'Received at, milliseconds'),
            round: countField('轮次', 'Round', Number.MAX_SAFE_INTEGER),
            signature: named('节点签名', 'Signature of the node', { type: 'string', pattern: '^[0-9a-f]{128}$' }),
          },
          ['member', 'epoch', 'leaf', 'receivedAt', 'round', 'signature'],
        ),
      ),
    },
    required: ['tender', 'receipt'],
  },
  roles: 'any',
  key: boxKey,
  check(payload, context, before) {
    const { receipt } = payload
    const { deadline, closedAt } = before!.row.closedAt === null ? closingOf(payload, context) : before!.row
    if (context.blockTime < closedAt!) {
      throw new Refusal('box.too-early', `grace lasts until ${spellTime(closedAt!)}, in attested time`)
    }
    // To the moment: from then on bidders hand over their keys, and whoever holds those knows prices before the first stands here.
    const end = opensAt(payload, context)
    if (context.blockTime >= end) throw new Refusal('bid.claims-over', `claims ended at ${spellTime(end)}`)
    if (receipt.receivedAt > deadline!) {
      throw refuse('bid.too-late', '/receipt/receivedAt', '晚于投标截止时间', 'is after the deadline')
    }
    refuseForgedReceipt(payload, context)
    refuseSecondClaim(context.state, boxKey(payload), receipt.member, receipt.leaf)
  },
  next(payload, context, before) {
    const { member, leaf, receivedAt } = payload.receipt
    countClaim(context, boxKey(payload), member, leaf, receivedAt)
    return before!.row.closedAt === null ? closingOf(payload, context) : {}
  },
  subjects: ({ tender }) => boxSubjects(tender),
})

/** Under the key that the member's node had then: a node that lost its disk comes back with another, and its receipts hold all the same. */
function refuseForgedReceipt({ tender, section = '', receipt }: BidClaim, context: RuleContext): void {
  const { epoch, leaf, receivedAt, round, signature } = receipt
  const members = epochNumbered(newestEpoch(context.state, context.genesis), epoch)?.members ?? []
  const member = members.find(({ id }) => id === receipt.member)
  const key = member === undefined ? undefined : keyFromKid(member.node.seal)
  const body: BidReceipt = { tender, section, leaf, receivedAt, round, node: member?.node.id ?? '' }
  const message = bidReceiptMessage({ ledger: context.ledger, epoch }, body)
  if (key !== undefined && verifySignature(key, message, fromHex(signature)!)) return
  throw refuse('bid.receipt-forged', '/receipt/signature', '不是该成员节点的签名', 'is not by that member’s node')
}
