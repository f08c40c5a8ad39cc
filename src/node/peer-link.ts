/**
 * One libp2p connection to one member: three lanes on three streams, the handshake before them, the heartbeat beside them, and one
 * end with a stable code, whatever it was. Of the two sides one *chooses* (the one with the smaller network key): it says `accept`
 * on the connection that both then use, so the two never disagree about which of several connections that is. Which one to choose
 * is decided in `libp2p-network.ts`.
 *
 *     dialler   opens control, append, bulk ──────────►   listener
 *     hello ──────────────────────────────────────────►
 *                 ◄──────────────────────────────── hello
 *     chooser: accept ────────────────────────────────►   both: up, messages flow
 */
import type { Connection, Stream } from '@libp2p/interface'
import { fromUtf8, utf8 } from '../chain/bytes.ts'
import { type FrameType, frameType } from './framing.ts'
import { type ExpectedPeer, encodeHello, type Hello, readHello } from './handshake.ts'
import { type LaneOptions, LanePipe } from './lane.ts'
import { updateWindowSeldom } from './libp2p-guard.ts'
import { isNetworkCode, type NetworkCode } from './network-code.ts'
import { type Clock, type Lane, lanes, type MemberId } from './ports.ts'

/** A connection that was asked to close politely gets this long to hand over its last words. */
const goodbyeMs = 1_000

export interface LinkOptions {
  readonly member: MemberId
  /** This side has the smaller network key. */
  readonly isChooser: boolean
  readonly expected: ExpectedPeer
  /** From connection to `accept`. */
  readonly handshakeMs: number
  /** A beat is sent, and silence is counted, this often. */
  readonly beatMs: number
  /** After this many beats in a row without a byte heard, or with a stream that takes none, the connection is given up. */
  readonly silentBeats: number
  readonly lane: LaneOptions
}

export interface LinkDependencies {
  readonly clock: Clock
  readonly connection: Connection
  /** What this node says of itself now. */
  readonly hello: () => Hello
  /** Chooser only, asked once the peer is known to be right: use this connection? */
  readonly choose: (link: PeerLink) => boolean
  readonly onUp: (link: PeerLink) => void
  readonly onMessage: (link: PeerLink, lane: Lane, bytes: Uint8Array, release: () => void) => void
  /** The link ended; called once. `isTold`: the peer gave the reason. */
  readonly onClosed: (link: PeerLink, code: NetworkCode, detail: string, isTold: boolean) => void
  /** Something of ours threw. */
  readonly onFatal: (reason: string) => void
}

interface AttachedLane {
  readonly pipe: LanePipe
  stalledBeats: number
}

export class PeerLink {
  readonly member: MemberId
  readonly direction: 'inbound' | 'outbound'
  readonly remoteAddress: string
  /** What the peer said of itself; undefined until it has. */
  peer: Hello | undefined

  private readonly options: LinkOptions
  private readonly dependencies: LinkDependencies
  private readonly lanes = new Map<Lane, AttachedLane>()
  private state: 'greeting' | 'up' | 'closed' = 'greeting'
  private isAccepted = false
  private silentBeats = 0
  private cancelHandshake: () => void
  private cancelBeat: () => void

  constructor(options: LinkOptions, dependencies: LinkDependencies) {
    this.options = options
    this.dependencies = dependencies
    this.member = options.member
    this.direction = dependencies.connection.direction
    this.remoteAddress = dependencies.connection.remoteAddr.toString()
    const { clock, connection } = dependencies
    this.cancelHandshake = clock.after(options.handshakeMs, () =>
      this.guarded(() => this.close('network.handshake-timeout')),
    )
    this.cancelBeat = clock.after(options.beatMs, () => this.guarded(() => this.beat()))
    connection.addEventListener('close', (event) =>
      this.guarded(() => this.close('network.connection-closed', event.error?.message)),
    )
  }

  get isUp(): boolean {
    return this.state === 'up'
  }

  /** Takes a freshly opened stream as a lane; must be called in the same turn in which the stream was handed out. */
  attach(lane: Lane, stream: Stream): void {
    if (this.state === 'closed') {
      stream.abort(new Error('the connection is closing'))
      return
    }
    if (this.lanes.has(lane)) {
      this.close('network.frame-malformed', `a second ${lane} lane`)
      return
    }
    const attached = { pipe: this.pipeOver(lane, stream), stalledBeats: 0 }
    this.lanes.set(lane, attached)
    const { pipe } = attached
    updateWindowSeldom(stream)
    stream.addEventListener('message', (event) => this.guarded(() => pipe.receive(chunksOf(event.data))))
    stream.addEventListener('drain', () =>
      this.guarded(() => {
        attached.stalledBeats = 0
        pipe.drained()
      }),
    )
    const ended = (detail: string): void => {
      const cut = pipe.truncatedBytes > 0 ? `, ${pipe.truncatedBytes} bytes into a frame` : ''
      this.close('network.stream-closed', `${lane}: ${detail}${cut}`)
    }
    stream.addEventListener('remoteCloseWrite', () => this.guarded(() => ended('ended by the peer')))
    stream.addEventListener('close', (event) => this.guarded(() => ended(event.error?.message ?? 'closed')))
    if (stream.status !== 'open') ended(stream.status)
    else if (lane === 'control') pipe.announce(frameType.hello, encodeHello(this.dependencies.hello()))
    this.advance()
  }

  send(lane: Lane, bytes: Uint8Array): void {
    if (this.state === 'up') this.lanes.get(lane)?.pipe.send(bytes)
  }

  unacknowledged(lane: Lane): number {
    return this.lanes.get(lane)?.pipe.unacknowledgedBytes ?? 0
  }

  /** Ends the connection. With `isPolite` the peer is told why first. Twice is harmless. */
  close(code: NetworkCode, detail = '', isPolite = false): void {
    this.end(code, detail, isPolite, false)
  }

  private end(code: NetworkCode, detail: string, isPolite: boolean, isTold: boolean): void {
    if (this.state === 'closed') return
    const control = this.lanes.get('control')?.pipe
    if (isPolite && control !== undefined) {
      control.announce(frameType.bye, utf8(code))
      control.flushNow()
    }
    this.state = 'closed'
    this.cancelHandshake()
    this.cancelBeat()
    for (const { pipe } of this.lanes.values()) pipe.close()
    this.disconnect(code, isPolite)
    this.dependencies.onClosed(this, code, detail, isTold)
  }

  private disconnect(code: NetworkCode, isPolite: boolean): void {
    const { connection } = this.dependencies
    const abort = (): void => {
      try {
        connection.abort(new Error(code))
      } catch {
        // libp2p is already closing it
      }
    }
    // Not now: this may be a stream's close event, in the middle of libp2p's own closing, which must end first.
    if (!isPolite) setImmediate(abort)
    else connection.close({ signal: AbortSignal.timeout(goodbyeMs) }).then(undefined, abort)
  }

  private pipeOver(lane: Lane, stream: Stream): LanePipe {
    const { clock, onMessage } = this.dependencies
    return new LanePipe(this.options.lane, {
      write: (bytes) => this.write(stream, bytes),
      soon: (run) => void setImmediate(() => this.guarded(run)),
      after: (ms, wake) => clock.after(ms, () => this.guarded(wake)),
      onMessage: (bytes, release) => onMessage(this, lane, bytes, release),
      onFrame: (type, payload) => this.takeFrame(lane, type, payload),
      onFailure: (code, detail) => this.close(code, `${lane}: ${detail}`),
    })
  }

  private write(stream: Stream, bytes: Uint8Array): boolean {
    try {
      return stream.send(bytes)
    } catch {
      // The stream is closing; its close event, which is on its way, ends the link.
      return false
    }
  }

  private takeFrame(lane: Lane, type: FrameType, payload: Uint8Array): void {
    if (lane !== 'control') this.close('network.frame-malformed', `frame type ${type} on ${lane}`)
    else if (type === frameType.hello) this.takeHello(payload)
    else if (type === frameType.accept) this.takeAccept()
    else if (type === frameType.bye) this.takeBye(payload)
    // A beat says only that the peer is there, which every byte does.
  }

  private takeHello(payload: Uint8Array): void {
    if (this.peer !== undefined) {
      this.close('network.handshake-malformed', 'a second hello')
      return
    }
    const hello = readHello(payload, this.options.expected)
    if (typeof hello === 'string') {
      this.close(hello, '', true)
      return
    }
    this.peer = { ...hello, session: hello.session.slice() }
    this.advance()
  }

  private takeAccept(): void {
    if (this.options.isChooser || this.peer === undefined || this.isAccepted) {
      this.close('network.handshake-malformed', 'an accept out of turn')
      return
    }
    this.isAccepted = true
    this.advance()
  }

  private takeBye(payload: Uint8Array): void {
    const text = payload.length <= 64 && payload.every((byte) => byte < 128) ? fromUtf8(payload) : ''
    const code = isNetworkCode(text) ? text : 'network.connection-closed'
    this.end(code, '', false, true)
  }

  /** Goes up as soon as the peer is known, all lanes are there, and the chooser has said so. */
  private advance(): void {
    if (this.state !== 'greeting' || this.peer === undefined || this.lanes.size < lanes.length) return
    if (this.options.isChooser) {
      if (!this.dependencies.choose(this)) {
        this.close('network.duplicate', '', true)
        return
      }
      this.lanes.get('control')?.pipe.announce(frameType.accept)
    } else if (!this.isAccepted) {
      return
    }
    this.state = 'up'
    this.cancelHandshake()
    this.dependencies.onUp(this)
    for (const { pipe } of this.lanes.values()) pipe.open()
  }

  /**
   * Silence is counted in beats and not in time: when this process was busy for long, one beat fires late, and what the peer sent
   * meanwhile is read before the next.
   */
  private beat(): void {
    if (this.state === 'closed') return
    let heardBytes = 0
    for (const lane of this.lanes.values()) {
      heardBytes += lane.pipe.heardBytes
      lane.pipe.heardBytes = 0
      lane.stalledBeats = lane.pipe.isStalled ? lane.stalledBeats + 1 : 0
    }
    const control = this.lanes.get('control')?.pipe
    // Before there is a lane to hear anything on, the handshake's own limit holds.
    this.silentBeats = heardBytes > 0 || control === undefined ? 0 : this.silentBeats + 1
    const beats = this.options.silentBeats
    if (this.silentBeats >= beats) {
      this.close('network.silent', `${beats} beats`)
      return
    }
    if ([...this.lanes.values()].some((lane) => lane.stalledBeats >= beats)) {
      this.close('network.stalled', `${beats} beats`)
      return
    }
    // On a stream that takes nothing, beats would only pile up.
    if (control !== undefined && !control.isStalled) control.announce(frameType.beat)
    this.cancelBeat = this.dependencies.clock.after(this.options.beatMs, () => this.guarded(() => this.beat()))
  }

  /** Everything enters through here: an exception in a libp2p listener would otherwise end the process without a word. */
  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.dependencies.onFatal(`network: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
}

const chunksOf = (data: Uint8Array | Iterable<Uint8Array>): Iterable<Uint8Array> =>
  data instanceof Uint8Array ? [data] : data
