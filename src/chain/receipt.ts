/**
 * A receipt (回执): a member's signed word that it received a statement, and by when the statement will be on the ledger (protocol.md,
 * rule 29). A receipt that is not kept can be shown to be broken; it is no proof of lying.
 */
import { fromHex } from './bytes.ts'
import { type SigningContext, sealMessage } from './certificate.ts'

export interface ReceiptBody {
  /** Statement id, hex. */
  readonly statement: string
  /** Node id of the receiver. */
  readonly node: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** Attested tree size when it was received. */
  readonly attestedSize: number
  /** In a block whose time is at most this, or refused by a record. Milliseconds since 1970. */
  readonly by: number
}

export function receiptMessage(context: SigningContext, receipt: ReceiptBody): Uint8Array {
  return sealMessage('RECEIPT', context, [
    1,
    fromHex(receipt.statement)!,
    receipt.node,
    receipt.receivedAt,
    receipt.attestedSize,
    receipt.by,
  ])
}
