/**
 * A court bundle (取证包): one archive that holds a record, everything that proves it, and what explains both to a person. This file names
 * its files, says claim by claim whether they hold, and refuses nothing silently: what cannot be checked is said to be open. It needs no
 * network and no clock. What has to come from outside is one thing only, the ledger's fingerprint as the charter prints it.
 */
import { sha256 } from '#crypto'
import { type ArchiveFiles, readArchive, writeArchive } from './archive.ts'
import { type BundleFacts, type EpochFacts, type KeyFacts, type KeyRecord, recordFacts } from './bundle-facts.ts'
import { explanationEdition, explanationPage } from './bundle-page.ts'
import { fromUtf8, toHex, utf8 } from './bytes.ts'
import type { Epoch } from './epoch.ts'
import { type FoundedLedger, isFingerprintOf, readFounding } from './founding.ts'
import { canonicalJson, type JsonObject, parseJson } from './json.ts'
import { epochPolicy } from './member-policy.ts'
import { type ClosingReader, epochsFrom } from './membership.ts'
import { formatNote } from './note.ts'
import { checkNoteAgainstPolicy, formatPolicy, type Policy, parsePolicy, type TrustedCheckpoint } from './policy.ts'
import { verifyEntryIn } from './proof-check.ts'
import { parseProofFile } from './proof-file.ts'
import { Refusal } from './refusal.ts'
import { beijingTime, beijingTimeOfSeconds } from './time.ts'
import { VerificationError, verificationTexts } from './verification-error.ts'

/** Names inside the archive. Those for people are Chinese, those for tools ASCII. */
export const bundleFile = {
  explanation: '说明.html',
  verifier: '验证.html',
  manifest: 'bundle.json',
  sums: 'SHA256SUMS',
  entry: 'record/entry.json',
  proof: 'record/proof.tlog-proof',
  statement: 'record/statement.json',
  checkpoint: 'checkpoint.txt',
  policy: 'policy.txt',
  genesis: 'members/0-genesis.json',
  genesisProof: 'members/0-genesis.tlog-proof',
  system: 'block/system-entry.json',
  systemProof: 'block/system-entry.tlog-proof',
  /** What the hash in the system entry is made of. */
  batch: 'block/batch.json',
  /** For a refusal record only. */
  refused: 'record/refused-entry.json',
  /** And a number: what proves the epoch, to whoever knows the one before. */
  epochs: 'members/',
  keys: 'keys/',
  original: 'original/',
} as const

/** Records about one key: its registration by a few members, and what became of it. */
export const keyRecordsMax = 64

const manifestFormat = 'gongzheng/bundle@2'

export type ClaimId =
  | 'files'
  | 'founding'
  | 'cosigned'
  | 'included'
  | 'time'
  | 'statement'
  | 'key'
  | 'members'
  | 'original'
  | 'pages'
  | 'expected'

export interface Words {
  readonly zh: string
  readonly en: string
}

export interface Claim {
  readonly id: ClaimId
  /** note: true as far as it goes, read what it says · open: not looked at, because something before it is bad. */
  readonly state: 'good' | 'bad' | 'note' | 'open'
  readonly title: Words
  readonly detail: Words
  /** Why it is bad: a stable code. */
  readonly code?: string
}

export interface BundleReport {
  /** No claim is bad or open. Whose ledger it is, the fingerprint says, and only to whoever compares it. */
  readonly ok: boolean
  readonly claims: readonly Claim[]
  /** What could be read; undefined when the record itself is not proved. */
  readonly facts: BundleFacts | undefined
  /** The fingerprint that the bundle itself claims; empty when its genesis cannot be read. */
  readonly fingerprint: string
}

export interface BundleExpectations {
  /** As the charter prints it; case and dashes do not matter. */
  readonly fingerprint?: string
  /** The policy that the verifier holds itself. */
  readonly policy?: string | Uint8Array
  /** SHA-256 of the verifier page that this software ships, hex. */
  readonly verifierPage?: string
  /** Hashes of other algorithms than SHA-256, where they can be computed: hex, or undefined. */
  readonly hash?: (algorithm: string, bytes: Uint8Array) => string | undefined
  /** What a record says that closes an epoch, for whoever knows such a record. */
  readonly closing?: ClosingReader
}

const titles: Readonly<Record<ClaimId, Words>> = {
  files: { zh: '文件齐全，未被改动', en: 'The files are whole' },
  founding: { zh: '属于这个账本', en: 'It is of this ledger' },
  cosigned: { zh: '多方共签', en: 'A quorum of members cosigned' },
  included: { zh: '记录在账本之中', en: 'The record is in the ledger' },
  time: { zh: '入账时间', en: 'When it went in' },
  statement: { zh: '提交方的签名', en: 'The submitter’s signature' },
  key: { zh: '签名密钥的归属与状态', en: 'Whose key it was, and its status' },
  members: { zh: '成员沿革', en: 'The members until then' },
  original: { zh: '原始文件', en: 'The original file' },
  pages: { zh: '说明页与验证页', en: 'The explanation and the verifier page' },
  expected: { zh: '与章程核对', en: 'Compared with what you gave' },
}

/** Reads an archive and examines it. @throws {VerificationError} archive.malformed when it is none */
export function verifyBundle(bytes: Uint8Array, expected: BundleExpectations = {}): BundleReport {
  const { files, isAsWritten } = readArchive(bytes)
  if (!files.has(bundleFile.manifest)) throw new VerificationError('archive.malformed', `no ${bundleFile.manifest}`)
  return examineBundle(files, { ...expected, isAsWritten })
}

/** The claims of a bundle, in the order in which they rest on each other. Never throws for what the files hold. */
export function examineBundle(
  files: ArchiveFiles,
  expected: BundleExpectations & { readonly isAsWritten?: boolean } = {},
): BundleReport {
  const claims: Claim[] = []
  const claim = <Value>(id: ClaimId, check: () => Checked<Value>): Value | undefined => {
    const title = titles[id]
    try {
      const { state = 'good', value, ...detail } = check()
      claims.push({ id, state, title, detail })
      return value
    } catch (error) {
      claims.push({ id, title, ...failureOf(error) })
      return undefined
    }
  }

  claim('files', () => filesAreThose(files, expected.isAsWritten !== false))
  const founding = claim('founding', () => foundingOf(files, expected.closing))
  const checkpoint = claim('cosigned', () => cosignedBy(files, needed(founding)))
  const facts = claim('included', () => includedIn(files, needed(founding), needed(checkpoint)))
  claim('time', () => timeOf(needed(facts)))
  if (needsStatement(facts)) claim('statement', () => statementOf(files, needed(facts)))
  if (needsStatement(facts)) claim('key', () => keyOf(needed(facts)))
  claim('members', () => membersOf(needed(facts)))
  if (originalName(files) !== undefined) {
    claim('original', () => originalOf(files, needed(facts), expected))
  }
  claim('pages', () => pagesOf(files, needed(facts), expected))
  if (expected.fingerprint !== undefined || expected.policy !== undefined) {
    claim('expected', () => asExpected(needed(founding), expected))
  }
  const ok = claims.every(({ state }) => state === 'good' || state === 'note')
  return { ok, claims, facts, fingerprint: founding?.founded.fingerprint ?? '' }
}

export interface BundleParts {
  readonly entry: Uint8Array
  /** Texts of `.tlog-proof` files against one checkpoint. */
  readonly proof: string
  readonly genesis: Uint8Array
  readonly genesisProof: string
  /** Of the epochs after the founding, in order, up to that of the proof's checkpoint. */
  readonly epochs: readonly Uint8Array[]
  /** The system entry of the record's block. */
  readonly system: Uint8Array
  readonly systemProof: string
  /** The batch of that block which has the statement (batch-file.ts). */
  readonly batch: Uint8Array
  /** For a refusal: the entry that was refused. */
  readonly refused?: Uint8Array
  readonly keys: readonly { readonly index: string; readonly entry: Uint8Array; readonly proof: string }[]
  readonly original?: { readonly name: string; readonly bytes: Uint8Array }
  readonly verifierPage: Uint8Array
  /** Names and versions of the programs that made it: the one that exported, the node that was asked. */
  readonly software: string
}

/**
 * Puts a bundle together. The same parts give the same bytes.
 * @throws {VerificationError} for the first claim that does not hold: what is not proved is not handed to a court
 */
export function assembleBundle(
  parts: BundleParts,
  expected: BundleExpectations = {},
): { bytes: Uint8Array; report: BundleReport } {
  const { proof, genesis, original } = parts
  const files = new Map<string, Uint8Array>([
    [bundleFile.entry, parts.entry],
    [bundleFile.proof, utf8(proof)],
    [bundleFile.checkpoint, utf8(formatNote(parseProofFile(proof).note))],
    [bundleFile.genesis, genesis],
    [bundleFile.genesisProof, utf8(parts.genesisProof)],
    [bundleFile.system, parts.system],
    [bundleFile.systemProof, utf8(parts.systemProof)],
    [bundleFile.batch, parts.batch],
    [bundleFile.verifier, parts.verifierPage],
  ])
  if (parts.refused !== undefined) files.set(bundleFile.refused, parts.refused)
  for (const { index, entry, proof: keyProof } of parts.keys) {
    files.set(`${bundleFile.keys}${index}.json`, entry)
    files.set(`${bundleFile.keys}${index}.tlog-proof`, utf8(keyProof))
  }
  parts.epochs.forEach((bytes, at) => void files.set(epochFile(at + 1), bytes))
  files.set(bundleFile.policy, utf8(formatPolicy(membersIn(files, expected.closing).policy)))
  if (original !== undefined) files.set(bundleFile.original + original.name, original.bytes)

  const founding = foundingOf(files, expected.closing).value
  const { checkpoint } = cosignedBy(files, founding).value
  const facts = includedIn(files, founding, { checkpoint }, parts.software).value
  if (facts.payload !== undefined) files.set(bundleFile.statement, utf8(spelledOut(facts.payload)))
  files.set(bundleFile.manifest, utf8(manifestOf(facts)))
  files.set(
    bundleFile.explanation,
    utf8(explanationPage(facts, [...files.keys(), bundleFile.explanation, bundleFile.sums])),
  )
  files.set(bundleFile.sums, utf8(sumsOf(files)))
  const report = examineBundle(files, expected)
  const failed = report.claims.find(({ state }) => state === 'bad' || state === 'open')
  if (failed !== undefined) {
    throw new VerificationError(
      (failed.code as VerificationError['code'] | undefined) ?? 'archive.malformed',
      failed.detail.en,
    )
  }
  return { bytes: writeArchive(files), report }
}

// ── the claims ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A claim that holds, in words, and what later ones need of it. */
type Checked<Value> = Words & { readonly value: Value; readonly state?: 'note' }

function filesAreThose(files: ArchiveFiles, isAsWritten: boolean): Checked<true> {
  // The list of hashes is anybody's: what no claim looks at must not lie among what is proved.
  const strange = [...files.keys()].filter((name) => !isOfBundle(name, files))
  if (strange.length > 0) throw changed(`${strange.join(', ')}: no file of a bundle`)
  const sums = textOf(files, bundleFile.sums)
  const expected = sumsOf(files)
  if (sums !== expected) {
    const listed = new Set(sums.split('\n'))
    const wrong = expected.split('\n').filter((line) => line !== '' && !listed.has(line))
    const names = wrong.map((line) => line.slice(66))
    throw changed(names.length > 0 ? names.join(', ') : `${bundleFile.sums} lists what is not there`)
  }
  const count = files.size - 1
  if (isAsWritten) {
    return {
      value: true,
      zh: `${count} 个文件的 SHA-256 均与清单一致。`,
      en: `${count} files, each with the SHA-256 listed.`,
    }
  }
  return {
    value: true,
    state: 'note',
    zh: `${count} 个文件的 SHA-256 均与清单一致；压缩包本身被重新打包过，与导出时的字节不同。`,
    en: `${count} files, each with the SHA-256 listed. The archive itself was packed anew: its bytes are not those of the export.`,
  }
}

const namedFiles: ReadonlySet<string> = new Set(Object.values(bundleFile).filter((name) => !name.endsWith('/')))

/** Whether some claim says what a file of this name is worth. */
function isOfBundle(name: string, files: ArchiveFiles): boolean {
  if (namedFiles.has(name) || /^members\/[1-9][0-9]{0,8}\.cbor$/.test(name)) return true
  const key = /^(keys\/(?:0|[1-9][0-9]*))\.(?:json|tlog-proof)$/.exec(name)?.[1]
  if (key !== undefined) return files.has(`${key}.json`)
  return name.startsWith(bundleFile.original) && name === originalName(files)
}

const originalName = (files: ArchiveFiles): string | undefined =>
  [...files.keys()].find((name) => name.startsWith(bundleFile.original))

interface Founded {
  readonly founded: FoundedLedger
  /** Of those who attest the checkpoint. */
  readonly newest: Epoch
  readonly policy: Policy
}

/** Whoever holds the fingerprint holds the genesis, hence the members' keys, hence the policy. */
function foundingOf(files: ArchiveFiles, closing: ClosingReader | undefined): Checked<Founded> {
  const { founded, newest, policy } = membersIn(files, closing)
  if (textOf(files, bundleFile.policy) !== formatPolicy(policy)) throw changed(bundleFile.policy)
  if (newest.number > 0) {
    return {
      value: { founded, newest, policy },
      zh: `账本 ${founded.name}，指纹 ${founded.fingerprint}；信任清单为第 ${newest.number} 届的，该届由创世文件逐届证明而来。请与章程所印指纹核对。`,
      en: `Ledger ${founded.name}, fingerprint ${founded.fingerprint}; the policy is that of epoch ${newest.number}, which is proven from the genesis on, epoch by epoch. Compare the fingerprint with the charter.`,
    }
  }
  return {
    value: { founded, newest, policy },
    zh: `账本 ${founded.name}，指纹 ${founded.fingerprint}；信任清单与创世文件一致。请与章程所印指纹核对。`,
    en: `Ledger ${founded.name}, fingerprint ${founded.fingerprint}; the policy is what its genesis amounts to. Compare the fingerprint with the charter.`,
  }
}

/** Whoever attests the checkpoint: the last epoch that the bundle has. */
function membersIn(files: ArchiveFiles, closing: ClosingReader | undefined): Founded {
  const genesis = bytesOf(files, bundleFile.genesis)
  const founded = readFounding(genesis)
  const proofs: Uint8Array[] = []
  for (let number = 1; files.has(epochFile(number)); number++) proofs.push(bytesOf(files, epochFile(number)))
  const named = [...files.keys()].filter((name) => name.startsWith(bundleFile.epochs) && name.endsWith('.cbor'))
  if (named.length !== proofs.length) throw changed(`${bundleFile.epochs}: an epoch is left out`)
  const newest = epochsFrom(founded, genesis, proofs, closing)
  return { founded, newest, policy: epochPolicy(founded, newest) }
}

const epochFile = (number: number): string => `${bundleFile.epochs}${number}.cbor`

function cosignedBy(
  files: ArchiveFiles,
  { newest, policy }: Founded,
): Checked<{ readonly checkpoint: TrustedCheckpoint }> {
  const { note } = parseProofFile(bytesOf(files, bundleFile.proof))
  const checkpoint = checkNoteAgainstPolicy(note, policy)
  if (textOf(files, bundleFile.checkpoint) !== formatNote(note)) throw changed(bundleFile.checkpoint)
  const { cosigners, size } = checkpoint
  const { members, quorum } = newest
  if (newest.number > 0 && size <= BigInt(newest.start.size))
    throw changed(`${epochFile(newest.number)}: it begins above size ${size}`)
  const nameOf = (id: string): string => members.find((member) => member.id === id)?.name ?? id
  const list = (join: string): string =>
    cosigners.map(({ name, timeSeconds }) => `${nameOf(name)} ${beijingTimeOfSeconds(timeSeconds)}`).join(join)
  return {
    value: { checkpoint },
    zh: `共 ${members.length} 个成员，须 ${quorum} 个共签，已有 ${cosigners.length} 个：${list('；')}。`,
    en: `${cosigners.length} of ${members.length} members cosigned, ${quorum} are needed: ${list('; ')}.`,
  }
}

function includedIn(
  files: ArchiveFiles,
  { founded, newest, policy }: Founded,
  { checkpoint }: { readonly checkpoint: TrustedCheckpoint },
  software = softwareOf(files),
): Checked<BundleFacts> {
  const proven = (entryName: string, proofName: string) => {
    const entry = bytesOf(files, entryName)
    const index = verifyEntryIn(checkpoint, { policy, entry, proofFile: bytesOf(files, proofName) })
    return { entry, index }
  }
  const record = proven(bundleFile.entry, bundleFile.proof)
  const genesis = proven(bundleFile.genesis, bundleFile.genesisProof)
  if (genesis.index !== 0n) throw changed(bundleFile.genesis)
  const system = proven(bundleFile.system, bundleFile.systemProof)
  const keys: KeyRecord[] = keyFiles(files).map((name) => {
    const { entry, index } = proven(name, name.replace(/\.json$/, '.tlog-proof'))
    if (name !== `${bundleFile.keys}${index}.json`) throw changed(name)
    return { index, entry }
  })
  const original = originalName(files)
  const facts = recordFacts({
    founded,
    newest,
    checkpoint,
    policy,
    note: parseProofFile(bytesOf(files, bundleFile.proof)).note,
    record,
    system,
    batch: bytesOf(files, bundleFile.batch),
    refused: files.get(bundleFile.refused),
    keys,
    software,
    ...(original === undefined
      ? {}
      : { original: { name: original.slice(bundleFile.original.length), bytes: bytesOf(files, original) } }),
  })
  // What stands here is read by nobody else.
  const idle = facts.kind === 'record' ? bundleFile.refused : bundleFile.statement
  if (files.has(idle)) throw changed(`${idle}: not of a ${facts.kind}`)
  return {
    value: facts,
    zh: `账本第 ${record.index} 条（快照共 ${checkpoint.size} 条），由条目字节算出的树根与共签的一致；创世条目与区块首条同在此树，所在批次列于该首条。此后是否另有变更、替换、撤回或终止其效力的记录，本包不能证明。`,
    en: `Entry ${record.index} of ${checkpoint.size}: its bytes lead to the root that was cosigned; so do the genesis and the block’s own entry, which lists the record’s batch. That no later record amends, replaces, withdraws or ends it, no bundle shows.`,
  }
}

/** What is proved is a bracket: not before the block's time, not after the members' cosignatures. */
function timeOf({ block, cosigners, receivedAt, receivedByName }: BundleFacts): Checked<true> {
  const last = Math.max(...cosigners.map(({ timeSeconds }) => timeSeconds))
  const received = beijingTime(receivedAt)
  return {
    value: true,
    zh: `不早于区块时间 ${beijingTime(block.time)}（高度 ${block.height}），不晚于成员共签的那一秒 ${beijingTimeOfSeconds(last)}；${receivedByName}称于 ${received} 收到。`,
    en: `Not before block time ${beijingTime(block.time)} (height ${block.height}), not after the second of the cosignatures, ${beijingTimeOfSeconds(last)}; ${receivedByName} says that it received it at ${received}.`,
  }
}

const needsStatement = (facts: BundleFacts | undefined): boolean => facts === undefined || facts.kind === 'record'

function statementOf(files: ArchiveFiles, facts: BundleFacts): Checked<true> {
  if (textOf(files, bundleFile.statement) !== spelledOut(facts.payload!)) throw changed(bundleFile.statement)
  return {
    value: true,
    zh: `${facts.type}，由主体 ${facts.party} 的密钥签署，签名有效；报文标识 ${facts.statementId}。`,
    en: `${facts.type}, signed by a key of ${facts.party}; the signature is good. Statement id ${facts.statementId}.`,
  }
}

function keyOf({ key, block, party }: BundleFacts): Checked<true> {
  if (key === undefined)
    throw new VerificationError('archive.file-missing', `${bundleFile.keys}…: no registration of the key`)
  const at = beijingTime(block.time)
  if (!key.isInTerm) throw new VerificationError('archive.file-changed', `the key’s term does not cover ${at}`)
  const ended = key.endings.length > 0
  const zh = [
    key.standing === 'founding'
      ? `该密钥是创世文件所列${key.name}的中心密钥。`
      : `该密钥属于 ${party}（登记名称：${key.name}${key.isNameOwn ? '，由其自报' : ''}），由第 ${key.registeredAt.join('、')} 条登记，${standingWords(key.standing, key.vouchers).zh}。`,
    ended
      ? `此前第 ${key.endings.join('、')} 条记录涉及该密钥的撤销或轮换；账本在 ${at} 仍接受其签名。`
      : `截至 ${at}，包内没有撤销、轮换该密钥或收回确认的记录；共签的成员按规则核验过，失效密钥签署的报文不能入账。`,
  ]
  const en = [
    key.standing === 'founding'
      ? `It is the centre key of ${key.name} in the genesis.`
      : `It is a key of ${party} (registered as ${key.name}${key.isNameOwn ? ', on its own word' : ''}), registered by entry ${key.registeredAt.join(', ')}, ${standingWords(key.standing, key.vouchers).en}.`,
    ended
      ? `Entry ${key.endings.join(', ')} before this revokes or rotates the key; the ledger still took its signature at ${at}.`
      : `Until ${at} no record here revokes or rotates it, or takes a word for it back; the members who cosigned checked that, for what an ended key signs is refused.`,
  ]
  return { value: true, ...(ended ? { state: 'note' } : {}), zh: zh.join(''), en: en.join(' ') }
}

function standingWords(standing: KeyFacts['standing'], vouchers: readonly string[]): Words {
  if (standing === 'derived') {
    return {
      zh: '由该主体的另一密钥轮换或授权而来，来源与那一密钥相同',
      en: 'to which another key of the same party handed over, or which it lent to; it stands as that one does',
    }
  }
  const names = { zh: vouchers.join('、'), en: vouchers.join(', ') }
  if (standing === 'unilateral') {
    return { zh: `由 ${names.zh} 一方确认（单方登记）`, en: `on the word of ${names.en} alone (one member’s word)` }
  }
  return vouchers.length === 0
    ? { zh: '由该主体自己的密钥确认', en: 'on the word of another key of the same party' }
    : { zh: `由 ${names.zh} 确认`, en: `on the word of ${names.en}` }
}

function membersOf({ members, block, founded, epochs }: BundleFacts): Checked<true> {
  if (epochs.length > 1) {
    const list = (join: string, say: (epoch: EpochFacts) => string): string => epochs.map(say).join(join)
    const named = ({ members: of }: EpochFacts, join: string): string => of.map(({ name }) => name).join(join)
    return {
      value: true,
      zh: `自 ${beijingTime(founded.foundedAt)} 创世至共签该快照的一届，成员有过 ${epochs.length - 1} 次变动，每次均由上一届证明；本条属第 ${block.epoch} 届。${list('；', (epoch) => `第 ${epoch.number} 届（第 ${epoch.size} 条起，${begunWords[epoch.begunBy].zh}）：${named(epoch, '、')}`)}。`,
      en: `From the founding at ${beijingTime(founded.foundedAt)} to those who cosigned the checkpoint, members changed ${epochs.length - 1} times, each change proven by those before; the record is of epoch ${block.epoch}. ${list('; ', (epoch) => `Epoch ${epoch.number} (from entry ${epoch.size} on, ${begunWords[epoch.begunBy].en}): ${named(epoch, ', ')}`)}.`,
    }
  }
  const names = members.map(({ name }) => name)
  return {
    value: true,
    zh: `自 ${beijingTime(founded.foundedAt)} 创世至该区块为同一届（第 0 届），成员 ${names.length} 个，未有变动：${names.join('、')}。`,
    en: `One epoch (number 0) from the founding at ${beijingTime(founded.foundedAt)} to this block, with ${names.length} members and no change: ${names.join(', ')}.`,
  }
}

const begunWords: Readonly<Record<EpochFacts['begunBy'], Words>> = {
  genesis: { zh: '创世', en: 'the founding' },
  closing: { zh: '由上一届的记录换届', en: 'by a record of the epoch before' },
  refounding: { zh: '上一届失去法定数，由治理密钥重建', en: 're-founded by governance keys, for want of a quorum' },
}

function originalOf(
  files: ArchiveFiles,
  { original, hashes }: BundleFacts,
  { hash }: BundleExpectations,
): Checked<true> {
  const bytes = bytesOf(files, bundleFile.original + original!.name)
  if (hashes.length === 0) throw changed(`${original!.name}: the record names no hash`)
  const unknown = new Set<string>()
  for (const named of hashes) {
    const value = named.algorithm === 'sha256' ? toHex(sha256(bytes)) : hash?.(named.algorithm, bytes)
    if (value === undefined) unknown.add(named.algorithm)
    if (value !== named.value) continue
    return {
      value: true,
      zh: `“${original!.name}”的 ${named.algorithm.toUpperCase()} 与记录中 ${named.pointer} 的哈希一致。`,
      en: `The ${named.algorithm.toUpperCase()} of “${original!.name}” is the one in the record at ${named.pointer}.`,
    }
  }
  if (unknown.size === 0) throw changed(original!.name)
  const algorithms = [...unknown].join(', ').toUpperCase()
  return {
    value: true,
    state: 'note',
    zh: `记录的是 ${algorithms} 哈希，这里不能计算；请用 gongzheng verify 或 openssl dgst -sm3 核对“${original!.name}”。`,
    en: `The record names a hash by ${algorithms}, which cannot be computed here; check “${original!.name}” with gongzheng verify or openssl dgst -sm3.`,
  }
}

function pagesOf(files: ArchiveFiles, facts: BundleFacts, { verifierPage }: BundleExpectations): Checked<true> {
  const manifest = textOf(files, bundleFile.manifest)
  if (manifest !== manifestOf(facts, editionOf(manifest))) throw changed(bundleFile.manifest)
  // It stands on the explanation, in the exporter's words: two names and two versions, and no sentence.
  if (!softwareForm.test(facts.software)) throw changed(`${bundleFile.manifest}: software`)
  const explanation = textOf(files, bundleFile.explanation)
  const page = bytesOf(files, bundleFile.verifier)
  if (editionOf(manifest) !== explanationEdition) {
    return {
      value: true,
      state: 'note',
      zh: `取证包由另一版本的软件导出，本软件不能重新生成其说明页来比对：${bundleFile.explanation}与${bundleFile.verifier}均未经核对，可能与证据不符，请勿采信，只以各项核验结果为准。`,
      en: `Another edition of the software made the bundle, and its explanation cannot be made again here. ${bundleFile.explanation} and ${bundleFile.verifier} were not compared with anything and may say what the evidence does not: go by these claims alone.`,
    }
  }
  if (explanation !== explanationPage(facts, [...files.keys()])) throw changed(bundleFile.explanation)
  if (verifierPage !== undefined && toHex(sha256(page)) !== verifierPage) {
    return {
      value: true,
      state: 'note',
      zh: `说明页与证据一致。包内的${bundleFile.verifier}不是本软件所带的那一份，请勿以其结果为准。`,
      en: `The explanation says what the evidence says. ${bundleFile.verifier} is not the one that this software ships: do not go by it.`,
    }
  }
  return {
    value: true,
    zh: `说明页与证据逐字一致。${verifierPage === undefined ? '验证页不能证明自己：请使用可信来源的一份。' : '验证页即本软件所带的一份。'}`,
    en: `The explanation says word for word what the evidence says. ${verifierPage === undefined ? 'No verifier page proves itself: use one from a source that you trust.' : 'The verifier page is the one that this software ships.'}`,
  }
}

const softwareForm = /^gongzheng [0-9A-Za-z.+-]{1,40}; node [0-9A-Za-z.+-]{1,40}$/

function asExpected({ founded, policy }: Founded, expected: BundleExpectations): Checked<true> {
  if (expected.fingerprint !== undefined) {
    if (!isFingerprintOf(expected.fingerprint, founded.ledger)) {
      throw new VerificationError('founding.other-ledger', `${founded.fingerprint}, not ${expected.fingerprint}`)
    }
  }
  if (expected.policy !== undefined && formatPolicy(parsePolicy(expected.policy)) !== formatPolicy(policy)) {
    throw new VerificationError('founding.other-ledger', 'the policy is another')
  }
  return {
    value: true,
    zh: `与所给的账本资料一致：${founded.fingerprint}。`,
    en: `It is the ledger that you gave: ${founded.fingerprint}.`,
  }
}

// ── files that follow from the rest ──────────────────────────────────────────────────────────────────────────────────────────────

/** As sha256sum writes and checks them; of everything but itself. */
function sumsOf(files: ArchiveFiles): string {
  return [...files.keys()]
    .filter((name) => name !== bundleFile.sums)
    .sort()
    .map((name) => `${toHex(sha256(files.get(name)!))}  ${name}\n`)
    .join('')
}

const manifestOf = (facts: BundleFacts, edition: number = explanationEdition): string =>
  `${canonicalJson({
    format: manifestFormat,
    edition,
    software: facts.software,
    ledger: facts.founded.ledger,
    index: String(facts.index),
    size: String(facts.size),
  })}\n`

const manifestIn = (text: string): JsonObject => {
  const value = parseJson(text)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw changed(bundleFile.manifest)
  return value as JsonObject
}

function editionOf(manifest: string): number {
  const { edition } = manifestIn(manifest)
  return typeof edition === 'number' && Number.isSafeInteger(edition) ? edition : 0
}

function softwareOf(files: ArchiveFiles): string {
  const { software } = manifestIn(textOf(files, bundleFile.manifest))
  return typeof software === 'string' ? software : ''
}

/** JSON as people read it. */
const spelledOut = (payload: JsonObject): string => `${JSON.stringify(payload, null, 2)}\n`

function keyFiles(files: ArchiveFiles): readonly string[] {
  const names = [...files.keys()].filter((name) => name.startsWith(bundleFile.keys) && name.endsWith('.json'))
  if (names.length > keyRecordsMax) throw changed(`${names.length} records about one key`)
  return names.sort((a, b) => (a.length === b.length ? (a < b ? -1 : 1) : a.length - b.length))
}

function bytesOf(files: ArchiveFiles, name: string): Uint8Array {
  const bytes = files.get(name)
  if (bytes === undefined) throw new VerificationError('archive.file-missing', name)
  return bytes
}

function textOf(files: ArchiveFiles, name: string): string {
  try {
    return fromUtf8(bytesOf(files, name))
  } catch (error) {
    if (error instanceof VerificationError) throw error
    throw changed(name)
  }
}

// ── what failed ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A claim rests on one that does not hold. */
class Open extends Error {}

function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Open()
  return value
}

function failureOf(error: unknown): Pick<Claim, 'state' | 'detail' | 'code'> {
  if (error instanceof Open) {
    return {
      state: 'open',
      detail: { zh: '前面的一项不成立，未能核验。', en: 'Not checked, because something before it does not hold.' },
    }
  }
  if (!(error instanceof VerificationError || error instanceof Refusal)) throw error
  const words = verificationTexts[error.code]
  const detail = error.message
  return {
    state: 'bad',
    code: error.code,
    detail: {
      zh: `${words?.zh.title ?? '不成立'}：${detail}`,
      en: `${words?.en.title ?? 'It does not hold'}: ${detail}`,
    },
  }
}

const changed = (detail: string): VerificationError => new VerificationError('archive.file-changed', detail)
