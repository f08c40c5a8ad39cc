/**
 * `receipt status`: where a statement stands for which a member gave a receipt (回执). The receipt's own signature is checked first, then members
 * are asked, one after the other, until one shows the record or the refusal that answers it; and nothing is said to be an answer before its
 * proof has been checked against the members' keys. Without an answer the command says plainly what is known and what to do next. It blames
 * nobody: a receipt that is late is no contradiction (protocol.md, rule 29).
 */
import type { Command } from 'commander'
import { type Client, ConnectionError, ProblemError } from '../../api/client/client.ts'
import { type Epoch, epochOfSize } from '../../chain/epoch.ts'
import { type FoundedLedger, type GenesisMember, isFingerprintOf, readFounding } from '../../chain/founding.ts'
import { epochPolicy } from '../../chain/member-policy.ts'
import { membersOfEpoch, policyForNote } from '../../chain/membership.ts'
import { parseNote } from '../../chain/note.ts'
import { checkNoteAgainstPolicy, formatPolicy, type TrustedCheckpoint } from '../../chain/policy.ts'
import { verifyProofFile } from '../../chain/proof-check.ts'
import { parseProofFile } from '../../chain/proof-file.ts'
import {
  answerIn,
  checkReceipt,
  type KeptReceipt,
  parseReceiptFile,
  type ReceiptAnswer,
} from '../../chain/receipt-file.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import { clientFor, urlOf } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes, writeWhole } from './files.ts'
import { both } from './language.ts'
import { newestEpochOf } from './members.ts'
import { type ReceiptCheckOptions, receiptCheck } from './receipt-check.ts'
import { beijingTime } from './review.ts'
import { columns, type Terminal } from './terminal.ts'

export interface ReceiptStatusOptions {
  readonly file: string
  readonly url?: readonly string[]
  readonly genesis?: string
  readonly fingerprint?: string
  readonly proof?: string
  readonly entry?: string
  readonly policy?: string
}

/** `receipt status` for statements, `receipt check` for sealed bids. */
export function receiptCommands(
  program: Command,
  terminal: Terminal,
  run: (command: Promise<ExitCode>) => Promise<void>,
): void {
  const t = (zh: string, en: string): string => terminal.text({ zh, en })
  const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
  const receipt = program
    .command('receipt')
    .description(
      t('回执：成员签名承诺“已收到，最迟何时入账”', 'receipts: a member’s signed word that it received, and by when'),
    )
  receipt
    .command('status')
    .description(
      t(
        '持回执者查询：入账证明、拒绝记录，或目前处于何种状况',
        'for whoever holds one: the record’s proof, its refusal record, or plainly where it stands',
      ),
    )
    .argument(
      '<file>',
      t('回执文件（submit --receipt），或接口的应答', 'the receipt (submit --receipt), or what the API answered'),
    )
    .option(
      '--url <url>',
      t('成员节点网址，可多次给出，依次询问', 'URL of a member’s node, repeatable: asked in turn'),
      list,
    )
    .option(
      '--genesis <file>',
      t('创世文件（默认向节点取得并核对）', 'genesis of the ledger (default: asked for, and checked)'),
    )
    .option('--fingerprint <fingerprint>', t('章程所印的账本指纹', 'fingerprint of the ledger, as in its charter'))
    .option('--proof <file>', t('入账或拒绝的证明文件写到', 'write the proof of what answers it to'))
    .option('--entry <file>', t('其条目的原始字节写到', 'write the entry’s bytes to'))
    .option('--policy <file>', t('验证信任清单写到', 'write the policy to verify them by to'))
    .action((file: string, options: Omit<ReceiptStatusOptions, 'file'>) =>
      run(receiptStatus({ ...options, file }, terminal)),
    )
  receipt
    .command('check')
    .description(
      t(
        '密封投标的回执：何时收到、有没有改动、在不在封标中、何时由谁开启',
        'of a sealed bid: when received, whether changed, whether in the close, when and by whom opened',
      ),
    )
    .argument(
      '<files...>',
      t(
        '回执、自存文件、密文、创世文件、清单、记录的条目与证明，次序不限',
        'receipt, own file, encrypted file, genesis, policy, entries of records and their proofs, in any order',
      ),
    )
    .option(
      '--url <url>',
      t(
        '成员节点网址，可多次给出：其余向其取得并核验',
        'URL of a member’s node, repeatable: asked for the rest, which is checked',
      ),
      list,
    )
    .option('--fault <file>', t('封标漏叶时，矛盾签名写到', 'where a close lacks the leaf: write the fault proof to'))
    .action((files: readonly string[], options: Omit<ReceiptCheckOptions, 'files'>) =>
      run(receiptCheck({ ...options, files }, terminal)),
    )
}

/** What one member said. `not-proven`: it claims an answer that does not stand up. */
interface Asked {
  readonly url: string
  readonly says: 'record' | 'refusal' | 'pending' | 'unknown' | 'no-answer' | 'not-proven'
  readonly detail: string
}

interface Answer {
  readonly answer: ReceiptAnswer
  readonly index: bigint
  readonly entry: Uint8Array
  readonly proofFile: string
  readonly checkpoint: TrustedCheckpoint
}

/** `overdue`: the ledger attested after the window's end, and nobody who was asked shows an answer. `standstill`: it attested nothing since. */
type State = 'recorded' | 'refused' | 'waiting' | 'standstill' | 'overdue'

/** Exit code 0 with the record, 1 with a refusal or a receipt that is none, 3 when nobody answered, 4 as long as there is no answer to it. */
export async function receiptStatus(options: ReceiptStatusOptions, terminal: Terminal): Promise<ExitCode> {
  const { receipt, statement } = parseReceiptFile(readBytes(options.file))
  const urls = options.url ?? [urlOf(undefined)]
  const { founded, genesis } = await foundingOf(receipt, urls, options, terminal)
  const clients = urls.map((url) => clientFor(url, terminal.language))
  const ledger: Members = { founded, newest: await newestEpochOf(founded, genesis, clients) }
  const member = checkReceipt(receipt, membersOfEpoch(ledger.newest, receipt.epoch))
  const asked: Asked[] = []
  let answer: Answer | undefined
  let elsewhere: Answer | undefined
  let newest: TrustedCheckpoint | undefined
  for (const [at, url] of urls.entries()) {
    const client = clients[at]!
    const { found, ...said } = await ask(url, client, receipt, ledger)
    asked.push(said)
    // Another member's copy of the statement was refused; this one's answer is yet to come (protocol.md, rule 25).
    if (found?.answer.kind === 'refusal' && found.answer.member !== receipt.member) elsewhere = found
    else if (found !== undefined) answer = found
    const checkpoint = found?.checkpoint ?? (await checkpointOf(client, ledger))
    if (checkpoint !== undefined && (newest === undefined || checkpoint.size > newest.size)) newest = checkpoint
    if (answer !== undefined) break
  }
  if (asked.every(({ says }) => says === 'no-answer')) {
    throw new CommandFailure('connection.no-answer', asked.map(({ url }) => url).join(' '), exitCode.noAnswer)
  }
  const passed = newest === undefined ? undefined : attestedTimeOf(newest, ledger)
  const state: State =
    answer?.answer.kind === 'record'
      ? 'recorded'
      : answer !== undefined
        ? 'refused'
        : passed !== undefined && passed > receipt.by
          ? 'overdue'
          : Date.now() > receipt.by
            ? 'standstill'
            : 'waiting'
  const files = writeFiles(options, answer, ledger)
  say({ receipt, member, ledger, state, answer, elsewhere, asked, newest, statement, file: options.file }, terminal)
  terminal.json({
    ok: state === 'recorded',
    state,
    statement: receipt.statement,
    ledger: receipt.ledger,
    fingerprint: founded.fingerprint,
    member: receipt.member,
    receivedAt: beijingTime(receipt.receivedAt),
    by: beijingTime(receipt.by),
    attestedSize: { atReceipt: String(receipt.attestedSize), now: newest === undefined ? null : String(newest.size) },
    attestedAt: passed === undefined ? null : beijingTime(passed),
    index: answer === undefined ? null : String(answer.index),
    code: answer?.answer.kind === 'refusal' ? answer.answer.code : null,
    refusedElsewhere: elsewhere === undefined ? null : String(elsewhere.index),
    asked,
    hasStatement: statement !== undefined,
    files,
  })
  return state === 'recorded' ? exitCode.done : state === 'refused' ? exitCode.refused : exitCode.pending
}

/** The ledger's founding, and the newest epoch that is proven from there. */
interface Members {
  readonly founded: FoundedLedger
  readonly newest: Epoch
}

/** The genesis hashes to the ledger that the receipt names, whoever gave it. */
async function foundingOf(
  receipt: KeptReceipt,
  urls: readonly string[],
  { genesis, fingerprint }: ReceiptStatusOptions,
  terminal: Terminal,
): Promise<{ readonly founded: FoundedLedger; readonly genesis: Uint8Array }> {
  const other = (detail: string): CommandFailure => new CommandFailure('receipt.other-ledger', detail, exitCode.refused)
  let founded: FoundedLedger | undefined
  let bytes = genesis === undefined ? new Uint8Array() : readBytes(genesis)
  if (genesis !== undefined) {
    founded = readFounding(bytes)
    if (founded.ledger !== receipt.ledger) throw other(`${genesis}: ${founded.fingerprint}`)
  }
  let shown = ''
  for (const url of urls) {
    if (founded !== undefined) break
    try {
      bytes = await clientFor(url, terminal.language).genesis()
      const served = readFounding(bytes)
      if (served.ledger === receipt.ledger) founded = served
      else shown = `${url}: ${served.fingerprint}`
    } catch (error) {
      if (!isOfTheServer(error)) throw error
    }
  }
  if (founded === undefined) {
    if (shown !== '') throw other(shown)
    throw new CommandFailure('connection.no-answer', urls.join(' '), exitCode.noAnswer)
  }
  if (fingerprint !== undefined && !isFingerprintOf(fingerprint, founded.ledger)) throw other(founded.fingerprint)
  return { founded, genesis: bytes }
}

async function ask(
  url: string,
  client: Client,
  receipt: KeptReceipt,
  { founded, newest }: Members,
): Promise<Asked & { readonly found?: Answer }> {
  try {
    const claimed = await claimOf(client, receipt.statement)
    if (claimed.kind !== 'claim') return { url, says: claimed.kind, detail: claimed.detail }
    const { index } = claimed
    const [entry, proofFile] = [await client.entry(index), await client.proofFile(index)]
    const policy = policyForNote(founded, newest, parseProofFile(proofFile).note)
    const verified = verifyProofFile({ policy, proofFile, entry })
    const answer = answerIn(entry, receipt)
    if (answer === undefined) return { url, says: 'not-proven', detail: `entry ${index} is about something else` }
    const says = answer.kind === 'record' ? 'record' : 'refusal'
    return {
      url,
      says,
      detail: index,
      found: { answer, index: verified.index, entry, proofFile, checkpoint: verified },
    }
  } catch (error) {
    if (error instanceof VerificationError)
      return { url, says: 'not-proven', detail: `${error.code}: ${error.message}` }
    if (error instanceof ProblemError) {
      // On the ledger, and not attested yet.
      if (['record.not-attested', 'ledger.no-quorum'].includes(error.code))
        return { url, says: 'pending', detail: error.code }
      return { url, says: 'no-answer', detail: error.message }
    }
    if (error instanceof ConnectionError) return { url, says: 'no-answer', detail: error.message }
    throw error
  }
}

type Claimed =
  | { readonly kind: 'claim'; readonly index: string }
  | { readonly kind: 'pending' | 'unknown'; readonly detail: string }

/** What the member says of the statement, on its word. */
async function claimOf(client: Client, statement: string): Promise<Claimed> {
  try {
    const found = await client.record(statement)
    if (found.kind === 'pending') return { kind: 'pending', detail: found.pending.status }
    return found.record.status === 'attested'
      ? { kind: 'claim', index: found.record.index }
      : { kind: 'pending', detail: found.record.status }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    if (error.problem.index !== undefined) return { kind: 'claim', index: error.problem.index }
    if (error.code === 'record.not-found') return { kind: 'unknown', detail: error.code }
    throw error
  }
}

/** Undefined when this member shows none that its own members' signatures bear out. */
async function checkpointOf(client: Client, { founded, newest }: Members): Promise<TrustedCheckpoint | undefined> {
  try {
    const note = parseNote(await client.checkpoint({ cosignatures: 64 }))
    return checkNoteAgainstPolicy(note, policyForNote(founded, newest, note))
  } catch (error) {
    if (isOfTheServer(error)) return undefined
    throw error
  }
}

const isOfTheServer = (error: unknown): boolean =>
  error instanceof VerificationError || error instanceof ProblemError || error instanceof ConnectionError

/** q members say that they cosigned at or after this time, so one who does not lie did. Milliseconds. */
function attestedTimeOf({ cosigners, size }: TrustedCheckpoint, { newest }: Members): number | undefined {
  const { quorum } = epochOfSize(newest, Number(size))
  const times = cosigners.map(({ timeSeconds }) => timeSeconds).sort((a, b) => b - a)
  const time = times[quorum - 1]
  return time === undefined ? undefined : time * 1_000
}

function writeFiles(options: ReceiptStatusOptions, answer: Answer | undefined, { founded, newest }: Members) {
  if (answer === undefined) return {}
  const policy = epochPolicy(founded, epochOfSize(newest, Number(answer.checkpoint.size)))
  const { proof, entry, policy: policyFile } = options
  if (proof !== undefined) writeWhole(proof, answer.proofFile, { replace: true })
  if (entry !== undefined) writeWhole(entry, answer.entry, { replace: true })
  if (policyFile !== undefined) writeWhole(policyFile, formatPolicy(policy), { replace: true })
  return { proof, entry, policy: policyFile }
}

// ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Told {
  readonly receipt: KeptReceipt
  readonly member: GenesisMember
  readonly ledger: Members
  readonly state: State
  readonly answer: Answer | undefined
  readonly elsewhere: Answer | undefined
  readonly asked: readonly Asked[]
  readonly newest: TrustedCheckpoint | undefined
  readonly statement: string | undefined
  readonly file: string
}

function say(told: Told, terminal: Terminal): void {
  const t = (zh: string, en: string): string => terminal.text(both(zh, en))
  const { receipt, member, ledger, state, elsewhere, asked, newest } = told
  const passed = newest === undefined ? undefined : attestedTimeOf(newest, ledger)
  terminal.say(verdict(told, terminal))
  terminal.say(
    columns([
      [t('报文标识', 'Statement id'), receipt.statement],
      [
        t('账本指纹', 'Ledger'),
        `${ledger.founded.fingerprint}  ${t('（请与章程核对）', '(compare it with the charter)')}`,
      ],
      [t('接收成员', 'Received by'), `${member.name} (${member.id})`],
      [t('接收时间', 'Received at'), beijingTime(receipt.receivedAt)],
      [t('期限', 'In, or refused, by'), beijingTime(receipt.by)],
      [t('当时已共证', 'Attested then'), String(receipt.attestedSize)],
      [
        t('现在已共证', 'Attested now'),
        newest === undefined
          ? t('所询成员都没有给出', 'shown by nobody who was asked')
          : `${newest.size}${passed === undefined ? '' : `  (${beijingTime(passed)})`}`,
      ],
      ...asked.map(({ url, says, detail }): [string, string] => [
        `  ${url}`,
        `${terminal.text(saysWords[says])}${says === 'not-proven' || says === 'no-answer' ? ` (${detail})` : ''}`,
      ]),
    ]),
  )
  if (elsewhere !== undefined) {
    terminal.say(
      both(
        `另一成员收到的同一报文已被拒绝（第 ${elsewhere.index} 条）；那不是对这份回执的答复。`,
        `The same statement was refused where another member brought it (entry ${elsewhere.index}); that does not answer this receipt.`,
      ),
    )
  }
  if (state !== 'recorded' && state !== 'refused') terminal.say(nextStep(told))
}

const saysWords = {
  record: both('已入账，证明成立', 'a record, proven'),
  refusal: both('拒绝记录，证明成立', 'a refusal record, proven'),
  pending: both('已收到，尚未共证', 'on its way, not attested yet'),
  unknown: both('不知道这份报文', 'does not know the statement'),
  'no-answer': both('没有应答', 'no answer'),
  'not-proven': both('声称有答复，但证明不成立', 'claims an answer that is not proven'),
} as const

function verdict({ state, answer, receipt }: Told, terminal: Terminal): string {
  const index = String(answer?.index ?? '')
  const code = answer?.answer.kind === 'refusal' ? answer.answer.code : ''
  const by = beijingTime(receipt.by)
  return terminal.text(
    {
      recorded: both(`已入账：账本第 ${index} 条，证明已核验`, `Recorded: entry ${index} of the ledger, proof checked`),
      refused: both(
        `已被账本按规则拒绝（${code}）：拒绝记录为第 ${index} 条，证明已核验`,
        `Refused by a rule of the ledger (${code}): refusal record ${index}, proof checked`,
      ),
      waiting: both(`尚未答复：期限 ${by} 未到`, `Not answered yet: the window ends at ${by}`),
      standstill: both(
        '期限已过，而账本自那时起没有新的共证：账本处于停摆，回执仍有效',
        'The window is over, and the ledger has attested nothing since: it stands still, and the receipt still holds',
      ),
      overdue: both(
        '逾期未答：账本在期限之后仍有共证，而所询成员都没有给出答复',
        'Overdue: the ledger attested after the window’s end, and nobody who was asked shows an answer',
      ),
    }[state],
  )
}

function nextStep({ state, statement, file }: Told) {
  const submit =
    statement === undefined
      ? both('把原报文提交给另一成员', 'submit the same statement to another member')
      : both(
          `把报文交给另一成员：gongzheng submit ${file} --url <另一成员的网址>`,
          `bring the statement to another member: gongzheng submit ${file} --url <another member’s URL>`,
        )
  if (state === 'waiting') {
    return both(
      `不必做什么；若不愿等待，可${submit.zh}。重复提交是安全的，同一报文只有一条记录。`,
      `Nothing needs to be done. Whoever does not want to wait can ${submit.en}. That is safe: the same statement is one record.`,
    )
  }
  return both(
    `下一步：${submit.zh}。重复提交是安全的，同一报文只有一条记录。迟延不是矛盾签名，不能据此认定任何成员有错；要查明账本里有没有，请用 gongzheng audit。`,
    `What to do: ${submit.en}. That is safe: the same statement is one record. Being late is no contradiction and shows nobody to be at fault; to be sure what the ledger holds, use gongzheng audit.`,
  )
}
