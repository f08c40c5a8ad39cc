/**
 * What lies on the verifier page, and what it proves. Files are told apart by what they hold, not by their names: a court bundle; a proof with
 * its entry and a policy (or the genesis that it follows from); a fault proof; the receipt of a sealed bid, with whatever its bidder lays beside it.
 * Nothing is asked of a network, and nothing is remembered.
 */
import { bidPaperKind, judgeBidPapers } from '../chain/bid-papers.ts'
import { type BundleReport, type Claim, verifyBundle, type Words } from '../chain/bundle.ts'
import { equalBytes, fromUtf8 } from '../chain/bytes.ts'
import { entryWords } from '../chain/entry-words.ts'
import { parseFault, verifyFault } from '../chain/fault.ts'
import { faultWords } from '../chain/fault-words.ts'
import { type FoundedLedger, isFingerprintOf, readFounding } from '../chain/founding.ts'
import { epochsGathered, everybody, isEpochProof, policyForNote } from '../chain/membership.ts'
import { isPolicyOf, parsePolicy } from '../chain/policy.ts'
import { verifyProofFile } from '../chain/proof-check.ts'
import { parseProofFile } from '../chain/proof-file.ts'
import { Refusal } from '../chain/refusal.ts'
import { beijingTimeOfSeconds } from '../chain/time.ts'
import { VerificationError, verificationTexts } from '../chain/verification-error.ts'

export interface GivenFile {
  readonly name: string
  readonly bytes: Uint8Array
}

export type MaterialKind =
  | 'bundle'
  | 'proof'
  | 'policy'
  | 'fault'
  | 'genesis'
  | 'epoch'
  | 'receipt'
  | 'bid'
  | 'box'
  | 'entry'

export interface Judgement {
  readonly verdict: 'good' | 'bad' | 'waiting'
  /** In one sentence. */
  readonly title: Words
  readonly claims: readonly Pick<Claim, 'state' | 'title' | 'detail'>[]
  /** Of the ledger that the material itself names; empty when it names none. */
  readonly fingerprint: string
  readonly report?: BundleReport
}

export function kindOf({ bytes }: GivenFile): MaterialKind {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return 'bundle'
  if (isEpochProof(bytes)) return 'epoch'
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch {
    return 'entry'
  }
  if (text.startsWith('c2sp.org/tlog-proof@')) return 'proof'
  if (/^(?:#.*\n|\s*\n)*(?:log|witness|group|quorum)[ \t]/.test(text)) return 'policy'
  // Not by parsing: one that was damaged is to be judged as what it was, and found wanting.
  if (text.startsWith('{"genesis":')) return 'genesis'
  if (/"format":"gongzheng\/fault@/.test(text)) return 'fault'
  const paper = bidPaperKind(bytes)
  return paper === 'receipt' || paper === 'bid' || paper === 'box' ? paper : 'entry'
}

/** Judges all that was given so far; `fingerprint` as somebody copied it from the charter, or empty. */
export function judge(files: readonly GivenFile[], fingerprint: string): Judgement {
  const given = new Map<MaterialKind, GivenFile>()
  for (const file of files) given.set(kindOf(file), file)
  const aside = strayFiles(files, given)
  if (aside !== undefined) return { verdict: 'waiting', title: aside, claims: [], fingerprint: '' }
  const proofs = files.filter((file) => kindOf(file) === 'epoch').map(({ bytes }) => bytes)
  try {
    const bundle = given.get('bundle')
    if (bundle !== undefined) return judgeBundle(bundle, fingerprint)
    const fault = given.get('fault')
    if (fault !== undefined) return judgeFault(fault, given.get('genesis'), proofs, fingerprint)
    if (given.has('receipt')) return judgeReceipt(files, given, fingerprint)
    return judgeProof(given, proofs, fingerprint)
  } catch (error) {
    if (!(error instanceof VerificationError || error instanceof Refusal)) throw error
    return { verdict: 'bad', title: notProven, claims: [failed(notProven, error)], fingerprint: '' }
  }
}

/** A verdict is about all that lies there: what would play no part in it, or be one of two for one place, is said first. */
function strayFiles(files: readonly GivenFile[], given: ReadonlyMap<MaterialKind, GivenFile>): Words | undefined {
  const { parts, several } = given.has('bundle')
    ? { parts: ['bundle'], several: [] }
    : given.has('fault')
      ? { parts: ['fault', 'genesis', 'epoch'], several: ['epoch'] }
      : given.has('receipt')
        ? {
            parts: ['receipt', 'bid', 'genesis', 'policy', 'epoch', 'proof', 'entry', 'box'],
            several: ['epoch', 'proof', 'entry', 'box'],
          }
        : { parts: ['proof', 'entry', 'policy', 'genesis', 'epoch'], several: ['epoch'] }
  const kinds = files.map(kindOf)
  const strays = files.filter(
    ({ bytes }, at) =>
      !parts.includes(kinds[at]!) ||
      (!several.includes(kinds[at]!) &&
        files.some((other, where) => kinds[where] === kinds[at] && !equalBytes(other.bytes, bytes))),
  )
  if (strays.length === 0) return undefined
  if (strays.every((file) => ['bid', 'box'].includes(kindOf(file)))) {
    return { zh: '还需要：投标回执', en: 'Still needed: the receipt of the bid' }
  }
  const names = strays.map(({ name }) => name).join(', ')
  return {
    zh: `尚未核验：请清空后一次只放入一份材料及其证明（${names}）`,
    en: `Nothing was checked: clear, and give one thing with its proofs at a time (${names})`,
  }
}

const notProven: Words = { zh: '不成立', en: 'Not verified' }
const ledgerTitle: Words = { zh: '账本', en: 'The ledger' }

function judgeBundle({ bytes }: GivenFile, fingerprint: string): Judgement {
  const report = verifyBundle(bytes, fingerprint === '' ? {} : { fingerprint })
  const holds: Words =
    fingerprint === ''
      ? { zh: '成立：各项均通过核验；请核对账本指纹', en: 'Verified: every claim holds. Now compare the fingerprint' }
      : { zh: '成立：各项均通过核验', en: 'Verified: every claim holds' }
  const not: Words = {
    zh: '不成立：有未通过的项目，请勿采信',
    en: 'Not verified: a claim does not hold. Do not rely on it',
  }
  return {
    verdict: report.ok ? 'good' : 'bad',
    title: !report.ok ? not : report.claims.some(({ state }) => state === 'note') ? noted(holds) : holds,
    claims: report.claims,
    fingerprint: report.fingerprint,
    report,
  }
}

const noted = ({ zh, en }: Words): Words => ({
  zh: `${zh}。有须留意的项目，请逐项阅读`,
  en: `${en}. Some of them ask to be read: see below`,
})

function judgeProof(
  given: ReadonlyMap<MaterialKind, GivenFile>,
  epochs: readonly Uint8Array[],
  fingerprint: string,
): Judgement {
  const proof = given.get('proof')
  const genesis = given.get('genesis')
  const founded = genesis === undefined ? undefined : readFounding(genesis.bytes)
  const policyFile = given.get('policy')
  const policy = policyFile === undefined ? undefined : parsePolicy(policyFile.bytes)
  // The genesis is an entry like every other: a proof of entry 0 is its own.
  const entry =
    given.get('entry') ?? (proof !== undefined && parseProofFile(proof.bytes).index === 0n ? genesis : undefined)
  // The genesis, if it is there, says whose signatures count: beside the fingerprint of one ledger no other's policy may prove anything.
  const trusted =
    founded === undefined || proof === undefined
      ? policy
      : policyForNote(founded, epochsGathered(founded, genesis!.bytes, epochs), parseProofFile(proof.bytes).note)
  if (proof === undefined || entry === undefined || trusted === undefined) {
    const missing = [
      ...(proof === undefined ? [{ zh: '证明文件（.tlog-proof）', en: 'the proof (.tlog-proof)' }] : []),
      ...(entry === undefined ? [{ zh: '条目的原始字节', en: 'the entry’s bytes' }] : []),
      ...(policy === undefined && founded === undefined
        ? [{ zh: '验证信任清单或创世文件', en: 'the policy, or the genesis' }]
        : []),
    ]
    const title = {
      zh: `还需要：${missing.map(({ zh }) => zh).join('、')}`,
      en: `Still needed: ${missing.map(({ en }) => en).join(', ')}`,
    }
    return { verdict: 'waiting', title, claims: [], fingerprint: founded?.fingerprint ?? '' }
  }
  if (fingerprint !== '' && founded === undefined) return withoutGenesis
  if (founded !== undefined && policy !== undefined && !isPolicyOf(policy, trusted)) {
    throw new VerificationError('founding.other-ledger', 'the policy is not what the genesis leads to')
  }
  const verified = verifyProofFile({ policy: trusted, proofFile: proof.bytes, entry: entry.bytes })
  const list = (join: string) =>
    verified.cosigners.map(({ name, timeSeconds }) => `${name} ${beijingTimeOfSeconds(timeSeconds)}`).join(join)
  const said = entryWords(entry.bytes)
  const claims: Claim[] = [
    verified.cosigners.length === 0
      ? {
          id: 'cosigned',
          state: 'bad',
          title: { zh: '多方共签', en: 'A quorum of members cosigned' },
          detail: {
            zh: '没有成员共签：这份信任清单不要求共签，只有一个节点的签名。',
            en: 'Nobody cosigned: this policy asks for no cosignature, and one node’s signature is all there is.',
          },
        }
      : {
          id: 'cosigned',
          state: 'good',
          title: { zh: '多方共签', en: 'A quorum of members cosigned' },
          detail: { zh: `共签：${list('；')}。`, en: `Cosigned by ${list('; ')}.` },
        },
    {
      id: 'included',
      state: 'good',
      title: { zh: '条目在账本之中', en: 'The entry is in the ledger' },
      detail: {
        zh: `账本 ${verified.origin} 的第 ${verified.index} 条，快照共 ${verified.size} 条。`,
        en: `Entry ${verified.index} of ${verified.size} of the ledger ${verified.origin}.`,
      },
    },
    {
      id: 'statement',
      state: said.kind === 'refusal' || said.kind === 'unknown' ? 'note' : 'good',
      title: { zh: `“${entry.name}”是什么条目`, en: `What the entry “${entry.name}” is` },
      detail: { zh: said.zh, en: said.en },
    },
  ]
  const other = founded === undefined ? byPolicyAlone : ledgerClaim(founded, fingerprint)
  if (other !== undefined) claims.push(other)
  const isGood = claims.every(({ state }) => state === 'good' || state === 'note')
  const holds =
    founded === undefined
      ? { zh: '成立：该条目在这份信任清单的账本之中', en: 'Verified: the entry is in the ledger of this policy' }
      : { zh: '成立：该条目在这个账本之中', en: 'Verified: the entry is in this ledger' }
  return {
    verdict: isGood ? 'good' : 'bad',
    title: !isGood ? notProven : said.kind === 'refusal' ? refused : holds,
    claims,
    fingerprint: founded?.fingerprint ?? '',
  }
}

const refused: Words = {
  zh: '成立：该条目在账本之中，是一份拒绝记录（报文未被接受）',
  en: 'Verified: the entry is in the ledger, and is a refusal: the statement was not accepted',
}

/** Whoever gives a policy says whose signatures count. */
const byPolicyAlone: Claim = {
  id: 'expected',
  state: 'note',
  title: ledgerTitle,
  detail: {
    zh: '以上只对所给的信任清单成立：清单须取自可信的成员；或放入创世文件，以便核对指纹。',
    en: 'This holds by the policy that was given: take it from a member that you trust, or add the genesis, so that the fingerprint can be compared.',
  },
}

/** A fingerprint that was typed in and compared with nothing must not look as if it had been. */
const withoutGenesis: Judgement = {
  verdict: 'waiting',
  title: {
    zh: '还需要：创世文件，才能与所填指纹核对',
    en: 'Still needed: the genesis, to compare the fingerprint that you gave',
  },
  claims: [],
  fingerprint: '',
}

/** Of all files together, since a bid has a record for its close and one for its opening. */
function judgeReceipt(
  files: readonly GivenFile[],
  given: ReadonlyMap<MaterialKind, GivenFile>,
  fingerprint: string,
): Judgement {
  if (!given.has('genesis')) {
    const title = { zh: '还需要：创世文件', en: 'Still needed: the genesis' }
    return { verdict: 'waiting', title, claims: [], fingerprint: '' }
  }
  const { answers, founded, unproven } = judgeBidPapers(files.map(({ bytes }) => bytes))
  const other = ledgerClaim(founded, fingerprint)
  const claims: Judgement['claims'] = [
    ...answers,
    ...(unproven === 0 ? [] : [unusedProofs(unproven)]),
    ...(other === undefined ? [] : [other]),
  ]
  const isBad = claims.some(({ state }) => state === 'bad')
  const isOpen = claims.some(({ state }) => state === 'open')
  const words: Words = isBad
    ? { zh: '不成立：有未通过的项目', en: 'Not verified: an answer speaks against it' }
    : isOpen
      ? { zh: '回执成立；其余各问还需要材料', en: 'The receipt is good; more papers are needed for the rest' }
      : { zh: '成立：回执的四问均已核验', en: 'Verified: all four questions are answered' }
  const verdict = isBad ? 'bad' : isOpen ? 'waiting' : 'good'
  return { verdict, title: words, claims, fingerprint: founded.fingerprint }
}

const unusedProofs = (count: number): Judgement['claims'][number] => ({
  state: 'note',
  title: { zh: '未予采信的材料', en: 'What was not used' },
  detail: {
    zh: `有 ${count} 份证明或条目不成立，或没有相对应的另一份。`,
    en: `${count} proofs or entries do not stand up, or lack the other one.`,
  },
})

function judgeFault(
  { bytes }: GivenFile,
  genesis: GivenFile | undefined,
  epochs: readonly Uint8Array[],
  fingerprint: string,
): Judgement {
  const fault = verifyFault(parseFault(bytes))
  if (fingerprint !== '' && genesis === undefined) return withoutGenesis
  const founded = genesis === undefined ? undefined : readFounding(genesis.bytes)
  if (
    founded !== undefined &&
    (fault.ledger === '' ? fault.origin !== founded.origin : fault.ledger !== founded.ledger)
  ) {
    throw new VerificationError('founding.other-ledger', fault.ledger || fault.origin)
  }
  const purpose = fault.ledger === '' ? 'cosign' : 'seal'
  const known = founded === undefined ? [] : everybody(epochsGathered(founded, genesis!.bytes, epochs))
  const member = known.find(({ node }) => node[purpose] === fault.kid)
  const { zh, en } = faultWords[fault.kind]
  const claims: Claim[] = [
    {
      id: 'cosigned',
      state: 'good',
      title: { zh: '矛盾成立', en: 'The contradiction is proven' },
      detail: {
        zh: `${zh}（${fault.detail}）。两份签名均有效，诚实的节点不会签出。`,
        en: `${en} (${fault.detail}). The signatures are good, and no honest node makes them.`,
      },
    },
    {
      id: 'key',
      state: member === undefined ? 'note' : 'good',
      title: { zh: '是谁的密钥', en: 'Whose key' },
      detail:
        member === undefined
          ? {
              zh: `密钥 ${fault.kid}。${founded === undefined ? '请再拖入创世文件，以指明是哪个成员。' : '所给资料中没有哪个成员有这把密钥；如成员有过变动，请再拖入届次证明。'}`,
              en: `Key ${fault.kid}. ${founded === undefined ? 'Add the genesis to see whose it is.' : 'No member in what was given has it; where members have changed, add the proofs of the epochs.'}`,
            }
          : { zh: `${member.name}（${member.id}）。`, en: `${member.name} (${member.id}).` },
    },
  ]
  const other = ledgerClaim(founded, fingerprint)
  if (other !== undefined) claims.push(other)
  const isGood = claims.every(({ state }) => state !== 'bad')
  return {
    verdict: isGood ? 'good' : 'bad',
    title: isGood
      ? { zh: '成立：这把密钥签署了互相矛盾的内容', en: 'Proven: this key signed what contradicts itself' }
      : notProven,
    claims,
    fingerprint: founded?.fingerprint ?? '',
  }
}

function ledgerClaim(founded: FoundedLedger | undefined, fingerprint: string): Claim | undefined {
  if (founded === undefined || fingerprint === '') return undefined
  const isSame = isFingerprintOf(fingerprint, founded.ledger)
  return {
    id: 'expected',
    state: isSame ? 'good' : 'bad',
    title: ledgerTitle,
    detail: isSame
      ? {
          zh: `与所填指纹一致：${founded.fingerprint}。`,
          en: `The fingerprint is the one that you gave: ${founded.fingerprint}.`,
        }
      : {
          zh: `不是所填指纹的账本：${founded.fingerprint}。`,
          en: `Not the ledger that you gave: ${founded.fingerprint}.`,
        },
  }
}

function failed(title: Words, error: VerificationError | Refusal): Judgement['claims'][number] {
  const words = verificationTexts[error.code]
  return {
    state: 'bad',
    title,
    detail: {
      zh: `${words?.zh.title ?? error.code}：${words?.zh.cause ?? ''}（${error.message}）${words?.zh.remedy ?? ''}`,
      en: `${words?.en.title ?? error.code}: ${words?.en.cause ?? ''} (${error.message}) ${words?.en.remedy ?? ''}`,
    },
  }
}
