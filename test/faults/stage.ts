/**
 * Four members as real processes, and every handle that a fault needs: their processes, the lines between them (wires.ts), their disks and
 * clocks (switches.ts), and for one of them a small disk of its own. What is started here is stopped here, however the run ends; a process
 * that ends without having been told to is a fault of ours, and is reported as one.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { StatusAnswer } from '../../src/api/answers.ts'
import { Client } from '../../src/api/client/client.ts'
import type { Genesis } from '../../src/chain/genesis.ts'
import { homeFiles } from '../../src/node/configuration.ts'
import { foundHomes, type Home, NodeProcess, until } from '../end-to-end/cluster.ts'
import { buildSwitches, Switches } from './switches.ts'
import { Wires } from './wires.ts'

/** Whose data directory is a file system by itself, where there is one to be had. */
const smallDiskMember = 'hangzhou'
const smallDiskBytes = 1024 ** 3
/** For a condition that a healthy machine meets in a second or two, on one that is busy with other things. */
export const patienceMs = 180_000

export class Member {
  readonly home: Home
  /** undefined where they cannot be made. */
  readonly switches: Switches | undefined
  readonly #node: NodeProcess
  readonly #environment: Readonly<Record<string, string>>
  readonly #onUnexpectedEnd: (words: string) => void
  #starts = 0
  #isRunning = false
  #mayEnd = false

  constructor(
    home: Home,
    switches: Switches | undefined,
    environment: Readonly<Record<string, string>>,
    onUnexpectedEnd: (words: string) => void,
  ) {
    this.home = home
    this.switches = switches
    this.#environment = environment
    this.#node = new NodeProcess(home)
    this.#onUnexpectedEnd = onUnexpectedEnd
  }

  get id(): string {
    return this.home.id
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** One start of the node: what reads may be held to (ledger-history.ts). */
  get session(): string {
    return `${this.id} ${this.#starts}`
  }

  start(): void {
    this.#starts++
    this.#isRunning = true
    this.#mayEnd = false
    const start = this.#starts
    this.#node.start([], { ...this.#environment, ...this.switches?.environment })
    this.#node.exited.then((code) => {
      if (start !== this.#starts) return
      this.#isRunning = false
      if (!this.#mayEnd) this.#onUnexpectedEnd(`${this.id} ended by itself with ${code}`)
    })
  }

  /** What happens to it next may end it. */
  mayEnd(): void {
    this.#mayEnd = true
  }

  async kill(): Promise<void> {
    this.#mayEnd = true
    await this.#node.kill('SIGKILL')
  }

  /** SIGTERM; what is held is let go first, or it would never hear it. */
  async stop(): Promise<number | null> {
    this.#mayEnd = true
    this.#node.hold(false)
    return this.#node.kill('SIGTERM')
  }

  hold(isHeld: boolean): void {
    this.#node.hold(isHeld)
  }

  /** The process has to end by itself, and does so before long. @returns its exit code */
  async endsByItself(): Promise<number | null> {
    this.#mayEnd = true
    let ended = false
    const code = this.#node.exited.then((exitCode) => {
      ended = true
      return exitCode
    })
    await until(async () => ended, `${this.id} has stopped by itself`, patienceMs)
    return code
  }

  client(timeoutMs = 5_000): Client {
    return new Client({ url: this.home.apiUrl, attemptsMax: 1, timeoutMs, language: 'en' })
  }

  async status(): Promise<StatusAnswer | undefined> {
    return this.client(2_000)
      .status()
      .catch(() => undefined)
  }

  /** Log lines so far: the mark from which `logSince` reads. */
  get logMark(): number {
    return this.#log.length
  }

  logSince(mark: number): readonly Readonly<Record<string, unknown>>[] {
    return this.#log
      .slice(mark)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as Record<string, unknown>]
        } catch {
          return [] // cut short by a SIGKILL
        }
      })
  }

  get #log(): string {
    const path = join(this.home.directory, 'log')
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
}

export interface Settled {
  readonly size: number
  readonly root: string
  readonly height: number
}

export class Stage {
  readonly directory: string
  readonly genesis: Genesis
  readonly members: readonly Member[]
  readonly wires: Wires
  /** Why something cannot be done here; undefined when it can. */
  readonly withoutSwitches: string | undefined
  readonly withoutSmallDisk: string | undefined
  /** What ended by itself. */
  readonly unexpected: string[]
  #isClosed = false

  static async open({ hasSmallDisk = true } = {}): Promise<Stage> {
    const directory = mkdtempSync(join(tmpdir(), 'gongzheng-faults-'))
    const homesDirectory = join(directory, 'homes')
    const { homes, genesis } = await foundHomes(homesDirectory, 4)
    const wires = new Wires()
    for (const { directory: home } of homes) await layWires(wires, home)
    const withoutSmallDisk = hasSmallDisk ? mountSmallDisk(smallDiskAt(homes)) : 'not asked for'
    const built = buildSwitches(directory)
    const environment = compiledOnce(join(directory, 'compiled'))
    const unexpected: string[] = []
    const members = homes.map((home) => {
      const switches =
        'library' in built ? new Switches(join(directory, `${home.id}.switches`), built.library) : undefined
      return new Member(home, switches, environment, (words) => unexpected.push(words))
    })
    return new Stage(directory, genesis, members, wires, unexpected, {
      withoutSwitches: 'reason' in built ? built.reason : undefined,
      withoutSmallDisk,
    })
  }

  private constructor(
    directory: string,
    genesis: Genesis,
    members: readonly Member[],
    wires: Wires,
    unexpected: string[],
    without: { readonly withoutSwitches: string | undefined; readonly withoutSmallDisk: string | undefined },
  ) {
    this.directory = directory
    this.genesis = genesis
    this.members = members
    this.wires = wires
    this.unexpected = unexpected
    this.withoutSwitches = without.withoutSwitches
    this.withoutSmallDisk = without.withoutSmallDisk
  }

  member(id: string): Member {
    return this.members.find((member) => member.id === id)!
  }

  others(...not: readonly Member[]): readonly Member[] {
    return this.members.filter((member) => !not.includes(member))
  }

  /** Whom most of those asked name. */
  async leader(among: readonly Member[] = this.members): Promise<Member> {
    let found: string | null | undefined
    await until(
      async () => {
        const named = (await Promise.all(among.map((member) => member.status()))).map((status) => status?.leader)
        found = named.find((id) => id != null && named.filter((other) => other === id).length * 2 > among.length)
        return found != null
      },
      'a leader',
      patienceMs,
    )
    return this.member(found!)
  }

  async ready(members: readonly Member[] = this.members): Promise<void> {
    const isReady = async (member: Member): Promise<boolean> =>
      fetch(`${member.home.apiUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
        ({ ok }) => ok,
        () => false,
      )
    const names = members.map(({ id }) => id).join(', ')
    await until(async () => (await Promise.all(members.map(isReady))).every(Boolean), `${names} ready`, patienceMs)
  }

  /** All four whole, with nothing on its way, at one size and root. @throws {Error} that says what it last saw */
  async settled(): Promise<Settled> {
    let last: readonly (StatusAnswer | undefined)[] = []
    const isSettled = async (): Promise<boolean> => {
      last = await Promise.all(this.members.map((member) => member.status()))
      const [first] = last
      return last.every(
        (status) =>
          status !== undefined &&
          status.hindrances.length === 0 &&
          status.pendingStatements === 0 &&
          status.attestedSize === status.replicatedSize &&
          status.attestedSize === first!.attestedSize &&
          status.attestedRoot === first!.attestedRoot,
      )
    }
    try {
      await until(isSettled, 'all four whole, at one size and root', patienceMs)
    } catch (error) {
      const seen = last.map((status, at) => {
        const { id } = this.members[at]!
        if (status === undefined) return `${id}: no answer`
        const { role, term, leader, attestedSize, replicatedSize, pendingStatements, hindrances, attestedRoot } = status
        const codes = hindrances.map(({ code }) => code).join(' ')
        return `${id}: ${role} in term ${term} under ${leader}, ${attestedSize}/${replicatedSize} ${attestedRoot}, ${pendingStatements} pending, ${codes}`
      })
      throw new Error([(error as Error).message, ...seen].join('\n    '))
    }
    const heights = last.map((status) => Number(status!.height))
    return { size: Number(last[0]!.attestedSize), root: last[0]!.attestedRoot, height: Math.min(...heights) }
  }

  /** Bytes free on the small disk; a positive number of bytes is left to it, everything is what `wholeDisk` gives. */
  shrinkDisk(freeBytes: number): void {
    const { blocks, bfree, bsize } = statfsSync(this.smallDisk)
    remount(this.smallDisk, (blocks - bfree) * bsize + freeBytes)
  }

  wholeDisk(): void {
    remount(this.smallDisk, smallDiskBytes)
  }

  get smallDiskMember(): Member {
    return this.member(smallDiskMember)
  }

  get smallDisk(): string {
    return smallDiskAt(this.members.map(({ home }) => home))
  }

  /** Everything as it is when all is well: nobody held, no line cut, every switch off, disks whole, everybody running. */
  async heal(): Promise<void> {
    this.wires.heal()
    for (const member of this.members) {
      member.hold(false)
      member.switches?.allOff()
    }
    if (this.withoutSmallDisk === undefined) this.wholeDisk()
    for (const member of this.members) if (!member.isRunning) member.start()
    await this.ready()
  }

  /** Stops everything; the homes stay where something is to be looked at. */
  async close(keepHomes: boolean): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.wires.heal()
    for (const member of this.members) member.switches?.allOff()
    // A node that does not stop in time is killed: the run must end.
    await Promise.all(
      this.members.map((member) => {
        const ended = new AbortController()
        const late = delay(15_000, undefined, { signal: ended.signal }).then(
          () => member.kill(),
          () => undefined,
        )
        return member.stop().then(() => {
          ended.abort()
          return late
        })
      }),
    )
    await this.wires.close()
    this.#unmount(keepHomes)
  }

  /** Without waiting for anybody: for Ctrl-C. */
  closeAtOnce(): void {
    this.#isClosed = true
    for (const member of this.members) void member.kill()
    this.#unmount(false)
  }

  #unmount(keepHomes: boolean): void {
    if (this.withoutSmallDisk === undefined) execFileSync('umount', ['--lazy', this.smallDisk])
    // Whoever was just killed may still be writing its last file.
    if (!keepHomes) rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

/** Nodes are started dozens of times, and a killed one leaves nothing for the next: their modules are compiled here, once. */
function compiledOnce(directory: string): Readonly<Record<string, string>> {
  const environment = { NODE_COMPILE_CACHE: directory }
  const modules = new URL('../../src/node/cli/start.ts', import.meta.url)
  execFileSync(process.execPath, ['--input-type=module', '--eval', `await import('${modules.href}')`], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  return environment
}

/** Every address that the member dials becomes a relay's. */
async function layWires(wires: Wires, home: string): Promise<void> {
  const path = join(home, homeFiles.configuration)
  const configuration = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly member: string
    readonly peers: Record<string, { readonly addresses: readonly string[] }>
  }
  const relayed: Record<string, object> = {}
  for (const [peer, { addresses }] of Object.entries(configuration.peers)) {
    const port = await wires.lay(configuration.member, peer, Number(addresses[0]!.split('/')[4]))
    relayed[peer] = { addresses: [`/ip4/127.0.0.1/tcp/${port}`] }
  }
  writeFileSync(path, JSON.stringify({ ...configuration, peers: relayed }))
}

const smallDiskAt = (homes: readonly Home[]): string =>
  join(homes.find(({ id }) => id === smallDiskMember)!.directory, 'data')

/** @returns why there is none */
function mountSmallDisk(path: string): string | undefined {
  if (process.platform !== 'linux') return 'a tmpfs is Linux’s'
  if (process.getuid?.() !== 0) return 'only root may mount a tmpfs'
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${smallDiskBytes}`, 'gongzheng-faults', path], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return undefined
  } catch (error) {
    return `mount: ${String((error as { readonly stderr?: Buffer }).stderr).trim()}`
  }
}

const remount = (path: string, bytes: number): void => {
  execFileSync('mount', ['-o', `remount,size=${bytes}`, path])
}
