/** Carries out the steps of a schedule on a world, and takes every fault back when the faults are over. */
import { assertNever } from '../../src/chain/assert.ts'
import { height } from '../../src/chain/numbers.ts'
import { blockKey } from '../../src/node/block-rows.ts'
import type { MemoryMedium, PhaseCount } from '../../src/node/memory-disk.ts'
import type { MemberId, Row } from '../../src/node/ports.ts'
import { Ambushes } from './ambush.ts'
import type { Client } from './client.ts'
import { type NodeProcess, wallNow } from './node-process.ts'
import { Reconfiguring } from './reconfigure.ts'
import type { Deed } from './schedule.ts'
import type { Machine, World } from './world.ts'

/** First byte of the keys of blocks (src/node/block-rows.ts). */
const blockPrefix = blockKey(height(0))[0]

/** A disk that is as good as endless. */
const roomyBytes = Number.MAX_SAFE_INTEGER / 2

export class Deeds {
  readonly #world: World
  readonly #client: Client
  readonly #backups = new Map<MemberId, MemoryMedium>()
  readonly #ambushes: Ambushes
  readonly #reconfiguring: Reconfiguring
  #bursts = 0

  constructor(world: World, client: Client) {
    this.#world = world
    this.#client = client
    this.#ambushes = new Ambushes(world, (one, other) => this.#mend(one, other))
    world.watch(this.#ambushes)
    this.#reconfiguring = new Reconfiguring(world, client)
    world.watch(this.#reconfiguring)
  }

  carryOut(deed: Deed): void {
    if (this.#do(deed)) this.#world.strike(deed.kind)
  }

  /** Whether it had any effect. */
  #do(deed: Deed): boolean {
    const world = this.#world
    switch (deed.kind) {
      case 'submit':
        return this.#client.submit(deed.at, deed.owner, deed.key, deed.value)
      case 'read':
        return this.#client.read(deed.at, deed.owner, deed.key, deed.value, deed.newest)
      case 'burst': {
        const leader = this.#leader()
        if (leader === undefined) return false
        const burst = this.#bursts++
        for (let wave = 0; wave < deed.waves; wave++) {
          world.clock.after(wave, () => {
            for (let i = 0; i < deed.count; i++)
              this.#client.submit(leader.member, deed.owner, `burst ${burst}.${wave}.${i}`, 'burst')
          })
        }
        return true
      }
      case 'start':
        if (this.#runs(deed.member)) return false
        world.start(deed.member)
        return true
      case 'stop':
        if (!this.#runs(deed.member)) return false
        world.stop(deed.member)
        return true
      case 'crash':
      case 'machine-gone':
        return this.#crash(deed.member, deed.phases, deed.kind === 'machine-gone')
      case 'power-cut':
        for (const [i, id] of world.ids.entries()) this.#crash(id, deed.phases[i] ?? 0, true)
        for (const id of world.ids) world.start(id)
        return true
      case 'pause': {
        const { process } = world.machine(deed.member)
        if (process === undefined || process.isPaused) return false
        process.pause()
        return true
      }
      case 'resume': {
        const { process } = world.machine(deed.member)
        if (process?.isPaused !== true) return false
        process.resume()
        return true
      }
      case 'partition':
        world.network.partition(deed.groups.filter((group) => group.length > 0))
        return deed.groups.filter((group) => group.length > 0).length > 1
      case 'isolate':
        for (const other of world.ids) {
          if (other === deed.member) continue
          if (deed.direction !== 'to') world.network.cut(deed.member, other)
          if (deed.direction !== 'from') world.network.cut(other, deed.member)
        }
        return true
      case 'strand': {
        const leader = this.#leader()
        if (leader === undefined) return false
        const others = world.ids.filter((id) => id !== leader.member)
        for (const other of others) {
          world.network.cut(leader.member, other)
          world.network.cut(other, leader.member)
        }
        if (deed.pausedMs > 0) leader.pause()
        world.clock.after(deed.pausedMs, () => leader.resume())
        world.clock.after(deed.forMs, () => {
          if (this.#isOver) return
          for (const other of others) {
            this.#mend(leader.member, other)
            this.#mend(other, leader.member)
          }
        })
        return true
      }
      case 'ambush':
        this.#ambushes.lay(deed)
        return true
      case 'cut':
        world.network.cut(deed.from, deed.to)
        return true
      case 'heal':
        this.#mendWires()
        return true
      case 'break':
        world.network.breakConnection(deed.one, deed.other)
        return true
      case 'clog':
        world.network.cut(deed.from, deed.to)
        world.clock.after(deed.ms, () => {
          if (!this.#isOver) world.network.mend(deed.from, deed.to)
        })
        return true
      case 'delay':
        world.network.setDelay(deed.from, deed.to, deed.ms, deed.jitterMs)
        return true
      case 'narrow':
        world.network.setCapacity(deed.from, deed.to, deed.bytesPerMs)
        return true
      case 'slow-disk':
        world.machine(deed.member).conditions.diskMs = deed.ms
        return true
      case 'slow-leader-disk': {
        const leader = this.#leader()
        if (leader === undefined) return false
        world.machine(leader.member).conditions.diskMs = deed.ms
        return true
      }
      case 'write-fails': {
        const machine = world.machine(deed.member)
        if (machine.process === undefined) return false
        machine.mayDie = true
        machine.conditions.diskFault = () => {
          machine.conditions.diskFault = undefined
          world.strike('write-failed')
          return { reason: 'input/output error', phases: deed.phases }
        }
        return true
      }
      case 'fill-disk': {
        const machine = world.machine(deed.member)
        machine.mayDie = true
        machine.medium.leaveFree(deed.freeBytes)
        return true
      }
      case 'free-disk':
        world.machine(deed.member).medium.leaveFree(roomyBytes)
        return true
      case 'rot':
        return this.#damage(deed.member, deed.row, (medium, { key, value }) => {
          // Every row carries a checksum (decision 0010), so that a flipped bit is a row that cannot be read.
          if (key[0] !== blockPrefix || value === undefined || value.length === 0) return medium.makeUnreadable(key)
          const rotten = value.slice()
          const at = deed.bit % (8 * rotten.length)
          rotten[at >> 3]! ^= 1 << (at & 7)
          medium.tamper({ key, value: rotten })
        })
      case 'lose-row':
        return this.#damage(deed.member, deed.row, (medium, { key }) => medium.tamper({ key }))
      case 'unreadable':
        return this.#damage(deed.member, deed.row, (medium, { key }) => medium.makeUnreadable(key))
      case 'misdirect':
        return this.#damage(deed.member, deed.row, (medium, { key }) => {
          // Written over another row, whose checksum then does not fit; where it belongs there is nothing.
          const target = rowAt(medium, deed.to)
          medium.tamper({ key })
          if (target !== undefined) medium.makeUnreadable(target.key)
        })
      case 'damage-slot':
        return this.#lose(deed.member, (machine) => machine.medium.damageSlot(deed.slot))
      case 'wipe':
        return this.#lose(deed.member, (machine) => machine.medium.wipe())
      case 'backup':
        this.#backups.set(deed.member, world.machine(deed.member).medium.copy())
        return true
      case 'restore': {
        const backup = this.#backups.get(deed.member)
        return (
          backup !== undefined &&
          this.#lose(deed.member, (machine) => {
            machine.medium = backup.copy()
          })
        )
      }
      case 'clone':
        if (!this.#runs(deed.member) || world.machine(deed.member).clone !== undefined) return false
        world.startClone(deed.member, deed.peers)
        return true
      case 'reconfigure':
        for (const id of deed.renew) this.#backups.delete(id)
        return this.#reconfiguring.begin(deed)
      case 'clock': {
        const { conditions } = world.machine(deed.member)
        const now = world.clock.monotonic()
        conditions.wallAt = wallNow(conditions, now) + deed.offsetMs
        conditions.wallSince = now
        conditions.wallRate = deed.rate
        if (deed.rate === 0) world.strike('clock-freeze')
        else if (deed.rate !== 1) world.strike('clock-drift')
        else world.strike('clock-jump')
        return true
      }
      default:
        return assertNever(deed)
    }
  }

  #isOver = false

  /**
   * The faults are over: wires whole, disks quick and roomy, clocks right, every process that can run runs. Liars and clones are cut off, and
   * who lost its disk stays away; the rest is a quorum.
   */
  heal(): void {
    const world = this.#world
    this.#isOver = true
    this.#ambushes.end()
    this.#reconfiguring.end()
    for (const [id, machine] of world.machines) {
      const { conditions, medium } = machine
      conditions.diskMs = 1
      conditions.diskFault = undefined
      conditions.wallAt = world.clock.wall()
      conditions.wallSince = world.clock.monotonic()
      conditions.wallRate = 1
      medium.leaveFree(roomyBytes)
      machine.process?.resume()
      // What vanished beneath a running node shows when it counts its rows at the next start.
      if (machine.isStopping || machine.isDamaged) world.kill(id, 3)
      if (machine.isLiar || machine.isLost) {
        world.endClone(id)
        world.kill(id)
      }
    }
    this.#mendWires()
    for (const [id, { isLiar, isLost }] of world.machines) if (!isLiar && !isLost) world.start(id)
    for (const machine of world.machines.values()) machine.mayDie = false
    world.healed()
  }

  /** Of those that lead, or think so. */
  #leader(): NodeProcess | undefined {
    return this.#world.honest.find(({ replica, isPaused }) => replica.raft.role === 'leader' && !isPaused)
  }

  /** The two processes of a cloned member share out the others; that stays. */
  #mend(from: MemberId, to: MemberId): void {
    const { network, machines } = this.#world
    if (machines.get(from)!.clone === undefined && machines.get(to)!.clone === undefined) network.mend(from, to)
  }

  #mendWires(): void {
    const { network, ids } = this.#world
    for (const from of ids) {
      for (const to of ids) {
        if (from === to) continue
        network.setDelay(from, to, 1)
        network.setCapacity(from, to, undefined)
        this.#mend(from, to)
      }
    }
  }

  #runs(id: MemberId): boolean {
    const { process } = this.#world.machine(id)
    return process !== undefined && process.fatal === undefined && !this.#world.machine(id).isStopping
  }

  #crash(id: MemberId, phases: PhaseCount, isMachineGone: boolean): boolean {
    const { process } = this.#world.machine(id)
    if (process === undefined) return false
    if (process.isWriting && phases > 0 && phases < 3) this.#world.strike('torn-cycle')
    this.#world.kill(id, phases, isMachineGone)
    return true
  }

  #damage(id: MemberId, row: number, change: (medium: MemoryMedium, row: Row) => void): boolean {
    const machine = this.#world.machine(id)
    const chosen = rowAt(machine.medium, row)
    if (chosen === undefined || machine.isLost) return false
    machine.isDamaged = true
    machine.mayDie = true
    change(machine.medium, chosen)
    return true
  }

  /** The process dies with its disk; what comes back under its name has broken its word. */
  #lose(id: MemberId, change: (machine: Machine) => void): boolean {
    const machine = this.#world.machine(id)
    if (machine.isLiar) return false
    this.#world.kill(id)
    machine.isLost = true
    machine.mayDie = true
    change(machine)
    return true
  }
}

function rowAt(medium: MemoryMedium, permille: number): Row | undefined {
  const { rows } = medium
  return rows[Math.min(rows.length - 1, Math.floor((permille * rows.length) / 1_000))]
}
