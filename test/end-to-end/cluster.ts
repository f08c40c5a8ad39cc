/**
 * Real nodes as users run them: homes founded with exchanged files' functions, `gongzheng start` in a process of its own for each, on loopback.
 * For the demonstration, the benchmark and the end-to-end tests; what they kill, they kill with SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Genesis } from '../../src/chain/genesis.ts'
import {
  type Card,
  formatSignatures,
  genesisOf,
  makeCard,
  newCharter,
  originOfCharter,
  signGenesis,
} from '../../src/node/cli/founding.ts'
import { homeFiles } from '../../src/node/configuration.ts'
import { centreKey, governanceKey, type KeyPair, newKeyFile, nodeKeys } from '../../src/node/identity.ts'
import { writeKeyFile } from '../../src/node/key-file.ts'
import { SystemClock, SystemRandom } from '../../src/node/system-clock.ts'

const launcher = fileURLToPath(new URL('../../bin/gongzheng.js', import.meta.url))

const organisations = [
  ['guangzhou', '广州公共资源交易中心', '440100', 'uscc:914403001922038216'],
  ['beijing', '北京市公共资源交易中心', '110000', 'uscc:91110000802100433B'],
  ['wuhan', '武汉市公共资源交易中心', '420100', 'uscc:9144030071526726XG'],
  ['hangzhou', '杭州市公共资源交易中心', '330100', 'uscc:91330100716105852F'],
  ['zhuhai', '珠海市公共资源交易中心', '440400', 'uscc:91440400192548256N'],
  ['changsha', '长沙公共资源交易中心', '430100', 'uscc:91350100M000100Y43'],
  ['nanjing', '南京市公共资源交易中心', '320100', 'uscc:91320100MA1MEMBER3'],
] as const

export interface Home {
  readonly id: string
  readonly directory: string
  readonly apiUrl: string
  readonly privateUrl: string
  readonly centre: KeyPair
  readonly party: string
}

/** Free ports of this moment; whoever binds them soon gets them. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Founds a ledger of the first `count` organisations, with a home for each below `directory`. */
export async function foundHomes(directory: string, count: number): Promise<{ homes: Home[]; genesis: Genesis }> {
  const random = new SystemRandom()
  const charter = newCharter('test.gongzheng.example', { clock: new SystemClock(), random })
  const origin = originOfCharter(charter)
  const ports = await freePorts(3 * count)
  const made = organisations.slice(0, count).map(([id, name, region, party], i) => {
    const [p2p, api, plain] = ports.slice(3 * i, 3 * i + 3) as [number, number, number]
    const files = {
      node: newKeyFile('node', origin, random),
      centre: newKeyFile('centre', origin, random),
      governance: newKeyFile('governance', origin, random),
    }
    const keys = {
      node: nodeKeys(files.node),
      centre: centreKey(files.centre),
      governance: governanceKey(files.governance),
    }
    const listen = `/ip4/127.0.0.1/tcp/${p2p}`
    const card: Card = makeCard(charter, { id, name, region, party, addresses: [listen] }, keys)
    const home: Home = {
      id,
      directory: join(directory, id),
      apiUrl: `http://127.0.0.1:${api}`,
      privateUrl: `http://127.0.0.1:${plain}`,
      centre: keys.centre,
      party,
    }
    const configuration = {
      member: id,
      listen: [listen],
      api: { host: '127.0.0.1', port: api },
      private: { host: '127.0.0.1', port: plain },
      peers: {},
    }
    return { card, files, keys, home, configuration }
  })
  const genesis = genesisOf(
    charter,
    made.map(({ card }) => card),
  )
  const signatures = formatSignatures(
    genesis,
    made.map(({ keys }) => signGenesis(genesis, keys.governance)),
  )
  for (const { files, home, configuration } of made) {
    mkdirSync(join(home.directory, 'keys'), { recursive: true, mode: 0o700 })
    writeKeyFile(join(home.directory, homeFiles.nodeKey), files.node, random)
    writeKeyFile(join(home.directory, homeFiles.centreKey), files.centre, random)
    writeFileSync(join(home.directory, homeFiles.genesis), genesis.entry)
    writeFileSync(join(home.directory, homeFiles.signatures), signatures)
    writeFileSync(join(home.directory, homeFiles.configuration), JSON.stringify(configuration, null, 2))
  }
  return { homes: made.map(({ home }) => home), genesis }
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

  start(): void {
    const log = openSync(join(this.home.directory, 'log'), 'a')
    const child = spawn(process.execPath, [launcher, 'start', '--home', this.home.directory], {
      stdio: ['ignore', log, log],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.#child = child
    this.#exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  }

  /** Resolves when the process is gone. */
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
