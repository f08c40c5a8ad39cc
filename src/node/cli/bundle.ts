/**
 * Court bundles (取证包): `export bundle` asks one member for a record and for everything that proves it, and writes nothing that does not
 * verify; `verify X.zip` checks a bundle off-line, claim by claim.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import manifest from '../../../package.json' with { type: 'json' }
import type { BlockAnswer, RecordAnswer } from '../../api/answers.ts'
import type { Client } from '../../api/client/client.ts'
import { archiveBytesMax } from '../../chain/archive.ts'
import { batchFile } from '../../chain/batch-file.ts'
import { decodeBlock } from '../../chain/block.ts'
import {
  assembleBundle,
  type BundleExpectations,
  type BundleReport,
  type Claim,
  keyRecordsMax,
  verifyBundle,
} from '../../chain/bundle.ts'
import { hashesIn } from '../../chain/bundle-facts.ts'
import { fromBase64, fromUtf8, toBase64 } from '../../chain/bytes.ts'
import { parseEntry } from '../../chain/entry.ts'
import { readFounding } from '../../chain/founding.ts'
import type { JsonObject } from '../../chain/json.ts'
import { isProofFile } from '../../chain/proof-file.ts'
import { parseSignedObject, parseStatement } from '../../chain/statement.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import { visibleLine } from '../../chain/visible.ts'
import { clientFor, urlOf } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes, writeWhole } from './files.ts'
import { both } from './language.ts'
import { epochProofsOf } from './members.ts'
import type { Terminal } from './terminal.ts'

export interface ExportBundleOptions {
  readonly id: string
  readonly url?: string
  readonly file?: string
  readonly out: string
}

/** Declared apart from the other commands: `group` is `export`, which others add to as well. */
export function bundleExport(
  group: Command,
  terminal: Terminal,
  run: (command: Promise<ExitCode>) => Promise<void>,
): void {
  const t = (zh: string, en: string): string => terminal.text({ zh, en })
  group
    .command('bundle')
    .description(
      t(
        '取证包：一条记录及其全部证明，自带说明页与验证页',
        'court bundle: a record with all that proves it, a page that explains it and one that checks it',
      ),
    )
    .argument('<id>', t('编号或报文标识', 'index or statement id'))
    .requiredOption('--out <file>', t('写到（.zip）', 'write to (.zip)'))
    .option('--file <original>', t('一并放入的原始文件', 'the original file, to go along'))
    .option('--url <url>', t('成员节点网址', 'URL of a member’s node'))
    .action((id: string, options: Omit<ExportBundleOptions, 'id'>) => run(exportBundle({ ...options, id }, terminal)))
}

export async function exportBundle(options: ExportBundleOptions, terminal: Terminal): Promise<ExitCode> {
  const client = clientFor(urlOf(options.url), terminal.language)
  const found = await client.record(options.id)
  if (found.kind === 'pending') throw new CommandFailure('record.pending', found.pending.statementId, exitCode.pending)
  const { record } = found
  if (record.kind !== 'record' && record.kind !== 'refusal') {
    throw new CommandFailure('bundle.not-a-record', `${record.index}: ${record.kind}`, exitCode.refused)
  }
  const original =
    options.file === undefined
      ? undefined
      : { name: plainName(options.file), bytes: readBytes(options.file, archiveBytesMax / 2) }
  const page = verifierPage()
  const proven = await partsOf(client, record)
  const named = hashedIn(record)
  if (original !== undefined && !named.some(([algorithm, value]) => hashOf(algorithm, original.bytes) === value)) {
    throw new CommandFailure('bundle.hash-differs', options.file!, exitCode.refused)
  }
  const { bytes, report } = assembleBundle(
    {
      ...proven,
      ...(original === undefined ? {} : { original }),
      verifierPage: page,
      software: `gongzheng ${manifest.version}; node ${(await client.status()).version}`,
    },
    { hash: hashOf, verifierPage: createHash('sha256').update(page).digest('hex') },
  )
  writeWhole(options.out, bytes, { replace: true })
  terminal.say(both(`取证包已写到 ${options.out}`, `Court bundle: ${options.out}`))
  sayClaims(report, terminal)
  terminal.json({ ok: report.ok, file: options.out, ...asJson(report) })
  return exitCode.done
}

/** All proofs against the checkpoint that proves the record: one set of cosignatures, and the same bytes whenever it is asked for. */
async function partsOf(client: Client, record: RecordAnswer) {
  const { index } = record
  const proof = await client.proof(index)
  const provedAt = async (at: string) => (await client.proof(at, { size: proof.size })).proofFile
  const { firstIndex: systemIndex, ...block } = await client.block(record.height)
  const genesis = await client.genesis()
  const entry = fromBase64(record.entry)!
  const keys = []
  for (const at of await keyRecordsOf(client, record, genesis)) {
    keys.push({ index: at, entry: await client.entry(at), proof: await provedAt(at) })
  }
  return {
    entry,
    proof: proof.proofFile,
    genesis,
    genesisProof: await provedAt('0'),
    epochs: await epochProofsOf(client, await epochAt(client, proof.size)),
    system: await client.entry(systemIndex),
    systemProof: await provedAt(systemIndex),
    ...sealedIn(block, record, genesis),
    keys,
  }
}

/** The batch in which a statement was sealed; of one that was refused its entry too, since the refusal only names it. */
export function sealedIn(block: Pick<BlockAnswer, 'epoch' | 'bytes'>, record: RecordAnswer, genesis: Uint8Array) {
  const { ledger } = readFounding(genesis)
  const { batches } = decodeBlock(fromBase64(block.bytes)!, { ledger, epoch: Number(block.epoch) })
  const isIt = (bytes: Uint8Array): boolean => {
    if (record.kind === 'record') return toBase64(bytes) === record.entry
    const { member, statement } = parseEntry(bytes)
    return member === record.member && parseStatement(statement, ledger).id === record.statementId
  }
  for (const batch of batches) {
    const item = batch.items.find(({ entry }) => isIt(entry))
    if (item !== undefined)
      return { batch: batchFile(batch), ...(record.kind === 'record' ? {} : { refused: item.entry }) }
  }
  throw new VerificationError('archive.file-missing', `record ${record.index} is in no batch of its block`)
}

/** Number of the epoch whose members attest a tree of this size, as this member says. */
async function epochAt(client: Client, size: string): Promise<number> {
  const { epochs } = await client.epochs()
  return Math.max(
    0,
    epochs.findLastIndex((epoch) => BigInt(epoch.size) < BigInt(size)),
  )
}

/**
 * Records before this one that say something about the key that signed it: its registrations, its end. The member's word; that a record
 * signed by an ended key would not be there is what the cosignatures stand for.
 */
async function keyRecordsOf(client: Client, record: RecordAnswer, genesis: Uint8Array): Promise<readonly string[]> {
  if (record.kind !== 'record' || record.party === null) return []
  const { ledger } = readFounding(genesis)
  const { kid } = parseStatement(parseEntry(fromBase64(record.entry)!).statement, ledger)
  const found = new Set<string>()
  const filters = [
    { type: 'party.register@1', party: record.party },
    { type: 'party.register@2', party: record.party },
    { subject: `key/${kid}` },
    { type: 'key.rotate@1', kid },
  ]
  for (const filter of filters) {
    for await (const row of client.list(filter)) {
      if (BigInt(row.index) >= BigInt(record.index)) break
      if (isAbout(row.payload, kid) || (row.type.startsWith('key.rotate@') && 'kid' in filter)) found.add(row.index)
      if (found.size >= keyRecordsMax) break
    }
  }
  return [...found].sort((a, b) => Number(BigInt(a) - BigInt(b)))
}

function isAbout({ request, kid: named }: JsonObject, kid: string): boolean {
  return named === kid || (typeof request === 'string' && parseSignedObject(request, 4_096).kid === kid)
}

/** The page that goes into every bundle, as it is built and committed (`npm run build:page`). */
export const verifierPage = (): Uint8Array => readFileSync(new URL('../../page/verifier.html', import.meta.url))

const hashOf = (algorithm: string, bytes: Uint8Array): string | undefined =>
  algorithm === 'sha256' || algorithm === 'sm3' ? createHash(algorithm).update(bytes).digest('hex') : undefined

const hashedIn = ({ payload }: RecordAnswer): readonly (readonly [string, string])[] =>
  hashesIn(payload).map(({ algorithm, value }) => [algorithm, value])

/** A name that every system can unpack. */
const plainName = (path: string): string =>
  basename(path)
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\\:*?"<>|]/gu, '_')
    .slice(0, 120) || 'original'

export interface VerifyBundleOptions {
  readonly file: string
  readonly fingerprint?: string
  readonly policy?: string
}

/** Exit code 0 when every claim holds, 1 when one does not. */
export function verifyBundleFile(options: VerifyBundleOptions, terminal: Terminal): ExitCode {
  const { file, fingerprint, policy } = options
  const expected: BundleExpectations = {
    hash: hashOf,
    verifierPage: createHash('sha256').update(verifierPage()).digest('hex'),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(policy === undefined ? {} : { policy: fromUtf8(readBytes(policy)) }),
  }
  const bytes = readBytes(file, archiveBytesMax)
  // Of the three files that belong together it is the one that is given by itself.
  if (isProofFile(bytes)) {
    throw new CommandFailure('usage.wrong', `verify --policy FILE --proof ${file} --entry FILE`, exitCode.unusable)
  }
  const report = verifyBundle(bytes, expected)
  terminal.say(
    report.ok
      ? both('成立：取证包的各项均通过核验', 'Verified: every claim of the bundle holds')
      : both('不可信：取证包有未通过的项目', 'Not verified: a claim of the bundle does not hold'),
  )
  sayClaims(report, terminal)
  if (report.ok && fingerprint === undefined && policy === undefined) {
    terminal.remark(
      terminal.text(
        both(
          `请将指纹 ${report.fingerprint} 与章程所印的核对（或以 --fingerprint 给出）：以上各项只对这个指纹的账本成立。`,
          `Compare the fingerprint ${report.fingerprint} with the charter (or give it with --fingerprint): the claims hold for the ledger with this fingerprint.`,
        ),
      ),
    )
  }
  terminal.json({ ok: report.ok, ...asJson(report) })
  return report.ok ? exitCode.done : exitCode.refused
}

const marks: Readonly<Record<Claim['state'], string>> = { good: '✓', bad: '✗', note: '!', open: '?' }

function sayClaims({ claims }: BundleReport, terminal: Terminal): void {
  for (const { state, title, detail } of claims) {
    // One line each: no name can make a claim of its own.
    const words = visibleLine(terminal.text(detail))
    terminal.say(`${marks[state]} ${terminal.text(title)}${terminal.text(both('：', ': '))}${words}`)
  }
}

function asJson({ claims, facts, fingerprint }: BundleReport) {
  return {
    fingerprint,
    ...(facts === undefined ? {} : { index: String(facts.index), statementId: facts.statementId }),
    claims: claims.map(({ id, state, code, detail }) => ({
      id,
      state,
      ...(code === undefined ? {} : { code }),
      detail,
    })),
  }
}
