/**
 * Random schedules over whole nodes: crashes at every phase of a write, restarts, power cuts, partitions, broken connections, slow disks,
 * skewed clocks. Then everything heals, and what the ledger promised must be there. A failing run prints its seed.
 */
import { describe, expect, it } from 'vitest'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import { ReplicaWorld } from './replica-world.ts'

const seeds = Number(process.env.SCHEDULE_SEEDS ?? 100)
const firstSeed = Number(process.env.SCHEDULE_FIRST_SEED ?? 1)
const stepsMax = Number(process.env.SCHEDULE_STEPS ?? 30)

/** What a run may suffer; each seed draws a subset. */
const troubles = ['crash', 'power-cut', 'partition', 'break', 'slow-disk', 'clock', 'stop'] as const

class Schedule {
  readonly world: ReplicaWorld
  readonly #draw: SeededRandom
  readonly #kinds: readonly string[]
  #submitted = 0

  constructor(seed: number) {
    this.#draw = new SeededRandom(seed * 7919)
    this.world = new ReplicaWorld(this.#draw.below(4) === 0 ? 3 : 4, { seed, cheapSignatures: true })
    this.#kinds = troubles.filter(() => this.#draw.below(2) === 0)
  }

  run(): readonly string[] {
    this.world.startAll()
    for (let step = 0; step < stepsMax; step++) {
      this.#step()
      this.world.clock.advance(this.#draw.below(4) === 0 ? this.#draw.below(2_500) : this.#draw.below(60))
    }
    this.#heal()
    const { world } = this
    const answered = (): boolean =>
      world.isSettled &&
      world.promised.every(({ member }) => world.replica(member).isStarted) &&
      world.unanswered(world.ids[0]!).length === 0
    const limit = world.clock.monotonic() + 120_000
    while (!answered()) {
      if (!world.clock.step(limit)) break
      if (world.clock.monotonic() >= limit) break
    }
    const found = [...world.faults]
    if (!world.isSettled) found.push(`not settled: ${this.#state()}`)
    for (const { member, statement } of world.unanswered(world.ids[0]!))
      found.push(`no answer to ${statement} of ${member}`)
    return found
  }

  #state(): string {
    return this.world.ids
      .map((id) => {
        const replica = this.world.replica(id)
        if (!replica.isStarted) return `${id} not started`
        const { raft, ledger, attested, pendingCount, hindrances } = replica
        return `${id} ${raft.role} t${raft.term} tail ${raft.tail.height} commit ${raft.commit} size ${ledger.committed.frontier.size} attested ${attested?.size} pending ${pendingCount} ${hindrances}`
      })
      .join('\n')
  }

  #step(): void {
    const { world } = this
    const id = this.#pick(world.ids)
    const isUp = world.member(id).replica?.isStarted === true
    switch (this.#draw.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return this.#submit()
      case 5:
        if (world.member(id).replica === undefined) world.start(id)
        return
      default:
    }
    switch (this.#pick(troubles)) {
      case 'crash':
        if (this.#suffers('crash')) world.kill(id, this.#phases())
        return
      case 'power-cut':
        if (!this.#suffers('power-cut') || this.#draw.below(3) > 0) return
        world.killAll(() => this.#phases())
        for (const each of world.ids) world.start(each)
        return
      case 'partition': {
        if (!this.#suffers('partition')) return
        if (this.#draw.below(2) === 0) return world.network.heal()
        const left = world.ids.filter(() => this.#draw.below(2) === 0)
        return world.network.partition([left, world.ids.filter((each) => !left.includes(each))])
      }
      case 'break':
        if (this.#suffers('break'))
          world.network.breakConnection(id, this.#pick(world.ids.filter((each) => each !== id)))
        return
      case 'slow-disk':
        if (this.#suffers('slow-disk')) world.member(id).diskMs = [1, 5, 50, 700][this.#draw.below(4)]!
        return
      case 'clock':
        if (this.#suffers('clock')) world.member(id).clockOffsetMs = this.#draw.below(8_000) - 4_000
        return
      case 'stop':
        if (this.#suffers('stop') && isUp) world.stop(id)
        return
    }
  }

  /** A new statement, the same again elsewhere, or another under a key that is taken. */
  #submit(): void {
    const { world } = this
    for (let count = 1 + this.#draw.below(3); count > 0; count--) {
      const at = this.#pick(world.ids)
      if (world.member(at).replica?.isStarted !== true || world.member(at).fatal !== undefined) continue
      const number = this.#draw.below(4) === 0 ? this.#draw.below(this.#submitted + 1) : this.#submitted++
      const value = this.#draw.below(6) === 0 ? 'other' : ''
      world.submit(at, world.statement(world.ids[0]!, `k${number}`, `${number}${value}`))
    }
  }

  #heal(): void {
    const { world } = this
    world.network.heal()
    for (const id of world.ids) {
      const member = world.member(id)
      member.diskMs = 1
      member.clockOffsetMs = 0
      if (member.replica === undefined) world.start(id)
    }
  }

  #suffers(kind: string): boolean {
    return this.#kinds.includes(kind)
  }

  #phases(): PhaseCount {
    return this.#draw.below(4) as PhaseCount
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#draw.below(of.length)]!
  }
}

describe('random schedules', () => {
  it(`leave one chain, one root, an answer to every receipt, and no contradiction (${seeds} seeds)`, () => {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const schedule = new Schedule(seed)
      let found: readonly string[]
      try {
        found = schedule.run()
      } catch (error) {
        found = [error instanceof Error ? error.stack! : String(error)]
      }
      if (found.length > 0 && process.env.SCHEDULE_LOG !== undefined) console.log(schedule.world.log.join('\n'))
      expect(found, `seed ${seed}`).toEqual([])
    }
  }, 3_600_000)
})
