/** Answers about quiet boxes as JSON. What bidders and programs compute with — leaves, times, places — is as records have it, not dressed up. */
import type { AsOfAnswer } from './answers.ts'
import type { BoxCloseView, BoxTallyView, TenderName } from './service.ts'
import type { InstanceAnswer } from './trade-answers.ts'

/** The receipt file (回执) that a bidder keeps. */
export interface BidReceiptAnswer {
  readonly bidReceipt: {
    readonly ledger: string
    readonly epoch: number
    readonly member: string
    readonly node: string
    readonly tender: TenderName
    readonly section: string
    readonly leaf: string
    /** Milliseconds since 1970. */
    readonly receivedAt: number
    readonly round: number
    /** Hex; the node's seal key over the bytes in docs/protocol.md. */
    readonly signature: string
  }
}

export interface BoxAnswer {
  readonly subject: string
  readonly instance: InstanceAnswer
  readonly closes: readonly BoxCloseView[]
  /** Null before the first close. */
  readonly tally: BoxTallyView | null
  readonly asOf: AsOfAnswer
}

export interface BoxListAnswer {
  readonly member: string
  readonly tender: TenderName
  readonly section: string
  readonly leaves: readonly { readonly leaf: string; readonly receivedAt: number }[]
}

/** `place` of a bid.reveal. */
export interface PlaceAnswer {
  readonly member: string
  readonly receivedAt: number
  readonly index: number
  readonly path: readonly string[]
}
