/**
 * Lying members, up to f of them, with every trick: no honest node signs a contradiction, no two honest nodes commit or attest different things,
 * none dies or halts, and once the liars fall silent everything that was taken in is answered. `LIAR_SEEDS=500 LIAR_FIRST_SEED=1 npx vitest
 * run test/simulation/liar.test.ts` looks further; a failing run prints its seed.
 */
import { describe, expect, it } from 'vitest'
import { faultsOf } from '../../src/chain/numbers.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import type { MemberId } from '../../src/node/ports.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import { SignatureBook } from '../node/signature-book.ts'
import { invariants } from './invariants/all.ts'
import { installLiars, silence, type Trick, tricks } from './liar.ts'
import { World } from './world.ts'

const seeds = Number(process.env.LIAR_SEEDS ?? 4)
const firstSeed = Number(process.env.LIAR_FIRST_SEED ?? 1)

const lyingMs = Number(process.env.LIAR_MS ?? 12_000)

/** A run with liars, and what it found. */
class LyingRun {
  readonly world: World
  readonly found: string[] = []
  readonly liarsBook = new SignatureBook()
  readonly #draw: SeededRandom
  readonly #honest: readonly MemberId[]
  #submitted = 0

  constructor(
    memberCount: number,
    seed: number,
    liars: Readonly<Record<MemberId, readonly Trick[]>>,
    keepsLog = false,
  ) {
    this.world = new World({ memberCount, seed, network: { delayMs: 3, jitterMs: 6 }, keepsLog })
    this.#draw = new SeededRandom(seed * 7919 + 1)
    installLiars(this.world, liars)
    this.#honest = this.world.ids.filter((id) => liars[id] === undefined)
    for (const { watch } of invariants) this.world.watch(watch(this.world))
    this.world.watch({
      word: (process, word) => {
        if (!this.world.isHonest(process)) this.liarsBook.hear(process.member, word)
      },
    })
    for (const id of this.world.ids) this.world.start(id)
  }

  submit(): void {
    const { world } = this
    const id = this.#honest[this.#draw.below(this.#honest.length)]!
    const process = world.machine(id).process
    if (process?.isStarted !== true) return
    const statement = world.statement(id, `k${this.#submitted++}`)
    process.replica.submit(statement, () => undefined)
  }

  lie(ms: number): this {
    const until = this.world.clock.monotonic() + ms
    while (this.world.clock.monotonic() < until && this.world.violation === undefined) {
      if (this.#draw.below(3) > 0) this.submit()
      if (this.#draw.below(12) === 0) this.#trouble()
      this.world.runTo(this.world.clock.monotonic() + this.#draw.below(500))
    }
    return this
  }

  /** Honest trouble of the kind that liars wait for: a node falls behind, or hears only some of the others. */
  #trouble(): void {
    const { world } = this
    const id = this.#honest[this.#draw.below(this.#honest.length)]!
    const other = world.ids[this.#draw.below(world.ids.length)]!
    const awayMs = 300 + this.#draw.below(4_000)
    switch (this.#draw.below(3)) {
      case 0:
        world.kill(id, this.#draw.below(4) as PhaseCount)
        return void world.clock.after(awayMs, () => world.start(id))
      case 1:
        world.machine(id).process?.pause()
        return void world.clock.after(awayMs, () => world.machine(id).process?.resume())
      case 2:
        if (other === id) return
        world.network.cut(id, other)
        return void world.clock.after(awayMs, () => world.network.mend(id, other))
    }
  }

  /** Until the liar leads; a leader that is none falls silent for a while. */
  enthrone(liar: MemberId): this {
    const { world } = this
    for (let i = 0; i < 40 && !this.#leads(liar); i++) {
      const leader = world.honest.find(({ replica }) => replica.raft.role === 'leader')
      leader?.pause()
      world.runUntil(() => this.#leads(liar), 3_000)
      leader?.resume()
    }
    return this
  }

  /** Misses an election and what came after it, and then can ask nobody but the liar. */
  leaveBehind(id: MemberId, liar: MemberId): this {
    const { world } = this
    world.kill(id)
    this.enthrone(liar)
    for (let i = 0; i < 5; i++) {
      this.submit()
      world.runTo(world.clock.monotonic() + 300)
    }
    for (const other of this.#honest) if (other !== id) world.network.cut(id, other)
    world.start(id)
    world.runTo(world.clock.monotonic() + 15_000)
    return this
  }

  #leads(id: MemberId): boolean {
    const process = this.world.machine(id).process
    return process?.isStarted === true && process.replica.raft.role === 'leader'
  }

  /** The liars are cut off; everybody honest comes to rest on one ledger that holds all that was taken in. */
  end(): this {
    const { world } = this
    this.#complain()
    silence(world)
    world.network.heal()
    for (const id of this.#honest) world.start(id)
    for (const { process } of world.machines.values()) process?.resume()
    const isAtRest = (): boolean => {
      const sizes = new Set(world.honest.map(({ replica }) => replica.attested?.size))
      return (
        world.honest.length === this.#honest.length &&
        sizes.size === 1 &&
        world.honest.every(
          ({ replica }) =>
            replica.pendingCount === 0 &&
            replica.attested?.size === replica.ledger.committed.frontier.size &&
            replica.hindrances.length === 0,
        )
      )
    }
    if (!world.runUntil(isAtRest, 60_000)) this.found.push(`not at rest after 60 s:\n${this.state}`)
    for (let i = 0; i < 3; i++) this.submit()
    world.runTo(world.clock.monotonic() + 100)
    if (!world.runUntil(isAtRest, 30_000)) this.found.push(`does not go on:\n${this.state}`)
    this.#complain()
    return this
  }

  #complain(): void {
    const { world } = this
    for (const id of this.#honest) {
      const process = world.machine(id).process
      if (process?.fatal !== undefined) this.found.push(`${id} died: ${process.fatal}`)
      const codes = process?.isStarted === true ? process.replica.hindrances : []
      for (const code of codes) if (code === 'node.halted' || code === 'node.retired') this.found.push(`${id}: ${code}`)
    }
    if (world.violation !== undefined) this.found.push(`${world.violation.invariant}: ${world.violation.text}`)
  }

  get state(): string {
    return this.world.honest
      .map(({ member, replica }) => {
        const { raft, ledger, attested, pendingCount, hindrances } = replica
        return `${member} ${raft.role} of ${raft.leader} t${raft.term} lock ${raft.lock.block.term}.${raft.lock.block.height} tail ${raft.tail.height} commit ${raft.commit} size ${ledger.committed.frontier.size} attested ${attested?.size} pending ${pendingCount} ${hindrances}`
      })
      .join('\n')
  }

  get attestedSize(): number {
    return Math.max(...this.world.honest.map(({ replica }) => replica.attested?.size ?? 0))
  }
}

/** Which members lie, and how, is drawn from the seed. */
function drawnRun(memberCount: number, seed: number): LyingRun {
  const draw = new SeededRandom(seed * 104_729 + memberCount)
  const liars: Record<MemberId, readonly Trick[]> = {}
  const ids = new World({ memberCount, seed }).ids
  while (Object.keys(liars).length < faultsOf(memberCount)) {
    const all = draw.below(4) === 0
    liars[ids[draw.below(memberCount)]!] = tricks.filter(() => all || draw.below(3) === 0)
  }
  return new LyingRun(memberCount, seed, liars, process.env.LIAR_LOG !== undefined)
}

const struck = ({ world }: LyingRun, name: string): number => world.struck.get(`lie:${name}`) ?? 0

/** What shows that a lie arrived: a line in the log of an honest node, or a contradiction that the liar's own keys signed. */
const shownBy: Readonly<Record<Trick, RegExp>> = {
  assemble: /^lie:assemble shown/,
  'double-vote': /^wuhan: two VOTE/,
  equivocate: /^wuhan: two SEAL/,
  'bad-block': / block (refused|malformed) .*wuhan/,
  'stand-low': /^wuhan: (LOCK|base) .* below|^wuhan: two VOTE/,
  'false-commit': / message badly signed .*wuhan.*certified/,
  'false-cosign': / cosignature (bad|contradicts) .*wuhan/,
  amnesia: /^wuhan: (two|LOCK|base|size)/,
  'false-fence': / (this start is refused|peer refused) .*wuhan/,
  'false-blocks': / (catch-up|repair) answer .*wuhan/,
  suspicion: / role .*(refused: |hand)/,
  withhold: / role .*(no word from a leader|no quorum acknowledges)/,
  replay: / (peer refused|message badly signed) .*wuhan/,
  malformed: / message malformed .*wuhan/,
}

describe('a lying member', () => {
  for (const trick of tricks) {
    it(`${trick}: strikes, and breaks nothing`, { timeout: 120_000 }, () => {
      let isShown = false
      for (let seed = 11; seed < 31 && !isShown; seed++) {
        // Only who is behind asks for blocks, and only among seven can the others go on without it.
        const isAsked = trick === 'false-blocks'
        const run = new LyingRun(isAsked ? 7 : 4, seed, { wuhan: [trick] }, true)
        if (isAsked) run.lie(500).leaveBehind('hangzhou', 'wuhan')
        else run.enthrone('wuhan').lie(6_000)
        run.end()
        expect(run.found, `seed ${seed}`).toEqual([])
        expect(run.attestedSize).toBeGreaterThan(10)
        const log = run.world.log.filter((line) => !/^\d+ wuhan /.test(line))
        const lines = [...log, ...run.liarsBook.contradictions, ...run.world.struck.keys()]
        isShown = struck(run, trick) > 0 && lines.some((line) => shownBy[trick].test(line))
      }
      expect(isShown, `${shownBy[trick]}`).toBe(true)
    })
  }

  for (const kind of ['a record that the rules refuse', 'a refusal of what the rules accept']) {
    it(`as leader seals ${kind}: no honest member signs it`, { timeout: 120_000 }, () => {
      let strikes = 0
      for (let seed = 11; seed < 51 && strikes === 0; seed++) {
        const run = new LyingRun(4, seed, { wuhan: ['bad-block'] }, true)
        run.enthrone('wuhan').lie(6_000)
        run.end()
        // Among what must hold: nobody honest acknowledges, locks or cosigns what the world was told is invalid.
        expect(run.found, `seed ${seed}`).toEqual([])
        strikes += struck(run, `bad-block ${kind}`)
      }
      expect(strikes).toBeGreaterThan(0)
    })
  }

  it('lies the same way with the same seed', () => {
    const run = () => drawnRun(4, 3).lie(8_000).end().world
    const first = run()
    const second = run()
    expect(second.trace.hash).toBe(first.trace.hash)
    expect(second.struck).toEqual(first.struck)
    expect(drawnRun(4, 4).lie(8_000).end().world.trace.hash).not.toBe(first.trace.hash)
  })
})

describe('as many liars as the ledger bears', () => {
  for (const memberCount of [4, 7]) {
    it(`${memberCount} members, random tricks`, { timeout: 600_000 + seeds * 20_000 }, () => {
      const total = new Map<string, number>()
      const failed: string[] = []
      for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
        const run = drawnRun(memberCount, seed)
        const { found } = run.lie(lyingMs).end()
        if (found.length > 0)
          failed.push(`LIAR_FIRST_SEED=${seed} LIAR_SEEDS=1, ${memberCount} members:\n${found.join('\n')}`)
        for (const [name, count] of run.world.struck) total.set(name, (total.get(name) ?? 0) + count)
      }
      if (process.env.LIAR_COUNTS !== undefined) process.stdout.write(`${JSON.stringify([...total].sort(), null, 0)}\n`)
      expect(failed).toEqual([])
      expect(total.size).toBeGreaterThan(20)
    })
  }
})
