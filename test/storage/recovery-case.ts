/**
 * One damage to a copy of a data directory, and what the node makes of it. The node is started on the damaged files with one of its three
 * peers (two of four are down): what it answers then must be true or be refused with a code. Then the other two come, and in the end
 * every answer must be as it was, every receipt kept — unless the node refused to start, with a code and words. A node that stops
 * by itself is started again, as a supervisor would; one that goes on stopping has not been repaired.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Refusal } from '../../src/chain/refusal.ts'
import { type Answers, type Asked, answersOf, isRefused, notAttested, stateNamesOf } from './answers.ts'
import type { Damage } from './damage.ts'
import { others, real, StorageWorld } from './storage-world.ts'
import { statementIdOf, type UsedDirectory } from './used-directory.ts'

export interface RecoveryCase {
  readonly number: number
  /** `log`, `table`, `vote`, … */
  readonly kind: string
  /** `flip`, `truncate`, … */
  readonly what: string
  /** Path within the data directory. */
  readonly file: string
  readonly damage: Damage
}

/** `wrong` is what must not be; its reasons say what. */
export type Verdict = 'repaired' | 'refused' | 'harmless' | 'wrong'

export interface Outcome {
  readonly verdict: Verdict
  /** Of a refusal. */
  readonly code?: string
  readonly reasons: readonly string[]
  /** The end of the log, when something is wrong. */
  readonly log: readonly string[]
}

export interface Prepared {
  readonly base: UsedDirectory
  readonly asked: Asked
  readonly expected: Answers
  /** A folder for the copies. */
  readonly folder: string
}

/** Starts of one case: the first, and those of a supervisor. */
const startsMax = 4
/** The remedy for a refusal is tried for one case in so many. */
const remedyEvery = 10

/** What in the log says that damage was noticed and something done about it. */
const repairEvents =
  /derived rows damaged|block damaged|block repaired|recovered|attestation damaged|journal damaged|receipts lost|restored/

export async function runCase({ number, file, damage }: RecoveryCase, prepared: Prepared): Promise<Outcome> {
  const directory = join(prepared.folder, `case-${number}`)
  await rm(directory, { recursive: true, force: true })
  await cp(prepared.base.directory, directory, { recursive: true })
  const path = join(directory, file)
  const damaged = damage.apply(await readFile(path))
  if (damaged === undefined) await rm(path, { recursive: true })
  else {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, damaged)
  }
  const run = new Run(directory, number, prepared)
  try {
    return await run.toTheEnd()
  } finally {
    await run.close()
    await rm(directory, { recursive: true, force: true })
  }
}

class Run {
  readonly #prepared: Prepared
  readonly #number: number
  readonly #directory: string
  readonly #world: StorageWorld
  readonly #reasons: string[] = []
  readonly #uncaught: unknown[] = []
  readonly #onUncaught = (error: unknown): void => void this.#uncaught.push(error)

  constructor(directory: string, number: number, prepared: Prepared) {
    const { base } = prepared
    this.#directory = directory
    this.#number = number
    this.#prepared = prepared
    this.#world = new StorageWorld({ directory, seed: base.seed, signed: base.signed.copyOf(real) })
    this.#world.clock.advance(base.endedAt + 1_000)
    for (const [id, medium] of base.media) this.#world.member(id).medium = medium.copy()
    for (const [size, root] of base.attested) this.#world.attested.set(size, root)
    process.on('unhandledRejection', this.#onUncaught)
  }

  async close(): Promise<void> {
    await this.#world.stopReal()
    process.off('unhandledRejection', this.#onUncaught)
  }

  async toTheEnd(): Promise<Outcome> {
    const world = this.#world
    world.start(others[0])
    try {
      for (let start = 1; ; start++) {
        if (start > startsMax) return this.#wrong(`it goes on stopping: ${world.member(real).fatal?.slice(0, 300)}`)
        const code = await this.#start()
        if (code !== undefined) {
          if (code === 'disk.unreadable' && this.#number % remedyEvery === 0) await this.#remedy()
          return this.#end('refused', code)
        }
        if (await this.#goesOn(start)) break
        await world.stopReal()
      }
    } catch (error) {
      return this.#wrong(`uncaught: ${error instanceof Error ? error.stack : String(error)}`)
    }
    const isRepaired = world.log.some((line) => line.includes(` ${real} `) && repairEvents.test(line))
    return this.#end(isRepaired ? 'repaired' : 'harmless')
  }

  /** The code with which it refuses to start. */
  async #start(): Promise<string | undefined> {
    try {
      await this.#world.startReal()
      return codeIn(this.#world.member(real).fatal)
    } catch (error) {
      if (error instanceof Refusal && error.message !== '') return error.code
      throw error
    }
  }

  /** What the refusal says: the folder is moved away, and everything comes back from the other members. */
  async #remedy(): Promise<void> {
    await this.#world.stopReal()
    await rename(join(this.#directory, 'rows'), join(this.#directory, 'rows-damaged'))
    const code = await this.#start()
    if (code !== undefined) this.#reasons.push(`the remedy: ${code}`)
    else if (!(await this.#goesOn(1)))
      this.#reasons.push(`the remedy: ${this.#world.member(real).fatal ?? 'it does not start'}`)
    else if (!this.#world.log.some((line) => line.includes(`${real} receipts lost`)))
      this.#reasons.push('the remedy: receipts were lost without a word')
  }

  /** False when it stopped by itself. */
  async #goesOn(start: number): Promise<boolean> {
    const world = this.#world
    const held = world.member(real)
    const stopped = (): boolean => held.fatal !== undefined
    const isStarted = await world.passUntil(() => stopped() || world.isServing, 30_000)
    if (!isStarted) this.#reasons.push('it never starts')
    if (stopped() || !isStarted) return false
    if (start === 1) {
      await this.#compare('alone', 4)
      await world.pass(2_000)
      if (stopped()) return false
      await this.#compare('alone, later', 12)
    }
    for (const id of others) if (world.member(id).replica === undefined) world.start(id)
    for (let round = 0; ; round++) {
      const isSettled = await world.passUntil(() => stopped() || world.isSettled, 60_000)
      if (stopped()) return false
      if (!isSettled) {
        this.#reasons.push(`it never settles: ${held.replica?.hindrances.join(' ')}`)
        return true
      }
      if (await this.#compare('with all', 1, round < 5)) return true
      if (stopped()) return false
      await world.pass(3_000)
    }
  }

  /** Whether every answer is as it was; when refusals are awaited to end, they are not held against it. */
  async #compare(when: string, every = 1, isLater = true): Promise<boolean> {
    const { asked, expected, base } = this.#prepared
    const pending = new Set(base.pending.map((jws) => statementIdOf(jws, this.#world.genesis.ledger)))
    const isAlone = when !== 'with all'
    let isWhole = true
    for (const [question, answer] of await answersOf(this.#world, { ...asked, every, offset: this.#number })) {
      const [kind, what] = question.split(/ (?=[^ ]*$)/)
      const before = expected.get(question)
      if (pending.has(what!)) {
        const isKept = kind === 'record of' ? isAlone || answer !== 'nothing' : /pending|record|known/.test(answer)
        // Nobody else has them. What the disk has lost of them must have been said.
        const isTold = this.#world.log.some((line) => line.includes(`${real} receipts lost`))
        if (!isKept && !isRefused(answer) && !isTold) this.#reasons.push(`${when}: ${question}: ${answer}`)
        continue
      }
      if (answer === before) continue
      // A receipt that was given here and is remembered again is true, though the record is on the ledger by now.
      const isOpen = isRefused(answer) || answer === notAttested || /^pending|"kind":"pending"/.test(answer)
      if (isOpen && (isAlone || isLater)) isWhole = false
      else this.#reasons.push(`${when}: ${question}: ${answer.slice(0, 200)} instead of ${before?.slice(0, 200)}`)
    }
    return isWhole
  }

  #end(verdict: Verdict, code?: string): Outcome {
    const world = this.#world
    if (this.#uncaught.length > 0)
      this.#reasons.push(...this.#uncaught.map((error) => `uncaught: ${String((error as Error)?.stack ?? error)}`))
    this.#reasons.push(...world.signed.contradictions)
    this.#reasons.push(...world.log.filter((line) => /FATAL two|\bhalted\b/.test(line)))
    if (this.#reasons.length > 0) return this.#wrong()
    return { verdict, reasons: [], log: [], ...(code !== undefined && { code }) }
  }

  #wrong(reason?: string): Outcome {
    if (reason !== undefined) this.#reasons.push(reason)
    return {
      verdict: 'wrong',
      reasons: this.#reasons,
      log: this.#world.log.filter((line) => line.includes(real)).slice(-25),
    }
  }
}

/** A stop that names a code of the catalogue is a refusal; any other is a failure that a restart may mend. */
function codeIn(reason: string | undefined): string | undefined {
  return /^(node\.retired)\b/.exec(reason ?? '')?.[1]
}

/** What the node answers on undamaged files: with what all is compared. */
export async function expectedOf(base: UsedDirectory, folder: string): Promise<Prepared> {
  const directory = join(folder, 'undamaged')
  await cp(base.directory, directory, { recursive: true })
  const world = new StorageWorld({ directory, seed: base.seed, signed: base.signed.copyOf(real) })
  world.clock.advance(base.endedAt + 1_000)
  for (const [id, medium] of base.media) world.member(id).medium = medium.copy()
  for (const [size, root] of base.attested) world.attested.set(size, root)
  await world.startReal()
  await world.passUntil(() => world.isServing)
  const { frontier, block } = world.replica(real).ledger.committed
  for (const id of others) world.start(id)
  await world.settleReal('an undamaged start')
  const asked: Asked = {
    base,
    size: frontier.size,
    height: block.height,
    state: stateNamesOf(base),
    every: 1,
    offset: 0,
  }
  const expected = await answersOf(world, asked, true)
  await world.stopReal()
  return { base, asked, expected, folder }
}
