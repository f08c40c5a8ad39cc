/**
 * What a bidder may ask of its receipt: when was the bid received, and whose word is that; was it changed; is it in the close; when and by
 * whom was it opened. Each answer is from the papers that were given — the bidder's own file, records that were proven to be on the ledger, the
 * list of a closed box — and says so plainly where a paper is missing. A close that lacks the leaf gives a fault proof.
 */

import type { BidFile, KeptBidReceipt } from './bid-file.ts'
import { type ClosedBox, closedBoxOf } from './box-fault.ts'
import type { Words } from './bundle.ts'
import { toHex } from './bytes.ts'
import { parseEntry } from './entry.ts'
import type { FaultProof } from './fault.ts'
import type { GenesisMember } from './founding.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { type BoxLeaf, bidReceiptMessage, type PlacedLeaf, SectionTree, verifyPlaced } from './quiet-box.ts'
import { Refusal } from './refusal.ts'
import { type RevealedBid, revealedContent, type SealedContent, sealedLeaf, withdrawalContent } from './sealed-bid.ts'
import { parseStatement, type Statement } from './statement.ts'
import { beijingTime, withBeijingTime } from './time.ts'
import { VerificationError } from './verification-error.ts'

export interface BidPapers {
  readonly receipt: KeptBidReceipt
  /** Whose signature it was found to carry. */
  readonly member: GenesisMember
  readonly bid?: BidFile
  /** Hex SHA-256 of files that may be the encrypted one. */
  readonly files: readonly string[]
  /** Entries that were proven to be on this ledger. */
  readonly entries: readonly Uint8Array[]
  /** What this member showed of its closed box: all its leaves, or where this one stands. */
  readonly leaves?: readonly BoxLeaf[]
  readonly place?: Omit<PlacedLeaf, 'leaf'>
}

export type Question = 'received' | 'unchanged' | 'closed' | 'opened'

export interface BidAnswer {
  readonly question: Question
  /** `open`: the papers do not say. */
  readonly state: 'good' | 'bad' | 'open'
  readonly title: Words
  readonly detail: Words
}

export interface BidAnswers {
  readonly answers: readonly BidAnswer[]
  /** When the close lacks the leaf although the receipt promised it. */
  readonly fault?: FaultProof
}

/** The list of a closed box as its member answers it, or the place of one leaf in it; undefined for any other file. */
export function readShownBox(value: JsonValue): Pick<BidPapers, 'leaves' | 'place'> | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
  const { leaves, receivedAt, index, path } = value as JsonObject
  const isDigest = (text: unknown): text is string => typeof text === 'string' && /^[0-9a-f]{64}$/.test(text)
  const isNatural = (number: unknown): number is number => Number.isSafeInteger(number) && (number as number) >= 0
  if (Array.isArray(leaves)) {
    const read = (leaves as readonly JsonObject[]).filter((held) => isDigest(held?.leaf) && isNatural(held.receivedAt))
    const names = new Set(read.map(({ leaf }) => leaf))
    return names.size === leaves.length ? { leaves: read as unknown as readonly BoxLeaf[] } : undefined
  }
  if (!isNatural(receivedAt) || !isNatural(index) || !Array.isArray(path) || !path.every(isDigest)) return undefined
  return { place: { receivedAt, index, path: path as readonly string[] } }
}

export function answersOf(papers: BidPapers): BidAnswers {
  const records = papers.entries.flatMap((entry) => recordIn(entry, papers.receipt.ledger))
  const { closed, fault } = closeAnswer(papers, records)
  const answers = [receivedAnswer(papers), unchangedAnswer(papers), closed, openedAnswer(papers, records)]
  return fault === undefined ? { answers } : { answers, fault }
}

interface ProvenRecord {
  readonly statement: Statement
  readonly member: string
  readonly receivedAt: number
}

function recordIn(bytes: Uint8Array, ledger: string): readonly ProvenRecord[] {
  try {
    const { statement, member, receivedAt } = parseEntry(bytes)
    return [{ statement: parseStatement(statement, ledger), member, receivedAt }]
  } catch (error) {
    // A proven entry that is none of a statement: the genesis, a refusal, a system entry.
    if (error instanceof Refusal) return []
    throw error
  }
}

function receivedAnswer({ receipt, member }: BidPapers): BidAnswer {
  const at = beijingTime(receipt.receivedAt)
  return {
    question: 'received',
    state: 'good',
    title: { zh: '何时收到', en: 'When was it received' },
    detail: {
      zh: `${at}，由 ${member.name}（${member.id}）的节点签收，最迟入第 ${receipt.round} 轮。签名有效。`,
      en: `${at}, by the node of ${member.name} (${member.id}), in by round ${receipt.round}. The signature is good.`,
    },
  }
}

function unchangedAnswer({ receipt, bid, files }: BidPapers): BidAnswer {
  const question = 'unchanged'
  const title = { zh: '有没有被改动', en: 'Was it changed' }
  if (bid === undefined) {
    const detail = { zh: '请再给出投标人自己保存的文件。', en: 'Add the bidder’s own file.' }
    return { question, state: 'open', title, detail }
  }
  if (bid.leaf !== receipt.leaf || !isSameBox(receipt, bid.at)) {
    const detail = { zh: '自己的文件与回执不是同一份投标。', en: 'The own file and the receipt are of two bids.' }
    return { question, state: 'bad', title, detail }
  }
  const isFileGiven = files.includes(bid.content.ciphertext)
  if (files.length > 0 && !isFileGiven) {
    const detail = { zh: '所给文件不是当时封装的密文。', en: 'The file given is not the one that was sealed.' }
    return { question, state: 'bad', title, detail }
  }
  const file = isFileGiven
    ? { zh: '，所给密文即当时封装的', en: ', and the file given is the one sealed' }
    : { zh: '', en: '' }
  return {
    question,
    state: 'good',
    title,
    detail: {
      zh: `没有：自己的文件正好得出回执上的叶${file.zh}。`,
      en: `No: the own file leads to the very leaf of the receipt${file.en}.`,
    },
  }
}

const isSameBox = (
  receipt: KeptBidReceipt,
  box: Pick<KeptBidReceipt, 'tender' | 'section'> & { readonly ledger?: string },
) =>
  receipt.tender.owner === box.tender.owner &&
  receipt.tender.scheme === box.tender.scheme &&
  receipt.tender.code === box.tender.code &&
  receipt.section === box.section &&
  (box.ledger === undefined || box.ledger === receipt.ledger)

// ---- in the close ----------------------------------------------------------------------------------------------------------------

function closeAnswer(papers: BidPapers, records: readonly ProvenRecord[]): { closed: BidAnswer; fault?: FaultProof } {
  const { receipt } = papers
  const answer = (state: BidAnswer['state'], zh: string, en: string): BidAnswer => ({
    question: 'closed',
    state,
    title: { zh: '在不在封标之中', en: 'Is it in the close' },
    detail: { zh, en },
  })
  const found = closeOf(receipt, records)
  if (found === undefined) {
    return {
      closed: answer(
        'open',
        `请再给出 ${receipt.member} 封标记录的条目与证明。如其没有封标，请在开标前凭回执主张。`,
        `Add the record of the close by ${receipt.member}, with its proof. If it did not close, claim by this receipt before the opening.`,
      ),
    }
  }
  const { close, statement } = found
  const stands = placeIn(papers, records, close)
  if (stands !== undefined) {
    const [zh, en] = [
      `在：共 ${close.count} 叶，此叶为第 ${stands.index + 1} 位，路径与封标的根相符。`,
      `Yes: number ${stands.index + 1} of ${close.count} leaves, and the path leads to the root of the close.`,
    ]
    return { closed: answer('good', zh, en) }
  }
  const tree = papers.leaves === undefined ? undefined : new SectionTree(papers.leaves)
  const absence =
    tree?.root === close.root && tree.leaves.length === close.count ? tree.absence(receipt.leaf) : undefined
  if (absence === undefined) {
    const zh = `${receipt.member} 已封标，共 ${close.count} 叶；请再给出它的叶表，或此叶的位置与路径。`
    const en = `${receipt.member} closed over ${close.count} leaves. Add its list of them, or where this one stands.`
    return { closed: answer('open', zh, en) }
  }
  if (receipt.round > close.round) {
    const zh = `不在：封标以第 ${close.round} 轮为准，早于回执所写的第 ${receipt.round} 轮。这不是矛盾；请在开标前凭回执主张。`
    const en = `No: the close stands on round ${close.round}, before round ${receipt.round} of the receipt. That is no contradiction; claim by the receipt before the opening.`
    return { closed: answer('bad', zh, en) }
  }
  const { ledger, epoch, signature } = receipt
  const fault: FaultProof = {
    kid: papers.member.node.seal,
    form: 'omission',
    receipt: { message: bidReceiptMessage({ ledger, epoch }, receipt), signature },
    close: statement.jws,
    ...absence,
  }
  const zh = `不在：${receipt.member} 出具了回执，封标却没有此叶。两份签名互相矛盾，见矛盾签名文件。`
  const en = `No: ${receipt.member} gave the receipt and closed without the leaf. Its two signatures contradict each other: see the fault proof.`
  // A node that was replaced since signs with another key, and nobody's signatures contradict each other.
  if (statement.kid !== papers.member.node.seal)
    return {
      closed: answer(
        'bad',
        '不在：封标的已是该成员更换后的节点；请在开标前凭回执主张。',
        'No: another node of that member closed. Claim by the receipt before the opening.',
      ),
    }
  return { closed: answer('bad', zh, en), fault }
}

function closeOf(
  receipt: KeptBidReceipt,
  records: readonly ProvenRecord[],
): { readonly close: ClosedBox; readonly statement: Statement } | undefined {
  for (const { statement, member } of records) {
    if (statement.type !== 'box.close@1' || member !== receipt.member) continue
    const close = closedBoxOf(statement.payload)
    if (close !== undefined && isSameBox(receipt, close)) return { close, statement }
  }
  return undefined
}

/** Where it is shown to stand: by the place that was given, by the list, or by the record that opened it. */
function placeIn(
  { receipt, place, leaves }: BidPapers,
  records: readonly ProvenRecord[],
  close: ClosedBox,
): PlacedLeaf | undefined {
  const { leaf, receivedAt } = receipt
  const inList = leaves === undefined ? undefined : new SectionTree(leaves).find(leaf)
  const shown = records.flatMap(({ statement }) => shownIn(statement, receipt)).map(({ place: where }) => where)
  for (const where of [place, inList, ...shown]) {
    if (where?.index === undefined || where.path === undefined) continue
    const placed = { leaf, receivedAt, index: where.index, path: where.path }
    try {
      verifyPlaced(close, placed)
      return placed
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
    }
  }
  return undefined
}

// ---- opened ----------------------------------------------------------------------------------------------------------------------

interface Shown {
  readonly as: 'bid' | 'withdrawal' | 'replaced' | 'withdrawn'
  readonly place?: { readonly index?: number; readonly path?: readonly string[] }
}

/** What a record of the opening says of this leaf. The rules of the ledger have checked its fields, or it would not be a record. */
function shownIn({ type, payload }: Statement, { ledger, leaf, ...receipt }: KeptBidReceipt): readonly Shown[] {
  const isReveal = type === 'bid.reveal@1'
  if (!isReveal && type !== 'bid.withdrawal@1') return []
  const { section = '', tender } = payload as unknown as Partial<KeptBidReceipt>
  if (tender === undefined || !isSameBox({ ...receipt, ledger, leaf }, { tender, section })) return []
  const fields = payload as unknown as OpeningFields
  const leafOf = (content: SealedContent): string => toHex(sealedLeaf({ ledger, tender, section }, content))
  const content = isReveal ? revealedContent(fields) : withdrawalContent(fields)
  const shown: Shown[] = []
  if (leafOf(content) === leaf) shown.push({ as: content.kind, place: fields.place })
  const chain = (isReveal ? fields.replaced : fields.withdrawn) ?? []
  chain.forEach(({ place, content: before }, at) => {
    if (leafOf({ kind: 'bid', ...before }) !== leaf) return
    shown.push({ as: isReveal || at > 0 ? 'replaced' : 'withdrawn', ...(place === undefined ? {} : { place }) })
  })
  return shown
}

interface OpeningFields extends RevealedBid {
  readonly changes: NonNullable<SealedContent['changes']>
  readonly place: NonNullable<Shown['place']>
  readonly replaced?: readonly CoveredFields[]
  readonly withdrawn?: readonly CoveredFields[]
}

interface CoveredFields {
  readonly place?: NonNullable<Shown['place']>
  readonly content: Omit<SealedContent, 'kind'>
}

const shownWords: Readonly<Record<Shown['as'], Words>> = {
  bid: { zh: '公开为投标', en: 'revealed as a bid' },
  withdrawal: { zh: '公开为撤回', en: 'shown as a withdrawal' },
  replaced: { zh: '作为被替换的投标列出（内容不公开）', en: 'listed as a bid that was replaced, its content covered' },
  withdrawn: {
    zh: '作为被撤回的投标列出（内容不公开）',
    en: 'listed as a bid that was withdrawn, its content covered',
  },
}

function openedAnswer({ receipt }: BidPapers, records: readonly ProvenRecord[]): BidAnswer {
  const title = { zh: '何时、由谁开启', en: 'When and by whom was it opened' }
  for (const { statement, member, receivedAt } of records) {
    const [shown] = shownIn(statement, receipt)
    if (shown === undefined) continue
    const at = beijingTime(receivedAt)
    const { decryptedAt: said } = statement.payload as JsonObject
    const decryptedAt = said === undefined ? undefined : withBeijingTime(String(said))
    const words = shownWords[shown.as]
    const detail = {
      zh: `${at} 经 ${member}，由 ${statement.party} 提交，${words.zh}${decryptedAt === undefined ? '' : `；解密时间 ${decryptedAt}`}。`,
      en: `${at}, through ${member}, by ${statement.party}: ${words.en}${decryptedAt === undefined ? '' : `; decrypted at ${decryptedAt}`}.`,
    }
    return { question: 'opened', state: 'good', title, detail }
  }
  const detail = {
    zh: '所给材料中没有开启它的记录。开标前如此；开标后请再给出公开或撤回记录的条目与证明。',
    en: 'No record that was given opens it. Before the opening that is as it should be; after it, add the record with its proof.',
  }
  return { question: 'opened', state: 'open', title, detail }
}
