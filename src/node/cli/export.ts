/** `export ledger`: a whole ledger into a directory of files, which any web server serves and `audit` reads in place of a node. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseGenesis } from '../../chain/genesis.ts'
import { ExportFailed, exportLedger } from '../audit/export-ledger.ts'
import { chooseGenesis, genesisPath } from '../audit/genesis-choice.ts'
import { HttpSource } from '../audit/http-source.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { makeDirectories, readBytes, writeWhole } from './files.ts'
import { both } from './language.ts'
import { columns, type Progress, type Terminal } from './terminal.ts'

export interface ExportLedgerOptions {
  readonly url: string
  readonly directory: string
}

export async function exportLedgerCommand(
  { url, directory }: ExportLedgerOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const source = new HttpSource({ url })
  const held = join(directory, genesisPath)
  const { genesis, findings } = await chooseGenesis(
    [source],
    existsSync(held) ? { genesis: parseGenesis(readBytes(held)) } : {},
  )
  const [first] = findings
  if (genesis === undefined || first !== undefined) {
    const isSilent = first?.code === 'audit.no-answer'
    throw new CommandFailure(
      isSilent ? 'connection.no-answer' : 'audit.other-ledger',
      `${url}: ${first?.detail}`,
      isSilent ? exitCode.noAnswer : exitCode.refused,
    )
  }
  let bar: Progress | undefined
  const write = (path: string, bytes: Uint8Array): void => {
    const file = join(directory, path)
    makeDirectories(dirname(file))
    writeWhole(file, bytes, { replace: true })
  }
  try {
    const { size, height, files } = await exportLedger(genesis, {
      source,
      write,
      onProgress: (done, total) => {
        bar ??= terminal.progress(both('导出', 'Exporting'), total)
        bar.update(done)
      },
    })
    bar?.end()
    terminal.say(both(`已导出到 ${directory}`, `Exported to ${directory}`))
    terminal.say(
      columns([
        [terminal.text(both('指纹', 'Fingerprint')), genesis.fingerprint],
        [terminal.text(both('条目数', 'Entries')), String(size)],
        [terminal.text(both('区块高度', 'Height')), String(height)],
        [terminal.text(both('文件数', 'Files')), String(files)],
      ]),
    )
    terminal.remark(
      both(
        `尚未核验：请运行 gongzheng audit ${directory} --fingerprint <指纹>`,
        `Not checked yet: run gongzheng audit ${directory} --fingerprint <fingerprint>`,
      ),
    )
    terminal.json({
      ok: true,
      ledger: genesis.ledger,
      fingerprint: genesis.fingerprint,
      directory,
      size: String(size),
      height: String(height),
      files,
    })
    return exitCode.done
  } catch (error) {
    if (error instanceof ExportFailed) throw new CommandFailure('export.incomplete', error.message, exitCode.noAnswer)
    throw error
  } finally {
    bar?.end()
  }
}
