/**
 * How a command ends badly: whatever was thrown becomes a code, words, a detail, and an exit code (docs/cli.md). Nothing a person did
 * wrong ends in a stack trace; what does is a fault of ours and says so.
 */
import { CommanderError } from 'commander'
import { ConnectionError, ProblemError } from '../../api/client/client.ts'
import { problemIn } from '../../chain/catalogue/schema.ts'
import { type FieldProblem, Refusal } from '../../chain/refusal.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import { StartUpFailed } from '../start-up.ts'
import type { Bilingual, Language } from './language.ts'
import { everyText } from './messages.ts'
import type { Terminal } from './terminal.ts'

export const exitCode = {
  done: 0,
  /** The answer is no: not verified, refused by a rule, a difference found. */
  refused: 1,
  /** The command, a file or the configuration is wrong: a person has to change something. */
  unusable: 2,
  /** Nobody answered. */
  noAnswer: 3,
  /** Taken in with a receipt and not attested in the time that was given. */
  pending: 4,
  /** A node stopped because it could not know its own state; starting it again is right. */
  fatal: 5,
  /** A fault of this program. */
  internal: 70,
} as const
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** A command's answer is no, or somebody has to change something. `code` has words in the catalogue. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly code: string
  readonly exit: ExitCode

  constructor(code: string, detail: string, exit: ExitCode) {
    super(detail)
    this.code = code
    this.exit = exit
  }
}

/** A failure as people and programs read it. */
export interface Failure {
  readonly code: string
  readonly title: string
  readonly cause: string
  readonly remedy: string
  readonly detail: string
  readonly fields: readonly FieldProblem[]
  readonly exit: ExitCode
}

export function failureOf(error: unknown, language: Language): Failure {
  if (error instanceof ProblemError) {
    const { code, title, cause, remedy, detail, fields, status } = error.problem
    return {
      code,
      title,
      cause,
      remedy,
      detail: detail ?? '',
      fields: (fields ?? []).map(({ pointer, parameter, problem }) => ({
        pointer: pointer ?? parameter ?? '',
        problem,
      })),
      exit: status === 503 || status === 429 ? exitCode.noAnswer : exitCode.refused,
    }
  }
  const { code, exit } = codeOf(error)
  const texts = everyText()
  const found = Object.hasOwn(texts, code) ? texts[code]! : texts['internal.command']!
  const fields = error instanceof Refusal ? error.fields : []
  return {
    code,
    ...found[language],
    detail: error instanceof Refusal ? problemIn(language, error.message) : detailOf(error, code),
    fields: fields.map(({ pointer, problem }) => ({ pointer, problem: problemIn(language, problem) })),
    exit,
  }
}

/** Says it on standard error; with `--json` also as a document on standard output, so that a program need not read the other. */
export function report(failure: Failure, terminal: Terminal): void {
  const { code, title, cause, remedy, detail, fields } = failure
  const label = (words: Bilingual): string => terminal.text(words)
  const lines = [
    `${title}（${code}）`,
    `  ${label({ zh: '原因', en: 'Cause' })}: ${cause}`,
    ...(detail === '' || detail === code || onlyNames(fields, detail)
      ? []
      : [`  ${label({ zh: '详情', en: 'Detail' })}: ${detail}`]),
    ...fields.map(({ pointer, problem }) => `    ${pointer === '' ? '/' : pointer}: ${problem}`),
    `  ${label({ zh: '办法', en: 'Remedy' })}: ${remedy}`,
  ]
  if (terminal.language === 'en') lines[0] = `${title} (${code})`
  terminal.remark(lines.join('\n'))
  terminal.json({ ok: false, problem: { code, title, cause, remedy, detail, fields } })
}

/** A rule's detail on fields is their names, or the one field's problem without its other language: the lines of the fields say it better. */
function onlyNames(fields: readonly FieldProblem[], detail: string): boolean {
  const names = fields.map(({ pointer }) => pointer).join(', ')
  return fields.length > 0 && (detail === names || (fields.length === 1 && detail.startsWith(`${names}: `)))
}

function codeOf(error: unknown): { readonly code: string; readonly exit: ExitCode } {
  if (error instanceof CommandFailure) return { code: error.code, exit: error.exit }
  if (error instanceof VerificationError) return { code: error.code, exit: exitCode.refused }
  if (error instanceof CommanderError) return { code: 'usage.wrong', exit: exitCode.unusable }
  if (error instanceof ConnectionError) return { code: 'connection.no-answer', exit: exitCode.noAnswer }
  if (error instanceof Refusal || error instanceof StartUpFailed) return { code: error.code, exit: exitCode.unusable }
  if (
    (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ||
    (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL'
  ) {
    return { code: 'start.address', exit: exitCode.unusable }
  }
  return { code: 'internal.command', exit: exitCode.internal }
}

function detailOf(error: unknown, code: string): string {
  if (!(error instanceof Error)) return String(error)
  return code === 'internal.command' ? (error.stack ?? error.message) : error.message
}
