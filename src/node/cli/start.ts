/**
 * `start`: one node, from its home, until it is told to stop. SIGINT, SIGTERM, SIGHUP and the loss of the parent that forked it all mean: stop
 * in order; asking twice is harmless. The log goes to standard output, one JSON object a line; what a person has to know goes to standard
 * error. A supervisor tells the exit codes apart: 2 wants a person, 5 wants a restart.
 */
import { pino } from 'pino'
import manifest from '../../../package.json' with { type: 'json' }
import { type Configuration, loadConfiguration } from '../configuration.ts'
import type { Log } from '../ports.ts'
import { startProcess } from '../process.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { passphraseFrom } from './founding-commands.ts'
import { both } from './language.ts'
import type { Terminal } from './terminal.ts'

export interface StartOptions {
  readonly home: string
  readonly passphraseFile?: string
}

/** What a forked node tells its parent once it serves. */
export interface ReadyMessage {
  readonly kind: 'ready'
  readonly member: string
  readonly apiUrl: string
  readonly privateUrl: string | null
  readonly operationsUrl: string | null
}

export async function start(options: StartOptions, terminal: Terminal): Promise<ExitCode> {
  // Before anything is opened: a signal that comes while the node starts must not kill it half-way.
  const asked = untilAskedToStop()
  const configuration = await loadConfiguration(options.home, { passphrase: passphraseFrom(options.passphraseFile) })
  const node = await startProcess(configuration, { log: logOf(configuration), version: manifest.version })
  const { member, apiUrl, privateUrl, operationsUrl } = node
  const ready: ReadyMessage = { kind: 'ready', member, apiUrl, privateUrl, operationsUrl }
  process.send?.(ready)
  terminal.remark(
    both(
      `${configuration.self.name}（${member}）已启动：${apiUrl}，账本指纹 ${configuration.genesis.fingerprint}`,
      `${configuration.self.name} (${member}) is running at ${apiUrl}, ledger ${configuration.genesis.fingerprint}`,
    ),
  )
  const failed = await Promise.race([asked.then(() => undefined), node.failed])
  if (failed === undefined) {
    terminal.remark(both(`${member} 正在停止……`, `${member} is stopping…`))
    await node.stop()
    terminal.remark(both(`${member} 已停止`, `${member} has stopped`))
    return exitCode.done
  }
  // What failed may keep the rest from closing.
  await Promise.race([node.stop().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, fatalStopMs))])
  const { reason, code } = failed
  if (code !== undefined) throw new CommandFailure(code, reason, exitCode.unusable)
  throw new CommandFailure('start.fatal', reason, exitCode.fatal)
}

/** After a fatal failure nothing is gained by closing in order; this long is for the answers that are under way. */
const fatalStopMs = 2_000

/** Resolves at the first request to stop; those that follow find nobody who minds. */
export function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    process.on('disconnect', () => resolve())
  })
}

function logOf({ logLevel, member }: Configuration): Log {
  // Synchronous: what is logged is rare, and the last line before an end is the one that matters.
  const destination = pino.destination({ fd: 1, sync: true })
  // A log that nobody reads any more is no reason to stop.
  destination.on('error', () => undefined)
  // Not `member`: that field names whom an event is about.
  const logger = pino(
    { level: logLevel, base: { self: member }, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  )
  return {
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
  }
}
