/**
 * Faults that wait for a moment. Whoever is the next to say a certain thing is cut off while saying it, so that it reaches a few only, or nobody;
 * or it crashes a moment later. "Cut just after QC", "delivered to one": what random moments hardly ever hit (consensus.md section 6).
 */
import type { MemberId } from '../../src/node/ports.ts'
import type { WireMessage } from '../../src/node/wire.ts'
import type { NodeProcess } from './node-process.ts'
import type { Deed } from './schedule.ts'
import type { Watch } from './watch.ts'
import type { World } from './world.ts'

type Ambush = Extract<Deed, { kind: 'ambush' }>

export class Ambushes implements Watch {
  readonly #world: World
  readonly #mend: (one: MemberId, other: MemberId) => void
  #laid: Ambush | undefined
  #isOver = false

  /** @param mend makes a wire whole again, if it may be */
  constructor(world: World, mend: (one: MemberId, other: MemberId) => void) {
    this.#world = world
    this.#mend = mend
  }

  lay(ambush: Ambush): void {
    this.#laid = ambush // one at a time: it belongs to the moment
  }

  /** The faults are over. */
  end(): void {
    this.#laid = undefined
    this.#isOver = true
  }

  sent(process: NodeProcess, _to: MemberId, { kind }: WireMessage): void {
    const ambush = this.#laid
    if (ambush?.on !== kind) return
    this.#laid = undefined
    this.#spring(ambush, process)
  }

  #spring({ reached, isApart, direction, forMs, crash }: Ambush, process: NodeProcess): void {
    const world = this.#world
    const { member } = process
    world.strike('ambushed')
    const inside = isApart ? [...new Set([member, ...reached])] : [member]
    const wires: [MemberId, MemberId][] = []
    for (const from of inside) {
      for (const to of world.ids) {
        if (inside.includes(to) || (from === member && reached.includes(to))) continue
        wires.push([from, to])
        if (direction === 'both') wires.push([to, from])
      }
    }
    for (const [from, to] of wires) world.network.cut(from, to)
    this.#later(forMs, () => {
      for (const [from, to] of wires) this.#mend(from, to)
    })
    if (crash === undefined) return
    this.#later(crash.afterMs, () => {
      if (world.machine(member).process !== process) return
      world.kill(member, crash.phases)
      this.#later(crash.downMs, () => world.start(member))
    })
  }

  #later(ms: number, run: () => void): void {
    this.#world.clock.after(ms, () => {
      if (!this.#isOver) run()
    })
  }
}
