/**
 * `receipt check`: four questions to the receipt of a sealed bid — when was it received and by whose signature; was it changed; is it in the
 * close; when and by whom was it opened. From the files given; with `--url` also from what members serve, of which nothing counts before
 * its proof was checked. Where a close lacks the leaf, the fault proof that convicts its key is written.
 */
import type { Client } from '../../api/client/client.ts'
import { ProblemError } from '../../api/client/client.ts'
import { type BidFile, type KeptBidReceipt, parseBidFile, parseBidReceipt } from '../../chain/bid-file.ts'
import { bidPaperKind, type JudgedBid, judgeBidPapers } from '../../chain/bid-papers.ts'
import { utf8 } from '../../chain/bytes.ts'
import { rowName } from '../../chain/catalogue/register.ts'
import { formatFault } from '../../chain/fault.ts'
import { Refusal } from '../../chain/refusal.ts'
import { visibleLine } from '../../chain/visible.ts'
import { fileDigest } from './bid-cipher.ts'
import { clientFor } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes, writeWhole } from './files.ts'
import { both } from './language.ts'
import { epochProofsOf } from './members.ts'
import { columns, type Terminal } from './terminal.ts'

export interface ReceiptCheckOptions {
  readonly files: readonly string[]
  readonly url?: readonly string[]
  /** Where a fault proof is written to. */
  readonly fault?: string
}

/** Exit code 0 when nothing speaks against the bid, 1 when something does, 4 when papers are missing to say so. */
export async function receiptCheck(options: ReceiptCheckOptions, terminal: Terminal): Promise<ExitCode> {
  const papers: Uint8Array[] = []
  const large: string[] = []
  for (const path of options.files) {
    try {
      papers.push(readBytes(path))
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'file.too-large') throw error
      large.push(fileDigest(path))
    }
  }
  for (const url of options.url ?? []) papers.push(...(await served(clientFor(url, terminal.language), papers)))
  if (!papers.some((bytes) => bidPaperKind(bytes) === 'genesis')) {
    throw new CommandFailure('usage.wrong', 'receipt check: the genesis among the files, or --url', exitCode.unusable)
  }
  const judged = judgeBidPapers(papers, large)
  const faultFile = judged.fault === undefined ? undefined : (options.fault ?? `${options.files[0]!}.fault.json`)
  if (faultFile !== undefined) writeWhole(faultFile, formatFault(judged.fault!), { replace: true })
  say(judged, faultFile, terminal)
  const { answers, founded, receipt } = judged
  const isBad = answers.some(({ state }) => state === 'bad')
  const isOpen = answers.some(({ state }) => state === 'open')
  terminal.json({
    ok: !isBad && !isOpen,
    leaf: receipt.leaf,
    ledger: receipt.ledger,
    fingerprint: founded.fingerprint,
    member: receipt.member,
    answers: answers.map(({ question, state, title, detail }) => ({
      question,
      state,
      title: terminal.text(title),
      detail: terminal.text(detail),
    })),
    fault: faultFile ?? null,
  })
  return isBad ? exitCode.refused : isOpen ? exitCode.pending : exitCode.done
}

// ── what members serve ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Papers as files: what is proven by them is judged where the others are. */
async function served(client: Client, given: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const of = (kind: string): Uint8Array | undefined => given.find((bytes) => bidPaperKind(bytes) === kind)
  const receiptFile = of('receipt')
  if (receiptFile === undefined) return []
  const receipt = parseBidReceipt(receiptFile)
  const bidFile = of('bid')
  const bid = bidFile === undefined ? undefined : parseBidFile(bidFile)
  const papers: Uint8Array[] = of('genesis') === undefined ? [await client.genesis()] : []
  if (of('epoch') === undefined) papers.push(...(await epochProofsOf(client)))
  const { owner, scheme, code } = receipt.tender
  const subject = rowName('box', owner, scheme, code, receipt.section)
  const wanted: readonly Parameters<Client['list']>[0][] = [
    { subject, type: 'box.close@1', member: receipt.member },
    ...openingsOf(bid).map((filter) => ({ subject, ...filter })),
  ]
  for (const filter of wanted) {
    for await (const { index, status } of client.list(filter)) {
      if (status !== 'attested') continue
      papers.push(utf8(await client.proofFile(index)), await client.entry(index))
    }
  }
  return [...papers, ...(await shownBox(client, receipt))]
}

/** Its bidder's reveals, and all withdrawals: few, however large the opening. */
function openingsOf(bid: BidFile | undefined) {
  const [leader] = bid?.bidders ?? []
  const reveals = leader === undefined ? [] : [{ type: 'bid.reveal@1', party: leader.party }]
  return [...reveals, { type: 'bid.withdrawal@1' }]
}

/** From the member that gave the receipt, once it has closed: where the leaf stands, or the whole list when it does not. */
async function shownBox(client: Client, receipt: KeptBidReceipt): Promise<readonly Uint8Array[]> {
  const asked = async <T extends { readonly member: string }>(call: Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await call
      return answer.member === receipt.member ? answer : undefined
    } catch (error) {
      if (error instanceof ProblemError && error.problem.status < 500) return undefined
      throw error
    }
  }
  const place = await asked(client.boxLeaf(receipt, receipt.leaf))
  const shown = place ?? (await asked(client.boxLeaves(receipt)))
  return shown === undefined ? [] : [utf8(JSON.stringify(shown))]
}

// ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const marks = { good: '✓', bad: '✗', open: '…' } as const

function say({ answers, founded, receipt, unproven }: JudgedBid, fault: string | undefined, terminal: Terminal): void {
  const t = (zh: string, en: string): string => terminal.text(both(zh, en))
  for (const { state, title, detail } of answers) {
    terminal.say(`${marks[state]} ${terminal.text(title)}${t('？', '?')}\n    ${visibleLine(terminal.text(detail))}`)
  }
  terminal.say(
    columns([
      [t('叶', 'Leaf'), receipt.leaf],
      [t('账本指纹', 'Ledger'), `${founded.fingerprint}  ${t('（请与章程核对）', '(compare it with the charter)')}`],
      ...(fault === undefined ? [] : [[t('矛盾签名', 'Fault proof'), fault] as [string, string]]),
    ]),
  )
  if (unproven > 0) {
    terminal.remark(
      both(
        `有 ${unproven} 份证明或条目不成立，或没有相对应的另一份，未予采信`,
        `${unproven} proofs or entries do not stand up, or lack the other one, and were not used`,
      ),
    )
  }
}
