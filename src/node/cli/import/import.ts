/**
 * `gongzheng import`: reads a file of another system, makes a statement of each item, signs them and submits them in their order. What
 * cannot be imported has a line that says why; the rest goes on. Every statement's idempotency key comes from the item's id in its own
 * system, so a second run finds everything on the ledger and changes nothing.
 */
import type { BatchResult } from '../../../api/answers.ts'
import type { Client } from '../../../api/client/client.ts'
import { catalogueOf, knownTypeNames } from '../../../chain/catalogue/catalogue.ts'
import { compileSchema, problemIn, type SchemaCheck } from '../../../chain/catalogue/schema.ts'
import { Refusal } from '../../../chain/refusal.ts'
import { type StatementSigner, signStatement, statementBytesMax } from '../../../chain/statement.ts'
import { clientFor, urlOf } from '../connection.ts'
import { CommandFailure, type ExitCode, exitCode } from '../failure.ts'
import { importFileBytesMax, readText } from '../files.ts'
import { passphraseFrom } from '../founding-commands.ts'
import { both } from '../language.ts'
import { loadSigningKey } from '../signing-key.ts'
import { columns, type Terminal } from '../terminal.ts'
import { mapDatasets } from './datasets.ts'
import type { ImportedStatement, ImportItem } from './item.ts'
import { mapNotices } from './notices.ts'
import { mapOcds } from './ocds.ts'
import { documentsOf, importRowsMax, rowsOf } from './rows.ts'
import { inOrder } from './submission.ts'

export type ImportKind = 'notices' | 'datasets' | 'ocds'

export interface ImportOptions {
  readonly file: string
  readonly key?: string
  readonly home?: string
  readonly party?: string
  readonly url?: string
  readonly passphraseFile?: string
  /** Reads, maps and checks the fields; signs and submits nothing. */
  readonly dryRun?: true
  /** `datasets`: the owner where no row says one. */
  readonly owner?: string
  /** `datasets`: GB/T 2260, where no row says one. */
  readonly region?: string
}

/** How an item ended. */
type Outcome = 'recorded' | 'before' | 'pending' | 'refused' | 'problem' | 'left-out' | 'ready'

interface Line {
  readonly source: string
  readonly type: string | null
  readonly outcome: Outcome
  readonly index?: string
  readonly code?: string
  readonly detail?: string
}

/** Statements of one request; under the member's own bound, and answered within one block or two. */
const requestStatementsMax = 128

export async function importFile(kind: ImportKind, options: ImportOptions, terminal: Terminal): Promise<ExitCode> {
  const items = itemsOf(kind, options)
  if (items.length === 0) throw new CommandFailure('import.empty', options.file, exitCode.unusable)
  const lines: Line[] = []
  const statements: ImportedStatement[] = []
  const fieldsProblem = fieldsCheck(terminal)
  for (const item of items) {
    if (item.kind === 'problem') {
      lines.push({ source: item.source, type: null, outcome: 'problem', detail: terminal.text(item.problem) })
    } else if (item.kind === 'left-out') {
      lines.push({ source: item.source, type: null, outcome: 'left-out', detail: terminal.text(item.reason) })
    } else {
      const problem = fieldsProblem(item)
      if (problem === undefined) statements.push(item)
      else lines.push({ source: item.source, type: item.type, outcome: 'problem', ...problem })
    }
  }
  if (options.dryRun === true) {
    for (const { source, type } of statements) lines.push({ source, type, outcome: 'ready' })
    return report(options, items, lines, terminal)
  }
  const { sign, client } = await signing(options, terminal)
  const progress = terminal.progress(both('导入', 'Importing'), statements.length)
  let done = 0
  try {
    for (const wave of inOrder(statements)) {
      for (let from = 0; from < wave.length; from += requestStatementsMax) {
        const part = wave.slice(from, from + requestStatementsMax)
        const { results } = await client.submitBatch(part.map(sign))
        part.forEach((item, at) => {
          lines.push(lineOf(item, results[at]!))
        })
        done += part.length
        progress.update(done)
      }
    }
  } catch (error) {
    progress.end()
    // What went in so far is said before the reason why no more did; the next run goes on from there.
    report(options, items, lines, terminal)
    throw error
  }
  progress.end()
  return report(options, items, lines, terminal)
}

function itemsOf(kind: ImportKind, { file, owner, region }: ImportOptions): readonly ImportItem[] {
  const text = readText(file, importFileBytesMax)
  if (kind === 'ocds') return mapOcds(documentsOf(text, file))
  const rows = rowsOf(text, file)
  if (rows.length > importRowsMax) {
    throw new CommandFailure('import.unreadable', `${file}: more than ${importRowsMax} rows`, exitCode.unusable)
  }
  if (kind === 'notices') return mapNotices(rows)
  return mapDatasets(rows, { ...(owner === undefined ? {} : { owner }), ...(region === undefined ? {} : { region }) })
}

/** The catalogue's own check of the fields, before anything is signed: a dry run finds what the ledger would say of them. */
function fieldsCheck(terminal: Terminal): (item: ImportedStatement) => Pick<Line, 'code' | 'detail'> | undefined {
  const types = catalogueOf(knownTypeNames).types
  const checks = new Map<string, SchemaCheck>()
  const common = { ledger: '0'.repeat(64), party: 'id:import:check' }
  return ({ type, key, fields }) => {
    let check = checks.get(type)
    if (check === undefined) {
      check = compileSchema(types.find(({ name }) => name === type)!.schema, 'second')
      checks.set(type, check)
    }
    try {
      check({ ...common, type, key, ...fields })
      return undefined
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const fieldsSaid = error.fields.map(
        ({ pointer, problem }) => `${pointer}: ${problemIn(terminal.language, problem)}`,
      )
      return { code: error.code, detail: fieldsSaid.join('; ') }
    }
  }
}

async function signing(
  options: ImportOptions,
  terminal: Terminal,
): Promise<{ sign(item: ImportedStatement): string; readonly client: Client }> {
  const { key, home } = options
  const loaded = await loadSigningKey({
    ...(key === undefined ? {} : { key }),
    ...(home === undefined ? {} : { home }),
    passphrase: passphraseFrom(options.passphraseFile),
  })
  const party = options.party ?? loaded.party
  if (party === undefined) throw new Refusal('key.no-party')
  const client = clientFor(urlOf(options.url, loaded.home?.url), terminal.language, 5)
  const ledger = loaded.home?.ledger ?? (await client.status()).ledger
  const signer: StatementSigner = loaded.signer
  return {
    client,
    sign({ type, key: idempotencyKey, fields }) {
      const statement = signStatement({ ledger, party, type, key: idempotencyKey, ...fields }, signer)
      if (statement.length > statementBytesMax)
        throw new Refusal('statement.too-large', `${statement.length} characters`)
      return statement
    },
  }
}

function lineOf({ source, type }: ImportedStatement, result: BatchResult): Line {
  if ('record' in result) {
    const { index, duplicate } = result.record
    return { source, type, outcome: duplicate ? 'before' : 'recorded', index }
  }
  if ('pending' in result) return { source, type, outcome: 'pending' }
  const { code, title, detail, fields = [] } = result.problem
  const said = fields.map(({ pointer, problem }) => `${pointer ?? ''}: ${problem}`)
  return { source, type, outcome: 'refused', code, detail: [title, detail, ...said].filter(Boolean).join('; ') }
}

const outcomeWords = {
  recorded: both('已共证', 'Attested'),
  before: both('此前已在账本', 'On the ledger before'),
  pending: both('已接收，待共证', 'Received, not attested yet'),
  refused: both('被规则拒绝', 'Refused by a rule'),
  problem: both('无法导入', 'Could not be imported'),
  'left-out': both('没有对应的记录类型', 'No record is meant for it'),
  ready: both('可以导入（试运行）', 'Ready (dry run)'),
} as const satisfies Record<Outcome, unknown>

/** A line for each item that could not, then the summary. */
function report(
  { file, dryRun }: ImportOptions,
  items: readonly ImportItem[],
  lines: readonly Line[],
  terminal: Terminal,
): ExitCode {
  const counts = Object.fromEntries(
    Object.keys(outcomeWords).map((outcome) => [outcome, lines.filter((line) => line.outcome === outcome).length]),
  ) as Record<Outcome, number>
  for (const { source, type, outcome, code, detail } of lines) {
    if (outcome !== 'problem' && outcome !== 'refused') continue
    const what = [source, type, code].filter((part) => part !== null && part !== undefined).join(' ')
    terminal.remark(`${what}: ${detail}`)
  }
  const notes = items.flatMap((item) =>
    item.kind === 'statement' ? item.notes.map((note) => ({ source: item.source, note: terminal.text(note) })) : [],
  )
  for (const { source, note } of notes) terminal.remark(`${source}: ${note}`)
  const leftOut = new Map<string, number>()
  for (const { outcome, detail } of lines) {
    if (outcome === 'left-out') leftOut.set(detail!, (leftOut.get(detail!) ?? 0) + 1)
  }
  for (const [reason, count] of leftOut) terminal.remark(`${count} × ${reason}`)
  terminal.say(
    columns([
      [terminal.text(both('文件', 'File')), file],
      [terminal.text(both('项数', 'Items')), String(items.length)],
      ...Object.entries(outcomeWords)
        .filter(([outcome]) => counts[outcome as Outcome] > 0)
        .map(([outcome, words]): [string, string] => [terminal.text(words), String(counts[outcome as Outcome])]),
    ]),
  )
  const isWhole = counts.problem === 0 && counts.refused === 0
  terminal.json({ ok: isWhole, dryRun: dryRun === true, file, items: items.length, counts, lines, notes })
  if (!isWhole) return exitCode.refused
  return counts.pending > 0 ? exitCode.pending : exitCode.done
}
