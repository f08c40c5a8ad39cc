/**
 * Real nodes as users run them: the homes of a devnet, `gongzheng start` in a process of its own for each, on loopback. For the demonstration,
 * the benchmark and the end-to-end tests; what they kill, they kill with SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Genesis } from '../../src/chain/genesis.ts'
import { configureDevnet, devnetGenesis, devnetPorts, foundDevnet } from '../../src/node/cli/devnet-founding.ts'
import { homeFiles } from '../../src/node/configuration.ts'
import { centreKey, type KeyPair } from '../../src/node/identity.ts'
import { readKeyFile } from '../../src/node/key-file.ts'

const launcher = fileURLToPath(new URL('../../bin/gongzheng.js', import.meta.url))

export interface Home {
  readonly id: string
  readonly directory: string
  readonly apiUrl: string
  readonly privateUrl: string
  readonly centre: KeyPair
  readonly party: string
}

/** Founds a ledger with a home for each member below `directory`, on free ports. */
export async function foundHomes(directory: string, count: number): Promise<{ homes: Home[]; genesis: Genesis }> {
  foundDevnet(directory, count)
  const genesis = devnetGenesis(directory)!
  const ports = await devnetPorts(
    genesis.members.map(({ id }) => id),
    0,
  )
  configureDevnet(directory, genesis, ports)
  const homes = genesis.members.map(({ id, party }) => {
    const home = join(directory, id)
    const { api, private: plain } = ports.get(id)!
    return {
      id,
      directory: home,
      apiUrl: `http://127.0.0.1:${api}`,
      privateUrl: `http://127.0.0.1:${plain}`,
      centre: centreKey(readKeyFile(join(home, homeFiles.centreKey), { kind: 'centre' })),
      party,
    }
  })
  return { homes, genesis }
}

/** A node's process; its log goes to a file in its home. */
export class NodeProcess {
  readonly home: Home
  #child: ChildProcess | undefined
  #exit: Promise<number | null> = Promise.resolve(null)

  constructor(home: Home) {
    this.home = home
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(nodeArguments: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): void {
    const log = openSync(join(this.home.directory, 'log'), 'a')
    const command = [...nodeArguments, launcher, 'start', '--home', this.home.directory]
    const env = { ...process.env, ...environment }
    const child = spawn(process.execPath, command, { stdio: ['ignore', log, log], env })
    closeSync(log)
    this.#child = child
    this.#exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  }

  /** Resolves when the process that was started last is gone: with its exit code, null when a signal ended it. */
  get exited(): Promise<number | null> {
    return this.#exit
  }

  /** SIGSTOP holds the process as it is, until SIGCONT. */
  hold(isHeld: boolean): void {
    this.#child?.kill(isHeld ? 'SIGSTOP' : 'SIGCONT')
  }

  /** Resolves with the exit code when the process is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    this.#child?.kill(signal)
    const code = await this.#exit
    this.#child = undefined
    return code
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.home.apiUrl}/readyz`)).ok
    } catch {
      return false
    }
  }
}

/** Polls a condition of the world outside; for tests and scripts, which have nothing to be told by. */
export async function until(condition: () => Promise<boolean>, what: string, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
