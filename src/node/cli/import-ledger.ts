/**
 * `import ledger` (导入账本): the data of a node that has never run, out of an export of the ledger, so that it has little left to fetch. The export is
 * trusted in nothing: the node checks it as it checks what a member gives it.
 */
import type { Command, Option } from 'commander'
import { DirectorySource } from '../audit/directory-source.ts'
import { loadConfiguration } from '../configuration.ts'
import { ImportRefused } from '../export-peer.ts'
import { importLedger } from '../import-ledger.ts'
import type { Log } from '../ports.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { passphraseFrom } from './founding-commands.ts'
import { both } from './language.ts'
import { columns, type Progress, type Terminal } from './terminal.ts'

export interface ImportLedgerOptions {
  readonly directory: string
  readonly home: string
  readonly passphraseFile?: string
}

export function ledgerImport(
  group: Command,
  { home, passphrase }: { readonly home: Option; readonly passphrase: Option },
  terminal: Terminal,
  run: (command: Promise<ExitCode>) => Promise<void>,
): void {
  const t = (zh: string, en: string): string => terminal.text({ zh, en })
  group
    .command('ledger')
    .description(
      t(
        '由账本的导出（export ledger）为从未运行过的节点备好数据',
        'the data of a node that has never run, out of an export of the ledger',
      ),
    )
    .argument('<directory>', t('导出目录', 'directory of the export'))
    .addOption(home)
    .addOption(passphrase)
    .action((directory: string, options: Omit<ImportLedgerOptions, 'directory'>) =>
      run(importLedgerCommand({ ...options, directory }, terminal)),
    )
}

async function importLedgerCommand(options: ImportLedgerOptions, terminal: Terminal): Promise<ExitCode> {
  const { directory, home, passphraseFile } = options
  const configuration = await loadConfiguration(home, { passphrase: passphraseFrom(passphraseFile) })
  let bar: Progress | undefined
  try {
    const { size, root, height } = await importLedger(configuration, {
      source: new DirectorySource(directory),
      log: remarksOf(terminal),
      onProgress: (done, total) => {
        bar ??= terminal.progress(both('核验并导入', 'Checking and importing'), total)
        bar.update(done)
      },
    })
    bar?.end()
    const { fingerprint, ledger } = configuration.genesis
    terminal.say(both(`已导入到 ${configuration.dataDirectory}`, `Imported to ${configuration.dataDirectory}`))
    terminal.say(
      columns([
        [terminal.text(both('指纹', 'Fingerprint')), fingerprint],
        [terminal.text(both('条目数', 'Entries')), String(size)],
        [terminal.text(both('区块高度', 'Height')), String(height)],
        [terminal.text(both('根哈希', 'Root')), root],
      ]),
    )
    terminal.remark(
      both(
        '全部区块均已核验。启动节点后，它会向其他成员补齐其余部分。',
        'Every block was checked. Start the node, and it fetches the rest from the other members.',
      ),
    )
    terminal.json({ ok: true, ledger, fingerprint, directory, size: String(size), height: String(height), root })
    return exitCode.done
  } catch (error) {
    // Not the machine's or the home's trouble: it was looked at, and it is not good.
    if (!(error instanceof ImportRefused)) throw error
    const isJudged = error.code === 'import.refused' || error.code === 'import.other-ledger'
    throw new CommandFailure(error.code, error.message, isJudged ? exitCode.refused : exitCode.unusable)
  } finally {
    bar?.end()
  }
}

function remarksOf(terminal: Terminal): Log {
  const remark = (event: string, fields?: object): void =>
    terminal.remark(fields === undefined ? event : `${event} ${JSON.stringify(fields)}`)
  return { debug: () => undefined, info: () => undefined, warn: remark, error: remark }
}
