/**
 * The node processes of a devnet: forked, watched, stopped. Each writes its log beside its data. One that dies is reported and the others go
 * on; when the devnet ends, however it ends, so do they: a child stops when the channel to its parent breaks.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandFailure, exitCode } from './failure.ts'
import type { Language } from './language.ts'
import type { ReadyMessage } from './start.ts'

export interface ChildrenOptions {
  readonly directory: string
  readonly language: Language
}

export interface ChildrenDependencies {
  /** A child ended while the devnet was running. */
  readonly onExit: (member: string, how: string) => void
}

/** This very Node, whatever `node` is on the path. */
const launcher = fileURLToPath(new URL('../../../bin/gongzheng.js', import.meta.url))
/** A node closes in under a second; one that is in the middle of a long write cycle may take a few. */
const stopMs = 20_000
const logTailBytes = 2_000

export class Children {
  readonly #options: ChildrenOptions
  readonly #dependencies: ChildrenDependencies
  readonly #running = new Map<string, ChildProcess>()
  #isStopping = false

  constructor(options: ChildrenOptions, dependencies: ChildrenDependencies) {
    this.#options = options
    this.#dependencies = dependencies
  }

  pidOf(member: string): number | null {
    return this.#running.get(member)?.pid ?? null
  }

  /** Resolves when the node serves. @throws {CommandFailure} devnet.node-failed, with the end of its log */
  start(member: string): Promise<ReadyMessage> {
    const { directory, language } = this.#options
    const home = join(directory, member)
    const logPath = join(home, 'node.log')
    const log = openSync(logPath, 'a', 0o600)
    const child = fork(launcher, ['start', '--home', home, '--lang', language], {
      // What a test runner or a debugger adds for itself is not for the nodes.
      execArgv: [],
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    this.#running.set(member, child)
    return new Promise((resolve, reject) => {
      let isReady = false
      child.once('message', (message) => {
        isReady = true
        resolve(message as ReadyMessage)
      })
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        this.#running.delete(member)
        const how = signal ?? `exit code ${code}`
        if (this.#isStopping) return
        if (isReady) this.#dependencies.onExit(member, how)
        else
          reject(
            new CommandFailure(
              'devnet.node-failed',
              `${member}: ${how}\n${logPath}:\n${tailOf(logPath)}`,
              exitCode.refused,
            ),
          )
      })
    })
  }

  /** Asks all of them, and ends by force what does not answer in time. Twice is harmless. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(
      [...this.#running.values()].map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve()
            const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
            child.once('exit', () => {
              clearTimeout(timer)
              resolve()
            })
            child.kill('SIGTERM')
          }),
      ),
    )
  }
}

function tailOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-logTailBytes).trimEnd()
  } catch {
    return ''
  }
}
