/**
 * Who is dialled when. It never gives up (libp2p's own keep-alive does, after five tries): every wanted peer without a connection is
 * dialled again and again, the pause doubling up to a limit and always jittered, so that nodes that lost each other at once do not
 * knock at once. A peer that refused us, or that we refused, waits longer: somebody has to change a configuration first. It decides
 * only when; how a dial is done, and whose connection wins, is `libp2p-network.ts`'s.
 */
import type { Clock, MemberId, Random } from './ports.ts'

export interface DialOptions {
  /** The pause before the first try after a loss is below this. */
  readonly firstPauseMs: number
  /** Pauses grow up to this: a healed network is found again within it. */
  readonly pauseMsMax: number
  /** Pause after a refusal that only a change of configuration ends. */
  readonly refusedPauseMs: number
  /** A connection that held this long makes the next pause short again; a shorter one does not, so that flapping slows down. */
  readonly steadyMs: number
}

export interface DialDependencies {
  readonly clock: Clock
  readonly random: Random
  /** Starts one dial; its end is told by `connected` or `lost`. */
  readonly dial: (member: MemberId) => void
}

type Standing =
  | { readonly kind: 'waiting'; readonly cancel: () => void; readonly dialAt: number }
  | { readonly kind: 'dialling' }
  | { readonly kind: 'connected'; readonly since: number }

interface Wanted {
  failures: number
  standing: Standing
}

export class DialSupervisor {
  private readonly options: DialOptions
  private readonly dependencies: DialDependencies
  private readonly peers = new Map<MemberId, Wanted>()

  constructor(options: DialOptions, dependencies: DialDependencies) {
    this.options = options
    this.dependencies = dependencies
  }

  /** From now on there is to be a connection to this peer. Twice is harmless. */
  want(member: MemberId): void {
    if (this.peers.has(member)) return
    this.peers.set(member, { failures: 0, standing: this.wait(member, this.jittered(this.options.firstPauseMs)) })
  }

  /** A connection to the peer is in use, whoever opened it. Ignored for peers that are not wanted. */
  connected(member: MemberId): void {
    const peer = this.peers.get(member)
    if (peer === undefined || peer.standing.kind === 'connected') return
    this.leave(peer)
    peer.standing = { kind: 'connected', since: this.dependencies.clock.monotonic() }
  }

  /** There is no connection to the peer and none on the way: plans the next dial. */
  lost(member: MemberId, isRefused: boolean): void {
    const peer = this.peers.get(member)
    if (peer === undefined || peer.standing.kind === 'waiting') return
    const { clock } = this.dependencies
    const { standing } = peer
    const wasSteady = standing.kind === 'connected' && clock.monotonic() - standing.since >= this.options.steadyMs
    peer.failures = wasSteady ? 0 : peer.failures + 1
    const { firstPauseMs, pauseMsMax, refusedPauseMs } = this.options
    // 2^20 first pauses are days; the bound keeps the power finite.
    const pauseMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(peer.failures, 20))
    peer.standing = this.wait(member, this.jittered(isRefused ? refusedPauseMs : pauseMs))
  }

  /** Something changed for the better (a new address): dial soon instead of at the planned time. */
  hasten(member: MemberId): void {
    const peer = this.peers.get(member)
    if (peer === undefined || peer.standing.kind !== 'waiting') return
    this.leave(peer)
    peer.failures = 0
    peer.standing = this.wait(member, this.jittered(this.options.firstPauseMs))
  }

  /** Milliseconds until the next dial; undefined when none is planned. */
  nextDialInMs(member: MemberId): number | undefined {
    const standing = this.peers.get(member)?.standing
    if (standing?.kind !== 'waiting') return undefined
    return Math.max(0, standing.dialAt - this.dependencies.clock.monotonic())
  }

  stop(): void {
    for (const peer of this.peers.values()) this.leave(peer)
    this.peers.clear()
  }

  private wait(member: MemberId, pauseMs: number): Standing {
    const { clock, dial } = this.dependencies
    const cancel = clock.after(pauseMs, () => {
      const peer = this.peers.get(member)
      if (peer === undefined) return
      peer.standing = { kind: 'dialling' }
      dial(member)
    })
    return { kind: 'waiting', cancel, dialAt: clock.monotonic() + pauseMs }
  }

  private leave(peer: Wanted): void {
    if (peer.standing.kind === 'waiting') peer.standing.cancel()
  }

  /** Between half of the pause and all of it. */
  private jittered(pauseMs: number): number {
    const half = Math.ceil(pauseMs / 2)
    return half + this.dependencies.random.below(half + 1)
  }
}
