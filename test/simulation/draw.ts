/**
 * From a seed to a schedule. Each run suffers a subset of the fault classes (swarm testing): a fault that is never absent hides what only shows
 * without it. The faults stay within what the ledger claims to bear: at most f members lie, and lying, lost and damaged members together
 * are no more than a quorum can do without.
 */
import { faultsOf, quorumOf } from '../../src/chain/numbers.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import type { MemberId } from '../../src/node/ports.ts'
import type { WireMessage } from '../../src/node/wire.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import { MembersDraw } from './draw-members.ts'
import { memberIds } from './founding.ts'
import type { Trick } from './liar.ts'
import type { Deed, Schedule, Step } from './schedule.ts'

/** Four is what we run; the others are where counting goes wrong. */
const memberCounts = [4, 4, 4, 4, 4, 3, 3, 5, 7, 2] as const

/** What can befall anybody. */
export const commonFaults = [
  'crash',
  'machine-gone',
  'power-cut',
  'stop',
  'pause',
  'partition',
  'isolate',
  'cut',
  'break',
  'clog',
  'delay',
  'narrow',
  'slow-disk',
  'slow-leader-disk',
  'strand',
  'ambush',
  'write-fails',
  'fill-disk',
  'clock',
] as const
type CommonFault = (typeof commonFaults)[number]

/** What may befall a member that the quorum can do without. */
export const spareFaults = [
  'rot',
  'lose-row',
  'unreadable',
  'misdirect',
  'damage-slot',
  'wipe',
  'restore',
  'clone',
  'lie',
] as const
type SpareFault = (typeof spareFaults)[number]

/** What an ambush waits for; oftener where one message makes the difference. */
const ambushedWords = [
  'certified',
  'certified',
  'certified',
  'certified',
  'block',
  'block',
  'elected',
  'elected',
  'lock',
  'ack',
  'vote-request',
  'vote-reply',
  'cosignature',
] as const satisfies readonly WireMessage['kind'][]

/** One run in so many has changes of members. */
const changingOneIn = 4

/** How many blocks may wait for an attestation (rule 16), where it is not the usual number. */
const windows = [1, 2] as const

/** Narrows what is drawn: for hunting one thing. */
export interface Focus {
  readonly memberCount?: number
  /** Whatever member the quorum can do without suffers this. */
  readonly spare?: string
  /** All that liars do. */
  readonly trick?: string
  /** Members change in every run. */
  readonly epochs?: boolean
}

export function drawSchedule(seed: number, tricks: readonly Trick[], focus: Focus = {}): Schedule {
  const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995)
  return new Draw(random, seed, tricks, focus).schedule()
}

class Draw {
  readonly #random: SeededRandom
  readonly #seed: number
  readonly #tricks: readonly Trick[]
  readonly #spareFaults: readonly SpareFault[]
  readonly #trickChance: number
  readonly #isChanging: boolean
  /** Drawn from for changes of members only. */
  readonly #changes: SeededRandom
  readonly #members: readonly MemberId[]
  readonly #steps: Step[] = []
  #now = 0
  #keys = 0
  #hasBurst = false

  constructor(random: SeededRandom, seed: number, tricks: readonly Trick[], focus: Focus) {
    this.#random = random
    this.#seed = seed
    this.#tricks = focus.trick === undefined ? tricks : tricks.filter((trick) => trick === focus.trick)
    this.#trickChance = focus.trick === undefined ? 0.4 : 1
    this.#changes = new SeededRandom(Math.imul(seed, 0x85ebca6b) ^ 0x27d4eb2f)
    this.#isChanging = this.#changes.below(changingOneIn) === 0 || focus.epochs === true
    this.#members = memberIds(focus.memberCount ?? this.#pick(memberCounts))
    this.#spareFaults = focus.spare === undefined ? spareFaults : spareFaults.filter((fault) => fault === focus.spare)
    if (this.#spareFaults.length === 0) throw new Error(`no such fault: ${focus.spare}`)
  }

  schedule(): Schedule {
    const members = this.#members
    const faults = commonFaults.filter(() => this.#chance(0.35))
    const spares = this.#spares()
    const liars = Object.fromEntries(
      [...spares]
        .filter(([, fault]) => fault === 'lie')
        .map(([id]) => [id, this.#tricks.filter(() => this.#chance(this.#trickChance))]),
    )
    const parameters = this.#chance(0.25) ? { unattestedBlocksMax: this.#pick(windows) } : undefined
    const isBursting = this.#chance(0.06)
    if (this.#chance(0.3)) this.#slowWires()
    for (const id of members) this.#add({ kind: 'start', member: id })
    this.#now += this.#below(3_000)
    const from = this.#now
    const until = from + 3_000 + this.#below(15_000)
    // A busy run has a trouble in every tenth of a second, a quiet one every other second.
    const paceMs = this.#pick([60, 150, 400, 1_200])
    while (this.#now < until) {
      this.#now += Math.ceil(-Math.log(1 - this.#below(1_000) / 1_000) * paceMs)
      const drawn = this.#below(10)
      if (isBursting && this.#chance(0.05)) this.#burst(this.#pick([1, 2]))
      if (drawn < 4) this.#work()
      else if (drawn < 5) this.#add({ kind: 'start', member: this.#pick(members) })
      else if (drawn < 9 || spares.size === 0) {
        if (faults.length > 0) this.#common(this.#pick(faults))
      } else {
        const [id, fault] = this.#pick([...spares])
        this.#spare(id, fault)
      }
    }
    const joining = this.#isChanging ? this.#changeMembers(spares, from, until) : {}
    const steps = [...this.#steps].sort((a, b) => a.at - b.at)
    const ledger = parameters === undefined ? {} : { parameters }
    return { memberCount: members.length, ...joining, ...ledger, seed: this.#seed, liars, until, steps }
  }

  #changeMembers(spares: ReadonlyMap<MemberId, SpareFault>, from: number, until: number): { joining: number } {
    const lying = [...spares].filter(([, fault]) => fault === 'lie' || fault === 'clone').map(([id]) => id)
    const draw = new MembersDraw(this.#changes, this.#members, { liars: new Set(lying), all: new Set(spares.keys()) })
    this.#steps.push(...draw.steps(from, until))
    return { joining: draw.joining }
  }

  /** Who may break its word, and how. */
  #spares(): Map<MemberId, SpareFault> {
    const count = this.#members.length
    const spareCount = this.#chance(this.#spareFaults === spareFaults ? 0.35 : 0)
      ? 0
      : 1 + this.#below(count - quorumOf(count))
    const spares = new Map<MemberId, SpareFault>()
    let liars = 0
    for (const id of this.#shuffled(this.#members).slice(0, Math.min(spareCount, count - quorumOf(count)))) {
      const fault = this.#isLieWanted() ? 'lie' : this.#pick(this.#spareFaults)
      // The fence asks q − 1 others, which may be those that did not hear what was signed and lost: such a member may contradict itself.
      const isLie = fault === 'lie' || fault === 'clone' || fault === 'wipe' || fault === 'restore'
      if (isLie && liars >= faultsOf(count)) continue
      if (isLie) liars++
      spares.set(id, fault)
    }
    return spares
  }

  /** There are more ways to lie than to break a disk. */
  #isLieWanted(): boolean {
    return this.#spareFaults === spareFaults && this.#chance(0.3)
  }

  /** A block with work waits for the one before it unless it has 128 records. Costs as much as everything else in a run, so once. */
  #burst(waves: number): void {
    if (this.#hasBurst) return
    this.#hasBurst = true
    this.#add({ kind: 'burst', owner: this.#members[0]!, count: 130, waves })
  }

  /** The same new statement everywhere, and then everybody is asked for it: one that leads no more would not know of it. */
  #probe(at: number, askedAt: number): void {
    const owner = this.#pick(this.#members)
    const key = `k${this.#keys++}`
    for (const member of this.#members) {
      this.#steps.push({ at, deed: { kind: 'submit', at: member, owner, key, value: key } })
      this.#steps.push({ at: askedAt, deed: { kind: 'read', at: member, owner, key, value: key, newest: true } })
    }
  }

  /** A new statement, the same again elsewhere, another under a key that is taken, or a look. */
  #work(): void {
    const owner = this.#pick(this.#members)
    for (let count = 1 + this.#below(3); count > 0; count--) {
      const isOld = this.#keys > 0 && this.#chance(0.3)
      const key = `k${isOld ? this.#below(this.#keys) : this.#keys++}`
      const value = this.#chance(0.15) ? 'other' : key
      const at = this.#pick(this.#members)
      if (isOld && this.#chance(0.6)) this.#add({ kind: 'read', at, owner, key, value, newest: this.#chance(0.5) })
      else this.#add({ kind: 'submit', at, owner, key, value })
    }
  }

  #common(fault: CommonFault): void {
    const member = this.#pick(this.#members)
    const [from, to] = this.#pair()
    switch (fault) {
      case 'crash':
        this.#add({ kind: 'crash', member, phases: this.#phases() })
        return this.#later({ kind: 'start', member }, 3_000)
      case 'machine-gone':
        this.#add({ kind: 'machine-gone', member, phases: this.#phases() })
        return this.#later({ kind: 'start', member }, 8_000)
      case 'power-cut':
        if (this.#chance(0.3)) this.#add({ kind: 'power-cut', phases: this.#members.map(() => this.#phases()) })
        return
      case 'stop':
        this.#add({ kind: 'stop', member })
        return this.#later({ kind: 'start', member }, 2_000)
      case 'pause':
        this.#add({ kind: 'pause', member })
        return this.#later({ kind: 'resume', member }, 4_000)
      case 'partition': {
        const left = this.#members.filter(() => this.#chance(0.5))
        this.#add({ kind: 'partition', groups: [left, this.#members.filter((id) => !left.includes(id))] })
        return this.#later({ kind: 'heal' }, 8_000)
      }
      case 'isolate':
        this.#add({ kind: 'isolate', member, direction: this.#pick(['both', 'from', 'to'] as const) })
        return this.#later({ kind: 'heal' }, 8_000)
      case 'cut':
        this.#add({ kind: 'cut', from, to })
        return this.#later({ kind: 'heal' }, 8_000)
      case 'break':
        return this.#add({ kind: 'break', one: from, other: to })
      case 'clog':
        return this.#add({ kind: 'clog', from, to, ms: this.#below(5_000) })
      case 'delay':
        return this.#add({ kind: 'delay', from, to, ms: this.#below(100), jitterMs: this.#below(200) })
      case 'narrow':
        return this.#add({ kind: 'narrow', from, to, bytesPerMs: 1 + this.#below(50) })
      case 'slow-disk':
        return this.#add({ kind: 'slow-disk', member, ms: this.#pick([1, 5, 50, 300, 1_500]) })
      case 'slow-leader-disk':
        return this.#add({ kind: 'slow-leader-disk', ms: this.#pick([50, 700, 2_500]) })
      case 'strand':
        return this.#strand()
      case 'ambush':
        return this.#ambush()
      case 'write-fails':
        this.#add({ kind: 'write-fails', member, phases: this.#phases() })
        return this.#later({ kind: 'start', member }, 5_000)
      case 'fill-disk':
        this.#add({ kind: 'fill-disk', member, freeBytes: this.#below(20_000) })
        this.#later({ kind: 'free-disk', member }, 6_000)
        return this.#later({ kind: 'start', member }, 9_000)
      case 'clock':
        return this.#add({ kind: 'clock', member, ...this.#clockFault() })
    }
  }

  /** Paused, it knows nothing of the time that has passed; awake, it leads until it misses its answers, and others may be quicker. */
  #strand(): void {
    const now = this.#now
    const pausedMs = this.#chance(0.6) ? 1_500 + this.#below(3_000) : 0
    this.#add({ kind: 'strand', pausedMs, forMs: pausedMs + 500 + this.#below(3_000) })
    if (pausedMs > 0) {
      const at = now + pausedMs - 300 - this.#below(500)
      this.#probe(at, now + pausedMs + this.#below(900))
    } else {
      for (let at = now + 1_200; at < now + 2_000; at += 200 + this.#below(200))
        this.#probe(at, at + 60 + this.#below(100))
    }
  }

  #ambush(): void {
    if (!this.#hasBurst && this.#chance(0.06)) return this.#ambushMany()
    const isApart = this.#chance(0.3)
    // Those who are left must be a quorum, or nothing comes of it.
    const away = this.#members.length - quorumOf(this.#members.length) - 1
    const few = this.#shuffled(this.#members).slice(0, this.#below(away + 1))
    const reached = isApart || this.#chance(0.7) ? few : this.#members.filter(() => this.#chance(0.5))
    const crash = {
      afterMs: this.#pick([1, 2, 3, 8, 40]),
      phases: this.#phases(),
      downMs: this.#pick([20, 150, 500, 3_000]),
    }
    this.#add({
      kind: 'ambush',
      on: this.#pick(ambushedWords),
      reached,
      isApart,
      direction: this.#pick(['both', 'both', 'from']),
      forMs: this.#pick([30, 300, 1_500, 3_000, 4_500, 8_000]),
      ...(this.#chance(0.35) ? { crash } : {}),
    })
    this.#work()
  }

  /** Several blocks are certified, and their certificates are nowhere but at the leader, which others replace meanwhile. */
  #ambushMany(): void {
    const forMs = 1_500 + this.#below(2_000)
    this.#add({ kind: 'ambush', on: 'certified', reached: [], isApart: false, direction: 'from', forMs })
    this.#burst(3)
  }

  #spare(member: MemberId, fault: SpareFault): void {
    const row = this.#below(1_000)
    switch (fault) {
      case 'lie':
        return
      case 'rot':
        this.#add({ kind: 'rot', member, row, bit: this.#below(100_000) })
        break
      case 'misdirect':
        this.#add({ kind: 'misdirect', member, row, to: this.#below(1_000) })
        break
      case 'lose-row':
      case 'unreadable':
        this.#add({ kind: fault, member, row })
        break
      case 'damage-slot':
        if (this.#chance(0.3)) this.#add({ kind: 'damage-slot', member, slot: this.#pick(['vote', 'head'] as const) })
        break
      case 'wipe':
        if (this.#chance(0.3)) this.#add({ kind: 'wipe', member })
        break
      case 'restore':
        this.#add({ kind: this.#chance(0.7) ? 'backup' : 'restore', member })
        break
      case 'clone':
        this.#add({ kind: 'clone', member, peers: this.#members.filter((id) => id !== member && this.#chance(0.5)) })
        return
    }
    if (this.#chance(0.3)) this.#add({ kind: 'crash', member, phases: 0 })
    this.#later({ kind: 'start', member }, 3_000)
  }

  /** Jumps within and beyond the bounds of rule 10; drift; a clock that stands. */
  #clockFault(): { offsetMs: number; rate: number } {
    switch (this.#below(4)) {
      case 0:
        return { offsetMs: this.#below(8_000) - 4_000, rate: 1 }
      case 1:
        return { offsetMs: this.#below(400_000) - 200_000, rate: 1 }
      case 2:
        return { offsetMs: 0, rate: 0.9 + this.#below(200) / 1_000 }
      default:
        return { offsetMs: 0, rate: 0 }
    }
  }

  /** A country, not a room: exponential-like delays of tens of milliseconds. */
  #slowWires(): void {
    for (const from of this.#members) {
      for (const to of this.#members) {
        if (from < to) {
          const ms = 10 + this.#below(60)
          this.#add({ kind: 'delay', from, to, ms, jitterMs: ms })
          this.#add({ kind: 'delay', from: to, to: from, ms, jitterMs: ms })
        }
      }
    }
  }

  #add(deed: Deed): void {
    this.#steps.push({ at: this.#now, deed })
  }

  #later(deed: Deed, msMax: number): void {
    this.#steps.push({ at: this.#now + 1 + this.#below(msMax), deed })
  }

  #pair(): [MemberId, MemberId] {
    const from = this.#pick(this.#members)
    return [from, this.#pick(this.#members.filter((id) => id !== from))]
  }

  #shuffled<T>(of: readonly T[]): T[] {
    const rest = [...of]
    const out: T[] = []
    while (rest.length > 0) out.push(...rest.splice(this.#below(rest.length), 1))
    return out
  }

  #phases(): PhaseCount {
    return this.#below(4) as PhaseCount
  }

  #chance(probability: number): boolean {
    return this.#below(1_000) < probability * 1_000
  }

  #below(limit: number): number {
    return this.#random.below(limit)
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#below(of.length)]!
  }
}
