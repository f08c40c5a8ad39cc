/**
 * Four nodes of which one keeps its data in real files: LevelDB and slot files in a directory, through the node's own `LevelDisk`. The other
 * three are on memory disks; clock and network are virtual.
 */
import { type OpenedDisk, openLevelDisk } from '../../src/node/level-disk.ts'
import type { Log, LogFields } from '../../src/node/ports.ts'
import type { DiskOwner } from '../../src/node/slot-file.ts'
import { ReplicaWorld } from '../node/replica-world.ts'
import type { SignatureBook } from '../node/signature-book.ts'
import { SteppedDisk } from './stepped-disk.ts'

/** The member on real files. */
export const real = 'wuhan'
export const others = ['beijing', 'guangzhou', 'hangzhou'] as const

/** Real seconds after which a disk that has not answered counts as hung. */
const hungMs = 30_000

export interface StorageWorldOptions {
  /** The data directory of the member on real files. */
  readonly directory: string
  readonly seed: number
  readonly signed?: SignatureBook
}

const ownerOf = ({ genesis, members }: ReplicaWorld): DiskOwner => ({
  ledger: genesis.ledger,
  node: members.get(real)!.member.node.id,
})

/** All worlds of four are founded alike. */
export const ownerOfReal = (): DiskOwner => ownerOf(new ReplicaWorld(4, { cheapSignatures: true }))

export class StorageWorld extends ReplicaWorld {
  readonly #directory: string
  #opened: OpenedDisk | undefined
  #stepped: SteppedDisk | undefined
  /** Where in the log the newest start begins. */
  #startedAt = 0

  constructor({ directory, seed, signed }: StorageWorldOptions) {
    super(4, { seed, cheapSignatures: true, ...(signed && { signed }) })
    this.#directory = directory
  }

  get disk(): SteppedDisk {
    return this.#stepped!
  }

  /** Opens the directory and starts the node on it. @throws {Refusal} disk.* */
  async startReal(): Promise<void> {
    const write = (event: string, fields?: LogFields): void => {
      this.log.push(`${this.clock.monotonic()} ${real} ${event} ${JSON.stringify(fields ?? {})}`)
    }
    const log: Log = { debug: write, info: write, warn: write, error: write }
    const owner = ownerOf(this)
    const onFatal = (reason: string): void => {
      this.fail(real, reason)
      this.#stepped?.fail()
    }
    this.#opened = await openLevelDisk({ directory: this.#directory, owner }, { log, onFatal })
    this.#stepped = new SteppedDisk(this.#opened.disk, this.clock)
    this.#startedAt = this.log.length
    this.start(real, this.#stepped)
  }

  /** The node has read all that it reads before anybody can ask it. */
  get isServing(): boolean {
    return this.log.indexOf(`${real} started`, this.#startedAt) >= 0
  }

  async stopReal(): Promise<void> {
    this.kill(real)
    await this.#opened?.close()
    this.#opened = undefined
    this.#stepped = undefined
  }

  /** Lets virtual time pass until the condition holds; false if it does not within this many virtual milliseconds. */
  async passUntil(condition: () => boolean, ms = 120_000): Promise<boolean> {
    const limit = this.clock.monotonic() + ms
    while (!condition()) {
      await this.#quiet()
      if (!this.clock.step(limit)) return condition()
    }
    return true
  }

  async pass(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms
    await this.passUntil(() => false, ms)
    this.clock.advance(end - this.clock.monotonic())
  }

  async settleReal(what: string): Promise<void> {
    if (!(await this.passUntil(() => this.isSettled))) {
      throw new Error(`never: ${what}\n${this.log.slice(-40).join('\n')}`)
    }
  }

  async #quiet(): Promise<void> {
    if (this.#stepped === undefined || this.#stepped.isQuiet) return
    let timer: NodeJS.Timeout | undefined
    const hung = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the disk does not answer')), hungMs)
    })
    try {
      await Promise.race([this.#stepped.quiet(), hung])
    } finally {
      clearTimeout(timer)
    }
  }
}
