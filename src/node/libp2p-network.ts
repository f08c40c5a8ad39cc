/**
 * The `Network` port over libp2p: TCP, noise, yamux, and nothing else of libp2p's. It knows the members and their network keys from
 * the ledger, refuses everybody else as soon as noise has shown who they are, and keeps one connection per member in use. Either
 * side may dial, as the configuration allows; when two connections meet, the side with the smaller network key chooses:
 *
 *  - it keeps the one in use, unless the peer is another process than before (a restart, so the old connection is stale), or the
 *    peer says that it has none and the one in use is no longer young (so the peer has lost it and we have not noticed yet).
 *
 * Frames, credit and order are `lane.ts`'s, the handshake and heartbeat `peer-link.ts`'s, pauses between dials `dial-supervisor.ts`'s.
 */

import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, ConnectionGater, Libp2p, MultiaddrConnection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { assert } from '../chain/assert.ts'
import { compareBytes, equalBytes } from '../chain/bytes.ts'
import { ed25519KeyOf, type TaggedKey } from '../chain/keys.ts'
import { Refusal } from '../chain/refusal.ts'
import { DialSupervisor } from './dial-supervisor.ts'
import { type Hello, networkProtocolVersion, sessionBytes } from './handshake.ts'
import { abortable, addressOf, libp2pPeerId, protocolOf, startLibp2p } from './libp2p-node.ts'
import { isMisconfiguration, type NetworkCode } from './network-code.ts'
import { defaultNetworkLimits, type NetworkLimits } from './network-limits.ts'
import { PeerLink } from './peer-link.ts'
import {
  type Clock,
  type Lane,
  type Log,
  type LogFields,
  lanes,
  type MemberId,
  type Network,
  type NetworkHandlers,
  type Random,
} from './ports.ts'

/** Who opens connections: firewalls often allow one direction only. `out`: only we dial. `in`: only the peer dials. */
export type DialPolicy = 'either' | 'out' | 'in'

export interface PeerOptions {
  readonly member: MemberId
  /** Node id in force for that member. */
  readonly node: string
  /** Tagged Ed25519 key; its libp2p peer id is derived from it. */
  readonly networkKey: TaggedKey
  /** Multiaddrs, tried in this order; a `/p2p/…` at the end must be the member's own and may be left out. */
  readonly addresses: readonly string[]
  readonly dial: DialPolicy
}

export interface Libp2pNetworkOptions {
  /** Ledger id and genesis hash, hex. */
  readonly ledger: string
  readonly genesis: string
  readonly member: MemberId
  readonly node: string
  /** Ed25519 seed (32 bytes) of this node's network key. */
  readonly networkSeed: Uint8Array
  /** Multiaddrs to listen on; empty: this node only dials. Port 0 takes a free one. */
  readonly listen: readonly string[]
  readonly peers: readonly PeerOptions[]
  readonly limits?: Partial<NetworkLimits>
}

export interface Libp2pNetworkDependencies {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly onFatal: (reason: string) => void
}

/** How the connection to one member stands, for status and for the operator. */
export interface PeerStatus {
  readonly member: MemberId
  readonly isConnected: boolean
  readonly direction: 'inbound' | 'outbound' | null
  readonly remoteAddress: string | null
  /** Wall clock, milliseconds. */
  readonly connectedSince: number | null
  readonly unacknowledgedBytes: number
  /** Why the last connection or attempt ended. */
  readonly lastCode: NetworkCode | null
  readonly nextDialInMs: number | null
}

interface Peer {
  readonly options: PeerOptions
  readonly peerId: PeerId
  readonly isChooser: boolean
  addresses: readonly Multiaddr[]
  readonly links: Set<PeerLink>
  inUse: PeerLink | undefined
  inUseSince: number
  connectedSince: number
  isDialling: boolean
  lastCode: NetworkCode | undefined
  /** Since the last connection in use, one failed dial has been logged; the rest is for the debug log. */
  isFailureLogged: boolean
}

const stopMs = 5_000
const refusalLogPauseMs = 60_000
const refusalLogSourcesMax = 256

export class Libp2pNetwork implements Network {
  private readonly options: Libp2pNetworkOptions
  private readonly limits: NetworkLimits
  private readonly dependencies: Libp2pNetworkDependencies
  private readonly session: Uint8Array
  private readonly peers = new Map<MemberId, Peer>()
  private readonly peersById = new Map<string, Peer>()
  private readonly linksByConnection = new Map<string, PeerLink>()
  private readonly supervisor: DialSupervisor
  private readonly stopping = new AbortController()
  private readonly refusalsLoggedAt = new Map<string, number>()
  private handlers: NetworkHandlers | undefined
  private node: Libp2p | undefined

  /**
   * Binds the listening addresses; connections are refused, and none is opened, until `start`.
   * @throws {Refusal} network.bad-configuration for an address or key, network.cannot-listen
   */
  static async create(options: Libp2pNetworkOptions, dependencies: Libp2pNetworkDependencies): Promise<Libp2pNetwork> {
    const network = new Libp2pNetwork(options, dependencies)
    await network.listen()
    return network
  }

  private constructor(options: Libp2pNetworkOptions, dependencies: Libp2pNetworkDependencies) {
    this.options = options
    this.limits = { ...defaultNetworkLimits, ...options.limits }
    this.dependencies = dependencies
    this.session = dependencies.random.bytes(sessionBytes)
    this.supervisor = new DialSupervisor(this.limits, {
      clock: dependencies.clock,
      random: dependencies.random,
      dial: (member) => this.guarded(() => this.dial(this.peerOf(member))),
    })
  }

  start(handlers: NetworkHandlers): void {
    assert(this.handlers === undefined, 'the network is started once')
    this.handlers = handlers
    for (const peer of this.peers.values()) this.wantIfDialled(peer)
  }

  send(peer: MemberId, lane: Lane, bytes: Uint8Array): void {
    this.peers.get(peer)?.inUse?.send(lane, bytes)
  }

  unacknowledged(peer: MemberId, lane: Lane): number {
    return this.peers.get(peer)?.inUse?.unacknowledged(lane) ?? 0
  }

  /** Where this node listens, each address with its peer id. */
  addresses(): readonly string[] {
    return this.node?.getMultiaddrs().map(String) ?? []
  }

  /** @throws {Refusal} network.bad-configuration: an address that is none, or names another peer id */
  setAddresses(member: MemberId, addresses: readonly string[]): void {
    const peer = this.peerOf(member)
    peer.addresses = addresses.map((text) => addressOf(text, peer.peerId))
    this.wantIfDialled(peer)
    this.supervisor.hasten(member)
  }

  peerStatus(): readonly PeerStatus[] {
    return [...this.peers.values()].map((peer) => {
      const { inUse } = peer
      return {
        member: peer.options.member,
        isConnected: inUse !== undefined,
        direction: inUse?.direction ?? null,
        remoteAddress: inUse?.remoteAddress ?? null,
        connectedSince: inUse === undefined ? null : peer.connectedSince,
        unacknowledgedBytes: lanes.reduce((sum, lane) => sum + (inUse?.unacknowledged(lane) ?? 0), 0),
        lastCode: peer.lastCode ?? null,
        nextDialInMs: this.supervisor.nextDialInMs(peer.options.member) ?? null,
      }
    })
  }

  /** Tells the peers, closes everything. No handler is called any more. Twice is harmless. */
  async stop(): Promise<void> {
    if (this.stopping.signal.aborted) return
    this.handlers = undefined
    this.stopping.abort()
    this.supervisor.stop()
    for (const link of [...this.linksByConnection.values()]) link.close('network.stopping', '', true)
    // libp2p gives connections half a second to close; the limit is for what it may forget.
    const stopped = Promise.resolve(this.node?.stop()).catch(() => undefined)
    await Promise.race([stopped, delay(stopMs)])
  }

  // Setting up

  private async listen(): Promise<void> {
    const { networkSeed, listen } = this.options
    const privateKey = await generateKeyPairFromSeed('Ed25519', networkSeed)
    for (const options of this.options.peers) this.addPeer(options, privateKey.publicKey.raw)
    try {
      this.node = await startLibp2p({
        privateKey,
        listen,
        peers: this.peers.size,
        limits: this.limits,
        gater: this.gater(),
        onConnection: (connection) => this.guarded(() => this.opened(connection)),
        onStream: (lane, stream, connection) => this.guarded(() => this.takeStream(lane, stream, connection)),
      })
    } catch (error) {
      throw new Refusal('network.cannot-listen', `${listen.join(', ')}: ${reasonsOf(error)}`)
    }
  }

  private addPeer(options: PeerOptions, ownKey: Uint8Array): void {
    const key = ed25519KeyOf(options.networkKey)
    if (key === undefined)
      throw new Refusal('network.bad-configuration', `${options.member}: the network key is not Ed25519`)
    const peerId = libp2pPeerId(options.networkKey)
    const isKnown = this.peers.has(options.member) || this.peersById.has(peerId.toString())
    if (isKnown || options.member === this.options.member || equalBytes(key, ownKey)) {
      throw new Refusal('network.bad-configuration', `${options.member}: member or network key is listed twice`)
    }
    const peer: Peer = {
      options,
      peerId,
      isChooser: compareBytes(ownKey, key) < 0,
      addresses: options.addresses.map((text) => addressOf(text, peerId)),
      links: new Set(),
      inUse: undefined,
      inUseSince: 0,
      connectedSince: 0,
      isDialling: false,
      lastCode: undefined,
      isFailureLogged: false,
    }
    this.peers.set(options.member, peer)
    this.peersById.set(peerId.toString(), peer)
  }

  /** libp2p asks before it dials, and again once noise has shown who the other side is. */
  private gater(): ConnectionGater {
    return {
      denyDialPeer: (id) => !this.peersById.has(id.toString()),
      denyInboundConnection: () => this.handlers === undefined,
      denyInboundEncryptedConnection: (id, connection) => this.denies(id, connection),
      denyOutboundEncryptedConnection: (id) => !this.peersById.has(id.toString()),
    }
  }

  private denies(id: PeerId, connection: MultiaddrConnection): boolean {
    const peer = this.peersById.get(id.toString())
    if (this.handlers !== undefined && peer?.options.dial !== 'out' && peer !== undefined) return false
    const code = peer === undefined ? 'network.not-a-member' : 'network.wrong-direction'
    const { address } = connection.remoteAddr.toString().match(/^\/ip[46]\/(?<address>[^/]+)/)?.groups ?? {}
    const { member } = peer?.options ?? {}
    this.logRefusal(code, member ?? address ?? '', { peerId: id.toString(), address, member })
    return true
  }

  // Connections

  private wantIfDialled(peer: Peer): void {
    if (this.handlers === undefined || peer.options.dial === 'in' || peer.addresses.length === 0) return
    this.supervisor.want(peer.options.member)
  }

  private dial(peer: Peer): void {
    peer.isDialling = true
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(this.limits.dialMs)])
    this.openLanes(peer, signal).then(
      () => this.guarded(() => this.dialEnded(peer, undefined)),
      (error: unknown) => this.guarded(() => this.dialEnded(peer, error)),
    )
  }

  private async openLanes(peer: Peer, signal: AbortSignal): Promise<void> {
    assert(this.node !== undefined, 'dialling before listening')
    // force: a connection that libp2p still believes in may be the stale one that made us dial.
    const dialled = this.node.dial([...peer.addresses], { signal, force: true })
    const connection = await abortable(dialled, signal, (late) => late.abort(new Error('dialled too late')))
    const link = this.linksByConnection.get(connection.id)
    if (link === undefined || connection.direction === 'inbound') return
    const opening = lanes.map(async (lane) => {
      const opened = connection.newStream([protocolOf(lane)], { signal })
      const stream = await abortable(opened, signal, (late) => late.abort(new Error('opened too late')))
      this.guarded(() => link.attach(lane, stream))
    })
    try {
      await Promise.all(opening)
    } catch (error) {
      link.close('network.stream-closed', error instanceof Error ? error.message : String(error))
    }
  }

  private dialEnded(peer: Peer, error: unknown): void {
    peer.isDialling = false
    if (this.stopping.signal.aborted) return
    if (error !== undefined) {
      const detail = reasonsOf(error)
      // Noise ends with this name when the key it meets is not the one in the address.
      const isOtherKey = /does not match expected remote identity key/.test(detail)
      peer.lastCode = isOtherKey ? 'network.wrong-key' : 'network.unreachable'
      const level = peer.isFailureLogged ? 'debug' : 'info'
      peer.isFailureLogged = true
      this.dependencies.log[level]('dial failed', { member: peer.options.member, code: peer.lastCode, detail })
    }
    this.settle(peer)
  }

  /** Every connection that passed noise, of either direction, gets a link at once: it is closed unless it shakes hands in time. */
  private opened(connection: Connection): void {
    const peer = this.peersById.get(connection.remotePeer.toString())
    if (peer === undefined || this.handlers === undefined) {
      connection.abort(new Error('not wanted'))
      return
    }
    if (peer.links.size >= this.limits.linksPerPeerMax) {
      const code = 'network.too-many-connections'
      this.logRefusal(code, peer.options.member, { address: connection.remoteAddr.toString() })
      connection.abort(new Error(code))
      return
    }
    const { ledger, genesis } = this.options
    const { handshakeMs, beatMs, silentBeats, queueBytesMax, queueMessagesMax } = this.limits
    const { member, node } = peer.options
    const link = new PeerLink(
      {
        member,
        isChooser: peer.isChooser,
        expected: { ledger, genesis, member, node },
        handshakeMs,
        beatMs,
        silentBeats,
        lane: { queueBytesMax, queueMessagesMax },
      },
      {
        clock: this.dependencies.clock,
        connection,
        hello: () => this.helloTo(peer),
        choose: (candidate) => this.chooses(peer, candidate),
        onUp: (up) => this.linkUp(peer, up),
        onMessage: (from, lane, bytes, release) => this.deliver(peer, from, lane, bytes, release),
        onClosed: (closed, code, detail, isTold) => this.linkClosed(peer, connection.id, closed, code, detail, isTold),
        onFatal: this.dependencies.onFatal,
      },
    )
    peer.links.add(link)
    this.linksByConnection.set(connection.id, link)
  }

  private takeStream(lane: Lane, stream: Stream, connection: Connection): void {
    const link = this.linksByConnection.get(connection.id)
    if (link === undefined) stream.abort(new Error('the connection is closing'))
    else if (link.direction === 'outbound') link.close('network.frame-malformed', 'the listening side opened a stream')
    else link.attach(lane, stream)
  }

  private helloTo(peer: Peer): Hello {
    const { ledger, genesis, member, node } = this.options
    return {
      protocolVersion: networkProtocolVersion,
      ledger,
      genesis,
      member,
      node,
      session: this.session,
      hasConnection: peer.inUse !== undefined,
    }
  }

  /** The rule for two connections, at the head of this file. */
  private chooses(peer: Peer, candidate: PeerLink): boolean {
    const { inUse } = peer
    if (inUse?.peer === undefined || candidate.peer === undefined) return true
    if (!equalBytes(inUse.peer.session, candidate.peer.session)) return true
    const isYoung = this.dependencies.clock.monotonic() - peer.inUseSince < this.limits.youngMs
    return !candidate.peer.hasConnection && !isYoung
  }

  private linkUp(peer: Peer, link: PeerLink): void {
    peer.inUse?.close('network.replaced', '', true)
    peer.inUse = link
    peer.inUseSince = this.dependencies.clock.monotonic()
    peer.connectedSince = this.dependencies.clock.wall()
    peer.lastCode = undefined
    peer.isFailureLogged = false
    const { member } = peer.options
    this.supervisor.connected(member)
    this.dependencies.log.info('peer connected', { member, direction: link.direction, address: link.remoteAddress })
    this.handlers?.onPeer(member, true)
  }

  private deliver(peer: Peer, link: PeerLink, lane: Lane, bytes: Uint8Array, release: () => void): void {
    if (peer.inUse === link) this.handlers?.onMessage(peer.options.member, lane, bytes, release)
  }

  private linkClosed(
    peer: Peer,
    connectionId: string,
    link: PeerLink,
    code: NetworkCode,
    detail: string,
    isTold: boolean,
  ): void {
    this.linksByConnection.delete(connectionId)
    peer.links.delete(link)
    const { member } = peer.options
    const fields = { member, code, detail, toldBy: isTold ? member : this.options.member, address: link.remoteAddress }
    if (peer.inUse === link) {
      peer.inUse = undefined
      peer.lastCode = code
      this.dependencies.log[code === 'network.stopping' ? 'info' : 'warn']('peer disconnected', fields)
      this.handlers?.onPeer(member, false)
    } else if (code === 'network.duplicate' || code === 'network.stopping') {
      this.dependencies.log.debug('connection closed', fields)
    } else {
      peer.lastCode = code
      this.logRefusal(code, member, fields)
    }
    this.settle(peer)
  }

  /** With no connection left and none on the way, the supervisor plans the next dial. */
  private settle(peer: Peer): void {
    if (peer.isDialling || peer.links.size > 0 || peer.inUse !== undefined) return
    this.supervisor.lost(peer.options.member, peer.lastCode !== undefined && isMisconfiguration(peer.lastCode))
  }

  private peerOf(member: MemberId): Peer {
    const peer = this.peers.get(member)
    assert(peer !== undefined, `no such peer: ${member}`)
    return peer
  }

  /** A peer or a stranger may knock as often as it likes without filling the log: one line per reason and source a minute. */
  private logRefusal(code: NetworkCode, from: string, fields: LogFields): void {
    const now = this.dependencies.clock.monotonic()
    const source = `${code} ${from}`
    const loggedAt = this.refusalsLoggedAt.get(source)
    if (loggedAt !== undefined && now - loggedAt < refusalLogPauseMs) return
    if (this.refusalsLoggedAt.size >= refusalLogSourcesMax) this.refusalsLoggedAt.clear()
    this.refusalsLoggedAt.set(source, now)
    this.dependencies.log.warn('connection refused', { member: from, ...fields, code })
  }

  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.dependencies.onFatal(`network: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
}

function reasonsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonsOf).join('; ')
  const text = error instanceof Error ? error.message : String(error)
  // libp2p puts the stacks of what failed into its words for it: lines for a programmer, of which an operator needs the reason.
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('at '))
    .join(' ')
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
