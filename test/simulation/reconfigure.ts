/**
 * Changes of members (rules 19 and 20), through the hook that tests have for them: a statement under a key that the world knows closes the
 * epoch. Nodes that are to join are asked for READY until they give it; then the statement is handed in like any other, and what becomes of
 * it is the ledger's business.
 */
import type { Height } from '../../src/chain/numbers.ts'
import type { Executed } from '../../src/node/ledger.ts'
import type { MemberId } from '../../src/node/ports.ts'
import type { Client } from './client.ts'
import type { NodeProcess } from './node-process.ts'
import type { Deed } from './schedule.ts'
import type { Watch } from './watch.ts'
import type { World } from './world.ts'

type Reconfigure = Extract<Deed, { kind: 'reconfigure' }>

/** How often a node is asked whether it is ready, and for how long. */
const askedEveryMs = 100
const askedForMs = 12_000

export class Reconfiguring implements Watch {
  readonly #world: World
  readonly #client: Client
  #isOver = false
  #counted = 0

  constructor(world: World, client: Client) {
    this.#world = world
    this.#client = client
  }

  /** False when there is nobody to change. */
  begin(deed: Reconfigure): boolean {
    const world = this.#world
    for (const id of deed.renew) {
      const machine = world.machine(id)
      if (machine.isLiar || machine.clone !== undefined) continue
      world.renew(id)
      world.strike('renewed')
    }
    for (const id of deed.members) if (!world.isListed(world.machine(id))) world.start(id)
    this.#ask(deed, new Map(), askedForMs)
    return true
  }

  /** The faults are over: who is not ready yet does not join. */
  end(): void {
    this.#isOver = true
  }

  #ask(deed: Reconfigure, ready: Map<string, Height>, leftMs: number): void {
    const world = this.#world
    if (this.#isOver || leftMs <= 0) return
    const missing = deed.members.filter((id) => {
      const machine = world.machine(id)
      return !world.isListed(machine) && !ready.has(machine.founded.member.node.id)
    })
    if (missing.length === 0 && this.#close(deed, ready)) return
    for (const id of missing) {
      const { process } = world.machine(id)
      if (process?.isStarted === true && !process.isPaused)
        process.signReady((signed) => {
          if (signed !== undefined) ready.set(signed.node, signed.block.height)
        })
    }
    world.clock.after(askedEveryMs, () => this.#ask(deed, ready, leftMs - askedEveryMs))
  }

  /** False when nobody takes the statement. */
  #close({ at, key, members, isWithoutLeader }: Reconfigure, ready: ReadonlyMap<string, Height>): boolean {
    const world = this.#world
    const leader = isWithoutLeader ? this.#leader() : undefined
    if (isWithoutLeader && leader === undefined) return false
    const next = members.filter((id) => id !== leader)
    // What a key stands for never changes: every node decides alike, whenever it looks.
    if (!world.closings.has(key))
      world.closings.set(key, { members: next.map((id) => world.machine(id).founded.member), ready: new Map(ready) })
    const owner = world.genesis.members[0]!.id
    const taken = [at, ...world.ids.filter((id) => id !== at)].some((id) => {
      const machine = world.machine(id)
      return world.isListed(machine) && this.#client.submit(id, owner, key, key)
    })
    if (taken) world.strike('closing')
    return taken
  }

  #leader(): MemberId | undefined {
    return this.#world.honest.find(({ replica }) => replica.raft.role === 'leader')?.member
  }

  /** What took effect, by its kind. */
  committed(_process: NodeProcess, { block, point: { next } }: Executed): void {
    const world = this.#world
    if (next === undefined || next.number <= this.#counted) return
    this.#counted = next.number
    const before = next.previous!.members
    const joined = next.members.filter(({ id }) => !before.some((member) => member.id === id))
    const left = before.filter(({ id }) => !next.members.some((member) => member.id === id))
    const replaced = next.members.filter(({ id, node }) =>
      before.some((member) => member.id === id && member.node.id !== node.id),
    )
    world.strike('epoch')
    if (joined.length > 0) world.strike('epoch-joined')
    if (left.length > 0) world.strike('epoch-left')
    if (left.some(({ id }) => id === block.header.leader)) world.strike('epoch-without-its-leader')
    if (replaced.length > 0) world.strike('epoch-replaced')
    if (joined.length + left.length + replaced.length > 1) world.strike('epoch-several')
  }
}
