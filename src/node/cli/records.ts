/** `submit`, `get`, `verify` and `status`: what a submitter, and whoever checks, does with a ledger. */

import type { StatusAnswer } from '../../api/answers.ts'
import type { Submitted } from '../../api/client/client.ts'
import { fromBase64 } from '../../chain/bytes.ts'
import { entryWords } from '../../chain/entry-words.ts'
import { parseJson } from '../../chain/json.ts'
import { formatReceiptFile } from '../../chain/receipt-file.ts'
import { Refusal } from '../../chain/refusal.ts'
import { parseStatement, signStatement, statementBytesMax } from '../../chain/statement.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import { type VerifiedEntry, verifyProofFile } from '../../chain/verify.ts'
import { clientFor, urlOf } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes, readText, writeWhole } from './files.ts'
import { passphraseFrom } from './founding-commands.ts'
import { both } from './language.ts'
import { policyOf } from './policy.ts'
import { beijingTime } from './review.ts'
import { loadSigningKey } from './signing-key.ts'
import { columns, type Terminal } from './terminal.ts'

export interface SubmitOptions {
  /** A JSON file of fields, or a ready compact JWS; `-` for standard input. */
  readonly file: string
  readonly key?: string
  readonly home?: string
  readonly party?: string
  readonly url?: string
  /** Wait for attestation, as long as the member does by default. */
  readonly wait?: true
  /** Wait, and so long at most. */
  readonly waitSeconds?: string
  readonly passphraseFile?: string
  /** Write the receipt here, with the statement. */
  readonly receipt?: string
  /** Write the signed statement here, and do not submit it. */
  readonly signOnly?: string
}

export async function submit(options: SubmitOptions, terminal: Terminal): Promise<ExitCode> {
  const text = readText(options.file).trim()
  const ready = isJws(text) ? text : statementIn(text)
  if (ready !== undefined) return sendStatement(ready, sendOptions(options, urlOf(options.url)), terminal)
  const { key, home } = options
  const signing = await loadSigningKey({
    ...(key === undefined ? {} : { key }),
    ...(home === undefined ? {} : { home }),
    passphrase: passphraseFrom(options.passphraseFile),
  })
  const fields = parseJson(text)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw new Refusal('statement.malformed', `${options.file}: not a JSON object`)
  }
  const object = fields as { readonly [name: string]: never }
  const party = options.party ?? object.party ?? signing.party
  if (party === undefined) throw new Refusal('key.no-party')
  const url = urlOf(options.url, signing.home?.url)
  const ledger = object.ledger ?? signing.home?.ledger ?? (await clientFor(url, terminal.language).status()).ledger
  const statement = signStatement({ ...object, ledger, party }, signing.signer)
  if (statement.length > statementBytesMax) throw new Refusal('statement.too-large', `${statement.length} characters`)
  // Before it leaves this machine: what is no statement may be a private key, or a bid's own file, given in the wrong place.
  parseStatement(statement, ledger)
  if (options.signOnly !== undefined) {
    writeWhole(options.signOnly, statement)
    terminal.say(both(`已签名：${options.signOnly}`, `Signed: ${options.signOnly}`))
    terminal.json({ ok: true, statement: options.signOnly })
    return exitCode.done
  }
  return sendStatement(statement, sendOptions(options, url), terminal)
}

const sendOptions = (options: SubmitOptions, url: string): SendOptions => ({
  url,
  waitSeconds: waitSecondsOf(options),
  ...(options.receipt === undefined ? {} : { receipt: options.receipt }),
})

export interface SendOptions {
  readonly url: string
  /** Undefined: the member's own. With a number, an end without attestation is exit code 4. */
  readonly waitSeconds: number | undefined
  /** File for the receipt. */
  readonly receipt?: string
}

export async function sendStatement(statement: string, options: SendOptions, terminal: Terminal): Promise<ExitCode> {
  const submitted = await submitKeeping(statement, options, terminal)
  if (submitted.kind === 'attested') {
    const { record } = submitted
    terminal.say(
      record.duplicate
        ? both(
            `此前已在账本中，同一记录：编号 ${record.index}`,
            `On the ledger before, the same record: index ${record.index}`,
          )
        : both(`已共证：编号 ${record.index}`, `Attested: index ${record.index}`),
    )
    terminal.say(
      columns([
        [terminal.text(both('报文标识', 'Statement id')), record.statementId],
        [terminal.text(both('区块时间', 'Block time')), record.blockTime],
        [terminal.text(both('区块高度', 'Height')), record.height],
      ]),
    )
    terminal.json({ ok: true, ...record })
    return exitCode.done
  }
  const { pending } = submitted
  terminal.say(
    both(
      `已接收并出具回执，尚未共证（${pending.status}）。报文标识 ${pending.statementId}；若多数成员在线，最迟 ${pending.receipt.by} 入账或被拒绝；停摆期间顺延，报文不会丢失。`,
      `Received, with a receipt, not attested yet (${pending.status}). Statement id ${pending.statementId}; in, or refused, by ${pending.receipt.by} while a quorum of members is up; an outage delays it and loses nothing.`,
    ),
  )
  terminal.json({ ok: true, ...pending })
  return options.waitSeconds === 0 ? exitCode.done : exitCode.pending
}

/** With a file for the receipt, that is on the disk before anybody waits: who is cut off while waiting still has it. */
async function submitKeeping(statement: string, options: SendOptions, terminal: Terminal): Promise<Submitted> {
  const { url, waitSeconds, receipt: file } = options
  const client = clientFor(url, terminal.language, 5)
  const waiting = waitSeconds === undefined ? {} : { waitSeconds }
  if (file === undefined) return client.submit(statement, waiting)
  const first = await client.submit(statement, { waitSeconds: 0 })
  const receipt = first.kind === 'attested' ? first.record.receipt : first.pending.receipt
  if (receipt === null) {
    terminal.remark(
      both(
        '该报文此前已在账本中，节点没有出具新的回执。',
        'The statement was on the ledger before, so the node gave no receipt.',
      ),
    )
  } else keepReceipt(file, formatReceiptFile({ ...receipt }, statement), terminal)
  if (first.kind === 'attested' || waitSeconds === 0) return first
  const second = await client.submit(statement, waiting)
  // It is our own that stands there now.
  return second.kind === 'attested' ? { ...second, record: { ...second.record, duplicate: false } } : second
}

/** Once the statement is on the ledger nobody gives a receipt for it again. @throws {Refusal} file.unwritable */
function keepReceipt(file: string, text: string, terminal: Terminal): void {
  try {
    writeWhole(file, text, { replace: true })
  } catch (error) {
    terminal.remark(
      both(
        `报文已接收，节点出具了回执，但未能写入 ${file}。回执如下，请自行保存：\n${text}`,
        `The statement was received and the node gave a receipt, which could not be written to ${file}. Keep it from here:\n${text}`,
      ),
    )
    throw error
  }
}

export interface GetOptions {
  readonly id: string
  readonly url?: string
  readonly proof?: string
  readonly entry?: string
  readonly policy?: string
}

/** A record, and the files with which anybody can check it later. */
export async function get(options: GetOptions, terminal: Terminal): Promise<ExitCode> {
  const { id, proof, entry, policy } = options
  const client = clientFor(urlOf(options.url), terminal.language)
  const found = await client.record(id)
  if (found.kind === 'pending') {
    terminal.json({ ok: false, ...found.pending })
    throw new CommandFailure('record.pending', found.pending.statementId, exitCode.pending)
  }
  const { record } = found
  const written: [string, string][] = []
  if (proof !== undefined) {
    const text = await client.proofFile(record.index)
    writeWhole(proof, text, { replace: true })
    written.push([terminal.text(both('证明文件', 'Proof file')), proof])
  }
  if (entry !== undefined) {
    writeWhole(entry, fromBase64(record.entry)!, { replace: true })
    written.push([terminal.text(both('条目文件', 'Entry file')), entry])
  }
  if (policy !== undefined) {
    writeWhole(policy, await client.policy(), { replace: true })
    written.push([terminal.text(both('信任清单', 'Policy file')), policy])
  }
  const { entry: _bytes, ...row } = record
  terminal.say(
    columns([
      [terminal.text(both('编号', 'Index')), record.index],
      [terminal.text(both('类型', 'Type')), record.type],
      [terminal.text(both('状态', 'Status')), statusWords(record.status, terminal)],
      [terminal.text(both('报文标识', 'Statement id')), record.statementId ?? '—'],
      [terminal.text(both('主体', 'Party')), record.party ?? '—'],
      [terminal.text(both('密钥来源', 'Key standing')), standingWords(record.keyStanding, terminal)],
      [terminal.text(both('接收成员', 'Received by')), record.member ?? '—'],
      [terminal.text(both('接收时间', 'Received at')), record.receivedAt ?? '—'],
      [terminal.text(both('区块时间', 'Block time')), record.blockTime],
      ...written,
    ]),
  )
  terminal.say(JSON.stringify(record.payload, null, 2))
  terminal.json({ ok: true, ...row, files: { proof, entry, policy } })
  return exitCode.done
}

export interface VerifyOptions {
  readonly policy: string
  readonly proof: string
  readonly entry: string
}

/** Off-line: three files and nothing else. Exit code 0 only for a good proof; 1 for one that is not; 2 when a file cannot be used. */
export function verify(options: VerifyOptions, terminal: Terminal): ExitCode {
  const policyBytes = readBytes(options.policy)
  const proofFile = readBytes(options.proof)
  const entry = readBytes(options.entry)
  let verified: VerifiedEntry
  try {
    const policy = policyOf(policyBytes)
    verified = verifyProofFile({ policy, proofFile, entry })
  } catch (error) {
    if (error instanceof VerificationError) {
      terminal.say(both('不可信：验证未通过', 'Not verified'))
    }
    throw error
  }
  const { index, size, origin, cosigners } = verified
  terminal.say(
    both(
      `可信：该条目是账本 ${origin} 的第 ${index} 条，账本快照共 ${size} 条`,
      `Verified: this entry is number ${index} of the ledger ${origin}, in a checkpoint of ${size} entries`,
    ),
  )
  const said = entryWords(entry)
  terminal.say(said)
  if (cosigners.length === 0) {
    terminal.remark(
      both(
        '没有成员共签：这份信任清单不要求共签，只有一个节点的签名。',
        'Nobody cosigned: this policy asks for no cosignature, and one node’s signature is all there is.',
      ),
    )
  }
  terminal.say(
    columns(
      cosigners.map(({ name, timeSeconds }) => [
        `  ${terminal.text(both('共签', 'cosigned by'))} ${name}`,
        beijingTime(timeSeconds * 1000).replace('.000', ''),
      ]),
    ),
  )
  terminal.json({
    ok: true,
    origin,
    index: String(index),
    size: String(size),
    kind: said.kind,
    cosigners: cosigners.map(({ name, timeSeconds }) => ({ name, time: beijingTime(timeSeconds * 1000) })),
  })
  return exitCode.done
}

export interface StatusOptions {
  readonly url?: string
}

export async function status(options: StatusOptions, terminal: Terminal): Promise<ExitCode> {
  const answer = await clientFor(urlOf(options.url), terminal.language).status()
  terminal.say(statusText(answer, terminal))
  terminal.json({ ok: true, ...answer })
  return exitCode.done
}

function statusText(answer: StatusAnswer, terminal: Terminal): string {
  const t = (zh: string, en: string): string => terminal.text(both(zh, en))
  const { quorum, peers, scheduled, hindrances } = answer
  const lines = columns([
    [t('账本', 'Ledger'), `${answer.name}  ${answer.fingerprint}`],
    [t('成员', 'Member'), `${answer.member}  (${answer.role}, ${t('届内任期', 'term')} ${answer.term})`],
    [t('牵头节点', 'Leader'), answer.leader ?? t('暂无', 'none')],
    [t('区块高度', 'Height'), answer.height],
    [t('已同步', 'Replicated'), answer.replicatedSize],
    [t('已共证', 'Attested'), `${answer.attestedSize}${answer.attestedAt === null ? '' : `  (${answer.attestedAt})`}`],
    [t('待入账', 'Pending'), String(answer.pendingStatements)],
    [
      t('共签人数', 'Quorum'),
      t(
        `共 ${quorum.members} 个成员，须 ${quorum.needed} 个，已连接 ${quorum.connected} 个，尚缺 ${quorum.missing} 个`,
        `${quorum.needed} of ${quorum.members}; ${quorum.connected} connected, ${quorum.missing} missing`,
      ),
    ],
    ...peers.map(({ member, connected }): [string, string] => [
      `  ${member}`,
      connected ? t('已连接', 'connected') : t('未连接', 'not connected'),
    ]),
    ...scheduled.map(({ name, from, known }): [string, string] => [
      t('将生效', 'To come'),
      `${name}  ${t(`自高度 ${from} 起`, `from height ${from} on`)}${known ? '' : t('（本软件不认识）', ' (not known to this software)')}`,
    ]),
  ])
  const troubles = hindrances.map(({ code, title, remedy }) => `! ${title} (${code}): ${remedy}`)
  return [lines, ...troubles].join('\n')
}

const statusWords = (standing: string, terminal: Terminal): string =>
  terminal.text(
    standing === 'attested'
      ? both('已共证', 'attested')
      : standing === 'replicated'
        ? both('已同步，待共签', 'replicated')
        : both('已接收', 'accepted'),
  )

const standingWords = (standing: 'agreed' | 'unilateral' | null, terminal: Terminal): string =>
  standing === null
    ? '—'
    : terminal.text(standing === 'agreed' ? both('多方认可', 'agreed') : both('单方登记', 'one member’s word'))

/** That of a receipt file, to be brought to another member. */
function statementIn(text: string): string | undefined {
  try {
    const { receipt, statement } = JSON.parse(text) as Readonly<Record<string, unknown>>
    return typeof receipt === 'object' && typeof statement === 'string' && isJws(statement) ? statement : undefined
  } catch {
    return undefined
  }
}

/** Three parts of base64url: no JSON document looks like that. */
const isJws = (text: string): boolean => /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(text)

function waitSecondsOf({ wait, waitSeconds }: SubmitOptions): number | undefined {
  // Without either the receipt is enough.
  if (waitSeconds === undefined) return wait === true ? undefined : 0
  if (!/^\d{1,3}$/.test(waitSeconds)) {
    throw new CommandFailure('usage.wrong', `--wait-seconds ${waitSeconds}`, exitCode.unusable)
  }
  return Number(waitSeconds)
}
