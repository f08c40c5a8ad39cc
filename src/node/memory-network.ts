/**
 * The `Network` port without a network: any number of nodes in one process, over a clock that is handed in, deterministic to the
 * last event. The simulator's network, and the twin of `libp2p-network.ts` under one contract suite.
 *
 * It keeps to what TCP can do: between two members there is one connection, in which bytes are late but never lost, doubled or
 * reordered; what is lost is lost because the connection broke. So a cut wire first holds messages back, and only after
 * `silenceMs` do both ends notice; a one-way cut does the same, because TCP needs both directions. When the wire is whole again
 * held messages go on, or a new connection comes up after `reconnectMs`.
 */
import { assert } from '../chain/assert.ts'
import { wireBytesOf } from './framing.ts'
import { defaultNetworkLimits } from './network-limits.ts'
import {
  type Clock,
  type Lane,
  laneCreditBytes,
  type MemberId,
  messageBytesMax,
  type Network,
  type NetworkHandlers,
  type Random,
} from './ports.ts'

export interface MemoryNetworkOptions {
  /** One-way delay of every wire that has not its own. */
  readonly delayMs: number
  /** Up to this much more, drawn for each message. */
  readonly jitterMs: number
  /** A connection over a cut wire breaks after this. */
  readonly silenceMs: number
  /** Two nodes that run and whose wires are whole are connected after this. */
  readonly reconnectMs: number
  /** What may wait for credit on one lane before the connection is given up, as the real one does it. */
  readonly queueBytesMax: number
  readonly queueMessagesMax: number
}

export const defaultMemoryNetworkOptions: MemoryNetworkOptions = {
  delayMs: 1,
  jitterMs: 0,
  silenceMs: 5_000,
  reconnectMs: 200,
  queueBytesMax: defaultNetworkLimits.queueBytesMax,
  queueMessagesMax: defaultNetworkLimits.queueMessagesMax,
}

export interface MemoryNetworkDependencies {
  /** Must wake what is due at one time in the order in which it was asked for. */
  readonly clock: Clock
  readonly random: Random
}

/** One direction between two members. */
interface Wire {
  delayMs: number
  jitterMs: number
  isCut: boolean
  /** How much passes in a millisecond; without a limit: undefined. */
  bytesPerMs: number | undefined
  /** Until when what was sent before takes the wire up. */
  busyUntil: number
}

/** A group of members that no wire joins to any member outside it. */
export type Partition = readonly (readonly MemberId[])[]

/** The world between the nodes: its wires, and the faults on them. */
export class MemoryNetworkWorld {
  private readonly options: MemoryNetworkOptions
  private readonly dependencies: MemoryNetworkDependencies
  private readonly nodes = new Map<MemberId, MemoryNetwork>()
  private readonly wires = new Map<string, Wire>()
  private readonly connections = new Map<string, Connection>()

  constructor(options: Partial<MemoryNetworkOptions>, dependencies: MemoryNetworkDependencies) {
    this.options = { ...defaultMemoryNetworkOptions, ...options }
    this.dependencies = dependencies
  }

  /** A new process of this member; the one before, if any, must have been stopped or killed. */
  node(member: MemberId): MemoryNetwork {
    assert(!this.nodes.has(member), `${member} runs already`)
    const node = new MemoryNetwork(member, this.dependencies.clock, {
      started: (started) => this.nodeStarted(started),
      stopped: (stopped, isNoticed) => this.nodeStopped(stopped, isNoticed),
    })
    this.nodes.set(member, node)
    return node
  }

  /** Changes the delay of one direction. */
  setDelay(from: MemberId, to: MemberId, delayMs: number, jitterMs = 0): void {
    const wire = this.wire(from, to)
    wire.delayMs = delayMs
    wire.jitterMs = jitterMs
  }

  /** Makes one direction narrow, or with undefined wide again: what waited for room then sets out at once. */
  setCapacity(from: MemberId, to: MemberId, bytesPerMs: number | undefined): void {
    const wire = this.wire(from, to)
    wire.bytesPerMs = bytesPerMs
    if (bytesPerMs !== undefined) return
    wire.busyUntil = 0
    this.connections.get(pairKey(from, to))?.widened(wire)
  }

  /** Cuts one direction. What is under way in it waits. */
  cut(from: MemberId, to: MemberId): void {
    this.wire(from, to).isCut = true
    this.connections.get(pairKey(from, to))?.wiresChanged()
  }

  /** Undoes `cut`. */
  mend(from: MemberId, to: MemberId): void {
    this.wire(from, to).isCut = false
    this.connections.get(pairKey(from, to))?.wiresChanged()
    this.reconnectLater(from, to)
  }

  /** Cuts, both ways, every wire between two groups, and mends those within a group. */
  partition(groups: Partition): void {
    const groupOf = new Map(groups.flatMap((group, index) => group.map((member) => [member, index] as const)))
    for (const from of groupOf.keys()) {
      for (const to of groupOf.keys()) {
        if (from === to) continue
        if (groupOf.get(from) === groupOf.get(to)) this.mend(from, to)
        else this.cut(from, to)
      }
    }
  }

  /** Mends every wire. */
  heal(): void {
    for (const [key, wire] of this.wires) {
      if (!wire.isCut) continue
      const [from, to] = membersOf(key)
      this.mend(from, to)
    }
  }

  /** Breaks the connection of two members at once, as a reset does; both ends hear of it. */
  breakConnection(a: MemberId, b: MemberId): void {
    this.connections.get(pairKey(a, b))?.end()
  }

  private nodeStarted(node: MemoryNetwork): void {
    for (const other of this.nodes.keys()) if (other !== node.member) this.reconnectLater(node.member, other)
  }

  private nodeStopped(node: MemoryNetwork, isNoticed: boolean): void {
    if (this.nodes.get(node.member) !== node) return
    this.nodes.delete(node.member)
    for (const connection of [...this.connections.values()]) {
      if (!connection.joins(node)) continue
      if (isNoticed) connection.end()
      else connection.goSilent()
    }
  }

  private reconnectLater(a: MemberId, b: MemberId): void {
    this.dependencies.clock.after(this.options.reconnectMs, () => this.connect(a, b))
  }

  private connect(a: MemberId, b: MemberId): void {
    const first = this.nodes.get(a < b ? a : b)
    const second = this.nodes.get(a < b ? b : a)
    if (!first?.isStarted || !second?.isStarted || this.wire(a, b).isCut || this.wire(b, a).isCut) return
    const key = pairKey(a, b)
    const existing = this.connections.get(key)
    // A process that was started again replaces a connection that its predecessor left behind, as the handshake's session does.
    if (existing?.joins(first) && existing.joins(second)) return
    existing?.end()
    const connection: Connection = new Connection(first, second, {
      clock: this.dependencies.clock,
      random: this.dependencies.random,
      options: this.options,
      wires: [this.wire(first.member, second.member), this.wire(second.member, first.member)],
      onEnd: () => {
        if (this.connections.get(key) === connection) this.connections.delete(key)
        this.reconnectLater(a, b)
      },
    })
    this.connections.set(key, connection)
  }

  private wire(from: MemberId, to: MemberId): Wire {
    const key = `${from} ${to}`
    let wire = this.wires.get(key)
    if (wire === undefined) {
      const { delayMs, jitterMs } = this.options
      wire = { delayMs, jitterMs, isCut: false, bytesPerMs: undefined, busyUntil: 0 }
      this.wires.set(key, wire)
    }
    return wire
  }
}

interface NodeEvents {
  started(node: MemoryNetwork): void
  stopped(node: MemoryNetwork, isNoticed: boolean): void
}

/** One process of one member. */
export class MemoryNetwork implements Network {
  readonly member: MemberId
  private readonly clock: Clock
  private readonly events: NodeEvents
  private readonly connections = new Map<MemberId, Connection>()
  private handlers: NetworkHandlers | undefined
  private inEvent: (event: () => void) => void = (event) => event()
  private isStopped = false

  constructor(member: MemberId, clock: Clock, events: NodeEvents) {
    this.member = member
    this.clock = clock
    this.events = events
  }

  get isStarted(): boolean {
    return this.handlers !== undefined && !this.isStopped
  }

  /** @param inEvent runs something in the process when it is its turn: at once, or when a process that is held goes on */
  start(handlers: NetworkHandlers, inEvent: (event: () => void) => void = this.inEvent): void {
    assert(this.handlers === undefined, 'the network is started once')
    this.handlers = handlers
    this.inEvent = inEvent
    this.events.started(this)
  }

  send(peer: MemberId, lane: Lane, bytes: Uint8Array): void {
    assert(bytes.length <= messageBytesMax, `message of ${bytes.length} bytes`)
    this.connections.get(peer)?.send(this, lane, bytes)
  }

  unacknowledged(peer: MemberId, lane: Lane): number {
    return this.connections.get(peer)?.unacknowledged(this, lane) ?? 0
  }

  /** The process ends in order, or is killed while its machine lives: the peers notice at once. No handler is called any more. */
  stop(): void {
    this.end(true)
  }

  /** The machine is gone: the peers notice only by the silence. */
  vanish(): void {
    this.end(false)
  }

  /** @internal The connection to a peer is there, or is lost. */
  connectionChanged(peer: MemberId, connection: Connection, isUp: boolean): void {
    // An event of its own for each end: neither is called from within the other's handler. Nothing is sent on a connection of which the
    // process has not been told: its greeting is the first that goes there.
    this.clock.after(0, () => this.inEvent(() => this.take(peer, connection, isUp)))
  }

  private take(peer: MemberId, connection: Connection, isUp: boolean): void {
    if (this.isStopped) return
    if (isUp) this.connections.set(peer, connection)
    else if (!this.connections.delete(peer)) return
    this.handlers?.onPeer(peer, isUp)
  }

  /** @internal */
  deliver(from: MemberId, lane: Lane, bytes: Uint8Array, release: () => void): void {
    if (!this.isStopped) this.handlers?.onMessage(from, lane, bytes, release)
  }

  private end(isNoticed: boolean): void {
    if (this.isStopped) return
    this.isStopped = true
    this.connections.clear()
    this.events.stopped(this, isNoticed)
  }
}

interface ConnectionDependencies {
  readonly clock: Clock
  readonly random: Random
  readonly options: Pick<MemoryNetworkOptions, 'silenceMs' | 'queueBytesMax' | 'queueMessagesMax'>
  /** From the first end to the second, and back. */
  readonly wires: readonly [Wire, Wire]
  onEnd(): void
}

/** What one end has sent on one lane. */
interface Flow {
  readonly queue: Uint8Array[]
  queuedBytes: number
  inFlightBytes: number
}

/** One direction of a connection: what travels it does so in order, and waits at the head of a cut wire. */
interface Way {
  readonly from: MemoryNetwork
  readonly to: MemoryNetwork
  readonly wire: Wire
  readonly flows: Readonly<Record<Lane, Flow>>
  readonly items: { readonly arrive: () => void; dueAt: number }[]
  /** Set while the head is on its way. */
  cancelArrival: (() => void) | undefined
}

function wayOf(from: MemoryNetwork, to: MemoryNetwork, wire: Wire): Way {
  const flow = (): Flow => ({ queue: [], queuedBytes: 0, inFlightBytes: 0 })
  return {
    from,
    to,
    wire,
    flows: { control: flow(), append: flow(), bulk: flow() },
    items: [],
    cancelArrival: undefined,
  }
}

class Connection {
  private readonly there: Way
  private readonly back: Way
  private readonly dependencies: ConnectionDependencies
  private isEnded = false
  private isSilent = false
  private cancelSilence: (() => void) | undefined

  constructor(first: MemoryNetwork, second: MemoryNetwork, dependencies: ConnectionDependencies) {
    this.dependencies = dependencies
    const [there, back] = dependencies.wires
    this.there = wayOf(first, second, there)
    this.back = wayOf(second, first, back)
    first.connectionChanged(second.member, this, true)
    second.connectionChanged(first.member, this, true)
  }

  joins(node: MemoryNetwork): boolean {
    return this.there.from === node || this.there.to === node
  }

  send(from: MemoryNetwork, lane: Lane, bytes: Uint8Array): void {
    const way = this.wayFrom(from)
    const flow = way.flows[lane]
    flow.queue.push(bytes)
    flow.queuedBytes += wireBytesOf(bytes.length)
    this.pump(way, lane)
    const { clock, options } = this.dependencies
    if (flow.queuedBytes <= options.queueBytesMax && flow.queue.length <= options.queueMessagesMax) return
    // Not from within send: a loss comes back as an event of its own.
    clock.after(0, () => this.end())
  }

  unacknowledged(from: MemoryNetwork, lane: Lane): number {
    const flow = this.wayFrom(from).flows[lane]
    return flow.queuedBytes + flow.inFlightBytes
  }

  /** A wire was cut or mended. */
  wiresChanged(): void {
    if (this.isEnded || this.isSilent) return
    const { clock, options } = this.dependencies
    if (this.there.wire.isCut || this.back.wire.isCut) {
      this.cancelSilence ??= clock.after(options.silenceMs, () => this.end())
      return
    }
    this.cancelSilence?.()
    this.cancelSilence = undefined
    this.forward(this.there)
    this.forward(this.back)
  }

  /** A wire has room again. */
  widened(wire: Wire): void {
    const way = this.there.wire === wire ? this.there : this.back
    const latest = this.dependencies.clock.monotonic() + wire.delayMs + wire.jitterMs
    for (const item of way.items) item.dueAt = Math.min(item.dueAt, latest)
    way.cancelArrival?.()
    way.cancelArrival = undefined
    this.forward(way)
  }

  /** One end is gone without a word: nothing arrives any more, and the silence is noticed in time. */
  goSilent(): void {
    this.isSilent = true
    this.cancelSilence ??= this.dependencies.clock.after(this.dependencies.options.silenceMs, () => this.end())
  }

  end(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.cancelSilence?.()
    const { from: first, to: second } = this.there
    first.connectionChanged(second.member, this, false)
    second.connectionChanged(first.member, this, false)
    this.dependencies.onEnd()
  }

  /** Sends what the credit allows. A message larger than the credit travels alone. */
  private pump(way: Way, lane: Lane): void {
    const flow = way.flows[lane]
    for (;;) {
      const bytes = flow.queue[0]
      if (bytes === undefined) return
      const wireBytes = wireBytesOf(bytes.length)
      const costBytes = Math.min(wireBytes, laneCreditBytes)
      if (flow.inFlightBytes + costBytes > laneCreditBytes) return
      flow.queue.shift()
      flow.queuedBytes -= wireBytes
      flow.inFlightBytes += costBytes
      this.travel(way, wireBytes, () => {
        let isReleased = false
        way.to.deliver(way.from.member, lane, bytes.slice(), () => {
          if (isReleased || this.isEnded) return
          isReleased = true
          this.travel(way === this.there ? this.back : this.there, 0, () => {
            flow.inFlightBytes -= costBytes
            this.pump(way, lane)
          })
        })
      })
    }
  }

  /** Puts something on the wire; it arrives in order, as an event of its own. */
  private travel(way: Way, bytes: number, arrive: () => void): void {
    const { clock, random } = this.dependencies
    const { wire } = way
    const { delayMs, jitterMs, bytesPerMs } = wire
    const drawnMs = jitterMs === 0 ? 0 : random.below(jitterMs + 1)
    if (bytesPerMs !== undefined) {
      wire.busyUntil = Math.max(wire.busyUntil, clock.monotonic()) + Math.ceil(bytes / bytesPerMs)
    }
    const setsOutAt = bytesPerMs === undefined ? clock.monotonic() : wire.busyUntil
    way.items.push({ arrive, dueAt: setsOutAt + delayMs + drawnMs })
    this.forward(way)
  }

  /** Waits for the head of the way; the next only sets out when it has arrived, so that no draw of delays reorders them. */
  private forward(way: Way): void {
    const head = way.items[0]
    if (head === undefined || way.cancelArrival !== undefined || this.isEnded || this.isSilent || way.wire.isCut) return
    const { clock } = this.dependencies
    way.cancelArrival = clock.after(Math.max(0, head.dueAt - clock.monotonic()), () => {
      way.cancelArrival = undefined
      if (this.isEnded || this.isSilent || way.wire.isCut) return
      way.items.shift()
      head.arrive()
      this.forward(way)
    })
  }

  private wayFrom(end: MemoryNetwork): Way {
    return end === this.there.from ? this.there : this.back
  }
}

const pairKey = (a: MemberId, b: MemberId): string => (a < b ? `${a} ${b}` : `${b} ${a}`)

function membersOf(wireKey: string): [MemberId, MemberId] {
  const [from, to] = wireKey.split(' ')
  assert(from !== undefined && to !== undefined, 'a wire has two ends')
  return [from, to]
}
