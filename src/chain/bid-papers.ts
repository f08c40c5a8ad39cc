/**
 * The papers that somebody lays beside a bid's receipt, in any order: told apart by what they hold, not by their names, proofs matched with
 * their entries, and the four questions answered from what was proven. For the command line and for a page alike.
 */
import { sha256 } from '#crypto'
import { answersOf, type BidAnswers, readShownBox } from './bid-check.ts'
import { type BidFile, checkBidReceipt, type KeptBidReceipt, parseBidFile, parseBidReceipt } from './bid-file.ts'
import { equalBytes, fromUtf8, toHex } from './bytes.ts'
import { epochsUpTo } from './epoch.ts'
import { type FoundedLedger, readFounding } from './founding.ts'
import { type JsonObject, type JsonValue, parseJson } from './json.ts'
import { epochPolicy } from './member-policy.ts'
import { epochsGathered, isEpochProof, membersOfEpoch, policyForNote } from './membership.ts'
import { isPolicyOf, parsePolicy } from './policy.ts'
import { verifyProofFile } from './proof-check.ts'
import { parseProofFile } from './proof-file.ts'
import { Refusal } from './refusal.ts'
import { VerificationError } from './verification-error.ts'

/** What lies there. `other`: perhaps an entry, perhaps the encrypted file. */
export type BidPaperKind = 'receipt' | 'bid' | 'genesis' | 'policy' | 'proof' | 'box' | 'epoch' | 'other'

export function bidPaperKind(bytes: Uint8Array): BidPaperKind {
  if (isEpochProof(bytes)) return 'epoch'
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch {
    return 'other'
  }
  if (text.startsWith('c2sp.org/tlog-proof@')) return 'proof'
  if (/^(?:#.*\n|\s*\n)*(?:log|witness|group|quorum)[ \t]/.test(text)) return 'policy'
  if (text.startsWith('{"genesis":')) return 'genesis'
  const value = objectIn(text)
  if (value?.bidReceipt !== undefined) return 'receipt'
  if (value?.format === 'gongzheng/bid@1') return 'bid'
  return value !== undefined && readShownBox(value) !== undefined ? 'box' : 'other'
}

function objectIn(text: string): JsonObject | undefined {
  try {
    const value: JsonValue = parseJson(text)
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

export interface JudgedBid extends BidAnswers {
  readonly receipt: KeptBidReceipt
  readonly founded: FoundedLedger
  readonly bid: BidFile | undefined
  /** Proofs that were given and do not stand up, or have no entry here; and entries that no proof here is of. */
  readonly unproven: number
}

/**
 * @param more SHA-256 of files that are too large to lie here
 * @throws {VerificationError} receipt.…, bid-file.malformed, founding.…, policy.…, membership.…
 */
export function judgeBidPapers(files: readonly Uint8Array[], more: readonly string[] = []): JudgedBid {
  const all = new Map<BidPaperKind, Uint8Array[]>()
  for (const bytes of files) {
    const kind = bidPaperKind(bytes)
    all.set(kind, [...(all.get(kind) ?? []), bytes])
  }
  // Of two receipts only one would be judged, and both be taken for it.
  const one = (kind: keyof typeof malformedCodes): Uint8Array | undefined => {
    const [first, ...more] = all.get(kind) ?? []
    if (more.every((bytes) => equalBytes(bytes, first!))) return first
    throw new VerificationError(malformedCodes[kind], 'two that differ among the files: lay down the papers of one bid')
  }
  const [receiptFile, genesis] = [one('receipt'), one('genesis')]
  if (receiptFile === undefined) throw new VerificationError('receipt.malformed', 'no receipt of a bid among the files')
  const receipt = parseBidReceipt(receiptFile)
  if (genesis === undefined) throw new VerificationError('founding.malformed', 'no genesis among the files')
  const founded = readFounding(genesis)
  if (founded.ledger !== receipt.ledger) throw new VerificationError('founding.other-ledger', founded.fingerprint)
  const newest = epochsGathered(founded, genesis, all.get('epoch') ?? [])
  // The genesis says whose signatures count. A policy among the papers adds nothing; one that is another's would prove another's records.
  const policyFile = one('policy')
  if (policyFile !== undefined) {
    const given = parsePolicy(policyFile)
    if (![...epochsUpTo(newest)].some((epoch) => isPolicyOf(given, epochPolicy(founded, epoch))))
      throw new VerificationError('founding.other-ledger', 'the policy is not what the genesis leads to')
  }
  const others = all.get('other') ?? []
  const proofs = all.get('proof') ?? []
  const proven = new Set<Uint8Array>()
  let unproven = 0
  for (const proofFile of proofs) {
    const entry = others.find((candidate) =>
      isProven(() =>
        verifyProofFile({
          policy: policyForNote(founded, newest, parseProofFile(proofFile).note),
          proofFile,
          entry: candidate,
        }),
      ),
    )
    if (entry === undefined) unproven++
    else proven.add(entry)
  }
  unproven += others.filter((bytes) => !proven.has(bytes) && looksLikeEntry(bytes)).length
  const bidFile = one('bid')
  const bid = bidFile === undefined ? undefined : parseBidFile(bidFile)
  const shown = (all.get('box') ?? []).map((bytes) => readShownBox(objectIn(fromUtf8(bytes))!)!)
  // What no proof was found for, and what is no entry by its looks: files that may be the encrypted one.
  const loose = others
    .filter((bytes) => !proven.has(bytes) && !looksLikeEntry(bytes))
    .map((bytes) => toHex(sha256(bytes)))
  const answers = answersOf({
    receipt,
    member: checkBidReceipt(receipt, membersOfEpoch(newest, receipt.epoch)),
    ...(bid === undefined ? {} : { bid }),
    files: [...loose, ...more],
    entries: [...proven],
    ...Object.assign({}, ...shown),
  })
  return { ...answers, receipt, founded, bid, unproven }
}

const malformedCodes = {
  receipt: 'receipt.malformed',
  bid: 'bid-file.malformed',
  genesis: 'founding.malformed',
  policy: 'policy.malformed',
} as const

const looksLikeEntry = (bytes: Uint8Array): boolean => {
  try {
    return /^\{"member":/.test(fromUtf8(bytes.subarray(0, 64)))
  } catch {
    return false
  }
}

function isProven(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof VerificationError) return false
    throw error
  }
}
