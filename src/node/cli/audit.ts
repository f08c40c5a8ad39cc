/**
 * `audit` (独立审计): everything that nodes, or exports of the ledger, serve, checked from the genesis on by somebody who trusts none of them. Ends with
 * a report and one of three verdicts: all good (exit code 0), a contradiction found (1), could not finish (3).
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CborError } from '../../chain/cbor.ts'
import { isFingerprintOf } from '../../chain/founding.ts'
import { type Genesis, parseGenesis } from '../../chain/genesis.ts'
import type { Policy } from '../../chain/policy.ts'
import { Refusal } from '../../chain/refusal.ts'
import { type AuditReport, type AuditStep, audit } from '../audit/audit.ts'
import { AuditStore } from '../audit/audit-store.ts'
import { DirectorySource } from '../audit/directory-source.ts'
import { chooseGenesis } from '../audit/genesis-choice.ts'
import { HttpSource } from '../audit/http-source.ts'
import { isIncomplete, type Source } from '../audit/source.ts'
import { rulesOf } from '../configuration.ts'
import { DiskReadFailed } from '../disk-failure.ts'
import { holdDirectory, openLevelDisk } from '../level-disk.ts'
import type { Log } from '../ports.ts'
import { VerifierPool } from '../verifier-pool.ts'
import { reportText, type Trust } from './audit-report.ts'
import { type AuditState, readAuditState, treeDirectory, writeAuditState, writeProofs } from './audit-state.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes } from './files.ts'
import { type Bilingual, both } from './language.ts'
import { policyOf } from './policy.ts'
import type { Progress, Terminal } from './terminal.ts'

export interface AuditCommandOptions {
  readonly sources: readonly string[]
  readonly fingerprint?: string
  readonly genesis?: string
  readonly policy?: string
  readonly state?: string
  readonly timeout?: string
  readonly everyBlock?: true
}

export async function auditCommand(options: AuditCommandOptions, terminal: Terminal): Promise<ExitCode> {
  const timeoutMs = timeoutOf(options.timeout)
  const sources = options.sources.map((name) => sourceOf(name, timeoutMs))
  if (new Set(sources.map(({ name }) => name)).size < sources.length) {
    throw new CommandFailure('usage.wrong', 'audit: a source is named twice', exitCode.unusable)
  }
  const policy = options.policy === undefined ? undefined : policyOf(readBytes(options.policy))
  const given = options.genesis === undefined ? undefined : parseGenesis(readBytes(options.genesis))
  const { fingerprint } = options
  const directory = options.state ?? mkdtempSync(join(tmpdir(), 'gongzheng-audit-'))
  const release = await heldState(directory)
  try {
    const state = readAuditState(directory)
    const { genesis: pinned } = state
    if (
      pinned !== undefined &&
      ((given ?? pinned).ledger !== pinned.ledger || !isFingerprintOf(fingerprint ?? pinned.ledger, pinned.ledger))
    ) {
      throw new CommandFailure('audit.other-ledger', `${directory}: ${pinned.fingerprint}`, exitCode.unusable)
    }
    const known = given ?? pinned
    const pin = {
      ...(known === undefined ? {} : { genesis: known }),
      ...(fingerprint === undefined ? {} : { fingerprint }),
    }
    if (known !== undefined && fingerprint !== undefined && !isFingerprintOf(fingerprint, known.ledger)) {
      throw new CommandFailure('audit.other-ledger', known.fingerprint, exitCode.unusable)
    }
    const trust: Trust =
      given !== undefined || fingerprint !== undefined
        ? 'given'
        : pinned !== undefined
          ? 'pinned'
          : policy !== undefined
            ? 'policy'
            : 'first-use'
    const choice = await chooseGenesis(sources, pin)
    if (choice.genesis === undefined) {
      const [first] = choice.findings
      const isSilent = choice.findings.every(isIncomplete)
      throw new CommandFailure(
        isSilent ? 'connection.no-answer' : 'audit.other-ledger',
        `${first!.source}: ${first!.detail}`,
        isSilent ? exitCode.noAnswer : exitCode.refused,
      )
    }
    const about = { sources, policy, directory, everyBlock: options.everyBlock === true }
    let report = await audited(choice.genesis, { ...about, state }, terminal)
    if (report.resumedAt > 0 && report.findings.some(({ code }) => code === 'audit.block-invalid')) {
      // It may be our own disk that lost a row: nobody is named by what was not computed anew.
      terminal.remark(
        both('由创世起重新核验，以排除本机之误', 'Checking again from the genesis, to rule out a fault of ours'),
      )
      rmSync(treeDirectory(directory), { recursive: true })
      report = await audited(choice.genesis, { ...about, state: { ...state, entriesRead: 0 } }, terminal)
    }
    const findings = [...choice.findings, ...report.findings].filter(
      // Silence is said once.
      (finding, at, all) =>
        !isIncomplete(finding) || all.findIndex((each) => isIncomplete(each) && each.source === finding.source) === at,
    )
    const isWrong = findings.some((finding) => !isIncomplete(finding))
    const verdict = isWrong ? 'contradiction' : findings.length > 0 ? 'incomplete' : report.verdict
    const whole: AuditReport = { ...report, findings, verdict }
    if (options.state !== undefined) {
      const { seen, entriesRead } = whole
      writeAuditState(directory, { genesis: choice.genesis, seen, entriesRead })
    }
    // Evidence outlives the audit, also where nothing else is kept.
    writeProofs(options.state ?? '.', whole.proofs)
    say(whole, { genesis: choice.genesis, trust, proofs: options.state ?? '.' }, terminal)
    return verdict === 'good' ? exitCode.done : verdict === 'contradiction' ? exitCode.refused : exitCode.noAnswer
  } finally {
    await release()
    if (options.state === undefined) rmSync(directory, { recursive: true, force: true })
  }
}

/** Two audits that ran into each other, as out of cron, would each forget what the other was shown. */
async function heldState(directory: string): Promise<() => Promise<void>> {
  try {
    return await holdDirectory(join(directory, 'held'))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const code = error.code === 'disk.locked' ? 'audit.state-in-use' : 'audit.state-damaged'
    throw new Refusal(code, `${directory}: ${error.message}`)
  }
}

interface AuditOf {
  readonly sources: readonly Source[]
  readonly policy: Policy | undefined
  readonly state: AuditState
  readonly directory: string
  readonly everyBlock: boolean
}

async function audited(
  genesis: Genesis,
  { sources, policy, state, directory, everyBlock }: AuditOf,
  terminal: Terminal,
): Promise<AuditReport> {
  const log = remarksOf(terminal)
  let fail: (reason: Error) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)
  const onUnwritable = (reason: string): void => fail(new Refusal('audit.state-not-written', `${directory}: ${reason}`))
  // Of no node.
  const owner = { ledger: genesis.ledger, node: '00'.repeat(8) }
  const opened = await openLevelDisk(
    { directory: treeDirectory(directory), owner },
    { log, onFatal: onUnwritable },
  ).catch((error: unknown) => {
    // Not a node's disk: what to do about it is another matter.
    if (error instanceof Refusal) throw new Refusal('audit.state-damaged', error.message)
    throw error
  })
  // The main thread executes and waits for the network meanwhile.
  const onFatal = (reason: string): void => fail(new Error(reason))
  const verifier = new VerifierPool({ workers: availableParallelism() }, { log, onFatal })
  const bars = new Bars(terminal)
  try {
    const { seen, entriesRead } = state
    return await Promise.race([
      failed,
      audit(
        sources,
        { rules: rulesOf(genesis), policy, seen, entriesRead, everyBlock },
        { store: new AuditStore(genesis, opened.disk), verifier, onProgress: bars.update },
      ),
    ])
  } catch (error) {
    if (error instanceof DiskReadFailed || error instanceof CborError) {
      throw new Refusal('audit.state-damaged', `${directory}: ${error.message}`)
    }
    throw error
  } finally {
    bars.end()
    await verifier.stop()
    await opened.close()
  }
}

function sourceOf(name: string, timeoutMs: number | undefined): Source {
  if (/^https?:\/\//.test(name)) {
    return new HttpSource({ url: name, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  }
  if (!existsSync(name)) throw new Refusal('file.missing', name)
  return new DirectorySource(name)
}

function timeoutOf(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined
  if (!/^[1-9]\d{0,3}$/.test(seconds))
    throw new CommandFailure('usage.wrong', `--timeout ${seconds}`, exitCode.unusable)
  return Number(seconds) * 1000
}

function say(
  report: AuditReport,
  about: { readonly genesis: Genesis; readonly trust: Trust; readonly proofs: string },
  terminal: Terminal,
): void {
  const { genesis, trust } = about
  terminal.say(reportText(report, about, terminal))
  const { verdict, size, root, height, counts, newBlocks, sources, findings } = report
  terminal.json({
    ok: verdict === 'good',
    verdict,
    ledger: genesis.ledger,
    fingerprint: genesis.fingerprint,
    trust,
    size: String(size),
    root,
    height: String(height),
    blocks: String(counts.blocks),
    records: String(counts.records),
    newBlocks: String(newBlocks),
    sources: sources.map((each) => ({ ...each, size: each.size === undefined ? null : String(each.size) })),
    findings,
    proofs: [...report.proofs.keys()].map((name) => join(about.proofs, name)),
  })
}

const stepWords: Readonly<Record<AuditStep, Bilingual>> = {
  chain: both('重放区块', 'Replaying blocks'),
  entries: both('核对条目', 'Comparing entries'),
  tiles: both('核对分片', 'Comparing tiles'),
}

/** One bar at a time, each as long as what it counts. */
class Bars {
  readonly #terminal: Terminal
  #at: { readonly step: AuditStep; readonly total: number; readonly bar: Progress } | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  readonly update = (step: AuditStep, done: number, total: number): void => {
    if (this.#at?.step !== step || this.#at.total !== total) {
      this.end()
      this.#at = { step, total, bar: this.#terminal.progress(stepWords[step], total) }
    }
    this.#at.bar.update(done)
  }

  end(): void {
    this.#at?.bar.end()
    this.#at = undefined
  }
}

function remarksOf(terminal: Terminal): Log {
  const remark = (event: string, fields?: object): void =>
    terminal.remark(fields === undefined ? event : `${event} ${JSON.stringify(fields)}`)
  return { debug: () => undefined, info: () => undefined, warn: remark, error: remark }
}
