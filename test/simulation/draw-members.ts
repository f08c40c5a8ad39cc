/**
 * Changes of members for a schedule, drawn beside it from a stream of their own: what else a seed suffers stays as it was. The lists are such that
 * each of them bears what the schedule does to its members, whichever of the changes come about: at most f of it lie, and those who lie, lose or
 * damage their disks or are replaced are together no more than its quorum can do without.
 */
import { faultsOf, quorumOf } from '../../src/chain/numbers.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import type { MemberId } from '../../src/node/ports.ts'
import type { SeededRandom } from '../contract/virtual-clock.ts'
import { memberIds } from './founding.ts'
import type { Deed, Step } from './schedule.ts'

/** As many as there are organisations with keys (founding.ts). */
const membersMax = 7
const changesMax = 3

type Change = 'join' | 'leave' | 'leader-leaves' | 'replace' | 'several'
const changes = ['join', 'join', 'leave', 'leader-leaves', 'leader-leaves', 'replace', 'replace', 'several'] as const

export interface Frail {
  readonly liars: ReadonlySet<MemberId>
  /** All who may break their word; a node of these that does not lie may be replaced. */
  readonly all: ReadonlySet<MemberId>
}

interface Plan {
  readonly members: readonly MemberId[]
  readonly renew: readonly MemberId[]
  readonly isWithoutLeader: boolean
}

export class MembersDraw {
  readonly #random: SeededRandom
  readonly #initial: readonly MemberId[]
  readonly #joiners: readonly MemberId[]
  readonly #liars: ReadonlySet<MemberId>
  readonly #frail: Set<MemberId>
  readonly #left = new Set<MemberId>()
  #current: readonly MemberId[]

  constructor(random: SeededRandom, initial: readonly MemberId[], { liars, all }: Frail) {
    this.#random = random
    this.#initial = initial
    this.#liars = liars
    this.#frail = new Set(all)
    this.#current = initial
    const joining = Math.min(membersMax - initial.length, 1 + this.#below(2))
    this.#joiners = memberIds(initial.length + joining).slice(initial.length)
    const spare = initial.filter((id) => !all.has(id))
    if (all.size < initial.length - quorumOf(initial.length) && this.#below(10) < 6) this.#frail.add(this.#pick(spare))
  }

  get joining(): number {
    return this.#joiners.length
  }

  /** Between these times; those who join have troubles of their own. */
  steps(from: number, until: number): readonly Step[] {
    const steps: Step[] = []
    const at = (): number => from + this.#below(until - from)
    for (const member of this.#joiners) {
      if (this.#below(2) === 0) steps.push({ at: at(), deed: { kind: 'start', member } })
      for (let count = this.#below(4); count > 0; count--) {
        const start = at()
        const [deed, undone] = this.#trouble(member)
        steps.push({ at: start, deed }, { at: start + 1 + this.#below(3_000), deed: undone })
      }
    }
    const count = 1 + this.#below(changesMax)
    for (let i = 0; i < count; i++) {
      const plan = this.#change()
      if (plan === undefined) continue
      const key = `epoch ${i}`
      const time = from + Math.floor(((until - from) * (i + this.#below(1_000) / 1_000)) / (count + 1))
      steps.push({ at: time, deed: { kind: 'reconfigure', at: this.#pick(this.#initial), key, ...plan } })
    }
    return steps
  }

  #trouble(member: MemberId): readonly [Deed, Deed] {
    switch (this.#below(4)) {
      case 0:
        return [
          { kind: 'pause', member },
          { kind: 'resume', member },
        ]
      case 1:
        return [{ kind: 'isolate', member, direction: this.#pick(['both', 'from', 'to'] as const) }, { kind: 'heal' }]
      default:
        return [
          { kind: 'crash', member, phases: this.#below(4) as PhaseCount },
          { kind: 'start', member },
        ]
    }
  }

  #change(): Plan | undefined {
    for (let tries = 0; tries < 8; tries++) {
      const plan = this.#draw(this.#pick(changes))
      if (plan === undefined || !this.#isBorne(plan)) continue
      for (const id of this.#current) if (!plan.members.includes(id)) this.#left.add(id)
      for (const id of plan.renew) this.#left.delete(id)
      this.#current = plan.members
      return plan
    }
    return undefined
  }

  #draw(change: Change): Plan | undefined {
    const current = this.#current
    const outside = this.#joiners.filter((id) => !current.includes(id) && !this.#left.has(id))
    const replaceable = [...this.#frail].filter((id) => !this.#liars.has(id))
    const plan = { members: current, renew: [], isWithoutLeader: false }
    switch (change) {
      case 'join':
        return outside.length === 0 ? undefined : { ...plan, members: [...current, this.#pick(outside)] }
      case 'leave': {
        const gone = this.#pick(current)
        return { ...plan, members: current.filter((id) => id !== gone) }
      }
      case 'leader-leaves':
        return { ...plan, isWithoutLeader: true }
      case 'replace': {
        const here = replaceable.filter((id) => current.includes(id))
        return here.length === 0 ? undefined : { ...plan, renew: [this.#pick(here)] }
      }
      case 'several': {
        const renew = replaceable.filter(() => this.#below(2) === 0)
        // Who has left comes back with a new node only.
        const pool = [...new Set([...current, ...outside, ...renew])]
        const members = pool.filter((id) => renew.includes(id) || this.#below(4) > 0)
        return { ...plan, members, renew }
      }
    }
  }

  #isBorne({ members, isWithoutLeader }: Plan): boolean {
    const count = members.length - (isWithoutLeader ? 1 : 0)
    const frail = members.filter((id) => this.#frail.has(id)).length
    const liars = members.filter((id) => this.#liars.has(id)).length
    return count >= 2 && count <= membersMax && frail <= count - quorumOf(count) && liars <= faultsOf(count)
  }

  #below(limit: number): number {
    return this.#random.below(limit)
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#below(of.length)]!
  }
}
