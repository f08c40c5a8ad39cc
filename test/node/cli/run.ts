/** Runs a command of the command line in this process, with what it says caught; and directories that vanish after a test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import { runCommand } from '../../../src/node/cli/program.ts'
import type { TerminalStreams } from '../../../src/node/cli/terminal.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** In English unless `--lang` says otherwise, so that a test reads as it is written. */
export async function run(...argv: readonly string[]): Promise<Ran> {
  const output = new PassThrough()
  const error = new PassThrough()
  const streams = { input: new PassThrough(), output, error } as unknown as TerminalStreams
  const code = await runCommand(argv, { LANG: 'en_GB.UTF-8' }, streams)
  const textOf = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString('utf8') ?? ''
  return { code, out: textOf(output), error: textOf(error) }
}

/** As `run` with `--json`, and the document it answered. */
export async function runJson<Answer = Record<string, unknown>>(
  ...argv: readonly string[]
): Promise<Ran & { readonly json: Answer }> {
  const ran = await run(...argv, '--json')
  return { ...ran, json: JSON.parse(ran.out) as Answer }
}

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'gongzheng-cli-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
